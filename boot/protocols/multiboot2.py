"""Multiboot 2: finds the header in a kernel, loads it, and enters it with a list of tags that tell of the machine.

The header lies in the first 32768 bytes of the file, all of it, at a multiple of 8:

     0  magic         E85250D6h          8  header_length
     4  architecture  0: i386           12  checksum    makes the four sum 0

and behind it tags, each at a multiple of 8, the last of type 0:

     0  u16 type      2  u16 flags, bit 0: may be ignored      4  u32 size, with these 8 bytes

     1  information request   types of information that the kernel wants
     2  address               where a kernel that is no ELF file goes
     3  entry address         which counts more than ELF's
     4  console flags         0 it must have a console   1 it can do text
     5  frame buffer          width, height, depth: it can do graphics
     6  module alignment      on pages, as modules here always are
     7  EFI boot services     8, 9 entries by EFI
    10  relocatable           min_addr, max_addr, align, preference

Where GRUB is more lenient than the text, so is this: tags go on up to type 0, whatever header_length says.
Tags 7 to 9 count on a machine with EFI only, even where they may not be ignored.

The command line has no name of the kernel in front, as GRUB 2 gives it.
At entry EAX = 36D76289h, EBX = the information (multiboot2_information.py draws it), flat 32-bit segments, paging and
interrupts off, A20 open.

Source: Multiboot2 Specification version 2.0, chapter 3; GRUB 2.06, whose header file has what the text leaves open.
"""
from __future__ import annotations

import struct
from typing import NamedTuple

from construct import Int32ul, Struct

from boot.loaders import elf
from boot.loaders.ram import Piece, Ram, span
from boot.protocols import layout, multiboot2_information as information
from boot.protocols.entry import enter_protected
from boot.protocols.kernel import Kernel, Module, Protocol
from boot.protocols.multiboot import at_addresses, below_4_gb, modules_of, only_one_entry
from x86.faults import ImageError

HEADER_MAGIC = 0xE85250D6
BOOT_MAGIC = 0x36D76289
SEARCH = 32768
I386 = 0
ARCHITECTURES = {4: "MIPS"}                 # names for other numbers

OPTIONAL = 1                                # flags of a header tag
END, REQUEST, ADDRESS, ENTRY, CONSOLE, FRAMEBUFFER, MODULE_ALIGN, EFI_BS, EFI_ENTRY_32, EFI_ENTRY_64, RELOCATABLE = range(11)

AddressTag = Struct(
    "header_addr" / Int32ul,                # where the header's magic goes
    "load_addr" / Int32ul,                  # where the first byte goes; FROM_START: the file's first
    "load_end_addr" / Int32ul,              # 0: up to the file's end
    "bss_end_addr" / Int32ul,               # 0: no zeros behind it
)
FROM_START = 0xFFFFFFFF
EntryTag = Struct("entry_addr" / Int32ul)
ConsoleTag = Struct("console_flags" / Int32ul)
CONSOLE_REQUIRED, TEXT_SUPPORTED = 1, 2
FramebufferTag = Struct("width" / Int32ul, "height" / Int32ul, "depth" / Int32ul)
RelocatableTag = Struct(
    "min_addr" / Int32ul,
    "max_addr" / Int32ul,                   # no byte of the kernel above it
    "align" / Int32ul,
    "preference" / Int32ul,
)
HIGHEST = 2                                 # preference; 0 none, 1 lowest
TAGS = {ADDRESS: AddressTag, ENTRY: EntryTag, CONSOLE: ConsoleTag, FRAMEBUFFER: FramebufferTag,
        RELOCATABLE: RelocatableTag}
#: Tags of which it is enough to know them
NOTHING_TO_DO = {MODULE_ALIGN, EFI_BS, EFI_ENTRY_32, EFI_ENTRY_64}


class Header(NamedTuple):
    """A multiboot 2 header: `offset` in the file, and its tags, type: contents, as far as something follows from them."""
    offset: int
    tags: dict

    @property
    def wish(self) -> tuple[int, int, int] | None:
        """(width, height, depth) of the graphics mode to set; None: text."""
        tag = self.tags.get(FRAMEBUFFER)
        return tag and (tag.width, tag.height, tag.depth)


def find_header(data: bytes, name: str = "kernel") -> Header | None:
    """The header, or None if the file has none. ImageError if it asks for something that does not exist here."""
    window, other = data[:SEARCH], None
    for offset in range(0, len(window) - 15, 8):
        magic, architecture, length, checksum = struct.unpack_from("<4I", window, offset)
        if magic == HEADER_MAGIC and (magic + architecture + length + checksum) & 0xFFFFFFFF == 0:
            if architecture == I386:
                return _header(window, offset, name)
            other = other or (offset, architecture)
    if other:
        offset, architecture = other
        raise ImageError(f"{name}: the multiboot 2 header at {offset:X}h is for architecture {architecture} "
                         f"({ARCHITECTURES.get(architecture, 'unknown')}), not for i386 ({I386})")
    return None


