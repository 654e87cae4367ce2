/* gcc turns loops and assignments of structures into calls of these, even with -ffreestanding. REP MOVSB and STOSB are what
 * the processor has for them; -fno-tree-loop-distribute-patterns keeps gcc from making a memset of memset. */
#include "format.h"

void *memcpy(void *to, const void *from, size_t size)
{
    void *end = to;
    __asm__ volatile("rep movsb" : "+D"(end), "+S"(from), "+c"(size) : : "memory");
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    if ((char *)to <= (const char *)from || (char *)to >= (const char *)from + size)
        return memcpy(to, from, size);
    for (char *end = (char *)to + size; end-- != to;)   /* they overlap: from the end */
        *end = ((const char *)from)[end - (char *)to];
    return to;
}

void *memset(void *to, int value, size_t size)
{
    void *end = to;
    __asm__ volatile("rep stosb" : "+D"(end), "+c"(size) : "a"(value) : "memory");
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *x = a, *y = b;
    for (size_t i = 0; i < size; i++)
        if (x[i] != y[i])
            return x[i] - y[i];
    return 0;
}
