# Numbers of 128 significant bits: what transcendental instructions compute with before they round to 64.
#
#       value = (-1)^negative * m / 2^127 * 2^e        bit 127 of m is set, so m / 2^127 is in [1, 2)
#
# Beside them stand fixed-point fractions of 128 bits: Q127 counts 2^-127 and reaches up to 2, Q128 is in [0, 1). All operations
# round down in magnitude and are exact to a few units of the last place, 2^-120 at worst.
from x86._state cimport *

cdef extern from *:
    int leading_zeros "__builtin_clzll"(unsigned long long) nogil

cdef struct Wide:
    u128 m
    i32 e
    bint negative

cdef inline u128 join(u64 high, u64 low) noexcept nogil:
    return (<u128>high << 64) | low

cdef inline u128 multiply_high(u128 a, u128 b) noexcept nogil:         # bits 255..128 of the product
    cdef u64 a1 = <u64>(a >> 64), a0 = <u64>a, b1 = <u64>(b >> 64), b0 = <u64>b
    cdef u128 low = <u128>a0 * b0, left = <u128>a1 * b0, right = <u128>a0 * b1
    cdef u128 carry = (low >> 64) + <u64>left + <u64>right
    return <u128>a1 * b1 + (left >> 64) + (right >> 64) + (carry >> 64)

cdef inline Wide normal(u128 m, i32 e, bint negative) noexcept nogil:   # m is not 0
    cdef Wide r
    cdef int zeros = leading_zeros(<u64>(m >> 64)) if m >> 64 else 64 + leading_zeros(<u64>m)
    r.m = m << zeros
    r.e = e - zeros
    r.negative = negative
    return r

cdef inline u128 fraction(Wide a, int bits) noexcept nogil:             # |a| in units of 2^-bits; it must fit
    cdef i32 shift = 127 - bits - a.e
    return a.m >> shift if shift < 128 else 0

cdef inline Wide multiply(Wide a, Wide b) noexcept nogil:
    return normal(multiply_high(a.m, b.m), a.e + b.e + 1, a.negative != b.negative)

# 1 / b by one step of Newton's, from a quotient of 64 bits:
#       b = m / 2^127       r = (2^127 - 1) / (m / 2^64) / 2^64 = 1 / b (1 + d), |d| < 2^-61       1 / b = r + r (1 - b r)
cdef inline Wide divide(Wide a, Wide b) noexcept nogil:
    cdef u128 upper = b.m >> 64
    cdef u64 r = <u64>(((<u128>1 << 127) - 1) / upper)
    cdef u128 product = upper * r + ((<u128><u64>b.m * r) >> 64)       # b r, Q127
    cdef i64 error = <i64><u64>(((<u128>1 << 127) - product) >> 4)                      # 1 - b r, Q123
    cdef u128 reciprocal = (<u128>r << 63) + <u128>((<i128>r * error) >> 60)            # Q127
    return normal(multiply_high(a.m, reciprocal), a.e - b.e + 1, a.negative != b.negative)
