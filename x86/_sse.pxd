# Floating point of SSE, AVX and FMA: by the host's own instructions (_sse.h), or in integers.
#
# A handler does its work by _sse.h if `by_host` says that it may; else it ends with `return in_integers(...)`, to which a
# recipe of the instruction is enough:
#
#    63  49    48    47   40 39   32 31    24 23    16 15     8 7         0
#   +------+------+--------+-------+--------+--------+--------+-----------+
#   |  0   | keep | order  | unit  | number | result | source | operation |
#   +------+------+--------+-------+--------+--------+--------+-----------+
#   number of elements; source and result: what they are, see below. keep: the rest of the result is the first operand's
#   (scalars), with FMA the destination's. order: 132, 213, 231 of FMA. unit: whose register the result is for; 0: a general one.
from x86._state cimport *

cdef extern from "_sse.h":
    enum:
        F_ADD, F_SUB, F_MUL, F_DIV, F_MIN, F_MAX, F_SQRT, F_ADDSUB, F_HADD, F_HSUB, F_ROUND, F_DOT, F_COMPARE, F_COMIS,
        F_UCOMIS, F_CONVERT, F_TRUNCATE, F_FMADD, F_FMSUB, F_FNMADD, F_FNMSUB, F_FMADDSUB, F_FMSUBADD
    enum: FLOAT16, FLOAT32, FLOAT64, INT32, INT64
    bint HOST_HAS_AVX, HOST_HAS_F16C
    bint host_has(int operation) nogil
    void sse_packed(int operation, int format, void* to, const void* a, const void* b) nogil
    void sse_scalar(int operation, int format, void* to, const void* a, const void* b) nogil
    void sse_dot(int format, u32 control, void* to, const void* a, const void* b) nogil
    void sse_compare(int format, bint scalar, int predicate, void* to, const void* a, const void* b) nogil
    void sse_compare_vex(int format, bint scalar, int predicate, void* to, const void* a, const void* b) nogil
    void sse_order(int operation, int format, const void* a, const void* b, i64* result, u64* carries) nogil
    void sse_convert(int operation, int source, int result, void* to, const void* b) nogil
    void sse_convert_pair(int operation, int result, void* to, const void* b) nogil
    void sse_convert_scalar(int source, void* to, const void* a, const void* b) nogil
    void sse_from_integer(int format, int size, void* to, const void* a, u64 value) nogil
    u64 sse_to_integer(int operation, int format, int size, const void* b) nogil
    void sse_round(int format, bint scalar, int control, void* to, const void* a, const void* b) nogil
    void sse_from_half(void* to, const void* b) nogil
    void sse_to_half(int control, void* to, const void* b) nogil
    void sse_fma(int operation, int order, int format, bint scalar, void* to, const void* b, const void* c) nogil

cdef inline bint by_host(Cpu* cpu, const int operation) noexcept nogil:
    return likely(cpu.host_float) and likely(host_has(operation))

cdef enum: RECIPE_KEEP = 1

cdef inline u64 recipe(const int operation, const int source, const int result, const int number, const int unit,
                       const int keep) noexcept nogil:
    return operation | source << 8 | result << 16 | <u64>number << 24 | <u64>unit << 32 | <u64>keep << 48

# The whole instruction but for its fetch of `b`, the last operand; flags, #XM or #UD, the destination, and on to the next one
cdef Op* in_integers(Cpu* cpu, Op* op, const Vector* b, u64 recipe) noexcept nogil
# Its first half: flags, #XM or #UD, the result in cpu.wide[1]
cdef void compute(Cpu* cpu, Op* op, const Vector* b, u64 recipe) noexcept nogil

# Behind the 128 bits, or behind the 64 of a scalar: a VEX instruction takes what its first source has there, and then zeros
cdef inline void clear_upper(Vector* to, const int unit) noexcept nogil:
    if unit == VEX: to.q[2] = to.q[3] = 0

cdef inline void copy_upper(Vector* to, const Vector* a, const int unit) noexcept nogil:
    if unit == VEX:
        to.q[1] = a.q[1]
        to.q[2] = to.q[3] = 0
