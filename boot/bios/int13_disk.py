"""INT 13h: diskettes (DL = 00h ..) and hard disks (DL = 80h ..), by cylinder, head and sector.

How an operation ended is in CF and AH, and stays in the BIOS data area for AH=01h. A place on a disk is packed as

    CH   cylinder, bits 7-0        CL   7..6 cylinder, bits 9-8   5..0 sector, from 1        DH   head

The functions that count sectors from 0 are in int13_extensions.py.
Source: Ralf Brown's Interrupt List, INT 13; IBM PC/AT Technical Reference.
"""
from __future__ import annotations

from boot import layout
from boot.bios import eltorito
from boot.bios.service import find, service
from boot.geometry import FLOPPIES, SECTOR

# Status in AH
OK, BAD_COMMAND, NO_ADDRESS_MARK, WRITE_PROTECTED, NOT_FOUND = 0x00, 0x01, 0x02, 0x03, 0x04
CHANGED, DMA_CROSSES_64K, BAD_MEDIA_TYPE, NO_MEDIA = 0x06, 0x09, 0x0C, 0x31
NOT_READY = 0x80

MOST_SECTORS = 128                                  # a transfer of AL sectors stays within 64 KB
SIZE_CODE = 2                                       # of sectors of 512 bytes, in a diskette's address marks

#: Labels in the ROM of the tables for diskettes with so many sectors a track; INT 1Eh's own is for the rest
DISKETTE_TABLES = {8: "diskette_9", 9: "diskette_9", 15: "diskette_15", 36: "diskette_36"}


# ---- what every function does ----------------------------------------------------------------------------------------

def finish(bios, call, status: int = OK) -> None:
    """Answer with `status`, and keep it for AH=01h."""
    call.ah = status
    call.carry = status != OK
    keep(bios, call, status)


def keep(bios, call, status: int) -> None:
    bios.set_byte(layout.HARD_DISK_STATUS if call.dl & 0x80 else layout.FLOPPY_STATUS, status)


def drive(bios, call):
    """The Disk that DL names; None, with the error answered, if there is no such drive, or nothing in it."""
    disk = eltorito.drive_of(bios, call.dl)
    if disk is None:
        finish(bios, call, NOT_READY if call.dl < 2 else BAD_COMMAND)
    elif call.dl in bios.ejected:
        finish(bios, call, NO_MEDIA)
        return None
    return disk


def with_tracks(bios, call):
    """The same of a drive that has cylinders, heads and sectors, which a CD has not."""
    disk = drive(bios, call)
    if disk is not None and disk.is_cd:
        finish(bios, call, BAD_COMMAND)
        return None
    return disk


def place(call) -> tuple[int, int, int]:
    """(cylinder, head, sector) from CX and DH."""
    return (call.cl & 0xC0) << 2 | call.ch, call.dh, call.cl & 0x3F


def where(call) -> str:
    cylinder, head, sector = place(call)
    return f"{cylinder}/{head}/{sector}"


def _range(bios, call, disk, buffer=True):
    """(first sector, how many of the AL sectors are on the disk) of a transfer, or None with the error answered."""
    lba = disk.geometry.lba(*place(call))
    count = call.al
    real_diskette = disk.floppy and eltorito.real_number(bios, call.dl) is not None
    if count == 0 or count > MOST_SECTORS:
        finish(bios, call, BAD_COMMAND)
    elif lba is None or lba >= disk.sectors:
        call.al = 0
        finish(bios, call, NOT_FOUND)
    elif buffer and real_diskette and (bios.linear("es", call.bx) & 0xFFFF) + count * SECTOR > 0x10000:
        call.al = 0                                 # the DMA controller counts 16 bits of the address
        finish(bios, call, DMA_CROSSES_64K)
    else:
        return lba, min(count, disk.sectors - lba)
    return None


