"""Somebody types at `x86 run`: a pseudo-terminal and what it shows, pipes, signals, and the line that tells how far it is."""
from __future__ import annotations

import argparse
import fcntl
import io
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest
from command import ROOT
from test_cli import ECHO_KEYS, ECHO_SERIAL, LOOP, guest, say  # noqa: F401

from x86.cli.progress import Progress
from x86.cli.script import plain
from x86.cli.session import first_view
from x86.debug.console import Console
from x86.devices import vga_picture
from x86.machine import Machine

pyte = pytest.importorskip("pyte")

#   again: sti; hlt; mov dx, 3FDh; in al, dx; test al, 1; jz again; mov dx, 3F8h; in al, dx; out dx, al; cmp al, 'q'; jne again
SLEEPY_ECHO = bytes.fromhex("FB F4 BA FD 03 EC A8 01 74 F6 BA F8 03 EC EE 3C 71 75 ED 30 C0 E6 F4 F4")
#   sti; mov cx, 200h; mov bp, 0FFFFh; dec bp; jnz; loop: 1.3 s in which nobody takes keys from the ring of 15
BUSY = bytes.fromhex("FB B9 00 02 BD FF FF 4D 75 FD E2 F8")


class Emulator:
    """A terminal with its alternate screen, which pyte alone does not have."""

    def __init__(self, columns, lines):
        self.screens = [pyte.Screen(columns, lines), pyte.Screen(columns, lines)]
        self.streams = [pyte.ByteStream(screen) for screen in self.screens]
        self.shown = 0
        self.pending = b""

    def feed(self, data):
        data = self.pending + data
        cut = data.rfind(b"\x1b[?")             # a sequence may come in pieces
        self.pending = data[cut:] if cut >= len(data) - 7 and not data.endswith((b"h", b"l")) and cut >= 0 else b""
        data = data[:len(data) - len(self.pending)]
        for piece in data.replace(b"\x1b[?1049", b"\0\x1b[?1049").split(b"\0"):
            if piece.startswith(b"\x1b[?1049"):
                self.shown = int(piece[7:8] == b"h")
                piece = piece[8:]
            self.streams[self.shown].feed(piece)

    @property
    def text(self):
        return "\n".join(line.rstrip() for line in self.screens[self.shown].display).rstrip()


