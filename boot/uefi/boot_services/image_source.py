"""Where LoadImage gets an image from: the file system, or the LoadFile protocol, to which a device path leads.

All of it goes through the protocols in guest memory, so that it is the same whether they are the firmware's or a guest's.

    EFI_SIMPLE_FILE_SYSTEM_PROTOCOL    8 OpenVolume
    EFI_FILE_PROTOCOL                  8 Open   10h Close   20h Read   40h GetInfo
    EFI_FILE_INFO                      8 FileSize   48h Attribute
    EFI_LOAD_FILE(2)_PROTOCOL          0 LoadFile

Source: UEFI 2.10, section 7.4.1 "LoadImage"; 13.1 "Load File Protocol"; 13.4 and 13.5, file systems and files.
"""
from __future__ import annotations

from dataclasses import dataclass

from boot.uefi.boot_services.lookup import first_instance, guid_address, nearest, path_at
from boot.uefi.device_path import BY_NAME, END
from boot.uefi.memory_map import OutOfMemory
from boot.uefi.definitions import ERROR, Guid, Status

SIMPLE_FILE_SYSTEM = Guid("964e5b22-6459-11d2-8e39-00a0c969723b")
LOAD_FILE = Guid("56ec3091-954c-11d2-8e3f-00a0c969723b")
LOAD_FILE2 = Guid("4006c0c1-fcb3-403e-996d-4a6c8724e06d")
FILE_INFO = Guid("09576e92-6d3f-11d2-8e39-00a0c969723b")

OPEN_VOLUME = 0x08
OPEN, CLOSE, READ, GET_INFO = 0x08, 0x10, 0x20, 0x40
FILE_SIZE, ATTRIBUTE = 0x08, 0x48
MODE_READ, DIRECTORY = 1, 0x10
FILE_PATH = BY_NAME["FilePath"].type, BY_NAME["FilePath"].subtype
INFO_SIZE = 0x50                        # bytes of an EFI_FILE_INFO before its name


@dataclass
class Source:
    """An image as a file. device: the handle it came from, or 0; path: its whole device path, or b""."""
    data: bytes
    device: int
    path: bytes


@dataclass
class Reading:
    """A file on its way. Addresses in guest memory: node of the device path that comes next; out, 16 bytes for a pointer and a
    size; file, the EFI_FILE_PROTOCOL that is open; buffer, of `room` bytes."""
    device: int
    path: bytes
    node: int
    out: int
    file: int = 0
    buffer: int = 0
    room: int = 0


def read(uefi, call, steps, value, path, boot_policy):
    """A step: the Source at the device path at address `path`, or the status of the last that was asked for it."""
    whole = path_at(uefi, path)
    attempts = [(SIMPLE_FILE_SYSTEM, open_volume), (LOAD_FILE2, load_file), (LOAD_FILE, load_file)]
    if boot_policy:
        del attempts[1]
    steps.then(attempt, path, whole, boot_policy, attempts)
    return Status.NOT_FOUND


def attempt(uefi, call, steps, value, path, whole, boot_policy, attempts):
    """A step: ask the next kind of protocol, unless there is a Source already."""
    if isinstance(value, Source) or not attempts:
        return value if isinstance(value, Source) else Status.NOT_FOUND
    (guid, function), *rest = attempts
    steps.then(attempt, path, whole, boot_policy, rest)
    found = nearest(uefi, guid, first_instance(whole)) if whole else None
    if found:
        device, length = found
        address = uefi.database.interface(device, guid).address
        reading = Reading(device, whole, path + length, uefi.allocate_pool(16))
        steps.then(done, reading)
        steps.then(function, reading, address, boot_policy)
    return Status.NOT_FOUND


def done(uefi, call, steps, status, reading):
    """A step: give back what the attempt needed. The value is the Source, if it succeeded."""
    result = status
    if not status & ERROR and reading.buffer:
        size = min(uefi.read_u64(reading.out + 8), reading.room)
        result = Source(uefi.read(reading.buffer, size), reading.device, reading.path)
    for block in (reading.buffer, reading.out):
        if block:
            uefi.free_pool(block)
    return result


