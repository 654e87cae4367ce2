"""Small machines for tests: code at a place, in a mode, with nothing else around."""
from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

from x86 import Machine

CODE = 0x100000                         # where the code of flat machines lies
STACK = 0x200000                        # and where their stack begins, growing down
TABLES = 0x10000                        # their page tables: the first 4 MB, identity-mapped with 2 MB pages


@cache
def assemble(source, bits=64, origin=CODE):
    """nasm source -> bytes. The test skips where nasm is missing."""
    if shutil.which("nasm") is None:
        pytest.skip("needs nasm")
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "guest.asm")
        path.write_text(f"bits {bits}\norg {origin:#x}\n{source}\n")
        subprocess.run(["nasm", "-f", "bin", "-o", path.with_suffix(".bin"), path], check=True)
        return path.with_suffix(".bin").read_bytes()


def code_bytes(code, bits, origin):
    return assemble(code, bits, origin) if isinstance(code, str) else bytes(code)


def flat64(code, memory="4M", origin=CODE, **options):
    """64-bit code at CPL 0, the first 4 MB identity-mapped, no IDT."""
    machine = Machine(memory, **options)
    cpu = machine.cpu
    for at, entry in ((TABLES, TABLES + 0x1003), (TABLES + 0x1000, TABLES + 0x2003), (TABLES + 0x2000, 0x83),
                      (TABLES + 0x2008, 0x200083)):
        machine.memory.write_u64(at, entry)
    cpu.cr3, cpu.cr4, cpu.efer, cpu.cr0 = TABLES, 0x20, 0x500, 0x80000011
    cpu.set_segment("cs", 0x08, 0, 0xFFFFFFFF, 0xA09B)
    for name in ("ss", "ds", "es"):
        cpu.set_segment(name, 0x10, 0, 0xFFFFFFFF, 0xC093)
    machine.memory.write(origin, code_bytes(code, 64, origin))
    cpu.rip, cpu.rsp = origin, STACK
    return machine


def flat32(code, memory="4M", origin=CODE, **options):
    """32-bit protected mode at CPL 0 with flat segments, no paging."""
    machine = Machine(memory, **options)
    cpu = machine.cpu
    cpu.cr0 = 0x11
    cpu.set_segment("cs", 0x08, 0, 0xFFFFFFFF, 0xC09B)
    for name in ("ss", "ds", "es", "fs", "gs"):
        cpu.set_segment(name, 0x10, 0, 0xFFFFFFFF, 0xC093)
    machine.memory.write(origin, code_bytes(code, 32, origin))
    cpu.rip, cpu.rsp = origin, STACK
    return machine


def real(code, memory="2M", segment=0, offset=0x7C00, **options):
    """Real mode, CS:IP as given, the other segments 0, SP below the code."""
    machine = Machine(memory, **options)
    cpu = machine.cpu
    for name in ("ds", "es", "ss"):
        setattr(cpu, name, 0)
    cpu.cs = segment
    cpu.idtr = 0, 0x3FF
    machine.memory.write(segment * 16 + offset, code_bytes(code, 16, offset))
    cpu.rip, cpu.rsp = offset, 0x7C00
    return machine
