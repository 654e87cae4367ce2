# The x87's format: the bodies of _float80.pxd.
from x86._state cimport *
from x86._float_parts cimport *

cdef enum: BIAS = 16383, TOP = 0x7FFF

cdef inline u32 sign_of(Float80 a) noexcept nogil: return a.sign_exponent >> 15
cdef inline Float80 signed_zero(u32 sign) noexcept nogil: return f80(0, sign << 15)
cdef inline Float80 signed_infinity(u32 sign) noexcept nogil: return f80(<u64>1 << 63, sign << 15 | TOP)

cdef inline Float80 invalid(FloatMode* mode) noexcept nogil:
    mode.raised |= FLOAT_IE
    return f80_default()

cdef inline bint denormals_trap(bint denormal, FloatMode* mode) noexcept nogil:
    """DE where it is due. True if D is unmasked: there will be no result."""
    if not denormal: return False
    mode.raised |= FLOAT_DE
    return not mode.masked & FLOAT_DE

cdef inline Parts split(Float80 a) noexcept nogil:
    """A finite number; the significand of a zero is 0."""
    cdef Parts result
    cdef int shift
    result.sign = sign_of(a)
    result.exponent = (a.sign_exponent & TOP) - BIAS
    result.significand = a.significand
    if unlikely(not a.sign_exponent & TOP):
        result.exponent += 1
        if a.significand:
            shift = leading_zeros(a.significand)
            result.significand <<= shift
            result.exponent -= shift
    return result

cdef Float80 round_slowly(u32 sign, i32 biased, u64 high, u64 low, FloatMode* mode) noexcept nogil:
    cdef Rounded r = round_number(sign, biased, high, low, mode.precision, TOP, True, mode)
    return f80(r.significand, sign << 15 | <u32>r.biased)

cdef inline Float80 pack(Sum a, FloatMode* mode) noexcept nogil:
    cdef Float80 result
    if quick_mode(mode) and quick_pack(a.sign << 15, a.exponent + BIAS, a.high, a.low, &result, mode): return result
    return round_slowly(a.sign, a.exponent + BIAS, a.high, a.low, mode)

cdef Float80 f80_pack(int sign, i32 exponent, u64 high, u64 low, FloatMode* mode) noexcept nogil:
    return pack(Sum(high, low, exponent, sign), mode)

cdef int f80_class(Float80 a) noexcept nogil:
    if f80_is_zero(a): return CLASS_ZERO
    if f80_is_denormal(a): return CLASS_DENORMAL
    if f80_is_unsupported(a): return CLASS_UNSUPPORTED
    if f80_is_infinite(a): return CLASS_INFINITY
    return CLASS_NAN if f80_is_nan(a) else CLASS_NORMAL

cdef bint f80_no_number(Float80 a, Float80 b, Float80* result, FloatMode* mode) noexcept nogil:
    cdef u64 quiet = <u64>1 << 62
    if likely(not (f80_is_nan(a) or f80_is_nan(b) or f80_is_unsupported(a) or f80_is_unsupported(b))): return False
    mode.up = 0
    if f80_is_unsupported(a) or f80_is_unsupported(b):
        result[0] = invalid(mode)
        return True
    if f80_is_signalling(a) or f80_is_signalling(b):
        mode.raised |= FLOAT_IE
        # an SNaN loses against a QNaN, whatever their significands
        if f80_is_signalling(a) and f80_is_nan(b) and not f80_is_signalling(b): a = b
        elif f80_is_signalling(b) and f80_is_nan(a) and not f80_is_signalling(a): b = a
    if not f80_is_nan(b): result[0] = a
    elif not f80_is_nan(a): result[0] = b
    elif a.significand != b.significand: result[0] = a if a.significand > b.significand else b
    else: result[0] = a if not sign_of(a) else b
    result[0].significand |= quiet
    return True

# ---- arithmetic -------------------------------------------------------------------------------------------------------

cdef inline Float80 zero_of_difference(u32 sign, u32 other, FloatMode* mode) noexcept nogil:
    """The sum of two zeros, or of numbers that cancel: +0, but -0 if both are negative, or on the way down."""
    mode.up = 0
    return signed_zero(sign & other if mode.rounding != DOWN else sign | other)

cdef enum: ADD, SUB, MUL, DIV

