"""From Instructions to Ops: lowering, the block cache, chaining, and what happens when code is written.

A block is straight-line code inside one physical page. It goes on behind conditional branches that are not taken and
ends at any other branch, at whatever the run loop must look at, at the end of the page, or after LONGEST instructions.
"""
from libc.stdlib cimport calloc, free, malloc
from posix.stdlib cimport posix_memalign
from libc.string cimport memcpy, memmove, memset
from x86._state cimport *
from x86._decode cimport *
from x86._debug cimport BREAK_CODE, is_enabled, kind_of_break
from x86._operands cimport leave, jump
from x86._tlb cimport is_canonical
from x86._memory cimport frame_for, physical_read
from x86._access cimport fetch_translate, forget_jumps, raise_error, raise_fault, write_protect
from x86._causes cimport (CAUSE_FETCH_LIMIT, CAUSE_TOO_LONG, CAUSE_LOCK, CAUSE_UNDEFINED_OPCODE,
                          CAUSE_NON_CANONICAL)

import importlib
from x86.isa import table as _table, FAMILIES as _FAMILIES

cdef enum: VARIANTS = 3, SIZE_INDICES = 7, MOST_FORMS = 2048, MOST_FUSED = 256

# Handlers by form, by where the r/m operand is (register, flat memory, segmented memory), by operand size
cdef Handler HANDLERS[MOST_FORMS][VARIANTS][SIZE_INDICES]
cdef u16 FUSED_ROW[MOST_FORMS][2][SIZE_INDICES]         # 0: this form does not fuse with Jcc; else a row of:
cdef Handler FUSED_HANDLERS[MOST_FUSED][16]
cdef i8 CONDITION[MOST_FORMS]                           # of Jcc; -1 for all other forms

cdef inline int size_index(int size) noexcept nogil:
    if size == 8: return 1
    if size == 16: return 2
    if size == 32: return 3
    if size == 64: return 4
    if size == 128: return 5
    if size == 256: return 6
    return 0

# ---- ends that no instruction has ------------------------------------------------------------------------------------------

cdef Op* fall_through(Cpu* cpu, Op* op) noexcept nogil:         # the block ends here, the code goes on
    return jump(cpu, op)

cdef Op* step_over(Cpu* cpu, Op* op) noexcept nogil:            # behind an instruction that runs alone
    cpu.budget -= op.position
    return leave(cpu, <u64>op.imm)

cdef Op* dead(Cpu* cpu, Op* op) noexcept nogil:                 # the first Op of a block whose bytes were written
    return leave(cpu, op.rip)

cdef Op* undefined(Cpu* cpu, Op* op) noexcept nogil:
    count_refusal(cpu, op)
    raise_fault(cpu, op, 6, CAUSE_UNDEFINED_OPCODE, 0)
    return NULL

cdef Op* lock_undefined(Cpu* cpu, Op* op) noexcept nogil:
    count_refusal(cpu, op)
    raise_fault(cpu, op, 6, CAUSE_LOCK, 0)
    return NULL

cdef Op* too_long(Cpu* cpu, Op* op) noexcept nogil:
    raise_error(cpu, op, 13, 0, CAUSE_TOO_LONG, 0)
    return NULL

cdef Op* past_limit(Cpu* cpu, Op* op) noexcept nogil:
    raise_error(cpu, op, 13, 0, CAUSE_FETCH_LIMIT, op.rip)
    return NULL

# ---- what no handler takes -------------------------------------------------------------------------------------------------

cdef inline bint refused(const Op* op) noexcept nogil:
    return op.run == undefined or op.run == lock_undefined

cdef void keep_code(Op* op, const u8* bytes, u32 bits) noexcept nogil:
    # An Op that only raises #UD has, for count_refusal, in imm and disp: its bytes, as far as a name can need them,
    # zeros, and the code size in the sixteenth
    cdef u8 code[16]
    memset(code, 0, 16)
    memcpy(code, bytes, op.length + 4 if op.length < 11 else 15)
    code[15] = <u8>bits
    memcpy(&op.imm, code, 8)
    memcpy(&op.disp, code + 8, 8)

