"""The state of x87, MMX and SSE, without their arithmetic: control and status words, environments, FXSAVE FXRSTOR, MXCSR."""
from x86.isa.table import instruction
from x86.isa.vector import SSE, VEX

FNINIT = instruction("fninit", summary="x87 as after power-up, exceptions masked: control word 37Fh, all registers empty.")
FNINIT.form("DB E3")

FNCLEX = instruction("fnclex", summary="Forget pending x87 exceptions.")
FNCLEX.form("DB E2")

FNOP = instruction("fnop", summary="Nothing, as x87 code.")
FNOP.form("D9 D0")

for _byte, _name in (("E0", "feni"), ("E1", "fdisi"), ("E4", "fsetpm")):
    instruction(f"{_name[0]}n{_name[1:]}", summary=f"{_name.upper()} of the 8087 and 287: nothing since the 387.").form(
        f"DB {_byte}", handler="forgotten")

FNSTCW = instruction("fnstcw", summary="Store the x87 control word.")
FNSTCW.form("D9 /7", "m16", slow=True)

FLDCW = instruction("fldcw", summary="Load the x87 control word.")
FLDCW.form("D9 /5", "m16", slow=True)

FNSTSW = instruction("fnstsw", summary="Store the x87 status word.")
FNSTSW.form("DD /7", "m16", slow=True)
FNSTSW.form("DF E0", size=16, handler="fnstsw_ax", names={16: "fnstsw ax"})

FWAIT = instruction("wait", summary="Raise pending x87 exceptions.")
FWAIT.form("9B", handler="fwait")

FNSTENV = instruction("fnstenv", summary="Store the x87 environment, then mask all exceptions.")
FNSTENV.form("D9 /6", "m", size="z", slow=True)

FLDENV = instruction("fldenv", summary="Load the x87 environment.")
FLDENV.form("D9 /4", "m", size="z", slow=True)

FNSAVE = instruction("fnsave", summary="Store environment and registers, then FNINIT.")
FNSAVE.form("DD /6", "m", size="z", slow=True)

FRSTOR = instruction("frstor", summary="Load environment and registers.")
FRSTOR.form("DD /4", "m", size="z", slow=True)

FXSAVE = instruction("fxsave", summary="Store x87, MMX and SSE state: 512 bytes, aligned to 16.")
FXSAVE.form("NP 0F AE /0", "m", size="y", slow=True, names={64: "fxsave64"}, cpuid="FXSR")

FXRSTOR = instruction("fxrstor", summary="Load what FXSAVE stored.")
FXRSTOR.form("NP 0F AE /1", "m", size="y", slow=True, names={64: "fxrstor64"}, cpuid="FXSR")

for _name, _encoding, _unit, _cpuid in (("", "NP 0F", SSE, "SSE"), ("v", "VEX.LZ.0F.WIG", VEX, "AVX")):
    instruction(f"{_name}ldmxcsr", summary="Load MXCSR, the SSE control and status word.").form(
        f"{_encoding} AE /2", "m32", slow=True, handler="ldmxcsr", constants=(_unit,), cpuid=_cpuid)
    instruction(f"{_name}stmxcsr", summary="Store MXCSR.").form(
        f"{_encoding} AE /3", "m32", slow=True, handler="stmxcsr", constants=(_unit,), cpuid=_cpuid)

EMMS = instruction("emms", summary="All x87 registers are empty: MMX code is done.")
EMMS.form("NP 0F 77", cpuid="MMX")
