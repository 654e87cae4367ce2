"""INT 10h: what programs write to the screen is in video memory, the cursor in the BIOS data area and in the CRTC."""
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boot import layout
from boot.bios.int10_video import scaled_cursor
from boot.bios.video_modes import MODES, TEXT_40, TEXT_80, TEXT_MONO, ega_64, vga_256

SCREEN = layout.COLOR_TEXT


@pytest.fixture
def clear(guest):
    guest.call(0x10, ax=0x0003)
    return guest


def row(guest, number, columns=80, start=SCREEN):
    return guest.memory.read(start + 2 * columns * number, 2 * columns)[::2].decode("cp437").rstrip()


def cursor(guest, page=0):
    column, line = guest.memory.read(layout.CURSOR_POSITIONS + 2 * page, 2)
    return line, column


def crtc_cursor(guest):
    guest.machine.bus.write(0x3D4, 0x0E, 1)
    high = guest.machine.bus.read(0x3D5, 1)
    guest.machine.bus.write(0x3D4, 0x0F, 1)
    return divmod(high << 8 | guest.machine.bus.read(0x3D5, 1), 80)


def say(guest, text):
    for character in text.encode("cp437"):
        guest.call(0x10, ax=0x0E00 | character, bx=0x0007)


@pytest.mark.parametrize("mode, columns, start", [(0, 40, 0xB8000), (1, 40, 0xB8000), (2, 80, 0xB8000), (3, 80, 0xB8000),
                                                  (7, 80, 0xB0000)])
def test_text_modes(guest, mode, columns, start):
    guest.call(0x10, ax=mode)
    after = guest.call(0x10, ah=0x0F)
    assert (after.al, after.ah, after.bh) == (mode, columns, 0)
    assert guest.memory.read(start, columns * 50) == b"\x20\x07" * columns * 25
    assert guest.memory.read_u16(layout.CRTC_PORT) == (0x3B4 if mode == 7 else 0x3D4)
    assert cursor(guest) == (0, 0)


def test_bit_7_keeps_what_is_on_the_screen(clear):
    clear.memory.write(SCREEN, b"X\x07")
    clear.call(0x10, ax=0x0083)
    assert row(clear, 0) == "X"
    assert clear.call(0x10, ah=0x0F).al == 0x83


def test_setting_a_mode_takes_the_screen_from_the_frame_buffer(clear):
    screen = clear.machine.screen
    screen.linear.set_mode(640, 480)
    clear.call(0x10, ax=0x0003)
    assert screen.size == (80, 25) and not screen.linear.enabled


def test_an_unknown_mode_changes_nothing(clear):
    say(clear, "abc")
    clear.call(0x10, ax=0x006B)
    assert row(clear, 0) == "abc" and clear.call(0x10, ah=0x0F).al == 3
    assert any("AX=006B" in text for text in clear.bios.unimplemented)


def test_teletype(clear):
    say(clear, "one\r\ntwo\rT\b\bX\x07")
    assert row(clear, 0) == "one" and row(clear, 1) == "Xwo"
    assert cursor(clear) == (1, 1) and crtc_cursor(clear) == (1, 1)
    assert clear.machine.screen.text.splitlines()[1].rstrip() == "Xwo"


def test_teletype_wraps_and_scrolls(clear):
    clear.call(0x10, ah=0x02, bh=0, dx=0x174F)
    say(clear, "ABC")
    assert row(clear, 23)[79] == "A" and row(clear, 24) == "BC"
    clear.memory.write(SCREEN + 160 * 24 + 1, b"\x1E")
    say(clear, "\nD")
    assert row(clear, 23) == "BC" and row(clear, 24) == "  D" and cursor(clear) == (24, 3)
    assert row(clear, 22)[79] == "A"


def test_cursor_position_and_shape(clear):
    clear.call(0x10, ah=0x02, bh=0, dx=0x0C22)
    assert crtc_cursor(clear) == (12, 34)
    clear.call(0x10, ah=0x02, bh=3, dx=0x0101)              # another page: the one that blinks stays
    assert crtc_cursor(clear) == (12, 34)
    clear.call(0x10, ah=0x01, cx=0x2607)
    after = clear.call(0x10, ah=0x03, bh=0)
    assert after.dx == 0x0C22 and after.cx == 0x2607
    assert clear.call(0x10, ah=0x03, bh=3).dx == 0x0101


