"""In which order drivers are offered a controller.

    1  those that the caller of ConnectController names
    2  what EFI_PLATFORM_DRIVER_OVERRIDE_PROTOCOL says        0 GetDriver(This, Controller, &Image)
    3  EFI_DRIVER_FAMILY_OVERRIDE_PROTOCOL, highest first     0 GetVersion(This)
    4  EFI_BUS_SPECIFIC_DRIVER_OVERRIDE_PROTOCOL              0 GetDriver(This, &Image)
    5  all others, the highest version first

GetDriver names images; all driver bindings of such an image are meant.

Source: UEFI 2.10, section 7.3.12 "ConnectController"; sections 11.2, 11.9 and 11.3 for the three protocols.
"""
from __future__ import annotations

from boot.uefi.definitions import ERROR, Guid

DRIVER_BINDING = Guid("18a031ab-b443-4d1a-a5c0-0c09261e9f71")
PLATFORM_OVERRIDE = Guid("6b30c738-a391-11d4-9a3b-0090273fc14d")
FAMILY_OVERRIDE = Guid("b1ee129e-da36-4181-91f8-04a4923766a7")
BUS_OVERRIDE = Guid("3bc1b285-8a15-4a82-aabf-4d7d13fb3265")
VERSION, IMAGE_HANDLE = 0x18, 0x20      # of EFI_DRIVER_BINDING_PROTOCOL


def bindings(uefi) -> dict[int, int]:
    """Handle -> address of its driver binding, in the order of installation."""
    return {handle.address: handle.interfaces[DRIVER_BINDING].address
            for handle in uefi.database.with_protocol(DRIVER_BINDING) if handle.interfaces[DRIVER_BINDING].address}


def order(uefi, call, steps, value, controller, wanted):
    """A step: the handles of the driver bindings, a tuple, in the order in which they are to be asked."""
    all = bindings(uefi)
    chosen = [handle for handle in dict.fromkeys(wanted) if handle in all]
    steps.then(by_version, chosen)
    bus = uefi.database.interface(controller, BUS_OVERRIDE)
    if bus is not None and bus.address:
        steps.then(ask, chosen, (bus.address,))
    steps.then(ask_families, chosen)
    platforms = list(uefi.database.protocols.get(PLATFORM_OVERRIDE, {}).values())
    if platforms and platforms[0].address:
        steps.then(ask, chosen, (platforms[0].address, controller))


def by_version(uefi, call, steps, value, chosen):
    """A step: the rest. Equal versions come in the order in which EDK2's selection by exchange leaves them."""
    rest = [(uefi.read_u32(address + VERSION), handle) for handle, address in bindings(uefi).items() if handle not in chosen]
    for place in range(len(rest)):
        highest = max(range(place, len(rest)), key=lambda index: rest[index][0])
        rest[place], rest[highest] = rest[highest], rest[place]
    return (*chosen, *(handle for _, handle in rest))


# ---- who is preferred ------------------------------------------------------------------------------------------------

def ask(uefi, call, steps, value, chosen, arguments):
    """A step: GetDriver, which goes on from the image that it is given, from none at first."""
    place = uefi.allocate_pool(8)
    uefi.write_u64(place, 0)
    steps.then(named, chosen, arguments, place)
    return steps.invoke(uefi.read_u64(arguments[0]), *arguments, place)


def named(uefi, call, steps, status, chosen, arguments, place):
    if status & ERROR:
        uefi.free_pool(place)
        return status
    image = uefi.read_u64(place)
    chosen += [handle for handle, address in bindings(uefi).items()
               if handle not in chosen and uefi.read_u64(address + IMAGE_HANDLE) == image]
    steps.then(named, chosen, arguments, place)
    return steps.invoke(uefi.read_u64(arguments[0]), *arguments, place)


def ask_families(uefi, call, steps, value, chosen):
    """A step: the versions of all that are of a family and not chosen yet."""
    handles = [handle for handle in bindings(uefi) if handle not in chosen and family(uefi, handle)]
    steps.then(next_family, chosen, handles, [])


def family(uefi, handle) -> int:
    """The address of its EFI_DRIVER_FAMILY_OVERRIDE_PROTOCOL, or 0."""
    interface = uefi.database.interface(handle, FAMILY_OVERRIDE)
    return interface.address if interface else 0


def next_family(uefi, call, steps, value, chosen, handles, versions):
    """A step: ask the next of the handles; when all have said their version, they are chosen by it."""
    if len(versions) < len(handles):
        address = family(uefi, handles[len(versions)])
        steps.then(family_said, chosen, handles, versions)
        return steps.invoke(uefi.read_u64(address), address) if address else 0
    chosen += [handle for _, handle in sorted(zip(versions, handles), key=lambda each: -each[0])]


def family_said(uefi, call, steps, version, chosen, handles, versions):
    steps.then(next_family, chosen, handles, [*versions, version & 0xFFFFFFFF])
