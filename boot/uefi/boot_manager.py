"""The boot manager: which image is started. Source: UEFI 2.10, chapter 3."""
from __future__ import annotations

from boot import fat
from boot.uefi import device_path, images, media
from boot.uefi.boot_services.images import start
from boot.uefi.boot_services.miscellaneous import arm_watchdog
from boot.uefi.definitions import Status, status_name
from boot.uefi.service import internal_service
from boot.uefi.steps import begin
from x86.faults import ImageError

WATCHDOG = 5 * 60                       # seconds that a boot option gets (section 3.1.2), unless it sets the timer itself
FALLBACK = r"\EFI\BOOT\BOOTX64.EFI"


@internal_service("BootManager()")
def boot_manager(uefi, call):
    """Start what the user named, or the first volume's fallback application."""
    found = chosen(uefi)
    if found is None:
        uefi.machine.stop("no-boot", message=f"no volume has {FALLBACK}")
        return Status.NOT_FOUND
    try:
        image = images.load(uefi, *found)
    except ImageError as error:
        uefi.machine.stop("no-boot", message=str(error))
        return Status.LOAD_ERROR
    options = uefi.options.load_options.encode("utf-16-le") + b"\0\0"
    if uefi.options.load_options:
        place = uefi.allocate_pool(len(options))
        uefi.write(place, options)
        image.loaded_image.set_field("LoadOptions", place)
        image.loaded_image.set_field("LoadOptionsSize", len(options))
    return begin(uefi, call, boot, image)


def boot(uefi, call, steps, value, image):
    """A step: run an image that is loaded."""
    arm_watchdog(uefi, WATCHDOG)
    steps.then(ended, image.name)
    steps.then(start, image.handle)


def chosen(uefi):
    """(bytes, name, parent, device handle, device path) of what is to be started."""
    volumes = [medium for medium in uefi.disks if medium.volume is not None]
    if uefi.options.application:
        name, data = uefi.options.application
        if not volumes:
            return data, name, 0, 0, b""
        medium = volumes[0]
        return data, name, 0, medium.handle, device_path.append(medium.path, device_path.file_path("\\" + name))
    for medium in volumes:
        try:
            data = media.read_file(medium.volume, FALLBACK)
        except fat.FatError:
            continue
        return data, "BOOTX64.EFI", 0, medium.handle, device_path.append(medium.path, device_path.file_path(FALLBACK))
    return None


def ended(uefi, call, steps, status, name):
    """A step: an image has come back, and there is nothing more to boot."""
    arm_watchdog(uefi, 0)
    uefi.machine.stop("returned", 0 if status == Status.SUCCESS else 1, f"{name} returned {status_name(status)}")
    return Status.SUCCESS
