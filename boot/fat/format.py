"""An empty FAT volume on a device.

    format_volume(disk, 2048, 131072, label="EFI")            a partition: kind and cluster size as fits
    format_volume(disk, kind=12, cluster_size=512)            a diskette

Everything that a tool would take from the clock, like the serial number, is an argument: the same call, the same bytes.
Source: Microsoft, "FAT: General Overview of On-Disk Format" 1.03; the volumes keep the 16 clusters of distance from the
limits of the kinds that it recommends, because drivers disagree about them.
"""
from __future__ import annotations

from boot.fat import bpb
from boot.fat.bpb import FAT12_LIMIT, FAT16_LIMIT, FAT32_LIMIT
from boot.fat.medium import Medium
from boot.fat.table import FIRST
from boot.fat.volume import Volume, check_label
from x86.faults import ImageError

DISTANCE = 16
CLUSTERS = {12: (1, FAT12_LIMIT - DISTANCE), 16: (FAT12_LIMIT + DISTANCE, FAT16_LIMIT - DISTANCE),
            32: (FAT16_LIMIT + DISTANCE, FAT32_LIMIT - DISTANCE)}          # fewest, and one more than the most
LARGEST_CLUSTER = 65536                 # bytes; some drivers take 32 KB at most, so larger ones come last
USUAL_FAT32_CLUSTER = 4096
SMALL = 5760                            # sectors of the largest diskette
SMALL_FOR_FAT12, LARGE_FOR_FAT16 = 8400, 1 << 20        # sectors: up to 4 MB FAT12, up to 512 MB FAT16, then FAT32
FAT32_RESERVED, INFO_SECTOR, BACKUP_SECTOR = 32, 1, 6
SECTOR = 512
PIECE = 1 << 20                         # bytes of zeros written at once
RESERVED_ENTRIES = {                    # the medium, then F's; the root directory of FAT32
    12: b"\xF8\xFF\xFF",
    16: b"\xF8\xFF\xFF\xFF",
    32: b"\xF8\xFF\xFF\x0F" + 2 * b"\xFF\xFF\xFF\x0F",
}
BOOT_CODE = bytes.fromhex("CD 18 F4 EB FD")             # int 18h: nothing to boot here;  hlt;  jmp to the hlt


