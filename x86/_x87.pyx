"""What the x87's instructions have in common when an operand is not the usual one: exceptions, faults of the stack, pushes."""
from x86._state cimport *
from x86._float80 cimport *
from x86._float_parts cimport leading_zeros
from x86._access cimport raise_error
from x86._causes cimport CAUSE_MISALIGNED
from x86._operands cimport offset_of, proceed

cdef enum: VECTOR_AC = 17

cdef FloatMode* fcw_mode(Cpu* cpu) noexcept nogil:
    cdef FloatMode* mode = <FloatMode*>&cpu.wide[1]
    mode[0] = mode_of_fcw(cpu.fpu.fcw)
    return mode

cdef u32 settle(Cpu* cpu, Op* op, u32 raised, u32 up) noexcept nogil:
    cdef u32 unmasked = raised & ~cpu.fpu.fcw & EXCEPTIONS
    cpu.fpu.fip = op.rip
    cpu.fpu.fsw = (cpu.fpu.fsw & <u16>~C1) | <u16>(raised | (C1 if up else 0))
    if unmasked:
        cpu.fpu.fsw |= ERROR_SUMMARY | BUSY
        cpu.fpu.fop = op.imm2                           # the lowering put it there: bits 2..0 of the opcode, and ModRM
        if op.imm2 & 0xC0 != 0xC0: cpu.fpu.fdp = offset_of(cpu, op)
    return unmasked

cdef bint stack_fault(Cpu* cpu, Op* op, u32 c1) noexcept nogil:
    return settle(cpu, op, FLOAT_IE | STACK_FAULT, c1) != 0

cdef void load_st(Cpu* cpu, Op* op, Float80 value, u32 raised) noexcept nogil:
    if not has_room(cpu):
        if stack_fault(cpu, op, 1): return
        value = f80_default()
    elif settle(cpu, op, raised, 0) & FLOAT_IE: return          # D does not keep FLD from its work
    push_st(cpu, value)

cdef void check_extended(Cpu* cpu, Op* op, u64 where) noexcept nogil:
    if cpu.cpl == 3 and cpu.aligned_only & 1 and where & 7: raise_error(cpu, op, VECTOR_AC, 0, CAUSE_MISALIGNED, where)

#    binary32   31 S   30..23 exponent + 127    22..0 fraction
#    binary64   63 S   62..52 exponent + 1023   51..0 fraction
cdef Float80 widened(u64 value, int size) noexcept nogil:
    cdef u32 bits = 52 if size == 64 else 23                    # of the fraction
    cdef u32 sign = <u32>(value >> (size - 1) & 1) << 15
    cdef u32 highest = (1 << (size - 1 - bits)) - 1
    cdef u32 exponent = <u32>(value >> bits) & highest
    cdef u64 fraction = value << (64 - bits) >> 1               # below bit 63, the integer bit
    cdef u32 shift
    if exponent == highest: return f80(<u64>1 << 63 | fraction, sign | 0x7FFF)
    if exponent: return f80(<u64>1 << 63 | fraction, sign | (exponent + 16383 - (highest >> 1)))
    if not fraction: return f80(0, sign)
    shift = leading_zeros(fraction)
    return f80(fraction << shift, sign | (16384 - (highest >> 1) - shift))

# ---- ways for a handler to end ---------------------------------------------------------------------------------------------

cdef Op* answer(Cpu* cpu, Op* op, Float80 result, FloatMode* mode) noexcept nogil:
    if not settle(cpu, op, mode.raised, mode.up) & FLOAT_OF_OPERANDS: set_st(cpu, 0, result)
    return proceed(cpu, op)

cdef Op* default_answer(Cpu* cpu, Op* op) noexcept nogil:
    if not stack_fault(cpu, op, 0): set_st(cpu, 0, f80_default())
    return proceed(cpu, op)

cdef Op* push_slowly(Cpu* cpu, Op* op, Float80 value) noexcept nogil:
    load_st(cpu, op, value, 0)
    return proceed(cpu, op)

cdef Op* load_empty(Cpu* cpu, Op* op) noexcept nogil:
    if not is_empty(cpu, op.dst): load_st(cpu, op, st(cpu, op.dst)[0], 0)
    elif not stack_fault(cpu, op, 0): push_st(cpu, f80_default())
    return proceed(cpu, op)

cdef Op* exchange_empty(Cpu* cpu, Op* op) noexcept nogil:
    cdef Float80 first = f80_default(), second = f80_default()
    if not stack_fault(cpu, op, 0):
        if not is_empty(cpu, 0): first = st(cpu, 0)[0]
        if not is_empty(cpu, op.src): second = st(cpu, op.src)[0]
        set_st(cpu, 0, second)
        set_st(cpu, op.src, first)
    return proceed(cpu, op)
