"""The handle database against a model: whatever is installed, replaced and taken away, the two orders are EDK2's."""
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boot.uefi.boot_services.precedence import BUS_OVERRIDE, DRIVER_BINDING, FAMILY_OVERRIDE, PLATFORM_OVERRIDE
from boot.uefi.definitions import Guid, Status
from uefi.caller import Caller

GUIDS = [Guid(bytes([number]) * 16) for number in (1, 2, 3)]
ALL, NEW, BY_PROTOCOL = range(3)


class Model:
    """handles: name -> {protocol: interface} in the order of installation; order: protocol -> handles; seen: what the
    registration for protocol 0 has not returned yet, in its order."""

    def __init__(self):
        self.handles, self.order, self.unseen = {}, {0: [], 1: [], 2: []}, []

    def install(self, name, protocol, interface):
        if name in self.handles and protocol in self.handles[name]:
            return Status.INVALID_PARAMETER
        self.handles.setdefault(name, {})[protocol] = interface
        self._last(name, protocol)
        return Status.SUCCESS

    def reinstall(self, name, protocol, old, new):
        if self.handles[name].get(protocol) != old:
            return Status.NOT_FOUND
        self.handles[name][protocol] = new
        self.order[protocol].remove(name)
        self._forget(name, protocol)
        self._last(name, protocol)
        return Status.SUCCESS

    def uninstall(self, name, protocol, interface):
        if self.handles[name].get(protocol) != interface:
            return Status.NOT_FOUND
        del self.handles[name][protocol]
        self.order[protocol].remove(name)
        self._forget(name, protocol)
        if not self.handles[name]:
            del self.handles[name]
        return Status.SUCCESS

    def _last(self, name, protocol):
        self.order[protocol].append(name)
        if protocol == 0:
            self.unseen.append(name)

    def _forget(self, name, protocol):
        if protocol == 0 and name in self.unseen:
            self.unseen.remove(name)


STEP = st.tuples(st.sampled_from(["install", "install", "reinstall", "uninstall", "new"]), st.integers(0, 3), st.integers(0, 2),
                 st.integers(1, 3), st.integers(1, 3))


@settings(max_examples=40)
@given(st.lists(STEP, min_size=5, max_size=25))
def test_the_database_is_as_the_model(steps):
    caller, model, handles = Caller(), Model(), {}
    guids = [caller.block(16, bytes(guid)) for guid in GUIDS]
    event = caller.event(0)
    assert caller.call("RegisterProtocolNotify", guids[0], event, caller.room) == Status.SUCCESS
    key = caller.u64(caller.room)
    for kind, name, protocol, interface, other in steps:
        if kind == "install":
            place = caller.block(8, handles.get(name, 0).to_bytes(8, "little"))
            assert caller.call("InstallProtocolInterface", place, guids[protocol], 0, interface) == \
                model.install(name, protocol, interface)
            handles[name] = caller.u64(place)
        elif kind == "new":
            assert new_handle(caller, key) == (handles[model.unseen.pop(0)] if model.unseen else None)
        elif name in handles:
            arguments = (interface, other) if kind == "reinstall" else (interface,)
            service = "ReinstallProtocolInterface" if kind == "reinstall" else "UninstallProtocolInterface"
            assert caller.call(service, handles[name], guids[protocol], *arguments) == \
                getattr(model, kind)(name, protocol, *arguments)
        handles = {name: handle for name, handle in handles.items() if name in model.handles}
        for number, guid in enumerate(guids):
            assert found(caller, guid) == [handles[each] for each in model.order[number]]
        for each, protocols in model.handles.items():
            assert per_handle(caller, handles[each]) == [GUIDS[number] for number in reversed(protocols)]


def array(caller, count_at, buffer_at):
    buffer = caller.u64(buffer_at)
    values = [caller.u64(buffer + 8 * index) for index in range(caller.u64(count_at))]
    assert caller.call("FreePool", buffer) == Status.SUCCESS
    return values


def found(caller, guid):
    """LocateHandleBuffer by protocol."""
    status = caller.call("LocateHandleBuffer", BY_PROTOCOL, guid, 0, caller.room, caller.room + 8)
    return array(caller, caller.room, caller.room + 8) if status == Status.SUCCESS else []


def new_handle(caller, key):
    """LocateHandle by registration: one handle, or none."""
    caller.uefi.write_u64(caller.room, 64)
    status = caller.call("LocateHandle", NEW, 0, key, caller.room, caller.room + 8)
    return caller.u64(caller.room + 8) if status == Status.SUCCESS else None


def per_handle(caller, handle):
    assert caller.call("ProtocolsPerHandle", handle, caller.room, caller.room + 8) == Status.SUCCESS
    return [caller.uefi.read_guid(each) for each in array(caller, caller.room + 8, caller.room)]


# ---- drivers ---------------------------------------------------------------------------------------------------------

BY_DRIVER, EXCLUSIVE = 0x10, 0x20


def binding(caller, stop: bytes = b"\x31\xC0\xC3"):
    """A driver that supports nothing; its handle."""
    refuse = caller.function(b"\x48\xB8\x03\0\0\0\0\0\0\x80\xC3")
    table = b"".join(each.to_bytes(8, "little") for each in (refuse, refuse, caller.function(stop), 0x10))
    place = caller.block(8)
    guid = caller.block(16, bytes(Guid("18a031ab-b443-4d1a-a5c0-0c09261e9f71")))
    assert caller.call("InstallProtocolInterface", place, guid, 0, caller.block(48, table)) == Status.SUCCESS
    return caller.u64(place)


