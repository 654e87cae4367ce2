"""The post-mortem: each way to die is told with its chain, its instruction, what refused, and what to do."""
from __future__ import annotations

import re
import shutil
import subprocess
from collections import namedtuple
from pathlib import Path

import pytest
from machines import flat64

import boot
from boot.examples import build
from x86 import faults, paging, registers
from x86._memory import Memory
from x86.debug import descriptors, peek, timeline
from x86.debug.explain import entry_words, explain, last_chain
from x86.debug.symbols import Symbols
from x86.machine import Machine

Event = namedtuple("Event", "time kind vector error cause rip cs cpl address detail target")
SegmentView = namedtuple("SegmentView", "name selector base limit access")
Stop = namedtuple("Stop", "kind code message", defaults=(None, ""))
MB = 1 << 20
CODE_32, CODE_64, DATA = 0x00CF9A000000FFFF, 0x00AF9A000000FFFF, 0x00CF92000000FFFF


def event(vector, error=None, cause=0, kind="fault", time=100, rip=0x7D00, cs=8, cpl=0, address=0, detail=0, target=0):
    return Event(time, kind, vector, error, cause, rip, cs, cpl, address, detail, target)


class Processor:
    """A processor that died: its registers as somebody set them."""

    def __init__(self, mode="protected", bits=32, **values):
        self.mode, self.code_bits, self.cpl, self.halted, self.if_, self.a20 = mode, bits, 0, False, 0, True
        self.events = []
        data = ("ds", "es", "ss", "fs", "gs")
        self.segments = {name: SegmentView(name, 0x10, 0, 0xFFFFFFFF, 0xC093) for name in data}
        self.segments["cs"] = SegmentView("cs", 8, 0, 0xFFFFFFFF, 0xC09B)
        self.segments["ldtr"] = SegmentView("ldtr", 0, 0, 0, 0)
        self.gdtr, self.idtr = (0, 0xFFFF), (0, 0x3FF)
        for name in (*registers.GPR64, "rip", "cr2", "cr3", "cr4", "efer"):
            setattr(self, name, 0)
        self.cr0, self.rflags = 0x11, 2
        for name, value in values.items():
            setattr(self, name, value)

    def __getattr__(self, name):
        if name in self.__dict__.get("segments", ()):
            return self.segments[name].selector
        if name.startswith("e") and "r" + name[1:] in registers.GPR64:
            return getattr(self, "r" + name[1:]) & 0xFFFFFFFF
        raise AttributeError(name)

    def segment(self, name):
        return self.segments[name]

    def linear(self, name, offset):
        return self.segments[name].base + offset


class Board:
    """A machine that stopped."""

    def __init__(self, **values):
        self.memory, self.cpu, self.time = Memory(2 * MB), Processor(**values), 1_234_567

    def walk(self, address, access="read", user=False):
        def read(physical, size):
            return int.from_bytes(self.memory.read(physical, size), "little")
        cpu = self.cpu
        return paging.walk(read, paging.Registers(cpu.cr0, cpu.cr3, cpu.cr4, cpu.efer), address, access, bool(user))


def long_mode(**values):
    """A board in 64-bit mode, the first 2 MB mapped, with an empty IDT at 5000h and a GDT at 6000h."""
    board = Board(mode="long", bits=64, cr0=0x80000011, cr3=0x1000, cr4=0x20, efer=0x500, **values)
    for address, value in ((0x1000, 0x2003), (0x2000, 0x3003), (0x3000, 0x83)):
        board.memory.write_u64(address, value)
    for number, value in enumerate((0, CODE_64, DATA)):
        board.memory.write_u64(0x6000 + 8 * number, value)
    board.cpu.gdtr, board.cpu.idtr = (0x6000, 0x17), (0x5000, 0xFFF)
    return board


def triple(first, second_error=0x72, third_error=0x42, cause=faults.CAUSE_IDT_NOT_PRESENT):
    """The chain that follows when neither `first` nor #GP nor #DF has a gate."""
    return [first,
            event(faults.GP, second_error, cause, detail=first.vector),
            event(faults.DF, 0, kind="double"),
            event(faults.GP, third_error, cause, kind="triple", detail=8)]


PAGE_FAULT = event(faults.PF, 2, faults.CAUSE_PAGE_NOT_PRESENT, address=0x40000000, detail=0x40000000)
SHUTDOWN = Stop("shutdown", None, "triple fault")


