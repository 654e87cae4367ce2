# The x87's 80-bit format and its rules, in integers. How to call and what is raised: _float.pxd. SDM volume 1, 4.8, 8.2, 8.5.
#
#    79   78 ........ 64   63   62 .......... 0
#   +----+--------------+-----+----------------+
#   | S  | exponent     |  J  | fraction       |     value = (-1)^S * J.fraction * 2^(exponent - 16383)
#   +----+--------------+-----+----------------+
#   J = 0 with an exponent that is not 0: unsupported (unnormal, pseudo-NaN, pseudo-infinity), IE as an operand.
#   J = 1 with exponent 0: a pseudo-denormal, the value as if the exponent were 1; it counts as a denormal.
# Of two NaNs the one with the larger significand is returned, quiet; an SNaN beside a QNaN leaves the QNaN.
from x86._float cimport *
from x86._float_parts cimport leading_zeros, divide_wide

cdef inline FloatMode mode_of_fcw(u32 fcw) noexcept nogil:
    cdef FloatMode mode
    mode.rounding = (fcw >> 10) & 3
    mode.precision = 64 if fcw & 0x100 else 53 if fcw & 0x200 else 24           # the reserved PC = 1 is as 3
    mode.masked = fcw & FLOAT_ALL
    mode.daz = mode.ftz = mode.raised = mode.up = mode.quotient = 0
    return mode

cdef enum:                      # what FXAM finds: C3, C2, C0 as bits 2, 1, 0 (5 is an empty register)
    CLASS_UNSUPPORTED = 0, CLASS_NAN = 1, CLASS_NORMAL = 2, CLASS_INFINITY = 3, CLASS_ZERO = 4, CLASS_DENORMAL = 6

cdef inline Float80 f80(u64 significand, u32 sign_exponent) noexcept nogil:
    cdef Float80 a
    a.significand = significand
    a.sign_exponent = sign_exponent
    return a

cdef inline Float80 f80_default() noexcept nogil: return f80(<u64>3 << 62, 0xFFFF)      # the QNaN floating-point indefinite
cdef inline bint f80_is_zero(Float80 a) noexcept nogil: return not (a.sign_exponent & 0x7FFF or a.significand)
cdef inline bint f80_is_infinite(Float80 a) noexcept nogil:
    return a.sign_exponent & 0x7FFF == 0x7FFF and a.significand == <u64>1 << 63
cdef inline bint f80_is_nan(Float80 a) noexcept nogil:
    return a.sign_exponent & 0x7FFF == 0x7FFF and a.significand > <u64>1 << 63
cdef inline bint f80_is_signalling(Float80 a) noexcept nogil:
    return f80_is_nan(a) and not a.significand & (<u64>1 << 62)
cdef inline bint f80_is_unsupported(Float80 a) noexcept nogil:
    return a.sign_exponent & 0x7FFF != 0 and not a.significand >> 63
cdef inline bint f80_is_denormal(Float80 a) noexcept nogil: return not a.sign_exponent & 0x7FFF and a.significand != 0
cdef int f80_class(Float80 a) noexcept nogil                                    # CLASS_*

# ---- arithmetic -------------------------------------------------------------------------------------------------------

cdef Float80 f80_add(Float80 a, Float80 b, FloatMode* mode) noexcept nogil
cdef Float80 f80_sub(Float80 a, Float80 b, FloatMode* mode) noexcept nogil     # a - b; FSUBR is f80_sub(b, a)
cdef Float80 f80_mul(Float80 a, Float80 b, FloatMode* mode) noexcept nogil
cdef Float80 f80_div(Float80 a, Float80 b, FloatMode* mode) noexcept nogil     # a / b
cdef Float80 f80_sqrt(Float80 a, FloatMode* mode) noexcept nogil
cdef Float80 f80_rndint(Float80 a, FloatMode* mode) noexcept nogil
cdef Float80 f80_scale(Float80 a, Float80 b, FloatMode* mode) noexcept nogil   # FSCALE: a * 2^(b toward zero)
cdef Float80 f80_exponent(Float80 a, FloatMode* mode) noexcept nogil           # FXTRACT: what ST(0) becomes, with the flags;
cdef Float80 f80_significand(Float80 a) noexcept nogil                          # then what is pushed, with no flags
cdef Float80 f80_remainder(Float80 a, Float80 b, bint nearest, FloatMode* mode) noexcept nogil  # FPREM; nearest: FPREM1
#       mode.quotient: bits 2..0 of the quotient, which go to C0 C3 C1; or PARTIAL, C2; or NO_QUOTIENT: C0 and C3 stay

