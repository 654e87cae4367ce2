"""The machine that the options ask for: memory, drives, firmware or kernel. `run` and `trace` share it."""
from __future__ import annotations

import argparse
from pathlib import Path

from x86 import models
from x86.faults import ImageError

KERNEL_ONLY = ("append", "initrd", "module")
EXAMPLE = "whole_way"                   # in boot/examples: what is booted where nothing is named


class Processor(argparse.Action):
    """--cpu NAME; `help` lists the names and ends."""

    def __call__(self, parser, namespace, value, option=None):
        if value == "help":
            print(*processor_lines(), sep="\n")
            parser.exit(0)
        try:
            namespace.cpu = models.model(value).name
        except ValueError as error:
            parser.error(f"{option}: {error}")


def processor_lines():
    """A line for each processor, with what it has and the one before has not."""
    before = frozenset()
    for model in models.MODELS.values():
        order = [*models.NO_BIT, *(feature for bits in models.BITS.values() for feature in bits)]
        more = " ".join(feature for feature in order if feature in model.features - before)
        yield f"{model.name:12}{model.title:26}{'also ' if before else ''}{more}"
        before = model.features


def add_machine_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", nargs="?", metavar="IMAGE",
                        help="disk image, booted by the BIOS; without one, an example that goes from the reset vector "
                             "to a 64-bit kernel")
    media = parser.add_argument_group("what is attached")
    media.add_argument("--floppy", metavar="IMAGE", action="append", default=[], help="diskette, A: then B:")
    media.add_argument("--drive", metavar="IMAGE", action="append", default=[], help="hard disk; may be repeated")
    media.add_argument("--cdrom", metavar="IMAGE", help=argparse.SUPPRESS)
    media.add_argument("--boot", metavar="ORDER", help="what the BIOS tries, in order: floppy,disk")
    group = media.add_mutually_exclusive_group()
    group.add_argument("--write", action="store_true",
                       help="write to the images what the guest writes (otherwise it is forgotten)")
    group.add_argument("--read-only", action="store_true", help="the drives are write-protected")
    kernel = parser.add_argument_group("a kernel without firmware")
    kernel.add_argument("--kernel", metavar="FILE", help="multiboot 1 or ELF")
    kernel.add_argument("--append", metavar="STRING", help="its command line")
    kernel.add_argument("--initrd", metavar="FILE", help="its first module")
    kernel.add_argument("--module", metavar="FILE[ STRING]", action="append", default=[],
                        help="a module, and what it is called; may be repeated")
    board = parser.add_argument_group("the machine")
    board.add_argument("--cpu", metavar="NAME", action=Processor, default=models.DEFAULT,
                       help=f"{', '.join(models.MODELS)} (default {models.DEFAULT}), or help: what they have")
    board.add_argument("-m", "--memory", metavar="SIZE", default="64M", help="RAM, as in 512M (default 64M)")
    board.add_argument("--a20", choices=("on", "off"),
                       help="address line 20 at power-on (default on; the example opens it itself)")
    board.add_argument("--memory-fill", metavar="zero|random:SEED", default="zero",
                       help="what the RAM holds at power-on (default zero)")
    board.add_argument("--no-reboot", action="store_true", help="stop where the guest resets the machine")


def example_image() -> Path:
    """The disk image of boot/examples that shows the whole way from the reset vector to a 64-bit kernel."""
    from boot import examples
    found = sorted(Path(examples.__file__).parent.rglob(f"{EXAMPLE}*.img"))
    if not found:
        raise ImageError(f"the example image {EXAMPLE}.img is not installed")
    return found[0]


def is_demonstration(options) -> bool:
    """Nothing to boot was named: the example is shown."""
    return options.image is None and not (options.drive or options.floppy or options.kernel)


def build(options):
    """(machine, its drives) for parsed options. Raises ImageError for what a user can mend."""
    a20 = (options.a20 or ("off" if is_demonstration(options) else "on")) == "on"
    if options.cdrom is not None:
        raise ImageError("--cdrom: CD-ROM drives do not exist yet; a raw disk image can be booted with --drive")
    from x86.machine import Machine
    try:
        machine = Machine(memory=options.memory, fill=options.memory_fill, a20=a20, cpu=options.cpu)
    except (ValueError, MemoryError) as error:
        raise ImageError(f"--memory {options.memory} --memory-fill {options.memory_fill}: "
                         f"{error or 'this host has not so much memory'}") from None
    machine.no_reboot = options.no_reboot
    if options.kernel is not None:
        return machine, _kernel(machine, options)
    return machine, _bios(machine, options)


def _kernel(machine, options):
    import boot
    named = [option for option in ("image", "boot") if getattr(options, option)] + \
        [f"--{option}" for option in ("drive", "floppy") if getattr(options, option)]
    if named:
        raise ImageError(f"--kernel starts without firmware, so {' and '.join(named)} would not be seen by anybody")
    modules = [(path, string) if string else path
               for path, _, string in (module.partition(" ") for module in options.module)]
    boot.kernel(machine, options.kernel, append=options.append or "", initrd=options.initrd, modules=modules)
    return []


def _bios(machine, options):
    import boot
    from boot.disk import Disk
    for option in KERNEL_ONLY:
        if getattr(options, option):
            raise ImageError(f"--{option} needs --kernel: a disk's own loader decides what its kernel is told")
    mode = "write" if options.write else "readonly" if options.read_only else "overlay"
    floppies = [Disk(path, mode, floppy=True) for path in options.floppy]
    disks = [Disk(path, mode) for path in options.drive]
    if options.image is None and not floppies and not disks:
        options.image = str(example_image())
    if options.image is not None:
        image = open_image(options.image, mode)
        (floppies if image.floppy else disks).insert(0, image)
    for disk in disks:
        check_partitions(disk)
    order = None
    if options.boot:
        order = [word.strip() for word in options.boot.split(",")]
        for word in order:
            if word not in ("floppy", "disk"):
                raise ImageError(f"--boot {options.boot}: {word!r} is neither floppy nor disk")
            if not (floppies if word == "floppy" else disks):
                raise ImageError(f"--boot {options.boot}: there is no {word}")
    elif options.image is not None:
        order = ["floppy", "disk"] if image.floppy else ["disk", "floppy"]
        order = [word for word in order if (floppies if word == "floppy" else disks)]
    first, *others = disks or [None]
    boot.bios(machine, disk=first, floppy=floppies or None, drives=others, boot_order=order)
    return floppies + disks


def open_image(path, mode):
    """An image whose drive nobody named: a diskette if it has the size of one or is a lone boot sector, else a disk."""
    from boot.disk import FLOPPIES, USUAL_FLOPPY, Disk
    disk = Disk(path, mode)
    if disk.size in FLOPPIES or disk.size < USUAL_FLOPPY and not disk.partitions():
        disk.close()
        return Disk(path, mode, floppy=True)
    return disk


def check_partitions(disk):
    """Refuse a disk that was cut short: its partition table speaks of sectors that are not there."""
    for partition in disk.partitions():
        if partition.end > disk.sectors and partition.type != 0xEE:
            raise ImageError(f"{disk.name}: cut short: partition {partition.number} ends at sector "
                             f"{partition.end - 1}, and the image has only {disk.sectors} sectors")
