; A death on some machines only: a loader that never opens the A20 gate.
;
; It clears 60 KB above 1 MB, as a loader clears a BSS, and says so. Where the firmware has opened the gate, all is well.
; Where it is shut (x86 run --a20 off) 101000h is 1000h, and the loader clears itself while it runs.

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
        jmp     8:protected

        bits    32
protected:
        mov     eax, 10h
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     esp, 7C00h
        cld
        mov     edi, 101000h
        mov     ecx, 0F000h
        xor     eax, eax
        rep     stosb
        mov     edi, 0B8000h            ; alive: CLEAR in the top left corner
        mov     esi, text
        mov     ah, 0Fh
.next:  lodsb
        test    al, al
        jz      .done
        stosw
        jmp     .next
.done:  cli
        hlt

text:   db      "CLEAR", 0
        align   8
gdt:
        dq      0
        dq      00CF9A000000FFFFh       ; 32-bit code
        dq      00CF92000000FFFFh       ; data
.end:
.register:
        dw      .end - gdt - 1
        dd      gdt

        times   510 - ($ - $$) db 0
        dw      0AA55h