# LESS, EQUAL, GREATER or UNORDERED, with an unmasked exception as well: C0 to C3 get it even then.
# `signalling`: FCOM, FTST; not: FUCOM, where a QNaN is no invalid operand
cdef int f80_compare(Float80 a, Float80 b, bint signalling, FloatMode* mode) noexcept nogil

# (-1)^sign * high:low / 2^127 * 2^exponent, bit 63 of `high` set, the last bit of `low` sticky: rounded by RC and PC,
# with OE, UE, PE and `up`. For results that are made elsewhere; high = 0 is no number here.
cdef Float80 f80_pack(int sign, i32 exponent, u64 high, u64 low, FloatMode* mode) noexcept nogil

# NaNs and unsupported operands: True if there is one; then *result is what the x87 answers, with IE where it is due
cdef bint f80_no_number(Float80 a, Float80 b, Float80* result, FloatMode* mode) noexcept nogil

# ---- conversions ------------------------------------------------------------------------------------------------------

cdef Float80 f32_to_f80(u32 a, FloatMode* mode) noexcept nogil                 # FLD m32: IE for an SNaN, DE for a denormal
cdef Float80 f64_to_f80(u64 a, FloatMode* mode) noexcept nogil
cdef u32 f80_to_f32(Float80 a, FloatMode* mode) noexcept nogil                 # FST m32: with I, O, U unmasked not to be stored
cdef u64 f80_to_f64(Float80 a, FloatMode* mode) noexcept nogil
cdef Float80 i64_to_f80(i64 a) noexcept nogil                                  # FILD: always exact

# FIST, FISTP by mode.rounding, FISTTP by TO_ZERO: sign-extended; too large: IE and 8000...h of that size. No DE
cdef i64 f80_to_i16(Float80 a, int rounding, FloatMode* mode) noexcept nogil
cdef i64 f80_to_i32(Float80 a, int rounding, FloatMode* mode) noexcept nogil
cdef i64 f80_to_i64(Float80 a, int rounding, FloatMode* mode) noexcept nogil

# Packed BCD: bytes 0..8 hold 18 digits, the lowest first, byte 9 the sign in bit 7
cdef Float80 bcd_to_f80(const u8* bcd) noexcept nogil
cdef void f80_to_bcd(Float80 a, u8* bcd, FloatMode* mode) noexcept nogil       # too large: IE, FFFF C000 0000 0000 0000h

# ---- quick ways for a handler -----------------------------------------------------------------------------------------
# Most operands and results are normal, and RC and PC what FNINIT makes them. Then these do the whole operation without a
# call and return True, with PE and `up`; else they did nothing, and the function above has to be asked.

cdef inline bint quick_mode(FloatMode* mode) noexcept nogil: return mode.rounding == TO_NEAREST and mode.precision == 64

cdef inline bint f80_is_normal(Float80 a) noexcept nogil:
    return a.significand >> 63 and <u16>((a.sign_exponent & 0x7FFF) - 1) < 0x7FFE

# sign: bit 15; exponent: biased; high:low as in f80_pack
cdef inline bint quick_pack(u32 sign, i32 exponent, u64 high, u64 low, Float80* result, FloatMode* mode) noexcept nogil:
    cdef u64 up = (low | high & 1) > <u64>1 << 63
    cdef u64 rounded = high + up
    if unlikely(rounded < up):
        rounded = <u64>1 << 63
        exponent += 1
    if unlikely(<u32>(exponent - 1) >= 0x7FFE): return False
    mode.up = up
    mode.raised |= (low != 0) << 5
    result[0] = f80(rounded, sign | <u32>exponent)
    return True

cdef inline bint quick_operands(Float80 a, Float80 b, FloatMode* mode) noexcept nogil:
    return f80_is_normal(a) and f80_is_normal(b) and quick_mode(mode)

