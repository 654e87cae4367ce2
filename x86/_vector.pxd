# What vector handlers are written in: operands of MMX, SSE and AVX by (kind, bits, unit), all constants.
#
# An instruction has two sources and a destination, however it is encoded: `first` is VEX.vvvv, or the destination of an
# older encoding; `second` is the register or memory of the last operand. A handler that works on lanes:
#
#     require(cpu, op, kind, unit)                                      ends the handler if the unit is barred
#     where = vector_address(cpu, op, kind, size, READ)
#     aligned(cpu, op, where, kind, size, unit == SSE)                  or if memory is not aligned to the size, where it must be
#     reach(cpu, op, where, kind, size, READ)                           or if the TLB does not hold it
#     a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
#     for i in range(size // 8): r.b[i] = a.b[i] + b.b[i]
#     write_vector(cpu, op.dst, &r, size, unit)
#     return proceed(cpu, op)
#
# r is a local; its address goes to inlined code only, which costs nothing. What is no leaf works in cpu.wide[].
from libc.string cimport memcpy
from x86._state cimport *
from x86._operands cimport flat_address, offset_of
from x86._access cimport segmented, read_wide, write_wide

cdef extern from *:
    """
    typedef long long x86_two __attribute__((vector_size(16), aligned(8), may_alias));
    #define X86_STORE_TWO(to, low, high) (*(x86_two *)(to) = (x86_two){(long long)(low), (long long)(high)})
    """
    void store_two "X86_STORE_TWO"(u64* to, u64 low, u64 high) nogil

cdef enum: TOP = 0x3800                         # of FSW

# Every MMX instruction but EMMS leaves TOP 0 and all registers in use. To be done once nothing can fault
cdef inline void enter_mmx(Cpu* cpu) noexcept nogil:
    cpu.fpu.fsw &= <u16>~TOP
    cpu.fpu.ftw = 0xFF

# ---- memory ---------------------------------------------------------------------------------------------------------------

# Linear address of an operand of `bits` bits in memory; 0 where there is none
cdef inline u64 vector_address(Cpu* cpu, Op* op, const int kind, const int bits, const int access) noexcept nogil:
    if kind & (DST_M | SRC_M): return flat_address(cpu, op)
    if kind & (DST_S | SRC_S): return segmented(cpu, op, offset_of(cpu, op), op.segment, bits // 8, access)
    return 0

# ---- registers ------------------------------------------------------------------------------------------------------------

cdef inline Vector* vector_register(Cpu* cpu, u32 number, const int unit) noexcept nogil:
    return <Vector*>&cpu.fpu.fpr[number].significand if unit == MMX else &cpu.fpu.ymm[number]

cdef inline Vector* first(Cpu* cpu, Op* op, const int unit) noexcept nogil:
    return vector_register(cpu, op.imm2, unit)

# Register, host memory, or a copy in cpu.wide[0]: to be read before anything is written. reach() came first
cdef inline Vector* second(Cpu* cpu, Op* op, u64 where, const int kind, const int bits, const int unit) noexcept nogil:
    if kind & SRC_M: return <Vector*>(where + cpu.tlb[(where >> 12) & (TLB_SIZE - 1)].to_host)
    if kind & SRC_S:
        read_wide(cpu, op, where, &cpu.wide[0], bits // 8, op.segment)
        return &cpu.wide[0]
    return vector_register(cpu, op.src, unit)

# The low `size` bits of a register. An older encoding leaves the rest as it is, VEX clears it up to bit 255
cdef inline void write_vector(Cpu* cpu, u32 number, const Vector* value, const int size, const int unit) noexcept nogil:
    cdef Vector* to = vector_register(cpu, number, unit)
    if unit == MMX:
        to.q[0] = value.q[0]
        cpu.fpu.fpr[number].sign_exponent = 0xFFFF
        enter_mmx(cpu)
        return
    if size >= 128: store_two(&to.q[0], value.q[0], value.q[1])     # one store, as the next instruction loads them
    else: to.q[0] = value.q[0]
    if size == 256: store_two(&to.q[2], value.q[2], value.q[3])
    elif unit == VEX:
        if size < 128: to.q[1] = 0
        to.q[2] = to.q[3] = 0

# `bits` of a vector into the destination: memory that reach() found (or that is written the slow way), or a register
cdef inline void write_result(Cpu* cpu, Op* op, u64 where, Vector* value, const int kind, const int bits, const int unit) noexcept nogil:
    if kind & DST_M: memcpy(<void*>(where + cpu.tlb[(where >> 12) & (TLB_SIZE - 1)].to_host), value, bits // 8)
    elif kind & DST_S:
        memcpy(&cpu.wide[0], value, bits // 8)
        write_wide(cpu, op, where, &cpu.wide[0], bits // 8, op.segment)
    else: write_vector(cpu, op.dst, value, bits, unit)
    if unit == MMX: enter_mmx(cpu)

# The highest bits of the lanes of a quadword as a number, bit i for lane i. For bytes a product brings them together:
# 1 << (49 - 7 * i) moves bit 8 * i + 7 to 56 + i; for words 1 << (45 - 15 * i) moves bit 16 * i + 15 to 60 + i
cdef inline u32 highest_of(u64 quadword, const int lane) noexcept nogil:
    if lane == 8: return (quadword & <u64>0x8080808080808080) * <u64>0x0002040810204081 >> 56
    if lane == 16: return (quadword & <u64>0x8000800080008000) * <u64>0x0000200040008001 >> 60
    if lane == 32: return (quadword >> 62 & 2) | (quadword >> 31 & 1)
    return quadword >> 63
