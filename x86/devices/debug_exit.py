"""The debug exit at port F4h: a guest that writes a number there ends the run with it.

Source: QEMU's isa-debug-exit device, at the port where kernels' test suites have it.
"""
from __future__ import annotations

from x86.devices.device import Device

PORT = 0xF4


class DebugExit(Device):
    """Four ports, written as a byte, word or double word. It remembers nothing."""

    name = "debug_exit"

    def __init__(self, machine):
        super().__init__(machine)
        machine.bus.add(self.name, PORT, 4, read=lambda offset, size: 0, write=self._write, widths=(1, 2, 4))

    def _write(self, offset, value, size):
        self.machine.stop("debug-exit", value, f"the guest wrote {value:#x} to port {PORT + offset:X}h")
