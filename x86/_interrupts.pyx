"""Delivery of interrupts and exceptions, and the returns: IRET, and the part of RETF that is the same.

Everything that can fault comes first: gate, code segment, stack, the pushes themselves. Then CS, SS, RSP, RFLAGS and
RIP change together. While an event is under way, Cpu.delivering and Cpu.external tell what a second fault means.
"""
from libc.string cimport memset
from x86._state cimport *
from x86._flags cimport *
from x86._access cimport raise_error, read_system, top_slow
from x86._operands cimport is_protected, long_mode, next_rip, retire
from x86._model cimport CR4_VME
from x86._segments cimport *
from x86._virtual cimport is_virtual, real_flags, virtual_flags
from x86._tasks cimport TASK_INTERRUPT, follow_task_gate, return_from_task, switch_task
from x86._causes cimport *
from x86._debug cimport (DEBUGCTL_BTF, DEBUGCTL_LBR, DR6_BS, DR6_CONDITIONS, DR7_GD, is_enabled)

cdef enum: VECTOR_DE = 0, VECTOR_DB = 1, VECTOR_BP = 3, VECTOR_OF = 4, VECTOR_DF = 8, VECTOR_PF = 14, VECTOR_CP = 21

# ---- the logs -----------------------------------------------------------------------------------------------------------

cdef void place(Cpu* cpu, Op* op, Event* event, int kind) noexcept nogil:
    memset(event, 0, sizeof(Event))
    event.time = cpu.limit - cpu.budget + (op.position if op != NULL else 0)
    event.rip = op.rip if op != NULL else cpu.rip
    event.cs = cpu.segment[CS].selector
    event.cpl = cpu.cpl
    event.kind = kind

cdef Event* log_event(Cpu* cpu, Op* op, int kind, int vector, u32 cause, u64 detail) noexcept nogil:
    cdef Event* event = &cpu.events[cpu.event_count % EVENT_LOG]
    place(cpu, op, event, kind)
    event.vector = vector
    event.cause = cause
    event.detail = detail
    cpu.event_count += 1
    return event

cdef void log_mode(Cpu* cpu, Op* op, u32 what) noexcept nogil:
    cdef Event* event = &cpu.modes[cpu.mode_count % MODE_LOG]
    place(cpu, op, event, EVENT_MODE)
    event.detail = what
    event.target = cpu.rip
    cpu.mode_count += 1

cdef void log_code(Cpu* cpu, Op* op, u32 bits_before) noexcept nogil:
    if cpu.code_bits == bits_before or not is_protected(cpu): return
    if cpu.code_bits == 64: log_mode(cpu, op, MODE_CODE64)
    elif long_mode(cpu): log_mode(cpu, op, MODE_COMPATIBILITY)
    else: log_mode(cpu, op, MODE_CODE32 if cpu.code_bits == 32 else MODE_CODE16)

# ---- one event after another --------------------------------------------------------------------------------------------

cdef inline bint is_contributory(int vector) noexcept nogil:
    return vector == VECTOR_DE or (vector >= VECTOR_TS and vector <= VECTOR_GP) or vector == VECTOR_CP

cdef int combine(int first, int second) noexcept nogil:
    # SDM volume 3, "Interrupt 8 - Double Fault Exception": faults.py draws the table
    if first == VECTOR_DF: return -1 if is_contributory(second) or second == VECTOR_PF else second
    if first == VECTOR_PF: return VECTOR_DF if is_contributory(second) or second == VECTOR_PF else second
    if is_contributory(first) and is_contributory(second): return VECTOR_DF
    return second

cdef inline bint is_fault(int vector, int kind) noexcept nogil:
    # Whether the instruction will run again: then RF = 1 in the pushed image keeps its breakpoint from coming twice
    return kind == EVENT_FAULT and vector != VECTOR_DB and vector != VECTOR_BP and vector != VECTOR_OF and vector != 18

# ---- delivery -------------------------------------------------------------------------------------------------------------

