"""What the variables of the specification may be: attributes, size and contents of each, as EDK2 checks them.

A name of EFI_GLOBAL_VARIABLE that has no row is refused.

Source: UEFI 2.10, table 3.1 "Global Variables"; section 3.1.3 for load options.
"""
from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from boot.uefi import device_path
from boot.uefi.definitions import Guid

GLOBAL = Guid("8be4df61-93ca-11d2-aa0d-00e098032b8c")          # EFI_GLOBAL_VARIABLE
LASTING, PASSING, SIGNED = 7, 6, 7 | 0x20


def is_array_of_u16(data: bytes) -> bool:
    return len(data) % 2 == 0


def is_ascii(data: bytes) -> bool:
    """Text with its end."""
    return b"\0" in data


def is_path(data: bytes) -> bool:
    """A device path, of one instance or more."""
    try:
        return device_path.size(data) == len(data)
    except device_path.BadPath:
        return False


def is_load_option(data: bytes) -> bool:
    """EFI_LOAD_OPTION: Attributes (4), FilePathListLength (2), Description with its end, FilePathList, OptionalData."""
    if len(data) <= 6:
        return False
    length = int.from_bytes(data[4:6], "little")
    end = next((at for at in range(6, len(data) - 1, 2) if data[at:at + 2] == b"\0\0"), len(data)) + 2
    if not length or end + length > len(data):
        return False
    paths = data[end:end + length]
    while paths:
        try:
            first = device_path.size(paths)
        except device_path.BadPath:
            return False
        paths = paths[first:]
    return True


class Rule(NamedTuple):
    """One row. attributes: exactly these; least, most: bytes; check: of the contents; read_only: only the firmware writes it."""
    attributes: int
    least: int = 1
    most: int = 1 << 32
    check: Callable[[bytes], bool] | None = None
    read_only: bool = False


RULES = {
    "LangCodes": Rule(PASSING, check=is_ascii), "PlatformLangCodes": Rule(PASSING, check=is_ascii),
    "Lang": Rule(LASTING, check=is_ascii), "PlatformLang": Rule(LASTING, check=is_ascii),
    "Timeout": Rule(LASTING, 2, 2),
    "ConIn": Rule(LASTING, check=is_path), "ConOut": Rule(LASTING, check=is_path), "ErrOut": Rule(LASTING, check=is_path),
    "ConInDev": Rule(PASSING, check=is_path), "ConOutDev": Rule(PASSING, check=is_path),
    "ErrOutDev": Rule(PASSING, check=is_path),
    "BootOrder": Rule(LASTING, 2, check=is_array_of_u16), "BootNext": Rule(LASTING, 2, 2), "BootCurrent": Rule(PASSING, 2, 2),
    "BootOptionSupport": Rule(PASSING, 4, 4),
    "DriverOrder": Rule(LASTING, 2, check=is_array_of_u16), "SysPrepOrder": Rule(LASTING, 2, check=is_array_of_u16),
    "PlatformRecoveryOrder": Rule(LASTING, 2, check=is_array_of_u16), "HwErrRecSupport": Rule(LASTING, 2, 2),
    "SetupMode": Rule(PASSING, 1, 1, read_only=True), "SecureBoot": Rule(PASSING, 1, 1, read_only=True),
    "AuditMode": Rule(PASSING, 1, 1), "DeployedMode": Rule(PASSING, 1, 1),
    "KEK": Rule(SIGNED), "PK": Rule(SIGNED), "SignatureSupport": Rule(PASSING, 16, read_only=True),
    "KEKDefault": Rule(PASSING, read_only=True), "PKDefault": Rule(PASSING, read_only=True),
    "dbDefault": Rule(PASSING, read_only=True), "dbxDefault": Rule(PASSING, read_only=True),
    "dbtDefault": Rule(PASSING, read_only=True),
    "OsIndicationsSupported": Rule(PASSING, 8, 8, read_only=True), "OsIndications": Rule(LASTING, 8, 8),
    "VendorKeys": Rule(PASSING, 1, 1, read_only=True),
}
NUMBERED = {"Boot": Rule(LASTING, check=is_load_option), "Driver": Rule(LASTING, check=is_load_option),
            "SysPrep": Rule(LASTING, check=is_load_option),
            "PlatformRecovery": Rule(PASSING, check=is_load_option, read_only=True), "Key": Rule(LASTING)}
NUMBER = re.compile("(.*)[0-9A-F]{4}")


def rule(name: str) -> Rule | None:
    """The row for a variable of EFI_GLOBAL_VARIABLE."""
    found = NUMBER.fullmatch(name)
    return RULES.get(name) or (NUMBERED.get(found[1]) if found else None)


def allowed(name: str, attributes: int, data: bytes) -> bool:
    """Whether a variable of the specification may become that. It is not deleted."""
    row = rule(name)
    return row is not None and attributes == row.attributes and row.least <= len(data) <= row.most and (
        row.check is None or row.check(data))
