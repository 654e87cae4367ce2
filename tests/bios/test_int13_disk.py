"""INT 13h: every sector comes back by CHS and by LBA, errors are those of a BIOS, the file on the host stays."""
import struct

import pytest
from bios_guest import BUFFER, FLOPPY, HARD_DISK, Guest, boot_sector, machine_with
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boot import layout
from boot.bios import int41_disks
from boot.disk import SECTOR

SHARED = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def packet(guest, count, lba, segment=0x2000, offset=0, size=16, extra=b""):
    guest.memory.write(BUFFER, struct.pack("<BBHHHQ", size, 0, count, offset, segment, lba) + extra)


def chs(lba, heads=16, sectors=63):
    cylinder, rest = divmod(lba, heads * sectors)
    return {"ch": cylinder & 0xFF, "cl": (cylinder >> 8) << 6 | rest % sectors + 1, "dh": rest // sectors}


# ---- transfers -------------------------------------------------------------------------------------------------------

@SHARED
@given(lba=st.integers(0, 4 * 16 * 63 - 1), count=st.integers(1, 127))
def test_chs_and_lba_read_the_same(guest, lba, count):
    count = min(count, 4 * 16 * 63 - lba)
    after = guest.call(0x13, ah=0x02, al=count, es=0x2000, bx=0, dl=0x80, **chs(lba))
    assert (after.carry, after.ah, after.al) == (0, 0, count)
    assert guest.memory.read(0x20000, count * SECTOR) == HARD_DISK[lba * SECTOR:(lba + count) * SECTOR]
    packet(guest, count, lba, segment=0x4000, offset=8)
    after = guest.call(0x13, ah=0x42, dl=0x80, si=BUFFER)
    assert (after.carry, after.ah) == (0, 0)
    assert guest.memory.read(0x40008, count * SECTOR) == HARD_DISK[lba * SECTOR:(lba + count) * SECTOR]


@SHARED
@given(lba=st.integers(0, 2879), count=st.integers(1, 36))
def test_diskette(guest, lba, count):
    count = min(count, 2880 - lba)
    after = guest.call(0x13, ah=0x02, al=count, es=0x2000, bx=0x100, dl=0, **chs(lba, 2, 18))
    assert (after.carry, after.ah, after.al) == (0, 0, count)
    assert guest.memory.read(0x20100, count * SECTOR) == FLOPPY[lba * SECTOR:(lba + count) * SECTOR]


def test_what_is_written_is_read_and_a_snapshot_knows_it(guest):
    guest.memory.write(0x20000, b"\x5A" * SECTOR * 3)
    assert guest.call(0x13, ax=0x0303, es=0x2000, bx=0, dl=0x80, **chs(100)).carry == 0
    packet(guest, 2, 200)
    assert guest.call(0x13, ah=0x43, dl=0x80, si=BUFFER).carry == 0
    disk = guest.bios.drives[0x80]
    assert disk.read(100, 3) == b"\x5A" * SECTOR * 3 and disk.read(200, 2) == b"\x5A" * SECTOR * 2
    guest.again()
    assert disk.read(100, 3) == HARD_DISK[100 * SECTOR:103 * SECTOR]


def test_write_mode_reaches_the_file(tmp_path):
    path = tmp_path / "disk.img"
    path.write_bytes(HARD_DISK)
    guest = Guest(machine_with(disk=path, mode="write"))
    guest.memory.write(0x20000, b"\xA5" * SECTOR)
    assert guest.call(0x13, ax=0x0301, es=0x2000, bx=0, dl=0x80, **chs(5)).carry == 0
    guest.bios.drives[0x80].flush()
    assert path.read_bytes() == HARD_DISK[:5 * SECTOR] + b"\xA5" * SECTOR + HARD_DISK[6 * SECTOR:]


def test_a_read_only_disk_is_write_protected():
    guest = Guest(machine_with(disk=HARD_DISK, mode="readonly"))
    after = guest.call(0x13, ax=0x0301, es=0x2000, bx=0, dl=0x80, **chs(5))
    assert (after.carry, after.ah, after.al) == (1, 0x03, 0)
    packet(guest, 1, 5)
    assert guest.call(0x13, ah=0x43, dl=0x80, si=BUFFER).ah == 0x03
    assert guest.call(0x13, ah=0x01, dl=0x80).al == 0x03


def test_the_rom_cannot_be_overwritten(guest):
    before = guest.memory.read(layout.ROM, layout.ROM_SIZE)
    packet(guest, 64, 0, segment=0xEF00)
    guest.call(0x13, ah=0x42, dl=0x80, si=BUFFER)
    packet(guest, 100, 0, segment=0xFF80)
    guest.call(0x13, ah=0x42, dl=0x80, si=BUFFER)
    assert guest.memory.read(layout.ROM, layout.ROM_SIZE) == before
    assert guest.memory.read(0x100000, 100) == HARD_DISK[0x800:0x864]           # what lies behind it was read


def test_a_buffer_behind_ffff_wraps_where_a20_is_shut(guest):
    guest.call(0x15, ax=0x2400)
    packet(guest, 2, 7, segment=0xFFFF, offset=0x7010)                  # 107000h, or 7000h
    assert guest.call(0x13, ah=0x42, dl=0x80, si=BUFFER).carry == 0
    assert guest.memory.read(0x7000, 1024) == HARD_DISK[7 * SECTOR:9 * SECTOR]
    guest.call(0x15, ax=0x2401)
    guest.call(0x13, ah=0x42, dl=0x80, si=BUFFER)
    assert guest.memory.read(0x107000, 1024) == HARD_DISK[7 * SECTOR:9 * SECTOR]


def test_a_buffer_where_nothing_is_reads_into_nothing(guest):
    packet(guest, 2, 3, 0xFFFF, 0xFFFF, size=24, extra=struct.pack("<Q", (16 << 20) - 256))
    assert guest.call(0x13, ah=0x42, dl=0x80, si=BUFFER).carry == 0
    assert guest.memory.read((16 << 20) - 256, 256) == HARD_DISK[3 * SECTOR:3 * SECTOR + 256]
    assert guest.bios.nowhere == 768
    assert guest.call(0x13, ah=0x43, dl=0x80, si=BUFFER).carry == 0        # and writes what an empty bus reads as
    assert guest.bios.drives[0x80].read(4, 1) == b"\xFF" * SECTOR


def test_memory_is_reached_through_page_tables(guest):
    """A virtual-8086 monitor may have linear addresses elsewhere: 20000h at 300000h, the rest where it is."""
    table = bytearray(b"".join((page << 12 | 7).to_bytes(4, "little") for page in range(1024)))
    table[4 * 0x20:4 * 0x21] = (0x300007).to_bytes(4, "little")
    table[4 * 0x21:4 * 0x22] = bytes(4)                                 # and 21000h not at all
    guest.memory.write(0x50000, (0x51007).to_bytes(4, "little") + bytes(4092) + bytes(table))
    guest.cpu.cr3, guest.cpu.cr0 = 0x50000, 0x80000011
    guest.bios.write(0x1FFFF, b"abc")
    assert guest.memory.read_u8(0x1FFFF) == ord("a") and guest.memory.read(0x300000, 2) == b"bc"
    assert guest.bios.read(0x1FFFE, 4)[1:] == b"abc"
    guest.bios.write(0x20FFF, b"xyz")
    assert guest.bios.read(0x20FFF, 2) == b"x\xFF" and guest.memory.read(0x21000, 2) != b"yz"


def test_64_bit_buffer_address(guest):
    packet(guest, 1, 3, 0xFFFF, 0xFFFF, size=24, extra=struct.pack("<Q", 0x200000))
    assert guest.call(0x13, ah=0x42, dl=0x80, si=BUFFER).carry == 0
    assert guest.memory.read(0x200000, SECTOR) == HARD_DISK[3 * SECTOR:4 * SECTOR]


# ---- errors ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("registers, status", [
    ({"ax": 0x0201, "cx": 0x0000, "dx": 0x0080}, 0x04),              # sector 0
    ({"ax": 0x0201, "cx": 0x0040, "dx": 0x0080}, 0x04),              # cylinder 256
    ({"ax": 0x0201, "cx": 0x0001, "dx": 0x1080}, 0x04),              # head 16
    ({"ax": 0x0200, "cx": 0x0001, "dx": 0x0080}, 0x01),              # nothing
    ({"ax": 0x0281, "cx": 0x0001, "dx": 0x0080}, 0x01),              # more than 64 KB
    ({"ax": 0x0201, "cx": 0x0001, "dx": 0x0085}, 0x01),              # no such disk
    ({"ax": 0x0201, "cx": 0x0001, "dx": 0x0001}, 0x80),              # no second diskette
    ({"ax": 0x0201, "cx": 0x0013, "dx": 0x0000}, 0x04),              # a diskette's track has 18 sectors
    ({"ax": 0x4200, "dx": 0x0000}, 0x01),                         # diskettes have no extensions
    ({"ax": 0xEE00, "dx": 0x0080}, 0x01)])
