"""Directory entries: 32 bytes each, a file's long name in those before its own.

    00  short name, 8 + 3                       10  created: date          0  E5h: deleted, 00h: none from here on
    0B  attributes                              12  accessed: date            05h: the name begins with E5h
    0C  case bits (names.py)                    14  first cluster, high (FAT32)
    0D  created: 10 ms, 0 to 199                16  modified: time         time  hour:5 minute:6 second/2:5
    0E  created: time                           18  modified: date         date  year-1980:7 month:4 day:5
                                                1A  first cluster, low
                                                1C  size in bytes, 0 for directories

An entry with the attributes 0Fh is a piece of 13 UTF-16 units; the last piece comes first, its number has bit 6 set:

    00  number       0B  attributes, 0Fh       0E  units 6 to 11       1C  units 12, 13
    01  units 1-5    0C  0    0D  checksum of the short name           1A  0

Source: Microsoft, "FAT: General Overview of On-Disk Format" 1.03, "FAT Directory Structure" and "FAT Long Directory
Entries".
"""
from __future__ import annotations

import struct
from collections.abc import Container, Iterator
from typing import NamedTuple

from boot.fat.names import DOTS, check, checksum, choose_short, short_text, units

SIZE = 32                                       # bytes of an entry, long or short
READ_ONLY, HIDDEN, SYSTEM, LABEL, DIRECTORY, ARCHIVE = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
LONG = READ_ONLY | HIDDEN | SYSTEM | LABEL      # a piece of a long name
END, DELETED = 0x00, 0xE5                       # first bytes of entries that are none
LAST_PIECE = 0x40
UNITS = 13                                      # of a name in a piece

SHORT = struct.Struct("<11s B B B H H H H H H H I")
PIECE = struct.Struct("<B 10s B B B 12s H 4s")


class Moment(NamedTuple):
    """A date and time of day, of no particular time zone. FAT keeps 1980 to 2107, seconds in pairs except `created`."""
    year: int
    month: int
    day: int
    hour: int = 0
    minute: int = 0
    second: int = 0
    centisecond: int = 0


EPOCH = Moment(1980, 1, 1)


class Entry(NamedTuple):
    """A file's or directory's entry, or a volume's label. `size` in bytes; a time is None where the disk has none."""
    name: str                           # the long one, or what the short one and the case bits say
    short: bytes                        # 11 bytes
    case: int = 0
    attributes: int = 0
    first_cluster: int = 0              # 0: nothing allocated; in "..": the root directory
    size: int = 0
    created: Moment | None = None
    accessed: Moment | None = None      # a date
    modified: Moment | None = None
    slot: int = 0                       # number of the short entry in its directory, from 0
    first_slot: int = 0                 # number of the first piece of the long name; `slot` if there is none

    @property
    def is_directory(self) -> bool:
        return bool(self.attributes & DIRECTORY)

    @property
    def is_label(self) -> bool:
        return bool(self.attributes & LABEL)

    @property
    def is_dot(self) -> bool:
        """Whether this is the directory's own entry for itself or for its parent."""
        return self.short in DOTS.values()


def new_entry(name: str, taken: Container[bytes], **fields) -> Entry:
    """The entry for a new file of that name in a directory that has the short names `taken`; `fields` are those of Entry.

    Errors: NameInvalid."""
    name = check(name)
    short, case = choose_short(name, taken)
    return Entry(name, short, case, **fields)


def dot_entries(cluster: int, parent: int, moment: Moment | None = EPOCH) -> bytes:
    """What a new directory begins with: "." is `cluster`, its own first; ".." its parent's, 0 if that is the root."""
    return b"".join(encode(Entry(name, DOTS[name], 0, DIRECTORY, first, 0, moment, moment, moment))
                    for name, first in ((".", cluster), ("..", parent)))


# ---- to bytes --------------------------------------------------------------------------------------------------------

def encode(entry: Entry) -> bytes:
    """The entry as it lies on disk: the pieces of the long name, if it needs one, and its own 32 bytes."""
    pieces = []
    if not entry.is_label and entry.name != short_text(entry.short, entry.case):
        pieces = _pieces(entry.name, checksum(entry.short))
    return b"".join(pieces) + _short(entry)


