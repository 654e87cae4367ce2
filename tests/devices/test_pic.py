"""The 8259As against their data sheet (Intel 231468): initialization, priorities, ends of interrupt, modes, cascade."""
from __future__ import annotations

import pytest

MASTER, SLAVE = 0x20, 0xA0


def raise_irq(board, *numbers):
    for number in numbers:
        board.devices["pic"].set_irq(number, True)


def lower_irq(board, *numbers):
    for number in numbers:
        board.devices["pic"].set_irq(number, False)


def irr(board, port=MASTER):
    board.write(port, 0x0A)
    return board.read(port)


def isr(board, port=MASTER):
    board.write(port, 0x0B)
    return board.read(port)


def eoi(board, *ports):
    for port in ports or (MASTER,):
        board.write(port, 0x20)


def test_before_icw1_nothing_is_asked_for(board):
    """A ROM that never sets up the chips may run with IF = 1, whatever the timer does."""
    raise_irq(board, 1, 9)
    assert not board.intr
    board.init_pics()
    raise_irq(board, 3)
    assert board.intr and board.devices["pic"].acknowledge() & 7 == 3


# ---- one request ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("number", [0, 1, 3, 7, 8, 9, 15])
def test_a_request_gives_its_vector_once(pics, number):
    assert not pics.intr
    raise_irq(pics, number)
    assert pics.intr
    assert pics.interrupt_taken() == 0x20 + number
    assert not pics.intr
    assert isr(pics) == (1 << number if number < 8 else 0x04)
    assert isr(pics, SLAVE) == (1 << number - 8 if number >= 8 else 0)
    eoi(pics, *((SLAVE, MASTER) if number >= 8 else (MASTER,)))
    assert isr(pics) == isr(pics, SLAVE) == 0
    assert not pics.intr                                        # the line is still high: no edge, no request
    lower_irq(pics, number)
    raise_irq(pics, number)
    assert pics.intr


@pytest.mark.parametrize("number", [1, 12])
def test_mask(pics, number):
    port = MASTER + 1 if number < 8 else SLAVE + 1
    pics.write(port, 1 << number % 8)
    assert pics.read(port) == 1 << number % 8
    raise_irq(pics, number)
    assert not pics.intr
    assert irr(pics, port - 1) == 1 << number % 8               # a masked request waits in IRR
    pics.write(port, 0)
    assert pics.interrupt_taken() == 0x20 + number


@pytest.mark.parametrize("number, vector, service", [(3, 0x27, 0), (11, 0x2F, 0x04)])
def test_a_request_that_goes_away_is_spurious(pics, number, vector, service):
    """Its line fell between INT and the acknowledgement: the vector of line 7, and nothing goes into service."""
    raise_irq(pics, number)
    pic = pics.devices["pic"]
    (pic.slave if number >= 8 else pic.master).set_line(number % 8, False)      # behind the back of the output
    assert pics.devices["pic"].acknowledge() == vector
    assert isr(pics) == service                                 # the master knows of the slave only
    assert isr(pics, SLAVE) == 0


def test_a_line_that_falls_takes_its_request_along(pics):
    raise_irq(pics, 3, 11)
    lower_irq(pics, 3, 11)
    assert not pics.intr
    assert irr(pics) == 0
    assert pics.devices["pic"].acknowledge() == 0x27


# ---- priorities -----------------------------------------------------------------------------------------------------

def test_fully_nested_mode(pics):
    raise_irq(pics, 5, 3, 6)
    assert pics.interrupt_taken() == 0x23
    assert not pics.intr                                        # 5 and 6 are lower than 3, which is in service
    raise_irq(pics, 1)
    assert pics.interrupt_taken() == 0x21                       # 1 is higher
    assert isr(pics) == 0b1010
    eoi(pics)                                                   # ends the highest, 1
    assert isr(pics) == 0b1000
    eoi(pics)
    assert [pics.interrupt_taken(), eoi(pics), pics.interrupt_taken(), eoi(pics)] == [0x25, None, 0x26, None]
    assert not pics.intr


def test_the_slave_stands_between_1_and_3(pics):
    raise_irq(pics, 3, 14, 1)
    order = []
    while pics.intr:
        order.append(pics.interrupt_taken())
        eoi(pics, *((SLAVE, MASTER) if order[-1] >= 0x28 else (MASTER,)))
    assert order == [0x21, 0x2E, 0x23]


def test_specific_eoi_and_set_priority(pics):
    raise_irq(pics, 4)
    pics.interrupt_taken()
    pics.write(MASTER, 0x60 | 3)
    assert isr(pics) == 0x10                                    # the end of another one ends nothing
    pics.write(MASTER, 0x60 | 4)
    assert isr(pics) == 0
    pics.write(MASTER, 0xC0 | 4)                                # 4 is the lowest now, 5 the highest
    lower_irq(pics, 4)
    raise_irq(pics, 4, 0, 5)
    order = []
    while pics.intr:
        order.append(pics.interrupt_taken())
        eoi(pics)
    assert order == [0x25, 0x20, 0x24]


