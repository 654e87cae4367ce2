"""Every service and every protocol's function, called with what no caller should have: the machine answers or stops in words,
and nothing is raised through it, whatever the arguments are.
"""
from __future__ import annotations

import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uefi.caller import Caller

from boot.uefi.service import BOOT, PROTOCOL, RUNTIME, SERVICES

CALLED = [service for service in SERVICES if service.kind in (BOOT, RUNTIME, PROTOCOL)]
TICKS = 3_000_000                       # for one call; a stall may be longer
SLOWEST = 20                            # seconds of the host for one example, on a busy one
NUMBERS = [0, 1, 2, 3, 4, 5, 7, 8, 11, 16, 31, 32, 39, 48, 64, 100, 255, 511, 512, 4095, 4096, 65535, 1 << 20, (1 << 31) - 1,
           1 << 31, (1 << 32) - 1, 1 << 32, 1 << 40, (1 << 52) + 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 4096,
           (1 << 64) - 2, (1 << 64) - 1,
           0x70000000, 0x80000001, 0x201, 0x100, 0x80000200]


class Hostile(Caller):
    """A firmware in the state to which each example returns, and places in its memory that arguments may point to."""

    def __init__(self):
        super().__init__()
        uefi, end = self.uefi, self.machine.memory.size
        text = self.block(64, "\\EFI\\BOOT\\BOOTX64.EFI\0".encode("utf-16-le"))
        path = self.block(64, b"\4\4\x1c\0" + "\\boot.efi\0\0\0".encode("utf-16-le") + b"\x7F\xFF\4\0")
        looping = self.block(64, b"\1\1\0\0" * 16)
        letters = self.block(8192, b"A" * 8192)
        pointers = self.block(4096, struct.pack("<Q", text) * 512)
        sizes = [self.block(64, struct.pack("<8Q", *[size] * 8)) for size in (1, 100, 4096, 1 << 40, (1 << 64) - 1)]
        guids = [self.block(16, bytes(guid)) for guid in sorted({guid for handle in uefi.database.handles.values()
                                                                    for guid in handle.interfaces}, key=str)]
        event = self.event(0x80000200, 8, self.function(b"\xC3"))
        nowhere = [end - 3, end, 0xA0000, 0xFEE00000, 0xE0000000, 0xFFFFF000, 0x123456789000, 1 << 47, (1 << 64) - 8, 0x1001]
        self.places = [self.room, text, path, looping, letters, letters + 8191, pointers, *sizes, *guids, event, *nowhere,
                       self.function(b"\xC3"), self.function(b"\xF4\xEB\xFD"), *sorted(uefi.database.handles),
                       *sorted(uefi.interfaces)]
        self.start = self.machine.snapshot()


@pytest.fixture(scope="module")
def hostile():
    return Hostile()


argument = st.one_of(st.sampled_from(NUMBERS), st.integers(0, 199).map(lambda index: ("place", index)),
                     st.integers(0, (1 << 64) - 1))
call = st.tuples(st.integers(0, len(CALLED) - 1), st.booleans(), st.lists(argument, min_size=6, max_size=10))


@given(st.lists(call, min_size=1, max_size=4))
def test_calls_end(hostile, calls):
    machine, uefi, begun = hostile.machine, hostile.uefi, time.monotonic()
    machine.restore(hostile.start)
    for number, proper, arguments in calls:
        service = CALLED[number]
        values = [hostile.places[each[1] % len(hostile.places)] if isinstance(each, tuple) else each for each in arguments]
        if proper and service.kind == PROTOCOL:         # called of an interface that it is of
            own = sorted(address for address, each in uefi.interfaces.items() if isinstance(each, service.owner))
            values[0] = own[values[0] % len(own)] if own else values[0]
        hostile.enter(uefi.stub(service), *values)
        stop = machine.run(TICKS)
        if stop.kind != "debug-exit":
            assert stop.message
            break
    else:
        assert hostile.call("RaiseTPL", 31) <= 31       # and the firmware is alive still
    assert time.monotonic() - begun < SLOWEST
