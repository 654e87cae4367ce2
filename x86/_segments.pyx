"""Descriptor tables, the checks before a segment register is loaded, code segments, and stacks of other levels.

Every function that can fault does so before it changes a register; only the functions called set_* commit. Error codes
carry EXT (Cpu.external) while an event is being delivered.
"""
from x86._state cimport *
from x86._flags cimport FLAG_VM
from x86._tlb cimport is_canonical, is_canonical_base, store
from x86._access cimport raise_error, read_system, watch, write_system, set_context, forget_jumps
from x86._operands cimport is_protected, long_mode
from x86._causes cimport *

cdef void refuse(Cpu* cpu, Op* op, int vector, u32 selector, u32 cause) noexcept nogil:
    raise_error(cpu, op, vector, (selector & 0xFFFC) | cpu.external, cause, selector)

# ---- descriptors ----------------------------------------------------------------------------------------------------
#
#     63       56 55  54  53  52  51     48 47  46 45  44  43    40 39         32
#    +-----------+---+---+---+---+---------+---+-----+---+---------+------------+
#    |base 31..24| G |D/B| L |AVL|limit    | P | DPL | S |  TYPE   |base 23..16 |
#    |           |   |   |   |   | 19..16  |   |     |   |         |            |
#    +-----------+---+---+---+---+---------+---+-----+---+---------+------------+
#    | base 15..0                          | limit 15..0                        |
#    +-------------------------------------+------------------------------------+
#     31                                 16 15                                 0

cdef bint look_up(Cpu* cpu, Op* op, u16 selector, Descriptor* d) noexcept nogil:
    cdef u64 base = cpu.gdtr.base
    cdef u32 limit = cpu.gdtr.limit
    d.selector = selector
    d.high = 0
    if selector & 4:
        if not cpu.segment[LDTR].access & PRESENT: return False
        base, limit = cpu.segment[LDTR].base, cpu.segment[LDTR].limit
    if <u32>(selector | 7) > limit: return False
    d.linear = base + (selector & 0xFFF8)
    if not long_mode(cpu): d.linear = <u32>d.linear
    d.low = read_system(cpu, op, d.linear, 64)
    d.access = <u16>(d.low >> 40) & 0xF0FF
    return True

cdef void fetch(Cpu* cpu, Op* op, u16 selector, int vector, Descriptor* d) noexcept nogil:
    if selector & 0xFFFC == 0: refuse(cpu, op, vector, 0, CAUSE_NULL_LOADED)
    if not look_up(cpu, op, selector, d):
        if selector & 4 and not cpu.segment[LDTR].access & PRESENT: refuse(cpu, op, vector, selector, CAUSE_SELECTOR_NO_LDT)
        refuse(cpu, op, vector, selector, CAUSE_SELECTOR_BEYOND_TABLE)

cdef bint extend(Cpu* cpu, Op* op, Descriptor* d) noexcept nogil:
    cdef u32 limit = cpu.segment[LDTR].limit if d.selector & 4 else cpu.gdtr.limit
    if <u32>(d.selector | 7) + 8 > limit: return False
    d.high = read_system(cpu, op, d.linear + 8, 64)
    return True

cdef void mark_accessed(Cpu* cpu, Op* op, const Descriptor* d) noexcept nogil:
    # Only where the bit is clear: descriptor tables may lie in ROM or in read-only pages
    if not d.access & ACCESSED: write_system(cpu, op, d.linear + 5, <u8>(d.low >> 40) | ACCESSED, 8)

# ---- data segments --------------------------------------------------------------------------------------------------

cdef void update_stack(Cpu* cpu) noexcept nogil:
    if cpu.code_bits == 64: cpu.stack_mask = ~<u64>0
    elif cpu.segment[SS].access & BIG: cpu.stack_mask = <u64>0xFFFFFFFF
    else: cpu.stack_mask = 0xFFFF

cdef void set_data(Cpu* cpu, int register, const Descriptor* d) noexcept nogil:
    cdef Segment* s = &cpu.segment[register]
    s.selector = d.selector
    s.base = base_of(d)
    s.limit = limit_of(d)
    s.access = d.access | ACCESSED
    if register == SS: update_stack(cpu)

cdef void set_null(Cpu* cpu, int register, u16 selector) noexcept nogil:
    cdef Segment* s = &cpu.segment[register]
    s.selector = selector
    s.base = 0
    s.limit = 0
    s.access = 0
    if register == SS: update_stack(cpu)