cdef void count_refusal(Cpu* cpu, Op* op) noexcept nogil:
    cdef BlockCache* cache = <BlockCache*>cpu.blocks
    cdef Refusal* refusal
    cdef u64 low = op.imm, high = op.disp
    cdef u32 start = <u32>((low ^ high * <u64>0xC2B2AE3D27D4EB4Fu) * <u64>0x9E3779B97F4A7C15u >> 40), i
    for i in range(MOST_REFUSALS):
        refusal = &cache.refusals[(start + i) & (MOST_REFUSALS - 1)]
        if refusal.count == 0:
            memcpy(refusal.code, &low, 8)
            memcpy(&refusal.code[8], &high, 8)
            refusal.time = cpu.limit - cpu.budget + op.position - 1
            refusal.rip, refusal.cs = op.rip, cpu.segment[CS].selector
        elif (<u64*>refusal.code)[0] != low or (<u64*>refusal.code)[1] != high: continue
        refusal.count += 1
        return
    cache.unlisted += 1

# ---- the table of handlers ---------------------------------------------------------------------------------------------------


def _collect():
    """Fill the tables from the modules of the families. Returns the instantiations that rows name but no module has."""
    cdef size_t address
    handlers, missing = {}, []
    for family in sorted({form.family for form in _table.forms()} | {entry[5] for entry in _table.FUSED}):
        handlers.update(importlib.import_module(f"x86.execute._{family}").handlers())
    if len(_table.FORMS) > MOST_FORMS: raise ValueError("more forms than _blocks.pyx has room for")
    memset(HANDLERS, 0, sizeof(HANDLERS))
    memset(FUSED_ROW, 0, sizeof(FUSED_ROW))
    memset(FUSED_HANDLERS, 0, sizeof(FUSED_HANDLERS))
    for number, form in enumerate(_table.FORMS):
        CONDITION[number] = form.constants[0] if form.handler == "jcc" else -1
        expected = {name for name, *_ in form.instances()}
        for variant, kind in enumerate(form.kinds):
            for size in form.sizes:
                name = kind and form.instance(kind, size)
                if name not in expected: continue
                address = handlers.get(name, 0)
                if address: HANDLERS[number][variant][size_index(size)] = <Handler>address
                else: missing.append(name)
    # fused pairs: cmp_jcc_5_rr64 stands behind every form whose own handler is cmp_rr64
    by_first = {}
    for name, handler, kind, size, constants, family in _table.FUSED:
        first = handler.removesuffix("_jcc") + name[name.rindex("_"):]
        by_first.setdefault(first, {})[constants[0]] = handlers[name]
    rows = {}
    for number, form in enumerate(_table.FORMS):
        for variant, kind in enumerate(form.kinds[:2]):
            if kind is None: continue
            for size in form.sizes:
                name = form.instance(kind, size)
                if name not in by_first: continue
                if name not in rows:
                    row = rows[name] = len(rows) + 1
                    if row >= MOST_FUSED: raise ValueError("more fused pairs than _blocks.pyx has room for")
                    for condition, address in by_first[name].items():
                        FUSED_HANDLERS[row][condition] = <Handler><size_t>address
                FUSED_ROW[number][variant][size_index(size)] = rows[name]
    return missing


MISSING = _collect()

cdef Handler slow_handler(Op* op) noexcept nogil:
    if op.repeat == FUSED: return NULL
    return HANDLERS[op.form][2][op.size]

# ---- lowering ------------------------------------------------------------------------------------------------------------------

