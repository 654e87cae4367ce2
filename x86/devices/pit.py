"""The 8254 programmable interval timer, and port 61h, which has the gate and the output of its channel 2.

    1.193182 MHz --+--> counter 0 --> IRQ 0
                   +--> counter 1 --> refresh; only bit 4 of port 61h shows it
    gate: 61h bit 0 --> counter 2 --> speaker, and 61h bit 5

No counter is ever counted down: each remembers the input cycle in which its count was loaded, and what it shows follows
from how many cycles have passed since. Channel 0 asks the clock for its next rising output.

Source: Intel 8254 data sheet (231164), "Mode Definitions"; Intel 82371AB (PIIX4) data sheet, "NMI Status and Control".
"""
from __future__ import annotations

from x86.devices.device import Device

HERTZ = 1_193_182
REFRESH = 18                            # cycles between two refreshes of the memory, about 15 us

# Modes 6 and 7 are 2 and 3: their high bit is not decoded.
TERMINAL_COUNT, ONE_SHOT, RATE, SQUARE, SOFTWARE_STROBE, HARDWARE_STROBE = range(6)


class Counter:
    """One of the three channels. Times are cycles of the input clock since power-on.

    start     the cycle in which `count` was loaded: 0 cycles have been counted then. None: not counting yet
    frozen    the cycle in which the gate stopped the counting, or None
    pending   a count that waits: in modes 2 and 3 for the end of the period, in 1 and 5 for a trigger
    reload    the cycle in which it takes effect (modes 2 and 3)
    """

    STATE = ("control", "mode", "access", "bcd", "count", "start", "frozen", "pending", "reload", "gate", "low_byte",
             "latched", "status", "read_high")
    __slots__ = STATE

    def __init__(self, gate: bool):
        self.gate = gate
        self.low_byte = None            # the first byte of a count, while the second is awaited
        self.program(0x36)

    def program(self, control: int) -> None:
        """A control word: the counter waits for its count. Access: 1 low byte, 2 high byte, 3 low and then high."""
        self.control = control & 0x3F
        mode = control >> 1 & 7
        self.mode = mode if mode < 6 else mode - 4
        self.access = control >> 4 & 3
        self.bcd = bcd = bool(control & 1)
        self.count = 10_000 if bcd else 65_536
        self.start = self.frozen = self.pending = self.reload = None
        self.low_byte = None
        self.latched = None             # a latched count
        self.status = None              # a latched status byte
        self.read_high = False          # access 3: the next read gives the high byte

    # ---- counts ----------------------------------------------------------------------------------------------------

    def write(self, value: int, cycle: int) -> None:
        """A byte of a new count."""
        if self.access == 1:
            self.write_count(value, cycle)
        elif self.access == 2:
            self.write_count(value << 8, cycle)
        elif self.low_byte is None:
            self.low_byte = value
            if self.mode == TERMINAL_COUNT:
                self.start = None       # the first byte stops the counting, and OUT is low
        else:
            value, self.low_byte = value << 8 | self.low_byte, None
            self.write_count(value, cycle)

    def write_count(self, value: int, cycle: int) -> None:
        """A whole count, 0 standing for the largest. It is loaded by the next cycle, or later as the mode has it."""
        if self.bcd:
            value = (value >> 12) * 1000 + (value >> 8 & 15) * 100 + (value >> 4 & 15) * 10 + (value & 15)
        count = value or (10_000 if self.bcd else 65_536)
        mode = self.mode
        if mode == ONE_SHOT or mode == HARDWARE_STROBE:
            self.pending = count
        elif self.start is None or mode == TERMINAL_COUNT or mode == SOFTWARE_STROBE:
            self.load(count, cycle)
        else:                           # modes 2 and 3 finish their period, or half period, first
            self.settle(cycle)
            self.pending, self.reload = count, self.next_edge(cycle)
            if self.count == 1:         # a period without edges has no end
                self.load(count, cycle)

    def load(self, count: int, cycle: int) -> None:
        """Begin to count with the next cycle."""
        self.count, self.start = count, cycle + 1
        self.pending = self.reload = None
        self.frozen = None if self.gate or self.mode in (ONE_SHOT, HARDWARE_STROBE) else cycle + 1

    def settle(self, cycle: int) -> None:
        """Let a pending count of mode 2 or 3 take effect, if its time has come."""
        if self.reload is None or cycle < self.reload or self.frozen is not None:
            return
        falls = self.mode == SQUARE and self.output(self.reload - 1)        # it begins with the low half
        self.count, self.start = self.pending, self.reload
        if falls:
            self.start -= (self.count + 1) // 2
        self.pending = self.reload = None

    def set_gate(self, gate: bool, cycle: int) -> None:
        """Drive the gate input."""
        if gate == self.gate:
            return
        self.settle(cycle)
        self.gate = gate
        mode = self.mode
        if mode == ONE_SHOT or mode == HARDWARE_STROBE:
            if gate and (self.pending or self.start is not None):
                self.load(self.pending or self.count, cycle)
        elif self.start is None:
            return
        elif not gate:
            self.frozen = cycle
        elif mode == RATE or mode == SQUARE:
            self.load(self.pending or self.count, cycle)
        else:
            self.start += cycle - self.frozen
            self.frozen = None

    # ---- what follows from the time --------------------------------------------------------------------------------

    def elapsed(self, cycle: int) -> int:
        """Cycles counted; -1 if the count was written but not loaded yet."""
        return (cycle if self.frozen is None else self.frozen) - self.start

    def output(self, cycle: int) -> bool:
        """OUT."""
        mode = self.mode
        if self.start is None:
            return mode != TERMINAL_COUNT
        elapsed = (cycle if self.frozen is None else self.frozen) - self.start
        if mode == TERMINAL_COUNT:
            return elapsed >= self.count
        if elapsed < 0:
            return True
        if mode == RATE:
            return not self.gate or (elapsed + 1) % self.count != 0 or self.count == 1
        if mode == SQUARE:
            return not self.gate or elapsed % self.count < (self.count + 1) // 2
        if mode == ONE_SHOT:
            return elapsed >= self.count
        return elapsed != self.count    # a strobe of one cycle

    def value(self, cycle: int) -> int:
        """The counting element, as it is read: 16 bits, or four decimal digits."""
        self.settle(cycle)
        count = self.count
        elapsed = 0 if self.start is None else max(0, self.elapsed(cycle))
        if self.mode == RATE:
            value = count - elapsed % count
        elif self.mode == SQUARE:       # in steps of two, once for the high half and once for the low half
            half = (count + 1) // 2
            phase = elapsed % count
            value = (count & ~1) - 2 * (phase if phase < half else phase - half)
        else:
            value = count - elapsed
        if not self.bcd:
            return value & 0xFFFF
        value %= 10_000
        return value // 1000 << 12 | value // 100 % 10 << 8 | value // 10 % 10 << 4 | value % 10

    def next_edge(self, cycle: int) -> int | None:
        """The next cycle in which OUT rises (or, in mode 3, changes), if nothing else happens."""
        if self.start is None or self.frozen is not None:
            return None
        mode, count = self.mode, self.count
        elapsed = self.elapsed(cycle)
        if mode == RATE or mode == SQUARE:
            if count == 1:
                return None
            if elapsed < 0:
                period, phase = self.start, elapsed
            else:
                phase = elapsed % count
                period = cycle - phase
            half = (count + 1) // 2
            return period + (half if mode == SQUARE and phase < half else count)
        end = count + (mode in (SOFTWARE_STROBE, HARDWARE_STROBE))
        return self.start + end if elapsed < end else None

    # ---- reading ---------------------------------------------------------------------------------------------------

    def latch(self, cycle: int) -> None:
        """The counter latch command. A second one, before the first was read, changes nothing."""
        if self.latched is None:
            self.latched = self.value(cycle)

    def latch_status(self, cycle: int) -> None:
        """The read-back command for the status.

            7 OUT   6 null count: what was written is not loaded yet   5..0 of the control word, as written
        """
        if self.status is None:
            self.settle(cycle)
            null = self.start is None or self.pending is not None or cycle < self.start
            self.status = self.output(cycle) << 7 | null << 6 | self.control

    def read(self, clock) -> int:
        """The next byte: a latched status, a latched count, or the count as it is."""
        if self.status is not None:
            status, self.status = self.status, None
            return status
        value = self.latched
        if value is None:
            value = self.value(clock.cycles(HERTZ))
        if self.access == 3:
            high = self.read_high
            self.read_high = not high
            if high:
                self.latched = None
        else:
            high = self.access == 2
            self.latched = None
        return value >> 8 if high else value & 0xFF


