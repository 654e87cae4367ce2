"""EFI_MEMORY_ATTRIBUTE_PROTOCOL: what it sets is what the processor's tables say. Debian's OVMF has none to compare with."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import boot.uefi
from boot.uefi.definitions import PAGE, MemoryAttribute, MemoryType, Status
from boot.uefi.protocols.memory_attribute import MemoryAttributes
from x86 import Machine

RP, RO, XP = MemoryAttribute.RP, MemoryAttribute.RO, MemoryAttribute.XP
PAGES = 16


@pytest.fixture(scope="module")
def firmware():
    machine = Machine(memory="64M")
    uefi = boot.uefi(machine)
    machine.run(1_000_000, until=lambda machine: uefi.table is not None, every=1000)
    return uefi


@pytest.fixture(scope="module")
def protocol(firmware):
    return next(each for each in firmware.interfaces.values() if isinstance(each, MemoryAttributes))


@pytest.fixture(scope="module")
def area(firmware):
    """A free stretch of PAGES pages, and where its answers go."""
    return firmware.map.allocate(PAGES, MemoryType.LoaderData), firmware.allocate_pool(8)


STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, PAGES - 1), st.integers(1, PAGES), st.sampled_from(
    [RO, XP, RP, RO | XP, RP | RO | XP])), max_size=8)


@given(steps=STEPS)
def test_pages_permit_what_was_set_and_not_cleared(firmware, protocol, area, steps):
    base, answer = area
    protocol.clear_memory_attributes(None, base, PAGES * PAGE, RP | RO | XP)
    model = [0] * PAGES
    for sets, first, count, attributes in steps:
        count = min(count, PAGES - first)
        change = protocol.set_memory_attributes if sets else protocol.clear_memory_attributes
        assert change(None, base + first * PAGE, count * PAGE, int(attributes)) == Status.SUCCESS
        for page in range(first, first + count):
            model[page] = model[page] | attributes if sets else model[page] & ~attributes
    for page, attributes in enumerate(model):
        address = base + page * PAGE
        assert protocol.get_memory_attributes(None, address, PAGE, answer) == Status.SUCCESS
        assert firmware.read_u64(answer) == attributes
        for access, refused in (("read", RP), ("write", RP | RO), ("execute", RP | XP)):
            assert (firmware.machine.walk(address, access).physical is None) == bool(attributes & refused)
    alike = len(set(model)) == 1
    assert protocol.get_memory_attributes(None, base, PAGES * PAGE, answer) == (Status.SUCCESS if alike else Status.NO_MAPPING)


@pytest.mark.parametrize("address, length, attributes, status", [
    (0x100000, 0, XP, Status.INVALID_PARAMETER), (0x100000, PAGE, 0, Status.INVALID_PARAMETER),
    (0x100000, PAGE, MemoryAttribute.WB, Status.INVALID_PARAMETER), (0x100001, PAGE, XP, Status.UNSUPPORTED),
    (0x100000, 100, XP, Status.UNSUPPORTED), (1 << 46, PAGE, XP, Status.UNSUPPORTED), (0, 1 << 63, XP, Status.UNSUPPORTED),
    ((1 << 64) - PAGE, PAGE, XP, Status.UNSUPPORTED),
])
def test_what_cannot_be_is_refused(protocol, address, length, attributes, status):
    assert protocol.set_memory_attributes(None, address, length, int(attributes)) == status
    assert protocol.clear_memory_attributes(None, address, length, int(attributes)) == status