cdef void lower(const Instruction* o, Op* op, u64 rip, bint alone) noexcept nogil:
    cdef const FormInfo* info
    cdef int variant = 0, position, where, size
    memset(op, 0, sizeof(Op))
    op.rip = rip
    op.length = o.length
    op.base = op.index = NONE
    if o.status != DECODED:
        if o.status == LOCK_UNDEFINED: op.run = lock_undefined
        elif o.status == TOO_LONG: op.run = too_long
        else: op.run = undefined
        return
    info = form_info(o.form)
    op.form = o.form
    size = o.operand_size
    op.size = size_index(size)
    op.address = o.address_size
    op.segment = o.segment
    if o.prefixes & PREFIX_REP: op.repeat = REPEAT_E
    elif o.prefixes & PREFIX_REPNE: op.repeat = REPEAT_NE
    op.imm = o.immediate
    op.imm2 = <u16>o.immediate2
    for position in range(4):
        where = info.operand[position]
        if where == OPERAND_NONE: break
        if where == OPERAND_MEMORY or where == OPERAND_MOFFS or (where == OPERAND_RM and o.mod != 3):
            variant = 2
            op.disp = o.displacement
            op.base, op.index, op.scale = o.base, o.index, o.scale
            if o.base == RIP_BASE:
                op.base = NONE
                op.disp = o.displacement + <i64>rip + o.length
            if not alone and o.bits == 64 and o.address_size == 64 and o.segment < FS: variant = 1
        elif where == OPERAND_RELATIVE:
            op.imm = <i64>(rip + o.length + <u64>o.immediate)
            if o.bits != 64: op.imm = <u16>op.imm if o.effective_size == 16 else <u32>op.imm
        elif where == OPERAND_ONE: op.imm = 1
        elif where != OPERAND_IMMEDIATE and where != OPERAND_FAR:
            if position == 0: op.dst = register_of(o, info, position)
            elif where == OPERAND_VVVV: op.imm2 = register_of(o, info, position)
            elif where == OPERAND_IS4: op.imm = register_of(o, info, position)
            elif position == 1 or o.map >= VEX_MAP: op.src = register_of(o, info, position)
    if info.flags & FORM_VECTOR and o.map < VEX_MAP: op.imm2 = op.dst       # the destination is the first source, too
    if o.map == 0 and o.opcode & 0xF8 == 0xD8: op.imm2 = (o.opcode & 7) << 8 | o.modrm      # as the x87's FOP has it
    op.run = HANDLERS[o.form][variant][size_index(size)]
    if op.run == NULL: op.run = undefined

cdef inline bint ends(const Instruction* o, const Op* op) noexcept nogil:
    cdef const FormInfo* info
    if o.status != DECODED or op.run == undefined: return True
    info = form_info(o.form)
    return (info.flags & FORM_ENDS) != 0 or (info.flags & FORM_REP and op.repeat != 0)

cdef bint fuse(Op* first, const Instruction* o, Op* op) noexcept nogil:
    # CMP or TEST, then Jcc: one Op. `first` is the former's, `op` the latter's, which is dropped on success.
    cdef int variant, row
    cdef int condition = CONDITION[o.form]
    cdef Handler handler
    if condition < 0 or first.repeat != 0: return False
    for variant in range(2):
        if first.run != HANDLERS[first.form][variant][first.size]: continue
        row = FUSED_ROW[first.form][variant][first.size]
        if row == 0: continue
        handler = FUSED_HANDLERS[row][condition]
        if handler == NULL: return False
        if form_info(first.form).immediate[0] != IMMEDIATE_NONE: first.disp = first.imm
        first.run = handler
        first.imm = op.imm
        first.length += op.length
        first.position = op.position
        first.repeat = FUSED
        return True
    return False

# ---- fetching and decoding ---------------------------------------------------------------------------------------------------------

cdef inline u64 linear_of(Cpu* cpu, u64 rip) noexcept nogil:
    return rip if cpu.code_bits == 64 else <u32>(rip + cpu.segment[CS].base)

cdef inline u32 within_limit(Cpu* cpu, u64 rip, u32 available) noexcept nogil:
    # How many of the bytes at rip CS allows
    if cpu.code_bits == 64: return available
    if rip > cpu.segment[CS].limit: return 0
    if cpu.segment[CS].limit - rip + 1 < available: return <u32>(cpu.segment[CS].limit - rip + 1)
    return available

