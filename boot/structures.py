"""Structures of firmware tables: built from the fields that matter, with checksums that come out as 0."""
from __future__ import annotations

from construct import Const, Struct


def fill(layout: Struct, /, **values) -> bytes:
    """The bytes of `layout`, in which every field that `values` does not name is 0."""
    return layout.build(_zeros(layout) | values)


def _zeros(layout):
    """0 for each field, a dictionary of them for a structure in it. What is constant needs no value."""
    fields = {field.name: field.subcon for field in layout.subcons if field.name}
    return {name: _zeros(field) if isinstance(field, Struct) else 0
            for name, field in fields.items() if not isinstance(field, Const)}


def seal(data: bytes, at: int, start: int = 0, end: int | None = None) -> bytes:
    """`data` with the byte at `at` such that those from `start` up to `end` add up to 0, modulo 256."""
    total = sum(data[start:end]) - data[at]
    return data[:at] + bytes([-total & 0xFF]) + data[at + 1:]
