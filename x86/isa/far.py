"""JMP CALL RETF between segments, through call gates and to other tasks. Near branches are in branch.py."""
from x86.isa.table import instruction

JMP = instruction("jmp", summary="Go to another segment, or through a gate, or to another task.")
JMP.form("EA ptr", "ptr16:v", mode="legacy", ends=True, handler="jump_far")
JMP.form("FF /5", "m16:v", ends=True, slow=True, handler="jump_far_indirect")

CALL = instruction("call", summary="Push CS and the next offset, then go to another segment, gate or task.")
CALL.form("9A ptr", "ptr16:v", mode="legacy", ends=True, handler="call_far")
CALL.form("FF /3", "m16:v", ends=True, slow=True, handler="call_far_indirect")

RETF = instruction("retf", summary="Pop an offset and CS, and SS:rSP for an outer level; release some bytes more.")
RETF.form("CB", size="v", ends=True, names={64: "retfq"})
RETF.form("CA iw", "imm16", size="v", ends=True, handler="retf_release", names={64: "retfq"})
