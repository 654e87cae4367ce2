"""The linear frame buffer: modes, pictures, the terminal, the registers in memory, snapshots, and the EDID."""
from __future__ import annotations

import pickle
import shutil
import struct
import subprocess
import zlib
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from x86.devices.vga_edid import STANDARD, edid, timing
from x86.devices.vga_linear import FRAME_BUFFER, FRAME_BUFFER_SIZE, PREFERRED, REGISTERS
from x86.machine import Machine


@pytest.fixture(scope="module")
def shared():
    return Machine("1M")


@pytest.fixture
def machine(shared):
    """A machine as after reset, with an empty frame buffer."""
    shared.reset()
    shared.screen.terminal = None
    shared.memory.write(FRAME_BUFFER, bytes(1 << 20))
    return shared


def dispi(machine, index, value=None):
    """A register, through the ports."""
    machine.bus.write(0x1CE, index, 2)
    if value is None:
        return machine.bus.read(0x1CF, 2)
    machine.bus.write(0x1CF, value, 2)


def png(machine, path):
    """(width, height, rows of (red, green, blue)) of the screenshot."""
    machine.screen.screenshot(path)
    data, at, chunks = path.read_bytes(), 8, {}
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        chunks[kind] = data[at + 8:at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(kind + chunks[kind])
        at += 12 + length
    width, height, depth, kind, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, rest) == (8, [0, 0, 0]) and kind == (3 if b"PLTE" in chunks else 2)
    step = width * (3 if kind == 2 else 1) + 1
    lines = zlib.decompress(chunks[b"IDAT"])
    assert len(lines) == step * height and not any(lines[::step])
    rows = [lines[start + 1:start + step] for start in range(0, len(lines), step)]
    if kind == 3:
        palette = chunks[b"PLTE"]
        rows = [b"".join(palette[3 * dot:3 * dot + 3] for dot in row) for row in rows]
    return width, height, [[tuple(row[x:x + 3]) for x in range(0, len(row), 3)] for row in rows]


# ---- modes ----------------------------------------------------------------------------------------------------------

def test_a_guest_finds_it_and_sets_a_mode_by_the_ports(machine):
    assert dispi(machine, 0) == 0xB0C5
    assert dispi(machine, 10) == 256                                    # 64 KB each
    machine.memory.write(FRAME_BUFFER, b"\xFF" * 4 * 640 * 480)
    for index, value in ((4, 0), (1, 640), (2, 480), (3, 32), (4, 0x41)):
        dispi(machine, index, value)
    screen = machine.screen
    assert screen.graphics_mode and (screen.size, screen.text, screen.cells(), screen.cursor) == ((0, 0), "", [], None)
    assert (screen.linear.size, screen.linear.pitch, screen.linear.start) == ((640, 480), 2560, FRAME_BUFFER)
    assert dispi(machine, 7) == FRAME_BUFFER_SIZE // 2560
    assert not any(machine.memory.read(FRAME_BUFFER, 4 * 640 * 480))    # enabling clears,
    machine.memory.write(FRAME_BUFFER, b"kept")
    dispi(machine, 4, 0)
    dispi(machine, 4, 0xC1)                                             # but not where bit 7 says so
    assert machine.memory.read(FRAME_BUFFER, 4) == b"kept"


def test_the_text_mode_that_was_comes_back_by_the_registers_it_changed(machine):
    machine.memory.write(0xB8000, b"H\7i\7")
    linear = machine.screen.linear
    linear.set_mode(800, 600)
    assert machine.screen.text == "" and machine.memory.read(0xA0000, 4) == bytes(4)
    dispi(machine, 4, 0)
    assert machine.screen.graphics_mode and machine.screen.crtc[1] == 99
    for port, index, value in ((0x3D4, 0x11, 0x0E), (0x3CE, 5, 0x10), (0x3CE, 6, 0x0E), (0x3D4, 1, 79), (0x3D4, 7, 0x1F),
                               (0x3D4, 9, 0x4F), (0x3D4, 0x12, 0x8F), (0x3D4, 0x13, 0x28)):
        machine.bus.write(port, index | value << 8, 2)
    assert machine.screen.size == (80, 25) and machine.screen.text.strip() == ""        # what was there is zeroed