cdef struct Delivery:           # what is on its way, and to where
    int vector
    u32 error
    bint has_error
    bint software               # the gate's DPL counts
    bint retired                # a task switch has counted the instruction already
    u64 rip                     # to be pushed
    u64 flags                   # to be pushed
    Descriptor gate
    u64 offset                  # in the gate

cdef void deliver(Cpu* cpu, int vector, u32 error, bint has_error, int kind) noexcept nogil:
    cdef Delivery d
    cdef Event* event
    cdef bint caused = kind == EVENT_FAULT or kind == EVENT_DOUBLE
    event = log_event(cpu, NULL, kind, vector, cpu.fault.cause if caused else 0, cpu.fault.detail if caused else 0)
    event.error = error
    event.has_error = has_error
    if vector == VECTOR_PF and caused: event.address = cpu.fault.address
    cpu.delivering = vector + 1 if caused else 0                # interrupts are benign, whatever their number
    cpu.external = 1
    d.vector, d.error, d.has_error, d.software, d.retired, d.rip = vector, error, has_error, False, True, cpu.rip
    d.flags = read_rflags(cpu)
    if is_fault(vector, kind) or cpu.midway: d.flags |= FLAG_RF
    if vector == VECTOR_DB and caused:
        cpu.dr[7] &= ~<u64>DR7_GD
        cpu.debugctl &= ~<u64>(DEBUGCTL_LBR | DEBUGCTL_BTF)
        if cpu.fault.cause == CAUSE_DR_GENERAL_DETECT: d.flags |= FLAG_RF       # the one #DB that is a fault and no breakpoint
    through_table(cpu, NULL, &d)
    cpu.midway = 0
    cpu.delivering = 0
    cpu.external = 0
    event.target = cpu.rip

cdef void deliver_debug(Cpu* cpu, u32 met) noexcept nogil:
    cdef int number
    cpu.debug_pending = 0
    cpu.dr[6] = (cpu.dr[6] & ~<u64>DR6_CONDITIONS) | met
    cpu.fault.cause = CAUSE_SINGLE_STEP if met & DR6_BS else CAUSE_TASK_DEBUG
    cpu.fault.detail = 0
    for number in range(4):
        if (met >> number) & 1 and is_enabled(cpu.dr[7], number):
            cpu.fault.cause, cpu.fault.detail = CAUSE_DEBUG_REGISTER, cpu.dr[number]
    deliver(cpu, VECTOR_DB, 0, False, EVENT_FAULT)

cdef void deliver_software(Cpu* cpu, Op* op, int vector, u32 cause) noexcept nogil:
    cdef Delivery d
    cdef Event event
    cdef bint in_task = cause == CAUSE_SOFTWARE_INTERRUPT and cpu.rflags & FLAG_VM and is_redirected(cpu, op, vector)
    if not in_task and cause == CAUSE_SOFTWARE_INTERRUPT and cpu.rflags & FLAG_VM and cpu.rflags & FLAG_IOPL != FLAG_IOPL:
        raise_error(cpu, op, VECTOR_GP, 0, CAUSE_V86_IOPL, vector)
    place(cpu, op, &event, EVENT_SOFTWARE)                      # logged below: a task switch may start over
    event.vector, event.cause, event.detail = vector, cause, vector
    cpu.delivering = 0
    cpu.trap = 0                                                # the handler begins without a single-step trap
    cpu.external = cause == CAUSE_ICEBP
    d.vector, d.error, d.has_error, d.software, d.retired = vector, 0, False, cause != CAUSE_ICEBP, False
    d.rip = next_rip(cpu, op)
    d.flags = read_rflags(cpu)
    if in_task: through_virtual_vector(cpu, op, &d)
    else: through_table(cpu, op, &d)
    if not d.retired: retire(cpu, op)
    cpu.external = 0
    event.target = cpu.rip
    cpu.events[cpu.event_count % EVENT_LOG] = event
    cpu.event_count += 1

cdef void through_table(Cpu* cpu, Op* op, Delivery* d) noexcept nogil:
    if not cpu.paging.cr0 & 1: through_vector(cpu, op, d)
    elif long_mode(cpu): through_long_gate(cpu, op, d)
    else: through_gate(cpu, op, d)

