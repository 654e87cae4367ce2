"""What one processor did with x86-64 user-mode instructions, as cases to replay: the state before, the state after.

A case is a JSON object a line, numbers in strings are hexadecimal:
    id, form, asm       for people
    code, rip           the bytes, and where they lie (100400 if missing)
    before, after       registers (rax ... r15, rip, flags; tests/vectors_extended.py has the others), mem: [address, bytes];
                        `after` has what changed
    steps               instructions to execute, one that faults counted (1 if missing); REP with all iterations is one
    fault               vector, error, cr2
    undefined           flags that the manual leaves undefined
    vendor              why another make of processor may do otherwise
    ignore              [address, length]: bytes of a stored x87 image that are not compared
The machine: 64-bit code at privilege 3, alignment checks possible (CR0.AM), and these pages:
    100000        1     read, execute          INT3, and the code
    200000        2     read, write            the pattern, then before.mem
    202000        1     read only              the pattern
    123456789000  1     read, write            the pattern, then before.mem
Captured on an AMD EPYC of family 25, every case three times.

    PYTHONPATH=. python tests/vectors.py FILE [words of a form]      replays cases and says which differ
"""
from __future__ import annotations

import dataclasses
import gzip
import json
import re
import sys
from collections import Counter

import vectors_extended

from x86._memory import Memory
from x86._processor import Processor
from x86.models import MODELS
from x86.bus import Bus

GENERAL = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split()
FLAGS = 0x240DD5 | 1 << 9               # what a program at privilege 3 sees and the cases record: ID AC NT OF DF IF ...
PAGES = {0x100000: 0x100000, 0x200000: 0x200000, 0x201000: 0x201000, 0x202000: 0x202000, 0x123456789000: 0x300000}
NO_EXECUTE, PRESENT, WRITABLE, USER = 1 << 63, 1, 2, 4
TABLES = 0x10000
STRING_OPCODES = (0xA4, 0xA5, 0xA6, 0xA7, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF)
PATTERN = bytes((o * 167 + (o >> 8) * 29 + 89) & 255 for o in range(0x3000))

# Instructions of several accesses, one of which faults: whether it does, and no more, is compared
OF_SEVERAL = {"access-order", "gather-order", "masked-access"}

# Linear addresses have 48 bits on the processors that were asked
MODEL = dataclasses.replace(MODELS["max"], features=MODELS["max"].features - {"LA57"})


class Board:
    def __init__(self):
        self.bus = Bus()
        self.devices = {}


