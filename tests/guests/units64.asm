; What CR0, CR4, XCR0 and a pending exception leave of x87, MMX, SSE and AVX, and what they do not touch, in long mode.

%include "boot.inc"
%include "print.inc"
%include "case.inc"
%include "report.inc"
main:
    jmp enter_long_mode
%include "long.inc"
%include "vectors.inc"

; The instructions that stand for their kind; %1 is a macro that gets a name and the instruction
%macro each_kind 1
    %1 "fld1", fld1
    %1 "fnstcw", fnstcw [SCRATCH]
    %1 "fninit", fninit
    %1 "fwait", fwait
    %1 "fcmovb", fcmovb st1
    %1 "fcomi", fcomi st1
    %1 "ffreep", db 0xDF, 0xC0
    %1 "fxsave", fxsave [SCRATCH]
    %1 "fxrstor", fxrstor [SCRATCH]
    %1 "emms", emms
    %1 "paddb mm", paddb mm0, mm1
    %1 "paddb mm from memory", paddb mm0, [SCRATCH]
    %1 "pshufw", pshufw mm0, mm1, 0
    %1 "paddq mm", paddq mm0, mm1
    %1 "pabsb mm", pabsb mm0, mm1
    %1 "movnti", movnti [SCRATCH], eax
    %1 "movntq", movntq [SCRATCH], mm0
    %1 "cvtpi2ps", cvtpi2ps xmm0, mm0
    %1 "cvtpi2pd", cvtpi2pd xmm0, [SCRATCH]
    %1 "movq2dq", movq2dq xmm0, mm0
    %1 "addps", addps xmm0, xmm1
    %1 "movups from memory", movups xmm0, [SCRATCH]
    %1 "paddb xmm", paddb xmm0, xmm1
    %1 "haddps", haddps xmm0, xmm1
    %1 "fisttp", fisttp dword [SCRATCH]
    %1 "pshufb", pshufb xmm0, xmm1
    %1 "ptest", ptest xmm0, xmm1
    %1 "pextrb", pextrb eax, xmm0, 0
    %1 "pcmpistri", pcmpistri xmm0, xmm1, 0
    %1 "pclmulqdq", pclmulqdq xmm0, xmm1, 0
    %1 "aesenc", aesenc xmm0, xmm1
    %1 "ldmxcsr", ldmxcsr [default_mxcsr]
    %1 "stmxcsr", stmxcsr [SCRATCH]
    %1 "prefetcht0", prefetcht0 [SCRATCH]
    %1 "sfence", sfence
    %1 "lfence", lfence
    %1 "clflush", clflush [SCRATCH]
    %1 "pause", pause
    %1 "crc32", crc32 eax, bl
    %1 "popcnt", popcnt eax, ebx
    %1 "vaddps", vaddps xmm0, xmm1, xmm2
    %1 "vaddps ymm", vaddps ymm0, ymm1, ymm2
    %1 "vpaddb ymm", vpaddb ymm0, ymm1, ymm2
    %1 "vmovups ymm from memory", vmovups ymm0, [SCRATCH]
    %1 "vpshufb", vpshufb xmm0, xmm1, xmm2
    %1 "vfmadd132ps", vfmadd132ps xmm0, xmm1, xmm2
    %1 "vcvtph2ps", vcvtph2ps xmm0, xmm1
    %1 "vaesenc", vaesenc xmm0, xmm1, xmm2
    %1 "vbroadcastss", vbroadcastss ymm0, xmm1
    %1 "vzeroupper", vzeroupper
    %1 "vldmxcsr", vldmxcsr [default_mxcsr]
    %1 "andn", andn eax, ebx, ecx
    %1 "xgetbv", xgetbv
    %1 "xsave", xsave [SCRATCH]
    %1 "xrstor", xrstor [SCRATCH]
    %1 "xsaveopt", xsaveopt [SCRATCH]
%endmacro

%macro with_nothing 2+
    case %1, " with no bit of CR4"
        probe
        %2
    over
%endmacro
%macro with_osfxsr 2+
    case %1, " with OSFXSR only"
        call osfxsr
        probe
        %2
    over
%endmacro
%macro with_all 2+
    case %1, " with all"
        call all
        probe
        %2
    over
%endmacro
%macro with_ts 2+
    case %1, " with TS"
        call ts
        probe
        %2
    over
%endmacro
%macro with_ts_mp 2+
    case %1, " with TS and MP"
        call ts_mp
        probe
        %2
    over
%endmacro
%macro with_em 2+
    case %1, " with EM"
        call em
        probe
        %2
    over
%endmacro
%macro with_em_ts 2+
    case %1, " with EM and TS"
        call em_ts
        probe
        %2
    over
%endmacro
%macro with_x87 2+
    case %1, " with XCR0 of 1"
        call x87
        probe
        %2
    over
%endmacro
%macro with_sse 2+
    case %1, " with XCR0 of 3"
        call sse
        probe
        %2
    over
%endmacro
%macro with_pending 2+
    case %1, " with #MF pending"
        call with_an_exception
        probe
        %2
    over
%endmacro
%macro with_user 2+
    case %1, " at CPL 3"
        set_cr4 ALL_CR4
        user
        probe
        %2
    over
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

with_an_exception:                              ; of the x87, which the next waiting instruction reports
    set_cr0 CR0_NE
    mov word [SCRATCH + 0x800], 0x37B           ; ZM is 0
    fldcw [SCRATCH + 0x800]
    fldz
    fld1
    fdiv st0, st1
    ret

main_cases:
    each_kind with_nothing
    each_kind with_osfxsr
    each_kind with_all
    each_kind with_ts
    each_kind with_ts_mp
    each_kind with_em
    each_kind with_em_ts
    each_kind with_x87
    each_kind with_sse
    each_kind with_user
    each_kind with_pending

    call finish
image_end:
