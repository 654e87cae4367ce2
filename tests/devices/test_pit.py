"""The 8254 against its data sheet (Intel 231164): modes, counts, latches, gate; and port 61h."""
from __future__ import annotations

import pytest

HERTZ = 1_193_182


class Timer:
    """The timer of a board, in cycles of its input clock."""

    def __init__(self, board):
        self.board = board
        self.to(1)

    @property
    def cycle(self):
        return self.board.time * HERTZ // self.board.clock.frequency

    def to(self, cycle):
        """Let time pass up to the first tick of a cycle."""
        self.board.run(-(-cycle * self.board.clock.frequency // HERTZ) - self.board.time)

    def advance(self, cycles):
        self.to(self.cycle + cycles)

    def program(self, channel, mode, count, access=3, bcd=0):
        self.board.write(0x43, channel << 6 | access << 4 | mode << 1 | bcd)
        for part in {1: (count,), 2: (count >> 8,), 3: (count & 0xFF, count >> 8)}[access]:
            self.board.write(0x40 + channel, part & 0xFF)

    def count(self, channel):
        """The count, latched and read in two bytes."""
        self.board.write(0x43, channel << 6)
        return self.board.read(0x40 + channel) | self.board.read(0x40 + channel) << 8

    def status(self, channel):
        self.board.write(0x43, 0xE0 | 2 << channel)
        return self.board.read(0x40 + channel)

    def out(self, channel):
        return self.status(channel) >> 7

    def gate(self, on):
        self.board.write(0x61, on)

    def wave(self, channel, cycles):
        """OUT in each of the next cycles."""
        levels = []
        for _ in range(cycles):
            self.advance(1)
            levels.append(self.out(channel))
        return "".join(map(str, levels))


@pytest.fixture
def timer(board):
    return Timer(board)


# ---- waves: the count is loaded in the first cycle after it was written ----------------------------------------------

@pytest.mark.parametrize("channel", [0, 1])
@pytest.mark.parametrize("mode, count, wave", [
    (0, 4, "0000" "11111111"),                  # low until N cycles after the load
    (2, 4, "1110" "1110" "1110"),               # low while the count is 1
    (3, 4, "1100" "1100" "1100"),
    (3, 5, "11100" "11100" "11"),               # the high half is the longer one
    (4, 3, "1110" "11111111"),                  # one strobe, N + 1 cycles after the write
    (1, 3, "111111111111"), (5, 3, "111111111111"),     # a gate that never rises triggers nothing
])
def test_waves(timer, channel, mode, count, wave):
    timer.program(channel, mode, count)
    assert timer.wave(channel, 12) == wave


@pytest.mark.parametrize("mode, wave", [(1, "1000" "1111"), (5, "1111" "0111")])
def test_a_rising_gate_triggers_modes_1_and_5(timer, mode, wave):
    timer.program(2, mode, 3)
    assert timer.wave(2, 3) == "111"
    timer.gate(1)
    levels = str(timer.out(2)) + timer.wave(2, 7)
    assert levels == wave
    timer.gate(0)
    timer.gate(1)                                       # and again
    assert str(timer.out(2)) + timer.wave(2, 7) == wave


@pytest.mark.parametrize("mode", [2, 3])
def test_a_low_gate_holds_modes_2_and_3_and_a_rising_one_starts_them_anew(timer, mode):
    timer.gate(1)
    timer.program(2, mode, 4)
    timer.advance(4)
    assert timer.out(2) == 0
    timer.gate(0)
    assert timer.wave(2, 5) == "11111"
    timer.gate(1)
    assert timer.wave(2, 8) == {2: "11101110", 3: "11001100"}[mode]


@pytest.mark.parametrize("mode", [0, 4])
def test_a_low_gate_stops_modes_0_and_4(timer, mode):
    timer.program(2, mode, 10)
    timer.advance(100)
    assert timer.count(2) == 10
    timer.gate(1)
    timer.advance(4)
    assert timer.count(2) == 6
    timer.gate(0)
    timer.advance(50)
    assert timer.count(2) == 6
    timer.gate(1)
    timer.advance(2)
    assert timer.count(2) == 4


# ---- counts ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("mode, count, after, value", [
    (0, 100, 1, 100), (0, 100, 31, 70), (0, 100, 101, 0), (0, 100, 103, 0xFFFE),        # it goes on counting
    (2, 100, 1, 100), (2, 100, 100, 1), (2, 100, 101, 100), (2, 100, 100 * 50 + 11, 90),
    (3, 100, 1, 100), (3, 100, 11, 80), (3, 100, 50, 2), (3, 100, 51, 100), (3, 100, 61, 80),
    (3, 101, 1, 100), (3, 101, 51, 0), (3, 101, 52, 100), (3, 101, 101, 2), (3, 101, 102, 100),
    (4, 100, 1, 100), (4, 100, 101, 0), (2, 0, 1, 0), (2, 0, 2, 0xFFFF), (0, 0, 65537, 0),
])
def test_what_is_read(timer, mode, count, after, value):
    timer.program(0, mode, count)
    timer.advance(after)
    assert timer.count(0) == value


@pytest.mark.parametrize("count, after, value", [(0x1234, 1, 0x1234), (0x1000, 2, 0x0999), (0x0000, 2, 0x9999),
                                                 (0x0003, 5, 0x9999)])
def test_decimal_counting(timer, count, after, value):
    timer.program(0, 0, count, bcd=1)
    timer.advance(after)
    assert timer.count(0) == value


