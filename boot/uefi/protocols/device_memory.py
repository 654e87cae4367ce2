"""Memory for devices, which EFI_PCI_IO and EFI_PCI_ROOT_BRIDGE_IO give alike. Devices see it where the processor sees it.

Source: UEFI 2.10, sections 14.2 and 14.4.
"""
from __future__ import annotations

from boot.uefi.definitions import MemoryType, Status
from boot.uefi.memory_map import NotAllocated, OutOfMemory
from boot.uefi.pci_access import FOUR_GB
from boot.uefi.protocol import Protocol, method

NO_MAPPING = 0xFFFFFFFFFFFFFFFF         # what Map gives: there is nothing to undo
WRITE_COMBINE, CACHED, DUAL_ADDRESS = 0x0080, 0x0800, 0x8000   # what AllocateBuffer may be asked for
BUFFER_TYPES = (MemoryType.BootServicesData, MemoryType.RuntimeServicesData)


class DeviceMemory(Protocol):
    """The functions of both protocols. operations: how many Map knows."""

    operations: int

    @method("Map(IN EFI_PCI_IO_PROTOCOL_OPERATION Operation, IN VOID *HostAddress, IN OUT UINTN *NumberOfBytes, "
            "OUT EFI_PHYSICAL_ADDRESS *DeviceAddress, OUT VOID **Mapping)")
    def map(self, call, operation, host, size, device, mapping):
        """The address that a device has to use is the same."""
        if operation >= self.operations or not host or not size or not device or not mapping:
            return Status.INVALID_PARAMETER
        self.uefi.write_u64(device, host)
        self.uefi.write_u64(mapping, NO_MAPPING)
        return Status.SUCCESS

    @method("Unmap(IN VOID *Mapping)")
    def unmap(self, call, mapping):
        return Status.SUCCESS if mapping == NO_MAPPING else Status.INVALID_PARAMETER

    @method("AllocateBuffer(IN EFI_ALLOCATE_TYPE Type, IN EFI_MEMORY_TYPE MemoryType, IN UINTN Pages, OUT VOID **HostAddress, "
            "IN UINT64 Attributes)")
    def allocate_buffer(self, call, kind, memory_type, pages, host, attributes):
        """Pages below 4 GB. Type means nothing (14.4.11)."""
        if attributes & ~(WRITE_COMBINE | CACHED | DUAL_ADDRESS):
            return Status.UNSUPPORTED
        if not host or not pages or memory_type not in BUFFER_TYPES:
            return Status.INVALID_PARAMETER
        try:
            address = self.uefi.map.allocate(pages, memory_type, FOUR_GB - 1)
        except OutOfMemory:
            return Status.OUT_OF_RESOURCES
        self.uefi.write_u64(host, address)
        return Status.SUCCESS

    @method("FreeBuffer(IN UINTN Pages, IN VOID *HostAddress)")
    def free_buffer(self, call, pages, host):
        try:
            self.uefi.map.free(host, pages)
        except NotAllocated:
            return Status.INVALID_PARAMETER
        return Status.SUCCESS

    @method("Flush()")
    def flush(self, call):
        return Status.SUCCESS
