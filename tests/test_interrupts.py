"""Delivery of interrupts and exceptions, and IRET, in every mode: what is pushed, what changes, what refuses."""
import pytest
from machines import CODE, STACK, real
from protected import (CODE0_SELECTOR, CODE3, CODE3_SELECTOR, CONFORMING, DATA, DATA0, DATA3, FREE, IDT, INTERRUPT16,
                       INTERRUPT32, IST1, KERNEL_STACK, STACK3, TASK, TRAP32, TSS, TSS16, TSS32, TSS_SELECTOR, Guest,
                       descriptor)

from x86.faults import CONTRIBUTORY, makes_double_fault

CF, TF, IF, IOPL3, NT, RF, VM, AC = 1, 1 << 8, 1 << 9, 3 << 12, 1 << 14, 1 << 16, 1 << 17, 1 << 18


# ---- real mode ----------------------------------------------------------------------------------------------------------

def test_real_mode_pushes_three_words_and_iret_takes_them_back():
    machine = real("sti\nstc\nint 0x60\nmov bx, 0x55\nhlt")
    machine.bus.write(0x21, 0xFF, 1)                                            # no timer
    machine.memory.write(0x60 * 4, bytes((0x00, 0x20, 0x30, 0x00)))             # 0030:2000
    machine.memory.write(0x2300, bytes.fromhex("89e5 8b4604 f4 cf"))            # mov bp, sp; mov ax, [bp+4]; hlt; iret
    assert machine.run(max_instructions=6).kind == "limit"
    cpu = machine.cpu
    assert (cpu.cs, cpu.rip, cpu.sp) == (0x30, 0x2006, 0x7BFA)
    assert machine.memory.read(0x7BFA, 6) == bytes((0x04, 0x7C, 0, 0)) + (2 | IF | CF).to_bytes(2, "little")
    assert not cpu.rflags & IF and cpu.cf
    cpu.halted = False
    machine.run(max_instructions=2)
    assert (cpu.cs, cpu.rip, cpu.sp, cpu.bx) == (0, 0x7C07, 0x7C00, 0x55) and cpu.rflags & IF


def test_exceptions_in_real_mode_have_no_error_code():
    machine = real("mov si, 0xffff\nmov ax, [si]\nhlt")
    machine.memory.write(13 * 4, bytes((0x00, 0x20, 0x00, 0x00)))
    machine.memory.write(0x2000, b"\xF4")
    machine.run(max_instructions=10)
    assert (machine.cpu.rip, machine.cpu.sp) == (0x2001, 0x7BFA)
    assert machine.memory.read_u16(0x7BFA) == 0x7C03                            # the instruction that faulted


def test_a_short_interrupt_table_in_real_mode_ends_in_shutdown():
    machine = real("int 0x21")
    machine.no_reboot = True
    machine.cpu.idtr = 0, 7
    assert machine.run(max_instructions=10).kind == "shutdown"
    assert [(e.kind, e.vector, e.error) for e in machine.cpu.events] == [
        ("fault", 13, 0x10A), ("fault", 13, 0x6B), ("double", 8, 0), ("triple", 13, 0x43)]


# ---- protected mode, the same level -------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind, size, flag", [(INTERRUPT32, 4, False), (TRAP32, 4, True), (INTERRUPT16, 2, False)])
def test_a_gate_of_the_same_level(kind, size, flag):
    guest = Guest("sti\nstc\nint 0x40\nhlt").gate(0x40, kind)
    guest.run()
    assert guest.handler == 0x40
    assert guest.frame(3, size) == [CODE + 4 & (1 << 8 * size) - 1, CODE0_SELECTOR, 2 | IF | CF]
    assert guest.cpu.rsp == STACK - 3 * size
    assert bool(guest.cpu.rflags & IF) == flag                                  # a trap gate leaves it alone


