"""FAT images that lie: a clear error of one line, never a traceback, an endless loop or memory without bounds."""
import struct

import pytest
from fat_images import SMALL_SHAPES, Counted, Plain, mkfs
from hypothesis import given, settings
from hypothesis import strategies as st

from boot.disk import Disk
from boot.fat import Corrupt, FatError, Full, NotFound, Volume, format_volume
from x86.faults import ImageError


def boot_sector(kind, **fields):
    """(disk of a formatted volume, with fields of its boot sector changed: offset_size=value)."""
    sectors = {12: 2880, 16: 16384, 32: 81920}[kind]
    disk = Disk(bytes(sectors * 512), name="image")
    format_volume(disk, kind=kind)
    boot = bytearray(disk.read(0, 1))
    for place, value in fields.items():
        offset, size = (int(number, 16) for number in place.strip("_").split("_"))
        boot[offset:offset + size] = value.to_bytes(size, "little")
    disk.write(0, bytes(boot))
    return disk


@pytest.mark.parametrize("kind, fields, words", [
    (12, {"_B_2": 0}, "BPB_BytsPerSec is 0"), (12, {"_B_2": 513}, "BPB_BytsPerSec is 513"),
    (12, {"_B_2": 256}, "BPB_BytsPerSec"), (12, {"_B_2": 8192}, "BPB_BytsPerSec"),
    (12, {"_D_1": 0}, "BPB_SecPerClus is 0"), (12, {"_D_1": 3}, "BPB_SecPerClus is 3"),
    (12, {"_E_2": 0}, "BPB_RsvdSecCnt is 0"), (12, {"_E_2": 0xFFFF}, "BPB_TotSec16 is 2880, and the first cluster"),
    (12, {"_10_1": 0}, "BPB_NumFATs is 0"), (12, {"_11_2": 0}, "BPB_RootEntCnt is 0"),
    (12, {"_13_2": 0}, "BPB_TotSec32 is 0, and so is BPB_TotSec16"), (12, {"_13_2": 33}, "BPB_TotSec16 is 33"),
    (12, {"_15_1": 0x77}, "BPB_Media is 77h"), (12, {"_16_2": 0}, "BPB_"), (12, {"_16_2": 8}, "BPB_FATSz16 is 8, too few"),
    (16, {"_13_2": 0, "_20_4": 10**6}, "BPB_FATSz16 is"), (16, {"_16_2": 1}, "BPB_FATSz16 is 1, too few"),
    (16, {"_E_2": 0xFFFF, "_13_2": 0, "_20_4": 70000}, "behind the medium's end"),
    (32, {"_24_4": 0}, "BPB_FATSz32 is 0"), (32, {"_24_4": 7}, "BPB_FATSz32 is 7, too few"),
    (32, {"_24_4": 0xFFFFFFFF}, "BPB_TotSec32 is 81920"), (32, {"_2A_2": 1}, "BPB_FSVer is 0001h"),
    (32, {"_2C_4": 0}, "BPB_RootClus is 0"), (32, {"_2C_4": 10**6}, "BPB_RootClus is 1000000"),
    (32, {"_28_2": 0x82}, "BPB_ExtFlags says that only FAT 2 of 2"), (32, {"_D_1": 2}, "which cannot have"),
])
def test_impossible_boot_sectors_name_the_field(kind, fields, words):
    with pytest.raises(ImageError, match=words) as error:
        Volume(boot_sector(kind, **fields))
    assert str(error.value).startswith("image: ") and "\n" not in str(error.value)


@pytest.mark.parametrize("data", [bytes(512), b"\xFF" * 512, bytes(range(256)) * 2,
                                  b"\xEB\x52\x90NTFS    \0\x02\x08" + bytes(499)])
def test_what_is_no_fat_volume_at_all(data):
    with pytest.raises(ImageError, match="no FAT volume"):
        Volume(Disk(data))


def test_numbers_of_clusters_at_the_limits_of_the_kinds():
    for clusters, kind in ((4084, 12), (4085, 16), (65524, 16)):
        disk = Disk(bytes(66100 * 512))
        format_volume(disk, sectors=66000, kind=16, cluster_size=512)
        boot = bytearray(disk.read(0, 1))
        boot[0x13:0x15] = bytes(2)
        boot[0x20:0x24] = (1 + 2 * struct.unpack_from("<H", boot, 0x16)[0] + 32 + clusters).to_bytes(4, "little")
        disk.write(0, bytes(boot))
        volume = Volume(disk)
        assert (volume.clusters, volume.type) == (clusters, kind)
    boot[0x20] += 1
    disk.write(0, bytes(boot))
    with pytest.raises(ImageError, match="65525 clusters are FAT32"):
        Volume(disk)


