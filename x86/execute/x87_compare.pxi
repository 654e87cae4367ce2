# FCOM FUCOM FICOM FTST, FCOMI FUCOMI
#
#                   ST(0) > source   <   =   unordered, or an empty register
#    C3 or ZF             0          0   1       1
#    C2 or PF             0          0   0       1
#    C0 or CF             0          1   0       1
from x86._x87 cimport *

# Normal numbers and zeros compare as integers of 80 bits do
cdef inline bint is_plain(Float80 a) noexcept nogil: return f80_is_normal(a) or f80_is_zero(a)

cdef inline i128 as_integer(Float80 a) noexcept nogil:
    cdef i128 magnitude = <i128>((<u128>(a.sign_exponent & 0x7FFF) << 64) | a.significand)
    return -magnitude if a.sign_exponent >> 15 else magnitude

cdef inline int quick_compare(Float80 a, Float80 b) noexcept nogil:
    return LESS if as_integer(a) < as_integer(b) else EQUAL if as_integer(a) == as_integer(b) else GREATER

cdef inline void set_condition(Cpu* cpu, int relation) noexcept nogil:
    cdef u32 bits = C0 if relation == LESS else C3 if relation == EQUAL else CONDITION if relation == UNORDERED else 0
    cpu.fpu.fsw = (cpu.fpu.fsw & <u16>~CONDITION) | <u16>bits

# ---- the answer in C3 C2 C0: given even if an unmasked exception keeps the stack as it is ---------------------------------

# `how`, the constant of the rows: bit 0 every NaN is invalid, bits 2..1 how many registers are popped
cdef inline void pop_as(Cpu* cpu, int how) noexcept nogil:
    if how >> 1: pop_st(cpu)
    if how >> 1 == 2: pop_st(cpu)

# `raised`: D, if b was a denormal in memory
cdef Op* compare_slow(Cpu* cpu, Op* op, Float80 b, int how, u32 raised) noexcept nogil:
    cdef FloatMode* mode = fcw_mode(cpu)
    set_condition(cpu, f80_compare(st(cpu, 0)[0], b, how & 1, mode))
    if mode.raised & FLOAT_IE: raised = 0
    if not settle(cpu, op, mode.raised | raised, 0): pop_as(cpu, how)
    return proceed(cpu, op)

cdef Op* compare_empty(Cpu* cpu, Op* op, int how) noexcept nogil:
    set_condition(cpu, UNORDERED)
    if not stack_fault(cpu, op, 0): pop_as(cpu, how)
    return proceed(cpu, op)

cdef inline Op* compare_with(Cpu* cpu, Op* op, Float80 b, const int how) noexcept nogil:
    if unlikely(not is_plain(st(cpu, 0)[0]) or not is_plain(b)): return compare_slow(cpu, op, b, how, 0)
    leave_usual(cpu, op, 0, 0)
    set_condition(cpu, quick_compare(st(cpu, 0)[0], b))
    pop_as(cpu, how)
    return proceed(cpu, op)

cdef inline Op* compare(Cpu* cpu, Op* op, const int kind, const int size, const int how) noexcept nogil:
    require(cpu, op, kind, X87)
    if unlikely(is_empty(cpu, 0) or is_empty(cpu, op.src)): return compare_empty(cpu, op, how)
    return compare_with(cpu, op, st(cpu, op.src)[0], how)

cdef inline Op* compare_top(Cpu* cpu, Op* op, const int kind, const int size, const int how) noexcept nogil:
    require(cpu, op, kind, X87)
    if unlikely(is_empty(cpu, 0) or is_empty(cpu, 1)): return compare_empty(cpu, op, how)
    return compare_with(cpu, op, st(cpu, 1)[0], how)

cdef Op* compare_float_slow(Cpu* cpu, Op* op, u64 bits, int size, int how) noexcept nogil:
    return compare_slow(cpu, op, widened(bits, size), how, FLOAT_DE if is_denormal_in_memory(bits, size) else 0)

cdef inline Op* compare_float(Cpu* cpu, Op* op, const int kind, const int size, const int how) noexcept nogil:
    cdef Float80 b
    cdef u64 bits
    cdef bint usual
    require(cpu, op, kind, X87)
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    bits = read_destination(cpu, op, where, kind, size)
    if unlikely(is_empty(cpu, 0)): return compare_empty(cpu, op, how)
    usual = quick_load64(bits, &b) if size == 64 else quick_load32(<u32>bits, &b)
    if unlikely(not usual): return compare_float_slow(cpu, op, bits, size, how)
    return compare_with(cpu, op, b, how)

cdef inline Op* compare_integer(Cpu* cpu, Op* op, const int kind, const int size, const int how) noexcept nogil:
    cdef Float80 b
    require(cpu, op, kind, X87)
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    b = integer_to_f80(sign_extend(read_destination(cpu, op, where, kind, size), size))
    if unlikely(is_empty(cpu, 0)): return compare_empty(cpu, op, how)
    return compare_with(cpu, op, b, how)

cdef inline Op* ftst(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    require(cpu, op, kind, X87)
    if unlikely(is_empty(cpu, 0)): return compare_empty(cpu, op, 1)
    return compare_with(cpu, op, f80(0, 0), 1)

# ---- the answer in the flags: C1 stays as it is, but for an empty register ------------------------------------------------

cdef inline void set_flags(Cpu* cpu, int relation) noexcept nogil:
    set_arithmetic_flags(cpu, FLAG_CF if relation == LESS else FLAG_ZF if relation == EQUAL
                         else FLAG_ZF | FLAG_PF | FLAG_CF if relation == UNORDERED else 0)

cdef Op* compare_to_flags_slow(Cpu* cpu, Op* op, int how) noexcept nogil:
    cdef FloatMode* mode
    if is_empty(cpu, 0) or is_empty(cpu, op.src):
        set_flags(cpu, UNORDERED)
        if not stack_fault(cpu, op, 0): pop_as(cpu, how)
    else:
        mode = fcw_mode(cpu)
        set_flags(cpu, f80_compare(st(cpu, 0)[0], st(cpu, op.src)[0], how & 1, mode))
        if not settle(cpu, op, mode.raised, cpu.fpu.fsw & C1): pop_as(cpu, how)
    return proceed(cpu, op)

cdef inline Op* compare_to_flags(Cpu* cpu, Op* op, const int kind, const int size, const int how) noexcept nogil:
    require(cpu, op, kind, X87)
    if unlikely(is_empty(cpu, 0) or is_empty(cpu, op.src) or not is_plain(st(cpu, 0)[0]) or not is_plain(st(cpu, op.src)[0])):
        return compare_to_flags_slow(cpu, op, how)
    cpu.fpu.fip = op.rip
    set_flags(cpu, quick_compare(st(cpu, 0)[0], st(cpu, op.src)[0]))
    pop_as(cpu, how)
    return proceed(cpu, op)