def test_a_fault_pushes_its_error_code_itself_and_rf():
    guest = Guest("mov ax, 0x88\nmov ds, ax\nhlt").entry(0x88, descriptor(DATA, present=False))
    guest.run()
    assert guest.handler == 11
    assert guest.frame(4) == [0x88, CODE + 4, CODE0_SELECTOR, 2 | RF]


@pytest.mark.parametrize("code, vector", [("int3", 3), ("int1", 1), ("mov al, 0x7f\nadd al, 1\ninto", 4)])
def test_traps_push_the_next_instruction_and_no_rf(code, vector):
    guest = Guest(f"{code}\nhlt")
    guest.run()
    assert guest.handler == vector
    eip, cs, flags = guest.frame(3)
    assert guest.memory.read_u8(eip) == 0xF4 and cs == CODE0_SELECTOR and not flags & RF


# ---- protected mode, inwards ----------------------------------------------------------------------------------------------

def test_from_ring_3_the_stack_comes_from_the_tss():
    guest = Guest("stc\nint 0x40\nhlt", ring=3).gate(0x40, INTERRUPT32, dpl=3)
    guest.run()
    cpu = guest.cpu
    assert guest.handler == 0x40 and (cpu.cpl, cpu.cs, cpu.ss, cpu.ds) == (0, CODE0_SELECTOR, DATA0, DATA3)
    assert guest.frame(5) == [CODE3 + 3, CODE3_SELECTOR, 2 | CF, STACK3, DATA3]
    assert cpu.rsp == KERNEL_STACK - 20


def test_iret_to_ring_3_drops_what_ring_3_may_not_have():
    guest = Guest("int 0x40\nmov eax, 1\nhlt", ring=3).gate(0x40, INTERRUPT32, dpl=3)
    guest.memory.write(0x8400, bytes.fromhex("66b81000 8ed8 66b82300 8ec0 cf"))     # ds = 10, es = 23, iret
    guest.run(7)
    cpu = guest.cpu
    assert (cpu.cpl, cpu.rip, cpu.rsp, cpu.cs, cpu.ss) == (3, CODE3 + 7, STACK3, CODE3_SELECTOR, DATA3)
    assert (cpu.ds, cpu.es, cpu.rax & 0xFF) == (0, DATA3, 1)


def test_a_conforming_handler_runs_at_the_level_of_the_program():
    guest = Guest("int 0x40\nhlt", ring=3).entry(FREE, descriptor(CONFORMING)).gate(0x40, INTERRUPT32, FREE, dpl=3)
    guest.run()
    assert (guest.cpu.cpl, guest.cpu.cs) == (0, CODE0_SELECTOR)                 # HLT is privileged: its #GP
    assert guest.faults() == [(13, 0)] and guest.frame(4)[2] == FREE | 3
    assert guest.frame(6)[4] == STACK3 - 12


@pytest.mark.parametrize("change, fault", [
    (lambda g: g.gate(0x40, INTERRUPT32, dpl=0), (13, 0x202)),                  # INT n needs a gate for its level
    (lambda g: g.gate(0x40, INTERRUPT32, dpl=3, present=False), (11, 0x202)),
    (lambda g: g.gate(0x40, 0xC, dpl=3), (13, 0x202)),                          # a call gate
    (lambda g: g.gate(0x40, INTERRUPT32, 0, dpl=3), (13, 0)),
    (lambda g: g.gate(0x40, INTERRUPT32, 0x1008, dpl=3), (13, 0x1008)),         # beyond the GDT
    (lambda g: g.gate(0x40, INTERRUPT32, DATA0, dpl=3), (13, DATA0)),
    (lambda g: g.entry(FREE, descriptor(0x1A, present=False)).gate(0x40, INTERRUPT32, FREE, dpl=3), (11, FREE)),
    (lambda g: g.entry(FREE, descriptor(0x1A, limit=0xF, flags=4)).gate(0x40, INTERRUPT32, FREE, dpl=3), (13, 0)),
], ids=("dpl", "not-present", "type", "null", "beyond", "data", "code-not-present", "offset"))
def test_a_gate_that_refuses(change, fault):
    guest = Guest("int 0x40\nhlt", ring=3)
    change(guest)
    guest.run()
    assert guest.handler == fault[0] and guest.faults() == [fault]
    assert guest.frame(2) == [fault[1], CODE3]                                  # a fault of the INT itself


