"""Multiboot 2: the header's tags, relocation, the information's tags, and the processor's state at entry."""
from __future__ import annotations

import struct

import pytest
from hypothesis import given, strategies as st

from boot.loaders.ram import Ram
from boot.protocols import multiboot2
from boot.protocols.kernel import Module
from executables import Board, Screen, Segment, elf, multiboot2_header, read_sections, with_sections
from x86.faults import ImageError

MB = 1 << 20
CODE = b"\xf4" * 32
OPTIONAL = 1


def kernel(*tags, bits=32, **options):
    """An ELF kernel with a multiboot 2 header behind its program headers."""
    return elf([Segment(MB, CODE)], MB + 4, bits, lead=aligned(bits) + multiboot2_header(*tags, **options))


def aligned(bits):
    """Bytes that bring what follows an ELF header and one program header to a multiple of 8."""
    return bytes(-((64 + 56) if bits == 64 else (52 + 32)) % 8)


def tag(kind, *words, flags=0):
    return kind, flags, struct.pack(f"<{len(words)}I", *words)


def started(*tags, board=None, **options):
    board = board or Board()
    multiboot2.boot(board, kernel(*tags), "one two", **options)
    return board


def information(board):
    """[(type, contents)] of the information's tags, each checked to lie at a multiple of 8."""
    base = board.cpu.rbx
    total, zero = struct.unpack("<II", board.memory.read(base, 8))
    assert base % 8 == 0 and zero == 0
    data, found, at = board.memory.read(base, total), [], 8
    while True:
        kind, size = struct.unpack_from("<II", data, at)
        found.append((kind, data[at + 8:at + size]))
        at += (size + 7) & ~7
        if kind == 0:
            assert size == 8 and at == total
            return found


def told(board, kind):
    return [contents for each, contents in information(board) if each == kind]


# ---- the header ------------------------------------------------------------------------------------------------------

def test_the_header_is_found_at_every_multiple_of_eight():
    for offset in (0, 8, 104, 32768 - 24):
        assert multiboot2.find_header(bytes(offset) + multiboot2_header()).offset == offset


@pytest.mark.parametrize("data", [
    b"", bytes(40000), bytes(4) + multiboot2_header() + bytes(4), bytes(32768) + multiboot2_header(),
    multiboot2_header(checksum=1), multiboot2_header()[:15],
])
def test_what_is_no_header(data):
    assert multiboot2.find_header(data) is None


def test_a_header_for_another_architecture():
    mips = multiboot2_header(architecture=4)
    with pytest.raises(ImageError, match=r"k: the multiboot 2 header at 8h is for architecture 4 \(MIPS\), not for i386"):
        multiboot2.find_header(bytes(8) + mips, "k")
    assert multiboot2.find_header(mips + multiboot2_header()).offset == len(mips)


@pytest.mark.parametrize("tags, words", [
    ([tag(11)], "at 10h a tag of type 11 which must not be ignored, and which nobody has defined"),
    ([tag(6), tag(0x8001, 1, 2)], "at 18h a tag of type 32769 which must not"),
    ([tag(1, 1, 22)], "a tag of type 1 .information request. for information of type 22, which nobody"),
    ([tag(3)], "a tag of type 3 with 8 bytes, and it needs 12"),
    ([tag(10, 1, 2, 3)], "a tag of type 10 with 20 bytes, and it needs 24"),
    ([tag(4, 1)], "demands a console, and says that the kernel can do neither text nor graphics"),
])
def test_tags_that_cannot_be_satisfied(tags, words):
    with pytest.raises(ImageError, match=words):
        multiboot2.find_header(multiboot2_header(*tags))


@pytest.mark.parametrize("tags", [
    [tag(11, flags=OPTIONAL)], [tag(0xFFFF, 5, flags=OPTIONAL)], [tag(1, 99, flags=OPTIONAL)], [tag(1, *range(22))],
    [tag(6)], [tag(7)], [tag(8, 1)], [tag(9, 1)],                       # EFI's count on a machine with EFI only
    [tag(4, 3)], [tag(4, 0)], [tag(4, 1), tag(5, 0, 0, 0)],
])
def test_tags_that_can(tags):
    assert multiboot2.find_header(multiboot2_header(*tags)) is not None


