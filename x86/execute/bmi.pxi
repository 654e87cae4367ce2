# ANDN BEXTR BLSI BLSMSK BLSR BZHI MULX PDEP PEXT RORX SARX SHLX SHRX, ADCX ADOX. Flags that the manual leaves undefined
# are as Intel's processors leave them: AF and PF 0, SF 0 after BEXTR.

# ---- BMI1 and BZHI -------------------------------------------------------------------------------------------------

cdef inline Op* andn(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_vex(cpu, op, kind)
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 r = read_source(cpu, op, where, kind, size) & ~read_vvvv(cpu, op, size)
    write_register(cpu, op.dst, r, size)
    flags_logic(cpu, r, size)
    clear_pf(cpu)
    return proceed(cpu, op)

#   control    15     8 7      0
#             | length | start  |
cdef inline Op* bextr(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_vex(cpu, op, kind)
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 r = read_source(cpu, op, where, kind, size), control = read_vvvv(cpu, op, 16)
    cdef u64 start = control & 0xFF, length = control >> 8
    r = r >> start if start < size else 0
    if length < size: r &= (<u64>1 << length) - 1
    write_register(cpu, op.dst, r, size)
    set_arithmetic_flags(cpu, FLAG_ZF if r == 0 else 0)
    return proceed(cpu, op)

cdef inline Op* blsi(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_vex(cpu, op, kind)
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 a = read_source(cpu, op, where, kind, size), r = a & (0 - a)
    write_register(cpu, op.dst, r, size)
    flags_explicit(cpu, a != 0, 0, 0, r, size)
    clear_pf(cpu)
    return proceed(cpu, op)

cdef inline Op* blsmsk(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_vex(cpu, op, kind)
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 a = read_source(cpu, op, where, kind, size), r = truncate(a ^ (a - 1), size)
    write_register(cpu, op.dst, r, size)
    flags_explicit(cpu, a == 0, 0, 0, r, size)
    clear_pf(cpu)
    return proceed(cpu, op)

cdef inline Op* blsr(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_vex(cpu, op, kind)
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 a = read_source(cpu, op, where, kind, size), r = a & (a - 1)
    write_register(cpu, op.dst, r, size)
    flags_explicit(cpu, a == 0, 0, 0, r, size)
    clear_pf(cpu)
    return proceed(cpu, op)

cdef inline Op* bzhi(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_vex(cpu, op, kind)
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 r = read_source(cpu, op, where, kind, size), first = read_vvvv(cpu, op, 16) & 0xFF
    if first < size: r &= (<u64>1 << first) - 1
    write_register(cpu, op.dst, r, size)
    flags_explicit(cpu, first >= size, 0, 0, r, size)
    clear_pf(cpu)
    return proceed(cpu, op)

# ---- BMI2: no flag changes -----------------------------------------------------------------------------------------

cdef inline Op* mulx(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_vex(cpu, op, kind)
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u128 product = <u128>read_source(cpu, op, where, kind, size) * read_register(cpu, RDX, size)
    write_register(cpu, <u8>op.imm2, <u64>product, size)
    write_register(cpu, op.dst, <u64>(product >> size), size)           # the high half stays, if both are one register
    return proceed(cpu, op)

cdef inline Op* pdep(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_vex(cpu, op, kind)
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 mask = read_source(cpu, op, where, kind, size), a = read_vvvv(cpu, op, size), r = 0
    while mask != 0 and a != 0:
        if a & 1: r |= mask & (0 - mask)
        mask &= mask - 1
        a >>= 1
    write_register(cpu, op.dst, r, size)
    return proceed(cpu, op)

cdef inline Op* pext(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_vex(cpu, op, kind)
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 mask = read_source(cpu, op, where, kind, size), a = read_vvvv(cpu, op, size), r = 0, bit = 1
    while mask != 0:
        if a & mask & (0 - mask): r |= bit
        mask &= mask - 1
        bit <<= 1
    write_register(cpu, op.dst, r, size)
    return proceed(cpu, op)

cdef inline Op* rorx(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_vex(cpu, op, kind)
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 a = read_source(cpu, op, where, kind, size), count = <u64>op.imm & (size - 1)
    if count: a = truncate((a >> count) | (a << (size - count)), size)
    write_register(cpu, op.dst, a, size)
    return proceed(cpu, op)

cdef inline Op* sarx(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_vex(cpu, op, kind)
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef i64 a = sign_extend(read_source(cpu, op, where, kind, size), size)
    write_register(cpu, op.dst, <u64>(a >> (read_vvvv(cpu, op, size) & (size - 1))), size)
    return proceed(cpu, op)

cdef inline Op* shlx(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_vex(cpu, op, kind)
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 a = read_source(cpu, op, where, kind, size)
    write_register(cpu, op.dst, a << (read_vvvv(cpu, op, size) & (size - 1)), size)
    return proceed(cpu, op)

cdef inline Op* shrx(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_vex(cpu, op, kind)
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 a = read_source(cpu, op, where, kind, size)
    write_register(cpu, op.dst, a >> (read_vvvv(cpu, op, size) & (size - 1)), size)
    return proceed(cpu, op)

# ---- ADX: two chains of carries, in CF and in OF -------------------------------------------------------------------

cdef inline u64 add_carry(Cpu* cpu, Op* op, u64 b, u64 carry, const int size) noexcept nogil:      # the carry out
    cdef u64 a = read_register(cpu, op.dst, size), r = truncate(a + b + carry, size)
    write_register(cpu, op.dst, r, size)
    return r < a or (carry and r == a)

cdef inline Op* adcx(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    set_cf(cpu, add_carry(cpu, op, read_source(cpu, op, where, kind, size), cf(cpu), size))
    return proceed(cpu, op)

cdef inline Op* adox(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    set_cf_of(cpu, cf(cpu), add_carry(cpu, op, read_source(cpu, op, where, kind, size), of(cpu), size))
    return proceed(cpu, op)
