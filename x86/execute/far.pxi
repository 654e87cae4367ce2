# JMP CALL RETF between segments (SDM volume 3, "Program Control Transfers"). The transfers themselves are out of line:
# they retire the instruction and set CS and rip; the run loop goes on from there.
from x86._causes cimport *
from x86._interrupts cimport log_code, return_to
from x86._segments cimport *
from x86._tasks cimport TASK_CALL, TASK_JUMP, check_available, follow_task_gate, switch_task

cdef struct Gate:               # a call gate and the code segment behind it
    Descriptor code
    u64 offset
    u32 parameters              # how many values move from stack to stack
    int size                    # of those, and of what is pushed

#     A call gate; in long mode it has 16 bytes, the second eight with offset 63..32, and no parameters
#
#     63                     48 47  46 45  44  43    40 39   37 36      32
#    +-------------------------+---+-----+---+---------+-------+----------+
#    | offset 31..16           | P | DPL | 0 |1 1 0 0  |   0   |parameters|     (type 4: the 16-bit gate of the 286)
#    +-------------------------+---+-----+---+---------+-------+----------+
#    | code segment selector   | offset 15..0                             |
#    +-------------------------+------------------------------------------+

cdef void check_system(Cpu* cpu, Op* op, const Descriptor* d) noexcept nogil:
    # A system descriptor that JMP and CALL may name, visible from here
    cdef u32 type = d.access & (NOT_SYSTEM | TYPE)
    if type != CALL_GATE32 and (long_mode(cpu) or (type != CALL_GATE16 and type != TASK_GATE and type != TSS16 and
                                                   type != TSS32)):
        if long_mode(cpu) and (type == TSS32 or type == TASK_GATE):
            refuse(cpu, op, VECTOR_GP, d.selector, CAUSE_TASK_IN_LONG_MODE)
        if type == TSS32_BUSY or type == TSS16_BUSY: refuse(cpu, op, VECTOR_GP, d.selector, CAUSE_TASK_BUSY)
        refuse(cpu, op, VECTOR_GP, d.selector, CAUSE_DESCRIPTOR_TYPE)
    if dpl_of(d.access) < cpu.cpl or dpl_of(d.access) < <u32>(d.selector & 3):
        refuse(cpu, op, VECTOR_GP, d.selector, CAUSE_PRIVILEGE_GATE)
    if not d.access & PRESENT: refuse(cpu, op, VECTOR_NP, d.selector, CAUSE_DESCRIPTOR_NOT_PRESENT)

cdef void open_gate(Cpu* cpu, Op* op, Descriptor* d, Gate* gate) noexcept nogil:
    cdef u16 selector = <u16>(d.low >> 16)
    if long_mode(cpu):
        if not extend(cpu, op, d): refuse(cpu, op, VECTOR_GP, d.selector, CAUSE_SELECTOR_BEYOND_TABLE)
        if (d.high >> 40) & 0x1F: refuse(cpu, op, VECTOR_GP, d.selector, CAUSE_DESCRIPTOR_RESERVED)
    fetch(cpu, op, selector, VECTOR_GP, &gate.code)
    if not is_code(gate.code.access) or dpl_of(gate.code.access) > cpu.cpl:
        refuse(cpu, op, VECTOR_GP, selector, CAUSE_GATE_TARGET)
    if long_mode(cpu) and gate.code.access & (LONG_CODE | BIG) != LONG_CODE:
        refuse(cpu, op, VECTOR_GP, selector, CAUSE_GATE_NOT_64)
    gate.offset = (d.low & 0xFFFF) | (d.high << 32)
    if d.access & 8: gate.offset |= (d.low >> 32) & <u64>0xFFFF0000
    gate.parameters = 0 if long_mode(cpu) else <u32>(d.low >> 32) & 0x1F
    gate.size = 64 if long_mode(cpu) else 32 if d.access & 8 else 16

cdef void check_present(Cpu* cpu, Op* op, const Descriptor* code) noexcept nogil:
    if not code.access & PRESENT: refuse(cpu, op, VECTOR_NP, code.selector, CAUSE_DESCRIPTOR_NOT_PRESENT)

cdef void check_real(Cpu* cpu, Op* op, u64 offset) noexcept nogil:
    if offset > cpu.segment[CS].limit: raise_error(cpu, op, VECTOR_GP, 0, CAUSE_TARGET_LIMIT, offset)

cdef bint other_task(Cpu* cpu, Op* op, Descriptor* d, int how) noexcept nogil:
    # A TSS or a task gate: switch, and true
    cdef Descriptor tss
    if d.access & TYPE == TASK_GATE: follow_task_gate(cpu, op, d, &tss)
    elif d.access & TYPE == TSS16 or d.access & TYPE == TSS32:
        check_available(cpu, op, d)
        tss = d[0]
    else: return False
    switch_task(cpu, op, &tss, how, next_rip(cpu, op), False, 0)
    return True

# ---- JMP ----------------------------------------------------------------------------------------------------------------

cdef void jump_to(Cpu* cpu, Op* op, u16 selector, u64 offset) noexcept nogil:
    cdef Descriptor d
    cdef Gate gate
    cdef u32 bits = cpu.code_bits
    if not is_protected(cpu):
        check_real(cpu, op, offset)
        set_real_code(cpu, selector)
    else:
        fetch(cpu, op, selector, VECTOR_GP, &d)
        if is_code(d.access):
            check_code(cpu, op, &d)
            if not d.access & LONG_CODE: offset = <u32>offset       # a 64-bit pointer into compatibility mode
            check_entry(cpu, op, &d, offset)
            set_code(cpu, &d, cpu.cpl)
        else:
            check_system(cpu, op, &d)
            if other_task(cpu, op, &d, TASK_JUMP): return
            open_gate(cpu, op, &d, &gate)
            if not is_conforming(gate.code.access) and dpl_of(gate.code.access) != cpu.cpl:
                refuse(cpu, op, VECTOR_GP, gate.code.selector, CAUSE_PRIVILEGE_CODE)
            check_present(cpu, op, &gate.code)
            offset = gate.offset
            check_entry(cpu, op, &gate.code, offset)
            set_code(cpu, &gate.code, cpu.cpl)
    cpu.rip = offset
    log_code(cpu, op, bits)
    retire(cpu, op)

