; Virtual-8086 mode extensions (CR4.VME) and protected-mode virtual interrupts (CR4.PVI).

%include "boot.inc"
%include "print.inc"
%include "case.inc"
%include "report.inc"
main:
    jmp enter_protected_mode
%include "prot32.inc"

REDIRECTION equ TSS + 104                       ; 256 bits, 1: not redirected
VIF         equ 1 << 19
VIP         equ 1 << 20

prepare:
    mov word [TSS + 102], 136                   ; the I/O map follows
    mov eax, 1
    cpuid
    and edx, 2
    jz .none
    mov eax, 3
    mov cr4, eax
.none:
    mov edi, REDIRECTION
    mov ecx, 8
    xor eax, eax
    rep stosd
    ret

%macro vme_case 3+                              ; name, flags, instruction
    case %1
        v86 %2
        probe
        %3
    over86
%endmacro

%macro levels 2+                                ; the same with IOPL 0 and 3
    vme_case {%1, ", IOPL 0"}, 2, %2
    vme_case {%1, ", IOPL 3"}, 0x3002, %2
    vme_case {%1, ", IOPL 0, VIF"}, VIF | 2, %2
    vme_case {%1, ", IOPL 0, VIP"}, VIP | 2, %2
    vme_case {%1, ", IOPL 3, VIP"}, VIP | 0x3002, %2
%endmacro

%macro popf_case 3                              ; name, flags before, flags popped
    case %1
        v86 %2
        push word %3
        probe
        popf
    over86
    case %1, ", with iret"
        v86 %2
        push word %3
        push word 0
        push word %$there
        probe
        iret
%$there:
    over86
%endmacro

%macro int_case 3                               ; name, flags, bit of the redirection map
    case %1
        mov eax, %$there
        mov [0x84], eax
        xor eax, eax
        mov dword [REDIRECTION + 4], (%3) << 1
        v86 %2
        probe
        int 0x21
%$there:
        mov bp, sp
        mov ax, [bp]
        sub ax, %$probe
        mov bx, [bp + 2]
        mov cx, [bp + 4]
    over86
%endmacro

main_cases:
    mov eax, 1
    cpuid
    test edx, 2                                 ; VME
    jnz .there
    call finish
.there:
    levels "cli", cli
    levels "sti", sti
    levels "pushf", {pushf}
    levels "pushfd", pushfd
    levels "nop", nop
    vme_case "int3 is not redirected", 2, int3
    vme_case "hlt", 2, hlt
    vme_case "popfd, IOPL 0", 2, popfd
    vme_case "iretd, IOPL 0", 2, iretd
    case "pushf shows VIF as IF, and IOPL 3"
        v86 VIF | 2
        probe
        pushf
        pop ax
    over86
    case "pushf with VIF clear"
        v86 0x202
        probe
        pushf
        pop ax
    over86
    case "pushf with IOPL 3 shows IF"
        v86 VIF | 0x3002
        probe
        pushf
        pop ax
    over86
    popf_case "popf sets VIF", 2, 0x3202
    popf_case "popf clears VIF", VIF | 0x202, 0x0002
    popf_case "popf of IF with VIP", VIP | 2, 0x0202
    popf_case "popf without IF with VIP", VIP | 2, 0x0002
    popf_case "popf of TF", 2, 0x0102
    popf_case "popf of NT", 2, 0x4402
    popf_case "popf, IOPL 3", VIF | 0x3002, 0x0202
    int_case "int redirected, IOPL 0", 2, 0
    int_case "int redirected, IOPL 0, VIF", VIF | 2, 0
    int_case "int redirected, IOPL 0, IF", 0x202, 0
    int_case "int redirected, IOPL 3", 0x3202, 0
    int_case "int redirected, IOPL 3, VIF", VIF | 0x3202, 0
    int_case "int redirected, TF and NT", 0x4002, 0
    int_case "int not redirected, IOPL 0", 2, 1
    int_case "int not redirected, IOPL 3", 0x3002, 1
    case "int when the redirection map is behind the limit"
        mov word [TSS + 102], 0x2068 + 33
        v86
        probe
        int 0x21
    over86
    case "int without VME, IOPL 0"
        xor eax, eax
        mov cr4, eax
        v86
        probe
        int 0x21
    over86
    case "sti without VME, IOPL 0"
        xor eax, eax
        mov cr4, eax
        v86
        probe
        sti
    over86

    ; ---- PVI
    %macro pvi_case 3+                          ; name, flags at CPL 3, instruction
    case %1
        user %2
        probe
        %3
    over
    %endmacro
    pvi_case "PVI: cli", VIF | 0x202, cli
    pvi_case "PVI: sti", 2, sti
    pvi_case "PVI: sti with VIP", VIP | 2, sti
    pvi_case "PVI: cli with VIP", VIP | 2, cli
    pvi_case "PVI: cli, IOPL 3", VIF | 0x3202, cli
    pvi_case "PVI: sti, IOPL 3", 0x3002, sti
    case "PVI: popfd of IF"
        user
        push dword 0x202
        probe
        popfd
    over
    case "PVI: pushfd shows VIF where it is"
        user VIF | 2
        probe
        pushfd
        pop eax
    over
    case "without PVI: sti"
        mov eax, 1
        mov cr4, eax
        user
        probe
        sti
    over
    case "VIF and VIP in V86 mode"
        v86 VIP | VIF | 2
        probe
        nop
    over86
    case "popfd at CPL 0 keeps VIF and VIP"
        push dword VIF | VIP | 2
        probe
        popfd
        pushfd
        pop eax
    over
    case "iretd at CPL 0 sets VIF and VIP"
        push dword VIF | VIP | 2
        push dword CODE0
        push dword %$there
        probe
        iretd
%$there:
    over

    call finish
image_end:
