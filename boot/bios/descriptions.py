"""ACPI, SMBIOS and MultiProcessor tables, where operating systems look for them on a PC with a BIOS.

    F0000 + DESCRIPTIONS    ACPI's root pointer, both entry points of SMBIOS, and its structures: in the ROM
    F0000 + MP_TABLES       the tables of the MultiProcessor Specification
    top of memory           ACPI's other tables, written by POST; the memory map gives them types of their own

A machine with too little memory to spare some for ACPI's tables, or with nothing for ACPI to manage, has no root pointer either;
one without APICs has no MP tables.

Source: ACPI Specification 6.5, section 5.2.5.1, "Finding the RSDP on IA-PC Systems"; DMTF DSP0134, section 5.2;
MultiProcessor Specification 1.4, chapter 4.
"""
from __future__ import annotations

from boot import acpi, layout, mp, smbios

ROOT_POINTER, ENTRY_3, ENTRY_2, STRUCTURES = (layout.DESCRIPTIONS + offset for offset in (0x00, 0x30, 0x50, 0x70))


def acpi_tables(machine) -> tuple[int, acpi.Tables] | None:
    """Where the tables of this machine begin, and they; None without room for them, or where there is no ACPI."""
    base = layout.acpi_tables(machine.memory.ram_low)
    if base is None or "pm" not in machine.devices:
        return None
    return base, acpi.build(base, base + layout.ACPI_TABLES_SIZE, "apic" in machine.devices)


def root_pointer(machine) -> int:
    """The physical address of ACPI's root pointer; 0 where there is none."""
    return layout.ROM + ROOT_POINTER if acpi_tables(machine) else 0


def into_rom(rom: bytes, machine) -> bytes:
    """The ROM with what of the descriptions lies in it."""
    data = bytearray(rom)
    described = smbios.build(machine, layout.ROM + STRUCTURES)
    parts = {ENTRY_3: described.entry_3, ENTRY_2: described.entry_2, STRUCTURES: described.table}
    found = acpi_tables(machine)
    if found:
        parts[ROOT_POINTER] = found[1].rsdp
    if "apic" in machine.devices:
        table = layout.MP_TABLES + mp.POINTER_SIZE
        parts[layout.MP_TABLES] = b"".join(mp.build(machine.cpu.model, layout.ROM + table))
    for offset, part in parts.items():
        data[offset:offset + len(part)] = part
    return bytes(data)


def write_acpi_tables(machine) -> None:
    """POST: put ACPI's tables to the end of memory, whatever was left there by what ran before a reset."""
    found = acpi_tables(machine)
    if found:
        base, built = found
        facs = base + layout.ACPI_TABLES_SIZE
        machine.memory.write(base, built.tables)
        machine.memory.write(facs, built.facs.ljust(layout.ACPI_NVS_SIZE, b"\0"))
