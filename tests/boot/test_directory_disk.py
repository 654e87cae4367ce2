"""A directory as a disk: what tools see on it, sector by sector, and what is left out."""
from __future__ import annotations

import os
import pickle
import socket
import tempfile
import time

import pytest
from directory_trees import as_mtools_sees, check_volume, dump, put, trees, volume_of
from fat_images import run, tree, volume_tree
from hypothesis import given, settings
from hypothesis import strategies as st

from boot.directory_disk import DirectoryDisk
from boot.directory_disk.disk import BaseFiles
from boot.directory_disk.layout import FIRST, Layout
from boot.directory_disk.tree import MOST_WARNINGS, HostDirectory, HostFile, Stamp
from boot.disk import SECTOR, Disk
from boot.fat import bpb
from boot.fat.entries import Moment, decode
from boot.fat.medium import Medium
from boot.partitions import partition_table
from x86.faults import ImageError, MachineError

EXAMPLE = {"EFI": None, "EFI/BOOT": None, "EFI/BOOT/BOOTX64.EFI": b"MZ" * 5000, "kernel.elf": b"\x7FELF" * 3,
           "empty": b"", "Ein langer Name.txt": b"hallo", "\u00E4.conf": b"x" * 4096, "loader": None}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "esp").mkdir()
    put(EXAMPLE, tmp_path / "esp")
    return tmp_path / "esp"


# ---- what tools see --------------------------------------------------------------------------------------------------

@settings(max_examples=25, deadline=None)
@given(trees())
def test_fsck_and_mtools_see_the_tree(files):
    with tempfile.TemporaryDirectory() as place:
        os.mkdir(f"{place}/esp")
        put(files, f"{place}/esp")
        disk = DirectoryDisk(f"{place}/esp", free=0)
        assert disk.warnings == []
        assert volume_tree(volume_of(disk)) == files
        dump(disk, f"{place}/image")
        disk.close()
        check_volume(f"{place}/image", place)
        as_mtools_sees(f"{place}/image", f"{place}/seen")
        assert tree(f"{place}/seen") == files


def test_partition_table(folder, tmp_path):
    disk = DirectoryDisk(folder)
    table = partition_table(disk)
    assert table.scheme == "gpt" and table.warnings == ()
    esp, = table.partitions
    assert esp is table.esp and (esp.first, esp.sectors) == disk.partition == (FIRST, disk.layout.sectors)
    assert "No problems found" in run("sgdisk", "-v", dump(disk, tmp_path / "image"))


@settings(max_examples=150)
@given(data=st.data())
def test_any_sectors_are_those_of_the_whole(whole, data):
    disk, path = whole
    lba = data.draw(st.one_of(st.integers(0, disk.sectors), st.integers(2040, FIRST + disk.layout.data + 200)))
    count = min(data.draw(st.integers(0, 300)), disk.sectors - lba)
    with open(path, "rb") as file:
        file.seek(lba * SECTOR)
        assert disk.read(lba, count) == file.read(count * SECTOR)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    place = tmp_path_factory.mktemp("whole")
    (place / "esp").mkdir()
    put(EXAMPLE, place / "esp")
    disk = DirectoryDisk(place / "esp", free=0)
    return disk, dump(disk, place / "image", piece=100000)


def test_beyond_the_end(folder):
    disk = DirectoryDisk(folder)
    for lba, count in ((disk.sectors, 1), (-1, 1), (disk.sectors - 1, 2)):
        with pytest.raises(IndexError):
            disk.read(lba, count)


def test_the_same_on_every_host(folder, monkeypatch):
    first = DirectoryDisk(folder)
    listdir = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: listdir(path)[::-1])
    second = DirectoryDisk(folder)
    assert first.layout.fingerprint == second.layout.fingerprint
    for lba, count in ((0, 6000), (first.sectors - 40, 40)):
        assert first.read(lba, count) == second.read(lba, count)


def test_times_are_those_of_the_files_in_utc(folder):
    os.utime(folder / "empty", ns=(0, 1_600_000_001 * 10**9))
    os.utime(folder / "kernel.elf", ns=(0, 0))
    root = volume_of(DirectoryDisk(folder)).root
    assert root.lookup("empty").modified == Moment(2020, 9, 13, 12, 26, 40)
    assert root.lookup("kernel.elf").modified == Moment(1980, 1, 1)


def test_a_short_name_is_its_own_even_if_a_long_one_comes_first(tmp_path):
    put({"LONGNA~1.TXT": b"short", "LONGNA and more.txt": b"long"}, tmp_path)
    root = volume_of(DirectoryDisk(tmp_path)).root
    for name, data in (("LONGNA~1.TXT", b"short"), ("longna and more.TXT", b"long"), ("LONGNA~2.TXT", b"long")):
        node = root.lookup(name)
        assert node.read(0, node.size) == data


