"""A kernel by its file: reads it, sees what it is, and hands it to the protocol that it wants."""
from __future__ import annotations

import os
from pathlib import Path

from boot.bios import boot as install_bios
from boot.layout import ENTRY_BOOT, ROM_SEGMENT
from boot.loaders import elf
from boot.protocols import multiboot, plain
from x86.faults import ImageError, MachineError

BZIMAGE_MAGIC = b"HdrS"                     # at 202h in a Linux kernel
MULTIBOOT2_MAGIC = bytes.fromhex("d65052e8")
POST_LIMIT = 500_000                        # ticks; POST needs a few thousand instructions


def read_file(path) -> bytes:
    """The bytes of the file at `path`. Errors: ImageError in words for what is no readable file."""
    try:
        return Path(path).read_bytes()
    except IsADirectoryError:
        raise ImageError(f"{path}: a directory, not a file") from None
    except FileNotFoundError:
        raise ImageError(f"{path}: no such file") from None
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}") from None


def read_module(module) -> multiboot.Module:
    """A module: `module` is a path, or (path, string). The kernel is told the string, or the path without one."""
    path, string = module if isinstance(module, tuple) else (module, None)
    return multiboot.Module(read_file(path), os.fspath(path) if string is None else string)


def kernel(machine, path, append: str = "", initrd=None, modules=()) -> None:
    """Load the kernel at `path` into `machine`; its next instruction is then the kernel's first.

    The machine gets a BIOS without drives, which runs its POST first, so that devices and the BIOS data area are as on
    a PC that booted. A multiboot 1 header decides before ELF. append: the command line after the kernel's own name.
    initrd and modules: files for a multiboot kernel, the initrd first, each a path or (path, string).

    Errors: ImageError for files that cannot be read, make no sense or do not fit into memory; the machine is then
    unchanged, or has done its POST."""
    data = read_file(path)
    name = os.fspath(path)
    if not data:
        raise ImageError(f"{name}: empty: there is no kernel in it")
    command_line = f"{name} {append}".rstrip()
    files = [read_module(module) for module in ([] if initrd is None else [initrd]) + list(modules)]
    header = multiboot.find_header(data, name)
    if header is None and not elf.is_elf(data):
        raise ImageError(f"{name}: no kernel that can be started: {what_it_is(data)}")
    if header is None and files:
        raise ImageError(f"{name}: a plain ELF file takes no initrd and no modules: it has no multiboot header")
    if header is None:                      # what is wrong with the file is said before anything happens
        elf.read(data, name)
    else:
        multiboot.read_kernel(data, header, name)
    power_on(machine)
    if header is not None:
        multiboot.boot(machine, data, command_line, files, name)
    else:
        plain.boot(machine, data, command_line, name)


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
