# Lanes of one or the other source
from x86._vector cimport *

# Bit i of imm8 takes lane i from the second source; for words, the same 8 bits serve each 128 bits
cdef inline Op* blend(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int lane) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector r
    cdef int i
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    cdef u32 chosen = <u32>op.imm
    for i in range(size // lane):
        if lane == 16: r.w[i] = b.w[i] if chosen & (1 << (i & 7)) else a.w[i]
        elif lane == 32: r.d[i] = b.d[i] if chosen & (1 << i) else a.d[i]
        else: r.q[i] = b.q[i] if chosen & (1 << i) else a.q[i]
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

ctypedef fused Lane:
    i8
    i32
    i64

cdef inline void choose(Lane* r, Lane* a, Lane* b, Lane* signs, const int count) noexcept nogil:
    cdef int i
    for i in range(count): r[i] = b[i] if signs[i] < 0 else a[i]

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
