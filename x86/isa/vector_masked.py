"""Memory in pieces, each only where a mask says so: VMASKMOV* VPMASKMOV*, MASKMOVQ MASKMOVDQU, and gathers.

What the mask leaves out is not touched and cannot fault. The constants are the unit and the bits of an element; those of
gather the bits of an index before them.
"""
from x86.isa.table import instruction
from x86.isa.vector import MMX, SSE, VEX

VECTORS = ((128, "xmm"), (256, "ymm"))

for _name, _load, _store, _w, _element, _feature in (
        ("vmaskmovps", "2C", "2E", "W0", 32, "AVX"), ("vmaskmovpd", "2D", "2F", "W0", 64, "AVX"),
        ("vpmaskmovd", "8C", "8E", "W0", 32, "AVX2"), ("vpmaskmovq", "8C", "8E", "W1", 64, "AVX2")):
    _row = instruction(_name, summary="Copy those elements whose sign in a mask is set; loads clear the others.")
    for _bits, _register in VECTORS:
        _vex = f"VEX.{_bits}.66.0F38.{_w}"
        _row.form(f"{_vex} {_load} /r", f"{_register}, {_register}, m{_bits}", size=_bits, handler="masked_load",
                  constants=(VEX, _element), cpuid=_feature)
        _row.form(f"{_vex} {_store} /r", f"m{_bits}, {_register}, {_register}", size=_bits, handler="masked_store",
                  constants=(VEX, _element), cpuid=_feature)

for _name, _encoding, _register, _unit, _feature in (
        ("maskmovq", "NP 0F F7", "mm", MMX, "SSE"), ("maskmovdqu", "66 0F F7", "xmm", SSE, "SSE2"),
        ("vmaskmovdqu", "VEX.128.66.0F.WIG F7", "xmm", VEX, "AVX")):
    instruction(_name, summary="Store those bytes at DS:rDI whose highest bit in a mask is set.").form(
        f"{_encoding} /r", f"{_register}, {_register}", handler="masked_bytes", constants=(_unit,), cpuid=_feature)

for _integer, _opcode in (("p", 0x90), ("", 0x92)):
    for _index, _by in ((32, "d"), (64, "q")):
        for _element, _what in ((32, "d" if _integer else "ps"), (64, "q" if _integer else "pd")):
            _row = instruction(f"v{_integer}gather{_by}{_what}", summary="Load those elements whose sign in a mask is set, each "
                               "from a place of its own; what is done is cleared in the mask.")
            for _bits, _register in VECTORS:
                _count = _bits // max(_index, _element)
                _to = "ymm" if _count * _element == 256 else "xmm"
                _from = f"vm{_index}{'y' if _count * _index == 256 else 'x'}"
                _row.form(f"VEX.{_bits}.66.0F38.W{_element // 64} {_opcode + (_index == 64):X} /r", f"{_to}, {_from}, {_to}",
                          size=_bits, handler="gather", constants=(VEX, _index, _element), cpuid="AVX2")