def test_text_is_what_the_terminal_knows(machine):
    terminal = SimpleNamespace(size=(3, 1), text="abc", cells=lambda: [[("a", 7), ("b", 7), ("c", 7)]], cursor=(0, 1))
    screen = machine.screen
    screen.terminal = terminal
    assert screen.size == (80, 25)                                      # text mode has its own
    screen.linear.set_mode(640, 480)
    assert (screen.size, screen.text, screen.cells(), screen.cursor) == ((3, 1), "abc", terminal.cells(), (0, 1))


# ---- pictures -------------------------------------------------------------------------------------------------------

def test_dots_are_blue_green_red(machine, tmp_path):
    machine.screen.linear.set_mode(640, 480)
    machine.memory.write(FRAME_BUFFER + 4 * (640 * 479 + 639), bytes((1, 2, 3, 99)))
    width, height, rows = png(machine, tmp_path / "a.png")
    assert (width, height) == (640, 480)
    assert rows[479][639] == (3, 2, 1)
    assert sum(dot != (0, 0, 0) for row in rows for dot in row) == 1


def test_the_picture_may_be_a_part_of_a_larger_one(machine, tmp_path):
    machine.screen.linear.set_mode(64, 4)
    for index, value in ((6, 128), (8, 5), (9, 7)):
        dispi(machine, index, value)
    machine.memory.write(FRAME_BUFFER + 4 * (128 * (7 + 2) + 5 + 3), bytes((0, 0, 200, 0)))
    _, _, rows = png(machine, tmp_path / "a.png")
    assert rows[2][3] == (200, 0, 0)
    assert sum(dot != (0, 0, 0) for row in rows for dot in row) == 1


def scaled(value, bits):
    """A colour of 5 or 6 bits as one of 8."""
    return value << 8 - bits | value >> 2 * bits - 8


@pytest.mark.parametrize("depth, red, green, blue", [(15, 5, 5, 5), (16, 5, 6, 5)])
def test_two_bytes_a_dot(machine, tmp_path, depth, red, green, blue):
    """All 65536 dots there are."""
    machine.screen.linear.set_mode(256, 256, depth)
    machine.memory.write(FRAME_BUFFER, struct.pack("<65536H", *range(65536)))
    _, _, rows = png(machine, tmp_path / "a.png")
    for value in range(65536):
        want = (scaled(value >> green + blue & (1 << red) - 1, red), scaled(value >> blue & (1 << green) - 1, green),
                scaled(value & (1 << blue) - 1, blue))
        assert rows[value >> 8][value & 0xFF] == want, hex(value)


def test_three_bytes_a_dot(machine, tmp_path):
    machine.screen.linear.set_mode(16, 2, 24)
    machine.memory.write(FRAME_BUFFER + 3 * (16 + 1), bytes((7, 8, 9)))
    assert png(machine, tmp_path / "a.png")[2][1][:3] == [(0, 0, 0), (9, 8, 7), (0, 0, 0)]


def test_one_byte_a_dot_goes_through_the_dac(machine, tmp_path):
    machine.screen.linear.set_mode(16, 2, 8)
    machine.memory.write(FRAME_BUFFER + 17, b"\x64")
    machine.bus.write(0x3C8, 0x64, 1)
    for value in (63, 0xFF, 21):
        machine.bus.write(0x3C9, value, 1)
    assert png(machine, tmp_path / "a.png")[2][1][1] == (255, 255, 85)
    dispi(machine, 4, 0x21)                                             # the DAC with eight bits
    machine.bus.write(0x3C8, 0x64, 1)
    for value in (63, 0xFF, 21):
        machine.bus.write(0x3C9, value, 1)
    assert png(machine, tmp_path / "a.png")[2][1][1] == (63, 255, 21)


def test_sixteen_colours_are_in_planes(machine, tmp_path):
    machine.screen.linear.set_mode(16, 2, 4)
    for index, value in ((1, 0), (3, 0), (5, 0), (8, 0xFF)):
        machine.bus.write(0x3CE, index | value << 8, 2)
    machine.bus.write(0x3C4, 0x0604, 2)
    for plane, value in ((0, 0xC0), (1, 0xA0), (3, 0x10)):
        machine.bus.write(0x3C4, 2 | 0x100 << plane, 2)
        machine.memory.write_u8(0xA0000 + 3, value)
    row = png(machine, tmp_path / "a.png")[2][1]
    assert row[:8] == [(0, 0, 0)] * 8
    assert row[8:12] == [(0, 170, 170), (0, 0, 170), (0, 170, 0), (85, 85, 85)] and row[12:] == [(0, 0, 0)] * 4


