"""Which handles the media become: device paths, block sizes, partitions, boot images, volumes. And blocks that are not there."""
from __future__ import annotations

import struct
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uefi.caller import Caller, pe
from uefi.disks import BASIC_DATA, Partition, gpt, master_boot_record

import boot
from boot.disk import SECTOR, Disk
from boot.fat import Volume, format_volume
from boot.uefi.database import DEVICE_PATH
from boot.uefi.definitions import Guid, Status
from boot.uefi.device_path import parse
from boot.uefi.device_path_text import path_text
from boot.uefi.media import ESP
from boot.uefi.protocols.block_io import MEDIA, BlockIo, DiskIo
from boot.uefi.protocols.simple_file_system import SimpleFileSystem
from x86 import Machine

ROOT = "PciRoot(0x0)/Pci(0x1,0x1)/"
FIRST = ROOT + "Ata(Primary,Master,0x0)"


def fat(size=1 << 20) -> bytes:
    disk = Disk(bytes(size), "write")
    format_volume(disk)
    return bytes(disk.data)


def powered_on(*drives, **options):
    """The firmware behind its power-on; nothing boots."""
    machine = Machine(memory="64M")
    uefi = boot.uefi(machine, drives=[Disk(drive) if isinstance(drive, bytes) else drive for drive in drives], **options)
    machine.run(50_000_000)
    return uefi


def told(uefi):
    """[(device path, block size, last block, logical, removable, has files)] of all disks and parts."""
    found = []
    for medium in uefi.disks:
        blocks = uefi.protocol(medium.handle, BlockIo)
        _, removable, present, logical, _, _, size, _, last, *_ = MEDIA.unpack(uefi.read(blocks.field("Media"), MEDIA.size))
        assert present and uefi.protocol(medium.handle, DiskIo)
        interface = uefi.database.interface(medium.handle, DEVICE_PATH)
        assert uefi.read_device_path(interface.address) == medium.path
        found.append((path_text(medium.path), size, last, logical, removable,
                      uefi.protocol(medium.handle, SimpleFileSystem) is not None))
    return found


def test_a_disk_that_is_one_volume():
    assert told(powered_on(fat())) == [(FIRST, 512, 2047, False, False, True)]


def test_a_disk_with_nothing_on_it():
    assert told(powered_on(bytes(1 << 20))) == [(FIRST, 512, 2047, False, False, False)]


def test_where_disks_are_attached():
    found = told(powered_on(*[bytes(1 << 20)] * 6))
    assert [path.removeprefix("PciRoot(0x0)/") for path, *_ in found] == [
        "Pci(0x1,0x1)/Ata(Primary,Master,0x0)", "Pci(0x1,0x1)/Ata(Primary,Slave,0x0)", "Pci(0x1,0x1)/Ata(Secondary,Master,0x0)",
        "Pci(0x1,0x1)/Ata(Secondary,Slave,0x0)", "Pci(0x4,0x0)/Scsi(0x0,0x0)", "Pci(0x4,0x0)/Scsi(0x1,0x0)"]


def test_an_mbr_partition():
    partition = Partition(64, 2048)
    image = master_boot_record(partition).ljust(64 * SECTOR, b"\0") + fat()
    uefi = powered_on(image)
    assert told(uefi) == [(FIRST, 512, 2111, False, False, False),
                          (FIRST + "/HD(1,MBR,0x10DE5EFF,0x40,0x800)", 512, 2047, True, False, True)]
    assert uefi.database.interface(uefi.disks[1].handle, ESP).address == 0
    assert uefi.database.interface(uefi.disks[0].handle, ESP) is None


def test_gpt_partitions_have_their_type_as_a_protocol():
    other = uuid.UUID("9a570000-0000-4000-8000-000000000003")
    sectors = 4096
    head, tail = gpt([Partition(64, 2048), Partition(2112, 8, BASIC_DATA, other, "data")], sectors)
    image = bytearray(sectors * SECTOR)
    image[:len(head)], image[-len(tail):] = head, tail
    image[64 * SECTOR:64 * SECTOR + (1 << 20)] = fat()
    uefi = powered_on(bytes(image))
    assert told(uefi)[1:] == [
        (FIRST + "/HD(1,GPT,9A570000-0000-4000-8000-000000000002,0x40,0x800)", 512, 2047, True, False, True),
        (FIRST + "/HD(2,GPT,9A570000-0000-4000-8000-000000000003,0x840,0x8)", 512, 7, True, False, False)]
    _, first, second = uefi.disks
    basic = Guid(BASIC_DATA.bytes_le)
    assert [uefi.database.interface(first.handle, each) is not None for each in (ESP, basic)] == [True, False]
    assert [uefi.database.interface(second.handle, each) is not None for each in (ESP, basic)] == [False, True]


