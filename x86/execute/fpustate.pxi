# FNINIT FNCLEX FNOP FNSTCW FLDCW FNSTSW FWAIT FNSTENV FLDENV FNSAVE FRSTOR FXSAVE FXRSTOR LDMXCSR STMXCSR EMMS
#
# Fpu.fpr and Fpu.ftw are in the order of the physical registers R0 to R7, images in memory in that of ST(0) to ST(7). TOP,
# bits 13..11 of the status word, says which register is ST(0).
from x86._causes cimport CAUSE_FPU_TASK_SWITCHED, CAUSE_MISALIGNED_OPERAND, CAUSE_MXCSR_RESERVED
from x86._fpu_area cimport (get, get_halves, get_register, get_x87, put, put_halves, put_mxcsr, put_register,
                            put_x87)
from x86._model cimport CR0_MP, CR0_TS
from x86._units cimport check_unit, read_mxcsr, refuse, write_mxcsr
from x86._x87 cimport ERROR_SUMMARY, EXCEPTIONS, st, update_summary

cdef enum: VECTOR_NM = 7, VECTOR_GP = 13

# ---- the words --------------------------------------------------------------------------------------------------------

cdef void set_status(Cpu* cpu, u16 fsw) noexcept nogil:
    cpu.fpu.fsw = fsw
    update_summary(cpu)

cdef void initialize(Cpu* cpu) noexcept nogil:
    cpu.fpu.fcw = 0x37F
    cpu.fpu.fsw = cpu.fpu.fop = 0
    cpu.fpu.ftw = 0
    cpu.fpu.fip = cpu.fpu.fdp = 0
    cpu.ignore_error = 0

# The tag word, two bits a physical register: 0 valid, 1 zero, 2 special, 3 empty
cdef u32 full_tags(Cpu* cpu) noexcept nogil:
    cdef u32 tags = 0, tag, exponent, i
    cdef u64 mantissa
    for i in range(8):
        exponent, mantissa = cpu.fpu.fpr[i].sign_exponent & 0x7FFF, cpu.fpu.fpr[i].significand
        if not (cpu.fpu.ftw >> i) & 1: tag = 3
        elif exponent == 0 and mantissa == 0: tag = 1
        else: tag = 2 if exponent == 0 or exponent == 0x7FFF or not mantissa >> 63 else 0
        tags |= tag << (2 * i)
    return tags

cdef u8 short_tags(u32 tags) noexcept nogil:
    cdef u8 result = 0
    cdef u32 i
    for i in range(8):
        if (tags >> (2 * i)) & 3 != 3: result |= <u8>(1 << i)
    return result

# ---- small instructions -------------------------------------------------------------------------------------------------

