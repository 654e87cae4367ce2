"""Multiboot 1: finds the header in a kernel, loads kernel and modules, and enters it as the specification says.

The header, in the first 8192 bytes of the file, at a multiple of 4:

     0  magic       1BADB002h               12  header_addr   \\
     4  flags                               16  load_addr      |
     8  checksum    makes the three sum 0   20  load_end_addr  | where flags bit 16 is set: the a.out kludge
                                            24  bss_end_addr   |
                                            28  entry_addr    /
                                            32  mode_type     0 graphics, 1 text   \\
                                            36  width, 40 height, 44 depth          | where bit 2 is set
    flags, 15..0 must be understood, 31..16 may be ignored:
        0  modules on page boundaries      1  memory information      2  video mode      16  a.out kludge

At entry EAX = 2BADB002h, EBX = the information below, flat 32-bit segments, paging and interrupts off, A20 open.

     0  flags          16  cmdline        44  mmap_length   64  boot_loader_name   88  framebuffer_addr
     4  mem_lower      20  mods_count     48  mmap_addr     68  apm_table          96  pitch, 100 width, 104 height
     8  mem_upper      24  mods_addr      52  drives        72  vbe (16 bytes)    108  bits a pixel, 109 type, 112 colours
    12  boot_device    28  syms           60  config_table

What the machine has not got stays absent, its bit of flags 0: boot_device, for the kernel comes from the host and not from a
BIOS drive, and with it drives; a.out symbols; APM, if it is not for protected mode; VBE, if the mode was not set by it.
config_table is absent as well: GRUB and QEMU give none, and there are kernels that take it for the root of ACPI's tables.

Where the text leaves it open: the command line begins with the kernel's own name, as GRUB 0.97 and QEMU give it (GRUB 2 does
not). The screen is told of to every kernel, as GRUB 2 does. A mode_type that nobody defined is text; GRUB 2 refuses it.

The colours lie at 112, where a compiler aligns them and GRUB and kernels have them; in the text they follow at 110.

Source: Multiboot Specification version 0.6.96, and for the frame buffer 0.7.0; GRUB 2.06.
"""
from __future__ import annotations

import struct
from typing import NamedTuple

from boot import layout as firmware
from boot.bios.int15_memory import memory_map
from boot.loaders import compressed, elf, flat
from boot.loaders.ram import PAGE, Piece, Ram, span
from boot.protocols import apm, elf_sections, frame_buffer, layout
from boot.protocols.entry import enter_protected
from boot.protocols.kernel import Kernel, Module, Protocol, c_string
from x86.faults import ImageError

HEADER_MAGIC = 0x1BADB002
BOOT_MAGIC = 0x2BADB002
SEARCH = 8192                               # the header lies in this many bytes of the file, all of it
LOADER_NAME = "x86"

PAGE_ALIGN, MEMORY_INFO, VIDEO_MODE, AOUT_KLUDGE = 1 << 0, 1 << 1, 1 << 2, 1 << 16
UNDERSTOOD = PAGE_ALIGN | MEMORY_INFO | VIDEO_MODE
MUST_UNDERSTAND = 0xFFFF

# Bits of the information's flags
INFO_MEMORY, INFO_CMDLINE, INFO_MODULES = 1 << 0, 1 << 2, 1 << 3
INFO_ELF_SECTIONS, INFO_MMAP, INFO_LOADER_NAME = 1 << 5, 1 << 6, 1 << 9
INFO_APM, INFO_VBE, INFO_FRAMEBUFFER = 1 << 10, 1 << 11, 1 << 12
INFO_SIZE = 120
GRAPHICS = 0                                # mode_type


class Header(NamedTuple):
    """A multiboot header: `offset` in the file, then its fields.

    addresses is None without the a.out kludge; wish is the (width, height, depth) of a graphics mode, or None for text."""
    offset: int
    flags: int
    addresses: tuple[int, int, int, int, int] | None
    wish: tuple[int, int, int] | None


def find_header(data: bytes, name: str = "kernel") -> Header | None:
    """The header, or None if the file has none. ImageError if it asks for something that does not exist here."""
    window = data[:SEARCH]
    for offset in range(0, len(window) - 11, 4):
        magic, flags, checksum = struct.unpack_from("<3I", window, offset)
        if magic == HEADER_MAGIC and (magic + flags + checksum) & 0xFFFFFFFF == 0:
            return _header(window, offset, flags, name)
    return None


