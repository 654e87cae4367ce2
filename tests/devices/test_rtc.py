"""The MC146818 against its data sheet (Motorola ADI1025), and the CMOS bytes that firmware reads."""
from __future__ import annotations

import datetime

import pytest
from fake_board import Board

from x86.devices.rtc import Rtc

SECONDS, MINUTES, HOURS, WEEKDAY, DATE, MONTH, YEAR, A, B, C, D, CENTURY = 0, 2, 4, 6, 7, 8, 9, 10, 11, 12, 13, 0x32
SET, PIE, AIE, UIE, BINARY, H24 = 0x80, 0x40, 0x20, 0x10, 0x04, 0x02
IRQF, PF, AF, UF = 0x80, 0x40, 0x20, 0x10


@pytest.fixture
def board():
    """A board whose timer is silent: these tests last days."""
    board = Board()
    board.write(0x43, 0x30)
    return board


def read(board, register):
    board.write(0x70, register)
    return board.read(0x71)


def write(board, register, value):
    board.write(0x70, register)
    board.write(0x71, value)


def clock(board):
    return " ".join(f"{read(board, register):02x}" for register in (CENTURY, YEAR, MONTH, DATE, WEEKDAY, HOURS, MINUTES,
                                                                    SECONDS))


def set_time(board, *, control=H24, **fields):
    """Stop, set registers by name, go on."""
    write(board, B, SET | control)
    for name, value in fields.items():
        write(board, globals()[name], value)
    write(board, B, control)


# ---- time -----------------------------------------------------------------------------------------------------------

def test_it_starts_on_new_years_day_of_2026(board):
    assert clock(board) == "20 26 01 01 05 00 00 00"            # a Thursday
    board.run_seconds(59.5)
    assert read(board, SECONDS) == 0x59
    board.run_seconds(86400 + 3600)
    assert clock(board) == "20 26 01 02 06 01 00 59"


def test_another_start():
    board = Board(build=False)
    board.devices["pic"] = type("NoPic", (), {"set_irq": lambda self, number, level: None})()
    Rtc(board, datetime.datetime(1999, 12, 31, 23, 59, 58))
    board.run_seconds(1)
    assert clock(board) == "19 99 12 31 06 23 59 59"
    board.run_seconds(1)
    assert clock(board) == "20 00 01 01 07 00 00 00"            # a Saturday, and the century went along


@pytest.mark.parametrize("date, month, year, following", [
    (0x28, 0x02, 0x24, "29 02 24"), (0x29, 0x02, 0x24, "01 03 24"), (0x28, 0x02, 0x23, "01 03 23"),
    (0x28, 0x02, 0x00, "29 02 00"), (0x30, 0x04, 0x26, "01 05 26"), (0x31, 0x12, 0x99, "01 01 00")])
def test_calendar(board, date, month, year, following):
    set_time(board, DATE=date, MONTH=month, YEAR=year, HOURS=0x23, MINUTES=0x59, SECONDS=0x59)
    board.run_seconds(1.1)
    assert " ".join(f"{read(board, register):02x}" for register in (DATE, MONTH, YEAR)) == following
    assert read(board, HOURS) == read(board, MINUTES) == read(board, SECONDS) == 0


@pytest.mark.parametrize("control, hour, shown", [
    (H24, 0x00, 0x00), (H24, 0x13, 0x13), (H24 | BINARY, 13, 13), (0, 0x12, 0x12), (0, 0x81, 0x81), (BINARY, 0x8B, 0x8B)])
def test_hours_stay_what_was_set(board, control, hour, shown):
    set_time(board, control=control, HOURS=hour, MINUTES=0, SECONDS=0)
    board.run_seconds(2)
    assert read(board, HOURS) == shown


@pytest.mark.parametrize("hour, following", [(0x11, 0x92), (0x92, 0x81), (0x91, 0x12), (0x12, 0x01), (0x89, 0x90)])
def test_twelve_hours_with_am_and_pm(board, hour, following):
    set_time(board, control=0, HOURS=hour, MINUTES=0x59, SECONDS=0x59)
    board.run_seconds(1)
    assert read(board, HOURS) == following


