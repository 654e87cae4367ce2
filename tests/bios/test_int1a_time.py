"""INT 1Ah: ticks, clock, alarm, PCI. INT 08h and 1Ch. INT 14h and 17h. Exceptions that nobody hooked."""
import datetime

import pytest
from bios_guest import BUFFER, boot_sector, machine_with
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boot import layout
from boot.bios.int1a_time import TICKS_PER_DAY, bcd, binary

SHARED = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
IDLE = ".a: hlt\n        jmp .a\n"


# ---- ticks -----------------------------------------------------------------------------------------------------------

def test_ticks_come_18_times_a_second(guest):
    first = guest.call(0x1A, ah=0)
    before = first.cx << 16 | first.dx
    guest.start(IDLE)
    guest.machine.run(max_instructions=10 * guest.machine.clock.frequency)
    after = guest.call(0x1A, ah=0)
    assert 181 <= (after.cx << 16 | after.dx) - before <= 183


def test_post_sets_the_ticks_from_the_clock(guest):
    after = guest.call(0x1A, ah=0x02)
    assert after.carry == 0
    seconds = binary(after.ch) * 3600 + binary(after.cl) * 60 + binary(after.dh)
    ticks = guest.memory.read_u32(layout.TICKS)
    assert abs(ticks / TICKS_PER_DAY * 86400 - seconds) < 2.1


def test_midnight(guest):
    last = TICKS_PER_DAY - 2
    guest.call(0x1A, ah=1, cx=last >> 16, dx=last & 0xFFFF)
    guest.start(IDLE)
    guest.machine.run(max_instructions=guest.machine.clock.ticks(0.25))
    after = guest.call(0x1A, ah=0)
    assert after.al == 1 and after.cx == 0 and after.dx in (2, 3)
    assert guest.call(0x1A, ah=0).al == 0


def test_int_1c_is_called_on_every_tick_and_interrupts_go_on(guest):
    guest.hook(0x1C, 0xA000)
    guest.place(0xA000, "        inc word [cs:9100h]\n        iret\n")
    guest.memory.write_u16(0x9100, 0)
    guest.start(IDLE)
    guest.machine.run(max_instructions=guest.machine.clock.ticks(1))
    assert guest.memory.read_u16(0x9100) in (18, 19)


def test_the_diskette_motors_run_out(guest):
    guest.memory.write_u8(layout.FLOPPY_MOTOR_COUNT, 5)
    guest.start(IDLE)
    guest.machine.run(max_instructions=guest.machine.clock.ticks(0.5))
    assert guest.memory.read_u8(layout.FLOPPY_MOTOR_COUNT) == 0


# ---- clock -----------------------------------------------------------------------------------------------------------

@SHARED
@given(hour=st.integers(0, 23), minute=st.integers(0, 59), second=st.integers(0, 58), binary_mode=st.booleans(),
       half_days=st.booleans())
def test_time_as_set_in_every_mode_of_the_clock(guest, hour, minute, second, binary_mode, half_days):
    bios = guest.bios
    mode = bios.cmos(0x0B) & ~0x06 | (0x04 if binary_mode else 0) | (0 if half_days else 0x02)
    bios.set_cmos(0x0B, mode)
    assert guest.call(0x1A, ah=3, ch=bcd(hour), cl=bcd(minute), dh=bcd(second), dl=0).carry == 0
    after = guest.call(0x1A, ah=2)
    assert (after.carry, binary(after.ch), binary(after.cl), binary(after.dh)) == (0, hour, minute, second)


@SHARED
@given(date=st.dates(datetime.date(1990, 1, 1), datetime.date(2099, 12, 31)))
def test_date(guest, date):
    century, year = divmod(date.year, 100)
    assert guest.call(0x1A, ah=5, ch=bcd(century), cl=bcd(year), dh=bcd(date.month), dl=bcd(date.day)).carry == 0
    after = guest.call(0x1A, ah=4)
    assert [binary(value) for value in (after.ch, after.cl, after.dh, after.dl)] == [century, year, date.month, date.day]


def test_alarm(guest):
    guest.hook(0x4A, 0xA000)
    guest.place(0xA000, "        inc word [cs:9100h]\n        iret\n")
    guest.memory.write_u16(0x9100, 0)
    guest.call(0x1A, ah=3, cx=0x1259, dx=0x5800)
    assert guest.call(0x1A, ah=6, cx=0x1300, dx=0x0000).carry == 0
    assert guest.call(0x1A, ah=6, cx=0x1400, dx=0x0000).carry == 1
    guest.start(IDLE)
    guest.machine.run(max_instructions=guest.machine.clock.ticks(4))
    assert guest.memory.read_u16(0x9100) == 1
    guest.call(0x1A, ah=7)
    assert guest.call(0x1A, ah=6, cx=0x1400, dx=0x0000).carry == 0


