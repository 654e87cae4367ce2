"""Broken PE files: each a clear line that names the field; and whatever is done to a good one, nothing worse than that line."""
from __future__ import annotations

import re
import struct
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pe_builder import (
    BASE_RELOCATION,
    BSS,
    CODE,
    COFF_FIELDS,
    DEBUG,
    HEADERS,
    LFANEW,
    OPTIONAL_FIELDS,
    RELOC,
    RESOURCE,
    TEXT,
    Part,
    debug_entry,
    pe,
    poke,
    resources,
)
from pe_cases import BROKEN, GOOD, M32, RICH, TABLE, refusal

from boot.loaders import pe as loader
from x86.faults import ImageError


def test_a_hundred():
    assert len(BROKEN) >= 100
    assert len({words for _, words in BROKEN.values()}) >= 90


@pytest.mark.parametrize("name", BROKEN)
def test_broken(name):
    file, words = BROKEN[name]
    assert refusal(file) == words


# ---- whatever is done to a good one ---------------------------------------------------------------------------------

SECONDS = 2                             # each takes a millisecond
LARGE = 1 << 24                         # larger images are read but not loaded: the memory would be the test's


def survives(file):
    """Read and load a file: an image or ImageError in one line, and soon."""
    began = time.perf_counter()
    try:
        image = loader.read(file, "x.efi")
        assert 0 < image.headers_size < image.size <= loader.LARGEST_IMAGE and image.entry < image.size
        image.protections(), image.place(image.entry), image.resource("HII")
        if image.size <= LARGE:
            assert len(image.load(image.base or 0x10000)) == image.size
            assert len(image.load(0x7FF00000)) == image.size
    except ImageError as error:
        assert re.fullmatch(r"x\.efi: [ -~\ufffd]{10,240}", str(error)), str(error)
    assert time.perf_counter() - began < SECONDS


def test_everything_is_looked_at():
    image = loader.read(RICH)
    assert image.debug_path == "image.dll" and image.resource("HII") == b"package list" and image.relocations == (0x4000, 16)
    assert image.load(0x7FF00000) != image.load(image.base)


@given(st.integers(0, len(RICH)))
def test_truncated(length):
    survives(RICH[:length])


@given(st.lists(st.tuples(st.integers(0, 0x240) | st.integers(0, len(RICH) - 1), st.integers(1, 255)), min_size=1, max_size=8))
def test_bytes_changed(changes):
    file = bytearray(RICH)
    for at, change in changes:
        file[at] ^= change
    survives(bytes(file))


EXTREMES = [0, 1, 2, 7, 8, 0x3F, 0x80, 0x188, 0x400, 0xFFF, 0x1000, 0x5FFF, 0x6000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000,
            0xFFFFF000, M32 - 1, M32]


def offsets():
    """Where the rich file has numbers: (offset, format)."""
    at, found = LFANEW + 4, [(0x3C, "I")]
    for kind in (kind for layout in (COFF_FIELDS, OPTIONAL_FIELDS) for kind, _ in layout.values()):
        kind = {"A": "Q", "D": ""}.get(kind, kind)
        found += [(at, kind)] * bool(kind)
        at += struct.calcsize(kind)
    found += [(at + 4 * index, "I") for index in range(32)]
    found += [(TABLE + 40 * section + field, "I") for section in range(5) for field in range(8, 40, 4)]
    return found + [(raw + 4 * index, "I") for raw, count in ((0x800, 24), (0xA00, 4), (0xC00, 32)) for index in range(count)]


@pytest.mark.parametrize("value", EXTREMES, ids=hex)
def test_each_field_at_its_extremes(value):
    for at, kind in offsets():
        survives(poke(RICH, at, kind, value % (1 << 8 * struct.calcsize(kind))))


@given(st.lists(st.tuples(st.sampled_from(offsets()), st.sampled_from(EXTREMES)), min_size=2, max_size=5))
def test_several_fields_at_their_extremes(changes):
    file = RICH
    for (at, kind), value in changes:
        file = poke(file, at, kind, value % (1 << 8 * struct.calcsize(kind)))
    survives(file)


@given(st.binary(max_size=0x400).map(lambda junk: GOOD[:LFANEW + 4] + junk + bytes(0x400)) | st.binary(max_size=300))
def test_junk(file):
    survives(file)


# ---- hostile: small files that ask for much --------------------------------------------------------------------------

def many_sections():
    """65535 sections of one byte each, all made of the same byte of the file."""
    header = struct.pack("<8s6I2HI", b".s", 1, 0x300000, 1, 0x300000, 0, 0, 0, 0, CODE)
    file = pe([], AddressOfEntryPoint=0, NumberOfSections=0xFFFF, SizeOfHeaders=0x300000, SizeOfImage=0x301000)
    return (file[:TABLE] + header * 0xFFFF).ljust(0x300001, b"\xC3")


def many_debug_entries():
    return pe([Part(".d", 0x1000, debug_entry(kind=13) * 100_000)], {DEBUG: (0x1000, 2_800_000)}, SizeOfImage=0x800000)


def many_resources():
    tree = struct.pack("<IIIHH", 0, 0, 0, 0xFFFF, 0)
    return pe([Part(".rsrc", 0x1000, tree, size=0x100000)], {RESOURCE: (0x1000, 0x100000)}, SizeOfImage=0x200000)


HOSTILE = {"sections": many_sections, "debug entries": many_debug_entries, "resources": many_resources}


@pytest.mark.parametrize("name", HOSTILE)
def test_many(name):
    file = HOSTILE[name]()
    began = time.process_time()
    image = loader.read(file)
    image.load(0x40000000), image.protections()
    assert time.process_time() - began < 5


def test_many_relocations():
    """The most that are allowed: four million, in a file that has none of them."""
    size = loader.LARGEST_RELOCATIONS
    parts = [TEXT, Part(".reloc", 0x2000, struct.pack("<II", 0x1000, size), RELOC, size=size)]
    image = loader.read(pe(parts, {BASE_RELOCATION: (0x2000, size)}, SizeOfImage=0x2000 + size))
    began = time.process_time()
    image.load(0x200000)
    assert time.process_time() - began < 5


def test_reading_needs_no_memory_for_what_the_file_does_not_have():
    """A gigabyte of zeros: nothing is made of them before the image is loaded."""
    files = [pe([TEXT, Part(".bss", 0x2000, flags=BSS, size=0x3FFF0000)], SizeOfImage=0x40000000),
             pe([TEXT, Part(".rsrc", 0x2000, resources(0x2000, b"x"), size=0x3FFF0000)],
                {RESOURCE: (0x2000, M32)}, SizeOfImage=0x40000000),
             poke(pe([TEXT, Part(".rsrc", 0x2000, resources(0x2000, b"x"), size=0x3FFF0000)],
                     {RESOURCE: (0x2000, 0x100)}, SizeOfImage=0x40000000), HEADERS + 0x200 + 0x4C, "I", M32)]
    loader.read(GOOD)
    tracemalloc.start()
    try:
        for file in files:
            loader.read(file)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
