"""The example images: what they show, that they are what their sources say, and that QEMU agrees about them."""
from __future__ import annotations

import re
import shutil
import subprocess

import pytest

import boot
from boot.examples import build
from x86.machine import Machine

IMAGES = sorted(build.IMAGES)
FIRST_WEEKEND, WHOLE_WAY = build.HERE / "first_weekend.img", build.HERE / "whole_way" / "whole_way.img"
LIMIT = 20_000_000
REPORT = """\
Hello from a 64-bit kernel at FFFFFFFF80100000.
The memory map:
"""
REGISTERS = re.compile(r"""
CR0=00000000[8E]0000011 CR3=0000000000070000
CR4=0000000000000020 EFER=0000000000000500
BSS is zero.
Switching off.
$""")           # CD and NW in CR0 are as the firmware left them


def run(image, memory="64M", fill="zero", a20=True, floppy=False):
    """(machine, stop) of an image booted by the BIOS."""
    machine = Machine(memory, fill, a20)
    boot.bios(machine, floppy=image) if floppy else boot.bios(machine, disk=image)
    return machine, machine.run(max_instructions=LIMIT)


@pytest.mark.parametrize("image", IMAGES)
def test_the_image_is_what_its_sources_say(image):
    if shutil.which("nasm") is None:
        pytest.skip("nasm is not installed")
    assert build.compose(image) == (build.HERE / image).read_bytes()


@pytest.mark.parametrize("image", IMAGES)
def test_images_are_small_and_boot(image):
    data = (build.HERE / image).read_bytes()
    assert len(data) % 512 == 0 and len(data) < 200 << 10
    assert data[510:512] == b"\x55\xaa"


def test_a_part_that_does_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr(build, "assemble", lambda source, nasm: bytes(513))
    with pytest.raises(build.BuildError, match="belongs at sector 1, and what comes before it is too long"):
        build.compose("whole_way/whole_way.img")


def test_first_weekend():
    machine, stop = run(FIRST_WEEKEND)
    assert machine.screen.text.startswith("BOOT")
    assert stop.kind == "hang"


@pytest.mark.parametrize("arguments", [
    {}, {"a20": False}, {"fill": "random:3"}, {"memory": "2M"}, {"memory": "4G"}, {"floppy": True},
], ids=str)
def test_whole_way(arguments):
    machine, stop = run(WHOLE_WAY, **arguments)
    assert stop.kind == "poweroff", machine.screen.text
    said = machine.serial.text.replace("\r", "")
    assert said.startswith(REPORT) and REGISTERS.search(said)
    assert "0000000000000000 - 000000000009FBFF  usable" in said
    assert "0000000000100000 - " in said
    screen = [line.rstrip() for line in machine.screen.text.splitlines()]
    assert "BSS is zero." in screen and "Stage 1." in screen
    assert machine.cpu.mode == "long"


def test_the_kernel_of_the_whole_way_is_an_elf_file_that_can_be_started_alone(tmp_path):
    kernel = tmp_path / "kernel.elf"
    kernel.write_bytes(WHOLE_WAY.read_bytes()[8 * 512:])
    machine = Machine()
    boot.kernel(machine, kernel)
    assert machine.cpu.mode == "long" and machine.cpu.rip == 0x100000
    assert machine.memory.read(0x101000, 0x4008) == bytes(0x4008)


def test_qemu_says_the_same(tmp_path):
    qemu = shutil.which("qemu-system-x86_64")
    if qemu is None:
        pytest.skip("qemu-system-x86_64 is not installed")
    done = subprocess.run([qemu, "-m", "64M", "-display", "none", "-no-reboot", "-serial", "stdio", "-snapshot",
                           "-drive", f"format=raw,file={WHOLE_WAY}"], capture_output=True, text=True, timeout=60)
    said = done.stdout.replace("\r", "")
    assert said.startswith(REPORT) and REGISTERS.search(said)
