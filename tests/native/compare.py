"""What must be equal in two outcomes of a case, and what this emulator leaves open, with the reason."""
from __future__ import annotations

import dataclasses
import re
import struct

from vectors_extended import distance, near

from x86 import _decode

from .cases import ALIGNMENT, FAR
from .host import Outcome

GENERAL = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split()
LETTERS = {"C": 0, "P": 2, "A": 4, "Z": 6, "S": 7, "T": 8, "D": 10, "O": 11, "NT": 14, "AC": 18, "ID": 21}

X87_STORES = ("fst", "fstp", "fist", "fistp", "fisttp", "fbstp")
MMX_STORES = ("movd", "movq", "movntq")
LONG = ("fnstenv", "fldenv", "fnsave", "frstor", "fxsave", "fxrstor", "xsave", "xsaveopt", "xsavec",
        "xrstor")
APPROXIMATE = re.compile(r"v?r(cp|sqrt)[ps]s")
TRANSCENDENTAL = ("f2xm1", "fyl2x", "fyl2xp1", "fsin", "fcos", "fsincos", "fptan", "fpatan")
LAST_BIT = "a transcendental function: the last bit, and C1, which tells how it was rounded"
STACK, VECTORS, C1 = 28, 156, 0x200                     # in Outcome.extended: ST(0), XMM0; in FSW


def expected(native, emulated, case, mnemonic, alone):
    """Why these outcomes may differ, or None. All that is known to differ is here. mnemonic: "" for several instructions."""
    mnemonic = mnemonic or of_the_fault(case, emulated)
    if native.vector == 17 and case.flags & ALIGNMENT and emulated.vector in (12, 13):
        return "an access that is misaligned and ends where no address is: which of the two is told"
    if case.bits == 32 and emulated.vector in (12, 13) and native.vector == 14 and not 0x40 <= native.cr2 < 0xFFFFFFE0:
        return "an access round the end of 4 GB: the manual lets a processor choose, and this one refuses it"
    if (mnemonic in (*LONG, "cmpxchg16b") or case.extended) and (native.vector, emulated.vector) == (13, 12):
        return "a long operand that is misaligned and that no address can name: #GP comes first, #SS here"
    if mnemonic in MMX_STORES and native.vector != 3 and normal(without_top(native)) == normal(without_top(emulated)):
        return "a store of an MMX register that faults: Intel's have turned TOP to 0, AMD's and the manual's have not"
    if mnemonic in ("vcvtph2ps", "vcvtps2ph") and emulated.vector == 17:
        return "eight misaligned bytes that Intel's do not check for alignment"
    if mnemonic == "vcvtps2ph" and emulated.vector in (12, 13, 14):
        return "a store that faults: Intel's have set flags, or raised #XM; AMD's and this one have not"
    if mnemonic in X87_STORES and native.rip != emulated.rip and emulated.vector in (12, 13, 14, 17):
        return "a store whose result an unmasked exception keeps back: Intel's do not look at memory then, AMD's fault first"
    if (mnemonic, native.vector, emulated.vector) in (("fld", 17, 14), ("fbstp", 14, 13), ("fstp", 14, 13)):
        return "ten bytes that are misaligned, or end where no address is, in a page that is not there: which of the two is told"
    if mnemonic in ("fbstp", "fstp") and native.vector == 14 and \
            normal(dataclasses.replace(native, memory=emulated.memory)) == normal(emulated):
        return "ten bytes over the end of a page: Intel's have written eight of them when the rest faults"
    if mnemonic in LONG and {native.vector, emulated.vector} <= {12, 13, 14, 17}:
        return "which fault of a long operand is told, and of which of its bytes"
    if mnemonic in ("xsave", "xsaveopt", "xsavec", "xrstor") and native.vector == 14 and native.rip != emulated.rip:
        return "an area that cannot be reached where nothing of it is wanted: the manual leaves open whether that faults"
    if mnemonic.startswith("xsave") and normal(native) == normal(in_use_as(native, emulated)):
        return "XSTATE_BV: a processor may take a component for in use that has its initial values"
    if mnemonic in TRANSCENDENTAL and normal(native) == normal(rounded_as(native, emulated)):
        return LAST_BIT
    if APPROXIMATE.fullmatch(mnemonic) and normal(native) == normal(approximated_as(native, emulated)):
        return "an approximation: relative errors below 1.5 * 2^-12, and no two makes have the same ones"
    if native.vector != 3 and native != (kept := as_the_manual_has_it(native, emulated)) and normal(kept) == normal(emulated):
        return "Intel's clear upper halves before a REP that faults, and push before CALL's target is refused; AMD's do neither"
    if mnemonic == "call" and native.vector in (12, 14, 17) and emulated.vector == 13:
        return "the same: the push of a CALL that will be refused faults"
    if alone and mnemonic in ("cmps", "scas") and native.vector != 3 and normal(native, 0) == normal(emulated, 0):
        return "a fault undoes the flags of all iterations; one by one, each is a run of its own"
    return None


