# One element of a vector, which the immediate numbers, modulo how many there are
from x86._vector cimport *

# 64 bits, of which `bits` from bit `at` on are those of value
cdef inline u64 replaced(u64 word, u64 value, u32 at, const int bits) noexcept nogil:
    cdef u64 field = ~<u64>0 >> (64 - bits)
    return word & ~(field << at) | (value & field) << at

cdef inline Op* insert_element(Cpu* cpu, Op* op, const int kind, const int size, const int unit,
                               const int element) noexcept nogil:
    cdef Vector r
    cdef int bits = element if element else size, whole = 64 if unit == MMX else 128
    cdef u32 at = <u32>op.imm * bits & (whole - 1)
    cdef u64 value
    require(cpu, op, kind, unit)
    cdef u64 where = operand_address(cpu, op, kind, bits, READ)
    reach(cpu, op, where, kind, bits, READ)
    value = read_memory(cpu, op, where, kind, bits) if kind & (SRC_M | SRC_S) else cpu.gpr[op.src]
    r.q[0] = first(cpu, op, unit).q[0]
    if whole == 128: r.q[1] = first(cpu, op, unit).q[1]
    if at < 64: r.q[0] = replaced(r.q[0], value, at, bits)
    else: r.q[1] = replaced(r.q[1], value, at & 63, bits)
    write_vector(cpu, op.dst, &r, whole, unit)
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
    cdef Vector* a
    cdef Vector r
    cdef u32 value
    cdef int i
    require(cpu, op, kind, unit)
    cdef u64 where = operand_address(cpu, op, kind, 32, READ)
    reach(cpu, op, where, kind, 32, READ)
    if kind & (SRC_M | SRC_S): value = <u32>read_memory(cpu, op, where, kind, 32)
    else: value = vector_register(cpu, op.src, unit).d[(op.imm >> 6) & 3]
    a = first(cpu, op, unit)
    for i in range(4): r.d[i] = 0 if (op.imm >> i) & 1 else value if (op.imm >> 4) & 3 == i else a.d[i]
    write_vector(cpu, op.dst, &r, 128, unit)
    return proceed(cpu, op)

cdef inline Op* insert_half(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    cdef Vector* a
    cdef Vector* half
    cdef Vector r
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, 128, READ)
    reach(cpu, op, where, kind, 128, READ)
    a, half = first(cpu, op, unit), second(cpu, op, where, kind, 128, unit)
    memcpy(&r.q[0], &a.q[0] if op.imm & 1 else &half.q[0], 16)
    memcpy(&r.q[2], &half.q[0] if op.imm & 1 else &a.q[2], 16)
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
