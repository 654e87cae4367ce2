# LGDT LIDT SGDT SIDT LLDT LTR SLDT STR LAR LSL VERR VERW ARPL
from x86._causes cimport CAUSE_TABLE_BASE
from x86._segments cimport *
from x86._tlb cimport is_canonical_base

# ---- GDTR and IDTR: in memory a limit of 16 bits, then a base of 32 bits, or 64 in 64-bit mode --------------------------

cdef inline u64 behind_limit(Cpu* cpu, u64 where) noexcept nogil:
    return where + 2 if cpu.code_bits == 64 else <u32>(where + 2)

cdef inline Op* store_table(Cpu* cpu, Op* op, const Table* table, const int size) noexcept nogil:
    cdef u64 where
    check_umip(cpu, op)
    where = segmented(cpu, op, offset_of(cpu, op), op.segment, 10 if size == 64 else 6, WRITE)
    store(cpu, op, where, table.limit, 16, op.segment)
    if size == 64: store(cpu, op, behind_limit(cpu, where), table.base, 64, op.segment)
    else: store(cpu, op, behind_limit(cpu, where), table.base, 32, op.segment)
    return proceed(cpu, op)

cdef inline Op* load_table(Cpu* cpu, Op* op, Table* table, const int size) noexcept nogil:
    cdef u64 where, base, limit
    privileged(cpu, op)
    where = segmented(cpu, op, offset_of(cpu, op), op.segment, 10 if size == 64 else 6, READ)
    limit = load(cpu, op, where, 16, op.segment)
    if size == 64:
        base = load(cpu, op, behind_limit(cpu, where), 64, op.segment)
        if unlikely(not is_canonical_base(cpu, base)): raise_error(cpu, op, VECTOR_GP, 0, CAUSE_TABLE_BASE, base)
    else:
        base = load(cpu, op, behind_limit(cpu, where), 32, op.segment)
        if size == 16: base &= 0xFFFFFF                 # as on the 286
    table.base = base
    table.limit = <u32>limit
    return proceed(cpu, op)

cdef inline Op* sgdt(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    return store_table(cpu, op, &cpu.gdtr, size)

cdef inline Op* sidt(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    return store_table(cpu, op, &cpu.idtr, size)

cdef inline Op* lgdt(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    return load_table(cpu, op, &cpu.gdtr, size)

cdef inline Op* lidt(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    return load_table(cpu, op, &cpu.idtr, size)

# ---- LDTR and TR ------------------------------------------------------------------------------------------------------

cdef inline Op* store_selector(Cpu* cpu, Op* op, const int kind, const int size, const int register) noexcept nogil:
    cdef u64 where
    protected_only(cpu, op)
    check_umip(cpu, op)
    if kind & DST_S:                                    # memory gets 16 bits, whatever the operand size
        where = operand_address(cpu, op, kind, 16, WRITE)
        store(cpu, op, where, cpu.segment[register].selector, 16, op.segment)
    else: write_register(cpu, op.dst, cpu.segment[register].selector, size)
    return proceed(cpu, op)

cdef inline Op* lldt(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    protected_only(cpu, op)
    privileged(cpu, op)
    cdef u64 where = operand_address(cpu, op, kind, 16, READ)
    load_ldtr(cpu, op, <u16>read_destination(cpu, op, where, kind, 16))
    return proceed(cpu, op)

cdef inline Op* ltr(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    protected_only(cpu, op)
    privileged(cpu, op)
    cdef u64 where = operand_address(cpu, op, kind, 16, READ)
    load_tr(cpu, op, <u16>read_destination(cpu, op, where, kind, 16))
    return proceed(cpu, op)

# ---- questions: they answer in ZF and never fault because of the selector -------------------------------------------------

cdef enum:                      # bit t: the system type t has rights (a limit) to tell; in long mode fewer do
    RIGHTS_LEGACY = 0x1A3E, RIGHTS_LONG = 0x1A04, LIMIT_LEGACY = 0x0A0E, LIMIT_LONG = 0x0A04

cdef bint visible(Cpu* cpu, Op* op, u16 selector, Descriptor* d) noexcept nogil:
    # There is such a descriptor, and CPL and RPL may know of it
    if selector & 0xFFFC == 0 or not look_up(cpu, op, selector, d): return False
    if is_code(d.access) and is_conforming(d.access): return True
    return dpl_of(d.access) >= cpu.cpl and dpl_of(d.access) >= <u32>(selector & 3)

cdef bint tells(Cpu* cpu, Op* op, Descriptor* d, u32 legacy_types, u32 long_types) noexcept nogil:
    if is_data_or_code(d.access): return True
    if not ((long_types if long_mode(cpu) else legacy_types) >> (d.access & TYPE)) & 1: return False
    return not long_mode(cpu) or (extend(cpu, op, d) and (d.high >> 40) & 0x1F == 0)

cdef i64 rights_of(Cpu* cpu, Op* op, u16 selector) noexcept nogil:             # -1: invisible
    cdef Descriptor d
    if not visible(cpu, op, selector, &d) or not tells(cpu, op, &d, RIGHTS_LEGACY, RIGHTS_LONG): return -1
    return <i64>((d.low >> 32) & 0x00FFFF00)

cdef i64 limit_behind(Cpu* cpu, Op* op, u16 selector) noexcept nogil:
    cdef Descriptor d
    if not visible(cpu, op, selector, &d) or not tells(cpu, op, &d, LIMIT_LEGACY, LIMIT_LONG): return -1
    return limit_of(&d)

cdef bint verified(Cpu* cpu, Op* op, u16 selector, bint write) noexcept nogil:
    cdef Descriptor d
    if not visible(cpu, op, selector, &d): return False
    return is_writable_data(d.access) if write else is_readable(d.access)

cdef inline Op* answer(Cpu* cpu, Op* op, i64 value, const int size) noexcept nogil:
    set_zf(cpu, value >= 0)
    if value >= 0: write_register(cpu, op.dst, <u64>value, size)
    return proceed(cpu, op)

cdef inline Op* lar(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    protected_only(cpu, op)
    cdef u64 where = operand_address(cpu, op, kind, 16, READ)
    return answer(cpu, op, rights_of(cpu, op, <u16>read_source(cpu, op, where, kind, 16)), size)

cdef inline Op* lsl(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    protected_only(cpu, op)
    cdef u64 where = operand_address(cpu, op, kind, 16, READ)
    return answer(cpu, op, limit_behind(cpu, op, <u16>read_source(cpu, op, where, kind, 16)), size)

cdef inline Op* verify(Cpu* cpu, Op* op, const int kind, const int size, const int write) noexcept nogil:
    protected_only(cpu, op)
    cdef u64 where = operand_address(cpu, op, kind, 16, READ)
    set_zf(cpu, verified(cpu, op, <u16>read_destination(cpu, op, where, kind, 16), write))
    return proceed(cpu, op)

cdef inline Op* arpl(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    protected_only(cpu, op)
    cdef u64 where = operand_address(cpu, op, kind, 16, READ)
    cdef u64 wanted = read_source(cpu, op, 0, RR, 16) & 3, value = read_destination(cpu, op, where, kind, 16)
    cdef bint raised = (value & 3) < wanted
    if raised:                                          # only then the right to write is needed
        where = operand_address(cpu, op, kind, 16, WRITE)
        write_destination(cpu, op, where, (value & ~<u64>3) | wanted, kind, 16)
    set_zf(cpu, raised)
    return proceed(cpu, op)
