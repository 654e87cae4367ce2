"""INT 13h: diskettes (DL = 00h ..) and hard disks (DL = 80h ..), by cylinder, head and sector.

How an operation ended is in CF and AH, and stays in the BIOS data area for AH=01h. A place on a disk is packed as

    CH   cylinder, bits 7-0        CL   7..6 cylinder, bits 9-8   5..0 sector, from 1        DH   head

The functions that count sectors from 0 are in int13_extensions.py.
Source: Ralf Brown's Interrupt List, INT 13; IBM PC/AT Technical Reference.
"""
from __future__ import annotations

from boot import layout
from boot.bios.service import service
from boot.disk import FLOPPIES, SECTOR

# Status in AH
OK, BAD_COMMAND, NO_ADDRESS_MARK, WRITE_PROTECTED, NOT_FOUND = 0x00, 0x01, 0x02, 0x03, 0x04
CHANGED, DMA_CROSSES_64K, NO_MEDIA = 0x06, 0x09, 0x31
NOT_READY = 0x80

MOST_SECTORS = 128                                  # a transfer of AL sectors stays within 64 KB


# ---- what every function does ----------------------------------------------------------------------------------------

def finish(bios, call, status: int = OK) -> None:
    """Answer with `status`, and keep it for AH=01h."""
    call.ah = status
    call.carry = status != OK
    bios.set_byte(layout.HARD_DISK_STATUS if call.dl & 0x80 else layout.FLOPPY_STATUS, status)


def drive(bios, call):
    """The Disk that DL names; None, with the error answered, if there is no such drive."""
    disk = bios.drives.get(call.dl)
    if disk is None:
        finish(bios, call, NOT_READY if call.dl < 0x80 and call.dl < 2 else BAD_COMMAND)
    return disk


def place(call) -> tuple[int, int, int]:
    """(cylinder, head, sector) from CX and DH."""
    return (call.cl & 0xC0) << 2 | call.ch, call.dh, call.cl & 0x3F


def where(call) -> str:
    cylinder, head, sector = place(call)
    return f"{cylinder}/{head}/{sector}"


def _range(bios, call, disk):
    """The first sector of a transfer, or None with the error answered."""
    lba = disk.geometry.lba(*place(call))
    count = call.al
    if count == 0 or count > MOST_SECTORS:
        finish(bios, call, BAD_COMMAND)
    elif lba is None or lba + count > disk.sectors:
        call.al = 0
        finish(bios, call, NOT_FOUND)
    else:
        return lba
    return None


# ---- reset, status ---------------------------------------------------------------------------------------------------

@service(0x13, 0x00, "reset disk system")
def reset(bios, call):
    if call.dl < 0x80 or call.dl in bios.drives:
        finish(bios, call)                          # with a diskette's number, whether or not there is one
    else:
        finish(bios, call, BAD_COMMAND)


@service(0x13, 0x01, "status of last operation")
def status(bios, call):
    """The status is in AH, as everywhere, and for the first PC's sake in AL."""
    last = bios.byte(layout.HARD_DISK_STATUS if call.dl & 0x80 else layout.FLOPPY_STATUS)
    finish(bios, call, last)
    call.al = last


# ---- transfers -------------------------------------------------------------------------------------------------------

@service(0x13, 0x02, "read sectors")
def read_sectors(bios, call):
    disk = drive(bios, call)
    if disk is None:
        return
    count = call.al
    call.note(f"drive {call.dl:02X}h: {count} sectors from {where(call)} to {call.es:04X}:{call.bx:04X}")
    lba = _range(bios, call, disk)
    if lba is not None:
        bios.write(bios.linear("es", call.bx), disk.read(lba, count))
        finish(bios, call)


@service(0x13, 0x03, "write sectors")
def write_sectors(bios, call):
    disk = drive(bios, call)
    if disk is None:
        return
    count = call.al
    call.note(f"drive {call.dl:02X}h: {count} sectors from {call.es:04X}:{call.bx:04X} to {where(call)}")
    lba = _range(bios, call, disk)
    if lba is None:
        return
    if disk.read_only:
        call.al = 0
        finish(bios, call, WRITE_PROTECTED)
        return
    disk.write(lba, bios.read(bios.linear("es", call.bx), count * SECTOR))
    finish(bios, call)


@service(0x13, 0x04, "verify sectors")
def verify_sectors(bios, call):
    disk = drive(bios, call)
    if disk is not None and _range(bios, call, disk) is not None:
        finish(bios, call)


@service(0x13, 0x05, "format track")
def format_track(bios, call):
    """Diskettes: ES:BX is a list of sectors to be, which here are filled with the byte INT 1Eh's table names."""
    disk = drive(bios, call)
    if disk is None:
        return
    cylinder, head, _ = place(call)
    lba = disk.geometry.lba(cylinder, head, 1)
    if lba is None:
        finish(bios, call, NOT_FOUND)
    elif disk.read_only:
        finish(bios, call, WRITE_PROTECTED)
    else:
        fill = b"\xF6" if call.dl < 0x80 else b"\0"
        disk.write(lba, fill * (SECTOR * disk.geometry.sectors))
        finish(bios, call)


