/* AES (FIPS 197) and AES-GCM (NIST SP 800-38D): with a table and bit by bit in C, and with AES-NI, VAES
   and PCLMULQDQ. */
#include "guest.h"
#ifdef __AES__
#include <immintrin.h>
#endif

enum { MOST_ROUNDS = 14, LENGTH = 24 * 1024 };

typedef struct { u8 byte[16]; } block __attribute__((aligned(16)));

struct key {
    int rounds;
    block round[MOST_ROUNDS + 1], inverse[MOST_ROUNDS + 1];
};

#ifdef __AES__

static inline __m128i load(const block *from) { return _mm_load_si128((const __m128i *)from); }
static inline void store(block *to, __m128i value) { _mm_store_si128((__m128i *)to, value); }

/* Each word becomes the sum of itself and all below it, and of `word`. */
static inline __m128i next_round(__m128i key, __m128i word)
{
    key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
    return _mm_xor_si128(key, word);
}

#define ASSIST(constant) case constant: return _mm_aeskeygenassist_si128(key, constant);

static inline __m128i assist(__m128i key, int constant)         /* it is part of the instruction */
{
    switch (constant) {
    ASSIST(1) ASSIST(2) ASSIST(4) ASSIST(8) ASSIST(16) ASSIST(32) ASSIST(64) ASSIST(128) ASSIST(27)
    default: return _mm_aeskeygenassist_si128(key, 54);
    }
}

static void expand(struct key *key, const u8 *bytes, int words)
{
    __m128i even = _mm_loadu_si128((const __m128i *)bytes), odd = even;
    int constant = 1;
    key->rounds = words + 6;
    if (words == 8)
        odd = _mm_loadu_si128((const __m128i *)(bytes + 16));
    store(&key->round[0], even);
    if (words == 8)
        store(&key->round[1], odd);
    for (int i = words / 4; i <= key->rounds; i++) {
        if (words == 4 || i % 2 == 0) {
            even = next_round(even, _mm_shuffle_epi32(assist(words == 4 ? even : odd, constant), 0xFF));
            constant = constant << 1 ^ (constant >> 7) * 0x11B;
            store(&key->round[i], even);
        } else {
            odd = next_round(odd, _mm_shuffle_epi32(_mm_aeskeygenassist_si128(even, 0), 0xAA));
            store(&key->round[i], odd);
        }
    }
    for (int i = 0; i <= key->rounds; i++) {
        __m128i round = load(&key->round[key->rounds - i]);
        store(&key->inverse[i], i == 0 || i == key->rounds ? round : _mm_aesimc_si128(round));
    }
}

static void encrypt(const struct key *key, const block *in, block *out)
{
    __m128i state = _mm_xor_si128(load(in), load(&key->round[0]));
    for (int i = 1; i < key->rounds; i++)
        state = _mm_aesenc_si128(state, load(&key->round[i]));
    store(out, _mm_aesenclast_si128(state, load(&key->round[key->rounds])));
}

static void decrypt(const struct key *key, const block *in, block *out)
{
    __m128i state = _mm_xor_si128(load(in), load(&key->inverse[0]));
    for (int i = 1; i < key->rounds; i++)
        state = _mm_aesdec_si128(state, load(&key->inverse[i]));
    store(out, _mm_aesdeclast_si128(state, load(&key->inverse[key->rounds])));
}

/* In GCM the first bit of a block is the coefficient of x^0: products come out one bit too low, and a block's bytes are
   turned round so that its first bit is the highest. Then x^-64 mod P is the constant, in each of two steps. */
static void multiply(block *x, const block *h)
{
    const __m128i turn = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m128i polynomial = _mm_set_epi64x(0, (i64)0xC200000000000000);
    __m128i a = _mm_shuffle_epi8(load(x), turn), b = _mm_shuffle_epi8(load(h), turn);
    __m128i low = _mm_clmulepi64_si128(a, b, 0x00), high = _mm_clmulepi64_si128(a, b, 0x11);
    __m128i middle = _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x01), _mm_clmulepi64_si128(a, b, 0x10));
    low = _mm_xor_si128(low, _mm_slli_si128(middle, 8));
    high = _mm_xor_si128(high, _mm_srli_si128(middle, 8));

    __m128i carries = _mm_srli_epi64(low, 63), into_high = _mm_srli_si128(carries, 8);
    high = _mm_or_si128(_mm_slli_epi64(high, 1),
                        _mm_or_si128(into_high, _mm_slli_si128(_mm_srli_epi64(high, 63), 8)));
    low = _mm_or_si128(_mm_slli_epi64(low, 1), _mm_slli_si128(carries, 8));
    for (int step = 0; step < 2; step++)
        low = _mm_xor_si128(_mm_shuffle_epi32(low, 0x4E), _mm_clmulepi64_si128(low, polynomial, 0x00));
    store(x, _mm_shuffle_epi8(_mm_xor_si128(low, high), turn));
}

