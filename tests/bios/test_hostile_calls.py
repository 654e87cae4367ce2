"""Guests that mean no good: whatever registers, stack and data area hold, the BIOS answers and Python does not fail."""
from __future__ import annotations

import pytest
from bios_guest import FLOPPY, HARD_DISK, Guest, machine_with
from hypothesis import given, settings, strategies as st

from boot import layout
from boot.bios import firmware
from boot.bios.service import SERVICES

CALL = "        int {}\n        cli\n        hlt"
WORD = st.sampled_from((0, 1, 0x80, 0xE0, 0x3FFF, 0x8000, 0xFFFF)) | st.integers(0, 0xFFFF)
#: where nothing is with 1 MB, video memory, ROM, low memory
SEGMENT = st.sampled_from((0xFFFF, 0xA000, 0xB800, 0xC000, 0xF000, 0)) | WORD
MODES = (3, 4, 6, 0x0D, 0x12, 0x13, 0x6A)
DATA = (layout.EBDA_SEGMENT_WORD, layout.KEYBOARD_HEAD, layout.KEYBOARD_TAIL, layout.VIDEO_MODE, layout.VIDEO_COLUMNS,
        layout.CURSOR_POSITIONS, layout.VIDEO_PAGE, layout.CRTC_PORT, layout.VIDEO_LAST_ROW, layout.VIDEO_FONT_HEIGHT)


@pytest.fixture(scope="module")
def small():
    """A machine with 1 MB, so that FFFF:0010 is nowhere."""
    return Guest(machine_with(disk=HARD_DISK, floppy=FLOPPY, memory="1M", cdrom=bytes(2048 * 40)))


@settings(max_examples=120, deadline=None)
@given(key=st.sampled_from(sorted(SERVICES, key=str)), low=st.integers(0, 0xFF), high=st.integers(0, 0xFF),
       registers=st.fixed_dictionaries({"bx": WORD, "cx": st.integers(0, 0x200), "dx": WORD, "si": WORD, "di": WORD, "bp": WORD}),
       segments=st.fixed_dictionaries({"ds": SEGMENT, "es": SEGMENT}), mode=st.sampled_from(MODES),
       data=st.dictionaries(st.sampled_from(DATA), SEGMENT, max_size=4),
       clock=st.dictionaries(st.sampled_from((0, 2, 4, 7, 8, 9, 0x0B, 0x32)), st.integers(0, 0xFF), max_size=3))
def test_every_service_answers(small, key, low, high, registers, segments, mode, data, clock):
    guest = small.again()
    guest.call(0x10, ax=mode)
    interrupt, function = key
    ax = high << 8 | low if function is None else function if function > 0xFF else function << 8 | low
    for address, value in data.items():
        guest.memory.write_u16(address, value)
    for register, value in clock.items():
        guest.bios.set_cmos(register, value)
    guest.start(CALL.format(interrupt), ax=ax, **registers, **segments)
    guest.machine.run(max_instructions=100_000)


@pytest.mark.parametrize("ss, sp", [(0xFFFF, 0xFFF0), (0xA000, 0x100), (0xF000, 0x8000), (0, 2)])
def test_a_stack_that_is_nowhere(small, ss, sp):
    for interrupt, ax in ((0x13, 0x0201), (0x15, 0xE820), (0x16, 0x0100), (0x1A, 0xB101), (0x15, 0x9999)):
        guest = small.again()
        rom = guest.memory.read(layout.ROM, layout.ROM_SIZE)
        guest.start(CALL.format(interrupt), ax=ax, ss=ss, sp=sp)
        guest.machine.run(max_instructions=50_000)
        assert guest.memory.read(layout.ROM, layout.ROM_SIZE) == rom


def test_what_is_remembered_of_them_has_an_end(small, monkeypatch):
    monkeypatch.setattr(firmware, "MOST_NAMES", 20)
    guest = small.again()
    guest.run("        mov cx, 100\n.a:     mov ax, 9900h\n        add ax, cx\n        int 15h\n        loop .a", limit=100_000)
    assert len(guest.bios.unimplemented) == 21 and sum(guest.bios.unimplemented.values()) == 100
    guest.call(0x15, ax=0x5301, bx=0)
    guest.run("        mov dx, 100\n.a:     mov ax, 5307h\n        mov bx, 1\n        mov cx, 2\n        int 15h\n"
              "        dec dx\n        jnz .a", limit=100_000)
    assert len(guest.bios.apm_events) == 16


def test_a_screen_of_256_rows_is_told_as_far_as_a_byte_goes(small):
    guest = small.again()
    guest.memory.write_u8(layout.VIDEO_LAST_ROW, 0xFF)
    guest.memory.write_u16(layout.VIDEO_COLUMNS, 16)
    assert guest.call(0x10, ax=0x1B00, bx=0, di=0x9000).al == 0x1B
    assert guest.memory.read_u8(0x9000 + 34) == 0
