# binary16, binary32 and binary64: the bodies of _float.pxd. Each is written once, for any `width` with `fraction` bits of
# fraction; the functions at the end of each part are that text with both as constants.
from x86._state cimport *
from x86._float_parts cimport *

cdef inline u64 infinity(const int width, const int fraction) noexcept nogil:
    return (<u64>1 << (width - 1)) - (<u64>1 << fraction)

cdef inline u64 magnitude(u64 a, const int width) noexcept nogil: return a & ((<u64>1 << (width - 1)) - 1)

cdef inline u64 default_nan(const int width, const int fraction) noexcept nogil:
    return <u64>1 << (width - 1) | infinity(width, fraction) | <u64>1 << (fraction - 1)

cdef inline bint is_nan(u64 a, const int width, const int fraction) noexcept nogil:
    return magnitude(a, width) > infinity(width, fraction)

cdef inline bint is_signalling(u64 a, const int width, const int fraction) noexcept nogil:
    return is_nan(a, width, fraction) and not a >> (fraction - 1) & 1

cdef inline bint is_denormal(u64 a, const int width, const int fraction) noexcept nogil:
    return magnitude(a, width) - 1 < (<u64>1 << fraction) - 1

cdef inline u64 flushed(u64 a, const int width, const int fraction, FloatMode* mode) noexcept nogil:
    """DAZ: denormals are zeros."""
    return a & <u64>1 << (width - 1) if mode.daz and is_denormal(a, width, fraction) else a

cdef inline u64 quiet(u64 a, const int width, const int fraction, FloatMode* mode) noexcept nogil:
    """What a NaN becomes as a result."""
    if is_signalling(a, width, fraction): mode.raised |= FLOAT_IE
    return a | <u64>1 << (fraction - 1)

cdef inline u64 either_nan(u64 a, u64 b, const int width, const int fraction, FloatMode* mode) noexcept nogil:
    """The first NaN of the two, quiet."""
    if is_signalling(b, width, fraction): mode.raised |= FLOAT_IE
    if is_nan(a, width, fraction): return quiet(a, width, fraction, mode)
    return quiet(b, width, fraction, mode)

cdef inline u64 invalid(const int width, const int fraction, FloatMode* mode) noexcept nogil:
    mode.raised |= FLOAT_IE
    return default_nan(width, fraction)

cdef inline bint denormals_trap(bint denormal, FloatMode* mode) noexcept nogil:
    """DE where it is due. True if D is unmasked: there will be no result."""
    if not denormal: return False
    mode.raised |= FLOAT_DE
    return not mode.masked & FLOAT_DE

cdef inline Parts split(u64 a, const int width, const int fraction) noexcept nogil:
    """A finite number; the significand of a zero is 0."""
    cdef Parts result
    cdef u64 digits = magnitude(a, width) << (63 - fraction)
    cdef int shift
    result.sign = a >> (width - 1) & 1
    result.exponent = <i32>(magnitude(a, width) >> fraction) - ((1 << (width - 2 - fraction)) - 1)
    result.significand = digits | <u64>1 << 63
    if unlikely(magnitude(a, width) < <u64>1 << fraction):
        result.exponent += 1
        result.significand = digits
        if digits:
            shift = leading_zeros(digits)
            result.significand = digits << shift
            result.exponent -= shift
    return result

# ---- arithmetic -------------------------------------------------------------------------------------------------------

cdef inline u64 zero_of_difference(u64 a, u64 b, const int width, FloatMode* mode) noexcept nogil:
    """The sum of two zeros, or of numbers that cancel: +0, but -0 if both are negative, or on the way down."""
    return (a & b if mode.rounding != DOWN else a | b) & <u64>1 << (width - 1)