cdef inline bint quick_add(Float80 a, Float80 b, u32 flip, Float80* result, FloatMode* mode) noexcept nogil:
    """a + b, or with flip = 8000h a - b."""
    cdef u32 sign = a.sign_exponent & 0x8000
    cdef u32 other = b.sign_exponent & 0x8000 ^ flip
    cdef u32 differ = sign ^ other
    cdef i32 exponent = a.sign_exponent & 0x7FFF
    cdef i32 distance = exponent - (b.sign_exponent & 0x7FFF)
    cdef u64 larger = a.significand, smaller = b.significand, high, low
    cdef int shift
    if unlikely(not quick_operands(a, b, mode)): return False
    if distance < 0:
        larger, smaller = smaller, larger
        exponent -= distance
        distance = -distance
        sign = other
    if unlikely(distance > 63): return False
    low = smaller << 1 << (63 - distance)
    smaller >>= distance
    if not differ:
        high = larger + smaller
        if high < larger:
            low = high << 63 | low >> 1 | low & 1
            high = <u64>1 << 63 | high >> 1
            exponent += 1
        return quick_pack(sign, exponent, high, low, result, mode)
    if larger < smaller:                                    # as large at first: distance is 0, and so is low
        larger, smaller = smaller, larger
        sign ^= 0x8000
    high = larger - smaller - (low != 0)
    low = 0 - low
    if not high >> 63:
        if unlikely(high == 0):
            if low: return False
            mode.up = 0
            result[0] = f80(0, 0)
            return True
        shift = leading_zeros(high)
        high = high << shift | low >> (64 - shift)
        low <<= shift
        exponent -= shift
    return quick_pack(sign, exponent, high, low, result, mode)

cdef inline bint quick_mul(Float80 a, Float80 b, Float80* result, FloatMode* mode) noexcept nogil:
    cdef u128 product = <u128>a.significand * b.significand
    cdef i32 exponent = (a.sign_exponent & 0x7FFF) + (b.sign_exponent & 0x7FFF) - 16382
    if unlikely(not quick_operands(a, b, mode)): return False
    if not product >> 127:
        product <<= 1
        exponent -= 1
    return quick_pack((a.sign_exponent ^ b.sign_exponent) & 0x8000, exponent, <u64>(product >> 64), <u64>product, result, mode)

cdef inline bint quick_div(Float80 a, Float80 b, Float80* result, FloatMode* mode) noexcept nogil:
    """a / b."""
    cdef i32 exponent = (a.sign_exponent & 0x7FFF) - (b.sign_exponent & 0x7FFF) + 16383
    cdef u64 less = a.significand < b.significand
    cdef u64 quotient, rest = 0
    if unlikely(not quick_operands(a, b, mode)): return False
    quotient = divide_wide(a.significand >> (1 - less), 0 if less else a.significand << 63, b.significand, &rest)
    rest = <u64>(rest >= b.significand - rest) << 63 | (rest != 0 and rest != b.significand - rest)    # see quotient_of
    return quick_pack((a.sign_exponent ^ b.sign_exponent) & 0x8000, exponent - <i32>less, quotient, rest, result, mode)

# FLD and FST with m32 and m64: `width` bits with `fraction` bits of fraction
cdef inline bint quick_load(u64 a, const int width, const int fraction, Float80* result) noexcept nogil:
    cdef u32 top = (1 << (width - 1 - fraction)) - 1
    cdef u32 exponent = (a >> fraction) & top
    cdef u32 distance = 16383 - (top >> 1)
    if unlikely(exponent - 1 >= top - 1): return False
    result[0] = f80(<u64>1 << 63 | a << (63 - fraction), <u32>(a >> (width - 1)) << 15 | exponent + distance)
    return True

cdef inline bint quick_store(Float80 a, const int width, const int fraction, u64* result, FloatMode* mode) noexcept nogil:
    cdef i32 top = (1 << (width - 1 - fraction)) - 1
    cdef i32 exponent = (a.sign_exponent & 0x7FFF) - (16383 - (top >> 1))
    cdef u64 rest = a.significand << (fraction + 1)
    cdef u64 kept = a.significand >> (63 - fraction)
    cdef u64 up = (rest | kept & 1) > <u64>1 << 63
    if unlikely(not a.significand >> 63 or <u32>(exponent - 1) >= <u32>(top - 2) or mode.rounding != TO_NEAREST): return False
    mode.up = up
    mode.raised |= (rest != 0) << 5
    # the integer bit counts one in the exponent, and so does a carry out of the fraction
    result[0] = (<u64>a.sign_exponent >> 15 << (width - 1)) + (<u64>(exponent - 1) << fraction) + kept + up
    return True

cdef inline bint quick_load64(u64 a, Float80* result) noexcept nogil: return quick_load(a, 64, 52, result)
cdef inline bint quick_load32(u32 a, Float80* result) noexcept nogil: return quick_load(a, 32, 23, result)
cdef inline bint quick_store64(Float80 a, u64* result, FloatMode* mode) noexcept nogil:
    return quick_store(a, 64, 52, result, mode)
cdef inline bint quick_store32(Float80 a, u32* result, FloatMode* mode) noexcept nogil:
    cdef u64 stored = 0
    if not quick_store(a, 32, 23, &stored, mode): return False
    result[0] = <u32>stored
    return True
