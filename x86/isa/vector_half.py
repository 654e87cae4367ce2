"""One half of an XMM register: MOVLPS MOVHPS MOVLPD MOVHPD, and from half to half MOVHLPS MOVLHPS.

The constants of load_half are the unit, the half that is written (0 lower, 1 upper), and the one that is read.
"""
from x86.isa.table import instruction
from x86.isa.vector import SSE, VEX

HALVES = ((0, "lower"), (1, "upper"))

for _half, _word in HALVES:
    for _letter, _prefix, _sse in (("s", "NP", "SSE"), ("d", "66", "SSE2")):
        _name = f"mov{'lh'[_half]}p{_letter}"
        _load, _store = ("12", "13") if _half == 0 else ("16", "17")
        _vex = f"VEX.128.{_prefix}.0F.WIG".replace("NP.", "")
        _what = f"Copy 64 bits between memory and the {_word} half of a register; the other half stays."
        _row = instruction(_name, summary=_what)
        _row.form(f"{_prefix} 0F {_load} /r", "xmm, m64", handler="load_half", constants=(SSE, _half, 0), cpuid=_sse)
        _row.form(f"{_prefix} 0F {_store} /r", "m64, xmm", handler="store_half", constants=(SSE, _half), cpuid=_sse)
        _row = instruction(f"v{_name}", summary=_what.replace("the other half stays", "the other half is the first source's"))
        _row.form(f"{_vex} {_load} /r", "xmm, xmm, m64", handler="load_half", constants=(VEX, _half, 0), cpuid="AVX")
        _row.form(f"{_vex} {_store} /r", "m64, xmm", handler="store_half", constants=(VEX, _half), cpuid="AVX")

for _name, _opcode, _to in (("movhlps", "12", 0), ("movlhps", "16", 1)):
    _what = f"Copy the {HALVES[1 - _to][1]} half of a register to the {HALVES[_to][1]} one of another."
    instruction(_name, summary=_what).form(f"NP 0F {_opcode} /r", "xmm, xmm", size=64, handler="load_half",
                                           constants=(SSE, _to, 1 - _to), cpuid="SSE")
    instruction(f"v{_name}", summary=_what).form(f"VEX.128.0F.WIG {_opcode} /r", "xmm, xmm, xmm", size=64, handler="load_half",
                                                 constants=(VEX, _to, 1 - _to), cpuid="AVX")
