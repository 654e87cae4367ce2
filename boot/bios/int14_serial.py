"""INT 14h: serial ports, by the 16550's registers. DX is the port's number from 0.

    AH=00h, AL:  7..5 rate (110 150 300 600 1200 2400 4800 9600)   4..3 parity   2 stop bits   1..0 bits - 5

Source: IBM PC/AT Technical Reference; Ralf Brown's Interrupt List, INT 14.
"""
from __future__ import annotations

from boot import layout
from boot.bios.service import service

DIVISORS = (1047, 768, 384, 192, 96, 48, 24, 12)
TIMED_OUT = 0x80


def _base(bios, call):
    """The port's I/O address, or None with the error answered."""
    base = bios.word(layout.COM_BASES + 2 * call.dx) if call.dx < 4 else 0
    if not base:
        call.ah = TIMED_OUT
        call.carry = True
    return base or None


def _status(bios, call, base):
    """AH = line status, AL = modem status."""
    call.ah = bios.port_in(base + 5)
    call.al = bios.port_in(base + 6)


@service(0x14, 0x00, "initialize serial port")
def initialize(bios, call):
    base = _base(bios, call)
    if base is None:
        return
    _configure(bios, base, DIVISORS[call.al >> 5], call.al & 0x1F)
    _status(bios, call, base)


def _configure(bios, base, divisor, line):
    bios.port_out(base + 3, 0x80)                   # DLAB: the divisor is at offsets 0 and 1
    bios.port_out(base, divisor & 0xFF)
    bios.port_out(base + 1, divisor >> 8)
    bios.port_out(base + 3, line)
    bios.port_out(base + 1, 0)                      # no interrupts


@service(0x14, 0x01, "send character")
def send(bios, call):
    base = _base(bios, call)
    if base is None:
        return
    bios.port_out(base + 4, 0x03)                   # DTR and RTS
    line = bios.port_in(base + 5)
    if not line & 0x20:                             # the transmitter is busy: look again, up to the time-out
        if _waiting(bios, call):
            return
        call.ah = line & 0x7F | TIMED_OUT
        return
    bios.serial_deadline = None
    bios.port_out(base, call.al)
    call.ah = bios.port_in(base + 5) & 0x7F


@service(0x14, 0x02, "receive character")
def receive(bios, call):
    base = _base(bios, call)
    if base is None:
        return
    line = bios.port_in(base + 5)
    if not line & 0x01:
        if _waiting(bios, call):
            return
        call.ah = line & 0x7F | TIMED_OUT
        return
    bios.serial_deadline = None
    call.al = bios.port_in(base)
    call.ah = line & 0x1E                           # the errors only


@service(0x14, 0x03, "serial port status")
def status(bios, call):
    base = _base(bios, call)
    if base is not None:
        _status(bios, call, base)


def _waiting(bios, call):
    """Whether there is time left: then the stub halts until the next interrupt or character, and calls again."""
    clock = bios.machine.clock
    if bios.serial_deadline is None:
        seconds = bios.byte(layout.COM_TIMEOUTS + call.dx) or 1
        bios.serial_deadline = clock.now + clock.ticks(seconds)
    if clock.now < bios.serial_deadline:
        call.branch = True
        return True
    bios.serial_deadline = None
    return False


# ---- PS/2 ------------------------------------------------------------------------------------------------------------

@service(0x14, 0x04, "initialize serial port, extended")
def initialize_extended(bios, call):
    """AL 1: send a break. BH parity: 0 none 1 odd 2 even 3 stick odd 4 stick even. BL 1: two stop bits. CH bits - 5. CL the
    rate: AH=00h's, and 8 for 19200."""
    base = _base(bios, call)
    if base is None:
        return
    if call.al > 1 or call.bh > 4 or call.bl > 1 or call.ch > 3 or call.cl > len(DIVISORS):
        call.unimplemented()
        return
    divisor = (*DIVISORS, 6)[call.cl]
    line = call.al << 6 | (0x00, 0x08, 0x18, 0x28, 0x38)[call.bh] | call.bl << 2 | call.ch
    _configure(bios, base, divisor, line)
    _status(bios, call, base)
    call.carry = False


@service(0x14, 0x05, "modem control")
def modem_control(bios, call):
    """AL 0: read it to BL. AL 1: write it from BL."""
    base = _base(bios, call)
    if base is None:
        return
    if call.al > 1:
        call.unimplemented()
        return
    if call.al == 1:
        bios.port_out(base + 4, call.bl & 0x1F)
    call.bl = bios.port_in(base + 4)
    _status(bios, call, base)
    call.carry = False


@service(0x14, None, "not implemented")
def nothing(bios, call):
    """AH is a status here, which no error fits: it stays, as in the first BIOS."""
    bios.count_unimplemented(call)
    call.carry = True
