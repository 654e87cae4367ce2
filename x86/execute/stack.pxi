# PUSH POP PUSHA POPA PUSHF POPF ENTER LEAVE. rSP changes only after the last access that can fault.
from x86._virtual cimport is_virtual, real_flags, virtual_flags

# Out of line, so that the 64-bit push and pop that hit the TLB are leaves
cdef Op* push_missed(Cpu* cpu, Op* op, u64 value) noexcept nogil:
    push(cpu, op, value, 64)
    return proceed(cpu, op)

cdef Op* pop_missed(Cpu* cpu, Op* op) noexcept nogil:
    cdef u64 value = top(cpu, op, 64)
    release(cpu, 64)
    write_register(cpu, op.dst, value, 64)
    return proceed(cpu, op)

cdef inline Op* push_value(Cpu* cpu, Op* op, u64 value, const int size) noexcept nogil:
    if size == 64:
        if likely(push_hit(cpu, value)): return proceed(cpu, op)
        return push_missed(cpu, op, value)
    push(cpu, op, value, size)
    return proceed(cpu, op)

cdef inline Op* push_operand(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    return push_value(cpu, op, read_destination(cpu, op, where, kind, size), size)

cdef inline Op* push_immediate(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    return push_value(cpu, op, truncate(<u64>op.imm, size), size)

# The address of a memory operand is worked out with rSP as it is after the pop
cdef inline u64 address_after_pop(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 offset, base
    if kind & DST_M: return flat_address(cpu, op) + (size // 8 if op.base == RSP else 0)
    if not kind & DST_S: return 0
    base = cpu.gpr[op.base]
    if op.base == RSP: base = (base & ~cpu.stack_mask) | ((base + size // 8) & cpu.stack_mask)
    offset = base + (cpu.gpr[op.index] << op.scale) + <u64>op.disp
    if op.address != 64: offset = <u16>offset if op.address == 16 else <u32>offset
    return segmented(cpu, op, offset, op.segment, size // 8, WRITE)

cdef inline Op* pop(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 value, where
    if kind == RR and size == 64:
        if unlikely(not top_is_hit(cpu)): return pop_missed(cpu, op)
        value = load_top(cpu)
    else:
        value = top(cpu, op, size)                      # first: its miss may take the other operand's TLB entry
    where = address_after_pop(cpu, op, kind, size)
    reach(cpu, op, where, kind, size, WRITE)
    if kind & (DST_M | DST_S):
        write_destination(cpu, op, where, value, kind, size)
        release(cpu, size)
    else:                                               # POP rSP: the popped value is the last word
        release(cpu, size)
        write_register(cpu, op.dst, value, size)
    return proceed(cpu, op)

# ---- all registers at once -----------------------------------------------------------------------------------------

# Store `value` as the push number `depth` (1 first) would, without moving SP
cdef void store_below(Cpu* cpu, Op* op, u64 value, u64 depth, int size) noexcept nogil:
    cdef u64 offset = (cpu.gpr[RSP] - depth * (size // 8)) & cpu.stack_mask
    cdef u64 linear = segmented(cpu, op, offset, SS, size // 8, WRITE)
    if size == 16: store(cpu, op, linear, value, 16, SS)
    elif size == 32: store(cpu, op, linear, value, 32, SS)
    else: store(cpu, op, linear, value, 64, SS)

cdef inline Op* pusha(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 number
    for number in range(8): store_below(cpu, op, cpu.gpr[number], number + 1, size)
    move_stack(cpu, -size)
    return proceed(cpu, op)

cdef inline Op* popa(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    # SP moves at the end, so a fault in the middle can leave registers popped: it will begin again, as on Intel's
    cdef u64 number, value
    for number in range(8):
        value = top_slow(cpu, op, size, number * (size // 8))
        if number != 3: write_register(cpu, <u8>(RDI - number), value, size)
    move_stack(cpu, size)
    return proceed(cpu, op)

# ---- the flags -----------------------------------------------------------------------------------------------------
#   21 ID  20 VIP  19 VIF  18 AC  17 VM  16 RF  14 NT  13..12 IOPL  11 OF  10 DF  9 IF  8 TF  7 SF  6 ZF  4 AF  2 PF  0 CF

cdef inline Op* pushf(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 flags = read_rflags(cpu) & ~<u64>(FLAG_VM | FLAG_RF)
    if is_virtual(cpu, op, size): flags = virtual_flags(flags)
    push(cpu, op, truncate(flags, size), size)
    return proceed(cpu, op)

cdef inline Op* popf(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef bint is_virtual_ = is_virtual(cpu, op, size)
    cdef u64 flags = top(cpu, op, size)
    cdef u64 may = FLAG_TF | FLAG_DF | FLAG_NT
    if is_virtual_:
        flags = real_flags(cpu, op, flags)
        may |= FLAG_VIF
    if size != 16: may |= (FLAG_AC | FLAG_ID) & cpu.model.flags_bits
    if cpu.cpl <= (cpu.rflags >> 12 & 3): may |= FLAG_IF
    if cpu.cpl == 0: may |= FLAG_IOPL
    release(cpu, size)
    set_arithmetic_flags(cpu, flags)
    cpu.rflags = (cpu.rflags & ~may) | (flags & may)
    return finish(cpu, op)

# ---- stack frames --------------------------------------------------------------------------------------------------

# One outer frame pointer: from the frame that rBP names, `depth` elements below its top
cdef u64 frame_pointer(Cpu* cpu, Op* op, u64 depth, int size) noexcept nogil:
    cdef u64 offset = (cpu.gpr[RBP] - depth * (size // 8)) & cpu.stack_mask
    cdef u64 linear = segmented(cpu, op, offset, SS, size // 8, READ)
    if size == 16: return load(cpu, op, linear, 16, SS)
    if size == 32: return load(cpu, op, linear, 32, SS)
    return load(cpu, op, linear, 64, SS)

cdef inline Op* enter_frame(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 level = op.imm2 & 31, room = <u64>op.imm, depth, frame, bottom
    store_below(cpu, op, truncate(cpu.gpr[RBP], size), 1, size)
    frame = (cpu.gpr[RSP] & ~cpu.stack_mask) | ((cpu.gpr[RSP] - size // 8) & cpu.stack_mask)
    for depth in range(1, level):
        store_below(cpu, op, frame_pointer(cpu, op, depth, size), depth + 1, size)
    if level: store_below(cpu, op, truncate(frame, size), level + 1, size)
    # the new top of the stack has to be writable (and aligned, where that counts), although nothing is written there
    bottom = (cpu.gpr[RSP] - (level + 1) * (size // 8) - room) & cpu.stack_mask
    load_to_modify(cpu, op, segmented(cpu, op, bottom, SS, size // 8, WRITE), size, SS)
    move_stack(cpu, -<i64>((level + 1) * (size // 8) + room))
    write_register(cpu, RBP, frame, size)
    return proceed(cpu, op)

cdef inline Op* leave_frame(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 frame = cpu.gpr[RBP] & cpu.stack_mask, value
    if size == 64: value = load(cpu, op, frame, 64, SS)
    else: value = load(cpu, op, segmented(cpu, op, frame, SS, size // 8, READ), size, SS)
    cpu.gpr[RSP] = (cpu.gpr[RSP] & ~cpu.stack_mask) | ((frame + size // 8) & cpu.stack_mask)
    write_register(cpu, RBP, value, size)
    return proceed(cpu, op)
