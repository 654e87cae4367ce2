"""INT 10h, continued: what the adapter is and has. Palettes, fonts, the adapter's inventory.

Source: Ralf Brown's Interrupt List, INT 10/AH=0Bh to 1Bh; IBM VGA Technical Reference.
"""
from __future__ import annotations

from boot import layout
from boot.bios.int10_video import MODES, mode_of, point_to_font, set_crtc
from boot.bios.service import service

FONT_POINTERS = {0x02: ("font_8x14", 14), 0x05: ("font_8x14", 14), 0x06: ("font_8x16", 16), 0x07: ("font_8x16", 16)}


# ---- colours ---------------------------------------------------------------------------------------------------------

def attribute_register(bios, index: int, value: int) -> None:
    """Write a register of the attribute controller and leave the picture on."""
    bios.port_in(bios.word(layout.CRTC_PORT) + 6)       # the next write to 3C0h is an index
    bios.port_out(0x3C0, index & 0x1F)
    bios.port_out(0x3C0, value)
    bios.port_out(0x3C0, 0x20)


def read_attribute_register(bios, index: int) -> int:
    bios.port_in(bios.word(layout.CRTC_PORT) + 6)
    bios.port_out(0x3C0, index & 0x1F)
    value = bios.port_in(0x3C1)
    bios.port_in(bios.word(layout.CRTC_PORT) + 6)
    bios.port_out(0x3C0, 0x20)
    return value


@service(0x10, 0x0B, "set border colour or palette")
def set_border(bios, call):
    old = bios.byte(layout.VIDEO_PALETTE)
    if call.bh == 0:
        bios.set_byte(layout.VIDEO_PALETTE, old & 0xE0 | call.bl & 0x1F)
        attribute_register(bios, 0x11, call.bl & 0x0F)
    elif call.bh == 1:
        bios.set_byte(layout.VIDEO_PALETTE, old & 0xDF | (call.bl & 1) << 5)


@service(0x10, 0x1000, "set palette register")
def set_palette_register(bios, call):
    attribute_register(bios, call.bl, call.bh)


@service(0x10, 0x1001, "set border colour")
def set_overscan(bios, call):
    attribute_register(bios, 0x11, call.bh)


@service(0x10, 0x1002, "set all palette registers")
def set_palette(bios, call):
    values = call.read("es", call.dx, 17)
    for index, value in enumerate(values[:16]):
        attribute_register(bios, index, value)
    attribute_register(bios, 0x11, values[16])


@service(0x10, 0x1003, "blinking or bright background")
def set_blinking(bios, call):
    control = read_attribute_register(bios, 0x10)
    attribute_register(bios, 0x10, control | 0x08 if call.bl & 1 else control & ~0x08)


@service(0x10, 0x1007, "get palette register")
def get_palette_register(bios, call):
    call.bh = read_attribute_register(bios, call.bl)


@service(0x10, 0x1008, "get border colour")
def get_overscan(bios, call):
    call.bh = read_attribute_register(bios, 0x11)


@service(0x10, 0x1009, "get all palette registers")
def get_palette(bios, call):
    values = bytes(read_attribute_register(bios, index) for index in (*range(16), 0x11))
    call.write("es", call.dx, values)


@service(0x10, 0x1010, "set DAC register")
def set_dac_register(bios, call):
    _write_dac(bios, call.bx & 0xFF, bytes([call.dh, call.ch, call.cl]))


@service(0x10, 0x1012, "set DAC registers")
def set_dac_registers(bios, call):
    _write_dac(bios, call.bx & 0xFF, call.read("es", call.dx, 3 * min(call.cx, 256)))


@service(0x10, 0x1015, "get DAC register")
def get_dac_register(bios, call):
    call.dh, call.ch, call.cl = _read_dac(bios, call.bx & 0xFF, 1)


@service(0x10, 0x1017, "get DAC registers")
def get_dac_registers(bios, call):
    call.write("es", call.dx, _read_dac(bios, call.bx & 0xFF, min(call.cx, 256)))


@service(0x10, 0x1018, "set pixel mask")
def set_pixel_mask(bios, call):
    bios.port_out(0x3C6, call.bl)


@service(0x10, 0x1019, "get pixel mask")
def get_pixel_mask(bios, call):
    call.bl = bios.port_in(0x3C6)


def _write_dac(bios, first, values):
    bios.port_out(0x3C8, first)
    for value in values:
        bios.port_out(0x3C9, value)


def _read_dac(bios, first, count):
    bios.port_out(0x3C7, first)
    return bytes(bios.port_in(0x3C9) for _ in range(3 * count))


# ---- fonts -----------------------------------------------------------------------------------------------------------

def use_font_height(bios, height: int) -> None:
    """As many rows of characters of that height as the scan lines give: 16 lines 25 rows, 14 lines 28, 8 lines 50."""
    lines = mode_of(bios).height
    rows = lines // height
    columns = bios.word(layout.VIDEO_COLUMNS)
    bios.set_word(layout.VIDEO_FONT_HEIGHT, height)
    bios.set_byte(layout.VIDEO_LAST_ROW, rows - 1)
    size = rows * columns * 2
    bios.set_word(layout.VIDEO_PAGE_SIZE, (size + 0xFF) & 0xFF00 if rows != 25 else mode_of(bios).page_size)
    set_crtc(bios, 0x09, 0x40 | height - 1)             # maximum scan line; bit 6 belongs to line compare
    set_crtc(bios, 0x0A, height - 3 if height > 8 else 6)
    set_crtc(bios, 0x0B, height - 2 if height > 8 else 7)
    set_crtc(bios, 0x12, (rows * height - 1) & 0xFF)    # vertical display end, low byte


