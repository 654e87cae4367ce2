"""EFI_SIMPLE_FILE_SYSTEM_PROTOCOL and EFI_FILE_PROTOCOL on a FAT volume.

    EFI_FILE_INFO          0 Size   8 FileSize   16 PhysicalSize   24 CreateTime   40 LastAccessTime   56 ModificationTime
                           72 Attribute   80 FileName
    EFI_FILE_SYSTEM_INFO   0 Size   8 ReadOnly   16 VolumeSize   24 FreeSpace   32 BlockSize (4)   36 VolumeLabel

Source: UEFI 2.10, sections 13.4 and 13.5; where it leaves a choice, EDK2's FatDxe.
"""
from __future__ import annotations

import struct

from boot import fat
from boot.fat import entries
from boot.uefi.definitions import Guid, Status
from boot.uefi.guest_memory import utf16
from boot.uefi.protocol import Protocol, method
from boot.uefi.times import EMPTY, pack_moment, unpack_moment

FILE_INFO = Guid("09576e92-6d3f-11d2-8e39-00a0c969723b")
FILE_SYSTEM_INFO = Guid("09576e93-6d3f-11d2-8e39-00a0c969723b")
VOLUME_LABEL = Guid("db47d7d3-fe81-11d3-9a35-0090273fc14d")
READ, WRITE, CREATE = 1, 2, 1 << 63
MODES = (READ, READ | WRITE, READ | WRITE | CREATE)
ATTRIBUTES = 0x37                       # those of the specification
LARGEST = 0xFFFFFFFF
TO_THE_END = 0xFFFF_FFFF_FFFF_FFFF
INFO = struct.Struct("<QQQ16s16s16sQ")

STATUSES = {fat.NotFound: Status.NOT_FOUND, fat.Exists: Status.ACCESS_DENIED, fat.Full: Status.VOLUME_FULL,
            fat.ReadOnly: Status.WRITE_PROTECTED, fat.NotEmpty: Status.ACCESS_DENIED, fat.NameInvalid: Status.INVALID_PARAMETER,
            fat.WrongKind: Status.NOT_FOUND, fat.Corrupt: Status.VOLUME_CORRUPTED}


def status_of(error: fat.FatError) -> Status:
    """What a caller is told of something that went wrong on the volume."""
    return STATUSES[type(error)]
