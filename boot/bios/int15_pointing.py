"""INT 15h AH=C2h and INT 74h: the PS/2 mouse, for programs that want to be called when it moves.

The extended BIOS data area has what the two know of each other:

    22  far pointer: the handler        26  7 6 5 4 3  2..0 bytes of the packet that are here
    28  the packet's bytes              27  7 there is a handler   2..0 bytes of a packet, minus one

INT 74h (the ROM) gives each byte to `mouse_byte`; with the last one of a packet it calls the handler by CALL FAR, with four
words on the stack, which it takes off itself:

    SS:SP+0A  status, the first byte    +08  movement to the right    +06  movement up    +04  0

Source: IBM PS/2 and PC BIOS Interface Technical Reference, "Pointing Device Interface"; Ralf Brown's Interrupt List, INT 15.
"""
from __future__ import annotations

from boot import layout
from boot.bios import controller
from boot.bios.service import service, trap

BAD_FUNCTION, BAD_INPUT, INTERFACE_ERROR, NO_HANDLER = 0x01, 0x02, 0x03, 0x05
RATES = (10, 20, 40, 60, 80, 100, 200)              # reports a second, by BH of C202h
USUAL_PACKET = 3
INSTALLED, COUNT = 0x80, 0x07
RESET, DEFAULTS, ON, OFF, SET_RATE, IDENTIFY, STATUS = 0xFF, 0xF6, 0xF4, 0xF5, 0xF3, 0xF2, 0xE9
SET_RESOLUTION, SCALE_2_TO_1, SCALE_1_TO_1 = 0xE8, 0xE7, 0xE6

SOURCE = """
mouse_irq:                              ; INT 74h, IRQ 12
        pusha
        push    ds
        push    es
        cld
        in      al, 64h
        and     al, 21h                 ; there is a byte, and it is the mouse's
        cmp     al, 21h
        jne     .end
        in      al, 60h
        trap    mouse_byte
        jnc     .end
        mov     ax, 40h
        mov     ds, ax
        mov     ax, [0Eh]               ; the extended BIOS data area
        mov     ds, ax
        xor     ah, ah
        mov     al, [28h]               ; status
        push    ax
        mov     al, [29h]               ; X
        push    ax
        mov     al, [2Ah]               ; Y
        push    ax
        push    0                       ; Z
        call    far [22h]
        add     sp, 8
.end:   cli
        mov     al, 20h
        out     0A0h, al
        out     20h, al
        pop     es
        pop     ds
        popa
        iret
"""


def _area(bios):
    """Physical address of the extended BIOS data area, or None if there is none."""
    return bios.word(layout.EBDA_SEGMENT_WORD) << 4 or None


def prepare(bios) -> None:
    """POST: packets of three bytes, and nobody who wants them."""
    area = _area(bios)
    if area:
        bios.set_byte(area + layout.MOUSE_FLAGS + 1, USUAL_PACKET - 1)


def _function(al, title):
    """A service of the mouse's: gives the status for AH; None is success."""
    def register(implementation):
        @service(0x15, 0xC200 | al, f"mouse: {title}")
        def checked(bios, call):
            area = _area(bios)
            status = INTERFACE_ERROR if area is None else implementation(bios, call, area)
            call.ah = status or 0
            call.carry = bool(status)
        return checked
    return register


def _listen(bios):
    """Let the mouse's interrupt come."""
    controller.change_command_byte(bios, on=0x02, off=0x20)
    bios.port_out(0xA1, bios.port_in(0xA1) & ~0x10 & 0xFF)          # IRQ 12
    bios.port_out(0x21, bios.port_in(0x21) & ~0x04 & 0xFF)          # and the cascade it comes by


def _send(bios, *values):
    """None, or the error of a mouse that does not answer."""
    return INTERFACE_ERROR if controller.exchange(bios, *values, mouse=True) is None else None


