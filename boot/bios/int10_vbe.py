"""INT 10h AH=4Fh: the VESA BIOS extension, version 3.0, on the Bochs display interface.

    00 what there is   01 a mode   02 set   03 which is set   04 save, restore   05 bank   06 length of a line
    07 where the picture starts    08 bits of the DAC         09 colours         0A the same for protected mode
    10 power           15 what the monitor says (EDID)

AX = 004Fh: done. AH = 01h failed, 02h not possible here, 03h not in this mode; AL = 4Fh says that the function exists,
and AX = 0100h that it does not.

Source: VESA BIOS Extension Core Functions Standard 3.0; VBE/PM Standard 1.0; VBE/DDC Standard 1.1.
"""
from __future__ import annotations

import struct

from boot import layout
from boot.bios.int10_save import carry_out
from boot.bios.int10_video import enter_mode, mode_of
from boot.bios.service import service
from boot.bios.vbe_modes import (BANK, COLORS, DAC_8_BIT, ENABLE, EVERY_MODE, MEMORY_64K, VIRTUAL_WIDTH, X, Y,
                                 frame_bytes, line_bytes, pixel_bytes, read_display, write_display)
from boot.bios.video_modes import CGA, DIRECT, LINEAR, PLANAR, TEXT
from boot.bios.video_rom import PROTECTED

DONE, FAILED, IMPOSSIBLE, WRONG_MODE, UNKNOWN = 0x004F, 0x014F, 0x024F, 0x034F, 0x0100
VERSION = 0x0300
DAC_SWITCHES = 0x01                     # capabilities: the DAC may have eight bits
LINEAR_BIT, KEEP_BIT, NUMBER = 0x4000, 0x8000, 0x01FF
WIDEST = 16000                          # dots a line that the display interface takes
POWER_ON, POWER_STATES = 0, (0, 1, 2, 4, 8)
EDID_BLOCK = 128

#: Controller information, without the list of modes and VESA's reserved bytes
#:   00 "VESA"  04 version  06 -> maker  0A capabilities  0E -> modes  12 memory in 64 KB  14 revision  16 -> vendor,
#:   1A -> product, 1E -> revision of the product
CONTROLLER = struct.Struct("<4sHIIIHHIII")
MODE_LIST = CONTROLLER.size
#: Mode information
#:   00 attributes  02 window A, B  04 granularity, size in KB  08 segments  0C -> window function  10 bytes a line
#:   12 width, height  16 size of a character  18 planes  19 bits a dot  1A banks  1B memory model  1C KB a bank  1D pages - 1
#:   1E 1  1F (size, place) of red, green, blue, nothing  27 colours  28 frame buffer  2C 0  30 0  32 bytes a line there
#:   34 pages there - 1, banked and linear  36 (size, place) there  3E highest dot clock
MODE = struct.Struct("<HBBHHHHIHHHBBBBBBBBB8sBIIHHBB8sI")
MODELS = {TEXT: 0, CGA: 1, PLANAR: 3, LINEAR: 4, DIRECT: 6}
SUPPORTED, EXTENDED, TELETYPE, COLOR, GRAPHICS, NO_VGA, FRAME = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x80


def _rom(bios, label):
    """Far pointer to a label of the video ROM."""
    return layout.VIDEO_SEGMENT << 16 | bios.video_rom.labels[label]


def _memory(bios):
    """Bytes of video memory."""
    return read_display(bios, MEMORY_64K) << 16


def _possible(bios):
    """The modes for which there is memory, VESA's own first."""
    return {number: mode for number, mode in EVERY_MODE.items() if frame_bytes(mode) <= _memory(bios)}


# ---- what there is ---------------------------------------------------------------------------------------------------

@service(0x10, 0x4F00, "VESA: controller")
def controller_information(bios, call):
    """256 bytes to ES:DI; the list of modes stands in them. Who asks with "VBE2" may get 512, but needs no more."""
    modes = struct.pack("<H", 0xFFFF)
    modes = b"".join(struct.pack("<H", number) for number in _possible(bios)) + modes
    here = call.es << 16 | call.di + MODE_LIST & 0xFFFF
    head = CONTROLLER.pack(b"VESA", VERSION, _rom(bios, "oem"), DAC_SWITCHES, here, _memory(bios) >> 16, 0,
                           _rom(bios, "vendor"), _rom(bios, "product"), _rom(bios, "revision"))
    call.write("es", call.di, (head + modes).ljust(256, b"\0"))
    call.ax = DONE


@service(0x10, 0x4F01, "VESA: mode")
def mode_information(bios, call):
    mode = _possible(bios).get(call.cx & NUMBER)
    call.note(f"VESA: mode {call.cx:04X}h")
    if mode is None:
        call.ax = FAILED
        return
    call.write("es", call.di, describe(bios, mode).ljust(256, b"\0"))
    call.ax = DONE


