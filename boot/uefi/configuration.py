"""The configuration tables: what a loader finds beside the services. ACPI, SMBIOS, which services an operating system may
call, and what the memory of the runtime services may be used for.

    EFI_RT_PROPERTIES_TABLE       00 Version (2)  02 Length (2)  04 RuntimeServicesSupported (4)
    EFI_MEMORY_ATTRIBUTES_TABLE   00 Version  04 NumberOfEntries  08 DescriptorSize  0C Flags   10 descriptors

Source: UEFI 2.10, section 4.6 "EFI Configuration Table & Properties Table".
"""
from __future__ import annotations

import struct

from boot import acpi, smbios
from boot.uefi import tables
from boot.uefi.boot_services.memory import DESCRIPTOR
from boot.uefi.definitions import PAGE, Guid, MemoryAttribute, MemoryType
from boot.uefi.tables import at_power_on

ACPI_20, ACPI_10 = Guid("8868e871-e4f1-11d3-bc22-0080c73c8881"), Guid("eb9d2d30-2d88-11d3-9a16-0090273fc14d")
SMBIOS_3, SMBIOS = Guid("f2fd1544-9794-4a2c-992e-e5bbcf20e394"), Guid("eb9d2d31-2d88-11d3-9a16-0090273fc14d")
RT_PROPERTIES = Guid("eb66918a-7eef-402a-842e-931d21c38ae9")
MEMORY_ATTRIBUTES = Guid("dcfa911d-26eb-469f-a220-38b7dc461220")

PROPERTIES = struct.Struct("<HHI")
ALL_SERVICES = (1 << 14) - 1            # a bit each, GetTime to QueryVariableInfo
ATTRIBUTES = struct.Struct("<IIII")
VERSION = 1
ENTRIES = (PAGE - ATTRIBUTES.size) // DESCRIPTOR.size


def pages(size: int) -> int:
    return -(-size // PAGE)


@at_power_on
def power_on(uefi):
    memory = uefi.machine.memory
    base = uefi.allocate_pages(pages(acpi.SIZE), MemoryType.ACPIReclaim)
    facs = uefi.allocate_pages(pages(acpi.FACS_SIZE), MemoryType.ACPINVS)
    root = acpi.install(memory, base, facs, "apic" in uefi.machine.devices)
    entry_3, entry_2 = smbios.install(uefi.machine, uefi.allocate_pages(pages(smbios.SIZE), MemoryType.RuntimeServicesData), True)
    properties = uefi.allocate_pool(PROPERTIES.size, MemoryType.RuntimeServicesData)
    uefi.write(properties, PROPERTIES.pack(1, PROPERTIES.size, ALL_SERVICES))
    attributes = uefi.allocate_pages(1)
    for guid, address in ((ACPI_20, root), (ACPI_10, root), (SMBIOS_3, entry_3), (SMBIOS, entry_2),
                          (RT_PROPERTIES, properties), (MEMORY_ATTRIBUTES, attributes)):
        tables.set_configuration(uefi, guid, address)
    uefi.memory_attributes = attributes
    describe_runtime_memory(uefi)


def describe_runtime_memory(uefi) -> None:
    """Write EFI_MEMORY_ATTRIBUTES_TABLE for the map as it is now: the firmware's code is not written to, data not executed.

    The pages of a runtime driver are described without either: what lies where in them is only the driver's to say."""
    table = uefi.memory_attributes
    if (MEMORY_ATTRIBUTES, table) not in uefi.table.configuration:      # somebody has put another in its place
        return
    first, last = uefi.runtime_code
    entries = []
    for piece in uefi.map.ranges:
        if piece.type == MemoryType.RuntimeServicesData:
            entries.append((piece.type, piece.start, piece.end, MemoryAttribute.XP))
        elif piece.type == MemoryType.RuntimeServicesCode:
            entries += [(piece.type, start, end, attribute) for start, end, attribute in (
                (piece.start, min(piece.end, first), 0), (max(piece.start, first), min(piece.end, last), MemoryAttribute.RO),
                (max(piece.start, last), piece.end, 0)) if start < end]
    uefi.write(table, ATTRIBUTES.pack(VERSION, len(entries[:ENTRIES]), DESCRIPTOR.size, 0) + b"".join(
        DESCRIPTOR.pack(type, start, 0, pages(end - start), attribute | MemoryAttribute.RUNTIME)
        for type, start, end, attribute in entries[:ENTRIES]))
