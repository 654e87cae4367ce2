"""Instructions as text: what the decoder found, in Intel syntax as NASM spells it.

    >>> disassemble(bytes.fromhex("c7 44 8b 10 05 00 00 00"))
    ('mov dword [rbx+rcx*4+0x10], 5', 8)

The style, all lower case:
    numbers        0 to 9 as they are, others hexadecimal: 5, 0x10. Immediates unsigned, in the width of the operand
                   (add rax, 0xffffffffffffffff); displacements signed ([rbp-8])
    memory         [base+index*scale+displacement]; [rel 0x1234] is RIP-relative, with the address worked out; a segment
                   only if a prefix names it: [fs:rax]; dword and its kin only if no register operand says the size
    branches       the address they go to: jmp 0x7c00; far ones jmp 0x10:0x1000 and jmp far [rbx]
    prefixes       lock, rep, repe, repne; for string instructions also fs, a32 and so on. o16, o32 where the operand
                   size is not the usual one and nothing else tells
    anything else  db 0x0f: no instruction, one byte
"""
from __future__ import annotations

from collections.abc import Iterator

from x86 import _decode
from x86.isa import table

LEGACY_BYTES = ("al", "cl", "dl", "bl", "ah", "ch", "dh", "bh")
REX_BYTES = ("al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil")
WORDS = ("ax", "cx", "dx", "bx", "sp", "bp", "si", "di")
SEGMENTS = ("es", "cs", "ss", "ds", "fs", "gs")
CONTROL_REGISTERS = (0, 2, 3, 4, 8)
SIZE_NAMES = {8: "byte", 16: "word", 32: "dword", 64: "qword", 80: "tword", 128: "oword", 256: "yword"}
NONE, RIP = 16, 17                                      # Decoded.base and .index: no register, RIP
LOCK, REP, REPNE, ADDRESS = 1, 2, 4, 16                 # Decoded.prefixes
COMPARING = ("cmps", "scas")                            # their REP looks at ZF
SHORT_NAMES = ("pusha", "popa", "pushf", "popf", "iret")     # NASM takes them for the code size's own
COUNTING = ("loop", "loope", "loopne")                  # the address size chooses CX, ECX, RCX
CACHE_LINE = ("prefetch", "clflush", "clwb", "invlpg")      # take the address of a byte, but not its size
SIZELESS = ("cmpsd", "vcmpss")                              # NASM takes no size there, since it has a wrong one or a string's
DATA_SEGMENT = ("xlat", "movs", "cmps", "lods", "outs", "maskmovq", "maskmovdqu", "vmaskmovdqu")    # memory that no operand names


def disassemble(data: bytes, rip: int = 0, bits: int = 64) -> tuple[str, int]:
    """(text, length in bytes) of the instruction at the start of `data`, as if at `rip` in 16-, 32- or 64-bit code.

    Bytes that are no instruction, or only the beginning of one, give ("db 0x..", 1). ValueError if there are none."""
    if not data:
        raise ValueError("no bytes to disassemble")
    instruction = _decode.decode(data, rip, bits)
    if instruction.form is None or instruction.length == 0 or nobody(instruction):
        return f"db 0x{data[0]:02x}", 1
    return text_of(instruction), instruction.length


def nobody(instruction) -> bool:
    """Whether it names a segment, control or debug register that does not exist."""
    operands, number = instruction.form.operands, instruction.reg
    return "sreg" in operands and number & 7 >= len(SEGMENTS) or "dr" in operands and number >= 8 \
        or "cr" in operands and number not in CONTROL_REGISTERS


def listing(data: bytes, rip: int = 0, bits: int = 64) -> Iterator[tuple[int, bytes, str]]:
    """(address, bytes, text) of one instruction after the other, to the end of `data`."""
    at = 0
    while at < len(data):
        text, length = disassemble(data[at:at + 15], rip + at, bits)
        yield rip + at, bytes(data[at:at + length]), text
        at += length


def text_of(instruction) -> str:
    """The text of a decoded instruction (x86._decode.Decoded) that has a form."""
    form = instruction.form
    operands = [operand_text(instruction, position) for position in range(len(form.operands))]
    name = form.names.get(name_size(instruction), form.mnemonic)
    if name in SHORT_NAMES and instruction.operand_size == 16 and instruction.bits != 16:
        name += "w"
    text = f"{name} {', '.join(operands)}" if operands else name
    return prefix_text(instruction) + text


def name_size(instruction) -> int:
    """The size that chooses among the names of a form: CMPSW or CMPSD; for JCXZ it is the address size."""
    return instruction.address_size if instruction.form.mnemonic == "jcxz" else instruction.operand_size


# ---- operands --------------------------------------------------------------------------------------------------------

def number(value: int) -> str:
    return str(value) if 0 <= value < 10 else f"{value:#x}"


