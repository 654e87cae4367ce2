# ADD ADC SUB SBB CMP NEG INC DEC XADD CMPXCHG: each written once, for every operand kind and size.
# Registers and flags change only after the last access that can fault.

cdef inline Op* add(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, access_of(kind))
    reach(cpu, op, where, kind, size, access_of(kind))
    cdef u64 b = read_source(cpu, op, where, kind, size)
    cdef u64 a = read_to_modify(cpu, op, where, kind, size)
    cdef u64 r = truncate(a + b, size)
    write_destination(cpu, op, where, r, kind, size)
    flags_add(cpu, a, b, r, size)
    return proceed(cpu, op)

cdef inline Op* adc(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, access_of(kind))
    reach(cpu, op, where, kind, size, access_of(kind))
    cdef u64 b = read_source(cpu, op, where, kind, size)
    cdef u64 a = read_to_modify(cpu, op, where, kind, size)
    cdef u64 r = truncate(a + b + cf(cpu), size)
    write_destination(cpu, op, where, r, kind, size)
    flags_add(cpu, a, b, r, size)
    return proceed(cpu, op)

cdef inline Op* sub(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, access_of(kind))
    reach(cpu, op, where, kind, size, access_of(kind))
    cdef u64 b = read_source(cpu, op, where, kind, size)
    cdef u64 a = read_to_modify(cpu, op, where, kind, size)
    cdef u64 r = truncate(a - b, size)
    write_destination(cpu, op, where, r, kind, size)
    flags_sub(cpu, a, b, r, size)
    return proceed(cpu, op)

cdef inline Op* sbb(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, access_of(kind))
    reach(cpu, op, where, kind, size, access_of(kind))
    cdef u64 b = read_source(cpu, op, where, kind, size)
    cdef u64 a = read_to_modify(cpu, op, where, kind, size)
    cdef u64 r = truncate(a - b - cf(cpu), size)
    write_destination(cpu, op, where, r, kind, size)
    flags_sub(cpu, a, b, r, size)
    return proceed(cpu, op)

cdef inline Op* cmp(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 b = read_source(cpu, op, where, kind, size)
    cdef u64 a = read_destination(cpu, op, where, kind, size)
    flags_sub(cpu, a, b, truncate(a - b, size), size)
    return proceed(cpu, op)

cdef inline Op* neg(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    cdef u64 a = read_to_modify(cpu, op, where, kind, size)
    cdef u64 r = truncate(0 - a, size)
    write_destination(cpu, op, where, r, kind, size)
    flags_sub(cpu, 0, a, r, size)
    return proceed(cpu, op)

cdef inline Op* inc(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    cdef u64 a = read_to_modify(cpu, op, where, kind, size)
    cdef u64 r = truncate(a + 1, size)
    cdef u64 carry = cf(cpu)
    write_destination(cpu, op, where, r, kind, size)
    flags_explicit(cpu, carry, r == <u64>1 << (size - 1), (r & 15) == 0, r, size)
    return proceed(cpu, op)

cdef inline Op* dec(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    cdef u64 a = read_to_modify(cpu, op, where, kind, size)
    cdef u64 r = truncate(a - 1, size)
    cdef u64 carry = cf(cpu)
    write_destination(cpu, op, where, r, kind, size)
    flags_explicit(cpu, carry, a == <u64>1 << (size - 1), (a & 15) == 0, r, size)
    return proceed(cpu, op)

cdef inline Op* xadd(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    cdef u64 b = read_source(cpu, op, where, kind, size)
    cdef u64 a = read_to_modify(cpu, op, where, kind, size)
    cdef u64 r = truncate(a + b, size)
    if kind & (DST_M | DST_S):
        write_destination(cpu, op, where, r, kind, size)
        write_register(cpu, op.src, a, size)
    else:                                               # XADD r, r: the sum wins where both are one register
        write_register(cpu, op.src, a, size)
        write_destination(cpu, op, where, r, kind, size)
    flags_add(cpu, a, b, r, size)
    return proceed(cpu, op)

cdef inline Op* cmpxchg(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    cdef u64 a = read_register(cpu, RAX, size)
    cdef u64 b = read_to_modify(cpu, op, where, kind, size)
    if a == b:
        write_destination(cpu, op, where, read_source(cpu, op, where, kind, size), kind, size)
    else:                                               # memory is written either way
        if kind & (DST_M | DST_S): write_destination(cpu, op, where, b, kind, size)
        write_register(cpu, RAX, b, size)
    flags_sub(cpu, a, b, truncate(a - b, size), size)
    return proceed(cpu, op)
