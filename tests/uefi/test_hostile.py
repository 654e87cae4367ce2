"""Callers that mean harm: any service, with any arguments, answers with a status or stops the machine in words.

No Python exception, no memory of the host, no endless loop: what a call may cost is bounded, too.
"""
from __future__ import annotations

import tracemalloc

import pytest
from boot.uefi.definitions import Status
from boot.uefi.service import BOOT, PROTOCOL, RUNTIME, SERVICES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from uefi.caller import Caller, pe

ROOM = 4096
TOP = 1 << 64
SERVICE = st.sampled_from([each for each in SERVICES if each.kind in (BOOT, RUNTIME, PROTOCOL)])
#: Numbers that are sizes nobody has, or addresses of nothing, of devices, of ROM, or outside of what an address can be.
NASTY = [0, 1, 2, 3, 8, 9, 16, 0x200, 0x201, 0x1000, 0xA0000, 0xB8000, 1 << 20, (64 << 20) - 1, 64 << 20, 0x60000202,
         0x80000000, 0x80000202, 0xFEC00000, 0xFEE00000, 0xFFFFFFF0, 0xFFFFFFFF, 1 << 32, 1 << 40, 1 << 47, 1 << 52,
         (1 << 63) - 1, 1 << 63, TOP - 4096, TOP - 8, TOP - 1]
#: Places of the guest's own: numbers below count from the first; see Guest.place.
PLACES = 16
ARGUMENT = st.one_of(st.sampled_from(NASTY), st.integers(0, TOP - 1),
                     st.tuples(st.integers(0, PLACES + 40), st.sampled_from([0, 0, 0, 1, 8])))
RETURN, SPIN, UNDEFINED, CALL_RAX, SUCCEED = b"\xC3", b"\xEB\xFE", b"\x0F\x0B", b"\xFF\xD0\xC3", b"\x31\xC0\xC3"
CODE = [RETURN, SPIN, UNDEFINED, CALL_RAX, SUCCEED]


class Guest(Caller):
    """A caller with things whose addresses are worth to be given to a service."""

    def __init__(self):
        super().__init__()
        uefi = self.uefi
        database = uefi.database.handles
        volume = next(each for each in uefi.interfaces.values() if type(each).__name__ == "SimpleFileSystem")
        self.call_address(uefi.read_u64(volume.address + 8), volume.address, self.room)
        self.root = self.u64(self.room)
        guids = sorted({bytes(guid) for handle in database.values() for guid in handle.interfaces})
        self.signal = self.event(0x200, 8, self.function(b"\xC3"))
        self.application = self.block(8192, pe())
        self.places = [self.room, self.block(ROOM, "\\EFI\\BOOT\\BOOTX64.EFI\0".encode("utf-16-le")),
                       self.block(200_002, ("a" * 100_000).encode("utf-16-le")),
                       self.block(200_002, ("a\\" * 50_000).encode("utf-16-le")), self.application, self.signal, self.root,
                       self.image, self.stack, uefi.table.address, uefi.table.boot_services,
                       *(self.function(code) for code in CODE)]
        assert len(self.places) == PLACES
        self.places += [self.block(16, guid) for guid in guids] + list(database) + list(uefi.interfaces)
        self.saved = self.machine.snapshot()

    def number(self, argument) -> int:
        if isinstance(argument, int):
            return argument
        place, offset = argument
        return self.places[place % len(self.places)] + offset

    def hurt(self, service, arguments, fields):
        """Call it; whether the guest can go on."""
        uefi = self.uefi
        uefi.write(self.room, b"".join(self.number(each).to_bytes(8, "little") for each in fields))
        numbers = [self.number(each) for each in arguments]
        if service.kind == PROTOCOL and numbers[-1] % 4:                # most often, a This that is one
            numbers[0] = next((each.address for each in uefi.interfaces.values() if isinstance(each, service.owner)),
                              numbers[0])
        self.enter(uefi.stub(service), *numbers)
        stop = self.machine.run(2_000_000)
        assert stop.message or stop.kind in ("limit", "debug-exit")
        assert "\n" not in stop.message
        return stop.kind == "debug-exit"


@pytest.fixture(scope="module")
def guest():
    return Guest()


CALL = st.tuples(SERVICE, st.lists(ARGUMENT, min_size=11, max_size=11), st.lists(ARGUMENT, max_size=12))


@settings(max_examples=250, deadline=2000, derandomize=True, suppress_health_check=list(HealthCheck))
@given(calls=st.lists(CALL, min_size=1, max_size=6))
def test_any_service_survives_any_arguments(guest, calls):
    guest.machine.restore(guest.saved)
    all(guest.hurt(*call) for call in calls)                # up to the first that it does not survive


@pytest.fixture
def caller(guest):
    guest.machine.restore(guest.saved)
    return guest


def status(value: int) -> Status:
    return Status(value)


def test_sizes_that_no_memory_has(caller):
    assert status(caller.call("AllocatePool", 4, 1 << 63, caller.room)) == Status.OUT_OF_RESOURCES
    assert status(caller.call("AllocatePages", 0, 4, (1 << 52) - 1, caller.room)) == Status.OUT_OF_RESOURCES
    assert status(caller.call("FreePages", 0, (1 << 52) - 1)) != Status.SUCCESS


