/* Conversions between integers and floating point in each rounding mode of MXCSR and of the x87 control word, with the
   exceptions they raise: MXCSR or the status word is part of each line. */
#include "guest.h"
#include <immintrin.h>

typedef union {
    double d[4];
    float f[8];
    i64 q[4];
    i32 i[8];
    u8 byte[32];
    __m128d pd;
    __m128 ps;
    __m128i si;
} value;

static const double DOUBLES[] = {
    0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -1.5, -2.5, 0.49999999999999994, 1e-300, 5e-324, -1e-310, 0.1, -0.3,
    3.9999999999999996, 123456.789, 2147483646.5, 2147483647.0, 2147483647.5, 2147483648.0, -2147483648.0, -2147483648.5,
    -2147483649.0, 4294967295.5, 9007199254740993.0, 9223372036854774784.0, 9223372036854775808.0,
    -9223372036854775808.0, -9223372036854777856.0, 1e19, 1e300, 3.4028234663852886e38, 3.4028235677973366e38, -3.5e38,
    1.1754943508222875e-38, 1.1754942807573643e-38, 1.4e-45, 7e-46, -6e-46, 1.0000000596046448, 1.00000017881393433,
    32767.5, 32768.5, -32768.5, -32769.0, 65504.0, 65520.0, 6.1e-5, 5.96e-8, 2.98e-8};
static const u64 BITS[] = {                                     /* infinities, a quiet NaN, two signalling ones */
    0x7FF0000000000000, 0xFFF0000000000000, 0x7FF8000000000123, 0x7FF4000000000456, 0xFFF0000000000001};
static const i64 INTEGERS[] = {
    0, 1, -1, 3, 100, -12345, 0x7FFFFFFF, -0x80000000ll, 0x80000000, 0xFFFFFFFF, 16777217, 16777219, -16777217, 0x1FFFFFF,
    9007199254740993, 9007199254740995, -9007199254740993, 0x7FFFFFFFFFFFFFFF, -0x7FFFFFFFFFFFFFFF - 1,
    0x7FFFFFFFFFFFFE00, 0x7FFFFFFFFFFFFC00, 0x123456789ABCDEF, 0x4000001000000000, 0x4000003000000001,
    0x7FFFFFBFFFFFFFFF, 0x8000004000000};

enum { NUMBERS = COUNT(DOUBLES) + COUNT(BITS) };

static double numbers[NUMBERS + 4];
static volatile i64 result;

/* ---- SSE: `in` has doubles in d, or the same as floats in f, or integers; 0 is what is not written */

#define CASE(name, expression) \
    static OUT_OF_LINE void do_##name(const value *in, value *out) { (void)in; expression; }
#define EACH_DOUBLE(CASE) \
    CASE(cvtsd2si, out->q[0] = _mm_cvtsd_si64(in->pd)) \
    CASE(cvttsd2si, out->q[0] = _mm_cvttsd_si64(in->pd)) \
    CASE(cvtsd2si_32, out->i[0] = _mm_cvtsd_si32(in->pd)) \
    CASE(cvttsd2si_32, out->i[0] = _mm_cvttsd_si32(in->pd)) \
    CASE(cvtsd2ss, out->ps = _mm_cvtsd_ss(_mm_setzero_ps(), in->pd)) \
    CASE(cvtpd2ps, out->ps = _mm_cvtpd_ps(in->pd)) \
    CASE(cvtpd2dq, out->si = _mm_cvtpd_epi32(in->pd)) \
    CASE(cvttpd2dq, out->si = _mm_cvttpd_epi32(in->pd))
#define EACH_FLOAT(CASE) \
    CASE(cvtss2si, out->q[0] = _mm_cvtss_si64(in->ps)) \
    CASE(cvttss2si, out->q[0] = _mm_cvttss_si64(in->ps)) \
    CASE(cvttss2si_32, out->i[0] = _mm_cvttss_si32(in->ps)) \
    CASE(cvtss2sd, out->pd = _mm_cvtss_sd(_mm_setzero_pd(), in->ps)) \
    CASE(cvtps2pd, out->pd = _mm_cvtps_pd(in->ps)) \
    CASE(cvtps2dq, out->si = _mm_cvtps_epi32(in->ps)) \
    CASE(cvttps2dq, out->si = _mm_cvttps_epi32(in->ps))
