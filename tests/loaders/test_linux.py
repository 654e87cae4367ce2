"""Linux's boot protocol: the three entries, what the kernel is told at each, where things go, and what is refused."""
from __future__ import annotations

import re
import struct

import pytest
from hypothesis import given, strategies as st

import boot
from boot.bios.service import SERVICES
from boot.loaders import bzimage as loader
from boot.protocols import linux
from boot.protocols.kernel import Kernel, Module
from boot.protocols.linux_memory import load_address
from executables import MB, SETUP_CODE, SETUP_HEADER, Board, bzimage, setup_field
from machines import assemble
from x86.faults import ImageError
from x86.machine import Machine

# ---- a kernel that tells what it was given --------------------------------------------------------------------------

#: 16-bit code: looks at SS, CS, IF and what the BIOS says, prints "16", and goes on to code32_start as Linux's own does.
SETUP = """
start:  pushf
        pop     ax
        mov     bx, cs
        mov     cx, ss
        sub     bx, cx
        test    ah, 2                           ; IF
        jnz     bad
        cmp     bx, 20h
        jne     bad
        cmp     sp, [224h]                      ; heap_end_ptr
        jbe     bad
        int     12h
        cmp     ax, 639
        jne     bad
        mov     dx, 3F8h
        mov     ax, '16'
        out     dx, al
        mov     al, ah
        out     dx, al
        xor     esi, esi
        mov     si, ds
        shl     esi, 4
        add     [gdtr + 202h], esi
        o32 lgdt [gdtr + 200h]
        mov     eax, [214h]                     ; code32_start
        mov     [target + 200h], eax
        mov     eax, cr0
        inc     ax
        mov     cr0, eax
        mov     cx, 18h
        mov     ds, cx
        mov     es, cx
        jmp     far dword [cs:target]
bad:    hlt
target: dd      0
        dw      10h
gdtr:   dw      1Fh
        dd      gdt + 200h
gdt:    dq      0, 0, 00CF9B000000FFFFh, 00CF93000000FFFFh
"""
#: 32-bit code, and 200h behind it 64-bit code: say which it is, then the command line and the initrd by the header at ESI.
KERNEL = """
bits 32
        mov     edi, esi
        mov     dx, 3F8h
        mov     al, '3'
        out     dx, al
        call    tell
        times 200h - ($ - $$) db 90h
bits 64
        mov     edi, esi
        mov     dx, 3F8h
        mov     al, '6'
        out     dx, al
tell:   mov     al, ' '                         ; from here on the same bytes in 32-bit and in 64-bit code
        out     dx, al
        mov     esi, [rdi + 228h]               ; cmd_line_ptr
next:   lodsb
        out     dx, al
        test    al, al
        jnz     next
        mov     esi, [rdi + 218h]               ; ramdisk_image
        mov     ecx, [rdi + 21Ch]               ; ramdisk_size
        rep     outsb
        mov     dx, 604h
        mov     ax, 2000h
        out     dx, ax
        hlt
"""


def telling(**fields):
    return bzimage(assemble(SETUP, 16, SETUP_CODE - 0x200), assemble(KERNEL, 32), **fields)


@pytest.fixture
def machine():
    return Machine("8M")


def write(directory, data, name="vmlinuz"):
    path = directory / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("entry, said", [(None, "163"), ("16", "163"), ("32", "3"), ("64", "6")])
@pytest.mark.parametrize("fields", [{}, {"relocatable_kernel": 1, "kernel_alignment": 2 * MB, "pref_address": 3 * MB}],
                         ids=["at 1 MB", "relocatable"])
def test_each_entry_runs(machine, tmp_path, entry, said, fields):
    path = write(tmp_path, telling(xloadflags=1, **fields))
    initrd = [write(tmp_path, b"first", "1"), write(tmp_path, b"second", "2")]
    boot.kernel(machine, path, append="root=/dev/sda quiet", initrd=initrd, entry=entry)
    stop = machine.run(max_instructions=5000)
    assert (stop.kind, machine.serial.text) == ("poweroff", f"{said} root=/dev/sda quiet\0first\0\0\0second")


