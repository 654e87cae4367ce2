/* Unmasked floating-point exceptions: a handler that says what it sees and repairs it, for #XM in the instruction, for #MF
   in the next one that waits. */
#include "guest.h"

typedef union { double d[4]; float f[8]; u64 q[4]; u32 i[8]; } value;

enum { ALL_MASKED = 0x1F80, FCW = 0x37F };

static u64 start, end;                  /* of the instruction that may raise something */
static value operand;                   /* in memory, of the x87 */
static int memory;                      /* whether it has one */
static u64 seen;                        /* the sum of what the handler was told */
static u32 count;

enum { RETRY, SKIP, REPLACE };          /* with all masked; leave it out; and write something of one's own */
static int remedy;

__attribute__((target("general-regs-only"))) static void see(u64 word)
{
    seen = seen * 31 + word;
}

/* It may not touch vector registers, which are the program's */
__attribute__((target("general-regs-only"))) static void handle(unsigned vector, u64 *rip, struct fxsave *state)
{
    count++;
    see(vector);
    if (vector == XM) {
        see(*rip - start);
        see(state->mxcsr);
        if (remedy == RETRY)
            state->mxcsr |= ALL_MASKED;
        else
            *rip = end;
        if (remedy == REPLACE)
            *(u64 *)state->xmm[0] = 0x4000000000000000 + count;
        return;
    }
    see(*rip - end);                    /* #MF comes before the instruction that waits */
    see(state->fsw);
    see(state->ftw);
    see(state->fip - start);
    see(state->fop);
    if (memory)                         /* a store that the exception keeps from memory leaves it 0 */
        see(state->fdp ? state->fdp - (u64)&operand : 1);
    for (int i = 0; i < 10; i++)
        see(state->st[0][i]);
    state->fsw &= ~0x80FF;
    if (remedy == RETRY)
        state->fcw |= 0x3F;
    if (remedy == REPLACE) {            /* ST(0) gets another exponent, if it has a number */
        state->st[0][8] = 0xFF;
        state->st[0][9] = 0x3F;
        state->st[0][7] |= 0x80;
    }
}

static void result(const char *name, u32 status, const value *value)
{
    put(name);
    put_char(' ');
    put_decimal(count);
    put_char(' ');
    put_hex(status, 4);
    put_char(' ');
    put_hex(seen, 16);
    line_sum("", value, sizeof *value);
    count = 0;
    seen = 0;
}

/* ---- SSE */

static value a, b;

#ifdef __AVX__
#define REGISTERS "ymm"
#define MOVE "vmovups"
#define I3(name) name " %%ymm1, %%ymm0, %%ymm0"
#define I3S(name) name " %%xmm1, %%xmm0, %%xmm0"
#define V "v"
#else
#define REGISTERS "xmm"
#define MOVE "movups"
#define I3(name) name " %%xmm1, %%xmm0"
#define I3S I3
#define V ""
#endif

#define SSE(name, instruction) \
    static OUT_OF_LINE u32 do_##name(u32 mxcsr, value *result) \
    { \
        u32 after, masked = ALL_MASKED; \
        __asm__ volatile("movq $1f, %[start]\n\tmovq $2f, %[end]\n\t" \
                         MOVE " %[a], %%" REGISTERS "0\n\t" MOVE " %[b], %%" REGISTERS "1\n\tldmxcsr %[mxcsr]\n" \
                         "1:\t" instruction "\n2:\t" \
                         "stmxcsr %[after]\n\tldmxcsr %[masked]\n\t" MOVE " %%" REGISTERS "0, %[out]" \
                         : [start] "=m"(start), [end] "=m"(end), [after] "=m"(after), [out] "=m"(*result) \
                         : [a] "m"(a), [b] "m"(b), [mxcsr] "m"(mxcsr), [masked] "m"(masked) \
                         : "rax", "xmm0", "xmm1", "memory", "cc"); \
        return after; \
    }

