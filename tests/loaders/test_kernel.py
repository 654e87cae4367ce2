"""Which protocol a file gets, what the processor is like at a plain ELF file's entry, and that it all really runs."""
from __future__ import annotations

import pytest

import boot
from boot.protocols import plain
from boot.protocols.kernel import Kernel
from executables import MB, Board, Segment, elf, multiboot2_header, multiboot_header
from x86 import paging
from x86.cli.options import initrd_files
from x86.faults import ImageError
from x86.machine import Machine

HIGH = 0xFFFFFFFF80000000


def text(memory, address):
    return memory.read(address, 200).split(b"\0")[0].decode()


def start(board, data, append=""):
    plain.boot(board, Kernel("k.elf", data, append))


# ---- plain ELF ------------------------------------------------------------------------------------------------------

def test_32_bit_code_starts_in_flat_protected_mode():
    board = Board()
    start(board, elf([Segment(MB, b"\xf4" * 16)], MB + 8), "one")
    cpu = board.cpu
    assert cpu.cr0 == 0x11 and cpu.cr4 == cpu.efer == 0 and cpu.rflags == 2 and board.a20
    assert cpu.rip == MB + 8 and cpu.rsp == 0x7000 and cpu.rax == cpu.r15 == 0
    assert cpu.segments["cs"] == (8, 0, 0xFFFFFFFF, 0xC09B)
    assert {cpu.segments[name] for name in ("ds", "es", "fs", "gs", "ss")} == {(0x10, 0, 0xFFFFFFFF, 0xC093)}
    assert text(board.memory, cpu.rdi) == "k.elf one"
    assert cpu.idtr == (0, 0)


def test_64_bit_code_starts_in_long_mode():
    board = Board()
    start(board, elf([Segment(MB, b"\xf4" * 16, virtual=HIGH + MB)], HIGH + MB, 64))
    cpu = board.cpu
    assert cpu.cr0 == 0x80000011 and cpu.cr4 == 0x20 and cpu.efer == 0x500
    assert cpu.rip == MB and cpu.segments["cs"] == (0x18, 0, 0xFFFFFFFF, 0xA09B)


@pytest.mark.parametrize("address", [0, 0x7000, MB, 0x3FFFFFFF, 0x40000000, 0xFEE00000, 0xFFFFFFFF])
def test_the_first_4_gb_are_mapped_to_themselves(address):
    board = Board()
    start(board, elf([Segment(MB, b"\xf4")], MB, 64))

    def read(physical, size):
        return int.from_bytes(board.memory.read(physical, size), "little")
    state = paging.Registers(board.cpu.cr0, board.cpu.cr3, board.cpu.cr4, board.cpu.efer)
    walk = paging.walk(read, state, address, "write")
    assert (walk.physical, walk.page_size, walk.user) == (address, 2 * MB, False)
    assert paging.walk(read, state, 1 << 32).error == 0


def test_tables_give_way_to_a_kernel_in_low_memory():
    board = Board()
    code = bytes(range(256)) * 0x100
    start(board, elf([Segment(0x7000, code), Segment(0x20000, code)], 0x7000, 64))
    assert board.memory.read(0x7000, len(code)) == board.memory.read(0x20000, len(code)) == code


# ---- the choice -----------------------------------------------------------------------------------------------------

#: Code that says OK on COM1 and switches the machine off, in 32-bit and in 64-bit code the same bytes:
#: mov dx,3F8h; mov al,'O'; out dx,al; mov al,'K'; out dx,al; mov dx,604h; mov ax,2000h; out dx,ax; cli; hlt
SAY_OK = bytes.fromhex("66baf803 b04f ee b04b ee 66ba0406 66b80020 66ef fa f4")


@pytest.fixture
def machine():
    return Machine("8M")


def write(directory, data):
    path = directory / "kernel.bin"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("file", [
    elf([Segment(MB, SAY_OK)], MB, 32),
    elf([Segment(MB, SAY_OK)], MB, 64),
    elf([Segment(MB, SAY_OK)], MB, 32, lead=multiboot_header(3)),
    elf([Segment(MB, SAY_OK)], MB, 64, lead=multiboot2_header()),
    multiboot_header(0x10000, (MB, MB, 0, 0, MB + 32)) + SAY_OK,
], ids=["elf32", "elf64", "multiboot", "multiboot2", "aout"])
def test_kernels_run(machine, tmp_path, file):
    boot.kernel(machine, write(tmp_path, file))
    stop = machine.run(max_instructions=1000)
    assert (stop.kind, machine.serial.text) == ("poweroff", "OK")


def test_a_real_machine_is_as_the_protocol_says(machine, tmp_path):
    path = write(tmp_path, elf([Segment(MB, SAY_OK)], MB, lead=multiboot_header(3)))
    module = tmp_path / "module"
    module.write_bytes(b"module")
    boot.kernel(machine, path, append="quiet", initrd=module, modules=[(module, "second module")])
    cpu = machine.cpu
    assert (cpu.eax, cpu.mode, cpu.code_bits, cpu.cpl, cpu.rip) == (0x2BADB002, "protected", 32, 0, MB)
    assert cpu.a20 and not cpu.if_ and not cpu.halted
    assert text(machine.memory, machine.memory.read_u32(cpu.ebx + 16)) == f"{path} quiet"
    modules = machine.memory.read_u32(cpu.ebx + 24)
    strings = [text(machine.memory, machine.memory.read_u32(modules + 16 * number + 8)) for number in (0, 1)]
    assert strings == [str(module), "second module"]
    assert machine.memory.read_u16(0x413) == 639                        # POST has run: the BIOS data area is there


