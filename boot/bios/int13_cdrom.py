"""INT 13h, AH=4Ah to 4Dh: what a CD that was booted from stands for, and ending or beginning that.

DS:SI points to the specification packet:

    00  size, 13h                               0A  buffer segment, 0
    01  media: 0 no emulation, 1 to 3 diskette, 4 disk     0C  load segment, 0: 07C0h
    02  drive number                            0E  sectors of 512 bytes to load
    03  controller index                        10  cylinders, sectors, heads, as AH=08h has them in CH, CL, DH
    04  block of the image, dword
    08  device: which CD on the controller

Source: "El Torito" Bootable CD-ROM Format Specification 1.0, section 4 (INT 13 functions 4A to 4D).
"""
from __future__ import annotations

import struct

from boot import iso
from boot.bios import eltorito
from boot.bios.int13_disk import BAD_COMMAND, NOT_FOUND, OK, finish
from boot.bios.int13_extensions import controller
from boot.bios.service import service

PACKET = struct.Struct("<BBBBIHHHHBBB")
ANY_DRIVE = 0x7F                            # DL of AH=4Bh: end whatever emulation there is


@service(0x13, 0x4B, "CD emulation")
def emulation_status(bios, call):
    """AL=00h ends the emulation, 01h only asks. CF=1, AH=01h where the drive has nothing to do with a CD that was booted."""
    booted = bios.cd_boot
    call.note(f"drive {call.dl:02X}h: {'end of emulation' if call.al == 0 else 'is it a CD?'}")
    if booted is None or call.al > 1 or call.dl not in (booted["drive"], booted["cd"], ANY_DRIVE):
        finish(bios, call, BAD_COMMAND)
        return
    call.write("ds", call.si, _packet(bios, booted))
    if call.al == 0:
        eltorito.end_emulation(bios)
    finish(bios, call)


def _packet(bios, booted):
    _, _, _, channel, device = controller(bios, booted["cd"], bios.drives[booted["cd"]])
    shape = (0, 0, 0)
    if booted["active"]:
        cylinders, heads, sectors = eltorito.emulated(bios).geometry
        last = min(cylinders, 1024) - 1
        shape = last & 0xFF, last >> 8 << 6 | sectors, heads - 1
    media = booted["media"] if booted["active"] else iso.NO_EMULATION
    return PACKET.pack(PACKET.size, media, booted["drive"], channel, booted["block"], device, 0, booted["segment"],
                       booted["count"], *shape)


@service(0x13, 0x4A, "begin CD emulation")
def begin(bios, call):
    """As the packet at DS:SI says, without booting."""
    booted = _from_packet(bios, call)
    if booted:
        eltorito.start_emulation(bios, booted)
        finish(bios, call)


@service(0x13, 0x4C, "begin CD emulation and boot")
def begin_and_boot(bios, call):
    """The same, and what the packet names is loaded and entered instead of returning."""
    booted = _from_packet(bios, call)
    if not booted:
        return
    try:
        eltorito.load_image(bios, booted)
    except eltorito.BootError as error:
        call.note(f"drive {call.dl:02X}h: {error}")
        finish(bios, call, NOT_FOUND)
        return
    eltorito.start_emulation(bios, booted)
    call.dl = booted["drive"]
    finish(bios, call)
    segment, offset = eltorito.entry_point(booted)
    bios.set_word(bios.physical("ss", call.sp), offset)                     # IRET goes there
    bios.set_word(bios.physical("ss", (call.sp + 2) & 0xFFFF), segment)


def _from_packet(bios, call):
    """What Bios.cd_boot is to hold, or None with the error answered."""
    size, media, number, _, block, device, _, segment, count, _, _, _ = PACKET.unpack(call.read("ds", call.si, PACKET.size))
    media &= 0x0F
    cds = [each for each in sorted(bios.drives) if each >= eltorito.FIRST_CD and each not in bios.ejected]
    booted = bios.cd_boot["cd"] if bios.cd_boot else cds[0] if cds else None
    cd = number if number in cds else booted
    expected = {iso.NO_EMULATION: cd, iso.HARD_DISK: eltorito.FIRST_DISK}.get(media, eltorito.FIRST_FLOPPY)
    if call.al or size < PACKET.size or cd not in cds or media > iso.HARD_DISK or number != expected:
        finish(bios, call, BAD_COMMAND)
        return None
    end = bios.drives[cd].sectors
    if block * iso.PER_BLOCK >= end:
        finish(bios, call, NOT_FOUND)
        return None
    return {"cd": cd, "drive": number, "media": media, "active": media != iso.NO_EMULATION, "block": block, "count": count,
            "segment": segment or eltorito.USUAL_SEGMENT, "sectors": end - block * iso.PER_BLOCK}


@service(0x13, 0x4D, "CD boot catalog")
def catalog(bios, call):
    """AL=00h: copy a part of it. DS:SI -> 00 size, 8    01 number of blocks    02 buffer, dword    06 first block, word"""
    size, count, buffer, first = struct.unpack("<BBIH", call.read("ds", call.si, 8))
    disk = bios.drives.get(bios.cd_boot["cd"]) if bios.cd_boot else eltorito.drive_of(bios, call.dl)
    found = iso.read_iso(disk) if disk is not None and disk.is_cd else None
    if call.al or size < 8 or found is None or found.catalog is None:
        finish(bios, call, BAD_COMMAND)
        return
    blocks = [iso.read_block(disk, found.catalog + first + number) for number in range(count)]
    address = (buffer >> 16 << 4) + (buffer & 0xFFFF)
    for number, block in enumerate(blocks):
        if block is None:
            finish(bios, call, NOT_FOUND)
            return
        bios.write(address + number * iso.BLOCK, block)
    finish(bios, call, OK)
