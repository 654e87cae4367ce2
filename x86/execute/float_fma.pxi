# Fused multiply-add
from x86._sse cimport *
from x86._vector cimport *

cdef inline Op* float_fused(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int operation,
                            const int order, const int format, const int scalar) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector* to = vector_register(cpu, op.dst, unit)
    cdef int bits = format if scalar else size
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, bits, READ)
    reach(cpu, op, where, kind, bits, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, bits, unit)
    if not by_host(cpu, operation):
        return in_integers(cpu, op, b, <u64>order << 40 |
                           recipe(operation, format, format, bits // format, unit, RECIPE_KEEP if scalar else 0))
    sse_fma(operation, order, format, scalar, to, a, b)
    if size == 256: sse_fma(operation, order, format, scalar, &to.q[2], &a.q[2], &b.q[2])
    else: clear_upper(to, unit)
    return proceed(cpu, op)