def test_a_truncated_image_is_read_as_far_as_it_goes():
    image = mkfs(16, 512, 8192)
    disk = Disk(image)
    volume = Volume(disk)
    volume.root.create("here").write(0, b"here")
    volume.root.create("large").write(0, b"x" * (4 << 20))
    whole = b"".join(disk.read(lba, 128) for lba in range(0, disk.sectors, 128))
    volume = Volume(Disk(whole[:2 << 20], name="cut"))
    assert volume.warnings == ["cut: the volume has 16384 sectors, but only 4096 of them are there"]
    large = volume.root.lookup("large")
    assert volume.root.lookup("here").read(0, 10) == b"here" and large.read(0, 512) == b"x" * 512
    with pytest.raises(Corrupt, match="lie behind its end"):
        large.read(3 << 20, 512)
    assert volume.free_clusters == 0
    with pytest.raises(Full):
        volume.root.lookup("here").write(0, bytes(1000))
    with pytest.raises(ImageError, match="behind the medium's end"):
        Volume(Disk(whole[:60 * 512]))


# ---- chains ----------------------------------------------------------------------------------------------------------

@pytest.fixture(params=SMALL_SHAPES, ids="FAT{0[0]}".format)
def broken(request):
    """(volume, its disk, a file of 20 clusters in a directory, poke(index, value)): poke changes the FAT."""
    disk = Disk(mkfs(*request.param), name="image")
    volume = Volume(disk)
    node = volume.root.create("folder", directory=True).create("file")
    node.write(0, bytes(20 * 512))
    volume = Volume(disk)
    node = volume.node(node.handle)
    first = node.entry.first_cluster

    def poke(index, value):
        writer = Volume(disk)
        writer._table.set(first + index, first + value if isinstance(value, int) else int(value, 16))
        writer._end_change()
    return volume, node, poke


@pytest.mark.parametrize("index, value, words", [
    (9, 5, "comes back to"), (0, 0, "comes back to"), (18, 0, "comes back to"), (3, "0", "is free"),
    (3, "1", "cluster 1h, which does not exist"), (3, "FFFFFF7", "marked bad"), (3, "FFFFFF0", "does not exist"),
    (3, "FFFFFFF", "too short")])
def test_broken_chains(broken, index, value, words):
    volume, node, poke = broken
    poke(index, value)
    assert node.read(0, 512 * (index + 1)) == bytes(512 * (index + 1))      # as far as it is whole
    for attempt in (lambda: node.read((index + 1) * 512, 1), lambda: node.read(0, 20 * 512), lambda: node.read(19 * 512, 1)):
        with pytest.raises(Corrupt, match=words):
            attempt()
    with pytest.raises(Corrupt):
        node.write(node.size, b"x" * 512)
    with pytest.raises(Corrupt):
        node.truncate(10 * 512) if words == "too short" else node.delete()
    assert node.size == 20 * 512 and volume.root.lookup("folder").lookup("file") == node


def test_a_loop_of_two_clusters_in_a_file_of_four_gigabytes(broken):
    volume, node, poke = broken
    poke(1, 0)
    directory = volume._directory(node.handle[0])
    raw = bytearray(directory.raw(node.entry))
    raw[28:32] = b"\xFF" * 4
    directory.store(node.entry.slot, bytes(raw))
    node = Volume(volume._medium.device).node(node.handle)
    with pytest.raises(Corrupt, match="comes back"):
        node.read(0xFFFFFF00, 10)
    assert len(node.volume._chain(node.entry.first_cluster)._starts) < 10


def test_entries_that_lead_nowhere(broken):
    volume, node, _ = broken
    for first, words in ((0, "too short"), (1, "does not exist"), (0xFFFF, "does not exist")):
        directory = volume._directory(node.handle[0])
        entry = node.entry
        raw = bytearray(directory.raw(entry))
        raw[20:22], raw[26:28] = b"\xFF\x0F" if first > 1 else bytes(2), first.to_bytes(2, "little")
        directory.store(entry.slot, bytes(raw))
        with pytest.raises(Corrupt, match=words):
            Volume(volume._medium.device).node(node.handle).read(0, 1)


