"""One run of `x86 run`: what is typed reaches the machine, what it says reaches the terminal, the pipe or the file.

On a terminal (stdin and stdout both are one) time is held back to the host's clock, and a machine that sleeps costs nothing:
the process waits for a key. Else time goes as fast as it can, and stdin, if it is a pipe or a file, is sent to the serial port
once --send, --expect and --keys are done.
"""
from __future__ import annotations

import os
import select
import sys
import time
from pathlib import Path

from x86.cli.progress import Progress
from x86.cli.script import plain
from x86.debug.replay import Recorder
from x86.faults import ImageError

SLICE = 2_000_000               # ticks between two looks at the host's clock,
WATCHING = 500_000              # and where the screen is waited for
FRAME = 1 / 50                  # seconds between two drawings of the screen
AHEAD = 4096                    # bytes of stdin that may wait in the line
IDLE = 120                      # seconds of the machine's time: a guest that slept so long after the end of stdin sleeps on
AWAKE = 4                       # slices at whose end the processor was not in HLT, in a row: it is at work


class Session:
    """The machine, what is typed into it, and where its output goes.

    live             somebody sits at a terminal
    seconds          that the machine ran; drawing and waiting for keys do not count
    prints_serial    the serial port's output is on stdout, and nothing was drawn over it
    seen_screen      somebody has the text screen before their eyes
    """

    def __init__(self, machine, script, options, live=False):
        self.machine = machine
        self.script = script
        self.limit = options.max_instructions
        self.timeout = options.timeout
        self.step_timeout = options.expect_timeout
        self.recorder = Recorder(machine)       # what it takes to run the last stretch again, for the post-mortem
        self.seconds = 0.0
        self.live = live
        self.seen_screen = False
        self._written = len(machine.serial.output)      # bytes from the serial port that have been passed on
        self._file = self._out = None
        self._console = self._keyboard = self._pipe = None
        self._shots = 0                         # screenshots taken
        self._awake = 0
        serial = options.serial or ("none" if options.json or options.quiet else "stdio")
        self.prints_serial = serial == "stdio"
        if serial == "stdio":
            self._out = sys.stdout.buffer
        elif serial != "none":
            try:
                self._file = self._out = open(serial, "wb")
            except OSError as error:
                raise ImageError(f"--serial {serial}: {error.strerror}") from None
        if live:
            self._open_terminal(options)
        elif options.serial != "none" and sys.stdin is not None:
            from x86.debug.terminal import Pipe
            try:
                self._pipe = Pipe(sys.stdin.fileno())
            except (OSError, ValueError):               # a stdin that is no file, as where main() is called from Python
                pass
        self.progress = Progress(machine, options.progress, self.limit, self.timeout)
        self._shares_terminal = self.prints_serial and sys.stdout.isatty()

    def _open_terminal(self, options):
        from x86.debug.console import Console
        from x86.debug.terminal import Keyboard
        on_stdio = self._out is sys.stdout.buffer
        view = ("serial" if options.display == "none" or options.display is None and options.serial == "stdio" else
                "screen" if options.display == "text" or not on_stdio else None)
        self._console = Console(self._to_terminal, self.machine.screen, on_stdio, view)
        self._one_view = options.display == "none" or options.display == "text" or not on_stdio
        self._keyboard = Keyboard(to_serial=view == "serial" and options.serial != "none")
        self._keyboard.on_stop, self._keyboard.on_resume = self._console.suspend, self._console.resize

    # ---- the loop ---------------------------------------------------------------------------------------------------

    def run(self):
        """Run to the end; returns a Stop."""
        self.machine.serial.on_byte = self._heard
        try:
            if self._keyboard is None:
                return self._loop()
            from x86.debug.terminal import Quit
            from x86.machine import Stop
            with self._keyboard:
                try:
                    return self._loop()
                except Quit:
                    return Stop("quit")
                finally:
                    self._close_terminal()
        finally:
            self.machine.serial.on_byte = None          # the post-mortem runs the last stretch again

    def _loop(self):
        from x86.machine import Stop
        machine, script = self.machine, self.script
        begun = stepped = time.monotonic()
        first = machine.time
        frame = int(FRAME * machine.clock.frequency)
        pace = Pace(machine, begun)
        self._last_sign = machine.time                  # of life: output, or input that was taken
        while True:
            self._output()
            steps = len(script.steps)
            if self._advance():
                return Stop("until", message=f"--until {script.until.pattern!r} was seen")
            now = time.monotonic()
            if len(script.steps) != steps:
                stepped = now
            ticks = frame if self.live else WATCHING if script.wanted else SLICE
            if self.limit is not None:
                ticks = min(ticks, first + self.limit - machine.time)
                if ticks <= 0:
                    return Stop("limit", message=f"--max-instructions {self.limit} reached")
            if self.timeout is not None and now - begun > self.timeout:
                return Stop("timeout", message=f"--timeout {self.timeout:g} reached")
            if script.waiting and self.step_timeout is not None and now - stepped > self.step_timeout:
                return Stop("timeout", message=f"--expect-timeout {self.step_timeout:g} reached")
            if self._pipe is not None and not script.steps:
                self._feed()
                if self._sleeps_on():
                    return Stop("idle", message="stdin is at its end, and the guest sleeps")
            if self._console is None or self._console.view == "serial":
                self.progress.update(now, self._said)
            self.recorder.note()
            waiting = self._waiting()
            started = time.perf_counter()
            stop = machine.run(max_instructions=ticks)
            self.seconds += time.perf_counter() - started
            if stop.kind not in ("limit", "heard"):
                self._output()
                if self._advance():
                    return Stop("until", message=f"--until {script.until.pattern!r} was seen")
                return stop
            if self.live:
                self._type(pace.ahead(hurry=self._waiting() < waiting))

    def _advance(self):
        script = self.script
        if not script.steps and script.until is None:
            return False
        return script.advance(self.machine.serial.text, self.machine.screen.text, self._send, self._press,
                              self.machine.time)

    def _heard(self, byte):
        """The serial port sent a byte. If it is what the script waits for, it is answered before the guest goes on."""
        if self.script.wanted is not None and self.script.heard(byte):
            self.machine.stop("heard")

    def _send(self, data):
        self.recorder.input("uart", "send", data)

    def _press(self, text):
        self.recorder.input("ps2", "type_text", text)

    def _waiting(self):
        """How much of what was typed the guest has not taken yet. While that shrinks, nobody wants to wait."""
        return len(self.machine.serial.input) + len(self.machine.keyboard.strokes)

    # ---- input --------------------------------------------------------------------------------------------------------

    def _type(self, seconds):
        """Wait up to `seconds` for somebody to type, and pass it on."""
        keyboard, console = self._keyboard, self._console
        if not self._one_view:
            keyboard.to_serial = console.view == "serial"
        serial, keys, commands = keyboard.poll(seconds)
        if serial:
            self._send(serial)
        if keys:
            self.recorder.input("ps2", "type_keys", keys)
        if serial or keys:
            console.typed(bool(serial))
        for command in commands:
            self._command(command)

    def _command(self, letter):
        """What was typed behind Ctrl-A."""
        from x86.debug.terminal import HELP
        console = self._console
        if letter == "t":
            to_serial = self._keyboard.to_serial
            if not self._one_view:
                console.show("serial" if to_serial else "screen")
            console.message(f"keys go to the {'serial port' if to_serial else 'keyboard'}; Ctrl-A h: help")
        elif letter == "s":
            console.message(self._screenshot())
        elif letter == "d":
            self._press("<ctrl-alt-delete>")
        else:
            console.message(HELP)

    def _screenshot(self):
        while Path(name := f"x86-screen-{self._shots + 1}.png").exists():
            self._shots += 1
        try:
            self.machine.screen.screenshot(name)
        except OSError as error:
            return f"{name}: {error.strerror}"
        return f"the screen is in {name}"

    def _feed(self):
        """Send what there is on stdin, but never much more than the guest has room for."""
        uart = self.machine.serial
        while len(uart.input) < AHEAD and not self._pipe.ended:
            data = self._pipe.read()
            if not data:
                break
            self._send(data)

    def _sleeps_on(self):
        """Whether all that came on stdin was read, and the guest has only slept since, for a long time."""
        machine, pipe = self.machine, self._pipe
        self._awake = 0 if machine.cpu.halted else self._awake + 1
        if not (pipe.ended and pipe.count) or machine.serial.input or machine.keyboard.typing or self._awake >= AWAKE:
            self._last_sign = machine.time
        return machine.time - self._last_sign > IDLE * machine.clock.frequency

    # ---- output -------------------------------------------------------------------------------------------------------

    def _output(self):
        """Pass on what the serial port and the screen have to say."""
        fresh = bytes(self.machine.serial.output[self._written:])
        self._written += len(fresh)
        if fresh:
            self._last_sign = self.machine.time
        if self._shares_terminal and fresh:
            self.progress.wrote(fresh, time.monotonic())
        if self._console is not None:
            self._console.update(fresh if self._out is sys.stdout.buffer else b"", plain, time.monotonic())
            if self._out is sys.stdout.buffer:
                return
        if fresh and self._out is not None:
            self._out.write(fresh)
            self._out.flush()

    def _said(self):
        """The last line that the guest said, on the serial port or the screen."""
        tail = plain(bytes(self.machine.serial.output[-500:]).decode("utf-8", "replace"))
        lines = tail.split() and tail.rstrip().splitlines() or self.machine.screen.text.rstrip().splitlines()
        return lines[-1].strip() if lines else ""

    def _to_terminal(self, data):
        self.progress.erase()
        to_terminal(data)

    def _close_terminal(self):
        self.seen_screen = self._console.view == "serial"
        self.prints_serial = self.prints_serial and self._console.view == "serial"
        self._console.close()

    def tell(self, line: str) -> None:
        """A line on stderr, behind what is on stdout so far."""
        self.progress.erase()
        sys.stdout.flush()
        print(line, file=sys.stderr)

    def close(self):
        """Leave the files in order."""
        self.progress.erase()
        if self._file is not None:
            self._file.close()
            self._file = None


class Pace:
    """Virtual time held back to real time, for somebody who sits before the machine."""

    def __init__(self, machine, begun):
        self.machine = machine
        self.real, self.virtual = begun, machine.time

    def ahead(self, hurry: bool = False) -> float:
        """Seconds by which the machine is ahead. One that fell behind does not have to catch up, nor does one wait that was
        let run ahead."""
        now = time.monotonic()
        ahead = (self.machine.time - self.virtual) / self.machine.clock.frequency - (now - self.real)
        if hurry or ahead < -0.1:
            self.real, self.virtual = now, self.machine.time
            return 0.0
        return max(ahead, 0.0)


def to_terminal(data: bytes) -> None:
    """All of it, to a terminal that may be slow and shared with others who made it non-blocking."""
    sys.stdout.flush()
    while data:
        try:
            data = data[os.write(sys.stdout.fileno(), data):]
        except BlockingIOError:
            select.select([], [sys.stdout.fileno()], [])