# ---- CALL ---------------------------------------------------------------------------------------------------------------

cdef void push_return(Cpu* cpu, Op* op, Stack* stack, int size) noexcept nogil:
    push_on(cpu, op, stack, cpu.segment[CS].selector, size)
    push_on(cpu, op, stack, next_rip(cpu, op), size)

cdef void call_gate(Cpu* cpu, Op* op, Gate* gate) noexcept nogil:
    cdef Stack stack
    cdef u32 level = cpu.cpl, i
    cdef int bytes = gate.size // 8
    check_present(cpu, op, &gate.code)
    if not is_conforming(gate.code.access) and dpl_of(gate.code.access) < cpu.cpl:
        level = dpl_of(gate.code.access)
        inner_stack(cpu, op, level, 0, &stack)
        push_on(cpu, op, &stack, cpu.segment[SS].selector, gate.size)
        push_on(cpu, op, &stack, cpu.gpr[RSP], gate.size)
        for i in range(gate.parameters):                # the last one first, so that their order stays
            push_on(cpu, op, &stack, top_slow(cpu, op, gate.size, (gate.parameters - 1 - i) * bytes), gate.size)
    else:
        current_stack(cpu, &stack)
        if gate.size == 64:
            stack.flat = True
            stack.mask = ~<u64>0
    push_return(cpu, op, &stack, gate.size)             # #SS comes before #GP for the offset
    check_entry(cpu, op, &gate.code, gate.offset)
    set_code(cpu, &gate.code, level)
    set_stack(cpu, &stack)
    cpu.rip = gate.offset

cdef void call_to(Cpu* cpu, Op* op, u16 selector, u64 offset, int size) noexcept nogil:
    cdef Descriptor d
    cdef Gate gate
    cdef Stack stack
    cdef u32 bits = cpu.code_bits
    current_stack(cpu, &stack)
    if not is_protected(cpu):
        push_return(cpu, op, &stack, size)
        check_real(cpu, op, offset)
        set_stack(cpu, &stack)
        set_real_code(cpu, selector)
        cpu.rip = offset
    else:
        fetch(cpu, op, selector, VECTOR_GP, &d)
        if is_code(d.access):
            check_code(cpu, op, &d)
            if not (d.access & LONG_CODE and long_mode(cpu)):
                offset = <u32>offset
                if bits == 64: stack.mask = 0xFFFFFFFFu             # it is compatibility mode's stack already
            push_return(cpu, op, &stack, size)                      # Intel's have pushed when they look at the target
            check_entry(cpu, op, &d, offset)
            set_stack(cpu, &stack)
            set_code(cpu, &d, cpu.cpl)
            cpu.rip = offset
        else:
            check_system(cpu, op, &d)
            if other_task(cpu, op, &d, TASK_CALL): return
            open_gate(cpu, op, &d, &gate)
            call_gate(cpu, op, &gate)
    log_code(cpu, op, bits)
    retire(cpu, op)

# ---- RETF ---------------------------------------------------------------------------------------------------------------

cdef void far_return(Cpu* cpu, Op* op, int size, u32 extra) noexcept nogil:
    cdef u16 selector = <u16>top_slow(cpu, op, size, size // 8)     # first, as a page fault can tell
    cdef u64 rip = top_slow(cpu, op, size, 0)
    cdef u32 bits = cpu.code_bits
    if is_protected(cpu): return_to(cpu, op, size, rip, selector, size // 4, extra, False)
    else:
        check_real(cpu, op, rip)
        move_stack(cpu, size // 4 + extra)
        set_real_code(cpu, selector)
        cpu.rip = rip
    log_code(cpu, op, bits)
    retire(cpu, op)

# ---- handlers -----------------------------------------------------------------------------------------------------------

# The far pointer in memory: the address of its offset, checked as a whole, and of its selector behind it
cdef inline u64 pointer_address(Cpu* cpu, Op* op, const int size) noexcept nogil:
    return segmented(cpu, op, offset_of(cpu, op), op.segment, size // 8 + 2, READ)

cdef inline u16 pointer_selector(Cpu* cpu, Op* op, u64 where, const int size) noexcept nogil:
    cdef u64 after = where + size // 8
    return <u16>load(cpu, op, after if cpu.code_bits == 64 else <u32>after, 16, op.segment)

cdef inline Op* jump_far(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    jump_to(cpu, op, op.imm2, truncate(<u64>op.imm, size))
    return NULL

cdef inline Op* jump_far_indirect(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = pointer_address(cpu, op, size)
    cdef u64 offset = load(cpu, op, where, size, op.segment)
    jump_to(cpu, op, pointer_selector(cpu, op, where, size), offset)
    return NULL

cdef inline Op* call_far(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    call_to(cpu, op, op.imm2, truncate(<u64>op.imm, size), size)
    return NULL

cdef inline Op* call_far_indirect(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = pointer_address(cpu, op, size)
    cdef u64 offset = load(cpu, op, where, size, op.segment)
    call_to(cpu, op, pointer_selector(cpu, op, where, size), offset, size)
    return NULL

cdef inline Op* retf(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    far_return(cpu, op, size, 0)
    return NULL

cdef inline Op* retf_release(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    far_return(cpu, op, size, <u32>op.imm)
    return NULL
