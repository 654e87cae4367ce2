"""EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL: everything behind the host bridge, by addresses.

    address in configuration space   63..32 register, if not 0   31..24 bus   23..16 device   15..8 function   7..0 register

The specification's Mem.Read, Io.Write, ... are MemRead, IoWrite, ... here. Source: UEFI 2.10, section 14.2.
"""
from __future__ import annotations

from boot.uefi import pci_access
from boot.uefi.definitions import Guid, Status
from boot.uefi.device_path import pci_root
from boot.uefi.pci_access import BUSES, CONFIGURATION_SIZE, DEVICE_MEMORY, LEGACY_MEMORY, MEMORY, PORTS
from boot.uefi.protocol import method
from boot.uefi.protocols.device_memory import DeviceMemory
from boot.uefi.tables import at_power_on

SUPPORTS = 0x007F                       # ISA's, the VGA's and the IDE controllers' old addresses; all of it is on
ALL_PORTS = 0x10000


class PciRootBridgeIo(DeviceMemory):
    """The host bridge. resources: the address of what Configuration tells."""

    guid = Guid("2f707ebb-4a1a-11d4-9a38-0090273fc14d")
    members = ("ParentHandle:EFI_HANDLE PollMem PollIo MemRead MemWrite IoRead IoWrite PciRead PciWrite CopyMem Map Unmap "
               "AllocateBuffer FreeBuffer Flush GetAttributes SetAttributes Configuration SegmentNumber:UINT32")

    operations = 6

    def __init__(self, uefi):
        super().__init__(uefi)
        data = (pci_access.descriptor(BUSES, 0, 0, 1) + pci_access.descriptor(PORTS, 0, ALL_PORTS - 1, ALL_PORTS)
                + pci_access.descriptor(MEMORY, DEVICE_MEMORY[0], DEVICE_MEMORY[1] - 1, DEVICE_MEMORY[1] - DEVICE_MEMORY[0])
                + pci_access.END)
        self.resources = uefi.allocate_pool(len(data))
        uefi.write(self.resources, data)

    @staticmethod
    def _window(address):
        """Where the window of device memory that holds `address` ends; 0 for memory that is no device's."""
        return next((end for start, end in (LEGACY_MEMORY, DEVICE_MEMORY) if start <= address < end), 0)

    def _memory(self, transfer, access, width, address, count, buffer):
        end = self._window(address)
        if not end:
            return Status.INVALID_PARAMETER
        refused = pci_access.check(width, count, address, end, buffer)
        return refused if refused is not None else transfer(self.uefi, access, address.__add__, width, count, buffer)

    def _ports(self, transfer, access, width, address, count, buffer):
        refused = pci_access.check(width, count, address, ALL_PORTS, buffer, 4)
        return refused if refused is not None else transfer(self.uefi, access, address.__add__, width, count, buffer)

    def _configure(self, transfer, access, width, address, count, buffer):
        register = address >> 32 or address & 0xFF
        refused = pci_access.check(width, count, register, CONFIGURATION_SIZE, buffer)
        if refused is not None:
            return refused
        bus, device, function = address >> 24 & 0xFF, address >> 16 & 0xFF, address >> 8 & 0xFF
        place = (device, function) if bus == 0 else (-1, -1)            # nobody's
        return transfer(self.uefi, access, lambda at: (*place, register + at), width, count, buffer)

    @method("MemRead(IN EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_WIDTH Width, IN UINT64 Address, IN UINTN Count, IN OUT VOID *Buffer)")
    def mem_read(self, call, width, address, count, buffer):
        return self._memory(pci_access.read, pci_access.read_memory, width, address, count, buffer)

    @method("MemWrite(IN EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_WIDTH Width, IN UINT64 Address, IN UINTN Count, IN OUT VOID *Buffer)")
    def mem_write(self, call, width, address, count, buffer):
        return self._memory(pci_access.write, pci_access.write_memory, width, address, count, buffer)

    @method("IoRead(IN EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_WIDTH Width, IN UINT64 Address, IN UINTN Count, IN OUT VOID *Buffer)")
    def io_read(self, call, width, address, count, buffer):
        return self._ports(pci_access.read, pci_access.read_port, width, address, count, buffer)

    @method("IoWrite(IN EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_WIDTH Width, IN UINT64 Address, IN UINTN Count, IN OUT VOID *Buffer)")
    def io_write(self, call, width, address, count, buffer):
        return self._ports(pci_access.write, pci_access.write_port, width, address, count, buffer)

    @method("PciRead(IN EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_WIDTH Width, IN UINT64 Address, IN UINTN Count, IN OUT VOID *Buffer)")
    def pci_read(self, call, width, address, count, buffer):
        return self._configure(pci_access.read, pci_access.read_config, width, address, count, buffer)

    @method("PciWrite(IN EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_WIDTH Width, IN UINT64 Address, IN UINTN Count, IN OUT VOID *Buffer)")
    def pci_write(self, call, width, address, count, buffer):
        return self._configure(pci_access.write, pci_access.write_config, width, address, count, buffer)

    def _poll(self, call, access, end, width, address, mask, value, delay, result):
        if width > 3 or not result or not end or end == ALL_PORTS and width == 3:
            return Status.INVALID_PARAMETER
        if address % (1 << width) or address + (1 << width) > end:
            return Status.UNSUPPORTED
        return pci_access.poll_for(self.uefi, call, access, address, 1 << width, mask, value, delay, result)

    @method("PollMem(IN EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_WIDTH Width, IN UINT64 Address, IN UINT64 Mask, IN UINT64 Value, "
            "IN UINT64 Delay, OUT UINT64 *Result)")
    def poll_mem(self, call, width, address, mask, value, delay, result):
        return self._poll(call, pci_access.read_memory, self._window(address), width, address, mask, value, delay, result)

    @method("PollIo(IN EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_WIDTH Width, IN UINT64 Address, IN UINT64 Mask, IN UINT64 Value, "
            "IN UINT64 Delay, OUT UINT64 *Result)")
    def poll_io(self, call, width, address, mask, value, delay, result):
        return self._poll(call, pci_access.read_port, ALL_PORTS, width, address, mask, value, delay, result)

    @method("CopyMem(IN EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_WIDTH Width, IN UINT64 DestAddress, IN UINT64 SrcAddress, "
            "IN UINTN Count)")
    def copy_mem(self, call, width, target, source, count):
        if width > 3:
            return Status.INVALID_PARAMETER
        for address in (target, source):
            refused = pci_access.check(width, count, address, self._window(address), 1)
            if refused is not None:
                return Status.INVALID_PARAMETER
        pci_access.copy(self.uefi, target, source, 1 << width, count)
        return Status.SUCCESS

    @method("GetAttributes(OUT UINT64 *Supports OPTIONAL, OUT UINT64 *Attributes OPTIONAL)")
    def get_attributes(self, call, supports, attributes):
        if not supports and not attributes:
            return Status.INVALID_PARAMETER
        for pointer in filter(None, (supports, attributes)):
            self.uefi.write_u64(pointer, SUPPORTS)
        return Status.SUCCESS

    @method("SetAttributes(IN UINT64 Attributes, IN OUT UINT64 *ResourceBase OPTIONAL, IN OUT UINT64 *ResourceLength OPTIONAL)")
    def set_attributes(self, call, attributes, base, length):
        return Status.UNSUPPORTED if attributes & ~SUPPORTS else Status.SUCCESS

    @method("Configuration(OUT VOID **Resources)")
    def configuration(self, call, pointer):
        if not pointer:
            return Status.INVALID_PARAMETER
        self.uefi.write_u64(pointer, self.resources)
        return Status.SUCCESS


@at_power_on
def power_on(uefi):
    uefi.install(uefi.new_device(pci_root()), PciRootBridgeIo(uefi))
