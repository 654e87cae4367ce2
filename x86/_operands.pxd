# What handlers are written in: operands by (kind, size), the stack, and the ways on from an instruction.
# `kind` and `size` are constants in every instantiation, so all the ifs below fold away.
from x86._state cimport *
from x86._causes cimport CAUSE_UNDEFINED_OPCODE
from x86._flags cimport *
from x86._causes cimport CAUSE_NON_CANONICAL_TARGET, CAUSE_TARGET_LIMIT
from x86._tlb cimport is_canonical, load, store, load_to_modify, load_host, store_host
from x86._access cimport raise_fault, raise_error, segmented, push_slow, top_slow, probe

# ---- registers ----------------------------------------------------------------------------------------------------

cdef inline u64 read_register(Cpu* cpu, u8 number, const int size) noexcept nogil:
    if size == 8: return (<u8*>cpu.gpr)[number]         # number is a byte offset: AL 0, AH 1, CL 8, ...
    return truncate(cpu.gpr[number], size)

cdef inline void write_register(Cpu* cpu, u8 number, u64 value, const int size) noexcept nogil:
    if size == 8: (<u8*>cpu.gpr)[number] = <u8>value
    elif size == 16: (<u16*>&cpu.gpr[number])[0] = <u16>value
    elif size == 32: cpu.gpr[number] = <u32>value
    else: cpu.gpr[number] = value

# The operand in VEX.vvvv, where that is not the first one
cdef inline u64 read_vvvv(Cpu* cpu, Op* op, const int size) noexcept nogil:
    return read_register(cpu, <u8>op.imm2, size)

# ---- memory operands ------------------------------------------------------------------------------------------------

cdef inline u64 offset_of(Cpu* cpu, Op* op) noexcept nogil:       # the effective address, truncated to the address size
    cdef u64 offset = cpu.gpr[op.base] + (cpu.gpr[op.index] << op.scale) + <u64>op.disp
    if op.address == 64: return offset
    return <u16>offset if op.address == 16 else <u32>offset

cdef inline u64 flat_address(Cpu* cpu, Op* op) noexcept nogil:
    return cpu.gpr[op.base] + (cpu.gpr[op.index] << op.scale) + <u64>op.disp

