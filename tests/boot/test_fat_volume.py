"""FAT volumes: against images of mkfs.fat, with mtools at the other end and fsck.fat as the judge."""
import pickle

import pytest
from fat_images import SHAPES, SMALL_SHAPES, Counted, Plain, check, fresh, mkfs, mtools_tree, run, save, volume_tree

from boot.disk import Disk
from boot.fat import (
    Corrupt,
    Exists,
    Full,
    Moment,
    NameInvalid,
    NotEmpty,
    NotFound,
    ReadOnly,
    Volume,
    WrongKind,
    entries,
)
from x86.faults import ImageError

NAMES = ["kernel.elf", "KERNEL.SYS", "Readme.txt", "boot.CFG", "A long name with blanks.text", ".hidden", "a.b.c", "noext",
         "\u00fcber stra\u00dfe.txt", "\u65e5\u672c\u8a9e.txt", "initramfs-6.1.0-44-amd64.img", "x" * 100, "UPPER.low",
         "(odd) name, + more = [x];", "tail~1.txt"]


def content(number, size=1000):
    return bytes((number * 7 + index * index) & 0xFF for index in range(size))


def shape_name(shape):
    return "FAT{}-{}".format(*shape)


@pytest.fixture(params=SMALL_SHAPES, ids=shape_name)
def made(request, tmp_path):
    """(disk, volume) of each kind, empty; fsck.fat is silent about it afterwards."""
    disk, volume = fresh(request.param)
    yield disk, volume
    check(disk, tmp_path)
    assert volume_tree(Volume(disk)) == volume_tree(volume)             # what is cached is what is there


# ---- what it is ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("shape", SHAPES, ids=shape_name)
def test_images_of_mkfs(shape, tmp_path):
    disk, volume = fresh(shape, "-n", "TEST DISK", "-i", "ABCD1234")
    kind, cluster, kilobytes = shape
    assert (volume.type, volume.cluster_size, volume.total) == (kind, cluster, kilobytes * 1024)
    assert (volume.label, volume.serial, volume.warnings) == ("TEST DISK", 0xABCD1234, [])
    used, clusters = run("fsck.fat", "-n", save(disk, tmp_path / "image")).split()[-2].split("/")
    assert volume.clusters == int(clusters) and volume.free_clusters == int(clusters) - int(used)
    assert volume.free == volume.free_clusters * cluster
    assert volume_tree(volume) == {} and volume.root.is_directory and volume.root.is_root


@pytest.mark.parametrize("shape", SHAPES, ids=shape_name)
def test_files_of_mtools(shape, tmp_path):
    image = tmp_path / "image"
    image.write_bytes(mkfs(*shape))
    expected = {}
    for number, name in enumerate(NAMES):
        (tmp_path / name).write_bytes(content(number, 1 << number))
        run("mcopy", "-i", image, tmp_path / name, "::")
        expected[name] = content(number, 1 << number)
    run("mmd", "-i", image, "::Sub dir", "::Sub dir/deeper")
    run("mcopy", "-i", image, tmp_path / NAMES[0], "::Sub dir/deeper")
    expected |= {"Sub dir": None, "Sub dir/deeper": None, "Sub dir/deeper/kernel.elf": content(0, 1)}
    volume = Volume(Disk(image))
    assert volume_tree(volume) == expected
    kernel = volume.root.lookup("KERNEL.elf")
    assert (kernel.name, kernel.short_name, kernel.entry.slot == kernel.entry.first_slot) == \
        ("kernel.elf", "KERNEL.ELF", True)
    assert volume.root.lookup("ALONGN~1.TEX").name == "A long name with blanks.text"
    assert [child.name for child in volume.root.lookup("sub DIR").entries()] == [".", "..", "deeper"]


