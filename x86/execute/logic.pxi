# AND OR XOR NOT TEST: the result decides ZF SF PF; CF, OF and (by choice: it is undefined) AF become 0.

cdef inline Op* and_(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, access_of(kind))
    reach(cpu, op, where, kind, size, access_of(kind))
    cdef u64 b = read_source(cpu, op, where, kind, size)
    cdef u64 r = read_to_modify(cpu, op, where, kind, size) & b
    write_destination(cpu, op, where, r, kind, size)
    flags_logic(cpu, r, size)
    return proceed(cpu, op)

cdef inline Op* or_(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, access_of(kind))
    reach(cpu, op, where, kind, size, access_of(kind))
    cdef u64 b = read_source(cpu, op, where, kind, size)
    cdef u64 r = read_to_modify(cpu, op, where, kind, size) | b
    write_destination(cpu, op, where, r, kind, size)
    flags_logic(cpu, r, size)
    return proceed(cpu, op)

cdef inline Op* xor(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, access_of(kind))
    reach(cpu, op, where, kind, size, access_of(kind))
    cdef u64 b = read_source(cpu, op, where, kind, size)
    cdef u64 r = read_to_modify(cpu, op, where, kind, size) ^ b
    write_destination(cpu, op, where, r, kind, size)
    flags_logic(cpu, r, size)
    return proceed(cpu, op)

cdef inline Op* not_(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    cdef u64 a = read_to_modify(cpu, op, where, kind, size)
    write_destination(cpu, op, where, truncate(~a, size), kind, size)
    return proceed(cpu, op)

cdef inline Op* test(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 b = read_source(cpu, op, where, kind, size)
    flags_logic(cpu, read_destination(cpu, op, where, kind, size) & b, size)
    return proceed(cpu, op)
