"""SMBIOS: what the machine is made of, in a table that programs print (dmidecode, firmware menus, installers).

    smbios.build(machine, base)      the bytes: two entry points, and the structure table for address `base`
    smbios.install(machine, base)    the same, written into memory

A structure is a fixed part and the strings that it names by number, the first being 1 and 0 none:

     0 type   1 length of the fixed part   2 handle   4 ... fields ...   strings, each ended by 0, and one 0 more

    0 firmware   1 system   2 board   3 case   4 processor   16 memory array   17 its module   19 where it is addressed
    32 how the start went   127 the end

Two entry points lead to the table: "_SM_" of version 2, with 32 bits of address, and "_SM3_" of version 3, with 64.

Source: DMTF DSP0134, "System Management BIOS (SMBIOS) Reference Specification" 3.0.
"""
from __future__ import annotations

from typing import NamedTuple

from construct import Bytes, Const, Int8ul, Int16ul, Int32ul, Int64ul, Padding, Struct

from boot.layout import FOUR_GB, ROM_SEGMENT
from boot.structures import fill, seal
from x86 import __version__

MAKER, PRODUCT, RELEASE_DATE = "x86", "x86 PC", "01/01/2026"
SIZE = 0x1000                           # bytes that are enough for install()
ENTRY_ALIGN = 16                        # where a BIOS's entry points are looked for, from F0000h to FFFFFh
MEGABYTE = 1 << 20

#: Version 2's entry point, 31 bytes: a second one within it was there before it.
ENTRY_2 = Struct(
    "anchor" / Const(b"_SM_"),
    "checksum" / Int8ul,
    "length" / Const(31, Int8ul),
    "major" / Const(2, Int8ul),
    "minor" / Const(8, Int8ul),
    "largest" / Int16ul,                # structure, with its strings
    "revision" / Const(0, Int8ul),
    Padding(5),
    "intermediate_anchor" / Const(b"_DMI_"),
    "intermediate_checksum" / Int8ul,
    "table_length" / Int16ul,
    "table_address" / Int32ul,
    "count" / Int16ul,
    "bcd_revision" / Const(0x28, Int8ul),
)

#: Version 3's entry point, 24 bytes.
ENTRY_3 = Struct(
    "anchor" / Const(b"_SM3_"),
    "checksum" / Int8ul,
    "length" / Const(24, Int8ul),
    "major" / Const(3, Int8ul),
    "minor" / Const(0, Int8ul),
    "docrev" / Const(0, Int8ul),
    "revision" / Const(1, Int8ul),
    Padding(1),
    "table_maximum" / Int32ul,
    "table_address" / Int64ul,
)

FIRMWARE = Struct(
    "vendor" / Int8ul,
    "version" / Int8ul,
    "start_segment" / Int16ul,
    "release_date" / Int8ul,
    "rom_size" / Int8ul,                # in units of 64 KB, minus one
    "characteristics" / Int64ul,
    "extension" / Int16ul,
    "major" / Int8ul,
    "minor" / Int8ul,
    "controller_major" / Int8ul,        # of an embedded controller, FFh: there is none
    "controller_minor" / Int8ul,
)
PCI, SELECTABLE_BOOT, EDD = 1 << 7, 1 << 16, 1 << 19                    # characteristics
ACPI, UEFI, VIRTUAL_MACHINE = 0x0001, 0x0800, 0x1000                    # the extension

SYSTEM = Struct(
    "manufacturer" / Int8ul,
    "product" / Int8ul,
    "version" / Int8ul,
    "serial" / Int8ul,
    "uuid" / Bytes(16),
    "wake_up" / Int8ul,
    "sku" / Int8ul,
    "family" / Int8ul,
)
NO_UUID = b"\xFF" * 16                  # a run can be repeated: two machines would have the same one
POWER_SWITCH = 6

