"""F2XM1 FYL2X FYL2XP1 FSIN FCOS FSINCOS FPTAN FPATAN."""
from x86.isa.table import instruction

F2XM1 = instruction("f2xm1", summary="2 to the power of ST(0), less 1; from -1 to 1.")
F2XM1.form("D9 F0")

FYL2X = instruction("fyl2x", summary="ST(1) times the logarithm of ST(0) to base 2, and pop.")
FYL2X.form("D9 F1", handler="of_two", constants=(0,))

FYL2XP1 = instruction("fyl2xp1", summary="ST(1) times the logarithm of ST(0) + 1 to base 2, and pop.")
FYL2XP1.form("D9 F9", handler="of_two", constants=(1,))

FPATAN = instruction("fpatan", summary="The angle of the point (ST(0), ST(1)), in radians, and pop.")
FPATAN.form("D9 F3", handler="of_two", constants=(2,))

FSIN = instruction("fsin", summary="Sine of ST(0) in radians; C2: it is too large.")
FSIN.form("D9 FE", handler="of_angle", constants=(0,))

FCOS = instruction("fcos", summary="Cosine of ST(0) in radians; C2: it is too large.")
FCOS.form("D9 FF", handler="of_angle", constants=(1,))

FSINCOS = instruction("fsincos", summary="ST(0) becomes its sine, the cosine is pushed; C2: it is too large.")
FSINCOS.form("D9 FB", handler="two_of_angle", constants=(0,))

FPTAN = instruction("fptan", summary="ST(0) becomes its tangent, 1 is pushed; C2: it is too large.")
FPTAN.form("D9 F2", handler="two_of_angle", constants=(1,))
