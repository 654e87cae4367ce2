"""The same cases on this emulator, in a machine that looks to a user program as Linux makes it look."""
from __future__ import annotations

import struct

import vectors
from vectors import NO_EXECUTE, PATTERN, PRESENT, WRITABLE

from x86 import _decode

from .host import FS_BASE, GS_BASE, HUNG, SELECTORS, VISIBLE, Outcome, visible

KERNEL = 0xFFFFFE0000001000                             # linear address of the page with GDT and TSS
LINUX_FROM = 0x7FFFFFFFF000                             # no program can have a page from here on
GDT, TSS = 0x300, 0x400                                 # in that page
DESCRIPTORS = {1: 0xCF9B, 2: 0xAF9B, 3: 0xCF93, 4: 0xCFFB, 5: 0xCFF3, 6: 0xAFFB, 8: 0x008B, 15: 0x40F5}     # bits 55 to 40
MOST_STEPS = 100_000
GENERAL = struct.Struct("<16Q")
SEGMENT = struct.Struct("<QIHH")                        # base, limit, selector, access
NAMES = ("cs", "ss", "ds", "es", "fs", "gs")


class Emulated(vectors.Bench):
    """Runs cases. The state that a case finds is the same to the last bit as in runner.c."""

    def __init__(self):
        super().__init__()
        self.map(KERNEL, 0x301000 | PRESENT | WRITABLE | NO_EXECUTE)
        for index, access in DESCRIPTORS.items():
            limit = 0 if index == 15 else 0xFFFF        # Linux keeps the number of the processor in the last one
            descriptor = limit | (access & 0xFF) << 40 | (access & 0xFF00) << 40
            self.memory.write_u64(0x301000 + GDT + index * 8, descriptor)
        self.memory.write(0x301000 + TSS + 0x66, b"\xFF\xFF")           # no I/O permission map
        self.cpu.cr4, self.cpu.efer = 0x50E20, 0xD01
        self.cpu.xcr0 = 7
        self.cpu.gdtr = KERNEL + GDT, 0x7F
        self.cpu.set_segment("tr", 0x40, KERNEL + TSS, 0x67, 0x8B)
        self.cpu.set_segment("ldtr", 0, 0, 0, 0)
        self.memory.write(0x100000, b"\xCC" * 0x1000)
        self.memory.write(0x200000, PATTERN)
        self.memory.write(0x300000, PATTERN[:0x1000])
        self.loaded = None                              # 64 or 32, and the segment registers as such a case finds them

    def run(self, case, alone=False):
        """The Outcome of one case: in blocks of instructions, or each instruction alone."""
        cpu, memory = self.cpu, self.memory
        offset = case.rip & 0xFFF
        code = case.code[:0x1000 - offset]
        memory.write(0x100000 + offset, code)
        for address, data in case.memory:
            self.write(address, data)
        self.load_segments(case.bits)
        if case.extended:
            self.load_extended(case.extended)
        cpu.general = GENERAL.pack(*case.gpr)
        cpu.rip = case.rip
        cpu.rflags = case.flags
        first = cpu.event_count
        if alone:
            steps = MOST_STEPS
            while steps and cpu.event_count == first:
                cpu.run(1)
                steps -= 1
        else:
            cpu.run(MOST_STEPS)
        outcome = self.outcome(cpu.event(first))
        if case.extended:
            outcome.extended = self.extended(len(case.extended))
        memory.write(0x100000 + offset, b"\xCC" * len(code))
        if outcome.memory != WRITABLE_PAGES:
            memory.write(0x200000, PATTERN)
            memory.write(0x300000, PATTERN[:0x1000])
        return outcome

    def write(self, address, data):
        """Bytes at a linear address, over the ends of pages."""
        while data:
            room = 0x1000 - (address & 0xFFF)
            self.memory.write(self.physical(address), data[:room])
            address, data = address + room, data[room:]

    def load_extended(self, area):
        """x87, MXCSR and vectors as in runner.c; the upper halves are 0 where the area has none."""
        cpu, upper = self.cpu, area[576:] or bytes(256)
        cpu.fxsave = area[:512]
        cpu.vectors = b"".join(area[160 + at:176 + at] + upper[at:at + 16] for at in range(0, 256, 16))

    def extended(self, length):
        vectors = self.cpu.vectors if length > 512 else b""
        return visible(self.cpu.fxsave) + b"".join(vectors[at:at + 16] for at in range(16, len(vectors), 32))

    def load_segments(self, bits):
        if self.loaded == (bits, self.cpu.segments):
            return
        cpu = self.cpu
        for name, selector in zip(NAMES, SELECTORS[bits]):
            base = {"fs": FS_BASE, "gs": GS_BASE}.get(name, 0) if bits == 64 else 0
            if name == "cs":
                cpu.set_segment(name, selector, 0, 0xFFFFFFFF, 0xA0FB if bits == 64 else 0xC0FB)
            elif selector:
                cpu.set_segment(name, selector, base, 0xFFFFFFFF, 0xC0F3)
            else:
                cpu.set_segment(name, 0, base, 0, 0)
        self.loaded = bits, cpu.segments

    def segments(self):
        """As in Outcome."""
        es, cs, ss, ds, fs, gs = SEGMENT.iter_unpack(self.cpu.segments)
        return cs[2], ss[2], ds[2], es[2], fs[2], gs[2], fs[0], gs[0]

    def outcome(self, event):
        cpu = self.cpu
        memory = self.memory.read(0x200000, 0x2000) + self.memory.read(0x300000, 0x1000)
        if event is None:
            vector, error, cr2, rip = HUNG, None, None, cpu.rip
        else:
            vector, error, cr2, rip = event.vector, event.error, event.address if event.vector == 14 else None, event.rip
            if vector == 13 and error & 2:              # there is no IDT
                vector, error, rip = self.software_interrupt(error, rip)
            elif vector == 14 and cr2 >= LINUX_FROM:
                error |= 1                              # Linux says of every address of its own that there is a page
        return Outcome(vector, error, cr2, rip, cpu.rflags & VISIBLE, cpu.general, self.segments(), memory)

    def software_interrupt(self, error, rip):
        """(vector, error, rip) of an INT whose gate is not there: Linux has gates of DPL 3 for 3 and 4, INT1 needs none."""
        number = error >> 3
        if number not in (3, 4) and not (number == 1 and error & 1):
            return 13, error, rip
        code = self.memory.read(self.physical(rip), min(15, 0x1000 - (rip & 0xFFF)))
        if code[0] != 0xCC:
            rip += _decode.decode(code, rip, self.cpu.code_bits).length - (number == 3)
        return number, None, rip


WRITABLE_PAGES = PATTERN[:0x2000] + PATTERN[:0x1000]
