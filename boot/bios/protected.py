"""What the ROM has for protected mode: BIOS32, the PCI BIOS, APM, and INT 15h AH=89h, which is the way there.

An operating system looks for "_32_" in the ROM, calls the BIOS32 service directory, and learns from it where a service's
code is. The code runs in the caller's segments, at any linear address:

    00  "_32_"    04  entry, physical    08  revision 0    09  length, in paragraphs: 1    0A  checksum

Each entry is a trap and RETF, whose size is the caller's: the same bytes serve a 16-bit segment and a 32-bit one.

Source: Standard BIOS 32-bit Service Directory Proposal 0.4; PCI BIOS Specification 2.1; APM BIOS Interface Specification
1.2; IBM PC/AT Technical Reference, "INT 15h: Switch Processor to Protected Mode".
"""
from __future__ import annotations

from boot import layout
from boot.bios.service import trap

NO_SUCH_SERVICE, NO_SUCH_FUNCTION = 0x80, 0x81
PCI_SERVICE = int.from_bytes(b"$PCI", "little")

SOURCE = """
; ---- entered from protected mode -------------------------------------------------------------------------------------
        at      9000h
        align   16
bios32: db      "_32_"
        dw      bios32_entry, 0Fh       ; F0000h + bios32_entry
        db      0, 1                    ; revision, paragraphs
        db      0                       ; checksum, put in when the ROM is built
        times   5 db 0
bios32_entry:
        pushf
        trap    bios32
        popf
        retf
        align   16
pirq:   times   528 db 0                ; routing.py: filled in when the ROM is built
pci_entry:                              ; INT 1Ah AH=B1h, in a 32-bit segment
        trap    pci_near
        retf
apm_entry:                              ; INT 15h AH=53h, in a segment of either size
        cmp     al, 05h
        je      .idle
        trap    apm_near
        retf
.idle:  pushf                           ; AL=05h: until the next interrupt
        sti
        hlt
        popf
        clc
        retf

; ---- INT 15h AH=89h --------------------------------------------------------------------------------------------------
; ES:SI -> descriptors: 00 null, 08 GDT, 10 IDT, 18 DS, 20 ES, 28 SS, 30 CS of the caller, 38 of this code, put in here.
; BL and BH: the first vectors of the two interrupt controllers, whose lines are all masked then. IF stays 0.
enter_protected:
        cli
        in      al, 92h
        or      al, 02h                 ; the A20 gate
        out     92h, al
        in      al, 92h
        test    al, 02h
        jz      .shut
        mov     al, 11h                 ; as in POST, but for ICW2
        out     20h, al
        out     0A0h, al
        mov     al, bl
        out     21h, al
        mov     al, bh
        out     0A1h, al
        mov     al, 04h
        out     21h, al
        mov     al, 02h
        out     0A1h, al
        mov     al, 01h
        out     21h, al
        out     0A1h, al
        mov     al, 0FFh
        out     21h, al
        out     0A1h, al
        mov     word [es:si+38h], 0FFFFh        ; code, F0000h, 64 KB
        mov     word [es:si+3Ah], 0
        mov     word [es:si+3Ch], 9B0Fh
        mov     word [es:si+3Eh], 0
        db      26h, 0Fh, 01h, 54h, 08h         ; lgdt [es:si+8]
        db      26h, 0Fh, 01h, 5Ch, 10h         ; lidt [es:si+10h]
        db      0Fh, 01h, 0E0h                  ; smsw ax
        or      al, 01h
        db      0Fh, 01h, 0F0h                  ; lmsw ax
        jmp     38h:.there
.there: mov     ax, 18h
        mov     ds, ax
        mov     ax, 20h
        mov     es, ax
        mov     ax, 28h
        mov     ss, ax
        push    bp                      ; IP, CS, FLAGS become 0030h:IP
        mov     bp, sp
        mov     ax, [bp+2]
        mov     [bp+4], ax
        mov     word [bp+6], 30h
        pop     bp
        mov     ax, 0
        inc     sp
        inc     sp
        clc
        retf
.shut:  mov     ah, 0FFh
        push    bp
        mov     bp, sp
        or      byte [bp+6], 01h        ; CF in the FLAGS that IRET loads
        pop     bp
        iret
"""


@trap("bios32", protected=True)
def service_directory(bios, call):
    """EAX: the service's name; BL = 0. AL: 0 and where it is in EBX (base), ECX (length), EDX (offset of its entry)."""
    if call.bl != 0:
        call.al = NO_SUCH_FUNCTION
    elif call.eax != PCI_SERVICE:
        call.al = NO_SUCH_SERVICE
    else:
        call.al = 0
        call.ebx, call.ecx, call.edx = layout.ROM, layout.ROM_SIZE, bios.symbols["pci_entry"]


@trap("pci_near", protected=True)
def pci(bios, call):
    """The PCI BIOS's functions are the same in all modes."""
    if call.ah == 0xB1:
        bios.interrupt(0x1A, call)
    else:
        call.unimplemented()


@trap("apm_near", protected=True)
def power(bios, call):
    """APM's functions but those that connect, which are real mode's."""
    if call.ah == 0x53 and call.al not in range(0x04):
        bios.interrupt(0x15, call)
    else:
        call.unimplemented()
