"""The notation of the rows: what an encoding string and an operand string mean.

A row says what exists, in the manual's own spelling:

    ADD = instruction("add", flags="writes OSZAPC", summary="Add source to destination.")
    ADD.form("01 /r", "r/mv, rv", lock=True)

Encoding: what must be there, in order
    NP 66 F3 F2   mandatory prefix (NP: none of the three)        REX.W REX.0   REX.W must be 1, must be 0
    NFx           neither F3 nor F2; 66 is the operand size
    VEX.LZ.F2.0F38.W0      a VEX prefix, in this order: L is 0 (LZ L0 128), 1 (L1 256), anything (LIG); pp is 66 F3 F2 or,
                  without a word, none; the map 0F 0F38 0F3A; W0 W1, anything (WIG), or without a word the operand size
    0F, 0F 38, 0F 3A, then the opcode byte                        40+r          register in the opcode's low bits
    /r            ModRM, reg is an operand                        /0 .. /7      ModRM, reg is part of the opcode
    F8 (last)     a ModRM byte that must have exactly this value (mod is 3)
    ib iw iz iv   immediate of 1, 2, 2-or-4, operand-size bytes   cb cz         displacement of a relative branch
    ptr           far pointer: offset of operand size, selector   moffs         offset of address size
    /is4          a byte whose bits 7..4 number a register (legacy code: 6..4)

Operands, in Intel's order
    r/m8 r/m16 r/m32 r/m64 r/mv r/my r/mz    register or memory       r8 r16 r32 r64 rv ry rz   register
    r32/m16       register of 32 bits or memory of 16 (and so on)     m, m8 .. m512, mv, my     memory only
    m16:v         far pointer in memory                               moffs8 moffsv             memory at an offset
    imm8 imm16 immz immv   immediate (imm8 is sign-extended to the operand size; imm8u is not)
    rel8 relz     relative branch target                              ptr16:v                   far pointer
    al rAX cl dx 1 es cs ss ds fs gs         these very operands      sreg cr dr                by ModRM.reg
    xmm ymm mm st(0) st(i)                   vector and x87 registers, by number
    x x/m mx                                 xmm or ymm by VEX.L, or 128 or 256 bits of memory
    vm32x vm64x vm32y vm64y                  as many places in memory as an xmm or ymm index has doublewords or quadwords
    Under VEX the registers that are not r/m are named, in this order, by ModRM.reg and VEX.vvvv; with /digit by vvvv; where
    r/m is the first operand and two follow, by vvvv and ModRM.reg; a fourth one by /is4. A vvvv that names nothing must be
    1111b.
Sizes: v is 16, 32 or 64 by operand size; z is 16 or 32 (32 also where v is 64); y is 32 or 64; x is 128 or 256 by VEX.L.

Attributes of a form
    lock          LOCK is legal with a memory destination             rep           takes REP/REPE/REPNE
    mode          "64" only there, "legacy" everywhere else           alias         another encoding is the usual one
    stack64       in 64-bit mode the operand size is 64 (66h: 16)     near64        in 64-bit mode it is always 64
    ends          the block ends here: control flow, or something the run loop must look at
    handler       the generic function's name, if it is not the mnemonic's
    constants     further compile-time arguments for it: numbers, or names that its .pxi defines
    slow          no instantiation for flat memory: the segmented one serves all
    rm_first      three registers, of which r/m names the first and ModRM.reg the last
    size          operand sizes where no operand says them: "v", "y", "z", 8, 16, 32, 64 (default 0: it has none)
    names         {size: mnemonic} where the text depends on the operand size
    cpuid         the feature that brought it, a name in x86/models.py; several: all of them are needed
"""
from __future__ import annotations

import keyword
from dataclasses import dataclass, field
from functools import cache

