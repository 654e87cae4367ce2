"""The same port accesses here and on QEMU's pc: what both read must be the same.

QEMU is held before its first instruction and driven through its test protocol (docs/devel/qtest), so its time stands still.
What is left out on purpose, because QEMU does it otherwise than the data sheets: requests whose line has fallen,
the UART's modem deltas in loop mode and its OUT2, the DAC's mask, and the command byte after the self-test.
"""
from __future__ import annotations

import random
import shutil
import subprocess

import pytest
from fake_board import Board

QEMU = shutil.which("qemu-system-x86_64") or shutil.which("qemu-system-i386")
pytestmark = pytest.mark.skipif(QEMU is None, reason="needs qemu-system-x86_64")
SEEDS = range(4)


class Oracle:
    """QEMU's pc with 64 MB, no disks, and COM1."""

    def __init__(self):
        self.process = subprocess.Popen(
            [QEMU, "-machine", "pc", "-accel", "tcg", "-S", "-m", "64", "-display", "none", "-nodefaults", "-vga", "std",
             "-serial", "null", "-monitor", "none", "-rtc", "base=2026-01-01,clock=vm", "-qtest", "stdio",
             "-qtest-log", "/dev/null"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def ask(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        while True:
            answer = self.process.stdout.readline().split()
            if not answer:
                pytest.skip("this QEMU has no test protocol")
            if answer[0] != "IRQ":
                assert answer[0] == "OK", answer
                return answer[1:]

    def read(self, port, size=1):
        return int(self.ask("in" + {1: "b", 2: "w", 4: "l"}[size], hex(port))[0], 16)

    def write(self, port, value, size=1):
        self.ask("out" + {1: "b", 2: "w", 4: "l"}[size], hex(port), hex(value))

    def close(self):
        self.process.kill()
        self.process.communicate()


class Both:
    """A board and the oracle; reads are compared, and the history is in the message when they differ."""

    def __init__(self):
        self.board, self.oracle = Board(), Oracle()
        self.history = []

    def write(self, port, value, size=1):
        self.history.append(f"out {port:x} {value:x}")
        self.board.write(port, value, size)
        self.oracle.write(port, value, size)

    def read(self, port, size=1, mask=0xFFFFFFFF):
        ours, theirs = self.board.read(port, size) & mask, self.oracle.read(port, size) & mask
        assert ours == theirs, f"in {port:x}: {ours:#x} here, {theirs:#x} on QEMU, after {self.history[-40:]}"
        self.history.append(f"in {port:x} -> {ours:x}")
        return ours


@pytest.fixture
def both():
    both = Both()
    yield both
    both.oracle.close()


def serve_everything(both):
    """End what is in service, then poll until neither controller has anything left, in the order of the cascade."""
    for chip in (0xA0, 0x20):
        both.write(chip + 1, 0)
        for line in range(8):
            both.write(chip, 0x60 | line)
    while True:
        both.write(0x20, 0x0C)
        found = both.read(0x20)
        if not found & 0x80:
            return
        if found == 0x82:
            both.write(0xA0, 0x0C)
            both.read(0xA0)
            both.write(0xA0, 0x20)
        both.write(0x20, 0x20)


@pytest.mark.parametrize("seed", SEEDS)
def test_interrupt_controllers(both, seed):
    """Random commands and polls, with interrupts of keyboard and mouse that the 8042 makes up."""
    chance = random.Random(seed)
    for port, base, cascade in ((0x20, 8, 4), (0xA0, 0x70, 2)):
        for offset, value in ((0, 0x11), (1, base), (1, cascade), (1, 1), (1, 0)):
            both.write(port + offset, value)
    both.write(0x64, 0x60)
    both.write(0x60, 0x03)
    for _ in range(150):
        port = chance.choice((0x20, 0xA0))
        action = chance.randrange(6)
        if action == 0:
            both.write(port + 1, chance.choice((0x00, 0xFF, chance.randrange(256))))
        elif action == 1:
            both.write(port, chance.choice((0x20, 0x0A, 0x0B, 0x60, 0x61, 0x64, 0xA0, 0xC0, 0xC3, 0x40)))
        elif action == 2:
            both.write(port, chance.choice((0x0A, 0x0B)))
            both.read(port)
        elif action == 3:
            both.read(port + 1)
        elif action == 4:
            both.write(0x64, chance.choice((0xD2, 0xD3)))
            both.write(0x60, chance.randrange(256))
            serve_everything(both)
            both.read(0x60)
        else:
            both.write(0x4D0 + (port > 0x20), chance.choice((0, 0xFF)))
            both.read(0x4D0 + (port > 0x20))
            both.write(0x4D0 + (port > 0x20), 0)


def test_registers_of_the_io_apic(both):
    """All entries masked, as QEMU has no local APIC while it is held. QEMU keeps bits that the data sheet reserves."""
    chance, ours, ask = random.Random(0), both.board.devices["ioapic"], both.oracle.ask
    written = []
    for _ in range(300):
        index = chance.choice((0, 2, *range(0x10, 0x42)))
        value = chance.choice((0xFFFF_FFFF, chance.randrange(1 << 32))) | 0x1_0000
        written.append((hex(index), hex(value)))
        ours._write(0x00, index, 4)
        ours._write(0x10, value, 4)
        for address, number in ((0xFEC0_0000, index), (0xFEC0_0010, value)):
            ask("writel", hex(address), hex(number))
        exists = 0xFF00_0000 if index & 1 else 0x1_FFFF if index >= 0x10 else 0xFFFF_FFFF
        assert ours._read(0x10, 4) & exists == int(ask("readl", "0xfec00010")[0], 16) & exists, written[-40:]


@pytest.mark.parametrize("seed", SEEDS)
def test_dma_controllers(both, seed):
    """Words are written whole, since QEMU takes them over with the high byte only; it has masks at another register."""
    chance = random.Random(seed)
    for _ in range(120):
        base, step = chance.choice(((0x00, 1), (0xC0, 2)))
        register, value = chance.randrange(8), chance.randrange(0x10000)
        both.write(base + step * chance.choice((12, 13)), value & 0xFF)
        both.write(base + step * register, value & 0xFF)
        both.write(base + step * register + chance.randrange(step), value >> 8)
        for _ in range(chance.randrange(1, 4)):
            both.read(base + step * chance.randrange(8))
        both.write(base + step * chance.choice((10, 11, 14, 15)), value & 0xFF)
        both.read(base + step * chance.choice((8, 13)))
        page = chance.choice((0x81, 0x82, 0x83, 0x87, 0x89, 0x8A, 0x8B, 0x8F))
        both.write(page, value & 0xFF)
        both.read(page)


@pytest.mark.parametrize("seed", SEEDS)
def test_timer_status(both, seed):
    chance = random.Random(seed)
    for _ in range(100):
        channel, access = chance.randrange(3), chance.randrange(1, 4)
        both.write(0x43, channel << 6 | access << 4 | chance.randrange(8) << 1 | chance.randrange(2))
        for _ in range(1 + (access == 3)):
            both.write(0x40 + channel, chance.choice((0, chance.randrange(256))))
        both.write(0x43, 0xE0 | 2 << channel)
        both.read(0x40 + channel, mask=0x3F)                # OUT and null count depend on when the count is loaded


@pytest.mark.parametrize("seed", SEEDS)
def test_serial_port_in_loop_mode(both, seed):
    chance = random.Random(seed)
    base = 0x3F8
    both.write(base + 4, 0x10)
    for _ in range(200):
        register = chance.choice((0, 1, 3, 4, 7))
        value = chance.randrange(256)
        if register == 0 and both.board.devices["uart"].lcr & 0x80 == 0:
            both.write(base, value)
            both.read(base + 5, mask=0x63)
            both.read(base)
        elif register == 3:
            both.write(base + 3, value & ~0x40)
        elif register == 4:
            both.write(base + 4, 0x10 | value & 0x0F)
            both.read(base + 4)
        elif register:
            both.write(base + register, value & (0x07 if register == 1 else 0xFF))
        for other in (chance.choice((1, 2, 3, 4, 5, 7)), 6):                # QEMU makes no deltas in loop mode
            both.read(base + other, mask={5: 0x63, 6: 0xF0}.get(other, 0xFF))


@pytest.mark.parametrize("seed", SEEDS)
def test_clock_and_memory(both, seed):
    chance = random.Random(seed)
    for register in bytes.fromhex("00 02 04 06 07 08 09 0A 0B 0D 15 16 17 18 30 31 32 34 35 5B 5C 5D"):
        both.write(0x70, register)
        both.read(0x71)
    for _ in range(60):
        both.write(0x70, chance.choice((0x8B, 0x0B)))
        both.write(0x71, 0x80 | chance.choice((0, 2, 4, 6)))
        for register, limit in ((0, 60), (2, 60), (4, 12), (6, 7), (7, 28), (8, 12), (9, 99), (0x32, 22)):
            number = 20 if register == 0x32 else chance.randrange(1, limit)
            both.write(0x70, register)
            both.write(0x71, number if both.board.devices["rtc"].memory[0x0B] & 4 else number // 10 << 4 | number % 10)
        both.write(0x70, 0x0B)
        both.write(0x71, both.board.devices["rtc"].memory[0x0B] & 6)
        for register in (0, 2, 4, 7, 8, 9, 0x0B, 0x32):
            both.write(0x70, register)
            both.read(0x71)
    for _ in range(30):
        both.write(0x70, chance.randrange(0x40, 0x80))
        both.write(0x71, chance.randrange(256))
        both.read(0x71)


def drain(both):
    while both.read(0x64, mask=0x31) & 1:
        both.read(0x60)


@pytest.mark.parametrize("seed", SEEDS)
def test_keyboard_controller(both, seed):
    chance = random.Random(seed)
    for _ in range(150):
        kind = chance.randrange(4)
        if kind == 0:
            both.write(0x64, chance.choice((0xAB, 0xA9, 0x20, 0xC0, 0xD0, 0xA7, 0xA8, 0xAE)))
        elif kind == 1:
            both.write(0x64, chance.choice((0xD2, 0xD3)))
            both.write(0x60, chance.randrange(256))
        elif kind == 2:
            both.write(0x64, 0x60)
            both.write(0x60, chance.choice((0x00, 0x01, 0x03, 0x43, 0x47)))
        else:
            for value in chance.choice(((0xED, 0x07), (0xF4,), (0xF2,), (0xEE,), (0xF6,), (0xFF,), (0xF0, 0x00), (0xF3, 0x20))):
                both.write(0x60, value)
                drain(both)
        drain(both)


@pytest.mark.parametrize("seed", SEEDS)
def test_display_registers(both, seed):
    chance = random.Random(seed)
    both.write(0x3C2, 0x67)
    for index in range(0x19):                               # QEMU starts with zeros
        both.write(0x3D4, 0x11)
        both.write(0x3D5, 0x00)
        both.write(0x3D4, index)
        both.write(0x3D5, index)
    for _ in range(200):
        port, last = chance.choice(((0x3C4, 4), (0x3CE, 8), (0x3D4, 0x18)))
        both.write(port, chance.randrange(last + 1))
        both.write(port + 1, chance.randrange(256))
        both.read(port)
        both.read(port + 1)
        index = chance.randrange(0x15)
        both.board.read(0x3DA), both.oracle.read(0x3DA)
        both.write(0x3C0, index)
        both.write(0x3C0, chance.randrange(256))
        both.write(0x3C0, index)
        both.read(0x3C1)
        both.write(0x3C8, chance.randrange(256))
        for _ in range(3):
            both.write(0x3C9, chance.randrange(64))
        both.write(0x3C7, chance.randrange(256))
        both.read(0x3C7)
        both.read(0x3C8)
    both.read(0x3CC)


@pytest.mark.parametrize("seed", SEEDS)
def test_bochs_display_interface(both, seed):
    """Random modes, possible or not, and all registers after each write."""
    chance = random.Random(seed)
    sizes = (0, 1, 8, 100, 640, 1023, 1280, 4096, 16000, 20000, 65535)
    values = {0: (0xB0C0, 0xB0C4, 0xB0C6, 0), 3: (0, 1, 4, 8, 15, 16, 24, 32, 33), 4: (0, 1, 2, 3), 5: (1, 255, 300)}
    for _ in range(60):
        index = chance.choice((0, 1, 2, 3, 4, 4, 4, 5, 6, 8, 9, 10))
        both.write(0x1CE, index, 2)
        both.write(0x1CF, chance.choice(values.get(index, sizes)), 2)
        for register in range(12):
            both.write(0x1CE, register, 2)
            both.read(0x1CE, 2)
            both.read(chance.choice((0x1CF, 0x1D0)), 2)
        both.read(0x1CF)


def test_pci_identities(both):
    for function in (0x00, 0x08, 0x0B, 0x10):
        for register in (0x00, 0x08, 0x2C):
            both.write(0xCF8, 0x80000000 | function << 8 | register, 4)
            both.read(0xCF8, 4)
            both.read(0xCFC, 4)
            both.read(0xCFE, 2)
            both.read(0xCFD, 1)
    for register in (0x4C, 0x68, 0x70, 0x74, 0x78, 0xA0, 0xA8):         # the ISA bridge's own
        both.write(0xCF8, 0x80000800 | register, 4)
        both.read(0xCFC, 4)
    both.write(0xCF8, 0x80007800, 4)
    both.read(0xCFC, 4)


def test_firmware_configuration(both):
    for key, length in ((0, 5), (1, 1), (3, 8), (5, 2), (0x0F, 2)):
        both.write(0x510, key, 2)
        for _ in range(length):
            both.read(0x511, mask=0xFD if key == 1 else 0xFF)           # but for the DMA interface


def test_ports_of_the_board(both):
    for port in (0x80, 0xED, 0xF0, 0x92, 0xCF9):
        if port == 0x92:
            for value in (0x02, 0x00, 0x02):
                both.write(port, value)
                both.read(port)
        else:
            both.read(port)
    for value in (0x00, 0x01, 0x02, 0x03):
        both.write(0x61, value)
        both.read(0x61, mask=0x0F)