cdef void check_rip(Cpu* cpu) noexcept nogil:
    cdef Op* link = cpu.link
    if cpu.code_bits == 64:
        if unlikely(not is_canonical(cpu, cpu.rip)): raise_error(cpu, NULL, 13, 0, CAUSE_NON_CANONICAL, cpu.rip)
    elif unlikely(cpu.rip > cpu.segment[CS].limit):
        if link != NULL and <u64>link.imm == cpu.rip:           # a direct branch past the limit: the fault is the branch's
            cpu.budget += 1
            cpu.rip = link.rip
        cpu.link = NULL
        raise_error(cpu, NULL, 13, 0, CAUSE_FETCH_LIMIT, cpu.rip)

cdef const u8* code_bytes(Cpu* cpu, u64 physical, u8* buffer) noexcept nogil:
    # The bytes from here to the end of the page; where no memory is, a buffer of what the bus gives
    cdef u8* host = frame_for(cpu.memory, physical, False)
    cdef int i
    if host != NULL: return host
    for i in range(16): buffer[i] = <u8>physical_read(cpu.memory, (physical & ~<u64>0xFFF) | ((physical + i) & 0xFFF), 8)
    return buffer

cdef void decode_at(Cpu* cpu, u64 rip, u64 physical, Instruction* o, u8* joined) noexcept nogil:
    # Decode one instruction wherever it lies: across two pages, at the limit of CS. `joined`: 16 zeros, to be filled
    cdef u8 scratch[16]
    cdef u32 here = 0x1000 - <u32>(physical & 0xFFF), allowed, i
    cdef const u8* bytes = code_bytes(cpu, physical, joined)
    cdef u64 second
    if here > 15: here = 15
    allowed = within_limit(cpu, rip, 15)
    decode_instruction(bytes, here if here < allowed else allowed, cpu.code_bits, cpu.model.instructions, o)
    if o.status != NEED_MORE:
        memmove(joined, bytes, here)
        return
    if here < allowed:                                          # the next page has the rest
        for i in range(here): joined[i] = bytes[i]
        second = fetch_translate(cpu, linear_of(cpu, rip + here))
        bytes = code_bytes(cpu, second, scratch)
        for i in range(here, 16): joined[i] = bytes[i - here]
        decode_instruction(joined, allowed, cpu.code_bits, cpu.model.instructions, o)
    if o.status == NEED_MORE: raise_error(cpu, NULL, 13, 0, CAUSE_FETCH_LIMIT, rip)

cdef Op* single(Cpu* cpu) noexcept nogil:
    cdef Instruction o
    cdef Op* op = &cpu.scratch[0]
    cdef u8 code[16]
    memset(code, 0, sizeof(code))
    check_rip(cpu)
    cpu.link = NULL
    decode_at(cpu, cpu.rip, fetch_translate(cpu, linear_of(cpu, cpu.rip)), &o, code)
    lower(&o, op, cpu.rip, True)
    if refused(op): keep_code(op, code, cpu.code_bits)
    op.position = op.total = 1
    op.block = op[1].block = &cpu.scratch_block
    memset(op + 1, 0, sizeof(Op))
    op[1].run = step_over
    op[1].rip = cpu.rip
    op[1].position = 1
    op[1].imm = <i64>(cpu.rip + o.length)
    if cpu.code_bits != 64: op[1].imm = <u32>op[1].imm
    return op

# ---- the cache --------------------------------------------------------------------------------------------------------------------

cdef BlockCache* new_cache(Memory* memory) except NULL:
    cdef BlockCache* cache = <BlockCache*>calloc(1, sizeof(BlockCache))
    if cache != NULL:
        cache.memory = memory
        cache.table = <Block**>calloc(TABLE_SIZE, sizeof(Block*))
        if posix_memalign(<void**>&cache.ops, 64, MOST_OPS * sizeof(Op)) != 0: cache.ops = NULL    # an Op a cache line
        cache.blocks = <Block*>malloc(MOST_BLOCKS * sizeof(Block))
    if cache == NULL or cache.table == NULL or cache.ops == NULL or cache.blocks == NULL: raise MemoryError()
    return cache

cdef void free_cache(BlockCache* cache) noexcept nogil:
    free(cache.table)
    free(cache.ops)
    free(cache.blocks)
    free(cache)

