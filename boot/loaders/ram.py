"""Where in physical memory there is room: what loaders claim, what they may not touch, and what is still free.

    0       500h            9FC00h      A0000h          100000h       usable_end()   ram_low      4 GB
    | BIOS  | free          | EBDA      | video, ROM    | free        | ACPI tables  | no memory | free, if there is any
"""
from __future__ import annotations

from typing import NamedTuple

from boot import layout
from x86.faults import ImageError

LOWEST = layout.BDA + layout.BDA_SIZE       # below lie the interrupt vectors and the BIOS's own data
PAGE = 4096
ZEROS = bytes(1 << 20)


class Piece(NamedTuple):
    """Bytes for memory: `data` at physical address `address`, then zeros up to `size` bytes; `name` for messages."""
    address: int
    data: bytes
    size: int
    name: str

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.address + self.size


class Ram:
    """The free and the taken parts of a machine's memory, for as long as something is being loaded.

    claims   [(start, end, name)], end exclusive, in the order in which they were made
    """

    def __init__(self, memory):
        self.memory = memory
        self.claims: list[tuple[int, int, str]] = []
        low_end = layout.usable_end(memory.ram_low)
        self.free = [(LOWEST, min(layout.EBDA, low_end)), (layout.EXTENDED_MEMORY, low_end)]
        if memory.ram_high:
            self.free.append((layout.FOUR_GB, layout.FOUR_GB + memory.ram_high))

    def claim(self, start: int, size: int, name: str) -> None:
        """Take `size` bytes from `start`. ImageError if there is no memory, or somebody else has it."""
        end = start + size
        if not any(low <= start and end <= high for low, high in self.free):
            raise ImageError(f"{name} at {span(start, end)} is outside the memory a kernel may use: "
                             + ", ".join(span(low, high) for low, high in self.free if low < high))
        for other_start, other_end, other in self.claims:
            if start < other_end and other_start < end:
                raise ImageError(f"{name} at {span(start, end)} overlaps {other} at {span(other_start, other_end)}")
        self.claims.append((start, end, name))

    def place(self, size: int, name: str, align: int = 16, low: int = LOWEST, high: int = layout.FOUR_GB) -> int:
        """Claim `size` bytes at the lowest free multiple of `align` between `low` and `high`; the address."""
        size = max(size, 1)
        behind_claims = (end for _, end, _ in self.claims)
        for start in sorted({low, *(start for start, _ in self.free), *behind_claims}):
            start = (start + align - 1) // align * align
            if self._is_free(start, start + size, low, high):
                self.claims.append((start, start + size, name))
                return start
        raise self._no_room(name, size, high)

    def place_high(self, size: int, name: str, align: int = 16, low: int = LOWEST, high: int = layout.FOUR_GB) -> int:
        """Claim `size` bytes at the highest free multiple of `align` between `low` and `high`; the address."""
        size = max(size, 1)
        before_claims = (start for start, _, _ in self.claims)
        for end in sorted({high, *(end for _, end in self.free), *before_claims}, reverse=True):
            start = (end - size) // align * align
            if self._is_free(start, start + size, low, high):
                self.claims.append((start, start + size, name))
                return start
        raise self._no_room(name, size, high)

    def _is_free(self, start, end, low, high):
        return (start >= low and end <= high and any(first <= start and end <= last for first, last in self.free)
                and not any(start < taken_end and taken < end for taken, taken_end, _ in self.claims))

    def _no_room(self, name, size, high):
        below = f" below {high:X}h" if high < min(self.memory.size, layout.FOUR_GB) else ""
        return ImageError(f"no room in memory for {name}, {size} bytes{below}: the machine has {self.memory.size >> 20} MB")

    def load(self, pieces: list[Piece]) -> None:
        """Claim room for every piece, then write them; memory is unchanged if one does not fit."""
        claims = list(self.claims)
        try:
            for piece in pieces:
                self.claim(piece.address, piece.size, piece.name)
        except ImageError:
            self.claims = claims
            raise
        for piece in pieces:
            self.memory.write(piece.address, piece.data)
            for start in range(piece.address + len(piece.data), piece.end, len(ZEROS)):
                self.memory.write(start, ZEROS[:piece.end - start])

    def store(self, data: bytes, name: str, align: int = 16, low: int = LOWEST, high: int = layout.FOUR_GB) -> int:
        """Write `data` where there is room for it; the address."""
        address = self.place(len(data), name, align, low, high)
        self.memory.write(address, data)
        return address


def span(start: int, end: int) -> str:
    """`100000h-1FFFFFh`: a stretch of memory for people, the last byte included."""
    return f"{start:X}h-{max(end - 1, start):X}h"
