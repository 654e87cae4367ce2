"""The local APIC and the I/O APIC, against the SDM's chapter and the 82093AA's data sheet: priorities, messages, the timer."""
from __future__ import annotations

import pytest
from fake_board import Board
from hypothesis import given, settings, strategies as st

from x86.devices import BOARDS
from x86.devices.apic import BASE

TPR, PPR, EOI, LDR, DFR, SVR, ISR, IRR, ESR, ICR = 0x80, 0xA0, 0xB0, 0xD0, 0xE0, 0xF0, 0x100, 0x200, 0x280, 0x300
LVT_TIMER, LINT0, LVT_ERROR, INITIAL, CURRENT, DIVIDE = 0x320, 0x350, 0x370, 0x380, 0x390, 0x3E0
MASKED, LEVEL, PERIODIC = 1 << 16, 1 << 15, 1 << 17


class Apics:
    """Both, on a board whose 8259s are masked."""

    def __init__(self):
        self.board = Board()
        self.apic, self.ioapic, self.pic = (self.board.devices[name] for name in ("apic", "ioapic", "pic"))
        self.board.write(0x43, 0x30)
        self.board.init_pics(mask=0xFFFF)
        self.write(SVR, 0x1FF)

    def read(self, register):
        return self.apic._read(register, 4)

    def write(self, register, value):
        self.apic._write(register, value, 4)

    def redirect(self, which, entry):
        for half in range(2):
            self.ioapic._write(0x00, 0x10 + 2 * which + half, 4)
            self.ioapic._write(0x10, entry >> 32 * half & 0xFFFF_FFFF, 4)

    def entry(self, which):
        value = 0
        for half in range(2):
            self.ioapic._write(0x00, 0x10 + 2 * which + half, 4)
            value |= self.ioapic._read(0x10, 4) << 32 * half
        return value

    def line(self, number, on):
        self.pic.set_irq(number, on)

    def take(self):
        """What the processor does on INTR: a vector, or None."""
        return self.board.interrupt_taken()

    def pending(self, register=IRR):
        return {32 * word + bit for word in range(8) for bit in range(32) if self.read(register + 16 * word) >> bit & 1}


@pytest.fixture
def apics():
    return Apics()


def test_boards():
    assert {"apic", "ioapic", "pci", "pm"} <= {chip.name for chip in BOARDS["pc"]}
    assert not {"apic", "ioapic", "pci", "pm"} & {chip.name for chip in BOARDS["minimal"]}


# ---- virtual wire ----------------------------------------------------------------------------------------------------

def test_the_8259s_pass_as_at_power_on():
    board = Board()
    board.write(0x43, 0x30)
    board.init_pics()
    board.devices["pic"].set_irq(1, True)
    assert board.intr and board.interrupt_taken() == 0x21 and not board.intr
    assert board.devices["apic"].isr == 0                   # such an interrupt is none of the APIC's: no EOI to it


def test_lint0_can_be_masked(apics):
    apics.board.init_pics()
    apics.write(LINT0, MASKED | 0x700)
    apics.line(1, True)
    assert not apics.board.intr
    apics.write(LINT0, 0x700)
    assert apics.take() == 0x21


def test_lint0_as_an_ordinary_interrupt(apics):
    apics.board.init_pics()
    apics.write(LINT0, 0x45)
    apics.line(1, True)
    assert apics.take() == 0x45 and apics.pending(ISR) == {0x45}


def test_the_8259s_through_input_0_of_the_io_apic(apics):
    apics.write(LINT0, MASKED)
    apics.board.init_pics()
    apics.line(1, True)
    assert not apics.board.intr
    apics.redirect(0, 0x700)
    assert apics.take() == 0x21


