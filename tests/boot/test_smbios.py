"""SMBIOS: entry points, the walk through the structures, what they say of a machine, and dmidecode's reading of it."""
from __future__ import annotations

import re
import shutil
import subprocess
from types import SimpleNamespace

import pytest
from hypothesis import given, strategies as st

from boot import smbios
from x86 import Machine, models

BASE = 0xFA070


def word(data, at, size):
    return int.from_bytes(data[at:at + size], "little")


def walk(table):
    """[(type, handle, fixed part, strings)], as the specification says to find the next structure."""
    found, at = [], 0
    while at < len(table):
        kind, length, handle = table[at], table[at + 1], word(table, at + 2, 2)
        end = table.index(b"\0\0", at + length)
        strings = table[at + length:end].split(b"\0") if end > at + length else []
        found.append((kind, handle, table[at:at + length], strings))
        at = end + 2
    return found


def described(memory="64M", **options):
    """The structures of a machine, by type."""
    found = {}
    for kind, _, fixed, strings in walk(smbios.build(Machine(memory, **options), BASE).table):
        found.setdefault(kind, []).append((fixed, strings))
    return found


def test_entry_points():
    built = smbios.build(Machine("64M"), BASE)
    new, old, table = built
    assert new[:5] == b"_SM3_" and len(new) == new[6] == 24 and new[7:9] == b"\3\0" and new[10] == 1
    assert sum(new) & 0xFF == 0
    assert word(new, 12, 4) == len(table) and word(new, 16, 8) == BASE
    assert old[:4] == b"_SM_" and len(old) == old[5] == 31 and old[6:8] == b"\2\x08" and old[30] == 0x28
    assert sum(old) & 0xFF == 0 == sum(old[16:]) & 0xFF and old[16:21] == b"_DMI_"
    assert word(old, 22, 2) == len(table) and word(old, 24, 4) == BASE and word(old, 28, 2) == len(walk(table))
    sizes = [len(fixed) + max(2, sum(len(each) + 1 for each in strings) + 1) for _, _, fixed, strings in walk(table)]
    assert word(old, 8, 2) == max(sizes) and sum(sizes) == len(table)


def test_structures_of_version_3_in_order():
    table = smbios.build(Machine("6G"), BASE).table
    assert [(kind, len(fixed)) for kind, _, fixed, _ in walk(table)] == [
        (0, 0x18), (1, 0x1B), (2, 0x0F), (3, 0x16), (4, 0x30), (16, 0x17), (17, 0x28), (19, 0x1F), (19, 0x1F), (32, 0x0B),
        (127, 4)]
    handles = [handle for _, handle, _, _ in walk(table)]
    assert len(set(handles)) == len(handles)
    by_kind = {kind: fixed for kind, _, fixed, _ in walk(table)}
    handle_of = {kind: handle for kind, handle, _, _ in reversed(walk(table))}
    assert word(by_kind[2], 11, 2) == handle_of[3]                      # the board is in the case
    assert word(by_kind[17], 4, 2) == word(by_kind[19], 12, 2) == handle_of[16]


@pytest.mark.parametrize("name", models.MODELS)
def test_the_processor(name):
    model = models.MODELS[name]
    (fixed, strings), = described(cpu=name)[4]
    assert strings[fixed[0x10] - 1].decode() == f"{name}: {model.title}"
    assert word(fixed, 8, 4) == model.signature and word(fixed, 12, 4) == model.word("leaf1_edx")
    assert bool(fixed[0x26] & 4) == ("LM" in model.features)
    assert word(fixed, 0x14, 2) == word(fixed, 0x16, 2) == 50           # MHz
    assert fixed[6] == word(fixed, 0x28, 2) == smbios.FAMILIES[name]
    assert [word(fixed, at, size) for at, size in ((0x23, 1), (0x24, 1), (0x25, 1), (0x2A, 2), (0x2C, 2), (0x2E, 2))] == [1] * 6


