"""PCMPEQ PCMPGT make masks; PTEST VTESTPS VTESTPD set flags, PMOVMSKB MOVMSKPS MOVMSKPD collect the bits of a mask."""
from x86.isa.table import instruction
from x86.isa.vector import MMX, SSE, VEX, packed

for _name, _bits, _equal, _greater in (("b", 8, "74", "64"), ("w", 16, "75", "65"), ("d", 32, "76", "66")):
    packed(f"pcmpeq{_name}", _equal, "All ones where lanes are equal, zeros elsewhere.", "compare", ("EQUAL", _bits), mmx="MMX")
    packed(f"pcmpgt{_name}", _greater, "All ones where signed lanes are greater, zeros elsewhere.", "compare",
           ("GREATER", _bits), mmx="MMX")
packed("pcmpeqq", "29", "All ones where lanes are equal, zeros elsewhere.", "compare", ("EQUAL", 64), space="0F38", sse="SSE4_1")
packed("pcmpgtq", "37", "All ones where signed lanes are greater, zeros elsewhere.", "compare", ("GREATER", 64), space="0F38",
       sse="SSE4_2")

# The constant is the lane whose highest bit counts; 0: all bits count
TEST = {"space": "0F38", "avx256": "AVX", "sources": 1, "flags": "writes OSZAPC"}
packed("ptest", "17", "ZF: and of all bits is 0; CF: and with the complement of the first operand is 0.", "test_bits", (0,),
       sse="SSE4_1", **TEST)
packed("testps", "0E", "ZF and CF as of PTEST, from the signs of doublewords.", "test_bits", (32,), sse="", w="W0", **TEST)
packed("testpd", "0F", "ZF and CF as of PTEST, from the signs of quadwords.", "test_bits", (64,), sse="", w="W0", **TEST)

for _name, _opcode, _bits, _mmx, _prefix, _sse, _avx256 in (("pmovmskb", "D7", 8, "SSE", "66", "SSE2", "AVX2"),
                                                            ("movmskps", "50", 32, "", "NP", "SSE", "AVX"),
                                                            ("movmskpd", "50", 64, "", "66", "SSE2", "AVX")):
    _summary = "The highest bits of all lanes, as a number."
    _row, _vex = instruction(_name, summary=_summary), instruction(f"v{_name}", summary=_summary)
    if _mmx:
        _row.form(f"NP 0F {_opcode} /r", "r32, mm", handler="highest_bits", constants=(MMX, _bits, 64), cpuid=_mmx)
    _row.form(f"{_prefix} 0F {_opcode} /r", "r32, xmm", handler="highest_bits", constants=(SSE, _bits, 128), cpuid=_sse)
    for _length, _register, _cpuid in ((128, "xmm", "AVX"), (256, "ymm", _avx256)):
        _vex.form(f"VEX.{_length}.{'66.' if _prefix == '66' else ''}0F.WIG {_opcode} /r", f"r32, {_register}",
                  handler="highest_bits", constants=(VEX, _bits, _length), cpuid=_cpuid)
