"""INT 13h, AH=41h to 49h and 4Eh: Enhanced Disk Drive services, which count sectors from 0: of 512 bytes, of a CD 2048.

DS:SI points to a disk address packet:

    00  size of the packet: 10h, or 18h with the long address      02  number of sectors, word
    04  buffer: offset, segment; FFFF:FFFF says look at 10h        08  first sector, 64 bits
    10  buffer as a 64-bit linear address

How many sectors were transferred comes back in word 02, of a transfer over the end of the disk those before it.

Source: T13 BIOS Enhanced Disk Drive Services (EDD-3), Ralf Brown's Interrupt List.
"""
from __future__ import annotations

import struct

from boot import iso
from boot.bios.eltorito import FIRST_CD
from boot.bios.int13_disk import BAD_COMMAND, CHANGED, NOT_FOUND, OK, WRITE_PROTECTED, drive, finish, was_changed
from boot.bios.service import service
from boot.geometry import ATA_CYLINDERS, SECTOR, physical_geometry

FIXED_DISK_SUBSET, LOCKING_SUBSET, EDD_SUBSET, LONG_ADDRESS = 1, 2, 4, 8
NOT_LOCKED, LOCKED, NOT_REMOVABLE, TOO_MANY_LOCKS = 0xB0, 0xB1, 0xB2, 0xB4      # AH: about locking
MOST_LOCKS = 255

CHS_VALID, REMOVABLE, CHANGE_LINE, LOCKABLE = 0x02, 0x04, 0x10, 0x20           # AH=48h: flags
NO_VALUE = 0xFFFFFFFF
IDE_SLOT, IDE_FUNCTION, SCSI_SLOT = 1, 1, 4                                     # where UEFI's device paths have the drives, too


def unit(disk) -> int:
    """Sectors of 512 bytes in a block of the drive's."""
    return iso.PER_BLOCK if disk.is_cd else 1


def _extended(bios, call):
    """The disk of a function that is for hard disks and CDs; None with the error answered."""
    disk = drive(bios, call)
    if disk is not None and call.dl < 0x80:
        finish(bios, call, BAD_COMMAND)
        return None
    return disk


@service(0x13, 0x41, "extensions present?")
def check_extensions(bios, call):
    """BX=55AAh asks; BX=AA55h, the version in AH (30h: EDD-3) and the subsets in CX are the answer."""
    if _extended(bios, call) is None:
        return
    if call.bx != 0x55AA:
        finish(bios, call, BAD_COMMAND)
        return
    call.bx = 0xAA55
    call.cx = FIXED_DISK_SUBSET | LOCKING_SUBSET | EDD_SUBSET | LONG_ADDRESS
    finish(bios, call)
    call.ah = 0x30


# ---- transfers -------------------------------------------------------------------------------------------------------

def _packet(bios, call):
    """(disk, count, first sector, linear address of the buffer, its name) or None with the error answered."""
    disk = _extended(bios, call)
    if disk is None:
        return None
    size, _, count, offset, segment, lba = struct.unpack("<BBHHHQ", call.read("ds", call.si, 16))
    if size < 16:
        finish(bios, call, BAD_COMMAND)
        return None
    linear, name = (segment << 4) + offset, f"{segment:04X}:{offset:04X}"
    if (segment, offset) == (0xFFFF, 0xFFFF) and size >= 24:
        linear = struct.unpack("<Q", call.read("ds", call.si + 16, 8))[0]
        name = f"{linear:08X}h"
    return disk, count, lba, linear, name


def _transfer(bios, call, verb):
    """(disk, first sector of 512 bytes, how many of those are on the disk, buffer), or None with the error answered."""
    packet = _packet(bios, call)
    if packet is None:
        return None
    disk, count, lba, linear, name = packet
    words = {"read": f"{count} sectors from LBA {lba} to {name}", "write": f"{count} sectors from {name} to LBA {lba}"}
    call.note(f"drive {call.dl:02X}h: " + words.get(verb, f"{verb} {count} sectors from LBA {lba}"))
    blocks = disk.sectors // unit(disk)
    done = min(count, max(0, blocks - lba))
    if verb == "write" and disk.read_only:
        done, status = 0, WRITE_PROTECTED
    else:
        status = OK if done == count and lba < blocks else NOT_FOUND
    call.write("ds", call.si + 2, struct.pack("<H", done))
    finish(bios, call, status)
    return (disk, lba * unit(disk), done * unit(disk), linear) if done else None


@service(0x13, 0x42, "extended read")
def extended_read(bios, call):
    found = _transfer(bios, call, "read")
    if found:
        disk, lba, count, linear = found
        bios.write(linear, disk.read(lba, count))


@service(0x13, 0x43, "extended write")
def extended_write(bios, call):
    found = _transfer(bios, call, "write")
    if found:
        disk, lba, count, linear = found
        disk.write(lba, bios.read(linear, count * SECTOR))


@service(0x13, 0x44, "extended verify")
def extended_verify(bios, call):
    _transfer(bios, call, "verify")


