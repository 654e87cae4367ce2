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
     8  mem_upper      24  mods_addr      52  drives        72  vbe (16 bytes)    108  bits a pixel, 109 type
    12  boot_device    28  syms           60  config_table

Source: Multiboot Specification version 0.6.96.
"""
from __future__ import annotations

import struct
from typing import NamedTuple

from boot import layout as firmware
from boot.bios.int15_memory import memory_map
from boot.loaders import elf, flat
from boot.loaders.ram import PAGE, Piece, Ram
from boot.protocols import layout
from boot.protocols.entry import enter_protected
from boot.protocols.kernel import Kernel, Module, Protocol
from x86.faults import ImageError

HEADER_MAGIC = 0x1BADB002
BOOT_MAGIC = 0x2BADB002
SEARCH = 8192                               # the header lies in this many bytes of the file, all of it
LOADER_NAME = b"x86\0"

PAGE_ALIGN, MEMORY_INFO, VIDEO_MODE, AOUT_KLUDGE = 1 << 0, 1 << 1, 1 << 2, 1 << 16
UNDERSTOOD = PAGE_ALIGN | MEMORY_INFO | VIDEO_MODE
MUST_UNDERSTAND = 0xFFFF

# Bits of the information's flags
INFO_MEMORY, INFO_CMDLINE, INFO_MODULES = 1 << 0, 1 << 2, 1 << 3
INFO_MMAP, INFO_LOADER_NAME, INFO_FRAMEBUFFER = 1 << 6, 1 << 9, 1 << 12
INFO_SIZE = 116

TEXT_MODE, TEXT_COLUMNS, TEXT_ROWS = 2, 80, 25      # framebuffer type 2 is EGA text


class Header(NamedTuple):
    """A multiboot header: `offset` in the file, then its fields; addresses are None without the a.out kludge."""
    offset: int
    flags: int
    addresses: tuple[int, int, int, int, int] | None
    wants_graphics: bool


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
    mode = struct.unpack_from("<I", window, offset + 32)[0] if flags & VIDEO_MODE else 1
    return Header(offset, flags, addresses, mode == 0)


def read_kernel(data: bytes, header: Header, name: str = "kernel") -> tuple[int, list[Piece]]:
    """(entry, pieces) of the kernel, by its ELF headers or by the addresses in the multiboot header."""
    if header.addresses is not None:
        entry, piece = _kludge(data, header, name)
        return entry, [piece]
    if not elf.is_elf(data):
        raise ImageError(f"{name}: neither an ELF file nor a multiboot header with addresses (flags bit 16)")
    executable = elf.read(data, name)
    if executable.entry >= firmware.FOUR_GB:
        raise ImageError(f"{name}: the entry point {executable.entry:X}h is above 4 GB, out of a 32-bit kernel's reach")
    return executable.entry, executable.pieces


def _kludge(data, header, name):
    """(entry, the one piece): "The address fields of Multiboot header"."""
    header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr = header.addresses
    if load_addr > header_addr:
        raise ImageError(f"{name}: multiboot load_addr {load_addr:X}h is above header_addr {header_addr:X}h")
    start = header.offset - (header_addr - load_addr)
    if start < 0:
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
    piece = flat.read(data[start:start + length], load_addr, bss, name)
    if not load_addr <= entry_addr < piece.end:
        raise ImageError(f"{name}: multiboot entry_addr {entry_addr:X}h lies outside {load_addr:X}h-{piece.end - 1:X}h")
    return entry_addr, piece


def _store_modules(ram, modules, low):
    """Put modules on pages above the kernel, their strings and their list into low memory; the list's address."""
    entries = []
    for number, module in enumerate(modules):
        start = ram.store(module.data, f"module {number} ({module.string})", PAGE, low=low)
        string = ram.store(module.string.encode() + b"\0", f"string of module {number}", 1, low=layout.INFORMATION)
        entries.append(struct.pack("<4I", start, start + len(module.data), string, 0))
    return ram.store(b"".join(entries), "the list of modules", 16, low=layout.INFORMATION)


def _store_information(ram, header, command_line, modules, entries, top):
    """The multiboot information and all that it points to; its address."""
    low = layout.INFORMATION
    information = bytearray(INFO_SIZE)

    def put(offset, *values, size="I"):
        struct.pack_into(f"<{len(values)}{size}", information, offset, *values)

    table = b"".join(struct.pack("<IQQI", 20, *entry) for entry in entries)     # size does not count itself
    low_end, high = min(firmware.EBDA, ram.memory.ram_low), firmware.EXTENDED_MEMORY
    flags = INFO_MEMORY | INFO_CMDLINE | INFO_MMAP | INFO_LOADER_NAME
    put(4, low_end // 1024, max(firmware.usable_end(ram.memory.ram_low) - high, 0) // 1024)
    put(16, ram.store(command_line.encode() + b"\0", "the command line", 1, low=low))
    if modules:
        flags |= INFO_MODULES
        put(20, len(modules), _store_modules(ram, modules, top))
    put(44, len(table), ram.store(table, "the memory map", 16, low=low))
    put(64, ram.store(LOADER_NAME, "the loader's name", 1, low=low))
    if header.flags & VIDEO_MODE:           # text is what it gets: a loader may choose another mode than was asked for
        flags |= INFO_FRAMEBUFFER
        put(88, firmware.COLOR_TEXT, size="Q")
        put(96, 2 * TEXT_COLUMNS, TEXT_COLUMNS, TEXT_ROWS)
        put(108, 16, TEXT_MODE, size="B")
    put(0, flags)
    return ram.store(bytes(information), "the multiboot information", 16, low=low)


def boot(machine, data: bytes, command_line: str = "", modules: list[Module] = (), name: str = "kernel") -> None:
    """Load a multiboot kernel and its modules into `machine`, and set its processor to the kernel's first instruction.

    data: the kernel's file. command_line: what the kernel is told, its own name first by custom. The memory map is what
    the machine's BIOS answers to INT 15h AX=E820h.
    boot_device stays absent: the kernel comes from the host and not from a BIOS disk.
    Errors: ImageError for a header or an ELF file that makes no sense, and for what does not fit into memory."""
    header = find_header(data, name)
    if header is None:
        raise ImageError(f"{name}: no multiboot header in the first {SEARCH} bytes")
    entry, pieces = read_kernel(data, header, name)
    ram = Ram(machine.memory)
    ram.load(pieces)
    top = max(layout.MODULES, max(piece.end for piece in pieces))
    information = _store_information(ram, header, command_line, modules, memory_map(machine.devices["bios"]), top)
    enter_protected(machine, ram, entry, {"rax": BOOT_MAGIC, "rbx": information, "rsp": layout.STACK_TOP})


def _check(kernel: Kernel, header: Header) -> None:
    read_kernel(kernel.data, header, kernel.name)
    if kernel.entry is not None:
        raise ImageError(f"{kernel.name}: a multiboot kernel has one entry: it takes no {kernel.entry}-bit one")


def _boot(machine, kernel: Kernel, header: Header) -> None:
    boot(machine, kernel.data, kernel.command_line, kernel.files, kernel.name)


PROTOCOL = Protocol("multiboot", f"multiboot 1 header in the first {SEARCH} bytes",
                    lambda kernel: find_header(kernel.data, kernel.name), _check, _boot)
