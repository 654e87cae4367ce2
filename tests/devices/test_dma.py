"""The two 8237As against their data sheet (Intel 231466), and the page registers."""
from __future__ import annotations

import pytest

from x86.devices import BOARDS
from x86.devices.dma import Dma

#: (first port, ports a register)
CONTROLLERS = ((0x00, 1), (0xC0, 2))


@pytest.fixture(params=CONTROLLERS, ids=("first", "second"))
def chip(request, board):
    """(read(register), write(register, *values)) of a controller."""
    base, step = request.param

    def write(register, *values):
        for value in values:
            board.write(base + step * register, value)
    return lambda register: board.read(base + step * register), write


@pytest.mark.parametrize("register", range(8))
def test_a_word_goes_by_two_bytes_low_one_first(chip, register):
    read, write = chip
    write(12, 0)
    write(register, 0x34, 0x12)
    assert [read(register), read(register)] == [0x34, 0x12]
    assert read((register + 1) % 8) == 0                    # nobody else took it


def test_there_is_one_flip_flop_for_reads_and_writes_of_all_channels(chip):
    read, write = chip
    write(0, 0x11)                                          # low byte of one channel
    write(3, 0x22)                                          # high byte of another
    write(2, 0x33)
    assert read(3) == 0x22
    write(12, 0xFF)
    assert [read(register) for register in (0, 0, 2, 2, 3, 3)] == [0x11, 0, 0x33, 0, 0, 0x22]


def test_masks_are_all_set_at_power_on_and_by_master_clear(chip):
    read, write = chip
    assert read(15) == 0x0F
    write(14, 0)
    assert read(15) == 0x00
    write(10, 0x06)                                         # set that of channel 2, then of 3
    write(10, 0x07)
    assert read(15) == 0x0C
    write(10, 0x02)
    assert read(15) == 0x08
    write(15, 0xF5)
    assert read(15) == 0x05
    write(13, 0)
    assert read(15) == 0x0F


def test_requests_are_in_the_status_until_master_clear(chip):
    read, write = chip
    write(9, 0x05)
    write(9, 0x07)
    assert read(8) == 0xA0
    write(9, 0x03)
    assert read(8) == 0x20
    write(13, 0)
    assert read(8) == 0


def test_master_clear_keeps_the_words_and_begins_with_the_low_byte(chip):
    read, write = chip
    write(4, 0xCD, 0xAB, 0x01)
    write(13, 0)
    assert [read(4), read(4)] == [0x01, 0xAB]
    assert read(13) == 0                                    # the temporary register


def test_what_cannot_be_read_is_all_ones(chip):
    read, _ = chip
    assert [read(register) for register in (9, 10, 11, 12, 14)] == [0xFF] * 5


def test_the_second_controller_does_not_decode_the_lowest_address_line(board):
    board.write(0xC5, 0x78)
    board.write(0xC4, 0x56)
    assert [board.read(0xC4), board.read(0xC5)] == [0x78, 0x56]
    assert board.read(0x04) == 0


def test_page_registers_remember_a_byte_each(board):
    for port in range(0x81, 0x90):
        board.write(port, port ^ 0x5A)
    assert [board.read(port) for port in range(0x81, 0x90)] == [port ^ 0x5A for port in range(0x81, 0x90)]
    assert board.devices["sysports"].code is None           # 80h is not among them


def test_modes_and_commands_are_kept_to_be_looked_at(board):
    board.write(0xD6, 0xC0)
    board.write(0x0B, 0x5A)
    board.write(0x08, 0x10)
    first, second = board.devices["dma"].controllers
    assert (second.modes[0], first.modes[2], first.command, second.command) == (0xC0, 0x58, 0x10, 0)


@pytest.mark.parametrize("name", BOARDS)
def test_every_board_has_them(name):
    assert Dma in BOARDS[name]
