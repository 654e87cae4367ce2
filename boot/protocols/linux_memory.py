"""Where a Linux kernel and its initial ramdisk go, and how much memory it takes.

    1 MB                 runtime start                        + init_size                      top of memory
    | file, if it cannot | the kernel, and room to unpack it  |  free  | initrd, whole pages   | ACPI tables
    | be loaded higher   |                                    |        | below initrd_addr_max |

A relocatable kernel is loaded to pref_address; loaded below that, Linux would move itself there. A kernel that is not
relocatable is loaded to 1 MB and moves itself to pref_address.

Source: Linux, Documentation/arch/x86/boot.rst, "init_size", "pref_address", "initrd_addr_max".
"""
from __future__ import annotations

import re

from boot import layout as firmware
from boot.loaders.bzimage import Image
from boot.loaders.ram import PAGE, Ram, align_up
from x86.faults import ImageError

HIGH_LOAD, LOW_LOAD, LOW_END = 0x100000, 0x10000, 0x90000       # bzImage; zImage, and the end of its room
MEGABYTE = 1 << 20
SUFFIXES = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40, "P": 50, "E": 60}


def load_address(image: Image) -> int:
    """Where the protected-mode kernel is loaded to."""
    if not image.loaded_high:
        return LOW_LOAD
    if image.field("relocatable_kernel") and image.field("pref_address"):
        return max(HIGH_LOAD, align_up(image.field("pref_address"), image.field("kernel_alignment") or 1))
    return HIGH_LOAD


def runtime_start(image: Image) -> int:
    """Where the kernel will run: init_size bytes from there on are its own."""
    address = load_address(image)
    if image.field("relocatable_kernel"):
        return align_up(address, image.field("kernel_alignment") or 1)
    return (image.field("pref_address") or address) if image.loaded_high else address


def place_kernel(ram: Ram, image: Image) -> int:
    """Claim memory for the kernel; where it is to be loaded. ImageError if there is too little."""
    address, size = load_address(image), len(image.kernel)
    if not image.loaded_high:
        if size > LOW_END - LOW_LOAD:
            raise ImageError(f"{image.name}: a zImage of {size} bytes; there is room for {LOW_END - LOW_LOAD} "
                             f"at {LOW_LOAD:X}h")
        ram.claim(address, size, image.name)
        return address
    start = runtime_start(image)
    end = max(address + size, start + max(image.field("init_size"), size))
    if end > firmware.usable_end(ram.memory.ram_low):
        raise too_little(ram, f"{image.name}: the kernel", end)
    if start < address + size:              # one stretch, or the one reaches into the other
        ram.claim(min(start, address), end - min(start, address), image.name)
    else:
        ram.claim(address, size, image.name)
        ram.claim(start, end - start, f"{image.name}: where it runs")
    return address


def too_little(ram: Ram, what: str, end: int) -> ImageError:
    """The complaint, with the size that would do, of a machine with too little memory for something up to `end`."""
    needs = align_up(end + firmware.ACPI_TABLES_SIZE + firmware.ACPI_NVS_SIZE, MEGABYTE)
    if needs > firmware.PCI_MEMORY:
        return ImageError(f"{what} needs memory up to {end:X}h, and no machine has any between {firmware.PCI_MEMORY:X}h and 4 GB")
    return ImageError(f"{what} needs {needs >> 20} MB of memory, the machine has {ram.memory.size / MEGABYTE:.4g} MB: "
                      f"-m {needs >> 20}M or more")


def memory_limit(command_line: str) -> int | None:
    """What `mem=` in the command line leaves the kernel, in bytes: the initrd has to lie below. None without it."""
    limit = None
    for word in command_line.split():
        found = re.fullmatch(r"mem=(0[xX][0-9a-fA-F]{1,32}|[0-9]{1,32})([kKmMgGtTpPeE]?)", word)
        if found:
            digits = found[1]
            base = 16 if digits[:2] in ("0x", "0X") else 8 if digits[0] == "0" and set(digits) <= set("01234567") else 10
            limit = int(digits, base) << SUFFIXES[found[2].upper()]
    return limit


def place_initrd(ram: Ram, name: str, initrd: bytes, command_line: str, top: int = firmware.FOUR_GB) -> int:
    """Put an initrd as high as the kernel can reach: below `top`, 4 GB, and what `mem=` leaves. Its address."""
    limit = memory_limit(command_line)
    top = min(top, firmware.FOUR_GB, firmware.FOUR_GB if limit is None else limit)
    highest = max(end for _, end, _ in ram.claims) + align_up(len(initrd), PAGE)
    try:
        address = ram.place(len(initrd), f"the initrd of {name}", PAGE, firmware.EXTENDED_MEMORY, top, highest=True)
    except ImageError:
        if top < highest:
            raise
        raise too_little(ram, f"{name}: the kernel with its initrd of {len(initrd)} bytes", highest) from None
    ram.memory.write(address, initrd)
    return address
