"""INT 10h in graphics modes against a model: characters, scrolling and dots are a table of dots, whatever the memory is like."""
from __future__ import annotations

import struct

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from machines import CODE, flat32

from boot import layout
from boot.bios.int10_video import glyph, mode_of
from boot.bios.vbe_modes import EVERY_MODE, VBE_MODES
from boot.bios.video_modes import cga_16
from boot.bios.video_rom import PROTECTED
from x86.devices.vga_linear import FRAME_BUFFER

LARGE_OR_ALIKE = (0x10, 0x12, 0x10E, 0x10F, 0x140, 0x146, 0x102)
MODES = [0x04, 0x06, 0x0D, 0x13, 0x10D, *(pytest.param(mode, marks=pytest.mark.deep) for mode in LARGE_OR_ALIKE)]
ROWS = 12                                           # what the steps below use of the screen

position = st.tuples(st.integers(0, ROWS - 1), st.integers(0, 19))
step = st.one_of(
    st.tuples(st.just("write"), position, st.integers(0, 255), st.integers(0, 255), st.integers(0, 30)),
    st.tuples(st.just("type"), position, st.sampled_from(b"Ax\r\n\b\a\xDB\xFF"), st.integers(0, 255)),
    st.tuples(st.just("scroll"), position, position, st.integers(0, 4), st.integers(0, 255), st.booleans()),
    st.tuples(st.just("dot"), st.integers(0, 330), st.integers(0, 210), st.integers(0, 255)))


class Model:
    """Dots as numbers, row by row."""

    def __init__(self, bios):
        self.bios, self.mode = bios, mode_of(bios)
        self.columns, self.rows, self.height = self.mode.columns, self.mode.rows, self.mode.font_height
        self.dots = [[0] * self.mode.width for _ in range(self.mode.height)]
        self.row = self.column = 0

    def number(self, color):
        depth = self.mode.depth
        if depth <= 8:
            return color & (1 << depth) - 1
        red, green, blue = cga_16()[3 * (color & 15):3 * (color & 15) + 3]
        wide = [value << 2 | value >> 4 for value in (red, green, blue)]
        if depth >= 24:
            return wide[0] << 16 | wide[1] << 8 | wide[2]
        return red >> 1 << depth - 5 | (green >> 1 << 5 if depth == 15 else green << 5) | blue >> 1

    def exclusive(self, color):
        return color & 0x80 and self.mode.depth < 8

    def put(self, row, column, code, color):
        for y, bits in enumerate(glyph(self.bios, code), row * self.height):
            for x in range(8):
                lit, old = bits >> 7 - x & 1, self.dots[y][8 * column + x]
                new = self.number(color & 0x7F if self.exclusive(color) else color) if lit else 0
                self.dots[y][8 * column + x] = old ^ new if self.exclusive(color) else new

    def dot(self, x, y, color):
        if x < self.mode.width and y < self.mode.height:
            exclusive = self.exclusive(color)
            number = self.number(color & 0x7F if exclusive else color)
            self.dots[y][x] = self.dots[y][x] ^ number if exclusive else number

    def scroll(self, top, left, bottom, right, lines, color, up):
        bottom, right = min(bottom, self.rows - 1), min(right, self.columns - 1)
        if top > bottom or left > right:
            return
        lines = lines if 0 < lines <= bottom - top + 1 else bottom - top + 1
        first, end, cut = top * self.height, (bottom + 1) * self.height, slice(8 * left, 8 * right + 8)
        window = [line[cut] for line in self.dots[first:end]]
        fresh = [[self.number(color)] * (8 * (right - left + 1)) for _ in range(lines * self.height)]
        window = window[len(fresh):] + fresh if up else fresh + window[:len(window) - len(fresh)]
        for y, line in enumerate(window, first):
            self.dots[y][cut] = line

    def type(self, code, color):
        if code in b"\r\n\b\a":
            if code == 13:
                self.column = 0
            elif code == 10:
                self.row += 1
            elif code == 8:
                self.column = max(0, self.column - 1)
        else:
            self.put(self.row, self.column, code, color)
            self.column += 1
            if self.column == self.columns:
                self.row, self.column = self.row + 1, 0
        if self.row == self.rows:
            self.scroll(0, 0, self.rows - 1, self.columns - 1, 1, 0, True)
            self.row -= 1


