"""The hand-written decoder: prefixes, REX, opcode maps, ModRM, SIB, displacement, immediates (SDM Vol. 2, chapter 2).

Which opcodes exist is read from the rows of x86/isa at import; everything else is code. A decode is a walk over the
few rows that share the opcode, so two rows never need an order: tests/test_table.py proves that they do not overlap.
"""
from libc.string cimport memset
from x86._state cimport *

cdef enum: MAX_FORMS = 2048, MAX_LENGTH = 15

cdef FormInfo INFO[MAX_FORMS]
cdef u16 FIRST[MAPS][256]          # candidates of an opcode: CANDIDATES[FIRST .. FIRST + COUNT)
cdef u8 COUNT[MAPS][256]
cdef u16 CANDIDATES[MAX_FORMS]
cdef u8 HAS_MODRM[MAPS][256]
cdef int FORM_COUNT = 0

# ---- from rows to tables --------------------------------------------------------------------------------------------

from x86.isa import table as _table

cdef dict _SIZES = {"v": SIZE_V, "y": SIZE_Y, "z": SIZE_Z, "x": SIZE_X}
cdef dict _IMMEDIATES = {"ib": IMMEDIATE_B, "iw": IMMEDIATE_W, "iz": IMMEDIATE_Z, "iv": IMMEDIATE_V, "cb": IMMEDIATE_CB,
                         "cz": IMMEDIATE_CZ, "ptr": IMMEDIATE_PTR, "moffs": IMMEDIATE_MOFFS,
                         "/is4": IMMEDIATE_IS4}
cdef dict _PLACES = {"reg": OPERAND_REG, "rm": OPERAND_RM_REGISTER, "vvvv": OPERAND_VVVV, "opcode": OPERAND_OPCODE,
                     "is4": OPERAND_IS4}
cdef dict _FIXED = {"al": 0, "rAX": 0, "cl": 1, "dx": 2, "es": 0, "cs": 1, "ss": 2, "ds": 3, "fs": 4, "gs": 5, "st(0)": 0}


def _size_class(size):
    return _SIZES.get(size, size) if size is not None else 0


def _operand(form, position):
    """(OPERAND_*, size class of the register, fixed register) of one operand."""
    cdef str text = form.operands[position]
    width = _size_class(_table.operand_size(text))
    if text == "1": return OPERAND_ONE, 0, 0
    if text == "cl" and position > 0: return OPERAND_CL, 8, 1
    if text in _FIXED: return OPERAND_FIXED, width, _FIXED[text]
    if text.startswith("imm"): return OPERAND_IMMEDIATE, 0, 0
    if text.startswith("rel"): return OPERAND_RELATIVE, 0, 0
    if text.startswith("ptr"): return OPERAND_FAR, 0, 0
    if text.startswith("moffs"): return OPERAND_MOFFS, width, 0
    if _table.memory_only(text): return OPERAND_MEMORY, width, 0
    if "/m" in text:                            # r32/m16: the register's width is the first one
        if not text.startswith("r/m"):
            head = text.split("/")[0]
            width = _size_class(_table.operand_size(head)) if head[0] == "r" else 0
        return OPERAND_RM, width, 0
    if text in ("sreg", "cr", "dr"): return OPERAND_CONTROL, 0, 0
    return _PLACES[form.places[position]], width, 0


def instruction_mask(features):
    """Model.instructions of a processor that has these features: a bit for each that rows name."""
    return sum(1 << bit for bit, name in enumerate(_table.features()) if name in features)


