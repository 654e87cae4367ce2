"""Floating point of SSE, AVX and FMA in integers: element by element, by the rules of _float.pxd.

For hosts without SSE, and for guests that have unmasked an exception: then the flags of all elements have to be known before
the destination changes. SDM volume 1, 11.5.2 and 11.5.3; E.4.2 has what each element answers."""
from libc.string cimport memset
from x86._state cimport *
from x86._access cimport raise_fault
from x86._causes cimport CAUSE_SIMD_ERROR
from x86._flags cimport set_arithmetic_flags
from x86._float cimport *
from x86._model cimport CR4_OSXMMEXCPT
from x86._operands cimport proceed
from x86._vector cimport first

cdef enum: VECTOR_UD = 6, VECTOR_XM = 19

# ---- elements -------------------------------------------------------------------------------------------------------------

cdef inline int width(int format) noexcept nogil: return format & ~1

cdef inline u64 get(const Vector* v, int format, int index) noexcept nogil:
    if width(format) == 64: return v.q[index]
    return v.d[index] if width(format) == 32 else v.w[index]

cdef inline void put(Vector* v, int format, int index, u64 value) noexcept nogil:
    if width(format) == 64: v.q[index] = value
    elif width(format) == 32: v.d[index] = <u32>value
    else: v.w[index] = <u16>value

cdef u64 binary(int operation, int format, u64 a, u64 b, FloatMode* mode) noexcept nogil:
    if format == FLOAT32:
        if operation == F_ADD: return f32_add(<u32>a, <u32>b, mode)
        if operation == F_SUB: return f32_sub(<u32>a, <u32>b, mode)
        if operation == F_MUL: return f32_mul(<u32>a, <u32>b, mode)
        if operation == F_DIV: return f32_div(<u32>a, <u32>b, mode)
        if operation == F_MIN: return f32_min(<u32>a, <u32>b, mode)
        if operation == F_MAX: return f32_max(<u32>a, <u32>b, mode)
        return f32_sqrt(<u32>b, mode)
    if operation == F_ADD: return f64_add(a, b, mode)
    if operation == F_SUB: return f64_sub(a, b, mode)
    if operation == F_MUL: return f64_mul(a, b, mode)
    if operation == F_DIV: return f64_div(a, b, mode)
    if operation == F_MIN: return f64_min(a, b, mode)
    if operation == F_MAX: return f64_max(a, b, mode)
    return f64_sqrt(b, mode)

# For each of the 16 predicates the relations that it holds for (_float.pxd); bit 4 only changes which NaNs are invalid
#     TRUE GT GE NEQ_O FALSE NGT NGE EQ_U  ORD NLE NLT NEQ UNORD LE LT EQ
cdef u64 RELATIONS = <u64>0xF4650B9A7CED8312
cdef enum: SIGNALLING = 0x6666                  # the predicates that go by less or greater

cdef u64 compare(int predicate, int format, u64 a, u64 b, FloatMode* mode) noexcept nogil:
    cdef bint signalling = (SIGNALLING >> (predicate & 15) ^ predicate >> 4) & 1
    cdef int relation = f32_compare(<u32>a, <u32>b, signalling, mode) if format == FLOAT32 else f64_compare(a, b, signalling, mode)
    return ~<u64>0 if RELATIONS >> (4 * (predicate & 15)) & relation else 0

cdef u64 round_element(int control, int format, u64 a, FloatMode* mode) noexcept nogil:
    cdef int rounding = mode.rounding if control & 4 else control & 3
    if format == FLOAT32: return f32_round(<u32>a, rounding, not control & 8, mode)
    return f64_round(a, rounding, not control & 8, mode)

