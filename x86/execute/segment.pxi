# MOV PUSH POP of segment registers, LDS LES LSS LFS LGS. Loading a segment register is the last thing that can fault.
from x86._causes cimport CAUSE_FEATURE_OFF, CAUSE_NON_CANONICAL, CAUSE_SEGMENT_REGISTER
from x86._model cimport CR4_FSGSBASE
from x86._segments cimport load_segment
from x86._tlb cimport is_canonical_base

cdef inline Op* mov_from_segment(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where
    if unlikely(op.src & 7 > GS): raise_fault(cpu, op, 6, CAUSE_SEGMENT_REGISTER, op.src & 7)
    if kind & DST_S:                                    # memory gets 16 bits, whatever the operand size
        where = operand_address(cpu, op, kind, 16, WRITE)
        store(cpu, op, where, cpu.segment[op.src & 7].selector, 16, op.segment)
    else: write_register(cpu, op.dst, cpu.segment[op.src & 7].selector, size)
    return proceed(cpu, op)

cdef inline Op* mov_to_segment(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    load_segment(cpu, op, op.dst, <u16>read_source(cpu, op, where, kind, size))
    return proceed(cpu, op)

cdef inline Op* mov_to_stack_segment(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    load_segment(cpu, op, SS, <u16>read_source(cpu, op, where, kind, size))
    cpu.shadow = SHADOW_STACK
    return finish(cpu, op)

# ---- the stack --------------------------------------------------------------------------------------------------------

cdef inline Op* push_segment(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 selector = cpu.segment[op.dst].selector, sp
    if size == 32:                                      # SP moves by four bytes, two are written
        sp = (cpu.gpr[RSP] - 4) & cpu.stack_mask
        store(cpu, op, segmented(cpu, op, sp, SS, 2, WRITE), selector, 16, SS)
        move_stack(cpu, -4)
    else: push(cpu, op, selector, size)
    return proceed(cpu, op)

cdef inline void pop_into(Cpu* cpu, Op* op, int register, const int size) noexcept nogil:
    cdef u64 mask = cpu.stack_mask                      # a new SS may have another width
    load_segment(cpu, op, register, <u16>top(cpu, op, 16))      # SP moves by the operand size, two bytes are read
    cpu.gpr[RSP] = (cpu.gpr[RSP] & ~mask) | ((cpu.gpr[RSP] + size // 8) & mask)

cdef inline Op* pop_segment(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    pop_into(cpu, op, op.dst, size)
    return proceed(cpu, op)

cdef inline Op* pop_stack_segment(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    pop_into(cpu, op, SS, size)
    cpu.shadow = SHADOW_STACK
    return finish(cpu, op)

# ---- far pointers -----------------------------------------------------------------------------------------------------

cdef inline Op* load_far_pointer(Cpu* cpu, Op* op, const int kind, const int size, const int register) noexcept nogil:
    cdef u64 where = segmented(cpu, op, offset_of(cpu, op), op.segment, size // 8 + 2, READ), after = where + size // 8
    cdef u64 offset = load(cpu, op, where, size, op.segment)
    if cpu.code_bits != 64: after = <u32>after
    load_segment(cpu, op, register, <u16>load(cpu, op, after, 16, op.segment))
    write_register(cpu, op.dst, offset, size)
    return proceed(cpu, op)

# ---- FSGSBASE -----------------------------------------------------------------------------------------------------------

cdef inline void check_fsgsbase(Cpu* cpu, Op* op) noexcept nogil:
    if unlikely(not cpu.paging.cr4 & CR4_FSGSBASE): raise_fault(cpu, op, 6, CAUSE_FEATURE_OFF, 0)

cdef inline Op* read_base(Cpu* cpu, Op* op, const int kind, const int size, const int register) noexcept nogil:
    check_fsgsbase(cpu, op)
    write_register(cpu, op.dst, cpu.segment[register].base, size)
    return proceed(cpu, op)

cdef inline Op* write_base(Cpu* cpu, Op* op, const int kind, const int size, const int register) noexcept nogil:
    cdef u64 base = read_register(cpu, op.dst, size)
    check_fsgsbase(cpu, op)
    if unlikely(not is_canonical_base(cpu, base)): raise_error(cpu, op, 13, 0, CAUSE_NON_CANONICAL, base)
    cpu.segment[register].base = base
    return proceed(cpu, op)
