"""What a run types and waits for: --send, --keys and --expect in the order given, then --until.

Text of --send and --keys knows \\n \\r \\t \\e \\b \\0 \\\\ and \\x1B. --keys also knows keys by name, <down>, <f10>,
<ctrl-alt-delete>, as x86/devices/scancodes.py has them.
"""
from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field

from x86.devices import scancodes

ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "e": "\x1b", "b": "\b", "0": "\0", "\\": "\\", "'": "'", '"': '"'}
#: What terminals are sent beside text: cursor movement, colours (CSI), titles (OSC), character sets.
CONTROL_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9AB]|[@-Z\\-_=>78])"
                              r"|[\r\0]")
WINDOW = 8192                   # characters before the end that --until still looks at, so that long logs stay cheap


class ScriptError(ValueError):
    """An escape, a key name or a regular expression that is none."""


def unescape(text: str) -> str:
    """Backslash escapes replaced. Raises ScriptError for one that does not exist."""
    def replace(match):
        code = match.group(1)
        if code.startswith("x"):
            return chr(int(code[1:], 16))
        if code not in ESCAPES:
            raise ScriptError(f"\\{code} in {text!r} is no escape; there are \\n \\r \\t \\e \\b \\0 \\\\ and \\x41")
        return ESCAPES[code]
    return re.sub(r"\\(x[0-9A-Fa-f]{2}|.|$)", replace, text, flags=re.DOTALL)


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
class Script:
    """Steps to go, and what to stop at. Each step after an --expect looks only at what came after it.

    So two equal prompts are two prompts, on the serial port and on the screen."""

    steps: list = field(default_factory=list)       # ("expect", pattern), ("send", text), ("keys", text)
    until: re.Pattern | None = None
    serial_seen: int = 0                            # characters of serial text that earlier steps have used up
    screen_seen: str = ""                           # the screen when the last step was done

    def add(self, kind: str, text: str) -> None:
        if kind == "expect":
            self.steps.append((kind, pattern(text)))
        elif kind == "keys":
            self.steps.append((kind, strokes(text)))
        else:
            self.steps.append((kind, unescape(text)))

    @property
    def waiting(self) -> re.Pattern | None:
        """The --expect that has not been seen yet."""
        return self.steps[0][1] if self.steps and self.steps[0][0] == "expect" else None

    def advance(self, serial: str, screen: str, send, press) -> bool:
        """Do the steps whose time has come, by send(text) and press(text). True once all are done and --until matches.

        serial: all text so far; screen: its lines now."""
        while self.steps:
            kind, value = self.steps[0]
            if kind == "expect" and not self._seen(value, serial, screen, advance=True):
                return False
            if kind == "send":
                send(value)
            elif kind == "keys":
                press(value)
            del self.steps[0]
        return self.until is not None and self._seen(self.until, serial, screen)

    def _seen(self, wanted, serial, screen, advance=False):
        start = self.serial_seen if advance else max(self.serial_seen, len(serial) - WINDOW)
        match = wanted.search(plain(serial[start:]))
        if match is None and wanted.search(screen if not self.screen_seen else news(self.screen_seen, screen)) is None:
            return False
        if advance:
            self.serial_seen = len(serial) if match is None else start + raw_length(serial[start:], match.end())
            self.screen_seen = screen
        return True
