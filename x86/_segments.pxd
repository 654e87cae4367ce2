# Descriptors and segment registers: what may be loaded, and what a load changes (SDM volume 3, "Protection").
from x86._state cimport *
from x86._access cimport raise_error, raise_fault
from x86._operands cimport is_protected
from x86._causes cimport CAUSE_ONLY_IN_PROTECTED_MODE, CAUSE_PRIVILEGED, CAUSE_UMIP
from x86._model cimport CR4_UMIP

cdef enum:                      # Segment.access, laid out in _state.pxd
    ACCESSED = 1, WRITABLE = 2, READABLE = 2,           # data, code
    EXPAND_DOWN = 4, CONFORMING = 4, CODE = 8,
    TYPE = 0xF, NOT_SYSTEM = 0x10, DPL_SHIFT = 5, PRESENT = 0x80,
    LONG_CODE = 0x2000, BIG = 0x4000, GRANULAR = 0x8000

cdef enum:                      # TYPE of system descriptors (NOT_SYSTEM clear)
    TSS16 = 1, LDT = 2, TSS16_BUSY = 3, CALL_GATE16 = 4, TASK_GATE = 5, INTERRUPT_GATE16 = 6, TRAP_GATE16 = 7,
    TSS32 = 9, TSS32_BUSY = 11, CALL_GATE32 = 12, INTERRUPT_GATE32 = 14, TRAP_GATE32 = 15

cdef enum: VECTOR_UD = 6, VECTOR_TS = 10, VECTOR_NP = 11, VECTOR_SS = 12, VECTOR_GP = 13

cdef struct Descriptor:         # an entry of the GDT, LDT or IDT
    u64 low, high               # high: the second 8 bytes that system descriptors have in long mode
    u64 linear                  # where it lies
    u16 selector                # that named it
    u16 access

cdef struct Stack:              # a stack that is being pushed on, before SS and RSP commit to it
    Segment segment
    u64 pointer, mask
    u32 level                   # the privilege that its accesses are made with
    u32 error                   # error code of the #SS if it is too small
    bint flat                   # 64-bit: neither base nor limit

cdef inline u64 base_of(const Descriptor* d) noexcept nogil:
    return ((d.low >> 16) & 0xFFFFFF) | ((d.low >> 32) & <u64>0xFF000000)

cdef inline u32 limit_of(const Descriptor* d) noexcept nogil:
    cdef u32 limit = <u32>((d.low & 0xFFFF) | ((d.low >> 32) & 0xF0000))
    return (limit << 12) | 0xFFF if d.access & GRANULAR else limit

cdef inline u32 dpl_of(u16 access) noexcept nogil:
    return (access >> DPL_SHIFT) & 3

cdef inline bint is_data_or_code(u16 access) noexcept nogil:
    return (access & NOT_SYSTEM) != 0

cdef inline bint is_code(u16 access) noexcept nogil:
    return access & (NOT_SYSTEM | CODE) == NOT_SYSTEM | CODE

cdef inline bint is_writable_data(u16 access) noexcept nogil:
    return access & (NOT_SYSTEM | CODE | WRITABLE) == NOT_SYSTEM | WRITABLE

cdef inline bint is_readable(u16 access) noexcept nogil:
    return access & NOT_SYSTEM != 0 and access & (CODE | READABLE) != CODE

cdef inline bint is_conforming(u16 access) noexcept nogil:
    return access & (CODE | CONFORMING) == CODE | CONFORMING

# What system instructions ask first
cdef inline void privileged(Cpu* cpu, Op* op) noexcept nogil:                  # CPL 0
    if unlikely(cpu.cpl != 0): raise_error(cpu, op, VECTOR_GP, 0, CAUSE_PRIVILEGED, 0)

cdef inline void protected_only(Cpu* cpu, Op* op) noexcept nogil:              # neither real mode nor V86
    if unlikely(not is_protected(cpu)): raise_fault(cpu, op, VECTOR_UD, CAUSE_ONLY_IN_PROTECTED_MODE, 0)

cdef inline void check_umip(Cpu* cpu, Op* op) noexcept nogil:                  # SGDT SIDT SLDT STR SMSW
    if unlikely(cpu.cpl != 0 and cpu.paging.cr4 & CR4_UMIP): raise_error(cpu, op, VECTOR_GP, 0, CAUSE_UMIP, 0)

# Raise `vector` with the error code of `selector`: its index and TI, and EXT where an event is being delivered
cdef void refuse(Cpu* cpu, Op* op, int vector, u32 selector, u32 cause) noexcept nogil

# The descriptor that a selector names. `look_up` is false where it lies outside its table; `fetch` raises `vector` there,
# and for a null selector. `extend` reads the second half of a system descriptor in long mode; false: it is not there.
cdef bint look_up(Cpu* cpu, Op* op, u16 selector, Descriptor* d) noexcept nogil
cdef void fetch(Cpu* cpu, Op* op, u16 selector, int vector, Descriptor* d) noexcept nogil
cdef bint extend(Cpu* cpu, Op* op, Descriptor* d) noexcept nogil
cdef void mark_accessed(Cpu* cpu, Op* op, const Descriptor* d) noexcept nogil

# MOV, POP, LDS and their kin: every check, then the load
cdef void load_segment(Cpu* cpu, Op* op, int register, u16 selector) noexcept nogil
cdef void load_ldtr(Cpu* cpu, Op* op, u16 selector) noexcept nogil
cdef void load_tr(Cpu* cpu, Op* op, u16 selector) noexcept nogil

# Code segments. The checks come first, for they fault; set_code commits: CS, CPL, code size, stack width.
cdef void check_code(Cpu* cpu, Op* op, const Descriptor* d) noexcept nogil                   # of a far jump or call
cdef void check_return(Cpu* cpu, Op* op, const Descriptor* d) noexcept nogil                 # of RETF and IRET
cdef void check_entry(Cpu* cpu, Op* op, const Descriptor* d, u64 offset) noexcept nogil      # the offset, then "accessed"
cdef void set_code(Cpu* cpu, const Descriptor* d, u32 level) noexcept nogil
cdef void set_code_raw(Cpu* cpu, u16 selector, u64 base, u32 limit, u16 access, u32 level) noexcept nogil
cdef void set_real_code(Cpu* cpu, u16 selector) noexcept nogil                              # real mode and V86
cdef void set_v86_segment(Cpu* cpu, int register, u16 selector) noexcept nogil
cdef void set_null(Cpu* cpu, int register, u16 selector) noexcept nogil
cdef void set_data(Cpu* cpu, int register, const Descriptor* d) noexcept nogil
cdef void drop_privileged_data(Cpu* cpu) noexcept nogil                                     # after a return to an outer level
cdef void update_stack(Cpu* cpu) noexcept nogil                                             # Cpu.stack_mask from CS and SS

# Stacks
cdef void current_stack(Cpu* cpu, Stack* stack) noexcept nogil
cdef void inner_stack(Cpu* cpu, Op* op, u32 level, u32 ist, Stack* stack) noexcept nogil     # from the TSS, checked
cdef void check_outer_stack(Cpu* cpu, Op* op, const Descriptor* code, u16 selector, Descriptor* d) noexcept nogil
cdef void push_on(Cpu* cpu, Op* op, Stack* stack, u64 value, int size) noexcept nogil
cdef void set_stack(Cpu* cpu, const Stack* stack) noexcept nogil
