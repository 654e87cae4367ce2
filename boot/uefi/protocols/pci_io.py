"""EFI_PCI_IO_PROTOCOL: a function of a PCI device, its registers and its configuration space.

The specification's Mem.Read, Io.Write, ... are MemRead, IoWrite, ... here. Source: UEFI 2.10, section 14.4.
"""
from __future__ import annotations

from boot.uefi import pci_access
from boot.uefi.definitions import Guid, Status
from boot.uefi.device_path import pci, pci_root
from boot.uefi.memory_map import OutOfMemory
from boot.uefi.pci_access import CONFIGURATION_SIZE, FOUR_GB, MEMORY, PORTS
from boot.uefi.protocol import method
from boot.uefi.protocols.device_memory import DeviceMemory
from boot.uefi.tables import at_power_on
from x86.devices.pci import COMMAND

CLASS, FIRST_BAR, BARS, PASS_THROUGH = 0x0A, 0x10, 6, 0xFF
GET, SET, ENABLE, DISABLE, SUPPORTED = range(5)
IO, MEMORY_SPACE, BUS_MASTER, EMBEDDED_DEVICE = 0x0100, 0x0200, 0x0400, 0x2000
VGA_CLASS, VGA = 0x0300, 0x0008 | 0x0010        # the adapter answers to its old addresses always: VGA_MEMORY, VGA_IO
COMMAND_BITS = 0x07                     # I/O, memory, bus master: IO, MEMORY_SPACE, BUS_MASTER, shifted by 8


