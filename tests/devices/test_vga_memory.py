"""Video memory: every access against a model of the planes, what follows a change of mode, and what runs there."""
from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vga_oracle import MODES, WINDOWS, Ours

from x86.devices.vga_linear import FRAME_BUFFER
from x86.devices.vga_memory import PAIRS

PLANE = 0x10000


@pytest.fixture(scope="module")
def shared():
    return Ours()


@pytest.fixture
def vga(shared):
    """A machine's VGA as after reset, with nothing in its planes."""
    clean(shared)
    return shared


def clean(adapter):
    adapter.machine.reset()
    adapter.screen.video.clear(4 * PLANE)


def sequencer(adapter, index, value):
    adapter.out(0x3C4, index | value << 8, 2)


def graphics(adapter, index, value):
    adapter.out(0x3CE, index | value << 8, 2)


# ---- a model --------------------------------------------------------------------------------------------------------

class Planes:
    """Four planes, and the way of a byte to and from them as the registers' descriptions have it, bit by bit.

    As for the layout, chain-4 and odd/even addresses leave no gaps in the planes."""

    def __init__(self):
        self.planes = [bytearray(PLANE) for _ in range(4)]
        self.latches = [0] * 4
        self.sequencer, self.graphics, self.miscellaneous = [0] * 5, [0] * 9, 2

    def find(self, address, write):
        """(planes that the address selects, offset), or None outside the window."""
        start, size = ((0xA0000, 0x20000), (0xA0000, 0x10000), (0xB0000, 0x8000), (0xB8000, 0x8000))[self.graphics[6] >> 2 & 3]
        at, mode = address - start, self.sequencer[4]
        if not 0 <= at < size or not self.miscellaneous & 2:
            return None
        if mode & 8:
            planes, offset = [at % 4], at // 4
        else:
            host_pairs = bool(self.graphics[5] & 0x10)
            offset = at // 2 if host_pairs else at
            if write:
                planes = [0, 1, 2, 3] if mode & 4 else [at % 2, at % 2 + 2]
            else:
                planes = [self.graphics[4] & 2 | at % 2 if host_pairs else self.graphics[4] & 3]
        return planes, offset % (PLANE if mode & 2 else PLANE // 4)

    def read(self, address):
        found = self.find(address, False)
        if found is None:
            return 0xFF
        (plane,), offset = found
        self.latches = [each[offset] for each in self.planes]
        if not self.graphics[5] & 8:
            return self.latches[plane]
        alike = 0
        for bit in range(8):
            alike |= all(self.latches[p] >> bit & 1 == self.graphics[2] >> p & 1
                         for p in range(4) if self.graphics[7] >> p & 1) << bit
        return alike

    def write(self, address, value):
        found = self.find(address, True)
        if found is None:
            return
        planes, offset = found
        mode, turn = self.graphics[5] & 3, self.graphics[3] & 7
        turned = (value << 8 | value) >> turn & 0xFF
        for plane in planes:
            if not self.sequencer[2] >> plane & 1:
                continue
            latch, mask = self.latches[plane], self.graphics[8]
            full = 0xFF if self.graphics[0] >> plane & 1 else 0
            if mode == 0:
                data = full if self.graphics[1] >> plane & 1 else turned
            elif mode == 2:
                data = 0xFF if value >> plane & 1 else 0
            elif mode == 3:
                data, mask = full, mask & turned
            else:
                self.planes[plane][offset] = latch
                continue
            data = (data, data & latch, data | latch, data ^ latch)[self.graphics[3] >> 3 & 3]
            self.planes[plane][offset] = data & mask | latch & ~mask & 0xFF

    def all(self):
        together = bytearray(4 * PLANE)
        for plane in range(4):
            together[plane::4] = self.planes[plane]
        return together


BYTE = st.one_of(st.sampled_from((0x00, 0xFF, 0x0F, 0x81)), st.integers(0, 255))
ADDRESS = st.builds(lambda start, far, near: min(start + far + near, 0xBFFF8),
                    st.sampled_from((0xA0000, 0xA0000, 0xB0000, 0xB8000)),
                    st.sampled_from((0, 0, 0, 0x3FFC, 0x4000, 0x7FFC, 0xFFFC)), st.integers(0, 5))
ACTIONS = st.lists(st.one_of(
    st.tuples(st.just("sequencer"), st.just(2), st.sampled_from((0x0F, 0x03, 0x01, 0x04, 0x0A))),
    st.tuples(st.just("sequencer"), st.just(4), st.sampled_from((0x02, 0x06, 0x0E, 0x04, 0x0C, 0x00))),
    st.tuples(st.just("graphics"), st.just(5), st.sampled_from((0x00, 0x10, 0x01, 0x02, 0x03, 0x08, 0x1B, 0x40))),
    st.tuples(st.just("graphics"), st.just(6), st.sampled_from((0x05, 0x0E, 0x0A, 0x00))),
    st.tuples(st.just("graphics"), st.sampled_from((0, 1, 2, 4, 7)), st.integers(0, 15)),
    st.tuples(st.just("graphics"), st.just(3), st.integers(0, 31)),
    st.tuples(st.just("graphics"), st.just(8), BYTE),
    st.tuples(st.just("plain"), st.sampled_from((0x02, 0x0E)), st.just(0)),
    st.tuples(st.just("miscellaneous"), st.just(0), st.sampled_from((0x67, 0x67, 0x65))),
    *[st.tuples(st.just("write"), ADDRESS, st.lists(BYTE, min_size=1, max_size=8))] * 3,
    *[st.tuples(st.just("read"), ADDRESS, st.sampled_from((1, 2, 4, 8)))] * 2), max_size=40)


@given(ACTIONS)
def test_accesses_are_those_of_the_planes(shared, actions):
    clean(shared)
    model = Planes()
    model.sequencer[2:5], model.graphics = [3, 0, 2], [0, 0, 0, 0, 0, 0x10, 0x0E, 0, 0xFF]
    latched = True                              # plain windows fill no latches, so the model's would be others
    for kind, place, value in actions:
        if kind == "plain":                     # nothing in a byte's way: text memory, or mode 13h
            steps = [("sequencer", 2, 3 if place == 2 else 15), ("sequencer", 4, place), ("graphics", 1, 0), ("graphics", 3, 0),
                     ("graphics", 5, 0x10 if place == 2 else 0), ("graphics", 8, 0xFF), ("graphics", 4, 0)]
        else:
            steps = [(kind, place, value)]
        for kind, place, value in steps:
            if kind in ("sequencer", "graphics"):
                getattr(model, kind)[place] = value
                shared.out(0x3C4 if kind == "sequencer" else 0x3CE, place | value << 8, 2)
            elif kind == "miscellaneous":
                model.miscellaneous = value
                shared.out(0x3C2, value)
            elif kind == "write":
                if not latched:
                    model.latches = list(shared.screen.latches.to_bytes(4, "little"))
                for part, byte in enumerate(value):
                    model.write(place + part, byte)
                shared.write(place, bytes(value))
            else:
                expected = bytes(model.read(place + part) for part in range(value))
                latched = not shared.screen.video.alias[1]
                assert shared.read(place, value) == expected
    assert shared.screen.video.planes() == model.all()


# ---- changes of the mode --------------------------------------------------------------------------------------------

def test_text_lies_in_planes_0_and_1(vga):
    vga.write(0xB8000, b"A\x1EB\x2F")
    vga.set_mode("12h")
    assert vga.read(FRAME_BUFFER, 8) == b"A\x1E\0\0B\x2F\0\0"
    graphics(vga, 4, 1)
    assert vga.read(0xA0000, 2) == b"\x1E\x2F"
    vga.set_mode("text 80")
    assert vga.screen.text.startswith("AB\n")
    vga.set_mode("monochrome text")             # the same memory at B0000h
    assert vga.read(0xB0000, 4) == b"A\x1EB\x2F" and vga.read(0xB8000, 2) == b"\xFF\xFF"


def test_a_font_is_loaded_while_text_is_on_the_screen(vga):
    vga.set_mode("text 80")
    vga.write(0xB8000, b"A\x07" * 80)
    for port, value in ((0x3C4, 0x0402), (0x3C4, 0x0704), (0x3CE, 0x0204), (0x3CE, 0x0005), (0x3CE, 0x0406)):
        vga.out(port, value, 2)
    assert vga.screen.text.startswith("A" * 80)                         # the processor sees planes, the screen text
    vga.write(0xA0000 + 32 * ord("A"), b"\xFF" + bytes(15))
    for port, value in ((0x3C4, 0x0302), (0x3C4, 0x0304), (0x3CE, 0x0004), (0x3CE, 0x1005), (0x3CE, 0x0E06)):
        vga.out(port, value, 2)
    assert vga.read(0xB8000, 4) == b"A\x07A\x07"
    _, _, rows = vga.picture()
    assert rows[0][:24] == b"\xAA" * 24 and not any(rows[1])


def test_mode_x_shows_what_mode_13h_wrote(vga):
    vga.set_mode("13h")
    vga.write(0xA0000, bytes(range(8)))
    assert vga.read(FRAME_BUFFER, 8) == bytes(range(8))
    sequencer(vga, 4, 0x06)
    for plane in range(4):
        graphics(vga, 4, plane)
        assert vga.read(0xA0000, 2) == bytes((plane, plane + 4))


def test_drawing_does_not_change_the_map(vga):
    """Map mask and bit mask, from byte to byte: the processor keeps its translations."""
    vga.set_mode("X, 320 by 240")
    changes = []
    memory = vga.machine.memory
    flush, memory.on_change = memory.on_change, lambda: changes.append(1)
    try:
        for place in range(64):
            sequencer(vga, 2, 1 << place % 4)
            graphics(vga, 8, 0x80 >> place % 8)
            vga.write(0xA0000 + place // 4, b"\xFF")
        assert not changes
        vga.set_mode("13h")
        assert changes
    finally:
        memory.on_change = flush


def test_text_and_mode_13h_are_plain_memory(vga):
    for name, alias in (("text 80", (0xB8000, 0x8000, PAIRS)), ("monochrome text", (0xB0000, 0x8000, PAIRS)),
                        ("04h", (0xB8000, 0x8000, PAIRS)), ("13h", (0xA0000, 0x10000, FRAME_BUFFER)), ("12h", (0, 0, 0))):
        vga.set_mode(name)
        assert vga.screen.video.alias == alias
    vga.machine.screen.linear.set_mode(640, 480, 8)
    for bank in (0, 3, 255):
        vga.out(0x1CE, 5, 2)
        vga.out(0x1CF, bank, 2)
        assert vga.screen.video.alias == (0xA0000, 0x10000, FRAME_BUFFER + 0x10000 * bank)


@pytest.mark.parametrize("port, off, on", [(0x3C3, 0, 1), (0x46E8, 0x06, 0x0E)])
def test_an_adapter_that_is_off_answers_nowhere(vga, port, off, on):
    vga.write(0xB8000, b"A\x07")
    vga.out(port, off)
    assert vga.read(0xB8000, 2) == b"\xFF\xFF" and vga.inp(0x3CC) == vga.inp(0x3D4) == vga.inp(0x3DA) == 0xFF
    vga.write(0xB8000, b"B")
    vga.out(0x3C2, 0)
    assert vga.inp(0x3C3) == 0 and vga.screen.text.startswith("A")      # the picture goes on
    vga.out(port, on)
    assert vga.inp(0x3C3) == 1 and vga.inp(0x3CC) == 0x67 and vga.read(0xB8000, 2) == b"A\x07"


def test_switches_tell_of_a_colour_display(vga):
    seen = []
    for clock in range(4):
        vga.out(0x3C2, 0x63 | clock << 2)
        seen.append(vga.inp(0x3C2) >> 4 & 1)
    assert seen == [1, 0, 0, 1]


@pytest.mark.parametrize("name", MODES)
def test_a_snapshot_brings_mode_memory_and_picture_back(vga, name):
    vga.set_mode(name)
    start, size = WINDOWS[name]
    vga.write(start, bytes(value * 7 & 0xFF for value in range(512)))
    vga.read(start + 5, 1)
    picture, saved = vga.picture(), pickle.loads(pickle.dumps(vga.machine.snapshot()))
    seen = vga.read(start, 512)
    other = Ours()
    other.set_mode("text 80" if "text" not in name else "13h")
    for adapter in (other, vga):
        adapter.write(0xA0000, b"\x55" * 64)
        adapter.machine.restore(saved)
        assert adapter.machine.snapshot().digest() == saved.digest()
        assert adapter.picture() == picture and adapter.read(start, 512) == seen


# ---- code in the window ---------------------------------------------------------------------------------------------

def test_code_in_a_bank_is_gone_with_the_bank():
    """Two banks with a different instruction at A0000h, each called twice; then planes, where nobody can fetch from RAM."""
    ours = Ours()
    machine = ours.machine
    machine.screen.linear.set_mode(640, 480, 8)
    for bank in range(2):
        machine.memory.write(FRAME_BUFFER + 0x10000 * bank, bytes((0xB0, 0x10 + bank, 0xCB)))           # mov al, n; retf
    call = bytes.fromhex("9A 00 00 00 A0  AA")                          # call A000:0000; stosb
    code = b"".join(bytes.fromhex("BA CE 01 B8 05 00 EF BA CF 01 B8 %02X 00 EF" % number) + call * 2
                    for number in (0, 1, 0)) + b"\xF4"
    machine.memory.write(0x7C00, code)
    cpu = machine.cpu
    cpu.cs, cpu.rip, cpu.ss, cpu.rsp, cpu.es, cpu.rdi = 0, 0x7C00, 0, 0x7000, 0, 0x6000
    machine.run(max_instructions=1000)
    assert machine.memory.read(0x6000, 6) == bytes((0x10, 0x10, 0x11, 0x11, 0x10, 0x10))
