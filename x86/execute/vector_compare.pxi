# Comparisons that make masks, and masks that become flags or numbers
from x86._vector cimport *

cdef enum: EQUAL, GREATER

ctypedef fused Lane:
    i8
    i16
    i32
    i64

cdef inline void each(Lane* r, Lane* a, Lane* b, const int count, const int what) noexcept nogil:
    cdef int i
    for i in range(count): r[i] = <Lane>-<int>(a[i] == b[i] if what == EQUAL else a[i] > b[i])

cdef inline Op* compare(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int what, const int lane) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector r
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    if lane == 8: each(&r.sb[0], &a.sb[0], &b.sb[0], size // 8, what)
    elif lane == 16: each(&r.sw[0], &a.sw[0], &b.sw[0], size // 16, what)
    elif lane == 32: each(&r.sd[0], &a.sd[0], &b.sd[0], size // 32, what)
    else: each(&r.sq[0], &a.sq[0], &b.sq[0], size // 64, what)
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

# The bits of a quadword that count: the highest of each lane, or all
cdef inline u64 counting(const int lane) noexcept nogil:
    return <u64>0x8000000080000000 if lane == 32 else <u64>1 << 63 if lane == 64 else ~<u64>0

cdef inline Op* test_bits(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int lane) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef u64 both = 0, second_only = 0
    cdef int i
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    a, b = vector_register(cpu, op.dst, unit), second(cpu, op, where, kind, size, unit)
    for i in range(size // 64):
        both |= a.q[i] & b.q[i]
        second_only |= ~a.q[i] & b.q[i]
    flags_explicit(cpu, (second_only & counting(lane)) == 0, 0, 0, (both & counting(lane)) != 0, 64)
    clear_pf(cpu)
    return proceed(cpu, op)

# Bit i is the highest one of lane i, of `bits` bits of vector
cdef inline Op* highest_bits(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int lane, const int bits) noexcept nogil:
    cdef Vector* a
    cdef u32 r = 0
    cdef int i
    require(cpu, op, kind, unit)
    a = vector_register(cpu, op.src, unit)
    for i in range(bits // 64): r |= highest_of(a.q[i], lane) << (64 // lane * i)
    write_register(cpu, op.dst, r, 32)
    if unit == MMX: enter_mmx(cpu)
    return proceed(cpu, op)
