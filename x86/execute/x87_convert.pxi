# FILD FIST FISTP FISTTP FBLD FBSTP
from x86._access cimport probe, read_wide, write_wide
from x86._x87 cimport *

cdef inline Op* fild(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef Float80 value
    require(cpu, op, kind, X87)
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    value = integer_to_f80(sign_extend(read_destination(cpu, op, where, kind, size), size))
    if unlikely(not has_room(cpu)): return push_slowly(cpu, op, value)
    leave_usual(cpu, op, 0, 0)
    push_st(cpu, value)
    return proceed(cpu, op)

cdef i64 to_integer(Float80 a, int size, int rounding, FloatMode* mode) noexcept nogil:
    if size == 16: return f80_to_i16(a, rounding, mode)
    return f80_to_i32(a, rounding, mode) if size == 32 else f80_to_i64(a, rounding, mode)

# The smallest number of a size also says that there is no answer
cdef Op* store_integer_slow(Cpu* cpu, Op* op, u64 where, int size, bint truncates, bint pops) noexcept nogil:
    cdef FloatMode* mode = fcw_mode(cpu)
    cdef u64 value = <u64>1 << (size - 1)
    cdef u32 fault = 0
    if is_empty(cpu, 0): mode.raised, fault = FLOAT_IE, STACK_FAULT
    else: value = <u64>to_integer(st(cpu, 0)[0], size, TO_ZERO if truncates else mode.rounding, mode)
    if unmasked(mode) & FLOAT_IE:                               # memory stays as it is, and ST(0) on the stack
        probe(cpu, op, where, size // 8, WRITE, op.segment)     # but a page fault comes first
        settle(cpu, op, mode.raised | fault, 0)
        return proceed(cpu, op)
    if size == 16: store(cpu, op, where, value, 16, op.segment)
    elif size == 32: store(cpu, op, where, value, 32, op.segment)
    else: store(cpu, op, where, value, 64, op.segment)
    settle(cpu, op, mode.raised | fault, mode.up)
    if pops: pop_st(cpu)
    return proceed(cpu, op)

# From 1 to what surely fits, to the nearest or truncated
cdef inline bint quick_integer(Float80 a, u64* result, FloatMode* mode, const int size, const int truncates) noexcept nogil:
    cdef u32 shift = 16383 + 63 - (a.sign_exponent & 0x7FFF)            # bits behind the point: the rest
    cdef u64 whole, rest, up = 0
    if unlikely(not a.significand >> 63 or shift - (65 - size) > <u32>(size - 2)): return False
    whole = a.significand >> shift
    rest = a.significand << (64 - shift)
    if not truncates: up = (rest | whole & 1) > <u64>1 << 63
    whole += up
    if unlikely(whole >> (size - 1)): return False
    mode.raised, mode.up = (rest != 0) << 5, up
    result[0] = 0 - whole if a.sign_exponent >> 15 else whole
    return True

cdef inline Op* store_integer(Cpu* cpu, Op* op, const int kind, const int size, const int truncates,
                              const int pops) noexcept nogil:
    cdef FloatMode mode = usual_mode()
    cdef u64 value
    require(cpu, op, kind, X87)
    cdef u64 where = operand_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    if unlikely(not usual_control(cpu) or is_empty(cpu, 0) or not quick_integer(st(cpu, 0)[0], &value, &mode, size, truncates)):
        return store_integer_slow(cpu, op, where, size, truncates, pops)
    write_destination(cpu, op, where, value, kind, size)
    leave_usual(cpu, op, mode.raised, mode.up)
    if pops: pop_st(cpu)
    return proceed(cpu, op)

# ---- packed decimals, 10 bytes -------------------------------------------------------------------------------------------
#
#     79  78 .. 72   71 ..................... 0
#    +---+---------+---------------------------+
#    | S |         | 18 digits of 4 bits       |
#    +---+---------+---------------------------+

cdef inline Op* fbld(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    require(cpu, op, kind, X87)
    cdef u64 where = operand_address(cpu, op, kind, 80, READ)
    check_extended(cpu, op, where)
    read_wide(cpu, op, where, &cpu.wide[0], 10, op.segment)
    load_st(cpu, op, bcd_to_f80(cpu.wide[0].b), 0)
    return proceed(cpu, op)

cdef inline Op* fbstp(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef FloatMode* mode
    cdef u32 fault = 0
    cdef u64 where
    require(cpu, op, kind, X87)
    where = operand_address(cpu, op, kind, 80, WRITE)
    check_extended(cpu, op, where)
    mode = fcw_mode(cpu)
    if is_empty(cpu, 0): fault = STACK_FAULT
    f80_to_bcd(f80_default() if fault else st(cpu, 0)[0], cpu.wide[2].b, mode)
    if unmasked(mode) & FLOAT_IE:
        probe(cpu, op, where, 10, WRITE, op.segment)
        settle(cpu, op, mode.raised | fault, 0)
        return proceed(cpu, op)
    write_wide(cpu, op, where, &cpu.wide[2], 10, op.segment)
    settle(cpu, op, mode.raised | fault, mode.up)
    pop_st(cpu)
    return proceed(cpu, op)