def _build():
    global FORM_COUNT
    if len(_table.features()) > 64: raise ValueError("more features than Model.instructions has bits for")
    forms = _table.forms()
    if len(forms) > MAX_FORMS:
        raise ValueError(f"{len(forms)} forms, room for {MAX_FORMS}")
    cdef FormInfo* info
    by_opcode = {}
    for number, form in enumerate(forms):
        info = &INFO[number]
        memset(info, 0, sizeof(FormInfo))
        controls = any(text in ("cr", "dr") for text in form.operands)
        for position in range(len(form.operands)):
            info.operand[position], info.width[position], info.fixed[position] = _operand(form, position)
            info.eight[position] = form.operands[position].split("/")[0] in ("mm", "st(i)")
            if info.operand[position] == OPERAND_MEMORY: info.mod = 1
            if info.operand[position] == OPERAND_RM_REGISTER and not controls: info.mod = 3
            if info.operand[position] == OPERAND_RELATIVE: info.flags |= FORM_BRANCH
            if form.operands[position] in ("imm8u", "imm16"): info.zero_extends = 1
        for position, word in enumerate(form.immediates):
            info.immediate[position] = _IMMEDIATES[word]
        info.size = _size_class(form.size)
        for flag, on in ((FORM_LOCK, form.lock), (FORM_REP, form.rep), (FORM_STACK64, form.stack64),
                         (FORM_NEAR64, form.near64), (FORM_ENDS, form.ends), (FORM_MODRM, form.modrm), (FORM_SLOW, form.slow),
                         (FORM_VECTOR, form.vector), (FORM_VSIB, form.vsib)):
            if on: info.flags |= flag
        info.needs = instruction_mask(form.cpuid.split())
        info.prefix = {None: 0, "NP": 1, "NFx": 2, "66": 0x66, "F3": 0xF3, "F2": 0xF2}[form.prefix]
        info.mode = {"": 0, "64": 64, "legacy": 1}[form.mode]
        info.rex_w = {None: 0, 0: 1, 1: 2}[form.rex_w]
        info.vex_l = {None: 0, 0: 1, 1: 2}[form.vex_l]
        info.no_vvvv = form.vex and "vvvv" not in form.places
        info.digit = -1 if form.digit is None else form.digit
        info.modrm_byte = -1 if form.modrm_byte is None else form.modrm_byte
        info.no_rex_b = form.map == 0 and form.opcode == 0x90 and not form.plus_r and form.prefix is None
        for opcode in range(form.opcode, form.opcode + (8 if form.plus_r else 1)):
            by_opcode.setdefault((form.map, opcode), []).append(form)
    index = 0
    memset(FIRST, 0, sizeof(FIRST)); memset(COUNT, 0, sizeof(COUNT)); memset(HAS_MODRM, 0, sizeof(HAS_MODRM))
    for (map_, opcode), candidates in sorted(by_opcode.items()):
        # the more a row demands, the earlier it is asked
        candidates.sort(key=lambda form: (form.prefix in (None, "NP", "NFx"), form.prefix in (None, "NFx"),
                                          form.prefix is None, form.modrm_byte is None,
                                          form.digit is None, form.rex_w is None, form.plus_r, form.number))
        FIRST[map_][opcode], COUNT[map_][opcode] = index, len(candidates)
        HAS_MODRM[map_][opcode] = any(form.modrm for form in candidates)
        for form in candidates:
            if index >= MAX_FORMS: raise ValueError("too many forms")
            CANDIDATES[index] = form.number
            index += 1
    FORM_COUNT = len(forms)


_build()

cdef FormInfo* form_info(int form) noexcept nogil:
    return &INFO[form]

# ---- the decoder ------------------------------------------------------------------------------------------------------

cdef inline i64 read_signed(const u8* at, u32 size) noexcept nogil:
    if size == 1: return (<const i8*>at)[0]
    if size == 2: return (<const i16*>at)[0]
    if size == 4: return (<const i32*>at)[0]
    return (<const i64*>at)[0]

cdef inline bint matches(const FormInfo* info, const Instruction* o, u32 bits, u8 simd, u64 instructions) noexcept nogil:
    # simd: F3 or F2, else 66, else 0; under VEX what pp says
    if info.needs & ~instructions: return False
    if info.mode != 0 and (info.mode == 64) != (bits == 64): return False
    if info.prefix == 1:
        if simd != 0: return False
    elif info.prefix == 2:
        if simd > 0x66: return False
    elif info.prefix != 0 and info.prefix != simd: return False
    if info.vex_l != 0 and o.vex_l != info.vex_l - 1: return False
    if info.no_vvvv and o.vvvv != 0: return False
    if info.rex_w != 0 and ((o.rex >> 3) & 1) != info.rex_w - 1: return False
    if info.no_rex_b and o.rex & 1: return False
    if info.flags & FORM_MODRM:
        if info.modrm_byte >= 0: return info.modrm_byte == o.modrm
        if info.digit >= 0 and info.digit != ((o.modrm >> 3) & 7): return False
        if info.mod == 1 and o.mod == 3: return False
        if info.mod == 3 and o.mod != 3: return False
        if info.flags & FORM_VSIB and (o.modrm & 7 != 4 or o.address_size == 16): return False
    return True