cdef u64 convert(int source, int result, int rounding, u64 a, FloatMode* mode) noexcept nogil:
    if source == FLOAT16: return f16_to_f32(<u16>a, mode)
    if source == INT32: return from_integer(<i64><i32>a, result, mode)
    if source == INT64: return from_integer(<i64>a, result, mode)
    if source == FLOAT32:
        if result == FLOAT16: return f32_to_f16(<u32>a, rounding, mode)
        if result == FLOAT64: return f32_to_f64(<u32>a, mode)
        return f32_to_i32(<u32>a, rounding, mode) if result == INT32 else f32_to_i64(<u32>a, rounding, mode)
    if result == FLOAT32: return f64_to_f32(a, mode)
    return f64_to_i32(a, rounding, mode) if result == INT32 else f64_to_i64(a, rounding, mode)

# An integer, which may have come from 32 bits: the number is the same
cdef u64 from_integer(i64 a, int result, FloatMode* mode) noexcept nogil:
    return i64_to_f32(a, mode) if result == FLOAT32 else i64_to_f64(a, mode)

# x is the destination, y VEX.vvvv, z the last operand; the order says what each of them is
cdef u64 fused(int operation, int order, int format, int index, u64 x, u64 y, u64 z, FloatMode* mode) noexcept nogil:
    cdef u64 a = x if order == 132 else y
    cdef u64 b = x if order == 213 else z
    cdef u64 c = y if order == 132 else z if order == 213 else x
    cdef int negate = 0
    if operation == F_FNMADD or operation == F_FNMSUB: negate = NEGATE_PRODUCT
    if operation == F_FMSUB or operation == F_FNMSUB or operation == (F_FMSUBADD if index & 1 else F_FMADDSUB):
        negate |= NEGATE_ADDEND
    return f32_fma(<u32>a, <u32>b, <u32>c, negate, mode) if format == FLOAT32 else f64_fma(a, b, c, negate, mode)

# ---- whole instructions ---------------------------------------------------------------------------------------------------

# Within each 128 bits: the sums of neighbours in a, then of those in b
cdef void horizontal(int operation, int format, int number, const Vector* a, const Vector* b, Vector* r,
                     FloatMode* mode) noexcept nogil:
    cdef int per_lane = 128 // format, half = per_lane // 2, index, pair
    cdef const Vector* v
    for index in range(number):
        v = a if index % per_lane < half else b
        pair = index - index % per_lane + 2 * (index % half)
        put(r, format, index, binary(F_ADD if operation == F_HADD else F_SUB, format, get(v, format, pair),
                                     get(v, format, pair + 1), mode))

# DPPS, DPPD: the products, each with its neighbour's, these with those of the other half. Of two NaNs the neighbour's comes
# first in DPPS, in the other steps the lane's own, as on Intel's processors. Each step is one instruction to MXCSR: an unmasked
# exception ends it, with all flags of the steps before. Returns the flags
cdef u32 dot(int control, int format, int number, const Vector* a, const Vector* b, Vector* r, FloatMode* mode) noexcept nogil:
    cdef int per_lane = 128 // format, index, own, distance = 1
    cdef u32 flags
    cdef Vector t
    for index in range(number):
        put(r, format, index, binary(F_MUL, format, get(a, format, index), get(b, format, index), mode)
            if control >> (4 + index % per_lane) & 1 else 0)
    flags = sse_flags(mode)
    while distance < per_lane and not unmasked(mode):
        mode.raised = 0
        t = r[0]
        for index in range(number):
            own = index ^ distance if per_lane == 4 and distance == 1 else index
            put(r, format, index, binary(F_ADD, format, get(&t, format, own), get(&t, format, own ^ distance), mode))
        flags |= sse_flags(mode)
        distance *= 2
    for index in range(number):
        if not control >> index % per_lane & 1: put(r, format, index, 0)
    return flags

# COMIS, UCOMIS: ZF PF CF, all of them if unordered
cdef void order_flags(Cpu* cpu, int relation) noexcept nogil:
    set_arithmetic_flags(cpu, 0x45 if relation == UNORDERED else 0x40 if relation == EQUAL else 1 if relation == LESS else 0)

