"""The ROM's interrupt handlers: where each one is entered, and the part of it that is guest code.

The offsets are those of the first AT's BIOS (layout.py has their names). A service that needs Python is a trap and an
IRET; whoever hooks the vector, calls the old handler with PUSHF and CALL FAR, or jumps to the address, gets what the
caller of INT gets. A service that has to wait halts in the ROM with interrupts on, and asks again after each of them.
"""

SOURCE = """
; ---- entry points, in the order of their addresses -------------------------------------------------------------------
        at      0E2C3h
nmi:
        iret

        at      0E3FEh
hard_disk:                              ; INT 13h
        trap    int_13
        iret

        at      0E6F2h
bootstrap:                              ; INT 19h
        jmp     boot

        at      0E6F5h
configuration:                          ; INT 15h AH=C0h
        dw      8                       ; bytes that follow
        db      0FCh, 00h, 01h          ; an AT: model, submodel, revision
        db      74h                     ; second PIC, real-time clock, INT 15h/4Fh, EBDA
        db      40h                     ; INT 16h AH=09h
        db      0, 0, 0

        at      0E729h
baud_rates:                             ; divisors for 110 150 300 600 1200 2400 4800 9600
        dw      1047, 768, 384, 192, 96, 48, 24, 12

        at      0E739h
serial:                                 ; INT 14h
        cli
        trap    int_14
        jc      .wait
        iret
.wait:  sti
        hlt
.woken: jmp     serial                  ; by an interrupt, or by Python when the port has a character

        at      0E82Eh
keyboard:                               ; INT 16h
        cli
        cmp     ah, 01h                 ; "is there a key?" is asked in loops: an empty ring is seen here
        je      .peek
        cmp     ah, 11h
        je      .peek
.ask:   trap    int_16
        jc      .wait
        iret
.wait:  sti                             ; takes effect after HLT has begun, so no key is missed
        hlt
        jmp     keyboard
.peek:  push    ds
        push    ax
        mov     ax, 40h
        mov     ds, ax
        mov     ax, [1Ah]               ; head = tail: empty
        cmp     ax, [1Ch]
        jne     .some
        inc     word [0ACh]             ; for who wants to know whether somebody is waited for
        pop     ax
        pop     ds
        push    bp
        mov     bp, sp
        or      byte [bp+6], 40h        ; ZF in the FLAGS that IRET loads
        pop     bp
        iret
.some:  pop     ax
        pop     ds
        jmp     .ask

        at      0E987h
keyboard_irq:                           ; INT 09h
        push    ax
        in      al, 64h
        and     al, 21h                 ; is there a byte at all, and not the mouse's?
        cmp     al, 01h
        jne     .end
        in      al, 60h
        mov     ah, 4Fh                 ; INT 15h AH=4Fh may replace the scan code, or swallow it with CF=0
        stc
        int     15h
        jnc     .end
        trap    key
        jnc     .end
        cmp     al, 3
        je      .reset
        mov     ah, al                  ; the rest lets other interrupts come
        mov     al, 20h
        out     20h, al
        sti
        cmp     ah, 2
        je      .print
        ja      .other
        int     1Bh                     ; Ctrl-Break
        jmp     .done
.print: int     05h                     ; Print Screen
        jmp     .done
.other: sub     ah, 5
        jae     .system
        push    ds                      ; Pause: until another key clears the bit
        mov     ax, 40h
        mov     ds, ax
.hold:  hlt
        test    byte [18h], 08h
        jnz     .hold
        pop     ds
        jmp     .done
.system:
        mov     al, ah                  ; SysReq: AX = 8500h when it goes down, 8501h when it comes up
        mov     ah, 85h
        int     15h
.done:  pop     ax
        iret
.reset: mov     al, 0FEh                ; Ctrl-Alt-Del: the keyboard controller pulls the reset line
        out     64h, al
        hlt
.end:   cli
        mov     al, 20h                 ; end of interrupt
        out     20h, al
        pop     ax
        iret

        at      0EC59h
floppy:                                 ; INT 40h
        trap    int_40
        iret

        at      0EF57h
floppy_irq:                             ; INT 0Eh
        push    ds
        push    ax
        mov     ax, 40h
        mov     ds, ax
        or      byte [3Eh], 80h         ; the controller is done
        pop     ax
        pop     ds
        jmp     irq_master

        at      0EFC7h
diskette_parameters:                    ; what INT 1Eh points to
        db      0DFh, 02h               ; step rate and head unload time; head load time, DMA
        db      25h                     ; ticks until the motor stops
        db      2                       ; 512 bytes a sector
        db      18                      ; sectors a track
        db      1Bh, 0FFh, 6Ch          ; gap, data length, gap when formatting
        db      0F6h                    ; fill byte
        db      15, 8                   ; ms for the head to settle, eighths of a second for the motor

        at      0EFD2h
printer:                                ; INT 17h
        cli
        trap    int_17
        jc      .wait
        iret
.wait:  sti
        hlt
        jmp     printer

        at      0F065h
video:                                  ; INT 10h
        trap    int_10
        iret

        at      0F0A4h
video_parameters:                       ; what INT 1Dh points to: 6845 registers for 40, 80, graphics, mono
        db      38h, 28h, 2Dh, 0Ah, 1Fh, 06h, 19h, 1Ch, 02h, 07h, 06h, 07h, 0, 0, 0, 0
        db      71h, 50h, 5Ah, 0Ah, 1Fh, 06h, 19h, 1Ch, 02h, 07h, 06h, 07h, 0, 0, 0, 0
        db      38h, 28h, 2Dh, 0Ah, 7Fh, 06h, 64h, 70h, 02h, 01h, 06h, 07h, 0, 0, 0, 0
        db      61h, 50h, 52h, 0Fh, 19h, 06h, 19h, 19h, 02h, 0Dh, 0Bh, 0Ch, 0, 0, 0, 0
        dw      0800h, 1000h, 4000h, 4000h              ; bytes of video memory
        db      40, 40, 80, 80, 40, 40, 80, 80          ; columns of modes 0 to 7
        db      2Ch, 28h, 2Dh, 29h, 2Ah, 2Eh, 1Eh, 29h  ; and their mode register

; ---- boot ------------------------------------------------------------------------------------------------------------
boot:                                   ; INT 19h begins with the first drive of the boot order
        trap    boot_first
boot_next:                              ; INT 18h, "this drive did not boot", goes on with the next
        cli
        cld
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, 7C00h
        sti
        trap    boot_drive              ; DL = the drive; carry: there is no other
        jc      no_boot
        trap    boot_kind               ; carry: it is a CD
        jc      .cd
        xor     ax, ax                  ; reset it
        int     13h
        mov     ax, 0201h               ; read one sector: cylinder 0, head 0, sector 1 to 0000:7C00
        mov     bx, 7C00h
        mov     cx, 0001h
        mov     dh, 00h
        int     13h
        jc      .unreadable
        cmp     word [7DFEh], 0AA55h
        jne     .unsigned
        xor     cx, cx                  ; CX:BX = 0000:7C00
.enter: trap    boot_found
        push    cx
        push    bx
        mov     ax, 0F000h              ; ES:DI -> the Plug and Play installation check
        mov     es, ax
        mov     di, pnp
        mov     ax, 0AA55h
        xor     bx, bx
        xor     cx, cx
        xor     si, si
        xor     bp, bp
        trap    boot_entry
        retf
.cd:    trap    boot_image              ; loads what the CD has, to CX:BX; DL = its drive; carry: nothing
        jc      boot_next
        jmp     .enter
.unreadable:
        trap    boot_unreadable
        jmp     boot_next
.unsigned:
        trap    boot_unsigned
        jmp     boot_next
no_boot:
        trap    boot_none
.halt:  sti                             ; Ctrl-Alt-Del still works
        hlt
        jmp     .halt

; ---- hardware interrupts ---------------------------------------------------------------------------------------------
fault_0C:                               ; IRQ 4, or a stack fault
        trap    fault_0C
        jmp     irq_master
fault_0D:                               ; IRQ 5, or general protection
        trap    fault_0D
irq_master:                             ; IRQ 0 to 7 that nobody wants
        push    ax
        mov     al, 0Bh                 ; read the in-service register
        out     20h, al
        in      al, 20h
        test    al, al                  ; nothing in service: the spurious IRQ 7, or no IRQ at all
        jz      .end
        mov     al, 20h
        out     20h, al
.end:   pop     ax
        iret

irq_slave:                              ; IRQ 8 to 15 that nobody wants
        push    ax
        mov     al, 0Bh
        out     0A0h, al
        in      al, 0A0h
        test    al, al
        jz      .first                  ; the spurious IRQ 15 is in service in the first controller only
        mov     al, 20h
        out     0A0h, al
.first: mov     al, 20h
        out     20h, al
        pop     ax
        iret

irq_9:                                  ; INT 71h: on the first PC this line was IRQ 2
        push    ax
        mov     al, 20h
        out     0A0h, al
        pop     ax
        int     0Ah                     ; whose handler ends it in the first controller
        iret

clock_irq:                              ; INT 70h
        push    ax
        mov     al, 8Ch                 ; status register C says why, and reading it lets the clock interrupt again
        out     70h, al
        in      al, 71h
        trap    clock_irq
        jnc     .end
        int     4Ah                     ; the alarm
.end:   mov     al, 20h
        out     0A0h, al
        out     20h, al
        pop     ax
        iret

coprocessor_irq:                        ; INT 75h: the 8087's error was INT 02h
        push    ax
        xor     al, al
        out     0F0h, al                ; drop the coprocessor's BUSY
        mov     al, 20h
        out     0A0h, al
        out     20h, al
        pop     ax
        int     02h
        iret

hard_disk_irq:                          ; INT 76h
        push    ds
        push    ax
        mov     ax, 40h
        mov     ds, ax
        mov     byte [8Eh], 0FFh
        pop     ax
        pop     ds
        jmp     irq_slave

; ---- exceptions that nobody hooked -----------------------------------------------------------------------------------
fault_00:
        trap    fault_00
        iret
fault_06:
        trap    fault_06
        iret
fault_07:
        trap    fault_07
        iret

diskette_9:                             ; the table of INT 1Eh for diskettes with 9 sectors a track,
        db      0DFh, 02h, 25h, 2, 9, 2Ah, 0FFh, 50h, 0F6h, 15, 8
diskette_15:                            ; 15,
        db      0DFh, 02h, 25h, 2, 15, 1Bh, 0FFh, 54h, 0F6h, 15, 8
diskette_36:                            ; and 36
        db      0AFh, 02h, 25h, 2, 36, 1Bh, 0FFh, 53h, 0F6h, 15, 8

slave_vectors:
        dw      clock_irq, irq_9, irq_slave, irq_slave
        dw      mouse_irq, coprocessor_irq, hard_disk_irq, irq_slave

pnp_entry:                              ; the Plug and Play services are not there: function not supported
        mov     ax, 82h
        retf
        align   16
pnp:    db      "$PnP", 10h, 33         ; version 1.0, length
        dw      0                       ; no events
        db      0                       ; checksum, put in when the ROM is built
        dd      0                       ; no event flag
        dw      pnp_entry, 0F000h       ; real mode entry
        dw      pnp_entry               ; protected mode entry: offset,
        dd      0F0000h                 ;       base
        dd      0                       ; OEM device identifier
        dw      0F000h                  ; real mode data segment
        dd      0F0000h                 ; protected mode data base

; ---- entry points, continued -----------------------------------------------------------------------------------------
        at      0F841h
memory_size:                            ; INT 12h: KB of memory below 640 KB that are free to use
        push    ds
        mov     ax, 40h
        mov     ds, ax
        mov     ax, [13h]
        pop     ds
        iret

        at      0F84Dh
equipment:                              ; INT 11h
        push    ds
        mov     ax, 40h
        mov     ds, ax
        mov     ax, [10h]
        pop     ds
        iret

        at      0F859h
system:                                 ; INT 15h
        cmp     ah, 89h
        je      enter_protected
        trap    int_15
        jc      .wait
        iret
.wait:  sti
        hlt
        cli
        cmp     ah, 86h                 ; until the real-time clock has counted the time down;
        jne     .end                    ; AX=5305h: until the next interrupt
        trap    wait
        jc      .wait
.end:   iret

        at      0FE6Eh
time:                                   ; INT 1Ah
        test    ah, ah
        jz      .ticks
        trap    int_1A
        iret
.ticks: cli                             ; AH=00h: CX:DX = ticks since midnight, AL = whether that was passed
        push    ds
        mov     ax, 40h
        mov     ds, ax
        mov     cx, [6Eh]
        mov     dx, [6Ch]
        mov     ax, [70h]
        mov     ah, 0
        mov     byte [70h], 0
        pop     ds
        iret

        at      0FEA5h
timer_irq:                              ; INT 08h
        push    ds
        push    ax
        push    dx
        mov     ax, 40h
        mov     ds, ax
        inc     dword [6Ch]             ; ticks since midnight
        cmp     word [6Eh], 18h         ; 1800B0h of them are a day
        jb      .same_day
        cmp     word [6Ch], 0B0h
        jb      .same_day
        mov     dword [6Ch], 0
        mov     byte [70h], 1
.same_day:
        cmp     byte [40h], 0           ; the diskette motors' time
        je      .hook
        dec     byte [40h]
.hook:  int     1Ch                     ; whoever wants to hear the clock tick
        cli
        mov     al, 20h                 ; end of interrupt
        out     20h, al
        pop     dx
        pop     ax
        pop     ds
        iret

        at      0FEF3h
vectors:                                ; INT 08h to 1Fh
        dw      timer_irq, keyboard_irq, irq_master, irq_master
        dw      fault_0C, fault_0D, floppy_irq, irq_master
        dw      video, equipment, memory_size, hard_disk
        dw      serial, system, keyboard, printer
        dw      boot_next, bootstrap, time, dummy_iret
        dw      dummy_iret, video_parameters, diskette_parameters, 0

        at      0FF53h
dummy_iret:
        iret
print_screen:                           ; INT 05h
        jmp     print_the_screen

        at      0FFF0h
reset:                                  ; the first instruction
        jmp     0F000h:post
        db      "01/01/26"              ; the ROM's date
        db      0FFh
        db      0FCh                    ; the model: an AT
"""
