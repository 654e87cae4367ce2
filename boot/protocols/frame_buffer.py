"""What a kernel is told of the screen, and the mode that it finds there: text as POST left it, or dots in a frame buffer.

    wish (width, height, depth)     0 is no preference
        800, 600, 16                that, if the adapter can
        800, 600, 0                 that size, 32 bits a dot
        0, 0, 0; what cannot be     PREFERRED of the adapter's monitor, 32 bits a dot

So does GRUB with its "auto": the mode that was asked for, else the one that the monitor likes best. As a loader would, this
asks the VESA BIOS; for a size that has no number there, it sets the adapter's registers.
"""
from __future__ import annotations

from typing import NamedTuple

from boot.bios.vbe_modes import COLORS
from boot.layout import COLOR_TEXT
from boot.protocols import vbe
from x86.devices.vga_linear import FRAME_BUFFER_SIZE, MAXIMA, PREFERRED, WIDTH, HEIGHT

INDEXED, RGB, EGA_TEXT = range(3)           # framebuffer_type in both versions of multiboot
SMALLEST = (320, 200)                       # in dots: what is less is meant as characters
DEFAULT_DEPTH = 32
#: Bits a dot: (lowest bit, bits) of red, green and blue
FIELDS = {depth: tuple((place, size) for size, place in zip(each[0:6:2], each[1:6:2])) for depth, each in COLORS.items()}
DEPTHS = (8, *FIELDS)


class FrameBuffer(NamedTuple):
    """The screen's memory: physical address, bytes a line, size in dots or characters, bits each, INDEXED RGB or EGA_TEXT.

    colors describes the bits: RGB has (lowest bit, bits) of red, green and blue; INDEXED has (red, green, blue) of 256
    colours, 0 to 255; text has none. vbe is what the VESA BIOS says, if the mode was set by it."""
    address: int
    pitch: int
    width: int
    height: int
    depth: int
    kind: int
    colors: tuple[tuple[int, ...], ...]
    vbe: vbe.Information | None = None


TEXT = FrameBuffer(COLOR_TEXT, 160, 80, 25, 16, EGA_TEXT, ())


def possible(width: int, height: int, depth: int) -> bool:
    """Whether the adapter can show so many dots of `depth` bits."""
    return (depth in DEPTHS and SMALLEST[0] <= width <= MAXIMA[WIDTH] and SMALLEST[1] <= height <= MAXIMA[HEIGHT]
            and (width & ~7) * height * ((depth + 7) // 8) <= FRAME_BUFFER_SIZE)


def set_mode(machine, width: int, height: int, depth: int) -> FrameBuffer:
    """Show dots, as near to the wish as the adapter can, all of them black; what is shown now."""
    depth = depth if depth in DEPTHS else DEFAULT_DEPTH
    if not possible(width, height, depth):
        (width, height), depth = PREFERRED, DEFAULT_DEPTH
    adapter, told = machine.devices["dispi"], None
    for mode in vbe.modes(machine):
        if (mode.width, mode.height, mode.depth) == (width, height, depth):
            told = vbe.set_mode(machine, mode)
            break
    if told is None:
        adapter.set_mode(width, height, depth)
    if depth in FIELDS:
        kind, colors = RGB, FIELDS[depth]
    else:
        dac = machine.devices["vga"].dac    # six bits a colour
        kind = INDEXED
        colors = tuple(tuple((value & 63) * 255 // 63 for value in dac[at:at + 3]) for at in range(0, 768, 3))
    return FrameBuffer(adapter.start, adapter.pitch, *adapter.size, adapter.depth, kind, colors, told)
