"""Segment registers, far transfers and call gates: what a load checks, and what it changes."""
import struct

import pytest
from machines import CODE, STACK, flat32, flat64, real
from protected import (CALL16, CALL32, CODE0_SELECTOR, CODE3, CODE3_SELECTOR, CODE_READ, CONFORMING, DATA, DATA0, DATA3, FREE,
                       INTERRUPT32, KERNEL_STACK, LDT, STACK3, TSS, TSS32, Guest,
                       descriptor, gate)

from x86.isa import table

DS, SS = "ds", "ss"
READ_ONLY, EXECUTE_ONLY, SYSTEM_LDT = 0x10, 0x18, 0x02


# ---- data and stack segments ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("bits", (32, 64))
@pytest.mark.parametrize("ring, register, kind, dpl, rpl, present, fault", [
    # DS: readable; neither CPL nor RPL above DPL, except for conforming code
    (0, DS, DATA, 0, 0, True, None), (0, DS, READ_ONLY, 0, 0, True, None), (0, DS, DATA, 3, 3, True, None),
    (0, DS, DATA, 0, 3, True, 13), (3, DS, DATA, 0, 0, True, 13), (3, DS, DATA, 3, 0, True, None),
    (3, DS, DATA, 2, 3, True, 13), (0, DS, CODE_READ, 0, 0, True, None), (0, DS, EXECUTE_ONLY, 0, 0, True, 13),
    (3, DS, CODE_READ, 0, 3, True, 13), (3, DS, CONFORMING, 0, 3, True, None), (0, DS, SYSTEM_LDT, 0, 0, True, 13),
    (0, DS, DATA, 0, 0, False, 11), (3, DS, DATA, 0, 0, False, 13),
    # SS: writable data, RPL = DPL = CPL
    (0, SS, DATA, 0, 0, True, None), (3, SS, DATA, 3, 3, True, None), (0, SS, DATA, 0, 3, True, 13),
    (0, SS, DATA, 3, 0, True, 13), (3, SS, DATA, 0, 3, True, 13), (3, SS, DATA, 3, 0, True, 13),
    (0, SS, READ_ONLY, 0, 0, True, 13), (0, SS, CODE_READ, 0, 0, True, 13), (0, SS, DATA, 0, 0, False, 12),
])
def test_who_may_load_what(bits, ring, register, kind, dpl, rpl, present, fault):
    guest = Guest(f"mov eax, {FREE | rpl}\nmov {register}, ax\nint 0x40", bits=bits, ring=ring)
    guest.gate(0x40, INTERRUPT32, dpl=3).entry(FREE, descriptor(kind, dpl, present=present))
    guest.run(2 if fault is None else 10)
    if fault is None:
        assert not guest.faults() and guest.cpu.segment(register).selector == FREE | rpl
        assert guest.memory.read_u8(0x1000 + FREE + 5) & 1                      # accessed
        assert guest.cpu.segment(register).access == 0xC000 | kind | 0x81 | dpl << 5
    else:
        assert guest.faults() == [(fault, FREE)] and guest.handler == fault
        assert not guest.memory.read_u8(0x1000 + FREE + 5) & 1


@pytest.mark.parametrize("bits, ring, selector, fault", [
    (32, 0, 0, 13), (64, 0, 0, None), (64, 0, 3, 13), (64, 3, 3, 13), (64, 3, 0, 13)])
def test_a_null_ss_is_for_64_bit_code_above_ring_3(bits, ring, selector, fault):
    guest = Guest(f"mov eax, {selector}\nmov ss, ax\nnop\nhlt", bits=bits, ring=ring)
    guest.run(3)
    assert guest.faults() == ([(13, 0)] if fault else [])


@pytest.mark.parametrize("selector", (0, 1, 2, 3))
def test_a_null_data_segment_loads_and_cannot_be_used(selector):
    guest = Guest(f"mov eax, {selector}\nmov es, ax\nmov al, [es:0x5000]\nhlt")
    guest.run()
    assert guest.handler == 13 and guest.frame(2) == [0, CODE + 7] and guest.cpu.es == selector