cdef void set_v86_segment(Cpu* cpu, int register, u16 selector) noexcept nogil:
    cdef Segment* s = &cpu.segment[register]
    s.selector = selector
    s.base = <u64>selector << 4
    s.limit = 0xFFFF
    s.access = 0xF3                                     # present, DPL 3, data, writable, accessed
    if register == SS: update_stack(cpu)

cdef void load_real(Cpu* cpu, int register, u16 selector) noexcept nogil:
    # Limit and attributes stay what protected mode left there ("unreal mode"), unless that was nothing at all
    cdef Segment* s = &cpu.segment[register]
    s.selector = selector
    s.base = <u64>selector << 4
    if not s.access & PRESENT:
        s.access = 0x93
        s.limit = 0xFFFF
        if register == SS: update_stack(cpu)

cdef void check_stack_segment(Cpu* cpu, Op* op, const Descriptor* d, u32 level, int vector) noexcept nogil:
    # SS: RPL, DPL and the level it is for are one, and the segment is writable data
    if (d.selector & 3) != level or dpl_of(d.access) != level:
        refuse(cpu, op, vector, d.selector, CAUSE_TSS_STACK_PRIVILEGE if vector == VECTOR_TS else CAUSE_PRIVILEGE_STACK)
    if not is_writable_data(d.access):
        refuse(cpu, op, vector, d.selector, CAUSE_TSS_STACK_TYPE if vector == VECTOR_TS else CAUSE_DESCRIPTOR_NOT_STACK)
    if not d.access & PRESENT:
        refuse(cpu, op, VECTOR_SS, d.selector,
               CAUSE_TSS_STACK_NOT_PRESENT if vector == VECTOR_TS else CAUSE_DESCRIPTOR_NOT_PRESENT)

cdef void load_segment(Cpu* cpu, Op* op, int register, u16 selector) noexcept nogil:
    cdef Descriptor d
    if not is_protected(cpu):
        if cpu.rflags & FLAG_VM: set_v86_segment(cpu, register, selector)
        else: load_real(cpu, register, selector)
        return
    if selector & 0xFFFC == 0:
        if register == SS and (cpu.code_bits != 64 or cpu.cpl == 3 or (selector & 3) != cpu.cpl):
            refuse(cpu, op, VECTOR_GP, 0, CAUSE_NULL_LOADED)
        set_null(cpu, register, selector)
        return
    fetch(cpu, op, selector, VECTOR_GP, &d)
    if register == SS:
        check_stack_segment(cpu, op, &d, cpu.cpl, VECTOR_GP)
    else:
        if not is_readable(d.access): refuse(cpu, op, VECTOR_GP, selector, CAUSE_DESCRIPTOR_NOT_DATA)
        if not is_conforming(d.access) and (dpl_of(d.access) < cpu.cpl or dpl_of(d.access) < <u32>(selector & 3)):
            refuse(cpu, op, VECTOR_GP, selector, CAUSE_PRIVILEGE_DATA)
        if not d.access & PRESENT: refuse(cpu, op, VECTOR_NP, selector, CAUSE_DESCRIPTOR_NOT_PRESENT)
    mark_accessed(cpu, op, &d)
    set_data(cpu, register, &d)

cdef void drop_privileged_data(Cpu* cpu) noexcept nogil:
    # CPL has grown: data segments that the new level may not use become null
    cdef Segment* s
    cdef int i
    for i in range(6):
        if i == CS or i == SS: continue
        s = &cpu.segment[i]
        if s.access & PRESENT and not is_conforming(s.access) and dpl_of(s.access) < cpu.cpl: set_null(cpu, i, 0)

# ---- LDTR and TR ----------------------------------------------------------------------------------------------------

cdef void fetch_system(Cpu* cpu, Op* op, u16 selector, Descriptor* d) noexcept nogil:
    if selector & 4: refuse(cpu, op, VECTOR_GP, selector, CAUSE_SELECTOR_MUST_BE_GDT)
    fetch(cpu, op, selector, VECTOR_GP, d)

