"""Hypothesis strategies for segmentation: descriptor tables, a processor in any mode and ring, and an instruction that loads a
segment register or transfers far.

    from hypothesis import given
    from x86 import segmentation, transfers
    from x86.testing.transfers import scenes

    @given(scenes())
    def test_my_processor(scene):
        after, raised = transfers.step(scene.state, scene.execute)

Memory is SPAN bytes, which repeat over the whole linear address space, so that nothing is a page fault, and full of NOPs.

    1000 GDT   2000 LDT   3000 IDT   5000 TSS   10000 code (the instruction at 100, a far pointer at 800)   20000 stack

GDT: 08 code and 10 data of ring 0, 18 20 28 data of rings 1 2 3, 30 code of the present ring, 38 to 78 anything. The IDT's gates
lead into 08, but for those from 20h on, and now and then one of the exceptions'.

Needs the package hypothesis.
"""
from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from x86.registers import FLAG_AC, FLAG_IF, FLAG_NT, FLAG_OF, FLAG_VM
from x86.segmentation import (BUSY16, BUSY32, CALL16, CALL32, INTERRUPT16, INTERRUPT32, LDT, TASK_GATE, TSS32, Memory, Segment,
                              State, inquire, lldt, load, ltr, stack)
from x86.transfers import far_return, interrupt, iret, transfer

SPAN = 0x200000
GDT, LDT_BASE, IDT, TSS, CODE, STACK = 0x1000, 0x2000, 0x3000, 0x5000, 0x10000, 0x20000
START, POINTER = 0x100, 0x800                   # offsets in the code
NOP = 0x90
MODES = ("real", "16", "32", "compatibility 16", "compatibility 32", "64")
SREG = ("es", "cs", "ss", "ds", "fs", "gs")
HANDLER = 0x4000                                # offset of all exceptions' handlers

LIMITS = (0xFFFFF,) * 6 + (0xFFFF,) * 3 + (0, 0x13, 0xFF, 0x7FF, 0xFFF)
BASES = (0, 0, CODE, STACK, 0x40000, 0x123450)
OFFSETS = (HANDLER,) * 6 + (0, 0x14, 0xFF, 0x100, 0x7FF, 0xFFF, 0xFFFF, 0x10000, 0xFFFFF, 0xFFFFFFFF)
HIGH = (0,) * 8 + (0x7FFF, 0x8000, 0xFFFF8000, 0xFFFFFFFF, 0xFFFF0000, 1)   # bits 63..32
STACKS = (0x1000,) * 10 + (0, 1, 2, 4, 6, 8, 10, 12, 15, 16, 20, 24, 32, 40, 48, 0x800, 0x14, 0xFFFF, 0x10000, 0xFFFFFFFF)
WIDE_STACKS = (0x30000,) * 10 + (0, 8, 24, 39, 40, 0x7FFFFFFFFFF8, 0x800000000000, 0x800000000028, 0xFFFF800000000000,
                                 0xFFFF800000000010, 0xFFFFFFFFFFFFFFFF)


def descriptor(access: int, base: int, limit: int) -> int:
    """access: bits 55..40, without the limit's."""
    return limit & 0xFFFF | (base & 0xFFFFFF) << 16 | (access & 0xFF) << 40 | (limit >> 16 & 15) << 48 | \
        (access >> 12 & 15) << 52 | (base >> 24 & 0xFF) << 56 | (base >> 32) << 64


def gate(access: int, selector: int, offset: int, count: int = 0) -> int:
    return offset & 0xFFFF | selector << 16 | count << 32 | access << 40 | (offset >> 16 & 0xFFFF) << 48 | (offset >> 32) << 64


# ---- one instruction ------------------------------------------------------------------------------------------------------

