# Bitwise logic on vectors
from x86._vector cimport *

cdef enum: AND, AND_NOT, OR, XOR

cdef inline Op* bitwise(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int what) noexcept nogil:
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
        if what == AND: r.q[i] = a.q[i] & b.q[i]
        elif what == AND_NOT: r.q[i] = ~a.q[i] & b.q[i]
        elif what == OR: r.q[i] = a.q[i] | b.q[i]
        else: r.q[i] = a.q[i] ^ b.q[i]
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)
