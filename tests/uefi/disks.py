"""Partition tables of the guests' disks, as bytes: one with a master boot record, one with a GPT.

Source: UEFI 2.10, 5.2 "LBA 0 Format" and 5.3 "GUID Partition Table (GPT) Disk Layout".
"""
from __future__ import annotations

import struct
import uuid
import zlib
from dataclasses import dataclass

SECTOR = 512
SIGNATURE = 0x10DE5EFF                  # of a disk with a master boot record
DISK = uuid.UUID("d15c0000-0000-4000-8000-000000000001")
ENTRIES, ENTRY = 128, 128
EFI_SYSTEM = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
BASIC_DATA = uuid.UUID("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7")


@dataclass(frozen=True)
class Partition:
    """Sectors [start, start + size) of a disk."""

    start: int
    size: int
    type: uuid.UUID = EFI_SYSTEM
    id: uuid.UUID = uuid.UUID("9a570000-0000-4000-8000-000000000002")
    name: str = "EFI"


def record(start, size, kind):
    """One of the four entries of a master boot record."""
    return struct.pack("<B3sB3sII", 0, b"\xFE\xFF\xFF", kind, b"\xFE\xFF\xFF", start, size)


def master_boot_record(partition: Partition) -> bytes:
    """A sector with one EFI system partition (type EFh)."""
    return (bytes(440) + struct.pack("<IH", SIGNATURE, 0) + record(partition.start, partition.size, 0xEF) + bytes(48)
            + b"\x55\xAA")


def gpt(partitions: list[Partition], sectors: int) -> tuple[bytes, bytes]:
    """(the first 34 sectors, the last 33 sectors) of a disk."""
    entries = b"".join(struct.pack("<16s16sQQQ72s", each.type.bytes_le, each.id.bytes_le, each.start,
                                   each.start + each.size - 1, 0, each.name.encode("utf-16-le")) for each in partitions)
    entries = entries.ljust(ENTRIES * ENTRY, b"\0")

    def header(here, other, table):
        def pack(crc):
            return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, crc, 0, here, other, 34, sectors - 34,
                               DISK.bytes_le, table, ENTRIES, ENTRY, zlib.crc32(entries))
        return pack(zlib.crc32(pack(0))).ljust(SECTOR, b"\0")

    protective = bytes(446) + record(1, sectors - 1, 0xEE) + bytes(48) + b"\x55\xAA"
    last = sectors - 1
    return protective + header(1, last, 2) + entries, entries + header(last, 1, last - 32)
