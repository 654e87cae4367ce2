"""INT 17h: printers, by the parallel port's registers; and INT 05h, which prints the screen by it. DX is the number from 0.

    base      data           base + 2  control: 3 select   2 not reset   0 strobe
    base + 1  status:  7 not busy   6 not acknowledged   5 out of paper   4 selected   3 no error
    AH        status:  7 not busy   6 acknowledged       5 out of paper   4 selected   3 error      0 time-out

A printer that does not exist times out at once. INT 05h is guest code: it asks INT 10h for the characters and leaves in
0050:0000 how it went: 1 it prints, 0 it is done, FFh the printer failed.

Source: IBM PC/AT Technical Reference; Ralf Brown's Interrupt List, INT 05, INT 17.
"""
from __future__ import annotations

from boot import layout
from boot.bios.service import service

TIMED_OUT, NOT_BUSY = 0x01, 0x80
LOW_ACTIVE = 0x48                                   # of the status: these two are 0 on the wire when they are true
IDLE, STROBE, RESET = 0x0C, 0x0D, 0x08              # for the control register

SOURCE = """
print_the_screen:                       ; INT 05h
        sti
        pusha
        push    ds
        mov     ax, 50h
        mov     ds, ax
        cmp     byte [0], 1             ; it is being printed
        je      .end
        mov     byte [0], 1
        mov     ax, 40h
        mov     ds, ax
        mov     ah, 0Fh
        int     10h                     ; AH columns, BH page
        mov     cl, ah
        mov     ch, [84h]               ; the last row
        push    cx
        mov     ah, 03h
        int     10h                     ; DX cursor
        pop     cx
        push    dx
        mov     si, 0FFh
        call    print_line_end
        jnz     .over
        xor     dx, dx
.next:  mov     ah, 02h
        int     10h
        mov     ah, 08h
        int     10h                     ; AL character
        test    al, al
        jnz     .seen
        mov     al, ' '
.seen:  call    print_character
        jnz     .over
        inc     dl
        cmp     dl, cl
        jb      .next
        call    print_line_end
        jnz     .over
        mov     dl, 0
        inc     dh
        cmp     dh, ch
        jbe     .next
        xor     si, si
.over:  pop     dx
        mov     ah, 02h
        int     10h
        mov     ax, 50h
        mov     ds, ax
        mov     ax, si
        mov     [0], al
.end:   pop     ds
        popa
        iret

; AL to the first printer; ZF=0 if that failed. Keeps DX.
print_line_end:
        mov     al, 13
        call    print_character
        jnz     print_character.end
        mov     al, 10
print_character:
        push    dx
        xor     dx, dx
        xor     ah, ah
        int     17h
        pop     dx
        test    ah, 29h                 ; out of paper, error, time-out
.end:   ret
"""


def _base(bios, call):
    """The port's I/O address, or None with the error answered."""
    base = bios.word(layout.LPT_BASES + 2 * call.dx) if call.dx < 3 else 0
    if not base:
        call.ah = TIMED_OUT
        call.carry = True
    return base or None


def _status(bios, base):
    return bios.port_in(base + 1) & 0xF8 ^ LOW_ACTIVE


@service(0x17, 0x00, "print character")
def print_character(bios, call):
    """AL, as soon as the printer is not busy, or the port's time is over."""
    base = _base(bios, call)
    if base is None:
        return
    status, clock = _status(bios, base), bios.machine.clock
    if not status & NOT_BUSY:
        if bios.printer_deadline is None:
            bios.printer_deadline = clock.now + clock.ticks(bios.byte(layout.LPT_TIMEOUTS + call.dx) or 1)
        if clock.now < bios.printer_deadline:
            call.branch = True                      # the stub halts until the next interrupt, and asks again
            return
        bios.printer_deadline = None
        call.ah = status | TIMED_OUT
        return
    bios.printer_deadline = None
    bios.port_out(base, call.al)
    bios.port_out(base + 2, STROBE)
    bios.port_out(base + 2, IDLE)
    call.ah = _status(bios, base)


@service(0x17, 0x01, "initialize printer")
def initialize(bios, call):
    base = _base(bios, call)
    if base is not None:
        bios.port_out(base + 2, RESET)
        bios.port_out(base + 2, IDLE)
        call.ah = _status(bios, base)


@service(0x17, 0x02, "printer status")
def status(bios, call):
    base = _base(bios, call)
    if base is not None:
        call.ah = _status(bios, base)


@service(0x17, None, "not implemented")
def nothing(bios, call):
    """AH is a status here, which no error fits: it stays, as in the first BIOS."""
    bios.count_unimplemented(call)
    call.carry = True
