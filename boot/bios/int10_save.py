"""INT 10h AH=1Ch and AX=4F04h: the adapter's state to memory and back. CX says which parts, one behind the other:

    bit 0   registers           3C4h, CRTC and 3CEh's indices, 3CCh, 3CAh, the CRTC's port (2), sequencer (5), CRT controller
                                (25), attribute controller (21), graphics controller (9)
    bit 1   BIOS data           449h to 466h, 484h to 48Ah, 4A8h (4), 4BAh (2), INT 1Fh and INT 43h (4 each)
    bit 2   DAC                 mask, state, index, 256 colours, colour select register
    bit 3   display interface   its registers 0 to 9 (VESA only)

Source: Ralf Brown's Interrupt List, INT 10/AH=1Ch; VESA BIOS Extension Core Functions Standard 3.0, "Function 04h".
"""
from __future__ import annotations

import struct

from boot import layout
from boot.bios.int10_palette import COLOR_SELECT, attribute_register, read_attribute_register
from boot.bios.service import service
from boot.bios.vbe_modes import (BANK, DEPTH, ENABLE, HEIGHT, KEEP_MEMORY, ON, VIRTUAL_WIDTH, WIDTH, X, Y, read_display,
                                 write_display)

REGISTERS, BIOS_DATA, DAC, DISPLAY = 1, 2, 4, 8
SIZES = {REGISTERS: 7 + 5 + 25 + 21 + 9, BIOS_DATA: 30 + 7 + 4 + 2 + 8, DAC: 3 + 768 + 1, DISPLAY: 20}
AREAS = ((layout.VIDEO_MODE, 30), (layout.VIDEO_LAST_ROW, 7), (layout.VIDEO_SAVE_POINTER, 4), (layout.VBE_MODE, 2),
         (layout.IVT + 4 * 0x1F, 4), (layout.IVT + 4 * 0x43, 4))
BLOCK = 64
ATTRIBUTES = 21


def blocks(parts: int) -> int:
    """How many units of 64 bytes these parts take."""
    return -(-sum(size for part, size in SIZES.items() if parts & part) // BLOCK)


def save(bios, parts: int) -> bytes:
    """The state of these parts."""
    return b"".join(saver(bios) for part, (saver, _) in PARTS.items() if parts & part)


def restore(bios, parts: int, data: bytes) -> None:
    """The state of these parts as `save` gave it. The frame buffer comes first: switching it changes registers."""
    places, at = {}, 0
    for part, size in SIZES.items():
        if parts & part:
            places[part] = data[at:at + size]
            at += size
    for part in (DISPLAY, REGISTERS, BIOS_DATA, DAC):
        if part in places:
            PARTS[part][1](bios, places[part])


def _read_indexed(bios, port, count):
    values = bytearray()
    for index in range(count):
        bios.port_out(port, index)
        values.append(bios.port_in(port + 1))
    return bytes(values)


def _write_indexed(bios, port, values):
    for index, value in enumerate(values):
        bios.port_out(port, index)
        bios.port_out(port + 1, value)


def _save_registers(bios):
    crtc = 0x3D4 if bios.port_in(0x3CC) & 1 else 0x3B4
    head = bytes(bios.port_in(port) for port in (0x3C4, crtc, 0x3CE, 0x3CC, 0x3CA)) + struct.pack("<H", crtc)
    data = head + _read_indexed(bios, 0x3C4, 5) + _read_indexed(bios, crtc, 25)
    data += bytes(read_attribute_register(bios, index) for index in range(ATTRIBUTES)) + _read_indexed(bios, 0x3CE, 9)
    for port, index in ((0x3C4, head[0]), (crtc, head[1]), (0x3CE, head[2])):
        bios.port_out(port, index)
    return data


def _restore_registers(bios, data):
    bios.port_out(0x3C2, data[3])
    crtc = 0x3D4 if data[3] & 1 else 0x3B4
    bios.port_out(crtc + 6, data[4])
    sequencer, controller, attributes, graphics = data[7:12], data[12:37], data[37:58], data[58:67]
    bios.port_out(0x3C4, 0)
    bios.port_out(0x3C5, sequencer[0] & ~0x02)          # hold the sequencer while the rest changes
    for index in range(1, 5):
        bios.port_out(0x3C4, index)
        bios.port_out(0x3C5, sequencer[index])
    bios.port_out(0x3C4, 0)
    bios.port_out(0x3C5, sequencer[0])
    bios.port_out(crtc, 0x11)
    bios.port_out(crtc + 1, 0)                          # bit 7 protects registers 0 to 7
    _write_indexed(bios, crtc, controller)
    for index, value in enumerate(attributes):
        attribute_register(bios, index, value)
    _write_indexed(bios, 0x3CE, graphics)
    for port, index in ((0x3C4, data[0]), (crtc, data[1]), (0x3CE, data[2])):
        bios.port_out(port, index)


def _save_bios_data(bios):
    return b"".join(bios.machine.memory.read(address, size) for address, size in AREAS)


def _restore_bios_data(bios, data):
    at = 0
    for address, size in AREAS:
        bios.machine.memory.write(address, data[at:at + size])
        at += size


def _save_dac(bios):
    head = bytes(bios.port_in(port) for port in (0x3C6, 0x3C7, 0x3C8))
    bios.port_out(0x3C7, 0)
    colors = bytes(bios.port_in(0x3C9) for _ in range(768))
    bios.port_out(0x3C8, head[2])
    return head + colors + bytes([read_attribute_register(bios, COLOR_SELECT)])


def _restore_dac(bios, data):
    bios.port_out(0x3C6, data[0])
    bios.port_out(0x3C8, 0)
    for value in data[3:771]:
        bios.port_out(0x3C9, value)
    bios.port_out(0x3C8, data[2])
    attribute_register(bios, COLOR_SELECT, data[771])


def _save_display(bios):
    return struct.pack("<10H", *(read_display(bios, index) for index in range(10)))


def _restore_display(bios, data):
    values = struct.unpack("<10H", data)
    write_display(bios, ENABLE, 0)
    if values[ENABLE] & ON:
        for index in (WIDTH, HEIGHT, DEPTH):
            write_display(bios, index, values[index])
        write_display(bios, ENABLE, values[ENABLE] | KEEP_MEMORY)
        for index in (VIRTUAL_WIDTH, X, Y, BANK, ENABLE):
            write_display(bios, index, values[index])


#: part -> (save, restore), in the order in which they lie in memory
PARTS = {REGISTERS: (_save_registers, _restore_registers), BIOS_DATA: (_save_bios_data, _restore_bios_data),
         DAC: (_save_dac, _restore_dac), DISPLAY: (_save_display, _restore_display)}


@service(0x10, 0x1C, "save or restore state")
def save_or_restore(bios, call):
    """AL=00h: BX = size in 64 bytes. 01h: save to ES:BX; 02h: restore from there."""
    parts = call.cx
    if call.al > 2 or parts & ~(REGISTERS | BIOS_DATA | DAC):
        bios.count_unimplemented(call)
        return
    carry_out(bios, call, call.al, parts)
    call.al = 0x1C


def carry_out(bios, call, action: int, parts: int) -> None:
    """action 0: size into BX; 1: save to ES:BX; 2: restore from there."""
    if action == 0:
        call.bx = blocks(parts)
    elif action == 1:
        call.write("es", call.bx, save(bios, parts))
    else:
        restore(bios, parts, call.read("es", call.bx, sum(size for part, size in SIZES.items() if parts & part)))