cdef u32 decode_memory(const u8* bytes, u32 at, u32 available, u32 bits, bint vsib, Instruction* o) noexcept nogil:
    # The memory operand behind ModRM: SIB and displacement. Returns the new position, 0 if bytes are missing.
    # vsib: the index is the number of a vector register
    cdef u32 rm = o.modrm & 7, size = 0
    cdef u8 sib
    cdef u8 default = DS
    o.base = o.index = NONE
    if o.address_size == 16:
        #          0        1        2        3        4    5    6    7
        #          BX+SI    BX+DI    BP+SI    BP+DI    SI   DI   BP   BX
        if rm < 4:
            o.base = RBX if rm < 2 else RBP
            o.index = RSI if rm & 1 == 0 else RDI
        elif rm == 4: o.base = RSI
        elif rm == 5: o.base = RDI
        elif rm == 6: o.base = RBP if o.mod != 0 else NONE
        else: o.base = RBX
        if o.base == RBP: default = SS
        if o.mod == 1: size = 1
        elif o.mod == 2 or (o.mod == 0 and rm == 6): size = 2
    else:
        if rm == 4:
            if at >= available: return 0
            sib = bytes[at]
            at += 1
            o.scale = sib >> 6
            o.index = ((sib >> 3) & 7) | ((o.rex & 2) << 2)
            if o.index == RSP and not vsib: o.index = NONE  # index 100b without REX.X: none
            if sib & 7 == 5 and o.mod == 0: size = 4        # base 101b: disp32 instead, REX.B or not
            else: o.base = (sib & 7) | ((o.rex & 1) << 3)
        elif rm == 5 and o.mod == 0:
            size = 4
            if bits == 64: o.base = RIP_BASE
        else:
            o.base = o.rm
        if o.base == RSP or o.base == RBP: default = SS
        if o.mod == 1: size = 1
        elif o.mod == 2: size = 4
    if size:
        if at + size > available: return 0
        o.displacement = read_signed(bytes + at, size)
        at += size
    o.segment = default
    if o.segment_prefix: o.segment = o.segment_prefix - 1
    return at

#                        7   6   5   4 .. 0                          7   6 .. 3  2   1 0
#                      +---+---+---+--------+                      +---+-------+---+----+
#    three bytes:  C4  | R | X | B | mmmmm  |   two and three:     | W | vvvv  | L | pp |
#                      +---+---+---+--------+                      +---+-------+---+----+
#    two bytes:    C5                           R in the place of W, which is 0; the map is 0F
# R X B and vvvv are stored inverted. Outside 64-bit code R and X are 1 (it is LES or LDS otherwise), B means nothing.
cdef u32 decode_vex(const u8* bytes, u32 at, u32 limit, u32 bits, Instruction* o, u8* simd) noexcept nogil:
    # The prefix behind C4 or C5. Returns the new position, 0 if bytes are missing
    cdef u8 first = bytes[at], last = bytes[at], rex = (~bytes[at] >> 5) & 4
    cdef u32 map_ = 1
    if bytes[at - 1] == 0xC4:
        at += 1
        if at >= limit: return 0
        last = bytes[at]
        rex = ((~first >> 5) & 7) | ((last >> 4) & 8)
        map_ = first & 0x1F
    o.rex = 0x40 | (rex if bits == 64 else rex & 8)
    o.vvvv = (~last >> 3) & 15
    o.vex_l = (last >> 2) & 1
    o.effective_size = 64 if bits == 64 and rex & 8 else 32
    o.map = VEX_MAP | map_ if map_ < VEX_MAP else VEX_MAP           # where no row is
    last &= 3
    simd[0] = 0x66 if last == 1 else 0xF3 if last == 2 else 0xF2 if last == 3 else 0
    return at + 1