cdef bint no_sum(Float80 a, Float80 b, Float80* answer, FloatMode* mode) noexcept nogil:
    cdef u32 sign = sign_of(a), other = sign_of(b)
    cdef Parts x
    if f80_is_infinite(a) and f80_is_infinite(b) and sign != other:
        answer[0] = invalid(mode)
    elif denormals_trap(f80_is_denormal(a) or f80_is_denormal(b), mode) or f80_is_infinite(a):
        answer[0] = a
    elif f80_is_infinite(b):
        answer[0] = b
    elif f80_is_zero(a) and f80_is_zero(b):
        answer[0] = zero_of_difference(sign, other, mode)
    elif f80_is_zero(a) or f80_is_zero(b):                      # rounded all the same
        x = split(b if f80_is_zero(a) else a)
        answer[0] = pack(Sum(x.significand, 0, x.exponent, x.sign), mode)
    else:
        return False
    return True

cdef bint no_product(Float80 a, Float80 b, Float80* answer, FloatMode* mode) noexcept nogil:
    cdef u32 sign = sign_of(a) ^ sign_of(b)
    cdef bint infinite = f80_is_infinite(a) or f80_is_infinite(b), zero = f80_is_zero(a) or f80_is_zero(b)
    if infinite and zero: answer[0] = invalid(mode)
    elif denormals_trap(f80_is_denormal(a) or f80_is_denormal(b), mode): answer[0] = a
    elif infinite: answer[0] = signed_infinity(sign)
    elif zero: answer[0] = signed_zero(sign)
    else: return False
    return True

cdef bint no_quotient(Float80 a, Float80 b, Float80* answer, FloatMode* mode) noexcept nogil:
    cdef u32 sign = sign_of(a) ^ sign_of(b)
    if (f80_is_zero(a) and f80_is_zero(b)) or (f80_is_infinite(a) and f80_is_infinite(b)):
        answer[0] = invalid(mode)
    elif f80_is_zero(b) and not f80_is_infinite(a):
        mode.raised |= FLOAT_ZE
        answer[0] = signed_infinity(sign)
    elif denormals_trap(f80_is_denormal(a) or f80_is_denormal(b), mode): answer[0] = a
    elif f80_is_infinite(a): answer[0] = signed_infinity(sign)
    elif f80_is_infinite(b) or f80_is_zero(a): answer[0] = signed_zero(sign)
    else: return False
    return True

cdef Float80 slowly(Float80 a, Float80 b, int operation, FloatMode* mode) noexcept nogil:
    """What the quick ways leave: operands or results that are not normal, other roundings."""
    cdef Parts x, y
    cdef Sum result
    cdef Float80 answer
    cdef u32 flip = operation == SUB
    if not (f80_is_normal(a) and f80_is_normal(b)):
        if f80_no_number(a, b, &answer, mode): return answer
        mode.up = 0
        if operation == MUL:
            if no_product(a, b, &answer, mode): return answer
        elif operation == DIV:
            if no_quotient(a, b, &answer, mode): return answer
        elif no_sum(a, f80(b.significand, b.sign_exponent ^ flip << 15), &answer, mode): return answer
    x = split(a)
    y = split(b)
    if operation == MUL: return pack(product_of(x, y), mode)
    if operation == DIV: return pack(quotient_of(x, y), mode)
    y.sign ^= flip
    result = sum_of(x.sign, x.exponent, <u128>x.significand << 64, y.sign, y.exponent, <u128>y.significand << 64)
    return pack(result, mode) if result.high else zero_of_difference(x.sign, y.sign, mode)

cdef Float80 f80_add(Float80 a, Float80 b, FloatMode* mode) noexcept nogil:
    cdef Float80 result
    if likely(quick_add(a, b, 0, &result, mode)): return result
    return slowly(a, b, ADD, mode)

cdef Float80 f80_sub(Float80 a, Float80 b, FloatMode* mode) noexcept nogil:
    cdef Float80 result
    if likely(quick_add(a, b, 0x8000, &result, mode)): return result
    return slowly(a, b, SUB, mode)

cdef Float80 f80_mul(Float80 a, Float80 b, FloatMode* mode) noexcept nogil:
    cdef Float80 result
    if likely(quick_mul(a, b, &result, mode)): return result
    return slowly(a, b, MUL, mode)

cdef Float80 f80_div(Float80 a, Float80 b, FloatMode* mode) noexcept nogil:
    cdef Float80 result
    if likely(quick_div(a, b, &result, mode)): return result
    return slowly(a, b, DIV, mode)