def patch(slot: bytes, attributes: int | None = None, first_cluster: int | None = None, size: int | None = None,
          created: Moment | None = None, accessed: Moment | None = None, modified: Moment | None = None) -> bytes:
    """A short entry's 32 bytes with the given fields changed, all others as they were."""
    fields = list(SHORT.unpack(slot))
    if attributes is not None:
        fields[1] = attributes
    if created is not None:
        fields[5], fields[4] = encode_moment(created)
        fields[3] = created.second % 2 * 100 + created.centisecond
    if accessed is not None:
        fields[6] = encode_moment(accessed)[0]
    if first_cluster is not None:
        fields[7], fields[10] = first_cluster >> 16, first_cluster & 0xFFFF
    if modified is not None:
        fields[9], fields[8] = encode_moment(modified)
    if size is not None:
        fields[11] = size
    return SHORT.pack(*fields)


def encode_moment(moment: Moment) -> tuple[int, int]:
    """(date, time) as FAT packs them. ValueError for what it has no bits for."""
    year, month, day, hour, minute, second, centisecond = moment
    if not (1980 <= year <= 2107 and 1 <= month <= 12 and 1 <= day <= 31 and 0 <= hour <= 23 and 0 <= minute <= 59
            and 0 <= second <= 59 and 0 <= centisecond <= 99):
        raise ValueError(f"{moment} is no time that FAT can keep (1980 to 2107)")
    return (year - 1980) << 9 | month << 5 | day, hour << 11 | minute << 5 | second >> 1


def _short(entry):
    blank = SHORT.pack(entry.short, 0, entry.case, *[0] * 9)
    return patch(blank, entry.attributes, entry.first_cluster, entry.size, entry.created, entry.accessed, entry.modified)


def _pieces(name, check_byte):
    text = units(name)
    count = -(-len(text) // (2 * UNITS))
    if len(text) < count * 2 * UNITS:               # a zero ends the name, FFFFh fills the rest
        text = (text + b"\0\0").ljust(count * 2 * UNITS, b"\xFF")
    for number in range(count, 0, -1):
        piece = text[(number - 1) * 2 * UNITS:number * 2 * UNITS]
        mark = LAST_PIECE if number == count else 0
        yield PIECE.pack(number | mark, piece[:10], LONG, 0, check_byte, piece[10:22], 0, piece[22:])


# ---- from bytes ------------------------------------------------------------------------------------------------------

def decode(data: bytes, wide: bool = True) -> Iterator[Entry]:
    """The entries in a directory's bytes, up to its end mark: files, directories, "." and "..", labels.

    wide: the high half of the first cluster counts, as on FAT32. Pieces of long names that belong to no entry are
    passed over, as systems that know no long names leave them behind."""
    pieces = []                                     # of the name being gathered, the last one first
    expected = sum_byte = 0                         # number of the next piece, checksum that all must have
    for slot in range(len(data) // SIZE):
        raw = data[slot * SIZE:(slot + 1) * SIZE]
        if raw[0] == END:
            return
        if raw[0] != DELETED and raw[11] & 0x3F == LONG:
            number = raw[0] & ~LAST_PIECE
            if raw[0] & LAST_PIECE:
                pieces, expected, sum_byte = [], number, raw[13]
            if number and number == expected and raw[13] == sum_byte:
                pieces.append(raw[1:11] + raw[14:26] + raw[28:32])
                expected -= 1
            else:
                pieces, expected = [], 0
            continue
        if raw[0] != DELETED:
            name = _long_name(pieces) if pieces and not expected and checksum(raw[:11]) == sum_byte else ""
            yield _entry(raw, slot, slot - len(pieces) if name else slot, name, wide)
        pieces, expected = [], 0


def decode_moment(date: int, time: int = 0, hundredths: int = 0) -> Moment | None:
    """The time that (date, time) say, with the 0 to 199 hundredths of `created`; None if there is no such time."""
    second = (time & 31) * 2 + min(hundredths, 199) // 100
    moment = Moment(1980 + (date >> 9), date >> 5 & 15, date & 31, time >> 11, time >> 5 & 63, second,
                    min(hundredths, 199) % 100)
    possible = 1 <= moment.month <= 12 and moment.day and moment.hour < 24 and moment.minute < 60 and second < 60
    return moment if possible else None


def _entry(raw, slot, first_slot, name, wide):
    (short, attributes, case, hundredths, created, created_date, accessed, high, modified, modified_date, low,
     size) = SHORT.unpack(raw)
    if attributes & LABEL:
        name = short.decode("cp437").rstrip(" ")
    return Entry(name or short_text(short, case), short, case, attributes, (high << 16 if wide else 0) | low, size,
                 decode_moment(created_date, created, hundredths), decode_moment(accessed),
                 decode_moment(modified_date, modified), slot, first_slot)


def _long_name(pieces):
    text = b"".join(reversed(pieces)).decode("utf-16-le", "surrogatepass")
    return text.split("\0")[0]