def format_volume(device, first_sector: int = 0, sectors: int | None = None, kind: int | None = None,
                  cluster_size: int | None = None, label: str = "", serial: int = 0, hidden: int | None = None,
                  heads: int | None = None, track: int | None = None, root_entries: int | None = None,
                  media: int | None = None, fats: int = 2, oem_name: bytes = b"MSWIN4.1",
                  name: str | None = None) -> Volume:
    """Make an empty volume on `sectors` of `device` from `first_sector` on; all that follow if `sectors` is None.

    kind: 12, 16, 32, or what is usual for the size. cluster_size: bytes, or the smallest that fits (4 KB for FAT32, if
    that fits). serial: 32 bits. hidden: sectors before the volume, `first_sector` if not given. heads, track: the
    geometry, that of the device if it has one. root_entries: of FAT12 and FAT16. media: F0h for a diskette, or F8h.
    Errors: ImageError if the size does not allow the kind; ValueError for arguments that are none; NameInvalid, ReadOnly.
    """
    check_label(label)
    medium = Medium(device, first_sector, sectors, name)
    count = medium.size // SECTOR
    if kind is None:
        kind = 12 if count <= SMALL_FOR_FAT12 else 16 if count <= LARGE_FOR_FAT16 else 32
    if kind not in CLUSTERS:
        raise ValueError(f"kind is {kind}, not 12, 16 or 32")
    if root_entries is None:
        root_entries = 224 if count <= SMALL else 512
    media = media if media is not None else 0xF0 if count <= SMALL else 0xF8
    reserved = FAT32_RESERVED if kind == 32 else 1
    root_sectors = 0 if kind == 32 else -(-root_entries * 32 // SECTOR)
    division = _divide(count - reserved - root_sectors, kind, cluster_size, fats)
    if division is None:
        fewest, limit = CLUSTERS[kind]
        raise ImageError(f"{medium.name}: {count} sectors are no FAT{kind} volume, which has {fewest} to {limit - 1} clusters"
                         + (f", here of {cluster_size} bytes" if cluster_size else ""))
    per_cluster, fat_sectors, clusters = division
    geometry = getattr(device, "geometry", None)
    short = kind != 32 and count < 65536
    boot = bpb.COMMON.build({
        "jump": b"\xEB\x58\x90" if kind == 32 else b"\xEB\x3C\x90",
        "oem_name": oem_name.ljust(8)[:8],
        "BPB_BytsPerSec": SECTOR,
        "BPB_SecPerClus": per_cluster,
        "BPB_RsvdSecCnt": reserved,
        "BPB_NumFATs": fats,
        "BPB_RootEntCnt": 0 if kind == 32 else root_entries,
        "BPB_TotSec16": count if short else 0,
        "BPB_Media": media,
        "BPB_FATSz16": 0 if kind == 32 else fat_sectors,
        "BPB_SecPerTrk": track or (geometry.sectors if geometry else 63),
        "BPB_NumHeads": heads or (geometry.heads if geometry else 255),
        "BPB_HiddSec": first_sector if hidden is None else hidden,
        "BPB_TotSec32": 0 if short else count,
    })
    if kind == 32:
        boot += bpb.FAT32_PART.build({
            "BPB_FATSz32": fat_sectors, "BPB_ExtFlags": 0, "BPB_FSVer": 0, "BPB_RootClus": FIRST,
            "BPB_FSInfo": INFO_SECTOR, "BPB_BkBootSec": BACKUP_SECTOR,
        })
    boot += bpb.TAIL.build({
        "BS_DrvNum": 0 if media == 0xF0 else 0x80, "BS_BootSig": 0x29, "BS_VolID": serial & 0xFFFFFFFF,
        "BS_VolLab": bpb.NO_LABEL, "BS_FilSysType": b"FAT%-5d" % kind,
    })
    boot = (boot + BOOT_CODE).ljust(SECTOR - 2, b"\0") + bpb.SIGNATURE

    data = (reserved + fats * fat_sectors + root_sectors) * SECTOR
    _zero(medium, data + (per_cluster * SECTOR if kind == 32 else 0))
    medium.write(0, boot)
    if kind == 32:
        info = bpb.INFO.build({"FSI_Free_Count": clusters - 1, "FSI_Nxt_Free": FIRST + 1})
        for start in (0, BACKUP_SECTOR):
            medium.write(start * SECTOR, boot)
            medium.write((start + INFO_SECTOR) * SECTOR, info)
    for copy in range(fats):
        medium.write((reserved + copy * fat_sectors) * SECTOR, bytes([media]) + RESERVED_ENTRIES[kind][1:])
    volume = Volume(device, first_sector, sectors, name)
    if label:
        volume.set_label(label)
    return volume


def _divide(sectors, kind, cluster_size, fats):
    """(sectors a cluster, sectors a FAT, clusters) of a volume with `sectors` for FATs and clusters; None if impossible."""
    fewest, limit = CLUSTERS[kind]
    if cluster_size is None:
        candidates = [1 << power for power in range(8) if SECTOR << power <= LARGEST_CLUSTER]
        if kind == 32:
            candidates.sort(key=lambda count: (count * SECTOR < USUAL_FAT32_CLUSTER,
                                               abs(count * SECTOR - USUAL_FAT32_CLUSTER)))
    else:
        candidates = [cluster_size // SECTOR]
        if cluster_size not in [SECTOR << power for power in range(8)]:
            raise ValueError(f"a cluster of {cluster_size} bytes: it has 1, 2, 4, ... or 128 sectors of {SECTOR} bytes")
    for per_cluster in candidates:
        fat_sectors, clusters = _fat_for(sectors, per_cluster, kind, fats)
        if fewest <= clusters < limit:
            return per_cluster, fat_sectors, clusters
    return None


def _fat_for(sectors, per_cluster, kind, fats):
    """(sectors of the smallest FAT that is large enough for the clusters it leaves room for, number of those)."""
    fat_sectors = 0
    needed = 1
    while needed > fat_sectors:
        fat_sectors = needed
        clusters = max(0, sectors - fats * fat_sectors) // per_cluster
        needed = -(-(clusters + 2) * kind // (8 * SECTOR))
    return fat_sectors, clusters


def _zero(medium, size):
    """Zeros over the first `size` bytes, where there are others."""
    for position in range(0, size, PIECE):
        count = min(PIECE, size - position)
        if any(medium.read(position, count)):
            medium.write(position, bytes(count))