@pytest.mark.parametrize("version", [0x202, 0x203, 0x206, 0x20A])
def test_older_protocols_run(machine, tmp_path, version):
    boot.kernel(machine, write(tmp_path, telling(version=version)), append="old", initrd=write(tmp_path, b"disk", "1"))
    assert machine.run(max_instructions=5000).kind == "poweroff" and machine.serial.text == "163 old\0disk"


#: Setup code that reads the second sector of the first hard disk to 0:600h by INT 13h, and prints what it begins with.
READS_THE_DISK = """
        xor     ax, ax
        mov     es, ax
        mov     ax, 201h
        mov     bx, 600h
        mov     cx, 2
        mov     dx, 80h
        int     13h
        mov     al, [es:600h]
        mov     dx, 3F8h
        out     dx, al
        mov     dx, 604h
        mov     ax, 2000h
        out     dx, ax
        hlt"""


def test_16_bit_code_finds_the_drives(machine, tmp_path):
    code = assemble(READS_THE_DISK, 16, SETUP_CODE - 0x200)
    disk, floppy = write(tmp_path, bytes(512) + b"D" * (MB - 512), "disk"), write(tmp_path, bytes(1440 << 10), "floppy")
    cd = write(tmp_path, bytes(17 * 2048), "cd")
    boot.kernel(machine, write(tmp_path, bzimage(code)), floppies=[floppy], disks=[disk], cdroms=[cd])
    assert machine.run(max_instructions=1000).kind == "poweroff" and machine.serial.text == "D"
    assert sorted(machine.devices["bios"].drives) == [0, 0x80, 0xE0]


def test_16_bit_code_meets_the_quirks_of_the_bios(machine, tmp_path):
    code = assemble(READS_THE_DISK, 16, SETUP_CODE - 0x200)
    disk = write(tmp_path, bytes(512) + b"D" * (MB - 512), "disk")
    boot.kernel(machine, write(tmp_path, bzimage(code)), disks=[disk], quirks=["int13-needs-irq"])
    machine.bus.write(0xA1, 0xFF, 1)
    assert machine.run(max_instructions=1000).kind == "poweroff" and machine.serial.text == "\0"


# ---- what is where --------------------------------------------------------------------------------------------------

BOARD = Board()                         # for tests with many examples


def start(data, append="", initrd=None, entry=None, size=4 * MB, board=None):
    """A board on which the kernel was started; `size` bytes of memory."""
    board = board or Board(size)
    kernel = Kernel("vmlinuz", data, append, None if initrd is None else Module(initrd, "initrd"), (), entry)
    image = linux.PROTOCOL.find(kernel)
    linux.check(kernel, image)
    linux.boot(board, kernel, image)
    return board


def setup_of(board):
    return board.memory.read(board.cpu.segments["ds"][1], 0x800)


def test_the_setup_is_told_what_the_protocol_has():
    board = start(bzimage(b"\xf4setup"), "quiet", b"12345")
    header = setup_of(board)
    assert board.cpu.segments["cs"] == (0x1020, 0x10200, None, None)
    assert {board.cpu.segments[name][:2] for name in ("ds", "es", "fs", "gs", "ss")} == {(0x1000, 0x10000)}
    assert (board.cpu.rip, board.cpu.rsp, board.cpu.rflags, board.cpu.idtr) == (0, 0xE000, 2, (0, 0x3FF))
    assert header[SETUP_CODE:SETUP_CODE + 6] == b"\xf4setup"
    assert setup_field(header, "type_of_loader") == 0xFF and setup_field(header, "loadflags") == 0x81
    assert setup_field(header, "heap_end_ptr") == 0xDE00 and setup_field(header, "vid_mode") == 0xFFFF
    assert board.memory.read(setup_field(header, "cmd_line_ptr"), 6) == b"quiet\0"
    image, size = setup_field(header, "ramdisk_image"), setup_field(header, "ramdisk_size")
    assert (image, board.memory.read(image, size)) == (4 * MB - 0x4000, b"12345")      # the ACPI tables lie above
    assert board.memory.read(MB, 64) == b"\xf4" * 64


