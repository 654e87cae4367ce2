"""CDs: which boot image is started, where it is loaded, and the drive that it stands for.

An image without emulation is a program: it is loaded and entered, and reads the CD by INT 13h AH=42h in blocks of 2048 bytes.
An image of a diskette becomes drive 00h, one of a hard disk 80h, as if it were the first of its kind; the real ones move up
by one until the emulation ends. What is known of the boot is a plain dictionary, Bios.cd_boot:

    cd        drive number of the CD                    segment   where the image was loaded
    drive     number of the emulated drive, or the CD's count     so many sectors of 512 bytes
    media     0 no emulation, 1 to 3 diskette, 4 disk   block     where the image begins, in blocks of 2048 bytes
    active    whether it is emulated (still)            sectors   all of it, in sectors of 512

Source: "El Torito" Bootable CD-ROM Format Specification 1.0, sections 1.5 (drive numbers) and 2 (catalog).
"""
from __future__ import annotations

from boot import iso, layout
from boot.disk import Disk
from boot.geometry import FLOPPIES, SECTOR, Geometry, hard_disk_geometry

FIRST_FLOPPY, FIRST_DISK, FIRST_CD = 0x00, 0x80, 0xE0
MOST_CDS = 16
LAST_MEDIA = iso.HARD_DISK
USUAL_SEGMENT = 0x07C0


class BootError(Exception):
    """Why a CD does not boot, in words."""


class EmulatedDisk(Disk):
    """A boot image on a CD as a diskette or a hard disk, which nobody can write to."""

    def __init__(self, cd: Disk, first: int, sectors: int, media: int):
        self.cd = cd
        self.first = first
        self.name, self.mode, self.overlay, self.warnings, self.generation = cd.name, "readonly", {}, [], 0
        self.floppy = None
        self.sectors = sectors
        if media == iso.HARD_DISK:
            self._as_hard_disk()
        else:
            self.floppy = FLOPPIES[iso.DISKETTES[media] * SECTOR]
            self.geometry = self.floppy.geometry
            self.sectors = self.geometry.total
        self.size = self.sectors * SECTOR

    def _as_hard_disk(self):
        """The specification has one partition on the disk: its end says how many heads and sectors there are, and how large
        the disk is, since the catalog counts only what is to be loaded."""
        partitions = self.partitions()
        if partitions:
            self.sectors = max(partition.end for partition in partitions)
        cylinder, head, sector = partitions[0].last_chs if partitions else (0, 0, 0)
        whole = sector and head < 255
        self.geometry = Geometry(cylinder + 1, head + 1, sector) if whole else hard_disk_geometry(self.sectors)

    def _read_image(self, lba, count):
        """Behind the end of the CD there are zeros."""
        start = self.first + lba
        there = max(0, min(count, self.cd.sectors - start))
        return (self.cd.read(start, there) if there else b"").ljust(count * SECTOR, b"\0")


# ---- which drive a number means --------------------------------------------------------------------------------------

def real_number(bios, number: int) -> int | None:
    """The drive that `number` means while a CD's image may have the place of the first; None for that image."""
    boot = bios.cd_boot
    if not boot or not boot["active"] or number >= FIRST_CD or (number ^ boot["drive"]) & 0x80:
        return number
    return number - 1 if number > boot["drive"] else None


def drive_of(bios, number: int) -> Disk | None:
    """The disk behind a drive number of INT 13h."""
    real = real_number(bios, number)
    return emulated(bios) if real is None else bios.drives.get(real)


def emulated(bios) -> EmulatedDisk:
    """The drive that the booted image stands for."""
    boot = bios.cd_boot
    cd = bios.drives[boot["cd"]]
    place = (cd, boot["block"] * iso.PER_BLOCK, boot["sectors"], boot["media"])
    if bios.emulated is None or bios.emulated[0] != place:
        bios.emulated = place, EmulatedDisk(*place)
    return bios.emulated[1]


def start_emulation(bios, boot: dict) -> None:
    """From now on the image is a drive; what the data area says of the number of drives is changed accordingly."""
    end_emulation(bios)
    bios.cd_boot = boot
    count_drives(bios)


