"""PADD PSUB PADDS PADDUS PSUBS PSUBUS PAVG PMIN PMAX PABS PSIGN: arithmetic on the integers in a vector, lane by lane."""
from x86.isa.vector import packed

WORDS = {8: "bytes", 16: "words", 32: "doublewords", 64: "quadwords"}

for _name, _opcode, _bits, _mmx, _what, _sign, _summary in (
        ("paddb", "FC", 8, "MMX", "ADD", "", "Add"),
        ("paddw", "FD", 16, "MMX", "ADD", "", "Add"),
        ("paddd", "FE", 32, "MMX", "ADD", "", "Add"),
        ("paddq", "D4", 64, "SSE2", "ADD", "", "Add"),
        ("psubb", "F8", 8, "MMX", "SUB", "", "Subtract"),
        ("psubw", "F9", 16, "MMX", "SUB", "", "Subtract"),
        ("psubd", "FA", 32, "MMX", "SUB", "", "Subtract"),
        ("psubq", "FB", 64, "SSE2", "SUB", "", "Subtract"),
        ("paddsb", "EC", 8, "MMX", "ADD_SATURATED", "signed", "Add, with saturation,"),
        ("paddsw", "ED", 16, "MMX", "ADD_SATURATED", "signed", "Add, with saturation,"),
        ("paddusb", "DC", 8, "MMX", "ADD_SATURATED", "unsigned", "Add, with saturation,"),
        ("paddusw", "DD", 16, "MMX", "ADD_SATURATED", "unsigned", "Add, with saturation,"),
        ("psubsb", "E8", 8, "MMX", "SUB_SATURATED", "signed", "Subtract, with saturation,"),
        ("psubsw", "E9", 16, "MMX", "SUB_SATURATED", "signed", "Subtract, with saturation,"),
        ("psubusb", "D8", 8, "MMX", "SUB_SATURATED", "unsigned", "Subtract, with saturation,"),
        ("psubusw", "D9", 16, "MMX", "SUB_SATURATED", "unsigned", "Subtract, with saturation,"),
        ("pavgb", "E0", 8, "SSE", "AVERAGE", "unsigned", "Average, rounded up, of"),
        ("pavgw", "E3", 16, "SSE", "AVERAGE", "unsigned", "Average, rounded up, of"),
        ("pminub", "DA", 8, "SSE", "MIN", "unsigned", "Minimum of"),
        ("pmaxub", "DE", 8, "SSE", "MAX", "unsigned", "Maximum of"),
        ("pminsw", "EA", 16, "SSE", "MIN", "signed", "Minimum of"),
        ("pmaxsw", "EE", 16, "SSE", "MAX", "signed", "Maximum of")):
    packed(_name, _opcode, f"{_summary} {_sign} {WORDS[_bits]}.".replace("  ", " "), "lanes",
           (_what, "SIGNED" if _sign == "signed" else "UNSIGNED", _bits), mmx=_mmx)

for _number, (_name, _bits, _sign) in enumerate((("sb", 8, "signed"), ("sd", 32, "signed"),
                                                 ("uw", 16, "unsigned"), ("ud", 32, "unsigned"))):
    for _what, _opcode in (("min", 0x38 + _number), ("max", 0x3C + _number)):
        packed(f"p{_what}{_name}", f"{_opcode:02X}", f"{_what.title()}imum of {_sign} {WORDS[_bits]}.", "lanes",
               (_what.upper(), _sign.upper(), _bits), space="0F38", sse="SSE4_1")

for _number, (_name, _bits) in enumerate((("b", 8), ("w", 16), ("d", 32))):
    packed(f"psign{_name}", f"{0x08 + _number:02X}", f"Negate {WORDS[_bits]}, or clear them, by the signs of others.",
           "lanes", ("SIGN", "SIGNED", _bits), space="0F38", mmx="SSSE3", sse="SSSE3")
    packed(f"pabs{_name}", f"{0x1C + _number:02X}", f"Absolute values of {WORDS[_bits]}.", "lanes", ("ABS", "SIGNED", _bits),
           space="0F38", mmx="SSSE3", sse="SSSE3", sources=1)
