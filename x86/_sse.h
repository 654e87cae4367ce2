/* The guest's SSE arithmetic by the same instructions of the host, on 128 bits at a time.
 *
 * To be used while Cpu.host_float is 1: the host's MXCSR has the guest's rounding, DAZ and FTZ then, and its flags gather.
 * All are inline assembler, because a compiler would change the order of the operands, and with it the NaN that results.
 * What came after SSE2 may be used where host_has() says so. `operation`, `format` (32 or 64) and `scalar` are constants.
 *
 * A scalar one reads and writes the low 64 bits: a store of 32 would hold up the load of 64 that follows it.
 */
#ifndef X86_SSE_H
#define X86_SSE_H

#include <stdint.h>
#include "_host.h"

enum {
    F_ADD, F_SUB, F_MUL, F_DIV, F_MIN, F_MAX, F_SQRT,       /* SSE2 */
    F_ADDSUB, F_HADD, F_HSUB,                                               /* SSE3 */
    F_ROUND, F_DOT,                                                             /* SSE4.1 */
    F_COMPARE, F_COMIS, F_UCOMIS,
    F_CONVERT, F_TRUNCATE,
    F_FMADD, F_FMSUB, F_FNMADD, F_FNMSUB, F_FMADDSUB, F_FMSUBADD
};

/* What a vector is made of: the width, and for integers 1 */
enum { FLOAT16 = 16, FLOAT32 = 32, FLOAT64 = 64, INT32 = 33, INT64 = 65 };

#define SSE_INLINE static inline __attribute__((always_inline))

#if X86_HOST_SSE
#include <cpuid.h>
#include <emmintrin.h>

static unsigned host_features;                          /* CPUID leaf 1, ECX; without AVX and its kin where nobody switched it on */

__attribute__((constructor)) static void find_host_features(void)
{
    unsigned eax, ebx, ecx = 0, edx, xcr0 = 0;
    __get_cpuid(1, &eax, &ebx, &ecx, &edx);
    if (ecx >> 27 & 1) __asm__("xgetbv" : "=a"(xcr0), "=d"(edx) : "c"(0));
    host_features = (xcr0 & 6) == 6 ? ecx : ecx & ~(1u << 12 | 1u << 28 | 1u << 29);
}

#define HOST_HAS_SSE3 (host_features & 1)
#define HOST_HAS_FMA (host_features >> 12 & 1)
#define HOST_HAS_SSE41 (host_features >> 19 & 1)
#define HOST_HAS_AVX (host_features >> 28 & 1)
#define HOST_HAS_F16C (host_features >> 29 & 1)

SSE_INLINE __m128 sse_load(const void *from) { return _mm_loadu_ps((const float *)from); }
SSE_INLINE __m128 sse_load_64(const void *from) { return _mm_castsi128_ps(_mm_loadl_epi64((const __m128i *)from)); }
SSE_INLINE __m128 sse_load_32(const void *from) { return _mm_load_ss((const float *)from); }
SSE_INLINE void sse_store(void *to, __m128 value) { _mm_storeu_ps((float *)to, value); }
SSE_INLINE void sse_store_64(void *to, __m128 value) { _mm_storel_epi64((__m128i *)to, _mm_castps_si128(value)); }
SSE_INLINE __m128 sse_load_element(const void *from, int width) { return width == 32 ? sse_load_32(from) : sse_load_64(from); }

/* x = x op y, and x = op y */
#define SSE_STEP(name, x, y) __asm__ volatile(name " %1, %0" : "+x"(x) : "x"(y))
#define SSE_UNARY(name, x, y) __asm__ volatile(name " %1, %0" : "=x"(x) : "x"(y))
#define SSE_PACKED(name, format, x, y)                                                                              \
    do { if ((format) == 32) SSE_STEP(name "ps", x, y); else SSE_STEP(name "pd", x, y); } while (0)
#define SSE_SCALAR(name, format, x, y)                                                                              \
    do { if ((format) == 32) SSE_STEP(name "ss", x, y); else SSE_STEP(name "sd", x, y); } while (0)
