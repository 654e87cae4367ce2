; The kernel: says on COM1 and on the screen what it finds, and switches the machine off.
; In: 64-bit code, the first GB of memory at 0 and at HIGH_HALF, EDI = the boot information (layout.inc).
;
; An ELF64 executable, written out by hand so that nothing but nasm is needed and every byte has its reason: one segment
; to execute, and one to write with 16 KB behind it that are not in the file (BSS).
%include "layout.inc"

        bits    64
        org     0

PAGE            equ     1000h
BASE            equ     HIGH_HALF + KERNEL
SCREEN          equ     HIGH_HALF + 0B8000h
COLUMNS         equ     80
ROWS            equ     25
COM1            equ     3F8h

; ---- the ELF header ------------------------------------------------------------------------------------------------

        db      7Fh, "ELF"
        db      2, 1, 1, 0              ; 64-bit, little-endian, version 1, System V
        dq      0
        dw      2, 62                   ; ET_EXEC, x86-64
        dd      1
        dq      BASE + (start - text)   ; e_entry
        dq      headers                 ; e_phoff
        dq      0                       ; no sections
        dd      0
        dw      40h, 38h, 2             ; this header's size, a program header's, how many
        dw      0, 0, 0

headers:
        dd      1, 5                    ; PT_LOAD, read and execute
        dq      text                    ; p_offset
        dq      BASE                    ; p_vaddr
        dq      KERNEL                  ; p_paddr
        dq      text_end - text         ; p_filesz
        dq      text_end - text         ; p_memsz
        dq      PAGE
        dd      1, 6                    ; PT_LOAD, read and write
        dq      data
        dq      BASE + PAGE
        dq      KERNEL + PAGE
        dq      data_end - data
        dq      bss_end - data
        dq      PAGE

        times   PAGE - ($ - $$) db 0

; In memory what is at `data` in the file follows one page after `text`: where a label is for the running kernel.
%define at(label)       (BASE + (label) - text)

; ---- text ------------------------------------------------------------------------------------------------------------

text:
start:
        mov     rsp, at(stack_top)
        mov     rbx, HIGH_HALF
        add     rbx, rdi                ; the boot information, as the high half sees it
        cld
        call    serial_open
        call    screen_open

        lea     rsi, [rel hello]
        call    print
        lea     rax, [rel start]
        call    print_hex
        lea     rsi, [rel dot]
        call    print

        lea     rsi, [rel memory]
        call    print
        mov     r12d, [rbx]             ; entries
        lea     r13, [rbx + 8]
.entry:
        lea     rsi, [rel indent]
        call    print
        mov     rax, [r13]
        call    print_hex
        lea     rsi, [rel dash]
        call    print
        mov     rax, [r13]
        add     rax, [r13 + 8]
        dec     rax                     ; its last byte
        call    print_hex
        mov     eax, [r13 + 16]
        cmp     eax, 5
        jbe     .known
        xor     eax, eax
.known: lea     rsi, [rel kinds]
        imul    eax, eax, KIND
        add     rsi, rax
        call    print
        add     r13, MAP_ENTRY
        dec     r12d
        jnz     .entry

        lea     rsi, [rel in_cr0]
        mov     rax, cr0
        call    print_register
        lea     rsi, [rel in_cr3]
        mov     rax, cr3
        call    print_register
        lea     rsi, [rel in_cr4]
        mov     rax, cr4
        call    print_register
        mov     ecx, 0C0000080h
        rdmsr
        shl     rdx, 32
        or      rax, rdx
        lea     rsi, [rel in_efer]
        call    print_register
        lea     rsi, [rel new_line]
        call    print

        mov     rdi, at(bss)            ; did the loader clear it?
        mov     ecx, (stack - bss) / 8
        xor     eax, eax
        repe    scasq
        lea     rsi, [rel bss_zero]
        je      .say
        lea     rsi, [rel bss_dirty]
.say:   call    print

        lea     rsi, [rel farewell]
        call    print
        call    screen_cursor
        mov     dx, 604h                ; ACPI's PM1a control register on QEMU's pc: SLP_EN, soft off
        mov     ax, 2000h
        out     dx, ax
.stop:  cli                             ; for a board that is not like that
        hlt
        jmp     .stop

print_register:                         ; the text at RSI, then RAX
        push    rax
        call    print
        pop     rax

print_hex:                              ; RAX in hexadecimal, 16 digits
        push    rbx
        mov     rbx, rax
        mov     ecx, 16
.digit: rol     rbx, 4
        mov     al, bl
        and     al, 0Fh
        cmp     al, 10
        jb      .small
        add     al, 'A' - '0' - 10
.small: add     al, '0'
        call    put
        dec     ecx
        jnz     .digit
        pop     rbx
        ret

