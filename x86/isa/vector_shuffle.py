"""PSHUFB PSHUFD PSHUFW PSHUFLW PSHUFHW SHUFPS SHUFPD PALIGNR VPERMILPS VPERMILPD, within 128 bits each; VPERMQ VPERMPD VPERMD
VPERMPS VPERM2F128 VPERM2I128, across 256."""
from x86.isa.vector import packed

IMMEDIATE = {"immediate": "imm8u"}
AVX_ONLY = {"sse": "", "avx256": "AVX", "w": "W0"}
ACROSS = {"sse": "", "avx": ""}

packed("pshufb", "00", "Bytes chosen by the bytes of another vector.", "pshufb", space="0F38", mmx="SSSE3", sse="SSSE3")
packed("palignr", "0F", "16 bytes out of 32, from the first source above the second.", "palignr", space="0F3A", mmx="SSSE3",
       sse="SSSE3", **IMMEDIATE)

packed("pshufw", "70", "Words chosen by an immediate.", "shuffle_words", (0,), mmx="SSE", sse="", avx="", avx256="", sources=1,
       **IMMEDIATE)
packed("pshuflw", "70", "Words of the low half chosen by an immediate.", "shuffle_words", (0,), prefix="F2", sources=1,
       **IMMEDIATE)
packed("pshufhw", "70", "Words of the high half chosen by an immediate.", "shuffle_words", (4,), prefix="F3", sources=1,
       **IMMEDIATE)
packed("pshufd", "70", "Doublewords chosen by an immediate.", "shuffle_doublewords", sources=1, **IMMEDIATE)
packed("shufps", "C6", "Two doublewords of each source, chosen by an immediate.", "shufps", prefix="NP", sse="SSE", avx256="AVX",
       **IMMEDIATE)
packed("shufpd", "C6", "A quadword of each source, chosen by an immediate.", "shufpd", avx256="AVX", **IMMEDIATE)

for _name, _bits, _lanes, _by_immediate, _by_vector in (("permilps", 32, "Doublewords", "04", "0C"),
                                                        ("permilpd", 64, "Quadwords", "05", "0D")):
    packed(_name, _by_immediate, f"{_lanes} chosen by an immediate.", f"shuffle_{_lanes.lower()}", space="0F3A", sources=1,
           **IMMEDIATE, **AVX_ONLY)
    packed(_name, _by_vector, f"{_lanes} chosen by another vector.", "permute_within", (_bits,), space="0F38", **AVX_ONLY)

for _name, _opcode in (("permq", "00"), ("permpd", "01")):
    packed(_name, _opcode, "Quadwords chosen by an immediate.", "permute_quadwords", space="0F3A", w="W1", sources=1, **IMMEDIATE,
           **ACROSS)
for _name, _opcode in (("permd", "36"), ("permps", "16")):
    packed(_name, _opcode, "Doublewords chosen by another vector.", "permute_doublewords", space="0F38", w="W0", **ACROSS)
for _name, _opcode, _cpuid in (("perm2f128", "06", "AVX"), ("perm2i128", "46", "AVX2")):
    packed(_name, _opcode, "Halves of the sources chosen by an immediate.", "permute_halves", space="0F3A", w="W0", sse="",
           avx="", avx256=_cpuid, **IMMEDIATE)
