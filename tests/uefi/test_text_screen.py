"""Characters drawn into the frame buffer: what is kept is what is drawn, and both are what a plain model says."""
from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boot.uefi.pixels import Pixels
from boot.uefi.text_screen import COLORS, TextScreen, box, known
from x86.devices import font
from x86.devices.vga_linear import FRAME_BUFFER
from x86.machine import Machine


@pytest.fixture(scope="module")
def machine():
    return Machine("1M")


def screen_of(machine, width=640, height=480, columns=80, rows=25):
    machine.screen.linear.set_mode(width, height)
    screen = machine.screen.terminal = TextScreen(machine)
    screen.cursor_visible = True
    screen.set_mode(columns, rows)
    return screen


@pytest.fixture
def screen(machine):
    return screen_of(machine)


def dots(screen, row, column):
    """A character's cell, as rows of dots of four bytes."""
    height, width = screen.height * screen.scale, font.WIDTH * screen.scale
    data = screen.pixels.read(screen.left + column * width, screen.top + row * height, width, height)
    return [[data[at:at + 4] for at in range(line, line + 4 * width, 4)] for line in range(0, len(data), 4 * width)]


def drawn(screen, character, attribute, under_cursor=False):
    """The same by the font, dot by dot."""
    rows = list(font.draw(character, screen.height) or box(screen.height))
    if under_cursor:
        for line in ((13, 14) if screen.height == 16 else (6, 7)):
            rows[line] = 0xFF
    return [[COLORS[attribute & 15 if rows[y // screen.scale] & 0x80 >> x // screen.scale else attribute >> 4]
             for x in range(8 * screen.scale)] for y in range(screen.height * screen.scale)]


def copy(fields):
    """All of a screen's state but the machine."""
    return {name: list(value) if isinstance(value, list) else value for name, value in fields.items()}


def check(screen):
    """Every cell's dots are those of its character and attribute, and around them is black."""
    for row, cells in enumerate(screen.cells()):
        for column, (character, attribute) in enumerate(cells):
            assert dots(screen, row, column) == drawn(screen, character, attribute, screen.cursor == (row, column)), \
                f"row {row}, column {column}: {character!r} in {attribute:#x}"


# ---- modes ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("width, height, columns, rows, lines, scale, left, top", [
    (1280, 800, 80, 25, 16, 2, 0, 0), (1280, 800, 160, 50, 16, 1, 0, 0), (1280, 800, 100, 31, 16, 1, 240, 152),
    (640, 480, 80, 25, 16, 1, 0, 40), (640, 480, 80, 50, 8, 1, 0, 40), (1920, 1080, 80, 25, 16, 2, 320, 140)])
def test_the_largest_font_that_fits_in_the_middle(machine, width, height, columns, rows, lines, scale, left, top):
    screen = screen_of(machine, width, height, columns, rows)
    assert (screen.height, screen.scale, screen.left, screen.top) == (lines, scale, left, top)
    screen.attribute = 0x4E
    screen.write("A")
    screen.move(rows - 1, columns - 2)
    screen.write("z")
    assert dots(screen, 0, 0) == drawn(screen, "A", 0x4E)
    assert dots(screen, rows - 1, columns - 2) == drawn(screen, "z", 0x4E)
    assert (screen.size, machine.screen.size) == ((columns, rows),) * 2
    assert len(machine.screen.cells()) == rows and len(machine.screen.cells()[0]) == columns


@pytest.mark.parametrize("columns, rows", [(81, 25), (80, 61)])
def test_too_much_for_the_picture(screen, columns, rows):
    with pytest.raises(ValueError, match="do not fit into 640 by 480 dots"):
        screen.set_mode(columns, rows)


# ---- characters -----------------------------------------------------------------------------------------------------

def test_text_of_the_adapter_is_what_was_written(machine, screen):
    screen.write("Hello, ┌─┐ é ► ↑\r\nsecond")
    assert machine.screen.text.split("\n")[:2] == ["Hello, ┌─┐ é ► ↑", "second"]
    assert machine.screen.cursor == (1, 6)
    screen.show_cursor(False)
    assert machine.screen.cursor is None


def test_characters_that_the_font_has(machine, screen):
    """The sets that the specification names: ASCII, lines, blocks, triangles, arrows (UEFI 2.10, 12.4.3 and appendix)."""
    lines = "─│┌┐└┘├┤┬┴┼═║╒╓╔╕╖╗╘╙╚╛╜╝╞╟╠╡╢╣╤╥╦╧╨╩╪╫╬"
    assert all(map(known, [chr(code) for code in range(0x20, 0x7F)] + list(lines + "█░▲►▼◄←↑→↓")))
    assert not any(map(known, "\0\x01\x1b\x7f一\u0300"))
    screen.write("a\x1b一")
    assert dots(screen, 0, 1) == dots(screen, 0, 2) == drawn(screen, "一", 7)
    assert dots(screen, 0, 1) != dots(screen, 0, 3)


def test_controls(screen):
    screen.write("abc\b\bX\b\b\b\b\bY\nZ\rW")
    assert screen.text.split("\n")[:2] == ["YXc", "WZ"]
    assert screen.cursor == (1, 1)


def test_the_last_column_wraps_and_the_last_row_scrolls(screen):
    screen.write("top\r\n")
    screen.move(24, 78)
    screen.write("ab")
    assert screen.cursor == (24, 0)
    assert screen.text.startswith("\n" * 23 + " " * 78 + "ab\n")
    screen.attribute = 0x1F
    screen.write("\n")
    assert screen.cells()[24] == [(" ", 0x1F)] * 80
    check(screen)


