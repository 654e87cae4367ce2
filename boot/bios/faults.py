"""Exceptions that nobody hooked and that reach the ROM: the traps of entries.py, one a vector."""
from __future__ import annotations

from boot.bios.service import trap


def _handler(vector):
    @trap(f"fault_{vector:02X}")
    def fault(bios, call):
        bios.fault(vector, call)
    return fault


for _vector in (0x00, 0x06, 0x07, 0x0C, 0x0D):
    _handler(_vector)