def test_a_local_apic_that_is_switched_off_leaves_the_8259s_alone(apics):
    apics.board.init_pics()
    apics.write(LINT0, MASKED)
    apics.board.cpu.apic_base &= ~0x800
    apics.apic.changed()
    apics.line(1, True)
    assert apics.take() == 0x21
    assert apics.read(SVR) == 0xFFFF_FFFF
    apics.board.cpu.apic_base |= 0x800
    apics.apic.changed()
    assert apics.read(SVR) == 0xFF and apics.read(LINT0) == MASKED      # as after reset, not as it was
    assert not apics.board.intr
    apics.write(SVR, 0xFF)                                  # the value of reset, with a request that is forgotten as well
    apics.apic.irr = 1 << 0x45
    apics.board.cpu.apic_base &= ~0x800
    apics.apic.changed()
    assert apics.apic.irr == 0


# ---- priorities ------------------------------------------------------------------------------------------------------

@given(st.lists(st.one_of(st.tuples(st.just("request"), st.integers(0, 255)), st.tuples(st.just("tpr"), st.integers(0, 255)),
                          st.just(("take", 0)), st.just(("eoi", 0))), max_size=40))
def test_priorities(actions):
    """Against the SDM's words: the highest class above PPR is delivered, EOI ends the highest in service."""
    apics = Apics()
    requested, served, tpr = set(), [], 0
    for what, value in actions:
        if what == "request":
            apics.write(ICR, 0x40000 | value)               # to itself
            if value >= 16:
                requested.add(value)
        elif what == "tpr":
            tpr = value
            apics.write(TPR, value)
            assert apics.board.cpu.cr8 == value >> 4
        elif what == "eoi":
            apics.write(EOI, 0)
            if served:
                served.remove(max(served))
        highest = max(requested, default=0)
        ppr = max(tpr >> 4, max(served, default=0) >> 4)
        assert apics.read(PPR) >> 4 == ppr
        assert apics.board.intr == (highest >> 4 > ppr)
        if what == "take" and apics.board.intr:
            assert apics.take() == highest
            requested.remove(highest)
            served.append(highest)
        assert (apics.pending(), apics.pending(ISR)) == (requested, set(served))


def test_cr8_is_the_upper_half_of_tpr(apics):
    apics.write(ICR, 0x40055)
    assert apics.board.intr
    apics.board.cpu.cr8 = 5
    apics.apic.changed()
    assert not apics.board.intr and apics.read(TPR) == 0x50
    apics.board.cpu.cr8 = 4
    apics.apic.changed()
    assert apics.take() == 0x55
    apics.write(TPR, 0x4F)
    apics.apic.changed()                                    # MOV to CR8 clears the lower half
    assert apics.read(TPR) == 0x40


def test_an_illegal_vector_is_an_error(apics):
    apics.write(LVT_ERROR, 0x66)
    apics.write(ICR, 0x40005)
    assert apics.take() == 0x66
    assert apics.read(ESR) == 0
    apics.write(ESR, 0)
    assert apics.read(ESR) == 1 << 5
    apics.write(ESR, 0)
    assert apics.read(ESR) == 0


def test_software_disable_masks_the_table_and_refuses_messages(apics):
    apics.write(LVT_TIMER, 0x40)
    apics.write(SVR, 0x0FF)
    assert apics.read(LVT_TIMER) == MASKED | 0x40
    apics.write(LVT_TIMER, 0x40)
    assert apics.read(LVT_TIMER) == MASKED | 0x40
    apics.redirect(5, 0x50)
    apics.line(5, True)
    assert apics.pending() == set()


# ---- the I/O APIC ----------------------------------------------------------------------------------------------------

def test_an_edge_gives_one_message_and_is_lost_while_masked(apics):
    apics.redirect(4, 0x54)
    apics.line(4, True)
    assert apics.take() == 0x54
    apics.write(EOI, 0)
    assert apics.take() is None
    apics.line(4, False)
    apics.redirect(4, MASKED | 0x54)
    apics.line(4, True)
    apics.redirect(4, 0x54)
    assert apics.take() is None


def test_irq_0_is_input_2(apics):
    apics.redirect(2, 0x30)
    apics.line(0, True)
    assert apics.take() == 0x30


