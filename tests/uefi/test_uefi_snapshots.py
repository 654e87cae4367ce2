"""A guest that is moved from machine to machine while it runs, in the middle of its calls, says what it says in one."""
import pickle

import pytest

import boot
from uefi import build
from x86 import Machine


def start(name):
    machine = Machine(memory="256M")
    boot.uefi(machine, disk=build.disk(name), mode="overlay")
    return machine


@pytest.mark.parametrize("name, slice", [("controllers", 1009), ("opening", 4999), ("providers", 2003), ("database", 3001),
                                         ("images", 20_011)])
def test_a_guest_does_not_notice(name, slice):
    try:
        here, there = start(name), start(name)
    except build.Missing as missing:
        pytest.skip(f"needs {missing}")
    whole = start(name)
    assert whole.run(50_000_000).kind == "debug-exit"
    moves = 0
    while here.run(slice).kind == "limit":
        there.restore(pickle.loads(pickle.dumps(here.snapshot())))
        here, there, moves = there, here, moves + 1
    assert moves > 20 and here.serial.text == whole.serial.text
    assert here.snapshot().digest() == whole.snapshot().digest()
