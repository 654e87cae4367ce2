"""What a run types and waits for: --send, --keys and --expect in the order given, then --until.

What is waited for must come after what was sent last, and after what the --expect before has found. Each step is done at the
instruction that sends the last byte of what is waited for, so that a script runs the same every time; on the screen, a few
milliseconds of the machine's time later.

Text of --send and --keys knows \\n \\r \\t \\e \\b \\0 \\\\ and \\x1B. --send sends UTF-8, but for \\x80 to \\xFF, which are
bytes. --keys also knows keys by name, <down>, <f10>, <ctrl-alt-delete>, as x86/devices/scancodes.py has them.
"""
from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field

from x86.devices import scancodes

ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "e": "\x1b", "b": "\b", "0": "\0", "\\": "\\", "'": "'", '"': '"'}
ESCAPE = r"\\(x[0-9A-Fa-f]{2}|.|$)"
#: What terminals are sent beside text: cursor movement, colours (CSI), titles (OSC), character sets.
CONTROL_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9AB]|[@-Z\\-_=>78])"
                              r"|[\r\0]")
WINDOW = 8192                   # characters that were searched already and are searched again, so that long logs stay cheap
LINE = 1024                     # bytes of a line that are searched as they come


class ScriptError(ValueError):
    """An escape, a key name or a regular expression that is none."""


def unescape(text: str) -> str:
    """Backslash escapes replaced. Raises ScriptError for one that does not exist."""
    def replace(match):
        code = match.group(1)
        if len(code) > 1:                   # x and two digits; an x alone is no escape
            return chr(int(code[1:], 16))
        if code not in ESCAPES:
            raise ScriptError(f"\\{code} in {text!r} is no escape; there are \\n \\r \\t \\e \\b \\0 \\\\ and \\x41")
        return ESCAPES[code]
    return re.sub(ESCAPE, replace, text, flags=re.DOTALL)


def to_send(text: str) -> bytes:
    """Text for the serial port: UTF-8, and a byte for each \\x.. escape. Raises ScriptError as unescape does."""
    pieces, end = [], 0
    for match in re.finditer(ESCAPE, text, flags=re.DOTALL):
        pieces += [text[end:match.start()].encode("utf-8", "surrogateescape"), unescape(match.group()).encode("latin-1")]
        end = match.end()
    return b"".join([*pieces, text[end:].encode("utf-8", "surrogateescape")])


def strokes(text: str) -> str:
    """Text for the keyboard, escapes replaced. Raises ScriptError for a character that no key makes."""
    text = unescape(text)
    try:
        scancodes.chords(text)
    except ValueError as error:
        raise ScriptError(str(error)) from None
    return text


def pattern(text: str) -> re.Pattern:
    try:
        return re.compile(text, re.MULTILINE)
    except re.error as error:
        raise ScriptError(f"{text!r} is no regular expression: {error}") from None


def plain(text: str) -> str:
    """Serial text as a person would read it: without control sequences and carriage returns."""
    return CONTROL_SEQUENCE.sub("", text)


def raw_length(text: str, count: int) -> int:
    """How many characters of `text` make up the first `count` of plain(text)."""
    for sequence in CONTROL_SEQUENCE.finditer(text):
        if sequence.start() >= count:
            break
        count += len(sequence.group())
    return count


def news(before: str, after: str) -> str:
    """What a screen shows that it did not show before: new lines, and what was added to the end of others.

    Lines that only scrolled are not new, nor is a prompt behind which somebody typed."""
    old, new = before.splitlines(), after.splitlines()
    found = []
    for kind, i, i_end, j, j_end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        for offset, line in enumerate(new[j:j_end]):
            was = old[i + offset].rstrip() if i + offset < i_end else ""
            found.append(line[len(was):] if was and line.startswith(was) else line)
    return "\n".join(found)


@dataclass
class Done:
    """A step that is done, at `instructions` of the machine's time; `where` an --expect was seen."""

    kind: str
    text: str
    instructions: int
    where: str | None = None


