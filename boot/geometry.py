"""The shape of a drive: cylinders, heads and sectors, as a PC's BIOS tells them of hard disks and of diskettes.

A diskette's shape is that of its size. Images that fit no size say in their boot sector what they are,

    0B  bytes a sector, word      15  media byte                1A  heads, word
    0D  sectors a cluster         18  sectors a track, word     20  number of sectors, dword, where the word is 0
    13  number of sectors, word

and so does a hard disk that is one volume without a partition table.

Source: the rules are those PC BIOSes use (SeaBIOS, src/block.c); Microsoft, "FAT: General Overview of On-Disk Format" 1.03.
"""
from __future__ import annotations

import struct
from typing import NamedTuple

SECTOR = 512


class Geometry(NamedTuple):
    """Cylinders, heads, sectors a track; sectors count from 1, the other two from 0."""
    cylinders: int
    heads: int
    sectors: int

    @property
    def total(self) -> int:
        """Number of sectors."""
        return self.cylinders * self.heads * self.sectors

    def lba(self, cylinder: int, head: int, sector: int) -> int | None:
        """The sector's number counted from 0, or None if there is no such track or sector."""
        if not (1 <= sector <= self.sectors and head < self.heads and cylinder < self.cylinders):
            return None
        return (cylinder * self.heads + head) * self.sectors + sector - 1


# ---- diskettes -------------------------------------------------------------------------------------------------------

class Floppy(NamedTuple):
    """One kind of diskette."""
    geometry: Geometry
    drive_type: int                 # as CMOS byte 10h and INT 13h AH=08h number the drives that read it
    media: int                      # BDA media state byte


#: Media state by drive type: bits 7-6 data rate, 5 double step, 4 the medium is known, 2-0 which it is in which drive
MEDIA = {1: 0x93, 2: 0x15, 3: 0x97, 4: 0x17, 6: 0xD7}


def floppy_of(geometry: Geometry) -> Floppy:
    """The kind of diskette with so many tracks and sectors: the drive is the first that writes so densely."""
    if geometry.cylinders <= 43:
        kind = 1                                    # 360 KB, 5 1/4 inch
    elif geometry.sectors <= 14:
        kind = 3                                    # 720 KB
    elif geometry.sectors <= 15:
        kind = 2                                    # 1.2 MB, 5 1/4 inch
    else:
        kind = 4 if geometry.sectors <= 24 else 6   # 1.44 MB, 2.88 MB
    return Floppy(geometry, kind, MEDIA[kind])


#: Diskettes by size in bytes. Two sizes of 80 tracks or so that are no standard's were in wide use as well: 1680 and 1722 KB.
FLOPPIES = {shape.total * SECTOR: floppy_of(shape) for shape in (
    Geometry(40, 1, 8), Geometry(40, 1, 9), Geometry(40, 2, 8), Geometry(40, 2, 9), Geometry(80, 2, 9), Geometry(80, 2, 15),
    Geometry(80, 2, 18), Geometry(80, 2, 21), Geometry(82, 2, 21), Geometry(80, 2, 36))}
USUAL_FLOPPY = 1440 * 1024          # what a boot sector alone is taken for

#: Tracks and sectors a track that formatting programs put on two sides; the usual number of tracks is tried first.
ODD_TRACKS, ODD_SECTORS = (80, 82, 83, 81, 84), (9, 10, 15, 18, 19, 20, 21, 22, 23, 24, 36, 39, 40, 44, 48)


def floppy_of_size(size: int) -> Floppy | None:
    """The diskette of exactly `size` bytes, if there is one."""
    if size in FLOPPIES:
        return FLOPPIES[size]
    shapes = (Geometry(tracks, 2, sectors) for sectors in ODD_SECTORS for tracks in ODD_TRACKS)
    return next((floppy_of(shape) for shape in shapes if shape.total * SECTOR == size), None)