@given(version=st.integers(0x200, 0x20F), fill=st.integers(0, 255))
def test_what_a_version_has_not_got_is_not_written(version, fill):
    fields = {name: 0 for name in SETUP_HEADER if name in loader.FIELDS and loader.FIELDS[name].since > version}
    file = bytearray(bzimage(fill=fill, version=version, code32_start=0x1234, syssize=0,
                             relocatable_kernel=0))
    for name in fields:                     # what stands there is the kernel's code
        offset, form = SETUP_HEADER[name]
        file[offset:offset + struct.calcsize(form)] = bytes([fill]) * struct.calcsize(form)
    board = start(bytes(file), "x", b"initrd", board=BOARD)
    header = setup_of(board)
    told = {"type_of_loader", "loadflags", "ramdisk_image", "ramdisk_size", "heap_end_ptr", "cmd_line_ptr"}
    if version < 0x202:
        told.add("setup_move_size")
    allowed = set()
    for name in told - set(fields):
        offset, form = SETUP_HEADER[name]
        allowed |= set(range(offset, offset + struct.calcsize(form)))
    if version < 0x202:
        allowed |= set(range(0x20, 0x24))
    changed = {at for at in range(0x800) if header[at] != file[at]}
    assert changed <= allowed and 0x210 in changed | ({0x210} if file[0x210] == 0xFF else set())
    assert setup_field(header, "ramdisk_size") == 6
    if version >= 0x202:
        assert board.memory.read(setup_field(header, "cmd_line_ptr"), 2) == b"x\0"
    else:
        segment = board.cpu.segments["ds"][1]
        magic, offset = struct.unpack_from("<HH", header, 0x20)
        assert (segment, magic, setup_field(header, "setup_move_size")) == (0x90000, 0xA33F, offset + 2)
        assert board.memory.read(segment + offset, 2) == b"x\0"


@pytest.mark.parametrize("version", [0x200, 0x202, 0x20C])
def test_a_zimage_lies_in_low_memory(version):
    board = start(bzimage(kernel=b"\x90" * 1000, version=version, loadflags=0, code32_start=0x1000), "x")
    assert board.cpu.segments["cs"][:2] == (0x9020, 0x90200) and board.cpu.rsp == 0x9800
    assert board.memory.read(0x10000, 1000) == b"\x90" * 1000
    assert setup_field(setup_of(board), "code32_start") == 0x1000


@pytest.mark.parametrize("text, mode", [
    ("", 0x1234), ("vga=normal", 0xFFFF), ("a vga=ext b", 0xFFFE), ("vga=ask", 0xFFFD), ("vga=791", 791), ("vga=0x317", 0x317),
    ("vga=0315", 0o315), ("vga=0", 0), ("vga=1 vga=2", 2), ("novga=5", 0x1234)])
def test_the_video_mode_comes_from_the_command_line(text, mode):
    assert setup_field(setup_of(start(bzimage(vid_mode=0x1234), text)), "vid_mode") == mode


@pytest.mark.parametrize("fields, text, top", [
    ({}, "", 4 * MB - 0x3000), ({"initrd_addr_max": 3 * MB}, "", 3 * MB), ({"initrd_addr_max": 3 * MB - 2}, "", 3 * MB),
    ({"initrd_addr_max": 3 * MB - 2 - 3192}, "", 3 * MB - 0x1000),
    ({}, "mem=3M", 3 * MB), ({}, "mem=3072k", 3 * MB), ({}, "mem=0x300000", 3 * MB), ({}, "mem=nopentium", 4 * MB - 0x3000),
    ({"cmdline_size": 6000}, "mem=" + "9" * 5000, 4 * MB - 0x3000),
    ({"version": 0x202}, "", 4 * MB - 0x3000)])
def test_the_initrd_is_as_high_as_it_may_be(fields, text, top):
    board = start(bzimage(**fields), text, bytes(5000))
    assert setup_field(setup_of(board), "ramdisk_image") == top - 0x2000