@dataclass
class Instruction:
    """One of these: what it is for the model, and its bytes."""

    name: str                                   # mov pop lds les lss lfs lgs lldt ltr lar lsl verr verw
    #                                             jmp call (direct or not) retf iret int int3 into
    size: int = 16                              # of the operand: 16, 32 or 64
    register: str = ""
    selector: int = 0
    offset: int = 0
    vector: int = 0
    release: int = 0
    direct: bool = False
    code: bytes = b""

    def execute(self, state: State) -> None:
        """On the model."""
        following = state.registers["rip"] + len(self.code)
        state.registers["rip"] = following
        if self.name == "mov":
            load(state, self.register, self.selector)
        elif self.name == "pop":
            frame = stack(state)
            load(state, self.register, frame.pop(self.size // 8) & 0xFFFF)
            state.registers["rsp"] = frame.pointer
        elif self.name in ("lds", "les", "lss", "lfs", "lgs"):
            load(state, self.name[1:], self.selector)
            rax, offset = state.registers["rax"], self.offset & (1 << self.size) - 1
            state.registers["rax"] = rax & ~0xFFFF | offset if self.size == 16 else offset
        elif self.name in ("lldt", "ltr"):
            (lldt if self.name == "lldt" else ltr)(state, self.selector)
        elif self.name in ("lar", "lsl", "verr", "verw"):
            inquire(state, self.name, self.selector, self.size)
        elif self.name in ("jmp", "call"):
            transfer(state, self.selector, self.offset, self.size, self.name == "call", following)
        elif self.name == "retf":
            far_return(state, self.size, self.release)
        elif self.name == "iret":
            iret(state, self.size)
        else:
            interrupt(state, self.vector, following, software=True)

    def encode(self, bits: int) -> bytes:
        """For code of 16, 32 or 64 bits. AX is the selector, CS:BX leads to the far pointer."""
        prefix = b"\x66" if self.size == 16 and bits != 16 or self.size == 32 and bits == 16 else \
            b"\x48" if self.size == 64 and self.name != "pop" else b""
        pointer = 7 if bits == 16 else 3                        # [bx], [ebx], [rbx]
        far = self.offset & (1 << self.size) - 1
        number = SREG.index(self.register) if self.register else 0
        system = {"lldt": 2, "ltr": 3, "verr": 4, "verw": 5}
        if self.name == "mov":
            return bytes((0x8E, 0xC0 | number << 3))
        if self.name == "pop":
            return prefix + {"es": b"\x07", "ss": b"\x17", "ds": b"\x1F", "fs": b"\x0F\xA1", "gs": b"\x0F\xA9"}[self.register]
        if self.name in ("lds", "les", "lss", "lfs", "lgs"):
            opcode = {"les": b"\xC4", "lds": b"\xC5", "lss": b"\x0F\xB2", "lfs": b"\x0F\xB4", "lgs": b"\x0F\xB5"}[self.name]
            return b"\x2E" + prefix + opcode + bytes((pointer,))
        if self.name in system:
            return bytes((0x0F, 0x00, 0xC0 | system[self.name] << 3))
        if self.name in ("lar", "lsl"):
            return prefix + bytes((0x0F, 2 if self.name == "lar" else 3, 0xC0))
        if self.name in ("jmp", "call"):
            if self.direct:
                return prefix + (b"\xEA" if self.name == "jmp" else b"\x9A") + far.to_bytes(self.size // 8, "little") + \
                    self.selector.to_bytes(2, "little")
            return b"\x2E" + prefix + bytes((0xFF, (5 if self.name == "jmp" else 3) << 3 | pointer))
        if self.name == "retf":
            return prefix + (b"\xCA" + self.release.to_bytes(2, "little") if self.release else b"\xCB")
        if self.name == "iret":
            return prefix + b"\xCF"
        return {"int3": b"\xCC", "into": b"\xCE"}.get(self.name, bytes((0xCD, self.vector)))


NAMES = ("mov", "pop", "lxs", "lldt", "ltr", "lar", "lsl", "verr", "verw") + ("jmp", "call", "retf", "iret", "int") * 4 + \
    ("int3", "into")


@st.composite
def instructions(draw, mode: str, cpl: int):
    """An Instruction for this mode and ring."""
    bits = {"real": 16, "64": 64}.get(mode) or int(mode[-2:])
    name = draw(st.sampled_from(NAMES))
    if name == "into" and bits == 64:
        name = "int"
    size = draw(st.sampled_from((16, 32) if bits != 64 else (16, 32, 64, 64)))
    one = Instruction(name, size, selector=draw(selectors(cpl)), vector={"int3": 3, "into": 4}.get(name, 0))
    if name in ("mov", "pop"):
        one.register = draw(st.sampled_from(("fs", "gs") if name == "pop" and bits == 64 else ("es", "ss", "ds", "fs", "gs")))
        if name == "pop" and bits == 64 and size == 32:
            one.size = 64
    elif name == "lxs":
        one.name = draw(st.sampled_from(("lss", "lfs", "lgs") if bits == 64 else ("lds", "les", "lss", "lfs", "lgs")))
    if name in ("lxs", "jmp", "call"):
        one.offset = draw(offsets(size == 64))
        one.direct = bits != 64 and draw(st.booleans())
    elif name == "retf":
        one.release = draw(st.sampled_from((0, 0, 2, 8, 0xFFFE)))
    elif name == "int":
        one.vector = draw(st.sampled_from((*range(0x20, 0x28), 3, 13)))
    one.code = one.encode(bits)
    return one


# ---- descriptors ------------------------------------------------------------------------------------------------------------

def selectors(cpl: int):
    """Mostly of a descriptor that is there, with RPL = CPL."""
    return st.builds(lambda place, rpl: place | rpl,
                     st.sampled_from((*range(0x30, 0x80, 8),) * 2 + (0, 0x08, 0x10, 0x18, 0x20, 0x28, 0x80, 0x1000,
                                                                     4, 0x0C, 0x14, 0x1C, 0x24, 0x2C)),
                     st.sampled_from((cpl,) * 4 + (0, 1, 2, 3)))


def offsets(wide: bool):
    return st.builds(lambda low, high: low | high << 32, st.sampled_from(OFFSETS), st.sampled_from(HIGH if wide else (0,)))


@st.composite
def descriptors(draw, cpl: int, ia32e: bool, wide: bool):
    """A number: a descriptor of any kind that may do something for ring cpl; of 16 bytes (wide) where S = 0."""
    kind = draw(st.sampled_from(("code",) * 4 + ("data",) * 3 + ("gate",) * 4 + ("system", "any")))
    dpl = draw(st.sampled_from((cpl,) * 3 + (0, 0, 1, 2, 3, 3)))
    access = dpl << 5 | draw(st.sampled_from((0x80,) * 9 + (0,)))
    if kind in ("code", "data"):
        access |= draw(st.integers(0, 7)) | (0x18 if kind == "code" else 0x10)
        # G D L: in IA-32e mode D L = 0 1 is 64-bit code, 1 1 is no code at all
        access |= draw(st.sampled_from((0xA, 0xA, 0xC, 0x2, 0x4, 0x8, 0x0, 0x6) if ia32e else (0xC, 0xC, 0x4, 0x8, 0x0))) << 12
        return descriptor(access, draw(st.sampled_from(BASES)), draw(st.sampled_from(LIMITS)))
    high = draw(st.sampled_from((0,) * 15 + (0x1F00,))) << 96 if wide else 0
    if kind == "gate":
        kinds = (CALL32,) * 3 + (TASK_GATE,) if ia32e else (CALL16, CALL32, CALL32, TASK_GATE)
        return high | gate(access | draw(st.sampled_from(kinds)), draw(selectors(cpl)), draw(offsets(wide)),
                           draw(st.sampled_from((0, 0, 1, 3, 31))))
    access |= draw(st.integers(0, 15)) if kind == "any" else draw(st.sampled_from((LDT, LDT, 1, TSS32, BUSY16, BUSY32)))
    return high | descriptor(access, draw(st.sampled_from((LDT_BASE, TSS))), draw(st.sampled_from((0x67, 0x2F, 0x1F, 0xFFFF))))


@st.composite
def gates(draw, cpl: int, ia32e: bool):
    """A gate of the IDT."""
    access = draw(st.sampled_from((3, 3, 3, cpl, 0, 1))) << 5 | draw(st.sampled_from((0x80,) * 9 + (0,)))
    kinds = (INTERRUPT32, 15) * 4 + (INTERRUPT16, TASK_GATE, CALL32) if ia32e else \
        (INTERRUPT16, 7, INTERRUPT32, 15) * 3 + (TASK_GATE, CALL32, CALL16, 0x1E)
    return gate(access | draw(st.sampled_from(kinds)), draw(st.one_of(st.just(0x08), selectors(cpl))), draw(offsets(ia32e)),
                draw(st.sampled_from((0, 0, 0, 1, 2, 7))))


# ---- the whole scene ----------------------------------------------------------------------------------------------------------

class Scene:
    """A processor before an instruction: `mode` (one of MODES), `state`, `instruction`."""

    def __init__(self, mode: str, state: State, instruction: Instruction):
        self.mode, self.state, self.instruction = mode, state, instruction

    def put(self, address: int, size: int, value: int) -> None:
        self.state.memory.write(address, size, value)

    def __repr__(self):
        """What a person looks for in an example that failed."""
        state, read = self.state, self.state.memory.read
        lines = [f"{self.mode}, ring {state.cpl}: {self.instruction}"]
        lines += [" ".join(f"{name}={value:x}" for name, value in state.registers.items())]
        lines += [f"{name:4} {s.selector:04x} {s.base:x} {s.limit:x} {s.access:x}" for name, s in state.segments.items()]
        lines += [f"GDTR {state.gdtr[1]:x} IDTR {state.idtr[1]:x}"]
        for name, table, count in (("GDT", GDT, 16), ("LDT", LDT_BASE, 9), ("IDT", IDT, 80), ("TSS", TSS, 13)):
            lines += [f"{name} {place - table:02x}: {read(place, 8):016x}" for place in range(table, table + 8 * count, 8)
                      if place in state.memory.content]
        return "\n".join(lines)

    def execute(self, state: State) -> None:
        self.instruction.execute(state)


def code_access(mode: str, dpl: int) -> int:
    """Access of the code that runs in this mode: readable, flat."""
    return {"64": 0xA000, "32": 0xC000, "compatibility 32": 0xC000}.get(mode, 0x8000) | 0x9B | dpl << 5


@st.composite
def scenes(draw, modes: tuple[str, ...] = MODES):
    """A Scene in one of these modes."""
    mode = draw(st.sampled_from(modes))
    real, ia32e, wide = mode == "real", mode[0] in "c6", mode == "64"
    cpl = 0 if real else draw(st.sampled_from((0, 0, 3, 3, 1, 2)))
    instruction = draw(instructions(mode, cpl))
    stack_pointer = draw(st.sampled_from(WIDE_STACKS if wide else STACKS))
    flags = 2 | cpl << 12 | draw(st.sampled_from((0, FLAG_IF))) | draw(st.sampled_from((0, FLAG_AC | 0xD5))) | \
        draw(st.sampled_from((0, 0, 0x3000))) | (FLAG_OF if instruction.name == "into" else 0) | \
        (draw(st.sampled_from((0,) * 15 + (FLAG_NT,))) if not real else 0)
    state = State(Memory(SPAN, NOP), {}, {
        "rax": 0xABCD0000 | instruction.selector, "rbx": POINTER + (CODE if wide else 0), "rsp": stack_pointer, "rip": START,
        "rflags": flags}, cpl, not real, ia32e)
    scene = Scene(mode, state, instruction)
    draw_segments(draw, scene, cpl)
    state.gdtr = GDT, draw(st.sampled_from((0xFF,) * 6 + (0x7F, 0x7E, 0x77, 0x57, 0x37)))
    count = 4 if real else 16 if ia32e else 8
    state.idtr = IDT, draw(st.sampled_from((0x28 * count - 1,) * 6 + (0x24 * count - 1, 0x24 * count - 2, 0x20 * count - 1,
                                                                     13 * count + 6)))
    if real:
        for vector in range(0x28):
            scene.put(IDT + 4 * vector, 4, draw(st.sampled_from((0x10004000, 0x10004000, 0x2000FFFF))) if vector >= 0x20 else
                      0x10004000)
    else:
        draw_tables(draw, scene, cpl)
    draw_stack(draw, scene, cpl)
    base = 0 if wide else state.segments["cs"].base
    start = (CODE if wide else 0) + START
    state.registers["rip"] = start
    scene.put(base + start, len(instruction.code), int.from_bytes(instruction.code, "little"))
    far = instruction.offset & (1 << instruction.size) - 1 | instruction.selector << instruction.size
    scene.put(base + start - START + POINTER, instruction.size // 8 + 2, far)
    return scene


def draw_segments(draw, scene, cpl):
    state, mode = scene.state, scene.mode
    if mode == "real":
        for name in SREG:
            state.segments[name] = Segment(0x2000, STACK, 0xFFFF, 0x93)
        state.segments["cs"] = Segment(0x1000, CODE, 0xFFFF, 0x93)
        state.segments["ldtr"], state.segments["tr"] = Segment(0, 0, 0xFFFF, 0x82), Segment(0, 0, 0xFFFF, 0x8B)
        return
    state.segments["cs"] = Segment(0x30 | cpl, 0 if mode == "64" else CODE, 0xFFFFFFFF, code_access(mode, cpl))
    big = draw(st.booleans())
    whole = 0xFFFFFFFF if big else 0xFFFF
    kind, limit = draw(st.sampled_from(((0x93, whole),) * 4 + ((0x93, 0x1003), (0x97, 0xFF7), (0x97, 0x7))))
    state.segments["ss"] = Segment(0x10 + 8 * cpl | cpl, STACK, limit, (0x4000 if big else 0) | kind | cpl << 5)
    if mode == "64" and cpl < 3 and draw(st.booleans()):
        state.segments["ss"] = Segment(cpl, access=cpl << 5)
    for name in ("es", "ds", "fs", "gs"):
        state.segments[name] = draw(st.sampled_from((
            Segment(), Segment(0x28 | cpl, 0, 0xFFFFFFFF, 0xC0F3),
            Segment(0x10 + 8 * cpl | cpl, 0x40000, 0xFFFF, 0x93 | cpl << 5),
            Segment(0x60 | cpl, 0, 0xFFFFF, 0xC09F))))
    state.segments["ldtr"] = draw(st.sampled_from((Segment(),) + (Segment(0x78, LDT_BASE, 0x2F, 0x82),) * 3))
    narrow = not state.ia32e and draw(st.integers(0, 3)) == 0
    limits = (0x2B, 0x2B, 0x0D, 5, 4) if narrow else (0x67,) * 6 + (0x2B, 0x1B, 0x0B, 0x0A, 0x09, 0x08)
    state.segments["tr"] = Segment(0x70, TSS, draw(st.sampled_from(limits)), 0x83 if narrow else 0x8B)


def draw_tables(draw, scene, cpl):
    """GDT, LDT, IDT and TSS."""
    ia32e, wide, put = scene.state.ia32e, scene.mode == "64" or scene.state.ia32e, scene.put
    handlers = 0xA09B if ia32e else 0xC09B
    put(GDT, 8, 0)
    put(GDT + 0x08, 8, descriptor(handlers, 0, 0xFFFFF))
    for level in range(4):
        put(GDT + 0x10 + 8 * level, 8, descriptor(0xC093 | level << 5, STACK, 0xFFFFF))
    put(GDT + 0x30, 8, descriptor(code_access(scene.mode, cpl), 0, 0xFFFFF))
    for table, first in ((GDT, 0x38), (LDT_BASE, 0x08)):
        place = first
        while place < first + 0x40:
            value = draw(descriptors(cpl, ia32e, wide))
            long = ia32e and not value >> 44 & 1 and draw(st.sampled_from((True, True, True, False)))
            put(table + place, 16 if long else 8, value)
            place += 16 if long else 8
    size = 16 if ia32e else 8
    for vector in range(0x28):
        value = gate(0x80 | INTERRUPT32, 0x08, HANDLER)
        if vector >= 0x20 or vector in (3, 4, 8, 10, 11, 12, 13) and draw(st.integers(0, 9)) == 9:
            value = draw(gates(cpl, ia32e))
        put(IDT + size * vector, size, value)
    draw_task(draw, scene, cpl)


def draw_task(draw, scene, cpl):
    put, tr = scene.put, scene.state.segments["tr"]
    put(TSS, 0x68, 0)
    put(TSS, 2, draw(selectors(cpl)))                           # the link
    if scene.state.ia32e:
        for place in (4, 12, 20, 36, 44, 84):
            put(TSS + place, 8, draw(st.sampled_from(WIDE_STACKS)))
        return
    for level in range(3):
        good = 0x10 + 8 * level | level
        ss, sp = draw(st.one_of(st.just(good), st.just(good), selectors(level))), draw(st.sampled_from(STACKS))
        if tr.type & 8:
            put(TSS + 4 + 8 * level, 4, sp)
            put(TSS + 8 + 8 * level, 4, ss)
        else:
            put(TSS + 2 + 4 * level, 2, sp)
            put(TSS + 4 + 4 * level, 2, ss)


def draw_stack(draw, scene, cpl):
    """What POP, RET and IRET find."""
    state, one = scene.state, scene.instruction
    if one.name not in ("pop", "retf", "iret"):
        return
    step, wide = one.size // 8, scene.mode == "64"
    if one.name == "pop":
        frame = [one.selector]
    else:
        outer = draw(st.sampled_from((cpl, cpl, 3)))
        frame = [draw(offsets(one.size == 64)), draw(st.one_of(st.just(0x30 | cpl), selectors(outer)))]
        if one.name == "iret":
            frame.append(draw(st.sampled_from((0x3F7FD7 & ~FLAG_VM, 2, 0x3202))) |
                         draw(st.sampled_from((0,) * 7 + (FLAG_VM if not state.ia32e else 0,))))
        frame += [None] * (one.release // step if one.release < 0x100 else 0)
        frame += [draw(st.sampled_from(WIDE_STACKS if wide else STACKS)),
                  draw(st.one_of(st.just(0x10 + 8 * outer | outer), selectors(outer)))]
        frame += [0x1234, 0x5678, 0x9ABC, 0xDEF0]               # ES DS FS GS of virtual-8086 mode
    segment, at = state.segments["ss"], state.registers["rsp"]
    for value in frame:
        place = at if wide else segment.base + (at & (0xFFFFFFFF if segment.big else 0xFFFF))
        if value is not None:
            scene.put(place, step, value)
        at += step
