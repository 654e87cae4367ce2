"""A line on stderr that says how far a long run is: only on a terminal, and only while nothing else is written there.

     12.4 s  1,234 million instructions, 310 million/s, 64-bit, 12% of --max-instructions: Loading initial ramdisk ...

It comes after a second of silence, if what was written last ended its line, and goes before the next output.
"""
from __future__ import annotations

import shutil
import sys

SILENCE = 1.0                           # seconds without output before the line appears,
OFTEN = 0.25                            # between two of its updates,
SELDOM = 10.0                           # and where it is asked for on something that is no terminal
MODES = {"real": "16-bit", "v86": "virtual 8086", "protected": "protected mode", "compatibility": "32-bit in long mode",
         "long": "64-bit"}


class Progress:
    """when: "auto", "always" or "never". limit and timeout: --max-instructions and --timeout, or None."""

    def __init__(self, machine, when: str = "auto", limit: int | None = None, timeout: float | None = None, stream=None):
        self.machine = machine
        self.limit, self.timeout = limit, timeout
        self.stream = stream or sys.stderr
        self.is_terminal = self.stream.isatty()
        self.on = when == "always" or when == "auto" and self.is_terminal
        self.shown = False              # the line stands on the terminal
        self.begins_line = True         # what was written on this terminal last ended its line
        self._first = machine.time
        self._begun = self._quiet_since = self._last = None
        self._last_done = machine.instructions

    def wrote(self, data: bytes, now: float) -> None:
        """Something is about to be written to the same terminal."""
        self.erase()
        if data:
            self.begins_line = data.endswith(b"\n")
            self._quiet_since = now

    def erase(self) -> None:
        if self.shown:
            self.shown = False
            self.stream.write("\r\x1b[K")
            self.stream.flush()

    def update(self, now: float, said) -> None:
        """Draw or refresh the line where its time has come. said() gives the last line of output."""
        text = self.line(now, said)
        if text is None or not self.begins_line:
            return
        if self.is_terminal:
            self.stream.write(f"\r{text[:shutil.get_terminal_size().columns - 1]}\x1b[K")
            self.shown = True
        else:
            self.stream.write(text + "\n")
        self.stream.flush()

    def line(self, now: float, said) -> str | None:
        """What the line says, where its time has come."""
        if not self.on:
            return None
        if self._begun is None:
            self._begun = self._quiet_since = self._last = now
        often = OFTEN if self.is_terminal else SELDOM
        if now - self._quiet_since < SILENCE or now - self._last < often:
            return None
        text = self.text(now, said())
        self._last, self._last_done = now, self.machine.instructions
        return text

    def text(self, now: float, said: str) -> str:
        """What the line says."""
        machine = self.machine
        seconds = now - self._begun
        rate = (machine.instructions - self._last_done) / max(now - self._last, 1e-9) / 1e6
        parts = [f"{seconds:7.1f} s  {machine.instructions / 1e6:,.0f} million instructions, {rate:.0f} million/s",
                 MODES.get(machine.cpu.mode, machine.cpu.mode)]
        if self.limit:
            parts.append(f"{100 * (machine.time - self._first) // self.limit}% of --max-instructions")
        if self.timeout:
            parts.append(f"{100 * seconds / self.timeout:.0f}% of --timeout")
        said = "".join(filter(str.isprintable, said))           # what a guest says does not steer this terminal
        return ", ".join(parts) + (f": {said}" if said else "")