def _header(window, offset, flags, name):
    unknown = flags & MUST_UNDERSTAND & ~UNDERSTOOD
    if unknown:
        bits = ", ".join(str(bit) for bit in range(16) if unknown >> bit & 1)
        raise ImageError(f"{name}: the multiboot header at {offset:X}h demands feature bit {bits} "
                         f"(flags {flags:08X}h), which nobody has defined")
    length = 48 if flags & VIDEO_MODE else 32 if flags & AOUT_KLUDGE else 12
    if offset + length > len(window):
        raise ImageError(f"{name}: the multiboot header at {offset:X}h is cut off: {len(window) - offset} bytes "
                         f"of {length} within the first {SEARCH}")
    addresses = struct.unpack_from("<5I", window, offset + 12) if flags & AOUT_KLUDGE else None
    kind, *wish = struct.unpack_from("<4I", window, offset + 32) if flags & VIDEO_MODE else (None,)
    return Header(offset, flags, addresses, tuple(wish) if kind == GRAPHICS else None)


def read_kernel(data: bytes, header: Header, name: str = "kernel") -> tuple[int, list[Piece]]:
    """(entry, pieces) of the kernel, by its ELF headers or by the addresses in the multiboot header."""
    if header.addresses is not None:
        entry, piece = _kludge(data, header, name)
        return entry, [piece]
    if not elf.is_elf(data):
        raise ImageError(f"{name}: neither an ELF file nor a multiboot header with addresses (flags bit 16)")
    executable = elf.read(data, name)
    return executable.entry, below_4_gb(executable.pieces)


def below_4_gb(pieces: list[Piece]) -> list[Piece]:
    """The same pieces, and so an entry point in one of them. ImageError for one that 32-bit code does not reach."""
    for piece in pieces:
        if piece.end > firmware.FOUR_GB:
            raise ImageError(f"{piece.name} at {span(piece.address, piece.end)} is out of a 32-bit kernel's reach")
    return pieces


def _kludge(data, header, name):
    """(entry, the one piece): "The address fields of Multiboot header"."""
    *addresses, entry = header.addresses
    piece = at_addresses(data, header.offset, *addresses, name)
    if not piece.address <= entry < piece.end:
        raise ImageError(f"{name}: multiboot entry_addr {entry:X}h lies outside {span(piece.address, piece.end)}")
    return entry, piece


def at_addresses(data: bytes, offset: int, header_addr: int, load_addr: int, load_end_addr: int, bss_end_addr: int,
                 name: str) -> Piece:
    """What the address fields of a multiboot header (either version) at `offset` make of the file. Errors: ImageError.

        file     | not loaded |        | header |               |
                              start    offset                   load_end_addr, or the file's end
        memory                load_addr, header_addr                              ... zeros up to bss_end_addr
    """
    if load_addr > header_addr:
        raise ImageError(f"{name}: multiboot load_addr {load_addr:X}h is above header_addr {header_addr:X}h")
    start = offset - (header_addr - load_addr)
    if load_addr < 0 or start < 0:
        raise ImageError(f"{name}: multiboot load_addr {load_addr:X}h would lie {-start} bytes before the file")
    length = load_end_addr - load_addr if load_end_addr else len(data) - start
    if length <= 0:
        raise ImageError(f"{name}: multiboot load_end_addr {load_end_addr:X}h is below load_addr {load_addr:X}h")
    if start + length > len(data):
        raise ImageError(f"{name}: the multiboot header asks for {length} bytes from byte {start} "
                         f"of a file of {len(data)}")
    bss = bss_end_addr - (load_addr + length) if bss_end_addr else 0
    if bss < 0:
        raise ImageError(f"{name}: multiboot bss_end_addr {bss_end_addr:X}h is below the data's end "
                         f"{load_addr + length:X}h")
    return flat.read(data[start:start + length], load_addr, bss, name)


def conventional_and_extended(memory) -> tuple[int, int]:
    """mem_lower and mem_upper: KB below 1 MB, and KB from there up to where memory first ends."""
    high = firmware.EXTENDED_MEMORY
    return min(firmware.EBDA, memory.ram_low) // 1024, max(firmware.usable_end(memory.ram_low) - high, 0) // 1024


def store_modules(ram: Ram, modules: list[Module], low: int) -> list[int]:
    """Put modules on pages from `low` up, or where no room is left there, anywhere above 1 MB; their addresses."""
    starts = []
    for number, module in enumerate(modules):
        there = ram.find(max(len(module.data), 1), PAGE, low) is not None
        name = f"module {number} ({module.string})"
        starts.append(ram.store(module.data, name, PAGE, low=low if there else layout.MODULES))
    return starts


def _store_module_list(ram, modules, starts):
    """Put the modules' strings and their list into low memory; the list's address."""
    entries = []
    for number, (module, start) in enumerate(zip(modules, starts)):
        string = ram.store(c_string(module.string), f"string of module {number}", 1, low=layout.INFORMATION)
        entries.append(struct.pack("<4I", start, start + len(module.data), string, 0))
    return ram.store(b"".join(entries), "the list of modules", 16, low=layout.INFORMATION)


