"""The ports of the board itself: fast A20 and reset, POST codes, the debug console, and what is only there to be written.

    80h    POST codes                              92h    1 A20 gate   0 reset, when it becomes 1
    E9h    debug console (402h: firmware's)        CF9h   2 reset, when it becomes 1   1 hard, not only the processor
    EDh    delay

Source: IBM PS/2 Hardware Interface Technical Reference, "System Control Port A"; Intel 82371AB (PIIX4) data sheet,
"Reset Control Register"; Bochs and QEMU for E9h and 402h.
"""
from __future__ import annotations

from x86.devices.device import Device

MAX_CODES = 1024                        # Linux writes to port 80h for delay, very often


class SystemPorts(Device):
    """Ports that belong to no chip of their own.

    codes           the first POST codes as (time in ticks, code), repetitions left out
    code            the code written last, or None
    debug_output    all bytes written to the debug console
    drives_a20      whether port 92h is wired to the A20 gate
    """

    name = "sysports"
    STATE = ("codes", "code", "debug_output", "control_a", "reset_control", "drives_a20")

    def __init__(self, machine):
        super().__init__(machine)
        self.clock = machine.clock
        self.drives_a20 = True
        self.reset()
        self.codes: list[tuple[int, int]] = []
        self.code: int | None = None
        self.debug_output = bytearray()
        bus = machine.bus
        bus.add("POST codes", 0x80, 1, write=self._write_code)
        bus.add("port 92h", 0x92, 1, read=self._read_control_a, write=self._write_control_a)
        bus.add("debug console", 0xE9, 1, read=lambda offset, size: 0xE9, write=self._write_debug)
        bus.add("debug console", 0x402, 1, read=lambda offset, size: 0xE9, write=self._write_debug)
        bus.add("delay", 0xED, 1)

    def reset(self) -> None:
        """Power-on state. What was said stays said."""
        self.control_a = 0              # bits of port 92h that only are remembered
        self.reset_control = 0

    @property
    def debug_text(self) -> str:
        """What was written to the debug console, as UTF-8."""
        return self.debug_output.decode("utf-8", "replace")

    def _write_code(self, offset, value, size):
        if value != self.code:
            self.code = value
            if len(self.codes) < MAX_CODES:
                self.codes.append((self.clock.now, value))

    def _write_debug(self, offset, value, size):
        self.debug_output.append(value)

    def _read_control_a(self, offset, size):
        return self.control_a & ~0x02 | self.machine.cpu.a20 << 1

    def _write_control_a(self, offset, value, size):
        rises = value & ~self.control_a & 0x01
        self.control_a = value
        if self.drives_a20:
            self.machine.set_a20(bool(value & 0x02))
        if rises:
            self.machine.request_reset("port 92h")

    # Port CF9h lies among those of the PCI bus (pci.py), which pass it on.

    def read_reset_control(self) -> int:
        return self.reset_control

    def write_reset_control(self, value: int) -> None:
        rises = value & ~self.reset_control & 0x04
        self.reset_control = value & 0x02       # bit 2 falls with the reset
        if rises:
            self.machine.request_reset("port CF9h")
