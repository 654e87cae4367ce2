"""Flat binaries: a file that is its own memory image."""
from __future__ import annotations

from boot.loaders.ram import Piece
from x86.faults import ImageError


def read(data: bytes, address: int, bss: int = 0, name: str = "image") -> Piece:
    """The bytes of `data` for physical address `address`, with `bss` zeroed bytes behind them.

    Errors: ImageError for an empty file or an address that cannot be one."""
    if not data:
        raise ImageError(f"{name}: empty: there is nothing to load")
    if address < 0 or bss < 0:
        raise ImageError(f"{name}: address {address} and {bss} bytes behind the file: neither can be negative")
    return Piece(address, bytes(data), len(data) + bss, name)
