"""The 16550A against its data sheet (National Semiconductor PC16550D)."""
from __future__ import annotations

import pickle

import pytest
from fake_board import Board
from hypothesis import given, settings, strategies as st

BASE = 0x3F8
DATA, IER, IIR, FCR, LCR, MCR, LSR, MSR, SCR = 0, 1, 2, 2, 3, 4, 5, 6, 7


class Line:
    def __init__(self, board):
        self.board = board
        self.uart = board.devices["uart"]

    def read(self, register):
        return self.board.read(BASE + register)

    def write(self, register, value):
        self.board.write(BASE + register, value)

    def setup(self, divisor=1, lcr=0x03, mcr=0x0B, fcr=0x00, ier=0x00):
        self.write(LCR, 0x80)
        self.write(0, divisor & 0xFF)
        self.write(1, divisor >> 8)
        for register, value in ((LCR, lcr), (FCR, fcr), (MCR, mcr), (IER, ier)):
            self.write(register, value)


@pytest.fixture
def line(pics):
    return Line(pics)


def test_reset_values(line):
    assert [line.read(register) for register in (IER, IIR, LCR, MCR, LSR)] == [0, 0x01, 0, 0, 0x60]
    assert line.read(MSR) == 0xB0


def test_registers_read_back(line):
    for register, value, kept in ((SCR, 0xA5, 0xA5), (LCR, 0x5F, 0x5F), (MCR, 0xFF, 0x1F)):
        line.write(register, value)
        assert line.read(register) == kept
    line.write(MCR, 0)
    line.write(LCR, 0)
    line.write(IER, 0xFF)
    assert line.read(IER) == 0x0F


def test_divisor_latch(line):
    line.write(LCR, 0x83)
    line.write(0, 0x34)
    line.write(1, 0x12)
    assert (line.read(0), line.read(1)) == (0x34, 0x12)
    line.write(LCR, 0x03)
    assert line.read(IER) == 0
    assert line.uart.divisor == 0x1234
    assert line.uart.output == b""


def test_what_is_sent_is_there_at_once(line):
    seen = []
    line.uart.on_byte = seen.append
    for byte in "Grüße\n".encode():
        assert line.read(LSR) & 0x60 == 0x60
        line.write(DATA, byte)
    assert line.uart.text == "Grüße\n"
    assert bytes(seen) == line.uart.output == "Grüße\n".encode()
    line.write(DATA, 0xFF)
    assert line.uart.text == "Grüße\n\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("divisor, lcr, bits", [(1, 0x03, 10), (12, 0x03, 10), (12, 0x1F, 12), (96, 0x00, 7)])
def test_what_is_received_comes_at_the_lines_pace(line, divisor, lcr, bits):
    line.setup(divisor, lcr)
    character = bits * divisor / 115200
    line.uart.send(b"ab")
    line.board.run_seconds(character * 0.98)
    assert not line.read(LSR) & 0x01
    line.board.run_seconds(character * 0.04)
    assert line.read(LSR) & 0x01
    assert line.read(DATA) == ord("a")
    assert not line.read(LSR) & 0x01
    line.board.run_seconds(character * 1.01)
    assert line.read(DATA) == ord("b")


@pytest.mark.parametrize("fcr", [0x00, 0x01])
def test_a_slow_guest_loses_nothing(line, fcr):
    line.setup(fcr=fcr)
    text = bytes(range(32, 127))
    line.uart.send(text)
    got = bytearray()
    while len(got) < len(text):
        line.board.run_seconds(0.05)
        status = line.read(LSR)
        assert status & 0x03 == 0x01                    # data, and no overrun
        got.append(line.read(DATA))
    assert got == text


# ---- interrupts -----------------------------------------------------------------------------------------------------

def test_thr_empty_interrupt(line):
    line.setup(ier=0x02)
    assert line.read(IIR) == 0x02                       # enabling it while the THR is empty raises it
    assert line.read(IIR) == 0x01                       # reading IIR clears it
    assert line.board.interrupt_taken() is None
    line.write(DATA, 0x41)
    assert line.board.interrupt_taken() == 0x24
    assert line.read(IIR) == 0x02
    line.board.write(0x20, 0x20)
    line.write(DATA, 0x42)
    assert line.board.interrupt_taken() == 0x24         # a new edge, although nobody was waiting
    line.write(IER, 0)
    assert line.read(IIR) == 0x01


