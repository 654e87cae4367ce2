"""Disk images: modes, geometry, partition tables, and what a user is told when a file cannot be a disk."""
import os
import re
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boot.disk import SECTOR, Disk
from boot.geometry import Geometry, hard_disk_geometry
from x86.faults import ImageError


def pattern(sectors):
    """Sectors that differ: each begins with its number."""
    return b"".join(struct.pack("<I", number) + bytes(SECTOR - 4) for number in range(sectors))


def entry(start, count, heads=16, sectors=63, kind=0x0E, active=True):
    """A partition table entry whose CHS fields fit a geometry."""
    def chs(lba):
        cylinder, rest = divmod(lba, heads * sectors)
        head, sector = divmod(rest, sectors)
        cylinder = min(cylinder, 1023)
        return bytes([head, sector + 1 | (cylinder & 0x300) >> 2, cylinder & 0xFF])
    return (bytes([0x80 if active else 0]) + chs(start) + bytes([kind]) + chs(start + count - 1)
            + struct.pack("<II", start, count))


def mbr(*entries):
    table = b"".join(entries)
    return bytes(0x1BE) + table + bytes(64 - len(table)) + b"\x55\xAA"


# ---- what is no disk -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("content, words", [(b"", "empty"), (bytes(511), "less than one sector")])
def test_too_small(tmp_path, content, words):
    path = tmp_path / "image"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=words) as error:
        Disk(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_missing_file_and_directory(tmp_path):
    with pytest.raises(ImageError, match="no such file"):
        Disk(tmp_path / "nothing")
    with pytest.raises(ImageError, match="directory"):
        Disk(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(tmp_path):
    path = tmp_path / "image"
    path.write_bytes(bytes(SECTOR))
    path.chmod(0)
    with pytest.raises(ImageError, match="cannot be opened"):
        Disk(path)


def test_unknown_mode():
    with pytest.raises(ValueError, match="overlay"):
        Disk(bytes(SECTOR), mode="append")


# ---- modes -----------------------------------------------------------------------------------------------------------

def test_overlay_never_changes_the_file(tmp_path):
    path = tmp_path / "image"
    path.write_bytes(pattern(8))
    disk = Disk(path)
    disk.write(2, b"\xAA" * SECTOR * 2)
    assert disk.read(1, 4) == pattern(8)[SECTOR:2 * SECTOR] + b"\xAA" * 2 * SECTOR + pattern(8)[4 * SECTOR:5 * SECTOR]
    disk.close()
    assert path.read_bytes() == pattern(8)


def test_generation_is_another_one_after_every_change():
    disk, seen = Disk(pattern(8)), []
    before = disk.snapshot()
    for change in (lambda: None, lambda: disk.write(2, bytes(SECTOR)), lambda: disk.write(3, bytes(SECTOR)),
                   lambda: disk.restore(before)):
        change()
        seen.append(disk.generation)
    assert len(set(seen)) == 4
    disk.read(0, 8)
    with pytest.raises(IndexError):
        disk.write(8, bytes(SECTOR))
    assert disk.generation == seen[-1]


def test_write_mode_changes_the_file(tmp_path):
    path = tmp_path / "image"
    path.write_bytes(pattern(8))
    disk = Disk(path, mode="write")
    disk.write(7, b"\xBB" * SECTOR)
    assert disk.read(7, 1) == b"\xBB" * SECTOR
    disk.close()
    assert path.read_bytes() == pattern(7) + b"\xBB" * SECTOR


def test_readonly_refuses():
    disk = Disk(pattern(4), mode="readonly")
    with pytest.raises(PermissionError):
        disk.write(0, bytes(SECTOR))
    assert disk.read(0, 4) == pattern(4)


def test_reading_and_writing_beyond_the_end():
    disk = Disk(pattern(4))
    for outside in ((4, 1), (3, 2), (-1, 1)):
        with pytest.raises(IndexError):
            disk.read(*outside)
    with pytest.raises(IndexError):
        disk.write(3, bytes(2 * SECTOR))
    with pytest.raises(ValueError):
        disk.write(0, bytes(100))


def test_a_size_that_is_no_multiple_of_the_sector_is_padded():
    disk = Disk(b"\xCC" * 700)
    assert disk.sectors == 2
    assert disk.read(1, 1) == b"\xCC" * 188 + bytes(324)
    assert len(disk.warnings) == 1 and "700 bytes" in disk.warnings[0]
    disk.write(1, b"\xDD" * SECTOR)
    assert disk.read(0, 2) == b"\xCC" * 512 + b"\xDD" * 512


def test_snapshot_and_restore():
    disk = Disk(pattern(4))
    disk.write(1, b"\x11" * SECTOR)
    state = disk.snapshot()
    disk.write(1, b"\x22" * SECTOR)
    disk.write(3, b"\x33" * SECTOR)
    disk.restore(state)
    assert disk.read(1, 1) == b"\x11" * SECTOR and disk.read(3, 1) == pattern(4)[3 * SECTOR:]
    disk.write(1, b"\x44" * SECTOR)
    assert state[1] == b"\x11" * SECTOR


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(1, 16), st.integers(0, 255)), max_size=12))
def test_overlay_is_what_a_plain_array_would_be(writes):
    disk, model = Disk(pattern(16)), bytearray(pattern(16))
    for start, count, value in writes:
        count = min(count, 16 - start)
        disk.write(start, bytes([value]) * (count * SECTOR))
        model[start * SECTOR:(start + count) * SECTOR] = bytes([value]) * (count * SECTOR)
    assert disk.read(0, 16) == model
    for start in range(16):
        assert disk.read(start, 1) == model[start * SECTOR:(start + 1) * SECTOR]