cdef inline u64 add(u64 a, u64 b, const int width, const int fraction, const bint subtract, FloatMode* mode) noexcept nogil:
    cdef Parts x, y
    cdef Sum result
    a = flushed(a, width, fraction, mode)
    b = flushed(b, width, fraction, mode)
    if unlikely(is_nan(a, width, fraction) or is_nan(b, width, fraction)): return either_nan(a, b, width, fraction, mode)
    if subtract: b ^= <u64>1 << (width - 1)
    if unlikely(magnitude(a, width) == infinity(width, fraction) and (a ^ b) == <u64>1 << (width - 1)):
        return invalid(width, fraction, mode)
    if unlikely(denormals_trap(is_denormal(a, width, fraction) or is_denormal(b, width, fraction), mode)): return 0
    if unlikely(magnitude(a, width) == infinity(width, fraction)): return a
    if unlikely(magnitude(b, width) == infinity(width, fraction)): return b
    x = split(a, width, fraction)
    y = split(b, width, fraction)
    if x.significand == 0 and y.significand == 0: return zero_of_difference(a, b, width, mode)
    # a zero beside a number: the other as it is, but FTZ may act on a denormal
    if y.significand == 0: result = Sum(x.significand, 0, x.exponent, x.sign)
    elif x.significand == 0: result = Sum(y.significand, 0, y.exponent, y.sign)
    else: result = sum_of(x.sign, x.exponent, <u128>x.significand << 64, y.sign, y.exponent, <u128>y.significand << 64)
    if result.high == 0: return zero_of_difference(a, b, width, mode)
    return pack_bits(result, width, fraction, mode)

cdef inline u64 multiply(u64 a, u64 b, const int width, const int fraction, FloatMode* mode) noexcept nogil:
    cdef u64 sign = (a ^ b) & <u64>1 << (width - 1)
    cdef bint infinite
    a = flushed(a, width, fraction, mode)
    b = flushed(b, width, fraction, mode)
    if unlikely(is_nan(a, width, fraction) or is_nan(b, width, fraction)): return either_nan(a, b, width, fraction, mode)
    infinite = magnitude(a, width) == infinity(width, fraction) or magnitude(b, width) == infinity(width, fraction)
    if unlikely(infinite and (magnitude(a, width) == 0 or magnitude(b, width) == 0)): return invalid(width, fraction, mode)
    if unlikely(denormals_trap(is_denormal(a, width, fraction) or is_denormal(b, width, fraction), mode)): return 0
    if unlikely(infinite): return sign | infinity(width, fraction)
    if unlikely(magnitude(a, width) == 0 or magnitude(b, width) == 0): return sign
    return pack_bits(product_of(split(a, width, fraction), split(b, width, fraction)), width, fraction, mode)

cdef inline u64 divide(u64 a, u64 b, const int width, const int fraction, FloatMode* mode) noexcept nogil:
    cdef u64 sign = (a ^ b) & <u64>1 << (width - 1)
    a = flushed(a, width, fraction, mode)
    b = flushed(b, width, fraction, mode)
    if unlikely(is_nan(a, width, fraction) or is_nan(b, width, fraction)): return either_nan(a, b, width, fraction, mode)
    if unlikely(magnitude(a, width) == magnitude(b, width) and
                (magnitude(a, width) == 0 or magnitude(a, width) == infinity(width, fraction))):
        return invalid(width, fraction, mode)
    if unlikely(magnitude(b, width) == 0 and magnitude(a, width) != infinity(width, fraction)):
        mode.raised |= FLOAT_ZE
        return sign | infinity(width, fraction)
    if unlikely(denormals_trap(is_denormal(a, width, fraction) or is_denormal(b, width, fraction), mode)): return 0
    if unlikely(magnitude(a, width) == infinity(width, fraction)): return sign | infinity(width, fraction)
    if unlikely(magnitude(b, width) == infinity(width, fraction) or magnitude(a, width) == 0): return sign
    return pack_bits(quotient_of(split(a, width, fraction), split(b, width, fraction)), width, fraction, mode)

cdef inline u64 root(u64 a, const int width, const int fraction, FloatMode* mode) noexcept nogil:
    a = flushed(a, width, fraction, mode)
    if unlikely(is_nan(a, width, fraction)): return quiet(a, width, fraction, mode)
    if unlikely(magnitude(a, width) == 0): return a
    if unlikely(a >> (width - 1) & 1): return invalid(width, fraction, mode)
    if unlikely(a == infinity(width, fraction)): return a
    if unlikely(denormals_trap(is_denormal(a, width, fraction), mode)): return 0
    return pack_bits(root_of(split(a, width, fraction)), width, fraction, mode)

