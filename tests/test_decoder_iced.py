"""The decoder against iced-x86: of any bytes, in code of any size, both say the same about length and legality.

Every opcode with every prefix that matters, and 100,000 random strings for each code size; 20 million with
X86_TEST_PROFILE=deep. What differs is in
iced_machine.py, with the reason. (The text of instructions: test_disassembler_iced.py.)"""
from __future__ import annotations

import os
import random

import pytest

pytest.importorskip("iced_x86", reason="iced-x86 is not installed")

import encodings_of_forms as encodings
import iced_machine
import random_code
from hypothesis import example, given, settings
from hypothesis import strategies as st
from iced_x86 import Code, CpuidFeature, Decoder, DecoderError, DecoderOptions
from random_code import LAYOUTS, SIZE

from x86 import _decode
from x86.disassembler import nobody
from x86.isa import table

DEEP = os.environ.get("X86_TEST_PROFILE") == "deep"
STRINGS = 20_000_000 if DEEP else 100_000           # for each code size
CHUNK = 500_000                                     # of them at a time
BITS = (16, 32, 64)
CONTROL = {form.number for form in table.forms() if {"cr", "dr", "sreg"} & {*form.operands}}
STATUS = {text: number for number, text in _decode.STATUS.items()}
DECODED, TRUNCATED, UNDEFINED, TOO_LONG, LOCKED = (STATUS[text] for text in (
    "decoded", "truncated", "undefined opcode", "longer than 15 bytes", "LOCK is not allowed here"))


def our_lengths(data, bits, step):
    """The length of the instruction at every `step`-th byte, 0 where there is none, and the survey's statuses."""
    lengths, statuses, forms = _decode.survey(data, bits, step)
    result = bytearray(0 if status else length for length, status in zip(lengths, statuses))
    for number, form in enumerate(forms):
        if form in CONTROL:                         # CR1 and its like: the handler refuses them, and says why
            at = number * step
            if nobody(_decode.decode(data[at:at + SIZE], 0, bits)):
                result[number], statuses[number] = 0, UNDEFINED
    return result, statuses


def verdict(code, bits):
    """What both say about one string, in words."""
    found, theirs = _decode.decode(code, 0, bits), Decoder(bits, code).decode()
    ours = f"{found.form.mnemonic} ({found.form.encoding})" if found.form else "nothing"
    return f"{bits} {code.hex(' ')}: {ours}, {_decode.STATUS[found.status]}, {found.length} bytes; " \
        f"iced: {iced_machine.CODES[theirs.code]} of {' and '.join(iced_machine.features(theirs))}, {theirs.len} bytes"


def check(data, bits, step=SIZE):
    """Both agree about every `step`-th byte of `data`. Where LOCK is what is wrong, they agree about that and the length."""
    ours, statuses = our_lengths(data, bits, step)
    theirs = iced_machine.lengths(data, bits, step)
    wrong = [number for number in range(len(ours)) if ours[number] != theirs[number]] if ours != theirs else []
    locked = [number for number, status in enumerate(statuses) if status == LOCKED]
    chosen = b"".join(data[number * step:number * step + SIZE].ljust(SIZE, b"\0") for number in locked)
    unchecked = iced_machine.lengths(chosen, bits, SIZE, DecoderOptions.NO_INVALID_CHECK)
    lengths, _, _ = _decode.survey(chosen, bits, SIZE)
    wrong += [number for number, a, b in zip(locked, lengths, unchecked) if a != b]
    assert not wrong, f"{len(wrong)} differences in {len(ours)}\n" + "\n".join(
        verdict(data[number * step:number * step + SIZE], bits) for number in wrong[:20])


