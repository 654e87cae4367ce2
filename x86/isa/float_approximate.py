"""RCPPS, RSQRTPS: reciprocals, and those of square roots, to 12 bits."""
from x86.isa.vector import packed, scalar

for _name, _opcode, _root, _what in (("rcp", "53", 0, "reciprocal"), ("rsqrt", "52", 1, "reciprocal of the square root")):
    packed(f"{_name}ps", _opcode, f"The {_what} of each element, approximately.", "float_approximate", (_root, 0), prefix="NP",
           sse="SSE", avx256="AVX", sources=1)
    scalar(f"{_name}ss", _opcode, f"The {_what} of the lowest element, approximately.", "float_approximate", (_root, 1),
           prefix="F3", bits=32, sse="SSE")
