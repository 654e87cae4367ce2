"""How fast time goes for somebody who sits before the machine: slowly while the guest waits, quickly while it works.

    auto    where the guest waits, a second of its time takes a second: in HLT and a UEFI's Stall, and while it asks for
            input again and again and finds none. All else runs as fast as it can
    real    a second of its time takes a second always, in which it has 50 million instructions
    full    nobody waits for anything: a countdown is over at once

Who asks for input reads the 8042's status, reads the UART's line status without sending, or calls INT 16h AH=01h or 11h; a
UEFI's ReadKeyStroke and CheckEvent read the first two. The time between two such looks counts as waited if it is short, so
menus and "press any key" keep their seconds, and a program that looks now and then at its work does not lose any.

All this watches the machine and is no part of its state: the same inputs at the same ticks give the same run at any pace.
"""
from __future__ import annotations

import time

from boot import layout

MODES = ("auto", "real", "full")
OFTEN = 1 / 200                 # seconds of the guest's time between two looks of one who does nothing else; what a UEFI does
                                # by itself a hundred times a second is not that
LONGEST = 1 / 50                # host seconds after which a guest that looks for input is left, to look for it on the host
LATE = 0.1                      # host seconds that are made up for, no more

KEYBOARD_STATUS, OUTPUT_FULL = 0x64, 0x01
LINE_STATUS, DATA_READY = 0x3FD, 0x01


class Waiting:
    """How long the guest waits: begin(), some runs of the machine, ticks().

    leave_at  the host's time at which a look at the chips ends machine.run() with a Stop "look"; None: never
    """

    def __init__(self, machine):
        self.machine = machine
        self.leave_at: float | None = None
        self._often = machine.clock.ticks(OFTEN)
        self._last = machine.time - self._often - 1             # when it looked last, and what it had slept and sent by then
        self._slept, self._sent = machine.slept, len(machine.serial.output)
        for port, ready in ((KEYBOARD_STATUS, OUTPUT_FULL), (LINE_STATUS, DATA_READY)):
            if machine.bus.owner(port) is not None:
                machine.bus.watch(port, lambda value, ready=ready: value & ready or self._looked())
        self.begin()

    def begin(self) -> None:
        """Count from here."""
        self._begun, self._asleep = self.machine.time, self.machine.slept
        self._asked = self._keys_missed()
        self._looks = 0                 # ticks that it spent looking at the chips

    def ticks(self) -> int:
        """What it slept and what it spent asking since begin(). INT 16h is not heard, only counted: who called it all the
        time was at it all the time."""
        slept = self.machine.slept - self._asleep
        awake = self.machine.time - self._begun - slept
        asked = (self._keys_missed() - self._asked) & 0xFFFF
        return slept + (awake if asked * self._often > awake else min(self._looks, awake))

    def _keys_missed(self):
        return self.machine.memory.read_u16(layout.KEYS_MISSED) if "bios" in self.machine.devices else 0

    def _looked(self) -> None:
        """The guest asked for input, and there was none."""
        machine = self.machine
        now, slept, sent = machine.time, machine.slept, len(machine.serial.output)
        awake = now - self._last - (slept - self._slept)
        if awake <= self._often and sent == self._sent:         # between two bytes it asked whether it may send
            self._looks += awake
            if self.leave_at is not None and time.monotonic() > self.leave_at:
                machine.stop("look")
        self._last, self._slept, self._sent = now, slept, sent


class Pace:
    """Holds virtual time back. Call begin() before each machine.run() and ahead() after it, and wait as long as that says.

    waits     whether the guest waited in the last stretch"""

    def __init__(self, machine, mode: str = "auto"):
        self.machine, self.mode = machine, mode
        self.waits = True
        self._waiting = Waiting(machine) if mode == "auto" else None
        self._debt = 0.0                        # seconds by which the guest is ahead
        self._ended = time.monotonic()
        self.begin()

    def begin(self) -> None:
        """The machine is about to run."""
        self._started = time.monotonic()
        self._time = self.machine.time
        if self._waiting:
            self._waiting.begin()
            self._waiting.leave_at = self._started + LONGEST

    def ahead(self, hurry: bool = False) -> float:
        """Seconds by which the machine is ahead, now that it has run. One that fell behind does not have to catch up; with
        `hurry` nor does one wait that was let run ahead."""
        now = time.monotonic()
        apart, ran, self._ended = self._started - self._ended, now - self._started, now
        passed = self.machine.time - self._time
        if self._waiting:
            self._waiting.leave_at = None       # whoever runs the machine otherwise is not disturbed
        waited = self._waiting.ticks() if self._waiting else passed if self.mode == "real" else 0
        self.waits = waited > 0
        if hurry or self.mode == "full":
            self._debt = 0.0
            return 0.0
        share = waited / passed if passed else 1.0              # of what the host took for it
        self._debt += waited / self.machine.clock.frequency - share * ran - apart
        if self._debt < -LATE:
            self._debt = 0.0
        return max(self._debt, 0.0)
