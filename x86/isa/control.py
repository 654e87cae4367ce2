"""MOV of control and debug registers, LMSW SMSW CLTS: the mode switches. The operand size is that of the mode."""
from x86.isa.table import instruction

MOV = instruction("mov", summary="Copy a control or debug register; writing one may change the mode.")
MOV.form("0F 20 /r", "ry, cr", near64=True, handler="mov_from_control")
MOV.form("0F 22 /r", "cr, ry", near64=True, handler="mov_to_control", ends=True)
MOV.form("0F 21 /r", "ry, dr", near64=True, handler="mov_from_debug")
MOV.form("0F 23 /r", "dr, ry", near64=True, handler="mov_to_debug", ends=True)

SMSW = instruction("smsw", summary="Store the machine status word, the lower bits of CR0.")
SMSW.form("0F 01 /4", "rv/m16", slow=True)

LMSW = instruction("lmsw", summary="Load PE (which cannot be cleared so), MP, EM and TS of CR0.")
LMSW.form("0F 01 /6", "r/m16", slow=True, ends=True)

CLTS = instruction("clts", summary="CR0.TS = 0.")
CLTS.form("0F 06")
