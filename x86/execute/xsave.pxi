# XSAVE XSAVEOPT XSAVEC XRSTOR XGETBV XSETBV (SDM volume 1, chapter "Managing State Using the XSAVE Feature Set")
#
#       0 the legacy region, see _fpu_area.pxd    512 XSTATE_BV   520 XCOMP_BV   528 reserved   576 upper halves of YMM
#
# XCR0 and the bitmaps: 0 x87, 1 SSE, 2 AVX. AVX is the first component behind the header and so is at 576 in the standard
# and in the compacted format alike. MXCSR belongs to SSE and AVX in the standard format, to SSE in the other.
from x86._access cimport probe, raise_error, raise_fault, segmented
from x86._causes cimport *
from x86._decode import instruction_mask
from x86._fpu_area cimport *
from x86._model cimport *
from x86._segments cimport privileged
from x86._units cimport read_mxcsr, update_units, write_mxcsr

cdef enum: VECTOR_UD = 6, VECTOR_NM = 7, VECTOR_GP = 13
cdef enum: COMPONENT_X87 = 1, COMPONENT_SSE = 2, COMPONENT_AVX = 4
cdef enum: XSTATE_BV = 512, XCOMP_BV = 520, RESERVED = 528, AVX_AREA = 576
cdef u64 COMPACTED = <u64>1 << 63                       # of XCOMP_BV
cdef u64 HAS_AVX = instruction_mask(["AVX"]), HAS_XSAVEC = instruction_mask(["XSAVEC"])     # of Model.instructions

cdef inline u64 components(Cpu* cpu) noexcept nogil:            # all that XCR0 may name
    return 7 if cpu.model.instructions & HAS_AVX else 3

cdef inline u64 edx_eax(Cpu* cpu) noexcept nogil:
    return cpu.gpr[RDX] << 32 | <u32>cpu.gpr[RAX]

cdef inline void check_enabled(Cpu* cpu, Op* op) noexcept nogil:
    if unlikely(not cpu.paging.cr4 & CR4_OSXSAVE): raise_fault(cpu, op, VECTOR_UD, CAUSE_FEATURE_OFF, 0)

# XINUSE: what is not in its initial state. The stack's registers count although all are empty then
cdef u64 in_use(Cpu* cpu) noexcept nogil:
    cdef Fpu* f = &cpu.fpu
    cdef u64 result = 0, bits = f.fcw ^ DEFAULT_FCW | f.fsw | f.ftw | f.fop | f.fip | f.fdp
    cdef u32 i
    for i in range(8): bits |= f.fpr[i].significand | f.fpr[i].sign_exponent
    if bits: result |= COMPONENT_X87
    if not halves_are_clear(cpu, 0): result |= COMPONENT_SSE
    if not halves_are_clear(cpu, 1): result |= COMPONENT_AVX
    return result

# ---- the area -------------------------------------------------------------------------------------------------------------

# That the area is aligned comes before everything else of it
cdef void check_area(Cpu* cpu, Op* op) noexcept nogil:
    cdef u64 where = offset_of(cpu, op) + (0 if cpu.code_bits == 64 and op.segment < FS else cpu.segment[op.segment].base)
    check_enabled(cpu, op)
    if cpu.paging.cr0 & CR0_TS: raise_fault(cpu, op, VECTOR_NM, CAUSE_FPU_TASK_SWITCHED, 0)
    if where & 63: raise_error(cpu, op, VECTOR_GP, 0, CAUSE_MISALIGNED_OPERAND, where)

# A part of it can be reached. Returns where the area would begin for this part: an address of 32 bits wraps for each by itself
cdef u64 reach_part(Cpu* cpu, Op* op, u32 first, u32 bytes, int access) noexcept nogil:
    cdef u64 offset = offset_of(cpu, op) + first, linear
    if op.address != 64: offset = <u32>offset
    linear = segmented(cpu, op, offset, op.segment, bytes, access)
    probe(cpu, op, linear, bytes, access, op.segment)
    return linear - first

cdef struct Parts:                                      # where the area begins, for each of its components
    u64 x87, mxcsr, sse, avx

# Only those parts are touched that hold a component; a fault comes before all of it
cdef Parts reach_parts(Cpu* cpu, Op* op, u64 which, bint mxcsr, int access) noexcept nogil:
    cdef Parts parts
    parts.x87 = parts.mxcsr = parts.sse = parts.avx = 0
    if which & COMPONENT_X87: parts.x87 = reach_part(cpu, op, 0, 160, access)
    if mxcsr: parts.mxcsr = reach_part(cpu, op, 24, 8, access)
    if which & COMPONENT_SSE: parts.sse = reach_part(cpu, op, 160, 16 * vector_count(cpu), access)
    if which & COMPONENT_AVX: parts.avx = reach_part(cpu, op, AVX_AREA, 16 * vector_count(cpu), access)
    return parts

