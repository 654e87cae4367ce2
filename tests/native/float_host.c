/* Floating point of the processor underneath: directed operands, and what its instructions make of them.
   The records and the numbers of the operations are those of x86/_float_batch.pyx; tests/test_float.py compiles this. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

typedef uint64_t u64;
typedef struct { u64 a[2], b[2], c[2]; uint32_t control, operation; } Case;
typedef struct { u64 value[2]; uint32_t flags, second; } Outcome;

/* ---- operands ---------------------------------------------------------------------------------------------------- */

static u64 state;

static u64 next(void)
{
    state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
    return state * 0x2545F4914F6CDD1Dull >> 1;
}

static int64_t within(int64_t low, int64_t high) { return low + (int64_t)(next() % (u64)(high - low + 1)); }

static u64 digits(int count)
{
    u64 bit = 1ull << next() % count, all = ~0ull >> (64 - count);
    switch (next() % 8) {
    case 0: return 0;
    case 1: return all;
    case 2: return bit;
    case 3: return all ^ bit;
    case 4: return all & -bit;
    case 5: return bit - 1;
    default: return (next() << 1 ^ next()) & all;
    }
}

typedef struct { int exponent, fraction; } Format;           /* bits of each */
static const Format F16 = {5, 10}, F32 = {8, 23}, F64 = {11, 52}, F80 = {15, 63};
typedef struct { int sign, exponent; u64 digits; } Number;

static int top(Format f) { return (1 << f.exponent) - 1; }

static int clamp(int exponent, Format f) { return exponent < 0 ? 0 : exponent > top(f) ? top(f) : exponent; }

static Number number(Format f)
{
    int bias = top(f) / 2;
    Number n = {next() & 1, 0, digits(f.fraction)};
    switch (next() % 10) {
    case 0: n.exponent = 0; break;
    case 1: n.exponent = top(f); break;
    case 2: n.exponent = within(1, 3); break;
    case 3: n.exponent = top(f) - within(1, 3); break;
    case 4: case 5: n.exponent = bias + within(-f.fraction - 4, f.fraction + 4); break;
    case 6: n.exponent = bias + within(-2, 67); break;
    default: n.exponent = within(1, top(f) - 1);
    }
    n.exponent = clamp(n.exponent, f);
    return n;
}

/* A number that meets `a` where results get difficult */
static Number beside(Number a, Format f)
{
    Number n = number(f);
    int bias = top(f) / 2, border = next() & 1 ? within(-f.fraction - 3, 3) : top(f) + within(-3, 3);
    switch (next() % 8) {
    case 0: n.exponent = clamp(a.exponent + within(-2, 2), f); break;
    case 1: n.exponent = clamp(a.exponent + within(-f.fraction - 4, f.fraction + 4), f); break;
    case 2: case 3: n.exponent = clamp(border - a.exponent + bias, f); break;
    case 4: n.exponent = clamp(a.exponent - border + bias, f); break;
    case 5: n = (Number){next() & 1, clamp(a.exponent + within(-1, 1), f), a.digits ^ (next() & 1)}; break;
    }
    return n;
}

static void store(u64* to, Number n, Format f)
{
    to[1] = 0;
    if (f.fraction < 63) {
        to[0] = (u64)n.sign << (f.exponent + f.fraction) | (u64)n.exponent << f.fraction | n.digits;
        return;
    }
    int whole = n.exponent != 0;                            /* the integer bit, at times a wrong one */
    if (next() % 32 == 0) whole ^= 1;
    to[0] = (u64)whole << 63 | n.digits, to[1] = n.sign << 15 | n.exponent;
}

static Format format_of(uint32_t operation)
{
    if (operation <= F32_ROUND || operation == F32_TO_F16 || operation == F32_TO_F64 || operation == F32_TO_I32 ||
        operation == F32_TO_I64 || operation == F32_TO_F80) return F32;
    if (operation <= F64_ROUND || operation == F64_TO_F32 || operation == F64_TO_I32 || operation == F64_TO_I64 ||
        operation == F64_TO_F80) return F64;
    return operation == F16_TO_F32 ? F16 : F80;
}

static uint32_t control_of(uint32_t operation, int masked)
{
    uint32_t masks = masked || next() % 2 ? 0x3F : next() & 0x3F, way = next() % 4, control;
    if (operation < F80_ADD) {
        control = masks << 7 | way << 13;
        if (next() % 3 == 0) control |= next() & 0x8040;
    } else {
        control = masks | (next() & 1 ? 0 : way) << 10 | (next() & 1 ? 3 : next() & 3) << 8;
    }
    return control | (next() & 7) << 16;
}

