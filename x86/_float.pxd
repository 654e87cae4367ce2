# Floating point in integers: the same bits on every host. Here are binary16, binary32 and binary64, given and returned as bit
# patterns, by the rules of SSE; _float80.pxd has the x87's format and rules. Bodies: _float.pyx. SDM volume 1, 4.8 and 4.9.
#
# How a caller asks: it fills in a FloatMode, `raised` = 0, calls, and looks at `raised` before it stores the result.
#   SSE   one FloatMode serves all elements, `raised` gathers. `sse_flags` then says which flags MXCSR gets;
#         if any of them is unmasked (`unmasked(mode)`), the destination stays as it is and #XM follows.
#   x87   with I, D or Z unmasked nothing is stored, in a register either. With O or U unmasked a register gets the result
#         scaled by 2^-24576 or 2^24576; memory gets nothing.
# What was raised comes in stages: an unmasked exception of the operands (I, D, Z) ends the operation, and no O, U or P follows.
from x86._state cimport *

cdef enum:                      # exceptions: MXCSR, FSW and the masks of both have them in this order
    FLOAT_IE = 1, FLOAT_DE = 2, FLOAT_ZE = 4, FLOAT_OE = 8, FLOAT_UE = 16, FLOAT_PE = 32,
    FLOAT_OF_OPERANDS = FLOAT_IE | FLOAT_DE | FLOAT_ZE, FLOAT_ALL = 63

cdef enum: TO_NEAREST = 0, DOWN = 1, UP = 2, TO_ZERO = 3        # RC

cdef enum:                      # how two values compare: bits, so that a predicate is the set of relations it holds for
    LESS = 1, EQUAL = 2, GREATER = 4, UNORDERED = 8

cdef enum: NEGATE_PRODUCT = 1, NEGATE_ADDEND = 2                # FNM..., ...SUB: a NaN keeps its sign all the same

cdef struct FloatMode:          # how to round, and what came of it
    u8 rounding                 # RC
    u8 precision                # significant bits of a Float80: 24, 53 or 64. The other formats ignore it
    u8 masked                   # FLOAT_* exceptions that are masked
    u8 daz                      # MXCSR.DAZ; Float80 knows neither
    u8 ftz                      # MXCSR.FTZ, which acts only while U is masked
    u8 raised                   # FLOAT_* exceptions so far; operations only add to it
    u8 up                       # the last result was rounded away from zero: the x87's C1
    u8 quotient                 # FPREM, FPREM1: bits 2..0 of the quotient, or one of these:

cdef enum: PARTIAL = 8, NO_QUOTIENT = 16        # there is more to subtract; the operands were no numbers, or invalid

cdef inline FloatMode sse_mode(u32 mxcsr) noexcept nogil:
    cdef FloatMode mode
    mode.rounding = (mxcsr >> 13) & 3
    mode.precision = 64
    mode.masked = (mxcsr >> 7) & FLOAT_ALL
    mode.daz = (mxcsr >> 6) & 1
    mode.ftz = (mxcsr >> 15) & 1
    mode.raised = mode.up = mode.quotient = 0
    return mode

cdef inline u32 unmasked(FloatMode* mode) noexcept nogil: return mode.raised & ~mode.masked & FLOAT_ALL

# The flags that an SSE instruction leaves: one unmasked exception of any element's operands, and none rounds its result
cdef inline u32 sse_flags(FloatMode* mode) noexcept nogil:
    return mode.raised & FLOAT_OF_OPERANDS if unmasked(mode) & FLOAT_OF_OPERANDS else mode.raised

# ---- what a pattern is ------------------------------------------------------------------------------------------------

cdef inline bint f16_is_nan(u16 a) noexcept nogil: return (a & 0x7FFF) > 0x7C00
cdef inline bint f32_is_nan(u32 a) noexcept nogil: return (a & 0x7FFFFFFF) > 0x7F800000
cdef inline bint f64_is_nan(u64 a) noexcept nogil: return (a & <u64>0x7FFFFFFFFFFFFFFF) > <u64>0x7FF0000000000000
cdef inline bint f32_is_signalling(u32 a) noexcept nogil: return f32_is_nan(a) and not a & 0x400000
cdef inline bint f64_is_signalling(u64 a) noexcept nogil: return f64_is_nan(a) and not a & (<u64>1 << 51)
cdef inline bint f32_is_denormal(u32 a) noexcept nogil: return not a & 0x7F800000 and a & 0x7FFFFF != 0
cdef inline bint f64_is_denormal(u64 a) noexcept nogil:
    return not a & <u64>0x7FF0000000000000 and a & <u64>0xFFFFFFFFFFFFF != 0

