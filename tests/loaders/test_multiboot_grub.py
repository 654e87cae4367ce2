"""What a kernel is told by --kernel, by GRUB in this machine, by GRUB in QEMU, and by QEMU's own -kernel: the same, where the
machines and the loaders are."""
from __future__ import annotations

import struct

import pytest

import payloads
from executables import read_sections
from multiboot_guest import build, by_grub, entries, grub_disk, here, in_qemu, number

MODULE = b"the bytes of a module"
GRAPHICS = [(800, 600, 32), (640, 480, 16), (1024, 768, 0), (0, 0, 0)]


@pytest.fixture
def module(tmp_path):
    path = tmp_path / "module"
    path.write_bytes(MODULE)
    return path


def disk(tmp_path, kernel, command, module):
    try:
        return grub_disk(tmp_path, kernel, command, [(module, "first a=1")])
    except payloads.Missing as missing:
        pytest.skip(f"needs {missing}")


def same_processor(told, other, magic):
    assert number(told, "eax") == number(other, "eax") == magic
    for one in (told, other):
        assert number(one, "eflags") & (1 << 9 | 1 << 17) == 0
        assert number(one, "cr0") & 0x80000001 == 1
        assert one["limit"] == [b"\xff" * 4] * 3
        for name in ("cs", "ds", "ss"):                     # without the bit that says it was used
            assert number(one, name) & 0xFFFE == {"cs": 0xC09A}.get(name, 0xC092)


def same_sections(told, other):
    """Headers but for the addresses of what the loader placed; the names themselves, as read by the kernel from there."""
    ours, theirs = (read_sections(one["sections"][0], 32) for one in (told, other))
    assert [each._replace(address=0) for each in ours] == [each._replace(address=0) for each in theirs]
    linked = [(mine.address, yours.address) for mine, yours in zip(ours, theirs) if mine.flags & 2]
    assert all(mine == yours for mine, yours in linked) and len(linked) == 5
    placed = [each for each in ours if each.size and not each.flags & 2]
    assert len(placed) == 3 and all(each.address for each in placed)
    assert told["names"] == other["names"] and b".shstrtab\0" in told["names"][0]


def kinds(ours, theirs):
    """(start, type) of what the two maps have alike: conventional memory, the EBDA, the ROM, memory from 1 MB on."""
    return [{(start, kind) for start, _, kind in each if start < 0xF0000 or start == 0x100000} for each in (ours, theirs)]


# ---- multiboot 2 -----------------------------------------------------------------------------------------------------

COMMAND_LINE, LOADER, MODULES, BASIC, BOOT_DEVICE, MAP, VBE, FRAME_BUFFER, SECTIONS, APM = (
    "01", "02", "03", "04", "05", "06", "07", "08", "09", "0A")
SMBIOS, OLD_RSDP, NEW_RSDP, LOAD_BASE, END = "0D", "0E", "0F", "15", "00"
EVERYWHERE = {COMMAND_LINE, LOADER, MODULES, BASIC, MAP, FRAME_BUFFER, SECTIONS, LOAD_BASE, END}


def tags(told):
    return {name for name in told if len(name) == 2 and name.isupper() or name.isdigit()}


def test_multiboot_2_by_kernel_and_by_grub(tmp_path, module):
    kernel = build(tmp_path, 2)
    told = here(kernel, append="one two", modules=[(module, "first a=1")])
    assert tags(told) == EVERYWHERE | {OLD_RSDP, NEW_RSDP, SMBIOS}
    assert told["start"] == [MODULE[:8]] and told[COMMAND_LINE][0][8:] == b"one two\0"
    other = by_grub(disk(tmp_path, kernel, "multiboot2", module))
    same_processor(told, other, 0x36D76289)
    for name in (COMMAND_LINE, MODULES, BASIC, MAP, NEW_RSDP, LOAD_BASE, END, "start", "mode"):
        assert told[name] == other[name], name
    same_sections(told, other)
    if FRAME_BUFFER in other:                               # GRUB asks VBE for it
        assert told[FRAME_BUFFER] == other[FRAME_BUFFER]


@pytest.mark.deep
@pytest.mark.parametrize("defines", [{}, {"RELOCATABLE": "0x400000,0x2000000,0x200000,2"},
                                     {"RELOCATABLE": "0x400000,0x2000000,0x200000,1"},
                                     *({"FRAME": "%d,%d,%d" % wish} for wish in GRAPHICS)], ids=str)
