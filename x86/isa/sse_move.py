"""XORPS XORPD PXOR: SSE as compilers use it to clear."""
from x86.isa.table import instruction

for _name, _encoding, _cpuid in (("xorps", "NP 0F 57", "SSE"), ("xorpd", "66 0F 57", "SSE2"), ("pxor", "66 0F EF", "SSE2")):
    instruction(_name, summary="Exclusive or of 128 bits.").form(
        f"{_encoding} /r", "xmm, xmm/m128", size=128, slow=True, handler="xor_vector", cpuid=_cpuid)
