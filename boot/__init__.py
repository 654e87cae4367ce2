"""What stands between the reset vector and somebody else's code.

    boot.bios(machine, disk="disk.img")         a BIOS, which boots the disk
    boot.uefi(machine, esp="esp/")              a UEFI, which boots an application from an EFI system partition
    boot.kernel(machine, "kernel.elf")          a kernel, entered as its boot protocol says

`boot.bios` and `boot.uefi` are packages that can be called; their parameters are those of boot.bios.firmware.boot and
boot.uefi.start.boot.
"""
from __future__ import annotations

from boot import bios, uefi

__all__ = ["bios", "kernel", "uefi"]


def kernel(machine, path, **options):
    """Load a kernel and leave `machine` as its boot protocol says; the options are those of boot.protocols.choose.kernel."""
    from boot.protocols import choose
    choose.kernel(machine, path, **options)