def _store_information(machine, ram, header, data, command_line, modules, top, power, screen):
    """The multiboot information and all that it points to; its address."""
    low = layout.INFORMATION
    information = bytearray(INFO_SIZE)

    def put(offset, *values, size="I"):
        struct.pack_into(f"<{len(values)}{size}", information, offset, *values)

    flags = INFO_MEMORY | INFO_CMDLINE | INFO_MMAP | INFO_LOADER_NAME | INFO_FRAMEBUFFER
    put(4, *conventional_and_extended(ram.memory))
    put(16, ram.store(c_string(command_line), "the command line", 1, low=low))
    if modules:
        flags |= INFO_MODULES
        put(20, len(modules), _store_module_list(ram, modules, store_modules(ram, modules, top)))
    sections = elf_sections.store(ram, data, top) if header.addresses is None else None
    if sections is not None:
        flags |= INFO_ELF_SECTIONS
        table = ram.store(sections.table, "the section headers", 16, low=low)
        put(28, sections.count, sections.entry_size, table, sections.names)
    entries = memory_map(machine.devices["bios"])
    table = b"".join(struct.pack("<IQQI", 20, *entry) for entry in entries)     # size does not count itself
    put(44, len(table), ram.store(table, "the memory map", 16, low=low))
    put(64, ram.store(c_string(LOADER_NAME), "the loader's name", 1, low=low))
    if power is not None:
        flags |= INFO_APM
        put(68, ram.store(power, "the APM table", 4, low=low))
    if screen.vbe is not None:
        flags |= INFO_VBE
        blocks = (ram.store(block, "the VBE information", 16, low=low) for block in (screen.vbe.controller, screen.vbe.mode))
        put(72, *blocks)
        put(80, *screen.vbe[:4], size="H")
    put(88, screen.address, size="Q")
    put(96, *screen[1:4])
    put(108, screen.depth, screen.kind, size="B")
    if screen.kind == frame_buffer.RGB:
        put(112, *(value for field in screen.colors for value in field), size="B")
    elif screen.kind == frame_buffer.INDEXED:
        put(112, ram.store(b"".join(map(bytes, screen.colors)), "the palette", 4, low=low))
        put(116, len(screen.colors), size="H")
    put(0, flags)
    return ram.store(bytes(information), "the multiboot information", 16, low=low)


def boot(machine, data: bytes, command_line: str = "", modules: list[Module] = (), name: str = "kernel") -> None:
    """Load a multiboot kernel and its modules into `machine`, and set its processor to the kernel's first instruction.

    data: the kernel's file. command_line: what the kernel is told, its own name first by custom. The memory map is what
    the machine's BIOS answers to INT 15h AX=E820h. A header that asks for a graphics mode gets one.
    Errors: ImageError for a header or an ELF file that makes no sense, and for what does not fit into memory."""
    header = find_header(data, name)
    if header is None:
        raise ImageError(f"{name}: no multiboot header in the first {SEARCH} bytes")
    entry, pieces = read_kernel(data, header, name)
    power = apm.table(machine)              # the BIOS is called while its memory is its own
    screen = frame_buffer.TEXT if header.wish is None else frame_buffer.set_mode(machine, *header.wish)
    ram = Ram(machine.memory)
    ram.load(pieces)
    top = max(layout.MODULES, max(piece.end for piece in pieces))
    information = _store_information(machine, ram, header, data, command_line, modules, top, power, screen)
    enter_protected(machine, ram, entry, {"rax": BOOT_MAGIC, "rbx": information, "rsp": layout.STACK_TOP})


def only_one_entry(kernel: Kernel) -> None:
    """Refuse a wish for one of several entries. Errors: ImageError."""
    if kernel.entry is not None:
        raise ImageError(f"{kernel.name}: a multiboot kernel has one entry: it takes no {kernel.entry}-bit one")


def modules_of(kernel: Kernel) -> list[Module]:
    """The files that go with a kernel, unpacked, as GRUB does it. Errors: ImageError."""
    return [Module(compressed.unpack(file.data, f"module {file.string}"), file.string) for file in kernel.files]


def _check(kernel: Kernel, header: Header) -> None:
    read_kernel(kernel.data, header, kernel.name)
    only_one_entry(kernel)


def _boot(machine, kernel: Kernel, header: Header) -> None:
    boot(machine, kernel.data, kernel.command_line, modules_of(kernel), kernel.name)


PROTOCOL = Protocol("multiboot", f"multiboot 1 header in the first {SEARCH} bytes",
                    lambda kernel: find_header(kernel.data, kernel.name), _check, _boot)
