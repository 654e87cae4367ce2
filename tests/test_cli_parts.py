"""The parts of the command line that need no machine: scripts and the terminal."""
from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from x86.cli.script import Script, ScriptError, news, pattern, plain, raw_length, strokes, to_send, unescape
from x86.debug.console import Display, sgr
from x86.debug.terminal import Keyboard, Quit, keys_of

# ---- scripts ----------------------------------------------------------------------------------------------------------


def test_escapes():
    assert unescape(r"a\n\r\t\e\\\x41") == "a\n\r\t\x1b\\A"
    with pytest.raises(ScriptError):
        unescape(r"\q")
    with pytest.raises(ScriptError):
        unescape("end\\")


def test_what_is_sent_is_utf_8_and_bytes():
    assert to_send("Grüße\\n") == "Grüße\n".encode()
    assert to_send(r"\xe9\xff\e[A") == b"\xe9\xff\x1b[A"
    assert to_send("\udcff") == b"\xff"                               # an argument that was no UTF-8


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
    assert sent == [b"a"] and pressed == []
    assert not steps.advance("boot: ", "", sent.append, pressed.append)
    assert pressed == ["<up>"] and sent == [b"a"]                    # one prompt is one prompt
    assert not steps.advance("boot: x END boot: ", "", sent.append, pressed.append)
    assert sent == [b"a", b"b"]                                       # and END came before it
    assert steps.advance("boot: x END boot: y END", "", sent.append, pressed.append)


def test_two_prompts_in_one_piece_are_two():
    sent = []
    steps = script(("expect", "one"), ("expect", "two"), ("send", "2"))
    steps.advance("\x1b[1mone\r\n\x1b[2mtwo", "", sent.append, None)
    assert sent == [b"2"]


def test_what_was_said_before_the_last_send_does_not_count():
    sent = []
    steps = script(("expect", "# "), ("send", "ls"), ("expect", "# "), ("send", "exit"), until="# ")
    steps.advance("# \r\n# ", "", sent.append, None)               # a prompt that came twice
    assert sent == [b"ls"]
    steps.advance("# \r\n# ls\r\nx\r\n# ", "", sent.append, None, now=7)
    assert sent == [b"ls", b"exit"]
    assert [(step.kind, step.text, step.instructions, step.where) for step in steps.done[2:]] == [
        ("expect", "# ", 7, "serial"), ("send", "exit", 7, None)]
    assert steps.left == [("until", "# ")]
    assert not steps.advance("# \r\n# ls\r\nx\r\n# ", "", sent.append, None)


@pytest.mark.parametrize("wanted, text, place", [
    ("# ", b"\r\nemu# ", 6), ("o.e", b"\x1b[1mo\x1b[0mne", 9 + 1), ("ne$", b"one", None), ("^two", b"one\ntwo", 6),
    ("", b"one", None), ("ß", "aß".encode(), 2), ("a\nb", b"a\nb", None)])
def test_what_is_waited_for_is_heard_at_its_last_byte(wanted, text, place):
    steps = script(("expect", wanted))
    heard = [index for index, byte in enumerate(text) if steps.heard(byte)]
    assert heard[:1] == ([] if place is None else [place])
    if wanted:
        steps.advance(text.decode(), "", None, None)
        assert not steps.steps


def test_a_line_without_end_is_not_kept():
    steps = script(("expect", "one"))
    assert not any(steps.heard(ord("x")) for _ in range(10_000))
    assert len(steps._line) <= 2048
    assert [steps.heard(byte) for byte in b"one"] == [False, False, True]


@given(st.lists(st.sampled_from(["one ", "two ", "\r\n", "\x1b[1m", "x"]), max_size=30), st.integers(0, 9))
def test_a_script_does_not_depend_on_when_it_is_asked(pieces, often):
    """Asked only when something is heard and now and then, it finds what it finds when asked after each byte."""
    text = "".join(pieces)
    ends = []
    for every in (1, often or len(text) + 1):
        steps, said = script(("expect", "one"), ("send", "1"), ("expect", "two"), ("send", "2"), until="one"), ""
        for count, letter in enumerate(text, 1):
            said += letter
            if steps.heard(ord(letter)) or count % every == 0:
                steps.advance(said, "", lambda data: None, None, now=count)
        ends.append([(step.kind, step.instructions) for step in steps.done if step.kind != "until"])
    assert ends[0] == ends[1]


def test_the_screen_counts_once():
    sent = []
    steps = script(("expect", "boot:"), ("send", "1"), ("expect", "boot:"), ("send", "2"))
    steps.advance("", "boot:", sent.append, None)
    steps.advance("", "boot: 1", sent.append, None)                 # the echo of what was typed is no new prompt
    assert sent == [b"1"]
    steps.advance("", "boot: 1\nnot found\nboot:", sent.append, None)
    assert sent == [b"1", b"2"]


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
    assert terminal.text == ["3", "4", "5", "6"]            # the part with the cursor
    display.draw(cells("1", "2", "3", "4", "5", "6"), (1, 0))
    assert terminal.text == ["2", "3", "4", "5"]


def test_colours():
    assert sgr(0x07) == "\x1b[0;37;40m"
    assert sgr(0x1E) == "\x1b[0;93;44m"                         # yellow on blue: red and blue trade places
    assert sgr(0x84) == "\x1b[0;31;40;5m"


def test_keys_that_terminals_send():
    assert keys_of(b"a\x1b[A\r\x7f\x03\x1bx\x1b[24~\x1b") == ["a", "up", "enter", "backspace", "ctrl-c", "alt-x", "f12", "esc"]
    assert keys_of(b"\x1b[1;5C\x1b[3;2~\x1b[Z\x1bOP\x1b[15;3~\x00\x1c") == [
        "ctrl-right", "shift-delete", "shift-tab", "f1", "alt-f5", "ctrl-space", "ctrl-\\"]
    assert keys_of(b"\x1b[12;40R\x1b[?1;2cx\xc3\xa9") == ["x"]            # answers of the terminal, and no key


@given(st.lists(st.sampled_from([b"a", b"\x1b[A", b"\x1bOP", b"\x1b[1;5C", b"\x1b[24~", b"\r"]), max_size=8), st.data())
def test_sequences_may_come_in_pieces(pieces, data):
    keyboard, keys = Keyboard(NoFile(), to_serial=False), []
    text = b"".join(pieces)
    while text:
        count = data.draw(st.integers(1, len(text)))
        keys += keyboard.split(text[:count])[1]
        text = text[count:]
    assert keys == keys_of(b"".join(pieces))


class NoFile:
    def fileno(self):
        return -1


def test_commands_after_ctrl_a():
    keyboard = Keyboard(NoFile(), to_serial=True)
    assert keyboard.split(b"ab\x01\x01c\x01a") == (b"ab\x01c\x01", [], [])
    assert keyboard.split(b"x\x01ty\r") == (b"x", ["y", "enter"], ["t"])
    assert keyboard.split(b"\x01hz\x01S") == (b"", ["z"], ["h", "s"])
    assert keyboard.split(b"\x01") == (b"", [], [])
    with pytest.raises(Quit):
        keyboard.split(b"x")


@given(st.binary(max_size=50).filter(lambda data: b"\x01" not in data))
def test_bytes_for_the_serial_port_are_not_touched(data):
    assert Keyboard(NoFile(), to_serial=True).split(data) == (data, [], [])
