"""ACPI's tables: headers, pointers between them, and the FADT, which says where the power management's registers are.

    RSDP --> RSDT, XSDT --> FADT --> DSDT       dsdt.py
                                 --> FACS       shared with the firmware: the global lock, the waking vector
                        --> MADT                madt.py

Every table but RSDP and FACS begins with

     0 signature   4 length   8 revision, checksum   10 OEM ID   16 OEM table ID   24 OEM revision   28 creator, its revision

and all bytes of it add up to 0. A machine without APICs has no MADT; its operating system uses the two 8259s.

Source: ACPI Specification 6.5, section 5.2; the FADT is the one of ACPI 2.0 (revision 3), which has all that a PIIX4 has.
"""
from __future__ import annotations

from construct import Bytes, Const, Int8ul, Int16ul, Int32ul, Int64ul, Padding, Struct

from boot.acpi import dsdt, madt
from boot.structures import fill, seal
from x86.devices import pm

OEM_ID, OEM_TABLE_ID, CREATOR = b"X86   ", b"X86BOARD", b"X86 "
REVISION = 1                            # of the tables and of their creator; rises when a table changes
CHECKSUM = 9                            # its offset in every table with a header
HEADER_SIZE = 36

HEADER = Struct(
    "signature" / Bytes(4),
    "length" / Int32ul,
    "revision" / Int8ul,
    "checksum" / Int8ul,
    "oem_id" / Bytes(6),
    "oem_table_id" / Bytes(8),
    "oem_revision" / Int32ul,
    "creator_id" / Bytes(4),
    "creator_revision" / Int32ul,
)

#: The root system description pointer, revision 2. The first checksum is over the first 20 bytes, those of ACPI 1.0.
RSDP = Struct(
    "signature" / Const(b"RSD PTR "),
    "checksum" / Int8ul,
    "oem_id" / Bytes(6),
    "revision" / Const(2, Int8ul),
    "rsdt" / Int32ul,
    "length" / Const(36, Int32ul),
    "xsdt" / Int64ul,
    "extended_checksum" / Int8ul,
    Padding(3),
)
RSDP_SIZE, RSDP_1_SIZE = RSDP.sizeof(), 20

#: The firmware control structure, version 1, at a multiple of 64.
FACS = Struct(
    "signature" / Const(b"FACS"),
    "length" / Const(64, Int32ul),
    "hardware_signature" / Int32ul,
    "firmware_waking_vector" / Int32ul,
    "global_lock" / Int32ul,
    "flags" / Int32ul,
    "x_firmware_waking_vector" / Int64ul,
    "version" / Const(1, Int8ul),
    Padding(31),
)
FACS_SIZE, FACS_ALIGN = FACS.sizeof(), 64

SYSTEM_IO = 1
BYTE_ACCESS, WORD_ACCESS, DWORD_ACCESS = 1, 2, 3

#: A generic address: register `address` in an address space, of so many bits, used with accesses of one size.
GENERIC_ADDRESS = Struct(
    "space" / Int8ul,
    "bits" / Int8ul,
    "bit_offset" / Int8ul,
    "access" / Int8ul,
    "address" / Int64ul,
)

#: The fixed ACPI description table behind its header. Names are the specification's.
FADT = Struct(
    "firmware_ctrl" / Int32ul,
    "dsdt" / Int32ul,
    Padding(1),
    "preferred_pm_profile" / Int8ul,
    "sci_int" / Int16ul,
    "smi_cmd" / Int32ul,
    "acpi_enable" / Int8ul,
    "acpi_disable" / Int8ul,
    "s4bios_req" / Int8ul,
    "pstate_cnt" / Int8ul,
    "pm1a_evt_blk" / Int32ul,
    "pm1b_evt_blk" / Int32ul,
    "pm1a_cnt_blk" / Int32ul,
    "pm1b_cnt_blk" / Int32ul,
    "pm2_cnt_blk" / Int32ul,
    "pm_tmr_blk" / Int32ul,
    "gpe0_blk" / Int32ul,
    "gpe1_blk" / Int32ul,
    "pm1_evt_len" / Int8ul,
    "pm1_cnt_len" / Int8ul,
    "pm2_cnt_len" / Int8ul,
    "pm_tmr_len" / Int8ul,
    "gpe0_blk_len" / Int8ul,
    "gpe1_blk_len" / Int8ul,
    "gpe1_base" / Int8ul,
    "cst_cnt" / Int8ul,
    "p_lvl2_lat" / Int16ul,
    "p_lvl3_lat" / Int16ul,
    "flush_size" / Int16ul,
    "flush_stride" / Int16ul,
    "duty_offset" / Int8ul,
    "duty_width" / Int8ul,
    "day_alrm" / Int8ul,
    "mon_alrm" / Int8ul,
    "century" / Int8ul,
    "iapc_boot_arch" / Int16ul,
    Padding(1),
    "flags" / Int32ul,
    "reset_reg" / GENERIC_ADDRESS,
    "reset_value" / Int8ul,
    Padding(3),
    "x_firmware_ctrl" / Int64ul,
    "x_dsdt" / Int64ul,
    "x_pm1a_evt_blk" / GENERIC_ADDRESS,
    "x_pm1b_evt_blk" / GENERIC_ADDRESS,
    "x_pm1a_cnt_blk" / GENERIC_ADDRESS,
    "x_pm1b_cnt_blk" / GENERIC_ADDRESS,
    "x_pm2_cnt_blk" / GENERIC_ADDRESS,
    "x_pm_tmr_blk" / GENERIC_ADDRESS,
    "x_gpe0_blk" / GENERIC_ADDRESS,
    "x_gpe1_blk" / GENERIC_ADDRESS,
)
FADT_SIZE = HEADER_SIZE + FADT.sizeof()

