"""The core of the firmware: the way from the reset vector, calls into Python and back, and what callers do wrong."""
from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import boot
from boot.uefi import prototypes, state
from boot.uefi.definitions import Guid
from boot.uefi.memory_map import MemoryMap, NotAllocated, OutOfMemory, Pool
from x86 import Machine


def test_the_committed_code_is_what_its_sources_say():
    done = subprocess.run([sys.executable, "-m", "boot.uefi.build", "--check"], capture_output=True, text=True)
    if done.returncode == 2:
        pytest.skip("nasm is not installed")
    assert done.returncode == 0, done.stdout


def test_prototypes_are_read_as_the_specification_writes_them():
    found = prototypes.parse("Open(OUT EFI_FILE_PROTOCOL **NewHandle, IN CHAR16 *FileName, IN UINT64 OpenMode)")
    assert [(each.direction, each.type, each.stars, each.name) for each in found.parameters] == [
        ("OUT", "EFI_FILE_PROTOCOL", 2, "NewHandle"), ("IN", "CHAR16", 1, "FileName"), ("IN", "UINT64", 0, "OpenMode")]
    assert prototypes.parse("Reset(IN BOOLEAN ExtendedVerification)").parameters[0].mask == 0xFF
    with pytest.raises(ValueError):
        prototypes.parse("Open")


def test_a_guid_is_its_bytes():
    guid = Guid("5b1b31a1-9562-11d2-8e3f-00a0c969723b")
    assert bytes(guid).hex() == "a1311b5b6295d2118e3f00a0c969723b"
    assert str(guid) == "5b1b31a1-9562-11d2-8e3f-00a0c969723b"


def test_pages_come_from_the_top_and_go_back():
    memory = MemoryMap()
    memory.add(0x1000, 0x100000, 7)
    before = list(memory.ranges)
    first = memory.allocate(3, 2)
    assert first == 0x100000 - 3 * 4096
    memory.allocate_at(0x8000, 1, 2)
    with pytest.raises(OutOfMemory):
        memory.allocate_at(0x7000, 2, 2)
    memory.free(first, 3)
    memory.free(0x8000, 1)
    with pytest.raises(NotAllocated):
        memory.free(0x8000, 1)
    assert memory.ranges == before


def test_a_block_of_the_pool_is_given_back_once():
    pool = Pool(MemoryMap())
    pool.map.add(0x1000, 0x100000, 7)
    first, second = pool.allocate(100, 4), pool.allocate(20, 4)
    assert abs(first - second) >= 20 and first % 16 == second % 16 == 0
    pool.release(first)
    with pytest.raises(NotAllocated):
        pool.release(first)
    assert pool.allocate(100, 4) == first


def test_the_firmware_starts_at_the_reset_vector_in_real_mode():
    machine = Machine(memory="64M")
    boot.uefi(machine)
    assert (machine.cpu.mode, machine.cpu.cs, machine.cpu.rip) == ("real", 0xF000, 0xFFF0)
    machine.run(100_000, until=lambda machine: machine.cpu.mode == "long", every=1)
    assert machine.cpu.mode == "long"


def test_the_same_boot_is_the_same_and_a_snapshot_goes_on_as_the_original(payload):
    application = payload("esp-hashtool") / "EFI/BOOT/BOOTX64.EFI"

    def start():
        machine = Machine(memory="64M")
        return machine, boot.uefi(machine, application=application)
    machine, firmware = start()
    machine.run(200_000)
    middle = machine.snapshot()
    machine.run(300_000)
    end = machine.snapshot().digest()
    for other, its_firmware in ((machine, firmware), start()):
        other.restore(middle)
        assert its_firmware.frames and its_firmware.images.loaded
        other.run(300_000)
        assert other.snapshot().digest() == end


class Slotted:
    __slots__ = ("number",)

    def __init__(self, number):
        self.number = number


def test_a_digest_depends_on_every_part_of_the_state():
    def digest(numbers):
        return repr(state.freeze([Slotted(number) for number in numbers], lambda value: None))
    assert digest(range(20)) == digest(range(20))
    assert len({digest([number + (number == place) for number in range(20)]) for place in range(20)}) == 20


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 1 << 19)), max_size=60))
def test_the_pool_is_as_its_model(steps):
    """Blocks never overlap, free stretches are sorted and apart, and when all is given back all of it is free."""
    pool = Pool(MemoryMap())
    pool.map.add(0x1000, 0x1000000, 7)
    for give_back, number in steps:
        if give_back and pool.blocks:
            pool.release(sorted(pool.blocks)[number % len(pool.blocks)])
        elif not give_back:
            pool.allocate(number, 4)
        spans = pool.free.get(4, [])
        assert all(end < start for (_, end), (start, _) in zip(spans, spans[1:]))
        taken = sorted([*spans, *((start, start + size) for start, (size, _) in pool.blocks.items())])
        assert all(end <= start for (_, end), (start, _) in zip(taken, taken[1:]))
        assert sum(end - start for start, end in taken) == pages_of(pool.map)
    for start in list(pool.blocks):
        pool.release(start)
    assert sum(end - start for start, end in pool.free.get(4, [])) == pages_of(pool.map)


def pages_of(memory):
    """Bytes that the pool has taken."""
    return sum(each.end - each.start for each in memory.ranges if each.type == 4)
