"""MOVS CMPS SCAS LODS STOS: memory at rSI and rDI. INS and OUTS are in io.py.

rSI is in DS (or the segment of a prefix), rDI always in ES. DF is the direction, REP counts in rCX.
"""
from x86.isa.table import instruction


def _string(name, opcode, flags, summary):
    names = {8: f"{name}b", 16: f"{name}w", 32: f"{name}d", 64: f"{name}q"}
    row = instruction(name, flags=flags, summary=summary)
    row.form(f"{opcode:02X}", size=8, rep=True, names=names)
    row.form(f"{opcode + 1:02X}", size="v", rep=True, names=names)


_string("movs", 0xA4, "reads D", "Copy the element at rSI to rDI.")
_string("cmps", 0xA6, "reads D, writes OSZAPC", "Compare the element at rSI with the one at rDI.")
_string("stos", 0xAA, "reads D", "Store rAX at rDI.")
_string("lods", 0xAC, "reads D", "Load rAX from rSI.")
_string("scas", 0xAE, "reads D, writes OSZAPC", "Compare rAX with the element at rDI.")
