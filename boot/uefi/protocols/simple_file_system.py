"""EFI_SIMPLE_FILE_SYSTEM_PROTOCOL: the way to the files of a FAT volume. Source: UEFI 2.10, section 13.4."""
from __future__ import annotations

from boot import fat
from boot.uefi.definitions import Guid, Status
from boot.uefi.protocol import Protocol, method
from boot.uefi.protocols.file import File


class SimpleFileSystem(Protocol):
    """The way to a volume's root directory. volume: a boot.fat.Volume."""

    guid = Guid("964e5b22-6459-11d2-8e39-00a0c969723b")
    members = "Revision:UINT64 OpenVolume"

    def __init__(self, uefi, volume: fat.Volume):
        super().__init__(uefi)
        self.volume = volume

    def initial(self):
        return {"Revision": 0x00010000}

    @method("OpenVolume(OUT EFI_FILE_PROTOCOL **Root)")
    def open_volume(self, call, root):
        if not root:
            return Status.INVALID_PARAMETER
        file = File(self.uefi, [self.volume.root], not self.volume.read_only)
        self.uefi.write_u64(root, file.write_table())
        return Status.SUCCESS
