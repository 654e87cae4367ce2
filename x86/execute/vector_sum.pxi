# What comes of several lanes of one vector: sums and differences of neighbours, absolute differences, the smallest word
from x86._vector cimport *

cdef enum: ADD, SUB, ADD_SATURATED, SUB_SATURATED

cdef inline i32 of_neighbours(i32 a, i32 b, const int what) noexcept nogil:
    cdef i32 r = <i32>(<u32>a + <u32>b) if what in (ADD, ADD_SATURATED) else <i32>(<u32>a - <u32>b)
    if what in (ADD_SATURATED, SUB_SATURATED):
        if r > 0x7FFF: r = 0x7FFF
        if r < -0x8000: r = -0x8000
    return r

# Each 128 bits of the result: what comes of the first source's neighbours, then what comes of the second's
cdef inline Op* neighbours(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int what, const int lane) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector r
    cdef int i, from_, to, count = (64 if unit == MMX else 128) // lane
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    for i in range(size // lane // 2):
        from_ = 2 * i
        to = from_ // count * count + i % (count // 2)
        if lane == 16:
            r.sw[to] = <i16>of_neighbours(a.sw[from_], a.sw[from_ + 1], what)
            r.sw[to + count // 2] = <i16>of_neighbours(b.sw[from_], b.sw[from_ + 1], what)
        else:
            r.sd[to] = of_neighbours(a.sd[from_], a.sd[from_ + 1], what)
            r.sd[to + count // 2] = of_neighbours(b.sd[from_], b.sd[from_ + 1], what)
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

cdef inline u8 distance(u8 a, u8 b) noexcept nogil:
    cdef u8 greater = a if a > b else b, less = a if a < b else b
    return greater - less

cdef inline Op* psadbw(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector r, apart
    cdef int i, j
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    for i in range(size // 8): apart.b[i] = distance(a.b[i], b.b[i])
    for i in range(size // 64):                         # bytes to words, words to their sum: FF * 8 fits
        r.q[i] = (apart.q[i] & <u64>0x00FF00FF00FF00FF) + (apart.q[i] >> 8 & <u64>0x00FF00FF00FF00FF)
        r.q[i] = r.q[i] * <u64>0x0001000100010001 >> 48
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

# imm8, for each 128 bits three bits of it:   2 | 1 0     doubleword of the first source where the eight places begin,
#                                             5 | 4 3     doubleword of the second that is compared
cdef inline Op* mpsadbw(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector r
    cdef u8* from_
    cdef u8* with_
    cdef int i, half
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    for half in range(size // 128):
        from_ = &a.b[16 * half + (op.imm >> (3 * half + 2) & 1) * 4]
        with_ = &b.b[16 * half + (op.imm >> (3 * half) & 3) * 4]
        for i in range(8):
            r.w[8 * half + i] = distance(from_[i], with_[0]) + distance(from_[i + 1], with_[1]) + \
                distance(from_[i + 2], with_[2]) + distance(from_[i + 3], with_[3])
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

cdef inline Op* phminposuw(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    cdef Vector* a
    cdef Vector r
    cdef u32 smallest = 0xFFFFFFFF, candidate
    cdef int i
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    a = second(cpu, op, where, kind, size, unit)
    for i in range(8):                                  # the word, then its number: the first of equal ones wins
        candidate = <u32>a.w[i] << 16 | <u32>i
        if candidate < smallest: smallest = candidate
    r.q[0], r.q[1] = smallest >> 16 | (smallest & 7) << 16, 0
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)
