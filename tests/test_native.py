"""Every instruction that a user program may execute, compared with the processor underneath: registers, all flags, memory,
faults. tests/native has the machinery; `python tests/native_coverage.py` says which rows are left to other tests.

200 cases a form and 4,000 sequences; 10,000 of each form and 200,000 with X86_TEST_PROFILE=deep."""
from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import pytest
from native.cases import absent, cases_of, excluded
from native.compare import differences, equal
from native.coverage import elsewhere, executed, reason
from native.emulated import Emulated
from native.sequences import sequences
from native.shrink import sentence

from x86.isa import table

ROOT = Path(__file__).resolve().parent.parent
DEEP = os.environ.get("X86_TEST_PROFILE") == "deep"
COUNT = int(os.environ.get("X86_NATIVE_CASES") or (10_000 if DEEP else 200))       # cases a form
SEQUENCES = 25_000 if DEEP else 500                     # for each seed
IN_32_BITS = 0.25                                       # the share of cases in 32-bit code, where a form exists in both
AT_ONCE = 2000

ROWS = defaultdict(list)
for _form in table.forms():
    if not excluded(_form):
        ROWS[_form.family, _form.mnemonic].append(_form)


@pytest.fixture(scope="module")
def emulated():
    return Emulated()


def compare(cases, mnemonic, host, emulated):
    """Fail on the first case that differs, made small. Returns how many did what the instruction is for."""
    done = 0
    for at in range(0, len(cases), AT_ONCE):
        part = cases[at:at + AT_ONCE]
        for case, native in zip(part, host.run(part)):
            done += executed(case, native)
            for alone in (False, True):
                found = emulated.run(case, alone)
                if not equal(native, found, case, mnemonic, alone):
                    pytest.fail(f"{differences(native, found)}\n{sentence(case, mnemonic, host, emulated, alone)}")
    return done


@pytest.mark.parametrize("family, mnemonic", ROWS)
def test_row(family, mnemonic, host, emulated):
    missing = set(filter(None, map(absent, ROWS[family, mnemonic])))
    if missing:
        pytest.skip(", ".join(missing))
    for form in ROWS[family, mnemonic]:
        legacy = {"64": 0, "legacy": COUNT}.get(form.mode, int(IN_32_BITS * COUNT))
        done = sum(compare(list(cases_of(form, share, bits)), mnemonic, host, emulated)
                   for bits, share in ((64, COUNT - legacy), (32, legacy)))
        assert done or elsewhere(form), f"{form.encoding} {form.text}: {reason(form, done)}; nothing else tests it"


@pytest.mark.parametrize("bits", [64, 32])
@pytest.mark.parametrize("seed", range(4))
def test_sequences(seed, bits, host, emulated):
    done = compare(list(sequences(seed, SEQUENCES, bits)), "", host, emulated)
    assert done > SEQUENCES // 4


def test_what_the_hardware_is_not_asked_is_tested_elsewhere():
    unknown = [f"{form.family}: {form.mnemonic} ({excluded(form)})" for form in table.forms()
               if excluded(form) and not (elsewhere(form) and (ROOT / elsewhere(form)).exists())]
    assert not unknown, "no other test for\n" + "\n".join(unknown)
