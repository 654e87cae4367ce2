"""The BIOS ROM: 64 KB of real code and tables, as they lie in segment F000h.

    0000  +---------------------------+
          | (erased: FFh)             |
    9000  +---------------------------+
          | protected mode, mouse,    |  protected.py, int15_pointing.py, int17_printer.py
          | printing the screen       |
    A000  +---------------------------+
          | ACPI's pointer, SMBIOS,   |  descriptions.py, for each machine its own
          | MP tables                 |
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

from boot.bios import entries, int15_pointing, int17_printer, post, protected, routing
from boot.bios.assembler import Program, assemble
from boot.layout import FONT_8X8, ROM_SIZE
from x86.devices import font

SOURCE = protected.SOURCE + int15_pointing.SOURCE + int17_printer.SOURCE + post.CHIPS + post.SOURCE + entries.SOURCE


@functools.cache
def build() -> Program:
    """Assemble the ROM, put the characters into it, and make the checksums right."""
    program = assemble(SOURCE, ROM_SIZE)
    data = bytearray(program.data)
    data[FONT_8X8:FONT_8X8 + 1024] = font.table(8)[:1024]
    pirq = routing.table()
    data[program.labels["pirq"]:program.labels["pirq"] + len(pirq)] = pirq
    for label, length, checksum in (("pnp", 33, 8), ("bios32", 16, 10)):
        start = program.labels[label]
        data[start + checksum] = -sum(data[start:start + length]) & 0xFF
    program.data = bytes(data)
    return program
