; From the boot sector into 64-bit mode with SSE and AVX enabled, then a C program, then the end of the machine.
;
;     1000h  page tables: the first GB, identity-mapped in pages of 2 MB
;     4000h  IDT
;     7C00h  the boot sector, then this; 9000h the program, up to 17E00h (programs/bare.ld)
;   100000h  its .bss; 200000h its stack, growing down
;
; At 9000h: the addresses of its main function, of its exception handler, of .bss and of its end (programs/bare.c).

%include "boot.inc"

PML4        equ 0x1000
PDPT        equ 0x2000
DIRECTORY   equ 0x3000
IDT         equ 0x4000
PROGRAM     equ 0x9000
STACK       equ 0x200000
VECTORS     equ 32
BASE_CR0    equ 0x80010033                      ; PG WP NE ET MP PE; EM and TS are 0
BASE_CR4    equ 0x620                           ; OSXMMEXCPT OSFXSR PAE
OSXSAVE     equ 1 << 18
EFER        equ 0xC0000080
LME         equ 0x100

main:
    in al, 0x92                                 ; address line 20
    or al, 2
    and al, 0xFE
    out 0x92, al
    cld
    mov di, PML4
    mov cx, (IDT + 16 * VECTORS - PML4) / 4
    xor eax, eax
    rep stosd
    mov dword [PML4], PDPT + 3
    mov dword [PDPT], DIRECTORY + 3
    mov di, DIRECTORY
    mov eax, 0x83
.page:
    mov [di], eax
    add di, 8
    add eax, 0x200000
    cmp di, IDT
    jb .page
    mov eax, BASE_CR4
    mov cr4, eax
    mov eax, PML4
    mov cr3, eax
    mov ecx, EFER
    mov eax, LME
    xor edx, edx
    wrmsr
    lgdt [gdtr]
    mov eax, BASE_CR0
    mov cr0, eax
    jmp 8:long_mode

    bits 64
long_mode:
    mov ax, 0x10
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov esp, STACK

    mov edi, IDT
    mov eax, stubs
.gate:
    mov [rdi], ax                               ; the stubs lie below 64 KB
    mov dword [rdi + 2], 0x8E000008             ; selector 8, IST 0, interrupt gate
    add edi, 16
    add eax, STUB
    cmp edi, IDT + 16 * VECTORS
    jb .gate
    lidt [idtr]

    mov eax, 1
    xor ecx, ecx
    cpuid
    bt ecx, 26                                  ; XSAVE
    jnc .no_xsave
    mov rax, cr4
    or eax, OSXSAVE
    mov cr4, rax
    mov eax, 3                                  ; XCR0: x87 and SSE
    bt ecx, 28                                  ; and AVX
    jnc .set
    or al, 4
.set:
    xor edx, edx
    xor ecx, ecx
    xsetbv
.no_xsave:
    fninit

    mov edi, [PROGRAM + 16]                     ; .bss
    mov ecx, [PROGRAM + 24]
    sub ecx, edi
    xor eax, eax
    rep stosb
    call [PROGRAM]

the_end:                                        ; the machine's, once all has been sent
    mov dx, 0x3FD
.flush:
    in al, dx
    test al, 0x40                               ; transmitter empty
    jz .flush
    xor eax, eax
    out 0xF4, al                                ; the debug exit
    mov dx, 0x8900                              ; Bochs
    mov esi, .shutdown
    mov ecx, 8
    rep outsb
    cli
    hlt
.shutdown:
    db "Shutdown"

; An entry pushes an error code, if the processor did not, and the vector. Then the frame is, from the top:
; SS RSP RFLAGS CS RIP, error code, vector, and RAX to R15.
STUB        equ 16
    align 16
stubs:
    %assign vector 0
    %rep VECTORS
    %if !(vector = 8 || vector >= 10 && vector <= 14 || vector = 17)
    push 0
    %endif
    push vector
    jmp near caught
    align STUB
    %assign vector vector + 1
    %endrep

caught:
    push rax
    push rcx
    push rdx
    push rbx
    push rbp
    push rsi
    push rdi
    push r8
    push r9
    push r10
    push r11
    push r12
    push r13
    push r14
    push r15
    cld
    mov rbp, rsp
    mov edi, [rbp + 15 * 8]                     ; vector
    lea rsi, [rbp + 17 * 8]                     ; where RIP is
    sub rsp, 512
    and rsp, -64
    fxsave64 [rsp]
    fninit
    push 0x1F80
    ldmxcsr [rsp]
    pop rax
    mov rdx, rsp
    call [PROGRAM + 8]
    fxrstor64 [rsp]                             ; the program may have changed it
    mov rsp, rbp
    pop r15
    pop r14
    pop r13
    pop r12
    pop r11
    pop r10
    pop r9
    pop r8
    pop rdi
    pop rsi
    pop rbp
    pop rbx
    pop rdx
    pop rcx
    pop rax
    add rsp, 16
    iretq

    align 8
gdt:
    dq 0
    dq 0x00AF9B000000FFFF                       ; 64-bit code
    dq 0x00CF93000000FFFF                       ; data
gdtr:
    dw gdtr - gdt - 1
    dd gdt
idtr:
    dw 16 * VECTORS - 1
    dq IDT

    times PROGRAM - 0x7C00 - ($ - $$) db 0
    incbin PROGRAM_IMAGE
    align 512, db 0
image_end:
