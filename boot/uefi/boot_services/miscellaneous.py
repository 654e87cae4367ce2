"""Memory helpers, time, the watchdog, and configuration tables. Source: UEFI 2.10, section 7.5 "Miscellaneous Boot Services"."""
from __future__ import annotations

import zlib

from boot.uefi import events, tables
from boot.uefi.events import NEVER
from boot.uefi.service import boot_service
from boot.uefi.steps import begin
from boot.uefi.definitions import Status

PIECE = 1 << 20                         # bytes that go through Python at a time
WATCHDOG_TEXT = 200                     # characters of a program's own words that are repeated


@boot_service("CalculateCrc32(IN VOID *Data, IN UINTN DataSize, OUT UINT32 *Crc32)")
def calculate_crc32(uefi, call, data, size, pointer):
    if not data or not size or not pointer:
        return Status.INVALID_PARAMETER
    crc = 0
    for offset in range(0, size, PIECE):
        crc = zlib.crc32(uefi.read(data + offset, min(PIECE, size - offset)), crc)
    uefi.write_u32(pointer, crc)
    return Status.SUCCESS


@boot_service("CopyMem(IN VOID *Destination, IN VOID *Source, IN UINTN Length)")
def copy_mem(uefi, call, destination, source, length):
    offsets = range(0, length, PIECE)
    for offset in offsets if destination <= source else reversed(offsets):         # the two may overlap
        uefi.write(destination + offset, uefi.read(source + offset, min(PIECE, length - offset)))
    return Status.SUCCESS


@boot_service("SetMem(IN VOID *Buffer, IN UINTN Size, IN UINT8 Value)")
def set_mem(uefi, call, buffer, size, value):
    at, end = buffer, buffer + size
    while at < end:
        length = min(PIECE, end - at)
        uefi.write(at, bytes((value,)) * length)
        at += length
    return Status.SUCCESS


@boot_service("GetNextMonotonicCount(OUT UINT64 *Count)")
def get_next_monotonic_count(uefi, call, pointer):
    if not pointer:
        return Status.INVALID_PARAMETER
    uefi.write_u64(pointer, uefi.monotonic)
    uefi.monotonic = (uefi.monotonic + 1) % (1 << 64)
    return Status.SUCCESS


@boot_service("InstallConfigurationTable(IN EFI_GUID *Guid, IN VOID *Table)")
def install_configuration_table(uefi, call, guid_pointer, table):
    if not guid_pointer:
        return Status.INVALID_PARAMETER
    guid = uefi.read_guid(guid_pointer)
    if not tables.set_configuration(uefi, guid, table):
        return Status.OUT_OF_RESOURCES if table else Status.NOT_FOUND
    events.signal_group(uefi, guid)                             # the group of its GUID hears of it (EVT_GROUP of 7.1.1)
    return Status.SUCCESS


# ---- time ------------------------------------------------------------------------------------------------------------

@boot_service("Stall(IN UINTN Microseconds)")
def stall(uefi, call, microseconds):
    machine = uefi.machine
    end = machine.time - (-microseconds * machine.clock.frequency // 1_000_000)
    return begin(uefi, call, pass_time, min(end, NEVER))


def pass_time(uefi, call, steps, value, end):
    """A step: time goes on to `end` without instructions, as it does in a delay loop, and to the tick.

    It stops where something happens on the board, so that devices and, if they are on, interrupts have their moments."""
    machine = uefi.machine
    now, event = machine.time, machine.clock.next()
    wake = end if event is None else max(now, min(end, event))
    if wake > now:
        machine.sleep_until(wake)
    machine.cpu.stop()                                          # the run loop looks at what is due
    if wake >= end:
        return Status.SUCCESS
    steps.then(pass_time, end)
    return steps.invoke(uefi.labels["nothing"])


@boot_service("SetWatchdogTimer(IN UINTN Timeout, IN UINT64 WatchdogCode, IN UINTN DataSize, IN CHAR16 *WatchdogData OPTIONAL)")
def set_watchdog_timer(uefi, call, seconds, code, size, data):
    words = uefi.read_string(data)[:WATCHDOG_TEXT] if data and size else ""
    arm_watchdog(uefi, seconds, f", code {code:X}h" + (f": {words}" if words else ""))
    return Status.SUCCESS


def arm_watchdog(uefi, seconds: int, words: str = "") -> None:
    """Reset the machine when `seconds` have passed; 0: never. The boot manager gives each boot option 5 minutes."""
    clock = uefi.machine.clock
    clock.cancel(uefi.name, "watchdog_expired")
    expires = uefi.machine.time + seconds * clock.frequency
    if seconds and expires < NEVER:
        clock.at(expires, uefi.name, "watchdog_expired", f"the watchdog timer of {seconds} seconds expired{words}")
