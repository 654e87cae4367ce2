"""The boot manager: which images are started, one after the other, until one of them does not come back.

    the user's application, and nothing else
    or  BootNext, the options of BootOrder, \\EFI\\BOOT\\BOOTX64.EFI on each FAT volume in the order of the media

An image that returns makes room for the next; when there is none, the machine stops with what the last one returned, or with
all that was tried and why it was nothing.

Source: UEFI 2.10, chapter 3 "Boot Manager".
"""
from __future__ import annotations

import struct
from dataclasses import dataclass, field

from boot.fat import FatError, NotFound
from boot.uefi import events, images, load_option
from boot.uefi.boot_services import image_source
from boot.uefi.boot_services.image_source import Source
from boot.uefi.boot_services.images import start
from boot.uefi.boot_services.interfaces import announce
from boot.uefi.boot_services.miscellaneous import arm_watchdog
from boot.uefi.definitions import Status, status_name
from boot.uefi.device_path import append, file_name, file_path, parse, starts_with
from boot.uefi.events import AFTER_READY_TO_BOOT, READY_TO_BOOT
from boot.uefi.file_info import locate
from boot.uefi.load_option import FALLBACK, BadOption, LoadOption
from boot.uefi.memory_map import OutOfMemory
from boot.uefi.protocols.loaded_image import LoadedImage
from boot.uefi.service import internal_service
from boot.uefi.steps import begin
from boot.uefi.variables import GLOBAL
from x86.faults import ImageError

WATCHDOG = 300                          # seconds that an image has to switch the watchdog off


@dataclass
class Choice:
    """One thing to boot.

    name      for messages
    paths     whole device paths, each tried in turn until one gives an image
    data      LoadOptions; without any, the user's are taken
    number    of its Boot####, or None
    source    the image itself, where it comes from the host
    """
    name: str
    paths: list[bytes]
    data: bytes = b""
    number: int | None = None
    source: Source | None = None


@dataclass
class Plan:
    """What is still to be booted, and what came of the rest.

    failures   a line for each that could not be started
    started    the device paths of those that were
    last       (name, status) of the one that returned last
    """
    choices: list[Choice] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    started: list[bytes] = field(default_factory=list)
    last: tuple[str, int] | None = None


@internal_service("BootManager()")
def boot_manager(uefi, call):
    """What reset.asm calls when everything is there; it returns when there is nothing more to boot."""
    plan = Plan()
    if uefi.options.application:
        plan.choices.append(application(uefi))
    else:
        from_variables(uefi, plan)
        from_volumes(uefi, plan)
    return begin(uefi, call, following, plan)


# ---- what there is to boot -------------------------------------------------------------------------------------------

def application(uefi) -> Choice:
    """The image that the user named. It comes from the EFI system partition as far as it can tell, or another volume."""
    name, data = uefi.options.application
    volumes = [medium for medium in uefi.disks if medium.volume is not None]
    medium = next((each for each in volumes if each.is_esp), volumes[0] if volumes else None)
    if medium is None:
        return Choice(name, [], source=Source(data, 0, b""))
    return Choice(name, [], source=Source(data, medium.handle, append(medium.path, file_path("\\" + name))))


def from_variables(uefi, plan) -> None:
    """BootNext, which counts once, and the options of BootOrder."""
    variables = uefi.variables
    once = variables.values.get(("BootNext", GLOBAL))
    if once is not None:
        variables.set("BootNext", GLOBAL, 0, b"", runtime=False)
        add_options(uefi, plan, once.data[:2], chosen=True)
    order = variables.values.get(("BootOrder", GLOBAL))
    if order is not None:
        add_options(uefi, plan, order.data, chosen=False)


