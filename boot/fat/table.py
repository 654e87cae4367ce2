"""The file allocation table: for each cluster the next one of its file.

    0                   free                                    FAT12: 12 bits, two entries in three bytes
    2 ... clusters + 1  the next cluster                        FAT16: 16 bits
    FF7h                bad, never to be used                   FAT32: 28 bits of 32; the upper four stay as they are
    FF8h ... FFFh       the file ends here                      (of 12 bits; with F's in front for 16 and 28)

It is read in windows of 24 sectors, a whole number of entries of each kind. What is changed is written to all copies by
flush(), and until then forgotten by forget(). FAT32 has a sector FSInfo beside it, with the number of free clusters and
one from which to look for them; both are kept, but the number is not believed.

Source: Microsoft, "FAT: General Overview of On-Disk Format" 1.03, "FAT Data Structure".
"""
from __future__ import annotations

import struct

from boot.fat.bpb import Layout
from boot.fat.errors import Corrupt, Full
from boot.fat.medium import Medium

FREE = 0
FIRST = 2                       # number of the first cluster
WINDOW_SECTORS = 24             # times 512 is a multiple of 3
MOST_WINDOWS = 512              # kept in memory

INFO_LEAD, INFO_STRUCTURE, INFO_TRAIL = b"RRaA", b"rrAa", b"\0\0\x55\xAA"       # at 0, 1E4h, 1FCh of FSInfo
INFO_NUMBERS, INFO_AT = struct.Struct("<II"), 488                               # free clusters, where to look for one
UNKNOWN = 0xFFFFFFFF


