# Lanes of one or the other source
from x86._vector cimport *

# A quadword with ones in the lanes whose bits are set
cdef inline u64 lanes_of(u64 bits, const int lane) noexcept nogil:
    if lane == 16: return ((bits & 15) * <u64>0x0000200040008001 & <u64>0x0001000100010001) * 0xFFFF
    if lane == 32: return ((bits & 1) | (bits & 2) << 31) * <u64>0xFFFFFFFF
    return 0 - (bits & 1)

# Bit i of imm8 takes lane i from the second source; for words, the same 8 bits serve each 128 bits
cdef inline Op* blend(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int lane) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector r
    cdef u64 from_second
    cdef int i
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    for i in range(size // 64):
        from_second = lanes_of(<u64>op.imm >> (64 // lane * i & 7), lane)
        r.q[i] = (b.q[i] & from_second) | (a.q[i] & ~from_second)
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

ctypedef fused Lane:
    i8
    i32
    i64

cdef inline void choose(Lane* r, Lane* a, Lane* b, Lane* signs, const int count) noexcept nogil:
    cdef int i
    cdef Lane second
    for i in range(count):
        second = signs[i] >> (8 * sizeof(Lane) - 1)     # all ones or 0
        r[i] = (b[i] & second) | (a[i] & ~second)

# The signs are in XMM0, under VEX in the register of /is4
cdef inline Op* blend_by_signs(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int lane) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector* signs
    cdef Vector r
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    signs = &cpu.fpu.ymm[op.imm if unit == VEX else 0]
    if lane == 8: choose(&r.sb[0], &a.sb[0], &b.sb[0], &signs.sb[0], size // 8)
    elif lane == 32: choose(&r.sd[0], &a.sd[0], &b.sd[0], &signs.sd[0], size // 32)
    else: choose(&r.sq[0], &a.sq[0], &b.sq[0], &signs.sq[0], size // 64)
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)