@pytest.mark.parametrize("command", [0xA0, 0xE0 | 1])
def test_rotating_eoi_makes_what_was_served_the_lowest(pics, command):
    raise_irq(pics, 1)
    pics.interrupt_taken()
    pics.write(MASTER, command)
    lower_irq(pics, 1)
    raise_irq(pics, 1, 0, 3)
    assert pics.interrupt_taken() == 0x23                       # 2 is the highest, 3 comes before 0 and 1


def test_automatic_eoi_and_its_rotation(board):
    board.write(0x43, 0x30)
    board.init_pics(icw4=0x03)
    raise_irq(board, 4, 6)
    assert board.interrupt_taken() == 0x24
    assert isr(board) == 0
    assert board.interrupt_taken() == 0x26                      # nothing is in service that could keep it out
    board.write(MASTER, 0x80)                                   # rotate in automatic EOI mode
    lower_irq(board, 4, 6)
    raise_irq(board, 4)
    board.interrupt_taken()
    raise_irq(board, 6, 3)
    assert board.interrupt_taken() == 0x26                      # 5 is the highest
    board.write(MASTER, 0x00)


def test_special_mask_mode_lets_lower_ones_in(pics):
    raise_irq(pics, 3)
    pics.interrupt_taken()
    raise_irq(pics, 5)
    pics.write(MASTER + 1, 0x08)
    assert not pics.intr                                        # masking what is in service is not enough
    pics.write(MASTER, 0x68)
    assert pics.interrupt_taken() == 0x25
    pics.write(MASTER, 0x20)                                    # a non-specific EOI passes over the masked level
    assert isr(pics) == 0x08
    pics.write(MASTER, 0x48)
    raise_irq(pics, 6)
    assert not pics.intr


def test_special_fully_nested_mode_takes_more_from_the_slave(board):
    board.write(0x43, 0x30)
    board.init_pics()
    raise_irq(board, 14)
    board.interrupt_taken()
    raise_irq(board, 9)
    assert not board.intr                                       # the slave is in service in the master
    board.init_pics(icw4=0x11)
    lower_irq(board, 14, 9)
    raise_irq(board, 14)
    board.interrupt_taken()
    raise_irq(board, 9)
    assert board.interrupt_taken() == 0x29
    raise_irq(board, 3)
    assert not board.intr


# ---- commands -------------------------------------------------------------------------------------------------------

def test_poll_acknowledges(pics):
    pics.write(MASTER, 0x0C)
    assert pics.read(MASTER) == 0
    raise_irq(pics, 6)
    pics.write(MASTER, 0x0C)
    assert pics.read(MASTER) == 0x86
    assert not pics.intr
    assert isr(pics) == 0x40
    assert pics.read(MASTER) == 0x40                            # the poll was for one read


def test_icw1_starts_anew(pics):
    raise_irq(pics, 5)
    pics.interrupt_taken()
    raise_irq(pics, 6)
    pics.write(MASTER + 1, 0xFF)
    pics.write(MASTER, 0x0B)
    pics.write(MASTER, 0x11)
    assert pics.read(MASTER + 1) == 0                           # the mask is clear
    assert pics.read(MASTER) == 0                               # IRR is read, and edges from before are forgotten
    for value in (0x40, 0x04, 0x01):
        pics.write(MASTER + 1, value)
    raise_irq(pics, 7)
    assert pics.interrupt_taken() == 0x47


@pytest.mark.parametrize("icw1, words", [(0x11, 3), (0x10, 2), (0x13, 2), (0x12, 1)])
def test_how_many_words_follow_icw1(pics, icw1, words):
    """ICW3 only with a cascade (SNGL = 0), ICW4 only if asked for (IC4 = 1); then comes OCW1."""
    pics.write(MASTER, icw1)
    for value in (0x50, 0x04, 0x01)[:words]:
        pics.write(MASTER + 1, value)
    pics.write(MASTER + 1, 0xA5)
    assert pics.read(MASTER + 1) == 0xA5


def test_the_low_bits_of_icw2_are_the_line(pics):
    pics.write(MASTER, 0x11)
    for value in (0x57, 0x04, 0x01):
        pics.write(MASTER + 1, value)
    raise_irq(pics, 1)
    assert pics.interrupt_taken() == 0x51


# ---- level triggering -----------------------------------------------------------------------------------------------

def test_elcr_has_only_the_lines_that_can_be_level_triggered(board):
    board.write(0x4D0, 0xFFFF, 2)
    assert board.read(0x4D0, 2) == 0xDEF8


def test_a_level_asks_again_while_it_is_high(pics):
    pics.write(0x4D1, 0x08)
    raise_irq(pics, 11)
    assert pics.interrupt_taken() == 0x2B
    assert irr(pics, SLAVE) == 0x08                             # the line itself
    eoi(pics, SLAVE, MASTER)
    assert pics.interrupt_taken() == 0x2B
    lower_irq(pics, 11)
    eoi(pics, SLAVE, MASTER)
    assert not pics.intr


def test_slave_with_automatic_eoi_brings_a_new_edge_for_each_request(board):
    board.write(0x43, 0x30)
    board.init_pics(icw4=0x03)
    raise_irq(board, 10, 15)
    assert [board.interrupt_taken(), board.interrupt_taken()] == [0x2A, 0x2F]
    assert not board.intr
