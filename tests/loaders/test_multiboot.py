"""Multiboot 1: the header, the a.out kludge, modules, the information, and the processor's state at entry."""
from __future__ import annotations

import struct

import pytest
from hypothesis import given, strategies as st

from boot.protocols import multiboot
from executables import Board, Screen, Segment, elf, multiboot_header, read_sections, with_sections
from x86.faults import ImageError

MB = 1 << 20
CODE = b"\xf4" * 32


def kernel(flags=0, addresses=(0,) * 5, mode=None, lead=bytes(3 * 4)):
    """An ELF kernel with a multiboot header somewhere behind its program headers."""
    return elf([Segment(MB, CODE)], MB + 4, lead=lead + multiboot_header(flags, addresses, mode))


def text(memory, address):
    return memory.read(address, 200).split(b"\0")[0].decode()


def information(board):
    """The multiboot information as a dict."""
    data = board.memory.read(board.cpu.rbx, 120)
    names = ("flags mem_lower mem_upper boot_device cmdline mods_count mods_addr").split()
    found = dict(zip(names, struct.unpack_from("<7I", data)))
    found.update(zip(("mmap_length", "mmap_addr"), struct.unpack_from("<2I", data, 44)))
    found["loader"] = struct.unpack_from("<I", data, 64)[0]
    found.update(zip(("sections", "section_size", "section_headers", "names"), struct.unpack_from("<4I", data, 28)))
    found["config_table"] = struct.unpack_from("<I", data, 60)[0]
    found["framebuffer"], found["colors"] = struct.unpack_from("<Q3I2B", data, 88), data[112:118]
    return found


# ---- the header ------------------------------------------------------------------------------------------------------

def test_the_header_is_found_at_every_multiple_of_four():
    for offset in (0, 4, 100, 8192 - 12):
        assert multiboot.find_header(bytes(offset) + multiboot_header(3)).offset == offset


@pytest.mark.parametrize("data", [
    b"", bytes(8192), bytes(2) + multiboot_header(), bytes(8192) + multiboot_header(), bytes(8184) + multiboot_header(),
    multiboot_header()[:8] + bytes(4), struct.pack("<3I", 0x1BADB002, 1, 0x1BADB002),
])
def test_what_is_no_header(data):
    assert multiboot.find_header(data) is None


@pytest.mark.parametrize("flags, bits", [(1 << 3, "3"), (1 << 15 | 1, "15"), (0x30, "4, 5")])
def test_features_that_must_be_understood_and_are_not(flags, bits):
    with pytest.raises(ImageError, match=f"demands feature bit {bits} "):
        multiboot.find_header(multiboot_header(flags), "k")


def test_features_that_may_be_ignored_are():
    assert multiboot.find_header(multiboot_header(0xFFFE0000)).flags == 0xFFFE0000


def test_a_header_that_is_cut_off():
    with pytest.raises(ImageError, match="cut off: 32 bytes of 48"):
        multiboot.find_header(multiboot_header(4, mode=(1, 80, 25, 0))[:32])
    with pytest.raises(ImageError, match="cut off: 12 bytes of 32"):
        multiboot.find_header(bytes(8180) + multiboot_header(0x10000))


# ---- the processor at entry -----------------------------------------------------------------------------------------

def test_machine_state_as_the_specification_says():
    board = Board()
    multiboot.boot(board, kernel(), "kernel.elf one two")
    cpu = board.cpu
    assert cpu.rax == 0x2BADB002 and cpu.rip == MB + 4
    assert cpu.cr0 & 1 and not cpu.cr0 >> 31
    assert cpu.rflags & (1 << 9 | 1 << 17) == 0                         # IF, VM
    assert board.a20
    selector, base, limit, access = cpu.segments["cs"]
    assert (base, limit) == (0, 0xFFFFFFFF) and access & 0x401A == 0x401A       # D, code, readable
    for name in ("ds", "es", "fs", "gs", "ss"):
        selector, base, limit, access = cpu.segments[name]
        assert (base, limit) == (0, 0xFFFFFFFF) and access & 0x1A == 0x12       # data, writable
    assert cpu.efer == cpu.cr4 == 0
    assert board.memory.read(MB, 32) == CODE


def test_the_gdt_agrees_with_the_segment_registers():
    board = Board()
    multiboot.boot(board, kernel())
    base, limit = board.cpu.gdtr
    assert limit == 31
    for name in ("cs", "ss"):
        selector, _, _, access = board.cpu.segments[name]
        low = board.memory.read_u64(base + selector)
        assert low & 0xFFFF == 0xFFFF and low >> 48 & 0xF == 0xF and low >> 16 & 0xFFFFFF == 0
        assert low >> 40 & 0xFF == access & 0xFF and low >> 52 & 0xF == access >> 12