def describe(bios, mode) -> bytes:
    """The information block of a mode, as MODE has it."""
    linear = mode.kind in (LINEAR, DIRECT) and mode.vesa
    attributes = SUPPORTED | EXTENDED | (COLOR if mode.colors != "mono" else 0)
    attributes |= (GRAPHICS if mode.graphics else TELETYPE) | (NO_VGA if mode.vesa else 0) | (FRAME if linear else 0)
    size = (mode.width, mode.height) if mode.graphics else (mode.columns, mode.rows)
    memory = mode.memory if mode.memory < layout.FRAME_BUFFER else layout.GRAPHICS_MEMORY
    planes = 4 if mode.kind == PLANAR else 1
    page = planes * (frame_bytes(mode) // planes + 0xFFFF & ~0xFFFF)        # pages begin at a bank
    pages = _memory(bios) // page - 1 if mode.vesa else mode.pages - 1
    colors = bytes(COLORS.get(mode.depth, (0,) * 8))
    return MODE.pack(
        attributes, 0x07, 0, 64, 64, memory >> 4, 0, _rom(bios, "window"), line_bytes(mode), *size,
        8 if mode.graphics else mode.width // mode.columns, mode.font_height, planes, mode.depth,
        2 if mode.kind == CGA else 1, MODELS[mode.kind], 8 if mode.kind == CGA else 0, min(pages, 127), 1,
        colors, 2 if mode.depth == 32 else 0, layout.FRAME_BUFFER if linear else 0, 0, 0, line_bytes(mode) if linear else 0,
        0, 0, colors, 0)


# ---- modes -----------------------------------------------------------------------------------------------------------

@service(0x10, 0x4F02, "VESA: set mode")
def set_mode(bios, call):
    """BX = the mode; bit 14: its frame buffer is used, 15: keep memory, 11: timings at ES:DI, which no screen here needs."""
    mode = _possible(bios).get(call.bx & NUMBER)
    call.note(f"VESA: set mode {call.bx:04X}h")
    if mode is None:
        call.ax = FAILED
        return
    enter_mode(bios, mode, clear=not call.bx & KEEP_BIT, linear=bool(call.bx & LINEAR_BIT))
    call.ax = DONE


@service(0x10, 0x4F03, "VESA: which mode")
def get_mode(bios, call):
    call.bx = bios.word(layout.VBE_MODE)
    call.ax = DONE


@service(0x10, 0x4F04, "VESA: save or restore state")
def save_or_restore(bios, call):
    if call.dl > 2 or call.cx & ~0x0F:
        call.ax = FAILED
        return
    carry_out(bios, call, call.dl, call.cx)
    call.ax = DONE


# ---- memory ----------------------------------------------------------------------------------------------------------

@service(0x10, 0x4F05, "VESA: bank")
def bank(bios, call):
    """BL=00h, the only window; BH=00h: show bank DX there, 01h: DX = which is shown."""
    banks = _memory(bios) >> 16
    call.note(None)                                     # programs do this for every 64 KB they draw
    if not mode_of(bios).vesa or call.bl != 0 or call.bh > 1 or call.bh == 0 and call.dx >= banks:
        call.ax = FAILED
        return
    if call.bh == 0:
        write_display(bios, BANK, call.dx)
    else:
        call.dx = read_display(bios, BANK)
    call.ax = DONE


@service(0x10, 0x4F06, "VESA: length of a line")
def line_length(bios, call):
    """BL=00h set CX dots, 02h set CX bytes, 01h tell, 03h the most there can be: BX = bytes, CX = dots, DX = lines."""
    mode, function = mode_of(bios), call.bl
    if not mode.vesa or function > 3:
        call.ax = FAILED
        return
    memory = _memory(bios) // (4 if mode.kind == PLANAR else 1)
    if function in (0x00, 0x02):
        dots = call.cx if function == 0 else call.cx * 8 if mode.depth < 8 else call.cx // pixel_bytes(mode.depth)
        dots = max(min(dots & ~7, WIDEST), mode.width)
        if memory // line_bytes(mode, dots) < mode.height:
            call.ax = IMPOSSIBLE                        # the picture would not fit into memory
            return
        write_display(bios, VIRTUAL_WIDTH, dots)
    if function == 0x03:
        dots = min(WIDEST, memory // line_bytes(mode, 8) // mode.height * 8)
    else:
        dots = read_display(bios, VIRTUAL_WIDTH)
    length = line_bytes(mode, dots)
    call.bx, call.cx, call.dx = length & 0xFFFF, dots, min(memory // length, 0xFFFF)
    call.ax = DONE


@service(0x10, 0x4F07, "VESA: start of the picture")
def display_start(bios, call):
    """BL=00h, or 80h during the retrace: from dot CX of line DX on. 01h: tell."""
    mode = mode_of(bios)
    if not mode.vesa or call.bl not in (0x00, 0x01, 0x80):
        call.ax = FAILED
        return
    if call.bl == 0x01:
        call.bh = 0
        call.cx, call.dx = read_display(bios, X), read_display(bios, Y)
    else:
        pitch = line_bytes(mode, read_display(bios, VIRTUAL_WIDTH))
        end = (call.dx + mode.height) * pitch + line_bytes(mode, call.cx)
        if end > _memory(bios) // (4 if mode.kind == PLANAR else 1):
            call.ax = FAILED                            # no full page from there on: nothing changes
            return
        write_display(bios, X, call.cx)
        write_display(bios, Y, call.dx)
    call.ax = DONE


# ---- colours ---------------------------------------------------------------------------------------------------------

@service(0x10, 0x4F08, "VESA: bits of the DAC")
def dac_width(bios, call):
    """BL=00h: set it to BH bits, 6 or 8, or else to the next lower; 01h: tell. BH = what it is then."""
    mode = mode_of(bios)
    if not mode.vesa or mode.kind == DIRECT or call.bl > 1:
        call.ax = FAILED if not mode.vesa or call.bl > 1 else WRONG_MODE
        return
    enabled = read_display(bios, ENABLE)
    if call.bl == 0:
        enabled = enabled | DAC_8_BIT if call.bh >= 8 else enabled & ~DAC_8_BIT
        write_display(bios, ENABLE, enabled)
    call.bh = 8 if enabled & DAC_8_BIT else 6
    call.ax = DONE


@service(0x10, 0x4F09, "VESA: colours")
def palette(bios, call):
    """CX entries from DX on, at ES:DI: blue, green, red, nothing. BL=00h, or 80h during the retrace, set; 01h get."""
    if mode_of(bios).kind == DIRECT:
        call.ax = WRONG_MODE
    elif call.bl in (0x02, 0x03):
        call.ax = IMPOSSIBLE                            # there is no second palette
    elif call.bl not in (0x00, 0x01, 0x80) or call.dx + call.cx > 256:
        call.ax = FAILED
    else:
        if call.bl == 0x01:
            bios.port_out(0x3C7, call.dl)
            colors = [[bios.port_in(0x3C9) for _ in range(3)] for _ in range(call.cx)]
            call.write("es", call.di, b"".join(bytes((blue, green, red, 0)) for red, green, blue in colors))
        else:
            data = call.read("es", call.di, 4 * call.cx)
            bios.port_out(0x3C8, call.dl)
            for at in range(0, len(data), 4):
                for value in (data[at + 2], data[at + 1], data[at]):
                    bios.port_out(0x3C9, value)
        call.ax = DONE


@service(0x10, 0x4F0A, "VESA: protected-mode interface")
def protected_mode_interface(bios, call):
    """ES:DI -> the table (vbe_protected.asm), CX = length of it and of the code behind it, to be copied by the caller."""
    if call.bl != 0:
        call.ax = FAILED
        return
    call.es, call.di, call.cx = layout.VIDEO_SEGMENT, bios.video_rom.labels["protected"], len(PROTECTED)
    call.ax = DONE


# ---- the monitor -----------------------------------------------------------------------------------------------------

@service(0x10, 0x4F10, "VESA: power")
def power(bios, call):
    """BL=00h what there is, 01h set state BH, 02h tell it. 0 on, 1 standby, 2 suspend, 4 off, 8 reduced."""
    if call.bl == 0x00:
        call.bx = 0x0F10                                # all states; VBE/PM 1.0
    elif call.bl == 0x01 and call.bh in POWER_STATES:
        bios.set_byte(layout.VBE_POWER, call.bh)
        bios.port_out(0x3C4, 0x01)                      # bit 5 of the clocking mode: no picture
        clocking = bios.port_in(0x3C5)
        bios.port_out(0x3C5, clocking & ~0x20 if call.bh == POWER_ON else clocking | 0x20)
    elif call.bl == 0x02:
        call.bh = bios.byte(layout.VBE_POWER)
    else:
        call.ax = FAILED
        return
    call.ax = DONE


@service(0x10, 0x4F15, "VESA: the monitor's data")
def monitor_data(bios, call):
    """BL=00h what the line can do, 01h block DX of the EDID to ES:DI. CX = 0, the only controller."""
    edid = bios.machine.devices["dispi"].edid
    start = call.dx * EDID_BLOCK
    if call.cx or call.bl > 1 or call.bl == 1 and start >= len(edid):
        call.ax = FAILED
        return
    if call.bl == 0x00:
        call.bx = 0x0103                                # a second a block; DDC1 and DDC2
    else:
        call.write("es", call.di, edid[start:start + EDID_BLOCK])
    call.ax = DONE


@service(0x10, 0x4F, "VESA: not implemented")
def no_function(bios, call):
    bios.count_unimplemented(call)
    call.ax = UNKNOWN
