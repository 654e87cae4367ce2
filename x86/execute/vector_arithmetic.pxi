# Arithmetic on the integers in a vector: each lane of the result comes from one lane of each source
from x86._vector cimport *

cdef enum: UNSIGNED = 0, SIGNED = 1
cdef enum: ADD, SUB, ADD_SATURATED, SUB_SATURATED, AVERAGE, MIN, MAX, SIGN, ABS

ctypedef fused Lane:
    u8
    u16
    u32
    u64
    i8
    i16
    i32

# A sum or difference r that overflowed has the sign that it should not have: the nearest value is of the other sign
cdef inline Lane saturated(Lane r, Lane overflow, Lane a) noexcept nogil:
    cdef Lane highest = <Lane>(~<u64>0 >> (65 - 8 * sizeof(Lane)))
    return <Lane>((a >> (8 * sizeof(Lane) - 1)) ^ highest) if overflow < 0 else r

cdef inline Lane combine(Lane a, Lane b, const int what) noexcept nogil:
    cdef bint is_signed = <Lane>-1 < 1
    cdef Lane r
    if what == ADD: return <Lane>(a + b)
    if what == SUB: return <Lane>(a - b)
    if what == ADD_SATURATED:
        r = <Lane>(a + b)
        return saturated(r, <Lane>((a ^ r) & (b ^ r)), a) if is_signed else r | <Lane>-<int>(r < a)
    if what == SUB_SATURATED:
        r = <Lane>(a - b)
        return saturated(r, <Lane>((a ^ b) & (a ^ r)), a) if is_signed else r & <Lane>-<int>(r <= a)
    if what == AVERAGE: return <Lane>((a + b + 1) >> 1)
    if what == MIN: return a if a < b else b
    if what == MAX: return a if a > b else b
    r = <Lane>-<int>(b < 0)                             # x ^ r - r is x or -x
    if what == SIGN: return <Lane>((a ^ r) - r) & <Lane>-<int>(b != 0)
    return <Lane>((b ^ r) - r)                          # ABS

cdef inline void each(Lane* r, Lane* a, Lane* b, const int count, const int what) noexcept nogil:
    cdef int i
    for i in range(count): r[i] = combine(a[i], b[i], what)

cdef inline Op* lanes(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int what, const int sign, const int lane) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector r
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    if lane == 8 and sign: each(&r.sb[0], &a.sb[0], &b.sb[0], size // 8, what)
    elif lane == 8: each(&r.b[0], &a.b[0], &b.b[0], size // 8, what)
    elif lane == 16 and sign: each(&r.sw[0], &a.sw[0], &b.sw[0], size // 16, what)
    elif lane == 16: each(&r.w[0], &a.w[0], &b.w[0], size // 16, what)
    elif lane == 32 and sign: each(&r.sd[0], &a.sd[0], &b.sd[0], size // 32, what)
    elif lane == 32: each(&r.d[0], &a.d[0], &b.d[0], size // 32, what)
    else: each(&r.q[0], &a.q[0], &b.q[0], size // 64, what)
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)