def iso(boot_image: bytes, at=24) -> bytes:
    """A CD whose catalog has one image, for UEFI, without emulation."""
    def block(number, data):
        image[number * 2048:number * 2048 + len(data)] = data
    image = bytearray(at * 2048) + boot_image.ljust(-(-len(boot_image) // 2048) * 2048, b"\0")
    block(16, b"\1CD001\1".ljust(80, b"\0") + struct.pack("<I", len(image) // 2048) + struct.pack(">I", len(image) // 2048))
    block(17, b"\0CD001\1EL TORITO SPECIFICATION".ljust(71, b"\0") + struct.pack("<I", 20))
    block(18, b"\xFFCD001\1")
    words = [0x01 | 0xEF << 8] + [0] * 14 + [0xAA55]
    words[14] = -sum(words) & 0xFFFF
    entry = struct.pack("<BBHBBHI", 0x88, 0, 0, 0, 0, len(boot_image) // SECTOR, at)
    block(20, struct.pack("<16H", *words) + entry)
    return bytes(image)


def test_a_cd(tmp_path):
    path = tmp_path / "cd.iso"
    path.write_bytes(iso(fat()))
    uefi = powered_on(fat(), cdrom=path)
    assert told(uefi)[1:] == [
        (ROOT + "Ata(Secondary,Master,0x0)", 2048, 24 + 512 - 1, False, True, False),
        (ROOT + "Ata(Secondary,Master,0x0)/CDROM(0x0,0x18,0x200)", 2048, 511, True, True, True)]
    assert uefi.disks[2].is_esp


def test_a_cd_that_was_cut_short(tmp_path):
    path = tmp_path / "cd.iso"
    for size in (24 * 2048, 25 * 2048 + 100, 21 * 2048, 2048, 512):
        path.write_bytes(iso(fat())[:size])
        uefi = powered_on(cdrom=path)
        for medium, (_, _, last, *_) in zip(uefi.disks, told(uefi)):
            if medium.device.size:
                assert len(medium.device.read(last * 2048, 2048)) == 2048


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 66 * SECTOR), st.binary(min_size=1, max_size=4)), max_size=12))
def test_damaged_disks_still_power_on(changes):
    image = bytearray(master_boot_record(Partition(64, 2048)).ljust(64 * SECTOR, b"\0") + fat())
    for position, data in changes:
        image[position:position + len(data)] = data
    uefi = powered_on(bytes(image))
    for medium in uefi.disks:
        assert 0 < medium.device.first + medium.device.sectors <= len(image) // SECTOR
        assert parse(medium.path)


# ---- blocks ----------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def caller():
    return Caller(drives=[Disk(bytes(range(256)) * 256, name="bytes")])


@pytest.mark.parametrize("kind, member, place, size, status", [
    (BlockIo, "ReadBlocks", 127, 512, 0), (BlockIo, "ReadBlocks", 128, 512, Status.INVALID_PARAMETER),
    (BlockIo, "WriteBlocks", 127, 1024, Status.INVALID_PARAMETER),
    (BlockIo, "WriteBlocks", 1 << 63, 512, Status.INVALID_PARAMETER),
    (BlockIo, "ReadBlocks", 0, 1 << 63, Status.INVALID_PARAMETER), (BlockIo, "ReadBlocks", 0, 100, Status.BAD_BUFFER_SIZE),
    (DiskIo, "ReadDisk", 65535, 1, 0), (DiskIo, "ReadDisk", 65535, 2, Status.INVALID_PARAMETER),
    (DiskIo, "WriteDisk", (1 << 64) - 1, 1, Status.INVALID_PARAMETER)])
def test_what_is_not_on_the_disk(caller, kind, member, place, size, status):
    protocol = caller.uefi.protocol(caller.uefi.disks[0].handle, kind)
    function = caller.u64(protocol.address + kind.fields[member][0])
    assert caller.call_address(function, protocol.address, 1, place, size, caller.room) == status


@given(st.integers(0, 65535), st.integers(0, 2000), st.integers(0, 65535), st.binary(min_size=1, max_size=2000))
@settings(max_examples=30)
def test_bytes_come_back(caller, place, size, target, data):
    """DiskIo at any offset, against bytes in Python."""
    device = caller.uefi.disks[0].device
    model = bytearray(device.read(0, device.size))
    data = data[:device.size - target]
    device.write(target, data)
    model[target:target + len(data)] = data
    size = min(size, device.size - place)
    assert device.read(place, size) == model[place:place + size]
    assert device.read(0, device.size) == model


# ---- an application of the host's --------------------------------------------------------------------------------------

def test_an_application_alone_has_a_volume(tmp_path):
    path = tmp_path / "mine.efi"
    path.write_bytes(pe())
    uefi = powered_on(application=path)
    assert [(medium.name, medium.volume is not None) for medium in uefi.disks] == [("mine.efi", True)]
    image, = uefi.images.loaded.values()
    assert image.loaded_image.field("DeviceHandle") == uefi.disks[0].handle


def test_an_application_comes_from_the_esp_where_there_is_one(tmp_path):
    path, esp = tmp_path / "mine.efi", tmp_path / "esp"
    path.write_bytes(pe())
    esp.mkdir()
    uefi = powered_on(fat(), application=path, esp=esp)
    image, = uefi.images.loaded.values()
    medium, = (each for each in uefi.disks if each.is_esp)
    assert image.loaded_image.field("DeviceHandle") == medium.handle
    assert path_text(uefi.read_device_path(image.loaded_image.field("FilePath"))) == "\\mine.efi"


def test_an_application_on_a_cd_starts(tmp_path):
    """Blocks of a CD have 2048 bytes, but the volume in its boot image counts as any other."""
    disk = Disk(bytes(1 << 20), "write")
    format_volume(disk)
    Volume(disk).root.create("EFI", True).create("BOOT", True).create("BOOTX64.EFI").write(0, pe())
    path = tmp_path / "cd.iso"
    path.write_bytes(iso(bytes(disk.data)))
    machine = Machine(memory="64M")
    boot.uefi(machine, cdrom=path)
    assert machine.run(50_000_000).kind == "debug-exit"
