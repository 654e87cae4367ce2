# Conversions, and rounding to integral values
from x86._sse cimport *
from x86._vector cimport *

# Elements of `source` to `result`; size is that of the side with the wider ones
cdef inline Op* float_convert(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int operation,
                              const int source, const int result) noexcept nogil:
    cdef Vector* b
    cdef Vector* to = vector_register(cpu, op.dst, unit)
    cdef int widens = (result & ~1) > (source & ~1), narrows = (result & ~1) < (source & ~1)
    cdef int bits = size // 2 if widens else size
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, bits, READ)
    aligned(cpu, op, where, kind, bits, unit == SSE and not widens)
    reach(cpu, op, where, kind, bits, READ)
    b = second(cpu, op, where, kind, bits, unit)
    if not by_host(cpu, operation):
        return in_integers(cpu, op, b, recipe(operation, source, result, size // (64 if widens or narrows else 32), unit, 0))
    if size == 256 and widens: sse_convert(operation, source, result, &to.q[2], &b.q[1])       # first: b may be `to`
    sse_convert(operation, source, result, to, b)
    if size == 256 and narrows: sse_convert(operation, source, result, &to.q[1], &b.q[2])
    elif size == 256 and not widens: sse_convert(operation, source, result, &to.q[2], &b.q[2])
    elif narrows: to.q[1] = 0
    if size == 128 or narrows: clear_upper(to, unit)
    return proceed(cpu, op)

cdef inline Op* float_convert_scalar(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int source,
                                     const int result) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector* to = vector_register(cpu, op.dst, unit)
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, source, READ)
    reach(cpu, op, where, kind, source, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, source, unit)
    if not by_host(cpu, F_CONVERT): return in_integers(cpu, op, b, recipe(F_CONVERT, source, result, 1, unit, RECIPE_KEEP))
    sse_convert_scalar(source, to, a, b)
    copy_upper(to, a, unit)
    return proceed(cpu, op)

cdef inline Op* float_round(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int format,
                            const int scalar) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector* to = vector_register(cpu, op.dst, unit)
    cdef int bits = format if scalar else size
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, bits, READ)
    aligned(cpu, op, where, kind, bits, unit == SSE and not scalar)
    reach(cpu, op, where, kind, bits, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, bits, unit)
    if not by_host(cpu, F_ROUND):
        return in_integers(cpu, op, b, recipe(F_ROUND, format, format, bits // format, unit, RECIPE_KEEP if scalar else 0))
    sse_round(format, scalar, <int>op.imm, to, a, b)
    if scalar: copy_upper(to, a, unit)
    elif size == 256: sse_round(format, scalar, <int>op.imm, &to.q[2], &a.q[2], &b.q[2])
    else: clear_upper(to, unit)
    return proceed(cpu, op)

# ---- general registers: size is theirs ------------------------------------------------------------------------------------

cdef inline Op* float_from_general(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int format) noexcept nogil:
    cdef Vector* a
    cdef Vector* to = vector_register(cpu, op.dst, unit)
    require(cpu, op, kind, unit)
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 value = read_source(cpu, op, where, kind, size)
    a = first(cpu, op, unit)
    if not by_host(cpu, F_CONVERT):
        cpu.wide[0].q[0] = value
        return in_integers(cpu, op, &cpu.wide[0], recipe(F_CONVERT, INT32 if size == 32 else INT64, format, 1, unit, RECIPE_KEEP))
    sse_from_integer(format, size, to, a, value)
    copy_upper(to, a, unit)
    return proceed(cpu, op)

cdef inline Op* float_to_general(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int operation,
                                 const int format) noexcept nogil:
    cdef Vector* b
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, format, READ)
    reach(cpu, op, where, kind, format, READ)
    b = second(cpu, op, where, kind, format, unit)
    if not by_host(cpu, operation):
        return in_integers(cpu, op, b, recipe(operation, format, INT32 if size == 32 else INT64, 1, 0, 0))
    write_register(cpu, op.dst, sse_to_integer(operation, format, size, b), size)
    return proceed(cpu, op)

# ---- MMX registers: two elements ------------------------------------------------------------------------------------------

# A source in memory has nothing to do with MMX. With an MMX register its state is entered, and even an exception finds it so

cdef inline Op* float_from_mmx(Cpu* cpu, Op* op, const int kind, const int size, const int format) noexcept nogil:
    cdef Vector* b
    cdef Vector* to = vector_register(cpu, op.dst, SSE)
    require(cpu, op, kind, SSE)
    if kind == RR: require(cpu, op, kind, MMX)
    cdef u64 where = vector_address(cpu, op, kind, 64, READ)
    reach(cpu, op, where, kind, 64, READ)
    b = second(cpu, op, where, kind, 64, MMX)
    if kind == RR: enter_mmx(cpu)
    if not by_host(cpu, F_CONVERT):
        return in_integers(cpu, op, b, recipe(F_CONVERT, INT32, format, 2, SSE, RECIPE_KEEP if format == 32 else 0))
    if format == 32: sse_convert_pair(F_CONVERT, FLOAT32, to, b)
    else: sse_convert(F_CONVERT, INT32, FLOAT64, to, b)
    return proceed(cpu, op)

cdef inline Op* float_to_mmx(Cpu* cpu, Op* op, const int kind, const int size, const int operation,
                             const int format) noexcept nogil:
    cdef Vector* b
    cdef Vector r
    require(cpu, op, kind, SSE)
    require(cpu, op, kind, MMX)
    cdef u64 where = vector_address(cpu, op, kind, 2 * format, READ)
    aligned(cpu, op, where, kind, 2 * format, format == 64)
    reach(cpu, op, where, kind, 2 * format, READ)
    b = second(cpu, op, where, kind, 2 * format, SSE)
    enter_mmx(cpu)
    if not by_host(cpu, operation): return in_integers(cpu, op, b, recipe(operation, format, INT32, 2, MMX, 0))
    if format == 32: sse_convert_pair(operation, INT32, &r, b)
    else: sse_convert(operation, FLOAT64, INT32, &r, b)
    write_vector(cpu, op.dst, &r, 64, MMX)
    return proceed(cpu, op)

# ---- half precision -------------------------------------------------------------------------------------------------------

cdef inline Op* float_from_half(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    cdef Vector* b
    cdef Vector* to = vector_register(cpu, op.dst, unit)
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size // 2, READ)
    reach(cpu, op, where, kind, size // 2, READ)
    b = second(cpu, op, where, kind, size // 2, unit)
    if not (by_host(cpu, F_CONVERT) and HOST_HAS_F16C):
        return in_integers(cpu, op, b, recipe(F_CONVERT, FLOAT16, FLOAT32, size // 32, unit, 0))
    if size == 256: sse_from_half(&to.q[2], &b.q[1])            # first: b may be `to`
    sse_from_half(to, b)
    if size == 128: clear_upper(to, unit)
    return proceed(cpu, op)

# The only one that stores. A fault of the store comes before #XM, and then no flag is set
cdef inline Op* float_to_half(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    cdef Vector* b = vector_register(cpu, op.src, unit)
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size // 2, WRITE)
    reach(cpu, op, where, kind, size // 2, WRITE)
    if kind & DST_S: probe(cpu, op, where, size // 16, WRITE, op.segment)
    if by_host(cpu, F_CONVERT) and HOST_HAS_F16C:
        sse_to_half(<int>op.imm, &cpu.wide[1].q[0], &b.q[0])
        if size == 256: sse_to_half(<int>op.imm, &cpu.wide[1].q[1], &b.q[2])
    else: compute(cpu, op, b, recipe(F_CONVERT, FLOAT32, FLOAT16, size // 32, unit, 0))
    write_result(cpu, op, where, &cpu.wide[1], kind, size // 2, unit)
    return proceed(cpu, op)
