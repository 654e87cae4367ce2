# Products of the integers in a vector
from x86._vector cimport *

cdef enum: UNSIGNED = 0, SIGNED = 1
cdef enum: LOW, HIGH, HIGH_UNSIGNED, ROUNDED            # what is kept of the 32 bits of a product of words

cdef inline i16 saturated_word(i32 value) noexcept nogil:
    if value > 0x7FFF: value = 0x7FFF
    return <i16>(-0x8000 if value < -0x8000 else value)

cdef inline Op* multiply_words(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int keep) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector r
    cdef int i
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    for i in range(size // 16):
        if keep == LOW: r.w[i] = <u16>(a.sw[i] * b.sw[i])
        elif keep == HIGH: r.sw[i] = <i16>((<i32>a.sw[i] * b.sw[i]) >> 16)
        elif keep == HIGH_UNSIGNED: r.w[i] = <u16>((<u32>a.w[i] * b.w[i]) >> 16)
        else: r.sw[i] = <i16>((((<i32>a.sw[i] * b.sw[i]) >> 14) + 1) >> 1)
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

cdef inline Op* pmulld(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector r
    cdef int i
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    for i in range(size // 32): r.d[i] = a.d[i] * b.d[i]
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

cdef inline Op* multiply_even(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int sign) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector r
    cdef int i
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    for i in range(size // 64):
        if sign: r.sq[i] = <i64><i32>a.q[i] * <i32>b.q[i]
        else: r.q[i] = <u64><u32>a.q[i] * <u32>b.q[i]
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

# The only sum that does not fit, of four words of -8000h, is 8000_0000h
cdef inline Op* pmaddwd(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector r
    cdef u32 product[16]
    cdef int i
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    for i in range(size // 16): product[i] = <u32>(<i32>a.sw[i] * b.sw[i])
    for i in range(size // 32): r.d[i] = product[2 * i] + product[2 * i + 1]
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

cdef inline Op* pmaddubsw(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    cdef Vector* a                                      # unsigned
    cdef Vector* b                                      # signed
    cdef Vector r
    cdef int i
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    for i in range(size // 16):
        r.sw[i] = saturated_word(<u8>a.w[i] * <i8>b.w[i] + (a.w[i] >> 8) * (b.sw[i] >> 8))
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)