cdef inline u64 fuse(u64 a, u64 b, u64 c, int negate, const int width, const int fraction, FloatMode* mode) noexcept nogil:
    cdef Parts z
    cdef Sum product
    cdef bint infinite, nothing
    cdef u64 sign
    a = flushed(a, width, fraction, mode)
    b = flushed(b, width, fraction, mode)
    c = flushed(c, width, fraction, mode)
    infinite = magnitude(a, width) == infinity(width, fraction) or magnitude(b, width) == infinity(width, fraction)
    nothing = magnitude(a, width) == 0 or magnitude(b, width) == 0
    if unlikely(is_nan(a, width, fraction) or is_nan(b, width, fraction) or is_nan(c, width, fraction)):
        if is_signalling(c, width, fraction): mode.raised |= FLOAT_IE
        if is_nan(a, width, fraction) or is_nan(b, width, fraction): return either_nan(a, b, width, fraction, mode)
        return quiet(c, width, fraction, mode)
    if unlikely(infinite and nothing): return invalid(width, fraction, mode)
    sign = (a ^ b) & <u64>1 << (width - 1)
    if negate & NEGATE_PRODUCT: sign ^= <u64>1 << (width - 1)
    if negate & NEGATE_ADDEND: c ^= <u64>1 << (width - 1)
    if unlikely(infinite and magnitude(c, width) == infinity(width, fraction) and sign != c & <u64>1 << (width - 1)):
        return invalid(width, fraction, mode)
    if unlikely(denormals_trap(is_denormal(a, width, fraction) or is_denormal(b, width, fraction) or
                               is_denormal(c, width, fraction), mode)): return 0
    if unlikely(infinite): return sign | infinity(width, fraction)
    if unlikely(magnitude(c, width) == infinity(width, fraction)): return c
    z = split(c, width, fraction)
    if nothing and z.significand == 0: return zero_of_difference(sign, c, width, mode)
    if nothing: return pack_bits(Sum(z.significand, 0, z.exponent, z.sign), width, fraction, mode)
    product = product_of(split(a, width, fraction), split(b, width, fraction))
    product.sign = sign >> (width - 1)
    if z.significand:
        product = sum_of(product.sign, product.exponent, <u128>product.high << 64 | product.low,
                         z.sign, z.exponent, <u128>z.significand << 64)
        if product.high == 0: return zero_of_difference(sign, c, width, mode)
    return pack_bits(product, width, fraction, mode)

cdef u32 f32_add(u32 a, u32 b, FloatMode* mode) noexcept nogil: return add(a, b, 32, 23, False, mode)
cdef u32 f32_sub(u32 a, u32 b, FloatMode* mode) noexcept nogil: return add(a, b, 32, 23, True, mode)
cdef u32 f32_mul(u32 a, u32 b, FloatMode* mode) noexcept nogil: return multiply(a, b, 32, 23, mode)
cdef u32 f32_div(u32 a, u32 b, FloatMode* mode) noexcept nogil: return divide(a, b, 32, 23, mode)
cdef u32 f32_sqrt(u32 a, FloatMode* mode) noexcept nogil: return root(a, 32, 23, mode)
cdef u64 f64_add(u64 a, u64 b, FloatMode* mode) noexcept nogil: return add(a, b, 64, 52, False, mode)
cdef u64 f64_sub(u64 a, u64 b, FloatMode* mode) noexcept nogil: return add(a, b, 64, 52, True, mode)
cdef u64 f64_mul(u64 a, u64 b, FloatMode* mode) noexcept nogil: return multiply(a, b, 64, 52, mode)
cdef u64 f64_div(u64 a, u64 b, FloatMode* mode) noexcept nogil: return divide(a, b, 64, 52, mode)
cdef u64 f64_sqrt(u64 a, FloatMode* mode) noexcept nogil: return root(a, 64, 52, mode)
cdef u32 f32_fma(u32 a, u32 b, u32 c, int negate, FloatMode* mode) noexcept nogil: return fuse(a, b, c, negate, 32, 23, mode)
cdef u64 f64_fma(u64 a, u64 b, u64 c, int negate, FloatMode* mode) noexcept nogil: return fuse(a, b, c, negate, 64, 52, mode)

