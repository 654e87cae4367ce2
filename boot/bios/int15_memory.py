"""INT 15h: how much memory there is, and where. Four answers of four generations, from the same facts.

Source: ACPI specification, "System Address Map Interfaces" (E820h); Ralf Brown's Interrupt List, INT 15.
"""
from __future__ import annotations

import struct

from boot import layout
from boot.bios.service import service

SMAP = 0x534D4150                                   # "SMAP"
USABLE, RESERVED, ACPI_RECLAIM, ACPI_NVS = 1, 2, 3, 4
KINDS = {USABLE: "usable", RESERVED: "reserved", ACPI_RECLAIM: "ACPI tables", ACPI_NVS: "ACPI NVS"}
MEGABYTE = 1 << 20


def memory_map(bios) -> list[tuple[int, int, int]]:
    """(start, length, type) of every stretch that E820h tells, in ascending order."""
    memory = bios.machine.memory
    low, high = memory.ram_low, memory.ram_high
    if bios.word(layout.EBDA_SEGMENT_WORD):
        entries = [(0, layout.EBDA, USABLE), (layout.EBDA, layout.CONVENTIONAL_END - layout.EBDA, RESERVED)]
    else:
        entries = [(0, layout.CONVENTIONAL_END, USABLE)]
    entries.append((layout.ROM, layout.ROM_SIZE, RESERVED))
    end, tables = layout.usable_end(low), layout.acpi_tables(low)
    if end > layout.EXTENDED_MEMORY:
        entries.append((layout.EXTENDED_MEMORY, end - layout.EXTENDED_MEMORY, USABLE))
    if tables and "pm" in bios.machine.devices:        # without ACPI they are simply not used
        entries.append((tables, layout.ACPI_TABLES_SIZE, ACPI_RECLAIM))
        entries.append((tables + layout.ACPI_TABLES_SIZE, layout.ACPI_NVS_SIZE, ACPI_NVS))
    entries.append((layout.ROM_ALIAS, layout.ROM_SIZE, RESERVED))
    if high:
        entries.append((layout.FOUR_GB, high, USABLE))
    return entries


@service(0x15, 0xE820, "memory map")
def query_map(bios, call):
    """EBX: 0 for the first entry, else what the last call gave. ES:DI gets 20 or 24 bytes, as ECX has room."""
    entries = bios.quirks.memory_map(memory_map(bios))
    index, room = call.ebx, call.ecx
    if call.edx != SMAP or room < 20 or index >= len(entries):
        call.note(f"memory map entry {index}: {'SMAP is missing' if call.edx != SMAP else 'no such entry'}")
        call.ah = 0x86
        call.carry = True
        return
    start, length, kind = entries[index]
    data = struct.pack("<QQI", start, length, kind)
    if room >= 24:
        data += struct.pack("<I", 1)                # ACPI 3.0: the entry is valid
    call.write("es", call.di, data)
    call.eax, call.ecx = SMAP, len(data)
    call.ebx = index + 1 if index + 1 < len(entries) else 0
    call.carry = False
    call.note(f"memory map entry {index}: {start:#x} + {length:#x}, {KINDS[kind]}")


@service(0x15, 0xE801, "memory above 1 MB")
def query_size(bios, call):
    """KB from 1 to 16 MB in AX and CX, 64 KB units from 16 MB to 4 GB in BX and DX."""
    end = layout.usable_end(bios.machine.memory.ram_low)
    call.ax = call.cx = max(0, min(end, 16 * MEGABYTE) - MEGABYTE) >> 10
    call.bx = call.dx = max(0, end - 16 * MEGABYTE) >> 16
    call.carry = False


@service(0x15, 0xE881, "memory above 1 MB, in 32-bit registers")
def query_size_32(bios, call):
    """AX=E801h's answer in EAX, EBX, ECX, EDX."""
    call.eax = call.ebx = call.ecx = call.edx = 0
    query_size(bios, call)


@service(0x15, 0x8A, "extended memory size, beyond 64 MB")
def big_size(bios, call):
    """KB above 1 MB in DX:AX."""
    kilobytes = max(0, layout.usable_end(bios.machine.memory.ram_low) - MEGABYTE) >> 10
    call.dx, call.ax = kilobytes >> 16, kilobytes & 0xFFFF
    call.carry = False


@service(0x15, 0xDA88, "extended memory size, AMI's")
def big_size_of_ami(bios, call):
    """KB above 1 MB in CL:BX."""
    kilobytes = max(0, layout.usable_end(bios.machine.memory.ram_low) - MEGABYTE) >> 10
    call.cl, call.bx = min(kilobytes >> 16, 0xFF), kilobytes & 0xFFFF
    call.ah = 0
    call.carry = False


@service(0x15, 0x88, "extended memory size")
def extended_size(bios, call):
    """KB above 1 MB in AX, at most 63 MB: more would not be believed by those who ask this."""
    end = layout.usable_end(bios.machine.memory.ram_low)
    call.ax = min(max(0, end - MEGABYTE) >> 10, 0xFC00)
    call.carry = False


@service(0x15, None, "not implemented")
def nothing(bios, call):
    call.unimplemented()