print:                                  ; the text at RSI, which ends in 0
        lodsb
        test    al, al
        jz      .end
        call    put
        jmp     print
.end:   ret

put:                                    ; the character AL, on COM1 and on the screen. Keeps all registers
        push    rax
        push    rcx
        push    rdx
        push    rdi
        push    rsi
        cmp     al, 10
        jne     .one
        mov     al, 13                  ; a terminal wants both
        call    serial_put
        mov     al, 10
.one:   call    serial_put
        call    screen_put
        pop     rsi
        pop     rdi
        pop     rdx
        pop     rcx
        pop     rax
        ret

serial_open:                            ; 115200 baud, 8 bits, no parity, 1 stop bit, FIFO on, no interrupts
        lea     rsi, [rel serial_setup]
        mov     ecx, serial_setup.end - serial_setup
        shr     ecx, 1
.next:  lodsw
        mov     edx, COM1
        add     dl, al                  ; the register
        mov     al, ah                  ; its value
        out     dx, al
        loop    .next
        ret

serial_put:
        mov     ah, al
        mov     edx, COM1 + 5           ; line status
.wait:  in      al, dx
        test    al, 20h                 ; room for a character
        jz      .wait
        mov     al, ah
        mov     edx, COM1
        out     dx, al
        ret

screen_open:                            ; go on where the BIOS's cursor is: row and column in its data area
        mov     rdi, HIGH_HALF + 450h
        movzx   eax, byte [rdi + 1]
        imul    eax, eax, COLUMNS
        movzx   ecx, byte [rdi]
        add     eax, ecx
        mov     rdi, at(position)
        mov     [rdi], eax
        ret

screen_put:
        mov     rdx, at(position)
        mov     ecx, [rdx]
        cmp     al, 10
        je      .new_line
        mov     rdi, SCREEN
        mov     ah, 0Fh                 ; bright white on black
        mov     [rdi + rcx * 2], ax
        inc     ecx
        jmp     .moved
.new_line:
        mov     eax, ecx
        xor     edx, edx
        mov     ecx, COLUMNS
        div     ecx
        inc     eax
        imul    ecx, eax, COLUMNS
        mov     rdx, at(position)
.moved:
        cmp     ecx, COLUMNS * ROWS
        jb      .end
        mov     rdi, SCREEN             ; scroll: all rows one up, the last one blank
        lea     rsi, [rdi + COLUMNS * 2]
        mov     ecx, COLUMNS * (ROWS - 1) / 4
        rep     movsq
        mov     rax, 0F200F200F200F20h
        mov     ecx, COLUMNS / 4
        rep     stosq
        mov     ecx, COLUMNS * (ROWS - 1)
.end:   mov     [rdx], ecx
        ret

screen_cursor:                          ; the CRT controller's cursor to where the next character would go
        mov     rcx, at(position)
        mov     ecx, [rcx]
        mov     edx, 3D4h
        mov     al, 0Eh                 ; cursor location, high byte
        mov     ah, ch
        out     dx, ax
        mov     al, 0Fh                 ; and low byte
        mov     ah, cl
        out     dx, ax
        ret

serial_setup:                           ; register, value
        db      1, 0                    ; no interrupts
        db      3, 80h                  ; the divisor's turn:
        db      0, 1                    ; 115200 / 1
        db      1, 0
        db      3, 3                    ; 8N1
        db      2, 7                    ; FIFO on and empty
        db      4, 3                    ; DTR, RTS
.end:
hello:          db      "Hello from a 64-bit kernel at ", 0
dot:            db      ".", 10, 0
memory:         db      "The memory map:", 10, 0
indent:         db      "  ", 0
dash:           db      " - ", 0
KIND            equ     24
%macro kind 1
%%start:        db      "  ", %1, 10, 0
                times   KIND - ($ - %%start) db 0
%endmacro
kinds:
        kind    "of unknown type"
        kind    "usable"
        kind    "reserved"
        kind    "ACPI, reclaimable"
        kind    "ACPI, to be kept"
        kind    "bad"
in_cr0:         db      "CR0=", 0
in_cr3:         db      " CR3=", 0
in_cr4:         db      10, "CR4=", 0
in_efer:        db      " EFER=", 0
new_line:       db      10, 0
bss_zero:       db      "BSS is zero.", 10, 0
bss_dirty:      db      "BSS IS NOT ZERO.", 10, 0
farewell:       db      "Switching off.", 10, 0
text_end:
        times   2 * PAGE - ($ - $$) db 0

; ---- data ------------------------------------------------------------------------------------------------------------

data:
position:       dd      0               ; of the next character on the screen, counted from the top left
                dd      0
data_end:

        absolute data_end
bss:
        resb    3000h                   ; nothing but zeros to be checked
stack:
        resb    1000h
stack_top:
bss_end:
