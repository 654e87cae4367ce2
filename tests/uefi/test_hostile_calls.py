"""Every service with arguments that make no sense: it answers, or the machine stops in words; never an error of Python's,
never for ever."""
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boot.uefi.service import PROTOCOL, SERVICES
from uefi.caller import Caller

MOST = 20_000_000                       # ticks: then a service is at it for ever
KINDS = {"debug-exit", "firmware", "exception", "limit", "poweroff", "reset", "returned", "shutdown", "hang"}
SLOW = {"Stall", "WaitForEvent"}            # these may wait

#: What an argument may be: numbers at the edges, places with and without memory, things that exist.
NUMBERS = [0, 1, 2, 3, 4, 8, 16, 31, 32, 0x200, 0xFFF, 0x1000, 1 << 20, (1 << 31) - 1, (1 << 32) - 1, 1 << 40, 1 << 52,
           (1 << 63) - 1, 1 << 63, (1 << 64) - 1, 0x8000_0000_0000_1000]
THINGS = ["room", "ones", "text", "guid", "handle", "image", "event", "path", "code", "table", "pointer"]


@pytest.fixture(scope="module")
def scene():
    """A caller, what there is to be named, and the machine as it was then."""
    caller = Caller()
    text = "\\EFI\\BOOT".encode("utf-16-le") + b"\0\0"
    things = {"room": caller.room, "ones": caller.block(4096, b"\xFF" * 4096), "text": caller.block(64, text),
              "guid": caller.block(16, bytes.fromhex("a1311b5b6295d2118e3f00a0c969723b")), "image": caller.image,
              "handle": list(caller.uefi.database.handles)[0], "event": caller.event(0x80000000),
              "path": caller.block(64, b"\x04\x04\x08\0A\0\0\0\x7F\xFF\x04\0"), "code": caller.function(b"\x31\xC0\xC3"),
              "table": caller.uefi.table.address}
    things["pointer"] = caller.block(64, b"".join(each.to_bytes(8, "little") for each in things.values())[:64])
    return caller, things, caller.machine.snapshot()


def interfaces(caller, owner):
    return [address for address, each in caller.uefi.interfaces.items() if type(each) is owner]


ARGUMENT = st.one_of(st.sampled_from(NUMBERS), st.sampled_from(THINGS), st.sampled_from(THINGS))


@settings(max_examples=400)
@given(st.sampled_from([each for each in SERVICES if each.kind != "internal"]), st.lists(ARGUMENT, min_size=12, max_size=12))
def test_no_argument_is_too_strange(scene, service, arguments):
    caller, things, start = scene
    caller.machine.restore(start)
    values = [things.get(each, each) for each in arguments]
    if service.kind == PROTOCOL and service.owner.this:
        found = interfaces(caller, service.owner)
        values.insert(0, found[0] if found else things["room"])
    caller.enter(caller.uefi.stub(service), *values)
    stop = caller.machine.run(MOST)
    assert stop.kind in KINDS and "\n" not in stop.message
    assert stop.kind != "limit" or service.name in SLOW, f"{service.name} takes for ever"
