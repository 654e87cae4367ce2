"""The page walker against the readable walk of x86/paging.py, and both against the manual."""
import dataclasses

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from x86 import faults, paging
from x86._memory import Memory
from x86._mmu import Walker
from x86.paging import A, D, G, P, PS, RW, US, XD, Registers
from x86.registers import (CR0_PG, CR0_WP, CR4_LA57, CR4_PAE, CR4_PGE, CR4_PSE, CR4_SMAP, CR4_SMEP, EFER_LMA, EFER_NXE)
from x86.testing.strategies import PageTables, page_tables

EXAMPLES = max(200, settings.default.max_examples)      # the profiles are in conftest.py
LONG = Registers(CR0_PG | 1, 0x1000, CR4_PAE | CR4_PGE, EFER_LMA | EFER_NXE)
FIVE = dataclasses.replace(LONG, cr4=LONG.cr4 | CR4_LA57)
PAE = Registers(CR0_PG | 1, 0x1000, CR4_PAE | CR4_PGE, EFER_NXE, (0x2001, 0x2001, 0x2001, 0))
LEGACY = Registers(CR0_PG | 1, 0x1000, CR4_PSE | CR4_PGE, 0)


def memory_of(tables):
    memory = Memory(tables.memory_size)
    memory.write(0, tables.image)
    return memory


def agree(tables, linear, access="read", user=False, ac=False):
    """Both walks, with A and D; asserts that they are the same and returns the result."""
    expected = paging.walk(tables.read, tables.registers, linear, access, user, ac)
    memory = memory_of(tables)
    walker = Walker(memory, tables.registers)
    assert walker.walk(linear, access, user, ac) == expected
    assert memory.read(0, tables.memory_size) == tables.image           # looking changes nothing
    assert walker.walk(linear, access, user, ac, mark_entries=True) == expected
    after = bytearray(tables.image)
    for address, value in expected.marks.items():
        if address + tables.entry_size <= tables.memory_size:
            after[address:address + tables.entry_size] = value.to_bytes(tables.entry_size, "little")
    assert memory.read(0, tables.memory_size) == bytes(after)
    return expected


ACCESSES = [(access, user, ac) for access in ("read", "write", "execute") for user in (False, True)
            for ac in (False, True)]
WIDE = dataclasses.replace(PAE, physical_bits=52)
NARROW = dataclasses.replace(LEGACY, physical_bits=36)
PLAIN = dataclasses.replace(LEGACY, cr4=0)


@settings(max_examples=EXAMPLES)
@given(page_tables())
@example(PageTables("4-level", LONG, 8, {0x1000: 0x1007, 0x1FF8: 0x1007}, (0, 2**64 - 1)))      # recursive
@example(PageTables("4-level", LONG, 8, {0x1000: 0xFFFFFF0000000007}, (0,)))                    # reserved, no execute
@example(PageTables("5-level", FIVE, 8, {0x1000: 0x1007, 0x1FF8: 0x1007}, (0, 2**64 - 1)))
@example(PageTables("pae", WIDE, 8, {0x2000: 1 << 62 | 0x1007}, (0,)))                          # 62..52 in PAE
@example(PageTables("pse", NARROW, 4, {0x1000: 0x1E087}, (0,)))                                 # PSE-36, 36 bits
@example(PageTables("pse", NARROW, 4, {0x1000: 0x20087}, (0,)))                                 # ... and one more
@example(PageTables("32-bit", PLAIN, 4, {0x1000: 0xFFFFF087}, (0x3FF000,)))                     # table of all ones
@example(PageTables("off", Registers(address_mask=0xFFEFFFFF), 4, {}, (0x10FFEF, 0x1_0000_0000)))
def test_the_two_walks_agree(tables):
    for linear in tables.linear:
        for access, user, ac in ACCESSES:
            found = agree(tables, linear, access, user, ac)
        event(f"{tables.mode}: " + ("page of %#x" % found.page_size if found.error is None else
                                    f"cause {found.cause} at level {found.level}"))


