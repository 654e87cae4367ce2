"""The processors that a machine can have: what CPUID says of each, and what follows for CR0, CR4, EFER and RFLAGS.

A feature has the SDM's name for its CPUID bit (volume 2, "CPUID - CPU Identification"), or one of three for what no bit
says: CPUID, that the instruction exists; 486 and P6, what came with these processors. A row of x86/isa names the feature
that brought it: `ANDN.form(..., cpuid="BMI1")`. Only what the core really does stands in a model.
"""
from __future__ import annotations

from dataclasses import dataclass

from x86 import registers

# The register of CPUID, as Model in x86/_state.pxd calls it: {feature: bit}. x86/_model.pxd has the same for the core.
BITS = {
    "leaf1_edx": {"FPU": 0, "VME": 1, "DE": 2, "PSE": 3, "TSC": 4, "MSR": 5, "PAE": 6, "CX8": 8, "APIC": 9, "SEP": 11, "MTRR": 12,
                  "PGE": 13, "CMOV": 15, "PAT": 16, "PSE36": 17, "CLFSH": 19, "MMX": 23, "FXSR": 24, "SSE": 25, "SSE2": 26},
    "leaf1_ecx": {"SSE3": 0, "PCLMULQDQ": 1, "SSSE3": 9, "FMA": 12, "CX16": 13, "PCID": 17, "SSE4_1": 19, "SSE4_2": 20,
                  "MOVBE": 22, "POPCNT": 23, "AES": 25, "XSAVE": 26, "AVX": 28, "F16C": 29, "RDRAND": 30},
    "leaf7_ebx": {"FSGSBASE": 0, "BMI1": 3, "AVX2": 5, "SMEP": 7, "BMI2": 8, "INVPCID": 10, "RDSEED": 18, "ADX": 19, "SMAP": 20,
                  "CLFLUSHOPT": 23, "CLWB": 24, "SHA": 29},
    "leaf7_ecx": {"UMIP": 2, "GFNI": 8, "VAES": 9, "VPCLMULQDQ": 10, "LA57": 16, "RDPID": 22},
    "leaf7_edx": {},
    "extended_edx": {"SYSCALL": 11, "NX": 20, "1GB": 26, "RDTSCP": 27, "LM": 29},
    "extended_ecx": {"LAHF64": 0, "LZCNT": 5, "PREFETCHW": 8},
    "leaf13_eax": {"XSAVEOPT": 0, "XSAVEC": 1, "XGETBV1": 2},
}
NO_BIT = ("CPUID", "486", "P6")

# The feature that a bit of a control register needs; those that are not here have no processor
CR0 = {"PE": "", "MP": "", "EM": "", "TS": "", "ET": "", "NE": "486", "WP": "486", "AM": "486", "NW": "486", "CD": "486",
       "PG": ""}
CR4 = {"VME": "VME", "PVI": "VME", "TSD": "TSC", "DE": "DE", "PSE": "PSE", "PAE": "PAE", "PGE": "PGE", "PCE": "P6",
       "OSFXSR": "FXSR", "OSXMMEXCPT": "SSE", "UMIP": "UMIP", "LA57": "LA57", "FSGSBASE": "FSGSBASE", "PCIDE": "PCID",
       "OSXSAVE": "XSAVE", "SMEP": "SMEP", "SMAP": "SMAP"}
EFER = {"SCE": "SYSCALL", "LME": "LM", "LMA": "LM", "NXE": "NX"}
FLAGS = {"TF": "", "IF": "", "DF": "", "NT": "", "RF": "", "VM": "", "AC": "486", "VIF": "VME", "VIP": "VME", "ID": "CPUID"}


@dataclass(frozen=True)
class Model:
    """One processor."""

    name: str
    title: str
    signature: int                      # CPUID leaf 1 EAX: extended family and model, type, family, model, stepping
    highest_leaf: int                   # of CPUID; 0: there is none
    highest_extended: int               # 8000_0000h and up; 0: there is none
    physical_bits: int                  # MAXPHYADDR
    features: frozenset[str]

    @property
    def linear_bits(self) -> int:
        return 57 if "LA57" in self.features else 48 if "LM" in self.features else 32

    def word(self, name: str) -> int:
        """What CPUID gives in the register `name` of BITS."""
        return sum(1 << bit for feature, bit in BITS[name].items() if feature in self.features)

    def _bits(self, numbers: dict[str, int], needs: dict[str, str]) -> int:
        return sum(1 << numbers[name] for name, feature in needs.items() if not feature or feature in self.features)

    @property
    def cr0_bits(self) -> int:
        return self._bits(registers.CR0, CR0)

    @property
    def cr4_bits(self) -> int:
        """The bits of CR4 that can be 1; 0 if there is no CR4."""
        return self._bits(registers.CR4, CR4)

    @property
    def efer_bits(self) -> int:
        """The bits of EFER that can be 1; 0 if there is no EFER."""
        return self._bits(registers.EFER, EFER)

    @property
    def flags_bits(self) -> int:
        """The bits of RFLAGS that can change, without CF PF AF ZF SF OF."""
        return self._bits(registers.FLAGS, FLAGS) | registers.FLAG_IOPL


MODELS: dict[str, Model] = {}


def _add(name, title, signature, leaves, physical_bits, features):
    """A line: it has what the line before has, and `features`."""
    before = next(reversed(MODELS.values())).features if MODELS else frozenset()
    MODELS[name] = Model(name, title, signature, *leaves, physical_bits, before | set(features.split()))


_add("386", "Intel 386 DX with a 387", 0x00308, (0, 0), 32, "FPU")
_add("486", "Intel DX4", 0x00480, (1, 0), 32, "486 CPUID")
_add("pentium", "Pentium", 0x0052C, (1, 0), 32, "VME DE PSE TSC MSR CX8 APIC")
_add("x86-64-v1", "Pentium 4 with Intel 64", 0x00F61, (5, 0x80000008), 36,
     "P6 PAE SEP MTRR PGE CMOV PAT PSE36 CLFSH MMX FXSR SSE SSE2 SYSCALL NX LM")
_add("x86-64-v2", "Core i7 of 2008", 0x106A5, (5, 0x80000008), 40, "SSE3 SSSE3 CX16 SSE4_1 SSE4_2 POPCNT LAHF64 RDTSCP")
_add("x86-64-v3", "Core of 2013", 0x306C3, (13, 0x80000008), 40,
     "PCLMULQDQ AES MOVBE LZCNT BMI1 BMI2 RDRAND 1GB SMEP PCID INVPCID FSGSBASE XSAVE XSAVEOPT AVX AVX2 FMA F16C")
_add("max", "everything that there is", 0x606A6, (13, 0x80000008), 40,
     "SHA GFNI VAES VPCLMULQDQ XSAVEC XGETBV1 SMAP PREFETCHW RDSEED ADX CLFLUSHOPT CLWB RDPID UMIP LA57")

DEFAULT = "max"


def model(name: str | Model) -> Model:
    """The model of a name. ValueError in words for another one. A Model is itself: make others with dataclasses.replace."""
    if isinstance(name, Model):
        return name
    if name not in MODELS:
        raise ValueError(f"there is no processor {name!r}: choose from {', '.join(MODELS)}")
    return MODELS[name]