def floppy_of_image(size: int, sector: bytes) -> Floppy | None:
    """The diskette that an image of `size` bytes is, `sector` being its first: by its size; by what its boot sector says of
    a whole that the image may fall short of; else the smallest that it fits on, but none smaller than the usual one. None
    for one that is too large."""
    known = floppy_of_size(size)
    if known:
        return known
    volume = _parameters(sector)
    if volume and volume.heads <= 2 and 8 <= volume.track <= 48 and volume.total * SECTOR >= size:
        tracks = -(-volume.total // (volume.heads * volume.track))
        if 38 <= tracks <= 86:
            return floppy_of(Geometry(max(tracks, 40), volume.heads, volume.track))
    larger = [kind for kind in sorted(FLOPPIES) if kind >= max(size, USUAL_FLOPPY)]
    return FLOPPIES[larger[0]] if larger else None


# ---- hard disks ------------------------------------------------------------------------------------------------------

def hard_disk_geometry(sectors: int, partitions=(), sector: bytes = b"") -> Geometry:
    """The geometry that INT 13h AH=08h reports for a hard disk of so many sectors; `sector` is its first.

    Heads and sectors a track are those of the partition table, if its entries agree with each other, because the disk
    was set up under a BIOS that had them; of a disk that is one volume, those of its boot sector. Otherwise 16 by 63 up to
    504 MB, and above that as many heads as it takes to stay within 1024 cylinders ("LBA-assisted translation")."""
    heads, track = _partitioned_geometry(partitions) or (None if partitions else _volume_geometry(sector)) or (0, 0)
    if not heads:
        track, heads = 63, 16
        if sectors > 1024 * 16 * 63:
            needed = sectors // (1024 * 63)
            heads = next((choice for choice in (32, 64, 128) if needed <= choice), 255)
    cylinders = max(1, min(1024, sectors // (heads * track)))
    return Geometry(cylinders, heads, track)


ATA_CYLINDERS, ATA_HEADS, ATA_TRACK = 16383, 16, 63      # the most that an ATA disk says of itself


def physical_geometry(sectors: int, logical: Geometry) -> Geometry:
    """The shape that a hard disk itself has, where INT 13h AH=08h says `logical` of it: the same if a disk can have that, else
    16 by 63 with as many cylinders as can be said."""
    if logical.heads <= ATA_HEADS and logical.total + logical.heads * logical.sectors > sectors:
        return logical
    return Geometry(min(sectors // (ATA_HEADS * ATA_TRACK), ATA_CYLINDERS), ATA_HEADS, ATA_TRACK)


def _partitioned_geometry(partitions):
    """(heads, sectors) under which the first and last sector of every partition have the CHS the table gives them.

    The last sector of a partition is where its tool rounded to a whole cylinder: its head and sector numbers are the
    highest. Entries at or beyond cylinder 1023 say nothing."""
    candidates = {(head + 1, sector) for cylinder, head, sector in (entry.last_chs for entry in partitions)
                  if cylinder < 1023 and sector and 0 < head < 255}
    for heads, track in sorted(candidates):
        shape = Geometry(1023, heads, track)
        if all(_agrees(shape, entry.start, entry.first_chs) and _agrees(shape, entry.end - 1, entry.last_chs)
               for entry in partitions):
            return heads, track
    return None


def _agrees(shape, lba, chs):
    """Whether that sector has that cylinder, head and sector number; true of what lies beyond the cylinders."""
    return lba >= shape.total or shape.lba(*chs) == lba


def _volume_geometry(sector):
    """(heads, sectors) of a disk that is one volume, if all of it can be reached with them."""
    volume = _parameters(sector)
    if volume is None or volume.heads > 255 or volume.track > 63 or volume.total > 1024 * volume.heads * volume.track:
        return None
    return volume.heads, volume.track


class _Parameters(NamedTuple):
    heads: int
    track: int
    total: int


def _parameters(sector):
    """Heads, sectors a track and number of sectors from a volume's boot sector, or None if it is none."""
    if len(sector) < SECTOR or sector[510:512] != b"\x55\xAA" or sector[0] not in (0xE9, 0xEB):
        return None
    size, cluster = struct.unpack_from("<HB", sector, 11)
    small, media, track, heads, large = struct.unpack_from("<HB2xHH4xI", sector, 19)
    if size != SECTOR or not cluster or cluster & (cluster - 1) or media < 0xF0 or not track or not heads:
        return None
    return _Parameters(heads, track, small or large)
