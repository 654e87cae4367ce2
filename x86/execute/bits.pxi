# BT BTS BTR BTC BSF BSR POPCNT TZCNT LZCNT BSWAP CRC32

cdef extern from *:
    int trailing_zeros "__builtin_ctzll"(unsigned long long) nogil        # of what is not 0
    int leading_zeros "__builtin_clzll"(unsigned long long) nogil
    int population "__builtin_popcountll"(unsigned long long) nogil
    unsigned long long reversed_bytes "__builtin_bswap64"(unsigned long long) nogil

# ---- one bit -------------------------------------------------------------------------------------------------------
# A bit offset in a register is signed and reaches memory beyond the operand: the element that holds the bit is
# (offset / size) elements further. An immediate offset, or one into a register, is taken modulo the size.

cdef inline u64 bit_address(Cpu* cpu, Op* op, const int kind, const int size, const int access) noexcept nogil:
    cdef i64 elements
    cdef u64 offset
    if kind & SRC_I: return operand_address(cpu, op, kind, size, access)
    if not kind & (DST_M | DST_S): return 0
    elements = sign_extend(read_register(cpu, op.src, size), size) >> (6 if size == 64 else 5 if size == 32 else 4)
    if kind & DST_M: return flat_address(cpu, op) + <u64>(elements * (size // 8))
    offset = offset_of(cpu, op) + <u64>(elements * (size // 8))
    if op.address != 64: offset = <u16>offset if op.address == 16 else <u32>offset
    return segmented(cpu, op, offset, op.segment, size // 8, access)

cdef inline u64 bit_number(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    if kind & SRC_I: return <u64>op.imm & (size - 1)
    return cpu.gpr[op.src] & (size - 1)

cdef inline Op* bt(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = bit_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    set_cf(cpu, (read_destination(cpu, op, where, kind, size) >> bit_number(cpu, op, kind, size)) & 1)
    return proceed(cpu, op)

cdef inline Op* bts(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = bit_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    cdef u64 a = read_to_modify(cpu, op, where, kind, size), n = bit_number(cpu, op, kind, size)
    write_destination(cpu, op, where, a | (<u64>1 << n), kind, size)
    set_cf(cpu, (a >> n) & 1)
    return proceed(cpu, op)

cdef inline Op* btr(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = bit_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    cdef u64 a = read_to_modify(cpu, op, where, kind, size), n = bit_number(cpu, op, kind, size)
    write_destination(cpu, op, where, a & ~(<u64>1 << n), kind, size)
    set_cf(cpu, (a >> n) & 1)
    return proceed(cpu, op)

cdef inline Op* btc(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = bit_address(cpu, op, kind, size, WRITE)
    reach(cpu, op, where, kind, size, WRITE)
    cdef u64 a = read_to_modify(cpu, op, where, kind, size), n = bit_number(cpu, op, kind, size)
    write_destination(cpu, op, where, a ^ (<u64>1 << n), kind, size)
    set_cf(cpu, (a >> n) & 1)
    return proceed(cpu, op)

# ---- counting ------------------------------------------------------------------------------------------------------

# ZF says that there is no bit. The other flags are undefined; on Intel's PF is that of the number found, the others are 0:
# bit 8 keeps the number 0 from being zero.
cdef inline void flags_scan(Cpu* cpu, u64 a, u64 found) noexcept nogil:
    cpu.carries = 0
    cpu.result = found | 0x100 if a != 0 else 0

# Of 0 the destination stays as it was, all 64 bits of it (undefined by the manual; so do all processors)
cdef inline Op* bsf(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 a = read_source(cpu, op, where, kind, size)
    cdef u64 found = trailing_zeros(a | <u64>1 << 63)
    if likely(a != 0): write_register(cpu, op.dst, found, size)
    flags_scan(cpu, a, found)
    return proceed(cpu, op)

cdef inline Op* bsr(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 a = read_source(cpu, op, where, kind, size)
    cdef u64 found = 63 - leading_zeros(a | 1)
    if likely(a != 0): write_register(cpu, op.dst, found, size)
    flags_scan(cpu, a, found)
    return proceed(cpu, op)

cdef inline Op* popcnt(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 a = read_source(cpu, op, where, kind, size)
    write_register(cpu, op.dst, population(a), size)
    set_arithmetic_flags(cpu, FLAG_ZF if a == 0 else 0)
    return proceed(cpu, op)

cdef inline Op* tzcnt(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 a = read_source(cpu, op, where, kind, size)
    cdef u64 r = trailing_zeros(a) if a != 0 else size
    write_register(cpu, op.dst, r, size)
    set_arithmetic_flags(cpu, (a == 0) | (FLAG_ZF if r == 0 else 0))        # OF SF AF PF: undefined, 0 on Intel's
    return proceed(cpu, op)

cdef inline Op* lzcnt(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, size, READ)
    reach(cpu, op, where, kind, size, READ)
    cdef u64 a = read_source(cpu, op, where, kind, size)
    cdef u64 r = leading_zeros(a) - (64 - size) if a != 0 else size
    write_register(cpu, op.dst, r, size)
    set_arithmetic_flags(cpu, (a == 0) | (FLAG_ZF if r == 0 else 0))        # OF SF AF PF: undefined, 0 on Intel's
    return proceed(cpu, op)

cdef inline Op* bswap(Cpu* cpu, Op* op, const int kind, const int size) noexcept nogil:
    if size == 16: write_register(cpu, op.dst, 0, 16)
    else: write_register(cpu, op.dst, reversed_bytes(cpu.gpr[op.dst]) >> (64 - size), size)
    return proceed(cpu, op)

# ---- checksums -----------------------------------------------------------------------------------------------------

cdef u32 CRC32C[256]                                    # of a byte: bit-reflected, as the instruction works
cdef u32 _byte, _bit, _crc
for _byte in range(256):
    _crc = _byte
    for _bit in range(8): _crc = (_crc >> 1) ^ (0x82F63B78u if _crc & 1 else 0)
    CRC32C[_byte] = _crc

cdef inline u32 checksum(u32 crc, u64 data, const int size) noexcept nogil:
    cdef int i
    for i in range(size // 8):
        crc = (crc >> 8) ^ CRC32C[(crc ^ data) & 0xFF]
        data >>= 8
    return crc

cdef inline Op* crc32(Cpu* cpu, Op* op, const int kind, const int size, const int narrow) noexcept nogil:
    cdef u64 where = operand_address(cpu, op, kind, narrow if narrow else size, READ)
    reach(cpu, op, where, kind, narrow if narrow else size, READ)
    cdef u64 data = read_source(cpu, op, where, kind, narrow if narrow else size)
    cpu.gpr[op.dst] = checksum(<u32>cpu.gpr[op.dst], data, narrow if narrow else size)
    return proceed(cpu, op)