#define EACH_INTEGER(CASE) \
    CASE(cvtsi2sd, out->pd = _mm_cvtsi64_sd(_mm_setzero_pd(), in->q[0])) \
    CASE(cvtsi2ss, out->ps = _mm_cvtsi64_ss(_mm_setzero_ps(), in->q[0])) \
    CASE(cvtsi2ss_32, out->ps = _mm_cvtsi32_ss(_mm_setzero_ps(), in->i[0])) \
    CASE(cvtdq2ps, out->ps = _mm_cvtepi32_ps(in->si)) \
    CASE(cvtdq2pd, out->pd = _mm_cvtepi32_pd(in->si))
#ifdef __SSE4_1__
#define EACH_ROUND(CASE) \
    CASE(roundsd, out->pd = _mm_round_sd(_mm_setzero_pd(), in->pd, _MM_FROUND_CUR_DIRECTION)) \
    CASE(roundsd_quiet, out->pd = _mm_round_sd(_mm_setzero_pd(), in->pd, _MM_FROUND_CUR_DIRECTION | _MM_FROUND_NO_EXC)) \
    CASE(roundpd_up, out->pd = _mm_round_pd(in->pd, _MM_FROUND_TO_POS_INF)) \
    CASE(roundpd_down, out->pd = _mm_round_pd(in->pd, _MM_FROUND_TO_NEG_INF)) \
    CASE(roundpd_zero, out->pd = _mm_round_pd(in->pd, _MM_FROUND_TO_ZERO))
#else
#define EACH_ROUND(CASE)
#endif
#ifdef __AVX2__
#define EACH_WIDE(CASE) \
    CASE(vcvtpd2ps, _mm_storeu_ps(out->f, _mm256_cvtpd_ps(_mm256_loadu_pd(in->d)))) \
    CASE(vcvtpd2dq, _mm_storeu_si128(&out->si, _mm256_cvtpd_epi32(_mm256_loadu_pd(in->d)))) \
    CASE(vcvttpd2dq, _mm_storeu_si128(&out->si, _mm256_cvttpd_epi32(_mm256_loadu_pd(in->d)))) \
    CASE(vroundpd, _mm256_storeu_pd(out->d, _mm256_round_pd(_mm256_loadu_pd(in->d), _MM_FROUND_CUR_DIRECTION)))
#define EACH_HALF(CASE) \
    CASE(vcvtps2ph, _mm_storeu_si128(&out->si, _mm256_cvtps_ph(_mm256_loadu_ps(in->f), _MM_FROUND_CUR_DIRECTION))) \
    CASE(vcvtps2ph_up, _mm_storeu_si128(&out->si, _mm256_cvtps_ph(_mm256_loadu_ps(in->f), _MM_FROUND_TO_POS_INF))) \
    CASE(vcvtph2ps, _mm256_storeu_ps(out->f, _mm256_cvtph_ps(_mm_loadu_si128(&in->si)))) \
    CASE(vcvtps2dq, _mm256_storeu_si256((__m256i *)out, _mm256_cvtps_epi32(_mm256_loadu_ps(in->f)))) \
    CASE(vroundps, _mm256_storeu_ps(out->f, _mm256_round_ps(_mm256_loadu_ps(in->f), _MM_FROUND_CUR_DIRECTION)))
#else
#define EACH_WIDE(CASE)
#define EACH_HALF(CASE)
#endif
EACH_DOUBLE(CASE)
EACH_ROUND(CASE)
EACH_WIDE(CASE)
EACH_FLOAT(CASE)
EACH_HALF(CASE)
EACH_INTEGER(CASE)

struct conversion { const char *name; void (*run)(const value *, value *); };
#define NAMED(name, expression) {#name, do_##name},
static const struct conversion FROM_DOUBLE[] = {EACH_DOUBLE(NAMED) EACH_ROUND(NAMED) EACH_WIDE(NAMED)};
static const struct conversion FROM_FLOAT[] = {EACH_FLOAT(NAMED) EACH_HALF(NAMED)};
static const struct conversion FROM_INTEGER[] = {EACH_INTEGER(NAMED)};

static void convert(const struct conversion *conversion, const value *in, int count, size_t step, u32 mode)
{
    u64 sum = 0;
    put(conversion->name);
    for (int i = 0; i < count; i++) {
        value from = {.q = {0}}, to = {.q = {0}};
        for (size_t j = 0; j < sizeof from && j < count * step - i * step; j++)
            from.byte[j] = ((const u8 *)in)[i * step + j];
        _mm_setcsr(0x1F80 | mode);
        conversion->run(&from, &to);
        u32 flags = _mm_getcsr();
        _mm_setcsr(0x1F80);
        sum = (sum * 31 + checksum(&to, sizeof to)) * 31 + flags;
        put_char(' ');
        put_hex(flags & 63, 2);
    }
    line("", sum);
}

