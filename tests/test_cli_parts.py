"""The parts of the command line that need no machine: scripts and the terminal."""
from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from x86.cli.script import Script, ScriptError, news, pattern, plain, raw_length, strokes, unescape
from x86.debug.console import Display, Keyboard, Quit, keys_of, sgr

# ---- scripts ----------------------------------------------------------------------------------------------------------


def test_escapes():
    assert unescape(r"a\n\r\t\e\\\x41") == "a\n\r\t\x1b\\A"
    with pytest.raises(ScriptError):
        unescape(r"\q")
    with pytest.raises(ScriptError):
        unescape("end\\")


def test_keys_are_checked_before_anything_runs():
    assert strokes(r"a<Down>\n") == "a<Down>\n"
    with pytest.raises(ScriptError):
        strokes("\u20ac")


def script(*steps, until=None):
    made = Script(until=pattern(until) if until else None)
    for kind, text in steps:
        made.add(kind, text)
    return made


def test_steps_are_done_in_order():
    sent, pressed = [], []
    steps = script(("send", "a"), ("expect", "boot:"), ("keys", "<up>"), ("expect", "boot:"), ("send", "b"), until="END")
    assert not steps.advance("", "", sent.append, pressed.append)
    assert sent == ["a"] and pressed == []
    assert not steps.advance("boot: ", "", sent.append, pressed.append)
    assert pressed == ["<up>"] and sent == ["a"]                    # one prompt is one prompt
    assert not steps.advance("boot: x END boot: ", "", sent.append, pressed.append)
    assert sent == ["a", "b"]                                       # and END came before it
    assert steps.advance("boot: x END boot: y END", "", sent.append, pressed.append)


def test_two_prompts_in_one_piece_are_two():
    sent = []
    steps = script(("expect", "one"), ("send", "1"), ("expect", "two"), ("send", "2"))
    steps.advance("\x1b[1mone\r\n\x1b[2mtwo", "", sent.append, None)
    assert sent == ["1", "2"]


def test_the_screen_counts_once():
    sent = []
    steps = script(("expect", "boot:"), ("send", "1"), ("expect", "boot:"), ("send", "2"))
    steps.advance("", "boot:", sent.append, None)
    steps.advance("", "boot: 1", sent.append, None)                 # the echo of what was typed is no new prompt
    assert sent == ["1"]
    steps.advance("", "boot: 1\nnot found\nboot:", sent.append, None)
    assert sent == ["1", "2"]


def test_scrolling_brings_no_news():
    assert news("a\nb\nc", "b\nc\nd") == "d"
    assert news("a\nb", "a\nb") == ""
    assert news("prompt>", "prompt> ls") == " ls"


@given(st.text(alphabet="ab\r\n\x1b[1;m", max_size=30))
def test_plain_text_maps_back(text):
    for count in range(len(plain(text)) + 1):
        assert plain(text[:raw_length(text, count)])[:count] == plain(text)[:count]


# ---- the terminal -------------------------------------------------------------------------------------------------------

class Screen:
    """A terminal that understands what Display sends: positions, colours, text, and a cursor saved and restored."""

    def __init__(self, columns, lines):
        self.rows = [[" "] * columns for _ in range(lines)]
        self.row = self.column = 0
        self.saved = (0, 0)
        self.top, self.bottom = 0, lines - 1

    def write(self, text):
        import re
        for match in re.finditer(r"\x1b\[(\??)([\d;]*)([A-Za-z])|\x1b([78])|(.)", text, re.DOTALL):
            _, numbers, final, save, letter = match.groups()
            values = [int(value) for value in numbers.split(";") if value] if numbers else []
            if letter == "\n":
                if self.row == self.bottom:
                    self.rows.insert(self.bottom + 1, [" "] * len(self.rows[0]))
                    del self.rows[self.top]
                else:
                    self.row += 1
                self.column = 0
            elif letter and letter != "\r":
                self.rows[self.row][self.column] = letter
                self.column += 1
            elif save == "7":
                self.saved = self.row, self.column
            elif save == "8":
                self.row, self.column = self.saved
            elif final == "H":
                self.row, self.column = values[0] - 1, values[1] - 1
            elif final == "J":
                self.rows = [[" "] * len(row) for row in self.rows]
            elif final == "r":
                self.top, self.bottom = (values[0] - 1, values[1] - 1) if values else (0, len(self.rows) - 1)

    @property
    def text(self):
        return ["".join(row).rstrip() for row in self.rows]


def cells(*lines, width=8, attribute=7):
    return [[(letter, attribute) for letter in line.ljust(width)] for line in lines]


def test_the_display_draws_differences():
    terminal, sent = Screen(20, 14), []

    def write(text):
        sent.append(text)
        terminal.write(text)
    display = Display(write, (20, 14))
    display.draw(cells("first", "second"), (0, 5))
    assert terminal.text[:2] == ["first", "second"]
    assert (terminal.row, terminal.column) == (0, 5)
    sent.clear()
    display.draw(cells("first", "sicond"), (0, 5))
    assert terminal.text[:2] == ["first", "sicond"]
    assert "f" not in "".join(sent).replace("\x1b[", "") and len("".join(sent)) < 60
    sent.clear()
    display.draw(cells("first", "sicond"), (0, 5))
    assert sent == []


def test_serial_text_scrolls_below_the_screen():
    terminal = Screen(20, 12)
    display = Display(terminal.write, (20, 12))
    display.draw(cells("top"), None)
    display.serial("".join(f"line {n}\n" for n in range(20)) + "end")
    display.draw(cells("TOP"), (0, 0))
    display.serial(".")
    assert terminal.text[0] == "TOP"
    assert terminal.text[-1] == "end."
    assert terminal.text[-2] == "line 19"


def test_a_low_terminal_shows_only_the_screen():
    terminal = Screen(20, 4)
    display = Display(terminal.write, (20, 4))
    display.draw(cells("1", "2", "3", "4", "5", "6"), (5, 0))
    display.serial("not here\n")
    assert terminal.text == ["1", "2", "3", "4"]


def test_colours():
    assert sgr(0x07) == "\x1b[0;37;40m"
    assert sgr(0x1E) == "\x1b[0;93;44m"                         # yellow on blue: red and blue trade places
    assert sgr(0x84) == "\x1b[0;31;40;5m"


def test_keys_that_terminals_send():
    assert keys_of(b"a\x1b[A\r\x7f\x03\x1bx\x1b[24~\x1b") == ["a", "up", "enter", "backspace", "ctrl-c", "alt-x", "f12", "esc"]


class NoFile:
    def fileno(self):
        return -1


def test_commands_after_ctrl_a():
    keyboard = Keyboard(NoFile(), to_serial=True)
    assert keyboard.split(b"ab\x01\x01c") == (b"ab\x01c", [])
    assert keyboard.split(b"x\x01ty\r") == (b"x", ["y", "enter"])
    assert keyboard.split(b"\x01") == (b"", [])
    with pytest.raises(Quit):
        keyboard.split(b"x")
