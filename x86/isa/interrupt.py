"""INT INT3 INT1 INTO BOUND IRET: interrupts that a program asks for, and the way back from any. See x86/_interrupts.pyx."""
from x86.isa.table import instruction

INT3 = instruction("int3", summary="Breakpoint trap, vector 3.")
INT3.form("CC", ends=True)

INT = instruction("int", summary="Call the handler of a vector through the IDT or, in real mode, the IVT.")
INT.form("CD ib", "imm8u", ends=True, size=0, handler="int_")

INT1 = instruction("int1", summary="Debug trap, vector 1, without a look at the gate's DPL (ICEBP).")
INT1.form("F1", ends=True)

INTO = instruction("into", flags="reads O", summary="Overflow trap, vector 4, if OF is set.")
INTO.form("CE", mode="legacy", ends=True)

BOUND = instruction("bound", summary="Fault, vector 5, unless the index lies between the two bounds in memory.")
BOUND.form("62 /r", "rv, mv", mode="legacy", slow=True, handler="bound_")

IRET = instruction("iret", flags="writes OSZAPCDIT", summary="Pop rIP, CS and the flags; SS:rSP too for an outer level.")
IRET.form("CF", size="v", ends=True, names={16: "iret", 32: "iretd", 64: "iretq"})
