"""What a multiboot 2 kernel is told: a list of tags in memory, to which EBX points.

     0  total_size       8  tag, tag, ..., each at a multiple of 8: u32 type, u32 size with these 8 bytes, contents
     4  0

    21  load base        where the kernel's first byte is        4  basic memory    KB below 1 MB, KB above
     1  command line     text, then a 0 byte                     8  frame buffer    the screen, text or dots
     2  loader's name    the same                               14  old RSDP        20 bytes: ACPI 1.0
    10  APM              its entry for protected mode           15  new RSDP        ACPI 2.0 and later
     3  module           start, end, text; one for each         13  SMBIOS          an entry point; one for each
     6  memory map       start, length, type                     0  end
     9  ELF sections     headers, with addresses filled in       7  VBE, before 8, if the graphics mode was set by it

in this order, which is GRUB's. There is no tag for what the machine has not got: a BIOS drive that the kernel came from (5),
a network (16), EFI (11, 12, 17 to 20).

Where the specification's text and its header file differ, loaders and kernels follow the header file: the counts of the
ELF tag have 32 bits, and the number of colours of an indexed frame buffer has 16.
The text calls the contents of tag 13 a copy of SMBIOS's tables; GRUB gives none, others give the entry point.

Source: Multiboot2 Specification version 2.0, "Boot information"; GRUB 2.06.
"""
from __future__ import annotations

import struct
from typing import NamedTuple

from boot import layout as firmware
from boot.acpi import RSDP_SIZE
from boot.bios import descriptions
from boot.bios.int15_memory import memory_map
from boot.loaders.ram import Piece, Ram
from boot.protocols import apm, elf_sections, frame_buffer, layout
from boot.protocols.kernel import Module, c_string
from boot.protocols.multiboot import LOADER_NAME, conventional_and_extended, store_modules

END, COMMAND_LINE, LOADER, MODULE, BASIC_MEMORY, _BOOT_DEVICE, MEMORY_MAP, VBE, FRAMEBUFFER, ELF_SECTIONS, APM = range(11)
SMBIOS, ACPI_OLD, ACPI_NEW, LOAD_BASE = 13, 14, 15, 21
KNOWN = range(LOAD_BASE + 1)                # types that the specification defines
OLD_RSDP_SIZE = 20


def tag(kind: int, contents: bytes) -> bytes:
    """One tag, padded up to where the next one may begin."""
    size = 8 + len(contents)
    return struct.pack("<II", kind, size) + contents + bytes(-size % 8)


class Known(NamedTuple):
    """What the BIOS answered before the kernel was loaded: the screen as it is set, and the APM table or None."""
    screen: frame_buffer.FrameBuffer
    power: bytes | None


def ask(machine, wish: tuple[int, int, int] | None) -> Known:
    """Connect to APM, and set the screen's mode, to graphics of a (width, height, depth) or to text."""
    power = apm.table(machine)
    return Known(frame_buffer.TEXT if wish is None else frame_buffer.set_mode(machine, *wish), power)


def store(machine, ram: Ram, elf_file: bytes, pieces: list[Piece], known: Known, command_line: str,
          modules: list[Module]) -> int:
    """Put modules, the kernel's sections and the information into memory; the information's address.

    elf_file: the kernel's file, if it was loaded as one. pieces: where it is in memory."""
    tags = [tag(LOAD_BASE, struct.pack("<I", min(piece.address for piece in pieces))),
            tag(COMMAND_LINE, c_string(command_line)), tag(LOADER, c_string(LOADER_NAME))]
    if known.power is not None:
        tags.append(tag(APM, known.power))
    top = max(layout.MODULES, max(piece.end for piece in pieces))
    for module, start in zip(modules, store_modules(ram, modules, top)):
        tags.append(tag(MODULE, struct.pack("<II", start, start + len(module.data)) + c_string(module.string)))
    entries = b"".join(struct.pack("<QQII", *entry, 0) for entry in memory_map(machine.devices["bios"]))
    tags.append(tag(MEMORY_MAP, struct.pack("<II", 24, 0) + entries))
    sections = elf_sections.store(ram, elf_file, top)
    if sections is not None:
        tags.append(tag(ELF_SECTIONS, struct.pack("<3I", *sections[:3]) + sections.table))
    tags.append(tag(BASIC_MEMORY, struct.pack("<II", *conventional_and_extended(machine.memory))))
    tags += [*_screen(known.screen), *_acpi(machine.memory), *_smbios(machine.memory), tag(END, b"")]
    total = 8 + sum(map(len, tags))
    return ram.store(struct.pack("<II", total, 0) + b"".join(tags), "the multiboot 2 information", 8, low=layout.INFORMATION)


def _screen(screen):
    """The tags of VBE, if it set the mode, and of the frame buffer."""
    if screen.vbe is not None:
        number, *entry, controller, mode = screen.vbe
        yield tag(VBE, struct.pack("<4H", number, *entry) + controller + mode)
    contents = struct.pack("<Q3IBBH", *screen[:6], 0)
    if screen.kind == frame_buffer.RGB:
        contents += bytes(value for field in screen.colors for value in field)
    elif screen.kind == frame_buffer.INDEXED:
        contents += struct.pack("<H", len(screen.colors)) + b"".join(map(bytes, screen.colors))
    yield tag(FRAMEBUFFER, contents)


def _acpi(memory):
    """The root pointer, as a kernel without this tag would find it in the ROM, in both sizes."""
    found = memory.read(firmware.ROM + descriptions.ROOT_POINTER, RSDP_SIZE)
    if found.startswith(b"RSD PTR "):
        yield tag(ACPI_OLD, found[:OLD_RSDP_SIZE])
        yield tag(ACPI_NEW, found)


def _smbios(memory):
    """Both entry points, each with its version: "_SM_" has that at 6 and its own size at 5, "_SM3_" at 7 and 6."""
    for offset, anchor in ((descriptions.ENTRY_2, b"_SM_"), (descriptions.ENTRY_3, b"_SM3_")):
        found = memory.read(firmware.ROM + offset, 32)
        if found.startswith(anchor):
            size, major, minor = found[len(anchor) + 1:len(anchor) + 4]
            yield tag(SMBIOS, struct.pack("<BB6x", major, minor) + found[:size])
