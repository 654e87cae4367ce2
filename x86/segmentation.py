"""Segments and privilege, to be read: what the processor checks before it loads a segment register, in plain Python.

A selector                     15                     3   2   1 0
                              +------------------------+----+-----+
                              |         index          | TI | RPL |      TI: 0 GDT, 1 LDT
                              +------------------------+----+-----+
the descriptor that it names   63    56  55  54  53  52  51 48  47  46 45  44  43 40  39     16  15      0
                              +--------+---+---+---+---+------+---+-------+---+------+---------+---------+
                              |  base  | G |D/B| L |AVL| limit| P |  DPL  | S | TYPE |  base   |  limit  |
                              +--------+---+---+---+---+------+---+-------+---+------+---------+---------+
and, with S = 0, a gate        63                       48          the same          36..32     selector  offset
                                    offset, high half                                 count     31     16  15   0

In IA-32e mode what has S = 0 is 16 bytes long: bits 95..64 are the upper half of the base, or of a gate's offset.

x86/transfers.py goes on with the far transfers. This is written after the manual and not after the core; a test holds the two
together. SDM Vol. 3, "Protected-Mode Memory Management" and "Protection"; Vol. 2, the pages of the instructions.
"""
from __future__ import annotations

from dataclasses import dataclass, field, replace

from x86.faults import GP, NP, SS, UD
from x86.registers import FLAG_VM, FLAG_ZF

# TYPE where S = 0; with IA-32e mode only these: LDT, TSS32 (which is the 64-bit TSS), CALL32, INTERRUPT32, TRAP32
TSS16, LDT, BUSY16, CALL16, TASK_GATE, INTERRUPT16, TRAP16 = range(1, 8)
TSS32, BUSY32, CALL32, INTERRUPT32, TRAP32 = 9, 11, 12, 14, 15
BUSY = 2
DATA_REGISTERS = ("es", "ds", "fs", "gs")


class Fault(Exception):
    """An exception of the processor: its vector, and its error code or None."""

    def __init__(self, vector: int, error: int | None = None):
        super().__init__(vector, error)
        self.vector, self.error = vector, error


class Unspecified(Exception):
    """The manual does not say what happens, or says it in two ways."""


class TaskSwitch(Exception):
    """The transfer goes to this task (the selector of its TSS); the checks before the switch have passed."""

    def __init__(self, selector: int):
        super().__init__(selector)
        self.selector = selector


class Rights:
    """What `access` says: bits 55..40 of a descriptor, without the limit's."""

    access: int

    type = property(lambda self: self.access & 15)
    system = property(lambda self: not self.access & 0x10)
    dpl = property(lambda self: self.access >> 5 & 3)
    present = property(lambda self: bool(self.access & 0x80))
    long = property(lambda self: bool(self.access & 0x2000))
    big = property(lambda self: bool(self.access & 0x4000))
    code = property(lambda self: self.access & 0x18 == 0x18)
    data = property(lambda self: self.access & 0x18 == 0x10)
    conforming = property(lambda self: self.access & 0x1C == 0x1C)
    expands_down = property(lambda self: self.access & 0x1C == 0x14)
    writable = property(lambda self: self.data and bool(self.access & 2))
    readable = property(lambda self: self.data or self.code and bool(self.access & 2))


@dataclass(frozen=True)
class Segment(Rights):
    """A segment register: the selector, and the hidden part that a load takes from the descriptor."""

    selector: int = 0
    base: int = 0
    limit: int = 0                              # of the last byte, scaled by G
    access: int = 0                             # 0: unusable

    @property
    def null(self) -> bool:
        return self.selector & 0xFFFC == 0

    def allows(self, offset: int, size: int) -> bool:
        """Whether `size` bytes at an offset lie inside the limit (outside, if the segment expands down)."""
        last = offset + size - 1
        if self.expands_down:
            return offset > self.limit and last <= (0xFFFFFFFF if self.big else 0xFFFF)
        return last <= self.limit