@pytest.mark.parametrize("offset, value, fault", [
    (8, 0, (10, 0)), (8, DATA0 | 1, (10, DATA0)), (8, CODE0_SELECTOR, (10, CODE0_SELECTOR)), (8, DATA3, (10, DATA3 & ~3)),
    (8, 0x1010, (10, 0x1010)), (8, FREE, (12, FREE))], ids=("null", "rpl", "code", "dpl", "beyond", "not-present"))
def test_a_stack_in_the_tss_that_cannot_be_loaded(offset, value, fault):
    """Ring 3 to ring 0 over a bad SS0: #TS, or #SS where it is not present. A task gate has a stack of its own for it."""
    guest = Guest("int 0x40\nhlt", ring=3).gate(0x40, INTERRUPT32, dpl=3).entry(FREE, descriptor(DATA, present=False))
    guest.memory.write_u16(TSS + offset, value)
    second_task(guest, 0x48, 0x7000)
    guest.gate(fault[0], TASK, 0x48)
    guest.run()
    assert guest.cpu.segment("tr").selector == 0x48 and guest.faults() == [fault]
    assert guest.frame(1) == [fault[1]]


def test_icebp_does_not_ask_for_the_gates_dpl():
    guest = Guest("int1\nhlt", ring=3)
    guest.run()
    assert guest.handler == 1 and guest.faults() == []


def test_nmi_through_a_gate_that_is_not_present_says_ext():
    guest = Guest("nop\nnop\nhlt").gate(2, INTERRUPT32, present=False)
    guest.machine.nmi()
    guest.run()
    assert guest.handler == 11 and guest.frame(2) == [2 * 8 + 2 + 1, CODE]


# ---- virtual-8086 mode ------------------------------------------------------------------------------------------------------

def v86(code, iopl=IOPL3):
    """Code at 2000:0000 in V86 mode, other segments 2001h and up."""
    guest = Guest("iretd")
    from machines import assemble
    guest.memory.write(0x20000, assemble(code, 16, 0))
    frame = (0, 0x2000, 2 | VM | iopl, 0x8000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005)
    guest.cpu.rsp = STACK - 36
    guest.memory.write(STACK - 36, b"".join(value.to_bytes(4, "little") for value in frame))
    return guest


def test_into_v86_mode_and_out_with_nine_values():
    guest = v86("stc\nint 0x40\nhlt").gate(0x40, INTERRUPT32, dpl=3)
    guest.run(1)
    cpu = guest.cpu
    assert (cpu.mode, cpu.cpl, cpu.code_bits) == ("v86", 3, 16)
    assert [cpu.segment(name)[1:] for name in ("cs", "ss", "es", "ds", "fs", "gs")] == [
        (value, value << 4, 0xFFFF, 0xF3) for value in (0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005)]
    guest.run()
    assert guest.handler == 0x40 and (cpu.mode, cpu.cpl) == ("protected", 0)
    assert guest.frame(9) == [3, 0x2000, 2 | CF | VM | IOPL3, 0x8000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005]
    assert (cpu.ds, cpu.es, cpu.fs, cpu.gs) == (0, 0, 0, 0) and cpu.segment("ds").access == 0


@pytest.mark.parametrize("code", ["int 0x40", "cli", "sti", "pushf", "popf", "iret"])
def test_v86_mode_with_iopl_below_3_leaves_it_to_the_monitor(code):
    guest = v86(code, iopl=0)
    guest.run()
    assert guest.handler == 13 and guest.frame(3) == [0, 0, 0x2000]


def test_int3_in_v86_mode_needs_no_iopl():
    guest = v86("int3", iopl=0).gate(3, INTERRUPT32, dpl=3)
    guest.run()
    assert guest.handler == 3 and guest.faults() == []


