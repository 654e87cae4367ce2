; Vectors in long mode: #XM, alignment, page borders, masks, encodings, areas of XSAVE, XCR0.

%include "boot.inc"
%include "print.inc"
%include "case.inc"
%include "report.inc"
main:
    jmp enter_long_mode
%include "long.inc"
%include "vectors.inc"

main_cases:
    ; ---- #XM, and what it is without OSXMMEXCPT
    %macro unmasked 3+                          ; name, CR4, instruction
    case %1
        set_cr4 %2
        set_mxcsr 0x0000
        mov eax, 0x3F800000
        movd xmm1, eax
        mov eax, 0x7F800001
        movd xmm2, eax
        probe
        %3
        stmxcsr [SCRATCH]
        mov eax, [SCRATCH]
    over
    %endmacro
    unmasked "divss by 0 unmasked", ALL_CR4, divss xmm1, xmm0
    unmasked "divss by 0 unmasked without OSXMMEXCPT", BASE_CR4 | OSFXSR | OSXSAVE, divss xmm1, xmm0
    unmasked "vdivss by 0 unmasked without OSXMMEXCPT", BASE_CR4 | OSFXSR | OSXSAVE, vdivss xmm1, xmm1, xmm0
    unmasked "comiss with a signalling NaN", ALL_CR4, comiss xmm1, xmm2
    unmasked "addps, nothing wrong", ALL_CR4, addps xmm1, xmm0
    unmasked "cvttss2si, too large", ALL_CR4, cvttss2si ecx, xmm2
    unmasked "maxps with a signalling NaN", ALL_CR4, maxps xmm1, xmm2
    unmasked "movaps of a signalling NaN", ALL_CR4, movaps xmm1, xmm2
    unmasked "ldmxcsr with a flag and its mask 0", ALL_CR4, ldmxcsr [flagged_mxcsr]
    unmasked "vdivps ymm by 0", ALL_CR4, vdivps ymm1, ymm1, ymm0
    unmasked "vfmadd213ss with a signalling NaN", ALL_CR4, vfmadd213ss xmm1, xmm1, xmm2
    case "#XM with TS is #NM"
        set_cr4 ALL_CR4
        set_mxcsr 0
        mov rax, cr0
        or al, CR0_TS
        mov cr0, rax
        xor eax, eax
        probe
        divps xmm0, xmm0
    over
    case "ldmxcsr with a reserved bit"
        set_cr4 ALL_CR4
        mov dword [SCRATCH], 0x80001F80
        probe
        ldmxcsr [SCRATCH]
    over
    case "fxrstor with a reserved bit of MXCSR"
        set_cr4 ALL_CR4
        mov dword [SCRATCH + 24], 0x01001F80
        probe
        fxrstor [SCRATCH]
    over

    ; ---- addresses
    %macro place 3+                                ; name, address, instruction that uses RBX
    case %1
        set_cr4 ALL_CR4
        mov rbx, %2
        probe
        %3
    over
    %endmacro
    place "movaps at 8 modulo 16", SCRATCH + 8, movaps xmm0, [rbx]
    place "movaps to 4 modulo 16", SCRATCH + 4, movaps [rbx], xmm0
    place "movdqa at 1", SCRATCH + 1, movdqa xmm0, [rbx]
    place "movntps at 8", SCRATCH + 8, movntps [rbx], xmm0
    place "movntdqa at 8", SCRATCH + 8, movntdqa xmm0, [rbx]
    place "addps at 8", SCRATCH + 8, addps xmm0, [rbx]
    place "pcmpistri at 8", SCRATCH + 8, pcmpistri xmm0, [rbx], 0
    place "lddqu at 8", SCRATCH + 8, lddqu xmm0, [rbx]
    place "movhps at 1", SCRATCH + 1, movhps xmm0, [rbx]
    place "vmovaps at 8", SCRATCH + 8, vmovaps xmm0, [rbx]
    place "vmovaps ymm at 16", SCRATCH + 16, vmovaps ymm0, [rbx]
    place "vmovdqa ymm to 16", SCRATCH + 16, vmovdqa [rbx], ymm0
    place "vmovntdq ymm at 16", SCRATCH + 16, vmovntdq [rbx], ymm0
    place "vaddps at 1", SCRATCH + 1, vaddps xmm0, xmm0, [rbx]
    place "fxsave at 8", SCRATCH + 8, fxsave [rbx]
    place "fxrstor at 8", SCRATCH + 8, fxrstor [rbx]
    place "xsave at 32", SCRATCH + 32, xsave [rbx]
    place "xrstor at 32", SCRATCH + 32, xrstor [rbx]
    place "movaps at 8 of a page that is not there", PAGE + 0x2008, movaps xmm0, [rbx]
    place "movups of a page that is not there", PAGE + 0x2008, movups xmm0, [rbx]
    place "movups into a page that is not there", PAGE + 0x1FF8, movups xmm0, [rbx]
    place "movups to a page that is not there", PAGE + 0x1FF8, movups [rbx], xmm0
    place "vmovups ymm into a page that is not there", PAGE + 0x1FE8, vmovups ymm0, [rbx]
    place "vmovups ymm to a page that is not there", PAGE + 0x1FE8, vmovups [rbx], ymm0
    place "movss at the end of a page", PAGE + 0x1FFC, movss xmm0, [rbx]
    place "cvtps2pd at the end of a page", PAGE + 0x1FF8, cvtps2pd xmm0, [rbx]
    place "pmovzxbq at the end of a page", PAGE + 0x1FFE, pmovzxbq xmm0, [rbx]
    place "vinsertf128 at the end of a page", PAGE + 0x1FF0, vinsertf128 ymm0, ymm0, [rbx], 1
    place "vcvtph2ps at the end of a page", PAGE + 0x1FF8, vcvtph2ps xmm0, [rbx]
    place "fld m80 into a page that is not there", PAGE + 0x1FF8, fld tword [rbx]
    place "fstp m80 to a page that is not there", PAGE + 0x1FF8, fstp tword [rbx]
    place "fnstenv to a page that is not there", PAGE + 0x1FF0, fnstenv [rbx]
    place "fnsave to a page that is not there", PAGE + 0x1FA0, fnsave [rbx]
    place "movups, not canonical", NON_CANONICAL, movups xmm0, [rbx]
    place "movups, canonical but for its end", NON_CANONICAL - 8, movups xmm0, [rbx]
    place "movaps, not canonical and at 8", NON_CANONICAL + 8, movaps xmm0, [rbx]
    place "movups by RSP, not canonical", NON_CANONICAL, movups xmm0, [rsp + rbx]
    place "fld by RBP, not canonical", NON_CANONICAL, fld qword [rbp + rbx]

    ; ---- alignment checking
    %macro ac 3+                                ; name, address, instruction that uses RBX
    case %1, " with AC"
        set_cr4 ALL_CR4
        mov rax, cr0
        or eax, 1 << 18
        mov cr0, rax
        xor eax, eax
        user 0x40002
        mov ebx, %2
        probe
        %3
    over
    %endmacro
    ac "movss at 2", SCRATCH + 2, movss xmm0, [rbx]
    ac "movsd at 4", SCRATCH + 4, movsd xmm0, [rbx]
    ac "movq mm at 4", SCRATCH + 4, movq mm0, [rbx]
    ac "movhps at 4", SCRATCH + 4, movhps xmm0, [rbx]
    ac "fld m32 at 2", SCRATCH + 2, fld dword [rbx]
    ac "fld m64 at 4", SCRATCH + 4, fld qword [rbx]
    ac "fild m16 at 1", SCRATCH + 1, fild word [rbx]
    ac "fldcw at 1", SCRATCH + 1, fldcw [rbx]
    ac "ldmxcsr at 2", SCRATCH + 2, ldmxcsr [rbx]
    ac "movaps at 8", SCRATCH + 8, movaps xmm0, [rbx]
    ac "vmovss at 2", SCRATCH + 2, vmovss xmm0, [rbx]

    ; ---- masks: what is masked does not fault
    %macro masked 3+                            ; name, mask of XMM1 as two dwords to the top, instruction
    case %1
        set_cr4 ALL_CR4
        mov rax, %2
        movq xmm1, rax
        pslldq xmm1, 8
        mov eax, 1 << 31
        movd xmm2, eax
        mov ebx, PAGE + 0x1FF8
        xor eax, eax
        probe
        %3
    over
    %endmacro
    masked "vmaskmovps of what is there", 0, vmaskmovps xmm0, xmm2, [rbx]
    masked "vmaskmovps of what is not there", 1 << 31, vmaskmovps xmm0, xmm1, [rbx]
    masked "vmaskmovps to what is there", 0, vmaskmovps [rbx], xmm2, xmm0
    masked "vmaskmovps to what is not there", 1 << 31, vmaskmovps [rbx], xmm1, xmm0
    masked "vpmaskmovq of what is not there", 1 << 63, vpmaskmovq xmm0, xmm1, [rbx]
    masked "vpmaskmovq of what is there", 0, vpmaskmovq xmm0, xmm1, [rbx]
    case "vpgatherdd up to what is not there"
        set_cr4 ALL_CR4
        mov dword [SCRATCH + 0x10], 0           ; index 0 is there, 2 is not
        mov dword [SCRATCH + 0x14], 1
        mov dword [SCRATCH + 0x18], 2
        mov dword [SCRATCH + 0x1C], 0
        movdqu xmm1, [SCRATCH + 0x10]
        pcmpeqd xmm2, xmm2
        pcmpeqd xmm0, xmm0
        mov ebx, PAGE + 0x1FF8
        probe
        vpgatherdd xmm0, [rbx + xmm1 * 4], xmm2
    over_and
        show "low", [kept]
        show "high", [kept + 8]
        show "mask low", [kept + 32]
        show "mask high", [kept + 40]
    end_line
    case "vpgatherdd with no bit of its mask"
        set_cr4 ALL_CR4
        mov rbx, NON_CANONICAL
        probe
        vpgatherdd xmm0, [rbx + xmm1 * 4], xmm2
    over

    ; ---- encodings
    %macro bytes 2+
    case %1
        set_cr4 ALL_CR4
        probe
        db %2
        nop
    over
    %endmacro
    bytes "vaddps", 0xC5, 0xF0, 0x58, 0xC2
    bytes "vaddps with 66", 0x66, 0xC5, 0xF0, 0x58, 0xC2
    bytes "vaddps with F2", 0xF2, 0xC5, 0xF0, 0x58, 0xC2
    bytes "vaddps with F3", 0xF3, 0xC5, 0xF0, 0x58, 0xC2
    bytes "vaddps with LOCK", 0xF0, 0xC5, 0xF0, 0x58, 0xC2
    bytes "vaddps with REX", 0x40, 0xC5, 0xF0, 0x58, 0xC2
    bytes "vaddps with a segment", 0x64, 0xC5, 0xF0, 0x58, 0xC2
    bytes "vaddps with 67", 0x67, 0xC5, 0xF0, 0x58, 0xC2
    bytes "vmovaps with vvvv", 0xC5, 0xF0, 0x28, 0xC2
    bytes "vmovd with L", 0xC5, 0xFD, 0x6E, 0xC0
    bytes "vaesenc", 0xC4, 0xE2, 0x71, 0xDC, 0xC2
    bytes "vpbroadcastd with W", 0xC4, 0xE2, 0xF9, 0x58, 0xC0
    bytes "vblendvps with W", 0xC4, 0xE3, 0xF1, 0x4A, 0xC2, 0x30
    bytes "vpgatherdd, register operand", 0xC4, 0xE2, 0x71, 0x90, 0xC2
    bytes "vpgatherdd, index and mask the same", 0xC4, 0xE2, 0x71, 0x90, 0x04, 0x0B
    bytes "vzeroupper with vvvv", 0xC5, 0xF0, 0x77
    bytes "VEX map 0", 0xC4, 0xE0, 0x70, 0x58, 0xC2
    bytes "VEX map 4", 0xC4, 0xE4, 0x70, 0x58, 0xC2
    bytes "VEX of an x87 opcode", 0xC5, 0xF8, 0xD8, 0xC0
    bytes "addps with LOCK", 0xF0, 0x0F, 0x58, 0xC1
    bytes "movaps with F2", 0xF2, 0x0F, 0x28, 0xC1
    bytes "movntps of registers", 0x0F, 0x2B, 0xC1
    bytes "movlps of registers is movhlps", 0x0F, 0x12, 0xC1
    bytes "movlpd of registers", 0x66, 0x0F, 0x12, 0xC1
    bytes "psrlw with /0", 0x66, 0x0F, 0x71, 0xC1, 0x04
    bytes "psrldq mm", 0x0F, 0x73, 0xD9, 0x04
    bytes "maskmovq of memory", 0x0F, 0xF7, 0x03
    bytes "pmovmskb of memory", 0x66, 0x0F, 0xD7, 0x03
    bytes "fld st0 with LOCK", 0xF0, 0xD9, 0xC0
    bytes "d9 d1", 0xD9, 0xD1
    bytes "d9 e2", 0xD9, 0xE2
    bytes "db e5", 0xDB, 0xE5
    bytes "dd e8 is fucomp", 0xDD, 0xE8
    bytes "da e8", 0xDA, 0xE8
    bytes "de d8", 0xDE, 0xD8

    ; ---- compatibility mode: C4 and C5 are LES and LDS if there is a memory operand
    %macro compat_bytes 2+
    case %1, " in compatibility mode"
        set_cr4 ALL_CR4
        compat
        probe
        db %2
        nop
    over32
    %endmacro
    compat_bytes "vaddps", 0xC5, 0xF0, 0x58, 0xC2
    compat_bytes "vaddps, three bytes", 0xC4, 0xE1, 0x70, 0x58, 0xC2
    compat_bytes "lds of a null selector", 0xC5, 0x05, (SCRATCH) & 0xFF, (SCRATCH >> 8) & 0xFF, SCRATCH >> 16, 0
    compat_bytes "les of a null selector", 0xC4, 0x05, (SCRATCH) & 0xFF, (SCRATCH >> 8) & 0xFF, SCRATCH >> 16, 0
    compat_bytes "addps", 0x0F, 0x58, 0xC2
    compat_bytes "fld1", 0xD9, 0xE8
    compat_bytes "movaps with 67", 0x67, 0x0F, 0x28, 0xC2
    compat_bytes "vpaddb with B of VEX", 0xC4, 0xC1, 0x75, 0xFC, 0xC0

    ; ---- areas of XSAVE
    %macro area 4+                              ; name, XSTATE_BV, XCOMP_BV, instruction
    case %1
        set_cr4 ALL_CR4
        mov rax, %2
        mov [SCRATCH + 512], rax
        mov rax, %3
        mov [SCRATCH + 520], rax
        mov dword [SCRATCH + 24], 0x1F80
        mov eax, 7
        xor edx, edx
        probe
        %4
    over
    %endmacro
    area "xrstor of nothing", 0, 0, xrstor [SCRATCH]
    area "xrstor of all", 7, 0, xrstor [SCRATCH]
    area "xrstor of a component that XCR0 has not", 0x100, 0, xrstor [SCRATCH]
    area "xrstor with XCOMP_BV and no bit 63", 7, 1, xrstor [SCRATCH]
    area "xrstor of a compact area", 7, 1 << 63 | 7, xrstor [SCRATCH]
    area "xrstor of a compact area with less in it", 7, 1 << 63 | 3, xrstor [SCRATCH]
    area "xrstor of a compact area with more than XCR0", 3, 1 << 63 | 0x107, xrstor [SCRATCH]
    case "xrstor with a reserved byte of the header"
        set_cr4 ALL_CR4
        mov byte [SCRATCH + 528], 1
        mov eax, 7
        probe
        xrstor [SCRATCH]
    over
    case "xrstor with a reserved bit of MXCSR"
        set_cr4 ALL_CR4
        mov dword [SCRATCH + 24], 0x80001F80
        mov eax, 7
        probe
        xrstor [SCRATCH]
    over
    case "xrstor of x87 only with a reserved bit of MXCSR"
        set_cr4 ALL_CR4
        mov dword [SCRATCH + 24], 0x80001F80
        mov eax, 1
        probe
        xrstor [SCRATCH]
    over

    ; ---- XCR0
    %macro xcr0 4                               ; name, ECX, EDX, EAX
    case %1
        set_cr4 ALL_CR4
        mov ecx, %2
        mov edx, %3
        mov eax, %4
        probe
        xsetbv
        xor ecx, ecx
        xgetbv
    over
    %endmacro
    xcr0 "xcr0 of 7", 0, 0, 7
    xcr0 "xcr0 of 3", 0, 0, 3
    xcr0 "xcr0 of 1", 0, 0, 1
    xcr0 "xcr0 of 0", 0, 0, 0
    xcr0 "xcr0 of 2", 0, 0, 2
    xcr0 "xcr0 of 5", 0, 0, 5
    xcr0 "xcr0 of 6", 0, 0, 6
    xcr0 "xcr0 with bit 63", 0, 1 << 31, 7
    xcr0 "xcr1", 1, 0, 7
    case "xgetbv of XCR2"
        set_cr4 ALL_CR4
        mov ecx, 2
        probe
        xgetbv
    over
    case "xsetbv at CPL 3"
        set_cr4 ALL_CR4
        user
        mov eax, 7
        probe
        xsetbv
    over

    call finish
image_end:
