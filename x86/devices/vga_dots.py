"""The VGA's own modes as dots: text, sixteen and four colours from planes, 256 colours; scan line by scan line.

For each scan line the CRT controller has a counter, an offset in the planes, and a row scan, the line within a character:

    row scan 0, 1, .. maximum (3D4h, 9), each twice with double scan; then 0 again, and the counter moves on by twice register 13h
    behind the scan line in line compare both begin again at 0: the lower part of a split screen

What is between is the same for all: 8 dots (9 in text) for every character clock, from the four bytes at the counter.

    text     plane 0 the character, 1 its attribute, 2 the fonts          shift 0   a bit of each plane a dot
    shift 1  two bits of planes 0 and 2, then of 1 and 3 (CGA)            shift 2   a byte a dot, from planes 0, 1, 2, 3

A dot then goes through the attribute controller's palette (not in 256 colours), the DAC's mask, and the DAC.
A line that the display shows several times is in the picture once: mode 13h has 320 by 200 dots, not 640 by 400.

Source: IBM VGA Technical Reference, "CRT Controller Registers", "Graphics Controller Registers", "Attribute Controller
Registers".
"""
from __future__ import annotations

from x86.devices.vga_memory import PLANE_SIZE

DOTS_8 = [bytes(value >> bit & 1 for bit in range(7, -1, -1)) for value in range(256)]
#: By plane: a byte -> eight dots with the plane's bit
PLANE_DOTS = [[bytes(dot << plane for dot in dots) for dots in DOTS_8] for plane in range(4)]
PAIR_DOTS = [bytes(value >> bit & 3 for bit in (6, 4, 2, 0)) for value in range(256)]
HIGH_PAIR_DOTS = [bytes(dot << 2 for dot in dots) for dots in PAIR_DOTS]


def dac_index(vga, color: int) -> int:
    """Attribute controller: one of sixteen colours -> an entry of the DAC."""
    index, select = vga.attributes[color & vga.attributes[0x12]] & 0x3F, vga.attributes[0x14]
    if vga.attributes[0x10] & 0x80:             # bits 5 and 4 come from the colour select register
        index = index & 0x0F | (select & 3) << 4
    return (index | (select & 0x0C) << 4) & vga.dac_mask


def rows(vga) -> list[bytes]:
    """The picture's lines from top to bottom, an entry of the DAC for each dot. Not for what vga_linear.py shows."""
    draw = _Graphics(vga) if vga.graphics_mode else _Text(vga)
    lines, drawn = [], {}
    for offset, scan, panning in scan_lines(vga):
        place = draw.place(offset, scan)
        if (place, panning) not in drawn:
            drawn[place, panning] = draw.line(*place, panning)
        lines.append(drawn[place, panning])
    times = 2 if vga.crtc[9] & 0x80 else 1
    if draw.repeats:
        times *= vga.character_height
    alike = all(line is lines[number - number % times] for number, line in enumerate(lines))
    return lines[::times] if alike and len(lines) % times == 0 else lines


def scan_lines(vga):
    """For each scan line (offset, row scan, dots by which it is shifted to the left)."""
    crtc, attributes = vga.crtc, vga.attributes
    maximum, doubled, pitch = crtc[9] & 0x1F, crtc[9] >> 7, 2 * crtc[0x13]
    counter, scan, second = vga.start + (crtc[8] >> 5 & 3), crtc[8] & 0x1F, False
    panning = attributes[0x13]
    for line in range(vga.visible_lines):
        yield counter, scan, panning
        if line == vga.line_compare:
            counter = scan = 0
            second = False
            if attributes[0x10] & 0x20:         # the lower part does not move with the upper one
                panning = 8 if not vga.graphics_mode and not vga.sequencer[1] & 1 else 0
        elif doubled and not second:
            second = True
        else:
            second = False
            if scan == maximum:
                counter, scan = counter + pitch, 0
            else:
                scan = scan + 1 & 0x1F


