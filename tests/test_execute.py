"""The run loop and the block cache: exact counts, chaining, code that changes under the processor's feet."""
import pytest
from hypothesis import given
from hypothesis import strategies as st
from machines import CODE, flat32, flat64, real

COUNTING = """
        mov ecx, 1000
.again: add rax, rcx
        xor edx, eax
        dec ecx
        jnz .again
.end:   jmp .end
"""


@given(st.lists(st.integers(1, 300), min_size=1, max_size=30))
def test_any_cut_of_a_run_gives_the_same_states(cuts):
    """A run is exact to the instruction, however it is cut into pieces."""
    whole, pieces = flat64(COUNTING), flat64(COUNTING)
    for cut in cuts:
        pieces.run(max_instructions=cut)
    whole.run(max_instructions=sum(cuts))
    assert whole.snapshot().cpus == pieces.snapshot().cpus
    assert whole.time == pieces.time == sum(cuts)


def test_a_step_is_one_instruction():
    machine = flat64(COUNTING)
    trail = []
    for _ in range(6):
        machine.step()
        trail.append(machine.cpu.rip - CODE)
    assert trail == [5, 8, 10, 12, 5, 8]


def test_code_written_before_it_runs_again():
    machine = flat64("""
        mov ecx, 3
again:  mov eax, 11223344h          ; its immediate is counted up below
        add ebx, eax
        inc dword [rel again + 1]
        dec ecx
        jnz again
        jmp $
    """)
    machine.run(max_instructions=16)
    assert machine.cpu.ebx == (3 * 0x11223344 + 3) & 0xFFFFFFFF


def test_the_next_instruction_of_the_same_block_is_written():
    machine = flat64("""
        mov byte [rel next + 1], 7
next:   mov al, 1
        jmp $
    """)
    machine.run(max_instructions=2)
    assert machine.cpu.al == 7


def test_a_chained_block_is_written_from_another_page():
    machine = flat64("""
        xor ebx, ebx
        mov ecx, 5
again:  call far_away
        add ebx, eax
        inc byte [rel far_away + 1]
        dec ecx
        jnz again
        jmp $
        times 4096 - ($ - $$) nop
far_away: mov eax, 1
        ret
    """)
    machine.run(max_instructions=2 + 5 * 7)
    assert machine.cpu.ebx == 1 + 2 + 3 + 4 + 5


def test_data_beside_code_does_not_throw_the_code_away():
    machine = flat64("""
        mov ecx, 10000
again:  inc dword [rel counter]
        dec ecx
        jnz again
        jmp $
        align 64
counter: dd 0
    """)
    machine.run(max_instructions=30_001)
    assert machine.cpu.ecx == 0
    assert machine.cpu.statistics["killed"] == 0
    assert machine.cpu.statistics["blocks"] < 10


def test_an_instruction_across_two_pages():
    machine = flat64("""
        jmp start
        times 4093 - ($ - $$) nop
start:  mov rax, 1122334455667788h      ; begins three bytes before the page's end
        mov ebx, 5
        jmp $
    """)
    machine.run(max_instructions=3)
    assert (machine.cpu.rax, machine.cpu.ebx) == (0x1122334455667788, 5)


def test_the_same_page_at_two_addresses_is_two_programs():
    """RIP-relative code sees the address that it runs at, whatever it is decoded from."""
    code = """
        lea rax, [rel $]
        ret
    """
    machine = flat64(code)
    machine.memory.write_u64(0x12000 + 8, 0x83)                 # 200000h.. is the first 2 MB once more
    machine.cpu.cr3 = 0x10000
    seen = []
    for base in (CODE, CODE + 0x200000):
        machine.memory.write_u64(0x80000, 0x90000)
        machine.cpu.rsp, machine.cpu.rip = 0x80000, base
        machine.run(max_instructions=2)
        seen.append(machine.cpu.rax)
    assert seen == [CODE, CODE + 0x200000]


def test_writes_through_an_alias_reach_the_code():
    machine = flat64("""
again:  mov al, 1
        inc byte [rbx]
        jmp again
    """)
    machine.memory.write_u64(0x12000 + 8, 0x83)
    machine.cpu.cr3 = 0x10000
    machine.cpu.rbx = CODE + 0x200000 + 1
    machine.run(max_instructions=7)
    assert machine.cpu.al == 3


