"""What a guest does on a directory's volume, brought back into the directory; and what is not."""
from __future__ import annotations

import os
import struct
import tempfile
import time

import pytest
from directory_trees import NAMES, as_mtools_sees, content, dump, feed, image, put, trees, volume_of
from fat_images import run, tree, volume_tree
from hypothesis import given, settings
from hypothesis import strategies as st

from boot.directory_disk import DirectoryDisk
from boot.directory_disk import guest as guest_module
from boot.directory_disk import write_back as write_back_module
from boot.directory_disk.layout import FIRST
from boot.disk import SECTOR
from boot.fat.entries import DIRECTORY, dot_entries, encode, new_entry
from boot.fat.errors import FatError
from boot.fat.names import fold

EXAMPLE = {"EFI": None, "EFI/BOOT": None, "EFI/BOOT/BOOTX64.EFI": content(1, 10000), "kernel.elf": content(2, 300000),
           "empty": b"", "Ein langer Name.txt": content(3, 100), "loader": None, "loader/loader.conf": content(4, 25)}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "esp").mkdir()
    put(EXAMPLE, tmp_path / "esp")
    return tmp_path / "esp"


@pytest.fixture
def disk(folder):
    disk = DirectoryDisk(folder, "write", free=0)
    yield disk
    disk.close()


def at(disk, path):
    return down(volume_of(disk), path)


def down(volume, path):
    node = volume.root
    for name in path.split("/") if path else ():
        node = node.lookup(name)
    return node


# ---- one change ------------------------------------------------------------------------------------------------------

def test_changes_of_every_kind(folder, disk):
    root = volume_of(disk).root
    root.create("new").write(0, b"N" * 5000)
    root.create("directory", directory=True).create("inside").write(0, b"I")
    at(disk, "kernel.elf").write(100000, b"changed")
    at(disk, "EFI/BOOT/BOOTX64.EFI").truncate(10)
    at(disk, "empty").write(0, b"grown" * 2000)
    at(disk, "loader/loader.conf").delete()
    at(disk, "loader").delete()
    volume = volume_of(disk)
    down(volume, "Ein langer Name.txt").rename("Another.txt", down(volume, "EFI"))
    expected = volume_tree(volume_of(disk))
    assert tree(folder) == EXAMPLE
    disk.flush()
    assert tree(folder) == expected and disk.warnings == []
    kernel = bytearray(EXAMPLE["kernel.elf"])
    kernel[100000:100007] = b"changed"
    assert expected == {"EFI": None, "EFI/BOOT": None, "EFI/BOOT/BOOTX64.EFI": content(1, 10000)[:10],
                        "kernel.elf": bytes(kernel), "empty": b"grown" * 2000, "new": b"N" * 5000, "directory": None,
                        "directory/inside": b"I", "EFI/Another.txt": content(3, 100)}


def test_what_did_not_change_is_not_touched(folder, disk):
    before = {path: os.stat(folder / path) for path in EXAMPLE}
    at(disk, "Ein langer Name.txt").rename("moved")
    at(disk, "empty").write(0, b"x")
    at(disk, "loader/loader.conf").write(0, EXAMPLE["loader/loader.conf"])     # written, but the same
    disk.flush()
    for path in ("kernel.elf", "EFI/BOOT/BOOTX64.EFI", "loader/loader.conf"):
        after = os.stat(folder / path)
        assert (after.st_ino, after.st_mtime_ns) == (before[path].st_ino, before[path].st_mtime_ns)
    assert os.stat(folder / "moved").st_ino == before["Ein langer Name.txt"].st_ino      # renamed, not copied


def test_permissions_stay_and_times_come(folder, disk):
    (folder / "kernel.elf").chmod(0o750)
    node = at(disk, "kernel.elf")
    node.write(0, b"x")
    time = node.modified
    disk.flush()
    status = os.stat(folder / "kernel.elf")
    assert status.st_mode & 0o777 == 0o750 and status.st_mtime == write_back_module.seconds(time)


