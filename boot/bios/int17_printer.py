"""INT 17h: printers. There is none behind the ports that POST may have found; every call times out.

    AH: 7 not busy   6 acknowledge   5 out of paper   4 selected   3 I/O error   0 time-out

Source: IBM PC/AT Technical Reference; Ralf Brown's Interrupt List, INT 17.
"""
from __future__ import annotations

from boot.bios.service import service

TIMED_OUT = 0x01


@service(0x17, 0x00, "print character")
@service(0x17, 0x01, "initialize printer")
@service(0x17, 0x02, "printer status")
def no_printer(bios, call):
    call.ah = TIMED_OUT


@service(0x17, None, "not implemented")
def nothing(bios, call):
    bios.count_unimplemented(call)
