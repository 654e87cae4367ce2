"""FAT images for tests: made by mkfs.fat, judged by fsck.fat, and read and written by mtools."""
import os
import shutil
import subprocess
import tempfile
from functools import lru_cache

import pytest

from boot.disk import SECTOR, Disk
from boot.fat import Volume

ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "MTOOLS_SKIP_CHECK": "1", "MTOOLSRC": "/dev/null", "TZ": "UTC"}
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"

#: (kind, bytes of a cluster, kilobytes)
SHAPES = [(12, 512, 1440), (12, 1024, 2880), (12, 4096, 8192), (16, 512, 8192), (16, 2048, 16384), (16, 8192, 65536),
          (32, 512, 40960), (32, 1024, 81920)]
SMALL_SHAPES = [(12, 512, 1440), (16, 512, 8192), (32, 512, 40960)]


def tool(name):
    """The path of a tool; the test skips where it is not installed."""
    path = shutil.which(name, path=PATH)
    if path is None:
        pytest.skip(f"needs {name}")
    return path


def run(*command, **options):
    """What a tool prints; it must succeed."""
    done = subprocess.run([tool(command[0]), *map(str, command[1:])], env=ENVIRONMENT, capture_output=True, text=True,
                          **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}"
    return done.stdout


@lru_cache(maxsize=4)
def mkfs(kind, cluster, kilobytes, *options):
    """The bytes of an empty image by mkfs.fat."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "image")
        sector = int(options[options.index("-S") + 1]) if "-S" in options else SECTOR
        run("mkfs.fat", "-F", kind, "-s", cluster // sector, "-C", *options, path, kilobytes)
        with open(path, "rb") as file:
            return file.read()


def save(disk, path):
    """A disk's sectors as a file."""
    with open(path, "wb") as file:
        file.truncate(disk.sectors * SECTOR)
        file.write(disk.data)
        for lba, data in disk.overlay.items():
            file.seek(lba * SECTOR)
            file.write(data)
    return path


def check(disk, folder):
    """fsck.fat has nothing to say about the disk but how full it is."""
    path = save(disk, os.path.join(folder, "checked"))
    lines = run("fsck.fat", "-n", path).splitlines()
    os.unlink(path)
    assert len(lines) == 2 and "clusters" in lines[1], lines


def tree(folder):
    """{path: bytes, or None for a directory} of a directory of the host."""
    found = {}
    for place, directories, files in os.walk(folder):
        for name in directories:
            found[os.path.relpath(os.path.join(place, name), folder)] = None
        for name in files:
            with open(os.path.join(place, name), "rb") as file:
                found[os.path.relpath(os.path.join(place, name), folder)] = file.read()
    return found


def volume_tree(volume):
    """The same of a volume, through this package."""
    found = {}

    def walk(node, path):
        for child in node.entries():
            if child.name in (".", ".."):
                continue
            if child.is_directory:
                found[path + child.name] = None
                walk(child, path + child.name + "/")
            else:
                found[path + child.name] = child.read(0, child.size)
    walk(volume.root, "")
    return found


def mtools_tree(disk, folder):
    """The same as mtools sees it."""
    image, copy = save(disk, os.path.join(folder, "copied")), os.path.join(folder, "copy")
    os.mkdir(copy)
    if volume_tree(Volume(disk)):
        run("mcopy", "-s", "-n", "-i", image, "::*", copy)
    found = tree(copy)
    shutil.rmtree(copy)
    os.unlink(image)
    return found


class Plain:
    """A device that does not count its changes, with blocks of any size, and a log of what was asked of it."""

    def __init__(self, data, sector_size=512):
        self.data = bytearray(data)
        self.sector_size = sector_size
        self.sectors = len(data) // sector_size
        self.name = "plain"
        self.log = []

    def read(self, lba, count):
        assert lba >= 0 and count > 0 and lba + count <= self.sectors
        self.log.append(("read", lba, count))
        return bytes(self.data[lba * self.sector_size:(lba + count) * self.sector_size])

    def write(self, lba, data):
        assert lba >= 0 and len(data) % self.sector_size == 0 and lba * self.sector_size + len(data) <= len(self.data)
        self.log.append(("write", lba, len(data) // self.sector_size))
        self.data[lba * self.sector_size:lba * self.sector_size + len(data)] = data


class Counted(Plain):
    """One that does count them."""
    generation = 0

    def write(self, lba, data):
        super().write(lba, data)
        self.generation += 1


def fresh(shape, *options):
    """(disk, volume) of an empty image by mkfs.fat; writes go to the overlay."""
    disk = Disk(mkfs(*shape, *options), name="image")
    return disk, Volume(disk)
