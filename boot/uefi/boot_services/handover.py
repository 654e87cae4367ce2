"""ExitBootServices: the machine goes over to somebody else. Source: UEFI 2.10, section 7.4.6."""
from __future__ import annotations

from boot.uefi import tables
from boot.uefi.service import boot_service
from boot.uefi.definitions import Status


@boot_service("ExitBootServices(IN EFI_HANDLE ImageHandle, IN UINTN MapKey)")
def exit_boot_services(uefi, call, image, key):
    if image not in uefi.images.loaded or key != uefi.map.key:
        return Status.INVALID_PARAMETER
    tables.stop_timer(uefi.machine)
    for field in (tables.CONSOLE_IN_HANDLE, tables.CON_IN, tables.CONSOLE_OUT_HANDLE, tables.CON_OUT,
                  tables.STANDARD_ERROR_HANDLE, tables.STD_ERR, tables.BOOT_FIELD):
        uefi.write_u64(uefi.table.address + field, 0)
    tables.seal(uefi, uefi.table.address)
    uefi.exited = True
    uefi.frames.clear()
    return Status.SUCCESS
