"""IN OUT INS OUTS: who may, what a device sees, and that nothing is asked twice."""
import struct

import pytest
from machines import CODE, flat32, flat64
from protected import TSS, Guest
from test_interrupts import v86

PORT = 0x500


class Recorder:
    """A device that counts up, and keeps what it is told."""

    def __init__(self, machine, widths=(1, 2, 4)):
        self.machine, self.written, self.reads = machine, [], 0
        machine.bus.add("recorder", PORT, 8, read=self.read, write=self.write, widths=widths)

    def read(self, offset, size):
        self.reads += 1
        return self.reads

    def write(self, offset, value, size):
        self.written.append((offset, value, size, self.machine.time, self.machine.cpu.rip))


# ---- what a device sees -----------------------------------------------------------------------------------------------------

def test_a_device_sees_the_instruction_done():
    machine = flat64(f"mov dx, {PORT}\nmov eax, 0x12345678\nout dx, al\nout dx, ax\nout dx, eax\nhlt")
    device = Recorder(machine)
    start = machine.time
    machine.run(max_instructions=6)
    assert device.written == [(0, 0x78, 1, start + 3, CODE + 10), (0, 0x5678, 2, start + 4, CODE + 12),
                              (0, 0x12345678, 4, start + 5, CODE + 13)]


@pytest.mark.parametrize("instruction, expected", [("in al, dx", 0xAAAAAAAAAAAAAA01), ("in ax, dx", 0xAAAAAAAAAAAA0001),
                                                   ("in eax, dx", 1)])
def test_in_writes_as_much_of_rax_as_it_reads(instruction, expected):
    machine = flat64(f"mov rax, 0xaaaaaaaaaaaaaaaa\nmov dx, {PORT}\n{instruction}\nhlt")
    Recorder(machine)
    machine.run(max_instructions=4)
    assert machine.cpu.rax == expected


@pytest.mark.parametrize("slices", ([100], [1] * 30, [3, 2, 4, 1, 5, 100]))
def test_rep_outs_and_ins_can_be_cut_anywhere(slices):
    machine = flat64(f"mov dx, {PORT}\nmov esi, 0x5000\nmov ecx, 5\nrep outsb\nmov edi, 0x6000\nmov ecx, 4\nrep insw\nhlt")
    device = Recorder(machine)
    machine.memory.write(0x5000, b"hello")
    start = machine.time
    for count in slices:
        machine.run(max_instructions=count)
    assert bytes(value for _, value, *_ in device.written) == b"hello"
    assert [time - start for _, _, _, time, _ in device.written] == [4, 5, 6, 7, 8]     # each is one instruction
    assert struct.unpack("<4H", machine.memory.read(0x6000, 8)) == (1, 2, 3, 4) and device.reads == 4
    assert (machine.cpu.rsi, machine.cpu.rdi, machine.cpu.rcx, machine.cpu.halted) == (0x5005, 0x6008, 0, True)


def test_ins_backwards():
    machine = flat64(f"std\nmov dx, {PORT}\nmov edi, 0x6004\nmov ecx, 3\nrep insd\nhlt")
    Recorder(machine)
    machine.run(max_instructions=20)
    assert struct.unpack("<3I", machine.memory.read(0x5FFC, 12)) == (3, 2, 1) and machine.cpu.rdi == 0x5FF8


def test_a_page_fault_comes_before_the_device_is_asked():
    guest = Guest(f"mov dx, {PORT}\nmov edi, 0x3feffe\nmov ecx, 4\nrep insb\nhlt")
    device = Recorder(guest.machine)
    for page in range(1024):
        guest.memory.write_u32(0x21000 + 4 * page, page << 12 | 3 if page != 0x3FF else 0)
    guest.memory.write_u32(0x20000, 0x21003)
    guest.cpu.cr3, guest.cpu.cr0 = 0x20000, 0x80000011
    guest.run()
    assert guest.handler == 14 and guest.cpu.cr2 == 0x3FF000 and device.reads == 2
    assert (guest.cpu.ecx, guest.cpu.edi) == (2, 0x3FF000) and guest.frame(2) == [2, CODE + 14]


