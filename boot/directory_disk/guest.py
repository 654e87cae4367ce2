"""What is on the volume as the guest has left it, read by somebody who believes nothing.

A volume that contradicts itself is Inconsistent: then nothing of it is to be brought back. What may be the middle of
something, a file written whose entry is to follow, a directory's entry gone that will appear elsewhere, is a doubt: then
what is there is true, but that something is missing does not mean that it is deleted.
"""
from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

from boot.directory_disk.layout import FIRST, MOST_DIRECTORY, ROOT, Layout
from boot.directory_disk.tree import MOST_NODES, Path, printable
from boot.disk import SECTOR, Disk
from boot.fat.bpb import COMMON, FAT32_PART
from boot.fat.entries import Entry, decode
from boot.fat.errors import NameInvalid
from boot.fat.names import DOTS, check, fold

BAD, LAST = 0x0FFFFFF7, 0x0FFFFFF8                      # a cluster's entry in the FAT: not to be used; from here on: the end
ENTRY = 0x0FFFFFFF                                      # its bits that count
PIECE = 1 << 20                                         # bytes read at once
MOST_DEPTH = 256                                        # of directories in each other; the host's paths have 4096 bytes
PARAMETERS = slice(11, COMMON.sizeof() + FAT32_PART.sizeof())      # of the boot sector: what the volume is

Run = tuple[int, int]                                   # first cluster, number of clusters


class Inconsistent(Exception):
    """The volume contradicts itself. One line: how."""


@dataclass
class GuestFile:
    """A file: its entry, and the clusters that its bytes are in, each run as long as it can be."""
    path: Path
    entry: Entry
    runs: list[Run]
    unfinished: bool = False                            # it has clusters, but no size yet

    @property
    def size(self) -> int:
        """Bytes."""
        return self.entry.size


@dataclass
class GuestTree:
    """All files and directories by path; parents before what is in them."""
    directories: list[Path] = field(default_factory=list)
    files: dict[Path, GuestFile] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)


def read_guest(disk: Disk, layout: Layout) -> GuestTree:
    """The tree on the volume of `disk`, which was made after `layout`. Inconsistent if there is no such."""
    return _Reader(disk, layout).tree


def content(disk: Disk, layout: Layout, file: GuestFile) -> Iterator[bytes]:
    """The bytes of a file, in pieces of at most PIECE."""
    left = file.size
    for first, count in file.runs:
        sector, end = sector_of(layout, first), sector_of(layout, first + count)
        while left and sector < end:
            sectors = min(end - sector, PIECE // SECTOR)
            data = disk.read(sector, sectors)[:left]
            yield data
            left -= len(data)
            sector += sectors


def sector_of(layout: Layout, cluster: int) -> int:
    """The first sector of a cluster on the disk."""
    return FIRST + layout.data + (cluster - 2) * layout.cluster_sectors


class _Reader:

    def __init__(self, disk, layout):
        self.disk, self.layout, self.tree = disk, layout, GuestTree()
        if disk.read(FIRST, 1)[PARAMETERS] != layout.head[PARAMETERS]:
            raise Inconsistent("the volume was formatted anew")
        self.fat = self._table()
        self.taken = bytearray(layout.clusters + 2)     # 1: some file has this cluster
        self._walk()
        self._look_for_lost()

    def _table(self):
        start, sectors = FIRST + self.layout.reserved, self.layout.fat_sectors
        first, second = (self.disk.read(start + number * sectors, sectors) for number in range(2))
        if first != second:
            self.tree.doubts.append("the two FATs differ")
        table = array("I", first)
        if sys.byteorder == "big":
            table.byteswap()
        return table

    def _walk(self):
        waiting = [((), ROOT)]
        while waiting:
            path, cluster = waiting.pop()
            self.tree.directories.append(path)
            names: set[str] = set()
            for entry in self._entries(path, cluster):
                here = (*path, entry.name)
                if len(self.tree.files) + len(self.tree.directories) + len(waiting) > MOST_NODES:
                    raise Inconsistent(f"there are more than {MOST_NODES} files and directories on the volume")
                if len(here) > MOST_DEPTH:
                    self.tree.doubts.append(f"directories are nested more than {MOST_DEPTH} deep")
                    continue
                if not _possible(entry.name):
                    self.tree.doubts.append(f"no file of the host can be called {ascii(entry.name)}")
                    continue
                if fold(entry.name) in names:
                    raise Inconsistent(f"there are two of the name {printable(here)}")
                names.add(fold(entry.name))
                if entry.is_directory:
                    waiting.append((here, entry.first_cluster))
                else:
                    self.tree.files[here] = self._file(here, entry)

    def _entries(self, path, cluster):
        """A directory's files and directories."""
        runs = self._chain(path, cluster)
        if sum(count for _, count in runs) * self.layout.cluster_size > MOST_DIRECTORY + self.layout.cluster_size:
            raise Inconsistent(f"the directory {printable(path)} is longer than any can be")
        data = b"".join(self.disk.read(sector_of(self.layout, first), count * self.layout.cluster_sectors)
                        for first, count in runs)
        found = [entry for entry in decode(data) if not entry.is_label]
        if path:
            dots, found = found[:2], found[2:]
            if [entry.short for entry in dots] != [DOTS["."], DOTS[".."]] or dots[0].first_cluster != cluster:
                raise Inconsistent(f"the directory {printable(path)} does not begin with itself and its parent")
        if any(entry.is_dot for entry in found):
            raise Inconsistent(f"the directory {printable(path)} has an entry for itself that is out of place")
        return found

    def _file(self, path, entry):
        if not entry.first_cluster:
            if entry.size:
                raise Inconsistent(f"{printable(path)} has {entry.size} bytes, but no cluster")
            return GuestFile(path, entry, [])
        runs = self._chain(path, entry.first_cluster)
        if sum(count for _, count in runs) * self.layout.cluster_size < entry.size:
            raise Inconsistent(f"{printable(path)} has {entry.size} bytes, but fewer clusters")
        if not entry.size:
            self.tree.doubts.append(f"{printable(path)} has clusters, but no size")
        return GuestFile(path, entry, runs, unfinished=not entry.size)

    def _chain(self, path, cluster):
        """The clusters of a file from `cluster` on. Each belongs to one file, so a loop is met as well."""
        runs = []
        start = cluster
        while True:
            if not 2 <= cluster < len(self.taken):
                raise Inconsistent(f"{printable(path)} leads to cluster {cluster:X}h, which does not exist")
            if self.taken[cluster]:
                raise Inconsistent(f"{printable(path)} has cluster {cluster:X}h, which belongs to a file already")
            self.taken[cluster] = 1
            following = self.fat[cluster] & ENTRY
            if following != cluster + 1:
                runs.append((start, cluster + 1 - start))
                if following >= LAST:
                    return runs
                if following in (0, BAD):
                    raise Inconsistent(f"{printable(path)} has cluster {cluster:X}h, which is "
                                       f"{'bad' if following else 'free'}")
                start = following
            cluster = following

    def _look_for_lost(self):
        lost = sum(1 for cluster in range(2, len(self.taken))
                   if self.fat[cluster] & ENTRY not in (0, BAD) and not self.taken[cluster])
        if lost:
            self.tree.doubts.append(f"{lost} clusters are taken, but belong to no file")


def _possible(name):
    """Whether a file of the host can have this name: FAT's rules exclude "/", NUL, "." and ".."; and then it is Unicode."""
    try:
        name.encode()
        return check(name) == name
    except (NameInvalid, UnicodeEncodeError):
        return False
