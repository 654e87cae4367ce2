"""Blt against a model that goes dot by dot: every operation, with deltas, and at all edges of the screen."""
from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uefi import build

import boot
from boot.uefi.definitions import Status
from boot.uefi.protocols.graphics_output import (BUFFER_TO_VIDEO, MODES, VIDEO_FILL, VIDEO_TO_BUFFER, VIDEO_TO_VIDEO,
                                                 GraphicsOutput)
from x86 import Machine

WIDTH, HEIGHT = MODES[1]
SIDE, DELTA = 8, 56                     # of rectangles, dots; bytes of a row in the buffer at most
BUFFER = 64 + DELTA * 2 * SIDE + 4 * 2 * SIDE


class Screen:
    """The firmware's graphics output in 640 by 480, and a buffer of a program's."""

    def __init__(self):
        machine = Machine(memory="64M")
        boot.uefi(machine, application=build.application("graphics"))
        machine.run(max_instructions=1_000_000, until=lambda machine: "=> handles" in machine.serial.text, every=100)
        self.uefi = machine.devices["uefi"]
        handle = self.uefi.database.with_protocol(GraphicsOutput.guid)[0].address
        self.output = self.uefi.protocol(handle, GraphicsOutput)
        assert self.output.set_mode(None, 1) == Status.SUCCESS
        self.buffer = self.uefi.allocate_pool(BUFFER)
        self.patterns = [random.Random(seed).randbytes(4 * WIDTH * HEIGHT) for seed in (0, 1)]

    def fill(self):
        self.output.pixels.write(0, 0, WIDTH, HEIGHT, self.patterns[0])
        self.uefi.write(self.buffer, self.patterns[1][:BUFFER])

    def both(self):
        return self.output.pixels.read(0, 0, WIDTH, HEIGHT), self.uefi.read(self.buffer, BUFFER)


@pytest.fixture(scope="module")
def screen():
    try:
        return Screen()
    except build.Missing as missing:
        pytest.skip(f"needs {missing}")


def model(screen, operation, x, y, to_x, to_y, width, height, delta):
    """(status, dots of the screen, bytes of the buffer) of a call on fresh patterns, as the specification says it."""
    shown, buffer = bytearray(screen.patterns[0]), bytearray(screen.patterns[1][:BUFFER])
    old_shown, old_buffer = bytes(shown), bytes(buffer)
    row = delta or 4 * width

    def inside(left, top):
        return left + width <= WIDTH and top + height <= HEIGHT
    from_screen, to_screen = operation in (VIDEO_TO_BUFFER, VIDEO_TO_VIDEO), operation != VIDEO_TO_BUFFER
    if operation > 3 or not width or not height or from_screen and not inside(x, y) or to_screen and not inside(to_x, to_y):
        return Status.INVALID_PARAMETER, old_shown, old_buffer
    for line in range(height):
        for column in range(width):
            if operation == VIDEO_FILL:
                source, at = old_buffer, 0
            elif from_screen:
                source, at = old_shown, 4 * ((y + line) * WIDTH + x + column)
            else:
                source, at = old_buffer, (y + line) * row + 4 * (x + column)
            if to_screen:
                target, to = shown, 4 * ((to_y + line) * WIDTH + to_x + column)
            else:
                target, to = buffer, (to_y + line) * row + 4 * (to_x + column)
            target[to:to + 4] = source[at:at + 4]
    return Status.SUCCESS, bytes(shown), bytes(buffer)


SMALL = st.integers(0, SIDE)


def place(size):
    """A coordinate on the screen: near both edges, or far outside."""
    return st.one_of(st.integers(0, SIDE), st.integers(size - SIDE, size), st.sampled_from((1 << 32, (1 << 64) - 1)))


@given(operation=st.integers(0, 4), width=SMALL, height=SMALL, delta=st.sampled_from((0, 4 * SIDE, DELTA)), data=st.data())
def test_blt(screen, operation, width, height, delta, data):
    in_buffer = st.integers(0, (delta - 4 * width) // 4 if delta else SIDE), SMALL
    on_screen = place(WIDTH), place(HEIGHT)
    x, y = map(data.draw, in_buffer if operation == BUFFER_TO_VIDEO else on_screen)
    to_x, to_y = map(data.draw, in_buffer if operation == VIDEO_TO_BUFFER else on_screen)
    screen.fill()
    status = screen.output.blt(None, screen.buffer, operation, x, y, to_x, to_y, width, height, delta)
    assert (status, *screen.both()) == model(screen, operation, x, y, to_x, to_y, width, height, delta)


@pytest.mark.parametrize("number", range(len(MODES)))
def test_every_mode(screen, number):
    """What QueryMode says is what SetMode sets, and the last dot can be drawn and is in the frame buffer."""
    uefi, output = screen.uefi, screen.output
    size, pointer = screen.buffer, screen.buffer + 8
    assert output.query_mode(None, number, size, pointer) == Status.SUCCESS
    assert output.set_mode(None, number) == Status.SUCCESS
    information, width, height = uefi.read_u64(pointer), *MODES[number]
    assert uefi.read(information, uefi.read_u64(size)) == uefi.read(output.information_address, 36)
    assert [uefi.read_u32(information + offset) for offset in (4, 8, 32)] == [width, height, width]
    uefi.write(screen.buffer, b"\1\2\3\0")
    assert output.blt(None, screen.buffer, VIDEO_FILL, 0, 0, width - 1, height - 1, 1, 1, 0) == Status.SUCCESS
    base, length = uefi.read_u64(output.mode_address + 24), uefi.read_u64(output.mode_address + 32)
    assert uefi.read(base + 4 * (width * height - 1), 4) == b"\1\2\3\0"
    assert 4 * width * height <= length < 4 * width * height + 4096
    assert (uefi.read_u32(output.mode_address), uefi.read_u32(output.mode_address + 4)) == (len(MODES), number)
    output.set_mode(None, 1)
