"""Virtual time, and what is to happen when.

A tick is one retired instruction, or as long a piece of HLT. Nothing here reads the host's clock, so the same inputs
give the same run. Devices do not poll: each says when it next has something to do, and the run loop counts down to the
earliest of these times.

Events name the device and its method instead of holding them, so a list of events is plain data and can be pickled.
"""
from __future__ import annotations

from bisect import insort
from typing import Any
from collections.abc import Callable

FREQUENCY = 50_000_000                  # ticks a second: what the guest's clocks take an instruction to last


class Clock:
    """The time of a machine, in ticks since power-on, and its list of events.

    frequency    ticks a second; the time-stamp counter counts the same
    source       callable that gives the present time; the machine sets it to the processor's count
    on_earlier   called with a time when that became the earliest event, so that the run loop stops there
    """

    def __init__(self, machine, frequency: int = FREQUENCY):
        self.machine = machine
        self.frequency = frequency
        self.source: Callable[[], int] = lambda: 0
        self.on_earlier: Callable[[int], None] = lambda time: None
        self._events: list[tuple[int, int, str, str, Any]] = []     # (time, sequence, device, method, argument), sorted
        self._sequence = 0                                          # events of the same time happen in this order

    # ---- what time is it -------------------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        """The present time in ticks."""
        return self.source()

    def ticks(self, seconds: float) -> int:
        """How many ticks `seconds` last, at least one."""
        return max(1, round(seconds * self.frequency))

    def cycles(self, hertz: int) -> int:
        """How often an oscillator of `hertz` that started at power-on has swung by now. Exact at any time."""
        return self.source() * hertz // self.frequency

    def time_of(self, cycle: int, hertz: int) -> int:
        """The first tick at which cycles(hertz) is `cycle`."""
        return -(-cycle * self.frequency // hertz)

    # ---- events ----------------------------------------------------------------------------------------------------

    def at(self, time: int, device: str, method: str, argument: Any = None) -> None:
        """Call machine.devices[device].method(argument), or method() without one, as soon as now >= time."""
        events = self._events
        earliest = events[0][0] if events else None
        self._sequence += 1
        insort(events, (time, self._sequence, device, method, argument))
        if earliest is None or time < earliest:
            self.on_earlier(time)

    def after(self, ticks: int, device: str, method: str, argument: Any = None) -> None:
        """The same, `ticks` from now."""
        self.at(self.source() + ticks, device, method, argument)

    def cancel(self, device: str, method: str | None = None) -> None:
        """Forget the events of a device, or only those that call `method`."""
        self._events = [event for event in self._events
                        if event[2] != device or (method is not None and event[3] != method)]

    def next(self) -> int | None:
        """The time of the earliest event, or None."""
        return self._events[0][0] if self._events else None

    def run_due(self) -> None:
        """Call everything whose time has come, by time and then in the order in which it was asked for."""
        while self._events and self._events[0][0] <= self.source():
            _, _, device, method, argument = self._events.pop(0)
            call = getattr(self.machine.devices[device], method)
            if argument is None:
                call()
            else:
                call(argument)

    # ---- snapshots -------------------------------------------------------------------------------------------------

    def snapshot(self) -> dict:
        """The events as plain data. The time itself belongs to its source."""
        return {"events": list(self._events), "sequence": self._sequence}

    def restore(self, state: dict) -> None:
        """Bring back the events of a snapshot. on_earlier is told of the first of them."""
        self._events = list(state["events"])
        self._sequence = state["sequence"]
        if self._events:
            self.on_earlier(self._events[0][0])
