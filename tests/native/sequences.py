"""Short sequences of random instructions: flags that one leaves lazily and another reads, pairs that become one operation,
branches over what stands behind them; registers that x87, MMX, SSE and AVX pass on to each other."""
from __future__ import annotations

import random
from functools import cache

from encodings_of_forms import exists_in

from x86.isa import table

from .cases import MASK, State, absent, encoding_of, excluded, value
from .compare import APPROXIMATE, TRANSCENDENTAL
from .host import CODE_BYTES, START, Case
from .operands import Registers, has_extended

#            family: how often
FAMILIES = {"arithmetic": 8, "logic": 5, "shift": 4, "bits": 2, "multiply": 1, "conditional": 4, "move": 3, "convert": 1,
            "flags": 1, "exchange": 1, "stack": 1, "string": 1, "branch": 1}
LEFT_OUT = ("call", "ret", "jmp", "enter", "popf", "cmps", "scas")      # they leave the page, or end in many ways
ENCODINGS = 12                                          # of each form
FLOATING = "floating"                                   # all families with x87 or vector registers, in every third sequence
STATE = ("fpustate", "xsave")                           # ... but those that store all of them


@cache
def encodings_of(family, bits):
    """Instructions of a family to choose from: mostly on registers, since memory ends so many sequences in a fault."""
    choose, found = random.Random(f"{family} {bits}"), []
    for form in table.forms():
        if family_of(form) != family or form.mnemonic in LEFT_OUT or excluded(form) or absent(form) or not exists_in(form, bits):
            continue
        for _ in range(ENCODINGS):
            instruction = encoding_of(form, bits, choose)
            locked = instruction.prefixes & 1           # undefined almost everywhere
            cuts = family == "branch" and instruction.effective_size == 16      # EIP
            memory = form.modrm and instruction.mod != 3 and choose.random() < 0.8
            if not (locked or cuts or memory):
                found.append(instruction)
    return found


def family_of(form):
    if not has_extended(form) or form.family in STATE:
        return form.family
    return "" if form.mnemonic in TRANSCENDENTAL or APPROXIMATE.fullmatch(form.mnemonic) else FLOATING


@cache
def jumps(bits):
    return [instruction for instruction in encodings_of("branch", bits) if instruction.form.handler == "jcc"]


def sequences(seed, count, bits=64):
    """`count` cases of three to eight instructions, always the same ones for a seed."""
    choose = random.Random(f"{seed} {bits}")
    for _ in range(count):
        yield sequence(bits, choose)


def sequence(bits, choose):
    floating = encodings_of(FLOATING, bits) if choose.random() < 0.33 else None
    registers = Registers(choose, choose.choice(floating).form) if floating else None
    state, pieces, rip, previous = State(bits, choose, registers), [], START, ""
    for _ in range(choose.randint(3, 8)):
        if previous in ("arithmetic", "logic") and choose.random() < 0.3:
            instruction = choose.choice(jumps(bits))
        elif floating and choose.random() < 0.8:
            instruction = choose.choice(floating)
        else:
            family = choose.choices(list(FAMILIES), FAMILIES.values())[0]
            instruction = choose.choice(encodings_of(family, bits))
        if rip + instruction.length > START + CODE_BYTES:
            break
        pieces.append((instruction, bytearray(state.add(instruction, rip))))
        rip += instruction.length
        previous = instruction.form.family
    for index, (instruction, code) in enumerate(pieces):
        if instruction.form.family == "branch":         # over some of what stands behind it
            over = choose.randrange(len(pieces) - index)
            distance = sum(len(other) for _, other in pieces[index + 1:index + 1 + over])
            size = 1 if "cb" in instruction.form.immediates else 4
            code[-size:] = distance.to_bytes(size, "little")
    for number in range(16 if bits == 64 else 8):
        if choose.random() < 0.1:                       # the few edges again: equal operands, borrows
            state.gpr[number] = value(choose) & (MASK if bits == 64 else 0xFFFFFFFF)
    state.gpr[4] = choose.randrange(0x200100, 0x201F00, 8)
    return Case(b"".join(code for _, code in pieces), state.gpr, state.flags, state.memory, bits=bits, extended=state.extended())