void directed(uint32_t operation, u64 seed, int count, int masked, Case* to)
{
    Format f = format_of(operation);
    state = seed * 0x9E3779B97F4A7C15ull + operation + 1;
    for (Case* at = to; at < to + count; at++) {
        Number a = number(f), b = beside(a, f), c = beside(a, f);
        if (next() & 1) c.exponent = clamp(a.exponent + b.exponent - top(f) / 2 + within(-2 * f.fraction, 2 * f.fraction), f);
        *at = (Case){.operation = operation, .control = control_of(operation, masked)};
        if (operation == F80_SCALE && next() & 1) {
            u64 count = next() & 1 ? digits(16) : next() % 0x8000 << 1 | 1;
            int shift = count ? __builtin_clzll(count) : 0;
            b = (Number){next() & 1, count ? 16383 + 62 - shift : 0, count << shift & ~0ull >> 1};
        }
        store(at->a, a, f), store(at->b, b, f), store(at->c, c, f);
        if (operation >= I32_TO_F32 && operation <= I64_TO_F64) at->a[0] = digits(64) ^ -(next() & 1);
        if (operation == I64_TO_F80) at->a[0] = digits(64) ^ -(next() & 1);
        if (operation == BCD_TO_F80) {
            at->a[0] = 0, at->a[1] = (next() & 1) << 15 | next() % 10 << 4 | next() % 10;
            for (int i = 0; i < 16; i++) at->a[0] |= (next() % 8 ? next() % 10 : 9) << 4 * i;
        }
    }
}

/* ---- the host's answers: MXCSR from the handler of SIGFPE where an exception is unmasked ------------------------- */

#ifdef __x86_64__
static volatile uint32_t trapped;
enum { TRAPPED = 0x100 };

static void on_exception(int signal, siginfo_t* info, void* context)
{
    ucontext_t* at = context;
    trapped = (at->uc_mcontext.fpregs->mxcsr & 0x3F) | TRAPPED;
    at->uc_mcontext.fpregs->mxcsr = 0x1F80;
    at->uc_mcontext.gregs[REG_RIP] = at->uc_mcontext.gregs[REG_R11];
}

#define SSE(text)                                                                                                     \
    __asm__ volatile("movdqu %[a], %%xmm0; movdqu %[b], %%xmm1; movdqu %[c], %%xmm2; lea 1f(%%rip), %%r11;"            \
                     "mov %[a], %%rax; ldmxcsr %[control];" text "; 1: stmxcsr %[after]; ldmxcsr %[plain];"            \
                     "movq %%xmm0, %[vector]; mov %%rax, %[general]"                                                   \
                     : [after] "=m"(after), [vector] "=m"(vector), [general] "=m"(general)                             \
                     : [a] "m"(at->a), [b] "m"(at->b), [c] "m"(at->c), [control] "m"(control), [plain] "m"(plain)      \
                     : "rax", "r11", "xmm0", "xmm1", "xmm2", "cc", "memory")
#define BOTH(name, text32, text64, kind)                                                                              \
    case F32_##name: SSE(text32); result = (uint32_t)kind; break;                                                      \
    case F64_##name: SSE(text64); result = kind; break;
#define FOUR(text0, text1, text2, text3)                                                                              \
    do { if (way == 0) SSE(text0); else if (way == 1) SSE(text1); else if (way == 2) SSE(text2); else SSE(text3); } while (0)
#define FUSE(s)                                                                                                       \
    do { if (at->control >> 18 & 1) FOUR("vfmadd132" s " %%xmm1, %%xmm2, %%xmm0", "vfnmadd132" s " %%xmm1, %%xmm2, %%xmm0", \
                                         "vfmsub132" s " %%xmm1, %%xmm2, %%xmm0", "vfnmsub132" s " %%xmm1, %%xmm2, %%xmm0");\
         else FOUR(FUSE231("vfmadd", s), FUSE231("vfnmadd", s), FUSE231("vfmsub", s), FUSE231("vfnmsub", s)); } while (0)
#define FUSE231(name, s) name "231" s " %%xmm1, %%xmm0, %%xmm2; movaps %%xmm2, %%xmm0"
#define COMPARE(s)                                                                                                    \
    do { if (way & 1) SSE("comis" s " %%xmm1, %%xmm0; lahf; movzbl %%ah, %%eax");                                      \
         else SSE("ucomis" s " %%xmm1, %%xmm0; lahf; movzbl %%ah, %%eax");                                             \
         result = general & 4 ? 8 : general & 1 ? 1 : general & 0x40 ? 2 : 4; } while (0)
