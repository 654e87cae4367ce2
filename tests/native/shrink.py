"""A case on which the processors differ, made as small as it goes, and written as a line for tests/instructions."""
from __future__ import annotations

import struct
from dataclasses import replace

from x86 import _decode
from x86.disassembler import disassemble

from .cases import ARITHMETIC, BIT_HANDLERS, MASK, NONE, RIP
from .compare import GENERAL, LETTERS, equal
from .host import START, WRITABLE

FLAGS = {letter + "F" * (len(letter) == 1): bit for letter, bit in LETTERS.items() if letter != "T"}
FAULTS = {0: "DE", 1: "DB", 3: "BP", 4: "OF", 5: "BR", 6: "UD", 10: "TS", 11: "NP", 12: "SS", 13: "GP", 14: "PF", 16: "MF",
          17: "AC", 19: "XM"}
IMPLIED = (3, 4, 5, 6, 7)                               # RBX RSP RBP RSI RDI: addresses that no operand names
# In an XSAVE area: name, offset, size, what it is in a line that says nothing
WORDS = (("fcw", 0, 2, 0x40), ("fsw", 2, 2, 0), ("ftw", 4, 1, 0), ("mxcsr", 24, 4, 0x1F80))
# ... and the plainest that it can hold: offset, bytes
PLAIN = ((0, b"\x7F\x03"), (2, bytes(2)), (4, b"\xFF"), (6, bytes(18)), (24, b"\x80\x1F"),
         *((at, bytes(16)) for at in (*range(32, 416, 16), *range(576, 832, 16))))
DATA, INS_DATA, INS_CODE = 0x200000, 0x2000, 0x1000     # where memory lies here, where in a line, and the code there


def sentence(case, mnemonic, host, emulated, alone):
    """The smallest such case as a line; where no line can say it, as what it is."""
    small = shrink(case, mnemonic, host, emulated, alone)
    native = host.run([small])[0]
    return line_of(small, native) or told(small, native)


def told(case, native):
    """A case that no line can say: its bytes, what it begins with, how it ends."""
    begin = [f"{name}={value:#x}" for name, value in zip(GENERAL, case.gpr) if value]
    begin += changed_registers(None, case.extended) + [f"[{address:#x}]={data.hex(' ')}" for address, data in case.memory]
    end = [f"vector {native.vector}", f"error {native.error}", f"rip {native.rip:#x}"]
    end += changed_registers(case.extended, whole(native.extended))
    where = f"{case.code.hex(' ')} at {case.rip:#x}, {case.bits} bits, flags {case.flags:#x}"
    return f"{where}: {' '.join(begin)} => {', '.join(end)}"


def shrink(case, mnemonic, host, emulated, alone):
    """The case with as few registers, flags and bytes of memory, and as small numbers as still make a difference."""
    def differs(candidate):
        return not equal(host.run([candidate])[0], emulated.run(candidate, alone), candidate, mnemonic, alone)

    best = case
    for change in ({"rip": START}, {"memory": []}, *({"flags": case.flags & ~(1 << bit)} for bit in FLAGS.values())):
        if "flags" in change:                           # those that went stay away
            change["flags"] &= best.flags
        candidate = replace(best, **change)
        best = candidate if differs(candidate) else best
    for at, plain in PLAIN if case.extended else ():
        candidate = replace(best, extended=best.extended[:at] + plain + best.extended[at + len(plain):])
        best = candidate if differs(candidate) else best
    for number in range(16):
        while simpler := next(filter(differs, simplified(best, number)), None):
            best = simpler
    return best


def simplified(case, number):
    """The case with other numbers in one register, the simplest first."""
    for value in smaller(case.gpr[number]):
        yield replace(case, gpr=[*case.gpr[:number], value, *case.gpr[number + 1:]])


def smaller(value):
    """Numbers to try instead of one, all less than it, the simplest first."""
    yield from (number for number in (0, 1, 2, 0x80, 0xFF) if number < value)
    for bits in (8, 16, 32):
        if value >> bits:
            yield value & ((1 << bits) - 1)
    if value > 0xFF and value & value - 1:
        yield 1 << value.bit_length() - 1


