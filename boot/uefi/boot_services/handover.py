"""ExitBootServices: the machine goes over to somebody else.

    first call   BEFORE_EXIT_BOOT_SERVICES         its functions may still allocate, which makes the caller's key stale
    each call    the timer stops
    wrong key    INVALID_PARAMETER: the caller reads the map again, and tries once more
    right key    EXIT_BOOT_SERVICES; then there are no boot services, and interrupts are off

Source: UEFI 2.10, section 7.4.6 "EFI_BOOT_SERVICES.ExitBootServices()"; 7.1.1 for the groups. That interrupts are off at the
end, and that the timer stops even if the key is wrong, is EDK2's.
"""
from __future__ import annotations

from boot.uefi import configuration, events, tables
from boot.uefi.boot_services.miscellaneous import arm_watchdog
from boot.uefi.events import BEFORE_EXIT_BOOT_SERVICES, EXIT_BOOT_SERVICES, EXIT_BOOT_SERVICES_FAILED, INTERRUPT_FLAG
from boot.uefi.service import boot_service
from boot.uefi.steps import begin
from boot.uefi.definitions import Status

#: Fields of the system table that mean nothing any more
CLEARED = (tables.CONSOLE_IN_HANDLE, tables.CON_IN, tables.CONSOLE_OUT_HANDLE, tables.CON_OUT, tables.STANDARD_ERROR_HANDLE,
           tables.STD_ERR, tables.BOOT_FIELD)


@boot_service("ExitBootServices(IN EFI_HANDLE ImageHandle, IN UINTN MapKey)")
def exit_boot_services(uefi, call, image, key):
    return begin(uefi, call, announce, key)


def announce(uefi, call, steps, value, key):
    """A step: the first time, tell those who want to do something while there are boot services."""
    steps.then(check_key, key)
    if not uefi.events.leaving:
        uefi.events.leaving = True
        events.signal_group(uefi, BEFORE_EXIT_BOOT_SERVICES)
        steps.then(events.dispatch)


def check_key(uefi, call, steps, value, key):
    """A step: whether the caller knows the memory map as it is."""
    events.stop_timers(uefi)
    tables.stop_timer(uefi.machine)
    if key != uefi.map.key:
        call.note = f"the memory map has changed since GetMemoryMap: its key is {uefi.map.key:X}h now"
        events.signal_group(uefi, EXIT_BOOT_SERVICES_FAILED)
        return Status.INVALID_PARAMETER
    events.signal_group(uefi, EXIT_BOOT_SERVICES)
    steps.then(leave)
    steps.then(events.dispatch)


def leave(uefi, call, steps, value):
    """A step: everybody knows. From here on only the runtime services answer."""
    arm_watchdog(uefi, 0)
    configuration.describe_runtime_memory(uefi)
    uefi.machine.cpu.rflags &= ~INTERRUPT_FLAG
    for field in CLEARED:
        uefi.write_u64(uefi.table.address + field, 0)
    tables.seal(uefi, uefi.table.address)
    uefi.exited = True
    uefi.frames = [call.frame] if call.frame else []            # nobody returns to the firmware but this call
    return Status.SUCCESS