@pytest.mark.parametrize("shape, lines", [((6, 7), (14, 15)), ((0, 7), (0, 15)), ((4, 7), (9, 15)), ((0x20, 0), (0x20, 0)),
                                          ((13, 14), (13, 14))])
def test_cursor_lines_are_scaled_to_the_font(shape, lines):
    assert scaled_cursor(*shape, 16, True) == lines
    assert scaled_cursor(*shape, 16, False) == shape
    assert scaled_cursor(*shape, 8, True) == shape


def test_characters_with_attributes(clear):
    clear.call(0x10, ah=0x02, bh=0, dx=0x0005)
    clear.call(0x10, ax=0x0900 | ord("*"), bx=0x001F, cx=3)
    clear.call(0x10, ax=0x0A00 | ord("+"), bx=0x0044, cx=2)
    assert clear.memory.read(SCREEN + 10, 6) == b"+\x1F+\x1F*\x1F"
    assert cursor(clear) == (0, 5)
    assert clear.call(0x10, ah=0x08, bh=0).ax == 0x1F2B


def test_pages(clear):
    clear.call(0x10, ah=0x02, bh=2, dx=0x0102)
    clear.call(0x10, ax=0x0941, bx=0x0207, cx=1)
    assert row(clear, 1, start=SCREEN + 0x2000) == "  A" and row(clear, 1) == ""
    clear.call(0x10, ax=0x0502)
    assert clear.call(0x10, ah=0x0F).bh == 2
    assert clear.memory.read_u16(layout.VIDEO_PAGE_START) == 0x2000
    assert "  A" in clear.machine.screen.text
    say(clear, "B")
    assert row(clear, 1, start=SCREEN + 0x2000) == "  B"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.integers(0, 30), top=st.integers(0, 26), left=st.integers(0, 82), height=st.integers(-1, 26),
       width=st.integers(-1, 82), up=st.booleans())
def test_scrolling_moves_a_window_and_nothing_else(guest, lines, top, left, height, width, up):
    """Against a list of rows that does the same."""
    cells = [[bytes([33 + (31 * y + x) % 90, y * 3 + x & 0x7F]) for x in range(80)] for y in range(25)]
    guest.memory.write(SCREEN, b"".join(b"".join(line) for line in cells))
    bottom, right = max(0, top + height), max(0, left + width)
    guest.call(0x10, ah=6 if up else 7, al=lines, bh=0x4E, ch=top, cl=left, dh=min(bottom, 255), dl=min(right, 255))
    bottom, right = min(bottom, 24), min(right, 79)
    if top <= bottom and left <= right:
        count = bottom - top + 1
        lines = count if lines == 0 or lines > count else lines
        window = [line[left:right + 1] for line in cells[top:bottom + 1]]
        fresh = [[b"\x20\x4E"] * (right - left + 1)] * lines
        window = window[lines:] + fresh if up else fresh + window[:count - lines]
        for y, line in enumerate(window, top):
            cells[y][left:right + 1] = line
    assert guest.memory.read(SCREEN, 4000) == b"".join(b"".join(line) for line in cells)


def test_strings(clear):
    clear.memory.write(0x9000, b"hello, world")
    clear.call(0x10, ax=0x1300, bx=0x002E, cx=12, dx=0x0304, bp=0x9000)
    assert clear.memory.read(SCREEN + 160 * 3 + 8, 4) == b"h\x2Ee\x2E" and cursor(clear) == (0, 0)
    clear.memory.write(0x9000, b"x\x11y\x22")
    clear.call(0x10, ax=0x1303, bx=0, cx=2, dx=0x0500, bp=0x9000)
    assert clear.memory.read(SCREEN + 160 * 5, 4) == b"x\x11y\x22" and cursor(clear) == (5, 2)


def test_mode_13_has_a_byte_a_dot(guest):
    guest.call(0x10, ax=0x0013)
    guest.call(0x10, ah=0x0C, al=0x2A, bh=0, cx=319, dx=199)
    assert guest.memory.read_u8(0xA0000 + 64000 - 1) == 0x2A
    assert guest.call(0x10, ah=0x0D, bh=0, cx=319, dx=199).al == 0x2A
    guest.call(0x10, ax=0x0E00 | ord("I"), bx=0x0028)
    stem = [guest.memory.read(0xA0000 + 320 * line, 8) for line in range(8)]
    assert any(b"\x28" in line for line in stem) and guest.memory.read(0xA0008, 8) == bytes(8)


