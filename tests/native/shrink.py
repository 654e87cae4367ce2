"""A case on which the processors differ, made as small as it goes, and written as a line for tests/instructions."""
from __future__ import annotations

import struct
from dataclasses import replace

from x86.disassembler import disassemble

from .cases import ARITHMETIC
from .compare import GENERAL, LETTERS, equal
from .host import START, WRITABLE

FLAGS = {letter + "F" * (len(letter) == 1): bit for letter, bit in LETTERS.items() if letter != "T"}
FAULTS = {0: "DE", 1: "DB", 3: "BP", 4: "OF", 5: "BR", 6: "UD", 10: "TS", 11: "NP", 12: "SS", 13: "GP", 14: "PF", 16: "MF",
          17: "AC", 19: "XM"}
DATA, INS_DATA, INS_CODE = 0x200000, 0x2000, 0x1000     # where memory lies here, where in a line, and the code there


def sentence(case, mnemonic, host, emulated, alone):
    """The smallest such case as a line; where no line can say it, as what it is."""
    small = shrink(case, mnemonic, host, emulated, alone)
    native = host.run([small])[0]
    line = line_of(small, native)
    return line or f"{small}\nnative: {native}"


def shrink(case, mnemonic, host, emulated, alone):
    """The case with as few registers, flags and bytes of memory, and as small numbers as still make a difference."""
    def differs(candidate):
        return not equal(host.run([candidate])[0], emulated.run(candidate, alone), candidate, mnemonic, alone)

    best = case
    for candidate in (replace(case, rip=START), replace(case, flags=0x202), replace(case, memory=[])):
        candidate = replace(best, rip=candidate.rip) if candidate.rip != best.rip else \
            replace(best, flags=candidate.flags) if candidate.flags != best.flags else replace(best, memory=candidate.memory)
        best = candidate if differs(candidate) else best
    for bit in FLAGS.values():
        if best.flags >> bit & 1:
            candidate = replace(best, flags=best.flags & ~(1 << bit))
            best = candidate if differs(candidate) else best
    for number in range(16):
        for value in smaller(best.gpr[number]):
            candidate = replace(best, gpr=[value if n == number else old for n, old in enumerate(best.gpr)])
            if differs(candidate):
                best = candidate
                break
    return best


def smaller(value):
    """Numbers to try instead of one, the simplest first."""
    yield from (number for number in (0, 1, 2, 0x80, 0xFF) if number < value)
    for bits in (8, 16, 32):
        if value >> bits:
            yield value & ((1 << bits) - 1)
    if value > 0xFF:
        yield 1 << value.bit_length() - 1


def line_of(case, native):
    """`[bytes] "text" before => after`, or None: a line knows neither privilege 3 nor pages, and one instruction only."""
    text, length = disassemble(case.code, INS_CODE, case.bits)
    if length != len(case.code) or case.rip != START or native.vector in (14, 17):
        return None
    moved = {number: value for number, value in enumerate(case.gpr) if DATA <= value < DATA + 0x3000}
    before = [f"{GENERAL[number]}={relocate(value):#x}" for number, value in enumerate(case.gpr)
              if value != (0x8000 if number == 4 else 0)]
    before += [f"{name}=1" for name, bit in FLAGS.items() if case.flags >> bit & 1]
    touched = bytearray(WRITABLE)
    for address, data in case.memory:
        if not DATA <= address < DATA + 0x2000:
            return None
        touched[address - DATA:address - DATA + len(data)] = data
        before.append(f"[{relocate(address):#x}]={data.hex(' ')}")
    after = []
    for number, (old, new) in enumerate(zip(case.gpr, struct.unpack("<16Q", native.gpr))):
        if old != new:
            after.append(f"{GENERAL[number]}={relocate(new) if number in moved else new:#x}")
    after += [f"{name}={native.flags >> bit & 1}" for name, bit in FLAGS.items()
              if 1 << bit & ARITHMETIC or (native.flags ^ case.flags) >> bit & 1]
    changed = [at for at in range(len(touched)) if touched[at] != native.memory[at]]
    if changed:
        first, last = changed[0], changed[-1]
        after.append(f"[{relocate(DATA + first):#x}]={native.memory[first:last + 1].hex(' ')}")
    if native.vector != 3:
        error = "" if native.error is None else f"({native.error:#x})" if native.error > 9 else f"({native.error})"
        after.append(f"fault=#{FAULTS.get(native.vector, native.vector)}{error}")
    elif native.rip != START + len(case.code):
        after.append(f"rip={native.rip - START + INS_CODE:#x}")
    mode = "32 " if case.bits == 32 else ""
    return f'{mode}[{case.code.hex(" ")}] "{text}"  {" ".join(before)} => {" ".join(after)}'


def relocate(value):
    """An address in the data pages as a line has it."""
    return value - DATA + INS_DATA if DATA <= value < DATA + 0x3000 else value