def test_descriptors_of_the_ldt():
    guest = Guest(f"mov ax, {FREE}\nlldt ax\nmov ax, 0x0c\nmov ds, ax\nmov ax, 0x14\nmov ds, ax\nhlt")
    guest.entry(FREE, descriptor(SYSTEM_LDT, base=LDT, limit=0x0F, flags=0))
    guest.memory.write(LDT + 8, descriptor(DATA, base=0x1234))
    guest.run()
    assert guest.cpu.segment("ds")[1:3] == (0x0C, 0x1234)
    assert guest.handler == 13 and guest.faults() == [(13, 0x14)]


def test_without_an_ldt_no_selector_reaches_it():
    guest = Guest("xor eax, eax\nlldt ax\nmov ax, 4\nmov ds, ax")
    guest.run()
    assert guest.faults() == [(13, 4)]


def test_limits_and_granularity():
    guest = Guest(f"mov ax, {FREE}\nmov ds, ax\nmov al, [0xfff]\nmov al, [0x1000]")
    guest.entry(FREE, descriptor(DATA, limit=0xFFF, flags=4))
    guest.run()
    assert guest.faults() == [(13, 0)] and guest.frame(2)[1] == CODE + 11
    assert guest.entry(FREE, descriptor(DATA, limit=0, flags=0xC)).cpu.segment("ds").limit == 0xFFF


def test_expand_down_segments_end_where_others_begin():
    guest = Guest(f"mov ax, {FREE}\nmov ds, ax\nmov al, [0x1000]\nmov al, [0xfffffffe]\nmov al, [0xfff]")
    guest.entry(FREE, descriptor(0x16, limit=0xFFF, flags=4)).machine.memory.write_u8(0x1000, 0x77)
    guest.run()
    assert guest.faults() == [(13, 0)] and guest.frame(2)[1] == CODE + 16


@pytest.mark.parametrize("big, sp, expected", [(True, 0x10000, 0xFFFC), (False, 0x10000, 0x1FFFC)])
def test_ss_says_how_wide_sp_is(big, sp, expected):
    guest = Guest(f"mov ax, {FREE}\nmov ss, ax\nmov esp, {sp}\npush eax\nhlt")
    guest.entry(FREE, descriptor(DATA, flags=0xC if big else 0x8)).run()
    assert guest.cpu.esp == expected and guest.memory.read_u32(0xFFFC) == FREE | guest.cpu.eax & 0xFFFF0000


def test_fs_and_gs_keep_a_base_in_64_bit_code_and_null_clears_it():
    guest = Guest(f"mov ax, {FREE}\nmov fs, ax\nmov al, [fs:0x10]\nmov ds, ax\nxor ecx, ecx\nmov fs, cx\nhlt", bits=64)
    guest.entry(FREE, descriptor(DATA, base=0x5000)).memory.write_u8(0x5010, FREE)
    guest.run(3)
    assert (guest.cpu.al, guest.cpu.segment("fs").base) == (FREE, 0x5000)
    guest.run()
    assert guest.cpu.segment("fs").base == 0 and guest.cpu.ds == FREE


def test_accessed_is_not_written_where_it_is_set():
    """A descriptor table in ROM works, as long as its descriptors are marked already."""
    machine = flat32("lgdt [0x5000]\nmov ax, 8\nmov ds, ax\nhlt")
    machine.memory.map_rom(0xD0000, bytes(8) + descriptor(DATA | 1) + bytes(4080), "table")
    machine.memory.write(0x5000, struct.pack("<HI", 15, 0xD0000))
    machine.run(max_instructions=4)
    assert machine.cpu.ds == 8


# ---- real mode --------------------------------------------------------------------------------------------------------------

UNREAL = """
    cli
    lgdt [cs:table]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    mov bx, 8
    mov ds, bx
    and al, 0xfe
    mov cr0, eax
    xor ax, ax
    mov ds, ax
    mov ebx, 0x150000
    mov byte [ebx], 0x5a
    mov cl, [ebx]
    mov ax, 0x1000
    mov ds, ax
    mov ch, [ebx - 0x10000]
    hlt
table: dw 15
    dd gdt
align 8
gdt: dq 0, 0x00cf92000000ffff
"""