cdef void extend_system(Cpu* cpu, Op* op, Descriptor* d) noexcept nogil:
    # In long mode LDT and TSS descriptors have 16 bytes: the upper half of the base, and a type field that must be 0
    if not long_mode(cpu): return
    if not extend(cpu, op, d): refuse(cpu, op, VECTOR_GP, d.selector, CAUSE_SELECTOR_BEYOND_TABLE)
    if (d.high >> 40) & 0x1F: refuse(cpu, op, VECTOR_GP, d.selector, CAUSE_DESCRIPTOR_RESERVED)
    if not is_canonical_base(cpu, base_of(d) | (d.high << 32)): refuse(cpu, op, VECTOR_GP, d.selector, CAUSE_NON_CANONICAL)

cdef void set_system(Cpu* cpu, int register, const Descriptor* d, u16 access) noexcept nogil:
    cdef Segment* s = &cpu.segment[register]
    s.selector = d.selector
    s.base = base_of(d) | (d.high << 32)
    s.limit = limit_of(d)
    s.access = access

cdef void load_ldtr(Cpu* cpu, Op* op, u16 selector) noexcept nogil:
    cdef Descriptor d
    if selector & 0xFFFC == 0:
        set_null(cpu, LDTR, selector)
        return
    fetch_system(cpu, op, selector, &d)
    if d.access & (NOT_SYSTEM | TYPE) != LDT: refuse(cpu, op, VECTOR_GP, selector, CAUSE_DESCRIPTOR_NOT_LDT)
    extend_system(cpu, op, &d)
    if not d.access & PRESENT: refuse(cpu, op, VECTOR_NP, selector, CAUSE_DESCRIPTOR_NOT_PRESENT)
    set_system(cpu, LDTR, &d, d.access)

cdef void load_tr(Cpu* cpu, Op* op, u16 selector) noexcept nogil:
    cdef Descriptor d
    cdef u32 type
    fetch_system(cpu, op, selector, &d)
    type = d.access & (NOT_SYSTEM | TYPE)
    if type != TSS32 and (type != TSS16 or long_mode(cpu)):
        refuse(cpu, op, VECTOR_GP, selector, CAUSE_DESCRIPTOR_NOT_TSS)
    extend_system(cpu, op, &d)
    if not d.access & PRESENT: refuse(cpu, op, VECTOR_NP, selector, CAUSE_DESCRIPTOR_NOT_PRESENT)
    write_system(cpu, op, d.linear + 5, <u8>(d.low >> 40) | 2, 8)              # busy
    set_system(cpu, TR, &d, d.access | 2)

# ---- code segments --------------------------------------------------------------------------------------------------

cdef void check_code(Cpu* cpu, Op* op, const Descriptor* d) noexcept nogil:
    # A direct far jump or call: the level stays, so DPL must be CPL, or not above it for conforming code
    if is_conforming(d.access):
        if dpl_of(d.access) > cpu.cpl: refuse(cpu, op, VECTOR_GP, d.selector, CAUSE_PRIVILEGE_CONFORMING)
    elif dpl_of(d.access) != cpu.cpl or <u32>(d.selector & 3) > cpu.cpl:
        refuse(cpu, op, VECTOR_GP, d.selector, CAUSE_PRIVILEGE_CODE)
    check_code_size(cpu, op, d)

cdef void check_return(Cpu* cpu, Op* op, const Descriptor* d) noexcept nogil:
    # RETF and IRET: to the level of the selector's RPL, which is not more privileged
    cdef u32 level = d.selector & 3
    if level < cpu.cpl: refuse(cpu, op, VECTOR_GP, d.selector, CAUSE_PRIVILEGE_RETURN)
    if not is_code(d.access): refuse(cpu, op, VECTOR_GP, d.selector, CAUSE_DESCRIPTOR_NOT_CODE)
    if dpl_of(d.access) > level if is_conforming(d.access) else dpl_of(d.access) != level:
        refuse(cpu, op, VECTOR_GP, d.selector, CAUSE_PRIVILEGE_RETURN_DPL)
    check_code_size(cpu, op, d)

cdef void check_code_size(Cpu* cpu, Op* op, const Descriptor* d) noexcept nogil:
    if long_mode(cpu) and d.access & (LONG_CODE | BIG) == LONG_CODE | BIG:
        refuse(cpu, op, VECTOR_GP, d.selector, CAUSE_DESCRIPTOR_L_AND_D)
    if not d.access & PRESENT: refuse(cpu, op, VECTOR_NP, d.selector, CAUSE_DESCRIPTOR_NOT_PRESENT)

