"""The sections of an ELF kernel, for the kernel itself: symbols, strings and whatever else no segment loads.

A loader by segments leaves them in the file. Multiboot hands over the table of section headers, and all contents that
have no address yet are put into memory and get one:

    file:    ELF header  ... e_shoff -> | header 0 | header 1 | ...        sh_addr  sh_offset  sh_size
                                                                              |
    memory:  a copy of that table, where sh_addr of every section is right: as linked, or where it was put here

As GRUB does it: a section is put into memory if its sh_addr is 0, whether or not its flags have SHF_ALLOC, and addresses
stay as they were linked if the kernel was moved. A table or a section that the file does not hold in full is a reason to
tell of no sections, and none to refuse a kernel whose segments are all there.

Source: System V ABI, "Sections"; Multiboot Specification 0.6.96, "Boot information format", syms.
"""
from __future__ import annotations

import struct
from typing import NamedTuple

from boot.loaders.elf import is_elf
from boot.loaders.ram import PAGE, Ram, align_up
from boot.protocols import layout

#: By EI_CLASS. The header's fields from e_ident to e_shstrndx, and a section's from sh_name to sh_entsize, come in the same
#: order in files of 32 and 64 bits
HEADER = {1: struct.Struct("<16s2HI3II6H"), 2: struct.Struct("<16s2HI3QI6H")}
SECTION = {1: struct.Struct("<10I"), 2: struct.Struct("<2I4Q2I2Q")}
E_SHOFF, E_SHENTSIZE, E_SHNUM, E_SHSTRNDX = 6, 11, 12, 13
SH_TYPE, SH_ADDR, SH_OFFSET, SH_SIZE, SH_LINK, SH_ADDRALIGN = 1, 3, 4, 5, 6, 8
SHT_NOBITS = 8                              # no contents in the file: zeros
SHN_XINDEX = 0xFFFF                         # e_shstrndx has no room: see section 0's sh_link


class Sections(NamedTuple):
    """What a kernel is told: how many headers, bytes each, which section has their names, and the headers themselves."""
    count: int
    entry_size: int
    names: int
    table: bytes


def _headers(data):
    """(EI_CLASS, index of the names, the section headers as lists), or None where the file has no whole table."""
    kind = data[4] if is_elf(data) and len(data) > 4 else 0
    if kind not in HEADER or len(data) < HEADER[kind].size:
        return None
    header, section = HEADER[kind].unpack_from(data), SECTION[kind]
    first, count, names = header[E_SHOFF], header[E_SHNUM], header[E_SHSTRNDX]
    if first == 0 or header[E_SHENTSIZE] != section.size or first + section.size > len(data):
        return None
    zero = section.unpack_from(data, first)
    if count == 0:                          # so many that e_shnum has no room
        count = zero[SH_SIZE]
    if names == SHN_XINDEX:
        names = zero[SH_LINK]
    if first + count * section.size > len(data):
        return None
    return kind, names, [list(each) for each in section.iter_unpack(data[first:first + count * section.size])]


def store(ram: Ram, data: bytes, low: int) -> Sections | None:
    """Put into memory what the kernel in the file's bytes `data` has in sections without an address: from `low` up,
    or where no room is left there, anywhere above 1 MB.

    None where the file is no ELF file, has no sections, or has not all of them, and where there is no room."""
    found = _headers(data)
    if found is None or not found[2]:
        return None
    kind, names, headers = found
    wanted, size = [], 0
    for header in headers:
        if header[SH_ADDR] == 0 and header[SH_SIZE] and header[SH_TYPE] != SHT_NOBITS:
            if header[SH_OFFSET] + header[SH_SIZE] > len(data):
                return None
            align = min(header[SH_ADDRALIGN] or 1, PAGE)
            size = align_up(size, align)
            wanted.append((header, size))
            size += header[SH_SIZE]
    base = ram.find(max(size, 1), PAGE, low) or ram.find(max(size, 1), PAGE, layout.MODULES)
    if base is None:
        return None
    if wanted:
        ram.claim(base, size, "the kernel's sections")
    for header, offset in wanted:
        header[SH_ADDR] = base + offset
        ram.memory.write(base + offset, data[header[SH_OFFSET]:header[SH_OFFSET] + header[SH_SIZE]])
    table = b"".join(SECTION[kind].pack(*header) for header in headers)
    return Sections(len(headers), SECTION[kind].size, names, table)
