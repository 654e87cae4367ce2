"""EFI_BLOCK_IO_PROTOCOL and EFI_DISK_IO_PROTOCOL: the blocks of a disk, or of a part of one.

    EFI_BLOCK_IO_MEDIA   0 MediaId (4)   4 RemovableMedia   5 MediaPresent   6 LogicalPartition   7 ReadOnly
                         8 WriteCaching   12 BlockSize (4)   16 IoAlign (4)   24 LastBlock (8)   32 LowestAlignedLba (8)
                         40 LogicalBlocksPerPhysicalBlock (4)   44 OptimalTransferLengthGranularity (4)

Source: UEFI 2.10, sections 13.9 and 13.7.
"""
from __future__ import annotations

import struct
from dataclasses import dataclass

from boot.disk import SECTOR
from boot.uefi.definitions import Guid, Status
from boot.uefi.protocol import Protocol, method

MEDIA_ID = 1
BLOCK_IO_REVISION, DISK_IO_REVISION = 0x0002001F, 0x00010000
MEDIA = struct.Struct("<I5?3xII4xQQII")


@dataclass
class BlockDevice:
    """Sectors [first, first + sectors) of a disk, in blocks of `block_size` bytes. logical: a partition."""
    disk: object
    first: int
    sectors: int
    block_size: int = SECTOR
    removable: bool = False
    logical: bool = False

    @property
    def size(self) -> int:
        """Bytes."""
        return self.sectors * SECTOR // self.block_size * self.block_size

    @property
    def read_only(self) -> bool:
        return self.disk.read_only or self.block_size != SECTOR

    def media(self) -> bytes:
        """EFI_BLOCK_IO_MEDIA."""
        return MEDIA.pack(MEDIA_ID, self.removable, True, self.logical, self.read_only, False, self.block_size, 0,
                          max(self.size // self.block_size, 1) - 1, 0, 1, 1)

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from byte `offset`."""
        first, end = offset // SECTOR, -(-(offset + length) // SECTOR)
        data = self.disk.read(self.first + first, end - first)
        return data if len(data) == length else data[offset - first * SECTOR:offset - first * SECTOR + length]

    def write(self, offset: int, data: bytes) -> None:
        """Write bytes from `offset` on; what else the sectors hold stays."""
        first, end = offset // SECTOR, -(-(offset + len(data)) // SECTOR)
        if offset % SECTOR or len(data) % SECTOR:
            whole = bytearray(self.disk.read(self.first + first, end - first))
            whole[offset - first * SECTOR:offset - first * SECTOR + len(data)] = data
            data = bytes(whole)
        self.disk.write(self.first + first, data)

    def transfer(self, uefi, media_id: int, offset: int, length: int, buffer: int, write: bool) -> Status:
        """What both protocols do once they know the bytes: move them, or say what is wrong."""
        if media_id != MEDIA_ID:
            return Status.MEDIA_CHANGED
        if write and self.read_only:
            return Status.WRITE_PROTECTED
        if length == 0:
            return Status.SUCCESS
        if not buffer or offset + length > self.size:
            return Status.INVALID_PARAMETER
        if write:
            self.write(offset, uefi.read(buffer, length))
        else:
            uefi.write(buffer, self.read(offset, length))
        return Status.SUCCESS


class BlockIo(Protocol):
    """Whole blocks of a device."""

    guid = Guid("964e5b21-6459-11d2-8e39-00a0c969723b")
    members = "Revision:UINT64 Media:VOID* Reset ReadBlocks WriteBlocks FlushBlocks"

    def __init__(self, uefi, device: BlockDevice):
        super().__init__(uefi)
        self.device = device

    def initial(self):
        media = self.uefi.allocate_pool(MEDIA.size)
        self.uefi.write(media, self.device.media())
        return {"Revision": BLOCK_IO_REVISION, "Media": media}

    @method("Reset(IN BOOLEAN ExtendedVerification)")
    def reset(self, call, extended_verification):
        return Status.SUCCESS

    def _transfer(self, media_id, lba, size, buffer, write):
        block = self.device.block_size
        if media_id == MEDIA_ID and not buffer:
            return Status.INVALID_PARAMETER
        if media_id == MEDIA_ID and size % block:
            return Status.BAD_BUFFER_SIZE
        return self.device.transfer(self.uefi, media_id, lba * block, size, buffer, write)

    @method("ReadBlocks(IN UINT32 MediaId, IN EFI_LBA Lba, IN UINTN BufferSize, OUT VOID *Buffer)")
    def read_blocks(self, call, media_id, lba, size, buffer):
        return self._transfer(media_id, lba, size, buffer, False)

    @method("WriteBlocks(IN UINT32 MediaId, IN EFI_LBA Lba, IN UINTN BufferSize, IN VOID *Buffer)")
    def write_blocks(self, call, media_id, lba, size, buffer):
        return self._transfer(media_id, lba, size, buffer, True)

    @method("FlushBlocks()")
    def flush_blocks(self, call):
        return Status.SUCCESS


class DiskIo(Protocol):
    """Bytes of a device, wherever they begin."""

    guid = Guid("ce345171-ba0b-11d2-8e4f-00a0c969723b")
    members = "Revision:UINT64 ReadDisk WriteDisk"

    def __init__(self, uefi, device: BlockDevice):
        super().__init__(uefi)
        self.device = device

    def initial(self):
        return {"Revision": DISK_IO_REVISION}

    @method("ReadDisk(IN UINT32 MediaId, IN UINT64 Offset, IN UINTN BufferSize, OUT VOID *Buffer)")
    def read_disk(self, call, media_id, offset, size, buffer):
        return self.device.transfer(self.uefi, media_id, offset, size, buffer, False)

    @method("WriteDisk(IN UINT32 MediaId, IN UINT64 Offset, IN UINTN BufferSize, IN VOID *Buffer)")
    def write_disk(self, call, media_id, offset, size, buffer):
        return self.device.transfer(self.uefi, media_id, offset, size, buffer, True)