class Table:
    """The entries of a volume's FAT. Cluster numbers are checked by next_of(), not by get() and set()."""

    def __init__(self, medium: Medium, layout: Layout):
        self.medium = medium
        self.layout = layout
        self.last = layout.clusters + 1                         # the highest cluster number
        self.usable = min(self.last, FIRST - 1 + max(0, medium.size - layout.data_start) // layout.cluster_size)
        self.mask = (1 << min(layout.kind, 28)) - 1
        self.window = WINDOW_SECTORS * layout.sector_size       # bytes
        self.entries = self.window * 8 // layout.kind           # in a window
        self._read = {12: self._read12, 16: self._read16, 32: self._read32}[layout.kind]
        self.forget()

    def forget(self) -> None:
        """What was read may no longer be true; what was changed and not flushed is given up."""
        self._windows: dict[int, bytearray] = {}                # number -> bytes
        self._crowded: set[int] = set()                         # windows known to have no free entry
        self._dirty: set[int] = set()                           # numbers of sectors of the FAT
        self._free: int | None = None                           # free clusters, once they have been counted
        self._freed = 0                                         # clusters made free less those taken since the last flush
        self._newest = 0                                        # the last one that was taken since then

    # ---- entries -----------------------------------------------------------------------------------------------------

    def get(self, cluster: int) -> int:
        """The entry of a cluster."""
        number, index = divmod(cluster, self.entries)
        return self._read(self._windows.get(number) or self._load(number), index)

    def set(self, cluster: int, value: int) -> None:
        """Change the entry of a cluster; on disk with the next flush()."""
        number, index = divmod(cluster, self.entries)
        window = self._windows.get(number) or self._load(number)
        at, size = index * self.layout.kind // 8, 4 if self.layout.kind == 32 else 2
        old = int.from_bytes(window[at:at + size], "little")
        shift = 4 if self.layout.kind == 12 and index & 1 else 0
        was_free = not old >> shift & self.mask
        new = old & ~(self.mask << shift) | (value & self.mask) << shift
        window[at:at + size] = new.to_bytes(size, "little")
        first = number * self.window + at
        self._dirty.update((first // self.layout.sector_size, (first + size - 1) // self.layout.sector_size))
        if value == FREE:
            self._crowded.discard(number)
        elif was_free:
            self._newest = cluster
        self._freed += (value == FREE) - was_free

    def next_of(self, cluster: int) -> int | None:
        """The cluster behind this one, None if it is its file's last. Corrupt if the entry is neither."""
        value = self.get(cluster)
        if FIRST <= value <= self.last:
            return value
        if value > self.mask - 8:
            return None
        what = "is free" if value == FREE else "is marked bad" if value == self.mask - 8 else \
               f"leads to cluster {value:X}h, which does not exist"
        raise Corrupt(f"{self.medium.name}: cluster {cluster:X}h belongs to a file, but {what}")

    @property
    def end(self) -> int:
        """The entry of a file's last cluster."""
        return self.mask

    # ---- free ones ---------------------------------------------------------------------------------------------------

    def find_free(self, count: int, near: int | None = None) -> list[int]:
        """The first `count` free clusters from number `near` on, and round to there. Full if there are not so many.

        Without `near` it is where FSInfo says, or at the beginning."""
        if near is None:
            near = (self._info() or (0, FIRST))[1]
        if not FIRST <= near <= self.usable:
            near = FIRST
        if count == 1 and self.get(near) == FREE:
            return [near]
        found: list[int] = []
        for start, stop in ((near, self.usable + 1), (FIRST, near)):
            while start < stop and len(found) < count:
                number = start // self.entries
                end = min(stop, (number + 1) * self.entries)
                if number not in self._crowded:
                    values = self._values(number)
                    base = number * self.entries
                    free = [cluster for cluster in range(start, end) if not values[cluster - base]]
                    if not free and start <= max(base, FIRST) and end > min(base + self.entries - 1, self.usable):
                        self._crowded.add(number)
                    found += free[:count - len(found)]
                start = end
            if len(found) == count:
                return found
        raise Full(f"{self.medium.name} is full: {count} clusters of {self.layout.cluster_size} bytes are needed, "
                   f"{len(found)} are free")

    def count_free(self) -> int:
        """How many clusters are free, by counting; what is not flushed counts as well."""
        if self._free is not None:
            return self._free + self._freed
        total = 0
        for number in range(self.usable // self.entries + 1):
            base = number * self.entries
            values = self._values(number)[max(0, FIRST - base):self.usable + 1 - base]
            total += values.count(FREE)
        self._free = total - self._freed
        return total

    def _info(self):
        """(free clusters, where to look) as FSInfo says, FFFFFFFFh what it does not know; None if there is none."""
        if self.layout.info is None:
            return None
        raw = self.medium.read(self.layout.info, 512)
        if raw[:4] != INFO_LEAD or raw[484:488] != INFO_STRUCTURE or raw[508:] != INFO_TRAIL:
            return None
        return INFO_NUMBERS.unpack_from(raw, INFO_AT)

    def _update_info(self):
        info = self._info()
        if info is None:
            return
        free, near = info
        if free != UNKNOWN:
            free = free + self._freed if 0 <= free + self._freed <= self.layout.clusters else UNKNOWN
        raw = INFO_NUMBERS.pack(free, self._newest or near)
        self.medium.write(self.layout.info + INFO_AT, raw)

    # ---- windows -----------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Write what has changed to every copy that is kept, neighbouring sectors at once."""
        unit = self.layout.sector_size
        runs: list[list[int]] = []
        for sector in sorted(self._dirty):
            if runs and runs[-1][1] == sector:
                runs[-1][1] += 1
            else:
                runs.append([sector, sector + 1])
        for copy in self.layout.fats:
            for first, stop in runs:
                data = b"".join(self._sector(sector) for sector in range(first, stop))
                self.medium.write(self.layout.fat_start + copy * self.layout.fat_size + first * unit, data)
        if self._dirty:
            self._update_info()
        self._dirty.clear()
        if self._free is not None:
            self._free += self._freed
        self._freed = self._newest = 0
        if len(self._windows) > MOST_WINDOWS:
            self._windows.clear()

    def _sector(self, sector):
        number, at = divmod(sector * self.layout.sector_size, self.window)
        return self._windows[number][at:at + self.layout.sector_size]

    def _load(self, number):
        if len(self._windows) > MOST_WINDOWS and not self._dirty:
            self._windows.clear()
        start = number * self.window
        size = min(self.window, self.layout.fat_size - start)
        place = self.layout.fat_start + self.layout.fats[0] * self.layout.fat_size + start
        window = self._windows[number] = bytearray(self.medium.read(place, size))
        return window

    def _values(self, number):
        """The entries of a window, in order."""
        window = self._windows.get(number) or self._load(number)
        if self.layout.kind == 12:
            return [self._read12(window, index) for index in range(len(window) * 2 // 3)]
        if self.layout.kind == 16:
            return struct.unpack(f"<{len(window) // 2}H", window)
        return [value & self.mask for value in struct.unpack(f"<{len(window) // 4}I", window)]

    @staticmethod
    def _read12(window, index):
        at = index * 3 >> 1
        pair = window[at] | window[at + 1] << 8
        return pair >> 4 if index & 1 else pair & 0xFFF

    @staticmethod
    def _read16(window, index):
        return window[2 * index] | window[2 * index + 1] << 8

    @staticmethod
    def _read32(window, index):
        return int.from_bytes(window[4 * index:4 * index + 4], "little") & 0x0FFFFFFF
