"""Protocols come to handles and go from them, and who uses them is known.

What EDK2's DXE core answers decides where the specification leaves room; drivers and loaders were tested with that.

Source: UEFI 2.10, section 7.3 "Protocol Handler Services".
"""
from __future__ import annotations

import struct

from boot.uefi import events
from boot.uefi.boot_services import drivers
from boot.uefi.boot_services.lookup import path_at
from boot.uefi.database import (BY_CHILD_CONTROLLER, BY_DRIVER, BY_HANDLE_PROTOCOL, DEVICE_PATH, EXCLUSIVE, GET_PROTOCOL,
                                TEST_PROTOCOL, Open, Registration)
from boot.uefi.memory_map import OutOfMemory
from boot.uefi.service import boot_service
from boot.uefi.steps import answer, begin
from boot.uefi.definitions import Guid, Status

NATIVE_INTERFACE = 0                    # EFI_INTERFACE_TYPE has no other
REGISTRATION_SIZE = 16                  # bytes of the block whose address is a registration's key

#: attributes of OpenProtocol -> which handles must be valid: the agent's, the controller's. No other combination exists.
ATTRIBUTES = {BY_HANDLE_PROTOCOL: (False, False), GET_PROTOCOL: (False, False), TEST_PROTOCOL: (False, False),
              BY_CHILD_CONTROLLER: (True, True), BY_DRIVER: (True, True), BY_DRIVER | EXCLUSIVE: (True, True),
              EXCLUSIVE: (True, False)}

#: EFI_OPEN_PROTOCOL_INFORMATION_ENTRY:  0 AgentHandle   8 ControllerHandle   10 Attributes (4)   14 OpenCount (4)
ENTRY = struct.Struct("<QQII")


# ---- install ---------------------------------------------------------------------------------------------------------

def install(uefi, handle: int, guid: Guid, address: int) -> tuple[int, int]:
    """Put a protocol on a handle (0: on a new one), and signal who asked to be told: (status, handle)."""
    if handle and (handle not in uefi.database.handles or uefi.database.interface(handle, guid)):
        return Status.INVALID_PARAMETER, handle
    try:
        handle = uefi.install(handle, guid, address)
    except OutOfMemory:                                         # said here, so that others can be taken back
        return Status.OUT_OF_RESOURCES, handle
    announce(uefi, guid)
    return Status.SUCCESS, handle


def announce(uefi, guid: Guid) -> None:
    """A protocol was installed: signal the events that wait for it."""
    for registration in list(uefi.database.registrations.values()):
        if registration.guid == guid:
            events.signal(uefi, registration.event)


@boot_service("InstallProtocolInterface(IN OUT EFI_HANDLE *Handle, IN EFI_GUID *Protocol, "
              "IN EFI_INTERFACE_TYPE InterfaceType, IN VOID *Interface)")
def install_protocol_interface(uefi, call, handle_pointer, protocol, interface_type, address):
    if not handle_pointer or not protocol or interface_type != NATIVE_INTERFACE:
        return Status.INVALID_PARAMETER
    status, handle = install(uefi, uefi.read_u64(handle_pointer), uefi.read_guid(protocol), address)
    if status == Status.SUCCESS:
        uefi.write_u64(handle_pointer, handle)
    return status


def pairs(uefi, call) -> list[tuple[Guid, int]]:
    """The variable arguments of the two services for many: GUID and interface, until a GUID is NULL."""
    found, index = [], 1
    while pointer := call.more(index):
        found.append((uefi.read_guid(pointer), call.more(index + 1)))
        index += 2
    return found


@boot_service("InstallMultipleProtocolInterfaces(IN OUT EFI_HANDLE *Handle, ...)")
def install_multiple_protocol_interfaces(uefi, call, handle_pointer):
    if not handle_pointer:
        return Status.INVALID_PARAMETER
    handle, done = uefi.read_u64(handle_pointer), []
    for guid, address in pairs(uefi, call):
        if guid == DEVICE_PATH and is_installed(uefi, address):
            status = Status.ALREADY_STARTED
        else:
            status, handle = install(uefi, handle, guid, address)
        if status != Status.SUCCESS:
            return begin(uefi, call, take_back, handle, done, status)
        done.append((guid, address))
    uefi.write_u64(handle_pointer, handle)
    return Status.SUCCESS


