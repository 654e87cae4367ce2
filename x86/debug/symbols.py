"""Names for addresses, from the symbol table of an ELF file: `kernel_main+1Ah` instead of FFFFFFFF8010021A.

A machine that has them as `machine.symbols` gets them in its post-mortem.
Source: System V ABI, "Symbol Table".
"""
from __future__ import annotations

import bisect
from collections.abc import Iterable
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from x86.faults import ImageError

CODE_TYPES = ("STT_FUNC", "STT_NOTYPE")
REACH = 1 << 20                         # a symbol without a size names addresses up to the next one, and up to here


class Symbols:
    """Addresses with names. Of several names for one address the first stays."""

    def __init__(self, symbols: Iterable[tuple[int, int, str]] = ()):
        """symbols: (address, size in bytes or 0 where it is unknown, name), in any order."""
        found: dict[int, tuple[int, str]] = {}
        for address, size, name in symbols:
            found.setdefault(address, (size, name))
        self.addresses = sorted(found)
        self.entries = [found[address] for address in self.addresses]

    @classmethod
    def read(cls, path) -> Symbols:
        """The functions and labels of an ELF file; none if it was stripped. ImageError if it is no ELF file."""
        try:
            with Path(path).open("rb") as file:
                tables = [section for section in ELFFile(file).iter_sections()
                          if isinstance(section, SymbolTableSection)]
                return cls((symbol["st_value"], symbol["st_size"], symbol.name)
                           for table in tables for symbol in table.iter_symbols()
                           if symbol.name and symbol["st_info"]["type"] in CODE_TYPES
                           and symbol["st_shndx"] not in ("SHN_UNDEF", "SHN_ABS"))
        except OSError as error:
            raise ImageError(f"{path}: {error.strerror}") from None
        except (ELFError, ValueError, KeyError, AttributeError, AssertionError) as error:
            raise ImageError(f"{path}: its symbol table cannot be read: {error}") from None

    def __len__(self):
        return len(self.addresses)

    def name(self, address: int) -> str | None:
        """`main+1Ah` for an address inside or behind a symbol, `main` for its first byte, None if none is near."""
        index = bisect.bisect_right(self.addresses, address) - 1
        if index < 0:
            return None
        start = self.addresses[index]
        size, name = self.entries[index]
        if address - start >= (size or REACH):
            return None
        return name if address == start else f"{name}+{address - start:X}h"