BOARD = Struct(
    "manufacturer" / Int8ul,
    "product" / Int8ul,
    "version" / Int8ul,
    "serial" / Int8ul,
    "asset" / Int8ul,
    "features" / Int8ul,
    "location" / Int8ul,
    "chassis" / Int16ul,
    "board_type" / Int8ul,
    "contained" / Int8ul,
)
HOSTING, MOTHERBOARD = 0x01, 0x0A

CHASSIS = Struct(
    "manufacturer" / Int8ul,
    "chassis_type" / Int8ul,
    "version" / Int8ul,
    "serial" / Int8ul,
    "asset" / Int8ul,
    "boot_up" / Int8ul,
    "power_supply" / Int8ul,
    "thermal" / Int8ul,
    "security" / Int8ul,
    "oem" / Int32ul,
    "height" / Int8ul,
    "power_cords" / Int8ul,
    "contained" / Int8ul,
    "contained_size" / Int8ul,
    "sku" / Int8ul,
)
DESKTOP, SAFE, NO_SECURITY = 3, 3, 3

PROCESSOR = Struct(
    "socket" / Int8ul,
    "processor_type" / Int8ul,
    "family" / Int8ul,
    "manufacturer" / Int8ul,
    "signature" / Int32ul,              # CPUID leaf 1: EAX, EDX
    "features" / Int32ul,
    "version" / Int8ul,
    "voltage" / Int8ul,
    "external_clock" / Int16ul,         # MHz, as the next two
    "max_speed" / Int16ul,
    "speed" / Int16ul,
    "status" / Int8ul,
    "upgrade" / Int8ul,
    "l1" / Int16ul,                     # handles of the caches
    "l2" / Int16ul,
    "l3" / Int16ul,
    "serial" / Int8ul,
    "asset" / Int8ul,
    "part" / Int8ul,
    "cores" / Int8ul,
    "enabled" / Int8ul,
    "threads" / Int8ul,
    "characteristics" / Int16ul,
    "family_2" / Int16ul,
    "cores_2" / Int16ul,
    "enabled_2" / Int16ul,
    "threads_2" / Int16ul,
)
CENTRAL, POPULATED_ENABLED, UPGRADE_NONE, NO_CACHE, OTHER_FAMILY = 3, 0x41, 6, 0xFFFF, 1
#: Of the models of x86.models
FAMILIES = {"386": 0x05, "486": 0x06, "pentium": 0x0B, "x86-64-v1": 0xB2, "x86-64-v2": 0xC6, "x86-64-v3": 0xC6, "max": 0xB3}
CAPABLE_OF_64_BITS, EXECUTE_PROTECTION = 1 << 2, 1 << 5

MEMORY_ARRAY = Struct(
    "location" / Int8ul,
    "use" / Int8ul,
    "error_correction" / Int8ul,
    "capacity" / Int32ul,               # KB; BEYOND_KB: see extended_capacity
    "error" / Int16ul,
    "devices" / Int16ul,
    "extended_capacity" / Int64ul,      # bytes
)
ON_BOARD, SYSTEM_MEMORY, NO_CORRECTION = 3, 3, 3
NOT_PROVIDED, BEYOND_KB = 0xFFFE, 0x8000_0000

MEMORY_DEVICE = Struct(
    "array" / Int16ul,
    "error" / Int16ul,
    "total_width" / Int16ul,            # bits
    "data_width" / Int16ul,
    "size" / Int16ul,                   # MB, or KB with bit 15; EXTENDED_SIZE: see extended_size
    "form" / Int8ul,
    "set" / Int8ul,
    "locator" / Int8ul,
    "bank" / Int8ul,
    "memory_type" / Int8ul,
    "detail" / Int16ul,
    "speed" / Int16ul,
    "manufacturer" / Int8ul,
    "serial" / Int8ul,
    "asset" / Int8ul,
    "part" / Int8ul,
    "attributes" / Int8ul,
    "extended_size" / Int32ul,          # MB
    "configured_speed" / Int16ul,
    "minimum_voltage" / Int16ul,
    "maximum_voltage" / Int16ul,
    "voltage" / Int16ul,
)
DIMM, RAM, OTHER_DETAIL, UNKNOWN_WIDTH, EXTENDED_SIZE, IN_KB = 9, 7, 1 << 1, 0xFFFF, 0x7FFF, 0x8000

