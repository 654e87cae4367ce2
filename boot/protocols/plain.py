"""A plain ELF executable: no protocol but the state of the processor.

32-bit code starts in flat protected mode without paging, 64-bit code in long mode with the first 4 GB mapped to
themselves (entry.py has both in full). All general-purpose registers are 0, except that the stack pointer is
STACK_TOP, with room below it down to 500h, and that RDI (EDI) points to the command line, which ends in a 0 byte.
Interrupts are off. The BIOS has run its POST, so that devices and the BIOS data area are as a boot sector finds them.
"""
from __future__ import annotations

from boot.loaders import elf
from boot.loaders.ram import Ram
from boot.protocols import layout
from boot.protocols.entry import enter_long, enter_protected
from boot.protocols.kernel import Kernel, Protocol
from x86.faults import ImageError


def boot(machine, data: bytes, command_line: str = "", name: str = "kernel") -> None:
    """Load an ELF executable into `machine`, and set its processor to the first instruction. Errors: ImageError."""
    executable = elf.read(data, name)
    ram = Ram(machine.memory)
    ram.load(executable.pieces)
    text = ram.store(command_line.encode() + b"\0", "the command line", 1, low=layout.INFORMATION)
    enter = enter_long if executable.bits == 64 else enter_protected
    enter(machine, ram, executable.entry, {"rsp": layout.STACK_TOP, "rdi": text})


def _check(kernel: Kernel, header: bool) -> None:
    if kernel.files:
        raise ImageError(f"{kernel.name}: a plain ELF file takes no initrd and no modules: it has no multiboot header")
    if kernel.entry is not None:
        raise ImageError(f"{kernel.name}: an ELF file has one entry: it takes no {kernel.entry}-bit one")
    elf.read(kernel.data, kernel.name)


def _boot(machine, kernel: Kernel, header: bool) -> None:
    boot(machine, kernel.data, kernel.command_line, kernel.name)


PROTOCOL = Protocol("elf", "ELF header (7f 45 4c 46)", lambda kernel: elf.is_elf(kernel.data) or None, _check, _boot)
