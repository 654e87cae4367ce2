; Long mode: SYSCALL, SYSENTER and the ways back, flags, leaving long mode and coming back.

%include "boot.inc"
%include "print.inc"
%include "case.inc"
%include "report.inc"
main:
    jmp enter_long_mode
%include "long.inc"

prepare:
    ret

main_cases:
    ; ---- SYSCALL and SYSRET
    case "syscall"
        set_msr FMASK, 0x4700
        user 0x3602
        probe
        syscall
    over
    case "syscall and a mask of all"
        set_msr FMASK, 0xFFFFFFFF
        user 0x3602
        probe
        syscall
    over
    case "syscall lands"
        set_msr_address LSTAR, %$there
        set_msr FMASK, 0x3200
        user 0x3602
        probe
        syscall
%$there:
        sub rcx, %$probe
        mov qword [C_BASELINE], base_segments
    over
    case "syscall without SCE"
        set_msr EFER, BASE_EFER & ~1
        user
        probe
        syscall
    over
    case "syscall at CPL 0"
        set_msr_address LSTAR, %$there
        probe
        syscall
%$there:
        sub rcx, %$probe
    over
    case "syscall in compatibility mode, ring 3"
        compat3
        probe
        syscall
    over32
    %macro sysret_case 3-4 0x202                ; name, instruction, what is added to RCX, R11
    case %1
        mov rcx, qword (%3) + %$there
        mov r11, %4
        mov qword [C_BASELINE], user_segments
        probe
        %2
%$there:
        nop
    over
    %endmacro
    sysret_case "sysret to 64-bit code", o64 sysret, 0
    sysret_case "sysret to 32-bit code", sysret, 0
    sysret_case "sysret takes flags", o64 sysret, 0, 0x3F7ED7 & ~0x100
    sysret_case "sysret not canonical", o64 sysret, NON_CANONICAL
    sysret_case "sysret of 32 bits cuts RCX", sysret, NON_CANONICAL
    check3 "sysret at CPL 3", o64 sysret
    case "sysret without SCE"
        set_msr EFER, BASE_EFER & ~1
        probe
        o64 sysret
    over
    check32 "sysret in compatibility mode", sysret

    ; ---- SYSENTER and SYSEXIT
    %macro sysenter_ready 0
        set_msr SYSENTER_CS, CODE0
        set_msr SYSENTER_ESP, STACK0
        set_msr_address SYSENTER_EIP, %$there
    %endmacro
    check3 "sysenter without a selector", sysenter
    case "sysenter"
        sysenter_ready
        user 0x3602
        probe
        sysenter
%$there:
        mov qword [C_BASELINE], base_segments
    over
    case "sysenter in compatibility mode"
        sysenter_ready
        compat3 0x3602
        probe
        sysenter
        bits 64
%$there:
        mov qword [C_BASELINE], base_segments
    over
    case "sysexit to 64-bit code"
        sysenter_ready
        mov edx, %$there
        mov ecx, STACK3
        mov qword [C_BASELINE], user_segments
        probe
        o64 sysexit
%$there:
    over
    case "sysexit to 32-bit code"
        sysenter_ready
        mov rdx, %$there
        bts rdx, 40
        mov ecx, STACK3
        mov qword [C_BASELINE], user_segments
        probe
        sysexit
%$there:
    over
    case "sysexit not canonical"
        sysenter_ready
        mov rdx, NON_CANONICAL
        probe
        o64 sysexit
%$there:
    over
    case "sysexit with a stack that is not canonical"
        sysenter_ready
        mov edx, %$there
        mov rcx, NON_CANONICAL
        probe
        o64 sysexit
