"""PVH: the entry that an ELF kernel names in a note, as Xen's own guests have it; Linux's vmlinux and Xen itself do.

The note lies in a segment of type PT_NOTE: owner "Xen", type 18 (XEN_ELFNOTE_PHYS32_ENTRY), and the physical address of the
entry in 4 or 8 bytes. There EBX -> hvm_start_info, CS is 32-bit code and DS ES SS are data, flat, TR is a 32-bit TSS with
limit 67h, CR0 = PE | ET, CR4 = 0, paging and interrupts off, A20 open.

    hvm_start_info       0 magic 336EC578h   4 version 1   8 flags     12 nr_modules       16 modlist_paddr (8)
                        24 cmdline_paddr (8)              32 rsdp_paddr (8)                40 memmap_paddr (8)
                        48 memmap_entries   52 reserved
    a module             0 paddr (8)         8 size (8)   16 cmdline_paddr (8)             24 reserved (8)
    an entry of memmap   0 addr (8)          8 size (8)   16 type, as INT 15h AX=E820h     20 reserved

The initrd is the first module.

Source: Xen, docs/misc/pvh.pandoc; xen/include/public/arch-x86/hvm/start_info.h; xen/include/public/elfnote.h.
"""
from __future__ import annotations

import struct

from boot.bios.descriptions import root_pointer
from boot.bios.int15_memory import memory_map
from boot.layout import EXTENDED_MEMORY, FOUR_GB
from boot.loaders import elf
from boot.loaders.ram import PAGE, Ram
from boot.protocols import layout
from boot.protocols.entry import enter_protected
from boot.protocols.kernel import Kernel, Protocol, c_string
from x86.faults import ImageError
from x86.registers import ACCESS_P, TYPE_TSS32_BUSY

OWNER, PHYS32_ENTRY = b"Xen", 18
MAGIC, VERSION = 0x336EC578, 1
TSS_LIMIT = 0x67


def find_entry(kernel: Kernel) -> int | None:
    """The physical address of the PVH entry; None for a file that has none. ImageError for an ELF file without sense."""
    if not elf.is_elf(kernel.data):
        return None
    for owner, kind, descriptor in elf.notes(kernel.data, kernel.name):
        if owner == OWNER and kind == PHYS32_ENTRY:
            if len(descriptor) not in (4, 8):
                raise ImageError(f"{kernel.name}: the PVH note has {len(descriptor)} bytes, neither 4 nor 8")
            return int.from_bytes(descriptor, "little")
    return None


def check(kernel: Kernel, entry: int) -> None:
    """Errors: ImageError for an ELF file that makes no sense, or an entry that is not in it."""
    if kernel.entry is not None:
        raise ImageError(f"{kernel.name}: the PVH note names one entry: there is no {kernel.entry}-bit one")
    pieces = elf.read(kernel.data, kernel.name).pieces
    if entry >= FOUR_GB or not any(piece.address <= entry < piece.end for piece in pieces):
        raise ImageError(f"{kernel.name}: the PVH entry {entry:X}h lies in no segment")
    for text in (kernel.append, *(module.string for module in kernel.files)):
        c_string(text)


def boot(machine, kernel: Kernel, entry: int) -> None:
    """Load the kernel and its modules into `machine`, which has done its POST, and enter it. Errors: ImageError."""
    ram = Ram(machine.memory)
    ram.load(elf.read(kernel.data, kernel.name).pieces)
    low = layout.INFORMATION
    modules = b""
    for number, module in enumerate(kernel.files):
        address = ram.place(len(module.data), f"module {number} ({module.string})", PAGE, low=EXTENDED_MEMORY, highest=True)
        ram.memory.write(address, module.data)
        string = ram.store(c_string(module.string), f"string of module {number}", 1, low=low)
        modules += struct.pack("<4Q", address, len(module.data), string, 0)
    module_list = ram.store(modules, "the list of modules", 8, low=low) if modules else 0
    entries = memory_map(machine.devices["bios"])
    memory = b"".join(struct.pack("<QQII", *each, 0) for each in entries)
    information = struct.pack("<4I4QII", MAGIC, VERSION, 0, len(kernel.files), module_list,
                              ram.store(c_string(kernel.append), "the command line", 1, low=low),
                              root_pointer(machine), ram.store(memory, "the memory map", 8, low=low),
                              len(entries), 0)
    address = ram.store(information, "the start information", 8, low=low)
    enter_protected(machine, ram, entry, {"rbx": address, "rsp": layout.STACK_TOP})
    machine.cpu.set_segment("tr", 0, 0, TSS_LIMIT, ACCESS_P | TYPE_TSS32_BUSY)


PROTOCOL = Protocol("pvh", "PVH note (XEN_ELFNOTE_PHYS32_ENTRY)", find_entry, check, boot)