@settings(max_examples=EXAMPLES // 4)
@given(page_tables(("pae",)), st.integers(0, 3), st.integers(0, 63))
def test_pdpte_registers(tables, index, bit):
    """SDM Vol. 3, "PDPTE Registers": a present one with bits 1, 2, 5..8 or MAXPHYADDR.. set is #GP; others are not."""
    registers = dataclasses.replace(tables.registers, cr3=0x7FE0)
    memory = memory_of(tables)
    values = [0x1001, 0x2001, 0, 0x3019]
    values[index] ^= 1 << bit
    for number, value in enumerate(values):
        memory.write_u64(0x7FE0 + 8 * number, value)
    bad = any(value & 1 and value & (0x1E6 | (-1 << registers.physical_bits)) for value in values)
    loaded = Walker(memory, registers).load_pdptes()
    if registers.address_mask & 0x7FE0 == 0x7FE0:
        assert loaded == (None if bad else tuple(values))


# ---- the manual's permission table: SDM Vol. 3, "Determination of Access Rights" -------------------------------------

def table_of(registers, *path):
    """PageTables for linear address 0 whose levels, from the top, have these entries; each points to the next table."""
    wide = registers.cr4 & CR4_PAE
    first = 0x2000 if wide and not registers.efer & EFER_LMA else 0x1000
    tables = PageTables("", registers, 8 if wide else 4)
    for number, flags in enumerate(path):
        target = first + 0x1000 * (number + 1) if number < len(path) - 1 and not flags & PS else 0
        tables.entries[first + 0x1000 * number] = target | flags
    return tables


MODES = {"4-level": (LONG, 4), "PAE": (PAE, 2), "32-bit": (LEGACY, 2)}
ALL = P | RW | US


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wp", [0, CR0_WP])
@pytest.mark.parametrize("user", [False, True])
@pytest.mark.parametrize("access", ["read", "write", "execute"])
@pytest.mark.parametrize("rights", [P, P | RW, P | US, ALL])
def test_rights(mode, wp, user, access, rights):
    """Every combination of U/S and R/W, put into one entry of each level in turn."""
    registers, levels = MODES[mode]
    registers = dataclasses.replace(registers, cr0=registers.cr0 | wp)
    allowed = bool(rights & US) if user else True
    if access == "write":
        allowed &= bool(rights & RW) or not (user or wp)
    fetch_bit = 16 if access == "execute" and mode != "32-bit" else 0
    for level in range(levels):
        path = [ALL] * levels
        path[level] = rights
        found = agree(table_of(registers, *path), 0, access, user)
        assert (found.error is None) == allowed
        if not allowed:
            assert found.error == 1 | (2 if access == "write" else 0) | (4 if user else 0) | fetch_bit
            assert found.level == levels - level
            assert found.cause == (faults.CAUSE_PAGE_SUPERVISOR if user and not rights & US else
                                   faults.CAUSE_PAGE_READ_ONLY)
        else:
            assert found.user == bool(rights & US)


@pytest.mark.parametrize("mode", ["4-level", "PAE"])
@pytest.mark.parametrize("user", [False, True])
def test_no_execute(mode, user):
    registers, levels = MODES[mode]
    without = dataclasses.replace(registers, efer=registers.efer & ~EFER_NXE)
    for level in range(levels):
        path = [ALL] * levels
        path[level] |= XD
        found = agree(table_of(registers, *path), 0, "execute", user)
        assert (found.error, found.cause) == (17 | 4 * user, faults.CAUSE_PAGE_NO_EXECUTE)
        assert found.level == levels - level
        assert agree(table_of(registers, *path), 0, "read", user).error is None
        found = agree(table_of(without, *path), 0, "execute", user)     # then the bit is reserved, and I/D stays 0
        assert (found.error, found.cause, found.level) == (9 | 4 * user, faults.CAUSE_PAGE_RESERVED, levels - level)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("access, ac, error, cause", [
    ("execute", False, 17, faults.CAUSE_PAGE_SMEP), ("execute", True, 17, faults.CAUSE_PAGE_SMEP),
    ("read", False, 1, faults.CAUSE_PAGE_SMAP), ("write", False, 3, faults.CAUSE_PAGE_SMAP),
    ("read", True, None, 0), ("write", True, None, 0)])
def test_smep_and_smap(mode, access, ac, error, cause):
    """The supervisor keeps out of user pages; EFLAGS.AC opens them to its data accesses."""
    registers, levels = MODES[mode]
    guarded = dataclasses.replace(registers, cr4=registers.cr4 | CR4_SMEP | CR4_SMAP)
    found = agree(table_of(guarded, *[ALL] * levels), 0, access, False, ac)
    assert (found.error, found.cause) == (error, cause)
    assert agree(table_of(registers, *[ALL] * levels), 0, access).error is None
    assert agree(table_of(guarded, *[P | RW] * levels), 0, access).error is None        # its own pages
    assert agree(table_of(guarded, *[ALL] * levels), 0, access, True).error is None     # user code itself


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("access, error", [("read", 0), ("write", 2), ("execute", 16)])
@pytest.mark.parametrize("user", [False, True])
def test_not_present(mode, access, error, user):
    """P = 0 wins over reserved bits in the same entry, and over rights further up."""
    registers, levels = MODES[mode]
    error = 0 if access == "execute" and mode == "32-bit" else error
    for level in range(levels):
        path = [P] * levels
        path[level] = 0xFFFFFFFF & ~P if mode == "32-bit" else XD | 0x7FFFFFFFFFFFFF00
        found = agree(table_of(registers, *path), 0, access, user)
        assert (found.error, found.level) == (error | 4 * user, levels - level)
        assert found.cause == faults.CAUSE_PAGE_NOT_PRESENT
        assert not found.marks


def large(mode, level, extra=0, **changes):
    registers, levels = MODES[mode]
    path = [ALL] * (levels - level) + [ALL | PS | extra]
    return table_of(dataclasses.replace(registers, **changes), *path)


@pytest.mark.parametrize("mode, level, size, reserved, free", [
    ("4-level", 3, 1 << 30, [*range(13, 30), *range(40, 52)], [8, 9, 10, 11, 12, 30, 39, *range(52, 63)]),
    ("4-level", 2, 1 << 21, [*range(13, 21), *range(40, 52)], [8, 9, 10, 11, 12, 21, 39, *range(52, 63)]),
    ("PAE", 2, 1 << 21, [*range(13, 21), *range(40, 63)], [8, 9, 10, 11, 12, 21, 39]),
    ("32-bit", 2, 1 << 22, [21], [*range(8, 21), *range(22, 32)])])
def test_large_pages(mode, level, size, reserved, free):
    for bit in reserved:
        found = agree(large(mode, level, 1 << bit), 0x12345)
        assert (found.error, found.cause, found.level) == (9, faults.CAUSE_PAGE_RESERVED, level)
    for bit in free:
        found = agree(large(mode, level, 1 << bit), 0x12345)
        assert found.error is None and found.page_size == size
        address = 1 << bit if bit >= size.bit_length() - 1 and bit < 52 else 0
        if mode == "32-bit" and 13 <= bit <= 20:                                    # PSE-36
            address = 1 << (bit + 19)
        assert found.physical == address | 0x12345


def test_a_pml4e_cannot_be_a_page():
    found = agree(large("4-level", 4), 0)
    assert (found.error, found.level) == (9, 4)


def test_without_pse_bit_7_is_ignored():
    found = agree(table_of(dataclasses.replace(LEGACY, cr4=0), ALL | PS, ALL), 0x123)
    assert (found.error, found.level, found.cause) == (0, 1, faults.CAUSE_PAGE_NOT_PRESENT)     # frame 0 holds zeros
    tables = PageTables("", dataclasses.replace(LEGACY, cr4=0), 4, {0x1000: 0x2000 | ALL | PS, 0x2000: 0x5000 | ALL})
    assert agree(tables, 0x123).physical == 0x5123


@pytest.mark.parametrize("physical_bits, free", [(32, 0), (36, 4), (40, 8), (52, 8)])
def test_pse36_ends_at_maxphyaddr(physical_bits, free):
    for bit in range(13, 21):
        found = agree(large("32-bit", 2, 1 << bit, physical_bits=physical_bits), 0)
        assert (found.error is None) == (bit < 13 + free)


@pytest.mark.parametrize("mode", MODES)
def test_accessed_and_dirty(mode):
    registers, levels = MODES[mode]
    tables = table_of(registers, *[ALL] * levels)
    read = agree(tables, 0, "read")
    assert [value & (A | D) for value in read.marks.values()] == [A] * levels
    assert not read.writable                                            # the first write has to set D
    write = agree(tables, 0, "write")
    assert [value & (A | D) for value in write.marks.values()] == [A] * (levels - 1) + [A | D]
    assert write.writable
    tables.entries.update(write.marks)
    again = agree(tables, 0, "read")
    assert not again.marks and again.writable


@pytest.mark.parametrize("mode", MODES)
def test_writable_is_for_the_asking_privilege(mode):
    registers, levels = MODES[mode]
    guarded = dataclasses.replace(registers, cr0=registers.cr0 | CR0_WP)
    path = [ALL] * (levels - 1) + [P | US | D]
    assert agree(table_of(registers, *path), 0).writable
    assert not agree(table_of(guarded, *path), 0).writable
    assert not agree(table_of(registers, *path), 0, user=True).writable


@pytest.mark.parametrize("mode", MODES)
def test_global_only_with_pge_and_only_in_the_last_entry(mode):
    registers, levels = MODES[mode]
    off = dataclasses.replace(registers, cr4=registers.cr4 & ~CR4_PGE)
    assert agree(table_of(registers, *[ALL] * (levels - 1), ALL | G), 0).is_global
    assert not agree(table_of(off, *[ALL] * (levels - 1), ALL | G), 0).is_global
    assert not agree(table_of(registers, *[ALL | G] * (levels - 1), ALL), 0).is_global


def test_pat_bit_of_a_pte_is_no_page_size():
    for registers, levels in MODES.values():
        assert agree(table_of(registers, *[ALL] * (levels - 1), ALL | PS), 0x123).page_size == 4096


def test_missing_pdpte():
    found = agree(table_of(PAE, ALL, ALL), 0xC0000000, "write", True)
    assert (found.error, found.level, found.steps[0].address) == (6, 3, 0x1018)


def test_recursive_mapping():
    """The last PML4 entry points to the PML4 itself: its own entries become a page, 4 walks through one entry."""
    tables = PageTables("", LONG, 8, {0x1FF8: 0x1000 | ALL})
    found = agree(tables, 0xFFFFFFFFFFFFFFF8, "write")
    assert found.physical == 0x1FF8
    assert [step.level for step in found.steps] == [4, 3, 2, 1]
    assert found.marks == {0x1FF8: 0x1000 | ALL | A | D}


def test_tables_beyond_memory_read_as_ones():
    for mode, error in (("4-level", 9), ("PAE", 9)):
        registers, _ = MODES[mode]
        lost = dataclasses.replace(registers, cr3=0x10000000, pdpte=(0x10000001,) * 4)
        found = agree(PageTables("", lost, 8), 0)
        assert (found.error, found.steps[-1].value) == (error, 2**64 - 1)
    found = agree(PageTables("", dataclasses.replace(LEGACY, cr3=0x10000000, cr4=0), 4), 0x123, "write")
    assert (found.physical, found.marks) == (0xFF_FFFFF123 & 0xFFFFFFFF, {})


def test_tables_in_rom_keep_their_bits():
    memory = Memory(0x100000)
    rom = bytearray(0x4000)
    for number in range(4):
        entry = 0xF0000 + 0x1000 * (number + 1) & 0xF3FFF | ALL
        rom[0x1000 * number:0x1000 * number + 8] = entry.to_bytes(8, "little")
    memory.map_rom(0xF0000, rom, "tables")
    found = Walker(memory, dataclasses.replace(LONG, cr3=0xF0000)).walk(0, "write", mark_entries=True)
    assert found.physical == 0xF0000 and found.marks
    assert memory.read(0xF0000, 0x4000) == bytes(rom)


def test_a20_off_folds_tables_and_pages():
    registers = dataclasses.replace(LEGACY, cr3=0x101000, address_mask=(1 << 40) - 1 & ~0x100000)
    tables = PageTables("", registers, 4, {0x1000: 0x102000 | ALL, 0x2000: 0x305000 | ALL})
    assert agree(tables, 0x123).physical == 0x205123


def test_without_paging_everything_is_allowed():
    found = agree(PageTables("", Registers(), 4), 0x1_2345_6789, "write", True)
    assert (found.physical, found.writable, found.user, found.steps) == (0x23456789, True, True, ())
