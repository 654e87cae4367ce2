"""The firmware's page tables: memory mapped to itself, by pages of 2 MB, split where parts differ in what they permit.

      63   62..12     11..0
    +----+----------+-------------------------+
    | XD | address  | ... PS 7 ... U 2 W 1 P 0|
    +----+----------+-------------------------+

Page 0 can be read and not written or executed: a null pointer is found where it is used, and who looks into the BIOS
data area finds zeros.

Source: Intel SDM volume 3, section 4.5 "4-Level Paging"; UEFI 2.10, section 2.3.4 (identity mapping).
"""
from __future__ import annotations

import struct

from boot.uefi.definitions import PAGE

PRESENT, WRITABLE, LARGE, EXECUTE_DISABLE = 1, 2, 0x80, 1 << 63
ADDRESS = 0x000F_FFFF_FFFF_F000
LARGE_PAGE, GIGABYTE = 2 << 20, 1 << 30


class PageTables:
    """Four-level tables in guest memory.

    memory     of the machine
    allocate   callable(pages) -> physical address of zeroed pages for tables
    root       what belongs into CR3
    top        where the addresses end that are mapped
    """

    def __init__(self, memory, allocate, top: int):
        """Map 0 to `top` (rounded up to whole gigabytes), everything permitted."""
        self.memory = memory
        self.allocate = allocate
        self.root = allocate(1)
        gigabytes = -(-top // GIGABYTE)
        self.top = gigabytes * GIGABYTE
        for number in range(-(-gigabytes // 512)):
            pdpt = allocate(1)
            memory.write_u64(self.root + 8 * number, pdpt | PRESENT | WRITABLE)
            count = min(512, gigabytes - 512 * number)
            directories = allocate(count)
            for index in range(count):
                memory.write_u64(pdpt + 8 * index, directories + index * PAGE | PRESENT | WRITABLE)
            first = number * 512 * GIGABYTE
            memory.write(directories, struct.pack(f"<{512 * count}Q", *(
                first + index * LARGE_PAGE | PRESENT | WRITABLE | LARGE for index in range(512 * count))))

    def entry(self, address: int) -> tuple[int, int]:
        """(where the last entry for `address` lies, how many bytes it maps); (0, 0) where nothing is mapped."""
        table, shift = self.root, 39
        while True:
            at = table + (address >> shift & 511) * 8
            value = self.memory.read_u64(at)
            if not value & PRESENT and shift != 12:
                return 0, 0
            if shift == 12 or value & LARGE:
                return at, 1 << shift
            table, shift = value & ADDRESS, shift - 9

    def protection(self, address: int) -> tuple[bool, bool, bool]:
        """(present, writable, executable) of the page at `address`."""
        at, _ = self.entry(address)
        value = self.memory.read_u64(at) if at else 0
        return bool(value & PRESENT), bool(value & WRITABLE), not value & EXECUTE_DISABLE

    def protect(self, start: int, size: int, present: bool = True, writable: bool = True, executable: bool = True) -> None:
        """Say what the pages of [start, start + size) permit. Whoever runs on these tables must flush its TLB."""
        bits = (PRESENT if present else 0) | (WRITABLE if writable else 0) | (0 if executable else EXECUTE_DISABLE)
        address, end = start, start + size
        while address < end:
            at, span = self.entry(address)
            if not at:
                address = (address // GIGABYTE + 1) * GIGABYTE
                continue
            if span > PAGE and (address % span or end - address < span):
                self._split(at, span)
                continue
            value = self.memory.read_u64(at)
            self.memory.write_u64(at, value & ~(PRESENT | WRITABLE | EXECUTE_DISABLE) | bits)
            address += span - address % span

    def _split(self, at, span):
        """A page of 2 MB as 512 of 4 KB with the same permissions."""
        value = self.memory.read_u64(at)
        base, bits = value & ADDRESS, value & (PRESENT | WRITABLE | EXECUTE_DISABLE)
        table = self.allocate(1)
        self.memory.write(table, struct.pack("<512Q", *(base + index * PAGE | bits for index in range(span // PAGE))))
        self.memory.write_u64(at, table | PRESENT | WRITABLE)
