"""The PCI bus of the i440FX board: configuration mechanism #1, and what sits in its slots.

    0CF8h  31 enable   23..16 bus   15..11 device   10..8 function   7..2 register
    0CFCh  the four bytes of that register

    00.0  8086:1237  i440FX host bridge            01.0  8086:7000  PIIX3 ISA bridge
    02.0  1234:1111  VGA                           01.3  8086:7113  PIIX4 power management

Decoding, interrupt lines and the power management's address are as firmware leaves them, since a machine without a PCI
firmware starts here; all else is as after reset. Where nobody sits, reads give all ones.

Source: PCI Local Bus Specification 2.1, "Configuration Mechanism #1" and "Configuration Space Header"; Intel 82441FX
(290549) and 82371AB (PIIX4, 290562) data sheets; QEMU's pc for identities and reset values.
"""
from __future__ import annotations

from collections.abc import Callable

from x86.devices.device import Device
from x86.devices.vga_linear import FRAME_BUFFER, REGISTERS

ENABLE = 0x8000_0000
COMMAND, HEADER_TYPE, SUBSYSTEM, INTERRUPT_LINE, INTERRUPT_PIN = 0x04, 0x0E, 0x2C, 0x3C, 0x3D
MULTI_FUNCTION = 0x80
PAM = 0x59                              # of the host bridge, 7 bytes: what is read and written at C0000-FFFFF

Listener = Callable[[int, int], None]   # (first register, count of bytes) that may have changed


class Function:
    """One function's configuration space.

        00 vendor, device   04 command, status   08 revision, class   0C cache line, latency, header type
        10 base addresses   2C subsystem         3C interrupt line, pin            40 to FF its own registers

    config     256 bytes
    writable   a mask for each of them
    """

    def __init__(self, vendor: int, device: int, class_code: int, revision: int, initial: dict[int, int],
                 writable: dict[int, int] | None = None):
        self.initial = bytearray(256)
        self.initial[0:4] = (device << 16 | vendor).to_bytes(4, "little")
        self.initial[8:12] = (class_code << 8 | revision).to_bytes(4, "little")
        self.initial[SUBSYSTEM:SUBSYSTEM + 4] = bytes.fromhex("F4 1A 00 11")            # 1AF4:1100, as in QEMU
        for register, value in initial.items():
            self.initial[register] = value
        self.writable = bytearray(64) + bytearray(b"\xFF" * 192)
        self.writable[COMMAND:COMMAND + 2] = b"\x47\x05"
        self.writable[0x0C] = self.writable[INTERRUPT_LINE] = 0xFF
        for register, mask in (writable or {}).items():
            self.writable[register] = mask
        self.config = bytearray(self.initial)
        self.listeners: list[Listener] = []

    def read(self, register: int, size: int) -> int:
        return int.from_bytes(self.config[register:register + size], "little")

    def write(self, register: int, value: int, size: int) -> None:
        for place in range(register, register + size):
            mask = self.writable[place]
            self.config[place] = self.config[place] & ~mask | value & mask & 0xFF
            value >>= 8
        self.changed(register, size)

    def changed(self, register: int = 0, size: int = 256) -> None:
        for listener in self.listeners:
            listener(register, size)


class Pci(Device):
    """The bus. `functions` is {(device, function): Function}.

    Who has to know when a configuration register changes appends to a function's `listeners`: the power management its
    base address, and whoever shadows ROM the registers from PAM on of functions[0, 0].
    """

    name = "pci"

    def __init__(self, machine):
        super().__init__(machine)
        self.functions: dict[tuple[int, int], Function] = {
            (0, 0): Function(0x8086, 0x1237, 0x060000, 0x02, {
                COMMAND: 0x07, 0x57: 0x08, 0x72: 0x02}),        # SMRAM closed; nothing shadowed (PAM)
            (1, 0): Function(0x8086, 0x7000, 0x060100, 0x00, {
                COMMAND: 0x07, 0x07: 0x02, HEADER_TYPE: MULTI_FUNCTION, 0x4C: 0x4D, 0x4E: 0x03,
                0x60: 10, 0x61: 10, 0x62: 11, 0x63: 11,         # PIRQ A to D
                0x69: 0x02, 0x70: 0x80, 0x76: 0x0C, 0x77: 0x0C, 0x78: 0x02, 0xA0: 0x08, 0xA8: 0x0F}),
            (1, 3): Function(0x8086, 0x7113, 0x068000, 0x03, {
                COMMAND: 0x03, 0x06: 0x80, 0x07: 0x02, INTERRUPT_LINE: 9, INTERRUPT_PIN: 1,
                0x40: 0x01, 0x41: 0x06,                         # registers at 600h
                0x5B: 0x02,                                     # APMC_EN: nobody need set up SMM
                0x5F: 0x10, 0x63: 0x60, 0x67: 0x08, 0x80: 0x01,
                0x90: 0x01, 0x91: 0xB1, 0xD2: 0x09}, {0x40: 0xC0, 0x41: 0xFF, 0x42: 0, 0x43: 0}),
            (2, 0): Function(0x1234, 0x1111, 0x030000, 0x02, {
                COMMAND: 0x03, 0x10: 0x08, 0x13: FRAME_BUFFER >> 24,    # 16 MB, prefetchable
                0x1A: REGISTERS >> 16 & 0xFF, 0x1B: REGISTERS >> 24}, {0x13: 0xFF, 0x19: 0xF0, 0x1A: 0xFF, 0x1B: 0xFF}),
        }
        self.address = 0
        bus = machine.bus
        bus.add(self.name, 0xCF8, 4, read=self._read_address, write=self._write_address, widths=(1, 2, 4))
        bus.add(self.name, 0xCFC, 4, read=self._read_data, write=self._write_data, widths=(1, 2, 4))

    def reset(self) -> None:
        self.address = 0
        for function in self.functions.values():
            function.config[:] = function.initial
            function.changed()

    def snapshot(self) -> dict:
        return {"address": self.address, "config": {at: bytes(each.config) for at, each in self.functions.items()}}

    def restore(self, state: dict) -> None:
        self.address = state["address"]
        for at, config in state["config"].items():
            self.functions[at].config[:] = config
            self.functions[at].changed()

    # ---- CF8h to CFFh ----------------------------------------------------------------------------------------------

    def _read_address(self, offset, size):
        if size == 4:
            return self.address
        if size == 1 and offset == 1:
            return self.machine.devices["sysports"].read_reset_control()
        return (1 << 8 * size) - 1

    def _write_address(self, offset, value, size):
        if size == 4:                   # only a whole write is for this register
            self.address = value & 0x80FF_FFFC
        elif size == 1 and offset == 1:
            self.machine.devices["sysports"].write_reset_control(value)

    def _selected(self):
        """The function that the address register names, or None."""
        address = self.address
        if not address & ENABLE or address & 0xFF_0000:
            return None
        return self.functions.get((address >> 11 & 0x1F, address >> 8 & 7))

    def _read_data(self, offset, size):
        function = self._selected()
        if function is None:
            return (1 << 8 * size) - 1
        return function.read((self.address & 0xFC) + offset, size)

    def _write_data(self, offset, value, size):
        function = self._selected()
        if function is not None:
            function.write((self.address & 0xFC) + offset, value, size)
