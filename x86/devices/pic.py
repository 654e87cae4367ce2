"""Two 8259A programmable interrupt controllers: sixteen lines in, one out, and a vector when the processor asks.

    IRQ 0, 1, 3-7 ---> master (20h, 21h) ---> INTR of the processor
                          ^ IR2
    IRQ 8-15 ------> slave (A0h, A1h)

Each line passes three registers of eight bits:

    lines, latch --> IRR  requests  --(not in IMR)--(higher than what is in service)--> INT --acknowledge--> ISR

Edge triggered, a rising line sets the latch, and the acknowledgement or a falling line clears it: a request must stay
high until it is acknowledged, else the processor gets the spurious vector of line 7. Level triggered (port 4D0h, 4D1h),
the request is the line itself.

Source: Intel 8259A data sheet (231468); Intel 82371AB (PIIX4) data sheet, "Edge/Level Control Registers".
"""
from __future__ import annotations

from collections.abc import Callable

from x86.devices.device import Device

CASCADE = 2                             # the master's input that the slave's output drives


class Chip:
    """One 8259A. Bit n of lines, latch, imr, isr and level stands for its input n."""

    STATE = ("lines", "latch", "imr", "isr", "level", "base", "lowest", "auto_eoi", "rotate_auto_eoi", "special_mask",
             "special_nested", "read_isr", "poll", "step", "needs_icw4", "single", "set_up")
    __slots__ = (*STATE, "has_slave")

    def __init__(self, has_slave: bool):
        self.has_slave = has_slave
        self.lines = 0                  # inputs as they are
        self.power_on()

    def power_on(self):
        """Nothing masked, requested or in service, and INT low until ICW1. The lines belong to the devices and stay."""
        self.level = 0                  # ELCR: inputs that are level triggered
        self.base = 0                   # ICW2: the vector of input 0
        self.special_nested = False     # ICW4 bit 4: more from the slave although it is in service
        self.needs_icw4 = False         # ICW1 bit 0
        self.single = False             # ICW1 bit 1: no other 8259A, so no ICW3
        self.initialize()
        self.set_up = False             # ICW1 was written; without it the chip asks for nothing
        self.step = 0                   # which ICW comes next at the odd port; 0: none, it is OCW1

    def initialize(self):
        """What ICW1 does."""
        self.latch = 0                  # edges that wait for their acknowledgement
        self.imr = self.isr = 0         # masked, in service
        self.lowest = 7                 # the input of lowest priority; the one after it has the highest
        self.special_mask = False
        self.read_isr = False           # OCW3: the even port reads ISR, not IRR
        self.poll = False               # OCW3: the next read is an acknowledgement
        self.auto_eoi = self.rotate_auto_eoi = False
        self.step = 2

    @property
    def irr(self) -> int:
        """The interrupt request register."""
        return (self.latch & ~self.level) | (self.lines & self.level)

    def set_line(self, number: int, on: bool) -> bool:
        """Drive an input; whether that changed anything."""
        bit = 1 << number
        if bool(self.lines & bit) == bool(on):
            return False
        if on:
            self.lines |= bit
            self.latch |= bit
        else:
            self.lines &= ~bit
            self.latch &= ~bit
        return True

    def highest(self, bits: int) -> int:
        """Which of these inputs has the highest priority, or -1."""
        if not bits:
            return -1
        first = self.lowest + 1
        turned = (bits << 8 | bits) >> (first & 7) & 0xFF
        return ((turned & -turned).bit_length() - 1 + first) & 7

    def pending(self) -> int:
        """The input that INT stands for, or -1: the highest request, if nothing as high is in service."""
        requests = self.irr & ~self.imr
        if not (requests and self.set_up):
            return -1
        blocking = self.isr
        if self.special_mask:           # what is masked does not keep lower ones out
            blocking &= ~self.imr
        wanted = self.highest(requests)
        if not blocking:
            return wanted
        served = self.highest(blocking)
        if wanted == served:            # special fully nested mode lets the slave ask again
            return wanted if wanted == CASCADE and self.special_nested and self.has_slave else -1
        first = self.lowest + 1
        return wanted if (wanted - first) & 7 < (served - first) & 7 else -1

    def take(self, number: int) -> None:
        """The acknowledgement of an input: it goes into service."""
        bit = 1 << number
        self.latch &= ~bit
        if not self.auto_eoi:
            self.isr |= bit
        elif self.rotate_auto_eoi:
            self.lowest = number

    def end(self, number: int, rotate: bool) -> None:
        """End of interrupt."""
        self.isr &= ~(1 << number)
        if rotate:
            self.lowest = number

    def in_service(self) -> int:
        """The input that a non-specific end of interrupt means, or -1: the highest in service."""
        return self.highest(self.isr & ~self.imr if self.special_mask else self.isr)

    # ---- what the processor writes ---------------------------------------------------------------------------------

    def write_even(self, value: int) -> None:
        """A0 = 0: ICW1, OCW2 or OCW3, told apart by bits 4 and 3.

            ICW1   0 0 0 1 LTIM ADI SNGL IC4     LTIM has no effect in a PC: the ELCR replaces it
            OCW2   R SL EOI 0 0 L2 L1 L0
            OCW3   0 ESMM SMM 0 1 P RR RIS
        """
        if value & 0x10:
            self.initialize()
            self.set_up = True
            self.needs_icw4 = bool(value & 0x01)
            self.single = bool(value & 0x02)
            if not self.needs_icw4:
                self.special_nested = False
        elif value & 0x08:
            if value & 0x40:
                self.special_mask = bool(value & 0x20)
            if value & 0x04:
                self.poll = True
            elif value & 0x02:
                self.read_isr = bool(value & 0x01)
        else:
            self._command(value >> 5, value & 7)

    def _command(self, command, number):
        if command == 0 or command == 4:                # rotate in automatic EOI mode: clear, set
            self.rotate_auto_eoi = command == 4
        elif command == 1 or command == 5:              # non-specific EOI, and rotate
            served = self.in_service()
            if served >= 0:
                self.end(served, command == 5)
        elif command == 3 or command == 7:              # specific EOI, and rotate
            self.end(number, command == 7)
        elif command == 6:                              # set priority
            self.lowest = number

    def write_odd(self, value: int) -> None:
        """A0 = 1: the next ICW, or OCW1.

            ICW2   T7 T6 T5 T4 T3 0 0 0          ICW3   which inputs have slaves, or the slave's number
            ICW4   0 0 0 SFNM BUF M/S AEOI uPM   OCW1   the interrupt mask register
        """
        if self.step == 0:
            self.imr = value
        elif self.step == 2:
            self.base = value & 0xF8
            self.step = 3 if not self.single else 4 if self.needs_icw4 else 0
        elif self.step == 3:
            self.step = 4 if self.needs_icw4 else 0
        else:
            self.special_nested = bool(value & 0x10)
            self.auto_eoi = bool(value & 0x02)
            self.step = 0