# Linear address of the memory operand, source or destination (0 where all operands are registers)
cdef inline u64 operand_address(Cpu* cpu, Op* op, const int kind, const int size, const int access) noexcept nogil:
    if kind & (DST_M | SRC_M): return flat_address(cpu, op)
    if kind & (DST_S | SRC_S): return segmented(cpu, op, offset_of(cpu, op), op.segment, size // 8, access)
    return 0

# What a two-operand instruction that writes its destination wants of its memory operand
cdef inline int access_of(const int kind) noexcept nogil:
    return WRITE if kind & (DST_M | DST_S) else READ

# ---- operands, zero-extended. `where` is the operand_address, and reach() came first ------------------------------------

cdef inline u64 read_memory(Cpu* cpu, Op* op, u64 where, const int kind, const int size) noexcept nogil:
    if kind & (DST_M | SRC_M): return load_host(where + cpu.tlb[(where >> 12) & (TLB_SIZE - 1)].to_host, size)
    return load(cpu, op, where, size, op.segment)

cdef inline u64 read_source(Cpu* cpu, Op* op, u64 where, const int kind, const int size) noexcept nogil:
    if kind & (SRC_M | SRC_S): return read_memory(cpu, op, where, kind, size)
    if kind & SRC_I: return truncate(<u64>op.imm, size)
    if kind & SRC_C: return (<u8*>cpu.gpr)[8]           # CL
    return read_register(cpu, op.src, size)

# The destination as an operand that is only read (CMP, TEST, PUSH r/m, MUL r/m ...)
cdef inline u64 read_destination(Cpu* cpu, Op* op, u64 where, const int kind, const int size) noexcept nogil:
    if kind & (DST_M | DST_S): return read_memory(cpu, op, where, kind, size)
    return read_register(cpu, op.dst, size)

# The destination as an operand that will be written: a fault says W
cdef inline u64 read_to_modify(Cpu* cpu, Op* op, u64 where, const int kind, const int size) noexcept nogil:
    if kind & DST_S: return load_to_modify(cpu, op, where, size, op.segment)
    return read_destination(cpu, op, where, kind, size)

cdef inline void write_destination(Cpu* cpu, Op* op, u64 where, u64 value, const int kind, const int size) noexcept nogil:
    if kind & DST_M: store_host(where + cpu.tlb[(where >> 12) & (TLB_SIZE - 1)].to_host, value, size)
    elif kind & DST_S: store(cpu, op, where, value, size, op.segment)
    else: write_register(cpu, op.dst, value, size)

# ---- the stack: a 64-bit operand exists in 64-bit mode only, where the stack is flat ----------------------------------

cdef inline void push(Cpu* cpu, Op* op, u64 value, const int size) noexcept nogil:
    cdef u64 sp
    if size == 64:
        sp = cpu.gpr[RSP] - 8
        store(cpu, op, sp, value, 64, SS)
        cpu.gpr[RSP] = sp
    else:
        push_slow(cpu, op, value, size)

# A 64-bit push that the TLB can do: False and nothing done otherwise. So that a handler's other way is a tail call.
cdef inline bint push_hit(Cpu* cpu, u64 value) noexcept nogil:
    cdef u64 sp = cpu.gpr[RSP] - 8
    cdef TlbEntry* entry = &cpu.tlb[(sp >> 12) & (TLB_SIZE - 1)]
    if unlikely(entry.write_page != ((sp + 7) & ~<u64>0xFFF)): return False
    store_host(sp + entry.to_host, value, 64)
    cpu.gpr[RSP] = sp
    return True

cdef inline bint top_is_hit(Cpu* cpu) noexcept nogil:                       # load_top may follow
    return cpu.tlb[(cpu.gpr[RSP] >> 12) & (TLB_SIZE - 1)].read_page == ((cpu.gpr[RSP] + 7) & ~<u64>0xFFF)

cdef inline u64 load_top(Cpu* cpu) noexcept nogil:
    return load_host(cpu.gpr[RSP] + cpu.tlb[(cpu.gpr[RSP] >> 12) & (TLB_SIZE - 1)].to_host, 64)

cdef inline u64 top(Cpu* cpu, Op* op, const int size) noexcept nogil:       # what POP would read; SP stays
    if size == 64: return load(cpu, op, cpu.gpr[RSP], 64, SS)
    return top_slow(cpu, op, size, 0)

cdef inline void move_stack(Cpu* cpu, i64 bytes) noexcept nogil:            # SP += bytes, within its width
    cpu.gpr[RSP] = (cpu.gpr[RSP] & ~cpu.stack_mask) | ((cpu.gpr[RSP] + <u64>bytes) & cpu.stack_mask)

cdef inline void release(Cpu* cpu, const int size) noexcept nogil:          # ... the second half of POP
    if size == 64: cpu.gpr[RSP] += 8
    else: move_stack(cpu, size // 8)

# ---- the ways on ------------------------------------------------------------------------------------------------------
# proceed: the next Op of the block.  jump: a direct branch to op.imm.  find: an indirect branch.
# finish: this instruction is done, and what it changed the run loop must look at (mode, IF, a device).

cdef inline Op* proceed(Cpu* cpu, Op* op) noexcept nogil:
    return go(cpu, op + 1)

cdef inline u64 next_rip(Cpu* cpu, Op* op) noexcept nogil:
    cdef u64 rip = op.rip + op.length
    return rip if cpu.code_bits == 64 else rip & <u64>0xFFFFFFFF

cdef inline void retire(Cpu* cpu, Op* op) noexcept nogil:       # count everything up to and with this instruction
    cpu.budget -= op.position

# For instructions that count as they go (REP): what came before is retired, this one is not yet. A fault from here on
# finds the count right; every finished iteration then takes 1 off the budget.
cdef inline void retire_before(Cpu* cpu, Op* op) noexcept nogil:
    cpu.budget -= op.position - 1
    cpu.retired = 1

cdef inline Op* leave(Cpu* cpu, u64 rip) noexcept nogil:        # already retired: continue at rip by way of the loop
    cpu.rip = rip
    return NULL

cdef inline Op* finish(Cpu* cpu, Op* op) noexcept nogil:
    retire(cpu, op)
    return leave(cpu, next_rip(cpu, op))

cdef inline Op* enter(Cpu* cpu, Op* first, u64 rip) noexcept nogil:
    if unlikely(cpu.budget < first.total): return leave(cpu, rip)
    return go(cpu, first)

cdef inline Op* find(Cpu* cpu, u64 rip) noexcept nogil:         # already retired, rip checked
    cdef JumpEntry* entry = &cpu.jumps[(rip ^ (rip >> 12)) & (JUMP_SIZE - 1)]
    if likely(entry.tag == (rip ^ cpu.context)): return enter(cpu, entry.first, rip)
    return leave(cpu, rip)

cdef inline Op* jump(Cpu* cpu, Op* op) noexcept nogil:          # a taken direct branch; op.imm was checked by the builder
    cpu.budget -= op.position
    if likely(op.target != NULL): return enter(cpu, op.target, <u64>op.imm)
    cpu.link = op                                               # whoever finds the block chains it here
    return find(cpu, <u64>op.imm)

# An indirect near branch: the target is checked first, so that the fault is this instruction's. The caller commits
# its stack change between check_target and branch.
cdef inline u64 check_target(Cpu* cpu, Op* op, u64 rip, const int size) noexcept nogil:
    rip = truncate(rip, size)
    if cpu.code_bits == 64:
        if unlikely(not is_canonical(cpu, rip)): raise_error(cpu, op, 13, 0, CAUSE_NON_CANONICAL_TARGET, rip)
    elif unlikely(rip > cpu.segment[CS].limit): raise_error(cpu, op, 13, 0, CAUSE_TARGET_LIMIT, rip)
    return rip

cdef inline Op* branch(Cpu* cpu, Op* op, u64 rip) noexcept nogil:
    retire(cpu, op)
    return find(cpu, rip)

cdef inline bint is_protected(Cpu* cpu) noexcept nogil:         # protected mode, not V86
    return (cpu.paging.cr0 & 1) != 0 and (cpu.rflags & FLAG_VM) == 0

# VEX prefixes exist in protected mode only; a flat operand is in 64-bit code
cdef inline void check_vex(Cpu* cpu, Op* op, const int kind) noexcept nogil:
    if kind & (SRC_M | DST_M): return
    if unlikely(not is_protected(cpu)): raise_fault(cpu, op, 6, CAUSE_UNDEFINED_OPCODE, 0)

cdef inline bint long_mode(Cpu* cpu) noexcept nogil:            # EFER.LMA
    return (cpu.paging.efer & 0x400) != 0
