"""The port space: who answers, how wide, and nobody."""
from __future__ import annotations

import pytest

from x86.bus import Bus


class Registers:
    """A device that remembers what it was asked and answers with the offset."""

    def __init__(self):
        self.log = []

    def read(self, offset, size):
        self.log.append(("in", offset, size))
        return sum(0xA0 + offset + part << 8 * part for part in range(size))

    def write(self, offset, value, size):
        self.log.append(("out", offset, value, size))


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
def device():
    return Registers()


def test_a_device_gets_offsets(bus, device):
    bus.add("chip", 0x300, 4, device.read, device.write)
    assert bus.read(0x302, 1) == 0xA2
    bus.write(0x303, 0x1FF, 1)
    assert device.log == [("in", 2, 1), ("out", 3, 0xFF, 1)]


@pytest.mark.parametrize("widths, port, size, log", [
    ((1,), 0x300, 2, [("in", 0, 1), ("in", 1, 1)]), ((1, 2), 0x300, 2, [("in", 0, 2)]),
    ((1, 2), 0x300, 4, [("in", 0, 1), ("in", 1, 1), ("in", 2, 1), ("in", 3, 1)]), ((4,), 0x300, 4, [("in", 0, 4)]),
    ((1, 2, 4), 0x302, 4, [("in", 2, 1), ("in", 3, 1)]), ((1, 2, 4), 0x301, 2, [("in", 1, 2)])])
def test_widths(bus, device, widths, port, size, log):
    bus.add("chip", 0x300, 4, device.read, device.write, widths)
    assert bus.read(port, size) == sum((0xA0 + port - 0x300 + part if port + part < 0x304 else 0xFF) << 8 * part
                                       for part in range(size))
    assert device.log == log


def test_wide_writes_are_split_low_byte_first(bus, device):
    bus.add("chip", 0x300, 2, device.read, device.write)
    bus.write(0x300, 0xDDCCBBAA, 4)
    assert device.log == [("out", 0, 0xAA, 1), ("out", 1, 0xBB, 1)]
    assert bus.unclaimed == {(0x302, "out"): 1, (0x303, "out"): 1}


@pytest.mark.parametrize("size", [1, 2, 4])
def test_nobody(bus, size):
    assert bus.read(0x1234, size) == (1 << 8 * size) - 1
    bus.write(0x1234, 0, size)
    bus.write(0x1234, 0, size)
    assert bus.unclaimed == {(0x1234, "in"): 1, (0x1234, "out"): 2}


def test_one_direction_only(bus, device):
    bus.add("latch", 0x10, 1, write=device.write)
    bus.add("sensor", 0x11, 1, read=device.read)
    assert bus.read(0x10, 1) == 0xFF
    bus.write(0x11, 5, 1)
    assert device.log == [] and bus.unclaimed == {}


def test_the_last_port_and_the_one_after_it(bus, device):
    bus.add("top", 0xFFFF, 1, device.read, device.write)
    bus.add("bottom", 0x0000, 1, device.read, device.write)
    assert bus.read(0xFFFF, 2) == 0xA0A0


@pytest.mark.parametrize("first, count", [(0x300, 1), (0x2FF, 2), (0x303, 9), (0x2F0, 0x100)])
def test_overlaps_are_refused_by_name(bus, device, first, count):
    bus.add("first chip", 0x300, 4, device.read)
    with pytest.raises(ValueError, match="second chip and first chip"):
        bus.add("second chip", first, count, device.read)
    assert bus.ranges == [(0x300, 0x303, "first chip")]


@pytest.mark.parametrize("first, count, widths, words", [(0xFFFF, 2, (1,), "within"), (-1, 1, (1,), "within"),
                                                         (0, 0, (1,), "within"), (0, 1, (3,), "1, 2 or 4")])
def test_bad_ranges_are_refused(bus, device, first, count, widths, words):
    with pytest.raises(ValueError, match=words):
        bus.add("chip", first, count, device.read, widths=widths)
    assert bus.ranges == []


def test_remove(bus, device):
    bus.add("chip", 0x300, 4, device.read, device.write, (1, 2, 4))
    assert bus.owner(0x301) == "chip"
    bus.remove(0x300, 4)
    assert bus.owner(0x301) is None
    assert bus.read(0x300, 4) == 0xFFFFFFFF
    bus.add("other", 0x302, 1, device.read)
    assert bus.read(0x302, 1) == 0xA0


def test_snapshot(bus):
    bus.read(0x99, 1)
    state = bus.snapshot()
    bus.read(0x99, 1)
    bus.restore(state)
    assert bus.unclaimed == {(0x99, "in"): 1}
    bus.read(0x99, 1)
    assert state == {"unclaimed": {(0x99, "in"): 1}}


def test_who_watches_a_port_hears_what_was_read(bus, device):
    heard = []
    bus.add("chip", 0x300, 4, device.read, device.write, (1, 2))
    bus.watch(0x301, heard.append)
    assert [bus.read(0x301, 1), bus.read(0x300, 1), bus.read(0x301, 1)] == [0xA1, 0xA0, 0xA1]
    assert heard == [0xA1, 0xA1]
    with pytest.raises(KeyError):
        bus.watch(0x310, heard.append)
    bus.remove(0x300, 4)
    bus.read(0x301, 1)
    assert heard == [0xA1, 0xA1]
