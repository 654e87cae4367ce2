"""Segment registers: MOV PUSH POP of them, LDS LES LSS LFS LGS. x86/_segments.pyx has the checks.

MOV SS and POP SS hold off interrupts and debug traps until the next instruction is done, so that SS:rSP can change in
two steps; they end their block. MOV to CS does not exist.
"""
from x86.isa.table import instruction

MOV = instruction("mov", summary="Copy a segment selector; loading one loads its descriptor.")
MOV.form("8C /r", "rv/m16, sreg", handler="mov_from_segment", slow=True)
MOV.form("8E /2", "ss, r/m16", handler="mov_to_stack_segment", slow=True, ends=True)

PUSH = instruction("push", summary="Push a segment selector.")
PUSH.form("16", "ss", handler="push_segment", size="v", stack64=True, mode="legacy")

POP = instruction("pop", summary="Pop a segment selector and load its descriptor.")
POP.form("17", "ss", handler="pop_stack_segment", size="v", stack64=True, mode="legacy", ends=True)

for _digit, _name in ((0, "es"), (3, "ds"), (4, "fs"), (5, "gs")):
    MOV.form(f"8E /{_digit}", f"{_name}, r/m16", handler="mov_to_segment", slow=True)
for _opcode, _name in ((0x06, "es"), (0x1E, "ds")):
    PUSH.form(f"{_opcode:02X}", _name, handler="push_segment", size="v", stack64=True, mode="legacy")
    POP.form(f"{_opcode + 1:02X}", _name, handler="pop_segment", size="v", stack64=True, mode="legacy")
PUSH.form("0E", "cs", handler="push_segment", size="v", stack64=True, mode="legacy")
for _opcode, _name in ((0xA0, "fs"), (0xA8, "gs")):
    PUSH.form(f"0F {_opcode:02X}", _name, handler="push_segment", size="v", stack64=True)
    POP.form(f"0F {_opcode + 1:02X}", _name, handler="pop_segment", size="v", stack64=True)

# A far pointer into a segment register (the constant) and a general one
for _encoding, _name, _number, _mode in (("C4 /r", "les", 0, "legacy"), ("C5 /r", "lds", 3, "legacy"),
                                         ("0F B2 /r", "lss", 2, ""), ("0F B4 /r", "lfs", 4, ""),
                                         ("0F B5 /r", "lgs", 5, "")):
    _row = instruction(_name, summary=f"Load {_name[1:].upper()} and a register from a far pointer.")
    _row.form(_encoding, "rv, m16:v", handler="load_far_pointer", constants=(_number,), mode=_mode, slow=True)

# The bases of FS and GS, where CR4.FSGSBASE allows it
for _digit, _verb, _segment in ((0, "rd", 4), (1, "rd", 5), (2, "wr", 4), (3, "wr", 5)):
    _name = "fs" if _segment == 4 else "gs"
    instruction(f"{_verb}{_name}base", summary=f"{'Read' if _verb == 'rd' else 'Write'} the base of {_name.upper()}.").form(
        f"F3 0F AE /{_digit}", "ry", mode="64", handler=f"{'read' if _verb == 'rd' else 'write'}_base",
        constants=(_segment,), cpuid="FSGSBASE")