# ---- comparison -------------------------------------------------------------------------------------------------------

cdef inline i64 ordered(u64 a, const int width) noexcept nogil:
    """Integers in the order of the numbers; both zeros are 0."""
    return -<i64>magnitude(a, width) if a >> (width - 1) & 1 else <i64>magnitude(a, width)

cdef inline int compare(u64 a, u64 b, bint signalling, const int width, const int fraction, FloatMode* mode) noexcept nogil:
    a = flushed(a, width, fraction, mode)
    b = flushed(b, width, fraction, mode)
    if unlikely(is_nan(a, width, fraction) or is_nan(b, width, fraction)):
        if signalling or is_signalling(a, width, fraction) or is_signalling(b, width, fraction): mode.raised |= FLOAT_IE
        return UNORDERED
    if is_denormal(a, width, fraction) or is_denormal(b, width, fraction): mode.raised |= FLOAT_DE
    if ordered(a, width) == ordered(b, width): return EQUAL
    return LESS if ordered(a, width) < ordered(b, width) else GREATER

cdef inline u64 extreme(u64 a, u64 b, int wanted, const int width, const int fraction, FloatMode* mode) noexcept nogil:
    """a, if it is less or greater, as wanted; else b."""
    a = flushed(a, width, fraction, mode)
    b = flushed(b, width, fraction, mode)
    return a if compare(a, b, True, width, fraction, mode) == wanted else b

cdef int f32_compare(u32 a, u32 b, bint signalling, FloatMode* mode) noexcept nogil: return compare(a, b, signalling, 32, 23, mode)
cdef int f64_compare(u64 a, u64 b, bint signalling, FloatMode* mode) noexcept nogil: return compare(a, b, signalling, 64, 52, mode)
cdef u32 f32_min(u32 a, u32 b, FloatMode* mode) noexcept nogil: return extreme(a, b, LESS, 32, 23, mode)
cdef u32 f32_max(u32 a, u32 b, FloatMode* mode) noexcept nogil: return extreme(a, b, GREATER, 32, 23, mode)
cdef u64 f64_min(u64 a, u64 b, FloatMode* mode) noexcept nogil: return extreme(a, b, LESS, 64, 52, mode)
cdef u64 f64_max(u64 a, u64 b, FloatMode* mode) noexcept nogil: return extreme(a, b, GREATER, 64, 52, mode)

# ---- to integers and between formats ----------------------------------------------------------------------------------

cdef inline u64 round_integral(u64 a, int rounding, bint inexact, const int width, const int fraction,
                               FloatMode* mode) noexcept nogil:
    cdef bint rest = False, up = False
    cdef Parts x
    cdef u64 whole
    a = flushed(a, width, fraction, mode)
    if unlikely(is_nan(a, width, fraction)): return quiet(a, width, fraction, mode)
    x = split(a, width, fraction)
    if x.significand == 0 or x.exponent >= fraction: return a
    whole = whole_of(x, rounding, &rest, &up)
    if rest and inexact: mode.raised |= FLOAT_PE
    if whole == 0: return a & <u64>1 << (width - 1)
    x = parts_of(whole, x.sign)
    return pack_bits(Sum(x.significand, 0, x.exponent, x.sign), width, fraction, mode)

cdef inline u64 integer_of(u64 a, int rounding, const int size, const int width, const int fraction,
                           FloatMode* mode) noexcept nogil:
    """A two's complement integer of `size` bits."""
    cdef bint rest = False, up = False
    cdef u64 whole, limit = <u64>1 << (size - 1)
    cdef Parts x
    a = flushed(a, width, fraction, mode)
    x = split(a, width, fraction)
    if x.significand == 0: return 0
    if unlikely(is_nan(a, width, fraction) or x.exponent >= size):
        mode.raised |= FLOAT_IE
        return limit
    whole = whole_of(x, rounding, &rest, &up)
    if unlikely(whole > limit - 1 + x.sign):
        mode.raised |= FLOAT_IE
        return limit
    if rest: mode.raised |= FLOAT_PE
    return 0 - whole if x.sign else whole

