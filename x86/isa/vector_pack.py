"""PACKSS PACKUS, PUNPCKL PUNPCKH UNPCKL UNPCKH, PMOVSX PMOVZX: lanes become narrower, interleaved, wider."""
from x86.isa.vector import packed

packed("packsswb", "63", "Signed words to signed bytes, with saturation.", "pack", ("SIGNED", 16), mmx="MMX")
packed("packssdw", "6B", "Signed doublewords to signed words, with saturation.", "pack", ("SIGNED", 32), mmx="MMX")
packed("packuswb", "67", "Signed words to unsigned bytes, with saturation.", "pack", ("UNSIGNED", 16), mmx="MMX")
packed("packusdw", "2B", "Signed doublewords to unsigned words, with saturation.", "pack", ("UNSIGNED", 32), space="0F38",
       sse="SSE4_1")

for _half, _opcode, _last in (("l", 0x60, {"mm": "mm/m32"}), ("h", 0x68, {})):
    _which = {"l": "LOW", "h": "HIGH"}[_half]
    _summary = f"Interleave the lanes of the {_which.lower()} halves."
    for _number, (_name, _bits) in enumerate((("bw", 8), ("wd", 16), ("dq", 32))):
        packed(f"punpck{_half}{_name}", f"{_opcode + _number:02X}", _summary, "interleave", (_which, _bits), mmx="MMX",
               last=_last)
    packed(f"punpck{_half}qdq", {"l": "6C", "h": "6D"}[_half], _summary, "interleave", (_which, 64))
    for _name, _prefix, _bits, _sse in (("ps", "NP", 32, "SSE"), ("pd", "66", 64, "SSE2")):
        packed(f"unpck{_half}{_name}", {"l": "14", "h": "15"}[_half], _summary, "interleave", (_which, _bits), prefix=_prefix,
               sse=_sse, avx256="AVX")

for _letter, _opcode, _sign in (("s", 0x20, "SIGNED"), ("z", 0x30, "UNSIGNED")):
    for _number, (_name, _from, _to) in enumerate((("bw", 8, 16), ("bd", 8, 32), ("bq", 8, 64), ("wd", 16, 32), ("wq", 16, 64),
                                                   ("dq", 32, 64))):
        packed(f"pmov{_letter}x{_name}", f"{_opcode + _number:02X}",
               f"{_sign.title()} lanes of {_from} bits to lanes of {_to} bits.", "extend", (_sign, _from, _to), space="0F38",
               sse="SSE4_1", sources=1,
               last={"xmm": f"xmm/m{128 * _from // _to}", "ymm": f"xmm/m{256 * _from // _to}"})
