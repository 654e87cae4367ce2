"""A tree of the host as the sectors of a disk: a GPT with one EFI system partition, and in that a FAT32 volume.

    LBA 0       protective MBR
    1 ..        GPT, 33 sectors                 the volume
    2048 ..     the volume                          0  boot sector     6  its copy
    last - 32   GPT's copy                          1  FSInfo          7  its copy
                                                    FAT, FAT
                                                    cluster 2: root directory, other directories, files, free ones

Nothing is kept of it but the directories' bytes, and where each file begins: files lie one behind the other in clusters
that follow each other, so a sector of the FAT is arithmetic, and a sector of a file is read from the host when somebody
reads it. Signatures and serial number are always the same; times are those of the files, in UTC.

Source: UEFI 2.10 sections 5.3 and 13.3; Microsoft, "FAT: General Overview of On-Disk Format" 1.03.
"""
from __future__ import annotations

import struct
import zlib
from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from boot.disk import SECTOR
from boot.directory_disk.tree import HostDirectory, HostFile, Path, printable
from boot.fat import bpb
from boot.fat.entries import ARCHIVE, DIRECTORY, EPOCH, LABEL, Entry, Moment, dot_entries, encode, new_entry
from boot.fat.format import format_volume
from boot.fat.medium import Medium
from boot.fat.names import plain_short
from boot.gpt import EFI_SYSTEM_PARTITION, GptEntry, build_gpt
from boot.partitions import GPT_PROTECTIVE, MasterBootRecord
from x86.faults import ImageError

FIRST = 2048                                            # LBA of the volume
BEHIND = 33                                             # sectors behind it
DISK_GUID = UUID("8B5D1E5C-6A0E-4B0F-9C1D-2F7A3C5E8D01")
PARTITION_GUID = UUID("8B5D1E5C-6A0E-4B0F-9C1D-2F7A3C5E8D02")
SERIAL = 0x8664_D15C
LABEL_TEXT = "HOST"

RESERVED, FATS = 32, 2                                  # as format_volume makes them
FEWEST_CLUSTERS = 65600                                 # some drivers count wrong by a few: FAT32 begins at 65525
MOST_CLUSTERS = bpb.FAT32_LIMIT - 32
MOST_SECTORS = 0xFFFFFFFF - FIRST - BEHIND
MOST_DIRECTORY = 65536 * 32                             # bytes of a directory
END_OF_CHAIN = 0x0FFFFFFF
ROOT = 2                                                # the root directory's cluster
DEFAULT_FREE = 260 << 20                                # bytes; enough for FAT32 with clusters of 4096 bytes
NOT_BOOTABLE = b"\xCD\x18\xF4\xEB\xFD"                  # int 18h ("no disk boots"); hlt; jmp to the hlt


