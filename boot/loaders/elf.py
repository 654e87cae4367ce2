"""ELF executables: the program headers of type PT_LOAD, as pieces for physical memory.

A boot loader reads the ELF header and the program headers and nothing else; sections may be missing or wrong.

    ELF header    e_entry e_phoff e_phentsize e_phnum
    e_phnum times p_type p_offset p_vaddr p_paddr p_filesz p_memsz
                           |                 |        |        +-- bytes in memory, zeros behind the file's (BSS)
                           +-- in the file   |        +----------- bytes in the file
                                             +-------------------- where in physical memory

Source: System V ABI, "Object Files" and "Program Loading"; System V ABI AMD64 supplement.
"""
from __future__ import annotations

import struct
from collections.abc import Iterator
from io import BytesIO
from typing import NamedTuple

from elftools.common.exceptions import ELFError
from elftools.common.utils import struct_parse
from elftools.elf.enums import ENUM_E_MACHINE, ENUM_E_TYPE
from elftools.elf.structs import ELFStructs

from boot.loaders.ram import Piece, align_up
from x86.faults import ImageError

MAGIC = b"\x7fELF"
CLASSES = {1: 32, 2: 64}                    # EI_CLASS
HEADER_SIZE = {32: 52, 64: 64}
PROGRAM_HEADER_SIZE = {32: 32, 64: 56}
MOST_HEADERS, MOST_NOTES = 1024, 1 << 20    # program headers; bytes of notes: what is more is somebody's joke
NOTE = struct.Struct("<III")                # n_namesz, n_descsz, n_type; then the name and the descriptor, each padded
MACHINES = {"EM_386": 32, "EM_X86_64": 64}


class Executable(NamedTuple):
    """An ELF file, read. `entry` is the physical address of its first instruction; `bits` 32 or 64, of its machine."""
    bits: int
    entry: int
    pieces: list[Piece]


def is_elf(data: bytes) -> bool:
    """Whether the file claims to be ELF."""
    return data[:4] == MAGIC


def read(data: bytes, name: str = "kernel") -> Executable:
    """Read an x86 executable from the bytes of its file; `name` stands before every complaint.

    Errors: ImageError for what is not an ELF executable for this machine, or contradicts itself."""
    if not is_elf(data):
        raise ImageError(f"{name}: not an ELF file: it begins with {data[:4].hex(' ') or 'nothing'}, not 7f 45 4c 46")
    bits, structs, header = _header(data, name)
    segments = _segments(data, name, structs, header)
    pieces = []
    for number, segment in segments:
        piece = Piece(segment.p_paddr, data[segment.p_offset:segment.p_offset + segment.p_filesz],
                      segment.p_memsz, f"{name}: segment {number}")
        for other in pieces:
            if piece.address < other.end and other.address < piece.end:
                raise ImageError(f"{piece.name} at {piece.address:X}h overlaps segment {other.name.split()[-1]} "
                                 f"at {other.address:X}h")
        pieces.append(piece)
    return Executable(bits, _entry(name, header.e_entry, [segment for _, segment in segments]), pieces)


def notes(data: bytes, name: str = "kernel") -> Iterator[tuple[bytes, int, bytes]]:
    """(owner, type, descriptor) of every note in segments of type PT_NOTE; a segment that makes no sense ends at that.

    Errors: ImageError for headers that make no sense."""
    _, structs, header = _header(data, name)
    room = MOST_NOTES
    for _, segment in _program_headers(data, name, structs, header):
        if segment.p_type != "PT_NOTE":
            continue
        align = 8 if segment.p_align == 8 else 4
        content = data[segment.p_offset:segment.p_offset + min(segment.p_filesz, room)]
        room -= len(content)
        at = 0
        while at + NOTE.size <= len(content):
            name_size, size, kind = NOTE.unpack_from(content, at)
            start = align_up(at + NOTE.size + name_size, align)
            if start + size > len(content):
                break
            yield content[at + NOTE.size:at + NOTE.size + name_size].rstrip(b"\0"), kind, content[start:start + size]
            at = align_up(start + size, align)