# ---- PCI -------------------------------------------------------------------------------------------------------------

class HostBridge:
    """Configuration mechanism 1 with a host bridge at 0:0.0 and two network cards at 0:3.0 and 0:5.0."""

    def __init__(self, bus):
        self.address = 0
        self.functions = {0x0000: (0x8086, 0x1237, 0x060000), 0x0018: (0x10EC, 0x8139, 0x020000),
                          0x0028: (0x10EC, 0x8139, 0x020000)}
        self.written = {}
        bus.add("bridge address", 0xCF8, 4, self.read_address, self.write_address, widths=(4,))
        bus.add("bridge data", 0xCFC, 4, self.read_data, self.write_data, widths=(2, 4))

    def read_address(self, offset, size):
        return self.address if size == 4 else 0xFF

    def write_address(self, offset, value, size):
        if size == 4:
            self.address = value

    def read_data(self, offset, size):
        where, register = self.address >> 8 & 0xFFFF, (self.address & 0xFC) + offset
        if where not in self.functions:
            return (1 << 8 * size) - 1
        vendor, device, kind = self.functions[where]
        space = bytearray(256)
        space[0:4] = vendor.to_bytes(2, "little") + device.to_bytes(2, "little")
        space[9:12] = kind.to_bytes(3, "little")
        for at, value in self.written.get(where, {}).items():
            space[at] = value
        return int.from_bytes(space[register:register + size], "little")

    def write_data(self, offset, value, size):
        where, register = self.address >> 8 & 0xFFFF, (self.address & 0xFC) + offset
        for part in range(size):
            self.written.setdefault(where, {})[register + part] = value >> 8 * part & 0xFF


@pytest.fixture
def bridge(guest):
    bus = guest.machine.bus
    saved = [dict(table) for tables in (bus._readers, bus._writers) for table in tables.values()], dict(bus._owners)
    for port in range(0xCF8, 0xD00):
        if bus.owner(port):
            bus.remove(port, 1)
    yield HostBridge(bus)
    for table, before in zip([table for tables in (bus._readers, bus._writers) for table in tables.values()], saved[0]):
        table.clear()
        table.update(before)
    bus._owners = saved[1]


def test_pci_bios(guest, bridge):
    after = guest.call(0x1A, ax=0xB101)
    assert (after.carry, after.ah, after.edx, after.bx, after.cl) == (0, 0, 0x20494350, 0x0210, 0)
    after = guest.call(0x1A, ax=0xB102, cx=0x8139, dx=0x10EC, si=1)
    assert (after.carry, after.bx) == (0, 0x0028)
    after = guest.call(0x1A, ax=0xB102, cx=0x8139, dx=0x10EC, si=2)
    assert (after.carry, after.ah) == (1, 0x86)
    assert guest.call(0x1A, ax=0xB103, ecx=0x060000, si=0).bx == 0
    assert guest.call(0x1A, ax=0xB102, cx=1, dx=0xFFFF, si=0).ah == 0x83
    for ax, register, value in ((0xB10B, "cl", 0x12), (0xB10C, "cx", 0x3456), (0xB10D, "ecx", 0x789ABCDE)):
        assert guest.call(0x1A, ax=ax, bx=0x0018, di=0x40, **{register: value}).carry == 0
        after = guest.call(0x1A, ax=ax - 3, bx=0x0018, di=0x40, ecx=0)
        assert getattr(after, register) == value
    assert guest.call(0x1A, ax=0xB109, bx=0, di=0x41).ah == 0x87
    assert guest.call(0x1A, ax=0xB110).ah == 0x81


# ---- serial and parallel ports ---------------------------------------------------------------------------------------

def test_serial_port(guest):
    after = guest.call(0x14, ax=0x00E3, dx=0)
    assert after.ah & 0x60 == 0x60
    guest.call(0x14, ax=0x0100 | ord("Q"), dx=0)
    guest.start(IDLE)
    guest.machine.run(max_instructions=1_000_000)
    assert guest.machine.serial.text.endswith("Q")
    assert guest.call(0x14, ax=0x0300, dx=0).ah & 0x60 == 0x60
    assert guest.call(0x14, ax=0x0300, dx=3).ah == 0x80


def test_serial_receive_waits_a_second_and_gives_up(guest):
    before = guest.machine.time
    after = guest.call(0x14, limit=200_000_000, ax=0x0200, dx=0)
    assert after.ah & 0x80
    assert 0.9 < (guest.machine.time - before) / guest.machine.clock.frequency < 1.2


