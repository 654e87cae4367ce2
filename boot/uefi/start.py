"""boot.uefi: puts the firmware into a machine, with what it is to boot."""
from __future__ import annotations

import os
from pathlib import Path

from boot.directory_disk import DirectoryDisk
from boot.disk import Disk
from boot.uefi import tables
from boot.uefi.firmware import LEAST_MEMORY, Uefi
from x86.faults import ImageError, MachineError


def boot(machine, application=None, load_options: str = "", esp=None, disk=None) -> Uefi:
    """Put the UEFI into `machine`; machine.run() then starts at the reset vector."""
    if machine.memory.size < LEAST_MEMORY:
        raise MachineError(f"a UEFI firmware needs {LEAST_MEMORY >> 20} MB of memory, and the machine has "
                           f"{machine.memory.size >> 20} MB")
    named = None
    try:
        if application is not None:
            named = Path(application).name, Path(application).read_bytes()
    except OSError as error:
        raise ImageError(f"{os.fspath(application)}: {error.strerror}") from None
    media = [DirectoryDisk(esp)] if esp is not None else []
    media += [Disk(disk)] if disk is not None else []
    firmware = Uefi(machine, media, tables.Options(named, load_options))
    machine.devices[Uefi.name] = firmware
    return firmware
