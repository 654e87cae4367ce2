"""Memory accesses that the TLB cannot answer at once, segment checks, and the way out of a handler."""
from libc.setjmp cimport longjmp
from libc.string cimport memcpy, memset
from x86._state cimport *
from x86._state cimport Memory as MemoryMap
from x86._flags cimport FLAG_AC, FLAG_VM
from x86._debug cimport BREAK_ACCESS, BREAK_WRITE, conditions_met
from x86._tlb cimport is_canonical, load_host, store_host
from x86._memory cimport frame_for, region_for
from x86._mmu cimport walk
from x86._causes cimport (CAUSE_NON_CANONICAL, CAUSE_MISALIGNED, CAUSE_SEGMENT_LIMIT, CAUSE_STACK_LIMIT, CAUSE_NULL_SELECTOR,
                          CAUSE_SEGMENT_READ_ONLY, CAUSE_SEGMENT_EXECUTE_ONLY)

cdef enum: VECTOR_SS = 12, VECTOR_GP = 13, VECTOR_PF = 14, VECTOR_AC = 17

# ---- out of a handler ---------------------------------------------------------------------------------------------------

cdef void raise_fault(Cpu* cpu, Op* op, int vector, u32 cause, u64 detail) noexcept nogil:
    cpu.fault.has_error = False
    cpu.fault.error = 0
    cpu.fault.vector = vector
    cpu.fault.cause = cause
    cpu.fault.detail = detail
    cpu.unwind_op = op
    cpu.unwind_reason = UNWIND_FAULT
    longjmp(cpu.unwind, 1)

cdef void raise_error(Cpu* cpu, Op* op, int vector, u32 error, u32 cause, u64 detail) noexcept nogil:
    cpu.fault.has_error = True
    cpu.fault.error = error
    cpu.fault.vector = vector
    cpu.fault.cause = cause
    cpu.fault.detail = detail
    cpu.unwind_op = op
    cpu.unwind_reason = UNWIND_FAULT
    longjmp(cpu.unwind, 1)

cdef void run_alone(Cpu* cpu, Op* op) noexcept nogil:
    # A device or code is touched: only an instruction outside any block may do that, so that what follows sees it
    if op != NULL and not cpu.single:
        cpu.unwind_op = op
        cpu.unwind_reason = UNWIND_SINGLE
        longjmp(cpu.unwind, 1)

# ---- translation --------------------------------------------------------------------------------------------------------

cdef void check_canonical(Cpu* cpu, Op* op, u64 linear, int segment) noexcept nogil:
    if cpu.code_bits == 64 and unlikely(not is_canonical(cpu, linear)):
        raise_error(cpu, op, VECTOR_SS if segment == SS else VECTOR_GP, 0, CAUSE_NON_CANONICAL, linear)

cdef void translation(Cpu* cpu, Op* op, u64 linear, int access, bint user, Translation* t) noexcept nogil:
    if walk(cpu.memory, &cpu.paging, linear, access, user, (cpu.rflags & FLAG_AC) != 0, t) != 0:
        cpu.fault.address = linear
        raise_error(cpu, op, VECTOR_PF, t.error, t.cause, linear)
    t.physical &= cpu.paging.address_mask

cdef u64 translate(Cpu* cpu, Op* op, u64 linear, int access, bint user) noexcept nogil:
    cdef Translation t
    translation(cpu, op, linear, access, user, &t)
    return t.physical

cdef inline Frame* frame_of(Cpu* cpu, u8* host) noexcept nogil:
    return &cpu.memory.frames[<u64>(host - cpu.memory.arena) >> 12]

