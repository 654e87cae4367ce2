"""EDID: what the monitor at the end of the cable says of itself, 128 bytes.

    00 header, maker, product, age   14 input, size, gamma, features   19 colours   23 modes that everybody knows
    26 eight more, two bytes each    36 four descriptors of 18 bytes: timings or words     7E extensions, checksum

A detailed timing; the first is the one that the monitor likes best:

     0  dot clock in 10 kHz (16 bits)
     2  visible and blank dots (8, 8), upper 4 bits of both (4, 4)       5  the same in lines
     8  front porch and pulse: dots (8, 8), lines (4, 4), and the upper 2 bits of each of the four (2, 2, 2, 2)
    12  width and height in mm (8, 8), upper 4 bits of both (4, 4)      15  borders       17  1Ah: separate pulses, dots positive

Source: VESA Enhanced EDID Standard, release A, revision 2 (EDID 1.4); VESA Coordinated Video Timings 1.2 for the timing.
"""
from __future__ import annotations

import struct
from typing import NamedTuple

MAKER, PRODUCT, SERIAL, NAME = "XPY", 0x8664, 1, b"x86 screen"
WEEK, YEAR = 1, 2026
DOTS_PER_INCH = 96
DIGITAL = 0xA5                          # 7 digital   6..4 eight bits a colour   3..0 DisplayPort
GAMMA = 220                             # 2.2
FEATURES = 0x06                         # 2 the colours are sRGB's   1 the first timing is the screen's own
ESTABLISHED = bytes((0xA1, 0x08, 0))    # 720x400 at 70 Hz; at 60: 640x480, 800x600, 1024x768
#: (width, height) at 60 Hz, in one of the four ratios that have a code
STANDARD = ((1280, 800), (1280, 1024), (1440, 900), (1600, 1200), (1680, 1050), (1920, 1080), (1920, 1200), (1152, 864))
RATIOS = ((16, 10), (4, 3), (5, 4), (16, 9))
PULSE_LINES = {(4, 3): 4, (16, 9): 5, (16, 10): 6, (5, 4): 7, (15, 9): 7}       # so one sees the ratio; any other: 10
#: x and y of red, green, blue and white in 1024ths: sRGB
COLORS = (655, 338, 307, 614, 154, 61, 320, 337)


class Timing(NamedTuple):
    """Of one frame, 60 times a second. Blank is all that is not visible, its front porch and pulse included."""

    clock: int                          # kHz
    dots: int
    blank_dots: int
    dots_porch: int
    dots_pulse: int
    lines: int
    blank_lines: int
    lines_porch: int
    lines_pulse: int


def timing(width: int, height: int) -> Timing:
    """The timing of a mode by CVT with reduced blanking: 160 dots beside the picture, at least 460 us below it."""
    pulse = next((lines for (x, y), lines in PULSE_LINES.items() if width * y == height * x), 10)
    blank = max(460 * 60 * height // (1_000_000 - 460 * 60) + 1, 3 + pulse + 6)
    clock = 60 * (height + blank) * (width + 160) // 250_000 * 250      # in steps of 0.25 MHz
    return Timing(clock, width, 160, 48, 32, height, blank, 3, pulse)


def edid(width: int, height: int) -> bytes:
    """The EDID of a screen whose own mode is `width` by `height` dots."""
    best = timing(width, height)
    millimetres = tuple(dots * 254 // (10 * DOTS_PER_INCH) for dots in (width, height))
    maker = sum(ord(letter) - 64 << shift for letter, shift in zip(MAKER, (10, 5, 0)))
    block = b"\0\xFF\xFF\xFF\xFF\xFF\xFF\0" + struct.pack(">H", maker) + struct.pack("<HI", PRODUCT, SERIAL)
    block += bytes((WEEK, YEAR - 1990, 1, 4, DIGITAL, millimetres[0] // 10, millimetres[1] // 10, GAMMA - 100, FEATURES))
    block += _colors() + ESTABLISHED
    for columns, lines in STANDARD:
        code = next(code for code, (x, y) in enumerate(RATIOS) if columns * y == lines * x)
        block += bytes((columns // 8 - 31, code << 6))
    block += _detailed(best, *millimetres)
    block += _words(0xFD, bytes((50, 75, 30, 90, 20, 1)))               # Hz, kHz, at most 200 MHz, no formula
    block += _words(0xFC, NAME) + _words(0x10, b"") + b"\0"
    return block + bytes((-sum(block) % 256,))


def _colors():
    """The lower two bits of all eight coordinates, then the upper eight of each."""
    low = sum((value & 3) << shift for value, shift in zip(COLORS, range(14, -2, -2)))
    return struct.pack(">H", low) + bytes(value >> 2 for value in COLORS)


def _detailed(mode, width, height):
    porches = (mode.dots_porch >> 8 << 6 | mode.dots_pulse >> 8 << 4 | mode.lines_porch >> 4 << 2 | mode.lines_pulse >> 4)
    return struct.pack("<H", mode.clock // 10) + _pair(mode.dots, mode.blank_dots) + _pair(mode.lines, mode.blank_lines) + bytes((
        mode.dots_porch & 0xFF, mode.dots_pulse & 0xFF, (mode.lines_porch & 15) << 4 | mode.lines_pulse & 15,
        porches)) + _pair(width, height) + bytes((0, 0, 0x1A))


def _pair(a, b):
    """Two numbers of twelve bits in three bytes."""
    return bytes((a & 0xFF, b & 0xFF, a >> 8 << 4 | b >> 8))


def _words(kind, content):
    """A descriptor that is no timing. A line feed ends it, spaces fill it up; the dummy (10h) is all zeros."""
    fill = (content + b"\n").ljust(13) if kind != 0x10 else bytes(13)
    return bytes((0, 0, 0, kind, 0)) + fill[:13]
