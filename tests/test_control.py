"""Control registers, EFER and the mode switches: the order that the manual demands, and what the TLB forgets."""
import pytest
from machines import CODE, STACK, TABLES, flat32, flat64
from protected import CODE0_SELECTOR, FREE, TSS16, Guest, descriptor

PE, NW, PG = 1, 1 << 29, 1 << 31
PAE, PGE = 1 << 5, 1 << 7
LME, LMA = 1 << 8, 1 << 10

TO_LONG_MODE = """
    mov eax, 0x{cr4:x}
    mov cr4, eax
    mov eax, 0x10000
    mov cr3, eax
    mov ecx, 0xc0000080
    mov eax, 0x{efer:x}
    xor edx, edx
    wrmsr
    mov eax, 0x{cr0:x}
    mov cr0, eax
"""


def from_32_bits(code, **values):
    """Ring 0, 32 bits, an IDT, and the page tables of tests/machines.py at 10000h."""
    guest = Guest(TO_LONG_MODE.format(**{"cr4": PAE, "efer": LME, "cr0": PG | PE} | values) + code)
    tables = flat64("hlt")
    guest.memory.write(TABLES, tables.memory.read(TABLES, 0x3000))
    return guest


# ---- into long mode and out ---------------------------------------------------------------------------------------------------

def test_the_way_into_long_mode():
    guest = from_32_bits("jmp 0x38:next\nbits 64\nnext: mov rax, cr0\nmov r8, -1\nhlt")
    guest.entry(FREE, descriptor(0x1A, flags=0xA))
    guest.run(10)
    cpu = guest.cpu
    assert (cpu.mode, cpu.efer, cpu.code_bits) == ("compatibility", LME | LMA, 32)
    assert guest.run().kind == "hang"
    assert (cpu.mode, cpu.r8, cpu.rax) == ("long", (1 << 64) - 1, PG | PE | 0x10)
    assert [event.detail for event in cpu.mode_events()][-5:] == [5, 6, 3, 7, 8]      # PAE LME PG LMA, 64-bit code
    times = [event.time for event in cpu.mode_events()]
    assert times == sorted(times)


def test_the_way_back_through_compatibility_mode():
    guest = Guest("""
        jmp far dword [rel there]
        there: dd next
        dw 0x38
        bits 32
        next: mov eax, cr0
        and eax, 0x7fffffff
        mov cr0, eax
        mov ecx, 0xc0000080
        rdmsr
        hlt
    """, bits=64)
    guest.entry(FREE, descriptor(0x1A))
    assert guest.run().kind == "hang"
    assert (guest.cpu.mode, guest.cpu.eax) == ("protected", LME)                # LMA went with PG


@pytest.mark.parametrize("values", [
    {"cr4": 0}, {"cr0": PG}, {"cr0": PG | PE | NW}, {"efer": LME | 2}, {"efer": LME | 1 << 14}, {"cr4": PAE | 1 << 31},
    {"cr4": PAE | 1 << 17}],
    ids=("no-pae", "no-pe", "nw", "efer-1", "efer-14", "cr4-31", "pcide"))
def test_a_step_that_the_manual_forbids(values):
    guest = from_32_bits("hlt", **values)
    guest.run()
    assert guest.handler == 13 and guest.faults() == [(13, 0)] and guest.cpu.mode == "protected"


def test_paging_with_lme_needs_a_code_segment_without_l():
    guest = from_32_bits("hlt")
    guest.cpu.set_segment("cs", CODE0_SELECTOR, 0, 0xFFFFFFFF, 0xE09B)          # L is nothing before long mode
    guest.run()
    assert guest.faults() == [(13, 0)]


def test_paging_with_lme_refuses_a_16_bit_task():
    guest = from_32_bits("hlt")
    guest.cpu.set_segment("tr", 0x28, 0x3000, 0x2B, 0x80 | TSS16 | 2)
    guest.run()
    assert guest.faults() == [(13, 0)]


