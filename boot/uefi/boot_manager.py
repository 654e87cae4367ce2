"""The boot manager: which image is started. Source: UEFI 2.10, chapter 3."""
from __future__ import annotations

from boot.uefi import images
from boot.uefi.boot_services.images import start
from boot.uefi.service import internal_service
from boot.uefi.steps import begin
from boot.uefi.definitions import Status, status_name


@internal_service("BootManager()")
def boot_manager(uefi, call):
    """Start what the user named."""
    name, data = uefi.options.application
    return begin(uefi, call, boot, images.load(uefi, data, name, 0).handle, name)


def boot(uefi, call, steps, value, handle, name):
    """A step: run an image that is loaded."""
    steps.then(ended, name)
    steps.then(start, handle)


def ended(uefi, call, steps, status, name):
    """A step: an image has come back, and there is nothing more to boot."""
    uefi.machine.stop("returned", 0 if status == Status.SUCCESS else 1, f"{name} returned {status_name(status)}")
    return Status.SUCCESS
