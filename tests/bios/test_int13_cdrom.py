"""CDs under the BIOS: what a boot image gets, the drive it stands for, INT 13h on the CD itself, and CDs that lie."""
import struct

import pytest
from bios_guest import BUFFER, FLOPPY, HARD_DISK, Guest, boot_sector, machine_with
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boot import layout
from boot.disk import SECTOR, Disk
from boot.iso import BLOCK, EFI, LAST_HEADER

CATALOG, IMAGE, BLOCKS = 20, 30, 64
HALT = boot_sector()


def entry(block=IMAGE, count=4, media=0, indicator=0x88, segment=0):
    return struct.pack("<BBHBBHI20x", indicator, media, segment, 0, 0, count, block)


def validation(platform=0):
    raw = struct.pack("<BBH24xH2s", 1, platform, 0, 0, b"\x55\xAA")
    return raw[:28] + struct.pack("<H", -sum(struct.unpack("<16H", raw)) & 0xFFFF) + raw[30:]


def cd(*catalog, image=HALT, blocks=BLOCKS, at=CATALOG):
    """A CD of so many blocks, each filled with its number, but for the descriptors, the catalog and the boot image."""
    data = bytearray(b"".join(struct.pack("<I", number) * (BLOCK // 4) for number in range(blocks)))
    for number, descriptor in enumerate((
            b"\1CD001\1".ljust(40, b"\0") + b"NAME".ljust(40) + struct.pack("<I", blocks),
            b"\0CD001\1" + b"EL TORITO SPECIFICATION".ljust(64, b"\0") + struct.pack("<I", at), b"\xFFCD001\1"), 16):
        data[number * BLOCK:(number + 1) * BLOCK] = descriptor.ljust(BLOCK, b"\0")
    data[CATALOG * BLOCK:(CATALOG + 1) * BLOCK] = b"".join(catalog).ljust(BLOCK, b"\0")
    data[IMAGE * BLOCK:IMAGE * BLOCK + len(image)] = image
    return bytes(data)


def block(number, count=1):
    return b"".join(struct.pack("<I", each) * (BLOCK // 4) for each in range(number, number + count))


def booted(*catalog, image=HALT, blocks=BLOCKS, **drives):
    return Guest(machine_with(cdrom=cd(*(catalog or (validation(), entry())), image=image, blocks=blocks),
                              boot_order=["cdrom"], **drives))


def packet(guest, count, lba, segment=0x2000, offset=0):
    guest.memory.write(BUFFER, struct.pack("<BBHHHQ", 16, 0, count, offset, segment, lba))


@pytest.fixture(scope="module")
def plain():
    return booted(floppy=FLOPPY, disk=HARD_DISK)


@pytest.fixture
def no_emulation(plain):
    return plain.again()


# ---- booting ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("segment, address", [(0, 0x7C00), (0x7C0, 0x7C00), (0x1000, 0x10000), (0x1234, 0x12340)])
@pytest.mark.parametrize("count, loaded", [(4, 1), (1, 1), (0, 1), (9, 3)])
def test_hand_over(segment, address, count, loaded):
    machine = machine_with(cdrom=cd(validation(), entry(count=count, segment=segment)), boot_order=["cdrom"], fill="random:4")
    cpu = machine.cpu
    stop = machine.run(3_000_000)
    assert stop.kind == "hang" and (cpu.cs << 4) + cpu.rip == address + 2 and cpu.rip == (address & 0xFFFF) + 2
    assert (cpu.dl, cpu.ax, cpu.ss, cpu.sp, cpu.ds) == (0xE0, 0xAA55, 0, 0x7C00, 0)
    assert machine.memory.read(cpu.es * 16 + cpu.di, 4) == b"$PnP"
    image = (boot_sector() + block(IMAGE)[SECTOR:] + block(IMAGE + 1, 4))[:loaded * BLOCK]
    assert machine.memory.read(address, len(image)) == image
    assert machine.memory.read(address + len(image), 64) != block(IMAGE + loaded)[:64]


@pytest.mark.parametrize("catalog", [
    (validation(), entry(40, indicator=0), struct.pack("<BBH28x", 0x91, 0, 1), entry()),
    (validation(EFI), entry(40), struct.pack("<BBH28x", 0x90, EFI, 1), entry(41), struct.pack("<BBH28x", 0x91, 0, 2),
     entry(42, indicator=0), entry())])
def test_the_first_entry_for_a_pc_is_booted(catalog):
    assert booted(*catalog).cpu.dl == 0xE0


def machine_of(image, order=("cdrom",), **drives):
    machine = machine_with(cdrom=Disk(image, name="it", cd=True), boot_order=order, **drives)
    return machine, machine.run(3_000_000)


@pytest.mark.parametrize("image, words", [
    (bytes(40 * BLOCK), "no CD in ISO 9660 format"),
    (cd(validation(), entry())[:17 * BLOCK] + bytes(8 * BLOCK), "no boot catalog"),
    (cd(validation(), entry(), at=9999), "the boot catalog would be at block 9999 of 64"),
    (cd(entry()), "does not begin with a validation entry"),
    (cd(validation()[:4] + b"X" + validation()[5:], entry()), "the checksum of the boot catalog"),
    (cd(validation(), entry(indicator=0)), "no entry of its boot catalog is bootable"),
    (cd(validation(EFI), entry()), "not for a PC's BIOS but for a UEFI"),
    (cd(validation(), entry(64)), "boot image 0 would be at block 64 of 64"),
    (cd(validation(), entry(60, count=64)), "16 blocks of its boot image would be loaded from block 60, and the CD ends"),
    (cd(validation(), entry(media=9)), "media type 9"),
    (cd(validation(), entry(segment=0xF000)), "at F000:0000, where there is no room"),
    (cd(validation(), entry(segment=1)), "at 0001:0000, where there is no room"),
    (cd(validation(), entry(indicator=0), *[struct.pack("<BBH28x", LAST_HEADER, 0, 65535)] * 62), "ends within a section")])
def test_a_cd_that_does_not_boot_says_why(image, words):
    machine, stop = machine_of(image)
    assert stop.kind == "no-boot" and words in stop.message and "CD-ROM E0h: not bootable" in stop.message
    assert "\n" not in stop.message


def test_what_follows_in_the_boot_order_is_tried():
    machine, stop = machine_of(bytes(40 * BLOCK), ("cdrom", "disk"), disk=HARD_DISK)
    assert stop.kind == "hang" and machine.cpu.dl == 0x80
    machine, stop = machine_of(cd(validation(), entry(), image=boot_sector("int 18h")), ("cdrom", "floppy"), floppy=boot_sector())
    assert stop.kind == "hang" and machine.cpu.dl == 0


def test_too_much_to_load_is_cut_off_below_the_data_area():
    image = cd(validation(), entry(count=1200, segment=0x2000), blocks=IMAGE + 300)
    machine, stop = machine_of(image)
    assert stop.kind == "hang" and machine.memory.read_u8(layout.EBDA) == 1
    assert machine.memory.read(layout.EBDA - 4, 4) == struct.pack("<I", IMAGE + (layout.EBDA - 0x20000 - 4) // BLOCK)
    assert any("was left out" in line for line in machine.devices["bios"].warnings)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), max_size=12), st.integers(1, 64),
       st.sampled_from([(), (entry(media=2, count=1),), (entry(media=4, count=1),), (entry(count=65535, segment=0x7C1),)]))
def test_no_catalog_does_harm(changes, blocks, default):
    image = bytearray(cd(validation(), *(default or (entry(),)), struct.pack("<BBH28x", 0x91, 0, 2), entry(40), entry(41)))
    for position, value in changes:
        image[CATALOG * BLOCK + position] = value
    _, stop = machine_of(bytes(image[:blocks * BLOCK]))
    assert stop.kind in ("hang", "no-boot", "shutdown", "limit")


# ---- the CD as a drive -----------------------------------------------------------------------------------------------

def test_blocks_of_2048_bytes(no_emulation):
    guest = no_emulation
    packet(guest, 3, 40)
    after = guest.call(0x13, ah=0x42, dl=0xE0, si=BUFFER)
    assert (after.carry, after.ah) == (0, 0) and guest.memory.read(0x20000, 3 * BLOCK) == block(40, 3)
    packet(guest, 5, BLOCKS - 2)
    after = guest.call(0x13, ah=0x42, dl=0xE0, si=BUFFER)
    assert (after.carry, after.ah, guest.memory.read_u16(BUFFER + 2)) == (1, 4, 2)
    packet(guest, 1, 40)
    after = guest.call(0x13, ah=0x43, dl=0xE0, si=BUFFER)
    assert (after.carry, after.ah, guest.memory.read_u16(BUFFER + 2)) == (1, 3, 0)


def test_what_a_cd_answers(no_emulation):
    guest = no_emulation
    after = guest.call(0x13, ah=0x41, bx=0x55AA, dl=0xE0)
    assert (after.carry, after.bx, after.ah) == (0, 0xAA55, 0x30) and after.cx & 7 == 7
    for function in (0x02, 0x03, 0x04, 0x05, 0x08, 0x0C):
        assert guest.call(0x13, ah=function, al=1, cx=1, dx=0xE0).ah == 1, hex(function)
    assert guest.call(0x13, ah=0x15, dl=0xE0).ah == 1
    assert guest.call(0x13, ah=0x15, dl=0xE1).carry == 1
    guest.memory.write(BUFFER, struct.pack("<H", 74))
    assert guest.call(0x13, ah=0x48, dl=0xE0, si=BUFFER).carry == 0
    size, flags, _, _, _, total, bytes_a_block = struct.unpack("<HHIIIQH", guest.memory.read(BUFFER, 26))
    assert (size, flags & 2, flags & 0x24, total, bytes_a_block) == (74, 0, 0x24, BLOCKS, BLOCK)
    assert guest.memory.read(BUFFER + 0x24, 24) == b"PCI ATAPI   \0\1\1\1\0\0\0\0"[:20] + bytes(4)
    assert guest.memory.read_u8(layout.HARD_DISK_COUNT) == 1


def test_locking_ejecting_changing(no_emulation):
    guest = no_emulation
    assert [guest.call(0x13, ah=0x49, dl=0xE0).ah for _ in range(2)] == [6, 0]
    def lock(al):
        after = guest.call(0x13, ah=0x45, al=al, dl=0xE0)
        return after.carry, after.ah, after.al
    assert [lock(al) for al in (2, 1, 0, 0, 1, 2, 3)] == [
        (0, 0, 0), (1, 0xB0, 0), (0, 0, 1), (0, 0, 1), (0, 0, 1), (0, 0, 1), (1, 1, 3)]
    assert guest.call(0x13, ah=0x46, dl=0xE0).ah == 0xB1
    assert lock(1) == (0, 0, 0) and guest.call(0x13, ah=0x46, dl=0xE0).carry == 0
    packet(guest, 1, 40)
    assert guest.call(0x13, ah=0x42, dl=0xE0, si=BUFFER).ah == 0x31
    guest.bios.locks[0xE0] = 255
    guest.bios.ejected = []
    assert lock(0) == (1, 0xB4, 1)


def specification(guest):
    return struct.unpack("<BBBBIHHHHBBB", guest.memory.read(BUFFER, 19))


def test_specification_packet_without_emulation(no_emulation):
    guest = no_emulation
    for drive in (0xE0, 0x7F):
        guest.memory.write(BUFFER, bytes(32))
        assert guest.call(0x13, ax=0x4B01, dl=drive, si=BUFFER).carry == 0
        assert specification(guest) == (19, 0, 0xE0, 1, IMAGE, 0, 0, 0x7C0, 4, 0, 0, 0)
    for ax, drive in ((0x4B01, 0x80), (0x4B01, 0), (0x4B02, 0xE0)):
        after = guest.call(0x13, ax=ax, dl=drive, si=BUFFER)
        assert (after.carry, after.ah) == (1, 1)


def test_the_catalog_is_given(no_emulation):
    guest = no_emulation
    guest.memory.write(BUFFER, struct.pack("<BBIH", 8, 1, 0x2000_0010, 0))
    assert guest.call(0x13, ax=0x4D00, dl=0xE0, si=BUFFER).carry == 0
    assert guest.memory.read(0x20010, 64) == validation() + entry()
    guest.memory.write(BUFFER, struct.pack("<BBIH", 8, 1, 0x2000_0010, 44))
    assert guest.call(0x13, ax=0x4D00, dl=0xE0, si=BUFFER).ah == 4
    assert guest.call(0x13, ax=0x4D01, dl=0xE0, si=BUFFER).ah == 1


# ---- emulation -------------------------------------------------------------------------------------------------------

def diskette_image(kb):
    return boot_sector() + b"".join(struct.pack("<I", 0xD0000000 | number) * 128 for number in range(1, 2 * kb))


@pytest.fixture(scope="module")
def diskette():
    return booted(validation(), entry(media=2, count=1), image=diskette_image(1440), blocks=IMAGE + 720, floppy=FLOPPY,
                  disk=HARD_DISK)


def test_a_diskette_becomes_the_first_drive(diskette):
    guest = diskette.again()
    assert guest.cpu.dl == 0
    image = diskette_image(1440)
    for bx, sector in ((0, 1), (0xFF00, 5)):                # no DMA controller is in the way
        after = guest.call(0x13, ax=0x0203, cx=0x0100 | sector, dx=0x0100, es=0x2000, bx=bx)
        assert (after.carry, after.al) == (0, 3)
        first = (1 * 2 + 1) * 18 + sector - 1
        assert guest.memory.read(0x20000 + bx, 3 * SECTOR) == image[first * SECTOR:(first + 3) * SECTOR]
    after = guest.call(0x13, ah=0x08, dl=0)
    assert (after.carry, after.bl, after.ch, after.cl, after.dh, after.dl) == (0, 4, 79, 18, 1, 2)
    assert guest.call(0x13, ax=0x0301, cx=1, dx=0, es=0x2000, bx=0).ah == 3
    assert guest.call(0x13, ax=0x0201, cx=2, dx=1, es=0x2000, bx=0).carry == 0      # the real one has moved up
    assert guest.memory.read(0x20000, SECTOR) == FLOPPY[SECTOR:2 * SECTOR]
    assert guest.call(0x13, ax=0x0201, cx=1, dx=0x80, es=0x2000, bx=0).carry == 0
    assert guest.memory.read(0x20000, SECTOR) == HARD_DISK[:SECTOR]
    assert guest.memory.read_u16(layout.EQUIPMENT) & 0xC1 == 0x41
    assert guest.call(0x40, ax=0x0201, cx=2, dx=0, es=0x2000, bx=0).carry == 0      # INT 40h has the real ones
    assert guest.memory.read(0x20000, SECTOR) == FLOPPY[SECTOR:2 * SECTOR]


def test_the_end_of_an_emulation(diskette):
    guest = diskette.again()
    before = guest.machine.snapshot()
    assert guest.call(0x13, ax=0x4B00, dl=0, si=BUFFER).carry == 0
    assert specification(guest) == (19, 2, 0, 1, IMAGE, 0, 0, 0x7C0, 1, 79, 18, 1)
    assert guest.memory.read_u16(layout.EQUIPMENT) & 0xC1 == 0x01
    guest.call(0x13, ax=0x0201, cx=2, dx=0, es=0x2000, bx=0)
    assert guest.memory.read(0x20000, SECTOR) == FLOPPY[SECTOR:2 * SECTOR]
    guest.machine.restore(before)
    guest.call(0x13, ax=0x0201, cx=2, dx=0, es=0x2000, bx=0)
    assert guest.memory.read(0x20000, SECTOR) == diskette_image(1440)[SECTOR:2 * SECTOR]


@pytest.mark.parametrize("media, kb, shape, kind", [(1, 1200, (79, 15, 1), 2), (3, 2880, (79, 36, 1), 6)])
def test_the_other_diskettes(media, kb, shape, kind):
    guest = booted(validation(), entry(media=media, count=1), image=diskette_image(kb), blocks=IMAGE + kb // 2)
    after = guest.call(0x13, ah=0x08, dl=0)
    assert (after.ch, after.cl, after.dh, after.bl, after.dl) == (*shape, kind, 1)
    after = guest.call(0x13, ax=0x0201, ch=shape[0], cl=shape[1], dx=0x0100, es=0x2000, bx=0)
    assert after.carry == 0 and guest.memory.read(0x20000, 4) == struct.pack("<I", 0xD0000000 | 2 * kb - 1)


def test_a_hard_disk_becomes_80h():
    code = boot_sector()[:446] + struct.pack("<B3sB3sII48x2s", 0x80, b"\1\1\0", 0x0E, bytes([7, 17, 9]), 17, 8 * 17 * 10 - 17,
                                             b"\x55\xAA")
    image = code + b"".join(struct.pack("<I", 0xC0000000 | number) * 128 for number in range(1, 8 * 17 * 10))
    guest = booted(validation(), entry(media=4, count=1), image=image, blocks=IMAGE + 8 * 17 * 10 // 4, disk=HARD_DISK)
    assert guest.cpu.dl == 0x80
    after = guest.call(0x13, ah=0x08, dl=0x80)
    assert (after.ch, after.cl, after.dh, after.dl) == (9, 17, 7, 2) and guest.memory.read_u8(layout.HARD_DISK_COUNT) == 2
    after = guest.call(0x13, ax=0x0202, ch=9, cl=16, dx=0x0780, es=0x2000, bx=0)
    assert after.carry == 0 and guest.memory.read(0x20000, 2 * SECTOR) == image[-2 * SECTOR:]
    packet(guest, 1, 99)                                    # loaders that count sectors from 0 can do so here, too
    assert guest.call(0x13, ah=0x42, dl=0x80, si=BUFFER).carry == 0
    assert guest.memory.read(0x20000, SECTOR) == image[99 * SECTOR:100 * SECTOR]
    packet(guest, 1, 5)
    assert guest.call(0x13, ah=0x42, dl=0x81, si=BUFFER).carry == 0
    assert guest.memory.read(0x20000, SECTOR) == HARD_DISK[5 * SECTOR:6 * SECTOR]
    assert guest.call(0x13, ax=0x4B00, dl=0x7F, si=BUFFER).carry == 0
    assert specification(guest)[1:3] == (4, 0x80) and specification(guest)[9:] == (9, 17, 7)
    assert guest.memory.read_u8(layout.HARD_DISK_COUNT) == 1
    assert guest.call(0x13, ah=0x15, dl=0x81).carry == 1


def test_an_emulation_is_begun_by_a_program(no_emulation):
    """AH=4Ah, of whatever lies on the CD; AH=4Ch loads and enters it, as a boot would."""
    guest = no_emulation
    guest.memory.write(BUFFER, struct.pack("<BBBBIHHHHBBB", 19, 2, 0, 0, IMAGE, 0, 0, 0x3000, 1, 0, 0, 0))
    assert guest.call(0x13, ax=0x4A00, dl=0xE0, si=BUFFER).carry == 0
    guest.call(0x13, ax=0x0201, cx=1, dx=0, es=0x2000, bx=0)
    assert guest.memory.read(0x20000, SECTOR) == boot_sector()
    guest.start("        mov ax, 4C00h\n        int 13h\n", dx=0xE0, si=BUFFER)
    stop = guest.machine.run(100_000)
    assert stop.kind == "hang" and (guest.cpu.cs, guest.cpu.rip, guest.cpu.dl) == (0x3000, 2, 0)
    for bad in ({"media": 7}, {"number": 1}, {"size": 18}, {"block": 1 << 31}):
        fields = {"size": 19, "media": 2, "number": 0, "block": IMAGE} | bad
        guest.memory.write(BUFFER, struct.pack("<BBBBIHHHHBBB", fields["size"], fields["media"], fields["number"], 0,
                                               fields["block"], 0, 0, 0x3000, 1, 0, 0, 0))
        for function in (0x4A00, 0x4C00):
            assert guest.call(0x13, ax=function, dl=0xE0, si=BUFFER).carry == 1


def test_no_cd_no_answer(guest):
    for function in (0x4A00, 0x4B00, 0x4B01, 0x4C00, 0x4D00):
        after = guest.call(0x13, ax=function, dl=0x80, si=BUFFER)
        assert (after.carry, after.ah) == (1, 1)


# ---- whatever a guest asks -------------------------------------------------------------------------------------------

WORD, BYTE = st.integers(0, 0xFFFF), st.integers(0, 255)
FUNCTIONS = st.sampled_from([*range(0x1A), *range(0x40, 0x50), 0xFF])
DRIVES = st.sampled_from([0, 1, 2, 0x7F, 0x80, 0x81, 0x9F, 0xE0, 0xE1, 0xFF])
SEGMENTS = st.sampled_from([0x2000, 0x9F00, 0xB800, 0xF000, 0xFFFF])            # not where the program lies
PLACES = st.sampled_from([0x20000, 0xF0000, 0xFFF000, 1 << 32, 1 << 63, (1 << 64) - 1])
ADDRESS_PACKET = st.builds(lambda *fields: struct.pack("<BBHHHQQ", *fields), st.sampled_from([0, 15, 16, 24, 255]), BYTE, WORD,
                           st.one_of(WORD, st.just(0xFFFF)), SEGMENTS,
                           st.one_of(st.integers(0, 5000), st.integers(0, (1 << 64) - 1)), PLACES)
CD_PACKET = st.builds(lambda size, media, drive, block, count: struct.pack("<BBBBIHHHH3x", size, media, drive, 0, block, 0, 0,
                                                                           0x3000, count),
                      st.sampled_from([18, 19]), st.integers(0, 5), DRIVES, st.integers(0, 1000), WORD)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(FUNCTIONS, BYTE, DRIVES, WORD, WORD, BYTE, SEGMENTS, st.sampled_from([0x13, 0x40]), ADDRESS_PACKET, CD_PACKET)
def test_every_call_comes_back(diskette, function, al, drive, bx, cx, dh, es, interrupt, address_packet, cd_packet):
    """With an answer, and with nothing changed that was not asked for: the stack and the program go on."""
    guest = diskette.again()
    guest.memory.write(BUFFER, cd_packet if function in (0x4A, 0x4C) else address_packet)
    if function == 0x4D:
        guest.memory.write(BUFFER, struct.pack("<BBIH", 8, al & 3, 0x2000_0000 | bx, cx))
    guest.start(f"        int {interrupt}\n        cli\n        hlt\n", ah=function, al=al, bx=bx, cx=cx, dh=dh, dl=drive, es=es,
                si=BUFFER)
    stop = guest.machine.run(200_000)
    assert stop.kind == "hang" and guest.cpu.sp == 0x7C00, stop
    assert guest.cpu.cs == 0 or function == 0x4C and guest.cpu.cs == 0x3000
