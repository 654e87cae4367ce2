"""JMP CALL RET Jcc LOOP JCXZ: near branches. Far ones are in far.py.

A conditional branch does not end its block: the code behind it, reached when it is not taken, belongs to the same one.
"""
from x86.isa.conditional import NAMES, READS
from x86.isa.table import instruction

JMP = instruction("jmp", summary="Go there.")
JMP.form("EB cb", "rel8", near64=True, ends=True)
JMP.form("E9 cz", "relz", near64=True, ends=True)
JMP.form("FF /4", "r/mv", near64=True, ends=True, handler="jump_indirect")

CALL = instruction("call", summary="Push the address of the next instruction, then go there.")
CALL.form("E8 cz", "relz", near64=True, ends=True, size="v")
CALL.form("FF /2", "r/mv", near64=True, ends=True, handler="call_indirect")

RET = instruction("ret", summary="Pop the address to go to; release some bytes of the stack more.")
RET.form("C3", near64=True, ends=True, size="v")
RET.form("C2 iw", "imm16", near64=True, ends=True, size="v", handler="ret_release")

for _condition, _name in enumerate(NAMES):
    _row = instruction(f"j{_name}", flags=f"reads {READS[_condition]}",
                       summary=f"Go there if the condition {_name} holds.")
    _row.form(f"{0x70 + _condition:02X} cb", "rel8", near64=True, handler="jcc", constants=(_condition,))
    _row.form(f"0F {0x80 + _condition:02X} cz", "relz", near64=True, handler="jcc", constants=(_condition,))

# the constant is the value of ZF that goes on; 2: either
LOOPNE = instruction("loopne", flags="reads Z", summary="Decrement rCX; go there if it is not 0 and ZF is 0.")
LOOPNE.form("E0 cb", "rel8", near64=True, handler="loop", constants=(0,))
LOOPE = instruction("loope", flags="reads Z", summary="Decrement rCX; go there if it is not 0 and ZF is 1.")
LOOPE.form("E1 cb", "rel8", near64=True, handler="loop", constants=(1,))
LOOP = instruction("loop", summary="Decrement rCX; go there if it is not 0.")
LOOP.form("E2 cb", "rel8", near64=True, handler="loop", constants=(2,))

# here the address size chooses the name
JCXZ = instruction("jcxz", summary="Go there if rCX is 0.")
JCXZ.form("E3 cb", "rel8", near64=True, names={16: "jcxz", 32: "jecxz", 64: "jrcxz"})
