/* Cipher and hash instructions on 128 bits: their numbers, and the host's own if it has them. */
#ifndef X86_CRYPTO_H
#define X86_CRYPTO_H
#include "_host.h"

enum crypto_operation {
    AES_ENC, AES_ENC_LAST, AES_DEC, AES_DEC_LAST, AES_IMC, AES_KEYGEN, CLMUL, SHA1_RNDS4, SHA1_NEXTE, SHA1_MSG1, SHA1_MSG2,
    SHA256_RNDS2, SHA256_MSG1, SHA256_MSG2, GF_MUL, GF_AFFINE, GF_AFFINE_INVERSE
};
enum crypto_feature { CRYPTO_AES = 1, CRYPTO_CLMUL = 2, CRYPTO_SHA = 4, CRYPTO_GFNI = 8 };

#if X86_HOST_SSE
#include <cpuid.h>
#include <emmintrin.h>

static inline unsigned crypto_features(void)            /* of the host */
{
    unsigned a, b = 0, c = 0, d, leaf1 = 0;
    if (__get_cpuid(1, &a, &b, &c, &d)) leaf1 = c;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) b = c = 0;
    return (leaf1 >> 25 & 1 ? CRYPTO_AES : 0) | (leaf1 >> 1 & 1 ? CRYPTO_CLMUL : 0) | (b >> 29 & 1 ? CRYPTO_SHA : 0) |
           (c >> 8 & 1 ? CRYPTO_GFNI : 0);
}

/* r = operation(a, b), where operation is a constant. Assembly, because an intrinsic would need a function of its own that is
   compiled for another processor. Immediates take part in ways that need no constant. */
#define CRYPTO_DO(instruction) __asm__(instruction " %1, %0" : "+x"(x) : "x"(y)); break
static inline __attribute__((always_inline)) void crypto_on_host(const int operation, void *r, const void *a, const void *b,
                                                                 unsigned imm, const void *xmm0)
{
    __m128i x = _mm_loadu_si128((const __m128i *)a), y = _mm_loadu_si128((const __m128i *)b);
    switch (operation) {
    case AES_ENC: CRYPTO_DO("aesenc");
    case AES_ENC_LAST: CRYPTO_DO("aesenclast");
    case AES_DEC: CRYPTO_DO("aesdec");
    case AES_DEC_LAST: CRYPTO_DO("aesdeclast");
    case AES_IMC: CRYPTO_DO("aesimc");
    case AES_KEYGEN:
        __asm__("aeskeygenassist $0, %1, %0" : "=x"(x) : "x"(y));
        x = _mm_xor_si128(x, _mm_set_epi32(imm, 0, imm, 0));
        break;
    case CLMUL:
        if (imm & 1) x = _mm_srli_si128(x, 8);
        if (imm & 0x10) y = _mm_srli_si128(y, 8);
        CRYPTO_DO("pclmulqdq $0,");
    case SHA1_RNDS4:
        switch (imm & 3) {
        case 0: CRYPTO_DO("sha1rnds4 $0,");
        case 1: CRYPTO_DO("sha1rnds4 $1,");
        case 2: CRYPTO_DO("sha1rnds4 $2,");
        case 3: CRYPTO_DO("sha1rnds4 $3,");
        }
        break;
    case SHA1_NEXTE: CRYPTO_DO("sha1nexte");
    case SHA1_MSG1: CRYPTO_DO("sha1msg1");
    case SHA1_MSG2: CRYPTO_DO("sha1msg2");
    case SHA256_RNDS2:
        __asm__("sha256rnds2 %%xmm0, %1, %0" : "+x"(x) : "x"(y), "Yz"(_mm_loadu_si128((const __m128i *)xmm0)));
        break;
    case SHA256_MSG1: CRYPTO_DO("sha256msg1");
    case SHA256_MSG2: CRYPTO_DO("sha256msg2");
    case GF_MUL: CRYPTO_DO("gf2p8mulb");
    case GF_AFFINE:
        __asm__("gf2p8affineqb $0, %1, %0" : "+x"(x) : "x"(y));
        x = _mm_xor_si128(x, _mm_set1_epi8((char)imm));
        break;
    case GF_AFFINE_INVERSE:
        __asm__("gf2p8affineinvqb $0, %1, %0" : "+x"(x) : "x"(y));
        x = _mm_xor_si128(x, _mm_set1_epi8((char)imm));
        break;
    }
    _mm_storeu_si128((__m128i *)r, x);
}
#undef CRYPTO_DO
#else
static inline unsigned crypto_features(void) { return 0; }
#define crypto_on_host(operation, r, a, b, imm, xmm0) ((void)(r))
#endif

#endif
