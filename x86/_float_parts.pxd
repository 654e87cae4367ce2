# What the formats have in common: a number taken apart, arithmetic on the parts, and rounding. Every function is inline and
# its formats are constants, so one text makes the code of each format.
#
#    sign, exponent, significand:   (-1)^sign * significand / 2^63 * 2^exponent,  bit 63 of the significand set, or zero
#    high:low                       a result before rounding: 128 bits of significand, the last one sticky: it is set
#                                   if anything not zero was shifted out
from x86._float cimport *

cdef extern from *:
    """
    #include <stdint.h>
    static inline uint64_t float_divide(uint64_t high, uint64_t low, uint64_t by, uint64_t* rest)       /* high < by */
    {
    #ifdef __x86_64__
        uint64_t quotient;
        __asm__("divq %4" : "=a"(quotient), "=d"(*rest) : "0"(low), "1"(high), "r"(by) : "cc");
        return quotient;
    #else
        unsigned __int128 whole = (unsigned __int128)high << 64 | low;
        *rest = (uint64_t)(whole % by);
        return (uint64_t)(whole / by);
    #endif
    }
    #define leading_zeros_(x) __builtin_clzll(x)
    """
    u64 divide_wide "float_divide"(u64 high, u64 low, u64 by, u64* rest) nogil
    int leading_zeros "leading_zeros_"(u64 x) nogil                             # x is not 0

cdef enum: UNMASKED_SCALE = 24576         # an unmasked O or U: the x87's result is scaled by 2 to this power

cdef struct Parts:
    u64 significand
    i32 exponent
    u32 sign

cdef struct Sum:                # or any result before rounding
    u64 high, low               # high is 0 only if the value is
    i32 exponent
    u32 sign

cdef struct Rounded:
    u64 significand             # bit 63 is the integer bit; clear in a denormal
    i32 biased                  # exponent as it is stored; 0 with a denormal

cdef inline u64 high_of(u128 a) noexcept nogil: return <u64>(a >> 64)

cdef inline u64 shift_sticky(u64 a, i32 count) noexcept nogil:
    if count == 0: return a
    if count > 63: return a != 0
    return a >> count | (a << (64 - count) != 0)

cdef inline u128 shift_wide(u128 a, i32 count) noexcept nogil:
    """a >> count, the last bit sticky."""
    if count == 0: return a
    if count > 127: return a != 0
    return a >> count | (a << (128 - count) != 0)

# ---- rounding ---------------------------------------------------------------------------------------------------------

cdef inline bint rounds_up(int rounding, u32 sign, u64 odd, u64 rest) noexcept nogil:
    """Whether a magnitude whose fraction is rest / 2^64 (the last bit sticky) is rounded away from zero."""
    if rounding == TO_NEAREST: return rest > <u64>1 << 63 or (rest == <u64>1 << 63 and odd != 0)
    if rounding == TO_ZERO: return False
    return rest != 0 and (rounding == DOWN) == sign

cdef inline u64 round_at(int precision, u64 high, u64 low, u32 sign, int rounding, bint* inexact, bint* up) noexcept nogil:
    """`high` rounded to its first `precision` bits; 0 is a carry out of bit 63."""
    cdef u64 rest = low
    cdef u64 unit = <u64>1 << (64 - precision)
    if precision < 64:
        rest = high << precision | (low != 0)
        high &= ~(unit - 1)
    inexact[0] = rest != 0
    up[0] = rounds_up(rounding, sign, high & unit, rest)
    return high + unit if up[0] else high

cdef inline Rounded round_number(u32 sign, i32 biased, u64 high, u64 low, int precision, const int top, const bint x87,
                                 FloatMode* mode) noexcept nogil:
    """The number as a format stores it whose infinities have the exponent `top`, with OE, UE, PE and `up`.

    Tiny is what is too small after it was rounded as if the exponent had no end. Where O or U is unmasked, that is the
    rounding that counts; the x87 then scales by 2^-24576 or 2^24576, in other formats the result is of no use (SDM volume 1,
    4.9.1.4 and 4.9.1.5).
    """
    cdef Rounded result
    cdef bint inexact = False, up = False, tiny = False
    cdef u128 wide
    if unlikely(biased <= 0):
        tiny = biased < 0 or round_at(precision, high, low, sign, mode.rounding, &inexact, &up) != 0
        if tiny and not mode.masked & FLOAT_UE:
            mode.raised |= FLOAT_UE
            biased = biased + UNMASKED_SCALE if x87 else 1
        elif tiny and mode.ftz and not x87:
            mode.raised |= FLOAT_UE | FLOAT_PE
            result.significand = result.biased = 0
            return result
    if unlikely(biased <= 0):
        wide = shift_wide(<u128>high << 64 | low, 1 - biased)
        result.significand = round_at(precision, high_of(wide), <u64>wide, sign, mode.rounding, &inexact, &up)
        result.biased = result.significand >> 63
        if inexact: mode.raised |= FLOAT_PE | (FLOAT_UE if tiny else 0)
        mode.up = up
        return result
    result.significand = round_at(precision, high, low, sign, mode.rounding, &inexact, &up)
    if result.significand == 0:
        result.significand = <u64>1 << 63
        biased += 1
    if unlikely(biased >= top):
        mode.raised |= FLOAT_OE
        if not mode.masked & FLOAT_OE: biased = biased - UNMASKED_SCALE if x87 else 1
        if biased >= top:
            inexact = True
            up = mode.rounding == TO_NEAREST or (mode.rounding != TO_ZERO and (mode.rounding == DOWN) == sign)
            biased = top if up else top - 1
            result.significand = <u64>1 << 63 if up else ~<u64>0 << (64 - precision)
    if inexact: mode.raised |= FLOAT_PE
    mode.up = up
    result.biased = biased
    return result