@pytest.mark.parametrize("size", [0, 7, 0xFFFFFFFF, 32768])
def test_a_tag_with_a_size_that_makes_no_sense(size):
    header = bytearray(multiboot2_header(tag(6)))
    struct.pack_into("<I", header, 20, size)
    with pytest.raises(ImageError, match=f"a tag of type 6 that claims {size} bytes, of the 16 that follow"):
        multiboot2.find_header(bytes(header))


def test_a_header_without_end():
    with pytest.raises(ImageError, match="is cut off: no end tag within the first 24 bytes"):
        multiboot2.find_header(multiboot2_header(tag(6))[:24])
    with pytest.raises(ImageError, match="no end tag within the first 32768 bytes"):
        multiboot2.find_header(bytes(32768 - 24) + multiboot2_header(tag(6)))


# ---- the processor at entry -----------------------------------------------------------------------------------------

def test_machine_state_as_the_specification_says():
    board = started()
    cpu = board.cpu
    assert cpu.rax == 0x36D76289 and cpu.rip == MB + 4 and cpu.rbx < 1 << 32
    assert cpu.cr0 & 1 and not cpu.cr0 >> 31 and cpu.efer == cpu.cr4 == 0
    assert cpu.rflags & (1 << 9 | 1 << 17) == 0                         # IF, VM
    assert board.a20
    for name, kind in (("cs", 0x1A), ("ds", 0x12), ("es", 0x12), ("fs", 0x12), ("gs", 0x12), ("ss", 0x12)):
        selector, base, limit, access = cpu.segments[name]
        assert (base, limit) == (0, 0xFFFFFFFF) and access & 0x401A == 0x4000 | kind


# ---- the information ------------------------------------------------------------------------------------------------

def test_information():
    board = started(modules=[Module(b"first" * 1000, "a.mod x=1"), Module(b"second", "")])
    kinds = [kind for kind, _ in information(board)]
    assert kinds == [21, 1, 2, 3, 3, 6, 4, 8, 0]
    assert told(board, 21) == [struct.pack("<I", MB)]
    assert told(board, 1) == [b"one two\0"] and told(board, 2) == [b"x86\0"]
    assert told(board, 4) == [struct.pack("<II", 639, 3 * 1024 - 12)]
    table, = told(board, 6)
    assert table[:8] == struct.pack("<II", 24, 0)
    entries = list(struct.iter_unpack("<QQII", table[8:]))
    assert [entry[:2] for entry in entries if entry[2] == 1] == [(0, 0x9FC00), (MB, 3 * MB - 0x3000)]
    assert all(zero == 0 for *_, zero in entries)
    (start, end, *string), second = [(*struct.unpack_from("<II", contents), contents[8:]) for contents in told(board, 3)]
    assert start % 4096 == 0 and board.memory.read(start, end - start) == b"first" * 1000 and string == [b"a.mod x=1\0"]
    assert second[0] >= end and board.memory.read(second[0], second[1] - second[0]) == b"second" and second[2] == b"\0"


def test_text_mode():
    contents, = told(started(), 8)
    assert contents == struct.pack("<Q3I2BH", 0xB8000, 160, 80, 25, 16, 2, 0)


