# CLI STI HLT INVD WBINVD INVLPG STAC CLAC UD0 UD1 UD2 CLFLUSH CLFLUSHOPT CLWB LFENCE MFENCE SFENCE
from x86._access cimport flush_page
from x86._causes cimport CAUSE_IOPL, CAUSE_UD, CAUSE_V86_IOPL
from x86._segments cimport privileged

cdef inline void check_iopl(Cpu* cpu, Op* op) noexcept nogil:
    if unlikely(cpu.cpl > (cpu.rflags >> 12) & 3):
        raise_error(cpu, op, 13, 0, CAUSE_V86_IOPL if cpu.rflags & FLAG_VM else CAUSE_IOPL, 0)

cdef inline Op* cli(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_iopl(cpu, op)
    cpu.rflags &= ~<u64>FLAG_IF
    return proceed(cpu, op)

cdef inline Op* sti(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_iopl(cpu, op)
    if not cpu.rflags & FLAG_IF: cpu.shadow = 1
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