cdef inline u16 effective(u16 size_class, const Instruction* o) noexcept nogil:
    if size_class == SIZE_X: return 256 if o.vex_l else 128
    if size_class == SIZE_V: return o.effective_size
    if size_class == SIZE_Y: return 64 if o.effective_size == 64 else 32
    if size_class == SIZE_Z: return 16 if o.effective_size == 16 else 32
    return size_class

# A gather's destination, mask and index must be three registers
cdef inline bint coincide(const Instruction* o) noexcept nogil:
    cdef u8 mask = o.vvvv if o.bits == 64 else o.vvvv & 7
    return o.reg == mask or o.reg == o.index or mask == o.index

cdef void decode_instruction(const u8* bytes, u32 available, u32 bits, u64 instructions, Instruction* o) noexcept nogil:
    cdef u32 at = 0, i, limit, size
    cdef u8 byte, simd = 0
    cdef const FormInfo* info = NULL
    memset(o, 0, sizeof(Instruction))
    o.form = -1
    o.bits = bits
    o.base = o.index = NONE
    o.segment = DS
    limit = available if available < MAX_LENGTH else MAX_LENGTH
    o.status = TOO_LONG if available >= MAX_LENGTH else NEED_MORE       # what it is if bytes run out
    if o.status == TOO_LONG: o.length = MAX_LENGTH

    # -- prefixes: any order; a REX counts only directly before the opcode
    while True:
        if at >= limit: return
        byte = bytes[at]
        at += 1
        if byte == 0x66: o.prefixes |= PREFIX_OPERAND
        elif byte == 0x67: o.prefixes |= PREFIX_ADDRESS
        elif byte == 0xF0: o.prefixes |= PREFIX_LOCK
        elif byte == 0xF2:
            o.prefixes = (o.prefixes & ~PREFIX_REP) | PREFIX_REPNE
            simd = 0xF2
        elif byte == 0xF3:
            o.prefixes = (o.prefixes & ~PREFIX_REPNE) | PREFIX_REP
            simd = 0xF3
        elif byte == 0x26 or byte == 0x2E or byte == 0x36 or byte == 0x3E:
            if bits != 64:                                  # ES CS SS DS mean nothing in 64-bit mode
                o.segment_prefix = 1 + ((byte >> 3) & 3)
                o.prefixes |= PREFIX_SEGMENT
        elif byte == 0x64 or byte == 0x65:
            o.segment_prefix = 1 + (byte & 7)
            o.prefixes |= PREFIX_SEGMENT
        elif bits == 64 and byte & 0xF0 == 0x40:
            o.rex = byte
            continue
        else: break
        o.rex = 0

    # -- sizes
    if bits == 64:
        o.effective_size = 64 if o.rex & 8 else (16 if o.prefixes & PREFIX_OPERAND else 32)
        o.address_size = 32 if o.prefixes & PREFIX_ADDRESS else 64
    else:
        o.effective_size = 16 if (bits == 16) != ((o.prefixes & PREFIX_OPERAND) != 0) else 32
        o.address_size = 16 if (bits == 16) != ((o.prefixes & PREFIX_ADDRESS) != 0) else 32

    if simd == 0 and o.prefixes & PREFIX_OPERAND: simd = 0x66

    # -- opcode
    if byte & 0xFE == 0xC4 and at >= limit: return
    if byte & 0xFE == 0xC4 and (bits == 64 or bytes[at] >= 0xC0):
        if o.rex or o.prefixes & (PREFIX_LOCK | PREFIX_REP | PREFIX_REPNE | PREFIX_OPERAND):
            o.status = UNDEFINED
            o.length = at
            return
        at = decode_vex(bytes, at, limit, bits, o, &simd)
        if at == 0 or at >= limit: return
        byte = bytes[at]
        at += 1
    elif byte == 0x0F:
        o.map = 1
        if at >= limit: return
        byte = bytes[at]
        at += 1
        if byte == 0x38 or byte == 0x3A:
            o.map = 2 if byte == 0x38 else 3
            if at >= limit: return
            byte = bytes[at]
            at += 1
    o.opcode = byte
    if COUNT[o.map][byte] == 0:
        o.status = UNDEFINED
        o.length = at
        return
    if HAS_MODRM[o.map][byte]:
        if at >= limit: return
        o.modrm = bytes[at]
        at += 1
        o.mod = o.modrm >> 6
        o.reg = ((o.modrm >> 3) & 7) | ((o.rex & 4) << 1)
        o.rm = (o.modrm & 7) | ((o.rex & 1) << 3)
    for i in range(FIRST[o.map][byte], FIRST[o.map][byte] + COUNT[o.map][byte]):
        if matches(&INFO[CANDIDATES[i]], o, bits, simd, instructions):
            o.form = CANDIDATES[i]
            info = &INFO[o.form]
            break
    if info == NULL:
        o.status = UNDEFINED
        o.length = at
        return
    if bits == 64:
        if info.flags & FORM_NEAR64: o.effective_size = 64
        elif info.flags & FORM_STACK64: o.effective_size = 16 if o.effective_size == 16 else 64
    if info.prefix == 0x66 and o.effective_size == 16 and info.size in (SIZE_Y, SIZE_V):
        o.effective_size = 32                               # a mandatory 66 is no operand-size prefix
    o.operand_size = effective(info.size, o)

    # -- memory operand
    if info.flags & FORM_MODRM and o.mod != 3 and info.mod != 3:
        if not (info.operand[0] == OPERAND_RM_REGISTER or info.operand[1] == OPERAND_RM_REGISTER):
            at = decode_memory(bytes, at, limit, bits, info.flags & FORM_VSIB != 0, o)
            if at == 0: return
            if info.flags & FORM_VSIB and coincide(o):
                o.form = -1
                o.status = UNDEFINED
                o.length = at
                return
    elif o.segment_prefix: o.segment = o.segment_prefix - 1

    # -- immediates
    for i in range(2):
        size = 0
        if info.immediate[i] == IMMEDIATE_NONE: break
        elif info.immediate[i] in (IMMEDIATE_B, IMMEDIATE_CB, IMMEDIATE_IS4): size = 1
        elif info.immediate[i] == IMMEDIATE_W: size = 2
        elif info.immediate[i] == IMMEDIATE_MOFFS: size = o.address_size // 8
        elif info.immediate[i] == IMMEDIATE_V: size = o.effective_size // 8
        else: size = 2 if o.effective_size == 16 else 4
        if at + size > limit: return
        if info.immediate[i] == IMMEDIATE_MOFFS:
            o.displacement = read_signed(bytes + at, size)
            if size < 8: o.displacement &= <i64>((<u64>1 << (size * 8)) - 1)
        elif i == 0:
            o.immediate = read_signed(bytes + at, size)
            if info.zero_extends: o.immediate &= <i64>((<u64>1 << (size * 8)) - 1)
        else: o.immediate2 = read_signed(bytes + at, size)
        at += size
        if info.immediate[i] == IMMEDIATE_PTR:
            if at + 2 > limit: return
            o.immediate2 = <u16>read_signed(bytes + at, 2)
            at += 2

    o.length = at
    o.status = DECODED
    if o.prefixes & PREFIX_LOCK:
        if not info.flags & FORM_LOCK or o.mod == 3: o.status = LOCK_UNDEFINED