def test_where_the_kernel_goes():
    code = b"\x90" * 64
    here = bzimage(kernel=code, relocatable_kernel=1, pref_address=2 * MB + 1, kernel_alignment=0x10000)
    board = start(here)
    assert board.memory.read(2 * MB + 0x10000, 64) == code
    assert setup_field(setup_of(board), "code32_start") == 2 * MB + 0x10000
    board = start(bzimage(kernel=code, pref_address=2 * MB))            # not relocatable: it moves itself
    assert board.memory.read(MB, 64) == code and setup_field(setup_of(board), "code32_start") == MB


# ---- the zero page --------------------------------------------------------------------------------------------------

def test_the_32_bit_entry_is_as_the_protocol_says(machine, tmp_path):
    boot.kernel(machine, write(tmp_path, bzimage(relocatable_kernel=1, pref_address=2 * MB)), append="x", entry="32")
    cpu = machine.cpu
    assert (cpu.mode, cpu.code_bits, cpu.rip, cpu.cs, cpu.ds, cpu.es, cpu.ss) == ("protected", 32, 2 * MB, 0x10, 0x18, 0x18, 0x18)
    assert cpu.ebp == cpu.edi == cpu.ebx == 0 and not cpu.if_
    base, limit = cpu.gdtr
    assert machine.memory.read(base + 0x10, 16) == bytes.fromhex("ffff0000009bcf00 ffff00000093cf00") and limit == 0x1F


def test_the_64_bit_entry_is_as_the_protocol_says(machine, tmp_path):
    boot.kernel(machine, write(tmp_path, bzimage(xloadflags=1, kernel=bytes(0x400))), append="x", entry="64")
    cpu = machine.cpu
    assert (cpu.mode, cpu.code_bits, cpu.rip, cpu.cs, cpu.ds, cpu.es, cpu.ss) == ("long", 64, MB + 0x200, 0x10, 0x18, 0x18, 0x18)
    page = machine.memory.read(cpu.rsi, 4096)
    for address in (cpu.rip, cpu.rsi, cpu.rsi + 4095, setup_field(page, "cmd_line_ptr")):
        assert machine.walk(address).physical == address
    assert machine.memory.read(cpu.gdtr[0] + 0x10, 16) == bytes.fromhex("ffff0000009baf00 ffff00000093cf00")


def test_the_zero_page_says_what_the_bios_would(machine, tmp_path):
    file = bzimage(xloadflags=1, kernel=bytes(0x400), root_dev=0x301)
    boot.kernel(machine, write(tmp_path, file), append="vga=5", initrd=write(tmp_path, b"disk", "1"), entry="64")
    page = machine.memory.read(machine.cpu.rsi, 4096)
    entries = [struct.unpack_from("<QQI", page, 0x2D0 + 20 * number) for number in range(page[0x1E8])]
    assert entries[0] == (0, 0x9FC00, 1) and (MB, 7 * MB - 0x3000, 1) in entries
    assert entries == sorted(entries) and {kind for _, _, kind in entries} == {1, 2, 3, 4}
    rsdp, = struct.unpack_from("<Q", page, 0x70)
    assert machine.memory.read(rsdp, 8) == b"RSD PTR "
    x, y, _, _, mode, columns = struct.unpack_from("<BBHHBB", page)
    assert (mode, columns, page[0x0E], page[0x0F]) == (3, 80, 25, 1) and struct.unpack_from("<H", page, 0x10) == (16,)
    assert (x, y) == machine.screen.cursor or (y, x) == machine.screen.cursor
    assert struct.unpack_from("<I", page, 0x1E0) == ((7 * MB - 0x3000) >> 10,)
    assert page[0x1F1:0x1F1 + 9] == file[0x1F1:0x1F1 + 9] and page[0x1EF] == 0
    assert [setup_field(page, name) for name in ("vid_mode", "root_dev", "type_of_loader", "ramdisk_size", "pref_address")] == [
        5, 0x301, 0xFF, 4, MB]
    behind = 0x202 + file[0x201]
    assert page[behind:0x2D0] == bytes(0x2D0 - behind)


def test_a_machine_without_acpi_has_no_root_pointer(tmp_path):
    machine = Machine("8M", board="minimal")
    boot.kernel(machine, write(tmp_path, bzimage(xloadflags=1, kernel=bytes(0x400))), entry="64")
    assert machine.memory.read_u64(machine.cpu.rsi + 0x70) == 0