def register(index: int, size: int, rex: int = 0) -> str:
    """Name of general register `index` (encoding order) in a width; `rex` decides between AH and SPL."""
    if index >= 8:
        return f"r{index}" + {8: "b", 16: "w", 32: "d", 64: ""}[size]
    if size == 8:
        return (REX_BYTES if rex else LEGACY_BYTES)[index]
    return {16: "", 32: "e", 64: "r"}[size] + WORDS[index]


def concrete(size, instruction) -> int:
    """A size class of the notation ("v", "y", "z" or a number) as bits."""
    effective = instruction.effective_size
    if size == "v":
        return effective
    if size == "y":
        return 64 if effective == 64 else 32
    if size == "z":
        return 16 if effective == 16 else 32
    if size == "x":
        return 256 if instruction.vex_l else 128
    return size or 0


def operand_text(instruction, position: int) -> str:
    """The operand at a position of the form, as text."""
    form = instruction.form
    operand = form.operands[position]
    if operand == "1":
        return "1"
    if operand == "rAX":
        return register(0, instruction.operand_size)
    if operand in ("al", "cl", "dx", "es", "cs", "ss", "ds", "fs", "gs"):
        return operand
    if operand.startswith("imm"):
        return immediate(instruction, position)
    if operand.startswith("rel"):
        return near_target(instruction) if operand == "relz" else number(instruction.target)
    if operand.startswith("ptr"):
        return far_pointer(instruction)
    if table.is_memory(operand) and (instruction.mod != 3 or operand.startswith("moffs")):
        return memory(instruction, position)
    return register_operand(instruction, position)


def register_operand(instruction, position: int) -> str:
    form = instruction.form
    operand = form.operands[position]
    if operand in ("sreg", "cr", "dr"):
        return SEGMENTS[instruction.reg & 7] if operand == "sreg" else f"{operand}{instruction.reg}"
    place = form.places[position]
    if place == "opcode":
        index = instruction.opcode & 7 | (instruction.rex & 1) << 3
    elif place == "is4":
        index = instruction.immediate >> 4 & (15 if instruction.bits == 64 else 7)
    else:
        index = getattr(instruction, place or "rm")
    if operand.startswith("st"):
        return "st0" if operand == "st(0)" else f"st{index & 7}"
    if table.is_vector(operand):
        return vector_register(instruction, operand, index)
    head = operand.split("/")[0] if not operand.startswith("r/m") else operand
    return register(index, concrete(table.operand_size(head), instruction), instruction.rex)


def vector_register(instruction, operand: str, index: int) -> str:
    name = operand.split("/")[0]
    name = ("ymm" if instruction.vex_l else "xmm") if name == "x" else name
    return f"{name}{index & 7 if name == 'mm' else index}"


def immediate(instruction, position: int) -> str:
    form = instruction.form
    operand = form.operands[position]
    second = sum(other.startswith("imm") for other in form.operands[:position])
    value = instruction.immediate2 if second else instruction.immediate
    if operand == "imm8u" or second:
        width = 8
    elif operand == "imm16":
        width = 16
    else:
        width = instruction.operand_size or 8
    text = number(value & (1 << width) - 1)
    return sized(instruction, text) if tells_size(operand) and len(form.operands) == 1 and form.size == "v" else text


def near_target(instruction) -> str:
    """Where a near branch goes; NASM wants `near` before the size of a conditional one."""
    if instruction.effective_size == usual_size(instruction):
        return number(instruction.target)
    near = "" if instruction.form.mnemonic in ("jmp", "call") else "near "
    return f"{near}{SIZE_NAMES[instruction.effective_size]} {number(instruction.target)}"


def far_pointer(instruction) -> str:
    size = instruction.operand_size
    selector, offset = instruction.immediate2 & 0xFFFF, instruction.immediate & (1 << size) - 1
    return sized(instruction, f"{number(selector)}:{number(offset)}")


def sized(instruction, text: str) -> str:
    """`text` with the operand size before it, if that is not the usual one."""
    return f"{SIZE_NAMES[instruction.operand_size]} {text}" if unusual_size(instruction) else text


def memory(instruction, position: int) -> str:
    """[...] with its size, where that has to be said."""
    form = instruction.form
    operand = form.operands[position]
    size = concrete(size_class(operand), instruction)
    inside = address(instruction)
    if operand == "m16:v":
        far = "far " if len(form.operands) == 1 else ""
        usual = size == instruction.bits
        return f"{far}[{inside}]" if not far or usual else f"far {SIZE_NAMES[size]} [{inside}]"
    told = size_class(operand) in {size_class(other) for other in form.operands if not table.is_memory(other)}
    if told or size not in SIZE_NAMES or form.mnemonic.startswith(CACHE_LINE) or form.mnemonic in SIZELESS:
        return f"[{inside}]"
    return f"{SIZE_NAMES[size]} [{inside}]"


