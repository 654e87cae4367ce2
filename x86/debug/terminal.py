"""What is typed: a terminal in raw mode, where every key reaches the guest, and stdin that is a pipe or a file.

Keyboard takes the commands that begin with Ctrl-A out of what is typed and sends the rest to the serial port, byte by byte
as the terminal sent it, or to the keyboard, as names of keys. It leaves the terminal as it found it on every way out:
exceptions, SIGTERM, SIGHUP, SIGQUIT; while the job is stopped (SIGTSTP) the terminal is the shell's.

Source of the sequences: ECMA-48; "XTerm Control Sequences", PC-Style Function Keys.
"""
from __future__ import annotations

import os
import re
import select
import signal
import sys
import threading

PREFIX = b"\x01"                        # Ctrl-A
HELP = "Ctrl-A x quits, t: keyboard or serial port, s: screenshot, d: Ctrl-Alt-Delete, Ctrl-A: Ctrl-A itself"
CHUNK = 4096                            # bytes read at once

#: Sequences for keys that have no character: the final letter, or the number before ~, and the keyboard's name
LETTERS = {"A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end", "P": "f1", "Q": "f2", "R": "f3",
           "S": "f4", "Z": "shift-tab"}
NUMBERS = {1: "home", 2: "insert", 3: "delete", 4: "end", 5: "pageup", 6: "pagedown", 7: "home", 8: "end",
           11: "f1", 12: "f2", 13: "f3", 14: "f4", 15: "f5", 17: "f6", 18: "f7", 19: "f8", 20: "f9", 21: "f10", 23: "f11",
           24: "f12"}
SINGLE = {0x00: "ctrl-space", 0x0D: "enter", 0x0A: "enter", 0x7F: "backspace", 0x08: "backspace", 0x09: "tab", 0x1B: "esc",
          0x1C: "ctrl-\\", 0x1D: "ctrl-]", 0x1E: "ctrl-6", 0x1F: "ctrl--"}
# CSI number ; 1 + (1 shift + 2 alt + 4 ctrl) letter, or SS3 letter
SEQUENCE = re.compile(rb"\x1b(?:\[([0-9;?<>=]*)([@-~])|O([A-Za-z]))")
UNFINISHED = re.compile(rb"\x1b(?:\[[0-9;?<>=]*|O)?$")


class Quit(Exception):
    """The person at the terminal typed Ctrl-A x."""


def named(numbers: str, letter: str) -> str | None:
    """The key of a sequence, 'ctrl-up' for ('1;5', 'A'); None for one that is no key."""
    values = [int(value) for value in numbers.split(";") if value.isdigit()]
    name = NUMBERS.get(values[0] if values else 0) if letter == "~" else LETTERS.get(letter)
    modifiers = values[1] - 1 if len(values) > 1 else 0
    if name is None or modifiers > 7 or letter != "~" and values[:1] not in ([], [1]):
        return None                     # an answer of the terminal, such as where the cursor is (R)
    return "".join(word for bit, word in ((4, "ctrl-"), (2, "alt-"), (1, "shift-")) if modifiers & bit) + name


