"""Hypothesis strategies for page tables: few tables, few indices, so that a walk gets deep, and every nasty entry.

    from hypothesis import given
    from x86.testing.strategies import page_tables

    @given(page_tables())
    def test_my_walker(tables):
        for linear in tables.linear:
            expected = x86.paging.walk(tables.read, tables.registers, linear)
            assert my_walk(tables.image, tables.registers.cr3, linear) == expected.physical

Needs the package hypothesis.
"""
from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from x86.paging import A, D, G, P, PS, RW, US, XD, Registers
from x86.registers import (CR0_PG, CR0_WP, CR4_LA57, CR4_PAE, CR4_PGE, CR4_PSE, CR4_SMAP, CR4_SMEP, EFER_LMA, EFER_NXE)

MODES = ("4-level", "5-level", "pae", "pse", "32-bit", "off")
TABLES = (0x1000, 0x2000, 0x3000, 0x4000)               # where the tables lie; level-independent, so they may recurse
ELSEWHERE = (0, 0x6000, 0x200000, 0x80000000, 0xFFFFF000, 0x100000000, 0xFFC0000000)
PAT_LARGE = 1 << 12


@dataclass
class PageTables:
    """Tables in memory, the registers that point to them, and linear addresses worth a walk."""

    mode: str                                           # one of MODES
    registers: Registers
    entry_size: int                                     # bytes: 4 or 8
    entries: dict[int, int] = field(default_factory=dict)   # {physical address: entry}
    linear: tuple[int, ...] = ()
    memory_size: int = 0x8000                           # bytes from 0; what lies beyond reads as all ones

    def read(self, physical: int, size: int) -> int:
        """The number of `size` bytes at a physical address."""
        if physical + size > self.memory_size:
            return (1 << 8 * size) - 1
        return int.from_bytes(self.image[physical:physical + size], "little")

    @property
    def image(self) -> bytes:
        """All of the memory."""
        memory = bytearray(self.memory_size)
        for address, entry in self.entries.items():
            memory[address:address + self.entry_size] = entry.to_bytes(self.entry_size, "little")
        return bytes(memory)


RIGHTS = (P | RW | US,) * 6 + (P | RW | US | A, P | RW | US | A | D, P | RW, P | US, P, P | RW | A | D, RW | US, 0)
KINDS = (0,) * 12 + (PS, PS | PAT_LARGE, PS | G, G, G)
TARGETS = TABLES * 4 + ELSEWHERE
NASTY = (0,) * 50 + (XD,) * 4 + tuple(1 << bit for bit in range(9, 63))


def entries(wide: bool = True):
    """One entry of 64 (wide) or 32 bits: mostly usable, now and then missing, large, reserved, no-execute."""
    mask = (1 << 64) - 1 if wide else (1 << 32) - 1

    def entry(rights, target, kind, nasty):
        if kind & PS:                                   # aligned for a large page, unless `nasty` says otherwise
            target &= ~0x3FFFFFFF if target > 0x40000000 else ~0x3FFFFF
        return (rights | target | kind | nasty) & mask
    return st.builds(entry, st.sampled_from(RIGHTS), st.sampled_from(TARGETS), st.sampled_from(KINDS),
                     st.sampled_from(NASTY))


@st.composite
def registers(draw, mode: str):
    """CR0, CR3, CR4, EFER and the PDPTE registers for a paging mode, with WP, NXE, PGE, SMEP, SMAP and 1 GB
    pages on or off."""
    def flag(bit):
        return bit if draw(st.booleans()) else 0
    cr0 = flag(CR0_WP) | (CR0_PG if mode != "off" else 0) | 1
    cr4 = flag(CR4_PGE) | flag(CR4_SMEP) | flag(CR4_SMAP)
    cr4 |= {"pse": CR4_PSE, "pae": CR4_PAE | flag(CR4_PSE), "4-level": CR4_PAE | flag(CR4_PSE),
            "5-level": CR4_PAE | CR4_LA57}.get(mode, 0)
    efer = flag(EFER_NXE) | (EFER_LMA | 0x100 if mode.endswith("level") else 0)
    pdpte = (0,) * 4
    if mode == "pae":
        pdpte = tuple(draw(st.sampled_from((table | P, table | P | 0x18, table)))
                      for table in draw(st.tuples(*[st.sampled_from(TABLES)] * 4)))
    physical_bits = draw(st.sampled_from((40, 36, 32, 39, 52)))
    mask = (1 << physical_bits) - 1
    if draw(st.integers(0, 7)) == 7:
        mask &= ~0x100000                               # A20 is off
    cr3 = draw(st.sampled_from(TABLES)) | draw(st.sampled_from((0, 0x18, 0xFFF if mode != "pae" else 0x18)))
    return Registers(cr0, cr3, cr4, efer, pdpte, physical_bits, draw(st.booleans()), mask)


@st.composite
def page_tables(draw, modes: tuple[str, ...] = MODES):
    """PageTables in one of the given modes."""
    mode = draw(st.sampled_from(modes))
    wide = mode in ("pae", "4-level", "5-level")
    size, last = (8, 511) if wide else (4, 1023)
    tables = PageTables(mode, draw(registers(mode)), size)
    indices = draw(st.lists(st.sampled_from((0, 1, last, last - 1, last // 2)), min_size=1, max_size=2, unique=True))
    for table in TABLES:
        for index in indices:
            tables.entries[table + index * size] = draw(entries(wide))
    levels = {"pae": 2, "4-level": 4, "5-level": 5}.get(mode, 2)

    def linear(index, offset, top):
        address = offset
        for level, chosen in enumerate(index):
            address |= chosen << (12 + (9 if wide else 10) * level)
        if mode == "pae":
            address |= top << 30
        if levels >= 4 and address >> 9 * levels + 11:  # canonical: the highest bit repeated
            address |= (1 << 64) - (1 << 9 * levels + 11)
        return address
    tables.linear = tuple(draw(st.lists(st.builds(
        linear, st.tuples(*[st.sampled_from(indices)] * levels), st.sampled_from((0, 0xFFF, 0x123)), st.integers(0, 3)),
        min_size=1, max_size=3)))
    return tables
