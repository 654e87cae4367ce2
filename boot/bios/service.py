"""What a BIOS service is: a Python function behind a trap in the ROM, and the call it sees.

A service is written once, with the line that says which interrupt and function it answers:

    @service(0x13, 0x00, "reset disk system")
    def reset(bios, call):
        ...

The trap stub in the ROM is `out 0B5h, al` and then `iret`, so when the service runs the stack holds what INT pushed:

    SS:SP+4   FLAGS     the image that IRET will load: carry and zero are answered there, as in a BIOS
    SS:SP+2   CS        \\  where the caller goes on
    SS:SP     IP        /
"""
from __future__ import annotations

from collections.abc import Callable

CARRY, ZERO, INTERRUPT = 0x0001, 0x0040, 0x0200

REGISTERS = frozenset(("al", "ah", "bl", "bh", "cl", "ch", "dl", "dh", "ax", "bx", "cx", "dx", "si", "di", "bp", "sp",
                       "eax", "ebx", "ecx", "edx", "esi", "edi", "ebp", "esp", "cs", "ds", "es", "ss"))

#: (interrupt, AH) or (interrupt, AX) or (interrupt, None) -> (function, title)
SERVICES: dict[tuple[int, int | None], tuple[Callable, str]] = {}

#: name of a trap in the ROM that is no plain interrupt -> function
TRAPS: dict[str, Callable] = {}

#: those of them that protected-mode code enters, by CALL FAR (protected.py); all others answer in real and V86 mode
PROTECTED: set[str] = set()


def service(interrupt: int, function: int | None, title: str):
    """Register the decorated function(bios, call) for INT `interrupt`.

    function: AH if it is below 100h, else AX; None answers every function of that interrupt that nobody else does."""
    def register(implementation):
        key = interrupt, function
        if key in SERVICES:
            raise ValueError(f"INT {interrupt:02X}h/{function:X}h has two services")
        SERVICES[key] = implementation, title
        return implementation
    return register


def trap(name: str, protected: bool = False):
    """Register the decorated function(bios, call) for the ROM's `trap NAME`; `protected`: it gets a NearCall."""
    def register(implementation):
        if name in TRAPS:
            raise ValueError(f"trap {name} has two services")
        TRAPS[name] = implementation
        if protected:
            PROTECTED.add(name)
        return implementation
    return register


def find(interrupt: int, ax: int):
    """(function, title) of the service that answers INT `interrupt` with this AX, or None."""
    for key in (ax if ax >= 0x100 else None, ax >> 8):
        found = SERVICES.get((interrupt, key)) if key is not None else None
        if found:
            return found
    return SERVICES.get((interrupt, None))


class Call:
    """One trap as its service sees it: the registers by name, the stacked FLAGS, and memory as the caller addresses it.

    Registers are attributes: call.al, call.dx, call.es. `branch` is the processor's own carry flag after the trap: the
    stub in the ROM tests it with JC, to halt and ask again where a service has to wait, or to go another way."""

    __slots__ = ("bios", "cpu", "memory", "text", "branch")

    def __init__(self, bios):
        self.bios = bios
        self.cpu = bios.machine.cpu
        self.memory = bios.machine.memory
        self.text = ""
        self.branch = False

    # ---- the stacked flags -------------------------------------------------------------------------------------------

    @property
    def flags_address(self) -> int:
        """Physical address of the FLAGS image."""
        return self.bios.physical("ss", (self.cpu.sp + 4) & 0xFFFF)

    @property
    def flags(self) -> int:
        return self.bios.word(self.flags_address)

    @flags.setter
    def flags(self, value):
        self.bios.set_word(self.flags_address, value)

    def _set_flag(self, mask, on):
        address = self.flags_address
        flags = self.bios.word(address)
        self.bios.set_word(address, flags | mask if on else flags & ~mask)

    @property
    def carry(self) -> bool:
        """CF as the caller will see it. Setting it is how a service says whether it failed."""
        return bool(self.flags & CARRY)

    @carry.setter
    def carry(self, on):
        self._set_flag(CARRY, on)

    @property
    def zero(self) -> bool:
        return bool(self.flags & ZERO)

    @zero.setter
    def zero(self, on):
        self._set_flag(ZERO, on)

    @property
    def caller(self) -> tuple[int, int]:
        """(CS, IP) that IRET will return to."""
        sp = self.cpu.sp
        return (self.bios.word(self.bios.physical("ss", (sp + 2) & 0xFFFF)),
                self.bios.word(self.bios.physical("ss", sp & 0xFFFF)))

    # ---- memory ------------------------------------------------------------------------------------------------------

    def read(self, segment: str, offset: int, length: int) -> bytes:
        """`length` bytes at segment register:offset; offsets wrap at 64 KB, as a program's own accesses do."""
        start = offset & 0xFFFF
        if start + length <= 0x10000:
            return self.bios.read(self.bios.linear(segment, start), length)
        first = 0x10000 - start
        return self.read(segment, start, first) + self.read(segment, 0, length - first)

    def write(self, segment: str, offset: int, data: bytes) -> None:
        """Store `data` at segment register:offset, wrapping at 64 KB."""
        start = offset & 0xFFFF
        if start + len(data) <= 0x10000:
            self.bios.write(self.bios.linear(segment, start), data)
            return
        first = 0x10000 - start
        self.write(segment, start, data[:first])
        self.write(segment, 0, data[first:])

    # ---- words for the trace -----------------------------------------------------------------------------------------

    def note(self, text: str | None) -> None:
        """What this call turned out to mean, for whoever traces; None: nothing worth a line."""
        self.text = text

    def unimplemented(self) -> None:
        """Answer as a BIOS answers a function that it does not have: CF=1, AH=86h."""
        self.bios.count_unimplemented(self)
        self.ah = 0x86
        self.carry = True


def _register(name):
    return property(lambda call: getattr(call.cpu, name), lambda call, value: setattr(call.cpu, name, value))


for _name in REGISTERS:
    setattr(Call, _name, _register(_name))


class NearCall(Call):
    """A call from protected mode: CALL FAR put EIP and CS on the stack, or IP and CS, and no FLAGS. So carry is `branch`,
    the processor's own flag, with which the stub's RETF goes back to the caller."""

    __slots__ = ()

    carry = property(lambda self: self.branch, lambda self, on: setattr(self, "branch", bool(on)))

    @property
    def caller(self) -> tuple[int, int]:
        """(CS selector, EIP) that RETF will return to, if the caller's code is 32-bit."""
        stack = self.bios.linear("ss", self.cpu.esp)
        found = self.bios.read(stack, 6)
        return int.from_bytes(found[4:], "little"), int.from_bytes(found[:4], "little")
