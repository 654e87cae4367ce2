"""The clock, resets, the monotonic count and the configuration tables, where the guests do not ask or OVMF does not say."""
from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uefi.caller import Caller, pe
from uefi.efi_image import RUNTIME_DRIVER

from boot.uefi import clock
from boot.uefi.configuration import ACPI_20, MEMORY_ATTRIBUTES, RT_PROPERTIES, SMBIOS, SMBIOS_3
from boot.uefi.definitions import MemoryAttribute, MemoryType, Status
from boot.uefi.protocols.reset_notification import ResetNotification
from boot.uefi.protocols.rng import Rng
from boot.uefi.service import find
from boot.uefi.times import TIME, UNSPECIFIED, days

REGISTER_B = 0x0B
BINARY, HOURS_24 = 4, 2


class Program(Caller):
    """An application that calls runtime services."""

    def runtime(self, name, *arguments):
        return self.call_address(self.uefi.stub(find("runtime", name)), *arguments)

    def get_time(self):
        status = self.runtime("GetTime", self.room, 0)
        return TIME.unpack(self.uefi.read(self.room, 16)) if status == Status.SUCCESS else Status(status)

    def set_time(self, *fields, name="SetTime", first=()):
        self.uefi.write(self.room, TIME.pack(*fields))
        return self.runtime(name, *first, self.room)


@pytest.fixture(scope="module")
def program():
    return Program()


dates = st.integers(1900, 9999).flatmap(lambda year: st.integers(1, 12).flatmap(
    lambda month: st.tuples(st.just(year), st.just(month), st.integers(1, days(year, month)))))


@given(date=dates, hour=st.integers(0, 23), minute=st.integers(0, 59), second=st.integers(0, 58),
       zone=st.integers(-1440, 1440) | st.just(UNSPECIFIED), daylight=st.integers(0, 3),
       mode=st.sampled_from([0, BINARY, HOURS_24, BINARY | HOURS_24]))
def test_a_time_that_is_set_is_the_time(program, date, hour, minute, second, zone, daylight, mode):
    """However the chip counts: in BCD or binary, to 12 or to 24."""
    clock.write(program.uefi, REGISTER_B, mode)
    wanted = (*date, hour, minute, second, 0, zone, daylight)
    assert program.set_time(*wanted) == Status.SUCCESS
    assert program.get_time() == wanted
    assert clock.read(program.uefi, REGISTER_B) == mode


def test_a_clock_that_stands_still_or_shows_nonsense_is_a_device_error(program):
    uefi = program.uefi
    clock.write(uefi, REGISTER_B, HOURS_24)
    assert program.set_time(2026, 5, 17, 12, 0, 0, 0, 0, 0) == Status.SUCCESS
    clock.write(uefi, REGISTER_B, HOURS_24 | clock.STOPPED)
    assert program.get_time() == Status.DEVICE_ERROR
    for register, value in ((clock.MONTH, 0x13), (clock.DATE, 0x00), (clock.HOURS, 0x3F), (clock.MINUTES, 0xFF)):
        clock.write(uefi, register, value)
        assert clock.now(uefi) is None
    clock.write(uefi, REGISTER_B, HOURS_24)
    assert program.set_time(2026, 5, 17, 12, 0, 0, 0, 0, 0) == Status.SUCCESS


