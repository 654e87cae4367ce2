"""Trees of files for the tests of DirectoryDisk: random ones, and what is on a disk, as mtools and Volume see it."""
from __future__ import annotations

import os

from fat_images import run
from hypothesis import strategies as st

from boot.directory_disk.layout import BEHIND, FIRST
from boot.disk import SECTOR
from boot.fat import Volume
from boot.fat.names import fold

NAMES = st.one_of(
    st.sampled_from(["EFI", "BOOT", "BOOTX64.EFI", "kernel.elf", "Kernel.Elf", "a", "loader.conf", "initramfs-6.1.img",
                     "LONGNA~1.TXT", "longname-and-more.txt", "longname-and-less.txt", ".hidden", "a b", "a.b.c",
                     "\u00E4\u00F6\u00FC", "\u4E2D\u6587.txt", "x" * 100 + ".tar.gz", "no extension at all"]),
    st.text("abcXYZ019_-~ .\u00E9\u03B1", min_size=1, max_size=14).map(lambda text: text.strip(" .")).filter(bool))
SIZES = st.one_of(st.sampled_from([0, 1, 511, 512, 513, 1024, 4096, 4097, 70000]), st.integers(0, 20000))


def content(seed, size):
    """Bytes that differ from those of other seeds, and at every place."""
    return (b"".join((seed * 1000003 + position).to_bytes(8, "little") for position in range(-(-size // 8))))[:size]


@st.composite
def trees(draw, most=12):
    """{path: bytes, or None for a directory}, with parents; names that FAT takes for the same occur once."""
    tree, folded = {}, set()
    directories = [""]
    for seed in range(draw(st.integers(0, most))):
        path = os.path.join(draw(st.sampled_from(directories)), draw(NAMES))
        if fold(path) in folded:
            continue
        folded.add(fold(path))
        if draw(st.integers(0, 3)) == 0:
            tree[path] = None
            directories.append(path)
        else:
            tree[path] = content(seed, draw(SIZES))
    return tree


def put(tree, folder):
    """Make that tree in a directory of the host."""
    for path, data in tree.items():
        place = os.path.join(folder, path)
        if data is None:
            os.makedirs(place)
        else:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "wb") as file:
                file.write(data)


def dump(disk, path, piece=2048):
    """All sectors of a disk as a file, with holes where there are zeros."""
    with open(path, "wb") as file:
        file.truncate(disk.sectors * SECTOR)
        for lba in range(0, disk.sectors, piece):
            data = disk.read(lba, min(piece, disk.sectors - lba))
            if data.count(0) != len(data):
                file.seek(lba * SECTOR)
                file.write(data)
    return path


def feed(disk, path):
    """Write to the disk what is different in a dump."""
    with open(path, "rb") as file:
        for lba in range(0, disk.sectors, 256):
            count = min(256, disk.sectors - lba)
            data, old = file.read(count * SECTOR), disk.read(lba, count)
            if data != old:
                for number in range(count):
                    sector = data[number * SECTOR:(number + 1) * SECTOR]
                    if sector != old[number * SECTOR:(number + 1) * SECTOR]:
                        disk.write(lba + number, sector)


def image(path):
    """mtools' words for the volume in a dump."""
    return "-i", f"{path}@@{FIRST * SECTOR}"


def as_mtools_sees(path, folder):
    """The tree in a dump, copied out to `folder`."""
    os.makedirs(folder)
    if run("mdir", "-b", *image(path), "::").strip():
        run("mcopy", "-s", "-n", *image(path), "::*", folder)


def check_volume(path, folder):
    """fsck.fat finds nothing wrong with the volume in a dump."""
    place = os.path.join(folder, "volume")
    with open(path, "rb") as file, open(place, "wb") as volume:
        file.seek(FIRST * SECTOR)
        size = os.path.getsize(path) - FIRST * SECTOR - BEHIND * SECTOR
        volume.truncate(size)
        while size:
            data = file.read(min(size, 1 << 20))
            if data.count(0) == len(data):
                volume.seek(len(data), os.SEEK_CUR)
            else:
                volume.write(data)
            size -= len(data)
    lines = run("fsck.fat", "-n", place).splitlines()
    os.unlink(place)
    assert len(lines) == 2 and "clusters" in lines[1], lines


def volume_of(disk):
    return Volume(disk, *disk.partition)