class Pit(Device):
    """Ports 40h to 43h and 61h."""

    name = "pit"

    def __init__(self, machine):
        super().__init__(machine)
        self.pic = machine.devices["pic"]
        self.clock = machine.clock
        self.reset()
        machine.bus.add(self.name, 0x40, 4, read=self._read, write=self._write)
        machine.bus.add(self.name, 0x61, 1, read=self._read_61, write=self._write_61)

    def reset(self) -> None:
        """All channels in mode 3 with the largest count, as QEMU starts them."""
        self.counters = [Counter(True), Counter(True), Counter(False)]
        for counter in self.counters:
            counter.write_count(0, self.clock.cycles(HERTZ))
        self.control = 0                # bits 3..0 of port 61h
        self._changed()

    def snapshot(self) -> dict:
        return {"control": self.control,
                "counters": [{field: getattr(counter, field) for field in Counter.STATE} for counter in self.counters]}

    def restore(self, state: dict) -> None:
        self.control = state["control"]
        for counter, fields in zip(self.counters, state["counters"]):
            for field in Counter.STATE:
                setattr(counter, field, fields[field])

    # ---- ports -----------------------------------------------------------------------------------------------------

    def _read(self, offset, size):
        if offset == 3:
            return 0xFF                 # the control word cannot be read
        return self.counters[offset].read(self.clock)

    def _write(self, offset, value, size):
        cycle = self.clock.cycles(HERTZ)
        if offset < 3:
            self.counters[offset].write(value, cycle)
            if offset == 0:
                self._changed()
        else:
            self._control_word(value, cycle)

    def _control_word(self, value, cycle):
        """
            SC1 SC0 RW1 RW0 M2 M1 M0 BCD        RW = 00: counter latch command
            1 1 COUNT# STATUS# C2 C1 C0 0       read-back command; COUNT# and STATUS# act when 0
        """
        which = value >> 6
        if which == 3:
            for number, counter in enumerate(self.counters):
                if value & 2 << number:
                    if not value & 0x20:
                        counter.latch(cycle)
                    if not value & 0x10:
                        counter.latch_status(cycle)
        elif value & 0x30:
            self.counters[which].program(value)
            if which == 0:
                self._changed()
        else:
            self.counters[which].latch(cycle)

    #   61h   7 SERR   6 IOCHK   5 OUT2   4 refresh   3 IOCHK off   2 SERR off   1 speaker   0 gate 2

    def _read_61(self, offset, size):
        cycle = self.clock.source() * HERTZ // self.clock.frequency     # boot loaders wait here: no calls but one
        counter = self.counters[2]
        if counter.reload is not None:
            counter.settle(cycle)
        return self.control | (cycle // REFRESH & 1) << 4 | counter.output(cycle) << 5

    def _write_61(self, offset, value, size):
        self.control = value & 0x0F
        self.counters[2].set_gate(bool(value & 1), self.clock.cycles(HERTZ))

    # ---- channel 0's output ----------------------------------------------------------------------------------------

    def _changed(self):
        """Channel 0 was written: show its output, and ask for the next edge."""
        self.clock.cancel(self.name)
        cycle = self.clock.cycles(HERTZ)
        self.counters[0].settle(cycle)
        self.pic.set_irq(0, self.counters[0].output(cycle))
        self._expect(cycle)

    def _expect(self, cycle):
        edge = self.counters[0].next_edge(cycle)
        if edge is not None:
            self.clock.at(self.clock.time_of(edge, HERTZ), self.name, "edge")

    def edge(self) -> None:
        """Clock event: channel 0's output rises, after a low pulse of one cycle in modes 2 and 4, or falls (mode 3)."""
        cycle = self.clock.cycles(HERTZ)
        counter = self.counters[0]
        counter.settle(cycle)
        if not counter.output(cycle):
            self.pic.set_irq(0, False)
        elif counter.mode in (RATE, SOFTWARE_STROBE):
            self.pic.pulse(0)
        else:
            self.pic.set_irq(0, True)
        self._expect(cycle)
