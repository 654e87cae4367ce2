"""Task switches: everything a task is goes into its TSS, and everything the next one is comes out of its own.

The order is the manual's ("Task Switching"): check and read the new TSS, save the old state, turn the busy bits and the
back link, load the new registers; from there on faults belong to the new task. A task switch runs outside any block, so
that a TSS among code bytes cannot make it start over half-way.
"""
from x86._state cimport *
from x86._flags cimport *
from x86._access cimport flush_tlb, raise_error, raise_fault, read_system, run_alone, translate, write_system
from x86._breakpoints cimport arm
from x86._debug cimport DR6_BT, DR7_LOCAL
from x86._mmu cimport load_pdptes
from x86._operands cimport next_rip, retire
from x86._segments cimport *
from x86._units cimport update_units
from x86._causes cimport *

cdef enum: CR0_TS = 8, CR4_PAE = 0x20

cdef struct Task:               # a TSS as it is read: the 16-bit one has no CR3, FS and GS
    u64 cr3, rip, flags
    u64 gpr[8]
    u16 selectors[6]
    u16 ldt
    bint trap

# Offsets in the 32-bit TSS (a slot of 4 bytes each) and in the 16-bit one (2 bytes each)
#
#     32-bit  0 link   28 CR3   32 EIP   36 EFLAGS   40 EAX .. 68 EDI   72 ES CS SS DS FS 92 GS   96 LDT   100 T
#     16-bit  0 link            14 IP    16 FLAGS    18 AX  .. 32 DI    34 ES CS SS 40 DS         42 LDT

cdef inline u64 slot(bint wide, u32 index) noexcept nogil:      # 0 is EIP, 1 EFLAGS, 2..9 registers, 10..15 segments
    return 32 + 4 * index if wide else 14 + 2 * index

cdef void refuse_task(Cpu* cpu, Op* op, u32 selector, u32 cause) noexcept nogil:
    refuse(cpu, op, VECTOR_TS, selector, cause)

# ---- which task -----------------------------------------------------------------------------------------------------------

cdef void check_available(Cpu* cpu, Op* op, const Descriptor* tss) noexcept nogil:
    cdef u32 type = tss.access & (NOT_SYSTEM | TYPE)
    if type != TSS16 and type != TSS32:
        refuse(cpu, op, VECTOR_GP, tss.selector,
               CAUSE_TASK_BUSY if type == TSS16_BUSY or type == TSS32_BUSY else CAUSE_DESCRIPTOR_NOT_TSS)
    if not tss.access & PRESENT: refuse(cpu, op, VECTOR_NP, tss.selector, CAUSE_DESCRIPTOR_NOT_PRESENT)

cdef void follow_task_gate(Cpu* cpu, Op* op, const Descriptor* gate, Descriptor* tss) noexcept nogil:
    cdef u16 selector = <u16>(gate.low >> 16)
    if selector & 4: refuse(cpu, op, VECTOR_GP, selector, CAUSE_SELECTOR_MUST_BE_GDT)
    fetch(cpu, op, selector, VECTOR_GP, tss)
    check_available(cpu, op, tss)

# ---- the old task -----------------------------------------------------------------------------------------------------------

cdef void save(Cpu* cpu, Op* op, u64 rip, u64 flags) noexcept nogil:
    cdef Segment* tr = &cpu.segment[TR]
    cdef bint wide = tr.access & 8 != 0
    cdef int size = 32 if wide else 16, i
    for i in range(8): write_system(cpu, op, <u32>(tr.base + slot(wide, 2 + i)), cpu.gpr[i], size)
    for i in range(6 if wide else 4): write_system(cpu, op, <u32>(tr.base + slot(wide, 10 + i)), cpu.segment[i].selector, 16)
    write_system(cpu, op, <u32>(tr.base + slot(wide, 0)), rip, size)
    write_system(cpu, op, <u32>(tr.base + slot(wide, 1)), flags, size)

cdef void check_savable(Cpu* cpu, Op* op) noexcept nogil:
    # The whole of the old state can be written, or this faults before any of it is
    cdef Segment* tr = &cpu.segment[TR]
    cdef bint wide = tr.access & 8 != 0
    translate(cpu, op, <u32>(tr.base + slot(wide, 0)), WRITE, False)
    translate(cpu, op, <u32>(tr.base + slot(wide, 16) - 1), WRITE, False)

cdef void set_busy(Cpu* cpu, Op* op, u16 selector, bint busy) noexcept nogil:
    cdef u64 where = <u32>(cpu.gdtr.base + (selector & 0xFFF8) + 5)
    cdef u64 access = read_system(cpu, op, where, 8)
    write_system(cpu, op, where, access | 2 if busy else access & ~<u64>2, 8)

