"""The instructions as they are executed, one after the other, and what each changed.

    for step in Tracer(machine):
        print(step.count, step.place, step.text, step.changes)

Every step is a run of one instruction, so a trace costs some microseconds an instruction; `Tracer.skip` is fast.
"""
from __future__ import annotations

from dataclasses import dataclass

from x86.debug import peek
from x86.faults import name_of
from x86.registers import GPR64

SEGMENTS = ("es", "cs", "ss", "ds", "fs", "gs")
CONTROL = ("cr0", "cr2", "cr3", "cr4", "efer")
FLAGS = (("CF", 0), ("PF", 2), ("AF", 4), ("ZF", 6), ("SF", 7), ("TF", 8), ("IF", 9), ("DF", 10), ("OF", 11))


@dataclass(frozen=True)
class Step:
    """One executed instruction."""

    count: int                          # ticks of virtual time before it
    mode: str                           # real, v86, protected, compatibility, long
    bits: int                           # 16, 32, 64: how it was decoded
    cs: int
    rip: int
    linear: int                         # address of its first byte
    code: str                           # its bytes, in hexadecimal
    text: str
    changes: dict                       # register -> new value; "flags" -> the flags that are set, as text
    event: str = ""                     # the fault or interrupt that was taken instead or in between

    @property
    def place(self) -> str:
        """CS:RIP as people write it in this mode: F000:FFF0, 0008:00100000, or 64 bits alone."""
        return place(self.bits, self.cs, self.rip)


def place(bits: int, cs: int, rip: int) -> str:
    """Where an instruction lies, with as many digits as its code size has."""
    return f"{rip:016X}" if bits == 64 else f"{cs:04X}:{rip:0{8 if bits == 32 or rip > 0xFFFF else 4}X}"


class Tracer:
    """Iterator of Steps; it ends where the machine's run ends, and `stop` says why."""

    def __init__(self, machine):
        self.machine = machine
        self.stop = None
        self._registers = self._read()

    def _read(self):
        cpu = self.machine.cpu
        return {name: getattr(cpu, name) for name in (*GPR64, *SEGMENTS, *CONTROL, "rflags")}

    def skip(self, ticks: int) -> None:
        """Go on by `ticks` without looking."""
        if ticks > 0:
            self._ended(self.machine.run(max_instructions=ticks))
        self._registers = self._read()

    def _ended(self, stop):
        if stop.kind != "limit":
            self.stop = stop

    def __iter__(self):
        return self

    def __next__(self) -> Step:
        if self.stop is not None:
            raise StopIteration
        machine, cpu = self.machine, self.machine.cpu
        count, mode, bits, cs, rip = machine.time, cpu.mode, cpu.code_bits, cpu.cs, cpu.rip
        linear = cpu.linear("cs", rip)
        code, text, _ = peek.instruction(machine, linear, rip, bits)
        last = cpu.events[-1:]
        self._ended(machine.step())
        before, self._registers = self._registers, self._read()
        changes = {name: value for name, value in self._registers.items() if value != before[name]}
        if "rflags" in changes:
            changes["flags"] = " ".join(name for name, bit in FLAGS if changes["rflags"] >> bit & 1)
            del changes["rflags"]
        return Step(count, mode, bits, cs, rip, linear, code, text, changes, self._event(last, cpu.events[-1:]))

    @staticmethod
    def _event(before, after):
        if not after or after == before:
            return ""
        event = after[0]
        return f"{event.kind}: {name_of(event.vector)}"
