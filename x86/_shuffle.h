/* PSHUFB on the host: 16 bytes of `from`, chosen by 16 indices; a byte whose index is negative is 0.
 *
 * A host with SSSE3 has the instruction. X86_PLAIN_LOOP leaves it aside, so that the tests see the other way, too.
 */
#ifndef X86_SHUFFLE_H
#define X86_SHUFFLE_H

#include <stdint.h>

#if defined(__x86_64__) && !defined(X86_PLAIN_LOOP)
typedef char x86_bytes __attribute__((vector_size(16), aligned(1), may_alias));
#define X86_HAS_SHUFFLE __builtin_cpu_supports("ssse3")
#define X86_SHUFFLE(to, from, index)                                                                                \
    ({                                                                                                              \
        x86_bytes bytes_ = *(const x86_bytes *)(from);                                                              \
        __asm__("pshufb %1, %0" : "+x"(bytes_) : "x"(*(const x86_bytes *)(index)));                                 \
        *(x86_bytes *)(to) = bytes_;                                                                                \
    })
#else
#define X86_HAS_SHUFFLE 0
#define X86_SHUFFLE(to, from, index) ((void)0)
#endif

static inline __attribute__((always_inline)) void shuffle_bytes(uint8_t *to, const uint8_t *from, const uint8_t *index)
{
    if (X86_HAS_SHUFFLE) {
        X86_SHUFFLE(to, from, index);
        return;
    }
    for (int i = 0; i < 16; i++)
        to[i] = index[i] & 0x80 ? 0 : from[index[i] & 15];
}

#endif