def test_binary_mode(board):
    set_time(board, control=H24 | BINARY, HOURS=23, MINUTES=59, SECONDS=58, DATE=30, MONTH=11, YEAR=30, CENTURY=20)
    board.run_seconds(1)
    assert read(board, SECONDS) == 59
    board.run_seconds(1)
    assert [read(board, register) for register in (HOURS, MINUTES, SECONDS, DATE, MONTH, YEAR)] == [0, 0, 0, 1, 12, 30]


def test_set_stops_the_time(board):
    board.run_seconds(3.5)
    write(board, B, SET | H24)
    board.run_seconds(100)
    assert read(board, SECONDS) == 3
    assert not read(board, A) & 0x80
    write(board, SECONDS, 0x30)
    write(board, B, H24)
    board.run_seconds(10)
    assert read(board, SECONDS) == 0x40


def test_weekday_is_what_was_set(board):
    set_time(board, WEEKDAY=1)
    board.run_seconds(86400 * 8)
    assert read(board, WEEKDAY) == 2


def test_writing_while_it_runs(board):
    board.run_seconds(5.25)
    write(board, MINUTES, 0x42)
    board.run_seconds(1)
    assert clock(board) == "20 26 01 01 05 00 42 06"


def test_divider_reset_holds_the_time_and_the_first_second_is_a_half(board):
    board.run_seconds(2.9)
    write(board, A, 0x76)
    board.run_seconds(50)
    assert read(board, SECONDS) == 2
    write(board, A, 0x26)
    board.run_seconds(0.49)
    assert read(board, SECONDS) == 2
    board.run_seconds(0.02)
    assert read(board, SECONDS) == 3


@pytest.mark.parametrize("register, value", [(SECONDS, 0xFF), (MONTH, 0), (MONTH, 0xFF), (DATE, 0), (DATE, 0xFF), (CENTURY, 0),
                                             (CENTURY, 0xFF), (YEAR, 0xFF), (HOURS, 0xFF)])
def test_nonsense_is_survived(board, register, value):
    write(board, B, SET | H24)
    write(board, YEAR, 0)
    write(board, register, value)
    write(board, B, H24)
    before = clock(board)
    board.run_seconds(1)
    assert clock(board) != before


def test_update_in_progress(board):
    """UIP is set 244 us before the update and through its 1984 us, so that whoever sees it clear has 244 us."""
    board.run_seconds(0.5)
    assert not read(board, A) & 0x80
    board.run_seconds(0.5 - 0.0030)
    assert not read(board, A) & 0x80
    board.run_seconds(0.0010)
    assert read(board, A) & 0x80
    assert read(board, SECONDS) == 0
    board.run_seconds(0.0020)
    assert not read(board, A) & 0x80
    assert read(board, SECONDS) == 1
    assert read(board, A) == 0x26


# ---- flags and interrupts -------------------------------------------------------------------------------------------

def test_flags_are_set_without_interrupts_and_cleared_by_reading(pics):
    read(pics, C)
    pics.run_seconds(1.2)
    assert read(pics, C) == PF | UF
    assert read(pics, C) == 0
    assert not pics.intr


@pytest.mark.parametrize("rate, hertz", [(1, 256), (2, 128), (3, 8192), (6, 1024), (13, 8), (15, 2)])
def test_periodic_interrupt(pics, rate, hertz):
    write(pics, A, 0x20 | rate)
    write(pics, B, PIE | H24)
    read(pics, C)
    count, end = 0, pics.time + pics.clock.frequency * 3
    while (event := pics.clock.next()) is not None and event <= end:
        pics.time = event
        pics.clock.run_due()
        if pics.interrupt_taken() == 0x28:
            assert read(pics, C) & (IRQF | PF) == IRQF | PF
            pics.write(0xA0, 0x20)
            pics.write(0x20, 0x20)
            count += 1
    assert count == 3 * hertz


def test_an_interrupt_that_is_not_served_does_not_come_again(pics):
    write(pics, B, PIE | H24)
    pics.run_seconds(1)
    assert pics.interrupt_taken() == 0x28
    pics.write(0xA0, 0x20)
    pics.write(0x20, 0x20)
    pics.run_seconds(1)
    assert not pics.intr
    assert pics.clock.next() is None
    read(pics, C)
    pics.run_seconds(0.001)
    assert pics.intr


