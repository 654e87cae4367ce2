/* SHA-256 and SHA-1 (FIPS 180-4) in C, and with the SHA extensions (SDM volume 1, 5.18) where there are some. */
#include "guest.h"
#ifdef __SHA__
#include <immintrin.h>
#endif

enum { BLOCK = 64, LENGTH = 96 * 1024 };

static const u32 K[64] __attribute__((aligned(16))) = {         /* of the cube roots of the first 64 primes */
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2,
};

#ifdef __SHA__

static inline __m128i big_endian(const u8 *at)
{
    return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)at),
                            _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
}

static void sha256_block(u32 h[8], const u8 *block)
{
    __m128i first = _mm_shuffle_epi32(_mm_loadu_si128((__m128i *)h), 0xB1);             /* c d a b, from the top */
    __m128i last = _mm_shuffle_epi32(_mm_loadu_si128((__m128i *)(h + 4)), 0x1B);        /* e f g h */
    __m128i abef = _mm_alignr_epi8(first, last, 8), cdgh = _mm_blend_epi16(last, first, 0xF0);
    const __m128i abef_before = abef, cdgh_before = cdgh;
    __m128i w[4];
    for (int i = 0; i < 16; i++) {
        __m128i *next = &w[i & 3];
        if (i < 4)
            *next = big_endian(block + 16 * i);
        else {
            __m128i seven_back = _mm_alignr_epi8(w[i - 1 & 3], w[i - 2 & 3], 4);
            *next = _mm_add_epi32(_mm_sha256msg1_epu32(*next, w[i - 3 & 3]), seven_back);
            *next = _mm_sha256msg2_epu32(*next, w[i - 1 & 3]);
        }
        __m128i wk = _mm_add_epi32(*next, ((const __m128i *)K)[i]);
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk);
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(wk, 0x0E));
    }
    abef = _mm_shuffle_epi32(_mm_add_epi32(abef, abef_before), 0x1B);                   /* f e b a, from the top */
    cdgh = _mm_shuffle_epi32(_mm_add_epi32(cdgh, cdgh_before), 0xB1);
    _mm_storeu_si128((__m128i *)h, _mm_blend_epi16(abef, cdgh, 0xF0));
    _mm_storeu_si128((__m128i *)(h + 4), _mm_alignr_epi8(cdgh, abef, 8));
}

static inline __m128i rounds4(__m128i abcd, __m128i e, int function)                    /* it is part of the instruction */
{
    switch (function) {
    case 0: return _mm_sha1rnds4_epu32(abcd, e, 0);
    case 1: return _mm_sha1rnds4_epu32(abcd, e, 1);
    case 2: return _mm_sha1rnds4_epu32(abcd, e, 2);
    default: return _mm_sha1rnds4_epu32(abcd, e, 3);
    }
}

static void sha1_block(u32 h[5], const u8 *block)
{
    const __m128i from_the_top = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128((__m128i *)h), 0x1B), abcd_before = abcd;
    __m128i e_before = _mm_set_epi32(h[4], 0, 0, 0), before = abcd;
    __m128i w[4];
    for (int i = 0; i < 20; i++) {
        __m128i *next = &w[i & 3];
        if (i < 4)
            *next = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(block + 16 * i)), from_the_top);
        else
            *next = _mm_sha1msg2_epu32(_mm_xor_si128(_mm_sha1msg1_epu32(*next, w[i - 3 & 3]), w[i - 2 & 3]), w[i - 1 & 3]);
        __m128i e = i ? _mm_sha1nexte_epu32(before, *next) : _mm_add_epi32(e_before, *next);
        before = abcd;
        abcd = rounds4(abcd, e, i / 5);
    }
    h[4] = _mm_extract_epi32(_mm_sha1nexte_epu32(before, e_before), 3);
    _mm_storeu_si128((__m128i *)h, _mm_shuffle_epi32(_mm_add_epi32(abcd, abcd_before), 0x1B));
}

#else

static inline u32 big_endian(const u8 *at)
{
    return (u32)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

static inline u32 right(u32 x, int count)
{
    return x >> count | x << (32 - count);
}

static void sha256_block(u32 h[8], const u8 *block)
{
    u32 w[64], s[8];
    for (int i = 0; i < 16; i++)
        w[i] = big_endian(block + 4 * i);
    for (int i = 16; i < 64; i++) {
        u32 x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (right(x, 7) ^ right(x, 18) ^ x >> 3) + (right(y, 17) ^ right(y, 19) ^ y >> 10);
    }
    for (int i = 0; i < 8; i++)
        s[i] = h[i];
    for (int i = 0; i < 64; i++) {
        u32 a = s[0], e = s[4];
        u32 one = s[7] + (right(e, 6) ^ right(e, 11) ^ right(e, 25)) + (s[6] ^ (e & (s[5] ^ s[6]))) + K[i] + w[i];
        u32 two = (right(a, 2) ^ right(a, 13) ^ right(a, 22)) + ((a & s[1]) | (s[2] & (a | s[1])));
        for (int j = 7; j; j--)
            s[j] = s[j - 1];
        s[4] += one;
        s[0] = one + two;
    }
    for (int i = 0; i < 8; i++)
        h[i] += s[i];
}

static void sha1_block(u32 h[5], const u8 *block)
{
    static const u32 constants[4] = {0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6};
    u32 w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int i = 0; i < 80; i++)
        w[i] = i < 16 ? big_endian(block + 4 * i) : right(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 31);
    for (int i = 0; i < 80; i++) {
        u32 f = i < 20 ? d ^ (b & (c ^ d)) : i >= 40 && i < 60 ? (b & c) | (d & (b | c)) : b ^ c ^ d;
        u32 next = right(a, 27) + f + e + constants[i / 20] + w[i];
        e = d, d = c, c = right(b, 2), b = a, a = next;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
}

#endif

struct hash {
    const char *name;
    int words;
    void (*block)(u32 *, const u8 *);
    u32 start[8];
};

static const struct hash HASHES[] = {
    {"sha256", 8, sha256_block,
     {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19}},
    {"sha1", 5, sha1_block, {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0}},
};

static void digest(const struct hash *hash, const u8 *data, size_t bytes)
{
    u32 h[8];
    u8 tail[2 * BLOCK] = {0};
    size_t rest = bytes % BLOCK, padded = rest < BLOCK - 8 ? BLOCK : 2 * BLOCK;
    for (int i = 0; i < 8; i++)
        h[i] = hash->start[i];
    for (size_t at = 0; at + BLOCK <= bytes; at += BLOCK)
        hash->block(h, data + at);
    for (size_t i = 0; i < rest; i++)
        tail[i] = data[bytes - rest + i];
    tail[rest] = 0x80;
    for (int i = 0; i < 8; i++)
        tail[padded - 1 - i] = (u64)bytes * 8 >> 8 * i;
    for (size_t at = 0; at < padded; at += BLOCK)
        hash->block(h, tail + at);
    put(hash->name);
    put_char(' ');
    put_decimal(bytes);
    put_char(' ');
    for (int i = 0; i < hash->words; i++)
        put_hex(h[i], 8);
    put_char('\n');
}

void program(void)
{
    static u8 data[LENGTH];
    static const size_t lengths[] = {0, 1, 3, 55, 56, 63, 64, 65, 119, 120, 1000, LENGTH};
    for (size_t i = 0; i < LENGTH; i++)
        data[i] = i * 167 + (i >> 8) + 13;
    for (size_t i = 0; i < COUNT(HASHES); i++)
        for (size_t j = 0; j < COUNT(lengths); j++)
            digest(&HASHES[i], data, lengths[j]);
}