def test_v86_mode_cannot_go_to_another_level_than_0():
    guest = v86("int 0x40").entry(FREE, descriptor(0x1A, 3)).gate(0x40, INTERRUPT32, FREE | 3, dpl=3)
    guest.run()
    assert guest.faults() == [(13, FREE)]


# ---- long mode --------------------------------------------------------------------------------------------------------------

def test_long_mode_aligns_the_stack_and_pushes_five_values():
    guest = Guest("mov rsp, 0x1f0009\nstc\nint 0x40\nhlt", bits=64).gate(0x40, TRAP32)
    guest.run()
    assert guest.handler == 0x40 and guest.cpu.rsp == 0x1F0000 - 40
    rip, *rest = guest.frame(5)
    assert guest.memory.read_u8(rip) == 0xF4 and rest == [CODE0_SELECTOR, 2 | CF, 0x1F0009, DATA0]


@pytest.mark.parametrize("ring", (0, 3))
def test_ist_is_taken_from_any_level(ring):
    guest = Guest("int 0x40\nhlt", bits=64, ring=ring).gate(0x40, INTERRUPT32, dpl=3, ist=1)
    guest.run()
    assert guest.handler == 0x40 and guest.cpu.rsp == IST1 - 40
    assert guest.cpu.ss == (DATA0 if ring == 0 else 0)                          # the level stays: so does SS


def test_from_ring_3_ss_is_null_and_iretq_brings_it_back():
    guest = Guest("int 0x40\nhlt", bits=64, ring=3).gate(0x40, INTERRUPT32, dpl=3)
    guest.memory.write(0x8400, bytes.fromhex("90 48cf"))
    guest.run(2)
    cpu = guest.cpu
    assert (cpu.cpl, cpu.ss, cpu.segment("ss").access, cpu.rsp) == (0, 0, 0, KERNEL_STACK - 40)
    assert guest.frame(5) == [CODE3 + 2, CODE3_SELECTOR, 2, STACK3, DATA3]
    guest.run(1)
    assert (cpu.cpl, cpu.ss, cpu.rsp, cpu.rip, cpu.mode) == (3, DATA3, STACK3, CODE3 + 2, "long")


def test_an_error_code_takes_eight_bytes():
    guest = Guest("mov ax, 0x88\nmov ds, ax", bits=64).entry(0x88, descriptor(DATA, present=False))
    guest.run()
    assert guest.handler == 11 and guest.frame(3) == [0x88, CODE + 4, CODE0_SELECTOR]
    assert guest.cpu.rsp == STACK - 48


def test_compatibility_code_gets_a_64_bit_handler():
    guest = Guest("mov esp, 0x1f000c\nint 0x40\nhlt", bits=64, ring=3).gate(0x40, INTERRUPT32, dpl=3)
    guest.entry(FREE, descriptor(0x1A, 3))
    guest.cpu.set_segment("cs", FREE | 3, 0, 0xFFFFFFFF, 0xC0FB)
    assert guest.cpu.mode == "compatibility"
    guest.run()
    assert guest.handler == 0x40 and guest.cpu.mode == "long"
    assert guest.frame(5)[1:] == [FREE | 3, 2, 0x1F000C, DATA3]


