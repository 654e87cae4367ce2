"""Registers: names, widths, indices; what the bits of flags, control registers and descriptors are called.

Names and bit numbers are those of the Intel SDM: volume 1, "Basic Program Execution Registers"; volume 3, "Control
Registers" and "Segment Descriptors"; volume 4 for the MSRs.
"""
from __future__ import annotations

from typing import NamedTuple


class Register(NamedTuple):
    """Where a name lies in the register file: `bits` wide, `shift` bits up in general-purpose register `index`."""
    index: int
    bits: int
    shift: int = 0


# ---- general-purpose registers --------------------------------------------------------------------------------------
#
#     63               31       15    8 7     0
#     +----------------+--------+-------+------+
#     | RAX            | EAX    |  AH   |  AL  |       AH to BH exist for the first four only, and not beside a REX
#     +----------------+--------+-------+------+       prefix; a write to EAX clears bits 63 to 32, one to AX keeps them

GPR64 = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", *(f"r{n}" for n in range(8, 16)))
GPR32 = ("eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", *(f"r{n}d" for n in range(8, 16)))
GPR16 = ("ax", "cx", "dx", "bx", "sp", "bp", "si", "di", *(f"r{n}w" for n in range(8, 16)))
GPR8 = ("al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", *(f"r{n}b" for n in range(8, 16)))     # with REX
GPR8_HIGH = ("ah", "ch", "dh", "bh")                                                            # 4..7 without REX

REGISTERS: dict[str, Register] = {}
for _bits, _names in ((64, GPR64), (32, GPR32), (16, GPR16), (8, GPR8)):
    for _index, _name in enumerate(_names):
        REGISTERS[_name] = Register(_index, _bits)
for _index, _name in enumerate(GPR8_HIGH):
    REGISTERS[_name] = Register(_index, 8, 8)

SEGMENTS = ("es", "cs", "ss", "ds", "fs", "gs")         # in encoding order
SEGMENT_INDEX = {name: number for number, name in enumerate((*SEGMENTS, "ldtr", "tr"))}
CONTROL = ("cr0", "cr2", "cr3", "cr4", "cr8")
DEBUG = ("dr0", "dr1", "dr2", "dr3", "dr6", "dr7")

# ---- EFLAGS ---------------------------------------------------------------------------------------------------------
#
#      21  20  19  18  17  16      14  13 12  11  10   9   8   7   6       4       2       0
#    +---+---+---+---+---+---+---+---+------+---+---+---+---+---+---+---+---+---+---+---+---+
#    |ID |VIP|VIF|AC |VM |RF | 0 |NT | IOPL |OF |DF |IF |TF |SF |ZF | 0 |AF | 0 |PF | 1 |CF |
#    +---+---+---+---+---+---+---+---+------+---+---+---+---+---+---+---+---+---+---+---+---+

FLAG_CF, FLAG_PF, FLAG_AF, FLAG_ZF, FLAG_SF = 1 << 0, 1 << 2, 1 << 4, 1 << 6, 1 << 7
FLAG_TF, FLAG_IF, FLAG_DF, FLAG_OF = 1 << 8, 1 << 9, 1 << 10, 1 << 11
FLAG_IOPL, FLAG_NT, FLAG_RF, FLAG_VM = 3 << 12, 1 << 14, 1 << 16, 1 << 17
FLAG_AC, FLAG_VIF, FLAG_VIP, FLAG_ID = 1 << 18, 1 << 19, 1 << 20, 1 << 21
FLAGS_FIXED = 1 << 1                                    # always reads 1

FLAGS = {"CF": 0, "PF": 2, "AF": 4, "ZF": 6, "SF": 7, "TF": 8, "IF": 9, "DF": 10, "OF": 11, "NT": 14, "RF": 16,
         "VM": 17, "AC": 18, "VIF": 19, "VIP": 20, "ID": 21}        # name: bit; IOPL is bits 13 and 12

# ---- control registers: name: bit ------------------------------------------------------------------------------------

CR0 = {"PE": 0, "MP": 1, "EM": 2, "TS": 3, "ET": 4, "NE": 5, "WP": 16, "AM": 18, "NW": 29, "CD": 30, "PG": 31}
CR3 = {"PWT": 3, "PCD": 4}                              # bits 11..0 are the PCID where CR4.PCIDE is set
CR4 = {"VME": 0, "PVI": 1, "TSD": 2, "DE": 3, "PSE": 4, "PAE": 5, "MCE": 6, "PGE": 7, "PCE": 8, "OSFXSR": 9,
       "OSXMMEXCPT": 10, "UMIP": 11, "LA57": 12, "VMXE": 13, "SMXE": 14, "FSGSBASE": 16, "PCIDE": 17, "OSXSAVE": 18,
       "SMEP": 20, "SMAP": 21, "PKE": 22, "CET": 23, "PKS": 24}
EFER = {"SCE": 0, "LME": 8, "LMA": 10, "NXE": 11, "SVME": 12, "LMSLE": 13, "FFXSR": 14, "TCE": 15}

