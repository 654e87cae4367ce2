"""How the PC/AT hears of an x87 exception: FERR# of the processor, IRQ 13, and IGNNE#.

    processor                      board
    FERR#  ----------------------> latch ----> IRQ 13
    IGNNE# <--- while FERR# lasts -- F0h written: the latch is cleared

With CR0.NE = 0 an x87 instruction that meets a pending exception asserts FERR# and waits for the interrupt. The handler writes
port F0h, may then use x87 instructions to look and to clear the exception (FNCLEX), and with that IGNNE# goes.

Source: Intel SDM volume 1, D.2 "Implementation of the MS-DOS Compatibility Sub-mode"; IBM PC/AT Technical Reference,
"Math Coprocessor Control".
"""
from __future__ import annotations

from x86.devices.device import Device

LINE = 13
ERROR_SUMMARY = 1 << 7                  # of the status word: FERR#
NUMERIC_ERROR = 1 << 5                  # CR0.NE: #MF instead of FERR#


class Coprocessor(Device):
    """Port F0h. F1h, the coprocessor's reset, does the same. The latch is the line of the interrupt controller."""

    name = "coprocessor"

    def __init__(self, machine):
        super().__init__(machine)
        machine.bus.add("coprocessor", 0xF0, 2, write=self._clear)

    def error(self) -> None:
        """The processor asserts FERR#."""
        self.machine.devices["pic"].set_irq(LINE, True)

    def _clear(self, offset, value, size):
        cpu = self.machine.cpu
        self.machine.devices["pic"].set_irq(LINE, False)
        cpu.ignore_error = bool(cpu.fsw & ERROR_SUMMARY) and not cpu.cr0 & NUMERIC_ERROR
