# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""F2XM1, FYL2X, FYL2XP1, FSIN, FCOS, FPTAN, FPATAN (SDM volume 1, 8.3.7 to 8.3.10; volume 2, the instructions' tables).

Every function first sees to the operands that have no ordinary result (NaNs, infinities, zeros, denormals), then computes with
128 bits (_wide.pxd) and rounds once: to the nearest in all but some 2^-40 of cases, and as the rounding control says. Angles
are reduced with the 66-bit pi of the manual, not with the true one, so near its multiples results have the digits of the
hardware. All results but zeros and infinities raise PE, even those that are exact: so does the hardware.

    2^x - 1      w = |x| ln 2       +-w (1 +- w/2! + w^2/3! +- ...)
    log2 x       x = 2^e n, j = round(128 / n), 1 + f = n j / 128, s = f / (2 + f)
                 e - log2(j / 128) + 2 / ln 2 * s (1 + s^2/3 + s^4/5 + ...)
    sin, cos x   x = q pi/2 + r, |r| < pi/4     r (1 - r^2/3! + r^4/5! - ...), 1 - r^2/2! + r^4/4! - ...
    atan y/x     0 <= y <= x, i = round(64 y/x), d = (64 y - i x) / (64 x + i y)
                 atan(i / 64) + d (1 - d^2/3 + d^4/5 - ...)
