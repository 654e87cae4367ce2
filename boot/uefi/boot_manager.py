"""The boot manager: which image is started. Source: UEFI 2.10, chapter 3."""
from __future__ import annotations

from boot.uefi import images
from boot.uefi.service import internal_service
from boot.uefi.definitions import Status, status_name


@internal_service("BootManager()")
def boot_manager(uefi, call):
    """Start what the user named."""
    name, data = uefi.options.application
    image = images.load(uefi, data, name, 0)
    return images.start(uefi, image, ended, (image.handle,))


def ended(uefi, call, status, handle):
    """An image has come back, and there is nothing more to boot."""
    image = uefi.images.loaded[handle]
    images.after(uefi, image, status)
    uefi.machine.stop("returned", 0 if status == Status.SUCCESS else 1, f"{image.name} returned {status_name(status)}")
    return Status.SUCCESS
