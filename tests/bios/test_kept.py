"""What a service does not answer with, it keeps: registers, flags but CF and ZF, the interrupt flag, the stack, and whoever
hooked the vector before it."""
from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from boot import layout
from boot.bios.service import SERVICES

ALL = ("eax", "ebx", "ecx", "edx", "esi", "edi", "ebp")
SEGMENT = 0x3000                        # DS and ES: 64 KB in which nothing lies
ELSEWHERE = {0x10, 0x13}                # which have tests of their own

#: where a service answers: (interrupt, function) -> registers, of which the parts that are not named are kept
ANSWERS = {
    (0x15, 0x2402): "cx", (0x15, 0x2403): "bx", (0x15, 0x5300): "bx cx", (0x15, 0x5302): "bx cx si di",
    (0x15, 0x5303): "ebx cx dx esi di", (0x15, 0x530A): "bx cx dx", (0x15, 0x530B): "bx cx", (0x15, 0x530C): "cx",
    (0x15, 0x5310): "bl cx", (0x15, 0x84): "bx cx dx", (0x15, 0x8A): "dx", (0x15, 0xC0): "es bx", (0x15, 0xC1): "es",
    (0x15, 0xC201): "bx", (0x15, 0xC204): "bh", (0x15, 0xC205): "bx", (0x15, 0xC206): "bl cl dl", (0x15, 0xC9): "cx",
    (0x15, 0xDA88): "bx cl", (0x15, 0xE801): "bx cx dx", (0x15, 0xE820): "eax ebx ecx", (0x15, 0xE881): "eax ebx ecx edx",
    (0x14, 0x05): "bl", (0x16, 0x0306): "bx", (0x16, 0x0A): "bx", (0x1A, 0x02): "cx dx", (0x1A, 0x04): "cx dx",
    (0x1A, 0xBB00): "eax", (0x1A, 0xB101): "bx cl edx edi", (0x1A, 0xB102): "bx", (0x1A, 0xB103): "bx", (0x1A, 0xB108): "cl",
    (0x1A, 0xB109): "cx", (0x1A, 0xB10A): "ecx", (0x1A, 0xB10E): "bx", (0x1A, None): "cx dx",       # AH=00h is guest code
}
PARTS = {letter + half: ("e" + letter + "x", 0xFF << shift) for letter in "abcd" for half, shift in (("l", 0), ("h", 8))}
PARTS |= {name[1:]: (name, 0xFFFF) for name in ALL} | {name: (name, 0xFFFFFFFF) for name in ALL}

REGISTERS = st.fixed_dictionaries({name: st.one_of(st.sampled_from((0, 1, 0xFFFFFFFF)), st.integers(0, 0xFFFFFFFF))
                                   for name in ALL})
FLAGS = st.integers(0, 0xFFFF).map(lambda flags: flags & 0x6D5 | 2)         # all but TF, NT and IOPL


def arguments(interrupt, function, drawn):
    """The registers for a service: what was drawn, but for what would make it wait or send."""
    registers = dict(drawn)
    ax = registers["eax"] & 0xFFFF
    if function is not None:
        ax = function if function >= 0x100 else function << 8 | ax & 0xFF
    registers["eax"] = registers["eax"] & 0xFFFF0000 | ax
    if function == 0xE820:
        registers |= {"edx": 0x534D4150, "ebx": registers["ebx"] % 10, "ecx": registers["ecx"] % 30}
    elif interrupt == 0x14:
        registers["edx"] = registers["edx"] & 0xFFFF0000 | 1
    elif function in (0x83, 0x86):
        registers |= {"ecx": registers["ecx"] & 0xFFFF0000, "edx": registers["edx"] & 0xFFFF0FFF}
    return registers


