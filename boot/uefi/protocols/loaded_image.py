"""EFI_LOADED_IMAGE_PROTOCOL: what an image knows of itself. Its fields lie in guest memory, and others may write them.

Source: UEFI 2.10, chapter 9.
"""
from __future__ import annotations

from boot.uefi.protocol import Protocol
from boot.uefi.definitions import Guid

REVISION = 0x1000
DEVICE_PATH_GUID = Guid("bc62157e-3e33-4fec-9920-2d3b36d750df")         # EFI_LOADED_IMAGE_DEVICE_PATH_PROTOCOL


class LoadedImage(Protocol):
    """One image's. `values` are the fields it starts with."""

    guid = Guid("5b1b31a1-9562-11d2-8e3f-00a0c969723b")
    members = ("Revision:UINT32 ParentHandle:EFI_HANDLE SystemTable:VOID* DeviceHandle:EFI_HANDLE FilePath:VOID* Reserved:VOID* "
               "LoadOptionsSize:UINT32 LoadOptions:VOID* ImageBase:VOID* ImageSize:UINT64 ImageCodeType:EFI_MEMORY_TYPE "
               "ImageDataType:EFI_MEMORY_TYPE Unload:VOID*")

    def __init__(self, uefi, **values):
        super().__init__(uefi)
        self.values = values

    def initial(self):
        return {"Revision": REVISION, **self.values}
