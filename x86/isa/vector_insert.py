"""One element in, one element out: PINSR* PEXTR* INSERTPS EXTRACTPS, and halves of 128 bits: VINSERT*128 VEXTRACT*128.

The constants of insert_element and extract_element are the unit and the element's bits; 0: the operand size.
"""
from x86.isa.table import instruction
from x86.isa.vector import MMX, SSE, VEX

INSERT = "Copy the lowest bits of a general register, or memory, to one element of a vector."
EXTRACT = "Copy one element of a vector to a general register, zero-extended, or to memory."
OLDEST = {"pinsrw": ("NP 0F C4 /r ib", "mm, r32/m16, imm8u"), "pextrw": ("NP 0F C5 /r ib", "ry, mm, imm8u")}

for _v, _unit, _map1, _map3, _to, _first, _since in (
        ("", SSE, "66 0F", "66 0F 3A", "xmm", "SSE2", "SSE4_1"),
        ("v", VEX, "VEX.128.66.0F", "VEX.128.66.0F3A", "xmm, xmm", "AVX", "AVX")):
    for _name, _lane, _forms in (
            ("pinsrb", 8, ((f"{_map3} 20", f"{_to}, r32/m8", _since),)),
            ("pinsrw", 16, ((f"{_map1} C4", f"{_to}, r32/m16", _first),)),
            ("pinsrd", 0, ((f"{_map3} 22", f"{_to}, r/my", _since),)),
            ("pextrb", 8, ((f"{_map3} 14", "ry/m8, xmm", _since),)),
            ("pextrw", 16, ((f"{_map1} C5", "ry, xmm", _first), (f"{_map3} 15", "ry/m16, xmm", _since))),
            ("pextrd", 0, ((f"{_map3} 16", "r/my, xmm", _since),)),
            ("extractps", 32, ((f"{_map3} 17", "ry/m32, xmm", _since),))):
        _handler = "insert_element" if "ins" in _name else "extract_element"
        _row = instruction(_v + _name, summary=INSERT if "ins" in _name else EXTRACT)
        if _unit == SSE and _name in OLDEST:
            _row.form(*OLDEST[_name], handler=_handler, constants=(MMX, _lane), cpuid="SSE")
        for _encoding, _operands, _feature in _forms:
            _row.form(f"{_encoding} /r ib", f"{_operands}, imm8u", handler=_handler, constants=(_unit, _lane),
                      names={} if _lane else {64: f"{_v}{_name[:-1]}q"}, cpuid=_feature)
    instruction(f"{_v}insertps", summary="Copy a single to one place of a vector, then clear those that a mask names.").form(
        f"{_map3}{'.WIG' if _v else ''} 21 /r ib", f"{_to}, xmm/m32, imm8u", handler="insertps", constants=(_unit,), cpuid=_since)

for _letter, _insert, _extract, _feature in (("f", "18", "19", "AVX"), ("i", "38", "39", "AVX2")):
    instruction(f"vinsert{_letter}128", summary="Copy 128 bits to one half of a register, the other half of another.").form(
        f"VEX.256.66.0F3A.W0 {_insert} /r ib", "ymm, ymm, xmm/m128, imm8u", handler="insert_half", constants=(VEX,),
        cpuid=_feature)
    instruction(f"vextract{_letter}128", summary="Copy one half of a register.").form(
        f"VEX.256.66.0F3A.W0 {_extract} /r ib", "xmm/m128, ymm, imm8u", size=128, handler="extract_half", constants=(VEX,),
        cpuid=_feature)
