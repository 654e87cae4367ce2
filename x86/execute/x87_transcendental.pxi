# F2XM1 FYL2X FYL2XP1 FSIN FCOS FSINCOS FPTAN FPATAN: the stack and the status word; values come from _transcendental.pyx
from x86._transcendental cimport *
from x86._x87 cimport *

cdef inline Op* f2xm1(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef FloatMode* mode
    require(cpu, op, kind, X87)
    if is_empty(cpu, 0): return default_answer(cpu, op)
    mode = fcw_mode(cpu)
    return answer(cpu, op, f80_exp2_minus_1(st(cpu, 0)[0], mode), mode)

# The result replaces ST(1), and ST(0) is popped
cdef inline Op* of_two(Cpu* cpu, Op* op, const int kind, const int size, const int function) noexcept nogil:
    cdef FloatMode* mode
    cdef Float80 result
    require(cpu, op, kind, X87)
    if is_empty(cpu, 0) or is_empty(cpu, 1):
        if stack_fault(cpu, op, 0): return proceed(cpu, op)
        result = f80_default()
    else:
        mode = fcw_mode(cpu)
        if function == 0: result = f80_y_log2(st(cpu, 1)[0], st(cpu, 0)[0], mode)
        elif function == 1: result = f80_y_log2_plus_1(st(cpu, 1)[0], st(cpu, 0)[0], mode)
        else: result = f80_arctangent(st(cpu, 1)[0], st(cpu, 0)[0], mode)
        if settle(cpu, op, mode.raised, mode.up) & FLOAT_OF_OPERANDS: return proceed(cpu, op)
    set_st(cpu, 1, result)
    pop_st(cpu)
    return proceed(cpu, op)

# An angle of 2^63 and more stays where it is, with C2
cdef inline bint is_too_large(Cpu* cpu, Op* op) noexcept nogil:
    if not f80_angle_too_large(st(cpu, 0)[0]): return False
    settle(cpu, op, 0, 0)
    cpu.fpu.fsw |= C2
    return True

cdef inline Op* of_angle(Cpu* cpu, Op* op, const int kind, const int size, const int function) noexcept nogil:
    cdef FloatMode* mode
    require(cpu, op, kind, X87)
    cpu.fpu.fsw &= <u16>~C2
    if is_empty(cpu, 0): return default_answer(cpu, op)
    if is_too_large(cpu, op): return proceed(cpu, op)
    mode = fcw_mode(cpu)
    return answer(cpu, op, f80_cosine(st(cpu, 0)[0], mode) if function else f80_sine(st(cpu, 0)[0], mode), mode)

# FSINCOS (0) pushes the cosine, FPTAN (1) pushes 1, or a NaN behind a NaN
cdef inline Op* two_of_angle(Cpu* cpu, Op* op, const int kind, const int size, const int function) noexcept nogil:
    cdef FloatMode* mode
    cdef Float80 first, second
    require(cpu, op, kind, X87)
    cpu.fpu.fsw &= <u16>~C2
    if is_empty(cpu, 0) or not has_room(cpu):
        if stack_fault(cpu, op, not is_empty(cpu, 0)): return proceed(cpu, op)
        first = second = f80_default()
    else:
        if is_too_large(cpu, op): return proceed(cpu, op)
        mode = fcw_mode(cpu)
        if function:
            first = f80_tangent(st(cpu, 0)[0], mode)
            second = first if f80_is_nan(first) else f80(<u64>1 << 63, 0x3FFF)
        else:
            first = f80_sine(st(cpu, 0)[0], mode)
            second = f80_cosine(st(cpu, 0)[0], mode)
        if settle(cpu, op, mode.raised, mode.up) & FLOAT_OF_OPERANDS: return proceed(cpu, op)
    set_st(cpu, 0, first)
    push_st(cpu, second)
    return proceed(cpu, op)