cdef Float80 f80_sqrt(Float80 a, FloatMode* mode) noexcept nogil:
    cdef Float80 answer
    if f80_no_number(a, a, &answer, mode): return answer
    mode.up = 0
    if f80_is_zero(a): return a
    if sign_of(a): return invalid(mode)
    if f80_is_infinite(a): return a
    if denormals_trap(f80_is_denormal(a), mode): return a
    return pack(root_of(split(a)), mode)

# ---- whole numbers and powers of two: PC has no say here --------------------------------------------------------------

cdef Float80 pack_all(Sum a, FloatMode* mode) noexcept nogil:
    """With 64 bits, whatever PC says."""
    cdef Rounded r = round_number(a.sign, a.exponent + BIAS, a.high, a.low, 64, TOP, True, mode)
    return f80(r.significand, a.sign << 15 | <u32>r.biased)

cdef inline Float80 as_it_is(Float80 a) noexcept nogil:
    """The operand without rounding: U is not asked, but a pseudo-denormal becomes the normal number that it is."""
    if f80_is_denormal(a): a.sign_exponent |= a.significand >> 63
    return a

cdef inline Float80 integral(u64 magnitude, u32 sign) noexcept nogil:
    cdef Parts x
    if magnitude == 0: return signed_zero(sign)
    x = parts_of(magnitude, sign)
    return f80(x.significand, sign << 15 | <u32>(x.exponent + BIAS))

cdef Float80 i64_to_f80(i64 a) noexcept nogil: return integral(0 - <u64>a if a < 0 else <u64>a, a < 0)

cdef Float80 f80_rndint(Float80 a, FloatMode* mode) noexcept nogil:
    cdef bint inexact = False, up = False
    cdef Parts x
    cdef u64 whole
    cdef Float80 answer
    if f80_no_number(a, a, &answer, mode): return answer
    mode.up = 0
    if f80_is_zero(a) or f80_is_infinite(a): return a
    if denormals_trap(f80_is_denormal(a), mode): return a
    x = split(a)
    if x.exponent >= 63: return a
    whole = whole_of(x, mode.rounding, &inexact, &up)
    if inexact: mode.raised |= FLOAT_PE
    mode.up = up
    return integral(whole, x.sign)

cdef Float80 f80_scale(Float80 a, Float80 b, FloatMode* mode) noexcept nogil:
    cdef bint inexact = False, up = False
    cdef Parts x, y
    cdef i32 count = 0
    cdef Float80 answer
    if f80_no_number(a, b, &answer, mode): return answer
    mode.up = 0
    if f80_is_infinite(b) and (f80_is_infinite(a) if sign_of(b) else f80_is_zero(a)): return invalid(mode)
    if denormals_trap(f80_is_denormal(a) or f80_is_denormal(b), mode): return a
    if f80_is_zero(a) or f80_is_infinite(a): return a
    if f80_is_infinite(b): return signed_zero(sign_of(a)) if sign_of(b) else signed_infinity(sign_of(a))
    if f80_is_zero(b): return as_it_is(a)
    x = split(a)
    y = split(b)
    count = <i32>whole_of(y, TO_ZERO, &inexact, &up) if y.exponent < 16 else 1 << 16
    count = x.exponent + BIAS + (-count if y.sign else count)
    # out of reach even of a result scaled for an unmasked exception
    if count >= TOP + UNMASKED_SCALE and not mode.masked & FLOAT_OE:
        mode.raised |= FLOAT_OE | FLOAT_PE
        mode.up = 1
        return signed_infinity(x.sign)
    if count <= -UNMASKED_SCALE and not mode.masked & FLOAT_UE:
        mode.raised |= FLOAT_UE | FLOAT_PE
        return signed_zero(x.sign)
    return pack_all(Sum(x.significand, 0, count - BIAS, x.sign), mode)

cdef Float80 f80_exponent(Float80 a, FloatMode* mode) noexcept nogil:
    cdef Float80 answer
    if f80_no_number(a, a, &answer, mode): return answer
    mode.up = 0
    if f80_is_infinite(a): return signed_infinity(0)
    if f80_is_zero(a):
        mode.raised |= FLOAT_ZE
        return signed_infinity(1)
    if denormals_trap(f80_is_denormal(a), mode): return a
    return i64_to_f80(split(a).exponent)