def test_ins_over_code_that_runs():
    """A sector read over the code that reads it: the device is asked once for each value, and the new code runs."""
    machine = flat32(f"mov dx, {PORT}\nmov edi, next\nmov ecx, 2\nrep insb\nnext: hlt\nhlt\nhlt")
    code = iter(b"\x43\x43")
    machine.bus.add("code", PORT, 1, read=lambda offset, size: next(code))
    machine.run(max_instructions=1)
    machine.run(max_instructions=100)
    assert machine.cpu.ebx == 2 and machine.cpu.halted


def test_a_device_may_stop_a_string_in_the_middle():
    machine = flat64(f"mov dx, {PORT}\nmov esi, 0x5000\nmov ecx, 5\nrep outsb\nhlt")
    machine.bus.add("stopper", PORT, 1, write=lambda offset, value, size: machine.stop("stopped") if value == 3 else None)
    machine.memory.write(0x5000, bytes((1, 2, 3, 4, 5)))
    assert machine.run(max_instructions=100).kind == "stopped"
    assert (machine.cpu.rcx, machine.cpu.rsi) == (2, 0x5003)
    assert machine.run(max_instructions=100).kind == "hang" and machine.cpu.rcx == 0


# ---- who may ----------------------------------------------------------------------------------------------------------------

def map_of(guest, *allowed, limit=0x68 + 0x101):
    """An I/O permission map up to port 7FFh, closed but for these ports."""
    bits = bytearray(b"\xFF" * 0x102)
    for port in allowed:
        bits[port >> 3] &= ~(1 << (port & 7))
    guest.memory.write(TSS + 0x68, bytes(bits))
    segment = guest.cpu.segment("tr")
    guest.cpu.set_segment("tr", segment.selector, segment.base, limit, segment.access)
    guest.memory.write(0x3800, bytes(16))


@pytest.mark.parametrize("bits", (32, 64))
@pytest.mark.parametrize("instruction, allowed, fine", [
    ("in al, dx", (PORT,), True), ("in al, dx", (PORT + 1,), False), ("in ax, dx", (PORT, PORT + 1), True),
    ("in ax, dx", (PORT,), False), ("out dx, eax", range(PORT, PORT + 4), True), ("out dx, eax", range(PORT, PORT + 3), False),
    ("outsb", (PORT,), True), ("insb", (), False)])
def test_the_map_of_the_tss_decides_for_ring_3(bits, instruction, allowed, fine):
    guest = Guest(f"mov dx, {PORT}\nmov esi, 0x5000\nmov edi, 0x5000\n{instruction}\nhlt", bits=bits, ring=3)
    Recorder(guest.machine)
    map_of(guest, *allowed)
    guest.run(4 if fine else 10)
    assert guest.faults() == ([] if fine else [(13, 0)])


def test_a_port_across_two_bytes_of_the_map():
    guest = Guest(f"mov dx, {PORT + 7}\nin ax, dx\nhlt", ring=3)
    Recorder(guest.machine)
    map_of(guest, PORT + 7, PORT + 8)
    guest.run(2)
    assert guest.faults() == []


@pytest.mark.parametrize("limit", (0x67, 0x68 + (PORT >> 3)))
def test_a_map_that_ends_before_the_port_closes_it(limit):
    guest = Guest(f"mov dx, {PORT}\nin al, dx\nhlt", ring=3)
    map_of(guest, PORT, limit=limit)
    guest.run()
    assert guest.faults() == [(13, 0)]


def test_iopl_3_opens_every_port_to_ring_3_but_not_to_v86_mode():
    guest = Guest(f"mov dx, {PORT}\nin al, dx\nhlt", ring=3)
    guest.cpu.rflags |= 3 << 12
    guest.run(2)
    assert guest.faults() == []
    guest = v86(f"mov dx, {PORT}\nin al, dx\nhlt")
    guest.run()
    assert guest.handler == 13
    guest = v86(f"mov dx, {PORT}\nin al, dx\nhlt", iopl=0)
    map_of(guest, PORT)
    guest.run(3)
    assert guest.faults() == []