def test_unreal_mode_keeps_the_limit_of_protected_mode():
    machine = real(UNREAL)
    assert machine.run(max_instructions=30).kind == "hang"
    assert machine.cpu.ecx & 0xFFFF == 0x5A5A and machine.memory.read_u8(0x150000) == 0x5A
    assert machine.cpu.segment("ds")[1:] == (0x1000, 0x10000, 0xFFFFFFFF, 0xC093)


def test_far_calls_to_one_offset_in_many_segments():
    """The same IP in other segments is other code, however often it was there before."""
    machine = real("mov cx, 20\nagain: call 0x1000:0\ncall 0x2000:0\ncall 0x1000:0\nloop again\nhlt")
    machine.memory.write(0x10000, bytes.fromhex("40 cb"))                       # inc ax; retf
    machine.memory.write(0x20000, bytes.fromhex("43 cb"))                       # inc bx; retf
    assert machine.run(max_instructions=1000).kind == "hang"
    assert (machine.cpu.ax, machine.cpu.bx, machine.cpu.sp) == (40, 20, 0x7C00)


def test_real_mode_code_after_protected_mode_is_16_bits_wide_again():
    guest = flat32("jmp 0x18:next\nbits 16\nnext: mov eax, cr0\nand al, 0xfe\nmov cr0, eax\njmp 0x200:0\n")
    guest.memory.write(0x5018, descriptor(CODE_READ, base=0, limit=0xFFFFF, flags=0x8))
    guest.cpu.gdtr = 0x5000, 0xFF
    guest.memory.write(0x2000, bytes.fromhex("b83412 f4"))                      # mov ax, 1234h; hlt
    assert guest.run(max_instructions=20).kind == "hang"
    cpu = guest.cpu
    assert (cpu.mode, cpu.code_bits, cpu.ax, cpu.rip, cpu.cs) == ("real", 16, 0x1234, 4, 0x200)


# ---- far transfers in protected mode ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("ring, kind, dpl, rpl, fault", [
    (0, CODE_READ, 0, 0, None), (0, CODE_READ, 0, 3, 13), (0, CODE_READ, 3, 3, 13), (3, CODE_READ, 3, 0, None),
    (3, CODE_READ, 0, 3, 13), (3, CONFORMING, 0, 3, None), (0, CONFORMING, 3, 3, 13), (0, DATA, 0, 0, 13)])
def test_a_direct_far_jump_stays_at_its_level(ring, kind, dpl, rpl, fault):
    guest = Guest(f"jmp {FREE | rpl}:0x5000\n", ring=ring).entry(FREE, descriptor(kind, dpl))
    guest.memory.write(0x5000, bytes.fromhex("89f0 ebfe"))
    guest.run(2 if fault is None else 5)
    if fault is None:
        assert (guest.cpu.cs, guest.cpu.cpl) == (FREE | ring, ring)
    else:
        assert guest.faults() == [(fault, FREE)]


def test_a_call_gate_changes_stacks_and_copies_parameters():
    guest = Guest(f"push 11\npush 22\npush 33\ncall {FREE | 3}:0\nmov ebp, esp\nhlt", ring=3)
    guest.entry(FREE, gate(CALL32, CODE0_SELECTOR, 0x9000, dpl=3, count=2)).memory.write(0x9000, bytes.fromhex("90 ca0800"))
    guest.run(5)
    cpu = guest.cpu
    assert (cpu.cpl, cpu.cs, cpu.ss, cpu.rip) == (0, CODE0_SELECTOR, DATA0, 0x9001)
    assert guest.frame(6) == [CODE3 + 13, CODE3_SELECTOR, 33, 22, STACK3 - 12, DATA3] and cpu.rsp == KERNEL_STACK - 24
    guest.run(2)                                                                # RETF 8: both stacks lose the parameters
    assert (cpu.cpl, cpu.cs, cpu.ss, cpu.ebp) == (3, CODE3_SELECTOR, DATA3, STACK3 - 4)