def test_two_files_change_names(folder, disk):
    at(disk, "kernel.elf").rename("between")
    at(disk, "empty").rename("kernel.elf")
    at(disk, "between").rename("empty")
    disk.flush()
    assert tree(folder) == {**EXAMPLE, "kernel.elf": b"", "empty": EXAMPLE["kernel.elf"]} and disk.warnings == []
    at(disk, "Ein langer Name.txt").rename("between")
    at(disk, "empty").rename("Ein langer Name.txt")
    at(disk, "between").rename("empty")
    disk.flush()
    assert (folder / "Ein langer Name.txt").read_bytes() == EXAMPLE["kernel.elf"]
    assert (folder / "empty").read_bytes() == EXAMPLE["Ein langer Name.txt"]


def test_a_file_becomes_a_directory_and_the_other_way_round(folder, disk):
    at(disk, "kernel.elf").delete()
    volume_of(disk).root.create("kernel.elf", directory=True).create("part").write(0, b"p")
    at(disk, "loader/loader.conf").delete()
    at(disk, "loader").delete()
    volume_of(disk).root.create("loader").write(0, b"l")
    expected = volume_tree(volume_of(disk))
    disk.flush()
    assert tree(folder) == expected and disk.warnings == []


def test_a_name_changes_its_case(folder, disk):
    at(disk, "kernel.elf").rename("Kernel.ELF")
    at(disk, "loader").rename("Loader")
    disk.flush()
    assert tree(folder) == volume_tree(volume_of(disk)) and {"Kernel.ELF", "Loader/loader.conf"} <= set(tree(folder))


def test_the_guest_sees_what_it_did_before_after_the_host_has_changed(folder, disk):
    """Sectors that nobody wrote to stay what they were, even if the host's file is another now, or elsewhere, or gone."""
    before = dump(disk, folder.parent / "before").read_bytes()
    snapshot = disk.snapshot()
    at(disk, "kernel.elf").write(0, b"x" * 1000)
    at(disk, "Ein langer Name.txt").rename("moved")
    at(disk, "EFI/BOOT/BOOTX64.EFI").delete()
    after = dump(disk, folder.parent / "after").read_bytes()
    disk.flush()
    assert dump(disk, folder.parent / "now").read_bytes() == after
    disk.restore(snapshot)
    assert dump(disk, folder.parent / "now").read_bytes() == before
    disk.flush()
    assert tree(folder) == EXAMPLE and disk.warnings == []


def test_a_file_whose_middle_lies_elsewhere_now(folder, disk):
    first, size, free = disk.layout.first_cluster[("kernel.elf",)], disk.layout.cluster_size, disk.layout.following + 7
    set_fat(disk, first + 4, free)
    set_fat(disk, free, first + 6)
    set_fat(disk, first + 5, 0)
    poke(disk, disk.layout.data * SECTOR + (free - 2) * size, b"moved".ljust(size))
    disk.flush()
    old = EXAMPLE["kernel.elf"]
    assert tree(folder) == {**EXAMPLE, "kernel.elf": old[:5 * size] + b"moved".ljust(size) + old[6 * size:]}
    assert disk.warnings == []


def test_overlay_and_readonly_bring_nothing_back(folder):
    disk = DirectoryDisk(folder, free=0)
    at(disk, "kernel.elf").delete()
    disk.close()
    assert tree(folder) == EXAMPLE


# ---- many ------------------------------------------------------------------------------------------------------------

CHANGES = st.lists(st.tuples(
    st.sampled_from(["write", "write", "grow", "truncate", "create", "mkdir", "delete", "rename", "move", "flush", "mark",
                     "back"]),
    st.integers(0, 2**16), NAMES, st.integers(0, 9000)), max_size=25)