KINDS = {"rr": 0, "rm": 4, "rs": 8, "ri": 16, "rc": 32, "mr": 1, "mi": 17, "mc": 33, "sr": 2, "si": 18, "sc": 34}
SIZES = {"v": (16, 32, 64), "y": (32, 64), "z": (16, 32), 0: (0,), 8: (8,), 16: (16,), 32: (32,), 64: (64,),
         128: (128,), 80: (80,), 256: (256,), "x": (128, 256)}
PREFIXES = ("NP", "NFx", "66", "F3", "F2")
VEX_MAP = 4                                     # Form.map: the map of VEX.mmmmm and this
VEX_WORDS = {"LZ": ("vex_l", 0), "L0": ("vex_l", 0), "128": ("vex_l", 0), "L1": ("vex_l", 1), "256": ("vex_l", 1),
             "LIG": ("vex_l", None), "66": ("prefix", "66"), "F3": ("prefix", "F3"), "F2": ("prefix", "F2"),
             "0F": ("map", 5), "0F38": ("map", 6), "0F3A": ("map", 7),
             "W0": ("rex_w", 0), "W1": ("rex_w", 1), "WIG": ("rex_w", None)}
_CYTHON_KEYWORDS = {"include", "cdef", "cpdef", "ctypedef", "extern", "nogil", "gil", "enter", "leave", "int", "bound"}


class RowError(ValueError):
    """A row that does not follow the notation."""


