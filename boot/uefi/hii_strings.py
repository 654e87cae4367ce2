"""String packages: a language's strings, by number, in blocks.

    00  end                                         20  the next number is another name for a string: number (2)
    10  one string in ASCII       14  in UTF-16     21  so many numbers (2) are not used        22  the same (1)
    11  the same behind a font's number (1)   15    30  a block for others: type (1), length of it all (1)
    12  count (2) and so many strings         16    31  the same, length (2)                    32  length (4)
    13  a font's number, count, strings       17

Source: UEFI 2.10, section 33.3.6 "String Package".
"""
from __future__ import annotations

import struct
from dataclasses import dataclass, field

HEADER = 46                             # bytes before the language
MOST = 0xFFFF                           # strings


class BadStrings(ValueError):
    """A string package that contradicts itself."""


@dataclass
class Table:
    """The strings of one language: number -> text, from 1 on."""
    language: str
    strings: dict[int, str] = field(default_factory=dict)


def parse(package: bytes) -> Table:
    """The Table of a string package, header included. BadStrings."""
    if len(package) < HEADER + 1:
        raise BadStrings(f"a string package of {len(package)} bytes is too short")
    header_size, offset = struct.unpack_from("<II", package, 4)
    end = package.find(b"\0", HEADER)
    if end < 0 or not HEADER < header_size <= len(package) or offset > len(package):
        raise BadStrings("the header of a string package points behind its end")
    table = Table(package[HEADER:end].decode("latin-1"))
    reader, number = _Reader(package, offset), 1
    while number <= MOST:
        kind = reader.number(1)
        if kind == 0x00:
            break
        if 0x10 <= kind <= 0x17:
            if kind & 1:
                reader.number(1)        # the font
            for _ in range(reader.number(2) if kind & 2 else 1):
                table.strings[number] = reader.text(2 if kind & 4 else 1)
                number += 1
        elif kind == 0x20:
            table.strings[number] = table.strings.get(reader.number(2), "")
            number += 1
        elif kind in (0x21, 0x22):
            number += reader.number(2 if kind == 0x21 else 1)
        elif kind in (0x30, 0x31, 0x32):
            start = reader.at - 1
            reader.number(1)
            length = reader.number(1 << kind - 0x30)
            if length < reader.at - start:
                raise BadStrings(f"a block of kind {kind:X}h has {length} bytes")
            reader.at = start + length
        else:
            raise BadStrings(f"there is no block of kind {kind:X}h")
    return table


def choose(tables: dict[str, Table], language: str) -> Table | None:
    """The table for a language: of that name, or of one that begins as it (en for en-US, en-US for en)."""
    for wanted in (language, language.partition("-")[0]):
        for name, table in tables.items():
            if name.lower() == wanted.lower() or name.partition("-")[0].lower() == wanted.lower():
                return table
    return None


class _Reader:
    """Bytes one after the other."""

    def __init__(self, data, at):
        self.data, self.at = data, at

    def number(self, size):
        if self.at + size > len(self.data):
            raise BadStrings("a string package ends in the middle of a block")
        self.at += size
        return int.from_bytes(self.data[self.at - size:self.at], "little")

    def text(self, width):
        start = self.at
        while self.number(width):
            pass
        text = self.data[start:self.at - width]
        return text.decode("utf-16-le", "surrogatepass") if width == 2 else text.decode("latin-1")