#define ROUND(s)                                                                                                      \
    do { if (at->control >> 18 & 1) FOUR(s "$8, %%xmm0, %%xmm0", s "$9, %%xmm0, %%xmm0", s "$10, %%xmm0, %%xmm0",      \
                                         s "$11, %%xmm0, %%xmm0");                                                     \
         else FOUR(s "$0, %%xmm0, %%xmm0", s "$1, %%xmm0, %%xmm0", s "$2, %%xmm0, %%xmm0", s "$3, %%xmm0, %%xmm0"); } while (0)
#define TO_INTEGER(s, register)                                                                                       \
    do { if (way & 1) SSE("cvtt" s "si %%xmm0, %%" register); else SSE("cvt" s "si %%xmm0, %%" register); } while (0)
#define HALF(n) "vcvtps2ph $" n ", %%xmm0, %%xmm0"

static void sse(const Case* at, Outcome* to)
{
    uint32_t control = at->control & 0xFFC0, plain = 0x1F80, after;
    u64 vector, general, result = 0;
    int way = at->control >> 16 & 3;
    trapped = 0;
    switch (at->operation) {
    BOTH(ADD, "addss %%xmm1, %%xmm0", "addsd %%xmm1, %%xmm0", vector)
    BOTH(SUB, "subss %%xmm1, %%xmm0", "subsd %%xmm1, %%xmm0", vector)
    BOTH(MUL, "mulss %%xmm1, %%xmm0", "mulsd %%xmm1, %%xmm0", vector)
    BOTH(DIV, "divss %%xmm1, %%xmm0", "divsd %%xmm1, %%xmm0", vector)
    BOTH(SQRT, "sqrtss %%xmm0, %%xmm0", "sqrtsd %%xmm0, %%xmm0", vector)
    BOTH(MIN, "minss %%xmm1, %%xmm0", "minsd %%xmm1, %%xmm0", vector)
    BOTH(MAX, "maxss %%xmm1, %%xmm0", "maxsd %%xmm1, %%xmm0", vector)
    case F32_FUSE: FUSE("ss"); result = (uint32_t)vector; break;
    case F64_FUSE: FUSE("sd"); result = vector; break;
    case F32_COMPARE: COMPARE("s"); break;
    case F64_COMPARE: COMPARE("d"); break;
    case F32_ROUND: ROUND("roundss "); result = (uint32_t)vector; break;
    case F64_ROUND: ROUND("roundsd "); result = vector; break;
    case F16_TO_F32: SSE("vcvtph2ps %%xmm0, %%xmm0"); result = (uint32_t)vector; break;
    case F32_TO_F16: FOUR(HALF("0"), HALF("1"), HALF("2"), HALF("3")); result = (uint16_t)vector; break;
    case F32_TO_F64: SSE("cvtss2sd %%xmm0, %%xmm0"); result = vector; break;
    case F64_TO_F32: SSE("cvtsd2ss %%xmm0, %%xmm0"); result = (uint32_t)vector; break;
    case F32_TO_I32: TO_INTEGER("ss2", "eax"); result = (uint32_t)general; break;
    case F32_TO_I64: TO_INTEGER("ss2", "rax"); result = general; break;
    case F64_TO_I32: TO_INTEGER("sd2", "eax"); result = (uint32_t)general; break;
    case F64_TO_I64: TO_INTEGER("sd2", "rax"); result = general; break;
    case I32_TO_F32: SSE("cvtsi2ss %%eax, %%xmm0"); result = (uint32_t)vector; break;
    case I64_TO_F32: SSE("cvtsi2ss %%rax, %%xmm0"); result = (uint32_t)vector; break;
    case I32_TO_F64: SSE("cvtsi2sd %%eax, %%xmm0"); result = vector; break;
    case I64_TO_F64: SSE("cvtsi2sd %%rax, %%xmm0"); result = vector; break;
    }
    to->flags = (trapped ? trapped : after) & 0x3F;
    to->value[0] = trapped ? ~0ull : result;
    to->value[1] = trapped ? ~0ull : 0;
}

