"""Integer instructions against what a processor did with them (tests/vectors.py says how; tests/data has the cases).

A sample by default; all of them with X86_TEST_PROFILE=deep."""
from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import pytest
import vectors

DATA = Path(__file__).with_name("data") / "x86_64_integer.jsonl.gz"
EVERY = 1 if os.environ.get("X86_TEST_PROFILE") == "deep" else 6

# Where this processor is none of AMD's, each with its reason; the cases carry the tags.
OTHERWISE = {
    "double-shift-past-size": "SHLD and SHRD of 16 bits by more than 16: as Intel's do it",
    "bit-scan-of-zero": "the flags of BSF and BSR of 0",
    "zero-count-address32": "a REP that does nothing clears upper halves on Intel's",
    "fetch-order": "what an illegal instruction is told about first when it also runs out of its page",
}
KNOWN = {31702: "a processor of AMD's takes LOOPNE with an F3 prefix for LOOPE",
         116316: "the undefined flags of MUL decide the next instruction but one"}


ALL = vectors.load(DATA) if DATA.exists() else []
CASES = defaultdict(list)
for _case in ALL:
    CASES[_case["form"]].append(_case)


@pytest.fixture(scope="module")
def bench():
    return vectors.Bench()


def test_the_cases_are_there():
    if not DATA.exists():
        pytest.skip(f"needs {DATA.name}")
    assert len(CASES) > 500


@pytest.mark.parametrize("form", CASES)
def test_form(form, bench):
    for case in CASES[form][::EVERY]:
        if case["id"] in KNOWN or OTHERWISE.keys() & set(case.get("vendor", ())):
            continue
        for alone in (True, False):
            differences = bench.replay(case, alone)
            assert not differences, f"case {case['id']}, {case['asm']}, {'alone' if alone else 'in a block'}"


@pytest.mark.parametrize("number", KNOWN)
def test_a_known_difference_is_still_one(number, bench):
    """When one of KNOWN starts to agree, it has to go."""
    if not DATA.exists():
        pytest.skip(f"needs {DATA.name}")
    assert bench.replay(next(case for case in ALL if case["id"] == number))
