"""Names of files: what they may be, the short form DOS sees, when two names are the same.

A file has a short name, 8 and 3 bytes, upper case, and a long one if the short one cannot say it:

    kernel.elf                "KERNEL  ELF"     no long name: two bits say that base and extension are lower case
    Kernel.elf                "KERNEL  ELF"     a long name, because of its case
    initramfs-6.1.img         "INITRA~1IMG"     a long name; the tail makes the short one unique in its directory

Which code page a reader has nobody knows. So short names are read as code page 437 and written in ASCII; a character
beyond it is an underscore there, and itself in the long name.

Source: Microsoft, "FAT: General Overview of On-Disk Format" 1.03, "FAT Long Directory Entries" and "The Basis-Name
Generation Algorithm"; the two bits are those of Windows NT.
"""
from __future__ import annotations

from collections.abc import Container

from boot.fat.errors import Exists, NameInvalid

LONGEST = 255                               # UTF-16 units of a long name
FORBIDDEN = frozenset('"*/:<>?\\|') | {chr(code) for code in range(32)} | {"\uFFFF"}      # FFFFh is padding on disk
SHORT_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789$%'-_@~`!(){}^#&")
LOWER_BASE, LOWER_EXTENSION = 0x08, 0x10    # the two bits
CASE = LOWER_BASE | LOWER_EXTENSION
LAST_TAIL = 999999

DOTS = {".": b".          ", "..": b"..         "}


def normal(name: str) -> str:
    """The name as it is kept and looked for: blanks around it and dots behind it do not count."""
    if name in DOTS:
        return name
    return units(name.lstrip(" ").rstrip(" .")).decode("utf-16-le", "surrogatepass")      # pairs become one character


def check(name: str) -> str:
    """normal(name), if a file can be called that; NameInvalid if not."""
    kept = normal(name)
    if kept in DOTS or not kept:
        raise NameInvalid(f"{name!r} cannot be the name of a file")
    if wrong := sorted(FORBIDDEN.intersection(kept)):
        raise NameInvalid(f"{name!r} has the character {wrong[0]!r}, which no name may have")
    if len(units(kept)) > 2 * LONGEST:
        raise NameInvalid(f"a name of {len(units(kept)) // 2} characters is too long: {LONGEST} are the most")
    return kept


def units(name: str) -> bytes:
    """The name in UTF-16, little endian, as long entries hold it; surrogates need not be pairs."""
    return name.encode("utf-16-le", "surrogatepass")


def fold(name: str) -> str:
    """What is equal of equal names: each character in upper case, where that is one character."""
    return "".join(upper if len(upper := character.upper()) == 1 else character for character in name)


# ---- the short name ------------------------------------------------------------------------------------------------

def short_text(short: bytes, case: int = 0) -> str:
    """`KERNEL.ELF` of 11 bytes; `kernel.elf` with both bits of `case` set. E5h, a deleted entry's mark, is kept as 05h."""
    if short[0] == 0x05:
        short = b"\xE5" + short[1:]
    base, extension = (part.rstrip(b" ").decode("cp437") for part in (short[:8], short[8:]))
    base = base.lower() if case & LOWER_BASE else base
    extension = extension.lower() if case & LOWER_EXTENSION else extension
    return f"{base}.{extension}" if extension else base


def plain_short(name: str) -> tuple[bytes, int] | None:
    """(short name, case bits) that say all of `name`; None if it takes a long name."""
    base, dot, extension = name.partition(".")
    if not 1 <= len(base) <= 8 or not bool(dot) <= len(extension) <= 3:
        return None
    case = 0
    for part, bit in ((base, LOWER_BASE), (extension, LOWER_EXTENSION)):
        if not part.isascii() or not SHORT_CHARACTERS.issuperset(part.upper()):
            return None
        if part != part.upper():
            if part != part.lower():
                return None
            case |= bit
    return _padded(base.upper(), extension.upper()), case


def choose_short(name: str, taken: Container[bytes]) -> tuple[bytes, int]:
    """(short name of 11 bytes, case bits) for a new file `name` in a directory that has the short names `taken`."""
    if (plain := plain_short(name)) and plain[0] not in taken:
        return plain
    base, extension, exact = _basis(name)
    if exact and _padded(base, extension) not in taken:
        return _padded(base, extension), 0

    def with_tail(number):
        tail = f"~{number}"
        return _padded(base[:8 - len(tail)] + tail, extension)

    taken_one, free_one = 0, 1                      # numbers are given out in order: double, then halve what is between
    while with_tail(free_one) in taken:
        if free_one == LAST_TAIL:
            raise Exists(f"{name!r}: all {LAST_TAIL} short names for it are taken")
        taken_one, free_one = free_one, min(2 * free_one, LAST_TAIL)
    while free_one - taken_one > 1:
        middle = (taken_one + free_one) // 2
        if with_tail(middle) in taken:
            taken_one = middle
        else:
            free_one = middle
    return with_tail(free_one), 0


def checksum(short: bytes) -> int:
    """The byte by which long entries know the short one they belong to."""
    total = 0
    for byte in short:
        total = ((total << 7 | total >> 1) + byte) & 0xFF
    return total


def _basis(name):
    """(base, extension, whether nothing was lost but the case): the start for a short name with a tail."""
    stripped = name.replace(" ", "").lstrip(".")
    head, _, extension = stripped.rpartition(".") if "." in stripped else (stripped, "", "")
    base = head.replace(".", "")
    parts = []
    exact = (f"{base}.{extension}" if extension else base) == name and len(base) <= 8 and len(extension) <= 3
    for part in (base[:8], extension[:3]):
        kept = "".join(letter if letter in SHORT_CHARACTERS else "_"
                       for letter in (character.upper() if character.isascii() else "_" for character in part))
        exact = exact and kept == part.upper()
        parts.append(kept)
    return parts[0], parts[1], exact


def _padded(base, extension):
    return base.encode("ascii").ljust(8) + extension.encode("ascii").ljust(3)
