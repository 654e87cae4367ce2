/* Text, checksums and random numbers, in whole numbers only. */
#include "guest.h"

exception_handler *on_exception;

void put(const char *text)
{
    while (*text)
        put_char(*text++);
}

void put_hex(u64 value, int digits)
{
    while (digits--)
        put_char("0123456789abcdef"[value >> 4 * digits & 15]);
}

void put_decimal(i64 value)
{
    char digits[20];
    int count = 0;
    u64 rest = value < 0 ? -(u64)value : (u64)value;
    do
        digits[count++] = '0' + rest % 10;
    while (rest /= 10);
    if (value < 0)
        put_char('-');
    while (count)
        put_char(digits[--count]);
}

void put_bytes(const void *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        put_hex(((const u8 *)data)[i], 2);
}

void line(const char *name, u64 value)
{
    put(name);
    put_char(' ');
    put_hex(value, 16);
    put_char('\n');
}

void line_bytes(const char *name, const void *data, size_t bytes)
{
    put(name);
    put_char(' ');
    put_bytes(data, bytes);
    put_char('\n');
}

void line_sum(const char *name, const void *data, size_t bytes)
{
    line(name, checksum(data, bytes));
}

u64 checksum(const void *data, size_t bytes)                    /* FNV-1a, 64 bits */
{
    u64 sum = 0xCBF29CE484222325;
    for (size_t i = 0; i < bytes; i++)
        sum = (sum ^ ((const u8 *)data)[i]) * 0x100000001B3;
    return sum;
}

u64 random_bits(void)                                           /* xorshift64* */
{
    static u64 state = 0x9E3779B97F4A7C15;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545F4914F6CDD1D;
}

double random_unit(void)
{
    union { u64 bits; double number; } one_and = {random_bits() >> 12 | 0x3FFull << 52};
    return one_and.number - 1.0;
}
