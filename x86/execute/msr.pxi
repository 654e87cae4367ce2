# RDMSR WRMSR RDTSC RDTSCP RDPID RDPMC (SDM volume 4; names in x86/registers.py)
from x86._access cimport flush_tlb
from x86._causes cimport *
from x86._debug cimport DEBUGCTL_BTF, DEBUGCTL_LBR
from x86._interrupts cimport MODE_LME_SET, log_mode
from x86._model cimport *
from x86._segments cimport VECTOR_GP, privileged
from x86._tlb cimport is_canonical_base

cdef enum:
    TIME_STAMP_COUNTER = 0x10, PLATFORM_ID = 0x17, APIC_BASE = 0x1B, BIOS_SIGN_ID = 0x8B, MTRRCAP = 0xFE,
    SYSENTER_CS = 0x174, SYSENTER_ESP = 0x175, SYSENTER_EIP = 0x176, MISC_ENABLE = 0x1A0, DEBUGCTL = 0x1D9,
    MTRR_FIRST_VARIABLE = 0x200, MTRR_LAST_VARIABLE = 0x20F, MTRR_FIX64K = 0x250, MTRR_FIX16K = 0x258,
    MTRR_FIX4K = 0x268, MTRR_LAST_FIXED = 0x26F, PAT = 0x277, MTRR_DEF_TYPE = 0x2FF

cdef enum:                      # C000_0000h and up, without that
    EFER = 0x80, STAR = 0x81, LSTAR = 0x82, CSTAR = 0x83, FMASK = 0x84, FS_BASE = 0x100, GS_BASE = 0x101,
    KERNEL_GS_BASE = 0x102, TSC_AUX = 0x103

# IA32_MISC_ENABLE: 0 fast strings, 3 thermal control, 16 SpeedStep, 18 MONITOR, 22 CPUID goes to leaf 2 only, 23 xTPR, 34 no XD;
# read-only are 11 no branch trace, 12 no precise events
cdef enum: MISC_ENABLE_WRITABLE = 0x400C50009

cdef enum:
    MTRR_TYPES = 0x73,          # bit t: memory type t exists (UC WC WT WP WB)
    PAT_TYPES = 0xF3,           # ... and UC- in the PAT
    MTRR_CAPABILITIES = 0x508   # WC, fixed ranges, eight variable ones

# The time after this instruction, for what counts instructions
cdef inline u64 ticks(Cpu* cpu, Op* op) noexcept nogil:
    return <u64>(cpu.limit - cpu.budget + op.position)

cdef void refuse_msr(Cpu* cpu, Op* op, u32 cause, u64 detail) noexcept nogil:
    raise_error(cpu, op, VECTOR_GP, 0, cause, detail)

cdef inline int fixed_range(u32 number) noexcept nogil:         # index in Cpu.mtrr_fixed, -1: none of them
    if number == MTRR_FIX64K: return 0
    if number == MTRR_FIX16K or number == MTRR_FIX16K + 1: return 1 + <int>(number - MTRR_FIX16K)
    if number >= MTRR_FIX4K and number <= MTRR_LAST_FIXED: return 3 + <int>(number - MTRR_FIX4K)
    return -1

# ---- which there are ------------------------------------------------------------------------------------------------------

cdef inline bint is_mtrr(u32 number) noexcept nogil:
    return number == MTRRCAP or number == MTRR_DEF_TYPE or fixed_range(number) >= 0 or \
        (number >= MTRR_FIRST_VARIABLE and number <= MTRR_LAST_VARIABLE)

cdef bint msr_exists(const Model* model, u32 number) noexcept nogil:
    # Whether the feature is there that brought a register of this number; the number itself may be nobody's
    cdef u32 high = number & 0x1FFF
    if number >> 16 == 0xC000:
        if high == EFER: return model.efer_bits != 0
        if high == STAR: return (model.extended_edx & FEATURE_SYSCALL) != 0
        if high == TSC_AUX: return (model.extended_edx & FEATURE_RDTSCP) != 0 or (model.leaf7_ecx & FEATURE_RDPID) != 0
        return (model.extended_edx & FEATURE_LM) != 0
    if number == TIME_STAMP_COUNTER: return (model.leaf1_edx & FEATURE_TSC) != 0
    if number >= SYSENTER_CS and number <= SYSENTER_EIP: return (model.leaf1_edx & FEATURE_SEP) != 0
    if number == APIC_BASE and not model.leaf1_edx & FEATURE_APIC: return False
    if number == PAT: return (model.leaf1_edx & FEATURE_PAT) != 0
    if is_mtrr(number): return (model.leaf1_edx & FEATURE_MTRR) != 0
    return (model.signature >> 8 & 15) >= 6                             # what came with the P6

# ---- reading --------------------------------------------------------------------------------------------------------------