@dataclass
class Form:
    """One encoding of one instruction."""

    mnemonic: str
    encoding: str
    text: str                                   # the operands as written
    family: str                                 # the file of isa/ it stands in
    lock: bool = False
    rep: bool = False
    mode: str = ""
    alias: bool = False
    stack64: bool = False
    near64: bool = False
    ends: bool = False
    handler: str = ""
    constants: tuple = ()
    slow: bool = False
    rm_first: bool = False
    size: object = None
    names: dict = field(default_factory=dict)
    cpuid: str = ""
    number: int = -1                            # index in FORMS
    # from the encoding
    map: int = 0                                # 0 one byte, 1 0F, 2 0F 38, 3 0F 3A; 5, 6, 7 these three under VEX
    opcode: int = 0
    plus_r: bool = False
    modrm: bool = False
    digit: int | None = None
    modrm_byte: int | None = None
    prefix: str | None = None
    rex_w: int | None = None
    vex_l: int | None = None
    immediates: tuple = ()
    operands: tuple = ()
    places: tuple = ()                          # of each operand: "reg" "rm" "vvvv" "opcode", "" where the bytes name nothing

    def __post_init__(self):
        self._parse_encoding()
        self.operands = tuple(part.strip() for part in self.text.split(",")) if self.text else ()
        self.places = self._places()
        self.handler = self.handler or safe(self.mnemonic)
        if self.size is None:
            self.size = self._operand_size()

    def _parse_encoding(self):
        words = self.encoding.split()
        if words and words[0].startswith("VEX."):
            self._parse_vex(words.pop(0))
        else:
            while len(words) > 1 and (words[0] in PREFIXES or words[0].startswith("REX")):
                word = words.pop(0)
                if word in PREFIXES:
                    self.prefix = word
                else:
                    self.rex_w = 1 if word == "REX.W" else 0
            if words[:2] in (["0F", "38"], ["0F", "3A"]):
                self.map = 2 if words[1] == "38" else 3
                words = words[2:]
            elif words[0] == "0F" and len(words) > 1:
                self.map, words = 1, words[1:]
        opcode = words.pop(0)
        self.plus_r = opcode.endswith("+r")
        self.opcode = int(opcode.removesuffix("+r"), 16)
        immediates = []
        for word in words:
            if word == "/r":
                self.modrm = True
            elif word[0] == "/" and word[1:].isdigit():
                self.modrm, self.digit = True, int(word[1:])
            elif word in ("ib", "iw", "iz", "iv", "cb", "cz", "ptr", "moffs", "/is4"):
                immediates.append(word)
            elif len(word) == 2 and not immediates:
                self.modrm, self.modrm_byte = True, int(word, 16)
            else:
                raise RowError(f"{self.mnemonic}: {word!r} in {self.encoding!r}")
        self.immediates = tuple(immediates)

    def _parse_vex(self, word):
        self.prefix = "NP"
        for part in word.split(".")[1:]:
            if part not in VEX_WORDS:
                raise RowError(f"{self.mnemonic}: {part!r} in {self.encoding!r}")
            setattr(self, *VEX_WORDS[part])

    @property
    def vex(self):
        return self.map >= VEX_MAP

    def _places(self):
        """Where the number of each register operand stands. The manual calls this the operand encoding: RM, MR, RVM, VM ..."""
        places = ["reg" if text in ("sreg", "cr", "dr") else "rm" if text == "st(i)" or is_memory(text) else ""
                  for text in self.operands]
        named = [position for position, text in enumerate(self.operands) if is_register(text) and not is_memory(text)]
        fixed_reg = self.digit is not None or "reg" in places
        if self.plus_r:
            free = ["opcode"]
        elif "rm" not in places:
            free = ["reg", "vvvv", "rm"] if self.vex and len(named) + fixed_reg == 3 else ["reg", "rm"]
            free = free[::-1] if self.rm_first else free[1:] if fixed_reg else free
        elif self.vex:
            free = ["vvvv"] if fixed_reg else ["vvvv", "reg"] if places[0] == "rm" and len(named) == 2 else ["reg", "vvvv"]
            free += ["is4"] * ("/is4" in self.immediates)
        else:
            free = ["reg"]
        if len(named) > len(free):
            raise RowError(f"{self.mnemonic}: {self.encoding!r} has no place for all of {self.text!r}")
        for position, place in zip(named, free, strict=False):
            places[position] = place
        return tuple(places)

    def _operand_size(self):
        for operand in self.operands:
            size = operand_size(operand)
            if size is not None:
                return size
        for register, size in (("ymm", 256), ("x", "x"), ("xmm", 128), ("mm", 64)):
            if any(operand.split("/")[0] == register for operand in self.operands):
                return size
        return 0

    @property
    def vector(self):
        """Whether a register of MMX, SSE or AVX is among the operands."""
        return any(is_vector(operand) for operand in self.operands)

    @property
    def vsib(self):
        return any(operand.startswith("vm") for operand in self.operands)

    @property
    def rm_position(self):
        """Which operand is the r/m (or memory) one, or None."""
        for position, operand in enumerate(self.operands):
            if is_memory(operand):
                return position
        return None

    @property
    def kinds(self):
        """Names of the operand kinds this form can take, in the order register, flat memory, segmented memory.

        None where that kind cannot be (a memory-only form has no register kind)."""
        position = self.rm_position
        second = self.operands[1] if len(self.operands) > 1 else ""
        source = "r"
        if len(self.operands) == 2 and (second.startswith("imm") or second == "1"):
            source = "i"
        elif len(self.operands) == 2 and second == "cl":
            source = "c"
        if position is None:
            return ("r" + source, None, None)
        register = None if memory_only(self.operands[position]) else "r"
        if position == 0:
            result = [register and "r" + source, "m" + source, "s" + source]
        else:
            result = [register and "rr", "rm", "rs"]
        if self.slow:
            result[1] = result[2]
        return tuple(result)

    @property
    def sizes(self):
        """Operand sizes, in bits, that the form has an instantiation for. 0: none at all."""
        sizes = SIZES[self.size]
        if self.mode == "legacy":
            sizes = tuple(size for size in sizes if size != 64)
        if self.rex_w == 1:
            sizes = tuple(size for size in sizes if size in (0, 64)) or sizes
        return sizes

    def instance(self, kind, size):
        """Name of the instantiation for this kind and size."""
        suffix = "".join(f"_{constant}" for constant in self.constants)
        return f"{self.handler}{suffix}_{kind}{size}"

    def instances(self):
        """(name, handler, kind number, size, constants) of every instantiation."""
        seen = set()
        for kind in self.kinds:
            for size in self.sizes:
                if kind and (kind, size) not in seen:
                    seen.add((kind, size))
                    if kind[0] == "m" and size in (16, 32) and self.near64:
                        continue
                    yield self.instance(kind, size), self.handler, KINDS[kind], size, self.constants


