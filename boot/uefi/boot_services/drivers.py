"""ConnectController and DisconnectController: drivers that follow the UEFI driver model, and the controllers they manage.

A driver is a guest's, known by its EFI_DRIVER_BINDING_PROTOCOL:

    0 Supported   8 Start   10h Stop   18h Version (4)   20h ImageHandle   28h DriverBindingHandle

The firmware's own devices have no driver bindings: all that can be had from them is there from the beginning. To connect
one of them succeeds where EDK2's drivers for buses start once more, and else finds nobody, as after EDK2's boot manager has
connected everything.

Source: UEFI 2.10, section 7.3.12 and following; section 11.1 "EFI Driver Binding Protocol".
"""
from __future__ import annotations

import struct

from boot.uefi import device_path
from boot.uefi.boot_services import precedence
from boot.uefi.boot_services.lookup import path_at
from boot.uefi.boot_services.precedence import DRIVER_BINDING
from boot.uefi.database import BY_CHILD_CONTROLLER, BY_DRIVER, DEVICE_PATH
from boot.uefi.service import boot_service
from boot.uefi.steps import answer, begin
from boot.uefi.definitions import ERROR, Status

SUPPORTED, START, STOP = 0x00, 0x08, 0x10
MOST_DRIVERS = 256                      # in DriverImageHandle: more than that is no list


# ---- connect ---------------------------------------------------------------------------------------------------------

@boot_service("ConnectController(IN EFI_HANDLE ControllerHandle, IN EFI_HANDLE *DriverImageHandle OPTIONAL, "
              "IN EFI_DEVICE_PATH_PROTOCOL *RemainingDevicePath OPTIONAL, IN BOOLEAN Recursive)")
def connect_controller(uefi, call, controller, drivers, remaining, recursive):
    wanted = []
    while drivers and len(wanted) < MOST_DRIVERS and (handle := uefi.read_u64(drivers + 8 * len(wanted))):
        wanted.append(handle)
    return begin(uefi, call, connect, controller, tuple(wanted), remaining, bool(recursive))


def connect(uefi, call, steps, value, controller, wanted, remaining, recursive):
    """A step: offer a controller to all drivers, those in `wanted` first; then, if recursive, its children."""
    if controller not in uefi.database.handles:
        return Status.INVALID_PARAMETER
    steps.then(connected, controller, recursive)
    steps.then(offer_to_all, controller, remaining)
    steps.then(precedence.order, controller, wanted)


def offer_to_all(uefi, call, steps, drivers, controller, remaining):
    steps.then(offer, controller, drivers, 0, remaining, False)


def connected(uefi, call, steps, status, controller, recursive):
    if not recursive or controller not in uefi.database.handles:
        return status
    steps.then(answer, status)
    children = [each.controller for each in uefi.database.opens(controller) if each.attributes & BY_CHILD_CONTROLLER]
    for child in reversed(children):
        steps.then(connect, child, (), 0, True)


def offer(uefi, call, steps, value, controller, drivers, index, remaining, started):
    """A step: ask the driver at `index` whether it supports the controller. After one that does, all others are asked anew."""
    while index < len(drivers):
        interface = uefi.database.interface(drivers[index], DRIVER_BINDING)
        if interface is not None and interface.address:
            steps.then(supported, controller, drivers, index, remaining, started, interface.address)
            return steps.invoke(uefi.read_u64(interface.address + SUPPORTED), interface.address, controller, remaining)
        index += 1
    if started or remaining and uefi.read_u8(remaining) == device_path.END or is_bus(uefi, controller):
        return Status.SUCCESS
    return Status.NOT_FOUND