def test_registers_and_count_at_a_fault_in_the_middle_of_a_block():
    machine = flat64("""
        mov eax, 1
        mov ebx, 2
        mov ecx, [rdx]                  ; nothing is mapped there, and there is no IDT
        mov ebx, 3
    """)
    machine.cpu.rdx = 0x40000000
    stop = machine.run(max_instructions=100)
    assert stop.kind == "shutdown"
    assert (machine.cpu.eax, machine.cpu.ebx, machine.time) == (1, 2, 2)
    assert machine.cpu.cr2 != 0
    fault = machine.cpu.events[0]
    assert (fault.kind, fault.vector, fault.address, fault.rip) == ("fault", 14, 0x40000000, CODE + 10)


def test_a_fused_pair_faults_as_its_first_half():
    machine = flat64("""
        nop
        cmp rax, [rdx]
        je $
    """)
    machine.cpu.rdx = 0x40000000
    machine.run(max_instructions=100)
    assert machine.time == 1
    assert machine.cpu.events[0].rip == CODE + 1


@pytest.mark.parametrize("offset", [0xFFC, 0xFFD, 0xFFE, 0xFFF, 0x1000])
def test_data_across_two_pages(offset):
    machine = flat64("""
        mov rax, [rbx]
        add [rbx], rcx
        push qword [rbx]
        pop rdx
        jmp $
    """)
    cpu = machine.cpu
    cpu.rbx, cpu.rcx = 0x80000 + offset, 0x0101010101010101
    machine.memory.write_u64(0x80000 + offset, 0x1122334455667788)
    machine.run(max_instructions=4)
    assert (cpu.rax, cpu.rdx) == (0x1122334455667788, 0x1223344556677889)


def test_ip_does_not_wrap_silently_in_real_mode():
    """Running past FFFFh is #GP, not a jump to 0 (SDM: the limit of CS in real mode)."""
    machine = real(b"\x90", offset=0xFFFF)
    machine.memory.write(13 * 4, b"\x00\x05\x00\x00")
    machine.memory.write(0x500, b"\xEB\xFE")
    machine.run(max_instructions=2)
    assert machine.cpu.rip == 0x500


def test_a_branch_past_the_limit_faults_at_the_branch():
    machine = flat32("jmp 120000h")
    machine.cpu.set_segment("cs", 8, 0, 0x10FFFF, 0x409B)
    stop = machine.run(max_instructions=10)
    assert stop.kind == "shutdown"
    assert machine.cpu.events[0].rip == CODE
    assert machine.time == 0


def test_a_handler_that_always_faults_does_not_stop_time():
    """#UD whose handler is #UD: nothing ever retires, and the run still ends."""
    machine = real(b"\x0f\x0b")
    machine.memory.write(6 * 4, b"\x00\x7c\x00\x00")
    stop = machine.run(max_instructions=1000)
    assert stop.kind == "limit"


def test_operands_that_push_each_other_out_of_the_tlb():
    """Every access misses; a miss must not leave anything on the host's stack."""
    machine = flat64("""
        mov ecx, 300000
again:  mov rax, [rsi]
        mov [rdi], rax
        dec ecx
        jnz again
        jmp $
    """, memory="16M")
    machine.memory.write_u64(0x12010, 0x400083)             # one entry of the TLB for both: they lie 4 MB apart
    machine.cpu.rsi, machine.cpu.rdi = 0x180000, 0x580000
    machine.memory.write_u64(0x180000, 0x1234)
    machine.run(max_instructions=1_200_001)
    assert machine.cpu.ecx == 0
    assert machine.memory.read_u64(0x580000) == 0x1234


def test_an_instruction_that_is_too_long_can_be_overwritten():
    machine = flat64(b"\x66" * 20)
    assert machine.run(max_instructions=10).kind == "shutdown"
    assert machine.cpu.events[0].vector == 13
    machine.memory.write(CODE, b"\x90" * 20)
    machine.cpu.rip = CODE
    assert machine.run(max_instructions=5).kind == "limit"
    assert machine.cpu.rip == CODE + 5
