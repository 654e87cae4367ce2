"""Random byte strings that look like instructions, millions of them: plain ones, and such as get deep into the decoder.

A layout says what each of the first bytes of a string may be; the rest is any byte. Strings are SIZE bytes, one behind
the other. Columns are filled for all strings at once, so that a million of them takes a fraction of a second.
"""
from __future__ import annotations

import random

from x86.isa import table

SIZE = 16


def one_of(*values) -> bytes:
    """A table for bytes.translate: any byte becomes one of these, each about as often as the others."""
    return bytes(values[number * len(values) // 256] for number in range(256))


def opcodes(map_: int) -> bytes:
    """One of the opcodes that have a row in this map."""
    return one_of(*sorted({form.opcode + low for form in table.forms() if form.map == map_
                           for low in range(8 if form.plus_r else 1)}))


ANY = one_of(*range(256))
PREFIX = one_of(0x66, 0x67, 0xF0, 0xF2, 0xF3, 0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65)
REX = one_of(*range(0x40, 0x50))
WITH_SIB = one_of(*(mod << 6 | reg << 3 | 4 for mod in range(3) for reg in range(8)))
VEX_MAP = one_of(*(rxb << 5 | map_ for rxb in range(8) for map_ in (1, 2, 3)))
X0F, X38, X3A, VEX2, VEX3 = map(one_of, (0x0F, 0x38, 0x3A, 0xC5, 0xC4))
ROW, ROW_0F, ROW_38, ROW_3A = (opcodes(map_) if any(form.map == map_ for form in table.forms()) else ANY
                               for map_ in range(4))

LAYOUTS = {
    "plain": (),
    "prefix": (PREFIX,), "two prefixes": (PREFIX, PREFIX), "four prefixes": (PREFIX,) * 4,
    "prefixes to the limit": (PREFIX,) * 11, "REX": (REX,), "prefix, REX": (PREFIX, REX), "REX, prefix": (REX, PREFIX),
    "0F": (X0F,), "prefix, 0F": (PREFIX, X0F), "two prefixes, 0F": (PREFIX, PREFIX, X0F), "REX, 0F": (REX, X0F),
    "prefix, REX, 0F": (PREFIX, REX, X0F), "0F 38": (X0F, X38), "prefix, 0F 38": (PREFIX, X0F, X38),
    "two prefixes, 0F 38": (PREFIX, PREFIX, X0F, X38), "prefix, REX, 0F 38": (PREFIX, REX, X0F, X38),
    "0F 3A": (X0F, X3A), "prefix, 0F 3A": (PREFIX, X0F, X3A), "prefix, REX, 0F 3A": (PREFIX, REX, X0F, X3A),
    "VEX of 2 bytes": (VEX2,), "VEX of 3 bytes": (VEX3, VEX_MAP), "prefix, VEX": (PREFIX, VEX3, VEX_MAP),
    "row": (ROW,), "row, SIB": (ROW, WITH_SIB), "prefix, row": (PREFIX, ROW), "prefix, row, SIB": (PREFIX, ROW, WITH_SIB),
    "prefix, REX, row": (PREFIX, REX, ROW), "prefix, REX, row, SIB": (PREFIX, REX, ROW, WITH_SIB),
    "0F row": (X0F, ROW_0F), "prefix, 0F row": (PREFIX, X0F, ROW_0F), "prefix, 0F row, SIB": (PREFIX, X0F, ROW_0F, WITH_SIB),
    "prefix, REX, 0F row": (PREFIX, REX, X0F, ROW_0F), "two prefixes, 0F row": (PREFIX, PREFIX, X0F, ROW_0F),
    "0F 38 row": (X0F, X38, ROW_38), "prefix, 0F 38 row": (PREFIX, X0F, X38, ROW_38),
    "prefix, REX, 0F 3A row": (PREFIX, REX, X0F, X3A, ROW_3A),
}


def strings(layout: str, count: int, seed: int) -> bytes:
    """`count` strings of a layout, each SIZE bytes."""
    choose = random.Random(f"{layout} {seed}")
    data = bytearray(choose.randbytes(SIZE * count))
    for column, values in enumerate(LAYOUTS[layout]):
        data[column::SIZE] = data[column::SIZE].translate(values)
    return bytes(data)
