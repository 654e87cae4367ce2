"""The partitions of a disk: GUID partition table, master boot record with logical partitions, or one FAT volume on it all.

    00   boot code; on a disk without partitions, the volume's boot sector
    1B8  UniqueMBRDiskSignature
    1BE  four records of 16 bytes:  BootIndicator, StartingCHS, OSType, EndingCHS, StartingLBA, SizeInLBA
    1FE  55 AA

Of an extended partition's records one is a partition, relative to the sector the record is in, and one leads to the next
such sector, relative to the extended partition:

    MBR --05h--> [EBR  .--06h--> partition 5        ]
                   |                                    ^
                   '---05h--> [EBR  .--06h--> partition 6

Type EEh says "here is a GPT". With other partitions beside it the MBR is a hybrid one, and only the GPT counts.

Source: UEFI 2.10 sections 5.2, "LBA 0 Format", and 10.3.5.1, "Hard Drive"; what a firmware takes for a table, and what it
leaves alone, as EDK2's PartitionDxe does; only that there, one wrong record makes the whole MBR void.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from construct import Array, Bytes, Const, ConstructError, Int8ul, Int16ul, Int32ul, Struct

from boot.disk import SECTOR
from boot.gpt import EFI_SYSTEM_PARTITION, NO_BLOCK_IO, SIGNATURE, read_gpt, without_overlaps

UNUSED, GPT_PROTECTIVE, UEFI_SYSTEM = 0x00, 0xEE, 0xEF          # OSType
EXTENDED = (0x05, 0x0F, 0x85)                                   # CHS, LBA, Linux
FIRST_LOGICAL = 5
MOST_LOGICAL = 256                                              # a longer chain was made to tire its reader

#: HD() nodes: PartitionFormat and SignatureType
FORMAT_MBR, FORMAT_GPT = 1, 2
SIGNATURE_MBR, SIGNATURE_GUID = 1, 2

Record = Struct(
    "BootIndicator" / Int8ul,
    "StartingCHS" / Bytes(3),
    "OSType" / Int8ul,
    "EndingCHS" / Bytes(3),
    "StartingLBA" / Int32ul,
    "SizeInLBA" / Int32ul,
)

MasterBootRecord = Struct(
    "BootCode" / Bytes(440),
    "UniqueMBRDiskSignature" / Bytes(4),
    "Unknown" / Int16ul,
    "PartitionRecord" / Array(4, Record),
    "Signature" / Const(b"\x55\xAA"),
)


class HardDrive(NamedTuple):
    """The fields of an HD() device-path node, named and ordered as in UEFI 2.10 table 10.47. LBAs in blocks of 512 bytes."""
    PartitionNumber: int
    PartitionStart: int
    PartitionSize: int
    PartitionSignature: bytes           # 16
    PartitionFormat: int
    SignatureType: int


@dataclass(frozen=True)
class Partition:
    """A partition. LBAs are in blocks of 512 bytes from the disk's start; `last` belongs to it.

    number: the entry's place in the table from 1; logical partitions of an MBR from 5, as operating systems count.
    type: GPT's PartitionTypeGUID, or an MBR's OSType. signature: the 16 bytes of an HD() node."""
    number: int
    first: int
    last: int
    type: UUID | int
    signature: bytes
    name: str = ""                      # GPT
    attributes: int = 0                 # GPT
    active: bool = False                # MBR: what a boot sector would start

    @property
    def sectors(self) -> int:
        return self.last - self.first + 1

    @property
    def unique(self) -> UUID | None:
        """GPT's UniquePartitionGUID."""
        return UUID(bytes_le=self.signature) if isinstance(self.type, UUID) else None

    @property
    def is_esp(self) -> bool:
        """Whether it is an EFI system partition."""
        return self.type in (EFI_SYSTEM_PARTITION, UEFI_SYSTEM)

    @property
    def is_container(self) -> bool:
        """Whether it is an MBR's extended partition, which only holds others."""
        return self.type in EXTENDED

    @property
    def has_block_io(self) -> bool:
        """Whether firmware shall make a device of it: GPT entries can forbid that."""
        return not (isinstance(self.type, UUID) and self.attributes & NO_BLOCK_IO)

    @property
    def hard_drive(self) -> HardDrive:
        """The HD() node for it."""
        gpt = isinstance(self.type, UUID)
        return HardDrive(self.number, self.first, self.sectors, self.signature, FORMAT_GPT if gpt else FORMAT_MBR,
                         SIGNATURE_GUID if gpt else SIGNATURE_MBR)


@dataclass(frozen=True)
class PartitionTable:
    """What partitions a disk has, by number.

    scheme: "gpt", "mbr", "superfloppy" (a FAT volume starts in sector 0, there are no partitions), or "none".
    warnings: what is wrong with the table, a line each."""
    scheme: str
    partitions: tuple[Partition, ...] = ()
    warnings: tuple[str, ...] = ()
    guid: UUID | None = None            # GPT's DiskGUID
    hybrid: bool = False                # a GPT, and an MBR that shows some of its partitions to those who know no GPT

    @property
    def esp(self) -> Partition | None:
        """The first EFI system partition."""
        return next((partition for partition in self.partitions if partition.is_esp), None)


