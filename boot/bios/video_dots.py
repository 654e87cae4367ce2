"""Video memory of the graphics modes as dots: one class for each way in which dots lie in it.

    Packed   modes 4 and 5: two bits a dot, the leftmost on top; even lines at 0, odd lines at 2000h
             mode 13h and the VESA modes: one to four bytes a dot, the low byte first
    Planar   modes 0Dh to 12h, 102h ...: eight dots a byte, a bit of each in four planes at the same address
             mode 6: the same in plane 0 alone, with lines as in mode 4

A program reaches planes by map mask, bit mask and latches. This BIOS knows its adapter: the four bytes of an address lie
side by side at the start of the frame buffer (x86/devices/vga_memory.py), and no register has to change for a character.

A colour is a number; in modes whose dots hold red, green and blue the sixteen of a CGA. Nothing outside the screen is touched.

Source: IBM VGA Technical Reference, "Display Memory Organization".
"""
from __future__ import annotations

import functools
import operator

from boot import layout
from boot.bios.vbe_modes import MEMORY_64K, VIRTUAL_WIDTH, line_bytes, pixel_bytes, read_display
from boot.bios.video_modes import CGA, DIRECT, Mode, cga_16

ODD_LINES = 0x2000


def canvas(bios, mode: Mode, page: int = 0):
    """The dots of a graphics mode's page."""
    return (Planar if mode.planes else Packed)(bios, mode, page)


