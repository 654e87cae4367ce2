/* MMX: saturated and wrapping arithmetic, products, packing, shifts and comparisons, and the x87 stack afterwards.
   Compiled without SSE2, for with it the compiler takes XMM registers. */
#include "guest.h"
#include <mmintrin.h>
#include <xmmintrin.h>

enum { COUNT8 = 64, ROUNDS = 400 };

static u64 left[COUNT8], right[COUNT8];

static inline __m64 m(u64 bits) { return (__m64)bits; }
static inline u64 u(__m64 value) { return (u64)value; }

#define TWO(name) static OUT_OF_LINE u64 do_##name(u64 a, u64 b) { return u(_mm_##name(m(a), m(b))); }
#define BY_COUNT(name, count) \
    static OUT_OF_LINE u64 do_##name(u64 a, u64 b) { return u(_mm_##name(m(a), m(b & count))); }

#define EACH(TWO) \
    TWO(add_pi8) TWO(add_pi16) TWO(add_pi32) TWO(adds_pi8) TWO(adds_pi16) TWO(adds_pu8) TWO(adds_pu16) \
    TWO(sub_pi8) TWO(sub_pi16) TWO(sub_pi32) TWO(subs_pi8) TWO(subs_pi16) TWO(subs_pu8) TWO(subs_pu16) \
    TWO(madd_pi16) TWO(mulhi_pi16) TWO(mullo_pi16) TWO(packs_pi16) TWO(packs_pi32) TWO(packs_pu16) \
    TWO(unpackhi_pi8) TWO(unpackhi_pi16) TWO(unpackhi_pi32) TWO(unpacklo_pi8) TWO(unpacklo_pi16) TWO(unpacklo_pi32) \
    TWO(cmpeq_pi8) TWO(cmpeq_pi16) TWO(cmpeq_pi32) TWO(cmpgt_pi8) TWO(cmpgt_pi16) TWO(cmpgt_pi32) \
    TWO(and_si64) TWO(andnot_si64) TWO(or_si64) TWO(xor_si64)
#define EACH_SHIFT(TWO) \
    TWO(sll_pi16, 31) TWO(sll_pi32, 63) TWO(sll_si64, 127) TWO(sra_pi16, 31) TWO(sra_pi32, 63) \
    TWO(srl_pi16, 31) TWO(srl_pi32, 63) TWO(srl_si64, 127)
#define EACH_SSE(TWO) \
    TWO(avg_pu8) TWO(avg_pu16) TWO(max_pi16) TWO(max_pu8) TWO(min_pi16) TWO(min_pu8) TWO(mulhi_pu16) TWO(sad_pu8)

EACH(TWO)
EACH_SSE(TWO)
EACH_SHIFT(BY_COUNT)

static const struct { const char *name; u64 (*run)(u64, u64); } OPERATIONS[] = {
#define NAMED(name, ...) {#name, do_##name},
    EACH(NAMED) EACH_SSE(NAMED) EACH_SHIFT(NAMED)
};

/* Two pictures, one over the other: (a * alpha + b * (255 - alpha)) / 256, four bytes at a time */
static OUT_OF_LINE void blend(u64 *out, const u64 *a, const u64 *b, u8 alpha)
{
    const __m64 zero = _mm_setzero_si64(), over = _mm_set1_pi16(alpha), under = _mm_set1_pi16(255 - alpha);
    for (int i = 0; i < COUNT8; i++) {
        __m64 x = m(a[i]), y = m(b[i]);
        __m64 low = _mm_add_pi16(_mm_mullo_pi16(_mm_unpacklo_pi8(x, zero), over),
                                 _mm_mullo_pi16(_mm_unpacklo_pi8(y, zero), under));
        __m64 high = _mm_add_pi16(_mm_mullo_pi16(_mm_unpackhi_pi8(x, zero), over),
                                  _mm_mullo_pi16(_mm_unpackhi_pi8(y, zero), under));
        out[i] = u(_mm_packs_pu16(_mm_srli_pi16(low, 8), _mm_srli_pi16(high, 8)));
    }
}

static OUT_OF_LINE i32 scalar_product(const u64 *a, const u64 *b)
{
    __m64 sum = _mm_setzero_si64();
    for (int i = 0; i < COUNT8; i++)
        sum = _mm_add_pi32(sum, _mm_madd_pi16(_mm_srai_pi16(m(a[i]), 4), _mm_srai_pi16(m(b[i]), 4)));
    return _mm_cvtsi64_si32(_mm_add_pi32(sum, _mm_unpackhi_pi32(sum, sum)));
}

/* What FNSTENV says of the tags, and the x87's view of a register that MMX wrote: an exponent of all ones */
static OUT_OF_LINE void tags(const char *name)
{
    struct { u32 control, status, tags, rest[4]; } environment;
    __asm__ volatile("fnstenv %0\n\tfldenv %0" : "+m"(environment));
    put(name);
    put_char(' ');
    put_hex(environment.status & 0x3800, 4);
    put_char(' ');
    put_hex(environment.tags & 0xFFFF, 4);
    put_char('\n');
}

static OUT_OF_LINE void with_the_stack(void)
{
    u8 image[16] = {0};
    u64 value = 0x0123456789ABCDEF, back;
    _mm_empty();
    tags("empty");
    __asm__ volatile("fldpi\n\tfld1" : : : "memory");
    tags("two");
    __asm__ volatile("movq %1, %%mm6\n\tmovq %%mm6, %0" : "=m"(back) : "m"(value));
    tags("all");
    __asm__ volatile("fxch %%st(6)\n\tfstpt %0" : "=m"(image));         /* the top was set to 0 */
    line_bytes("mm6", image, 10);
    tags("seven");
    _mm_empty();
    tags("empty");
    line("back", back);
}

void program(void)
{
    for (int i = 0; i < COUNT8; i++) {
        left[i] = random_bits() & (i % 8 ? ~0ull : 0xFF80FF7F00017FFF);
        right[i] = random_bits() | (i % 5 ? 0 : 0x8000);
    }
    for (size_t i = 0; i < COUNT(OPERATIONS); i++) {
        u64 sum = 0;
        for (int j = 0; j < ROUNDS; j++)
            sum = sum * 31 + OPERATIONS[i].run(left[j % COUNT8], right[j * 7 % COUNT8]);
        _mm_empty();
        line(OPERATIONS[i].name, sum);
    }
    static u64 out[COUNT8];
    for (int alpha = 0; alpha < 256; alpha += 15) {
        blend(out, left, right, alpha);
        i32 product = scalar_product(out, right);
        _mm_empty();
        put_decimal(product);
        line_sum(" blend", out, sizeof out);
    }
    with_the_stack();
}