@pytest.mark.parametrize("shape", SHAPES, ids=shape_name)
def test_files_for_mtools(shape, tmp_path):
    disk, volume = fresh(shape)
    expected = {}
    folder = volume.root.create("Some Folder", directory=True)
    for number, name in enumerate(NAMES):
        for home, path in ((volume.root, ""), (folder, "Some Folder/")):
            home.create(name).write(0, content(number, 1 << number))
            expected[path + name] = content(number, 1 << number)
    check(disk, tmp_path)
    assert mtools_tree(disk, tmp_path) == expected | {"Some Folder": None} == volume_tree(volume)


def test_times_and_attributes_as_mtools_shows_them(made, tmp_path):
    disk, volume = made
    node = volume.root.create("a.txt", attributes=entries.HIDDEN, moment=Moment(2001, 2, 3, 4, 5, 7, 89))
    node.set_times(modified=Moment(2026, 11, 24, 13, 49, 59))
    assert node.created == Moment(2001, 2, 3, 4, 5, 7, 89) and node.accessed == Moment(2001, 2, 3)
    assert node.modified == Moment(2026, 11, 24, 13, 49, 58)
    image = save(disk, tmp_path / "image")
    assert "2026-11-24  13:49" in run("mdir", "-a", "-i", image, "::")
    assert run("mattrib", "-i", image, "::a.txt").split()[:2] == ["A", "H"]
    node.set_attributes(entries.READ_ONLY | entries.SYSTEM | entries.DIRECTORY | entries.LABEL)
    assert node.attributes == entries.READ_ONLY | entries.SYSTEM and not node.is_directory
    with pytest.raises(ValueError, match="1980"):
        node.set_times(created=Moment(1970, 1, 1))
    assert node.created.year == 2001


def test_writing_sets_the_archive_bit_and_leaves_the_times(made):
    _, volume = made
    node = volume.root.create("a", moment=Moment(2001, 2, 3))
    node.set_attributes(0)
    node.write(0, b"x")
    assert node.attributes == entries.ARCHIVE and node.modified == Moment(2001, 2, 3)


# ---- bytes -----------------------------------------------------------------------------------------------------------

