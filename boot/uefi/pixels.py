"""Rectangles of dots in the adapter's frame buffer: read, write, fill and copy, line by line and never dot by dot.

A dot has four bytes: blue, green, red, and one that is not seen. Coordinates and sizes are in dots, (0, 0) is the upper left
corner. Rectangles must lie inside the picture: who takes them from a guest checks that first.
"""
from __future__ import annotations

DOT = 4                                 # bytes


class Pixels:
    """The picture of a machine's adapter. It has no state of its own."""

    def __init__(self, machine):
        self.machine = machine

    @property
    def size(self) -> tuple[int, int]:
        """(width, height); (0, 0) where a guest has put the adapter into a mode that has not 32 bits a dot."""
        linear = self.machine.screen.linear
        return linear.size if linear.enabled and linear.depth == 8 * DOT else (0, 0)

    def _lines(self, x, y, width, height):
        """(address of the first line, its bytes, bytes to the next, lines); lines that touch are one."""
        linear = self.machine.screen.linear
        pitch = linear.pitch
        start = linear.start + y * pitch + x * DOT
        if width * DOT == pitch:
            return start, pitch * height, pitch * height, 1
        return start, width * DOT, pitch, height

    def read(self, x: int, y: int, width: int, height: int) -> bytes:
        """The dots of a rectangle, line after line without a gap."""
        start, length, pitch, lines = self._lines(x, y, width, height)
        return b"".join(self.machine.memory.read(start + line * pitch, length) for line in range(lines))

    def write(self, x: int, y: int, width: int, height: int, dots: bytes) -> None:
        """The reverse of read()."""
        start, length, pitch, lines = self._lines(x, y, width, height)
        view = memoryview(dots)
        for line in range(lines):
            self.machine.memory.write(start + line * pitch, view[line * length:(line + 1) * length])

    def fill(self, x: int, y: int, width: int, height: int, dot: bytes) -> None:
        """Give all dots of a rectangle one colour, four bytes."""
        start, length, pitch, lines = self._lines(x, y, width, height)
        content = dot * (length // DOT)
        for line in range(lines):
            self.machine.memory.write(start + line * pitch, content)

    def copy(self, x: int, y: int, to_x: int, to_y: int, width: int, height: int) -> None:
        """Copy a rectangle to another place, as if it were taken out whole before it is put down."""
        start, length, pitch, lines = self._lines(x, y, width, height)
        to = self._lines(to_x, to_y, width, height)[0]
        memory = self.machine.memory
        for line in range(lines) if to <= start else range(lines - 1, -1, -1):     # where both overlap, read before writing
            memory.write(to + line * pitch, memory.read(start + line * pitch, length))
