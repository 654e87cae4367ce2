"""Instructions against what a processor did with them (tests/vectors.py says how; tests/data has the cases).

A sample by default; all of them with X86_TEST_PROFILE=deep."""
from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import pytest
import vectors

DATA = Path(__file__).with_name("data")
FILES = [DATA / f"x86_64_{part}.jsonl.gz" for part in ("integer", "vector")]
EVERY = 1 if os.environ.get("X86_TEST_PROFILE") == "deep" else 6

# Where this processor is none of AMD's, each with its reason; the cases carry the tags.
OTHERWISE = {
    "double-shift-past-size": "SHLD and SHRD of 16 bits by more than 16: as Intel's do it",
    "bit-scan-of-zero": "the flags of BSF and BSR of 0",
    "zero-count-address32": "a REP that does nothing clears upper halves on Intel's",
    "fetch-order": "what an illegal instruction is told about first when it also runs out of its page",
    "sse4a-field-past-64": "only AMD's have SSE4a",
    "sse4a-upper-half": "the same",
}
KNOWN = {31702: "a processor of AMD's takes LOOPNE with an F3 prefix for LOOPE",
         17908: "DPPS with two NaNs: Intel's choose one for each lane",
         117924: "VDPPS of several NaNs: Intel's and AMD's choose different ones",
         116830: "ZF behind IMUL is undefined, and AMD's leave it as it was",
         116316: "the undefined flags of MUL decide the next instruction but one"}
NEVER = "sse4a"


ALL = [case for file in FILES if file.exists() for case in vectors.load(file)]
CASES = defaultdict(list)
for _case in ALL:
    CASES[_case["form"]].append(_case)


def features(case):
    return set(case.get("isa", "").split("+"))


def reason_to_skip(case):
    """Why a case is not compared, or None."""
    if NEVER in features(case):
        return "only AMD's have SSE4a"
    if case["id"] in KNOWN:
        return KNOWN[case["id"]]
    for tag in case.get("vendor", ()):
        if tag in OTHERWISE:
            return OTHERWISE[tag]
    return None


@pytest.fixture(scope="module")
def bench():
    return vectors.Bench()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_cases_are_there(file):
    if not file.exists():
        pytest.skip(f"needs {file.name}")
    assert len(vectors.load(file)) > 20_000


@pytest.mark.parametrize("form", CASES)
def test_form(form, bench):
    skipped, done = set(), 0
    for case in CASES[form][::EVERY]:
        if reason := reason_to_skip(case):
            skipped.add(reason)
            continue
        done += 1
        for alone in (True, False):
            differences = bench.replay(case, alone)
            assert not differences, f"case {case['id']}, {case['asm']}, {'alone' if alone else 'in a block'}"
    if not done:
        pytest.skip(", ".join(skipped))


@pytest.mark.parametrize("number", KNOWN)
def test_a_known_difference_is_still_one(number, bench):
    """When one of KNOWN starts to agree, it has to go."""
    case = next((case for case in ALL if case["id"] == number), None)
    if case is None:
        pytest.skip("needs the file with this case")
    assert bench.replay(case)
