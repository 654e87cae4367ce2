"""The board's own ports, the debug exit, PCI, power management, and the firmware configuration device."""
from __future__ import annotations

import struct

import pytest
from fake_board import Board

from x86.devices import BOARDS

HERTZ = 3_579_545


# ---- 80h, 92h, E9h, EDh, F0h, CF9h ----------------------------------------------------------------------------------

def test_post_codes_are_kept_with_their_times(board):
    for time, code in ((10, 1), (20, 2), (30, 2), (40, 3)):
        board.time = time
        board.write(0x80, code)
    ports = board.devices["sysports"]
    assert ports.codes == [(10, 1), (20, 2), (40, 3)]
    assert ports.code == 3
    assert board.read(0x80) == 0xFF


def test_a_guest_that_delays_by_port_80_fills_no_memory(board):
    for number in range(5000):
        board.write(0x80, number & 0xFF)
    assert len(board.devices["sysports"].codes) == 1024
    assert board.devices["sysports"].code == 4999 & 0xFF


def test_port_92(board):
    assert board.read(0x92) == 0x02
    board.write(0x92, 0x00)
    assert (board.cpu.a20, board.read(0x92)) == (False, 0x00)
    board.write(0x92, 0x02)
    assert (board.cpu.a20, board.read(0x92)) == (True, 0x02)
    board.cpu.a20 = False                                   # shut by the 8042: it is one gate
    assert board.read(0x92) == 0x00
    assert not board.requests
    board.write(0x92, 0x03)
    board.write(0x92, 0x03)                                 # only where it rises
    assert board.requests == [("reset", "port 92h")]


def test_debug_console(board):
    for port in (0xE9, 0x402):
        assert board.read(port) == 0xE9                     # how guests find it
        for byte in b"hi ":
            board.write(port, byte)
    assert board.devices["sysports"].debug_text == "hi hi "


def test_ports_that_only_are_there(board):
    for port in (0xED, 0xF0, 0xF1):
        board.write(port, 0)
        assert board.read(port) == 0xFF
    assert board.bus.unclaimed == {}


@pytest.mark.parametrize("values, resets", [((0x02, 0x06), 1), ((0x04,), 1), ((0x02,), 0), ((0x06, 0x06), 2)])
def test_port_cf9(board, values, resets):
    for value in values:
        board.write(0xCF9, value)
    assert board.requests == [("reset", "port CF9h")] * resets


def test_cf9_reads_back_the_kind_of_reset(board):
    board.write(0xCF9, 0x02)
    assert board.read(0xCF9) == 0x02


@pytest.mark.parametrize("value, size", [(0x00, 1), (0x2A, 1), (0x1234, 2), (0xDEADBEEF, 4)])
def test_debug_exit(board, value, size):
    board.write(0xF4, value, size)
    assert board.requests == [("debug-exit", value)]


# ---- PCI ------------------------------------------------------------------------------------------------------------

def select(board, device, function, register, bus=0, enable=True):
    board.write(0xCF8, enable << 31 | bus << 16 | device << 11 | function << 8 | register & 0xFC, 4)
    return 0xCFC + (register & 3)


def config(board, device, function, register, size=4):
    return board.read(select(board, device, function, register), size)


@pytest.mark.parametrize("device, function, identity, class_code, header", [
    (0, 0, 0x12378086, 0x060000, 0x00), (1, 0, 0x70008086, 0x060100, 0x80), (1, 3, 0x71138086, 0x068000, 0x00),
    (2, 0, 0x11111234, 0x030000, 0x00)])
def test_who_is_on_the_bus(board, device, function, identity, class_code, header):
    assert config(board, device, function, 0) == identity
    assert config(board, device, function, 8) >> 8 == class_code
    assert config(board, device, function, 0x0E, 1) == header
    assert config(board, device, function, 0, 2) == identity & 0xFFFF
    assert config(board, device, function, 2, 2) == identity >> 16
    assert config(board, device, function, 0x0B, 1) == class_code >> 16


def test_nobody_reads_as_all_ones(board):
    found = [(device, function) for device in range(32) for function in range(8)
             if config(board, device, function, 0) != 0xFFFFFFFF]
    assert found == [(0, 0), (1, 0), (1, 3), (2, 0)]
    assert board.read(select(board, 0, 0, 0, bus=1), 4) == 0xFFFFFFFF
    assert board.read(select(board, 0, 0, 0, enable=False), 4) == 0xFFFFFFFF


