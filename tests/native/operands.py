"""What the x87 and vector registers of a case hold, and its operands of their kinds in memory: numbers on which a form may err.

What a form takes its operands for is read from its mnemonic: ADDPS works on lanes of single precision, PADDW on words.
In a case all registers are made of a few numbers, their neighbours and opposites, so that equal operands and cancellation
are as common as they should be.
"""
from __future__ import annotations

import re
import struct

from x86.isa import table

FORMATS = {"f16": (5, 10), "f32": (8, 23), "f64": (11, 52), "f80": (15, 63)}    # bits of exponent and fraction
BYTES = {"f16": 2, "f32": 4, "f64": 8, "f80": 10, "i8": 1, "i16": 2, "i32": 4, "i64": 8, "bcd": 10}
INTEGERS = "i8 i16 i32 i64"

# The lanes of a vector form, by its mnemonic without VEX's v; the first line that fits. Several: one of them in each case
LANES = tuple((re.compile(pattern), lanes.split()) for pattern, lanes in (
    (r"cvtt?(ps|ss)2", "f32"), (r"cvtt?(pd|sd)2", "f64"), (r"cvtph2", "f16"), (r"cvt(dq|pi|si)2", "i32 i64"),
    (r"ps[lr][la]", "i64 i16 i32"), (r"p?gather", "i32 i64"), (r"pcmp.str", "i8 i16"), (r"maskmov|movnt|movq", INTEGERS),
    (r"p.*b$", "i8"), (r"p.*w$", "i16"), (r"p.*d$", "i32"), (r"p.*q$", "i64"), (r"p", INTEGERS),
    (r".*[ps]s$", "f32"), (r".*[ps]d$", "f64"), (r"", INTEGERS)))

CONVERTED = (7, 8, 14, 15, 16, 23, 24, 30, 31, 32, 51, 52, 53, 61, 62, 63, 64)      # exponents where an integer type ends
HALVES = (1, 2, 4, 8, 11, 12, 16, 24, 29, 32, 40, 48, 52)                           # bits below which a narrower format ends

DIFFERENT = 16                                          # numbers in a case

# MXCSR and the x87 control word: rounding, precision, masks
DEFAULT_MXCSR, MXCSR_MASKS, MXCSR_MODES = 0x1F80, 0x1F80, 0xE040                    # FZ RC DAZ
PRECISIONS = (0x300, 0x300, 0x300, 0x200, 0x000)


def is_x87(form):
    return form.map == 0 and form.opcode & 0xF8 == 0xD8


def has_extended(form):
    """Whether an instruction has to do with x87, MMX, SSE or AVX registers."""
    general = any(operand.startswith("r") for operand in form.operands)
    return is_x87(form) or form.vector or form.family in ("fpustate", "xsave") or form.vex and not general \
        or any(operand.startswith("vm") for operand in form.operands)


def lanes_of(form):
    """Names in BYTES: what the registers of a vector form, or the memory operand of an x87 form, may be taken for."""
    name = form.mnemonic
    if is_x87(form):
        size = next((operand.rpartition("m")[2] for operand in form.operands if table.is_memory(operand)), "80")
        if name.startswith("fb"):
            return ["bcd"]
        lanes = ("i" if name.startswith("fi") else "f") + size
        return [lanes if lanes in BYTES else "f80"]
    name = name.removeprefix("v")
    return next(lanes for pattern, lanes in LANES if pattern.match(name))


# ---- numbers ---------------------------------------------------------------------------------------------------------------

def fraction(choose, bits):
    """All but the highest bit of a significand: round ones, those that end in a tie in a narrower format, any."""
    ones, kind = (1 << bits) - 1, choose.random()
    if kind < 0.25:
        return choose.choice((0, 1, 2, 3, ones, ones - 1, ones >> 1, 1 << bits - 1))
    if kind < 0.4:
        return (choose.getrandbits(4) << bits >> 4) & ones
    if kind < 0.65:                                     # a tie, or next to one
        lost = choose.choice([half for half in HALVES if half < bits] or [1])
        return ((choose.getrandbits(bits) >> lost << lost | 1 << lost - 1) + choose.choice((-1, 0, 0, 1))) & ones
    return choose.getrandbits(bits)