MAPPED_ADDRESS = Struct(
    "start" / Int32ul,                  # KB; BEYOND_MAP: the extended ones, in bytes
    "end" / Int32ul,
    "array" / Int16ul,
    "width" / Int8ul,                   # modules side by side
    "extended_start" / Int64ul,
    "extended_end" / Int64ul,
)
BEYOND_MAP = 0xFFFF_FFFF

BOOT_INFORMATION = Struct(Padding(6), "status" / Int8ul)

# The handles, each above the type's number so that a listing reads well
H_FIRMWARE, H_SYSTEM, H_BOARD, H_CHASSIS, H_PROCESSOR = 0x000, 0x100, 0x200, 0x300, 0x400
H_ARRAY, H_MODULE, H_MAPPED, H_BOOT, H_END = 0x1000, 0x1100, 0x1300, 0x2000, 0x7F00


class Tables(NamedTuple):
    """entry_3 and entry_2 may lie anywhere (a BIOS's at a multiple of 16), `table` at the address it was built for."""
    entry_3: bytes
    entry_2: bytes
    table: bytes


class _Texts:
    """The strings behind a structure, as it collects them."""

    def __init__(self):
        self.texts: list[str] = []

    def __call__(self, text: str) -> int:
        """The number of `text`."""
        self.texts.append(text)
        return len(self.texts)

    def encode(self) -> bytes:
        return b"".join(text.encode("ascii", "replace") + b"\0" for text in self.texts) + (b"\0" if self.texts else b"\0\0")


def _structure(kind, handle, layout=None, texts=None, /, **values):
    """A field that `values` does not name is 0: unknown, none, or no string."""
    fixed = fill(layout, **values) if layout else b""
    return bytes([kind, 4 + len(fixed)]) + handle.to_bytes(2, "little") + fixed + (texts or _Texts()).encode()


def _firmware(uefi):
    texts = _Texts()
    extension = ACPI | VIRTUAL_MACHINE | (UEFI if uefi else 0)
    major, minor = (int(part) for part in __version__.split(".")[:2])
    return _structure(0, H_FIRMWARE, FIRMWARE, texts, vendor=texts(MAKER), version=texts(__version__),
                      release_date=texts(RELEASE_DATE), start_segment=0 if uefi else ROM_SEGMENT,
                      characteristics=PCI | SELECTABLE_BOOT | EDD, extension=extension, major=major, minor=minor,
                      controller_major=0xFF, controller_minor=0xFF)


def _system():
    texts = _Texts()
    return _structure(1, H_SYSTEM, SYSTEM, texts, manufacturer=texts(MAKER), product=texts(PRODUCT),
                      version=texts(__version__), uuid=NO_UUID, wake_up=POWER_SWITCH)


def _board():
    texts = _Texts()
    return _structure(2, H_BOARD, BOARD, texts, manufacturer=texts(MAKER), product=texts("i440FX, PIIX3, PIIX4"),
                      version=texts(__version__), features=HOSTING, chassis=H_CHASSIS, board_type=MOTHERBOARD)


def _chassis():
    texts = _Texts()
    return _structure(3, H_CHASSIS, CHASSIS, texts, manufacturer=texts(MAKER), chassis_type=DESKTOP, boot_up=SAFE,
                      power_supply=SAFE, thermal=SAFE, security=NO_SECURITY)


