"""What a guest asked for and the processor does not have: the instructions that raised #UD, by name.

    0F 38 F1 /r: 3 times #UD, the processor has no such instruction (first at 0010:00007C12)

An instruction that has a row, but not on this model, goes by its mnemonic, with LOCK where that is what is wrong; the
others by prefix and opcode as the manual writes them: 66 0F 3A 1C /r, D9 E2, 0F AE /6, VEX.128.66.0F38 1B /r.
"""
from __future__ import annotations

from typing import NamedTuple

from x86 import _decode
from x86.debug.timeline import Entry
from x86.isa import table

REX = range(0x40, 0x50)
PREFIXES = (0x66, 0x67, 0xF0, 0xF2, 0xF3, 0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65)
MAPS = ("", "0F ", "0F 38 ", "0F 3A ")
IMPLIED = ("", "66.", "F3.", "F2.")                     # VEX.pp
# Opcodes of the map 0F without ModRM, and those in which ModRM.reg belongs to the opcode though no row says so yet.
# SDM volume 2, "Opcode Map", tables
BARE_0F = {*range(0x04, 0x0D), 0x0E, *range(0x30, 0x38), 0x77, *range(0x80, 0x90), 0xA0, 0xA1, 0xA2, 0xA8, 0xA9, 0xAA,
           *range(0xC8, 0xD0)}
GROUPS_0F = {0x71, 0x72, 0x73, 0xC7}
EXACT_X87 = {0xD9: range(0xD0, 0x100), 0xDA: (0xE9,), 0xDB: range(0xE0, 0xE8), 0xDE: (0xD9,), 0xDF: (0xE0,)}


class Undefined(NamedTuple):
    """One instruction that is missing: its name, how many #UDs it raised, where and when it did so first."""
    name: str
    count: int
    time: int                                           # of the first one, in instructions since power-on
    address: str                                        # of the first one, like 0008:7D12


def entries(machine) -> list[Undefined]:
    """Everything that raised #UD for want of an instruction, by name, in the order of the first times."""
    found: dict[str, Undefined] = {}
    for refusal in (refusal for cpu in machine.cpus for refusal in cpu.refusals):
        name = name_of(refusal.code, refusal.bits) if refusal.code else "others"
        first = found.get(name)
        if first is None:
            address = Entry(refusal.time, refusal.cs, refusal.rip, "").address
            found[name] = Undefined(name, refusal.count, refusal.time, address)
        else:
            found[name] = first._replace(count=first.count + refusal.count)
    return list(found.values())


def lines(machine) -> list[str]:
    """entries() for people, a line each."""
    return [f"{entry.name}: {entry.count:,} time{'s' * (entry.count != 1)} #UD, the processor has no such instruction "
            f"(first at {entry.address})" for entry in entries(machine)]


def name_of(code: bytes, bits: int) -> str:
    """The name of the instruction at the start of `code`, 15 bytes in code of a size of `bits`."""
    found = _decode.decode(code, 0, bits)
    if found.form is not None:
        return ("lock " if found.prefixes & 1 else "") + found.form.names.get(found.operand_size, found.form.mnemonic)
    at = simd = 0
    while code[at] in PREFIXES or bits == 64 and code[at] in REX:
        if code[at] in (0xF2, 0xF3):
            simd = code[at]
        elif code[at] == 0x66 and not simd:
            simd = 0x66
        at += 1
    code = code[at:] + bytes(5)
    if (bits == 64 or code[1] >= 0xC0) and code[0] in (0xC4, 0xC5, 0x62):
        return vector_name(code)
    map_ = 0 if code[0] != 0x0F else {0x38: 2, 0x3A: 3}.get(code[1], 1)
    opcode, modrm = code[(0, 1, 2, 2)[map_]:][:2]
    prefix = f"{simd:02X} " if simd and map_ else ""
    return f"{prefix}{MAPS[map_]}{opcode:02X}{extension(map_, opcode, modrm)}"


def vector_name(code: bytes) -> str:
    """VEX.128.66.0F38 18 /r, from the bytes of a VEX or EVEX prefix on.

        C5  R vvvv L pp      C4  RXB mmmmm  W vvvv L pp      62  RXBR 0mmm  W vvvv 1 pp  z L'L b V'aaa
    """
    if code[0] == 0x62:
        kind, map_, last, size, at = "EVEX", code[1] & 7, code[2], (128, 256, 512, 512)[code[3] >> 5 & 3], 4
    else:
        at = 3 if code[0] == 0xC4 else 2
        kind, map_, last = "VEX", code[1] & 31 if at == 3 else 1, code[at - 1]
        size = 256 if last & 4 else 128
    names = {1: "0F", 2: "0F38", 3: "0F3A"}
    return f"{kind}.{size}.{IMPLIED[last & 3]}{names.get(map_, f'M{map_}')} {code[at]:02X} /r"


def extension(map_: int, opcode: int, modrm: int) -> str:
    """What follows the opcode: nothing, " /r", " /5", or a ModRM byte that is all opcode."""
    forms = [form for form in table.forms() if form.map == map_ and form.opcode == opcode & (0xF8 if form.plus_r else 0xFF)]
    digit = f" /{modrm >> 3 & 7}"
    if map_ == 0 and opcode & 0xF8 == 0xD8:
        if modrm < 0xC0:
            return digit
        return f" {modrm:02X}" if modrm in EXACT_X87.get(opcode, ()) else f" {modrm & 0xF8:02X}+i"
    if map_ == 1 and opcode == 0x01 and modrm >= 0xC0:
        return f" {modrm:02X}"
    if any(form.digit is not None for form in forms) or map_ == 1 and opcode in GROUPS_0F:
        return digit
    if map_ == 0:
        return " /r" if any(form.modrm for form in forms) else ""
    return "" if map_ == 1 and opcode in BARE_0F else " /r"
