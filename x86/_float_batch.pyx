"""Floating point for tests: thousands of operations at once, given and answered as packed records."""
from x86._state cimport *
from x86._float80 cimport *

# What `control` says besides: bits 16 and up
#    FUSE: NEGATE_* in 17..16    COMPARE: 16 signalling    ROUND: RC in 17..16, 18 without PE
#    TO_F16: RC in 17..16        TO_I..: 16 truncate       REMAINDER: 16 nearest
cpdef enum Operation:
    F32_ADD, F32_SUB, F32_MUL, F32_DIV, F32_SQRT, F32_MIN, F32_MAX, F32_FUSE, F32_COMPARE, F32_ROUND,
    F64_ADD, F64_SUB, F64_MUL, F64_DIV, F64_SQRT, F64_MIN, F64_MAX, F64_FUSE, F64_COMPARE, F64_ROUND,
    F16_TO_F32, F32_TO_F16, F32_TO_F64, F64_TO_F32, F32_TO_I32, F32_TO_I64, F64_TO_I32, F64_TO_I64,
    I32_TO_F32, I64_TO_F32, I32_TO_F64, I64_TO_F64,
    F80_ADD, F80_SUB, F80_MUL, F80_DIV, F80_SQRT, F80_COMPARE, F80_RNDINT, F80_SCALE, F80_EXTRACT, F80_REMAINDER, F80_CLASS,
    F32_TO_F80, F64_TO_F80, F80_TO_F32, F80_TO_F64, F80_TO_I16, F80_TO_I32, F80_TO_I64, I64_TO_F80, BCD_TO_F80, F80_TO_BCD

cdef struct Case:               # 56 bytes
    u64 a[2]
    u64 b[2]
    u64 c[2]
    u32 control                 # MXCSR, or FCW for operations with F80
    u32 operation

cdef struct Outcome:            # 24 bytes
    u64 value[2]                # all ones where an unmasked exception keeps the result from being stored
    u32 flags                   # those of MXCSR, or FSW with C0 to C3
    u32 second                  # FXTRACT's other half: a check over it

cdef u64 sse(const Case* at, FloatMode* mode) noexcept nogil:
    cdef u64 a = at.a[0], b = at.b[0], c = at.c[0]
    cdef int way = at.control >> 16 & 3
    cdef int rounding = TO_ZERO if way & 1 else mode.rounding
    if at.operation == F32_ADD: return f32_add(a, b, mode)
    if at.operation == F32_SUB: return f32_sub(a, b, mode)
    if at.operation == F32_MUL: return f32_mul(a, b, mode)
    if at.operation == F32_DIV: return f32_div(a, b, mode)
    if at.operation == F32_SQRT: return f32_sqrt(a, mode)
    if at.operation == F32_MIN: return f32_min(a, b, mode)
    if at.operation == F32_MAX: return f32_max(a, b, mode)
    if at.operation == F32_FUSE: return f32_fma(a, b, c, way, mode)
    if at.operation == F32_COMPARE: return f32_compare(a, b, way & 1, mode)
    if at.operation == F32_ROUND: return f32_round(a, way, not at.control >> 18 & 1, mode)
    if at.operation == F64_ADD: return f64_add(a, b, mode)
    if at.operation == F64_SUB: return f64_sub(a, b, mode)
    if at.operation == F64_MUL: return f64_mul(a, b, mode)
    if at.operation == F64_DIV: return f64_div(a, b, mode)
    if at.operation == F64_SQRT: return f64_sqrt(a, mode)
    if at.operation == F64_MIN: return f64_min(a, b, mode)
    if at.operation == F64_MAX: return f64_max(a, b, mode)
    if at.operation == F64_FUSE: return f64_fma(a, b, c, way, mode)
    if at.operation == F64_COMPARE: return f64_compare(a, b, way & 1, mode)
    if at.operation == F64_ROUND: return f64_round(a, way, not at.control >> 18 & 1, mode)
    if at.operation == F16_TO_F32: return f16_to_f32(a, mode)
    if at.operation == F32_TO_F16: return f32_to_f16(a, way, mode)
    if at.operation == F32_TO_F64: return f32_to_f64(a, mode)
    if at.operation == F64_TO_F32: return f64_to_f32(a, mode)
    if at.operation == F32_TO_I32: return f32_to_i32(a, rounding, mode)
    if at.operation == F32_TO_I64: return f32_to_i64(a, rounding, mode)
    if at.operation == F64_TO_I32: return f64_to_i32(a, rounding, mode)
    if at.operation == F64_TO_I64: return f64_to_i64(a, rounding, mode)
    if at.operation == I32_TO_F32: return i32_to_f32(<i32>a, mode)
    if at.operation == I64_TO_F32: return i64_to_f32(<i64>a, mode)
    if at.operation == I32_TO_F64: return i32_to_f64(<i32>a)
    return i64_to_f64(<i64>a, mode)