def test_the_alarm_is_within_a_day(program):
    uefi = program.uefi
    assert program.set_time(2026, 5, 17, 12, 0, 0, 0, 0, 0) == Status.SUCCESS
    assert program.set_time(2026, 5, 17, 12, 0, 5, 0, 0, 0, name="SetWakeupTime", first=(1,)) == Status.SUCCESS
    assert program.runtime("GetWakeupTime", program.room, program.room + 1, program.room + 8) == Status.SUCCESS
    assert uefi.read(program.room, 2) == b"\1\0"
    assert TIME.unpack(uefi.read(program.room + 8, 16))[:6] == (2026, 5, 17, 12, 0, 5)
    program.spin(6 * program.machine.clock.frequency)
    assert program.runtime("GetWakeupTime", program.room, program.room + 1, program.room + 8) == Status.SUCCESS
    assert uefi.read(program.room, 2) == b"\1\1"
    for day, hour, status in ((19, 12, Status.UNSUPPORTED), (17, 11, Status.UNSUPPORTED), (17, 24, Status.INVALID_PARAMETER)):
        assert program.set_time(2026, 5, day, hour, 0, 0, 0, 0, 0, name="SetWakeupTime", first=(1,)) == status
    assert program.runtime("SetWakeupTime", 0, 0) == Status.SUCCESS
    assert not clock.read(uefi, REGISTER_B) & clock.ALARM_ENABLED


@pytest.mark.parametrize("kind, stop, words", [
    (0, "reset", "ResetSystem(cold)"), (1, "reset", "ResetSystem(warm)"), (3, "reset", "ResetSystem(platform specific)"),
    (2, "poweroff", "the guest switched the machine off (ResetSystem)")])
def test_a_reset_is_what_was_asked_for_and_those_who_want_to_know_are_told(kind, stop, words):
    program = Program()
    protocol = next(each for each in program.uefi.interfaces.values() if type(each) is ResetNotification)
    # inc dword [list]; mov [list + 8], ecx; ret
    place = program.block(16)
    function = program.function(b"\x48\xB8" + place.to_bytes(8, "little") + b"\xFF\x00\x89\x48\x08\xC3")
    assert [protocol.register_reset_notify(None, function) for _ in range(2)] == [Status.SUCCESS, Status.ALREADY_STARTED]
    text = program.block(64, "why not\0".encode("utf-16-le"))
    program.enter(program.uefi.stub(find("runtime", "ResetSystem")), kind, 0, 16, text)
    found = program.machine.run(1_000_000)
    assert (found.kind, found.message) == (stop, f"{words}: why not")
    assert program.uefi.read(place, 12) == struct.pack("<III", 1, 0, kind)
    assert protocol.unregister_reset_notify(None, function) == Status.SUCCESS
    assert protocol.unregister_reset_notify(None, function) == Status.INVALID_PARAMETER


def test_no_monotonic_count_comes_twice():
    program = Program()
    assert program.call("GetNextMonotonicCount", program.room) == Status.SUCCESS
    first = program.u64(program.room)
    program.machine.no_reboot = False
    program.machine.request_reset("again")
    program.machine.run(10_000_000)
    assert program.call("GetNextMonotonicCount", program.room) == Status.SUCCESS
    assert program.u64(program.room) >> 32 == (first >> 32) + 1
    assert program.runtime("GetNextHighMonotonicCount", program.room) == Status.SUCCESS
    assert program.uefi.read_u32(program.room) == (first >> 32) + 2


def test_the_configuration_tables_are_what_and_where_they_should_be(program):
    uefi = program.uefi
    tables = dict(uefi.table.configuration)
    assert uefi.read(tables[ACPI_20], 8) == b"RSD PTR "
    assert uefi.read(tables[SMBIOS_3], 5) == b"_SM3_" and uefi.read(tables[SMBIOS], 4) == b"_SM_"
    assert struct.unpack("<HHI", uefi.read(tables[RT_PROPERTIES], 8)) == (1, 8, 0x3FFF)
    assert uefi.map.find(tables[ACPI_20]).type == MemoryType.ACPIReclaim
    assert uefi.map.find(tables[SMBIOS_3]).type == MemoryType.RuntimeServicesData