def _header(window, first, name):
    """The header at `first`, its tags read and checked."""
    tags, offset = {}, first + 16
    while True:
        where = f"{name}: the multiboot 2 header at {first:X}h"
        if offset + 8 > len(window):
            raise ImageError(f"{where} is cut off: no end tag within the first {len(window)} bytes")
        kind, flags, size = struct.unpack_from("<HHI", window, offset)
        if kind == END:
            break
        where += f" has at {offset:X}h a tag of type {kind}"
        if size < 8 or offset + size > len(window):
            raise ImageError(f"{where} that claims {size} bytes, of the {len(window) - offset} that follow")
        if kind == REQUEST:
            if not flags & OPTIONAL:
                _check_request(window[offset + 8:offset + size], where)
        elif kind in TAGS:
            if size < 8 + TAGS[kind].sizeof():
                raise ImageError(f"{where} with {size} bytes, and it needs {8 + TAGS[kind].sizeof()}")
            tags[kind] = TAGS[kind].parse(window[offset + 8:offset + size])
        elif kind not in NOTHING_TO_DO and not flags & OPTIONAL:
            raise ImageError(f"{where} which must not be ignored, and which nobody has defined")
        offset += (size + 7) & ~7
    _check_console(tags, f"{name}: the multiboot 2 header at {first:X}h")
    return Header(first, tags)


def _check_request(types, where):
    """Whatever is asked for has to be known; that the machine has it is not promised."""
    for kind, in struct.iter_unpack("<I", types[:len(types) & ~3]):
        if kind not in information.KNOWN:
            raise ImageError(f"{where} (information request) for information of type {kind}, which nobody has defined")


def _check_console(tags, where):
    flags = tags[CONSOLE].console_flags if CONSOLE in tags else TEXT_SUPPORTED
    if flags & CONSOLE_REQUIRED and not flags & TEXT_SUPPORTED and FRAMEBUFFER not in tags:
        raise ImageError(f"{where} demands a console, and says that the kernel can do neither text nor graphics")


def read_kernel(data: bytes, header: Header, name: str = "kernel") -> tuple[int, list[Piece]]:
    """(entry, pieces) of the kernel, by its ELF headers or by the address tag, as linked. Errors: ImageError."""
    tag, entry = header.tags.get(ADDRESS), header.tags.get(ENTRY)
    if tag is not None:
        if entry is None:
            raise ImageError(f"{name}: the multiboot 2 header has an address tag and no entry address tag: "
                             "this is no machine with EFI, whose entries would be others")
        load = tag.header_addr - header.offset if tag.load_addr == FROM_START else tag.load_addr
        pieces = [at_addresses(data, header.offset, tag.header_addr, load, tag.load_end_addr, tag.bss_end_addr, name)]
    elif elf.is_elf(data):
        start, pieces = elf.read(data, name)[1:]
        if entry is None:
            return start, below_4_gb(pieces)
    else:
        raise ImageError(f"{name}: neither an ELF file nor a multiboot 2 header with an address tag (type {ADDRESS})")
    if not any(piece.address <= entry.entry_addr < piece.end for piece in pieces):
        raise ImageError(f"{name}: the entry address tag says {entry.entry_addr:X}h, where nothing of the kernel is loaded: "
                         + ", ".join(span(piece.address, piece.end) for piece in pieces[:4]))
    return entry.entry_addr, below_4_gb(pieces)


def load(ram: Ram, header: Header, entry: int, pieces: list[Piece], name: str = "kernel") -> tuple[int, list[Piece]]:
    """Put the kernel into memory, where it was linked to or where its relocatable tag allows; (entry, pieces) there."""
    tag = header.tags.get(RELOCATABLE)
    if tag is not None:
        first, end = min(piece.address for piece in pieces), max(piece.end for piece in pieces)
        place = _place(ram, tag, first, end - first)
        if place is None:
            raise ImageError(f"{name}: no room for a kernel of {end - first} bytes between {tag.min_addr:X}h and "
                             f"{tag.max_addr:X}h at a multiple of {tag.align}, as its relocatable tag wants it")
        entry += place - first
        pieces = [piece._replace(address=piece.address + place - first) for piece in pieces]
    ram.load(pieces)
    return entry, pieces


def _place(ram, tag, linked, size):
    """Where a kernel that was linked for address `linked` goes; without preference it stays there if it may."""
    align, low, high = tag.align or 1, tag.min_addr, tag.max_addr
    if tag.preference not in (1, HIGHEST) and low <= linked and linked + size <= high and linked % align == 0 \
            and ram.find(size, 1, linked, linked + size) is not None:
        return linked
    return ram.find(size, align, low, high, highest=tag.preference == HIGHEST)


def boot(machine, data: bytes, command_line: str = "", modules: list[Module] = (), name: str = "kernel") -> None:
    """Load a multiboot 2 kernel and its modules into `machine`, and set its processor to the kernel's first instruction.

    data: the kernel's file. command_line: what the kernel is told. A frame buffer tag in the header sets the graphics mode
    that it asks for.
    Errors: ImageError for a header or an ELF file that makes no sense, and for what does not fit into memory."""
    header = find_header(data, name)
    if header is None:
        raise ImageError(f"{name}: no multiboot 2 header in the first {SEARCH} bytes")
    kernel = read_kernel(data, header, name)
    known = information.ask(machine, header.wish)       # the BIOS is called while its memory is its own
    ram = Ram(machine.memory)
    entry, pieces = load(ram, header, *kernel, name)
    elf_file = b"" if ADDRESS in header.tags else data
    address = information.store(machine, ram, elf_file, pieces, known, command_line, modules)
    enter_protected(machine, ram, entry, {"rax": BOOT_MAGIC, "rbx": address, "rsp": layout.STACK_TOP})


def _check(kernel: Kernel, header: Header) -> None:
    read_kernel(kernel.data, header, kernel.name)
    only_one_entry(kernel)


def _boot(machine, kernel: Kernel, header: Header) -> None:
    boot(machine, kernel.data, kernel.append, modules_of(kernel), kernel.name)


PROTOCOL = Protocol("multiboot2", f"multiboot 2 header in the first {SEARCH} bytes",
                    lambda kernel: find_header(kernel.data, kernel.name), _check, _boot)
