"""Where the bytes of a file or directory lie: a chain of clusters, or the root directory's fixed place on FAT12 and FAT16.

A chain is followed once, as far as somebody asks, and kept as runs of neighbouring clusters:

    FAT:  5 -> 6 -> 7 -> 20 -> 21 -> end         runs:  starts 0, 3    firsts 5, 20    length 5
"""
from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator

from boot.fat.errors import Corrupt
from boot.fat.table import FIRST, Table


class Chain:
    """The clusters of a file that begins with cluster `first`; none if that is 0. No cluster is followed twice."""

    def __init__(self, table: Table, first: int):
        self.table = table
        self.first = first
        self.unit = table.layout.cluster_size           # bytes
        self._starts: list[int] = []            # index in the file of each run's first cluster
        self._firsts: list[int] = []            # number of that cluster
        self._sorted: list[int] = []            # these by size
        self._run_of: dict[int, int] = {}       # and the run that each of them begins
        self._length = 0                        # clusters followed so far
        self._last = 0                          # the last of those; what its entry says is asked when it matters
        self._ended = not first
        if first and not FIRST <= first <= table.last:
            raise Corrupt(f"{table.medium.name}: a file begins at cluster {first:X}h, which does not exist")

    def follow(self, count: int | None = None) -> int:
        """Follow the chain to `count` clusters, or to its end; how many there are of those. Corrupt if it loops."""
        while not self._ended and (count is None or self._length < count):
            cluster = self.table.next_of(self._last) if self._length else self.first
            if cluster is None:
                self._ended = True
            else:
                self._add(cluster)
        return self._length if count is None else min(count, self._length)

    def extents(self, offset: int, size: int) -> Iterator[tuple[int, int]]:
        """(position on the medium, bytes) of the pieces that hold bytes `offset` to `offset + size`.

        Corrupt if the chain ends before them."""
        count = -(-(offset + size) // self.unit)
        if self.follow(count) < count:
            raise Corrupt(f"{self.table.medium.name}: a chain of {self._length} clusters is too short for a file "
                          f"of {offset + size} bytes")
        run = bisect_right(self._starts, offset // self.unit) - 1
        while size > 0:
            stop = self._starts[run + 1] if run + 1 < len(self._starts) else self._length
            into = offset - self._starts[run] * self.unit
            piece = min(size, stop * self.unit - offset)
            yield self.table.layout.cluster_position(self._firsts[run]) + into, piece
            offset += piece
            size -= piece
            run += 1

    def cluster(self, index: int) -> int:
        """The number of the cluster that was followed as number `index`."""
        run = bisect_right(self._starts, index) - 1
        return self._firsts[run] + index - self._starts[run]

    def clusters(self, start: int = 0) -> Iterator[int]:
        """All clusters from index `start` on."""
        return (self.cluster(index) for index in range(start, self.follow()))

    def shares_with(self, other: Chain) -> bool:
        """Whether some cluster is in both chains, as far as they were followed."""
        return any(mine._has(first) for mine, its in ((self, other), (other, self)) for first in its._firsts)

    def append(self, clusters: list[int]) -> None:
        """Put clusters behind the last one, in the table, too; not flushed."""
        if clusters and self.follow():
            self.table.set(self._last, clusters[0])
        elif clusters:
            self.first = clusters[0]
        for cluster, behind in zip(clusters, [*clusters[1:], self.table.end]):
            self.table.set(cluster, behind)
            self._add(cluster)

    def _add(self, cluster):
        neighbour = self._last and self._last + 1 == cluster
        if cluster in self._run_of or not neighbour and self._has(cluster):
            raise Corrupt(f"{self.table.medium.name}: a chain of clusters comes back to {cluster:X}h")
        if not neighbour:
            self._run_of[cluster] = len(self._starts)
            self._starts.append(self._length)
            self._firsts.append(cluster)
            insort(self._sorted, cluster)
        self._last = cluster
        self._length += 1

    def _has(self, cluster):
        """Whether the cluster is in one of the runs."""
        place = bisect_right(self._sorted, cluster) - 1
        if place < 0:
            return False
        run = self._run_of[self._sorted[place]]
        stop = self._starts[run + 1] if run + 1 < len(self._starts) else self._length
        return cluster - self._firsts[run] < stop - self._starts[run]


class FixedRoot:
    """The root directory of FAT12 and FAT16: its bytes lie in one piece and cannot grow."""

    def __init__(self, table: Table):
        self.layout = table.layout

    def follow(self, count: int | None = None) -> int:
        return 1

    def extents(self, offset: int, size: int) -> Iterator[tuple[int, int]]:
        yield self.layout.root_start + offset, size