def advice(text):
    """The last section, in one line."""
    return " ".join(text.split("what to do next\n")[1].split())


# ---- shutdown -------------------------------------------------------------------------------------------------------

def test_a_triple_fault_from_its_first_fault_on():
    board = long_mode()
    board.memory.write(0x7D00, bytes.fromhex("c70078563412"))           # mov dword [rax], 0x12345678
    board.cpu.events = [event(0x20, kind="interrupt", time=50, rip=0x7C80), *triple(PAGE_FAULT)]
    text = explain(board, SHUTDOWN)
    assert "The processor shut down (triple fault) after 1,234,567 instructions, in 64-bit mode." in text
    assert "1. #PF (page fault), error code 0002h (write, in supervisor mode, not present) at 0008:7D00, CPL 0" in text
    assert "   address 0000000040000000" in text
    assert "An entry on the way to the page is not present (P = 0)." in text
    assert "2. #GP (general protection), error code 0072h (IDT gate 0Eh) while #PF was being delivered" in text
    assert "The vector's gate is not present (P = 0). (vector 0Eh)" in text
    assert "3. #DF (double fault), error code 0000h in place of the two" in text
    assert "4. #GP (general protection), error code 0042h (IDT gate 08h) while #DF was being delivered" in text
    assert re.search(r"0008:7D00  C7 00 78 56 34 12  mov dword( ptr)? \[rax\], 0x12345678", text)
    assert "page walk for 0000000040000000" in text
    assert "PML4E at 000001000  0000000000002003  -> 2000h, P R/W\n" in text
    assert "PDPTE at 000002008  0000000000000000  not present: zero   <-- refused" in text
    assert "gate 0Eh of the IDT\n" not in text and "gate 0Eh of the IDT, at 50E0h" in text
    assert "all zero: no gate" in text
    assert "interrupt 20h at 0008:7C80" in text
    assert "fill them in, #DF's first of all" in advice(text)
    assert "CR0=80000011 (PE ET PG)" in text and "EFER=500 (LME LMA)" in text


def test_the_real_mode_table_is_recognized():
    board = long_mode(idtr=(0, 0x3FF))
    board.cpu.idtr = (0, 0x3FF)
    board.memory.write_u64(14 * 16, 0xF000FF53F000FF53)
    board.cpu.events = triple(PAGE_FAULT, cause=faults.CAUSE_IDT_TYPE)
    text = explain(board, SHUTDOWN)
    assert "IDTR still points to the real-mode vectors (base 0, limit 3FFh)" in advice(text)
    assert "F000FF53F000FF53" in text and "no gate: the type says code or data segment" in text


def test_a_selector_beyond_the_gdt():
    board = Board()
    board.cpu.gdtr = (0x6000, 0xF)
    board.cpu.events = triple(event(faults.GP, 0x10, faults.CAUSE_SELECTOR_BEYOND_TABLE, detail=0x10),
                              cause=faults.CAUSE_IDT_TYPE)
    text = explain(board, SHUTDOWN)
    assert "The selector lies outside its descriptor table. (selector 0010h)" in text
    assert "selector 0010h: GDT entry 2, RPL 0, GDT at 6000h, limit Fh: 2 entries\n  beyond the table" in text
    assert "GDTR has base 6000h and limit Fh, which is 2 descriptors" in advice(text)


def test_a_descriptor_that_refused():
    board = Board()
    board.cpu.gdtr = (0x6000, 0x1F)
    board.memory.write_u64(0x6010, DATA & ~(1 << 47))
    board.cpu.events = [event(faults.NP, 0x10, faults.CAUSE_DESCRIPTOR_NOT_PRESENT, detail=0x10)]
    text = explain(board, SHUTDOWN)
    assert "selector 0010h: GDT entry 2, RPL 0, at 6010h\n  00CF12000000FFFF\n" in text
    assert "32-bit data, read/write, base 0h, limit FFFFFFFFh, DPL 0, NOT PRESENT (P = 0)" in text
    assert advice(text) == "Set P (bit 47) in the descriptor."


