"""INT 15h AH=53h: Advanced Power Management 1.2, by INT and by the entries for protected mode (protected.py).

A caller connects to one interface (5301h to 5303h), says which version it speaks (530Eh), and sets power states (5307h).
BX names a device: 0001h all of them, or class and unit; the machine and the classes' devices are on until told otherwise,
which they do not notice, except that the machine as a whole can be switched off. What sleeps is woken at once, and says so
by an event.

Source: APM BIOS Interface Specification 1.2.
"""
from __future__ import annotations

from boot import layout
from boot.bios.service import service

BIOS, ALL_DEVICES, ALL_DEVICES_1_0 = 0x0000, 0x0001, 0xFFFF
CLASSES = range(0x01, 0x07)                         # BH: display, disks, parallel, serial, network, PCMCIA
VERSION, OLDEST = 0x0102, 0x0100
NONE, REAL, BITS_16, BITS_32 = range(4)             # the interface that is connected
ALREADY = {REAL: 0x02, BITS_16: 0x05, BITS_32: 0x07}            # error: this one is
DISABLED, NOT_CONNECTED, UNKNOWN_DEVICE, BAD_PARAMETER, NO_EVENT = 0x01, 0x03, 0x09, 0x0A, 0x80
ENABLED, STANDBY, SUSPEND, OFF = 0, 1, 2, 3         # power states
RESUMED, STANDBY_RESUMED = 0x0003, 0x000B           # events
MOST_EVENTS = 16                                    # that wait for somebody to ask; more are lost
ON_LINE, NO_BATTERY, UNKNOWN = 0x01, 0x80, 0xFF


def _answer(call, status=0):
    if status:
        call.ah = status
    call.carry = status != 0


def _function(al, title, connected=True, devices=None):
    """A service of APM's: `connected`, only where an interface is; `devices(BX)`, only for those."""
    def register(implementation):
        @service(0x15, 0x5300 | al, f"APM {title}")
        def checked(bios, call):
            if connected and bios.apm_interface == NONE:
                _answer(call, NOT_CONNECTED)
            elif devices is not None and not devices(call.bx):
                _answer(call, UNKNOWN_DEVICE)
            else:
                _answer(call, implementation(bios, call) or 0)
        return implementation
    return register


def _is_bios(device):
    return device == BIOS


def _is_all(device):
    return device in (ALL_DEVICES, ALL_DEVICES_1_0)


def _is_known(device):
    return _is_all(device) or device >> 8 in CLASSES


# ---- connecting ------------------------------------------------------------------------------------------------------

@_function(0x00, "installed?", connected=False, devices=_is_bios)
def installation(bios, call):
    """CX: 1 there is a 32-bit interface, 0 a 16-bit one; the processor does not slow down, and management is on."""
    call.ax, call.bx, call.cx = VERSION, 0x504D, 0x0003         # "PM"


def _connect(bios, interface):
    if bios.apm_interface != NONE:
        return ALREADY[bios.apm_interface]
    bios.apm_interface = interface
    bios.apm_events = []
    return 0


@_function(0x01, "connect, real mode", connected=False, devices=_is_bios)
def connect(bios, call):
    return _connect(bios, REAL)


@_function(0x02, "connect, 16-bit protected mode", connected=False, devices=_is_bios)
def connect_16(bios, call):
    """AX code segment, BX entry, CX data segment, SI and DI their lengths."""
    status = _connect(bios, BITS_16)
    if not status:
        call.ax = call.cx = layout.ROM_SEGMENT
        call.bx = bios.symbols["apm_entry"]
        call.si = call.di = layout.ROM_SIZE - 1
    return status


@_function(0x03, "connect, 32-bit protected mode", connected=False, devices=_is_bios)
def connect_32(bios, call):
    """AX 32-bit and CX 16-bit code segment, EBX entry, DX data segment; ESI the lengths of both code segments, DI the data's."""
    status = _connect(bios, BITS_32)
    if not status:
        call.ax = call.cx = call.dx = layout.ROM_SEGMENT
        call.ebx = bios.symbols["apm_entry"]
        call.esi = (layout.ROM_SIZE - 1) * 0x10001
        call.di = layout.ROM_SIZE - 1
    return status


@_function(0x04, "disconnect", devices=_is_bios)
def disconnect(bios, call):
    bios.apm_interface = NONE


@_function(0x0E, "driver version", devices=_is_bios)
def driver_version(bios, call):
    """CX: the driver's. AX: the older of that and ours."""
    call.ax = max(OLDEST, min(call.cx, VERSION))


@_function(0x0F, "engage or disengage", devices=_is_all)
@_function(0x08, "enable or disable", devices=_is_all)
@_function(0x0D, "enable or disable for a device", devices=_is_known)
def switch(bios, call):
    """CX: 1 on, 0 off. The hardware manages nothing by itself."""
    return BAD_PARAMETER if call.cx > 1 else 0


@_function(0x09, "restore defaults", devices=_is_all)
def restore(bios, call):
    """Nothing can have been changed."""


# ---- power states ----------------------------------------------------------------------------------------------------

@_function(0x05, "processor idle")
def idle(bios, call):
    """The stub halts until the next interrupt."""
    call.branch = True


@_function(0x06, "processor busy")
def busy(bios, call):
    """It never slowed down."""


@_function(0x07, "set power state", devices=_is_known)
def set_power_state(bios, call):
    """CX: 1 standby, 2 suspend, 3 off; 0, on, is for single devices."""
    if call.cx > OFF or call.cx == ENABLED and _is_all(call.bx):
        return BAD_PARAMETER
    if _is_all(call.bx):
        if call.cx == OFF:
            call.note("APM: power off")
            bios.machine.stop("poweroff", message="INT 15h AX=5307h: APM power off")
        elif len(bios.apm_events) < MOST_EVENTS:
            bios.apm_events.append(STANDBY_RESUMED if call.cx == STANDBY else RESUMED)
    return 0


@_function(0x0C, "power state", devices=_is_known)
def power_state(bios, call):
    call.cx = ENABLED


@_function(0x0A, "power status", devices=lambda device: device == ALL_DEVICES)
def power_status(bios, call):
    """BH line, BL and CH battery, CL percent, DX time left, which are unknown."""
    call.bh, call.bl, call.ch, call.cl, call.dx = ON_LINE, UNKNOWN, NO_BATTERY, UNKNOWN, 0xFFFF


@_function(0x0B, "event")
def event(bios, call):
    """BX: what has happened; after a resume CX bit 0: PCMCIA sockets were off."""
    if not bios.apm_events:
        return NO_EVENT
    call.bx, call.cx = bios.apm_events.pop(0), 0


@_function(0x10, "capabilities", devices=_is_bios)
def capabilities(bios, call):
    """BL: batteries; CX: none of the ways to be woken."""
    call.bl, call.cx = 0, 0


@service(0x15, 0x53, "APM, not supported")
def unknown(bios, call):
    call.unimplemented()
