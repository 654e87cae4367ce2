"""FCOM FUCOM FICOM FTST, which answer in C3 C2 C0, and FCOMI FUCOMI, which answer in the flags."""
from x86.isa.table import instruction

# The handlers' constant: whether every NaN is an invalid operand, or an SNaN only; and how many registers are popped
SIGNALLING, QUIET, POP, POP_BOTH = 1, 0, 2, 4

for _name, _digit, _pops in (("fcom", 2, 0), ("fcomp", 3, 1)):
    _row = instruction(_name, summary=f"Compare ST(0) with the source{', and pop' * _pops}; a NaN is invalid.")
    _how = (SIGNALLING | POP * _pops,)
    _row.form(f"D8 /{_digit}", "m32", handler="compare_float", constants=_how)
    _row.form(f"DC /{_digit}", "m64", handler="compare_float", constants=_how)
    _row.form(f"D8 /{_digit}", "st(0), st(i)", handler="compare", constants=_how)
    _row.form(f"DC /{_digit}", "st(0), st(i)", handler="compare", constants=_how, alias=True)
    if _pops:
        _row.form("DE /2", "st(0), st(i)", handler="compare", constants=_how, alias=True)
    _row = instruction(f"fi{_name[1:]}", summary=f"Compare ST(0) with an integer{', and pop' * _pops}.")
    _row.form(f"DE /{_digit}", "m16", handler="compare_integer", constants=_how)
    _row.form(f"DA /{_digit}", "m32", handler="compare_integer", constants=_how)

FCOMPP = instruction("fcompp", summary="Compare ST(0) with ST(1), and pop both; a NaN is invalid.")
FCOMPP.form("DE D9", handler="compare_top", constants=(SIGNALLING | POP_BOTH,))

FUCOM = instruction("fucom", summary="Compare ST(0) with ST(i); only an SNaN is invalid.")
FUCOM.form("DD /4", "st(0), st(i)", handler="compare", constants=(QUIET,))

FUCOMP = instruction("fucomp", summary="Compare ST(0) with ST(i), and pop; only an SNaN is invalid.")
FUCOMP.form("DD /5", "st(0), st(i)", handler="compare", constants=(QUIET | POP,))

FUCOMPP = instruction("fucompp", summary="Compare ST(0) with ST(1), and pop both; only an SNaN is invalid.")
FUCOMPP.form("DA E9", handler="compare_top", constants=(QUIET | POP_BOTH,))

for _name, _digit, _kind, _which in (("fcomi", 6, SIGNALLING, "a NaN is"), ("fucomi", 5, QUIET, "only an SNaN is")):
    for _opcode, _pops in (("DB", 0), ("DF", 1)):
        _row = instruction(_name + "p" * _pops, flags="writes OSZAPC",
                           summary=f"Compare ST(0) with ST(i){', and pop' * _pops}, the answer in ZF PF CF; {_which} invalid.")
        _row.form(f"{_opcode} /{_digit}", "st(0), st(i)", handler="compare_to_flags", constants=(_kind | POP * _pops,),
                  cpuid="CMOV")

FTST = instruction("ftst", summary="Compare ST(0) with 0.")
FTST.form("D9 E4")
