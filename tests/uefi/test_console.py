"""Screen and serial line show the same: what is sent is played to a terminal, and that must show what the screen shows."""
from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boot.uefi.console import Console, printable
from boot.uefi.serial_terminal import COLORS, sequence
from x86.machine import Machine

TOKENS = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|([\r\n\b])|([^\x1b\r\n\b])")


class Terminal:
    """A terminal as xterm is one: in the last column it waits for the next character before it wraps."""

    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.row = self.column = 0
        self.pending, self.visible, self.attribute = False, True, 7
        self.cells = [self.blank() for _ in range(rows)]
        self.controls = []

    def blank(self):
        return [(" ", self.attribute & 0x70)] * self.columns

    def line_feed(self):
        if self.row == self.rows - 1:
            self.cells = self.cells[1:] + [self.blank()]
        self.row = min(self.row + 1, self.rows - 1)

    def play(self, text):
        end = 0
        for token in TOKENS.finditer(text):
            assert token.start() == end, f"no sequence a terminal knows: {text[end:end + 10]!r}"
            end = token.end()
            parameters, final, control, character = token.groups()
            if final:
                self.controls.append(token[0])
                self.command(parameters, final)
            elif control:
                self.pending = False
                if control == "\n":
                    self.line_feed()
                self.column = 0 if control == "\r" else max(self.column - 1, 0) if control == "\b" else self.column
            else:
                self.put(character)
        assert end == len(text)

    def put(self, character):
        if self.pending:
            self.column = 0
            self.line_feed()
        self.cells[self.row][self.column] = (character, self.attribute)
        self.pending = self.column == self.columns - 1
        self.column = min(self.column + 1, self.columns - 1)

    def command(self, parameters, final):
        if final == "H":
            row, column = map(int, parameters.split(";"))
            self.row, self.column, self.pending = row - 1, column - 1, False
        elif (parameters, final) == ("2", "J"):
            self.cells = [self.blank() for _ in range(self.rows)]
        elif final == "m":
            for value in map(int, parameters.split(";")):
                if value == 0:
                    self.attribute = 7
                elif value == 1:
                    self.attribute |= 8
                elif value < 40:
                    self.attribute = self.attribute & ~7 | COLORS.index(value - 30)
                else:
                    self.attribute = self.attribute & 0x0F | COLORS.index(value - 40) << 4
        else:
            assert parameters == "?25", (parameters, final)
            self.visible = final == "h"


@pytest.fixture(scope="module")
def machine():
    return Machine("1M")


def console_of(machine, columns=80, rows=25):
    machine.reset()
    machine.serial.output.clear()
    machine.screen.linear.set_mode(640, 480)
    console = Console(machine)
    console.screen.set_mode(columns, rows)
    return console


@pytest.fixture
def console(machine):
    return console_of(machine)


def sent(console):
    """What the serial line got since the last time."""
    text = bytes(console.machine.serial.output).decode()
    console.machine.serial.output.clear()
    return text


def visible(cells):
    """What can be told apart on nine columns: a blank has no foreground, and ? stands for what is not sent."""
    return [[("\ufffd" if character == "?" else character, attribute & 0x70 if character == " " else attribute)
             for character, attribute in row[:9]] for row in cells]


ACTIONS = st.one_of(
    st.tuples(st.just("write"), st.text("ab█─é \r\n\b\t", max_size=40)),
    st.tuples(st.just("attribute"), st.integers(0, 0x7F)),
    st.tuples(st.just("move"), st.tuples(st.integers(0, 2), st.integers(0, 8))),
    st.tuples(st.just("show"), st.booleans()),
    st.tuples(st.just("clear"), st.none()))


def do(console, action, value):
    if action == "write":
        console.write(value)
    elif action == "attribute":
        console.set_attribute(value)
    elif action == "move":
        console.move(*value)
    elif action == "show":
        console.show_cursor(value)
    else:
        console.clear()


@pytest.mark.parametrize("columns", [9, 20])
@given(actions=st.lists(ACTIONS, max_size=15))
def test_the_terminal_shows_what_the_screen_shows(machine, columns, actions):
    """On a terminal of the console's size, and on a wider one."""
    console, terminal = console_of(machine, 9, 3), Terminal(columns, 3)
    console.clear()
    for action, value in actions:
        do(console, action, value)
    terminal.play(sent(console))
    assert visible(terminal.cells) == visible(console.screen.cells())
    if console.terminal.visible:
        assert (terminal.row, terminal.column) == (console.screen.row, console.screen.column)
        assert not terminal.pending
    assert terminal.visible == console.terminal.visible


@given(actions=st.lists(ACTIONS, max_size=10))
def test_nothing_is_said_twice(machine, actions):
    """Doing all of it again where it changes nothing sends nothing."""
    console = console_of(machine)
    for action, value in actions:
        do(console, action, value)
    console.move(3, 4)
    console.show_cursor(True)
    sent(console)
    console.move(3, 4)
    console.show_cursor(True)
    console.set_attribute(console.screen.attribute ^ 1)
    console.set_attribute(console.screen.attribute ^ 1)
    assert sent(console) == ""
    console.write("x")
    console.clear()
    console.clear()
    assert sent(console).count("\x1b[2J") == 1