def is_installed(uefi, device_path: int) -> bool:
    """Whether some handle has that device path already, be it at another address."""
    path = path_at(uefi, device_path) if device_path else b""
    return bool(path) and any(path_at(uefi, interface.address) == path
                              for interface in uefi.database.protocols.get(DEVICE_PATH, {}).values() if interface.address)


def take_back(uefi, call, steps, value, handle, done, status):
    """A step: uninstall what was installed before something failed; `status` is the outcome."""
    steps.then(answer, status)
    for guid, address in reversed(done):
        steps.then(uninstall, handle, guid, address)


# ---- uninstall -------------------------------------------------------------------------------------------------------

@boot_service("UninstallProtocolInterface(IN EFI_HANDLE Handle, IN EFI_GUID *Protocol, IN VOID *Interface)")
def uninstall_protocol_interface(uefi, call, handle, protocol, address):
    if not protocol:
        return Status.INVALID_PARAMETER
    return begin(uefi, call, uninstall, handle, uefi.read_guid(protocol), address)


def uninstall(uefi, call, steps, value, handle, guid, address):
    """A step: take a protocol from a handle, once no driver uses it; the handle goes with its last protocol."""
    if handle not in uefi.database.handles:
        return Status.INVALID_PARAMETER
    interface = uefi.database.interface(handle, guid)
    if interface is None or interface.address != address:
        return Status.NOT_FOUND
    steps.then(remove, handle, guid, address)
    steps.then(release, handle, guid)


def remove(uefi, call, steps, status, handle, guid, address):
    if status != Status.SUCCESS:
        return status
    interface = uefi.database.interface(handle, guid)
    if interface is None or interface.address != address:       # a driver did it while it was stopped
        return Status.NOT_FOUND
    uefi.uninstall(handle, guid)
    return Status.SUCCESS


@boot_service("UninstallMultipleProtocolInterfaces(IN EFI_HANDLE Handle, ...)")
def uninstall_multiple_protocol_interfaces(uefi, call, handle):
    return begin(uefi, call, uninstall_next, handle, pairs(uefi, call), [])


def uninstall_next(uefi, call, steps, status, handle, left, done):
    """A step: the next of them; if one cannot be had, those before it are put back."""
    if status != Status.SUCCESS:
        for guid, address in done[:-1]:
            install(uefi, handle, guid, address)
        return Status.INVALID_PARAMETER
    if left:
        (guid, address), *rest = left
        steps.then(uninstall_next, handle, rest, [*done, (guid, address)])
        steps.then(uninstall, handle, guid, address)
    return Status.SUCCESS


@boot_service("ReinstallProtocolInterface(IN EFI_HANDLE Handle, IN EFI_GUID *Protocol, IN VOID *OldInterface, "
              "IN VOID *NewInterface)")
def reinstall_protocol_interface(uefi, call, handle, protocol, old, new):
    if not protocol or handle not in uefi.database.handles:
        return Status.INVALID_PARAMETER
    guid = uefi.read_guid(protocol)
    interface = uefi.database.interface(handle, guid)
    if interface is None or interface.address != old:
        return Status.NOT_FOUND
    return begin(uefi, call, reinstall, handle, guid, old, new)


def reinstall(uefi, call, steps, value, handle, guid, old, new):
    """A step: drivers let go of the old structure, and are offered the new one before anybody else hears of it."""
    steps.then(replace, handle, guid, old, new)
    steps.then(release, handle, guid)


