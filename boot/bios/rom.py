"""The BIOS ROM: 64 KB of real code and tables, as they lie in segment F000h.

    0000  +---------------------------+
          | (erased: FFh)             |
    A000  +---------------------------+
          | ACPI's pointer, SMBIOS,   |  descriptions.py, for each machine its own
          | MP tables                 |
    B000  +---------------------------+
          | characters, three sizes   |  x86/devices/font.py
    D800  +---------------------------+
          | POST's second half        |  post.py
    E05B  +---------------------------+
          | POST                      |  post.py
    E2C3  +---------------------------+
          | interrupt handlers,       |  entries.py
          | tables                    |
    FFF0  +---------------------------+
          | reset vector, date, model |
          +---------------------------+

`build()` gives the Program: its bytes, the labels, the address of every trap, and the source line of every address, by
which debuggers name what they show.
"""
from __future__ import annotations

import functools

from boot.bios import entries, post
from boot.bios.assembler import Program, assemble
from boot.layout import FONT_8X8, ROM_SIZE
from x86.devices import font

TABLES = """
        at      0B000h
font_8x16:
        times   4096 db 0FFh
font_8x14:
        times   3584 db 0FFh
font_8x8_high:                          ; characters 128 to 255; the first half has its own old address
        times   1024 db 0FFh
video_state:                            ; INT 10h AH=1Bh: what this BIOS can do
        db      8Fh, 00h, 0Ch           ; modes 0 to 3 and 7, 12h and 13h
        dd      0
        db      07h                     ; 200, 350, 400 scan lines
        db      8, 2                    ; fonts that can be loaded, and be shown together
        dw      0C7Ch                   ; fonts, default palette, cursor emulation, palettes, blinking, display codes
        dw      0, 0
"""

SOURCE = TABLES + post.CHIPS + post.SOURCE + entries.SOURCE


@functools.cache
def build() -> Program:
    """Assemble the ROM, put the characters into it, and make the checksums right."""
    program = assemble(SOURCE, ROM_SIZE)
    data = bytearray(program.data)
    for label, height, first in (("font_8x16", 16, 0), ("font_8x14", 14, 0), ("font_8x8_high", 8, 128)):
        glyphs = font.table(height)[first * height:]
        data[program.labels[label]:program.labels[label] + len(glyphs)] = glyphs
    data[FONT_8X8:FONT_8X8 + 1024] = font.table(8)[:1024]
    pnp = program.labels["pnp"]
    data[pnp + 8] = -sum(data[pnp:pnp + data[pnp + 5]]) & 0xFF
    program.data = bytes(data)
    return program
