"""Resource descriptors: which ports, interrupts and addresses a device uses, or can use, or passes on.

A template is a buffer of descriptors with an end tag. Small ones have their type and length in the first byte:

    0 tttt lll   lll bytes follow                IO, IRQ, end tag
    1 ttttttt    length, word; so many follow    memory, address spaces, interrupts by number

An address space descriptor (Word here, the other sizes have the same fields, 4 and 8 bytes each) says which addresses a
bridge passes on:

    88 | length 000D | type | flags | type's flags | granularity | minimum | maximum | offset | length
         type 0 memory  1 I/O  2 bus numbers
         flags   3 the maximum is fixed   2 the minimum is   1 subtractive decoding   0 uses it up itself

Source: ACPI Specification 6.5, section 6.4, "Resource Data Types for ACPI"; section 19.6 for ASL's names.
"""
from __future__ import annotations

import struct

from boot.acpi.aml import Buffer

MEMORY, IO_SPACE, BUS = 0, 1, 2
MAX_FIXED, MIN_FIXED, CONSUMER = 0x08, 0x04, 0x01
ENTIRE_RANGE = 0x03                     # of I/O: ISA's ports and all others
READ_WRITE, CACHEABLE = 0x01, 0x02      # of memory
SHARED, ACTIVE_LOW = 0x08, 0x04         # of Interrupt; bit 1 would be edge triggered
END_TAG = b"\x79\x00"                   # the checksum 0 stands for "none"


def ResourceTemplate(*descriptors: bytes) -> bytes:
    """The buffer that _CRS and _PRS are."""
    return Buffer(b"".join(descriptors) + END_TAG)


def IO(minimum: int, maximum: int, alignment: int, count: int) -> bytes:
    """`count` ports, the first anywhere from minimum to maximum; all 16 bits of the address are decoded."""
    return struct.pack("<BBHHBB", 0x47, 0x01, minimum, maximum, alignment, count)


def ports(first: int, count: int) -> bytes:
    """IO for ports that cannot move."""
    return IO(first, first, 1, count)


def IRQNoFlags(*lines: int) -> bytes:
    """One of these lines of the two 8259s, edge triggered, active high and not shared: as ISA has them."""
    return struct.pack("<BH", 0x22, sum(1 << line for line in lines))


def DMA(*channels: int) -> bytes:
    """One of these channels of the 8237s, compatible timing, no bus mastering; bytes below channel 4, else words.

        2A | channels, a bit each | 1..0 of the flags: 0 bytes, 2 words
    """
    return struct.pack("<BBB", 0x2A, sum(1 << channel for channel in channels), 2 if max(channels) >= 4 else 0)


def Interrupt(*numbers: int) -> bytes:
    """One of these interrupts, level triggered, active low and shared: as PCI has them. The first stands at byte 5.

        89 | length, word | flags | count | number, 4 bytes | ...
    """
    flags = SHARED | ACTIVE_LOW | CONSUMER
    return struct.pack(f"<BHBB{len(numbers)}I", 0x89, 2 + 4 * len(numbers), flags, len(numbers), *numbers)


def WordBusNumber(first: int, last: int) -> bytes:
    """The buses below a bridge."""
    return _space("H", 0x88, BUS, 0, first, last)


def WordIO(first: int, last: int) -> bytes:
    """Ports that a bridge passes on."""
    return _space("H", 0x88, IO_SPACE, ENTIRE_RANGE, first, last)


def DWordMemory(first: int, last: int, cacheable: bool = False) -> bytes:
    """Addresses below 4 GB that a bridge passes on."""
    return _space("I", 0x87, MEMORY, READ_WRITE | (CACHEABLE if cacheable else 0), first, last)


def _space(size, tag, kind, kind_flags, first, last):
    """A range that is where it is: minimum and maximum are fixed, granularity and offset 0."""
    content = struct.pack(f"<BBB5{size}", kind, MAX_FIXED | MIN_FIXED, kind_flags, 0, first, last, 0, last - first + 1)
    return struct.pack("<BH", tag, len(content)) + content
