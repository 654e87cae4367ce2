"""What stands between the reset vector and somebody else's code.

    boot.bios(machine, disk="disk.img")         a BIOS, which boots the disk
    boot.kernel(machine, "kernel.elf")          a kernel, entered as its boot protocol says

`boot.bios` is the package of that name, which can be called; its parameters are those of boot.bios.firmware.boot.
"""
from __future__ import annotations

from boot import bios

__all__ = ["bios", "kernel"]


def kernel(machine, path, append="", initrd=None, modules=()):
    """Load a kernel and leave `machine` as its boot protocol says; see boot.loaders."""
    from boot import loaders
    return loaders.kernel(machine, path, append=append, initrd=initrd, modules=modules)