@settings(max_examples=8, deadline=None, phases=(Phase.explicit, Phase.generate),
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(REGISTERS, FLAGS)
def test_what_is_no_answer_is_kept(guest, drawn, flags):
    for interrupt, function in sorted((key for key in SERVICES if key[0] not in ELSEWHERE), key=str):
        registers = arguments(interrupt, function, drawn)
        if (interrupt, registers["eax"] >> 8 & 0xFF) == (0x15, 0x89):       # which does not come back
            continue
        guest.again()
        guest.call(0x16, ah=0x05, cx=0x1E61)                                # so that AH=00h need not wait
        guest.memory.write_u16(0x7C00, 0xBEEF)                              # above the stack
        after = guest.call(interrupt, limit=20_000_000, ds=SEGMENT, es=SEGMENT, flags=flags, **registers)
        ax = registers["eax"] & 0xFFFF
        key = next((interrupt, part) for part in (ax if ax > 0xFF else -1, ax >> 8, None) if (interrupt, part) in SERVICES)
        answers = ("ax " + ANSWERS.get(key, "")).split()
        for name in ALL:
            kept = 0xFFFFFFFF
            for part in answers:
                if part in PARTS and PARTS[part][0] == name:
                    kept &= ~PARTS[part][1]
            assert (getattr(after, name) ^ registers[name]) & kept == 0, f"INT {interrupt:X}h AX={ax:04X}: {name}"
        assert (after.ds, after.ss, after.sp) == (SEGMENT, 0, 0x7C00 - 2)
        assert after.es == SEGMENT or "es" in answers
        assert (after.flags ^ flags) & 0xFFFF & ~0x41 == 0 and guest.memory.read_u16(0x7C00) == 0xBEEF


def test_the_interrupts_of_the_hardware_keep_everything(guest):
    """IRQ 0 to 15, each while a program counts in all registers: it does not notice."""
    pic, bus = guest.machine.devices["pic"], guest.machine.bus
    bus.write(0x21, 0, 1)
    bus.write(0xA1, 0, 1)
    registers = {name: 0x11111111 * (index + 1) for index, name in enumerate(ALL)}
    guest.start(".a: nop\n        jmp .a\n", ds=0x1234, es=0x2345, **registers)
    for line in range(16):
        if line != 2:
            guest.machine.run(max_instructions=500)
            pic.set_irq(line, True)
            guest.machine.run(max_instructions=1000)
            pic.set_irq(line, False)
    guest.machine.run(max_instructions=1001)
    cpu = guest.cpu
    assert {name: getattr(cpu, name) for name in ALL} == registers
    assert (cpu.cs, cpu.ds, cpu.es, cpu.sp, cpu.if_) == (0, 0x1234, 0x2345, 0x7C00, 1)


def test_a_chain_of_hooks(guest):
    """As under DOS: resident programs that count, call the old handler with PUSHF and CALL FAR, or jump to it."""
    for index, vector in enumerate((0x08, 0x09, 0x13, 0x15, 0x16, 0x1C)):
        for level in (0, 1):
            place, counter = 0xA000 + 0x80 * index + 0x40 * level, 0x9100 + 4 * index + 2 * level
            segment, offset = guest.hook(vector, place)
            guest.memory.write_u16(counter, 0)
            call = f"        pushf\n        call {segment}:{offset}\n"
            back = "        iret\n" if vector in (0x08, 0x09, 0x1C) else "        db 0CAh, 2, 0\n"      # RETF 2: the flags stay
            way = call + back if level == 0 else f"        jmp {segment}:{offset}\n"
            guest.place(place, f"        inc word [cs:{counter}]\n" + way)
    guest.start(".a: hlt\n        jmp .a\n")
    guest.machine.keyboard.type_text("Ab")
    guest.machine.run(max_instructions=20_000_000)
    assert guest.call(0x16, ah=0x00).ax == 0x1E41 and guest.call(0x16, ah=0x10).ax == 0x3062
    assert guest.call(0x16, ah=0x01).zero == 1
    assert guest.call(0x15, ax=0x8800).carry == 0 and guest.call(0x15, ax=0x8F00).carry == 1
    assert guest.call(0x13, ax=0x0201, es=0x2000, bx=0, cx=1, dx=0x80).carry == 0
    counts = [guest.memory.read_u16(0x9100 + 2 * index) for index in range(12)]
    assert counts[::2] == counts[1::2] and min(counts) >= 1
    assert guest.memory.read_u32(layout.TICKS) and counts[10] == counts[0]