def keys_of(data: bytes) -> list[str]:
    """Key names and characters for what a terminal sent: b'a\\x1b[A\\x03' gives ['a', 'up', 'ctrl-c'].

    What no key makes is left out: sequences that are answers of the terminal, and characters beyond ASCII."""
    keys = []
    position = 0
    while position < len(data):
        sequence = SEQUENCE.match(data, position)
        if sequence:
            numbers, final, letter = (group.decode() if group is not None else "" for group in sequence.groups())
            name = named(numbers, final or letter)
            if name is not None:
                keys.append(name)
            position = sequence.end()
            continue
        byte = data[position]
        following = data[position + 1:position + 2]
        if byte == 0x1B and following.isalnum():                # Alt is sent as Esc before the key
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
    """Raw mode on a terminal. `to_serial` says where keys go; use it as a context manager.

    on_stop       called before the job stops
    on_resume     called when it goes on, and when the terminal's size may be another
    poll() returns what was typed since: (bytes for the serial port, keys for the keyboard, letters of commands after
    Ctrl-A). It raises Quit."""

    def __init__(self, file=None, to_serial: bool = True):
        self.file = file or sys.stdin
        self.fd = self.file.fileno()
        self.to_serial = to_serial
        self.on_stop = self.on_resume = lambda: None
        self._saved = None
        self._handlers = {}
        self._prefixed = False
        self._unfinished = b""          # the beginning of a sequence whose rest has not come yet

    def __enter__(self):
        import termios
        self._saved = termios.tcgetattr(self.fd)
        if threading.current_thread() is threading.main_thread():
            for number, handler in ((signal.SIGTSTP, self._stop), (signal.SIGCONT, self._go_on),
                                    (signal.SIGWINCH, self._go_on)):
                self._handlers[number] = signal.signal(number, handler)
        self._raw()
        return self

    def __exit__(self, *_):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers.clear()
        self._restore()

    def _raw(self):
        import termios
        import tty
        tty.setraw(self.fd, termios.TCSANOW)
        raw = termios.tcgetattr(self.fd)
        raw[1] |= termios.OPOST                 # many a guest sends line feeds alone
        termios.tcsetattr(self.fd, termios.TCSANOW, raw)

    def _restore(self):
        import termios
        try:
            termios.tcsetattr(self.fd, termios.TCSANOW, self._saved)
        except termios.error:                   # the terminal has gone
            pass

    def _stop(self, number, frame):
        """SIGTSTP: stop, as any other job does."""
        self.on_stop()
        self._restore()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._stop)
        self._go_on()

    def _go_on(self, number=signal.SIGCONT, frame=None):
        if number == signal.SIGCONT:
            self._raw()
        self.on_resume()

    def poll(self, seconds: float = 0.0) -> tuple[bytes, list[str], list[str]]:
        """Wait up to `seconds` for input."""
        if not select.select([self.fd], [], [], seconds)[0]:
            rest, self._unfinished = self._unfinished, b""      # it was the Esc key after all
            return b"", keys_of(rest), []
        try:
            data = os.read(self.fd, CHUNK)
        except OSError:
            data = b""
        if not data:
            raise SystemExit(128 + signal.SIGHUP)               # nobody is there any more
        return self.split(data)

    def split(self, data: bytes) -> tuple[bytes, list[str], list[str]]:
        """Take the commands that start with Ctrl-A out of `data`, and send the rest where it belongs."""
        serial, keys, commands = b"", [], []
        run = b""

        def flush():
            nonlocal serial, run
            if self.to_serial:
                serial += run
            else:
                run = self._unfinished + run
                rest = UNFINISHED.search(run)
                self._unfinished = run[rest.start():] if rest else b""
                keys.extend(keys_of(run[:rest.start()] if rest else run))
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
                if byte == PREFIX or byte in b"aA":
                    run += PREFIX
                else:
                    commands.append(byte.decode("latin-1").lower())
            elif byte == PREFIX:
                self._prefixed = True
            else:
                run += byte
        flush()
        return serial, keys, commands


class Pipe:
    """stdin that nobody types at: a pipe or a file, or a terminal that keeps its lines because stdout is none.

    ended     its end has been read
    count     bytes that came from it"""

    def __init__(self, fd: int):
        self.fd = fd
        self.is_terminal = os.isatty(fd)
        self.ended = False
        self.count = 0

    def read(self) -> bytes:
        """What is there, without waiting. The end of a line typed is what the Enter key sends: a carriage return."""
        if self.ended or self.is_terminal and not self._in_foreground():
            return b""
        try:
            if not select.select([self.fd], [], [], 0)[0]:
                return b""
            data = os.read(self.fd, CHUNK)
        except (OSError, ValueError):           # it was closed before we came
            data = b""
        self.ended = not data
        self.count += len(data)
        return data.replace(b"\n", b"\r") if self.is_terminal else data

    def _in_foreground(self):
        """To read from the terminal of a job in the background would stop it."""
        try:
            return os.tcgetpgrp(self.fd) == os.getpgrp()
        except OSError:
            return False


def end_on_signals() -> None:
    """SIGTERM, SIGHUP and SIGQUIT leave by an exception from here on, so that terminals and drives are left in order. Where
    they are ignored (nohup) they stay so. The exit status is 128 and the signal's number, as in shells."""
    def end(number, frame):
        raise SystemExit(128 + number)
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, end)