cdef void check_entry(Cpu* cpu, Op* op, const Descriptor* d, u64 offset) noexcept nogil:
    if long_mode(cpu) and d.access & LONG_CODE:
        if not is_canonical(cpu, offset): raise_error(cpu, op, VECTOR_GP, cpu.external, CAUSE_NON_CANONICAL_TARGET, offset)
    elif offset > limit_of(d): raise_error(cpu, op, VECTOR_GP, cpu.external, CAUSE_TARGET_LIMIT, offset)
    mark_accessed(cpu, op, d)

cdef void set_code_raw(Cpu* cpu, u16 selector, u64 base, u32 limit, u16 access, u32 level) noexcept nogil:
    cdef Segment* s = &cpu.segment[CS]
    cdef u32 bits = 16
    if access & LONG_CODE and long_mode(cpu): bits = 64
    elif access & BIG: bits = 32
    # Addresses in the jump cache are offsets in CS: they go when CS means something else
    if bits != cpu.code_bits or (bits != 64 and (base != s.base or limit != s.limit)):
        cpu.generation += 1
        if cpu.generation & 0x3FFF == 0: forget_jumps(cpu)      # the tag has 14 bits of it
    s.selector = selector
    s.base = base
    s.limit = limit
    s.access = access
    cpu.code_bits = bits
    cpu.cpl = level
    set_context(cpu)
    update_stack(cpu)

cdef void set_code(Cpu* cpu, const Descriptor* d, u32 level) noexcept nogil:
    if cpu.code_bits == 64 and not d.access & LONG_CODE: cpu.gpr[RSP] = <u32>cpu.gpr[RSP]       # only RSP, as Intel's do it
    set_code_raw(cpu, (d.selector & 0xFFFC) | <u16>level, base_of(d), limit_of(d), d.access | ACCESSED, level)

cdef void set_real_code(Cpu* cpu, u16 selector) noexcept nogil:
    # The limit and the D bit stay; the type becomes that of data, which is what real mode has
    cdef Segment* s = &cpu.segment[CS]
    if cpu.rflags & FLAG_VM: set_code_raw(cpu, selector, <u64>selector << 4, 0xFFFF, 0xF3, 3)
    else: set_code_raw(cpu, selector, <u64>selector << 4, s.limit, (s.access & 0xD000) | 0x93, 0)

# ---- stacks ---------------------------------------------------------------------------------------------------------

cdef void current_stack(Cpu* cpu, Stack* stack) noexcept nogil:
    stack.segment = cpu.segment[SS]
    stack.pointer = cpu.gpr[RSP]
    stack.mask = cpu.stack_mask
    stack.level = cpu.cpl
    stack.error = cpu.external
    stack.flat = cpu.code_bits == 64

