"""The x87, MMX, SSE and AVX registers of the cases in tests/vectors.py: how they begin, and what they must be.

In `before` and `after`: ymm0 ... ymm15 (32 digits: the lower half, the upper one is as before), mxcsr, fcw, fsw, ftw (as
FXSAVE has it, a bit for each register in use), fpr0 ... fpr7 (80 bits, the physical registers). What differs from another
make of processor is told by `vendor`; some of it has limits here instead of an exemption.
"""
from __future__ import annotations

import struct

WORDS = {"fcw": 0x37F, "fsw": 0, "ftw": 0, "mxcsr": 0x1F80}
START = [bytes((16 * number + 7 * at + 3) & 255 for at in range(32)) for number in range(16)]
C1, PE, UE, TOP = 0x200, 0x20, 0x10, 0x3800
ULPS = 2                                                # of a transcendental function: each make is within one of the true value
RELATIVE = 3 * 2 ** -12                                 # RCPPS and RSQRTPS: each is within 1.5 * 2^-12


def words_of(state, default):
    return {name: int(state[name], 16) if name in state else default[name] for name in WORDS}


def stack_of(state, default):
    """R0 to R7 as numbers of 80 bits."""
    return [int(state[f"fpr{number}"], 16) if f"fpr{number}" in state else default[number] for number in range(8)]


def vectors_of(state, default):
    """YMM0 to YMM15 as 32 bytes each, the lowest first."""
    found = list(default)
    for number in range(16):
        if digits := state.get(f"ymm{number}"):
            low = bytes.fromhex(digits)[::-1]
            found[number] = low + found[number][len(low):]
    return found


def load(cpu, before):
    """Give a processor the registers of `before`."""
    words, stack = words_of(before, WORDS), stack_of(before, [0] * 8)
    top = (words["fsw"] & TOP) >> 11
    area = struct.pack("<HHBxH16xII", words["fcw"], words["fsw"], words["ftw"], 0, words["mxcsr"], 0)
    area += b"".join(stack[top + number & 7].to_bytes(16, "little") for number in range(8))
    cpu.fxsave = area + bytes(512 - len(area))
    cpu.vectors = b"".join(vectors_of(before, START))


def found_in(cpu):
    """(words, stack, vectors) as a processor has them."""
    area, vectors = cpu.fxsave, cpu.vectors
    fcw, fsw, ftw, mxcsr = struct.unpack_from("<HHB19xI", area)
    top = (fsw & TOP) >> 11
    stack = [int.from_bytes(area[32 + 16 * (number - top & 7):][:10], "little") for number in range(8)]
    return {"fcw": fcw, "fsw": fsw, "ftw": ftw, "mxcsr": mxcsr}, stack, [vectors[at:at + 32] for at in range(0, 512, 32)]


def differences(cpu, case):
    """[(what, found, expected)] of these registers after a case."""
    before, after, vendor = case["before"], case["after"], case.get("vendor", ())
    words, stack, vectors = found_in(cpu)
    expected = words_of(after, words_of(before, WORDS))
    numbers = stack_of(after, stack_of(before, [0] * 8))
    ignored = (C1 | PE | UE) if "transcendental" in vendor else C1 if "fcomi-c1" in vendor else 0
    result = [(name, hex(words[name]), hex(expected[name])) for name in WORDS
              if (words[name] ^ expected[name]) & ~(ignored if name == "fsw" else 0)]
    result += [(f"fpr{number}", f"{one:020x}", f"{other:020x}") for number, (one, other) in enumerate(zip(stack, numbers))
               if one != other and not ("transcendental" in vendor and distance(one, other) <= ULPS)]
    result += [(f"ymm{number}", one[::-1].hex(), other[::-1].hex())
               for number, (one, other) in enumerate(zip(vectors, vectors_of(after, vectors_of(before, START))))
               if one != other and not ("approximate" in vendor and
                                        all(near(one[at:at + 4], other[at:at + 4]) for at in range(0, 32, 4)))]
    return result


def distance(one, other):
    """How many numbers of the 80-bit format lie between two, as integers."""
    return abs(((one >> 64) << 63 | one & (1 << 63) - 1) - ((other >> 64) << 63 | other & (1 << 63) - 1))


def near(one, other):
    """Whether two numbers of single precision, as bytes, are the same or may be approximations of one."""
    a, b = (struct.unpack("<f", number)[0] for number in (one, other))
    return one == other or a != b and abs(a - b) <= RELATIVE * abs(b) < float("inf")
