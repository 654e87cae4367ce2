"""The tables of the firmware in guest memory: descriptor tables, the memory map at power-on, EFI_SYSTEM_TABLE and its two
tables of services.

    EFI_TABLE_HEADER    00 Signature  08 Revision  0C HeaderSize  10 CRC32  14 Reserved        24 bytes
    EFI_SYSTEM_TABLE    18 FirmwareVendor  20 FirmwareRevision  28 ConsoleInHandle  30 ConIn  38 ConsoleOutHandle
                        40 ConOut  48 StandardErrorHandle  50 StdErr  58 RuntimeServices  60 BootServices
                        68 NumberOfTableEntries  70 ConfigurationTable                        120 bytes

Source: UEFI 2.10, chapter 4 "EFI System Table"; section 2.3.4 for the state of the processor.
"""
from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

from boot.uefi.guest_memory import utf16
from boot.uefi.service import BOOT, RUNTIME, find
from boot.uefi.definitions import PAGE, Guid, MemoryType

STACK_PAGES = 64                        # 256 KB; the specification asks for 128 KB at least
REVISION = 2 << 16 | 100                # 2.10
VENDOR = "x86"
FIRMWARE_REVISION = 0x00010000
HEADER = 24
SYSTEM_TABLE_SIZE = 120
CONFIGURATION_SLOTS = 64

CODE_SELECTOR = 0x38                    # that of EDK2's firmware; reset.asm loads it
PIC_BASE, TIMER_HERTZ, PIT_HERTZ = 0x68, 100, 1_193_182

BOOT_SERVICES = """RaiseTPL RestoreTPL AllocatePages FreePages GetMemoryMap AllocatePool FreePool CreateEvent SetTimer
    WaitForEvent SignalEvent CloseEvent CheckEvent InstallProtocolInterface ReinstallProtocolInterface
    UninstallProtocolInterface HandleProtocol - RegisterProtocolNotify LocateHandle LocateDevicePath
    InstallConfigurationTable LoadImage StartImage Exit UnloadImage ExitBootServices GetNextMonotonicCount Stall
    SetWatchdogTimer ConnectController DisconnectController OpenProtocol CloseProtocol OpenProtocolInformation
    ProtocolsPerHandle LocateHandleBuffer LocateProtocol InstallMultipleProtocolInterfaces
    UninstallMultipleProtocolInterfaces CalculateCrc32 CopyMem SetMem CreateEventEx""".split()
RUNTIME_SERVICES = """GetTime SetTime GetWakeupTime SetWakeupTime SetVirtualAddressMap ConvertPointer GetVariable
    GetNextVariableName SetVariable GetNextHighMonotonicCount ResetSystem UpdateCapsule QueryCapsuleCapabilities
    QueryVariableInfo""".split()

#: Offset of a field that changes, from the start of the system table
CONSOLE_IN_HANDLE, CON_IN, CONSOLE_OUT_HANDLE, CON_OUT, STANDARD_ERROR_HANDLE, STD_ERR = range(0x28, 0x58, 8)
VENDOR_FIELD, RUNTIME_FIELD, BOOT_FIELD, ENTRIES_FIELD, CONFIGURATION_FIELD = 0x18, 0x58, 0x60, 0x68, 0x70


PROTECTIONS = ("nx-compat", "always", "never")


@dataclass
class Options:
    """What a user may choose.

    application       (name, bytes) of a PE image that is started instead of what the boot manager finds, or None
    load_options      text that it gets as LoadOptions
    protect_images    "nx-compat": sections' permissions count for images that say NX_COMPAT; "always"; "never"
    """
    application: tuple[str, bytes] | None = None
    load_options: str = ""
    protect_images: str = "nx-compat"


@dataclass
class Table:
    """Where the system table is, and the configuration tables: [(GUID, address)] in their order."""
    address: int
    boot_services: int
    runtime_services: int
    configuration_address: int
    configuration: list[tuple[Guid, int]] = field(default_factory=list)


