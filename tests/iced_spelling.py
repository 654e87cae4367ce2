"""Where iced-x86, asked for NASM's syntax, spells an instruction otherwise than x86/disassembler.py: each rule with its reason.

`differ(ours, theirs, bits)` compares two texts of one instruction. What no rule names has to be equal.
"""
from __future__ import annotations

import re

from x86.disassembler import SEGMENTS

# Other names for the same bytes; the second line are NOPs to a processor without CET, CLDEMOTE and code prefetching
NAMES = {"prefetchw": "prefetch",                       # 0F 0D /3 to /7, which are reserved; /1 has its line in move.ins
         "sal": "shl", "xlatb": "xlat", "int1": "icebp", "wbnoinvd": "wbinvd",      # WBNOINVD: its F3 is ignored here
         **{name: name[:-2] for name in ("pcmpestri64", "pcmpestrm64", "vpcmpestri64", "vpcmpestrm64")},        # REX.W
         **dict.fromkeys(("endbr32", "endbr64", "rdsspd", "rdsspq", "cldemote", "prefetchit0", "prefetchit1"), "nop")}
# The operand size as a letter of the name, which one of the two leaves away where it is the usual one
SIZED = {name + letter: (name, size) for name in ("ret", "retf", "pusha", "popa", "pushf", "popf", "iret")
         for letter, size in (("w", "o16"), ("d", "o32"), ("q", "o64"))}
USUAL = {16: "o16", 32: "o32", 64: "o32"}
STACK = ("ret", "pushf", "popf")                        # whose usual size in 64-bit code is 64
PREFIX = r"lock|rep|repe|repne|o16|o32|o64|a16|a32|a64|[c-gs]s|bnd|notrack|xacquire|xrelease"
COUNTERS = {"cx": "a16", "ecx": "a32", "rcx": "a64"}
MEMORY = re.compile(r"\b(byte|word|dword|qword|tword|oword|yword) (far )?(?=\[)")
SELECTOR = ("sldt", "str", "lldt", "ltr", "verr", "verw", "smsw", "lmsw", "mov")
# x87 instructions on ST(0) and another register: iced names only the other one, and "to" where that is the destination
TO_TOP = re.compile(r"f(add|mul|subr?|divr?|u?comi?p?|xch|cmovn?(b|e|be|u))")
FROM_TOP = re.compile(r"f(add|mul|subr?|divr?)p")
IMPLIED_XMM0 = ("sha256rnds2", "blendvps", "blendvpd", "pblendvb")     # which the manual writes <XMM0>
BRANCH = re.compile(r"(j|loop|call|xbegin)")


