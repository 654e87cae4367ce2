"""What tripped up loaders on real firmware, one test each: the maps, memory types and page tables that they met there."""
from __future__ import annotations

import struct

import pytest
from uefi.caller import Caller

from boot.uefi.definitions import PAGE, MemoryType, Status
from boot.uefi.service import BOOT, PROTOCOL, SERVICES, find
from x86.registers import CR0_WP

DESCRIPTOR = struct.Struct("<I4xQQQQ8x")
EXIT, ANY, ADDRESS = "ExitBootServices", 0, 2


@pytest.fixture
def caller():
    return Caller()


def memory_map(caller, room=8192):
    """(status, key, [(type, start, pages)]) of GetMemoryMap with so much room."""
    buffer, numbers = caller.block(room), caller.block(32, room.to_bytes(8, "little"))
    status = caller.call("GetMemoryMap", numbers, buffer, numbers + 8, numbers + 16, numbers + 24)
    size, key, descriptor, version = struct.unpack("<QQQI", caller.uefi.read(numbers, 28))
    if status != Status.SUCCESS:
        return status, size, descriptor
    assert (descriptor, version) == (DESCRIPTOR.size, 1)
    found = [DESCRIPTOR.unpack(caller.uefi.read(buffer + at, descriptor)) for at in range(0, size, descriptor)]
    return status, key, [(type, start, pages) for type, start, _, pages, _ in found]


def test_the_map_grows_between_the_probe_and_the_call(caller):
    """The buffer for the map is a new allocation itself: the size of the probe need not be enough, and the key is stale."""
    status, size, descriptor = memory_map(caller, 8)
    assert status == Status.BUFFER_TOO_SMALL and descriptor == DESCRIPTOR.size
    place = caller.block(8)
    _, before, _ = memory_map(caller)
    assert caller.call("AllocatePages", ANY, 0x80000001, 1, place) == Status.SUCCESS
    _, after, ranges = memory_map(caller)
    assert before != after
    assert caller.call(EXIT, caller.image, before) == Status.INVALID_PARAMETER
    assert any(type == 0x80000001 for type, _, _ in ranges)


def test_memory_of_a_loaders_own_type_is_in_the_map_and_in_nobodys_way(caller):
    place = caller.block(8)
    for memory_type in (0x70000000, 0x80000001, 0xFFFFFFFF):
        assert caller.call("AllocatePages", ANY, memory_type, 2, place) == Status.SUCCESS
    _, key, ranges = memory_map(caller)
    assert {type for type, _, _ in ranges} >= {0x70000000, 0x80000001, 0xFFFFFFFF}
    assert caller.call(EXIT, caller.image, key) == Status.SUCCESS


def test_a_loader_may_change_the_page_tables_in_use(caller):
    """CR0.WP is set, and the pages that the tables lie in can be written all the same."""
    cpu = caller.machine.cpu
    assert cpu.cr0 & CR0_WP
    walk = caller.machine.walk(cpu.cr3, "write")
    assert walk.physical == cpu.cr3 and walk.error is None


def test_memory_above_4_gb_is_mapped_and_given_last():
    caller = Caller(memory="5G")
    place = caller.block(8)
    assert caller.call("AllocatePages", ANY, 2, 16, place) == Status.SUCCESS
    assert caller.u64(place) < 1 << 32, "many a loader counts on it"
    assert caller.call("AllocatePages", ANY, 2, 3 << 18, place) == Status.OUT_OF_RESOURCES, "as much as there is on both sides"
    caller.uefi.write_u64(place, 1 << 32)
    assert caller.call("AllocatePages", ADDRESS, 2, 16, place) == Status.SUCCESS
    assert caller.machine.walk(1 << 32, "write").physical == 1 << 32


def test_no_descriptor_overlaps_another_and_none_is_empty(caller):
    _, _, ranges = memory_map(caller)
    ranges.sort(key=lambda each: each[1])
    assert all(pages and start % PAGE == 0 for _, start, pages in ranges)
    assert all(start + pages * PAGE <= following for (_, start, pages), (_, following, _) in zip(ranges, ranges[1:]))
    assert any(type == MemoryType.Conventional and start <= 0x100000 < start + pages * PAGE for type, start, pages in ranges)


def test_every_service_of_the_tables_is_implemented():
    """None answers EFI_UNSUPPORTED because nobody wrote it."""
    missing = [each.name for each in SERVICES if each.kind == BOOT and each.implementation is None]
    assert not missing
    assert find(BOOT, "CreateEventEx") is not None and any(each.kind == PROTOCOL for each in SERVICES)
