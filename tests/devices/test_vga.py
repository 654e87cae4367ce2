"""The VGA's registers and text screen against IBM's technical reference, and its pictures."""
from __future__ import annotations

import struct
import zlib

import pytest

from x86.devices import font

TEXT = 0xB8000


def indexed(board, port, index, value=None):
    board.write(port, index)
    if value is None:
        return board.read(port + 1)
    board.write(port + 1, value)


def put(board, row, column, text, attribute=7, base=TEXT):
    at = base + 2 * (80 * row + column)
    for number, character in enumerate(text.encode("cp437")):
        board.memory[at + 2 * number:at + 2 * number + 2] = bytes((character, attribute))


def attribute(board, index, value=None):
    """Read or write a register of the attribute controller."""
    board.read(0x3DA)
    board.write(0x3C0, index)
    if value is None:
        found = board.read(0x3C1)
        board.read(0x3DA)
        return found
    board.write(0x3C0, value)


# ---- the screen -----------------------------------------------------------------------------------------------------

def test_power_on_is_an_empty_mode_3(board):
    screen = board.devices["vga"]
    assert screen.size == (80, 25)
    assert screen.text == "\n" * 24
    assert (0xA0000, 0x20000, "VGA") in board.memory.regions
    assert board.memory.alias[:2] == (0xB8000, 0x8000)


def test_text_and_cells(board):
    screen = board.devices["vga"]
    put(board, 0, 0, "Hello, world", 0x1F)
    put(board, 24, 76, "last")
    put(board, 3, 0, "┌─┐ é α", 0x4E)
    lines = screen.text.split("\n")
    assert (lines[0], lines[3], lines[24]) == ("Hello, world", "┌─┐ é α", " " * 76 + "last")
    cells = screen.cells()
    assert (len(cells), len(cells[0])) == (25, 80)
    assert cells[0][0] == ("H", 0x1F)
    assert cells[3][1] == ("─", 0x4E)


def test_low_codes_are_their_glyphs(board):
    board.memory[TEXT:TEXT + 12] = bytes((1, 7, 0x18, 7, 0x7F, 7, 0xFF, 7, 0, 7, 0x1F, 7))
    assert board.devices["vga"].text.split("\n")[0] == "☺↑⌂  ▼"


def test_start_address_scrolls_and_wraps(board):
    screen = board.devices["vga"]
    put(board, 1, 0, "second row")
    indexed(board, 0x3D4, 0x0D, 80)
    assert screen.text.split("\n")[0] == "second row"
    indexed(board, 0x3D4, 0x0C, 0xFF)                   # FFD0h = 65536 - 48: the planes come round
    indexed(board, 0x3D4, 0x0D, 0xD0)
    put(board, 0, 0, "top")
    assert screen.text.split("\n")[0] == " " * 48 + "top"


def test_modes_with_other_sizes(board):
    screen = board.devices["vga"]
    indexed(board, 0x3D4, 0x09, 0x47)                   # characters of 8 lines
    assert screen.size == (80, 50)
    indexed(board, 0x3D4, 0x11, 0x0E)                   # unlock registers 0 to 7
    indexed(board, 0x3D4, 0x01, 39)
    indexed(board, 0x3D4, 0x13, 20)
    assert screen.size == (40, 50)
    board.memory[TEXT + 80:TEXT + 82] = b"X\7"
    assert screen.text.split("\n")[1] == "X"


def test_monochrome_is_at_b0000_and_3b4(board):
    screen = board.devices["vga"]
    indexed(board, 0x3CE, 6, 0x0A)
    put(board, 0, 0, "mono", base=0xB0000)
    assert screen.text.split("\n")[0] == "mono"
    board.write(0x3C2, 0x66)
    assert board.read(0x3CC) == 0x66
    indexed(board, 0x3B4, 0x0E, 0x12)
    assert indexed(board, 0x3B4, 0x0E) == 0x12
    assert indexed(board, 0x3D4, 0x0E) == 0xFF
    assert board.read(0x3DA) == 0xFF


def test_graphics_modes_have_no_text(board):
    indexed(board, 0x3CE, 6, 0x05)
    screen = board.devices["vga"]
    assert (screen.text, screen.cells(), screen.size, screen.cursor) == ("", [], (0, 0), None)


@pytest.mark.parametrize("where, start, shape, cursor", [
    (0, 0, (13, 14), (0, 0)), (80 * 24 + 79, 0, (13, 14), (24, 79)), (80 * 25, 0, (13, 14), None),
    (80 * 3 + 5, 80, (13, 14), (2, 5)), (0, 0, (0x2D, 14), None), (0, 0, (15, 14), None)])
def test_cursor(board, where, start, shape, cursor):
    for index, value in ((0x0C, start), (0x0E, where)):
        indexed(board, 0x3D4, index, value >> 8)
        indexed(board, 0x3D4, index + 1, value & 0xFF)
    indexed(board, 0x3D4, 0x0A, shape[0])
    indexed(board, 0x3D4, 0x0B, shape[1])
    assert board.devices["vga"].cursor == cursor