def test_read_and_write_at_all_edges(made):
    _, volume = made
    node, model = volume.root.create("data"), bytearray()
    for offset, size in ((0, 1), (511, 2), (512, 512), (1500, 3000), (3, 9000), (20000, 1), (20001, 511), (511, 1)):
        model.extend(bytes(max(0, offset + size - len(model))))
        model[offset:offset + size] = content(size, size)
        node.write(offset, content(size, size))
        assert node.read(0, len(model) + 1) == model and node.size == len(model)
    for offset, size in ((0, 0), (511, 1), (511, 2), (1023, 1026), (20511, 100), (20512, 1), (10**9, 1), (0, 10**9)):
        assert node.read(offset, size) == model[offset:offset + size]
    for size in (20512, 20480, 10241, 10240, 513, 512, 511, 1, 0, 0, 1, 600, 5000):
        node.truncate(size)
        model = model[:size] + bytes(max(0, size - len(model)))
        assert node.read(0, 10**9) == model and node.size == size
        assert node.allocated == -(-size // volume.cluster_size) * volume.cluster_size
    node.write(10000, b"")
    assert node.size == 5000
    for attempt in (lambda: node.read(-1, 1), lambda: node.write(-1, b"x"), lambda: node.truncate(-1)):
        with pytest.raises(ValueError, match="no place"):
            attempt()


def test_a_file_with_more_clusters_than_it_needs(made):
    """As drivers leave it that allocate ahead."""
    _, volume = made
    node = volume.root.create("file")
    node.write(0, b"\xAA" * 5000)
    directory = volume._directory(0)
    directory.store(node.entry.slot, entries.patch(directory.raw(node.entry), size=100))
    assert node.size == 100 and node.allocated == 5120
    node.write(200, b"x")
    node.write(600, b"y")
    assert node.read(0, 1000) == b"\xAA" * 100 + bytes(100) + b"x" + bytes(399) + b"y" and node.allocated == 5120
    node.truncate(601)
    assert node.allocated == 1024


def test_a_file_has_less_than_four_gigabytes(made):
    _, volume = made
    node = volume.root.create("data")
    for attempt in (lambda: node.write(0xFFFFFFFF, b"x"), lambda: node.truncate(1 << 32)):
        with pytest.raises(Full, match="4294967295 are the most"):
            attempt()
    with pytest.raises(Full, match="clusters of"):
        node.truncate(0xFFFFFFFF)
    assert node.size == 0 and node.allocated == 0


def test_files_that_grow_by_turns(made):
    _, volume = made
    one, other = volume.root.create("one"), volume.root.create("other")
    for number in range(40):
        one.write(number * 700, content(number, 700))
        other.write(number * 600, content(number + 1, 600))
    assert one.read(0, 10**6) == b"".join(content(number, 700) for number in range(40))
    assert other.read(0, 10**6) == b"".join(content(number + 1, 600) for number in range(40))


def test_a_full_volume_says_so_and_stays_as_it_was(made):
    _, volume = made
    volume.root.create("first").write(0, content(1, 5000))
    rest = volume.root.create("rest")
    free = volume.free_clusters
    with pytest.raises(Full, match="free"):
        rest.write(0, bytes((free + 1) * volume.cluster_size))
    assert volume.free_clusters == free and rest.size == 0
    rest.write(0, bytes(free * volume.cluster_size))
    assert volume.free_clusters == 0
    for attempt in (lambda: rest.write(rest.size, b"x"), lambda: volume.root.create("folder", directory=True),
                    lambda: volume.root.lookup("first").truncate(10**5)):
        with pytest.raises(Full):
            attempt()
    assert sorted(child.name for child in volume.root.entries()) == ["first", "rest"]
    assert volume.root.lookup("first").read(0, 10**6) == content(1, 5000)
    rest.delete()
    assert volume.free_clusters == free
    volume.root.create("again").write(0, bytes(free * volume.cluster_size))
    assert volume.free_clusters == 0


def test_clusters_that_become_free_are_found_again():
    _, volume = fresh((16, 512, 8192))
    one, two = volume.root.create("one"), volume.root.create("two")
    one.write(0, bytes(512 * (volume._table.entries - 2)))              # the first window of the FAT
    two.write(0, b"x")                                                  # which was looked through for that
    one.delete()
    free = volume.free_clusters
    volume.root.create("three").write(0, bytes(512 * free))
    assert volume.free_clusters == 0


# ---- directories -----------------------------------------------------------------------------------------------------

def test_three_hundred_files_in_a_directory(made, tmp_path):
    disk, volume = made
    home = volume.root.create("many", directory=True)
    for number in range(300):
        home.create(f"A file with the number {number}").write(0, content(number, 3))
    assert home.lookup("a FILE with the number 299").short_name == "AFIL~300"
    for number in range(0, 300, 3):
        home.lookup(f"A file with the number {number}").delete()
    for number in range(0, 300, 3):
        home.create(f"again{number}")
    expected = {f"many/A file with the number {number}": content(number, 3) for number in range(300) if number % 3}
    expected |= {f"many/again{number}": b"" for number in range(0, 300, 3)} | {"many": None}
    assert mtools_tree(disk, tmp_path) == expected == volume_tree(volume)


@pytest.mark.parametrize("shape", [(12, 512, 1440), (16, 512, 8192)], ids=shape_name)
def test_a_root_directory_that_is_full(shape, tmp_path):
    disk, volume = fresh(shape, "-r", "64")
    for number in range(31):
        volume.root.create(f"Long{number}")                             # two entries each
    volume.root.create("a.txt")
    volume.root.create("b.txt")
    for name in ("c.txt", "Long name"):
        with pytest.raises(Full, match="root directory is full"):
            volume.root.create(name)
    assert len(volume.root.entries()) == 33
    volume.root.lookup("Long7").rename("Brief")                         # takes the place it had
    volume.root.lookup("a.txt").delete()
    with pytest.raises(Full):
        volume.root.create("Long")
    volume.root.create("c.txt")
    volume.root.lookup("Brief").delete()
    volume.root.create("d.txt")
    with pytest.raises(Full):
        volume.root.lookup("c.txt").rename("Cc.txt")
    volume.root.lookup("c.txt").rename("e.txt")
    check(disk, tmp_path)
    assert mtools_tree(disk, tmp_path) == volume_tree(volume)


def test_a_directory_has_65536_entries_at_most():
    _, volume = fresh((16, 8192, 65536))
    home = volume.root.create("many", directory=True)
    directory = volume._directory(home.handle[3])
    filler = entries.encode(entries.Entry("X", b"X          "))
    slot, _ = directory.room(1)
    clusters = volume._find_free(255)
    directory.area.append(clusters)
    directory.store(slot, filler * (65536 - slot))
    volume._end_change(directory)
    with pytest.raises(Full, match="65536 entries"):
        home.create("one more")
    home.lookup("x").delete()
    home.create("ok")


def test_lookup_is_by_long_and_short_name_in_any_case(made):
    _, volume = made
    volume.root.create("Long file name.txt")
    volume.root.create("\u00dcber")
    for name in ("long FILE name.TXT", "longfi~1.txt", "LONGFI~1.TXT", "Long file name.txt.. "):
        assert volume.root.lookup(name).name == "Long file name.txt"
    assert volume.root.lookup("\u00fcBER").name == "\u00dcber"
    for name in ("long", "", "Long file name", "*", "..", "a/b"):
        with pytest.raises(NotFound):
            volume.root.lookup(name)
    with pytest.raises(Exists):
        volume.root.create("LONGFI~1.TXT")
    with pytest.raises(Exists):
        volume.root.create("LONG FILE NAME.TXT", directory=True)
    with pytest.raises(NameInvalid):
        volume.root.create("a:b")
    with pytest.raises(WrongKind):
        volume.root.lookup("\u00fcber").lookup("x")
    with pytest.raises(WrongKind):
        volume.root.read(0, 1)


def test_dots(made):
    _, volume = made
    one = volume.root.create("one", directory=True)
    two = one.create("two", directory=True)
    assert [child.name for child in two.entries()] == [".", ".."]
    assert two.lookup("..").lookup("TWO") == two and one.lookup("..").lookup("one") == one
    assert two.lookup(".").lookup("..").lookup("two") == two
    for node in (two.lookup("."), two.lookup(".."), volume.root):
        for attempt in (node.delete, lambda node=node: node.rename("x"), lambda node=node: node.set_attributes(0)):
            with pytest.raises(NameInvalid):
                attempt()
    with pytest.raises(NameInvalid):
        one.create("..")


def test_delete(made):
    _, volume = made
    free = volume.free_clusters
    folder = volume.root.create("folder", directory=True)
    inside = folder.create("inside")
    inside.write(0, bytes(5000))
    with pytest.raises(NotEmpty):
        folder.delete()
    inside.delete()
    for attempt in (lambda: inside.size, inside.delete, lambda: inside.read(0, 1), lambda: inside.write(0, b"x")):
        with pytest.raises(NotFound):
            attempt()
    folder.delete()
    assert volume.free_clusters == free and volume.root.entries() == []
    volume.root.create("other")                                         # in the slot that folder had
    with pytest.raises(NotFound):
        folder.entries()


def test_rename(made):
    _, volume = made
    one, two = (volume.root.create(name, directory=True) for name in ("one", "two"))
    node = one.create("file")
    node.write(0, b"content")
    before = node.created
    node.rename("Another, longer name")
    node.rename("Another, LONGER name")
    assert (node.name, one.lookup("another, longer NAME")) == ("Another, LONGER name", node)
    node.rename("ANOTHE~1")                                             # its own short name
    node.rename("moved", two)
    assert two.lookup("moved").read(0, 10) == b"content" and [child.name for child in one.entries()] == [".", ".."]
    two.create("there")
    with pytest.raises(Exists):
        node.rename("THERE")
    with pytest.raises(Exists):
        one.rename("there", two)
    with pytest.raises(NameInvalid):
        node.rename("a*")
    with pytest.raises(WrongKind):
        one.rename("x", node)
    assert node.name == "moved" and node.created == before


def test_a_directory_moves_with_what_is_open_in_it(made):
    _, volume = made
    one, two = (volume.root.create(name, directory=True) for name in ("one", "two"))
    inner = one.create("inner", directory=True)
    node = inner.create("file")
    node.write(0, b"content")
    inner.rename("Moved along", two)
    one.rename("uno")
    assert node.read(0, 10) == b"content" and inner.lookup("..").lookup("MOVED ALONG") == inner
    inner.rename("up", volume.root)
    assert inner.lookup("..").lookup("two") == two and volume.root.lookup("up").lookup("file") == node
    inner.rename("down", one)
    for home in (inner, one):
        with pytest.raises(NameInvalid, match="into itself"):
            one.rename("x", home)
    volume.root.create("sibling").delete()
    node.write(7, b", more")
    assert node.read(0, 20) == b"content, more"


def test_what_lies_behind_an_end_mark_does_not_come_to_light():
    disk, volume = fresh((12, 512, 1440))
    start = volume._layout.root_start // 512
    garbage = entries.encode(entries.Entry("GARBAGE", b"GARBAGE    ")) * 16
    disk.write(start, bytes(512) + garbage)
    disk.write(start, bytes(32) + garbage[32:])
    for number in range(40):
        volume.root.create(f"f{number}")
        assert len(Volume(disk).root.entries()) == number + 1


def test_a_directory_grows_by_empty_clusters():
    disk, volume = fresh((12, 512, 1440))
    node = volume.root.create("file")
    node.write(0, b"\xAA" * 512 * 100)
    node.delete()
    home = volume.root.create("folder", directory=True)
    for number in range(14):
        home.create(f"f{number}")
    assert home.allocated == 512
    home.create("f14")
    [(position, size)] = volume._chain(home.handle[3]).extents(512, 512)
    assert home.allocated == 1024 and disk.read(position // 512, size // 512)[32:] == bytes(480)


def test_an_orphaned_long_name_is_room_and_goes_to_nobody(made):
    disk, volume = made
    node = volume.root.create("A Long Name")
    directory = volume._directory(0)
    raw = bytearray(directory.raw(node.entry))
    raw[0] = entries.DELETED                                            # as a system deletes that knows no long names
    directory.store(node.entry.slot, bytes(raw))
    volume = Volume(disk)
    assert volume.root.create("ALONGN~1").entry.slot == 0               # the same checksum
    assert [child.name for child in Volume(disk).root.entries()] == ["ALONGN~1"]


# ---- label -----------------------------------------------------------------------------------------------------------

def test_label(made, tmp_path):
    disk, volume = made
    assert volume.label == ""
    volume.root.create("file")
    for text, kept in (("esp", "ESP"), ("EFI SYSTEM", "EFI SYSTEM"), ("", ""), ("TWELVE-LESS", "TWELVE-LESS")):
        volume.set_label(text)
        assert volume.label == kept == Volume(disk).label
        check(disk, tmp_path)
    for text in ("much too long", "a.b", "\u00fc", " x"):
        with pytest.raises(NameInvalid):
            volume.set_label(text)
    assert run("mlabel", "-s", "-i", save(disk, tmp_path / "image"), "::").split()[-1] == "TWELVE-LESS"
    assert [child.name for child in volume.root.entries()] == ["file"]


# ---- media -----------------------------------------------------------------------------------------------------------

def test_read_only():
    image = mkfs(12, 512, 1440)
    disk = Disk(image)
    Volume(disk).root.create("file").write(0, b"x")
    volume = Volume(Disk(b"".join(disk.read(lba, 1) for lba in range(disk.sectors)), mode="readonly"))
    node = volume.root.lookup("file")
    for attempt in (lambda: node.write(0, b"y"), lambda: node.truncate(0), node.delete, lambda: node.rename("z"),
                    lambda: volume.root.create("a"), lambda: volume.set_label("A"), lambda: node.set_attributes(0),
                    lambda: node.set_times(Moment(2000, 1, 1))):
        with pytest.raises(ReadOnly, match="write-protected"):
            attempt()
    assert volume.read_only and node.read(0, 10) == b"x"


@pytest.mark.parametrize("sector, block", [(4096, 512), (1024, 512), (512, 2048), (512, 4096), (2048, 2048)])
def test_sectors_and_blocks_of_any_size(sector, block, tmp_path):
    device = Counted(mkfs(16, 4096, 32768, "-S", str(sector)), block)
    volume = Volume(device)
    node = volume.root.create("Sub", directory=True).create("file")
    node.write(777, content(1, 7777))
    assert node.read(0, 10000) == bytes(777) + content(1, 7777)
    (tmp_path / "image").write_bytes(device.data)
    assert "2 files" in run("fsck.fat", "-n", tmp_path / "image") or sector != 512


def test_a_volume_on_a_partition():
    image = mkfs(12, 512, 1440)
    disk = Disk(bytes(63 * 512) + image + b"\xAA" * 512 * 100)
    volume = Volume(disk, 63, 2880, name="partition 1")
    volume.root.create("file").write(0, bytes(volume.free))
    assert disk.read(0, 63) == bytes(63 * 512) and disk.read(63 + 2880, 100) == b"\xAA" * 51200
    assert volume.name == "partition 1" and volume_tree(Volume(disk, 63)) == volume_tree(volume)
    with pytest.raises(ImageError, match="begins at sector 10000"):
        Volume(disk, 10000)


@pytest.mark.parametrize("shape", SMALL_SHAPES, ids=shape_name)
def test_both_fats_are_written_and_the_dirty_bit_is_left_alone(shape):
    disk, volume = fresh(shape)
    kind, start, size = volume.type, volume._layout.fat_start // 512, volume._layout.fat_size // 512
    first_two = {12: b"\xF8\xFF\xFF", 16: b"\xF8\xFF\xFF\x7F", 32: b"\xF8\xFF\xFF\x0F\xFF\xFF\xFF\x07"}[kind]
    for copy in range(2):                                               # "not shut down cleanly", where there is such a bit
        disk.write(start + copy * size, first_two + disk.read(start, 1)[len(first_two):])
    volume.root.create("file").write(0, bytes(100000))
    first, second = (disk.read(start + copy * size, size) for copy in range(2))
    assert first == second and first.startswith(first_two)
    assert len(set(first)) > 100                                        # and the file is in them


def test_fat32_without_mirroring_keeps_one_fat():
    disk, volume = fresh((32, 512, 40960))
    layout = volume._layout
    boot = bytearray(disk.read(0, 1))
    boot[0x28:0x2A] = b"\x81\0"                                         # FAT 1 only
    disk.write(0, bytes(boot))
    before = disk.read(layout.fat_start // 512, layout.fat_size // 512)
    volume.root.create("file").write(0, content(1, 5000))
    assert disk.read(layout.fat_start // 512, layout.fat_size // 512) == before
    assert Volume(disk).root.lookup("file").read(0, 5000) == content(1, 5000)


# ---- others on the same disk -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("device_class", [Plain, Counted, Disk])
@pytest.mark.parametrize("shape", SMALL_SHAPES, ids=shape_name)
def test_what_others_write_is_seen(shape, device_class):
    device = device_class(mkfs(*shape))
    ours, theirs = Volume(device), Volume(device)
    node = ours.root.create("file")
    node.write(0, content(1, 5000))
    other = theirs.root.lookup("FILE")
    assert other.read(0, 5000) == content(1, 5000)
    other.write(3000, content(2, 5000))
    assert node.size == 8000 and node.read(3000, 5000) == content(2, 5000)
    node.truncate(10)
    assert other.read(0, 5000) == content(1, 10)
    theirs.root.create("second").write(0, bytes(3000))
    assert [child.name for child in ours.root.entries()] == ["file", "second"]
    free = ours.free_clusters
    assert theirs.free_clusters == free
    node.delete()
    assert theirs.free_clusters == free + 1
    with pytest.raises(NotFound):
        other.read(0, 1)


def test_a_disk_that_is_formatted_anew_is_another_volume():
    disk, volume = fresh((16, 512, 8192))
    volume.root.create("file")
    other = mkfs(12, 4096, 8192)
    disk.write(0, other)
    assert volume.root.entries() == [] and volume.type == 12
    disk.write(0, bytes(512))
    with pytest.raises(Corrupt, match="BPB_BytsPerSec"):
        volume.root.entries()
    disk.write(0, other)
    assert volume.root.entries() == []


def test_a_snapshot_of_the_disk_takes_the_volume_back():
    disk, volume = fresh((12, 512, 1440))
    node = volume.root.create("file")
    node.write(0, b"then")
    before = disk.snapshot()
    node.write(0, b"now, and longer" * 100)
    volume.root.create("another")
    disk.restore(before)
    assert node.read(0, 10000) == b"then" and [child.name for child in volume.root.entries()] == ["file"]


@pytest.mark.parametrize("device_class", [Plain, Counted])
def test_volumes_and_nodes_are_plain_data(device_class):
    volume = Volume(device_class(mkfs(12, 512, 1440)))
    node = volume.root.create("Folder", directory=True).create("file")
    node.write(0, content(1, 3000))
    copied, copy = pickle.loads(pickle.dumps((volume, node)))
    assert copy.volume is copied and copy.read(0, 3000) == content(1, 3000)
    copy.write(0, b"changed")
    assert node.read(0, 7) == content(1, 7)
    handle = pickle.loads(pickle.dumps(node.handle))
    assert volume.node(handle) == node and volume.node(handle).read(0, 3000) == content(1, 3000)


def test_the_same_calls_leave_the_same_bytes_whatever_is_cached():
    devices = [Plain(mkfs(16, 512, 8192)), Counted(mkfs(16, 512, 8192))]
    for device in devices:
        volume = Volume(device)
        for number in range(60):
            home = volume.root if number % 3 else volume.root.create(f"folder {number}", directory=True)
            home.create(f"File {number}").write(number, content(number, 100 * number))
            if number % 4 == 3:
                volume.root.lookup(f"File {number - 1 if (number - 1) % 3 else number - 2}").delete()
            if device is devices[0] and number % 7 == 0:
                volume = Volume(device)
    assert devices[0].data == devices[1].data


# ---- speed -----------------------------------------------------------------------------------------------------------

def test_a_contiguous_file_is_one_read():
    device = Counted(mkfs(32, 512, 40960))
    volume = Volume(device)
    node = volume.root.create("file")
    node.write(0, bytes(1 << 20))
    node.read(0, 1)
    device.log.clear()
    assert len(node.read(0, 1 << 20)) == 1 << 20
    assert [count for _, _, count in device.log] == [2048]


def test_reading_in_small_pieces_follows_the_chain_once(monkeypatch):
    device = Counted(mkfs(32, 512, 40960))
    node = Volume(device).root.create("file")
    node.write(0, content(3, 1 << 20))
    node = Volume(device).root.lookup("file")
    steps = []
    follow = type(node.volume._table).next_of
    monkeypatch.setattr(type(node.volume._table), "next_of", lambda table, cluster: steps.append(1) or follow(table, cluster))
    device.log.clear()
    assert b"".join(node.read(offset, 512) for offset in range(0, 1 << 20, 512)) == content(3, 1 << 20)
    assert len(steps) <= 2048 + 10 and len(device.log) < 2048 + 20


def test_growing_in_small_pieces_reads_the_fat_once():
    device = Counted(mkfs(32, 512, 40960))
    node = Volume(device).root.create("file")
    node.write(0, b"x")
    device.log.clear()
    for offset in range(0, 1 << 18, 512):
        node.write(offset, bytes(512))
    assert sum(count for kind, _, count in device.log if kind == "read") < 4 * 512 + 200
