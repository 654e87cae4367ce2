"""The page walk, to be read: what x86/_mmu.pyx must do, in plain Python. A test holds the two together.

    linear address, 4-level paging      47    39 38    30 29    21 20    12 11     0
                                       +--------+--------+--------+--------+--------+
                                       |  PML4  |  PDPT  |   PD   |   PT   | offset |      9 bits each: 512 entries
                                       +--------+--------+--------+--------+--------+
    5-level paging puts bits 56..48 in front: the PML5, 512 entries more
    PAE                                          | 31..30 |   PD   |   PT   | offset |      level 3 are four registers
    32-bit                                         |   PD   |   PT   |      offset    |      10 bits each: 1024 entries

SDM Vol. 3, chapter "Paging"; the entries are drawn in x86/_mmu.pyx.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from x86 import faults
from x86.registers import (CR0_PG, CR0_WP, CR4_LA57, CR4_PAE, CR4_PGE, CR4_PSE, CR4_SMAP, CR4_SMEP, EFER_LMA, EFER_NXE)

P, RW, US, A, D, PS, G, XD = 1, 2, 4, 0x20, 0x40, 0x80, 0x100, 1 << 63
LEVELS = {5: "PML5E", 4: "PML4E", 3: "PDPTE", 2: "PDE", 1: "PTE"}


def entry_name(level: int) -> str:
    """PML5E, PML4E, PDPTE, PDE or PTE."""
    return LEVELS[level]


@dataclass(frozen=True)
class Registers:
    """What a walk depends on beside memory."""

    cr0: int = 0
    cr3: int = 0
    cr4: int = 0
    efer: int = 0
    pdpte: tuple[int, ...] = (0, 0, 0, 0)       # PAE only: the four registers, as they were when CR3 was loaded
    physical_bits: int = 40                     # MAXPHYADDR
    gigabyte_pages: bool = True                 # a PDPTE may be a page
    address_mask: int = (1 << 40) - 1           # of physical addresses: MAXPHYADDR, and bit 20 clear if A20 is off


@dataclass(frozen=True)
class Step:
    """One entry that was read."""

    level: int
    name: str
    address: int                                # physical
    value: int


@dataclass(frozen=True)
class Walk:
    """The whole way. `physical` is None, and `error` a page-fault error code, if the walk ended in #PF."""

    linear: int
    access: str                                 # "read", "write", "execute"
    by_user: bool
    steps: tuple[Step, ...]
    physical: int | None = None
    page_size: int = 0                          # bytes
    writable: bool = False                      # by the same privilege, without another walk to set D
    user: bool = False                          # U/S of the whole path
    is_global: bool = False
    error: int | None = None
    cause: int = 0                              # CAUSE_PAGE_* of x86.faults
    level: int = 0                              # of the entry that refused

    @property
    def marks(self) -> dict[int, int]:
        """{physical address of an entry: its value after A (and D) were set}, of those that change."""
        changed = {}
        pages = [step for step in self.steps if step.level < 3 or self.steps[0].level >= 4]     # PAE's PDPTE has no A
        for step in pages if self.error is None else ():
            value = step.value | A | (D if self.access == "write" and step is pages[-1] else 0)
            if value != step.value:
                changed[step.address] = value
        return changed


def bits(high: int, low: int) -> int:
    return (1 << high + 1) - (1 << low) if high >= low else 0


def reserved(registers: Registers, level: int, page: bool) -> int:
    """The bits that must be 0 in a present entry of this level."""
    width, long_paging = registers.physical_bits, registers.efer & EFER_LMA
    if not (registers.cr4 & CR4_PAE or long_paging):
        return bits(21, max(width, 32) - 19) | 1 << 21 if page and level == 2 else 0
    mask = bits(51 if long_paging else 62, width) | (0 if registers.efer & EFER_NXE else XD)
    if page and level > 1:
        mask |= bits(9 * level + 2, 13)
    return mask | (PS if level >= 4 or level == 3 and not registers.gigabyte_pages else 0)


