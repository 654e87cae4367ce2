; Stage 2: from real mode to the kernel in long mode.
;
;   real mode        the processor knows long mode?  A20  memory map  kernel's file into low memory
;   protected mode   its segments to where its program headers say, BSS cleared
;   long mode        page tables, PAE, LME, PG, a 64-bit code segment; then the kernel's entry point
%include "layout.inc"

        bits    16
        org     STAGE_2

        mov     [drive], dl
        mov     si, hello
        call    print
        call    check_processor
        call    open_a20
        call    read_memory_map
        call    read_kernel

        cli                             ; no interrupts until the kernel has an IDT
        lgdt    [gdt.register]
        mov     eax, cr0
        or      al, 1                   ; PE
        mov     cr0, eax
        jmp     gdt.code_32:protected

; ---- real mode -----------------------------------------------------------------------------------------------------

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

check_processor:
        mov     si, no_long_mode
        pushfd                          ; CPUID exists where the ID flag can be changed
        pop     eax
        xor     eax, 1 << 21
        mov     ecx, eax
        push    eax
        popfd
        pushfd
        pop     eax
        xor     eax, ecx
        bt      eax, 21
        jc      failed
        mov     eax, 80000000h
        cpuid
        cmp     eax, 80000001h
        jb      failed
        mov     eax, 80000001h
        cpuid
        bt      edx, 29                 ; LM
        jnc     failed
        ret

; The A20 gate: while it is shut address line 20 is 0, and 1 MB looks like 0. Three ways to open it, the politest first.
open_a20:
        call    a20_is_open
        jne     .end
        mov     ax, 2401h               ; the BIOS
        int     15h
        call    a20_is_open
        jne     .end
        call    a20_keyboard            ; the keyboard controller's output port
        call    a20_is_open
        jne     .end
        in      al, 92h                 ; the system control port
        or      al, 2
        and     al, 0FEh                ; bit 0 would reset the processor
        out     92h, al
        mov     cx, 0FFFFh
.wait:  call    a20_is_open             ; some boards take their time
        jne     .end
        loop    .wait
        mov     si, no_a20
        jmp     failed
.end:   ret

; ZF=0 if it is open: a word at 0000:probe and the word 1 MB above it, FFFF:probe+10h, differ once one was changed.
a20_is_open:
        push    ds
        push    cx
        mov     cx, 0FFFFh
        mov     ds, cx
        mov     cx, [cs:probe]
        not     cx
        mov     [probe + 10h], cx       ; through FFFF:, 1 MB above
        cmp     [cs:probe], cx          ; did it change down here?
        jne     .open
        not     cx                      ; yes: put it back
        mov     [cs:probe], cx
        cmp     cx, cx                  ; ZF=1
.open:  pop     cx
        pop     ds
        ret
probe:  dw      5AA5h

a20_keyboard:
        call    .idle
        mov     al, 0ADh                ; keyboard off
        out     64h, al
        call    .idle
        mov     al, 0D0h                ; read the output port
        out     64h, al
        mov     cx, 0FFFFh
.full:  in      al, 64h
        test    al, 1
        loopz   .full
        in      al, 60h
        push    ax
        call    .idle
        mov     al, 0D1h                ; write it, with bit 1 set
        out     64h, al
        call    .idle
        pop     ax
        or      al, 2
        out     60h, al
        call    .idle
        mov     al, 0AEh                ; keyboard on
        out     64h, al
.idle:  mov     cx, 0FFFFh
.busy:  in      al, 64h
        test    al, 2
        loopnz  .busy
        ret

read_memory_map:                        ; INT 15h AX=E820h, one entry a call
        xor     ax, ax
        mov     es, ax
        mov     di, INFORMATION + 8
        mov     dword [INFORMATION], 0
        xor     ebx, ebx
.next:
        mov     dword [di + 20], 1      ; ACPI's attributes, for a BIOS that gives 20 bytes only: not to be ignored
        mov     eax, 0E820h
        mov     edx, 534D4150h          ; SMAP
        mov     ecx, MAP_ENTRY
        int     15h
        jc      .last                   ; the end, on some
        cmp     eax, 534D4150h
        jne     .last
        inc     dword [INFORMATION]
        add     di, MAP_ENTRY
        cmp     di, INFORMATION + 8 + MAP_ENTRIES * MAP_ENTRY
        jae     .last
        test    ebx, ebx                ; the end, on others
        jnz     .next
.last:
        mov     si, no_map
        cmp     dword [INFORMATION], 0
        je      failed
        ret

