"""ANDN BEXTR BLSI BLSMSK BLSR BZHI MULX PDEP PEXT RORX SARX SHLX SHRX, ADCX ADOX: fields of bits, and carries side by side."""
from x86.isa.table import instruction

ANDN = instruction("andn", flags="writes OSZC, undefined AP", summary="The second source and not the first.")
ANDN.form("VEX.LZ.0F38 F2 /r", "ry, ry, r/my", cpuid="BMI1")

BEXTR = instruction("bextr", flags="writes OZC, undefined SAP",
                    summary="The field that starts at bit control[7:0] and has control[15:8] bits.")
BEXTR.form("VEX.LZ.0F38 F7 /r", "ry, r/my, ry", cpuid="BMI1")

BLSI = instruction("blsi", flags="writes OSZC, undefined AP", summary="The lowest bit that is set, alone.")
BLSI.form("VEX.LZ.0F38 F3 /3", "ry, r/my", cpuid="BMI1")

BLSMSK = instruction("blsmsk", flags="writes OSZC, undefined AP", summary="All bits up to the lowest one that is set.")
BLSMSK.form("VEX.LZ.0F38 F3 /2", "ry, r/my", cpuid="BMI1")

BLSR = instruction("blsr", flags="writes OSZC, undefined AP", summary="Clear the lowest bit that is set.")
BLSR.form("VEX.LZ.0F38 F3 /1", "ry, r/my", cpuid="BMI1")

BZHI = instruction("bzhi", flags="writes OSZC, undefined AP", summary="Clear the bits from the given number on.")
BZHI.form("VEX.LZ.0F38 F5 /r", "ry, r/my, ry", cpuid="BMI2")

MULX = instruction("mulx", summary="Unsigned product with rDX: the high half to the first operand, the low one to the second.")
MULX.form("VEX.LZ.F2.0F38 F6 /r", "ry, ry, r/my", cpuid="BMI2")

PDEP = instruction("pdep", summary="Put the low bits of the first source where the mask has ones.")
PDEP.form("VEX.LZ.F2.0F38 F5 /r", "ry, ry, r/my", cpuid="BMI2")

PEXT = instruction("pext", summary="Gather the bits that the mask chooses.")
PEXT.form("VEX.LZ.F3.0F38 F5 /r", "ry, ry, r/my", cpuid="BMI2")

RORX = instruction("rorx", summary="Rotate right; no flag changes.")
RORX.form("VEX.LZ.F2.0F3A F0 /r ib", "ry, r/my, imm8u", cpuid="BMI2")

SARX = instruction("sarx", summary="Shift right, the sign comes in; no flag changes.")
SARX.form("VEX.LZ.F3.0F38 F7 /r", "ry, r/my, ry", cpuid="BMI2")

SHLX = instruction("shlx", summary="Shift left; no flag changes.")
SHLX.form("VEX.LZ.66.0F38 F7 /r", "ry, r/my, ry", cpuid="BMI2")

SHRX = instruction("shrx", summary="Shift right, zeros come in; no flag changes.")
SHRX.form("VEX.LZ.F2.0F38 F7 /r", "ry, r/my, ry", cpuid="BMI2")

ADCX = instruction("adcx", flags="reads C, writes C", summary="Add with CF, and change no other flag.")
ADCX.form("66 0F 38 F6 /r", "ry, r/my", cpuid="ADX")

ADOX = instruction("adox", flags="reads O, writes O", summary="Add with OF in the place of CF, and change no other flag.")
ADOX.form("F3 0F 38 F6 /r", "ry, r/my", cpuid="ADX")