def dots_of(guest):
    """What is in video memory, as dots: read as a program reads it from the frame buffer, or from the CGA's two halves."""
    mode, memory = mode_of(guest.bios), guest.memory
    width, height = mode.width, mode.height
    if mode.number in (0x04, 0x06):
        size = 2 if mode.number == 4 else 1
        lines = [memory.read(0xB8000 + (y & 1) * 0x2000 + (y >> 1) * 80, 80) for y in range(height)]
        return [[byte >> shift & (1 << size) - 1 for byte in line for shift in range(8 - size, -1, -size)] for line in lines]
    if mode.planes:
        lines = [memory.read(FRAME_BUFFER + 4 * y * width // 8, width // 2) for y in range(height)]
        return [[sum((line[x // 8 * 4 + plane] >> 7 - x % 8 & 1) << plane for plane in range(4)) for x in range(width)]
                for line in lines]
    size = (mode.depth + 7) // 8
    start = 0xA0000 if mode.number == 0x13 else FRAME_BUFFER
    lines = [memory.read(start + y * width * size, width * size) for y in range(height)]
    return [[int.from_bytes(line[at:at + size], "little") for at in range(0, len(line), size)] for line in lines]


@pytest.mark.parametrize("number", MODES, ids=hex)
@settings(max_examples=3, deadline=None, phases=(Phase.explicit, Phase.generate),
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(step, min_size=4, max_size=8), low=st.booleans())
def test_characters_scrolling_and_dots_are_those_of_a_model(guest, number, steps, low):
    guest.call(0x10, ax=0x4F02, bx=number)
    model = Model(guest.bios)
    shift = model.rows - ROWS if low else 0           # so that some of it happens in the last row
    for kind, *what in steps:
        if kind in ("write", "type"):
            (row, column), *what = what
            guest.call(0x10, ah=0x02, bh=0, dx=row + shift << 8 | column)
            model.row, model.column = row + shift, column
        if kind == "write":
            code, color, count = what
            guest.call(0x10, ax=0x0900 | code, bx=color, cx=count)
            for place in range(row * model.columns + column, row * model.columns + column + count):
                at, place = divmod(place, model.columns)
                if at + shift < model.rows:
                    model.put(at + shift, place, code, color)
        elif kind == "type":
            guest.call(0x10, ax=0x0E00 | what[0], bx=what[1])
            model.type(*what)
            assert guest.call(0x10, ah=0x03, bh=0).dx == model.row << 8 | model.column
        elif kind == "scroll":
            (top, left), (bottom, right), lines, color, up = what
            guest.call(0x10, ah=6 if up else 7, al=lines, bh=color, cx=top << 8 | left, dx=bottom + shift << 8 | right)
            model.scroll(top, left, bottom + shift, right, lines, color, up)
        else:
            x, y, color = what
            guest.call(0x10, ax=0x0C00 | color, bx=0, cx=x, dx=y)
            model.dot(x, y, color)
            inside = x < model.mode.width and y < model.mode.height
            assert guest.call(0x10, ah=0x0D, bh=0, cx=x, dx=y).al == (model.dots[y][x] & 0xFF if inside else 0)
    assert dots_of(guest) == model.dots


def test_a_character_that_was_drawn_is_read(guest):
    for number in (0x06, 0x0D, 0x13, 0x102, 0x10F):
        guest.call(0x10, ax=0x4F02, bx=number)
        for code in (ord("A"), 0xDB):
            guest.call(0x10, ah=0x02, bh=0, dx=0x0203)
            guest.call(0x10, ax=0x0900 | code, bx=1, cx=1)
            assert guest.call(0x10, ah=0x08, bh=0).al == code
        guest.call(0x10, ah=0x0C, al=0x80, bh=0, cx=24, dx=40)
    guest.call(0x10, ax=0x0013)
    guest.call(0x10, ax=0x0941, bx=0x2A05, cx=1)    # BH is the background where there are 256 colours
    assert set(guest.memory.read(0xA0000, 8)) <= {0x2A, 0x05}


def test_pages_of_dots(guest):
    guest.call(0x10, ax=0x000D)
    guest.call(0x10, ax=0x0C07, bx=0x0300, cx=0, dx=0)
    assert guest.call(0x10, ah=0x0D, bx=0x0300, cx=0, dx=0).al == 7
    assert guest.call(0x10, ah=0x0D, bx=0x0000, cx=0, dx=0).al == 0
    guest.call(0x10, ax=0x0503)
    guest.machine.bus.write(0x3D4, 0x0C, 1)
    assert guest.machine.bus.read(0x3D5, 1) == 0x60                     # 6000h bytes of each plane


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mode=st.sampled_from(sorted(EVERY_MODE)), area=st.binary(min_size=0x60, max_size=0x60),
       registers=st.tuples(*[st.integers(0, 0xFFFF)] * 4), function=st.integers(0, 0x1C))
def test_nonsense_in_the_bios_data_area_harms_nobody(guest, mode, area, registers, function):
    """Whatever a program wrote there: every call returns, and the ROM is as it was."""
    guest.call(0x10, ax=0x4F02, bx=mode)
    guest.memory.write(layout.VIDEO_MODE + 1, area[:0x1A])
    guest.memory.write(layout.VIDEO_LAST_ROW, area[0x1A:0x20])
    bx, cx, dx, al = registers
    guest.call(0x10, ah=function, al=al & 0xFF, bx=bx, cx=cx, dx=dx, es=0x5000, di=0, bp=0)
    assert guest.memory.read(layout.VIDEO_ROM, layout.VIDEO_ROM_SIZE) == guest.bios.video_rom.data


def test_lines_of_any_length_stay_in_the_frame_buffer(guest):
    """A program that sets the display interface itself, behind the BIOS's back."""
    guest.call(0x10, ax=0x4F02, bx=0x199)
    for index, value in ((4, 0), (1, 16000), (2, 1), (3, 32), (4, 1)):
        guest.machine.bus.write(0x1CE, index, 2)
        guest.machine.bus.write(0x1CF, value, 2)
    assert guest.call(0x10, ax=0x0C3F, bx=0, cx=3839, dx=2159).al == 0x3F
    guest.call(0x10, ax=0x0600, bx=0x0100, cx=0, dx=0xFFFF)


# ---- VESA ------------------------------------------------------------------------------------------------------------

def test_every_listed_mode_is_described_and_can_be_set(guest):
    guest.memory.write(0x9000, b"VBE2")
    assert guest.call(0x10, ax=0x4F00, di=0x9000).ax == 0x004F
    offset, segment = struct.unpack("<HH", guest.memory.read(0x900E, 4))
    listed = struct.unpack("<111H", guest.memory.read((segment << 4) + offset, 222))
    listed = listed[:listed.index(0xFFFF)]
    assert set(listed) == set(EVERY_MODE)
    for number in listed:
        assert guest.call(0x10, ax=0x4F01, cx=number, di=0x9000).ax == 0x004F
        attributes, width, height = (guest.memory.read_u16(0x9000 + at) for at in (0x00, 0x12, 0x14))
        if number in VBE_MODES and VBE_MODES[number].depth > 4:
            assert attributes & 0x91 == 0x91 and guest.memory.read_u32(0x9028) == FRAME_BUFFER
            guest.call(0x10, ax=0x4F02, bx=0x4000 | number)
            linear = guest.machine.screen.linear
            assert linear.enabled and linear.size == (width, height) and linear.depth == guest.memory.read_u8(0x9019)
    guest.call(0x10, ax=0x0003)
    assert guest.machine.screen.size == (80, 25)


def test_the_window_and_the_function_that_moves_it(guest):
    guest.call(0x10, ax=0x4F02, bx=0x103)
    guest.call(0x10, ax=0x4F01, cx=0x103, di=0x9000)
    guest.memory.write(FRAME_BUFFER + 0x30000, b"bank three")
    after = guest.run("mov bx, 0\n mov dx, 3\n call far [900Ch]\n mov bx, 100h\n mov dx, 0\n call far [900Ch]")
    assert (after.ax, after.dx) == (0x004F, 3)
    assert guest.memory.read(0xA0000, 10) == b"bank three"
    assert guest.call(0x10, ax=0x4F05, bx=0x100).dx == 3


def test_state_is_saved_and_restored(guest):
    guest.call(0x10, ax=0x4F02, bx=0x4115)
    guest.call(0x10, ax=0x4F07, bx=0, cx=8, dx=16)
    guest.call(0x10, ax=0x1010, bx=7, cx=0x0102, dx=0x0300)
    saved = guest.machine.screen.snapshot(), guest.machine.screen.linear.snapshot()
    size = guest.call(0x10, ax=0x4F04, cx=0x0F, dx=0).bx
    assert guest.call(0x10, ax=0x4F04, cx=0x0F, dx=1, es=0x1000, bx=0).ax == 0x004F
    assert guest.memory.read((0x1000 << 4) + 64 * size, 64) == bytes(64)
    guest.call(0x10, ax=0x0003)
    assert guest.call(0x10, ax=0x4F04, cx=0x0F, dx=2, es=0x1000, bx=0).ax == 0x004F
    assert guest.call(0x10, ax=0x4F03).bx == 0x4115
    screen = guest.machine.screen
    assert screen.linear.snapshot()["registers"] == saved[1]["registers"]
    for field in ("crtc", "sequencer", "graphics", "attributes", "dac", "miscellaneous"):
        assert screen.snapshot()[field] == saved[0][field], field


def test_colours_in_vesa_order(guest):
    guest.call(0x10, ax=0x4F02, bx=0x101)
    assert guest.call(0x10, ax=0x4F08, bx=0x0800).bx == 0x0800
    guest.memory.write(0x9000, bytes(range(1, 9)))
    assert guest.call(0x10, ax=0x4F09, bx=0x80, cx=2, dx=16, di=0x9000).ax == 0x004F
    assert bytes(guest.machine.screen.dac[48:54]) == bytes((3, 2, 1, 7, 6, 5))
    guest.call(0x10, ax=0x4F09, bx=0x01, cx=2, dx=16, di=0x9100)
    assert guest.memory.read(0x9100, 8) == bytes((1, 2, 3, 0, 5, 6, 7, 0))
    for bx, cx, dx, answer in ((0, 300, 0, 0x014F), (0, 10, 250, 0x014F), (2, 1, 0, 0x024F), (7, 1, 0, 0x014F)):
        assert guest.call(0x10, ax=0x4F09, bx=bx, cx=cx, dx=dx, di=0x9000).ax == answer


def test_the_protected_mode_interface_works_wherever_it_is_copied():
    machine = flat32(bytes.fromhex("FF D0 F4"))                         # call eax; hlt
    linear, cpu = machine.screen.linear, machine.cpu
    table = struct.unpack_from("<4H", PROTECTED)
    assert table[3] == 0 and len(PROTECTED) < 0x400

    def call(function, copy, **registers):
        machine.memory.write(copy, PROTECTED)
        cpu.rip, cpu.halted, cpu.rax = CODE, False, copy + table[function]
        for name, value in registers.items():
            setattr(cpu, name, value)
        before = cpu.rbx, cpu.rcx, cpu.rdx, cpu.rsi, cpu.rdi, cpu.rsp
        machine.run(max_instructions=2000)
        assert cpu.halted and cpu.ax == 0x004F and (cpu.rbx, cpu.rcx, cpu.rdx, cpu.rsi, cpu.rdi, cpu.rsp) == before
    call(1, 0x30000, rbx=0, rcx=100, rdx=0)                             # before anything is switched on
    for depth, copy in ((8, 0x31000), (16, 0x32345), (24, 0x33001), (32, 0x34000), (4, 0x35007)):
        linear.set_mode(640, 480, depth)
        call(0, copy, rbx=0, rdx=5)
        assert linear.read_register(5) == 5
        at = 37 * linear.pitch + 64 * depth // 8                        # dot 64 of line 37
        start = at // 4
        call(1, copy, rbx=0x80, rcx=start & 0xFFFF, rdx=start >> 16)
        assert (linear.read_register(8), linear.read_register(9)) == (64, 37), depth
    machine.memory.write(0x40000, bytes((1, 2, 3, 0, 4, 5, 6, 0)))
    call(2, 0x36000, rbx=0, rcx=2, rdx=16, rdi=0x40000)
    assert bytes(machine.screen.dac[48:54]) == bytes((3, 2, 1, 6, 5, 4))
    call(2, 0x36000, rbx=0, rcx=0, rdx=16, rdi=0x40000)


def test_the_monitor_tells_its_modes(guest):
    assert guest.call(0x10, ax=0x4F15, bx=1, cx=0, dx=0, di=0x9000).ax == 0x004F
    edid = guest.memory.read(0x9000, 128)
    assert edid[:8] == b"\0\xFF\xFF\xFF\xFF\xFF\xFF\0" and sum(edid) & 0xFF == 0
    assert guest.call(0x10, ax=0x4F15, bx=1, cx=0, dx=9, di=0x9000).ax == 0x014F


def test_what_is_not_possible_says_so(guest):
    guest.call(0x10, ax=0x4F02, bx=0x103)
    for ax, bx, cx, dx, answer in ((0x4F06, 0, 65528, 0, 0x004F), (0x4F07, 0, 0, 60000, 0x014F), (0x4F08, 2, 0, 0, 0x014F),
                                   (0x4F0A, 1, 0, 0, 0x014F), (0x4F11, 0, 0, 0, 0x0100)):
        assert guest.call(0x10, ax=ax, bx=bx, cx=cx, dx=dx).ax == answer, hex(ax)
    guest.call(0x10, ax=0x4F02, bx=0x115)
    assert guest.call(0x10, ax=0x4F06, bx=0, cx=16000).ax == 0x024F     # 600 such lines are more than there is
    assert guest.call(0x10, ax=0x4F08, bx=1).ax == 0x034F and guest.call(0x10, ax=0x4F09, bx=1, cx=1).ax == 0x034F
    guest.call(0x10, ax=0x0003)
    assert guest.call(0x10, ax=0x4F05, bx=0).ax == 0x014F


def test_text_with_200_350_and_400_lines(guest):
    for choice, height in ((0, 8), (1, 14), (2, 16)):       # 200, 350, 400
        assert guest.call(0x10, ax=0x1200 | choice, bl=0x30).al == 0x12
        guest.call(0x10, ax=0x0003)
        assert guest.memory.read_u16(layout.VIDEO_FONT_HEIGHT) == height
        screen = guest.machine.screen
        assert screen.size == (80, 25) and screen.character_height == height
        guest.call(0x10, ax=0x0E41, bx=0)
        assert screen.text.startswith("A")
