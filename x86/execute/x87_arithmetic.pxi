# FADD FMUL FSUB FSUBR FDIV FDIVR in all their forms; FSQRT FRNDINT FSCALE FXTRACT FPREM FPREM1
from x86._x87 cimport *

cdef enum:                      # the operation, which is the digit of D8 /digit; REVERSED: source - destination
    ADD = 0, MULTIPLY = 1, SUBTRACT = 4, SUBTRACT_REVERSED = 5, DIVIDE = 6, DIVIDE_REVERSED = 7

# `a` is the destination, `b` the source. Only with RC and PC as FNINIT makes them; False: nothing done
cdef inline bint quick(Float80 a, Float80 b, Float80* result, FloatMode* mode, const int operation) noexcept nogil:
    if operation == ADD: return quick_add(a, b, 0, result, mode)
    if operation == SUBTRACT: return quick_add(a, b, 0x8000, result, mode)
    if operation == SUBTRACT_REVERSED: return quick_add(b, a, 0x8000, result, mode)
    if operation == MULTIPLY: return quick_mul(a, b, result, mode)
    if operation == DIVIDE: return quick_div(a, b, result, mode)
    return quick_div(b, a, result, mode)

cdef Float80 any_operation(Float80 a, Float80 b, FloatMode* mode, int operation) noexcept nogil:
    if operation == ADD: return f80_add(a, b, mode)
    if operation == SUBTRACT: return f80_sub(a, b, mode)
    if operation == SUBTRACT_REVERSED: return f80_sub(b, a, mode)
    if operation == MULTIPLY: return f80_mul(a, b, mode)
    if operation == DIVIDE: return f80_div(a, b, mode)
    return f80_div(b, a, mode)

# ST(to) = ST(to) operation b; False if an unmasked exception forbids it. `raised`: D, if b was a denormal in memory. I and Z
# come before it
cdef bint combine(Cpu* cpu, Op* op, u32 to, Float80 b, int operation, u32 raised) noexcept nogil:
    cdef FloatMode* mode = fcw_mode(cpu)
    cdef Float80 a = st(cpu, to)[0], result
    if f80_is_nan(a) or f80_is_unsupported(a) or (operation == DIVIDE_REVERSED and f80_is_zero(a)): raised = 0
    if raised & ~mode.masked:
        settle(cpu, op, raised, 0)
        return False
    result = any_operation(a, b, mode, operation)
    if settle(cpu, op, mode.raised | raised, mode.up) & FLOAT_OF_OPERANDS: return False
    set_st(cpu, to, result)
    return True

cdef Op* arithmetic_slow(Cpu* cpu, Op* op, int operation, bint pops) noexcept nogil:
    if is_empty(cpu, op.dst) or is_empty(cpu, op.src):
        if stack_fault(cpu, op, 0): return proceed(cpu, op)
        set_st(cpu, op.dst, f80_default())
    elif not combine(cpu, op, op.dst, st(cpu, op.src)[0], operation, 0): return proceed(cpu, op)
    if pops: pop_st(cpu)
    return proceed(cpu, op)

cdef inline Op* arithmetic(Cpu* cpu, Op* op, const int kind, const int size, const int operation, const int pops) noexcept nogil:
    cdef FloatMode mode = usual_mode()
    cdef Float80 result
    require(cpu, op, kind, X87)
    if unlikely(not usual_control(cpu) or is_empty(cpu, op.dst) or is_empty(cpu, op.src)
                or not quick(st(cpu, op.dst)[0], st(cpu, op.src)[0], &result, &mode, operation)):
        return arithmetic_slow(cpu, op, operation, pops)
    leave_usual(cpu, op, mode.raised, mode.up)
    st(cpu, op.dst)[0] = result
    if pops: pop_st(cpu)
    return proceed(cpu, op)

# ---- with an operand in memory --------------------------------------------------------------------------------------------

cdef Op* with_memory_slow(Cpu* cpu, Op* op, Float80 b, int operation, u32 raised) noexcept nogil:
    if is_empty(cpu, 0): return default_answer(cpu, op)
    combine(cpu, op, 0, b, operation, raised)
    return proceed(cpu, op)

cdef Op* with_float_slow(Cpu* cpu, Op* op, u64 bits, int size, int operation) noexcept nogil:
    return with_memory_slow(cpu, op, widened(bits, size), operation, FLOAT_DE if is_denormal_in_memory(bits, size) else 0)

