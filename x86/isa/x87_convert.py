"""FILD FIST FISTP FISTTP FBLD FBSTP: integers and packed decimals."""
from x86.isa.table import instruction

FILD = instruction("fild", summary="Push an integer.")
FIST = instruction("fist", summary="Store ST(0) as an integer, rounded as RC says.")
FISTP = instruction("fistp", summary="Store ST(0) as an integer, rounded as RC says, and pop.")
FISTTP = instruction("fisttp", summary="Store ST(0) as an integer, truncated, and pop.")

#          m16     m32     m64      truncates, pops
for _row, _encodings, _constants in ((FIST, ("DF /2", "DB /2", ""), (0, 0)), (FISTP, ("DF /3", "DB /3", "DF /7"), (0, 1)),
                                     (FISTTP, ("DF /1", "DB /1", "DD /1"), (1, 1))):
    for _encoding, _size in zip(_encodings, (16, 32, 64)):
        if _encoding:
            _row.form(_encoding, f"m{_size}", handler="store_integer", constants=_constants,
                      cpuid="SSE3" if _row is FISTTP else "")

for _encoding, _size in (("DF /0", 16), ("DB /0", 32), ("DF /5", 64)):
    FILD.form(_encoding, f"m{_size}")

FBLD = instruction("fbld", summary="Push a packed decimal integer of 18 digits.")
FBLD.form("DF /4", "m80", slow=True)

FBSTP = instruction("fbstp", summary="Store ST(0) as a packed decimal integer of 18 digits, and pop.")
FBSTP.form("DF /6", "m80", slow=True)
