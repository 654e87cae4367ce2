; Stage 1, one sector: loads stage 2 from the sectors behind it and jumps there.
; In: DL = the BIOS's number of the drive. Out: the same.
%include "layout.inc"

        bits    16
        org     STAGE_1

        jmp     0:start                 ; some BIOSes come as 07C0:0000: from here on CS is 0
start:
        xor     ax, ax
        mov     ds, ax
        mov     ss, ax                  ; no interrupt comes between this and the next instruction
        mov     sp, STAGE_1
        sti
        cld
        mov     [drive], dl
        mov     si, hello
        call    print
        mov     ax, STAGE_2 / 16
        mov     es, ax
        mov     eax, STAGE_2_START
        mov     cx, STAGE_2_SECTORS
        call    read_sectors
        mov     dl, [drive]
        jmp     STAGE_2

failed:
        call    print
        mov     si, stopped
        call    print
.stop:  cli
        hlt
        jmp     .stop

print:                                  ; the text at SI, which ends in 0
        lodsb
        test    al, al
        jz      .end
        mov     ah, 0Eh
        mov     bx, 7
        int     10h
        jmp     print
.end:   ret

%include "disk.inc"

drive:          db      0
hello:          db      "Stage 1.", 13, 10, 0
stopped:        db      ": stopped.", 13, 10, 0

        times   446 - ($ - $$) db 0     ; the partition table stays empty
        times   510 - ($ - $$) db 0
        dw      0AA55h
