# CMPPS and its kin, COMISS, UCOMISS
from x86._sse cimport *
from x86._vector cimport *

# Without VEX there are eight predicates, and the other bits of imm8 say nothing
cdef inline void compare_128(const int unit, const int format, const int scalar, int predicate, void* to, const void* a,
                             const void* b) noexcept nogil:
    if unit == SSE: sse_compare(format, scalar, predicate, to, a, b)
    else: sse_compare_vex(format, scalar, predicate, to, a, b)

cdef inline Op* float_compare(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int format,
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
    if not by_host(cpu, F_COMPARE) or (unit == VEX and not HOST_HAS_AVX):
        return in_integers(cpu, op, b, recipe(F_COMPARE, format, format, bits // format, unit, RECIPE_KEEP if scalar else 0))
    compare_128(unit, format, scalar, <int>op.imm, to, a, b)
    if scalar: copy_upper(to, a, unit)
    elif size == 256: compare_128(unit, format, scalar, <int>op.imm, &to.q[2], &a.q[2], &b.q[2])
    else: clear_upper(to, unit)
    return proceed(cpu, op)

cdef inline Op* float_order(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int operation,
                            const int format) noexcept nogil:
    cdef Vector* b
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, format, READ)
    reach(cpu, op, where, kind, format, READ)
    b = second(cpu, op, where, kind, format, unit)
    if not by_host(cpu, operation): return in_integers(cpu, op, b, recipe(operation, format, format, 1, unit, 0))
    sse_order(operation, format, vector_register(cpu, op.dst, unit), b, &cpu.result, &cpu.carries)
    return proceed(cpu, op)