def test_a_null_segment_register():
    board = Board()
    board.cpu.segments["es"] = SegmentView("es", 0, 0, 0, 0)
    board.cpu.events = [event(faults.GP, 0, faults.CAUSE_NULL_SELECTOR, detail=registers.SEGMENT_INDEX["es"])]
    text = explain(board, SHUTDOWN)
    assert "The segment register holds a null selector. (ES)" in text
    assert "ES 0000  base 00000000  limit 00000000  null" in text


def test_a_fetch_from_an_unmapped_page():
    board = long_mode()
    board.cpu.events = [event(faults.PF, 0x10, faults.CAUSE_PAGE_NOT_PRESENT, rip=0x400000, address=0x400000)]
    text = explain(board, SHUTDOWN)
    assert "0008:00400000    (cannot be read)" in text
    assert "The code itself is not mapped" in advice(text)


def test_code_where_no_memory_is():
    board = Board()
    board.cpu.events = [event(faults.UD, None, faults.CAUSE_UNDEFINED_OPCODE, rip=2 * MB)]
    text = explain(board, SHUTDOWN)
    assert "0008:00200000    (cannot be read)\n  No memory is there, so the bus reads FFh." in text


@pytest.mark.parametrize("address, words", [(0x10, "null pointer"), (0x80000FF8, "The address is the stack's"),
                                            (0x40000000, "the tables in use are those at CR3 = 1000h")])
def test_what_kind_of_address_it_was(address, words):
    board = long_mode(rsp=0x80001000)
    board.memory.write_u64(0x3000, 0)
    board.cpu.events = [event(faults.PF, 2, faults.CAUSE_PAGE_NOT_PRESENT, address=address)]
    assert words in advice(explain(board, SHUTDOWN))


def test_tables_that_have_changed_since():
    board = long_mode()
    board.cpu.events = [event(faults.PF, 2, faults.CAUSE_PAGE_NOT_PRESENT, address=0x1234)]
    assert "The tables lead to 1234h now: they have changed since" in explain(board, SHUTDOWN)


def test_zeros_and_the_a20_gate():
    board = Board(a20=False)
    board.cpu.events = [event(faults.UD, None, faults.CAUSE_UNDEFINED_OPCODE)]
    text = explain(board, SHUTDOWN)
    assert "The bytes there are all zeros" in text and "The A20 gate is shut" in text and "A20 SHUT" in text


def test_last_branches_are_told_where_the_machine_keeps_them():
    board = long_mode()
    board.cpu.events = triple(PAGE_FAULT)
    branch = namedtuple("Branch", "time source target source_cs target_cs event")
    tick = namedtuple("Event", "kind vector")("interrupt", 0x20)
    board.last_branches = [branch(80, 0x7CE0, 0x7F00, 8, 0x10, tick), branch(84, 0x7F08, 0x7CE0, 0x10, 8, None),
                           *[branch(time, 0x7CF8, 0x7CF0, 8, 8, None) for time in (90, 93, 96)]]
    text = explain(board, SHUTDOWN)
    assert "           80  0008:7CE0 -> 0010:7F00, interrupt 20h\n" in text
    assert "           84  0010:7F08 -> 0008:7CE0\n" in text
    assert "           90  0008:7CF8 -> 0008:7CF0, 3 times\n" in text


def test_the_top_of_the_stack():
    board = long_mode(rsp=0x8000)
    board.memory.write_u64(0x8008, 0xFFFFFFFF80100123)
    board.cpu.events = triple(PAGE_FAULT)
    assert "stack\n  0010:8000  0000000000000000 FFFFFFFF80100123 0000" in explain(board, SHUTDOWN)
    board.cpu.rsp = 0x400000
    assert "stack\n  at 400000h, which cannot be read" in explain(board, SHUTDOWN)


def test_symbols_name_the_instruction():
    board = long_mode()
    board.symbols = Symbols([(0x7C00, 0x200, "start"), (0x7CF0, 0, "loop")])
    board.cpu.events = triple(PAGE_FAULT)
    assert "0008:7D00 <loop+10h>  00 00" in explain(board, SHUTDOWN)


def test_a_shutdown_without_a_log():
    assert explain(Board(), SHUTDOWN) == "The processor shut down after 1,234,567 instructions: triple fault."


@pytest.mark.parametrize("cause", sorted(faults.CAUSES))
def test_every_cause_can_be_told(cause):
    board = long_mode()
    for vector, error in ((faults.GP, 0x10), (faults.GP, 0x72), (faults.PF, 3), (faults.UD, None)):
        board.cpu.events = [event(vector, error, cause, detail=2, address=0x1000)]
        assert (faults.reason(cause) in explain(board, SHUTDOWN)) or cause == 0