cdef u8 register_of(const Instruction* o, const FormInfo* info, int position) noexcept nogil:
    cdef u8 number, where = info.operand[position]
    if where == OPERAND_RM or where == OPERAND_RM_REGISTER: number = o.rm
    elif where == OPERAND_REG or where == OPERAND_CONTROL: number = o.reg
    elif where == OPERAND_VVVV: number = o.vvvv if o.bits == 64 else o.vvvv & 7
    elif where == OPERAND_OPCODE: number = (o.opcode & 7) | ((o.rex & 1) << 3)
    elif where == OPERAND_IS4: number = (o.immediate >> 4) & (15 if o.bits == 64 else 7)
    else: number = info.fixed[position]
    if info.eight[position]: return number & 7
    if info.width[position] == 8:
        if o.rex == 0 and number >= 4 and number < 8: return (number - 4) * 8 + 1      # AH CH DH BH
        return number * 8
    return number

# ---- for Python ----------------------------------------------------------------------------------------------------------

STATUS = {DECODED: "decoded", NEED_MORE: "truncated", UNDEFINED: "undefined opcode", TOO_LONG: "longer than 15 bytes",
          LOCK_UNDEFINED: "LOCK is not allowed here"}


class Decoded:
    """One decoded instruction. Attributes are those of `Instruction` in _decode.pxd; `form` is a row's Form or None."""

    __slots__ = ("form", "status", "length", "bits", "operand_size", "effective_size", "address_size", "prefixes", "rex",
                 "vvvv", "vex_l", "segment", "segment_prefix", "opcode", "map", "modrm", "mod", "reg", "rm", "base", "index",
                 "scale", "displacement", "immediate", "immediate2", "rip", "bytes")

    def __repr__(self):
        return f"Decoded({self.bytes[:self.length].hex(' ')}: {self.form.mnemonic if self.form else STATUS[self.status]})"

    @property
    def target(self):
        """Where a relative branch goes, or None."""
        if self.form is None or not any(operand.startswith("rel") for operand in self.form.operands): return None
        target = self.rip + self.length + self.immediate
        size = 64 if self.bits == 64 else self.operand_size or self.effective_size
        return target & ((1 << size) - 1)