#else

static u8 sbox[256], inverse_sbox[256];
static u32 table[256], inverse_table[256];                      /* a column of MixColumns for each value of a byte */

static inline u32 left(u32 x, int count) { return count ? x << count | x >> (32 - count) : x; }
static inline u8 twice(u8 x) { return x << 1 ^ (x >> 7) * 0x1B; }

static u8 product(u8 x, u8 y)
{
    u8 sum = 0;
    for (; y; y >>= 1, x = twice(x))
        if (y & 1)
            sum ^= x;
    return sum;
}

static u32 column(u8 a, u8 b, u8 c, u8 d, u8 x)
{
    return product(a, x) | product(b, x) << 8 | product(c, x) << 16 | (u32)product(d, x) << 24;
}

static void make_tables(void)
{
    u8 x = 1, inverse = 1;                                      /* powers of 3, and of its inverse F6h */
    sbox[0] = 0x63;
    do {
        x ^= twice(x);
        inverse = product(inverse, 0xF6);
        u32 s = inverse * 0x0101u;
        sbox[x] = s ^ s >> 4 ^ s >> 5 ^ s >> 6 ^ s >> 7 ^ 0x63;
    } while (x != 1);
    for (int i = 0; i < 256; i++) {
        inverse_sbox[sbox[i]] = i;
        table[i] = column(2, 1, 1, 3, sbox[i]);
    }
    for (int i = 0; i < 256; i++)
        inverse_table[i] = column(14, 9, 13, 11, inverse_sbox[i]);
}

static u32 substituted(u32 word)
{
    return sbox[word & 255] | sbox[word >> 8 & 255] << 8 | sbox[word >> 16 & 255] << 16 | (u32)sbox[word >> 24] << 24;
}

static void expand(struct key *key, const u8 *bytes, int words)
{
    u32 *w = (u32 *)key->round, *inverse = (u32 *)key->inverse;
    u8 constant = 1;
    key->rounds = words + 6;
    for (int i = 0; i < 4 * words; i++)
        ((u8 *)w)[i] = bytes[i];
    for (int i = words; i < 4 * (key->rounds + 1); i++) {
        u32 word = w[i - 1];
        if (i % words == 0) {
            word = substituted(left(word, 24)) ^ constant;
            constant = twice(constant);
        } else if (words == 8 && i % words == 4)
            word = substituted(word);
        w[i] = w[i - words] ^ word;
    }
    for (int i = 0; i <= key->rounds; i++)
        for (int j = 0; j < 4; j++) {
            u32 word = w[4 * (key->rounds - i) + j], mixed = 0;
            for (int k = 0; k < 4; k++)
                mixed ^= left(inverse_table[sbox[word >> 8 * k & 255]], 8 * k);
            inverse[4 * i + j] = i == 0 || i == key->rounds ? word : mixed;
        }
}

/* `shift`: from which column the next row's byte comes, 1 for ShiftRows, 3 for its inverse */
static inline void rounds(const block *keys, int count, const u32 *mix, const u8 *last, int shift,
                          const block *in, block *out)
{
    const u32 *key = (const u32 *)keys;
    u32 state[4], next[4];
    for (int j = 0; j < 4; j++)
        state[j] = ((const u32 *)in)[j] ^ *key++;
    for (int i = 1; i <= count; i++) {
        for (int j = 0; j < 4; j++) {
            u32 sum = *key++;
            for (int k = 0; k < 4; k++) {
                u8 byte = state[j + shift * k & 3] >> 8 * k;
                sum ^= i < count ? left(mix[byte], 8 * k) : (u32)last[byte] << 8 * k;
            }
            next[j] = sum;
        }
        for (int j = 0; j < 4; j++)
            state[j] = next[j];
    }
    for (int j = 0; j < 4; j++)
        ((u32 *)out)[j] = state[j];
}

static void encrypt(const struct key *key, const block *in, block *out)
{
    rounds(key->round, key->rounds, table, sbox, 1, in, out);
}

static void decrypt(const struct key *key, const block *in, block *out)
{
    rounds(key->inverse, key->rounds, inverse_table, inverse_sbox, 3, in, out);
}

static void multiply(block *x, const block *h)
{
    u64 high = __builtin_bswap64(*(u64 *)h->byte), low = __builtin_bswap64(*(u64 *)(h->byte + 8)), sum[2] = {0, 0};
    for (int i = 0; i < 128; i++) {
        if (x->byte[i / 8] >> (7 - i % 8) & 1)
            sum[0] ^= high, sum[1] ^= low;
        u64 out = low & 1;
        low = low >> 1 | high << 63;
        high = high >> 1 ^ (out ? 0xE1ull << 56 : 0);
    }
    *(u64 *)x->byte = __builtin_bswap64(sum[0]);
    *(u64 *)(x->byte + 8) = __builtin_bswap64(sum[1]);
}

