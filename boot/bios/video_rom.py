"""The video BIOS: 32 KB of ROM at C0000h, as the ROM on a VGA's card. POST calls its third byte; INT 10h leads into it.

    0000  55 AA, size in 512 bytes, entry point; "IBM" at 1Eh, by which old programs know a VGA
          +---------------------------+
          | entry points              |  init, INT 10h, the window function of the VESA modes
          | words, tables             |  what AH=1Bh, 4F00h and the pointer at 0040:00A8 lead to
          | protected-mode interface  |  vbe_protected.asm
          | characters, three sizes   |  x86/devices/font.py
    7FFF  checksum: all bytes add up to 0

Source: BIOS Boot Specification 1.01, appendix A; PCI Firmware Specification 3.0, section 5.1, "PCI Expansion ROM Contents".
"""
from __future__ import annotations

import functools
from pathlib import Path

from boot.bios import video_modes
from boot.bios.assembler import Program, assemble
from boot.layout import VIDEO_ROM_SIZE
from x86.devices import font

#: Assembled from the .asm beside it, with nasm; a test compares them
PROTECTED = Path(__file__).with_name("vbe_protected.bin").read_bytes()

SOURCE = """
        db      55h, 0AAh, 40h
        jmp     init
        at      18h
        dw      pci_data, 0
        at      1Eh
        db      "IBM", 0
pci_data:
        db      "PCIR"
        dw      1234h, 1111h            ; the adapter on the PCI bus
        dw      0, 18h                  ; no vital product data; length of this
        db      0, 0, 0, 3              ; revision; class: VGA
        dw      40h, 1                  ; length and revision of the code
        db      0, 80h                  ; for PCs; the last image

init:                                   ; far call from POST: take INT 10h, and set mode 3
        push    ds
        push    ax
        xor     ax, ax
        mov     ds, ax
        mov     ax, [40h]               ; INT 42h is what INT 10h was
        mov     [108h], ax
        mov     ax, [42h]
        mov     [10Ah], ax
        mov     word [40h], video
        mov     word [42h], 0C000h
        mov     word [4A8h], save_pointers
        mov     word [4AAh], 0C000h
        mov     ax, 0003h
        int     10h
        pop     ax
        pop     ds
        retf

video:                                  ; INT 10h
        trap    int_10
        iret

window:                                 ; far call: what INT 10h AX=4F05h does. BH=0 set, 1 tell; DX = bank
        push    ax
        push    dx
        mov     ax, 0005h               ; the Bochs display interface's bank
        mov     dx, 1CEh
        out     dx, ax
        inc     dx
        test    bh, bh
        jnz     .tell
        pop     ax
        push    ax
        out     dx, ax
        pop     dx
        pop     ax
        mov     ax, 004Fh
        retf
.tell:  in      ax, dx
        pop     dx
        mov     dx, ax
        pop     ax
        mov     ax, 004Fh
        retf

oem:            db "x86 video BIOS", 0
vendor:         db "the x86 package", 0
product:        db "Bochs display interface", 0
revision:       db "1", 0

functionality:                          ; AH=1Bh: what this BIOS can do
        db      0FFh, 0E0h, 0Fh         ; modes 0 to 7, 0Dh to 13h
        dd      0
        db      07h                     ; 200, 350, 400 scan lines
        db      8, 2                    ; fonts that can be loaded, and be shown together
        dw      0EFFh                   ; all that has a bit, but for the light pen
        dw      0
        db      0, 0                    ; no save areas

save_pointers:                          ; 0040:00A8 leads here
        dw      parameters, 0C000h
        dd      0, 0, 0, 0, 0, 0        ; no save area, no fonts of somebody else's, no second table
parameters:
        times   1856 db 0FFh
alternates:                             ; characters that look different in a cell of nine dots: none
        db      0
protected:
        times   {protected} db 0FFh
        align   16
font_8x16:
        times   4096 db 0FFh
font_8x14:
        times   3584 db 0FFh
font_8x8:
        times   2048 db 0FFh
""".format(protected=len(PROTECTED))


@functools.cache
def build() -> Program:
    """Assemble the ROM, put tables and characters into it, and make the checksum right."""
    program = assemble(SOURCE, VIDEO_ROM_SIZE)
    data = bytearray(program.data)
    for label, content in (("parameters", video_modes.parameter_table()), ("protected", PROTECTED),
                           ("font_8x16", font.table(16)), ("font_8x14", font.table(14)), ("font_8x8", font.table(8))):
        start = program.labels[label]
        data[start:start + len(content)] = content
    data[-1] = 0
    data[-1] = -sum(data) & 0xFF
    program.data = bytes(data)
    return program
