"""boot.uefi: puts the firmware into a machine, with what it is to boot."""
from __future__ import annotations

import os
from pathlib import Path

from boot.directory_disk import DirectoryDisk
from boot.disk import SECTOR, Disk
from boot.fat import NameInvalid, format_volume
from boot.fat.names import check
from boot.fat.volume import Volume
from boot.host_file import read_whole
from boot.loaders import pe
from boot.uefi import tables
from boot.uefi.firmware import LEAST_MEMORY, Uefi
from x86.faults import ImageError, MachineError

ROOM = 16 << 20                         # bytes of a volume made for one application, beside the application


def boot(machine, esp=None, disk=None, drives=(), cdrom=None, application=None, load_options: str = "", nvram=None,
         mode: str | None = None, protect_images: str = "nx-compat") -> Uefi:
    """Put the UEFI into `machine`, with its media; machine.run() then starts at the reset vector.

    esp: a directory that becomes the EFI system partition of the first disk. disk, drives: images (path, bytes or Disk) of
    disks. cdrom: an ISO image. application: a PE file that is started instead of what the boot manager finds; alone it
    gets a small volume, on which there is nothing else. load_options: text for the application, as its LoadOptions.
    nvram: the file in which variables last. protect_images: "nx-compat", "always" or "never", which images' sections are
    protected as their headers say.

    mode: "write", "overlay" (what is written is forgotten) or "readonly"; without it images are not changed, and the
    directory is: by ResetSystem, when the last image has returned, and by Uefi.flush(), which is for the caller to do at the end.

    Errors: ImageError for what cannot be read, or is no such file; MachineError for a machine with too little memory."""
    if machine.memory.size < LEAST_MEMORY:
        raise MachineError(f"a UEFI firmware needs {LEAST_MEMORY >> 20} MB of memory, and the machine has "
                           f"{machine.memory.size >> 20} MB")
    if protect_images not in tables.PROTECTIONS:
        raise ValueError(f"protect_images is {protect_images!r}, not one of {', '.join(tables.PROTECTIONS)}")
    media = []
    named = read_application(application) if application is not None else None
    if esp is not None:
        media.append(open_directory(esp, mode or "write"))
    media += [Disk.open(image, mode or "overlay") for image in ([] if disk is None else [disk]) + list(drives)]
    if cdrom is not None:
        media.append(Disk.open(cdrom, cd=True))
    if named and not media:
        media.append(volume_for(*named))
    firmware = Uefi(machine, media, tables.Options(named, load_options, protect_images))
    if nvram is not None:
        firmware.variables.load(nvram)
    machine.devices[Uefi.name] = firmware
    return firmware


def read_application(path) -> tuple[str, bytes]:
    """(name on a FAT volume, bytes) of a PE file. ImageError if it cannot be read, or cannot be started here."""
    if os.path.isdir(path):
        raise ImageError(f"{os.fspath(path)}: a directory; as an EFI system partition it is booted with --esp")
    data = read_whole(path)
    pe.read(data, os.fspath(path))
    try:
        return check(Path(path).name), data
    except NameInvalid:                 # the host's, and none that FAT could have
        return "application.efi", data


def open_directory(path, mode: str) -> DirectoryDisk:
    """A directory of the host as a disk. ImageError if it is none."""
    if not os.path.isdir(path):
        raise ImageError(f"{os.fspath(path)}: {'not a directory' if os.path.exists(path) else 'no such directory'}")
    return DirectoryDisk(path, mode)


def volume_for(name: str, data: bytes) -> Disk:
    """A disk that is a FAT volume with one file."""
    image = bytearray((len(data) + ROOM) // SECTOR * SECTOR)
    disk = Disk(image, "write")
    format_volume(disk, label="X86")
    Volume(disk).root.create(name).write(0, data)
    return Disk(bytes(disk.data), "overlay", name=name)
