"""Segment descriptors and gates in words, read from the guest's GDT, LDT and IDT.

A segment descriptor (SDM volume 3, "Segment Descriptors"); in long mode system descriptors have 8 bytes more, whose low
half is bits 63 to 32 of the base:

     63      56 55 54 53 52 51    48 47 46-45 44 43    40 39      32 31                16 15             0
    +----------+--+--+--+--+--------+--+-----+--+--------+----------+--------------------+----------------+
    |base 31-24| G|DB| L|AV|lim19-16| P| DPL | S|  TYPE  |base 23-16|     base 15-0      |  limit 15-0    |
    +----------+--+--+--+--+--------+--+-----+--+--------+----------+--------------------+----------------+

A gate ("IDT Descriptors", "64-Bit Mode IDT"); in long mode 8 bytes more, whose low half is the offset's bits 63 to 32:

     63                    48 47 46-45 44 43    40 39   35 34-32 31                16 15             0
    +------------------------+--+-----+--+--------+-------+-----+--------------------+----------------+
    |     offset 31-16       | P| DPL | 0|  TYPE  |   0   | IST |      selector      |  offset 15-0   |
    +------------------------+--+-----+--+--------+-------+-----+--------------------+----------------+
"""
from __future__ import annotations

from typing import NamedTuple

from x86.debug import peek
from x86.registers import EFER_LMA

LEGACY_TYPES = {
    0x1: "16-bit TSS, available", 0x2: "LDT", 0x3: "16-bit TSS, busy", 0x4: "16-bit call gate", 0x5: "task gate",
    0x6: "16-bit interrupt gate", 0x7: "16-bit trap gate", 0x9: "32-bit TSS, available", 0xB: "32-bit TSS, busy",
    0xC: "32-bit call gate", 0xE: "32-bit interrupt gate", 0xF: "32-bit trap gate",
}
LONG_TYPES = {
    0x2: "LDT", 0x9: "64-bit TSS, available", 0xB: "64-bit TSS, busy", 0xC: "64-bit call gate",
    0xE: "64-bit interrupt gate", 0xF: "64-bit trap gate",
}
CALL_GATES = {0x4, 0xC}
INTERRUPT_GATES = {0x6, 0x7, 0xE, 0xF}
TASK_GATE = 0x5


class Entry(NamedTuple):
    """One descriptor or gate: which (`title`), where (`place`, linear address), its bytes, and its fields in words."""
    title: str
    place: str
    raw: str
    words: str

    def lines(self) -> list[str]:
        return [f"{self.title}, {self.place}", *([f"  {self.raw}"] if self.raw else []), f"  {self.words}"]


def is_long(machine) -> bool:
    """Whether long mode is active: gates and system descriptors have 16 bytes then."""
    return bool(machine.cpu.efer & EFER_LMA)


def segment_words(low: int, high: int = 0, long_mode: bool = False) -> str:
    """A GDT or LDT entry in words. `low` are its 8 bytes, `high` the next 8, which long mode's system types use."""
    if low == 0:
        return "all zero: no descriptor"
    kind, dpl = low >> 40 & 0xF, low >> 45 & 3
    present = "present" if low >> 47 & 1 else "NOT PRESENT (P = 0)"
    base = low >> 16 & 0xFFFFFF | low >> 32 & 0xFF000000
    limit = low & 0xFFFF | low >> 32 & 0xF0000
    if low >> 55 & 1:
        limit = limit << 12 | 0xFFF
    if not low >> 44 & 1:
        names = LONG_TYPES if long_mode else LEGACY_TYPES
        if kind in names and (kind in CALL_GATES or kind == TASK_GATE):
            return gate_words(low, high, long_mode)
        if long_mode:
            base |= (high & 0xFFFFFFFF) << 32
        return f"{names.get(kind, f'reserved system type {kind:X}h')}, base {base:X}h, limit {limit:X}h, " \
               f"DPL {dpl}, {present}"
    if kind & 8:
        size = "64-bit" if low >> 53 & 1 else "32-bit" if low >> 54 & 1 else "16-bit"
        if low >> 53 & 1 and low >> 54 & 1:
            size = "invalid (L and D both set)"
        what = f"{size} code, {'execute/read' if kind & 2 else 'execute-only'}" + (", conforming" if kind & 4 else "")
    else:
        what = f"{'32' if low >> 54 & 1 else '16'}-bit data, {'read/write' if kind & 2 else 'read-only'}" \
               + (", expand-down" if kind & 4 else "")
    return f"{what}, base {base:X}h, limit {limit:X}h, DPL {dpl}, {present}"


