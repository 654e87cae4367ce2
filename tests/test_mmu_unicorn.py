"""The readable page walk against the MMU of QEMU, as Unicorn has it: faults, the byte found, A and D bits.

A load or store of one byte runs on generated page tables, in supervisor mode. Its code lies in a page of its own, which
hangs at entry CODE_INDEX of the uppermost table in memory. Not compared: SMEP, SMAP and physical widths (Unicorn's model
has its own), the error code (it does not say), and A bits after a fault (QEMU sets those of the upper levels, we do not).
"""
import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from x86 import paging
from x86.registers import CR4_SMAP, CR4_SMEP, EFER_LMA
from x86.testing.strategies import page_tables

unicorn = pytest.importorskip("unicorn", reason="unicorn is not installed")
from unicorn import x86_const                                       # noqa: E402

SIZE = 0x10000
CODE_INDEX = 5                                                      # no generated table uses it
CODE_TABLES, CODE, PDPTES = (0x8000, 0x9000, 0xA000), 0xB000, 0xC000
INSTRUCTIONS = {"read": b"\x8A\x00", "write": b"\x88\x00"}          # mov al, [rax]; mov [rax], al
IA32_EFER = 0xC0000080
PAGE_FAULT = 14


def machine_image(tables, access):
    """(memory, linear address of the code, addresses of the entries that lead to it); None if PAE has no table for it."""
    image, size = bytearray(SIZE), tables.entry_size
    image[:tables.memory_size] = tables.image
    levels = {"4-level": 4, "pae": 2}.get(tables.mode, 2)
    top = tables.registers.pdpte[0] if tables.mode == "pae" else tables.registers.cr3
    if tables.mode == "pae" and not top & 1:
        return None
    entries = [(top & 0xFFFFF000) + CODE_INDEX * size, *CODE_TABLES[:levels - 1]]
    for entry, target in zip(entries, [*CODE_TABLES[:levels - 1], CODE]):
        image[entry:entry + size] = (target | paging.P | paging.RW).to_bytes(size, "little")
    for index, value in enumerate(tables.registers.pdpte):
        image[PDPTES + 8 * index:PDPTES + 8 * index + 8] = value.to_bytes(8, "little")
    image[CODE:CODE + 2] = INSTRUCTIONS[access]
    shift = 12 + (9 if size == 8 else 10) * (levels - 1)
    return image, CODE_INDEX << shift, entries


def run(tables, image, rip, linear):
    """(memory afterwards, AL, faulting address or None, whether it went beyond memory)."""
    registers = tables.registers
    wide = tables.mode == "4-level"
    machine = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64 if wide else unicorn.UC_MODE_32)
    machine.ctl_set_tlb_mode(unicorn.UC_TLB_CPU)
    machine.mem_map(0, SIZE)
    machine.mem_write(0, bytes(image))
    machine.reg_write(x86_const.UC_X86_REG_CR4, registers.cr4)
    machine.reg_write(x86_const.UC_X86_REG_MSR, (IA32_EFER, registers.efer & ~EFER_LMA))
    machine.reg_write(x86_const.UC_X86_REG_CR3, PDPTES if tables.mode == "pae" else registers.cr3)
    machine.reg_write(x86_const.UC_X86_REG_CR0, registers.cr0)
    accumulator = x86_const.UC_X86_REG_RAX if wide else x86_const.UC_X86_REG_EAX
    machine.reg_write(accumulator, linear)
    vectors = []

    def interrupt(machine, vector, _):
        vectors.append(vector)
        machine.emu_stop()
    machine.hook_add(unicorn.UC_HOOK_INTR, interrupt)
    beyond = False
    try:
        machine.emu_start(rip, rip + 2)
    except unicorn.UcError as error:
        assert error.errno in (unicorn.UC_ERR_READ_UNMAPPED, unicorn.UC_ERR_WRITE_UNMAPPED), error
        beyond = True
    assert vectors in ([], [PAGE_FAULT])
    fault = machine.reg_read(x86_const.UC_X86_REG_CR2) if vectors else None
    return bytearray(machine.mem_read(0, SIZE)), machine.reg_read(accumulator) & 0xFF, fault, beyond


@settings(max_examples=max(100, settings.default.max_examples // 2))
@given(page_tables(("4-level", "pae", "pse", "32-bit")), st.sampled_from(("read", "write")))
def test_qemu_walks_the_same_way(tables, access):
    registers = dataclasses.replace(tables.registers, physical_bits=40, address_mask=(1 << 40) - 1,
                                    cr4=tables.registers.cr4 & ~(CR4_SMEP | CR4_SMAP))
    tables = dataclasses.replace(tables, registers=registers)
    made = machine_image(tables, access)
    for linear in tables.linear if made else ():
        image, rip, code_entries = made

        def read(physical, size, image=image):
            return int.from_bytes(image[physical:physical + size], "little")
        expected = paging.walk(read, registers, linear, access)
        if any(step.address + 8 > SIZE for step in expected.steps) or CODE <= (expected.physical or 0) < CODE + 0x1000:
            continue                                                # tables beyond memory, or the code itself
        after, value, fault, beyond = run(tables, image, rip, linear)
        assert fault == (None if expected.error is None else linear)
        if fault is not None:
            continue
        assert beyond == (expected.physical >= SIZE)
        if beyond:
            continue
        for address, entry in expected.marks.items():
            image[address:address + tables.entry_size] = entry.to_bytes(tables.entry_size, "little")
        if access == "write":
            image[expected.physical] = linear & 0xFF
        else:
            assert value == after[expected.physical]
        for address in code_entries:                                # fetching the code has set their A bits
            image[address] = after[address]
        assert after == image
        made = machine_image(tables, access)
