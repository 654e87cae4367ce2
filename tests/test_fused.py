"""CMP, TEST, SUB, AND, INC, DEC with the Jcc behind them: as one operation they do what they do one by one."""
from __future__ import annotations

from itertools import product

import pytest
from test_instructions import CODE, DATA, processor

from x86.isa import table

table.forms()
FIRST = {"cmp": (0x38, 7), "test": (0x84, 0), "sub": (0x28, 5), "and_": (0x20, 4), "inc": (None, 0), "dec": (None, 1)}
TARGET = CODE + 0x800
KIND = {number: name for name, number in table.KINDS.items()}


def first_bytes(name, kind, size, immediate):
    """The first instruction of a pair: between RBX or [RDI] and RCX, [RDI] or an immediate."""
    opcode, digit = FIRST[name]
    prefix = {8: b"", 16: b"\x66", 32: b"", 64: b"\x48"}[size]
    wide = size != 8
    if name in ("inc", "dec"):
        return prefix + bytes([0xFE + wide, 0xC3 | digit << 3])
    if kind == "ri":
        data = (immediate & (1 << size) - 1).to_bytes(8, "little")[:min(size // 8, 4)]
        return prefix + bytes([(0xF6 if name == "test" else 0x80) + wide, 0xC3 | digit << 3]) + data
    if kind == "rm":
        return prefix + bytes([opcode + 2 + wide, 0x1F])
    return prefix + bytes([opcode + wide, 0xCB if kind == "rr" else 0x0F])


def corners(size):
    top = 1 << (size - 1)
    return (0, 1, 0x0F, top - 1, top, top * 2 - 1)


def run(cpu, a, b, kind, step):
    """(RIP, flags, RBX) after the pair has run with these operands."""
    cpu.rip, cpu.rflags, cpu.rdi, cpu.halted = CODE, 2, DATA, False
    cpu.rbx = cpu.rcx = 0x5A5A5A5A5A5A5A5A
    if kind[0] == "r":
        cpu.rbx = a
        cpu.memory.write_u64(DATA, b)
    else:
        cpu.memory.write_u64(DATA, a)
    if kind[1] == "r":
        cpu.rcx = b
    if step:
        cpu.run(1)
        cpu.run(1)
        return cpu.rip, cpu.rflags, cpu.rbx
    cpu.run(1000)
    assert cpu.halted
    return cpu.rip - 1, cpu.rflags, cpu.rbx


@pytest.mark.parametrize("name, handler, kind, size, constants", [entry[:5] for entry in table.FUSED],
                         ids=[entry[0] for entry in table.FUSED])
def test_pair(name, handler, kind, size, constants):
    cpu = processor(64)
    kind, first = KIND[kind], handler.removesuffix("_jcc")
    values = corners(size)
    for immediate in values if kind == "ri" else (0,):
        code = first_bytes(first, kind, size, immediate)
        behind = CODE + len(code) + 6
        jump = bytes([0x0F, 0x80 + constants[0]]) + (TARGET - behind).to_bytes(4, "little")
        cpu.memory.write(CODE, code + jump + b"\xF4")
        for a, b in product(values, values if kind != "ri" else (0,)):
            apart = run(cpu, a, b, kind, step=True)
            assert apart[0] in (TARGET, behind)
            assert run(cpu, a, b, kind, step=False) == apart, f"{a:#x}, {b or immediate:#x}"


def test_every_pair_begins_with_an_instantiation_of_its_own():
    """The lowering finds a fused operation by the name of its first half."""
    alone = {name for form in table.forms() for name, *_ in form.instances()}
    begins = {handler.removesuffix("_jcc") + name[name.rindex("_"):] for name, handler, *_ in table.FUSED}
    assert begins <= alone
