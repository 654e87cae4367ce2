"""The guests of tests/guests: the privileged architecture case by case, a line each, compared with what Bochs prints.

NAME.expected is what Bochs 2.7 wrote (`python -m tests.guests.bochs NAME`); a guest has to write the same here, except for
the cases in DIFFERENT. Where Bochs is installed, the files are compared with what it writes today.
"""
import dataclasses
import re
import shutil
from functools import cache

import pytest
from guests import bochs
from guests.exceptions import DIFFERENT

import boot
from boot.disk import Disk
from x86 import Machine
from x86.models import MODELS

# Bochs' processor has these not; the guests' addresses that cannot be have more than 48 bits
LIKE_BOCHS = dataclasses.replace(MODELS["max"], features=MODELS["max"].features - {"LA57", "UMIP"})
ENOUGH = 2500
LIMIT = 100_000_000                     # instructions; the longest guest needs a twentieth of that


def cases(text):
    """{name: how it ended} of a guest's output; the last line is that of the count."""
    *lines, count = text.splitlines()
    found = dict(re.fullmatch(r"(.*?): ((?:ok|#|int ).*)", line).groups() for line in lines)
    assert len(found) == len(lines), "two cases have the same name"
    assert int(count.removeprefix("cases: "), 16) == len(lines), "a case printed no line, or two"
    return found


@cache
def expected(name):
    return cases((bochs.HERE / f"{name}.expected").read_text())


@pytest.fixture(autouse=True)
def assembler():
    if shutil.which("nasm") is None:
        pytest.skip("needs nasm")


@cache
def result(name):
    """What a guest writes here."""
    machine = Machine("16M", cpu=LIKE_BOCHS)
    machine.no_reboot = True
    image = bochs.assemble(name)
    boot.bios(machine, disk=Disk(image + bytes(bochs.CYLINDER - len(image))))
    stop = machine.run(max_instructions=LIMIT)
    assert stop.kind == "debug-exit", f"{stop}\n{machine.serial.text[-300:]}"
    return cases(machine.serial.text)


@pytest.mark.parametrize("name", bochs.NAMES)
def test_a_guest_ends_each_case_as_on_bochs(name):
    here, there = result(name), expected(name)
    assert list(here) == list(there)
    wrong = [f"{case}: {ending}\n{' ' * len(case)}  {there[case]} on Bochs" for case, ending in here.items()
             if ending != there[case] and (name, case) not in DIFFERENT]
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize("name, case", DIFFERENT)
def test_bochs_is_not_followed(name, case):
    here, manual = DIFFERENT[name, case]
    assert result(name)[case] == here
    assert expected(name)[case] != here, "Bochs agrees: the entry can go"
    assert "SDM" in manual or "APM" in manual or "hardware" in manual


def test_there_are_enough_cases():
    assert sum(len(expected(name)) for name in bochs.NAMES) >= ENOUGH


@pytest.mark.parametrize("name", bochs.NAMES)
def test_bochs_still_says_so(name):
    if bochs.missing():
        pytest.skip(f"needs {bochs.missing()}")
    assert cases(bochs.run(name)) == expected(name)
