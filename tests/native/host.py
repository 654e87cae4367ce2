"""Pieces of code on the processor underneath: compiles runner.c and hands it cases in a shared file.

    with Host() as host:
        outcomes = host.run([Case(bytes.fromhex("4801c8"), gpr=[1, 2] + [0] * 14)])

The pages that a case sees (the same as in tests/vectors.py):
    100000        1     read, execute          INT3, and the code at Case.rip
    200000        2     read, write            the pattern, then Case.memory
    202000        1     read only              the pattern
    123456789000  1     read, write            the pattern, then Case.memory
A case ends in a fault or at an INT3. The file has a page for control, one that is the code, four of pattern, the cases, and
an arena for what has no fixed length; runner.c declares them.
"""
from __future__ import annotations

import functools
import hashlib
import mmap
import os
import platform
import select
import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from vectors import PATTERN

SOURCE = Path(__file__).with_name("runner.c")
BUILD = Path(__file__).resolve().parents[2] / "build" / "native"
FLAGS = ("-O2", "-mfsgsbase", "-mno-red-zone", "-fno-stack-protector", "-fcf-protection=none", "-Wl,-z,now")
START, CODE_BYTES = 0x100400, 64                         # where code usually lies, the most that a case may have
FS_BASE, GS_BASE = 0x200400, 0x200C00
HUNG, KILLED = 0xFF, 0xFE                               # in place of a vector
WITH_ERROR = (8, 10, 11, 12, 13, 14, 17, 21)            # vectors that push an error code
SELECTORS = {64: (0x33, 0x2B, 0, 0, 0, 0), 32: (0x23, 0x2B, 0x2B, 0x2B, 0x2B, 0)}      # cs ss ds es fs gs
VISIBLE = 0x244FD5                                      # ID AC NT OF DF TF SF ZF AF PF CF
FILE_HEADER = struct.Struct("<6I")
STATE = struct.Struct("<16Q4Q6H4x")
ITEM = struct.Struct(f"<{STATE.size}s{STATE.size}sIIQ8I64s")
AFTER = struct.Struct("<128s4Q6H4xIIQ12x3I")
PAGE, CASES_AT = 4096, 6 * 4096
MOST, ARENA = 2048, 8 << 20                             # cases in one go, bytes of the arena
PATIENCE = 60                                           # seconds that so many cases may take
WRITABLE = PATTERN[:0x2000] + PATTERN[:0x1000]          # what the three writable pages hold before a case


class Missing(Exception):
    """Why there is no native processor to ask."""


@dataclass(slots=True)
class Case:
    """A piece of code and the state it starts from."""

    code: bytes
    gpr: list                                           # rax rcx rdx ... r15, encoding order
    flags: int = 0x202
    memory: list = field(default_factory=list)          # [(address, bytes)]
    rip: int = START
    bits: int = 64                                      # 64 or 32
    extended: bytes = b""                               # an XSAVE area to begin with, of 832 bytes, or of 512 where the host
    #                                                     has no AVX; empty: nobody looks


@dataclass(slots=True)
class Outcome:
    """What a processor did. Two outcomes are equal if it did the same."""

    vector: int                                         # of the exception that ended it: 3 for the INT3 behind
    error: int | None
    cr2: int | None
    rip: int                                            # of the instruction that faulted; after an INT3 the address of it
    flags: int
    gpr: bytes                                          # 16 registers of 8 bytes
    segments: tuple                                     # cs ss ds es fs gs, base of fs, base of gs
    memory: bytes                                       # the writable pages, one after the other
    extended: bytes = b""


@functools.cache
def runner():
    """The compiled runner.c. Raises Missing where there is nothing to compile it with or to run it on."""
    if platform.machine() != "x86_64" or sys.platform != "linux":
        raise Missing("an x86-64 Linux host")
    if "GenuineIntel" not in Path("/proc/cpuinfo").read_text():
        raise Missing("a processor of Intel's: undefined flags are others elsewhere")
    compiler = shutil.which("gcc")
    if compiler is None:
        raise Missing("gcc")
    name = hashlib.sha256(SOURCE.read_bytes() + repr(FLAGS).encode()).hexdigest()[:16]
    path = BUILD / f"runner-{name}"
    if not path.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        mine = path.with_suffix(f".{os.getpid()}")      # several processes may be at it
        subprocess.run([compiler, *FLAGS, "-o", mine, SOURCE], check=True)
        mine.replace(path)
    return path


