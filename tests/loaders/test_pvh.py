"""PVH: the note, the start information, the processor's state; and ELF kernels that take Linux's zero page."""
from __future__ import annotations

import re
import struct

import pytest
from hypothesis import given, strategies as st

import boot
from boot.loaders import elf as loader
from boot.protocols import plain, pvh
from boot.protocols.choose import NAMES, choose
from boot.protocols.kernel import Kernel, Module
from executables import MB, PT_NOTE, Board, Segment, elf, multiboot_header, setup_field
from x86.cli import parser
from x86.faults import ImageError
from x86.machine import Machine

CODE = b"\xf4" * 64
ENTRY = MB + 16


PHYSICAL = struct.pack("<I", ENTRY)


def note(owner=b"Xen\0", kind=18, descriptor=PHYSICAL):
    def padded(data):
        return data + bytes(-len(data) % 4)
    return struct.pack("<III", len(owner), len(descriptor), kind) + padded(owner) + padded(descriptor)


def kernel(notes=None, bits=64, **arguments):
    segments = [Segment(MB, CODE), Segment(0, note() if notes is None else notes, kind=PT_NOTE)]
    return Kernel("vmlinux", elf(segments, MB, bits), **arguments)


def text(memory, address):
    return memory.read(address, 100).split(b"\0")[0].decode()


# ---- the note -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("notes", [
    note(), note(descriptor=struct.pack("<Q", ENTRY)), note(b"GNU\0", 3, b"123") + note(), note(b"Xen\0", 7) + note(b"Xen")])
def test_the_entry_is_in_a_note(notes, bits):
    assert pvh.find_entry(kernel(notes, bits)) == ENTRY


@pytest.mark.parametrize("notes", [b"", note(b"GNU\0"), note(kind=17), note()[:-1], note()[:12],
                                   struct.pack("<III", 0xFFFFFFFF, 4, 18) + bytes(40)])
def test_what_is_no_pvh_note(notes):
    assert pvh.find_entry(kernel(notes)) is None
    assert choose(kernel(notes))[0].name == "elf"


def test_notes_with_8_bytes_between_them():
    file = bytearray(kernel(note(b"GNU\0\0", 1, b"12345678") + bytes(4) + note()).data)
    struct.pack_into("<Q", file, 64 + 56 + 48, 8)                       # p_align of the second program header
    kinds = [(owner, kind) for owner, kind, _ in loader.notes(bytes(file))]
    assert kinds == [(b"GNU", 1), (b"Xen", 18)]


def test_notes_that_name_themselves_many_times_are_read_once():
    lots = [Segment(MB, CODE)] + [Segment(0, b"", kind=PT_NOTE)] * 1000
    file = bytearray(elf(lots, MB, 64, offset=0x10000) + note(b"GNU\0") * 100_000)
    for number in range(1, len(lots)):
        struct.pack_into("<Q", file, 64 + 56 * number + 8, 0x10000 + len(CODE))
        struct.pack_into("<Q", file, 64 + 56 * number + 32, 20 * 100_000)
    assert sum(1 for _ in loader.notes(bytes(file))) <= loader.MOST_NOTES // 20
    with pytest.raises(ImageError, match="1025 program headers, of which nobody needs more than 1024"):
        loader.read(elf(lots + [Segment(0)] * 24, MB, 64, offset=0x10000))


# ---- at the entry ---------------------------------------------------------------------------------------------------

def test_a_pvh_kernel_is_told_what_xen_tells():
    board = Board()
    boot_it(board, kernel(append="quiet", initrd=Module(b"disk", "initrd"), modules=(Module(bytes(5000), "second one"),)))
    memory, cpu = board.memory, board.cpu
    magic, version, flags, count, modules, line, rsdp, table, entries, reserved = struct.unpack(
        "<4I4QII", memory.read(cpu.rbx, 56))
    assert (magic, version, flags, count, reserved) == (0x336EC578, 1, 0, 2, 0)
    assert text(memory, line) == "quiet"
    first, second = (struct.unpack("<4Q", memory.read(modules + 32 * number, 32)) for number in (0, 1))
    assert memory.read(first[0], first[1]) == b"disk" and second[1] == 5000 and first[0] % 4096 == second[0] % 4096 == 0
    assert (text(memory, first[2]), text(memory, second[2])) == ("initrd", "second one")
    assert rsdp == 0xFA000
    stretches = [struct.unpack("<QQII", memory.read(table + 24 * number, 24)) for number in range(entries)]
    assert stretches[0] == (0, 0x9FC00, 1, 0) and (MB, 3 * MB - 0x3000, 1, 0) in stretches


def boot_it(board, kernel):
    entry = pvh.find_entry(kernel)
    pvh.check(kernel, entry)
    pvh.boot(board, kernel, entry)