def _header(data, name):
    """(32 or 64, the layouts for it, the ELF header), checked."""
    bits = CLASSES.get(data[4] if len(data) > 4 else 0)
    if bits is None:
        raise ImageError(f"{name}: ELF class (byte 4) is neither 1 (32-bit) nor 2 (64-bit)")
    if len(data) < HEADER_SIZE[bits]:
        raise ImageError(f"{name}: the ELF header is cut off: {len(data)} bytes of {HEADER_SIZE[bits]}")
    if data[5] != 1:
        raise ImageError(f"{name}: ELF byte order (byte 5) is {data[5]}, not 1: this is no little-endian file")
    structs = ELFStructs(little_endian=True, elfclass=bits)
    structs.create_basic_structs()
    try:
        header = struct_parse(structs.Elf_Ehdr, BytesIO(data), 0)
    except (ELFError, ValueError) as error:
        raise ImageError(f"{name}: the ELF header makes no sense: {error}") from None
    machine = header.e_machine
    if machine not in MACHINES:
        number = ENUM_E_MACHINE.get(machine, machine)
        raise ImageError(f"{name}: for machine {number} ({machine}), not for x86 (3) or x86-64 (62)")
    if header.e_type not in ("ET_EXEC", "ET_DYN"):
        kind = ENUM_E_TYPE.get(header.e_type, header.e_type)
        raise ImageError(f"{name}: ELF type {kind} ({header.e_type}) is no executable: link it first")
    structs.create_advanced_structs(header.e_type, machine, header.e_ident.EI_OSABI)
    return max(bits, MACHINES[machine]), structs, header


def _program_headers(data, name, structs, header):
    """[(number, program header)] of them all."""
    size = PROGRAM_HEADER_SIZE[structs.elfclass]
    if header.e_phnum == 0:
        raise ImageError(f"{name}: no program headers: there is nothing to load")
    if header.e_phnum > MOST_HEADERS:
        raise ImageError(f"{name}: {header.e_phnum} program headers, of which nobody needs more than {MOST_HEADERS}")
    if header.e_phentsize != size:
        raise ImageError(f"{name}: program headers of {header.e_phentsize} bytes, not {size}")
    end = header.e_phoff + header.e_phnum * size
    if end > len(data):
        raise ImageError(f"{name}: the program headers end at byte {end} of a file of {len(data)}")
    return [(number, struct_parse(structs.Elf_Phdr, BytesIO(data), header.e_phoff + number * size))
            for number in range(header.e_phnum)]


def _segments(data, name, structs, header):
    """[(number, program header)] of what is to be loaded, each checked against the file."""
    found = []
    for number, segment in _program_headers(data, name, structs, header):
        if segment.p_type != "PT_LOAD" or segment.p_memsz == 0:
            continue
        if segment.p_filesz > segment.p_memsz:
            raise ImageError(f"{name}: segment {number} has {segment.p_filesz} bytes in the file and only "
                             f"{segment.p_memsz} in memory")
        if segment.p_offset + segment.p_filesz > len(data):
            raise ImageError(f"{name}: segment {number} ends at byte {segment.p_offset + segment.p_filesz} "
                             f"of a file of {len(data)}")
        found.append((number, segment))
    if not found:
        raise ImageError(f"{name}: no segment of type PT_LOAD: there is nothing to load")
    return found


def _entry(name, entry, segments):
    """The physical address of virtual address `entry`, which kernels linked high have in e_entry."""
    for segment in segments:
        if segment.p_vaddr <= entry < segment.p_vaddr + segment.p_memsz:
            return entry - segment.p_vaddr + segment.p_paddr
    for segment in segments:                # linked high, but e_entry was given as a physical address
        if segment.p_paddr <= entry < segment.p_paddr + segment.p_memsz:
            return entry
    raise ImageError(f"{name}: the entry point {entry:X}h lies in no segment")