def test_a_level_comes_again_until_it_has_gone(apics):
    apics.redirect(11, LEVEL | 0x5B)
    apics.line(11, True)
    assert apics.take() == 0x5B and apics.entry(11) & 1 << 14
    assert apics.take() is None
    apics.write(EOI, 0)
    assert apics.take() == 0x5B
    apics.line(11, False)
    apics.write(EOI, 0)
    assert apics.take() is None and not apics.entry(11) & 1 << 14
    apics.redirect(11, MASKED | LEVEL | 0x5B)
    apics.line(11, True)
    assert apics.take() is None
    apics.redirect(11, LEVEL | 0x5B)                        # a level is not lost
    assert apics.take() == 0x5B


@pytest.mark.parametrize("entry, ldr, dfr, arrives", [
    (0x00 << 56, 0, 0xFFFFFFFF, True), (0x01 << 56, 0, 0xFFFFFFFF, False), (0xFF << 56, 0, 0xFFFFFFFF, True),
    (0x02 << 56 | 0x800, 0x02, 0xFFFFFFFF, True), (0x04 << 56 | 0x800, 0x02, 0xFFFFFFFF, False),
    (0x31 << 56 | 0x800, 0x31, 0x0FFFFFFF, True), (0x21 << 56 | 0x800, 0x31, 0x0FFFFFFF, False),
])
def test_destinations(apics, entry, ldr, dfr, arrives):
    apics.write(LDR, ldr << 24)
    apics.write(DFR, dfr)
    apics.redirect(6, entry | 0x56)
    apics.line(6, True)
    assert (apics.take() == 0x56) == arrives


@pytest.mark.parametrize("register, value", [(SVR, 0x1FF), (LDR, 0x02 << 24)])
def test_a_level_that_nobody_accepted_is_sent_again(apics, register, value):
    apics.write(SVR, 0x0FF if register == SVR else 0x1FF)
    apics.redirect(11, 0x02 << 56 | 0x800 | LEVEL | 0x5B)
    apics.write(LDR, 0x02 << 24 if register == SVR else 0x04 << 24)
    apics.line(11, True)
    assert not apics.board.intr and not apics.entry(11) & 1 << 14
    apics.write(register, value)
    assert apics.entry(11) & 1 << 14 and apics.take() == 0x5B


def test_nmi(apics):
    apics.redirect(6, 0x400)
    apics.line(6, True)
    assert ("nmi", None) in apics.board.requests and apics.take() is None


@pytest.mark.parametrize("lint1, enabled, found", [
    (0x400, True, "nmi"), (MASKED | 0x400, True, None), (0x62, True, 0x62), (MASKED | 0x400, False, "nmi")])
def test_the_nmi_input_is_lint1(apics, lint1, enabled, found):
    apics.write(LINT0 + 0x10, lint1)
    if not enabled:
        apics.board.cpu.apic_base &= ~0x800
        apics.apic.changed()
    apics.apic.nmi()
    assert apics.board.requests == ([("nmi", None)] if found == "nmi" else [])
    assert apics.take() == (found if found != "nmi" else None)


def test_version_and_number_of_inputs(apics):
    apics.ioapic._write(0x00, 1, 4)
    assert apics.ioapic._read(0x10, 4) == 23 << 16 | 0x11
    assert apics.apic._read(0x30, 4) >> 16 == 5 and BASE == 0xFEE00000


# ---- the timer -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("code, divisor", [(0b0000, 2), (0b0001, 4), (0b0010, 8), (0b0011, 16), (0b1000, 32), (0b1001, 64),
                                           (0b1010, 128), (0b1011, 1)])
def test_one_shot(apics, code, divisor):
    apics.write(DIVIDE, code)
    apics.write(LVT_TIMER, 0x40)
    apics.write(INITIAL, 1000)
    assert apics.read(CURRENT) == 1000
    apics.board.run(10 * divisor)
    assert apics.read(CURRENT) == 990
    apics.board.run(990 * divisor - 1)
    assert apics.read(CURRENT) == 1 and apics.take() is None
    apics.board.run(1)
    assert apics.read(CURRENT) == 0 and apics.take() == 0x40
    apics.write(EOI, 0)
    apics.board.run(10_000 * divisor)
    assert apics.take() is None