def install(caller, handle, guid, address):
    place = caller.block(8, handle.to_bytes(8, "little"))
    assert caller.call("InstallProtocolInterface", place, caller.block(16, bytes(guid)), 0, address) == Status.SUCCESS
    return caller.u64(place)


def logging_driver(caller, log, letter, version, image=0):
    """A driver that writes its letter when it is asked, and supports nothing; its handle."""
    code = (b"\xBA" + letter + b"\0\0\0\x48\xB8" + log.to_bytes(8, "little") + b"\x48\x83\xEC\x28\xFF\xD0\x48\x83\xC4\x28"
            + b"\x48\xB8\x03\0\0\0\0\0\0\x80\xC3")
    table = b"".join(each.to_bytes(8, "little") for each in (caller.function(code), 0, 0, version, image, 0))
    return install(caller, 0, DRIVER_BINDING, caller.block(48, table))


def get_driver(caller, image: int, slot: bytes):
    """A table whose GetDriver gives `image` once. slot: code that loads the address of the result, RDX or R8, into RAX."""
    code = (slot + b"\x48\x83\x38\0\x75\x10\x48\xB9" + image.to_bytes(8, "little") + b"\x48\x89\x08\x31\xC0\xC3"
            + b"\x48\xB8\x0E\0\0\0\0\0\0\x80\xC3")
    return caller.block(8, caller.function(code).to_bytes(8, "little"))


def test_drivers_are_asked_in_the_order_of_their_precedence():
    """Named by the caller, by the platform, by family, by the bus; then by version."""
    caller = Caller()
    log = caller.log()
    logging_driver(caller, log, b"1", 1)
    logging_driver(caller, log, b"9", 9)
    logging_driver(caller, log, b"b", 2, 0xB0)
    for letter, version in ((b"f", 7), (b"F", 8)):
        handle = logging_driver(caller, log, letter, 0)
        get_version = caller.function(b"\xB8" + version.to_bytes(4, "little") + b"\xC3")
        install(caller, handle, FAMILY_OVERRIDE, caller.block(8, get_version.to_bytes(8, "little")))
    logging_driver(caller, log, b"p", 3, 0xA0)
    named = logging_driver(caller, log, b"n", 0)
    install(caller, 0, PLATFORM_OVERRIDE, get_driver(caller, 0xA0, b"\x4C\x89\xC0"))
    controller = install(caller, 0, BUS_OVERRIDE, get_driver(caller, 0xB0, b"\x48\x89\xD0"))
    drivers = caller.block(16, named.to_bytes(8, "little"))
    assert caller.call("ConnectController", controller, drivers, 0, 0) == Status.NOT_FOUND
    assert caller.logged == b"npFfb91"


@pytest.mark.parametrize("service", ["OpenProtocol", "UninstallProtocolInterface"])
def test_a_driver_that_says_it_stopped_and_did_not_ends_no_loop(service):
    caller = Caller()
    driver = binding(caller)
    place, guid = caller.block(8), caller.block(16, bytes(GUIDS[0]))
    caller.call("InstallProtocolInterface", place, guid, 0, 7)
    handle = caller.u64(place)
    assert caller.call("OpenProtocol", handle, guid, caller.room, driver, handle, BY_DRIVER) == Status.SUCCESS
    arguments = (handle, guid, caller.room, caller.image, 0, EXCLUSIVE) if service == "OpenProtocol" else (handle, guid, 7)
    assert caller.call(service, *arguments) == Status.ACCESS_DENIED
    assert caller.uefi.complaints[0].startswith("a driver's Stop() returned SUCCESS")


def test_a_list_of_drivers_without_an_end_is_not_read_for_ever():
    caller = Caller()
    endless = caller.block(8 * 4096, b"\1" * 8 * 4096)
    assert caller.call("ConnectController", caller.image, endless, 0, 0) == Status.NOT_FOUND


@pytest.mark.parametrize("service, arguments", [
    ("HandleProtocol", ("image", 1 << 40, "room")), ("OpenProtocol", ("image", "guid", 1 << 50, 0, 0, 2)),
    ("InstallProtocolInterface", (1 << 41, "guid", 0, 0)), ("LocateHandle", (2, 1 << 45, 0, "room", "room")),
    ("LocateHandleBuffer", (0, 0, 0, 1 << 40, 1 << 41)), ("LocateDevicePath", ("guid", 1 << 42, "room")),
    ("InstallMultipleProtocolInterfaces", ("room", 1 << 40, 0)), ("ConnectController", ("image", 1 << 40, 0, 0))])
def test_a_pointer_to_nowhere_stops_the_machine_in_words(service, arguments):
    caller = Caller()
    places = {"image": caller.image, "room": caller.room, "guid": caller.block(16, bytes(Guid(
        "5b1b31a1-9562-11d2-8e3f-00a0c969723b")))}
    caller.begin(service, *(places.get(each, each) for each in arguments))
    stop = caller.machine.run(1_000_000)
    assert stop.kind == "firmware" and "where no memory is" in stop.message
