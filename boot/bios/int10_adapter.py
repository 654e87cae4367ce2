"""INT 10h AH=12h, 1Ah, 1Bh: what the adapter is and has, and how it is to behave.

Source: Ralf Brown's Interrupt List, INT 10/AH=12h, 1Ah, 1Bh; IBM VGA Technical Reference.
"""
from __future__ import annotations

from boot import layout
from boot.bios.int10_palette import GREY, read_attribute_register
from boot.bios.int10_video import mode_of, size_of
from boot.bios.service import service

# Bits of the mode options (BIOS data area, 489h)
LINES_200, LINES_400, NO_PALETTE = 0x80, 0x10, 0x08


@service(0x10, 0x12, "alternate select")
def alternate_select(bios, call):
    function, argument = call.bl, call.al
    if function == 0x10:                                # colour, 256 KB, feature bits, switches
        call.bh = int(bios.word(layout.CRTC_PORT) == 0x3B4)
        call.bl = 3
        call.cx = bios.byte(layout.VIDEO_SWITCHES) & 0x0F
        return
    options = bios.byte(layout.VIDEO_MODE_OPTIONS)
    if function == 0x20:                                # this BIOS's own print screen routine stays
        return
    if function == 0x30:                                # 200, 350 or 400 scan lines for the next text mode
        if argument <= 2:
            options = options & ~(LINES_200 | LINES_400) | (LINES_200, 0, LINES_400)[argument]
            switches = bios.byte(layout.VIDEO_SWITCHES) & 0xF0
            bios.set_byte(layout.VIDEO_SWITCHES, switches | (8 if argument == 0 else 9))
    elif function == 0x31:                              # load the default palette with a mode: 0 yes, 1 no
        options = options & ~NO_PALETTE | (argument & 1) * NO_PALETTE
    elif function == 0x32:                              # answer to the processor: 0 yes, 1 no
        value = bios.port_in(0x3CC)
        bios.port_out(0x3C2, value & ~0x02 if argument & 1 else value | 0x02)
    elif function == 0x33:                              # sum to shades of grey: 0 yes, 1 no
        options = options & ~GREY | (0 if argument & 1 else GREY)
    elif function == 0x34:                              # scale the cursor: 0 yes, 1 no
        control = bios.byte(layout.VIDEO_CONTROL)
        bios.set_byte(layout.VIDEO_CONTROL, control & ~1 | argument & 1)
    elif function == 0x35:                              # there is no other screen to switch to
        bios.count_unimplemented(call)
        return
    elif function == 0x36:                              # picture: 0 on, 1 off
        bios.port_out(0x3C4, 0x01)
        value = bios.port_in(0x3C5)
        bios.port_out(0x3C4, 0x01)
        bios.port_out(0x3C5, value | 0x20 if argument & 1 else value & ~0x20)
    else:
        bios.count_unimplemented(call)
        return
    bios.set_byte(layout.VIDEO_MODE_OPTIONS, options)
    call.al = 0x12                                      # the function is there


@service(0x10, 0x1A, "display combination")
def display_combination(bios, call):
    if call.al == 0x00:
        call.bx = bios.byte(layout.VIDEO_COMBINATION)   # 08h: VGA with a colour screen, and no second adapter
    elif call.al == 0x01:
        bios.set_byte(layout.VIDEO_COMBINATION, call.bl)
    else:
        bios.count_unimplemented(call)
        return
    call.al = 0x1A


@service(0x10, 0x1B, "functionality and state")
def state_information(bios, call):
    """64 bytes: a pointer to the static table in the ROM, the video part of the BIOS data area, then what follows."""
    memory, mode = bios.machine.memory, mode_of(bios)
    table = bytearray(64)
    table[0:2] = bios.video_rom.labels["functionality"].to_bytes(2, "little")
    table[2:4] = layout.VIDEO_SEGMENT.to_bytes(2, "little")
    table[4:34] = memory.read(layout.VIDEO_MODE, 30)
    table[34] = size_of(bios)[1] & 0xFF                # which programs may have set to 256
    table[35:37] = memory.read(layout.VIDEO_FONT_HEIGHT, 2)
    table[37] = bios.byte(layout.VIDEO_COMBINATION)
    colors = 0 if mode.registers.crtc_port == 0x3B4 else min(1 << mode.depth, 256)
    table[39:41] = colors.to_bytes(2, "little")         # 0: one
    table[41] = mode.pages
    table[42] = {200: 0, 350: 1, 400: 2}.get(mode.height, 3)
    #  5 blinking   4 cursor emulation   3 no default colours   2 monochrome   1 grey   0 all modes on all screens
    options = bios.byte(layout.VIDEO_MODE_OPTIONS)
    table[45] = 0x01 | options & (NO_PALETTE | GREY) | (0 if colors else 0x04)
    table[45] |= (0 if bios.byte(layout.VIDEO_CONTROL) & 1 else 0x10) | (read_attribute_register(bios, 0x10) & 0x08) << 2
    table[49] = 3                                       # 256 KB
    call.write("es", call.di, bytes(table))
    call.al = 0x1B


@service(0x10, None, "not implemented")
def nothing(bios, call):
    """A video BIOS leaves everything as it is."""
    bios.count_unimplemented(call)
