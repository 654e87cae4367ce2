"""Floating point in integers (x86/_float.pyx, x86/_float80.pyx): against the instructions of the processor underneath, and
on any host against Python's integers.

6,000 directed cases an operation; 400,000 with X86_TEST_PROFILE=deep."""
from __future__ import annotations

import ctypes
import os
import platform
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from x86._float_batch import Operation, run

ROOT = Path(__file__).resolve().parent.parent
DEEP = os.environ.get("X86_TEST_PROFILE") == "deep"
COUNT = 400_000 if DEEP else 6_000
AT_ONCE = 20_000
CASE, OUTCOME = struct.Struct("<6Q2I"), struct.Struct("<2Q2I")
NEEDS = {"FUSE": "fma", "F16": "f16c", "ROUND": "sse4_1"}       # words in an operation's name, flags of /proc/cpuinfo


@pytest.fixture(scope="module")
def host():
    if platform.machine() != "x86_64" or platform.system() != "Linux":
        pytest.skip("needs an x86-64 Linux underneath")
    if not shutil.which("gcc"):
        pytest.skip("needs gcc")
    library = ROOT / "build" / "float_host.so"
    names = [f"-D{operation.name}={operation.value}" for operation in Operation]
    subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-mno-red-zone", "-fcf-protection=none", *names,
                    str(ROOT / "tests/float_host.c"), "-o", str(library)], check=True)
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
    for seed in range(0, COUNT, AT_ONCE):
        count = min(AT_ONCE, COUNT)
        cases = ctypes.create_string_buffer(count * CASE.size)
        native = ctypes.create_string_buffer(count * OUTCOME.size)
        host.directed(operation.value, ctypes.c_uint64(seed), count, 0, cases)
        host.ask(count, cases, native)
        wrong = differences(cases.raw[:count * CASE.size], run(cases.raw[:count * CASE.size]), native.raw[:count * OUTCOME.size])
        assert not wrong, f"{len(wrong)} of {count}\n" + "\n".join(wrong[:8])