class Host:
    """A process that runs cases. Restarted when a case kills it."""

    def __init__(self):
        self.path = runner()
        self.file = os.memfd_create("cases")
        self.arena_at = CASES_AT + MOST * ITEM.size
        os.ftruncate(self.file, self.arena_at + ARENA)
        self.map = mmap.mmap(self.file, self.arena_at + ARENA)
        self.map[2 * PAGE:6 * PAGE] = WRITABLE + PATTERN[0x2000:]
        self.start()

    def start(self):
        self.process = subprocess.Popen([self.path, str(self.file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        pass_fds=[self.file], bufsize=0)
        if self.process.stdout.read(1) != b"\0":
            raise Missing({5: "a processor and a kernel with FSGSBASE"}.get(
                self.process.wait(), f"a runner that starts (status {self.process.returncode})"))

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.map.close()
        os.close(self.file)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def run(self, cases):
        """[Outcome] of any number of cases."""
        outcomes = []
        for at in range(0, len(cases), MOST):
            outcomes += self.run_some(cases[at:at + MOST])
        for number, outcome in enumerate(outcomes):
            if outcome.vector == HUNG:                  # or another guest of the host's machine took its time
                outcomes[number] = self.run_some(cases[number:number + 1])[0]
        return outcomes

    def run_some(self, cases):
        outcomes, done = [], 0
        while done < len(cases):
            extended = self.write(cases[done:])
            self.process.stdin.write(b"\0")
            finished = bool(select.select([self.process.stdout], [], [], PATIENCE)[0]) and self.process.stdout.read(1) == b"\0"
            current = FILE_HEADER.unpack_from(self.map)[1]
            count = len(cases) - done if finished else current
            outcomes += [self.outcome(number, extended[number]) for number in range(count)]
            done += count
            if not finished:                            # what killed it is an outcome as well
                self.process.kill()
                self.process.wait()
                outcomes.append(Outcome(KILLED, None, None, 0, 0, b"", (), b""))
                done += 1
                self.start()
        return outcomes

    def write(self, cases):
        """Put cases into the file. Returns where the extended state of each is: [(offset in the arena, length)]."""
        used, extended, at = 0, [], CASES_AT
        for case in cases:
            memory = b"".join(struct.pack("<QQ", address, len(data)) + data + bytes(-len(data) % 8)
                              for address, data in case.memory)
            arena = self.arena_at + used
            self.map[arena:arena + len(memory)] = memory
            where = used + len(memory) + (-len(memory) % 64)
            used = where + len(case.extended) + (-len(case.extended) % 64)
            self.map[self.arena_at + where:self.arena_at + where + len(case.extended)] = case.extended
            extended.append((where, len(case.extended)))
            state = STATE.pack(*case.gpr, case.rip, case.flags, FS_BASE if case.bits == 64 else 0,
                               GS_BASE if case.bits == 64 else 0, *SELECTORS[case.bits])
            ITEM.pack_into(self.map, at, state, b"", 0, 0, 0, len(case.code), arena - self.arena_at, len(memory), 0, 0, 0,
                           where, len(case.extended), case.code)
            at += ITEM.size
        FILE_HEADER.pack_into(self.map, 0, len(cases), 0, CASES_AT, self.arena_at, used, ARENA)
        return extended

    def outcome(self, number, extended):
        gpr, rip, flags, fs_base, gs_base, cs, ss, ds, es, fs, gs, vector, error, cr2, first, end, changed = \
            AFTER.unpack_from(self.map, CASES_AT + number * ITEM.size + STATE.size)
        memory = WRITABLE
        if end:
            at = self.arena_at + changed
            memory = WRITABLE[:first] + self.map[at:at + end - first] + WRITABLE[end:]
        where, length = extended
        where += self.arena_at
        return Outcome(vector, error if vector in WITH_ERROR else None, cr2 if vector == 14 else None,
                       rip - (vector == 3), flags & VISIBLE, gpr, (cs, ss, ds, es, fs, gs, fs_base, gs_base), memory,
                       visible(self.map[where:where + length]))


def visible(area):
    """The registers in an XSAVE area, without MXCSR_MASK, which is no state; nothing of an empty one."""
    return area[:28] + area[32:416] + area[576:]
