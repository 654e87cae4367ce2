"""LoadImage, StartImage, Exit, UnloadImage. Source: UEFI 2.10, section 7.4 "Image Services"."""
from __future__ import annotations

from boot.loaders import pe
from boot.uefi import images
from boot.uefi.boot_services import drivers, image_source
from boot.uefi.boot_services.image_source import Source
from boot.uefi.boot_services.interfaces import announce
from boot.uefi.boot_services.lookup import first_instance, nearest, path_at
from boot.uefi.database import DEVICE_PATH
from boot.uefi.events import INTERRUPT_FLAG, dispatch
from boot.uefi.protocols.loaded_image import LoadedImage
from boot.uefi.service import boot_service
from boot.uefi.steps import begin
from boot.uefi.definitions import ERROR, TPL_HIGH_LEVEL, Status
from x86.faults import ImageError

#: What an image is refused with; all others with UNSUPPORTED
REFUSALS = {pe.NotLoadable: Status.LOAD_ERROR, pe.NoAddress: Status.INVALID_PARAMETER, images.AddressTaken: Status.NOT_FOUND}

# ---- load ------------------------------------------------------------------------------------------------------------

@boot_service("LoadImage(IN BOOLEAN BootPolicy, IN EFI_HANDLE ParentImageHandle, "
              "IN EFI_DEVICE_PATH_PROTOCOL *DevicePath OPTIONAL, IN VOID *SourceBuffer OPTIONAL, IN UINTN SourceSize, "
              "OUT EFI_HANDLE *ImageHandle)")
def load_image(uefi, call, boot_policy, parent, path, source, size, handle_pointer):
    if not handle_pointer or uefi.database.interface(parent, LoadedImage.guid) is None or not path and not source:
        return Status.INVALID_PARAMETER
    if source and not size:
        return Status.LOAD_ERROR
    return begin(uefi, call, load, parent, path, source, size, bool(boot_policy), handle_pointer)


def load(uefi, call, steps, value, parent, path, source, size, boot_policy, handle_pointer):
    """A step: get the bytes, from the caller's buffer or from where the device path leads, and load them."""
    steps.then(load_bytes, parent, handle_pointer)
    if not source:
        steps.then(image_source.read, path, boot_policy)
        return Status.SUCCESS
    whole = path_at(uefi, path) if path else b""
    found = nearest(uefi, DEVICE_PATH, first_instance(whole)) if whole else None
    return Source(uefi.read(source, size), found[0] if found else 0, whole)


def load_bytes(uefi, call, steps, source, parent, handle_pointer):
    """A step: `source` is what was read, or the status that says why nothing was."""
    if not isinstance(source, Source):
        return source
    try:
        image = images.load(uefi, source.data, images.name_of(source.path), parent, source.device, source.path)
    except ImageError as error:
        call.note = str(error)
        return next((status for kind, status in REFUSALS.items() if isinstance(error, kind)), Status.UNSUPPORTED)
    uefi.write_u64(handle_pointer, image.handle)
    announce(uefi, LoadedImage.guid)
    return Status.SUCCESS


# ---- start -----------------------------------------------------------------------------------------------------------

@boot_service("StartImage(IN EFI_HANDLE ImageHandle, OUT UINTN *ExitDataSize, OUT CHAR16 **ExitData OPTIONAL)")
def start_image(uefi, call, handle, size_pointer, data_pointer):
    image = uefi.images.loaded.get(handle)
    if image is None or image.started:
        return Status.INVALID_PARAMETER
    return begin(uefi, call, start, handle, size_pointer, data_pointer)


def start(uefi, call, steps, value, handle, size_pointer=0, data_pointer=0):
    """A step: run an image that is loaded. The value is what it returns or gives to Exit; applications, and drivers that fail,
    are no longer loaded then."""
    image = uefi.images.loaded[handle]
    image.started, image.level = True, uefi.tpl
    steps.then(returned, handle, size_pointer, data_pointer, uefi.database.key)
    return steps.invoke(image.entry, handle, uefi.table.address, image=handle)


def returned(uefi, call, steps, status, handle, size_pointer, data_pointer, key):
    """A step: the image is done. Its exit data goes to the caller; what a driver has put on handles is connected."""
    image = uefi.images.loaded.get(handle)
    if image is None:                                           # it unloaded itself
        return status
    uefi.tpl = image.level
    if image.level < TPL_HIGH_LEVEL:                            # it may have left from the handler of an interrupt
        uefi.machine.cpu.rflags |= INTERRUPT_FLAG
    size, data = image.exit_data
    if size_pointer and data_pointer:
        uefi.write_u64(size_pointer, size)
        uefi.write_u64(data_pointer, data)
    elif data:
        uefi.free_pool(data)
    image.exit_data = 0, 0
    steps.then(ended, handle, status)
    if image.subsystem != images.APPLICATION:
        changed = [each.address for each in uefi.database.handles.values() if each.key > key]
        for each in reversed(changed):
            steps.then(drivers.connect, each, (), 0, True)
    steps.then(dispatch)                                        # what it signaled at a higher level, while its code is there


def ended(uefi, call, steps, value, handle, status):
    image = uefi.images.loaded.get(handle)
    if image is not None and (image.subsystem == images.APPLICATION or status & ERROR):
        images.unload(uefi, image)
    return status


# ---- leave -----------------------------------------------------------------------------------------------------------

@boot_service("Exit(IN EFI_HANDLE ImageHandle, IN EFI_STATUS ExitStatus, IN UINTN ExitDataSize, IN CHAR16 *ExitData OPTIONAL)")
def exit_image(uefi, call, handle, status, size, data):
    image = uefi.images.loaded.get(handle)
    if image is None:
        return Status.INVALID_PARAMETER
    if not image.started:
        images.unload(uefi, image)
        return Status.SUCCESS
    frame = next((frame for frame in reversed(uefi.frames) if frame.invoke.image), None)
    if frame is None or frame.invoke.image != handle:           # somebody else's, or a driver's that has returned long ago
        return Status.INVALID_PARAMETER
    if data:                                                    # the caller of StartImage frees it: a block of its own
        copy = uefi.allocate_pool(size)
        uefi.write(copy, uefi.read(data, size))
        image.exit_data = size, copy
    return uefi.unwind(frame, status)


@boot_service("UnloadImage(IN EFI_HANDLE ImageHandle)")
def unload_image(uefi, call, handle):
    image = uefi.images.loaded.get(handle)
    if image is None:
        return Status.INVALID_PARAMETER
    if not image.started:
        images.unload(uefi, image)
        return Status.SUCCESS
    unload = image.loaded_image.field("Unload")
    return begin(uefi, call, ask_to_unload, handle, unload) if unload else Status.UNSUPPORTED


def ask_to_unload(uefi, call, steps, value, handle, unload):
    """A step: the image's own Unload decides."""
    steps.then(unloaded, handle)
    return steps.invoke(unload, handle)


def unloaded(uefi, call, steps, status, handle):
    image = uefi.images.loaded.get(handle)
    if image is not None and not status & ERROR:
        images.unload(uefi, image)
    return status
