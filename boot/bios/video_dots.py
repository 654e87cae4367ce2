"""Video memory of the graphics modes as dots: one class for each way in which dots lie in it.

    Packed   modes 4, 5, 6: two or one bits a dot, the leftmost on top; even lines at 0, odd lines at 2000h
             mode 13h and the VESA modes: one to four bytes a dot, the low byte first
    Planar   modes 0Dh to 12h, 102h ...: eight dots a byte, a bit of each in four planes at the same address. They are
             reached by the adapter's own means: map mask, bit mask, set/reset, read map, latches

A colour is a number; in modes whose dots hold red, green and blue the sixteen of a CGA. Nothing outside the screen is touched.

Source: IBM VGA Technical Reference, "Display Memory Organization" and "Graphics Controller".
"""
from __future__ import annotations

from boot.bios.vbe_modes import BANK, VIRTUAL_WIDTH, line_bytes, pixel_bytes, read_display, write_display
from boot.bios.video_modes import CGA, DIRECT, PLANAR, Mode, cga_16

ODD_LINES = 0x2000
ALL_PLANES = 0x0F


def canvas(bios, mode: Mode, page: int = 0):
    """The dots of a graphics mode's page."""
    return (Planar if mode.kind == PLANAR else Packed)(bios, mode, page)


class Packed:
    """Dots that lie side by side in memory."""

    def __init__(self, bios, mode, page):
        self.memory, self.mode = bios.machine.memory, mode
        self.bits = mode.depth if mode.depth < 8 else 8 * pixel_bytes(mode.depth)
        pixels = read_display(bios, VIRTUAL_WIDTH) if mode.vesa else mode.width
        self.pitch = line_bytes(mode, pixels)
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

    def pattern(self, column: int, top: int, height: int) -> bytes:
        """What is there, as a character: a bit for every dot that is not 0."""
        return bytes(sum((dot != 0) << 7 - place for place, dot in enumerate(self._load(8 * column, y, 8)))
                     for y in range(top, top + height))

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
    """Dots in four planes. Between calls the registers are as setting the mode left them."""

    def __init__(self, bios, mode, page):
        self.bios, self.memory, self.mode = bios, bios.machine.memory, mode
        pixels = read_display(bios, VIRTUAL_WIDTH) if mode.vesa else mode.width
        self.pitch, self.start = pixels // 8, page * mode.page_size
        self.bank = 0

    # ---- the hardware ------------------------------------------------------------------------------------------------

    def _graphics(self, index, value):
        self.bios.port_out(0x3CE, index)
        self.bios.port_out(0x3CF, value)

    def _map_mask(self, planes):
        self.bios.port_out(0x3C4, 2)
        self.bios.port_out(0x3C5, planes)

    def _offset(self, column, y):
        """Where in its plane a byte is."""
        return self.start + y * self.pitch + column

    def _window(self, offset):
        """Its address in the window, which has 64 KB of each plane; the bank moves it in the larger modes."""
        if self.mode.vesa:
            self._select(offset >> 16)
        return self.mode.memory + (offset & 0xFFFF)

    def _at(self, column, y):
        return self._window(self._offset(column, y))

    def _select(self, bank):
        if bank != self.bank:
            self.bank = bank
            write_display(self.bios, BANK, bank)

    def _begin(self, **registers):
        """Graphics controller registers by name, for one piece of work."""
        self.saved_bank = self.bank = read_display(self.bios, BANK) if self.mode.vesa else 0
        for index, name in enumerate(("set_reset", "enable", "compare", "function", "read_map", "mode")):
            self._graphics(index, registers.get(name, 0))
        self._graphics(7, ALL_PLANES)
        self._graphics(8, registers.get("bits", 0xFF))
        self._map_mask(registers.get("planes", ALL_PLANES))

    def _end(self):
        self._select(self.saved_bank)
        for index, value in enumerate(bytes.fromhex(self.mode.registers.graphics)):
            if index != 6:
                self._graphics(index, value)
        self._map_mask(ALL_PLANES)

    # ---- dots --------------------------------------------------------------------------------------------------------

    def read(self, x: int, y: int) -> int:
        """One dot: a bit from each plane."""
        self._begin()
        address, color = self._at(x // 8, y), 0
        for plane in range(4):
            self._graphics(4, plane)
            color |= (self.memory.read_u8(address) >> 7 - x % 8 & 1) << plane
        self._end()
        return color

    def write(self, x: int, y: int, color: int, exclusive: bool = False) -> None:
        """One dot. exclusive: exclusive or with what is there."""
        self._begin(set_reset=color & 0x0F, enable=ALL_PLANES, bits=0x80 >> x % 8, function=0x18 if exclusive else 0)
        address = self._at(x // 8, y)
        self.memory.read_u8(address)                    # fills the latches
        self.memory.write_u8(address, 0xFF)
        self._end()

    def draw(self, column: int, top: int, glyph: bytes, color: int, background: int = 0, exclusive: bool = False) -> None:
        """A character: planes that have the colour's bit get the glyph, and those of the background its opposite."""
        color, background = color & 0x0F, 0 if exclusive else background & 0x0F
        self._begin(function=0x18 if exclusive else 0)
        for planes, of in ((color & ~background, lambda bits: bits), (background & ~color, lambda bits: bits ^ 0xFF),
                           (color & background, lambda bits: 0xFF), (ALL_PLANES & ~(color | background), lambda bits: 0)):
            if not planes or exclusive and planes & ~color:
                continue
            self._map_mask(planes)
            for y, bits in enumerate(glyph, top):
                address = self._at(column, y)
                if exclusive:
                    self.memory.read_u8(address)
                self.memory.write_u8(address, of(bits))
        self._end()

    def pattern(self, column: int, top: int, height: int) -> bytes:
        """What is there, as a character: read mode 1 tells which dots have colour 0."""
        self._begin(mode=0x08)
        found = bytes(self.memory.read_u8(self._at(column, y)) ^ 0xFF for y in range(top, top + height))
        self._end()
        return found

    def copy(self, left: int, width: int, to: range, distance: int) -> None:
        """Lines of `width` columns from column `left` on, by write mode 1: four planes through the latches at once."""
        self._begin(mode=0x01)
        read, write, window = self.memory.read_u8, self.memory.write_u8, self._window
        for y in to:
            source, target = self._offset(left, y + distance), self._offset(left, y)
            for step in range(width):
                read(window(source + step))
                write(window(target + step), 0)
        self._end()

    def fill(self, left: int, width: int, lines: range, color: int) -> None:
        """One colour in all dots of these lines and columns."""
        self._begin(set_reset=color & 0x0F, enable=ALL_PLANES)
        for y in lines:
            offset, end = self._offset(left, y), self._offset(left + width, y)
            while offset < end:                         # in two parts where a bank ends
                following = min(end, (offset | 0xFFFF) + 1)
                self.memory.write(self._window(offset), bytes(following - offset))
                offset = following
        self._end()