def change(disk, kind, number, name, size):
    """One change of the guest, to something that is there; what the volume refuses is left."""
    volume = volume_of(disk)
    paths = volume_tree(volume)
    files = sorted(path for path, data in paths.items() if data is not None)
    directories = ["", *sorted(path for path, data in paths.items() if data is None)]
    parent = down(volume, directories[number % len(directories)])
    some = down(volume, sorted(paths)[number % len(paths)]) if paths else None
    file = down(volume, files[number // 7 % len(files)]) if files else None
    try:
        if kind in ("create", "mkdir"):
            node = parent.create(name, directory=kind == "mkdir")
            if kind == "create":
                node.write(0, content(number, size))
        elif some and kind == "delete":
            some.delete()
        elif some and kind == "rename":
            some.rename(name)
        elif file and kind == "move":
            file.rename(name, parent)
        elif file and kind == "write":
            file.write(min(file.size, number % 5000), content(number, size))
        elif file and kind == "grow":
            file.write(file.size, content(number, size))
        elif file and kind == "truncate":
            file.truncate(min(file.size, size))
    except FatError:
        pass


@settings(max_examples=60, deadline=None)
@given(trees(8), CHANGES)
def test_the_directory_is_what_the_volume_is(files, changes):
    """Whatever is done in whatever order, with snapshots restored on the way: after flush() both have the same tree."""
    with tempfile.TemporaryDirectory() as folder:
        put(files, folder)
        disk = DirectoryDisk(folder, "write", free=0)
        marks = [disk.snapshot()]
        for kind, *arguments in changes:
            if kind == "flush":
                disk.flush()
                assert tree(folder) == volume_tree(volume_of(disk))
            elif kind == "mark":
                marks.append(disk.snapshot())
            elif kind == "back":
                disk.restore(marks[arguments[0] % len(marks)])
            else:
                change(disk, kind, *arguments)
        seen = volume_tree(volume_of(disk))
        disk.flush()
        assert tree(folder) == seen == volume_tree(volume_of(disk)) and disk.warnings == []
        disk.close()


MTOOLS = st.lists(st.tuples(st.sampled_from(["copy", "copy", "over", "mkdir", "delete", "tree", "rename", "move"]),
                            st.integers(0, 2**16), NAMES, st.integers(0, 30000)), min_size=1, max_size=8)


def quoted(path):
    return "::/" + path.replace("[", "\\[")


@settings(max_examples=15, deadline=None)
@given(trees(8), MTOOLS)
def test_changes_made_by_mtools(files, changes):
    """mtools change a dump of the disk, its sectors are written back to the disk: the directory is what mtools say it is."""
    with tempfile.TemporaryDirectory() as place:
        os.mkdir(f"{place}/esp")
        put(files, f"{place}/esp")
        disk = DirectoryDisk(f"{place}/esp", "write", free=0)
        path = dump(disk, f"{place}/image")
        model = dict(files)
        for kind, number, name, size in changes:
            plain = sorted(name for name, data in model.items() if data is not None)
            directories = ["", *sorted(name for name, data in model.items() if data is None)]
            parent = directories[number % len(directories)]
            target = os.path.join(parent, name)
            free = fold(target) not in {fold(name) for name in model}
            if kind == "copy" and free or kind == "over" and plain:
                target = target if kind == "copy" else plain[number % len(plain)]
                model[target] = content(number, size)
                with open(f"{place}/file", "wb") as file:
                    file.write(model[target])
                run("mcopy", "-o", *image(path), f"{place}/file", quoted(target))
            elif kind == "mkdir" and free:
                model[target] = None
                run("mmd", *image(path), quoted(target))
            elif kind == "delete" and plain:
                del model[plain[number % len(plain)]]
                run("mdel", *image(path), quoted(plain[number % len(plain)]))
            elif kind == "tree" and parent:
                model = {name: data for name, data in model.items() if name != parent and not name.startswith(parent + "/")}
                run("mdeltree", *image(path), quoted(parent))
            elif kind in ("rename", "move") and plain and free:
                old = plain[number // 3 % len(plain)]
                if kind == "rename":
                    target = os.path.join(os.path.dirname(old), name)
                    if fold(target) in {fold(name) for name in model}:
                        continue
                model[target] = model.pop(old)
                run("mmove" if kind == "move" else "mren", *image(path), quoted(old), quoted(target))
        feed(disk, path)
        disk.close()
        as_mtools_sees(path, f"{place}/seen")
        assert tree(f"{place}/esp") == tree(f"{place}/seen") == model
        assert disk.warnings == []


# ---- a volume that contradicts itself --------------------------------------------------------------------------------

def poke(disk, position, data):
    """Put bytes at a position on the volume."""
    lba, skip = divmod(FIRST * SECTOR + position, SECTOR)
    raw = bytearray(disk.read(lba, 1 + -(-(skip + len(data)) // SECTOR)))
    raw[skip:skip + len(data)] = data
    disk.write(lba, bytes(raw))


def set_fat(disk, cluster, value, copies=2):
    for copy in range(copies):
        poke(disk, (disk.layout.reserved + copy * disk.layout.fat_sectors) * SECTOR + 4 * cluster, struct.pack("<I", value))


def entry_position(disk, path):
    """Where the short entry of a file is on the volume."""
    *parents, _ = path.split("/")
    directory = disk.layout.first_cluster[tuple(parents)]
    for slot in range(0, disk.layout.cluster_size * 4, 32):
        position = disk.layout.data * SECTOR + (directory - 2) * disk.layout.cluster_size + slot
        raw = disk.read(FIRST + position // SECTOR, 1)[position % SECTOR:][:32]
        first = raw[26] | raw[27] << 8 | raw[20] << 16
        if raw[11] != 15 and first == disk.layout.first_cluster[tuple(path.split("/"))]:
            return position
    raise AssertionError(path)


def damage_loop(disk):
    first = disk.layout.first_cluster[("kernel.elf",)]
    set_fat(disk, first + 3, first)


def damage_crosslink(disk):
    last = disk.layout.first_cluster[("kernel.elf",)] + -(-300000 // disk.layout.cluster_size) - 1
    set_fat(disk, last, disk.layout.first_cluster[("EFI", "BOOT", "BOOTX64.EFI")])


def damage_free(disk):
    set_fat(disk, disk.layout.first_cluster[("kernel.elf",)] + 1, 0)


def damage_outside(disk):
    set_fat(disk, disk.layout.first_cluster[("kernel.elf",)] + 1, 0x0FFFFFF0)


def damage_short(disk):
    set_fat(disk, disk.layout.first_cluster[("kernel.elf",)] + 1, 0x0FFFFFFF)


def damage_size(disk):
    poke(disk, entry_position(disk, "kernel.elf") + 28, struct.pack("<I", 10**9))


def damage_no_cluster(disk):
    poke(disk, entry_position(disk, "kernel.elf") + 26, bytes(2))


def damage_dots(disk):
    poke(disk, (disk.layout.data + (disk.layout.first_cluster[("EFI",)] - 2) * disk.layout.cluster_sectors) * SECTOR, b"X")


def damage_format(disk):
    poke(disk, 13, b"\x40")


def damage_zeros(disk):
    for lba in range(0, disk.layout.data, 64):
        disk.write(FIRST + lba, bytes(64 * SECTOR))


DAMAGES = {damage_loop: "belongs to a file already", damage_crosslink: "belongs to a file already", damage_free: "is free",
           damage_outside: "does not exist", damage_short: "fewer clusters", damage_size: "fewer clusters",
           damage_no_cluster: "but no cluster", damage_dots: "does not begin with itself",
           damage_format: "formatted anew", damage_zeros: "formatted anew"}


@pytest.mark.parametrize("damage", DAMAGES)
def test_nothing_is_brought_back_from_a_volume_that_contradicts_itself(folder, disk, damage):
    good = disk.snapshot()
    at(disk, "empty").write(0, b"not brought back")
    at(disk, "loader/loader.conf").delete()
    damage(disk)
    disk.flush()
    disk.flush()
    assert tree(folder) == EXAMPLE
    line, = disk.warnings
    assert "the directory stays as it is" in line and DAMAGES[damage] in line and "\n" not in line
    disk.restore(good)
    at(disk, "empty").write(0, b"brought back")
    disk.flush()
    assert tree(folder) == {**EXAMPLE, "empty": b"brought back"}


def doubt_lost(disk):
    set_fat(disk, disk.layout.following + 1000, 0x0FFFFFFF)


def doubt_copies(disk):
    set_fat(disk, disk.layout.following + 1000, 0x0FFFFFF7, copies=1)


def doubt_name(disk):
    volume_of(disk).root.create("UGLY")
    data = disk.read(FIRST + disk.layout.data, 8)
    poke(disk, disk.layout.data * SECTOR + data.index(b"UGLY "), b"UG/Y")


def doubt_size(disk):
    poke(disk, entry_position(disk, "kernel.elf") + 28, bytes(4))


DOUBTS = {doubt_lost: "1 clusters are taken", doubt_copies: "the two FATs differ", doubt_name: "'UG/Y'",
          doubt_size: "clusters, but no size"}


@pytest.mark.parametrize("doubt", DOUBTS)
def test_nothing_is_deleted_while_something_may_be_half_written(folder, disk, doubt):
    volume = volume_of(disk)
    down(volume, "EFI/BOOT/BOOTX64.EFI").rename("moved.efi", volume.root)
    at(disk, "loader/loader.conf").delete()
    at(disk, "loader").delete()
    at(disk, "empty").write(0, b"written")
    doubt(disk)
    disk.flush()
    assert tree(folder) == {**EXAMPLE, "empty": b"written", "moved.efi": EXAMPLE["EFI/BOOT/BOOTX64.EFI"]}
    assert any(DOUBTS[doubt] in line for line in disk.warnings)


def test_directories_nested_without_end(folder, disk):
    """Each in a cluster of its own, as deep as the volume has clusters for: refused before it takes memory."""
    count = 20000
    free = disk.layout.following
    empty = new_entry("D", (), attributes=DIRECTORY)
    for number in range(count):
        inside = dot_entries(free + number, 0 if not number else free + number - 1)
        if number < count - 1:
            inside += encode(empty._replace(first_cluster=free + number + 1))
        disk.overlay[FIRST + disk.layout.data + (free + number - 2) * disk.layout.cluster_sectors] = inside.ljust(SECTOR, b"\0")
    for copy in range(2):
        position = (disk.layout.reserved + copy * disk.layout.fat_sectors) * SECTOR + 4 * free
        poke(disk, position, struct.pack("<I", 0x0FFFFFFF) * count)
    end = len(disk.layout.content[()])
    poke(disk, disk.layout.data * SECTOR + end, encode(empty._replace(first_cluster=free)))
    start = time.process_time()
    disk.flush()
    assert time.process_time() - start < 20
    assert any("nested more than 256 deep" in line for line in disk.warnings)
    deep = os.path.join(folder, *["D"] * 256)
    assert os.path.isdir(deep) and not os.path.exists(os.path.join(deep, "D"))


def test_more_files_than_anybody_has(folder, disk, monkeypatch):
    monkeypatch.setattr(guest_module, "MOST_NODES", 10)
    root = volume_of(disk).root
    for number in range(5):
        root.create(f"{number}")
    disk.flush()
    assert tree(folder) == EXAMPLE and "more than 10 files" in disk.warnings[0]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_damaged_fat_costs_no_file(damaged, data):
    """Whatever becomes of the FAT's entries, in both copies alike: the directory stays as it is."""
    folder, disk, clean = damaged
    disk.restore(clean)
    for _ in range(data.draw(st.integers(1, 6))):
        cluster = data.draw(st.integers(2, disk.layout.following + 5))
        set_fat(disk, cluster, data.draw(st.one_of(st.integers(0, disk.layout.following + 5), st.integers(0, 2**32 - 1),
                                                   st.sampled_from([0x0FFFFFFF, 0x0FFFFFF7, 0x0FFFFFF8]))))
    disk.flush()
    assert tree(folder) == EXAMPLE


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_directories_do_no_harm(damaged, data):
    """Bytes changed in the directories: nothing happens outside, and when they are as before, so is the host."""
    folder, disk, clean = damaged
    disk.restore(clean)
    start = disk.layout.data * SECTOR
    ends = max(disk.layout.first_cluster[directory.path] for directory in disk.layout.directories) - 1
    for _ in range(data.draw(st.integers(1, 6))):
        poke(disk, start + data.draw(st.integers(0, ends * disk.layout.cluster_size - 1)),
             bytes([data.draw(st.integers(0, 255))]))
    disk.flush()
    assert sorted(os.listdir(folder.parent)) == ["esp"]
    disk.restore(clean)
    disk.flush()
    assert tree(folder) == EXAMPLE


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged") / "esp"
    folder.mkdir()
    put(EXAMPLE, folder)
    disk = DirectoryDisk(folder, "write", free=0)
    yield folder, disk, disk.snapshot()
    disk.close()


# ---- a host that is in the way ---------------------------------------------------------------------------------------

def test_what_the_host_has_changed_is_not_overwritten(folder, disk):
    (folder / "kernel.elf").write_bytes(b"by the host")
    (folder / "empty").write_bytes(b"by the host")
    (folder / "new").write_bytes(b"by the host")
    (folder / "same").write_bytes(b"same")
    (folder / "loader/loader.conf").unlink()
    at(disk, "kernel.elf").truncate(0)
    at(disk, "empty").delete()
    for name in ("new", "same"):
        volume_of(disk).root.create(name).write(0, b"same")
    at(disk, "Ein langer Name.txt").write(0, b"by the guest")
    disk.flush()
    assert tree(folder)["Ein langer Name.txt"].startswith(b"by the guest")
    for path in ("kernel.elf", "empty", "new"):
        assert (folder / path).read_bytes() == b"by the host"
        assert any(f": {path} is not" in line for line in disk.warnings)
    assert not (folder / "loader/loader.conf").exists()


def test_what_was_not_shown_is_out_of_reach(folder, tmp_path):
    (tmp_path / "outside").write_bytes(b"outside")
    (folder / "link").symlink_to("../outside")
    (folder / "loader" / "odd?").write_bytes(b"odd")
    os.mkfifo(folder / "pipe")
    disk = DirectoryDisk(folder, "write", free=0)
    told = len(disk.warnings)
    volume_of(disk).root.create("link").write(0, b"by the guest")
    volume_of(disk).root.create("pipe").write(0, b"by the guest")
    at(disk, "loader/loader.conf").delete()
    at(disk, "loader").delete()
    disk.close()
    assert (tmp_path / "outside").read_bytes() == b"outside" and (folder / "link").is_symlink()
    assert os.listdir(folder / "loader") == ["odd?"]
    assert told == 3 and len(disk.warnings) == 6 and "not empty" in disk.warnings[-1]


def test_a_directory_that_has_become_a_link_leads_nowhere(folder, tmp_path, disk):
    (tmp_path / "elsewhere").mkdir()
    os.rename(folder / "loader", tmp_path / "old")
    (folder / "loader").symlink_to("../elsewhere")
    at(disk, "loader").create("new").write(0, b"by the guest")
    disk.flush()
    assert os.listdir(tmp_path / "elsewhere") == [] and any("leads elsewhere" in line for line in disk.warnings)
    assert not [name for name in os.listdir(folder) if name.startswith(".x86")]


def test_links_stay_what_they_showed(folder):
    (folder / "first").symlink_to("kernel.elf")
    (folder / "second").symlink_to("Ein langer Name.txt")
    (folder / "third").symlink_to("loader/loader.conf")
    disk = DirectoryDisk(folder, "write", free=0)
    at(disk, "kernel.elf").write(0, b"changed")
    at(disk, "Ein langer Name.txt").delete()
    at(disk, "third").write(0, b"by the guest")
    expected = volume_tree(volume_of(disk))
    disk.close()
    assert tree(folder) == expected and disk.warnings == []
    assert expected["first"] == EXAMPLE["kernel.elf"] and expected["loader/loader.conf"] == EXAMPLE["loader/loader.conf"]


def test_a_host_without_room(folder, disk, monkeypatch):
    at(disk, "kernel.elf").write(0, b"changed")
    at(disk, "empty").delete()

    def full(*_, **__):
        raise OSError(28, "No space left on device")
    with monkeypatch.context() as patch:
        patch.setattr(os, "utime", full)
        disk.flush()
    assert tree(folder) == EXAMPLE and "No space left" in disk.warnings[0]
    disk.flush()
    assert tree(folder) == volume_tree(volume_of(disk)) and "empty" not in tree(folder)


def test_a_part_that_the_host_has_lost_is_not_made_up(folder, disk):
    (folder / "kernel.elf").unlink()
    at(disk, "kernel.elf").write(0, b"changed")
    disk.flush()
    assert not (folder / "kernel.elf").exists() and any("gone on the host" in line for line in disk.warnings)
