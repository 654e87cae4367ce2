/* Formatted output and the four functions of <string.h> that gcc calls by itself. Loader and kernel share them: neither
 * has a C library. */
#ifndef FORMAT_H
#define FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* Hands the characters of a text to `put`. Known are %c %s %u %x %lu %lx %%, with a width, 0 and - as printf has them:
 * %-8s, %5lu, %016lx. Hexadecimal digits are capitals. */
void format(void (*put)(char), const char *text, va_list arguments);

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);

#endif