def is_bus(uefi, controller: int) -> bool:
    """Whether it is a controller of the firmware's own, like a disk, that others, like its partitions, are children of."""
    handle = uefi.database.handles.get(controller)
    if handle is None or not any(interface.address in uefi.interfaces for interface in handle.interfaces.values()):
        return False
    paths = {each: path_at(uefi, interface.address)
             for each, interface in uefi.database.protocols.get(DEVICE_PATH, {}).items()}
    own = paths.pop(controller, b"")
    return bool(own) and any(len(path) > len(own) and device_path.starts_with(path, own) for path in paths.values())


def supported(uefi, call, steps, status, controller, drivers, index, remaining, started, binding):
    if status & ERROR:
        steps.then(offer, controller, drivers, index + 1, remaining, started)
        return Status.NOT_FOUND
    steps.then(start_ended, controller, drivers[:index] + drivers[index + 1:], remaining, started)
    return steps.invoke(uefi.read_u64(binding + START), binding, controller, remaining)


def start_ended(uefi, call, steps, status, controller, drivers, remaining, started):
    steps.then(offer, controller, drivers, 0, remaining, started or not status & ERROR)


# ---- disconnect ------------------------------------------------------------------------------------------------------

@boot_service("DisconnectController(IN EFI_HANDLE ControllerHandle, IN EFI_HANDLE DriverImageHandle OPTIONAL, "
              "IN EFI_HANDLE ChildHandle OPTIONAL)")
def disconnect_controller(uefi, call, controller, driver, child):
    return begin(uefi, call, disconnect, controller, driver, child)


def disconnect(uefi, call, steps, value, controller, driver, child):
    """A step: stop a driver (0: every one that manages the controller) on it, or only on its child."""
    handles = uefi.database.handles
    if controller not in handles or child and child not in handles:
        return Status.INVALID_PARAMETER
    drivers = [driver] if driver else [each.agent for each in uefi.database.opens(controller) if each.attributes & BY_DRIVER]
    if not drivers:
        return Status.SUCCESS
    steps.then(stop_next, controller, tuple(dict.fromkeys(drivers)), child, 0)


def stop_next(uefi, call, steps, value, controller, drivers, child, stopped):
    """A step: stop the first of the drivers, then the others. stopped: how many have."""
    if not drivers or controller not in uefi.database.handles:
        return Status.SUCCESS if stopped else Status.NOT_FOUND
    driver, *rest = drivers
    interface = uefi.database.interface(driver, DRIVER_BINDING)
    if interface is None or not interface.address:
        return Status.INVALID_PARAMETER
    opens = [each for each in uefi.database.opens(controller) if each.agent == driver]
    children = list(dict.fromkeys(each.controller for each in opens if each.attributes & BY_CHILD_CONTROLLER))
    if not any(each.attributes & BY_DRIVER for each in opens) or child and child not in children:
        steps.then(stop_next, controller, tuple(rest), child, stopped)
        return Status.NOT_FOUND
    targets = [child] if child else children
    steps.then(stop_ended, controller, tuple(rest), child, stopped)
    if len(children) == len(targets):
        steps.then(stop_controller, interface.address, controller)
    if targets:
        steps.then(stop_children, interface.address, controller, targets)
    return Status.SUCCESS


def stop_ended(uefi, call, steps, status, controller, drivers, child, stopped):
    steps.then(stop_next, controller, drivers, child, stopped + (not status & ERROR))


def stop_children(uefi, call, steps, value, binding, controller, children):
    """A step: Stop() with the array of child handles, which is given back afterwards."""
    buffer = uefi.allocate_pool(8 * len(children))
    uefi.write(buffer, struct.pack(f"<{len(children)}Q", *children))
    steps.then(give_back, buffer)
    return steps.invoke(uefi.read_u64(binding + STOP), binding, controller, len(children), buffer)


def give_back(uefi, call, steps, status, buffer):
    uefi.free_pool(buffer)
    return status


def stop_controller(uefi, call, steps, status, binding, controller):
    """A step: Stop() for the controller itself, if its children have stopped."""
    return status if status & ERROR else steps.invoke(uefi.read_u64(binding + STOP), binding, controller, 0, 0)
