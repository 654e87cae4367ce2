"""The adapter's screen as a picture, and the picture as a PNG file.

A picture is (width, height, palette, rows): the palette has 256 colours of three bytes, and a row one index a dot; or it is
None, and a row has red, green and blue for each dot.

Source of the format: Portable Network Graphics (PNG) Specification, W3C, "Datastream structure" and "Chunk specifications".
"""
from __future__ import annotations

import struct
import zlib

from x86.devices import font

Picture = tuple[int, int, bytes | None, list[bytes]]


def picture(vga) -> Picture:
    """What the adapter shows now."""
    if vga.linear.enabled:
        return _frame_buffer(vga)
    palette = bytes((value & 63) * 255 // 63 for value in vga.dac)
    rows = _dots(vga) if vga.graphics_mode else _characters(vga)
    return (len(rows[0]) if rows else 0), len(rows), palette, rows


def _dac_index(vga, color):
    """Attribute controller: one of sixteen colours -> an entry of the DAC, before its mask."""
    index, select = vga.attributes[color] & 0x3F, vga.attributes[0x14]
    if vga.attributes[0x10] & 0x80:     # bits 5 and 4 come from the colour select register
        index = index & 0x0F | (select & 3) << 4
    return (index | (select & 0x0C) << 4) & vga.dac_mask


def _characters(vga):
    colors = [_dac_index(vga, color) for color in range(16)]
    background = 7 if vga.attributes[0x10] & 0x08 else 15       # bit 3: bit 7 of the attribute blinks
    nine = not vga.sequencer[1] & 1                             # characters of nine dots
    extends = vga.attributes[0x10] & 0x04                       # bit 2: C0h to DFh have their eighth dot twice
    height = vga.character_height
    glyphs = font.table(height)
    cursor = vga.cursor
    first, last = vga.crtc[0x0A] & 0x1F, vga.crtc[0x0B] & 0x1F
    rows = []
    for number, cells in enumerate(vga._rows()):
        lines = [bytearray() for _ in range(height)]
        for column in range(len(cells) // 2):
            code, attribute = cells[2 * column], cells[2 * column + 1]
            pair = bytes((colors[attribute >> 4 & background], colors[attribute & 15]))
            under_cursor = cursor == (number, column)
            for line in range(height):
                dots = glyphs[code * height + line]
                if under_cursor and first <= line <= last:
                    dots, ninth = 0xFF, 1
                else:
                    ninth = dots & 1 if extends and 0xC0 <= code <= 0xDF else 0
                lines[line] += bytes(pair[dots >> bit & 1] for bit in range(7, -1, -1))
                if nine:
                    lines[line].append(pair[ninth])
        rows += map(bytes, lines)
    return rows


def _dots(vga):
    """Mode 13h: one byte a dot. Without the sequencer's chain-4 bit the dots lie in planes, which are not kept."""
    visible = vga._visible_lines
    if not (vga.sequencer[4] & 0x08 and vga.graphics[5] & 0x40):
        return [bytes(8 * (vga.crtc[1] + 1))] * visible
    width = 4 * (vga.crtc[1] + 1)
    pitch = 8 * vga.crtc[0x13]
    start = 4 * (vga.crtc[0x0C] << 8 | vga.crtc[0x0D])
    repeat = vga.character_height                               # each line of dots is scanned so often
    memory = vga.video.memory[0xA0000:0xB0000]
    mask = bytes(index & vga.dac_mask for index in range(256))
    rows = []
    for line in range(visible // repeat):
        begin = (start + line * pitch) % len(memory)
        row = (memory[begin:] + memory[:begin])[:width] if begin + width > len(memory) else memory[begin:begin + width]
        rows.append(row.translate(mask))
    return rows


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


def _frame_buffer(vga):
    """What the Bochs display interface shows."""
    linear = vga.linear
    (width, height), depth, pitch = linear.size, linear.depth, linear.pitch
    if depth == 4:
        return width, height, bytes(768), [bytes(width)] * height
    memory = memoryview(vga.video.memory[linear.start:linear.start + height * pitch])
    lines = [memory[start:start + width * ((depth + 7) // 8)] for start in range(0, height * pitch, pitch)]
    if depth == 8:
        mask = bytes(index & vga.dac_mask for index in range(256))
        palette = vga.dac if linear.dac_8_bit else bytes((value & 63) * 255 // 63 for value in vga.dac)
        return width, height, bytes(palette), [bytes(line).translate(mask) for line in lines]
    return width, height, None, [_true_color(bytes(line), depth) for line in lines]


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
