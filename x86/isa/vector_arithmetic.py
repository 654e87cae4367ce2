"""PADD PSUB and their kin: arithmetic on the integers in a vector."""
from x86.isa.vector import packed

for _name, _opcode, _bits in (("b", "FC", 8), ("w", "FD", 16), ("d", "FE", 32), ("q", "D4", 64)):
    packed(f"padd{_name}", _opcode, f"Add lanes of {_bits} bits.", "add_lanes", (_bits,), mmx="SSE2" if _bits == 64 else "MMX")
