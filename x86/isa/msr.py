"""RDMSR WRMSR RDTSC RDTSCP RDPMC: model-specific registers and counters."""
from x86.isa.table import instruction

RDMSR = instruction("rdmsr", summary="EDX:EAX = the MSR of number ECX.")
RDMSR.form("0F 32")

WRMSR = instruction("wrmsr", summary="The MSR of number ECX = EDX:EAX.")
WRMSR.form("0F 30", ends=True)

RDTSC = instruction("rdtsc", summary="EDX:EAX = the time-stamp counter.")
RDTSC.form("0F 31")

RDTSCP = instruction("rdtscp", summary="EDX:EAX = the time-stamp counter, ECX = IA32_TSC_AUX.")
RDTSCP.form("0F 01 F9", feature="rdtscp")

RDPMC = instruction("rdpmc", summary="EDX:EAX = a performance counter; this processor has none.")
RDPMC.form("0F 33")
