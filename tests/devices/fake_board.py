"""A board without a processor: bus, clock, memory, and a log of what the devices asked for."""
from __future__ import annotations

from types import SimpleNamespace

from x86 import devices
from x86.bus import Bus
from x86.clock import Clock


class FakeMemory:
    """Flat memory of `size` bytes; what is mapped above 1 MB is kept apart. Devices in memory are not there."""

    def __init__(self, size):
        self.size = size
        self.ram_low = size if size < 0xE000_0000 else 0xC000_0000
        self.ram_high = size - self.ram_low
        self.bytes = bytearray(min(size, 1 << 20))
        self.regions = []
        self.high = {}                  # start -> bytes
        self.alias = (0, 0, 0)          # start, length, target

    def map_ram(self, start, length, name):
        self.regions.append((start, length, name))
        if start >= len(self.bytes):
            self.high[start] = bytearray(length)

    def map_mmio(self, start, length, name, read, write):
        self.regions.append((start, length, name))

    def map_alias(self, start, length, name, target):
        self.alias = (start, length, target)

    def read(self, address, length):
        return self[address:address + length]

    def write(self, address, data):
        self[address:address + len(data)] = data

    def _place(self, key):
        """(the bytes that hold address or slice `key`, where in them)"""
        at = key.start if isinstance(key, slice) else key
        first, length, target = self.alias
        if first <= at < first + length:
            at += target - first
            key = slice(at, key.stop + target - first) if isinstance(key, slice) else at
        for start, held in self.high.items():
            if start <= at < start + len(held):
                return held, slice(at - start, key.stop - start) if isinstance(key, slice) else at - start
        return self.bytes, key

    def __getitem__(self, key):
        held, where = self._place(key)
        return bytes(held[where])

    def __setitem__(self, key, value):
        held, where = self._place(key)
        held[where] = value


class Board:
    """What a machine is to its devices. `time` is the present; `requests` what they asked of the machine."""

    def __init__(self, memory=64 << 20, build=True):
        self.time = 0
        self.requests = []
        self.cpu = SimpleNamespace(a20=True, cr0=0, cr8=0, fsw=0, ignore_error=False, intr=False, apic_base=0xFEE0_0900,
                                   nmi=lambda: self.requests.append(("nmi", None)))
        self.memory = FakeMemory(memory)
        self.bus = Bus()
        self.clock = Clock(self)
        self.clock.source = lambda: self.time
        self.devices = {}
        if build:
            devices.build(self)

    @property
    def intr(self):
        return self.cpu.intr

    def interrupt(self, on):
        self.devices["apic"].set_pic(on)

    def set_a20(self, on):
        self.cpu.a20 = on

    def request_reset(self, reason):
        self.requests.append(("reset", reason))

    def stop(self, kind, code=None, message=""):
        self.requests.append((kind, code))

    # ---- what tests do -------------------------------------------------------------------------------------------

    def read(self, port, size=1):
        return self.bus.read(port, size)

    def write(self, port, value, size=1):
        self.bus.write(port, value, size)

    def run(self, ticks):
        """Let time pass, stopping at every event as the run loop does."""
        end = self.time + ticks
        while (event := self.clock.next()) is not None and event <= end:
            self.time = max(self.time, event)
            self.clock.run_due()
        self.time = end

    def run_seconds(self, seconds):
        self.run(round(seconds * self.clock.frequency))

    def init_pics(self, mask=0x0000, icw4=0x01):
        """Vectors 20h and 28h, as kernels set them; mask has bit n for IRQ n."""
        for port, base, cascade, bits in ((0x20, 0x20, 0x04, mask & 0xFF), (0xA0, 0x28, 0x02, mask >> 8)):
            for offset, value in ((0, 0x11), (1, base), (1, cascade), (1, icw4), (1, bits)):
                self.write(port + offset, value)

    def interrupt_taken(self):
        """What the processor does on INTR: the vector, or None if the line is low."""
        return self.devices["apic"].acknowledge() if self.intr else None

    def snapshot(self):
        """All but the memory, which no device writes."""
        return {"time": self.time, "a20": self.cpu.a20, "clock": self.clock.snapshot(),
                "bus": self.bus.snapshot(), "requests": list(self.requests),
                "devices": {name: device.snapshot() for name, device in self.devices.items()}}

    def restore(self, state):
        self.time, self.cpu.a20 = state["time"], state["a20"]
        self.requests = list(state["requests"])
        self.clock.restore(state["clock"])
        self.bus.restore(state["bus"])
        for name, device in self.devices.items():
            device.restore(state["devices"][name])