cdef Float80 f80_significand(Float80 a) noexcept nogil:
    cdef FloatMode ignored = sse_mode(0x1F80)
    cdef Float80 answer
    if f80_no_number(a, a, &answer, &ignored): return answer
    if f80_is_infinite(a) or f80_is_zero(a): return a
    return f80(split(a).significand, (a.sign_exponent & 0x8000) | BIAS)

cdef Float80 f80_remainder(Float80 a, Float80 b, bint nearest, FloatMode* mode) noexcept nogil:
    cdef Float80 answer
    cdef Parts x, y
    cdef u64 rest, quotient = 0
    cdef i32 distance, exponent
    mode.quotient = NO_QUOTIENT
    if f80_no_number(a, b, &answer, mode): return answer
    mode.up = 0
    if f80_is_infinite(a) or f80_is_zero(b): return invalid(mode)
    if denormals_trap(f80_is_denormal(a) or f80_is_denormal(b), mode): return a
    mode.quotient = 0
    if f80_is_zero(a) or f80_is_infinite(b): return as_it_is(a)
    x = split(a)
    y = split(b)
    distance = x.exponent - y.exponent
    if distance < -1 or (distance < 0 and not nearest):
        return pack_all(Sum(x.significand, 0, x.exponent, x.sign), mode)
    exponent = y.exponent
    if distance < 0:
        # a/2 against b: more than half of it, or a stays
        if x.significand <= y.significand: return pack_all(Sum(x.significand, 0, x.exponent, x.sign), mode)
        rest = 2 * y.significand - x.significand
        exponent -= 1
        mode.quotient = 1
        x.sign ^= 1
    else:
        if distance > 63:
            # so much at once that between 32 and 63 bits of the quotient are done with
            exponent += distance - (32 + distance % 32)
            distance = 32 + distance % 32
            mode.quotient = PARTIAL
        rest = x.significand
        if rest >= y.significand:
            rest -= y.significand
            quotient = <u64>1 << distance
        quotient += divide_wide(rest >> (64 - distance) if distance else 0, rest << distance, y.significand, &rest)
        if mode.quotient != PARTIAL:
            if nearest and (rest > y.significand - rest or (rest == y.significand - rest and quotient & 1)):
                rest = y.significand - rest
                quotient += 1
                x.sign ^= 1
            mode.quotient = quotient & 7
    if rest == 0: return signed_zero(x.sign)
    y = parts_of(rest, x.sign)
    return pack_all(Sum(y.significand, 0, y.exponent - 63 + exponent, x.sign), mode)

# ---- comparison -------------------------------------------------------------------------------------------------------

cdef int f80_compare(Float80 a, Float80 b, bint signalling, FloatMode* mode) noexcept nogil:
    cdef Parts x, y
    cdef bint less
    if f80_is_nan(a) or f80_is_nan(b) or f80_is_unsupported(a) or f80_is_unsupported(b):
        if (signalling or f80_is_signalling(a) or f80_is_signalling(b) or f80_is_unsupported(a) or
                f80_is_unsupported(b)): mode.raised |= FLOAT_IE
        return UNORDERED
    if f80_is_denormal(a) or f80_is_denormal(b): mode.raised |= FLOAT_DE
    if f80_is_zero(a) and f80_is_zero(b): return EQUAL
    x = split(a)
    y = split(b)
    if x.significand == 0: return GREATER if y.sign else LESS
    if y.significand == 0 or x.sign != y.sign: return LESS if x.sign else GREATER
    if x.exponent == y.exponent and x.significand == y.significand: return EQUAL
    less = x.significand < y.significand if x.exponent == y.exponent else x.exponent < y.exponent
    return LESS if less != x.sign else GREATER

# ---- conversions ------------------------------------------------------------------------------------------------------

cdef inline Float80 load(u64 a, const int width, const int fraction, FloatMode* mode) noexcept nogil:
    cdef u32 sign = a >> (width - 1)
    cdef u64 digits = a << (64 - fraction) >> 1             # below the integer bit
    cdef i32 top = (1 << (width - 1 - fraction)) - 1
    cdef i32 biased = a >> fraction & top
    cdef Float80 result
    cdef int shift
    mode.up = 0
    if likely(quick_load(a, width, fraction, &result)): return result
    if biased == top:
        if digits and not digits >> 62: mode.raised |= FLOAT_IE
        return f80(<u64>1 << 63 | digits | (<u64>1 << 62 if digits else 0), sign << 15 | TOP)
    if digits == 0: return signed_zero(sign)
    mode.raised |= FLOAT_DE
    shift = leading_zeros(digits)
    return f80(digits << shift, sign << 15 | (BIAS - (top >> 1) + 1 - shift))

