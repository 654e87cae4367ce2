"""EFI_UNICODE_COLLATION_PROTOCOL: strings compared without regard to case, matched with patterns, and FAT's names.

Both of the specification's GUIDs have it, with "en" (RFC 4646) and "eng" (ISO 639-2) as the languages.

Source: UEFI 2.10, section 13.10.
"""
from __future__ import annotations

from boot.fat import names
from boot.uefi.definitions import Guid, Status
from boot.uefi.guest_memory import utf16
from boot.uefi.protocol import Protocol, method
from boot.uefi.tables import at_power_on

LEGAL = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'()-@^_`{}~")        # of 8.3 names, beside what is above 7Fh


class UnicodeCollation(Protocol):
    """The protocol under its present GUID."""

    guid = Guid("a4c751fc-23ae-4c3e-92e9-4964cf63f349")
    language = b"en\0"
    members = "StriColl MetaiMatch StrLwr StrUpr FatToStr StrToFat SupportedLanguages:CHAR8*"

    def initial(self):
        address = self.uefi.allocate_pool(len(self.language))
        self.uefi.write(address, self.language)
        return {"SupportedLanguages": address}

    @method("StriColl(IN CHAR16 *S1, IN CHAR16 *S2)")
    def stri_coll(self, call, first, second):
        """An INTN below, at, or above 0: the difference of the first characters that differ."""
        left, right = (utf16(names.fold(self.uefi.read_string(each))) for each in (first, second))
        for at in range(0, min(len(left), len(right)), 2):
            difference = int.from_bytes(left[at:at + 2], "little") - int.from_bytes(right[at:at + 2], "little")
            if difference:
                return difference
        return 0

    @method("MetaiMatch(IN CHAR16 *String, IN CHAR16 *Pattern)")
    def metai_match(self, call, string, pattern):
        text, wanted = (names.fold(self.uefi.read_string(each)) for each in (string, pattern))
        return int(matches(text, parse(wanted)))

    @method("StrLwr(IN OUT CHAR16 *Str)")
    def str_lwr(self, call, string):
        return self._change(string, str.lower)

    @method("StrUpr(IN OUT CHAR16 *Str)")
    def str_upr(self, call, string):
        return self._change(string, str.upper)

    def _change(self, string, change):
        text = self.uefi.read_string(string)
        new = "".join(other if len(other := change(character)) == 1 else character for character in text)
        self.uefi.write(string, utf16(new))
        return Status.SUCCESS

    @method("FatToStr(IN UINTN FatSize, IN CHAR8 *Fat, OUT CHAR16 *String)")
    def fat_to_str(self, call, size, fat, string):
        text = self.uefi.read(fat, min(size, 1 << 16)).split(b"\0")[0].decode("latin-1")
        self.uefi.write(string, utf16(text))
        return Status.SUCCESS

    @method("StrToFat(IN CHAR16 *String, IN UINTN FatSize, OUT CHAR8 *Fat)")
    def str_to_fat(self, call, string, size, fat):
        """TRUE if a character had to be replaced by an underscore. Blanks and dots are left out, and nothing is put behind
        the name, as in EDK2."""
        converted, replaced = bytearray(), 0
        for character in self.uefi.read_string(string):
            if character in ". ":
                continue
            if len(converted) == size:
                break
            upper = character.upper()
            good = upper in LEGAL or 0x7F < ord(character) < 0x100
            converted.append(ord(upper if upper in LEGAL else character) if good else ord("_"))
            replaced |= not good
        self.uefi.write(fat, bytes(converted))
        return int(replaced)


class OldUnicodeCollation(UnicodeCollation):
    """The same under the GUID of EFI 1.10."""

    guid = Guid("1d85cd7f-f43d-11d2-9a0c-0090273fc14d")
    language = b"eng\0"


def parse(pattern: str) -> list:
    """A pattern as a list: "*", "?", or the set of characters that match: a letter, or [a-z0]."""
    parts, at = [], 0
    while at < len(pattern):
        character = pattern[at]
        end = pattern.find("]", at + 2)
        if character == "[" and end > 0:
            inside, members, place = pattern[at + 1:end], set(), 0
            while place < len(inside):
                if inside[place + 1:place + 2] == "-" and place + 2 < len(inside):
                    members |= {chr(code) for code in range(ord(inside[place]), ord(inside[place + 2]) + 1)}
                    place += 3
                else:
                    members.add(inside[place])
                    place += 1
            parts.append(members)
            at = end + 1
        else:
            parts.append(character if character in "*?" else {character})
            at += 1
    return parts


def matches(text: str, parts: list) -> bool:
    """Whether the whole text matches; takes at most len(text) * len(parts) steps, whatever the pattern."""
    possible = {0}                      # how much of the pattern may have been used up so far
    for character in [*text, None]:
        for place in sorted(possible):
            while place < len(parts) and parts[place] == "*":
                place += 1
                possible.add(place)
        if character is None:
            return len(parts) in possible
        possible = {place if parts[place] == "*" else place + 1 for place in possible
                    if place < len(parts) and (parts[place] in ("*", "?") or character in parts[place])}
    return False


@at_power_on
def power_on(uefi):
    handle = uefi.install(0, UnicodeCollation(uefi))
    uefi.install(handle, OldUnicodeCollation(uefi))
