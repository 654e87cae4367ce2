"""The guests of tests/uefi/guests as machines: they repeat to the last bit, also from snapshots taken anywhere, and what they
write to their disk is a FAT file system that fsck.fat has nothing against.
"""
from __future__ import annotations

import pickle
import random
import shutil
import subprocess
from functools import cache

import pytest
from uefi import build, disks

import boot.uefi
from boot.disk import Disk
from x86 import Machine

LIMIT = 2_000_000_000                   # ticks: instructions, and what the guest stalls
SNAPSHOTS = 8
WRITING = {"files", "gpt"}              # the guest media puts back what it writes


def power_on(name, mode="overlay", disk=None):
    """A machine that is to boot a guest; the test skips where that cannot be built."""
    try:
        path = build.disk(name)
    except build.Missing as missing:
        pytest.skip(f"needs {missing}")
    machine = Machine("256M")
    boot.uefi(machine, disk=disk or path, mode=mode)
    return machine


def ending(machine, stop):
    """What two runs of a guest have to have in common."""
    return stop.kind, machine.time, machine.cpu.rip, machine.cpu.rsp, machine.serial.text


@cache
def whole_run(name):
    machine = power_on(name)
    return ending(machine, machine.run(max_instructions=LIMIT))


@pytest.mark.parametrize("name", build.NAMES)
def test_a_run_repeats(name):
    machine = power_on(name)
    assert ending(machine, machine.run(max_instructions=LIMIT)) == whole_run(name)


@pytest.mark.parametrize("name", build.NAMES)
def test_a_guest_goes_on_in_another_machine(name):
    """The machine is given up for another one at places that nobody chose, and that one gets its snapshot, pickled."""
    _, end, *_ = whole_run(name)
    cuts = sorted(random.Random(name).sample(range(1, end), SNAPSHOTS))
    machine = power_on(name)
    for cut in cuts:
        if cut > machine.time:                          # a stall may have gone beyond it
            assert machine.run(max_instructions=cut - machine.time).kind == "limit"
        snapshot = pickle.loads(pickle.dumps(machine.snapshot()))
        machine = power_on(name)
        machine.restore(snapshot)
    assert ending(machine, machine.run(max_instructions=LIMIT)) == whole_run(name)


@pytest.mark.parametrize("name", [*sorted(WRITING), "media"])
def test_what_is_written_is_a_file_system(name, tmp_path):
    if shutil.which("fsck.fat") is None:
        pytest.skip("needs dosfstools")
    image = tmp_path / "disk.img"
    try:
        shutil.copy(build.disk(name), image)
    except build.Missing as missing:
        pytest.skip(f"needs {missing}")
    disk = Disk.open(image, "write")
    machine = power_on(name, mode="write", disk=disk)
    machine.run(max_instructions=LIMIT)
    machine.devices["uefi"].flush()
    where = (build.ON_GPT[name][-1] if name in build.ON_GPT else build.ON_MBR)
    volume = tmp_path / "volume"
    written = image.read_bytes()
    assert (written != build.disk(name).read_bytes()) == (name in WRITING)
    volume.write_bytes(written[where.start * disks.SECTOR:][:where.size * disks.SECTOR])
    done = subprocess.run(["fsck.fat", "-n", volume], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