# ---- the information ------------------------------------------------------------------------------------------------

def test_information():
    board = Board()
    multiboot.boot(board, kernel(), "kernel.elf one two")
    found = information(board)
    assert found["flags"] == 1 | 4 | 64 | 512 | 4096                    # memory, command line, map, loader's name, screen
    assert (found["mem_lower"], found["mem_upper"]) == (639, 3 * 1024 - 12)         # the last 12 KB are ACPI's
    assert text(board.memory, found["cmdline"]) == "kernel.elf one two"
    assert text(board.memory, found["loader"]) == "x86"
    assert found["boot_device"] == found["mods_count"] == found["config_table"] == 0
    table = board.memory.read(found["mmap_addr"], found["mmap_length"])
    entries = [struct.unpack_from("<IQQI", table, at) for at in range(0, len(table), 24)]
    assert all(size == 20 for size, *_ in entries)
    usable = [(base, length) for _, base, length, kind in entries if kind == 1]
    assert usable == [(0, 0x9FC00), (MB, 3 * MB - 0x3000)]
    ends = [(base, base + length) for _, base, length, _ in entries]
    assert all(first[1] <= second[0] for first, second in zip(ends, ends[1:]))


@pytest.mark.parametrize("flags, mode", [(0, None), (4, (1, 80, 25, 0)), (4, (7, 800, 600, 32))])
def test_text_is_what_kernels_get_that_want_no_graphics(flags, mode):
    board = Board()
    multiboot.boot(board, kernel(flags, mode=mode))
    found = information(board)
    assert found["framebuffer"] == (0xB8000, 160, 80, 25, 16, 2)
    assert not found["flags"] & 1 << 11                                 # no VBE


def test_a_graphics_mode_is_set_and_told_of():
    board = Screen()
    multiboot.boot(board, kernel(4, mode=(0, 800, 600, 16)))
    found = information(board)
    assert found["framebuffer"] == (0xFD000000, 1600, 800, 600, 16, 1)
    assert found["colors"] == bytes((11, 5, 5, 6, 0, 5))
    assert board.devices["dispi"].enabled and board.devices["dispi"].size == (800, 600)


def test_an_indexed_mode_comes_with_its_palette():
    board = Screen()
    multiboot.boot(board, kernel(4, mode=(0, 640, 480, 8)))
    found = information(board)
    assert found["framebuffer"] == (0xFD000000, 640, 640, 480, 8, 0)
    address, count = struct.unpack("<IH", found["colors"])
    assert count == 256
    assert board.memory.read(address, 12).hex(" ") == "00 00 00 00 00 aa 00 aa 00 00 aa aa"


@pytest.mark.parametrize("bits", [32, 64])
def test_symbols_and_strings_are_loaded_and_their_headers_told(bits):
    board = Board()
    file, contents = with_sections(elf([Segment(MB, CODE)], MB, bits, lead=multiboot_header()), bits)
    multiboot.boot(board, file)
    found = information(board)
    assert found["flags"] & 1 << 5 and (found["sections"], found["names"]) == (4, 3)
    headers = read_sections(board.memory.read(found["section_headers"], 4 * found["section_size"]), bits)
    assert headers[1].address == MB                                     # as linked
    for number in (2, 3):
        assert headers[number].address >= MB + len(CODE)
        assert board.memory.read(headers[number].address, headers[number].size) == contents[number]


def test_modules_lie_on_pages_above_the_kernel():
    board = Board()
    multiboot.boot(board, kernel(1), modules=[multiboot.Module(b"first" * 1000, "a.mod x=1"),
                                              multiboot.Module(b"second", "b.mod")])
    found = information(board)
    assert found["flags"] & 8 and found["mods_count"] == 2
    entries = [struct.unpack_from("<4I", board.memory.read(found["mods_addr"], 32), at) for at in (0, 16)]
    (start, end, string, zero), second = entries
    assert start % 4096 == 0 and start >= MB + 32 and zero == 0
    assert board.memory.read(start, end - start) == b"first" * 1000
    assert text(board.memory, string) == "a.mod x=1"
    assert second[0] % 4096 == 0 and second[0] >= end
    assert board.memory.read(second[0], second[1] - second[0]) == b"second"
    assert text(board.memory, second[2]) == "b.mod"


def test_a_module_too_large_for_memory():
    with pytest.raises(ImageError, match=r"no room in memory for module 0 \(big\), 4194304 bytes: the machine has 4 "):
        multiboot.boot(Board(), kernel(), modules=[multiboot.Module(bytes(4 * MB), "big")])


def test_the_information_gives_way_to_a_kernel_in_low_memory():
    board = Board()
    low = elf([Segment(0x7000, CODE * 2048), Segment(0x20000, CODE)], 0x7000, lead=multiboot_header())
    multiboot.boot(board, low, "low")
    assert board.memory.read(0x7000, len(CODE) * 2048) == CODE * 2048
    assert board.memory.read(0x20000, len(CODE)) == CODE
    assert text(board.memory, information(board)["cmdline"]) == "low"


