"""ROL ROR RCL RCR SHL SHR SAR SHLD SHRD: shifts and rotates.

The count is taken modulo 32 (64 for 64-bit operands); a count of 0 then changes nothing.
"""
from x86.isa.table import instruction

ROTATE = "writes OC"                        # O is defined for a count of 1 only
SHIFT = "writes OSZPC, undefined A"


def _shift(name, digit, flags, summary, alias=False, row=None):
    """C0/C1 by an immediate, D0/D1 by one, D2/D3 by CL."""
    row = row or instruction(name, flags=flags, summary=summary)
    row.form(f"C0 /{digit} ib", "r/m8, imm8u", alias=alias)
    row.form(f"C1 /{digit} ib", "r/mv, imm8u", alias=alias)
    row.form(f"D0 /{digit}", "r/m8, 1", alias=alias)
    row.form(f"D1 /{digit}", "r/mv, 1", alias=alias)
    row.form(f"D2 /{digit}", "r/m8, cl", alias=alias)
    row.form(f"D3 /{digit}", "r/mv, cl", alias=alias)
    return row


_shift("rol", 0, ROTATE, "Rotate left; CF is the last bit that went round.")
_shift("ror", 1, ROTATE, "Rotate right; CF is the last bit that went round.")
_shift("rcl", 2, "reads C, " + ROTATE, "Rotate left through CF.")
_shift("rcr", 3, "reads C, " + ROTATE, "Rotate right through CF.")
SHL = _shift("shl", 4, SHIFT, "Shift left; CF is the last bit shifted out.")
_shift("shr", 5, SHIFT, "Shift right, zeros come in.")
_shift("shl", 6, SHIFT, "", alias=True, row=SHL)        # undocumented by Intel, the same as /4
_shift("sar", 7, SHIFT, "Shift right, the sign comes in.")

# the constant says whether CL counts (1) or the immediate (0)
SHLD = instruction("shld", flags=SHIFT, summary="Shift left, the source's high bits come in.")
SHLD.form("0F A4 /r ib", "r/mv, rv, imm8u", constants=(0,))
SHLD.form("0F A5 /r", "r/mv, rv, cl", constants=(1,))

SHRD = instruction("shrd", flags=SHIFT, summary="Shift right, the source's low bits come in.")
SHRD.form("0F AC /r ib", "r/mv, rv, imm8u", constants=(0,))
SHRD.form("0F AD /r", "r/mv, rv, cl", constants=(1,))
