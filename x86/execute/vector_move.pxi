# Copies of whole vector registers. For flat memory each is a leaf: an address, a compare, a load, a store
from x86._vector cimport *

# By way of host registers: what is copied 32 bytes at a time lies in memory once more
cdef inline void copy(Vector* to, const Vector* source, const int bits) noexcept nogil:
    memcpy(&to.q[0], &source.q[0], 8 if bits == 64 else 16)
    if bits == 256: memcpy(&to.q[2], &source.q[2], 16)

cdef inline Op* load_vector(Cpu* cpu, Op* op, const int kind, const int size, const int unit,
                            const int must_align) noexcept nogil:
    cdef Vector r
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, must_align)
    reach(cpu, op, where, kind, size, READ)
    copy(&r, second(cpu, op, where, kind, size, unit), size)
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

cdef inline Op* store_vector(Cpu* cpu, Op* op, const int kind, const int size, const int unit,
                             const int must_align) noexcept nogil:
    cdef Vector r
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, WRITE)
    aligned(cpu, op, where, kind, size, must_align)
    reach(cpu, op, where, kind, size, WRITE)
    if kind & (DST_M | DST_S): write_result(cpu, op, where, vector_register(cpu, op.src, unit), kind, size, unit)
    else:
        copy(&r, vector_register(cpu, op.src, unit), size)
        write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

cdef inline Op* movnti(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    write_destination(cpu, op, where, read_register(cpu, op.src, size), kind, size)
    return proceed(cpu, op)

# Outside 64-bit code there are eight registers
cdef inline Op* clear_vectors(Cpu* cpu, Op* op, const int kind, const int size, const int unit,
                              const int whole) noexcept nogil:
    cdef int i
    require(cpu, op, kind, unit)
    for i in range(16 if cpu.code_bits == 64 else 8):
        if whole: cpu.fpu.ymm[i].q[0] = cpu.fpu.ymm[i].q[1] = 0
        cpu.fpu.ymm[i].q[2] = cpu.fpu.ymm[i].q[3] = 0
    return proceed(cpu, op)
