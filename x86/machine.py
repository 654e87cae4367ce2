"""Machine: processors, memory, buses and devices, and the life they lead together.

Time is the count of retired instructions (and of what HLT slept): the same inputs give the same run to the last bit.
"""
from __future__ import annotations

import hashlib
import pickle
import time as host_time
from dataclasses import dataclass, field, replace

from x86 import models, paging
from x86._memory import Memory
from x86._processor import Processor
from x86.bus import Bus
from x86.clock import Clock
from x86.faults import MachineError

SLICE = 5_000_000                       # instructions between two looks at the host: its clock, `until`, Ctrl-C
UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


@dataclass(frozen=True)
class Stop:
    """Why a run ended. kind: limit, until, timeout, poweroff, debug-exit (code), shutdown, hang, reset, no-boot, ..."""

    kind: str
    code: int | None = None
    message: str = ""


@dataclass
class Snapshot:
    """The whole machine at one moment, as plain data: picklable, sharing unchanged pages with earlier snapshots."""

    time: int
    pages: dict = field(repr=False)     # frame number -> 4096 bytes, for frames that are not as at power-on
    cpus: list = field(repr=False)
    devices: dict = field(repr=False)
    clock: object = field(repr=False)
    bus: object = field(repr=False)
    model: str                          # of the processors
    slept: int = 0                      # ticks of the time that passed without instructions

    def digest(self):
        """SHA-256 over everything: two machines in the same state have the same digest."""
        total = hashlib.sha256()
        for frame in sorted(self.pages):
            total.update(frame.to_bytes(8, "little") + self.pages[frame])
        registers = [cpu[:2] for cpu in self.cpus]      # which translations of code are there depends on what was decoded before
        for part in (self.time, registers, self.devices, self.clock, self.bus):
            total.update(repr(part).encode())
        return total.hexdigest()


def parse_size(text):
    """'64M' -> bytes. Raises ValueError in words."""
    if isinstance(text, int):
        return text
    digits, unit = (text[:-1], text[-1].upper()) if text[-1:].upper() in UNITS else (text, "")
    if not digits.isdigit():
        raise ValueError(f"{text!r} is not a memory size: give a number and K, M or G, like 64M")
    return int(digits) * UNITS.get(unit, 1)


