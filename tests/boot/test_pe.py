"""PE32+ images: what lies where in memory, what is accepted although it looks odd, and a clear line for all the rest."""
from __future__ import annotations

import pickle
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pe_builder import (
    ABSOLUTE,
    BASE_RELOCATION,
    BSS,
    CODE,
    DATA,
    DEBUG,
    DIR64,
    HEADERS,
    HIGH,
    HIGHLOW,
    IS,
    LFANEW,
    LOW,
    POINTERS,
    RELOC,
    RESOURCE,
    TEXT,
    Part,
    block,
    codeview,
    debug_entry,
    pe,
    poke,
    reloc,
    resources,
)
from pe_cases import ACCEPTED, BROKEN_RESOURCES, BROKEN_TABLES, RSRC, refusal, with_resources, with_table

from boot.loaders import pe as loader

BASE = 0x140000000                      # ImageBase of the good file


# ---- a good one -----------------------------------------------------------------------------------------------------

def test_fields():
    image = loader.read(pe(), "good.efi")
    assert (image.name, image.subsystem, image.entry, image.base, image.size) == ("good.efi", 10, 0x1010, BASE, 0x5000)
    assert (image.section_alignment, image.headers_size, image.nx_compat, image.relocatable) == (0x1000, HEADERS, True, True)
    assert image.sections == [
        (".text", 0x1000, 0x100, 0x400, 0x200, True, False, True, False),
        (".data", 0x2000, 0x1800, 0x600, 0x200, True, True, False, False),
        (".reloc", 0x4000, 0x10, 0x800, 0x200, True, False, False, True)]
    assert image.debug_path == "" and image.resource("HII") is None
    assert loader.SUBSYSTEMS[image.subsystem] == "UEFI application"


def test_flags_are_those_of_the_header():
    image = loader.read(pe(Subsystem=11, DllCharacteristics=0, Characteristics=0x0207))
    assert (image.subsystem, image.nx_compat, image.relocatable) == (11, False, False)


@pytest.mark.parametrize("base", [0x100000, BASE, 0x7FFFFFFFF000], ids=hex)
def test_memory(base):
    file = pe()
    memory = loader.read(file).load(base)
    expected = bytearray(0x5000)
    expected[:HEADERS] = file[:HEADERS]
    struct.pack_into("<Q", expected, LFANEW + 24 + 24, base)                  # ImageBase, as EDK2 leaves it
    expected[0x1000:0x1100] = bytes(range(0x100))
    expected[0x2000:0x2024] = struct.pack("<4Q", base + 0x1000, base + 0x2008, base, 7) + b"data"
    expected[0x4000:0x4010] = struct.pack("<II4H", 0x2000, 16, 0xA000, 0xA008, 0xA010, 0)
    assert memory == expected


def test_loading_changes_nothing_in_the_image():
    image = loader.read(pe())
    first = image.load(0x200000)
    first[:] = bytes(len(first))
    assert image.load(0x200000) == loader.read(pe()).load(0x200000) != first


def test_an_image_is_plain_data():
    image = loader.read(pe())
    assert pickle.loads(pickle.dumps(image)) == image
    assert len(repr(image)) < 1000      # not the file


def test_is_pe():
    assert loader.is_pe(pe()) and loader.is_pe(pe()[0x80:])
    for other in (b"", b"MZ", b"\x7fELF" + bytes(100), bytes(1000), pe(lfanew=0xFFFFFFFF), pe()[:0x82]):
        assert not loader.is_pe(other)


# ---- relocations ----------------------------------------------------------------------------------------------------

WIDTHS = {ABSOLUTE: 0, HIGH: 2, LOW: 2, HIGHLOW: 4, DIR64: 8}


@given(base=st.integers(1, (1 << 44) - 1).map(lambda page: page << 12), data=st.binary(min_size=0x40, max_size=0x40),
       entries=st.lists(st.tuples(st.sampled_from(sorted(WIDTHS)), st.integers(0, 0x38)), max_size=12))
