"""CPUID: what processor this is. x86/models.py has the feature bits."""
from x86.isa.table import instruction

CPUID = instruction("cpuid", summary="EAX EBX ECX EDX = leaf EAX, subleaf ECX of the processor's description.")
CPUID.form("0F A2", cpuid="CPUID")
