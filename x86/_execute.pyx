"""The run loop.

    run     setjmp; every fault and every restart comes back here
     loop   settle what unwound, take interrupts, then
              lookup   the block at rip: from the cache, or decoded                       (_blocks.pyx)
              run it   handlers hand over to each other (threaded), or are called in turn (plain loop)
            until the budget is used up, the processor halts or shuts down, or somebody asked to stop

Interrupts are looked at only here. That is exact: whatever can raise or unmask one (port and MMIO accesses, STI, POPF,
IRET, MOV CR8, an event of the clock) leaves its block, and the budget ends at the next event of the clock.
"""
from libc.setjmp cimport setjmp
from libc.string cimport memset
from x86._state cimport *
from x86._flags cimport FLAG_AC, FLAG_IF, FLAG_RF, FLAG_TF, FLAG_VIF, FLAG_VIP
from x86._access cimport flush_tlb
from x86._breakpoints cimport code_conditions
from x86._blocks cimport lookup, single
from x86._debug cimport BREAK_CODE, DEBUGCTL_BTF, DR6_BS
from x86._virtual cimport check_virtual_interrupt
from x86._units cimport to_guest, to_python
from x86._interrupts cimport combine, deliver, deliver_debug

cdef enum: LONGEST_STREAK = 16

cdef inline void execute(Cpu* cpu, Op* op) noexcept nogil:
    if THREADED:
        op.run(cpu, op)
    else:
        while op != NULL: op = op.run(cpu, op)

cdef void log_undelivered(Cpu* cpu, int kind) noexcept nogil:
    # A fault that no handler will see still belongs to the chain that the post-mortem tells
    cdef Event* event = &cpu.events[cpu.event_count % EVENT_LOG]
    memset(event, 0, sizeof(Event))
    event.time = cpu.limit - cpu.budget
    event.rip = cpu.rip
    event.cs = cpu.segment[CS].selector
    event.cpl = cpu.cpl
    event.kind = kind
    event.vector = cpu.fault.vector
    event.error = cpu.fault.error
    event.has_error = cpu.fault.has_error
    event.cause = cpu.fault.cause
    event.detail = cpu.fault.detail
    if cpu.fault.vector == 14: event.address = cpu.fault.address
    cpu.event_count += 1

cdef void deliver_fault(Cpu* cpu) noexcept nogil:
    cdef int vector = cpu.fault.vector
    if vector == 14: cpu.cr2 = cpu.fault.address
    if cpu.delivering:
        vector = combine(cpu.delivering - 1, cpu.fault.vector)
        if vector < 0:                                      # while #DF was being delivered: nothing is left but reset
            log_undelivered(cpu, EVENT_TRIPLE)
            cpu.delivering = cpu.external = 0
            cpu.exit = EXIT_SHUTDOWN
            return
        if vector == 8:
            log_undelivered(cpu, EVENT_FAULT)
            deliver(cpu, 8, 0, True, EVENT_DOUBLE)
            return
    deliver(cpu, vector, cpu.fault.error, cpu.fault.has_error, EVENT_FAULT)

cdef void settle(Cpu* cpu) noexcept nogil:
    # A handler (or a delivery) was left by longjmp: count what was done before it, then deliver the fault
    cdef Op* op = cpu.unwind_op
    cdef int reason = cpu.unwind_reason
    cpu.unwind_reason = 0
    cpu.single = 0
    cpu.debug_met = 0
    give_back(cpu)
    if op != NULL:
        if not cpu.retired: cpu.budget -= op.position - 1 - (op.repeat == FUSED)
        cpu.rip = op.rip
    cpu.retired = 0
    if reason == UNWIND_SINGLE:
        step(cpu)
        return
    # A handler that faults at its first instruction, for ever, must not stop time
    if cpu.limit - cpu.budget != cpu.streak_time: cpu.streak = 0
    cpu.streak += 1
    if cpu.streak > LONGEST_STREAK: cpu.budget -= 1
    cpu.streak_time = cpu.limit - cpu.budget
    deliver_fault(cpu)