cdef void enter_vector(Cpu* cpu, Op* op, Delivery* d, u64 base) noexcept nogil:
    # Four bytes a vector, offset and segment; no error codes
    cdef Stack stack
    cdef u64 entry = read_system(cpu, op, base + d.vector * 4, 32)
    current_stack(cpu, &stack)
    push_on(cpu, op, &stack, d.flags, 16)
    push_on(cpu, op, &stack, cpu.segment[CS].selector, 16)
    push_on(cpu, op, &stack, d.rip, 16)
    set_stack(cpu, &stack)
    set_real_code(cpu, <u16>(entry >> 16))
    cpu.rip = <u16>entry

cdef void through_vector(Cpu* cpu, Op* op, Delivery* d) noexcept nogil:             # real mode
    if <u32>(d.vector * 4 + 3) > cpu.idtr.limit:
        raise_error(cpu, op, VECTOR_GP, d.vector * 8 + 2 + cpu.external, CAUSE_IVT_LIMIT, d.vector)
    enter_vector(cpu, op, d, cpu.idtr.base)
    cpu.rflags &= ~<u64>(FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF)

# INT n in V86 mode with CR4.VME: where its bit in the interrupt redirection bitmap, the 32 bytes below the I/O permission
# map of the TSS, is 0, it goes through the vectors at linear address 0 and stays in the task

cdef bint is_redirected(Cpu* cpu, Op* op, int vector) noexcept nogil:
    cdef Segment* tr = &cpu.segment[TR]
    cdef u32 at
    if not cpu.paging.cr4 & CR4_VME or tr.access & TYPE != TSS32_BUSY or tr.limit < 103: return False
    at = <u32>read_system(cpu, op, <u32>(tr.base + 102), 16) - 32 + (vector >> 3)
    return at <= tr.limit and not (read_system(cpu, op, <u32>(tr.base + at), 8) >> (vector & 7)) & 1

cdef void through_virtual_vector(Cpu* cpu, Op* op, Delivery* d) noexcept nogil:
    cdef u64 masked = FLAG_IF if cpu.rflags & FLAG_IOPL == FLAG_IOPL else FLAG_VIF
    if masked == FLAG_VIF: d.flags = virtual_flags(d.flags)
    enter_vector(cpu, op, d, 0)
    cpu.rflags &= ~<u64>(masked | FLAG_TF | FLAG_RF)

# A gate of the IDT; in long mode it has 16 bytes, the second eight with offset 63..32
#
#     63                     48 47  46 45  44  43    40 39   35 34  32
#    +-------------------------+---+-----+---+---------+-------+------+
#    | offset 31..16           | P | DPL | 0 |  TYPE   |   0   | IST  |
#    +-------------------------+---+-----+---+---------+-------+------+
#    | code segment selector   | offset 15..0                         |
#    +-------------------------+--------------------------------------+
#     31                     16 15                                   0

cdef void refuse_gate(Cpu* cpu, Op* op, int vector, int gate, u32 cause) noexcept nogil:
    raise_error(cpu, op, vector, gate * 8 + 2 + cpu.external, cause, gate)

cdef void read_gate(Cpu* cpu, Op* op, Delivery* d, u32 bytes) noexcept nogil:
    cdef Descriptor* gate = &d.gate
    cdef u32 type
    if <u32>d.vector * bytes + bytes - 1 > cpu.idtr.limit: refuse_gate(cpu, op, VECTOR_GP, d.vector, CAUSE_IDT_LIMIT)
    gate.linear = cpu.idtr.base + <u32>d.vector * bytes
    gate.low = read_system(cpu, op, gate.linear, 64)
    gate.high = read_system(cpu, op, gate.linear + 8, 64) if bytes == 16 else 0
    gate.access = <u16>(gate.low >> 40) & 0xFF
    gate.selector = <u16>(gate.low >> 16)
    type = gate.access & (NOT_SYSTEM | TYPE)
    d.offset = gate.low & 0xFFFF
    if type != INTERRUPT_GATE16 and type != TRAP_GATE16: d.offset |= (gate.low >> 32) & <u64>0xFFFF0000
    d.offset |= gate.high << 32
    if type != INTERRUPT_GATE32 and type != TRAP_GATE32 and \
            (bytes == 16 or (type != TASK_GATE and type != INTERRUPT_GATE16 and type != TRAP_GATE16)):
        refuse_gate(cpu, op, VECTOR_GP, d.vector, CAUSE_IDT_TYPE)
    if d.software and dpl_of(gate.access) < cpu.cpl: refuse_gate(cpu, op, VECTOR_GP, d.vector, CAUSE_IDT_PRIVILEGE)
    if not gate.access & PRESENT: refuse_gate(cpu, op, VECTOR_NP, d.vector, CAUSE_IDT_NOT_PRESENT)

