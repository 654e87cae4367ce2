"""ELF files: what is loaded where, and a clear line for everything that makes no sense."""
from __future__ import annotations

import struct

import pytest
from hypothesis import given, strategies as st

from boot.loaders import elf as loader, flat
from boot.loaders.ram import Piece, Ram
from executables import RELOCATABLE, SHARED, EM_X86_64, PT_NOTE, Segment, elf
from x86._memory import Memory
from x86.faults import ImageError

MB = 1 << 20
CODE = bytes(range(1, 65))
GOOD = {bits: elf([Segment(MB, CODE), Segment(MB + 0x1000, b"data", 0x2000)], MB + 4, bits) for bits in (32, 64)}


@pytest.mark.parametrize("bits", [32, 64])
def test_program_headers_become_pieces(bits):
    executable = loader.read(GOOD[bits])
    assert executable.bits == bits
    assert executable.entry == MB + 4
    assert [(piece.address, piece.data, piece.size) for piece in executable.pieces] == [
        (MB, CODE, 64), (MB + 0x1000, b"data", 0x2000)]


def test_bss_is_zeroed_and_the_rest_of_memory_is_not_touched():
    memory = Memory(2 * MB, "random:1")
    before = memory.read(MB + 0x3000, 16)
    Ram(memory).load(loader.read(GOOD[64]).pieces)
    assert memory.read(MB, 64) == CODE
    assert memory.read(MB + 0x1000, 0x2000) == b"data" + bytes(0x1FFC)
    assert memory.read(MB + 0x3000, 16) == before
    assert before != bytes(16)


def test_the_entry_of_a_kernel_linked_high_is_translated():
    high = 0xFFFFFFFF80000000
    file = elf([Segment(MB, CODE, virtual=high + MB)], high + MB + 8, 64)
    assert loader.read(file).entry == MB + 8
    given_physically = elf([Segment(MB, CODE, virtual=high + MB)], MB + 8, 64)
    assert loader.read(given_physically).entry == MB + 8


def test_what_is_not_loaded_is_not_loaded():
    file = elf([Segment(0, b"note", kind=PT_NOTE), Segment(MB, CODE), Segment(0, b"")], MB)
    assert [piece.address for piece in loader.read(file).pieces] == [MB]


def test_64_bit_code_in_an_elf32_container_is_64_bit():
    assert loader.read(elf([Segment(MB, CODE)], MB, 32, machine=EM_X86_64)).bits == 64


def test_position_independent_executables_load_where_they_say():
    assert loader.read(elf([Segment(MB, CODE)], MB, 64, kind=SHARED)).entry == MB


