"""Floating point in integers (x86/_float.pyx, x86/_float80.pyx): against the instructions of the processor underneath, and
on any host against Python's integers.

6,000 directed cases an operation; 400,000 with X86_TEST_PROFILE=deep."""
from __future__ import annotations

import ctypes
import math
import os
import platform
import shutil
import struct
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from x86._float_batch import Operation, run

SOURCE = Path(__file__).with_name("native") / "float_host.c"
DEEP = os.environ.get("X86_TEST_PROFILE") == "deep"
COUNT = 400_000 if DEEP else 6_000
AT_ONCE = 20_000
CASE, OUTCOME = struct.Struct("<6Q2I"), struct.Struct("<2Q2I")
NEEDS = {"FUSE": "fma", "F16": "f16c", "ROUND": "sse4_1"}       # words in an operation's name, flags of /proc/cpuinfo


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    if platform.system() != "Linux" or "GenuineIntel" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("needs Linux on an Intel processor")
    if not shutil.which("gcc"):
        pytest.skip("needs gcc")
    library = tmp_path_factory.mktemp("float") / "float_host.so"
    names = [f"-D{operation.name}={operation.value}" for operation in Operation]
    subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-mno-red-zone", "-fcf-protection=none", *names,
                    str(SOURCE), "-o", str(library)], check=True)
    return ctypes.CDLL(str(library))


def shown(case, found, wanted):
    a, a_high, b, b_high, c, c_high, control, operation = CASE.unpack(case)
    lines = [f"{Operation(operation).name} control={control:05x} a={a_high:04x}:{a:016x} b={b_high:04x}:{b:016x} c={c:016x}"]
    for who, outcome in (("found", found), ("wanted", wanted)):
        value, high, flags, second = OUTCOME.unpack(outcome)
        lines.append(f"    {who:6} {high:04x}:{value:016x} flags={flags:04x} {second:08x}")
    return "\n".join(lines)