def test_errors(guest, registers, status):
    packet(guest, 1, 0)
    after = guest.call(0x13, es=0x2000, bx=0, si=BUFFER, **registers)
    assert (after.carry, after.ah) == (1, status)
    again = guest.call(0x13, ah=0x01, dl=registers["dx"] & 0xFF)
    assert again.ah == status


@pytest.mark.parametrize("function", [0x42, 0x43, 0x44])
@pytest.mark.parametrize("beyond, done", [(-2, 2), (0, 0), (5, 0)])
def test_a_transfer_over_the_end_is_done_up_to_it(guest, function, beyond, done):
    guest.memory.write(0x20000, b"\x77" * 4 * SECTOR)
    packet(guest, 4, 4 * 16 * 63 + beyond)
    after = guest.call(0x13, ah=function, dl=0x80, si=BUFFER)
    assert (after.carry, after.ah) == (1, 0x04)
    assert guest.memory.read_u16(BUFFER + 2) == done
    content = HARD_DISK[-2 * SECTOR:] if function == 0x42 and done else b"\x77" * 2 * SECTOR
    assert guest.memory.read(0x20000, 4 * SECTOR) == content + b"\x77" * 2 * SECTOR
    written = function == 0x43 and done
    assert guest.bios.drives[0x80].read(4 * 16 * 63 - 2, 2) == (b"\x77" * 1024 if written else HARD_DISK[-2 * SECTOR:])


