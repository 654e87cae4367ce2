/* The string functions of C: byte by byte, with PCMPISTRI and its kin (SSE4.2), with 32 bytes at a time (AVX2). */
#include "guest.h"
#ifdef __SSE4_2__
#include <immintrin.h>
#endif

enum { ROOM = 8192, LONGEST = 3000 };

static char text[ROOM] __attribute__((aligned(64))), other[ROOM] __attribute__((aligned(64)));

/* ---- loops that the compiler makes vectors of, or calls nobody */

static OUT_OF_LINE void copy(char *restrict to, const char *restrict from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = from[i];
}

static OUT_OF_LINE void copy_back(char *to, const char *from, size_t count)
{
    while (count--)
        to[count] = from[count];
}

static OUT_OF_LINE void set(char *to, char value, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = value;
}

static OUT_OF_LINE int count_of(const char *at, char wanted, size_t count)
{
    int sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += at[i] == wanted;
    return sum;
}

static OUT_OF_LINE void upper(char *at, size_t count)
{
    for (size_t i = 0; i < count; i++)
        at[i] = at[i] >= 'a' && at[i] <= 'z' ? at[i] - 32 : at[i];
}

static OUT_OF_LINE void widen(u16 *restrict to, const char *restrict from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (u8)from[i];
}

#ifdef __SSE4_2__

static inline __m128i load(const char *at) { return _mm_loadu_si128((const __m128i *)at); }

/* Index of the first byte of `at` in `set` (or in its ranges, or not in it), or of the end */
#define SPAN(name, mode) \
    static OUT_OF_LINE size_t name(const char *at, const char *set) \
    { \
        const __m128i accepted = load(set); \
        for (size_t i = 0;; i += 16) { \
            __m128i piece = load(at + i); \
            if (_mm_cmpistrc(accepted, piece, mode)) \
                return i + _mm_cmpistri(accepted, piece, mode); \
            if (_mm_cmpistrz(accepted, piece, mode)) \
                return i + _mm_cmpistri(_mm_setzero_si128(), piece, _SIDD_CMP_EQUAL_EACH); \
        } \
    }

SPAN(find_any, _SIDD_CMP_EQUAL_ANY)
SPAN(find_other, _SIDD_CMP_EQUAL_ANY | _SIDD_MASKED_NEGATIVE_POLARITY)
SPAN(find_in_ranges, _SIDD_CMP_RANGES)

static OUT_OF_LINE int compare(const char *a, const char *b)
{
    enum { MODE = _SIDD_CMP_EQUAL_EACH | _SIDD_NEGATIVE_POLARITY };
    for (size_t i = 0;; i += 16) {
        __m128i x = load(a + i), y = load(b + i);
        if (_mm_cmpistrc(x, y, MODE)) {
            int at = _mm_cmpistri(x, y, MODE);
            return (u8)a[i + at] - (u8)b[i + at];
        }
        if (_mm_cmpistrz(x, y, MODE))
            return 0;
    }
}

static OUT_OF_LINE const char *find_text(const char *at, const char *wanted)    /* of at most 16 bytes */
{
    const __m128i needle = load(wanted);
    for (;;) {
        __m128i piece = load(at);
        int index = _mm_cmpistri(needle, piece, _SIDD_CMP_EQUAL_ORDERED);
        if (index == 0 && _mm_cmpistro(needle, piece, _SIDD_CMP_EQUAL_ORDERED)) {
            size_t same = 0;                                    /* all of it, or up to the end of the piece */
            while (wanted[same] && at[same] == wanted[same])
                same++;
            if (!wanted[same])
                return at;
            at++;
            continue;
        }
        if (_mm_cmpistrz(needle, piece, _SIDD_CMP_EQUAL_ORDERED) && index == 16)
            return NULL;
        at += index;
    }
}

static OUT_OF_LINE u64 words_in_common(const u16 *a, int a_count, const u16 *b, int b_count)
{
    __m128i x = _mm_loadu_si128((const __m128i *)a), y = _mm_loadu_si128((const __m128i *)b);
    __m128i bits = _mm_cmpestrm(x, a_count, y, b_count, _SIDD_UWORD_OPS | _SIDD_CMP_EQUAL_ANY);
    __m128i words = _mm_cmpestrm(x, a_count, y, b_count, _SIDD_UWORD_OPS | _SIDD_CMP_EQUAL_ANY | _SIDD_UNIT_MASK);
    int last = _mm_cmpestri(x, a_count, y, b_count, _SIDD_UWORD_OPS | _SIDD_CMP_EQUAL_ANY | _SIDD_MOST_SIGNIFICANT);
    return _mm_cvtsi128_si32(bits) | (u64)_mm_movemask_epi8(words) << 16 | (u64)last << 32;
}

#else

static int is_in(char byte, const char *set)
{
    while (*set && *set != byte)
        set++;
    return *set != 0;
}

static int is_in_ranges(char byte, const char *set)
{
    for (; set[0] && set[1]; set += 2)
        if ((u8)byte >= (u8)set[0] && (u8)byte <= (u8)set[1])
            return 1;
    return 0;
}

#define SPAN(name, found) \
    static OUT_OF_LINE size_t name(const char *at, const char *set) \
    { \
        size_t i = 0; \
        while (at[i] && !(found)) \
            i++; \
        return i; \
    }

SPAN(find_any, is_in(at[i], set))
SPAN(find_other, !is_in(at[i], set))
SPAN(find_in_ranges, is_in_ranges(at[i], set))

static OUT_OF_LINE int compare(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (u8)*a - (u8)*b;
}

