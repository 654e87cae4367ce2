"""What the VGA's registers do to the picture, where QEMU is no oracle (test_vga_qemu.py has the rest)."""
from __future__ import annotations

import pytest
from vga_oracle import Ours

from x86.devices import font

BLACK, BLUE, GREEN, GRAY, WHITE = (0, 0, 0), (0, 0, 170), (0, 170, 0), (170, 170, 170), (255, 255, 255)
FIFTEEN = (170, 170, 255)               # entry 15 of the DAC as it is in text modes


@pytest.fixture(scope="module")
def shared():
    return Ours()


@pytest.fixture
def vga(shared):
    """A machine's VGA as after reset, with nothing in its planes but the font, and no cursor."""
    shared.machine.reset()
    shared.screen.video.clear(0x40000)
    shared.screen.video.load_font(font.table(16), 16)
    shared.crtc(0x0A, 0x20)
    return shared


def dots(shown, x=0, y=0, count=1):
    """The dot at x, y, or `count` of them from there on, of an adapter or of its picture."""
    _, _, rows = shown if isinstance(shown, tuple) else shown.picture()
    found = [tuple(rows[y][3 * place:3 * place + 3]) for place in range(x, x + count)]
    return found if count > 1 else found[0]


def put(vga, text, attribute=0x07, at=0):
    vga.write(0xB8000 + 2 * at, b"".join(bytes((code, attribute)) for code in text))


def test_bit_7_of_an_attribute_blinks_or_is_a_bright_background(vga):
    put(vga, b" ", 0x90)
    assert dots(vga) == BLUE
    vga.attribute(0x10, 0x04)
    assert dots(vga) == (85, 85, 255)


def test_the_ninth_dot(vga):
    """C0h to DFh have their eighth twice, and B0h to BFh have not; register 10h says whether."""
    put(vga, b"\xDB\xB2\xC4\xB4")
    dash = next(line for line, bits in enumerate(font.glyph(0xC4)) if bits)
    picture = vga.picture()
    assert dots(picture, 7, 8, 2) == [GRAY, GRAY] and dots(picture, 18, dash, 9) == [GRAY] * 9
    assert font.glyph(0xB2)[8] & 1 or font.glyph(0xB2)[9] & 1
    assert dots(picture, 17, 8) == dots(picture, 17, 9) == BLACK
    vga.attribute(0x10, 0x08)
    assert dots(vga, 7, 8, 2) == [GRAY, BLACK]
    vga.out(0x3C4, 0x0101, 2)                                           # characters of eight dots
    assert vga.picture()[0] == 640 and dots(vga, 7, 8) == GRAY


def test_underlined_characters_are_monochrome(vga):
    vga.set_mode("monochrome text")
    vga.crtc(0x0A, 0x20)
    vga.write(0xB0000, b" \x01 \x07 \x09")
    picture = vga.picture()
    assert [dots(picture, 9 * column, 13) != BLACK for column in range(3)] == [True, False, True]
    assert dots(picture, 0, 12) == BLACK and dots(picture, 0, 13, 9) == [dots(picture, 0, 13)] * 9
    vga.attribute(0x10, 0x0C)                                           # attributes of a colour adapter
    assert dots(vga, 0, 13) == BLACK


@pytest.mark.parametrize("first, last, shown", [(13, 14, [13, 14]), (0, 31, list(range(16))), (6, 6, [6]), (0x20, 15, []),
                                                (9, 8, [])])
def test_the_cursor_has_its_shape(vga, first, last, shown):
    put(vga, b" ", 0x07, 81)
    vga.crtc(0x0E, 0)
    vga.crtc(0x0F, 81)
    vga.crtc(0x0A, first)
    vga.crtc(0x0B, last)
    picture = vga.picture()
    assert [line for line in range(16) if dots(picture, 9, 16 + line) == GRAY] == shown
    if shown:
        assert dots(picture, 9, 16 + shown[0], 10) == [GRAY] * 9 + [BLACK]
    vga.crtc(0x0B, last | 0x20)                                         # a character further to the right
    assert dots(vga, 9, 16 + 6) == BLACK