@pytest.mark.parametrize("change, fault", [
    (lambda g: g.gate(0x40, INTERRUPT16, dpl=3), (13, 0x202)),                  # there are no 16-bit gates
    (lambda g: g.gate(0x40, TASK, dpl=3), (13, 0x202)),
    (lambda g: g.entry(FREE, descriptor(0x1A)).gate(0x40, INTERRUPT32, FREE, dpl=3), (13, FREE)),      # 32-bit code
    (lambda g: g.entry(FREE, descriptor(0x1A, flags=0xE)).gate(0x40, INTERRUPT32, FREE, dpl=3), (13, FREE)),
    (lambda g: g.gate(0x40, INTERRUPT32, dpl=3, offset=0x800000000000), (13, 0)),
    (lambda g: g.memory.write_u64(TSS + 4, 0x800000000000) or g.gate(0x40, INTERRUPT32, dpl=3) and g.gate(12, 14, ist=1),
     (12, 0)),
    (lambda g: setattr(g.cpu, "idtr", (IDT, 0x40F)), (13, 0x412 - 0x210)),
], ids=("16-bit", "task", "32-bit-code", "l-and-d", "not-canonical", "stack", "limit"))
def test_a_gate_that_refuses_in_long_mode(change, fault):
    guest = Guest("int 0x40\nhlt", bits=64, ring=3)
    change(guest)
    if fault == (13, 0x202) and guest.cpu.idtr[1] == 0x40F:
        guest.cpu.idtr = IDT, 0x40E                                             # one byte short of gate 40h
    guest.run()
    assert guest.handler == fault[0] and guest.faults() == [fault]


def test_iret_with_nt_is_refused_in_long_mode():
    guest = Guest("pushfq\nor qword [rsp], 0x4000\npopfq\niretq", bits=64)
    guest.run()
    assert guest.handler == 13 and guest.faults() == [(13, 0)]


# ---- faults on top of faults ------------------------------------------------------------------------------------------------

def provoke(vector):
    """Code that raises `vector`, a fault, in 32-bit code with a #NP segment at 88h."""
    return {0: "xor eax, eax\ndiv al", 5: "bound eax, [bounds]", 6: "ud2", 11: "mov ax, 0x88\nmov ds, ax",
            12: "mov ax, 0x88\nmov ss, ax", 13: "mov ax, 0xffc\nmov ds, ax",
            14: "mov eax, [0x3ff000]"}[vector] + "\nhlt\nbounds: dd 5, 6"


def with_paging(guest):
    """Paging on, 4 KB pages, everything mapped but 3FF000h."""
    for page in range(1024):
        guest.memory.write_u32(0x21000 + 4 * page, page << 12 | 3 if page != 0x3FF else 0)
    guest.memory.write_u32(0x20000, 0x21003)
    guest.cpu.cr3 = 0x20000
    guest.cpu.cr0 = 0x80000011
    return guest


@pytest.mark.parametrize("first", (0, 5, 6, 11, 12, 13, 14))
@pytest.mark.parametrize("second", (11, 13, 14))
def test_two_faults_make_a_double_fault_or_not(first, second):
    """The first one's gate is not present (#NP), of a wrong type (#GP), or its code segment lies in a page that is not
    there (#PF): the second then is delivered, or #DF is."""
    guest = with_paging(Guest(provoke(first))).entry(0x88, descriptor(DATA, present=False))
    if second == 11:
        guest.gate(first, INTERRUPT32, present=False)
    elif second == 13:
        guest.gate(first, 0xC)
    else:                                                                       # SS0's descriptor or the gate's target page
        guest.gate(first, INTERRUPT32, 0x34)
        guest.cpu.set_segment("ldtr", 0x40, 0x3FF000, 0xFFF, 0x82)
    if first == second and second != 14:
        guest.gate(8, INTERRUPT32)                                              # its own gate is broken: #DF is next
    guest.run()
    expected = 8 if makes_double_fault(first, second) else second
    if expected == first and second != 14:
        expected = 8
    assert guest.handler == expected, guest.faults()
    if expected == 8:
        assert guest.frame(1) == [0]


def test_the_table_of_contributory_exceptions():
    assert CONTRIBUTORY >= {0, 10, 11, 12, 13} and not makes_double_fault(6, 13) and makes_double_fault(14, 14)


@pytest.mark.parametrize("bits", (32, 64))
def test_a_triple_fault_shuts_down_and_keeps_the_chain(bits):
    guest = Guest("ud2", bits=bits, handlers=())
    assert guest.run().kind == "shutdown"
    assert [(e.kind, e.vector, e.error) for e in guest.cpu.events] == [
        ("fault", 6, None), ("fault", 13, 6 * 8 + 3), ("fault", 13, 13 * 8 + 3), ("double", 8, 0), ("triple", 13, 8 * 8 + 3)]