class Bench:
    """The machine of the cases. Replaying one resets all that it could have changed."""

    def __init__(self):
        self.memory = Memory(4 << 20)
        self.cpu = Processor(Board(), self.memory, MODEL)
        self.used = TABLES + 0x1000
        for linear, physical in PAGES.items():
            rights = PRESENT | USER if linear in (0x100000, 0x202000) else PRESENT | USER | WRITABLE
            self.map(linear, physical | rights | (NO_EXECUTE if linear != 0x100000 else 0))
        cpu = self.cpu
        cpu.cr4, cpu.cr3, cpu.efer = 0x50620, TABLES, 0xD00
        cpu.xcr0 = 7
        cpu.cr0 = 0x80050033
        cpu.set_a20(True)
        cpu.idtr = (0, 0)

    def map(self, linear, entry):
        """Enter one 4 KB page into the page tables."""
        table = TABLES
        for level in (39, 30, 21):
            at = table + (linear >> level & 511) * 8
            if not self.memory.read_u64(at):
                self.memory.write_u64(at, self.used | PRESENT | USER | WRITABLE)
                self.used += 0x1000
            table = self.memory.read_u64(at) & ~0xFFF
        self.memory.write_u64(table + (linear >> 12 & 511) * 8, entry)

    def physical(self, linear):
        return PAGES[linear & ~0xFFF] + (linear & 0xFFF)

    def store(self, runs):
        for address, data in runs:
            linear = int(address, 16)
            for offset, byte in enumerate(bytes.fromhex(data)):
                self.memory.write_u8(self.physical(linear + offset), byte)

    def prepare(self, case):
        cpu, memory, before = self.cpu, self.memory, case["before"]
        rip = int(case.get("rip", "100400"), 16)
        memory.write(0x100000, b"\xCC" * 0x1000)
        code = bytes.fromhex(case["code"])[:0x101000 - rip]
        memory.write(rip, code)
        memory.write(0x200000, PATTERN)
        memory.write(0x300000, PATTERN[:0x1000])
        self.store(before.get("mem", ()))
        cpu.sleep_until(cpu.time + 1000)                # so that this case's events can be told by their time
        self.start = cpu.time
        cpu.set_segment("cs", 0x33, 0, 0xFFFFFFFF, 0xA0FB)
        cpu.set_segment("ss", 0x2B, 0, 0xFFFFFFFF, 0xC0F3)
        for name, base in (("ds", 0), ("es", 0), ("fs", 0x200400), ("gs", 0x200C00)):
            cpu.set_segment(name, 0, base, 0, 0)
        for number, name in enumerate(GENERAL):
            setattr(cpu, name, int(before.get(name, "200f00" if name == "rsp" else f"a{number:x}" * 8), 16))
        cpu.rflags = int(before.get("flags", "202"), 16)
        cpu.rip = rip
        vectors_extended.load(cpu, before)

    def replay(self, case, alone=True):
        """Run one case: its instructions one by one, or in a block if that can be told from what lies behind them.
        Returns a list of differences: (what, found, expected), empty if all is as it was captured."""
        self.prepare(case)
        alone = alone or not self.stops(case)
        cpu, before, after = self.cpu, case["before"], case["after"]
        event = self.step(case) if alone else self.run(case)
        differences = []

        def compare(what, found, expected):
            if found != expected:
                differences.append((what, hex(found) if isinstance(found, int) else found,
                                    hex(expected) if isinstance(expected, int) else expected))

        fault = case.get("fault")
        expected = None if fault is None else (fault["vector"], fault.get("error"))
        vendor = set(case.get("vendor", ()))
        if vendor & OF_SEVERAL:
            compare("fault", event and event.vector, expected and expected[0])
            return differences
        if "sha-alignment" in vendor:
            compare("fault", event and (event.vector, event.error), (13, 0))
            return differences
        compare("fault", event and (event.vector, event.error), expected)
        if fault and "cr2" in fault and event:
            compare("cr2", event.address, int(fault["cr2"], 16))
        compare("rip", self.rip, int(after["rip"], 16))
        for number, name in enumerate(GENERAL):
            old = before.get(name, "200f00" if name == "rsp" else f"a{number:x}" * 8)
            compare(name, getattr(cpu, name), int(after.get(name, old), 16))
        flags = int(after.get("flags", before.get("flags", "202")), 16)
        mask = FLAGS & ~int(case.get("undefined", "0"), 16)
        compare("flags", cpu.rflags & mask, flags & mask)
        found = self.memory.read(0x200000, 0x3000) + self.memory.read(0x300000, 0x1000)
        memory = bytearray(PATTERN + PATTERN[:0x1000])
        for address, data in (*before.get("mem", ()), *after.get("mem", ())):
            for offset, byte in enumerate(bytes.fromhex(data)):
                at = self.physical(int(address, 16) + offset)
                memory[at - 0x200000 if at < 0x300000 else at - 0x300000 + 0x3000] = byte
        for address, length in case.get("ignore", ()):
            for linear in range(int(address, 16), int(address, 16) + length):
                if linear & ~0xFFF in PAGES and linear >= 0x200000:
                    at = self.physical(linear)
                    at -= 0x200000 if at < 0x300000 else 0x300000 - 0x3000
                    memory[at] = found[at]
        if found != memory:
            at = next(i for i in range(len(found)) if found[i] != memory[i])
            compare(f"memory at pattern+{at:#x}", found[at:at + 16].hex(), memory[at:at + 16].hex())
        return differences + vectors_extended.differences(cpu, case)

    def event(self):
        """The first fault of this case, or None."""
        return next((event for event in self.cpu.events if event.kind == "fault" and event.time >= self.start), None)

    def step(self, case):
        """The case's instructions one by one, as the single-stepped runs did."""
        cpu = self.cpu
        for _ in range(case.get("steps", 1)):
            rip = cpu.rip
            repeats = repeated(self.memory.read(self.physical(rip), 15 if rip & 0xFFF < 0xFF0 else 1)) \
                if rip & ~0xFFF in PAGES else False
            cpu.run(1)
            while repeats and cpu.rip == rip and self.event() is None:
                cpu.run(1)
            self.rip = cpu.rip
            if event := self.event():
                self.rip = event.rip
                return event
        return None

    def stops(self, case):
        """Whether a free run ends where the case does: at an INT3, at a page that is not there, or in a fault."""
        rip = int(case["after"]["rip"], 16)
        return "fault" in case or rip & ~0xFFF != 0x100000 or self.memory.read_u8(rip) == 0xCC

    def run(self, case):
        """The case's instructions in blocks, up to the INT3 behind them."""
        cpu = self.cpu
        cpu.run(100_000)
        event = self.event()
        if event is None:
            self.rip = cpu.rip
            return None
        self.rip = event.rip
        behind = int(case["after"]["rip"], 16)
        if "fault" not in case and event.rip in (behind, behind + 1):
            self.rip = behind
            return None
        return event


def repeated(code):
    """Whether these bytes begin with a REP prefix and a string instruction."""
    prefixes = re.match(rb"[\x66\x67\xf2\xf3\x26\x2e\x36\x3e\x64\x65\x40-\x4f]*", code)[0]
    return bool(re.search(rb"[\xf2\xf3]", prefixes)) and \
        code[len(prefixes):len(prefixes) + 1] in (bytes([opcode]) for opcode in STRING_OPCODES)


def load(path, wanted=lambda case: True):
    with gzip.open(path, "rt") as file:
        return [case for case in map(json.loads, file) if wanted(case)]


def main(path, *words):
    bench = Bench()
    total, wrong = Counter(), Counter()
    for case in load(path, lambda case: not words or case["form"].startswith(" ".join(words))):
        for alone in (True, False):
            differences = bench.replay(case, alone)
            total[case["form"]] += 1
            if differences:
                wrong[case["form"]] += 1
                if wrong[case["form"]] <= 3:
                    print(case["id"], case["form"], case["code"], case["asm"], case.get("vendor", ""),
                          "" if alone else "(in a block)", *differences, sep="  ")
    print(f"{sum(total.values()) - sum(wrong.values())} of {sum(total.values())} replays as captured")
    for form, count in wrong.most_common():
        print(f"{count:6} of {total[form]:4}  {form}")


if __name__ == "__main__":
    main(*sys.argv[1:])