@service(0x10, 0x11, "fonts")
def fonts(bios, call):
    """Load (0xh), load and adapt the rows (1xh), choose for graphics (2xh), or tell (30h)."""
    function = call.al
    heights = {0x01: 14, 0x02: 8, 0x04: 16, 0x11: 14, 0x12: 8, 0x14: 16, 0x22: 14, 0x23: 8, 0x24: 16}
    if function == 0x30:
        _font_information(bios, call)
    elif function in (0x00, 0x01, 0x02, 0x03, 0x04):
        return                                          # the dots change, which text does not show
    elif function in (0x10, 0x11, 0x12, 0x14):
        use_font_height(bios, call.bh if function == 0x10 and call.bh else heights.get(function, 16))
    elif function == 0x20:                              # 8 by 8 characters 80h to FFh for the CGA's modes
        bios.set_word(layout.IVT + 4 * 0x1F, call.bp)
        bios.set_word(layout.IVT + 4 * 0x1F + 2, call.es)
    elif function == 0x21:
        bios.set_word(layout.IVT + 4 * 0x43, call.bp)
        bios.set_word(layout.IVT + 4 * 0x43 + 2, call.es)
    elif function in (0x22, 0x23, 0x24):
        point_to_font(bios, heights[function])
    else:
        bios.count_unimplemented(call)


def _font_information(bios, call):
    which = call.bh
    if which in (0x00, 0x01):
        vector = layout.IVT + 4 * (0x1F if which == 0 else 0x43)
        offset, segment = bios.word(vector), bios.word(vector + 2)
    elif which in FONT_POINTERS:
        offset, segment = bios.symbols[FONT_POINTERS[which][0]], layout.ROM_SEGMENT
    else:                                               # 03h and 04h: the two halves of 8 by 8
        offset = bios.symbols["font_8x8_high"] if which == 0x04 else layout.FONT_8X8
        segment = layout.ROM_SEGMENT
    call.es, call.bp = segment, offset
    call.cx = bios.word(layout.VIDEO_FONT_HEIGHT)
    call.dl = bios.byte(layout.VIDEO_LAST_ROW)


# ---- inventory -------------------------------------------------------------------------------------------------------

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
        options = options & ~0x90 | {0: 0x80, 1: 0x00}.get(argument, 0x10)
    elif function == 0x31:                              # load the default palette with a mode: 0 yes, 1 no
        options = options & ~0x08 | (argument & 1) << 3
    elif function == 0x32:                              # answer to the processor: 0 yes, 1 no
        value = bios.port_in(0x3CC)
        bios.port_out(0x3C2, value & ~0x02 if argument & 1 else value | 0x02)
    elif function == 0x33:                              # sum to shades of grey: 0 yes, 1 no
        options = options & ~0x02 | (0 if argument & 1 else 0x02)
    elif function == 0x34:                              # scale the cursor: 0 yes, 1 no
        control = bios.byte(layout.VIDEO_CONTROL)
        bios.set_byte(layout.VIDEO_CONTROL, control & ~1 | argument & 1)
    elif function == 0x36:                              # picture: 0 on, 1 off
        bios.port_out(0x3C4, 0x01)
        value = bios.port_in(0x3C5)
        bios.port_out(0x3C4, 0x01)
        bios.port_out(0x3C5, value | 0x20 if argument & 1 else value & ~0x20)
    else:
        bios.count_unimplemented(call)
        call.al = 0
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
    table[0:2] = bios.symbols["video_state"].to_bytes(2, "little")
    table[2:4] = layout.ROM_SEGMENT.to_bytes(2, "little")
    table[4:34] = memory.read(layout.VIDEO_MODE, 30)
    table[34] = bios.byte(layout.VIDEO_LAST_ROW) + 1
    table[35:37] = memory.read(layout.VIDEO_FONT_HEIGHT, 2)
    table[37] = bios.byte(layout.VIDEO_COMBINATION)
    colors = {"": 16, "planar": 16, "linear": 256}[mode.graphics]
    table[39:41] = (0 if mode is MODES[7] else colors).to_bytes(2, "little")
    table[41] = mode.pages
    table[42] = {200: 0, 350: 1, 400: 2, 480: 3}[mode.height]
    table[49] = 3                                       # 256 KB
    call.write("es", call.di, bytes(table))
    call.al = 0x1B


@service(0x10, 0x4F, "VESA")
def vesa(bios, call):
    """Not there: AL would be 4Fh if it were; AH = 1 says failed."""
    bios.count_unimplemented(call)
    call.ax = 0x0100


@service(0x10, None, "not implemented")
def nothing(bios, call):
    """A video BIOS leaves everything as it is."""
    bios.count_unimplemented(call)
