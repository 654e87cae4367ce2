# One element of a vector, which the immediate numbers, modulo how many there are
from x86._vector cimport *

cdef inline Op* insert_element(Cpu* cpu, Op* op, const int kind, const int size, const int unit,
                               const int element) noexcept nogil:
    cdef Vector* to
    cdef Vector r
    cdef int bits = element if element else size, whole = 64 if unit == MMX else 128
    cdef u32 which = <u32>op.imm & (whole // bits - 1)
    cdef u64 value
    require(cpu, op, kind, unit)
    cdef u64 where = operand_address(cpu, op, kind, bits, READ)
    reach(cpu, op, where, kind, bits, READ)
    value = read_memory(cpu, op, where, kind, bits) if kind & (SRC_M | SRC_S) else cpu.gpr[op.src]
    if unit != SSE:
        memcpy(&r, first(cpu, op, unit), whole // 8)
        write_vector(cpu, op.dst, &r, whole, unit)
    to = vector_register(cpu, op.dst, unit)
    if bits == 8: to.b[which] = <u8>value
    elif bits == 16: to.w[which] = <u16>value
    elif bits == 32: to.d[which] = <u32>value
    else: to.q[which] = value
    return proceed(cpu, op)

cdef inline Op* extract_element(Cpu* cpu, Op* op, const int kind, const int size, const int unit,
                                const int element) noexcept nogil:
    cdef Vector* a
    cdef int bits = element if element else size, whole = 64 if unit == MMX else 128
    cdef u32 which = <u32>op.imm & (whole // bits - 1)
    cdef u64 value
    require(cpu, op, kind, unit)
    cdef u64 where = operand_address(cpu, op, kind, bits, WRITE)
    reach(cpu, op, where, kind, bits, WRITE)
    a = vector_register(cpu, op.src, unit)
    if bits == 8: value = a.b[which]
    elif bits == 16: value = a.w[which]
    elif bits == 32: value = a.d[which]
    else: value = a.q[which]
    if kind & (DST_M | DST_S): write_destination(cpu, op, where, value, kind, bits)
    else: cpu.gpr[op.dst] = value
    if unit == MMX: enter_mmx(cpu)
    return proceed(cpu, op)

#     7   6   5   4   3  2  1  0
#   +-------+-------+------------+
#   | from  | to    | cleared    |          from: of a register only; memory is one single
#   +-------+-------+------------+
cdef inline Op* insertps(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    cdef Vector r
    cdef u32 value, i
    require(cpu, op, kind, unit)
    cdef u64 where = operand_address(cpu, op, kind, 32, READ)
    reach(cpu, op, where, kind, 32, READ)
    if kind & (SRC_M | SRC_S): value = <u32>read_memory(cpu, op, where, kind, 32)
    else: value = vector_register(cpu, op.src, unit).d[(op.imm >> 6) & 3]
    memcpy(&r, first(cpu, op, unit), 16)
    r.d[(op.imm >> 4) & 3] = value
    for i in range(4):
        if (op.imm >> i) & 1: r.d[i] = 0
    write_vector(cpu, op.dst, &r, 128, unit)
    return proceed(cpu, op)

cdef inline Op* insert_half(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    cdef Vector r
    cdef u32 at = 2 if op.imm & 1 else 0
    cdef Vector* half
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, 128, READ)
    reach(cpu, op, where, kind, 128, READ)
    half = second(cpu, op, where, kind, 128, unit)
    memcpy(&r, first(cpu, op, unit), 32)
    memcpy(&r.q[at], half, 16)
    write_vector(cpu, op.dst, &r, 256, unit)
    return proceed(cpu, op)

cdef inline Op* extract_half(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    cdef Vector r
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    memcpy(&r, &vector_register(cpu, op.src, unit).q[2 if op.imm & 1 else 0], 16)
    write_result(cpu, op, where, &r, kind, size, unit)
    return proceed(cpu, op)
