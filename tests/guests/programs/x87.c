/* The x87's own functions: what IEEE defines to the last bit, what the manual does to a few bits less, and the stack. */
#include "guest.h"

typedef union { extended number; struct { u64 significand; u16 top; } bits; u8 byte[16]; } real;

static u16 status(void)
{
    u16 word;
    __asm__ volatile("fnstsw %0" : "=a"(word));
    return word;
}

static void show(const char *name, extended x)
{
    real value = {.number = x};
    put(name);
    put_char(' ');
    put_hex(value.bits.top, 4);
    put_char('.');
    put_hex(value.bits.significand, 16);
    put_char(' ');
    put_hex(status(), 4);
    put_char('\n');
    __asm__ volatile("fnclex");
}

static u64 sum;

static void add(extended x)                                     /* the result and what the status word says of it */
{
    real value = {.number = x};
    sum = ((sum * 31 + value.bits.significand) * 31 + value.bits.top) * 31 + status();
    __asm__ volatile("fnclex");
}

/* A transcendental result is within 1 ulp (SDM volume 1, 8.3.10); processors differ in the last bits, so only 40 count. */
static void show_about(const char *name, extended x)
{
    real value = {.number = x};
    put(name);
    put_char(' ');
    if (value.bits.significand << 1 == 0 || (value.bits.top & 0x7FFF) == 0x7FFF)
        put_hex(value.bits.significand, 16);
    else {
        u64 rounded = (value.bits.significand << 1 >> 25) + (value.bits.significand >> 23 & 1);
        put_hex((value.bits.top & 0x7FFF) + (rounded >> 39), 4);
        put_char('.');
        put_hex(rounded << 1, 10);
    }
    put(value.bits.top >> 15 ? " -\n" : " +\n");
    __asm__ volatile("fnclex");
}

/* ---- exact */