class Pic(Device):
    """The pair. `set_irq` is what devices call, `acknowledge` what the processor does on INTR."""

    name = "pic"

    def __init__(self, machine):
        super().__init__(machine)
        self.chips = (Chip(has_slave=True), Chip(has_slave=False))
        self.master, self.slave = self.chips
        self.intr = False               # what machine.interrupt was told last
        self.listeners: list[Callable[[int, bool], None]] = []      # who else hears of an interrupt line: the I/O APIC
        self.reset()
        bus = machine.bus
        for chip, port in ((0, 0x20), (1, 0xA0)):
            bus.add(self.name, port, 2, read=self._reader(chip), write=self._writer(chip))
        bus.add(self.name, 0x4D0, 2, read=self._read_level, write=self._write_level)

    def reset(self) -> None:
        """Power-on state. Lines that are high stay high: they belong to the devices."""
        for chip in self.chips:
            chip.power_on()
        self._update()

    def snapshot(self) -> dict:
        return {"chips": [{field: getattr(chip, field) for field in Chip.STATE} for chip in self.chips],
                "intr": self.intr}

    def restore(self, state: dict) -> None:
        for chip, fields in zip(self.chips, state["chips"]):
            for field in Chip.STATE:
                setattr(chip, field, fields[field])
        self.intr = state["intr"]
        self.machine.interrupt(self.intr)

    # ---- lines -----------------------------------------------------------------------------------------------------

    def set_irq(self, number: int, level: bool) -> None:
        """Drive interrupt line 0..15. A device holds it high until it has been served."""
        if number < 8:
            changed = self.master.set_line(number, level)
        else:
            changed = self.slave.set_line(number - 8, level)
        if changed:
            self._update()
            for listener in self.listeners:
                listener(number, level)

    def pulse(self, number: int) -> None:
        """A low pulse and a rising edge, as an output makes that is high most of the time."""
        self.set_irq(number, False)
        self.set_irq(number, True)

    def _update(self):
        """Carry the outputs on: slave to master, master to processor."""
        master = self.master
        master.set_line(CASCADE, self.slave.pending() >= 0)
        intr = master.pending() >= 0
        if intr != self.intr:
            self.intr = intr
            self.machine.interrupt(intr)

    def acknowledge(self) -> int:
        """INTA: the vector of the highest request, which goes into service. A request that vanished gives line 7's."""
        master = self.master
        number = master.pending()
        if number < 0:
            return master.base + 7
        master.take(number)
        vector = master.base + number
        if number == CASCADE:
            slave = self.slave
            number = slave.pending()
            if number < 0:
                vector = slave.base + 7
            else:
                slave.take(number)
                vector = slave.base + number
            master.set_line(CASCADE, False)             # INT falls with the acknowledgement; _update may raise it anew
        self._update()
        return vector

    # ---- ports -----------------------------------------------------------------------------------------------------

    def _reader(self, which):
        chip = self.chips[which]

        def read(offset, size):
            if chip.poll:
                chip.poll = False
                number = chip.pending()
                if number < 0:
                    return 0
                chip.take(number)
                if chip is self.slave:
                    self.master.set_line(CASCADE, False)
                self._update()
                return 0x80 | number
            if offset:
                return chip.imr
            return chip.isr if chip.read_isr else chip.irr
        return read

    def _writer(self, which):
        chip = self.chips[which]

        def write(offset, value, size):
            if offset:
                chip.write_odd(value)
            else:
                chip.write_even(value)
            self._update()
        return write

    #   4D0h: IRQ 7 6 5 4 3 - - -       4D1h: IRQ 15 14 - 12 11 10 9 -       1: level triggered

    def _read_level(self, offset, size):
        return self.chips[offset].level

    def _write_level(self, offset, value, size):
        self.chips[offset].level = value & (0xDE if offset else 0xF8)
        self._update()
