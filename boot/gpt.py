"""GUID partition tables: the header and its array of entries, read from a disk or made for one.

    LBA 0        protective MBR (partitions.py)     last - 32  the array once more, in front of the backup header
    LBA 1        the header                         last       the backup header: MyLBA and AlternateLBA change places
    LBA 2 ..     the array: 128 entries of 128 bytes as a rule

The header's CRC32 covers HeaderSize bytes with the CRC field itself as 0, and the array has one of its own, so that a table
is either whole or known to be broken; then the backup counts.

Source: UEFI 2.10 section 5.3, "GUID Partition Table (GPT) Disk Layout".
"""
from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from construct import Bytes, Const, ConstructError, Int32ul, Int64ul, Struct

from boot.disk import SECTOR

SIGNATURE = b"EFI PART"
REVISION = 0x00010000
HEADER_SIZE, ENTRY_SIZE, ENTRIES = 92, 128, 128
ARRAY_SECTORS = ENTRIES * ENTRY_SIZE // SECTOR          # 32: what build() makes
MOST_ARRAY_BYTES = 1 << 22                              # 32,768 entries; a larger array is no table that a tool made

EFI_SYSTEM_PARTITION = UUID("C12A7328-F81F-11D2-BA4B-00A0C93EC93B")
REQUIRED, NO_BLOCK_IO, LEGACY_BOOTABLE = 1 << 0, 1 << 1, 1 << 2      # bits of Attributes

Header = Struct(
    "Signature" / Const(SIGNATURE),
    "Revision" / Int32ul,
    "HeaderSize" / Int32ul,
    "HeaderCRC32" / Int32ul,
    "Reserved" / Int32ul,
    "MyLBA" / Int64ul,                          # where this header is
    "AlternateLBA" / Int64ul,                   # where the other one is
    "FirstUsableLBA" / Int64ul,
    "LastUsableLBA" / Int64ul,
    "DiskGUID" / Bytes(16),
    "PartitionEntryLBA" / Int64ul,
    "NumberOfPartitionEntries" / Int32ul,
    "SizeOfPartitionEntry" / Int32ul,           # 128 times a power of two
    "PartitionEntryArrayCRC32" / Int32ul,
)

Entry = Struct(
    "PartitionTypeGUID" / Bytes(16),            # 0: the entry is not used
    "UniquePartitionGUID" / Bytes(16),
    "StartingLBA" / Int64ul,
    "EndingLBA" / Int64ul,                      # the last block that belongs to it
    "Attributes" / Int64ul,
    "PartitionName" / Bytes(72),                # UTF-16, ends with a zero if it is shorter
)


@dataclass(frozen=True)
class GptEntry:
    """A used entry of the array. `number` is its place there, from 1; LBAs are in blocks of 512 bytes, `last` included."""
    number: int
    type: UUID
    unique: UUID
    first: int
    last: int
    name: str = ""
    attributes: int = 0


@dataclass(frozen=True)
class Gpt:
    """A table that is whole. `entries` in the array's order."""
    disk_guid: UUID
    entries: tuple[GptEntry, ...]


# ---- reading ---------------------------------------------------------------------------------------------------------

def read_gpt(disk, warnings: list[str]) -> Gpt | None:
    """The table of `disk` (`read(lba, count)` and `sectors` of 512 bytes): the primary one, or the backup if that is
    broken. None if neither is whole. What is wrong goes into `warnings`, a line each."""
    primary = _Copy(disk, 1)
    if primary.wrong is None:
        if (backup := _Copy(disk, primary.header.AlternateLBA)).wrong:
            warnings.append(f"the backup GPT is broken: {backup.wrong}")
        return _table(primary, disk, warnings)
    places = {primary.header.AlternateLBA if primary.header else disk.sectors - 1: None, disk.sectors - 1: None}
    for lba in places:
        backup = _Copy(disk, lba)
        if backup.wrong is None:
            warnings.append(f"the primary GPT is broken ({primary.wrong}); the backup at LBA {lba} is used")
            return _table(backup, disk, warnings)
    if primary.signed or backup.signed:
        warnings.append(f"both GPTs are broken: {primary.wrong}; the backup: {backup.wrong}")
    return None


