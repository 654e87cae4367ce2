"""Drivers of other people's for file systems that the firmware does not know: rEFInd loads them, the firmware connects them
to its disks, and an application is loaded from the volume that they make."""
import shutil
import subprocess

import pytest
from efi_payloads import EFITOOLS
from payloads import Missing, from_package

import boot
from boot.uefi.boot_services.image_source import SIMPLE_FILE_SYSTEM
from x86 import Machine

DRIVERS = "usr/share/refind/refind/drivers_x64"
LABEL = "OTHERS"
TITLE = " HelloWorld "                  # of the application's box; the menu has it with .efi
MAKERS = {"ext2_x64": ["mkfs.ext2", "-q", "-L", LABEL, "-d"], "ext4_x64": ["mkfs.ext4", "-q", "-L", LABEL, "-d"],
          "iso9660_x64": ["xorriso", "-as", "mkisofs", "-quiet", "-V", LABEL, "-o"]}


def packaged(package, path):
    try:
        return from_package(package, path)
    except Missing as missing:
        pytest.skip(f"needs {missing}")


def volume(driver, tree, image):
    """An image of the file system that `driver` is for, with `tree` in it."""
    maker = MAKERS[driver]
    if shutil.which(maker[0]) is None:
        pytest.skip(f"needs {maker[0]}")
    order = [tree, image, "16M"] if maker[0].startswith("mkfs") else [image, tree]
    subprocess.run([*maker, *order], check=True, capture_output=True)


@pytest.mark.parametrize("driver", MAKERS)
def test_an_application_is_started_from_a_volume_of_somebody_else_s_driver(driver, payload, tmp_path):
    esp, tree, image = tmp_path / "esp", tmp_path / "tree", tmp_path / "image"
    shutil.copytree(payload("esp-refind"), esp)
    (esp / "EFI/BOOT/refind.conf").write_text("timeout 1\ntextonly\nscanfor internal,external,optical\n")
    (esp / "EFI/BOOT/drivers_x64").mkdir()
    shutil.copy(packaged("refind", f"{DRIVERS}/{driver}.efi"), esp / "EFI/BOOT/drivers_x64")
    (tree / "EFI/others").mkdir(parents=True)
    shutil.copy(packaged("efitools", f"{EFITOOLS}/HelloWorld.efi"), tree / "EFI/others")
    volume(driver, tree, image)
    machine = Machine(memory="128M")
    media = {"cdrom": image} if driver == "iso9660_x64" else {"drives": [image]}
    uefi = boot.uefi(machine, esp=esp, mode="overlay", **media)
    machine.run(1_500_000_000, until=lambda machine: TITLE in machine.serial.text, every=5_000_000)
    assert f"HelloWorld.efi from {LABEL}" in machine.serial.text and TITLE in machine.serial.text
    foreign = [handle for handle in uefi.database.with_protocol(SIMPLE_FILE_SYSTEM)
               if handle.interfaces[SIMPLE_FILE_SYSTEM].address not in uefi.interfaces]
    assert len(foreign) == 1
