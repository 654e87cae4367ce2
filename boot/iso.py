"""ISO 9660 with El Torito, as far as a boot needs them: which boot images a CD has, and where.

    block 16    volume descriptors, a block each, up to one of type 255:
                    type 1    the primary one: volume's name and size
                    type 0    "EL TORITO SPECIFICATION": at 47h the block of the boot catalog
    catalog     entries of 32 bytes:
                    01        validation: platform of the default entry, checksum, 55 AA
                    88 / 00   the default entry: bootable, not bootable
                    90 / 91   header of a section (91: of the last), with its platform and number of entries
                    88 / 00   that many entries; 44: more of the selection criteria of the entry before

    entry       00  88h bootable               06  sectors of 512 bytes to load, word
                01  media: 0 no emulation,     08  block where the image starts, dword
                    1 2 3 diskettes, 4 disk
                02  load segment, 0: 7C0h

A CD has blocks of 2048 bytes, its Disk sectors of 512 as every Disk: block n is sectors 4n to 4n + 3. What stands here in
blocks says so; `first` and `sectors` are the same place as the Disk counts. The firmware's device for a CD shows the guest
blocks of 2048; an ISO image that is attached as a hard disk shows sectors of 512, and has the same images.

Source: ECMA-119 section 8; "El Torito" Bootable CD-ROM Format Specification 1.0, section 2; UEFI 2.10 sections 13.3.2.1,
"ISO-9660 and El Torito", and 10.3.5.2, "CD-ROM Media Device Path".
"""
from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

from construct import Byte, Bytes, Const, ConstructError, Int8ul, Int16ul, Int32ul, Padding, Struct

from boot.disk import SECTOR
from boot.partitions import is_fat

BLOCK = 2048
PER_BLOCK = BLOCK // SECTOR
FIRST_DESCRIPTOR = 16
MOST_DESCRIPTORS = 64
MOST_CATALOG_BLOCKS = 16                            # 1024 entries

BIOS, POWER_PC, MAC, EFI = 0x00, 0x01, 0x02, 0xEF   # platforms
NO_EMULATION, DISKETTE_1200K, DISKETTE_1440K, DISKETTE_2880K, HARD_DISK = range(5)
DISKETTES = {DISKETTE_1200K: 2400, DISKETTE_1440K: 2880, DISKETTE_2880K: 5760}      # sectors of 512 bytes
BOOTABLE, NOT_BOOTABLE, HEADER, LAST_HEADER, EXTENSION = 0x88, 0x00, 0x90, 0x91, 0x44
MORE = 0x20                                         # media byte: an extension follows; in an extension: another one

PrimaryVolumeDescriptor = Struct(
    "Type" / Const(1, Int8ul),
    "Id" / Const(b"CD001"),
    Padding(34),
    "VolumeIdentifier" / Bytes(32),
    Padding(8),
    "VolumeSpaceSize" / Int32ul,                    # in blocks; big-endian once more behind it
)

BootRecord = Struct(
    "Type" / Const(0, Int8ul),
    "Id" / Const(b"CD001"),
    "Version" / Byte,
    "BootSystemIdentifier" / Const(b"EL TORITO SPECIFICATION".ljust(32, b"\0")),
    Padding(32),
    "BootCatalog" / Int32ul,
)

ValidationEntry = Struct(
    "HeaderID" / Const(1, Int8ul),
    "PlatformID" / Byte,
    Padding(2),
    "Id" / Bytes(24),
    "Checksum" / Int16ul,                           # the sum of all words of the entry is 0
    "Key" / Const(b"\x55\xAA"),
)

SectionHeader = Struct("HeaderIndicator" / Byte, "PlatformID" / Byte, "NumberOfEntries" / Int16ul, "Id" / Bytes(28))

CatalogEntry = Struct(
    "BootIndicator" / Byte,
    "MediaType" / Byte,
    "LoadSegment" / Int16ul,
    "SystemType" / Byte,
    Padding(1),
    "SectorCount" / Int16ul,
    "LoadRBA" / Int32ul,
    Padding(20),
)


class CdRom(NamedTuple):
    """The fields of a CDROM() device-path node, named and ordered as in UEFI 2.10 table 10.48; in blocks of 2048 bytes."""
    BootEntry: int
    PartitionStart: int
    PartitionSize: int