def test_periodic(apics):
    apics.write(DIVIDE, 0b1011)
    apics.write(LVT_TIMER, PERIODIC | 0x40)
    apics.write(INITIAL, 1000)
    taken = 0
    for _ in range(55):
        apics.board.run(100)
        if apics.take() == 0x40:
            taken += 1
            apics.write(EOI, 0)
    assert taken == 5 and apics.read(CURRENT) == 500
    apics.write(LVT_TIMER, PERIODIC | MASKED | 0x40)        # it goes on counting
    apics.board.run(1100)
    assert apics.read(CURRENT) == 400 and apics.take() is None
    apics.write(INITIAL, 0)
    apics.write(LVT_TIMER, PERIODIC | 0x40)
    apics.board.run(5000)
    assert apics.take() is None and apics.read(CURRENT) == 0


def test_a_count_of_one_does_not_stop_the_host_at_every_instruction(apics):
    apics.write(DIVIDE, 0b1011)
    apics.write(LVT_TIMER, PERIODIC | 0x40)
    apics.write(INITIAL, 1)
    stops = []
    called = apics.apic.timer
    apics.apic.timer = lambda: (stops.append(apics.board.time), called())
    apics.board.run(1000)
    assert stops == list(range(50, 1001, 50)) and apics.read(CURRENT) == 1
    assert apics.take() == 0x40


@settings(max_examples=30)
@given(st.integers(0, 60), st.integers(0, 60))
def test_snapshots_in_the_middle(before, after):
    apics = Apics()
    apics.write(DIVIDE, 0b1011)
    apics.write(LVT_TIMER, PERIODIC | 0x40)
    apics.write(INITIAL, 7)
    apics.redirect(11, LEVEL | 0x5B)
    apics.line(11, True)
    apics.board.run(before)
    state = apics.board.snapshot()

    def onwards():
        found = []
        for _ in range(after):
            apics.board.run(1)
            found.append((apics.take(), apics.read(CURRENT)))
            if apics.apic.isr:
                apics.write(EOI, 0)
        return found
    first = onwards()
    apics.board.restore(state)
    assert onwards() == first


OFFSETS = st.one_of(st.integers(0, 0x3F).map(lambda each: 16 * each), st.integers(0, 0xFF8))
VALUES = st.sampled_from((None, 0x20054, 0x8055, 0x1FF, 1, 0x40066, 0x11))
ACCESSES = st.lists(st.tuples(st.sampled_from(("apic", "ioapic")), OFFSETS, st.sampled_from((1, 2, 4, 4, 4, 8)), VALUES,
                              st.integers(0, 17)), max_size=25)


@settings(max_examples=40)
@given(ACCESSES, ACCESSES)
def test_whatever_is_read_and_written_comes_back(before, after):
    """Registers, and what is between them; value None is a read. Then an interrupt line changes, or time passes."""
    apics = Apics()

    def play(accesses):
        seen = []
        for name, offset, size, value, line in accesses:
            device = getattr(apics, name)
            if value is None:
                seen.append(device._read(offset, size))
            else:
                device._write(offset, value & (1 << 8 * size) - 1, size)
            if line < 16:
                apics.line(line, bool(value))
            else:
                apics.board.run(60)
            seen.append((apics.board.intr, apics.take() if line & 1 else None, apics.board.cpu.cr8))
        return seen, apics.apic.snapshot(), apics.ioapic.snapshot()
    play(before)
    state, cr8 = apics.board.snapshot(), apics.board.cpu.cr8
    first = play(after)
    apics.board.cpu.cr8 = cr8
    apics.board.restore(state)
    apics.apic.update()                                     # the processor's INTR is in its own snapshot
    assert play(after) == first
