"""Every instruction that a user program may execute, compared with the processor underneath: registers, all flags, memory,
faults. tests/native has the machinery; `python tests/native_coverage.py` says which rows are left to other tests.

200 cases a row, 10,000 with X86_TEST_PROFILE=deep."""
from __future__ import annotations

import os
from collections import defaultdict

import pytest
from native.cases import cases_of, excluded
from native.compare import differences, equal
from native.emulated import Emulated
from native.host import Host, Missing, runner
from native.shrink import sentence

from x86.isa import table

COUNT = 10_000 if os.environ.get("X86_TEST_PROFILE") == "deep" else 200
IN_32_BITS = 0.25                                       # the share of cases in 32-bit code, where both exist

ROWS = defaultdict(list)
for _form in table.forms():
    if not excluded(_form):
        ROWS[_form.family, _form.mnemonic].append(_form)


@pytest.fixture(scope="module")
def host():
    try:
        runner()
    except Missing as missing:
        pytest.skip(f"needs {missing}")
    with Host() as host:
        yield host


@pytest.fixture(scope="module")
def emulated():
    return Emulated()


def batches(form):
    """The cases of a form in 64-bit and in 32-bit code."""
    share = {"64": 0, "legacy": 1}.get(form.mode, IN_32_BITS)
    for bits, count in ((64, COUNT - int(share * COUNT)), (32, int(share * COUNT))):
        cases = list(cases_of(form, count, bits))
        for at in range(0, len(cases), 2000):
            yield cases[at:at + 2000]


@pytest.mark.parametrize("family, mnemonic", ROWS)
def test_row(family, mnemonic, host, emulated):
    for form in ROWS[family, mnemonic]:
        for cases in batches(form):
            for case, native in zip(cases, host.run(cases)):
                for alone in (False, True):
                    found = emulated.run(case, alone)
                    if not equal(native, found, case, form, alone):
                        pytest.fail(f"{differences(native, found)}\n{sentence(case, form, host, emulated, alone)}")