"""
from libc.string cimport memset

from x86._float80 cimport *
from x86._wide cimport *

cdef enum: BIAS = 0x3FFF, SIGN = 0x8000, MAGNITUDE = 0x7FFF

# ---- tables, Q127 unless they say otherwise -------------------------------------------------------------------------

cdef enum: EXP_TERMS = 30, CIRCLE_TERMS = 16, ODD_TERMS = 9, LOG_FIRST = 90, LOG_LAST = 182, LOG_BITS = 112, ANGLE_BITS = 125

cdef u128 EXP[EXP_TERMS]                        # 1 / (k + 1)!
cdef u128 SINE[CIRCLE_TERMS]                    # 1 / (2k + 1)!
cdef u128 COSINE[CIRCLE_TERMS]                  # 1 / (2k)!
cdef u128 ODD[ODD_TERMS]                        # 1 / (2k + 1)
cdef i128 LOG[LOG_LAST + 1]                     # -log2(j / 128), in units of 2^-112
cdef u128 ANGLE[65]                             # atan(i / 64), in units of 2^-125
cdef u128 QUARTER_TURN[5]                       # k pi/4, in units of 2^-125
cdef Wide LN2, TWO_OVER_LN2

cdef u128 wide(number):
    return join(number >> 64, number & 0xFFFFFFFFFFFFFFFF)

cdef void make_tables():
    """From integers alone, with 160 bits behind the point."""
    one = 1 << 160

    def arctangent(n, d, sign):                 # of n / d > 0; with sign 1 the area hyperbolic tangent
        power, total, k = one * n // d, 0, 0
        while power > 0:
            total += (sign ** k) * power // (2 * k + 1)
            power, k = power * n * n // (d * d), k + 1
        return total

    def logarithm(n, d):                        # of n / d > 1
        return 2 * arctangent(n - d, n + d, 1)

    global LN2, TWO_OVER_LN2
    factorial = one << 40                       # 1 / k!, with some more bits
    for k in range(2 * CIRCLE_TERMS):
        if k & 1: SINE[k >> 1] = wide(factorial >> 73)
        else: COSINE[k >> 1] = wide(factorial >> 73)
        factorial //= k + 1
        if k < EXP_TERMS: EXP[k] = wide(factorial >> 73)
    for k in range(ODD_TERMS):
        ODD[k] = wide((1 << 127) // (2 * k + 1))
    ln2 = logarithm(2, 1)
    LN2 = normal(wide(ln2 >> 33), 0, False)
    TWO_OVER_LN2 = normal(wide((one << 127) // ln2), 1, False)
    for j in range(LOG_FIRST, LOG_LAST + 1):
        magnitude = (logarithm(max(j, 128), min(j, 128)) << LOG_BITS) // ln2
        LOG[j] = -<i128>wide(magnitude) if j > 128 else <i128>wide(magnitude)
    angle = 0
    for i in range(65):
        ANGLE[i] = wide(angle >> (160 - ANGLE_BITS))
        if i < 64: angle += arctangent(64, 64 * 64 + i * (i + 1), -1)
    for k in range(5):
        QUARTER_TURN[k] = wide(k * angle >> (160 - ANGLE_BITS))

make_tables()

# c[0] + c[1] z + c[2] z^2 + ..., z in Q128; alternating: with - before every other term
cdef inline u128 series(const u128* c, const int terms, u128 z, const bint alternating) noexcept nogil:
    cdef u128 r = c[terms - 1]
    cdef int k
    for k in range(terms - 2, -1, -1):
        r = c[k] - multiply_high(z, r) if alternating else c[k] + multiply_high(z, r)
    return r

# ---- 80 bits --------------------------------------------------------------------------------------------------------

cdef inline bint sign_of(Float80 x) noexcept nogil: return x.sign_exponent >> 15

cdef inline Float80 zero(bint negative) noexcept nogil: return f80(0, <u32>negative << 15)

cdef inline Float80 infinity(bint negative) noexcept nogil: return f80(<u64>1 << 63, MAGNITUDE | <u32>negative << 15)

cdef inline bint is_one(Float80 x) noexcept nogil: return x.sign_exponent & MAGNITUDE == BIAS and x.significand == <u64>1 << 63

cdef Wide widen(Float80 x) noexcept nogil:                              # neither 0 nor infinite
    cdef i32 exponent = x.sign_exponent & MAGNITUDE
    return normal(<u128>x.significand << 64, (exponent if exponent else 1) - BIAS, sign_of(x))

cdef Float80 invalid(FloatMode* mode) noexcept nogil:
    mode.raised |= FLOAT_IE
    return f80_default()

# An exception that comes before the computation. True: it is not masked, so nothing is computed
cdef inline bint refused(u32 exception, FloatMode* mode) noexcept nogil:
    mode.raised |= exception
    return not mode.masked & exception

# To 64 bits, whatever PC says. A significand whose lower half is 0 is the result itself; it raises the exceptions all the same.
cdef Float80 rounded(Wide a, FloatMode* mode) noexcept nogil:
    cdef Float80 r
    mode.precision = 64
    r = f80_pack(a.negative, a.e, <u64>(a.m >> 64), <u64>a.m, mode)
    mode.raised |= FLOAT_PE
    if not r.sign_exponent & MAGNITUDE: mode.raised |= FLOAT_UE
    return r

# ---- 2^x - 1 and logarithms -----------------------------------------------------------------------------------------

cdef Float80 f80_exp2_minus_1(Float80 x, FloatMode* mode) noexcept nogil:
    cdef Float80 result
    cdef Wide w, factor
    mode.up = 0
    if f80_no_number(x, x, &result, mode): return result
    if f80_is_zero(x): return x
    if f80_is_infinite(x): return f80(<u64>1 << 63, SIGN | BIAS) if sign_of(x) else x
    if f80_is_denormal(x) and refused(FLOAT_DE, mode): return x
    if x.sign_exponent & MAGNITUDE >= BIAS:                             # exact for -1 and 1; beyond, the operand stays
        mode.raised |= FLOAT_PE
        return f80(x.significand, SIGN | BIAS - 1) if is_one(x) and sign_of(x) else x
    w = multiply(widen(x), LN2)
    factor = normal(series(EXP, EXP_TERMS, fraction(w, 128), True) if w.negative else
                    series(EXP, EXP_TERMS, fraction(w, 128), False), 0, False)
    return rounded(multiply(w, factor), mode)

# log2 of (1 + s) / (1 - s) = 2 / ln 2 (s + s^3/3 + s^5/5 + ...)
cdef Wide logarithm_of_ratio(Wide s) noexcept nogil:
    cdef Wide factor = normal(series(ODD, ODD_TERMS, fraction(multiply(s, s), 128), False), 0, False)
    return multiply(multiply(s, factor), TWO_OVER_LN2)

# y times log2 of n / 2^118 * 2^e, 2^118 <= n < 2^119
cdef Float80 y_times_log2(Float80 y, u128 n, i32 e, FloatMode* mode) noexcept nogil:
    cdef u32 lead = <u32>(n >> 102)                                     # 17 bits
    cdef u128 one = <u128>1 << 125                                      # 128, as n counts
    if lead > 92681:                                                    # the square root of 2: rather below 1 than far above
        lead >>= 1
        one <<= 1
        e += 1
    cdef u32 j = ((1 << 23) + (lead >> 1)) // lead
    cdef u128 nj = n * j
    cdef i128 sum
    cdef Wide s
    if nj == one:
        if j == 128: return y_times_integer(y, e, mode)
        sum = 0
    elif nj > one: s = divide(normal(nj - one, 0, False), normal(nj + one, 0, False))
    else: s = divide(normal(one - nj, 0, True), normal(nj + one, 0, False))
    if j == 128 and e == 0: return rounded(multiply(widen(y), logarithm_of_ratio(s)), mode)
    if nj != one:
        s = logarithm_of_ratio(s)
        sum = -<i128>fraction(s, LOG_BITS) if s.negative else <i128>fraction(s, LOG_BITS)
    sum += LOG[j] + (<i128>e << LOG_BITS)
    s = normal(<u128>(-sum if sum < 0 else sum), 127 - LOG_BITS, sum < 0)
    return rounded(multiply(widen(y), s), mode)

# The logarithm is an integer, the product exact; if it is negative, the hardware has it a hair smaller in magnitude
cdef Float80 y_times_integer(Float80 y, i32 e, FloatMode* mode) noexcept nogil:
    if e == 0: return zero(sign_of(y))
    cdef Wide a = widen(y)
    a = normal((a.m >> 64) * <u64>(-e if e < 0 else e), a.e + 64, a.negative != (e < 0))
    if e < 0: a = normal(a.m - 1, a.e, a.negative)
    return rounded(a, mode)

# DE is due for either operand, and not masked
cdef bint denormal_refused(Float80 y, Float80 x, FloatMode* mode) noexcept nogil:
    return (f80_is_denormal(x) or f80_is_denormal(y)) and refused(FLOAT_DE, mode)

# y times the logarithm of an infinity
cdef Float80 y_times_infinity(Float80 y, FloatMode* mode) noexcept nogil:
    if f80_is_zero(y): return invalid(mode)
    return y if f80_is_denormal(y) and refused(FLOAT_DE, mode) else infinity(sign_of(y))

cdef Float80 f80_y_log2(Float80 y, Float80 x, FloatMode* mode) noexcept nogil:
    cdef Float80 result
    cdef bint below_one = x.sign_exponent < BIAS
    mode.up = 0
    if f80_no_number(x, y, &result, mode): return result
    if f80_is_zero(x):
        if f80_is_zero(y): return invalid(mode)
        if not f80_is_infinite(y) and refused(FLOAT_ZE, mode): return y
        return infinity(not sign_of(y))
    if sign_of(x) or (is_one(x) and f80_is_infinite(y)): return invalid(mode)
    if f80_is_infinite(x): return y_times_infinity(y, mode)
    if denormal_refused(y, x, mode): return y
    if f80_is_zero(y): return zero(sign_of(y) != below_one)
    if f80_is_infinite(y): return infinity(sign_of(y) != below_one)
    cdef Wide a = widen(x)
    return y_times_log2(y, a.m >> 9, a.e, mode)

cdef Float80 f80_y_log2_plus_1(Float80 y, Float80 x, FloatMode* mode) noexcept nogil:
    cdef Float80 result
    mode.up = 0
    if f80_no_number(x, y, &result, mode): return result
    if f80_is_infinite(x): return invalid(mode) if sign_of(x) else y_times_infinity(y, mode)
    if f80_is_zero(x) and f80_is_infinite(y): return invalid(mode)
    if denormal_refused(y, x, mode): return y
    if f80_is_zero(x) or f80_is_zero(y): return zero(sign_of(x) != sign_of(y))
    if f80_is_infinite(y): return infinity(sign_of(x) != sign_of(y))
    cdef Wide a = widen(x)
    if a.negative and a.e >= 0:                                         # there is no logarithm: x itself
        mode.raised |= FLOAT_PE
        return x
    cdef u128 n
    if a.e < -8:                                                        # 1 + x would need too many bits: f = x, j = 128
        n = fraction(a, 126)
        n = (<u128>1 << 127) - n if a.negative else (<u128>1 << 127) + n
        return rounded(multiply(widen(y), logarithm_of_ratio(divide(a, normal(n, 1, False)))), mode)
    n = fraction(a, 118) if a.e <= 0 else a.m >> 9                      # now add 1, in the same unit
    if a.e <= 0: a.e, n = 0, (<u128>1 << 118) - n if a.negative else (<u128>1 << 118) + n
    elif a.e <= 118: n += <u128>1 << (118 - a.e)
    a = normal(n, a.e + 9, False)
    return y_times_log2(y, a.m >> 9, a.e, mode)

# ---- angles ---------------------------------------------------------------------------------------------------------

cdef bint f80_angle_too_large(Float80 x) noexcept nogil:
    return x.significand >> 63 and BIAS + 63 <= x.sign_exponent & MAGNITUDE < MAGNITUDE

# x = q pi/2 + r with |r| < pi/4: returns r, and q modulo 4. pi is 4 * P / 2^66; r is exact and never 0.
cdef Wide reduced(Float80 x, u32* quadrant) noexcept nogil:
    cdef Wide a = widen(x)
    cdef u128 P = join(3, 0x243F6A8885A308D3), v
    cdef i32 shift = a.e + 3, step
    cdef u32 octant
    quadrant[0] = 0
    if a.e < -1 or (a.e == -1 and fraction(a, 66) < P): return a
    v = a.m >> 64
    while shift:
        step = min(shift, 58)                                           # v < 2^69
        v = (v << step) % (8 * P)
        shift -= step
    octant = <u32>(v / P)
    v -= octant * P
    if octant & 1: v = P - v
    quadrant[0] = ((octant + 1) >> 1) & 3
    if a.negative: quadrant[0] = -quadrant[0] & 3
    return normal(v, 127 - 66, a.negative != (octant & 1))

# The last unit that both give away keeps them on their side of r and of 1.
cdef Wide sine_of(Wide r, u128 z) noexcept nogil:
    return multiply(r, normal(series(SINE, CIRCLE_TERMS, z, True) - 1, 0, False))

cdef Wide cosine_of(u128 z) noexcept nogil:
    return normal(series(COSINE, CIRCLE_TERMS, z, True) - 1, 0, False)

# Sine (turn = 0) or cosine (turn = 1)
cdef Float80 circular(Float80 x, u32 turn, FloatMode* mode) noexcept nogil:
    cdef u32 quadrant
    cdef Wide r = reduced(x, &quadrant)
    cdef u128 z = fraction(multiply(r, r), 128)
    quadrant += turn
    r = cosine_of(z) if quadrant & 1 else sine_of(r, z)
    r.negative ^= quadrant >> 1 & 1
    return rounded(r, mode)

# What FSIN, FCOS and FPTAN have in common. True: *result holds it, nothing to compute. Below 2^-68 the sine and the tangent are
# the operand, the cosine is 1, and no rounding control changes that.
cdef bint angle_is_special(Float80 x, bint cosine, Float80* result, FloatMode* mode) noexcept nogil:
    mode.up = 0
    if f80_no_number(x, x, result, mode): return True
    result[0] = f80(<u64>1 << 63, BIAS) if cosine else x
    if f80_is_infinite(x): result[0] = invalid(mode)
    elif not f80_is_zero(x) and not (f80_is_denormal(x) and refused(FLOAT_DE, mode)):
        if x.sign_exponent & MAGNITUDE >= BIAS - 68: return False
        if cosine: mode.raised |= FLOAT_PE
        else: result[0] = rounded(widen(x), mode)
    return True

cdef Float80 f80_sine(Float80 x, FloatMode* mode) noexcept nogil:
    cdef Float80 result
    return result if angle_is_special(x, False, &result, mode) else circular(x, 0, mode)

cdef Float80 f80_cosine(Float80 x, FloatMode* mode) noexcept nogil:
    cdef Float80 result
    return result if angle_is_special(x, True, &result, mode) else circular(x, 1, mode)

cdef Float80 f80_tangent(Float80 x, FloatMode* mode) noexcept nogil:
    cdef Float80 result
    cdef u32 quadrant
    cdef Wide r, sine, cosine
    cdef u128 z
    if angle_is_special(x, False, &result, mode): return result
    if x.sign_exponent & MAGNITUDE < BIAS - 33:             # x^3/3 is lost, and what is no power of 2 comes out a hair smaller
        r = widen(x)
        r.m -= (r.m << 1) != 0
        return rounded(r, mode)
    r = reduced(x, &quadrant)
    z = fraction(multiply(r, r), 128)
    sine, cosine = sine_of(r, z), cosine_of(z)
    if quadrant & 1:
        cosine.negative = True
        return rounded(divide(cosine, sine), mode)
    return rounded(divide(sine, cosine), mode)

# a / b of numbers with 64 bits, the last bit set if it is not exact: its own arctangent as the hardware sees it
cdef Wide quotient(Wide a, Wide b, bint negative) noexcept nogil:
    cdef u128 divisor = b.m >> 64, q = a.m / divisor, rest = (a.m % divisor) << 63
    return normal(q << 63 | rest / divisor | <u128>(rest % divisor != 0), a.e - b.e, negative)

# The angle ANGLE_BITS behind the point: rounded
cdef Float80 turn(u128 angle, bint negative, FloatMode* mode) noexcept nogil:
    return rounded(normal(angle, 127 - ANGLE_BITS, negative), mode)

cdef Float80 f80_arctangent(Float80 y, Float80 x, FloatMode* mode) noexcept nogil:
    cdef Float80 result
    cdef bint left = sign_of(x), negative = sign_of(y), steep
    cdef int start
    mode.up = 0
    if f80_no_number(x, y, &result, mode): return result
    if denormal_refused(y, x, mode): return y
    if f80_is_infinite(x) and f80_is_infinite(y): return turn(QUARTER_TURN[3 if left else 1], negative, mode)
    if f80_is_infinite(x) or f80_is_zero(y): return turn(QUARTER_TURN[4], negative, mode) if left else zero(negative)
    if f80_is_infinite(y) or f80_is_zero(x): return turn(QUARTER_TURN[2], negative, mode)
    cdef Wide a = widen(y), b = widen(x), d
    steep = a.e > b.e or (a.e == b.e and a.m > b.m)
    if steep: a, b = b, a
    cdef i32 distance = b.e - a.e
    cdef u64 i = 0, slope
    cdef i128 n = 1
    cdef u128 angle = 0
    a.negative = b.negative = False
    if distance < 8:                                                    # i = round(64 a / b), then atan(i / 64) and d
        slope = <u64>(b.m >> 104) << distance
        i = ((<u64>(a.m >> 104) << 6) + (slope >> 1)) // slope
    elif distance > 40 and not (steep or left): return rounded(quotient(a, b, negative), mode)
    if i:
        n = (<i128>(a.m >> 64) << 6) - <i128>(((b.m >> 64) << distance) * i)
        b = normal((b.m >> (58 - distance)) + (a.m >> 64) * i, 0, False)
        angle = ANGLE[i]
        if n: a = normal(<u128>(-n if n < 0 else n), 0, n < 0)
    if n:
        d = divide(a, b)
        d = multiply(d, normal(series(ODD, ODD_TERMS, fraction(multiply(d, d), 128), True) - 1, 0, False))
        if not (i or steep or left):
            d.negative = negative
            return rounded(d, mode)
        angle = angle - fraction(d, ANGLE_BITS) if d.negative else angle + fraction(d, ANGLE_BITS)
    start = 2 if steep else 4 if left else 0
    if start: angle = QUARTER_TURN[start] + angle if steep and left else QUARTER_TURN[start] - angle
    return turn(angle, negative, mode)

def calculate(str instruction, y, x, int rounding=0, int masked=0x3F):
    """What an instruction makes of ST(1) = y and ST(0) = x, two integers of 80 bits (those with one operand ask for x only).

    rounding is RC, masked the lower six bits of the control word. Returns (result, exceptions raised, C1); if an unmasked
    exception is IE, DE or ZE the result is of no use."""
    cdef FloatMode mode
    cdef Float80 a, b, r
    memset(&mode, 0, sizeof(mode))
    mode.precision = 64
    mode.rounding = rounding
    mode.masked = masked
    a.significand, a.sign_exponent = y & 0xFFFFFFFFFFFFFFFF, y >> 64
    b.significand, b.sign_exponent = x & 0xFFFFFFFFFFFFFFFF, x >> 64
    if instruction == "f2xm1": r = f80_exp2_minus_1(b, &mode)
    elif instruction == "fyl2x": r = f80_y_log2(a, b, &mode)
    elif instruction == "fyl2xp1": r = f80_y_log2_plus_1(a, b, &mode)
    elif instruction == "fsin": r = f80_sine(b, &mode)
    elif instruction == "fcos": r = f80_cosine(b, &mode)
    elif instruction == "fptan": r = f80_tangent(b, &mode)
    elif instruction == "fpatan": r = f80_arctangent(a, b, &mode)
    else: raise ValueError(f"no transcendental instruction {instruction!r}")
    return (<object>r.sign_exponent << 64) | r.significand, mode.raised, mode.up
