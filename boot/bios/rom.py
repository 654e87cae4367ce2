"""The BIOS ROM: 64 KB of real code and tables, as they lie in segment F000h.

    0000  +---------------------------+
          | (erased: FFh)             |
    A000  +---------------------------+
          | ACPI's pointer, SMBIOS    |  descriptions.py, for each machine its own
    B000  +---------------------------+
          | (erased)                  |
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

SOURCE = post.CHIPS + post.SOURCE + entries.SOURCE


@functools.cache
def build() -> Program:
    """Assemble the ROM, put the characters into it, and make the checksums right."""
    program = assemble(SOURCE, ROM_SIZE)
    data = bytearray(program.data)
    data[FONT_8X8:FONT_8X8 + 1024] = font.table(8)[:1024]
    pnp = program.labels["pnp"]
    data[pnp + 8] = -sum(data[pnp:pnp + data[pnp + 5]]) & 0xFF
    program.data = bytes(data)
    return program
