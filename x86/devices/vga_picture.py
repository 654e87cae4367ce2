"""The adapter's screen as a picture, and the picture as a PNG file.

A picture is (width, height, palette, rows): the palette has 256 colours of three bytes, and a row one index a dot; or it is
None, and a row has red, green and blue for each dot.

Source of the format: Portable Network Graphics (PNG) Specification, W3C, "Datastream structure" and "Chunk specifications".
"""
from __future__ import annotations

import struct
import zlib

from x86.devices import vga_dots
from x86.devices.vga_linear import BITS

Picture = tuple[int, int, bytes | None, list[bytes]]


def picture(vga) -> Picture:
    """What the adapter shows now."""
    palette = bytes(vga.dac) if vga.linear.dac_8_bit else bytes((value & 63) * 255 // 63 for value in vga.dac)
    if vga.blanked:
        palette = bytes(768)
    if vga.linear.enabled:
        return _frame_buffer(vga, palette)
    rows = vga_dots.rows(vga)
    return (len(rows[0]) if rows else 0), len(rows), palette, rows


def size(vga) -> tuple[int, int]:
    """(width, height) of the picture."""
    return vga.linear.size if vga.linear.enabled else picture(vga)[:2]


# ---- the frame buffer -----------------------------------------------------------------------------------------------
# Five bits of a colour become eight with the upper three repeated below, six with the upper two. A dot of two bytes has
#   15 bits:  . r r r r r g g | g g g b b b b b        16 bits:  r r r r r g g g | g g g b b b b b
# so red and blue follow from one byte alone, and green is what the one gives or'ed with what the other gives.

def _wide(value):
    return value << 3 | value >> 2


LOW_BLUE = bytes(_wide(low & 31) for low in range(256))
HALF_GREEN = {15: (bytes((high & 3) << 6 | (high & 3) << 1 for high in range(256)),
                   bytes((low >> 5) << 3 | low >> 7 for low in range(256))),
              16: (bytes((high & 7) << 5 | (high & 7) >> 1 for high in range(256)),
                   bytes(low >> 5 << 2 for low in range(256)))}
HIGH_RED = {15: bytes(_wide(high >> 2 & 31) for high in range(256)), 16: bytes(_wide(high >> 3) for high in range(256))}


def _frame_buffer(vga, palette):
    """What the Bochs display interface shows."""
    linear = vga.linear
    (width, height), depth, pitch, start = linear.size, linear.depth, linear.pitch, linear.start
    if depth == 4:                              # four planes side by side, as in the VGA's own modes
        start &= ~3
    memory = memoryview(vga.video.memory[start:start + height * pitch])
    lines = [bytes(memory[begin:begin + width * BITS[depth] // 8]) for begin in range(0, height * pitch, pitch)]
    if depth == 4:
        table = vga_dots.color_table(vga)
        return width, height, palette, [vga_dots.plane_dots(line).translate(table) for line in lines]
    if depth == 8:
        mask = bytes(index & vga.dac_mask for index in range(256))
        return width, height, palette, [line.translate(mask) for line in lines]
    if vga.blanked:
        return width, height, palette, [bytes(width)] * height
    return width, height, None, [_true_color(line, depth) for line in lines]


def _true_color(line, depth):
    """A line of dots of 15, 16, 24 or 32 bits -> red, green and blue of each."""
    if depth >= 24:
        size = depth // 8
        blue, green, red = line[0::size], line[1::size], line[2::size]
    else:
        low, high = line[0::2], line[1::2]
        upper, lower = HALF_GREEN[depth]
        red, blue = high.translate(HIGH_RED[depth]), low.translate(LOW_BLUE)
        green = (int.from_bytes(high.translate(upper), "little") | int.from_bytes(low.translate(lower), "little")).to_bytes(
            len(low), "little")
    dots = bytearray(3 * len(red))
    dots[0::3], dots[1::3], dots[2::3] = red, green, blue
    return bytes(dots)


# ---- the file -------------------------------------------------------------------------------------------------------

def png(width: int, height: int, palette: bytes | None, rows: list[bytes]) -> bytes:
    """The bytes of a PNG file, of eight bits a sample."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    color_type = 2 if palette is None else 3
    header = struct.pack(">IIBBBBB", width, height, 8, color_type, 0, 0, 0)     # no interlace
    lines = b"".join(b"\0" + row for row in rows)                       # each with filter type 0
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + (chunk(b"PLTE", palette) if palette else b"")
            + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b""))


def write_png(path, width: int, height: int, palette: bytes | None, rows: list[bytes]) -> None:
    """Write a picture to a file."""
    with open(path, "wb") as file:
        file.write(png(width, height, palette, rows))
