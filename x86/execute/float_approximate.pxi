# RCPPS, RSQRTPS. The manual asks for a relative error of less than 1.5 * 2^-12 and leaves the bits open; these are Intel's.
# The range of significands is cut into intervals, and each gets the exact value for its middle, rounded to 12 bits of fraction:
# 2048 intervals of [1, 2) for the reciprocal, 1024 each of [1, 2) and [2, 4) for the root. MXCSR has no say, and no flag is set.
#
#    operand   31   30 ... 23   22 ... 12   11 ... 0        result   31   30 ... 23   22 ... 11   10 ... 0
#             +----+-----------+-----------+----------+             +----+-----------+-----------+----------+
#             | S  | exponent  |  number   | ignored  |             | S  | exponent  |   table   |    0     |
#             +----+-----------+-----------+----------+             +----+-----------+-----------+----------+
from x86._sse cimport *
from x86._vector cimport *

cdef u16 RECIPROCAL[2048]                       # fractions of results in [1/2, 1)
cdef u16 RECIPROCAL_ROOT[2048]                  # the exponent is even, odd

import math
for _i in range(2048):
    RECIPROCAL[_i] = ((1 << 26) // (4097 + 2 * _i) + 1) // 2 & 0xFFF
    RECIPROCAL_ROOT[_i] = (math.isqrt((1 << (38 + (_i >> 10))) // (2049 + 2 * (_i & 1023))) + 1) // 2 & 0xFFF

cdef inline u32 reciprocal(u32 a) noexcept nogil:
    cdef u32 sign = a & 0x80000000u, exponent = a >> 23 & 0xFF
    if unlikely(exponent == 0): return sign | 0x7F800000            # of zeros, and of denormals
    if unlikely(exponent >= 253):                                   # a denormal result is 0
        return a | 0x400000 if a & 0x7FFFFFFF > 0x7F800000 else sign
    return sign | (253 - exponent) << 23 | <u32>RECIPROCAL[a >> 12 & 0x7FF] << 11

cdef inline u32 reciprocal_root(u32 a) noexcept nogil:
    cdef u32 exponent = a >> 23 & 0xFF
    if unlikely(exponent == 0): return a & 0x80000000u | 0x7F800000
    if unlikely(a > 0x7F800000): return a | 0x400000 if a & 0x7FFFFFFF > 0x7F800000 else 0xFFC00000u
    if unlikely(a == 0x7F800000): return 0
    return (380 - exponent) // 2 << 23 | <u32>RECIPROCAL_ROOT[a >> 13 & 0x7FF] << 11

cdef inline Op* float_approximate(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int root,
                                  const int scalar) noexcept nogil:
    cdef Vector* b
    cdef Vector* to = vector_register(cpu, op.dst, unit)
    cdef int bits = 32 if scalar else size, i
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, bits, READ)
    aligned(cpu, op, where, kind, bits, unit == SSE and not scalar)
    reach(cpu, op, where, kind, bits, READ)
    b = second(cpu, op, where, kind, bits, unit)
    cdef u32 lowest = reciprocal_root(b.d[0]) if root else reciprocal(b.d[0])
    if scalar:
        to.q[0] = first(cpu, op, unit).q[0] & ~<u64>0xFFFFFFFF | lowest
        copy_upper(to, first(cpu, op, unit), unit)
        return proceed(cpu, op)
    for i in range(size // 32): to.d[i] = reciprocal_root(b.d[i]) if root else reciprocal(b.d[i])
    if size == 128: clear_upper(to, unit)
    return proceed(cpu, op)