cdef inline u64 store(Float80 a, const int width, const int fraction, FloatMode* mode) noexcept nogil:
    cdef u64 sign = <u64>sign_of(a) << (width - 1)
    cdef u64 infinity = (<u64>1 << (width - 1)) - (<u64>1 << fraction)
    cdef u64 result
    cdef Float80 answer
    cdef Parts x
    if likely(quick_store(a, width, fraction, &result, mode)): return result
    if unlikely(f80_no_number(a, a, &answer, mode)):
        return <u64>sign_of(answer) << (width - 1) | infinity | answer.significand << 1 >> (64 - fraction)
    mode.up = 0
    if f80_is_infinite(a): return sign | infinity
    if f80_is_zero(a): return sign
    x = split(a)
    result = pack_bits(Sum(x.significand, 0, x.exponent, x.sign), width, fraction, mode)
    if unlikely(unmasked(mode) & (FLOAT_OE | FLOAT_UE)):
        mode.raised &= ~FLOAT_PE
        mode.up = 0
    return result

cdef inline i64 integer_of(Float80 a, int rounding, const int size, FloatMode* mode) noexcept nogil:
    cdef bint inexact = False, up = False
    cdef u64 whole, limit = <u64>1 << (size - 1)
    cdef Parts x = split(a)
    mode.up = 0
    if f80_is_zero(a): return 0
    if f80_is_unsupported(a) or x.exponent >= size:
        mode.raised |= FLOAT_IE
        return <i64>(0 - limit)
    whole = whole_of(x, rounding, &inexact, &up)
    if whole > limit - 1 + x.sign:
        mode.raised |= FLOAT_IE
        return <i64>(0 - limit)
    if inexact: mode.raised |= FLOAT_PE
    mode.up = up
    return <i64>(0 - whole if x.sign else whole)

cdef Float80 f32_to_f80(u32 a, FloatMode* mode) noexcept nogil: return load(a, 32, 23, mode)
cdef Float80 f64_to_f80(u64 a, FloatMode* mode) noexcept nogil: return load(a, 64, 52, mode)
cdef u32 f80_to_f32(Float80 a, FloatMode* mode) noexcept nogil: return store(a, 32, 23, mode)
cdef u64 f80_to_f64(Float80 a, FloatMode* mode) noexcept nogil: return store(a, 64, 52, mode)
cdef i64 f80_to_i16(Float80 a, int rounding, FloatMode* mode) noexcept nogil: return integer_of(a, rounding, 16, mode)
cdef i64 f80_to_i32(Float80 a, int rounding, FloatMode* mode) noexcept nogil: return integer_of(a, rounding, 32, mode)
cdef i64 f80_to_i64(Float80 a, int rounding, FloatMode* mode) noexcept nogil: return integer_of(a, rounding, 64, mode)

cdef Float80 bcd_to_f80(const u8* bcd) noexcept nogil:
    cdef u64 magnitude = 0
    cdef int i
    for i in range(8, -1, -1): magnitude = magnitude * 100 + (bcd[i] >> 4) * 10 + (bcd[i] & 15)
    return integral(magnitude, bcd[9] >> 7)

cdef void f80_to_bcd(Float80 a, u8* bcd, FloatMode* mode) noexcept nogil:
    cdef bint inexact = False, up = False
    cdef u64 whole = 0
    cdef Parts x = split(a)
    cdef int i
    mode.up = 0
    if not f80_is_zero(a):
        if x.exponent < 63: whole = whole_of(x, mode.rounding, &inexact, &up)
        if f80_is_unsupported(a) or x.exponent >= 63 or whole >= <u64>1000000000000000000:
            mode.raised |= FLOAT_IE
            for i in range(7): bcd[i] = 0
            bcd[7] = 0xC0
            bcd[8] = bcd[9] = 0xFF
            return
    for i in range(9):
        bcd[i] = whole % 10 | whole // 10 % 10 << 4
        whole //= 100
    bcd[9] = x.sign << 7
    if inexact: mode.raised |= FLOAT_PE
    mode.up = up
