"""A PC BIOS: a ROM of real code (rom.py, post.py, entries.py) whose services are Python functions, one file an interrupt.

To add a service, write a function under `@service(interrupt, AH or AX, title)` in the file of its interrupt; it gets the
firmware and the Call (service.py). Importing this package registers them all.
"""
from __future__ import annotations

import sys
import types

from boot.bios import (faults, int10_adapter, int10_fonts, int10_palette, int10_save, int10_vbe, int10_video, int13_cdrom,
                       int13_disk, int13_extensions, int14_serial, int15_apm, int15_memory, int15_pointing, int15_system,
                       int16_keyboard, int17_printer, int19_boot, int1a_pci, int1a_time, protected)
from boot.bios.firmware import Bios, boot

__all__ = ["Bios", "boot", "faults", "int10_adapter", "int10_fonts", "int10_palette", "int10_save", "int10_vbe",
           "int10_video", "int13_cdrom", "int13_disk", "int13_extensions", "int14_serial", "int15_apm", "int15_memory",
           "int15_pointing", "int15_system", "int16_keyboard", "int17_printer", "int19_boot", "int1a_pci", "int1a_time",
           "protected"]


class _Callable(types.ModuleType):
    """So that `boot.bios(machine, disk="disk.img")` is firmware.boot(machine, disk="disk.img")."""

    __call__ = staticmethod(boot)


sys.modules[__name__].__class__ = _Callable
