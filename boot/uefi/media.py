"""The disks as handles: each disk with its device path, BlockIo and DiskIo, and so each partition; a file system where one is.

    PciRoot(0x0)/Pci(0x1,0x1)/Ata(Primary,Master,0x0)                       the first disk
    PciRoot(0x0)/Pci(0x1,0x1)/Ata(Primary,Master,0x0)/HD(1,GPT,...)         its first partition

Source: UEFI 2.10, sections 13.3.1 (partition discovery) and 10.3 (nodes).
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from boot import iso, partitions
from boot.disk import SECTOR
from boot.fat import Volume
from boot.uefi import device_path
from boot.uefi.database import DEVICE_PATH
from boot.uefi.definitions import Guid
from boot.uefi.protocols.block_io import BlockDevice, BlockIo, DiskIo
from boot.uefi.protocols.simple_file_system import SimpleFileSystem
from boot.uefi.tables import at_power_on
from x86.faults import ImageError

ESP = Guid("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")      # type of an EFI system partition
CD_BLOCK = 2048
IDE = device_path.pci(1, 1)             # function of the PIIX3 board that has the disks
SCSI_DEVICE = 4                         # PCI device of what is beyond the four disks of an IDE controller


class Part(NamedTuple):
    """A partition or a boot image: its HD() or CDROM() node, where it is in sectors of 512 bytes, its name for people,
    whether it is for a firmware to boot from, and the GUID that says what it is for, if there is one."""
    node: bytes
    first: int
    sectors: int
    name: str
    is_esp: bool
    type: Guid | None


@dataclass
class Medium:
    """A disk or a partition as the boot manager sees it. path: its device path; name: for people; is_esp: it says that it is an
    EFI system partition; refused: why it has no volume."""
    handle: int
    path: bytes
    device: BlockDevice
    name: str
    is_esp: bool = False
    volume: Volume | None = None
    refused: str = ""


def address(number: int) -> list[bytes]:
    """The nodes of disk `number` behind PciRoot(0x0)."""
    if number < 4:
        return [IDE, device_path.BY_NAME["Ata"].build(Secondary=number >> 1, Slave=number & 1)]
    return [device_path.pci(SCSI_DEVICE, 0), device_path.BY_NAME["Scsi"].build(Target=number - 4)]


@at_power_on
def power_on(uefi):
    """Handles for all media, in their order. CD-ROMs come after the disks, from the secondary channel on."""
    uefi.disks = []
    for number, disk in places(uefi.media):
        path = device_path.pci_root(*address(number))
        block_size = CD_BLOCK if disk.is_cd else SECTOR
        sectors = disk.sectors // (block_size // SECTOR) * (block_size // SECTOR)
        add(uefi, path, BlockDevice(disk, 0, sectors, block_size, disk.is_cd), disk.name)
        for part in parts(disk):
            device = BlockDevice(disk, part.first, part.sectors, block_size, disk.is_cd, logical=True)
            add(uefi, device_path.append(path, part.node), device, part.name, part.is_esp, part.type)


def places(media) -> list[tuple[int, object]]:
    """[(place on the controller, disk)]: disks from 0 on, CD-ROMs from 2 on where that is free."""
    taken, found = set(), []
    for disk in media:
        number = 2 if disk.is_cd else 0
        while number in taken:
            number += 1
        taken.add(number)
        found.append((number, disk))
    return found


def parts(disk) -> Iterator[Part]:
    """The partitions of a disk, or the boot images of a CD."""
    if disk.is_cd:
        found = iso.read_iso(disk)
        warn(disk, found.warnings if found else ())
        for image in found.images if found else ():
            entry, start, blocks = image.cdrom
            sectors = min(image.blocks * (CD_BLOCK // SECTOR), disk.sectors - image.first)
            if sectors > 0:
                yield Part(device_path.BY_NAME["CDROM"].build(Entry=entry, Start=start, Size=blocks), image.first, sectors,
                           f"{disk.name}, boot image {entry}", image.is_efi, None)
        return
    table = partitions.partition_table(disk)
    warn(disk, table.warnings)
    for partition in table.partitions:
        if partition.is_container or not partition.has_block_io:
            continue
        number, start, size, signature, kind, signature_kind = partition.hard_drive
        node = device_path.BY_NAME["HD"].build(Partition=number, Start=start, Size=size, Signature=signature, Format=kind,
                                               SignatureType=signature_kind)
        type = ESP if partition.is_esp else Guid(partition.type.bytes_le) if isinstance(partition.type, UUID) else None
        yield Part(node, partition.first, partition.sectors, f"{disk.name}, partition {partition.number}",
                   partition.is_esp, type)


def warn(disk, lines) -> None:
    """Oddities of what is on a disk become its own, each once."""
    disk.warnings += [line for line in lines if line not in disk.warnings]


def add(uefi, path: bytes, device: BlockDevice, name: str, is_esp: bool = False,
        type: Guid | None = None) -> Medium:
    """A handle for a disk or a part of one. A part has its type as a protocol without an interface, as EDK2 does it."""
    handle = uefi.new_handle()
    place = uefi.allocate_pool(len(path))
    uefi.write(place, path)
    uefi.install(handle, DEVICE_PATH, place)
    uefi.install(handle, BlockIo(uefi, device))
    uefi.install(handle, DiskIo(uefi, device))
    if type is not None:
        uefi.install(handle, type)
    medium = Medium(handle, path, device, name, is_esp)
    try:
        medium.volume = Volume(device.disk, device.first, device.sectors, name)
        warn(device.disk, medium.volume.warnings)
        uefi.install(handle, SimpleFileSystem(uefi, medium.volume))
    except ImageError as error:
        medium.refused = str(error)     # blocks are all that can be had
    uefi.disks.append(medium)
    return medium