def test_cr2_is_that_of_the_page_fault_that_counts():
    guest = with_paging(Guest("mov eax, [0x3ff123]"))
    guest.run()
    assert guest.handler == 14 and guest.cpu.cr2 == 0x3FF123 and guest.frame(2) == [0, CODE]


# ---- shadows, NMI, single steps -----------------------------------------------------------------------------------------------

def request_interrupt(guest, vector=0x50):
    """Interrupt line 1, as vector 51h."""
    bus = guest.machine.bus
    for port, value in ((0x20, 0x11), (0x21, vector), (0x21, 4), (0x21, 1), (0x21, 0xFD)):
        bus.write(port, value, 1)
    guest.gate(vector + 1, INTERRUPT32)
    guest.machine.devices["pic"].set_irq(1, True)
    return guest


def test_sti_lets_one_more_instruction_pass():
    guest = request_interrupt(Guest("sti\ninc eax\ninc eax\nhlt"))
    guest.run()
    assert guest.handler == 0x51 and guest.cpu.eax == 1


def test_sti_with_interrupts_on_holds_nothing_off():
    guest = Guest("sti\nnop\nsti\ninc eax\nhlt")
    guest.run(2)
    request_interrupt(guest)
    guest.run()
    assert guest.handler == 0x51 and guest.cpu.eax == 0


def test_cli_in_the_shadow_of_sti_wins():
    guest = request_interrupt(Guest("sti\ncli\ninc eax\nhlt"))
    assert guest.run().kind == "hang" and guest.cpu.eax == 1


@pytest.mark.parametrize("load", ("mov ss, ax", "push eax\npop ss"))
def test_a_new_ss_and_its_sp_are_one(load):
    guest = Guest(f"mov ax, 0x10\n{load}\nmov esp, 0x1e0000\nnop\nhlt")
    guest.run(2 + load.count("\n"))
    guest.machine.nmi()
    guest.run()
    assert guest.handler == 2 and guest.cpu.rsp == 0x1E0000 - 12


def test_nmi_waits_for_the_iret_of_the_one_before():
    guest = Guest("nop\nnop\nhlt")
    guest.memory.write(0x8020, bytes.fromhex("43 43 cf"))                       # inc ebx, twice; iret
    guest.machine.nmi()
    guest.run(2)
    guest.machine.nmi()
    guest.run(1)
    assert (guest.cpu.ebx, guest.cpu.rip) == (2, 0x8020)                        # entered again, behind the IRET
    guest.run(2)
    assert guest.cpu.ebx == 4
    assert guest.run().kind == "hang" and guest.cpu.rip == CODE + 3


def test_a_single_step_traps_behind_the_instruction_and_int_n_behind_nothing():
    guest = Guest("pushf\nor dword [esp], 0x100\npopf\ninc eax\ninc eax\nhlt")
    guest.run()
    assert guest.handler == 1 and guest.cpu.eax == 1 and guest.cpu.dr6 & 0x4000
    assert not guest.cpu.rflags & TF and guest.frame(3)[2] & TF
    guest = Guest("pushf\nor dword [esp], 0x100\npopf\nint 0x40\nhlt").gate(0x40, INTERRUPT32)
    guest.run()
    assert guest.handler == 0x40 and guest.frame(3)[2] & TF


# ---- tasks --------------------------------------------------------------------------------------------------------------------

def second_task(guest, selector, base, code=0x9000):
    """A 32-bit TSS at `base`: its task runs HLT at 9000h on a stack that ends at base + 1000h."""
    guest.entry(selector, descriptor(TSS32, base=base, limit=0x67, flags=0))
    guest.memory.write(code, b"\xF4")
    words = {32: code, 36: 2, 40: 0x11111111, 56: base + 0x1000, 72: DATA0, 76: CODE0_SELECTOR, 80: DATA0, 84: DATA0}
    for offset, value in words.items():
        guest.memory.write_u32(base + offset, value)
    guest.memory.write_u16(base + 102, 0x68)
    return guest