def test_single_byte_accesses(timer):
    timer.program(0, 2, 0x40, access=1)
    timer.advance(1)
    assert timer.board.read(0x40) == 0x40
    timer.advance(1)
    assert timer.board.read(0x40) == 0x3F
    timer.program(0, 2, 0x1200, access=2)
    timer.advance(1)
    assert timer.board.read(0x40) == 0x12
    timer.advance(1)
    assert timer.board.read(0x40) == 0x11


def test_a_latched_count_stays_until_it_is_read(timer):
    timer.program(0, 2, 0x1000)
    timer.advance(1)
    timer.board.write(0x43, 0x00)
    timer.advance(0x123)
    timer.board.write(0x43, 0x00)                       # a second latch changes nothing
    assert timer.board.read(0x40) == 0x00
    timer.advance(5)
    assert timer.board.read(0x40) == 0x10
    assert timer.count(0) == 0x1000 - 0x128


def test_read_back_latches_several_and_the_status_comes_first(timer):
    timer.program(0, 2, 0x1000)
    timer.program(1, 3, 0x2000)
    timer.advance(2)
    timer.board.write(0x43, 0xC0 | 0x02 | 0x04)         # counts and status of counters 0 and 1
    timer.advance(100)
    assert [timer.board.read(0x40) for _ in range(3)] == [0x80 | 0x34, 0xFF, 0x0F]
    assert [timer.board.read(0x41) for _ in range(3)] == [0x80 | 0x36, 0xFE, 0x1F]


def test_null_count(timer):
    timer.board.write(0x43, 0x34)
    assert timer.status(0) & 0x40
    timer.board.write(0x40, 10)
    timer.board.write(0x40, 0)
    assert timer.status(0) & 0x40                       # written, and loaded by the next cycle
    timer.advance(1)
    assert not timer.status(0) & 0x40


def test_a_new_count_waits_for_the_end_of_the_period(timer):
    timer.program(0, 2, 10)
    timer.advance(4)                                    # three cycles into the period
    timer.board.write(0x40, 6)
    timer.board.write(0x40, 0)
    assert timer.status(0) & 0x40
    assert timer.wave(0, 6) == "111110"
    assert timer.wave(0, 12) == "111110111110"
    timer.program(0, 3, 8)
    timer.advance(2)
    timer.board.write(0x40, 4)
    timer.board.write(0x40, 0)
    assert timer.wave(0, 10) == "11" "00" "1100" "11"   # the half period is finished, and the low half is a new one


def test_the_first_byte_of_a_count_stops_mode_0(timer):
    timer.program(0, 0, 5)
    timer.advance(10)
    assert timer.out(0) == 1
    timer.board.write(0x40, 5)
    assert timer.out(0) == 0
    timer.advance(50)
    assert timer.out(0) == 0
    timer.board.write(0x40, 0)
    assert timer.wave(0, 6) == "000001"


# ---- interrupts -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("mode", [2, 3])
@pytest.mark.parametrize("count", [100, 11932, 0])
def test_irq_0_comes_once_a_period(board, mode, count):
    board.init_pics(mask=0xFFFE)
    timer = Timer(board)
    timer.program(0, mode, count)
    first, period = timer.cycle + 1, count or 65536
    for number in range(1, 6):
        due = first + number * period
        timer.to(due - 1)
        assert not board.intr
        timer.to(due)
        assert board.interrupt_taken() == 0x20
        board.write(0x20, 0x20)


def test_ticks_of_a_second(board):
    """18.2 a second, as every BIOS sets it; over a long time not one is lost."""
    board.init_pics(mask=0xFFFE)
    ticks = 0
    end = board.time + 100 * board.clock.frequency
    while board.clock.next() <= end:
        board.time = board.clock.next()
        board.clock.run_due()
        if board.interrupt_taken() is not None:
            board.write(0x20, 0x20)
            ticks += 1
    assert ticks == 100 * HERTZ // 65536


@pytest.mark.parametrize("mode, due", [(0, 51), (4, 52)])
def test_one_shots_interrupt_once(board, mode, due):
    board.init_pics(mask=0xFFFE)
    timer = Timer(board)
    timer.program(0, mode, 50)
    start = timer.cycle
    timer.to(start + due - 1)
    assert not board.intr
    timer.to(start + due)
    assert board.interrupt_taken() == 0x20
    board.write(0x20, 0x20)
    board.run_seconds(1)
    assert not board.intr
    assert board.clock.next() is None                   # nothing is left to wait for


# ---- port 61h -------------------------------------------------------------------------------------------------------

def test_port_61_is_how_loaders_measure_time(board):
    """Gate off, mode 0, count, gate on, and OUT2 rises after that many cycles: GRUB's and Linux's calibration."""
    timer = Timer(board)
    board.write(0x61, board.read(0x61) & 0x0C)
    timer.program(2, 0, 0xFFFF)
    board.write(0x61, board.read(0x61) | 0x01)
    start = timer.cycle
    timer.to(start + 0xFFFE)
    assert not board.read(0x61) & 0x20
    timer.advance(2)
    assert board.read(0x61) & 0x20


def test_port_61_reads_back_its_low_bits(board):
    board.write(0x61, 0xFF)
    assert board.read(0x61) & 0xCF == 0x0F
    board.write(0x61, 0x02)
    assert board.read(0x61) & 0xCF == 0x02


def test_refresh_toggles_every_15_microseconds(board):
    timer = Timer(board)
    seen = []
    for _ in range(18 * 10):
        seen.append(board.read(0x61) >> 4 & 1)
        timer.advance(1)
    assert sum(a != b for a, b in zip(seen, seen[1:])) == 10