# ---- the examples that die, on a real machine ------------------------------------------------------------------------

def death(image, a20=True):
    """(post-mortem, its advice) of an image in boot/examples."""
    machine = Machine(a20=a20)
    boot.bios(machine, disk=build.HERE / image)
    text = explain(machine, machine.run(max_instructions=5_000_000))
    return text, advice(text)


def test_long_mode_without_an_idt():
    text, words = death("deaths/triple_fault.img")
    chain = re.findall(r"^(\d)\. (#\w+)", text, re.MULTILINE)
    assert chain == [("1", "#PF"), ("2", "#GP"), ("3", "#DF"), ("4", "#GP")]
    assert re.search(r"error code 0002h \(write, in supervisor mode, not present\) at 0008:7C\w\w, CPL 0", text)
    assert "mov dword [rax], 0x12345678" in text
    assert "PML4E at 000001000  0000000000002023  -> 2000h, P R/W A\n" in text
    assert "PDPTE at 000002008  0000000000000000  not present: zero   <-- refused" in text
    assert "gate 0Eh of the IDT, at E0h" in text and "gate 08h of the IDT, at 80h" in text
    assert "IDTR still points to the real-mode vectors" in words


def test_a_gdt_that_is_too_short():
    text, words = death("deaths/short_gdt.img")
    assert "1. #GP (general protection), error code 0010h (selector 0010h in the GDT) at 0000:7C" in text
    assert "The selector lies outside its descriptor table. (selector 0010h)" in text
    assert "jmp 0x10:0x7c" in text and "limit Fh: 2 entries" in text
    assert "LGDT's limit is the table's size in bytes minus 1" in words


def test_a_loader_that_forgot_the_a20_gate():
    assert "The A20 gate is shut" not in death("deaths/no_a20.img")[1]
    text, words = death("deaths/no_a20.img", a20=False)
    assert "A20 SHUT" in text and "The A20 gate is shut" in words


def test_a_post_mortem_changes_nothing():
    machine = Machine()
    boot.bios(machine, disk=build.HERE / "deaths/triple_fault.img")
    stop = machine.run(max_instructions=5_000_000)
    before = machine.snapshot().digest()
    assert explain(machine, stop) == explain(machine, stop)
    assert machine.snapshot().digest() == before


def test_a_loop_on_a_real_machine_is_told_and_left_alone():
    machine = Machine()
    boot.bios(machine, disk=bytes.fromhex("fa ba fd03 ec a801 74fb f4").ljust(510, b"\0") + b"\x55\xaa")
    stop = machine.run(max_instructions=5_000_000)
    before = machine.snapshot().digest()
    text = explain(machine, stop)
    assert "a loop of 3 instructions\n  0000:7C04  EC  in al, dx\n" in text
    assert machine.snapshot().digest() == before


# ---- hangs, loops, nothing to boot ----------------------------------------------------------------------------------

def test_halted_with_interrupts_off():
    board = Board(halted=True, rip=0x7C11)
    board.memory.write_u8(0x7C10, 0xF4)
    text = explain(board, Stop("hang", None, "HLT with interrupts off: nothing can wake the processor"))
    assert "The machine hangs after 1,234,567 instructions, in 32-bit protected mode: HLT with interrupts off" in text
    assert "0008:7C10  F4  hlt (it stopped here)" in text
    assert "STI comes right before HLT" in advice(text)


def test_halted_by_a_handler():
    board = long_mode(halted=True)
    board.cpu.events = [event(faults.UD, None, faults.CAUSE_UD, rip=0x7D00)]
    text = explain(board, Stop("hang"))
    assert "last exception\n  1. #UD (invalid opcode) at 0008:7D00" in text
    assert "A handler probably stopped the machine" in advice(text) and "UD2 is what compilers put" in advice(text)


def test_the_end_of_the_screen_is_quoted():
    board = Board()
    board.screen = namedtuple("Screen", "text")("one\n\ntwo\nthree  \nPANIC: no init\n\n")
    board.serial = namedtuple("Serial", "text")("")
    text = explain(board, Stop("hang"))
    assert "last on the screen\n  two\n  three\n  PANIC: no init" in text and "serial" not in text


