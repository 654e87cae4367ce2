"""The processor's state when a kernel is entered without a boot loader: real mode, flat protected mode, or long mode.

The last two put a real GDT into guest memory, so that a kernel may reload its segment registers before it has tables of
its own. IF is 0 and the IDT is empty: the first exception is the last.
"""
from __future__ import annotations

import struct
from typing import NamedTuple

from boot.loaders.ram import Ram
from boot.protocols import layout
from x86.registers import (ACCESS_DB, ACCESS_G, ACCESS_L, ACCESS_P, ACCESS_S, CR0_ET, CR0_PE, CR0_PG, CR4_PAE,
                           EFER_LMA, EFER_LME, FLAGS_FIXED, GPR64, TYPE_CODE_READ, TYPE_DATA_WRITE, TYPE_TSS32_BUSY)

CODE_32 = ACCESS_G | ACCESS_DB | ACCESS_P | ACCESS_S | TYPE_CODE_READ
CODE_64 = ACCESS_G | ACCESS_L | ACCESS_P | ACCESS_S | TYPE_CODE_READ
DATA = ACCESS_G | ACCESS_DB | ACCESS_P | ACCESS_S | TYPE_DATA_WRITE
LIMIT = 0xFFFFFFFF

PRESENT, WRITABLE, LARGE = 1, 2, 0x80       # bits of a paging-structure entry: P, R/W, PS
PAGE, LARGE_PAGE = 4096, 2 << 20
IDENTITY = 4                                # gigabytes that the long-mode tables map


def descriptor(base: int, limit: int, access: int) -> bytes:
    """The eight bytes of a segment descriptor; `limit` in bytes, `access` as x86.registers draws it.

     63      56 55  52 51  48 47       40 39                            16 15               0
    +----------+------+------+-----------+--------------------------------+------------------+
    |base 31-24|G B L A| 19-16| P DPL S T |          base 23-0             |   limit 15-0     |
    +----------+------+------+-----------+--------------------------------+------------------+
    """
    if access & ACCESS_G:
        limit >>= 12
    value = (limit & 0xFFFF | (base & 0xFFFFFF) << 16 | (access & 0xFF) << 40 | (limit >> 16 & 0xF) << 48
             | (access >> 12 & 0xF) << 52 | (base >> 24 & 0xFF) << 56)
    return value.to_bytes(8, "little")


class Gdt(NamedTuple):
    """A GDT: the access word of each descriptor from 08h on, 0 for none; all have base 0 and limit 4 GB."""
    accesses: tuple[int, ...]

    def selector(self, access: int) -> int:
        """The selector of the first descriptor of that kind."""
        return 8 * (1 + self.accesses.index(access))


USUAL_GDT = Gdt((CODE_32, DATA, CODE_64))   # 08h, 10h, 18h


def write_gdt(ram: Ram, gdt: Gdt = USUAL_GDT) -> tuple[int, int]:
    """Put the start's GDT into memory; its (base, limit)."""
    table = bytes(8) + b"".join(descriptor(0, LIMIT, access) if access else bytes(8) for access in gdt.accesses)
    return ram.store(table, "the start's GDT", 8, low=layout.GDT), len(table) - 1


def write_identity_tables(ram: Ram) -> int:
    """Page tables that map the first 4 GB to themselves by pages of 2 MB, writable, for the supervisor; their CR3.

        PML4 [0] -> PDPT [0..3] -> four page directories of 512 entries, PS = 1
    """
    base = ram.place((2 + IDENTITY) * PAGE, "the start's page tables", PAGE, low=layout.PAGE_TABLES)
    pdpt, directories = base + PAGE, base + 2 * PAGE
    entries = [pdpt | PRESENT | WRITABLE] + [0] * 511
    entries += [directories + number * PAGE | PRESENT | WRITABLE for number in range(IDENTITY)] + [0] * (512 - IDENTITY)
    entries += [number * LARGE_PAGE | PRESENT | WRITABLE | LARGE for number in range(512 * IDENTITY)]
    ram.memory.write(base, struct.pack(f"<{len(entries)}Q", *entries))
    return base


def _common(machine, registers):
    cpu = machine.cpu
    machine.set_a20(True)
    for name in GPR64:
        setattr(cpu, name, registers.get(name, 0))
    cpu.rflags = FLAGS_FIXED
    cpu.idtr = (0, 0)
    return cpu


def _segments(cpu, gdt, code):
    cpu.set_segment("cs", gdt.selector(code), 0, LIMIT, code)
    for name in ("ds", "es", "fs", "gs", "ss"):
        cpu.set_segment(name, gdt.selector(DATA), 0, LIMIT, DATA)
    cpu.set_segment("ldtr", 0, 0, 0, 0)
    cpu.set_segment("tr", 0, 0, 0xFFFF, ACCESS_P | TYPE_TSS32_BUSY)


def enter_real(machine, segment: int, offset: int, data: int, registers: dict[str, int]) -> None:
    """Real mode at `segment`:`offset`, with DS ES FS GS SS = `data`. EFLAGS = 2, A20 open, the BIOS's
    interrupt table in place. registers: as for enter_protected.

    The machine is in real mode already, with limits of 64 KB: it comes from the BIOS's POST."""
    cpu = machine.cpu
    idtr = cpu.idtr
    _common(machine, registers)
    cpu.idtr = idtr
    for name in ("ds", "es", "fs", "gs", "ss"):
        cpu.set_segment(name, data, data << 4)
    cpu.set_segment("cs", segment, segment << 4)
    cpu.rip = offset


def enter_protected(machine, ram: Ram, entry: int, registers: dict[str, int], gdt: Gdt = USUAL_GDT) -> None:
    """32-bit protected mode, flat, no paging: CR0 = PE | ET, CS = 08h, DS ES FS GS SS = 10h, EFLAGS = 2, A20 open.

    registers: "rax": value ...; general-purpose registers that are not named are 0. EIP becomes `entry`. Another `gdt` has
    other selectors."""
    cpu = _common(machine, registers)
    cpu.gdtr = write_gdt(ram, gdt)
    cpu.cr4 = 0
    cpu.efer = 0
    cpu.cr0 = CR0_ET | CR0_PE
    _segments(cpu, gdt, CODE_32)
    cpu.rip = entry


def enter_long(machine, ram: Ram, entry: int, registers: dict[str, int], gdt: Gdt = USUAL_GDT) -> None:
    """64-bit code in long mode: CR0 = PG | PE | ET, CR4 = PAE, EFER = LME | LMA, CS = 18h, data segments 10h.

    The first 4 GB are mapped to themselves (write_identity_tables); CR3 says where. registers and gdt as above."""
    cpu = _common(machine, registers)
    cpu.gdtr = write_gdt(ram, gdt)
    cpu.cr3 = write_identity_tables(ram)
    cpu.cr4 = CR4_PAE
    cpu.efer = EFER_LME | EFER_LMA
    cpu.cr0 = CR0_PG | CR0_ET | CR0_PE
    _segments(cpu, gdt, CODE_64)
    cpu.rip = entry
