"""Pages, pool, and the memory map. Source: UEFI 2.10, section 7.2 "Memory Allocation Services"."""
from __future__ import annotations

import struct

from boot.uefi.memory_map import FIRST_OEM, NotAllocated, OutOfMemory
from boot.uefi.service import boot_service
from boot.uefi.definitions import PAGE, MemoryType, Status

ANY_PAGES, MAX_ADDRESS, ADDRESS = range(3)          # EFI_ALLOCATE_TYPE
MOST = 1 << 52                                      # pages: more than any memory has

#: EFI_MEMORY_DESCRIPTOR:  0 Type (4), pad (4)   8 PhysicalStart   16 VirtualStart   24 NumberOfPages   32 Attribute
DESCRIPTOR = struct.Struct("<I4xQQQQ8x")            # 48 bytes, not 40: callers must use DescriptorSize, as on every PC
DESCRIPTOR_VERSION = 1


def allocatable(memory_type: int) -> bool:
    """Whether somebody may allocate memory of that type."""
    if memory_type >= FIRST_OEM:
        return True
    return memory_type < MemoryType.Persistent and memory_type != MemoryType.Conventional


@boot_service("AllocatePages(IN EFI_ALLOCATE_TYPE Type, IN EFI_MEMORY_TYPE MemoryType, IN UINTN Pages, "
              "IN OUT EFI_PHYSICAL_ADDRESS *Memory)")
def allocate_pages(uefi, call, kind, memory_type, pages, memory):
    if kind > ADDRESS or not allocatable(memory_type) or not memory:
        return Status.INVALID_PARAMETER
    wanted = uefi.read_u64(memory)
    if kind == ADDRESS and (wanted % PAGE or pages == 0 or pages > MOST):
        return Status.NOT_FOUND
    if pages == 0 or pages > MOST:
        return Status.OUT_OF_RESOURCES
    try:
        if kind == ADDRESS:
            uefi.map.allocate_at(wanted, pages, memory_type)
        else:
            uefi.write_u64(memory, uefi.map.allocate(pages, memory_type, wanted if kind == MAX_ADDRESS else None))
    except OutOfMemory:
        return Status.NOT_FOUND if kind == ADDRESS else Status.OUT_OF_RESOURCES
    return Status.SUCCESS


@boot_service("FreePages(IN EFI_PHYSICAL_ADDRESS Memory, IN UINTN Pages)")
def free_pages(uefi, call, memory, pages):
    if memory % PAGE or pages == 0 or pages >= MOST:
        return Status.INVALID_PARAMETER
    try:
        uefi.map.free(memory, pages)
    except NotAllocated:
        return Status.NOT_FOUND
    return Status.SUCCESS


@boot_service("AllocatePool(IN EFI_MEMORY_TYPE PoolType, IN UINTN Size, OUT VOID **Buffer)")
def allocate_pool(uefi, call, pool_type, size, buffer):
    if not allocatable(pool_type) or not buffer:
        return Status.INVALID_PARAMETER
    if size > MOST:
        return Status.OUT_OF_RESOURCES
    try:
        uefi.write_u64(buffer, uefi.pool.allocate(size, pool_type))
    except OutOfMemory:
        return Status.OUT_OF_RESOURCES
    return Status.SUCCESS


@boot_service("FreePool(IN VOID *Buffer)")
def free_pool(uefi, call, buffer):
    try:
        uefi.pool.release(buffer)
    except NotAllocated:
        return Status.INVALID_PARAMETER
    return Status.SUCCESS


@boot_service("GetMemoryMap(IN OUT UINTN *MemoryMapSize, OUT EFI_MEMORY_DESCRIPTOR *MemoryMap, OUT UINTN *MapKey, "
              "OUT UINTN *DescriptorSize, OUT UINT32 *DescriptorVersion)")
def get_memory_map(uefi, call, size_pointer, buffer, key_pointer, descriptor_size, descriptor_version):
    if not size_pointer:
        return Status.INVALID_PARAMETER
    room = uefi.read_u64(size_pointer)
    ranges = uefi.map.ranges
    needed = DESCRIPTOR.size * len(ranges)
    uefi.write_u64(size_pointer, needed)
    if descriptor_size:
        uefi.write_u64(descriptor_size, DESCRIPTOR.size)
    if descriptor_version:
        uefi.write_u32(descriptor_version, DESCRIPTOR_VERSION)
    if room < needed:
        return Status.BUFFER_TOO_SMALL
    if not buffer:
        return Status.INVALID_PARAMETER
    uefi.write(buffer, b"".join(DESCRIPTOR.pack(each.type, each.start, 0, each.pages, each.attribute) for each in ranges))
    if key_pointer:
        uefi.write_u64(key_pointer, uefi.map.key)
    return Status.SUCCESS