def test_each_byte_written_in_a_handler_asks_again(line):
    line.setup(ier=0x02)
    assert line.board.interrupt_taken() == 0x24
    line.write(DATA, 0x41)                              # IIR was not read: the line was high all the time
    line.board.write(0x20, 0x20)
    assert line.board.interrupt_taken() == 0x24


def test_received_data_interrupt(line):
    line.setup(ier=0x01)
    line.uart.send(b"x")
    line.board.run_seconds(0.001)
    assert line.board.interrupt_taken() == 0x24
    assert line.read(IIR) == 0x04
    assert line.read(DATA) == ord("x")
    assert line.read(IIR) == 0x01


@pytest.mark.parametrize("bits, level", [(0x00, 1), (0x40, 4), (0x80, 8), (0xC0, 14)])
def test_trigger_levels_and_time_out(line, bits, level):
    line.setup(fcr=0x01 | bits, ier=0x01)
    assert line.read(IIR) == 0xC1
    character = 10 / 115200
    line.uart.send(bytes(level))
    line.board.run_seconds(character * (level - 0.5))
    assert line.read(IIR) == 0xC1
    line.board.run_seconds(character)
    assert line.read(IIR) == 0xC4
    line.read(DATA)
    assert line.read(IIR) == 0xC1
    if level > 1:
        line.board.run_seconds(character * 3.5)
        assert line.read(IIR) == 0xC1
        line.board.run_seconds(character)
        assert line.read(IIR) == 0xCC                   # four character times without a movement
        assert line.board.interrupt_taken() == 0x24
        line.read(DATA)
        assert line.read(IIR) == 0xC1


def test_fifo_control(line):
    line.setup(fcr=0x01)
    line.uart.send(b"abc")
    line.board.run_seconds(0.01)
    line.write(FCR, 0x03)                               # clear the receiver
    assert not line.read(LSR) & 0x01
    assert line.read(IIR) & 0xC0 == 0xC0
    line.uart.send(b"abc")
    line.board.run_seconds(0.01)
    line.write(FCR, 0x00)                               # to switch the FIFOs off empties them as well
    assert not line.read(LSR) & 0x01
    assert line.read(IIR) & 0xC0 == 0


def test_priorities(line):
    """Line status, received data, THR empty, modem status."""
    line.setup(mcr=0x1B, ier=0x00)                      # loop
    line.read(MSR)
    line.write(DATA, 1)
    line.write(DATA, 2)                                 # overrun
    line.write(MCR, 0x18)                               # CTS and DSR change
    line.write(IER, 0x0F)
    order = [line.read(IIR)]
    line.read(LSR)
    order.append(line.read(IIR))
    line.read(DATA)
    order += [line.read(IIR), line.read(IIR)]
    line.read(MSR)
    order.append(line.read(IIR))
    assert order == [0x06, 0x04, 0x02, 0x00, 0x01]


def test_out2_is_the_gate(line):
    line.setup(mcr=0x03, ier=0x02)
    assert not line.board.intr
    assert line.read(LSR) & 0x20
    line.write(MCR, 0x0B)
    assert line.board.intr


# ---- loop -----------------------------------------------------------------------------------------------------------

def test_loop_mode(line):
    line.setup(mcr=0x10)
    for byte in b"loop":
        line.write(DATA, byte)
        assert line.read(LSR) & 0x01
        assert line.read(DATA) == byte
    assert line.uart.output == b""


@pytest.mark.parametrize("mcr, msr", [(0x01, 0x20), (0x02, 0x10), (0x04, 0x40), (0x08, 0x80), (0x0F, 0xF0), (0, 0)])
def test_modem_lines_in_loop_mode(line, mcr, msr):
    """DTR is DSR, RTS is CTS, OUT1 is RI, OUT2 is DCD."""
    line.write(MCR, 0x10 | mcr)
    assert line.read(MSR) & 0xF0 == msr


def test_deltas(line):
    line.write(MCR, 0x1F)
    line.read(MSR)
    line.write(MCR, 0x10)
    assert line.read(MSR) == 0x0F                       # all changed, and RI ended
    assert line.read(MSR) == 0x00
    line.write(MCR, 0x1F)
    assert line.read(MSR) == 0xFB                       # a ring that begins does not count


