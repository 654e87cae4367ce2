# XCHG CMPXCHG8B CMPXCHG16B
from x86._causes cimport CAUSE_MISALIGNED_OPERAND

cdef inline Op* xchg(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    cdef u64 a = read_to_modify(cpu, op, where, kind, size)
    write_destination(cpu, op, where, read_register(cpu, op.src, size), kind, size)
    write_register(cpu, op.src, a, size)
    return proceed(cpu, op)

# 90+r. XCHG EAX, EAX is NOP's other name and clears no upper half (as 90h without REX.B it never gets here)
cdef inline Op* xchg_accumulator(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 a = read_register(cpu, op.dst, size)
    write_register(cpu, op.dst, read_register(cpu, RAX, size), size)
    write_register(cpu, RAX, a, size)
    return proceed(cpu, op)

# Memory is written whether it was equal or not
cdef inline Op* cmpxchg8b(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, 64, WRITE)
    cdef u64 a = read_to_modify(cpu, op, where, kind, 64)
    if a == (read_register(cpu, RDX, 32) << 32 | read_register(cpu, RAX, 32)):
        write_destination(cpu, op, where, read_register(cpu, RCX, 32) << 32 | read_register(cpu, RBX, 32), kind, 64)
        set_zf(cpu, 1)
    else:
        write_destination(cpu, op, where, a, kind, 64)
        write_register(cpu, RAX, a, 32)
        write_register(cpu, RDX, a >> 32, 32)
        set_zf(cpu, 0)
    return proceed(cpu, op)

cdef inline Op* cmpxchg16b(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, 128, WRITE)
    if unlikely(where & 15): raise_error(cpu, op, 13, 0, CAUSE_MISALIGNED_OPERAND, where)
    cdef u64 low = read_to_modify(cpu, op, where, kind, 64)
    cdef u64 high = read_to_modify(cpu, op, where + 8, kind, 64)
    cdef bint equal = low == cpu.gpr[RAX] and high == cpu.gpr[RDX]
    write_destination(cpu, op, where, cpu.gpr[RBX] if equal else low, kind, 64)
    write_destination(cpu, op, where + 8, cpu.gpr[RCX] if equal else high, kind, 64)
    if not equal:
        cpu.gpr[RAX] = low
        cpu.gpr[RDX] = high
    set_zf(cpu, equal)
    return proceed(cpu, op)