def test_a_16_bit_call_gate_pushes_words():
    guest = Guest(f"push word 11\npush word 22\ncall {FREE | 3}:0\n", ring=3)
    guest.entry(FREE, gate(CALL16, CODE0_SELECTOR, 0x9000, dpl=3, count=2)).memory.write(0x9000, b"\x90")
    guest.run(4)
    assert guest.frame(6, 2) == [CODE3 + 13 & 0xFFFF, CODE3_SELECTOR, 22, 11, STACK3 - 4 & 0xFFFF, DATA3]


@pytest.mark.parametrize("change, fault", [
    ({"dpl": 0}, (13, FREE)), ({"present": False}, (11, FREE)), ({"selector": 0}, (13, 0)),
    ({"selector": DATA0}, (13, DATA0)), ({"kind": INTERRUPT32}, (13, FREE)), ({"selector": 0x1000}, (13, 0x1000))])
def test_a_call_gate_that_refuses(change, fault):
    guest = Guest(f"call {FREE | 3}:0", ring=3)
    settings = {"kind": CALL32, "selector": CODE0_SELECTOR, "offset": 0x9000, "dpl": 3} | change
    guest.entry(FREE, gate(**settings)).run()
    assert guest.faults() == [fault] and guest.frame(2) == [fault[1], CODE3]


def test_a_call_gate_does_not_jump_inwards():
    guest = Guest(f"jmp {FREE | 3}:0", ring=3).entry(FREE, gate(CALL32, CODE0_SELECTOR, 0x9000, dpl=3))
    guest.run()
    assert guest.faults() == [(13, CODE0_SELECTOR)]


def test_a_stack_too_small_for_the_gate():
    guest = Guest(f"call {FREE | 3}:0", ring=3).entry(FREE, gate(CALL32, CODE0_SELECTOR, 0x9000, dpl=3))
    guest.entry(FREE + 8, descriptor(DATA, limit=0xFFF, flags=4))
    guest.memory.write(TSS + 4, struct.pack("<II", 8, FREE + 8))
    guest.gate(12, 5, FREE + 16).gate(8, 5, FREE + 16)
    guest.entry(FREE + 16, descriptor(TSS32, base=0x7000, limit=0x67, flags=0))
    for offset, value in {32: 0x9000, 36: 2, 56: 0x8000, 76: CODE0_SELECTOR, 80: DATA0}.items():
        guest.memory.write_u32(0x7000 + offset, value)
    guest.memory.write_u8(0x9000, 0xF4)
    guest.run()
    assert guest.faults() == [(12, FREE + 8)]


def test_a_64_bit_call_gate_and_back():
    guest = Guest(f"call far dword [rel pointer]\nhlt\npointer: dd 0\ndw {FREE | 3}", bits=64, ring=3)
    guest.memory.write(0x1000 + FREE, gate(CALL32, CODE0_SELECTOR, 0x9000, dpl=3, wide=True))
    guest.memory.write(0x9000, bytes.fromhex("90 48cb"))
    guest.run(2)
    cpu = guest.cpu
    assert (cpu.cpl, cpu.cs, cpu.ss, cpu.rsp) == (0, CODE0_SELECTOR, 0, KERNEL_STACK - 32)
    assert guest.frame(4) == [CODE3 + 6, CODE3_SELECTOR, STACK3, DATA3]
    guest.run(1)
    assert (cpu.cpl, cpu.cs, cpu.ss, cpu.rsp, cpu.rip) == (3, CODE3_SELECTOR, DATA3, STACK3, CODE3 + 6)


def test_from_64_bit_code_to_compatibility_mode_and_back():
    guest = Guest("""
        call far dword [rel there]
        hlt
        there: dd 0x9000
               dw 0x38
    """, bits=64)
    guest.entry(FREE, descriptor(CODE_READ))
    guest.memory.write(0x9000, bytes.fromhex("b8ffffffff 40 cb"))               # mov eax, -1; inc eax; retf
    guest.cpu.rax = 1 << 63
    guest.run(2)
    assert guest.cpu.mode == "compatibility" and guest.cpu.code_bits == 32
    assert guest.run().kind == "hang"
    assert (guest.cpu.mode, guest.cpu.rax, guest.cpu.rsp) == ("long", 0, STACK)
    assert [(e.kind, e.detail) for e in guest.cpu.mode_events() if e.detail in (8, 9, 10, 13)] == [("mode", 13), ("mode", 8)]


