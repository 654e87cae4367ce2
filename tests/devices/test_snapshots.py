"""Every device comes back exactly: after restore, the same accesses give the same answers, interrupts and end state."""
from __future__ import annotations

import functools
import pickle

import pytest
from fake_board import Board
from hypothesis import given
from hypothesis import strategies as st

PCI_REGISTERS = st.sampled_from([0x80000000 | function << 8 | register for function in (0x00, 0x08, 0x0B, 0x10)
                                 for register in (0x00, 0x04, 0x3C, 0x40, 0x58, 0x5C, 0x80)])

#: device -> ports that a random guest uses
PORTS = {
    "pic": (0x20, 0x21, 0xA0, 0xA1, 0x4D0, 0x4D1),
    "dma": (0x00, 0x01, 0x06, 0x07, 0x08, 0x0A, 0x0C, 0x0D, 0x0F, 0x83, 0x8F, 0xC4, 0xC6, 0xD0, 0xD6, 0xD8),
    "pit": (0x40, 0x41, 0x42, 0x43, 0x61, 0x20, 0x21),
    "rtc": (0x70, 0x71, 0xA0, 0xA1),
    "ps2": (0x60, 0x64, 0x92),
    "uart": tuple(range(0x3F8, 0x400)),
    "dispi": (0x1CE, 0x1CF),
    "vga": (*range(0x3C0, 0x3D0), 0x3D4, 0x3D5, 0x3DA, 0x3B4, 0x3B5),
    "sysports": (0x80, 0x92, 0xE9, 0xCF9, 0xF0),
    "pci": (0xCF8, 0xCFC, 0xCFD, 0xCF9),
    "pm": (0x600, 0x602, 0x604, 0x608, 0xB2, 0xAFE0, 0xAFE2, 0xB004),
    "fw_cfg": (0x510, 0x511),
}
#: Values that reach more of a device than any byte does: its commands
COMMANDS = {
    "pic": (0x11, 0x20, 0x0A, 0x0B, 0x0C, 0x68, 0x48, 0x03, 0x63, 0xC2),
    "pit": (0x34, 0x36, 0x30, 0x38, 0xB0, 0xB6, 0xBA, 0x00, 0x80, 0xC2, 0xE8, 0x10, 0x01),
    "rtc": (0x0A, 0x0B, 0x0C, 0x00, 0x26, 0x42, 0x72, 0x82, 0x04, 0x32, 0x01, 0x03, 0x05, 0xFF),
    "ps2": (0xAA, 0xAD, 0xAE, 0xD4, 0xD1, 0xF4, 0xF2, 0xFF, 0x60, 0x41, 0xED, 0xF0, 0x00),
    "uart": (0x01, 0x03, 0x0F, 0x80, 0x10, 0x08, 0xC7),
    "vga": (0x11, 0x0C, 0x0E, 0x20),
    "pm": (0x20, 0x01, 0xF1, 0xF0),
}


def host(board, which, number):
    """Something that happens from outside."""
    if which == 0:
        board.devices["ps2"].type_text("aB<up>"[number % 3:])
    elif which == 1:
        board.devices["uart"].send(bytes(range(number % 40)))
    elif which == 2:
        board.devices["ps2"].move_mouse(number - 128, 3, number & 7)
    elif which == 3:
        board.devices["pm"].power_button()
    elif which == 4:
        board.devices["pic"].set_irq(number % 16, number & 16)
    else:
        board.devices[("pic", "pit", "rtc", "ps2", "uart", "dispi", "vga", "pci", "pm", "dma")[number % 10]].reset()


