"""The machine that the options ask for: memory, drives, firmware or kernel. `run` and `trace` share it."""
from __future__ import annotations

import argparse
import os
from pathlib import Path

from x86 import models
from x86.faults import ImageError

KERNEL_ONLY = ("append", "initrd", "module", "protocol", "entry")
UEFI_ONLY = ("esp", "load_options", "nvram")
EXAMPLE = "whole_way"                   # in boot/examples: what is booted where nothing is named
UEFI_EXAMPLE = "uefi/esp"               # and with --uefi
MEMORY, UEFI_MEMORY = "64M", "256M"     # of a machine for which nobody said how much


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


class BiosQuirk(argparse.Action):
    """--bios-quirk NAME, which may be repeated; `help` lists the names with a sentence each and ends."""

    def __call__(self, parser, namespace, value, option=None):
        from boot.bios import quirks
        if value == "help":
            print(*(f"{one.name:22}{one.sentence}" for one in quirks.QUIRKS.values()), sep="\n")
            parser.exit(0)
        namespace.bios_quirk = [*namespace.bios_quirk, value]
        try:
            quirks.chosen(namespace.bios_quirk)
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
                        help="disk, diskette or ISO image, booted by the BIOS; without one, an example that goes from the "
                             "reset vector to a 64-bit kernel. With --uefi: a disk image, an ISO image, a directory as --esp, "
                             "or an application (PE), which gets a small volume of its own unless there is another; without "
                             "one, an example")
    media = parser.add_argument_group("what is attached")
    media.add_argument("--floppy", metavar="IMAGE", action="append", default=[], help="diskette, A: then B:")
    media.add_argument("--drive", metavar="IMAGE", action="append", default=[], help="hard disk; may be repeated")
    media.add_argument("--cdrom", metavar="IMAGE", help="CD-ROM, an ISO image")
    media.add_argument("--boot", metavar="ORDER", help="what the BIOS tries, in order (default floppy,disk,cdrom, with an IMAGE "
                                                       "that first)")
    group = media.add_mutually_exclusive_group()
    group.add_argument("--write", action="store_true",
                       help="write to the images what the guest writes (otherwise it is forgotten)")
    group.add_argument("--read-only", action="store_true", help="the drives are write-protected")
    group.add_argument("--forget", action="store_true",
                       help="what the guest writes is forgotten, in the directory of --esp as well")
    kernel = parser.add_argument_group("a kernel, started directly")
    kernel.add_argument("--kernel", metavar="FILE", help="a Linux kernel (bzImage), multiboot or ELF, by PVH where it has that")
    kernel.add_argument("--append", metavar="STRING", help="its command line")
    kernel.add_argument("--initrd", metavar="FILE[,FILE]", action="append", default=[],
                        help="its initial ramdisk, or its first module; several files become one")
    kernel.add_argument("--module", metavar="FILE[ STRING]", action="append", default=[],
                        help="a module, and what it is called; may be repeated")
    kernel.add_argument("--protocol", metavar="NAME",
                        help="linux, multiboot, multiboot2, pvh or elf: by which boot protocol; without it the first of them "
                             "that the file fits")
    kernel.add_argument("--entry", choices=("16", "32", "64"), help="which entry of a Linux kernel (default 16: its own setup "
                                                                    "code runs first, and asks the BIOS)")
    uefi = parser.add_argument_group("a UEFI instead of the BIOS")
    uefi.add_argument("--uefi", action="store_true", help="boot \\EFI\\BOOT\\BOOTX64.EFI, or what the boot variables say")
    uefi.add_argument("--esp", metavar="DIR", help="a directory as the EFI system partition; what the guest writes there is "
                                                   "written back, but for --read-only and --forget")
    uefi.add_argument("--load-options", metavar="TEXT", help="what the application is told, as a kernel's command line")
    uefi.add_argument("--nvram", metavar="FILE", help="keep the variables that last in this file")
    uefi.add_argument("--protect-images", choices=("nx-compat", "always", "never"), default="nx-compat",
                      help="which images' sections are read-only and not executable as their headers say "
                           "(default nx-compat: those that say they can bear it)")
    board = parser.add_argument_group("the machine")
    board.add_argument("--cpu", metavar="NAME", action=Processor, default=models.DEFAULT,
                       help=f"{', '.join(models.MODELS)} (default {models.DEFAULT}), or help: what they have")
    board.add_argument("--machine", choices=("pc", "minimal"), default="pc",
                       help="what is around the processor (default pc); minimal: no PCI, no ACPI, no APIC")
    board.add_argument("-m", "--memory", metavar="SIZE", help="RAM, as in 512M (default 64M, with --uefi 256M)")
    board.add_argument("--a20", choices=("on", "off"),
                       help="address line 20 at power-on (default on; the example opens it itself)")
    board.add_argument("--memory-fill", metavar="zero|random:SEED", default="zero",
                       help="what the RAM holds at power-on (default zero)")
    board.add_argument("--bios-quirk", metavar="NAME", action=BiosQuirk, default=[],
                       help="what the BIOS does as bad ones did; may be repeated; help: which there are")
    board.add_argument("--no-reboot", action="store_true", help="stop where the guest resets the machine")