def test_relocations_add_the_distance(base, data, entries):
    table = block(0x2000, *entries)
    parts = [TEXT, Part(".data", 0x2000, data), reloc(table)]
    memory = loader.read(pe(parts, {BASE_RELOCATION: (0x4000, len(table))})).load(base)
    expected = bytearray(data)
    distance = base - BASE
    for kind, offset in entries:        # in order: they may lie over one another
        value = int.from_bytes(expected[offset:offset + WIDTHS[kind]], "little")
        value += distance >> 16 & 0xFFFF if kind == HIGH else distance
        expected[offset:offset + WIDTHS[kind]] = (value % (1 << 8 * WIDTHS[kind])).to_bytes(WIDTHS[kind], "little")
    assert memory[0x2000:0x2040] == expected


def test_blocks_for_several_pages():
    words = Part(".data", 0x2000, struct.pack("<Q", 5) * 0x300)
    table = block(0x2000, (DIR64, 0xFF8)) + block(0x3000, (DIR64, 0), (DIR64, 0x7F8)) + block(0x1FFC, (DIR64, 4))
    memory = loader.read(pe([TEXT, words, reloc(table)], {BASE_RELOCATION: (0x4000, len(table))})).load(BASE + 0x1000)
    changed = [at for at in range(0x2000, 0x3800, 8) if memory[at:at + 8] != struct.pack("<Q", 5)]
    assert changed == [0x2000, 0x2FF8, 0x3000, 0x37F8]
    assert memory[0x2000:0x2008] == struct.pack("<Q", 0x1005)


@pytest.mark.parametrize("name", BROKEN_TABLES)
def test_relocations_that_make_no_sense(name):
    table, words = BROKEN_TABLES[name]
    assert refusal(with_table(table), 0x200000) == words


@pytest.mark.parametrize("name", BROKEN_TABLES)
def test_relocations_are_not_looked_at_where_none_are_needed(name):
    loader.read(with_table(BROKEN_TABLES[name][0])).load(BASE)


def test_a_block_may_not_be_cut_off_by_the_end_of_the_image():
    # the table's last two bytes look like a block of which the image has four bytes
    table = block(0x2000, (DIR64, 0)).ljust(0xFFC, b"\0")
    table = poke(table, 4, "I", 0xFFA)
    assert refusal(with_table(table, 0xFFC), 0x200000) == \
        "the block of relocations at 4FFAh is cut off by SizeOfImage 5000h"
    table = block(0x2000, size=0xFFF).ljust(0xFFF, b"\0")
    odd = pe([TEXT, POINTERS, reloc(table)], {BASE_RELOCATION: (0x4000, 0xFFF)}, SizeOfImage=0x4FFF)
    assert refusal(odd, 0x200000) == \
        "the block of relocations at .reloc+0h ends with half an entry, cut off by SizeOfImage 4FFFh"


@pytest.mark.parametrize("table, size", [
    (b"", 0), (block(0x2000), None), (struct.pack("<4I", 0x2000, 4, 12, 0), None),
    (block(0x2000, (DIR64, 0)) + b"\0", None),              # a byte is left over
    (block(0x2000, (ABSOLUTE, 0xFFF)), None)], ids=["none", "empty", "block of 4 bytes", "odd", "absolute"])
def test_tables_that_edk2_reads(table, size):
    loader.read(with_table(table, size)).load(0x200000)


def test_half_an_entry_counts():
    table = block(0x2000, (DIR64, 0), (DIR64, 8), size=11)          # EDK2 reads while an entry begins in the block
    memory = loader.read(with_table(table, 11)).load(BASE + 0x1000)
    assert struct.unpack_from("<2Q", memory, 0x2000) == (BASE + 0x2000, BASE + 0x3008)


# ---- where it can be loaded -----------------------------------------------------------------------------------------

def test_stripped_relocations():
    image = loader.read(pe(Characteristics=0x0207, directories={BASE_RELOCATION: (0xFFFFFFFF, 0xFFFFFFFF)}))
    assert struct.unpack_from("<Q", image.load(BASE), 0x2000) == (BASE + 0x1000,)
    assert refusal(pe(Characteristics=0x0207), 0x200000) == \
        "linked for 140000000h, its relocations are stripped: it cannot be loaded at 200000h"


def test_no_relocations_but_relocatable():
    memory = loader.read(pe(directories={BASE_RELOCATION: (0, 0)})).load(0x200000)
    assert struct.unpack_from("<Q", memory, 0x2000) == (BASE + 0x1000,)


