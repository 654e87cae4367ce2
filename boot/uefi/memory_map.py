"""Who has which page: the memory map behind AllocatePages, and the pool behind AllocatePool. Knows nothing of services.

The map is a sorted list of ranges that cover all RAM, with no two neighbours alike. Its `key` changes with every
change of the map, which is what ExitBootServices asks for. Pages for "anywhere" come from the top of the memory below
4 GB, as in EDK2.
Allocations of the pool lie in pages of their type, a chunk for many, so that most of them leave the map as it is.

Source: UEFI 2.10, section 7.2 "Memory Allocation Services".
"""
from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from boot.uefi.definitions import PAGE, RAM_ATTRIBUTES, MemoryAttribute, MemoryType

FIRST_OEM = 0x70000000                  # memory types from here on are the caller's own
RUNTIME_TYPES = (MemoryType.RuntimeServicesCode, MemoryType.RuntimeServicesData)
CHUNK = 16                              # pages that the pool takes at a time
FOUR_GIGABYTES = 1 << 32
GRAIN = 16                              # bytes: what pool allocations are a multiple of, and aligned to


class OutOfMemory(Exception):
    """No such range is free."""


class NotAllocated(Exception):
    """The range, or part of it, was not allocated."""


@dataclass
class Range:
    """Pages [start, end) of one type. attribute: what the descriptor says."""
    start: int
    end: int
    type: int
    attribute: int = int(RAM_ATTRIBUTES)

    @property
    def pages(self) -> int:
        return (self.end - self.start) // PAGE


@dataclass
class MemoryMap:
    """The map of one machine.

    ranges   sorted, without overlaps
    key      changes whenever the map does
    """
    ranges: list[Range] = field(default_factory=list)
    key: int = 1

    def add(self, start: int, end: int, type: int, attribute: int = int(RAM_ATTRIBUTES)) -> None:
        """A new range, when the machine is powered on; nothing may be there."""
        if any(start < each.end and each.start < end for each in self.ranges):
            raise ValueError(f"{start:X}h-{end - 1:X}h is in the memory map already")
        self.ranges.append(Range(start, end, type, attribute))
        self.ranges.sort(key=lambda each: each.start)
        self.key += 1

    def find(self, address: int) -> Range | None:
        """The range that holds `address`."""
        index = bisect_right(self.ranges, address, key=lambda each: each.start) - 1
        found = self.ranges[index] if index >= 0 else None
        return found if found and address < found.end else None

    def covered(self, start: int, end: int) -> list[Range] | None:
        """The ranges that together hold [start, end), or None if there is a hole."""
        found, at = [], start
        while at < end:
            piece = self.find(at)
            if piece is None:
                return None
            found.append(piece)
            at = piece.end
        return found

    def set(self, start: int, end: int, type: int, attribute: int | None = None) -> None:
        """Give [start, end) another type; the range is covered."""
        pieces = []
        for piece in self.ranges:
            if piece.end <= start or end <= piece.start:
                pieces.append(piece)
                continue
            if piece.start < start:
                pieces.append(Range(piece.start, start, piece.type, piece.attribute))
            kept = piece.attribute & ~int(MemoryAttribute.RUNTIME) if attribute is None else attribute
            if attribute is None and type in RUNTIME_TYPES:
                kept |= MemoryAttribute.RUNTIME
            pieces.append(Range(max(piece.start, start), min(piece.end, end), type, int(kept)))
            if end < piece.end:
                pieces.append(Range(end, piece.end, piece.type, piece.attribute))
        self.ranges = pieces[:1]
        for piece in pieces[1:]:
            last = self.ranges[-1]
            if (last.end, last.type, last.attribute) == (piece.start, piece.type, piece.attribute):
                self.ranges[-1] = Range(last.start, piece.end, last.type, last.attribute)
            else:
                self.ranges.append(piece)
        self.key += 1

    # ---- pages -------------------------------------------------------------------------------------------------------

    def allocate(self, pages: int, type: int, highest: int | None = None, align: int = PAGE) -> int:
        """The highest free `pages` pages whose last byte is at most `highest`; their address. OutOfMemory.

        Where there is no such limit, what lies below 4 GB comes first, as in EDK2: many a loader counts on it."""
        if highest is None:
            try:
                return self.allocate(pages, type, FOUR_GIGABYTES - 1, align)
            except OutOfMemory:
                pass
        size = pages * PAGE
        for piece in reversed(self.ranges):
            if piece.type != MemoryType.Conventional:
                continue
            top = piece.end if highest is None else min(piece.end, (highest + 1) // PAGE * PAGE)
            start = (top - size) // align * align
            if start >= piece.start and start > 0:
                self.set(start, start + size, type)
                return start
        raise OutOfMemory

    def allocate_at(self, address: int, pages: int, type: int) -> None:
        """Exactly those pages. OutOfMemory if they are not all free."""
        pieces = self.covered(address, address + pages * PAGE)
        if pieces is None or any(piece.type != MemoryType.Conventional for piece in pieces):
            raise OutOfMemory
        self.set(address, address + pages * PAGE, type)

    def free(self, address: int, pages: int) -> None:
        """Give pages back. NotAllocated if part of them is not memory, or is free already.

        Memory can be written back to; what has the type of MMIO without that is a device, and nobody allocated it."""
        pieces = self.covered(address, address + pages * PAGE)
        if pieces is None or any(piece.type == MemoryType.Conventional or not piece.attribute & MemoryAttribute.WB
                                 for piece in pieces):
            raise NotAllocated
        self.set(address, address + pages * PAGE, MemoryType.Conventional)


@dataclass
class Pool:
    """Small allocations, by type.

    blocks   address -> (bytes, type) of what is allocated
    free     type -> [(start, end)] sorted: what is left of the chunks
    """
    map: MemoryMap
    blocks: dict[int, tuple[int, int]] = field(default_factory=dict)
    free: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def allocate(self, size: int, type: int) -> int:
        """`size` bytes of that type, aligned to 16. OutOfMemory."""
        size = max(GRAIN, (size + GRAIN - 1) // GRAIN * GRAIN)
        spans = self.free.setdefault(type, [])
        if size <= CHUNK * PAGE // 2:
            for index, (start, end) in enumerate(spans):
                if end - start >= size:
                    spans[index:index + 1] = [(start + size, end)] if end - start > size else []
                    self.blocks[start] = size, type
                    return start
        pages = max(-(-size // PAGE), CHUNK if size <= CHUNK * PAGE // 2 else 1)
        start = self.map.allocate(pages, type)
        self.blocks[start] = size, type
        if size < pages * PAGE:
            self._give(type, start + size, start + pages * PAGE)
        return start

    def release(self, address: int) -> None:
        """Give a block back. NotAllocated if it is none. Long free stretches go back to the map."""
        found = self.blocks.pop(address, None)
        if found is None:
            raise NotAllocated
        size, type = found
        self._give(type, address, address + size)

    def _give(self, type, start, end):
        """Add a free stretch, joined with those beside it."""
        spans = self.free.setdefault(type, [])
        index = bisect_right(spans, (start, end))
        if index < len(spans) and spans[index][0] == end:
            end = spans.pop(index)[1]
        if index and spans[index - 1][1] == start:
            index -= 1
            start = spans.pop(index)[0]
        low, high = -(-start // PAGE) * PAGE, end // PAGE * PAGE
        if high - low <= 4 * CHUNK * PAGE:
            spans.insert(index, (start, end))
            return
        spans[index:index] = [part for part in ((start, low), (high, end)) if part[0] < part[1]]
        self.map.free(low, (high - low) // PAGE)                # large stretches do not stay with the pool