@given(st.one_of(st.integers(1 << 8, 1 << 20), st.integers(1, 1 << 34)))
def test_every_amount_of_memory_is_told(pages):
    """Read back as the specification says, in bytes; a machine with so much need not exist for that."""
    size = 4096 * pages
    low = size if size < 4 << 30 else 3 << 30
    memory = SimpleNamespace(size=size, ram_low=low, ram_high=size - low)
    structures = walk(b"".join(smbios._memory(memory)))
    array, module, *mapped = (fixed for _, _, fixed, _ in structures)
    capacity = word(array, 7, 4)
    assert (word(array, 0x0F, 8) if capacity == 0x8000_0000 else capacity << 10) == size
    short = word(module, 12, 2)
    told = (word(module, 0x1C, 4) << 20 if short == 0x7FFF else (short & 0x7FFF) << (10 if short & 0x8000 else 20))
    assert told == size or size >= 32 << 20 and told == size >> 20 << 20
    ranges = []
    for fixed in mapped:
        start, end = word(fixed, 4, 4), word(fixed, 8, 4)
        ranges.append((word(fixed, 0x0F, 8), word(fixed, 0x17, 8) + 1) if start == 0xFFFF_FFFF else (start << 10, end + 1 << 10))
    assert ranges == [(0, low)] + ([(4 << 30, (4 << 30) + size - low)] if size > low else [])


def test_the_firmware_says_what_it_is():
    bios, uefi = (walk(smbios.build(Machine("64M"), BASE, uefi=uefi).table)[0][2] for uefi in (False, True))
    assert (word(bios, 6, 2), bios[0x13] & 0x08) == (0xF000, 0)
    assert (word(uefi, 6, 2), uefi[0x13] & 0x08) == (0, 0x08)
    assert bios[0x12] & 1 and bios[0x13] & 0x10                         # ACPI; a virtual machine


def test_install_writes_what_build_gives():
    machine = Machine("64M")
    new, old = smbios.install(machine, 0x3F0_0000, uefi=True)
    memory = machine.memory
    assert memory.read(new, 5) == b"_SM3_" and memory.read(old, 4) == b"_SM_" and new % 16 == old % 16 == 0
    table = memory.read_u64(new + 16)
    assert table == memory.read_u32(old + 24) and table + memory.read_u32(new + 12) <= 0x3F0_0000 + smbios.SIZE
    assert memory.read(table, memory.read_u32(new + 12)) == smbios.build(machine, table, uefi=True).table


@pytest.mark.parametrize("base", [-1, (1 << 32) - 4095, 1 << 40])
def test_addresses_where_the_structures_cannot_be(base):
    with pytest.raises(ValueError, match="up to 4 GB"):
        smbios.build(Machine("64M"), base)


@pytest.mark.skipif(not shutil.which("dmidecode"), reason="dmidecode is not installed")
@pytest.mark.parametrize("entry", [0, 1])
@pytest.mark.parametrize("memory, words", [("64M", ["Size: 64 MB", "Range Size: 64 MB"]),
                                           ("6G", ["Size: 6 GB", "Ending Address: 0x001BFFFFFFF"])])
def test_dmidecode_reads_it(tmp_path, memory, words, entry):
    built = smbios.build(Machine(memory), 32)                           # a dump has the structures behind the entry point
    (tmp_path / "dump").write_bytes(built[entry].ljust(32, b"\0") + built.table)
    done = subprocess.run(["dmidecode", "--from-dump", tmp_path / "dump"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr
    assert not re.search(r"OUT OF SPEC|BAD INDEX|TRUNCATED|broken|invalid|<", done.stdout, re.IGNORECASE), done.stdout
    for each in ["BIOS Information", "ACPI is supported", "Motherboard", "Type: Desktop", "64-bit capable",
                 "No errors detected", "End Of Table", *words]:
        assert each in done.stdout