static OUT_OF_LINE const char *find_text(const char *at, const char *wanted)
{
    for (; *at; at++) {
        size_t same = 0;
        while (wanted[same] && at[same] == wanted[same])
            same++;
        if (!wanted[same])
            return at;
    }
    return NULL;
}

static OUT_OF_LINE u64 words_in_common(const u16 *a, int a_count, const u16 *b, int b_count)
{
    u64 bits = 0, bytes = 0, last = 8;
    for (int i = 0; i < b_count; i++)
        for (int j = 0; j < a_count; j++)
            if (a[j] == b[i])
                bits |= 1 << i, bytes |= 3 << 2 * i, last = i;
    return bits | bytes << 16 | last << 32;
}

#endif

#ifdef __AVX2__

static inline u32 equal(const char *at, char byte)              /* a bit for each of 32 bytes */
{
    return _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)at), _mm256_set1_epi8(byte)));
}

static OUT_OF_LINE size_t length(const char *at)
{
    for (size_t i = 0;; i += 32)
        if (equal(at + i, 0))
            return i + __builtin_ctz(equal(at + i, 0));
}

static OUT_OF_LINE const char *find_char(const char *at, char byte)
{
    for (;; at += 32) {
        u32 end = equal(at, 0), found = equal(at, byte);
        if (found & (end ^ (end - 1)))
            return at + __builtin_ctz(found);
        if (end)
            return NULL;
    }
}

static OUT_OF_LINE const char *find_last(const char *at, char byte)
{
    const char *last = NULL;
    for (;; at += 32) {
        u32 end = equal(at, 0), found = equal(at, byte) & (end ^ (end - 1));
        if (found)
            last = at + 31 - __builtin_clz(found);
        if (end)
            return last;
    }
}

static OUT_OF_LINE int compare_bytes(const char *a, const char *b, size_t count)
{
    for (size_t i = 0; i < count; i += 32) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(a + i)), y = _mm256_loadu_si256((const __m256i *)(b + i));
        u32 differ = ~_mm256_movemask_epi8(_mm256_cmpeq_epi8(x, y));
        if (differ) {
            size_t at = i + __builtin_ctz(differ);
            return at < count ? (u8)a[at] - (u8)b[at] : 0;
        }
    }
    return 0;
}

#else

static OUT_OF_LINE size_t length(const char *at)
{
    size_t i = 0;
    while (at[i])
        i++;
    return i;
}

static OUT_OF_LINE const char *find_char(const char *at, char byte)
{
    for (; *at; at++)
        if (*at == byte)
            return at;
    return byte ? NULL : at;
}

static OUT_OF_LINE const char *find_last(const char *at, char byte)
{
    const char *last = NULL;
    for (; *at; at++)
        if (*at == byte)
            last = at;
    return last;
}

static OUT_OF_LINE int compare_bytes(const char *a, const char *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (a[i] != b[i])
            return (u8)a[i] - (u8)b[i];
    return 0;
}

#endif

static void write_text(size_t from, size_t count)               /* words in small letters, with stops, and a 0 */
{
    set(text, 0, ROOM);
    for (size_t i = 0; i < count; i++) {
        u32 random = random_bits() >> 32;
        text[from + i] = random % 7 == 0 ? ' ' : random % 97 == 1 ? '.' : 'a' + random / 97 % 26;
    }
}

static u64 place(const char *found)
{
    return found ? found - text : 0xFFFF;
}

static void all_of(size_t from, size_t count)
{
    static u16 wide[ROOM];
    u64 sum = 0;
    const char *at = text + from;
    write_text(from, count);
    put_decimal(from);
    line(" length", length(at));
    sum = sum * 31 + place(find_char(at, 'q'));
    sum = sum * 31 + place(find_char(at, 'Q'));
    sum = sum * 31 + place(find_last(at, '.'));
    sum = sum * 31 + place(find_text(at, "e"));
    sum = sum * 31 + place(find_text(at, " a"));
    sum = sum * 31 + place(find_text(at, "the"));
    sum = sum * 31 + place(find_text(at, "0123456789abcde"));
    line("find", sum);
    for (size_t i = 0, step; i < count; i += step + 1) {
        step = find_any(at + i, ".xyz");
        sum = sum * 31 + step;
        step = find_in_ranges(at + i, "!-w{");
        sum = sum * 31 + step;
        sum = sum * 31 + find_other(at + i, "abcdefghijklm");
    }
    line("spans", sum);
    copy(other + 5, at, count + 1);
    sum = compare(other + 5, at) + compare_bytes(other + 5, at, count + 1);
    for (size_t i = 0; i < count; i += count / 16 + 1) {
        other[5 + i] ^= 0x81;
        sum = sum * 31 + compare(other + 5, at);
        sum = sum * 31 + compare(at, other + 5);
        sum = sum * 31 + compare_bytes(other + 5, at, count);
        sum = sum * 31 + compare_bytes(other + 5, at, i);
        other[5 + i] ^= 0x81;
    }
    line("compare", sum);
    copy_back(other + 9, other + 5, count + 1);
    upper(other + 9, count);
    widen(wide, other + 9, count);
    line_sum("upper", other, 5 + count);
    line_sum("wide", wide, 2 * count);
    line("spaces", count_of(other, ' ', count + 16));
}

void program(void)
{
    static const size_t lengths[] = {0, 1, 2, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 255, 257, 1000, LONGEST};
    for (size_t i = 0; i < COUNT(lengths); i++)
        all_of(i * 5 % 33, lengths[i]);
    u16 a[8], b[8];
    for (int i = 0; i < 100; i++) {
        for (int j = 0; j < 8; j++)
            a[j] = random_bits() >> 60, b[j] = random_bits() >> 60;
        line("words", words_in_common(a, i % 9, b, i / 9 % 9));
    }
}