# ---- what exactly is sent -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("actions, bytes_sent", [
    ([("write", "Hello\r\n")], "Hello\r\n"),
    ([("attribute", 0x1E), ("write", "a"), ("write", "b"), ("attribute", 7), ("write", "c")], "\x1b[0;1;33;44mab\x1b[0mc"),
    ([("move", (4, 9)), ("write", "x")], "\x1b[5;10Hx"),
    ([("show", False), ("move", (4, 9)), ("move", (1, 2)), ("write", "x")], "\x1b[?25l\x1b[2;3Hx"),
    ([("clear", None)], "\x1b[2J\x1b[1;1H"),
    ([("show", False), ("clear", None), ("move", (4, 9)), ("write", "x")], "\x1b[?25l\x1b[2J\x1b[5;10Hx"),
    ([("attribute", 0x10), ("clear", None), ("clear", None)], "\x1b[0;30;44m\x1b[2J\x1b[1;1H"),
    ([("write", "─ä☺\u4e00")], "─ä☺\u4e00"),
    ([("write", "a\x1b[2J\x07\x7f\x9b\ud800b")], "a?[2J????b"),
    ([("write", "\U0001F600"), ("write", "!")], "\U0001F600\x1b[1;3H!"),
    ([("move", (0, 78)), ("write", "abcd")], "\x1b[1;79Hab\r\ncd"),
    ([("move", (0, 78)), ("write", "\u4e00\u4e00c")], "\x1b[1;79H??\r\nc"),
])
def test_bytes(console, actions, bytes_sent):
    for action, value in actions:
        do(console, action, value)
    assert sent(console) == bytes_sent


@pytest.mark.parametrize("attribute, text", [(0x07, "\x1b[0m"), (0x0F, "\x1b[0;1m"), (0x0C, "\x1b[0;1;31m"),
                                             (0x70, "\x1b[0;30;47m"), (0x03, "\x1b[0;36m"), (0x47, "\x1b[0;41m")])
def test_colours(attribute, text):
    assert sequence(attribute) == text


def test_characters_beyond_16_bits_take_two_columns(console):
    assert console.write("a\U0001F600b")
    assert console.screen.column == 4
    assert console.screen.text.split("\n")[0] == "a\ufffd\ufffdb"
    assert not console.write("\udc00")


def test_what_the_screen_has(console):
    assert printable("Hello ─█►\r\n\b")
    assert not printable("\t") and not printable("\u4e00") and not printable("\ud800")


# ---- modes ----------------------------------------------------------------------------------------------------------

def test_modes_follow_the_picture(machine, console):
    assert console.modes == [(80, 25), (80, 50), None, (80, 30)]
    machine.screen.linear.set_mode(1280, 800)
    console.picture_changed()
    assert console.modes == [(80, 25), (80, 50), (100, 31), (160, 50)]
    assert console.size_of(3) == (160, 50) and console.size_of(4) is None and console.size_of(1 << 32) is None
    console.set_mode(3)
    console.move(49, 159)
    machine.screen.linear.set_mode(640, 480)
    console.picture_changed()                                           # the mode that fills the picture does so now, too
    assert (console.mode, console.screen.size, console.screen.row, console.screen.column) == (3, (80, 30), 29, 79)
    machine.screen.linear.set_mode(1280, 800)
    console.picture_changed()
    console.set_mode(2)
    machine.screen.linear.set_mode(640, 480)
    console.picture_changed()
    assert (console.mode, console.screen.size) == (0, (80, 25))


def test_a_new_picture_is_black_until_somebody_writes(machine, console):
    console.show_cursor(True)
    console.write("abc")
    machine.screen.linear.set_mode(800, 600)
    console.picture_changed()
    assert not any(console.screen.pixels.read(0, 0, 800, 600)[0::4])
    assert console.screen.text.strip() == ""
    console.write("d")
    assert console.screen.text.split("\n")[0] == "   d"
    assert sent(console) == "abcd"


def test_a_mode_of_somebody_elses(machine, console):
    machine.screen.linear.set_mode(640, 480, 16)
    assert console.modes == [None, None, None, None]
    console.write("abc\r\n")
    assert sent(console) == "abc\r\n"


def test_a_mode_begins_blank_with_its_cursor_shown(console):
    console.write("abc")
    console.show_cursor(False)
    console.set_attribute(0x1F)
    sent(console)
    console.set_mode(1)
    assert (console.screen.size, console.screen.cursor, console.screen.attribute) == ((80, 50), (0, 0), 0x1F)
    assert sent(console) == "\x1b[0;1;44m\x1b[2J\x1b[1;1H\x1b[?25h"