def add_options(uefi, plan, numbers: bytes, chosen: bool) -> None:
    """The options of these numbers, two bytes each; of a boot order only those that are active."""
    for number, in struct.iter_unpack("<H", numbers[:len(numbers) // 2 * 2]):
        name = f"Boot{number:04X}"
        variable = uefi.variables.values.get((name, GLOBAL))
        if variable is None:
            plan.failures.append(f"{name}: there is no such variable")
            continue
        try:
            option = load_option.unpack(variable.data)
        except BadOption as error:
            plan.failures.append(f"{name}: no EFI_LOAD_OPTION: {error}")
            continue
        if chosen or option.is_active and option.is_boot:
            plan.choices.append(choice_of(uefi, plan, number, name, option))
        elif option.is_boot:
            plan.failures.append(f"{name} ({option.description}): not active")


def choice_of(uefi, plan, number, name, option: LoadOption) -> Choice:
    name = f"{name} ({option.description})"
    paths = load_option.expand(option.path, uefi.disks)
    if not paths:
        plan.failures.append(f"{name}: nothing here is {load_option.words(option.path)}")
    return Choice(name, paths, option.data, number)


def from_volumes(uefi, plan) -> None:
    """The fallback application of every volume."""
    if not uefi.disks:
        plan.failures.append("there is no disk")
    for medium in uefi.disks:
        if medium.volume is not None:
            plan.choices.append(Choice(medium.name, [append(medium.path, file_path(FALLBACK))]))
        elif not any(each is not medium and starts_with(each.path, medium.path) for each in uefi.disks):
            plan.failures.append(medium.refused)


# ---- one after the other ---------------------------------------------------------------------------------------------

def following(uefi, call, steps, value, plan):
    """A step: the next choice, or the end."""
    if not plan.choices:
        return finish(uefi, plan)
    choice = plan.choices.pop(0)
    steps.then(following, plan)
    steps.then(attempt, plan, choice)
    events.signal_group(uefi, READY_TO_BOOT)
    events.signal_group(uefi, AFTER_READY_TO_BOOT)
    steps.then(events.dispatch)
    return Status.SUCCESS


def attempt(uefi, call, steps, value, plan, choice):
    """A step: read the image of a choice, from the first path that is left."""
    if choice.source is not None:
        return load(uefi, call, steps, choice.source, plan, choice, 0)
    if choice.number is None:                                   # a fallback that was an option is not started again
        choice.paths = [path for path in choice.paths if path.upper() not in plan.started]
    if not choice.paths:
        return Status.NOT_FOUND
    path = choice.paths[0]
    place = uefi.allocate_pool(len(path))
    uefi.write(place, path)
    steps.then(load, plan, choice, place)
    steps.then(image_source.read, place, True)
    return Status.SUCCESS


def load(uefi, call, steps, source, plan, choice, place):
    """A step: `source` is the image, or the status that says why there is none. What cannot be loaded makes room for the
    next path."""
    if place:
        uefi.free_pool(place)
        path = choice.paths.pop(0)
    reason = None
    if isinstance(source, Source):
        try:
            image = images.load(uefi, source.data, images.name_of(source.path) if source.path else choice.name, 0, source.device,
                                source.path)
        except ImageError as error:
            reason = str(error)
        except OutOfMemory:
            reason = "there is not enough memory for it"
        else:
            announce(uefi, LoadedImage.guid)
            plan.started.append(source.path.upper())
            return run(uefi, steps, plan, choice, image)
    else:
        reason = why_not(uefi, path) or f"{load_option.words(path)}: {status_name(source)}"
    plan.failures.append(f"{choice.name}: {reason}")
    if choice.paths:
        steps.then(attempt, plan, choice)
    return Status.NOT_FOUND


def why_not(uefi, path: bytes) -> str | None:
    """Why the file of a path could not be read; None if the path leads to none of the volumes here."""
    for medium in uefi.disks:
        if medium.volume is None or not starts_with(path, medium.path):
            continue
        name = file_name(parse(path[len(medium.path) - 4:]))
        try:
            trail, missing = locate([medium.volume.root], name or "\\")
            if missing:
                return f"no {name}"
            return f"{name or medium.name} is a directory" if trail[-1].is_directory else \
                f"{name} has {trail[-1].size} bytes, for which there is no memory"
        except FatError as error:
            return f"no {name}" if isinstance(error, NotFound) else str(error)
    return None


def run(uefi, steps, plan, choice, image):
    """Start an image with its LoadOptions."""
    data = choice.data
    if not data and uefi.options.load_options:
        data = uefi.options.load_options.encode("utf-16-le", "surrogatepass") + b"\0\0"
    image.loaded_image.set_field("LoadOptions", images.keep(uefi, image.blocks, data))
    image.loaded_image.set_field("LoadOptionsSize", len(data))
    if choice.number is not None:
        uefi.variables.provide("BootCurrent", struct.pack("<H", choice.number))
    arm_watchdog(uefi, WATCHDOG)
    steps.then(ended, plan, image.name)
    steps.then(start, image.handle)
    return Status.SUCCESS


def ended(uefi, call, steps, status, plan, name):
    """A step: an image has come back."""
    arm_watchdog(uefi, 0)
    uefi.variables.values.pop(("BootCurrent", GLOBAL), None)
    plan.last = name, status
    return status


def finish(uefi, plan):
    """There is nothing more to boot."""
    uefi.flush()
    if plan.last is not None:
        name, status = plan.last
        uefi.machine.stop("returned", 0 if status == Status.SUCCESS else 1, f"{name} returned {status_name(status)}")
        return Status.SUCCESS
    uefi.machine.stop("no-boot", message="nothing to boot: " + "; ".join(plan.failures))
    return Status.NOT_FOUND