# ---- registers ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("port, index, written, kept", [
    (0x3C4, 2, 0xFF, 0x0F), (0x3C4, 4, 0xFF, 0x0E), (0x3CE, 5, 0xFF, 0x7B), (0x3CE, 8, 0xA5, 0xA5), (0x3CE, 15, 0xFF, 0),
    (0x3D4, 0x0E, 0xA5, 0xA5), (0x3D4, 0x40, 0xA5, 0)])
def test_indexed_registers(board, port, index, written, kept):
    indexed(board, port, index, written)
    assert board.read(port) == index
    assert indexed(board, port, index) == kept


def test_a_word_writes_index_and_data(board):
    board.write(0x3D4, 0x5A0F, 2)
    assert board.read(0x3D4, 2) == 0x5A0F


def test_crtc_protection_leaves_line_compare(board):
    assert indexed(board, 0x3D4, 0x11) & 0x80
    indexed(board, 0x3D4, 0x00, 0x11)
    assert indexed(board, 0x3D4, 0x00) == 0x5F
    indexed(board, 0x3D4, 0x07, 0x00)
    assert indexed(board, 0x3D4, 0x07) == 0x1F & ~0x10
    indexed(board, 0x3D4, 0x11, 0x0E)
    indexed(board, 0x3D4, 0x00, 0x11)
    assert indexed(board, 0x3D4, 0x00) == 0x11


def test_attribute_controller_takes_index_and_data_in_turns(board):
    attribute(board, 0x03, 0x2A)
    attribute(board, 0x10, 0xFF)
    assert (attribute(board, 0x03), attribute(board, 0x10)) == (0x2A, 0xEF)
    board.read(0x3DA)
    board.write(0x3C0, 0x05)
    board.read(0x3DA)                                   # back to the index
    board.write(0x3C0, 0x20)
    assert board.read(0x3C0) == 0x20


def test_dac(board):
    board.write(0x3C8, 254)
    for value in (1, 2, 0xFF, 4, 5, 6, 7, 8, 9):        # two entries, and round to the first
        board.write(0x3C9, value)
    board.write(0x3C7, 254)
    assert board.read(0x3C7) == 3
    assert [board.read(0x3C9) for _ in range(9)] == [1, 2, 0x3F, 4, 5, 6, 7, 8, 9]
    board.write(0x3C8, 10)
    assert (board.read(0x3C7), board.read(0x3C8)) == (0, 10)
    board.write(0x3C6, 0x0F)
    assert board.read(0x3C6) == 0x0F


# ---- time -----------------------------------------------------------------------------------------------------------

def test_retrace_is_70_times_a_second_in_text_mode(board):
    board.write(0x43, 0x30)
    step = board.clock.frequency // 100_000
    status = []
    for _ in range(100_000):                            # a second
        board.run(step)
        status.append(board.read(0x3DA))
    assert all(value & 0x01 for value in status if value & 0x08)        # the retrace is part of the blanking
    vertical = [value >> 3 & 1 for value in status]
    assert sum(b > a for a, b in zip(vertical, vertical[1:])) == 70
    assert 0.002 < sum(vertical) / len(vertical) < 0.006                # 2 lines of 449
    shown = sum(not value & 1 for value in status) / len(status)
    assert abs(shown - 0.8 * 400 / 449) < 0.01