# ---- what the drive is -----------------------------------------------------------------------------------------------

@service(0x13, 0x08, "drive parameters")
def drive_parameters(bios, call):
    """The last cylinder, head and sector; DL = how many drives of that kind there are; diskettes: ES:DI -> INT 1Eh."""
    disk = bios.drives.get(call.dl)
    floppy = call.dl < 0x80
    if disk is None:
        if floppy and call.dl < 4:                  # a drive that is not there is no error: all values are 0
            call.ax, call.bx, call.cx, call.dx = 0, 0, 0, bios.floppies
            call.es, call.di = 0, 0
            call.carry = False
        else:
            call.cx, call.dx = 0, bios.floppies if floppy else bios.hard_disks
            finish(bios, call, BAD_COMMAND)
        return
    cylinders, heads, sectors = disk.geometry
    last = min(cylinders, 1024) - 1
    call.ax = 0
    if floppy:
        call.bx = disk.floppy.drive_type
        call.es, call.di = layout.ROM_SEGMENT, layout.DISKETTE_TABLE
    number = call.dl
    call.ch, call.cl = last & 0xFF, last >> 8 << 6 | sectors
    call.dh, call.dl = heads - 1, bios.floppies if floppy else bios.hard_disks
    call.note(f"drive {number:02X}h: {cylinders} cylinders, {heads} heads, {sectors} sectors")
    bios.set_byte(layout.FLOPPY_STATUS if floppy else layout.HARD_DISK_STATUS, OK)
    call.carry = False


@service(0x13, 0x15, "drive type")
def drive_type(bios, call):
    """AH = 0 no drive, 1 diskette, 2 diskette that knows when it was changed, 3 hard disk with CX:DX sectors."""
    disk = bios.drives.get(call.dl)
    if disk is None:
        call.ax = 0
        call.carry = call.dl >= 0x80
        return
    if call.dl < 0x80:
        call.ah = 2
    else:
        total = min(disk.sectors, 0xFFFFFFFF)
        call.ah, call.cx, call.dx = 3, total >> 16, total & 0xFFFF
    call.carry = False


@service(0x13, 0x16, "diskette change")
def diskette_change(bios, call):
    """CF=1, AH=06h: changed since this was last asked. A diskette that was just put in counts as changed once."""
    if drive(bios, call) is None:
        return
    if call.dl >= 0x80:
        finish(bios, call, BAD_COMMAND)
    elif call.dl in bios.disk_changed:
        bios.disk_changed.remove(call.dl)
        finish(bios, call, CHANGED)
    else:
        finish(bios, call)


@service(0x13, 0x17, "set diskette type")
def set_diskette_type(bios, call):
    if drive(bios, call) is not None:
        finish(bios, call, OK if call.dl < 0x80 and 1 <= call.al <= 4 else BAD_COMMAND)


@service(0x13, 0x18, "set media type for format")
def set_media_type(bios, call):
    """Cylinders and sectors a track in CX; the answer is the parameter table in ES:DI."""
    disk = drive(bios, call)
    if disk is None:
        return
    cylinders, sectors = ((call.cl & 0xC0) << 2 | call.ch) + 1, call.cl & 0x3F
    known = any(kind.geometry.cylinders == cylinders and kind.geometry.sectors == sectors for kind in FLOPPIES.values())
    if call.dl >= 0x80:
        finish(bios, call, BAD_COMMAND)
    elif not known:
        finish(bios, call, 0x0C)                    # unsupported track or media
    else:
        call.es, call.di = layout.ROM_SEGMENT, layout.DISKETTE_TABLE
        finish(bios, call)


# ---- hard disks: what needs no mechanics -----------------------------------------------------------------------------

def _for_hard_disks(bios, call):
    if drive(bios, call) is not None:
        finish(bios, call, OK if call.dl >= 0x80 else BAD_COMMAND)


for _function, _title in ((0x09, "initialize drive parameters"), (0x0D, "reset hard disk"), (0x10, "drive ready?"),
                          (0x11, "recalibrate"), (0x14, "controller diagnostic")):
    service(0x13, _function, _title)(_for_hard_disks)


@service(0x13, 0x0C, "seek")
def seek(bios, call):
    disk = drive(bios, call)
    if disk is not None:
        cylinder, head, _ = place(call)
        inside = disk.geometry.lba(cylinder, head, 1) is not None
        finish(bios, call, BAD_COMMAND if call.dl < 0x80 else OK if inside else NOT_FOUND)


@service(0x13, None, "not implemented")
def nothing(bios, call):
    bios.count_unimplemented(call)
    finish(bios, call, BAD_COMMAND)
