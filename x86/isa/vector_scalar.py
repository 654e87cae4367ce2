"""The lowest element of a vector: MOVD MOVQ MOVSS MOVSD, and between MMX and XMM registers.

The second constant of load_low and store_low is 1 where a register takes the lowest element and keeps the others.
"""
from x86.isa.table import instruction
from x86.isa.vector import MMX, SSE, VEX

MOVD = instruction("movd", summary="Copy 32 or 64 bits between a general and a vector register; the rest becomes 0.")
MOVQ = instruction("movq", summary="Copy 64 bits; the upper half of an XMM register becomes 0.")
VMOVD = instruction("vmovd", summary="Copy 32 or 64 bits between a general and a vector register; the rest becomes 0.")
VMOVQ = instruction("vmovq", summary="Copy 64 bits; the rest of a register becomes 0.")

for _row, _before, _register, _unit, _cpuid in ((MOVD, "NP 0F", "mm", MMX, "MMX"), (MOVD, "66 0F", "xmm", SSE, "SSE2"),
                                                (VMOVD, "VEX.128.66.0F", "xmm", VEX, "AVX")):
    _names = {64: _row.mnemonic.replace("d", "q")}
    _row.form(f"{_before} 6E /r", f"{_register}, r/my", handler="general_to_vector", constants=(_unit,), names=_names,
              cpuid=_cpuid)
    _row.form(f"{_before} 7E /r", f"r/my, {_register}", handler="vector_to_general", constants=(_unit,), names=_names,
              cpuid=_cpuid)

for _row, _load, _store, _register, _unit, _cpuid in (
        (MOVQ, "NP 0F 6F", "NP 0F 7F", "mm", MMX, "MMX"),
        (MOVQ, "F3 0F 7E", "66 0F D6", "xmm", SSE, "SSE2"),
        (VMOVQ, "VEX.128.F3.0F.WIG 7E", "VEX.128.66.0F.WIG D6", "xmm", VEX, "AVX")):
    _row.form(f"{_load} /r", f"{_register}, {_register}/m64", size=64, handler="load_low", constants=(_unit, 0), cpuid=_cpuid)
    _row.form(f"{_store} /r", f"{_register}/m64, {_register}", size=64, handler="store_low", constants=(_unit, 0), cpuid=_cpuid)

for _name, _prefix, _bits, _sse, _what in (
        ("movss", "F3", 32, "SSE", "Copy a single; from memory the rest of the register becomes 0."),
        ("movsd", "F2", 64, "SSE2", "Copy a double; from memory the rest of the register becomes 0.")):
    _row = instruction(_name, summary=_what)
    _row.form(f"{_prefix} 0F 10 /r", f"xmm, xmm/m{_bits}", size=_bits, handler="load_low", constants=(SSE, 1), cpuid=_sse)
    _row.form(f"{_prefix} 0F 11 /r", f"xmm/m{_bits}, xmm", size=_bits, handler="store_low", constants=(SSE, 1), cpuid=_sse)
    _row = instruction(f"v{_name}", summary=_what)
    _vex = f"VEX.LIG.{_prefix}.0F.WIG"
    _row.form(f"{_vex} 10 /r", f"xmm, m{_bits}", handler="load_low", constants=(VEX, 1), cpuid="AVX")
    _row.form(f"{_vex} 11 /r", f"m{_bits}, xmm", handler="store_low", constants=(VEX, 1), cpuid="AVX")
    _row.form(f"{_vex} 10 /r", "xmm, xmm, xmm", size=_bits, handler="load_low", constants=(VEX, 1), cpuid="AVX")
    _row.form(f"{_vex} 11 /r", "xmm, xmm, xmm", size=_bits, handler="load_low", constants=(VEX, 1), cpuid="AVX", rm_first=True)

MOVQ2DQ = instruction("movq2dq", summary="Copy an MMX register into an XMM register, whose upper half becomes 0.")
MOVQ2DQ.form("F3 0F D6 /r", "xmm, mm", size=64, cpuid="SSE2")

MOVDQ2Q = instruction("movdq2q", summary="Copy the lower half of an XMM register into an MMX register.")
MOVDQ2Q.form("F2 0F D6 /r", "mm, xmm", size=64, cpuid="SSE2")