@pytest.mark.parametrize("wish, shown, fields", [
    ((800, 600, 32), (3200, 800, 600, 32), "10 08 08 08 00 08"),
    ((1024, 768, 24), (3072, 1024, 768, 24), "10 08 08 08 00 08"),
    ((640, 480, 16), (1280, 640, 480, 16), "0b 05 05 06 00 05"),
    ((640, 480, 15), (1280, 640, 480, 15), "0a 05 05 05 00 05"),
    ((640, 480, 0), (2560, 640, 480, 32), "10 08 08 08 00 08"),
    ((0, 0, 0), (5120, 1280, 800, 32), "10 08 08 08 00 08"),           # what the monitor likes best
    ((80, 25, 0), (5120, 1280, 800, 32), "10 08 08 08 00 08"),         # characters, they mean
    ((1366, 768, 32), (5440, 1360, 768, 32), "10 08 08 08 00 08"),     # lines have a multiple of eight dots
    ((1 << 31, 1 << 31, 1 << 31), (5120, 1280, 800, 32), "10 08 08 08 00 08"),
    ((15000, 11000, 16), (5120, 1280, 800, 32), "10 08 08 08 00 08"),  # more than there is memory
])
def test_a_frame_buffer_tag_sets_the_mode(wish, shown, fields):
    board = started(tag(5, *wish), board=Screen())
    contents, = told(board, 8)
    assert contents == struct.pack("<Q3I2BH", 0xFD000000, *shown, 1, 0) + bytes.fromhex(fields)
    adapter = board.devices["dispi"]
    assert adapter.enabled and (adapter.pitch, *adapter.size, adapter.depth) == shown


def test_an_indexed_mode_comes_with_its_palette():
    contents, = told(started(tag(5, 640, 480, 8), board=Screen()), 8)
    assert contents[:26] == struct.pack("<Q3I2BHH", 0xFD000000, 640, 640, 480, 8, 0, 0, 256)
    assert len(contents) == 26 + 3 * 256 and contents[26:38].hex(" ") == "00 00 00 00 00 aa 00 aa 00 00 aa aa"


@pytest.mark.parametrize("bits", [32, 64])
def test_symbols_and_strings_are_loaded_and_their_headers_told(bits):
    board = Board()
    file, sections = with_sections(kernel(bits=bits), bits)
    multiboot2.boot(board, file, modules=[Module(b"module", "")])
    contents, = told(board, 9)
    count, size, names = struct.unpack_from("<3I", contents)
    assert (count, size, names) == (4, 40 if bits == 32 else 64, 3)
    headers = read_sections(contents[12:], bits)
    assert headers[1].address == MB
    module_end, = struct.unpack_from("<I", told(board, 3)[0], 4)
    for number in (2, 3):
        assert headers[number].address >= module_end and headers[number].address % headers[number].align == 0
        assert board.memory.read(headers[number].address, headers[number].size) == sections[number]


@pytest.mark.parametrize("wrong, why", [
    ({"offset": 1 << 30}, "no such bytes in the file"), ({"size": 1 << 31}, "more than the file has"),
])
def test_sections_that_are_not_all_there_are_not_told_of(wrong, why):
    board = Board()
    multiboot2.boot(board, with_sections(kernel(), 32, **wrong)[0])
    assert not told(board, 9), why


def test_zeros_that_are_not_in_the_file_are_no_reason_to_read_it():
    board = Board()
    multiboot2.boot(board, with_sections(kernel(), 32, kind=8, offset=1 << 30)[0])
    assert read_sections(told(board, 9)[0][12:], 32)[2].address == 0


def test_sections_for_which_there_is_no_room_are_not_told_of():
    board = Board()
    file, _ = with_sections(kernel() + bytes(4 * MB), 32, offset=0, size=3 * MB)
    multiboot2.boot(board, file)
    assert not told(board, 9) and told(board, 8)


# ---- where the kernel goes ------------------------------------------------------------------------------------------

def flat(load=MB, header_addr=None, load_end=0, bss_end=0, entry=None, skip=16, more=()):
    """A kernel that is no ELF file: `skip` bytes, the header, code."""
    header_addr = load + skip if header_addr is None else header_addr
    tags = [tag(2, header_addr, load, load_end, bss_end)]
    if entry is not False:
        tags.append(tag(3, load + 4 if entry is None else entry))
    return bytes(skip) + multiboot2_header(*tags, *more) + CODE


def test_the_address_tag():
    board, file = Board(), flat(bss_end=MB + 0x1000)
    multiboot2.boot(board, file)
    assert board.cpu.rip == MB + 4
    assert board.memory.read(MB, 0x1000) == file.ljust(0x1000, b"\0")
    assert not told(board, 9)


