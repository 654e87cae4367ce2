# Debug registers: what DR7 asks for, and which of the four conditions an access meets (SDM volume 3, "Debug Registers").
#
#  DR7  31  30 29  28 27  26 25  24 23  22 21  20 19  18 17  16   13   9  8  7  6  5  4  3  2  1  0
#      +------+------+------+------+------+------+------+------+----+---+--+--+--+--+--+--+--+--+--+
#      | LEN3 | R/W3 | LEN2 | R/W2 | LEN1 | R/W1 | LEN0 | R/W0 | GD |GE|LE|G3|L3|G2|L2|G1|L1|G0|L0|
#      +------+------+------+------+------+------+------+------+----+---+--+--+--+--+--+--+--+--+--+
#      R/W  00 instruction  01 write  10 I/O port (CR4.DE)  11 read or write       LEN  00 1  01 2  11 4  10 8 bytes
#
#  DR6  15 BT task switch   14 BS single step   13 BD debug register access   3..0 B3..B0 the conditions that were met
from x86._state cimport *

cdef enum: DR6_BD = 1 << 13, DR6_BS = 1 << 14, DR6_BT = 1 << 15, DR6_CONDITIONS = 0xF, DR7_GD = 1 << 13, DR7_LOCAL = 0x155
cdef enum: BREAK_CODE = 0, BREAK_WRITE = 1, BREAK_PORT = 2, BREAK_ACCESS = 3            # R/W
cdef enum: DEBUGCTL_LBR = 1 << 0, DEBUGCTL_BTF = 1 << 1

cdef inline bint is_enabled(u64 dr7, int number) noexcept nogil:
    return (dr7 >> (2 * number)) & 3 != 0

cdef inline u32 kind_of_break(u64 dr7, int number) noexcept nogil:
    return (dr7 >> (16 + 4 * number)) & 3

cdef inline u64 length_of_break(u64 dr7, int number) noexcept nogil:
    cdef u32 code = (dr7 >> (18 + 4 * number)) & 3
    return 8 if code == 2 else code + 1

# The DR6 bits of the conditions of `kinds` (a bit for each R/W) that bytes first..first + bytes - 1 meet. They count only
# if one of them is enabled; then those that are not enabled show too, as on hardware.
cdef inline u32 conditions_met(Cpu* cpu, u64 first, u64 bytes, u32 kinds) noexcept nogil:
    cdef u32 met = 0, enabled = 0
    cdef u64 dr7 = cpu.dr[7], start, length
    cdef int number
    for number in range(4):
        if not (kinds >> kind_of_break(dr7, number)) & 1: continue
        length = length_of_break(dr7, number)
        start = cpu.dr[number] & ~(length - 1)
        if first + (bytes - 1) >= start and first <= start + (length - 1):
            met |= 1 << number
            if is_enabled(dr7, number): enabled = 1
    return met if enabled else 0