cdef inline u64 float_of(i64 a, const int width, const int fraction, FloatMode* mode) noexcept nogil:
    cdef Parts x
    if a == 0: return 0
    x = parts_of(0 - <u64>a if a < 0 else <u64>a, a < 0)
    return pack_bits(Sum(x.significand, 0, x.exponent, x.sign), width, fraction, mode)

cdef inline u64 convert(u64 a, const int width, const int fraction, const int to, const int digits, const bint trap,
                        FloatMode* mode) noexcept nogil:
    """From a format to another, `to` bits wide with `digits` of fraction. trap: denormals raise DE."""
    cdef u64 sign = a >> (width - 1) << (to - 1)
    cdef Parts x
    if unlikely(is_nan(a, width, fraction)):
        a = quiet(a, width, fraction, mode) << (64 - fraction) >> (64 - digits)
        return sign | infinity(to, digits) | a
    if unlikely(magnitude(a, width) == infinity(width, fraction)): return sign | infinity(to, digits)
    if trap and denormals_trap(is_denormal(a, width, fraction), mode): return 0
    x = split(a, width, fraction)
    if x.significand == 0: return sign
    return pack_bits(Sum(x.significand, 0, x.exponent, x.sign), to, digits, mode)

cdef u32 f32_round(u32 a, int rounding, bint inexact, FloatMode* mode) noexcept nogil:
    return round_integral(a, rounding, inexact, 32, 23, mode)
cdef u64 f64_round(u64 a, int rounding, bint inexact, FloatMode* mode) noexcept nogil:
    return round_integral(a, rounding, inexact, 64, 52, mode)

cdef u32 f32_to_i32(u32 a, int rounding, FloatMode* mode) noexcept nogil: return integer_of(a, rounding, 32, 32, 23, mode)
cdef u64 f32_to_i64(u32 a, int rounding, FloatMode* mode) noexcept nogil: return integer_of(a, rounding, 64, 32, 23, mode)
cdef u32 f64_to_i32(u64 a, int rounding, FloatMode* mode) noexcept nogil: return integer_of(a, rounding, 32, 64, 52, mode)
cdef u64 f64_to_i64(u64 a, int rounding, FloatMode* mode) noexcept nogil: return integer_of(a, rounding, 64, 64, 52, mode)

cdef u32 i32_to_f32(i32 a, FloatMode* mode) noexcept nogil: return float_of(a, 32, 23, mode)
cdef u32 i64_to_f32(i64 a, FloatMode* mode) noexcept nogil: return float_of(a, 32, 23, mode)
cdef u64 i64_to_f64(i64 a, FloatMode* mode) noexcept nogil: return float_of(a, 64, 52, mode)
cdef u64 i32_to_f64(i32 a) noexcept nogil:
    cdef FloatMode mode = sse_mode(0x1F80)
    return float_of(a, 64, 52, &mode)

cdef u64 f32_to_f64(u32 a, FloatMode* mode) noexcept nogil:
    return convert(flushed(a, 32, 23, mode), 32, 23, 64, 52, True, mode)
cdef u32 f64_to_f32(u64 a, FloatMode* mode) noexcept nogil:
    return convert(flushed(a, 64, 52, mode), 64, 52, 32, 23, True, mode)
cdef u32 f16_to_f32(u16 a, FloatMode* mode) noexcept nogil:
    return convert(a, 16, 10, 32, 23, False, mode)
cdef u16 f32_to_f16(u32 a, int rounding, FloatMode* mode) noexcept nogil:
    cdef FloatMode own = mode[0]
    cdef u16 result
    own.rounding = rounding
    own.ftz = 0
    a = flushed(a, 32, 23, mode)
    result = convert(a, 32, 23, 16, 10, True, &own)
    mode.raised = own.raised
    if is_denormal(a, 32, 23): mode.raised |= FLOAT_PE          # also where U is unmasked and 11 bits would do
    return result