def test_serial_receive_is_woken_by_the_character(guest):
    """Not by the next tick of the timer, which comes 18 times a second; and a snapshot can be taken while it sleeps."""
    machine, clock = guest.machine, guest.machine.clock
    guest.start("        mov cx, 20\n.a:     mov ah, 02h\n        mov dx, 0\n        int 14h\n        mov [bx], al\n"
                "        inc bx\n        loop .a\n        cli\n        hlt\n", bx=BUFFER)
    machine.run(max_instructions=100_000)
    assert guest.cpu.halted
    machine.restore(machine.snapshot())
    text, began = b"wakes with the data!", machine.time
    machine.serial.send(text)
    assert machine.run(max_instructions=clock.frequency).kind == "hang"
    assert guest.memory.read(BUFFER, 20) == text
    assert (machine.time - began) / clock.frequency < 0.03          # at 9600 a second; 20 ticks would be 1.1 s


def test_a_character_ends_no_halt_but_that_of_the_service(guest):
    guest.start("        sti\n        hlt\n        mov byte [bx], 1\n.a:     hlt\n        jmp .a\n", bx=BUFFER)
    guest.memory.write(BUFFER, b"\0")
    guest.machine.bus.write(0x21, 0xFF, 1)
    guest.machine.serial.send(b"x")
    guest.machine.run(max_instructions=1_000_000)
    assert guest.memory.read(BUFFER, 1) == b"\0" and guest.machine.bus.read(0x3FD, 1) & 1


def test_serial_port_as_the_ps_2_has_it(guest):
    port = guest.machine.bus
    assert guest.call(0x14, ax=0x0400, dx=0, bx=0x0201, cx=0x0308).carry == 0          # even, 2 stop bits, 8 bits, 19200
    assert port.read(0x3FB, 1) == 0x1F
    port.write(0x3FB, 0x9F, 1)
    assert port.read(0x3F8, 1) == 6
    port.write(0x3FB, 0x1F, 1)
    assert guest.call(0x14, ax=0x0501, dx=0, bx=0x0003).bl == 0x03 and port.read(0x3FC, 1) == 0x03
    assert guest.call(0x14, ax=0x0500, dx=0, bx=0).bl == 0x03
    for ax, bx, cx in ((0x0402, 0, 0), (0x0400, 0x0500, 0), (0x0400, 0, 0x0009), (0x0400, 0, 0x0400), (0x0502, 0, 0)):
        after = guest.call(0x14, ax=ax, bx=bx, cx=cx, dx=0)
        assert (after.carry, after.ah) == (1, 0x86)
    assert guest.call(0x14, ax=0x0400, dx=3).ah == 0x80


def test_there_is_no_security_chip(guest):
    after = guest.call(0x1A, ax=0xBB00)
    assert (after.carry, after.eax) == (0, 0x23)


def test_printer_is_not_there(guest):
    assert guest.call(0x17, ax=0x0200, dx=0).ah == 0x01


# ---- exceptions ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("code, words", [
    ("        mov bx, 0\n        db 0F7h, 0F3h\n", "divide error"),
    ("        db 0Fh, 0Bh\n", "invalid opcode"),
    ("        mov bx, 0FFFFh\n        mov ax, [bx]\n", "general protection")])
def test_an_exception_that_nobody_handles_is_explained(guest, code, words):
    guest.start(code + IDLE)
    stop = guest.machine.run(max_instructions=100_000)
    assert stop.kind == "hang" and words in stop.message and "0000:800" in stop.message


def test_software_interrupts_to_these_vectors_are_nothing(guest):
    source = "        mov cx, 100\n.a:     int 0\n        int 6\n        int 0Dh\n        loop .a\n"
    assert guest.run(source).cx == 0


def test_hardware_interrupts_that_nobody_hooked_are_ended(guest):
    pic, bus = guest.machine.devices["pic"], guest.machine.bus
    bus.write(0x21, 0, 1)
    bus.write(0xA1, 0, 1)
    guest.start(IDLE)
    for line in (3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15):
        pic.set_irq(line, True)
        guest.machine.run(max_instructions=2_000)
        pic.set_irq(line, False)
        guest.machine.run(max_instructions=2_000)
    for port in (0x20, 0xA0):
        bus.write(port, 0x0B, 1)
        assert bus.read(port, 1) == 0
    before = guest.memory.read_u32(layout.TICKS)
    guest.machine.run(max_instructions=guest.machine.clock.ticks(0.2))
    assert guest.memory.read_u32(layout.TICKS) > before
    assert guest.memory.read_u8(layout.HARD_DISK_INTERRUPT) == 0xFF
    assert guest.memory.read_u8(layout.FLOPPY_RECALIBRATE) & 0x80


def test_writes_to_the_trap_port_from_elsewhere_do_nothing():
    machine = machine_with(disk=boot_sector("        mov ah, 0Eh\n        out 0B5h, al\n        cli\n        hlt\n"))
    machine.run(max_instructions=5_000_000)
    assert list(machine.devices["bios"].strays) == ["0000:7C04"]
