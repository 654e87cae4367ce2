# MUL IMUL DIV IDIV AAA AAS DAA DAS AAM AAD.
# u128 and i128 are 128 bits wide in C only: Cython takes them for 64 bits, so every step is cast by hand.
from x86._causes cimport CAUSE_DIVIDE_BY_ZERO, CAUSE_QUOTIENT

# ---- products: CF and OF say that the low half is not the whole ----------------------------------------------------

# SF ZF AF PF are undefined. On Intel's SF and PF are the low half's, ZF and AF are 0: bit 8 keeps a 0 from being zero.
cdef inline void flags_product(Cpu* cpu, u64 low, u64 more, const int size) noexcept nogil:
    cpu.carries = more << 1
    cpu.result = sign_extend(low, size) | 0x100

cdef inline Op* mul(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 b = read_destination(cpu, op, where, kind, size)
    cdef u64 a = read_register(cpu, RAX, size)
    cdef u64 low, high
    cdef u128 wide
    if size == 64:
        wide = <u128>a * <u128>b
        low, high = <u64>wide, <u64>(wide >> 64)
    else:
        low = a * b
        high = low >> size
        low = truncate(low, size)
    if size == 8: write_register(cpu, RAX, low | (high << 8), 16)
    else:
        write_register(cpu, RAX, low, size)
        write_register(cpu, RDX, high, size)
    flags_product(cpu, low, high != 0, size)
    return proceed(cpu, op)

cdef inline Op* imul_wide(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef i64 b = sign_extend(read_destination(cpu, op, where, kind, size), size)
    cdef i64 a = sign_extend(read_register(cpu, RAX, size), size)
    cdef i64 product
    cdef u64 low, high
    cdef i128 wide
    if size == 64:
        wide = <i128>a * <i128>b
        low, high = <u64>wide, <u64>(wide >> 64)
    else:
        product = a * b
        low, high = truncate(<u64>product, size), truncate(<u64>(product >> size), size)
    if size == 8: write_register(cpu, RAX, low | (high << 8), 16)
    else:
        write_register(cpu, RAX, low, size)
        write_register(cpu, RDX, high, size)
    flags_product(cpu, low, high != truncate(<u64>(sign_extend(low, size) >> 63), size), size)
    return proceed(cpu, op)

cdef inline void signed_product(Cpu* cpu, Op* op, i64 a, i64 b, const int size) noexcept nogil:
    # The low half of a * b into the destination register, and the flags
    cdef i64 low
    cdef u64 more
    cdef i128 wide
    if size == 64:
        wide = <i128>a * <i128>b
        low = <i64>wide
        more = <i64>(wide >> 64) != low >> 63
    else:
        low = a * b
        more = sign_extend(<u64>low, size) != low
    write_register(cpu, op.dst, truncate(<u64>low, size), size)
    flags_product(cpu, <u64>low, more, size)

cdef inline Op* imul(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef i64 b = sign_extend(read_source(cpu, op, where, kind, size), size)
    signed_product(cpu, op, sign_extend(read_register(cpu, op.dst, size), size), b, size)
    return proceed(cpu, op)

cdef inline Op* imul_immediate(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef i64 a = sign_extend(read_source(cpu, op, where, kind, size), size)
    signed_product(cpu, op, a, op.imm, size)
    return proceed(cpu, op)

# ---- quotients: #DE for a divisor of 0 and for a quotient that has no room; the flags stay as they were (undefined) 

cdef inline Op* div(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 b = read_destination(cpu, op, where, kind, size)
    cdef u64 high = (<u8*>cpu.gpr)[1] if size == 8 else read_register(cpu, RDX, size)
    cdef u64 low = read_register(cpu, RAX, size)
    cdef u64 quotient, remainder
    cdef u128 wide
    # the quotient fits exactly if the high half is less than the divisor
    if unlikely(high >= b): raise_fault(cpu, op, 0, CAUSE_QUOTIENT if b != 0 else CAUSE_DIVIDE_BY_ZERO, 0)
    if size == 64 and high != 0:
        wide = (<u128>high << 64) | <u128>low
        quotient = <u64>(wide / <u128>b)
        remainder = low - quotient * b
    else:
        if size != 64: low |= high << size
        quotient = low / b
        remainder = low % b
    if size == 8: write_register(cpu, RAX, quotient | (remainder << 8), 16)
    else:
        write_register(cpu, RAX, quotient, size)
        write_register(cpu, RDX, remainder, size)
    return proceed(cpu, op)

cdef inline Op* idiv(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    # magnitudes first: the most negative dividend by -1 must not reach the host's divider
    cdef i64 b = sign_extend(read_destination(cpu, op, where, kind, size), size)
    cdef u64 divisor = <u64>b if b >= 0 else 0 - <u64>b
    cdef u64 high = (<u8*>cpu.gpr)[1] if size == 8 else read_register(cpu, RDX, size)
    cdef u64 low = read_register(cpu, RAX, size)
    cdef bint negative = sign_extend(high, size) < 0
    cdef u64 quotient, remainder, limit
    cdef u128 wide
    if negative:                                        # high:low = -high:low
        low = truncate(0 - low, size)
        high = truncate(~high + (low == 0), size)
    if unlikely(high >= divisor): raise_fault(cpu, op, 0, CAUSE_QUOTIENT if b != 0 else CAUSE_DIVIDE_BY_ZERO, 0)
    if size == 64 and high != 0:
        wide = (<u128>high << 64) | <u128>low
        quotient = <u64>(wide / <u128>divisor)
        remainder = low - quotient * divisor
    else:
        if size != 64: low |= high << size
        quotient = low / divisor
        remainder = low % divisor
    limit = <u64>1 << (size - 1)                        # magnitude of the most negative quotient
    if negative == (b < 0): limit -= 1
    if unlikely(quotient > limit): raise_fault(cpu, op, 0, CAUSE_QUOTIENT, 0)
    if negative != (b < 0): quotient = truncate(0 - quotient, size)
    if negative: remainder = truncate(0 - remainder, size)
    if size == 8: write_register(cpu, RAX, quotient | (remainder << 8), 16)
    else:
        write_register(cpu, RAX, quotient, size)
        write_register(cpu, RDX, remainder, size)
    return proceed(cpu, op)

# ---- decimal adjustments -------------------------------------------------------------------------------------------

cdef inline Op* aaa(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 ax = read_register(cpu, RAX, 16)
    cdef u64 adjust = (ax & 15) > 9 or af(cpu)
    if adjust: ax += 0x106
    write_register(cpu, RAX, ax & 0xFF0F, 16)
    flags_explicit(cpu, adjust, 0, adjust, ax & 0x0F, 8)
    return proceed(cpu, op)

cdef inline Op* aas(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 ax = read_register(cpu, RAX, 16)
    cdef u64 adjust = (ax & 15) > 9 or af(cpu)
    if adjust: ax -= 0x106
    write_register(cpu, RAX, ax & 0xFF0F, 16)
    flags_explicit(cpu, adjust, 0, adjust, ax & 0x0F, 8)
    return proceed(cpu, op)

cdef inline Op* daa(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 before = read_register(cpu, RAX, 8), r = before
    cdef u64 low = (before & 15) > 9 or af(cpu)
    cdef u64 high = before > 0x99 or cf(cpu)
    if low: r += 6
    if high: r += 0x60
    write_register(cpu, RAX, r, 8)
    flags_explicit(cpu, high, 0, low, r & 0xFF, 8)
    return proceed(cpu, op)

cdef inline Op* das(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 before = read_register(cpu, RAX, 8), r = before
    cdef u64 low = (before & 15) > 9 or af(cpu)
    cdef u64 high = before > 0x99 or cf(cpu)
    if low: r -= 6
    if high: r -= 0x60
    write_register(cpu, RAX, r, 8)
    # a borrow out of the first step is a carry too
    flags_explicit(cpu, high or (low and before < 6), 0, low, r & 0xFF, 8)
    return proceed(cpu, op)

cdef inline Op* aam(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 al = read_register(cpu, RAX, 8), base = <u8>op.imm
    if unlikely(base == 0): raise_fault(cpu, op, 0, CAUSE_DIVIDE_BY_ZERO, 0)
    write_register(cpu, RAX, (al / base) << 8 | (al % base), 16)
    flags_explicit(cpu, 0, 0, 0, al % base, 8)
    return proceed(cpu, op)

cdef inline Op* aad(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 ax = read_register(cpu, RAX, 16)
    cdef u64 a = ax & 0xFF, b = ((ax >> 8) * <u8>op.imm) & 0xFF
    cdef u64 r = (a + b) & 0xFF
    write_register(cpu, RAX, r, 16)
    flags_add(cpu, a, b, r, 8)                          # of which the manual leaves OF, AF and CF undefined
    return proceed(cpu, op)
