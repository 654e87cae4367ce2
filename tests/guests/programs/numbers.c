/* Printing floating-point numbers exactly, %e %f and %g, double and long double, and reading them back.

   A finite number is m * 2^e. As an integer of decimal digits it is m * 2^e, or m * 5^-e with the point -e digits from
   the right; then rounding is a matter of digits. Each line has the bits of its number, so that others can print it too. */
#include "guest.h"

enum { GROUP = 1000000000, GROUP_DIGITS = 9, GROUPS = 1840, DIGITS = GROUPS * GROUP_DIGITS };

struct decimal {
    int count, point;                   /* digits; how many of them are behind the point */
    char digit[DIGITS];                 /* the first one is not '0', unless it is the only one */
};

static u32 groups[GROUPS];              /* from the lowest */

static int times(int count, u32 factor)
{
    u64 carry = 0;
    for (int i = 0; i < count; i++) {
        carry += (u64)groups[i] * factor;
        groups[i] = carry % GROUP;
        carry /= GROUP;
    }
    for (; carry; carry /= GROUP)
        groups[count++] = carry % GROUP;
    return count;
}

static void expand(u64 m, int e, struct decimal *out)
{
    int count = 0, zeros = 0;
    for (; m && !(m & 1); e++)
        m >>= 1;
    out->point = m && e < 0 ? -e : 0;
    for (u64 rest = m; rest || !count; rest /= GROUP)
        groups[count++] = rest % GROUP;
    for (int left = m ? e : 0; left > 0; left -= left < 29 ? left : 29)
        count = times(count, 1u << (left < 29 ? left : 29));
    for (int left = out->point; left > 0; left -= 13) {
        u32 power = 1;
        for (int i = 0; i < left && i < 13; i++)
            power *= 5;
        count = times(count, power);
    }
    out->count = 0;
    for (int i = count - 1; i >= 0; i--) {
        u32 group = groups[i];
        for (int j = GROUP_DIGITS - 1; j >= 0; j--, group /= 10)
            out->digit[out->count + j] = '0' + group % 10;
        out->count += GROUP_DIGITS;
    }
    while (zeros < out->count - 1 && out->digit[zeros] == '0')
        zeros++;
    out->count -= zeros;
    for (int i = 0; i < out->count; i++)
        out->digit[i] = out->digit[i + zeros];
}

/* The first `keep` digits, which may be none or less, as a nearest number, ties to even */
static void round_to(struct decimal *number, int keep)
{
    int up = 0, dropped = number->count - keep;
    if (dropped <= 0)
        return;
    if (keep >= 0 && number->digit[keep] >= '5') {
        up = number->digit[keep] > '5' || keep && number->digit[keep - 1] & 1;
        for (int i = keep + 1; i < number->count && !up; i++)
            up = number->digit[i] != '0';
    }
    number->count = keep > 0 ? keep : 0;
    number->point -= dropped;
    int at = number->count - 1;
    for (; up && at >= 0 && number->digit[at] == '9'; at--)
        number->digit[at] = '0';
    if (up && at >= 0)
        number->digit[at]++;
    else if (up || !number->count) {                            /* 999 is 1000, and nothing is 0 */
        for (int i = number->count++; i > 0; i--)
            number->digit[i] = number->digit[i - 1];
        number->digit[0] = '0' + up;
    }
}

static void put_digits(const struct decimal *number, int from, int count)       /* with zeros where there are none */
{
    for (int i = from; i < from + count; i++)
        put_char(i >= 0 && i < number->count ? number->digit[i] : '0');
}

static void put_fixed(const struct decimal *number, int precision)
{
    int whole = number->count - number->point;
    put_digits(number, whole > 0 ? 0 : -1, whole > 0 ? whole : 1);
    if (precision) {
        put_char('.');
        put_digits(number, whole, precision);
    }
}

static void put_scientific(const struct decimal *number, int precision, int exponent)
{
    put_digits(number, 0, 1);
    if (precision) {
        put_char('.');
        put_digits(number, 1, precision);
    }
    put(exponent < 0 ? "e-" : "e+");
    if (exponent < 10 && exponent > -10)
        put_char('0');
    put_decimal(exponent < 0 ? -exponent : exponent);
}

static struct decimal exact;

static void put_finite(u64 m, char conversion, int precision)
{
    static struct decimal number;
    number.count = exact.count;
    number.point = exact.point;
    for (int i = 0; i < exact.count; i++)
        number.digit[i] = exact.digit[i];
    if (conversion == 'f') {
        round_to(&number, number.count - number.point + precision);
        put_fixed(&number, precision);
        return;
    }
    int significant = conversion == 'e' ? precision + 1 : precision ? precision : 1;
    round_to(&number, significant);
    if (number.count > significant)                             /* 9.99 became 10.0 */
        number.count--, number.point--;
    int exponent = m ? number.count - number.point - 1 : 0;
    if (conversion == 'e') {
        put_scientific(&number, precision, exponent);
        return;
    }
    while (number.count > 1 && number.digit[number.count - 1] == '0')
        number.count--, number.point--;
    if (exponent < -4 || exponent >= significant)
        put_scientific(&number, number.count - 1, exponent);
    else
        put_fixed(&number, number.point > 0 ? number.point : 0);
}

