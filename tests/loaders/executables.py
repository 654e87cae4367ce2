"""Small ELF files, Linux kernels and multiboot headers, written out by the fields of their headers; a board to load them
into."""
from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import NamedTuple

from x86._memory import Memory
from x86.machine import Machine

EM_386, EM_X86_64 = 3, 62
EXECUTABLE, RELOCATABLE, SHARED = 2, 1, 3
PT_LOAD, PT_NOTE = 1, 4
MB = 1 << 20


class Segment:
    """One program header, and the bytes that it loads."""

    def __init__(self, physical, data=b"", size=None, virtual=None, kind=PT_LOAD):
        self.physical, self.data, self.kind = physical, data, kind
        self.virtual = physical if virtual is None else virtual
        self.size = len(data) if size is None else size


def elf(segments, entry, bits=32, machine=None, kind=EXECUTABLE, offset=0x1000, lead=b""):
    """The bytes of an ELF file; the segments' data from `offset` on, `lead` right behind the program headers."""
    wide = bits == 64
    header_size, entry_size = (64, 56) if wide else (52, 32)
    machine = machine or (EM_X86_64 if wide else EM_386)
    address = "Q" if wide else "I"
    identification = b"\x7fELF" + bytes((2 if wide else 1, 1, 1)) + bytes(9)
    file = identification + struct.pack(f"<HHI{3 * address}IHHHHHH", kind, machine, 1, entry, header_size, 0, 0,
                                        header_size, entry_size, len(segments), 0, 0, 0)
    body, headers = b"", b""
    for segment in segments:
        at = offset + len(body)
        if wide:
            headers += struct.pack("<IIQQQQQQ", segment.kind, 7, at, segment.virtual, segment.physical,
                                   len(segment.data), segment.size, 0x1000)
        else:
            headers += struct.pack("<IIIIIIII", segment.kind, at, segment.virtual, segment.physical,
                                   len(segment.data), segment.size, 7, 0x1000)
        body += segment.data
    file += headers + lead
    assert len(file) <= offset
    return file.ljust(offset, b"\0") + body


def multiboot_header(flags=0, addresses=(0,) * 5, mode=None):
    """A multiboot 1 header with its checksum; `mode` is (type, width, height, depth)."""
    magic = 0x1BADB002
    header = struct.pack("<3I", magic, flags, -(magic + flags) & 0xFFFFFFFF)
    if flags & 0x10000 or mode:
        header += struct.pack("<5I", *addresses)
    if mode:
        header += struct.pack("<4I", *mode)
    return header


#: offset and format of the fields of Linux's setup header
SETUP_HEADER = {
    "setup_sects": (0x1F1, "B"), "root_flags": (0x1F2, "H"), "syssize": (0x1F4, "I"), "ram_size": (0x1F8, "H"),
    "vid_mode": (0x1FA, "H"), "root_dev": (0x1FC, "H"), "boot_flag": (0x1FE, "H"), "version": (0x206, "H"),
    "realmode_swtch": (0x208, "I"), "start_sys_seg": (0x20C, "H"), "kernel_version": (0x20E, "H"),
    "type_of_loader": (0x210, "B"), "loadflags": (0x211, "B"), "setup_move_size": (0x212, "H"), "code32_start": (0x214, "I"),
    "ramdisk_image": (0x218, "I"), "ramdisk_size": (0x21C, "I"), "heap_end_ptr": (0x224, "H"), "cmd_line_ptr": (0x228, "I"),
    "initrd_addr_max": (0x22C, "I"), "kernel_alignment": (0x230, "I"), "relocatable_kernel": (0x234, "B"),
    "min_alignment": (0x235, "B"), "xloadflags": (0x236, "H"), "cmdline_size": (0x238, "I"), "hardware_subarch": (0x23C, "I"),
    "payload_offset": (0x248, "I"), "payload_length": (0x24C, "I"), "setup_data": (0x250, "Q"), "pref_address": (0x258, "Q"),
    "init_size": (0x260, "I"), "handover_offset": (0x264, "I"), "kernel_info_offset": (0x268, "I")}
SETUP_CODE = 0x26C                          # where the setup's code begins here, behind the longest header
BZIMAGE = {"setup_sects": 4, "vid_mode": 0xFFFF, "boot_flag": 0xAA55, "version": 0x20F, "loadflags": 1,
           "code32_start": MB, "initrd_addr_max": 0x7FFFFFFF, "kernel_alignment": 0x1000, "cmdline_size": 2047,
           "pref_address": MB, "init_size": 0x10000}