class Terminal:
    """`x86 ARGUMENTS` as the only job of a pseudo-terminal."""

    def __init__(self, *arguments, columns=80, lines=24, **streams):
        self.parent, self.child = pty.openpty()
        fcntl.ioctl(self.child, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.before = termios.tcgetattr(self.child)
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "x86.cli", *map(str, arguments)], cwd=ROOT, env=environment, start_new_session=True,
            **{"stdin": self.child, "stdout": self.child, "stderr": self.child, **streams})
        self.raw = b""
        self.emulator = Emulator(columns, lines)

    def wait_for(self, condition, seconds=60):
        """Read until condition(); True if that came."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            if select.select([self.parent], [], [], 0.05)[0]:
                piece = os.read(self.parent, 65536)
                self.raw += piece
                self.emulator.feed(piece)
            elif self.process.poll() is not None:
                return condition()
        return True

    def type(self, data):
        while data:
            data = data[os.write(self.parent, data[:1000]):]
            self.wait_for(lambda: True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.parent)
        os.close(self.child)


def test_a_guest_on_the_serial_port_alone_has_all_of_the_terminal(guest):  # noqa: F811
    """And a signal leaves the terminal as it was found."""
    with Terminal("run", guest(SERIAL_GREETING + ECHO_SERIAL)) as terminal:
        assert terminal.wait_for(lambda: terminal.emulator.shown == 0 and "grüß" in terminal.emulator.text)
        assert termios.tcgetattr(terminal.child) != terminal.before
        terminal.type("ö\x1b[1mbold\x1b[0m\x01\x01".encode())
        assert terminal.wait_for(lambda: b"\x01" in terminal.raw)
        assert terminal.raw.endswith("ö\x1b[1mbold\x1b[0m\x01".encode())        # byte by byte
        terminal.type(b"\x01h")
        assert terminal.wait_for(lambda: "Ctrl-A x quits" in terminal.emulator.text)
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.process.wait(timeout=20) == 128 + signal.SIGTERM
        assert termios.tcgetattr(terminal.child) == terminal.before


SERIAL_GREETING = b"".join(bytes((0xBA, 0xF8, 0x03, 0xB0, byte, 0xEE)) for byte in "grüß\r\n".encode())


def test_a_bios_program_that_is_busy_loses_no_key(x86, guest):  # noqa: F811
    text = "".join(chr(97 + place % 13) for place in range(60))
    done = x86("run", guest(say("busy") + BUSY + ECHO_KEYS), "--serial", "none", "--expect", "busy", "--keys", text,
               "--expect", text, "--keys", "q", "--max-instructions", "1_000_000_000")
    assert done.status == 16 and f"busy{text}q" in done.out


def test_stdin_from_a_pipe_goes_to_the_serial_port(guest):  # noqa: F811
    def run(*arguments, text, **more):
        return subprocess.run([sys.executable, "-m", "x86.cli", "run", *map(str, arguments)], cwd=ROOT, input=text,
                              capture_output=True, timeout=120, **more)
    image, text = guest(SLEEPY_ECHO), bytes(range(97, 113)) * 20
    done = run(image, "--display", "none", text=text)                           # its end is not the end, but then it sleeps
    assert (done.returncode, done.stdout) == (0, text)
    assert done.stderr.count(b"\n") == 1 and b"stdin is at its end" in done.stderr
    done = run(image, "--json", "--send", "~", "--expect", "~", text=b"2q")     # what is typed comes first
    found = json.loads(done.stdout)
    assert (done.returncode, found["serial"]) == (16, "~2q")
    assert [(step["step"], step["seen_on"], step["instructions"] is not None) for step in found["script"]] == [
        ("send", None, True), ("expect", "serial", True)]


def test_what_was_not_seen_is_named_with_the_last_lines(x86, guest):  # noqa: F811
    done = x86("run", guest(say("almost") + LOOP), "--serial", "none", "--display", "none", "--expect", "never",
               "--expect-timeout", 0.2)
    assert done.status == 3
    assert "--expect 'never' was not seen\n  almost\n" in done.err


# ---- the views ------------------------------------------------------------------------------------------------------

class Screen:
    """What Console asks of a VGA."""

    attributes = bytes(0x10) + b"\x08"
    cursor = (0, 0)

    def __init__(self):
        self.text = ""

    def cells(self):
        return [[(letter, 7) for letter in line.ljust(40)] for line in (self.text + "\n\n").splitlines()]


class View:
    """A console on an emulated terminal, and a clock."""

    def __init__(self, lines=24, view=None):
        self.emulator, self.screen, self.now = Emulator(80, lines), Screen(), 100.0
        self.console = Console(self.emulator.feed, self.screen, True, view, (80, lines))

    def after(self, seconds, serial="", screen=None):
        self.now += seconds
        if screen is not None:
            self.screen.text = screen
        self.console.update(serial.encode(), plain, self.now)
        return self.console.view


def test_the_view_is_that_of_who_talks():
    terminal = View()
    assert terminal.after(0, screen="BIOS") == "screen"
    assert terminal.after(0.1, serial="x" * 300) == "screen"        # both at once
    assert terminal.after(0.3, screen="BIOS\nLoading") == "screen"
    assert terminal.after(0.9, serial="login:\r\n" * 40) == "serial"
    assert "x" * 80 in terminal.emulator.text or "login:" in terminal.emulator.text
    assert terminal.after(0.2, screen="BIOS\nLoading\nkernel") == "serial"
    assert terminal.after(2.0, screen="") == "serial"               # a screen that was only cleared
    assert terminal.after(2.0, screen="panic") == "screen"
    assert terminal.emulator.text.startswith("panic")


def test_somebody_who_types_at_the_serial_port_stays_there():
    terminal = View()
    terminal.after(0, screen="BIOS")
    assert terminal.after(1, serial="# " * 200) == "serial"
    terminal.console.typed(True)
    assert terminal.after(9, screen="clock 12:00") == "serial"
    terminal.console.show("screen")
    assert terminal.after(0.1, serial="more") == "screen"
    terminal.console.show("serial")
    assert terminal.emulator.text.endswith("more")                  # what was sent meanwhile is there


def test_a_word_is_seen_below_the_screen_or_instead_of_it():
    high, low = View(lines=40), View(lines=8)
    for terminal in (high, low):
        terminal.after(0, screen="BIOS\n\n")
        terminal.after(1, serial="grü")
        terminal.after(1, serial="ße")
        assert "grüße" in terminal.emulator.text
    assert (high.console.view, low.console.view) == ("screen", "serial")


@pytest.mark.parametrize("pieces", [("a\x1b", "[2Jb"), ("a\x1b[3", "1mb"), ("a\x1b]0;title", "\x07b"), ("a\x1bc", "b")])
def test_sequences_from_the_serial_port_do_not_steer_the_screen(pieces):
    terminal = View(lines=40)
    terminal.after(0, screen="BIOS\n\n")
    for piece in pieces:
        terminal.after(0.1, serial=piece)
    lines = terminal.emulator.text.splitlines()
    assert lines[0] == "BIOS" and lines[-1] in ("ab", "acb")


def test_a_choice_is_not_taken_back():
    assert View(view="screen").after(5, serial="x" * 1000) == "screen"
    assert View(view="serial").after(5, screen="x") == "serial"


def test_how_far_it_is_stands_below_the_screen_unless_there_is_something_to_read():
    terminal, low = View(lines=40), View(lines=8)
    for each in (terminal, low):
        each.after(0, screen="BIOS")
        each.console.status("3.0 s")
    assert "3.0 s" in terminal.emulator.text and "3.0 s" not in low.emulator.text
    terminal.console.message("help")
    terminal.console.status("4.0 s")
    assert "help" in terminal.emulator.text and "4.0 s" not in terminal.emulator.text
    terminal.after(6)
    terminal.console.status("10.0 s")
    assert "10.0 s" in terminal.emulator.text
    terminal.console.status("")
    assert "10.0 s" not in terminal.emulator.text and "serial port" in terminal.emulator.text


@pytest.mark.parametrize("serial, display, append, on_stdio, view", [
    (None, None, None, True, None), ("stdio", None, None, True, "serial"), ("file", None, None, False, "screen"),
    (None, "text", "console=ttyS0", True, "screen"), (None, "none", None, True, "serial"),
    ("file", "none", None, False, "serial"), (None, None, "console=tty0 console=ttyS0,115200n8 quiet", True, "serial"),
    (None, None, "console=ttyS0 console=tty0", True, None), (None, None, "earlyconsole=ttyS0", True, None),
    ("file", None, "console=ttyS0", False, "screen")])
def test_the_options_choose_a_view(serial, display, append, on_stdio, view):
    assert first_view(argparse.Namespace(serial=serial, display=display, append=append), on_stdio) == view


def test_the_terminal_is_drawn_anew_when_its_size_changed():
    terminal = View()
    terminal.after(0, screen="first")
    terminal.emulator.screens[1].reset()
    assert "first" not in terminal.emulator.text
    terminal.console.resize()
    terminal.after(0.1)
    assert "first" in terminal.emulator.text


def test_a_graphics_mode_is_a_line_with_its_size(monkeypatch):
    monkeypatch.setattr(vga_picture, "picture", None)       # nothing is drawn for it
    machine = Machine(memory="1M")
    emulator = Emulator(80, 24)
    console = Console(emulator.feed, machine.screen, True, "screen", (80, 24))
    for width, height in ((640, 480), (800, 600)):
        for register, value in ((4, 0), (1, width), (2, height), (3, 32), (4, 0x41)):      # the display interface's
            machine.bus.write(0x1CE, register, 2)
            machine.bus.write(0x1CF, value, 2)
        console.update(b"", plain, 0.0)
        assert f"graphics {width}x{height}: --screenshot" in emulator.text


# ---- how far it is --------------------------------------------------------------------------------------------------

class Stream(io.StringIO):
    def __init__(self, terminal=True):
        super().__init__()
        self.isatty = lambda: terminal


class Clocked:
    """What Progress asks of a machine."""

    time = 0
    instructions = property(lambda self: self.time)

    class cpu:
        mode = "long"


def test_the_line_comes_after_a_second_of_silence_and_goes_before_output():
    machine, stream = Clocked(), Stream()
    progress = Progress(machine, limit=1_000_000_000, timeout=20, stream=stream)
    progress.update(10.0, lambda: "Booting")
    assert stream.getvalue() == ""
    machine.time = 300_000_000
    progress.update(11.5, lambda: "Boo\x1bting\a")
    line = stream.getvalue()
    assert "300 million instructions, 200 million/s, 64-bit, 30% of --max-inst" in line and "\n" not in line
    assert line.count("\x1b") == 1 and "\a" not in line             # only the terminal's own
    progress.update(11.6, lambda: "Booting")
    assert stream.getvalue() == line                                # not more often than is good
    progress.wrote(b"prompt> ", 11.7)
    assert stream.getvalue() == line + "\r\x1b[K"
    progress.update(20.0, lambda: "prompt> ")
    assert not progress.shown                                       # there stands a prompt


@pytest.mark.parametrize("when, terminal, lines", [("auto", False, 0), ("never", True, 0), ("always", False, 2)])
def test_progress_where_there_is_no_terminal(when, terminal, lines):
    stream = Stream(terminal)
    progress = Progress(Clocked(), when, stream=stream)
    for second in range(25):
        progress.update(float(second), str)
    assert stream.getvalue().count("\n") == lines
