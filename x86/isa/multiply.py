"""MUL IMUL DIV IDIV and the decimal adjustments, of which AAM and AAD multiply and divide."""
from x86.isa.table import instruction

PRODUCT = "writes OC, undefined SZAP"       # O and C: the high half says something

MUL = instruction("mul", flags=PRODUCT, summary="Unsigned product of rAX and the operand, into rDX:rAX (AX).")
MUL.form("F6 /4", "r/m8")
MUL.form("F7 /4", "r/mv")

IMUL = instruction("imul", flags=PRODUCT, summary="Signed product; the short forms keep its low half.")
IMUL.form("F6 /5", "r/m8", handler="imul_wide")
IMUL.form("F7 /5", "r/mv", handler="imul_wide")
IMUL.form("0F AF /r", "rv, r/mv")
IMUL.form("69 /r iz", "rv, r/mv, immz", handler="imul_immediate")
IMUL.form("6B /r ib", "rv, r/mv, imm8", handler="imul_immediate")

DIV = instruction("div", flags="undefined OSZAPC", summary="Unsigned quotient and remainder of rDX:rAX (AX).")
DIV.form("F6 /6", "r/m8")
DIV.form("F7 /6", "r/mv")

IDIV = instruction("idiv", flags="undefined OSZAPC", summary="Signed quotient, towards 0, and remainder.")
IDIV.form("F6 /7", "r/m8")
IDIV.form("F7 /7", "r/mv")

AAA = instruction("aaa", flags="reads A, writes AC, undefined OSZP",
                  summary="Unpacked BCD: adjust AX after an addition.")
AAA.form("37", mode="legacy")

AAS = instruction("aas", flags="reads A, writes AC, undefined OSZP",
                  summary="Unpacked BCD: adjust AX after a subtraction.")
AAS.form("3F", mode="legacy")

DAA = instruction("daa", flags="reads AC, writes SZAPC, undefined O",
                  summary="Packed BCD: adjust AL after an addition.")
DAA.form("27", mode="legacy")

DAS = instruction("das", flags="reads AC, writes SZAPC, undefined O",
                  summary="Packed BCD: adjust AL after a subtraction.")
DAS.form("2F", mode="legacy")

AAM = instruction("aam", flags="writes SZP, undefined OAC", summary="AH, AL = AL divided by the operand, remainder.")
AAM.form("D4 ib", "imm8u", mode="legacy")

AAD = instruction("aad", flags="writes SZP, undefined OAC", summary="AL = AH times the operand plus AL, AH = 0.")
AAD.form("D5 ib", "imm8u", mode="legacy")