#define SSE_EITHER(name, format, scalar, x, y)                                                                      \
    do { if (scalar) SSE_SCALAR(name, format, x, y); else SSE_PACKED(name, format, x, y); } while (0)

SSE_INLINE __m128 sse_step(int operation, int format, int scalar, __m128 x, __m128 y)
{
    switch (operation) {
    case F_ADD: SSE_EITHER("add", format, scalar, x, y); break;
    case F_SUB: SSE_EITHER("sub", format, scalar, x, y); break;
    case F_MUL: SSE_EITHER("mul", format, scalar, x, y); break;
    case F_DIV: SSE_EITHER("div", format, scalar, x, y); break;
    case F_MIN: SSE_EITHER("min", format, scalar, x, y); break;
    case F_MAX: SSE_EITHER("max", format, scalar, x, y); break;
    case F_SQRT: SSE_EITHER("sqrt", format, scalar, x, y); break;
    case F_ADDSUB: SSE_PACKED("addsub", format, x, y); break;
    case F_HADD: SSE_PACKED("hadd", format, x, y); break;
    case F_HSUB: SSE_PACKED("hsub", format, x, y); break;
    }
    return x;
}

SSE_INLINE int host_has(int operation)
{
    if (operation >= F_FMADD) return HOST_HAS_FMA;
    if (operation == F_ROUND) return HOST_HAS_SSE41;
    if (operation >= F_ADDSUB && operation <= F_HSUB) return HOST_HAS_SSE3;
    return 1;
}

SSE_INLINE void sse_packed(int operation, int format, void *to, const void *a, const void *b)
{
    __m128 y = sse_load(b);
    sse_store(to, sse_step(operation, format, 0, operation == F_SQRT ? y : sse_load(a), y));
}

SSE_INLINE void sse_scalar(int operation, int format, void *to, const void *a, const void *b)
{
    sse_store_64(to, sse_step(operation, format, 1, sse_load_64(a), sse_load_element(b, format)));
}

/* DPPS, DPPD: products where `control` has a bit in 7..4, their sum where it has one in 3..0, zeros elsewhere */
SSE_INLINE __m128 sse_mask(int format, unsigned bits)
{
    __m128i lanes = format == 32 ? _mm_setr_epi32(1, 2, 4, 8) : _mm_setr_epi32(1, 1, 2, 2);
    return _mm_castsi128_ps(_mm_cmpeq_epi32(_mm_and_si128(_mm_set1_epi32((int)bits), lanes), lanes));
}

SSE_INLINE void sse_dot(int format, unsigned control, void *to, const void *a, const void *b)
{
    __m128 factors = sse_mask(format, control >> 4), x = _mm_and_ps(sse_load(a), factors), y = _mm_and_ps(sse_load(b), factors);
    SSE_PACKED("mul", format, x, y);
    x = _mm_and_ps(x, factors);                                         /* and not -0 */
    if (format == 32) {
        y = _mm_shuffle_ps(x, x, _MM_SHUFFLE(2, 3, 0, 1));
        SSE_STEP("addps", y, x);                                        /* of two NaNs the neighbour's */
        x = _mm_shuffle_ps(y, y, _MM_SHUFFLE(1, 0, 3, 2));
        SSE_STEP("addps", y, x);
        x = y;
    } else {
        y = _mm_shuffle_ps(x, x, _MM_SHUFFLE(1, 0, 3, 2));
        SSE_STEP("addpd", x, y);
    }
    sse_store(to, _mm_and_ps(x, sse_mask(format, control)));
}

/* ---- comparisons ---- */

#define SSE_PREDICATE(number, name) case number: SSE_EITHER("cmp" name, format, scalar, x, y); break;

/* The eight predicates of SSE: all ones or all zeros */
SSE_INLINE void sse_compare(int format, int scalar, int predicate, void *to, const void *a, const void *b)
{
    __m128 x = scalar ? sse_load_64(a) : sse_load(a), y = scalar ? sse_load_element(b, format) : sse_load(b);
    switch (predicate & 7) {
    SSE_PREDICATE(0, "eq") SSE_PREDICATE(1, "lt") SSE_PREDICATE(2, "le") SSE_PREDICATE(3, "unord")
    SSE_PREDICATE(4, "neq") SSE_PREDICATE(5, "nlt") SSE_PREDICATE(6, "nle") SSE_PREDICATE(7, "ord")
    }
    if (scalar) sse_store_64(to, x); else sse_store(to, x);
}

