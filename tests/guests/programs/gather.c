/* AVX2: gathers of all kinds with and without masks, masked loads and stores, permutations, shifts by lane. */
#include "guest.h"
#include <immintrin.h>

enum { TABLE = 1024, ROUNDS = 300 };

static i64 table[TABLE];
static u32 index32[ROUNDS * 8];

static inline __m256i indexes(int round) { return _mm256_loadu_si256((const __m256i *)(index32 + 8 * (round % ROUNDS))); }
static inline __m256i masks(int round) { return _mm256_slli_epi32(indexes(round * 7 + 3), 27); }      /* bit 4 to the top */

static void sum_in(u64 *sum, __m256i value)
{
    u64 words[4];
    _mm256_storeu_si256((__m256i *)words, value);
    for (int i = 0; i < 4; i++)
        *sum = *sum * 31 + words[i];
}

#define D(x) _mm256_castpd_si256(x)
#define S(x) _mm256_castps_si256(x)
#define WIDE0(x) _mm256_inserti128_si256(_mm256_setzero_si256(), x, 0)
#define LOW(x) _mm256_castsi256_si128(x)
#define QUAD(x) _mm256_cvtepu32_epi64(LOW(x))

/* i: indexes, k: a mask, old: what stays where the mask is 0 */
#define EACH(CASE) \
    CASE(vpgatherdd, _mm256_i32gather_epi32((const int *)table, i, 4)) \
    CASE(vpgatherdd_masked, _mm256_mask_i32gather_epi32(old, (const int *)table, i, k, 8)) \
    CASE(vpgatherdq, _mm256_i32gather_epi64((const void *)table, LOW(i), 8)) \
    CASE(vpgatherdq_masked, _mm256_mask_i32gather_epi64(old, (const void *)table, LOW(i), k, 2)) \
    CASE(vpgatherqd, WIDE0(_mm256_i64gather_epi32((const int *)table, QUAD(i), 4))) \
    CASE(vpgatherqd_masked, WIDE0(_mm256_mask_i64gather_epi32(LOW(old), (const int *)table, QUAD(i), LOW(k), 1))) \
    CASE(vpgatherqq, _mm256_i64gather_epi64((const void *)table, QUAD(i), 8)) \
    CASE(vpgatherqq_masked, _mm256_mask_i64gather_epi64(old, (const void *)table, QUAD(i), k, 8)) \
    CASE(vgatherdps, S(_mm256_mask_i32gather_ps(_mm256_castsi256_ps(old), (const float *)table, i, \
                                                _mm256_castsi256_ps(k), 4))) \
    CASE(vgatherqps, WIDE0(_mm_castps_si128(_mm256_i64gather_ps((const float *)table, QUAD(i), 8)))) \
    CASE(vgatherdpd, D(_mm256_i32gather_pd((const double *)table, LOW(i), 8))) \
    CASE(vgatherqpd, D(_mm256_mask_i64gather_pd(_mm256_castsi256_pd(old), (const double *)table, QUAD(i), \
                                                _mm256_castsi256_pd(k), 8))) \
    CASE(vpgatherdd_128, WIDE0(_mm_mask_i32gather_epi32(LOW(old), (const int *)table, LOW(i), LOW(k), 4))) \
    CASE(vpmaskmovd, _mm256_maskload_epi32((const int *)table + round, k)) \
    CASE(vpmaskmovq, _mm256_maskload_epi64((const void *)(table + round), k)) \
    CASE(vmaskmovps, S(_mm256_maskload_ps((const float *)table + round, k))) \
    CASE(vpermd, _mm256_permutevar8x32_epi32(old, i)) \
    CASE(vpermps, S(_mm256_permutevar8x32_ps(_mm256_castsi256_ps(old), i))) \
    CASE(vpermq, _mm256_permute4x64_epi64(old, 0x6C)) \
    CASE(vperm2i128, _mm256_permute2x128_si256(old, i, 0x21)) \
    CASE(vperm2i128_zero, _mm256_permute2x128_si256(old, i, 0x83)) \
    CASE(vpermilps, S(_mm256_permutevar_ps(_mm256_castsi256_ps(old), i))) \
    CASE(vpermilpd, D(_mm256_permutevar_pd(_mm256_castsi256_pd(old), i))) \
    CASE(vpshufb, _mm256_shuffle_epi8(old, _mm256_xor_si256(i, k))) \
    CASE(vpsllvd, _mm256_sllv_epi32(old, _mm256_srli_epi32(i, 4))) \
    CASE(vpsrlvd, _mm256_srlv_epi32(old, _mm256_srli_epi32(i, 4))) \
    CASE(vpsravd, _mm256_srav_epi32(old, _mm256_srli_epi32(i, 4))) \
    CASE(vpsllvq, _mm256_sllv_epi64(old, QUAD(_mm256_srli_epi32(i, 3)))) \
    CASE(vpsrlvq, _mm256_srlv_epi64(old, QUAD(_mm256_srli_epi32(i, 3)))) \
    CASE(vpalignr, _mm256_alignr_epi8(old, i, 11)) \
    CASE(vpblendvb, _mm256_blendv_epi8(old, i, k)) \
    CASE(vpblendd, _mm256_blend_epi32(old, i, 0xA6)) \
    CASE(vpsadbw, _mm256_sad_epu8(old, i)) \
    CASE(vmpsadbw, _mm256_mpsadbw_epu8(old, i, 0x2D)) \
    CASE(vphaddw, _mm256_hadd_epi16(old, i)) \
    CASE(vphsubsw, _mm256_hsubs_epi16(old, i)) \
    CASE(vpmaddubsw, _mm256_maddubs_epi16(old, i)) \
    CASE(vpmulhrsw, _mm256_mulhrs_epi16(old, i)) \
    CASE(vpmuldq, _mm256_mul_epi32(old, i)) \
    CASE(vpacksswb, _mm256_packs_epi16(old, i)) \
    CASE(vpackusdw, _mm256_packus_epi32(old, i)) \
    CASE(vpunpcklbw, _mm256_unpacklo_epi8(old, i)) \
    CASE(vpsignw, _mm256_sign_epi16(old, k)) \
    CASE(vpabsb, _mm256_abs_epi8(old)) \
    CASE(vpmovsxbq, _mm256_cvtepi8_epi64(LOW(old))) \
    CASE(vpmovzxwd, _mm256_cvtepu16_epi32(LOW(old))) \
    CASE(vpbroadcastb, _mm256_broadcastb_epi8(LOW(old))) \
    CASE(vpsrldq, _mm256_srli_si256(old, 5)) \
    CASE(vdpps, S(_mm256_dp_ps(_mm256_cvtepi32_ps(old), _mm256_cvtepi32_ps(i), 0xB3)))