def test_the_processor_is_as_xen_leaves_it():
    board = Board()
    boot_it(board, kernel())
    cpu = board.cpu
    assert (cpu.cr0, cpu.cr4, cpu.efer, cpu.rflags, cpu.rip, board.a20) == (0x11, 0, 0, 2, ENTRY, True)
    assert cpu.segments["cs"] == (8, 0, 0xFFFFFFFF, 0xC09B)
    assert {cpu.segments[name] for name in ("ds", "es", "ss")} == {(0x10, 0, 0xFFFFFFFF, 0xC093)}
    assert cpu.segments["tr"] == (0, 0, 0x67, 0x8B)
    count, modules = struct.unpack("<IQ", board.memory.read(cpu.rbx + 12, 12))
    assert (count, modules) == (0, 0)


@pytest.mark.parametrize("file, words", [
    (kernel(note(descriptor=struct.pack("<I", 3 * MB))), "the PVH entry 300000h lies in no segment"),
    (kernel(note(descriptor=struct.pack("<Q", 1 << 40))), "the PVH entry 10000000000h lies in no segment"),
    (kernel(note(descriptor=b"12")), "the PVH note has 2 bytes, neither 4 nor 8"),
    (kernel(entry="64"), "the PVH note names one entry: there is no 64-bit one"),
    (kernel(append="a\0b"), "has a 0 byte in it"),
    (kernel(initrd=Module(bytes(4 * MB), "big")), "no room in memory for module 0 (big), 4194304 bytes"),
])
def test_what_makes_no_sense_gives_one_line(file, words):
    with pytest.raises(ImageError, match=re.escape(words)) as error:
        boot_it(Board(), file)
    assert "\n" not in str(error.value)


BOARD = Board()


@given(changes=st.lists(st.tuples(st.integers(0, 0x1080), st.integers(0, 255)), max_size=12),
       cut=st.none() | st.integers(0, 0x1080), bits=st.sampled_from([32, 64]))
def test_a_damaged_file_is_booted_or_refused_and_nothing_else(changes, cut, bits):
    file = bytearray(kernel(bits=bits).data)
    for at, value in changes:
        file[at % len(file)] = value
    damaged = Kernel("vmlinux", bytes(file[:cut]))
    try:
        protocol, header = choose(damaged)
        protocol.check(damaged, header)
        protocol.boot(BOARD, damaged, header)
    except ImageError as error:
        assert "\n" not in str(error) and len(str(error)) < 400


# ---- which protocol -------------------------------------------------------------------------------------------------

#: 32-bit code: says O or the low byte of EBX's first word, and switches off
SAY = bytes.fromhex("8a03 66baf803 ee 66ba0406 66b80020 66ef f4")


def test_pvh_stands_between_multiboot_and_elf(tmp_path):
    segments = [Segment(MB, SAY), Segment(0, note(descriptor=struct.pack("<I", MB)), kind=PT_NOTE)]
    both, alone = (elf(segments, MB, 32, lead=lead) for lead in (multiboot_header(3), b""))
    assert choose(Kernel("k", both))[0].name == "multiboot"
    assert choose(Kernel("k", both, protocol="pvh"))[0].name == "pvh"
    assert choose(Kernel("k", both, protocol="elf"))[0].name == "elf"
    assert choose(Kernel("k", alone))[0].name == "pvh"
    path = tmp_path / "vmlinux"
    path.write_bytes(alone)
    machine = Machine("4M")
    boot.kernel(machine, path)
    assert machine.run(max_instructions=100).kind == "poweroff" and machine.serial.output == b"\x78"    # 336EC578h


def test_the_help_names_the_protocols(capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(["run", "--help"])
    words = re.split(r"[\s,:]+", capsys.readouterr().out)
    assert set(NAMES) <= set(words)


# ---- a plain ELF file -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("bits", [32, 64])
def test_an_elf_kernel_gets_a_zero_page(bits):
    board = Board()
    plain.boot(board, Kernel("vmlinux", elf([Segment(MB, CODE)], MB, bits), "quiet mem=3M", Module(b"disk", "initrd")))
    memory, page = board.memory, board.memory.read(board.cpu.rsi, 4096)
    assert page[0x202:0x206] == b"HdrS" and setup_field(page, "boot_flag") == 0xAA55
    assert setup_field(page, "type_of_loader") == 0xFF and setup_field(page, "cmdline_size") == 12
    assert text(memory, setup_field(page, "cmd_line_ptr")) == "quiet mem=3M"
    assert text(memory, board.cpu.rdi) == "vmlinux quiet mem=3M"
    image, size = setup_field(page, "ramdisk_image"), setup_field(page, "ramdisk_size")
    assert (image, memory.read(image, size)) == (3 * MB - 0x1000, b"disk")
    assert page[0x1E8] > 4 and struct.unpack_from("<QQI", page, 0x2D0) == (0, 0x9FC00, 1)