def test_update_ended_interrupt(pics):
    pics.run_seconds(0.3)
    write(pics, B, UIE | H24)
    read(pics, C)
    pics.run_seconds(0.69)
    assert not pics.intr
    pics.run_seconds(0.02)
    assert pics.interrupt_taken() == 0x28
    assert read(pics, C) & ~PF == IRQF | UF
    write(pics, B, UIE | SET | H24)
    assert read(pics, B) == SET | H24                            # SET clears UIE


@pytest.mark.parametrize("alarm, after", [
    ((0x05, 0x00, 0x00), 5), ((0x00, 0x01, 0x00), 60), ((0x30, 0xC0, 0xFF), 30), ((0xFF, 0xFF, 0xFF), 1),
    ((0x00, 0x00, 0xC5), 3600), ((0x00, 0x00, 0x00), 86400), ((0x15, 0xFF, 0x02), 7215)])
def test_alarm(pics, alarm, after):
    for register, value in zip((1, 3, 5), alarm):
        write(pics, register, value)
    write(pics, B, AIE | H24)
    pics.run_seconds(0.01)
    read(pics, C)
    pics.run_seconds(after - 0.02)
    assert not pics.intr
    pics.run_seconds(0.02)
    assert pics.interrupt_taken() == 0x28
    assert read(pics, C) & (IRQF | AF) == IRQF | AF
    assert read(pics, C) == 0


def test_an_alarm_that_cannot_be_never_comes(pics):
    write(pics, 5, 0x25)
    write(pics, B, AIE | H24)
    pics.run_seconds(3 * 86400)
    assert not pics.intr
    assert not read(pics, C) & AF


def test_an_alarm_in_binary_with_twelve_hours(pics):
    set_time(pics, control=BINARY, HOURS=0x80 | 11, MINUTES=59, SECONDS=50)
    for register, value in ((1, 0), (3, 0), (5, 12)):               # midnight
        write(pics, register, value)
    write(pics, B, AIE | BINARY)
    pics.run_seconds(11)
    assert read(pics, C) & AF


# ---- memory ---------------------------------------------------------------------------------------------------------

def test_memory_and_fixed_registers(board):
    for register in (0x0E, 0x0F, 0x40, 0x7F):
        write(board, register, register ^ 0xFF)
    assert [read(board, register) for register in (0x0E, 0x0F, 0x40, 0x7F)] == [0xF1, 0xF0, 0xBF, 0x80]
    write(board, D, 0)
    assert read(board, D) == 0x80
    assert board.read(0x70) == 0xFF


def test_bit_7_of_the_index_masks_nmi(board):
    board.write(0x70, 0x8F)
    assert board.devices["rtc"].nmi_masked
    board.write(0x71, 0x05)
    board.write(0x70, 0x0F)
    assert not board.devices["rtc"].nmi_masked
    assert board.read(0x71) == 0x05


def test_reset_keeps_time_and_memory_and_stops_interrupts(board):
    board.run_seconds(7)
    write(board, 0x0F, 0x0A)
    write(board, B, PIE | UIE | AIE | H24)
    board.devices["rtc"].reset()
    assert read(board, 0x0F) == 0x0A
    assert read(board, SECONDS) == 7
    assert read(board, B) == H24


MB, GB = 1 << 20, 1 << 30


@pytest.mark.parametrize("size, base, extended, above, high", [
    (1 * MB, 640, 0, 0, 0), (64 * MB, 640, 63 * 1024, 48 * 16, 0), (3 * GB, 640, 0xFFFF, (3 * GB - 16 * MB) >> 16, 0),
    (6 * GB, 640, 0xFFFF, (3 * GB - 16 * MB) >> 16, 3 * GB >> 16), (512 << 10, 512, 0, 0, 0)])
def test_memory_size(size, base, extended, above, high):
    board = Board(size)

    def number(register, length):
        return sum(read(board, register + place) << 8 * place for place in range(length))
    assert (number(0x15, 2), number(0x17, 2), number(0x30, 2), number(0x34, 2), number(0x5B, 3)) == \
        (base, extended, extended, above, high)
    assert sum(read(board, register) for register in range(0x10, 0x2E)) == read(board, 0x2E) << 8 | read(board, 0x2F)
