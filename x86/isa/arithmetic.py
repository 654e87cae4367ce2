"""ADD ADC SUB SBB CMP NEG INC DEC XADD CMPXCHG: integer addition and subtraction."""
from x86.isa.table import instruction


def _binary(name, base, digit, flags, summary, lock=True):
    """The eight classic forms that ADD, SUB, AND and their kin share: opcodes base+0 .. base+5, 80/81/83 /digit."""
    row = instruction(name, flags=flags, summary=summary)
    row.form(f"{base:02X} /r", "r/m8, r8", lock=lock)
    row.form(f"{base + 1:02X} /r", "r/mv, rv", lock=lock)
    row.form(f"{base + 2:02X} /r", "r8, r/m8")
    row.form(f"{base + 3:02X} /r", "rv, r/mv")
    row.form(f"{base + 4:02X} ib", "al, imm8")
    row.form(f"{base + 5:02X} iz", "rAX, immz")
    row.form(f"80 /{digit} ib", "r/m8, imm8", lock=lock)
    row.form(f"81 /{digit} iz", "r/mv, immz", lock=lock)
    row.form(f"82 /{digit} ib", "r/m8, imm8", lock=lock, mode="legacy", alias=True)
    row.form(f"83 /{digit} ib", "r/mv, imm8", lock=lock)
    return row


ADD = _binary("add", 0x00, 0, "writes OSZAPC", "Add source to destination.")
ADC = _binary("adc", 0x10, 2, "reads C, writes OSZAPC", "Add source and CF to destination.")
SBB = _binary("sbb", 0x18, 3, "reads C, writes OSZAPC", "Subtract source and CF from destination.")
SUB = _binary("sub", 0x28, 5, "writes OSZAPC", "Subtract source from destination.")
CMP = _binary("cmp", 0x38, 7, "writes OSZAPC", "Subtract, keep only the flags.", lock=False)

NEG = instruction("neg", flags="writes OSZAPC", summary="Two's complement.")
NEG.form("F6 /3", "r/m8", lock=True)
NEG.form("F7 /3", "r/mv", lock=True)

INC = instruction("inc", flags="writes OSZAP", summary="Add 1; CF stays.")
INC.form("40+r", "rv", mode="legacy")
INC.form("FE /0", "r/m8", lock=True)
INC.form("FF /0", "r/mv", lock=True)

DEC = instruction("dec", flags="writes OSZAP", summary="Subtract 1; CF stays.")
DEC.form("48+r", "rv", mode="legacy")
DEC.form("FE /1", "r/m8", lock=True)
DEC.form("FF /1", "r/mv", lock=True)

XADD = instruction("xadd", flags="writes OSZAPC", summary="Exchange and add.")
XADD.form("0F C0 /r", "r/m8, r8", lock=True, cpuid="486")
XADD.form("0F C1 /r", "r/mv, rv", lock=True, cpuid="486")

CMPXCHG = instruction("cmpxchg", flags="writes OSZAPC", summary="Compare rAX with destination; store source if equal.")
CMPXCHG.form("0F B0 /r", "r/m8, r8", lock=True, cpuid="486")
CMPXCHG.form("0F B1 /r", "r/mv, rv", lock=True, cpuid="486")
