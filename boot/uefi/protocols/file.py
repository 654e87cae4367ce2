"""EFI_FILE_PROTOCOL: an open file or directory of a FAT volume.

    EFI_FILE_IO_TOKEN   0 Event   8 Status   16 BufferSize   24 Buffer

What ReadEx and its kin begin is done when they return; their event is signaled then.

Source: UEFI 2.10, section 13.5; where it leaves a choice, EDK2's driver for FAT.
"""
from __future__ import annotations

import functools

from boot import fat
from boot.fat.entries import DIRECTORY, READ_ONLY
from boot.uefi import events, file_info
from boot.uefi.definitions import ERROR, Status
from boot.uefi.file_info import ATTRIBUTES, FILE_INFO, FILE_SYSTEM_INFO, INFO, SYSTEM_INFO, VOLUME_LABEL
from boot.uefi.guest_memory import utf16
from boot.uefi.protocol import Protocol, method
from boot.uefi.times import now

READ, WRITE, CREATE = 1, 2, 1 << 63
MODES = (READ, READ | WRITE, READ | WRITE | CREATE)
LARGEST = 0xFFFFFFFF
TO_THE_END = 0xFFFF_FFFF_FFFF_FFFF
EVENT, STATUS, BUFFER_SIZE, BUFFER = 0, 8, 16, 24       # of a token

STATUSES = {fat.NotFound: Status.NOT_FOUND, fat.Exists: Status.ACCESS_DENIED, fat.Full: Status.VOLUME_FULL,
            fat.ReadOnly: Status.WRITE_PROTECTED, fat.NotEmpty: Status.ACCESS_DENIED, fat.NameInvalid: Status.INVALID_PARAMETER,
            fat.WrongKind: Status.NOT_FOUND, fat.Corrupt: Status.VOLUME_CORRUPTED}


class Gone(Exception):
    """The file was deleted through another handle."""


def answers(function):
    """A function of the protocol, whose errors on the volume become statuses."""
    @functools.wraps(function)
    def answer(self, call, *arguments):
        try:
            return function(self, call, *arguments)
        except Gone:
            return Status.DEVICE_ERROR
        except fat.FatError as error:
            call.note = str(error)
            return STATUSES[type(error)]
        except file_info.BadTime:
            return Status.INVALID_PARAMETER
    return answer


