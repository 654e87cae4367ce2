# Shifts of the lanes of a vector, and of 128 bits by bytes. A count that is too great gives zeros, or copies of the sign
from x86._vector cimport *

cdef enum: LEFT, RIGHT, ARITHMETIC_RIGHT

ctypedef fused Lane:
    u16
    u32
    u64
    i16
    i32

cdef inline Lane shifted(Lane a, u64 count, const int what) noexcept nogil:       # the count is less than the lane's bits
    return <Lane>(a << count) if what == LEFT else <Lane>(a >> count)

cdef inline void each(Lane* r, Lane* a, u64 count, const int lanes, const int what) noexcept nogil:
    cdef int i
    cdef u64 highest = 8 * sizeof(Lane) - 1
    cdef Lane keep = <Lane>~<Lane>0
    if count > highest:
        count = highest if what == ARITHMETIC_RIGHT else 0
        keep = <Lane>(keep if what == ARITHMETIC_RIGHT else 0)
    for i in range(lanes): r[i] = shifted(a[i], count, what) & keep

cdef inline void shift(Vector* r, Vector* a, u64 count, const int size, const int what, const int lane) noexcept nogil:
    if lane == 16 and what == ARITHMETIC_RIGHT: each(&r.sw[0], &a.sw[0], count, size // 16, what)
    elif lane == 16: each(&r.w[0], &a.w[0], count, size // 16, what)
    elif lane == 32 and what == ARITHMETIC_RIGHT: each(&r.sd[0], &a.sd[0], count, size // 32, what)
    elif lane == 32: each(&r.d[0], &a.d[0], count, size // 32, what)
    else: each(&r.q[0], &a.q[0], count, size // 64, what)

cdef inline Op* shift_lanes(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int what, const int lane) noexcept nogil:
    cdef Vector* a
    cdef Vector r
    cdef int bits = 64 if unit == MMX else 128          # of the operand that holds the count
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, bits, READ)
    aligned(cpu, op, where, kind, bits, unit == SSE)
    reach(cpu, op, where, kind, bits, READ)
    a = first(cpu, op, unit)
    shift(&r, a, second(cpu, op, where, kind, bits, unit).q[0], size, what, lane)
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

# The register in r/m, which in older encodings is the destination, too
cdef inline Vector* shifted_register(Cpu* cpu, Op* op, const int unit) noexcept nogil:
    return vector_register(cpu, op.src if unit == VEX else op.dst, unit)

cdef inline Op* shift_lanes_by_immediate(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int what, const int lane) noexcept nogil:
    cdef Vector r
    require(cpu, op, kind, unit)
    shift(&r, shifted_register(cpu, op, unit), <u64>op.imm, size, what, lane)
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

cdef inline Op* shift_each(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int what, const int lane) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector r
    cdef int i
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    for i in range(size // lane):
        if what == ARITHMETIC_RIGHT: r.sd[i] = a.sd[i] >> (b.d[i] if b.d[i] < 31 else 31)
        elif lane == 32: r.d[i] = shifted(a.d[i], b.d[i] & 31, what) if b.d[i] < 32 else 0
        else: r.q[i] = shifted(a.q[i], b.q[i] & 63, what) if b.q[i] < 64 else 0
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

cdef inline Op* shift_bytes(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int what) noexcept nogil:
    cdef u128* a
    cdef Vector r
    cdef int half, count = 8 * (<int>op.imm & 15)
    cdef u128 keep = <u128>0 - <u128>(op.imm < 16)
    require(cpu, op, kind, unit)
    a = <u128*>shifted_register(cpu, op, unit)
    for half in range(size // 128):
        (<u128*>&r)[half] = (a[half] << count if what == LEFT else a[half] >> count) & keep
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)
