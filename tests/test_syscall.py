"""SYSCALL SYSRET SYSENTER SYSEXIT SWAPGS with their MSRs set, there and back."""
import pytest
from protected import CODE3, STACK3, Guest

STAR = 0x0030_0008 << 32                # SYSCALL: 08 and 10; SYSRET: 33, 3B and 43
WRMSR = "mov ecx, {:#x}\nmov eax, {:#x}\nmov edx, {:#x}\nwrmsr\n"


def wrmsr(number, value):
    return WRMSR.format(number, value & 0xFFFFFFFF, value >> 32)


SETUP = wrmsr(0xC0000080, 0x501) + wrmsr(0xC0000081, STAR) + wrmsr(0xC0000082, 0x9000) + wrmsr(0xC0000084, 0x701)
TO_RING_3 = f"mov rcx, {CODE3}\nmov r11, 0x202\no64 sysret\nhlt\n"


def kernel(code, user):
    guest = Guest(SETUP + code, bits=64, user=user)
    for at in (0x10000, 0x11000, 0x12000, 0x12008):
        guest.memory.write_u64(at, guest.memory.read_u64(at) | 4)
    guest.memory.write(0x9000, b"\xF4")
    guest.cpu.flush()
    return guest


def test_sysret_and_syscall():
    guest = kernel(TO_RING_3, "mov rsp, 0x1f0000\nstc\nsyscall\nhlt")
    cpu = guest.cpu
    while cpu.cpl == 0:
        guest.run(1)
    assert (cpu.rip, cpu.cs, cpu.ss, cpu.mode) == (CODE3, 0x43, 0x3B, "long") and cpu.rflags & 0x200
    assert cpu.segment("cs")[2:] == (0, 0xFFFFFFFF, 0xA0FB) and cpu.segment("ss")[2:] == (0, 0xFFFFFFFF, 0xC0F3)
    guest.run(3)
    assert (cpu.rip, cpu.cpl, cpu.cs, cpu.ss) == (0x9000, 0, 8, 0x10)
    assert (cpu.rcx, cpu.r11, cpu.rsp) == (CODE3 + 8, 0x203, 0x1F0000)         # the stack is the user's
    assert not cpu.rflags & 0x201                                               # masked by IA32_FMASK
    assert cpu.segment("cs")[2:] == (0, 0xFFFFFFFF, 0xA09B) and cpu.segment("ss")[2:] == (0, 0xFFFFFFFF, 0xC093)


def test_sysret_to_compatibility_mode():
    guest = kernel(f"mov rcx, 0xffffffff{CODE3:08x}\nmov r11, 2\nsysret\n", "nop")
    while guest.cpu.cpl == 0:
        guest.run(1)
    assert (guest.cpu.mode, guest.cpu.rip, guest.cpu.cs, guest.cpu.code_bits) == ("compatibility", CODE3, 0x33, 32)


@pytest.mark.parametrize("bits, setup, code", [(64, "", "syscall"), (64, "", "sysret"), (32, SETUP, "db 0x0f, 0x05")])
def test_without_sce_and_outside_64_bit_code_there_is_none(bits, setup, code):
    guest = Guest(setup + code, bits=bits)
    guest.run(100)
    assert guest.faults()[-1] == (6, None)


def test_sysret_to_an_address_that_is_not_canonical_faults_at_ring_0():
    guest = kernel("mov rcx, 0x800000000000\no64 sysret\n", "nop")
    guest.run(100)
    assert guest.handler == 13 and guest.faults() == [(13, 0)] and guest.frame(3)[2] == 8


@pytest.mark.parametrize("bits", (32, 64))
def test_sysenter_and_sysexit(bits):
    user = "mov ecx, esp\nmov edx, back\nsysenter\nback: nop\nhlt"
    setup = wrmsr(0x174, 8) + wrmsr(0x175, 0x60000) + wrmsr(0x176, 0x9000)
    leave = "o64 sysexit" if bits == 64 else "sysexit"
    guest = Guest(f"{setup}mov ecx, {STACK3}\nmov edx, {CODE3}\n{leave}\n", bits=bits, user=user)
    if bits == 64:
        for at in (0x10000, 0x11000, 0x12000, 0x12008):
            guest.memory.write_u64(at, guest.memory.read_u64(at) | 4)
    guest.memory.write(0x9000, bytes.fromhex("fb" + ("48" if bits == 64 else "") + "0f35"))     # sti; sysexit
    cpu = guest.cpu
    while cpu.cpl == 0:
        guest.run(1)
    assert (cpu.rip, cpu.rsp) == (CODE3, STACK3)
    assert (cpu.cs, cpu.ss) == ((0x2B, 0x33) if bits == 64 else (0x1B, 0x23))
    guest.run(3)
    assert (cpu.rip, cpu.rsp, cpu.cs, cpu.ss, cpu.cpl) == (0x9000, 0x60000, 8, 0x10, 0)
    guest.run(2)
    assert (cpu.cpl, cpu.rsp) == (3, STACK3) and guest.memory.read_u8(cpu.rip) == 0x90 and cpu.rflags & 0x200


@pytest.mark.parametrize("code", ("sysenter", "sysexit"))
def test_sysenter_needs_its_selector(code):
    guest = Guest(code)
    guest.run()
    assert guest.faults() == [(13, 0)]


def test_swapgs_exchanges_the_bases():
    guest = Guest(wrmsr(0xC0000101, 0x5000) + wrmsr(0xC0000102, 0xFFFF800000001000) + "swapgs\nswapgs\nmov al, [gs:8]\nhlt",
                  bits=64)
    guest.memory.write_u8(0x5008, 0x77)
    guest.run(9)
    assert guest.cpu.segment("gs").base == 0xFFFF800000001000
    assert guest.run().kind == "hang" and guest.cpu.al == 0x77



def test_ring_3_has_no_swapgs():
    guest = Guest("swapgs", bits=64, ring=3)
    guest.run()
    assert guest.faults() == [(13, 0)]