# ---- shape -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("kb, geometry, drive_type", [
    (160, (40, 1, 8), 1), (180, (40, 1, 9), 1), (320, (40, 2, 8), 1), (360, (40, 2, 9), 1), (720, (80, 2, 9), 3),
    (1200, (80, 2, 15), 2), (1440, (80, 2, 18), 4), (2880, (80, 2, 36), 6)])
def test_floppy_geometry_is_that_of_the_size(kb, geometry, drive_type):
    disk = Disk(bytes(kb * 1024), floppy=True)
    assert disk.geometry == geometry and disk.floppy.drive_type == drive_type
    assert disk.geometry.total * SECTOR == kb * 1024


def test_a_boot_sector_alone_is_a_usual_diskette():
    disk = Disk(b"\x90" * 510 + b"\x55\xAA", floppy=True)
    assert disk.geometry == (80, 2, 18)
    assert disk.read(2879, 1) == bytes(SECTOR)


def test_too_much_for_a_diskette():
    with pytest.raises(ImageError, match="too many for a diskette"):
        Disk(bytes(3 << 20), floppy=True)


@pytest.mark.parametrize("sectors, geometry", [
    (131072, (130, 16, 63)),                    # 64 MB
    (1024 * 16 * 63, (1024, 16, 63)),           # the last size without translation
    (2 << 21, (520, 128, 63)),                  # 2 GB
    (20 << 21, (1024, 255, 63)),                # 20 GB: as much as CHS can name
    (1, (1, 16, 63))])
def test_hard_disk_geometry_by_size(sectors, geometry):
    assert hard_disk_geometry(sectors) == geometry


def test_geometry_from_the_partition_table():
    image = mbr(entry(63, 32 * 63 * 10 - 63, heads=32)) + bytes(SECTOR * (32 * 63 * 12 - 1))
    assert Disk(image).geometry == (12, 32, 63)


def test_a_partition_table_that_contradicts_itself_says_nothing():
    first, second = entry(63, 32 * 63 * 4 - 63, heads=32), entry(32 * 63 * 4, 8 * 63 * 16, heads=8)
    assert Disk(mbr(first, second) + bytes(SECTOR * 20000)).geometry[1:] == (16, 63)


def test_disk_shorter_than_its_partition():
    disk = Disk(mbr(entry(2048, 100000)) + bytes(SECTOR * 4095))
    assert len(disk.warnings) == 1
    assert "partition 1 ends at sector 102047" in disk.warnings[0] and "4096 sectors" in disk.warnings[0]