@functools.cache
def steps(name):
    value = st.one_of(st.sampled_from(COMMANDS.get(name, (0, 1))), st.integers(0, 255))
    port = st.sampled_from(PORTS[name])
    choices = [st.tuples(st.just("out"), port, value), st.tuples(st.just("out"), port, value),
               st.tuples(st.just("in"), port, st.just(0)),
               st.tuples(st.just("run"), st.sampled_from([1, 50, 5_000, 600_000, 10_000_000]), st.just(0)),
               st.tuples(st.just("acknowledge"), st.just(0), st.just(0)),
               st.tuples(st.just("host"), st.integers(0, 5), st.integers(0, 255))]
    if name == "pci":
        choices.append(st.tuples(st.just("out4"), st.just(0xCF8), PCI_REGISTERS))
    if name == "dispi":
        choices += [st.tuples(st.just("out2"), st.just(0x1CE), st.integers(0, 11)), st.tuples(st.just("in2"), port, st.just(0)),
                    st.tuples(st.just("out2"), st.just(0x1CF), st.sampled_from((0, 1, 2, 8, 32, 640, 0x81, 0xB0C2, 0xFFFF)))]
    if name == "fw_cfg":
        choices.append(st.tuples(st.just("out2"), st.just(0x510), st.integers(0, 0x21)))
    return st.lists(st.one_of(choices), max_size=25)


def play(board, script):
    """Do it, and return everything that a guest could have noticed."""
    seen = []
    for kind, a, b in script:
        if kind.startswith("in"):
            seen.append(board.read(a, int(kind[2:] or 1)))
        elif kind == "run":
            board.run(a)
        elif kind == "acknowledge":
            seen.append(board.interrupt_taken())
        elif kind == "host":
            host(board, a, b)
        else:
            board.write(a, b, int(kind[3:] or 1))
        seen.append(board.intr)
    return seen


@pytest.mark.parametrize("name", PORTS)
@given(data=st.data())
def test_restore_is_exact(name, data):
    board = Board()
    play(board, data.draw(steps(name)))
    state = pickle.loads(pickle.dumps(board.snapshot()))
    script = data.draw(steps(name))
    seen = play(board, script)
    end = board.snapshot()
    play(board, data.draw(steps(name)))                     # whatever else happens
    board.restore(state)
    assert board.snapshot() == state
    assert play(board, script) == seen
    assert board.snapshot() == end
    other = Board()                                         # and on another board that was built the same way
    other.restore(state)
    assert play(other, script) == seen
    assert other.snapshot() == end


def test_a_snapshot_does_not_change_later():
    board = Board()
    board.devices["uart"].send(b"abc")
    board.devices["ps2"].type_text("abc")
    state = board.snapshot()
    frozen = pickle.dumps(state)
    play(board, [("out", 0x3F8, 65), ("out", 0x80, 1), ("out", 0xE9, 66), ("run", 40_000_000, 0), ("in", 0x60, 0),
                 ("out", 0x3C8, 0), ("out", 0x3C9, 1), ("out", 0x70, 0x40), ("out", 0x71, 1), ("out4", 0xCF8, 0x8000003C),
                 ("out", 0xCFC, 5)])
    assert pickle.dumps(state) == frozen


@given(st.lists(st.one_of(st.tuples(st.just("out"), st.integers(0, 0xFFFF), st.integers(0, 255)),
                          st.tuples(st.just("in"), st.integers(0, 0xFFFF), st.just(0)),
                          st.tuples(st.just("run"), st.integers(1, 10_000_000), st.just(0))), max_size=200))
def test_no_port_access_breaks_the_board(script):
    """Whatever a guest does, it gets an answer of the right size and no exception."""
    board = Board()
    for kind, a, b in script:
        if kind == "in":
            for size in (1, 2, 4):
                assert 0 <= board.read(a, size) < 1 << 8 * size
        elif kind == "run":
            board.run(a)
        else:
            board.write(a, b * 0x01010101, 1 + b % 2)


ALL = sorted({port for ports in PORTS.values() for port in ports})


@given(st.lists(st.tuples(st.sampled_from(ALL), st.integers(0, 255), st.sampled_from([0, 0, 100, 1_000_000])), max_size=150))
def test_no_device_access_breaks_the_board(script):
    board = Board()
    for port, value, ticks in script:
        board.write(port, value)
        assert 0 <= board.read(port) <= 255
        assert 0 <= board.read(port, 4) <= 0xFFFFFFFF
        board.run(ticks)