ACTIONS = st.one_of(
    st.tuples(st.just("write"), st.text("ab█─ \r\n\b一", max_size=60)),
    st.tuples(st.just("attribute"), st.integers(0, 0x7F)),
    st.tuples(st.just("move"), st.tuples(st.integers(0, 2), st.integers(0, 8))),
    st.tuples(st.just("show"), st.booleans()),
    st.tuples(st.just("clear"), st.none()))


@given(actions=st.lists(ACTIONS, max_size=12), cut=st.integers(0, 12))
def test_against_a_model(machine, actions, cut):
    """Character by character on a grid of 9 by 3; and the same again from a snapshot in the middle."""
    screen = screen_of(machine, 160, 64, 9, 3)
    cells, row, column, attribute, state = [[(" ", 7)] * 9 for _ in range(3)], 0, 0, 7, None

    def line_feed():
        nonlocal row
        row += 1
        if row == 3:
            row = 2
            del cells[0]
            cells.append([(" ", attribute)] * 9)

    def do(action, value):
        if action == "write":
            screen.write(value)
        elif action == "attribute":
            screen.attribute = value
        elif action == "move":
            screen.move(*value)
        elif action == "show":
            screen.show_cursor(value)
        else:
            screen.clear()

    for number, (action, value) in enumerate(actions):
        if number == cut:
            state = copy(vars(screen)), pickle.loads(pickle.dumps(machine.snapshot()))
        do(action, value)
        if action == "attribute":
            attribute = value
        elif action == "move":
            row, column = value
        elif action == "clear":
            cells[:], row, column = [[(" ", attribute)] * 9 for _ in range(3)], 0, 0
        for character in value if action == "write" else "":
            if character == "\b":
                column = max(column - 1, 0)
            elif character == "\r":
                column = 0
            elif character == "\n":
                line_feed()
            else:
                cells[row][column] = (character, attribute)
                column += 1
                if column == 9:
                    column = 0
                    line_feed()
    assert screen.cells() == cells
    assert (screen.row, screen.column) == (row, column)
    check(screen)
    if state:
        end = copy(vars(screen)), screen.pixels.read(0, 0, 160, 64)
        vars(screen).update(state[0])
        machine.restore(state[1])
        for action, value in actions[cut:]:
            do(action, value)
        assert (vars(screen), screen.pixels.read(0, 0, 160, 64)) == end


def test_what_somebody_drew_over_is_not_told(machine, screen):
    """A program's dots, in the fourth and the last character of a row."""
    screen.show_cursor(False)
    screen.write("abcdefgh\r\nsecond")
    for column in (3, 7):
        screen.pixels.write(screen.left + 8 * column + 7, screen.top, 1, 1, b"dots")
    assert machine.screen.text.split("\n")[:2] == ["abc efg", "second"]
    assert screen.cells()[0][2:5] == [("c", 7), (" ", 0), ("e", 7)]
    screen.pixels.fill(0, 0, *screen.pixels.size, b"dots")
    assert machine.screen.text.strip() == ""


@pytest.mark.parametrize("width, height, depth", [(800, 600, 32), (640, 480, 16), (16000, 400, 8), (8, 1, 32)])
def test_a_mode_of_somebody_elses(machine, screen, width, height, depth):
    """Characters are kept, and neither drawn nor told, until the mode comes back."""
    screen.write("abc")
    machine.screen.linear.set_mode(width, height, depth)
    before = machine.memory.read(FRAME_BUFFER, 1 << 20)
    screen.write("def\r\n" * 30)
    screen.move(3, 3)
    screen.clear()
    screen.write("ghi")
    assert (machine.screen.size, machine.screen.text, machine.screen.cursor) == ((0, 0), "", None)
    assert machine.memory.read(FRAME_BUFFER, 1 << 20) == before
    machine.screen.linear.set_mode(640, 480)
    assert screen.text.strip() == "" and screen.size == (80, 25)
    screen.write("j")
    assert screen.text.split("\n")[0] == "   j"


# ---- dots -----------------------------------------------------------------------------------------------------------

RECTANGLES = st.tuples(st.integers(0, 15), st.integers(0, 7), st.integers(1, 16), st.integers(1, 8))


@given(source=RECTANGLES, to_x=st.integers(0, 15), to_y=st.integers(0, 7), seed=st.binary(min_size=1, max_size=8))
def test_rectangles_against_a_model(machine, source, to_x, to_y, seed):
    """Copies that overlap in any direction, fills, reads and writes, on 16 by 8 dots."""
    machine.screen.linear.set_mode(16, 8)
    pixels = Pixels(machine)
    x, y, width, height = source
    width, height = min(width, 16 - max(x, to_x)), min(height, 8 - max(y, to_y))
    grid = [[bytes((column, row, *seed[:1], 0)) for column in range(16)] for row in range(8)]
    pixels.write(0, 0, 16, 8, b"".join(map(b"".join, grid)))
    part = [row[x:x + width] for row in grid[y:y + height]]
    assert pixels.read(x, y, width, height) == b"".join(map(b"".join, part))
    pixels.copy(x, y, to_x, to_y, width, height)
    for line, row in enumerate(part):
        grid[to_y + line][to_x:to_x + width] = row
    assert pixels.read(0, 0, 16, 8) == b"".join(map(b"".join, grid))
    pixels.fill(x, y, width, height, b"fill")
    for row in grid[y:y + height]:
        row[x:x + width] = [b"fill"] * width
    assert pixels.read(0, 0, 16, 8) == b"".join(map(b"".join, grid))
