# XORPS XORPD PXOR: 128 bits are two halves of 64
from x86._causes cimport CAUSE_MISALIGNED_OPERAND
from x86._units cimport check_unit

cdef enum: VECTOR_GP = 13

cdef inline u64* half(Cpu* cpu, u8 number, const int which) noexcept nogil:
    return &cpu.fpu.ymm[number].q[which]

cdef inline u64 upper(Cpu* cpu, u64 where) noexcept nogil:
    return where + 8 if cpu.code_bits == 64 else <u32>(where + 8)

cdef inline u64 vector_address(Cpu* cpu, Op* op, const int access, const int aligned) noexcept nogil:
    cdef u64 where = segmented(cpu, op, offset_of(cpu, op), op.segment, 16, access)
    if aligned and unlikely(where & 15): raise_error(cpu, op, VECTOR_GP, 0, CAUSE_MISALIGNED_OPERAND, where)
    return where

# The source's halves, one after the other; nothing is written before both are read
cdef inline u64 source_half(Cpu* cpu, Op* op, u64 where, const int kind, const int which) noexcept nogil:
    if kind & SRC_S: return load(cpu, op, upper(cpu, where) if which else where, 64, op.segment)
    return half(cpu, op.src, which)[0]

cdef inline void write_vector(Cpu* cpu, u8 number, u64 low, u64 high) noexcept nogil:
    half(cpu, number, 0)[0] = low
    half(cpu, number, 1)[0] = high

cdef inline Op* xor_vector(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = 0, low
    check_unit(cpu, op, SSE)
    if kind & SRC_S: where = vector_address(cpu, op, READ, True)
    low = source_half(cpu, op, where, kind, 0)
    write_vector(cpu, op.dst, half(cpu, op.dst, 0)[0] ^ low, half(cpu, op.dst, 1)[0] ^ source_half(cpu, op, where, kind, 1))
    return proceed(cpu, op)
