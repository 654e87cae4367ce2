"""The modes of the VESA BIOS extension: their numbers, and the registers of the Bochs display interface that make them.

100h to 11Bh are VESA's own numbers; those behind are what other PCs with this adapter have.

    15 bits  .rrrrrgg gggbbbbb    16 bits  rrrrrggg gggbbbbb    24 and 32 bits  blue, green, red, nothing: a byte each

Source: VESA BIOS Extension Core Functions Standard 3.0, "VBE Mode Numbers"; what QEMU's `-vga std` lists.
"""
from __future__ import annotations

from boot.bios.video_modes import DIRECT, DOTS_320x200x256, DOTS_640x480, LINEAR, MODES, PLANAR, Mode
from boot.layout import FRAME_BUFFER, GRAPHICS_MEMORY

IDENTITY, WIDTH, HEIGHT, DEPTH, ENABLE, BANK, VIRTUAL_WIDTH, VIRTUAL_HEIGHT, X, Y, MEMORY_64K = range(11)
ON, DAC_8_BIT, LINEAR_BUFFER, KEEP_MEMORY = 0x01, 0x20, 0x40, 0x80

#: (first number, width, height, depth of that number and of those behind it)
TABLE = (
    (0x100, 640, 400, (8,)), (0x101, 640, 480, (8,)), (0x102, 800, 600, (4, 8)), (0x104, 1024, 768, (4, 8)),
    (0x106, 1280, 1024, (4, 8)), (0x10D, 320, 200, (15, 16, 24)), (0x110, 640, 480, (15, 16, 24)),
    (0x113, 800, 600, (15, 16, 24)), (0x116, 1024, 768, (15, 16, 24)), (0x119, 1280, 1024, (15, 16, 24)),
    (0x11C, 1600, 1200, (8, 15, 16, 24)), (0x140, 320, 200, (32,)), (0x141, 640, 400, (32,)), (0x142, 640, 480, (32,)),
    (0x143, 800, 600, (32,)), (0x144, 1024, 768, (32,)), (0x145, 1280, 1024, (32,)), (0x146, 320, 200, (8,)),
    (0x147, 1600, 1200, (32,)), (0x148, 1152, 864, (8, 15, 16, 24, 32)), (0x175, 1280, 768, (16, 24, 32)),
    (0x178, 1280, 800, (16, 24, 32)), (0x17B, 1280, 960, (16, 24, 32)), (0x17E, 1440, 900, (16, 24, 32)),
    (0x181, 1400, 1050, (16, 24, 32)), (0x184, 1680, 1050, (16, 24, 32)), (0x187, 1920, 1200, (16, 24, 32)),
    (0x18A, 2560, 1600, (16, 24, 32)), (0x18D, 1280, 720, (16, 24, 32)), (0x190, 1920, 1080, (16, 24, 32)),
    (0x193, 1600, 900, (16, 24, 32)), (0x196, 2560, 1440, (16, 24, 32)), (0x199, 3840, 2160, (16,)))


def _mode(number, width, height, depth):
    kind = PLANAR if depth == 4 else LINEAR if depth == 8 else DIRECT
    # The window of 64 KB shows planes; all else is drawn in the frame buffer itself
    memory = GRAPHICS_MEMORY if depth == 4 else FRAME_BUFFER
    registers = DOTS_640x480 if depth == 4 else DOTS_320x200x256
    return Mode(number, kind, width, height, depth, width // 8, height // 16, 16, memory, 1,
                "ega" if depth == 4 else "vga", registers, vesa=True)


VBE_MODES: dict[int, Mode] = {number: _mode(number, width, height, depth) for first, width, height, depths in TABLE
                              for number, depth in enumerate(depths, first)}
#: Bits a dot: (size, lowest bit) of red, green, blue and what is left over, one behind the other
COLORS = {15: (5, 10, 5, 5, 5, 0, 1, 15), 16: (5, 11, 6, 5, 5, 0, 0, 0), 24: (8, 16, 8, 8, 8, 0, 0, 0),
          32: (8, 16, 8, 8, 8, 0, 8, 24)}
#: 102h was known as 6Ah, which INT 10h AH=00h can set, before there were numbers of more than seven bits
OLD_NUMBER = 0x6A
EVERY_MODE: dict[int, Mode] = {**VBE_MODES, **MODES, OLD_NUMBER: VBE_MODES[0x102]._replace(number=OLD_NUMBER)}


def pixel_bytes(depth: int) -> int:
    """Bytes a dot of so many bits takes, from 8 bits on."""
    return (depth + 7) // 8


def line_bytes(mode: Mode, width: int | None = None) -> int:
    """Bytes from one line of `width` dots (the mode's own without it) to the next; with planes, of one plane."""
    width = mode.width if width is None else width
    if not mode.graphics:
        return 2 * mode.columns
    return width * pixel_bytes(mode.depth) if mode.depth >= 8 else width * mode.depth // 8 if mode.kind == "cga" else width // 8


def frame_bytes(mode: Mode) -> int:
    """Bytes of video memory that a picture takes."""
    if not mode.graphics:
        return mode.page_size
    return line_bytes(mode) * mode.height * (4 if mode.kind == PLANAR else 1)


# ---- the Bochs display interface -------------------------------------------------------------------------------------

def write_display(bios, index: int, value: int) -> None:
    bios.port_out(0x1CE, index, 2)
    bios.port_out(0x1CF, value, 2)


def read_display(bios, index: int) -> int:
    bios.port_out(0x1CE, index, 2)
    return bios.port_in(0x1CF, 2)


def program_display(bios, mode: Mode, flags: int) -> None:
    """Switch the frame buffer on. flags: LINEAR_BUFFER, KEEP_MEMORY."""
    for index, value in ((ENABLE, 0), (WIDTH, mode.width), (HEIGHT, mode.height), (DEPTH, mode.depth), (BANK, 0),
                         (ENABLE, ON | flags)):
        write_display(bios, index, value)
