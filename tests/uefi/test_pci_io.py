"""PciIo and PciRootBridgeIo, where the guest does not ask: registers behind a BAR, widths, polling, resources."""
from __future__ import annotations

import struct

import pytest
from uefi.caller import Caller

from boot.uefi.definitions import Status
from boot.uefi.pci_access import DESCRIPTOR, FOUR_GB
from boot.uefi.protocols.pci_io import PciIo
from boot.uefi.protocols.pci_root_bridge_io import PciRootBridgeIo
from x86.devices.vga_linear import FRAME_BUFFER, FRAME_BUFFER_SIZE, REGISTERS

U8, U16, U32, U64 = range(4)
FIFO, FILL = 4, 8


class Program(Caller):
    def __init__(self):
        super().__init__()
        self.adapter = next(each for each in self.uefi.interfaces.values() if type(each) is PciIo and each.place == (2, 0))
        self.root = next(each for each in self.uefi.interfaces.values() if type(each) is PciRootBridgeIo)

    def ask(self, protocol, name, *arguments):
        return Status(self.call_address(self.u64(protocol.address + protocol.fields[name][0]), protocol.address, *arguments))


@pytest.fixture(scope="module")
def program():
    return Program()


def test_the_frame_buffer_is_behind_the_first_bar(program):
    uefi, memory, data = program.uefi, program.machine.memory, bytes(range(1, 17))
    uefi.write(program.room, data)
    assert program.ask(program.adapter, "MemWrite", U32, 0, 64, 4, program.room) == Status.SUCCESS
    assert memory.read(FRAME_BUFFER + 64, 16) == data
    assert program.ask(program.adapter, "MemRead", U64, 0, 64, 2, program.room + 64) == Status.SUCCESS
    assert uefi.read(program.room + 64, 16) == data
    assert program.ask(program.adapter, "MemWrite", FILL | U16, 0, 128, 4, program.room) == Status.SUCCESS
    assert memory.read(FRAME_BUFFER + 128, 8) == data[:2] * 4
    assert program.ask(program.adapter, "MemWrite", FIFO | U8, 0, 192, 3, program.room) == Status.SUCCESS
    assert memory.read(FRAME_BUFFER + 192, 2) == b"\3\0"
    assert program.ask(program.adapter, "CopyMem", U32, 0, 68, 0, 64, 4) == Status.SUCCESS        # they overlap
    assert memory.read(FRAME_BUFFER + 68, 16) == data
    assert program.ask(program.adapter, "MemRead", U8, 2, 0, 8, program.room + 64) == Status.SUCCESS
    assert uefi.read(program.room + 64, 8) == bytes.fromhex("00FFFFFFFFFFFF00")                     # the EDID
    for number, offset, count in ((0, FRAME_BUFFER_SIZE, 1), (0, FRAME_BUFFER_SIZE - 4, 2), (1, 0, 1), (0, (1 << 64) - 4, 1),
                                  (0, 2, 1)):
        assert program.ask(program.adapter, "MemRead", U32, number, offset, count, program.room) == Status.UNSUPPORTED
    assert program.ask(program.adapter, "MemRead", FIFO | U32, 0, 0, 1 << 40, program.room) == Status.INVALID_PARAMETER


def test_bars_are_described_as_they_are(program):
    uefi = program.uefi
    for number, base, size, prefetchable in ((0, FRAME_BUFFER, FRAME_BUFFER_SIZE, 6), (2, REGISTERS, 0x1000, 0)):
        assert program.ask(program.adapter, "GetBarAttributes", number, program.room, program.room + 8) == Status.SUCCESS
        block = program.u64(program.room + 8)
        assert DESCRIPTOR.unpack(uefi.read(block, DESCRIPTOR.size)) == (
            0x8A, 0x2B, 0, 0, prefetchable, 32, base, size - 1, 0, size)
        assert uefi.read(block + DESCRIPTOR.size, 1) == b"\x79"
        assert program.call("FreePool", block) == Status.SUCCESS


def test_the_command_register_has_the_attributes(program):
    adapter, room = program.adapter, program.room
    assert program.ask(adapter, "Attributes", 2, 0x400, 0) == Status.SUCCESS                       # enable: bus master
    assert adapter.function.read(4, 2) & 7 == 7
    assert program.ask(adapter, "Attributes", 3, 0x500, 0) == Status.SUCCESS                       # disable, and I/O
    assert adapter.function.read(4, 2) & 7 == 2
    assert program.ask(adapter, "Attributes", 1, 0x300, 0) == Status.SUCCESS                       # set
    assert program.ask(adapter, "Attributes", 0, 0, room) == Status.SUCCESS
    assert program.u64(room) & 0x700 == 0x300


def test_polling_waits_as_long_as_it_was_told(program):
    root, room, machine = program.root, program.room, program.machine
    for mask, wanted, status, least, most in ((0x20, 0x20, Status.SUCCESS, 0, 0.001), (0x01, 0x01, Status.TIMEOUT, 0.01, 0.012)):
        begun = machine.time
        assert program.ask(root, "PollIo", U8, 0x3FD, mask, wanted, 100_000, room) == status       # 10 ms
        assert least <= (machine.time - begun) / machine.clock.frequency <= most
        assert program.u64(room) & 0x20
    assert program.ask(root, "PollIo", U8, 0x3FD, 1, 1, 0, room) == Status.SUCCESS                 # one look
    assert program.ask(root, "PollMem", U32, FRAME_BUFFER, 0, 0, 100, room) == Status.SUCCESS
    assert program.ask(root, "PollMem", U32, 0x100000, 0, 0, 100, room) == Status.INVALID_PARAMETER


def test_configuration_space_by_its_addresses(program):
    uefi, root, room = program.uefi, program.root, program.room
    for address, wanted in ((2 << 16, 0x11111234), (2 << 16 | 0x10, FRAME_BUFFER | 8), (2 << 16 | 0x10 << 32, FRAME_BUFFER | 8),
                            (1 << 24 | 2 << 16, 0xFFFFFFFF)):
        assert program.ask(root, "PciRead", U32, address, 1, room) == Status.SUCCESS
        assert uefi.read_u32(room) == wanted
    uefi.write_u32(room, 0xFFFFFFFF)
    assert program.ask(root, "PciWrite", U32, 2 << 16 | 0x10, 1, room) == Status.SUCCESS           # how a BAR's size is found
    assert program.ask(root, "PciRead", U32, 2 << 16 | 0x10, 1, room) == Status.SUCCESS
    assert uefi.read_u32(room) == FOUR_GB - FRAME_BUFFER_SIZE | 8
    uefi.write(room, struct.pack("<I", FRAME_BUFFER))
    assert program.ask(root, "PciWrite", U32, 2 << 16 | 0x10, 1, room) == Status.SUCCESS