def test_a_code_segment_with_l_and_d_is_refused_in_long_mode():
    guest = Guest(f"jmp far dword [rel there]\nthere: dd 0\ndw {FREE}", bits=64).entry(FREE, descriptor(CODE_READ, flags=0xE))
    guest.run()
    assert guest.faults() == [(13, FREE)]


def test_retf_does_not_go_inwards():
    guest = Guest(f"push {CODE0_SELECTOR}\npush 0x9000\nretf", ring=3)
    guest.run()
    assert guest.faults() == [(13, CODE0_SELECTOR)]


@pytest.mark.parametrize("selector, fault", [(0, (13, 0)), (DATA0, (13, DATA0)), (FREE | 3, (12, FREE))])
def test_a_return_outwards_checks_its_stack(selector, fault):
    guest = Guest(f"push {selector}\npush 0x1000\npush {CODE3_SELECTOR}\npush 0x9000\nretf")
    guest.entry(FREE, descriptor(DATA, 3, present=False)).run()
    assert guest.faults() == [fault] and guest.cpu.cpl == 0


def test_a_fault_in_the_middle_of_a_far_call_changes_nothing():
    """The second push meets a page that is not there."""
    guest = Guest(f"mov esp, 0x3ff004\nmov ecx, 5\ncall {CODE0_SELECTOR}:0x9000")
    for page in range(1024):
        guest.memory.write_u32(0x21000 + 4 * page, page << 12 | 3 if page != 0x3FE else 0)
    guest.memory.write_u32(0x20000, 0x21003)
    guest.cpu.cr3, guest.cpu.cr0 = 0x20000, 0x80000011
    guest.gate(14, 5, FREE).entry(FREE, descriptor(TSS32, base=0x7000, limit=0x67, flags=0))
    for offset, value in {28: 0x20000, 32: 0x9100, 36: 2, 56: 0x8000, 76: CODE0_SELECTOR, 80: DATA0}.items():
        guest.memory.write_u32(0x7000 + offset, value)
    guest.memory.write_u8(0x9100, 0xF4)
    guest.run()
    assert guest.faults() == [(14, 2)] and guest.cpu.cr2 == 0x3FEFFC
    assert guest.memory.read_u32(TSS + 56) == 0x3FF004 and guest.memory.read_u32(TSS + 32) == CODE + 10


# ---- what does not exist ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("bits, code", [(64, "8cf0"), (32, "8cf8"), (32, "8ec8"), (32, "8ef0"), (32, "0f01d7"), (32, "ffef"),
                                        (32, "ffdf"), (32, "c5c0"), (64, "0e"), (64, "1f"), (64, "ea000000000000"), (64, "c407")])
def test_undefined(bits, code):
    machine = (flat64 if bits == 64 else flat32)(bytes.fromhex(code) + b"\xF4" * 8)
    machine.no_reboot = True
    machine.run(max_instructions=3)
    assert machine.cpu.events[0].vector == 6


def test_every_form_of_these_families_says_where_blocks_end():
    """Whatever changes CS or SS ends its block."""
    for form in table.forms():
        if form.family in ("far", "interrupt") and form.mnemonic != "bound":
            assert form.ends, form
        if form.family == "segment" and form.operands[0] == "ss" and form.mnemonic in ("mov", "pop"):
            assert form.ends, form


def test_a_call_looks_at_its_stack_before_its_offset():
    """No room for the return address and an offset beyond the limit: SDM Vol. 2, CALL, asks for the room first."""
    guest = Guest(f"mov ax, {FREE}\nmov ss, ax\nmov esp, 0x1000\ncall {FREE + 8}:0x1000")
    guest.entry(FREE, descriptor(DATA, limit=0xFF, flags=4)).entry(FREE + 8, descriptor(CODE_READ, limit=0xFF, flags=4))
    guest.run()
    assert guest.faults()[0] == (12, 0)
