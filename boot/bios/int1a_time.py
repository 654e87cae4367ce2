"""INT 1Ah, AH=01h to 07h: the tick count, and the real-time clock in its CMOS chip.

The clock's registers hold BCD or binary numbers and 12 or 24 hours, as its register B says; INT 1Ah always gives BCD and
24 hours.
Source: IBM PC/AT Technical Reference; Ralf Brown's Interrupt List, INT 1A.
"""
from __future__ import annotations

from boot import layout
from boot.bios.service import service

TICKS_PER_DAY = 0x1800B0
SECONDS, MINUTES, HOURS, DAY, MONTH, YEAR, CENTURY = 0x00, 0x02, 0x04, 0x07, 0x08, 0x09, 0x32
ALARM_SECONDS, ALARM_MINUTES, ALARM_HOURS = 0x01, 0x03, 0x05
TPM_NOT_PRESENT = 0x23
REGISTER_A, REGISTER_B = 0x0A, 0x0B
UPDATE_IN_PROGRESS, SET, ALARM_ENABLE, BINARY, HOURS_24, DAYLIGHT = 0x80, 0x80, 0x20, 0x04, 0x02, 0x01


def bcd(number: int) -> int:
    return number // 10 << 4 | number % 10


def binary(number: int) -> int:
    return (number >> 4) * 10 + (number & 0x0F)


def clock_fields(bios, *registers: int) -> list[int]:
    """Registers of the clock as numbers, hours from 0 to 23: all of the same second, and with few accesses to ports,
    because loaders that wait for the next second ask all the time."""
    for _ in range(1000):                           # not while the chip counts up
        if not bios.cmos(REGISTER_A) & UPDATE_IN_PROGRESS:
            break
    mode, numbers = bios.cmos(REGISTER_B), []
    for register in registers:
        value = bios.cmos(register)
        afternoon = register == HOURS and not mode & HOURS_24 and value & 0x80
        value &= 0x7F if register == HOURS else 0xFF
        number = value if mode & BINARY else binary(value)
        if register == HOURS and not mode & HOURS_24:
            number = number % 12 + (12 if afternoon else 0)
        numbers.append(number)
    return numbers


def set_clock_field(bios, register: int, number: int) -> None:
    """Write a number into a register of the clock, hours being 0 to 23."""
    mode, mark = bios.cmos(REGISTER_B), 0
    if register == HOURS and not mode & HOURS_24:
        mark, number = (0x80 if number >= 12 else 0), (number % 12) or 12
    bios.set_cmos(register, (number if mode & BINARY else bcd(number)) | mark)


def _stopped(bios) -> bool:
    """Whether the clock does not run, as when its chip is missing (every register reads FFh)."""
    return bios.cmos(REGISTER_B) & SET != 0


# ---- ticks -----------------------------------------------------------------------------------------------------------

@service(0x1A, 0x01, "set tick count")
def set_ticks(bios, call):
    """What AH=00h, which is guest code (entries.py), counts on from."""
    bios.machine.memory.write_u32(layout.TICKS, call.cx << 16 | call.dx)
    bios.set_byte(layout.MIDNIGHT, 0)
    call.ah = 0
    call.carry = False


# ---- clock -----------------------------------------------------------------------------------------------------------

@service(0x1A, 0x02, "get time")
def get_time(bios, call):
    mode = bios.cmos(REGISTER_B)
    if mode & SET:                                  # see _stopped
        call.carry = True
        return
    call.ch, call.cl, call.dh = map(bcd, clock_fields(bios, HOURS, MINUTES, SECONDS))
    call.dl = mode & DAYLIGHT
    call.ah = 0
    call.al = call.ch
    call.carry = False


@service(0x1A, 0x03, "set time")
def set_time(bios, call):
    mode = bios.cmos(REGISTER_B)
    bios.set_cmos(REGISTER_B, mode | SET)
    for register, value in ((HOURS, call.ch), (MINUTES, call.cl), (SECONDS, call.dh)):
        set_clock_field(bios, register, binary(value))
    bios.set_cmos(REGISTER_B, mode & ~(SET | DAYLIGHT) | call.dl & DAYLIGHT)
    call.ah = 0
    call.carry = False


@service(0x1A, 0x04, "get date")
def get_date(bios, call):
    if _stopped(bios):
        call.carry = True
        return
    century, *rest = clock_fields(bios, CENTURY, YEAR, MONTH, DAY)
    call.ch = bcd(century if 19 <= century <= 20 else 20)
    call.cl, call.dh, call.dl = map(bcd, rest)
    call.ah = 0
    call.al = call.ch
    call.carry = False


@service(0x1A, 0x05, "set date")
def set_date(bios, call):
    mode = bios.cmos(REGISTER_B)
    bios.set_cmos(REGISTER_B, mode | SET)
    for register, value in ((CENTURY, call.ch), (YEAR, call.cl), (MONTH, call.dh), (DAY, call.dl)):
        set_clock_field(bios, register, binary(value))
    bios.set_cmos(REGISTER_B, mode & ~SET)
    call.ah = 0
    call.carry = False


@service(0x1A, 0x06, "set alarm")
def set_alarm(bios, call):
    """INT 4Ah is called at that time of day. CF=1 if an alarm is set already."""
    mode = bios.cmos(REGISTER_B)
    if mode & ALARM_ENABLE:
        call.carry = True
        return
    for register, value in ((ALARM_HOURS, call.ch), (ALARM_MINUTES, call.cl), (ALARM_SECONDS, call.dh)):
        bios.set_cmos(register, binary(value) if mode & BINARY else value)
    bios.port_out(0xA1, bios.port_in(0xA1) & 0xFE)  # IRQ 8
    bios.set_cmos(REGISTER_B, mode & ~SET | ALARM_ENABLE)
    call.ah = 0
    call.carry = False


@service(0x1A, 0x07, "cancel alarm")
def cancel_alarm(bios, call):
    bios.set_cmos(REGISTER_B, bios.cmos(REGISTER_B) & ~ALARM_ENABLE)
    call.ah = 0
    call.carry = False


@service(0x1A, 0xBB00, "TCG: is there a security chip?")
def security_chip(bios, call):
    """TCG_StatusCheck, of the TCG's specification for PC clients. EAX: TCG_PC_TPM_NOT_PRESENT."""
    call.eax = TPM_NOT_PRESENT
    call.carry = False


@service(0x1A, None, "not implemented")
def nothing(bios, call):
    call.unimplemented()