class PciIo(DeviceMemory):
    """One function. place: (device, function) on bus 0."""

    guid = Guid("4cf5b200-68b8-4ca5-9eec-b23e3f50029a")
    members = ("PollMem PollIo MemRead MemWrite IoRead IoWrite PciRead PciWrite CopyMem Map Unmap AllocateBuffer FreeBuffer "
               "Flush GetLocation Attributes GetBarAttributes SetBarAttributes RomSize:UINT64 RomImage:VOID*")

    operations = 3

    def __init__(self, uefi, place):
        super().__init__(uefi)
        self.place = place

    @property
    def function(self):
        return self.uefi.machine.devices["pci"].functions[self.place]

    def bar(self, number: int) -> tuple[int, int, int, bool] | None:
        """(MEMORY or PORTS, address, size, prefetchable) of a base address register; None where there is none."""
        if number >= BARS:
            return None
        at, function = FIRST_BAR + 4 * number, self.function
        mask = int.from_bytes(function.writable[at:at + 4], "little")
        value = function.read(at, 4)
        flags = 0x3 if value & 1 else 0xF
        if not mask & ~flags:
            return None
        return PORTS if value & 1 else MEMORY, value & ~flags, (-(mask & ~flags)) & 0xFFFFFFFF, bool(value & 8) and not value & 1

    def _reach(self, kind, number, offset):
        """(address, where the resource ends); None where there is no such resource."""
        if number == PASS_THROUGH:
            return offset, FOUR_GB if kind == MEMORY else 0x10000
        found = self.bar(number)
        return (found[1] + offset, found[1] + found[2]) if found and found[0] == kind else None

    def _access(self, kind, transfer, access, width, number, offset, count, buffer):
        if width >= pci_access.WIDTHS or not buffer:
            return Status.INVALID_PARAMETER
        reach = self._reach(kind, number, offset)
        if reach is None:
            return Status.UNSUPPORTED
        address, end = reach
        refused = pci_access.check(width, count, address, end, buffer, 4 if kind == PORTS else 8)
        return refused if refused is not None else transfer(self.uefi, access, address.__add__, width, count, buffer)

    # ---- registers ---------------------------------------------------------------------------------------------------

    @method("MemRead(IN EFI_PCI_IO_PROTOCOL_WIDTH Width, IN UINT8 BarIndex, IN UINT64 Offset, IN UINTN Count, "
            "IN OUT VOID *Buffer)")
    def mem_read(self, call, width, number, offset, count, buffer):
        return self._access(MEMORY, pci_access.read, pci_access.read_memory, width, number, offset, count, buffer)

    @method("MemWrite(IN EFI_PCI_IO_PROTOCOL_WIDTH Width, IN UINT8 BarIndex, IN UINT64 Offset, IN UINTN Count, "
            "IN OUT VOID *Buffer)")
    def mem_write(self, call, width, number, offset, count, buffer):
        return self._access(MEMORY, pci_access.write, pci_access.write_memory, width, number, offset, count, buffer)

    @method("IoRead(IN EFI_PCI_IO_PROTOCOL_WIDTH Width, IN UINT8 BarIndex, IN UINT64 Offset, IN UINTN Count, "
            "IN OUT VOID *Buffer)")
    def io_read(self, call, width, number, offset, count, buffer):
        return self._access(PORTS, pci_access.read, pci_access.read_port, width, number, offset, count, buffer)

    @method("IoWrite(IN EFI_PCI_IO_PROTOCOL_WIDTH Width, IN UINT8 BarIndex, IN UINT64 Offset, IN UINTN Count, "
            "IN OUT VOID *Buffer)")
    def io_write(self, call, width, number, offset, count, buffer):
        return self._access(PORTS, pci_access.write, pci_access.write_port, width, number, offset, count, buffer)

    def _poll(self, call, kind, access, width, number, offset, mask, value, delay, result):
        if width > 3 or not result:
            return Status.INVALID_PARAMETER
        reach = self._reach(kind, number, offset)
        if reach is None or reach[0] % (1 << width) or reach[0] + (1 << width) > reach[1] or kind == PORTS and width == 3:
            return Status.UNSUPPORTED
        return pci_access.poll_for(self.uefi, call, access, reach[0], 1 << width, mask, value, delay, result)

    @method("PollMem(IN EFI_PCI_IO_PROTOCOL_WIDTH Width, IN UINT8 BarIndex, IN UINT64 Offset, IN UINT64 Mask, IN UINT64 Value, "
            "IN UINT64 Delay, OUT UINT64 *Result)")
    def poll_mem(self, call, width, number, offset, mask, value, delay, result):
        return self._poll(call, MEMORY, pci_access.read_memory, width, number, offset, mask, value, delay, result)

    @method("PollIo(IN EFI_PCI_IO_PROTOCOL_WIDTH Width, IN UINT8 BarIndex, IN UINT64 Offset, IN UINT64 Mask, IN UINT64 Value, "
            "IN UINT64 Delay, OUT UINT64 *Result)")
    def poll_io(self, call, width, number, offset, mask, value, delay, result):
        return self._poll(call, PORTS, pci_access.read_port, width, number, offset, mask, value, delay, result)

    @method("CopyMem(IN EFI_PCI_IO_PROTOCOL_WIDTH Width, IN UINT8 DestBarIndex, IN UINT64 DestOffset, IN UINT8 SrcBarIndex, "
            "IN UINT64 SrcOffset, IN UINTN Count)")
    def copy_mem(self, call, width, to_number, to_offset, from_number, from_offset, count):
        if width > 3:
            return Status.INVALID_PARAMETER
        target, source = self._reach(MEMORY, to_number, to_offset), self._reach(MEMORY, from_number, from_offset)
        if target is None or source is None:
            return Status.UNSUPPORTED
        for address, end in (target, source):
            refused = pci_access.check(width, count, address, end, 1)
            if refused is not None:
                return refused
        pci_access.copy(self.uefi, target[0], source[0], 1 << width, count)
        return Status.SUCCESS

    # ---- configuration space -----------------------------------------------------------------------------------------

    def _configure(self, transfer, access, width, offset, count, buffer):
        refused = pci_access.check(width, count, offset, CONFIGURATION_SIZE, buffer)
        if refused is not None:
            return refused
        return transfer(self.uefi, access, lambda at: (*self.place, offset + at), width, count, buffer)

    @method("PciRead(IN EFI_PCI_IO_PROTOCOL_WIDTH Width, IN UINT32 Offset, IN UINTN Count, IN OUT VOID *Buffer)")
    def pci_read(self, call, width, offset, count, buffer):
        return self._configure(pci_access.read, pci_access.read_config, width, offset, count, buffer)

    @method("PciWrite(IN EFI_PCI_IO_PROTOCOL_WIDTH Width, IN UINT32 Offset, IN UINTN Count, IN OUT VOID *Buffer)")
    def pci_write(self, call, width, offset, count, buffer):
        return self._configure(pci_access.write, pci_access.write_config, width, offset, count, buffer)

    @method("GetLocation(OUT UINTN *SegmentNumber, OUT UINTN *BusNumber, OUT UINTN *DeviceNumber, OUT UINTN *FunctionNumber)")
    def get_location(self, call, *pointers):
        if not all(pointers):
            return Status.INVALID_PARAMETER
        for pointer, number in zip(pointers, (0, 0, *self.place)):
            self.uefi.write_u64(pointer, number)
        return Status.SUCCESS

    # ---- attributes --------------------------------------------------------------------------------------------------

    @property
    def _fixed(self):
        """Attributes that are on, whatever is asked."""
        return EMBEDDED_DEVICE | (VGA if self.function.read(CLASS, 2) == VGA_CLASS else 0)

    @method("Attributes(IN EFI_PCI_IO_PROTOCOL_ATTRIBUTE_OPERATION Operation, IN UINT64 Attributes, OUT UINT64 *Result OPTIONAL)")
    def attributes(self, call, operation, attributes, result):
        supported = (self.function.writable[COMMAND] & COMMAND_BITS) << 8 | self._fixed
        command = self.function.read(COMMAND, 2)
        if operation in (GET, SUPPORTED):
            if not result:
                return Status.INVALID_PARAMETER
            self.uefi.write_u64(result, supported if operation == SUPPORTED else (command & COMMAND_BITS) << 8 | self._fixed)
            return Status.SUCCESS
        if operation > SUPPORTED:
            return Status.INVALID_PARAMETER
        if attributes & ~supported:
            return Status.UNSUPPORTED
        bits = attributes >> 8 & COMMAND_BITS
        before = command & ~COMMAND_BITS if operation == SET else command
        self.function.write(COMMAND, before & ~bits if operation == DISABLE else before | bits, 2)
        return Status.SUCCESS

    @method("GetBarAttributes(IN UINT8 BarIndex, OUT UINT64 *Supports OPTIONAL, OUT VOID **Resources OPTIONAL)")
    def get_bar_attributes(self, call, number, supports, resources):
        if not supports and not resources:
            return Status.INVALID_PARAMETER
        found = self.bar(number)
        if found is None:
            return Status.UNSUPPORTED
        if resources:
            kind, address, size, prefetchable = found
            data = pci_access.descriptor(kind, address, size - 1, size, prefetchable=prefetchable) + pci_access.END
            try:
                block = self.uefi.allocate_pool(len(data))
            except OutOfMemory:
                return Status.OUT_OF_RESOURCES
            self.uefi.write(block, data)
            self.uefi.write_u64(resources, block)
        if supports:
            self.uefi.write_u64(supports, 0)
        return Status.SUCCESS

    @method("SetBarAttributes(IN UINT64 Attributes, IN UINT8 BarIndex, IN OUT UINT64 *Offset, IN OUT UINT64 *Length)")
    def set_bar_attributes(self, call, attributes, number, offset, length):
        if not offset or not length:
            return Status.INVALID_PARAMETER
        return Status.SUCCESS if not attributes and self.bar(number) else Status.UNSUPPORTED


@at_power_on
def power_on(uefi):
    for device, function in sorted(uefi.machine.devices["pci"].functions):
        uefi.install(uefi.new_device(pci_root(pci(device, function))), PciIo(uefi, (device, function)))