def test_the_segment_registers_can_be_loaded_again(machine, tmp_path):
    reload = bytes.fromhex("66b81000 8ed8 8ec0 8ed0 ea 10001000 0800")  # mov ax,10h; ds, es, ss; jmp 8:100010h
    code = reload.ljust(16, b"\x90") + SAY_OK
    boot.kernel(machine, write(tmp_path, elf([Segment(MB, code)], MB)))
    assert machine.run(max_instructions=1000).kind == "poweroff"


def test_after_a_reset_there_is_nothing_to_boot(machine, tmp_path):
    reset = bytes.fromhex("b0fe e664 f4")                               # the keyboard controller pulls the reset line
    boot.kernel(machine, write(tmp_path, elf([Segment(MB, reset)], MB)))
    assert machine.run(max_instructions=50_000_000).kind == "no-boot"


@pytest.mark.parametrize("data, words", [
    (b"", "empty: there is no kernel in it"),
    (bytes(100), "it is not ELF (7f 45 4c 46), has no multiboot header, version 1 in its first 8192 bytes or version 2 "
                 "in 32768, and no Linux setup header"),
    (bytes(510) + b"\x55\xaa", "it is a disk image: boot it as a disk, by the BIOS"),
    (bytes(0x202) + b"HdrS", "cut short: the file ends within the setup header"),
    (b"\x7fELF" + bytes(100), "ELF class"),
    (b"\x1f\x8b\x08" + bytes(100), "damaged gzip file"),
    (b"MZ" + bytes(100), "it is a PE file: a UEFI boots those"),
])
def test_files_that_are_no_kernels(machine, tmp_path, data, words):
    path = write(tmp_path, data)
    with pytest.raises(ImageError) as error:
        boot.kernel(machine, path)
    assert str(error.value).startswith(f"{path}: ") and words in str(error.value)


def test_files_that_cannot_be_read(machine, tmp_path):
    with pytest.raises(ImageError, match="no such file"):
        boot.kernel(machine, tmp_path / "nothing")
    with pytest.raises(ImageError, match="a directory, not a file"):
        boot.kernel(machine, tmp_path)
    with pytest.raises(ImageError, match="^/dev/zero: a device, not a file$"):
        boot.kernel(machine, "/dev/zero")


def test_modules_are_for_multiboot_kernels(machine, tmp_path):
    path = write(tmp_path, elf([Segment(MB, SAY_OK)], MB))
    with pytest.raises(ImageError, match="takes no modules, only an initrd"):
        boot.kernel(machine, path, modules=[path])


# ---- what the user names --------------------------------------------------------------------------------------------

BOTH = elf([Segment(MB, SAY_OK)], MB, 32, lead=multiboot_header(3))
THREE = elf([Segment(MB, SAY_OK)], MB, 64, lead=multiboot2_header() + multiboot_header(3))


def test_the_user_may_name_the_protocol(machine, tmp_path):
    path = write(tmp_path, BOTH)
    boot.kernel(machine, path, protocol="elf")
    assert machine.cpu.eax == 0                                         # and no 2BADB002h
    path = write(tmp_path, THREE)
    for name, magic in ((None, 0x2BADB002), ("multiboot", 0x2BADB002), ("multiboot2", 0x36D76289), ("elf", 0)):
        machine = Machine("8M")
        boot.kernel(machine, path, append="one two", protocol=name)
        assert machine.cpu.eax == magic
    with pytest.raises(ImageError, match="protocol 'lilo' is none of .*multiboot.*elf"):
        boot.kernel(machine, path, protocol="lilo")


def test_a_file_that_does_not_fit_the_protocol(machine, tmp_path):
    path = write(tmp_path, elf([Segment(MB, SAY_OK)], MB))
    with pytest.raises(ImageError, match="cannot be started by the protocol multiboot: no multiboot 1 header in the first"):
        boot.kernel(machine, path, protocol="multiboot")


@pytest.mark.parametrize("file", [BOTH, elf([Segment(MB, SAY_OK)], MB)], ids=["multiboot", "elf"])
def test_a_protocol_with_one_entry(machine, tmp_path, file):
    with pytest.raises(ImageError, match="takes no 64-bit one"):
        boot.kernel(machine, write(tmp_path, file), entry="64")


def test_several_ramdisks_become_one(machine, tmp_path):
    names = []
    for name, data in (("one", b"12345"), ("two,three", b"1234"), ("four", b"x")):
        (tmp_path / name).write_bytes(data)
        names.append(str(tmp_path / name))
    boot.kernel(machine, write(tmp_path, BOTH), initrd=names)
    modules = machine.memory.read_u32(machine.cpu.ebx + 24)
    start, end = machine.memory.read_u32(modules), machine.memory.read_u32(modules + 4)
    assert machine.memory.read(start, end - start) == b"12345\0\0\0" + b"1234" + b"x"
    assert initrd_files([f"{names[0]},{names[2]}", names[1]]) == [names[0], names[2], names[1]]