#define ONE(name) static OUT_OF_LINE extended name(extended x) { __asm__ volatile(#name : "+t"(x)); return x; }
#define TWO(name) \
    static OUT_OF_LINE extended name(extended x, extended y) { __asm__ volatile(#name : "+t"(x) : "u"(y)); return x; }
/* (x, y) in ST(0), ST(1), gone for one result */
#define POP(name) \
    static OUT_OF_LINE extended name(extended x, extended y) \
    { \
        __asm__ volatile(#name : "+t"(x) : "u"(y) : "st(1)"); \
        return x; \
    }

ONE(fsqrt)
ONE(fabs)
ONE(fchs)
ONE(frndint)
ONE(f2xm1)
ONE(fsin)
ONE(fcos)
TWO(fscale)
TWO(fprem)
TWO(fprem1)
POP(fyl2x)
POP(fyl2xp1)
POP(fpatan)

static OUT_OF_LINE void fxtract(extended x)
{
    extended exponent;
    __asm__ volatile("fxtract" : "+t"(x), "=u"(exponent));
    show("fxtract", x);
    show("exponent", exponent);
}

static OUT_OF_LINE void fxam(extended x)
{
    u16 word;
    __asm__ volatile("fxam\n\tfnstsw %0" : "=a"(word) : "t"(x));
    line("fxam", word & 0x4700);
}

static OUT_OF_LINE void packed(extended x)
{
    u8 image[10];
    extended back;
    __asm__ volatile("fbstp %1\n\tfbld %1" : "=t"(back), "=m"(image) : "0"(x) : "st(1)");
    line_bytes("fbstp", image, 10);
    show("fbld", back);
}

static OUT_OF_LINE extended remainder(extended x, extended y)   /* as libm makes it, from pieces of 63 bits at most */
{
    u16 word;
    do
        __asm__ volatile("fprem\n\tfnstsw %1" : "+t"(x), "=a"(word) : "u"(y));
    while (word & 0x400);
    return x;
}

/* ---- from the functions of the manual */

static extended constant(int which)
{
    extended x;
    switch (which) {
    case 0: __asm__ volatile("fldpi" : "=t"(x)); break;
    case 1: __asm__ volatile("fldl2e" : "=t"(x)); break;
    case 2: __asm__ volatile("fldl2t" : "=t"(x)); break;
    case 3: __asm__ volatile("fldlg2" : "=t"(x)); break;
    case 4: __asm__ volatile("fldln2" : "=t"(x)); break;
    case 5: __asm__ volatile("fld1" : "=t"(x)); break;
    default: __asm__ volatile("fldz" : "=t"(x)); break;
    }
    return x;
}

static extended exponential(extended x)                         /* 2^(x log2 e), whole and fraction apart */
{
    extended power = x * constant(1), whole = frndint(power);
    return fscale(f2xm1(power - whole) + 1, whole);
}

static extended logarithm(extended x) { return fyl2x(x, constant(4)); }
static extended arctangent(extended x) { return fpatan(1, x); }

/* ---- the stack itself */

static void stack(const char *name)
{
    struct { u32 control, status, tags, rest[4]; } environment;
    __asm__ volatile("fnstenv %0" : "=m"(environment));
    put(name);
    put_char(' ');
    put_hex(environment.status & 0xFFFF, 4);
    put_char(' ');
    put_hex(environment.tags & 0xFFFF, 4);
    put_char('\n');
}

static OUT_OF_LINE void over_and_under(void)
{
    u8 area[108];
    extended top;
    __asm__ volatile("fninit\n\tfld1\n\tfldz\n\tfldpi\n\tfdecstp\n\tffree %%st(2)\n\tfincstp" : : : "memory");
    stack("three, one freed");
    __asm__ volatile("fnsave %0" : "=m"(area));
    line_bytes("saved", area + 28, 80);
    stack("after fnsave");
    __asm__ volatile("frstor %0" : : "m"(area));
    stack("after frstor");
    __asm__ volatile("fninit\n\tfaddp" : : : "memory");
    stack("underflow");
    __asm__ volatile("fstpt %0" : "=m"(top));
    show("indefinite", top);
    __asm__ volatile("fninit");
    for (int i = 0; i < 8; i++)
        __asm__ volatile("fld1" : : : "memory");
    stack("full");
    __asm__ volatile("fldpi" : : : "memory");
    stack("overflow");
    __asm__ volatile("fxch %%st(3)\n\tfcomip %%st(3), %%st" : : : "memory", "cc");
    stack("popped");
    __asm__ volatile("fninit");
}

void program(void)
{
    volatile extended zero = 0;
    const extended numbers[] = {
        zero, -zero, 1, -1, 2, 0.75L, -0.3L, 1e-30L, 3, 10, 1e10L, -123456.75L, 0x1.fffffffffffffffep63L, 0x1p-16382L,
        0x1p-16445L, 1e4000L, 1 / zero, -1 / zero, zero / zero};
    __asm__ volatile("fninit");
    for (u16 rounding = 0; rounding < 4; rounding++) {
        u16 control = 0x37F | rounding << 10;
        __asm__ volatile("fldcw %0" : : "m"(control));
        line("rounding", rounding);
        for (int i = 0; i < 7; i++)
            show("constant", constant(i));
        for (size_t i = 0; i < COUNT(numbers); i++) {
            show("fsqrt", fsqrt(numbers[i]));
            show("fabs", fabs(numbers[i]));
            show("fchs", fchs(numbers[i]));
            show("frndint", frndint(numbers[i]));
            fxtract(numbers[i]);
            fxam(numbers[i]);
            packed(numbers[i]);
            for (size_t j = 0; j < COUNT(numbers); j += 1 + rounding) {
                add(fscale(numbers[i], numbers[j]));
                add(fprem(numbers[i], numbers[j]));
                add(fprem1(numbers[i], numbers[j]));
            }
            line("fscale, fprem, fprem1", sum);
        }
    }
    __asm__ volatile("fninit");
    for (int i = 0; i < 200; i++) {
        extended x = ((extended)random_unit() - 0.5L) * (i % 3 ? 20 : 2000), y = (extended)random_unit() + 0.001L;
        add(remainder(x * 1e200L, y));
        add(fsqrt(y) * fsqrt(x * x));
        show_about("exp", exponential(x / 4));
        show_about("log", logarithm(y * 5));
        show_about("log 1 + x", fyl2xp1(y / 4, 1));
        show_about("atan", arctangent(x));
        show_about("sin", fsin(x));
        show_about("cos", fcos(x));
    }
    line("remainders and roots", sum);
    over_and_under();
}