@pytest.mark.parametrize("first, words", [(0, "has no cluster"), (1, "does not exist")])
def test_directories_that_lead_nowhere(broken, first, words):
    volume, _, _ = broken
    root = volume._directory(0)
    entry = root.find("folder")
    raw = bytearray(root.raw(entry))
    raw[26:28] = first.to_bytes(2, "little")
    root.store(entry.slot, bytes(raw))
    folder = Volume(volume._medium.device).root.lookup("folder")
    for attempt in (folder.entries, lambda: folder.create("x"), folder.delete):
        with pytest.raises(Corrupt, match=words):
            attempt()


def test_a_directory_that_loops(broken):
    volume, node, _ = broken
    home = volume.root.lookup("folder")
    cluster = home.entry.first_cluster
    for number in range(13):
        home.create(f"f{number}")                                       # no end mark is left in its cluster
    writer = Volume(volume._medium.device)
    writer._table.set(cluster, cluster)
    writer._end_change()
    with pytest.raises(Corrupt, match="comes back"):
        home.entries()
    with pytest.raises(Corrupt, match="comes back"):
        home.create("x")


def test_a_directory_without_an_end(broken):
    volume, _, _ = broken
    home = volume.root.create("endless", directory=True)
    filler = (b"X          " + bytes(21)) * 16
    clusters = volume._find_free(2847 - 100 if volume.type == 12 else 4200)
    for cluster in clusters:
        volume._medium.write(volume._layout.cluster_position(cluster), filler)
    chain = volume._chain(home.entry.first_cluster)
    chain.follow()
    volume._medium.write(volume._layout.cluster_position(chain.first), filler)
    chain.append(clusters)
    volume._table.flush()
    home = Volume(volume._medium.device).node(home.handle)
    if volume.type == 12:
        assert len(home.entries()) == (len(clusters) + 1) * 16
    else:
        with pytest.raises(Corrupt, match="more than 65536 entries"):
            home.entries()


def test_directories_that_contain_each_other_are_walked_no_deeper_than_asked(broken):
    volume, node, _ = broken
    root = volume._directory(0)
    home = volume.root.lookup("folder")
    inside = home.create("inside", directory=True)
    directory = volume._directory(home.entry.first_cluster)
    raw = bytearray(directory.raw(inside.entry))
    raw[20:22], raw[26:28] = bytes(2), home.entry.first_cluster.to_bytes(2, "little")
    directory.store(inside.entry.slot, bytes(raw))
    node = home
    for _ in range(50):
        node = node.lookup("inside")
    assert root.find("folder")
    with pytest.raises(FatError):
        volume.root.lookup("folder").rename("x", node)


# ---- anything --------------------------------------------------------------------------------------------------------

def small_image(kind):
    """A volume with some of everything, as bytes; FAT32 only as far as it is used."""
    disk = Disk(bytes({12: 200, 16: 4300, 32: 66700}[kind] * 512))
    volume = format_volume(disk, kind=kind, cluster_size=512, root_entries=32, label="HOSTILE")
    for number in range(6):
        volume.root.create(f"A long name {number}").write(0, bytes([number]) * 700 * number)
    folder = volume.root.create("folder", directory=True)
    folder.create("deeper", directory=True).create("file.txt").write(0, b"text" * 300)
    for number in range(20):
        folder.create(f"f{number}")
    return disk, volume._layout


def exercise(device):
    """Everything there is to do on a volume, within bounds."""
    volume = Volume(device)
    assert volume.free_clusters <= volume.clusters and volume.label is not None
    seen = []
    waiting = [(volume.root, 0)]
    while waiting and len(seen) < 60:
        node, depth = waiting.pop()
        try:
            for child in node.entries()[:40]:
                seen.append(child)
                if child.is_directory and depth < 4:
                    waiting.append((child, depth + 1))
        except FatError as error:
            assert "\n" not in str(error)
    operations = [
        lambda node: node.read(0, 5000), lambda node: node.read(max(0, node.size - 1), 10),
        lambda node: node.write(node.size, b"x" * 600),
        lambda node: node.truncate(100), lambda node: node.create("A new name"), lambda node: node.rename("Another name"),
        lambda node: node.rename("Moved", volume.root), lambda node: node.lookup("file.txt"), lambda node: node.allocated,
        lambda node: node.set_attributes(3), lambda node: node.delete(), lambda node: node.name]
    for number, node in enumerate(seen):
        for operation in (operations[number % len(operations)], operations[(number * 5 + 3) % len(operations)]):
            try:
                operation(node)
            except FatError as error:
                assert "\n" not in str(error)
    volume.set_label("AFTER")