def test_who_sleeps_between_interrupts_is_not_called_a_jump_to_itself():
    machine = Machine()
    boot.bios(machine, disk=bytes.fromhex("fb f4 ebfd").ljust(510, b"\0") + b"\x55\xaa")        # sti; hlt; jmp to the hlt
    text = explain(machine, machine.run(max_instructions=3_000_000))
    assert "a loop of 1 instruction\n  0000:7C01  F4  hlt\n" in text
    assert "It sleeps in HLT" in advice(text) and "itself" not in text


class Running(Board):
    """A machine that goes round `path`, a list of RIPs."""

    def __init__(self, path, **values):
        super().__init__(**values)
        self.path, self.position = path, 0
        self.cpu.rip = path[0]

    def step(self):
        self.position += 1
        self.cpu.rip = self.path[self.position % len(self.path)]
        return Stop("limit")

    def snapshot(self):
        return self.position

    def restore(self, position):
        self.position = position
        self.cpu.rip = self.path[position]


def test_a_loop_is_listed():
    machine = Running([0x7C00, 0x7C01, 0x7C03])
    machine.memory.write(0x7C00, bytes.fromhex("ec a801 74fb"))         # in al, dx; test al, 1; jz 7C00h
    text = explain(machine, Stop("limit", None, "1000 instructions are done"))
    assert "a loop of 3 instructions" in text
    assert re.search(r"0008:7C00  EC  in al, dx\n  0008:7C01  A8 01  test al, 0?x?1\n", text)
    assert "The loop reads a port" in advice(text)
    assert machine.position == 0 and machine.cpu.rip == 0x7C00


def test_a_jump_to_itself():
    machine = Running([0x7C00])
    machine.memory.write(0x7C00, b"\xeb\xfe")
    assert "a loop of 1 instruction\n" in explain(machine, Stop("timeout"))


def test_running_through_zeros():
    machine = Running(list(range(0x8000, 0x9000, 2)))
    text = explain(machine, Stop("limit"))
    assert "a loop" not in text and "The code there is all zeros" in advice(text)


def test_nothing_to_boot():
    text = explain(Board(), Stop("no-boot", None, "No bootable device."))
    assert text.startswith("Nothing was booted: No bootable device.") and "55h AAh" in text


def test_other_stops_get_a_line():
    text = explain(Board(), Stop("debug-exit", 3))
    assert text == "The machine stopped after 1,234,567 instructions (debug-exit with code 3)."


# ---- its parts -------------------------------------------------------------------------------------------------------

def test_the_chain_is_what_came_at_one_instruction():
    earlier = event(faults.PF, 2, time=90)
    handled = event(faults.PF, 2, time=100, rip=0x7000)
    deadly = triple(PAGE_FAULT)
    assert last_chain([earlier, handled, *deadly]) == deadly
    assert last_chain([event(0x20, kind="interrupt")]) == []
    assert last_chain([]) == []


@pytest.mark.parametrize("value, words", [
    (0, "not present: zero"), (2, "not present"), (0x2003, "-> 2000h, P R/W"),
    (1 << 63 | 0x400000 | 0xE7, "-> 400000h, P R/W U/S A D PS XD"),
])
def test_paging_entries_in_words(value, words):
    assert entry_words(value) == words


@pytest.mark.parametrize("low, words", [
    (0, "all zero: no descriptor"),
    (CODE_32, "32-bit code, execute/read, base 0h, limit FFFFFFFFh, DPL 0, present"),
    (CODE_64 | 3 << 45, "64-bit code, execute/read, base 0h, limit FFFFFFFFh, DPL 3, present"),
    (0x00009C0012340010, "16-bit code, execute-only, conforming, base 1234h, limit 10h, DPL 0, present"),
    (CODE_64 | 1 << 54, "invalid (L and D both set) code, execute/read, base 0h, limit FFFFFFFFh, DPL 0, present"),
    (0x0000970000000010, "16-bit data, read/write, expand-down, base 0h, limit 10h, DPL 0, present"),
    (0x0040900000000010, "32-bit data, read-only, base 0h, limit 10h, DPL 0, present"),
    (0x1200893456780067, "32-bit TSS, available, base 12345678h, limit 67h, DPL 0, present"),
    (0x0000850000280000, "task gate to TSS 0028h, DPL 0, present"),
    (0x0012EC0000081234, "32-bit call gate to 0008:00121234, DPL 3, present"),
    (0x0000880000000000, "reserved system type 8h, base 0h, limit 0h, DPL 0, present"),
])
def test_descriptors_in_words(low, words):
    assert descriptors.segment_words(low) == words


