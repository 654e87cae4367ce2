"""Numbers and small structures of the UEFI specification: statuses, memory types, task priority levels, GUIDs.

Source: UEFI 2.10, appendix D (status codes), section 7.2 (memory), 7.1 (task priority levels), appendix A (GUIDs).
"""
from __future__ import annotations

import uuid
from enum import IntEnum, IntFlag

PAGE = 4096
ERROR = 1 << 63                         # of a status: it is an error; without it and not 0, it is a warning


class Status(IntEnum):
    """EFI_STATUS. `str(status)` is the name without EFI_, as messages and traces show it."""

    SUCCESS = 0
    WARN_UNKNOWN_GLYPH, WARN_DELETE_FAILURE, WARN_WRITE_FAILURE, WARN_BUFFER_TOO_SMALL, WARN_STALE_DATA = range(1, 6)
    LOAD_ERROR = ERROR | 1
    INVALID_PARAMETER = ERROR | 2
    UNSUPPORTED = ERROR | 3
    BAD_BUFFER_SIZE = ERROR | 4
    BUFFER_TOO_SMALL = ERROR | 5
    NOT_READY = ERROR | 6
    DEVICE_ERROR = ERROR | 7
    WRITE_PROTECTED = ERROR | 8
    OUT_OF_RESOURCES = ERROR | 9
    VOLUME_CORRUPTED = ERROR | 10
    VOLUME_FULL = ERROR | 11
    NO_MEDIA = ERROR | 12
    MEDIA_CHANGED = ERROR | 13
    NOT_FOUND = ERROR | 14
    ACCESS_DENIED = ERROR | 15
    NO_RESPONSE = ERROR | 16
    NO_MAPPING = ERROR | 17
    TIMEOUT = ERROR | 18
    NOT_STARTED = ERROR | 19
    ALREADY_STARTED = ERROR | 20
    ABORTED = ERROR | 21
    ICMP_ERROR = ERROR | 22
    TFTP_ERROR = ERROR | 23
    PROTOCOL_ERROR = ERROR | 24
    INCOMPATIBLE_VERSION = ERROR | 25
    SECURITY_VIOLATION = ERROR | 26
    CRC_ERROR = ERROR | 27
    END_OF_MEDIA = ERROR | 28
    END_OF_FILE = ERROR | 31
    INVALID_LANGUAGE = ERROR | 32
    COMPROMISED_DATA = ERROR | 33
    IP_ADDRESS_CONFLICT = ERROR | 34
    HTTP_ERROR = ERROR | 35

    def __str__(self):
        return self.name


def status_name(value: int) -> str:
    """`NOT_FOUND` for 800000000000000Eh; the number, in hexadecimal, for a status that nobody defined."""
    try:
        return Status(value).name
    except ValueError:
        return f"{value:X}h"


class MemoryType(IntEnum):
    """EFI_MEMORY_TYPE; 70000000h and up belong to OEMs, 80000000h and up to operating systems' loaders."""

    Reserved = 0
    LoaderCode, LoaderData, BootServicesCode, BootServicesData, RuntimeServicesCode, RuntimeServicesData = range(1, 7)
    Conventional, Unusable, ACPIReclaim, ACPINVS, MMIO, MMIOPortSpace, PalCode, Persistent, Unaccepted = range(7, 16)


class MemoryAttribute(IntFlag):
    """Bits of EFI_MEMORY_DESCRIPTOR.Attribute: how a range can be cached and protected."""

    UC, WC, WT, WB, UCE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 4
    WP, RP, XP, NV, MORE_RELIABLE, RO, SP = 1 << 12, 1 << 13, 1 << 14, 1 << 15, 1 << 16, 1 << 17, 1 << 18
    RUNTIME = 1 << 63


RAM_ATTRIBUTES = MemoryAttribute.UC | MemoryAttribute.WC | MemoryAttribute.WT | MemoryAttribute.WB

TPL_APPLICATION, TPL_CALLBACK, TPL_NOTIFY, TPL_HIGH_LEVEL = 4, 8, 16, 31


class Guid(bytes):
    """An EFI_GUID as its sixteen bytes in memory; Guid("964e5b22-...") makes one, str() writes it."""

    def __new__(cls, value):
        if isinstance(value, str):
            value = uuid.UUID(value).bytes_le
        if len(value) != 16:
            raise ValueError(f"a GUID has 16 bytes, not {len(value)}")
        return super().__new__(cls, value)

    def __str__(self):
        return str(uuid.UUID(bytes_le=bytes(self)))

    def __repr__(self):
        return f"Guid('{self}')"
