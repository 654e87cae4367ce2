# FLD FST FSTP FXCH, the constants, FCMOVcc, FABS FCHS FXAM, FFREE FFREEP FINCSTP FDECSTP: values move and are not changed
from x86._access cimport probe, read_wide, write_wide
from x86._x87 cimport *

cdef enum: CLASS_EMPTY = 5                      # beside the CLASS_* of _float80.pxd

# ---- loads --------------------------------------------------------------------------------------------------------------

cdef Op* load_slow(Cpu* cpu, Op* op, u64 bits, int size) noexcept nogil:
    cdef FloatMode* mode = fcw_mode(cpu)
    cdef Float80 value = f64_to_f80(bits, mode) if size == 64 else f32_to_f80(<u32>bits, mode)
    load_st(cpu, op, value, mode.raised)
    return proceed(cpu, op)

cdef inline Op* fld(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef Float80 value
    cdef u64 bits
    cdef bint usual
    require(cpu, op, kind, X87)
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    bits = read_destination(cpu, op, where, kind, size)
    usual = quick_load64(bits, &value) if size == 64 else quick_load32(<u32>bits, &value)
    if unlikely(not usual or not has_room(cpu)): return load_slow(cpu, op, bits, size)
    leave_usual(cpu, op, 0, 0)
    push_st(cpu, value)
    return proceed(cpu, op)

cdef inline Op* fld_extended(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef Float80 value
    cdef u64 host
    require(cpu, op, kind, X87)
    cdef u64 where = operand_address(cpu, op, kind, 80, READ)
    reach(cpu, op, where, kind, 80, READ)
    if kind & DST_M:
        host = where + cpu.tlb[(where >> 12) & (TLB_SIZE - 1)].to_host
        value = f80(load_host(host, 64), <u32>load_host(host + 8, 16))
    else:
        check_extended(cpu, op, where)
        read_wide(cpu, op, where, &cpu.wide[0], 10, op.segment)
        value = f80(cpu.wide[0].q[0], cpu.wide[0].w[4])
    if unlikely(not has_room(cpu)): return push_slowly(cpu, op, value)
    leave_usual(cpu, op, 0, 0)
    push_st(cpu, value)
    return proceed(cpu, op)

cdef inline Op* fld_register(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    require(cpu, op, kind, X87)
    if unlikely(is_empty(cpu, op.dst) or not has_room(cpu)): return load_empty(cpu, op)
    leave_usual(cpu, op, 0, 0)
    push_st(cpu, st(cpu, op.dst)[0])
    return proceed(cpu, op)

# The significand of a constant that has been rounded to the nearest; above: it lies above the true value
cdef inline u64 rounded(Cpu* cpu, const u64 nearest, const bint above) noexcept nogil:
    cdef u32 rounding = (cpu.fpu.fcw >> 10) & 3
    if above: return nearest - (rounding == DOWN or rounding == TO_ZERO)
    return nearest + (rounding == UP)

cdef inline Op* load_constant(Cpu* cpu, Op* op, const int kind, const int size, const int number) noexcept nogil:
    cdef Float80 value
    require(cpu, op, kind, X87)
    if number == 0: value = f80(<u64>1 << 63, 0x3FFF)                                               # 1
    elif number == 1: value = f80(rounded(cpu, <u64>0xD49A784BCD1B8AFE, False), 0x4000)             # log2 10
    elif number == 2: value = f80(rounded(cpu, <u64>0xB8AA3B295C17F0BC, True), 0x3FFF)              # log2 e
    elif number == 3: value = f80(rounded(cpu, <u64>0xC90FDAA22168C235, True), 0x4000)              # pi
    elif number == 4: value = f80(rounded(cpu, <u64>0x9A209A84FBCFF799, True), 0x3FFD)              # log10 2
    elif number == 5: value = f80(rounded(cpu, <u64>0xB17217F7D1CF79AC, True), 0x3FFE)              # ln 2
    else: value = f80(0, 0)
    if unlikely(not has_room(cpu)): return push_slowly(cpu, op, value)
    leave_usual(cpu, op, 0, 0)
    push_st(cpu, value)
    return proceed(cpu, op)

# ---- stores: to memory first, which may fault ----------------------------------------------------------------------------

cdef Op* store_slow(Cpu* cpu, Op* op, u64 where, int size, bint pops) noexcept nogil:
    cdef FloatMode* mode = fcw_mode(cpu)
    cdef u64 bits
    cdef u32 fault = 0
    if is_empty(cpu, 0):
        mode.raised, fault = FLOAT_IE, STACK_FAULT
        bits = f64_default() if size == 64 else f32_default()
    else: bits = f80_to_f64(st(cpu, 0)[0], mode) if size == 64 else f80_to_f32(st(cpu, 0)[0], mode)
    if unmasked(mode) & (FLOAT_IE | FLOAT_OE | FLOAT_UE):       # memory stays as it is, and ST(0) on the stack
        probe(cpu, op, where, size // 8, WRITE, op.segment)     # but a page fault comes first
        settle(cpu, op, (mode.raised & ~FLOAT_PE) | fault, 0)
        return proceed(cpu, op)
    if size == 64: store(cpu, op, where, bits, 64, op.segment)
    else: store(cpu, op, where, bits, 32, op.segment)
    settle(cpu, op, mode.raised | fault, mode.up)
    if pops: pop_st(cpu)
    return proceed(cpu, op)

cdef inline Op* fst(Cpu* cpu, Op* op, const int kind, const int size, const int pops) noexcept nogil:
    cdef FloatMode mode = usual_mode()
    cdef u64 bits
    cdef u32 narrow
    cdef bint usual
    require(cpu, op, kind, X87)
    cdef u64 where = operand_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    if size == 64: usual = quick_store64(st(cpu, 0)[0], &bits, &mode)
    else:
        usual = quick_store32(st(cpu, 0)[0], &narrow, &mode)
        bits = narrow
    if unlikely(not usual or not usual_control(cpu) or is_empty(cpu, 0)): return store_slow(cpu, op, where, size, pops)
    write_destination(cpu, op, where, bits, kind, size)
    leave_usual(cpu, op, mode.raised, mode.up)
    if pops: pop_st(cpu)
    return proceed(cpu, op)

cdef Op* store_extended_empty(Cpu* cpu, Op* op, u64 where) noexcept nogil:
    cdef Float80 value = f80_default()
    check_extended(cpu, op, where)
    if cpu.fpu.fcw & FLOAT_IE:
        cpu.wide[0].q[0], cpu.wide[0].w[4] = value.significand, value.sign_exponent
        write_wide(cpu, op, where, &cpu.wide[0], 10, op.segment)
    else: probe(cpu, op, where, 10, WRITE, op.segment)          # a page fault comes first
    if not stack_fault(cpu, op, 0): pop_st(cpu)
    return proceed(cpu, op)

cdef inline Op* fstp_extended(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 host
    require(cpu, op, kind, X87)
    cdef u64 where = operand_address(cpu, op, kind, 80, WRITE)
    reach(cpu, op, where, kind, 80, WRITE)
    if unlikely(is_empty(cpu, 0)): return store_extended_empty(cpu, op, where)
    if kind & DST_M:
        host = where + cpu.tlb[(where >> 12) & (TLB_SIZE - 1)].to_host
        store_host(host, st(cpu, 0).significand, 64)
        store_host(host + 8, st(cpu, 0).sign_exponent, 16)
    else:
        check_extended(cpu, op, where)
        cpu.wide[0].q[0], cpu.wide[0].w[4] = st(cpu, 0).significand, st(cpu, 0).sign_exponent
        write_wide(cpu, op, where, &cpu.wide[0], 10, op.segment)
    leave_usual(cpu, op, 0, 0)
    pop_st(cpu)
    return proceed(cpu, op)

cdef Op* store_register_empty(Cpu* cpu, Op* op, bint pops) noexcept nogil:
    if not stack_fault(cpu, op, 0):
        set_st(cpu, op.dst, f80_default())
        if pops: pop_st(cpu)
    return proceed(cpu, op)

cdef inline Op* fst_register(Cpu* cpu, Op* op, const int kind, const int size, const int pops) noexcept nogil:
    require(cpu, op, kind, X87)
    if unlikely(is_empty(cpu, 0)): return store_register_empty(cpu, op, pops)
    leave_usual(cpu, op, 0, 0)
    set_st(cpu, op.dst, st(cpu, 0)[0])
    if pops: pop_st(cpu)
    return proceed(cpu, op)

# FSTP ST(i) that takes an empty ST(0) for what it is, and raises nothing
cdef inline Op* fstpnce(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    require(cpu, op, kind, X87)
    leave_usual(cpu, op, 0, 0)
    if not is_empty(cpu, 0): set_st(cpu, op.dst, st(cpu, 0)[0])
    pop_st(cpu)
    return proceed(cpu, op)

# ---- between registers ----------------------------------------------------------------------------------------------------

cdef inline Op* fxch(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef Float80 value
    require(cpu, op, kind, X87)
    if unlikely(is_empty(cpu, 0) or is_empty(cpu, op.src)): return exchange_empty(cpu, op)
    leave_usual(cpu, op, 0, 0)
    value = st(cpu, op.src)[0]
    st(cpu, op.src)[0] = st(cpu, 0)[0]
    st(cpu, 0)[0] = value
    return proceed(cpu, op)

# C1 stays as it is; an empty register counts whether the condition holds or not
cdef inline Op* fcmovcc(Cpu* cpu, Op* op, const int kind, const int size, const int condition) noexcept nogil:
    require(cpu, op, kind, X87)
    if unlikely(is_empty(cpu, 0) or is_empty(cpu, op.src)): return default_answer(cpu, op)
    cpu.fpu.fip = op.rip
    if holds(cpu, condition): st(cpu, 0)[0] = st(cpu, op.src)[0]
    return proceed(cpu, op)

# ---- signs and classes ----------------------------------------------------------------------------------------------------

cdef inline Op* change_sign(Cpu* cpu, Op* op, const int kind, const int size, const int keep, const int flip) noexcept nogil:
    require(cpu, op, kind, X87)
    if unlikely(is_empty(cpu, 0)): return default_answer(cpu, op)
    leave_usual(cpu, op, 0, 0)
    st(cpu, 0).sign_exponent = <u16>((st(cpu, 0).sign_exponent & keep) ^ flip)
    return proceed(cpu, op)

cdef inline Op* fxam(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u32 found
    require(cpu, op, kind, X87)
    found = CLASS_EMPTY if is_empty(cpu, 0) else f80_class(st(cpu, 0)[0])
    leave_usual(cpu, op, 0, st(cpu, 0).sign_exponent >> 15)
    cpu.fpu.fsw = (cpu.fpu.fsw & <u16>~CONDITION) | <u16>((found & 1) << 8 | (found & 2) << 9 | (found & 4) << 12)
    return proceed(cpu, op)

# ---- the stack itself -------------------------------------------------------------------------------------------------------

cdef inline Op* ffree(Cpu* cpu, Op* op, const int kind, const int size, const int pops) noexcept nogil:
    require(cpu, op, kind, X87)
    leave_usual(cpu, op, 0, 0)
    free_st(cpu, op.dst)
    if pops: pop_st(cpu)
    return proceed(cpu, op)

cdef inline Op* turn_stack(Cpu* cpu, Op* op, const int kind, const int size, const int by) noexcept nogil:
    require(cpu, op, kind, X87)
    leave_usual(cpu, op, 0, 0)
    move_top(cpu, by)
    return proceed(cpu, op)
