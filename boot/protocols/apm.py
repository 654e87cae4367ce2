"""The entry for protected mode of the BIOS's power management, which multiboot kernels are told of.

As GRUB does it: whoever was connected to APM is disconnected, and the 32-bit interface is connected and stays so.

Source: APM BIOS Interface Specification 1.2, "Protected Mode 32-bit Interface Connect"; Multiboot Specification 0.6.96.
"""
from __future__ import annotations

import struct

from boot.protocols import bios_call

INSTALLED, CONNECT_32, DISCONNECT = 0x5300, 0x5303, 0x5304
SIZE = 20


def table(machine) -> bytes | None:
    """The table of both versions of multiboot, which connects to APM; None where there is no 32-bit interface.

        0 version   2 cseg   4 offset (32 bits)   8 cseg_16   10 dseg   12 flags   14 cseg_len   16 cseg_16_len   18 dseg_len
    """
    if not bios_call.possible(machine):
        return None
    installed = bios_call.call(machine, 0x15, eax=INSTALLED)
    if installed.carry:
        return None
    bios_call.call(machine, 0x15, eax=DISCONNECT)
    connected = bios_call.call(machine, 0x15, eax=CONNECT_32)
    if connected.carry:
        return None
    lengths = connected.esi & 0xFFFF, connected.esi >> 16, connected.edi & 0xFFFF
    return struct.pack("<HHI6H", installed.eax & 0xFFFF, connected.eax & 0xFFFF, connected.ebx, connected.ecx & 0xFFFF,
                       connected.edx & 0xFFFF, installed.ecx & 0xFFFF, *lengths)
