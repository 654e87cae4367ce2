"""The tables of the MultiProcessor Specification, by which operating systems older than ACPI find the APICs.

    _MP_  16 bytes, in the ROM --> PCMP  header of 44 bytes, then entries

    0  processor 0      20 bytes        3  which input of the I/O APIC an interrupt of the ISA bus has   8 each
    1  the ISA bus       8              4  what LINT0 and LINT1 are for                                 8 each
    2  the I/O APIC      8

Source: MultiProcessor Specification 1.4, chapter 4.
"""
from __future__ import annotations

from construct import Bytes, Const, Int8ul, Int16ul, Int32ul, Padding, Struct

from boot.acpi.madt import LEVEL_ACTIVE_HIGH, LEVEL_INPUTS
from boot.structures import fill, seal
from x86.devices import apic, ioapic

POINTER = Struct("signature" / Const(b"_MP_"), "table" / Int32ul, "length" / Const(1, Int8ul),
                 "revision" / Const(4, Int8ul), "checksum" / Int8ul, "features" / Bytes(5))
HEADER = Struct("signature" / Const(b"PCMP"), "length" / Int16ul, "revision" / Const(4, Int8ul), "checksum" / Int8ul,
                "oem_id" / Bytes(8), "product_id" / Bytes(12), Padding(6), "entries" / Int16ul, "local_apic" / Int32ul,
                Padding(4))
PROCESSOR = Struct("type" / Const(0, Int8ul), "apic_id" / Int8ul, "version" / Int8ul, "flags" / Int8ul, "signature" / Int32ul,
                   "features" / Int32ul, Padding(8))
BUS = Struct("type" / Const(1, Int8ul), "id" / Int8ul, "name" / Bytes(6))
IO_APIC = Struct("type" / Const(2, Int8ul), "id" / Int8ul, "version" / Int8ul, "flags" / Int8ul, "address" / Int32ul)
INTERRUPT = Struct("type" / Int8ul, "kind" / Int8ul, "flags" / Int16ul, "bus" / Int8ul, "irq" / Int8ul, "apic" / Int8ul,
                   "input" / Int8ul)
IO_INTERRUPT, LOCAL_INTERRUPT = 3, 4                    # type
VECTORED, NMI, EXTINT = 0, 1, 3                         # kind
USABLE, BOOT_PROCESSOR = 1, 2
CASCADE = 2                                             # no interrupt of the ISA bus
EVERY_APIC = 0xFF

POINTER_SIZE = POINTER.sizeof()


def build(model, table: int) -> tuple[bytes, bytes]:
    """(the pointer, the table) for a processor of x86.models; the table will lie at physical address `table`."""
    entries = [fill(PROCESSOR, version=apic.VERSION & 0xFF, flags=USABLE | BOOT_PROCESSOR, signature=model.signature,
                    features=model.word("leaf1_edx")),
               fill(BUS, name=b"ISA   "),
               fill(IO_APIC, version=ioapic.VERSION & 0xFF, flags=USABLE, address=ioapic.BASE)]
    for irq in range(16):
        if irq != CASCADE:
            flags = LEVEL_ACTIVE_HIGH if irq in LEVEL_INPUTS else 0
            entries.append(fill(INTERRUPT, type=IO_INTERRUPT, kind=VECTORED, flags=flags, irq=irq, input=ioapic.input_of(irq)))
    entries.append(fill(INTERRUPT, type=LOCAL_INTERRUPT, kind=EXTINT, apic=EVERY_APIC, input=0))
    entries.append(fill(INTERRUPT, type=LOCAL_INTERRUPT, kind=NMI, apic=EVERY_APIC, input=1))
    data = b"".join(entries)
    header = fill(HEADER, length=HEADER.sizeof() + len(data), oem_id=b"X86     ", product_id=b"X86BOARD    ",
                  entries=len(entries), local_apic=apic.BASE)
    return seal(fill(POINTER, table=table, features=bytes(5)), 10), seal(header + data, 7)
