"""A PE32+ image out of a position-independent ELF: what `objcopy` and `ld -m i386pep` do, with base relocations that work.

Each PT_LOAD becomes a section, a page behind its own address, each R_X86_64_RELATIVE of .rela.dyn a base relocation:

    0000h   MZ header, PE header, section table
    1000h   the segments
    behind  .reloc: blocks of {page, size, entries of type DIR64}

Source: Microsoft's PE format; UEFI 2.10, 2.1.1 (subsystems 10: application, 11: boot service driver, 12: runtime driver).
"""
from __future__ import annotations

import struct
from itertools import groupby, pairwise
from pathlib import Path

from elftools.elf.elffile import ELFFile

APPLICATION, BOOT_SERVICE_DRIVER, RUNTIME_DRIVER = 10, 11, 12
FILE_ALIGNMENT, PAGE = 0x200, 0x1000
PE_HEADER = 0x80
R_X86_64_RELATIVE = 8
DIR64 = 10
CODE, DATA, DISCARDABLE, EXECUTE, READ, WRITE = 0x20, 0x40, 0x0200_0000, 0x2000_0000, 0x4000_0000, 0x8000_0000


def up(value: int, to: int) -> int:
    return -(-value // to) * to


def block(page: int, addresses: list[int]) -> bytes:
    """The base relocations of one page."""
    entries = [DIR64 << 12 | address - page for address in addresses]
    entries += [0] * (len(entries) % 2)
    return struct.pack(f"<II{len(entries)}H", page, 8 + 2 * len(entries), *entries)


def convert(elf: Path, subsystem: int = APPLICATION) -> bytes:
    """The image. Raises ValueError where the ELF asks for something that a PE cannot do."""
    with open(elf, "rb") as file:
        source = ELFFile(file)
        segments = [segment for segment in source.iter_segments("PT_LOAD") if segment["p_memsz"]]
        loaded = [(segment["p_vaddr"] // PAGE * PAGE + PAGE, segment["p_vaddr"] % PAGE + segment["p_memsz"],
                   bytearray(segment["p_vaddr"] % PAGE) + segment.data(), segment["p_flags"]) for segment in segments]
        rela = source.get_section_by_name(".rela.dyn")
        fixups = []
        for relocation in rela.iter_relocations() if rela else ():
            if relocation["r_info_type"] != R_X86_64_RELATIVE:
                raise ValueError(f"{elf.name}: relocation type {relocation['r_info_type']} at {relocation['r_offset']:#x}")
            fixups.append((relocation["r_offset"] + PAGE, relocation["r_addend"] + PAGE))
        entry = source["e_entry"] + PAGE
    if any(start + size > behind for (start, size, *_), (behind, *_) in pairwise(loaded)):
        raise ValueError(f"{elf.name}: two segments share a page")
    for address, addend in fixups:
        start, data = next((start, data) for start, size, data, _ in loaded if start <= address < start + size)
        struct.pack_into("<Q", data, address - start, addend)
    return image(loaded, sorted(address for address, _ in fixups), entry, subsystem)


def image(loaded, fixups, entry, subsystem) -> bytes:
    """loaded: (address, bytes in memory, contents, p_flags) of each segment."""
    sections = [(b".text" if flags & 1 else b".data" if flags & 2 else b".rodata", start, size, bytes(data),
                 READ | (CODE | EXECUTE if flags & 1 else DATA) | (WRITE if flags & 2 else 0))
                for start, size, data, flags in loaded]
    relocations = b"".join(block(page, list(addresses)) for page, addresses in
                           groupby(fixups, key=lambda address: address & -PAGE)) or block(0, [])
    behind = up(loaded[-1][0] + loaded[-1][1], PAGE)
    sections.append((b".reloc", behind, len(relocations), relocations, DATA | READ | DISCARDABLE))
    end = up(behind + len(relocations), PAGE)

    headers = up(PE_HEADER + 24 + 112 + 16 * 8 + 40 * len(sections), FILE_ALIGNMENT)
    directories = [(0, 0)] * 5 + [(behind, len(relocations))] + [(0, 0)] * 10
    sizes = [sum(up(len(data), FILE_ALIGNMENT) for *_, data, kind in sections if kind & flag) for flag in (CODE, DATA)]
    head = bytearray(headers)
    struct.pack_into("<2s58xI", head, 0, b"MZ", PE_HEADER)
    struct.pack_into("<4sHHIIIHH", head, PE_HEADER, b"PE\0\0", 0x8664, len(sections), 0, 0, 0, 112 + 16 * 8, 0x22)
    struct.pack_into("<HBBIIIII", head, PE_HEADER + 24, 0x20B, 0, 0, *sizes, 0, entry, loaded[0][0])
    struct.pack_into("<QIIHHHHHHIIIIHHQQQQII", head, PE_HEADER + 48, 0, PAGE, FILE_ALIGNMENT, 0, 0, 0, 0, 0, 0, 0,
                     end, headers, 0, subsystem, 0x160, 0, 0, 0, 0, 0, 16)
    struct.pack_into("<32I", head, PE_HEADER + 24 + 112, *(word for directory in directories for word in directory))
    body = bytearray()
    for number, (name, start, size, data, kind) in enumerate(sections):
        struct.pack_into("<8sIIIIIIHHI", head, PE_HEADER + 24 + 112 + 16 * 8 + 40 * number, name, size, start,
                         up(len(data), FILE_ALIGNMENT), headers + len(body) if data else 0, 0, 0, 0, 0, kind)
        body += data + bytes(-len(data) % FILE_ALIGNMENT)
    return bytes(head + body)