cdef u64 read_msr(Cpu* cpu, Op* op, u32 number) noexcept nogil:
    cdef u32 high = number & 0x1FFF
    if number >> 16 == 0xC000:
        if high == EFER: return cpu.paging.efer
        if high == STAR: return cpu.star
        if high == LSTAR: return cpu.lstar
        if high == CSTAR: return cpu.cstar
        if high == FMASK: return cpu.fmask
        if high == FS_BASE: return cpu.segment[FS].base
        if high == GS_BASE: return cpu.segment[GS].base
        if high == KERNEL_GS_BASE: return cpu.kernel_gs_base
        if high == TSC_AUX: return cpu.tsc_aux
    elif number == TIME_STAMP_COUNTER: return ticks(cpu, op) + <u64>cpu.tsc_offset
    elif number == APIC_BASE: return cpu.apic_base
    elif number == SYSENTER_CS: return cpu.sysenter_cs
    elif number == SYSENTER_ESP: return cpu.sysenter_esp
    elif number == SYSENTER_EIP: return cpu.sysenter_eip
    elif number == MISC_ENABLE: return cpu.misc_enable
    elif number == PAT: return cpu.pat
    elif number == MTRRCAP: return MTRR_CAPABILITIES
    elif number == MTRR_DEF_TYPE: return cpu.mtrr_default
    elif number >= MTRR_FIRST_VARIABLE and number <= MTRR_LAST_VARIABLE: return cpu.mtrr_variable[number - MTRR_FIRST_VARIABLE]
    elif fixed_range(number) >= 0: return cpu.mtrr_fixed[fixed_range(number)]
    elif number == DEBUGCTL: return cpu.debugctl
    elif number == PLATFORM_ID or number == BIOS_SIGN_ID: return 0
    refuse_msr(cpu, op, CAUSE_MSR_UNKNOWN, number)
    return 0

# ---- writing --------------------------------------------------------------------------------------------------------------

cdef inline u64 efer_bits(Cpu* cpu) noexcept nogil:                     # IA32_MISC_ENABLE can take NXE away
    return cpu.model.efer_bits & ~<u64>(EFER_NXE if cpu.misc_enable & XD_DISABLE else 0)

cdef void write_efer(Cpu* cpu, Op* op, u64 value) noexcept nogil:
    cdef u64 changed = value ^ cpu.paging.efer
    if value & ~efer_bits(cpu): refuse_msr(cpu, op, CAUSE_EFER_RESERVED, value)
    if changed & EFER_LME and paging_on(&cpu.paging): refuse_msr(cpu, op, CAUSE_EFER_LME_WHILE_PAGING, value)
    cpu.paging.efer = (value & ~<u64>EFER_LMA) | (cpu.paging.efer & EFER_LMA)           # LMA follows LME and CR0.PG
    if changed & value & EFER_LME: log_mode(cpu, op, MODE_LME_SET)
    if changed & EFER_NXE: flush_tlb(cpu, True)

cdef void check_types(Cpu* cpu, Op* op, u64 value, u32 allowed) noexcept nogil:         # a memory type in each byte
    cdef int i
    cdef u32 type
    for i in range(8):
        type = (value >> (8 * i)) & 0xFF
        if type > 7 or not (allowed >> type) & 1: refuse_msr(cpu, op, CAUSE_MSR_VALUE, value)

cdef inline u64 canonical_value(Cpu* cpu, Op* op, u64 value) noexcept nogil:
    if unlikely(not is_canonical_base(cpu, value)): refuse_msr(cpu, op, CAUSE_MSR_NON_CANONICAL, value)
    return value

cdef void write_variable_range(Cpu* cpu, Op* op, u32 index, u64 value) noexcept nogil:
    # Even ones are bases: a type in bits 7..0; odd ones masks: valid in bit 11. Addresses from bit 12 on.
    if value >> cpu.paging.physical_bits or value & (0x7FF if index & 1 else 0xF00): refuse_msr(cpu, op, CAUSE_MSR_VALUE, value)
    if not index & 1: check_types(cpu, op, value & 0xFF, MTRR_TYPES)
    cpu.mtrr_variable[index] = value

cdef void write_high_msr(Cpu* cpu, Op* op, u32 number, u64 value) noexcept nogil:       # C000_0000h and up
    cdef u32 high = number & 0x1FFF
    if high == EFER: write_efer(cpu, op, value)
    elif high == STAR: cpu.star = value
    elif high == LSTAR: cpu.lstar = canonical_value(cpu, op, value)
    elif high == CSTAR: cpu.cstar = canonical_value(cpu, op, value)
    elif high == FMASK:
        if value >> 32: refuse_msr(cpu, op, CAUSE_MSR_VALUE, value)
        cpu.fmask = value
    elif high == FS_BASE: cpu.segment[FS].base = canonical_value(cpu, op, value)
    elif high == GS_BASE: cpu.segment[GS].base = canonical_value(cpu, op, value)
    elif high == KERNEL_GS_BASE: cpu.kernel_gs_base = canonical_value(cpu, op, value)
    elif high == TSC_AUX:
        if value >> 32: refuse_msr(cpu, op, CAUSE_MSR_VALUE, value)
        cpu.tsc_aux = value
    else: refuse_msr(cpu, op, CAUSE_MSR_UNKNOWN, number)

