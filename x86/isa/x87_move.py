"""FLD FST FSTP FXCH, constants, FCMOVcc, FABS FCHS FXAM, FFREE FINCSTP FDECSTP: x87 values move and are not changed."""
from x86.isa.table import instruction

FLD = instruction("fld", summary="Push a value.")
FLD.form("D9 /0", "m32")
FLD.form("DD /0", "m64")
FLD.form("DB /5", "m80", handler="fld_extended")
FLD.form("D9 /0", "st(i)", handler="fld_register")

FST = instruction("fst", summary="Store ST(0), rounded to the destination's size.")
FSTP = instruction("fstp", summary="Store ST(0), rounded to the destination's size, and pop.")
for _row, _digit, _pops in ((FST, 2, 0), (FSTP, 3, 1)):
    _row.form(f"D9 /{_digit}", "m32", handler="fst", constants=(_pops,))
    _row.form(f"DD /{_digit}", "m64", handler="fst", constants=(_pops,))
    _row.form(f"DD /{_digit}", "st(i)", handler="fst_register", constants=(_pops,))
FSTP.form("DB /7", "m80", handler="fstp_extended")
FSTP.form("DF /2", "st(i)", handler="fst_register", constants=(1,), alias=True)
FSTP.form("DF /3", "st(i)", handler="fst_register", constants=(1,), alias=True)

FSTPNCE = instruction("fstpnce", summary="FSTP that raises nothing if ST(0) is empty.")
FSTPNCE.form("D9 /3", "st(i)")

FXCH = instruction("fxch", summary="Exchange ST(0) and ST(i).")
FXCH.form("D9 /1", "st(0), st(i)")
FXCH.form("DD /1", "st(0), st(i)", alias=True)
FXCH.form("DF /1", "st(0), st(i)", alias=True)

for _number, (_name, _value) in enumerate((("1", "1"), ("l2t", "the logarithm of 10 to base 2"), ("l2e", "that of e to base 2"),
                                           ("pi", "pi"), ("lg2", "that of 2 to base 10"), ("ln2", "that of 2 to base e"),
                                           ("z", "0"))):
    instruction(f"fld{_name}", summary=f"Push {_value}, rounded as RC says.").form(
        f"D9 {0xE8 + _number:02X}", handler="load_constant", constants=(_number,))

#            DA /digit     DB /digit     condition, as in the low nibble of a Jcc's opcode; the latter have the opposite
for _digit, (_name, _flags, _condition) in enumerate((("b", "C", 2), ("e", "Z", 4), ("be", "CZ", 6), ("u", "P", 10))):
    for _opcode, _negation, _opposite in (("DA", "", 0), ("DB", "n", 1)):
        instruction(f"fcmov{_negation}{_name}", flags=f"reads {_flags}",
                    summary=f"Copy ST(i) to ST(0) if the flags say {'not ' * _opposite}{_name}.").form(
            f"{_opcode} /{_digit}", "st(0), st(i)", handler="fcmovcc", constants=(_condition | _opposite,), cpuid="CMOV")

FCHS = instruction("fchs", summary="Change the sign of ST(0).")
FCHS.form("D9 E0", handler="change_sign", constants=(0xFFFF, 0x8000))

FABS = instruction("fabs", summary="Clear the sign of ST(0).")
FABS.form("D9 E1", handler="change_sign", constants=(0x7FFF, 0))

FXAM = instruction("fxam", summary="C3 C2 C0: what ST(0) holds; C1: its sign.")
FXAM.form("D9 E5")

FFREE = instruction("ffree", summary="ST(i) is empty.")
FFREE.form("DD /0", "st(i)", constants=(0,))

FFREEP = instruction("ffreep", summary="ST(i) is empty, and pop.")
FFREEP.form("DF /0", "st(i)", handler="ffree", constants=(1,))

FDECSTP = instruction("fdecstp", summary="TOP is one less, no value moves.")
FDECSTP.form("D9 F6", handler="turn_stack", constants=(7,))

FINCSTP = instruction("fincstp", summary="TOP is one more, no value moves.")
FINCSTP.form("D9 F7", handler="turn_stack", constants=(1,))
