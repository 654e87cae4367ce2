"""ACPI for this board: the tables by which an operating system finds its devices and switches it off.

    acpi.build(base, facs)             the bytes, for these addresses
    acpi.install(memory, base, facs)   the same, written into memory

`base` needs SIZE bytes, in memory that the map calls ACPI reclaim; `facs` FACS_SIZE bytes at a multiple of 64, in ACPI
NVS. Both below 4 GB, since half of the pointers have 32 bits. The tables are the same for every machine but for the
pointers and the MADT, which one without APICs has not.
"""
from __future__ import annotations

from typing import NamedTuple

from boot.acpi import tables
from boot.acpi.tables import FACS_ALIGN, FACS_SIZE, RSDP_SIZE
from boot.layout import FOUR_GB

__all__ = ["FACS_SIZE", "RSDP_SIZE", "SIZE", "Tables", "build", "install"]

SIZE = 0x2000                           # bytes that are enough for Tables.tables and a root pointer behind them
ALIGN = 16                              # of every table, and of the root pointer


class Tables(NamedTuple):
    """The bytes for three places: the root pointer's (anywhere, at a multiple of 16), the base, and the FACS's."""
    rsdp: bytes
    tables: bytes
    facs: bytes


def build(base: int, facs: int, apic: bool = True) -> Tables:
    """All tables, for physical addresses `base` and `facs`; apic: whether the machine has APICs.

    ValueError for addresses where they cannot be."""
    if base % ALIGN or not 0 < base <= FOUR_GB - SIZE:
        raise ValueError(f"ACPI tables cannot be at {base:#x}: at a multiple of {ALIGN}, whole below 4 GB, they can")
    if facs % FACS_ALIGN or not 0 < facs <= FOUR_GB - FACS_SIZE:
        raise ValueError(f"a FACS cannot be at {facs:#x}: at a multiple of {FACS_ALIGN} below 4 GB it can")
    data = bytearray()

    def place(table):
        data.extend(bytes(-len(data) % ALIGN))
        data.extend(table)
        return base + len(data) - len(table)

    found = [place(tables.fadt(place(tables.dsdt_table()), facs))]
    if apic:
        found.append(place(tables.madt_table()))
    rsdt, xsdt = place(tables.rsdt(*found)), place(tables.xsdt(*found))
    return Tables(tables.rsdp(rsdt, xsdt), bytes(data), tables.facs())


def install(memory, base: int, facs: int, apic: bool = True) -> int:
    """Write all tables into memory, the root pointer behind those at `base`; its address. Errors: as of build()."""
    built = build(base, facs, apic)
    root = base + len(built.tables) + -len(built.tables) % ALIGN
    memory.write(base, built.tables)
    memory.write(root, built.rsdp)
    memory.write(facs, built.facs)
    return root
