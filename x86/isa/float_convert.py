"""Conversions between floating-point formats and integers, in vectors, general and MMX registers; ROUNDPS and its kin.

F_CONVERT rounds as MXCSR says, F_TRUNCATE toward zero. Formats are FLOAT16 ... INT64 of x86/_sse.h."""
from x86.isa.float_arithmetic import PACKED, SCALAR
from x86.isa.table import instruction
from x86.isa.vector import SSE, VEX, packed, scalar

# ---- whole vectors: as many elements as the wider format has in the register ----------------------------------------------

for _name, _encoding, _operation, _source, _result in (
        ("cvtdq2ps", "NP 5B", "F_CONVERT", "INT32", "FLOAT32"), ("cvtps2dq", "66 5B", "F_CONVERT", "FLOAT32", "INT32"),
        ("cvttps2dq", "F3 5B", "F_TRUNCATE", "FLOAT32", "INT32"),
        ("cvtps2pd", "NP 5A", "F_CONVERT", "FLOAT32", "FLOAT64"), ("cvtdq2pd", "F3 E6", "F_CONVERT", "INT32", "FLOAT64"),
        ("cvtpd2ps", "66 5A", "F_CONVERT", "FLOAT64", "FLOAT32"), ("cvtpd2dq", "F2 E6", "F_CONVERT", "FLOAT64", "INT32"),
        ("cvttpd2dq", "66 E6", "F_TRUNCATE", "FLOAT64", "INT32")):
    _prefix, _opcode = _encoding.split()
    _short, _long = {(32, 32): ("xmm, xmm/m128", "ymm, ymm/m256"), (32, 64): ("xmm, xmm/m64", "ymm, xmm/m128"),
                     (64, 32): ("xmm, xmm/m128", "xmm, ymm/m256")}[int(_source[-2:]), int(_result[-2:])]
    _words = f"{'' if _prefix == 'NP' else _prefix + '.'}0F.WIG {_opcode} /r"
    _summary = f"Convert elements: {_source} to {_result}{', toward zero' if _operation == 'F_TRUNCATE' else ''}."
    instruction(_name, summary=_summary).form(
        f"{_prefix} 0F {_opcode} /r", _short, handler="float_convert", constants=(SSE, _operation, _source, _result),
        cpuid="SSE2")
    _row = instruction("v" + _name, summary=_summary)
    for _length, _operands in (("128", _short), ("256", _long)):
        _row.form(f"VEX.{_length}.{_words}", _operands, handler="float_convert", constants=(VEX, _operation, _source, _result),
                  cpuid="AVX")

VCVTPH2PS = instruction("vcvtph2ps", summary="Convert elements: FLOAT16 to FLOAT32.")
VCVTPS2PH = instruction("vcvtps2ph", summary="Convert elements: FLOAT32 to FLOAT16, rounded as imm8 says.")
for _length, _register, _half in (("128", "xmm", "xmm/m64"), ("256", "ymm", "xmm/m128")):
    VCVTPH2PS.form(f"VEX.{_length}.66.0F38.W0 13 /r", f"{_register}, {_half}", handler="float_from_half",
                   constants=(VEX,), cpuid="F16C")
    VCVTPS2PH.form(f"VEX.{_length}.66.0F3A.W0 1D /r ib", f"{_half}, {_register}, imm8u", handler="float_to_half",
                   constants=(VEX,), cpuid="F16C")

# ---- scalars, and general registers ---------------------------------------------------------------------------------------

scalar("cvtss2sd", "5A", "Convert the lowest element: FLOAT32 to FLOAT64.", "float_convert_scalar", ("FLOAT32", "FLOAT64"),
       prefix="F3", bits=32)
scalar("cvtsd2ss", "5A", "Convert the lowest element: FLOAT64 to FLOAT32.", "float_convert_scalar", ("FLOAT64", "FLOAT32"),
       prefix="F2", bits=64)

for _suffix, _bits, _prefix, _feature in SCALAR:
    _summary = f"Convert a signed integer to FLOAT{_bits}."
    instruction(f"cvtsi2{_suffix}", summary=_summary).form(
        f"{_prefix} 0F 2A /r", "xmm, r/my", handler="float_from_general", constants=(SSE, _bits), cpuid=_feature)
    instruction(f"vcvtsi2{_suffix}", summary=_summary).form(
        f"VEX.LIG.{_prefix}.0F 2A /r", "xmm, xmm, r/my", handler="float_from_general", constants=(VEX, _bits), cpuid="AVX")
    for _name, _opcode, _operation in (("cvtt", "2C", "F_TRUNCATE"), ("cvt", "2D", "F_CONVERT")):
        _summary = f"Convert a FLOAT{_bits} to a signed integer{', toward zero' if _name == 'cvtt' else ''}."
        instruction(f"{_name}{_suffix}2si", summary=_summary).form(
            f"{_prefix} 0F {_opcode} /r", f"ry, xmm/m{_bits}", handler="float_to_general", constants=(SSE, _operation, _bits),
            cpuid=_feature)
        instruction(f"v{_name}{_suffix}2si", summary=_summary).form(
            f"VEX.LIG.{_prefix}.0F {_opcode} /r", f"ry, xmm/m{_bits}", handler="float_to_general",
            constants=(VEX, _operation, _bits), cpuid="AVX")

# ---- MMX registers --------------------------------------------------------------------------------------------------------

for _suffix, _bits, _prefix, _feature in PACKED:
    instruction(f"cvtpi2{_suffix}", summary=f"Convert two INT32 to FLOAT{_bits}.").form(
        f"{_prefix} 0F 2A /r", "xmm, mm/m64", handler="float_from_mmx", constants=(_bits,), cpuid=_feature)
    for _name, _opcode, _operation in (("cvtt", "2C", "F_TRUNCATE"), ("cvt", "2D", "F_CONVERT")):
        instruction(f"{_name}{_suffix}2pi",
                    summary=f"Convert two FLOAT{_bits} to INT32{', toward zero' if _name == 'cvtt' else ''}.").form(
            f"{_prefix} 0F {_opcode} /r", f"mm, xmm/m{2 * _bits}", handler="float_to_mmx", constants=(_operation, _bits),
            cpuid=_feature)

# ---- to integral values ---------------------------------------------------------------------------------------------------

for _name, _opcode, _bits in (("roundps", "08", 32), ("roundpd", "09", 64)):
    packed(_name, _opcode, "Round to integral values as imm8 says.", "float_round", (_bits, 0), space="0F3A", sse="SSE4_1",
           avx256="AVX", sources=1, immediate="imm8u")
for _name, _opcode, _bits in (("roundss", "0A", 32), ("roundsd", "0B", 64)):
    scalar(_name, _opcode, "Round the lowest element to an integral value as imm8 says.", "float_round", (_bits, 1), prefix="66",
           bits=_bits, space="0F3A", sse="SSE4_1", immediate="imm8u")