# ---- the new task -----------------------------------------------------------------------------------------------------------

cdef void read_task(Cpu* cpu, Op* op, const Descriptor* tss, Task* task) noexcept nogil:
    cdef u64 base = base_of(tss)
    cdef bint wide = tss.access & 8 != 0
    cdef int size = 32 if wide else 16, i
    task.cr3 = read_system(cpu, op, <u32>(base + 28), 32) if wide else 0
    task.rip = read_system(cpu, op, <u32>(base + slot(wide, 0)), size)
    task.flags = read_system(cpu, op, <u32>(base + slot(wide, 1)), size)
    for i in range(8): task.gpr[i] = read_system(cpu, op, <u32>(base + slot(wide, 2 + i)), size)
    for i in range(6):
        task.selectors[i] = <u16>read_system(cpu, op, <u32>(base + slot(wide, 10 + i)), 16) if wide or i < 4 else 0
    task.ldt = <u16>read_system(cpu, op, <u32>(base + (96 if wide else 42)), 16)
    task.trap = wide and read_system(cpu, op, <u32>(base + 100), 16) & 1

cdef void load_ldt(Cpu* cpu, u16 selector) noexcept nogil:
    cdef Descriptor d
    set_null(cpu, LDTR, selector)
    if selector & 0xFFFC == 0: return
    if selector & 4: refuse_task(cpu, NULL, selector, CAUSE_SELECTOR_MUST_BE_GDT)
    fetch(cpu, NULL, selector, VECTOR_TS, &d)
    if d.access & (NOT_SYSTEM | TYPE) != LDT: refuse_task(cpu, NULL, selector, CAUSE_DESCRIPTOR_NOT_LDT)
    if not d.access & PRESENT: refuse_task(cpu, NULL, selector, CAUSE_DESCRIPTOR_NOT_PRESENT)
    cpu.segment[LDTR].base = base_of(&d)
    cpu.segment[LDTR].limit = limit_of(&d)
    cpu.segment[LDTR].access = d.access

cdef void load_code(Cpu* cpu, u16 selector) noexcept nogil:
    cdef Descriptor d
    cdef u32 level = selector & 3
    fetch(cpu, NULL, selector, VECTOR_TS, &d)
    if not is_code(d.access): refuse_task(cpu, NULL, selector, CAUSE_TASK_STATE)
    if dpl_of(d.access) > level if is_conforming(d.access) else dpl_of(d.access) != level:
        refuse_task(cpu, NULL, selector, CAUSE_TASK_STATE)
    if not d.access & PRESENT: refuse(cpu, NULL, VECTOR_NP, selector, CAUSE_DESCRIPTOR_NOT_PRESENT)
    mark_accessed(cpu, NULL, &d)
    set_code(cpu, &d, level)

cdef void load_stack(Cpu* cpu, u16 selector) noexcept nogil:
    cdef Descriptor d
    fetch(cpu, NULL, selector, VECTOR_TS, &d)
    if <u32>(selector & 3) != cpu.cpl or dpl_of(d.access) != cpu.cpl or not is_writable_data(d.access):
        refuse_task(cpu, NULL, selector, CAUSE_TASK_STATE)
    if not d.access & PRESENT: refuse(cpu, NULL, VECTOR_SS, selector, CAUSE_DESCRIPTOR_NOT_PRESENT)
    mark_accessed(cpu, NULL, &d)
    set_data(cpu, SS, &d)

cdef void load_data(Cpu* cpu, int register, u16 selector) noexcept nogil:
    cdef Descriptor d
    if selector & 0xFFFC == 0: return
    fetch(cpu, NULL, selector, VECTOR_TS, &d)
    if not is_readable(d.access): refuse_task(cpu, NULL, selector, CAUSE_TASK_STATE)
    if not is_conforming(d.access) and (dpl_of(d.access) < cpu.cpl or dpl_of(d.access) < <u32>(selector & 3)):
        refuse_task(cpu, NULL, selector, CAUSE_TASK_STATE)
    if not d.access & PRESENT: refuse(cpu, NULL, VECTOR_NP, selector, CAUSE_DESCRIPTOR_NOT_PRESENT)
    mark_accessed(cpu, NULL, &d)
    set_data(cpu, register, &d)

