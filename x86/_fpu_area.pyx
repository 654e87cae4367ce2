"""Images of the x87 and vector registers in guest memory, as far as FXSAVE and XSAVE agree about them."""
from libc.string cimport memset
from x86._access cimport read_wide, write_wide
from x86._state cimport *
from x86._tlb cimport load, store
from x86._units cimport read_mxcsr
from x86._x87 cimport st, update_summary

cdef inline u64 at(Cpu* cpu, u64 where, u32 offset) noexcept nogil:
    return where + offset if cpu.code_bits == 64 else <u32>(where + offset)

cdef void put(Cpu* cpu, Op* op, u64 where, u32 offset, u64 value, int size) noexcept nogil:
    if size == 16: store(cpu, op, at(cpu, where, offset), value, 16, op.segment)
    elif size == 32: store(cpu, op, at(cpu, where, offset), value, 32, op.segment)
    else: store(cpu, op, at(cpu, where, offset), value, 64, op.segment)

cdef u64 get(Cpu* cpu, Op* op, u64 where, u32 offset, int size) noexcept nogil:
    if size == 16: return load(cpu, op, at(cpu, where, offset), 16, op.segment)
    if size == 32: return load(cpu, op, at(cpu, where, offset), 32, op.segment)
    return load(cpu, op, at(cpu, where, offset), 64, op.segment)

cdef void put_register(Cpu* cpu, Op* op, u64 where, u32 offset, const Float80* value) noexcept nogil:
    write_wide(cpu, op, at(cpu, where, offset), value, 10, op.segment)

cdef void get_register(Cpu* cpu, Op* op, u64 where, u32 offset, Float80* value) noexcept nogil:
    read_wide(cpu, op, at(cpu, where, offset), value, 10, op.segment)

# ---- x87 ----------------------------------------------------------------------------------------------------------------

cdef void put_x87(Cpu* cpu, Op* op, u64 where, int size) noexcept nogil:
    cdef u32 i
    put(cpu, op, where, 0, cpu.fpu.fcw | <u64>cpu.fpu.fsw << 16 | <u64>cpu.fpu.ftw << 32 | <u64>cpu.fpu.fop << 48, 64)
    if size == 64:
        put(cpu, op, where, 8, cpu.fpu.fip, 64)
        put(cpu, op, where, 16, cpu.fpu.fdp, 64)
    else:
        put(cpu, op, where, 8, <u32>cpu.fpu.fip, 64)                    # FCS and FDS are 0
        put(cpu, op, where, 16, <u32>cpu.fpu.fdp, 64)
    for i in range(8):
        put(cpu, op, where, 32 + 16 * i, st(cpu, i).significand, 64)
        put(cpu, op, where, 40 + 16 * i, st(cpu, i).sign_exponent, 64)

cdef inline u64 canonical(u64 pointer) noexcept nogil:         # FIP has the 57 bits of the widest address, FDP has 64
    return <u64>(<i64>(pointer << 7) >> 7)

cdef void get_x87(Cpu* cpu, Op* op, u64 where, int size) noexcept nogil:
    cdef u64 words = get(cpu, op, where, 0, 64)
    cdef u32 i
    cpu.fpu.fip, cpu.fpu.fdp = get(cpu, op, where, 8, 64), get(cpu, op, where, 16, 64)
    if size != 64: cpu.fpu.fip, cpu.fpu.fdp = <u32>cpu.fpu.fip, <u32>cpu.fpu.fdp
    cpu.fpu.fip = canonical(cpu.fpu.fip)
    cpu.fpu.fcw = (<u16>words & 0x1F3F) | 0x40
    cpu.fpu.fsw = <u16>(words >> 16)
    cpu.fpu.ftw = <u8>(words >> 32)
    cpu.fpu.fop = <u16>(words >> 48) & 0x7FF
    update_summary(cpu)
    for i in range(8):
        st(cpu, i).significand = get(cpu, op, where, 32 + 16 * i, 64)
        st(cpu, i).sign_exponent = <u16>get(cpu, op, where, 40 + 16 * i, 16)

cdef void clear_x87(Cpu* cpu) noexcept nogil:
    cpu.fpu.fcw = DEFAULT_FCW
    cpu.fpu.fsw = cpu.fpu.fop = 0
    cpu.ignore_error = 0
    cpu.fpu.ftw = 0
    cpu.fpu.fip = cpu.fpu.fdp = 0
    memset(cpu.fpu.fpr, 0, sizeof(cpu.fpu.fpr))

# ---- SSE and AVX ----------------------------------------------------------------------------------------------------------

cdef void put_mxcsr(Cpu* cpu, Op* op, u64 where) noexcept nogil:
    put(cpu, op, where, 24, read_mxcsr(cpu) | <u64>0xFFFF << 32, 64)

cdef void put_halves(Cpu* cpu, Op* op, u64 where, u32 offset, u32 half) noexcept nogil:
    cdef u32 i
    for i in range(vector_count(cpu)):
        put(cpu, op, where, offset + 16 * i, cpu.fpu.ymm[i].q[2 * half], 64)
        put(cpu, op, where, offset + 16 * i + 8, cpu.fpu.ymm[i].q[2 * half + 1], 64)

cdef void get_halves(Cpu* cpu, Op* op, u64 where, u32 offset, u32 half) noexcept nogil:
    cdef u32 i
    for i in range(vector_count(cpu)):
        cpu.fpu.ymm[i].q[2 * half] = get(cpu, op, where, offset + 16 * i, 64)
        cpu.fpu.ymm[i].q[2 * half + 1] = get(cpu, op, where, offset + 16 * i + 8, 64)

cdef void clear_halves(Cpu* cpu, u32 half) noexcept nogil:
    cdef u32 i
    for i in range(vector_count(cpu)):
        cpu.fpu.ymm[i].q[2 * half] = cpu.fpu.ymm[i].q[2 * half + 1] = 0

cdef bint halves_are_clear(Cpu* cpu, u32 half) noexcept nogil:
    cdef u64 bits = 0
    cdef u32 i
    for i in range(vector_count(cpu)):
        bits |= cpu.fpu.ymm[i].q[2 * half] | cpu.fpu.ymm[i].q[2 * half + 1]
    return bits == 0
