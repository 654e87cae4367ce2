"""Floating point of SSE, AVX and FMA in integers, as it is done on hosts without SSE and for guests that unmask exceptions:
every form compared with the processor underneath, in blocks. That the host's own instructions do the same is in test_native.py.

100 cases a form; 5,000 with X86_TEST_PROFILE=deep."""
from __future__ import annotations

import os

import pytest
from native.cases import absent, cases_of
from native.compare import differences, equal
from native.emulated import Emulated
from native.host import Host, Missing, runner
from native.shrink import sentence

from x86.isa import table

COUNT = 5000 if os.environ.get("X86_TEST_PROFILE") == "deep" else 100
FORMS = [form for form in table.forms() if form.family.startswith("float_")]


@pytest.fixture(scope="module")
def host():
    try:
        runner()
        host = Host()
    except Missing as missing:
        pytest.skip(f"needs {missing}")
    with host:
        yield host


@pytest.fixture(scope="module")
def emulated():
    emulated = Emulated()
    emulated.cpu.integer_float = True
    return emulated


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.mnemonic}-{form.encoding}")
def test_form(form, host, emulated):
    if missing := absent(form):
        pytest.skip(missing)
    cases = list(cases_of(form, COUNT))
    for case, native in zip(cases, host.run(cases)):
        found = emulated.run(case)
        if not equal(native, found, case, form.mnemonic, False):
            pytest.fail(f"{differences(native, found)}\n{sentence(case, form.mnemonic, host, emulated, False)}")
