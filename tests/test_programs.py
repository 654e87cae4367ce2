"""Compiled programs (tests/programs.py) on the machine, line by line against what they print as processes of this host.

Programs of one source and exact arithmetic print the same however they were compiled; some of their lines others know too.
"""
from __future__ import annotations

import decimal
import hashlib
import struct
import zlib
from functools import cache

import programs
import pytest
from native.cases import FEATURES as SPELLING
from native.cases import host_features

import boot
from boot.disk import Disk
from x86 import Machine
from x86.models import MODELS, UNFINISHED

LIMIT = 100_000_000                     # instructions; the longest program needs a third of that
ALIKE = [("sha", "v1 v3 ni"), ("aes", "v1 ni avx vaes"), ("crc", "v1 clmul avx"), ("shards", "v1 v2 v3 gfni"),
         ("mandelbrot", "v1 v3 x87"), ("numbers", "v1 v3"), ("matrix", "float x87"), ("dct", "v1 v2 avx2"),
         ("sort", "double v3 x87"), ("strings", "v1 v2 v3")]


@cache
def built(name):
    try:
        return programs.build(name)
    except programs.Missing as missing:
        pytest.skip(f"needs {missing}")


@cache
def result(name):
    """What a program prints here."""
    missing = set(programs.BY_NAME[name].features.split()) - (MODELS["max"].features - set(UNFINISHED))
    if missing:
        pytest.skip(f"no processor here has {' and '.join(sorted(missing))}")
    machine = Machine("16M")
    machine.no_reboot = True
    boot.bios(machine, disk=Disk(built(name)[0].read_bytes()))
    stop = machine.run(max_instructions=LIMIT)
    assert stop.kind == "debug-exit", f"{stop}\n{machine.serial.text[-300:]}"
    return machine.serial.text.splitlines()


@pytest.mark.parametrize("name", programs.BY_NAME)
def test_a_program_prints_what_it_prints_on_this_host(name):
    features = programs.BY_NAME[name].features.split()
    missing = [feature for feature in features if SPELLING.get(feature.lower(), feature.lower()) not in host_features()]
    if missing:
        pytest.skip(f"{name}: the host has no {' and no '.join(missing)}")
    here, there = result(name), (built(name), programs.on_this_host(name))[1].splitlines()
    wrong = [f"{line}: {ours}\n{' ' * len(str(line))}  {theirs} on the host"
             for line, (ours, theirs) in enumerate(zip(here, there), 1) if ours != theirs]
    assert not wrong, f"{name}, {len(wrong)} lines\n" + "\n".join(wrong[:20])
    assert len(here) == len(there)


@pytest.mark.parametrize("source, variants", ALIKE)
def test_programs_of_one_source_print_the_same(source, variants):
    first, *others = (f"{source}-{variant}" for variant in variants.split())
    for other in others:
        assert result(other) == result(first), other


def test_digests_are_right():
    data = bytes(i * 167 + (i >> 8) + 13 & 0xFF for i in range(96 * 1024))
    for line in result("sha-v1"):
        name, length, digest = line.split()
        assert hashlib.new(name, data[:int(length)]).hexdigest() == digest, line


def test_checksums_are_right():
    data = bytes(i * 167 + (i >> 8) + 13 & 0xFF for i in range(100000))
    for line in result("crc-v1"):
        start, count, ethernet, _ = line.split()
        assert zlib.crc32(data[int(start):][:int(count)]) == int(ethernet, 16), line


def test_printed_numbers_are_right():
    """A double's bits, then %.17e %.5e %.0f %.6f %.6g %.17g; a long double's, then %.20e %.3f %.21g."""
    lines = [line.split() for line in result("numbers-v1")]
    doubles = [line for line in lines if len(line) == 7]
    assert len(doubles) > 100
    for bits, *texts in doubles:
        number, = struct.unpack(">d", bytes.fromhex(bits))
        sign = "-" if bits[0] >= "8" and number != number else ""       # Python's NaNs have none
        assert texts == [sign + form % number for form in ("%.17e", "%.5e", "%.0f", "%.6f", "%.6g", "%.17g")], bits
    long_doubles = [line for line in lines if len(line) == 4]
    assert len(long_doubles) > 15
    with decimal.localcontext(decimal.Context(prec=20000)):
        for bits, scientific, fixed, _ in long_doubles:
            top, significand = int(bits[:4], 16), int(bits[4:], 16)
            if top & 0x7FFF != 0x7FFF and significand:
                number = (-1) ** (top >> 15) * significand * decimal.Decimal(2) ** (max(top & 0x7FFF, 1) - 16446)
                assert decimal.Decimal(scientific) == decimal.Decimal(f"{number:.20e}"), bits
                assert fixed == f"{number:.3f}", bits
