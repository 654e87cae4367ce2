/* format: printf's small relative. */
#include "format.h"

#include <stdint.h>

static size_t digits_of(uint64_t number, unsigned base, char digits[static 20])
{
    size_t count = 0;
    char turned[20];
    do {
        turned[count++] = "0123456789ABCDEF"[number % base];
        number /= base;
    } while (number);
    for (size_t i = 0; i < count; i++)
        digits[i] = turned[count - 1 - i];
    return count;
}

static void padded(void (*put)(char), const char *text, size_t length, size_t width, int left, char fill)
{
    size_t missing = length < width ? width - length : 0;
    for (size_t i = 0; !left && i < missing; i++)
        put(fill);
    for (size_t i = 0; i < length; i++)
        put(text[i]);
    for (size_t i = 0; left && i < missing; i++)
        put(' ');
}

void format(void (*put)(char), const char *text, va_list arguments)
{
    for (; *text; text++) {
        if (*text != '%') {
            put(*text);
            continue;
        }
        int left = text[1] == '-';
        text += left;
        char fill = text[1] == '0' ? '0' : ' ';
        size_t width = 0;
        while (text[1] >= '0' && text[1] <= '9')
            width = width * 10 + (size_t)(*++text - '0');
        int is_long = text[1] == 'l';
        text += 1 + is_long;

        char digits[20];
        const char *string = digits;
        size_t length;
        if (*text == 's') {
            string = va_arg(arguments, const char *);
            for (length = 0; string[length]; length++)
                ;
        } else if (*text == 'u' || *text == 'x') {
            uint64_t number = is_long ? va_arg(arguments, uint64_t) : va_arg(arguments, uint32_t);
            length = digits_of(number, *text == 'x' ? 16 : 10, digits);
        } else {
            digits[0] = *text == 'c' ? (char)va_arg(arguments, int) : *text;
            length = 1;
            if (!*text)                                 /* a % that ends the text */
                return;
        }
        padded(put, string, length, width, left, fill);
    }
}
