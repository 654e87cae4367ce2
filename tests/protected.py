"""A guest with descriptor tables, rings and handlers, for tests of privilege, gates and tasks.

    GDT 1000h   IDT 2000h   TSS 3000h   LDT 3800h   page tables 10000h (tests/machines.py)   handlers 8000h + 16 * vector
    code 100000h (ring 0), 110000h (ring 3)   stacks: ring 0 of the TSS 50000h, IST1 58000h, the code's own 200000h

A handler is HLT: a run ends in the first one that is entered, with everything as it was delivered. `frame` reads what
was pushed. Selectors: 08 code 0, 10 data 0, 1B code 3, 23 data 3, 28 TSS, 38 and up free for tests.
"""
from __future__ import annotations

import struct

from machines import CODE, code_bytes, flat32, flat64

GDT, IDT, TSS, LDT, HANDLERS, CODE3 = 0x1000, 0x2000, 0x3000, 0x3800, 0x8000, 0x110000
KERNEL_STACK, IST1, STACK3 = 0x50000, 0x58000, 0x1F0000
CODE0_SELECTOR, DATA0, CODE3_SELECTOR, DATA3, TSS_SELECTOR, FREE = 0x08, 0x10, 0x1B, 0x23, 0x28, 0x38

P, S = 0x80, 0x10
DATA, CODE_READ, CONFORMING = 0x12, 0x1A, 0x1E          # with S
CALL16, TASK, INTERRUPT16, TRAP16, TSS16, TSS32, CALL32, INTERRUPT32, TRAP32 = 4, 5, 6, 7, 1, 9, 12, 14, 15
FLAGS32, FLAGS16, FLAGS64 = 0xC, 0x0, 0xA               # G D/B L AVL


def descriptor(kind, dpl=0, base=0, limit=0xFFFFF, flags=FLAGS32, present=True):
    """Eight bytes of a segment descriptor. kind: S and TYPE; limit as it is stored."""
    access = kind | dpl << 5 | (P if present else 0)
    low = limit & 0xFFFF | (base & 0xFFFF) << 16
    high = base >> 16 & 0xFF | access << 8 | (limit & 0xF0000) | flags << 20 | base & 0xFF000000
    return struct.pack("<II", low, high)


def gate(kind, selector, offset, dpl=0, present=True, count=0, wide=False):
    """Eight bytes of a gate, or 16 (wide). count: parameters of a call gate, or the IST."""
    access = kind | dpl << 5 | (P if present else 0)
    low = offset & 0xFFFF | selector << 16
    high = offset & 0xFFFF0000 | access << 8 | count
    return struct.pack("<II", low, high) + (struct.pack("<Q", offset >> 32) if wide else b"")


class Guest:
    """A machine in 32-bit protected mode (bits=32) or long mode (64), its tables set up. `code` runs at ring `ring`."""

    def __init__(self, code, bits=32, ring=0, user="", handlers=range(32), paging=False):
        origin = CODE3 if ring == 3 else CODE
        self.bits, self.wide = bits, bits == 64
        self.machine = (flat64 if self.wide else flat32)(code, origin=origin)
        self.cpu, self.memory = self.machine.cpu, self.machine.memory
        self.machine.no_reboot = True
        self.machine.bus.write(0x21, 0xFF, 1)           # no interrupts but the test's own
        flags = FLAGS64 if self.wide else FLAGS32
        for index, entry in enumerate((bytes(8), descriptor(CODE_READ, flags=flags), descriptor(DATA),
                                       descriptor(CODE_READ, 3, flags=flags), descriptor(DATA, 3),
                                       descriptor(TSS32 | 2, base=TSS, limit=0x67, flags=0), bytes(8))):
            self.memory.write(GDT + 8 * index, entry)
        self.cpu.gdtr, self.cpu.idtr = (GDT, 0xFFF), (IDT, 0xFFF)
        self.cpu.set_segment("tr", TSS_SELECTOR, TSS, 0x67, P | TSS32 | 2)
        self.cpu.set_segment("ldtr", 0, 0, 0, 0)
        if self.wide:
            self.memory.write(TSS + 4, struct.pack("<Q", KERNEL_STACK))
            self.memory.write(TSS + 36, struct.pack("<Q", IST1))
        else:
            self.memory.write(TSS + 4, struct.pack("<II", KERNEL_STACK, DATA0))
        self.memory.write(TSS + 102, struct.pack("<H", 0x68))
        self.memory.write(HANDLERS, b"\xF4" * 0x1000)
        for vector in handlers:
            self.gate(vector, INTERRUPT32)
        if user:
            self.memory.write(CODE3, code_bytes(user, bits, CODE3))
        if ring == 3:
            self.enter_ring3()

    def enter_ring3(self):
        if self.wide:                                   # pages for everybody
            for at in (0x10000, 0x11000, 0x12000, 0x12008):
                self.memory.write_u64(at, self.memory.read_u64(at) | 4)
        self.cpu.set_segment("cs", CODE3_SELECTOR, 0, 0xFFFFFFFF, 0xA0FB if self.wide else 0xC0FB)
        for name in ("ss", "ds", "es"):
            self.cpu.set_segment(name, DATA3, 0, 0xFFFFFFFF, 0xC0F3)
        self.cpu.rsp = STACK3
        self.cpu.flush()

    def entry(self, selector, data):
        """Write a descriptor (bytes) at a selector's place in the GDT."""
        self.memory.write(GDT + (selector & 0xFFF8), data)
        return self

    def gate(self, vector, kind, selector=CODE0_SELECTOR, dpl=0, present=True, offset=None, ist=0):
        """Write a gate of the IDT; it leads to the vector's handler if no offset is given."""
        offset = HANDLERS + 16 * vector if offset is None else offset
        data = gate(kind, selector, offset, dpl, present, ist, self.wide)
        self.memory.write(IDT + len(data) * vector, data)
        return self

    def run(self, limit=10000):
        """Run to the first HLT; returns the machine's Stop."""
        return self.machine.run(max_instructions=limit)

    @property
    def handler(self):
        """The vector whose handler the guest halted in, or None."""
        offset = self.cpu.rip - 1 - HANDLERS
        return offset // 16 if 0 <= offset < 0x1000 and self.cpu.halted else None

    def frame(self, count, size=None):
        """The topmost `count` values on the stack, each of `size` bytes."""
        size = size or (8 if self.wide else 4)
        base = 0 if self.wide else self.cpu.segment("ss").base
        data = self.memory.read(base + self.cpu.rsp, count * size)
        return [int.from_bytes(data[size * i:size * i + size], "little") for i in range(count)]

    def faults(self):
        """[(vector, error code or None)] of the exceptions so far, oldest first; the last may be the one that shut down."""
        return [(event.vector, event.error) for event in self.cpu.events if event.kind in ("fault", "double", "triple")]