class Machine:
    """A PC.

    memory: size of the RAM ("64M", or bytes). fill: "zero" or "random:SEED", what the RAM holds at power-on.
    a20: whether address line 20 is enabled at power-on. cpu: the model of the processor, a name in x86.models.MODELS or a Model.
    board: what is around it, "pc", or "minimal": a PC of 1990, with no PCI, no ACPI and no APIC.
    `machine.cpu` is the first processor, `machine.cpus` has all.
    """

    def __init__(self, memory="64M", fill="zero", a20=True, cpu=models.DEFAULT, board="pc"):
        model = models.model(cpu)
        if board == "minimal":
            model = replace(model, features=model.features - {"APIC"})
        self.memory = Memory(parse_size(memory), fill)
        self.bus = Bus()
        self.clock = Clock(self)
        self.devices = {}
        self.cpus = [Processor(self, self.memory, model)]
        self.cpu = self.cpus[0]
        self.no_reboot = False
        self.initial_a20 = a20
        self.resets = 0
        self.slept = 0                  # ticks that passed without instructions
        self.timeline = []              # ProcessorEvents of kind "mode", from power-on
        self._modes_seen = 0
        self._stop = None
        self._reset_reason = None
        self._pages = {}                # what snapshot() copied last, see Snapshot.pages
        self.clock.source = lambda: self.cpu.time
        self.clock.on_earlier = self.cpu.shorten
        self.memory.on_change = self.cpu.flush
        from x86 import devices
        devices.build(self, board, "APIC" in model.features)
        self.cpu.set_a20(a20)

    # ---- what devices ask of the board ----------------------------------------------------------------------------------

    serial = property(lambda self: self.devices["uart"], doc="COM1")
    screen = property(lambda self: self.devices["vga"], doc="the VGA")
    keyboard = property(lambda self: self.devices["ps2"], doc="the keyboard")

    def interrupt(self, on):
        """The INTR output of the 8259s: to the local APIC, or straight to the processor."""
        apic = self.devices.get("apic")
        if apic is None:
            self.cpu.intr = on
        else:
            apic.set_pic(on)

    def acknowledge(self):
        """The first processor takes an interrupt: its vector."""
        return (self.devices.get("apic") or self.devices["pic"]).acknowledge()

    def apic_changed(self):
        """The first processor wrote its CR8 or IA32_APIC_BASE."""
        apic = self.devices.get("apic")
        if apic is not None:
            apic.changed()

    def nmi(self):
        """The NMI input: by LINT1 of the local APIC, or straight to the processor."""
        (self.devices.get("apic") or self.cpu).nmi()

    def set_a20(self, on):
        for cpu in self.cpus:
            cpu.set_a20(on)

    def request_reset(self, reason):
        """Reset the machine after the present instruction (8042, CF9, port 92h)."""
        self._reset_reason = reason
        self.cpu.stop()

    def stop(self, kind, code=None, message=""):
        """End run() after the present instruction."""
        self._stop = Stop(kind, code, message)
        self.cpu.stop()

    # ---- running -----------------------------------------------------------------------------------------------------------

    @property
    def time(self):
        """Ticks since power-on."""
        return self.cpu.time

    @property
    def instructions(self):
        """Instructions retired since power-on: the time, without what was slept."""
        return self.cpu.time - self.slept

    def reset(self):
        """The reset button: processors and devices begin anew, memory keeps what it holds."""
        for device in self.devices.values():
            device.reset()
        for cpu in self.cpus:
            cpu.reset()
        self.set_a20(self.initial_a20)
        self.resets += 1

    def step(self, count=1):
        """Execute `count` instructions; a taken interrupt and its handler's first instruction are one step."""
        return self.run(max_instructions=count)

    def run(self, max_instructions=None, until=None, timeout=None, every=SLICE):
        """Run until something ends it; returns a Stop.

        max_instructions: ticks of virtual time at most. until: a function of the machine, asked every `every`
        instructions. timeout: host seconds.
        """
        end = None if max_instructions is None else self.time + max_instructions
        deadline = None if timeout is None else host_time.monotonic() + timeout
        pause = self.time + every
        self._stop = None
        while True:
            self.clock.run_due()
            if self._reset_reason is not None and self._reset():
                return self._stop
            if self._stop is not None:
                return self._stop
            now = self.time
            if now >= pause or until is not None and now == pause - every:
                if until is not None and until(self):
                    return Stop("until")
                if deadline is not None and host_time.monotonic() > deadline:
                    return Stop("timeout", message=f"{timeout} seconds are over")
                if now >= pause:
                    pause = now + every
            if end is not None and now >= end:
                if until is not None and until(self):
                    return Stop("until")
                return Stop("limit", message=f"{max_instructions} instructions are done")
            event = self.clock.next()
            horizon = min(time for time in (pause, end, event) if time is not None)
            reason = self.cpu.run(horizon - now) if horizon > now else "budget"
            self._note_modes()
            if reason == "halt":
                self._halted(horizon if event is not None or end is not None else None)
            elif reason == "shutdown":
                self._stop = Stop("shutdown", message="triple fault")

    def _halted(self, horizon):
        """HLT: nothing happens before the next event of the clock, so time jumps there."""
        event = self.clock.next()                               # which may be newer than the horizon
        if event is not None and (horizon is None or event < horizon):
            horizon = max(event, self.time)
        if not self.cpu.if_:
            self._stop = Stop("hang", message="HLT with interrupts off: nothing can wake the processor")
        elif horizon is None:
            self._stop = Stop("hang", message="HLT, and no device will ever interrupt")
        elif not self.cpu.intr:
            self.sleep_until(horizon)

    def sleep_until(self, time):
        """Let time pass without instructions, to the tick `time`."""
        self.slept += time - self.time
        self.cpu.sleep_until(time)

    def _reset(self):
        """A reset that was asked for. True if the run ends instead."""
        reason, self._reset_reason = self._reset_reason, None
        if self.no_reboot:
            self._stop = Stop("reset", message=reason)
            return True
        self.reset()
        return False

    def _note_modes(self):
        for event in self.cpu.mode_events(self._modes_seen):
            self._modes_seen += 1
            if len(self.timeline) < 10_000:
                self.timeline.append(event)

    # ---- looking -------------------------------------------------------------------------------------------------------------

    def walk(self, address, access="read", user=None):
        """Walk the page tables for a linear address without changing anything: every entry read, the result or fault."""
        def read(physical, size):
            try:
                return int.from_bytes(self.memory.read(physical, size), "little")
            except IndexError:                                  # nothing there: the bus reads all ones
                return (1 << 8 * size) - 1
        return paging.walk(read, paging.Registers(**self.cpu.paging), address, access,
                           self.cpu.cpl == 3 if user is None else user, bool(self.cpu.ac))

    # ---- snapshots -------------------------------------------------------------------------------------------------------------

    def snapshot(self):
        """The whole machine as a value. Copies only the pages that changed since the last snapshot or restore."""
        for frame in self.memory.dirty_frames():
            data = self.memory.frame_bytes(frame)
            if data == self.memory.initial_frame(frame):
                self._pages.pop(frame, None)
            else:
                self._pages[frame] = data
        self._track()
        return Snapshot(self.time, dict(self._pages), [cpu.snapshot() for cpu in self.cpus],
                        {name: device.snapshot() for name, device in self.devices.items()},
                        self.clock.snapshot(), self.bus.snapshot(), self.cpu.model.name, self.slept)

    def restore(self, snapshot):
        """Bring back a snapshot of this machine, or of one built the same way."""
        if snapshot.model != self.cpu.model.name:
            raise MachineError(f"the snapshot is of a machine with the processor {snapshot.model}, this one has "
                               f"{self.cpu.model.name}: build it with cpu={snapshot.model!r}")
        if set(snapshot.devices) != set(self.devices):
            raise MachineError(f"the snapshot has other devices: {sorted(set(snapshot.devices) ^ set(self.devices))}")
        frames = set(self.memory.dirty_frames())
        frames.update(frame for frame in self._pages.keys() | snapshot.pages.keys()
                      if self._pages.get(frame) is not snapshot.pages.get(frame))
        for frame in frames:
            self.memory.set_frame(frame, snapshot.pages.get(frame) or self.memory.initial_frame(frame))
        self._pages = dict(snapshot.pages)
        self.clock.restore(snapshot.clock)
        self.bus.restore(snapshot.bus)
        for name, device in self.devices.items():
            device.restore(snapshot.devices[name])
        for cpu, state in zip(self.cpus, snapshot.cpus):        # behind the devices: translations lead through their memory map
            cpu.restore(state)
        self._track()
        self.slept = snapshot.slept
        self._stop = self._reset_reason = None

    def _track(self):
        """From here on, see which pages change."""
        self.memory.clear_dirty()
        for cpu in self.cpus:
            cpu.track_writes()

    def save(self, path):
        """Write a snapshot to a file."""
        with open(path, "wb") as file:
            pickle.dump(self.snapshot(), file)