cdef void remember(Cpu* cpu, int bank, u64 linear, const Translation* t, bint for_write) noexcept nogil:
    # Fill the TLB entry, where plain loads (and stores) may go ahead without a thought
    cdef u64 page = linear & ~<u64>0xFFF, index = (linear >> 12) & (TLB_SIZE - 1)
    cdef u64 physical = t.physical & ~<u64>0xFFF
    cdef TlbEntry* entry = &cpu.banks[bank][index]
    cdef u8* host = frame_for(cpu.memory, physical, False)
    cdef u8* writable
    cdef Frame* frame
    if host == NULL or (bank == 1 and cpu.aligned_only & 1) or unlikely(is_watched_page(cpu, page)): return
    if entry.info == <u64>NO_PAGE:
        cpu.filled_list[bank][cpu.filled[bank]] = <u16>index
        cpu.filled[bank] += 1
    entry.read_page = page
    entry.write_page = <u64>NO_PAGE
    entry.to_host = <u64>host - page
    entry.info = physical | (TLB_GLOBAL if t.is_global else 0)
    if t.page_size > 4096: cpu.large_pages = 1
    if t.writable:
        writable = frame_for(cpu.memory, physical, True)
        frame = frame_of(cpu, host)
        if writable == host and frame.code == 0 and (for_write or frame.flags & FRAME_DIRTY):
            frame.flags |= FRAME_DIRTY
            entry.write_page = page

cdef u64 fetch_translate(Cpu* cpu, u64 linear) noexcept nogil:
    cdef int bank = cpu.cpl == 3
    cdef FetchEntry* entry = &cpu.fetch[bank][(linear >> 12) & (FETCH_SIZE - 1)]
    cdef Translation t
    if likely(entry.page == linear & ~<u64>0xFFF): return entry.info | (linear & 0xFFF)
    translation(cpu, NULL, linear, EXECUTE, bank, &t)
    entry.page = linear & ~<u64>0xFFF
    entry.info = t.physical & ~<u64>0xFFF
    if t.page_size > 4096: cpu.large_pages = 1
    return t.physical

# ---- physical accesses, inside one page -------------------------------------------------------------------------------------