IMAGES = {}


@pytest.mark.parametrize("kind", [12, 16, 32])
def test_any_changed_bytes(kind):
    disk, layout = IMAGES.setdefault(kind, small_image(kind))
    interesting = [(0, 90), (layout.fat_start, 80), (layout.fat_start + layout.fat_size, 80),
                   (layout.root_start, 2048), (layout.data_start, 512 * 12)]
    places = st.one_of([st.integers(start, start + size - 1) for start, size in interesting])
    before = disk.snapshot()

    @settings(max_examples=settings().max_examples * (60 if kind == 32 else 120) // 100)
    @given(st.lists(st.tuples(places, st.one_of(st.integers(0, 255), st.sampled_from([0, 1, 2, 3, 0xE5, 0x0F, 0xFF]))),
                    min_size=1, max_size=25))
    def mutate(changes):
        disk.restore(before)
        for place, value in changes:
            sector = bytearray(disk.read(place // 512, 1))
            sector[place % 512] = value
            disk.write(place // 512, bytes(sector))
        try:
            exercise(disk)
        except (FatError, ImageError) as error:
            assert "\n" not in str(error)
    mutate()


CHANGES = [
    lambda node, number: node.write(number * 300, bytes([number]) * 700), lambda node, number: node.truncate(number * 200),
    lambda node, number: node.delete(), lambda node, number: node.create(f"new {number}", True),
    lambda node, number: node.rename(f"Renamed {number}")]
QUESTIONS = [
    lambda node, number: node.read(0, 5000), lambda node, number: [child.name for child in node.entries()],
    lambda node, number: (node.entry, node.allocated)]


@settings(max_examples=settings().max_examples * 40 // 100)
@given(st.lists(st.tuples(st.integers(2, 40), st.integers(2, 40)), min_size=1, max_size=6),
       st.lists(st.tuples(st.integers(0, 20), st.sampled_from(CHANGES), st.integers(0, 9)), max_size=6))
def test_what_is_cached_makes_no_difference_on_a_volume_with_cross_links(links, operations):
    disk, _ = IMAGES.setdefault("links", small_image(12))
    devices = [kind(b"".join(disk.read(lba, 1) for lba in range(disk.sectors))) for kind in (Plain, Counted)]
    results = []
    for device in devices:
        writer = Volume(device)
        for cluster, following in links:
            writer._table.set(cluster, following)
        writer._end_change()
        volume, results = Volume(device), [*results, []]
        nodes = [volume.root, *volume.root.entries()[2:]]
        try:
            folder = volume.root.lookup("folder")
            nodes += [child for child in folder.entries() if child.name[0] != "f"] + folder.lookup("deeper").entries()
        except FatError as error:
            results[-1].append(str(error))
        for which, change, number in operations:
            asked = [(question, node) for node in nodes for question in QUESTIONS]
            for operation, node in [*asked, (change, nodes[which % len(nodes)])]:
                try:
                    results[-1].append(str(operation(node, number)))
                except FatError as error:
                    results[-1].append(str(error))
    assert results[0] == results[1] and devices[0].data == devices[1].data


def test_a_file_that_has_clusters_of_its_directory(broken):
    volume, node, poke = broken
    home = volume.root.lookup("folder")
    poke(19, f"{home.entry.first_cluster:X}")
    for attempt in (lambda: node.write(node.size, b"x"), lambda: node.truncate(5), node.delete):
        with pytest.raises(Corrupt, match="its own directory"):
            attempt()
    assert node.size == 20 * 512


@given(st.binary(min_size=1, max_size=512), st.integers(0, 2))
def test_any_boot_sector(data, copies):
    device = Plain((data + bytes(512 - len(data))) * (copies + 1))
    try:
        exercise(device)
    except (FatError, ImageError) as error:
        assert "\n" not in str(error)


def test_a_node_of_any_handle():
    disk, _ = small_image(12)
    volume = Volume(disk)
    for handle in ((0, 1000, b"X" * 11, 2), (10**9, 0, b"X" * 11, 2), (1, 0, b"X" * 11, 0), (2, 1, b"A" * 11, 0)):
        with pytest.raises((NotFound, Corrupt)):
            volume.node(handle).read(0, 1)
