# The hit is inline, the miss is a call. One compare folds page, permission and page crossing: the page of the last
# byte must equal the tag, and the tag is that of a page that may be read (written) without any further thought.
from x86._state cimport *
from x86._access cimport read_miss, write_miss, read_modify_miss

# Bits 63.. copy the highest one of a linear address: 47, or 56 with 5-level paging
cdef inline bint is_canonical(Cpu* cpu, u64 linear) noexcept nogil:
    return <u64>(<i64>(linear << cpu.canonical_shift) >> cpu.canonical_shift) == linear

# What MSRs, descriptor bases and INVPCID accept: the widest form that the processor has, whatever CR4.LA57 says
cdef inline bint is_canonical_base(Cpu* cpu, u64 linear) noexcept nogil:
    return <u64>(<i64>(linear << (64 - cpu.model.linear_bits)) >> (64 - cpu.model.linear_bits)) == linear

cdef inline u64 load_host(u64 host, const int size) noexcept nogil:
    if size == 8: return (<u8*>host)[0]
    if size == 16: return (<u16*>host)[0]
    if size == 32: return (<u32*>host)[0]
    return (<u64*>host)[0]

cdef inline void store_host(u64 host, u64 value, const int size) noexcept nogil:
    if size == 8: (<u8*>host)[0] = <u8>value
    elif size == 16: (<u16*>host)[0] = <u16>value
    elif size == 32: (<u32*>host)[0] = <u32>value
    else: (<u64*>host)[0] = value

cdef inline u64 load(Cpu* cpu, Op* op, u64 linear, const int size, int segment) noexcept nogil:
    cdef TlbEntry* entry = &cpu.tlb[(linear >> 12) & (TLB_SIZE - 1)]
    if likely(entry.read_page == ((linear + (size // 8 - 1)) & ~<u64>0xFFF)):
        return load_host(linear + entry.to_host, size)
    return read_miss(cpu, op, linear, size, segment)

cdef inline void store(Cpu* cpu, Op* op, u64 linear, u64 value, const int size, int segment) noexcept nogil:
    cdef TlbEntry* entry = &cpu.tlb[(linear >> 12) & (TLB_SIZE - 1)]
    if likely(entry.write_page == ((linear + (size // 8 - 1)) & ~<u64>0xFFF)):
        store_host(linear + entry.to_host, value, size)
    else:
        write_miss(cpu, op, linear, value, size, segment)

# The read half of read-modify-write: needs the right to write, so that the fault says W
cdef inline u64 load_to_modify(Cpu* cpu, Op* op, u64 linear, const int size, int segment) noexcept nogil:
    cdef TlbEntry* entry = &cpu.tlb[(linear >> 12) & (TLB_SIZE - 1)]
    if likely(entry.write_page == ((linear + (size // 8 - 1)) & ~<u64>0xFFF)):
        return load_host(linear + entry.to_host, size)
    return read_modify_miss(cpu, op, linear, size, segment)
