"""CR4.VME and CR4.PVI: VIF in place of IF, and the interrupts that a V86 task keeps (SDM volume 3, "Interrupt and
Exception Handling in Virtual-8086 Mode", "Protected-Mode Virtual Interrupts")."""
import pytest

from machines import assemble
from protected import CODE3, TSS, Guest

VME, PVI = 1, 2
TF, IF, IOPL3, VM, VIF, VIP = 1 << 8, 1 << 9, 3 << 12, 1 << 17, 1 << 19, 1 << 20
GP = 13
REDIRECTION, IO_MAP = 0x68, 0x88


def v86(code, cr4=VME, flags=0, to_monitor=(), handler=""):
    """16-bit code at 2000:0000 in V86 mode, its IVT entry 21h at 3000:0010. It ends with HLT, which is #GP there."""
    made = Guest("hlt", 32, handlers=range(64))
    for vector in range(32, 64):
        made.gate(vector, 14, dpl=3)
    made.gate(3, 14, dpl=3)
    cpu, memory = made.cpu, made.memory
    memory.write(0x20000, assemble(f"{code}\nhlt", 16, 0))
    memory.write(0x30010, assemble(handler or "hlt", 16, 0x10))
    memory.write(4 * 0x21, bytes.fromhex("10 00 00 30"))
    bitmap = sum(1 << vector for vector in to_monitor)
    memory.write(TSS + 102, IO_MAP.to_bytes(2, "little"))
    memory.write(TSS + REDIRECTION, bitmap.to_bytes(32, "little"))
    cpu.set_segment("tr", 0x28, TSS, 0x108, 0x8B)
    cpu.cr4, cpu.rflags = cr4, 2 | VM | flags
    for name in ("es", "ss", "ds", "fs", "gs", "cs"):
        cpu.set_segment(name, 0x2000, 0x20000, 0xFFFF, 0xF3)
    cpu.rip, cpu.rsp, cpu.rax = 0, 0x8000, 0
    made.run()
    return made


def stopped(made):
    """(vector, CS:IP, FLAGS) of the exception that ended it."""
    _, ip, cs, flags = made.frame(4)
    return made.handler, (cs, ip), flags


def ends(code):
    return (GP, (0x2000, len(assemble(code, 16, 0))))


@pytest.mark.parametrize("code, before, after", [
    ("cli", VIF, 0), ("cli", VIF | IF, IF), ("sti", 0, VIF), ("sti", IF, IF | VIF),
    ("push 0x200\npopf", 0, VIF), ("push 2\npopf", VIF | IF, IF), ("push 0x3000\npopf", 0, 0),
    ("push 2\npush cs\npush there\niret\nthere:", VIF, 0), ("push 0x202\npush cs\npush there\niret\nthere:", IF, IF | VIF),
    ("cli", IOPL3 | IF | VIF, IOPL3 | VIF), ("push 0x202\npopf", IOPL3, IOPL3 | IF)])
def test_what_is_done_to_if(code, before, after):
    made = v86(code, flags=before)
    where, flags = stopped(made)[:2], stopped(made)[2]
    assert where == ends(code) and flags & (IF | VIF | IOPL3) == after


@pytest.mark.parametrize("before, pushed", [(VIF, IF | IOPL3), (IF, IOPL3), (VIP, IOPL3), (IOPL3 | IF, IF | IOPL3)])
def test_what_pushf_shows(before, pushed):
    made = v86("pushf\npop ax", flags=before)
    assert made.cpu.ax & (IF | IOPL3) == pushed


@pytest.mark.parametrize("code, cr4, flags", [
    ("cli", 0, 0), ("sti", 0, 0), ("pushf", 0, 0), ("popf", 0, 0), ("iret", 0, 0), ("int 0x21", 0, 0),
    ("sti", VME, VIP), ("o32 pushf", VME, 0), ("o32 popf", VME, 0), ("o32 iret", VME, 0)])
def test_what_the_monitor_is_asked(code, cr4, flags):
    assert stopped(v86(code, cr4, flags))[:2] == (GP, (0x2000, 0))


@pytest.mark.parametrize("image, flags", [(TF, 0), (IF, VIP)])
def test_flags_that_cannot_be_popped(image, flags):
    assert stopped(v86(f"push {image}\npopf", flags=flags))[:2] == ends(f"push {image}")
    start = f"push {image}\npush cs\npush 0"
    assert stopped(v86(f"{start}\niret", flags=flags))[:2] == ends(start)


@pytest.mark.parametrize("flags, inside, pushed", [
    (VIF, 0, IF | IOPL3), (0, 0, IOPL3), (IF | IOPL3 | VIF, IOPL3 | VIF, IF | IOPL3)])
def test_an_interrupt_that_stays_in_the_task(flags, inside, pushed):
    made = v86("int 0x21", flags=flags)
    vector, where, seen = stopped(made)
    assert (vector, where) == (GP, (0x3000, 0x10)) and seen & (IF | VIF | IOPL3) == inside
    sp = made.frame(5)[4]
    ip, cs, image = (made.memory.read_u16(0x20000 + sp + 2 * index) for index in range(3))
    assert (ip, cs, image & (IF | IOPL3)) == (2, 0x2000, pushed)


def test_it_comes_back():
    made = v86("int 0x21\ninc bx", flags=VIF, handler="inc ax\niret")
    assert stopped(made)[:2] == ends("int 0x21\ninc bx") and made.cpu.ax == 1 and stopped(made)[2] & VIF


def test_an_interrupt_that_the_bitmap_sends_to_the_monitor():
    assert stopped(v86("int 0x21", to_monitor=[0x21]))[:2] == (GP, (0x2000, 0))
    made = v86("int 0x21", flags=IOPL3, to_monitor=[0x21])
    assert made.handler == 0x21 and made.frame(2) == [2, 0x2000]


def test_breakpoints_are_not_redirected():
    assert v86("int3").handler == 3


@pytest.mark.parametrize("code, cr4, flags, end", [
    ("cli", PVI, VIF, (GP, 1, 0)), ("sti", PVI, 0, (GP, 1, VIF)), ("sti", PVI, VIP, (GP, 0, 0)), ("cli", VME, VIF, (GP, 0, VIF)),
    ("cli", 0, VIF, (GP, 0, VIF)), ("cli", PVI, IOPL3 | VIF | IF, (GP, 1, VIF))])
def test_pvi_gives_user_code_vif(code, cr4, flags, end):
    made = Guest(f"{code}\nhlt", 32, ring=3)
    made.cpu.cr4, made.cpu.rflags = cr4, 2 | flags
    made.run()
    _, ip, _, seen = made.frame(4)
    assert (made.handler, ip - CODE3, seen & VIF) == end