@dataclass(frozen=True)
class BootImage:
    """A boot image. `block` and `blocks` are of 2048 bytes, `sectors` of 512."""
    entry: int                      # 0 for the default entry, then 1 and so on: bootable ones only, as CDROM() counts them
    platform: int
    media: int                      # 0 no emulation, 1 to 3 a diskette, 4 a hard disk
    load_segment: int               # where a BIOS puts it
    load_count: int                 # sectors of 512 bytes that a BIOS loads
    block: int
    sectors: int                    # all of the image

    @property
    def first(self) -> int:
        """Its first sector of 512 bytes."""
        return self.block * PER_BLOCK

    @property
    def blocks(self) -> int:
        return -(-self.sectors // PER_BLOCK)

    @property
    def is_efi(self) -> bool:
        return self.platform == EFI

    @property
    def cdrom(self) -> CdRom:
        """The CDROM() node for it."""
        return CdRom(self.entry, self.block, self.blocks)


@dataclass(frozen=True)
class Iso:
    """A CD: its name, its size in blocks of 2048 bytes as it says itself, its bootable images, what is wrong with it, and the
    block of its boot catalog."""
    volume: str
    blocks: int
    images: tuple[BootImage, ...] = ()
    warnings: tuple[str, ...] = ()
    catalog: int | None = None

    @property
    def bios(self) -> BootImage | None:
        """The first image for a PC's BIOS."""
        return next((image for image in self.images if image.platform == BIOS), None)

    @property
    def efi(self) -> BootImage | None:
        """The first image for UEFI: a FAT volume."""
        return next((image for image in self.images if image.is_efi), None)


def read_iso(disk) -> Iso | None:
    """What CD `disk` holds (`sectors`, and `read(lba, count)` for sectors of 512 bytes); None if it is no ISO 9660 volume.

    What cannot be believed is left out, with a warning."""
    primary = catalog = None
    for block in range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + MOST_DESCRIPTORS):
        raw = read_block(disk, block)
        if raw is None or raw[1:6] != b"CD001" or raw[0] == 255:
            break
        primary = primary or _parse(PrimaryVolumeDescriptor, raw)
        catalog = catalog or _parse(BootRecord, raw)
    if primary is None:
        return None
    lines: list[str] = []
    images = _images(disk, catalog.BootCatalog, primary.VolumeSpaceSize, lines) if catalog else []
    name = getattr(disk, "name", "CD")
    return Iso(primary.VolumeIdentifier.decode("latin-1").rstrip("\0 "), primary.VolumeSpaceSize, tuple(images),
               tuple(f"{name}: {line}" for line in lines), catalog.BootCatalog if catalog else None)


def read_block(disk, block: int) -> bytes | None:
    """The 2048 bytes of a block; None if it is not on the disk as a whole."""
    if (block + 1) * PER_BLOCK > disk.sectors:
        return None
    return disk.read(block * PER_BLOCK, PER_BLOCK)


def _parse(layout, raw):
    try:
        return layout.parse(raw)
    except ConstructError:
        return None


# ---- the boot catalog ------------------------------------------------------------------------------------------------

def _images(disk, block, volume_blocks, lines):
    """The bootable images that the catalog at `block` names and that are on the disk."""
    entries = _entries(disk, block)
    first = next(entries, None)
    if first is None:
        lines.append(f"the boot catalog would be at block {block} of {disk.sectors // PER_BLOCK}")
        return []
    validation = _parse(ValidationEntry, first)
    if validation is None:
        lines.append(f"the boot catalog at block {block} does not begin with a validation entry")
        return []
    if sum(struct.unpack("<16H", first)) & 0xFFFF:
        lines.append(f"the checksum of the boot catalog at block {block} does not fit")
        return []
    images = []
    for platform, raw in _bootable(entries, validation.PlatformID, lines):
        entry = CatalogEntry.parse(raw)
        if entry.LoadRBA == 0:
            continue
        if entry.LoadRBA * PER_BLOCK >= disk.sectors:
            lines.append(f"boot image {len(images)} would be at block {entry.LoadRBA} of {disk.sectors // PER_BLOCK}")
            continue
        images.append(BootImage(len(images), platform, entry.MediaType & 15, entry.LoadSegment or 0x7C0,
                                entry.SectorCount, entry.LoadRBA, _size(disk, entry, volume_blocks)))
    return images


def _entries(disk, block):
    """The catalog, entry by entry, as far as there can be any."""
    for number in range(block, block + MOST_CATALOG_BLOCKS):
        raw = read_block(disk, number)
        if raw is None:
            return
        for position in range(0, BLOCK, 32):
            yield raw[position:position + 32]


def _bootable(entries, platform, lines):
    """(platform, 32 bytes) of each entry that can be booted."""
    default = next(entries)
    if default[0] == BOOTABLE:
        yield platform, default
    for raw in entries:
        if raw[0] not in (HEADER, LAST_HEADER):
            return                                  # zeros: there are no sections, or the last one did not say so
        header = SectionHeader.parse(raw)
        for _ in range(header.NumberOfEntries):
            entry = next(entries, None)
            if entry is None or entry[0] not in (BOOTABLE, NOT_BOOTABLE):
                lines.append("the boot catalog ends within a section")
                return
            if entry[0] == BOOTABLE:
                yield header.PlatformID, entry
            more = entry[1] & MORE
            while more:
                extension = next(entries, None)
                if extension is None or extension[0] != EXTENSION:
                    lines.append("the boot catalog lacks the extension of an entry")
                    return
                more = extension[1] & MORE
        if raw[0] == LAST_HEADER:
            return


def _size(disk, entry, volume_blocks):
    """Sectors of an image.

    A diskette has its size. Otherwise the catalog's count, which a word cannot hold beyond 32 MB: a FAT volume in the
    image knows better. 0 and 1 are up to the end of the CD (UEFI 2.10 section 13.3.2.1)."""
    first = entry.LoadRBA * PER_BLOCK
    end = disk.sectors
    count = DISKETTES.get(entry.MediaType & 15, entry.SectorCount)
    if count <= 1:
        if entry.LoadRBA < volume_blocks:           # images may lie behind what the volume calls its own
            end = min(end, volume_blocks * PER_BLOCK)
        count = end - first
    else:
        boot_sector = disk.read(first, 1)
        if is_fat(boot_sector):
            size, small, large = struct.unpack_from("<H6xH11xI", boot_sector, 11)
            count = max(count, (small or large) * size // SECTOR)
    return min(count, end - first)
