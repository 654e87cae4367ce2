# INT INT3 INT1 INTO BOUND IRET
from x86._causes cimport (CAUSE_BOUND, CAUSE_BREAKPOINT, CAUSE_ICEBP, CAUSE_OVERFLOW, CAUSE_SOFTWARE_INTERRUPT)
from x86._interrupts cimport deliver_software, interrupt_return

cdef inline Op* int_(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    deliver_software(cpu, op, op.imm & 0xFF, CAUSE_SOFTWARE_INTERRUPT)
    return NULL

cdef inline Op* int3(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    deliver_software(cpu, op, 3, CAUSE_BREAKPOINT)
    return NULL

cdef inline Op* int1(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    deliver_software(cpu, op, 1, CAUSE_ICEBP)
    return NULL

cdef inline Op* into(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    if not of(cpu): return finish(cpu, op)
    deliver_software(cpu, op, 4, CAUSE_OVERFLOW)
    return NULL

cdef inline Op* bound_(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = segmented(cpu, op, offset_of(cpu, op), op.segment, size // 4, READ)
    cdef i64 index = sign_extend(read_register(cpu, op.dst, size), size)
    cdef i64 lower = sign_extend(load(cpu, op, where, size, op.segment), size)
    if index < lower: raise_fault(cpu, op, 5, CAUSE_BOUND, <u64>index)      # the upper bound is not even read then
    cdef i64 upper = sign_extend(load(cpu, op, <u32>(where + size // 8), size, op.segment), size)
    if index > upper: raise_fault(cpu, op, 5, CAUSE_BOUND, <u64>index)
    return proceed(cpu, op)

cdef inline Op* iret(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    interrupt_return(cpu, op, size)
    return NULL