/* FXAM of the empty register sets C3 and C0, for what leaves them alone */
#define X87(text)                                                                                                     \
    __asm__ volatile("fninit; fxam; fldt %[b]; fldt %[a]; fldcw %[control];" text "; fnstsw %[after]; fnclex;"         \
                     "fldcw %[plain]; fstpt %[first]; fstpt %[second]"                                                 \
                     : [after] "=m"(after), [first] "=m"(first), [second] "=m"(second), [memory] "+m"(memory)          \
                     : [a] "m"(at->a), [b] "m"(at->b), [control] "m"(control), [plain] "m"(plain)                      \
                     : "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)", "memory")
#define STORE(text, bits) do { X87(text); size = bits; } while (0)

static void x87(const Case* at, Outcome* to)
{
    uint16_t control = at->control & 0xF3F, plain = 0x37F, after;
    u64 first[2] = {0}, second[2] = {0}, memory[2] = {~0ull, ~0ull};
    int way = at->control >> 16 & 1, size = 0;
    uint32_t pending, condition = 0x200;
    switch (at->operation) {
    case F80_ADD: X87("fadd %%st(1), %%st"); break;
    case F80_SUB: X87("fsub %%st(1), %%st"); break;
    case F80_MUL: X87("fmul %%st(1), %%st"); break;
    case F80_DIV: X87("fdiv %%st(1), %%st"); break;
    case F80_SQRT: X87("fsqrt"); break;
    case F80_COMPARE: if (way) X87("fcom %%st(1)"); else X87("fucom %%st(1)"); break;
    case F80_RNDINT: X87("frndint"); break;
    case F80_SCALE: X87("fscale"); break;
    case F80_EXTRACT: X87("fxtract"); break;
    case F80_REMAINDER: if (way) X87("fprem1"); else X87("fprem"); condition = 0x4700; break;
    case F80_CLASS: X87("fxam"); condition = 0; break;
    case F32_TO_F80: X87("flds %[a]"); break;
    case F64_TO_F80: X87("fldl %[a]"); break;
    case I64_TO_F80: X87("fildll %[a]"); break;
    case BCD_TO_F80: X87("fbld %[a]"); break;
    case F80_TO_F32: STORE("fsts %[memory]", 32); break;
    case F80_TO_F64: STORE("fstl %[memory]", 64); break;
    case F80_TO_I16: if (way) STORE("fisttps %[memory]", 16); else STORE("fists %[memory]", 16); break;
    case F80_TO_I32: if (way) STORE("fisttpl %[memory]", 32); else STORE("fistl %[memory]", 32); break;
    case F80_TO_I64: if (way) STORE("fisttpll %[memory]", 64); else STORE("fistpll %[memory]", 64); break;
    case F80_TO_BCD: STORE("fbstp %[memory]", 80); break;
    }
    pending = after & ~control & 0x3F;
    to->value[0] = first[0], to->value[1] = first[1] & 0xFFFF;
    if (at->operation == F80_COMPARE || at->operation == F80_CLASS) {
        int c = (after >> 8 & 1) | (after >> 9 & 2) | (after >> 12 & 4);
        to->value[0] = at->operation == F80_CLASS ? (u64)c : c == 7 ? 8 : c == 1 ? 1 : c == 4 ? 2 : 4;
        to->value[1] = ~0ull;
    }
    if (size) {
        memcpy(to->value, memory, 16);
        if (!(pending & (1 | 8 | 16))) {                     /* else it must be as it was */
            if (size < 64) to->value[0] &= (1ull << size) - 1;
            to->value[1] &= size == 80 ? 0xFFFF : 0;
        }
    } else if (pending & 7 && at->operation != F80_COMPARE) {
        to->value[0] = to->value[1] = ~0ull;
    } else if (at->operation == F80_EXTRACT) {
        to->value[0] = second[0], to->value[1] = second[1] & 0xFFFF;
        to->second = first[0] >> 32 ^ first[0] ^ (first[1] & 0xFFFF) << 16;
    }
    to->flags = after & (0x3F | condition);
}

void ask(int count, const Case* cases, Outcome* to)
{
    struct sigaction ours = {.sa_sigaction = on_exception, .sa_flags = SA_SIGINFO}, before;
    sigaction(SIGFPE, &ours, &before);
    for (int i = 0; i < count; i++) {
        to[i] = (Outcome){{0, 0}, 0, 0};
        if (cases[i].operation < F80_ADD) sse(&cases[i], &to[i]); else x87(&cases[i], &to[i]);
    }
    sigaction(SIGFPE, &before, 0);
}
#endif
