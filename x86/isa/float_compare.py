"""CMPPS and its kin, COMISS, UCOMISS: comparisons of floating-point numbers, into masks or into flags."""
from x86.isa.float_arithmetic import PACKED, SCALAR
from x86.isa.table import instruction
from x86.isa.vector import SSE, VEX, packed, scalar

for _suffix, _bits, _prefix, _feature in PACKED:
    packed("cmp" + _suffix, "C2", f"Ones where elements of {_bits} bits are related as imm8 says, else zeros.",
           "float_compare", (_bits, 0), prefix=_prefix, sse=_feature, avx256="AVX", immediate="imm8u")
for _suffix, _bits, _prefix, _feature in SCALAR:
    scalar("cmp" + _suffix, "C2", f"Ones if the lowest elements, of {_bits} bits, are related as imm8 says, else zeros.",
           "float_compare", (_bits, 1), prefix=_prefix, bits=_bits, sse=_feature, immediate="imm8u")

for _name, _opcode, _what in (("ucomis", "2E", "an SNaN is invalid"), ("comis", "2F", "every NaN is invalid")):
    for _letter, _bits, _prefix, _feature in (("s", 32, "NP", "SSE"), ("d", 64, "66", "SSE2")):
        for _vex, _encoding, _unit, _cpuid in (
                ("", f"{_prefix} 0F", SSE, _feature),
                ("v", f"VEX.LIG.{'66.' if _prefix == '66' else ''}0F.WIG", VEX, "AVX")):
            instruction(f"{_vex}{_name}{_letter}", flags="writes OSZAPC",
                        summary=f"Set ZF, PF and CF by how two numbers of {_bits} bits are ordered; {_what}.").form(
                f"{_encoding} {_opcode} /r", f"xmm, xmm/m{_bits}", handler="float_order",
                constants=(_unit, f"F_{_name.upper()}", _bits), cpuid=_cpuid)
