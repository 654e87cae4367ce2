"""Debug exceptions: the four breakpoints of DR0-DR7, single steps, and what RF, MOV SS and REP do to them (SDM volume 3,
"Debug, Branch Profile, TSC"). The handler of #DB halts, unless a test gives it code."""
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from machines import CODE, assemble
from protected import HANDLERS, Guest

DB = 1
TF, RF = 1 << 8, 1 << 16
BS, BD = 1 << 14, 1 << 13
HERE = 0x30000
EXECUTE, WRITE, PORT, ACCESS = range(4)
DE = 1 << 3


def condition(kind, length=1, number=0, enable=1):
    """DR7 with one breakpoint. length: bytes; enable: 1 local, 2 global, 0 neither."""
    return enable << 2 * number | (kind | {1: 0, 2: 1, 4: 3, 8: 2}[length] << 2) << 16 + 4 * number


def at(code, bits=64):
    """The address behind this much code."""
    return CODE + len(assemble(code, bits))


def guest(code, dr7=0x400, addresses=(HERE,), bits=64, flags=0, handler="hlt", **registers):
    made = Guest(code, bits)
    for number, address in enumerate(addresses):
        setattr(made.cpu, f"dr{number}", address)
    for name, value in registers.items():
        setattr(made.cpu, name, value)
    made.cpu.dr7, made.cpu.rflags = dr7 | 0x400, 2 | flags
    made.gate(DB, 14, offset=0x9000)
    made.memory.write(0x9000, assemble(handler, bits, 0x9000))
    made.run()
    return made


def trapped(made):
    """The RIP that #DB pushed, or None if its handler was not entered."""
    return made.frame(1)[0] if made.cpu.rip == 0x9001 else None


# ---- data -------------------------------------------------------------------------------------------------------------

OPERATIONS = {"mov {r}, [rdi]": False, "mov [rdi], {r}": True, "add [rdi], {r}": True, "cmp [rdi], {r}": False,
              "xchg [rdi], {r}": True}
NAMES = {1: "al", 2: "ax", 4: "eax", 8: "rax"}


@given(st.sampled_from((WRITE, ACCESS)), st.sampled_from((1, 2, 4, 8)), st.sampled_from(sorted(OPERATIONS)),
       st.sampled_from((1, 2, 4, 8)), st.integers(-9, 9), st.sampled_from((HERE, HERE + 5, 0x30FFF)), st.integers(0, 3))
@example(WRITE, 4, "cmp [rdi], {r}", 4, 0, HERE, 0)
@example(ACCESS, 8, "mov {r}, [rdi]", 8, -7, 0x31000, 3)
def test_a_data_breakpoint_traps_behind_every_access_that_overlaps_it(kind, length, operation, size, distance, address, number):
    line = operation.format(r=NAMES[size])
    start, first = address & -length, address + distance
    overlaps = first < start + length and start < first + size
    made = guest(f"nop\n{line}\nnop\nhlt", condition(kind, length, number), [0] * number + [address], rdi=first)
    if overlaps and (kind == ACCESS or OPERATIONS[operation]):
        assert trapped(made) == at(f"nop\n{line}") and made.cpu.dr6 & 0xF == 1 << number
    else:
        assert trapped(made) is None and made.cpu.halted and made.cpu.dr6 & 0xF == 0


def test_a_store_that_traps_is_done_and_the_code_around_it_runs_in_blocks():
    made = guest("mov ecx, 1000\nagain: mov [rsi], ecx\ndec ecx\njnz again\nmov dword [rdi], 7\nhlt", condition(WRITE, 4),
                 rdi=HERE, rsi=0x31000)
    assert trapped(made) == at("mov ecx, 1000\nagain: mov [rsi], ecx\ndec ecx\njnz again\nmov dword [rdi], 7")
    assert made.memory.read_u32(HERE) == 7 and made.cpu.ecx == 0


