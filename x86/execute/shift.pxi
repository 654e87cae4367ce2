# ROL ROR RCL RCR SHL SHR SAR SHLD SHRD. OF is defined for a count of 1 only: whether the sign changes. For other counts it
# is, as on Intel's, what a count of 1 would have made it: the sign of the operand against the bit that would have come next.
# Counts are modulo 32, or 64 for 64-bit operands. 0: no flag changes; a 32-bit register still loses its upper half.

cdef inline u64 shift_count(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    if kind & SRC_C: return (<u8*>cpu.gpr)[8] & (63 if size == 64 else 31)
    return <u64>op.imm & (63 if size == 64 else 31)

cdef inline u64 top_bit(u64 value, const int size) noexcept nogil:
    return (value >> (size - 1)) & 1

# Whether one step to the left changes the sign; one to the right, with `into_top` coming in
cdef inline u64 left_overflow(u64 a, const int size) noexcept nogil:
    return ((a >> (size - 1)) ^ (a >> (size - 2))) & 1

cdef inline u64 right_overflow(u64 a, u64 into_top, const int size) noexcept nogil:
    return (top_bit(a, size) ^ into_top) & 1

cdef inline void keep(Cpu* cpu, Op* op, u64 a, const int kind, const int size) noexcept nogil:
    if size == 32 and not kind & (DST_M | DST_S): write_register(cpu, op.dst, a, 32)

# ---- shifts --------------------------------------------------------------------------------------------------------

cdef inline Op* shl(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    cdef u64 a = read_to_modify(cpu, op, where, kind, size)
    cdef u64 count = shift_count(cpu, op, kind, size)
    cdef u64 r, carry
    if likely(count != 0):
        r = truncate(a << count, size)
        carry = ((a >> (64 - count)) if size == 64 else ((a << count) >> size)) & 1
        write_destination(cpu, op, where, r, kind, size)
        flags_explicit(cpu, carry, left_overflow(a, size), 0, r, size)
    else: keep(cpu, op, a, kind, size)
    return proceed(cpu, op)

cdef inline Op* shr(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    cdef u64 a = read_to_modify(cpu, op, where, kind, size)
    cdef u64 count = shift_count(cpu, op, kind, size)
    cdef u64 r
    if likely(count != 0):
        r = a >> count
        write_destination(cpu, op, where, r, kind, size)
        flags_explicit(cpu, (a >> (count - 1)) & 1, top_bit(a, size), 0, r, size)
    else: keep(cpu, op, a, kind, size)
    return proceed(cpu, op)

cdef inline Op* sar(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    cdef u64 a = read_to_modify(cpu, op, where, kind, size)
    cdef u64 count = shift_count(cpu, op, kind, size)
    cdef i64 wide = sign_extend(a, size)
    cdef u64 r
    if likely(count != 0):
        r = truncate(<u64>(wide >> count), size)
        write_destination(cpu, op, where, r, kind, size)
        flags_explicit(cpu, <u64>(wide >> (count - 1)) & 1, 0, 0, r, size)
    else: keep(cpu, op, a, kind, size)
    return proceed(cpu, op)

# ---- rotates: SF ZF AF PF stay. ROL and ROR of a register by an immediate but 1 leave OF, too, as Intel's do -------

cdef inline Op* rol(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    cdef u64 a = read_to_modify(cpu, op, where, kind, size)
    cdef u64 count = shift_count(cpu, op, kind, size)
    cdef u64 turn = count & (size - 1)
    cdef u64 r
    if likely(count != 0):                              # a whole turn still sets the flags
        r = truncate((a << turn) | (a >> ((size - turn) & (size - 1))), size)
        write_destination(cpu, op, where, r, kind, size)
        set_cf_of(cpu, r & 1, of(cpu) if kind == RI and count != 1 else left_overflow(a, size))
    else: keep(cpu, op, a, kind, size)
    return proceed(cpu, op)

cdef inline Op* ror(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    cdef u64 a = read_to_modify(cpu, op, where, kind, size)
    cdef u64 count = shift_count(cpu, op, kind, size)
    cdef u64 turn = count & (size - 1)
    cdef u64 r
    if likely(count != 0):
        r = truncate((a >> turn) | (a << ((size - turn) & (size - 1))), size)
        write_destination(cpu, op, where, r, kind, size)
        set_cf_of(cpu, top_bit(r, size), of(cpu) if kind == RI and count != 1 else right_overflow(a, a, size))
    else: keep(cpu, op, a, kind, size)
    return proceed(cpu, op)

# Through CF: a rotation of size + 1 bits. Two shifts where one would be by `size` or more.
cdef inline u64 carry_count(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    if size == 8: return shift_count(cpu, op, kind, size) % 9
    if size == 16: return shift_count(cpu, op, kind, size) % 17
    return shift_count(cpu, op, kind, size)

cdef inline Op* rcl(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    cdef u64 a = read_to_modify(cpu, op, where, kind, size)
    cdef u64 count = carry_count(cpu, op, kind, size)
    cdef u64 r, carry
    if likely(count != 0):
        # a << size would be undefined in C where count is size (8 and 16 bits only: then u64 has the room)
        r = truncate((a << count) | (cf(cpu) << (count - 1)) | ((a >> 1) >> (size - count)), size)
        carry = (a >> (size - count)) & 1
        write_destination(cpu, op, where, r, kind, size)
        set_cf_of(cpu, carry, left_overflow(a, size))
    else: keep(cpu, op, a, kind, size)
    return proceed(cpu, op)

cdef inline Op* rcr(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    cdef u64 a = read_to_modify(cpu, op, where, kind, size)
    cdef u64 count = carry_count(cpu, op, kind, size)
    cdef u64 r
    if likely(count != 0):
        r = truncate((a >> count) | (cf(cpu) << (size - count)) | ((a << 1) << (size - count)), size)
        write_destination(cpu, op, where, r, kind, size)
        set_cf_of(cpu, (a >> (count - 1)) & 1, right_overflow(a, cf(cpu), size))
    else: keep(cpu, op, a, kind, size)
    return proceed(cpu, op)

# ---- double shifts: `by_cl` is a constant of the form --------------------------------------------------------------
# A 16-bit operand by more than 16 is undefined; here, as on Intel's, the destination comes in again behind the source.

cdef inline Op* shld(Cpu* cpu, Op* op, const int kind, const int size, const int by_cl) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    cdef u64 a = read_to_modify(cpu, op, where, kind, size)
    cdef u64 b = read_register(cpu, op.src, size)
    cdef u64 count = shift_count(cpu, op, SRC_C if by_cl else SRC_I, size)
    cdef u64 r, carry, wide
    if likely(count != 0):
        if size == 16:                                  # destination, source, destination: 48 bits
            wide = (a << 32) | (b << 16) | a
            r = (wide >> (32 - count)) & 0xFFFF
            carry = (wide >> (48 - count)) & 1
        else:
            r = truncate((a << count) | (b >> (size - count)), size)
            carry = (a >> (size - count)) & 1
        write_destination(cpu, op, where, r, kind, size)
        flags_explicit(cpu, carry, left_overflow(a, size), 0, r, size)
    else: keep(cpu, op, a, kind, size)
    return proceed(cpu, op)

cdef inline Op* shrd(Cpu* cpu, Op* op, const int kind, const int size, const int by_cl) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    cdef u64 a = read_to_modify(cpu, op, where, kind, size)
    cdef u64 b = read_register(cpu, op.src, size)
    cdef u64 count = shift_count(cpu, op, SRC_C if by_cl else SRC_I, size)
    cdef u64 r, carry, wide
    if likely(count != 0):
        if size == 16:
            wide = (a << 32) | (b << 16) | a
            r = (wide >> count) & 0xFFFF
            carry = (wide >> (count - 1)) & 1
        else:
            r = truncate((a >> count) | (b << (size - count)), size)
            carry = (a >> (count - 1)) & 1
        write_destination(cpu, op, where, r, kind, size)
        flags_explicit(cpu, carry, right_overflow(a, b, size), 0, r, size)
    else: keep(cpu, op, a, kind, size)
    return proceed(cpu, op)