BAD = {
    "magic": (b"MZ" + bytes(100), "not an ELF file: it begins with 4d 5a 00 00"),
    "empty": (b"", "begins with nothing"),
    "class": (b"\x7fELF\x05" + bytes(100), "neither 1 (32-bit) nor 2 (64-bit)"),
    "header cut": (GOOD[64][:60], "cut off: 60 bytes of 64"),
    "byte order": (GOOD[32][:5] + b"\x02" + GOOD[32][6:], "byte order (byte 5) is 2"),
    "machine": (elf([Segment(MB, CODE)], MB, machine=40), "for machine 40 (EM_ARM), not for x86"),
    "unlinked": (elf([Segment(MB, CODE)], MB, kind=RELOCATABLE), "type 1 (ET_REL) is no executable"),
    "headers cut": (GOOD[32][:60], "the program headers end at byte 116 of a file of 60"),
    "no headers": (elf([], MB), "no program headers"),
    "nothing to load": (elf([Segment(MB, CODE, kind=PT_NOTE)], MB), "no segment of type PT_LOAD"),
    "segment cut": (GOOD[64][:-2], "segment 1 ends at byte 4164 of a file of 4162"),
    "more in the file": (elf([Segment(MB, CODE, 8)], MB), "64 bytes in the file and only 8 in memory"),
    "overlap": (elf([Segment(MB, CODE), Segment(MB + 60, CODE)], MB), "segment 1 at 10003Ch overlaps segment 0"),
    "entry": (elf([Segment(MB, CODE)], 0x1234), "entry point 1234h lies in no segment"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_makes_no_sense_gives_one_line(case):
    data, words = BAD[case]
    with pytest.raises(ImageError) as error:
        loader.read(data, "bad.elf")
    message = str(error.value)
    assert message.startswith("bad.elf: ") and "\n" not in message
    assert words in message


@pytest.mark.parametrize("address, words", [
    (3 * MB, "300000h-30003Fh is outside the memory a kernel may use: 500h-9FBFFh, 100000h-1FCFFFh"),
    (0x400, "outside"), (0xA0000, "outside"), (0xFFFE0, "outside"), (2 * MB - 32, "outside"), (1 << 40, "outside"),
])
def test_segments_must_lie_in_memory(address, words):
    ram = Ram(Memory(2 * MB))
    with pytest.raises(ImageError, match=words):
        ram.load(loader.read(elf([Segment(address, CODE)], address, 64)).pieces)
    assert ram.claims == []


def test_nothing_is_written_when_one_piece_does_not_fit():
    memory = Memory(2 * MB)
    ram = Ram(memory)
    with pytest.raises(ImageError, match="overlaps the first at 100000h-100003h"):
        ram.load([Piece(MB, b"abcd", 4, "the first"), Piece(MB + 2, b"efgh", 4, "the second")])
    assert memory.read(MB, 8) == bytes(8)
    ram.load([Piece(MB, b"abcd", 4, "again")])
    assert memory.read(MB, 4) == b"abcd"


def test_a_place_is_the_lowest_free_one():
    ram = Ram(Memory(2 * MB))
    assert ram.place(16, "a", low=0x600) == 0x600
    assert ram.place(16, "b", 4096, low=0x600) == 0x1000
    assert ram.place(16, "c", 16, low=0x600) == 0x610
    assert ram.place(0x9FC00, "too large for low memory", low=0x600) == MB
    with pytest.raises(ImageError, match="no room in memory for d, 1048576 bytes: the machine has 2 MB"):
        ram.place(MB, "d")


def test_a_high_place_is_the_highest_free_one():
    ram = Ram(Memory(2 * MB))
    end = 2 * MB - 0x3000                   # the ACPI tables are behind it
    assert ram.place(5000, "a", 4096, highest=True) == end - 0x2000
    assert ram.place(16, "b", 16, highest=True) == end - 16                      # the rest of its last page
    assert ram.place(4096, "c", 4096, highest=True) == end - 0x3000
    assert ram.place(16, "d", 16, high=MB + 100, highest=True) == MB + 80
    assert ram.place(16, "e", 16, high=MB + 15, highest=True) == 0x9FC00 - 16
    with pytest.raises(ImageError, match="no room in memory for f, 16 bytes below 100000h: the machine has 2 MB"):
        ram.place(16, "f", 16, low=0xA0000, high=MB, highest=True)


@given(st.lists(st.tuples(st.integers(1, 0x3000), st.sampled_from([1, 16, 4096]), st.booleans())))
def test_places_never_overlap(wishes):
    ram = Ram(Memory(2 * MB))
    for number, (size, align, high) in enumerate(wishes):
        assert ram.place(size, f"wish {number}", align, highest=high) % align == 0
    ordered = sorted(ram.claims)
    assert all(first[1] <= second[0] for first, second in zip(ordered, ordered[1:]))
    assert all(any(low <= start and end <= high for low, high in ram.free) for start, end, _ in ordered)


def test_flat_binaries():
    assert flat.read(b"abc", 0x8000, 5) == Piece(0x8000, b"abc", 8, "image")
    for data, address, bss in ((b"", 0, 0), (b"a", -1, 0), (b"a", 0, -1)):
        with pytest.raises(ImageError):
            flat.read(data, address, bss)


def test_more_segments_than_a_kernel_has_are_not_even_read():
    file = bytearray(GOOD[64].ljust(64 + 56 * 65535, b"\0"))
    struct.pack_into("<H", file, 56, 65535)
    with pytest.raises(ImageError, match="65535 program headers, of which nobody needs more than 1024"):
        loader.read(bytes(file))


MEMORY = Memory(2 * MB)


@given(bits=st.sampled_from([32, 64]),
       changes=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=12),
       cut=st.integers(0, 5000))
def test_a_damaged_file_is_loaded_or_refused_and_nothing_else(bits, changes, cut):
    file = bytearray(GOOD[bits])
    for at, value in changes:
        file[at] = value
    file = bytes(file[:cut]) if cut < len(file) else bytes(file)
    try:
        executable = loader.read(file)
        Ram(MEMORY).load(executable.pieces)
    except ImageError as error:
        assert "\n" not in str(error) and len(str(error)) < 300
    else:
        assert any(piece.address <= executable.entry < piece.end for piece in executable.pieces)
