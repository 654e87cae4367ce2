"""The firmware's calls as lines: arguments in words, what came back, and nothing that a guest can break."""
from __future__ import annotations

import pytest
from uefi.caller import Caller

from boot.uefi import call_trace, guids
from boot.uefi.definitions import Guid, Status
from boot.uefi.service import BOOT, RUNTIME, find


@pytest.fixture
def caller():
    found = Caller()
    found.lines = []
    found.uefi.trace.append(found.lines.append)
    return found


def said(caller, name, *arguments):
    service = find(BOOT, name) or find(RUNTIME, name)
    caller.call_address(caller.uefi.stub(service), *arguments)
    return caller.lines[-1]


def test_an_allocation_says_what_was_asked_and_given(caller):
    place = caller.block(8, (0x100000).to_bytes(8, "little"))
    assert said(caller, "AllocatePages", 2, 2, 4, place) == "AllocatePages(Address, LoaderData, 4, 100000h) = SUCCESS"
    assert said(caller, "AllocatePages", 2, 2, 4, place) == "AllocatePages(Address, LoaderData, 4, 100000h) = NOT_FOUND"
    line = said(caller, "AllocatePages", 0, 4, 1, place)
    assert line == f"AllocatePages(Any, BootServicesData, 1, 100000h -> {caller.u64(place):X}h) = SUCCESS"
    assert said(caller, "AllocatePool", 2, 10, 0) == "AllocatePool(LoaderData, 10, NULL) = INVALID_PARAMETER"


def test_names_stand_for_guids_handles_texts_and_flags(caller):
    name = caller.block(32, "Na\"me\r\n".encode("utf-16-le"))
    vendor = caller.block(16, bytes(Guid("8be4df61-93ca-11d2-aa0d-00e098032b8c")))
    assert said(caller, "SetVariable", name, vendor, 7, 0, 0) == \
        r'SetVariable("Na\"me\r\n", EFI_GLOBAL_VARIABLE, NV|BS|RT, 0, NULL) = NOT_FOUND'
    protocol = caller.block(16, bytes(Guid("5b1b31a1-9562-11d2-8e3f-00a0c969723b")))
    line = said(caller, "HandleProtocol", caller.image, protocol, caller.room)
    assert line == f"HandleProtocol(caller.efi, LoadedImage) = SUCCESS -> {caller.u64(caller.room):X}h"
    line = said(caller, "CreateEvent", 0x80000200, 8, 0, 0, caller.room)
    assert line.startswith("CreateEvent(TIMER|NOTIFY_SIGNAL, CALLBACK, ")
    assert guids.name_of(Guid(bytes(16))) == "00000000-0000-0000-0000-000000000000"


def test_a_pointer_to_nowhere_does_not_stop_the_trace(caller):
    caller.enter(caller.uefi.stub(find(RUNTIME, "GetVariable")), 1 << 46, 1 << 46, 0, 0, 0)
    assert caller.machine.run(1_000_000).kind == "returned" or caller.lines[-1].startswith("GetVariable(?, ?, NULL")
    assert call_trace.flags(1 << 40 | 3, ((1, "A"), (2, "B"))) == "A|B|10000000000h"
    assert call_trace.quoted("x" * 500).endswith('x"...')


def test_what_runs_inside_is_farther_right(caller):
    """A notification that calls a service, while SignalEvent goes on."""
    service = caller.uefi.stub(find(BOOT, "Stall"))
    code = b"\x48\x83\xEC\x28\x31\xC9\x48\xB8" + service.to_bytes(8, "little") + b"\xFF\xD0\x48\x83\xC4\x28\xC3"
    event = caller.event(0x200, 8, caller.function(code))
    assert caller.call("SignalEvent", event) == Status.SUCCESS
    assert caller.lines[-3:] == [f"SignalEvent({event:X}h) ...", "  Stall(0) = SUCCESS", f"SignalEvent({event:X}h) = SUCCESS"]
