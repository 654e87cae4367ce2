"""INT 17h with a printer that is a list, and INT 05h, which prints the screen on it."""
from __future__ import annotations

import pytest
from bios_guest import Guest, boot_sector

import boot
from x86 import Machine

LPT1 = 0x378


class Printer:
    """A parallel port whose printer takes a byte at each falling edge of the strobe, unless it is busy or has no paper."""

    def __init__(self, bus):
        self.data, self.control, self.paper, self.busy, self.printed = 0, 0, True, False, bytearray()
        bus.add("printer", LPT1, 3, read=self.read, write=self.write)

    def read(self, offset, size):
        status = (0 if self.busy else 0x80) | 0x40 | (0 if self.paper else 0x20) | 0x10 | 0x08
        return (self.data, status, self.control)[offset]

    def write(self, offset, value, size):
        if offset == 0:
            self.data = value
        elif offset == 2:
            if value & 1 and not self.control & 1:
                self.printed.append(self.data)
            self.control = value


@pytest.fixture(scope="module")
def printing():
    machine = Machine(memory="4M")
    printer = Printer(machine.bus)
    boot.bios(machine, disk=boot_sector())
    return Guest(machine), printer


@pytest.fixture
def office(printing):
    guest, printer = printing
    printer.paper, printer.busy = True, False
    printer.printed.clear()
    return guest.again(), printer


def test_a_printer_prints(office):
    guest, printer = office
    assert guest.call(0x11).ax >> 14 == 1 and guest.memory.read_u16(0x408) == LPT1
    assert guest.call(0x17, ax=0x0100, dx=0).ah == 0x90             # not busy, selected
    for character in b"Hi":
        assert guest.call(0x17, ax=character, dx=0).ah == 0x90
    assert printer.printed == b"Hi"
    printer.paper = False
    assert guest.call(0x17, ax=0x0200, dx=0).ah == 0xB0
    assert guest.call(0x17, ax=0x0200, dx=1).ah == 0x01 and guest.call(0x17, ax=0x0200, dx=0x8000).ah == 0x01


def test_a_busy_printer_is_waited_for(office):
    guest, printer = office
    printer.busy = True
    guest.memory.write_u8(0x478, 2)
    before = guest.machine.time
    after = guest.call(0x17, limit=300_000_000, ax=0x0041, dx=0)
    assert after.ah == 0x11 and 1.9 < (guest.machine.time - before) / guest.machine.clock.frequency < 2.2
    guest.start("        mov ax, 0041h\n mov dx, 0\n int 17h\n cli\n hlt\n")
    guest.machine.run(max_instructions=10_000_000)
    assert printer.printed == b""
    printer.busy = False
    assert guest.machine.run(max_instructions=10_000_000).kind == "hang" and printer.printed == b"A"


def test_the_screen_is_printed(office):
    guest, printer = office
    guest.call(0x10, ax=0x0003)
    for character in b"printed":
        guest.call(0x10, ah=0x0E, al=character, bx=7)
    before = guest.call(0x10, ax=0x0300, bx=0).dx
    guest.call(0x05, limit=20_000_000, ax=0x1234, bx=0x5678, cx=0x9ABC, dx=0xDEF0, si=1, di=2, bp=3)
    lines = bytes(printer.printed).split(b"\r\n")
    assert lines[0] == b"" and lines[1].rstrip() == b"printed" and len(lines) == 27
    assert {len(line) for line in lines[1:26]} == {80}
    assert guest.memory.read_u8(0x500) == 0 and guest.call(0x10, ax=0x0300, bx=0).dx == before


def test_without_paper_or_while_it_prints_nothing_is_printed(office):
    guest, printer = office
    printer.paper = False
    guest.call(0x05)
    assert guest.memory.read_u8(0x500) == 0xFF
    printer.paper = True
    guest.memory.write_u8(0x500, 1)
    printer.printed.clear()
    guest.call(0x05)
    assert guest.memory.read_u8(0x500) == 1 and printer.printed == b""