CR0_PE, CR0_MP, CR0_EM, CR0_TS, CR0_ET, CR0_NE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 5
CR0_WP, CR0_AM, CR0_NW, CR0_CD, CR0_PG = 1 << 16, 1 << 18, 1 << 29, 1 << 30, 1 << 31
CR4_DE, CR4_PSE, CR4_PAE, CR4_PGE, CR4_OSFXSR = 1 << 3, 1 << 4, 1 << 5, 1 << 7, 1 << 9
CR4_LA57, CR4_PCIDE, CR4_SMEP, CR4_SMAP = 1 << 12, 1 << 17, 1 << 20, 1 << 21
EFER_SCE, EFER_LME, EFER_LMA, EFER_NXE = 1 << 0, 1 << 8, 1 << 10, 1 << 11

# ---- model-specific registers: number: name --------------------------------------------------------------------------

MSRS = {
    0x10: "IA32_TIME_STAMP_COUNTER", 0x1B: "IA32_APIC_BASE", 0x3A: "IA32_FEATURE_CONTROL", 0x3B: "IA32_TSC_ADJUST",
    0x8B: "IA32_BIOS_SIGN_ID", 0xFE: "IA32_MTRRCAP", 0x174: "IA32_SYSENTER_CS", 0x175: "IA32_SYSENTER_ESP",
    0x176: "IA32_SYSENTER_EIP", 0x179: "IA32_MCG_CAP", 0x17A: "IA32_MCG_STATUS", 0x1A0: "IA32_MISC_ENABLE",
    0x1D9: "IA32_DEBUGCTL", 0x250: "IA32_MTRR_FIX64K_00000", 0x258: "IA32_MTRR_FIX16K_80000",
    0x259: "IA32_MTRR_FIX16K_A0000", 0x268: "IA32_MTRR_FIX4K_C0000", 0x269: "IA32_MTRR_FIX4K_C8000",
    0x26A: "IA32_MTRR_FIX4K_D0000", 0x26B: "IA32_MTRR_FIX4K_D8000", 0x26C: "IA32_MTRR_FIX4K_E0000",
    0x26D: "IA32_MTRR_FIX4K_E8000", 0x26E: "IA32_MTRR_FIX4K_F0000", 0x26F: "IA32_MTRR_FIX4K_F8000",
    0x277: "IA32_PAT", 0x2FF: "IA32_MTRR_DEF_TYPE", 0x6E0: "IA32_TSC_DEADLINE",
    0xC0000080: "IA32_EFER", 0xC0000081: "IA32_STAR", 0xC0000082: "IA32_LSTAR", 0xC0000083: "IA32_CSTAR",
    0xC0000084: "IA32_FMASK", 0xC0000100: "IA32_FS_BASE", 0xC0000101: "IA32_GS_BASE",
    0xC0000102: "IA32_KERNEL_GS_BASE", 0xC0000103: "IA32_TSC_AUX",
}
for _pair in range(8):
    MSRS[0x200 + 2 * _pair] = f"IA32_MTRR_PHYSBASE{_pair}"
    MSRS[0x201 + 2 * _pair] = f"IA32_MTRR_PHYSMASK{_pair}"

IA32_APIC_BASE, IA32_PAT = 0x1B, 0x277
IA32_EFER, IA32_STAR, IA32_LSTAR, IA32_CSTAR, IA32_FMASK = range(0xC0000080, 0xC0000085)
IA32_FS_BASE, IA32_GS_BASE, IA32_KERNEL_GS_BASE, IA32_TSC_AUX = range(0xC0000100, 0xC0000104)

# ---- what a segment register caches of its descriptor ----------------------------------------------------------------
#
#      15  14  13  12  11         8   7   6   5   4   3         0
#    +---+---+---+---+-------------+---+-------+---+-------------+
#    | G |D/B| L |AVL| 0   0   0  0| P |  DPL  | S |    TYPE     |     bits 55 to 40 of the descriptor, without its
#    +---+---+---+---+-------------+---+-------+---+-------------+     limit bits

ACCESS_G, ACCESS_DB, ACCESS_L, ACCESS_AVL = 1 << 15, 1 << 14, 1 << 13, 1 << 12
ACCESS_P, ACCESS_DPL, ACCESS_S = 1 << 7, 3 << 5, 1 << 4
TYPE_CODE_READ = 0xB            # execute/read, accessed
TYPE_DATA_WRITE = 0x3           # read/write, accessed
TYPE_TSS32_BUSY = 0xB           # with S = 0; in long mode the 64-bit TSS
TYPE_LDT = 0x2                  # with S = 0


def bit_names(value: int, bits: dict[str, int]) -> str:
    """`PE ET PG`: the names of those bits of `value` that are set, lowest first; `-` if none is."""
    return " ".join(name for name, bit in sorted(bits.items(), key=lambda item: item[1]) if value >> bit & 1) or "-"


def flag_names(rflags: int) -> str:
    """`IF ZF PF`, and `IOPL=n` unless it is 0: the flags that are set, in words."""
    iopl = rflags >> 12 & 3
    names = bit_names(rflags, FLAGS)
    return f"{names} IOPL={iopl}" if iopl else names