@service(0x13, 0x47, "extended seek")
def extended_seek(bios, call):
    packet = _packet(bios, call)
    if packet:
        disk, _, lba, _, _ = packet
        finish(bios, call, OK if lba < disk.sectors // unit(disk) else NOT_FOUND)


# ---- what the drive is -----------------------------------------------------------------------------------------------

@service(0x13, 0x48, "extended drive parameters")
def extended_parameters(bios, call):
    """DS:SI -> buffer whose first word says how much of it may be filled: 26, 30, 66 or 74 bytes.

        00  size                      10  total sectors, 64 bits     1E  BEDDh: the device path is valid
        02  flags                     18  bytes a sector             20  length of it, 24h or 2Ch
        04  cylinders, dword          1A  -> parameter table of      24  "PCI "
        08  heads, dword                  the controller: FFFF:FFFF  28  "ATA     ", "ATAPI   ", "SCSI    "
        0C  sectors a track, dword        for none                   30  bus, slot, function, channel
                                                                     38  device on it: 0, master; 1, slave
                                                                     41  checksum, or
                                                                     40  zeros, 49  checksum
    """
    disk = _extended(bios, call)
    if disk is None:
        return
    room = struct.unpack("<H", call.read("ds", call.si, 2))[0]
    if room < 26:
        finish(bios, call, BAD_COMMAND)
        return
    size = 26 if room < 30 else 30 if room < 66 else 66 if room < 74 else 74
    result = struct.pack("<HHIIIQH", size, *_shape(disk), disk.sectors // unit(disk), unit(disk) * SECTOR)
    if size >= 30:
        result += struct.pack("<HH", 0xFFFF, 0xFFFF)
    if size >= 66:
        kind, slot, function, channel, device = controller(bios, call.dl, disk)
        result += struct.pack("<HB3x4s8s4B4xQ", 0xBEDD, size - 30, b"PCI ", kind, 0, slot, function, channel, device)
        result = result.ljust(size - 1, b"\0")
        result += bytes([-sum(result[30:]) & 0xFF])
    call.write("ds", call.si, result)
    finish(bios, call)


def _shape(disk):
    """Flags, and the cylinders, heads and sectors of the disk itself, which are not those of AH=08h."""
    if disk.is_cd:
        return REMOVABLE | CHANGE_LINE | LOCKABLE, NO_VALUE, NO_VALUE, NO_VALUE
    shape = physical_geometry(disk.sectors, disk.geometry)
    whole = shape == disk.geometry or shape.cylinders < ATA_CYLINDERS
    return CHS_VALID if whole else 0, *shape


def controller(bios, number: int, disk) -> tuple[bytes, int, int, int, int]:
    """(interface, PCI slot, function, channel, device) of a drive. Two channels have the first four hard disks, and CDs from
    the second channel on where there is room; all else hangs on another controller."""
    disks = bios.hard_disks
    place = number - 0x80
    if disk.is_cd:
        place = number - FIRST_CD + max(2, min(disks, 4))
    if place < 4:
        return b"ATAPI   " if disk.is_cd else b"ATA     ", IDE_SLOT, IDE_FUNCTION, place >> 1, place & 1
    return b"SCSI    ", SCSI_SLOT, 0, 0, place - 4


@service(0x13, 0x4E, "set hardware configuration")
def hardware_configuration(bios, call):
    """AL: 01h no prefetch, 03h slowest transfers, 04h the usual ones, 06h no DMA: all are so. What would be faster there is
    not."""
    if _extended(bios, call) is not None:
        finish(bios, call, OK if call.al in (0x01, 0x03, 0x04, 0x06) else BAD_COMMAND)


# ---- media that can be taken out -------------------------------------------------------------------------------------

@service(0x13, 0x45, "lock or unlock drive")
def lock(bios, call):
    """AL: 0 lock, 1 unlock, 2 is it locked? As many unlocks as locks open the drive; AL says whether it is locked. A hard
    disk does not care."""
    disk = _extended(bios, call)
    if disk is None:
        return
    held = bios.locks.get(call.dl, 0)
    if not disk.is_cd:
        finish(bios, call)
        return
    if call.al > 2:
        finish(bios, call, BAD_COMMAND)
    elif call.al == 0 and held == MOST_LOCKS:
        finish(bios, call, TOO_MANY_LOCKS)
    elif call.al == 1 and not held:
        finish(bios, call, NOT_LOCKED)
    else:
        held += (1, -1, 0)[call.al]
        bios.locks[call.dl] = held
        finish(bios, call)
    if call.al <= 2:
        call.al = 1 if held else 0


@service(0x13, 0x46, "eject media")
def eject(bios, call):
    disk = _extended(bios, call)
    if disk is None:
        return
    if not disk.is_cd:
        finish(bios, call, NOT_REMOVABLE)
    elif bios.locks.get(call.dl):
        finish(bios, call, LOCKED)
    else:
        bios.ejected.append(call.dl)
        finish(bios, call)


@service(0x13, 0x49, "media changed?")
def media_changed(bios, call):
    """A hard disk's never is, a CD counts as changed once after it was put in."""
    disk = _extended(bios, call)
    if disk is not None:
        finish(bios, call, CHANGED if disk.is_cd and was_changed(bios, call.dl) else OK)