cdef void write_msr(Cpu* cpu, Op* op, u32 number, u64 value) noexcept nogil:
    if number >> 16 == 0xC000: write_high_msr(cpu, op, number, value)
    elif number == TIME_STAMP_COUNTER: cpu.tsc_offset = <i64>(value - ticks(cpu, op))
    elif number == APIC_BASE:
        if value >> cpu.paging.physical_bits or value & 0x6FF: refuse_msr(cpu, op, CAUSE_MSR_VALUE, value)
        cpu.apic_base = value
        cpu.apic_changed(cpu)
    elif number == SYSENTER_CS: cpu.sysenter_cs = value
    elif number == SYSENTER_ESP: cpu.sysenter_esp = canonical_value(cpu, op, value)
    elif number == SYSENTER_EIP: cpu.sysenter_eip = canonical_value(cpu, op, value)
    elif number == MISC_ENABLE:
        if (value ^ cpu.misc_enable) & ~<u64>MISC_ENABLE_WRITABLE: refuse_msr(cpu, op, CAUSE_MSR_VALUE, value)
        cpu.misc_enable = value
    elif number == PAT:
        check_types(cpu, op, value, PAT_TYPES)
        cpu.pat = value
    elif number == MTRR_DEF_TYPE:
        if value & ~<u64>0xCFF: refuse_msr(cpu, op, CAUSE_MSR_VALUE, value)
        check_types(cpu, op, value & 0xFF, MTRR_TYPES)
        cpu.mtrr_default = value
    elif number >= MTRR_FIRST_VARIABLE and number <= MTRR_LAST_VARIABLE:
        write_variable_range(cpu, op, number - MTRR_FIRST_VARIABLE, value)
    elif fixed_range(number) >= 0:
        check_types(cpu, op, value, MTRR_TYPES)
        cpu.mtrr_fixed[fixed_range(number)] = value
    elif number == BIOS_SIGN_ID: pass                                   # written with 0 before CPUID: no update is loaded
    elif number == DEBUGCTL:
        if value & ~<u64>(DEBUGCTL_LBR | DEBUGCTL_BTF): refuse_msr(cpu, op, CAUSE_MSR_VALUE, value)
        cpu.debugctl = value
    elif number == MTRRCAP or number == PLATFORM_ID: refuse_msr(cpu, op, CAUSE_MSR_READ_ONLY, number)
    else: refuse_msr(cpu, op, CAUSE_MSR_UNKNOWN, number)

# ---- handlers -------------------------------------------------------------------------------------------------------------

cdef inline void give_pair(Cpu* cpu, u64 value) noexcept nogil:         # EDX:EAX
    cpu.gpr[RAX], cpu.gpr[RDX] = <u32>value, value >> 32

cdef inline Op* rdmsr(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    privileged(cpu, op)
    if not msr_exists(&cpu.model, <u32>cpu.gpr[RCX]): refuse_msr(cpu, op, CAUSE_MSR_UNKNOWN, <u32>cpu.gpr[RCX])
    give_pair(cpu, read_msr(cpu, op, <u32>cpu.gpr[RCX]))
    return proceed(cpu, op)

cdef inline Op* wrmsr(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    privileged(cpu, op)
    if not msr_exists(&cpu.model, <u32>cpu.gpr[RCX]): refuse_msr(cpu, op, CAUSE_MSR_UNKNOWN, <u32>cpu.gpr[RCX])
    write_msr(cpu, op, <u32>cpu.gpr[RCX], <u32>cpu.gpr[RAX] | <u64><u32>cpu.gpr[RDX] << 32)
    return finish(cpu, op)

cdef inline void check_counter(Cpu* cpu, Op* op) noexcept nogil:
    if unlikely(cpu.cpl != 0 and cpu.paging.cr4 & CR4_TSD): raise_error(cpu, op, VECTOR_GP, 0, CAUSE_PRIVILEGED, 0)

cdef inline Op* rdtsc(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_counter(cpu, op)
    give_pair(cpu, ticks(cpu, op) + <u64>cpu.tsc_offset)
    return proceed(cpu, op)

cdef inline Op* rdtscp(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_counter(cpu, op)
    give_pair(cpu, ticks(cpu, op) + <u64>cpu.tsc_offset)
    cpu.gpr[RCX] = <u32>cpu.tsc_aux
    return proceed(cpu, op)

cdef inline Op* rdpid(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    write_register(cpu, op.dst, cpu.tsc_aux, size)
    return proceed(cpu, op)

cdef inline Op* rdpmc(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    if not cpu.paging.cr4 & CR4_PCE: privileged(cpu, op)
    raise_error(cpu, op, VECTOR_GP, 0, CAUSE_MSR_UNKNOWN, cpu.gpr[RCX])
    return NULL
