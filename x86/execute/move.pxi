# MOV MOVZX MOVSX MOVSXD MOVBE LEA XLAT NOP

cdef extern from *:
    unsigned long long reversed_bytes "__builtin_bswap64"(unsigned long long) nogil

cdef inline Op* mov(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, access_of(kind))
    reach(cpu, op, where, kind, size, access_of(kind))
    write_destination(cpu, op, where, read_source(cpu, op, where, kind, size), kind, size)
    return proceed(cpu, op)

# The source has a size of its own: `narrow`
cdef inline Op* movzx(Cpu* cpu, Op* op, const int kind, const int size, const int narrow) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, narrow, READ)
    reach(cpu, op, where, kind, narrow, READ)
    write_register(cpu, op.dst, read_source(cpu, op, where, kind, narrow), size)
    return proceed(cpu, op)

cdef inline Op* movsx(Cpu* cpu, Op* op, const int kind, const int size, const int narrow) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, narrow, READ)
    reach(cpu, op, where, kind, narrow, READ)
    write_register(cpu, op.dst, <u64>sign_extend(read_source(cpu, op, where, kind, narrow), narrow), size)
    return proceed(cpu, op)

cdef inline Op* movsxd(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    return movsx(cpu, op, kind, size, 16 if size == 16 else 32)

cdef inline Op* movbe(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, access_of(kind))
    reach(cpu, op, where, kind, size, access_of(kind))
    cdef u64 value = read_source(cpu, op, where, kind, size)
    write_destination(cpu, op, where, reversed_bytes(value) >> (64 - size), kind, size)
    return proceed(cpu, op)

cdef inline Op* lea(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    write_register(cpu, op.dst, flat_address(cpu, op) if kind & SRC_M else offset_of(cpu, op), size)
    return proceed(cpu, op)

cdef inline Op* xlat(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 offset = cpu.gpr[RBX] + (<u8*>cpu.gpr)[0]
    if op.address != 64: offset = <u16>offset if op.address == 16 else <u32>offset
    cdef u64 where = segmented(cpu, op, offset, op.segment, 1, READ)
    write_register(cpu, RAX, load(cpu, op, where, 8, op.segment), 8)
    return proceed(cpu, op)

cdef inline Op* nop(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    return proceed(cpu, op)
