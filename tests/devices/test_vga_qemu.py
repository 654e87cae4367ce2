"""The VGA against QEMU's: pictures dot by dot, what accesses to its memory read and leave, and registers.

QEMU is no oracle, and IBM's reference is followed instead, for
  - bit 3 of the attribute controller's mode: QEMU shows bit 7 of an attribute as a bright background, never as blinking
  - the ninth dot: QEMU takes it from the eighth for characters B0h to BFh, too
  - underlined characters of monochrome text, pel panning, preset row scan, the DAC's mask, the font that memory without
    extension cannot choose: not in QEMU
  - a line compare in the middle of lines that are shown several times: the row scan begins again, in QEMU it goes on
  - chain-4 and odd/even with anything but plain data in the graphics controller: QEMU stores the byte as it is; and odd/even,
    where sequencer and graphics controller do not agree on it, and which planes it writes (0 and 2, or 1 and 3)
  - the upper half of a window of 128 KB over planes of 64 KB: the same as the lower one, in QEMU memory behind the planes
  - modes 40 columns wide and those of 256 colours have each dot twice in QEMU's pictures, and lines as often as they are shown
Colours are compared by the bits that the DAC has (six), or the dot (five, of 15 bits): QEMU widens them otherwise.
"""
from __future__ import annotations

import random

import pytest
from vga_oracle import MODES, WINDOWS, Ours, Theirs

from x86.devices import font