DESKTOP = 1
LEGACY_DEVICES, HAS_8042, NO_MSI = 1 << 0, 1 << 1, 1 << 3                       # IAPC_BOOT_ARCH
WBINVD, PROC_C1, SLP_BUTTON, FIX_RTC, RESET_REG_SUP = 1 << 0, 1 << 2, 1 << 5, 1 << 6, 1 << 10     # flags
NO_C2, NO_C3 = 101, 1001                # latencies, in microseconds, with which a state counts as absent
CENTURY = 0x32                          # the CMOS byte that has it
RESET_CONTROL, HARD_RESET = 0xCF9, 0x06


def table(signature: bytes, revision: int, content: bytes) -> bytes:
    """`content` behind a header."""
    header = fill(HEADER, signature=signature, length=HEADER_SIZE + len(content), revision=revision, oem_id=OEM_ID,
                  oem_table_id=OEM_TABLE_ID, oem_revision=REVISION, creator_id=CREATOR, creator_revision=REVISION)
    return seal(header + content, CHECKSUM)


def rsdp(rsdt: int, xsdt: int) -> bytes:
    """The root pointer: 36 bytes."""
    data = fill(RSDP, oem_id=OEM_ID, rsdt=rsdt, xsdt=xsdt)
    return seal(seal(data, 8, end=RSDP_1_SIZE), 32)


def rsdt(*addresses: int) -> bytes:
    return table(b"RSDT", 1, b"".join(address.to_bytes(4, "little") for address in addresses))


def xsdt(*addresses: int) -> bytes:
    return table(b"XSDT", 1, b"".join(address.to_bytes(8, "little") for address in addresses))


def facs() -> bytes:
    """64 bytes: nobody holds the lock, nothing to wake up to."""
    return fill(FACS)


def dsdt_table() -> bytes:
    """Revision 2: integers have 64 bits."""
    return table(b"DSDT", 2, dsdt.definition_block())


def madt_table() -> bytes:
    return table(b"APIC", 3, madt.content())


def fadt(dsdt_address: int, facs_address: int) -> bytes:
    """The registers as x86/devices/pm.py has them, each twice: as a port, and as a generic address."""
    registers = {}
    for name, port, size, access in (("pm1a_evt_blk", pm.BASE + pm.STATUS_OFFSET, 4, WORD_ACCESS),
                                     ("pm1a_cnt_blk", pm.BASE + pm.CONTROL_OFFSET, 2, WORD_ACCESS),
                                     ("pm_tmr_blk", pm.BASE + pm.TIMER_OFFSET, 4, DWORD_ACCESS),
                                     ("gpe0_blk", pm.EVENTS, pm.EVENTS_SIZE, BYTE_ACCESS)):
        registers[name] = port
        registers[f"x_{name}"] = _port(port, 8 * size, access)
    return table(b"FACP", 3, fill(
        FADT, firmware_ctrl=facs_address, x_firmware_ctrl=facs_address, dsdt=dsdt_address, x_dsdt=dsdt_address,
        preferred_pm_profile=DESKTOP, sci_int=pm.SCI, smi_cmd=pm.SMI_COMMAND, acpi_enable=pm.ACPI_ENABLE,
        acpi_disable=pm.ACPI_DISABLE, **registers,
        pm1_evt_len=4, pm1_cnt_len=2, pm_tmr_len=4, gpe0_blk_len=pm.EVENTS_SIZE,
        p_lvl2_lat=NO_C2, p_lvl3_lat=NO_C3, century=CENTURY, iapc_boot_arch=LEGACY_DEVICES | HAS_8042 | NO_MSI,
        # A power button in PM1 status (its flag is 0), no sleep button; the alarm wakes nobody, as nobody sleeps
        flags=WBINVD | PROC_C1 | SLP_BUTTON | FIX_RTC | RESET_REG_SUP,
        reset_reg=_port(RESET_CONTROL, 8, BYTE_ACCESS), reset_value=HARD_RESET))


def _port(port, bits, access):
    return {"space": SYSTEM_IO, "bits": bits, "bit_offset": 0, "access": access, "address": port}