def test_multiboot_2_by_kernel_and_by_grub_in_qemu(tmp_path, module, defines):
    kernel = build(tmp_path, 2, **defines)
    told = here(kernel, append="one two", modules=[(module, "first a=1")])
    other = in_qemu("-drive", f"file={disk(tmp_path, kernel, 'multiboot2', module)},format=raw")
    same_processor(told, other, 0x36D76289)
    assert tags(other) == EVERYWHERE | {OLD_RSDP, BOOT_DEVICE, APM} | ({VBE} if "FRAME" in defines else set())
    for name in (COMMAND_LINE, LOAD_BASE, FRAME_BUFFER, END, "start", "here"):
        assert told[name] == other[name], name
    assert told[MODULES][0][16:] == other[MODULES][0][16:]
    assert told[BASIC][0][8:12] == other[BASIC][0][8:12]
    same_sections(told, other)
    ours, theirs = (entries(one[MAP][0][16:], 0) for one in (told, other))
    assert kinds(ours, theirs)[0] == kinds(ours, theirs)[1]


# ---- multiboot 1 -----------------------------------------------------------------------------------------------------

def info(told):
    """The information: flags, then the fields in order; addresses are the loader's own."""
    names = ("flags mem_lower mem_upper boot_device cmdline mods_count mods_addr sections section_size section_headers names "
             "mmap_length").split()
    found = dict(zip(names, struct.unpack_from("<12I", told["info"][0])))
    return found | {"screen": told["info"][0][88:110], "colors": told["info"][0][112:118]}


SAME = ("mem_lower", "mods_count", "sections", "section_size", "names")
MEMORY, COMMAND, MODS, ELF, MMAP, NAME, VBE_INFO, SCREEN = (1 << bit for bit in (0, 2, 3, 5, 6, 9, 11, 12))


@pytest.mark.deep
def test_multiboot_1_by_kernel_and_by_grub(tmp_path, module):
    kernel = build(tmp_path, 1)
    told, other = here(kernel, append="one two", modules=[(module, "first a=1")]), by_grub(disk(
        tmp_path, kernel, "multiboot", module))
    same_processor(told, other, 0x2BADB002)
    same_sections(told, other)
    for name in ("map", "string", "start", "mode"):
        assert told[name] == other[name], name
    assert told["cmdline"][0].endswith(b" one two") and other["cmdline"] == [b"one two"]
    assert told["module"][0][:8] == other["module"][0][:8]
    for name in (*SAME, "mem_upper", "mmap_length"):
        assert info(told)[name] == info(other)[name], name


@pytest.mark.deep
@pytest.mark.parametrize("defines", [{}, *({"FLAGS": 7, "MODE": "0,%d,%d,%d" % wish} for wish in GRAPHICS)], ids=str)
def test_multiboot_1_by_kernel_and_by_grub_in_qemu(tmp_path, module, defines):
    kernel = build(tmp_path, 1, **defines)
    told = here(kernel, append="one two", modules=[(module, "first a=1")])
    other = in_qemu("-drive", f"file={disk(tmp_path, kernel, 'multiboot', module)},format=raw")
    same_processor(told, other, 0x2BADB002)
    same_sections(told, other)
    both = MEMORY | COMMAND | MODS | ELF | MMAP | NAME | SCREEN
    assert info(told)["flags"] & both == info(other)["flags"] & both == both
    for name in (*SAME, "screen", "colors"):
        assert info(told)[name] == info(other)[name], name


@pytest.mark.deep
def test_multiboot_1_by_kernel_and_by_qemu(tmp_path, module):
    kernel = build(tmp_path, 1)
    told = here(kernel, append="one two", modules=[(module, f"{module} a=1")])
    other = in_qemu("-kernel", kernel, "-append", "one two", "-initrd", f"{module} a=1")
    same_processor(told, other, 0x2BADB002)
    for name in ("cmdline", "string", "start", "mode"):
        assert told[name] == other[name], name
    both = MEMORY | COMMAND | MODS | MMAP | NAME
    assert info(told)["flags"] & both == info(other)["flags"] & both == both
    assert info(told)["mem_lower"] == info(other)["mem_lower"]
    ours, theirs = (entries(one["map"][0], 4) for one in (told, other))
    assert kinds(ours, theirs)[0] == kinds(ours, theirs)[1]