cdef Float80 x87(const Case* at, FloatMode* mode) noexcept nogil:
    """What comes back as a Float80."""
    cdef Float80 a = f80(at.a[0], at.a[1]), b = f80(at.b[0], at.b[1])
    if at.operation == F80_ADD: return f80_add(a, b, mode)
    if at.operation == F80_SUB: return f80_sub(a, b, mode)
    if at.operation == F80_MUL: return f80_mul(a, b, mode)
    if at.operation == F80_DIV: return f80_div(a, b, mode)
    if at.operation == F80_SQRT: return f80_sqrt(a, mode)
    if at.operation == F80_RNDINT: return f80_rndint(a, mode)
    if at.operation == F80_SCALE: return f80_scale(a, b, mode)
    if at.operation == F80_EXTRACT: return f80_exponent(a, mode)
    if at.operation == F80_REMAINDER: return f80_remainder(a, b, at.control >> 16 & 1, mode)
    if at.operation == F32_TO_F80: return f32_to_f80(<u32>at.a[0], mode)
    if at.operation == F64_TO_F80: return f64_to_f80(at.a[0], mode)
    if at.operation == I64_TO_F80: return i64_to_f80(<i64>at.a[0])
    return bcd_to_f80(<const u8*>at.a)

cdef bint x87_to_memory(const Case* at, u64* value, FloatMode* mode) noexcept nogil:
    """What is stored in other formats; False if the operation is none of these."""
    cdef Float80 a = f80(at.a[0], at.a[1])
    cdef int rounding = TO_ZERO if at.control >> 16 & 1 else mode.rounding
    if at.operation == F80_TO_F32: value[0] = f80_to_f32(a, mode)
    elif at.operation == F80_TO_F64: value[0] = f80_to_f64(a, mode)
    elif at.operation == F80_TO_I16: value[0] = <u64>f80_to_i16(a, rounding, mode) & 0xFFFF
    elif at.operation == F80_TO_I32: value[0] = <u32>f80_to_i32(a, rounding, mode)
    elif at.operation == F80_TO_I64: value[0] = <u64>f80_to_i64(a, rounding, mode)
    elif at.operation == F80_TO_BCD: f80_to_bcd(a, <u8*>value, mode)
    else: return False
    value[1] = value[1] & 0xFFFF if at.operation == F80_TO_BCD else 0
    if unmasked(mode) & (FLOAT_IE | FLOAT_OE | FLOAT_UE): value[0] = value[1] = ~<u64>0
    return True

cdef void calculate(const Case* at, Outcome* outcome) noexcept nogil:
    cdef FloatMode mode
    cdef Float80 result
    outcome.value[0] = outcome.value[1] = ~<u64>0
    outcome.second = 0
    if at.operation < F80_ADD:
        mode = sse_mode(at.control)
        outcome.value[0] = sse(at, &mode)
        outcome.flags = sse_flags(&mode)
        outcome.value[1] = 0
        if unmasked(&mode): outcome.value[0] = outcome.value[1] = ~<u64>0
        return
    mode = mode_of_fcw(at.control)
    if at.operation == F80_COMPARE:
        outcome.value[0] = f80_compare(f80(at.a[0], at.a[1]), f80(at.b[0], at.b[1]), at.control >> 16 & 1, &mode)
    elif at.operation == F80_CLASS:
        outcome.value[0] = f80_class(f80(at.a[0], at.a[1]))
    elif not x87_to_memory(at, outcome.value, &mode):
        result = x87(at, &mode)
        if not unmasked(&mode) & FLOAT_OF_OPERANDS:
            outcome.value[0], outcome.value[1] = result.significand, result.sign_exponent
            if at.operation == F80_EXTRACT:
                result = f80_significand(f80(at.a[0], at.a[1]))
                outcome.second = <u32>(result.significand >> 32 ^ result.significand ^ <u64>result.sign_exponent << 16)
    outcome.flags = mode.raised | mode.up << 9
    if at.operation == F80_REMAINDER:                       # C0 and C3 were set before
        if mode.quotient == NO_QUOTIENT: outcome.flags |= 0x4100
        else: outcome.flags |= ((mode.quotient & 4) << 6 | (mode.quotient & 2) << 13 | (mode.quotient & 1) << 9 |
                                (mode.quotient & PARTIAL) << 7)

def run(const u8[::1] cases):
    """Calculate a run of Case records; returns as many Outcome records."""
    cdef Py_ssize_t count = cases.shape[0] // sizeof(Case), i
    cdef bytearray outcomes = bytearray(count * sizeof(Outcome))
    cdef u8[::1] to = outcomes
    if not count: return b""
    with nogil:
        for i in range(count):
            calculate(<const Case*>&cases[i * sizeof(Case)], <Outcome*>&to[i * sizeof(Outcome)])
    return bytes(outcomes)