@dataclass(frozen=True)
class Descriptor(Rights):
    """Eight bytes of a table, or 16, as a number; `address` is linear."""

    value: int
    address: int = 0

    @property
    def access(self) -> int:
        return self.value >> 40 & 0xF0FF

    @property
    def base(self) -> int:
        return self.value >> 16 & 0xFFFFFF | self.value >> 32 & 0xFF000000 | self.value >> 32 & 0xFFFFFFFF << 32

    @property
    def limit(self) -> int:
        limit = self.value & 0xFFFF | self.value >> 32 & 0xF0000
        return limit << 12 | 0xFFF if self.access & 0x8000 else limit

    # of gates
    selector = property(lambda self: self.value >> 16 & 0xFFFF)
    count = property(lambda self: self.value >> 32 & 0x1F)      # parameters
    ist = property(lambda self: self.value >> 32 & 7)
    bits = property(lambda self: 32 if self.type & 8 else 16)   # of a gate or TSS outside IA-32e mode

    @property
    def offset(self) -> int:
        high = self.value >> 32 & 0xFFFF0000 if self.type & 8 else 0
        return self.value & 0xFFFF | high | self.value >> 32 & 0xFFFFFFFF << 32

    def loaded(self, selector: int) -> Segment:
        return Segment(selector, self.base, self.limit, self.access)


@dataclass
class Memory:
    """Linear memory of `span` bytes, which repeat over the whole address space."""

    span: int
    filler: int                                 # the byte that lies where none was written
    content: dict[int, int] = field(default_factory=dict, repr=False)

    def read(self, address: int, size: int) -> int:
        """The little-endian number of `size` bytes at a linear address."""
        return sum(self.content.get((address + at) % self.span, self.filler) << 8 * at for at in range(size))

    def write(self, address: int, size: int, value: int) -> None:
        for at in range(size):
            self.content[(address + at) % self.span] = value >> 8 * at & 0xFF

    @property
    def image(self) -> bytes:
        image = bytearray([self.filler]) * self.span
        for address, byte in self.content.items():
            image[address] = byte
        return bytes(image)


@dataclass
class State:
    """Registers that segmentation reads or changes. An instruction works on a copy, so that a fault leaves no trace."""

    memory: Memory
    segments: dict[str, Segment]                # es cs ss ds fs gs ldtr tr
    registers: dict[str, int]                   # rax, rsp, rip, rflags
    cpl: int = 0
    protected: bool = False                     # CR0.PE
    ia32e: bool = False                         # EFER.LMA
    gdtr: tuple[int, int] = (0, 0xFFFF)         # linear base, limit
    idtr: tuple[int, int] = (0, 0x3FF)

    def copy(self) -> State:
        return replace(self, memory=replace(self.memory, content=dict(self.memory.content)),
                       segments=dict(self.segments), registers=dict(self.registers))

    @property
    def bits(self) -> int:
        """Of the code: 16, 32 or 64."""
        cs = self.segments["cs"]
        return 64 if self.ia32e and cs.long else 32 if cs.big else 16

    @property
    def virtual(self) -> bool:
        """Virtual-8086 mode."""
        return bool(self.registers["rflags"] & FLAG_VM)

    @property
    def real(self) -> bool:
        """Whether a selector is a base: real mode and virtual-8086 mode."""
        return not self.protected or self.virtual


def canonical(address: int, size: int = 1) -> bool:
    """Whether bits 63..47 of all these bytes' addresses are the same."""
    return all(place >> 47 in (0, 0x1FFFF) for place in (address, address + size - 1 & (1 << 64) - 1))


# ---- descriptor tables ------------------------------------------------------------------------------------------------

def error_code(selector: int, external: int = 0) -> int:
    return selector & 0xFFFC | external


def is_null(selector: int) -> bool:
    return selector & 0xFFFC == 0


def fetch(state: State, selector: int, vector: int = GP, external: int = 0) -> Descriptor:
    """The eight bytes a selector names; out of the table's limit, or in an LDT that is not there: #GP(selector), or #TS."""
    base, limit = state.gdtr
    if selector & 4:
        table = state.segments["ldtr"]
        base, limit = table.base, (-1 if table.null else table.limit)
    if (selector | 7) > limit:
        raise Fault(vector, error_code(selector, external))
    address = base + (selector & 0xFFF8)
    return Descriptor(state.memory.read(address, 8), address)