def floating(choose, name):
    """A number of a binary format, as an integer."""
    width, bits = FORMATS[name]
    top, bias, ones, kind = (1 << width) - 1, (1 << width - 1) - 1, (1 << bits) - 1, choose.random()
    part = fraction(choose, bits)
    if kind < 0.28:                                     # zero, denormal, smallest, largest, infinity, NaN of both kinds
        exponent, part = choose.choice((
            (0, 0), (0, 0), (0, 1), (0, ones), (0, part), (0, part), (1, 0), (1, part), (top - 1, ones), (top - 1, part),
            (top, 0), (top, 0), (top, 1), (top, part | 1 << bits - 1), (top, part & ones >> 1 | 1), (top, ones),
            (top, 1 << bits - 1)))
    elif kind < 0.6:
        exponent = bias + choose.randint(-4, 4)
    elif kind < 0.7:                                    # small integers and halves
        number = choose.randrange(1, 64)
        exponent, part = bias + number.bit_length() - 1 - choose.randrange(2), \
            (number << bits >> number.bit_length() - 1) & ones
    elif kind < 0.84:                                   # where a conversion to integers overflows
        exponent = bias + choose.choice(CONVERTED)
        if choose.random() < 0.6:
            exponent, part = choose.choice(((exponent, 0), (exponent, 1), (exponent - 1, ones), (exponent - 1, ones - 1),
                                            (exponent - 1, ones & ~(ones >> choose.choice(CONVERTED)))))
    elif kind < 0.94:                                   # whose product or quotient is at the border
        exponent = choose.choice((1, 2, bits, bits + 1, bias // 2, bias // 2 + bias, top - 2, bias - bits, bias + bits)) + \
            choose.randint(-2, 2)
    else:
        exponent = choose.getrandbits(width)
    exponent = max(0, min(exponent, top))
    sign = choose.randrange(2) << width + bits
    if name != "f80":
        return sign | exponent << bits | part
    integer = (exponent != 0) ^ (choose.random() < 0.03)                # rarely unnormal, or a pseudo-denormal
    return sign << 1 | exponent << 64 | integer << 63 | part


def integer(choose, bits):
    """A number of so many bits: at an end of a range, small, with one bit, any."""
    kind = choose.random()
    if kind < 0.35:
        return (1 << choose.choice([size for size in (7, 8, 15, 16, 31, 32, 63, 64) if size <= bits])) + \
            choose.randint(-2, 1) & (1 << bits) - 1
    if kind < 0.65:                                     # counts of shifts, around the width
        return choose.randrange(bits + bits // 4)
    if kind < 0.75:
        return 1 << choose.randrange(bits)
    return choose.getrandbits(bits)


def decimal(choose):
    """A packed decimal of 18 digits and a sign."""
    digits = choose.getrandbits(72) if choose.random() < 0.15 else int(str(choose.randrange(10 ** choose.randint(1, 18))), 16)
    return digits | choose.choice((0, 0x80, choose.getrandbits(8))) << 72


class Numbers:
    """The numbers of one kind in a case: a few, so that they meet each other and their neighbours and opposites."""

    def __init__(self, choose, name):
        self.choose, self.name, self.size, self.numbers = choose, name, BYTES[name], []
        for _ in range(DIFFERENT):
            self.numbers.append(self.number())
        self.images = [number.to_bytes(self.size, "little") for number in self.numbers]

    def number(self):
        choose, bits = self.choose, 8 * self.size
        if self.numbers and choose.random() < 0.25:
            number = choose.choice(self.numbers)
            return choose.choice((number ^ 1 << bits - 1, number + 1, number - 1)) & (1 << bits) - 1
        if self.name == "bcd":
            return decimal(choose)
        return floating(choose, self.name) if self.name in FORMATS else integer(choose, bits)

    def bytes(self, count):
        """So many bytes of lanes, one behind the other."""
        return b"".join(self.choose.choices(self.images, k=-(-count // self.size)))[:count]


# ---- registers -------------------------------------------------------------------------------------------------------------

class Registers:
    """The x87, MMX, SSE and AVX registers of a case."""

    def __init__(self, choose, form):
        self.choose = choose
        self.numbers = Numbers(choose, choose.choice(lanes_of(form)))
        other = Numbers(choose, "f80") if is_x87(form) else self.numbers
        self.stack = [other.bytes(10) for _ in range(8)]                # ST(0) to ST(7)
        if not is_x87(form):                                            # MM0 to MM7 are the significands
            self.stack = [low[:8] + choose.choice((b"\xFF\xFF", high[:2])) for low, high in zip(self.stack, self.stack[::-1])]
        self.vectors = [self.numbers.bytes(32) for _ in range(16)]
        self.mxcsr = mxcsr(choose)
        self.control = choose.choice(PRECISIONS) | choose.randrange(4) << 10 | 0x40 | \
            (0x3F if choose.random() < 0.85 else choose.getrandbits(6))
        self.status, self.tags = status(choose, self.control)
        self.used = choose.randrange(8) if form.family == "xsave" and choose.random() < 0.5 else 7

    def area(self, avx):
        """As XSAVE stores them: 832 bytes, 512 without AVX."""
        choose = self.choose
        legacy = struct.pack("<HHBxHQQII", self.control, self.status, self.tags, choose.getrandbits(11),
                             choose.getrandbits(47), choose.getrandbits(47), self.mxcsr, 0xFFFF)
        legacy += b"".join(number + bytes(6) for number in self.stack)
        if not self.used & 1:
            legacy = bytes((0x7F, 3)) + bytes(22) + legacy[24:32] + bytes(128)
        legacy += b"".join(vector[:16] for vector in self.vectors) if self.used & 2 else bytes(256)
        legacy += bytes(96)
        if not avx:
            return legacy
        upper = b"".join(vector[16:] for vector in self.vectors) if self.used & 4 else bytes(256)
        return legacy + struct.pack("<Q56x", self.used) + upper


def mxcsr(choose):
    """Its default; any mode with old flags and all exceptions masked; some unmasked."""
    kind = choose.random()
    if kind < 0.3:
        return DEFAULT_MXCSR
    result = choose.getrandbits(16) & (MXCSR_MODES | 0x3F) | MXCSR_MASKS
    if kind < 0.5:
        result &= ~(MXCSR_MODES & ~0x6000)              # neither FZ nor DAZ
    return result if kind < 0.8 else result & ~(choose.getrandbits(6) << 7)


def status(choose, control):
    """(status word, tags as FXSAVE has them): mostly some registers in use, the upper ones of the stack."""
    allowed = 0x3F if choose.random() < 0.05 else control & 0x3F
    word = choose.getrandbits(16) & 0x4700 | choose.choice((0, 0, 0x40 | allowed, allowed)) & choose.getrandbits(7)
    word |= choose.choice((0, choose.randrange(8))) << 11
    if word & ~control & 0x3F:
        word |= 0x8080                                  # ES and B: an exception is pending
    kind, top = choose.random(), word >> 11 & 7
    if kind < 0.2:
        return word, choose.choice((0xFF, 0xFF, 0, choose.getrandbits(8)))
    return word, sum(1 << (top + number & 7) for number in range(choose.randrange(2, 8)))
