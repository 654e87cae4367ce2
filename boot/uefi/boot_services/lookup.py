"""Who has which protocol: handles are found by protocol, by device path, and by what is new.

Source: UEFI 2.10, section 7.3 "Protocol Handler Services".
"""
from __future__ import annotations

import struct

from boot.uefi import device_path
from boot.uefi.database import DEVICE_PATH
from boot.uefi.service import boot_service
from boot.uefi.definitions import Status

ALL_HANDLES, BY_REGISTER_NOTIFY, BY_PROTOCOL = range(3)         # EFI_LOCATE_SEARCH_TYPE


def locate(uefi, search_type: int, protocol: int, key: int) -> tuple[int, list[int]]:
    """(status, handles) of a search. BY_REGISTER_NOTIFY finds one at a time; `found_new` goes on to the next."""
    database = uefi.database
    if search_type == ALL_HANDLES:
        handles = list(database.handles)
    elif search_type == BY_REGISTER_NOTIFY:
        if key not in database.registrations:
            return Status.INVALID_PARAMETER, []
        found = database.next_of(database.registrations[key])
        handles = [found[0]] if found else []
    elif search_type == BY_PROTOCOL and protocol:
        handles = [handle.address for handle in database.with_protocol(uefi.read_guid(protocol))]
    else:
        return Status.INVALID_PARAMETER, []
    return (Status.SUCCESS if handles else Status.NOT_FOUND), handles


def found_new(uefi, key: int) -> None:
    """The caller knows the first new handle of its registration: the next search finds the one after it."""
    registration = uefi.database.registrations[key]
    found = uefi.database.next_of(registration)
    if found:
        registration.position = found[1].order


def pack(handles: list[int]) -> bytes:
    """Handles, or pointers, as an array."""
    return struct.pack(f"<{len(handles)}Q", *handles)


@boot_service("LocateHandle(IN EFI_LOCATE_SEARCH_TYPE SearchType, IN EFI_GUID *Protocol OPTIONAL, "
              "IN VOID *SearchKey OPTIONAL, IN OUT UINTN *BufferSize, OUT EFI_HANDLE *Buffer)")
def locate_handle(uefi, call, search_type, protocol, key, size_pointer, buffer):
    if not size_pointer:
        return Status.INVALID_PARAMETER
    room = uefi.read_u64(size_pointer)
    if room and not buffer:
        return Status.INVALID_PARAMETER
    status, handles = locate(uefi, search_type, protocol, key)
    if status != Status.SUCCESS:
        return status
    uefi.write_u64(size_pointer, 8 * len(handles))
    if room < 8 * len(handles):
        return Status.BUFFER_TOO_SMALL
    uefi.write(buffer, pack(handles))
    if search_type == BY_REGISTER_NOTIFY:
        found_new(uefi, key)
    return Status.SUCCESS


@boot_service("LocateHandleBuffer(IN EFI_LOCATE_SEARCH_TYPE SearchType, IN EFI_GUID *Protocol OPTIONAL, "
              "IN VOID *SearchKey OPTIONAL, OUT UINTN *NoHandles, OUT EFI_HANDLE **Buffer)")
def locate_handle_buffer(uefi, call, search_type, protocol, key, count_pointer, buffer_pointer):
    if not count_pointer or not buffer_pointer:
        return Status.INVALID_PARAMETER
    uefi.write_u64(count_pointer, 0)
    uefi.write_u64(buffer_pointer, 0)
    status, handles = locate(uefi, search_type, protocol, key)
    if status != Status.SUCCESS:
        return status
    buffer = uefi.allocate_pool(8 * len(handles))
    uefi.write(buffer, pack(handles))
    uefi.write_u64(count_pointer, len(handles))
    uefi.write_u64(buffer_pointer, buffer)
    if search_type == BY_REGISTER_NOTIFY:
        found_new(uefi, key)
    return Status.SUCCESS


