"""PBLENDW BLENDPS BLENDPD VPBLENDD by an immediate, PBLENDVB BLENDVPS BLENDVPD by the signs of a third vector."""
from x86.isa.table import instruction
from x86.isa.vector import SSE, VEX, packed

BLEND = {"space": "0F3A", "immediate": "imm8u"}
packed("pblendw", "0E", "Words of one or the other source, by the bits of a number.", "blend", (16,), sse="SSE4_1", **BLEND)
packed("blendps", "0C", "Doublewords of one or the other source, by the bits of a number.", "blend", (32,), sse="SSE4_1",
       avx256="AVX", **BLEND)
packed("blendpd", "0D", "Quadwords of one or the other source, by the bits of a number.", "blend", (64,), sse="SSE4_1",
       avx256="AVX", **BLEND)
packed("pblendd", "02", "Doublewords of one or the other source, by the bits of a number.", "blend", (32,), sse="", avx="AVX2",
       w="W0", **BLEND)

for _name, _legacy, _vex, _bits, _avx256 in (("pblendvb", "10", "4C", 8, "AVX2"), ("blendvps", "14", "4A", 32, "AVX"),
                                             ("blendvpd", "15", "4B", 64, "AVX")):
    _summary = f"Lanes of {_bits} bits of one or the other source, by the signs of a third."
    instruction(_name, summary=_summary).form(f"66 0F 38 {_legacy} /r", "xmm, xmm/m128", handler="blend_by_signs",
                                              constants=(SSE, _bits), cpuid="SSE4_1")
    _row = instruction(f"v{_name}", summary=_summary)
    for _length, _register, _cpuid in ((128, "xmm", "AVX"), (256, "ymm", _avx256)):
        _row.form(f"VEX.{_length}.66.0F3A.W0 {_vex} /r /is4", f"{_register}, {_register}, {_register}/m{_length}, {_register}",
                  handler="blend_by_signs", constants=(VEX, _bits), cpuid=_cpuid)