def test_addresses_that_no_image_can_have():
    assert refusal(pe(), 0) == "no image can be loaded at address 0"
    assert refusal(pe(), 0x200800) == "200800h is no address for SectionAlignment 1000h"
    assert refusal(pe(SectionAlignment=0x200000), 0x7F000000 + 0x1000) == "7F001000h is no address for SectionAlignment 200000h"
    loader.read(pe(SectionAlignment=0x20)).load(0x200020)
    loader.read(pe(SectionAlignment=3)).load(0x200000)


# ---- odd, and accepted: as EDK2 does --------------------------------------------------------------------------------

def test_a_section_with_more_in_the_file_than_in_memory():
    """Raw data is padded to FileAlignment; the padding stays out of memory, where the next section may begin."""
    parts = [Part(".text", 0x1000, b"\xC3" * 0x200, CODE, size=0x10), Part(".data", 0x1010, b"\x22" * 0x200, size=0x20)]
    memory = loader.read(pe(parts)).load(BASE)
    assert memory[0x1000:0x1040] == b"\xC3" * 0x10 + b"\x22" * 0x20 + bytes(0x10)


def test_a_section_without_virtual_size():
    image = loader.read(pe([Part(".text", 0x1000, b"\xC3" * 0x200, CODE, size=0)]))
    assert image.sections[0].size == 0x200
    assert image.load(BASE)[0xFFE:0x1202] == b"\0\0" + b"\xC3" * 0x200 + b"\0\0"


def test_sections_over_one_another():
    """Later ones win, with their zeros as well."""
    parts = [Part(".a", 0x1000, b"\xAA" * 0x200), Part(".b", 0x1100, b"\xBB" * 0x80, size=0x100),
             Part(".bss", 0x1010, flags=BSS, size=8)]
    memory = loader.read(pe(parts)).load(BASE)
    assert memory[0x1000:0x1200] == b"\xAA" * 0x10 + bytes(8) + b"\xAA" * 0xE8 + b"\xBB" * 0x80 + bytes(0x80)


def test_a_section_of_nothing_may_be_anywhere():
    nowhere = Part(".none", 0xFFFFFFFF, raw=0xFFFFFFFF, size=0)
    first = Part(".first", 0, size=0)
    memory = loader.read(pe([nowhere, TEXT, first])).load(BASE)
    assert memory[:HEADERS] == pe([nowhere, TEXT, first])[:HEADERS]
    assert memory[HEADERS:] == loader.read(pe([TEXT])).load(BASE)[HEADERS:]


def test_small_alignment():
    """As objcopy and old linkers made: sections side by side, 16 or 32 bytes apart."""
    parts = [Part(".text", 0x400, b"\xC3" * 0x30, CODE), Part(".data", 0x440, b"\x11" * 0x10)]
    image = loader.read(pe(parts, SectionAlignment=0x20, AddressOfEntryPoint=0x400, SizeOfImage=0x451))
    assert image.load(0x10020)[0x400:] == b"\xC3" * 0x30 + bytes(0x10) + b"\x11" * 0x10 + b"\0"
    assert image.protections() is None


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name):
    image = loader.read(ACCEPTED[name])
    assert len(image.load(0x200000 if image.relocatable else image.base)) == image.size


def test_pe32_for_this_machine():
    words = Part(".data", 0x2000, struct.pack("<2I", 0x401000, 3))
    table = block(0x2000, (HIGHLOW, 0))
    image = loader.read(pe([TEXT, words, reloc(table)], {BASE_RELOCATION: (0x4000, len(table))}, Magic=0x10B, ImageBase=0x400000))
    memory = image.load(0x1_0020_0000)
    assert struct.unpack_from("<2I", memory, 0x2000) == (0x201000, 3)
    assert struct.unpack_from("<I", memory, LFANEW + 24 + 28) == (0x200000,)


def test_a_bzimage_in_its_headers():
    """Linux: the MZ header is a boot sector's first instructions, PE header and setup header lie in what a BIOS would load."""
    parts = [Part(".setup", 0x400, b"\x01" * 0x200), Part(".reloc", 0x600, bytes(0x20), RELOC), Part(".compat", 0x620, bytes(8)),
             Part(".text", 0x1000, b"\xC3" * 0x800, CODE, size=0x3000)]
    file = pe(parts, count=6, AddressOfEntryPoint=0x1230, SectionAlignment=0x20)
    image = loader.read(file[:0x202] + b"HdrS" + file[0x206:])
    memory = image.load(0x200000)
    assert memory[0x202:0x206] == b"HdrS" and memory[0x1230:0x1231] == b"\xC3" and not any(memory[0x1800:])