# ---- registers in memory, state -------------------------------------------------------------------------------------

def test_the_registers_are_in_memory_too(machine):
    memory = machine.memory
    assert memory.read(REGISTERS, 128) == edid(*PREFERRED)
    assert memory.read_u16(REGISTERS + 0x500) == 0xB0C5
    memory.write_u16(REGISTERS + 0x502, 640)
    assert dispi(machine, 1) == 640
    memory.write_u16(REGISTERS + 0x408, 0x1234)                         # index 34h, data 12h
    assert machine.bus.read(0x3C8, 1) == 0x34 and memory.read_u8(REGISTERS + 0x408) == 0x34
    assert (memory.read_u32(REGISTERS + 0x600), memory.read_u32(REGISTERS + 0x604)) == (8, 0x1E1E1E1E)
    assert memory.read_u64(REGISTERS + 0xFF8) == 0


def test_a_snapshot_has_mode_and_dots(machine):
    machine.screen.linear.set_mode(640, 480)
    machine.memory.write(FRAME_BUFFER + 5000, b"dots")
    state = pickle.loads(pickle.dumps(machine.snapshot()))
    machine.reset()
    machine.memory.write(FRAME_BUFFER + 5000, b"gone")
    machine.restore(state)
    assert machine.screen.linear.size == (640, 480) and machine.screen.linear.enabled
    assert machine.memory.read(FRAME_BUFFER + 5000, 4) == b"dots"


@given(st.lists(st.tuples(st.integers(0, 0xFFF), st.sampled_from((1, 2, 4, 8)), st.integers(0, 2 ** 64 - 1)), max_size=30))
def test_no_access_breaks_it(shared, accesses):
    shared.reset()
    for offset, size, value in accesses:
        address = REGISTERS + min(offset, 0x1000 - size)
        shared.memory.write_number(address, value & (1 << 8 * size) - 1, size)
        assert 0 <= shared.memory.read_number(address, size) < 1 << 8 * size
    linear = shared.screen.linear
    if linear.enabled:
        assert FRAME_BUFFER <= linear.start <= FRAME_BUFFER + FRAME_BUFFER_SIZE - linear.pitch * linear.size[1]


# ---- EDID -----------------------------------------------------------------------------------------------------------

def test_timing_is_that_of_the_cvt_tables():
    """VESA's own: 1280x800 and 1680x1050 with reduced blanking."""
    assert timing(1280, 800) == (71000, 1280, 160, 48, 32, 800, 23, 3, 6)
    assert timing(1680, 1050) == (119000, 1680, 160, 48, 32, 1050, 30, 3, 6)
    assert timing(1920, 1080) == (138500, 1920, 160, 48, 32, 1080, 31, 3, 5)


@pytest.mark.parametrize("width, height", [*STANDARD, (640, 480), (800, 600), (1024, 768), (1366, 768)])
def test_edid_names_its_own_mode_first(width, height):
    block = edid(width, height)
    assert len(block) == 128 and sum(block) % 256 == 0
    first = block[54:72]
    assert (first[2] | first[4] >> 4 << 8, first[5] | first[7] >> 4 << 8) == (width, height)
    clock = struct.unpack("<H", first[:2])[0] * 10_000
    lines = (width + (first[3] | (first[4] & 15) << 8)) * (height + (first[6] | (first[7] & 15) << 8))
    assert 59.3 < clock / lines <= 60


@pytest.mark.skipif(shutil.which("edid-decode") is None, reason="needs edid-decode")
@pytest.mark.parametrize("width, height", [(1280, 800), (1024, 768), (1920, 1080)])
def test_edid_conforms(tmp_path, width, height):
    (tmp_path / "edid").write_bytes(edid(width, height))
    said = subprocess.run(["edid-decode", "--check", tmp_path / "edid"], capture_output=True, text=True).stdout
    assert "EDID conformity: PASS" in said, said
    assert f"DTD 1:  {width:4}x{height}" in said, said