cdef void empty_cache(BlockCache* cache) noexcept nogil:
    cdef u64 i
    cdef u32 n
    for i in range(cache.block_count):
        if cache.blocks[i].dead: continue                       # what lay at its address may be mapped elsewhere by now
        cache.memory.frames[frame_number(cache, cache.blocks[i].physical)].blocks = NULL
        cache.memory.frames[frame_number(cache, cache.blocks[i].physical)].code = 0
    memset(cache.table, 0, TABLE_SIZE * sizeof(Block*))
    cache.op_count = cache.block_count = 0
    cache.emptied += 1
    for n in range(cache.cpu_count):
        forget_jumps(cache.cpus[n])
        cache.cpus[n].link = NULL

cdef inline u64 frame_number(BlockCache* cache, u64 physical) noexcept nogil:
    return <u64>(frame_for(cache.memory, physical, False) - cache.memory.arena) >> 12

cdef inline u32 slot(u64 physical, u64 rip, u32 mode) noexcept nogil:
    cdef u64 key = physical * <u64>0x9E3779B97F4A7C15u ^ (rip >> 12) * <u64>0xC2B2AE3D27D4EB4Fu ^ mode
    return <u32>(key >> 40) & (TABLE_SIZE - 1)

cdef bint may_break(Cpu* cpu, u64 physical) noexcept nogil:
    # Is there an instruction breakpoint with this offset in its page? Which page, the run loop asks, instruction alone.
    cdef int number
    for number in range(4):
        if is_enabled(cpu.dr[7], number) and kind_of_break(cpu.dr[7], number) == BREAK_CODE \
                and (cpu.dr[number] ^ physical) & 0xFFF == 0: return True
    return False

cdef Block* build(Cpu* cpu, BlockCache* cache, u64 physical) noexcept nogil:
    # Decode from rip to the end of the block. NULL: the first instruction has to run alone.
    cdef Instruction o
    cdef Block* block
    cdef Block** head
    cdef Op* op
    cdef Op* previous = NULL
    cdef Frame* frame
    cdef u64 rip = cpu.rip, here = physical, page_end = (physical | 0xFFF) + 1, number, mask
    cdef u8* host = frame_for(cpu.memory, physical, False)
    cdef u32 available, allowed, count = 0, retired = 0, i
    if host == NULL: return NULL
    if cache.op_count + LONGEST + 2 > MOST_OPS or cache.block_count + 1 > MOST_BLOCKS: empty_cache(cache)
    block = &cache.blocks[cache.block_count]
    block.first = &cache.ops[cache.op_count]
    while True:
        available = <u32>(page_end - here)
        allowed = within_limit(cpu, rip, 15)
        if available == 0 or allowed == 0: break
        if unlikely(cpu.armed & 1 << BREAK_CODE) and may_break(cpu, here):
            if retired == 0: return NULL
            break
        decode_instruction(host, available if available < allowed else allowed, cpu.code_bits,
                           cpu.model.instructions, &o)
        if o.status == NEED_MORE or (o.status != DECODED and available < 15):
            if retired == 0: return NULL                        # crosses the page (or the limit): run it alone
            break
        op = block.first + count
        lower(&o, op, rip, False)
        if refused(op): keep_code(op, host, cpu.code_bits)
        op.block = block
        retired += 1
        op.position = retired
        rip += o.length
        here += o.length
        host += o.length
        if previous != NULL and o.status == DECODED and fuse(previous, &o, op):
            previous = NULL
            if retired >= LONGEST: break
            continue
        count += 1
        previous = op
        if ends(&o, op): break
        if retired >= LONGEST: break
    if count == 0: return NULL
    op = block.first + count - 1
    if op.repeat == FUSED or not ends_block(op):
        op += 1
        memset(op, 0, sizeof(Op))
        op.run = fall_through
        op.rip = rip if cpu.code_bits == 64 else <u32>rip
        op.imm = <i64>op.rip
        op.position = retired
        op.block = block
        count += 1
    block.first.total = retired
    block.physical = physical
    block.rip = cpu.rip
    block.cs_limit = cpu.segment[CS].limit if cpu.code_bits != 64 else 0
    block.mode = cpu.code_bits
    block.length = <u16>(here - physical)
    block.count = count
    block.dead = False
    cache.op_count += count
    cache.block_count += 1
    cache.built += 1
    head = &cache.table[slot(physical, cpu.rip, cpu.code_bits)]
    block.next_in_table = head[0]
    head[0] = block
    number = frame_number(cache, physical)
    frame = &cpu.memory.frames[number]
    if frame.code == 0: protect_frame(cache, number)
    for i in range(<u32>(physical & 0xFFF) >> 6, (<u32>(physical & 0xFFF) + block.length - 1 >> 6) + 1): frame.code |= <u64>1 << i
    block.next_in_page = frame.blocks
    frame.blocks = block
    return block

