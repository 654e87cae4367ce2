; What CR0, CR4, XCR0 and a pending exception leave of x87, MMX, SSE and AVX, and what they do not touch, in long mode.

%include "boot.inc"
%include "print.inc"
%include "case.inc"
%include "report.inc"
main:
    jmp enter_long_mode
%include "long.inc"
%include "vectors.inc"

; The instructions that stand for their kind, in a state: what the names end in, what prepares it
%macro each_kind 2
    kind %1, {%2}, "fld1", fld1
    kind %1, {%2}, "fnstcw", fnstcw [SCRATCH]
    kind %1, {%2}, "fninit", fninit
    kind %1, {%2}, "fwait", fwait
    kind %1, {%2}, "fcmovb", fcmovb st1
    kind %1, {%2}, "fcomi", fcomi st1
    kind %1, {%2}, "ffreep", db 0xDF, 0xC0
    kind %1, {%2}, "fxsave", fxsave [SCRATCH]
    kind %1, {%2}, "fxrstor", fxrstor [SCRATCH]
    kind %1, {%2}, "emms", emms
    kind %1, {%2}, "paddb mm", paddb mm0, mm1
    kind %1, {%2}, "paddb mm from memory", paddb mm0, [SCRATCH]
    kind %1, {%2}, "pshufw", pshufw mm0, mm1, 0
    kind %1, {%2}, "paddq mm", paddq mm0, mm1
    kind %1, {%2}, "pabsb mm", pabsb mm0, mm1
    kind %1, {%2}, "movnti", movnti [SCRATCH], eax
    kind %1, {%2}, "movntq", movntq [SCRATCH], mm0
    kind %1, {%2}, "cvtpi2ps", cvtpi2ps xmm0, mm0
    kind %1, {%2}, "cvtpi2pd", cvtpi2pd xmm0, [SCRATCH]
    kind %1, {%2}, "movq2dq", movq2dq xmm0, mm0
    kind %1, {%2}, "addps", addps xmm0, xmm1
    kind %1, {%2}, "movups from memory", movups xmm0, [SCRATCH]
    kind %1, {%2}, "paddb xmm", paddb xmm0, xmm1
    kind %1, {%2}, "haddps", haddps xmm0, xmm1
    kind %1, {%2}, "fisttp", fisttp dword [SCRATCH]
    kind %1, {%2}, "pshufb", pshufb xmm0, xmm1
    kind %1, {%2}, "ptest", ptest xmm0, xmm1
    kind %1, {%2}, "pextrb", pextrb eax, xmm0, 0
    kind %1, {%2}, "pcmpistri", pcmpistri xmm0, xmm1, 0
    kind %1, {%2}, "pclmulqdq", pclmulqdq xmm0, xmm1, 0
    kind %1, {%2}, "aesenc", aesenc xmm0, xmm1
    kind %1, {%2}, "ldmxcsr", ldmxcsr [default_mxcsr]
    kind %1, {%2}, "stmxcsr", stmxcsr [SCRATCH]
    kind %1, {%2}, "prefetcht0", prefetcht0 [SCRATCH]
    kind %1, {%2}, "sfence", sfence
    kind %1, {%2}, "lfence", lfence
    kind %1, {%2}, "clflush", clflush [SCRATCH]
    kind %1, {%2}, "pause", pause
    kind %1, {%2}, "crc32", crc32 eax, bl
    kind %1, {%2}, "popcnt", popcnt eax, ebx
    kind %1, {%2}, "vaddps", vaddps xmm0, xmm1, xmm2
    kind %1, {%2}, "vaddps ymm", vaddps ymm0, ymm1, ymm2
    kind %1, {%2}, "vpaddb ymm", vpaddb ymm0, ymm1, ymm2
    kind %1, {%2}, "vmovups ymm from memory", vmovups ymm0, [SCRATCH]
    kind %1, {%2}, "vpshufb", vpshufb xmm0, xmm1, xmm2
    kind %1, {%2}, "vfmadd132ps", vfmadd132ps xmm0, xmm1, xmm2
    kind %1, {%2}, "vcvtph2ps", vcvtph2ps xmm0, xmm1
    kind %1, {%2}, "vaesenc", vaesenc xmm0, xmm1, xmm2
    kind %1, {%2}, "vbroadcastss", vbroadcastss ymm0, xmm1
    kind %1, {%2}, "vzeroupper", vzeroupper
    kind %1, {%2}, "vldmxcsr", vldmxcsr [default_mxcsr]
    kind %1, {%2}, "andn", andn eax, ebx, ecx
    kind %1, {%2}, "xgetbv", xgetbv
    kind %1, {%2}, "xsave", xsave [SCRATCH]
    kind %1, {%2}, "xrstor", xrstor [SCRATCH]
    kind %1, {%2}, "xsaveopt", xsaveopt [SCRATCH]
%endmacro

%macro kind 4+                                  ; what the name ends in, what prepares it, name, instruction
    case %3, %1
        %2
        probe
        %4
    over
%endmacro

%macro at_cpl3 0
    set_cr4 ALL_CR4
    user
%endmacro

osfxsr:
    set_cr4 BASE_CR4 | OSFXSR
    ret

all:
    set_cr4 ALL_CR4
    ret

ts:
    set_cr0 CR0_TS
    ret

ts_mp:
    set_cr0 CR0_TS | CR0_MP
    ret

em:
    set_cr0 CR0_EM
    ret

em_ts:
    set_cr0 CR0_EM | CR0_TS | CR0_MP
    ret

x87:
    set_xcr0 1
    ret

sse:
    set_xcr0 3
    ret

an_exception:                                   ; of the x87, which the next waiting instruction reports
    set_cr0 CR0_NE
    mov word [SCRATCH + 0x800], 0x37B           ; ZM is 0
    fldcw [SCRATCH + 0x800]
    fldz
    fld1
    fdiv st0, st1
    ret

main_cases:
    each_kind " with no bit of CR4", {}
    each_kind " with OSFXSR only", call osfxsr
    each_kind " with all", call all
    each_kind " with TS", call ts
    each_kind " with TS and MP", call ts_mp
    each_kind " with EM", call em
    each_kind " with EM and TS", call em_ts
    each_kind " with XCR0 of 1", call x87
    each_kind " with XCR0 of 3", call sse
    each_kind " at CPL 3", at_cpl3
    each_kind " with #MF pending", call an_exception

    call finish
image_end:
