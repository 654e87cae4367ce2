"""Partition tables: what the partitioning tools make, what is broken, and what was made to harm."""
from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
import subprocess
import zlib
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boot.disk import SECTOR, Disk
from boot.gpt import EFI_SYSTEM_PARTITION, ENTRIES, Entry, GptEntry, Header, build_gpt, read_gpt
from boot.partitions import partition_table

LINUX = UUID("0FC63DAF-8483-4772-8E79-3D69D8477DE4")
DISK_GUID = UUID("11111111-2222-3333-4444-555555555555")
ENVIRONMENT = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/sbin:/usr/sbin"}


def tool(name, *arguments, **options):
    """Output of an installed tool; the test is skipped by its name without it."""
    path = shutil.which(name, path=ENVIRONMENT["PATH"])
    if path is None:
        pytest.skip(f"{name} is not installed")
    done = subprocess.run([path, *map(str, arguments)], capture_output=True, text=True, env=ENVIRONMENT, **options)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def record(kind, start, count, active=False):
    return struct.pack("<B3sB3sII", 0x80 if active else 0, b"\xFE\xFF\xFF", kind, b"\xFE\xFF\xFF", start, count)


def boot_record(*records, signature=0):
    return bytes(440) + struct.pack("<IH", signature, 0) + b"".join(records).ljust(64, b"\0") + b"\x55\xAA"


def image(sectors, pieces):
    """An image with bytes at given sectors."""
    data = bytearray(sectors * SECTOR)
    for lba, piece in pieces.items():
        data[lba * SECTOR:lba * SECTOR + len(piece)] = piece
    return data


def gpt_image(sectors=4096, entries=(), records=None):
    head, tail = build_gpt(sectors, DISK_GUID, entries)
    protective = boot_record(*(records or [record(0xEE, 1, sectors - 1)]))
    return image(sectors, {0: protective, 1: head, sectors - len(tail) // SECTOR: tail})


ESP = GptEntry(1, EFI_SYSTEM_PARTITION, UUID(int=7), 64, 1023, "EFI system partition")
ROOT = GptEntry(3, LINUX, UUID(int=8), 2048, 3000, "wurzel \u00E4\u4E2D", 1 << 60)


def table_of(data):
    return partition_table(Disk(bytes(data), name="it"))


# ---- GPT -------------------------------------------------------------------------------------------------------------

def test_gpt():
    table = table_of(gpt_image(entries=[ESP, ROOT]))
    assert (table.scheme, table.guid, table.hybrid, table.warnings) == ("gpt", DISK_GUID, False, ())
    esp, root = table.partitions
    assert (esp.number, esp.first, esp.last, esp.type, esp.unique) == (1, 64, 1023, EFI_SYSTEM_PARTITION, UUID(int=7))
    assert table.esp is esp and esp.is_esp and not root.is_esp
    assert (root.name, root.attributes, root.sectors) == ("wurzel \u00E4\u4E2D", 1 << 60, 953)
    assert esp.hard_drive == (1, 64, 960, UUID(int=7).bytes_le, 2, 2)
    assert pickle.loads(pickle.dumps(table)) == table


@st.composite
def layouts(draw):
    """Partitions that share no block, at random numbers."""
    edges = sorted(draw(st.sets(st.integers(34, 4000), min_size=2, max_size=20)))
    numbers = draw(st.permutations(range(1, ENTRIES + 1)))
    name = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0", max_codepoint=0xFFFF), max_size=36)
    return [GptEntry(number, draw(st.sampled_from([EFI_SYSTEM_PARTITION, LINUX])), UUID(int=number), first, last - 1,
                     draw(name), draw(st.integers(0, 2**64 - 1)))
            for number, first, last in zip(numbers, edges[::2], edges[1::2])]


@given(layouts())
def test_what_is_built_is_read(entries):
    warnings = []
    gpt = read_gpt(Disk(bytes(gpt_image(4096, entries))), warnings)
    assert gpt.disk_guid == DISK_GUID and not warnings
    assert gpt.entries == tuple(sorted(entries, key=lambda entry: entry.number))


@pytest.mark.parametrize("size", [128, 256, 4096])
def test_entries_of_other_sizes(size):
    array = b"".join(Entry.build({
        "PartitionTypeGUID": LINUX.bytes_le, "UniquePartitionGUID": UUID(int=number).bytes_le,
        "StartingLBA": 500 + number, "EndingLBA": 500 + number, "Attributes": 0, "PartitionName": bytes(72)}).ljust(size, b"\xAA")
        for number in range(1, 11))
    fields = {"Revision": 0x10000, "HeaderSize": 92, "HeaderCRC32": 0, "Reserved": 0, "MyLBA": 1, "AlternateLBA": 999,
              "FirstUsableLBA": 200, "LastUsableLBA": 900, "DiskGUID": DISK_GUID.bytes_le, "PartitionEntryLBA": 7,
              "NumberOfPartitionEntries": 10, "SizeOfPartitionEntry": size, "PartitionEntryArrayCRC32": zlib.crc32(array)}
    header = Header.build({**fields, "HeaderCRC32": zlib.crc32(Header.build(fields))})
    table = table_of(image(1000, {0: boot_record(record(0xEE, 1, 999)), 1: header, 7: array}))
    assert [(entry.number, entry.first) for entry in table.partitions] == [(n, 500 + n) for n in range(1, 11)]
    assert len(table.warnings) == 1 and "backup" in table.warnings[0]


@given(st.sampled_from(["header", "array"]), st.integers(0, 91), st.integers(1, 255))
def test_the_backup_counts_when_the_primary_is_broken(where, position, change):
    data = gpt_image(entries=[ESP, ROOT])
    whole = table_of(data)
    data[(SECTOR if where == "header" else 2 * SECTOR) + position] ^= change
    table = table_of(data)
    assert table.partitions == whole.partitions and table.guid == DISK_GUID
    assert len(table.warnings) == 1 and table.warnings[0].startswith("it: the primary GPT is broken")


@given(st.integers(0, 91), st.integers(1, 255))
def test_a_broken_backup_is_told(position, change):
    data = gpt_image(entries=[ESP])
    data[-SECTOR + position] ^= change
    table = table_of(data)
    assert [entry.number for entry in table.partitions] == [1]
    assert len(table.warnings) == 1 and "the backup GPT is broken" in table.warnings[0]


def test_both_broken():
    data = gpt_image(entries=[ESP])
    data[SECTOR + 60] ^= 1
    data[-SECTOR + 60] ^= 1
    table = table_of(data)
    assert not table.partitions and "both GPTs are broken" in table.warnings[0]


def test_a_gpt_without_protective_mbr_does_not_count():
    data = gpt_image(entries=[ESP])
    data[:SECTOR] = bytes(SECTOR)
    table = table_of(data)
    assert table.scheme == "none" and "no protective MBR" in table.warnings[0]


def test_hybrid():
    table = table_of(gpt_image(entries=[ESP], records=[record(0xEE, 1, 63), record(0xEF, 64, 960)]))
    assert table.scheme == "gpt" and table.hybrid and [entry.number for entry in table.partitions] == [1]


def test_overlaps_and_partitions_off_the_disk_are_left_out():
    entries = [GptEntry(1, LINUX, UUID(int=1), 100, 300), GptEntry(2, LINUX, UUID(int=2), 300, 400),
               GptEntry(3, LINUX, UUID(int=3), 500, 600), GptEntry(4, LINUX, UUID(int=4), 700, 5000),
               GptEntry(5, LINUX, UUID(int=5), 20, 30), GptEntry(6, LINUX, UUID(int=6), 650, 640)]
    table = table_of(gpt_image(entries=entries))
    assert [entry.number for entry in table.partitions] == [3]
    assert len(table.warnings) == 4 and any("1 and 2 overlap" in line for line in table.warnings)


def test_an_image_that_was_cut_off():
    table = table_of(gpt_image(entries=[ESP, ROOT])[:2200 * SECTOR])
    assert [entry.number for entry in table.partitions] == [1]
    assert any("backup" in line for line in table.warnings) and any("partition 3" in line for line in table.warnings)


def test_blocks_of_4096_bytes_are_told():
    head, _ = build_gpt(4096, DISK_GUID, [])
    table = table_of(image(64, {0: boot_record(record(0xEE, 1, 511)), 8: head}))
    assert table.scheme == "none" and any("4096" in line for line in table.warnings)


def test_no_block_io():
    hidden = GptEntry(2, LINUX, UUID(int=9), 1100, 1200, "", 2)
    assert [entry.has_block_io for entry in table_of(gpt_image(entries=[ESP, hidden])).partitions] == [True, False]


# ---- MBR -------------------------------------------------------------------------------------------------------------

def test_mbr():
    data = image(4096, {0: boot_record(record(0x0C, 64, 100, active=True), bytes(16), record(0xEF, 200, 56), signature=0xCAFE)})
    table = table_of(data)
    assert table.scheme == "mbr" and table.warnings == () and table.guid is None
    first, esp = table.partitions
    assert (first.number, first.first, first.last, first.type, first.active) == (1, 64, 163, 0x0C, True)
    assert table.esp == esp and esp.number == 3 and not esp.active and esp.unique is None
    assert esp.hard_drive == (3, 200, 56, b"\xFE\xCA".ljust(16, b"\0"), 1, 1)


def chain(links):
    """Sectors of an extended partition at LBA 1000: {LBA of an EBR: (its partition's record, the next EBR's LBA)}."""
    return {lba: boot_record(partition, record(0x05, following - 1000, 50) if following else b"")
            for lba, (partition, following) in links.items()}


def extended(links):
    return image(4096, {0: boot_record(record(0x83, 100, 100), record(0x0F, 1000, 1000)), **chain(links)})


def test_logical_partitions():
    table = table_of(extended({1000: (record(0x83, 10, 20), 1100), 1100: (record(0xEF, 5, 50), 1300),
                               1300: (record(0x06, 1, 699), 0)}))
    assert table.warnings == ()
    assert [(entry.number, entry.first, entry.last) for entry in table.partitions] == \
        [(1, 100, 199), (2, 1000, 1999), (5, 1010, 1029), (6, 1105, 1154), (7, 1301, 1999)]


def test_logical_partition_to_the_last_block():
    table = table_of(extended({1000: (record(0x83, 1, 999), 0)}))
    assert table.warnings == () and table.partitions[2].last == 1999 and table.partitions[1].is_container
    table = table_of(extended({1000: (record(0x83, 1, 1000), 0)}))
    assert len(table.partitions) == 2 and "not within partition 2" in table.warnings[0]


@pytest.mark.parametrize("links, words", [
    ({1000: (record(0x83, 1, 9), 1100), 1100: (record(0x83, 1, 9), 1000)}, "no 55 AA|comes back to LBA 1000"),
    ({1000: (record(0x83, 1, 9), 1100), 1100: (record(0x83, 1, 9), 1100)}, "comes back to LBA 1100"),
    ({1000: (record(0x83, 1, 9), 1100)}, "ends at LBA 1100, which has no 55 AA"),
    ({1000: (record(0x83, 1, 9), 2000)}, "leaves partition 2 for LBA 2000"),
])
def test_chains_that_go_wrong(links, words):
    table = table_of(extended(links))
    assert [entry.number for entry in table.partitions][:3] == [1, 2, 5]
    assert len(table.warnings) == 1
    assert any(word in table.warnings[0] for word in words.split("|"))


def test_a_chain_without_end():
    links = {1000 + 2 * step: (record(0x83, 1, 1), 1002 + 2 * step) for step in range(400)}
    table = table_of(extended(links))
    assert len(table.partitions) == 2 + 256 and "more than 256" in table.warnings[0]


def test_records_that_are_wrong():
    data = image(4096, {0: boot_record(record(0x83, 64, 100), record(0x83, 4000, 97), record(0x83, 150, 100))})
    table = table_of(data)
    assert table.partitions == () and len(table.warnings) == 2
    assert "partition 2: LBA 4000 to 4096 of 4096 blocks" in table.warnings[0] and "1 and 3 overlap" in table.warnings[1]


def test_boot_code_is_no_table():
    sector = bytearray(boot_record(record(0x83, 64, 100)))
    sector[446] = 0x33
    table = table_of(image(4096, {0: sector}))
    assert (table.scheme, table.partitions) == ("none", ()) and "status is 33h" in table.warnings[0]
    assert table_of(image(64, {0: b"\xEB\xFE"})).scheme == "none"


@pytest.mark.parametrize("kilobytes, bits", [(1440, 12), (20000, 16), (70000, 32)])
def test_a_volume_on_the_whole_disk(tmp_path, kilobytes, bits):
    path = tmp_path / "volume"
    tool("mkfs.fat", "-C", f"-F{bits}", path, kilobytes)
    assert partition_table(Disk(path)) == partition_table(Disk(path, "readonly"))
    assert partition_table(Disk(path)).scheme == "superfloppy"


# ---- the tools -------------------------------------------------------------------------------------------------------

def test_sgdisk_finds_nothing_wrong(tmp_path):
    path = tmp_path / "disk"
    path.write_bytes(gpt_image(8192, [ESP, ROOT]))
    assert "No problems found" in tool("sgdisk", "-v", path)


@pytest.mark.parametrize("label", ["gpt", "dos"])
def test_as_sfdisk_reads_what_sfdisk_wrote(tmp_path, label):
    path = tmp_path / "disk"
    path.write_bytes(bytes(64 << 20))
    script = {"gpt": "label: gpt\nsize=8M, type=U, name=\"boot\"\nsize=4M\nsize=9M, attrs=\"RequiredPartition,GUID:63\"\n",
              "dos": "label: dos\nlabel-id: 0x12345678\nsize=8M, type=ef, bootable\nsize=30M, type=5\nsize=4M, type=83\n"
                     "size=5M, type=6\nsize=6M, type=c\nsize=2M, type=83\n"}[label]
    tool("sfdisk", "-q", path, input=script)
    told = json.loads(tool("sfdisk", "--json", path))["partitiontable"]
    table = partition_table(Disk(path))
    assert table.warnings == () and table.scheme == {"gpt": "gpt", "dos": "mbr"}[label]
    assert [(int(row["node"][len(str(path)):]), row["start"], row["size"]) for row in told["partitions"]] == \
        [(entry.number, entry.first, entry.sectors) for entry in table.partitions]
    if label == "gpt":
        assert table.guid == UUID(told["id"])
        assert [(UUID(row["type"]), UUID(row["uuid"]), row.get("name", "")) for row in told["partitions"]] == \
            [(entry.type, entry.unique, entry.name) for entry in table.partitions]
        assert table.partitions[2].attributes == 1 | 1 << 63
    else:
        assert [int(row["type"], 16) for row in told["partitions"]] == [entry.type for entry in table.partitions]
        assert {entry.hard_drive.PartitionSignature[:4] for entry in table.partitions} == {bytes.fromhex("78563412")}
    assert table.esp.number == 1


# ---- made to harm ----------------------------------------------------------------------------------------------------

EXAMPLES = [bytes(gpt_image(256, [GptEntry(1, LINUX, UUID(int=1), 40, 200)])),
            bytes(extended({1000: (record(0x83, 10, 20), 1100), 1100: (record(0x83, 5, 50), 0)}))]


@settings(max_examples=300)
@given(st.sampled_from(EXAMPLES), st.lists(st.tuples(st.integers(0, 1300), st.integers(0, SECTOR - 1), st.integers(0, 255)),
                                           max_size=30), st.data())
def test_no_image_does_harm(example, changes, data):
    """Bytes changed anywhere, with the checksums made to fit now and then: no exception, and partitions on the disk."""
    disk = bytearray(example)
    for lba, position, value in changes:
        disk[(lba * SECTOR + position) % len(disk)] = value
    disk[510:512] = b"\x55\xAA"
    if data.draw(st.booleans()):
        for position in (72, 80, 84, 24, 32, 40, 48):
            if data.draw(st.booleans()):
                disk[SECTOR + position:SECTOR + position + 4] = struct.pack("<I", data.draw(st.integers(0, 2**32 - 1)))
        size = min(max(struct.unpack_from("<I", disk, SECTOR + 12)[0], 20), 512)
        disk[SECTOR + 16:SECTOR + 20] = bytes(4)
        disk[SECTOR + 16:SECTOR + 20] = struct.pack("<I", zlib.crc32(disk[SECTOR:SECTOR + size]))
    table = table_of(disk)
    assert all(0 < entry.first <= entry.last < len(disk) // SECTOR for entry in table.partitions)
    assert all("\n" not in line for line in table.warnings)
