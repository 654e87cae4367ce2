/* Reed-Solomon: 10 pieces of a message and 4 more, of which any 10 are enough. Bytes are polynomials modulo 11Bh; their
   products come from logarithms, from PSHUFB of both halves (SSSE3), or from GF2P8MULB, inverses from GF2P8AFFINEINVQB. */
#include "guest.h"
#ifdef __SSSE3__
#include <immintrin.h>
#endif

enum { DATA = 10, MORE = 4, ALL = DATA + MORE, BYTES = 4096 };

static u8 shards[ALL][BYTES] __attribute__((aligned(32))), again[ALL][BYTES] __attribute__((aligned(32)));
static u8 power[255], logarithm[256];

static void make_tables(void)                                   /* of 3, which generates all but 0 */
{
    u8 x = 1;
    for (int i = 0; i < 255; i++) {
        power[i] = x;
        logarithm[x] = i;
        x ^= x << 1 ^ (x >> 7) * 0x1B;
    }
}

static u8 times(u8 a, u8 b)
{
    return a && b ? power[(logarithm[a] + logarithm[b]) % 255] : 0;
}

#ifdef __GFNI__
static OUT_OF_LINE u8 inverse(u8 a)
{
    const __m128i unit = _mm_set1_epi64x(0x0102040810204080);   /* row i of the matrix gives bit i */
    return _mm_cvtsi128_si32(_mm_gf2p8affineinv_epi64_epi8(_mm_set1_epi8(a), unit, 0));
}

static inline __m256i bits_turned(__m256i x)
{
    return _mm256_gf2p8affine_epi64_epi8(x, _mm256_set1_epi64x((i64)0x8040201008040201), 0);
}
#else
static OUT_OF_LINE u8 inverse(u8 a)
{
    return a ? power[(255 - logarithm[a]) % 255] : 0;
}
#endif

/* out += factor * in, in all bytes */
static OUT_OF_LINE void add_product(u8 *restrict out, const u8 *restrict in, u8 factor)
{
#ifdef __GFNI__
    for (int i = 0; i < BYTES; i += 32) {
        __m256i product = _mm256_gf2p8mul_epi8(_mm256_load_si256((const __m256i *)(in + i)), _mm256_set1_epi8(factor));
        __m256i *at = (__m256i *)(out + i);
        *at = _mm256_xor_si256(*at, bits_turned(bits_turned(product)));
    }
#elif defined __SSSE3__
    u8 halves[2][16];
    for (int i = 0; i < 16; i++)
        halves[0][i] = times(factor, i), halves[1][i] = times(factor, i << 4);
    const __m128i low = _mm_loadu_si128((__m128i *)halves[0]), high = _mm_loadu_si128((__m128i *)halves[1]);
    const __m128i half = _mm_set1_epi8(15);
    for (int i = 0; i < BYTES; i += 16) {
        __m128i x = _mm_load_si128((const __m128i *)(in + i)), *at = (__m128i *)(out + i);
        __m128i product = _mm_xor_si128(_mm_shuffle_epi8(low, _mm_and_si128(x, half)),
                                        _mm_shuffle_epi8(high, _mm_and_si128(_mm_srli_epi16(x, 4), half)));
        *at = _mm_xor_si128(*at, product);
    }
#else
    for (int i = 0; i < BYTES; i++)
        out[i] ^= times(in[i], factor);
#endif
}

static void clear(u8 *at)
{
    for (int i = 0; i < BYTES; i++)
        at[i] = 0;
}

/* Row `shard` of the matrix that makes shards from data: one of the unit matrix, or of Cauchy's 1 / (x + y) */
static u8 coefficient(int shard, int column)
{
    return shard < DATA ? shard == column : inverse(shard ^ column);
}

/* The data from the shards that `kept` names, by elimination; each step on the matrix is one on the shards */
static void restore(const int *kept)
{
    u8 matrix[DATA][DATA];
    for (int i = 0; i < DATA; i++) {
        for (int j = 0; j < DATA; j++)
            matrix[i][j] = coefficient(kept[i], j);
        for (int j = 0; j < BYTES; j++)
            again[i][j] = shards[kept[i]][j];
    }
    for (int column = 0; column < DATA; column++) {
        int pivot = column;
        while (!matrix[pivot][column])
            pivot++;
        if (pivot != column) {
            for (int j = 0; j < DATA; j++)
                matrix[column][j] ^= matrix[pivot][j];
            add_product(again[column], again[pivot], 1);
        }
        u8 factor = inverse(matrix[column][column]) ^ 1;        /* times 1 + factor is divided by the pivot */
        for (int j = 0; j < DATA; j++)
            matrix[column][j] ^= times(matrix[column][j], factor);
        for (int j = 0; j < BYTES; j++)
            again[ALL - 1][j] = again[column][j];
        add_product(again[column], again[ALL - 1], factor);
        for (int row = 0; row < DATA; row++) {
            u8 other = matrix[row][column];
            if (row == column || !other)
                continue;
            for (int j = 0; j < DATA; j++)
                matrix[row][j] ^= times(matrix[column][j], other);
            add_product(again[row], again[column], other);
        }
    }
}

void program(void)
{
    u64 sum = 0;
    make_tables();
    for (int i = 0; i < 256; i++)
        sum = sum * 31 + inverse(i);
    line("inverses", sum);
    for (int i = 0; i < DATA; i++)
        for (int j = 0; j < BYTES; j += 8)
            *(u64 *)(shards[i] + j) = random_bits();
    for (int shard = DATA; shard < ALL; shard++) {
        clear(shards[shard]);
        for (int i = 0; i < DATA; i++)
            add_product(shards[shard], shards[i], coefficient(shard, i));
    }
    for (int i = 0; i < ALL; i++)
        line_sum("shard", shards[i], BYTES);
    for (int round = 0; round < 4; round++) {
        int kept[DATA], wrong = 0;
        for (int i = 0; i < DATA; i++)
            kept[i] = i % 3 == round % 3 && i / 3 < MORE ? DATA + (i / 3 + round) % MORE : i;
        restore(kept);
        for (int i = 0; i < DATA; i++)
            for (int j = 0; j < BYTES; j++)
                wrong += again[i][j] != shards[i][j];
        line("wrong", wrong);
    }
}
