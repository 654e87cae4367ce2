# Arithmetic on the integers in a vector: a lane is a byte, word, doubleword or quadword
from x86._vector cimport *

cdef inline Op* add_lanes(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int lane) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector r
    cdef int i
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    if lane == 8:
        for i in range(size // 8): r.b[i] = <u8>(a.b[i] + b.b[i])
    elif lane == 16:
        for i in range(size // 16): r.w[i] = <u16>(a.w[i] + b.w[i])
    elif lane == 32:
        for i in range(size // 32): r.d[i] = a.d[i] + b.d[i]
    else:
        for i in range(size // 64): r.q[i] = a.q[i] + b.q[i]
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)
