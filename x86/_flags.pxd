# Lazy arithmetic flags. An instruction leaves two numbers; whoever asks works the flags out:
#
#   result    the result, sign-extended to 64 bits:  ZF = (result == 0)
#   carries   63      16 15       8 7  5   4     3    2    1      0
#            +----------+----------+----+------+----+---+----+---------+
#            |    0     | PF delta | 0  | SF d | AF | 0 | CF | CF ^ OF |
#            +----------+----------+----+------+----+---+----+---------+
#   SF = sign of result ^ SF delta; PF = even parity of (result ^ PF delta)'s low byte. The deltas are zero
#   after every arithmetic instruction; only POPF and its kin need them (ZF and SF at once, say).
# The carry-out vector of an addition has in bit i the carry out of bit i: its bit size-1 is CF, its bit size-2 is
# CF ^ OF, its bit 3 is AF, so two shifts and masks make `carries`. For a subtraction it is the borrow vector.
from x86._state cimport *

cdef enum:
    FLAG_CF = 1, FLAG_PF = 4, FLAG_AF = 0x10, FLAG_ZF = 0x40, FLAG_SF = 0x80, FLAG_TF = 0x100, FLAG_IF = 0x200,
    FLAG_DF = 0x400, FLAG_OF = 0x800, FLAG_IOPL = 0x3000, FLAG_NT = 0x4000, FLAG_RF = 0x10000, FLAG_VM = 0x20000,
    FLAG_AC = 0x40000, FLAG_VIF = 0x80000, FLAG_VIP = 0x100000, FLAG_ID = 0x200000,
    ARITHMETIC = 0x8D5

cdef enum: CARRY = 2, CARRY_INTO_TOP = 1, AUXILIARY = 8, SIGN_DELTA = 0x10

cdef inline u64 cf(Cpu* cpu) noexcept nogil: return (cpu.carries >> 1) & 1
cdef inline u64 of(Cpu* cpu) noexcept nogil: return (cpu.carries ^ (cpu.carries >> 1)) & 1
cdef inline u64 af(Cpu* cpu) noexcept nogil: return (cpu.carries >> 3) & 1
cdef inline u64 zf(Cpu* cpu) noexcept nogil: return cpu.result == 0
cdef inline u64 sf(Cpu* cpu) noexcept nogil: return (<u64>cpu.result >> 63) ^ ((cpu.carries >> 4) & 1)
cdef inline u64 pf(Cpu* cpu) noexcept nogil:
    cdef u64 byte = (<u64>cpu.result ^ (cpu.carries >> 8)) & 0xFF
    byte ^= byte >> 4
    return (0x9669 >> (byte & 15)) & 1

cdef inline i64 sign_extend(u64 value, const int size) noexcept nogil:
    if size == 8: return <i8>value
    if size == 16: return <i16>value
    if size == 32: return <i32>value
    return <i64>value

cdef inline u64 truncate(u64 value, const int size) noexcept nogil:
    if size == 8: return <u8>value
    if size == 16: return <u16>value
    if size == 32: return <u32>value
    return value

cdef inline void set_carries(Cpu* cpu, u64 vector, const int size) noexcept nogil:
    cpu.carries = ((vector >> (size - 2)) & 3) | (vector & 8)

# a, b and r hold zero-extended values of `size` bits
cdef inline void flags_add(Cpu* cpu, u64 a, u64 b, u64 r, const int size) noexcept nogil:
    set_carries(cpu, (a & b) | ((a | b) & ~r), size)
    cpu.result = sign_extend(r, size)

cdef inline void flags_sub(Cpu* cpu, u64 a, u64 b, u64 r, const int size) noexcept nogil:
    set_carries(cpu, (~a & b) | (~(a ^ b) & r), size)
    cpu.result = sign_extend(r, size)

cdef inline void flags_logic(Cpu* cpu, u64 r, const int size) noexcept nogil:
    cpu.carries = 0
    cpu.result = sign_extend(r, size)

# CF, OF and AF given as 0 or 1; ZF, SF, PF from the result
cdef inline void flags_explicit(Cpu* cpu, u64 carry, u64 overflow, u64 auxiliary, u64 r, const int size) noexcept nogil:
    cpu.carries = (carry << 1) | (carry ^ overflow) | (auxiliary << 3)
    cpu.result = sign_extend(r, size)

# PF = 0, whatever the result was
cdef inline void clear_pf(Cpu* cpu) noexcept nogil:
    cpu.carries |= pf(cpu) << 8

# CF and OF change, the others stay (rotates)
cdef inline void set_cf_of(Cpu* cpu, u64 carry, u64 overflow) noexcept nogil:
    cpu.carries = (cpu.carries & ~<u64>3) | (carry << 1) | (carry ^ overflow)

# CF changes, the others stay
cdef inline void set_cf(Cpu* cpu, u64 carry) noexcept nogil:
    set_cf_of(cpu, carry, of(cpu))

cdef inline u64 arithmetic_flags(Cpu* cpu) noexcept nogil:
    return cf(cpu) | (pf(cpu) << 2) | (af(cpu) << 4) | (zf(cpu) << 6) | (sf(cpu) << 7) | (of(cpu) << 11)

cdef inline void set_arithmetic_flags(Cpu* cpu, u64 flags) noexcept nogil:
    cdef u64 carry = flags & 1, overflow = (flags >> 11) & 1, sign = (flags >> 7) & 1, parity = (flags >> 2) & 1
    cdef u64 carries = (carry << 1) | (carry ^ overflow) | (((flags >> 4) & 1) << 3)
    if flags & FLAG_ZF:
        cpu.result = 0                                      # even parity, positive; the deltas say otherwise
        cpu.carries = carries | (sign << 4) | ((parity ^ 1) << 8)
    else:
        cpu.result = <i64>((sign << 63) | (3 if parity else 1))
        cpu.carries = carries

# ZF changes, the others stay (CMPXCHG8B, LAR, VERR, ...)
cdef inline void set_zf(Cpu* cpu, u64 zero) noexcept nogil:
    set_arithmetic_flags(cpu, (arithmetic_flags(cpu) & ~<u64>FLAG_ZF) | (zero << 6))

cdef inline u64 read_rflags(Cpu* cpu) noexcept nogil:
    return cpu.rflags | arithmetic_flags(cpu)

# The condition of Jcc, SETcc, CMOVcc: `condition` is the low nibble of the opcode
cdef inline bint holds(Cpu* cpu, const int condition) noexcept nogil:
    cdef bint yes = False
    if condition >> 1 == 0: yes = of(cpu)
    elif condition >> 1 == 1: yes = cf(cpu)
    elif condition >> 1 == 2: yes = cpu.result == 0
    elif condition >> 1 == 3: yes = cf(cpu) | (cpu.result == 0)
    elif condition >> 1 == 4: yes = sf(cpu)
    elif condition >> 1 == 5: yes = pf(cpu)
    elif condition >> 1 == 6: yes = sf(cpu) ^ of(cpu)
    else: yes = (sf(cpu) ^ of(cpu)) | (cpu.result == 0)
    return not yes if condition & 1 else yes