def extended(state: State, selector: int, low: Descriptor) -> Descriptor:
    """All 16 bytes of a system descriptor of IA-32e mode. Bits 108..104 must be 0, or two descriptors would overlap."""
    limit = state.segments["ldtr"].limit if selector & 4 else state.gdtr[1]
    high = state.memory.read(low.address + 8, 8)
    if (selector | 7) + 8 > limit or high >> 40 & 0x1F:
        if not low.present:
            raise Unspecified("not present, and too long or of no type")
        raise Fault(GP, error_code(selector))
    return Descriptor(low.value | (high & 0xFFFFFFFF) << 64, low.address)


def mark(state: State, descriptor: Descriptor, bit: int = 1) -> Descriptor:
    """Set Accessed (or the TSS's Busy) in the table, and in what is loaded."""
    if not descriptor.access & bit:
        state.memory.write(descriptor.address + 5, 1, (descriptor.access | bit) & 0xFF)
    return Descriptor(descriptor.value | bit << 40, descriptor.address)


# ---- MOV, POP, LDS: data and stack segments -----------------------------------------------------------------------------

def load(state: State, register: str, selector: int) -> None:
    """MOV, POP, LDS, LES, LFS, LGS, LSS: one of es, ss, ds, fs, gs."""
    if state.real:
        state.segments[register] = replace(state.segments[register], selector=selector, base=selector << 4)
    elif register == "ss":
        load_stack(state, selector)
    else:
        load_data(state, register, selector)


def load_data(state: State, register: str, selector: int) -> None:
    rpl = selector & 3
    if is_null(selector):
        state.segments[register] = Segment(selector)            # loads; to use it is #GP
        return
    descriptor = fetch(state, selector)
    if descriptor.system or not descriptor.readable:
        raise Fault(GP, error_code(selector))
    if not descriptor.conforming and (rpl > descriptor.dpl or state.cpl > descriptor.dpl):
        raise Fault(GP, error_code(selector))
    if not descriptor.present:
        raise Fault(NP, error_code(selector))
    state.segments[register] = mark(state, descriptor).loaded(selector)


def null_stack(level: int, selector: int) -> Segment:
    """SS in 64-bit code above ring 3 may be null; it still says the privilege level."""
    return Segment(selector, access=level << 5)


def load_stack(state: State, selector: int) -> None:
    if is_null(selector):
        if state.bits != 64 or state.cpl == 3 or selector & 3 != state.cpl:
            raise Fault(GP, 0)
        state.segments["ss"] = null_stack(state.cpl, selector)
        return
    descriptor = fetch(state, selector)
    if selector & 3 != state.cpl or descriptor.system or not descriptor.writable or descriptor.dpl != state.cpl:
        raise Fault(GP, error_code(selector))
    if not descriptor.present:
        raise Fault(SS, error_code(selector))
    state.segments["ss"] = mark(state, descriptor).loaded(selector)


# ---- LLDT, LTR --------------------------------------------------------------------------------------------------------

def privileged(state: State) -> None:
    """LLDT and LTR are for protected mode and CPL 0."""
    if state.real:
        raise Fault(UD)
    if state.cpl:
        raise Fault(GP, 0)


def table_or_task(state: State, selector: int, types: tuple[int, ...]) -> Descriptor:
    if selector & 4:
        raise Fault(GP, error_code(selector))                   # it must be in the GDT
    descriptor = fetch(state, selector)
    if not descriptor.system or descriptor.type not in types:
        raise Fault(GP, error_code(selector))
    if state.bits == 64:
        descriptor = extended(state, selector, descriptor)
        if not canonical(descriptor.base):
            raise Unspecified("a base that is not canonical")
    elif state.ia32e:
        raise Unspecified("how long a system descriptor is in compatibility mode")
    if not descriptor.present:
        raise Fault(NP, error_code(selector))
    return descriptor


def lldt(state: State, selector: int) -> None:
    privileged(state)
    if is_null(selector):
        state.segments["ldtr"] = Segment(selector)
    else:
        state.segments["ldtr"] = table_or_task(state, selector, (LDT,)).loaded(selector)


def ltr(state: State, selector: int) -> None:
    privileged(state)
    if is_null(selector):
        raise Fault(GP, 0)
    descriptor = table_or_task(state, selector, (TSS32,) if state.ia32e else (TSS16, TSS32))
    state.segments["tr"] = mark(state, descriptor, BUSY).loaded(selector)


