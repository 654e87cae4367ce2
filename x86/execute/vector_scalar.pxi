# The lowest element of a vector, of `size` bits, alone
from x86._vector cimport *

cdef inline u64 lowest(Vector* vector, const int size) noexcept nogil:
    return vector.d[0] if size == 32 else vector.q[0]

# A register with this in its lowest element and 0 behind it
cdef inline void write_alone(Cpu* cpu, u32 number, u64 value, const int unit) noexcept nogil:
    cdef Vector r
    r.q[0] = value
    r.q[1] = 0
    write_vector(cpu, number, &r, 64 if unit == MMX else 128, unit)

# ... and the other elements of the first source behind it. An older encoding has them there already, but what is stored
# as a whole does not hold up the load of a whole register that follows
cdef inline void write_merged(Cpu* cpu, Op* op, u64 value, const int size, const int unit) noexcept nogil:
    cdef Vector r
    if size == 32: value |= first(cpu, op, unit).q[0] >> 32 << 32
    r.q[0], r.q[1] = value, first(cpu, op, unit).q[1]
    write_vector(cpu, op.dst, &r, 128, unit)

cdef inline Op* load_low(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int merges) noexcept nogil:
    require(cpu, op, kind, unit)
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    if kind & (SRC_M | SRC_S): write_alone(cpu, op.dst, read_memory(cpu, op, where, kind, size), unit)
    elif merges: write_merged(cpu, op, lowest(vector_register(cpu, op.src, unit), size), size, unit)
    else: write_alone(cpu, op.dst, vector_register(cpu, op.src, unit).q[0], unit)
    return proceed(cpu, op)

cdef inline Op* store_low(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int merges) noexcept nogil:
    require(cpu, op, kind, unit)
    cdef u64 where = operand_address(cpu, op, kind, size, WRITE)
    cdef u64 value = lowest(vector_register(cpu, op.src, unit), size)
    reach(cpu, op, where, kind, size, WRITE)
    if kind & (DST_M | DST_S): write_destination(cpu, op, where, value, kind, size)
    elif merges: write_merged(cpu, op, value, size, unit)
    else: write_alone(cpu, op.dst, value, unit)
    if unit == MMX: enter_mmx(cpu)
    return proceed(cpu, op)

cdef inline Op* general_to_vector(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    require(cpu, op, kind, unit)
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    write_alone(cpu, op.dst, read_source(cpu, op, where, kind, size), unit)
    return proceed(cpu, op)

cdef inline Op* vector_to_general(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    require(cpu, op, kind, unit)
    cdef u64 where = operand_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    write_destination(cpu, op, where, lowest(vector_register(cpu, op.src, unit), size), kind, size)
    if unit == MMX: enter_mmx(cpu)
    return proceed(cpu, op)

cdef inline Op* movq2dq(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    require(cpu, op, kind, SSE)
    require(cpu, op, kind, MMX)
    write_alone(cpu, op.dst, vector_register(cpu, op.src, MMX).q[0], SSE)
    enter_mmx(cpu)
    return proceed(cpu, op)

cdef inline Op* movdq2q(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    require(cpu, op, kind, SSE)
    require(cpu, op, kind, MMX)
    write_alone(cpu, op.dst, vector_register(cpu, op.src, SSE).q[0], MMX)
    return proceed(cpu, op)
