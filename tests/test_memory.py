"""Physical memory: the map, its borders, what counts as written, and that no address leads outside."""
import random

import pytest

from x86 import Machine
from x86._memory import Memory

MB = 1 << 20
GB = 1 << 30


class Register:
    """An MMIO device that remembers what it was asked."""

    def __init__(self):
        self.log = []

    def read(self, offset, size):
        self.log.append(("read", offset, size))
        return 0x1122334455667788 + offset

    def write(self, offset, value, size):
        self.log.append(("write", offset, value, size))


def test_ram_reads_back():
    memory = Memory(MB * 2)
    assert memory[0x1000:0x1010] == bytes(16)
    memory[0xFFE:0x1002] = b"abcd"                                      # across two frames
    assert memory.read(0xFFD, 6) == b"\0abcd\0"
    assert memory.read_u32(0xFFE) == int.from_bytes(b"abcd", "little")
    memory.write_u64(0x1FFC, 0x0102030405060708)
    assert memory.read_u64(0x1FFC) == 0x0102030405060708
    memory.write_u16(0x10, -2)
    assert (memory.read_u16(0x10), memory[0x10], memory.read_u8(0x11)) == (0xFFFE, 0xFE, 0xFF)
    memory[0x20] = 7
    assert memory[0x20:0x21] == b"\7"
    assert memory[5:5] == b""


