"""Guest memory for people: by physical or linear address, with no side effect on devices and no exception.

What cannot be read is None: nothing is mapped there, a device answers there, or the page tables do not lead there.
"""
from __future__ import annotations

from x86.disassembler import disassemble

PAGE = 4096


def physical(machine, address: int, length: int) -> bytes | None:
    """`length` bytes at a physical address, from RAM or ROM."""
    end = address + length
    for start, stop, kind, _ in machine.memory.regions:
        if kind == "MMIO" and start < end and address < stop:
            return None
    try:
        return machine.memory.read(address, length)
    except IndexError:
        return None


def linear(machine, address: int, length: int) -> bytes | None:
    """`length` bytes at a linear address, as the supervisor would read them now; page by page."""
    found = b""
    while len(found) < length:
        at = address + len(found)
        count = min(length - len(found), PAGE - at % PAGE)
        translated = machine.walk(at, "read", False).physical
        piece = None if translated is None else physical(machine, translated, count)
        if piece is None:
            return None
        found += piece
    return found


def code(machine, address: int, length: int = 15) -> bytes:
    """Up to `length` bytes of code at a linear address; fewer where the page behind cannot be read."""
    whole = linear(machine, address, length)
    if whole is not None:
        return whole
    return linear(machine, address, min(length, PAGE - address % PAGE)) or b""


def event_address(machine, event) -> int:
    """Linear address of an event's instruction. CS may have changed since: then real mode's rule, or base 0."""
    cpu = machine.cpu
    if event.cs == cpu.cs:
        return cpu.linear("cs", event.rip)
    return (event.cs << 4) + event.rip if cpu.mode in ("real", "v86") else event.rip


def number(data: bytes | None) -> int | None:
    """The little-endian number in `data`."""
    return None if data is None else int.from_bytes(data, "little")


def instruction(machine, address: int, rip: int, bits: int) -> tuple[str, str, int]:
    """(bytes in hexadecimal, Intel text, length) of the instruction at a linear address, for code of `bits` bits."""
    data = code(machine, address)
    if not data:
        return "", "(cannot be read)", 0
    text, length = disassemble(data, rip, bits)
    return data[:length].hex(" ").upper(), text, length
