"""EFI_TIME, and what FAT and the clock make of it.

    0 Year (2)   2 Month   3 Day   4 Hour   5 Minute   6 Second   8 Nanosecond (4)   12 TimeZone (2)   14 Daylight

Source: UEFI 2.10, section 8.3 "Time Services".
"""
from __future__ import annotations

import struct
from datetime import datetime, timedelta

from boot.fat import Moment

TIME = struct.Struct("<H5BxIhBx")
UNSPECIFIED = 0x7FF                     # TimeZone: local time, of no particular zone
EMPTY = bytes(16)
DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def pack_moment(moment: Moment | None) -> bytes:
    """An EFI_TIME; all zeros where there is no time, as EDK2 has it."""
    if moment is None:
        return EMPTY
    return TIME.pack(moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second,
                     moment.centisecond * 10_000_000, UNSPECIFIED, 0)


def unpack_moment(data: bytes) -> Moment | None:
    """The time of an EFI_TIME; None for one that FAT cannot keep or that is none."""
    year, month, day, hour, minute, second, nanosecond, _, _ = TIME.unpack(data)
    if not (1980 <= year <= 2107 and 1 <= month <= 12 and 1 <= day <= days(year, month) and hour < 24 and minute < 60
            and second < 60 and nanosecond < 1_000_000_000):
        return None
    return Moment(year, month, day, hour, minute, second, nanosecond // 10_000_000)


def now(uefi) -> Moment:
    """The time of the board's clock, or the nearest that FAT can keep."""
    time = datetime(1970, 1, 1) + timedelta(seconds=uefi.machine.devices["rtc"].seconds)
    return Moment(min(max(time.year, 1980), 2107), time.month, time.day, time.hour, time.minute, time.second)


def days(year: int, month: int) -> int:
    """Days of a month."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 28 if month == 2 and not leap else DAYS[month - 1]
