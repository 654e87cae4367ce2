"""Which interrupt a PCI device's pin is led to: the $PIR table in the ROM, and the bridge's registers behind it.

    00  "$PIR"     04  version 1.0    06  size, word     08  router: bus, device and function
    0A  interrupts that are PCI's alone, a bit each      0C  a router that this one is like     1F  checksum
    20  for each slot:  bus   device << 3   (link, interrupts it may have, word) for the pins A to D   slot number   0

A link is the router's register for one of its four lines, 60h to 63h of the PIIX3: pins with the same link share an
interrupt. Operating systems without ACPI lead the interrupts by this table; with ACPI by _PRT (boot/acpi/dsdt.py), which
says the same.

Source: PCI IRQ Routing Table Specification 1.0 (Microsoft); Intel 82371SB (PIIX3) data sheet, PIRQRC.
"""
from __future__ import annotations

import struct

from boot.acpi.dsdt import LINES, PIRQ_INPUTS, PIRQ_ROUTES, SLOTS

ROUTER = 1 << 3                         # device 1, function 0: the PIIX3
COMPATIBLE = 0x122E_8086                # the PIIX, which drivers know
ALLOWED = sum(1 << line for line in PIRQ_INPUTS)
ENTRY = 16                              # bytes for a slot
HEADER = 32
WIRED = (1, 0)                          # slot and pin of the power management, whose SCI does not go by a link


def link(slot: int, pin: int) -> int:
    """The router's register for pin 0 to 3 (A to D) of a slot; 0 if no line leads there."""
    return 0 if (slot, pin) == WIRED or slot not in SLOTS else PIRQ_ROUTES + (slot - 1 + pin) % len(LINES)


def entries() -> bytes:
    """16 bytes a slot, as the table has them and INT 1Ah AX=B10Eh gives them."""
    found = bytearray()
    for slot in SLOTS:
        found += bytes((0, slot << 3))
        for pin in range(4):
            register = link(slot, pin)
            found += struct.pack("<BH", register, ALLOWED if register else 0)
        found += bytes((slot, 0))
    return bytes(found)


def table() -> bytes:
    """The whole table, with its checksum."""
    slots = entries()
    found = bytearray(struct.pack("<4sHHBBHII11xB", b"$PIR", 0x0100, HEADER + len(slots), 0, ROUTER, ALLOWED, COMPATIBLE,
                                  0, 0) + slots)
    found[31] = -sum(found) & 0xFF
    return bytes(found)


def lead(bios, slot: int, pin: int, interrupt: int) -> bool:
    """Lead a pin, and all that share its line, to an interrupt. False if that cannot be."""
    from boot.bios.int1a_pci import write
    register = link(slot, pin)
    if not register or interrupt not in PIRQ_INPUTS:
        return False
    write(bios, ROUTER, register, interrupt, 1)
    return True