# ---- what lies where, in words and in pages -------------------------------------------------------------------------

def test_place():
    image = loader.read(pe())
    assert [image.place(rva) for rva in (0, 0x3FF, 0x400, 0x1000, 0x10FF, 0x1100, 0x37FF, 0x5000)] == [
        "headers+0h", "headers+3FFh", "image+400h", ".text+0h", ".text+FFh", "image+1100h", ".data+17FFh", "image+5000h"]


def test_names_of_sections_are_one_line():
    parts = [TEXT._replace(name="a\nb\x1b[2J"), POINTERS._replace(name="")]
    image = loader.read(pe(parts))
    assert [section.name for section in image.sections] == ["a?b?[2J", ""]
    assert image.place(0x2004) == "section+4h"


def test_protections():
    assert loader.read(pe(SizeOfImage=0x5800)).protections() == [
        (0, 0x1000, False, False), (0x1000, 0x1000, False, True), (0x2000, 0x2000, True, False),
        (0x4000, 0x1000, False, False), (0x5000, 0x1000, True, False)]
    both = [TEXT._replace(rva=0x3000), POINTERS._replace(rva=0x1000, size=8, flags=0xE0000020)]     # any order, any flags
    assert loader.read(pe(both)).protections() == [
        (0, 0x1000, False, False), (0x1000, 0x1000, True, True), (0x2000, 0x1000, True, False), (0x3000, 0x1000, False, True),
        (0x4000, 0x1000, True, False)]
    assert loader.read(pe([], AddressOfEntryPoint=0)).protections() == [(0, 0x1000, False, False), (0x1000, 0x4000, True, False)]


@pytest.mark.parametrize("parts", [
    [TEXT._replace(rva=0x800)], [TEXT._replace(size=0x1001), POINTERS], [TEXT, POINTERS._replace(rva=0x1000)],
    [TEXT._replace(rva=0x1010)]], ids=["in the headers' page", "into the next", "over one another", "not aligned"])
def test_no_protections_where_pages_are_shared(parts):
    assert loader.read(pe(parts)).protections() is None


@given(st.lists(st.tuples(st.integers(0x400, 0x4FFF) | st.sampled_from((0x1000, 0x2000, 0x3000)), st.integers(0, 0x2000),
                          st.booleans(), st.booleans()), max_size=5))