@pytest.mark.parametrize("code", [
    "mov rax, cr0\nbtr rax, 31\nmov cr0, rax",                                  # paging off, in 64-bit code
    "mov rax, cr4\nand al, 0xdf\nmov cr4, rax",                                 # PAE off
    "mov rax, cr3\nbts rax, 52\nmov cr3, rax",                                  # beyond MAXPHYADDR
    "mov rax, cr0\nbts rax, 40\nmov cr0, rax",
    "mov ecx, 0xc0000080\nrdmsr\nand ah, 0xfe\nwrmsr",                          # LME off while paging
    "mov eax, 16\nmov cr8, rax",
    "mov ecx, 0xc0000101\nmov edx, 0x2000000\nwrmsr",                              # GS base: not canonical
    "mov ecx, 0x277\nmov eax, 3\nxor edx, edx\nwrmsr",                          # PAT: no such type
    "mov ecx, 0x12345\nrdmsr", "mov ecx, 0x12345\nwrmsr"])
def test_what_64_bit_code_may_not_do(code):
    guest = Guest(code, bits=64)
    guest.run()
    assert guest.handler == 13 and guest.faults() == [(13, 0)] and guest.cpu.mode == "long"


@pytest.mark.parametrize("code", [
    "mov eax, cr0", "mov cr3, eax", "mov eax, dr7", "mov dr0, eax", "clts", "lmsw ax", "hlt", "invlpg [eax]", "invd", "wbinvd",
    "lgdt [0x5000]", "lidt [0x5000]", "lldt ax", "ltr ax", "rdmsr", "wrmsr", "cli", "sti", "in al, 0x60", "out 0x60, al", "insb",
    "outsb", "sysexit", "rdpmc"])
def test_ring_3_may_not(code):
    guest = Guest(code, ring=3)
    guest.cpu.rcx = 0x10
    guest.run()
    assert guest.handler == 13 and guest.faults() == [(13, 0)]


@pytest.mark.parametrize("code", ["smsw ax", "sgdt [0x5000]", "sidt [0x5000]", "sldt ax", "str ax", "rdtsc", "cpuid"])
def test_ring_3_may(code):
    guest = Guest(f"{code}\nnop", ring=3)
    guest.run(2)
    assert guest.faults() == []


# ---- PAE's four registers -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("entry, fault", [(0x22001, False), (0, False), (0x22003, True), (1 << 41 | 1, True)])
def test_pdptes_are_checked_when_cr3_is_loaded(entry, fault):
    """32-bit PAE: bits 2, 1 and 8..5 of a present entry are reserved, as is what lies above MAXPHYADDR."""
    guest = Guest("mov eax, 0x20\nmov cr4, eax\nmov eax, 0x20000\nmov cr3, eax\nmov eax, 0x80000011\nmov cr0, eax\n"
                  "mov eax, 0x21000\nmov cr3, eax\nnop\nhlt")
    for at in (0x20000, 0x21000):
        guest.memory.write_u64(at, 0x22001)
    guest.memory.write_u64(0x21018, entry)
    guest.memory.write_u64(0x22000, 0x83)
    guest.run()
    assert guest.faults() == ([(13, 0)] if fault else [])
    assert guest.cpu.cr3 == (0x20000 if fault else 0x21000)


def test_pdptes_stay_until_cr3_is_loaded_again():
    guest = Guest("mov eax, 0x20\nmov cr4, eax\nmov eax, 0x20000\nmov cr3, eax\nmov eax, 0x80000011\nmov cr0, eax\n"
                  "mov dword [0x20000], 0\nmov ebx, [0x5000]\nmov eax, 0x20000\nmov cr3, eax\nhlt", handlers=())
    guest.memory.write_u64(0x20000, 0x22001)
    guest.memory.write_u64(0x22000, 0x83)
    guest.memory.write_u32(0x5000, 77)
    assert guest.run().kind == "shutdown"                                       # nothing is mapped any more
    assert guest.cpu.ebx == 77 and guest.faults()[0][0] == 14


# ---- what the TLB forgets -----------------------------------------------------------------------------------------------------

MAPPED = 0x300000