def example_image(name: str = "") -> Path:
    """The disk image of boot/examples that shows the whole way from the reset vector to a 64-bit kernel, or what is named."""
    from boot import examples
    home = Path(examples.__file__).parent
    found = [home / name] if name and (home / name).exists() else sorted(home.rglob(f"{EXAMPLE}*.img"))
    if not found or name and found[0] != home / name:
        raise ImageError(f"the example {name or EXAMPLE} is not installed")
    return found[0]


def is_demonstration(options) -> bool:
    """Nothing to boot was named: the example is shown."""
    named = options.drive or options.floppy or options.cdrom or options.kernel
    return options.image is None and not named and not is_uefi(options)


def is_uefi(options) -> bool:
    """A UEFI is wanted: --uefi, or an option that only a UEFI has."""
    return options.uefi or any(getattr(options, name) for name in UEFI_ONLY)


def build(options, resumed: bool = False):
    """(machine, its drives) for parsed options. Raises ImageError for what a user can mend.

    resumed: a snapshot will be restored, so no kernel is loaded; options.firmware says what the machine had."""
    a20 = (options.a20 or ("off" if is_demonstration(options) else "on")) == "on"
    from x86.machine import Machine
    if options.memory is None:
        options.memory = UEFI_MEMORY if is_uefi(options) and options.kernel is None else MEMORY
    try:
        machine = Machine(memory=options.memory, fill=options.memory_fill, a20=a20, cpu=options.cpu,
                          board=options.machine)
    except (ValueError, MemoryError) as error:
        raise ImageError(f"--memory {options.memory} --memory-fill {options.memory_fill}: "
                         f"{error or 'this host has not so much memory'}") from None
    machine.no_reboot = options.no_reboot
    if options.bios_quirk and options.kernel is None and is_uefi(options):
        raise ImageError(f"--bios-quirk {options.bios_quirk[0]}: there is no BIOS with --uefi")
    if options.kernel is not None:
        return machine, _kernel(machine, options)
    if options.firmware == "uefi" if resumed else is_uefi(options):
        if options.machine != "pc":
            raise ImageError(f"--machine {options.machine}: a UEFI needs PCI and ACPI, and so --machine pc")
        if "LM" not in machine.cpu.model.features:
            raise ImageError(f"--cpu {options.cpu}: a UEFI of 64 bits needs a processor with long mode, as x86-64-v1 has it")
        return machine, _uefi(machine, options)
    return machine, _bios(machine, options, resumed)


def _uefi(machine, options):
    import boot
    for option in (*KERNEL_ONLY, "floppy", "boot"):
        if getattr(options, option):
            raise ImageError(f"--{option} has no meaning under UEFI"
                             + (": --load-options gives text to the application" if option == "append" else ""))
    found = {"esp": options.esp, "cdrom": options.cdrom, "application": None, "disk": None}
    if options.image is None and not options.drive and not any(found.values()):
        options.image = str(example_image(UEFI_EXAMPLE))
        options.forget = True
    if options.image is not None:
        kind = kind_of(options.image)
        if found[kind] is not None:
            raise ImageError(f"{options.image} and --{kind} {found[kind]}: there can be one")
        found[kind] = options.image
    mode = "overlay" if options.forget else "readonly" if options.read_only else "write" if options.write else None
    disk, *drives = ([found["disk"]] if found["disk"] else []) + options.drive or [None]
    firmware = boot.uefi(machine, esp=found["esp"], disk=disk, drives=drives, cdrom=found["cdrom"],
                         application=found["application"], load_options=options.load_options or "", nvram=options.nvram,
                         mode=mode, protect_images=options.protect_images)
    for image in firmware.media:
        if not image.is_cd:
            check_partitions(image)
    return firmware.media


def kind_of(path) -> str:
    """What a firmware is to make of an image: "esp" for a directory, "application", "cdrom" or "disk". ImageError for an ELF
    file."""
    if Path(path).is_dir():
        return "esp"
    if not Path(path).is_file() and not Path(path).is_block_device():
        return "disk"                   # which says what is wrong with it
    try:
        with open(path, "rb") as file:
            start = file.read(4)
            file.seek(0x8001)
            name = file.read(5)
    except OSError:
        return "disk"                   # which says what is wrong with it
    if start == b"\x7fELF":
        raise ImageError(f"{path}: an ELF file; --kernel starts those")
    return "application" if start[:2] == b"MZ" else "cdrom" if name == b"CD001" else "disk"