@pytest.mark.parametrize("push", ["push rax", "call next\nnext: nop", "push word 5", "enter 0, 0"])
def test_the_stack_is_data_too(push):
    made = guest(f"{push}\nhlt", condition(WRITE, 8), addresses=[0x1FFFF8])
    assert made.cpu.rip == 0x9001 and made.cpu.dr6 & 0xF == 1


def test_conditions_that_are_met_show_even_if_they_are_not_enabled():
    made = guest("mov [rdi], eax\nhlt", condition(WRITE, 4) | condition(ACCESS, 1, 2, enable=0), [HERE, 0, HERE + 1], rdi=HERE)
    assert made.cpu.dr6 & 0xF == 0b101
    made = guest("mov [rdi], eax\nhlt", condition(WRITE, 4, enable=0), rdi=HERE)
    assert trapped(made) is None


def test_a_string_traps_between_two_iterations_with_rf():
    made = guest("rep stosb\nhlt", condition(WRITE), [HERE + 3], rdi=HERE, ecx=8)
    rip, _, flags = made.frame(3)
    assert (rip, made.cpu.ecx, made.cpu.edi) == (CODE, 4, HERE + 4) and flags & RF
    made = guest("rep stosb\nhlt", condition(WRITE), [HERE + 7], rdi=HERE, ecx=8)
    rip, _, flags = made.frame(3)
    assert rip == at("rep stosb") and not flags & RF


# ---- instructions -----------------------------------------------------------------------------------------------------

def test_an_instruction_breakpoint_comes_before_it_and_without_rf():
    made = guest("nop\nnop\ninc eax\nhlt", condition(EXECUTE), [CODE + 2], eax=0)
    assert trapped(made) == CODE + 2 and made.cpu.eax == 0 and made.cpu.dr6 & 0xF == 1
    assert not made.frame(3)[2] & RF


def test_with_rf_in_the_pushed_flags_it_comes_once_each_time_round():
    loop = "mov ecx, 10\nagain: inc eax\ndec ecx\njnz again\nhlt"
    made = guest(loop, condition(EXECUTE), [at("mov ecx, 10")], eax=0, r15=0,
                 handler="inc r15\nbts dword [rsp+16], 16\niretq")
    assert (made.cpu.eax, made.cpu.r15, made.cpu.rip) == (10, 10, at(loop))


def test_the_second_of_two_fused_instructions_can_have_one():
    made = guest("cmp eax, eax\nje past\nnop\npast: hlt", condition(EXECUTE), [at("cmp eax, eax")])
    assert trapped(made) == at("cmp eax, eax")


def test_one_that_is_set_by_the_code_itself_counts_at_once():
    code = "lea rax, [rel there]\nmov dr1, rax\nmov eax, 0x404\nmov dr7, rax\nnop\nthere:"
    made = guest(code + "inc ecx\nhlt", 0, (), ecx=0)
    assert trapped(made) == at(code) and made.cpu.ecx == 0


def test_a_rep_has_one_before_its_first_iteration_only():
    made = guest("rep stosb\nhlt", condition(EXECUTE), [CODE], rdi=HERE, ecx=5, r15=0,
                 handler="inc r15\nbts dword [rsp+16], 16\niretq", flags=TF)
    assert made.cpu.ecx == 0 and made.memory.read(HERE + 4, 1) != b"\xFF"


def test_a_linear_address_not_an_offset():
    made = Guest("hlt", 32)
    made.cpu.set_segment("cs", 8, 0x40000, 0xFFFF, 0xC09B)
    made.memory.write(0x40000, b"\x90\x90\x40\xF4")
    made.cpu.rip, made.cpu.dr0, made.cpu.dr7, made.cpu.eax = 0, 0x40002, 0x401, 0
    made.run()
    assert made.handler == DB and made.frame(1)[0] == 2


