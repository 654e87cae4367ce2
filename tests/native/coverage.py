"""Which rows the hardware underneath has answered for, and which other test answers for the rest."""
from __future__ import annotations

from .cases import absent, excluded

# What no user program can do, or what says something else on every processor: {family or mnemonic: where it is tested}
ELSEWHERE = {
    "syscall": "tests/test_syscall.py",                 # the family, with SYSRET, SYSENTER, SYSEXIT, SWAPGS
    "control": "tests/test_control.py",
    "port": "tests/test_port.py",
    "msr": "tests/instructions/msr.ins",
    "cpuid": "tests/instructions/cpuid.ins",
    "xgetbv": "tests/instructions/xsave.ins",
    "xsetbv": "tests/instructions/xsave.ins",
    "random": "tests/test_random.py",
    "system": "tests/instructions/system.ins",
    "descriptor": "tests/instructions/descriptor.ins",
    "interrupt": "tests/test_interrupts.py",
}


def reason(form, executed):
    """Why a form needs another oracle: nothing asked the hardware, or it only ever refused. None: it needs none."""
    return excluded(form) or absent(form) or (None if executed else "it only faults at privilege 3")


def elsewhere(form):
    """The file that tests a form which the hardware cannot answer for, or None."""
    return ELSEWHERE.get(form.mnemonic) or ELSEWHERE.get(form.family)


def executed(case, native):
    """Whether the hardware did what the instruction does: it ended at an INT3, or in a trap of the instruction's own."""
    return native.vector in (1, 3, 4) and native.rip != case.rip or native.vector == 3 and case.code[-1:] == b"\xCC"