def differences(cases, found, wanted):
    if found == wanted:
        return []
    at = range(len(cases) // CASE.size)
    pieces = ((cases[i * CASE.size:][:CASE.size], found[i * OUTCOME.size:][:OUTCOME.size],
               wanted[i * OUTCOME.size:][:OUTCOME.size]) for i in at)
    return [shown(*piece) for piece in pieces if piece[1] != piece[2]]


@pytest.mark.parametrize("operation", Operation, ids=lambda operation: operation.name)
def test_as_the_processor_underneath(operation, host):
    flags = Path("/proc/cpuinfo").read_text().split()
    for word, flag in NEEDS.items():
        if word in operation.name and flag not in flags:
            pytest.skip(f"needs a processor with {flag}")
    count = min(AT_ONCE, COUNT)
    for seed in range(0, COUNT, count):
        cases = ctypes.create_string_buffer(count * CASE.size)
        native = ctypes.create_string_buffer(count * OUTCOME.size)
        host.directed(operation.value, ctypes.c_uint64(seed), count, 0, cases)
        host.ask(count, cases, native)
        wrong = differences(cases.raw[:count * CASE.size], run(cases.raw[:count * CASE.size]), native.raw[:count * OUTCOME.size])
        assert not wrong, f"{len(wrong)} of {count}\n" + "\n".join(wrong[:8])


# ---- on any host: against Python's integers -------------------------------------------------------------------------

IE, DE, ZE, OE, UE, PE = (1 << bit for bit in range(6))
NEAREST, DOWN, UP, ZERO = range(4)


@dataclass(frozen=True)
class Format:
    name: str
    precision: int                                      # significant bits
    bias: int

    @property
    def smallest(self):
        """Exponent of the smallest normal number."""
        return 1 - self.bias

    def decode(self, pattern):
        """(sign, value as a Fraction, whether it is a denormal) of a finite number, given as (sign, biased, fraction)."""
        sign, biased, fraction = pattern
        whole = fraction + ((biased > 0) << (self.precision - 1))
        value = whole * Fraction(2) ** (max(biased, 1) - self.bias - self.precision + 1)
        return sign, -value if sign else value, biased == 0 and fraction > 0

    def words(self, sign, biased, fraction):
        """As a Case has it."""
        if self.precision == 64:
            return fraction | (biased > 0) << 63, sign << 15 | biased
        top = sign * 2 * (self.bias + 1) + biased
        return top << (self.precision - 1) | fraction, 0


F32, F64, F80 = Format("F32", 24, 127), Format("F64", 53, 1023), Format("F80", 64, 16383)


def binary_exponent(value):
    exponent = value.numerator.bit_length() - value.denominator.bit_length()
    return exponent if Fraction(2) ** exponent <= value else exponent - 1


def rounded(value, quantum, negative, rounding):
    """A positive value as a whole number of quanta, and whether that is exact."""
    whole, rest = divmod(value, quantum)
    up = {NEAREST: rest * 2 > quantum or (rest * 2 == quantum and whole % 2 == 1), DOWN: rest > 0 and negative,
          UP: rest > 0 and not negative, ZERO: False}[rounding]
    return int(whole) + up, rest == 0


def expected(form, value, sign_of_zero, rounding):
    """((sign, biased, fraction), flags) of an exact result, everything masked."""
    if value == 0:
        return (sign_of_zero, 0, 0), 0
    sign, size = int(value < 0), abs(value)
    exponent, p = binary_exponent(size), form.precision
    unbounded, _ = rounded(size, Fraction(2) ** (exponent - p + 1), sign, rounding)
    tiny = unbounded * Fraction(2) ** (exponent - p + 1) < Fraction(2) ** form.smallest
    exponent = max(exponent, form.smallest)
    whole, exact = rounded(size, Fraction(2) ** (exponent - p + 1), sign, rounding)
    if whole == 1 << p:
        whole, exponent = whole >> 1, exponent + 1
    flags = 0 if exact else PE | (UE if tiny else 0)
    if exponent > form.bias:
        infinite = rounding == NEAREST or rounding == (DOWN if sign else UP)
        return (sign, 2 * form.bias + infinite, 0 if infinite else (1 << (p - 1)) - 1), OE | PE
    biased = exponent + form.bias if whole >> (p - 1) else 0
    return (sign, biased, whole & ((1 << (p - 1)) - 1)), flags


def root(value):
    """The square root, or something between it and its neighbours in any format."""
    shift = 2 * (400 + abs(binary_exponent(value)))
    scaled = value.numerator * (1 << shift) // value.denominator
    low = math.isqrt(scaled)
    return Fraction(2 * low + (low * low != scaled), 1 << (shift // 2 + 1))


def numbers(form):
    fraction = st.one_of(st.integers(0, (1 << (form.precision - 1)) - 1),
                         st.builds(lambda bit: 1 << bit, st.integers(0, form.precision - 2)),
                         st.builds(lambda bit: (1 << bit) - 1, st.integers(0, form.precision - 1)))
    biased = st.one_of(st.integers(0, 2 * form.bias), st.integers(0, 3), st.integers(form.bias - 70, form.bias + 70),
                       st.integers(2 * form.bias - 3, 2 * form.bias))
    return st.tuples(st.integers(0, 1), biased, fraction)


def one(form, operation, operands, rounding, way=0):
    words = [word for operand in operands for word in form.words(*operand)] + [0] * 6
    control = 0x33F | rounding << 10 if form is F80 else 0x1F80 | rounding << 13
    case = CASE.pack(*words[:6], control | way << 16, Operation[f"{form.name}_{operation}"])
    value, high, flags, _ = OUTCOME.unpack(run(case))
    return (value, high), flags & 0x3F


EXACT = [(form, operation) for form in (F32, F64, F80) for operation in ("ADD", "SUB", "MUL", "DIV", "SQRT", "FUSE")
         if hasattr(Operation, f"{form.name}_{operation}")]


@pytest.mark.parametrize("form, operation", EXACT, ids=lambda word: getattr(word, "name", word))
def test_as_exact_arithmetic_says(form, operation):
    @given(numbers(form), numbers(form), numbers(form), st.integers(0, 3), st.integers(0, 3))
    def check(a, b, c, rounding, way):
        (sign_a, x, _), (sign_b, y, _), (sign_c, z, _) = decoded = [form.decode(number) for number in (a, b, c)]
        way = way if operation == "FUSE" else 0
        used = {"SQRT": 1, "FUSE": 3}.get(operation, 2)
        assume(not (operation == "SQRT" and x < 0) and not (operation == "DIV" and y == 0))
        if operation in ("ADD", "SUB", "FUSE"):
            if operation == "FUSE":
                sign_a, sign_b = sign_a ^ sign_b ^ (way & 1), sign_c ^ way >> 1
                x, y = x * y * (-1) ** (way & 1), z * (-1) ** (way >> 1)
            elif operation == "SUB":
                sign_b, y = sign_b ^ 1, -y
            value, sign = x + y, sign_a if sign_a == sign_b and x == 0 else int(rounding == DOWN)
        elif operation == "SQRT":
            value, sign = root(x) if x else x, sign_a
        else:
            value, sign = (x * y if operation == "MUL" else x / y), sign_a ^ sign_b
        wanted, flags = expected(form, value, sign, rounding)
        flags |= DE if any(denormal for _, _, denormal in decoded[:used]) else 0
        assert one(form, operation, (a, b, c)[:used], rounding, way) == (form.words(*wanted), flags)

    check()
