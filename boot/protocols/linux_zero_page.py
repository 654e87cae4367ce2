"""The zero page: what a Linux kernel is told where its own 16-bit code has not asked the BIOS (struct boot_params).

    000  screen_info       070  acpi_rsdp_addr (8)    1E8  e820_entries        1F1  the setup header, from the file
    002  ext_mem_k (2)     0C0  the upper halves of   1E0  alt_mem_k (4)       2D0  e820_table: start (8), length (8),
                                ramdisk and command                                 type (4), at most 128
                                line: 0 here

screen_info:
     0  x, 1 y   of the cursor      0F  isVGA: 1 a VGA in text mode, 23h a frame buffer
     4  page     6 mode             10  dots a character is high
     7  columns  0E rows            12  width, 14 height, 16 depth, 18 base (4), 1C size in 64 KB (4), 24 pitch,
     0A BX of INT 10h AH=12h BL=10h      26 (size, position) of red, green, blue and the rest

Source: Linux, Documentation/arch/x86/zero-page.rst; include/uapi/linux/screen_info.h; arch/x86/boot/{memory,video}.c.
"""
from __future__ import annotations

import struct

from boot import layout as firmware
from boot.bios.descriptions import root_pointer
from boot.bios.int15_memory import memory_map
from boot.bios.vbe_modes import COLORS
from boot.loaders.bzimage import BOOT_FLAG, FIELDS, HEADER_START, MAGIC, MAGIC_AT
from boot.loaders.ram import PAGE
from x86.devices.vga_linear import FRAME_BUFFER_SIZE

E820_TABLE, E820_MOST = 0x2D0, 128
HEADER_END = 0x290                          # what is behind it is told by the 16-bit code, and not by the file
UNKNOWN_LOADER = 0xFF                       # type_of_loader: nobody with a number of its own
TEXT_ON_VGA, FRAME_BUFFER = 1, 0x23
COLOR_256_KB = 3                            # of BX: a colour screen, 256 KB
PLAIN_VERSION = 0x20C                       # of the header that an ELF kernel has not got and is given


def zero_page(machine, header: bytes, values: dict[str, int]) -> bytes:
    """The 4096 bytes. header: the file's setup header, or empty; values: fields of it (boot.loaders.bzimage.FIELDS)."""
    page = bytearray(PAGE)

    def put(offset, form, *fields):
        struct.pack_into("<" + form, page, offset, *fields)

    end = firmware.usable_end(machine.memory.ram_low)
    extended = max(end - firmware.EXTENDED_MEMORY, 0) >> 10
    page[:0x40] = screen_info(machine)
    put(0x02, "H", min(extended, 0xFC00))
    put(0x70, "Q", root_pointer(machine))
    put(0x1E0, "I", extended)
    entries = memory_map(machine.devices["bios"])[:E820_MOST]
    put(0x1E8, "B", len(entries))
    for number, entry in enumerate(entries):
        put(E820_TABLE + 20 * number, "QQI", *entry)
    header = header[:HEADER_END - HEADER_START]
    page[HEADER_START:HEADER_START + len(header)] = header
    for name, value in values.items():
        put(FIELDS[name].offset, FIELDS[name].format, value)
    return bytes(page)


def plain_header() -> bytes:
    """A setup header for a kernel that is an ELF file."""
    header = bytearray(MAGIC_AT - HEADER_START + len(MAGIC))
    header[-len(MAGIC):] = MAGIC
    return bytes(header)


PLAIN_VALUES = {"boot_flag": BOOT_FLAG, "version": PLAIN_VERSION, "type_of_loader": UNKNOWN_LOADER, "loadflags": 1,
                "kernel_alignment": 0x1000000}


def screen_info(machine) -> bytes:
    """What is on the screen: text as the BIOS data area has it, or a linear frame buffer."""
    info = bytearray(0x40)
    memory, linear = machine.memory, machine.devices["dispi"]
    page = memory.read_u8(firmware.VIDEO_PAGE)
    x, y = memory.read(firmware.CURSOR_POSITIONS + 2 * (page & 7), 2)
    struct.pack_into("<BBHHBB", info, 0, x, y, 0, page, memory.read_u8(firmware.VIDEO_MODE),
                     memory.read_u16(firmware.VIDEO_COLUMNS) & 0xFF)
    struct.pack_into("<H", info, 0x0A, COLOR_256_KB)
    struct.pack_into("<BBH", info, 0x0E, memory.read_u8(firmware.VIDEO_LAST_ROW) + 1, TEXT_ON_VGA,
                     memory.read_u16(firmware.VIDEO_FONT_HEIGHT))
    if linear.enabled:
        struct.pack_into("<B", info, 0x0F, FRAME_BUFFER)
        struct.pack_into("<HHHIIHHH8B", info, 0x12, *linear.size, linear.depth, linear.start, FRAME_BUFFER_SIZE >> 16,
                         0, 0, linear.pitch, *COLORS.get(linear.depth, (0,) * 8))
    return bytes(info)