def test_the_address_register_takes_only_double_words(board):
    board.write(0xCF8, 0x80000800, 4)
    board.write(0xCF8, 0x00, 1)
    board.write(0xCFA, 0x0000, 2)
    assert board.read(0xCF8, 4) == 0x80000800
    board.write(0xCF8, 0xFFFFFFFF, 4)
    assert board.read(0xCF8, 4) == 0x80FFFFFC


def test_identities_cannot_be_written_and_the_rest_can(board):
    board.write(select(board, 0, 0, 0), 0xFFFFFFFF, 4)
    assert config(board, 0, 0, 0) == 0x12378086
    board.write(select(board, 2, 0, 0x14), 0xFFFFFFFF, 4)   # region 1 is none
    assert config(board, 2, 0, 0x14) == 0
    board.write(select(board, 1, 0, 0x60), 0x0B0A0905, 4)
    assert config(board, 1, 0, 0x60) == 0x0B0A0905
    board.write(select(board, 1, 0, 0x61), 0x80, 1)
    assert config(board, 1, 0, 0x60) == 0x0B0A8005
    board.write(select(board, 0, 0, 4), 0xFFFF, 2)
    assert config(board, 0, 0, 4, 2) == 0x0547


def test_the_adapter_tells_where_its_memory_is_and_how_large(board):
    for register, address, size in ((0x10, 0xFD000008, 16 << 20), (0x18, 0xFEBF0000, 4096)):
        assert config(board, 2, 0, register) == address
        board.write(select(board, 2, 0, register), 0xFFFFFFFF, 4)
        assert 0x1_0000_0000 - (config(board, 2, 0, register) & ~0xF) == size
        board.write(select(board, 2, 0, register), address, 4)
        assert config(board, 2, 0, register) == address


def test_who_listens_hears_of_pam(board):
    heard = []
    board.devices["pci"].functions[0, 0].listeners.append(lambda register, size: heard.append((register, size)))
    board.write(select(board, 0, 0, 0x59), 0x30, 1)
    assert heard == [(0x59, 1)]
    assert config(board, 0, 0, 0x59, 1) == 0x30
    board.devices["pci"].reset()
    assert heard[-1] == (0, 256)
    assert config(board, 0, 0, 0x59, 1) == 0


# ---- power management -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("port, value, size", [(0x604, 0x2000, 2), (0xB004, 0x2000, 2), (0x604, 0x2001, 2),
                                               (0x604, 0x00002000, 4), (0x605, 0x20, 1), (0x604, 0x2800, 2)])
def test_soft_off(board, port, value, size):
    board.write(port, value, size)
    assert board.requests == [("poweroff", None)]


def test_suspend_to_ram_wakes_at_once(board):
    board.write(0x604, 0x2400, 2)
    assert not board.requests
    assert board.read(0x600, 2) & 0x8000
    assert not board.read(0x604, 2) & 0x2000                # sleep enable always reads as 0


def test_pm_timer_counts_24_bits(board):
    board.write(0x43, 0x30)
    board.run_seconds(1)
    assert board.read(0x608, 4) == HERTZ
    assert board.read(0x60A, 1) == HERTZ >> 16 & 0xFF
    board.run_seconds(4)
    assert board.read(0x608, 4) == 5 * HERTZ % (1 << 24)


def test_timer_status_is_set_when_bit_23_changes_and_cleared_by_writing_it(board):
    board.write(0x43, 0x30)
    board.run_seconds((1 << 23) / HERTZ - 0.001)
    assert not board.read(0x600, 2) & 1
    board.run_seconds(0.002)
    assert board.read(0x600, 2) & 1
    board.write(0x600, 0xFFFE, 2)
    assert board.read(0x600, 2) & 1
    board.write(0x600, 1, 2)
    assert not board.read(0x600, 2) & 1