def walk(read: Callable[[int, int], int], registers: Registers, linear: int, access: str = "read", user: bool = False,
         ac: bool = False) -> Walk:
    """Translate `linear`. read(physical, size in bytes) reads an entry; nothing is written: see Walk.marks.

    user is the privilege of the access (CPL 3); ac is EFLAGS.AC, which opens user pages to the supervisor under SMAP.
    """
    long_paging, steps = registers.efer & EFER_LMA, []
    wide = long_paging or registers.cr4 & CR4_PAE
    linear &= bits(63 if long_paging else 31, 0)

    def fault(error: int, cause: int, level: int) -> Walk:
        error |= (2 if access == "write" else 0) | (4 if user else 0)
        if access == "execute" and (registers.cr4 & CR4_SMEP or wide and registers.efer & EFER_NXE):
            error |= 16
        return Walk(linear, access, user, tuple(steps), error=error, cause=cause, level=level)

    if not registers.cr0 & CR0_PG:
        return Walk(linear, access, user, (), linear & registers.address_mask, 4096, True, True)

    # Down the levels, to the first entry that is a page
    level, table = 2, registers.cr3
    if long_paging:
        level = 5 if registers.cr4 & CR4_LA57 else 4
    elif wide:
        table = registers.pdpte[linear >> 30]
        steps.append(Step(3, "PDPTE", (registers.cr3 & bits(31, 5)) + 8 * (linear >> 30), table))
        if not table & P:
            return fault(0, faults.CAUSE_PAGE_NOT_PRESENT, 3)
    while True:
        shift = 12 + (9 if wide else 10) * (level - 1)
        index = linear >> shift & (511 if wide else 1023)
        address = (table & bits(51 if wide else 31, 12)) + index * (8 if wide else 4) & registers.address_mask
        entry = read(address, 8 if wide else 4)
        steps.append(Step(level, LEVELS[level], address, entry))
        page = level == 1 or entry & PS and (level == 3 and registers.gigabyte_pages or
                                             level == 2 and (wide or registers.cr4 & CR4_PSE))
        if not entry & P:
            return fault(0, faults.CAUSE_PAGE_NOT_PRESENT, level)
        if entry & reserved(registers, level, bool(page)):
            return fault(1 | 8, faults.CAUSE_PAGE_RESERVED, level)
        if page:
            break
        table, level = entry, level - 1

    # The rights of all entries together
    entries = [step for step in steps if long_paging or step.level < 3]
    user_page = all(step.value & US for step in entries)
    may_write = all(step.value & RW for step in entries)
    if user and not user_page:
        return fault(1, faults.CAUSE_PAGE_SUPERVISOR, next(s.level for s in entries if not s.value & US))
    if access == "execute":
        if wide and any(step.value & XD for step in entries):
            return fault(1, faults.CAUSE_PAGE_NO_EXECUTE, next(s.level for s in entries if s.value & XD))
        if user_page and not user and registers.cr4 & CR4_SMEP:
            return fault(1, faults.CAUSE_PAGE_SMEP, level)
    else:
        if user_page and not user and registers.cr4 & CR4_SMAP and not ac:
            return fault(1, faults.CAUSE_PAGE_SMAP, level)
        if access == "write" and not may_write and (user or registers.cr0 & CR0_WP):
            return fault(1, faults.CAUSE_PAGE_READ_ONLY, next(s.level for s in entries if not s.value & RW))

    size = 1 << shift
    base = entry & bits(51 if wide else 31, shift)
    if not wide and level == 2:
        base |= (entry & bits(20, 13)) << 19                                    # PSE-36
    return Walk(linear, access, user, tuple(steps), (base | linear & size - 1) & registers.address_mask, size,
                (may_write or not user and not registers.cr0 & CR0_WP) and (access == "write" or bool(entry & D)),
                user_page, bool(entry & G and registers.cr4 & CR4_PGE))
