"""The boot sector's BIOS parameter block: where the parts of a volume are, and which of the three kinds it is.

    reserved sectors     FATs                     root directory            clusters 2, 3, 4, ...
    +------+--------+---+--------+--------+------+-------------------------+------------------------------
    | boot | FSInfo |...| FAT    | its copy      | FAT12, FAT16 only       | files and directories
    +------+--------+---+--------+---------------+-------------------------+------------------------------
           FAT32 only   fat_start                root_start                data_start

The kind follows from the number of clusters and nothing else: fewer than 4085 FAT12, fewer than 65525 FAT16; and FAT32
is the one with BPB_FATSz16 = 0.

Source: Microsoft, "FAT: General Overview of On-Disk Format" 1.03, "Boot Sector and BPB", "FAT Type Determination". What
it leaves open is decided as EDK2's FAT driver does: no jump, signature or name of the kind is asked for.
"""
from __future__ import annotations

from typing import NamedTuple

from construct import Bytes, Const, Int8ul, Int16ul, Int32ul, Padding, Struct

from boot.fat.medium import Medium
from x86.faults import ImageError

FAT12_LIMIT, FAT16_LIMIT = 4085, 65525          # numbers of clusters of the next larger kind
FAT32_LIMIT = 0x0FFFFFF5
SECTOR_SIZES = (512, 1024, 2048, 4096)
NO_LABEL = b"NO NAME    "

COMMON = Struct(
    "jump" / Bytes(3),
    "oem_name" / Bytes(8),
    "BPB_BytsPerSec" / Int16ul,
    "BPB_SecPerClus" / Int8ul,
    "BPB_RsvdSecCnt" / Int16ul,
    "BPB_NumFATs" / Int8ul,
    "BPB_RootEntCnt" / Int16ul,         # FAT12, FAT16
    "BPB_TotSec16" / Int16ul,           # 0: see BPB_TotSec32
    "BPB_Media" / Int8ul,
    "BPB_FATSz16" / Int16ul,            # 0: see BPB_FATSz32
    "BPB_SecPerTrk" / Int16ul,
    "BPB_NumHeads" / Int16ul,
    "BPB_HiddSec" / Int32ul,
    "BPB_TotSec32" / Int32ul,
)
FAT32_PART = Struct(
    "BPB_FATSz32" / Int32ul,
    "BPB_ExtFlags" / Int16ul,           # bit 7: only the FAT of that number (bits 3 to 0) is kept
    "BPB_FSVer" / Int16ul,
    "BPB_RootClus" / Int32ul,
    "BPB_FSInfo" / Int16ul,
    "BPB_BkBootSec" / Int16ul,
    Padding(12),
)
TAIL = Struct(                          # at 24h of FAT12 and FAT16, at 40h of FAT32
    "BS_DrvNum" / Int8ul,
    Padding(1),
    "BS_BootSig" / Int8ul,              # 29h: the next three are there
    "BS_VolID" / Int32ul,
    "BS_VolLab" / Bytes(11),
    "BS_FilSysType" / Bytes(8),
)
INFO = Struct(
    "FSI_LeadSig" / Const(b"RRaA"),
    Padding(480),
    "FSI_StrucSig" / Const(b"rrAa"),
    "FSI_Free_Count" / Int32ul,         # FFFFFFFFh: not known
    "FSI_Nxt_Free" / Int32ul,           # where to begin looking; FFFFFFFFh: not known
    Padding(12),
    "FSI_TrailSig" / Const(b"\0\0\x55\xAA"),
)
SIGNATURE = b"\x55\xAA"                 # at 1FEh


class Layout(NamedTuple):
    """A volume's parts; positions and sizes in bytes from its first sector."""
    kind: int                   # 12, 16, 32
    sector_size: int
    cluster_size: int
    clusters: int               # number of them; the first has number 2
    size: int                   # of the whole volume, as the BPB says
    fat_start: int
    fat_size: int               # of one copy
    fats: tuple[int, ...]       # numbers of the copies that are kept; the first of them is the one that is read
    root_start: int             # FAT12, FAT16
    root_size: int              # 0 on FAT32
    root_cluster: int           # 0 on FAT12 and FAT16
    data_start: int
    info: int | None            # FSInfo, FAT32
    label_field: int | None     # position of BS_VolLab
    backup: int                 # position of the boot sector's copy, 0 if there is none
    serial: int
    label: bytes                # 11 bytes, or none

    def cluster_position(self, cluster: int) -> int:
        """Where a cluster begins."""
        return self.data_start + (cluster - 2) * self.cluster_size


