# The transcendental instructions of the x87 on 80-bit values. FloatMode: `rounding` is obeyed, the precision is always 64 bits;
# exceptions go into `raised`, C1 is `up`. Operands are taken as they are in registers: anything, unsupported encodings too.
from x86._float cimport FloatMode
from x86._state cimport Float80

cdef bint f80_angle_too_large(Float80 x) noexcept nogil         # |x| >= 2^63 and finite: C2 = 1, the operand stays

cdef Float80 f80_exp2_minus_1(Float80 x, FloatMode* mode) noexcept nogil                    # F2XM1: 2^x - 1
cdef Float80 f80_y_log2(Float80 y, Float80 x, FloatMode* mode) noexcept nogil               # FYL2X: y log2 x
cdef Float80 f80_y_log2_plus_1(Float80 y, Float80 x, FloatMode* mode) noexcept nogil        # FYL2XP1: y log2 (x + 1)
cdef Float80 f80_sine(Float80 x, FloatMode* mode) noexcept nogil                            # FSIN
cdef Float80 f80_cosine(Float80 x, FloatMode* mode) noexcept nogil                          # FCOS
cdef Float80 f80_tangent(Float80 x, FloatMode* mode) noexcept nogil                         # FPTAN, without the 1.0
cdef Float80 f80_arctangent(Float80 y, Float80 x, FloatMode* mode) noexcept nogil           # FPATAN: the angle of (x, y)
