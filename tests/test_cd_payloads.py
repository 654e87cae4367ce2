"""Other people's CDs, unmodified: isolinux, memdisk, GRUB, Memtest86+; as CDs, as disks, and CDs that stand for drives."""
from __future__ import annotations

import json

import pytest

MOST = 600_000_000


def boot(x86, *arguments, status=0):
    """The JSON of a run that has to end with that status."""
    done = x86("run", *arguments, "--json", "--max-instructions", MOST, timeout=400)
    found = json.loads(done.out) if done.out else {}
    assert done.status == status, (found.get("screen", "") + done.err)[-3000:]
    return found


def test_isolinux_from_a_cd(x86, payload):
    screen = boot(x86, payload("isolinux.iso"), "--until", "^boot:")["screen"]
    assert "ETCD" in screen and "ISOLINUX-CFG-READ-OK" in screen


def test_a_diskette_on_a_cd(x86, payload):
    """The hard disk that is there has to wait, and the real diskette is the second."""
    screen = boot(x86, "--cdrom", payload("diskette-on-cd.iso"), "--floppy", payload("handoff.img"), "--boot", "cdrom,floppy",
                  "--until", "^boot:")["screen"]
    assert "SYSLINUX-CFG-READ-OK" in screen and "hello from hello.txt on FAT" in screen


@pytest.mark.deep
def test_the_same_cd_as_a_disk(x86, payload):
    screen = boot(x86, "--drive", payload("isolinux.iso"), "--until", "^boot:")["screen"]
    assert "EHDD" in screen and "ISOLINUX-CFG-READ-OK" in screen


@pytest.mark.deep
def test_a_hard_disk_on_a_cd(x86, payload):
    boot(x86, payload("disk-on-cd.iso"), "--until", "Automatic boot in")


@pytest.mark.deep
def test_memdisk_takes_over_int_13h(x86, payload):
    screen = boot(x86, payload("isolinux.iso"), "--expect", "^boot:", "--keys", r"diskette\n", "--until", "hello from")["screen"]
    assert "Disk is fd0, 1440 K, C/H/S = 80/2/18" in screen and "SYSLINUX-CFG-READ-OK" in screen


@pytest.mark.deep
def test_isolinux_hands_over_to_a_disk(x86, payload):
    boot(x86, payload("isolinux.iso"), "--drive", payload("syslinux-disk.img"), "--expect", "^boot:", "--keys", r"disk\n",
         "--until", "Automatic boot in")


@pytest.mark.deep
@pytest.mark.parametrize("how", [("IMAGE",), ("--drive", "IMAGE")])
def test_grub_from_what_grub_mkrescue_makes(x86, payload, how):
    boot(x86, *(payload("grub.iso") if word == "IMAGE" else word for word in how), "--until", "second disk")


@pytest.mark.deep
def test_grub_swaps_two_disks_and_hands_over(x86, payload):
    boot(x86, payload("grub.iso"), "--drive", payload("mbr-nopart.img"), "--drive", payload("syslinux-disk.img"), "--expect",
         "second disk", "--keys", r"<down>\n", "--until", "Automatic boot in")


@pytest.mark.deep
@pytest.mark.parametrize("kind", ["x64", "ia32"])
def test_memtest86_from_its_cd(x86, payload, kind):
    import payloads
    try:
        image = payloads.from_package("memtest86+", f"usr/lib/memtest86+/memtest86+{kind}.iso")
    except payloads.Missing as missing:
        pytest.skip(f"needs {missing}")
    screen = boot(x86, image, "-m", "32M", "--until", "to start testing")["screen"]
    assert "Memory  :   32MB" in screen and "CLK/Temp: 50MHz" in screen
