"""INT 15h: memory sizes and map, A20, moving memory, waiting, power off. INT 11h and 12h. What is not implemented."""
import struct

import pytest
from bios_guest import BUFFER, Guest, boot_sector, machine_with

from boot import layout

SMAP = 0x534D4150


def memory_map(guest, room=24):
    """[(start, length, type)] as a loader reads it."""
    entries, ebx = [], 0
    while True:
        after = guest.call(0x15, eax=0xE820, ebx=ebx, ecx=room, edx=SMAP, di=BUFFER)
        assert (after.carry, after.eax, after.ecx) == (0, SMAP, 24 if room >= 24 else 20)
        entries.append(struct.unpack("<QQI", guest.memory.read(BUFFER, 20)))
        ebx = after.ebx
        if not ebx:
            return entries


@pytest.mark.parametrize("memory, low, high", [("2M", 2 << 20, 0), ("64M", 64 << 20, 0), ("3G", 3 << 30, 0),
                                               ("4G", 3 << 30, 1 << 30), ("6G", 3 << 30, 3 << 30)])
def test_memory_in_four_answers(memory, low, high):
    guest = Guest(machine_with(disk=boot_sector(), memory=memory))
    entries = memory_map(guest)
    assert entries == memory_map(guest, room=20)
    usable = [(start, start + length) for start, length, kind in entries if kind == 1]
    end = low - 0x3000                                  # ACPI's tables, then the FACS in a page of its own
    assert usable == [(0, 0x9FC00), (0x100000, end)] + ([(1 << 32, (1 << 32) + high)] if high else [])
    assert [entry for entry in entries if entry[2] > 2] == [(end, 0x2000, 3), (low - 0x1000, 0x1000, 4)]
    assert (0xF0000, 0x10000, 2) in entries
    ends = [(start, start + length) for start, length, _ in entries]
    assert all(first[1] <= second[0] for first, second in zip(ends, ends[1:]))      # in order, none overlaps
    after = guest.call(0x15, ax=0xE801, cx=0, dx=0)
    assert after.carry == 0 and (after.ax, after.bx) == (after.cx, after.dx)
    told = (1 << 20) + after.ax * 1024 + after.bx * 65536
    assert told == (end if low <= 16 << 20 else end & ~0xFFFF)              # above 16 MB in units of 64 KB
    wide = guest.call(0x15, eax=0x1111E881, ebx=-1 & 0xFFFFFFFF)
    assert (wide.carry, wide.eax, wide.ebx, wide.ecx, wide.edx) == (0, after.ax, after.bx, after.cx, after.dx)
    after = guest.call(0x15, ax=0x8A00)
    assert (after.carry, after.dx << 16 | after.ax) == (0, (end >> 10) - 1024)
    after = guest.call(0x15, ax=0xDA88)
    assert (after.carry, after.ah, after.cl << 16 | after.bx) == (0, 0, (end >> 10) - 1024)
    after = guest.call(0x15, ax=0x8800, flags=0x203)
    assert after.carry == 0 and after.ax == min((end >> 10) - 1024, 0xFC00)
    assert guest.call(0x12).ax == 639


def test_memory_map_refuses(guest):
    for wrong in ({"edx": 0}, {"ecx": 19}, {"ebx": 99}):
        registers = {**{"eax": 0xE820, "ebx": 0, "ecx": 24, "edx": SMAP, "di": BUFFER}, **wrong}
        after = guest.call(0x15, **registers)
        assert (after.carry, after.ah) == (1, 0x86)


def test_memory_map_has_an_attribute_word_where_there_is_room(guest):
    guest.memory.write(BUFFER, b"\xEE" * 32)
    guest.call(0x15, eax=0xE820, ebx=0, ecx=20, edx=SMAP, di=BUFFER)
    assert guest.memory.read(BUFFER + 20, 12) == b"\xEE" * 12
    guest.call(0x15, eax=0xE820, ebx=0, ecx=32, edx=SMAP, di=BUFFER)
    assert guest.memory.read(BUFFER + 20, 12) == b"\x01\0\0\0" + b"\xEE" * 8


def test_a20(guest):
    assert guest.call(0x15, ax=0x2403).bx == 3
    for function, state in ((0x2400, 0), (0x2401, 1), (0x2400, 0)):
        after = guest.call(0x15, ax=function)
        assert (after.carry, after.ah) == (0, 0)
        assert guest.cpu.a20 == bool(state)
        assert guest.call(0x15, ax=0x2402).al == state
    guest.memory.write(0x100500, b"\x11")
    guest.memory.write(0x500, b"\x22")
    source = """
        mov     ax, 0FFFFh
        mov     es, ax
        mov     bl, [es:510h]
        """
    assert guest.run(source).bl == 0x22
    assert guest.run("        mov ax, 2401h\n        int 15h\n" + source).bl == 0x11


