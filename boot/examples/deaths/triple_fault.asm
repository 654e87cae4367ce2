; A death that everybody dies once: long mode without an IDT, and then a page fault.
;
; One boot sector goes to 64-bit code with the first 2 MB mapped, and writes to 1 GB. The page fault looks for its gate
; in what IDTR still points to, the real-mode vectors; that is no gate, nor is that of the double fault.

        bits    16
        org     7C00h

PML4    equ     1000h
PDPT    equ     2000h
PD      equ     3000h

start:
        cli
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, 7C00h
        cld
        mov     di, PML4                ; three empty tables
        mov     cx, 3 * 4096 / 2
        rep     stosw
        mov     dword [PML4], PDPT | 3
        mov     dword [PDPT], PD | 3
        mov     dword [PD], 83h         ; 0 to 2 MB, one page
        lgdt    [gdt.register]
        mov     eax, 1 << 5             ; CR4.PAE
        mov     cr4, eax
        mov     eax, PML4
        mov     cr3, eax
        mov     ecx, 0C0000080h         ; EFER.LME
        rdmsr
        or      eax, 1 << 8
        wrmsr
        mov     eax, cr0                ; from real mode to long mode in one step: PE and PG
        or      eax, 1 << 31 | 1
        mov     cr0, eax
        jmp     8:long_mode

        bits    64
long_mode:
        mov     rax, 40000000h
        mov     dword [rax], 12345678h  ; nothing is mapped there
        hlt

        align   8
gdt:
        dq      0
        dq      00AF9A000000FFFFh       ; 64-bit code
.end:
.register:
        dw      .end - gdt - 1
        dd      gdt

        times   510 - ($ - $$) db 0
        dw      0AA55h