def test_sci_needs_an_enabled_event_and_acpi(pics):
    pics.write(0x4D1, 0x02)                                 # SCI is level triggered
    pm = pics.devices["pm"]
    pm.power_button()
    assert not pics.intr
    pics.write(0x602, 0x0100, 2)
    assert not pics.intr
    pics.write(0xB2, 0xF1)                                  # ACPI enable
    assert pics.read(0x604, 2) & 1
    assert pics.interrupt_taken() == 0x29
    pics.write(0x600, 0x0100, 2)
    pics.write(0xA0, 0x20)
    pics.write(0x20, 0x20)
    assert not pics.intr
    pics.write(0xB2, 0xF0)
    assert not pics.read(0x604, 2) & 1
    assert pics.read(0xB2) == 0xF0


def test_timer_interrupt(pics):
    pics.write(0x602, 0x0001, 2)
    pics.write(0x604, 0x0001, 2)
    pics.run_seconds((1 << 23) / HERTZ - 0.0001)
    assert not pics.intr
    pics.run_seconds(0.0002)
    assert pics.interrupt_taken() == 0x29


def test_general_purpose_events_hold_their_enables(board):
    board.write(0xAFE2, 0x1234, 2)
    assert board.read(0xAFE0, 4) == 0x12340000


def test_the_base_address_moves_the_registers(board):
    board.write(select(board, 1, 3, 0x40), 0xB001, 2)       # where OVMF puts it; B004h lies in it then
    assert config(board, 1, 3, 0x40) == 0xB001
    assert board.read(0x608, 4) == 0xFFFFFFFF
    board.time = 1000
    assert board.read(0xB008, 4) == 1000 * HERTZ // board.clock.frequency
    board.write(0xB004, 0x2000, 2)
    assert board.requests == [("poweroff", None)]
    board.write(select(board, 1, 3, 0x80), 0, 1)            # off
    assert board.read(0xB008, 4) == 0xFFFFFFFF
    board.devices["pci"].reset()
    assert board.devices["pm"].base == 0x600
    assert board.read(0x608, 4) != 0xFFFFFFFF


def test_a_base_address_on_another_device_answers_nowhere(board):
    board.write(select(board, 1, 3, 0x40), 0x03C1, 2)       # on the VGA
    assert board.devices["pm"].base is None
    assert board.bus.owner(0x3C4) == "vga"


# ---- fw_cfg ---------------------------------------------------------------------------------------------------------

def item(board, key, length):
    board.write(0x510, key, 2)
    return bytes(board.read(0x511) for _ in range(length))


def test_fw_cfg_items(board):
    assert item(board, 0x00, 6) == b"QEMU\0\0"              # zeros behind the end
    assert item(board, 0x01, 4) == b"\1\0\0\0"
    assert struct.unpack("<Q", item(board, 0x03, 8)) == (64 << 20,)
    assert item(board, 0x05, 2) == item(board, 0x0F, 2) == b"\1\0"
    assert item(board, 0x1234, 4) == bytes(4)


def files(board):
    count, = struct.unpack(">I", item(board, 0x19, 4))
    listing = item(board, 0x19, 4 + 64 * count)[4:]
    found = {}
    for entry in struct.iter_unpack(">IHH56s", listing):
        found[entry[3].rstrip(b"\0").decode()] = item(board, entry[1], entry[0])
    return found


def test_fw_cfg_files(board):
    assert files(board) == {"etc/e820": struct.pack("<QQI", 0, 64 << 20, 1)}
    board.devices["fw_cfg"].add_file("a/first", b"hello")
    board.devices["fw_cfg"].add_file("opt/last", bytes(300))
    assert list(files(board)) == ["a/first", "etc/e820", "opt/last"]
    assert files(board)["a/first"] == b"hello"
    with pytest.raises(ValueError, match="55 characters"):
        board.devices["fw_cfg"].add_file("x" * 56, b"")


def test_fw_cfg_lists_memory_above_4_gb():
    board = Board(6 << 30)
    assert files(board)["etc/e820"] == struct.pack("<QQIQQI", 0, 3 << 30, 1, 4 << 30, 3 << 30, 1)


# ---- all together ---------------------------------------------------------------------------------------------------

def test_the_board_has_all_devices_in_order(board):
    assert list(board.devices) == ["pic", "apic", "ioapic", "dma", "pit", "rtc", "ps2", "uart", "dispi", "vga",
                                   "sysports", "coprocessor", "debug_exit", "pci", "pm", "fw_cfg"]
    assert [chip.name for chip in BOARDS["pc"]] == list(board.devices)
    assert all(device.name == name for name, device in board.devices.items())