def test_512_characters(vga):
    """Two fonts, chosen by bit 3 of the attribute; without extended memory there is only the first."""
    vga.screen.video.load_font(b"\xFF" * 16 * 256, 16, number=5)
    put(vga, b" ", 0x07)
    put(vga, b" ", 0x0F, 1)
    assert dots(vga, 9) == BLACK
    vga.out(0x3C4, 0x2403, 2)                                           # map A is 5, map B is 0
    assert (dots(vga, 0), dots(vga, 9)) == (BLACK, WHITE)
    vga.out(0x3C4, 0x1103, 2)                                           # and the other way round
    assert (dots(vga, 0), dots(vga, 9)) == (GRAY, BLACK)
    vga.out(0x3C4, 0x0004, 2)
    assert (dots(vga, 0), dots(vga, 9)) == (BLACK, BLACK)


def test_the_font_is_that_of_plane_2_and_has_any_height(vga):
    vga.screen.video.load_font(bytes(ord("A") * 20) + bytes(range(1, 21)) + bytes((255 - ord("A")) * 20), 20)
    put(vga, b"A")
    vga.crtc(0x09, 0x53)
    assert vga.screen.size == (80, 20)
    picture = vga.picture()
    rows = [dots(picture, 0, line, 8) for line in range(20)]
    assert [sum((dot == GRAY) << 7 - place for place, dot in enumerate(row)) for row in rows] == list(range(1, 21))


def test_smooth_scrolling_of_text(vga):
    """The first row begins in its fifth line, and three dots further to the left, but not below the split."""
    put(vga, b"\xDB \xDB")
    vga.crtc(0x08, 0x05)
    vga.attribute(0x13, 2)                                              # 8 is none, 0 one, 2 three
    picture = vga.picture()
    for line, shown in ((0, True), (10, True), (11, False)):
        assert dots(picture, 0, line, 7) == [GRAY if shown else BLACK] * 6 + [BLACK]
    vga.attribute(0x10, 0x2C)
    vga.crtc(0x11, 0x0E)
    vga.crtc(0x07, vga.screen.crtc[7] & ~0x10)
    vga.crtc(0x09, 0x0F)
    vga.crtc(0x18, 99)                                                  # lines 100 and following begin at the first character
    picture = vga.picture()
    assert dots(picture, 0, 99) == BLACK and dots(picture, 0, 100, 10) == [GRAY] * 9 + [BLACK]
    assert dots(picture, 0, 115) == GRAY and dots(picture, 0, 116) == BLACK
    vga.attribute(0x10, 0x0C)
    assert dots(vga, 0, 100, 7) == [GRAY] * 6 + [BLACK]


@pytest.mark.parametrize("name, panning, shift", [("12h", 3, 3), ("0Dh", 7, 7), ("13h", 4, 2), ("13h", 6, 3)])
def test_panning_of_dots(vga, name, panning, shift):
    vga.set_mode(name)
    vga.write(0xA0000, bytes(range(1, 9)))
    before = dots(vga, 0, 0, 20)
    vga.attribute(0x13, panning)
    assert dots(vga, 0, 0, 20 - shift) == before[shift:]


def test_a_split_in_the_middle_of_doubled_lines(vga):
    """Then no line can be left out: the picture has 400 of them."""
    vga.set_mode("13h")
    vga.write(0xA0000, b"\x01" * 320 + b"\x02" * 320)
    assert vga.picture()[:2] == (320, 200)
    vga.crtc(0x11, 0x0E)
    vga.crtc(0x07, 0x0F)
    vga.crtc(0x09, 0x01)
    vga.crtc(0x18, 0)
    picture = vga.picture()
    assert picture[:2] == (320, 400)
    assert [dots(picture, 0, line) for line in range(6)] == [BLUE] * 3 + [GREEN] * 2 + [BLACK]
    vga.crtc(0x18, 1)
    assert vga.picture()[:2] == (320, 200)


