# Elements of a vector that are repeated in the result
from x86._vector cimport *

# One element of memory, or of a register: its lowest
cdef inline u64 read_element(Cpu* cpu, Op* op, u64 where, const int kind, const int lane, const int unit) noexcept nogil:
    if kind & (SRC_M | SRC_S): return read_memory(cpu, op, where, kind, lane)
    return vector_register(cpu, op.src, unit).q[0]

cdef inline void fill(Vector* r, u64 value, const int size, const int lane) noexcept nogil:
    cdef int i
    if lane == 8:
        for i in range(size // 8): r.b[i] = <u8>value
    elif lane == 16:
        for i in range(size // 16): r.w[i] = <u16>value
    elif lane == 32:
        for i in range(size // 32): r.d[i] = <u32>value
    else:
        for i in range(size // 64): r.q[i] = value

cdef inline Op* broadcast_lane(Cpu* cpu, Op* op, const int kind, const int size, const int unit,
                               const int lane) noexcept nogil:
    cdef Vector r
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, lane, READ)
    reach(cpu, op, where, kind, lane, READ)
    if lane == 128:
        memcpy(&r, second(cpu, op, where, kind, lane, unit), 16)
        r.q[2], r.q[3] = r.q[0], r.q[1]
    else: fill(&r, read_element(cpu, op, where, kind, lane, unit), size, lane)
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

# Of each pair of elements one, twice. MOVDDUP of an XMM register reads 64 bits
cdef inline Op* duplicate_lanes(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int lane,
                                const int odd) noexcept nogil:
    cdef Vector* a
    cdef Vector r
    cdef int i
    cdef int bits = 64 if lane == 64 and size == 128 else size
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, bits, READ)
    aligned(cpu, op, where, kind, size, unit == SSE and lane == 32)
    reach(cpu, op, where, kind, bits, READ)
    if bits == 64: fill(&r, read_element(cpu, op, where, kind, 64, unit), size, 64)
    else:
        a = second(cpu, op, where, kind, size, unit)
        if lane == 32:
            for i in range(size // 32): r.d[i] = a.d[(i & ~1) + odd]
        else:
            for i in range(size // 64): r.q[i] = a.q[i & ~1]
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)