#define EACH(SSE) \
    SSE(addsd, I3S(V "addsd")) SSE(subpd, I3(V "subpd")) SSE(mulsd, I3S(V "mulsd")) SSE(divsd, I3S(V "divsd")) \
    SSE(mulps, I3(V "mulps")) SSE(divps, I3(V "divps")) SSE(divpd, I3(V "divpd")) SSE(sqrtsd, I3S(V "sqrtsd")) \
    SSE(maxsd, I3S(V "maxsd")) SSE(minps, I3(V "minps")) SSE(comisd, V "comisd %%xmm1, %%xmm0") \
    SSE(ucomiss, V "ucomiss %%xmm1, %%xmm0") SSE(cvtsd2ss, I3S(V "cvtsd2ss")) SSE(cvtss2sd, I3S(V "cvtss2sd")) \
    SSE(cvttsd2si, V "cvttsd2si %%xmm0, %%rax\n\t" V "movq %%rax, %%xmm0") \
    SSE(cvtps2dq, V "cvtps2dq %%" REGISTERS "1, %%" REGISTERS "0") \
    SSE(cmpltsd, I3S(V "cmpltsd")) SSE(cmpeqps, I3(V "cmpeqps"))
#ifdef __AVX__
#define EACH_VEX(SSE) \
    SSE(vfmadd231pd, "vfmadd231pd %%ymm1, %%ymm1, %%ymm0") SSE(vfnmsub132ss, "vfnmsub132ss %%xmm1, %%xmm1, %%xmm0") \
    SSE(vroundpd, "vroundpd $4, %%ymm0, %%ymm0") SSE(vcvtps2ph, "vcvtps2ph $4, %%ymm0, %%xmm0")
#else
#define EACH_VEX(SSE)
#endif
EACH(SSE)
EACH_VEX(SSE)

static const struct { const char *name; u32 (*run)(u32, value *); } SSES[] = {
#define NAMED(name, instruction) {#name, do_##name},
    EACH(NAMED) EACH_VEX(NAMED)
};

static const u64 PAIRS[][2] = {                                 /* doubles; as floats they are something too */
    {0x3FF0000000000000, 0}, {0, 0}, {0x7FE0000000000000, 0x7FE8000000000000}, {0x0010000000000000, 0x0018000000000001},
    {0x0000000000000001, 0x3FF0000000000000}, {0x7FF0000000000001, 0x3FF0000000000000},
    {0x7FF8000000000001, 0x4008000000000000}, {0x3FF0000000000000, 0x4008000000000000},
    {0x7FF0000000000000, 0xFFF0000000000000}, {0xBFF0000000000000, 0x3FF8000000000000},
    {0x7F8000017F800001, 0x0000000100000001}, {0x0080000000800000, 0x3F0000003F000001},
    {0x7F7FFFFF00000000, 0x7F7FFFFF80000000}};

static void sse(int which)
{
    for (u32 unmasked = 0; unmasked < 8; unmasked++) {          /* none, one after the other, all */
        u32 bits = unmasked == 0 ? 0 : unmasked == 7 ? 0x1F80 : 0x80u << (unmasked - 1);
        value outs = {.q = {0}};
        u32 flags = 0;
        for (size_t i = 0; i < COUNT(PAIRS); i++)
            for (size_t j = 0; j < 3; j++) {                    /* the pair, the other way round, together with 1s */
                value result = {.q = {0}};
                for (int k = 0; k < 4; k++) {
                    a.q[k] = k > 0 && j == 2 ? 0x3FF0000000000000 : PAIRS[i][j == 1];
                    b.q[k] = k > 0 && j == 2 ? 0x3FF0000000000000 : PAIRS[i][j != 1];
                }
                remedy = (i + j + unmasked) % 3;
                flags = flags * 31 + SSES[which].run(ALL_MASKED & ~bits, &result);
                for (int k = 0; k < 4; k++)
                    outs.q[k] = outs.q[k] * 31 + result.q[k];
            }
        result(SSES[which].name, flags & 0xFFFF, &outs);
    }
}

/* ---- x87: the instruction, then FWAIT; ST(0) is stored if there is one */

