"""guests/multiboot.asm as a kernel: built in several ways, started here, by GRUB, or by QEMU, and what it prints, read.

What a loader tells is a dict: a register's or a string's name, or a tag's two digits: its bytes, a list of them in order.
"""
from __future__ import annotations

import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest

import boot
import payloads
from x86.machine import Machine

SOURCE = Path(__file__).parent / "guests" / "multiboot.asm"
GRUB_MODULES = "biosdisk part_msdos fat normal configfile multiboot multiboot2 vbe video".split()
QEMU = "qemu-system-x86_64"


def build(directory, version, **defines) -> Path:
    """The kernel, linked for 1 MB; skips without nasm or ld."""
    for tool in ("nasm", "ld"):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}")
    path = Path(directory) / "kernel.elf"
    given = [f"-D{name}={value}" for name, value in {"VERSION": version, **defines}.items()]
    subprocess.run(["nasm", "-f", "elf32", "-w+error", *given, "-o", path.with_suffix(".o"), SOURCE], check=True)
    subprocess.run(["ld", "-m", "elf_i386", "-n", "--no-warn-rwx-segments", "-Ttext=0x100000", "-e", "start", "-o", path,
                    path.with_suffix(".o")], check=True)
    return path


def read(text: str) -> dict[str, list[bytes]]:
    """What the kernel printed."""
    told = {}
    for line in text.replace("\r", "").splitlines():
        name, _, digits = line.partition(" ")
        try:
            told.setdefault(name, []).append(bytes.fromhex(digits))
        except ValueError:
            continue                        # GRUB's own lines
    return told


def number(told, name) -> int:
    return int.from_bytes(told[name][0], "little")


def entries(table: bytes, skip: int) -> list[tuple[int, int, int]]:
    """(start, length, type) of a memory map. Entries have 24 bytes; `skip` of them come before the start."""
    return [struct.unpack_from("<QQI", table, at + skip) for at in range(0, len(table), 24)]


def here(path, memory="64M", **options) -> dict[str, list[bytes]]:
    """Started by boot.kernel."""
    machine = Machine(memory)
    boot.kernel(machine, path, **options)
    return finish(machine)


def finish(machine, limit=500_000_000):
    stop = machine.run(max_instructions=limit)
    assert stop.kind == "poweroff", (stop.kind, stop.message, machine.serial.text[-200:], machine.screen.text[-400:])
    return read(machine.serial.text)


def grub_disk(directory, kernel, command, modules=()) -> Path:
    """A disk with a GRUB that runs `command` with the kernel; modules: (file, command)."""
    payloads.installed(payloads.GRUB / "boot.img", "grub-pc-bin")
    directory = Path(directory)
    disk = payloads.HardDisk(directory / "grub.img", 4, "GRUB")
    lines = [f"{command} /kernel.elf one two"]
    for count, (file, text) in enumerate(modules):
        disk.add(file, f"module{count}")
        lines.append(f"{'module2' if command == 'multiboot2' else 'module'} /module{count} {text}")
    (directory / "grub.cfg").write_text("\n".join([*lines, "boot", ""]))
    (directory / "early.cfg").write_text(payloads.GRUB_EARLY)
    disk.add(directory / "grub.cfg", "grub.cfg")
    disk.add(kernel, "kernel.elf")
    payloads.tool("grub-mkimage", "-O", "i386-pc", "-o", directory / "core.img", "-p", "(hd0,msdos1)/grub", "-c",
                  directory / "early.cfg", *GRUB_MODULES, package="grub-common")
    payloads.install_grub(disk, (directory / "core.img").read_bytes())
    return disk.path


def by_grub(disk, memory="64M") -> dict[str, list[bytes]]:
    """Started by GRUB in this machine."""
    machine = Machine(memory)
    boot.bios(machine, disk=str(disk))
    return finish(machine)


def in_qemu(*arguments, memory="64") -> dict[str, list[bytes]]:
    """Started in QEMU, with SeaBIOS."""
    if shutil.which(QEMU) is None:
        pytest.skip(f"needs {QEMU}")
    with tempfile.NamedTemporaryFile() as serial:
        subprocess.run([QEMU, *map(str, arguments), "-m", memory, "-display", "none", "-serial", f"file:{serial.name}",
                        "-no-reboot", "-monitor", "none"], check=True, timeout=60, stdin=subprocess.DEVNULL)
        return read(serial.read().decode("latin-1"))