# the QNaN floating-point indefinite
cdef inline u32 f32_default() noexcept nogil: return <u32>0xFFC00000
cdef inline u64 f64_default() noexcept nogil: return <u64>0xFFF8000000000000

# ---- arithmetic: ADDPS and its kin. Of two NaNs the first operand is returned, quiet ----------------------------------

cdef u32 f32_add(u32 a, u32 b, FloatMode* mode) noexcept nogil
cdef u32 f32_sub(u32 a, u32 b, FloatMode* mode) noexcept nogil
cdef u32 f32_mul(u32 a, u32 b, FloatMode* mode) noexcept nogil
cdef u32 f32_div(u32 a, u32 b, FloatMode* mode) noexcept nogil
cdef u32 f32_sqrt(u32 a, FloatMode* mode) noexcept nogil
cdef u64 f64_add(u64 a, u64 b, FloatMode* mode) noexcept nogil
cdef u64 f64_sub(u64 a, u64 b, FloatMode* mode) noexcept nogil
cdef u64 f64_mul(u64 a, u64 b, FloatMode* mode) noexcept nogil
cdef u64 f64_div(u64 a, u64 b, FloatMode* mode) noexcept nogil
cdef u64 f64_sqrt(u64 a, FloatMode* mode) noexcept nogil

# a * b + c, rounded once. Of NaNs a comes first, then b, then c; `negate` is a set of NEGATE_*
cdef u32 f32_fma(u32 a, u32 b, u32 c, int negate, FloatMode* mode) noexcept nogil
cdef u64 f64_fma(u64 a, u64 b, u64 c, int negate, FloatMode* mode) noexcept nogil

# LESS, EQUAL, GREATER or UNORDERED; `signalling`: every NaN is invalid (COMISS, CMPLTPS), not only an SNaN (UCOMISS, CMPEQPS)
cdef int f32_compare(u32 a, u32 b, bint signalling, FloatMode* mode) noexcept nogil
cdef int f64_compare(u64 a, u64 b, bint signalling, FloatMode* mode) noexcept nogil

# MINPS, MAXPS: b if either is a NaN (IE, and b as it is) or both are zeros
cdef u32 f32_min(u32 a, u32 b, FloatMode* mode) noexcept nogil
cdef u32 f32_max(u32 a, u32 b, FloatMode* mode) noexcept nogil
cdef u64 f64_min(u64 a, u64 b, FloatMode* mode) noexcept nogil
cdef u64 f64_max(u64 a, u64 b, FloatMode* mode) noexcept nogil

# ROUNDPS: to an integral value by `rounding` (an RC); PE only if `inexact` is wanted (imm8 bit 3 clear). No DE
cdef u32 f32_round(u32 a, int rounding, bint inexact, FloatMode* mode) noexcept nogil
cdef u64 f64_round(u64 a, int rounding, bint inexact, FloatMode* mode) noexcept nogil

# ---- conversions ------------------------------------------------------------------------------------------------------

cdef u32 f16_to_f32(u16 a, FloatMode* mode) noexcept nogil                      # VCVTPH2PS: no DAZ, no DE
cdef u16 f32_to_f16(u32 a, int rounding, FloatMode* mode) noexcept nogil        # VCVTPS2PH: no FTZ
cdef u64 f32_to_f64(u32 a, FloatMode* mode) noexcept nogil
cdef u32 f64_to_f32(u64 a, FloatMode* mode) noexcept nogil

# To integers by `rounding`: mode.rounding, or TO_ZERO for CVTT... Too large, or a NaN: IE and 8000...h. No DE
cdef u32 f32_to_i32(u32 a, int rounding, FloatMode* mode) noexcept nogil
cdef u64 f32_to_i64(u32 a, int rounding, FloatMode* mode) noexcept nogil
cdef u32 f64_to_i32(u64 a, int rounding, FloatMode* mode) noexcept nogil
cdef u64 f64_to_i64(u64 a, int rounding, FloatMode* mode) noexcept nogil

cdef u32 i32_to_f32(i32 a, FloatMode* mode) noexcept nogil
cdef u32 i64_to_f32(i64 a, FloatMode* mode) noexcept nogil
cdef u64 i32_to_f64(i32 a) noexcept nogil                                       # always exact
cdef u64 i64_to_f64(i64 a, FloatMode* mode) noexcept nogil
