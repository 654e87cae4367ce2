"""Empty FAT volumes: what fsck.fat and mtools say of them, for any size."""
import pytest
from fat_images import Plain, check, mtools_tree, run, save
from hypothesis import given, settings
from hypothesis import strategies as st

from boot.disk import Disk
from boot.fat import NameInvalid, ReadOnly, Volume, format_volume
from x86.faults import ImageError


class Sparse:
    """A device of zeros but for what was written."""
    generation = 0

    def __init__(self, sectors, filler=0):
        self.sectors, self.written, self.filler = sectors, {}, bytes([filler]) * 512

    def read(self, lba, count):
        return b"".join(self.written.get(number, self.filler) for number in range(lba, lba + count))

    def write(self, lba, data):
        self.generation += 1
        for position in range(0, len(data), 512):
            self.written[lba + position // 512] = bytes(data[position:position + 512])


@pytest.mark.parametrize("sectors, kind, cluster", [
    (2880, 12, 512), (5760, 12, 1024), (64, 12, 512), (8400, 12, 2048), (8401, 16, 512), (131072, 16, 1024),
    (1 << 20, 16, 8192), ((1 << 20) + 1, 32, 4096)])
def test_what_is_usual_for_a_size(sectors, kind, cluster):
    volume = format_volume(Sparse(sectors))
    assert (volume.type, volume.cluster_size, volume.total) == (kind, cluster, sectors * 512)
    assert volume.free_clusters == volume.clusters - (kind == 32)
    assert (volume.label, volume.serial, volume.root.entries()) == ("", 0, [])


@pytest.mark.parametrize("kind, sectors, cluster", [
    (12, 2880, None), (12, 65000, None), (12, 200, 4096), (16, 4300, 512), (16, 70000, None), (16, 40000, 4096),
    (32, 67000, None), (32, 140000, 1024), (32, 270000, 2048)])
def test_fsck_and_mtools_agree(kind, sectors, cluster, tmp_path):
    disk = Disk(bytes(sectors * 512))
    volume = format_volume(disk, kind=kind, cluster_size=cluster, label="New Disk", serial=0x12345678)
    check(disk, tmp_path)
    assert (volume.type, volume.label, volume.serial) == (kind, "NEW DISK", 0x12345678)
    listing = run("mdir", "-i", save(disk, tmp_path / "image"), "::")
    assert "NEW DISK" in listing and "1234-5678" in listing
    volume.root.create("A file").write(0, b"x" * 10000)
    check(disk, tmp_path)
    assert mtools_tree(disk, tmp_path) == {"A file": b"x" * 10000}


@settings(max_examples=40)
@given(st.integers(1, 150000), st.sampled_from([None, 12, 16, 32]), st.sampled_from([None, 512, 4096, 32768]), st.integers(0, 2))
def test_any_size_is_divided_or_refused(sectors, kind, cluster, fats):
    device = Sparse(sectors)
    try:
        volume = format_volume(device, kind=kind, cluster_size=cluster, fats=fats + 1)
    except ImageError as error:
        assert "sectors are no FAT" in str(error) and "\n" not in str(error)
        assert device.written == {}
    else:
        assert kind in (None, volume.type) and cluster in (None, volume.cluster_size)
        data = volume._layout.data_start
        assert data + volume.clusters * volume.cluster_size <= sectors * 512
        assert sectors * 512 < data + (volume.clusters + 1) * volume.cluster_size


def test_what_was_there_before_is_gone():
    for kind, sectors in ((12, 2880), (16, 8000), (32, 67000)):
        device = Sparse(sectors, filler=0xE7)
        volume = format_volume(device, kind=kind)
        assert volume.root.entries() == [] and volume.free_clusters == volume.clusters - (kind == 32)
        node = volume.root.create("folder", directory=True)
        assert len(node.entries()) == 2


def test_a_partition_of_a_disk():
    disk = Disk(b"\xAA" * (512 * 10000))
    volume = format_volume(disk, 2048, 4000, label="PART")
    boot = disk.read(2048, 1)
    assert int.from_bytes(boot[0x1C:0x20], "little") == 2048 and boot[0x13:0x15] == (4000).to_bytes(2, "little")
    assert (boot[0x18], boot[0x1A]) == (disk.geometry.sectors, disk.geometry.heads)
    assert disk.read(0, 2048) == b"\xAA" * 512 * 2048 and disk.read(6048, 10000 - 6048) == b"\xAA" * 512 * (10000 - 6048)
    assert Volume(disk, 2048, 4000).label == volume.label == "PART"


def test_the_same_call_makes_the_same_bytes():
    one, other = Plain(bytes(512 * 2880)), Plain(bytes(512 * 2880))
    for device in (one, other):
        format_volume(device, label="SAME", serial=1)
    assert one.data == other.data


def test_arguments_that_are_none():
    with pytest.raises(ValueError, match="kind is 64"):
        format_volume(Sparse(2880), kind=64)
    with pytest.raises(ValueError, match="cluster of 1000 bytes"):
        format_volume(Sparse(2880), cluster_size=1000)
    device = Sparse(2880)
    with pytest.raises(NameInvalid):
        format_volume(device, label="too long for it")
    assert device.written == {}
    with pytest.raises(ReadOnly):
        format_volume(Disk(bytes(512 * 2880), mode="readonly"))
    with pytest.raises(ImageError, match="2880 sectors are no FAT32 volume, which has 65541 to"):
        format_volume(Sparse(2880), kind=32)
