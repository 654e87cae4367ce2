# AES, PCLMULQDQ, SHA, GFNI: all are functions of two vectors of 128 bits. Where the host has the instruction it does the work
# (_crypto.h); the functions here give the same bits on every host. Words are counted from the low end: SDM's bits 127..96
# are d[3].
from x86._vector cimport *

cdef extern from "_crypto.h" nogil:
    enum: AES_ENC, AES_ENC_LAST, AES_DEC, AES_DEC_LAST, AES_IMC, AES_KEYGEN, CLMUL, GF_MUL, GF_AFFINE, GF_AFFINE_INVERSE
    enum: SHA1_RNDS4, SHA1_NEXTE, SHA1_MSG1, SHA1_MSG2, SHA256_RNDS2, SHA256_MSG1, SHA256_MSG2
    enum: CRYPTO_AES, CRYPTO_CLMUL, CRYPTO_SHA, CRYPTO_GFNI
    u32 crypto_features()
    void crypto_on_host(const int operation, void* r, const void* a, const void* b, u32 imm, const void* xmm0)

cdef u32 on_host = crypto_features()            # CRYPTO_*: what the host does

def use_host(bint wanted):
    """Whether the host's instructions are used where it has them. Returns CRYPTO_* bits of those that are from now on."""
    global on_host
    on_host = crypto_features() if wanted else 0
    return on_host

# ---- GF(2^8), modulo x^8 + x^4 + x^3 + x + 1; eight bytes at a time ---------------------------------------------------

cdef u64 BYTES = <u64>0x0101010101010101

cdef u64 multiply_bytes(u64 a, u64 b) noexcept nogil:
    cdef u64 r = 0
    cdef int bit
    for bit in range(7, -1, -1):
        r = ((r & (0x7F * BYTES)) << 1) ^ ((r >> 7 & BYTES) * 0x1B) ^ (a & ((b >> bit & BYTES) * 0xFF))
    return r

# Bit i of each byte of the result: the parity of byte 7 - i of the matrix and the byte of a
cdef u64 matrix_times_bytes(u64 matrix, u64 a) noexcept nogil:
    cdef u64 r = 0, t
    cdef int bit
    for bit in range(8):
        t = a & ((matrix >> (56 - 8 * bit) & 0xFF) * BYTES)
        t ^= t >> 4
        t ^= t >> 2
        t ^= t >> 1
        r |= (t & BYTES) << bit
    return r

# ---- AES (FIPS 197): columns are the doublewords, row 0 is their low byte ----------------------------------------------

cdef u8 INVERSE[256]                            # in GF(2^8); of 0: 0
cdef u8 SBOX[256]
cdef u8 INVERSE_SBOX[256]
cdef u32 MIXED[256]                             # a column of MixColumns for row 0: S-box times 2, 1, 1, 3
cdef u32 UNMIXED[256]                           # of InvMixColumns: inverse S-box times 14, 9, 13, 11

cdef void make_tables() noexcept nogil:
    cdef int i, j
    for i in range(256):
        INVERSE[i] = 0
        for j in range(256):
            if <u8>multiply_bytes(i, j) == 1: INVERSE[i] = <u8>j
    for i in range(256):
        SBOX[i] = <u8>matrix_times_bytes(<u64>0xF1E3C78F1F3E7CF8, INVERSE[i]) ^ 0x63
        INVERSE_SBOX[SBOX[i]] = <u8>i
    for i in range(256):
        MIXED[i] = <u32>multiply_bytes(SBOX[i] * BYTES, 0x03010102)
        UNMIXED[i] = <u32>multiply_bytes(INVERSE_SBOX[i] * BYTES, 0x0B0D090E)

make_tables()

cdef inline u32 rotate_left(u32 a, const int count) noexcept nogil:
    return a << count | a >> (32 - count)

# Column i of four rows, row k from column i + k * step: 1 is ShiftRows, 3 InvShiftRows, 0 leaves them where they are
cdef inline u32 round_column(const u32* table, const u32* a, int i, const int step) noexcept nogil:
    return (table[a[i] & 0xFF] ^ rotate_left(table[a[(i + step) & 3] >> 8 & 0xFF], 8) ^
            rotate_left(table[a[(i + 2 * step) & 3] >> 16 & 0xFF], 16) ^ rotate_left(table[a[(i + 3 * step) & 3] >> 24], 24))

