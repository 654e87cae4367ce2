/* What a program has: a line of text at a time, checksums, numbers that are the same in each run, and exceptions.
   The same object file is linked twice, with bare.c for a machine of its own and with hosted.c for this host: so the
   same instructions run in both, and both have to print the same. */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t i8;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;
typedef long double extended;

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define OUT_OF_LINE __attribute__((noinline, noclone))

/* the program itself */
void program(void);

/* common.c */
void put(const char *text);
void put_hex(u64 value, int digits);
void put_decimal(i64 value);
void put_bytes(const void *data, size_t bytes);
void line(const char *name, u64 value);                         /* "name 0123456789abcdef" */
void line_bytes(const char *name, const void *data, size_t bytes);
void line_sum(const char *name, const void *data, size_t bytes);
u64 checksum(const void *data, size_t bytes);
u64 random_bits(void);
double random_unit(void);                                       /* 0 <= x < 1, a multiple of 2^-52 */

/* bare.c, hosted.c */
void put_char(char character);

/* What FXSAVE64 stores (SDM volume 1, table 10-2). */
struct fxsave {
    u16 fcw, fsw, ftw, fop;
    u64 fip, fdp;
    u32 mxcsr, mxcsr_mask;
    u8 st[8][16], xmm[16][16], rest[96];
};

enum { MF = 16, XM = 19 };

/* Called for #MF and #XM. The program goes on at *rip with what then is in *state. */
typedef void exception_handler(unsigned vector, u64 *rip, struct fxsave *state);
extern exception_handler *on_exception;