class _Text:
    """Characters. Cursor and blinking characters are shown."""

    repeats = False                             # every scan line of a row is another one

    def __init__(self, vga):
        self.vga, self.video = vga, vga.video
        self.columns = vga.crtc[1] + 1
        self.colors = [dac_index(vga, color) for color in range(16)]
        mode, maps = vga.attributes[0x10], vga.sequencer[3] if vga.sequencer[4] & 2 else 0
        self.background = 7 if mode & 0x08 else 15                      # bit 3: bit 7 of the attribute blinks
        self.wide = not vga.sequencer[1] & 1                            # characters of nine dots
        self.extends = self.wide and mode & 0x04                        # C0h to DFh have their eighth dot twice
        self.underline = vga.crtc[0x14] & 0x1F if mode & 0x02 else -1   # monochrome: attributes of the MDA
        # Attribute bit 3 chooses: map B (register 3, bits 4 1 0) or map A (5 3 2)
        self.fonts = (self.video.font(maps >> 2 & 4 | maps & 3), self.video.font(maps >> 3 & 4 | maps >> 2 & 3))
        shape = vga.crtc[0x0A]
        self.cursor = (vga.crtc[0x0E] << 8 | vga.crtc[0x0F]) + (vga.crtc[0x0B] >> 5 & 3)
        self.cursor_lines = range(0) if shape & 0x20 else range(shape & 0x1F, (vga.crtc[0x0B] & 0x1F) + 1)
        self.cells = {}                         # by offset: the characters of a row, ready to draw
        self.dots = {}                          # what was drawn before: (dots, ninth, colours) -> bytes

    def place(self, offset, scan):
        return offset, scan

    def _row(self, offset):
        """[(font, code, colours, under cursor, underlined)], one more than there are columns."""
        pairs = self.video.pairs(offset, self.columns + 1)
        return [(self.fonts[attribute >> 3 & 1], code,
                 (self.colors[attribute >> 4 & self.background], self.colors[attribute & 15]),
                 offset + column == self.cursor, attribute & 0x77 == 1)
                for column, (code, attribute) in enumerate(zip(pairs[0::2], pairs[1::2]))]

    def line(self, offset, scan, panning):
        if offset not in self.cells:
            self.cells[offset] = self._row(offset)
        line, known = bytearray(), self.dots
        for font, code, colors, at_cursor, underlined in self.cells[offset]:
            dots = font[32 * code + scan]
            ninth = dots & 1 if self.extends and 0xC0 <= code <= 0xDF else 0
            if at_cursor and scan in self.cursor_lines or underlined and scan == self.underline:
                dots, ninth = 0xFF, 1
            if (dots, ninth, colors) not in known:
                known[dots, ninth, colors] = bytes(colors[dot] for dot in DOTS_8[dots] + bytes((ninth,)) * self.wide)
            line += known[dots, ninth, colors]
        if self.wide:                           # 8: nothing, 0 to 7: a dot more
            first, width = (0 if panning & 8 else (panning & 7) + 1), 9 * self.columns
        else:
            first, width = panning & 7, 8 * self.columns
        return bytes(line[first:first + width])


class _Graphics:
    """Dots from planes."""

    def __init__(self, vga):
        crtc = vga.crtc
        self.planes = vga.video.planes()
        self.planes += self.planes[:4 * 0x101]                          # the address comes round within a line
        self.clocks = crtc[1] + 1
        self.shift = vga.graphics[5] >> 5 & 3
        # With bits 0 and 1 of register 17h off, the row scan's bits 0 and 1 are address bits 13 and 14: the interlaced banks of
        # CGA and Hercules. In word and doubleword mode these are bits of the offset further below.
        lower = 2 if crtc[0x14] & 0x40 else 0 if crtc[0x17] & 0x40 else 1
        self.banks = [(1 << bit, 13 + bit - lower) for bit in (0, 1) if not crtc[0x17] >> bit & 1]
        self.repeats = not self.banks
        self.table = color_table(vga) if self.shift < 2 else bytes(index & vga.dac_mask for index in range(256))

    def place(self, offset, scan):
        for bit, at in self.banks:
            offset = offset & ~(1 << at) | (1 << at if scan & bit else 0)
        return offset & PLANE_SIZE - 1, 0

    def line(self, offset, _, panning):
        data = self.planes[4 * offset:4 * (offset + self.clocks + 1)]
        if self.shift >= 2:
            first, width = panning >> 1 & 3, 4 * self.clocks
        else:
            data = (pair_dots if self.shift else plane_dots)(data)
            first, width = panning & 7, 8 * self.clocks
        return bytes(data[first:first + width]).translate(self.table)


def color_table(vga) -> bytes:
    """A table for bytes.translate: sixteen colours -> entries of the DAC."""
    return bytes(dac_index(vga, color) for color in range(16)) + bytes(240)


def plane_dots(data: bytes) -> bytes:
    """Four planes side by side -> the colours, 0 to 15, of eight dots for each four bytes."""
    total = 0
    for plane, dots in enumerate(PLANE_DOTS):
        total |= int.from_bytes(b"".join([dots[value] for value in data[plane::4]]), "little")
    return total.to_bytes(2 * len(data), "little")


def pair_dots(data: bytes) -> bytes:
    """The same where two bits of a plane are a dot: four from planes 0 and 2, then four from 1 and 3."""
    low = b"".join([PAIR_DOTS[data[at + part]] for at in range(0, len(data), 4) for part in (0, 1)])
    high = b"".join([HIGH_PAIR_DOTS[data[at + part]] for at in range(0, len(data), 4) for part in (2, 3)])
    return (int.from_bytes(low, "little") | int.from_bytes(high, "little")).to_bytes(len(low), "little")