cdef inline u32 last_column(const u8* box, const u32* a, int i, const int step) noexcept nogil:
    return (box[a[i] & 0xFF] | <u32>box[a[(i + step) & 3] >> 8 & 0xFF] << 8 |
            <u32>box[a[(i + 2 * step) & 3] >> 16 & 0xFF] << 16 | <u32>box[a[(i + 3 * step) & 3] >> 24] << 24)

cdef void aes(int operation, u32* r, const u32* a, const u32* b, u32 imm) noexcept nogil:
    cdef u32 word
    cdef int i
    for i in range(4):
        if operation == AES_ENC: r[i] = round_column(MIXED, a, i, 1) ^ b[i]
        elif operation == AES_ENC_LAST: r[i] = last_column(SBOX, a, i, 1) ^ b[i]
        elif operation == AES_DEC: r[i] = round_column(UNMIXED, a, i, 3) ^ b[i]
        elif operation == AES_DEC_LAST: r[i] = last_column(INVERSE_SBOX, a, i, 3) ^ b[i]
        elif operation == AES_IMC:
            word = last_column(SBOX, b, i, 0)                           # UNMIXED takes it back
            r[i] = round_column(UNMIXED, &word, 0, 0)
        else:
            word = last_column(SBOX, b, i | 1, 0)
            r[i] = rotate_left(word, 24) ^ imm if i & 1 else word

# ---- PCLMULQDQ: four bits of b at a time ------------------------------------------------------------------------------

cdef void carryless(u64* r, u64 a, u64 b) noexcept nogil:
    cdef u128 times[16]
    cdef u128 product = 0
    cdef int i
    times[0] = 0
    for i in range(8):
        times[2 * i] = times[i] << 1
        times[2 * i + 1] = times[2 * i] ^ a
    for i in range(60, -4, -4): product = product << 4 ^ times[b >> i & 15]
    r[0], r[1] = <u64>product, <u64>(product >> 64)

# ---- SHA (FIPS 180-4) -------------------------------------------------------------------------------------------------

cdef inline u32 choose(u32 a, u32 b, u32 c) noexcept nogil: return (a & b) ^ (~a & c)

cdef inline u32 majority(u32 a, u32 b, u32 c) noexcept nogil: return (a & b) ^ (a & c) ^ (b & c)

cdef inline u32 sigma(u32 a, const int x, const int y, const int z) noexcept nogil:             # of the rounds
    return rotate_left(a, 32 - x) ^ rotate_left(a, 32 - y) ^ rotate_left(a, 32 - z)

cdef inline u32 schedule_sigma(u32 a, const int x, const int y, const int z) noexcept nogil:    # of the schedule
    return rotate_left(a, 32 - x) ^ rotate_left(a, 32 - y) ^ a >> z

# a: A B C D from d[3] to d[0]; b: the words of the schedule in the same order, E added to the first
cdef void sha1_rounds(u32* r, const u32* state, const u32* w, u32 imm) noexcept nogil:
    cdef u32 a = state[3], b = state[2], c = state[1], d = state[0], e = 0, f, k, next_a
    cdef int i
    for i in range(3, -1, -1):
        if imm == 0: f, k = choose(b, c, d), 0x5A827999
        elif imm == 1: f, k = b ^ c ^ d, 0x6ED9EBA1
        elif imm == 2: f, k = majority(b, c, d), <u32>0x8F1BBCDC
        else: f, k = b ^ c ^ d, <u32>0xCA62C1D6
        next_a = f + rotate_left(a, 5) + w[i] + e + k
        e, d, c, b, a = d, c, rotate_left(b, 30), a, next_a
    r[3], r[2], r[1], r[0] = a, b, c, d

# first: C D G H, second: A B E F, each from d[3] to d[0]; wk: words of the schedule with their constants
cdef void sha256_rounds(u32* r, const u32* first, const u32* second, const u32* wk) noexcept nogil:
    cdef u32 a = second[3], b = second[2], c = first[3], d = first[2]
    cdef u32 e = second[1], f = second[0], g = first[1], h = first[0], t
    cdef int i
    for i in range(2):
        t = choose(e, f, g) + sigma(e, 6, 11, 25) + wk[i] + h
        h, g, f, e = g, f, e, t + d
        t += majority(a, b, c) + sigma(a, 2, 13, 22)
        d, c, b, a = c, b, a, t
    r[3], r[2], r[1], r[0] = a, b, e, f