def test_an_empty_directory(tmp_path):
    disk = DirectoryDisk(tmp_path)
    assert volume_tree(volume_of(disk)) == {}
    assert volume_of(disk).free_clusters * volume_of(disk).cluster_size >= 256 << 20


# ---- how large -------------------------------------------------------------------------------------------------------

def layout_of(*sizes, free=0):
    files = [HostFile((f"f{number}",), Stamp(0, number, size, 0)) for number, size in enumerate(sizes)]
    return Layout(HostDirectory((), 0, files), "it", free)


@pytest.mark.parametrize("sizes, free, cluster", [
    ([], 0, 512), ([], 100 << 20, 1024), ([], 260 << 20, 4096), ([500 << 20], 260 << 20, 4096),
    ([4 << 30], 0, 4096), ([(4 << 30) - 1] * 3, 0, 8192), ([(4 << 30) - 1] * 5, 0, 16384),
    ([(4 << 30) - 1] * 100, 0, 32768)])
def test_sizes(sizes, free, cluster):
    sizes = [min(size, (4 << 30) - 1) for size in sizes]
    layout = layout_of(*sizes, free=free)
    parts = bpb.parse(Medium(HeadOnly(layout)))
    assert parts.kind == 32 and parts.cluster_size == cluster == layout.cluster_size
    assert parts.clusters - layout.used >= free // cluster
    number = layout.following                                       # the FAT ends the last chain there, and no other
    end = layout.read(FIRST + layout.reserved + (number - 1) // 128, 1, None)
    assert end[(number - 1) % 128 * 4:][:4] == b"\xFF\xFF\xFF\x0F"


class HeadOnly:
    """As much of a layout's volume as is needed to know its shape."""

    def __init__(self, layout):
        self.layout, self.sectors, self.name = layout, layout.sectors, "it"

    def read(self, lba, count):
        return self.layout.head[lba * SECTOR:(lba + count) * SECTOR]


def test_more_than_fat_can_hold():
    with pytest.raises(ImageError, match="too many for a FAT volume"):
        layout_of(*[(4 << 30) - 1] * 513)


def test_free_space_ends_where_fat_does():
    layout = layout_of(*[(4 << 30) - 1] * 400, free=1 << 50)
    assert layout.disk_sectors <= 0xFFFFFFFF
    assert bpb.parse(Medium(HeadOnly(layout))).size == layout.sectors * SECTOR


def test_nothing_is_read_until_somebody_reads_it(tmp_path, monkeypatch):
    with open(tmp_path / "large", "wb") as file:
        file.truncate(500 << 20)
    monkeypatch.setattr(BaseFiles, "read", lambda *_: pytest.fail("a file was read"))
    start = time.process_time()
    disk = DirectoryDisk(tmp_path)
    disk.read(0, FIRST + disk.layout.data)
    assert volume_of(disk).root.lookup("large").size == 500 << 20
    assert time.process_time() - start < 2
    with pytest.raises(pytest.fail.Exception):
        disk.read(FIRST + disk.layout.data, 100)


# ---- what is left out ------------------------------------------------------------------------------------------------

def left_out(folder, name, words):
    disk = DirectoryDisk(folder)
    assert name not in volume_tree(volume_of(disk)) and "kernel.elf" in volume_tree(volume_of(disk))
    line, = disk.warnings
    assert words in line and "\n" not in line
    return line


@pytest.mark.parametrize("name, words", [
    ("a:b", "':'"), ("question?", "'?'"), ("back\\slash", "character"), ("end.", "a dot at the end"),
    (" blank", "blanks around"), ("new\nline", "character"), ("\u00E4" * 127 + "x" * 0 + ".", "dot at the end"),
    ("KERNEL.ELF", "the same name as"), (".x86-write-back-0", "interrupted")])
def test_names_that_fat_does_not_have(folder, name, words):
    (folder / name).write_bytes(b"")
    if name == "KERNEL.ELF":
        disk = DirectoryDisk(folder)
        assert "KERNEL.ELF" in volume_tree(volume_of(disk)) and "'KERNEL.ELF'" in disk.warnings[0]
        assert "kernel.elf is left out" in disk.warnings[0]
    else:
        left_out(folder, name, words)


def test_a_name_that_is_no_unicode(folder):
    with open(os.path.join(os.fsencode(folder), b"\xFF\xFE"), "wb"):
        left_out(folder, "\udcff\udcfe", "no UTF-8")


def test_links(folder, tmp_path):
    (tmp_path / "outside").write_bytes(b"secret")
    (folder / "inside").symlink_to("EFI/BOOT/BOOTX64.EFI")
    (folder / "absolute").symlink_to(folder / "empty")
    assert volume_tree(volume_of(DirectoryDisk(folder)))["inside"] == EXAMPLE["EFI/BOOT/BOOTX64.EFI"]
    assert volume_tree(volume_of(DirectoryDisk(folder)))["absolute"] == b""
    for target, words in (("../outside", "out of the directory"), ("/etc/passwd", "out of the directory"),
                          ("EFI", "link to a directory"), ("nothing", "No such file"), ("loop", "ymbolic link"),
                          ("../esp-not", "out of the directory")):
        (folder / "loop").symlink_to(target)
        left_out(folder, "loop", words)
        (folder / "loop").unlink()


def test_specials(folder):
    os.mkfifo(folder / "pipe")
    left_out(folder, "pipe", "neither a file nor a directory")
    os.unlink(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(folder / "socket"))
        left_out(folder, "socket", "neither a file nor a directory")


def test_files_of_4_gb(folder):
    with open(folder / "large", "wb") as file:
        file.truncate(1 << 32)
    left_out(folder, "large", "4294967296 bytes")


@pytest.mark.parametrize("name", ["empty", "loader"])
def test_what_cannot_be_read(folder, name, monkeypatch):
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not path.endswith(name) and access(path, mode))     # root may all
    left_out(folder, name, "cannot be read")


