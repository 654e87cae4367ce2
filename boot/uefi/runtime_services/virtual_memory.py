"""SetVirtualAddressMap, ConvertPointer: an operating system moves the runtime services to addresses of its own.

    SetVirtualAddressMap -> functions of the group VIRTUAL_ADDRESS_CHANGE, which call ConvertPointer -> runtime drivers
                         -> the tables' pointers

The firmware itself keeps no pointers of that kind: its stubs are found by their physical addresses, wherever they are called.

Source: UEFI 2.10, section 8.4 "Virtual Memory Services".
"""
from __future__ import annotations

import struct

from boot.uefi import images, tables
from boot.uefi.definitions import PAGE, MemoryAttribute, Status
from boot.uefi.events import NOTIFY_SIGNAL, VIRTUAL_ADDRESS_CHANGE
from boot.uefi.service import runtime_service
from boot.uefi.steps import begin

DESCRIPTOR = struct.Struct("<I4xQQQQ")  # Type, PhysicalStart, VirtualStart, NumberOfPages, Attribute
VERSION = 1
OPTIONAL_POINTER = 1                    # of DebugDisposition: NULL stays NULL
#: Services that mean nothing afterwards; their pointers stay, as in EDK2
ONCE = ("SetVirtualAddressMap", "ConvertPointer")


@runtime_service("SetVirtualAddressMap(IN UINTN MemoryMapSize, IN UINTN DescriptorSize, IN UINT32 DescriptorVersion, "
                 "IN EFI_MEMORY_DESCRIPTOR *VirtualMap)")
def set_virtual_address_map(uefi, call, size, descriptor_size, version, pointer):
    if not uefi.exited or uefi.virtual:
        return Status.UNSUPPORTED
    if version != VERSION or descriptor_size < DESCRIPTOR.size:
        return Status.INVALID_PARAMETER
    uefi.virtual_map = []
    for at in range(pointer, pointer + size // descriptor_size * descriptor_size, descriptor_size):
        _, start, virtual, pages, attribute = DESCRIPTOR.unpack(uefi.read(at, DESCRIPTOR.size))
        if attribute & MemoryAttribute.RUNTIME:
            uefi.virtual_map.append((start, start + pages * PAGE, virtual))
    uefi.virtual = True
    told = [event.address for event in uefi.events.all.values()
            if event.group == VIRTUAL_ADDRESS_CHANGE and event.type & NOTIFY_SIGNAL]
    return begin(uefi, call, tell, told)


def tell(uefi, call, steps, value, addresses):
    """A step: call the next of the functions, or go on to the drivers and the tables."""
    if not addresses:
        images.follow(uefi, uefi.virtual_map)
        return convert_tables(uefi)
    event = uefi.events.all[addresses[0]]
    steps.then(tell, addresses[1:])
    return steps.invoke(event.function, event.address, event.context)


def convert_tables(uefi):
    """Let the pointers of the runtime services table and of the system table lead where the operating system has them."""
    system, runtime = uefi.table.address, uefi.table.runtime_services
    for index, name in enumerate(tables.RUNTIME_SERVICES):
        if name not in ONCE:
            convert(uefi, runtime + tables.HEADER + 8 * index)
    for field in (tables.VENDOR_FIELD, tables.RUNTIME_FIELD, tables.CONFIGURATION_FIELD):
        convert(uefi, system + field)
    tables.seal(uefi, runtime)
    tables.seal(uefi, system)
    uefi.virtual_map = None
    return Status.SUCCESS


def convert(uefi, place: int, optional: bool = False) -> Status:
    """ConvertPointer, for the pointer at `place`."""
    address = uefi.read_u64(place)
    if not address:
        return Status.SUCCESS if optional else Status.INVALID_PARAMETER
    for start, end, virtual in uefi.virtual_map or ():
        if start <= address < end:
            uefi.write_u64(place, address - start + virtual & 0xFFFFFFFFFFFFFFFF)
            return Status.SUCCESS
    return Status.NOT_FOUND


@runtime_service("ConvertPointer(IN UINTN DebugDisposition, IN OUT VOID **Address)")
def convert_pointer(uefi, call, disposition, place):
    if not place:
        return Status.INVALID_PARAMETER
    return convert(uefi, place, bool(disposition & OPTIONAL_POINTER))
