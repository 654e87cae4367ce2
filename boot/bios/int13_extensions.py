"""INT 13h, AH=41h to 4Eh: Enhanced Disk Drive services, which count sectors from 0.

DS:SI points to a disk address packet:

    00  size of the packet: 10h, or 18h with the long address      02  number of sectors, word
    04  buffer: offset, segment; FFFF:FFFF says look at 10h        08  first sector, 64 bits
    10  buffer as a 64-bit linear address

Source: T13 BIOS Enhanced Disk Drive Services (EDD-3), Ralf Brown's Interrupt List.
"""
from __future__ import annotations

import struct

from boot.bios.int13_disk import BAD_COMMAND, NOT_FOUND, OK, WRITE_PROTECTED, drive, finish
from boot.bios.service import service
from boot.disk import SECTOR

FIXED_DISK_SUBSET, EDD_SUBSET, LONG_ADDRESS = 1, 4, 8
NOT_REMOVABLE = 0xB4                                    # AH: the media cannot be locked or ejected


@service(0x13, 0x41, "extensions present?")
def check_extensions(bios, call):
    """BX=55AAh asks; BX=AA55h, the version in AH (30h: EDD-3) and the subsets in CX are the answer."""
    if call.bx != 0x55AA or call.dl < 0x80 or call.dl not in bios.drives:
        finish(bios, call, BAD_COMMAND)
        return
    call.bx = 0xAA55
    call.cx = FIXED_DISK_SUBSET | EDD_SUBSET | LONG_ADDRESS
    finish(bios, call)
    call.ah = 0x30


def _packet(bios, call):
    """(disk, count, first sector, linear address of the buffer, its name) or None with the error answered."""
    disk = drive(bios, call)
    if disk is None:
        return None
    size, _, count, offset, segment, lba = struct.unpack("<BBHHHQ", call.read("ds", call.si, 16))
    if size < 16 or call.dl < 0x80:
        finish(bios, call, BAD_COMMAND)
        return None
    linear, name = (segment << 4) + offset, f"{segment:04X}:{offset:04X}"
    if (segment, offset) == (0xFFFF, 0xFFFF) and size >= 24:
        linear = struct.unpack("<Q", call.read("ds", call.si + 16, 8))[0]
        name = f"{linear:08X}h"
    return disk, count, lba, linear, name


def _transfer(bios, call, verb):
    """The packet of a transfer that lies on the disk, or None with the error answered and 0 in the packet's count."""
    packet = _packet(bios, call)
    if packet is None:
        return None
    disk, count, lba, _, name = packet
    words = {"read": f"{count} sectors from LBA {lba} to {name}", "write": f"{count} sectors from {name} to LBA {lba}"}
    call.note(f"drive {call.dl:02X}h: " + words.get(verb, f"{verb} {count} sectors from LBA {lba}"))
    if lba + count > disk.sectors:
        call.write("ds", call.si + 2, b"\0\0")          # so many were transferred
        finish(bios, call, NOT_FOUND)
        return None
    return packet


@service(0x13, 0x42, "extended read")
def extended_read(bios, call):
    packet = _transfer(bios, call, "read")
    if packet:
        disk, count, lba, linear, _ = packet
        bios.write(linear, disk.read(lba, count))
        finish(bios, call)


@service(0x13, 0x43, "extended write")
def extended_write(bios, call):
    packet = _transfer(bios, call, "write")
    if packet:
        disk, count, lba, linear, _ = packet
        if disk.read_only:
            call.write("ds", call.si + 2, b"\0\0")
            finish(bios, call, WRITE_PROTECTED)
            return
        disk.write(lba, bios.read(linear, count * SECTOR))
        finish(bios, call)


@service(0x13, 0x44, "extended verify")
def extended_verify(bios, call):
    if _transfer(bios, call, "verify"):
        finish(bios, call)


@service(0x13, 0x47, "extended seek")
def extended_seek(bios, call):
    packet = _packet(bios, call)
    if packet:
        disk, _, lba, _, _ = packet
        finish(bios, call, OK if lba < disk.sectors else NOT_FOUND)


@service(0x13, 0x48, "extended drive parameters")
def extended_parameters(bios, call):
    """DS:SI -> buffer whose first word says how much of it may be filled.

        00  size                      10  total sectors, 64 bits     1E  BEDDh: the device path is valid
        02  flags: bit 1, CHS valid   18  bytes a sector             20  length of it, 2Ch
        04  cylinders, dword          1A  -> parameter table of      24  "ISA ", or "PCI "
        08  heads, dword                  the controller             28  "ATA     "
        0C  sectors a track, dword                                   30  interface path: base port
                                                                     38  device path: 0, master; 1, slave
                                                                     49  checksum
    """
    disk = drive(bios, call)
    if disk is None:
        return
    room = struct.unpack("<H", call.read("ds", call.si, 2))[0]
    if call.dl < 0x80 or room < 26:
        finish(bios, call, BAD_COMMAND)
        return
    cylinders, heads, sectors = disk.geometry
    physical = disk.sectors // (16 * 63) if heads > 16 else cylinders
    fields = struct.pack("<HIIIQH", 0x0002, min(physical, 16383), min(heads, 16), sectors, disk.sectors, SECTOR)
    size = 26 if room < 30 else 30 if room < 66 else 66 if room < 74 else 74
    result = bytearray(struct.pack("<H", size) + fields)
    if size >= 30:
        result += struct.pack("<HH", 0xFFFF, 0xFFFF)    # no parameter table
    if size >= 66:
        unit = call.dl & 0x7F
        base = 0x1F0 if unit < 2 else 0x170
        path = struct.pack("<HB3x4s8sQQ", 0xBEDD, 36, b"ISA ", b"ATA     ", base, unit & 1)
        if size == 74:
            path = path[:2] + bytes([44]) + path[3:] + bytes(9)
        else:
            path += bytes(1)
        result += path
        result = result[:size - 1]
        result.append(-sum(result[30:]) & 0xFF)
    call.write("ds", call.si, bytes(result))
    finish(bios, call)


@service(0x13, 0x45, "lock or unlock drive")
@service(0x13, 0x46, "eject media")
def media(bios, call):
    if drive(bios, call) is not None:
        call.al = 0
        finish(bios, call, NOT_REMOVABLE)


@service(0x13, 0x49, "media changed?")
def media_changed(bios, call):
    if drive(bios, call) is not None:
        finish(bios, call)                              # a hard disk's never is


@service(0x13, 0x4B, "El Torito emulation status")
def emulation_status(bios, call):
    """No drive here stands for a part of a CD."""
    call.note(f"drive {call.dl:02X}h: is it a CD?")
    finish(bios, call, BAD_COMMAND)


@service(0x13, 0x4E, "set hardware configuration")
def hardware_configuration(bios, call):
    """DMA and prefetch on or off: AL=1 says that other drives are affected too. There is nothing to set."""
    disk = drive(bios, call)
    if disk is not None:
        known = call.al in (0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06)
        if known:
            call.al = 1
        finish(bios, call, OK if known else BAD_COMMAND)