def gate_words(low: int, high: int = 0, long_mode: bool = False) -> str:
    """An IDT entry, or a call or task gate, in words."""
    if low == 0 and (not long_mode or high == 0):
        return "all zero: no gate"
    kind, dpl = low >> 40 & 0xF, low >> 45 & 3
    present = "present" if low >> 47 & 1 else "NOT PRESENT (P = 0)"
    names = LONG_TYPES if long_mode else LEGACY_TYPES
    selector, offset = low >> 16 & 0xFFFF, low & 0xFFFF | low >> 32 & 0xFFFF0000
    if low >> 44 & 1:
        return f"no gate: the type says code or data segment (S = 1), {present}"
    if kind not in names or kind not in CALL_GATES | INTERRUPT_GATES | {TASK_GATE}:
        return f"no gate: type {kind:X}h is {names.get(kind, 'reserved')}" \
               f"{' in long mode' if long_mode else ''}, {present}"
    if kind == TASK_GATE:
        return f"task gate to TSS {selector:04X}h, DPL {dpl}, {present}"
    if long_mode:
        offset |= (high & 0xFFFFFFFF) << 32
    ist = f", IST {low >> 32 & 7}" if long_mode and low >> 32 & 7 else ""
    return f"{names[kind]} to {selector:04X}:{offset:0{16 if long_mode else 8}X}, DPL {dpl}{ist}, {present}"


def segment_entry(machine, selector: int) -> Entry:
    """The descriptor that a selector names, from the GDT or the LDT as they are now."""
    cpu, index = machine.cpu, selector & 0xFFF8
    if selector & 4:
        ldtr = cpu.segment("ldtr")
        table, base, limit = "LDT", ldtr.base, ldtr.limit if ldtr.selector & 0xFFFC else -1
    else:
        table, (base, limit) = "GDT", cpu.gdtr
    title = f"selector {selector:04X}h: {table} entry {index >> 3}, RPL {selector & 3}"
    if selector & 0xFFFC == 0:
        return Entry(f"selector {selector:04X}h", "null", "", "the null selector names no descriptor")
    if index + 7 > limit:
        return Entry(title, table_words(table, base, limit, 8), "",
                     "beyond the table" if limit >= 0 else f"there is no {table}: {table}R is null")
    low = peek.number(peek.linear(machine, base + index, 8))
    high = peek.number(peek.linear(machine, base + index + 8, 8)) if is_long(machine) and index + 15 <= limit else 0
    place = f"at {base + index:X}h"
    if low is None:
        return Entry(title, place, "", "its memory cannot be read")
    return Entry(title, place, f"{low:016X}", segment_words(low, high or 0, is_long(machine)))


def gate_entry(machine, vector: int) -> Entry:
    """The gate of a vector, from the IDT as it is now."""
    base, limit = machine.cpu.idtr
    long_mode = is_long(machine)
    size = 16 if long_mode else 8
    title = f"gate {vector:02X}h of the IDT"
    if vector * size + size - 1 > limit:
        return Entry(title, table_words("IDT", base, limit, size), "", "beyond the table")
    place = f"at {base + vector * size:X}h"
    data = peek.linear(machine, base + vector * size, size)
    if data is None:
        return Entry(title, place, "", "its memory cannot be read")
    low, high = peek.number(data[:8]), peek.number(data[8:])
    raw = f"{high:016X} {low:016X}" if long_mode else f"{low:016X}"
    return Entry(title, place, raw, gate_words(low, high, long_mode))


def gate_selector(machine, vector: int) -> int | None:
    """The code selector in a vector's gate, None where it cannot be read."""
    base, limit = machine.cpu.idtr
    size = 16 if is_long(machine) else 8
    if vector * size + size - 1 > limit:
        return None
    return peek.number(peek.linear(machine, base + vector * size + 2, 2))


def table_words(table: str, base: int, limit: int, size: int) -> str:
    """`GDT at 7D00h, limit 17h: 3 entries`."""
    count = max(limit + 1, 0) // size
    return f"{table} at {base:X}h, limit {max(limit, 0):X}h: {count} {'entry' if count == 1 else 'entries'}"