# ---- kernels --------------------------------------------------------------------------------------------------------

def kludge(load=MB, start=None, load_end=0, bss_end=0, entry=None, skip=0x20, code=CODE):
    """A flat kernel: `skip` bytes, the header, code."""
    start = load + skip if start is None else start
    header = multiboot_header(0x10000, (start, load, load_end, bss_end, load if entry is None else entry))
    return bytes(skip) + header + code


def test_the_aout_kludge():
    board = Board()
    file = kludge(bss_end=MB + 0x1000, entry=MB + 0x40)
    multiboot.boot(board, file)
    assert board.cpu.rip == MB + 0x40
    assert board.memory.read(MB, 0x1000) == file + bytes(0x1000 - len(file))


def test_the_aout_kludge_skips_what_lies_before_load_addr():
    board = Board()
    file = kludge(load=MB, start=MB, load_end=MB + 40, skip=0x20)
    multiboot.boot(board, file)
    before = Board().memory.read(MB + 40, 8)
    assert board.memory.read(MB, 48) == file[0x20:0x48] + before


def test_the_aout_kludge_wins_over_elf():
    addresses = (MB + 84, MB, 0, 0, MB)
    board = Board()
    file = elf([Segment(2 * MB, CODE)], 2 * MB, lead=multiboot_header(0x10000, addresses))
    multiboot.boot(board, file)
    assert board.cpu.rip == MB and board.memory.read(MB, 4) == b"\x7fELF"


@pytest.mark.parametrize("arguments, words", [
    ({"start": MB - 4}, "load_addr 100000h is above header_addr FFFFCh"),
    ({"start": MB + 0x40}, "load_addr 100000h would lie 32 bytes before the file"),
    ({"load_end": MB - 1}, "load_end_addr FFFFFh is below"),
    ({"load_end": MB + 0x1000}, "asks for 4096 bytes from byte 0 of a file of 96"),
    ({"bss_end": MB + 8}, "bss_end_addr 100008h is below the data's end 100060h"),
    ({"entry": 0}, "entry_addr 0h lies outside 100000h-10005Fh"),
    ({"load": 0xB8000}, "outside the memory"),
    ({"load": 64 * MB}, "outside the memory"),
])
def test_an_aout_kludge_that_makes_no_sense(arguments, words):
    with pytest.raises(ImageError, match=words):
        multiboot.boot(Board(), kludge(**arguments))


def test_neither_elf_nor_addresses():
    with pytest.raises(ImageError, match="neither an ELF file nor a multiboot header with addresses"):
        multiboot.boot(Board(), multiboot_header() + bytes(100))
    with pytest.raises(ImageError, match="no multiboot header in the first 8192 bytes"):
        multiboot.boot(Board(), bytes(100))


def test_a_segment_above_4_gb_is_refused():
    file = elf([Segment(MB, b"\xf4"), Segment(1 << 32, b"\xf4")], MB, 64, lead=multiboot_header())
    with pytest.raises(ImageError, match="segment 1 at 100000000h-100000000h is out of a 32-bit kernel's reach"):
        multiboot.boot(Board(), file)


def test_an_elf64_kernel_below_4_gb_is_entered_in_32_bit_code():
    board = Board()
    multiboot.boot(board, elf([Segment(MB, CODE, virtual=0xFFFFFFFF80100000)], 0xFFFFFFFF80100008, 64,
                              lead=multiboot_header()))
    assert board.cpu.rip == MB + 8 and board.cpu.segments["cs"][3] & 0x6000 == 0x4000


GOOD = (kernel(5, mode=(1, 80, 25, 0)), kludge(bss_end=MB + 0x1000))
BOARD = Board()


@given(st.sampled_from(GOOD), st.lists(st.tuples(st.integers(0, 191), st.integers(0, 255)), min_size=1, max_size=8),
       st.booleans())
def test_a_damaged_kernel_is_started_or_refused_and_nothing_else(file, changes, fix):
    file = bytearray(file)
    for at, value in changes:
        if at < len(file):
            file[at] = value
    start = file.find(struct.pack("<I", 0x1BADB002))
    if fix and start >= 0 and start + 12 <= len(file):      # a checksum that is right again lets the damage through
        magic, flags = struct.unpack_from("<2I", file, start)
        struct.pack_into("<I", file, start + 8, -(magic + flags) & 0xFFFFFFFF)
    try:
        multiboot.boot(BOARD, bytes(file))
    except ImageError as error:
        assert "\n" not in str(error)
    else:
        assert BOARD.cpu.rax == 0x2BADB002
