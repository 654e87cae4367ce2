# PCMPxSTRx. The first operand is the set, the range or the needle, the second the text:
#
#   imm8   7   6       5 4        3 2              1 0
#        +---+-----+--------+-----------+---------------------+
#        | 0 | msb | negate | aggregate | signed, words       |     msb: the last index, or a mask of whole elements
#        +---+-----+--------+-----------+---------------------+     negate: 1 all, 3 those within the text
#
# Elements behind the end of a string compare as the aggregation says: SDM volume 2, 4.1.6 ("Valid/Invalid Override").
from x86._vector cimport *

cdef extern from *:
    int trailing_zeros "__builtin_ctz"(unsigned int) nogil          # of what is not 0
    int leading_zeros "__builtin_clz"(unsigned int) nogil

cdef enum: EXPLICIT = 0, IMPLICIT = 1
cdef enum: WORDS = 1, SIGNED = 2, NEGATE = 0x10, NEGATE_WITHIN = 0x20, MOST_SIGNIFICANT = 0x40
cdef enum: ANY = 0, RANGES = 1, EACH = 2, ORDERED = 3           # aggregation: imm8 bits 3 and 2

ctypedef fused Element:
    u8
    u16
    i8
    i16

# Bit i is about element i: all ones in that lane of a vector
cdef inline u32 bits_of(const Vector* mask, const int lane) noexcept nogil:
    return highest_of(mask.q[0], lane) | highest_of(mask.q[1], lane) << (64 // lane)

cdef inline u32 between(Element* string, Element lowest, Element highest) noexcept nogil:
    cdef Vector mask
    cdef Element* lane = <Element*>&mask
    cdef int i
    for i in range(16 // sizeof(Element)): lane[i] = <Element>-<int>((string[i] >= lowest) & (string[i] <= highest))
    return bits_of(&mask, 8 * sizeof(Element))

cdef inline u32 equal(Element* a, Element* b) noexcept nogil:
    cdef Vector mask
    cdef Element* lane = <Element*>&mask
    cdef int i
    for i in range(16 // sizeof(Element)): lane[i] = <Element>-<int>(a[i] == b[i])
    return bits_of(&mask, 8 * sizeof(Element))

# a_part and b_part: bits of the elements before the ends of the strings
cdef inline u32 compared(Element* a, u32 a_part, Element* b, u32 b_part, const int how) noexcept nogil:
    cdef u32 every = (1 << (16 // sizeof(Element))) - 1, r = every if how == ORDERED else 0
    cdef int i = 0
    if how == EACH: return equal(a, b) & a_part & b_part | every & ~a_part & ~b_part    # behind both ends they are equal
    while a_part >> i:
        if how == ANY: r |= between(b, a[i], a[i])
        elif how == ORDERED: r &= (between(b, a[i], a[i]) & b_part) >> i | ~(every >> i)      # nothing lies behind the register
        elif a_part >> i & 2: r |= between(b, a[i], a[i + 1])
        i += 2 if how == RANGES else 1
    return r if how == ORDERED else r & b_part

# The bits of what lies before the first 0
cdef inline u32 implicit_part(Element* string) noexcept nogil:
    cdef u32 zeros = between(string, 0, 0) | 1 << (16 // sizeof(Element))
    return (zeros & -zeros) - 1

# ... or as many as the magnitude of a register, but not more than there are
cdef inline u32 explicit_part(i64 length, const int most) noexcept nogil:
    cdef u64 magnitude = 0 - <u64>length if length < 0 else <u64>length
    return (1 << (magnitude if magnitude < <u64>most else most)) - 1

# The result in bits 15 to 0; above it, RFLAGS: CF there is a result, ZF (SF) the text (the other operand) is not full, OF bit 0
cdef inline u64 compare_elements(Cpu* cpu, u64 imm, Element* a, Element* b, const int lengths, const int bits) noexcept nogil:
    cdef u32 every = (1 << (16 // sizeof(Element))) - 1, a_part, b_part, r
    cdef int how = imm >> 2 & 3
    if lengths == IMPLICIT: a_part, b_part = implicit_part(a), implicit_part(b)
    else:
        a_part = explicit_part(sign_extend(cpu.gpr[RAX], bits), 16 // sizeof(Element))
        b_part = explicit_part(sign_extend(cpu.gpr[RDX], bits), 16 // sizeof(Element))
    if how == ANY: r = compared(a, a_part, b, b_part, ANY)
    elif how == RANGES: r = compared(a, a_part, b, b_part, RANGES)
    elif how == EACH: r = compared(a, a_part, b, b_part, EACH)
    else: r = compared(a, a_part, b, b_part, ORDERED)
    r &= every
    if imm & NEGATE: r ^= b_part if imm & NEGATE_WITHIN else every
    return r | <u64>((FLAG_CF if r else 0) | (FLAG_ZF if b_part != every else 0) | (FLAG_SF if a_part != every else 0) |
                     (FLAG_OF if r & 1 else 0)) << 16

cdef u64 compare_strings(Cpu* cpu, Op* op, Vector* a, Vector* b, const int lengths, const int bits) noexcept nogil:
    cdef u64 imm = <u64>op.imm
    if imm & SIGNED:
        if imm & WORDS: return compare_elements(cpu, imm, &a.sw[0], &b.sw[0], lengths, bits)
        return compare_elements(cpu, imm, &a.sb[0], &b.sb[0], lengths, bits)
    if imm & WORDS: return compare_elements(cpu, imm, &a.w[0], &b.w[0], lengths, bits)
    return compare_elements(cpu, imm, &a.b[0], &b.b[0], lengths, bits)

# `size` is that of the explicit lengths: REX.W chooses RAX and RDX instead of EAX and EDX
cdef inline Op* string_index(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int lengths) noexcept nogil:
    cdef u64 r
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, 128, READ)
    reach(cpu, op, where, kind, 128, READ)
    r = compare_strings(cpu, op, vector_register(cpu, op.dst, unit), second(cpu, op, where, kind, 128, unit), lengths, size)
    set_arithmetic_flags(cpu, r >> 16)
    if <u16>r == 0: cpu.gpr[RCX] = 8 if op.imm & WORDS else 16
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