%$there:
    over
    check "sysexit without a selector", o64 sysexit
    case "sysexit at CPL 3"
        set_msr SYSENTER_CS, CODE0
        user
        probe
        o64 sysexit
    over

    ; ---- flags
    case "popfq of all at CPL 0"
        mov eax, 0x3F7ED7 & ~0x100
        push rax
        probe
        popfq
    over
    case "popfq of all at CPL 3"
        user
        mov eax, 0x3F7ED7 & ~0x100
        push rax
        probe
        popfq
    over
    case "TF"
        push 0x102
        probe
        popfq
        nop
        nop
    over
    case "TF and syscall"
        set_msr_address LSTAR, %$there
        user 0x102
        probe
        syscall
        nop
%$there:
        nop
        nop
    over
    case "TF and syscall that masks it"
        set_msr_address LSTAR, %$there
        set_msr FMASK, 0x100
        user
        push 0x102
        probe
        popfq
        syscall
        nop
%$there:
        nop
        nop
    over
    case "TF out of sysret"
        mov ecx, %$there
        mov r11, 0x102
        mov qword [C_BASELINE], user_segments
        probe
        o64 sysret
%$there:
        nop
        nop
    over

    ; ---- out of long mode, and in again
    %macro legacy 0                             ; paging off; an IDT of 32 bits with #GP alone
        compat
        mov eax, BASE_CR0
        mov cr0, eax
        lidt [legacy_idtr]
        xor eax, eax
    %endmacro
    %macro long_again 0
        mov byte [GDT + TSS_SELECTOR + 5], 0x89
        mov ax, TSS_SELECTOR
        ltr ax
        mov eax, BASE_CR4
        mov cr4, eax
        mov ecx, EFER
        mov eax, BASE_EFER
        xor edx, edx
        wrmsr
        mov eax, PAGING
        mov cr0, eax
        xor eax, eax
        xor ecx, ecx
        lidt [idtr]
        jmp CODE0:%%there
        bits 64
%%there:
        mov qword [C_BASELINE], base_segments
    %endmacro
    %macro leave_case 2+                        ; name, instructions in protected mode; a fault makes EBX BADxxxxh, with its error code
    case %1
        mov dword [legacy_resume], %$again
        probe
        legacy
        %2
%$again:
        long_again
    over
    %endmacro
    leave_case "LMA is cleared with PG", call read_efer
    leave_case "PG with LME, without PAE", call without_pae
    leave_case "PG with LME, out of code with L", call out_of_long_code
    leave_case "PG with LME and a TSS of 286", call with_small_tss
    leave_case "LME is changed without PG", call clear_lme
    leave_case "mov cr4 without PAE", call clear_pae
    leave_case "in protected mode, descriptors of code have no L", call long_descriptor

    call finish

    bits 32
read_efer:
    mov ecx, EFER
    rdmsr
    mov ebx, eax
    ret
without_pae:
    xor eax, eax
    mov cr4, eax
    mov eax, PAGING
    mov cr0, eax
    ret
out_of_long_code:
    jmp CODE0:.there
.there:
    mov eax, PAGING
    mov cr0, eax
    ret
with_small_tss:
    descriptor FREE, TSS, 0x67, 0x81, 0
    mov ax, FREE
    ltr ax
    mov eax, PAGING
    mov cr0, eax
    ret
clear_lme:
    mov ecx, EFER
    xor eax, eax
    xor edx, edx
    wrmsr
    rdmsr
    mov ebx, eax
    ret
clear_pae:
    xor eax, eax
    mov cr4, eax
    mov ebx, cr4
    ret
long_descriptor:
    call CODE0:.there
    ret
.there:
    mov ebx, cs
    retf
legacy_fault:                                   ; [ESP] error code
    pop ebx
    add esp, 12
    or ebx, 0xBAD0000
    mov esp, [C_STACK]
    mov ax, DATA0
    mov ss, ax
    jmp [legacy_resume]

    align 8
legacy_resume:
    dd 0
legacy_idtr:
    dw 0x7F
    dd legacy_idt
    align 8
legacy_idt:
    times 13 dq 0
    dw legacy_fault, COMPAT0, 0x8E00, 0
    dq 0, 0
image_end:
