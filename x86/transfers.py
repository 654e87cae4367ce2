"""Far transfers, to be read: JMP, CALL, RET, INT, IRET and the delivery of exceptions, in plain Python.

                            same privilege                          more privileged, only through a gate
                    +-------------------------------+       +-----------------------------------------------+
    CALL            | CS RIP                        |       | SS RSP of the caller, parameters, CS RIP      |  on the
    interrupt       | RFLAGS CS RIP [error code]    |       | SS RSP of the program, RFLAGS CS RIP [error]  |  stack
    from 64-bit code| SS RSP RFLAGS CS RIP [error]  |       | the same                                      |  of the TSS
                    +-------------------------------+       +-----------------------------------------------+

RET and IRET take it off again, and only they lower the privilege. Every function changes a State or raises Fault; `step` runs
one instruction on a copy, delivers what it raises, and says what happened. What x86/segmentation.py is for loads, this is
for CS. SDM Vol. 2, the pages of these instructions; Vol. 3, "Interrupt and Exception Handling".
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from x86.faults import ABORTS, CONTRIBUTORY, DF, GP, NP, SS, TS, WITH_ERROR_CODE
from x86.registers import (FLAG_AC, FLAG_IF, FLAG_IOPL, FLAG_NT, FLAG_RF, FLAG_TF, FLAG_VIF, FLAG_VIP, FLAG_VM, FLAGS_FIXED)
from x86.segmentation import (BUSY16, BUSY32, CALL16, CALL32, DATA_REGISTERS, INTERRUPT16, INTERRUPT32, TASK_GATE, TRAP16,
                              TRAP32, TSS16, TSS32, Descriptor, Fault, Segment, Stack, State, TaskSwitch, Unspecified, canonical,
                              error_code, extended, fetch, is_null, mark, null_stack, stack)

ARITHMETIC = 0xCD5 | FLAG_TF | FLAG_NT          # CF PF AF ZF SF DF OF: what every IRET restores
WIDE = FLAG_RF | FLAG_AC | 1 << 21              # and with 32 bits RF AC ID
SHUTDOWN = -1                                   # instead of a vector: the processor gives up


# ---- the new CS ---------------------------------------------------------------------------------------------------------

def code_descriptor(state: State, selector: int, external: int = 0, null_error: int = 0) -> Descriptor:
    """The descriptor of a code segment, as far as all transfers ask."""
    if is_null(selector):
        raise Fault(GP, null_error)
    descriptor = fetch(state, selector, external=external)
    if not descriptor.code:
        raise Fault(GP, error_code(selector, external))
    return descriptor


def no_mode(state: State, descriptor: Descriptor) -> bool:
    """In IA-32e mode a code segment is 64-bit (L) or 32-bit (D), not both."""
    return state.ia32e and descriptor.long and descriptor.big


def enter(state: State, descriptor: Descriptor, selector: int, level: int, offset: int, external: int = 0) -> None:
    """The last check, of the offset; then CS, CPL and RIP."""
    long = state.ia32e and descriptor.long
    if not long and state.bits == 64 and state.registers["rsp"] >> 32:
        raise Unspecified("a stack above 4 GB in compatibility mode")
    if not long and offset >> 32:
        raise Unspecified("an offset of 64 bits for a segment of 32")
    if not (canonical(offset) if long else offset <= descriptor.limit):
        raise Fault(GP, external)
    state.segments["cs"] = mark(state, descriptor).loaded(selector & 0xFFFC | level)
    state.cpl = level
    state.registers["rip"] = offset


# ---- JMP and CALL -------------------------------------------------------------------------------------------------------

def transfer(state: State, selector: int, offset: int, size: int, call: bool, following: int) -> None:
    """JMP or CALL to selector:offset. size: bits of the operand; following: RIP of the next instruction."""
    offset &= (1 << size) - 1
    if state.real:
        cs = state.segments["cs"]
        if call:
            push(state, size // 8, cs.selector, following)
        if offset > cs.limit:
            raise Fault(GP, 0)
        state.segments["cs"] = replace(cs, selector=selector, base=selector << 4)
        state.registers["rip"] = offset
        return
    if is_null(selector):
        raise Fault(GP, 0)
    descriptor = fetch(state, selector)
    if descriptor.code:
        direct(state, descriptor, selector, offset, size, call, following)
    elif descriptor.system and descriptor.type in ((CALL32,) if state.ia32e else (CALL16, CALL32)):
        call_gate(state, descriptor, selector, call, following)
    elif descriptor.system and not state.ia32e and descriptor.type in (TSS16, BUSY16, TSS32, BUSY32, TASK_GATE):
        task(state, descriptor, selector)
    else:
        raise Fault(GP, error_code(selector))


def push(state: State, size: int, *values: int) -> None:
    """Push onto the present stack; size: bytes."""
    onto = stack(state)
    for value in values:
        onto.push(value, size)
    state.registers["rsp"] = onto.pointer


def direct(state, descriptor, selector, offset, size, call, following):
    """To a code segment: the privilege level stays."""
    if no_mode(state, descriptor):
        raise Fault(GP, error_code(selector))
    if descriptor.dpl > state.cpl if descriptor.conforming else selector & 3 > state.cpl or descriptor.dpl != state.cpl:
        raise Fault(GP, error_code(selector))
    if not descriptor.present:
        raise Fault(NP, error_code(selector))
    if call:
        push(state, size // 8, state.segments["cs"].selector, following)
    enter(state, descriptor, selector, state.cpl, offset)


def call_gate(state, gate, selector, call, following):
    if gate.dpl < state.cpl or gate.dpl < selector & 3:
        raise Fault(GP, error_code(selector))
    if state.ia32e:
        gate = extended(state, selector, gate)
    if not gate.present:
        raise Fault(NP, error_code(selector))
    descriptor = code_descriptor(state, gate.selector)
    level = state.cpl if descriptor.conforming else descriptor.dpl
    if descriptor.dpl > state.cpl or not call and level != state.cpl:
        raise Fault(GP, error_code(gate.selector))
    if state.ia32e and (not descriptor.long or descriptor.big):
        raise Fault(GP, error_code(gate.selector))              # a gate of IA-32e mode leads into 64-bit code
    if not descriptor.present:
        raise Fault(NP, error_code(gate.selector))
    size = 8 if state.ia32e else gate.bits // 8
    cs, ss, rsp = state.segments["cs"].selector, state.segments["ss"].selector, state.registers["rsp"]
    if call and level < state.cpl:
        old, parameters = stack(state), []
        if not state.ia32e:
            try:
                parameters = [old.peek(at * size, size) for at in range(gate.count)]
            except Fault:
                raise Unspecified("parameters beyond the old stack") from None
        new = inner_stack(state, level)
        for value in (ss, rsp, *reversed(parameters), cs, following):
            new.push(value, size)
        take(state, new)
    elif call:
        wide = 64 if state.ia32e else state.bits                # the target is 64-bit code: so is its stack
        same = Stack(state, state.segments["ss"], rsp, wide)
        same.push(cs, size)
        same.push(following, size)
        state.registers["rsp"] = same.pointer
    enter(state, descriptor, gate.selector, level, gate.offset)


def task(state, descriptor, selector):
    """A task gate, or a TSS itself. The switch is not modelled, only who may ask for it."""
    if descriptor.dpl < state.cpl or descriptor.dpl < selector & 3:
        raise Fault(GP, error_code(selector))
    if descriptor.type == TASK_GATE:
        if not descriptor.present:
            raise Fault(NP, error_code(selector))
        selector = descriptor.selector
    task_state_segment(state, selector)


def task_state_segment(state, selector, external=0):
    if selector & 4 or is_null(selector):
        raise Fault(GP, error_code(selector, external))
    descriptor = fetch(state, selector, external=external)
    if not descriptor.system or descriptor.type not in (TSS16, TSS32):
        raise Fault(GP, error_code(selector, external))         # busy, or no TSS
    if not descriptor.present:
        raise Fault(NP, error_code(selector, external))
    raise TaskSwitch(selector)


# ---- the stacks in the TSS ----------------------------------------------------------------------------------------------

def from_task(state: State, place: int, size: int, external: int) -> int:
    """The number of `size` bytes at a place in the TSS."""
    tr = state.segments["tr"]
    if place + size - 1 > tr.limit:
        raise Fault(TS, error_code(tr.selector, external))
    return state.memory.read(tr.base + place, size)


def inner_stack(state: State, level: int, external: int = 0, ist: int = 0) -> Stack:
    """The stack that the TSS has for a privilege level, checked; or the IST's."""
    if state.ia32e:
        place = 4 + 8 * level if not ist else 28 + 8 * ist
        pointer = from_task(state, place, 8, external)
        if not canonical(pointer):
            raise Fault(SS, external)
        return Stack(state, null_stack(level, level), pointer, 64, external)
    if state.segments["tr"].type & 8:
        place = 4 + 8 * level
        selector = from_task(state, place + 4, 2, external)
        pointer = from_task(state, place, 4, external)
    else:
        place = 2 + 4 * level
        selector = from_task(state, place + 2, 2, external)
        pointer = from_task(state, place, 2, external)
    if is_null(selector):
        raise Fault(TS, external)
    descriptor = fetch(state, selector, TS, external)
    if selector & 3 != level or descriptor.dpl != level or descriptor.system or not descriptor.writable:
        raise Fault(TS, error_code(selector, external))
    if not descriptor.present:
        raise Fault(SS, error_code(selector, external))
    return Stack(state, mark(state, descriptor).loaded(selector), pointer, 32, error_code(selector, external))


def take(state: State, new: Stack) -> None:
    """SS:RSP are those of this stack from now on."""
    state.segments["ss"] = new.segment
    state.registers["rsp"] = new.pointer if new.flat or new.segment.big else state.registers["rsp"] & ~0xFFFF | new.moved


# ---- RET and IRET -------------------------------------------------------------------------------------------------------

def far_return(state: State, size: int, release: int = 0) -> None:
    """RET far, with an operand size of `size` bits; `release` bytes of parameters."""
    frame, step = stack(state), size // 8
    offset, selector = frame.pop(step), frame.pop(step) & 0xFFFF
    if state.real:
        real_return(state, frame, selector, offset)
        frame.moved = frame.moved + release & frame.mask
        state.registers["rsp"] = frame.pointer
        return
    descriptor = return_code(state, selector)
    frame.moved = frame.moved + release & frame.mask
    if selector & 3 > state.cpl:
        pointer, ss = frame.pop(step), frame.pop(step) & 0xFFFF
        outer = return_stack(state, ss, selector & 3, descriptor)
        enter(state, descriptor, selector, selector & 3, offset)
        leave(state, outer, pointer, release)
    else:
        enter(state, descriptor, selector, state.cpl, offset)
        state.registers["rsp"] = frame.pointer


def real_return(state, frame, selector, offset):
    cs = state.segments["cs"]
    if offset > cs.limit:
        raise Fault(GP, 0)
    state.segments["cs"] = replace(cs, selector=selector, base=selector << 4)
    state.registers["rip"] = offset


def return_code(state: State, selector: int) -> Descriptor:
    """The code segment on the stack: of the privilege of its RPL, which is not above the present one."""
    descriptor = code_descriptor(state, selector)
    rpl = selector & 3
    wrong = descriptor.dpl > rpl if descriptor.conforming else descriptor.dpl != rpl
    if rpl < state.cpl or wrong or no_mode(state, descriptor):
        raise Fault(GP, error_code(selector))
    if not descriptor.present:
        raise Fault(NP, error_code(selector))
    return descriptor


def return_stack(state: State, selector: int, level: int, code: Descriptor) -> Segment:
    """The stack segment on the stack, for the level that is returned to."""
    if is_null(selector):
        if not (state.ia32e and code.long) or level == 3:
            raise Fault(GP, 0)
        if selector & 3 != level:
            raise Unspecified("a null SS of another level")
        return null_stack(level, selector)
    descriptor = fetch(state, selector)
    if selector & 3 != level or descriptor.system or not descriptor.writable or descriptor.dpl != level:
        raise Fault(GP, error_code(selector))
    if not descriptor.present:
        raise Fault(SS, error_code(selector))
    return mark(state, descriptor).loaded(selector)


def leave(state: State, ss: Segment, pointer: int, release: int = 0) -> None:
    """To the outer level: its stack, and no data segment that it may not have."""
    state.segments["ss"] = ss
    outer = Stack(state, ss, pointer, state.bits)
    outer.moved = outer.moved + release & outer.mask
    if outer.mask == 0xFFFF:                                    # of a 16-bit stack only SP is loaded
        state.registers["rsp"] = state.registers["rsp"] & ~0xFFFF | outer.moved
    else:
        state.registers["rsp"] = outer.pointer
    for name in DATA_REGISTERS:
        segment = state.segments[name]
        if not segment.null and segment.dpl < state.cpl and not segment.conforming:
            state.segments[name] = Segment()


def iret(state: State, size: int) -> None:
    """IRET, with an operand size of `size` bits."""
    frame, step, cpl, flags = stack(state), size // 8, state.cpl, state.registers["rflags"]
    if state.virtual:
        raise Unspecified("virtual-8086 mode")
    if state.protected and flags & FLAG_NT:
        if state.ia32e:
            raise Fault(GP, 0)
        back_to_task(state)
    offset, selector, image = frame.pop(step), frame.pop(step) & 0xFFFF, frame.pop(step)
    if not state.protected:
        real_return(state, frame, selector, offset)
        state.registers["rsp"] = frame.pointer
        restore_flags(state, image, size, 0)
        return
    if size == 32 and image & FLAG_VM and not cpl and not state.ia32e:
        to_virtual(state, frame, offset, selector, image)
        return
    descriptor = return_code(state, selector)
    outer = selector & 3 > cpl
    if outer or state.bits == 64:
        pointer, ss = frame.pop(step), frame.pop(step) & 0xFFFF
        segment = return_stack(state, ss, selector & 3, descriptor)
        enter(state, descriptor, selector, selector & 3, offset)
        leave(state, segment, pointer)
    else:
        enter(state, descriptor, selector, cpl, offset)
        state.registers["rsp"] = frame.pointer
    restore_flags(state, image, size, cpl)


def restore_flags(state: State, image: int, size: int, cpl: int) -> None:
    """FLAGS from the stack, as far as the level of the IRET may: IF up to IOPL, IOPL itself at 0."""
    old = state.registers["rflags"]
    mask = ARITHMETIC
    if cpl <= old >> 12 & 3:
        mask |= FLAG_IF
    if not cpl:
        mask |= FLAG_IOPL
    if size > 16:
        mask |= WIDE | (FLAG_VIF | FLAG_VIP if not cpl and state.protected else 0)
    state.registers["rflags"] = old & ~mask | image & mask | FLAGS_FIXED


def back_to_task(state):
    """NT: IRET goes to the task that the TSS links to, which must be busy."""
    tr = state.segments["tr"]
    selector = state.memory.read(tr.base, 2)
    if selector & 4 or is_null(selector):
        raise Fault(TS, error_code(selector))
    descriptor = fetch(state, selector, TS)
    if not descriptor.system or descriptor.type not in (BUSY16, BUSY32):
        raise Fault(TS, error_code(selector))
    if not descriptor.present:
        raise Fault(NP, error_code(selector))
    raise TaskSwitch(selector)


def to_virtual(state, frame, offset, selector, image):
    """Into virtual-8086 mode: six more registers are on the stack."""
    pointer = frame.pop(4)
    for name, value in [(name, frame.pop(4) & 0xFFFF) for name in ("ss", "es", "ds", "fs", "gs")] + [("cs", selector)]:
        state.segments[name] = Segment(value, value << 4, 0xFFFF, 0xF3)
    if offset > 0xFFFF:
        raise Fault(GP, 0)
    state.cpl = 3
    state.registers.update(rip=offset, rsp=pointer, rflags=image & 0x3F7FD5 | FLAGS_FIXED)


# ---- INT and exceptions -------------------------------------------------------------------------------------------------

def interrupt(state: State, vector: int, back: int, error: int | None = None, software: bool = False,
              rflags: int | None = None) -> None:
    """Through the vector's gate. back: the RIP to return to; software: INT n, INT3 or INTO, to which the gate's DPL applies;
    rflags: what to push, if not the present ones."""
    image = state.registers["rflags"] if rflags is None else rflags
    external = 0 if software else 1
    if not state.protected:
        real_interrupt(state, vector, back)
        return
    wide = 16 if state.ia32e else 8
    code = 8 * vector + 2 + external
    base, limit = state.idtr
    if wide * vector + wide - 1 > limit:
        raise Fault(GP, code)
    address = base + wide * vector
    gate = Descriptor(state.memory.read(address, 8) | (state.memory.read(address + 8, 4) << 64 if state.ia32e else 0))
    types = (INTERRUPT32, TRAP32) if state.ia32e else (INTERRUPT16, TRAP16, INTERRUPT32, TRAP32, TASK_GATE)
    if not gate.system or gate.type not in types:
        raise Fault(GP, code)
    if software and gate.dpl < state.cpl:
        raise Fault(GP, code)
    if not gate.present:
        raise Fault(NP, code)
    if gate.type == TASK_GATE:
        task_state_segment(state, gate.selector, external)
    descriptor = code_descriptor(state, gate.selector, external, external)
    level = descriptor.dpl
    if level > state.cpl or state.ia32e and (not descriptor.long or descriptor.big):
        raise Fault(GP, error_code(gate.selector, external))
    if not descriptor.present:
        raise Fault(NP, error_code(gate.selector, external))

    if descriptor.conforming:
        level = state.cpl
    ss, rsp, cs = state.segments["ss"].selector, state.registers["rsp"], state.segments["cs"].selector
    if state.virtual and level:
        raise Fault(GP, error_code(gate.selector, external))
    change = level < state.cpl
    if change or state.ia32e and gate.ist:
        new = inner_stack(state, level, external, gate.ist if state.ia32e else 0)
        if not change:
            new.segment = state.segments["ss"]
    else:
        new = Stack(state, state.segments["ss"], rsp, 64 if state.ia32e else state.bits, external)
        if new.flat and not canonical(rsp):
            raise Unspecified("whether RSP itself must be canonical, or what is pushed")
    size = 8 if state.ia32e else gate.bits // 8
    if state.ia32e:
        new.moved &= ~15
    if state.virtual:
        for name in ("gs", "fs", "ds", "es"):
            new.push(state.segments[name].selector, size)
            state.segments[name] = Segment()
    for value in (*((ss, rsp) if change or state.ia32e else ()), image, cs, back, *(() if error is None else (error,))):
        new.push(value, size)
    state.registers["rflags"] &= ~(FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM | (0 if gate.type & 1 else FLAG_IF))
    enter(state, descriptor, gate.selector, level, gate.offset, external)
    if change:
        take(state, new)
    else:
        state.registers["rsp"] = new.pointer


def real_interrupt(state, vector, back):
    """Four bytes for each vector; no privilege, no error codes."""
    base, limit = state.idtr
    if 4 * vector + 3 > limit:
        raise Fault(GP, 0)
    push(state, 2, state.registers["rflags"], state.segments["cs"].selector, back)
    state.registers["rflags"] &= ~(FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF)
    entry = state.memory.read(base + 4 * vector, 4)
    state.segments["cs"] = replace(state.segments["cs"], selector=entry >> 16, base=entry >> 16 << 4)
    state.registers["rip"] = entry & 0xFFFF


# ---- one instruction ----------------------------------------------------------------------------------------------------

@dataclass
class Outcome:
    """What one instruction has led to."""

    state: State
    raised: list[tuple[int, int | None]]        # exceptions, in their order: vector, error code or None
    uncertain: set[int]                         # where an attempt that failed may have written before it did: stack, Accessed


def step(before: State, execute: Callable[[State], None]) -> Outcome:
    """Run `execute` on a copy of the state, and deliver the exceptions that this leads to.

    The last that was raised is (SHUTDOWN, None) where the delivery of a double fault has failed."""
    outcome = Outcome(before.copy(), [], set())
    fault = attempt(before, outcome, execute)
    delivering = None
    while fault is not None:
        if delivering == DF:
            outcome.raised.append((SHUTDOWN, None))
            return outcome
        if delivering in CONTRIBUTORY and fault.vector in CONTRIBUTORY:
            outcome.raised.append((fault.vector, fault.error))
            fault = Fault(DF, 0)
        error = fault.error if before.protected and fault.vector in WITH_ERROR_CODE else None
        outcome.raised.append((fault.vector, error))
        delivering = fault.vector
        # RF keeps a breakpoint on the instruction from coming twice
        image = before.registers["rflags"] | (0 if delivering in ABORTS else FLAG_RF)
        fault = attempt(before, outcome, lambda state, vector=delivering, error=error, image=image: interrupt(
            state, vector, before.registers["rip"], error, rflags=image))
    return outcome


def attempt(before: State, outcome: Outcome, execute: Callable[[State], None]) -> Fault | None:
    state = before.copy()
    try:
        execute(state)
    except Fault as fault:
        old = before.memory.content
        outcome.uncertain |= {at for at, byte in state.memory.content.items() if old.get(at, before.memory.filler) != byte}
        return fault
    outcome.state = state
    return None
