; A death by one byte too few: LGDT with a limit that leaves out the last descriptor.

        bits    16
        org     7C00h

start:
        cli
        xor     ax, ax
        mov     ds, ax
        lgdt    [gdt.register]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     gdt.code:protected      ; #GP: the descriptor is beyond the table

        bits    32
protected:
        mov     word [0B8000h], 0F21h   ; an exclamation mark, which nobody sees
.stop:  hlt
        jmp     .stop

        align   8
gdt:
        dq      0
.data   equ     $ - gdt
        dq      00CF92000000FFFFh
.code   equ     $ - gdt
        dq      00CF9A000000FFFFh
.end:
.register:
        dw      .data + 7               ; the mistake: the last byte of `data`, not of `code`
        dd      gdt

        times   510 - ($ - $$) db 0
        dw      0AA55h