cdef void gate_target(Cpu* cpu, Op* op, Delivery* d, Descriptor* code) noexcept nogil:
    cdef u16 selector = d.gate.selector
    if selector & 0xFFFC == 0: refuse(cpu, op, VECTOR_GP, 0, CAUSE_IDT_TARGET_NULL)
    if not look_up(cpu, op, selector, code): refuse(cpu, op, VECTOR_GP, selector, CAUSE_IDT_TARGET_BEYOND_TABLE)
    if not is_code(code.access): refuse(cpu, op, VECTOR_GP, selector, CAUSE_IDT_TARGET_NOT_CODE)
    if dpl_of(code.access) > cpu.cpl: refuse(cpu, op, VECTOR_GP, selector, CAUSE_IDT_TARGET_PRIVILEGE)

cdef inline void enter_handler(Cpu* cpu, Delivery* d) noexcept nogil:
    cpu.rflags &= ~<u64>(FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM)
    if d.gate.access & 1 == 0: cpu.rflags &= ~<u64>FLAG_IF      # an interrupt gate, not a trap gate
    cpu.rip = d.offset

cdef void through_gate(Cpu* cpu, Op* op, Delivery* d) noexcept nogil:
    cdef Descriptor code, tss
    cdef Stack stack
    cdef bint from_v86 = cpu.rflags & FLAG_VM != 0, inward
    cdef int size, i
    cdef u32 level = cpu.cpl
    read_gate(cpu, op, d, 8)
    if d.gate.access & TYPE == TASK_GATE:
        follow_task_gate(cpu, op, &d.gate, &tss)
        d.retired = True
        if d.flags & FLAG_RF: cpu.rflags |= FLAG_RF             # in the image that the old TSS gets
        switch_task(cpu, op, &tss, TASK_INTERRUPT, d.rip, d.has_error, d.error)
        return
    size = 32 if d.gate.access & 8 else 16
    gate_target(cpu, op, d, &code)
    inward = not is_conforming(code.access) and dpl_of(code.access) < cpu.cpl
    if from_v86 and (not inward or dpl_of(code.access) != 0):
        refuse(cpu, op, VECTOR_GP, d.gate.selector, CAUSE_IDT_TARGET_PRIVILEGE)
    if not inward and not is_conforming(code.access) and dpl_of(code.access) != cpu.cpl:
        refuse(cpu, op, VECTOR_GP, d.gate.selector, CAUSE_IDT_TARGET_PRIVILEGE)
    if not code.access & PRESENT: refuse(cpu, op, VECTOR_NP, d.gate.selector, CAUSE_IDT_TARGET_NOT_PRESENT)
    if inward:
        level = dpl_of(code.access)
        inner_stack(cpu, op, level, 0, &stack)
    else: current_stack(cpu, &stack)
    if from_v86:
        push_on(cpu, op, &stack, cpu.segment[GS].selector, size)
        push_on(cpu, op, &stack, cpu.segment[FS].selector, size)
        push_on(cpu, op, &stack, cpu.segment[DS].selector, size)
        push_on(cpu, op, &stack, cpu.segment[ES].selector, size)
    if inward:
        push_on(cpu, op, &stack, cpu.segment[SS].selector, size)
        push_on(cpu, op, &stack, cpu.gpr[RSP], size)
    push_on(cpu, op, &stack, d.flags, size)
    push_on(cpu, op, &stack, cpu.segment[CS].selector, size)
    push_on(cpu, op, &stack, d.rip, size)
    if d.has_error: push_on(cpu, op, &stack, d.error, size)
    check_entry(cpu, op, &code, d.offset)
    set_stack(cpu, &stack)
    enter_handler(cpu, d)
    set_code(cpu, &code, level)
    if from_v86:
        for i in range(6):
            if i != CS and i != SS: set_null(cpu, i, 0)