def _ended(bios, call, done):
    """`done` of AL sectors were transferred; AL says so."""
    complete = done == call.al
    call.al = done
    finish(bios, call, OK if complete else NOT_FOUND)


# ---- reset, status ---------------------------------------------------------------------------------------------------

@service(0x13, 0x00, "reset disk system")
def reset(bios, call):
    if call.dl < 0x80 or eltorito.drive_of(bios, call.dl) is not None:
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
    disk = with_tracks(bios, call)
    if disk is None:
        return
    call.note(f"drive {call.dl:02X}h: {call.al} sectors from {where(call)} to {call.es:04X}:{call.bx:04X}")
    found = _range(bios, call, disk)
    if found:
        lba, count = found
        bios.write(bios.linear("es", call.bx), disk.read(lba, count))
        _ended(bios, call, count)


@service(0x13, 0x03, "write sectors")
def write_sectors(bios, call):
    disk = with_tracks(bios, call)
    if disk is None:
        return
    call.note(f"drive {call.dl:02X}h: {call.al} sectors from {call.es:04X}:{call.bx:04X} to {where(call)}")
    found = _range(bios, call, disk)
    if not found:
        return
    if disk.read_only:
        call.al = 0
        finish(bios, call, WRITE_PROTECTED)
        return
    lba, count = found
    disk.write(lba, bios.read(bios.linear("es", call.bx), count * SECTOR))
    _ended(bios, call, count)


@service(0x13, 0x04, "verify sectors")
def verify_sectors(bios, call):
    disk = with_tracks(bios, call)
    found = disk is not None and _range(bios, call, disk, buffer=False)
    if found:
        _ended(bios, call, found[1])


@service(0x13, 0x05, "format track")
def format_track(bios, call):
    """Diskettes: ES:BX is a list of AL sectors to be, four bytes each: cylinder, head, sector, size code. They are filled with
    the byte that INT 1Eh's table names. Hard disks: the whole track becomes zeros."""
    disk = with_tracks(bios, call)
    if disk is None:
        return
    cylinder, head, _ = place(call)
    first = disk.geometry.lba(cylinder, head, 1)
    if first is None:
        finish(bios, call, NOT_FOUND)
        return
    if disk.read_only:
        finish(bios, call, WRITE_PROTECTED)
        return
    numbers = range(1, disk.geometry.sectors + 1)
    fill = 0
    if disk.floppy:
        marks = call.read("es", call.bx, 4 * call.al)
        sizes, numbers = marks[3::4], marks[2::4]
        if not numbers or any(size != SIZE_CODE for size in sizes) or any(
                disk.geometry.lba(cylinder, head, number) is None for number in numbers):
            finish(bios, call, BAD_COMMAND)
            return
        table = bios.word(layout.IVT + 4 * 0x1E + 2) * 16 + bios.word(layout.IVT + 4 * 0x1E)
        fill = bios.read(table + 8, 1)[0]
    for number in numbers:
        if first + number - 1 < disk.sectors:
            disk.write(first + number - 1, bytes([fill]) * SECTOR)
    finish(bios, call)


# ---- what the drive is -----------------------------------------------------------------------------------------------

@service(0x13, 0x08, "drive parameters")
def drive_parameters(bios, call):
    """The last cylinder, head and sector; DL = how many drives of that kind there are; diskettes: ES:DI -> INT 1Eh."""
    disk = eltorito.drive_of(bios, call.dl)
    floppy = call.dl < 0x80
    count = eltorito.drives_like(bios, call.dl)
    if disk is None or disk.is_cd:
        if floppy and call.dl < 4:                  # a drive that is not there is no error: all values are 0
            call.ax, call.bx, call.cx, call.dx = 0, 0, 0, count
            call.es, call.di = 0, 0
            call.carry = False
        else:
            finish(bios, call, BAD_COMMAND)
            call.cx, call.dx = 0, count
        return
    cylinders, heads, sectors = disk.geometry
    last = min(cylinders, 1024) - 1
    call.ax = 0
    if floppy:
        call.bx = disk.floppy.drive_type
        call.es, call.di = layout.ROM_SEGMENT, table_of(bios, sectors)
    call.note(f"drive {call.dl:02X}h: {cylinders} cylinders, {heads} heads, {sectors} sectors")
    finish(bios, call)
    call.ch, call.cl = last & 0xFF, last >> 8 << 6 | sectors
    call.dh, call.dl = heads - 1, count