def end_emulation(bios) -> None:
    """The emulated drive is gone, the real ones have their numbers again."""
    if bios.cd_boot and bios.cd_boot["active"]:
        bios.cd_boot = {**bios.cd_boot, "active": False}
        count_drives(bios)


def drives_like(bios, number: int) -> int:
    """How many drives of the kind of `number` there are: diskettes, hard disks; the emulated one counts."""
    boot = bios.cd_boot
    real = bios.hard_disks if number & 0x80 else bios.floppies
    extra = bool(boot and boot["active"]) and not (number ^ boot["drive"]) & 0x80
    return real + extra if number & 0x80 else min(real + extra, 2)


def count_drives(bios) -> None:
    """Write the number of drives into the BIOS data area: equipment word and number of hard disks."""
    floppies = drives_like(bios, FIRST_FLOPPY)
    equipment = bios.word(layout.EQUIPMENT) & ~0xC1
    bios.set_word(layout.EQUIPMENT, equipment | ((floppies - 1) << 6 | 1 if floppies else 0))
    bios.set_byte(layout.HARD_DISK_COUNT, drives_like(bios, FIRST_DISK))


# ---- booting ---------------------------------------------------------------------------------------------------------

def bootable_image(disk) -> iso.BootImage:
    """The image that a PC boots: the default entry of the catalog, or else the first that is for a PC and can be booted.
    BootError if there is none."""
    found = iso.read_iso(disk)
    if found is None:
        raise BootError("no CD in ISO 9660 format")
    image = found.bios
    if image is None:
        reason = "; ".join(line.removeprefix(f"{disk.name}: ") for line in found.warnings)
        raise BootError(reason or ("its boot images are not for a PC's BIOS" + (" but for a UEFI" if found.efi else "")
                                   if found.images else "no boot catalog" if not found.catalog
                                   else "no entry of its boot catalog is bootable"))
    if image.media > LAST_MEDIA:
        raise BootError(f"its boot image would be of media type {image.media}, and there are 0 to {LAST_MEDIA}")
    return image


def load(bios, number: int) -> dict:
    """Load the boot image of CD `number` and start its emulation; what Bios.cd_boot holds then. BootError if it has none."""
    disk = bios.drives[number]
    image = bootable_image(disk)
    boot = {"cd": number, "drive": number, "media": image.media, "active": image.media != iso.NO_EMULATION,
            "segment": image.load_segment, "count": image.load_count, "block": image.block, "sectors": image.sectors}
    if image.media in iso.DISKETTES:
        boot["drive"] = FIRST_FLOPPY
    elif image.media == iso.HARD_DISK:
        boot["drive"] = FIRST_DISK
    load_image(bios, boot)
    start_emulation(bios, boot)
    return boot


def load_image(bios, boot: dict) -> None:
    """Put into memory what the catalog says, as whole blocks of the CD; BootError if it is not there or has no room."""
    disk = bios.drives[boot["cd"]]
    blocks = max(1, -(-boot["count"] // iso.PER_BLOCK))     # a count of 0 would start nothing
    first = boot["block"] * iso.PER_BLOCK
    count = blocks * iso.PER_BLOCK
    if first + count > disk.sectors:
        raise BootError(f"{blocks} blocks of its boot image would be loaded from block {boot['block']}, and the CD ends at block "
                        f"{disk.sectors // iso.PER_BLOCK}")
    address = boot["segment"] << 4
    room = layout.EBDA - address
    if room < SECTOR or boot["segment"] < layout.BDA_SEGMENT + 0x10:
        raise BootError(f"its boot image would be loaded at {boot['segment']:04X}:0000, where there is no room for it")
    if count * SECTOR > room:
        warning = (f"{disk.name}: {count * SECTOR} bytes of the boot image would be loaded at {boot['segment']:04X}:0000; "
                   f"what does not fit below {layout.EBDA:X}h was left out")
        if warning not in disk.warnings:
            disk.warnings.append(warning)
        count = room // SECTOR
    bios.write(address, disk.read(first, count))


def entry_point(boot: dict) -> tuple[int, int]:
    """(segment, offset) at which a loaded image is entered: 07C0:0000 as 0000:7C00."""
    segment = boot["segment"]
    return segment & 0xF000, segment << 4 & 0xFFFF