def test_protections_cover_the_image(parts):
    parts = [Part(f"s{number}", rva, size=min(size, 0x5000 - rva), flags=write << 31 | execute << 29)
             for number, (rva, size, write, execute) in enumerate(parts)]
    image = loader.read(pe(parts))
    ranges = image.protections()
    sections = [section for section in image.sections if section.size]
    pages = [set(range(section.rva >> 12, (section.end + 0xFFF) >> 12)) for section in sections]
    apart = all(section.rva % 0x1000 == 0 for section in sections) and sum(map(len, pages)) == len(set().union(*pages))
    if not apart:
        assert ranges is None
        return
    assert [rva for rva, *_ in ranges] + [0x5000] == [0] + [rva + size for rva, size, *_ in ranges]
    for section in sections:
        assert (section.rva, -(-section.size // 0x1000) * 0x1000, section.writable, section.executable) in ranges


# ---- debug directory ------------------------------------------------------------------------------------------------

DEBUG_RVA = 0x3000


def with_debug(entries, data=b"", size=None, **fields):
    """Entries at RVA 3000h (in the file at 600h), `data` behind them."""
    part = Part(".debug", DEBUG_RVA, entries + data, DATA)
    return pe([TEXT, part], {DEBUG: (DEBUG_RVA, len(entries) if size is None else size)}, **fields)


def with_codeview(data, **entry):
    return with_debug(debug_entry(**{"size": len(data), "rva": DEBUG_RVA + 28, "offset": 0x61C, **entry}), data)


@pytest.mark.parametrize("signature, header", [(b"RSDS", 24), (b"NB10", 16), (b"MTOC", 20)])
def test_debug_path(signature, header):
    data = codeview(b"/build/X64/Shell.dll", signature, header)
    assert loader.read(with_codeview(data)).debug_path == "/build/X64/Shell.dll"
    assert loader.read(with_codeview(data, rva=0)).debug_path == "/build/X64/Shell.dll"     # in the file only
    assert refusal(with_codeview(data, size=header - 1)) == \
        f"the CodeView data ({signature.decode()}) has {header - 1} bytes, it should be {header} and a path"
    assert loader.read(with_codeview(data, size=header)).debug_path == ""
    assert loader.read(with_codeview(data, size=header + 6)).debug_path == "/build"


def test_debug_path_is_one_line():
    assert loader.read(with_codeview(codeview(b"a\n\x1b\xff\xc3\xa4"))).debug_path == "a??\ufffd\xe4"
    assert loader.read(with_codeview(codeview(b"a" * 0x1C0) + b"x", size=0xFFFFFFFF)).debug_path == "a" * 0x1C0


def test_the_first_codeview_entry_counts():
    data = codeview(b"first.dll") + codeview(b"other.dll")
    at = DEBUG_RVA + 3 * 28
    entries = debug_entry(kind=13, rva=0xFFFFFFFF) + debug_entry(size=34, rva=at) + debug_entry(size=34, rva=at + 34)
    assert loader.read(with_debug(entries, data)).debug_path == "first.dll"


def test_codeview_that_is_nowhere():
    for entry in ({"rva": 0, "offset": 0}, {"rva": 0, "offset": 0xFFFFFFFF}, {"rva": 0x4800}, {"rva": 0x1000}):
        assert loader.read(with_codeview(codeview(b"x.dll"), **entry)).debug_path == ""
    assert refusal(with_codeview(codeview(b"x.dll"), rva=0x5000)) == "the CodeView data is at 5000h, and SizeOfImage is 5000h"


def test_debug_directory_beyond_the_file():
    assert refusal(with_debug(debug_entry(kind=13), size=0xFFFFFFFF)) == \
        "the debug directory at 3000h has FFFFFFFFh bytes, and the file ends at 3200h"
    entries = (debug_entry(kind=13) * 19)[:0x200].ljust(0x200, b"\0")
    late = Part(".debug", 0x4FF0, entries, size=0x10)
    assert refusal(pe([TEXT, late._replace(data=debug_entry(kind=13) + debug_entry())], {DEBUG: (0x4FF0, 56)})) == \
        "the debug entry at 500Ch lies outside SizeOfImage 5000h"


# ---- resources ------------------------------------------------------------------------------------------------------

def test_resource():
    image = loader.read(with_resources(resources(RSRC, b"package list")))
    assert image.resource("HII") == b"package list"
    assert image.resource("HI") is image.resource("HIII") is image.resource("") is None
    assert loader.read(with_resources(resources(RSRC, b"1", kind="ICON"))).resource("ICON") == b"1"


def test_resource_data_ends_with_the_section():
    tree = resources(RSRC, b"package list")
    for size in (0xFFFFFFFF, 0x40000000):
        data = loader.read(with_resources(poke(tree, 0x4C, "I", size))).resource("HII")
        assert data == b"package list"
    assert loader.read(with_resources(poke(tree, 0x48, "I", 0x5000))).resource("HII") is None


def test_resources_over_another_section():
    """The last section is what lies in memory."""
    other = Part(".data", RSRC - 0x100, b"\xFF" * 0x200)
    rsrc = Part(".rsrc", RSRC, resources(RSRC, b"package list"))
    assert loader.read(pe([TEXT, other, rsrc], {RESOURCE: (RSRC, 0x7C)})).resource("HII") == b"package list"
    assert refusal(pe([TEXT, rsrc, other], {RESOURCE: (RSRC, 0x7C)})) == \
        "the resource directory at +0h has 131070 entries, and all resources have 7Ch bytes"


def test_resources_with_numbers_for_names():
    assert loader.read(with_resources(poke(resources(RSRC, b"x"), 16, "I", 3))).resource("HII") is None


@pytest.mark.parametrize("name", BROKEN_RESOURCES)
def test_resources_that_make_no_sense(name):
    tree, words = BROKEN_RESOURCES[name]
    assert refusal(with_resources(tree)) == words


def test_a_tree_of_resources_that_is_a_ring():
    tree = poke(poke(resources(RSRC, b"x"), 0x2C, "I", IS), 20, "I", IS)        # types are names are languages
    assert loader.read(with_resources(tree)).resource("HII") is None
