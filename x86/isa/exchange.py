"""XCHG CMPXCHG8B CMPXCHG16B. XADD and CMPXCHG are in arithmetic.py."""
from x86.isa.table import instruction

XCHG = instruction("xchg", summary="Swap the operands; with memory always locked.")
XCHG.form("86 /r", "r/m8, r8", lock=True)
XCHG.form("87 /r", "r/mv, rv", lock=True)
XCHG.form("90+r", "rv, rAX", handler="xchg_accumulator")

CMPXCHG8B = instruction("cmpxchg8b", flags="writes Z", summary="Compare EDX:EAX with memory; store ECX:EBX if equal.")
CMPXCHG8B.form("REX.0 0F C7 /1", "m64", lock=True, slow=True, cpuid="CX8")

CMPXCHG16B = instruction("cmpxchg16b", flags="writes Z", summary="Compare RDX:RAX with memory; store RCX:RBX if equal.")
CMPXCHG16B.form("REX.W 0F C7 /1", "m128", lock=True, slow=True, mode="64", cpuid="CX16")