# ---- random bytes -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_random_strings(layout, bits):
    left, seed = -(-STRINGS // len(LAYOUTS)), bits
    while left > 0:
        check(random_code.strings(layout, min(left, CHUNK), seed), bits)
        left, seed = left - CHUNK, seed + 64


@pytest.mark.parametrize("bits", BITS)
def test_every_form(bits):
    choose = random.Random(bits)
    forms = [form for form in table.forms() if encodings.exists_in(form, bits)]
    check(b"".join(encodings.encode(form, bits, choose) + b"\0" for form in forms for _ in range(200 if DEEP else 20)), bits)


# What legality depends on, one combination after the other: prefix, map, opcode, ModRM
PREFIXES = (b"", b"\x66", b"\xF3", b"\xF2", b"\x66\xF3", b"\xF2\x66", b"\xF0")
MODRM = range(256) if DEEP else (*range(0, 192, 8), *range(192, 256))       # every mod and reg; every rm of registers
TAIL = bytes.fromhex("24 11 22 33 44 55 66 77 88 99 aa bb cc")


@pytest.mark.parametrize("bits, rex", [(16, b""), (32, b""), (64, b""), (64, b"\x48"), (64, b"\x45")])
@pytest.mark.parametrize("escape", (b"", b"\x0F", b"\x0F\x38", b"\x0F\x3A"), ids=bytes.hex)
def test_every_opcode(escape, bits, rex):
    for prefix in PREFIXES:
        start = prefix + rex + escape
        check(b"".join((start + bytes((opcode, modrm)) + TAIL)[:SIZE] for opcode in range(256) for modrm in MODRM), bits)


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("map_", range(1, 4))
def test_every_vex_opcode(map_, bits):
    modrm_bytes = MODRM if DEEP else (*range(0, 64, 8), *range(192, 256, 8))
    for last in (w | vvvv | lpp for w in (0, 0x80) for vvvv in (0x78, 0x30) for lpp in range(8)):
        check(b"".join(bytes((0xC4, 0xE0 | map_, last, opcode, modrm)) + TAIL[:11]
                       for opcode in range(256) for modrm in modrm_bytes), bits)


CODE = st.builds(lambda prefixes, rex, escape, rest: (prefixes + rex + escape + rest)[:SIZE].ljust(SIZE, b"\0"),
                 st.lists(st.sampled_from(sorted({*random_code.PREFIX})), max_size=13).map(bytes),
                 st.sampled_from((b"", b"", *(bytes([rex]) for rex in range(0x40, 0x50)))),
                 st.sampled_from((b"", b"\x0F", b"\x0F\x38", b"\x0F\x3A", b"\xC4", b"\xC5", b"\x62", b"\x8F")),
                 st.binary(min_size=1, max_size=SIZE))


@given(CODE, st.sampled_from(BITS))
@example(bytes.fromhex("f3 0f 38 f0 00"), 64)       # MOVBE with F3
@example(bytes.fromhex("0f ae fe"), 64)             # SFENCE, rm not 0
@example(bytes.fromhex("0f 0d c1"), 32)             # a NOP beside the prefetches
@example(bytes.fromhex("8c f0"), 64)                # a segment register that does not exist
@example(bytes.fromhex("0f 20 c8"), 32)             # CR1
@example(bytes.fromhex("f0 0f 20 c0"), 32)          # LOCK MOV CR0: CR8, but only on AMD's
@example(bytes.fromhex("c5 f8 77"), 16)             # VEX, or LDS
def test_they_agree(code, bits):
    check(code.ljust(SIZE, b"\0"), bits)


# ---- the end of the bytes, and fifteen of them ------------------------------------------------------------------------

@settings(max_examples=5000 if DEEP else 300)
@given(CODE, st.sampled_from(BITS))
def test_an_instruction_needs_all_its_bytes(code, bits):
    """Without its last byte, or its last two, and so on, an instruction is truncated; what follows it does not matter."""
    found = _decode.decode(code, 0, bits)
    if found.status == DECODED:
        for length in range(found.length):
            assert _decode.decode(code[:length], 0, bits).status == TRUNCATED
        again = _decode.decode(code[:found.length] + bytes(byte ^ 0xFF for byte in code[found.length:]), 0, bits)
        assert (again.form, again.status, again.length) == (found.form, DECODED, found.length)


def without_repetitions(code, bits):
    """`code` without the prefixes that a later one overrules, and without LOCK; how many bytes that saves."""
    kept, rex, at = {}, b"", 0
    for byte in code:
        if bits == 64 and byte & 0xF0 == 0x40:
            rex = bytes([byte])
        elif byte in random_code.PREFIX:
            group = "rep" if byte in (0xF2, 0xF3) else byte if byte in (0x66, 0x67, 0xF0) else "segment"
            if group != "segment" or bits != 64 or byte in (0x64, 0x65):
                kept[group] = byte
            rex = b""
        else:
            break
        at += 1
    kept.pop(0xF0, None)
    short = bytes(kept.values()) + rex + code[at:]
    return short, len(code) - len(short)


@pytest.mark.parametrize("bits", BITS)
def test_fifteen_bytes(bits):
    """An instruction is too long exactly if it has more than 15 bytes, however many of them are idle prefixes."""
    data = random_code.strings("prefixes to the limit", STRINGS // 20, -bits)
    lengths, statuses, _ = _decode.survey(data, bits, SIZE)
    seen = set()
    for number, status in enumerate(statuses):
        code = data[number * SIZE:(number + 1) * SIZE] + bytes(SIZE)
        short, dropped = without_repetitions(code, bits)
        instruction = Decoder(bits, short).decode()
        if iced_machine.legal(bits)[instruction.code]:
            too_long = instruction.len + dropped > 15
            assert (status == TOO_LONG) == too_long, f"{bits} {code[:SIZE].hex(' ')}"
            assert lengths[number] == (15 if too_long else instruction.len + dropped), f"{bits} {code[:SIZE].hex(' ')}"
            seen.add(too_long)
    assert seen == {True, False}


@given(CODE, st.sampled_from(BITS))
def test_iced_runs_out_of_bytes_where_we_do(code, bits):
    for length in range(1, SIZE):
        decoder = Decoder(bits, code[:length])
        theirs = decoder.decode()
        if _decode.decode(code[:length], 0, bits).status == TRUNCATED and length < 15:
            assert theirs.code == Code.INVALID and decoder.last_error == DecoderError.NO_MORE_BYTES, verdict(code, bits)


# ---- what iced is told ------------------------------------------------------------------------------------------------

def test_every_feature_is_in_one_list():
    lists = [iced_machine.HERE, frozenset(iced_machine.PARTLY), iced_machine.LATER, iced_machine.NEVER]
    names = [name for names in lists for name in names]
    assert sorted(names) == sorted(name for name in vars(CpuidFeature) if name.isupper())


def test_what_is_here_has_rows():
    """Nothing stands in HERE and PARTLY without a row that brings it."""
    features, named = set(), set()
    for code in iced_machine.written():
        instruction = iced_machine.of_code(code)
        for feature in iced_machine.features(instruction):
            features.add(feature)
            named.add((feature, iced_machine.MNEMONICS[instruction.mnemonic]))
    assert sorted(iced_machine.HERE - features) == []
    promised = {(feature, name) for feature, names in iced_machine.PARTLY.items() for name in names.split()}
    assert sorted(promised - named) == []


@pytest.mark.parametrize("difference", iced_machine.DIFFERENCES, ids=lambda difference: difference.code)
def test_differences_are_differences(difference):
    code = bytes.fromhex(difference.example).ljust(SIZE, b"\0")
    for bits in difference.bits:
        theirs = Decoder(bits, code).decode()
        assert iced_machine.CODES[theirs.code] == difference.code
        assert (our_lengths(code, bits, SIZE)[0][0] != 0) == difference.legal
        here = all(feature in iced_machine.HERE for feature in iced_machine.features(theirs))
        assert here != difference.legal, "iced agrees: this entry says nothing"