static const struct format { char conversion; int precision; }
    OF_DOUBLE[] = {{'e', 17}, {'e', 5}, {'f', 0}, {'f', 6}, {'g', 6}, {'g', 17}, {0, 0}},
    OF_EXTENDED[] = {{'e', 20}, {'f', 3}, {'g', 21}, {0, 0}};

static void put_number(int negative, int special, u64 m, int e, const struct format *format)
{
    if (!special)
        expand(m, e, &exact);
    for (; format->conversion; format++) {
        put(negative ? " -" : " ");
        if (special)
            put(m << 1 ? "nan" : "inf");
        else
            put_finite(m, format->conversion, format->precision);
    }
    put_char('\n');
}

static void print(double x)
{
    union { double number; u64 bits; } value = {x};
    int exponent = value.bits >> 52 & 0x7FF;
    u64 fraction = value.bits & ~0ull >> 12;
    put_hex(value.bits, 16);
    put_number(value.bits >> 63, exponent == 0x7FF, exponent && exponent != 0x7FF ? fraction | 1ull << 52 : fraction,
               (exponent ? exponent : 1) - 1075, OF_DOUBLE);
}

static void print_extended(extended x)
{
    union { extended number; struct { u64 m; u16 top; } bits; } value = {.number = x};
    int exponent = value.bits.top & 0x7FFF;
    put_hex(value.bits.top, 4);
    put_hex(value.bits.m, 16);
    put_number(value.bits.top >> 15, exponent == 0x7FFF, value.bits.m, (exponent ? exponent : 1) - 16446, OF_EXTENDED);
    print((double)x);
}

/* From 17 digits back to a double, with an extended product: nearly always right, and the same on each machine. */
static double reread(double x)
{
    static struct decimal number;
    union { double number; u64 bits; } value = {x};
    int exponent = value.bits >> 52 & 0x7FF;
    extended y = 0, ten = 10;
    expand((value.bits & ~0ull >> 12) | 1ull << 52, exponent - 1075, &number);
    round_to(&number, 17);
    for (int i = 0; i < number.count; i++)
        y = y * ten + (number.digit[i] - '0');
    for (int n = number.point < 0 ? -number.point : number.point; n; n >>= 1, ten *= ten)
        if (n & 1)
            y = number.point < 0 ? y * ten : y / ten;
    return x < 0 ? -y : y;
}

void program(void)
{
    static const double some[] = {
        0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, 0.1, 0.2, 0.3, 1.0 / 3, 2.0 / 3, 9.5, 99.5, 999999.5, 9999995.0,
        0.000099999995, 123456789.0, 1e15, 1e16, 1e17, 1e22, 1e23, 5e-324, 2.2250738585072014e-308,
        2.2250738585072009e-308, 1.7976931348623157e308, 3.141592653589793, 2.718281828459045, 0x1p53, 0x1p-53,
        0x1.fffffep127, 0x1p-149, 1e-5, 1e-4, 123456.5, 1e100, 1e-100};
    volatile double huge = 1e308, tiny = 1e-308, zero = 0;
    volatile extended one = 1, nothing = 0;
    for (size_t i = 0; i < COUNT(some); i++)
        print(some[i]);
    print(huge * 10);                                           /* what arithmetic makes of the edges */
    print(-huge * 10);
    print(huge * 10 - huge * 10);
    print(zero / zero);
    print(1 / zero);
    print(tiny / 1000);
    print(tiny / 3e15);
    print(tiny / 1e16);
    print(-tiny * tiny);
    print((float)huge);
    print((float)(tiny * 1e265));
    double product = 1, quotient = 1;
    for (int i = 1; i < 24; i++) {
        print(product *= i * 1.1);
        print(quotient /= i * i);
    }
    u64 exact = 0;
    for (int i = 0; i < 24; i++) {
        union { u64 bits; double number; } any = {random_bits()};
        print(any.number);
        double x = (random_unit() - 0.5) * 1e6;
        print(x);
        exact += reread(x) == x;
    }
    line("read back", exact);

    extended third = one / 3, power = one;
    print_extended(third);
    print_extended(-third);
    print_extended(nothing);
    print_extended(one / nothing);
    print_extended(-one / nothing);
    print_extended(one / nothing - one / nothing);
    for (int i = 0; i < 6; i++) {
        print_extended(power);
        power = power * 1.1L * 12345678901.0L;
    }
    for (int i = 0; i < 12; i++)
        power = power * power > one / nothing / 2 ? one : i < 6 ? power * power : power / 3;
    print_extended(power);
    extended small = 0x1p-16382L;
    print_extended(0x1.fffffffffffffffep+16383L * one);
    print_extended(small * one / 3);
    print_extended(small * one * 0x1p-64L);
    print_extended(small * one * 0x1.8p-64L);
}
