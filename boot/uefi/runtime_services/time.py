"""GetTime, SetTime, GetWakeupTime, SetWakeupTime. Source: UEFI 2.10, section 8.3 "Time Services"."""
from __future__ import annotations

import struct

from boot.uefi import clock
from boot.uefi.definitions import Status
from boot.uefi.service import runtime_service
from boot.uefi.times import TIME

CAPABILITIES = struct.Struct("<IIB3x")  # EFI_TIME_CAPABILITIES
ONE_A_SECOND, ACCURACY, KEEPS_FRACTIONS = 1, 50_000_000, 0      # 50 parts in a million, in units of 10^-12
DAY = 86_400


@runtime_service("GetTime(OUT EFI_TIME *Time, OUT EFI_TIME_CAPABILITIES *Capabilities OPTIONAL)")
def get_time(uefi, call, pointer, capabilities):
    if not pointer:
        return Status.INVALID_PARAMETER
    time = clock.now(uefi)
    if time is None:
        return Status.DEVICE_ERROR
    uefi.write(pointer, time)
    if capabilities:
        uefi.write(capabilities, CAPABILITIES.pack(ONE_A_SECOND, ACCURACY, KEEPS_FRACTIONS))
    return Status.SUCCESS


@runtime_service("SetTime(IN EFI_TIME *Time)")
def set_time(uefi, call, pointer):
    if not pointer:
        return Status.INVALID_PARAMETER
    time = uefi.read(pointer, TIME.size)
    if not clock.valid(time):
        return Status.INVALID_PARAMETER
    clock.set_now(uefi, time)
    return Status.SUCCESS


@runtime_service("GetWakeupTime(OUT BOOLEAN *Enabled, OUT BOOLEAN *Pending, OUT EFI_TIME *Time)")
def get_wakeup_time(uefi, call, enabled_pointer, pending_pointer, pointer):
    if not enabled_pointer or not pending_pointer or not pointer:
        return Status.INVALID_PARAMETER
    enabled, pending, time = clock.wakeup(uefi)
    if time is None:
        return Status.DEVICE_ERROR
    uefi.write_u8(enabled_pointer, enabled)
    uefi.write_u8(pending_pointer, pending)
    uefi.write(pointer, time)
    return Status.SUCCESS


@runtime_service("SetWakeupTime(IN BOOLEAN Enable, IN EFI_TIME *Time OPTIONAL)")
def set_wakeup_time(uefi, call, enable, pointer):
    if not enable:
        clock.set_wakeup(uefi, None)
        return Status.SUCCESS
    if not pointer:
        return Status.INVALID_PARAMETER
    time, now = uefi.read(pointer, TIME.size), clock.now(uefi)
    if not clock.valid(time):
        return Status.INVALID_PARAMETER
    if now is None:
        return Status.DEVICE_ERROR
    if not 0 <= clock.seconds(time) - clock.seconds(now) <= DAY:
        return Status.UNSUPPORTED           # the chip's alarm has no date
    clock.set_wakeup(uefi, time)
    return Status.SUCCESS