def _processor(machine):
    texts = _Texts()
    model = machine.cpu.model
    megahertz = machine.clock.frequency // 1_000_000
    family = FAMILIES.get(model.name, OTHER_FAMILY)
    return _structure(4, H_PROCESSOR, PROCESSOR, texts, socket=texts("CPU 0"), processor_type=CENTRAL, family=family,
                      manufacturer=texts("Intel"), signature=model.signature, features=model.word("leaf1_edx"),
                      version=texts(f"{model.name}: {model.title}"), max_speed=megahertz, speed=megahertz,
                      status=POPULATED_ENABLED, upgrade=UPGRADE_NONE, l1=NO_CACHE, l2=NO_CACHE, l3=NO_CACHE, cores=1,
                      enabled=1, threads=1, characteristics=("LM" in model.features and CAPABLE_OF_64_BITS)
                      | ("NX" in model.features and EXECUTE_PROTECTION),
                      family_2=family, cores_2=1, enabled_2=1, threads_2=1)


def _memory(memory):
    """Types 16, 17, and 19 for each stretch of addresses."""
    size = memory.size
    kilobytes, megabytes = size >> 10, size >> 20
    beyond = kilobytes >= BEYOND_KB
    yield _structure(16, H_ARRAY, MEMORY_ARRAY, location=ON_BOARD, use=SYSTEM_MEMORY, error_correction=NO_CORRECTION,
                     capacity=BEYOND_KB if beyond else kilobytes, error=NOT_PROVIDED, devices=1,
                     extended_capacity=size if beyond else 0)
    texts = _Texts()
    if size % MEGABYTE and kilobytes < IN_KB:
        short = IN_KB | kilobytes
    else:
        short = min(megabytes, EXTENDED_SIZE)
    yield _structure(17, H_MODULE, MEMORY_DEVICE, texts, array=H_ARRAY, error=NOT_PROVIDED, total_width=UNKNOWN_WIDTH,
                     data_width=UNKNOWN_WIDTH, size=short, form=DIMM, locator=texts("DIMM 0"), memory_type=RAM,
                     detail=OTHER_DETAIL, manufacturer=texts(MAKER),
                     extended_size=megabytes if short == EXTENDED_SIZE else 0)
    for number, (start, length) in enumerate(((0, memory.ram_low), (FOUR_GB, memory.ram_high))):
        if not length:
            continue
        last = start + length - 1
        if last >> 10 < BEYOND_MAP:
            where = {"start": start >> 10, "end": last >> 10}
        else:
            where = {"start": BEYOND_MAP, "end": BEYOND_MAP, "extended_start": start, "extended_end": last}
        yield _structure(19, H_MAPPED + number, MAPPED_ADDRESS, array=H_ARRAY, width=1, **where)


def structures(machine, uefi: bool = False) -> list[bytes]:
    """Every structure with its strings, in the order of their types."""
    return [_firmware(uefi), _system(), _board(), _chassis(), _processor(machine), *_memory(machine.memory),
            _structure(32, H_BOOT, BOOT_INFORMATION), _structure(127, H_END)]


def build(machine, base: int, uefi: bool = False) -> Tables:
    """The machine's tables, the structures for physical address `base`, below 4 GB (ValueError elsewhere).

    uefi: whether the firmware is one, which the firmware's structure says."""
    if not 0 <= base <= FOUR_GB - SIZE:
        raise ValueError(f"SMBIOS structures cannot be at {base:#x}: version 2 reaches up to 4 GB")
    parts = structures(machine, uefi)
    table = b"".join(parts)
    entry_2 = fill(ENTRY_2, largest=max(map(len, parts)), table_length=len(table), table_address=base, count=len(parts))
    entry_3 = fill(ENTRY_3, table_maximum=len(table), table_address=base)
    return Tables(seal(entry_3, 5), seal(seal(entry_2, 21, start=16), 4), table)


def install(machine, base: int, uefi: bool = False) -> tuple[int, int]:
    """Write everything into memory, SIZE bytes from `base` on, a multiple of 16; the addresses of _SM3_ and _SM_."""
    entry_3, entry_2, table = base, base + 0x20, base + 0x40
    built = build(machine, table, uefi)
    for address, data in zip((entry_3, entry_2, table), built):
        machine.memory.write(address, data)
    return entry_3, entry_2