def bzimage(setup=b"\xf4", kernel=b"\xf4" * 64, fill=0, **fields):
    """The bytes of a Linux kernel: protocol 2.15, not relocatable, unless `fields` of the setup header say otherwise."""
    fields = BZIMAGE | fields
    sectors = (fields["setup_sects"] or 4) + 1
    file = bytearray([fill]) * (512 * sectors)
    file[0x200:0x206] = b"\xeb" + bytes([SETUP_CODE - 0x202]) + b"HdrS"
    for name, value in fields.items():
        offset, form = SETUP_HEADER[name]
        struct.pack_into("<" + form, file, offset, value)
    file[SETUP_CODE:SETUP_CODE + len(setup)] = setup
    return bytes(file) + kernel


def setup_field(data, name):
    """A field of a setup header; `data` begins with the boot sector, or is a zero page."""
    offset, form = SETUP_HEADER[name]
    return struct.unpack_from("<" + form, data, offset)[0]


def multiboot2_header(*tags, architecture=0, checksum=None):
    """A multiboot 2 header of `tags`, (type, flags, contents) each, and the end tag."""
    body = b""
    for kind, flags, contents in (*tags, (0, 0, b"")):
        body += struct.pack("<HHI", kind, flags, 8 + len(contents)) + contents
        body += bytes(-len(body) % 8)
    start = 0xE85250D6, architecture, 16 + len(body)
    return struct.pack("<4I", *start, -sum(start) & 0xFFFFFFFF if checksum is None else checksum) + body


class Processor:
    """Keeps what it is told, as the registers of a processor would. No BIOS can be called."""

    mode = "protected"

    def __init__(self):
        self.segments, self.idtr = {}, (0, 0x3FF)

    def set_segment(self, name, selector, base, limit=None, access=None):
        self.segments[name] = (selector, base, limit, access)


class Board:
    """A machine without a processor that runs: memory, registers, the A20 gate."""

    def __init__(self, size=4 * MB, fill="random:7"):
        self.memory, self.cpu, self.a20 = Memory(size, fill), Processor(), False
        self.memory.write_u16(0x40E, 0x9FC0)                # the BIOS data area says where the EBDA is
        self.devices = {"bios": SimpleNamespace(machine=self, word=self.memory.read_u16),
                        "dispi": SimpleNamespace(enabled=False), "pm": None}

    def set_a20(self, on):
        self.a20 = on


class Screen(Board):
    """A board with the graphics adapter of a machine."""

    def __init__(self):
        super().__init__()
        machine = Machine("1M")
        self.devices |= {name: machine.devices[name] for name in ("dispi", "vga")}


class Section(NamedTuple):
    """A section header of an ELF file."""
    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entry_size: int


SECTION = {32: "<10I", 64: "<2I4Q2I2Q"}
PROGBITS, SYMTAB, STRTAB, NOBITS = 1, 2, 3, 8


def with_sections(file, bits, **wrong):
    """(an ELF file with four sections behind it, the contents of each): none, code at 1 MB, symbols, names.

    wrong: fields of the third section's header that get another value."""
    contents = [b"", b"", b"symbols!" * 5, b"\0.text\0.symtab\0.shstrtab\0"]
    at = len(file)
    symbols = Section(7, SYMTAB, 0, 0, at, len(contents[2]), 3, 0, 8, 16)._replace(**wrong)
    headers = [Section(*[0] * 10), Section(1, PROGBITS, 6, MB, 0x1000, 32, 0, 0, 16, 0), symbols,
               Section(15, STRTAB, 0, 0, at + len(contents[2]), len(contents[3]), 0, 0, 1, 0)]
    table = b"".join(struct.pack(SECTION[bits], *header) for header in headers)
    file = bytearray(file + b"".join(contents))
    where = len(file)
    size = struct.calcsize(SECTION[bits])
    struct.pack_into("<Q" if bits == 64 else "<I", file, 40 if bits == 64 else 32, where)
    struct.pack_into("<3H", file, 58 if bits == 64 else 46, size, len(headers), 3)
    return bytes(file) + table, contents


def read_sections(table, bits):
    """Section headers as Section."""
    return [Section(*fields) for fields in struct.iter_unpack(SECTION[bits], table)]