def test_overrun_keeps_the_fifo_and_replaces_the_register(line):
    line.setup(mcr=0x10)
    for byte in b"ab":
        line.write(DATA, byte)
    assert line.read(LSR) & 0x03 == 0x03
    assert line.read(LSR) & 0x02 == 0                   # reading clears it
    assert line.read(DATA) == ord("b")
    line.write(FCR, 0x01)
    for byte in range(18):
        line.write(DATA, byte)
    assert line.read(LSR) & 0x02
    assert [line.read(DATA) for _ in range(16)] == list(range(16))
    assert not line.read(LSR) & 0x01


def test_break_in_loop_mode(line):
    line.setup(mcr=0x10)
    line.write(LCR, 0x43)
    assert line.read(LSR) & 0x11 == 0x11
    assert line.read(DATA) == 0


# ---- the other end is patient ---------------------------------------------------------------------------------------

@given(st.lists(st.sampled_from(["read", "clear", "switch", "loop", "rts", "ier", "wait", "reset", "snapshot"]), max_size=40))
@settings(max_examples=40, deadline=None)
def test_whatever_a_guest_does_it_can_read_all_bytes_in_order(actions):
    board = Board()
    board.init_pics()
    line = Line(board)
    uart = line.uart
    line.setup(fcr=0x81)
    text = bytes(range(60))
    uart.send(text)
    got = bytearray()

    def read():
        if line.read(LSR) & 0x01 and not uart.mcr & 0x10:
            got.append(line.read(DATA))
    fcr, mcr, ier = 0x81, 0x0B, 0
    for action in actions:
        if action == "clear":
            line.write(FCR, fcr | 0x02)
        elif action == "switch":
            fcr ^= 0x81
            line.write(FCR, fcr)
        elif action == "loop":
            mcr ^= 0x10
            line.write(MCR, mcr)
        elif action == "rts":
            mcr ^= 0x02
            line.write(MCR, mcr)
        elif action == "ier":
            ier ^= 0x01
            line.write(IER, ier)
        elif action == "wait":
            board.run_seconds(0.001)
        elif action == "reset":
            uart.reset()
            fcr, mcr, ier = 0, 0, 0
        elif action == "snapshot":
            state, clock = pickle.loads(pickle.dumps((uart.snapshot(), board.clock.snapshot())))
            uart.reset()
            uart.restore(state)
            board.clock.restore(clock)
        else:
            read()
    line.setup(fcr=0x81)
    for _ in range(10 * len(text)):
        board.run_seconds(0.001)
        read()
    assert got == text


def test_a_cleared_receiver_is_empty(line):
    line.setup(fcr=0x01)
    line.uart.send(b"abc")
    line.board.run_seconds(0.01)
    line.write(FCR, 0x03)
    assert not line.read(LSR) & 0x01
    assert line.uart.input == b"abc"


def test_what_a_guest_sent_to_itself_does_not_come_again(line):
    line.setup(mcr=0x10, fcr=0x01)
    line.uart.send(b"line")
    for byte in b"loop":
        line.write(DATA, byte)
    line.board.run_seconds(0.01)
    assert [line.read(DATA) for _ in range(5)] == [*b"loop", 0]      # the line is cut off
    line.write(DATA, 0x55)
    line.write(FCR, 0x03)
    line.write(MCR, 0x03)
    line.board.run_seconds(0.01)
    assert bytes(line.read(DATA) for _ in range(4)) == b"line"
    assert not line.read(LSR) & 0x01


def test_rts_holds_the_other_end_back(line):
    line.setup(fcr=0x01, ier=0x01)
    line.write(MCR, 0x09)                               # DTR, OUT2: the guest has enough for now
    line.uart.send(b"x")
    line.board.run_seconds(1)
    assert not line.read(LSR) & 0x01
    line.write(MCR, 0x0B)
    line.board.run_seconds(0.001)
    assert line.read(DATA) == ord("x")


def test_a_guest_that_never_heard_of_rts_receives(line):
    line.setup(mcr=0x08, ier=0x01)
    line.uart.send(b"x")
    line.board.run_seconds(0.001)
    assert line.board.interrupt_taken() == 0x24
    assert line.read(DATA) == ord("x")


def test_text_in_pieces(line):
    for byte in "aß".encode()[:2]:
        line.write(DATA, byte)
    assert line.uart.text == "a\N{REPLACEMENT CHARACTER}"
    line.write(DATA, "ß".encode()[1])
    assert line.uart.text == "aß"