def test_partitions_of_a_boot_sector_without_a_table():
    assert Disk(b"\x41" * 510 + b"\x55\xAA").partitions() == []
    assert Disk(mbr(entry(2048, 4096))[:510] + b"\0\0").partitions() == []
    [partition] = Disk(mbr(entry(2048, 4096)) + bytes(SECTOR * 8000)).partitions()
    assert (partition.number, partition.active, partition.type, partition.start, partition.end) == (1, True, 14, 2048, 6144)


@given(st.integers(1, 255), st.integers(1, 63), st.integers(0, 1 << 20))
def test_chs_names_every_sector_once(heads, sectors, lba):
    geometry = Geometry(1024, heads, sectors)
    cylinder, rest = divmod(lba % geometry.total, heads * sectors)
    assert geometry.lba(cylinder, rest // sectors, rest % sectors + 1) == lba % geometry.total
    assert geometry.lba(0, 0, 0) is None and geometry.lba(0, heads, 1) is None
    assert geometry.lba(1024, 0, 1) is None and geometry.lba(0, 0, sectors + 1) is None


# ---- containers ------------------------------------------------------------------------------------------------------

def vhd(content, kind=2, length=None):
    footer = bytearray(512)
    footer[:8] = b"conectix"
    struct.pack_into(">Q4xI", footer, 0x30, len(content) if length is None else length, kind)
    return content + bytes(footer)


def test_a_fixed_vhd_is_a_raw_image_with_a_footer(tmp_path):
    path = tmp_path / "it.vhd"
    path.write_bytes(vhd(pattern(40)))
    disk = Disk(path, "write")
    assert disk.sectors == 40 and disk.read(0, 40) == pattern(40)
    disk.write(39, b"\xAA" * SECTOR)
    disk.close()
    assert path.read_bytes() == vhd(pattern(39) + b"\xAA" * SECTOR)


@pytest.mark.parametrize("content, words", [
    (b"QFI\xFB" + bytes(1020), "qcow2 image, not a raw one; convert it: qemu-img convert -O raw"),
    (b"KDMV" + bytes(1020), "VMDK"), (b"# Disk DescriptorFile\nversion=1\n".ljust(600), "VMDK"),
    (bytes(64) + b"\x7F\x10\xDA\xBE" + bytes(700), "VDI"), (b"vhdxfile" + bytes(1016), "VHDX"),
    (vhd(b"conectix" + bytes(1016), kind=3), "dynamic VHD"), (vhd(bytes(1024), kind=4), "not of the fixed kind"),
    (vhd(bytes(1024), length=1 << 60), "cut short: a VHD image of a disk with 1152921504606846976 bytes"),
    (b"\x1F\x8B\x08" + bytes(1021), "gzip data, not a raw one; unpack it: gunzip"), (b"PK\x03\x04" + bytes(1020), "unzip"),
    (b"\0" + b"\xFF" * 10 + bytes(4693), "2352 bytes a sector")])
@pytest.mark.parametrize("floppy", [False, True])
def test_containers_are_refused_by_name(content, words, floppy):
    with pytest.raises(ImageError, match=re.escape(words)) as error:
        Disk(content, name="it", floppy=floppy)
    assert str(error.value).startswith("it: ") and "\n" not in str(error.value)


# ---- shapes that a boot sector tells ---------------------------------------------------------------------------------

def volume(total, heads, track, media=0xF0):
    sector = bytearray(SECTOR)
    sector[:3], sector[510:] = b"\xEB\x3C\x90", b"\x55\xAA"
    struct.pack_into("<HBHBHHBHHHII", sector, 11, 512, 1, 1, 2, 224, total if total < 65536 else 0, media, 9, track, heads, 0,
                     total if total >= 65536 else 0)
    return bytes(sector)


@pytest.mark.parametrize("size, total, heads, track, geometry, kind", [
    (719 * 1024, 1440, 2, 9, (80, 2, 9), 3),                # a bit short
    (1500 * 1024, 3360, 2, 21, (80, 2, 21), 4), (512, 5760, 2, 36, (80, 2, 36), 6),
    (512, 3444, 2, 21, (82, 2, 21), 4), (100000, 720, 2, 9, (40, 2, 9), 1), (512, 2400, 2, 15, (80, 2, 15), 2),
    (1440 * 1024, 1440, 2, 9, (80, 2, 18), 4),              # the size is beyond doubt
    (512, 1440, 255, 63, (80, 2, 18), 4), (512, 0, 2, 18, (80, 2, 18), 4), (1 << 20, 720, 2, 9, (80, 2, 18), 4)])
def test_diskettes_by_their_boot_sector(size, total, heads, track, geometry, kind):
    disk = Disk(volume(total, heads, track).ljust(size, b"\0"), floppy=True)
    assert disk.geometry == geometry and disk.floppy.drive_type == kind and disk.sectors == disk.geometry.total


@pytest.mark.parametrize("kb, geometry", [(1600, (80, 2, 20)), (1680, (80, 2, 21)), (1722, (82, 2, 21)), (820, (82, 2, 10)),
                                          (1476, (82, 2, 18)), (1920, (80, 2, 24)), (3200, (80, 2, 40))])
def test_odd_diskettes_by_size(kb, geometry):
    assert Disk(bytes(kb * 1024), floppy=True).geometry == geometry


def test_a_disk_that_is_one_volume():
    assert Disk(volume(2048, 4, 32, 0xF8) + bytes(SECTOR * 2047)).geometry == (16, 4, 32)
    assert Disk(volume(2048, 4, 0, 0xF8) + bytes(SECTOR * 2047)).geometry == (2, 16, 63)
    assert hard_disk_geometry(1 << 17, (), volume(1 << 17, 2, 32, 0xF8))[1:] == (16, 63)     # not within 1024 cylinders


def test_eight_terabytes(tmp_path):
    path = tmp_path / "large.img"
    with open(path, "wb") as file:
        try:
            file.truncate(8 << 40)
        except OSError as error:
            pytest.skip(f"no sparse file of 8 TB here: {error.strerror}")
    disk = Disk(path)
    disk.write(disk.sectors - 1, b"\xCC" * SECTOR)
    assert disk.geometry == (1024, 255, 63) and disk.read((8 << 31) - 2, 2) == bytes(SECTOR) + b"\xCC" * SECTOR
    disk.close()


def test_a_cd_has_whole_blocks_and_nobody_writes_to_it():
    disk = Disk(pattern(5), "write", cd=True)
    assert disk.sectors == 8 and disk.read(4, 4) == pattern(5)[4 * SECTOR:] + bytes(3 * SECTOR)
    with pytest.raises(PermissionError):
        disk.write(0, bytes(SECTOR))


@given(st.lists(st.tuples(st.integers(0, 511), st.integers(0, 255)), max_size=40), st.sampled_from(["volume", "table", "zeros"]),
       st.integers(1, 400), st.booleans())
def test_whatever_the_first_sector_says_the_shape_can_be_used(changes, kind, sectors, floppy):
    first = bytearray({"volume": volume(400, 2, 18), "table": mbr(entry(63, 300)), "zeros": bytes(SECTOR)}[kind])
    for position, value in changes:
        first[position] = value
    try:
        disk = Disk(bytes(first) + bytes((sectors - 1) * SECTOR), floppy=floppy, name="it")
    except ImageError:                              # it became another kind of file
        return
    cylinders, heads, track = disk.geometry
    assert 1 <= cylinders <= 1024 and 1 <= heads <= 255 and 1 <= track <= 63
    assert not floppy or disk.geometry.total == disk.sectors


def test_no_disk_has_256_heads():
    """A byte of the parameter table holds their number, and DH their last."""
    assert Disk(mbr(entry(63, 256 * 63 * 2 - 63, heads=256)) + bytes(256 * 63 * 2 * SECTOR)).geometry.heads <= 255