def test_an_address_tag_that_loads_the_file_from_its_beginning():
    board, file = Board(), flat(load=0xFFFFFFFF, header_addr=2 * MB + 16, load_end=2 * MB + 64, entry=2 * MB)
    multiboot2.boot(board, file)
    assert board.cpu.rip == 2 * MB and board.memory.read(2 * MB, 64) == file[:64]
    assert told(board, 21) == [struct.pack("<I", 2 * MB)]


@pytest.mark.parametrize("file, words", [
    (flat(entry=False), "an address tag and no entry address tag"),
    (flat(entry=False, more=[tag(9, MB)]), "an address tag and no entry address tag: this is no machine with EFI"),
    (flat(entry=5), "the entry address tag says 5h, where nothing of the kernel is loaded: 100000h-"),
    (flat(header_addr=MB - 4), "load_addr 100000h is above header_addr FFFFCh"),
    (flat(header_addr=MB + 0x40), "would lie 48 bytes before the file"),
    (flat(load=0xFFFFFFFF, header_addr=8, entry=0), "load_addr -8h would lie"),
    (flat(load_end=0xFFFFFFFE), "asks for 4293918718 bytes from byte 0"),
    (flat(bss_end=0xFFFFFFF0), "outside the memory a kernel may use"),
    (flat(load=0xB8000), "outside the memory"),
    (multiboot2_header(), r"neither an ELF file nor a multiboot 2 header with an address tag \(type 2\)"),
    (kernel(tag(3, MB + 32)), "the entry address tag says 100020h"),
    (elf([Segment(MB, CODE), Segment(1 << 32, CODE)], MB, 64, lead=multiboot2_header()), "out of a 32-bit kernel's reach"),
    (elf([Segment(MB, CODE, size=1 << 62)], MB, 64, lead=multiboot2_header()), "out of a 32-bit kernel's reach"),
    (bytes(100), "no multiboot 2 header in the first 32768 bytes"),
])
def test_kernels_that_make_no_sense(file, words):
    with pytest.raises(ImageError, match=words):
        multiboot2.boot(Board(), file)


def test_the_entry_address_tag_counts_more_than_elf():
    assert started(tag(3, MB + 12)).cpu.rip == MB + 12


#: Memory of the board: 100000h-3FCFFFh
@pytest.mark.parametrize("relocation, place", [
    ((2 * MB, 0xFFFFFFFF, 0x1000, 1), 2 * MB), ((0, 0xFFFFFFFF, MB, 1), MB), ((MB + 1, 4 * MB, 0x10000, 1), MB + 0x10000),
    ((0, 0xFFFFFFFF, 0x1000, 2), 0x3FC000), ((0, 2 * MB, 0x100000, 2), MB), ((0, 2 * MB, 8, 2), 2 * MB - 32),
    ((0, 0xFFFFFFFF, 1, 0), MB), ((0, 0xFFFFFFFF, 0, 0), MB), ((2 * MB, 3 * MB, 0x1000, 0), 2 * MB),
    ((0, MB - 1, 0x1000, 1), 0x1000), ((0x2000, MB - 1, 0x1000, 2), 0x9F000), ((0, 2 * MB, 2 * MB, 0), None),
    ((4 * MB, 8 * MB, 1, 1), None), ((2 * MB, 2 * MB + 31, 1, 0), None), ((3 * MB, 2 * MB, 1, 2), None),
    ((0, 0xFFFFFFFF, 1 << 31, 1), None),
])
@pytest.mark.parametrize("file", [kernel, lambda *tags: flat(load_end=MB + 32, more=tags)], ids=["elf", "flat"])
def test_relocation(relocation, place, file):
    board, data = Board(), file(tag(10, *relocation))
    if place is None:
        with pytest.raises(ImageError, match="no room for a kernel of 32 bytes between .*, as its relocatable tag wants it"):
            multiboot2.boot(board, data)
        return
    multiboot2.boot(board, data)
    assert board.cpu.rip == place + 4 and told(board, 21) == [struct.pack("<I", place)]
    assert board.memory.read(place, 32) == (CODE if file is kernel else data[:32])