cdef inline u64 pack_bits(Sum a, const int width, const int fraction, FloatMode* mode) noexcept nogil:
    """Rounded, and put together."""
    cdef i32 bias = (1 << (width - 2 - fraction)) - 1
    cdef Rounded r = round_number(a.sign, a.exponent + bias, a.high, a.low, fraction + 1, 2 * bias + 1, False, mode)
    return <u64>a.sign << (width - 1) | <u64>r.biased << fraction | (r.significand << 1 >> (64 - fraction))

# ---- arithmetic on parts: all of numbers that are not zero ------------------------------------------------------------

cdef inline Sum sum_of(u32 sign, i32 exponent, u128 a, u32 other, i32 others, u128 b) noexcept nogil:
    """a * 2^exponent + b * 2^others; bit 127 of both is set. A difference of nothing has high = low = 0."""
    cdef Sum result
    cdef i32 distance = exponent - others
    cdef int shift
    if distance < 0 or (distance == 0 and a < b):
        a, b = b, a
        sign, other = other, sign
        exponent = others
        distance = -distance
    b = shift_wide(b, distance)
    if sign == other:
        a += b
        if a < b:
            a = <u128>1 << 127 | a >> 1 | a & 1
            exponent += 1
    else:
        a -= b
        if a:
            shift = leading_zeros(high_of(a)) if high_of(a) else 64 + leading_zeros(<u64>a)
            a <<= shift
            exponent -= shift
    result.sign, result.exponent = sign, exponent
    result.high, result.low = high_of(a), <u64>a
    return result

cdef inline Sum product_of(Parts a, Parts b) noexcept nogil:
    cdef Sum result
    cdef u128 product = <u128>a.significand * b.significand
    result.exponent = a.exponent + b.exponent + 1
    if not product >> 127:
        product <<= 1
        result.exponent -= 1
    result.sign = a.sign ^ b.sign
    result.high, result.low = high_of(product), <u64>product
    return result

cdef inline Sum quotient_of(Parts a, Parts b) noexcept nogil:
    cdef Sum result
    cdef u64 rest = 0
    cdef bint less = a.significand < b.significand
    result.sign = a.sign ^ b.sign
    result.exponent = a.exponent - b.exponent - less
    if less: result.high = divide_wide(a.significand, 0, b.significand, &rest)
    else: result.high = divide_wide(a.significand >> 1, a.significand << 63, b.significand, &rest)
    # rest / b as far as rounding asks: below a half, a half, above
    result.low = <u64>(rest >= b.significand - rest) << 63 | (rest != 0 and rest != b.significand - rest)
    return result

cdef inline Sum root_of(Parts a) noexcept nogil:
    cdef Sum result
    cdef int odd = a.exponent & 1
    cdef u64 n = a.significand >> (1 - odd)                 # n * 2^64, from 2^126 on, has a root of 64 bits
    cdef u64 half = a.significand << 63 if not odd else 0
    cdef u64 root = 1473823000 + ((n >> 32) * <u64>2947600000 >> 32)        # of n, to 1/34; each step squares the error:
    cdef u64 over = 0
    cdef u128 rest
    root = (root + n / root) >> 1                           # 2^-11
    root = (root + n / root) >> 1                           # 2^-23
    root = (root + n / root) >> 1                           # it is the integer part, or one more
    root = (root if root < <u64>1 << 32 else <u64>0xFFFFFFFF) << 32 | <u64>0xFFFFFFFF
    # two more at the most; and the one number whose quotient has 65 bits
    if likely(n != ~<u64>0): root = <u64>((<u128>root + divide_wide(n, half, root, &over)) >> 1)
    while <u128>root * root > (<u128>n << 64 | half): root -= 1
    rest = (<u128>n << 64 | half) - <u128>root * root
    result.sign = 0
    result.exponent = a.exponent >> 1
    result.high = root
    result.low = <u64>(rest > root) << 63 | (rest != 0)     # (root + 1/2)^2 is no integer
    return result

cdef inline u64 whole_of(Parts a, int rounding, bint* inexact, bint* up) noexcept nogil:
    """The magnitude of a number below 2^64, rounded to an integer."""
    cdef u64 whole = 0, rest
    if a.exponent < 0:
        rest = shift_sticky(a.significand, -1 - a.exponent)
    else:
        whole = a.significand >> (63 - a.exponent)
        rest = a.significand << 1 << a.exponent if a.exponent < 63 else 0
    inexact[0] = rest != 0
    up[0] = rounds_up(rounding, a.sign, whole & 1, rest)
    return whole + up[0]

cdef inline Parts parts_of(u64 magnitude, u32 sign) noexcept nogil:
    """An integer that is not 0."""
    cdef Parts result
    cdef int shift = leading_zeros(magnitude)
    result.sign = sign
    result.exponent = 63 - shift
    result.significand = magnitude << shift
    return result