@pytest.mark.parametrize("size, low, high", [(MB, MB, 0), (3 * GB, 3 * GB, 0), (7 * GB // 2, 3 * GB, GB // 2),
                                             (4 * GB, 3 * GB, GB), (6 * GB, 3 * GB, 3 * GB)])
def test_big_memory_leaves_the_pci_hole(size, low, high):
    memory = Memory(size)
    assert (memory.ram_low, memory.ram_high, memory.size) == (low, high, size)
    memory.write_u32(low - 4, 0x12345678)
    with pytest.raises(IndexError):
        memory.read(low, 1)
    if high:
        memory.write_u32(4 * GB, 0x9ABCDEF0)
        memory.write_u32(4 * GB + high - 4, 0x0BADCAFE)
        assert memory.dirty_frames() == [low // 4096 - 1, low // 4096, (low + high) // 4096 - 1]
        assert memory.read_u32(4 * GB) == 0x9ABCDEF0
    for address in (4 * GB - 1, 4 * GB + high):
        with pytest.raises(IndexError):
            memory.read(address, 1)


@pytest.mark.parametrize("address, length", [(-1, 1), (MB, 1), (MB - 1, 2), (1 << 52, 1), ((1 << 52) - 1, 2),
                                             (1 << 64, 1), (0, MB + 1), (2**32 - 1, 1)])
def test_beyond_the_map(address, length):
    memory = Memory(MB)
    with pytest.raises(IndexError, match="0x" if address >= 0 else "outside"):
        memory.read(address, length)
    with pytest.raises(IndexError):
        memory.write(address, bytes(length))
    assert memory.dirty_frames() == []                                  # all or nothing


def test_bad_arguments():
    for size in (0, -4096, 4095, 1 << 50):
        with pytest.raises(ValueError, match="RAM of"):
            Memory(size)
    for fill in ("", "ones", "random", "random:", "random:x"):
        with pytest.raises(ValueError, match="memory fill"):
            Memory(MB, fill)
    memory = Memory(MB)
    with pytest.raises(ValueError, match="3 bytes for a slice of 4"):
        memory[0:4] = b"abc"
    with pytest.raises(ValueError, match="no step"):
        memory[0:4:2]
    with pytest.raises(ValueError, match="negative"):
        memory.read(0, -1)
    with pytest.raises(OverflowError):
        memory.write_u8(0, 256)
    with pytest.raises(ValueError, match="a frame has 4096"):
        memory.set_frame(0, b"short")
    with pytest.raises(IndexError, match="frame 256"):
        memory.frame_bytes(256)


def test_rom_hides_ram_and_is_padded():
    memory = Memory(MB)
    memory[0xF0000:0xF0004] = b"RAM!"
    memory.map_rom(0xF0000, b"rom", "BIOS")
    assert memory[0xF0000:0xF0005] == b"rom\xFF\xFF"
    memory.map_rom(0xFFFFF000, b"top", "BIOS (top)")
    assert memory[0xFFFFF000:0xFFFFF003] == b"top"
    assert memory[0xFFFFFFFF] == 0xFF
    memory[0xF0001:0xF0002] = b"O"                                      # from outside, ROM is writable
    assert memory[0xF0000:0xF0003] == b"rOm"
    assert memory.regions == [(0, MB, "RAM", "RAM"), (0xF0000, 0xF1000, "ROM", "BIOS"),
                              (0xFFFFF000, 0x100000000, "ROM", "BIOS (top)")]


def test_mmio_gets_offsets_and_sizes():
    memory, device = Memory(MB), Register()
    memory.map_mmio(0xFEC00000, 0x1000, "I/O APIC", device.read, device.write)
    assert memory.read_u32(0xFEC00010) == 0x55667798
    memory.write_u16(0xFEC00020, 0xABCD)
    assert memory[0xFEC00000:0xFEC00002] == b"\x88\x89"
    assert memory.mmio_read(0xFEC00000, 8) == 0x1122334455667788
    memory.mmio_write(0xFEC00FFF, 0x1FF, 1)
    assert device.log == [("read", 0x10, 4), ("write", 0x20, 0xABCD, 2), ("read", 0, 1), ("read", 1, 1), ("read", 0, 8),
                          ("write", 0xFFF, 0xFF, 1)]


def test_a_device_error_reaches_the_caller():
    memory = Memory(MB)
    memory.map_mmio(0xFEC00000, 0x1000, "broken", lambda offset, size: 1 // offset, None)
    with pytest.raises(ZeroDivisionError):
        memory.mmio_read(0xFEC00000, 4)


def test_nobody_there():
    memory = Memory(MB)
    assert memory.mmio_read(0xD0000010, 2) == 0xFFFF
    assert memory.mmio_read(0xD0000020, 8) == 2**64 - 1
    memory.mmio_write(0xD0000000, 1, 4)
    assert memory.unclaimed == {(0xD0000000, "read"): 2, (0xD0000000, "write"): 1}
    for page in range(2000):                                # who looks everywhere makes no list without end
        memory.mmio_read(0xD0000000 + 0x1000 * page, 4)
    assert len(memory.unclaimed) == 1000 and memory.unclaimed[0xD0000000, "read"] == 3


def test_overlaps_are_refused_by_name():
    memory = Memory(2 * MB)
    memory.map_ram(0xA0000, 0x20000, "VGA memory")
    memory.map_mmio(0xFEE00000, 0x1000, "APIC", None, None)
    for start, length in ((0xA0000, 0x1000), (0xBF000, 0x2000), (0xA5000, 0x1000), (0xFEDFF000, 0x3000)):
        with pytest.raises(ValueError, match="HPET at .* overlaps (VGA memory at 0xa0000-0xbffff|APIC at 0xfee00000)"):
            memory.map_mmio(start, length, "HPET", None, None)
    for start in (0, 0x9F000, 0x100000, 2 * MB - 0x1000):
        with pytest.raises(ValueError, match="option ROM at .* would hide RAM"):
            memory.map_rom(start, bytes(0x2000), "option ROM")
    for start, length in ((0xC0800, 0x1000), (0xC0000, 0x800), (0xC0000, 0), (-0x1000, 0x1000), (1 << 52, 0x1000)):
        with pytest.raises(ValueError, match="multiples of 4096"):
            memory.map_ram(start, length, "odd")
    with pytest.raises(ValueError, match="more than 64 MB"):
        memory.map_ram(0xE0000000, 65 * MB, "frame buffer")
    for number in range(62):
        memory.map_mmio(0xD0000000 + 0x1000 * number, 0x1000, f"device {number}", None, None)
    with pytest.raises(ValueError, match="64 regions already"):
        memory.map_mmio(0xE0000000, 0x1000, "one too many", None, None)
    assert len(memory.regions) == 1 + 64


def test_map_changes_are_announced():
    memory, calls = Memory(MB), []
    memory.on_change = lambda: calls.append(len(memory.regions))
    memory.map_ram(0xA0000, 0x1000, "video")
    memory.map_rom(0xC0000, b"\x55\xAA", "option ROM")
    memory.map_mmio(0xFEC00000, 0x1000, "I/O APIC", None, None)
    assert calls == [2, 3, 4]


def test_random_fill_repeats_and_frames_can_be_made_again():
    one, two, other = Memory(2 * MB, "random:1"), Memory(4 * MB, "random:0x1"), Memory(2 * MB, "random:2")
    assert one[0:2 * MB] == two[0:2 * MB]
    assert one[0:4096] != other[0:4096]
    frames = [one.initial_frame(index) for index in range(one.size // 4096)]
    assert b"".join(frames) == one[0:2 * MB]
    assert len(set(frames)) == len(frames)
    counts = [one[0:MB].count(value) for value in range(256)]
    assert min(counts) > 3700 and max(counts) < 4500                    # 4096 expected, 6 sigma
    one.map_ram(0xA0000, 0x1000, "video")
    assert one[0xA0000:0xA1000] == bytes(4096) == one.initial_frame(one.size // 4096)
    assert one.dirty_frames() == []


def test_dirty_frames():
    memory = Memory(MB)
    memory.write(0x2FFF, b"ab")
    memory.map_rom(0xF0000, bytes(0x2000), "BIOS")
    assert memory.dirty_frames() == [2, 3, 256, 257]
    memory.clear_dirty()
    assert memory.dirty_frames() == []
    memory.set_frame(9, b"x" * 4096)
    assert memory.dirty_frames() == [9]
    assert memory[0x9000:0xA000] == b"x" * 4096 == memory.frame_bytes(9)


@pytest.mark.parametrize("fill", ["zero", "random:3"])
def test_frames_bring_memory_back(fill):
    """What a snapshot does: the frames that were written, and power-on contents for the others."""
    memory = Memory(MB, fill)
    memory.map_rom(0xF0000, b"firmware", "BIOS")
    choose = random.Random(5)
    for _ in range(30):
        memory.write(choose.randrange(0xA0000 - 64), choose.randbytes(64))
    saved, before = {frame: memory.frame_bytes(frame) for frame in memory.dirty_frames()}, memory[0:MB]
    for _ in range(30):
        memory.write(choose.randrange(0xA0000 - 64), choose.randbytes(64))
    assert memory[0:MB] != before
    fresh = Memory(MB, fill)
    fresh.map_rom(0xF0000, b"another", "BIOS")
    for target in (memory, fresh):
        for frame in target.dirty_frames():
            target.set_frame(frame, saved.get(frame) or target.initial_frame(frame))
        for frame, data in saved.items():
            target.set_frame(frame, data)
        assert target[0:MB] == before


def test_an_alias_shows_ram_over_mmio_and_moves():
    memory, device, changes = Memory(MB), Register(), []
    memory.map_ram(0xFD000000, 0x40000, "frame buffer")
    memory.map_mmio(0xA0000, 0x20000, "VGA", device.read, device.write)
    memory.map_alias(0, 0, "window", 0)                                 # nowhere yet
    assert [region[2:] for region in memory.regions[1:]] == [("MMIO", "VGA"), ("RAM", "frame buffer")]
    memory.on_change = lambda: changes.append(len(memory.regions))
    memory.map_alias(0xA8000, 0x8000, "window", 0xFD010000)
    memory.write(0xA8001, b"through")
    assert memory[0xFD010001:0xFD010008] == b"through" and device.log == []
    assert memory.regions[1:] == [(0xA0000, 0xA8000, "MMIO", "VGA"), (0xA8000, 0xB0000, "RAM", "window"),
                                  (0xB0000, 0xC0000, "MMIO", "VGA"), (0xFD000000, 0xFD040000, "RAM", "frame buffer")]
    memory.map_alias(0xB8000, 0x8000, "window", 0xFD000000)
    memory.write_u8(0xA8001, 7)                                         # uncovered
    memory.write_u16(0xFD000004, 0xABCD)
    assert device.log == [("write", 0x8001, 7, 1)] and memory.read_u16(0xB8004) == 0xABCD
    memory.map_alias(0, 0, "window", 0)
    assert len(memory.regions) == 3 and changes == [5, 4, 3]


def test_an_alias_hides_nothing_but_mmio():
    memory = Memory(2 * MB)
    memory.map_ram(0xFD000000, 0x10000, "frame buffer")
    memory.map_rom(0xC0000, b"\x55\xAA", "option ROM")
    memory.map_mmio(0xA0000, 0x20000, "VGA", None, None)
    for start, length, target, words in (
            (0xBF000, 0x2000, 0xFD000000, "window at .* overlaps option ROM at 0xc0000"),
            (0, 0x1000, 0xFD000000, "would hide RAM"),
            (0xA0000, 0x1000, 0xFD010000, "no RAM is mapped at 0xfd010000"), (0xA0000, 0x20000, 0xFD000000, "no RAM is mapped"),
            (0xA0800, 0x1000, 0xFD000000, "multiples"), (0xA0000, 0x1000, 0xFD000001, "multiples"),
            (0xA0000, -0x1000, 0xFD000000, "multiples")):
        with pytest.raises(ValueError, match=words):
            memory.map_alias(start, length, "window", target)
    assert len(memory.regions) == 4


def test_numbers_of_any_size_at_the_end_of_a_page():
    memory = Memory(MB)
    memory.write_u64(0x1FFC, 0x1122334455667788)                        # in two pages
    assert memory.read_u64(0x1FFC) == 0x1122334455667788 and memory.dirty_frames() == [1, 2]
    memory.write_u32(0x2FFC, 0xFFFFFFFF)
    memory.write_u8(0x2FFF, -128)
    assert memory.read_number(0x2FFC, 4) == 0x80FFFFFF
    with pytest.raises(OverflowError):
        memory.write_u8(0x2000, 256)
    with pytest.raises(IndexError):
        memory.read_u16(MB - 1)


def test_a_device_gets_the_size_of_the_access_in_bytes():
    machine, asked = Machine("1M"), []
    machine.memory.map_mmio(0xD0000, 0x1000, "device", lambda offset, size: asked.append((offset, size)) or 0x8877665544332211,
                            lambda offset, value, size: asked.append((offset, size, value)))
    cpu = machine.cpu
    cpu.cs, cpu.ds = 0, 0xD000
    code = bytes.fromhex("A01000 A11200 66A11400 A22000 A32200 66A32400".replace(" ", ""))
    machine.memory[0x1000:0x1000 + len(code)] = code            # MOV AL, AX, EAX from there, and back
    cpu.rip = 0x1000
    for _ in range(6):
        machine.step()
    assert cpu.eax == 0x44332211
    assert asked == [(0x10, 1), (0x12, 2), (0x14, 4), (0x20, 1, 0x11), (0x22, 2, 0x2211), (0x24, 4, 0x44332211)]
