"""The guests of tests/uefi/guests: every service and protocol asked, a line an answer, compared with what OVMF answers.

guests/NAME.expected is what OVMF under QEMU printed (`python -m tests.uefi.ovmf NAME`); a guest has to write the same here,
except for the lines in DIFFERENT. Where OVMF is installed, the deep test compares the files with what it says today.
"""
from __future__ import annotations

from functools import cache

import pytest
from uefi import build, ovmf
from uefi.exceptions import DIFFERENT

import boot.uefi
from x86 import Machine

LIMIT = 2_000_000_000                   # ticks: instructions, and what the guest stalls

# Guests that ask for more than there is yet.
NOT_YET = {"exclusive"}


def lines(text):
    """{name: what was answered} of a guest's output; the last line is their count."""
    *said, count = text.splitlines()
    found = dict(line.split(": ", 1) for line in said)
    assert len(found) == len(said), "two lines have the same name"
    assert int(count.removeprefix("lines: ")) == len(said), "a line is missing"
    return found


@cache
def expected(name):
    return lines((build.SOURCES / f"{name}.expected").read_text())


@cache
def result(name):
    """What a guest is answered here; the test skips where it cannot be built."""
    try:
        disk = build.disk(name)
    except build.Missing as missing:
        pytest.skip(f"needs {missing}")
    machine = Machine("256M")
    boot.uefi(machine, disk=disk)
    stop = machine.run(max_instructions=LIMIT)
    assert stop.kind == "debug-exit", f"{stop}\n{machine.serial.text[-300:]}"
    return lines(ovmf.lines(machine.serial.text))


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.xfail(reason="not yet")) if name in NOT_YET else name
                                  for name in build.NAMES])
def test_a_guest_is_answered_as_by_ovmf(name):
    here, there = result(name), expected(name)
    assert list(here) == list(there)
    wrong = [f"{line}: {answer}\n{' ' * len(line)}  {there[line]} by OVMF" for line, answer in here.items()
             if answer != there[line] and (name, line) not in DIFFERENT]
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize("name, line", DIFFERENT)
def test_ovmf_is_not_followed(name, line):
    answer, section = DIFFERENT[name, line]
    assert result(name)[line] == answer
    assert expected(name)[line] != answer, "OVMF agrees: the entry can go"
    assert section.startswith("UEFI 2.10, ")


def test_there_are_enough_lines():
    assert sum(len(expected(name)) for name in build.NAMES) >= 2300


@pytest.mark.deep
@pytest.mark.parametrize("name", build.NAMES)
def test_ovmf_still_says_so(name):
    if ovmf.missing():
        pytest.skip(f"needs {ovmf.missing()}")
    try:
        build.disk(name)
    except build.Missing as missing:
        pytest.skip(f"needs {missing}")
    assert lines(ovmf.run(name)) == expected(name)