def make_room(uefi, reading) -> bool:
    """A buffer for as many bytes as the size at `out` says; False if there is no memory for them."""
    reading.room = uefi.read_u64(reading.out + 8)
    try:
        reading.buffer = uefi.allocate_pool(reading.room)
    except OutOfMemory:
        return False
    return True


# ---- from a file system ----------------------------------------------------------------------------------------------

def open_volume(uefi, call, steps, value, reading, volume, boot_policy):
    steps.then(opened, reading)
    return steps.invoke(uefi.read_u64(volume + OPEN_VOLUME), volume, reading.out)


def opened(uefi, call, steps, status, reading):
    """A step: volume or directory is open, at `out`; what was open before is closed. The next node says what to open in it."""
    before, reading.file = reading.file, 0 if status & ERROR else uefi.read_u64(reading.out)
    steps.then(next_node, reading, status)
    if before:
        return steps.invoke(uefi.read_u64(before + CLOSE), before)
    return status


def next_node(uefi, call, steps, value, reading, status):
    if status & ERROR:
        return status
    header = uefi.read(reading.node, 4)
    name, reading.node = reading.node + 4, reading.node + int.from_bytes(header[2:], "little")
    file = reading.file
    if header[0] == END:
        steps.then(close, reading)
        steps.then(file_info, reading)
        uefi.write_u64(reading.out + 8, 0)
        steps.then(get_info, reading)
        return steps.invoke(uefi.read_u64(file + GET_INFO), file, guid_address(uefi, FILE_INFO), reading.out + 8, 0)
    if (header[0], header[1]) != FILE_PATH:
        steps.then(close, reading)
        return Status.UNSUPPORTED
    steps.then(opened, reading)
    return steps.invoke(uefi.read_u64(file + OPEN), file, reading.out, name, MODE_READ, 0)


def get_info(uefi, call, steps, status, reading):
    """A step: the first GetInfo has said how much room it needs."""
    if status != Status.BUFFER_TOO_SMALL or not make_room(uefi, reading):
        return status
    return steps.invoke(uefi.read_u64(reading.file + GET_INFO), reading.file, guid_address(uefi, FILE_INFO), reading.out + 8,
                        reading.buffer)


def file_info(uefi, call, steps, status, reading):
    """A step: the size of the file is known, so that it can be read as a whole."""
    info, reading.buffer = reading.buffer, 0
    if not info or reading.room < INFO_SIZE:
        return status if status & ERROR else Status.DEVICE_ERROR
    size, attributes = uefi.read_u64(info + FILE_SIZE), uefi.read_u64(info + ATTRIBUTE)
    uefi.free_pool(info)
    if status & ERROR:
        return status
    if attributes & DIRECTORY:
        return Status.NOT_FOUND
    uefi.write_u64(reading.out + 8, size)
    if not make_room(uefi, reading):
        return Status.OUT_OF_RESOURCES
    return steps.invoke(uefi.read_u64(reading.file + READ), reading.file, reading.out + 8, reading.buffer)


def close(uefi, call, steps, status, reading):
    file, reading.file = reading.file, 0
    steps.then(closed, status)
    return steps.invoke(uefi.read_u64(file + CLOSE), file)


def closed(uefi, call, steps, value, status):
    return status


# ---- by LoadFile -----------------------------------------------------------------------------------------------------

def load_file(uefi, call, steps, value, reading, address, boot_policy):
    uefi.write_u64(reading.out + 8, 0)
    steps.then(load_file_again, reading, address, boot_policy)
    return steps.invoke(uefi.read_u64(address), address, reading.node, boot_policy, reading.out + 8, 0)


def load_file_again(uefi, call, steps, status, reading, address, boot_policy):
    """A step: the first call has said how much room it needs."""
    if status != Status.BUFFER_TOO_SMALL:
        return status if status & ERROR else Status.DEVICE_ERROR
    if not make_room(uefi, reading):
        return Status.OUT_OF_RESOURCES
    return steps.invoke(uefi.read_u64(address), address, reading.node, boot_policy, reading.out + 8, reading.buffer)