def test_sectors_over_the_end_by_chs(guest):
    after = guest.call(0x13, ax=0x0204, es=0x2000, bx=0, dl=0x80, **chs(4 * 16 * 63 - 2))
    assert (after.carry, after.ah, after.al) == (1, 0x04, 2)
    assert guest.memory.read(0x20000, 2 * SECTOR) == HARD_DISK[-2 * SECTOR:]


def test_a_diskette_is_read_by_dma(guest):
    """Which counts 16 bits of the address: 20000h to 2FFFFh is one stretch, and a hard disk does not care."""
    for bx, drive, status in ((0xFC00, 0, 0), (0xFE00, 0, 9), (0xFE00, 0x80, 0)):
        after = guest.call(0x13, ax=0x0202, cx=1, dx=drive, es=0x2000, bx=bx)
        assert (after.carry, after.ah) == (bool(status), status)


# ---- what the drives are ---------------------------------------------------------------------------------------------

def test_drive_parameters(guest):
    after = guest.call(0x13, ah=0x08, dl=0x80, es=0x1234, di=0x5678)
    assert (after.carry, after.ah, after.ch, after.cl, after.dh, after.dl) == (0, 0, 3, 63, 15, 2)
    assert (after.es, after.di) == (0x1234, 0x5678)
    after = guest.call(0x13, ah=0x08, dl=0)
    assert (after.carry, after.bl, after.ch, after.cl, after.dh, after.dl) == (0, 4, 79, 18, 1, 1)
    assert (after.es, after.di) == (0xF000, 0xEFC7)
    after = guest.call(0x13, ah=0x08, dl=1)
    assert (after.carry, after.cx, after.dh, after.dl) == (0, 0, 0, 1)
    after = guest.call(0x13, ah=0x08, dl=0x82)
    assert (after.carry, after.ah, after.dl) == (1, 1, 2)


def test_drive_types(guest):
    after = guest.call(0x13, ax=0x15FF, dl=0x80)
    assert (after.carry, after.ah, after.cx << 16 | after.dx) == (0, 3, 4 * 16 * 63)
    assert guest.call(0x13, ax=0x15FF, dl=0).ah == 2
    assert guest.call(0x13, ax=0x15FF, dl=1).ah == 0


def test_extensions(guest):
    after = guest.call(0x13, ah=0x41, bx=0x55AA, dl=0x80)
    assert (after.carry, after.bx, after.ah) == (0, 0xAA55, 0x30) and after.cx & 5 == 5
    assert guest.call(0x13, ah=0x41, bx=0x55AB, dl=0x80).carry == 1
    assert guest.call(0x13, ah=0x41, bx=0x55AA, dl=0x00).carry == 1