def _kernel(machine, options):
    import boot
    from boot.disk import Disk
    named = [options.image] if options.image is not None else []
    named += [f"--{option.replace('_', '-')}" for option in ("boot", "uefi", *UEFI_ONLY) if getattr(options, option)]
    if named:
        raise ImageError(f"--kernel is started directly, so {' and '.join(named)} would not be seen by anybody")
    modules = [(path, string) if string else path
               for path, _, string in (module.partition(" ") for module in options.module)]
    mode = "write" if options.write else "readonly" if options.read_only else "overlay"
    floppies = [Disk(path, mode, floppy=True) for path in options.floppy]
    disks = [Disk(path, mode) for path in options.drive]
    cdroms = [Disk(options.cdrom, cd=True)] if options.cdrom is not None else []
    for disk in disks:
        check_partitions(disk)
    boot.kernel(machine, options.kernel, append=options.append or "", initrd=initrd_files(options.initrd), modules=modules,
                protocol=options.protocol, entry=options.entry, floppies=floppies, disks=disks, cdroms=cdroms,
                quirks=options.bios_quirk)
    return floppies + disks + cdroms


def initrd_files(names) -> list[str]:
    """The files of --initrd, which may be repeated: each a file's name, or several with commas between them."""
    return [file for name in names for file in ([name] if os.path.exists(name) else name.split(","))]


def _bios(machine, options, resumed=False):
    import boot
    from boot.disk import Disk
    for option in KERNEL_ONLY:
        if getattr(options, option):
            raise ImageError(f"--{option} needs --kernel: a disk's own loader decides what its kernel is told")
    mode = "write" if options.write else "readonly" if options.read_only else "overlay"
    media = {"floppy": [Disk(path, mode, floppy=True) for path in options.floppy],
             "disk": [Disk(path, mode) for path in options.drive],
             "cdrom": [Disk(options.cdrom, cd=True)] if options.cdrom is not None else []}
    if options.image is None and not any(media.values()) and not resumed:
        options.image = str(example_image())
    order = [*media]
    if options.image is not None:
        kind = kind_of(options.image)
        if kind in ("application", "esp"):
            raise ImageError(f"{options.image}: {'a PE file' if kind == 'application' else 'a directory'}, which a BIOS cannot "
                             f"boot; with --uefi it is booted by a UEFI")
        image = open_cd(options.image, mode) if kind == "cdrom" else open_image(options.image, mode)
        kind = "floppy" if image.floppy else "cdrom" if image.is_cd else "disk"
        media[kind].insert(0, image)
        order.sort(key=lambda each: each != kind)
    for disk in media["disk"]:
        check_disk(disk)
    if options.boot:
        order = [word.strip() for word in options.boot.split(",")]
        for word in order:
            if word not in media:
                raise ImageError(f"--boot {options.boot}: {word!r} is none of {', '.join(media)}")
            if not media[word]:
                raise ImageError(f"--boot {options.boot}: there is no {word}")
    boot.bios(machine, floppy=media["floppy"], drives=media["disk"], cdrom=media["cdrom"],
              boot_order=[word for word in order if media[word]], quirks=options.bios_quirk)
    return [disk for kind in media.values() for disk in kind]


def open_cd(path, mode):
    """An ISO image as a CD if a PC boots it as one; as a disk if that is what its first sector is for. ImageError if neither."""
    from boot.bios.eltorito import BootError, bootable_image
    from boot.disk import Disk
    disk = Disk(path, cd=True)
    try:
        bootable_image(disk)
        return disk
    except BootError as error:
        if disk.read(0, 1)[510:] != b"\x55\xAA":
            raise ImageError(f"{path}: no PC boots this CD: {error}") from None
    disk.close()
    return Disk(path, mode)


def open_image(path, mode):
    """An image whose drive nobody named: a diskette if it has the size of one or is a lone boot sector, else a disk."""
    from boot.disk import Disk
    from boot.geometry import USUAL_FLOPPY, floppy_of_size
    disk = Disk(path, mode)
    if floppy_of_size(disk.size) or disk.size < USUAL_FLOPPY and not disk.partitions():
        disk.close()
        return Disk(path, mode, floppy=True)
    return disk


def check_disk(disk):
    """Refuse a disk whose partitions a BIOS cannot find, or that was cut short."""
    if disk.sectors > 8 and disk.read(8, 1).startswith(b"EFI PART") and not disk.read(1, 1).startswith(b"EFI PART"):
        raise ImageError(f"{disk.name}: partitioned for sectors of 4096 bytes, and the drives here have 512")
    check_partitions(disk)


def check_partitions(disk):
    """Refuse a disk that was cut short: its partition table speaks of sectors that are not there."""
    for partition in disk.partitions():
        if partition.end > disk.sectors and partition.type != 0xEE:
            raise ImageError(f"{disk.name}: cut short: partition {partition.number} ends at sector "
                             f"{partition.end - 1}, and the image has only {disk.sectors} sectors")
