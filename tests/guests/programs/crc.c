/* CRC-32 (of Ethernet) and CRC-32C (of iSCSI): by table, by the CRC32 instruction, by folding with PCLMULQDQ. */
#include "guest.h"
#ifdef __PCLMUL__
#include <immintrin.h>
#endif

enum { ETHERNET, CASTAGNOLI, LENGTH = 100000 };

static u32 tables[2][256];

static void make_tables(void)
{
    static const u32 polynomials[2] = {0xEDB88320, 0x82F63B78};
    for (int which = 0; which < 2; which++)
        for (u32 i = 0; i < 256; i++) {
            u32 value = i;
            for (int bit = 0; bit < 8; bit++)
                value = value >> 1 ^ (value & 1 ? polynomials[which] : 0);
            tables[which][i] = value;
        }
}

static u32 by_table(int which, u32 crc, const u8 *data, size_t bytes)
{
    while (bytes--)
        crc = crc >> 8 ^ tables[which][(u8)(crc ^ *data++)];
    return crc;
}

#ifdef __PCLMUL__

static u32 castagnoli(u32 crc, const u8 *data, size_t bytes)
{
    for (; bytes && (uintptr_t)data & 1; bytes--)
        crc = _mm_crc32_u8(crc, *data++);
    if (bytes >= 2 && (uintptr_t)data & 2)
        crc = _mm_crc32_u16(crc, *(const u16 *)data), data += 2, bytes -= 2;
    if (bytes >= 4 && (uintptr_t)data & 4)
        crc = _mm_crc32_u32(crc, *(const u32 *)data), data += 4, bytes -= 4;
    for (; bytes >= 8; data += 8, bytes -= 8)
        crc = _mm_crc32_u64(crc, *(const u64 *)data);
    while (bytes--)
        crc = _mm_crc32_u8(crc, *data++);
    return crc;
}

/* The polynomial `value`, moved on by as many bits as the constants stand for, plus `data` */
static inline __m128i fold(__m128i value, __m128i constants, __m128i data)
{
    return _mm_xor_si128(data, _mm_xor_si128(_mm_clmulepi64_si128(value, constants, 0x00),
                                             _mm_clmulepi64_si128(value, constants, 0x11)));
}

static inline __m128i load(const u8 *at) { return _mm_loadu_si128((const __m128i *)at); }

/* Four blocks at a time, then one, down to a block whose CRC is that of all; x^n mod P, reflected, moves on by n + 32 */
static u32 ethernet(u32 crc, const u8 *data, size_t bytes)
{
    const __m128i by_512 = _mm_set_epi64x(0x1C6E41596, 0x154442BD4);
    const __m128i by_128 = _mm_set_epi64x(0x0CCAA009E, 0x1751997D0);
    u8 last[16];
    if (bytes < 64)
        return by_table(ETHERNET, crc, data, bytes);
    __m128i sum[4];
    for (int i = 0; i < 4; i++)
        sum[i] = load(data + 16 * i);
    sum[0] = _mm_xor_si128(sum[0], _mm_cvtsi32_si128(crc));
    for (data += 64, bytes -= 64; bytes >= 64; data += 64, bytes -= 64)
        for (int i = 0; i < 4; i++)
            sum[i] = fold(sum[i], by_512, load(data + 16 * i));
    for (int i = 1; i < 4; i++)
        sum[0] = fold(sum[0], by_128, sum[i]);
    for (; bytes >= 16; data += 16, bytes -= 16)
        sum[0] = fold(sum[0], by_128, load(data));
    _mm_storeu_si128((__m128i *)last, sum[0]);
    return by_table(ETHERNET, by_table(ETHERNET, 0, last, 16), data, bytes);
}

#else

static u32 castagnoli(u32 crc, const u8 *data, size_t bytes) { return by_table(CASTAGNOLI, crc, data, bytes); }
static u32 ethernet(u32 crc, const u8 *data, size_t bytes) { return by_table(ETHERNET, crc, data, bytes); }

#endif

void program(void)
{
    static u8 data[LENGTH];
    make_tables();
    for (size_t i = 0; i < LENGTH; i++)
        data[i] = i * 167 + (i >> 8) + 13;
    for (size_t bytes = 0, start = 0; bytes + start <= LENGTH; start = (start + 1) % 11) {
        put_decimal(start);
        put_char(' ');
        put_decimal(bytes);
        put_char(' ');
        put_hex(~ethernet(~0u, data + start, bytes), 8);
        put_char(' ');
        put_hex(~castagnoli(~0u, data + start, bytes), 8);
        put_char('\n');
        bytes = bytes < 150 ? bytes + 1 : bytes * 7 / 3;
    }
}