cdef inline void give_back(Cpu* cpu) noexcept nogil:
    cpu.budget += cpu.withheld
    cpu.limit += cpu.withheld
    cpu.withheld = 0

cdef void step(Cpu* cpu) noexcept nogil:
    # One instruction (or one iteration of a REP), outside any block. What it leaves to be trapped, the loop delivers.
    cdef u64 behind
    cdef u32 met
    cdef Op* op
    if unlikely(cpu.armed & 1 << BREAK_CODE):
        met = code_conditions(cpu)
        if met:
            deliver_debug(cpu, met)
            return
    cpu.shadow = 0
    cpu.single = 1
    cpu.trap = (cpu.rflags & FLAG_TF) != 0
    op = single(cpu)
    behind = op[1].imm
    cpu.midway = 0
    cpu.rflags &= ~<u64>FLAG_RF                             # RF lasts for one instruction; IRET may set it anew
    cpu.withheld = cpu.budget - 1
    cpu.budget = 1
    cpu.limit -= cpu.withheld
    execute(cpu, op)
    cpu.single = 0
    give_back(cpu)
    if cpu.trap and not (cpu.debugctl & DEBUGCTL_BTF and (cpu.midway or cpu.rip == behind)): cpu.debug_pending |= DR6_BS

cdef void loop(Cpu* cpu) noexcept nogil:
    cdef Op* first
    cdef int vector
    cdef u8 alignment
    if cpu.unwind_reason: settle(cpu)
    while not cpu.exit:
        alignment = ((cpu.rflags & FLAG_AC) != 0 and cpu.paging.cr0 & (1 << 18) != 0 and cpu.cpl == 3) \
            | ((cpu.rflags & FLAG_AC) != 0 and cpu.paging.cr4 & (1 << 21) != 0) << 1
        if unlikely(alignment != cpu.aligned_only):         # what the TLB may answer by itself has changed
            cpu.aligned_only = alignment
            flush_tlb(cpu, True)
        cpu.debug_pending |= cpu.debug_met
        cpu.debug_met = 0
        if unlikely(cpu.debug_pending) and cpu.shadow != SHADOW_STACK:
            cpu.halted = 0
            deliver_debug(cpu, cpu.debug_pending)
        if not cpu.shadow:
            if unlikely(cpu.nmi_pending) and not cpu.nmi_blocked:
                cpu.nmi_pending = 0
                cpu.nmi_blocked = 1
                cpu.halted = 0
                deliver(cpu, 2, 0, False, EVENT_INTERRUPT)
            elif cpu.intr and cpu.rflags & FLAG_IF:
                cpu.halted = 0
                vector = cpu.acknowledge(cpu)
                if vector >= 0: deliver(cpu, vector, 0, False, EVENT_INTERRUPT)
        if unlikely(cpu.rflags & (FLAG_VIF | FLAG_VIP) == FLAG_VIF | FLAG_VIP): check_virtual_interrupt(cpu)
        if cpu.budget <= 0: cpu.exit = EXIT_BUDGET
        elif cpu.halted: cpu.exit = EXIT_HALT
        elif unlikely(cpu.shadow or cpu.rflags & (FLAG_TF | FLAG_RF)): step(cpu)
        else:
            first = lookup(cpu)
            if first == NULL or cpu.budget < first.total: step(cpu)
            else:
                cpu.midway = 0
                execute(cpu, first)

cdef void run(Cpu* cpu) noexcept nogil:
    cpu.exit = EXIT_NONE
    cpu.unwind_reason = 0
    cpu.single = 0
    cpu.retired = 0
    to_guest(cpu)
    setjmp(cpu.unwind)                                      # faults come back here; loop() settles them first
    loop(cpu)
    to_python(cpu)