cdef void load_segments(Cpu* cpu, const Task* task) noexcept nogil:
    cdef int i
    for i in range(6): set_null(cpu, i, task.selectors[i])         # what a fault below leaves: selectors, nothing behind
    load_ldt(cpu, task.ldt)
    if cpu.rflags & FLAG_VM:
        set_real_code(cpu, task.selectors[CS])
        for i in range(6):
            if i != CS: set_v86_segment(cpu, i, task.selectors[i])
        return
    load_code(cpu, task.selectors[CS])
    load_stack(cpu, task.selectors[SS])
    for i in range(6):
        if i != CS and i != SS: load_data(cpu, i, task.selectors[i])

cdef void load_page_directory(Cpu* cpu, u64 cr3) noexcept nogil:
    cdef u64 before = cpu.paging.cr3
    if not cpu.paging.cr0 & <u64>0x80000000 or cr3 == before: return
    cpu.paging.cr3 = cr3
    if cpu.paging.cr4 & CR4_PAE and not load_pdptes(cpu.memory, &cpu.paging):
        raise_error(cpu, NULL, VECTOR_GP, cpu.external, CAUSE_CR3_PDPTE, cr3)
    flush_tlb(cpu, False)

# ---- the switch -------------------------------------------------------------------------------------------------------------

cdef void switch_task(Cpu* cpu, Op* op, const Descriptor* tss, int how, u64 rip, bint has_error,
                      u32 error) noexcept nogil:
    cdef Task task
    cdef Stack stack
    cdef bint wide = tss.access & 8 != 0
    cdef u64 flags = read_rflags(cpu)
    cdef u16 old = cpu.segment[TR].selector
    cdef int i
    run_alone(cpu, op)
    if limit_of(tss) < <u32>(103 if wide else 43): refuse_task(cpu, op, tss.selector, CAUSE_TSS_LIMIT)
    check_savable(cpu, op)
    read_task(cpu, op, tss, &task)
    if how == TASK_RETURN: flags &= ~<u64>FLAG_NT
    save(cpu, op, rip, flags)
    if how == TASK_JUMP or how == TASK_RETURN: set_busy(cpu, op, old, False)
    if how == TASK_CALL or how == TASK_INTERRUPT:
        write_system(cpu, op, <u32>base_of(tss), old, 16)
        task.flags |= FLAG_NT
    if how != TASK_RETURN: set_busy(cpu, op, tss.selector, True)

    if op != NULL: retire(cpu, op)                                  # from here on it is the new task that faults
    cpu.segment[TR].selector = tss.selector
    cpu.segment[TR].base = base_of(tss)
    cpu.segment[TR].limit = limit_of(tss)
    cpu.segment[TR].access = tss.access | 2
    cpu.paging.cr0 |= CR0_TS
    update_units(cpu)
    for i in range(8): cpu.gpr[i] = task.gpr[i] if wide else task.gpr[i] | <u64>0xFFFF0000      # as the 386 has it
    cpu.rip = task.rip
    set_arithmetic_flags(cpu, task.flags)
    cpu.rflags = (task.flags & cpu.model.flags_bits) | 2
    if cpu.dr[7] & DR7_LOCAL:
        cpu.dr[7] &= ~<u64>DR7_LOCAL
        arm(cpu)
    if wide: load_page_directory(cpu, task.cr3)
    load_segments(cpu, &task)
    if task.rip > cpu.segment[CS].limit: raise_error(cpu, NULL, VECTOR_GP, cpu.external, CAUSE_TARGET_LIMIT, task.rip)
    if has_error:
        current_stack(cpu, &stack)
        push_on(cpu, NULL, &stack, error, 32 if wide else 16)
        set_stack(cpu, &stack)
    if task.trap: cpu.debug_pending |= DR6_BT

cdef void return_from_task(Cpu* cpu, Op* op) noexcept nogil:
    cdef Descriptor tss
    cdef u16 link = <u16>read_system(cpu, op, <u32>cpu.segment[TR].base, 16)
    cdef u32 type
    if link & 4: refuse_task(cpu, op, link, CAUSE_SELECTOR_MUST_BE_GDT)
    fetch(cpu, op, link, VECTOR_TS, &tss)
    type = tss.access & (NOT_SYSTEM | TYPE)
    if type != TSS16_BUSY and type != TSS32_BUSY: refuse_task(cpu, op, link, CAUSE_TASK_NOT_BUSY)
    if not tss.access & PRESENT: refuse(cpu, op, VECTOR_NP, link, CAUSE_DESCRIPTOR_NOT_PRESENT)
    switch_task(cpu, op, &tss, TASK_RETURN, next_rip(cpu, op), False, 0)