@_function(0x00, "on or off")
def switch(bios, call, area):
    """BH: 1 on, 0 off."""
    if call.bh > 1:
        return BAD_FUNCTION
    if call.bh == 0:
        return _send(bios, OFF)
    if not bios.byte(area + layout.MOUSE_FLAGS + 1) & INSTALLED:
        return NO_HANDLER
    _listen(bios)
    return _send(bios, ON)


def _reset(bios, call, area):
    answer = controller.exchange(bios, RESET, mouse=True)
    if answer is None or len(answer) < 2:
        return INTERFACE_ERROR
    call.bl, call.bh = answer[0], answer[1]
    flags = area + layout.MOUSE_FLAGS
    bios.set_byte(flags, bios.byte(flags) & ~COUNT)
    return None


@_function(0x01, "reset")
def reset(bios, call, area):
    """BL = AAh, BH = what it is: 0, a mouse. It is off then, with its defaults."""
    return _reset(bios, call, area)


@_function(0x05, "initialize")
def initialize(bios, call, area):
    """BH: bytes of a packet, 1 to 8. A reset follows."""
    if not 1 <= call.bh <= 8:
        return BAD_INPUT
    flags = area + layout.MOUSE_FLAGS + 1
    bios.set_byte(flags, bios.byte(flags) & ~COUNT | call.bh - 1)
    _listen(bios)
    return _reset(bios, call, area)


@_function(0x02, "sample rate")
def sample_rate(bios, call, area):
    if call.bh >= len(RATES):
        return BAD_INPUT
    return _send(bios, SET_RATE, RATES[call.bh])


@_function(0x03, "resolution")
def resolution(bios, call, area):
    """BH: 0 to 3 for 1, 2, 4, 8 counts a millimetre."""
    return BAD_INPUT if call.bh > 3 else _send(bios, SET_RESOLUTION, call.bh)


@_function(0x04, "type")
def device_type(bios, call, area):
    answer = controller.exchange(bios, IDENTIFY, mouse=True)
    if not answer:
        return INTERFACE_ERROR
    call.bh = answer[0]
    return None


@_function(0x06, "status, scaling")
def extended(bios, call, area):
    """BH: 0 status to BL, resolution to CL, rate to DL; 1 scale 1:1; 2 scale 2:1."""
    if call.bh == 1:
        return _send(bios, SCALE_1_TO_1)
    if call.bh == 2:
        return _send(bios, SCALE_2_TO_1)
    if call.bh:
        return BAD_FUNCTION
    answer = controller.exchange(bios, STATUS, mouse=True)
    if answer is None or len(answer) < 3:
        return INTERFACE_ERROR
    call.bl, call.cl, call.dl = answer[:3]
    return None


@_function(0x07, "handler")
def set_handler(bios, call, area):
    """ES:BX is called for each packet; 0000:0000, nobody is."""
    bios.set_word(area + layout.MOUSE_HANDLER, call.bx)
    bios.set_word(area + layout.MOUSE_HANDLER + 2, call.es)
    flags = area + layout.MOUSE_FLAGS + 1
    there = INSTALLED if call.bx or call.es else 0
    bios.set_byte(flags, bios.byte(flags) & ~INSTALLED | there)


@service(0x15, 0xC2, "mouse: no such function")
def unknown(bios, call):
    bios.count_unimplemented(call)
    call.ah = BAD_FUNCTION
    call.carry = True


@trap("mouse_byte")
def mouse_byte(bios, call):
    """A byte of a packet in AL. JC is taken when the packet is whole and somebody wants it."""
    area = _area(bios)
    if area is None:
        return
    flags = bios.byte(area + layout.MOUSE_FLAGS + 1)
    if not flags & INSTALLED:
        return
    progress = bios.byte(area + layout.MOUSE_FLAGS)
    index = progress & COUNT
    bios.set_byte(area + layout.MOUSE_PACKET + index, call.al)
    whole = index >= flags & COUNT
    bios.set_byte(area + layout.MOUSE_FLAGS, progress & ~COUNT | (0 if whole else index + 1))
    call.branch = whole