@pytest.mark.parametrize("room, size", [(26, 26), (29, 26), (30, 30), (66, 66), (74, 74), (200, 74)])
def test_extended_parameters(guest, room, size):
    guest.memory.write(BUFFER, struct.pack("<H", room) + b"\xEE" * 250)
    after = guest.call(0x13, ah=0x48, dl=0x81, si=BUFFER)
    data = guest.memory.read(BUFFER, 252)
    assert after.carry == 0 and data[size:] == b"\xEE" * (252 - size)
    filled, _, cylinders, heads, sectors, total, sector_size = struct.unpack_from("<HHIIIQH", data)
    assert (filled, cylinders, heads, sectors, total, sector_size) == (size, 1, 16, 63, 1008, 512)
    if size >= 66:
        assert data[30:32] == b"\xDD\xBE" and data[36:40] == b"PCI " and data[40:48] == b"ATA     "
        assert data[32] == size - 30 and data[48:56] == bytes([0, 1, 1, 0, 0, 0, 0, 0])
        assert data[56] == 1 and sum(data[30:size]) & 0xFF == 0


def test_extended_parameters_need_room(guest):
    guest.memory.write(BUFFER, struct.pack("<H", 25))
    assert guest.call(0x13, ah=0x48, dl=0x80, si=BUFFER).ah == 1


def test_the_rest_of_a_hard_disk(guest):
    for function in (0x00, 0x04, 0x09, 0x0C, 0x0D, 0x10, 0x11, 0x14):
        assert guest.call(0x13, ah=function, al=1, cx=0x0101, dx=0x0180).carry == 0, hex(function)
    packet(guest, 1, 5)
    for function in (0x44, 0x47, 0x49):
        assert guest.call(0x13, ah=function, dl=0x80, si=BUFFER).carry == 0, hex(function)
    assert guest.call(0x13, ax=0x4B01, dl=0x80, si=BUFFER).carry == 1
    assert guest.call(0x13, ax=0x4E01, dl=0x80).carry == 0 and guest.call(0x13, ax=0x4E00, dl=0x80).ah == 1
    assert guest.call(0x13, ax=0x4500, dl=0x80).carry == 0
    assert guest.call(0x13, ax=0x4600, dl=0x80).ah == 0xB2


def test_tables_of_hard_disks(guest):
    """INT 41h and 46h point to them; a disk that is shown in another shape than it has says so in its own."""
    for vector, cylinders in ((0x41, 4), (0x46, 1)):
        offset, segment = struct.unpack("<HH", guest.memory.read(4 * vector, 4))
        table = guest.memory.read(segment * 16 + offset, 16)
        assert table == struct.pack("<HBHHxBHBHBB", cylinders, 16, 0, 0xFFFF, 0xC8, 0, 0, cylinders, 63, 0)
    assert [guest.bios.cmos(register) for register in (0x19, 0x1A, 0x1B, 0x1D, 0x23, 0x24, 0x26, 0x2C)] == [
        47, 47, 4, 16, 63, 1, 16, 63]
    assert guest.memory.read_u8(layout.FLOPPY_ABILITIES) == 0x07


@pytest.mark.parametrize("megabytes, logical, physical", [(500, (1015, 16, 63), None), (2000, (1015, 64, 63), (4063, 16, 63)),
                                                          (10000, (1024, 255, 63), (16383, 16, 63))])
def test_a_disk_that_is_shown_in_another_shape(tmp_path, megabytes, logical, physical):
    path = tmp_path / "large.img"
    with open(path, "wb") as file:
        file.write(boot_sector())
        file.truncate(megabytes << 20)
    guest = Guest(machine_with(disk=path))
    guest.memory.write(BUFFER, struct.pack("<H", 26))
    guest.call(0x13, ah=0x48, dl=0x80, si=BUFFER)
    flags, *shape = struct.unpack("<2xHIII", guest.memory.read(BUFFER, 16))
    assert tuple(shape) == (physical or logical) and flags == (2 if megabytes < 8000 else 0)
    table = int41_disks.table(guest.bios.drives[0x80])
    assert (int.from_bytes(table[:2], "little"), table[2], table[14]) == logical
    if physical:
        assert (table[3], int.from_bytes(table[9:11], "little"), table[11], table[4]) == (0xA0, *physical)
        assert sum(table) & 0xFF == 0
    else:
        assert table[3] == table[15] == 0


