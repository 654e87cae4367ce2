# Lanes in another order. An immediate has the number of the lane for each lane of the result, from bit 0 on
from x86._vector cimport *

cdef extern from "_shuffle.h":
    void shuffle_bytes(u8* to, const u8* from_, const u8* index) noexcept nogil

cdef inline Op* pshufb(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector r
    cdef int i
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    if unit == MMX:
        for i in range(8): r.b[i] = 0 if b.b[i] & 0x80 else a.b[b.b[i] & 7]
    else:
        for i in range(size // 128): shuffle_bytes(&r.b[16 * i], &a.b[16 * i], &b.b[16 * i])
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

# Four words from `start` on in each 128 bits; the others stay
cdef inline Op* shuffle_words(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int start) noexcept nogil:
    cdef Vector* b
    cdef u16* four
    cdef Vector r
    cdef int i
    cdef u64 order = <u64>op.imm
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    b = second(cpu, op, where, kind, size, unit)
    for i in range(size // 64):
        four = &b.w[4 * i]
        if i & 1 == start >> 2:
            r.q[i] = four[order & 3] | <u64>four[order >> 2 & 3] << 16 | <u64>four[order >> 4 & 3] << 32 | \
                <u64>four[order >> 6 & 3] << 48
        else: r.q[i] = b.q[i]
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

cdef inline u64 pair(u32* four, u64 order) noexcept nogil:
    return four[order & 3] | <u64>four[order >> 2 & 3] << 32

cdef inline Op* shuffle_doublewords(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    cdef Vector* b
    cdef Vector r
    cdef int i
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    b = second(cpu, op, where, kind, size, unit)
    for i in range(size // 64): r.q[i] = pair(&b.d[i // 2 * 4], <u64>op.imm >> (i % 2 * 4))
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

cdef inline Op* shuffle_quadwords(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    cdef Vector* b
    cdef Vector r
    cdef int i
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    b = second(cpu, op, where, kind, size, unit)
    for i in range(size // 64): r.q[i] = b.q[i // 2 * 2 + (op.imm >> i & 1)]
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

# In each 128 bits two lanes of the first source, then two of the second
cdef inline Op* shufps(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector r
    cdef int i
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    for i in range(size // 128):
        r.q[2 * i] = pair(&a.d[4 * i], <u64>op.imm)
        r.q[2 * i + 1] = pair(&b.d[4 * i], <u64>op.imm >> 4)
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

cdef inline Op* shufpd(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector r
    cdef int i
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    for i in range(size // 128):
        r.q[2 * i] = a.q[2 * i + (op.imm >> (2 * i) & 1)]
        r.q[2 * i + 1] = b.q[2 * i + (op.imm >> (2 * i + 1) & 1)]
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

# The second source says which lanes, in bits 1 and 0 of doublewords, in bit 1 of quadwords
cdef inline Op* permute_within(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int lane) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector r
    cdef int i
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    for i in range(size // 64):
        if lane == 32: r.q[i] = pair(&a.d[i // 2 * 4], (b.q[i] & 3) | (b.q[i] >> 30 & 12))
        else: r.q[i] = a.q[i // 2 * 2 + <int>(b.q[i] >> 1 & 1)]
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

# Of 32 bytes, the first source above the second, those from imm8 on
cdef inline Op* palignr(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef u128 low, high
    cdef Vector r
    cdef int i, count = 8 * <int>op.imm
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    if unit == MMX:
        low = <u128>a.q[0] << 64 | b.q[0]
        r.q[0] = <u64>(low >> count) if count < 128 else 0
    else:
        for i in range(0, size // 64, 2):
            low = <u128>b.q[i + 1] << 64 | b.q[i]
            high = <u128>a.q[i + 1] << 64 | a.q[i]
            if count == 0: high = low
            elif count < 128: high = high << (128 - count) | low >> count
            elif count < 256: high = high >> (count - 128)
            else: high = 0
            r.q[i], r.q[i + 1] = <u64>high, <u64>(high >> 64)
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

# ---- across 256 bits -----------------------------------------------------------------------------------------------------

cdef inline Op* permute_quadwords(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    cdef Vector* b
    cdef Vector r
    cdef int i
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    b = second(cpu, op, where, kind, size, unit)
    for i in range(4): r.q[i] = b.q[op.imm >> (2 * i) & 3]
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

# Here the first source says which lanes of the second
cdef inline Op* permute_doublewords(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector r
    cdef int i
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    for i in range(4): r.q[i] = b.d[a.q[i] & 7] | <u64>b.d[a.q[i] >> 32 & 7] << 32
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

# For the low half (bits 3 to 0) and the high one (7 to 4):    3   2 1 0     Z: zeros
#                                                            | Z | 0 n n |   n: 0, 1 halves of the first source, 2, 3 of the second
cdef inline Op* permute_halves(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef u64* half
    cdef Vector r
    cdef int i
    cdef u64 choice, keep
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    for i in range(2):
        choice = <u64>op.imm >> (4 * i)
        half = &(b if choice & 2 else a).q[2 * (choice & 1)]
        keep = (choice >> 3 & 1) - 1
        r.q[2 * i], r.q[2 * i + 1] = half[0] & keep, half[1] & keep
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)
