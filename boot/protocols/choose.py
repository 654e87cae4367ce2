"""A kernel by its file: reads it, sees what it is, and hands it to the protocol that it wants.

The protocols are asked in the order of PROTOCOLS, and the first that finds its header in the file has it:

    linux           HdrS at 202h: a zImage or bzImage, and whatever else was made to be loaded as one. Kernels from before
                    boot protocol 2.00, which look like any boot sector, are only started where the user names it
    multiboot       a multiboot 1 header, in the first 8192 bytes
    multiboot2      a multiboot 2 header, in the first 32768 bytes; a kernel with both is started as QEMU would start it
    pvh             an ELF file with a note that names its PVH entry, as Linux's vmlinux has it
    elf             any other ELF executable

What only a loader of that kind would look at decides before ELF, which is a container that others use: a multiboot kernel
mostly is an ELF file as well. PVH stands behind multiboot, for who has both (Xen) tells more to, and is told more by, a
multiboot loader. The user may name one, which is then the only one that is asked.
"""
from __future__ import annotations

import os

from boot.bios import boot as install_bios
from boot.host_file import read_whole
from boot.layout import ENTRY_BOOT, ROM_SEGMENT
from boot.loaders import compressed
from boot.protocols import linux, multiboot, multiboot2, plain, pvh
from boot.protocols.kernel import Kernel, Protocol, read_initrd, read_module
from x86.faults import ImageError, MachineError

PE_MAGIC = b"MZ"
POST_LIMIT = 500_000                        # ticks; POST needs a few thousand instructions

PROTOCOLS = [
    linux.PROTOCOL,
    multiboot.PROTOCOL,
    multiboot2.PROTOCOL,
    pvh.PROTOCOL,
    plain.PROTOCOL,
]
NAMES = [protocol.name for protocol in PROTOCOLS]


def kernel(machine, path, append: str = "", initrd=None, modules=(), protocol: str | None = None,
           entry: str | None = None, floppies=(), disks=(), cdroms=(), quirks=()) -> None:
    """Load the kernel at `path` into `machine`; its next instruction is then the kernel's first.

    The machine gets a BIOS, which runs its POST first, so that devices and the BIOS data area are as on a PC that booted.

    append                      the command line, without the kernel's own name
    initrd                      a file, or a list of files that become one; a file is a path or (path, string)
    modules                     further files, for protocols that have modules
    protocol                    one of NAMES; None: by the file
    entry                       "16", "32" or "64", for protocols with several entries
    floppies, disks, cdroms     images of the BIOS's drives, which 16-bit code finds by INT 13h
    quirks                      names from boot.bios.quirks.QUIRKS, what the BIOS does as bad ones did

    Errors: ImageError for files that cannot be read, make no sense or do not fit into memory; the machine is then
    unchanged, or has done its POST. ValueError for quirks that cannot be."""
    name = os.fspath(path)
    data = compressed.unpack(read_whole(path), name)
    if not data:
        raise ImageError(f"{name}: empty: there is no kernel in it")
    wanted = Kernel(name, data, append, read_initrd(initrd), tuple(map(read_module, modules)), entry, protocol)
    chosen, header = choose(wanted)
    chosen.check(wanted, header)            # what is wrong with the file is said before anything happens
    power_on(machine, floppies, disks, cdroms, quirks)
    chosen.boot(machine, wanted, header)


def choose(wanted: Kernel) -> tuple[Protocol, object]:
    """(protocol, its header) for a kernel: the one that the user named, or the first that fits. ImageError if none does."""
    name = wanted.protocol
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


def power_on(machine, floppies=(), disks=(), cdroms=(), quirks=()) -> None:
    """Give the machine a BIOS, and run that up to where it would look for a drive (INT 19h)."""
    install_bios(machine, floppy=list(floppies), drives=disks, cdrom=list(cdroms), quirks=quirks)
    cpu = machine.cpu
    stop = machine.run(POST_LIMIT, until=lambda _: cpu.cs == ROM_SEGMENT and cpu.rip == ENTRY_BOOT, every=1)
    if stop.kind != "until":
        raise MachineError(f"POST did not come to its end: {stop.kind} {stop.message}".rstrip())


def what_it_is(data: bytes) -> str:
    """Why nobody starts this file, in words."""
    if data[510:512] == b"\x55\xaa":
        return ("it is a disk image: boot it as a disk, by the BIOS; or a Linux kernel from before boot protocol 2.00: name the "
                "protocol linux")
    if data[:2] == PE_MAGIC:
        return "it is a PE file: a UEFI boots those"
    return (f"it is not ELF (7f 45 4c 46), has no multiboot header, version 1 in its first {multiboot.SEARCH} bytes or version 2 "
            f"in {multiboot2.SEARCH}, and no Linux setup header (HdrS) at 202h")