def test_diskette_change_line(guest):
    assert guest.call(0x13, ah=0x16, dl=0).ah == 0x06
    assert guest.call(0x13, ah=0x16, dl=0).ah == 0x00


def test_format(guest):
    marks = b"".join(bytes([5, 1, number, 2]) for number in range(1, 19))
    guest.memory.write(BUFFER, marks)
    assert guest.call(0x13, ax=0x0512, cx=0x0501, dx=0x0100, es=0, bx=BUFFER).carry == 0
    disk = guest.bios.drives[0]
    assert disk.read((5 * 2 + 1) * 18, 18) == b"\xF6" * SECTOR * 18
    assert disk.read((5 * 2 + 1) * 18 - 1, 1) == FLOPPY[(11 * 18 - 1) * SECTOR:11 * 18 * SECTOR]
    guest.memory.write(0x600, guest.memory.read(0xFEFC7, 8) + b"\x5A")         # INT 1Eh is the caller's to change
    guest.memory.write(4 * 0x1E, b"\x00\x06\x00\x00")
    assert guest.call(0x13, ax=0x0512, cx=0x0501, dx=0x0000, es=0, bx=BUFFER).carry == 0
    assert disk.read(5 * 2 * 18, 18) == b"\x5A" * SECTOR * 18
    for bad in (bytes([5, 1, 19, 2]), bytes([5, 1, 1, 3])):
        guest.memory.write(BUFFER, bad)
        assert guest.call(0x13, ax=0x0501, cx=0x0501, dx=0x0100, es=0, bx=BUFFER).ah == 1
    assert guest.call(0x13, ax=0x0501, cx=0x5001, dx=0x0000, es=0, bx=BUFFER).ah == 4
    after = guest.call(0x13, ah=0x18, ch=79, cl=18, dl=0)
    assert (after.carry, after.es, after.di) == (0, 0xF000, 0xEFC7)
    assert guest.call(0x13, ah=0x18, ch=79, cl=17, dl=0).ah == 0x0C
    after = guest.call(0x13, ah=0x18, ch=79, cl=36, dl=0)
    assert guest.memory.read((after.es << 4) + after.di, 5)[4] == 36


# ---- hooks -----------------------------------------------------------------------------------------------------------

def test_a_hook_can_chain(guest):
    """As a disk manager does: count the calls, hand on to the old vector with its FLAGS, look at the answer."""
    after = guest.run("""
        mov     ax, [4Ch]
        mov     [old], ax
        mov     ax, [4Eh]
        mov     [old+2], ax
        mov     word [4Ch], hook
        mov     word [4Eh], 0
        mov     dx, 0080h
        mov     ax, 0201h
        mov     cx, 0001h
        mov     bx, 9000h
        int     13h
        mov     si, [count]
        mov     ax, 0201h               ; and one that fails
        mov     cx, 0000h
        int     13h
        jmp     end
hook:   inc     word [cs:count]
        jmp     far [cs:old]
old:    dd      0
count:  dw      0
end:
        """)
    assert after.si == 1 and after.carry == 1 and after.ah == 4
    assert guest.memory.read(0x9000, SECTOR) == boot_sector()


def test_calling_the_old_handler(guest):
    after = guest.run("""
        mov     dx, 0000h
        mov     ax, 0201h
        mov     cx, 0002h
        mov     bx, 9000h
        sti
        pushf
        call    0F000h:0EC59h
        """)
    assert after.carry == 0 and after.flags & 0x200
    assert guest.memory.read(0x9000, SECTOR) == FLOPPY[SECTOR:2 * SECTOR]


def test_trace_says_what_was_asked(guest):
    lines = []
    guest.bios.trace = [lines.append]
    packet(guest, 64, 2, segment=0x1000)
    guest.call(0x13, ah=0x42, dl=0x80, si=BUFFER)
    assert lines == ["INT 13h/42 drive 80h: 64 sectors from LBA 2 to 1000:0000"]
    guest.call(0x13, ax=0x0201, cx=0, dx=0x0080, es=0, bx=BUFFER)
    assert lines[-1] == "INT 13h/02 drive 80h: 1 sectors from 0/0/0 to 0000:9000: failed, AH=04"
