# Lanes become narrower (two sources), are interleaved, or become wider (one source)
from x86._vector cimport *

cdef enum: UNSIGNED = 0, SIGNED = 1
cdef enum: LOW = 0, HIGH = 1

cdef inline i32 within(i32 value, const int lowest, const int highest) noexcept nogil:
    if value > highest: value = highest
    return lowest if value < lowest else value

# Each 128 bits of the result: the first source's lanes, then the second's
cdef inline Op* pack(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int sign, const int lane) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector r
    cdef int i, to, count = (64 if unit == MMX else 128) // lane
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    for i in range(size // lane):
        to = 2 * (i // count * count) + i % count
        if lane == 16:
            r.b[to] = <u8>within(a.sw[i], -0x80 if sign else 0, 0x7F if sign else 0xFF)
            r.b[to + count] = <u8>within(b.sw[i], -0x80 if sign else 0, 0x7F if sign else 0xFF)
        else:
            r.w[to] = <u16>within(a.sd[i], -0x8000 if sign else 0, 0x7FFF if sign else 0xFFFF)
            r.w[to + count] = <u16>within(b.sd[i], -0x8000 if sign else 0, 0x7FFF if sign else 0xFFFF)
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

# Within each 128 bits, lanes of the low (high) half of both sources in turn. MMX reads the half of its memory operand only
cdef inline Op* interleave(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int half, const int lane) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector r
    cdef int i, from_, count = (64 if unit == MMX else 128) // lane
    cdef int bits = 32 if unit == MMX and half == LOW else size
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, bits, READ)
    aligned(cpu, op, where, kind, bits, unit == SSE)
    reach(cpu, op, where, kind, bits, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, bits, unit)
    for i in range(size // lane // 2):
        from_ = 2 * i // count * count + i % (count // 2) + half * (count // 2)
        if lane == 8: r.b[2 * i], r.b[2 * i + 1] = a.b[from_], b.b[from_]
        elif lane == 16: r.w[2 * i], r.w[2 * i + 1] = a.w[from_], b.w[from_]
        elif lane == 32: r.d[2 * i], r.d[2 * i + 1] = a.d[from_], b.d[from_]
        else: r.q[2 * i], r.q[2 * i + 1] = a.q[from_], b.q[from_]
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

ctypedef fused Narrow:
    u8
    u16
    u32
    i8
    i16
    i32

cdef inline void extend_to(Vector* r, Narrow* a, const int count, const int to) noexcept nogil:
    cdef int i
    for i in range(count):
        if to == 16: r.w[i] = <u16>a[i]
        elif to == 32: r.d[i] = <u32>a[i]
        else: r.q[i] = <u64>a[i]

cdef inline Op* extend(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int sign, const int lane, const int to) noexcept nogil:
    cdef Vector* a
    cdef Vector r
    cdef int bits = size * lane // to
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, bits, READ)
    reach(cpu, op, where, kind, bits, READ)
    a = second(cpu, op, where, kind, bits, unit)
    if lane == 8 and sign: extend_to(&r, &a.sb[0], size // to, to)
    elif lane == 8: extend_to(&r, &a.b[0], size // to, to)
    elif lane == 16 and sign: extend_to(&r, &a.sw[0], size // to, to)
    elif lane == 16: extend_to(&r, &a.w[0], size // to, to)
    elif sign: extend_to(&r, &a.sd[0], size // to, to)
    else: extend_to(&r, &a.d[0], size // to, to)
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)
