# SYSCALL SYSRET SYSENTER SYSEXIT SWAPGS (SDM volume 3, "Fast System Calls in 64-Bit Mode"). The segments they load are
# flat ones, without a look at any descriptor.
from x86._causes cimport CAUSE_NON_CANONICAL_TARGET, CAUSE_SYSCALL_OFF, CAUSE_SYSENTER_CS, CAUSE_SYSRET_TARGET
from x86._debug cimport DR6_BS
from x86._interrupts cimport set_flags
from x86._model cimport EFER_SCE
from x86._segments cimport *

#                  G    D/B  L         P    DPL       S  TYPE: code, readable, accessed; data, writable, accessed
cdef enum: FLAT = 1 << 15, FLAT_CODE = 1 << 7 | 1 << 4 | 0xB, FLAT_DATA = 1 << 14 | 1 << 7 | 1 << 4 | 3

cdef inline void set_flat_code(Cpu* cpu, u64 selector, int bits, u32 level) noexcept nogil:
    cdef u16 access = FLAT | FLAT_CODE | <u16>(level << DPL_SHIFT) | (LONG_CODE if bits == 64 else BIG)
    set_code_raw(cpu, <u16>(selector & 0xFFFC) | <u16>level, 0, 0xFFFFFFFFu, access, level)

cdef inline void set_flat_stack(Cpu* cpu, u64 selector, u32 level) noexcept nogil:
    cdef Segment* s = &cpu.segment[SS]
    s.selector = <u16>(selector & 0xFFFC) | <u16>level
    s.base = 0
    s.limit = 0xFFFFFFFFu
    s.access = FLAT | FLAT_DATA | <u16>(level << DPL_SHIFT)
    update_stack(cpu)

cdef inline void check_switched_on(Cpu* cpu, Op* op) noexcept nogil:
    if unlikely(not cpu.paging.efer & EFER_SCE): raise_fault(cpu, op, VECTOR_UD, CAUSE_SYSCALL_OFF, 0)

# STAR: 63..48 the selectors for SYSRET (+16 code for 64 bits, +8 stack, +0 code for 32), 47..32 for SYSCALL (+0, +8)

# Both look at TF when they are done: a system masks it for itself, and user code is stepped as if SYSCALL were one step
cdef inline void trap_by_new_flags(Cpu* cpu) noexcept nogil:
    cpu.trap = 0
    if cpu.rflags & FLAG_TF: cpu.debug_pending |= DR6_BS

cdef inline Op* syscall(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_switched_on(cpu, op)
    cpu.gpr[RCX] = next_rip(cpu, op)
    cpu.gpr[R11] = read_rflags(cpu) & ~<u64>FLAG_RF
    set_flags(cpu, 0, cpu.fmask | FLAG_RF)
    set_flat_code(cpu, cpu.star >> 32, 64, 0)
    set_flat_stack(cpu, (cpu.star >> 32) + 8, 0)
    trap_by_new_flags(cpu)
    retire(cpu, op)
    return leave(cpu, cpu.lstar)

cdef inline Op* sysret(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 selector = cpu.star >> 48, rip = truncate(cpu.gpr[RCX], size)
    check_switched_on(cpu, op)
    privileged(cpu, op)
    if unlikely(size == 64 and not is_canonical(cpu, rip)): raise_error(cpu, op, VECTOR_GP, 0, CAUSE_SYSRET_TARGET, rip)
    set_flags(cpu, cpu.gpr[R11], ~<u64>(FLAG_RF | FLAG_VM))
    set_flat_code(cpu, selector + 16 if size == 64 else selector, size, 3)
    set_flat_stack(cpu, selector + 8, 3)
    trap_by_new_flags(cpu)
    retire(cpu, op)
    return leave(cpu, rip)

# IA32_SYSENTER_CS: +0 code and +8 stack of the kernel, +16 and +24 of 32-bit user code, +32 and +40 of 64-bit user code

cdef inline void check_selector(Cpu* cpu, Op* op) noexcept nogil:
    if unlikely(not cpu.paging.cr0 & 1 or cpu.sysenter_cs & 0xFFFC == 0):
        raise_error(cpu, op, VECTOR_GP, 0, CAUSE_SYSENTER_CS, cpu.sysenter_cs)

cdef inline Op* sysenter(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef int bits = 64 if long_mode(cpu) else 32
    check_selector(cpu, op)
    cpu.rflags &= ~<u64>(FLAG_VM | FLAG_IF | FLAG_RF)
    set_flat_code(cpu, cpu.sysenter_cs, bits, 0)
    set_flat_stack(cpu, cpu.sysenter_cs + 8, 0)
    cpu.gpr[RSP] = cpu.sysenter_esp if bits == 64 else <u32>cpu.sysenter_esp
    retire(cpu, op)
    return leave(cpu, cpu.sysenter_eip if bits == 64 else <u32>cpu.sysenter_eip)

cdef inline Op* sysexit(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 rip = truncate(cpu.gpr[RDX], size), rsp = truncate(cpu.gpr[RCX], size)
    check_selector(cpu, op)
    privileged(cpu, op)
    if unlikely(size == 64 and not (is_canonical(cpu, rip) and is_canonical(cpu, rsp))):
        raise_error(cpu, op, VECTOR_GP, 0, CAUSE_NON_CANONICAL_TARGET, rsp if is_canonical(cpu, rip) else rip)
    set_flat_code(cpu, cpu.sysenter_cs + (32 if size == 64 else 16), size, 3)
    set_flat_stack(cpu, cpu.sysenter_cs + (40 if size == 64 else 24), 3)
    cpu.gpr[RSP] = rsp
    retire(cpu, op)
    return leave(cpu, rip)

cdef inline Op* swapgs(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 base = cpu.segment[GS].base
    privileged(cpu, op)
    cpu.segment[GS].base = cpu.kernel_gs_base
    cpu.kernel_gs_base = base
    return proceed(cpu, op)
