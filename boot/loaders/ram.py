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

    def find(self, size: int, align: int = 16, low: int = LOWEST, high: int = layout.FOUR_GB,
             highest: bool = False) -> int | None:
        """The lowest, or the highest, multiple of `align` between `low` and `high` with `size` free bytes; None without."""
        best = None
        taken = sorted((start, end) for start, end, _ in self.claims)
        for first, last in self.free:
            gap = first
            for start, end in [*taken, (last, last)]:
                bottom, top = max(gap, low), min(start, last, high) - size
                place = top // align * align if highest else align_up(bottom, align)
                if bottom <= place <= top:
                    best = place
                    if not highest:
                        return best
                gap = max(gap, end)
        return best

    def place(self, size: int, name: str, align: int = 16, low: int = LOWEST, high: int = layout.FOUR_GB,
              highest: bool = False) -> int:
        """Claim `size` bytes where `find` has room for them; the address. ImageError without room."""
        size = max(size, 1)
        start = self.find(size, align, low, high, highest)
        if start is None:
            below = f" below {high:X}h" if high < min(self.memory.size, layout.FOUR_GB) else ""
            raise ImageError(f"no room in memory for {name}, {size} bytes{below}: the machine has {self.memory.size >> 20} MB")
        self.claims.append((start, start + size, name))
        return start

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


def align_up(value: int, alignment: int) -> int:
    """The first multiple of `alignment` that is not below `value`."""
    return (value + alignment - 1) // alignment * alignment


def span(start: int, end: int) -> str:
    """`100000h-1FFFFFh`: a stretch of memory for people, the last byte included."""
    return f"{start:X}h-{max(end - 1, start):X}h"
