"""PAND PANDN POR PXOR, ANDPS ANDNPS ORPS XORPS and those of PD: all bits of a vector."""
from x86.isa.vector import packed

for _name, _integer, _float, _what, _summary in (
        ("and", "DB", "54", "AND", "And of all bits."),
        ("andn", "DF", "55", "AND_NOT", "And of all bits with the first source complemented."),
        ("or", "EB", "56", "OR", "Or of all bits."),
        ("xor", "EF", "57", "XOR", "Exclusive or of all bits.")):
    packed(f"p{_name}", _integer, _summary, "bitwise", (_what,), mmx="MMX")
    packed(f"{_name}ps", _float, _summary, "bitwise", (_what,), prefix="NP", sse="SSE", avx256="AVX")
    packed(f"{_name}pd", _float, _summary, "bitwise", (_what,), avx256="AVX")