cdef void protect_frame(BlockCache* cache, u64 number) noexcept nogil:
    cdef u32 i
    for i in range(cache.cpu_count): write_protect(cache.cpus[i], number)

cdef bint ends_block(const Op* op) noexcept nogil:
    cdef const FormInfo* info
    if refused(op) or op.run == too_long: return True
    info = form_info(op.form)
    return (info.flags & FORM_ENDS) != 0 or (info.flags & FORM_REP and op.repeat != 0)

cdef Op* lookup(Cpu* cpu) noexcept nogil:
    cdef BlockCache* cache = <BlockCache*>cpu.blocks
    cdef u64 physical
    cdef Block* block
    cdef Op* link
    cdef JumpEntry* entry
    cdef u32 limit = cpu.segment[CS].limit if cpu.code_bits != 64 else 0
    check_rip(cpu)
    physical = fetch_translate(cpu, linear_of(cpu, cpu.rip))
    block = cache.table[slot(physical, cpu.rip, cpu.code_bits)]
    while block != NULL:
        if block.physical == physical and block.rip == cpu.rip and block.mode == cpu.code_bits and block.cs_limit == limit: break
        block = block.next_in_table
    if block == NULL:
        block = build(cpu, cache, physical)
        if block == NULL: return NULL
    entry = &cpu.jumps[(cpu.rip ^ (cpu.rip >> 12)) & (JUMP_SIZE - 1)]
    entry.tag = cpu.rip ^ cpu.context
    entry.first = block.first
    link = cpu.link
    cpu.link = NULL
    # chain the branch that led here, if it lies in the same page: then no mapping can come between
    if link != NULL and not link.block.dead and link.block != &cpu.scratch_block and <u64>link.imm == cpu.rip \
            and (link.block.physical ^ physical) >> 12 == 0 and link.block.mode == block.mode \
            and link.block.cs_limit == limit and cpu.rip - link.block.rip == physical - link.block.physical:
        link.target = block.first
    return block.first

# ---- code that is written ------------------------------------------------------------------------------------------------------------

cdef void unchain(Block* block) noexcept nogil:
    # No branch of this (living) block may lead into a dead one
    cdef u32 i
    for i in range(block.count):
        if block.first[i].target != NULL and block.first[i].target.block.dead: block.first[i].target = NULL

cdef void code_written(void* cache_, u64 number, u64 first, u64 last) noexcept nogil:
    cdef BlockCache* cache = <BlockCache*>cache_
    cdef Frame* frame = &cache.memory.frames[number]
    cdef Block** at = &frame.blocks
    cdef Block** chain
    cdef Block* block
    cdef u64 begin, code = 0
    cdef u32 i
    cdef bint any = False
    while at[0] != NULL:
        block = at[0]
        begin = block.physical & 0xFFF
        if begin <= last and first < begin + block.length:
            block.dead = True
            block.first.run = dead
            chain = &cache.table[slot(block.physical, block.rip, block.mode)]
            while chain[0] != block: chain = &chain[0].next_in_table
            chain[0] = block.next_in_table
            at[0] = block.next_in_page
            cache.killed += 1
            any = True
        else:
            for i in range(<u32>begin >> 6, (<u32>begin + block.length - 1 >> 6) + 1): code |= <u64>1 << i
            at = &block.next_in_page
    frame.code = code
    if not any: return
    block = frame.blocks
    while block != NULL:
        unchain(block)
        block = block.next_in_page
