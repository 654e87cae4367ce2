"""PUSH POP PUSHA POPA PUSHF POPF ENTER LEAVE. Segment registers are pushed and popped in segments.py."""
from x86.isa.table import instruction

PUSH = instruction("push", summary="Decrement rSP, then store there.")
PUSH.form("50+r", "rv", stack64=True, handler="push_operand")
PUSH.form("FF /6", "r/mv", stack64=True, handler="push_operand")
PUSH.form("68 iz", "immz", stack64=True, handler="push_immediate", size="v")
PUSH.form("6A ib", "imm8", stack64=True, handler="push_immediate", size="v")

POP = instruction("pop", summary="Load from rSP, then increment it.")
POP.form("58+r", "rv", stack64=True)
POP.form("8F /0", "r/mv", stack64=True)

PUSHA = instruction("pusha", summary="Push rAX rCX rDX rBX rSP rBP rSI rDI.")
PUSHA.form("60", mode="legacy", size="v", names={16: "pusha", 32: "pushad"})

POPA = instruction("popa", summary="Pop rDI rSI rBP (skip rSP) rBX rDX rCX rAX.")
POPA.form("61", mode="legacy", size="v", names={16: "popa", 32: "popad"})

PUSHF = instruction("pushf", flags="reads OSZAPCDIT", summary="Push the flags; RF and VM read as 0.")
PUSHF.form("9C", stack64=True, size="v", names={16: "pushf", 32: "pushfd", 64: "pushfq"})

POPF = instruction("popf", flags="writes OSZAPCDIT", summary="Pop the flags that this privilege may change.")
POPF.form("9D", stack64=True, ends=True, size="v", names={16: "popf", 32: "popfd", 64: "popfq"})

ENTER = instruction("enter", summary="Make a stack frame: push rBP, copy outer frame pointers, make room.")
ENTER.form("C8 iw ib", "imm16, imm8u", stack64=True, size="v", handler="enter_frame")

LEAVE = instruction("leave", summary="Undo ENTER: rSP = rBP, pop rBP.")
LEAVE.form("C9", stack64=True, size="v", handler="leave_frame")