def _pitch(bios, mode):
    """Bytes from one line to the next, of one plane: never so many that the picture would not fit into memory."""
    if not mode.vesa:
        return line_bytes(mode)
    memory = (read_display(bios, MEMORY_64K) << 16) // (4 if mode.planes else 1)
    return min(line_bytes(mode, read_display(bios, VIRTUAL_WIDTH)), memory // mode.height)


class Packed:
    """Dots that lie side by side in memory."""

    def __init__(self, bios, mode, page):
        self.memory, self.mode = bios.machine.memory, mode
        self.bits = mode.depth if mode.depth < 8 else 8 * pixel_bytes(mode.depth)
        self.pitch = _pitch(bios, mode)
        self.start = mode.memory + page * mode.page_size

    def _span(self, x, y, count):
        """(address, length) of `count` dots; all of them begin and end at a byte, or there is one."""
        line = (y & 1) * ODD_LINES + (y >> 1) * self.pitch if self.mode.kind == CGA else y * self.pitch
        return self.start + line + x * self.bits // 8, max(1, count * self.bits // 8)

    def _number(self, color):
        """The colour as it stands in memory."""
        if self.mode.kind != DIRECT:
            return color & ((1 << self.bits) - 1)
        red, green, blue = cga_16()[3 * (color & 15):3 * (color & 15) + 3]      # six bits each
        if self.mode.depth == 15:
            return red >> 1 << 10 | green >> 1 << 5 | blue >> 1
        if self.mode.depth == 16:
            return red >> 1 << 11 | green << 5 | blue >> 1
        return (red << 2 | red >> 4) << 16 | (green << 2 | green >> 4) << 8 | blue << 2 | blue >> 4

    def _load(self, x, y, count):
        """The numbers of `count` dots."""
        address, length = self._span(x, y, count)
        data = self.memory.read(address, length)
        if self.bits >= 8:
            size = self.bits // 8
            return [int.from_bytes(data[at:at + size], "little") for at in range(0, length, size)]
        mask, each = (1 << self.bits) - 1, 8 // self.bits
        dots = [byte >> shift & mask for byte in data for shift in range(8 - self.bits, -1, -self.bits)]
        return dots[x % each:x % each + count]

    def _store(self, x, y, numbers):
        address, length = self._span(x, y, len(numbers))
        if self.bits >= 8:
            data = b"".join(number.to_bytes(self.bits // 8, "little") for number in numbers)
        else:
            each = 8 // self.bits
            first = x - x % each
            dots = self._load(first, y, length * each)
            dots[x - first:x - first + len(numbers)] = numbers
            data = bytes(sum(dot << 8 - self.bits * (place + 1) for place, dot in enumerate(dots[at:at + each]))
                         for at in range(0, len(dots), each))
        self.memory.write(address, data)

    def read(self, x: int, y: int) -> int:
        """One dot: its number in memory."""
        return self._load(x, y, 1)[0]

    def write(self, x: int, y: int, color: int, exclusive: bool = False) -> None:
        """One dot. exclusive: exclusive or with what is there."""
        number = self._number(color)
        self._store(x, y, [number ^ self.read(x, y) if exclusive else number])

    def draw(self, column: int, top: int, glyph: bytes, color: int, background: int = 0, exclusive: bool = False) -> None:
        """A character of eight dots a line: its left edge is dot 8 * column, its first line `top`."""
        pair = self._number(background), self._number(color)
        if exclusive:
            pair = 0, pair[1]
        for y, bits in enumerate(glyph, top):
            numbers = [pair[bits >> bit & 1] for bit in range(7, -1, -1)]
            if exclusive:
                numbers = [old ^ new for old, new in zip(self._load(8 * column, y, 8), numbers)]
            self._store(8 * column, y, numbers)

    def pattern(self, column: int, top: int, height: int) -> tuple[bytes, int]:
        """What is there, as a character: a bit for every dot that is not 0, and the number of the last of them."""
        found, color = bytearray(), 0
        for y in range(top, top + height):
            dots = self._load(8 * column, y, 8)
            found.append(sum((dot != 0) << 7 - place for place, dot in enumerate(dots)))
            color = next((dot for dot in reversed(dots) if dot), color)
        return bytes(found), color

    def copy(self, left: int, width: int, to: range, distance: int) -> None:
        """Lines of `width` columns from column `left` on: each line of `to`, in that order, from `distance` lines below."""
        for y in to:
            source, length = self._span(8 * left, y + distance, 8 * width)
            self.memory.write(self._span(8 * left, y, 8 * width)[0], self.memory.read(source, length))

    def fill(self, left: int, width: int, lines: range, color: int) -> None:
        """One colour in all dots of these lines and columns."""
        number = self._number(color)
        if self.bits >= 8:
            line = number.to_bytes(self.bits // 8, "little") * (8 * width)
        else:
            line = bytes([number * (0xFF // ((1 << self.bits) - 1))]) * (width * self.bits)
        for y in lines:
            self.memory.write(self._span(8 * left, y, 8 * width)[0], line)


class Planar:
    """Dots in planes, as the adapter keeps them: bytes of the frame buffer, four for each address."""

    def __init__(self, bios, mode, page):
        self.memory, self.mode = bios.machine.memory, mode
        self.pitch = 4 * _pitch(bios, mode)
        self.start = layout.FRAME_BUFFER + 4 * page * mode.page_size

    def _at(self, column, y):
        """Where the four bytes of eight dots are."""
        line = (y & 1) * ODD_LINES * 4 + (y >> 1) * self.pitch if self.mode.kind == CGA else y * self.pitch
        return self.start + line + 4 * column

    def read(self, x: int, y: int) -> int:
        """One dot: a bit from each plane."""
        planes = self.memory.read(self._at(x // 8, y), 4)
        return sum((byte >> 7 - x % 8 & 1) << plane for plane, byte in enumerate(planes)) & self.mode.planes

    def write(self, x: int, y: int, color: int, exclusive: bool = False) -> None:
        """One dot. exclusive: exclusive or with what is there."""
        self._combine(x // 8, y, 0 if exclusive else 0x80 >> x % 8, 0x80 >> x % 8, color, 0)

    def draw(self, column: int, top: int, glyph: bytes, color: int, background: int = 0, exclusive: bool = False) -> None:
        """A character: planes that have the colour's bit get the glyph, and those of the background its opposite."""
        for y, bits in enumerate(glyph, top):
            self._combine(column, y, 0 if exclusive else 0xFF, bits, color, 0 if exclusive else background)

    def _combine(self, column, y, mask, bits, color, background):
        """Eight dots: take away those in `mask`, then exclusive or with the colours of `bits` and of the others in `mask`."""
        at = self._at(column, y)
        planes = bytearray(self.memory.read(at, 4))
        for plane in range(4):
            if self.mode.planes >> plane & 1:
                shape = (bits if color >> plane & 1 else 0) | (mask & ~bits if background >> plane & 1 else 0)
                planes[plane] = planes[plane] & ~mask ^ shape
        self.memory.write(at, bytes(planes))

    def pattern(self, column: int, top: int, height: int) -> tuple[bytes, int]:
        """What is there, as a character: a bit for every dot that is not 0, and the colour of the last of them."""
        found, last = bytearray(), None
        for y in range(top, top + height):
            planes = self.memory.read(self._at(column, y), 4)
            bits = functools.reduce(operator.or_, (byte for plane, byte in enumerate(planes) if self.mode.planes >> plane & 1))
            found.append(bits)
            if bits:
                last = 8 * column + 8 - (bits & -bits).bit_length(), y
        return bytes(found), self.read(*last) if last else 0

    def copy(self, left: int, width: int, to: range, distance: int) -> None:
        """Lines of `width` columns from column `left` on: each line of `to`, in that order, from `distance` lines below."""
        for y in to:
            self.memory.write(self._at(left, y), self.memory.read(self._at(left, y + distance), 4 * width))

    def fill(self, left: int, width: int, lines: range, color: int) -> None:
        """One colour in all dots of these lines and columns."""
        planes = bytes(0xFF if color >> plane & 1 and self.mode.planes >> plane & 1 else 0 for plane in range(4))
        for y in lines:
            self.memory.write(self._at(left, y), planes * width)
