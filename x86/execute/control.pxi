# MOV CRn, MOV DRn, LMSW SMSW CLTS (SDM volume 3, "Control Registers", "Mode Switching"; volume 2, "MOV - Move to/from
# Control Registers"). What is asked for is worked out in a copy of Paging: it becomes real once nothing can fault.
from x86._access cimport flush_tlb
from x86._breakpoints cimport arm
from x86._causes cimport *
from x86._debug cimport DR6_BD, DR7_GD
from x86._interrupts cimport (log_mode, MODE_LMA_SET, MODE_PAE_SET, MODE_PE_CLEARED, MODE_PE_SET, MODE_PG_CLEARED,
                              MODE_PG_SET)
from x86._mmu cimport load_pdptes
from x86._model cimport *
from x86._segments cimport *
from x86._units cimport update_units

cdef void refuse_value(Cpu* cpu, Op* op, u32 cause, u64 value) noexcept nogil:
    raise_error(cpu, op, VECTOR_GP, 0, cause, value)

cdef void read_pdptes(Cpu* cpu, Op* op, Paging* paging) noexcept nogil:
    # PAE paging holds the four entries of its top level in registers
    if not paging_on(paging) or paging.efer & EFER_LMA or not paging.cr4 & CR4_PAE: return
    if not load_pdptes(cpu.memory, paging): refuse_value(cpu, op, CAUSE_CR3_PDPTE, paging.cr3)

# ---- CR0 ----------------------------------------------------------------------------------------------------------------
#      31  30  29         18      16           5   4   3   2   1   0
#    +---+---+---+------+---+---+---+--------+---+---+---+---+---+---+
#    |PG |CD |NW |  0   |AM | 0 |WP |   0    |NE | 1 |TS |EM |MP |PE |
#    +---+---+---+------+---+---+---+--------+---+---+---+---+---+---+

cdef void enter_long_mode(Cpu* cpu, Op* op, Paging* next, u64 value) noexcept nogil:
    cdef u32 task = cpu.segment[TR].access & (NOT_SYSTEM | TYPE)
    if not next.cr4 & CR4_PAE: refuse_value(cpu, op, CAUSE_CR0_LONG_WITHOUT_PAE, value)
    if cpu.segment[CS].access & LONG_CODE: refuse_value(cpu, op, CAUSE_CR0_LONG_CS_L, value)
    if task == TSS16 or task == TSS16_BUSY: refuse_value(cpu, op, CAUSE_CR0_LONG_TSS, value)
    next.efer |= EFER_LMA

cdef void write_cr0(Cpu* cpu, Op* op, u64 value) noexcept nogil:
    cdef Paging next = cpu.paging
    cdef u64 changed
    if value >> 32: refuse_value(cpu, op, CAUSE_CR0_RESERVED, value)
    next.cr0 = (value & cpu.model.cr0_bits) | CR0_ET
    changed = next.cr0 ^ cpu.paging.cr0
    if paging_on(&next) and not next.cr0 & CR0_PE: refuse_value(cpu, op, CAUSE_CR0_PG_WITHOUT_PE, value)
    if next.cr0 & CR0_NW and not next.cr0 & CR0_CD: refuse_value(cpu, op, CAUSE_CR0_NW_WITHOUT_CD, value)
    if changed >> 31:
        if paging_on(&next):
            if next.efer & EFER_LME: enter_long_mode(cpu, op, &next, value)
        else:
            if cpu.code_bits == 64: refuse_value(cpu, op, CAUSE_CR0_PG_IN_64_BIT, value)
            if next.cr4 & CR4_PCIDE: refuse_value(cpu, op, CAUSE_CR0_PG_WITH_PCIDE, value)
            next.efer &= ~<u64>EFER_LMA
    if changed & (<u64>1 << 31 | CR0_CD | CR0_NW): read_pdptes(cpu, op, &next)
    cpu.paging = next
    if changed & CR0_PE: log_mode(cpu, op, MODE_PE_SET if next.cr0 & CR0_PE else MODE_PE_CLEARED)
    if changed >> 31: log_mode(cpu, op, MODE_PG_SET if paging_on(&next) else MODE_PG_CLEARED)
    if changed >> 31 and next.efer & EFER_LMA: log_mode(cpu, op, MODE_LMA_SET)
    if changed & (<u64>1 << 31 | CR0_WP | CR0_PE): flush_tlb(cpu, True)
    update_units(cpu)

# ---- CR3, CR4, CR8 --------------------------------------------------------------------------------------------------------

# CR3 with CR4.PCIDE: bits 11..0 are the process-context identifier. Bit 63 of what is written asks to keep the
# translations of that context; here those of one context at most are there, so they stay if it stays the same.

cdef void write_cr3(Cpu* cpu, Op* op, u64 value) noexcept nogil:
    cdef Paging next = cpu.paging
    cdef bint keep = False
    if next.cr4 & CR4_PCIDE:
        keep = value == next.cr3 | <u64>1 << 63
        value &= ~(<u64>1 << 63)
    if value >> next.physical_bits: refuse_value(cpu, op, CAUSE_CR3_RESERVED, value)
    next.cr3 = value
    read_pdptes(cpu, op, &next)
    cpu.paging = next
    if not keep: flush_tlb(cpu, False)

