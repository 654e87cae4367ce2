"""Every opcode of an 80286 in real mode, against what one did: 39,000 cases, each an instruction and the HLT behind it.

A case has registers and memory before and what changed after, exceptions delivered through the vector table included.
All registers, all flags and all memory that a case names are compared, and no other memory may have changed. An
x86-64 is not a 286; where it must differ there is a rule: which cases, why, and what is expected of them instead.

    PYTHONPATH=. python tests/test_real_mode_vectors.py     says how many cases each rule excuses
"""
from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pytest

from x86 import _decode
from x86._memory import Memory
from x86._processor import Processor
from x86.bus import Bus

NAME = "80286-real-mode.jsonl.gz"
DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "real-mode-vectors" / NAME
WORDS = "ax bx cx dx si di bp sp".split()
SEGMENTS = "cs ds es ss".split()
PREFIXES = (0x26, 0x2E, 0x36, 0x3E, 0xF0, 0xF2, 0xF3)
CF, PF, AF, ZF, SF, OF = 1, 4, 0x10, 0x40, 0x80, 0x800
ALL = CF | PF | AF | ZF | SF | OF
REACH = 0x10FFF0                        # bytes that FFFF:FFFF and below reach
SOON = 70_000                           # instructions: REP with CX = FFFF has ended
UD, SS, GP = 6, 12, 13


class Case:
    """One line of the file."""

    def __init__(self, line):
        case = json.loads(line)
        self.file, self.name, self.before = case["file"], case["name"], case["regs"]
        self.code = bytes.fromhex(case["bytes"])[:-1]           # without the HLT
        self.after = self.before | case["final_regs"]
        self.memory = dict(case["ram"])
        self.memory_after = self.memory | dict(case["final_ram"])

    @cached_property
    def prefixes(self):
        return self.code[:next(at for at, byte in enumerate(self.code) if byte not in PREFIXES)]

    @property
    def opcode(self):
        return self.code[len(self.prefixes)]

    @property
    def digit(self):
        """ModRM.reg: the member of a group, or a register."""
        return self.code[len(self.prefixes) + 1] >> 3 & 7

    @property
    def count(self):
        """By how many a shift or rotate goes."""
        return self.code[-1] & 31 if self.opcode < 0xD0 else 1 if self.opcode < 0xD2 else self.before["cx"] & 31

    @property
    def vectored(self):
        """Whether an exception was delivered: its entry in the vector table is among the memory."""
        return self.after["cs"] != self.before["cs"] and any(4 * vector in self.memory for vector in range(0x20))


@dataclass
class Expected:
    """How much of a case has to come out as it was captured."""

    flags: int = 0xFFFF                                         # the bits
    registers: set[str] = field(default_factory=lambda: {*WORDS, *SEGMENTS})
    memory: dict[int, int] = field(default_factory=dict)        # {address: byte} that is there too
    event: int | None = None                                    # instead of all that: the vector of a fault, or -1 for none


# ---- the rules ----------------------------------------------------------------------------------------------------------

@dataclass
class Rule:
    """Where an x86-64 is no 286."""

    reason: str
    applies: Callable[[Case], bool]
    change: Callable[[Case, Expected], None]


def undefined(which, flags, opcodes, *digits, also=lambda case: True):
    """Flags that the manual leaves undefined; a fault leaves them alone, but #DE."""
    def applies(case):
        return case.opcode in opcodes and (not digits or case.digit in digits) and also(case) and \
            (not case.vectored or flags == ALL)

    def change(_, expected):
        expected.flags &= ~flags
    return Rule(f"undefined flags of {which}", applies, change)


def illegal_lock(case):
    """LOCK, where it needs a row that allows it and a memory operand."""
    if 0xF0 not in case.prefixes:
        return False
    form = _decode.decode(case.code.replace(b"\xF0", b""), 0, 16).form
    return form is not None and (not form.lock or case.code[len(case.prefixes) + 1] >= 0xC0)


def stack_word_at_the_end(case):
    """INT 13 for an operand of a word at FFFF, or POPA's, in SS."""
    if not case.vectored or 4 * GP not in case.memory:
        return False
    decoded = _decode.decode(case.code, 0, 16)
    return decoded.form is not None and (decoded.form.mnemonic in ("popa", "leave") or decoded.segment == 2)


def fault(vector):
    def change(_, expected):
        expected.event = vector
    return change


def the_same_handler(case, expected):
    """Vector 12 leads where 13 does; all the rest has to agree."""
    expected.memory.update({4 * SS + at: case.memory[4 * GP + at] for at in range(4)})


def not_compared(*registers):
    def change(_, expected):
        expected.registers -= set(registers)
    return change


def popped_flags(_, expected):
    expected.flags &= 0x8FFF