def line_of(case, native):
    """`[bytes] "text" before => after`, or None: a line knows neither privilege 3 nor pages, and one instruction only."""
    text, length = disassemble(case.code, INS_CODE, case.bits)
    if length != len(case.code) or case.rip != START or native.vector in (14, 17):
        return None
    operand, base = operand_of(case)
    if operand is not None and (base is None or not DATA <= operand < DATA + 0x1FF0):
        return None
    implied = _decode.decode(case.code).form if operand is None else None
    pointers = IMPLIED if implied and (implied.rep or implied.mnemonic == "xlat" or implied.family == "stack") else ()
    moved = {number for number in pointers if DATA <= case.gpr[number] < DATA + 0x3000} | {base} - {None}
    gpr = [value - (DATA - INS_DATA) * (number in moved) & MASK for number, value in enumerate(case.gpr)]
    before = [f"{GENERAL[number]}={value:#x}" for number, value in enumerate(gpr) if value != (0x8000 if number == 4 else 0)]
    before += [f"{name}=1" for name, bit in FLAGS.items() if case.flags >> bit & 1]
    touched = bytearray(WRITABLE)
    for address, data in case.memory:
        if not DATA <= address < DATA + 0x2000:
            return None
        touched[address - DATA:address - DATA + len(data)] = data
    most = 32 if case.extended else 16
    # what may have been read; a line's memory is 0 where it says nothing
    known = {operand} | {case.gpr[number] for number in moved}
    known = {address for address in known if address is not None and DATA <= address < DATA + 0x1FF0}
    before += [f"[{relocate(address):#x}]={touched[address - DATA:address - DATA + most].hex(' ')}" for address in sorted(known)]
    after = []
    for number, (old, new) in enumerate(zip(case.gpr, struct.unpack("<16Q", native.gpr))):
        if old != new:
            after.append(f"{GENERAL[number]}={relocate(new) if number in moved else new:#x}")
    after += [f"{name}={native.flags >> bit & 1}" for name, bit in FLAGS.items()
              if 1 << bit & ARITHMETIC or (native.flags ^ case.flags) >> bit & 1]
    changed = [at for at in range(len(touched)) if touched[at] != native.memory[at]]
    if changed:
        first, last = changed[0], changed[-1]
        if not any(address - DATA <= first and last < address - DATA + most for address in known):
            return None
        after.append(f"[{relocate(DATA + first):#x}]={native.memory[first:last + 1].hex(' ')}")
    if native.vector != 3:
        error = "" if native.error is None else f"({native.error:#x})" if native.error > 9 else f"({native.error})"
        after.append(f"fault=#{FAULTS.get(native.vector, native.vector)}{error}")
    elif native.rip != START + len(case.code):
        after.append(f"rip={native.rip - START + INS_CODE:#x}")
    before, after = before + changed_registers(None, case.extended), \
        after + changed_registers(case.extended, whole(native.extended))
    mode = "32 " if case.bits == 32 else ""
    return f'{mode}[{case.code.hex(" ")}] "{text}"  {" ".join(before)} => {" ".join(after)}'


def registers_in(area):
    """{name: number} of the x87 and vector registers in an XSAVE area."""
    found = {name: area[at:at + size] for name, at, size, _ in WORDS}
    found |= {f"st{number}": area[32 + 16 * number:42 + 16 * number] for number in range(8)}
    found |= {f"ymm{number}": area[160 + 16 * number:176 + 16 * number] + area[576 + 16 * number:592 + 16 * number]
              for number in range(16)}
    return {name: int.from_bytes(data, "little") for name, data in found.items()}


def whole(visible):
    """What host.visible made of an XSAVE area, with its gaps again."""
    return visible and visible[:28] + bytes(4) + visible[28:412] + bytes(160) + visible[412:]


def changed_registers(old, new):
    """`name=number` for what is not as it was; old is None: as in a line that says nothing."""
    was = registers_in(old) if old else {name: number for name, _, _, number in WORDS}
    return [f"{name}={number:#x}" for name, number in registers_in(new).items() if number != was.get(name, 0)] if new else []


def operand_of(case):
    """(address of the first instruction's memory operand, the register that a line has to move); (None, None): it has none.
    The register is None where a line cannot reach the operand."""
    instruction = _decode.decode(case.code, case.rip, case.bits)
    form = instruction.form
    if form is None or not form.modrm or instruction.mod == 3 or form.rm_position is None:
        return None, None
    base, index = instruction.base, instruction.index
    both = base - instruction.reg in (0, -4) and form.digit is None     # it, or its high byte, is a number as well
    if instruction.segment_prefix or both or base in (NONE, RIP, index) or form.handler in BIT_HANDLERS and "rv" in form.operands:
        return 0, None
    registers = [*case.gpr, 0]
    address = registers[base] + (registers[index] << instruction.scale) + instruction.displacement
    return address & ((1 << instruction.address_size) - 1), base


def relocate(value):
    """An address in the data pages as a line has it."""
    return value - DATA + INS_DATA if DATA <= value < DATA + 0x3000 else value
