"""The multiple APIC description table: which interrupt controllers there are, and which input each interrupt of a PC has.

    address of the local APICs, flags (1: there are 8259s as well), then entries of (type, length, ...):

    0  processor 0 has local APIC 0 and is enabled      2  IRQ 0 is at input 2; the PCI lines and SCI are level triggered
    1  the I/O APIC, whose inputs begin with 0          4  NMI is at LINT1 of every processor

What is not mentioned is as on a PC/AT: IRQ n at input n, edge triggered, active high.

Source: ACPI Specification 6.5, section 5.2.12, "Multiple APIC Description Table (MADT)".
"""
from __future__ import annotations

from construct import Const, Int8ul, Int16ul, Int32ul, Struct

from boot.structures import fill
from x86.devices import apic, ioapic, pm

PCAT_COMPAT = 1
ENABLED = 1
LEVEL_ACTIVE_HIGH = 0x000D              # bits 3..2 trigger mode: 3 level; bits 1..0 polarity: 1 active high
LEVEL_INPUTS = (5, pm.SCI, 10, 11)      # those that the PIIX3 leads PCI's lines to, and SCI
EVERY_PROCESSOR = 0xFF

HEADER = Struct("local_apic_address" / Int32ul, "flags" / Int32ul)
LOCAL_APIC = Struct("type" / Const(0, Int8ul), "length" / Const(8, Int8ul), "processor" / Int8ul, "apic_id" / Int8ul,
                    "flags" / Int32ul)
IO_APIC = Struct("type" / Const(1, Int8ul), "length" / Const(12, Int8ul), "io_apic_id" / Int8ul, "reserved" / Int8ul,
                 "address" / Int32ul, "interrupt_base" / Int32ul)
SOURCE_OVERRIDE = Struct("type" / Const(2, Int8ul), "length" / Const(10, Int8ul), "bus" / Int8ul, "source" / Int8ul,
                         "interrupt" / Int32ul, "flags" / Int16ul)
LOCAL_APIC_NMI = Struct("type" / Const(4, Int8ul), "length" / Const(6, Int8ul), "processor" / Int8ul, "flags" / Int16ul,
                        "lint" / Int8ul)


def content() -> bytes:
    """What follows the table's header."""
    entries = [fill(HEADER, local_apic_address=apic.BASE, flags=PCAT_COMPAT),
               fill(LOCAL_APIC, flags=ENABLED),
               fill(IO_APIC, address=ioapic.BASE),
               fill(SOURCE_OVERRIDE, source=0, interrupt=ioapic.TIMER_INPUT)]
    entries += [fill(SOURCE_OVERRIDE, source=irq, interrupt=irq, flags=LEVEL_ACTIVE_HIGH) for irq in LEVEL_INPUTS]
    return b"".join(entries) + fill(LOCAL_APIC_NMI, processor=EVERY_PROCESSOR, lint=1)