#define CASE(name, value) \
    static OUT_OF_LINE __m256i do_##name(int round, __m256i old) \
    { \
        __m256i i = indexes(round), k = masks(round); \
        (void)i, (void)k, (void)old; \
        return value; \
    }
EACH(CASE)

static const struct { const char *name; __m256i (*run)(int, __m256i); } CASES[] = {
#define NAMED(name, value) {#name, do_##name},
    EACH(NAMED)
};

/* Masked stores, and a histogram whose lanes must not meet */
static OUT_OF_LINE void store_some(void)
{
    static u32 out[ROUNDS + 8], histogram[16][8];
    for (int round = 0; round < ROUNDS; round++)
        _mm256_maskstore_epi32((int *)out + round, masks(round), indexes(round));
    line_sum("vpmaskmovd to memory", out, sizeof out);
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    for (int round = 0; round < ROUNDS; round++) {
        __m256i at = _mm256_or_si256(_mm256_slli_epi32(_mm256_and_si256(indexes(round), _mm256_set1_epi32(15)), 3), lanes);
        __m256i counts = _mm256_add_epi32(_mm256_i32gather_epi32((const int *)histogram, at, 4), _mm256_set1_epi32(1));
        u32 places[8], numbers[8];
        _mm256_storeu_si256((__m256i *)places, at);
        _mm256_storeu_si256((__m256i *)numbers, counts);
        for (int i = 0; i < 8; i++)
            histogram[0][places[i]] = numbers[i];
    }
    line_sum("histogram", histogram, sizeof histogram);
}

void program(void)
{
    for (int i = 0; i < TABLE; i++)
        table[i] = random_bits();
    for (size_t i = 0; i < COUNT(index32); i++)
        index32[i] = random_bits() % TABLE;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        u64 sum = 0;
        __m256i old = _mm256_set1_epi64x(0x0123456789ABCDEF);
        for (int round = 0; round < ROUNDS; round++) {
            __m256i value = CASES[i].run(round, old);
            sum_in(&sum, value);
            old = _mm256_add_epi64(_mm256_xor_si256(value, indexes(round)), _mm256_set1_epi64x(0x9E3779B97F4A7C15));
        }
        line(CASES[i].name, sum);
    }
    store_some();
}
