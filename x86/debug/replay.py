"""Going back: the same inputs give the same run, so the past can be had again from a snapshot and the list of inputs.

While it runs, nothing is recorded but the inputs from outside (with their times) and, now and then, a snapshot. When
somebody asks how the machine came here, it is set back to the last snapshot before, run again up to shortly before
now, and stepped from there with a pencil in hand. So the last branches cost nothing until they are wanted.
"""
from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from x86._decode import decode
from x86.debug import peek

INTERVAL = 200_000_000                  # ticks between two snapshots: what a look back runs again at most


@dataclass(frozen=True)
class Branch:
    """One transfer of control: at `time`, from cs:rip `source` to `target`. `event` is the ProcessorEvent where an
    interrupt or an exception made it."""

    time: int
    source: int
    target: int
    source_cs: int
    target_cs: int
    event: object = None


class Recorder:
    """Keeps what is needed to run the recent past of a machine again.

    Inputs must go through `input(...)`; call `note()` between runs, often enough (every slice of the run loop).
    """

    def __init__(self, machine, interval=INTERVAL):
        self.machine, self.interval = machine, interval
        self.checkpoint = machine.snapshot()
        self.inputs: list[tuple] = []

    def input(self, device, method, *arguments):
        """Give a device something from outside: input("uart", "send", b"..."), input("ps2", "type_text", "...")."""
        self.inputs.append((self.machine.time, device, method, arguments))
        getattr(self.machine.devices[device], method)(*arguments)

    def note(self):
        """Take a snapshot if the last one is old."""
        if self.machine.time - self.checkpoint.time >= self.interval:
            self.checkpoint = self.machine.snapshot()
            self.inputs = [entry for entry in self.inputs if entry[0] >= self.checkpoint.time]

    def _run_to(self, time):
        """From the checkpoint to `time`, with the inputs as they came."""
        machine = self.machine
        machine.restore(self.checkpoint)
        for when, device, method, arguments in self.inputs:
            if when > time:
                break
            if when > machine.time:
                machine.run(max_instructions=when - machine.time)
            getattr(machine.devices[device], method)(*arguments)
        if time > machine.time:
            machine.run(max_instructions=time - machine.time)

    def last_branches(self, count=16, window=4000):
        """The last `count` branches before now (at most `window` ticks back), oldest first. The machine ends where it
        was."""
        machine, cpu = self.machine, self.machine.cpu
        now, end = machine.snapshot(), machine.time
        branches: deque[Branch] = deque(maxlen=count)
        try:
            self._run_to(max(self.checkpoint.time, end - window))
            pending = [entry for entry in self.inputs if entry[0] > machine.time]
            for _ in range(2 * window):
                if machine.time >= end:
                    break
                while pending and pending[0][0] <= machine.time:
                    _, device, method, arguments = pending.pop(0)
                    getattr(machine.devices[device], method)(*arguments)
                before = machine.time, cpu.rip, cpu.cs
                length = decode(peek.code(machine, cpu.linear("cs", cpu.rip)), bits=cpu.code_bits, model=cpu.model).length
                events = cpu.event_count
                stop = machine.step()
                after = cpu.rip
                event = cpu.events[-1] if cpu.event_count != events else None
                if cpu.cs != before[2] or event is not None or after - before[1] not in (0, length):
                    branches.append(Branch(before[0], before[1], after, before[2], cpu.cs, event))
                if stop.kind != "limit":
                    break
        finally:
            machine.restore(now)
        return list(branches)