def decode(data, rip=0, int bits=64, model=None):
    """Decode the instruction at the start of `data` (bytes-like) as if it lay at `rip` in 16-, 32- or 64-bit code.

    model: a processor of x86.models, whose instructions exist; without it all do."""
    cdef bytes raw = bytes(data[:16])
    cdef Instruction o
    if bits not in (16, 32, 64): raise ValueError(f"code size {bits} is not 16, 32 or 64")
    cdef u64 instructions = <u64>EVERYTHING if model is None else instruction_mask(model.features)
    decode_instruction(<const u8*><const char*>raw, len(raw), bits, instructions, &o)
    result = Decoded()
    result.bytes, result.rip, result.status, result.length = raw, rip, o.status, o.length
    result.form = _table.FORMS[o.form] if o.form >= 0 else None
    result.bits, result.operand_size, result.effective_size, result.address_size = o.bits, o.operand_size, o.effective_size, o.address_size
    result.prefixes, result.rex, result.segment, result.segment_prefix = o.prefixes, o.rex, o.segment, o.segment_prefix
    result.vvvv, result.vex_l = o.vvvv if bits == 64 else o.vvvv & 7, o.vex_l
    result.opcode, result.map, result.modrm, result.mod, result.reg, result.rm = o.opcode, o.map, o.modrm, o.mod, o.reg, o.rm
    result.base, result.index, result.scale = o.base, o.index, o.scale
    result.displacement, result.immediate, result.immediate2 = o.displacement, o.immediate, o.immediate2
    return result


def survey(bytes data, int bits=64, Py_ssize_t step=1):
    """Decode at every `step`-th byte of `data`, for those who look at millions: (lengths, statuses, numbers of forms).

    Three sequences with an item for each place: bytearrays, and a memoryview in which -1 means that no form matched."""
    cdef Instruction o
    cdef Py_ssize_t size = len(data), count, i
    cdef const u8* at = <const u8*><const char*>data
    if bits not in (16, 32, 64): raise ValueError(f"code size {bits} is not 16, 32 or 64")
    if step < 1: raise ValueError(f"a step of {step} bytes")
    count = (size + step - 1) // step
    cdef bytearray lengths = bytearray(count), statuses = bytearray(count), forms = bytearray(2 * count)
    cdef u8* length = <u8*><char*>lengths
    cdef u8* status = <u8*><char*>statuses
    cdef i16* form = <i16*><char*>forms
    with nogil:
        for i in range(count):
            decode_instruction(at + i * step, <u32>(size - i * step if size - i * step < 16 else 16), bits, ~<u64>0, &o)
            length[i], status[i], form[i] = o.length, o.status, <i16>o.form
    return lengths, statuses, memoryview(forms).cast("h")