#endif

static void encrypt_pair(const struct key *key, block *pair)
{
#ifdef __VAES__
    __m256i state = _mm256_xor_si256(*(__m256i *)pair, _mm256_broadcastsi128_si256(load(&key->round[0])));
    for (int i = 1; i < key->rounds; i++)
        state = _mm256_aesenc_epi128(state, _mm256_broadcastsi128_si256(load(&key->round[i])));
    *(__m256i *)pair = _mm256_aesenclast_epi128(state, _mm256_broadcastsi128_si256(load(&key->round[key->rounds])));
#else
    encrypt(key, &pair[0], &pair[0]);
    encrypt(key, &pair[1], &pair[1]);
#endif
}

static void add(block *x, const u8 *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        x->byte[i] ^= bytes[i];
}

static void hash(block *x, const block *h, const u8 *data, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += 16) {
        add(x, data + at, bytes - at < 16 ? bytes - at : 16);
        multiply(x, h);
    }
}

/* Encrypts in place; the tag is that of the ciphertext. The nonce has 12 bytes. */
static void gcm(const struct key *key, const u8 *nonce, const u8 *more, size_t more_bytes, u8 *data, size_t bytes,
                block *tag)
{
    block h = {{0}}, counter = {{0}}, lengths = {{0}}, first, pads[2] __attribute__((aligned(32)));
    encrypt(key, &h, &h);
    add(&counter, nonce, 12);
    counter.byte[15] = 1;
    encrypt(key, &counter, &first);
    for (size_t at = 0; at < bytes; at += sizeof pads) {
        for (size_t i = 0; i < COUNT(pads); i++) {
            u32 *number = (u32 *)(counter.byte + 12);
            *number = __builtin_bswap32(__builtin_bswap32(*number) + 1);
            pads[i] = counter;
        }
        encrypt_pair(key, pads);
        for (size_t i = 0; i < sizeof pads && at + i < bytes; i++)
            data[at + i] ^= pads[i / 16].byte[i % 16];
    }
    *tag = (block){{0}};
    hash(tag, &h, more, more_bytes);
    hash(tag, &h, data, bytes);
    *(u64 *)lengths.byte = __builtin_bswap64(8 * more_bytes);
    *(u64 *)(lengths.byte + 8) = __builtin_bswap64(8 * bytes);
    hash(tag, &h, lengths.byte, 16);
    add(tag, first.byte, 16);
}

static void fips_197(const char *name, int words)               /* appendix C: key 00 01 02 ..., text 00 11 22 ... */
{
    u8 bytes[32];
    block text;
    struct key key;
    for (int i = 0; i < 32; i++)
        bytes[i] = i;
    for (int i = 0; i < 16; i++)
        text.byte[i] = i * 0x11;
    expand(&key, bytes, words);
    line_bytes(name, bytes, 4 * words);
    line_bytes("round keys", key.round, 16 * (key.rounds + 1));
    line_bytes("inverse round keys", key.inverse, 16 * (key.rounds + 1));
    encrypt(&key, &text, &text);
    line_bytes("encrypted", &text, 16);
    decrypt(&key, &text, &text);
    line_bytes("decrypted", &text, 16);
}

static void message(const char *name, int words, size_t bytes, size_t more_bytes)
{
    static u8 data[LENGTH];
    u8 key_bytes[32], more[64];
    struct key key;
    block tag;
    for (int i = 0; i < 32; i++)
        key_bytes[i] = i * 7 + words;
    for (int i = 0; i < 64; i++)
        more[i] = i * 5;
    for (size_t i = 0; i < bytes; i++)
        data[i] = i * 31 + (i >> 7);
    expand(&key, key_bytes, words);
    gcm(&key, key_bytes + 3, more, more_bytes, data, bytes, &tag);
    put(name);
    put_char(' ');
    put_decimal(bytes);
    line_sum("", data, bytes);
    line_bytes("tag", &tag, 16);
}

static void chained(int words)                                  /* each block is the key of the next two, so to speak */
{
    struct key key;
    block text = {{1}}, back;
    u8 bytes[32] = {0};
    for (int i = 0; i < 200; i++) {
        expand(&key, bytes, words);
        encrypt(&key, &text, &text);
        decrypt(&key, &text, &back);
        add((block *)bytes, back.byte, 16);
        add((block *)(bytes + 16), text.byte, 16);
    }
    line_bytes("chain", &text, 16);
}

void program(void)
{
#ifndef __AES__
    make_tables();
#endif
    fips_197("aes-128", 4);
    fips_197("aes-256", 8);
    for (int words = 4; words <= 8; words += 4) {
        message("gcm", words, 0, 0);
        message("gcm", words, 0, 20);
        message("gcm", words, 60, 20);
        message("gcm", words, LENGTH, 64);
        chained(words);
    }
}
