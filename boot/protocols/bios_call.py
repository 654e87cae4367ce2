"""Calls of the BIOS that a boot loader makes before its kernel starts, made here from outside.

A machine that has done its POST waits in real mode at INT 19h. A call puts `int n` where a boot sector would be, and runs the
machine up to the instruction behind it: so whatever has hooked the interrupt answers, and the BIOS's own state is right.

    0000:7C00   CD nn           ES:DI = 0000:7E00   a buffer, for calls that want one
"""
from __future__ import annotations

from typing import NamedTuple

from boot.layout import BOOT_SECTOR
from x86.faults import MachineError

BUFFER = BOOT_SECTOR + 512
BUFFER_SIZE = 512
LIMIT = 10_000_000                          # ticks; the longest call clears a screen
CARRY = 1
REGISTERS = ("eax", "ebx", "ecx", "edx", "esi", "edi")


class Answer(NamedTuple):
    """What a call gave back: registers, the carry flag, ES, and the bytes of the buffer."""
    eax: int
    ebx: int
    ecx: int
    edx: int
    esi: int
    edi: int
    es: int
    carry: bool
    buffer: bytes


def possible(machine) -> bool:
    """Whether the machine's processor is where the BIOS can be called: in real mode."""
    return machine.cpu.mode == "real"


def call(machine, interrupt: int, buffer: bytes = b"", **registers: int) -> Answer:
    """INT `interrupt` with the registers that are named, EDI aside, and the others 0; `buffer` is what lies at ES:DI."""
    cpu, memory = machine.cpu, machine.memory
    before = cpu.cs, cpu.es, cpu.rip
    memory.write(BOOT_SECTOR, bytes((0xCD, interrupt)))
    memory.write(BUFFER, buffer.ljust(BUFFER_SIZE, b"\0"))
    for name in REGISTERS:
        setattr(cpu, name, registers.get(name, 0))
    cpu.edi = BUFFER
    cpu.cs, cpu.es, cpu.rip = 0, 0, BOOT_SECTOR
    stop = machine.run(LIMIT, until=lambda _: cpu.rip == BOOT_SECTOR + 2 and cpu.cs == 0, every=1)
    if stop.kind != "until":
        raise MachineError(f"INT {interrupt:02X}h does not come back: {stop.kind} {stop.message}".rstrip())
    answer = Answer(*(getattr(cpu, name) for name in REGISTERS), cpu.es, bool(cpu.rflags & CARRY),
                    memory.read(BUFFER, BUFFER_SIZE))
    cpu.cs, cpu.es, cpu.rip = before
    return answer