def replace(uefi, call, steps, status, handle, guid, old, new):
    if status != Status.SUCCESS:
        return status
    interface = uefi.database.interface(handle, guid)
    if interface is None or interface.address != old:
        return Status.NOT_FOUND
    uefi.database.replace(handle, guid, new)
    steps.then(announced, guid)
    steps.then(drivers.connect, handle, (), 0, True)


def announced(uefi, call, steps, status, guid):
    announce(uefi, guid)
    return Status.SUCCESS


# ---- who lets go -----------------------------------------------------------------------------------------------------

def release(uefi, call, steps, value, handle, guid):
    """A step: everybody who has the interface open lets go of it. SUCCESS; or ACCESS_DENIED, with the drivers back."""
    steps.then(released, handle, guid)
    steps.then(stop_drivers, handle, guid, 0)
    return Status.SUCCESS


def released(uefi, call, steps, status, handle, guid):
    interface = uefi.database.interface(handle, guid)
    if interface is None:
        return Status.NOT_FOUND
    if status == Status.SUCCESS:
        passing = BY_HANDLE_PROTOCOL | GET_PROTOCOL | TEST_PROTOCOL
        interface.opens = [each for each in interface.opens if not each.attributes & passing]
        if not interface.opens:
            return Status.SUCCESS
    steps.then(answer, Status.ACCESS_DENIED)
    steps.then(drivers.connect, handle, (), 0, True)


def stop_drivers(uefi, call, steps, status, handle, guid, stopped):
    """A step: disconnect the drivers that have the interface open BY_DRIVER, one after the other."""
    interface = uefi.database.interface(handle, guid)
    if interface is None or status != Status.SUCCESS:
        return status
    agent = next((each.agent for each in interface.opens if each.attributes & BY_DRIVER), 0)
    if agent and agent == stopped:                              # its Stop succeeded and closed nothing
        uefi.complain("a driver's Stop() returned SUCCESS and left the protocol open that it had opened BY_DRIVER", call)
        return Status.ACCESS_DENIED
    if agent:
        steps.then(stop_drivers, handle, guid, agent)
        steps.then(drivers.disconnect, handle, agent, 0)
    return Status.SUCCESS


# ---- open and close --------------------------------------------------------------------------------------------------

@boot_service("HandleProtocol(IN EFI_HANDLE Handle, IN EFI_GUID *Protocol, OUT VOID **Interface)")
def handle_protocol(uefi, call, handle, protocol, pointer):
    return open_protocol(uefi, call, handle, protocol, pointer, uefi.images.firmware, 0, BY_HANDLE_PROTOCOL)


@boot_service("OpenProtocol(IN EFI_HANDLE Handle, IN EFI_GUID *Protocol, OUT VOID **Interface OPTIONAL, "
              "IN EFI_HANDLE AgentHandle, IN EFI_HANDLE ControllerHandle, IN UINT32 Attributes)")
def open_protocol(uefi, call, handle, protocol, pointer, agent, controller, attributes):
    handles = uefi.database.handles
    if not protocol or not pointer and attributes != TEST_PROTOCOL or handle not in handles or attributes not in ATTRIBUTES:
        return Status.INVALID_PARAMETER
    needs_agent, needs_controller = ATTRIBUTES[attributes]
    if needs_agent and agent not in handles or needs_controller and controller not in handles:
        return Status.INVALID_PARAMETER
    if attributes == BY_CHILD_CONTROLLER and handle == controller:
        return Status.INVALID_PARAMETER
    guid = uefi.read_guid(protocol)
    if attributes == TEST_PROTOCOL:
        pointer = 0
    interface = uefi.database.interface(handle, guid)
    if interface is None:
        if pointer:
            uefi.write_u64(pointer, 0)
        return Status.UNSUPPORTED
    wanted = Open(agent, controller, attributes)
    for each in interface.opens:
        if (each.agent, each.controller, each.attributes) == (agent, controller, attributes):
            if attributes & BY_DRIVER:
                return opened(uefi, pointer, interface.address, Status.ALREADY_STARTED)
            if not attributes & EXCLUSIVE:
                each.count += 1
                return opened(uefi, pointer, interface.address, Status.SUCCESS)
    exclusive = any(each.attributes & EXCLUSIVE for each in interface.opens)
    by_driver = any(each.attributes & BY_DRIVER for each in interface.opens)
    if attributes & (BY_DRIVER | EXCLUSIVE) and exclusive or attributes == BY_DRIVER and by_driver:
        return Status.ACCESS_DENIED
    return begin(uefi, call, open_after, handle, guid, pointer, wanted)