/* ... and the 32 of AVX */
#define SSE_VEX_PREDICATE(number)                                                                                   \
    case number:                                                                                                    \
        if (scalar && format == 32) __asm__ volatile("vcmpss $" #number ", %1, %0, %0" : "+x"(x) : "x"(y));         \
        else if (scalar) __asm__ volatile("vcmpsd $" #number ", %1, %0, %0" : "+x"(x) : "x"(y));                    \
        else if (format == 32) __asm__ volatile("vcmpps $" #number ", %1, %0, %0" : "+x"(x) : "x"(y));              \
        else __asm__ volatile("vcmppd $" #number ", %1, %0, %0" : "+x"(x) : "x"(y));                                \
        break;
#define SSE_FOUR_PREDICATES(a, b, c, d)                                                                             \
    SSE_VEX_PREDICATE(a) SSE_VEX_PREDICATE(b) SSE_VEX_PREDICATE(c) SSE_VEX_PREDICATE(d)

SSE_INLINE void sse_compare_vex(int format, int scalar, int predicate, void *to, const void *a, const void *b)
{
    __m128 x = scalar ? sse_load_64(a) : sse_load(a), y = scalar ? sse_load_element(b, format) : sse_load(b);
    switch (predicate & 31) {
    SSE_FOUR_PREDICATES(0, 1, 2, 3) SSE_FOUR_PREDICATES(4, 5, 6, 7)
    SSE_FOUR_PREDICATES(8, 9, 10, 11) SSE_FOUR_PREDICATES(12, 13, 14, 15)
    SSE_FOUR_PREDICATES(16, 17, 18, 19) SSE_FOUR_PREDICATES(20, 21, 22, 23)
    SSE_FOUR_PREDICATES(24, 25, 26, 27) SSE_FOUR_PREDICATES(28, 29, 30, 31)
    }
    if (scalar) sse_store_64(to, x); else sse_store(to, x);
}

/* COMIS, UCOMIS, in the terms of _flags.pxd. Greater: no flag. Less: CF. Equal: ZF. Unordered: CF, ZF and PF */
SSE_INLINE void sse_order(int operation, int format, const void *a, const void *b, int64_t *result, uint64_t *carries)
{
    __m128 x = sse_load_element(a, format), y = sse_load_element(b, format);
    unsigned char nonzero, carry;
#define SSE_ORDER(name) __asm__ volatile(name " %3, %2" : "=@ccnz"(nonzero), "=@ccc"(carry) : "x"(x), "x"(y))
    if (operation == F_COMIS) { if (format == 32) SSE_ORDER("comiss"); else SSE_ORDER("comisd"); }
    else { if (format == 32) SSE_ORDER("ucomiss"); else SSE_ORDER("ucomisd"); }
#undef SSE_ORDER
    *result = nonzero;
    *carries = carry * 3u | ((nonzero | carry) ^ 1u) << 8;             /* a result of 0 has PF, unless it is flipped */
}

/* ---- conversions ---- */

/* 128 bits of the wider of the two formats */
SSE_INLINE void sse_convert(int operation, int from, int into, void *to, const void *b)
{
    __m128 x, y = (from & ~1) < (into & ~1) ? sse_load_64(b) : sse_load(b);
    if (from == INT32 && into == FLOAT32) SSE_UNARY("cvtdq2ps", x, y);
    else if (from == INT32) SSE_UNARY("cvtdq2pd", x, y);
    else if (from == FLOAT32 && into == FLOAT64) SSE_UNARY("cvtps2pd", x, y);
    else if (from == FLOAT64 && into == FLOAT32) SSE_UNARY("cvtpd2ps", x, y);
    else if (from == FLOAT32 && operation == F_TRUNCATE) SSE_UNARY("cvttps2dq", x, y);
    else if (from == FLOAT32) SSE_UNARY("cvtps2dq", x, y);
    else if (operation == F_TRUNCATE) SSE_UNARY("cvttpd2dq", x, y);
    else SSE_UNARY("cvtpd2dq", x, y);
    if ((from & ~1) > (into & ~1)) sse_store_64(to, x); else sse_store(to, x);
}

/* CVTPI2PS, CVTPS2PI, CVTTPS2PI: two elements, in 64 bits on both sides */
SSE_INLINE void sse_convert_pair(int operation, int into, void *to, const void *b)
{
    __m128 x, y = sse_load_64(b);
    if (into == FLOAT32) SSE_UNARY("cvtdq2ps", x, y);
    else if (operation == F_TRUNCATE) SSE_UNARY("cvttps2dq", x, y);
    else SSE_UNARY("cvtps2dq", x, y);
    sse_store_64(to, x);
}

/* CVTSS2SD, CVTSD2SS */
SSE_INLINE void sse_convert_scalar(int from, void *to, const void *a, const void *b)
{
    __m128 x = sse_load_64(a), y = sse_load_element(b, from);
    if (from == FLOAT32) SSE_STEP("cvtss2sd", x, y); else SSE_STEP("cvtsd2ss", x, y);
    sse_store_64(to, x);
}

SSE_INLINE void sse_from_integer(int format, int size, void *to, const void *a, unsigned long long value)
{
    __m128 x = format == 32 ? sse_load_64(a) : _mm_setzero_ps();        /* 64 bits are replaced as a whole */
    if (format == 32 && size == 32) __asm__ volatile("cvtsi2ssl %1, %0" : "+x"(x) : "r"((unsigned)value));
    else if (format == 32) __asm__ volatile("cvtsi2ssq %1, %0" : "+x"(x) : "r"(value));
    else if (size == 32) __asm__ volatile("cvtsi2sdl %1, %0" : "+x"(x) : "r"((unsigned)value));
    else __asm__ volatile("cvtsi2sdq %1, %0" : "+x"(x) : "r"(value));
    sse_store_64(to, x);
}

#define SSE_TO_INTEGER(name)                                                                                        \
    do {                                                                                                            \
        if (size == 32) { unsigned low; __asm__ volatile(name " %1, %0" : "=r"(low) : "x"(y)); value = low; }       \
        else __asm__ volatile(name " %1, %0" : "=r"(value) : "x"(y));                                               \
    } while (0)

SSE_INLINE unsigned long long sse_to_integer(int operation, int format, int size, const void *b)
{
    __m128 y = sse_load_element(b, format);
    unsigned long long value;
    if (format == 32) { if (operation == F_TRUNCATE) SSE_TO_INTEGER("cvttss2si"); else SSE_TO_INTEGER("cvtss2si"); }
    else { if (operation == F_TRUNCATE) SSE_TO_INTEGER("cvttsd2si"); else SSE_TO_INTEGER("cvtsd2si"); }
    return value;
}

/* ROUNDPS and its kin. The control: bits 1..0 the rounding, 2: that of MXCSR, 3: no precision exception */
#define SSE_ROUND_CASE(control)                                                                                     \
    case control:                                                                                                   \
        if (scalar) {                                                                                               \
            if (format == 32) __asm__ volatile("roundss $" #control ", %1, %0" : "+x"(x) : "x"(y));                 \
            else __asm__ volatile("roundsd $" #control ", %1, %0" : "+x"(x) : "x"(y));                              \
        } else if (format == 32) __asm__ volatile("roundps $" #control ", %1, %0" : "=x"(x) : "x"(y));              \
        else __asm__ volatile("roundpd $" #control ", %1, %0" : "=x"(x) : "x"(y));                                  \
        break;

SSE_INLINE void sse_round(int format, int scalar, int control, void *to, const void *a, const void *b)
{
    __m128 x = scalar ? sse_load_64(a) : _mm_setzero_ps(), y = scalar ? sse_load_element(b, format) : sse_load(b);
    switch (control & 4 ? control & 12 : control & 11) {
    SSE_ROUND_CASE(0) SSE_ROUND_CASE(1) SSE_ROUND_CASE(2) SSE_ROUND_CASE(3) SSE_ROUND_CASE(4)
    SSE_ROUND_CASE(8) SSE_ROUND_CASE(9) SSE_ROUND_CASE(10) SSE_ROUND_CASE(11) SSE_ROUND_CASE(12)
    }
    if (scalar) sse_store_64(to, x); else sse_store(to, x);
}

/* VCVTPH2PS, VCVTPS2PH: four elements */
SSE_INLINE void sse_from_half(void *to, const void *b)
{
    __m128 x, y = sse_load_64(b);
    SSE_UNARY("vcvtph2ps", x, y);
    sse_store(to, x);
}

#define SSE_HALF_CASE(control)                                                                                      \
    case control: __asm__ volatile("vcvtps2ph $" #control ", %1, %0" : "=x"(x) : "x"(y)); break;

SSE_INLINE void sse_to_half(int control, void *to, const void *b)
{
    __m128 x = _mm_setzero_ps(), y = sse_load(b);
    switch (control & 4 ? 4 : control & 3) {
    SSE_HALF_CASE(0) SSE_HALF_CASE(1) SSE_HALF_CASE(2) SSE_HALF_CASE(3) SSE_HALF_CASE(4)
    }
    sse_store_64(to, x);
}

/* ---- fused multiply-add: x is the destination, y VEX.vvvv, z the last operand; `order` 132, 213 or 231 says what is what */

#define SSE_FMA(name) __asm__ volatile(name " %2, %1, %0" : "+x"(x) : "x"(y), "x"(z))
#define SSE_FMA_ORDER(name, suffix)                                                                                 \
    do {                                                                                                            \
        if (order == 132) SSE_FMA("v" name "132" suffix);                                                           \
        else if (order == 213) SSE_FMA("v" name "213" suffix);                                                      \
        else SSE_FMA("v" name "231" suffix);                                                                        \
    } while (0)
#define SSE_FMA_PACKED(name)                                                                                        \
    do { if (format == 32) SSE_FMA_ORDER(name, "ps"); else SSE_FMA_ORDER(name, "pd"); } while (0)
#define SSE_FMA_EITHER(name)                                                                                        \
    do {                                                                                                            \
        if (!scalar) SSE_FMA_PACKED(name);                                                                          \
        else if (format == 32) SSE_FMA_ORDER(name, "ss");                                                           \
        else SSE_FMA_ORDER(name, "sd");                                                                             \
    } while (0)

SSE_INLINE void sse_fma(int operation, int order, int format, int scalar, void *to, const void *b, const void *c)
{
    __m128 x = scalar ? sse_load_64(to) : sse_load(to);
    __m128 y = scalar ? sse_load_64(b) : sse_load(b);
    __m128 z = scalar ? sse_load_element(c, format) : sse_load(c);
    switch (operation) {
    case F_FMADD: SSE_FMA_EITHER("fmadd"); break;
    case F_FMSUB: SSE_FMA_EITHER("fmsub"); break;
    case F_FNMADD: SSE_FMA_EITHER("fnmadd"); break;
    case F_FNMSUB: SSE_FMA_EITHER("fnmsub"); break;
    case F_FMADDSUB: SSE_FMA_PACKED("fmaddsub"); break;
    case F_FMSUBADD: SSE_FMA_PACKED("fmsubadd"); break;
    }
    if (scalar) sse_store_64(to, x); else sse_store(to, x);
}

#else                                                           /* never reached: host_float is 0 */

#define HOST_HAS_AVX 0
#define HOST_HAS_F16C 0
#define host_has(operation) 0
#define sse_packed(...) ((void)0)
#define sse_scalar(...) ((void)0)
#define sse_dot(...) ((void)0)
#define sse_compare(...) ((void)0)
#define sse_compare_vex(...) ((void)0)
#define sse_order(...) ((void)0)
#define sse_convert(...) ((void)0)
#define sse_convert_pair(...) ((void)0)
#define sse_convert_scalar(...) ((void)0)
#define sse_from_integer(...) ((void)0)
#define sse_to_integer(...) 0ull
#define sse_round(...) ((void)0)
#define sse_from_half(...) ((void)0)
#define sse_to_half(...) ((void)0)
#define sse_fma(...) ((void)0)

#endif
#endif
