# JMP CALL RET Jcc LOOP JCXZ: near branches. A direct branch goes to op.imm.

cdef inline Op* jmp(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    return jump(cpu, op)

# Out of line, so that 64-bit branches whose stack access hits the TLB are leaves
cdef Op* refused(Cpu* cpu, Op* op, u64 rip) noexcept nogil:
    return branch(cpu, op, check_target(cpu, op, rip, 64))

cdef Op* call_missed(Cpu* cpu, Op* op, u64 target) noexcept nogil:
    push(cpu, op, op.rip + op.length, 64)
    return branch(cpu, op, target)

cdef Op* ret_missed(Cpu* cpu, Op* op, u64 more) noexcept nogil:
    cdef u64 target = check_target(cpu, op, top(cpu, op, 64), 64)
    cpu.gpr[RSP] += 8 + more
    return branch(cpu, op, target)

cdef inline Op* jump_indirect(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 target = read_destination(cpu, op, where, kind, size)
    if size != 64: return branch(cpu, op, check_target(cpu, op, target, size))
    if unlikely(not is_canonical(cpu, target)): return refused(cpu, op, target)
    return branch(cpu, op, target)

cdef inline Op* call(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    if size == 64:
        if unlikely(not push_hit(cpu, op.rip + op.length)): return call_missed(cpu, op, <u64>op.imm)
    else:
        check_target(cpu, op, <u64>op.imm, 32)          # before the push
        push(cpu, op, next_rip(cpu, op), size)
    return jump(cpu, op)

cdef inline Op* call_indirect(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 target = read_destination(cpu, op, where, kind, size)
    if size == 64:
        if unlikely(not is_canonical(cpu, target)): return refused(cpu, op, target)
        if unlikely(not push_hit(cpu, op.rip + op.length)): return call_missed(cpu, op, target)
    else:
        target = check_target(cpu, op, target, size)
        push(cpu, op, next_rip(cpu, op), size)
    return branch(cpu, op, target)

cdef inline Op* ret_some(Cpu* cpu, Op* op, u64 more, const int size) noexcept nogil:
    cdef u64 target
    if size == 64:
        if unlikely(not top_is_hit(cpu)): return ret_missed(cpu, op, more)
        target = load_top(cpu)
        if unlikely(not is_canonical(cpu, target)): return refused(cpu, op, target)
        cpu.gpr[RSP] += 8 + more
    else:
        target = check_target(cpu, op, top(cpu, op, size), size)
        move_stack(cpu, size // 8 + <i64>more)
    return branch(cpu, op, target)

cdef inline Op* ret(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    return ret_some(cpu, op, 0, size)

cdef inline Op* ret_release(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    return ret_some(cpu, op, <u64>op.imm, size)

cdef inline Op* jcc(Cpu* cpu, Op* op, const int kind, const int size, const int condition) noexcept nogil:
    if holds(cpu, condition): return jump(cpu, op)
    return proceed(cpu, op)

# ---- rCX, as wide as an address ------------------------------------------------------------------------------------

cdef inline u64 counter(Cpu* cpu, Op* op) noexcept nogil:
    if op.address == 64: return cpu.gpr[RCX]
    return read_register(cpu, RCX, 32) if op.address == 32 else read_register(cpu, RCX, 16)

# `zero` is the value of ZF that LOOPE and LOOPNE ask for; 2: either
cdef inline Op* loop(Cpu* cpu, Op* op, const int kind, const int size, const int zero) noexcept nogil:
    cdef u64 count = counter(cpu, op) - 1
    if op.address == 64: write_register(cpu, RCX, count, 64)
    elif op.address == 32: write_register(cpu, RCX, count, 32)
    else: write_register(cpu, RCX, count, 16)
    if counter(cpu, op) != 0 and (zero == 2 or zf(cpu) == zero): return jump(cpu, op)
    return proceed(cpu, op)

cdef inline Op* jcxz(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    if counter(cpu, op) == 0: return jump(cpu, op)
    return proceed(cpu, op)