@boot_service("LocateProtocol(IN EFI_GUID *Protocol, IN VOID *Registration OPTIONAL, OUT VOID **Interface)")
def locate_protocol(uefi, call, protocol, key, pointer):
    if not protocol or not pointer:
        return Status.INVALID_PARAMETER
    uefi.write_u64(pointer, 0)
    guid = uefi.read_guid(protocol)
    if key:
        if key not in uefi.database.registrations:
            return Status.INVALID_PARAMETER
        guid = uefi.database.registrations[key].guid
    status, handles = locate(uefi, BY_REGISTER_NOTIFY if key else BY_PROTOCOL, protocol, key)
    if status == Status.SUCCESS:
        uefi.write_u64(pointer, uefi.database.interface(handles[0], guid).address)
        if key:
            found_new(uefi, key)
    return status


@boot_service("LocateDevicePath(IN EFI_GUID *Protocol, IN OUT EFI_DEVICE_PATH_PROTOCOL **DevicePath, OUT EFI_HANDLE *Device)")
def locate_device_path(uefi, call, protocol, path_pointer, device_pointer):
    if not protocol or not path_pointer:
        return Status.INVALID_PARAMETER
    path = uefi.read_u64(path_pointer)
    if not path:
        return Status.INVALID_PARAMETER
    found = nearest(uefi, uefi.read_guid(protocol), first_instance(path_at(uefi, path)))
    if found is None:
        return Status.NOT_FOUND
    if not device_pointer:
        return Status.INVALID_PARAMETER
    handle, length = found
    uefi.write_u64(device_pointer, handle)
    uefi.write_u64(path_pointer, path + length)
    return Status.SUCCESS


def nearest(uefi, guid, path: bytes) -> tuple[int, int] | None:
    """(handle, bytes of its device path) of the handle with that protocol whose device path is the longest that `path`, which
    has no end node, begins with."""
    best = None
    for handle in uefi.database.with_protocol(guid):
        interface = handle.interfaces.get(DEVICE_PATH)
        own = path_at(uefi, interface.address) if interface and interface.address else b""
        if own and device_path.starts_with(path, own) and (best is None or len(own) - 4 > best[1]):
            best = handle.address, len(own) - 4
    return best


def path_at(uefi, address: int) -> bytes:
    """The device path at an address, with its end; b"" for what is none, as EDK2 takes it."""
    try:
        return device_path.read(uefi, address)
    except device_path.BadPath:
        return b""


def first_instance(path: bytes) -> bytes:
    """The nodes of a device path before its first end node, be it the end of all or of one instance."""
    at = 0
    while at < len(path) and path[at] != device_path.END:
        at += int.from_bytes(path[at + 2:at + 4], "little")
    return path[:at]


@boot_service("ProtocolsPerHandle(IN EFI_HANDLE Handle, OUT EFI_GUID ***ProtocolBuffer, OUT UINTN *ProtocolBufferCount)")
def protocols_per_handle(uefi, call, handle, buffer_pointer, count_pointer):
    if not buffer_pointer or not count_pointer:
        return Status.INVALID_PARAMETER
    uefi.write_u64(count_pointer, 0)
    found = uefi.database.handles.get(handle)
    if found is None or not found.interfaces:
        return Status.INVALID_PARAMETER
    guids = list(reversed(found.interfaces))
    buffer = uefi.allocate_pool(8 * len(guids))
    uefi.write(buffer, pack([guid_address(uefi, guid) for guid in guids]))
    uefi.write_u64(buffer_pointer, buffer)
    uefi.write_u64(count_pointer, len(guids))
    return Status.SUCCESS


def guid_address(uefi, guid) -> int:
    """Where in memory a GUID can be read for as long as the firmware lives. OutOfMemory."""
    guids = uefi.database.guids
    if guid not in guids:
        guids[guid] = uefi.allocate_pool(16)
        uefi.write(guids[guid], guid)
    return guids[guid]
