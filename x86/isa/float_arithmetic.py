"""ADDPS and its kin: SSE arithmetic, whole vectors and scalars. A handler's constants: unit, operation (x86/_sse.h), 32 or 64."""
from x86.isa.vector import packed, scalar

# Suffix, bits of an element, prefix, the feature without VEX
PACKED = (("ps", 32, "NP", "SSE"), ("pd", 64, "66", "SSE2"))
SCALAR = (("ss", 32, "F3", "SSE"), ("sd", 64, "F2", "SSE2"))

for _name, _opcode, _what, _sources in (
        ("add", "58", "Add", 2), ("mul", "59", "Multiply", 2), ("sub", "5C", "Subtract the second source from the first, in", 2),
        ("min", "5D", "The smaller one, or the second source if they have no order, of", 2),
        ("max", "5F", "The larger one, or the second source if they have no order, of", 2),
        ("div", "5E", "Divide the first source by the second, in", 2), ("sqrt", "51", "Square roots of", 1)):
    _operation = f"F_{_name.upper()}"
    for _suffix, _bits, _prefix, _feature in PACKED:
        packed(_name + _suffix, _opcode, f"{_what} elements of {_bits} bits.", "float_packed", (_operation, _bits),
               prefix=_prefix, sse=_feature, avx256="AVX", sources=_sources)
    for _suffix, _bits, _prefix, _feature in SCALAR:
        scalar(_name + _suffix, _opcode, f"{_what} the lowest elements, of {_bits} bits.", "float_scalar", (_operation, _bits),
               prefix=_prefix, bits=_bits, sse=_feature)

for _name, _opcode, _what in (("addsub", "D0", "Subtract even elements and add odd ones"),
                              ("hadd", "7C", "Add neighbours"), ("hsub", "7D", "Subtract neighbours")):
    for _suffix, _bits, _prefix in (("ps", 32, "F2"), ("pd", 64, "66")):
        packed(_name + _suffix, _opcode, f"{_what} of {_bits} bits.", "float_packed", (f"F_{_name.upper()}", _bits),
               prefix=_prefix, sse="SSE3", avx256="AVX")

for _name, _opcode, _bits, _long in (("dpps", "40", 32, "AVX"), ("dppd", "41", 64, "")):
    packed(_name, _opcode, "Dot product of the elements that imm8[7:4] chooses, into those that imm8[3:0] chooses.", "float_dot",
           (_bits,), space="0F3A", sse="SSE4_1", avx256=_long, immediate="imm8u")
