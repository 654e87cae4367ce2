"""The text screen as a PNG file, drawn with the characters of the BIOS's ROM in the VGA's sixteen colours.

Source: Portable Network Graphics (PNG) Specification, chapters 4 and 11: signature, then chunks of length, type, data and
CRC-32; IHDR, PLTE, IDAT (zlib, each row behind a filter byte), IEND.
"""
from __future__ import annotations

import struct
import zlib

WIDTH, HEIGHT = 8, 16                   # of a character cell, in dots

#: Red, green, blue of the attribute's colours: two thirds for each lit gun, one third more with intensity; 6 is brown.
PALETTE = bytes.fromhex("000000 0000AA 00AA00 00AAAA AA0000 AA00AA AA5500 AAAAAA"
                        "555555 5555FF 55FF55 55FFFF FF5555 FF55FF FFFF55 FFFFFF")


def png(width: int, rows: list[bytes], palette: bytes = PALETTE) -> bytes:
    """A PNG file of `rows` of palette indices, `width` bytes each."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", width, len(rows), 8, 3, 0, 0, 0)       # 8 bits a dot, colour type 3: by palette
    data = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"PLTE", palette) + chunk(b"IDAT", data)
            + chunk(b"IEND", b""))


def draw(cells: list[list[tuple[int, int]]], font: bytes, cursor: tuple[int, int] | None = None) -> list[bytes]:
    """Rows of palette indices for rows of (character code, attribute byte); font: 256 characters of 16 bytes."""
    rows = []
    for line, row in enumerate(cells):
        for y in range(HEIGHT):
            dots = bytearray()
            for column, (code, attribute) in enumerate(row):
                foreground, background = attribute & 15, attribute >> 4 & 7
                bits = font[code * HEIGHT + y]
                if (line, column) == cursor and y >= HEIGHT - 2:
                    bits = 0xFF
                dots += bytes(foreground if bits & 0x80 >> x else background for x in range(WIDTH))
            rows.append(bytes(dots))
    return rows