cdef void write_cr4(Cpu* cpu, Op* op, u64 value) noexcept nogil:
    cdef Paging next = cpu.paging
    cdef u64 changed = value ^ next.cr4
    if value & ~cpu.model.cr4_bits: refuse_value(cpu, op, CAUSE_CR4_RESERVED, value)
    if next.efer & EFER_LMA and not value & CR4_PAE: refuse_value(cpu, op, CAUSE_CR4_PAE_IN_LONG_MODE, value)
    if next.efer & EFER_LMA and changed & CR4_LA57: refuse_value(cpu, op, CAUSE_CR4_LA57_IN_LONG_MODE, value)
    if changed & value & CR4_PCIDE and (not next.efer & EFER_LMA or next.cr3 & 0xFFF): refuse_value(cpu, op, CAUSE_CR4_PCIDE, value)
    next.cr4 = value
    if changed & (CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP): read_pdptes(cpu, op, &next)
    cpu.paging = next
    if changed & CR4_PAE and value & CR4_PAE: log_mode(cpu, op, MODE_PAE_SET)
    cpu.canonical_shift = 64 - (57 if value & CR4_LA57 else 48)
    if changed & (CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP | CR4_SMAP | CR4_LA57 | CR4_PCIDE): flush_tlb(cpu, True)
    if changed & CR4_DE: arm(cpu)
    update_units(cpu)

cdef inline bint control_exists(Cpu* cpu, u32 number) noexcept nogil:        # CR0 CR2 CR3 CR4 CR8
    if number == 4: return cpu.model.cr4_bits != 0
    return number <= 8 and (0x11D >> number) & 1

cdef void write_control(Cpu* cpu, Op* op, u32 number, u64 value) noexcept nogil:
    if not control_exists(cpu, number): raise_fault(cpu, op, VECTOR_UD, CAUSE_CR_UNKNOWN, number)
    privileged(cpu, op)
    if number == 0: write_cr0(cpu, op, value)
    elif number == 2: cpu.cr2 = value
    elif number == 3: write_cr3(cpu, op, value)
    elif number == 4: write_cr4(cpu, op, value)
    else:
        if value > 15: refuse_value(cpu, op, CAUSE_CR8_RESERVED, value)
        cpu.cr8 = value
        if cpu.model.leaf1_edx & FEATURE_APIC: cpu.apic_changed(cpu)

cdef u64 read_control(Cpu* cpu, Op* op, u32 number) noexcept nogil:
    if number == 0: return cpu.paging.cr0
    if number == 2: return cpu.cr2
    if number == 3: return cpu.paging.cr3
    if number == 4 and control_exists(cpu, 4): return cpu.paging.cr4
    if number == 8: return cpu.cr8
    raise_fault(cpu, op, VECTOR_UD, CAUSE_CR_UNKNOWN, number)
    return 0

cdef inline Op* mov_from_control(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 value = read_control(cpu, op, op.src)      # #UD for a register that does not exist comes before #GP
    privileged(cpu, op)
    write_register(cpu, op.dst, value, size)
    return proceed(cpu, op)

cdef inline Op* mov_to_control(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    write_control(cpu, op, op.dst, read_register(cpu, op.src, size))
    return finish(cpu, op)

# ---- the machine status word ------------------------------------------------------------------------------------------------

cdef inline Op* smsw(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where
    check_umip(cpu, op)
    if kind & DST_S:                                    # memory gets 16 bits, whatever the operand size
        where = operand_address(cpu, op, kind, 16, WRITE)
        store(cpu, op, where, cpu.paging.cr0 & 0xFFFF, 16, op.segment)
    else: write_register(cpu, op.dst, cpu.paging.cr0, size)
    return proceed(cpu, op)

cdef inline Op* lmsw(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    privileged(cpu, op)
    cdef u64 where = operand_address(cpu, op, kind, 16, READ)
    cdef u64 word = read_destination(cpu, op, where, kind, 16) & (CR0_PE | CR0_MP | CR0_EM | CR0_TS)
    write_cr0(cpu, op, (cpu.paging.cr0 & ~<u64>(CR0_MP | CR0_EM | CR0_TS)) | word)
    return finish(cpu, op)

cdef inline Op* clts(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    privileged(cpu, op)
    cpu.paging.cr0 &= ~<u64>CR0_TS
    update_units(cpu)
    return proceed(cpu, op)

# ---- debug registers ----------------------------------------------------------------------------------------------------------

cdef enum: DR6_WRITABLE = 0xE00F, DR7_FIXED = 0x400

cdef u32 debug_number(Cpu* cpu, Op* op, u32 number) noexcept nogil:
    # DR4 and DR5 are other names of DR6 and DR7, or nothing if CR4.DE is set
    if number > 7 or (number & 6 == 4 and cpu.paging.cr4 & CR4_DE): raise_fault(cpu, op, VECTOR_UD, CAUSE_DR_UNKNOWN, number)
    privileged(cpu, op)
    if cpu.dr[7] & DR7_GD:
        cpu.dr[6] |= DR6_BD
        raise_fault(cpu, op, 1, CAUSE_DR_GENERAL_DETECT, number)
    return number | 2 if number & 6 == 4 else number

cdef void write_debug(Cpu* cpu, Op* op, u32 number, u64 value) noexcept nogil:
    number = debug_number(cpu, op, number)
    if number >= 6 and value >> 32: refuse_value(cpu, op, CAUSE_DR_RESERVED, value)
    if number == 6: value = (value & DR6_WRITABLE) | <u64>0xFFFF0FF0
    elif number == 7: value = (value & <u64>0xFFFF23FF) | DR7_FIXED
    cpu.dr[number] = value
    if number != 6: arm(cpu)

cdef inline Op* mov_from_debug(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    write_register(cpu, op.dst, cpu.dr[debug_number(cpu, op, op.src)], size)
    return proceed(cpu, op)

cdef inline Op* mov_to_debug(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    write_debug(cpu, op, op.dst, read_register(cpu, op.src, size))
    return finish(cpu, op)