/* ---- x87 */

#define STORE(name, type, instruction) \
    static OUT_OF_LINE u16 do_##name(double x) \
    { \
        type out = 0; \
        u16 status; \
        __asm__ volatile("fnclex\n\tfldl %2\n\t" instruction " %0\n\tfnstsw %1" \
                         : "=m"(out), "=a"(status) : "m"(x) : "st"); \
        result = (i64)out; \
        return status; \
    }

STORE(fistp_16, i16, "fistps")
STORE(fistp_32, i32, "fistpl")
STORE(fistp_64, i64, "fistpll")
STORE(fisttp_16, i16, "fisttps")
STORE(fisttp_32, i32, "fisttpl")
STORE(fisttp_64, i64, "fisttpll")
STORE(fstp_32, u32, "fstps")
STORE(frndint_fstp, u64, "frndint\n\tfstpl")

static const struct { const char *name; u16 (*run)(double); } STORES[] = {
    {"fistp_16", do_fistp_16}, {"fistp_32", do_fistp_32}, {"fistp_64", do_fistp_64}, {"fisttp_16", do_fisttp_16},
    {"fisttp_32", do_fisttp_32}, {"fisttp_64", do_fisttp_64}, {"fstp_32", do_fstp_32}, {"frndint", do_frndint_fstp}};

static void store(int which, u16 control)
{
    u64 sum = 0;
    put(STORES[which].name);
    for (int i = 0; i < NUMBERS; i++) {
        __asm__ volatile("fldcw %0" : : "m"(control));
        u16 status = STORES[which].run(numbers[i]);
        __asm__ volatile("fninit");
        sum = (sum * 31 + result) * 31 + status;
        put_char(' ');
        put_hex(status, 4);
    }
    line("", sum);
}

static void load(u16 control)                                   /* FILD is exact; arithmetic rounds as PC and RC say */
{
    u64 sum = 0;
    for (size_t i = 0; i < COUNT(INTEGERS); i++) {
        u8 image[3][10];
        i32 low = INTEGERS[i];
        u16 status;
        __asm__ volatile("fninit\n\tfldcw %4\n\t"
                         "fildll %5\n\tfildll %5\n\tfildl %6\n\tfmulp\n\tfstpt %0\n\tfstpt %1\n\t"
                         "fildll %5\n\tfld1\n\tfaddp\n\tfstpt %2\n\tfnstsw %3\n\tfninit"
                         : "=m"(image[0]), "=m"(image[1]), "=m"(image[2]), "=a"(status)
                         : "m"(control), "m"(INTEGERS[i]), "m"(low));
        sum = (sum * 31 + checksum(image, sizeof image)) * 31 + status;
    }
    line("fild", sum);
}

void program(void)
{
    static float floats[NUMBERS + 8];
    for (size_t i = 0; i < COUNT(DOUBLES); i++)
        numbers[i] = DOUBLES[i];
    for (size_t i = 0; i < COUNT(BITS); i++)
        ((u64 *)numbers)[COUNT(DOUBLES) + i] = BITS[i];
    for (int i = 0; i < NUMBERS; i++)
        floats[i] = numbers[i];
    ((u32 *)floats)[NUMBERS - 1] = 0x7FA00001;                  /* a signalling one, which no conversion leaves */
    for (u32 rounding = 0; rounding < 4; rounding++) {
        line("rounding", rounding);
        for (u32 zeros = 0; zeros < 2; zeros++) {               /* DAZ and FTZ */
            u32 mode = rounding << 13 | zeros * 0x8040;
            for (size_t i = 0; i < COUNT(FROM_DOUBLE); i++)
                convert(&FROM_DOUBLE[i], (const value *)numbers, NUMBERS, 8, mode);
            for (size_t i = 0; i < COUNT(FROM_FLOAT); i++)
                convert(&FROM_FLOAT[i], (const value *)floats, NUMBERS, 4, mode);
        }
        for (size_t i = 0; i < COUNT(FROM_INTEGER); i++)
            convert(&FROM_INTEGER[i], (const value *)INTEGERS, COUNT(INTEGERS), 8, rounding << 13);
        for (size_t i = 0; i < COUNT(STORES); i++)
            store(i, 0x37F | rounding << 10);
        for (u16 precision = 0; precision < 4; precision++)
            if (precision != 1)                                 /* reserved */
                load(0x7F | precision << 8 | rounding << 10);
    }
}
