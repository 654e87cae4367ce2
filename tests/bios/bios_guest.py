"""A guest to call the BIOS from: a machine that has been through POST, in which one INT after another is tried."""
from __future__ import annotations

from types import SimpleNamespace

import boot
from boot.bios.assembler import assemble
from x86 import Machine

CODE, BUFFER = 0x8000, 0x9000                       # where the guest's code lies, and memory it may use
NAMES = ("eax", "ebx", "ecx", "edx", "esi", "edi", "ebp", "ax", "bx", "cx", "dx", "si", "di", "bp", "al", "ah", "bl",
         "bh", "cl", "ch", "dl", "dh", "ds", "es", "ss", "sp", "cs")


def boot_sector(source="cli\nhlt\n"):
    """512 bytes that assemble `source` at 0000:7C00 and end in 55 AA."""
    code = assemble("        at 7C00h\n" + source, 0x7E00).data[0x7C00:0x7DFE]
    return code + b"\x55\xAA"


def machine_with(disk=None, floppy=None, memory="16M", a20=True, fill="zero", cpu="max", board="pc", **options):
    machine = Machine(memory=memory, a20=a20, fill=fill, cpu=cpu, board=board)
    boot.bios(machine, disk=disk, floppy=floppy, **options)
    return machine


class Guest:
    """Runs code in a machine that has booted a boot sector which only halts."""

    def __init__(self, machine):
        self.machine, self.cpu, self.memory = machine, machine.cpu, machine.memory
        self.bios = machine.devices["bios"]
        stop = machine.run(max_instructions=3_000_000)
        assert stop.kind == "hang" and (self.cpu.cs, self.cpu.rip) == (0, 0x7C02), stop
        self.fresh = machine.snapshot()

    def again(self):
        self.machine.restore(self.fresh)
        self.bios.trace = []
        return self

    def place(self, address, source):
        """Assemble `source` at a physical address below 64 KB."""
        program = assemble(f"        at {address}\n{source}", 0x10000)
        end = len(program.data.rstrip(b"\xFF"))
        self.memory.write(address, program.data[address:end])

    def hook(self, vector, address):
        """Point an interrupt vector to 0000:address; the vector that was there, as (segment, offset)."""
        old = self.memory.read_u16(4 * vector + 2), self.memory.read_u16(4 * vector)
        self.memory.write_u16(4 * vector, address)
        self.memory.write_u16(4 * vector + 2, 0)
        return old

    def start(self, source, **registers):
        """Put code at 0000:8000 and the processor there; DS = ES = SS = 0, SP = 7C00h, IF = 1."""
        cpu = self.cpu
        self.memory.write(CODE, assemble(f"        at {CODE}\n{source}", 0x9000).data[CODE:])
        for segment in ("ds", "es", "ss", "cs"):
            setattr(cpu, segment, registers.pop(segment, 0))
        cpu.rip, cpu.rsp, cpu.rflags, cpu.halted = CODE, 0x7C00, registers.pop("flags", 0x202), False
        for name, value in registers.items():
            setattr(cpu, name, value)

    def run(self, source, limit=5_000_000, **registers):
        """Run `source` until its CLI, HLT. The registers then, with carry and zero as the code left them."""
        self.start(source + "\n        pushf\n        cli\n        hlt\n", **registers)
        stop = self.machine.run(max_instructions=limit)
        assert stop.kind == "hang", stop
        flags = self.memory.read_u16((self.cpu.ss << 4) + self.cpu.sp)
        return SimpleNamespace(carry=flags & 1, zero=flags >> 6 & 1, flags=flags,
                               **{name: getattr(self.cpu, name) for name in NAMES})

    def call(self, interrupt, limit=5_000_000, **registers):
        """INT `interrupt` with these registers; what it left in them."""
        return self.run(f"        int {interrupt}", limit, **registers)


HARD_DISK = boot_sector() + b"".join(number.to_bytes(4, "little") * 128 for number in range(1, 4 * 16 * 63))
FLOPPY = b"".join((number | 0xF0000000).to_bytes(4, "little") * 128 for number in range(2880))
