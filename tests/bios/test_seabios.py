"""Every service answers as SeaBIOS does, or otherwise for a reason that is written down (seabios_cases.py)."""
from __future__ import annotations

import shutil

import pytest

import boot
from tests.bios import seabios
from tests.bios.seabios_cases import CASES, DIFFERENT
from x86 import Machine


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """{name of the case: what it left here}"""
    if not shutil.which("nasm"):
        pytest.skip("nasm is not installed")
    machine = Machine(memory="64M")
    boot.bios(machine, floppy=seabios.image(CASES, tmp_path_factory.mktemp("services")))
    stop = machine.run(max_instructions=400_000_000)
    assert stop.kind == "debug-exit", stop
    return seabios.answers(CASES, bytes(machine.serial.output))


def test_cases_have_names_of_their_own():
    assert len({case.name for case in CASES}) == len(CASES)
    assert set(DIFFERENT) <= {case.name for case in CASES}


def test_answers_are_seabios_s(answers):
    expected = seabios.kept()
    assert set(answers) == set(expected) == {case.name for case in CASES}
    wrong = [f"{name}: {answers[name]}, and SeaBIOS {expected[name]}" for name in answers
             if answers[name] != expected[name] and name not in DIFFERENT]
    assert not wrong, "\n".join(wrong)


def test_every_reason_is_needed(answers):
    expected = seabios.kept()
    assert not [name for name in DIFFERENT if answers[name] == expected[name]]


@pytest.mark.deep
@pytest.mark.skipif(bool(seabios.missing()), reason=f"{seabios.missing()} is not installed")
def test_seabios_still_says_so():
    assert seabios.ask_qemu(CASES) == seabios.kept()