def partition_table(disk) -> PartitionTable:
    """The table of `disk`: anything that has `sectors`, and `read(lba, count)` for sectors of 512 bytes.

    A broken table is no error: what can be believed is in the result, the rest in its warnings."""
    name = getattr(disk, "name", "disk")
    sector = disk.read(0, 1)
    lines: list[str] = []
    try:
        records = MasterBootRecord.parse(sector).PartitionRecord
    except ConstructError:
        records = []
    used = [(number, record) for number, record in enumerate(records, 1)
            if record.OSType != UNUSED and record.SizeInLBA]
    table = None
    if any(record.OSType == GPT_PROTECTIVE and record.StartingLBA == 1 for _, record in used):
        table = _gpt(disk, used, lines)
    elif disk.sectors > 1 and disk.read(1, 1).startswith(SIGNATURE):
        lines.append("there is a GPT, but no protective MBR, so it does not count")
    if table is None and used:
        table = _mbr(disk, sector, used, lines)
    if table is None:
        table = PartitionTable("superfloppy" if is_fat(sector) else "none")
        if table.scheme == "none" and disk.sectors > 8 and disk.read(8, 1).startswith(SIGNATURE):
            lines.append(f"there is a GPT for blocks of 4096 bytes; this disk has blocks of {SECTOR}")
    return PartitionTable(table.scheme, table.partitions, tuple(f"{name}: {line}" for line in lines), table.guid,
                          table.hybrid)


def is_fat(sector: bytes) -> bool:
    """Whether these 512 bytes may begin a FAT volume: what the fields say is possible.

    Source: Microsoft, "FAT: General Overview of On-Disk Format" 1.03, "Boot Sector and BPB"."""
    size = int.from_bytes(sector[11:13], "little")
    cluster, reserved, fats, media = sector[13], int.from_bytes(sector[14:16], "little"), sector[16], sector[21]
    return (size in (512, 1024, 2048, 4096) and cluster != 0 and cluster & (cluster - 1) == 0 and reserved != 0
            and fats in (1, 2) and (media == 0xF0 or media >= 0xF8))


# ---- GPT -------------------------------------------------------------------------------------------------------------

def _gpt(disk, used, lines):
    gpt = read_gpt(disk, lines)
    if gpt is None:
        return None
    partitions = tuple(Partition(entry.number, entry.first, entry.last, entry.type, entry.unique.bytes_le, entry.name,
                                 entry.attributes) for entry in gpt.entries)
    return PartitionTable("gpt", partitions, (), gpt.disk_guid, len(used) > 1)


# ---- MBR -------------------------------------------------------------------------------------------------------------

def _mbr(disk, sector, used, lines):
    """The table of an MBR, or None if the sector is rather something else: a volume's boot code has bytes there, too."""
    signature = sector[440:444].ljust(16, b"\0")
    sound = [_within(record, 0, disk.sectors) and record.BootIndicator in (0x00, 0x80) for _, record in used]
    if is_fat(sector) and not all(sound):
        return None
    found = []
    for (number, record), good in zip(used, sound):
        if record.OSType == GPT_PROTECTIVE:
            continue
        if good:
            found.append(_partition(number, record, 0, signature))
        elif record.BootIndicator not in (0x00, 0x80):
            lines.append(f"partition {number}: its status is {record.BootIndicator:02X}h, neither 00h nor 80h; "
                         f"it is left out")
        else:
            lines.append(f"partition {number}: {_span(record, 0)} of {disk.sectors} blocks; it is left out")
    if not any(sound):
        return None
    found = without_overlaps(found, lines)
    logical = []
    for container in found:
        if container.is_container:
            _follow(disk, container, signature, logical, lines)
    logical = without_overlaps(logical, lines)
    return PartitionTable("mbr", tuple(found + logical))


def _follow(disk, container, signature, logical, lines):
    """Append the logical partitions that `container` holds to `logical`."""
    here, seen = container.first, set()
    while True:
        if here in seen:
            lines.append(f"the chain of logical partitions in partition {container.number} comes back to LBA {here}")
            return
        if len(logical) == MOST_LOGICAL:
            lines.append(f"more than {MOST_LOGICAL} logical partitions; the rest is left out")
            return
        seen.add(here)
        try:
            records = MasterBootRecord.parse(disk.read(here, 1)).PartitionRecord
        except ConstructError:
            lines.append(f"the chain of logical partitions in partition {container.number} ends at LBA {here}, "
                         f"which has no 55 AA")
            return
        step = None
        for record in records:
            if record.OSType == UNUSED or not record.SizeInLBA:
                continue
            if record.OSType in EXTENDED:
                step = record if step is None else step
            elif _within(record, here, container.last + 1):
                logical.append(_partition(FIRST_LOGICAL + len(logical), record, here, signature))
            else:
                lines.append(f"a logical partition at {_span(record, here)} is not within partition "
                             f"{container.number}; it is left out")
        if step is None:
            return
        here = container.first + step.StartingLBA
        if here > container.last:
            lines.append(f"the chain of logical partitions leaves partition {container.number} for LBA {here}")
            return


def _within(record, base, end):
    """Whether a record's blocks, counted from `base`, lie behind it and before `end`."""
    return record.StartingLBA > 0 and base + record.StartingLBA + record.SizeInLBA <= end


def _span(record, base):
    first = base + record.StartingLBA
    return f"LBA {first} to {first + record.SizeInLBA - 1}"


def _partition(number, record, base, signature):
    first = base + record.StartingLBA
    return Partition(number, first, first + record.SizeInLBA - 1, record.OSType, signature,
                     active=record.BootIndicator == 0x80)