class Layout:
    """Where everything is. It never changes: what the guest writes lies over it.

    free: bytes that are to be free, at least. Errors: ImageError for a tree that no FAT volume holds."""

    def __init__(self, tree: HostDirectory, name: str, free: int = DEFAULT_FREE):
        self.name = name
        self.directories: list[HostDirectory] = []
        self.files: list[HostFile] = []
        self._flatten(tree)
        entries = {directory.path: _entries(directory) for directory in self.directories}
        sizes = {path: _directory_size(path, inside) for path, inside in entries.items()}
        self._choose_size(sizes, free)
        self._place(sizes)
        self._directory_bytes(entries)
        self._format()
        self.disk_sectors = FIRST + self.sectors + BEHIND
        self._before, self._behind = self._tables()

    def _flatten(self, tree):
        waiting = [tree]
        while waiting:
            directory = waiting.pop()
            self.directories.append(directory)
            subdirectories = [child for child in directory.children if isinstance(child, HostDirectory)]
            self.files += [child for child in directory.children if isinstance(child, HostFile)]
            waiting += reversed(subdirectories)

    def _choose_size(self, sizes, free):
        """The cluster's size, and the volume's."""
        content = sum(sizes.values()) + sum(file.size for file in self.files)
        total = content + free
        sectors = next((count for count, most in ((8, 8 << 30), (16, 16 << 30), (32, 32 << 30)) if total <= most), 64)
        while sectors > 1 and total < FEWEST_CLUSTERS * sectors * SECTOR:
            sectors //= 2
        self.cluster_sectors, self.cluster_size = sectors, sectors * SECTOR
        used = sum(map(self._clusters, sizes.values())) + sum(self._clusters(file.size) for file in self.files)
        most = min(MOST_CLUSTERS, (MOST_SECTORS - RESERVED - 64) * SECTOR // (self.cluster_size + 4 * FATS)) * 4095 // 4096
        if used > most:
            raise ImageError(f"{self.name}: {content} bytes are too many for a FAT volume")
        clusters = min(most, max(used + self._clusters(free), FEWEST_CLUSTERS))
        clusters += clusters // 4096 + 2                # format_volume may make the FAT a little larger than it has to be
        self.used = used
        self.sectors = RESERVED + FATS * -(-(clusters + 2) * 4 // SECTOR) + clusters * sectors

    def _clusters(self, size):
        return -(-size // self.cluster_size)

    def _place(self, sizes):
        """Give out the clusters: `starts` in order, and in `owners` to whom; a file without content has none."""
        self.starts: list[int] = []
        self.owners: list[HostDirectory | HostFile] = []
        self.first_cluster: dict[Path, int] = {}
        following = ROOT
        for node in (*self.directories, *self.files):
            count = self._clusters(sizes[node.path] if isinstance(node, HostDirectory) else node.size)
            self.first_cluster[node.path] = following if count else 0
            if count:
                self.starts.append(following)
                self.owners.append(node)
                following += count
        self.following = following                      # the first free one

    def _directory_bytes(self, entries):
        self.content: dict[Path, bytes] = {}
        for directory in self.directories:
            path = directory.path
            if path:
                parent = self.first_cluster[path[:-1]] if len(path) > 1 else 0
                head = dot_entries(self.first_cluster[path], parent, moment(directory.modified))
            else:
                head = _label()
            self.content[path] = head + b"".join(
                encode(entry._replace(first_cluster=self.first_cluster[(*path, entry.name)])) for entry in entries[path])

    # ---- sectors that are made once ------------------------------------------------------------------------------------

    def _format(self):
        """The reserved sectors as those of an empty volume; only FSInfo knows better what is free."""
        blank = _Blank(FIRST + self.sectors)
        format_volume(blank, FIRST, kind=32, cluster_size=self.cluster_size, label=LABEL_TEXT, serial=SERIAL, heads=255,
                      track=63, oem_name=b"HOSTDIR ")
        parts = bpb.parse(Medium(blank, FIRST))
        self.clusters = parts.clusters
        self.reserved, self.fat_sectors, self.data = (size // SECTOR for size in
                                                      (parts.fat_start, parts.fat_size, parts.data_start))
        head = bytearray(blank.read(FIRST, self.reserved))
        info = bpb.INFO.build({"FSI_Free_Count": self.clusters - self.used, "FSI_Nxt_Free": self.following})
        for position in (parts.info, parts.backup + parts.info):
            head[position:position + SECTOR] = info
        self.head = bytes(head)

    def _tables(self):
        """(the sectors up to the volume, the sectors behind it)."""
        unused = {"BootIndicator": 0, "StartingCHS": bytes(3), "OSType": 0, "EndingCHS": bytes(3), "StartingLBA": 0,
                  "SizeInLBA": 0}
        protective = {**unused, "StartingCHS": b"\0\2\0", "OSType": GPT_PROTECTIVE, "EndingCHS": b"\xFF\xFF\xFF",
                      "StartingLBA": 1, "SizeInLBA": min(self.disk_sectors - 1, 0xFFFFFFFF)}
        record = MasterBootRecord.build({
            "BootCode": NOT_BOOTABLE.ljust(440, b"\0"), "UniqueMBRDiskSignature": bytes(4), "Unknown": 0,
            "PartitionRecord": [protective, unused, unused, unused]})
        esp = GptEntry(1, EFI_SYSTEM_PARTITION, PARTITION_GUID, FIRST, FIRST + self.sectors - 1, "EFI system partition")
        head, tail = build_gpt(self.disk_sectors, DISK_GUID, [esp])
        return (record + head).ljust(FIRST * SECTOR, b"\0"), tail

    @cached_property
    def fingerprint(self) -> int:
        """A number that is another one if names, sizes or times in the tree are."""
        state = 0
        for directory in self.directories:
            state = zlib.crc32(self.content[directory.path], state)
        for file in self.files:
            state = zlib.crc32(repr((file.path, file.size, file.stamp.modified)).encode(), state)
        return zlib.crc32(struct.pack("<Q", self.sectors), state)

    # ---- any sector ----------------------------------------------------------------------------------------------------

    def read(self, lba: int, count: int, contents: Callable[[HostFile, int, int], bytes]) -> bytes:
        """Sectors of the disk. contents(file, offset, size): so many bytes of a file, from the host."""
        regions = ((0, FIRST, lambda at, size: self._before[at:at + size]),
                   (FIRST, self.reserved, lambda at, size: self.head[at:at + size]),
                   (FIRST + self.reserved, self.fat_sectors, self._read_fat),
                   (FIRST + self.reserved + self.fat_sectors, self.fat_sectors, self._read_fat),
                   (FIRST + self.data, self.sectors - self.data,
                    lambda at, size: self._read_clusters(at, size, contents)),
                   (FIRST + self.sectors, BEHIND, lambda at, size: self._behind[at:at + size]))
        pieces = []
        for start, length, region in regions:
            first, end = max(lba, start), min(lba + count, start + length)
            if first < end:
                pieces.append(region((first - start) * SECTOR, (end - first) * SECTOR))
        return b"".join(pieces)

    def _read_fat(self, at, size):
        first, end = at // 4, (at + size) // 4              # cluster numbers
        used = max(first, min(end, self.following))
        values = list(range(first + 1, used + 1))
        for index in range(bisect_right(self.starts, first), len(self.starts)):
            if self.starts[index] > used:                   # the cluster before each start is the end of a chain
                break
            values[self.starts[index] - 1 - first] = END_OF_CHAIN
        if first < self.following <= end:
            values[self.following - 1 - first] = END_OF_CHAIN
        if first == 0:
            values[:2] = (0x0FFFFFF8, END_OF_CHAIN)
        return struct.pack(f"<{len(values)}I", *values) + bytes(4 * (end - used))

    def _read_clusters(self, at, size, contents):
        pieces = []
        position, end = at, at + size
        while position < end:
            cluster = position // self.cluster_size + 2
            if cluster >= self.following:
                pieces.append(bytes(end - position))
                break
            index = bisect_right(self.starts, cluster) - 1
            start = (self.starts[index] - 2) * self.cluster_size
            last = self.starts[index + 1] if index + 1 < len(self.starts) else self.following
            stop = min(end, (last - 2) * self.cluster_size)
            owner, offset, length = self.owners[index], position - start, stop - position
            if isinstance(owner, HostDirectory):
                piece = self.content[owner.path][offset:offset + length]
            else:
                wanted = min(length, owner.size - offset)
                piece = contents(owner, offset, wanted) if wanted > 0 else b""
            pieces.append(piece.ljust(length, b"\0"))
            position = stop
        return b"".join(pieces)


# ---- directories -----------------------------------------------------------------------------------------------------

def moment(nanoseconds: int) -> Moment:
    """The time in UTC, brought into the years that FAT has."""
    lowest, highest = 315532800, 4354819198                 # 1980-01-01 00:00:00, 2107-12-31 23:59:58
    seconds = min(max(nanoseconds // 10**9, lowest), highest)
    time = datetime(1970, 1, 1) + timedelta(seconds=seconds)
    return Moment(time.year, time.month, time.day, time.hour, time.minute, time.second // 2 * 2)


def _entries(directory):
    """An entry for each child, in order; clusters are not known yet."""
    taken = set()
    made = {}
    for child in sorted(directory.children, key=lambda child: plain_short(child.path[-1]) is None):
        name = child.path[-1]                               # who needs no long name gets his short one, whoever else wants it
        kind, size, modified = (ARCHIVE, child.size, child.stamp.modified) if isinstance(child, HostFile) else \
                               (DIRECTORY, 0, child.modified)
        when = moment(modified)
        made[name] = new_entry(name, taken, attributes=kind, size=size, created=when, accessed=when, modified=when)
        taken.add(made[name].short)
    return [made[child.path[-1]] for child in directory.children]


def _directory_size(path, entries):
    size = (64 if path else 32) + sum(len(encode(entry)) for entry in entries)
    if size > MOST_DIRECTORY:
        raise ImageError(f"{printable(path)}: {len(entries)} names are too many for a FAT directory")
    return size


def _label():
    return encode(Entry(LABEL_TEXT, LABEL_TEXT.encode().ljust(11), attributes=LABEL, modified=EPOCH))


class _Blank:
    """A device that has nothing on it, and keeps what is written."""

    def __init__(self, sectors):
        self.sectors = sectors
        self.written = {}

    def read(self, lba, count):
        data = bytearray(count * SECTOR)
        for number, sector in self.written.items():
            if lba <= number < lba + count:
                data[(number - lba) * SECTOR:(number - lba + 1) * SECTOR] = sector
        return bytes(data)

    def write(self, lba, data):
        for number in range(len(data) // SECTOR):
            self.written[lba + number] = data[number * SECTOR:(number + 1) * SECTOR]