def move(guest, source, destination, words, table=BUFFER, **fields):
    """INT 15h AH=87h with descriptors for all of 64 KB; `fields` of the destination's are changed."""
    def descriptor(base, limit=0xFFFF, access=0x93, high=0):
        return struct.pack("<HHBBBB", limit, base & 0xFFFF, base >> 16 & 0xFF, access, high, base >> 24)
    guest.memory.write(table, bytes(16) + descriptor(source) + descriptor(destination, **fields) + bytes(16))
    return guest.call(0x15, ah=0x87, cx=words, es=table >> 4, si=table & 0xF)


@pytest.mark.parametrize("destination", [0x500001, 0x100000, 0xF00000])
def test_block_move(guest, destination):
    guest.call(0x15, ax=0x2400)                         # the move does not depend on the gate
    guest.memory.write(0x30000, bytes(range(256)) * 8)
    after = move(guest, 0x30000, destination, 0x400)
    assert (after.carry, after.ah, after.zero) == (0, 0, 1)
    assert guest.memory.read(destination, 0x800) == bytes(range(256)) * 8
    assert guest.cpu.a20 is False


def test_block_move_above_16_mb():
    guest = Guest(machine_with(disk=boot_sector(), memory="32M"))
    guest.memory.write(0x20000, b"far" * 1000)
    assert move(guest, 0x20000, 0x1234567, 1500).carry == 0
    assert guest.memory.read(0x1234567, 3000) == b"far" * 1000
    assert move(guest, 0x1234567, 0x40000, 1500).carry == 0
    assert guest.memory.read(0x40000, 3000) == b"far" * 1000


@pytest.mark.parametrize("words, fields", [(0x400, {"limit": 0x7FE}), (0x400, {"access": 0x13}), (0x400, {"access": 0x91}),
                                           (0x400, {"access": 0x9B}), (0x8001, {}), (0xFFFF, {})])
def test_block_move_that_would_fault(guest, words, fields):
    guest.memory.write(0x30000, b"\x77" * 0x1000)
    guest.memory.write(0x500000, bytes(0x1000))
    after = move(guest, 0x30000, 0x500000, words, **fields)
    assert (after.carry, after.ah) == (1, 0x02)
    assert guest.memory.read(0x500000, 0x1000) == bytes(0x1000)
    assert move(guest, 0x30000, 0x500000, 0x400, limit=0x7FF).carry == 0
    assert move(guest, 0x30000, 0x500000, 0x400, limit=0, high=0x80).carry == 0


def test_hooks_and_a_machine_without_joysticks(guest):
    for ah in (0x52, 0x80, 0x81, 0x82, 0x85, 0x90, 0x91):
        after = guest.call(0x15, ah=ah, al=0x33, flags=0x203)
        assert (after.carry, after.ah, after.al) == (0, 0, 0x33), hex(ah)
    after = guest.call(0x15, ax=0x8455, dx=0)
    assert (after.carry, after.al) == (0, 0)
    after = guest.call(0x15, ax=0x8400, bx=1, cx=1, dx=1)
    assert (after.carry, after.ax, after.bx, after.cx, after.dx) == (0, 0, 0, 0, 0)
    assert guest.call(0x15, ax=0x8400, dx=2).ah == 0x86
    assert guest.call(0x15, ax=0xC900).ch == guest.cpu.model.signature >> 8 & 0xF


def test_configuration_table(guest):
    after = guest.call(0x15, ah=0xC0)
    table = guest.memory.read((after.es << 4) + after.bx, 10)
    assert (after.carry, after.ah, after.bx) == (0, 0, layout.CONFIGURATION_TABLE)
    assert table[:3] == b"\x08\x00\xFC"
    assert guest.call(0x15, ah=0xC1).es == 0x9FC0
    assert guest.call(0x15, ax=0xEC00, bl=2).carry == 0


@pytest.mark.parametrize("ax", [0xE980, 0x5380, 0x8F00, 0xD000, 0x24FF, 0xE8FF])
def test_what_does_not_exist_says_so(guest, ax):
    after = guest.call(0x15, ax=ax, edx=0x47534943)
    assert (after.carry, after.ah) == (1, 0x86)
    assert guest.bios.unimplemented == {f"INT 15h AX={ax:04X}": 1}


def test_keyboard_intercept_lets_every_key_pass(guest):
    for flags in (0x202, 0x203):
        after = guest.call(0x15, ax=0x4F1E, flags=flags)
        assert (after.carry, after.al) == (1, 0x1E)


# ---- waiting ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("microseconds", [1, 976, 5_000, 100_000])
def test_wait_lasts_as_long_as_it_says(guest, microseconds):
    guest.machine.clock.next()
    start = guest.machine.time
    after = guest.call(0x15, limit=100_000_000, ah=0x86, cx=microseconds >> 16, dx=microseconds & 0xFFFF)
    passed = (guest.machine.time - start) / guest.machine.clock.frequency * 1e6
    assert (after.carry, after.ah) == (0, 0)
    assert microseconds - 977 <= passed <= microseconds + 2 * 977