def test_palette_and_dac(clear):
    clear.call(0x10, ax=0x1010, bx=5, dh=1, ch=2, cl=3)
    after = clear.call(0x10, ax=0x1015, bx=5)
    assert (after.dh, after.ch, after.cl) == (1, 2, 3)
    clear.memory.write(0x9000, bytes(range(6)))
    clear.call(0x10, ax=0x1012, bx=7, cx=2, dx=0x9000)
    clear.call(0x10, ax=0x1017, bx=7, cx=2, dx=0x9100)
    assert clear.memory.read(0x9100, 6) == bytes(range(6))
    clear.call(0x10, ax=0x1000, bl=4, bh=0x3C)
    assert clear.call(0x10, ax=0x1007, bl=4).bh == 0x3C


def test_colours_become_grey_when_they_are_set(clear):
    clear.call(0x10, ax=0x1200, bx=0x0033)
    clear.call(0x10, ax=0x1010, bx=9, dh=63, ch=0, cl=0)
    after = clear.call(0x10, ax=0x1015, bx=9)
    assert after.dh == after.ch == after.cl == 19       # 30 % of 63
    clear.call(0x10, ax=0x0013)
    colors = bytes(clear.machine.screen.dac)
    assert all(len(set(colors[at:at + 3])) == 1 for at in range(0, 768, 3)) and any(colors)


def test_the_trace_does_not_take_the_callers_carry_for_an_error(clear):
    lines = []
    clear.bios.trace = [lines.append]
    clear.run("stc\n mov ax, 0E41h\n mov bx, 7\n int 10h")
    assert lines == ["INT 10h/0E teletype output 'A'"]


def test_default_colours():
    ega, vga = ega_64(), vga_256()
    assert len(ega) == 192 and len(vga) == 3 * 248
    assert ega[3 * 0x14:3 * 0x15] == bytes((42, 21, 0))                 # brown, not dark yellow
    assert vga[:3 * 2] == bytes((0, 0, 0, 0, 0, 42)) and vga[3 * 15:3 * 16] == bytes((63, 63, 63))
    assert vga[3 * 32:3 * 33] == bytes((0, 0, 63)) and vga[3 * 40:3 * 41] == bytes((63, 0, 0))


def test_fonts(clear):
    after = clear.call(0x10, ax=0x1130, bh=0x06)
    glyph = clear.memory.read((after.es << 4) + after.bp + 16 * ord("A"), 16)
    assert after.cx == 16 and after.dl == 24 and any(glyph)
    after = clear.call(0x10, ax=0x1130, bh=0x03)
    assert (after.es, after.bp) == (0xC000, clear.bios.video_rom.labels["font_8x8"])
    clear.call(0x10, ax=0x1112, bl=0)
    assert clear.memory.read_u8(layout.VIDEO_LAST_ROW) == 49 and clear.memory.read_u16(layout.VIDEO_FONT_HEIGHT) == 8
    say(clear, "\r\n" * 49 + "last")
    assert row(clear, 49) == "last" and cursor(clear) == (49, 4)


def test_inventory(clear):
    after = clear.call(0x10, ah=0x12, bl=0x10)
    assert (after.bh, after.bl) == (0, 3)
    assert clear.call(0x10, ax=0x1201, bl=0x34).al == 0x12
    assert clear.memory.read_u8(layout.VIDEO_CONTROL) & 1
    after = clear.call(0x10, ax=0x1A00)
    assert (after.al, after.bx) == (0x1A, 0x0008)
    after = clear.call(0x10, ax=0x1B00, bx=0, di=0x9000)
    table = clear.memory.read(0x9000, 64)
    assert after.al == 0x1B and table[4] == 3 and table[34] == 25 and table[2:4] == b"\x00\xC0"


def test_register_sets_are_complete():
    sets = [mode.registers for mode in MODES.values()] + [*TEXT_40.values(), *TEXT_80.values(), *TEXT_MONO.values()]
    for registers in sets:
        assert len(bytes.fromhex(registers.crtc)) == 25 and len(bytes.fromhex(registers.sequencer)) == 4
        assert len(bytes.fromhex(registers.graphics)) == 9
        assert len(bytes.fromhex(registers.palette)) == 16 and len(bytes.fromhex(registers.attributes)) == 5
