# Halves of XMM registers: 0 is bits 63..0, 1 is bits 127..64
from x86._vector cimport *

cdef inline Op* load_half(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int to,
                          const int source) noexcept nogil:
    cdef Vector r
    cdef u64 value
    require(cpu, op, kind, unit)
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    if kind & (SRC_M | SRC_S): value = read_memory(cpu, op, where, kind, size)
    else: value = vector_register(cpu, op.src, unit).q[source]
    r.q[to], r.q[1 - to] = value, first(cpu, op, unit).q[1 - to]
    write_vector(cpu, op.dst, &r, 128, unit)
    return proceed(cpu, op)

cdef inline Op* store_half(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int half) noexcept nogil:
    require(cpu, op, kind, unit)
    cdef u64 where = operand_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    write_destination(cpu, op, where, vector_register(cpu, op.src, unit).q[half], kind, size)
    return proceed(cpu, op)