def test_warnings_are_counted(folder):
    for number in range(100):
        (folder / f"{number}?").write_bytes(b"")
    lines = DirectoryDisk(folder).warnings
    assert len(lines) == MOST_WARNINGS + 1 and "80 more" in lines[-1]


def test_too_many_names_for_a_directory():
    files = [HostFile((f"{number:05}" + "x" * 240,), Stamp(0, number, 0, 0)) for number in range(4000)]
    with pytest.raises(ImageError, match="too many for a FAT directory"):
        Layout(HostDirectory((), 0, files), "it", 0)


def test_thousands_of_similar_names():
    files = [HostFile((f"similar name {number}.txt",), Stamp(0, number, 0, 0)) for number in range(5000)]
    start = time.process_time()
    layout = Layout(HostDirectory((), 0, files), "it", 0)
    assert time.process_time() - start < 5
    assert len({entry.short for entry in decode(layout.content[()])}) == 5001       # with the label


def test_no_directory(folder):
    for path, words in ((folder / "nothing", "no such directory"), (folder / "empty", "is no directory")):
        with pytest.raises(ImageError, match=words) as error:
            DirectoryDisk(path)
        assert str(path) in str(error.value)


# ---- modes, snapshots ------------------------------------------------------------------------------------------------

def test_modes(folder):
    before = tree(folder)
    disk = DirectoryDisk(folder)
    volume_of(disk).root.create("new").write(0, b"data")
    assert volume_tree(volume_of(disk))["new"] == b"data"
    disk.close()
    assert tree(folder) == before
    disk = DirectoryDisk(folder, "readonly")
    assert disk.read_only
    with pytest.raises(PermissionError):
        disk.write(0, bytes(SECTOR))
    with pytest.raises(ValueError):
        DirectoryDisk(folder, "append")


def test_snapshots(folder):
    disk = DirectoryDisk(folder)
    old, generation = pickle.loads(pickle.dumps(disk.snapshot())), disk.generation
    volume_of(disk).root.create("new").write(0, b"data")
    new = disk.snapshot()
    disk.restore(old)
    assert volume_tree(volume_of(disk)) == EXAMPLE and disk.generation > generation
    again = DirectoryDisk(folder)
    again.restore(new)
    assert volume_tree(volume_of(again)) == {**EXAMPLE, "new": b"data"}
    (folder / "more").write_bytes(b"")
    with pytest.raises(MachineError, match="other files"):
        DirectoryDisk(folder).restore(new)


def test_a_disk_for_everything_that_takes_one(folder):
    disk = DirectoryDisk(folder)
    assert Disk.open(disk) is disk and disk.partitions()[0].type == 0xEE and disk.geometry.total


def test_a_file_that_changes_on_the_host(folder):
    disk = DirectoryDisk(folder)
    (folder / "kernel.elf").write_bytes(b"short")
    node = volume_of(disk).root.lookup("kernel.elf")
    assert node.read(0, node.size) == b"short" + bytes(7)
    assert len(disk.warnings) == 2 and "has changed on" in disk.warnings[0] and "has become shorter" in disk.warnings[1]
    (folder / "EFI/BOOT/BOOTX64.EFI").unlink()
    node = volume_of(disk).root.lookup("EFI").lookup("BOOT").lookup("BOOTX64.EFI")
    assert node.read(0, node.size) == bytes(10000) and "cannot be read any more" in disk.warnings[-1]
