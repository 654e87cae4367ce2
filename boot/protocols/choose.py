"""A kernel by its file: reads it, sees what it is, and hands it to the protocol that it wants.

The protocols are asked in the order of PROTOCOLS, and the first that finds its header in the file has it:

    multiboot       a multiboot 1 header decides before ELF: such a kernel may be an ELF file as well
    elf             any other ELF executable

The user may name one, which is then the only one that is asked.
"""
from __future__ import annotations

import os

from boot.bios import boot as install_bios
from boot.layout import ENTRY_BOOT, ROM_SEGMENT
from boot.protocols import multiboot, plain
from boot.protocols.kernel import Kernel, Protocol, read_file, read_initrd, read_module
from x86.faults import ImageError, MachineError

BZIMAGE_MAGIC = b"HdrS"                     # at 202h in a Linux kernel
MULTIBOOT2_MAGIC = bytes.fromhex("d65052e8")
POST_LIMIT = 500_000                        # ticks; POST needs a few thousand instructions

PROTOCOLS = [
    multiboot.PROTOCOL,
    plain.PROTOCOL,
]
NAMES = [protocol.name for protocol in PROTOCOLS]


def kernel(machine, path, append: str = "", initrd=None, modules=(), protocol: str | None = None,
           entry: str | None = None) -> None:
    """Load the kernel at `path` into `machine`; its next instruction is then the kernel's first.

    The machine gets a BIOS without drives, which runs its POST first, so that devices and the BIOS data area are as on
    a PC that booted. append: the command line after the kernel's own name. initrd: a file, or a list of files that
    become one; modules: files. Each is a path or (path, string). protocol: one of NAMES, or None: by the file. entry:
    "16", "32" or "64", for protocols with several entries.

    Errors: ImageError for files that cannot be read, make no sense or do not fit into memory; the machine is then
    unchanged, or has done its POST."""
    data = read_file(path)
    name = os.fspath(path)
    if not data:
        raise ImageError(f"{name}: empty: there is no kernel in it")
    wanted = Kernel(name, data, append, read_initrd(initrd), tuple(map(read_module, modules)), entry)
    chosen, header = choose(wanted, protocol)
    chosen.check(wanted, header)            # what is wrong with the file is said before anything happens
    power_on(machine)
    chosen.boot(machine, wanted, header)


def choose(wanted: Kernel, name: str | None = None) -> tuple[Protocol, object]:
    """(protocol, its header) for a kernel: the one called `name`, or the first that fits. ImageError if none does."""
    if name is not None and name not in NAMES:
        raise ImageError(f"protocol {name!r} is none of {', '.join(NAMES)}")
    for protocol in PROTOCOLS:
        if name in (None, protocol.name):
            header = protocol.find(wanted)
            if header is not None:
                return protocol, header
            if name is not None:
                raise ImageError(f"{wanted.name}: cannot be started by the protocol {name}: no {protocol.what}")
    raise ImageError(f"{wanted.name}: no kernel that can be started: {what_it_is(wanted.data)}")


def power_on(machine) -> None:
    """Give the machine a BIOS, and run that up to where it would look for a drive (INT 19h)."""
    install_bios(machine)
    cpu = machine.cpu
    stop = machine.run(POST_LIMIT, until=lambda _: cpu.cs == ROM_SEGMENT and cpu.rip == ENTRY_BOOT, every=1)
    if stop.kind != "until":
        raise MachineError(f"POST did not come to its end: {stop.kind} {stop.message}".rstrip())


def what_it_is(data: bytes) -> str:
    """Why nobody starts this file, in words."""
    if data[0x202:0x206] == BZIMAGE_MAGIC:
        return "it is a Linux bzImage, and only multiboot 1 and ELF are"
    if MULTIBOOT2_MAGIC in data[:32768]:
        return "it has a multiboot 2 header, and only multiboot 1 and ELF are"
    if data[510:512] == b"\x55\xaa":
        return "it is a disk image: boot it as a disk, by the BIOS"
    return "it is not ELF (7f 45 4c 46), and no multiboot header is in its first 8192 bytes"