def test_480_lines_give_60_a_second(board):
    for index, value in ((0x11, 0x0C), (0x06, 0x0B), (0x07, 0x3E), (0x10, 0xEA), (0x12, 0xDF), (0x09, 0x4F)):
        indexed(board, 0x3D4, index, value)
    assert board.devices["vga"].size == (80, 30)
    board.write(0x43, 0x30)
    vertical = []
    for _ in range(50_000):
        board.run(board.clock.frequency // 50_000)
        vertical.append(board.read(0x3DA) >> 3 & 1)
    assert sum(b > a for a, b in zip(vertical, vertical[1:])) == 60


# ---- pictures -------------------------------------------------------------------------------------------------------

def read_png(path):
    """(width, height, palette, rows) of a PNG that has one palette index a dot. Checks every checksum."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8:at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(kind + body)
        chunks[kind] = chunks.get(kind, b"") + body
        at += 12 + length
    assert list(chunks) == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]
    width, height, depth, color, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, color, rest) == (8, 3, [0, 0, 0])
    lines = zlib.decompress(chunks[b"IDAT"])
    rows = [lines[start:start + width + 1] for start in range(0, len(lines), width + 1)]
    assert all(row[0] == 0 and len(row) == width + 1 for row in rows)
    return width, height, chunks[b"PLTE"], [row[1:] for row in rows]


def colour(picture, x, y):
    index = picture[3][y][x]
    return tuple(picture[2][3 * index:3 * index + 3])


def test_screenshot_of_text(board, tmp_path):
    put(board, 1, 2, "A█", 0x1E)                        # yellow on blue
    indexed(board, 0x3D4, 0x0A, 0x20)
    board.devices["vga"].screenshot(tmp_path / "text.png")
    picture = read_png(tmp_path / "text.png")
    assert picture[:2] == (720, 400)
    yellow, blue, black = (255, 255, 85), (0, 0, 170), (0, 0, 0)
    glyph = font.glyph(ord("A"))
    for y in range(16):
        for x in range(8):
            assert colour(picture, 18 + x, 16 + y) == (yellow if glyph[y] & 0x80 >> x else blue)
        assert colour(picture, 26, 16 + y) == blue                      # the ninth dot
        assert all(colour(picture, 27 + x, 16 + y) == yellow for x in range(9))     # blocks reach over it
    assert colour(picture, 0, 0) == black


def test_screenshot_has_the_cursor(board, tmp_path):
    put(board, 0, 0, " ", 0x07)
    board.devices["vga"].screenshot(tmp_path / "cursor.png")
    picture = read_png(tmp_path / "cursor.png")
    assert [y for y in range(16) if colour(picture, 4, y) != (0, 0, 0)] == [13, 14]


def test_screenshot_of_mode_13h(board, tmp_path):
    for port, index, value in ((0x3CE, 5, 0x40), (0x3CE, 6, 0x05), (0x3C4, 2, 0x0F), (0x3C4, 4, 0x0E), (0x3D4, 0x11, 0x0E),
                               (0x3D4, 0x09, 0x41), (0x3D4, 0x13, 40)):
        indexed(board, port, index, value)
    board.write(0x3C8, 200)
    for value in (63, 0, 21):
        board.write(0x3C9, value)
    board.memory[0xA0000 + 320 * 7 + 9] = 200
    board.devices["vga"].screenshot(tmp_path / "13h.png")
    picture = read_png(tmp_path / "13h.png")
    assert picture[:2] == (320, 200)
    assert colour(picture, 9, 7) == (255, 0, 85)
    assert colour(picture, 8, 7) == (0, 0, 0)


# ---- the font -------------------------------------------------------------------------------------------------------

def test_every_character_looks_different():
    glyphs = [font.glyph(code) for code in range(256)]
    assert len(font.CP437) == 256
    assert all(len(glyph) == 16 for glyph in glyphs)
    empty = [code for code, glyph in enumerate(glyphs) if not any(glyph)]
    assert empty == [0x00, 0x20, 0xFF]
    assert len(set(glyphs)) == 254


@pytest.mark.parametrize("code, arms", [(0xB3, "UD"), (0xC4, "LR"), (0xDA, "DR"), (0xC5, "UDLR"), (0xBA, "UD"), (0xCD, "LR"),
                                        (0xC9, "DR"), (0xB9, "UDL"), (0xD1, "DLR"), (0xD7, "UDLR"), (0xC6, "UDR")])
def test_lines_meet_their_neighbours(code, arms):
    """A line-drawing character reaches the edges that its arms point to, and no others."""
    glyph = font.glyph(code)
    edges = {"U": glyph[0], "D": glyph[-1], "L": any(row & 0x80 for row in glyph), "R": any(row & 1 for row in glyph)}
    assert "".join(edge for edge in "UDLR" if edges[edge]) == arms


def test_doubles_are_hollow():
    cross = font.glyph(0xCE)                            # a double cross: four corners and nothing between
    assert [row & 0x38 for row in cross[:4]] == [0x28] * 4
    assert cross[7] == 0


def test_table_of_another_height():
    table = font.table(8)
    assert len(table) == 256 * 8
    assert any(table[8 * ord("A"):8 * ord("A") + 8])


def test_characters_beyond_the_code_page():
    """All of Latin-1, punctuation, every line and block but the diagonals; each with dots of its own."""
    wanted = [chr(code) for code in (*range(0xA1, 0x100), *range(0x2580, 0x25A0))] + list("–‘’“”„…€‹›ŒœŁłčěřšžőűąęĀ◆")
    found = {character: font.draw(character) for character in wanted}
    assert not [character for character, rows in found.items() if not rows or not any(rows) and character != "\xad"]
    alike = [("-", "\xad", "–"), ("▀", "▀")]
    assert len(set(found.values())) == len(found) - sum(len(set(group) & set(found)) - 1 for group in alike)
    assert all(font.draw(chr(code)) for code in range(0x2500, 0x2580) if code not in (0x2571, 0x2572, 0x2573))
    assert [font.draw(character) for character in "\x01\x7f一\u0301ắ😀"] == [None] * 6


def test_eighths_and_quarters():
    assert [sum(map(bool, font.draw(chr(0x2580 + eighths)))) for eighths in range(1, 9)] == list(range(2, 18, 2))
    assert [font.draw(chr(0x2590 - eighths)) for eighths in (1, 4, 7)] == [bytes((value,)) * 16 for value in (0x80, 0xF0, 0xFE)]
    assert font.draw("▙") == b"\xF0" * 8 + b"\xFF" * 8 and font.draw("▞") == b"\x0F" * 8 + b"\xF0" * 8
    assert font.draw("▔") == b"\xFF\xFF" + bytes(14) and font.draw("▕") == b"\x01" * 16
