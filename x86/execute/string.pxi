# MOVS CMPS SCAS LODS STOS. rSI (in op.segment) and rDI (in ES) are as wide as an address; DF is the direction.
#
# With REP an instruction is a loop that can be left between any two iterations: registers are committed each time, and
# each counts as one instruction. It is left when the budget is used up, to come back at the same RIP. Where source and
# destination lie in the TLB, as many iterations as the page has room for are done in one go.
from libc.string cimport memmove, memset

# ---- registers as wide as an address -------------------------------------------------------------------------------

cdef inline u64 narrow(Op* op, u64 value) noexcept nogil:
    if op.address == 64: return value
    return <u32>value if op.address == 32 else <u16>value

cdef inline void set_narrow(Cpu* cpu, Op* op, u8 number, u64 value) noexcept nogil:
    if op.address == 64: cpu.gpr[number] = value
    elif op.address == 32: cpu.gpr[number] = <u32>value
    else: write_register(cpu, number, value, 16)

cdef inline void advance(Cpu* cpu, Op* op, u8 number, u64 elements, const int size) noexcept nogil:
    cdef u64 bytes = elements * (size // 8)
    set_narrow(cpu, op, number, cpu.gpr[number] + (0 - bytes if cpu.rflags & FLAG_DF else bytes))

cdef inline u64 source_address(Cpu* cpu, Op* op, const int size) noexcept nogil:
    return segmented(cpu, op, narrow(op, cpu.gpr[RSI]), op.segment, size // 8, READ)

cdef inline u64 target_address(Cpu* cpu, Op* op, const int size, const int access) noexcept nogil:
    return segmented(cpu, op, narrow(op, cpu.gpr[RDI]), ES, size // 8, access)

# ---- one iteration -------------------------------------------------------------------------------------------------

cdef inline void movs_once(Cpu* cpu, Op* op, const int size) noexcept nogil:
    cdef u64 value = load(cpu, op, source_address(cpu, op, size), size, op.segment)
    store(cpu, op, target_address(cpu, op, size, WRITE), value, size, ES)
    advance(cpu, op, RSI, 1, size)
    advance(cpu, op, RDI, 1, size)

cdef inline void stos_once(Cpu* cpu, Op* op, const int size) noexcept nogil:
    store(cpu, op, target_address(cpu, op, size, WRITE), read_register(cpu, RAX, size), size, ES)
    advance(cpu, op, RDI, 1, size)

cdef inline void lods_once(Cpu* cpu, Op* op, const int size) noexcept nogil:
    write_register(cpu, RAX, load(cpu, op, source_address(cpu, op, size), size, op.segment), size)
    advance(cpu, op, RSI, 1, size)

cdef inline void cmps_once(Cpu* cpu, Op* op, const int size) noexcept nogil:
    cdef u64 b = load(cpu, op, target_address(cpu, op, size, READ), size, ES)       # first, as a page fault can tell
    cdef u64 a = load(cpu, op, source_address(cpu, op, size), size, op.segment)
    advance(cpu, op, RSI, 1, size)
    advance(cpu, op, RDI, 1, size)
    flags_sub(cpu, a, b, truncate(a - b, size), size)

cdef inline void scas_once(Cpu* cpu, Op* op, const int size) noexcept nogil:
    cdef u64 b = load(cpu, op, target_address(cpu, op, size, READ), size, ES)
    cdef u64 a = read_register(cpu, RAX, size)
    advance(cpu, op, RDI, 1, size)
    flags_sub(cpu, a, b, truncate(a - b, size), size)

# ---- many iterations at once ---------------------------------------------------------------------------------------

# How many elements from `offset` on plain accesses may touch: to the end of the page, the segment, the address size.
# 0: none, or not even one is sure.
cdef inline u64 elements_within(Cpu* cpu, Op* op, u64 offset, u64 linear, int segment, const int size,
                                const int access) noexcept nogil:
    cdef TlbEntry* entry = &cpu.tlb[(linear >> 12) & (TLB_SIZE - 1)]
    cdef u64 bytes = 0x1000 - (linear & 0xFFF), rest
    if (entry.write_page if access == WRITE else entry.read_page) != linear & ~<u64>0xFFF: return 0
    if op.address != 64:
        rest = (<u64>1 << op.address) - offset
        if rest < bytes: bytes = rest
    if cpu.code_bits != 64:
        if cpu.segment[segment].access & 0xC == 4: return 0         # expand-down: one at a time
        rest = <u64>cpu.segment[segment].limit - offset + 1
        if rest < bytes: bytes = rest
    return bytes // (size // 8)

cdef inline u64 host_address(Cpu* cpu, u64 linear) noexcept nogil:
    return linear + cpu.tlb[(linear >> 12) & (TLB_SIZE - 1)].to_host

cdef inline u64 least(u64 a, u64 b) noexcept nogil:
    return a if a < b else b

# Each returns how many iterations it did, at most `most`; 0 sends the caller to the slow way.

cdef inline u64 movs_many(Cpu* cpu, Op* op, u64 most, const int size) noexcept nogil:
    cdef u64 source = source_address(cpu, op, size), target, i, n, a, b
    n = least(most, elements_within(cpu, op, narrow(op, cpu.gpr[RSI]), source, op.segment, size, READ))
    if n == 0: return 0                                 # its faults come before the target's
    target = target_address(cpu, op, size, WRITE)
    n = least(n, elements_within(cpu, op, narrow(op, cpu.gpr[RDI]), target, ES, size, WRITE))
    if n == 0: return 0
    a, b = host_address(cpu, source), host_address(cpu, target)
    if b - a >= n * (size // 8):                        # unsigned: also where the target lies below
        memmove(<void*>b, <void*>a, n * (size // 8))
    else:                                               # the target overlaps what is yet to be read: the pattern repeats
        for i in range(n): store_host(b + i * (size // 8), load_host(a + i * (size // 8), size), size)
    advance(cpu, op, RSI, n, size)
    advance(cpu, op, RDI, n, size)
    return n

cdef inline u64 stos_many(Cpu* cpu, Op* op, u64 most, const int size) noexcept nogil:
    cdef u64 target = target_address(cpu, op, size, WRITE), i, n, b
    cdef u64 value = read_register(cpu, RAX, size)
    n = least(most, elements_within(cpu, op, narrow(op, cpu.gpr[RDI]), target, ES, size, WRITE))
    if n == 0: return 0
    b = host_address(cpu, target)
    if size == 8 or value == 0: memset(<void*>b, <int>value, n * (size // 8))
    else:
        for i in range(n): store_host(b + i * (size // 8), value, size)
    advance(cpu, op, RDI, n, size)
    return n

cdef inline u64 lods_many(Cpu* cpu, Op* op, u64 most, const int size) noexcept nogil:
    return 0                                            # nobody is in a hurry to load one register many times

# Comparisons stop behind the first element that is (REPNE) or is not (REPE) equal
cdef inline u64 cmps_many(Cpu* cpu, Op* op, u64 most, const int size) noexcept nogil:
    cdef u64 target = target_address(cpu, op, size, READ), source, i = 0, n, a, b
    cdef u64 x = 0, y = 0
    cdef bint until_equal = op.repeat == REPEAT_NE
    n = least(most, elements_within(cpu, op, narrow(op, cpu.gpr[RDI]), target, ES, size, READ))
    if n == 0: return 0                                 # its faults come before the source's
    source = source_address(cpu, op, size)
    n = least(n, elements_within(cpu, op, narrow(op, cpu.gpr[RSI]), source, op.segment, size, READ))
    if n == 0: return 0
    a, b = host_address(cpu, source), host_address(cpu, target)
    while i < n:
        x, y = load_host(a, size), load_host(b, size)
        a += size // 8
        b += size // 8
        i += 1
        if (x == y) == until_equal: break
    advance(cpu, op, RSI, i, size)
    advance(cpu, op, RDI, i, size)
    flags_sub(cpu, x, y, truncate(x - y, size), size)
    return i

cdef inline u64 scas_many(Cpu* cpu, Op* op, u64 most, const int size) noexcept nogil:
    cdef u64 target = target_address(cpu, op, size, READ), i = 0, n, b
    cdef u64 x = read_register(cpu, RAX, size), y = 0
    cdef bint until_equal = op.repeat == REPEAT_NE
    n = least(most, elements_within(cpu, op, narrow(op, cpu.gpr[RDI]), target, ES, size, READ))
    if n == 0: return 0
    b = host_address(cpu, target)
    while i < n:
        y = load_host(b, size)
        b += size // 8
        i += 1
        if (x == y) == until_equal: break
    advance(cpu, op, RDI, i, size)
    flags_sub(cpu, x, y, truncate(x - y, size), size)
    return i

# ---- the loop of REP: `which` is a constant ------------------------------------------------------------------------

cdef enum: MOVS, CMPS, STOS, LODS, SCAS

cdef inline void once(Cpu* cpu, Op* op, const int which, const int size) noexcept nogil:
    if which == MOVS: movs_once(cpu, op, size)
    elif which == CMPS: cmps_once(cpu, op, size)
    elif which == STOS: stos_once(cpu, op, size)
    elif which == LODS: lods_once(cpu, op, size)
    else: scas_once(cpu, op, size)

cdef inline u64 many(Cpu* cpu, Op* op, u64 most, const int which, const int size) noexcept nogil:
    if which == MOVS: return movs_many(cpu, op, most, size)
    elif which == CMPS: return cmps_many(cpu, op, most, size)
    elif which == STOS: return stos_many(cpu, op, most, size)
    elif which == LODS: return lods_many(cpu, op, most, size)
    else: return scas_many(cpu, op, most, size)

# 32-bit addresses lose their upper halves where REP has nothing to do, as on Intel's; AMD's keep them then
cdef inline void narrow_all(Cpu* cpu, const int which) noexcept nogil:
    cpu.gpr[RCX] = <u32>cpu.gpr[RCX]
    if which == MOVS: cpu.gpr[RSI] = <u32>cpu.gpr[RSI]
    if which == MOVS or which == STOS: cpu.gpr[RDI] = <u32>cpu.gpr[RDI]

cdef inline Op* repeat(Cpu* cpu, Op* op, const int which, const int size) noexcept nogil:
    cdef u64 count = narrow(op, cpu.gpr[RCX]), done, carries = cpu.carries
    cdef i64 result = cpu.result
    cdef bint until_equal = op.repeat == REPEAT_NE
    if count == 0:                                      # a REP that does nothing is an instruction all the same
        if op.address == 32: narrow_all(cpu, which)
        retire(cpu, op)
        return find(cpu, next_rip(cpu, op))
    retire_before(cpu, op)
    while True:
        done = 0
        if which == CMPS or which == SCAS: cpu.result, cpu.carries = result, carries    # what a fault finds: those of before
        if not cpu.rflags & (FLAG_DF | FLAG_TF): done = many(cpu, op, least(count, <u64>cpu.budget), which, size)
        if done == 0:
            once(cpu, op, which, size)
            done = 1
        count -= done
        set_narrow(cpu, op, RCX, count)
        cpu.budget -= done
        if count == 0: break
        if (which == CMPS or which == SCAS) and (cpu.result == 0) == until_equal: break
        if cpu.budget <= 0 or cpu.rflags & FLAG_TF:     # TF: a debug trap after each iteration
            cpu.retired = 0
            cpu.midway = 1
            return leave(cpu, op.rip)
    cpu.retired = 0
    return find(cpu, next_rip(cpu, op))

cdef inline Op* movs(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    if op.repeat: return repeat(cpu, op, MOVS, size)
    movs_once(cpu, op, size)
    return proceed(cpu, op)

cdef inline Op* cmps(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    if op.repeat: return repeat(cpu, op, CMPS, size)
    cmps_once(cpu, op, size)
    return proceed(cpu, op)

cdef inline Op* stos(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    if op.repeat: return repeat(cpu, op, STOS, size)
    stos_once(cpu, op, size)
    return proceed(cpu, op)

cdef inline Op* lods(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    if op.repeat: return repeat(cpu, op, LODS, size)
    lods_once(cpu, op, size)
    return proceed(cpu, op)

cdef inline Op* scas(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    if op.repeat: return repeat(cpu, op, SCAS, size)
    scas_once(cpu, op, size)
    return proceed(cpu, op)