RULES = [
    undefined("AAA and AAS", OF | SF | ZF | PF, (0x37, 0x3F)),
    undefined("AAD", OF | AF | CF, (0xD5,)),
    undefined("MUL and IMUL", SF | ZF | AF | PF, (0xF6, 0xF7), 4, 5),
    undefined("IMUL by an immediate", SF | ZF | AF | PF, (0x69, 0x6B)),
    undefined("DIV and IDIV", ALL, (0xF6, 0xF7), 6, 7),
    undefined("shifts: AF", AF, (0xC0, 0xC1, 0xD0, 0xD1, 0xD2, 0xD3), 4, 5, 6, 7, also=lambda case: case.count > 0),
    undefined("DAA and DAS: OF", OF, (0x27, 0x2F)),
    undefined("shifts and rotates: OF if not by 1", OF, (0xC0, 0xC1, 0xD2, 0xD3), also=lambda case: case.count > 1),
    Rule("POPF and IRET can set bits 12-14 of FLAGS; on a 286 they are 0 in real mode",
         lambda case: case.opcode in (0x9D, 0xCF), popped_flags),
    Rule("LOCK is #UD where it makes no sense; a 286 takes it with everything", illegal_lock, fault(UD)),
    Rule("an instruction may have 15 bytes; on a 286 the eleventh is INT 13", lambda case: len(case.code) > 10, fault(-1)),
    Rule("there are FS and GS; on a 286 they are #UD",
         lambda case: case.opcode in (0x8C, 0x8E) and case.digit in (4, 5), fault(-1)),
    Rule("what does not fit into SS is INT 12; on a 286 it is INT 13", stack_word_at_the_end, the_same_handler),
    Rule("a faulting string instruction is as if it had not begun; on a 286 SI, DI and CX have moved on",
         lambda case: case.vectored and case.opcode in (0x6D, 0x6F, 0xA5, 0xA7, 0xAB, 0xAD, 0xAF),
         not_compared("si", "di", "cx")),
]


# ---- replaying ----------------------------------------------------------------------------------------------------------

class Board:
    def __init__(self):
        self.bus = Bus()
        self.devices = {}


class Bench:
    """The machine of the cases: 2 MB, A20 open, nothing on the bus."""

    def __init__(self):
        self.memory = Memory(2 << 20)
        self.cpu = Processor(Board(), self.memory)
        self.cpu.set_a20(True)
        self.cpu.idtr = (0, 0x3FF)

    def prepare(self, case, memory):
        cpu = self.cpu
        for address, byte in (case.memory | memory).items():
            self.memory.write_u8(address, byte)
        for name in WORDS:
            setattr(cpu, name, case.before[name])
        for name in SEGMENTS:
            setattr(cpu, name, case.before[name])
        cpu.rip = case.before["ip"]
        cpu.rflags = case.before["flags"] & 0x0FFF              # a 286 has no more in real mode
        cpu.halted = False
        cpu.fcw = 0x37F                                         # no 287 was there that could have interrupted

    def replay(self, case, rules=RULES):
        """Run a case under the rules that apply. Returns [(what, found, expected)], empty if all is well."""
        expected = Expected()
        for rule in rules:
            if rule.applies(case):
                rule.change(case, expected)
        self.prepare(case, expected.memory)
        differences = self.event(expected.event) if expected.event is not None else self.outcome(case, expected)
        if differences or expected.event is not None:
            self.clear()
        else:
            for address in (*case.memory_after, *expected.memory):
                self.memory.write_u8(address, 0)
        return differences

    def event(self, vector):
        """Run one instruction, which should fault with this vector, or -1: not at all."""
        count = self.cpu.event_count
        self.cpu.run(1)
        found = self.cpu.events[-1].vector if self.cpu.event_count > count else -1
        return [("vector", found, vector)] if found != vector else []

    def outcome(self, case, expected):
        cpu, memory = self.cpu, self.memory
        why = cpu.run(SOON)
        pairs = [("stop", why, "halt"), ("ip", cpu.ip, case.after["ip"])]
        pairs += [(name, getattr(cpu, name), case.after[name]) for name in (*WORDS, *SEGMENTS) if name in expected.registers]
        flags, pushed = expected.flags, None
        pairs.append(("flags", cpu.rflags & flags, case.after["flags"] & 0x0FFF & flags))
        if case.vectored:                                       # what is undefined in FLAGS is so on the stack
            pushed = case.after["ss"] * 16 + case.after["sp"] + 4
        for address, byte in case.memory_after.items():
            mask = 0xFF if pushed is None or address - pushed not in (0, 1) else flags >> 8 * (address - pushed) & 0xFF
            pairs.append((f"[{address:#x}]", memory.read_u8(address) & mask, byte & mask))
        return [(what, found, wanted) for what, found, wanted in pairs if found != wanted]

    def clear(self):
        self.memory.write(0, bytes(REACH))

    def untouched(self):
        """Whether all memory is 0, as it has to be between two cases."""
        return self.memory.read(0, REACH) == bytes(REACH)


def load():
    """{file: its cases}"""
    files = defaultdict(list)
    if DATA.exists():
        with gzip.open(DATA, "rt") as lines:
            for case in map(Case, lines):
                files[case.file].append(case)
    return files


FILES = load()
pytestmark = pytest.mark.skipif(not FILES, reason=f"needs {NAME}")


@pytest.fixture(scope="module")
def bench():
    return Bench()


def test_all_cases_are_there():
    assert len(FILES) == 325 and {len(cases) for cases in FILES.values()} == {120}


@pytest.mark.parametrize("file", FILES)
def test_opcode(file, bench):
    for case in FILES[file]:
        assert not bench.replay(case), f"{case.code.hex(' ')}: {case.name}"
    assert bench.untouched(), "wrote where no case has memory"


def excused(bench, rule):
    """The cases that are not as captured without this rule."""
    others = [other for other in RULES if other is not rule]
    return (case for cases in FILES.values() for case in cases if rule.applies(case) and bench.replay(case, others))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.reason)
def test_a_rule_excuses_something(rule, bench):
    assert next(excused(bench, rule), None)


if __name__ == "__main__":
    for one in RULES:
        print(f"{sum(1 for case in excused(Bench(), one)):5}  {one.reason}")
