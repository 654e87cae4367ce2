"""ACPI and SMBIOS, where operating systems look for them on a PC with a BIOS.

    F0000 + DESCRIPTIONS    ACPI's root pointer, both entry points of SMBIOS, and its structures: in the ROM
    top of memory           ACPI's other tables, written by POST; the memory map gives them types of their own

A machine with too little memory to spare some for the tables has no root pointer either.

Source: ACPI Specification 6.5, section 5.2.5.1, "Finding the RSDP on IA-PC Systems"; DMTF DSP0134, section 5.2.
"""
from __future__ import annotations

from boot import acpi, layout, smbios

ROOT_POINTER, ENTRY_3, ENTRY_2, STRUCTURES = (layout.DESCRIPTIONS + offset for offset in (0x00, 0x30, 0x50, 0x70))


def acpi_tables(memory) -> tuple[int, acpi.Tables] | None:
    """Where the tables of a machine with this memory begin, and they; None without room for them."""
    base = layout.acpi_tables(memory.ram_low)
    return None if base is None else (base, acpi.build(base, base + layout.ACPI_TABLES_SIZE))


def root_pointer(memory) -> int:
    """The physical address of ACPI's root pointer; 0 where there is none."""
    return layout.ROM + ROOT_POINTER if layout.acpi_tables(memory.ram_low) else 0


def into_rom(rom: bytes, machine) -> bytes:
    """The ROM with what of the descriptions lies in it."""
    data = bytearray(rom)
    described = smbios.build(machine, layout.ROM + STRUCTURES)
    parts = {ENTRY_3: described.entry_3, ENTRY_2: described.entry_2, STRUCTURES: described.table}
    found = acpi_tables(machine.memory)
    if found:
        parts[ROOT_POINTER] = found[1].rsdp
    for offset, part in parts.items():
        data[offset:offset + len(part)] = part
    return bytes(data)


def write_acpi_tables(memory) -> None:
    """POST: put ACPI's tables to the end of memory, whatever was left there by what ran before a reset."""
    found = acpi_tables(memory)
    if found:
        base, built = found
        facs = base + layout.ACPI_TABLES_SIZE
        memory.write(base, built.tables)
        memory.write(facs, built.facs.ljust(layout.ACPI_NVS_SIZE, b"\0"))
