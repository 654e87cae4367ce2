"""The devices of the board: QEMU's `pc`, an i440FX with a PIIX3, one chip a file."""
from __future__ import annotations

from x86.devices.apic import LocalApic
from x86.devices.coprocessor import Coprocessor
from x86.devices.debug_exit import DebugExit
from x86.devices.device import Device
from x86.devices.dma import Dma
from x86.devices.fw_cfg import FwCfg
from x86.devices.ioapic import IoApic
from x86.devices.pci import Pci
from x86.devices.pic import Pic
from x86.devices.pit import Pit
from x86.devices.pm import Pm
from x86.devices.ps2 import Ps2
from x86.devices.rtc import Rtc
from x86.devices.sysports import SystemPorts
from x86.devices.uart import Uart
from x86.devices.vga import Vga
from x86.devices.vga_linear import Dispi

#: In the order in which they are built: who drives an interrupt line comes after the interrupt controllers,
#: and the VGA after what can take the picture from it.
BOARDS: dict[str, tuple[type[Device], ...]] = {
    "pc": (Pic, LocalApic, IoApic, Dma, Pit, Rtc, Ps2, Uart, Dispi, Vga, SystemPorts, Coprocessor, DebugExit, Pci, Pm, FwCfg),
    "minimal": (Pic, Dma, Pit, Rtc, Ps2, Uart, Dispi, Vga, SystemPorts, Coprocessor, DebugExit),
}
APICS = (LocalApic, IoApic)


def build(machine, board: str = "pc", apic: bool = True) -> dict[str, Device]:
    """Put all devices of a board into machine.devices, by name, and return that. apic: whether the processor has one.

    machine offers: bus, clock, memory, cpu (a20, intr, apic_base, cr8, nmi()), and the methods interrupt(on), set_a20(on),
    request_reset(reason), stop(kind, code, message). ValueError for a board that does not exist."""
    if board not in BOARDS:
        raise ValueError(f"there is no board {board!r}: choose from {', '.join(BOARDS)}")
    for chip in BOARDS[board]:
        if apic or chip not in APICS:
            machine.devices[chip.name] = chip(machine)
    return machine.devices