def test_interrupts_run_during_a_wait(guest):
    before = guest.memory.read_u32(layout.TICKS)
    guest.call(0x15, limit=100_000_000, ah=0x86, cx=0x0007, dx=0xA120)             # half a second
    assert 8 <= guest.memory.read_u32(layout.TICKS) - before <= 10


def test_a_snapshot_during_a_wait(guest):
    guest.start("        mov cx, 1\n mov dx, 0\n mov ah, 86h\n int 15h\n cli\n hlt\n")
    guest.machine.run(max_instructions=1_000_000)
    middle = guest.machine.snapshot()
    assert guest.machine.run(max_instructions=100_000_000).kind == "hang"
    end = guest.machine.snapshot().digest()
    guest.machine.restore(middle)
    guest.machine.run(max_instructions=100_000_000)
    assert guest.machine.snapshot().digest() == end


def test_event_wait_sets_a_byte(guest):
    after = guest.run("""
        mov     ax, 8300h
        mov     cx, 0
        mov     dx, 20000
        mov     bx, 9000h
        int     15h
        jc      .end
        mov     ax, 8300h               ; one at a time
        int     15h
        mov     si, ax
.wait:  hlt
        test    byte [9000h], 80h
        jz      .wait
.end:   clc
        """)
    assert after.si >> 8 == 0x83 and after.carry == 0
    assert guest.call(0x15, ax=0x8301).carry == 0


# ---- power -----------------------------------------------------------------------------------------------------------

def test_power_off_as_loaders_do_it(guest):
    after = guest.call(0x15, ax=0x5300, bx=0)
    assert (after.carry, after.ax, after.bx) == (0, 0x0102, 0x504D)
    assert guest.call(0x15, ax=0x5307, bx=1, cx=3).ah == 0x03              # not connected
    guest.call(0x15, ax=0x5304, bx=0)
    assert guest.call(0x15, ax=0x5301, bx=0).carry == 0
    for driver, agreed in ((0x0102, 0x0102), (0x0101, 0x0101), (0x0100, 0x0100), (0x0300, 0x0102), (0, 0x0100)):
        assert guest.call(0x15, ax=0x530E, bx=0, cx=driver).ax == agreed
    guest.start("        mov ax, 5307h\n mov bx, 1\n mov cx, 3\n int 15h\n cli\n hlt\n")
    assert guest.machine.run(max_instructions=10_000).kind == "poweroff"


@pytest.mark.parametrize("ax, bx, cx, status", [
    (0x5300, 1, 0, 0x09), (0x5301, 1, 0, 0x09), (0x5301, 0, 0, 0x02), (0x5302, 0, 0, 0x02), (0x5303, 0, 0, 0x02),
    (0x5304, 1, 0, 0x09), (0x5307, 1, 0, 0x0A), (0x5307, 1, 4, 0x0A), (0x5307, 0x0700, 1, 0x09), (0x5308, 1, 2, 0x0A),
    (0x530A, 0x8001, 0, 0x09), (0x530B, 0, 0, 0x80), (0x530C, 0, 0, 0x09), (0x5311, 1, 0, 0x86)])
def test_power_management_refuses(guest, ax, bx, cx, status):
    assert guest.call(0x15, ax=0x5301, bx=0).carry == 0
    after = guest.call(0x15, ax=ax, bx=bx, cx=cx)
    assert (after.carry, after.ah) == (1, status)


def test_power_management_sleeps_and_wakes_with_an_event(guest):
    assert guest.call(0x15, ax=0x5306).ah == 0x03                          # not connected
    guest.call(0x15, ax=0x5301, bx=0)
    for state, what in ((1, 0x000B), (2, 0x0003)):
        assert guest.call(0x15, ax=0x5307, bx=1, cx=state).carry == 0
        assert guest.call(0x15, ax=0x530B).bx == what
    assert guest.call(0x15, ax=0x530B).ah == 0x80
    assert guest.call(0x15, ax=0x5307, bx=0x0100, cx=3).carry == 0         # the display only
    assert guest.call(0x15, ax=0x5310, bx=0).cx == 0


def test_processor_idle_is_until_the_next_interrupt(guest):
    guest.call(0x15, ax=0x5301, bx=0)
    before = guest.memory.read_u32(layout.TICKS)
    after = guest.call(0x15, ax=0x5305)
    assert after.carry == 0 and guest.memory.read_u32(layout.TICKS) == before + 1


def test_equipment_is_what_the_data_area_says(guest):
    word = guest.call(0x11).ax
    assert word == guest.memory.read_u16(layout.EQUIPMENT)
    assert word & 0xC1 == 0x01 and word >> 9 & 7 == 1                       # one diskette drive, one serial port
    guest.memory.write_u16(layout.BASE_MEMORY_KB, 600)
    assert guest.call(0x12).ax == 600