def test_a_frame_buffer_is_told():
    from boot.protocols.linux_zero_page import screen_info
    machine = Machine("4M")
    machine.devices["dispi"].set_mode(1024, 768, 16)
    info = screen_info(machine)
    assert info[0x0F] == 0x23
    assert struct.unpack_from("<HHHII", info, 0x12) == (1024, 768, 16, 0xFD000000, 256)
    assert struct.unpack_from("<H8B", info, 0x24) == (2048, 5, 11, 6, 5, 5, 0, 0, 0)


@pytest.mark.parametrize("entry", ["32", "64"])
def test_the_loader_sets_the_video_mode_where_the_setup_does_not_run(machine, tmp_path, monkeypatch, entry):
    asked = []

    def set_mode(bios, call):
        asked.append((call.ax, call.bx))
        bios.machine.devices["dispi"].set_mode(1024, 768, 16)
        call.ax = 0x004F

    monkeypatch.setitem(SERVICES, (0x10, 0x4F02), (set_mode, "set mode"))
    path = write(tmp_path, bzimage(xloadflags=1, kernel=bytes(0x400)))
    boot.kernel(machine, path, append="vga=791", entry=entry)
    page = machine.memory.read(machine.cpu.rsi, 4096)
    assert asked == [(0x4F02, 0x4117)] and page[0x0F] == 0x23 and struct.unpack_from("<HH", page, 0x12) == (1024, 768)
    assert machine.cpu.rip in (MB, MB + 0x200) and machine.cpu.cs == 0x10
    for text in ("vga=normal", "vga=7", "vga=0x1ff", "vga=0x900", ""):
        boot.kernel(Machine("4M"), path, append=text, entry=entry)
    assert len(asked) == 1


def test_a_bios_without_the_video_mode_stays_in_text(machine, tmp_path):
    boot.kernel(machine, write(tmp_path, bzimage()), append="vga=0x8ff", entry="32")
    assert machine.memory.read(machine.cpu.rsi, 16)[0x0F] == 1 and not machine.devices["dispi"].enabled


# ---- what is refused ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("file, arguments, words", [
    (bzimage()[:0x220], {}, "cut short: the file ends within the setup header, at byte 544"),
    (bzimage()[:0xA00], {}, "cut short: setup_sects at 1F1h asks for 2560 bytes of setup, and a kernel behind them"),
    (bzimage(version=0x1FF), {}, "boot protocol 1.255 at 206h: there is none before 2.00"),
    (bzimage(boot_flag=0), {}, "boot_flag at 1FEh is 0000h, not AA55h"),
    (bzimage(syssize=0x100000), {}, "syssize at 1F4h promises 16777216 bytes behind the setup, and the file has 64"),
    (bzimage(setup_sects=120), {}, "61952 bytes of setup leave no room for its heap and stack, which end at E000h"),
    (bzimage(cmdline_size=4), {"append": "12345"}, "the command line has 5 characters, and this kernel reads at most 4"),
    (bzimage(version=0x205), {"append": "1" * 256}, "256 characters, and this kernel reads at most 255"),
    (bzimage(), {"append": "vga=nice"}, "vga=nice: the video mode is neither normal, ext, ask nor a number"),
    (bzimage(), {"append": "vga=70000"}, "vga=70000: a video mode has 16 bits"),
    (bzimage(), {"append": "a\0b"}, "has a 0 byte in it"),
    (bzimage(), {"entry": "64"}, "has no 64-bit entry"),
    (bzimage(loadflags=0), {"entry": "32"}, "a zImage has a 16-bit entry only"),
    (bzimage(version=0x202), {"entry": "32"}, "boot protocol 2.02 has a 16-bit entry only"),
    (bzimage(init_size=16 * MB), {}, "the kernel needs 18 MB of memory, the machine has 4 MB: -m 18M or more"),
    (bzimage(pref_address=16 * MB, relocatable_kernel=1), {}, "needs 17 MB of memory, the machine has 4 MB"),
    (bzimage(init_size=3 * MB - 0x3000), {"initrd": bytes(MB)}, "the kernel with its initrd of 1048576 bytes needs"),
    (bzimage(pref_address=1 << 60), {}, "needs memory up to 1000000000010000h"),
    (bzimage(init_size=0xFFFFFFFF), {}, "no machine has any between C0000000h and 4 GB"),
    (bzimage(loadflags=0, kernel=bytes(0x80001)), {}, "a zImage of 524289 bytes; there is room for 524288"),
    (bzimage(initrd_addr_max=0x1000), {"initrd": b"1"}, "no room in memory for the initrd of vmlinuz, 1 bytes below 1001h"),
])
def test_what_makes_no_sense_gives_one_line(file, arguments, words):
    with pytest.raises(ImageError, match=re.escape(words)) as error:
        start(file, **arguments)
    assert "\n" not in str(error.value)


