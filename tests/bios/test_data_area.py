"""The BIOS data area, its extension and the CMOS memory as POST leaves them, for machines of all sizes; warm and cold starts."""
from __future__ import annotations

import pytest
from bios_guest import FLOPPY, HARD_DISK, boot_sector, machine_with

from boot import layout


def booted(**options):
    machine = machine_with(**{"disk": boot_sector(), **options})
    stop = machine.run(max_instructions=3_000_000)
    assert stop.kind == "hang", stop
    return machine


def cmos(machine, first, count=1):
    found = bytearray()
    for register in range(first, first + count):
        machine.bus.write(0x70, 0x80 | register, 1)
        found.append(machine.bus.read(0x71, 1))
    return int.from_bytes(found, "little")


@pytest.mark.parametrize("memory, extended, above_16m, above_4g", [
    ("1M", 0, 0, 0), ("1536K", 512, 0, 0), ("16M", 15 << 10, 0, 0), ("17M", 16 << 10, 16, 0), ("65M", 0xFFFF, 49 * 16, 0),
    ("1G", 0xFFFF, 1008 * 16, 0), ("3G", 0xFFFF, 3056 * 16, 0), ("4G", 0xFFFF, 3056 * 16, 1 << 14),
    ("5G", 0xFFFF, 3056 * 16, 2 << 14)])
def test_cmos_says_how_much_memory_there_is(memory, extended, above_16m, above_4g):
    machine = booted(memory=memory)
    assert cmos(machine, 0x15, 2) == 640
    assert cmos(machine, 0x17, 2) == cmos(machine, 0x30, 2) == min(extended, 0xFFFF)
    assert cmos(machine, 0x34, 2) == above_16m and cmos(machine, 0x5B, 3) == above_4g
    checksum = sum(cmos(machine, register) for register in range(0x10, 0x2E))
    assert (cmos(machine, 0x2E), cmos(machine, 0x2F)) == (checksum >> 8 & 0xFF, checksum & 0xFF)


@pytest.mark.parametrize("options, drives, disks, types", [
    ({}, 0x00, 0xF0, 0), ({"floppy": FLOPPY}, 0x40, 0xF0, 1), ({"floppy": [FLOPPY, FLOPPY[:737280]]}, 0x43, 0xF0, 0x41),
    ({"drives": [HARD_DISK]}, 0x00, 0xFF, 0)])
def test_cmos_says_which_drives_there_are(options, drives, disks, types):
    machine = booted(disk=HARD_DISK, boot_order=["disk"], **options)
    memory = machine.memory
    assert cmos(machine, 0x10) == drives and cmos(machine, 0x12) == disks
    equipment = memory.read_u16(layout.EQUIPMENT)
    assert equipment & 0xC1 == types and cmos(machine, 0x14) == equipment & 0xFF
    assert memory.read_u8(layout.HARD_DISK_COUNT) == bin(disks >> 4).count("1") // 4 + (disks & 0xF == 0xF)


def test_the_data_area():
    memory = booted(fill="random:5").memory
    words = {0x400: 0x3F8, 0x402: 0, 0x408: 0, 0x40E: 0x9FC0, 0x410: 0x0226, 0x413: 639, 0x417: 0, 0x41A: 0x1E, 0x41C: 0x1E,
             0x44A: 80, 0x44C: 0x1000, 0x463: 0x3D4, 0x472: 0, 0x480: 0x1E, 0x482: 0x3E, 0x485: 16}
    assert {address: memory.read_u16(address) for address in words} == words
    octets = {0x449: 3, 0x462: 0, 0x470: 0, 0x471: 0, 0x475: 1, 0x484: 24, 0x496: 0x10, 0x497: 0, 0x4A0: 0}
    assert {address: memory.read_u8(address) for address in octets} == octets
    area = memory.read_u16(0x40E) << 4
    assert memory.read_u8(area) == 1 and memory.read_u8(area + layout.MOUSE_FLAGS) == 0
    assert memory.read_u8(area + layout.MOUSE_FLAGS + 1) == 2


#: resets the machine once, with BX in the reset flag
AGAIN = """
        cmp     byte [500h], 55h
        je      .done
        mov     byte [500h], 55h
        mov     word [472h], {flag}
        mov     al, 0FEh
        out     64h, al
.hang:  hlt
        jmp     .hang
.done:  cli
        hlt
        """


@pytest.mark.parametrize("flag, counted", [(0x1234, False), (0x0000, True), (0x4321, True)])
def test_a_warm_start_does_not_count_memory(flag, counted):
    machine = booted(disk=boot_sector(AGAIN.format(flag=flag)))
    assert machine.resets == 1
    screen = machine.screen.text
    assert ("16 MB" in screen) is counted and "x86 BIOS" in screen
    assert machine.memory.read_u16(layout.RESET_FLAG) == 0