def test_a_system_descriptor_of_long_mode_has_a_64_bit_base():
    low, high = 0x80008B1234560067, 0xFFFFFFFF
    assert descriptors.segment_words(low, high, True) == \
        "64-bit TSS, busy, base FFFFFFFF80123456h, limit 67h, DPL 0, present"


@pytest.mark.parametrize("low, high, long_mode, words", [
    (0, 0, False, "all zero: no gate"),
    (0x00108E0000081234, 0, False, "32-bit interrupt gate to 0008:00101234, DPL 0, present"),
    (0x8000EF0300081234, 0xFFFFFFFF, True, "64-bit trap gate to 0008:FFFFFFFF80001234, DPL 3, IST 3, present"),
    (0x00000E0000081234, 0, False, "32-bit interrupt gate to 0008:00001234, DPL 0, NOT PRESENT (P = 0)"),
    (0x0000860000081234, 0, False, "16-bit interrupt gate to 0008:00001234, DPL 0, present"),
    (0x0000860000081234, 0, True, "no gate: type 6h is reserved in long mode, present"),
    (0x0000890000081234, 0, False, "no gate: type 9h is 32-bit TSS, available, present"),
])
def test_gates_in_words(low, high, long_mode, words):
    assert descriptors.gate_words(low, high, long_mode) == words


def test_selectors_of_the_ldt():
    board = Board()
    assert "there is no LDT" in descriptors.segment_entry(board, 0xC).words
    board.cpu.segments["ldtr"] = SegmentView("ldtr", 0x18, 0x6000, 0xF, 0x82)
    board.memory.write_u64(0x6008, DATA)
    assert descriptors.segment_entry(board, 0xF).title == "selector 000Fh: LDT entry 1, RPL 3"
    assert descriptors.segment_entry(board, 0xF).words.startswith("32-bit data")


def test_peeking_has_no_side_effects():
    board = Board()
    asked = []
    board.memory.map_mmio(0xA0000, 0x1000, "device", lambda offset, size: asked.append(offset) or 0, None)
    assert peek.physical(board, 0x9FFFE, 4) is None and peek.physical(board, 0xA0000, 1) is None
    assert peek.physical(board, 0x9FFFC, 4) == bytes(4)
    assert peek.physical(board, 64 * MB, 4) is None
    assert asked == []


def test_peeking_across_pages():
    board = long_mode()
    board.memory.write(0x1FFFF8, b"12345678")
    assert peek.linear(board, 0x1FFFF8, 8) == b"12345678"
    assert peek.linear(board, 0x1FFFF8, 9) is None
    assert peek.code(board, 0x1FFFF8) == b"12345678"


# ---- symbols --------------------------------------------------------------------------------------------------------

def test_symbols_by_address():
    symbols = Symbols([(0x2000, 0x10, "second"), (0x1000, 0, "first"), (0x1000, 4, "alias")])
    assert len(symbols) == 2
    assert [symbols.name(address) for address in (0xFFF, 0x1000, 0x1FFF, 0x2000, 0x200F, 0x2010)] == [
        None, "first", "first+FFFh", "second", "second+Fh", None]


def test_symbols_of_an_elf_file(tmp_path):
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    source = tmp_path / "a.c"
    source.write_text("int twice(int x) { return x + x; }\nint _start(void) { return twice(3); }\n")
    target = tmp_path / "a.elf"
    subprocess.run(["gcc", "-O0", "-nostdlib", "-static", "-Wl,-Ttext=0x100000", "-o", target, source], check=True)
    symbols = Symbols.read(target)
    assert symbols.name(0x100000) == "twice" and symbols.name(0x100001) == "twice+1h"


@pytest.mark.parametrize("data", [b"", b"MZ", b"\x7fELF", b"\x7fELF\x02\x01\x01" + bytes(9) + b"\xff" * 48])
def test_symbols_of_what_is_no_elf_file(tmp_path, data):
    path = tmp_path / "a.elf"
    path.write_bytes(data)
    with pytest.raises(faults.ImageError):
        Symbols.read(path)


