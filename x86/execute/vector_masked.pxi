# Memory operands in pieces. An element is chosen if its highest bit in the mask is set; the others are not touched, whatever
# lies there. No element is checked for alignment (#AC), as no vector is, but the halves of MASKMOVDQU are.
from x86._vector cimport *
from x86._access cimport read_miss
from x86._causes cimport CAUSE_MISALIGNED

cdef enum: VECTOR_AC = 17

cdef inline bint is_chosen(const Vector* mask, int i, int element) noexcept nogil:
    return mask.sd[i] < 0 if element == 32 else mask.sq[i] < 0

cdef inline u64 truncated(Op* op, u64 offset) noexcept nogil:
    if op.address == 64: return offset
    return <u16>offset if op.address == 16 else <u32>offset

cdef inline bint is_held(u64 page, u64 where, const int bits) noexcept nogil:       # in one page, which is this one
    return page == ((where + bits // 8 - 1) & ~<u64>0xFFF)

# ---- single elements that the TLB does not hold ---------------------------------------------------------------------------

# Where alignment is checked, a misaligned element goes byte by byte
cdef inline bint is_checked(Cpu* cpu, u64 where, int element) noexcept nogil:
    return cpu.aligned_only & 1 and where & (element // 8 - 1) != 0

cdef inline u64 byte_address(Cpu* cpu, u64 where, int i) noexcept nogil:
    return where + i if cpu.code_bits == 64 else <u32>(where + i)

cdef u64 read_apart(Cpu* cpu, Op* op, u64 where, int element) noexcept nogil:
    cdef u64 value = 0
    cdef int i
    if likely(not is_checked(cpu, where, element)): return read_miss(cpu, op, where, element, op.segment)
    probe(cpu, op, where, element // 8, READ, op.segment)           # its faults are those of the whole
    for i in range(element // 8): value |= read_miss(cpu, op, byte_address(cpu, where, i), 8, op.segment) << 8 * i
    return value

cdef inline u64 read_one(Cpu* cpu, Op* op, u64 where, const int element) noexcept nogil:
    cdef TlbEntry* entry = &cpu.tlb[(where >> 12) & (TLB_SIZE - 1)]
    if likely(is_held(entry.read_page, where, element)): return load_host(where + entry.to_host, element)
    return read_apart(cpu, op, where, element)

cdef void write_apart(Cpu* cpu, Op* op, u64 where, const Vector* value, int i, int element) noexcept nogil:
    cdef int k
    if unlikely(is_checked(cpu, where, element)):
        probe(cpu, op, where, element // 8, WRITE, op.segment)
        for k in range(element // 8):
            store(cpu, op, byte_address(cpu, where, k), value.b[i * element // 8 + k], 8, op.segment)
    elif element == 32: store(cpu, op, where, value.d[i], 32, op.segment)
    else: store(cpu, op, where, value.q[i], 64, op.segment)

# ---- VMASKMOV ----------------------------------------------------------------------------------------------------------------

cdef inline u64 element_address(Cpu* cpu, Op* op, int i, int element, int access) noexcept nogil:
    return segmented(cpu, op, offset_of(cpu, op) + i * element // 8, op.segment, element // 8, access)

# The first and the last byte of what is chosen; False if nothing is. Faults of the segment come before those of pages
cdef bint span(Cpu* cpu, Op* op, const Vector* mask, int bits, int element, int access, u64* start, u64* last) noexcept nogil:
    cdef u64 where
    cdef int i
    cdef bint some = False
    for i in range(bits // element):
        if not is_chosen(mask, i, element): continue
        where = element_address(cpu, op, i, element, access)
        if not some: start[0] = where
        last[0] = segmented(cpu, op, offset_of(cpu, op) + (i + 1) * element // 8 - 1, op.segment, 1, access)
        some = True
    return some

# Into cpu.wide[0]. A page fault is at the first chosen byte that cannot be read
cdef void load_chosen(Cpu* cpu, Op* op, const Vector* mask, int bits, int element) noexcept nogil:
    cdef u64 where, start, last
    cdef int i
    if not span(cpu, op, mask, bits, element, READ, &start, &last): return
    for i in range(bits // element):
        if not is_chosen(mask, i, element): continue
        where = element_address(cpu, op, i, element, READ)
        if element == 32: cpu.wide[0].d[i] = <u32>read_one(cpu, op, where, 32)
        else: cpu.wide[0].q[i] = read_one(cpu, op, where, 64)

# All that can fault comes before the first store. A page fault is at the first chosen byte or, if that can be written, at
# the last one
cdef void store_chosen(Cpu* cpu, Op* op, const Vector* mask, const Vector* value, int bits, int element) noexcept nogil:
    cdef u64 start, last
    cdef int i
    if not span(cpu, op, mask, bits, element, WRITE, &start, &last): return
    probe(cpu, op, start, 1, WRITE, op.segment)
    probe(cpu, op, last, 1, WRITE, op.segment)
    for i in range(bits // element):
        if is_chosen(mask, i, element): write_apart(cpu, op, element_address(cpu, op, i, element, WRITE), value, i, element)

# A flat operand that is not in one page which the TLB holds: by a tail call to the segmented instantiation. Cpu.miss goes
# there without asking for the page if an operand cannot lie in one, and so long, in bits, is none
cdef enum: MORE_THAN_A_PAGE = 4097 * 8

cdef inline Op* masked_load(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int element) noexcept nogil:
    cdef Vector* mask
    cdef Vector* a
    cdef Vector r
    cdef TlbEntry* entry
    cdef u64 where
    cdef int i
    require(cpu, op, kind, unit)
    mask = first(cpu, op, unit)
    if kind & SRC_M:
        where = flat_address(cpu, op)
        entry = &cpu.tlb[(where >> 12) & (TLB_SIZE - 1)]
        if unlikely(not is_held(entry.read_page, where, size)): return cpu.miss(cpu, op, where, MORE_THAN_A_PAGE, READ)
        a = <Vector*>(where + entry.to_host)
    else:
        load_chosen(cpu, op, mask, size, element)
        a = &cpu.wide[0]
    if element == 32:
        for i in range(size // 32): r.sd[i] = a.sd[i] & (mask.sd[i] >> 31)
    else:
        for i in range(size // 64): r.q[i] = a.q[i] & (0 - (mask.q[i] >> 63))
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)

cdef inline Op* masked_store(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int element) noexcept nogil:
    cdef Vector* mask
    cdef Vector* value
    cdef Vector* to
    cdef Vector r
    cdef TlbEntry* entry
    cdef u64 where
    cdef int i
    require(cpu, op, kind, unit)
    mask, value = first(cpu, op, unit), vector_register(cpu, op.src, unit)
    if kind & DST_M:
        where = flat_address(cpu, op)
        entry = &cpu.tlb[(where >> 12) & (TLB_SIZE - 1)]
        if unlikely(not is_held(entry.write_page, where, size)): return cpu.miss(cpu, op, where, MORE_THAN_A_PAGE, WRITE)
        to = <Vector*>(where + entry.to_host)
        memcpy(&r, to, size // 8)
        if element == 32:
            for i in range(size // 32): r.d[i] ^= (r.d[i] ^ value.d[i]) & <u32>(mask.sd[i] >> 31)
        else:
            for i in range(size // 64): r.q[i] ^= (r.q[i] ^ value.q[i]) & (0 - (mask.q[i] >> 63))
        memcpy(to, &r, size // 8)
    else: store_chosen(cpu, op, mask, value, size, element)
    return proceed(cpu, op)

# ---- MASKMOVQ, MASKMOVDQU: halves of 8 bytes that have to be writable, whatever the mask; the upper one is asked first ---

cdef u64 half_address(Cpu* cpu, Op* op, u64 offset) noexcept nogil:
    cdef u64 where = segmented(cpu, op, offset, op.segment, 8, WRITE)
    if unlikely(cpu.cpl == 3 and cpu.aligned_only & 1 and where & 7): raise_error(cpu, op, VECTOR_AC, 0, CAUSE_MISALIGNED, where)
    probe(cpu, op, where, 8, WRITE, op.segment)
    return where

cdef void store_bytes(Cpu* cpu, Op* op, const Vector* value, const Vector* mask, int bytes) noexcept nogil:
    cdef u64 offset = truncated(op, cpu.gpr[RDI])
    cdef u64 where[2]
    cdef int i
    for i in range(bytes // 8 - 1, -1, -1): where[i] = half_address(cpu, op, truncated(op, offset + 8 * i))
    for i in range(bytes):
        if mask.sb[i] < 0: store(cpu, op, where[i // 8] + (i & 7), value.b[i], 8, op.segment)

cdef inline Op* masked_bytes(Cpu* cpu, Op* op, const int kind, const int size, const int unit) noexcept nogil:
    require(cpu, op, kind, unit)
    if unit == MMX: enter_mmx(cpu)                      # even if a fault follows, unlike other stores
    store_bytes(cpu, op, vector_register(cpu, op.dst, unit), vector_register(cpu, op.src, unit), size // 8)
    return proceed(cpu, op)

# ---- gathers -----------------------------------------------------------------------------------------------------------------
#
# Element by element from the lowest. One that is done is in its place and its mask is 0, so that after a fault the
# instruction goes on where it was. Before the first, the mask's elements become all zeros or all ones.

cdef inline u64 place(Cpu* cpu, Op* op, i64 index, const int kind, const int element) noexcept nogil:
    cdef u64 offset = cpu.gpr[op.base] + (<u64>index << op.scale) + <u64>op.disp
    if kind & SRC_M: return offset
    return segmented(cpu, op, truncated(op, offset), op.segment, element // 8, READ)

cdef inline Op* gather(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int index,
                       const int element) noexcept nogil:
    cdef Vector* to
    cdef Vector* mask
    cdef Vector* indices
    cdef int i
    cdef u64 where
    require(cpu, op, kind, unit)
    to, mask, indices = vector_register(cpu, op.dst, unit), first(cpu, op, unit), vector_register(cpu, op.index, unit)
    for i in range(size // element):
        if element == 32: mask.sd[i] >>= 31
        else: mask.q[i] = 0 - (mask.q[i] >> 63)
    if size == 128: mask.q[2] = mask.q[3] = 0
    for i in range(size // (index if index > element else element)):
        if not is_chosen(mask, i, element): continue
        where = place(cpu, op, indices.sd[i] if index == 32 else indices.sq[i], kind, element)
        if element == 32:
            to.d[i] = <u32>read_one(cpu, op, where, 32)
            mask.d[i] = 0
        else:
            to.q[i] = read_one(cpu, op, where, 64)
            mask.q[i] = 0
        if size == 128: to.q[2] = to.q[3] = 0
    mask.q[0] = mask.q[1] = mask.q[2] = mask.q[3] = 0
    if index > element and size == 128: to.q[1] = 0
    if index > element or size == 128: to.q[2] = to.q[3] = 0
    return proceed(cpu, op)
