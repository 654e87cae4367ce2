"""INT 15h AH=53h: Advanced Power Management 1.2, as far as turning the machine off takes.

Only the real-mode interface: a caller connects (5301h), says which version it speaks (530Eh), and sets a power state
(5307h). BX=0001h means all devices.
Source: APM BIOS Interface Specification 1.2.
"""
from __future__ import annotations

from boot.bios.service import service

ALL_DEVICES, BIOS = 0x0001, 0x0000
ALREADY_CONNECTED, NOT_CONNECTED, UNKNOWN_DEVICE, BAD_PARAMETER = 0x02, 0x03, 0x09, 0x0A
STANDBY, SUSPEND, OFF = 1, 2, 3
NOT_SUPPORTED = 0x86


def _answer(call, status=0):
    if status:
        call.ah = status
    call.carry = status != 0


@service(0x15, 0x5300, "APM installed?")
def installation(bios, call):
    if call.bx != BIOS:
        _answer(call, UNKNOWN_DEVICE)
        return
    call.ax = 0x0102                                # version 1.2
    call.bx = 0x504D                                # "PM"
    call.cx = 0x0000                                # no protected-mode interface
    _answer(call)


@service(0x15, 0x5301, "APM connect, real mode")
def connect(bios, call):
    if call.bx != BIOS:
        _answer(call, UNKNOWN_DEVICE)
    elif bios.apm_connected:
        _answer(call, ALREADY_CONNECTED)
    else:
        bios.apm_connected = True
        _answer(call)


@service(0x15, 0x5302, "APM connect, 16-bit protected mode")
@service(0x15, 0x5303, "APM connect, 32-bit protected mode")
def connect_protected(bios, call):
    _answer(call, 0x06 if call.ax == 0x5302 else 0x08)      # no such interface


@service(0x15, 0x5304, "APM disconnect")
def disconnect(bios, call):
    if not bios.apm_connected:
        _answer(call, NOT_CONNECTED)
        return
    bios.apm_connected = False
    _answer(call)


@service(0x15, 0x5307, "APM set power state")
def set_power_state(bios, call):
    if not bios.apm_connected:
        _answer(call, NOT_CONNECTED)
    elif call.bx != ALL_DEVICES:
        _answer(call, UNKNOWN_DEVICE)
    elif call.cx == OFF:
        call.note("APM: power off")
        _answer(call)
        bios.machine.stop("poweroff", message="INT 15h AX=5307h: APM power off")
    elif call.cx in (STANDBY, SUSPEND):
        _answer(call)                               # an interrupt ends either at once
    else:
        _answer(call, BAD_PARAMETER)


@service(0x15, 0x5308, "APM enable or disable")
@service(0x15, 0x5305, "APM processor idle")
@service(0x15, 0x5306, "APM processor busy")
def without_effect(bios, call):
    _answer(call)


@service(0x15, 0x530A, "APM power status")
def power_status(bios, call):
    call.bx, call.cx, call.dx = 0x01FF, 0x80FF, 0xFFFF      # on line; no battery; its time unknown
    _answer(call)


@service(0x15, 0x530B, "APM event")
def event(bios, call):
    _answer(call, 0x80)                             # none is pending


@service(0x15, 0x530E, "APM driver version")
def driver_version(bios, call):
    if call.bx != BIOS:
        _answer(call, UNKNOWN_DEVICE)
    else:
        call.ax = 0x0102 if call.cx >= 0x0102 else 0x0101
        _answer(call)


@service(0x15, 0x53, "APM, not supported")
def unknown(bios, call):
    call.unimplemented()
