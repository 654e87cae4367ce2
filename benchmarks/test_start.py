"""How long it takes until something runs: a machine, the BIOS's POST to the first instruction of a boot sector."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import boot
from x86 import Machine

ROOT = Path(__file__).resolve().parent.parent
SECTOR = bytes.fromhex("B0 00 E6 F4 F4").ljust(510, b"\0") + b"\x55\xaa"       # mov al, 0; out 0F4h, al: the debug exit


def test_a_machine(benchmark):
    benchmark(Machine)


def test_to_the_boot_sector(benchmark):
    """Reset vector, POST, INT 19h, 7C00h; the machine is built anew each time."""
    def start():
        machine = Machine()
        boot.bios(machine, floppy=SECTOR)
        return machine.run(max_instructions=100_000_000)
    assert benchmark(start).kind == "debug-exit"


def test_to_the_boot_sector_as_a_command(benchmark, tmp_path):
    """The same by `x86 run`, Python's own start included."""
    image = tmp_path / "boot.img"
    image.write_bytes(SECTOR)

    def command():
        return subprocess.run([sys.executable, "-m", "x86.cli", "run", image, "--quiet"], cwd=ROOT).returncode
    assert benchmark.pedantic(command, rounds=5) == 16


def test_a_snapshot(benchmark):
    """After the boot sector's start; what a stepper that can go back pays."""
    machine = Machine()
    boot.bios(machine, floppy=SECTOR)
    machine.run(max_instructions=100_000_000)
    benchmark(machine.snapshot)
