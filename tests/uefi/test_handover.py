"""ExitBootServices, seen from between its calls; and what becomes of services, timers and images behind it."""
import zlib

import pytest

from boot.uefi import events, tables
from boot.uefi.definitions import Status
from boot.uefi.service import find
from uefi.caller import Caller

SIGNAL, TIMER, EXIT = 0x200, 0x80000000, 0x201
CALLBACK, NOTIFY = 8, 16


@pytest.fixture
def caller():
    return Caller()


def grouped(caller, group, tpl, log, letter):
    guid = caller.block(16, bytes(group))
    assert caller.call("CreateEventEx", SIGNAL, tpl, log, ord(letter), guid, caller.room) == Status.SUCCESS
    return caller.u64(caller.room)


def key(caller):
    """GetMemoryMap's key."""
    size, buffer = caller.block(8, (1 << 16).to_bytes(8, "little")), caller.block(1 << 16)
    assert caller.call("GetMemoryMap", size, buffer, caller.room, caller.room + 8, caller.room + 16) == Status.SUCCESS
    return caller.u64(caller.room)


def test_the_groups_hear_of_it_in_their_order(caller):
    log = caller.log()
    grouped(caller, events.EXIT_BOOT_SERVICES, CALLBACK, log, "c")
    grouped(caller, events.BEFORE_EXIT_BOOT_SERVICES, CALLBACK, log, "b")
    caller.event(EXIT, NOTIFY, log, ord("n"))
    caller.event(EXIT, NOTIFY, log, ord("y"))
    assert caller.call("ExitBootServices", caller.image, key(caller)) == Status.SUCCESS
    assert caller.logged == b"bync"             # of one level, the youngest first


def test_a_wrong_key_is_refused_and_the_right_one_taken(caller):
    log = caller.log()
    grouped(caller, events.BEFORE_EXIT_BOOT_SERVICES, CALLBACK, log, "b")
    grouped(caller, events.EXIT_BOOT_SERVICES_FAILED, CALLBACK, log, "f")
    caller.event(EXIT, CALLBACK, log, ord("e"))
    right = key(caller)
    assert caller.call("ExitBootServices", caller.image, right - 1) == Status.INVALID_PARAMETER
    assert not caller.uefi.exited and caller.logged == b"bf"
    assert caller.call("ExitBootServices", caller.image, key(caller)) == Status.SUCCESS
    assert caller.uefi.exited and caller.logged == b"bfe"


def test_who_allocates_at_the_last_moment_makes_the_key_stale(caller):
    stub, place = caller.uefi.stub(find("boot", "AllocatePages")), caller.block(8)
    code = (b"\x48\x83\xEC\x28\x31\xC9\xBA\x02\0\0\0\x41\xB8\x01\0\0\0"                  # AllocatePages(0, 2, 1, place)
            + b"\x49\xB9" + place.to_bytes(8, "little") + b"\x48\xB8" + stub.to_bytes(8, "little")
            + b"\xFF\xD0\x48\x83\xC4\x28\xC3")
    grouped(caller, events.BEFORE_EXIT_BOOT_SERVICES, CALLBACK, caller.function(code), "x")
    assert caller.call("ExitBootServices", caller.image, key(caller)) == Status.INVALID_PARAMETER
    assert caller.u64(place)
    assert caller.call("ExitBootServices", caller.image, key(caller)) == Status.SUCCESS


def test_the_system_table_is_that_of_a_machine_without_boot_services(caller):
    assert caller.call("ExitBootServices", caller.image, key(caller)) == Status.SUCCESS
    uefi, address = caller.uefi, caller.uefi.table.address
    for field in range(tables.CONSOLE_IN_HANDLE, tables.RUNTIME_FIELD, 8):
        assert uefi.read_u64(address + field) == 0
    assert uefi.read_u64(address + tables.BOOT_FIELD) == 0
    assert uefi.read_u64(address + tables.RUNTIME_FIELD) == uefi.table.runtime_services
    data = bytearray(uefi.read(address, tables.SYSTEM_TABLE_SIZE))
    crc = int.from_bytes(data[16:20], "little")
    data[16:20] = bytes(4)
    assert crc == zlib.crc32(data)


def test_the_board_is_quiet_afterwards(caller):
    timer = caller.event(TIMER | SIGNAL, NOTIFY, caller.log(), ord("t"))
    caller.call("SetTimer", timer, 1, 10_000)
    caller.call("SetWatchdogTimer", 1, 0, 0, 0)
    assert caller.call("ExitBootServices", caller.image, key(caller)) == Status.SUCCESS
    assert not caller.machine.cpu.rflags & 0x200
    assert caller.machine.bus.read(0x21, 1) == caller.machine.bus.read(0xA1, 1) == 0xFF
    caller.machine.cpu.rflags |= 0x200
    assert caller.spin(100_000_000).kind == "limit" and caller.logged == b""


def test_after_a_wrong_key_one_can_still_wait_for_a_key(caller):
    assert caller.call("ExitBootServices", caller.image, 0) == Status.INVALID_PARAMETER
    start = caller.machine.time
    assert caller.call("Stall", 100_000) == Status.SUCCESS
    assert 0 <= caller.machine.time - start - 5_000_000 < 60
    event = events.create(caller.uefi, check=Since(caller.machine, caller.machine.time + 3_000_000).passed)
    array = caller.block(8, event.to_bytes(8, "little"))
    assert caller.call("WaitForEvent", 1, array, caller.room) == Status.SUCCESS


class Since:
    def __init__(self, machine, time):
        self.machine = machine
        self.time = time

    def passed(self):
        return self.machine.time >= self.time


def test_a_boot_service_afterwards_is_the_end(caller):
    assert caller.call("ExitBootServices", caller.image, key(caller)) == Status.SUCCESS
    caller.begin("AllocatePages", 0, 2, 1, caller.room)
    stop = caller.machine.run(1000)
    assert stop.kind == "firmware" and stop.message.startswith("AllocatePages was called after ExitBootServices")


def test_an_image_that_returns_afterwards_has_nowhere_to_return_to(caller):
    frame, = caller.uefi.frames
    assert caller.call("ExitBootServices", caller.image, key(caller)) == Status.SUCCESS
    cpu = caller.machine.cpu
    cpu.rip, cpu.rsp = caller.uefi.labels["next"], frame.rsp
    stop = caller.machine.run(1000)
    assert stop.kind == "firmware" and "returned to the firmware after ExitBootServices" in stop.message


@pytest.mark.parametrize("at", range(0, 400, 13))
def test_a_snapshot_in_the_middle_of_it(at):
    def scene():
        caller = Caller()
        caller.event(EXIT, NOTIFY, caller.log(), ord("n"))
        caller.begin("ExitBootServices", caller.image, key(caller))
        return caller
    first, second = scene(), scene()
    first.machine.run(at)
    second.machine.restore(first.machine.snapshot())
    assert first.finish() == second.finish() == Status.SUCCESS
    assert second.logged == b"n" and first.machine.snapshot().digest() == second.machine.snapshot().digest()
