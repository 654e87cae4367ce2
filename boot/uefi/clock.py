"""The board's clock as the time services use it: EFI_TIME to and from the registers of the CMOS chip, and its alarm.

The chip keeps no time zone; that is in a variable, as EDK2 has it. Source: UEFI 2.10, section 8.3; x86/devices/rtc.py.
"""
from __future__ import annotations

import calendar
import struct

from boot.uefi.definitions import Guid
from boot.uefi.times import TIME, UNSPECIFIED, days
from boot.uefi.variables import ACCESS, NON_VOLATILE

INDEX, DATA = 0x70, 0x71
SECONDS, MINUTES, HOURS, DATE, MONTH, YEAR, CENTURY = 0x00, 0x02, 0x04, 0x07, 0x08, 0x09, 0x32
ALARM = 1                               # behind SECONDS, MINUTES and HOURS comes the alarm's
REGISTER_A, REGISTER_B, REGISTER_C = 0x0A, 0x0B, 0x0C
UPDATING, STOPPED, ALARM_ENABLED, ALARM_CAME, BINARY, HOURS_24 = 0x80, 0x80, 0x20, 0x20, 0x04, 0x02
AFTERNOON = 0x80
PATIENCE = 10_000                       # reads of register A: an update takes 2 ms

VENDOR = Guid("378d7b65-8da9-4773-b6e4-a47826a833e1")           # of EDK2's driver
ZONE, ZONE_LAYOUT = "RTC", struct.Struct("<hBx")                # TimeZone, Daylight
WAKEUP = "RTCALARM"                                             # the EFI_TIME of the alarm
LASTING = NON_VOLATILE | ACCESS
ADJUST_DAYLIGHT, IN_DAYLIGHT = 1, 2


def read(uefi, register: int) -> int:
    """A register of the chip."""
    uefi.machine.bus.write(INDEX, register, 1)
    return uefi.machine.bus.read(DATA, 1)


def write(uefi, register: int, value: int) -> None:
    uefi.machine.bus.write(INDEX, register, 1)
    uefi.machine.bus.write(DATA, value, 1)


def _number(uefi, register, mode):
    """A register as a number, hours from 0 to 23; a number that is none where the chip holds nonsense."""
    value = read(uefi, register)
    if register in (HOURS, HOURS + ALARM) and not mode & HOURS_24:
        hour = _plain(value & ~AFTERNOON, mode)
        return hour % 12 + (12 if value & AFTERNOON else 0) if 1 <= hour <= 12 else 99
    return _plain(value, mode)


def _plain(value, mode):
    if mode & BINARY:
        return value
    return (value >> 4) * 10 + (value & 15) if value & 15 < 10 and value >> 4 < 10 else 99


def _set_number(uefi, register, number, mode):
    afternoon = 0
    if register in (HOURS, HOURS + ALARM) and not mode & HOURS_24:
        afternoon, number = AFTERNOON if number >= 12 else 0, number % 12 or 12
    write(uefi, register, (number if mode & BINARY else number // 10 << 4 | number % 10) | afternoon)


def valid(time: bytes) -> bool:
    """Whether an EFI_TIME is one: a date that exists, a time of day, a zone."""
    year, month, day, hour, minute, second, nanosecond, zone, daylight = TIME.unpack(time)
    return (1900 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= days(year, month) and hour < 24 and minute < 60
            and second < 60 and nanosecond < 1_000_000_000 and (-1440 <= zone <= 1440 or zone == UNSPECIFIED)
            and not daylight & ~(ADJUST_DAYLIGHT | IN_DAYLIGHT))


def seconds(time: bytes) -> int:
    """The time of a valid EFI_TIME in seconds, its zone left aside."""
    return calendar.timegm(TIME.unpack(time)[:6])


def zone(uefi) -> tuple[int, int]:
    """(TimeZone, Daylight) as SetTime left them."""
    found = uefi.variables.values.get((ZONE, VENDOR))
    return ZONE_LAYOUT.unpack(found.data) if found and len(found.data) == ZONE_LAYOUT.size else (UNSPECIFIED, 0)


def now(uefi) -> bytes | None:
    """The EFI_TIME it is; None while the chip does not keep time, or keeps nonsense."""
    mode = read(uefi, REGISTER_B)
    for _ in range(PATIENCE):
        if not read(uefi, REGISTER_A) & UPDATING:
            break
    century, year, month, day, hour, minute, second = (
        _number(uefi, register, mode) for register in (CENTURY, YEAR, MONTH, DATE, HOURS, MINUTES, SECONDS))
    time = TIME.pack(century * 100 + year, month, day, hour, minute, second, 0, *zone(uefi))
    return time if valid(time) and not mode & STOPPED else None


def set_now(uefi, time: bytes) -> None:
    """Put a valid time into the chip, and its zone into the variable."""
    year, month, day, hour, minute, second, _, time_zone, daylight = TIME.unpack(time)
    uefi.variables.set(ZONE, VENDOR, LASTING, ZONE_LAYOUT.pack(time_zone, daylight), False)
    mode = read(uefi, REGISTER_B)
    write(uefi, REGISTER_B, mode | STOPPED)
    for register, number in ((CENTURY, year // 100), (YEAR, year % 100), (MONTH, month), (DATE, day), (HOURS, hour),
                             (MINUTES, minute), (SECONDS, second)):
        _set_number(uefi, register, number, mode)
    write(uefi, REGISTER_B, mode & ~STOPPED)


def wakeup(uefi) -> tuple[bool, bool, bytes | None]:
    """(enabled, pending, EFI_TIME) of the alarm."""
    mode = read(uefi, REGISTER_B)
    kept = uefi.variables.values.get((WAKEUP, VENDOR))
    date = kept.data if kept and len(kept.data) == TIME.size and valid(kept.data) else now(uefi)
    if date is None:
        return bool(mode & ALARM_ENABLED), False, None
    hour, minute, second = (_number(uefi, register + ALARM, mode) for register in (HOURS, MINUTES, SECONDS))
    year, month, day, *_, time_zone, daylight = TIME.unpack(date)
    time = TIME.pack(year, month, day, hour, minute, second, 0, time_zone, daylight)
    came = read(uefi, REGISTER_C) & ALARM_CAME
    return bool(mode & ALARM_ENABLED), bool(came), time if valid(time) else None


def set_wakeup(uefi, time: bytes | None) -> None:
    """Set the alarm, for a valid time within a day, or switch it off."""
    mode = read(uefi, REGISTER_B)
    if time is None:
        write(uefi, REGISTER_B, mode & ~ALARM_ENABLED)
        return
    uefi.variables.set(WAKEUP, VENDOR, LASTING, time, False)
    for register, number in zip((HOURS, MINUTES, SECONDS), TIME.unpack(time)[3:6]):
        _set_number(uefi, register + ALARM, number, mode)
    write(uefi, REGISTER_B, mode | ALARM_ENABLED)
