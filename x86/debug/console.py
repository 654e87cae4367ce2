"""The machine on the terminal that x86 was started from: keystrokes in, the text screen and the serial port out.

Display draws the 80 by 25 cells at the top of the terminal, and only what changed since it drew last. What the serial
port says scrolls below, in the rows that are left. Keyboard puts the terminal into raw mode, so that every key reaches
the guest; Ctrl-A then x quits, Ctrl-A t changes between keyboard and serial port, Ctrl-A Ctrl-A is Ctrl-A.

Source of the sequences: ECMA-48 and the VT100 User Guide (DECSTBM, DECSC, DECRC).
"""
from __future__ import annotations

import os
import select
import shutil
import sys

ESCAPE = "\x1b"
PREFIX = b"\x01"                        # Ctrl-A
LINES = 6                               # of serial text, at least; a lower terminal shows none beside the screen

#   attribute byte of a cell    7 blink   6 5 4 background   3 2 1 0 foreground, bit 3 is intensity
#   IBM counts colours blue = 1, green = 2, red = 4; ECMA-48 red = 1, green = 2, blue = 4.
COLORS = (0, 4, 2, 6, 1, 5, 3, 7)

#: What terminals send for keys that have no character, and the names by which the keyboard knows them.
SEQUENCES = {
    b"\x1b[A": "up", b"\x1b[B": "down", b"\x1b[C": "right", b"\x1b[D": "left", b"\x1bOA": "up", b"\x1bOB": "down",
    b"\x1bOC": "right", b"\x1bOD": "left", b"\x1b[H": "home", b"\x1b[F": "end", b"\x1b[1~": "home", b"\x1b[4~": "end",
    b"\x1bOH": "home", b"\x1bOF": "end", b"\x1b[2~": "insert", b"\x1b[3~": "delete", b"\x1b[5~": "pageup",
    b"\x1b[6~": "pagedown", b"\x1bOP": "f1", b"\x1bOQ": "f2", b"\x1bOR": "f3", b"\x1bOS": "f4", b"\x1b[11~": "f1",
    b"\x1b[12~": "f2", b"\x1b[13~": "f3", b"\x1b[14~": "f4", b"\x1b[15~": "f5", b"\x1b[17~": "f6", b"\x1b[18~": "f7",
    b"\x1b[19~": "f8", b"\x1b[20~": "f9", b"\x1b[21~": "f10", b"\x1b[23~": "f11", b"\x1b[24~": "f12",
}
SINGLE = {0x0D: "enter", 0x0A: "enter", 0x7F: "backspace", 0x08: "backspace", 0x09: "tab", 0x1B: "esc"}


class Quit(Exception):
    """The person at the terminal typed Ctrl-A x."""


def sgr(attribute: int) -> str:
    """The ECMA-48 sequence (select graphic rendition) for a cell's attribute byte."""
    foreground, background = attribute & 15, attribute >> 4 & 7
    codes = [0, (90 if foreground & 8 else 30) + COLORS[foreground & 7], 40 + COLORS[background]]
    if attribute & 0x80:
        codes.append(5)
    return f"{ESCAPE}[{';'.join(map(str, codes))}m"


def keys_of(data: bytes) -> list[str]:
    """Key names and characters for what a terminal sent: b'a\\x1b[A\\x03' gives ['a', 'up', 'ctrl-c']."""
    keys = []
    position = 0
    while position < len(data):
        for sequence, name in SEQUENCES.items():
            if data.startswith(sequence, position):
                keys.append(name)
                position += len(sequence)
                break
        else:
            byte = data[position]
            following = data[position + 1:position + 2]
            if byte == 0x1B and following.isalnum():            # Alt is sent as Esc before the key
                keys.append(f"alt-{following.decode()}")
                position += 2
                continue
            if byte in SINGLE:
                keys.append(SINGLE[byte])
            elif byte < 0x20:
                keys.append(f"ctrl-{chr(byte + 0x60)}")
            elif byte < 0x7F:
                keys.append(chr(byte))
            position += 1
    return keys


