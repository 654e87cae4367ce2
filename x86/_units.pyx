"""Whether an instruction may use the x87, MMX, SSE and AVX units, and where MXCSR is."""
from x86._state cimport *
from x86._access cimport raise_error, raise_fault
from x86._causes cimport (CAUSE_FEATURE_OFF, CAUSE_FPU_EMULATION, CAUSE_FPU_ERROR, CAUSE_FPU_TASK_SWITCHED,
                          CAUSE_AVX_OFF, CAUSE_MISALIGNED_OPERAND, CAUSE_ONLY_IN_PROTECTED_MODE)
from x86._operands cimport is_protected, leave
from x86._model cimport CR0_EM, CR0_NE, CR0_TS, CR4_OSFXSR, CR4_OSXSAVE

cdef enum: VECTOR_UD = 6, VECTOR_NM = 7, VECTOR_GP = 13, VECTOR_MF = 16, DEFAULT_MXCSR = 0x1F80, SSE_AND_AVX = 6

# SDM volume 2, "Exception Conditions of Instructions"; volume 3, "Task Switching and the x87 FPU"
#
#             #UD                                    #NM
#    x87                                             CR0.EM or CR0.TS
#    MMX      CR0.EM                                 CR0.TS
#    SSE      CR0.EM, no CR4.OSFXSR                  CR0.TS
#    AVX      no CR4.OSXSAVE, XCR0[2:1] not 11b      CR0.TS

cdef bint is_undefined(Cpu* cpu, int unit) noexcept nogil:
    if unit == MMX: return cpu.paging.cr0 & CR0_EM != 0
    if unit == SSE: return cpu.paging.cr0 & CR0_EM != 0 or not cpu.paging.cr4 & CR4_OSFXSR
    if unit == VEX: return not cpu.paging.cr4 & CR4_OSXSAVE or cpu.fpu.xcr0 & SSE_AND_AVX != SSE_AND_AVX
    return False

cdef void update_units(Cpu* cpu) noexcept nogil:
    cdef int unit = X87
    cpu.barred = 0
    while unit <= VEX:
        if is_undefined(cpu, unit) or cpu.paging.cr0 & CR0_TS: cpu.barred |= <u8>unit
        unit <<= 1
    if cpu.paging.cr0 & CR0_EM: cpu.barred |= X87

# An exception of the x87 waits: #MF, or as the PC/AT has it, FERR# and with it IRQ 13. Then the processor stands still in front
# of this instruction until an interrupt comes. SDM volume 1, D.2 "Implementation of the MS-DOS Compatibility Sub-mode"
cdef Op* meet_pending(Cpu* cpu, Op* op) noexcept nogil:
    if cpu.paging.cr0 & CR0_NE:
        raise_fault(cpu, op, VECTOR_MF, CAUSE_FPU_ERROR, cpu.fpu.fsw & ~cpu.fpu.fcw & 0x3F | cpu.fpu.fsw & 0x40)
    cpu.ferr(cpu)
    cpu.budget -= op.position - 1
    cpu.trap = 0
    cpu.halted = 1
    return leave(cpu, op.rip)

cdef Op* refuse(Cpu* cpu, Op* op, int unit) noexcept nogil:
    if unit == PENDING: return meet_pending(cpu, op)
    if unit == VEX and not is_protected(cpu): raise_fault(cpu, op, VECTOR_UD, CAUSE_ONLY_IN_PROTECTED_MODE, 0)
    if is_undefined(cpu, unit): raise_fault(cpu, op, VECTOR_UD, CAUSE_AVX_OFF if unit == VEX else CAUSE_FEATURE_OFF, 0)
    raise_fault(cpu, op, VECTOR_NM, CAUSE_FPU_EMULATION if unit == X87 and cpu.paging.cr0 & CR0_EM
                else CAUSE_FPU_TASK_SWITCHED, 0)
    return NULL

cdef Op* misaligned(Cpu* cpu, Op* op, u64 linear) noexcept nogil:
    raise_error(cpu, op, VECTOR_GP, 0, CAUSE_MISALIGNED_OPERAND, linear)
    return NULL

# ---- MXCSR --------------------------------------------------------------------------------------------------------------

cdef u32 read_mxcsr(Cpu* cpu) noexcept nogil:
    if HOST_SSE and cpu.host_float: cpu.fpu.mxcsr |= host_mxcsr() & MXCSR_FLAGS
    return cpu.fpu.mxcsr

cdef void write_mxcsr(Cpu* cpu, u32 value) noexcept nogil:
    cpu.fpu.mxcsr = value
    cpu.host_float = HOST_SSE and not cpu.integer_float and value & MXCSR_MASKS == MXCSR_MASKS
    set_host_mxcsr(value | MXCSR_MASKS)

cdef void to_guest(Cpu* cpu) noexcept nogil:
    write_mxcsr(cpu, cpu.fpu.mxcsr)

cdef void to_python(Cpu* cpu) noexcept nogil:
    read_mxcsr(cpu)
    set_host_mxcsr(DEFAULT_MXCSR)