def add_memory(map, memory) -> None:
    """The machine's RAM, as it is at power-on: what lies between A0000h and 1 MB belongs to video memory and ROMs."""
    map.add(0, PAGE, MemoryType.BootServicesCode)                # page 0 is nobody's: see page_tables.py
    map.add(PAGE, 0xA0000, MemoryType.Conventional)
    map.add(0x100000, memory.ram_low // PAGE * PAGE, MemoryType.Conventional)
    if memory.ram_high:
        map.add(1 << 32, (1 << 32) + memory.ram_high // PAGE * PAGE, MemoryType.Conventional)


def gate(address: int) -> bytes:
    """A 64-bit interrupt gate: DPL 0, no IST."""
    return struct.pack("<HHBBHII", address & 0xFFFF, CODE_SELECTOR, 0, 0x8E, address >> 16 & 0xFFFF, address >> 32, 0)


def descriptor_tables(uefi) -> int:
    """Write GDT and IDT; the address of two pointers for LGDT and LIDT, 16 bytes apart.

        00 null   08 null   10 code, 32 bits   18 data   20 null   28 null   30 data   38 code, 64 bits
    """
    gdt = struct.pack("<8Q", 0, 0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF, 0, 0, 0x00CF92000000FFFF, 0x00AF9A000000FFFF)
    labels = uefi.labels
    gates = [gate(labels["exceptions"] + 16 * vector) for vector in range(32)]
    gates += [gate(labels["timer"] if vector == PIC_BASE else labels["spurious"]) for vector in range(32, 256)]
    base = uefi.allocate_pages(2)
    idt, pointers = base, base + PAGE + 0x100
    uefi.write(base, b"".join(gates))
    uefi.write(base + PAGE, gdt)
    uefi.write(pointers, struct.pack("<HQ6xHQ", len(gdt) - 1, base + PAGE, 256 * 16 - 1, idt))
    return pointers


def start_timer(machine) -> None:
    """Both interrupt controllers at 68h, all but IRQ 0 masked, and the timer at 100 Hz."""
    out = machine.bus.write
    for command, base, cascade in ((0x20, PIC_BASE, 4), (0xA0, PIC_BASE + 8, 2)):
        for port, value in ((command, 0x11), (command + 1, base), (command + 1, cascade), (command + 1, 1)):
            out(port, value, 1)
    out(0x21, 0xFE, 1)
    out(0xA1, 0xFF, 1)
    divisor = PIT_HERTZ // TIMER_HERTZ
    for port, value in ((0x43, 0x34), (0x40, divisor & 0xFF), (0x40, divisor >> 8)):
        out(port, value, 1)


def stop_timer(machine) -> None:
    """All interrupts masked: who takes over gets a quiet board."""
    machine.bus.write(0x21, 0xFF, 1)
    machine.bus.write(0xA1, 0xFF, 1)


def build(uefi) -> None:
    """Write the three tables; what else exists is built by those who have it (power_on functions, in their order)."""
    boot = services(uefi, b"BOOTSERV", BOOT, BOOT_SERVICES, MemoryType.BootServicesData)
    runtime = services(uefi, b"RUNTSERV", RUNTIME, RUNTIME_SERVICES, MemoryType.RuntimeServicesData)
    address = uefi.allocate_pool(SYSTEM_TABLE_SIZE, MemoryType.RuntimeServicesData)
    vendor = uefi.allocate_pool(len(utf16(VENDOR)), MemoryType.RuntimeServicesData)
    configuration = uefi.allocate_pool(24 * CONFIGURATION_SLOTS, MemoryType.RuntimeServicesData)
    uefi.write(vendor, utf16(VENDOR))
    uefi.write(address, b"IBI SYST" + struct.pack("<IIII", REVISION, SYSTEM_TABLE_SIZE, 0, 0)
               + struct.pack("<QQ", vendor, FIRMWARE_REVISION) + bytes(SYSTEM_TABLE_SIZE - HEADER - 16))
    uefi.table = Table(address, boot, runtime, configuration)
    uefi.write_u64(address + RUNTIME_FIELD, runtime)
    uefi.write_u64(address + BOOT_FIELD, boot)
    uefi.write_u64(address + CONFIGURATION_FIELD, configuration)
    for power_on in POWER_ON:
        power_on(uefi)
    seal(uefi, address)


#: Functions of the firmware that build their part at power-on, in the order of the imports in boot/uefi/__init__.py
POWER_ON: list = []


def at_power_on(function):
    """Mark function(uefi) to be called once the tables exist."""
    POWER_ON.append(function)
    return function


def services(uefi, signature: bytes, kind: str, names: list[str], memory_type: int) -> int:
    """Write a table of services; its address. A name that has no service is a reserved field: 0."""
    size = HEADER + 8 * len(names)
    if kind == BOOT:                    # CreateEventEx is the last
        assert size == 376
    address = uefi.allocate_pool(size, memory_type)
    entries = [uefi.stub(find(kind, name)) if name != "-" else 0 for name in names]
    uefi.write(address, signature + struct.pack("<IIII", REVISION, size, 0, 0) + struct.pack(f"<{len(names)}Q", *entries))
    seal(uefi, address)
    return address


def seal(uefi, address: int) -> None:
    """Bring the CRC32 in a table's header up to date."""
    size = uefi.read_u32(address + 12)
    uefi.write_u32(address + 16, 0)
    uefi.write_u32(address + 16, zlib.crc32(uefi.read(address, size)))


def set_system_field(uefi, offset: int, value: int) -> None:
    """Write a field of the system table (CON_OUT, ...) and its CRC."""
    uefi.write_u64(uefi.table.address + offset, value)
    seal(uefi, uefi.table.address)


def set_configuration(uefi, guid: Guid, address: int) -> bool:
    """Add, replace or (address 0) remove a configuration table. False if there is none to remove, or no room."""
    table = uefi.table
    kept = [entry for entry in table.configuration if entry[0] != guid]
    if address == 0:
        if len(kept) == len(table.configuration):
            return False
        table.configuration = kept
    elif len(kept) < len(table.configuration):
        table.configuration = [(guid, address) if entry[0] == guid else entry for entry in table.configuration]
    elif len(kept) == CONFIGURATION_SLOTS:
        return False
    else:
        table.configuration = [*kept, (guid, address)]
    entries = b"".join(bytes(guid) + struct.pack("<Q", place) for guid, place in table.configuration)
    uefi.write(table.configuration_address, entries.ljust(24 * CONFIGURATION_SLOTS, b"\0"))
    set_system_field(uefi, ENTRIES_FIELD, len(table.configuration))
    return True