def table_of(bios, sectors: int) -> int:
    """Offset in the ROM of the parameter table for a diskette with so many sectors a track."""
    label = DISKETTE_TABLES.get(sectors)
    return bios.symbols[label] if label else layout.DISKETTE_TABLE


@service(0x13, 0x15, "drive type")
def drive_type(bios, call):
    """AH = 0 no drive, 1 diskette, 2 diskette that knows when it was changed, 3 hard disk with CX:DX sectors."""
    disk = eltorito.drive_of(bios, call.dl)
    if disk is None:
        call.ax = 0
        call.carry = call.dl >= 0x80
        return
    finish(bios, call)
    if call.dl < 0x80:
        call.ah = 2
    elif disk.is_cd:
        call.ah = 1
    else:
        total = min(disk.sectors, 0xFFFFFFFF)
        call.ah, call.cx, call.dx = 3, total >> 16, total & 0xFFFF


@service(0x13, 0x16, "diskette change")
def diskette_change(bios, call):
    """CF=1, AH=06h: changed since this was last asked. A diskette that was just put in counts as changed once."""
    if drive(bios, call) is None:
        return
    if call.dl >= 0x80:
        finish(bios, call, BAD_COMMAND)
    else:
        finish(bios, call, CHANGED if was_changed(bios, call.dl) else OK)


def was_changed(bios, number: int) -> bool:
    """Whether the medium in a drive is another one than when this was last asked."""
    real = eltorito.real_number(bios, number)
    if real not in bios.disk_changed:
        return False
    bios.disk_changed.remove(real)
    return True


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
    shapes = {kind.geometry for kind in FLOPPIES.values()} | {disk.geometry}
    if call.dl >= 0x80:
        finish(bios, call, BAD_COMMAND)
    elif not any(shape.cylinders == cylinders and shape.sectors == sectors for shape in shapes):
        finish(bios, call, BAD_MEDIA_TYPE)
    else:
        call.es, call.di = layout.ROM_SEGMENT, table_of(bios, sectors)
        finish(bios, call)


# ---- hard disks: what needs no mechanics -----------------------------------------------------------------------------

def _for_hard_disks(bios, call):
    disk = drive(bios, call)
    if disk is not None:
        finish(bios, call, OK if call.dl >= 0x80 else BAD_COMMAND)


for _function, _title in ((0x09, "initialize drive parameters"), (0x0D, "reset hard disk"), (0x10, "drive ready?"),
                          (0x11, "recalibrate"), (0x14, "controller diagnostic")):
    service(0x13, _function, _title)(_for_hard_disks)


@service(0x13, 0x0C, "seek")
def seek(bios, call):
    disk = with_tracks(bios, call)
    if disk is not None:
        cylinder, head, _ = place(call)
        inside = disk.geometry.lba(cylinder, head, 1) is not None
        finish(bios, call, BAD_COMMAND if call.dl < 0x80 else OK if inside else NOT_FOUND)


@service(0x13, None, "not implemented")
def nothing(bios, call):
    bios.count_unimplemented(call)
    finish(bios, call, BAD_COMMAND)


@service(0x40, None, "real drives")
def beside_emulation(bios, call):
    """INT 40h is INT 13h as it was before somebody took that over: a CD that stands for a drive is not seen."""
    booted, bios.cd_boot = bios.cd_boot, None
    implementation, _ = find(0x13, call.ax)
    implementation(bios, call)
    bios.cd_boot = booted
