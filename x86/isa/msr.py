"""RDMSR WRMSR RDTSC RDTSCP RDPID RDPMC: model-specific registers and counters."""
from x86.isa.table import instruction

RDMSR = instruction("rdmsr", summary="EDX:EAX = the MSR of number ECX.")
RDMSR.form("0F 32", cpuid="MSR")

WRMSR = instruction("wrmsr", summary="The MSR of number ECX = EDX:EAX.")
WRMSR.form("0F 30", ends=True, cpuid="MSR")

RDTSC = instruction("rdtsc", summary="EDX:EAX = the time-stamp counter.")
RDTSC.form("0F 31", cpuid="TSC")

RDTSCP = instruction("rdtscp", summary="EDX:EAX = the time-stamp counter, ECX = IA32_TSC_AUX.")
RDTSCP.form("0F 01 F9", cpuid="RDTSCP")

RDPID = instruction("rdpid", summary="The register = IA32_TSC_AUX.")
RDPID.form("F3 0F C7 /7", "ry", near64=True, cpuid="RDPID")

RDPMC = instruction("rdpmc", summary="EDX:EAX = a performance counter; this processor has none.")
RDPMC.form("0F 33", cpuid="P6")