; The kernel's file into low memory: the first sector, then as many as its program headers reach.
read_kernel:
        mov     cx, 1
        call    .read
        mov     ax, KERNEL_FILE / 16
        mov     es, ax
        mov     si, no_kernel
        cmp     dword [es:0], 464C457Fh         ; 7F 'ELF'
        jne     failed
        cmp     word [es:4], 0102h              ; 64-bit, little-endian
        jne     failed
        cmp     word [es:12h], 62               ; e_machine: x86-64
        jne     failed
        cmp     word [es:36h], 38h              ; e_phentsize
        jne     failed
        mov     bx, [es:20h]                    ; e_phoff
        mov     cx, [es:38h]                    ; e_phnum
        imul    ax, cx, 38h
        add     ax, bx
        cmp     ax, SECTOR                      ; all program headers lie in the sector that is here
        ja      failed
        xor     edx, edx                        ; the highest byte of the file that is needed
.segment:
        cmp     dword [es:bx], 1                ; p_type: PT_LOAD
        jne     .skip
        mov     eax, [es:bx + 8]                ; p_offset
        add     eax, [es:bx + 20h]              ; p_filesz
        cmp     eax, edx
        jbe     .skip
        mov     edx, eax
.skip:  add     bx, 38h
        loop    .segment
        cmp     edx, KERNEL_LIMIT
        ja      failed
        add     edx, SECTOR - 1
        shr     edx, 9
        mov     cx, dx
.read:
        mov     ax, KERNEL_FILE / 16
        mov     es, ax
        mov     eax, KERNEL_START
        jmp     read_sectors

%include "disk.inc"

; ---- protected mode --------------------------------------------------------------------------------------------------

        bits    32
protected:
        mov     ax, gdt.data
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     esp, STAGE_1

        mov     ebx, [KERNEL_FILE + 20h]        ; e_phoff
        add     ebx, KERNEL_FILE
        movzx   edx, word [KERNEL_FILE + 38h]   ; e_phnum
.segment:
        cmp     dword [ebx], 1                  ; p_type: PT_LOAD
        jne     .skip
        mov     esi, [ebx + 8]                  ; p_offset
        add     esi, KERNEL_FILE
        mov     edi, [ebx + 18h]                ; p_paddr
        mov     ecx, [ebx + 20h]                ; p_filesz
        rep     movsb
        mov     ecx, [ebx + 28h]                ; p_memsz: what the file does not hold is zero
        sub     ecx, [ebx + 20h]
        xor     eax, eax
        rep     stosb
.skip:  add     ebx, 38h
        dec     edx
        jnz     .segment

; Page tables. The first GB of memory appears twice: at 0, where this code runs, and at FFFFFFFF80000000.
;
;   PML4 [0]   -> PDPT_LOW  [0]   -\
;                                   >- DIRECTORY [0..511]: 512 pages of 2 MB
;   PML4 [511] -> PDPT_HIGH [510] -/
        mov     edi, PML4
        xor     eax, eax
        mov     ecx, 4 * 4096 / 4
        rep     stosd
        mov     dword [PML4], PDPT_LOW | 3              ; 3: present, writable
        mov     dword [PML4 + 511 * 8], PDPT_HIGH | 3
        mov     dword [PDPT_LOW], DIRECTORY | 3
        mov     dword [PDPT_HIGH + 510 * 8], DIRECTORY | 3
        mov     edi, DIRECTORY
        mov     eax, 83h                                ; present, writable, PS: a page of 2 MB
        mov     ecx, 512
.page:  mov     [edi], eax
        add     edi, 8
        add     eax, 200000h
        loop    .page

        mov     eax, cr4                ; long mode, in the manual's order: PAE,
        or      eax, 1 << 5
        mov     cr4, eax
        mov     eax, PML4               ; CR3,
        mov     cr3, eax
        mov     ecx, 0C0000080h         ; EFER.LME,
        rdmsr
        or      eax, 1 << 8
        wrmsr
        mov     eax, cr0                ; paging: now long mode is active, and this is compatibility mode,
        or      eax, 1 << 31
        mov     cr0, eax
        jmp     gdt.code_64:long_mode   ; until CS says 64-bit

; ---- long mode -------------------------------------------------------------------------------------------------------

        bits    64
long_mode:
        mov     edi, INFORMATION        ; what the kernel is told
        mov     rax, [abs KERNEL_FILE + 18h]    ; e_entry
        jmp     rax

        align   8
gdt:
        dq      0                       ; the null descriptor
.code_32        equ     $ - gdt
        dq      00CF9A000000FFFFh       ; base 0, limit 4 GB, 32-bit code
.data           equ     $ - gdt
        dq      00CF92000000FFFFh       ; base 0, limit 4 GB, data
.code_64        equ     $ - gdt
        dq      00AF9A000000FFFFh       ; L: 64-bit code
.end:
.register:
        dw      .end - gdt - 1
        dd      gdt

drive:          db      0
hello:          db      "Stage 2: A20, memory map, kernel, protected mode, long mode.", 13, 10, 0
stopped:        db      ": stopped.", 13, 10, 0
no_long_mode:   db      "this processor has no long mode", 0
no_a20:         db      "the A20 gate stays shut", 0
no_map:         db      "the BIOS gives no memory map", 0
no_kernel:      db      "there is no ELF64 kernel on this disk", 0

        times   STAGE_2_SECTORS * SECTOR - ($ - $$) db 0