# ---- the timeline ---------------------------------------------------------------------------------------------------

def changes(*details):
    return namedtuple("Machine", "timeline")([
        event(0, kind="mode", time=1000 * (number + 1), rip=0x7E00 + number, cs=8 * number, detail=detail)
        for number, detail in enumerate(details)])


def test_the_timeline_is_a_table():
    assert timeline.lines(changes(11, 1, 99)) == [
        "instruction  address    what",
        "          0  F000:FFF0  reset, real mode",
        "      1,000  0000:7E00  A20 gate open",
        "      2,000  0008:7E01  protected mode (CR0.PE set)",
        "      3,000  0010:7E02  mode change 99",
    ]


def test_a_long_timeline_is_shortened():
    lines = timeline.lines(changes(*[1, 2] * 500), limit=20)
    assert len(lines) == 22
    assert "(981 more changes)" in lines[16]
    assert lines[-1].endswith("real mode (CR0.PE cleared)") and "1,000,000" in lines[-1]


# ---- the numbers -----------------------------------------------------------------------------------------------------

def test_the_core_has_the_same_causes():
    source = Path(faults.__file__).with_name("_causes.pxd").read_text()
    found = {name: int(number) for name, number in re.findall(r"(CAUSE_\w+) = (\d+)", source)}
    assert found == {name: value for name, value in vars(faults).items() if name.startswith("CAUSE_")}
    assert sorted(found.values()) == sorted(faults.CAUSES)


def test_causes_are_sentences():
    for number, text in faults.CAUSES.items():
        assert not text[0].islower() and text.endswith(".") and "\n" not in text, number
    assert faults.reason(9999) == "The processor gave the unknown reason 9999."


@pytest.mark.parametrize("vector, error, words", [
    (14, 0x00, "read, in supervisor mode, not present"),
    (14, 0x07, "write, in user mode, permissions refused"),
    (14, 0x1D, "instruction fetch, in user mode, permissions refused, reserved bit set"),
    (13, 0, "0"), (13, 0x10, "selector 0010h in the GDT"), (11, 0x14, "selector 0014h in the LDT"),
    (13, 0x72, "IDT gate 0Eh"), (13, 0x43, "IDT gate 08h, on the way to a handler"),
])
def test_error_codes_in_words(vector, error, words):
    assert faults.describe_error(vector, error) == words


def test_double_faults():
    benign, contributory, page = faults.UD, faults.GP, faults.PF
    pairs = {(first, second) for first in (benign, contributory, page) for second in (benign, contributory, page)
             if faults.makes_double_fault(first, second)}
    assert pairs == {(contributory, contributory), (page, contributory), (page, page)}


def test_registers_by_name():
    assert registers.REGISTERS["ah"] == (0, 8, 8)
    assert registers.REGISTERS["r9d"] == (9, 32, 0)
    assert registers.REGISTERS["sil"] == (6, 8, 0)
    assert registers.flag_names(0x3246) == "PF ZF IF IOPL=3"
    assert registers.bit_names(0x80000011, registers.CR0) == "PE ET PG"
    assert registers.bit_names(0, registers.CR0) == "-"
    assert registers.MSRS[registers.IA32_EFER] == "IA32_EFER" and registers.MSRS[0x201] == "IA32_MTRR_PHYSMASK0"


def end_of(code, prepare=lambda cpu: None):
    """How a piece of 64-bit code without an IDT ends: (explanation, advice)."""
    machine = flat64(code)
    machine.no_reboot = True
    prepare(machine.cpu)
    text = explain(machine, machine.run(max_instructions=100))
    return text, advice(text)


def test_avx_that_nobody_switched_on():
    text, words = end_of("vpaddb xmm0, xmm1, xmm2\nhlt")
    assert "AVX is switched off: it needs CR4.OSXSAVE, and bits 1 and 2 of XCR0." in text
    assert "XSETBV" in words


def test_a_pending_x87_exception_is_named():
    def prepare(cpu):
        cpu.cr0 |= 0x20
        cpu.fcw, cpu.fsw = 0x37B, 0x8084                # ZE is not masked, and has happened
    text, words = end_of("fwait\nhlt", prepare)
    assert "An unmasked x87 exception was pending. (division by zero)" in text
    assert "FNINIT" in words
