"""Bytes for every form of the table, for tests that compare decoders and disassemblers."""
from __future__ import annotations

import random

from x86.isa import table

SEGMENT_PREFIXES = (0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65)
MODES = (16, 32, 64)


def exists_in(form, bits):
    """Whether the form exists in code of this size."""
    return {"": True, "64": bits == 64, "legacy": bits != 64}[form.mode]


def encode(form, bits, choose: random.Random) -> bytes:
    """An instruction of this form in code of this size, everything that may vary chosen at random. Always 15 bytes:
    what follows ModRM is random, and so is what follows the instruction."""
    code = bytearray()
    if choose.random() < 0.15:
        code.append(choose.choice(SEGMENT_PREFIXES))
    if choose.random() < 0.15:
        code.append(0x67)
    if not form.vex and choose.random() < (0.3 if form.lock else 0.03):
        code.append(0xF0)
    if not form.vex and form.prefix in (None, "NFx", "F3", "F2") and choose.random() < 0.25:
        code.append(0x66)
    if form.rep and choose.random() < 0.4:
        code.append(choose.choice((0xF2, 0xF3)))
    if form.vex:
        code += vex_prefix(form, bits, choose)
        return bytes(code + bytes([form.opcode, modrm(form, choose)]) + choose.randbytes(15))[:15]
    if form.prefix in ("66", "F3", "F2"):
        code.append(int(form.prefix, 16))
    if bits == 64 and (form.rex_w or choose.random() < 0.6):
        code.append(0x40 | choose.randrange(8) | 8 * (choose.randrange(2) if form.rex_w is None else form.rex_w))
    code += (b"", b"\x0F", b"\x0F\x38", b"\x0F\x3A")[form.map]
    code.append(form.opcode + (choose.randrange(8) if form.plus_r else 0))
    if form.modrm_byte is not None:
        code.append(form.modrm_byte)
    elif form.modrm:
        code.append(modrm(form, choose))
    return bytes(code + choose.randbytes(15))[:15]


def vex_prefix(form, bits, choose):
    """C5 or C4 and what follows, before the opcode."""
    wide = choose.randrange(2) if form.rex_w is None else form.rex_w
    length = choose.randrange(2) if form.vex_l is None else form.vex_l
    vvvv = choose.randrange(16 if bits == 64 else 8) if "vvvv" in form.places else 0
    extension = choose.randrange(8) if bits == 64 else 0        # R X B
    last = (~vvvv & 15) << 3 | length << 2 | ("NP", "66", "F3", "F2").index(form.prefix)
    if form.map == table.VEX_MAP | 1 and not wide and not extension & 3:
        return bytes((0xC5, (~extension & 4) << 5 | last))
    return bytes((0xC4, (~extension & 7) << 5 | form.map & 3, wide << 7 | last))


def modrm(form, choose):
    """A ModRM byte that this form allows."""
    reg = choose.randrange(8) if form.digit is None else form.digit
    if "sreg" in form.operands:
        reg = choose.choice((0, 2, 3, 4, 5))
    position = form.rm_position
    mods = (3,) if position is None else (0, 1, 2) if table.memory_only(form.operands[position]) else (0, 1, 2, 3)
    rm = 4 if form.vsib else choose.randrange(8)        # SIB
    return choose.choice(mods) << 6 | reg << 3 | rm
