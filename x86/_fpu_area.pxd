# Images of the x87 and vector registers in guest memory, as far as FXSAVE and XSAVE agree about them.
#
#     0 FCW  2 FSW  4 FTW  6 FOP  8 FIP (32 bits, then FCS; with REX.W 64)  16 FDP (32 bits, then FDS; 64)  24 MXCSR
#     28 MXCSR_MASK   32 ST(0) .. ST(7)   160 XMM0 .. XMM15 (XMM7 outside 64-bit code): 16 bytes each
#
# The area is one that the access may reach, so none of this faults. `offset` counts from its start.
from x86._state cimport *

cdef enum: DEFAULT_FCW = 0x37F, DEFAULT_MXCSR = 0x1F80

# A number of 16, 32 or 64 bits
cdef void put(Cpu* cpu, Op* op, u64 where, u32 offset, u64 value, int size) noexcept nogil
cdef u64 get(Cpu* cpu, Op* op, u64 where, u32 offset, int size) noexcept nogil

# A register as ten bytes, whose alignment nobody checks
cdef void put_register(Cpu* cpu, Op* op, u64 where, u32 offset, const Float80* value) noexcept nogil
cdef void get_register(Cpu* cpu, Op* op, u64 where, u32 offset, Float80* value) noexcept nogil

# FCW to FDP and ST(0) to ST(7); size is that of the operand. TOP of the new status word says which register is ST(0)
cdef void put_x87(Cpu* cpu, Op* op, u64 where, int size) noexcept nogil
cdef void get_x87(Cpu* cpu, Op* op, u64 where, int size) noexcept nogil
cdef void clear_x87(Cpu* cpu) noexcept nogil                    # as FNINIT leaves it, and all registers 0

cdef void put_mxcsr(Cpu* cpu, Op* op, u64 where) noexcept nogil
# The lower (0) or upper (1) halves of the vector registers
cdef void put_halves(Cpu* cpu, Op* op, u64 where, u32 offset, u32 half) noexcept nogil
cdef void get_halves(Cpu* cpu, Op* op, u64 where, u32 offset, u32 half) noexcept nogil
cdef void clear_halves(Cpu* cpu, u32 half) noexcept nogil
cdef bint halves_are_clear(Cpu* cpu, u32 half) noexcept nogil

cdef inline u32 vector_count(Cpu* cpu) noexcept nogil:          # that code of this size can name
    return 16 if cpu.code_bits == 64 else 8