# ---- ports ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("cr4, hit", [(0x20 | DE, True), (0x20, False)])
@pytest.mark.parametrize("code", ["out 0x80, al", "in al, 0x81", "mov dx, 0x83\nin al, dx", "mov dx, 0x7f\nout dx, ax"])
def test_port_breakpoints_need_de(cr4, hit, code):
    made = guest(f"{code}\nnop\nhlt", condition(PORT, 4), [0x80], cr4=cr4)
    assert trapped(made) == (at(code) if hit else None)


# ---- single steps -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("code", [
    "nop", "sti", "mov ss, [rdi]\nnop", "rdtsc", "jmp next\nnop\nnext:"])
def test_a_trap_behind_each_instruction_but_mov_ss(code):
    made = guest(f"{code}\nnop\nhlt", flags=TF, rdi=HERE)
    assert trapped(made) == at(code) and made.cpu.dr6 & BS and not made.frame(3)[2] & RF


def test_a_breakpoint_on_the_operand_of_mov_ss_waits_for_the_next_instruction():
    made = guest("mov ss, [rdi]\ninc eax\nnop\nhlt", condition(ACCESS, 2), rdi=HERE, eax=0)
    assert trapped(made) == at("mov ss, [rdi]\ninc eax") and made.cpu.eax == 1


def test_a_rep_traps_behind_each_iteration():
    made = guest("rep stosb\nhlt", flags=TF, rdi=HERE, ecx=3)
    assert trapped(made) == CODE and made.cpu.ecx == 2 and made.frame(3)[2] & RF


def test_int_enters_its_handler_without_a_trap():
    made = Guest("int 0x30\nhlt", 64, handlers=range(64))
    made.cpu.rflags |= TF
    made.run()
    assert made.handler == 0x30


def test_btf_traps_behind_branches_only():
    made = guest("nop\ninc eax\njz nowhere\njmp there\nnowhere: nop\nthere: nop\nhlt", flags=TF, eax=1)
    assert trapped(made) == at("nop")
    code = ("mov ecx, 0x1d9\nmov eax, 2\nxor edx, edx\nwrmsr\npushfq\nor dword [rsp], 0x100\npopfq\n"
            "nop\ninc eax\njz nowhere\njmp there\n")
    made = guest(code + "nowhere: nop\nthere: nop\nhlt")
    assert trapped(made) == at(code + "nowhere: nop\nthere:") and made.cpu.dr6 & BS


# ---- the registers ----------------------------------------------------------------------------------------------------

def test_general_detect_is_a_fault_and_clears_itself():
    made = guest("nop\nmov rax, dr0\nhlt", 1 << 13)
    assert trapped(made) == CODE + 1 and made.cpu.dr6 & BD and not made.cpu.dr7 & 1 << 13
    assert made.frame(3)[2] & RF


def test_any_debug_exception_clears_general_detect():
    made = guest("nop\nhlt", 1 << 13, flags=TF)
    assert trapped(made) == CODE + 1 and not made.cpu.dr7 & 1 << 13


def test_faults_push_rf():
    made = Guest("ud2", 64)
    made.run()
    assert made.handler == 6 and made.frame(3)[2] & RF


def test_breakpoints_cost_nothing_in_time_and_survive_a_snapshot():
    code = "mov ecx, 50\nagain: dec ecx\njnz again\nmov [rdi], eax\nhlt"
    made = Guest(code, 64)
    made.cpu.dr0, made.cpu.dr7, made.cpu.rdi = HERE, condition(WRITE, 4) | 0x400, HERE
    made.machine.run(max_instructions=20)
    snapshot = made.machine.snapshot()
    made.run()
    first = made.machine.time, made.cpu.rip, made.cpu.dr6
    assert made.handler == DB
    made.machine.restore(snapshot)
    made.run()
    assert (made.machine.time, made.cpu.rip, made.cpu.dr6) == first and HANDLERS + 16 * DB == made.cpu.rip - 1
