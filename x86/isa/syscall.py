"""SYSCALL SYSRET SYSENTER SYSEXIT SWAPGS: fast ways into the kernel and back, by MSRs instead of gates.

SYSCALL and SYSRET exist in 64-bit code only, as on Intel's processors.
"""
from x86.isa.table import instruction

SYSCALL = instruction("syscall", flags="reads OSZAPCDI, writes OSZAPCDI",
                      summary="RCX = RIP, R11 = RFLAGS; go to IA32_LSTAR at CPL 0, flags masked by IA32_FMASK.")
SYSCALL.form("0F 05", mode="64", ends=True, cpuid="SYSCALL")

SYSRET = instruction("sysret", flags="writes OSZAPCDIT",
                     summary="RIP = RCX, RFLAGS = R11; go on at CPL 3, in compatibility mode unless REX.W.")
SYSRET.form("0F 07", mode="64", size="y", ends=True, names={32: "sysret", 64: "o64 sysret"}, cpuid="SYSCALL")

SYSENTER = instruction("sysenter", flags="writes I", summary="Go to IA32_SYSENTER_EIP on the stack IA32_SYSENTER_ESP at CPL 0.")
SYSENTER.form("0F 34", ends=True, cpuid="SEP")

SYSEXIT = instruction("sysexit", summary="RIP = RDX, RSP = RCX; go on at CPL 3, in compatibility mode unless REX.W.")
SYSEXIT.form("0F 35", size="y", ends=True, names={32: "sysexit", 64: "o64 sysexit"}, cpuid="SEP")

SWAPGS = instruction("swapgs", summary="Exchange the base of GS with IA32_KERNEL_GS_BASE.")
SWAPGS.form("0F 01 F8", mode="64", cpuid="LM")
