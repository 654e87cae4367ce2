# ADDPS and its kin: what _sse.h does with 128 bits, once or twice, or with the lowest element
from x86._sse cimport *
from x86._vector cimport *

cdef inline Op* float_packed(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int operation,
                             const int format) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector* to = vector_register(cpu, op.dst, unit)
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    if not by_host(cpu, operation): return in_integers(cpu, op, b, recipe(operation, format, format, size // format, unit, 0))
    sse_packed(operation, format, to, a, b)
    if size == 256: sse_packed(operation, format, &to.q[2], &a.q[2], &b.q[2])
    else: clear_upper(to, unit)
    return proceed(cpu, op)

cdef inline Op* float_scalar(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int operation,
                             const int format) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector* to = vector_register(cpu, op.dst, unit)
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, format, READ)
    reach(cpu, op, where, kind, format, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, format, unit)
    if not by_host(cpu, operation): return in_integers(cpu, op, b, recipe(operation, format, format, 1, unit, RECIPE_KEEP))
    sse_scalar(operation, format, to, a, b)
    copy_upper(to, a, unit)
    return proceed(cpu, op)

cdef inline Op* float_dot(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int format) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector* to = vector_register(cpu, op.dst, unit)
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    if not by_host(cpu, F_DOT): return in_integers(cpu, op, b, recipe(F_DOT, format, format, size // format, unit, 0))
    sse_dot(format, <u32>op.imm, to, a, b)
    if size == 256: sse_dot(format, <u32>op.imm, &to.q[2], &a.q[2], &b.q[2])
    else: clear_upper(to, unit)
    return proceed(cpu, op)
