"""Small ELF files and multiboot headers, written out by the fields of their headers; a board to load them into."""
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
        self.segments = {}

    def set_segment(self, name, selector, base, limit, access):
        self.segments[name] = (selector, base, limit, access)


class Board:
    """A machine without a processor that runs: memory, registers, the A20 gate."""

    def __init__(self, size=4 * MB, fill="random:7"):
        self.memory, self.cpu, self.a20 = Memory(size, fill), Processor(), False
        self.devices = {"bios": SimpleNamespace(machine=self)}

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
