; x87, MMX and SSE in real mode, where there is no VEX; limits of segments under their operands.

%include "boot.inc"
%include "print.inc"
%include "case.inc"
%include "report.inc"
%include "real.inc"

SCRATCH     equ 0x600
OSFXSR      equ 1 << 9
OSXMMEXCPT  equ 1 << 10
OSXSAVE     equ 1 << 18
ALL_CR4     equ OSFXSR | OSXMMEXCPT | OSXSAVE

%macro set_cr4 1
    mov eax, %1
    mov cr4, eax
    xor eax, eax
%endmacro

%macro set_cr0 1
    mov eax, 0x60000010 | (%1)
    mov cr0, eax
    xor eax, eax
%endmacro

%macro with 3+                                  ; name, CR4, instruction
    case %1
        set_cr4 %2
        probe
        %3
    over
%endmacro

main:
    call start_cases
    mov eax, ALL_CR4
    mov cr4, eax
    mov eax, 7
    xor edx, edx
    xor ecx, ecx
    xsetbv
    fninit

    with "fld1", 0, fld1
    with "paddb mm", 0, paddb mm0, mm1
    with "addps without OSFXSR", 0, addps xmm0, xmm1
    with "addps", OSFXSR, addps xmm0, xmm1
    with "movups from memory", OSFXSR, movups xmm0, [SCRATCH]
    with "pcmpistri", OSFXSR, pcmpistri xmm0, xmm1, 0
    with "vaddps", ALL_CR4, db 0xC5, 0xF0, 0x58, 0xC2
    with "vaddps, three bytes", ALL_CR4, db 0xC4, 0xE1, 0x70, 0x58, 0xC2
    with "andn", ALL_CR4, db 0xC4, 0xE2, 0x60, 0xF2, 0xC1
    with "lds, not a VEX prefix", ALL_CR4, lds bx, [SCRATCH]
    with "xgetbv", ALL_CR4, xgetbv
    with "xgetbv without OSXSAVE", OSFXSR, xgetbv
    with "xsave", ALL_CR4, xsave [SCRATCH]
    case "xsetbv"
        set_cr4 ALL_CR4
        mov al, 7
        probe
        xsetbv
    over

    ; ---- TS and EM
    case "fld1 with TS"
        set_cr0 8
        probe
        fld1
    over
    case "fwait with TS"
        set_cr0 8
        probe
        fwait
    over
    case "fwait with TS and MP"
        set_cr0 10
        probe
        fwait
    over
    case "addps with EM"
        set_cr4 OSFXSR
        set_cr0 4
        probe
        addps xmm0, xmm1
    over
    case "fld1 with EM"
        set_cr0 4
        probe
        fld1
    over

    ; ---- addresses
    %macro place 3+                             ; name, BX, instruction
    case %1
        set_cr4 ALL_CR4
        mov bx, %2
        probe
        %3
    over
    %endmacro
    place "movaps at 8", SCRATCH + 8, movaps xmm0, [bx]
    place "movups up to the limit", 0xFFF0, movups xmm0, [bx]
    place "movups beyond the limit", 0xFFF1, movups xmm0, [bx]
    place "movups beyond the limit of SS", 0xFFF1, movups xmm0, [ss:bx]
    place "movq mm beyond the limit", 0xFFF9, movq mm0, [bx]
    place "fld m32 beyond the limit", 0xFFFD, fld dword [bx]
    place "fld m80 up to the limit", 0xFFF6, fld tword [bx]
    place "fld m80 beyond the limit", 0xFFF7, fld tword [bx]
    place "fstp m80 beyond the limit of SS", 0xFFF7, fstp tword [ss:bx]
    place "fnstenv of 14 bytes up to the limit", 0xFFF2, fnstenv [bx]
    place "fnstenv of 14 bytes beyond the limit", 0xFFF3, fnstenv [bx]
    place "fnstenv of 28 bytes beyond the limit", 0xFFF2, o32 fnstenv [bx]
    place "fnsave of 94 bytes up to the limit", 0xFFA2, fnsave [bx]
    place "fnsave of 94 bytes beyond the limit", 0xFFA3, fnsave [bx]
    place "fnsave of 108 bytes beyond the limit", 0xFF95, o32 fnsave [bx]
    place "xsave at 8", SCRATCH + 8, xsave [bx]

    ; ---- #MF by way of IRQ 13, or of vector 16
    %macro pending 2+
    case %1
        mov word [SCRATCH], 0x37B               ; ZM is 0
        fldcw [SCRATCH]
        fldz
        fld1
        fdiv st0, st1
        probe
        %2
        fnstsw ax
    over
    fninit
    %endmacro
    mov eax, 0x60000030
    mov cr0, eax
    case "fwait with an exception and NE"
        set_cr0 0x20
        mov word [SCRATCH], 0x37B
        fldcw [SCRATCH]
        fldz
        fld1
        fdiv st0, st1
        probe
        fwait
    over
    fninit
    pending "fnclex of an exception", fnclex
    pending "fninit of an exception", fninit
    pending "fnstsw of an exception", nop

    ; ---- #XM
    case "divss by 0 unmasked"
        set_cr4 ALL_CR4
        mov dword [SCRATCH], 0
        ldmxcsr [SCRATCH]
        mov eax, 0x3F800000
        movd xmm1, eax
        pxor xmm0, xmm0
        probe
        divss xmm1, xmm0
    over

    call finish
image_end:
