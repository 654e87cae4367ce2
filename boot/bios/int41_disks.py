"""INT 41h and 46h: no code, but pointers to the parameter tables of hard disks 80h and 81h.

    00  cylinders, word     05  write precompensation, word: FFFFh, none    09  physical cylinders, word
    02  heads               08  control byte: bits 7-6 no retries,          0B  physical heads
    03  A0h                     3 more than 8 heads                         0C  landing zone, word
    04  physical sectors    0E  sectors a track                             0F  checksum

The physical shape, A0h and the checksum are only there where the BIOS shows another one.

Source: IBM PC/AT Technical Reference; Ralf Brown's Interrupt List, INT 41, "Fixed disk parameter table".
"""
from __future__ import annotations

import struct

from boot import layout
from boot.geometry import physical_geometry

DISKS = ((0x80, 0x41), (0x81, 0x46))                # drive, the vector that points to its table
NO_RETRIES, MANY_HEADS, TRANSLATED = 0xC0, 0x08, 0xA0


def write_tables(bios) -> None:
    """The tables of the disks that there are into the extended BIOS data area, and their addresses into the vectors."""
    for place, (number, vector) in enumerate(DISKS):
        if number in bios.drives:
            address = layout.DISK_TABLES + 0x10 * place
            bios.machine.memory.write(address, table(bios.drives[number]))
            bios.set_word(layout.IVT + 4 * vector, address & 0xF)
            bios.set_word(layout.IVT + 4 * vector + 2, address >> 4)


def table(disk) -> bytes:
    """The sixteen bytes for a disk."""
    logical, physical = disk.geometry, physical_geometry(disk.sectors, disk.geometry)
    control = NO_RETRIES | (MANY_HEADS if physical.heads > 8 else 0)
    fields = [logical.cylinders, logical.heads, 0, 0, 0xFFFF, control, 0, 0, physical.cylinders, logical.sectors, 0]
    if logical != physical:
        fields[2:4] = TRANSLATED, physical.sectors
        fields[6:8] = physical.cylinders, physical.heads
    data = struct.pack("<HBBBHxBHBHBB", *fields)
    return data if logical == physical else data[:-1] + bytes([-sum(data) & 0xFF])


def cmos_fields(disk) -> bytes:
    """The nine bytes from CMOS register 1Bh (24h for 81h) on of a disk of type 47, which has its own parameters."""
    shape = physical_geometry(disk.sectors, disk.geometry)
    return struct.pack("<HBHBHB", shape.cylinders, shape.heads, 0xFFFF,
                       NO_RETRIES | (MANY_HEADS if shape.heads > 8 else 0), shape.cylinders, shape.sectors)