@dataclass
class Script:
    """Steps to go, what to stop at, and what is done.

    Equal prompts are told apart: what is searched begins behind what the last --expect found, and behind all that was said
    when something was sent."""

    steps: list = field(default_factory=list)       # (kind, text as given, pattern, bytes or text)
    until: re.Pattern | None = None
    done: list = field(default_factory=list)
    serial_seen: int = 0                            # characters of serial text that earlier steps have used up
    screen_seen: str = ""                           # the screen when the last step was done
    _searched: int = 0                              # characters of serial text that were searched in vain
    _looked: str | None = None                      # the screen that was searched in vain
    _line: bytearray = field(default_factory=bytearray)     # since the last line feed, for heard()

    def add(self, kind: str, text: str) -> None:
        make = {"expect": pattern, "keys": strokes, "send": to_send}[kind]
        self.steps.append((kind, text, make(text)))

    def begin(self, serial: str, screen: str) -> None:
        """What is there already when a run begins does not count."""
        self.serial_seen, self.screen_seen = len(serial), screen

    @property
    def waiting(self) -> re.Pattern | None:
        """The --expect that has not been seen yet."""
        return self.steps[0][2] if self.steps and self.steps[0][0] == "expect" else None

    @property
    def left(self) -> list[tuple[str, str]]:
        """(kind, text) of each step that is not done, --until among them."""
        left = [(kind, text) for kind, text, _ in self.steps]
        if self.until is not None and not any(step.kind == "until" for step in self.done):
            left.append(("until", self.until.pattern))
        return left

    @property
    def wanted(self) -> re.Pattern | None:
        """What is to be seen next: an --expect, or --until behind the last step."""
        return self.waiting or (None if self.steps else self.until)

    def heard(self, byte: int) -> bool:
        """A byte that the serial port sent. True if it completes, in one line, what is waited for, so that it is time for
        advance(). What depends on where the text ends is left to the next advance()."""
        line = self._line
        line.append(byte)
        if len(line) > 2 * LINE:
            del line[:-LINE]
        wanted = self.wanted
        found = False
        if wanted is not None and byte >= 0x20:
            text = plain(line[-LINE:].decode("utf-8", "ignore"))
            match = wanted.search(text)
            found = match is not None and match.end() > match.start() and wanted.search(text + "\ufffd") is not None
        if byte == 0x0A or found:
            line.clear()
        return found

    def advance(self, serial: str, screen: str, send, press, now: int = 0) -> bool:
        """Do the steps whose time has come, by send(bytes) and press(text). True once all are done and --until matches.

        serial: all text so far; screen: its lines now; now: the machine's time."""
        while self.steps:
            kind, text, value = self.steps[0]
            where = None
            if kind == "expect":
                where = self._seen(value, serial, screen)
                if where is None:
                    return False
            else:
                (send if kind == "send" else press)(value)
                self.serial_seen, self.screen_seen = len(serial), screen
            self._searched, self._looked = self.serial_seen, None
            self._line.clear()
            self.done.append(Done(kind, text, now, where))
            del self.steps[0]
        if self.until is None:
            return False
        where = self._seen(self.until, serial, screen)
        if where is not None:
            self.done.append(Done("until", self.until.pattern, now, where))
        return where is not None

    def _seen(self, wanted, serial, screen):
        """Where `wanted` is seen, "serial" or "screen", or None. What was found is used up."""
        start = max(self.serial_seen, self._searched - WINDOW)
        match = wanted.search(plain(serial[start:])) if len(serial) != self._searched or not self._searched else None
        if match is not None:
            self.serial_seen = start + raw_length(serial[start:], match.end())
            self.screen_seen = screen
            return "serial"
        self._searched = len(serial)
        if screen == self._looked:
            return None
        self._looked = screen
        if wanted.search(screen if not self.screen_seen else news(self.screen_seen, screen)) is not None:
            self.serial_seen, self.screen_seen = len(serial), screen
            return "screen"
        return None
