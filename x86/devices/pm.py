"""ACPI power management of the PIIX4: timer, events, control, and the way to switch the machine off.

    base + 0   PM1 status    15 wake  10 RTC  8 power button  5 global lock  0 timer's bit 23 changed     1 clears
    base + 2   PM1 enable    the same bits: which of them raise SCI, IRQ 9
    base + 4   PM1 control   13 sleep enable  12 11 10 sleep type  1 bus masters wake  0 SCI, not SMI
    base + 8   PM timer      24 bits at 3.579545 MHz
    B2h, B3h   APM control and status: F1h to B2h gives the power management to ACPI, F0h takes it back
    AFE0h      general-purpose events: status, enable

base comes from register 40h of the PCI function, 600h unless the guest moves it. B004h, where Bochs and old QEMUs had
PM1 control, works too, for kernels that write 2000h there to switch off.

Source: Intel 82371AB (PIIX4) data sheet, "Power Management I/O Space Registers"; ACPI Specification, "PM1 Control Registers"
and "Power Management Timer".
"""
from __future__ import annotations

from x86.devices.device import Device

HERTZ = 3_579_545
TIMER_BITS = 24
SCI = 9
TIMER, GLOBAL_LOCK, POWER_BUTTON, RTC, WAKE = 0x0001, 0x0020, 0x0100, 0x0400, 0x8000
SCI_ENABLE, SLEEP = 0x0001, 0x2000
SOFT_OFF, SUSPEND_TO_RAM = 0, 1         # sleep types; 2 is suspend to disk
ACPI_ENABLE, ACPI_DISABLE = 0xF1, 0xF0
BASE, PORTS = 0x600, 0x40               # where firmware puts the ports, and how many the PIIX4 decodes
SMI_COMMAND, EVENTS, EVENTS_SIZE, OLD_CONTROL = 0xB2, 0xAFE0, 4, 0xB004
STATUS_OFFSET, CONTROL_OFFSET, TIMER_OFFSET, REGISTERS = 0, 4, 8, 12


class Pm(Device):
    """The power management function. `base` is where its ports are now, or None."""

    name = "pm"
    STATE = ("status", "enable", "control", "halves", "events", "event_enable", "apm_control", "apm_status")

    def __init__(self, machine):
        super().__init__(machine)
        self.clock = machine.clock
        self.pic = machine.devices["pic"]
        self.function = machine.devices["pci"].functions[1, 3]
        self.base: int | None = None
        bus = machine.bus
        bus.add("APM control", SMI_COMMAND, 2, read=self._read_apm, write=self._write_apm)
        bus.add("ACPI events", EVENTS, EVENTS_SIZE, read=self._read_events, write=self._write_events)
        self.reset()
        self.function.listeners.append(self._moved)
        self._move()

    def reset(self) -> None:
        """Power-on state; the base address is the PCI function's."""
        self.clock.cancel(self.name)
        self.status = self.enable = self.control = 0
        self.halves = self._halves()    # how often the timer's highest bit had changed when TIMER was worked out
        self.events = self.event_enable = 0
        self.apm_control = self.apm_status = 0
        self._signal()

    # ---- where -----------------------------------------------------------------------------------------------------

    def _moved(self, register, size):
        if register < 0x44 and register + size > 0x40 or register <= 0x80 < register + size:
            self._move()

    def _move(self):
        """Answer where the PCI registers say: 40h has the address, bit 0 of 80h switches the ports on."""
        config = self.function.config
        base = (config[0x41] << 8 | config[0x40]) & 0xFFC0
        wanted = base if config[0x80] & 1 and base else None
        if wanted == self.base:
            return
        bus = self.machine.bus
        if self.base is not None:
            bus.remove(self.base, REGISTERS)
        if bus.owner(OLD_CONTROL) == "shutdown port":
            bus.remove(OLD_CONTROL, 2)
        if wanted is not None and any(bus.owner(wanted + offset) for offset in range(REGISTERS)):
            wanted = None               # the guest put it onto another device
        self.base = wanted
        if wanted is not None:
            bus.add(self.name, wanted, TIMER_OFFSET, read=self._read, write=self._write, widths=(1, 2, 4))
            bus.add("PM timer", wanted + TIMER_OFFSET, 4, read=self._read_timer, widths=(1, 2, 4))
        if not bus.owner(OLD_CONTROL):
            bus.add("shutdown port", OLD_CONTROL, 2, write=self._write_control, widths=(1, 2))

    # ---- events ----------------------------------------------------------------------------------------------------

    def power_button(self) -> None:
        """Somebody presses it. What happens is the guest's business."""
        self.status |= POWER_BUTTON
        self._signal()

    def _halves(self):
        return self.clock.cycles(HERTZ) >> TIMER_BITS - 1

    def _settle(self):
        """Note whether the timer's highest bit has changed."""
        halves = self._halves()
        if halves != self.halves:
            self.halves = halves
            self.status |= TIMER

    def _signal(self):
        """Drive SCI, and ask for the time at which the timer will raise it."""
        self._settle()
        self.pic.set_irq(SCI, bool(self.status & self.enable and self.control & SCI_ENABLE
                                   or self.events & self.event_enable))
        self.clock.cancel(self.name)
        if self.enable & ~self.status & TIMER and self.control & SCI_ENABLE:
            self.clock.at(self.clock.time_of(self.halves + 1 << TIMER_BITS - 1, HERTZ), self.name, "timer")

    def timer(self) -> None:
        """Clock event: the timer's highest bit changes."""
        self._signal()

    # ---- ports -----------------------------------------------------------------------------------------------------

    def _read_timer(self, offset, size):
        return (self.clock.cycles(HERTZ) & 0xFF_FFFF) >> 8 * offset & (1 << 8 * size) - 1

    def _read(self, offset, size):
        self._settle()
        registers = self.control << 32 | self.enable << 16 | self.status
        return registers >> 8 * offset & (1 << 8 * size) - 1

    def _write(self, offset, value, size):
        self._settle()
        for place in range(offset, offset + size):
            byte, shift = value & 0xFF, 8 * (place & 1)
            value >>= 8
            if place < 2:
                self.status &= ~(byte << shift)
            elif place < 4:
                self.enable = self.enable & ~(0xFF << shift) | byte << shift
            elif place < 6:
                self._write_control(place - 4, byte, 1)
        self._signal()

    def _write_control(self, offset, value, size):
        mask = (1 << 8 * size) - 1 << 8 * offset
        self.control = self.control & ~mask | value << 8 * offset & mask
        if self.control & SLEEP:
            self.control &= ~SLEEP      # it always reads as 0
            if self.control >> 10 & 7 == SUSPEND_TO_RAM:
                self.status |= WAKE     # nothing sleeps here, so it has woken already
            else:
                self.machine.stop("poweroff", message="the guest switched the machine off (ACPI)")
        self._signal()

    def _read_events(self, offset, size):
        return (self.event_enable << 16 | self.events) >> 8 * offset & 0xFF

    def _write_events(self, offset, value, size):
        shift = 8 * (offset & 1)
        if offset < 2:
            self.events &= ~(value << shift)
        else:
            self.event_enable = self.event_enable & ~(0xFF << shift) | value << shift
        self._signal()

    def _read_apm(self, offset, size):
        return self.apm_status if offset else self.apm_control

    def _write_apm(self, offset, value, size):
        if offset:
            self.apm_status = value
            return
        self.apm_control = value
        if value == ACPI_ENABLE:
            self.control |= SCI_ENABLE
        elif value == ACPI_DISABLE:
            self.control &= ~SCI_ENABLE
        self._signal()
