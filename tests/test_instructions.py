"""Runs tests/instructions/*.ins: each line tests the decoder, the disassembler and the meaning of one instruction.

    64 [48 01 c8] "add rax, rcx"  rax=1 rcx=-1 [0x2000]=11 22 => rax=0 CF=1 ZF=1 [0x2000]=11 33

mode        16, 32 or 64 (when missing), then perhaps `real`. 16 and 32 are protected mode, 64 is long mode with pages of
            2 MB mapped to themselves. All segments are flat, privilege 0, no interrupt table: a fault ends the machine.
bytes       lie at 0x1000; HLT fills the rest of that page, so a branch that lands in it stops there.
text        as x86/disassembler.py prints it
before =>   registers by any name, flags (CF PF AF ZF SF DF OF IF), bytes of memory from 0x2000 to 0xffff. Registers that
            are not named are 0, RSP is 0x8000, x87 and MXCSR are as a reset leaves them, AVX is there in 64-bit mode.
=> after    the same; rip=, fault=#GP(0) or fault=#UD. Registers and memory that are not named must be as before, flags
            are only compared where named; flags=same: all of them. A 32-bit name stands for the whole 64-bit register,
            as the processor writes it; with 8- and 16-bit names the rest of the register must be as before.

Vector registers are numbers of 256, 128 or 64 bits, the highest digit first: ymm0= xmm0= mm0=. An xmm name says nothing of
bits 255 to 128, which must be as before. st0= is a number of 80 bits: behind the =>, with TOP as it is then. fcw= fsw= ftw= are
compared where named, MXCSR always.

Every line runs twice: in a block, where flat memory operands have handlers of their own, and alone.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from x86 import _decode
from x86._memory import Memory
from x86._processor import Processor
from x86.bus import Bus
from x86.disassembler import disassemble
from x86.isa import table

FILES = sorted(Path(__file__).with_name("instructions").glob("*.ins"))
GENERAL = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split()
PARTS = {name: (name, 64, 0) for name in GENERAL}       # name of a register -> the 64-bit one, bits, shift
for _wide in GENERAL[:8]:
    PARTS["e" + _wide[1:]], PARTS[_wide[1:]] = (_wide, 32, 0), (_wide, 16, 0)
    PARTS[_wide[1:] + "l" if _wide[2] != "x" else _wide[1] + "l"] = (_wide, 8, 0)
for _wide in GENERAL[:4]:
    PARTS[_wide[1] + "h"] = (_wide, 8, 8)
for _wide in GENERAL[8:]:
    PARTS |= {_wide + "d": (_wide, 32, 0), _wide + "w": (_wide, 16, 0), _wide + "b": (_wide, 8, 0)}
VECTORS = {f"{kind}{number}": (f"ymm{number}", bits) for kind, bits in (("xmm", 128), ("ymm", 256)) for number in range(16)}
STACK_REGISTERS = {f"{kind}{number}" for kind in ("mm", "st") for number in range(8)}
FLAGS = {"CF": 0, "PF": 2, "AF": 4, "ZF": 6, "SF": 7, "TF": 8, "IF": 9, "DF": 10, "OF": 11, "NT": 14, "AC": 18, "ID": 21}
FAULTS = {"DE": 0, "DB": 1, "BP": 3, "OF": 4, "BR": 5, "UD": 6, "NM": 7, "DF": 8, "TS": 10, "NP": 11, "SS": 12, "GP": 13,
          "PF": 14, "MF": 16, "AC": 17, "XM": 19}
CODE, DATA, END = 0x1000, 0x2000, 0x10000
PML4, STACK, HLT = 0x80000, 0x8000, 0xF4

LINE = re.compile(r"""(?:(?P<mode>16|32|64)\s+)?(?P<real>real\s+)?\[(?P<code>[0-9a-f ]+)\]\s+"(?P<text>[^"]*)"
                      \s*(?P<before>[^#]*?)\s*=>\s*(?P<after>.*)""", re.VERBOSE)
PART = re.compile(r"\[(?P<address>0x[0-9a-f]+)\]=(?P<bytes>(?:[0-9a-f]{2}\b ?)+)|(?P<name>\w+)=(?P<value>\S+)")


@dataclass
class State:
    registers: dict = field(default_factory=dict)       # name -> value
    flags: dict = field(default_factory=dict)           # name -> 0 or 1
    memory: dict = field(default_factory=dict)          # address -> bytes
    other: dict = field(default_factory=dict)           # fault, flags=same


@dataclass
class Line:
    where: str
    bits: int
    real: bool
    code: bytes
    text: str
    before: State
    after: State


def state_of(text, where):
    state = State()
    if PART.sub("", text).strip():
        raise ValueError(f"{where}: {PART.sub('', text).strip()!r} is not understood")
    for part in PART.finditer(text):
        if part["address"]:
            state.memory[int(part["address"], 16)] = bytes.fromhex(part["bytes"])
        elif part["name"] in FLAGS:
            state.flags[part["name"]] = int(part["value"])
        elif part["name"] in ("fault", "flags"):
            state.other[part["name"]] = part["value"]
        else:
            state.registers[part["name"]] = int(part["value"], 0)
    return state


def lines_of(path):
    for number, text in enumerate(path.read_text().splitlines(), 1):
        text = text.split("# ")[0].strip().removesuffix("#").strip() if not text.startswith("#") else ""
        if not text:
            continue
        where = f"{path.name}:{number}"
        match = LINE.fullmatch(text)
        if not match:
            raise ValueError(f"{where}: not a line as described in {__name__}")
        yield Line(where, int(match["mode"] or 64), bool(match["real"]), bytes.fromhex(match["code"]), match["text"],
                   state_of(match["before"], where), state_of(match["after"], where))


LINES = [line for path in FILES for line in lines_of(path)]


class Board:
    """What a processor needs of a machine: ports, and nobody there."""

    def __init__(self):
        self.bus = Bus()
        self.devices = {}

    def apic_changed(self):
        """MOV CR8."""


def processor(bits, real=False):
    """A processor in one of the modes above, its code page full of HLT."""
    memory = Memory(1 << 20)
    cpu = Processor(Board(), memory)
    memory.write(CODE, bytes([HLT]) * 0x1000)
    if real:
        for name in ("cs", "ds", "es", "ss", "fs", "gs"):
            cpu.set_segment(name, 0, 0)
    else:
        if bits == 64:
            memory.write(PML4, (PML4 + 0x1000 | 7).to_bytes(8, "little"))
            memory.write(PML4 + 0x1000, (PML4 + 0x2000 | 7).to_bytes(8, "little"))
            memory.write(PML4 + 0x2000, (0xE7).to_bytes(8, "little"))
            cpu.cr4, cpu.cr3, cpu.efer, cpu.xcr0 = 0x40620, PML4, 0xD01, 7
        cpu.cr0 = 0x80000011 if bits == 64 else 0x11
        limit, extra = (0xFFFF, 0) if bits == 16 else (0xFFFFFFFF, 0xC000 if bits == 32 else 0xA000)
        cpu.set_segment("cs", 8, 0, limit, 0x9B | extra)
        for name in ("ss", "ds", "es", "fs", "gs"):
            cpu.set_segment(name, 16, 0, limit, 0x93 | (0xC000 if bits == 64 else extra))
    cpu.idtr = (0, 0)
    cpu.set_a20(True)
    cpu.rip, cpu.rflags, cpu.rsp, cpu.rdx = CODE, 2, STACK, 0
    assert cpu.code_bits == bits
    return cpu


def prepare(cpu, line):
    cpu.memory.write(CODE, line.code)
    for name, value in line.before.registers.items():
        bits = VECTORS[name][1] if name in VECTORS else 80 if name in STACK_REGISTERS else 64
        setattr(cpu, name, value & ((1 << bits) - 1))
    for name, value in line.before.flags.items():
        cpu.rflags = cpu.rflags & ~(1 << FLAGS[name]) | value << FLAGS[name]
    for address, data in line.before.memory.items():
        cpu.memory.write(address, data)


def execute(cpu, line, alone):
    """Run the instruction. Returns the fault that it met (ProcessorEvent) or None, and RIP behind it."""
    limit = 100_000
    if alone or line.text in ("hlt", "pushf", "pushfq", "popf", "popfq"):
        while limit and not cpu.events:
            cpu.run(1)
            limit -= 1
            if not re.search(r"\brep", line.text) or cpu.rip != CODE:
                break
    else:
        cpu.run(limit)
        if cpu.halted:
            cpu.rip -= 1
    faults = [event for event in cpu.events if event.kind == "fault"]
    if faults and faults[0].rip != CODE:        # it is done, the next one faults
        return None, faults[0].rip
    return faults[0] if faults else None, cpu.rip


def expected_registers(line, before):
    """The general registers after the line: as before, but for those it names."""
    result = dict(before)
    for name, value in line.after.registers.items():
        if name in PARTS:
            wide, bits, shift = PARTS[name]
            mask = (1 << 64) - 1 if bits == 32 else (1 << bits) - 1 << shift
            result[wide] = result[wide] & ~mask | (value & (1 << bits) - 1) << shift
    return result


def units(cpu):
    """What the vector and x87 instructions change, by name. Of x87 registers only MM0 to MM7, which are physical ones."""
    return {name: getattr(cpu, name) for name in (*(f"ymm{n}" for n in range(16)), *(f"mm{n}" for n in range(8)), "mxcsr")}


def expected_units(line, before, top):
    """The same after the line, with TOP as it is then: as before, but for what it names."""
    result = dict(before)
    for name, value in line.after.registers.items():
        if name in VECTORS:
            wide, bits = VECTORS[name]
            result[wide] = result[wide] >> bits << bits | value & (1 << bits) - 1
        elif name in STACK_REGISTERS:
            number = int(name[2:]) if name[0] == "m" else int(name[2:]) + top & 7
            result[f"mm{number}"] = value & (1 << 64) - 1
        elif name in result:
            result[name] = value
    return result


def outcome(line, alone):
    """Run a line. Returns (what was found, what was expected): dicts with the same keys."""
    cpu = processor(line.bits, line.real)
    prepare(cpu, line)
    registers = {name: getattr(cpu, name) for name in GENERAL}
    flags, vectors = cpu.rflags, units(cpu)
    memory = bytearray(cpu.memory.read(0, END))
    fault, rip = execute(cpu, line, alone)
    name = "none" if fault is None else next(name for name, number in FAULTS.items() if number == fault.vector)
    if fault is not None and fault.error is not None:
        name += f"({fault.error:#x})" if fault.error > 9 else f"({fault.error})"
    wanted = line.after.other.get("fault", "none").removeprefix("#")
    if line.real:                                       # no error codes there
        name, wanted = name.split("(")[0], wanted.split("(")[0]
    found = {"fault": name, "rip": hex(rip)}
    expected = {"fault": wanted, "rip": hex(line.after.registers.get("rip", CODE if fault else CODE + len(line.code)))}
    for name, value in expected_registers(line, registers).items():
        found[name], expected[name] = hex(getattr(cpu, name)), hex(value)
    for name, value in expected_units(line, vectors, cpu.fsw >> 11 & 7).items():
        found[name], expected[name] = hex(getattr(cpu, name)), hex(value)
    for name in (name for name in line.after.registers if name.startswith("st") and name[2:].isdigit()):
        found[name], expected[name] = hex(getattr(cpu, name)), hex(line.after.registers[name])
    for name in line.after.registers.keys() - PARTS.keys() - VECTORS.keys() - STACK_REGISTERS - {"rip"}:    # cr0, ds, ...
        found[name], expected[name] = hex(getattr(cpu, name)), hex(line.after.registers[name] & (1 << 64) - 1)
    same = line.after.other.get("flags") == "same"
    compared = {name: flags >> bit & 1 for name, bit in FLAGS.items()} if same else {}
    for name, value in (compared | line.after.flags).items():
        found[name], expected[name] = cpu.rflags >> FLAGS[name] & 1, value
    for address, data in line.after.memory.items():
        memory[address:address + len(data)] = data
    now = cpu.memory.read(0, END)
    for address in range(END) if now != memory else ():
        if now[address] != memory[address]:
            found[f"[{address:#x}]"], expected[f"[{address:#x}]"] = f"{now[address]:02x}", f"{memory[address]:02x}"
    return found, expected


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.where}-{line.text}")
def test_line(line):
    assert disassemble(line.code, CODE, line.bits) == (line.text, len(line.code))
    for alone in (False, True):
        found, expected = outcome(line, alone)
        assert found == expected, "alone" if alone else "in a block"


@pytest.fixture(scope="session")
def tested_forms():
    decoded = (_decode.decode(line.code, CODE, line.bits) for line in LINES)
    return {instruction.form.number for instruction in decoded if instruction.form is not None}


@pytest.mark.parametrize("form", table.forms(), ids=lambda form: f"{form.family}-{form.mnemonic}-{form.encoding}")
def test_every_form_has_a_line(form, tested_forms):
    assert form.number in tested_forms, f"no line for {form.encoding} {form.text} in {form.family}.ins"