def test_modules_and_sections_go_below_a_kernel_at_the_top_of_memory():
    board = Board()
    file, sections = with_sections(kernel(tag(10, 0, 0xFFFFFFFF, 0x1000, 2)), 32)
    multiboot2.boot(board, file, modules=[Module(b"module", "")])
    start, end = struct.unpack_from("<II", told(board, 3)[0])
    assert MB <= start < end < board.cpu.rip and board.memory.read(start, 6) == b"module"
    symbols = read_sections(told(board, 9)[0][12:], 32)[2]
    assert end <= symbols.address < board.cpu.rip and board.memory.read(symbols.address, symbols.size) == sections[2]


def test_segments_keep_their_distance_when_they_move():
    board = Board()
    lead = aligned(32) + bytes(32 % 8) + multiboot2_header(tag(10, 2 * MB, 4 * MB, 0x1000, 1))
    multiboot2.boot(board, elf([Segment(MB + 0x2000, b"data", 0x100), Segment(MB, CODE)], MB, lead=lead))
    assert board.cpu.rip == 2 * MB
    assert board.memory.read(2 * MB, 32) == CODE
    assert board.memory.read(2 * MB + 0x2000, 0x100) == b"data" + bytes(0xFC)


# ---- damage ---------------------------------------------------------------------------------------------------------

GOOD = (kernel(tag(1, 1, 6, 8), tag(4, 2), tag(10, MB, 4 * MB, 4096, 2)), with_sections(kernel(tag(3, MB + 8), bits=64), 64)[0],
        flat(bss_end=MB + 0x1000, more=[tag(6)]), kernel(tag(5, 800, 600, 32)))
BOARD = Screen()
FIELDS = st.sampled_from((0, 1, 2, 7, 8, 40, 0x7F, 0x80, 0xFF))


@given(st.sampled_from(GOOD), st.lists(st.tuples(st.integers(0, 255), FIELDS), min_size=1, max_size=8),
       st.lists(st.tuples(st.integers(0, 255), FIELDS), max_size=8), st.integers(0, 6000), st.booleans())
def test_a_damaged_kernel_is_started_or_refused_and_nothing_else(file, changes, at_the_end, cut, fix):
    file = bytearray(file)
    for at, value in changes:
        file[at % len(file)] = value
    for at, value in at_the_end:                            # the section headers
        file[-1 - at % len(file)] = value
    del file[cut:]
    start = file.find(struct.pack("<I", multiboot2.HEADER_MAGIC))
    if fix and 0 <= start <= len(file) - 16:                # a checksum that is right again lets the damage through
        struct.pack_into("<I", file, start + 12, -sum(struct.unpack_from("<3I", file, start)) & 0xFFFFFFFF)
    try:
        multiboot2.boot(BOARD, bytes(file))
    except ImageError as error:
        assert "\n" not in str(error)
    else:
        assert BOARD.cpu.rax == 0x36D76289 and information(BOARD)


ADDRESSES = st.integers(0, (1 << 32) - 1) | st.integers(MB, MB + 256).map(lambda address: address & ~15) | st.just(0)


@given(*[ADDRESSES] * 5, st.lists(ADDRESSES, min_size=4, max_size=4), st.booleans())
def test_no_address_leads_out_of_memory(header_addr, load, load_end, bss_end, entry, relocation, relocatable):
    file = bytes(16) + multiboot2_header(tag(2, header_addr, load, load_end, bss_end), tag(3, entry),
                                         *([tag(10, *relocation)] if relocatable else ())) + CODE
    header = multiboot2.find_header(file)
    ram = Ram(BOARD.memory)
    try:
        start, pieces = multiboot2.load(ram, header, *multiboot2.read_kernel(file, header))
    except ImageError as error:
        assert "\n" not in str(error)
    else:
        assert any(piece.address <= start < piece.end <= 4 * MB for piece in pieces)
