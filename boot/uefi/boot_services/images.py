"""LoadImage, StartImage, Exit, UnloadImage. Source: UEFI 2.10, section 7.4 "Image Services"."""
from __future__ import annotations

from boot.uefi import images
from boot.uefi.memory_map import OutOfMemory
from boot.uefi.service import boot_service
from boot.uefi.definitions import Status
from x86.faults import ImageError


@boot_service("LoadImage(IN BOOLEAN BootPolicy, IN EFI_HANDLE ParentImageHandle, "
              "IN EFI_DEVICE_PATH_PROTOCOL *DevicePath OPTIONAL, IN VOID *SourceBuffer OPTIONAL, IN UINTN SourceSize, "
              "OUT EFI_HANDLE *ImageHandle)")
def load_image(uefi, call, boot_policy, parent, device_path, source, size, handle_pointer):
    if not handle_pointer or parent not in uefi.images.loaded:
        return Status.INVALID_PARAMETER
    if not source:
        return Status.NOT_FOUND
    try:
        image = images.load(uefi, uefi.read(source, size), "image", parent)
    except ImageError as error:
        call.note = str(error)
        return Status.LOAD_ERROR
    except OutOfMemory:
        return Status.OUT_OF_RESOURCES
    uefi.write_u64(handle_pointer, image.handle)
    return Status.SUCCESS


@boot_service("StartImage(IN EFI_HANDLE ImageHandle, OUT UINTN *ExitDataSize, OUT CHAR16 **ExitData OPTIONAL)")
def start_image(uefi, call, handle, size_pointer, data_pointer):
    image = uefi.images.loaded.get(handle)
    if image is None or image.started:
        return Status.INVALID_PARAMETER
    return images.start(uefi, image, returned, (handle, size_pointer, data_pointer))


def returned(uefi, call, status, handle, size_pointer, data_pointer):
    """The image is done: its exit data goes to the caller."""
    image = uefi.images.loaded[handle]
    size, data = image.exit_data
    if size_pointer and data_pointer:
        uefi.write_u64(size_pointer, size)
        uefi.write_u64(data_pointer, data)
    images.after(uefi, image, status)
    return status


@boot_service("Exit(IN EFI_HANDLE ImageHandle, IN EFI_STATUS ExitStatus, IN UINTN ExitDataSize, IN CHAR16 *ExitData OPTIONAL)")
def exit_image(uefi, call, handle, status, size, data):
    image = uefi.images.loaded.get(handle)
    if image is None:
        return Status.INVALID_PARAMETER
    if not image.started:
        images.unload(uefi, image)
        return Status.SUCCESS
    frame = next((frame for frame in uefi.frames if frame.invoke.image == handle), None)
    if handle != images.current(uefi) or frame is None:
        return Status.INVALID_PARAMETER
    image.exit_data = (size, data) if data else (0, 0)
    return uefi.unwind(frame, status)


@boot_service("UnloadImage(IN EFI_HANDLE ImageHandle)")
def unload_image(uefi, call, handle):
    image = uefi.images.loaded.get(handle)
    if image is None:
        return Status.INVALID_PARAMETER
    if image.started:
        return Status.UNSUPPORTED
    images.unload(uefi, image)
    return Status.SUCCESS