cdef void through_long_gate(Cpu* cpu, Op* op, Delivery* d) noexcept nogil:
    cdef Descriptor code
    cdef Stack stack
    cdef u32 level = cpu.cpl, ist
    cdef bint inward
    read_gate(cpu, op, d, 16)
    ist = (d.gate.low >> 32) & 7
    gate_target(cpu, op, d, &code)
    if code.access & (LONG_CODE | BIG) != LONG_CODE: refuse(cpu, op, VECTOR_GP, d.gate.selector, CAUSE_IDT_TARGET_NOT_64)
    if not code.access & PRESENT: refuse(cpu, op, VECTOR_NP, d.gate.selector, CAUSE_IDT_TARGET_NOT_PRESENT)
    inward = not is_conforming(code.access) and dpl_of(code.access) < cpu.cpl
    if inward: level = dpl_of(code.access)
    if inward or ist: inner_stack(cpu, op, level, ist, &stack)
    else:
        current_stack(cpu, &stack)
        stack.flat = True                                       # the handler's stack, even out of compatibility mode
        stack.mask = ~<u64>0
    stack.pointer &= ~<u64>15
    push_on(cpu, op, &stack, cpu.segment[SS].selector, 64)
    push_on(cpu, op, &stack, cpu.gpr[RSP], 64)
    push_on(cpu, op, &stack, d.flags, 64)
    push_on(cpu, op, &stack, cpu.segment[CS].selector, 64)
    push_on(cpu, op, &stack, d.rip, 64)
    if d.has_error: push_on(cpu, op, &stack, d.error, 64)
    check_entry(cpu, op, &code, d.offset)
    set_code(cpu, &code, level)
    set_stack(cpu, &stack)
    enter_handler(cpu, d)

# ---- returns --------------------------------------------------------------------------------------------------------------

cdef void set_flags(Cpu* cpu, u64 value, u64 mask) noexcept nogil:
    cdef u64 flags = (read_rflags(cpu) & ~mask) | (value & mask)
    set_arithmetic_flags(cpu, flags)
    cpu.rflags = (flags & cpu.model.flags_bits) | 2

cdef inline void set_pointer(Cpu* cpu, u64 value) noexcept nogil:
    # SP, ESP or RSP, as wide as the stack is now
    if cpu.stack_mask == 0xFFFF: cpu.gpr[RSP] = (cpu.gpr[RSP] & ~<u64>0xFFFF) | (value & 0xFFFF)
    else: cpu.gpr[RSP] = value & cpu.stack_mask

cdef inline u64 returnable_flags(Cpu* cpu, int size) noexcept nogil:
    # What IRET may change, by the level it comes from
    cdef u64 mask = ARITHMETIC | FLAG_TF | FLAG_DF | FLAG_NT
    if size != 16: mask |= FLAG_RF | FLAG_AC | FLAG_ID
    if cpu.cpl <= (cpu.rflags >> 12) & 3: mask |= FLAG_IF
    if cpu.cpl == 0: mask |= FLAG_IOPL | (FLAG_VIF | FLAG_VIP if size != 16 else 0)
    return mask

