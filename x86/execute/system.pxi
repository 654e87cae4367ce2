# CLI STI HLT INVD WBINVD INVLPG STAC CLAC UD0 UD1 UD2 CLFLUSH CLFLUSHOPT CLWB INVPCID LFENCE MFENCE SFENCE
from x86._access cimport flush_page, flush_tlb
from x86._causes cimport (CAUSE_INVPCID, CAUSE_IOPL, CAUSE_UD, CAUSE_V86_IOPL, CAUSE_VIRTUAL_INTERRUPT)
from x86._model cimport CR4_PCIDE, CR4_PVI, CR4_VME
from x86._segments cimport privileged
from x86._tlb cimport is_canonical_base

# Is it VIF that CLI and STI change? IOPL forbids IF, but V86 mode has CR4.VME, or user code CR4.PVI. #GP: neither.
cdef inline bint changes_vif(Cpu* cpu, Op* op) noexcept nogil:
    if likely(cpu.cpl <= (cpu.rflags >> 12) & 3): return False
    if cpu.cpl != 3 or not cpu.paging.cr4 & (CR4_VME if cpu.rflags & FLAG_VM else CR4_PVI):
        raise_error(cpu, op, 13, 0, CAUSE_V86_IOPL if cpu.rflags & FLAG_VM else CAUSE_IOPL, 0)
    return True

cdef inline Op* cli(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cpu.rflags &= ~<u64>(FLAG_VIF if changes_vif(cpu, op) else FLAG_IF)
    return proceed(cpu, op)

cdef inline Op* sti(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    if changes_vif(cpu, op):
        if cpu.rflags & FLAG_VIP: raise_error(cpu, op, 13, 0, CAUSE_VIRTUAL_INTERRUPT, 0)
        cpu.rflags |= FLAG_VIF
        return finish(cpu, op)
    if not cpu.rflags & FLAG_IF: cpu.shadow = SHADOW_STI
    cpu.rflags |= FLAG_IF
    return finish(cpu, op)

cdef inline Op* hlt(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    privileged(cpu, op)
    cpu.halted = 1
    return finish(cpu, op)

cdef inline Op* empty_caches(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    privileged(cpu, op)
    return proceed(cpu, op)

cdef inline Op* invlpg(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    # No check of limit or canonical form: an address that cannot be is no page
    cdef u64 linear = offset_of(cpu, op)
    privileged(cpu, op)
    if cpu.code_bits != 64: linear = <u32>(linear + cpu.segment[op.segment].base)
    elif op.segment >= FS: linear += cpu.segment[op.segment].base
    flush_page(cpu, linear)
    return finish(cpu, op)

# INVPCID: its descriptor in memory is 11..0 the PCID, 63..12 zero; then 64 bits of a linear address. Translations of one
# context at most are in the TLB: what is asked of another has no effect.
cdef inline Op* invpcid(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where, type = read_register(cpu, op.dst, size), context, linear
    privileged(cpu, op)
    where = segmented(cpu, op, offset_of(cpu, op), op.segment, 16, READ)
    context = load(cpu, op, where, 64, op.segment)
    linear = load(cpu, op, where + 8 if cpu.code_bits == 64 else <u32>(where + 8), 64, op.segment)
    if type > 3 or context >> 12 or (type < 2 and context and not cpu.paging.cr4 & CR4_PCIDE) \
            or (type == 0 and not is_canonical_base(cpu, linear)):
        raise_error(cpu, op, 13, 0, CAUSE_INVPCID, type)
    flush_tlb(cpu, type == 2)
    return finish(cpu, op)

cdef inline Op* set_access_check(Cpu* cpu, Op* op, const int kind, const int size, const int on) noexcept nogil:
    if unlikely(cpu.cpl != 0): raise_fault(cpu, op, 6, CAUSE_UD, 0)
    if on: cpu.rflags |= FLAG_AC
    else: cpu.rflags &= ~<u64>FLAG_AC
    return finish(cpu, op)

cdef inline Op* raise_undefined(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    raise_fault(cpu, op, 6, CAUSE_UD, 0)
    return NULL

cdef inline Op* clflush(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    load(cpu, op, segmented(cpu, op, offset_of(cpu, op), op.segment, 1, READ), 8, op.segment)
    return proceed(cpu, op)

cdef inline Op* fence(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    return proceed(cpu, op)
