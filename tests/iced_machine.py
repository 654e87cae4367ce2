"""iced-x86, told which processor this is: of all that it can decode, what exists here. For tests only.

iced knows every instruction that any x86 ever had. `legal(code, bits)` says whether one of them exists on this machine:
if all the features that brought it are here. A feature changes its list below, and nothing else, when its rows come.
"""
from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache

import encodings_of_forms as encodings
from iced_x86 import Code, CpuidFeature, Decoder, DecoderOptions, Instruction, Mnemonic

from x86 import _decode
from x86.isa import table

# Everything that these features brought is here.
HERE = """
    INTEL8086 INTEL186 INTEL286 INTEL386 INTEL486 X64
    CPUID TSC MSR RDPMC SEP SYSCALL CX8 CMPXCHG16B CMOV MULTIBYTENOP PAUSE SMAP RDTSCP FXSR CLFSH MOVBE POPCNT LZCNT
    FSGSBASE INVPCID BMI1 BMI2 ADX RDRAND RDSEED RDPID CLFLUSHOPT CLWB
    FPU FPU287 FPU387 MMX SSE SSE2 SSE3 SSSE3 SSE4_1 SSE4_2 AES PCLMULQDQ SHA GFNI
    AVX AVX2 F16C FMA VAES VPCLMULQDQ XSAVE XSAVEOPT XSAVEC
    PREFETCHW PREFETCHWT1 PREFETCHITI CLDEMOTE CET_IBT WBNOINVD
"""
# PREFETCHW to CET_IBT are hints in the space of NOPs: where the feature is missing, they do nothing but exist. WBNOINVD is
# WBINVD with a prefix that processors without it ignore.

# Of these features, only what is named.
PARTLY = {"CET_SS": "RDSSPD RDSSPQ"}        # the two that are NOPs where CET is not

# Of these, nothing yet.
LATER = "MONITOR PKU XSAVES"

# Of these, nothing ever: virtual machines and enclaves, transactions, what only AMD, Cyrix or VIA had, single steppings
# of old processors, and what is newer than the machine.
NEVER = """
    VMX INVEPT INVVPID SVM SKINIT SKINIT_OR_SVM SEV_ES SEV_SNP RMPQUERY SMX SMM SGX1 OSS TDX TSE PCONFIG
    RTM HLE HLE_OR_RTM TSXLDTRK MPX
    AVX512F AVX512BW AVX512CD AVX512DQ AVX512ER AVX512PF AVX512VL AVX512_4FMAPS AVX512_4VNNIW AVX512_BF16 AVX512_BITALG
    AVX512_FP16 AVX512_IFMA AVX512_VBMI AVX512_VBMI2 AVX512_VNNI AVX512_VP2INTERSECT AVX512_VPOPCNTDQ
    AVX_IFMA AVX_NE_CONVERT AVX_VNNI AVX_VNNI_INT16 AVX_VNNI_INT8 SHA512 SM3 SM4
    AMX_TILE AMX_INT8 AMX_BF16 AMX_FP16 AMX_COMPLEX KNC KL AESKLE WIDE_KL
    CMPCCXADD ENQCMD FRED HRESET LKGS MOVDIR64B MOVDIRI MSRLIST PTWRITE RAO_INT SERIALIZE UINTR WAITPKG WRMSRNS PCOMMIT
    D3NOW D3NOWEXT SSE4A FMA4 XOP TBM LWP CLZERO INVLPGB MCOMMIT MONITORX RDPRU
    CYRIX_D3NOW CYRIX_DDI CYRIX_DMI CYRIX_EMMI CYRIX_FPU CYRIX_SHR CYRIX_SMINT CYRIX_SMINT_0F7E CYRIX_SMM
    PADLOCK_ACE PADLOCK_GMI PADLOCK_PHE PADLOCK_PMM PADLOCK_RNG PADLOCK_UNDOC CENTAUR_AIS
    INTEL8086_ONLY INTEL286_ONLY INTEL386_ONLY INTEL386_A0_ONLY INTEL486_A_ONLY FPU287XL_ONLY FPU387SL_ONLY
    MOV_TR UMOV UDBG CL1INVMB IA64
"""

HERE, LATER, NEVER = (frozenset(names.split()) for names in (HERE, LATER, NEVER))


@dataclass(frozen=True)
class Difference:
    """What iced says otherwise than this machine, with the place in the manual that decides."""

    code: str                               # iced's Code
    bits: tuple                             # in code of these sizes
    legal: bool                             # here
    example: str                            # bytes on which the two differ
    why: str


DIFFERENCES = (
    Difference("SYSCALL", (16, 32), False, "0f 05", "AMD's goes from 32-bit code too. SDM volume 2, SYSCALL: invalid"
               " in compatibility and legacy mode"),
    Difference("SYSRETD", (16, 32), False, "0f 07", "SDM volume 2, SYSRET: invalid in compatibility and legacy mode"),
)

FEATURES = {number: name for name, number in vars(CpuidFeature).items() if name.isupper()}
CODES = {number: name for name, number in vars(Code).items() if isinstance(number, int)}
MNEMONICS = {number: name for name, number in vars(Mnemonic).items() if isinstance(number, int)}


def of_code(number: int) -> Instruction:
    """An instruction that knows only its code."""
    instruction = Instruction()
    instruction.code = number
    return instruction


def features(instruction: Instruction) -> list[str]:
    return [FEATURES[feature] for feature in instruction.cpuid_features()]


@cache
def written() -> frozenset[int]:
    """iced's codes for the forms of the table, whichever sizes and registers they take, also with F3 in front."""
    choose, found = random.Random(1), set()
    for form in table.forms():
        # F3 makes other instructions of some hints, elsewhere; REX.W has codes of its own where a general register is
        prefixes = (b"", b"\xF3") * 400 if form.mnemonic in ("nop", "wbinvd") else (b"",) * 40
        for bits in encodings.MODES:
            for prefix in prefixes if encodings.exists_in(form, bits) else ():
                code = prefix + encodings.encode(form, bits, choose)
                if _decode.decode(code, 0, bits).form is form:
                    found.add(Decoder(bits, code).decode().code)
    return frozenset(found - {Code.INVALID})


def exists(number: int, instruction: Instruction) -> bool:
    """Whether one of iced's codes is an instruction of this machine, in one code size at least."""
    mnemonic = MNEMONICS[instruction.mnemonic]
    return number != Code.INVALID and all(
        feature in HERE or mnemonic in PARTLY.get(feature, "").split()
        for feature in features(instruction))


@cache
def legal(bits: int) -> tuple[bool, ...]:
    """For every number of iced's Code, whether that instruction exists here in code of this size."""
    other = {difference.code: difference.legal for difference in DIFFERENCES if bits in difference.bits}
    found = []
    for number in range(max(CODES) + 1):
        found.append(other.get(CODES[number], exists(number, of_code(number))))
    return tuple(found)


def lengths(data: bytes, bits: int, step: int, options: int = DecoderOptions.NONE) -> bytearray:
    """The length of the instruction at every `step`-th byte of `data`; 0 where there is none on this machine."""
    decoder, instruction, here = Decoder(bits, data, options), Instruction(), legal(bits)
    decode, result = decoder.decode_out, bytearray()
    for at in range(0, len(data), step):
        decoder.position = at
        decode(instruction)
        result.append(instruction.len if here[instruction.code] else 0)
    return result