cdef void return_to(Cpu* cpu, Op* op, int size, u64 rip, u16 selector, u32 depth, u32 extra,
                    bint with_stack) noexcept nogil:
    cdef Descriptor code, stack
    cdef u64 pointer
    cdef u32 level = selector & 3
    cdef bint outward
    fetch(cpu, op, selector, VECTOR_GP, &code)
    check_return(cpu, op, &code)
    if not code.access & LONG_CODE: rip = <u32>rip              # a 64-bit RETF or IRET to compatibility mode
    outward = level > cpu.cpl
    if outward or with_stack:
        pointer = top_slow(cpu, op, size, depth + extra)
        check_outer_stack(cpu, op, &code, <u16>top_slow(cpu, op, size, depth + extra + size // 8), &stack)
        check_entry(cpu, op, &code, rip)
        set_code(cpu, &code, level)
        if stack.access: set_data(cpu, SS, &stack)
        else: set_null(cpu, SS, stack.selector)
        set_pointer(cpu, pointer + extra)
        if outward: drop_privileged_data(cpu)
    else:
        check_entry(cpu, op, &code, rip)
        set_pointer(cpu, cpu.gpr[RSP] + depth + extra)
        set_code(cpu, &code, level)
    cpu.rip = rip

cdef void return_to_v86(Cpu* cpu, Op* op, u64 rip, u16 selector, u64 flags) noexcept nogil:
    #    0 EIP   4 CS   8 EFLAGS   12 ESP   16 SS   20 ES   24 DS   28 FS   32 GS
    cdef u64 pointer = top_slow(cpu, op, 32, 12)
    cdef u16 ss = <u16>top_slow(cpu, op, 32, 16), es = <u16>top_slow(cpu, op, 32, 20)
    cdef u16 ds = <u16>top_slow(cpu, op, 32, 24), fs = <u16>top_slow(cpu, op, 32, 28), gs = <u16>top_slow(cpu, op, 32, 32)
    if rip > 0xFFFF: raise_error(cpu, op, VECTOR_GP, 0, CAUSE_TARGET_LIMIT, rip)
    set_flags(cpu, flags, ~<u64>0)
    set_real_code(cpu, selector)
    set_v86_segment(cpu, SS, ss)
    set_v86_segment(cpu, ES, es)
    set_v86_segment(cpu, DS, ds)
    set_v86_segment(cpu, FS, fs)
    set_v86_segment(cpu, GS, gs)
    cpu.gpr[RSP] = <u32>pointer
    cpu.rip = rip

cdef void interrupt_return(Cpu* cpu, Op* op, int size) noexcept nogil:
    cdef u64 rip, flags, mask
    cdef u32 step = size // 8, bits = cpu.code_bits
    cdef u16 selector
    cdef bint is_virtual_ = is_virtual(cpu, op, size)
    if is_protected(cpu) and cpu.rflags & FLAG_NT:
        if long_mode(cpu): raise_error(cpu, op, VECTOR_GP, 0, CAUSE_TASK_NT_IN_LONG_MODE, 0)
        return_from_task(cpu, op)
        cpu.nmi_blocked = 0
        return
    flags = top_slow(cpu, op, size, 2 * step)                   # from the top down, as a page fault can tell
    selector = <u16>top_slow(cpu, op, size, step)
    rip = top_slow(cpu, op, size, 0)
    mask = returnable_flags(cpu, size)
    if not is_protected(cpu):
        if rip > cpu.segment[CS].limit: raise_error(cpu, op, VECTOR_GP, 0, CAUSE_TARGET_LIMIT, rip)
        if is_virtual_:
            flags = real_flags(cpu, op, flags)
            mask |= FLAG_VIF
        if not cpu.rflags & FLAG_VM: mask &= ~<u64>(FLAG_VIF | FLAG_VIP)
        set_pointer(cpu, cpu.gpr[RSP] + 3 * step)
        set_real_code(cpu, selector)
        cpu.rip = rip
    elif flags & FLAG_VM and size == 32 and cpu.cpl == 0 and not long_mode(cpu):
        return_to_v86(cpu, op, rip, selector, flags)
        mask = 0
    else:
        return_to(cpu, op, size, rip, selector, 3 * step, 0, bits == 64)
        log_code(cpu, op, bits)
    set_flags(cpu, flags, mask)
    cpu.nmi_blocked = 0
    retire(cpu, op)
