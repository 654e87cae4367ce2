# PCMPxSTRx. The first operand is the set, the range or the needle, the second the text:
#
#   imm8   7   6       5 4        3 2              1 0
#        +---+-----+--------+-----------+---------------------+
#        | 0 | msb | negate | aggregate | signed, words       |     msb: the last index, or a mask of whole elements
#        +---+-----+--------+-----------+---------------------+     negate: 1 all, 3 those within the text
#
# Each element compared gives a bit; elements behind the end of a string compare as the aggregation says (SDM volume 1, 12.10.3).
from x86._vector cimport *

cdef extern from *:
    int trailing_zeros "__builtin_ctz"(unsigned int) nogil          # of what is not 0
    int leading_zeros "__builtin_clz"(unsigned int) nogil

cdef enum: EXPLICIT = 0, IMPLICIT = 1
cdef enum: WORDS = 1, SIGNED = 2, NEGATE = 0x10, NEGATE_WITHIN = 0x20, MOST_SIGNIFICANT = 0x40
cdef enum: ANY = 0, RANGES = 1, EACH = 2, ORDERED = 3           # aggregation: imm8 bits 3 and 2

cdef inline int elements(u64 imm) noexcept nogil:
    return 8 if imm & WORDS else 16

cdef inline i32 element(Vector* from_, int i, u64 imm) noexcept nogil:
    if imm & SIGNED: return from_.sw[i] if imm & WORDS else from_.sb[i]
    return from_.w[i] if imm & WORDS else from_.b[i]

# How many elements a string has: those before the first 0, or the magnitude of a register, at most all
cdef inline int implicit_length(Vector* string, u64 imm) noexcept nogil:
    cdef int i = 0
    while i < elements(imm) and element(string, i, imm) != 0: i += 1
    return i

cdef inline int explicit_length(i64 value, u64 imm) noexcept nogil:
    cdef u64 magnitude = <u64>-value if value < 0 else <u64>value
    return elements(imm) if magnitude > <u64>elements(imm) else <int>magnitude

# Whether element i of the text b is in the set a, is in a range, equals its neighbour, or begins a copy of a
cdef inline bint matches(Vector* a, int a_length, Vector* b, int b_length, int i, u64 imm) noexcept nogil:
    cdef int how = imm >> 2 & 3, j = 0
    if how == EACH:
        if i >= a_length or i >= b_length: return i >= a_length and i >= b_length
        return element(a, i, imm) == element(b, i, imm)
    if how == ORDERED:                                  # what would lie behind the register is not looked at
        while j < a_length and i + j < elements(imm):
            if i + j >= b_length or element(a, j, imm) != element(b, i + j, imm): return False
            j += 1
        return True
    if i >= b_length: return False
    while how == ANY and j < a_length:
        if element(a, j, imm) == element(b, i, imm): return True
        j += 1
    while how == RANGES and j + 1 < a_length:
        if element(a, j, imm) <= element(b, i, imm) <= element(a, j + 1, imm): return True
        j += 2
    return False

# The result in bits 15 to 0; above it, RFLAGS: CF there is a result, ZF (SF) the text (the other operand) is not full, OF bit 0
cdef u64 compare_strings(Cpu* cpu, Op* op, Vector* a, Vector* b, const int lengths, const int bits) noexcept nogil:
    cdef u64 imm = <u64>op.imm
    cdef int a_length, b_length, i
    cdef u64 r = 0
    if lengths == IMPLICIT: a_length, b_length = implicit_length(a, imm), implicit_length(b, imm)
    else:
        a_length = explicit_length(sign_extend(cpu.gpr[RAX], bits), imm)
        b_length = explicit_length(sign_extend(cpu.gpr[RDX], bits), imm)
    for i in range(elements(imm)): r |= <u64>matches(a, a_length, b, b_length, i, imm) << i
    if imm & NEGATE: r ^= (1 << (b_length if imm & NEGATE_WITHIN else elements(imm))) - 1
    return r | ((FLAG_CF if r else 0) | (FLAG_ZF if b_length < elements(imm) else 0) | (FLAG_SF if a_length < elements(imm) else 0) |
                (FLAG_OF if r & 1 else 0)) << 16

# `size` is that of the explicit lengths: REX.W chooses RAX and RDX instead of EAX and EDX
cdef inline Op* string_index(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int lengths) noexcept nogil:
    cdef u64 r
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, 128, READ)
    reach(cpu, op, where, kind, 128, READ)
    r = compare_strings(cpu, op, vector_register(cpu, op.dst, unit), second(cpu, op, where, kind, 128, unit), lengths, size)
    set_arithmetic_flags(cpu, r >> 16)
    if <u16>r == 0: cpu.gpr[RCX] = elements(<u64>op.imm)
    elif op.imm & MOST_SIGNIFICANT: cpu.gpr[RCX] = 31 - leading_zeros(<u16>r)
    else: cpu.gpr[RCX] = trailing_zeros(<u16>r)
    return proceed(cpu, op)

cdef inline Op* string_mask(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int lengths) noexcept nogil:
    cdef Vector mask
    cdef int i
    cdef u64 r
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, 128, READ)
    reach(cpu, op, where, kind, 128, READ)
    r = compare_strings(cpu, op, vector_register(cpu, op.dst, unit), second(cpu, op, where, kind, 128, unit), lengths, size)
    set_arithmetic_flags(cpu, r >> 16)
    if not op.imm & MOST_SIGNIFICANT: mask.q[0], mask.q[1] = <u16>r, 0
    elif op.imm & WORDS:
        for i in range(8): mask.w[i] = <u16>-(<int>(r >> i) & 1)
    else:
        for i in range(16): mask.b[i] = <u8>-(<int>(r >> i) & 1)
    write_vector(cpu, 0, &mask, 128, unit)
    return proceed(cpu, op)