cdef void sha(int operation, u32* r, const u32* a, const u32* b, u32 imm, const u32* xmm0) noexcept nogil:
    cdef int i
    if operation == SHA1_RNDS4: sha1_rounds(r, a, b, imm & 3)
    elif operation == SHA256_RNDS2: sha256_rounds(r, a, b, xmm0)
    elif operation == SHA1_NEXTE: r[0], r[1], r[2], r[3] = b[0], b[1], b[2], b[3] + rotate_left(a[3], 30)
    elif operation == SHA1_MSG1: r[3], r[2], r[1], r[0] = a[1] ^ a[3], a[0] ^ a[2], b[3] ^ a[1], b[2] ^ a[0]
    elif operation == SHA1_MSG2:
        for i in range(3, 0, -1): r[i] = rotate_left(a[i] ^ b[i - 1], 1)
        r[0] = rotate_left(a[0] ^ r[3], 1)
    elif operation == SHA256_MSG1:
        for i in range(4): r[i] = a[i] + schedule_sigma(a[i + 1] if i < 3 else b[0], 7, 18, 3)
    else:
        for i in range(4): r[i] = a[i] + schedule_sigma(b[i + 2] if i < 2 else r[i - 2], 17, 19, 10)

# ---- all of them ------------------------------------------------------------------------------------------------------

cdef u64 affine(const u8* inverse, u64 matrix, u64 a, u32 imm) noexcept nogil:
    cdef u64 bytes = a
    cdef int i
    if inverse != NULL:
        bytes = 0
        for i in range(8): bytes |= <u64>inverse[a >> (8 * i) & 0xFF] << (8 * i)
    return matrix_times_bytes(matrix, bytes) ^ imm * BYTES

# r = operation(a, b); r is neither of them
cdef void on_any_host(int operation, u64* r, const u64* a, const u64* b, u32 imm, const u64* xmm0) noexcept nogil:
    cdef int i
    if operation == CLMUL: carryless(r, a[imm & 1], b[imm >> 4 & 1])
    elif operation <= AES_KEYGEN: aes(operation, <u32*>r, <const u32*>a, <const u32*>b, imm)
    elif operation <= SHA256_MSG2: sha(operation, <u32*>r, <const u32*>a, <const u32*>b, imm, <const u32*>xmm0)
    else:
        for i in range(2):
            if operation == GF_MUL: r[i] = multiply_bytes(a[i], b[i])
            else: r[i] = affine(INVERSE if operation == GF_AFFINE_INVERSE else NULL, b[i], a[i], imm)

# The rest of a handler where the host cannot help
cdef Op* without_host(Cpu* cpu, Op* op, Vector* a, Vector* b, int operation, int size_unit) noexcept nogil:
    cdef Vector* r = &cpu.wide[1]
    cdef int i, size = size_unit & ~15
    for i in range(0, size // 64, 2):
        on_any_host(operation, &r.q[i], &a.q[i], &b.q[i], <u8>op.imm, &cpu.fpu.ymm[0].q[0])
    write_vector(cpu, op.dst, r, size, size_unit & 15)
    return proceed(cpu, op)

# By a pointer and called last: inlined, it would make every handler save registers
cdef Op* (*rest)(Cpu*, Op*, Vector*, Vector*, int, int) noexcept nogil
rest = without_host

cdef inline Op* crypto(Cpu* cpu, Op* op, const int kind, const int size, const int unit, const int operation, const int feature) noexcept nogil:
    cdef Vector* a
    cdef Vector* b
    cdef Vector r
    cdef int i
    require(cpu, op, kind, unit)
    cdef u64 where = vector_address(cpu, op, kind, size, READ)
    aligned(cpu, op, where, kind, size, unit == SSE)
    reach(cpu, op, where, kind, size, READ)
    a, b = first(cpu, op, unit), second(cpu, op, where, kind, size, unit)
    if unlikely(not on_host & feature): return rest(cpu, op, a, b, operation, size | unit)
    for i in range(0, size // 64, 2): crypto_on_host(operation, &r.q[i], &a.q[i], &b.q[i], <u8>op.imm, &cpu.fpu.ymm[0])
    write_vector(cpu, op.dst, &r, size, unit)
    return proceed(cpu, op)
