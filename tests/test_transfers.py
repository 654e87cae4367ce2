"""Segment loads and far transfers against the readable model of x86/segmentation.py and x86/transfers.py.

Random descriptor tables, any mode and ring; the model says what one instruction leads to, the exceptions and their delivery
included, and the processor must do the same to the last bit. Task switches are checked up to the switch: tests of their own
say what a switch does.
"""
from __future__ import annotations

import struct

import pytest
from hypothesis import assume, event, given, settings
from vectors import Board

from x86 import segmentation, transfers
from x86._memory import Memory
from x86._processor import Processor
from x86.testing.transfers import GDT, LDT_BASE, MODES, NOP, SPAN, scenes

EXAMPLES = max(40, -(-settings.default.max_examples // len(MODES)))    # of each mode; the profiles are in conftest.py
PAGES = 0x100000                        # the page tables lie in the middle, where nothing leads to
RIGHTS, LARGE = 0x67, 0x80              # P RW US A D, and PS
SEGMENTS = ("es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr")
SELECTOR_FAULTS = (10, 11, 12, 13)


def page_tables():
    """Four levels with pages of 2 MB, and at 3000h two levels with pages of 4 KB: every address to the first 2 MB."""
    wide = [[PAGES + 0x1000 | RIGHTS] * 512, [PAGES + 0x2000 | RIGHTS] * 512, [RIGHTS | LARGE] * 512]
    narrow = [[PAGES + 0x4000 | RIGHTS] * 1024, [0x1000 * (page % 512) | RIGHTS for page in range(1024)]]
    return b"".join(struct.pack("<512Q", *table) for table in wide) + b"".join(struct.pack("<1024I", *table) for table in narrow)


class Bench:
    """A processor whose linear addresses all lead to the same 2 MB."""

    def __init__(self):
        self.memory = Memory(SPAN)
        self.cpu = Processor(Board(), self.memory)
        self.cpu.set_a20(True)
        self.tables = page_tables()

    def prepare(self, scene):
        cpu, state = self.cpu, scene.state
        self.protected = state.protected        # in real mode nobody sees an error code
        self.memory.write(0, state.memory.image)
        self.memory.write(PAGES, self.tables)
        cpu.reset()
        cpu.sleep_until(cpu.time + 1000)        # faults without an instruction between them are counted
        if state.protected:
            cpu.cr4 = 0x20 if state.ia32e else 0
            cpu.cr3 = PAGES if state.ia32e else PAGES + 0x3000
            cpu.efer = 0x500 if state.ia32e else 0
            cpu.cr0 = 0x80000011
        for name in ("cs", "ss", "es", "ds", "fs", "gs", "ldtr", "tr"):
            cpu.set_segment(name, *(getattr(state.segments[name], part) for part in ("selector", "base", "limit", "access")))
        for name, value in state.registers.items():
            setattr(cpu, name, value)
        cpu.gdtr, cpu.idtr = state.gdtr, state.idtr
        self.count = cpu.event_count
        assert (cpu.cpl, cpu.code_bits) == (state.cpl, state.bits)

    def faults(self):
        """[(vector, error code or None)] since `prepare`, transfers.SHUTDOWN for the end."""
        found = self.cpu.events[-(self.cpu.event_count - self.count):] if self.cpu.event_count > self.count else []
        return [(transfers.SHUTDOWN, None) if one.kind == "triple" else (one.vector, one.error if self.protected else None)
                for one in found if one.kind in ("fault", "double", "triple")]


    def differs(self, outcome):
        """The first address where memory is not as predicted, or None."""
        found, image = self.memory.read(0, SPAN), bytearray(outcome.state.memory.image)
        image[PAGES:PAGES + len(self.tables)] = self.tables
        for address in outcome.uncertain:
            image[address] = found[address]
        if outcome.raised:                                      # a load that fails may have set Accessed
            for table in (GDT, LDT_BASE):
                for address in range(table + 5, table + 0x100, 8):
                    image[address] |= found[address] & 1
        return None if found == image else next(at for at in range(SPAN) if found[at] != image[at])


def view(segment):
    """What counts of a segment register: of a null one only that it cannot be used, and the base, for 64-bit code."""
    return (segment.selector, segment.base) if segment.selector & 0xFFFC == 0 else \
        (segment.selector, segment.base, segment.limit, segment.access)


def found(bench):
    cpu = bench.cpu
    result = {name: view(cpu.segment(name)) for name in SEGMENTS}
    result |= {name: getattr(cpu, name) for name in ("rax", "rbx", "rsp", "rflags", "rip", "cpl", "code_bits")}
    return result | {"faults": bench.faults()}


def predicted(scene):
    outcome = transfers.step(scene.state, scene.execute)
    after, raised = outcome.state, outcome.raised
    if not after.protected:                                     # nobody sees an error code there
        raised = [(vector, None) for vector, _ in raised]
    result = {name: view(after.segments[name]) for name in SEGMENTS}
    result |= after.registers | {"cpl": after.cpl, "code_bits": after.bits, "faults": raised}
    if raised and raised[-1][0] != transfers.SHUTDOWN:          # the handler's first instruction has been run, too
        place = after.registers["rip"] + (after.segments["cs"].base if after.bits != 64 else 0)
        assume(after.memory.read(place, 1) == NOP)
        result["rip"] = result["rip"] + 1 & ((1 << 64) - 1 if after.bits == 64 else 0xFFFFFFFF)
    return outcome, result


@pytest.fixture(scope="module")
def bench():
    return Bench()


@pytest.mark.parametrize("mode", MODES)
def test_as_the_model_says(mode, bench):
    @settings(max_examples=EXAMPLES)
    @given(scenes((mode,)))
    def check(scene):
        one = scene.instruction
        bench.prepare(scene)
        try:
            outcome, expected = predicted(scene)
        except segmentation.Unspecified as why:
            event(f"unspecified: {why}")
            bench.cpu.run(1)
            return
        except segmentation.TaskSwitch as switch:
            event("task switch")
            bench.cpu.run(1)
            assert bench.cpu.tr == switch.selector or bench.faults()[0][0] in SELECTOR_FAULTS
            return
        bench.cpu.run(1)
        result = found(bench)
        if one.name == "lar" and not expected["faults"]:
            result["rax"] &= ~segmentation.LAR_UNDEFINED
            expected["rax"] &= ~segmentation.LAR_UNDEFINED
        event(f"{one.name}: {expected['faults'][0] if expected['faults'] else 'done'}")
        assert result == expected, scene
        assert bench.differs(outcome) is None, scene
    check()