cdef inline Op* fninit(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_unit(cpu, op, X87)
    initialize(cpu)
    return proceed(cpu, op)

cdef inline Op* fnclex(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_unit(cpu, op, X87)
    cpu.fpu.fsw &= 0x7F00
    cpu.ignore_error = 0
    return proceed(cpu, op)

cdef inline Op* fnop(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    require(cpu, op, kind, X87)
    cpu.fpu.fip = op.rip                                # for an exception handler it was an instruction like any other
    return proceed(cpu, op)

cdef inline Op* forgotten(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_unit(cpu, op, X87)                                  # FENI FDISI FSETPM, which do not wait for pending exceptions
    return proceed(cpu, op)

cdef inline Op* fnstcw(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_unit(cpu, op, X87)
    store(cpu, op, operand_address(cpu, op, kind, 16, WRITE), cpu.fpu.fcw, 16, op.segment)
    return proceed(cpu, op)

cdef inline Op* fldcw(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    require(cpu, op, kind, X87)
    cpu.fpu.fcw = (<u16>load(cpu, op, operand_address(cpu, op, kind, 16, READ), 16, op.segment) & 0x1F3F) | 0x40
    update_summary(cpu)
    return proceed(cpu, op)

cdef inline Op* fnstsw(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_unit(cpu, op, X87)
    store(cpu, op, operand_address(cpu, op, kind, 16, WRITE), cpu.fpu.fsw, 16, op.segment)
    return proceed(cpu, op)

cdef inline Op* fnstsw_ax(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_unit(cpu, op, X87)
    write_register(cpu, RAX, cpu.fpu.fsw, 16)
    return proceed(cpu, op)

cdef inline Op* fwait(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    if unlikely(cpu.paging.cr0 & (CR0_MP | CR0_TS) == CR0_MP | CR0_TS):
        raise_fault(cpu, op, VECTOR_NM, CAUSE_FPU_TASK_SWITCHED, 0)
    if unlikely(cpu.fpu.fsw & ERROR_SUMMARY) and not cpu.ignore_error: return refuse(cpu, op, PENDING)
    return proceed(cpu, op)

cdef inline Op* emms(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    require(cpu, op, kind, MMX)
    cpu.fpu.ftw = 0
    cpu.fpu.fsw &= 0xC7FF                               # TOP is 0, as after every MMX instruction
    return proceed(cpu, op)

cdef inline Op* ldmxcsr(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    cdef u64 value
    require(cpu, op, kind, unit)
    value = load(cpu, op, operand_address(cpu, op, kind, 32, READ), 32, op.segment)
    if unlikely(value >> 16): raise_error(cpu, op, VECTOR_GP, 0, CAUSE_MXCSR_RESERVED, value)
    write_mxcsr(cpu, <u32>value)
    return proceed(cpu, op)

cdef inline Op* stmxcsr(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    require(cpu, op, kind, unit)
    store(cpu, op, operand_address(cpu, op, kind, 32, WRITE), read_mxcsr(cpu), 32, op.segment)
    return proceed(cpu, op)

# ---- areas in memory ----------------------------------------------------------------------------------------------------

# The whole area can be reached, or the fault comes before anything of it is touched
cdef u64 area(Cpu* cpu, Op* op, u32 bytes, int access) noexcept nogil:
    cdef u64 where = segmented(cpu, op, offset_of(cpu, op), op.segment, bytes, access)
    probe(cpu, op, where, bytes, access, op.segment)
    return where

# The environment, in slots of the operand size. In real and V86 mode the pointers are split over two slots. FCS and FDS are 0:
# CPUID leaf 7 calls that their deprecation.
#
#     slot   0 FCW   1 FSW   2 FTW   3 FIP          4 FCS | FOP << 16       5 FDP          6 FDS
#     real                           3 FIP 15..0    4 FOP | FIP 31..16 <<12 5 FDP 15..0    6 FDP 31..16 << 12

cdef void put_environment(Cpu* cpu, Op* op, u64 where, int size) noexcept nogil:
    cdef u32 slot = size // 8
    cdef u64 fip = <u32>cpu.fpu.fip, fdp = <u32>cpu.fpu.fdp
    cdef u64 high = 0xFFFF0000u if size == 32 else 0            # the unused halves of 32-bit slots read as ones
    put(cpu, op, where, 0, cpu.fpu.fcw | high, size)
    put(cpu, op, where, slot, cpu.fpu.fsw | high, size)
    put(cpu, op, where, 2 * slot, full_tags(cpu) | high, size)
    if is_protected(cpu):
        put(cpu, op, where, 3 * slot, fip, size)
        put(cpu, op, where, 4 * slot, <u64>(cpu.fpu.fop & 0x7FF) << 16, size)
        put(cpu, op, where, 5 * slot, fdp, size)
        put(cpu, op, where, 6 * slot, high, size)
    else:
        put(cpu, op, where, 3 * slot, (fip & 0xFFFF) | high, size)
        put(cpu, op, where, 4 * slot, (fip >> 16) << 12 | (cpu.fpu.fop & 0x7FF), size)
        put(cpu, op, where, 5 * slot, (fdp & 0xFFFF) | high, size)
        put(cpu, op, where, 6 * slot, (fdp >> 16) << 12, size)

cdef void get_environment(Cpu* cpu, Op* op, u64 where, int size) noexcept nogil:
    cdef u32 slot = size // 8
    cdef u64 fcw = get(cpu, op, where, 0, size), fsw = get(cpu, op, where, slot, size)
    cdef u64 tags = get(cpu, op, where, 2 * slot, size), fip = get(cpu, op, where, 3 * slot, size)
    cdef u64 fop = get(cpu, op, where, 4 * slot, size), fdp = get(cpu, op, where, 5 * slot, size)
    cdef u64 high = get(cpu, op, where, 6 * slot, size)
    if is_protected(cpu):
        cpu.fpu.fop = <u16>(fop >> 16) & 0x7FF
        cpu.fpu.fip, cpu.fpu.fdp = fip, fdp
    else:
        cpu.fpu.fop = <u16>fop & 0x7FF
        cpu.fpu.fip, cpu.fpu.fdp = <u32>((fip & 0xFFFF) | (fop >> 12) << 16), <u32>((fdp & 0xFFFF) | (high >> 12) << 16)
    cpu.fpu.fcw = (<u16>fcw & 0x1F3F) | 0x40
    cpu.fpu.ftw = short_tags(<u32>tags)
    set_status(cpu, <u16>fsw)

cdef void save_environment(Cpu* cpu, Op* op, int size) noexcept nogil:
    put_environment(cpu, op, area(cpu, op, 7 * (size // 8), WRITE), size)
    cpu.fpu.fcw |= EXCEPTIONS
    update_summary(cpu)

cdef void save_all(Cpu* cpu, Op* op, int size) noexcept nogil:
    cdef u32 start = 7 * (size // 8), i
    cdef u64 where = area(cpu, op, start + 80, WRITE)
    put_environment(cpu, op, where, size)
    for i in range(8):
        put_register(cpu, op, where, start + 10 * i, st(cpu, i))
    initialize(cpu)

cdef void load_all(Cpu* cpu, Op* op, int size) noexcept nogil:
    cdef u32 start = 7 * (size // 8), i
    cdef u64 where = area(cpu, op, start + 80, READ)
    get_environment(cpu, op, where, size)
    for i in range(8):
        get_register(cpu, op, where, start + 10 * i, st(cpu, i))

cdef inline Op* fnstenv(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_unit(cpu, op, X87)
    save_environment(cpu, op, size)
    return proceed(cpu, op)

cdef inline Op* fldenv(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    require(cpu, op, kind, X87)
    get_environment(cpu, op, area(cpu, op, 7 * (size // 8), READ), size)
    return proceed(cpu, op)

cdef inline Op* fnsave(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_unit(cpu, op, X87)
    save_all(cpu, op, size)
    return proceed(cpu, op)

cdef inline Op* frstor(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    require(cpu, op, kind, X87)
    load_all(cpu, op, size)
    return proceed(cpu, op)

# ---- FXSAVE and FXRSTOR ---------------------------------------------------------------------------------------------------

cdef u64 fx_area(Cpu* cpu, Op* op, int access) noexcept nogil:
    cdef u64 where
    check_unit(cpu, op, X87)
    where = segmented(cpu, op, offset_of(cpu, op), op.segment, 512, access)
    if where & 15: raise_error(cpu, op, VECTOR_GP, 0, CAUSE_MISALIGNED_OPERAND, where)
    probe(cpu, op, where, 512, access, op.segment)
    return where

cdef void save_extended(Cpu* cpu, Op* op, int size) noexcept nogil:
    cdef u64 where = fx_area(cpu, op, WRITE)
    put_x87(cpu, op, where, size)
    put_mxcsr(cpu, op, where)
    put_halves(cpu, op, where, 160, 0)

cdef void load_extended(Cpu* cpu, Op* op, int size) noexcept nogil:
    cdef u64 where = fx_area(cpu, op, READ), mxcsr = get(cpu, op, where, 24, 32)
    if mxcsr >> 16: raise_error(cpu, op, VECTOR_GP, 0, CAUSE_MXCSR_RESERVED, mxcsr)
    write_mxcsr(cpu, <u32>mxcsr)
    get_x87(cpu, op, where, size)
    get_halves(cpu, op, where, 160, 0)

cdef inline Op* fxsave(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    save_extended(cpu, op, size)
    return proceed(cpu, op)

cdef inline Op* fxrstor(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    load_extended(cpu, op, size)
    return proceed(cpu, op)