#define X87(name, has_memory, before, instruction) \
    static OUT_OF_LINE u32 do_##name(u16 control) \
    { \
        u16 after = 0; \
        memory = has_memory; \
        __asm__ volatile("fninit\n\tmovq $1f, %[start]\n\tmovq $2f, %[end]\n\t" before "\n\tfldcw %[control]\n" \
                         "1:\t" instruction "\n2:\tfwait\n\tfnstsw %[after]\n\tfninit" \
                         : [start] "=m"(start), [end] "=m"(end), [operand] "+m"(operand), [after] "=m"(after) \
                         : [control] "m"(control) : "memory", "cc"); \
        return after; \
    }

#define EACH_X87(X87) \
    X87(fdiv_zero, 0, "fldz\n\tfld1", "fdiv %%st(1), %%st") X87(fdiv_zeros, 0, "fldz\n\tfldz", "fdivp") \
    X87(fdiv_memory, 1, "fldz", "fdivrs %[operand]") X87(fsqrt_minus, 0, "fld1\n\tfchs", "fsqrt") \
    X87(fdiv_inexact, 0, "fldpi\n\tfld1", "fdivp %%st, %%st(1)") X87(faddp_empty, 0, "fld1", "faddp") \
    X87(fld_denormal, 1, "movq $1, %[operand]", "fldl %[operand]") \
    X87(fld_signalling, 1, "movq $0x7f800001, %[operand]", "flds %[operand]") \
    X87(fld_full, 0, "fld1\n\tfld1\n\tfld1\n\tfld1\n\tfld1\n\tfld1\n\tfld1\n\tfld1", "fldpi") \
    X87(fist_large, 1, "fldpi\n\tfmul %%st, %%st\n\tfmul %%st, %%st\n\tfmul %%st, %%st\n\tfmul %%st, %%st", "fistps %[operand]") \
    X87(fist_inexact, 1, "fldpi", "fistpl %[operand]") \
    X87(fbstp_nan, 1, "fldz\n\tfldz\n\tfdivp", "fnclex\n\tfbstp %[operand]") \
    X87(fst_overflow, 1, "fldpi\n\tmovq $0x7f7fffff, %[operand]\n\tflds %[operand]\n\tfmulp", "fsts %[operand]") \
    X87(fst_underflow, 1, "fldpi\n\tmovq $1, %[operand]\n\tfldl %[operand]\n\tfmulp", "fstps %[operand]") \
    X87(fscale_overflow, 0, "movq $20000, %[operand]\n\tfildl %[operand]\n\tfldpi", "fscale") \
    X87(fscale_underflow, 0, "movq $-20000, %[operand]\n\tfildl %[operand]\n\tfldpi", "fscale") \
    X87(fyl2x_zero, 0, "fld1\n\tfldz", "fyl2x") X87(fcom_nan, 0, "fldz\n\tfldz\n\tfdivp\n\tfnclex\n\tfld1", "fcom") \
    X87(fucomi_nan, 0, "fldz\n\tfldz\n\tfdivp\n\tfnclex\n\tfld1", "fucomi") \
    X87(fcomi_nan, 0, "fldz\n\tfldz\n\tfdivp\n\tfnclex\n\tfld1", "fcomi") \
    X87(fxtract_zero, 0, "fldz", "fxtract") \
    X87(fprem_infinity, 0, "fldz\n\tfld1\n\tfdivp\n\tfnclex\n\tfld1\n\tfxch", "fprem")
EACH_X87(X87)

static const struct { const char *name; u32 (*run)(u16); } X87S[] = {
#define NAMED_X87(name, ...) {#name, do_##name},
    EACH_X87(NAMED_X87)
};

static void x87(int which)
{
    for (int unmasked = 0; unmasked < 8; unmasked++) {
        u16 bits = unmasked == 0 ? 0 : unmasked == 7 ? 0x3F : 1 << (unmasked - 1);
        operand = (value){.f = {1.0f}};
        remedy = (unmasked + which) % 2 ? RETRY : REPLACE;
        u32 status = X87S[which].run(FCW & ~bits);
        result(X87S[which].name, status, &operand);
    }
}

void program(void)
{
    on_exception = handle;
    for (size_t i = 0; i < COUNT(SSES); i++)
        sse(i);
    for (size_t i = 0; i < COUNT(X87S); i++)
        x87(i);
}