def of_the_fault(case, outcome):
    """The mnemonic of the instruction at which an outcome ends, "" where that is none of the case."""
    code = case.code[outcome.rip - case.rip:] if 0 <= outcome.rip - case.rip < len(case.code) else b""
    form = _decode.decode(code, outcome.rip, case.bits).form if code else None
    return form.mnemonic if form else ""


def without_top(outcome):
    """The outcome with FSW.TOP 0, and the x87 registers in the order that they have then."""
    area, top = outcome.extended, outcome.extended[3] >> 3 & 7
    stack = area[STACK:VECTORS]
    return dataclasses.replace(outcome, extended=area[:3] + bytes([area[3] & 0xC7]) + area[4:STACK]
                               + stack[16 * (8 - top):] + stack[:16 * (8 - top)] + area[VECTORS:])


def in_use_as(native, emulated):
    """What was found, with the one byte of memory in which the hardware has more bits set as the hardware has it."""
    pairs = zip(native.memory, emulated.memory)
    differing = [at for at, (one, other) in enumerate(pairs) if one != other]
    if len(differing) != 1 or emulated.memory[differing[0]] & ~native.memory[differing[0]]:
        return emulated
    at, memory = differing[0], bytearray(emulated.memory)
    memory[at] = native.memory[at]
    return dataclasses.replace(emulated, memory=bytes(memory))


def rounded_as(native, emulated):
    """What was found, with C1 and the last bits of the stack's registers as the hardware has them."""
    area, other = bytearray(emulated.extended), native.extended
    area[3] = area[3] & ~(C1 >> 8) | other[3] & C1 >> 8
    for at in range(STACK, VECTORS, 16):
        one, two = (int.from_bytes(numbers[at:at + 10], "little") for numbers in (area, other))
        if distance(one, two) <= 1:
            area[at:at + 10] = other[at:at + 10]
    return dataclasses.replace(emulated, extended=bytes(area))


def approximated_as(native, emulated):
    """What was found, with lanes that are as good as the hardware's as the hardware has them."""
    area, other = bytearray(emulated.extended), native.extended
    for at in range(VECTORS, len(area), 4):
        if near(bytes(area[at:at + 4]), other[at:at + 4]):
            area[at:at + 4] = other[at:at + 4]
    return dataclasses.replace(emulated, extended=bytes(area))


def as_the_manual_has_it(native, emulated):
    """What the hardware did, but for what a REP with 32-bit addresses or a CALL that faults at once has left."""
    gpr = list(struct.unpack("<16Q", native.gpr))
    for number, value in enumerate(struct.unpack("<16Q", emulated.gpr)):
        if number in (1, 6, 7) and gpr[number] == value & 0xFFFFFFFF:
            gpr[number] = value
    rsp = gpr[4]
    memory = bytearray(native.memory)
    for pages, offset, size in ((0x200000, 0, 0x2000), (FAR, 0x2000, 0x1000)):
        if native.vector == 13 and pages + 8 <= rsp <= pages + size:
            at = rsp - 8 - pages + offset
            memory[at:at + 8] = emulated.memory[at:at + 8]
    return dataclasses.replace(native, gpr=struct.pack("<16Q", *gpr), memory=bytes(memory))


def normal(outcome, flags=~0):
    """The outcome without what nobody can see: what Linux and the way back from an exception change."""
    cs, ss, ds, es, fs, gs, fs_base, gs_base = outcome.segments
    # IRET to an outer level, by which the kernel comes back, makes 0 of a null selector
    segments = cs, ss, *(selector if selector > 3 else 0 for selector in (ds, es, fs, gs)), fs_base, gs_base
    return (outcome.vector, outcome.error, outcome.cr2, outcome.rip, outcome.flags & flags, outcome.gpr, segments,
            outcome.memory, outcome.extended)


def equal(native, emulated, case, mnemonic, alone):
    """Whether the outcomes are the same, as far as it counts."""
    return native == emulated or normal(native) == normal(emulated) or \
        expected(native, emulated, case, mnemonic, alone) is not None


def differences(native, emulated):
    """[(what, native, emulated)] in words."""
    found = []
    for name in Outcome.__slots__:
        one, other = getattr(native, name), getattr(emulated, name)
        if one == other:
            continue
        if name == "gpr" and len(one) == len(other):
            pairs = zip(GENERAL, struct.unpack("<16Q", one), struct.unpack("<16Q", other))
            found += [(register, hex(a), hex(b)) for register, a, b in pairs if a != b]
        elif name == "flags":
            found += [(letter + "F" * (len(letter) == 1), one >> bit & 1, other >> bit & 1)
                      for letter, bit in LETTERS.items() if (one ^ other) >> bit & 1]
        elif name in ("memory", "extended") and len(one) == len(other):
            at = next(i for i in range(len(one)) if one[i] != other[i])
            found.append((f"{name} from {at:#x}", one[at:at + 16].hex(" "), other[at:at + 16].hex(" ")))
        elif isinstance(one, int) and isinstance(other, int):
            found.append((name, hex(one), hex(other)))
        else:
            found.append((name, one, other))
    return found