def busy(guest, selector):
    return bool(guest.memory.read_u8(0x1000 + selector + 5) & 2)


def test_an_interrupt_through_a_task_gate_and_back():
    guest = second_task(Guest("mov ebx, 7\nint 0x40\ninc ebx\nhlt"), 0x48, 0x7000).gate(0x40, TASK, 0x48)
    guest.memory.write(0x9000, bytes.fromhex("43 cf"))                          # inc ebx; iret
    guest.run(2)
    cpu = guest.cpu
    assert (cpu.segment("tr").selector, cpu.rip, cpu.eax, cpu.ebx) == (0x48, 0x9000, 0x11111111, 0)
    assert cpu.rflags & NT and cpu.cr0 & 8 and busy(guest, 0x48) and busy(guest, TSS_SELECTOR)
    assert guest.memory.read_u16(0x7000) == TSS_SELECTOR                        # the back link
    assert guest.memory.read_u32(TSS + 32) == CODE + 7
    assert guest.run().kind == "hang"
    assert (cpu.segment("tr").selector, cpu.ebx, cpu.rip) == (TSS_SELECTOR, 8, CODE + 9)
    assert not busy(guest, 0x48) and guest.memory.read_u32(0x7000 + 52) == 1    # its EBX was saved


def test_a_far_jump_to_a_tss_leaves_the_old_task_idle():
    guest = second_task(Guest("jmp 0x48:0\nhlt"), 0x48, 0x7000)
    assert guest.run().kind == "hang"
    assert guest.cpu.segment("tr").selector == 0x48 and not guest.cpu.rflags & NT
    assert busy(guest, 0x48) and not busy(guest, TSS_SELECTOR)


def test_a_busy_task_cannot_be_called():
    guest = second_task(Guest("call 0x48:0\nhlt"), 0x48, 0x7000)
    guest.entry(0x48, descriptor(TSS32 | 2, base=0x7000, limit=0x67, flags=0))
    guest.run()
    assert guest.handler == 13 and guest.faults() == [(13, 0x48)]


def test_a_16_bit_task_has_words():
    guest = Guest("mov ecx, -1\njmp 0x48:0\nhlt")
    guest.entry(0x48, descriptor(TSS16, base=0x7000, limit=0x2B, flags=0)).memory.write(0x9000, b"\xF4")
    for offset, value in {14: 0x9000, 16: 2, 18: 0x1234, 26: 0x7F00, 34: DATA0, 36: CODE0_SELECTOR, 38: DATA0, 40: DATA0}.items():
        guest.memory.write_u16(0x7000 + offset, value)
    assert guest.run().kind == "hang"
    assert (guest.cpu.eax, guest.cpu.ecx, guest.cpu.sp, guest.cpu.rip) == (0xFFFF1234, 0xFFFF0000, 0x7F00, 0x9001)


@pytest.mark.parametrize("offset, value, fault", [
    (76, DATA0, (10, DATA0)), (80, CODE0_SELECTOR, (10, CODE0_SELECTOR)), (84, 0xFFC, (10, 0xFFC)), (96, DATA0, (10, DATA0)),
    (84, 0x88, (11, 0x88)), (76, 0, (10, 0))])
def test_a_task_with_a_state_that_cannot_be_faults_in_the_new_task(offset, value, fault):
    guest = second_task(Guest("jmp 0x48:0\nhlt"), 0x48, 0x7000).entry(0x88, descriptor(DATA, present=False))
    second_task(guest, 0x58, 0x6000)
    guest.gate(fault[0], TASK, 0x58)
    guest.memory.write_u16(0x7000 + offset, value)
    guest.run()
    assert guest.cpu.segment("tr").selector == 0x58 and guest.faults() == [fault]
    assert guest.memory.read_u16(0x6000) == 0x48 and guest.memory.read_u32(0x7000 + 32) == 0x9000