# ---- LAR, LSL, VERR, VERW: questions, answered by ZF --------------------------------------------------------------------

LAR_TYPES = (TSS16, LDT, BUSY16, CALL16, TASK_GATE, TSS32, BUSY32, CALL32)
LSL_TYPES = (TSS16, LDT, BUSY16, TSS32, BUSY32)
IA32E_TYPES = (LDT, TSS32, BUSY32, CALL32)
LAR_UNDEFINED = 0xF0000                         # bits of LAR's answer: where the descriptor has its limit


def visible(state: State, selector: int, types: tuple[int, ...] = ()) -> Descriptor | None:
    """The descriptor, if the selector's RPL and the CPL let a program know about it, and it is of S = 1 or these types."""
    if state.real:
        raise Fault(UD)
    try:
        descriptor = None if is_null(selector) else fetch(state, selector)
    except Fault:
        return None
    if descriptor is None or descriptor.system and \
            (descriptor.type not in types or state.ia32e and descriptor.type not in IA32E_TYPES):
        return None
    if not descriptor.conforming and descriptor.dpl < max(state.cpl, selector & 3):
        return None
    if descriptor.system and state.ia32e:
        try:
            return extended(state, selector, descriptor)
        except Fault:
            raise Unspecified("whether the second half is looked at") from None
    return descriptor


def answer(state: State, yes: bool) -> None:
    flags = state.registers["rflags"]
    state.registers["rflags"] = flags | FLAG_ZF if yes else flags & ~FLAG_ZF


def inquire(state: State, instruction: str, selector: int, size: int) -> None:
    """lar, lsl (into rAX, with an operand size of `size` bits), verr or verw."""
    descriptor = visible(state, selector, {"lar": LAR_TYPES, "lsl": LSL_TYPES}.get(instruction, ()))
    if descriptor is not None and instruction in ("verr", "verw"):
        if not (descriptor.readable if instruction == "verr" else descriptor.writable):
            descriptor = None
    answer(state, descriptor is not None)
    if descriptor is not None and instruction in ("lar", "lsl"):
        value = descriptor.value >> 32 & 0xFFFF00 if instruction == "lar" else descriptor.limit
        rax = state.registers["rax"]
        state.registers["rax"] = rax & ~0xFFFF | value & 0xFFFF if size == 16 else value


# ---- the stack --------------------------------------------------------------------------------------------------------

class Stack:
    """The end of a stack, as code of `bits` sees it through `segment`. What does not fit is #SS(error)."""

    def __init__(self, state: State, segment: Segment, pointer: int, bits: int, error: int = 0):
        self.state, self.segment, self.error, self.flat = state, segment, error, bits == 64
        self.mask = (1 << 64) - 1 if self.flat else 0xFFFFFFFF if segment.big else 0xFFFF
        self.whole, self.moved = pointer, pointer & self.mask

    @property
    def pointer(self) -> int:
        """What RSP becomes: of a 16-bit stack only SP moves, of a 32-bit stack ESP."""
        return self.whole & ~self.mask & (1 << 64) - 1 | self.moved if self.mask == 0xFFFF else self.moved

    def linear(self, offset: int, size: int) -> int:
        if self.flat:
            if not canonical(offset, size):
                raise Fault(SS, self.error)
            return offset
        if not self.segment.allows(offset, size):
            raise Fault(SS, self.error)
        return self.segment.base + offset & 0xFFFFFFFF

    def push(self, value: int, size: int) -> None:
        """size: bytes"""
        self.moved = self.moved - size & self.mask
        self.state.memory.write(self.linear(self.moved, size), size, value)

    def pop(self, size: int) -> int:
        value = self.peek(0, size)
        self.moved = self.moved + size & self.mask
        return value

    def peek(self, distance: int, size: int) -> int:
        """What lies `distance` bytes up."""
        return self.state.memory.read(self.linear(self.moved + distance & self.mask, size), size)


def stack(state: State, error: int = 0) -> Stack:
    """The stack that the state has."""
    return Stack(state, state.segments["ss"], state.registers["rsp"], state.bits, error)