cdef inline Op* arithmetic_float(Cpu* cpu, Op* op, const int kind, const int size, const int operation) noexcept nogil:
    cdef FloatMode mode = usual_mode()
    cdef Float80 b, result
    cdef u64 bits
    cdef bint usual
    require(cpu, op, kind, X87)
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    bits = read_destination(cpu, op, where, kind, size)
    usual = quick_load64(bits, &b) if size == 64 else quick_load32(<u32>bits, &b)
    if unlikely(not usual or not usual_control(cpu) or is_empty(cpu, 0)
                or not quick(st(cpu, 0)[0], b, &result, &mode, operation)):
        return with_float_slow(cpu, op, bits, size, operation)
    leave_usual(cpu, op, mode.raised, mode.up)
    st(cpu, 0)[0] = result
    return proceed(cpu, op)

cdef inline Op* arithmetic_integer(Cpu* cpu, Op* op, const int kind, const int size, const int operation) noexcept nogil:
    cdef FloatMode mode = usual_mode()
    cdef Float80 b, result
    require(cpu, op, kind, X87)
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    b = integer_to_f80(sign_extend(read_destination(cpu, op, where, kind, size), size))
    if unlikely(not usual_control(cpu) or is_empty(cpu, 0) or not quick(st(cpu, 0)[0], b, &result, &mode, operation)):
        return with_memory_slow(cpu, op, b, operation, 0)
    leave_usual(cpu, op, mode.raised, mode.up)
    st(cpu, 0)[0] = result
    return proceed(cpu, op)

# ---- ST(0) alone ------------------------------------------------------------------------------------------------------------

cdef inline Op* fsqrt(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    require(cpu, op, kind, X87)
    if is_empty(cpu, 0): return default_answer(cpu, op)
    cdef FloatMode* mode = fcw_mode(cpu)
    return answer(cpu, op, f80_sqrt(st(cpu, 0)[0], mode), mode)

cdef inline Op* frndint(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    require(cpu, op, kind, X87)
    if is_empty(cpu, 0): return default_answer(cpu, op)
    cdef FloatMode* mode = fcw_mode(cpu)
    return answer(cpu, op, f80_rndint(st(cpu, 0)[0], mode), mode)

cdef inline Op* fscale(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    require(cpu, op, kind, X87)
    if is_empty(cpu, 0) or is_empty(cpu, 1): return default_answer(cpu, op)
    cdef FloatMode* mode = fcw_mode(cpu)
    return answer(cpu, op, f80_scale(st(cpu, 0)[0], st(cpu, 1)[0], mode), mode)

#    C2  1: ST(0) is smaller, but not yet the remainder. C0 C3 C1  bits 2, 1, 0 of the quotient, once it is. A NaN leaves C0 C3
cdef inline Op* remainder(Cpu* cpu, Op* op, const int kind, const int size, const int nearest) noexcept nogil:
    cdef FloatMode* mode
    cdef Float80 result
    cdef u32 quotient
    require(cpu, op, kind, X87)
    cpu.fpu.fsw &= <u16>~C2
    if is_empty(cpu, 0) or is_empty(cpu, 1): return default_answer(cpu, op)
    mode = fcw_mode(cpu)
    result = f80_remainder(st(cpu, 0)[0], st(cpu, 1)[0], nearest, mode)
    quotient = mode.quotient
    if settle(cpu, op, mode.raised, quotient & 1) & FLOAT_OF_OPERANDS: return proceed(cpu, op)
    set_st(cpu, 0, result)
    if f80_is_nan(result): return proceed(cpu, op)
    cpu.fpu.fsw &= <u16>~(C0 | C3)
    if quotient & PARTIAL: cpu.fpu.fsw |= C2
    else: cpu.fpu.fsw |= <u16>((quotient & 4) << 6 | (quotient & 2) << 13)
    return proceed(cpu, op)

cdef inline Op* fxtract(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef FloatMode* mode
    cdef Float80 exponent, significand
    require(cpu, op, kind, X87)
    if is_empty(cpu, 0) or not has_room(cpu):
        if stack_fault(cpu, op, not is_empty(cpu, 0)): return proceed(cpu, op)
        exponent = significand = f80_default()
    else:
        mode = fcw_mode(cpu)
        exponent, significand = f80_exponent(st(cpu, 0)[0], mode), f80_significand(st(cpu, 0)[0])
        if settle(cpu, op, mode.raised, 0) & FLOAT_OF_OPERANDS: return proceed(cpu, op)
    set_st(cpu, 0, exponent)
    push_st(cpu, significand)
    return proceed(cpu, op)