def two_pages(code, bits=0, cr4=PAE):
    """64-bit code; 300000h and 301000h are 4 KB pages. 340000h holds the number 1, 341000h holds 2."""
    guest = Guest(f"mov rbx, 0x300000\nmov rdi, 0x23800\n{code}\nhlt", bits=64)
    memory = guest.memory
    memory.write_u64(TABLES + 0x2008, 0x23003 & ~0x1000 | 0x1000)               # the second 2 MB, by a page table at 23000h
    for page in range(512):
        memory.write_u64(0x23000 + 8 * page, 0x200000 + (page << 12) | 3)
    memory.write_u64(0x23800, 0x340000 | 3 | bits)
    memory.write_u32(0x340000, 1)
    memory.write_u32(0x341000, 2)
    guest.cpu.cr4 = cr4
    guest.cpu.rsp = STACK - 0x100
    guest.cpu.flush()
    return guest


READ_TWICE = "mov eax, [rbx]\nmov word [rdi+1], 0x3410\n{}\nmov ecx, [rbx]"


@pytest.mark.parametrize("between, bits, cr4, seen", [
    ("nop", 0, PAE, 1),                                                         # a stale translation stays
    ("invlpg [rbx]", 0, PAE, 2),
    ("mov rax, cr3\nmov cr3, rax", 0, PAE, 2),
    ("mov rax, cr3\nmov cr3, rax", 1 << 8, PAE, 2),                             # G means nothing without CR4.PGE
    ("mov rax, cr3\nmov cr3, rax", 1 << 8, PAE | PGE, 1),                       # a global page outlives CR3
    ("invlpg [rbx]", 1 << 8, PAE | PGE, 2),
    ("mov rax, cr4\nbtr rax, 7\nmov cr4, rax", 1 << 8, PAE | PGE, 2),           # ... but not CR4.PGE
    ("mov rax, cr0\nbts rax, 16\nmov cr0, rax", 0, PAE, 2),                     # CR0.WP
])
def test_when_a_changed_entry_is_seen(between, bits, cr4, seen):
    guest = two_pages(READ_TWICE.format(between), bits, cr4)
    guest.memory.write_u64(0x23800, 0x340000 | 0x63 | bits)
    code = guest.run()
    assert code.kind == "hang", guest.faults()
    assert guest.cpu.ecx == seen


def test_wp_keeps_the_supervisor_from_read_only_pages():
    guest = two_pages("mov byte [rdi], 0x21\nmov [rbx], ebx\nmov rax, cr0\nbts rax, 16\nmov cr0, rax\nmov [rbx], ebx")
    guest.run()
    assert guest.handler == 14 and guest.frame(1) == [3] and guest.cpu.cr2 == MAPPED


def test_nxe_makes_bit_63_a_reserved_bit_or_not():
    code = "bts qword [rdi], 63\nmov eax, [rbx]"
    guest = two_pages(code)
    guest.run()
    assert guest.handler == 14 and guest.frame(1) == [9]
    guest = two_pages(f"mov ecx, 0xc0000080\nrdmsr\nor ah, 8\nwrmsr\n{code}\ncall rbx")
    guest.run()
    assert guest.handler == 14 and guest.frame(1) == [0x11] and guest.cpu.eax == 1


# ---- the rest ----------------------------------------------------------------------------------------------------------------

def test_reset_leaves_the_signature_that_cpuid_shows():
    machine = flat32("mov eax, 1\ncpuid\nhlt")
    signature = type(machine.cpu)(machine, machine.memory).rdx
    machine.run(max_instructions=3)
    assert machine.cpu.eax == signature


@pytest.mark.parametrize("before", (0, 1, 7))
def test_the_time_stamp_counter_counts_every_instruction(before):
    machine = flat64("nop\n" * before + "rdtsc\nmov ebx, eax\nrdtsc\nhlt")
    start = machine.time
    machine.run(max_instructions=before + 4)
    assert (machine.cpu.ebx - start, machine.cpu.eax - machine.cpu.ebx) == (before + 1, 2)


def test_a_written_time_stamp_goes_on_from_there():
    machine = flat64("mov ecx, 0x10\nmov eax, 1000\nxor edx, edx\nwrmsr\nrdtsc\nhlt")
    machine.run(max_instructions=6)
    assert machine.cpu.eax == 1001


def test_general_detect_guards_the_debug_registers_once():
    guest = Guest("mov eax, 0x2400\nmov dr7, eax\nmov eax, dr0\nhlt")
    guest.run()
    assert guest.handler == 1 and guest.cpu.dr6 & 1 << 13 and not guest.cpu.dr7 & 1 << 13
    assert guest.frame(1) == [CODE + 8]


