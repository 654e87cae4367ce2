"""Boards to put devices on."""
import pytest
from fake_board import Board


@pytest.fixture
def board():
    """All devices, as at power-on."""
    return Board()


@pytest.fixture
def pics(board):
    """The same with interrupt controllers that are set up (vectors 20h, 28h, nothing masked) and a silent timer."""
    board.write(0x43, 0x30)             # channel 0, mode 0, no count: OUT stays low
    board.init_pics()
    return board
