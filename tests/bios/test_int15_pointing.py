"""INT 15h AH=C2h: the mouse, its handler called by INT 74h with the packet on the stack."""
from __future__ import annotations

import pytest

from boot import layout

HANDLER = 0xA000
RECORD = 0x9100                         # how often it was called, then the four words of the last packet
SOURCE = """
        push    ds
        push    bp
        push    ax
        mov     bp, sp
        xor     ax, ax
        mov     ds, ax
        inc     word [9100h]
        mov     ax, [bp+16]
        mov     [9102h], ax
        mov     ax, [bp+14]
        mov     [9104h], ax
        mov     ax, [bp+12]
        mov     [9106h], ax
        mov     ax, [bp+10]
        mov     [9108h], ax
        mov     ax, 0DEADh
        mov     bx, ax
        mov     es, ax
        pop     ax
        pop     bp
        pop     ds
        retf
        """
IDLE = ".a: hlt\n        jmp .a\n"


@pytest.fixture
def mouse(guest):
    """A guest with the handler installed and the mouse on."""
    guest.place(HANDLER, SOURCE)
    guest.memory.write(RECORD, bytes(16))
    for ax, bx in ((0xC205, 0x0300), (0xC207, HANDLER), (0xC200, 0x0100)):
        after = guest.call(0x15, ax=ax, bx=bx)
        assert (after.carry, after.ah) == (0, 0), hex(ax)
    return guest


def record(guest):
    return [guest.memory.read_u16(RECORD + 2 * index) for index in range(5)]


def wait(guest, seconds=0.05):
    guest.machine.run(max_instructions=guest.machine.clock.ticks(seconds))


def test_the_handler_gets_each_packet(mouse):
    mouse.start(IDLE, bx=0x1234, es=0x4321)
    mouse.machine.keyboard.move_mouse(5, -3, buttons=1)
    wait(mouse)
    assert record(mouse) == [1, 0x29, 5, 0xFD, 0]
    mouse.machine.keyboard.move_mouse(-1, 0, buttons=0)
    wait(mouse)
    assert record(mouse) == [2, 0x18, 0xFF, 0, 0]
    assert (mouse.cpu.bx, mouse.cpu.es, mouse.cpu.sp) == (0x1234, 0x4321, 0x7C00)       # whatever the handler did


def test_movement_while_the_guest_types(mouse):
    mouse.start(IDLE)
    mouse.machine.keyboard.type_text("ab")
    for _ in range(4):
        mouse.machine.keyboard.move_mouse(1, 1)
        wait(mouse)
    assert record(mouse)[0] == 4
    assert mouse.call(0x16, ah=0x10).ax == 0x1E61 and mouse.call(0x16, ah=0x10).ax == 0x3062


def test_off_and_no_handler(mouse):
    assert mouse.call(0x15, ax=0xC200, bx=0).ah == 0
    mouse.start(IDLE)
    mouse.machine.keyboard.move_mouse(5, 5)
    wait(mouse)
    assert record(mouse)[0] == 0
    assert mouse.call(0x15, ax=0xC207, bx=0, es=0).ah == 0
    after = mouse.call(0x15, ax=0xC200, bx=0x0100)
    assert (after.carry, after.ah) == (1, 0x05)


def test_a_packet_size_of_its_own(mouse):
    """Size 1: the handler is called for each byte."""
    mouse.call(0x15, ax=0xC205, bx=0x0100)
    mouse.call(0x15, ax=0xC200, bx=0x0100)
    mouse.start(IDLE)
    mouse.machine.keyboard.move_mouse(7, 7)
    wait(mouse)
    assert record(mouse)[0] == 3


def test_settings_and_status(mouse):
    for index, rate in enumerate((10, 20, 40, 60, 80, 100, 200)):
        assert mouse.call(0x15, ax=0xC202, bx=index << 8).ah == 0
        assert mouse.call(0x15, ax=0xC206, bx=0).dl == rate
    assert mouse.call(0x15, ax=0xC203, bx=0x0100).ah == 0
    assert mouse.call(0x15, ax=0xC206, bx=0x0200).ah == 0
    after = mouse.call(0x15, ax=0xC206, bx=0)
    assert (after.carry, after.bl, after.cl, after.dl) == (0, 0x30, 1, 200)            # on, scaled 2:1
    after = mouse.call(0x15, ax=0xC201)
    assert (after.carry, after.bl, after.bh) == (0, 0xAA, 0)
    assert mouse.call(0x15, ax=0xC204).bh == 0
    after = mouse.call(0x15, ax=0xC206, bx=0)
    assert (after.bl, after.cl, after.dl) == (0, 2, 100)


@pytest.mark.parametrize("ax, bx, status", [(0xC200, 0x0200, 1), (0xC202, 0x0700, 2), (0xC203, 0x0400, 2), (0xC205, 0, 2),
                                            (0xC205, 0x0900, 2), (0xC206, 0x0300, 1), (0xC208, 0, 1), (0xC2FF, 0, 1)])
def test_errors(guest, ax, bx, status):
    after = guest.call(0x15, ax=ax, bx=bx)
    assert (after.carry, after.ah) == (1, status)


def test_a_key_that_waits_in_the_controller_is_not_lost(guest):
    """The services talk through the buffer in which the key's code lies, here with interrupts off."""
    guest.start("        cli\n.a:     jmp .a\n")
    guest.machine.keyboard.type_text("q")
    wait(guest)
    after = guest.call(0x15, ax=0xC205, bx=0x0300, flags=0x002)
    assert (after.carry, after.ah) == (0, 0)
    guest.start(IDLE)
    wait(guest, 0.2)
    assert guest.call(0x16, ah=0x00).ax == 0x1071
    assert guest.memory.read_u16(layout.KEYBOARD_HEAD) == guest.memory.read_u16(layout.KEYBOARD_TAIL)


def test_without_an_extended_area_there_is_no_interface(guest):
    guest.memory.write_u16(layout.EBDA_SEGMENT_WORD, 0)
    assert guest.call(0x15, ax=0xC205, bx=0x0300).ah == 0x03
