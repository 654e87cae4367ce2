"""Floating point of SSE, AVX and FMA in integers, as it is done on hosts without SSE and for guests that unmask exceptions:
every form compared with the processor underneath, and with what this emulator does by the host's instructions.

That the latter does as the processor underneath is in test_native.py. 100 cases a form; 5,000 with X86_TEST_PROFILE=deep."""
from __future__ import annotations

import os

import pytest
from native.cases import absent, cases_of
from native.compare import differences, equal
from native.emulated import Emulated
from native.shrink import sentence

from x86.isa import table

DEEP = os.environ.get("X86_TEST_PROFILE") == "deep"
COUNT = 5000 if DEEP else 100
FORMS = [form for form in table.forms() if form.family.startswith("float_")]


@pytest.fixture(scope="module")
def in_integers():
    emulated = Emulated()
    emulated.cpu.integer_float = True
    return emulated


@pytest.fixture(scope="module")
def by_host():
    return Emulated()


def name(form):
    return f"{form.mnemonic}-{form.encoding}"


@pytest.mark.parametrize("form", FORMS, ids=name)
def test_as_the_processor_underneath(form, host, in_integers):
    if missing := absent(form):
        pytest.skip(missing)
    cases = list(cases_of(form, COUNT))
    for case, native in zip(cases, host.run(cases)):
        found = in_integers.run(case)
        if not equal(native, found, case, form.mnemonic, False):
            pytest.fail(f"{differences(native, found)}\n{sentence(case, form.mnemonic, host, in_integers, False)}")


@pytest.mark.parametrize("form", FORMS, ids=name)
def test_as_by_the_host(form, by_host, in_integers):
    """On whatever host, in 32-bit code, where operands come by way of a copy."""
    for case in cases_of(form, COUNT // 2, 32):
        expected, found = by_host.run(case, alone=True), in_integers.run(case, alone=True)
        assert found == expected, f"{case.code.hex(' ')}: {differences(expected, found)}"
