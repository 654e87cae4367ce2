# Two instructions, one operation: what sets the flags, then Jcc. The condition is a comparison of the operands, not
# a question to the flags; these are stored all the same, for whoever reads them later.
# op.imm is the branch's target; an immediate of the first instruction is in op.disp.

cdef inline u64 second(Cpu* cpu, Op* op, u64 where, const int kind, const int size) noexcept nogil:
    if kind & SRC_I: return truncate(<u64>op.disp, size)
    return read_source(cpu, op, where, kind, size)

# The condition of Jcc after a - b = r. Overflow and parity have no instantiations.
cdef inline bint compares(u64 a, u64 b, u64 r, const int size, const int condition) noexcept nogil:
    cdef bint yes = False
    if condition >> 1 == 1: yes = a < b
    elif condition >> 1 == 2: yes = a == b
    elif condition >> 1 == 3: yes = a <= b
    elif condition >> 1 == 4: yes = sign_extend(r, size) < 0
    elif condition >> 1 == 6: yes = sign_extend(a, size) < sign_extend(b, size)
    else: yes = sign_extend(a, size) <= sign_extend(b, size)
    return not yes if condition & 1 else yes

cdef inline Op* branch_if(Cpu* cpu, Op* op, bint taken) noexcept nogil:
    if taken: return jump(cpu, op)
    return proceed(cpu, op)

cdef inline Op* cmp_jcc(Cpu* cpu, Op* op, const int kind, const int size, const int condition) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 b = second(cpu, op, where, kind, size)
    cdef u64 a = read_destination(cpu, op, where, kind, size)
    cdef u64 r = truncate(a - b, size)
    flags_sub(cpu, a, b, r, size)
    return branch_if(cpu, op, compares(a, b, r, size, condition))

cdef inline Op* test_jcc(Cpu* cpu, Op* op, const int kind, const int size, const int condition) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 r = read_destination(cpu, op, where, kind, size) & second(cpu, op, where, kind, size)
    flags_logic(cpu, r, size)
    return branch_if(cpu, op, compares(r, 0, r, size, condition))

cdef inline Op* sub_jcc(Cpu* cpu, Op* op, const int kind, const int size, const int condition) noexcept nogil:
    cdef u64 b = second(cpu, op, 0, kind, size)
    cdef u64 a = read_register(cpu, op.dst, size)
    cdef u64 r = truncate(a - b, size)
    write_register(cpu, op.dst, r, size)
    flags_sub(cpu, a, b, r, size)
    return branch_if(cpu, op, compares(a, b, r, size, condition))

cdef inline Op* and__jcc(Cpu* cpu, Op* op, const int kind, const int size, const int condition) noexcept nogil:
    cdef u64 r = read_register(cpu, op.dst, size) & second(cpu, op, 0, kind, size)
    write_register(cpu, op.dst, r, size)
    flags_logic(cpu, r, size)
    return branch_if(cpu, op, compares(r, 0, r, size, condition))

cdef inline Op* inc_jcc(Cpu* cpu, Op* op, const int kind, const int size, const int condition) noexcept nogil:
    cdef u64 r = truncate(read_register(cpu, op.dst, size) + 1, size)
    write_register(cpu, op.dst, r, size)
    flags_explicit(cpu, cf(cpu), r == <u64>1 << (size - 1), (r & 15) == 0, r, size)
    return branch_if(cpu, op, compares(r, 0, r, size, condition))

cdef inline Op* dec_jcc(Cpu* cpu, Op* op, const int kind, const int size, const int condition) noexcept nogil:
    cdef u64 r = truncate(read_register(cpu, op.dst, size) - 1, size)
    write_register(cpu, op.dst, r, size)
    flags_explicit(cpu, cf(cpu), r == (<u64>1 << (size - 1)) - 1, (r & 15) == 15, r, size)
    return branch_if(cpu, op, compares(r, 0, r, size, condition))
