"""IN OUT INS OUTS: the port space. Devices answer in Python, so every access ends its block."""
from x86.isa.table import instruction

# The constant: the port is in DX (1) or in the instruction (0)
IN = instruction("in", summary="Read a port into rAX.")
IN.form("E4 ib", "al, imm8u", ends=True, handler="in_", constants=(0,))
IN.form("E5 ib", "rAX, imm8u", size="z", ends=True, handler="in_", constants=(0,))
IN.form("EC", "al, dx", ends=True, handler="in_", constants=(1,))
IN.form("ED", "rAX, dx", size="z", ends=True, handler="in_", constants=(1,))

OUT = instruction("out", summary="Write rAX to a port.")
OUT.form("E6 ib", "imm8u, al", ends=True, handler="out", constants=(0,))
OUT.form("E7 ib", "imm8u, rAX", size="z", ends=True, handler="out", constants=(0,))
OUT.form("EE", "dx, al", ends=True, handler="out", constants=(1,))
OUT.form("EF", "dx, rAX", size="z", ends=True, handler="out", constants=(1,))

INS = instruction("ins", flags="reads D", summary="Read the port DX into memory at rDI.")
INS.form("6C", size=8, rep=True, ends=True, names={8: "insb"})
INS.form("6D", size="z", rep=True, ends=True, names={16: "insw", 32: "insd"})

OUTS = instruction("outs", flags="reads D", summary="Write the memory at rSI to the port DX.")
OUTS.form("6E", size=8, rep=True, ends=True, names={8: "outsb"})
OUTS.form("6F", size="z", rep=True, ends=True, names={16: "outsw", 32: "outsd"})
