"""A plain ELF executable: no protocol but the state of the processor.

32-bit code starts in flat protected mode without paging, 64-bit code in long mode with the first 4 GB mapped to
themselves (entry.py has both in full). All general-purpose registers are 0, except that

    RSP (ESP)   is STACK_TOP, with room below it down to 500h
    RDI (EDI)   points to the command line, the kernel's name first, which ends in a 0 byte
    RSI (ESI)   points to a zero page as Linux's boot protocol has it, with the memory map, the command line without the
                name, and the initrd: by it the vmlinux of a Linux kernel boots, which calls this its 64-bit or 32-bit entry

Interrupts are off. The BIOS has run its POST, so that devices and the BIOS data area are as a boot sector finds them.
"""
from __future__ import annotations

from boot.loaders import elf
from boot.loaders.ram import PAGE, Ram
from boot.protocols import layout
from boot.protocols.entry import enter_long, enter_protected
from boot.protocols.kernel import Kernel, Protocol, c_string
from boot.protocols.linux_memory import place_initrd
from boot.protocols.linux_zero_page import PLAIN_VALUES, plain_header, zero_page
from x86.faults import ImageError


def check(kernel: Kernel, header: bool) -> None:
    """Errors: ImageError for a file that makes no sense, or gets what it cannot take."""
    if kernel.modules:
        raise ImageError(f"{kernel.name}: a plain ELF file takes no modules, only an initrd: it has no multiboot header")
    if kernel.entry is not None:
        raise ImageError(f"{kernel.name}: an ELF file has one entry: it takes no {kernel.entry}-bit one")
    c_string(kernel.command_line)
    elf.read(kernel.data, kernel.name)


def boot(machine, kernel: Kernel, header: bool = True) -> None:
    """Load an ELF executable into `machine`, and set its processor to the first instruction. Errors: ImageError."""
    executable = elf.read(kernel.data, kernel.name)
    ram = Ram(machine.memory)
    ram.load(executable.pieces)
    named = ram.store(c_string(kernel.command_line), "the command line", 1, low=layout.INFORMATION)
    text = c_string(kernel.append)
    values = PLAIN_VALUES | {"cmd_line_ptr": ram.store(text, "the command line without the kernel's name", 1,
                                                       low=layout.INFORMATION), "cmdline_size": len(text) - 1}
    if kernel.initrd is not None and kernel.initrd.data:
        initrd = kernel.initrd.data
        values |= {"ramdisk_image": place_initrd(ram, kernel.name, initrd, kernel.append), "ramdisk_size": len(initrd)}
    page = ram.store(zero_page(machine, plain_header(), values), "the zero page", PAGE, low=layout.ZERO_PAGE)
    enter = enter_long if executable.bits == 64 else enter_protected
    enter(machine, ram, executable.entry, {"rsp": layout.STACK_TOP, "rdi": named, "rsi": page})


PROTOCOL = Protocol("elf", "ELF header (7f 45 4c 46)", lambda kernel: elf.is_elf(kernel.data) or None, check, boot)
