"""A guest that makes, changes, renames and deletes files by UEFI's protocols, started from a directory: under OVMF, whose
FAT driver writes to a dump of the disk, and here. In both cases the directory is what the guest made of the volume."""
from __future__ import annotations

import shutil
import subprocess

import pytest
from directory_trees import as_mtools_sees, dump, feed, put, volume_of
from fat_images import tree, volume_tree
from uefi import build, ovmf

import boot.uefi
from boot.directory_disk import DirectoryDisk
from x86 import Machine


@pytest.fixture
def folder(tmp_path):
    try:
        program = build.application("files")
    except build.Missing as missing:
        pytest.skip(f"needs {missing}")
    (tmp_path / "esp").mkdir()
    put({**build.FILES, "EFI/BOOT/BOOTX64.EFI": program.read_bytes()}, tmp_path / "esp")
    return tmp_path / "esp"


def run_here(folder):
    """The tree that the guest leaves in a directory, by way of this firmware."""
    machine = Machine("256M")
    firmware = boot.uefi(machine, esp=folder)
    stop = machine.run(max_instructions=400_000_000)
    assert stop.kind == "debug-exit"
    disk, = firmware.media
    expected = volume_tree(volume_of(disk))
    firmware.flush()
    assert tree(folder) == expected and firmware.warnings == []
    return expected


def test_here(folder):
    before = tree(folder)
    after = run_here(folder)
    assert after.keys() - before.keys() and after["EFI/BOOT/BOOTX64.EFI"] == before["EFI/BOOT/BOOTX64.EFI"]


@pytest.mark.deep
def test_under_ovmf(folder, tmp_path):
    if ovmf.missing():
        pytest.skip(f"needs {ovmf.missing()}")
    shutil.copytree(folder, tmp_path / "here")
    disk = DirectoryDisk(folder, "write")
    image, variables = dump(disk, tmp_path / "image"), tmp_path / "variables"
    shutil.copy(ovmf.firmware() / ovmf.VARS, variables)
    command = ["qemu-system-x86_64", "-accel", "tcg", "-m", "256", "-nic", "none", "-display", "none", "-no-reboot",
               "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={ovmf.firmware() / ovmf.CODE}",
               "-drive", f"if=pflash,format=raw,unit=1,file={variables}", "-drive", f"format=raw,file={image}",
               "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    subprocess.run(command, stdin=subprocess.DEVNULL, timeout=120)
    feed(disk, image)
    disk.close()
    as_mtools_sees(image, tmp_path / "seen")
    assert tree(folder) == tree(tmp_path / "seen") == run_here(tmp_path / "here") and disk.warnings == []