# MXCSR gets the flags; one that is unmasked faults here, before anything else has changed
cdef void settle(Cpu* cpu, Op* op, u32 flags, u32 masked) noexcept nogil:
    cpu.fpu.mxcsr |= flags
    if flags & ~masked:
        raise_fault(cpu, op, VECTOR_XM if cpu.paging.cr4 & CR4_OSXMMEXCPT else VECTOR_UD, CAUSE_SIMD_ERROR, flags & ~masked)

cdef void compute(Cpu* cpu, Op* op, const Vector* b, u64 recipe) noexcept nogil:
    cdef int operation = recipe & 0xFF, source = recipe >> 8 & 0xFF, result = recipe >> 16 & 0xFF, number = recipe >> 24 & 0xFF
    cdef int order = recipe >> 40 & 0xFF, imm = op.imm & (7 if operation == F_COMPARE and recipe >> 32 & 0xFF == SSE else 31)
    cdef int index, rounding
    cdef const Vector* a = first(cpu, op, SSE)
    cdef const Vector* x = &cpu.fpu.ymm[op.dst]
    cdef const Vector* rest
    cdef Vector* r = &cpu.wide[1]
    cdef FloatMode mode = sse_mode(cpu.fpu.mxcsr)
    memset(r, 0, sizeof(Vector))
    if recipe >> 48 & RECIPE_KEEP:
        rest = x if operation >= F_FMADD else a
        r.q[0], r.q[1] = rest.q[0], rest.q[1]
    if operation == F_COMIS or operation == F_UCOMIS:
        index = f32_compare(x.d[0], b.d[0], operation == F_COMIS, &mode) if source == FLOAT32 else \
            f64_compare(x.q[0], b.q[0], operation == F_COMIS, &mode)
        settle(cpu, op, sse_flags(&mode), mode.masked)
        order_flags(cpu, index)
        return
    if operation == F_DOT:
        settle(cpu, op, dot(op.imm, source, number, a, b, r, &mode), mode.masked)
        return
    if operation == F_HADD or operation == F_HSUB: horizontal(operation, source, number, a, b, r, &mode)
    elif operation == F_CONVERT or operation == F_TRUNCATE:
        rounding = TO_ZERO if operation == F_TRUNCATE else mode.rounding
        if result == FLOAT16 and not op.imm & 4: rounding = op.imm & 3
        for index in range(number): put(r, result, index, convert(source, result, rounding, get(b, source, index), &mode))
    else:
        for index in range(number):
            put(r, result, index, element(imm, operation, source, order, index, get(a, source, index), get(b, source, index),
                                          get(x, source, index), &mode))
    settle(cpu, op, sse_flags(&mode), mode.masked)

# a and b are the two sources, x the destination as it was
cdef u64 element(int imm, int operation, int format, int order, int index, u64 a, u64 b, u64 x, FloatMode* mode) noexcept nogil:
    if operation == F_COMPARE: return compare(imm, format, a, b, mode)
    if operation == F_ROUND: return round_element(imm, format, b, mode)
    if operation == F_ADDSUB: return binary(F_ADD if index & 1 else F_SUB, format, a, b, mode)
    if operation >= F_FMADD: return fused(operation, order, format, index, x, a, b, mode)
    return binary(operation, format, a, b, mode)

cdef Op* in_integers(Cpu* cpu, Op* op, const Vector* b, u64 recipe) noexcept nogil:
    cdef int operation = recipe & 0xFF, result = recipe >> 16 & 0xFF, unit = recipe >> 32 & 0xFF
    cdef Vector* to = &cpu.fpu.ymm[op.dst]
    compute(cpu, op, b, recipe)
    if unit == MMX: cpu.fpu.fpr[op.dst].significand, cpu.fpu.fpr[op.dst].sign_exponent = cpu.wide[1].q[0], 0xFFFF
    elif unit == 0: cpu.gpr[op.dst] = cpu.wide[1].q[0]
    elif operation != F_COMIS and operation != F_UCOMIS:
        to.q[0], to.q[1] = cpu.wide[1].q[0], cpu.wide[1].q[1]
        if unit == VEX: to.q[2], to.q[3] = cpu.wide[1].q[2], cpu.wide[1].q[3]
    return proceed(cpu, op)