cdef void push_on(Cpu* cpu, Op* op, Stack* stack, u64 value, int size) noexcept nogil:
    cdef u64 pointer = (stack.pointer - size // 8) & stack.mask, last = pointer + size // 8 - 1, linear
    cdef Segment* s = &stack.segment
    if stack.flat:
        linear = pointer
        if not is_canonical(cpu, linear): raise_error(cpu, op, VECTOR_SS, stack.error, CAUSE_NON_CANONICAL_STACK, linear)
    else:
        linear = <u32>(s.base + pointer)
        if s.access & (CODE | EXPAND_DOWN) == EXPAND_DOWN:
            if pointer <= s.limit or last > (<u64>0xFFFFFFFF if s.access & BIG else <u64>0xFFFF):
                raise_error(cpu, op, VECTOR_SS, stack.error, CAUSE_STACK_LIMIT, pointer)
        elif last > s.limit: raise_error(cpu, op, VECTOR_SS, stack.error, CAUSE_STACK_LIMIT, pointer)
    if stack.level == 3: store(cpu, op, linear, value, size, SS)
    else:
        watch(cpu, op, linear, size, WRITE)
        write_system(cpu, op, linear, value, size)
    stack.pointer = pointer

cdef void set_stack(Cpu* cpu, const Stack* stack) noexcept nogil:
    cpu.segment[SS] = stack.segment
    cpu.gpr[RSP] = (cpu.gpr[RSP] & ~stack.mask) | (stack.pointer & stack.mask)
    update_stack(cpu)

cdef void refuse_task(Cpu* cpu, Op* op, u32 cause) noexcept nogil:
    if cpu.segment[TR].selector & 0xFFFC == 0: cause = CAUSE_TSS_NULL
    refuse(cpu, op, VECTOR_TS, cpu.segment[TR].selector, cause)

cdef void inner_stack(Cpu* cpu, Op* op, u32 level, u32 ist, Stack* stack) noexcept nogil:
    # The stack for a more privileged level, or in long mode of an IST entry
    #
    #    16-bit TSS          32-bit TSS            64-bit TSS
    #    2 SP0   4 SS0       4 ESP0    8 SS0       4 RSP0         36 IST1
    #    6 SP1   8 SS1      12 ESP1   16 SS1      12 RSP1         44 IST2
    #   10 SP2  12 SS2      20 ESP2   24 SS2      20 RSP2         ...  up to IST7
    cdef Segment* tr = &cpu.segment[TR]
    cdef Descriptor d
    cdef u32 type = tr.access & (NOT_SYSTEM | TYPE), at
    cdef u16 selector
    stack.level = level
    stack.flat = long_mode(cpu)
    if not tr.access & PRESENT: refuse_task(cpu, op, CAUSE_TSS_NULL)
    if stack.flat:
        at = 28 + 8 * ist if ist else 4 + 8 * level
        if at + 7 > tr.limit: refuse_task(cpu, op, CAUSE_TSS_LIMIT)
        stack.pointer = read_system(cpu, op, tr.base + at, 64)
        if not is_canonical(cpu, stack.pointer):
            raise_error(cpu, op, VECTOR_SS, cpu.external, CAUSE_TSS_STACK_NON_CANONICAL, stack.pointer)
        stack.mask = ~<u64>0
        stack.error = cpu.external
        if level == cpu.cpl:
            stack.segment = cpu.segment[SS]
        else:
            stack.segment.selector = <u16>level
            stack.segment.base = 0
            stack.segment.limit = 0
            stack.segment.access = 0
        return
    if type == TSS16 or type == TSS16_BUSY:
        at = 2 + 4 * level
        if at + 3 > tr.limit: refuse_task(cpu, op, CAUSE_TSS_LIMIT)
        stack.pointer = read_system(cpu, op, <u32>(tr.base + at), 16)
        selector = <u16>read_system(cpu, op, <u32>(tr.base + at + 2), 16)
    else:
        at = 4 + 8 * level
        if at + 5 > tr.limit: refuse_task(cpu, op, CAUSE_TSS_LIMIT)
        stack.pointer = read_system(cpu, op, <u32>(tr.base + at), 32)
        selector = <u16>read_system(cpu, op, <u32>(tr.base + at + 4), 16)
    if selector & 0xFFFC == 0:
        refuse(cpu, op, VECTOR_TS, 0, CAUSE_TSS_NULL if tr.selector & 0xFFFC == 0 else CAUSE_TSS_STACK_NULL)
    if not look_up(cpu, op, selector, &d): refuse(cpu, op, VECTOR_TS, selector, CAUSE_TSS_STACK_BEYOND_TABLE)
    check_stack_segment(cpu, op, &d, level, VECTOR_TS)
    mark_accessed(cpu, op, &d)
    stack.segment.selector = selector
    stack.segment.base = base_of(&d)
    stack.segment.limit = limit_of(&d)
    stack.segment.access = d.access | ACCESSED
    stack.mask = <u64>0xFFFFFFFF if d.access & BIG else <u64>0xFFFF
    stack.error = (selector & 0xFFFC) | cpu.external

cdef void check_outer_stack(Cpu* cpu, Op* op, const Descriptor* code, u16 selector, Descriptor* d) noexcept nogil:
    # SS as RETF or IRET pops it for the level of `code`. A null one is left as d.access = 0.
    cdef u32 level = code.selector & 3
    d.selector = selector
    d.low = d.high = 0
    d.access = 0
    if selector & 0xFFFC == 0:
        if not (long_mode(cpu) and code.access & LONG_CODE) or level == 3:
            refuse(cpu, op, VECTOR_GP, 0, CAUSE_RETURN_NULL_STACK)
        if <u32>(selector & 3) != level: refuse(cpu, op, VECTOR_GP, 0, CAUSE_PRIVILEGE_STACK)
        return
    fetch(cpu, op, selector, VECTOR_GP, d)
    check_stack_segment(cpu, op, d, level, VECTOR_GP)
    mark_accessed(cpu, op, d)
