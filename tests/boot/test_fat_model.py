"""Random operations on FAT volumes against a dict of files; fsck.fat and mtools have the last word."""
import tempfile

import pytest
from fat_images import Counted, Plain, check, mtools_tree, tool, volume_tree
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from boot.disk import Disk
from boot.fat import Exists, Full, NameInvalid, NotEmpty, Volume, format_volume
from boot.fat.names import fold

PARTS = st.text("abAB01 ~.-\u00e9\u00dc\u65e5", min_size=1, max_size=12)
NAMES = st.one_of(st.sampled_from(["kernel.elf", "KERNEL.ELF", "Kernel.elf", "x", "LONGNA~1", "a long name", "b" * 60]), PARTS,
                  PARTS.map(lambda part: part + ".txt")) \
    .map(lambda name: name.strip(" ").rstrip(" .")).filter(bool)
NUMBERS = st.integers(0, 10**6)
SIZES = st.one_of(st.just(0), st.integers(0, 40), st.integers(480, 540), st.integers(1000, 9000))


def pattern(size, seed):
    return bytes((seed + index * 31) & 0xFF for index in range(size))


class FatMachine(RuleBasedStateMachine):
    """`files`: path -> bytes, or None for a directory. Nodes are kept from the time they were made, under the path."""
    kind = 12
    sectors = 300
    device_class = Disk

    def __init__(self):
        super().__init__()
        self.device = self.device_class(bytes(self.sectors * 512))
        format_volume(self.device, kind=self.kind, cluster_size=512, root_entries=48, label="MODEL")
        self.volume = Volume(self.device)
        self.files = {}
        self.nodes = {}

    # ---- choosing ----

    def home(self, number):
        """A directory: (its path with a / behind it, its node)."""
        homes = [""] + sorted(path + "/" for path, data in self.files.items() if data is None)
        path = homes[number % len(homes)]
        return path, self.nodes[path[:-1]] if path else self.volume.root

    def pick(self, number, directory=None):
        """The path of something, or None."""
        paths = sorted(path for path, data in self.files.items() if directory in (None, data is None))
        return paths[number % len(paths)] if paths else None

    def taken(self, home, name):
        """The path in `home` that a lookup of `name` finds, by its long or its short name."""
        for path in self.files:
            if path.startswith(home) and "/" not in path[len(home):]:
                if fold(name) in (fold(path[len(home):]), self.nodes[path].short_name):
                    return path
        return None

    # ---- operations ----

    @rule(where=NUMBERS, name=NAMES, directory=st.booleans())
    def create(self, where, name, directory):
        home, parent = self.home(where)
        try:
            node = parent.create(name, directory)
        except Exists:
            assert self.taken(home, name)
        except Full:
            assert not self.taken(home, name)
        else:
            assert not self.taken(home, name) and home + name not in self.files
            self.files[home + name] = None if directory else b""
            self.nodes[home + name] = node

    @rule(which=NUMBERS, offset=SIZES, size=SIZES)
    def write(self, which, offset, size):
        path = self.pick(which, directory=False)
        if path is None:
            return
        data, old = pattern(size, which), self.files[path]
        try:
            self.nodes[path].write(offset, data)
        except Full:
            assert self.volume.free < offset + size - len(old)
        else:
            if data:
                self.files[path] = old[:offset].ljust(offset, b"\0") + data + old[offset + size:]

    @rule(which=NUMBERS, size=SIZES)
    def truncate(self, which, size):
        path = self.pick(which, directory=False)
        if path is None:
            return
        try:
            self.nodes[path].truncate(size)
        except Full:
            assert self.volume.free < size - len(self.files[path])
        else:
            self.files[path] = self.files[path][:size].ljust(size, b"\0")

    @rule(which=NUMBERS, offset=SIZES, size=SIZES)
    def read(self, which, offset, size):
        path = self.pick(which, directory=False)
        if path is not None:
            assert self.nodes[path].read(offset, size) == self.files[path][offset:offset + size]

    @rule(which=NUMBERS)
    def delete(self, which):
        path = self.pick(which)
        if path is None:
            return
        try:
            self.nodes[path].delete()
        except NotEmpty:
            assert any(other.startswith(path + "/") for other in self.files)
        else:
            assert not any(other.startswith(path + "/") for other in self.files)
            del self.files[path], self.nodes[path]

    @rule(which=NUMBERS, where=NUMBERS, name=NAMES, move=st.booleans())
    def rename(self, which, where, name, move):
        path = self.pick(which)
        if path is None:
            return
        home, parent = self.home(where) if move else (path[:path.rfind("/") + 1], None)
        inside = home.startswith(path + "/")
        taken = self.taken(home, name)
        try:
            self.nodes[path].rename(name, parent)
        except Exists:
            assert taken and taken != path
        except NameInvalid:
            assert inside
        except Full:
            assert not inside
        else:
            assert not inside and taken in (None, path)
            for other in [path] + [other for other in self.files if other.startswith(path + "/")]:
                for table in (self.files, self.nodes):
                    table[home + name + other[len(path):]] = table.pop(other)

    @rule()
    def mount_again(self):
        self.volume = Volume(self.device)
        self.nodes = {path: self.volume.node(node.handle) for path, node in self.nodes.items()}

    # ---- what holds ----

    @invariant()
    def the_same_tree(self):
        assert volume_tree(self.volume) == self.files

    @invariant()
    def nodes_are_where_they_were(self):
        for path, node in self.nodes.items():
            assert node.name == path[path.rfind("/") + 1:] and node.is_directory == (self.files[path] is None)

    def teardown(self):
        fresh = Volume(self.device)
        assert volume_tree(fresh) == self.files
        assert fresh.free_clusters == self.volume.free_clusters and fresh.label == "MODEL"
        disk = Disk(bytes(self.device.data)) if self.device_class is not Disk else self.device
        with tempfile.TemporaryDirectory() as folder:
            check(disk, folder)
            assert mtools_tree(disk, folder) == self.files


@pytest.mark.parametrize("kind, sectors, device_class, examples", [          # of a hundred
    (12, 300, Disk, 60), (12, 300, Plain, 10), (12, 300, Counted, 10), (16, 4300, Disk, 20), (32, 66700, Disk, 6)])
def test_random_operations(kind, sectors, device_class, examples):
    for name in ("fsck.fat", "mcopy"):
        tool(name)
    machine = type("FatMachine", (FatMachine,), {"kind": kind, "sectors": sectors, "device_class": device_class})
    count = settings().max_examples * examples // 100
    run_state_machine_as_test(machine, settings=settings(max_examples=count, stateful_step_count=40))