def test_the_runtime_memory_is_described_as_it_is_at_the_end():
    program = Program()
    uefi = program.uefi
    uefi.allocate_pool(300_000, MemoryType.RuntimeServicesData)
    driver = uefi.allocate_pages(3, MemoryType.RuntimeServicesCode)
    assert program.call("ExitBootServices", program.image, uefi.map.key) == Status.SUCCESS
    table = dict(uefi.table.configuration)[MEMORY_ATTRIBUTES]
    version, count, size, _ = struct.unpack("<IIII", uefi.read(table, 16))
    assert (version, size) == (1, 48)
    found = [struct.unpack("<I4xQQQQ", uefi.read(table + 16 + size * index, 40)) for index in range(count)]
    described = [(type, start, start + pages * 4096) for type, start, _, pages, _ in found]
    runtime = [(each.type, each.start, each.end) for each in uefi.map.ranges if each.attribute & MemoryAttribute.RUNTIME]
    assert sum(end - start for _, start, end in described) == sum(end - start for _, start, end in runtime)
    assert all(any(type == kind and low <= start and end <= high for kind, low, high in runtime)
               for type, start, end in described)
    attributes = {start: attribute & ~MemoryAttribute.RUNTIME for _, start, _, _, attribute in found}
    assert attributes[uefi.runtime_code[0]] == MemoryAttribute.RO and attributes[driver] == 0


def test_random_numbers_repeat_with_the_run_and_not_within():
    first, second = (next(each for each in Program().uefi.interfaces.values() if type(each) is Rng) for _ in range(2))
    numbers = first.take(100)
    assert second.take(100) == numbers
    assert first.take(100) != numbers


def test_variables_go_on_in_the_file_of_the_machine_that_a_snapshot_comes_to(tmp_path):
    machines = []
    for name in ("one", "other"):
        program = Program()
        program.uefi.variables.load(tmp_path / name)
        machines.append(program)
    one, other = machines
    name, guid, data = (one.block(64, each) for each in ("Name\0".encode("utf-16-le"), bytes(range(16)), b"data"))
    assert one.runtime("SetVariable", name, guid, 7, 4, data) == Status.SUCCESS
    other.machine.restore(one.machine.snapshot())
    assert other.runtime("SetVariable", name, guid, 7, 3, data) == Status.SUCCESS
    kept = [next(each["data"] for each in json.loads((tmp_path / name).read_text())["variables"] if each["name"] == "Name")
            for name in ("one", "other")]
    assert kept == ["64617461", "646174"]


def test_runtime_drivers_and_tables_follow_the_operating_system_to_its_addresses():
    program = Program()
    uefi, offset = program.uefi, 0xFFFF_8000_0000_0000
    file = pe(b"\x31\xC0\xC3".ljust(8, b"\xCC") + bytes(8) + bytes(8), RUNTIME_DRIVER, pointers=(8, 16))
    place = program.block(len(file), file)
    assert program.call("LoadImage", 0, program.image, 0, place, len(file), program.room) == Status.SUCCESS
    handle = program.u64(program.room)
    assert program.call("StartImage", handle, 0, 0) == Status.SUCCESS
    driver = uefi.images.loaded[handle]
    uefi.write_u64(driver.entry + 16, 0x1234)                           # changed since: it stays
    assert program.call("ExitBootServices", program.image, uefi.map.key) == Status.SUCCESS
    services = [uefi.read_u64(uefi.table.runtime_services + 24 + 8 * index) for index in range(14)]
    ranges = [each for each in uefi.map.ranges if each.attribute & MemoryAttribute.RUNTIME]
    entries = b"".join(struct.pack("<I4xQQQQ8x", each.type, each.start, each.start + offset, each.pages, each.attribute)
                       for each in ranges)
    uefi.write(program.room, entries)
    assert program.runtime("SetVirtualAddressMap", len(entries), 48, 1, program.room) == Status.SUCCESS
    assert [uefi.read_u64(driver.entry + at) for at in (8, 16)] == [driver.entry + offset, 0x1234]
    moved = [uefi.read_u64(uefi.table.runtime_services + 24 + 8 * index) for index in range(14)]
    assert moved == [service + (0 if index in (4, 5) else offset) for index, service in enumerate(services)]
    assert program.runtime("SetVirtualAddressMap", len(entries), 48, 1, program.room) == Status.UNSUPPORTED
    assert program.get_time()[0] == 2026