@dataclass
class Row:
    """One instruction: its name, what it does to the flags, one sentence, its encodings."""

    mnemonic: str
    flags: str
    summary: str
    family: str
    forms: list = field(default_factory=list)
    reference: str = ""

    def form(self, encoding, operands="", **attributes):
        form = Form(self.mnemonic, encoding, operands, self.family, **attributes)
        form.number = len(FORMS)
        FORMS.append(form)
        self.forms.append(form)
        return form


FORMS: list[Form] = []
ROWS: list[Row] = []
FUSED: list[tuple] = []                         # (name, handler, kind number, size, constants, family)


def instruction(mnemonic, flags="", summary="", reference=""):
    """Start a row. flags: "reads C, writes OSZAPC, undefined A" in the letters O S Z A P C D I T."""
    import sys
    frame = sys._getframe(1)
    while frame.f_globals["__name__"] == "x86.isa.vector":              # it only helps to write rows
        frame = frame.f_back
    family = frame.f_globals["__name__"].rsplit(".", 1)[-1]
    row = Row(mnemonic, flags, summary, family, [], reference)
    ROWS.append(row)
    return row


def safe(name):
    """A mnemonic as a Cython identifier: and -> and_."""
    return name + "_" if keyword.iskeyword(name) or name in _CYTHON_KEYWORDS else name


def is_vector(operand):
    """xmm, ymm, mm, x, and these or memory."""
    return operand.split("/")[0] in ("xmm", "ymm", "mm", "x")


def is_memory(operand):
    """r/m8, r32/m16, m, m64, mv, moffsv: an operand that is or may be memory."""
    return "/m" in operand or memory_only(operand)


def is_register(operand):
    """r8, rv, xmm: a register that ModRM, VEX.vvvv or the opcode numbers."""
    return operand[0] in "rxy" and "/m" not in operand and not operand.startswith("rel") and operand != "rAX" \
        or operand.startswith("mm")


def memory_only(operand):
    return operand == "m" or (operand[0] == "m" and operand[1:] in
                              ("8", "16", "32", "64", "80", "128", "256", "512", "v", "x", "y", "z", "16:v", "off")) \
        or operand.startswith(("moffs", "vm"))


def operand_size(operand):
    """Size class that an operand brings to its form: 8 16 32 64 'v' 'y' 'z', or None."""
    if operand == "al":
        return 8
    if operand in ("rAX", "m16:v", "ptr16:v"):
        return "v"
    if operand.startswith("moffs"):
        return 8 if operand == "moffs8" else "v"
    if operand.startswith(("imm", "rel", "x", "ymm", "mm", "mx", "vm", "st")) or operand in (
            "cl", "dx", "1", "es", "cs", "ss", "ds", "fs", "gs", "sreg", "cr", "dr", "m"):
        return None
    tail = operand.split("/")[0] if operand.startswith("r") and not operand.startswith("r/m") else \
        operand.removeprefix("r/m").removeprefix("m")
    tail = tail.removeprefix("r")
    if tail in ("v", "y", "z"):
        return tail
    return int(tail) if tail.isdigit() and int(tail) <= 128 else None


@cache
def features():
    """The names that rows have in `cpuid`, in the order in which they first do."""
    return list(dict.fromkeys(name for form in forms() for name in form.cpuid.split()))


def forms():
    """Every form of every family, in a fixed order; their index is Op.form. Loads the families on first use."""
    import x86.isa as isa
    isa.load()
    return FORMS
