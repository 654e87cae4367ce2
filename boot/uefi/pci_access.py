"""What EFI_PCI_IO and EFI_PCI_ROOT_BRIDGE_IO have in common: accesses of a width.

    Width    3 2  0 one after another  1 FIFO: always the same address  2 fill: always the same value
             1 0  1, 2, 4, 8 bytes

Source: UEFI 2.10, sections 14.2 and 14.4.
"""
from __future__ import annotations

import struct
from collections.abc import Callable

from boot.uefi.boot_services.miscellaneous import pass_time
from boot.uefi.definitions import Status
from boot.uefi.events import NEVER, ticks
from boot.uefi.steps import begin
from x86.devices.vga_linear import FRAME_BUFFER, REGISTERS

WIDTHS = 12
FIFO, FILL = 1, 2
MOST = 1 << 24                          # values of one call: four times what the frame buffer has
POLL_TICKS = 1000                       # between two looks of PollMem and PollIo
FOUR_GB = 1 << 32
CONFIGURATION_SIZE = 256                # bytes of a function

#: Where devices can be in memory, beside what is below 1 MB
LEGACY_MEMORY = (0xA0000, 0xC0000)
DEVICE_MEMORY = (0xC0000000, 0xFEC00000)
assert DEVICE_MEMORY[0] <= FRAME_BUFFER < REGISTERS < DEVICE_MEMORY[1]

MEMORY, PORTS, BUSES = 0, 1, 2          # ResType of a descriptor
DESCRIPTOR = struct.Struct("<BHBBBQQQQQ")       # QWORD address space descriptor of ACPI
END = b"\x79\x00"


def descriptor(kind: int, first: int, last: int, length: int, granularity: int = 32, prefetchable: bool = False) -> bytes:
    """A resource as GetBarAttributes and Configuration list it."""
    return DESCRIPTOR.pack(0x8A, DESCRIPTOR.size - 3, kind, 0, 6 if prefetchable else 0, granularity, first, last, 0, length)


# ---- accesses --------------------------------------------------------------------------------------------------------

def read_memory(uefi, address: int, size: int) -> int:
    """What a device or memory has there; ones where nobody is."""
    try:
        return uefi.machine.memory.read_number(address, size)
    except IndexError:
        return (1 << 8 * size) - 1


def write_memory(uefi, address: int, value: int, size: int) -> None:
    try:
        uefi.machine.memory.write_number(address, value, size)
    except IndexError:
        pass                            # nobody is there


def read_port(uefi, port: int, size: int) -> int:
    return uefi.machine.bus.read(port, size)


def write_port(uefi, port: int, value: int, size: int) -> None:
    uefi.machine.bus.write(port, value, size)


def read_config(uefi, address: tuple[int, int, int], size: int) -> int:
    """A register; address: (device, function, register)."""
    function = uefi.machine.devices["pci"].functions.get(address[:2])
    return function.read(address[2], size) if function else (1 << 8 * size) - 1


def write_config(uefi, address: tuple[int, int, int], value: int, size: int) -> None:
    function = uefi.machine.devices["pci"].functions.get(address[:2])
    if function:
        function.write(address[2], value, size)


def check(width: int, count: int, address: int, end: int, buffer: int, widest: int = 8) -> Status | None:
    """A status for an access that is refused; `end` is where what can be reached ends."""
    if width >= WIDTHS or not buffer or count > MOST:
        return Status.INVALID_PARAMETER
    size = 1 << (width & 3)
    if size > widest:
        return Status.INVALID_PARAMETER
    span = size if width >> 2 == FIFO else size * count
    return Status.UNSUPPORTED if address % size or address + span > end else None


def read(uefi, access: Callable, place: Callable, width: int, count: int, buffer: int) -> Status:
    """`count` values into the buffer. place(offset): the address `offset` bytes from the first."""
    size, kind = 1 << (width & 3), width >> 2
    values = [access(uefi, place(0 if kind == FIFO else index * size), size) for index in range(count)]
    if values:
        uefi.write(buffer, b"".join(value.to_bytes(size, "little") for value in (values[-1:] if kind == FILL else values)))
    return Status.SUCCESS


def write(uefi, access: Callable, place: Callable, width: int, count: int, buffer: int) -> Status:
    """`count` values out of the buffer."""
    size, kind = 1 << (width & 3), width >> 2
    data = uefi.read(buffer, size if kind == FILL else size * count) if count else b""
    for index in range(count):
        at = 0 if kind == FILL else index * size
        access(uefi, place(0 if kind == FIFO else index * size), int.from_bytes(data[at:at + size], "little"), size)
    return Status.SUCCESS


def copy(uefi, target: int, source: int, size: int, count: int) -> None:
    """`count` values of `size` bytes from one place in memory to another, which may overlap."""
    offsets = range(0, size * count, size)
    for offset in offsets if target <= source else reversed(offsets):
        write_memory(uefi, target + offset, read_memory(uefi, source + offset, size), size)


def poll(uefi, call, steps, value, access, address, size, mask, wanted, end, result):
    """A step: look until the masked value is the one that is wanted, or `end` has come."""
    found = access(uefi, address, size)
    uefi.write_u64(result, found)
    if found & mask == wanted:
        return Status.SUCCESS
    if uefi.machine.time >= end:
        return Status.TIMEOUT
    steps.then(poll, access, address, size, mask, wanted, end, result)
    steps.then(pass_time, min(end, uefi.machine.time + POLL_TICKS))


def poll_for(uefi, call, access, address, size, mask, wanted, delay, result):
    """PollMem and PollIo. Delay is in units of 100 ns; with 0 there is one look, which is good whatever it finds."""
    if delay == 0:
        uefi.write_u64(result, access(uefi, address, size))
        return Status.SUCCESS
    end = min(NEVER, uefi.machine.time + ticks(uefi, delay))
    return begin(uefi, call, poll, access, address, size, mask, wanted, end, result)