def test_interlaced_banks(vga):
    """Register 17h, bits 0 and 1: the row scan is part of the address, as on a CGA (two banks) and a Hercules card (four)."""
    vga.set_mode("06h")
    vga.write(0xB8000, b"\xFF")
    vga.write(0xBA000 + 80, b"\x0F")
    picture = vga.picture()
    assert picture[1] == 200
    assert [dots(picture, 0, line) != BLACK for line in range(4)] == [True, False, False, False]
    assert dots(picture, 4, 3) != BLACK and dots(picture, 3, 3) == BLACK
    vga.out(0x3CE, 0x0506, 2)                                           # planes of 64 KB at A0000h
    vga.write(0xA4000 + 1, b"\xFF")
    vga.crtc(0x11, 0x0E)
    vga.crtc(0x09, 0x43)
    vga.crtc(0x17, 0xC0)
    picture = vga.picture()
    assert [dots(picture, 8, line) != BLACK for line in range(4)] == [False, False, True, False]


def test_colours_go_through_mask_and_plane_enable(vga):
    vga.set_mode("12h")
    vga.write(0xA0000, b"\xFF")
    assert dots(vga) == FIFTEEN
    vga.attribute(0x12, 0x02)
    assert dots(vga) == GREEN
    vga.attribute(0x12, 0x0F)
    vga.out(0x3C6, 0x01)                                                # 0Fh becomes 1
    assert dots(vga) == BLUE
    vga.out(0x3C6, 0xFF)
    vga.attribute(0x10, 0x81)
    vga.attribute(0x14, 0x09)                                           # 9Fh
    vga.load_dac(bytes(3 * 0x9F) + b"\x3F\x15\x00")
    assert dots(vga) == (255, 85, 0)


def test_a_blanked_screen_is_dark(vga):
    put(vga, b"\xDB", 0x0F)
    vga.inp(0x3DA)
    vga.out(0x3C0, 0x10)                                                # the palette is with the processor
    assert dots(vga, 0, 0, 9) == [BLACK] * 9 and vga.screen.text.startswith("█")
    vga.inp(0x3DA)
    vga.out(0x3C0, 0x30)
    assert dots(vga) == WHITE
    vga.out(0x3C4, 0x2001, 2)
    assert dots(vga) == BLACK
    vga.machine.screen.linear.set_mode(640, 480, 32)
    vga.write(0xFD000000, b"\xFF" * 4)
    assert dots(vga) == BLACK
    vga.out(0x3C4, 0x0001, 2)
    assert dots(vga) == WHITE


def test_the_planes_come_round(vga):
    vga.set_mode("0Dh")
    vga.crtc(0x0C, 0xFF)
    vga.crtc(0x0D, 0xF0)
    vga.write(0xA0000, b"\xFF")
    vga.write(0xAFFF0, b"\xFF")
    assert dots(vga, 127, 0, 10) == [BLACK] + [FIFTEEN] * 8 + [BLACK] and dots(vga) == FIFTEEN


@pytest.mark.parametrize("width, height, repeat", [(255, 0x3FF, 0x00), (0, 0, 0x1F), (255, 0x3FF, 0x9F), (0, 0x3FF, 0xFF)])
@pytest.mark.parametrize("name", ["text 80", "04h"])
def test_any_size_is_a_picture(vga, name, width, height, repeat):
    vga.set_mode(name)
    vga.crtc(0x11, 0x0E)
    for index, value in ((1, width), (0x12, height & 0xFF), (7, height >> 7 & 2 | height >> 3 & 0x40 | 0x10), (9, repeat),
                         (0x13, 0xFF), (0x0C, 0xFF)):
        vga.crtc(index, value)
    found_width, found_height, rows = vga.picture()
    assert found_width in [(width + 1) * dots for dots in (4, 8, 9)] and 0 < found_height == len(rows) <= height + 1
    assert all(len(row) == 3 * found_width for row in rows)