def parse(medium: Medium) -> Layout:
    """The layout that the first sector of `medium` describes. ImageError for a sector that describes none."""
    if medium.size < 512:
        raise ImageError(f"{medium.name}: {medium.size} bytes are no FAT volume")
    sector = medium.read(0, 512)
    bpb = COMMON.parse(sector)

    def refuse(field, why):
        raise ImageError(f"{medium.name}: no FAT volume: {field} {why}")

    unit = bpb.BPB_BytsPerSec
    if unit not in SECTOR_SIZES:
        refuse("BPB_BytsPerSec", f"is {unit}, not 512, 1024, 2048 or 4096")
    if bpb.BPB_SecPerClus not in (1, 2, 4, 8, 16, 32, 64, 128):
        refuse("BPB_SecPerClus", f"is {bpb.BPB_SecPerClus}, no power of two up to 128")
    if not bpb.BPB_RsvdSecCnt:
        refuse("BPB_RsvdSecCnt", "is 0, and would leave no place for the boot sector")
    if not bpb.BPB_NumFATs:
        refuse("BPB_NumFATs", "is 0")
    if bpb.BPB_Media not in (0x00, 0x01, 0xF0) and bpb.BPB_Media < 0xF8:
        refuse("BPB_Media", f"is {bpb.BPB_Media:02X}h, which is no medium")
    sectors = bpb.BPB_TotSec16 or bpb.BPB_TotSec32
    if not sectors:
        refuse("BPB_TotSec32", "is 0, and so is BPB_TotSec16")
    wide = bpb.BPB_FATSz16 == 0
    fat32 = FAT32_PART.parse(sector[COMMON.sizeof():]) if wide else None
    fat_sectors = fat32.BPB_FATSz32 if wide else bpb.BPB_FATSz16
    if not fat_sectors:
        refuse("BPB_FATSz32", "is 0, and so is BPB_FATSz16")
    if not wide and not bpb.BPB_RootEntCnt:
        refuse("BPB_RootEntCnt", "is 0, so there is no root directory")
    if wide and fat32.BPB_FSVer:
        refuse("BPB_FSVer", f"is {fat32.BPB_FSVer:04X}h, a version of FAT32 that nobody knows")

    root_sectors = 0 if wide else -(-bpb.BPB_RootEntCnt * 32 // unit)
    root = bpb.BPB_RsvdSecCnt + bpb.BPB_NumFATs * fat_sectors
    data = root + root_sectors
    clusters = (sectors - data) // bpb.BPB_SecPerClus
    if clusters <= 0:
        refuse("BPB_TotSec32" if not bpb.BPB_TotSec16 else "BPB_TotSec16",
               f"is {sectors}, and the first cluster would be at sector {data}")
    kind = 32 if wide else 12 if clusters < FAT12_LIMIT else 16
    if kind == 16 and clusters >= FAT16_LIMIT:
        refuse("BPB_FATSz16", f"is {fat_sectors}, but {clusters} clusters are FAT32, which has 0 there")
    if kind == 32 and not FAT16_LIMIT <= clusters < FAT32_LIMIT:
        refuse("BPB_FATSz16", f"is 0 as on FAT32, which cannot have {clusters} clusters")
    if fat_sectors * unit * 8 < (clusters + 2) * kind:
        refuse("BPB_FATSz32" if wide else "BPB_FATSz16",
               f"is {fat_sectors}, too few sectors for {clusters} clusters")
    if kind == 32 and not 2 <= fat32.BPB_RootClus < clusters + 2:
        refuse("BPB_RootClus", f"is {fat32.BPB_RootClus}, and the clusters are 2 to {clusters + 1}")
    if data * unit >= medium.size:
        refuse("BPB_RsvdSecCnt, BPB_NumFATs and BPB_FATSz",
               f"put the first cluster at sector {data}, behind the medium's end at {medium.size // unit}")

    kept = tuple(range(bpb.BPB_NumFATs))
    if wide and fat32.BPB_ExtFlags & 0x80:
        active = fat32.BPB_ExtFlags & 0x0F
        if active >= bpb.BPB_NumFATs:
            refuse("BPB_ExtFlags", f"says that only FAT {active} of {bpb.BPB_NumFATs} is kept")
        kept = (active,)
    tail_at = COMMON.sizeof() + (FAT32_PART.sizeof() if wide else 0)
    tail = TAIL.parse(sector[tail_at:])
    named = tail.BS_BootSig == 0x29
    info = backup = 0
    if wide:
        info, backup = (number if 0 < number < bpb.BPB_RsvdSecCnt else 0
                        for number in (fat32.BPB_FSInfo, fat32.BPB_BkBootSec))
    return Layout(
        kind=kind, sector_size=unit, cluster_size=bpb.BPB_SecPerClus * unit, clusters=clusters, size=sectors * unit,
        fat_start=bpb.BPB_RsvdSecCnt * unit, fat_size=fat_sectors * unit, fats=kept, root_start=root * unit,
        root_size=0 if wide else bpb.BPB_RootEntCnt * 32, root_cluster=fat32.BPB_RootClus if wide else 0,
        data_start=data * unit, info=info * unit or None, label_field=tail_at + 7 if named else None,
        backup=backup * unit, serial=tail.BS_VolID if named else 0, label=tail.BS_VolLab if named else b"")
