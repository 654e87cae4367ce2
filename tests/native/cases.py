"""Cases for every form of the table that a user program may try: an encoding, and a state in which it hurts.

The bytes come from tests/encodings_of_forms.py; what they name is read back from the decoder, so a new row needs nothing
here. Operands in memory lie in the middle of a page, at its end, across two, in one that may only be read, that does not
exist, or that no address can name.
"""
from __future__ import annotations

import random
import struct
from functools import cache
from pathlib import Path

import encodings_of_forms as encodings
from encodings_of_forms import exists_in

from x86 import _decode

from .host import FS_BASE, GS_BASE, START, Case
from .operands import Registers, has_extended

RSP, RBP, RSI, RDI, NONE, RIP = 4, 5, 6, 7, 16, 17
FAR = 0x123456789000
MASK = (1 << 64) - 1
SIZES = (8, 16, 32, 64)
EDGES = tuple({(1 << size) // 2 + near & MASK for size in SIZES for near in (-2, -1, 0, 1)} |
              {(1 << size) + near & MASK for size in SIZES for near in (-2, -1, 0, 1)} | set(range(5)) | {9, 15, 16})
ODD_ADDRESSES = (0x1FFFFC, 0x200FFD, 0x200FFF, 0x201FF9, 0x201FFE, 0x202000, 0x202800, 0x202FFC, 0x203000, 0x100800, 0)
WIDE_ADDRESSES = (FAR - 3, FAR, FAR + 0xFF8, FAR + 0xFFD, 0x7FFFFFFFFFFC, 0x800000000000, 0xFFFF7FFFFFFFFFF8,
                  0xFFFF800000000000, 1 << 63, MASK - 3, MASK)
SELECTORS = (0, 1, 3, 0x10, 0x18, 0x20, 0x23, 0x28, 0x2A, 0x2B, 0x2B, 0x2B, 0x30, 0x33, 0x33, 0x43, 0x63, 0x83, 4, 7, 0x3F)
CODE_SELECTORS = (0x23, 0x33, 0x33, 0x33, 0x2B, 0, 0x13, 0x30, 0x83, 7)
TARGETS = (0x100000, 0x100100, 0x100500, 0x100FFF, 0x101000, 0x200000, 0x400000)
WIDE_TARGETS = (1 << 47, MASK, 0xFFFF800000000000, FAR)
ARITHMETIC, DIRECTION, ALIGNMENT, NESTED, IDENTIFY, ALWAYS = 0x8D5, 0x400, 0x40000, 0x4000, 0x200000, 0x202
BIT_HANDLERS = ("bt", "bts", "btr", "btc")

# Rows that nobody asks the hardware about, and why
EXCLUDED = {
    "syscall": "it would call the kernel",
    "sysenter": "it would call the kernel",
    "cpuid": "it describes another processor",
    "rdtsc": "the time is another one",
    "rdtscp": "the time is another one",
    "rdpmc": "the counters are others",
    "rdpid": "it tells which of the host's processors this is",
    "rdrand": "it is random",
    "rdseed": "it is random",
    "xgetbv": "the host has other features enabled",
} | dict.fromkeys(("sgdt", "sidt", "sldt", "str", "smsw"), "UMIP: the kernel answers in the processor's place")
# Features as Linux spells them; what has no bit of its own is part of "lm"
FEATURES = {"lzcnt": "abm", "clfsh": "clflush", "lahf64": "lahf_lm", "sse3": "pni", "prefetchw": "3dnowprefetch", "486": "lm",
            "p6": "lm", "cpuid": "lm", "sha": "sha_ni"}


@cache
def host_features():
    """As /proc/cpuinfo names them; none where there is no such file."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    return frozenset(next((line for line in lines if line.startswith("flags")), "").split())


def excluded(form):
    """Why there are no cases of this form on any host, or None."""
    return EXCLUDED.get(form.mnemonic)


def absent(form):
    """Why there are none on this host, or None."""
    missing = [name for name in form.cpuid.lower().split() if FEATURES.get(name, name) not in host_features()]
    return f"the host has no {' and no '.join(missing)}" if missing else None


def cases_of(form, count, bits=64):
    """`count` cases of a form in code of 64 or 32 bits, always the same ones."""
    choose = random.Random(f"{form.family} {form.mnemonic} {form.encoding} {form.text} {bits}")
    if exists_in(form, bits):
        for _ in range(count):
            yield case_of(form, bits, choose)


def case_of(form, bits, choose):
    """One case of a form, everything that may vary chosen at random."""
    instruction = encoding_of(form, bits, choose)
    state = State(bits, choose, Registers(choose, form) if has_extended(form) else None)
    code = state.add(instruction, START)
    rip = START if choose.random() > 0.04 else 0x101000 - choose.randint(1, len(code))
    return Case(code, state.gpr, state.flags, state.memory, rip, bits, state.extended())


def encoding_of(form, bits, choose):
    """An encoding of the form, decoded."""
    while True:
        instruction = _decode.decode(encodings.encode(form, bits, choose), START, bits)
        if instruction.form is form and instruction.length:
            return instruction


# ---- numbers ---------------------------------------------------------------------------------------------------------

def value(choose):
    """A number of 64 bits: an edge, a small one, one with few bits, any."""
    kind = choose.random()
    if kind < 0.45:
        return choose.choice(EDGES)
    if kind < 0.6:
        return choose.randrange(256)
    if kind < 0.7:
        return ~choose.randrange(256) & MASK
    if kind < 0.8:
        return 1 << choose.randrange(64)
    return choose.getrandbits(64)


def address(choose, bits):
    """Where an operand in memory lies: mostly somewhere that can be written."""
    kind = choose.random()
    if kind < 0.5:
        return choose.randrange(0x200000, 0x202000 - 64)
    if kind < 0.7:
        return choose.randrange(0x200000, 0x202000 - 64, 16)
    if kind < 0.8 and bits == 64:
        return FAR + choose.randrange(0x1000 - 64)
    return choose.choice(ODD_ADDRESSES + (WIDE_ADDRESSES if bits == 64 else ()))


def flags(choose):
    result = ALWAYS | choose.getrandbits(12) & ARITHMETIC
    for flag, chance in ((DIRECTION, 0.15), (ALIGNMENT, 0.06), (NESTED, 0.03), (IDENTIFY, 0.03)):
        if choose.random() < chance:
            result |= flag
    return result


def stored(choose, form):
    """An area that FXRSTOR or XRSTOR may load; its header mostly without what is reserved."""
    area = bytearray(Registers(choose, form).area(True))
    if choose.random() < 0.05:
        area[24:28] = choose.getrandbits(32).to_bytes(4, "little")
    if form.mnemonic == "fxrstor":
        return bytes(area[:512])
    present = choose.randrange(8)
    compacted = choose.random() < 0.4
    header = [present, 1 << 63 | present | choose.randrange(8) if compacted else 0, 0]
    if choose.random() < 0.1:
        header[choose.randrange(3)] ^= 1 << choose.choice((0, 1, 2, 3, 4, 8, 63, choose.randrange(20, 64)))   # no host has these
    return bytes(area[:512]) + struct.pack("<3Q40x", *header) + bytes(area[576:])


# ---- states ----------------------------------------------------------------------------------------------------------

class State:
    """Registers and memory, arranged so that an instruction's operands are interesting."""

    def __init__(self, bits, choose, registers=None):
        self.bits, self.choose, self.registers = bits, choose, registers
        self.gpr = [value(choose) for _ in range(16)]
        self.gpr[RSP] = address(choose, bits)
        if choose.random() < 0.7:
            self.gpr[RBP] = address(choose, bits)
        if bits == 32:
            self.gpr = [number & 0xFFFFFFFF for number in self.gpr[:8]] + [0] * 8
        self.flags = flags(choose)
        self.memory = []

    def extended(self):
        """For Case.extended."""
        return self.registers.area("avx" in host_features()) if self.registers else b""

    def add(self, instruction, rip):
        """Arrange the state for an instruction at `rip`. Returns its bytes, displacement and immediates chosen."""
        form, choose = instruction.form, self.choose
        code = bytearray(instruction.bytes[:instruction.length])
        tail = self.choose_immediates(instruction, code, rip)
        if form.modrm and form.modrm_byte is None and instruction.mod != 3 and form.rm_position is not None:
            self.reach_operand(instruction, code, tail, rip)
        elif "moffs" in form.immediates:
            size = instruction.address_size // 8
            where = address(choose, instruction.address_size) - self.segment_base(instruction)
            code[-size:] = (where & ((1 << 8 * size) - 1)).to_bytes(size, "little")
            self.fill(where, instruction)
        self.reach_implied(instruction)
        return bytes(code)

    def choose_immediates(self, instruction, code, rip):
        """Overwrite the immediates. Returns how many bytes they are."""
        form, choose = instruction.form, self.choose
        sizes = []
        for word in form.immediates:
            if word in ("ib", "cb", "iw", "/is4"):
                sizes.append(2 if word == "iw" else 1)
            elif word == "iv":
                sizes.append(instruction.effective_size // 8)
            elif word != "moffs":
                sizes.append(2 if instruction.effective_size == 16 else 4)
        if "ptr" in form.immediates:
            offset = choose.choice(TARGETS) & ((1 << 8 * sizes[0]) - 1)
            code[-2 - sizes[0]:] = offset.to_bytes(sizes[0], "little") + choose.choice(CODE_SELECTORS).to_bytes(2, "little")
            return sizes[0] + 2
        at = len(code) - sum(sizes)
        for word, size in zip(form.immediates, sizes):
            number = value(choose)
            if word in ("cb", "cz"):
                number = self.distance(size, len(code), rip)
            elif self.registers and choose.random() < 0.7:
                number = choose.getrandbits(8)          # masks, orders, predicates
            elif form.mnemonic == "int" and number & 0xFF == 0x80:
                number = 3                              # INT 80h would call the kernel
            elif form.mnemonic in ("enter", "ret", "retf") and choose.random() < 0.7:
                number = choose.randrange(64)
            code[at:at + size] = (number & ((1 << 8 * size) - 1)).to_bytes(size, "little")
            at += size
        return sum(sizes)

    def distance(self, size, length, rip):
        """How far a relative branch goes: never into itself, mostly to another place in the page."""
        choose = self.choose
        if size > 1 and choose.random() < 0.2:
            return choose.choice((-(1 << 31), (1 << 31) - 1, 0x100000, -0x100000))
        while True:
            distance = choose.randint(-128, 127) if size == 1 or choose.random() < 0.5 else \
                choose.randrange(0x100000, 0x101000) - rip
            if not -length <= distance < 0:
                return distance

    def segment_base(self, instruction):
        return {4: FS_BASE, 5: GS_BASE}.get(instruction.segment, 0) if self.bits == 64 else 0

    def reach_operand(self, instruction, code, tail, rip):
        """Make the memory operand lie at an address of our choice, by a register that it names or by its displacement."""
        choose, base, index, scale = self.choose, instruction.base, instruction.index, instruction.scale
        width = instruction.address_size
        target = address(choose, width)
        if (instruction.form.handler == "cmpxchg16b" or has_extended(instruction.form)) and choose.random() < 0.7:
            target &= ~63 if instruction.form.family == "xsave" else ~choose.choice((15, 31))
        if instruction.form.vsib:
            self.scatter(instruction)
            index = NONE
        rest = target - self.segment_base(instruction) - instruction.displacement
        if width == 16:
            pass                                        # nothing is mapped where such an operand can lie
        elif base == RIP or base == NONE and index == NONE:
            distance = target - self.segment_base(instruction) - (rip + len(code) if base == RIP else 0)
            end = len(code) - tail
            code[end - 4:end] = (distance & 0xFFFFFFFF).to_bytes(4, "little")
        elif base == index:
            self.set(base, rest // ((1 << scale) + 1), width)
        elif base == NONE:
            self.set(index, rest >> scale, width)
        else:
            if index != NONE and choose.random() < 0.5:
                self.set(index, choose.randrange(64), width)
            self.set(base, rest - (self.gpr[index] << scale if index != NONE else 0), width)
        self.fill(target, instruction)
        if instruction.form.handler in BIT_HANDLERS and "rv" in instruction.form.operands and choose.random() < 0.8:
            if instruction.reg not in (base, index):
                self.set(instruction.reg, choose.randint(-3000, 3000), 64)

    def scatter(self, instruction):
        """Indices and mask of a gather: most elements not far from the address, and a good part of them wanted."""
        form, choose, vectors = instruction.form, self.choose, self.registers.vectors
        size = 4 if any(operand.startswith("vm32") for operand in form.operands) else 8
        near = [choose.randint(-40, 200) if choose.random() < 0.9 else value(choose) for _ in range(32 // size)]
        vectors[instruction.index] = b"".join((number & (1 << 8 * size) - 1).to_bytes(size, "little") for number in near)

    def set(self, register, number, width):
        if width == 32 and self.bits == 64 and self.choose.random() < 0.5:
            number = number & 0xFFFFFFFF | self.choose.getrandbits(32) << 32        # what is above does not count
        self.gpr[register] = number & (MASK if self.bits == 64 else 0xFFFFFFFF)

    def reach_implied(self, instruction):
        """Addresses and counts that no operand names."""
        form, choose = instruction.form, self.choose
        width = instruction.address_size
        if form.rep or form.mnemonic == "xlat":
            self.set(RSI, address(choose, width) - self.segment_base(instruction), width)
            self.set(RDI, address(choose, width), width)
            self.set(3, address(choose, width) - self.segment_base(instruction), width)
            if choose.random() < 0.9:
                self.set(1, choose.randrange(choose.choice((2, 20, 300))), width)
            if form.mnemonic in ("cmps", "scas") and choose.random() < 0.5:
                same = bytes([choose.randrange(256)]) * choose.randrange(80)
                self.put(self.gpr[RDI], same)
                self.put(self.gpr[RSI], same)
                self.gpr[0] = same[0] * 0x0101010101010101 if same else 0
        elif form.family == "segment" and "r/m16" in form.operands and instruction.mod == 3:
            self.gpr[instruction.rm] = self.gpr[instruction.rm] & ~0xFFFF | choose.choice(SELECTORS)
        elif form.family == "descriptor" and instruction.mod == 3 and choose.random() < 0.7:
            self.gpr[instruction.rm] = choose.choice(SELECTORS)
        elif form.mnemonic in ("ret", "retf", "iret"):
            if form.mnemonic == "iret" and self.gpr[RSP] & 0xFFF > 0xFC0:       # AC out of the page behind hangs Linux
                self.gpr[RSP] -= 0x40
            self.return_frame(instruction)
        elif form.handler in ("jump_indirect", "call_indirect") and instruction.mod == 3 and instruction.rm != RSP:
            self.gpr[instruction.rm] = self.target()
        elif form.handler in ("pop_segment", "pop_stack_segment"):
            self.put(self.gpr[RSP], choose.choice(SELECTORS).to_bytes(8, "little"))
        elif form.mnemonic.startswith(("div", "idiv")) and choose.random() < 0.6:
            sign = choose.random() < 0.3                # a quotient that fits is rare among random numbers
            self.gpr[2] = MASK if sign else choose.randrange(3)
            if instruction.operand_size == 8:
                self.gpr[0] = choose.getrandbits(9) * (-1 if sign else 1) & MASK
        elif form.mnemonic == "call" and form.family == "far" and self.bits == 32:
            self.gpr[RSP] = max(self.gpr[RSP], 64)      # a CALL to 64-bit code with a stack that wraps hangs the hardware
        elif form.family == "xsave":                    # not what the host has in XCR0 and this processor has not
            self.gpr[0], self.gpr[2] = choose.getrandbits(9) & 0x11F | choose.getrandbits(32) << 32, choose.getrandbits(64)
            if self.bits == 32:
                self.gpr[0], self.gpr[2] = self.gpr[0] & 0xFFFFFFFF, self.gpr[2] & 0xFFFFFFFF
        elif form.mnemonic.removeprefix("v").startswith("pcmpestr"):    # lengths, which may be negative
            self.set(0, choose.randint(-18, 18), 64)
            self.set(2, choose.randint(-18, 18), 64)
        elif form.mnemonic.removeprefix("v") == "maskmovdqu" or form.mnemonic == "maskmovq":
            self.set(RDI, address(choose, width) - self.segment_base(instruction), width)
        elif form.handler in ("loop", "jcxz"):
            self.set(1, choose.randrange(3), width)

    def target(self):
        """Where an indirect branch goes."""
        return self.choose.choice(TARGETS[:3] * 2 + TARGETS + (WIDE_TARGETS if self.bits == 64 else ()))

    def return_frame(self, instruction):
        """What RET, RETF and IRET find on the stack."""
        choose = self.choose
        if instruction.form.mnemonic != "ret" and choose.random() < 0.8:
            self.gpr[RSP] = choose.randrange(0x200000, 0x201F00, 8)
        words = [self.target()]
        if instruction.form.mnemonic != "ret":
            # an IRET to AC = 1 checks its own frame, and Linux takes the #AC for a locked access that is split, for ever
            words += [choose.choice(CODE_SELECTORS), (flags(choose) | choose.getrandbits(22) & 0x3F0000) & ~ALIGNMENT,
                      choose.choice((0x200800, MASK)), choose.choice(SELECTORS)]
        size = instruction.operand_size // 8
        self.put(self.gpr[RSP], b"".join((word & ((1 << 8 * size) - 1)).to_bytes(size, "little") for word in words))

    # ---- memory ----

    def fill(self, where, instruction):
        """Something interesting at an operand in memory."""
        form, choose = instruction.form, self.choose
        if form.handler in ("jump_indirect", "call_indirect"):
            data = self.target().to_bytes(8, "little")
        elif "m16:v" in form.operands:
            selectors = CODE_SELECTORS if form.family == "far" else SELECTORS
            size = instruction.operand_size // 8
            data = (self.target() & ((1 << 8 * size) - 1)).to_bytes(size, "little") + \
                choose.choice(selectors).to_bytes(2, "little")
        elif form.mnemonic in ("fxrstor", "xrstor", "xrstors") and choose.random() < 0.9:
            data = stored(choose, form)
        elif form.mnemonic == "ldmxcsr" and choose.random() < 0.7:
            data = choose.getrandbits(16).to_bytes(4, "little")
        elif form.family in ("segment", "descriptor"):
            data = choose.choice(SELECTORS).to_bytes(8, "little")
        elif form.handler in ("cmpxchg8b", "cmpxchg16b", "cmpxchg") and choose.random() < 0.5:
            half = 4 if form.handler == "cmpxchg8b" else 8
            data = b"".join((self.gpr[number] & ((1 << 8 * half) - 1)).to_bytes(half, "little") for number in (0, 2))
        elif self.registers and choose.random() < 0.9:
            data = self.registers.numbers.bytes(64 if form.vsib else 32)
        elif choose.random() < 0.7:
            data = value(choose).to_bytes(8, "little") + value(choose).to_bytes(8, "little")
        else:
            return
        self.put(where, data)

    def put(self, where, data):
        """Bytes of memory, where there is writable memory."""
        for start, end in ((0x200000, 0x202000), (FAR, FAR + 0x1000)):
            first, last = max(start, where), min(end, where + len(data))
            if first < last:
                self.memory.append((first, data[first - where:last - where]))