class Keyboard:
    """Raw mode on a terminal. `to_serial` says where keys go first; use it as a context manager.

    poll() returns what was typed since: (bytes for the serial port, keys for the keyboard). It raises Quit."""

    def __init__(self, file=None, to_serial: bool = True):
        self.file = file or sys.stdin
        self.fd = self.file.fileno()
        self.to_serial = to_serial
        self._saved = None
        self._prefixed = False

    def __enter__(self):
        import termios
        import tty
        self._saved = termios.tcgetattr(self.fd)
        tty.setraw(self.fd, termios.TCSANOW)
        raw = termios.tcgetattr(self.fd)
        raw[1] |= termios.OPOST                 # output still needs its carriage returns
        termios.tcsetattr(self.fd, termios.TCSANOW, raw)
        return self

    def __exit__(self, *_):
        import termios
        termios.tcsetattr(self.fd, termios.TCSANOW, self._saved)

    def poll(self, seconds: float = 0.0) -> tuple[bytes, list[str]]:
        """Wait up to `seconds` for input."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return b"", []
        return self.split(os.read(self.fd, 4096))

    def split(self, data: bytes) -> tuple[bytes, list[str]]:
        """Take the commands that start with Ctrl-A out of `data`, and send the rest where it belongs."""
        serial, keys = b"", []
        run = b""

        def flush():
            nonlocal serial, run
            if self.to_serial:
                serial += run
            else:
                keys.extend(keys_of(run))
            run = b""
        for byte in data:
            byte = bytes((byte,))
            if self._prefixed:
                self._prefixed = False
                if byte in b"xX":
                    raise Quit
                if byte in b"tT":
                    flush()
                    self.to_serial = not self.to_serial
                elif byte == PREFIX:
                    run += PREFIX
            elif byte == PREFIX:
                self._prefixed = True
            else:
                run += byte
        flush()
        return serial, keys


class Display:
    """The text screen at the top of a terminal, drawn by differences."""

    def __init__(self, write, size: tuple[int, int] | None = None):
        """write(str) reaches the terminal; size is (columns, lines), by default the terminal's own."""
        self.write = write
        self.columns, self.lines = size or shutil.get_terminal_size()
        self.drawn: list[list[tuple[str, int]]] = []
        self.rows = 0
        self._cursor = None

    def draw(self, cells, cursor: tuple[int, int] | None = None) -> None:
        """cells: rows of (character, attribute byte); cursor: (row, column), or None where it cannot be seen."""
        if len(cells) != self.rows:
            self._start(len(cells))
        out = []
        for row, (new, old) in enumerate(zip(cells[:self.lines], self.drawn)):
            if new == old:
                continue
            place, color = None, None
            for column, cell in enumerate(new[:self.columns]):
                if column < len(old) and cell == old[column]:
                    continue
                if place != column:
                    out.append(f"{ESCAPE}[{row + 1};{column + 1}H")
                if color != cell[1]:
                    color = cell[1]
                    out.append(sgr(color))
                out.append(cell[0] if cell[0].isprintable() else " ")
                place = column + 1
            self.drawn[row] = list(new)
        if not out and cursor == self._cursor:
            return
        self._cursor = cursor
        out.insert(0, f"{ESCAPE}[?25l")
        out.append(f"{ESCAPE}[0m")
        if cursor is not None and cursor[0] < self.lines:
            out.append(f"{ESCAPE}[{cursor[0] + 1};{cursor[1] + 1}H{ESCAPE}[?25h")
        self.write("".join(out))

    @property
    def has_room(self) -> bool:
        """Whether serial text fits below the screen."""
        return self.lines >= self.rows + 1 + LINES

    def serial(self, text: str) -> None:
        """Let `text` scroll in the rows below the screen; it must hold no control sequences."""
        if text and self.has_room:
            self.write(f"{ESCAPE}8{ESCAPE}[0m{text}{ESCAPE}7")
            self._cursor = ()                   # the next draw() puts it back

    def close(self) -> None:
        """Leave the terminal as it was found, with the cursor below what was drawn."""
        self.write(f"{ESCAPE}[0m{ESCAPE}[r{ESCAPE}[?25h{ESCAPE}[{min(self.rows + 1, self.lines)};1H")
        if self.has_room:
            self.write(f"{ESCAPE}8\r\n")

    def _start(self, rows):
        """Clear; keep serial text to the region of lines below a rule (DECSTBM), and its place in DECSC's memory."""
        self.rows = rows
        self.drawn = [[] for _ in range(rows)]
        out = f"{ESCAPE}[r{ESCAPE}[0m{ESCAPE}[2J"
        if self.has_room:
            out += f"{ESCAPE}[{rows + 1};1H{'- serial ':-<{min(80, self.columns)}}"
            out += f"{ESCAPE}[{rows + 2};{self.lines}r{ESCAPE}[{rows + 2};1H{ESCAPE}7"
        self.write(out)
