"""The boot manager: which image is started. Source: UEFI 2.10, chapter 3."""
from __future__ import annotations

from boot import fat
from boot.uefi import device_path, images, media
from boot.uefi.definitions import Status, status_name
from boot.uefi.service import internal_service
from x86.faults import ImageError

FALLBACK = r"\EFI\BOOT\BOOTX64.EFI"


@internal_service("BootManager()")
def boot_manager(uefi, call):
    """Start what the user named, or the first volume's fallback application."""
    found = chosen(uefi)
    if found is None:
        uefi.machine.stop("no-boot", message=f"no volume has {FALLBACK}")
        return Status.NOT_FOUND
    data, name, device, path = found
    address = 0
    if path:
        address = uefi.allocate_pool(len(path))
        uefi.write(address, path)
    try:
        image = images.load(uefi, data, name, 0, device, address)
    except ImageError as error:
        uefi.machine.stop("no-boot", message=str(error))
        return Status.LOAD_ERROR
    options = uefi.options.load_options.encode("utf-16-le") + b"\0\0"
    if uefi.options.load_options:
        place = uefi.allocate_pool(len(options))
        uefi.write(place, options)
        image.loaded_image.set_field("LoadOptions", place)
        image.loaded_image.set_field("LoadOptionsSize", len(options))
    return images.start(uefi, image, ended, (image.handle,))


def chosen(uefi):
    """(bytes, name, device handle, file path) of what is to be started."""
    volumes = [medium for medium in uefi.disks if medium.volume is not None]
    if uefi.options.application:
        name, data = uefi.options.application
        device = next((medium.handle for medium in volumes), 0)
        return data, name, device, device_path.join([device_path.file_path("\\" + name)])
    for medium in volumes:
        try:
            data = media.read_file(medium.volume, FALLBACK)
        except fat.FatError:
            continue
        return data, "BOOTX64.EFI", medium.handle, device_path.join([device_path.file_path(FALLBACK)])
    return None


def ended(uefi, call, status, handle):
    """An image has come back, and there is nothing more to boot."""
    image = uefi.images.loaded[handle]
    images.after(uefi, image, status)
    uefi.machine.stop("returned", 0 if status == Status.SUCCESS else 1, f"{image.name} returned {status_name(status)}")
    return Status.SUCCESS
