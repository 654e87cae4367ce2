"""MOV MOVZX MOVSX MOVSXD MOVBE LEA XLAT, and the instructions that do nothing."""
from x86.isa.table import instruction

MOV = instruction("mov", summary="Copy source to destination.")
MOV.form("88 /r", "r/m8, r8")
MOV.form("89 /r", "r/mv, rv")
MOV.form("8A /r", "r8, r/m8")
MOV.form("8B /r", "rv, r/mv")
MOV.form("A0 moffs", "al, moffs8")
MOV.form("A1 moffs", "rAX, moffsv")
MOV.form("A2 moffs", "moffs8, al")
MOV.form("A3 moffs", "moffsv, rAX")
MOV.form("B0+r ib", "r8, imm8")
MOV.form("B8+r iv", "rv, immv")
MOV.form("C6 /0 ib", "r/m8, imm8")
MOV.form("C7 /0 iz", "r/mv, immz")

# the constant is the size of the source
MOVZX = instruction("movzx", summary="Copy, zero-extended.")
MOVZX.form("0F B6 /r", "rv, r/m8", constants=(8,))
MOVZX.form("0F B7 /r", "rv, r/m16", constants=(16,))

MOVSX = instruction("movsx", summary="Copy, sign-extended.")
MOVSX.form("0F BE /r", "rv, r/m8", constants=(8,))
MOVSX.form("0F BF /r", "rv, r/m16", constants=(16,))

MOVSXD = instruction("movsxd", summary="Copy 32 bits, sign-extended to 64; without REX.W a plain move.")
MOVSXD.form("63 /r", "rv, r/mz", mode="64")

MOVBE = instruction("movbe", summary="Copy, the bytes reversed.")
MOVBE.form("NFx 0F 38 F0 /r", "rv, mv", cpuid="MOVBE")
MOVBE.form("NFx 0F 38 F1 /r", "mv, rv", cpuid="MOVBE")

LEA = instruction("lea", summary="The offset of the memory operand, which is not accessed.")
LEA.form("8D /r", "rv, m")

XLAT = instruction("xlat", summary="AL = the byte at rBX + AL.")
XLAT.form("D7", size=8)

NOP = instruction("nop", summary="Nothing; a memory operand is not accessed.")
NOP.form("90")
NOP.form("0F 1F /r", "r/mv", slow=True, cpuid="P6")
for _opcode in (0x19, 0x1A, 0x1B, 0x1C, 0x1D, 0x1E):    # reserved for hints
    NOP.form(f"0F {_opcode:02X} /r", "r/mv, rv", slow=True, cpuid="P6")
for _digit in range(8):                                 # the prefetches below are memory's
    NOP.form(f"0F 18 /{_digit}", "r/mv" if _digit > 3 else "rv", slow=True, cpuid="P6")
    NOP.form(f"0F 0D /{_digit}", "rv", slow=True, cpuid="LM")

PAUSE = instruction("pause", summary="A NOP for waiting loops.")
PAUSE.form("F3 90", handler="nop")

# CET's markers of branch targets; NOPs where CET is not
ENDBR64 = instruction("endbr64", summary="Target of an indirect branch in 64-bit code.")
ENDBR64.form("F3 0F 1E FA", handler="nop", cpuid="P6")
ENDBR32 = instruction("endbr32", summary="Target of an indirect branch in 32-bit code.")
ENDBR32.form("F3 0F 1E FB", handler="nop", cpuid="P6")

for _digit, _name in enumerate(("prefetchnta", "prefetcht0", "prefetcht1", "prefetcht2")):
    _row = instruction(_name, summary="Hint: this cache line will be read.")
    _row.form(f"0F 18 /{_digit}", "m8", handler="nop", slow=True, cpuid="P6")

PREFETCH = instruction("prefetch", summary="Hint: this cache line will be read.")
PREFETCHW = instruction("prefetchw", summary="Hint: this cache line will be written.")
PREFETCHWT1 = instruction("prefetchwt1", summary="Hint: this cache line will be written.")
for _digit in range(8):
    _row = PREFETCHW if _digit == 1 else PREFETCHWT1 if _digit == 2 else PREFETCH
    _row.form(f"0F 0D /{_digit}", "m8", handler="nop", slow=True, alias=_digit > 2, cpuid="LM")
