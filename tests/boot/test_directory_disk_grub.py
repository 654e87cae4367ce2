"""GRUB, with GPT and FAT code of its own, boots from a directory, and what it saves is in the directory afterwards."""
from __future__ import annotations

import os
from pathlib import Path

import pytest
from fat_images import run

import boot.uefi
from x86 import Machine

MODULES = "part_gpt fat normal loadenv echo serial terminal".split()
SCRIPT = """serial
terminal_output serial
load_env -f /EFI/BOOT/grubenv color
echo it was $color
set color=blue
save_env -f /EFI/BOOT/grubenv color
echo SAVED
"""


@pytest.fixture
def folder(tmp_path):
    if not Path("/usr/lib/grub/x86_64-efi").exists():
        pytest.skip("needs grub-efi-amd64-bin")
    place = tmp_path / "EFI" / "BOOT"
    place.mkdir(parents=True)
    run("grub-mkimage", "-O", "x86_64-efi", "-o", place / "BOOTX64.EFI", "-p", "/EFI/BOOT", *MODULES)
    (place / "grub.cfg").write_text(SCRIPT)
    run("grub-editenv", place / "grubenv", "set", "color=red")
    (tmp_path / "something else").write_bytes(os.urandom(100000))
    return tmp_path


@pytest.mark.parametrize("mode, color", [("write", "blue"), ("overlay", "red"), ("readonly", "red")])
def test_what_grub_saves(folder, mode, color):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    machine = Machine("256M")
    firmware = boot.uefi(machine, esp=folder, mode=mode)
    done = "SAVED" if mode != "readonly" else "grub>"           # it falls to its prompt: the medium is protected
    machine.run(max_instructions=400_000_000, until=lambda machine: done in machine.serial.text, every=1_000_000)
    assert done in machine.serial.text and "it was red" in machine.serial.text
    firmware.flush()
    assert firmware.warnings == []
    saved = folder / "EFI/BOOT/grubenv"
    assert run("grub-editenv", saved, "list") == f"color={color}\n"
    changed = {path for path in folder.rglob("*") if path.is_file() and path.read_bytes() != before.get(path)}
    assert changed == ({saved} if mode == "write" else set())
