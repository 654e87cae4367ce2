# CLC STC CMC CLD STD SALC

cdef inline Op* clc(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    set_cf(cpu, 0)
    return proceed(cpu, op)

cdef inline Op* stc(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    set_cf(cpu, 1)
    return proceed(cpu, op)

cdef inline Op* cmc(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    set_cf(cpu, cf(cpu) ^ 1)
    return proceed(cpu, op)

cdef inline Op* cld(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cpu.rflags &= ~<u64>FLAG_DF
    return proceed(cpu, op)

cdef inline Op* std(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cpu.rflags |= FLAG_DF
    return proceed(cpu, op)

cdef inline Op* salc(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    write_register(cpu, RAX, 0 - cf(cpu), 8)
    return proceed(cpu, op)
