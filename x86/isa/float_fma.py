"""FMA: products and sums, rounded once. 132, 213 and 231 say which operands are multiplied, and which one is added."""
from x86.isa.table import instruction
from x86.isa.vector import VEX

WHAT = {"fmadd": "The product plus the third number", "fmsub": "The product less the third number",
        "fnmadd": "The third number less the product", "fnmsub": "The negative product less the third number",
        "fmaddsub": "The product, in odd elements plus, in even ones less the third number",
        "fmsubadd": "The product, in odd elements less, in even ones plus the third number"}
OPCODES = {"fmaddsub": 6, "fmsubadd": 7, "fmadd": 8, "fmsub": 0xA, "fnmadd": 0xC, "fnmsub": 0xE}

for _name, _opcode in OPCODES.items():
    for _high, _order in ((0x90, 132), (0xA0, 213), (0xB0, 231)):
        for _letter, _bits, _w in (("s", 32, "W0"), ("d", 64, "W1")):
            _row = instruction(f"v{_name}{_order}p{_letter}", summary=f"{WHAT[_name]}, {_bits} bits each.")
            for _length, _register in (("128", "xmm"), ("256", "ymm")):
                _row.form(f"VEX.{_length}.66.0F38.{_w} {_high | _opcode:02X} /r",
                          f"{_register}, {_register}, {_register}/m{_length}", handler="float_fused",
                          constants=(VEX, f"F_{_name.upper()}", _order, _bits, 0), cpuid="FMA")
            if _opcode >= 8:
                instruction(f"v{_name}{_order}s{_letter}", summary=f"{WHAT[_name]}, of the lowest {_bits} bits.").form(
                    f"VEX.LIG.66.0F38.{_w} {_high | _opcode + 1:02X} /r", f"xmm, xmm, xmm/m{_bits}", handler="float_fused",
                    constants=(VEX, f"F_{_name.upper()}", _order, _bits, 1), cpuid="FMA")
