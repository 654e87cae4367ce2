"""EFI_MEMORY_ATTRIBUTE_PROTOCOL: what pages permit, in the firmware's page tables.

    RP  may not be read (the page is not present)   RO  may not be written   XP  may not be executed

Source: UEFI 2.10, section 37.6 "EFI Memory Attribute Protocol"; which errors come first is EDK2's.
"""
from __future__ import annotations

from boot.uefi.definitions import PAGE, Guid, MemoryAttribute, Status
from boot.uefi.protocol import Protocol, method
from boot.uefi.tables import at_power_on

RP, RO, XP = int(MemoryAttribute.RP), int(MemoryAttribute.RO), int(MemoryAttribute.XP)
KNOWN = RP | RO | XP


class MemoryAttributes(Protocol):
    """uefi.page_tables, by pages that the memory map knows or a device has."""

    guid = Guid("f4560cf6-40ec-4b4a-a192-bf1d57d0b189")
    members = "GetMemoryAttributes SetMemoryAttributes ClearMemoryAttributes"

    def _runs(self, base, length):
        """[(start, end, attributes)] of pages alike; None where part of them is not mapped, and never can be."""
        runs, address, tables = [], base, self.uefi.page_tables
        while address < base + length:
            at, span = tables.entry(address)
            if not at:
                return None
            present, writable, executable = tables.protection(address)
            found = (0 if present else RP) | (0 if writable else RO) | (0 if executable else XP)
            end = min(base + length, (address // span + 1) * span)
            if runs and runs[-1][2] == found:
                runs[-1] = runs[-1][0], end, found
            else:
                runs.append((address, end, found))
            address = end
        return runs

    def _change(self, base, length, attributes, change):
        """Set or clear: change(what a page has) is what it has then."""
        if not length or not attributes or attributes & ~KNOWN:
            return Status.INVALID_PARAMETER
        if base % PAGE or length % PAGE:
            return Status.UNSUPPORTED
        runs = self._runs(base, length) if base + length <= self.uefi.page_tables.top else None
        if runs is None:
            return Status.UNSUPPORTED
        for start, end, found in runs:
            wanted = change(found)
            self.uefi.protect(start, end - start, present=not wanted & RP, writable=not wanted & RO, executable=not wanted & XP)
        return Status.SUCCESS

    @method("GetMemoryAttributes(IN EFI_PHYSICAL_ADDRESS BaseAddress, IN UINT64 Length, OUT UINT64 *Attributes)")
    def get_memory_attributes(self, call, base, length, pointer):
        if not length or not pointer:
            return Status.INVALID_PARAMETER
        if base % PAGE or length % PAGE:
            return Status.UNSUPPORTED
        runs = self._runs(base, length) if base + length <= self.uefi.page_tables.top else None
        if runs is None or len(runs) > 1:
            return Status.NO_MAPPING            # they differ, or are not there
        self.uefi.write_u64(pointer, runs[0][2])
        return Status.SUCCESS

    @method("SetMemoryAttributes(IN EFI_PHYSICAL_ADDRESS BaseAddress, IN UINT64 Length, IN UINT64 Attributes)")
    def set_memory_attributes(self, call, base, length, attributes):
        return self._change(base, length, attributes, attributes.__or__)

    @method("ClearMemoryAttributes(IN EFI_PHYSICAL_ADDRESS BaseAddress, IN UINT64 Length, IN UINT64 Attributes)")
    def clear_memory_attributes(self, call, base, length, attributes):
        return self._change(base, length, attributes, (~attributes).__and__)


@at_power_on
def power_on(uefi):
    uefi.install(0, MemoryAttributes(uefi))