cdef u64 physical_load(Cpu* cpu, Op* op, u64 physical, int size) noexcept nogil:
    cdef u8* host = frame_for(cpu.memory, physical, False)
    cdef Region* region
    if host != NULL: return load_host(<u64>host, size)
    region = region_for(cpu.memory, physical)
    if region == NULL or region.kind != REGION_MMIO: return ~<u64>0 if size == 64 else (<u64>1 << size) - 1
    run_alone(cpu, op)
    return cpu.mmio_read(cpu, physical, size // 8)

cdef void physical_store(Cpu* cpu, Op* op, u64 physical, u64 value, int size) noexcept nogil:
    cdef u8* host = frame_for(cpu.memory, physical, True)
    cdef Region* region
    cdef Frame* frame
    cdef u64 first = physical & 0xFFF, last = first + size // 8 - 1, granules
    if host == NULL:
        region = region_for(cpu.memory, physical)
        if region != NULL and region.kind == REGION_MMIO:
            run_alone(cpu, op)
            cpu.mmio_write(cpu, physical, value, size // 8)
        return
    frame = frame_of(cpu, host)
    if frame.code:
        granules = (<u64>1 << (first >> 6)) | (<u64>1 << (last >> 6))
        if frame.code & granules:
            run_alone(cpu, op)
            store_host(<u64>host, value, size)
            frame.flags |= FRAME_DIRTY
            cpu.code_written(cpu.blocks, <u64>(host - cpu.memory.arena) >> 12, first, last)
            return
    frame.flags |= FRAME_DIRTY
    store_host(<u64>host, value, size)

# ---- linear accesses of any size and alignment ---------------------------------------------------------------------------------

cdef inline bint crosses(u64 linear, int size) noexcept nogil:
    return (linear & 0xFFF) + size // 8 > 0x1000

cdef void check_aligned(Cpu* cpu, Op* op, u64 linear, int size, int bank) noexcept nogil:
    if bank == 1 and cpu.aligned_only & 1 and linear & (size // 8 - 1):
        raise_error(cpu, op, VECTOR_AC, 0, CAUSE_MISALIGNED, linear)

# ---- data breakpoints: their pages have no entry in the TLB, so that every access to them comes by here -----------------

cdef enum: WATCH_READS = 1 << BREAK_ACCESS, WATCH_WRITES = 1 << BREAK_WRITE | 1 << BREAK_ACCESS

cdef bint is_watched_page(Cpu* cpu, u64 page) noexcept nogil:
    return cpu.armed & WATCH_WRITES != 0 and conditions_met(cpu, page, 4096, WATCH_WRITES) != 0

cdef void watch(Cpu* cpu, Op* op, u64 linear, int size, int access) noexcept nogil:
    # The trap comes behind this instruction, so nothing may follow it in a block
    cdef u32 met
    if likely(not cpu.armed & WATCH_WRITES): return
    met = conditions_met(cpu, linear, size // 8, WATCH_READS if access == READ else WATCH_WRITES)
    if met == 0: return
    run_alone(cpu, op)
    cpu.debug_met |= met

cdef inline u64 wrapped(Cpu* cpu, u64 linear) noexcept nogil:
    return linear if cpu.code_bits == 64 else <u32>linear

cdef inline u64 next_page(Cpu* cpu, u64 linear) noexcept nogil:
    # 32-bit addresses wrap around. Above 4 GB, even under 32-bit code, lie what long mode has there: descriptors, TSS.
    return (linear | 0xFFF) + 1 if linear >> 32 else wrapped(cpu, (linear | 0xFFF) + 1)

cdef u64 read_in(Cpu* cpu, Op* op, int bank, u64 linear, int size, int segment, bint to_modify) noexcept nogil:
    cdef Translation t
    cdef u64 value = 0, second
    cdef int i, access = WRITE if to_modify else READ
    check_canonical(cpu, op, linear, segment)
    check_aligned(cpu, op, linear, size, bank)
    if not crosses(linear, size):
        translation(cpu, op, linear, access, bank, &t)
        remember(cpu, bank, linear, &t, to_modify)
        return physical_load(cpu, op, t.physical, size)
    check_canonical(cpu, op, linear + size // 8 - 1, segment)
    translation(cpu, op, linear, access, bank, &t)
    second = translate(cpu, op, next_page(cpu, linear), access, bank)
    for i in range(size // 8):
        if (linear & 0xFFF) + i < 0x1000: value |= physical_load(cpu, op, t.physical + i, 8) << (8 * i)
        else: value |= physical_load(cpu, op, second + ((linear + i) & 0xFFF), 8) << (8 * i)
    return value

cdef void write_in(Cpu* cpu, Op* op, int bank, u64 linear, u64 value, int size, int segment) noexcept nogil:
    cdef Translation t
    cdef u64 second
    cdef int i
    check_canonical(cpu, op, linear, segment)
    check_aligned(cpu, op, linear, size, bank)
    if not crosses(linear, size):
        translation(cpu, op, linear, WRITE, bank, &t)
        remember(cpu, bank, linear, &t, True)
        physical_store(cpu, op, t.physical, value, size)
        return
    check_canonical(cpu, op, linear + size // 8 - 1, segment)
    translation(cpu, op, linear, WRITE, bank, &t)
    second = translate(cpu, op, next_page(cpu, linear), WRITE, bank)
    for i in range(size // 8):
        if (linear & 0xFFF) + i < 0x1000: physical_store(cpu, op, t.physical + i, (value >> (8 * i)) & 0xFF, 8)
        else: physical_store(cpu, op, second + ((linear + i) & 0xFFF), (value >> (8 * i)) & 0xFF, 8)

cdef u64 read_miss(Cpu* cpu, Op* op, u64 linear, int size, int segment) noexcept nogil:
    watch(cpu, op, linear, size, READ)
    return read_in(cpu, op, cpu.cpl == 3, linear, size, segment, False)

cdef u64 read_modify_miss(Cpu* cpu, Op* op, u64 linear, int size, int segment) noexcept nogil:
    watch(cpu, op, linear, size, WRITE)
    return read_in(cpu, op, cpu.cpl == 3, linear, size, segment, True)

cdef void write_miss(Cpu* cpu, Op* op, u64 linear, u64 value, int size, int segment) noexcept nogil:
    watch(cpu, op, linear, size, WRITE)
    write_in(cpu, op, cpu.cpl == 3, linear, value, size, segment)

cdef void refuse_user_page(Cpu* cpu, Op* op, u64 linear) noexcept nogil:
    # Under SMAP, EFLAGS.AC opens user pages to explicit accesses only (SDM volume 3, "Determination of Access Rights")
    cdef Translation t
    if walk(cpu.memory, &cpu.paging, linear, READ, False, False, &t) != 0:
        cpu.fault.address = linear
        raise_error(cpu, op, VECTOR_PF, t.error, t.cause, linear)

cdef u64 read_system(Cpu* cpu, Op* op, u64 linear, int size) noexcept nogil:
    cdef TlbEntry* entry = &cpu.banks[0][(linear >> 12) & (TLB_SIZE - 1)]
    if unlikely(cpu.aligned_only & 2):                          # SMAP and AC
        refuse_user_page(cpu, op, linear)
        if crosses(linear, size): refuse_user_page(cpu, op, next_page(cpu, linear))
    if likely(entry.read_page == ((linear + (size // 8 - 1)) & ~<u64>0xFFF)): return load_host(linear + entry.to_host, size)
    return read_in(cpu, op, 0, linear, size, DS, False)

cdef void write_system(Cpu* cpu, Op* op, u64 linear, u64 value, int size) noexcept nogil:
    cdef TlbEntry* entry = &cpu.banks[0][(linear >> 12) & (TLB_SIZE - 1)]
    if likely(entry.write_page == ((linear + (size // 8 - 1)) & ~<u64>0xFFF)): store_host(linear + entry.to_host, value, size)
    else: write_in(cpu, op, 0, linear, value, size, DS)

cdef void probe(Cpu* cpu, Op* op, u64 linear, u32 bytes, int access, int segment) noexcept nogil:
    cdef u64 last = wrapped(cpu, linear + bytes - 1)
    cdef bint user = cpu.cpl == 3
    check_canonical(cpu, op, linear, segment)
    check_canonical(cpu, op, last, segment)
    translate(cpu, op, linear, access, user)
    if (linear ^ last) >> 12: translate(cpu, op, last & ~<u64>0xFFF, access, user)

# ---- operands of more than 8 bytes, and odd sizes --------------------------------------------------------------------------

cdef inline bint in_pieces_of_8(Cpu* cpu, u64 linear) noexcept nogil:
    # Alignment checks are not for operands of more than 8 bytes, but their pieces would meet them
    return not cpu.aligned_only & 1 or linear & 7 == 0

cdef void read_wide(Cpu* cpu, Op* op, u64 linear, void* to, u32 bytes, int segment) noexcept nogil:
    cdef TlbEntry* entry = &cpu.tlb[(linear >> 12) & (TLB_SIZE - 1)]
    cdef u8* at = <u8*>to
    cdef u32 done = 0
    if likely(entry.read_page == ((linear + bytes - 1) & ~<u64>0xFFF)):
        memcpy(to, <void*>(linear + entry.to_host), bytes)
        return
    if bytes == 4:
        (<u32*>at)[0] = <u32>read_miss(cpu, op, linear, 32, segment)
        return
    if bytes == 2:
        (<u16*>at)[0] = <u16>read_miss(cpu, op, linear, 16, segment)
        return
    while done + 8 <= bytes and (bytes == 8 or in_pieces_of_8(cpu, linear)):
        (<u64*>(at + done))[0] = read_miss(cpu, op, wrapped(cpu, linear + done), 64, segment)
        done += 8
    for done in range(done, bytes): at[done] = <u8>read_miss(cpu, op, wrapped(cpu, linear + done), 8, segment)

cdef void write_wide(Cpu* cpu, Op* op, u64 linear, const void* value, u32 bytes, int segment) noexcept nogil:
    cdef TlbEntry* entry = &cpu.tlb[(linear >> 12) & (TLB_SIZE - 1)]
    cdef const u8* at = <const u8*>value
    cdef u32 done = 0
    if likely(entry.write_page == ((linear + bytes - 1) & ~<u64>0xFFF)):
        memcpy(<void*>(linear + entry.to_host), value, bytes)
        return
    if bytes == 4:
        write_miss(cpu, op, linear, (<const u32*>at)[0], 32, segment)
        return
    if bytes == 2:
        write_miss(cpu, op, linear, (<const u16*>at)[0], 16, segment)
        return
    if bytes > 8: probe(cpu, op, linear, bytes, WRITE, segment)
    while done + 8 <= bytes and (bytes == 8 or in_pieces_of_8(cpu, linear)):
        write_miss(cpu, op, wrapped(cpu, linear + done), (<const u64*>(at + done))[0], 64, segment)
        done += 8
    for done in range(done, bytes): write_miss(cpu, op, wrapped(cpu, linear + done), at[done], 8, segment)

cdef Op* miss(Cpu* cpu, Op* op, u64 linear, int size, int access) noexcept nogil:
    # Where a flat handler goes when X86_REACH fails: fill and try again, or do it the slow way
    cdef int bank = cpu.cpl == 3
    cdef TlbEntry* entry = &cpu.tlb[(linear >> 12) & (TLB_SIZE - 1)]
    cdef Handler slow
    if not crosses(linear, size):
        check_canonical(cpu, op, linear, op.segment)
        if size <= 64: check_aligned(cpu, op, linear, size, bank)
        translation(cpu, op, linear, access, bank, &cpu.found)
        remember(cpu, bank, linear, &cpu.found, access == WRITE)
        if (entry.write_page if access == WRITE else entry.read_page) == linear & ~<u64>0xFFF: return go(cpu, op)
    slow = cpu.slow_handler(op)
    if slow != NULL: return slow(cpu, op)
    cpu.unwind_op = op
    cpu.unwind_reason = UNWIND_SINGLE
    longjmp(cpu.unwind, 1)
    return NULL

# ---- segments ---------------------------------------------------------------------------------------------------------------

cdef u64 segmented(Cpu* cpu, Op* op, u64 offset, int segment, u32 bytes, int access) noexcept nogil:
    cdef Segment* s = &cpu.segment[segment]
    cdef u64 linear, last = offset + bytes - 1, top
    cdef int vector
    cdef u32 type
    if cpu.code_bits == 64:
        linear = offset + s.base if segment >= FS else offset
        # An operand so long may have to be aligned, and that is told first: the access itself will find that no address is there
        if bytes >= 16 and not is_canonical(cpu, linear): return linear
        check_canonical(cpu, op, linear, segment)
        if bytes > 10: check_canonical(cpu, op, linear + bytes - 1, segment)    # a far pointer is read in two pieces
        return linear
    vector = VECTOR_SS if segment == SS else VECTOR_GP
    if cpu.paging.cr0 & 1 and not cpu.rflags & FLAG_VM:
        type = s.access & 0xF
        if unlikely(not s.access & 0x80): raise_error(cpu, op, vector, 0, CAUSE_NULL_SELECTOR, segment)
        if access == WRITE:
            if unlikely(type & 0xA != 2): raise_error(cpu, op, vector, 0, CAUSE_SEGMENT_READ_ONLY, s.selector)
        elif unlikely(type & 0xA == 8): raise_error(cpu, op, vector, 0, CAUSE_SEGMENT_EXECUTE_ONLY, s.selector)
    if unlikely(s.access & 0xC == 4):                   # expand-down: what lies above the limit is inside
        top = 0xFFFFFFFFu if s.access & 0x4000 else 0xFFFF
        if unlikely(offset <= s.limit or last > top):
            raise_error(cpu, op, vector, 0, CAUSE_STACK_LIMIT if segment == SS else CAUSE_SEGMENT_LIMIT, offset)
    elif unlikely(last > s.limit):
        raise_error(cpu, op, vector, 0, CAUSE_STACK_LIMIT if segment == SS else CAUSE_SEGMENT_LIMIT, offset)
    return <u32>(s.base + offset)

cdef void push_slow(Cpu* cpu, Op* op, u64 value, int size) noexcept nogil:
    cdef u64 sp = (cpu.gpr[RSP] - size // 8) & cpu.stack_mask
    cdef u64 linear = segmented(cpu, op, sp, SS, size // 8, WRITE)
    cdef TlbEntry* entry = &cpu.tlb[(linear >> 12) & (TLB_SIZE - 1)]
    if likely(entry.write_page == ((linear + (size // 8 - 1)) & ~<u64>0xFFF)): store_host(linear + entry.to_host, value, size)
    else: write_miss(cpu, op, linear, value, size, SS)
    cpu.gpr[RSP] = (cpu.gpr[RSP] & ~cpu.stack_mask) | sp

cdef u64 top_slow(Cpu* cpu, Op* op, int size, u32 depth) noexcept nogil:
    cdef u64 linear = segmented(cpu, op, (cpu.gpr[RSP] + depth) & cpu.stack_mask, SS, size // 8, READ)
    cdef TlbEntry* entry = &cpu.tlb[(linear >> 12) & (TLB_SIZE - 1)]
    if likely(entry.read_page == ((linear + (size // 8 - 1)) & ~<u64>0xFFF)): return load_host(linear + entry.to_host, size)
    return read_miss(cpu, op, linear, size, SS)

# ---- forgetting ---------------------------------------------------------------------------------------------------------------

cdef void set_context(Cpu* cpu) noexcept nogil:
    cpu.tlb = &cpu.banks[cpu.cpl == 3][0]
    cpu.context = ((cpu.generation << 2) | cpu.cpl) << 48

cdef void forget_jumps(Cpu* cpu) noexcept nogil:
    memset(cpu.jumps, 0xFF, sizeof(cpu.jumps))

cdef void next_generation(Cpu* cpu) noexcept nogil:
    cpu.generation += 1
    if cpu.generation & 0x3FFF == 0: forget_jumps(cpu)          # the tag's 14 bits begin again
    memset(cpu.fetch, 0xFF, sizeof(cpu.fetch))
    set_context(cpu)

cdef inline void forget(TlbEntry* entry) noexcept nogil:
    entry.read_page = entry.write_page = entry.info = <u64>NO_PAGE

cdef void flush_tlb(Cpu* cpu, bint globals_too) noexcept nogil:
    cdef int bank
    cdef u64 i, kept
    cdef TlbEntry* entry
    for bank in range(2):
        kept = 0
        for i in range(cpu.filled[bank]):
            entry = &cpu.banks[bank][cpu.filled_list[bank][i]]
            if not globals_too and entry.info & TLB_GLOBAL:
                cpu.filled_list[bank][kept] = cpu.filled_list[bank][i]
                kept += 1
            else: forget(entry)
        cpu.filled[bank] = kept
    if globals_too: cpu.large_pages = 0
    next_generation(cpu)

cdef void flush_page(Cpu* cpu, u64 linear) noexcept nogil:
    cdef int bank
    cdef TlbEntry* entry
    if cpu.large_pages:
        flush_tlb(cpu, True)
        return
    for bank in range(2):
        entry = &cpu.banks[bank][(linear >> 12) & (TLB_SIZE - 1)]
        if entry.read_page == linear & ~<u64>0xFFF: entry.read_page = entry.write_page = <u64>NO_PAGE   # stays listed
    next_generation(cpu)

cdef void write_protect(Cpu* cpu, u64 frame) noexcept nogil:
    # Stores into this frame have to take the slow way from now on: there is code in it
    cdef int bank
    cdef u64 i
    cdef u64 host = <u64>cpu.memory.arena + (frame << 12)
    cdef TlbEntry* entry
    for bank in range(2):
        for i in range(cpu.filled[bank]):
            entry = &cpu.banks[bank][cpu.filled_list[bank][i]]
            if entry.write_page != <u64>NO_PAGE and entry.write_page + entry.to_host == host: entry.write_page = <u64>NO_PAGE
