"""FADD FMUL FSUB FSUBR FDIV FDIVR in all their forms; FSQRT FRNDINT FSCALE FXTRACT FPREM FPREM1."""
from x86.isa.table import instruction

# The number is the digit of the encodings whose destination is ST(0). With the destination ST(i), the digits of FSUB and
# FSUBR, and of FDIV and FDIVR, are exchanged.
OPERATIONS = ((0, 0, "add", "Add the source"), (1, 1, "mul", "Multiply by the source"),
              (4, 5, "sub", "Subtract the source"), (5, 4, "subr", "Subtract from the source"),
              (6, 7, "div", "Divide by the source"), (7, 6, "divr", "Divide the source"))

for _digit, _other, _name, _summary in OPERATIONS:
    _row = instruction(f"f{_name}", summary=f"{_summary}.")
    _row.form(f"D8 /{_digit}", "m32", handler="arithmetic_float", constants=(_digit,))
    _row.form(f"DC /{_digit}", "m64", handler="arithmetic_float", constants=(_digit,))
    _row.form(f"D8 /{_digit}", "st(0), st(i)", handler="arithmetic", constants=(_digit, 0))
    _row.form(f"DC /{_other}", "st(i), st(0)", handler="arithmetic", constants=(_digit, 0))
    instruction(f"f{_name}p", summary=f"{_summary}, and pop.").form(
        f"DE /{_other}", "st(i), st(0)", handler="arithmetic", constants=(_digit, 1))
    _row = instruction(f"fi{_name}", summary=f"{_summary}, an integer.")
    _row.form(f"DE /{_digit}", "m16", handler="arithmetic_integer", constants=(_digit,))
    _row.form(f"DA /{_digit}", "m32", handler="arithmetic_integer", constants=(_digit,))

FSQRT = instruction("fsqrt", summary="Square root of ST(0).")
FSQRT.form("D9 FA")

FRNDINT = instruction("frndint", summary="Round ST(0) to an integer as RC says.")
FRNDINT.form("D9 FC")

FSCALE = instruction("fscale", summary="ST(0) times 2 to the power of ST(1), which is truncated.")
FSCALE.form("D9 FD")

FPREM = instruction("fprem", summary="Remainder of ST(0) by ST(1), quotient truncated; C2: there is more to do.")
FPREM.form("D9 F8", handler="remainder", constants=(0,))

FPREM1 = instruction("fprem1", summary="Remainder of ST(0) by ST(1), quotient rounded to the nearest; C2: there is more to do.")
FPREM1.form("D9 F5", handler="remainder", constants=(1,))

FXTRACT = instruction("fxtract", summary="ST(0) becomes its exponent, its significand is pushed.")
FXTRACT.form("D9 F4")
