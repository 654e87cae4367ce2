"""GetVariable, GetNextVariableName, SetVariable, QueryVariableInfo. Source: UEFI 2.10, section 8.2."""
from __future__ import annotations

from boot.uefi.definitions import Guid, Status
from boot.uefi.guest_memory import utf16
from boot.uefi.service import runtime_service
from boot.uefi.tables import at_power_on
from boot.uefi.variable_rules import GLOBAL
from boot.uefi.variables import (ACCESS, AUTHENTICATED_WRITE, BOOTSERVICE_ACCESS, CAPACITY, HARDWARE_ERROR_RECORD, HEADER,
                                 LARGEST, NON_VOLATILE, RUNTIME_ACCESS, VOLATILE_CAPACITY)

LASTING = NON_VOLATILE | ACCESS

#: The firmware's own (UEFI 2.10, table 3.1): name, data, attributes, whether they can only be read
SECURE_BOOT_IS_OFF = (("SecureBoot", b"\0"), ("SetupMode", b"\1"))
#: SignatureSupport: SHA-1, SHA-256, RSA-2048, X.509
SIGNATURES = b"".join(map(Guid, ("826ca512-cf10-4ac9-b187-be01496631bd", "c1c41626-504c-4092-aca9-41f936934328",
                                 "3c5766e8-269c-4e34-aa14-ed776e85b3b6", "a5c059a1-94e4-4aa7-87b5-ab155c2bf072")))
FIRMWARE = (*((name, data, ACCESS, True) for name, data in SECURE_BOOT_IS_OFF),
            ("SignatureSupport", SIGNATURES, ACCESS, True),
            ("VendorKeys", b"\0", ACCESS, True),
            ("OsIndicationsSupported", bytes(8), ACCESS, True),
            ("BootOptionSupport", bytes(4), ACCESS, True),
            ("PlatformLangCodes", b"en\0", ACCESS, True),
            ("LangCodes", b"eng\0", ACCESS, True))
DEFAULTS = (("PlatformLang", b"en\0", LASTING), ("Lang", b"eng\0", LASTING), ("Timeout", b"\0\0", LASTING))


@at_power_on
def power_on(uefi):
    """What was volatile is forgotten, what the firmware itself has to say is there."""
    variables = uefi.variables
    for key in [key for key, each in variables.values.items() if not each.attributes & NON_VOLATILE]:
        del variables.values[key]
    for name, data, attributes, read_only in FIRMWARE:
        variables.provide(name, data, attributes, read_only=read_only)
    for name, data, attributes in DEFAULTS:
        if (name, GLOBAL) not in variables.values:
            variables.provide(name, data, attributes)


@runtime_service("GetVariable(IN CHAR16 *VariableName, IN EFI_GUID *VendorGuid, OUT UINT32 *Attributes OPTIONAL, "
                 "IN OUT UINTN *DataSize, OUT VOID *Data OPTIONAL)")
def get_variable(uefi, call, name, guid, attributes, size_pointer, buffer):
    if not name or not guid or not size_pointer:
        return Status.INVALID_PARAMETER
    found = uefi.variables.visible((uefi.read_string(name), uefi.read_guid(guid)), uefi.exited)
    if found is None:
        return Status.NOT_FOUND
    room = uefi.read_u64(size_pointer)
    if room >= len(found.data) and not buffer:
        return Status.INVALID_PARAMETER
    uefi.write_u64(size_pointer, len(found.data))
    if attributes:
        uefi.write_u32(attributes, found.attributes)
    if room < len(found.data):
        return Status.BUFFER_TOO_SMALL
    uefi.write(buffer, found.data)
    return Status.SUCCESS


@runtime_service("GetNextVariableName(IN OUT UINTN *VariableNameSize, IN OUT CHAR16 *VariableName, IN OUT EFI_GUID *VendorGuid)")
def get_next_variable_name(uefi, call, size_pointer, name_pointer, guid_pointer):
    if not size_pointer or not name_pointer or not guid_pointer:
        return Status.INVALID_PARAMETER
    room = uefi.read_u64(size_pointer)
    name = uefi.read_string(name_pointer)
    if len(utf16(name)) > room:                     # the end must lie within the buffer
        return Status.INVALID_PARAMETER
    try:
        key = uefi.variables.after((name, uefi.read_guid(guid_pointer)) if name else None, uefi.exited)
    except KeyError:
        return Status.INVALID_PARAMETER
    if key is None:
        return Status.NOT_FOUND
    encoded = utf16(key[0])
    uefi.write_u64(size_pointer, len(encoded))
    if room < len(encoded):
        return Status.BUFFER_TOO_SMALL
    uefi.write(name_pointer, encoded)
    uefi.write(guid_pointer, key[1])
    return Status.SUCCESS


@runtime_service("SetVariable(IN CHAR16 *VariableName, IN EFI_GUID *VendorGuid, IN UINT32 Attributes, IN UINTN DataSize, "
                 "IN VOID *Data OPTIONAL)")
def set_variable(uefi, call, name, guid, attributes, size, buffer):
    if not name or not guid or size and not buffer:
        return Status.INVALID_PARAMETER
    text = uefi.read_string(name)
    if not text:
        return Status.INVALID_PARAMETER
    if size > LARGEST:
        return Status.INVALID_PARAMETER
    data = uefi.read(buffer, size) if size else b""
    return uefi.variables.set(text, uefi.read_guid(guid), attributes, data, uefi.exited)


@runtime_service("QueryVariableInfo(IN UINT32 Attributes, OUT UINT64 *MaximumVariableStorageSize, "
                 "OUT UINT64 *RemainingVariableStorageSize, OUT UINT64 *MaximumVariableSize)")
def query_variable_info(uefi, call, attributes, maximum, remaining, largest):
    if not maximum or not remaining or not largest or not attributes:
        return Status.INVALID_PARAMETER
    if attributes & (HARDWARE_ERROR_RECORD | AUTHENTICATED_WRITE):
        return Status.UNSUPPORTED
    if not attributes & BOOTSERVICE_ACCESS or uefi.exited and not attributes & RUNTIME_ACCESS:
        return Status.INVALID_PARAMETER
    lasting = attributes & NON_VOLATILE
    uefi.write_u64(maximum, CAPACITY if lasting else VOLATILE_CAPACITY)
    left = CAPACITY - uefi.variables.used() if lasting else VOLATILE_CAPACITY - uefi.variables.used(lasting=False)
    uefi.write_u64(remaining, left)
    uefi.write_u64(largest, max(0, min(LARGEST, left) - HEADER))
    return Status.SUCCESS
