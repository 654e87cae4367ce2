"""What stands between the reset vector and somebody else's code.

    boot.bios(machine, disk="disk.img")         a BIOS, which boots the disk
    boot.kernel(machine, "kernel.elf")          a kernel, entered as its boot protocol says
"""
from __future__ import annotations


def bios(machine, disk=None, floppy=None, drives=(), mode="overlay", boot_order=None):
    """Put a BIOS with these drives into `machine`; machine.run() starts at the reset vector F000:FFF0.

    disk         image of hard disk 80h: a path, bytes, or a boot.disk.Disk
    floppy       image of diskette A, or a list of two
    drives       images of further hard disks, 81h and up
    mode         "overlay" (the files never change), "readonly" or "write"
    boot_order   drive numbers, "floppy" or "disk", in the order to try; without it the diskette, then the disk

    Returns the firmware, a boot.bios.firmware.Bios. Errors: x86.faults.ImageError for an image that cannot be one."""
    from boot.bios import boot
    return boot(machine, disk, floppy, drives, mode, boot_order)


def kernel(machine, path, append="", initrd=None, modules=()):
    """Load a kernel and leave `machine` as its boot protocol says; see boot.loaders."""
    from boot import loaders
    return loaders.kernel(machine, path, append=append, initrd=initrd, modules=modules)