class File(Protocol):
    """One handle of a file or directory.

    trail        nodes from the root to it; handles of one file share its node, so that all know of a new name
    writable     it was opened with WRITE
    position     bytes, or entries of a directory
    keeps_time   SetInfo has set the time of modification, so that writing does not
    """

    members = ("Revision:UINT64 Open Close Delete Read Write GetPosition SetPosition GetInfo SetInfo Flush OpenEx ReadEx WriteEx "
               "FlushEx")

    def __init__(self, uefi, trail: list[fat.Node], writable: bool):
        super().__init__(uefi)
        self.trail = trail
        self.writable = writable
        self.position = 0
        self.keeps_time = False

    def initial(self):
        return {"Revision": 0x00020000}

    @property
    def node(self) -> fat.Node:
        return self.trail[-1]

    @property
    def volume(self) -> fat.Volume:
        return self.node.volume

    def _entry(self):
        """What its entry on disk says. Gone."""
        try:
            return self.node.entry
        except fat.NotFound as error:
            raise Gone from error

    def _others(self):
        """All handles of files on this volume, this one too."""
        return [each for each in self.uefi.interfaces.values() if isinstance(each, File) and each.volume is self.volume]

    # ---- opening and closing -----------------------------------------------------------------------------------------

    @method("Open(OUT EFI_FILE_PROTOCOL **NewHandle, IN CHAR16 *FileName, IN UINT64 OpenMode, IN UINT64 Attributes)")
    @answers
    def open(self, call, new_handle, file_name, mode, attributes):
        if not new_handle or not file_name or mode not in MODES:
            return Status.INVALID_PARAMETER
        if mode & CREATE and attributes & (~ATTRIBUTES | READ_ONLY):
            return Status.INVALID_PARAMETER
        if mode & WRITE and self.volume.read_only:
            return Status.WRITE_PROTECTED
        self._entry()
        wanted = bool(attributes & DIRECTORY)
        trail, missing = file_info.locate(self.trail, self.uefi.read_string(file_name), wanted)
        if missing:
            if not mode & CREATE:
                return Status.NOT_FOUND
            trail.append(trail[-1].create(missing, wanted, attributes & ~DIRECTORY, now(self.uefi)))
        if mode & WRITE and trail[-1].attributes & READ_ONLY:
            return Status.ACCESS_DENIED
        file = File(self.uefi, self._shared(trail), bool(mode & WRITE))
        self.uefi.write_u64(new_handle, file.write_table())
        return Status.SUCCESS

    def _shared(self, trail):
        """The trail, with the nodes that other handles have in place of equal ones."""
        known = [node for each in self._others() for node in each.trail]
        return [next((each for each in known if each == node), node) for node in trail]

    @method("Close()")
    def close(self, call):
        self._forget()
        return Status.SUCCESS

    @method("Delete()")
    def delete(self, call):
        """The handle is closed in any case."""
        self._forget()
        try:
            if self.writable and not self.node.is_root:
                self.node.delete()
                return Status.SUCCESS
        except fat.FatError as error:
            call.note = str(error)
        return Status.WARN_DELETE_FAILURE

    def _forget(self):
        self.uefi.interfaces.pop(self.address, None)
        self.uefi.free_pool(self.address)

    # ---- reading and writing -----------------------------------------------------------------------------------------

    @method("Read(IN OUT UINTN *BufferSize, OUT VOID *Buffer)")
    @answers
    def read(self, call, size_pointer, buffer):
        if not size_pointer:
            return Status.INVALID_PARAMETER
        size, entry = self.uefi.read_u64(size_pointer), self._entry()
        if entry.is_directory:
            return self._read_directory(size_pointer, buffer)
        if self.position > entry.size:
            return Status.DEVICE_ERROR
        data = self.node.read(self.position, size)
        if data and not buffer:
            return Status.INVALID_PARAMETER
        self.uefi.write_u64(size_pointer, len(data))
        if data:
            self.uefi.write(buffer, data)
        self.position += len(data)
        return Status.SUCCESS

    def _read_directory(self, size_pointer, buffer):
        nodes = self.node.entries()
        if self.position >= len(nodes):
            self.uefi.write_u64(size_pointer, 0)
            return Status.SUCCESS
        status = self.uefi.offer(file_info.pack(nodes[self.position]), size_pointer, buffer)
        if status == Status.SUCCESS:
            self.position += 1
        return status

    @method("Write(IN OUT UINTN *BufferSize, IN VOID *Buffer)")
    @answers
    def write(self, call, size_pointer, buffer):
        if not size_pointer:
            return Status.INVALID_PARAMETER
        size = self.uefi.read_u64(size_pointer)
        if self._entry().is_directory:
            return Status.UNSUPPORTED
        if not self.writable:
            return Status.ACCESS_DENIED
        if size and not buffer:
            return Status.INVALID_PARAMETER
        if self.position + size > LARGEST:
            return Status.UNSUPPORTED
        try:
            self.node.write(self.position, self.uefi.read(buffer, size) if size else b"")
        except fat.FatError:
            self.uefi.write_u64(size_pointer, 0)        # nothing was written
            raise
        if size:
            self._touch()
        self.position += size
        return Status.SUCCESS

    def _touch(self):
        """The file has changed now."""
        moment = now(self.uefi)
        self.node.set_times(accessed=moment, modified=None if self.keeps_time else moment)

    @method("Flush()")
    @answers
    def flush(self, call):
        self._entry()
        return Status.SUCCESS if self.writable else Status.ACCESS_DENIED

    @method("GetPosition(OUT UINT64 *Position)")
    @answers
    def get_position(self, call, position):
        if not position:
            return Status.INVALID_PARAMETER
        if self._entry().is_directory:
            return Status.UNSUPPORTED
        self.uefi.write_u64(position, self.position)
        return Status.SUCCESS

    @method("SetPosition(IN UINT64 Position)")
    @answers
    def set_position(self, call, position):
        entry = self._entry()
        if entry.is_directory and position:
            return Status.UNSUPPORTED
        self.position = entry.size if position == TO_THE_END else position
        return Status.SUCCESS

    # ---- what is known of it -----------------------------------------------------------------------------------------

    @method("GetInfo(IN EFI_GUID *InformationType, IN OUT UINTN *BufferSize, OUT VOID *Buffer)")
    @answers
    def get_info(self, call, kind, size_pointer, buffer):
        if not kind or not size_pointer:
            return Status.INVALID_PARAMETER
        self._entry()
        kind = self.uefi.read_guid(kind)
        if kind == FILE_INFO:
            data = file_info.pack(self.node)
        elif kind == FILE_SYSTEM_INFO:
            data = file_info.pack_system(self.volume)
        elif kind == VOLUME_LABEL:
            data = utf16(self.volume.label)
        else:
            return Status.UNSUPPORTED
        return self.uefi.offer(data, size_pointer, buffer)

    @method("SetInfo(IN EFI_GUID *InformationType, IN UINTN BufferSize, IN VOID *Buffer)")
    @answers
    def set_info(self, call, kind, size, buffer):
        if not kind or not buffer:
            return Status.INVALID_PARAMETER
        self._entry()
        kind = self.uefi.read_guid(kind)
        least = {FILE_INFO: INFO.size, FILE_SYSTEM_INFO: SYSTEM_INFO.size, VOLUME_LABEL: 0}.get(kind)
        if least is None:
            return Status.UNSUPPORTED
        if self.volume.read_only:
            return Status.WRITE_PROTECTED
        if size < least + 2:
            return Status.BAD_BUFFER_SIZE
        data = self.uefi.read(buffer, size)
        if kind == FILE_INFO:
            return self._set_file_info(file_info.unpack(data))
        self.volume.set_label(file_info.text(data[least:]))
        return Status.SUCCESS

    def _set_file_info(self, wanted):
        """Times, attributes, name and size, one after the other: what is refused comes after what is done."""
        node, entry = self.node, self._entry()
        if node.is_root:
            return Status.ACCESS_DENIED
        if wanted.attributes & ~ATTRIBUTES:
            return Status.INVALID_PARAMETER
        if bool(wanted.attributes & DIRECTORY) != entry.is_directory:
            return Status.ACCESS_DENIED
        fixed = not self.writable or entry.attributes & READ_ONLY
        if not fixed:
            node.set_times(wanted.created, wanted.accessed, wanted.modified)
            self.keeps_time = self.keeps_time or wanted.modified is not None
        node.set_attributes(wanted.attributes & ~DIRECTORY)
        trail, missing = file_info.locate(self.trail[:-1], wanted.name)
        if missing:
            inside = any(file_info.is_below(each.trail, node) for each in self._others()) or any(each == node for each in trail)
            if fixed or inside:
                return Status.ACCESS_DENIED
            node.rename(missing, trail[-1])
            trail = self._shared(trail)
            for each in self._others():
                if each.node is node:
                    each.trail = [*trail, node]
        elif trail[-1] != node:
            return Status.ACCESS_DENIED
        if wanted.size != INFO.unpack(file_info.pack(node)[:INFO.size])[1]:
            if entry.is_directory or fixed:
                return Status.ACCESS_DENIED
            if wanted.size > LARGEST:
                return Status.UNSUPPORTED
            node.truncate(wanted.size)
            self._touch()
        return Status.SUCCESS

    # ---- without waiting -----------------------------------------------------------------------------------------------

    @method("OpenEx(OUT EFI_FILE_PROTOCOL **NewHandle, IN CHAR16 *FileName, IN UINT64 OpenMode, IN UINT64 Attributes, "
            "IN OUT EFI_FILE_IO_TOKEN *Token)")
    def open_ex(self, call, new_handle, file_name, mode, attributes, token):
        return self._complete(token, token and self.open(call, new_handle, file_name, mode, attributes))

    @method("ReadEx(IN OUT EFI_FILE_IO_TOKEN *Token)")
    def read_ex(self, call, token):
        return self._complete(token, token and self.read(call, token + BUFFER_SIZE, self.uefi.read_u64(token + BUFFER)))

    @method("WriteEx(IN OUT EFI_FILE_IO_TOKEN *Token)")
    def write_ex(self, call, token):
        return self._complete(token, token and self.write(call, token + BUFFER_SIZE, self.uefi.read_u64(token + BUFFER)))

    @method("FlushEx(IN OUT EFI_FILE_IO_TOKEN *Token)")
    def flush_ex(self, call, token):
        return self._complete(token, token and self.flush(call))

    def _complete(self, token, status):
        """An error is returned; success is in the token as well, and its event is signaled."""
        if not token:
            return Status.INVALID_PARAMETER
        if not status & ERROR:
            event = self.uefi.read_u64(token + EVENT)
            self.uefi.write_u64(token + STATUS, status)
            if event in self.uefi.events.all:
                events.signal(self.uefi, event)
        return status