# optimized: only what is in use is stored
cdef void save_area(Cpu* cpu, Op* op, int size, bint optimized, bint compacted) noexcept nogil:
    cdef u64 header, wanted = cpu.fpu.xcr0 & edx_eax(cpu), used = in_use(cpu) & wanted, stored, old = 0
    cdef bint mxcsr
    cdef Parts parts
    check_area(cpu, op)
    if compacted and wanted & COMPONENT_SSE and read_mxcsr(cpu) != DEFAULT_MXCSR: used |= COMPONENT_SSE
    stored = used if optimized else wanted
    mxcsr = (stored & COMPONENT_SSE if compacted else wanted & (COMPONENT_SSE | COMPONENT_AVX)) != 0
    header = reach_part(cpu, op, XSTATE_BV, AVX_AREA - XSTATE_BV, WRITE)
    parts = reach_parts(cpu, op, stored, mxcsr, WRITE)
    if not compacted: old = get(cpu, op, header, XSTATE_BV, 64)
    if stored & COMPONENT_X87: put_x87(cpu, op, parts.x87, size)
    if mxcsr: put_mxcsr(cpu, op, parts.mxcsr)
    if stored & COMPONENT_SSE: put_halves(cpu, op, parts.sse, 160, 0)
    if stored & COMPONENT_AVX: put_halves(cpu, op, parts.avx, AVX_AREA, 1)
    put(cpu, op, header, XSTATE_BV, old & ~wanted | used, 64)
    if compacted: put(cpu, op, header, XCOMP_BV, wanted | COMPACTED, 64)

cdef void refuse_header(Cpu* cpu, Op* op, u64 value) noexcept nogil:
    raise_error(cpu, op, VECTOR_GP, 0, CAUSE_XSAVE_HEADER, value)

# XSTATE_BV of a header without what is reserved
cdef u64 check_header(Cpu* cpu, Op* op, u64 header, u64 compaction) noexcept nogil:
    cdef u64 present = get(cpu, op, header, XSTATE_BV, 64), known = cpu.fpu.xcr0
    cdef u32 offset = RESERVED, end = RESERVED + 8
    if compaction & COMPACTED:
        if not cpu.model.instructions & HAS_XSAVEC or compaction & ~COMPACTED & ~known: refuse_header(cpu, op, compaction)
        known, end = compaction & ~COMPACTED, AVX_AREA
    elif compaction: refuse_header(cpu, op, compaction)
    if present & ~known: refuse_header(cpu, op, present)
    while offset < end:
        if get(cpu, op, header, offset, 64): refuse_header(cpu, op, get(cpu, op, header, offset, 64))
        offset += 8
    return present

cdef void restore_area(Cpu* cpu, Op* op, int size) noexcept nogil:
    cdef u64 header, wanted = cpu.fpu.xcr0 & edx_eax(cpu), compaction, present, cleared, mxcsr = DEFAULT_MXCSR
    cdef bint loaded                                            # MXCSR
    cdef Parts parts
    check_area(cpu, op)
    header = reach_part(cpu, op, XSTATE_BV, AVX_AREA - XSTATE_BV, READ)
    compaction = get(cpu, op, header, XCOMP_BV, 64)
    present = check_header(cpu, op, header, compaction) & wanted
    cleared = wanted & ~present
    loaded = (present & COMPONENT_SSE if compaction else wanted & (COMPONENT_SSE | COMPONENT_AVX)) != 0
    parts = reach_parts(cpu, op, present, loaded, READ)
    if loaded:
        mxcsr = get(cpu, op, parts.mxcsr, 24, 32)
        if mxcsr >> 16: raise_error(cpu, op, VECTOR_GP, 0, CAUSE_MXCSR_RESERVED, mxcsr)
    if loaded or compaction and cleared & COMPONENT_SSE: write_mxcsr(cpu, <u32>mxcsr)
    if present & COMPONENT_X87: get_x87(cpu, op, parts.x87, size)
    if cleared & COMPONENT_X87: clear_x87(cpu)
    if present & COMPONENT_SSE: get_halves(cpu, op, parts.sse, 160, 0)
    if cleared & COMPONENT_SSE: clear_halves(cpu, 0)
    if present & COMPONENT_AVX: get_halves(cpu, op, parts.avx, AVX_AREA, 1)
    if cleared & COMPONENT_AVX: clear_halves(cpu, 1)

cdef inline Op* save(Cpu* cpu, Op* op, const int kind, const int size, const int optimized, const int compacted) noexcept nogil:
    save_area(cpu, op, size, optimized, compacted)
    return proceed(cpu, op)

cdef inline Op* restore(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    restore_area(cpu, op, size)
    return proceed(cpu, op)

# ---- XCR0 -----------------------------------------------------------------------------------------------------------------

cdef inline Op* xgetbv(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 value = cpu.fpu.xcr0
    cdef u32 number = <u32>cpu.gpr[RCX]
    check_enabled(cpu, op)
    if number > 1 or number == 1 and not cpu.model.leaf13_eax & FEATURE_XGETBV1:
        raise_error(cpu, op, VECTOR_GP, 0, CAUSE_XCR, number)
    if number == 1:
        value &= in_use(cpu) | (COMPONENT_SSE if read_mxcsr(cpu) != DEFAULT_MXCSR else 0)
    cpu.gpr[RAX], cpu.gpr[RDX] = <u32>value, value >> 32
    return proceed(cpu, op)

# x87 is always enabled, AVX not without SSE
cdef inline bint is_possible(Cpu* cpu, u64 value) noexcept nogil:
    return value & ~components(cpu) == 0 and value & COMPONENT_X87 and value & (COMPONENT_SSE | COMPONENT_AVX) != COMPONENT_AVX

cdef inline Op* xsetbv(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    check_enabled(cpu, op)
    privileged(cpu, op)
    if <u32>cpu.gpr[RCX]: raise_error(cpu, op, VECTOR_GP, 0, CAUSE_XCR, <u32>cpu.gpr[RCX])
    if not is_possible(cpu, edx_eax(cpu)): raise_error(cpu, op, VECTOR_GP, 0, CAUSE_XCR, edx_eax(cpu))
    cpu.fpu.xcr0 = edx_eax(cpu)
    update_units(cpu)
    return proceed(cpu, op)