def size_class(operand: str):
    """8, 16, ..., "v", "y", "z" of a register or memory operand; None where its text says no size."""
    if operand == "m16:v":
        return "v"
    if table.is_memory(operand):
        tail = operand.removeprefix("moffs") if operand.startswith("moffs") else operand.rpartition("m")[2]
        return None if operand.startswith("vm") else int(tail) if tail.isdigit() else tail or None
    if operand in ("al", "rAX", "sreg"):
        return {"al": 8, "rAX": "v", "sreg": 16}[operand]
    if not table.is_register(operand):
        return None
    return {"x": "x", "xmm": 128, "ymm": 256, "mm": 64}.get(operand) or table.operand_size(operand)


def address(instruction) -> str:
    """What stands between the brackets."""
    segment = f"{SEGMENTS[instruction.segment]}:" if other_segment(instruction) else ""
    size, displacement = instruction.address_size, instruction.displacement
    if instruction.base == RIP:
        target = instruction.rip + instruction.length + displacement & (1 << size) - 1
        return f"rel {segment}{number(target)}"
    terms = []
    if instruction.base != NONE:
        terms.append(register(instruction.base, size))
    if instruction.index != NONE:
        scale = 1 << instruction.scale
        terms.append(index_register(instruction) + (f"*{scale}" if scale > 1 or not terms else ""))
    if not terms:
        told = size == 64 or size == instruction.bits or instruction.bits == 64
        named = "" if told and not wide_offset(instruction) else f"{SIZE_NAMES[size]} "
        return f"{named}{segment}{number(displacement & (1 << size) - 1)}"
    sign = "-" if displacement < 0 else "+"
    return segment + "+".join(terms) + (f"{sign}{number(abs(displacement))}" if displacement else "")


def index_register(instruction) -> str:
    vector = next((operand[-1] for operand in instruction.form.operands if operand.startswith("vm")), "")
    return f"{vector}mm{instruction.index}" if vector else register(instruction.index, instruction.address_size)


def other_segment(instruction) -> bool:
    """Whether a prefix chose another segment than the address would; LEA does not care."""
    default = 2 if instruction.base in (4, 5) else 3    # SS for rSP and rBP, else DS
    return instruction.segment_prefix and instruction.segment != default and instruction.form.mnemonic != "lea"


def wide_offset(instruction) -> bool:
    """A moffs of 64 bits: NASM wants to hear that it is meant."""
    return instruction.address_size == 64 and any(text.startswith("moffs") for text in instruction.form.operands)


# ---- prefixes --------------------------------------------------------------------------------------------------------

def usual_size(instruction) -> int:
    """The operand size of this form without prefixes."""
    if instruction.bits == 64:
        return 64 if instruction.form.stack64 or instruction.form.near64 else 32
    return instruction.bits


def unusual_size(instruction) -> bool:
    return instruction.operand_size in (16, 32, 64) and instruction.operand_size != usual_size(instruction)


def tells_size(operand: str) -> bool:
    """Whether the text of an operand shows the operand size, or can (push word 5)."""
    return operand in ("rAX", "relz", "imm8", "immv", "immz") or operand.startswith(("ptr", "m16:v")) or (
        (table.is_register(operand) or table.is_memory(operand)) and (operand[-1] in "vyz" or operand.startswith("rv/")))


def bare_address(instruction) -> bool:
    """An address without a register that could show its size: [0x1234], [rel 0x1234], [ymm2*8]."""
    return instruction.base in (NONE, RIP) and (instruction.index == NONE or instruction.form.vsib) and \
        any(table.is_memory(operand) for operand in instruction.form.operands) and instruction.mod != 3


def prefix_text(instruction) -> str:
    form, prefixes = instruction.form, instruction.prefixes
    words = []
    named = any(table.is_memory(operand) for operand in form.operands)
    if instruction.segment_prefix and instruction.segment != 3 and not named and form.mnemonic in DATA_SEGMENT:
        words.append(SEGMENTS[instruction.segment])
    if prefixes & ADDRESS and ((bare_address(instruction) and (instruction.bits == 64 or form.vsib)) or
                               not named and (form.rep or form.mnemonic in COUNTING + DATA_SEGMENT)):
        words.append(f"a{instruction.address_size}")
    if prefixes & LOCK:
        words.append("lock")
    if form.rep and prefixes & (REP | REPNE):
        words.append("repne" if prefixes & REPNE else "repe" if form.mnemonic in COMPARING else "rep")
    if "rel8" in form.operands and instruction.effective_size != usual_size(instruction):
        words.append(f"o{instruction.effective_size}")  # 16 bits of the target, or 32
    if form.size in ("v", "z") and unusual_size(instruction) and instruction.operand_size not in form.names \
            and not any(tells_size(operand) for operand in form.operands):
        words.append(f"o{instruction.operand_size}")
    return "".join(word + " " for word in words)