@pytest.mark.parametrize("service, arguments", [
    ("CopyMem", (0x100000, 0x200000, 1 << 63)), ("SetMem", (0x100000, 1 << 63, 0)), ("SetMem", (TOP - 16, 4096, 0)),
    ("CalculateCrc32", (0x100000, 1 << 63, 0x1000)), ("CopyMem", (1 << 63, 0x100000, 16)),
    ("CopyMem", (TOP - 8, 0x100000, 16))])
def test_more_memory_than_there_is(caller, service, arguments):
    caller.begin(service, *arguments)
    stop = caller.machine.run(10_000_000)
    assert stop.kind == "firmware" and "no memory" in stop.message


@pytest.mark.parametrize("service, arguments", [
    ("CopyMem", (16 << 20, 4 << 20, 12 << 20)), ("CopyMem", (4 << 20, 8 << 20, 12 << 20)),
    ("CalculateCrc32", (4 << 20, 32 << 20, 0x1000))])
def test_large_pieces_of_guest_memory_are_not_held_twice(caller, service, arguments):
    tracemalloc.start()
    try:
        caller.call(service, *arguments)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


@settings(max_examples=50, deadline=None)
@given(source=st.integers(0, 40_000), destination=st.integers(0, 40_000), length=st.integers(0, 3 << 20))
def test_copies_that_overlap(guest, source, destination, length):
    memory, base = guest.uefi, 8 << 20
    data = bytes(range(251)) * 14_000
    memory.write(base, data)
    expected = bytearray(data)
    length = min(length, len(data) - 40_000)
    expected[destination:destination + length] = data[source:source + length]
    guest.call("CopyMem", base + destination, base + source, length)
    assert memory.read(base, len(data)) == expected


def test_the_firmwares_own_tables_overwritten(caller):
    """The guest dies where it uses them, and not the host."""
    for address in (caller.uefi.table.address, caller.uefi.table.boot_services, caller.uefi.page_tables.root):
        caller.machine.restore(caller.saved)
        caller.begin("SetMem", address, 4096, 0xCC)
        stop = caller.machine.run(10_000_000)
        assert stop.kind in ("debug-exit", "triple-fault", "exception", "firmware")


def test_a_path_of_100_000_characters_and_one_of_50_000_directories(caller):
    open_ = caller.uefi.read_u64(caller.root + 8)
    for name in caller.places[2:4]:
        assert status(caller.call_address(open_, caller.root, caller.room, name, 1, 0)) != Status.SUCCESS
        assert status(caller.call_address(open_, caller.root, caller.room, name, 3 | 1 << 63, 0)) != Status.SUCCESS


def test_a_file_that_would_fill_more_than_the_disk(caller):
    u64 = caller.uefi.read_u64
    open_, write, position = u64(caller.root + 8), u64(caller.root + 40), u64(caller.root + 56)
    name = caller.block(16, "new\0".encode("utf-16-le"))
    assert caller.call_address(open_, caller.root, caller.room, name, 3 | 1 << 63, 0) == 0
    file = u64(caller.room)
    caller.call_address(position, file, 1 << 62)
    caller.uefi.write_u64(caller.room, 16)
    assert status(caller.call_address(write, file, caller.room, caller.application)) != Status.SUCCESS
    caller.call_address(position, file, 0)
    caller.uefi.write_u64(caller.room, 1 << 40)
    caller.enter(write, file, caller.room, caller.application)
    stop = caller.machine.run(10_000_000)
    assert stop.kind == "firmware" or status(caller.machine.cpu.rax) != Status.SUCCESS


def test_an_event_closed_in_its_own_notification(caller):
    close = caller.uefi.stub(next(each for each in SERVICES if each.name == "CloseEvent"))
    function = caller.function(b"\x48\xB8" + close.to_bytes(8, "little") + b"\x48\x83\xEC\x28\xFF\xD0\x48\x83\xC4\x28\xC3")
    event = caller.event(0x200, 16, function)
    assert caller.call("SignalEvent", event) == 0
    assert event not in caller.uefi.events.all
    assert status(caller.call("SignalEvent", event)) == Status.INVALID_PARAMETER


def test_an_event_that_signals_itself_does_not_end_but_costs_nothing(caller):
    signal = caller.uefi.stub(next(each for each in SERVICES if each.name == "SignalEvent"))
    event = caller.event(0x200, 16, caller.function(b"\x48\xB8" + signal.to_bytes(8, "little")
                                                    + b"\x48\x83\xEC\x28\xFF\xD0\x48\x83\xC4\x28\xC3"))
    caller.begin("SignalEvent", event)
    assert caller.machine.run(60_000).kind == "limit"
    assert len(caller.uefi.frames) < 10


def test_an_image_that_starts_itself(caller):
    """Each StartImage needs its stack: it ends where that does."""
    start = caller.uefi.stub(next(each for each in SERVICES if each.name == "StartImage"))
    code = b"\x31\xD2\x45\x31\xC0\x48\xB8" + start.to_bytes(8, "little") + b"\x48\x83\xEC\x28\xFF\xD0\x48\x83\xC4\x28\xC3"
    source = caller.block(8192, pe(code))
    assert caller.call("LoadImage", 0, caller.image, 0, source, 8192, caller.room) == 0
    handle = caller.u64(caller.room)
    caller.begin("StartImage", handle, 0, 0)
    stop = caller.machine.run(20_000_000)
    assert stop.kind in ("debug-exit", "firmware", "triple-fault", "exception"), stop
