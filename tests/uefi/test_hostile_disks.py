"""Disks with a few wrong bytes where a partition table, a boot sector, a FAT or a directory is: the firmware boots what it can
read, or says why it cannot.
"""
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uefi import build
from uefi.disks import SECTOR

import boot.uefi
from boot.disk import Disk
from x86 import Machine

LIMIT = 50_000_000
FAT_SECTORS = 70                        # reserved sectors, and the first FAT's beginning
change = st.tuples(st.integers(0, 3), st.integers(0, SECTOR - 4), st.integers(0, FAT_SECTORS - 1),
                   st.sampled_from([b"\0", b"\xFF", b"\0\0\0\0", b"\xFF\xFF\xFF\xFF", b"\xFF\xFF\xFF\x7F", b"\1\0", b"\x80"]))


def place(image, volume, kind, sector):
    """The first byte of a sector that matters: of the table at the beginning or the end, of the boot sectors and the FAT, of
    a directory."""
    if kind == 0:
        return sector % 34 * SECTOR
    if kind == 1:
        return len(image) - (1 + sector % 34) * SECTOR
    if kind == 2:
        return (volume.start + sector) * SECTOR
    name = image.find(b"EFI        \x10")                # the entry of a directory
    return (name // SECTOR + sector % 4) * SECTOR


@pytest.mark.parametrize("name", ["files", "gpt"])
@settings(max_examples=settings().max_examples // 5)
@given(changes=st.lists(change, min_size=1, max_size=5), length=st.sampled_from([None] * 9 + [SECTOR * 100]))
def test_a_damaged_disk_is_booted_or_refused(name, changes, length):
    try:
        image = bytearray(build.disk(name).read_bytes())
    except build.Missing as missing:
        pytest.skip(f"needs {missing}")
    volume = build.ON_GPT[name][-1] if name in build.ON_GPT else build.ON_MBR
    for kind, at, sector, data in changes:
        start = place(image, volume, kind, sector) + at
        image[start:start + len(data)] = data
    machine = Machine("64M")
    boot.uefi(machine, disk=Disk(bytes(image[:length]), "overlay"))
    stop = machine.run(LIMIT)                           # an application with other clusters in it may do anything
    assert stop.kind != "no-boot" or stop.message
