# SETcc CMOVcc: `condition` is the low nibble of the opcode.

cdef inline Op* setcc(Cpu* cpu, Op* op, const int kind, const int size, const int condition) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, 8, WRITE)
    reach(cpu, op, where, kind, 8, WRITE)
    write_destination(cpu, op, where, holds(cpu, condition), kind, 8)
    return proceed(cpu, op)

# The source is read, and a 32-bit destination loses its upper half, whether the condition holds or not
cdef inline Op* cmovcc(Cpu* cpu, Op* op, const int kind, const int size, const int condition) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 value = read_source(cpu, op, where, kind, size)
    write_register(cpu, op.dst, value if holds(cpu, condition) else read_register(cpu, op.dst, size), size)
    return proceed(cpu, op)
