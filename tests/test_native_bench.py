"""The machinery of tests/native itself: what becomes of code that hangs or kills, how a difference is told."""
from dataclasses import replace

import pytest
import test_instructions
from native.cases import cases_of
from native.compare import equal
from native.emulated import Emulated
from native.host import HUNG, KILLED, START, Case, Host, Missing
from native.shrink import sentence, shrink

from x86.isa import table

ADD = next(form for form in table.forms() if form.mnemonic == "add" and form.encoding == "01 /r")
ZEROS = [0] * 16


@pytest.fixture(scope="module")
def host():
    try:
        host = Host()
    except Missing as missing:
        pytest.skip(f"needs {missing}")
    with host:
        yield host


def test_code_that_never_ends_and_code_that_kills_are_outcomes(host):
    nop, forever, kernel = (Case(code, ZEROS) for code in (b"\x90", b"\xEB\xFE", b"\xCD\x80"))
    vectors = [outcome.vector for outcome in host.run([nop, forever, nop, kernel, nop, kernel])]
    assert vectors == [3, HUNG, 3, KILLED, 3, KILLED]


def test_a_case_finds_nothing_of_the_one_before(host):
    store = Case(bytes.fromhex("48 89 07 f3 48 0f ae d0 8e d8"), [0x2B, *ZEROS[1:7], 0x200010, *ZEROS[8:]], flags=0x240602)
    look = Case(b"\x90", ZEROS)
    alone = host.run([look])[0]
    first, second, third = host.run([store, look, store])
    assert second == alone and first == third != alone


class Wrong(Emulated):
    """Flips CF if RCX has a bit beyond the lowest eight and DF is set."""

    def run(self, case, alone=False):
        outcome = super().run(case, alone)
        return replace(outcome, flags=outcome.flags ^ 1) if case.gpr[1] >> 8 and case.flags & 0x400 else outcome


def test_a_difference_becomes_a_small_line(host, tmp_path):
    wrong = Wrong()
    cases = list(cases_of(ADD, 200))
    natives = host.run(cases)
    bad = [case for case, native in zip(cases, natives) if not equal(native, wrong.run(case), case, "add", False)]
    assert bad
    for case in bad[:5]:
        small = shrink(case, "add", host, wrong, False)
        assert small.flags == 0x602 and small.gpr[1] >> 8 and not small.gpr[1] & small.gpr[1] - 1 and small.rip == START
    lines = [sentence(case, "add", host, wrong, False) for case in bad]
    path = tmp_path / "new.ins"
    path.write_text("\n".join(line for line in lines if "vector" not in line))
    parsed = list(test_instructions.lines_of(path))
    assert parsed and all(found == expected for found, expected in (test_instructions.outcome(line, False) for line in parsed))