def open_after(uefi, call, steps, value, handle, guid, pointer, wanted):
    """A step: enter it into the list, after the drivers that have it, if it is for one alone."""
    steps.then(enter, handle, guid, pointer, wanted)
    if wanted.attributes & EXCLUSIVE:
        steps.then(stop_drivers, handle, guid, 0)
    return Status.SUCCESS


def enter(uefi, call, steps, status, handle, guid, pointer, wanted):
    interface = uefi.database.interface(handle, guid)
    if interface is None or status != Status.SUCCESS:
        return Status.ACCESS_DENIED
    if wanted.agent:
        interface.opens.append(wanted)
    return opened(uefi, pointer, interface.address, Status.SUCCESS)


def opened(uefi, pointer, address, status):
    """Tell the caller where the interface is."""
    if pointer:
        uefi.write_u64(pointer, address)
    return status


@boot_service("CloseProtocol(IN EFI_HANDLE Handle, IN EFI_GUID *Protocol, IN EFI_HANDLE AgentHandle, "
              "IN EFI_HANDLE ControllerHandle)")
def close_protocol(uefi, call, handle, protocol, agent, controller):
    handles = uefi.database.handles
    if handle not in handles or agent not in handles or controller and controller not in handles or not protocol:
        return Status.INVALID_PARAMETER
    interface = uefi.database.interface(handle, uefi.read_guid(protocol))
    if interface is None:
        return Status.NOT_FOUND
    kept = [each for each in interface.opens if (each.agent, each.controller) != (agent, controller)]
    found, interface.opens = len(kept) < len(interface.opens), kept
    return Status.SUCCESS if found else Status.NOT_FOUND


@boot_service("OpenProtocolInformation(IN EFI_HANDLE Handle, IN EFI_GUID *Protocol, "
              "OUT EFI_OPEN_PROTOCOL_INFORMATION_ENTRY **EntryBuffer, OUT UINTN *EntryCount)")
def open_protocol_information(uefi, call, handle, protocol, buffer_pointer, count_pointer):
    if not buffer_pointer or not count_pointer:
        return Status.INVALID_PARAMETER
    uefi.write_u64(buffer_pointer, 0)
    uefi.write_u64(count_pointer, 0)
    interface = uefi.database.interface(handle, uefi.read_guid(protocol)) if protocol else None
    if interface is None:
        return Status.NOT_FOUND
    buffer = uefi.allocate_pool(ENTRY.size * max(1, len(interface.opens)))
    uefi.write(buffer, b"".join(ENTRY.pack(each.agent, each.controller, each.attributes, each.count & 0xFFFFFFFF)
                                for each in interface.opens))
    uefi.write_u64(buffer_pointer, buffer)
    uefi.write_u64(count_pointer, len(interface.opens))
    return Status.SUCCESS


# ---- who wants to be told --------------------------------------------------------------------------------------------

@boot_service("RegisterProtocolNotify(IN EFI_GUID *Protocol, IN EFI_EVENT Event, OUT VOID **Registration)")
def register_protocol_notify(uefi, call, protocol, event, registration_pointer):
    if not protocol or not registration_pointer or event not in uefi.events.all:
        return Status.INVALID_PARAMETER
    key = uefi.allocate_pool(REGISTRATION_SIZE)
    uefi.database.registrations[key] = Registration(uefi.read_guid(protocol), event)
    uefi.write_u64(registration_pointer, key)
    return Status.SUCCESS
