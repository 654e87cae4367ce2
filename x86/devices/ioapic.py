"""The I/O APIC, an 82093AA: 24 inputs, each of which sends a message to a local APIC.

    FEC00000  IOREGSEL, the number of a register      FEC00010  IOWIN, that register

    00 identity (bits 27..24)   01 version   02 arbitration   10 + 2n, 11 + 2n  the redirection entry of input n:

     63      56            16     15      14       13        12       11     10    8 7      0
    +----------+---...---+------+-------+--------+--------+---------+-------+-------+--------+
    | to whom  |         |masked| level | remote | active | waits   |logical| mode  | vector |
    +----------+---...---+------+-------+--IRR---+--low---+-to send-+-------+-------+--------+

    IRQ 0 -> input 2,  IRQ n -> input n,  INTR of the 8259s -> input 0

A rising edge sends one message, and is lost while the input is masked. A level sends one, which sets remote IRR where it is
accepted, and the next when the local APIC has told the end of the interrupt (`end`) and the line is still there. Polarity is
the board's business: a line that is on is on, whatever bit 13 says.

Source: Intel 82093AA I/O APIC data sheet (290566).
"""
from __future__ import annotations

from x86.devices.apic import EXTINT
from x86.devices.device import Device

BASE, SIZE = 0xFEC0_0000, 0x1000
INPUTS = 24
PIC_INPUT, TIMER_INPUT = 0, 2
VERSION = (INPUTS - 1) << 16 | 0x11
MASKED, LEVEL, REMOTE_IRR, LOGICAL = 1 << 16, 1 << 15, 1 << 14, 1 << 11
READ_ONLY = REMOTE_IRR | 1 << 12
ENTRY = 0xFF00_0000_0001_FFFF           # bits of a redirection entry that exist


def input_of(irq: int) -> int:
    """Which input an interrupt line of the board has."""
    return TIMER_INPUT if irq == 0 else irq


class IoApic(Device):
    """The I/O APIC. `lines` has a bit for each input as it is."""

    name = "ioapic"
    STATE = ("index", "identity", "entries", "lines")

    def __init__(self, machine):
        super().__init__(machine)
        self.lines = 0
        machine.memory.map_mmio(BASE, SIZE, "I/O APIC", self._read, self._write)
        machine.devices["pic"].listeners.append(self.set_irq)
        self.reset()

    def reset(self) -> None:
        """All inputs are masked. The lines belong to the devices."""
        self.index = self.identity = 0
        self.entries = [MASKED] * INPUTS

    # ---- inputs ------------------------------------------------------------------------------------------------------

    def set_irq(self, number: int, on: bool) -> None:
        """IRQ line 0..15 of the board."""
        which = input_of(number)
        bit = 1 << which
        rises = on and not self.lines & bit
        self.lines = self.lines | bit if on else self.lines & ~bit
        entry = self.entries[which]
        if entry & LEVEL:
            self._level(which)
        elif rises and not entry & MASKED:
            self._send(entry)

    def _level(self, which):
        """Send, if the line is on and the last message has been dealt with."""
        entry = self.entries[which]
        if entry & LEVEL and self.lines >> which & 1 and not entry & (MASKED | REMOTE_IRR) and self._send(entry):
            self.entries[which] |= REMOTE_IRR

    def _send(self, entry):
        """Send a message; whether somebody accepted it."""
        apic = self.machine.devices["apic"]
        return (apic.enabled and apic.accepts(entry >> 56, bool(entry & LOGICAL))
                and apic.request(entry & 0xFF, entry >> 8 & 7, bool(entry & LEVEL)))

    def send_again(self) -> None:
        """A local APIC listens to other messages than before: levels that nobody accepted are sent again."""
        for which in range(INPUTS):
            self._level(which)

    def end(self, vector: int) -> None:
        """A local APIC tells the end of a level-triggered interrupt."""
        for which, entry in enumerate(self.entries):
            if entry & REMOTE_IRR and entry & 0xFF == vector:
                self.entries[which] &= ~REMOTE_IRR
                self._level(which)

    @property
    def passes_pic(self) -> bool:
        """Whether what the 8259s ask for reaches the processor this way: input 0 in mode ExtINT."""
        entry = self.entries[PIC_INPUT]
        return not entry & MASKED and entry >> 8 & 7 == EXTINT

    # ---- registers ---------------------------------------------------------------------------------------------------

    def _read(self, offset, size):
        value = {0x00: self.index, 0x10: self._register()}.get(offset & ~3, 0)
        return value >> 8 * (offset & 3) & (1 << 8 * size) - 1

    def _register(self):
        which = (self.index - 0x10) >> 1
        if 0 <= which < INPUTS:
            return self.entries[which] >> 32 * (self.index & 1) & 0xFFFF_FFFF
        return {0: self.identity << 24, 1: VERSION, 2: self.identity << 24}.get(self.index, 0)

    def _write(self, offset, value, size):
        if offset == 0x00:
            self.index = value & 0xFF
        elif offset == 0x10 and size == 4:
            which = (self.index - 0x10) >> 1
            if self.index == 0:
                self.identity = value >> 24 & 0x0F
            elif 0 <= which < INPUTS:
                self._redirect(which, value)

    def _redirect(self, which, value):
        shift = 32 * (self.index & 1)
        entry = self.entries[which]
        entry = (entry & ~(0xFFFF_FFFF << shift) | value << shift) & ENTRY & ~READ_ONLY | entry & READ_ONLY
        if not entry & LEVEL:
            entry &= ~REMOTE_IRR
        self.entries[which] = entry
        self._level(which)
        if which == PIC_INPUT:
            self.machine.devices["apic"].update()
