"""A small assembler for the ROM's own source: 16-bit code, in the spelling of nasm.

It knows what the BIOS needs and no more, so that building the ROM takes no program from outside. Whatever it accepts,
nasm accepts too and turns into the same bytes (a test compares them), but for two words of its own:

    at 0E05Bh           continue at this offset; the bytes skipped are FFh, as in an erased flash chip
    trap NAME           OUT 0B5h, AL: call the firmware's service NAME

Lines are `label:  mnemonic operands  ; comment`, each part optional. A label that begins with a dot belongs to the last
one that does not. Numbers are 12, 0x12, 12h, 'c'; expressions are sums and differences of numbers and labels.
`name equ value` gives a number a name; db, dw, dd, times N db and align N lay out data.

Source of the encodings: Intel SDM volume 2.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, field

from boot.layout import TRAP_PORT

REGISTERS_8 = {name: number for number, name in enumerate(("al", "cl", "dl", "bl", "ah", "ch", "dh", "bh"))}
REGISTERS_16 = {name: number for number, name in enumerate(("ax", "cx", "dx", "bx", "sp", "bp", "si", "di"))}
SEGMENTS = {name: number for number, name in enumerate(("es", "cs", "ss", "ds", "fs", "gs"))}
SEGMENT_PREFIXES = {"es": 0x26, "cs": 0x2E, "ss": 0x36, "ds": 0x3E, "fs": 0x64, "gs": 0x65}

# ModRM.rm of the 16-bit addressing forms; a bare number is rm 6 with mod 0
ADDRESSES = {("bx", "si"): 0, ("bx", "di"): 1, ("bp", "si"): 2, ("bp", "di"): 3, ("si",): 4, ("di",): 5, ("bp",): 6,
             ("bx",): 7}

PLAIN = {"cli": b"\xFA", "sti": b"\xFB", "cld": b"\xFC", "std": b"\xFD", "clc": b"\xF8", "stc": b"\xF9",
         "hlt": b"\xF4", "nop": b"\x90", "iret": b"\xCF", "ret": b"\xC3", "retf": b"\xCB", "pushf": b"\x9C",
         "popf": b"\x9D", "pusha": b"\x60", "popa": b"\x61", "lodsb": b"\xAC", "lodsw": b"\xAD", "stosb": b"\xAA",
         "stosw": b"\xAB", "movsb": b"\xA4", "movsw": b"\xA5", "rep": b"\xF3", "lahf": b"\x9F", "cbw": b"\x98"}
ARITHMETIC = ("add", "or", "adc", "sbb", "and", "sub", "xor", "cmp")
CONDITIONS = {"o": 0, "no": 1, "b": 2, "c": 2, "nc": 3, "ae": 3, "z": 4, "e": 4, "nz": 5, "ne": 5, "be": 6, "a": 7,
              "s": 8, "ns": 9, "l": 12, "ge": 13, "le": 14, "g": 15}
SHIFTS = {"rol": 0, "ror": 1, "shl": 4, "shr": 5, "sar": 7}
JUMPS_8 = {"loop": 0xE2, "jcxz": 0xE3}

TERM = r"'[^']'|\$|[.\w]+"
EXPRESSION = re.compile(rf"\s*[+-]?\s*(?:{TERM})(?:\s*[+-]\s*(?:{TERM}))*\s*")


class AssemblyError(ValueError):
    """A line of the source that means nothing here."""


@dataclass
class Memory:
    """A memory operand: its addressing form, displacement (an expression), segment prefix and size in bits or 0."""
    form: tuple
    displacement: str
    segment: str
    size: int


@dataclass
class Program:
    """What came out: the bytes, and what is where in them. All addresses are offsets from the start."""
    data: bytes
    labels: dict[str, int] = field(default_factory=dict)
    traps: dict[int, str] = field(default_factory=dict)         # address of each trap's OUT -> name of the service
    listing: dict[int, str] = field(default_factory=dict)       # address of each line -> the line, without its label


def assemble(source: str, size: int = 0x10000) -> Program:
    """Assemble `source` into a Program whose data has exactly `size` bytes, the rest being FFh.

    Errors: AssemblyError with the number and the text of the line."""
    return Assembler(source, size).program


class Assembler:
    """One run over one source. Jumps start short and grow until every one reaches its target."""

    def __init__(self, source: str, size: int):
        self.size = size
        self.lines = list(self._parse(source))
        self.labels: dict[str, int] = {}
        self.long: set[int] = set()             # lines whose jump does not fit into eight bits
        for _ in range(100):
            before = dict(self.labels), len(self.long)
            self._pass(final=False)
            if (self.labels, len(self.long)) == before:
                break
        self.program = self._pass(final=True)

    # ---- lines -------------------------------------------------------------------------------------------------------

    def _parse(self, source):
        scope = ""
        for number, text in enumerate(source.splitlines(), 1):
            code = _without_comment(text).strip()
            label = None
            match = re.match(r"(\.?\w+):\s*(.*)", code)
            if match:
                label, code = match.groups()
                if label.startswith("."):
                    label = scope + label
                else:
                    scope = label
            constant = re.match(r"(\w+)\s+equ\s+(.*)", code)
            if constant:
                label, code = constant[1], "equ " + constant[2]
            if label or code:
                yield number, scope, label, code, text.strip()

    def _pass(self, final):
        out = bytearray()
        self.final = final
        program = Program(b"", {})
        defined = set()
        for number, scope, label, code, text in self.lines:
            self.here, self.number, self.scope = len(out), number, scope
            try:
                if label:
                    if label in defined:
                        raise AssemblyError(f"label {label} twice")
                    defined.add(label)
                    is_constant = code.startswith("equ ")
                    self.labels[label] = self._value(code[4:]) if is_constant else self.here
                    if is_constant:
                        continue
                if not code:
                    continue
                if code.startswith("at "):
                    target = self._value(code[3:])
                    if target < self.here:
                        raise AssemblyError(f"offset {self.here:04X}h is already past {target:04X}h")
                    out += b"\xFF" * (target - self.here)
                    continue
                if code.startswith("trap "):
                    program.traps[self.here] = code[5:].strip()
                program.listing[self.here] = text.split(":", 1)[-1].strip() if label else text
                out += self._line(code)
            except (AssemblyError, KeyError, ValueError, IndexError) as error:
                raise AssemblyError(f"line {number}: {text}: {error}") from error
        if len(out) > self.size:
            raise AssemblyError(f"{len(out)} bytes do not fit into {self.size}")
        program.data = bytes(out) + b"\xFF" * (self.size - len(out))
        program.labels = dict(self.labels)
        return program

    # ---- operands ----------------------------------------------------------------------------------------------------

    def _value(self, expression):
        if not EXPRESSION.fullmatch(expression):
            raise AssemblyError(f"not an expression: {expression}")
        total = 0
        for sign, term in re.findall(rf"([+-]?)\s*({TERM})", expression):
            value = self._term(term)
            total += -value if sign == "-" else value
        return total

    def _term(self, term):
        if term[0] == "'":
            return ord(term[1])
        if term == "$":
            return self.here
        if term[0].isdigit():
            return int(term[:-1], 16) if term[-1] in "hH" else int(term, 0)
        name = self.scope + term if term.startswith(".") else term
        if name in self.labels:
            return self.labels[name]
        if self.final:
            raise AssemblyError(f"no label {name}")
        return self.here

    def _memory(self, text):
        match = re.match(r"(?:(byte|word|dword)\s+)?\[(?:(\w\w):)?([^\]]+)\]$", text)
        if not match:
            return None
        size = {"byte": 8, "word": 16, "dword": 32, None: 0}[match[1]]
        registers, rest = [], []
        for sign, term in re.findall(r"([+-]?)\s*([.\w]+)", match[3]):
            if term in REGISTERS_16:
                registers.append(term)
            else:
                rest.append(sign + term)
        form = tuple(sorted(registers, key=("bx", "bp", "si", "di").index))
        return Memory(form, "".join(rest).lstrip("+"), match[2] or "", size)

    def _modrm(self, reg, operand):
        """The ModRM byte and displacement for a register number or a Memory; its segment prefix goes in front."""
        if isinstance(operand, int):
            return bytes([0xC0 | reg << 3 | operand])
        if not operand.form:
            return bytes([reg << 3 | 6]) + _word(self._value(operand.displacement))
        rm = ADDRESSES[operand.form]
        displacement = self._value(operand.displacement) if operand.displacement else 0
        if displacement == 0 and operand.form != ("bp",):
            return bytes([reg << 3 | rm])
        if -128 <= displacement < 128:
            return bytes([0x40 | reg << 3 | rm, displacement & 0xFF])
        return bytes([0x80 | reg << 3 | rm]) + _word(displacement)

    def _relative(self, target, short, near):
        """A jump: `short` opcode with 8 bits if the target is near enough, else `near` (None: there is no such form)."""
        displacement = self._value(target) - (self.here + len(short) + 1)
        if self.number not in self.long:
            if -128 <= displacement < 128:
                return short + bytes([displacement & 0xFF])
            if near is None:
                if self.final:
                    raise AssemblyError(f"{target} is too far away")
                return short + b"\0"
            self.long.add(self.number)
        return near + _word(self._value(target) - (self.here + len(near) + 2))

    # ---- instructions ------------------------------------------------------------------------------------------------

    def _line(self, code):
        mnemonic, _, rest = code.partition(" ")
        rest = rest.strip()
        if mnemonic in PLAIN:                   # REP is a line's first word, with the instruction behind it
            return PLAIN[mnemonic] + (self._line(rest) if rest else b"")
        if mnemonic in ("db", "dw", "dd"):
            return self._data(rest, {"db": 1, "dw": 2, "dd": 4}[mnemonic])
        if mnemonic == "times":
            count, _, what = rest.partition(" ")
            return self._line(what.strip()) * self._value(count)
        if mnemonic == "align":
            return b"\xFF" * (-self.here % self._value(rest))
        if mnemonic == "trap":
            return bytes([0xE6, TRAP_PORT])
        if mnemonic in JUMPS_8:
            return self._relative(rest, bytes([JUMPS_8[mnemonic]]), None)
        if mnemonic[0] == "j" and mnemonic[1:] in CONDITIONS:
            condition = CONDITIONS[mnemonic[1:]]
            return self._relative(rest, bytes([0x70 | condition]), bytes([0x0F, 0x80 | condition]))
        if mnemonic in ("jmp", "call"):
            return self._jump(mnemonic, rest)
        if mnemonic == "int":
            return bytes([0xCD, self._value(rest)])
        return self._operation(mnemonic, [part.strip() for part in rest.split(",")] if rest else [])

    def _data(self, text, size):
        out = bytearray()
        for item in re.findall(r'"[^"]*"|[^,]+', text):
            item = item.strip()
            if item.startswith('"'):
                out += item[1:-1].encode("latin-1")
            elif item:
                out += (self._value(item) & ((1 << size * 8) - 1)).to_bytes(size, "little")
        return bytes(out)

    def _jump(self, mnemonic, target):
        call = mnemonic == "call"
        if target.startswith("far "):
            memory = self._memory(target[4:])
            return _prefix(memory) + b"\xFF" + self._modrm(3 if call else 5, memory)
        if ":" in target:
            segment, _, offset = target.partition(":")
            return bytes([0x9A if call else 0xEA]) + _word(self._value(offset)) + _word(self._value(segment))
        if call:
            return b"\xE8" + _word(self._value(target) - (self.here + 3))
        return self._relative(target, b"\xEB", b"\xE9")

    def _operation(self, mnemonic, operands):
        """Instructions whose encoding depends on what their operands are."""
        first = operands[0]
        second = operands[1] if len(operands) > 1 else ""
        size = 8 if first in REGISTERS_8 else 16 if first in REGISTERS_16 else 0
        number = REGISTERS_8.get(first, REGISTERS_16.get(first))
        memory = self._memory(first)
        if mnemonic in ("push", "pop"):
            return self._stack(mnemonic, first, number, memory)
        if mnemonic in ("inc", "dec"):
            digit = int(mnemonic == "dec")
            if size == 16:
                return bytes([0x40 | digit << 3 | number])
            return self._with_size(0xFE, digit, memory or number, memory.size if memory else size)
        if mnemonic == "in":
            wide = int(first == "ax")
            return bytes([0xEC | wide]) if second == "dx" else bytes([0xE4 | wide, self._value(second)])
        if mnemonic == "out":
            wide = int(second == "ax")
            return bytes([0xEE | wide]) if first == "dx" else bytes([0xE6 | wide, self._value(first)])
        if mnemonic in SHIFTS:
            if second == "1":
                return self._with_size(0xD0, SHIFTS[mnemonic], number, size)
            return self._with_size(0xC0, SHIFTS[mnemonic], number, size) + bytes([self._value(second)])
        if mnemonic == "mov":
            return self._mov(first, second, number, size, memory)
        if mnemonic == "test" or mnemonic in ARITHMETIC:
            return self._arithmetic(mnemonic, second, number, size, memory)
        raise AssemblyError(f"no instruction {mnemonic}")

    def _with_size(self, opcode, digit, operand, size):
        """opcode /digit, its lowest bit saying 16 bits instead of 8, with a 66h prefix for 32."""
        if not size:
            raise AssemblyError("byte, word or dword?")
        operand_size = b"\x66" if size == 32 else b""
        prefix = _prefix(operand) if isinstance(operand, Memory) else b""
        return prefix + operand_size + bytes([opcode | (size != 8)]) + self._modrm(digit, operand)

    def _stack(self, mnemonic, name, number, memory):
        push = mnemonic == "push"
        if name in ("fs", "gs"):
            return bytes([0x0F, (0xA0 if push else 0xA1) | (SEGMENTS[name] - 4) << 3])
        if name in SEGMENTS:
            return bytes([(6 if push else 7) | SEGMENTS[name] << 3])
        if memory:
            return _prefix(memory) + bytes([0xFF if push else 0x8F]) + self._modrm(6 if push else 0, memory)
        if number is None:
            value = self._value(name)
            return bytes([0x6A, value & 0xFF]) if -128 <= value < 128 else b"\x68" + _word(value)
        return bytes([(0x50 if push else 0x58) | number])

    def _mov(self, first, second, number, size, memory):
        source = REGISTERS_8.get(second, REGISTERS_16.get(second))
        from_memory = self._memory(second)
        if first in SEGMENTS:
            operand = from_memory or source
            return (_prefix(from_memory) if from_memory else b"") + b"\x8E" + self._modrm(SEGMENTS[first], operand)
        if second in SEGMENTS:
            operand = number if memory is None else memory
            return (_prefix(memory) if memory else b"") + b"\x8C" + self._modrm(SEGMENTS[second], operand)
        if memory and source is not None:
            wide = int(second in REGISTERS_16)
            if source == 0 and not memory.form:             # AL or AX to a bare address: the short form
                return _prefix(memory) + bytes([0xA2 | wide]) + _word(self._value(memory.displacement))
            return _prefix(memory) + bytes([0x88 | wide]) + self._modrm(source, memory)
        if from_memory:
            wide = int(size == 16)
            if number == 0 and not from_memory.form:
                return _prefix(from_memory) + bytes([0xA0 | wide]) + _word(self._value(from_memory.displacement))
            return _prefix(from_memory) + bytes([0x8A | wide]) + self._modrm(number, from_memory)
        if source is not None:
            return bytes([0x88 | int(size == 16)]) + self._modrm(source, number)
        value = self._value(second)
        if memory:
            return self._with_size(0xC6, 0, memory, memory.size) + _immediate(value, memory.size)
        return bytes([(0xB0 if size == 8 else 0xB8) | number]) + _immediate(value, size)

    def _arithmetic(self, mnemonic, second, number, size, memory):
        test = mnemonic == "test"
        digit = 0 if test else ARITHMETIC.index(mnemonic)
        source = REGISTERS_8.get(second, REGISTERS_16.get(second))
        from_memory = self._memory(second)
        if source is not None or from_memory:
            register_first = from_memory is not None        # the direction bit: the register is the destination
            wide = int((second in REGISTERS_16) if source is not None else size == 16)
            opcode = 0x84 if test else digit << 3 | (2 if register_first else 0)
            register = number if register_first else source
            operand = from_memory if register_first else (number if memory is None else memory)
            prefix = _prefix(operand) if isinstance(operand, Memory) else b""
            return prefix + bytes([opcode | wide]) + self._modrm(register, operand)
        value = self._value(second)
        operand = number if memory is None else memory
        size = size or memory.size
        if test:
            if operand == 0 and memory is None:
                return bytes([0xA8 | (size != 8)]) + _immediate(value, size)
            return self._with_size(0xF6, 0, operand, size) + _immediate(value, size)
        if size != 8 and -128 <= (value ^ 0x8000) - 0x8000 < 128 and size == 16:
            return self._with_size(0x82, digit, operand, size) + bytes([value & 0xFF])      # 83 /digit ib
        if operand == 0 and memory is None:
            return bytes([digit << 3 | 4 | (size != 8)]) + _immediate(value, size)
        return self._with_size(0x80, digit, operand, size) + _immediate(value, size)


def _word(value):
    return (value & 0xFFFF).to_bytes(2, "little")


def _immediate(value, size):
    return (value & ((1 << size) - 1)).to_bytes(size // 8, "little")


def _prefix(memory):
    return bytes([SEGMENT_PREFIXES[memory.segment]]) if memory.segment else b""


def _without_comment(line):
    """The line up to its semicolon, if that does not stand in a string."""
    quote = ""
    for position, character in enumerate(line):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == ";":
            return line[:position]
    return line