class _Copy:
    """One header and its array. `wrong` says why it does not count, None if it does."""

    def __init__(self, disk, lba):
        self.header = None                      # None: not to be believed
        self.array = b""
        self.signed = False
        self.wrong = self._read(disk, lba)

    def _read(self, disk, lba):
        if not 0 < lba < disk.sectors:
            return f"its header would be at LBA {lba} of {disk.sectors}"
        raw = disk.read(lba, 1)
        self.signed = raw.startswith(SIGNATURE)
        try:
            header = Header.parse(raw)
        except ConstructError:
            return f'no signature "EFI PART" at LBA {lba}'
        if not HEADER_SIZE <= header.HeaderSize <= SECTOR:
            return f"HeaderSize is {header.HeaderSize}, not {HEADER_SIZE} to {SECTOR}"
        if _crc(raw[:16] + bytes(4) + raw[20:header.HeaderSize]) != header.HeaderCRC32:
            return f"the CRC of the header at LBA {lba} does not fit"
        self.header = header
        if header.MyLBA != lba:
            return f"the header at LBA {lba} says that it is at LBA {header.MyLBA}"
        return self._read_array(disk, header)

    def _read_array(self, disk, header):
        size, count, first = header.SizeOfPartitionEntry, header.NumberOfPartitionEntries, header.PartitionEntryLBA
        if size < ENTRY_SIZE or size & (size - 1):
            return f"SizeOfPartitionEntry is {size}, not {ENTRY_SIZE} times a power of two"
        if size * count > MOST_ARRAY_BYTES:
            return f"{count} entries of {size} bytes are too many to be believed"
        sectors = -(-size * count // SECTOR)
        if not 0 < first <= disk.sectors - sectors:
            return f"its array of {sectors} blocks would be at LBA {first} of {disk.sectors}"
        self.array = disk.read(first, sectors)[:size * count]
        if _crc(self.array) != header.PartitionEntryArrayCRC32:
            return f"the CRC of the array at LBA {first} does not fit"
        return None


def _table(copy, disk, warnings):
    size = copy.header.SizeOfPartitionEntry
    found = []
    for number, position in enumerate(range(0, len(copy.array), size), 1):
        raw = copy.array[position:position + ENTRY_SIZE]
        if not any(raw[:16]):
            continue
        entry = Entry.parse(raw)
        first, last = entry.StartingLBA, entry.EndingLBA
        if not copy.header.FirstUsableLBA <= first <= last <= min(copy.header.LastUsableLBA, disk.sectors - 1):
            warnings.append(f"partition {number}: LBA {first} to {last} are not within the usable "
                            f"{copy.header.FirstUsableLBA} to {copy.header.LastUsableLBA} of {disk.sectors} blocks; "
                            f"it is left out")
            continue
        found.append(GptEntry(number, UUID(bytes_le=entry.PartitionTypeGUID), UUID(bytes_le=entry.UniquePartitionGUID),
                              first, last, _name(entry.PartitionName), entry.Attributes))
    return Gpt(UUID(bytes_le=copy.header.DiskGUID), tuple(without_overlaps(found, warnings)))


def without_overlaps(found: Sequence, warnings: list[str]) -> list:
    """Those of `found` (`number`, `first`, `last`) that share no block with another: who would own it nobody can say."""
    sharing = set()
    reach = None                                # of those so far, the one that ends last
    for entry in sorted(found, key=lambda entry: (entry.first, entry.number)):
        if reach is not None and entry.first <= reach.last:
            sharing |= {reach.number, entry.number}
            warnings.append(f"partitions {reach.number} and {entry.number} overlap; both are left out")
        if reach is None or entry.last > reach.last:
            reach = entry
    return [entry for entry in found if entry.number not in sharing]


def _name(raw):
    return raw.decode("utf-16-le", "replace").split("\0")[0]


def _crc(data):
    return zlib.crc32(data) & 0xFFFFFFFF


# ---- writing ---------------------------------------------------------------------------------------------------------

def build_gpt(sectors: int, disk_guid: UUID, entries: Sequence[GptEntry]) -> tuple[bytes, bytes]:
    """A table for a disk of so many sectors: the bytes from LBA 1 on, and the bytes up to the disk's end.

    Each entry lies at its number, 1 to 128, and between LBA 34 and `sectors` - 34."""
    array = bytearray(ENTRIES * ENTRY_SIZE)
    for entry in entries:
        array[(entry.number - 1) * ENTRY_SIZE:entry.number * ENTRY_SIZE] = Entry.build({
            "PartitionTypeGUID": entry.type.bytes_le, "UniquePartitionGUID": entry.unique.bytes_le,
            "StartingLBA": entry.first, "EndingLBA": entry.last, "Attributes": entry.attributes,
            "PartitionName": entry.name.encode("utf-16-le").ljust(72, b"\0")})
    fields = {
        "Revision": REVISION, "HeaderSize": HEADER_SIZE, "HeaderCRC32": 0, "Reserved": 0,
        "FirstUsableLBA": 2 + ARRAY_SECTORS, "LastUsableLBA": sectors - 2 - ARRAY_SECTORS,
        "DiskGUID": disk_guid.bytes_le, "NumberOfPartitionEntries": ENTRIES, "SizeOfPartitionEntry": ENTRY_SIZE,
        "PartitionEntryArrayCRC32": _crc(array)}

    def header(mine, other, first):
        fields.update(MyLBA=mine, AlternateLBA=other, PartitionEntryLBA=first)
        unsigned = Header.build(fields)
        return Header.build({**fields, "HeaderCRC32": _crc(unsigned)}).ljust(SECTOR, b"\0")

    last = sectors - 1
    return header(1, last, 2) + array, bytes(array) + header(last, 1, last - ARRAY_SECTORS)