SIX = bytes(value >> 2 for value in range(256))
FIVE = bytes(value & 0xF8 for value in range(256))
OURS_SIX = bytes((value * 63 + 127) // 255 for value in range(256))
PLANAR = [name for name in MODES if MODES[name][1][4] == 6 and name != "06h"]
GLYPHS = b"".join(font.glyph(code) + bytes(16) for code in range(256))


@pytest.fixture(scope="module")
def theirs():
    theirs = Theirs()
    yield theirs
    theirs.close()


@pytest.fixture(scope="module")
def both(theirs):
    both = Ours(), theirs
    for adapter in both:
        adapter.set_mode("12h")
        adapter.write(0xFD000000, bytes(0x40000))
    return both


def alike(both, tables=(OURS_SIX, SIX)):
    """Whether the pictures are the same: each dot and line as often as QEMU has it, each colour as the tables tell."""
    (width, height, rows), (their_width, their_height, their_rows) = (adapter.picture() for adapter in both)
    assert their_width % width == their_height % height == 0
    wide, high = their_width // width, their_height // height
    for line, row in enumerate(their_rows):
        mine, expected = rows[line // high].translate(tables[0]), row.translate(tables[1])
        if wide > 1:
            assert expected[0:3] == expected[3:6]
            doubled = bytearray(3 * their_width)
            for color in range(3):
                doubled[color::6] = doubled[color + 3::6] = mine[color::3]
            mine = bytes(doubled)
        assert mine == expected, f"line {line} of {their_height}"


def load_font(adapter, glyphs, address=0xA0000):
    """As every program does it: planar access to plane 2."""
    for port, value in ((0x3C4, 0x0402), (0x3C4, 0x0704), (0x3CE, 0x0204), (0x3CE, 0x0005), (0x3CE, 0x0406)):
        adapter.out(port, value, 2)
    adapter.write(address, glyphs)


def draw(adapter, name, seed):
    """Put the adapter into a mode and fill its memory."""
    chance = random.Random(seed)
    adapter.set_mode("text 80")
    load_font(adapter, GLYPHS[:0x1000])
    adapter.set_mode(name)
    adapter.load_dac(chance.randbytes(768).translate(bytes(value & 63 for value in range(256))))
    start, size = WINDOWS[name]
    if "text" in name:
        adapter.attribute(0x10, MODES[name][4][0] & ~8)                 # no blinking
        attributes = [value for value in range(256) if name[0] != "m" or value & 0x77 != 1]
        adapter.write(start, bytes(chance.choice(attributes) if place & 1 else chance.randrange(0x80) for place in range(8000)))
    elif name in PLANAR:
        for plane in range(4):
            adapter.out(0x3C4, 0x02 | 0x100 << plane, 2)
            adapter.write(start, chance.randbytes(3000))
    else:
        adapter.write(start, chance.randbytes(size))


@pytest.mark.parametrize("name", MODES)
def test_pictures(both, name):
    for adapter in both:
        draw(adapter, name, name)
    alike(both)


#: CRT controller registers that move the picture, or split it
MOVES = {"start address": {0x0C: 1, 0x0D: 0x23}, "offset": {0x13: 30}, "split screen": {0x0D: 160, 0x18: 0x9F, 7: 0x0F, 9: 0x00},
         "fewer lines": {0x11: 0x0E, 0x12: 0x3F}, "fewer columns": {0x11: 0x0E, 1: 35}}


@pytest.mark.deep
@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("name", ["text 80", "04h", "0Dh", "12h", "13h"])
def test_pictures_that_were_moved(both, name, move):
    for adapter in both:
        draw(adapter, name, move)
        for index, value in MOVES[move].items():
            if index in (7, 9):
                adapter.out(0x3D4, index)
                value |= adapter.inp(0x3D5) & (0xEF if index == 7 else 0xBF)
            adapter.crtc(index, value)
    alike(both)


@pytest.mark.deep
@pytest.mark.parametrize("changes", [{0x10: 0x81, 0x14: 0x0A}, {0x10: 0x01, 0x14: 0x0C}, {0x12: 0x05}, {3: 0x2A, 15: 0}])
def test_palettes(both, changes):
    for adapter in both:
        draw(adapter, "0Dh", 1)
        for index, value in changes.items():
            adapter.attribute(index, value)
    alike(both)


@pytest.mark.deep
def test_fonts_for_512_characters(both):
    for number, maps in enumerate((0x00, 0x04, 0x05, 0x10, 0x2B, 0x3F)):
        for adapter in both:
            draw(adapter, "text 80", number)
            for place, at in enumerate((0, 0x4000, 0x8000, 0xC000, 0x2000, 0x6000, 0xA000, 0xE000)):
                load_font(adapter, random.Random(place).randbytes(32 * 16), 0xA0000 + at + 32 * 0x40)
            adapter.set_mode("text 80")
            adapter.attribute(0x10, 4)
            adapter.out(0x3C4, 0x03 | maps << 8, 2)
            adapter.write(0xB8000, bytes(value for code in range(0x40, 0x50) for value in (code, 0x1A, code, 0x12)))
        alike(both)


# ---- the display interface ------------------------------------------------------------------------------------------

def dispi(adapter, index, value=None):
    adapter.out(0x1CE, index, 2)
    if value is None:
        return adapter.inp(0x1CF, 2)
    adapter.out(0x1CF, value, 2)


def registers(adapter):
    def all_of(port, count):
        found = []
        for index in range(count):
            adapter.out(port, index)
            found.append(adapter.inp(port + 1))
        return found
    return {"sequencer": all_of(0x3C4, 5), "graphics": all_of(0x3CE, 9), "crtc": all_of(0x3D4, 25),
            "display": [dispi(adapter, index) for index in range(11)]}


@pytest.mark.parametrize("depth", [4, 8, 15, 16, 24, 32])
@pytest.mark.parametrize("name", ["text 80", *(pytest.param(name, marks=pytest.mark.deep) for name in ("12h", "13h"))])
def test_display_interface(both, name, depth):
    """Registers at each step, and pictures of what is drawn through the banks."""
    steps = ({4: 0, 1: 320, 2: 100, 3: depth, 5: 3, 4.5: 1}, {6: 640, 8: 16, 9: 3}, {5: 1}, {1: 160}, {4: 0x41}, {4: 0})
    for adapter in both:
        draw(adapter, name, 3)
    for step in steps:
        for adapter in both:
            for index, value in step.items():
                dispi(adapter, int(index), value)
            adapter.out(0x3D4, 0x5013, 2)
            adapter.out(0x3CE, 0x0E06, 2)
            if step == steps[1] and depth != 4:
                for bank in (0, 2, 1):
                    dispi(adapter, 5, bank)
                    adapter.write(0xA0000, random.Random(bank).randbytes(0x10000))
        assert registers(both[0]) == registers(both[1]), step
        if step == steps[1]:
            colors = bytes(range(256)) if depth > 15 else FIVE
            alike(both, (colors, colors) if depth > 8 else (OURS_SIX, SIX))
            assert both[0].read(0xFD010000, 0x10000) == both[1].read(0xFD010000, 0x10000)


def test_sixteen_colours_of_the_display_interface(both):
    for adapter in both:
        draw(adapter, "12h", 4)
        for index, value in ((4, 0), (1, 800), (2, 300), (3, 4), (4, 0x81), (6, 1024), (9, 5)):
            dispi(adapter, index, value)
    alike(both)


# ---- memory ---------------------------------------------------------------------------------------------------------

#: What stays as it is where QEMU's odd/even and chain-4 pass by the graphics controller
PLAIN = {1: 0, 3: 0, 8: 0xFF}


def accesses(seed, count=400):
    """A random program: ('out', port, index and value) or ('write' | 'read', offset in the window, bytes | count)."""
    chance = random.Random(seed)
    memory_mode = chance.choice((0x06, 0x06, 0x06, 0x02, 0x0E))
    window = chance.choice((0x00, 0x04, 0x04, 0x08, 0x0C)) | 1
    planar = memory_mode == 0x06
    yield "out", 0x3C4, 0x04 | memory_mode << 8
    yield "out", 0x3C4, 0x02 | (0x0F if memory_mode & 0x0C else 0x03) << 8
    yield "out", 0x3CE, 0x06 | window << 8
    yield "out", 0x3CE, 0x05 | (0 if memory_mode & 4 else 0x1000)
    for index, value in {} if planar else PLAIN.items():
        yield "out", 0x3CE, index | value << 8
    start, size = {0: (0xA0000, 0x20000), 4: (0xA0000, 0x10000), 8: (0xB0000, 0x8000), 12: (0xB8000, 0x8000)}[window & 12]
    hot = chance.randrange(min(size, 0x10000) - 64)
    for _ in range(count):
        kind = chance.randrange(8)
        if kind < 2 and planar:
            index = chance.choice((0, 1, 2, 3, 4, 5, 7, 8))
            value = chance.choice((0, 0xFF, chance.randrange(256))) if index != 5 else chance.choice((0, 1, 2, 3, 8, 9, 10, 11))
            yield "out", 0x3CE, index | value << 8
        elif kind < 2:
            yield "out", 0x3C4, 0x02 | chance.choice((0x00, 0x01, 0x02, 0x03, *((0x05, 0x0F) if memory_mode & 8 else ()))) << 8
        elif kind == 2 and planar:
            yield "out", 0x3C4, 0x02 | chance.randrange(16) << 8
        elif kind < 6:
            yield "write", start + hot + chance.randrange(60), chance.randbytes(chance.choice((1, 1, 2, 4)))
        else:
            yield "read", start + hot + chance.randrange(60), chance.choice((1, 1, 2, 4))
    yield "read", 0xA0000, 16
    if window & 0x0C:
        yield "read", 0xB8000 - 8, 16


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.deep) for seed in range(4, 60))])
def test_random_accesses(both, seed):
    results = []
    for adapter in both:
        found = []
        adapter.set_mode("12h")
        adapter.write(0xFD000000, random.Random(seed).randbytes(0x40000))
        adapter.read(0xA0000, 1)                # for the latches
        for kind, place, value in accesses(seed):
            if kind == "out":
                adapter.out(place, value, 2)
            elif kind == "write":
                adapter.write(place, value)
            else:
                found.append((hex(place), adapter.read(place, value)))
        adapter.set_mode("12h")                 # and all planes, which the frame buffer shows
        results.append((found, adapter.read(0xFD000000, 0x40000)))
    assert results[0][0] == results[1][0]
    assert results[0][1] == results[1][1]
