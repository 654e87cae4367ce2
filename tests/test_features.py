"""What bits of CR4 switch on: UMIP, FSGSBASE, PCID and INVPCID, five levels of paging; IA32_MISC_ENABLE."""
import pytest

from machines import CODE, TABLES, assemble
from protected import CODE0_SELECTOR, CODE3, DATA, Guest, descriptor

UD, GP, PF = 6, 13, 14
PAE, UMIP, LA57, FSGSBASE, PCIDE = 1 << 5, 1 << 11, 1 << 12, 1 << 16, 1 << 17


@pytest.mark.parametrize("code", ["sgdt [rdi]", "sidt [rdi]", "sldt eax", "str [rdi]", "smsw ax"])
@pytest.mark.parametrize("cr4, ring, vector", [(UMIP, 3, GP), (0, 3, None), (UMIP, 0, None)])
def test_umip(code, cr4, ring, vector):
    made = Guest(f"{code}\nud2", 64, ring=ring)
    made.cpu.cr4, made.cpu.rdi = PAE | cr4, 0x30000
    made.run()
    assert made.handler == (vector or UD)


def test_fs_and_gs_bases():
    made = Guest("wrfsbase rax\nwrgsbase ecx\nrdfsbase ebx\nrdgsbase rdx\nmov rsi, [fs:0x10]\nhlt", 64)
    made.cpu.cr4, made.cpu.rax, made.cpu.rcx = PAE | FSGSBASE, CODE, 0xFFFFFFFF_00001234
    made.run()
    assert made.cpu.segment("fs").base == CODE and made.cpu.ebx == CODE
    assert made.cpu.segment("gs").base == made.cpu.rdx == 0x1234
    assert made.cpu.rsi == made.memory.read_u64(CODE + 0x10)


@pytest.mark.parametrize("cr4, value, vector", [(FSGSBASE, 1 << 60, GP), (0, 0, UD), (FSGSBASE, 0x00FF << 48, None)])
def test_a_base_that_cannot_be(cr4, value, vector):
    made = Guest("wrgsbase rax\nhlt", 64)
    made.cpu.cr4, made.cpu.rax = PAE | cr4, value
    made.run()
    assert made.handler == vector                       # 57 bits are fine, whatever CR4.LA57 says


def test_pcid():
    made = Guest("mov rax, cr4\nbts eax, 17\nmov cr4, rax\nmov rax, cr3\nor eax, 0x123\nmov cr3, rax\n"
                 "bts rax, 63\nmov cr3, rax\nmov rbx, cr3\nhlt", 64)
    made.run()
    assert made.handler is None and made.cpu.rbx == TABLES | 0x123


@pytest.mark.parametrize("code", [
    "mov rax, cr3\nbts rax, 63\nmov cr3, rax", "mov rax, cr3\nor eax, 1\nmov cr3, rax\nmov rax, cr4\nbts eax, 17\nmov cr4, rax"],
    ids=("no-pcide", "pcid-is-not-0"))
def test_pcid_that_is_refused(code):
    made = Guest(f"{code}\nhlt", 64)
    made.run()
    assert made.faults() == [(GP, 0)]


def test_a_page_that_invpcid_drops():
    code = "mov eax, [rdi]\nmov dword [0x12008], 0\n{drop}\nmov eax, [rdi]\nhlt"
    for drop, vector in (("nop", None), ("mov edx, 2\ninvpcid rdx, [rsi]", PF), ("mov edx, 0\ninvpcid rdx, [rsi]", PF)):
        made = Guest(code.format(drop=drop), 64)
        made.cpu.rdi, made.cpu.rsi, made.cpu.rsp = 0x300000, 0x40000, 0x60000
        made.memory.write_u64(0x40008, 0x300000)
        made.run()
        assert made.handler == vector


@pytest.mark.parametrize("levels", [4, 5])
def test_five_levels(levels):
    made = Guest("mov eax, [rdi]\nhlt", 64)
    for index in (0, 1, 511):
        made.memory.write_u64(0x14000 + 8 * index, TABLES | 3)
    if levels == 5:
        made.cpu.cr4, made.cpu.cr3 = PAE | LA57, 0x14000
    made.cpu.rdi = (1 << 48) + CODE
    made.run()
    assert made.handler == (None if levels == 5 else GP)
    if levels == 5:
        assert made.cpu.eax == made.memory.read_u32(CODE)
        assert made.machine.walk((1 << 48) + CODE).steps[0].name == "PML5E"


def test_la57_stays_as_it_is_in_long_mode():
    made = Guest("mov rax, cr4\nbts eax, 12\nmov cr4, rax\nhlt", 64)
    made.run()
    assert made.faults() == [(GP, 0)]


@pytest.mark.parametrize("address, vector", [(0x00FF_FFFF_FFFF_F000, PF), (0x0100_0000_0000_0000, GP)])
def test_canonical_has_57_bits_then(address, vector):
    made = Guest("jmp rdi", 64)
    made.memory.write_u64(0x14000, TABLES | 3)
    made.cpu.cr4, made.cpu.cr3, made.cpu.rdi = PAE | LA57, 0x14000, address
    made.run()
    assert made.handler == vector


def test_user_code_cannot_invpcid():
    made = Guest("invpcid rax, [rdi]", 64, ring=3)
    made.run()
    assert made.faults() == [(GP, 0)] and made.frame(2)[1] == CODE3


def test_a_descriptor_above_4_gb_across_two_pages():
    made = Guest("hlt", 64)
    made.memory.write_u64(0x11020, made.memory.read_u64(0x11000))           # 4 GB is 0 again
    made.memory.write(0x30FFC, descriptor(DATA))
    made.memory.write(CODE, assemble("mov ax, 8\nmov ds, ax\nhlt", 32))
    made.cpu.set_segment("cs", CODE0_SELECTOR, 0, 0xFFFFFFFF, 0xC09B)       # compatibility mode
    made.cpu.gdtr = (0x1_0003_0FF4, 0xFF)
    made.run()
    assert made.handler is None and made.cpu.segment("ds").limit == 0xFFFFFFFF


@pytest.mark.parametrize("value, leaf, register, mask, wanted", [
    (0x1801, 0, "eax", 0xFF, 13), (0x401801, 0, "eax", 0xFF, 2), (0x1801, 0x80000001, "edx", 1 << 20, 1 << 20),
    (0x4_0000_1801, 0x80000001, "edx", 1 << 20, 0)])
def test_misc_enable_hides_leaves_and_nx(value, leaf, register, mask, wanted):
    made = Guest(f"wrmsr\nmov eax, {leaf}\ncpuid\nhlt", 64)
    made.cpu.rcx, made.cpu.rax, made.cpu.rdx = 0x1A0, value & 0xFFFFFFFF, value >> 32
    made.run()
    assert made.handler is None and getattr(made.cpu, register) & mask == wanted


@pytest.mark.parametrize("code", ["mov eax, 1", "mov edx, 4\nmov eax, 0x1801\nwrmsr\nmov ecx, 0xc0000080\nmov eax, 0xd00"],
                         ids=("read-only bits", "NXE without XD"))
def test_misc_enable_refuses(code):
    made = Guest(f"{code}\nwrmsr\nhlt", 64)
    made.cpu.rcx, made.cpu.rdx = 0x1A0, 0
    made.run()
    assert made.faults() == [(GP, 0)]