def test_modules_are_refused(machine, tmp_path):
    with pytest.raises(ImageError, match="takes no modules"):
        boot.kernel(machine, write(tmp_path, bzimage()), modules=[write(tmp_path, b"1", "1")])


def old_kernel(setup=b"\xf4"):
    """A kernel from before 2.00: a boot sector, setup code at the beginning of the next sector, no header in it."""
    sector = bytearray(512)
    sector[0x1F1], sector[0x1FE:0x200] = 4, b"\x55\xaa"
    return bytes(sector) + setup.ljust(4 * 512, b"\x90") + b"\xaa" * 5000


def test_kernels_from_before_the_header(machine, tmp_path):
    file = old_kernel()
    path = write(tmp_path, file)
    with pytest.raises(ImageError, match="or a Linux kernel from before boot protocol 2.00: name the protocol linux"):
        boot.kernel(machine, path)
    with pytest.raises(ImageError, match="a kernel from before boot protocol 2.00 knows no initrd"):
        boot.kernel(machine, path, protocol="linux", initrd=path)
    with pytest.raises(ImageError, match="no setup header .HdrS at 202h., and no boot sector"):
        boot.kernel(machine, write(tmp_path, bytes(5000)), protocol="linux")
    boot.kernel(machine, write(tmp_path, file), protocol="linux", append="vga=5 old")
    memory, cpu = machine.memory, machine.cpu
    assert (cpu.cs, cpu.rip, cpu.ds, cpu.mode) == (0x9020, 0, 0x9000, "real")
    magic, offset = struct.unpack("<HH", memory.read(0x90020, 4))
    assert magic == 0xA33F and memory.read(0x90000 + offset, 10) == b"vga=5 old\0"
    assert memory.read_u16(0x901FA) == 5 and memory.read(0x10000, 5000) == b"\xaa" * 5000
    assert memory.read(0x90200, 0x800) == file[0x200:0xA00]


EDGES = [0, 1, 2, 0xFFF, 0x1000, 0x1001, 0x8000, 0xFFFF, 0x10000, MB - 1, MB, 2 * MB, 3 * MB, 4 * MB, 0x37FFFFFF, 0x7FFFFFFF,
         0x80000000, 0xFFFFFFFF, 1 << 32, 1 << 40, (1 << 64) - 1]


def value(form):
    most = (1 << 8 * struct.calcsize(form)) - 1
    return st.sampled_from(EDGES).map(lambda edge: edge & most) | st.integers(0, most)


@given(fields=st.fixed_dictionaries({}, optional={name: value(form) for name, (_, form) in SETUP_HEADER.items()}),
       version=st.integers(0x200, 0x210), entry=st.sampled_from([None, "16", "32", "64"]), fill=st.integers(0, 255),
       append=st.text(st.characters(max_codepoint=0x17F), max_size=300), initrd=st.binary(max_size=50) | st.none(),
       cut=st.none() | st.integers(0, 4000))
def test_a_hostile_header_is_booted_or_refused_and_nothing_else(fields, version, entry, fill, append, initrd, cut):
    file = bzimage(fill=fill, **{"version": version, **fields})[:cut]
    if not loader.is_linux(file):
        return
    try:
        board = start(file, append, initrd, entry, board=BOARD)
    except ImageError as error:
        assert "\n" not in str(error) and len(str(error)) < 400
    else:
        image = loader.read(file)
        address = load_address(image)
        assert board.memory.read(address, len(image.kernel)) == image.kernel
