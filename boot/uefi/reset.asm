; From the reset vector to 64-bit code: the last 4 KB below 4 GB.
;
;   FFFFFFF0   real mode, CS base FFFF0000h     jump back into this page
;              protected mode, 32 bits          page tables for the first 4 GB, written to low memory
;              long mode                        trap: the firmware builds its tables, and says where they are
;
; Port 80h shows how far it got: 01 real mode, 02 protected mode, 03 page tables, 04 long mode, 05 tables are there.
;
; nasm -f bin reset.asm -o reset.bin        (python -m boot.uefi.build)
bits 16
org 0FFFFF000h

TABLES          equ     1000h           ; PML4, PDPT, four page directories: 6 pages, free again once the firmware has its own
STACK           equ     8000h
POST            equ     80h
SERVICE         equ     0B6h
POWER_ON        equ     0FFFFFFFFh      ; the service number that means: from here
EFER            equ     0C0000080h

real_mode: cli
        cld
        mov     al, 1
        out     POST, al
        o32 lgdt [cs:gdt_pointer - $$ + 0F000h]
        mov     eax, cr0
        or      al, 1                   ; PE
        mov     cr0, eax
        jmp     dword 10h:protected

bits 32
protected:
        mov     al, 2
        out     POST, al
        mov     eax, 18h
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     esp, STACK
        mov     edi, TABLES             ; all six pages zero
        xor     eax, eax
        mov     ecx, 6 * 1024
        rep     stosd
        mov     dword [TABLES], TABLES + 1000h + 3
        mov     edi, TABLES + 1000h     ; the PDPT: four directories
        mov     eax, TABLES + 2000h + 3
        mov     ecx, 4
.pdpt:  mov     [edi], eax
        add     edi, 8
        add     eax, 1000h
        loop    .pdpt
        mov     edi, TABLES + 2000h     ; 2048 pages of 2 MB: present, writable, PS
        mov     eax, 83h
        mov     ecx, 2048
.pages: mov     [edi], eax
        add     edi, 8
        add     eax, 200000h
        loop    .pages
        mov     al, 3
        out     POST, al
        mov     eax, cr4
        or      eax, 620h               ; PAE, OSFXSR, OSXMMEXCPT
        mov     cr4, eax
        mov     eax, TABLES
        mov     cr3, eax
        mov     ecx, EFER
        rdmsr
        or      eax, 900h               ; LME, NXE
        wrmsr
        mov     eax, cr0
        and     eax, ~60000004h         ; CD, NW, EM
        or      eax, 80010022h          ; PG, WP, NE, MP
        mov     cr0, eax
        jmp     20h:long_mode

bits 64
long_mode: mov     al, 4
        out     POST, al
        mov     eax, 28h
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     fs, eax
        mov     gs, eax
        fninit
        mov     eax, POWER_ON
        out     SERVICE, al             ; -> RAX page tables, RBX descriptor-table pointers, RSI stack, RDI where to go on
        mov     cr3, rax
        lgdt    [rbx]
        lidt    [rbx + 16]
        mov     rsp, rsi
        mov     eax, 30h                ; the selectors that EDK2's firmware uses
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     fs, eax
        mov     gs, eax
        push    38h
        push    rdi
        mov     al, 5
        out     POST, al
        retfq

align 8
gdt:    dq      0
        dq      0
        dq      00CF9A000000FFFFh       ; 10h  32-bit code, base 0, limit 4 GB
        dq      00CF92000000FFFFh       ; 18h  data
        dq      00AF9A000000FFFFh       ; 20h  64-bit code
        dq      00CF92000000FFFFh       ; 28h  data
gdt_pointer:
        dw      gdt_pointer - gdt - 1
        dd      gdt

times 0FF0h - ($ - $$) db 0FFh
bits 16
reset:  jmp     near real_mode
times 1000h - ($ - $$) db 0FFh
