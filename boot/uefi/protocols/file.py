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


def resolve(trail: list[fat.Node], name: str) -> tuple[list[fat.Node], str]:
    r"""(nodes from the root to the directory, last part) of a path a\b\..\c from trail[-1], or \a from the root.

    The last part is "" for the directory itself. FatError."""
    trail = trail[:1] if name.startswith("\\") else list(trail)
    parts = [part for part in name.split("\\") if part not in ("", ".")]
    for number, part in enumerate(parts, 1):
        if part == "..":
            if len(trail) == 1:
                raise fat.NotFound("the root directory has no parent")
            trail.pop()
        elif number == len(parts):
            return trail, part
        else:
            trail.append(trail[-1].lookup(part))
    return trail, ""


class SimpleFileSystem(Protocol):
    """The way to a volume's root directory."""

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
        file = File(self.uefi, [self.volume.root], READ | (0 if self.volume.read_only else WRITE))
        self.uefi.write_u64(root, file.write_table())
        return Status.SUCCESS


class File(Protocol):
    """An open file or directory.

    trail      nodes from the root to it
    position   bytes, or entries of a directory
    """

    members = ("Revision:UINT64 Open Close Delete Read Write GetPosition SetPosition GetInfo SetInfo Flush OpenEx ReadEx WriteEx "
               "FlushEx")

    def __init__(self, uefi, trail: list[fat.Node], mode: int):
        super().__init__(uefi)
        self.trail = trail
        self.mode = mode
        self.position = 0

    def initial(self):
        return {"Revision": 0x00020000}

    @property
    def node(self) -> fat.Node:
        return self.trail[-1]

    @property
    def volume(self) -> fat.Volume:
        return self.node.volume

    # ---- opening and closing -----------------------------------------------------------------------------------------

    @method("Open(OUT EFI_FILE_PROTOCOL **NewHandle, IN CHAR16 *FileName, IN UINT64 OpenMode, IN UINT64 Attributes)")
    def open(self, call, new_handle, file_name, mode, attributes):
        if not new_handle or not file_name or mode not in MODES:
            return Status.INVALID_PARAMETER
        if mode & CREATE and (attributes & ~ATTRIBUTES or attributes & entries.READ_ONLY):
            return Status.INVALID_PARAMETER
        if mode & WRITE and self.volume.read_only:
            return Status.WRITE_PROTECTED
        name = self.uefi.read_string(file_name)
        try:
            trail = self._find(name, mode, attributes)
            if mode & WRITE and not trail[-1].is_directory and trail[-1].attributes & entries.READ_ONLY:
                return Status.ACCESS_DENIED
        except fat.FatError as error:
            return status_of(error)
        self.uefi.write_u64(new_handle, File(self.uefi, trail, mode).write_table())
        return Status.SUCCESS

    def _find(self, name, mode, attributes):
        """The trail to the file of that name, created where that is asked for."""
        if not self.node.is_directory and not name.startswith("\\"):
            raise fat.NotFound("a file has nothing in it")
        trail, last = resolve(self.trail, name)
        if not last:
            return trail
        wanted = bool(attributes & entries.DIRECTORY)
        try:
            found = trail[-1].lookup(last)
        except fat.NotFound:
            if not mode & CREATE:
                raise
            return [*trail, trail[-1].create(last, wanted, attributes & ~entries.DIRECTORY)]
        if mode & CREATE and wanted != found.is_directory or name.endswith("\\") and not found.is_directory:
            raise fat.NameInvalid(f"{name} is of the other kind")
        return [*trail, found]

    @method("Close()")
    def close(self, call):
        self._forget()
        return Status.SUCCESS

    @method("Delete()")
    def delete(self, call):
        """The handle is closed in any case."""
        self._forget()
        try:
            if self.mode & WRITE and not self.node.is_root and not self.node.attributes & entries.READ_ONLY:
                self.node.delete()
                return Status.SUCCESS
        except fat.FatError:
            return Status.WARN_DELETE_FAILURE
        return Status.WARN_DELETE_FAILURE

    def _forget(self):
        self.uefi.interfaces.pop(self.address, None)
        self.uefi.pool.release(self.address)

    # ---- reading and writing -----------------------------------------------------------------------------------------

    @method("Read(IN OUT UINTN *BufferSize, OUT VOID *Buffer)")
    def read(self, call, size_pointer, buffer):
        size = self.uefi.read_u64(size_pointer)
        try:
            if self.node.is_directory:
                return self._read_directory(size_pointer, size, buffer)
            if self.position > self.node.size:
                return Status.DEVICE_ERROR
            data = self.node.read(self.position, min(size, LARGEST))
        except fat.FatError as error:
            return status_of(error)
        self.uefi.write_u64(size_pointer, len(data))
        if data:
            self.uefi.write(buffer, data)
        self.position += len(data)
        return Status.SUCCESS

    def _read_directory(self, size_pointer, size, buffer):
        nodes = self.node.entries()
        if self.position >= len(nodes):
            self.uefi.write_u64(size_pointer, 0)
            return Status.SUCCESS
        status = self._give(info(nodes[self.position]), size_pointer, size, buffer)
        if status == Status.SUCCESS:
            self.position += 1
        return status

    def _give(self, data, size_pointer, size, buffer):
        """Data of which the caller has to guess the size."""
        self.uefi.write_u64(size_pointer, len(data))
        if size < len(data):
            return Status.BUFFER_TOO_SMALL
        self.uefi.write(buffer, data)
        return Status.SUCCESS

    @method("Write(IN OUT UINTN *BufferSize, IN VOID *Buffer)")
    def write(self, call, size_pointer, buffer):
        size = self.uefi.read_u64(size_pointer)
        try:
            if self.node.is_directory:
                return Status.UNSUPPORTED
            if not self.mode & WRITE:
                return Status.ACCESS_DENIED
            if self.position + size > LARGEST:
                return Status.VOLUME_FULL
            self.node.write(self.position, self.uefi.read(buffer, size) if size else b"")
        except fat.FatError as error:
            self.uefi.write_u64(size_pointer, 0)
            return status_of(error)
        self.position += size
        return Status.SUCCESS

    @method("Flush()")
    def flush(self, call):
        return Status.SUCCESS if self.mode & WRITE else Status.ACCESS_DENIED

    @method("GetPosition(OUT UINT64 *Position)")
    def get_position(self, call, position):
        if self.node.is_directory:
            return Status.UNSUPPORTED
        self.uefi.write_u64(position, self.position)
        return Status.SUCCESS

    @method("SetPosition(IN UINT64 Position)")
    def set_position(self, call, position):
        try:
            if self.node.is_directory:
                if position:
                    return Status.UNSUPPORTED
            elif position == TO_THE_END:
                position = self.node.size
            elif position > LARGEST:
                return Status.UNSUPPORTED
        except fat.FatError as error:
            return status_of(error)
        self.position = position
        return Status.SUCCESS

    # ---- what is known of it -----------------------------------------------------------------------------------------

    @method("GetInfo(IN EFI_GUID *InformationType, IN OUT UINTN *BufferSize, OUT VOID *Buffer)")
    def get_info(self, call, kind, size_pointer, buffer):
        make = {FILE_INFO: lambda: info(self.node), FILE_SYSTEM_INFO: lambda: system_info(self.volume),
                VOLUME_LABEL: lambda: utf16(self.volume.label)}.get(self.uefi.read_guid(kind))
        if make is None:
            return Status.UNSUPPORTED
        try:
            return self._give(make(), size_pointer, self.uefi.read_u64(size_pointer), buffer)
        except fat.FatError as error:
            return status_of(error)

    @method("SetInfo(IN EFI_GUID *InformationType, IN UINTN BufferSize, IN VOID *Buffer)")
    def set_info(self, call, kind, size, buffer):
        kind = self.uefi.read_guid(kind)
        if kind not in (FILE_INFO, FILE_SYSTEM_INFO, VOLUME_LABEL):
            return Status.UNSUPPORTED
        if self.volume.read_only:
            return Status.WRITE_PROTECTED
        data = self.uefi.read(buffer, size)
        try:
            if kind == FILE_INFO:
                return self._set_file_info(data)
            start = 0 if kind == VOLUME_LABEL else 36
            if len(data) < start + 2:
                return Status.BAD_BUFFER_SIZE
            self.volume.set_label(data[start:].decode("utf-16-le", "surrogatepass").split("\0")[0])
        except fat.FatError as error:
            return status_of(error)
        return Status.SUCCESS

    def _set_file_info(self, data):
        if len(data) < INFO.size + 2:
            return Status.BAD_BUFFER_SIZE
        _, size, _, created, accessed, modified, attributes = INFO.unpack_from(data)
        node, name = self.node, data[INFO.size:].decode("utf-16-le", "surrogatepass").split("\0")[0]
        if node.is_root or attributes & ~ATTRIBUTES or bool(attributes & entries.DIRECTORY) != node.is_directory:
            return Status.ACCESS_DENIED if node.is_root else Status.INVALID_PARAMETER
        if not self.mode & WRITE:
            return Status.ACCESS_DENIED
        if node.attributes & entries.READ_ONLY and attributes & entries.READ_ONLY:
            return Status.ACCESS_DENIED
        if size != node.size and not node.is_directory:
            node.truncate(size)
        if name and name != node.name:
            trail, last = resolve(self.trail[:-1], name)
            node.rename(last, trail[-1])
            self.trail = [*trail, node]
        node.set_attributes(attributes & ~entries.DIRECTORY)
        times = [None if time == EMPTY else unpack_moment(time) for time in (created, accessed, modified)]
        node.set_times(*times)
        return Status.SUCCESS


def info(node: fat.Node) -> bytes:
    """EFI_FILE_INFO."""
    entry = node.entry
    name = utf16(entry.name)
    created, accessed, modified = (pack_moment(time) for time in (entry.created, entry.accessed, entry.modified))
    return INFO.pack(INFO.size + len(name), node.size, node.allocated, created, accessed, modified,
                     entry.attributes & ATTRIBUTES) + name


def system_info(volume: fat.Volume) -> bytes:
    """EFI_FILE_SYSTEM_INFO."""
    label = utf16(volume.label)
    return struct.pack("<QB7xQQI", 36 + len(label), volume.read_only, volume.total, volume.free, volume.cluster_size) + label