def split(text, bits):
    """(prefixes, name, operands) of a text, by the rules that hold for one text alone."""
    prefixes, name, operands = re.fullmatch(rf"((?:(?:{PREFIX}) )*)(\S+) ?(.*)", text).groups()
    prefixes, operands = set(prefixes.split()), operands.split(", ") if operands else []
    if name in SIZED:
        name, size = SIZED[name]
        prefixes.add(size)
    if name in {plain for plain, _ in SIZED.values()}:
        prefixes.discard("o64" if bits == 64 and name in STACK else USUAL[bits])
    name = NAMES.get(name, name)
    prefixes -= {"bnd", "notrack", "xacquire", "xrelease"}      # extensions that are not here, or only hints
    if BRANCH.match(name):
        prefixes -= {"cs", "ds"}                        # what were branch hints
    if name == "ret":
        prefixes -= {"rep", "repne"}                    # an idle prefix that iced shows
    if name in ("loop", "loope", "loopne") and operands[-1] in COUNTERS:
        prefixes.add(COUNTERS[operands.pop()])          # LOOP's counter as an operand, not as the address size
        prefixes.discard(f"a{bits}")
    if name in SELECTOR:
        prefixes -= {"o16", "o32", "o64"}               # 16 bits of memory, or a register that shows its size
    if name in ("xchg", "test"):
        operands.sort(key=lambda operand: ("[" not in operand, operand))        # symmetric, and NASM's order is not the manual's
    if name == "xchg" and operands[0] == operands[1] and operands[0] in ("ax", "eax", "rax"):
        name, operands = "nop", []
    if name == "nop":
        prefixes, operands = set(), []                  # what a hint would be about
    if len(operands) == 1 and re.fullmatch(r"(to )?st\d", operands[0]):
        if operands[0].startswith("to ") or FROM_TOP.fullmatch(name):
            operands = [operands[0].removeprefix("to "), "st0"]
        elif TO_TOP.fullmatch(name):
            operands.insert(0, "st0")
    if name == "imul" and len(operands) == 3 and operands[0] == operands[1]:
        del operands[0]
    if name in ("pblendvb", "blendvps", "blendvpd", "sha256rnds2") and operands[2:] == ["xmm0"]:
        operands.pop()                                  # which no byte names
    if re.match(r"v?(pinsr|pextr)[bw]", name):          # 8 or 16 bits of it, whose name REX.W may make longer
        operands = [re.sub(r"^[er](?=[a-ds][ipx]$)|(?<=^r\d)d$|(?<=^r\d\d)d$", "", operand) for operand in operands]
    if "movmsk" in name:                                # whose number fits in 32 bits, whatever REX.W says
        operands[0] = re.sub(r"^(r\d+)$", r"\1d", re.sub(r"^r(?=[a-ds])", "e", operands[0]))
    if name in ("aam", "aad") and operands == ["0xa"]:
        operands = []
    if name == "mov" and operands[0] in SEGMENTS:       # 16 bits of a register, or all of it
        operands[1] = re.sub(r"^[er](?=[a-ds][ipx]$)|(?<=\d)[dw]$", "", operands[1])
    if name == "push" and operands[0][0].isdigit() or operands and re.fullmatch(r"(near |word |dword )+\w+(:\w+)?", operands[0]):
        prefixes -= {"o16", "o32"}                      # the size of an immediate, of a branch: before it, or o16, or nothing
        operands[0] = re.sub(r"near |word |dword ", "", operands[0])
    if name in IMPLIED_XMM0 and operands[2:] == ["xmm0"]:
        del operands[2]
    if name in ("pinsrw", "pextrw"):                    # 16 bits of a register, by its name of 32 or 64
        operands = [re.sub(r"^r(?=[a-ds][ipx]$)", "e", re.sub(r"^(r\d+)$", r"\1d", operand)) for operand in operands]
    operands = [re.sub(r"far (\w+) \[", r"\1 far [", operand) for operand in operands]     # far dword, dword far
    operands = [re.sub(r"\*1(?=[]+-])", "", operand) for operand in operands]       # [rcx*1+8] is [rcx+8] to iced
    return prefixes, name, operands


def differ(ours, theirs, bits) -> bool:
    """Whether two texts name different instructions."""
    ours, theirs = split(ours, bits), split(theirs, bits)
    for position, (here, there) in enumerate(zip(ours[2], theirs[2])):
        if "[" not in here or "[" not in there:
            continue
        mine, said = MEMORY.match(here), MEMORY.match(there)
        if said and not mine:
            there = MEMORY.sub("", there)               # we say the size of memory only where no register says it
        if mine and not said and ours[1] in ("cmpxchg8b", "cmpxchg16b"):
            here = MEMORY.sub("", here)                 # whose name says it
        # an address without a general register: [dword 0], a32 mov eax, [0]; iced leaves its size away
        if re.fullmatch(r"\w* ?(far )?\[(rel |word |dword |qword )?(\w\w:)?([xy]mm\d+(\*\d)?[+-])?\w+\]", here):
            here, there = (re.sub(r"\[(word|dword|qword) ", "[", operand) for operand in (here, there))
            for prefixes in (ours[0], theirs[0]):
                prefixes -= {"a16", "a32"}
        ours[2][position], theirs[2][position] = here, there
    return ours != theirs
