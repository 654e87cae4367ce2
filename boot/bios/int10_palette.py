"""INT 10h AH=0Bh and 10h: the border, the attribute controller's palette, and the colours of the DAC.

    dot of four bits -> attribute controller, palette: 6 bits (or 4, and 2 of the colour select register)
                     -> with the colour select register's upper bits 8 -> pixel mask -> DAC: 18 bits

Source: Ralf Brown's Interrupt List, INT 10/AX=1000h to 101Bh; IBM VGA Technical Reference, "Attribute Controller".
"""
from __future__ import annotations

from boot import layout
from boot.bios.int10_video import mode_of
from boot.bios.service import service
from boot.bios.video_modes import CGA, brightness

MODE_CONTROL, BORDER, COLOR_SELECT, LAST_REGISTER = 0x10, 0x11, 0x14, 0x14
GREY = 0x02                                             # of the mode options: colours become grey when they are set
SIXTEEN_PALETTES = 0x80                                 # of the mode control: bits 5 and 4 come from the colour select


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
    """BH=00h: BL is the border, in graphics the background too; bit 4 makes mode 4's colours bright. BH=01h: which three."""
    old, mode = bios.byte(layout.VIDEO_PALETTE), mode_of(bios)
    if call.bh == 0:
        bios.set_byte(layout.VIDEO_PALETTE, old & 0xE0 | call.bl & 0x1F)
        color = (call.bl & 0x07) | (call.bl & 0x08) << 1        # as the EGA's 200-line modes number the bright ones
        attribute_register(bios, BORDER, color)
        if mode.graphics:
            attribute_register(bios, 0x00, color)
        changed, clear, bits = mode.kind == CGA, ~0x10, call.bl & 0x10
    elif call.bh == 1:
        bios.set_byte(layout.VIDEO_PALETTE, old & 0xDF | (call.bl & 1) << 5)
        changed, clear, bits = mode.kind == CGA, ~0x01, call.bl & 1     # green, red, brown or cyan, magenta, white
    else:
        return
    if changed and mode.depth == 2:
        for index in (1, 2, 3):
            attribute_register(bios, index, read_attribute_register(bios, index) & clear | bits)


@service(0x10, 0x1000, "set palette register")
def set_palette_register(bios, call):
    if call.bl <= LAST_REGISTER:
        attribute_register(bios, call.bl, call.bh)


@service(0x10, 0x1001, "set border colour")
def set_overscan(bios, call):
    attribute_register(bios, BORDER, call.bh)


@service(0x10, 0x1002, "set all palette registers")
def set_palette(bios, call):
    values = call.read("es", call.dx, 17)
    for index, value in enumerate(values[:16]):
        attribute_register(bios, index, value)
    attribute_register(bios, BORDER, values[16])


@service(0x10, 0x1003, "blinking or bright background")
def set_blinking(bios, call):
    control = read_attribute_register(bios, MODE_CONTROL)
    attribute_register(bios, MODE_CONTROL, control | 0x08 if call.bl & 1 else control & ~0x08)


@service(0x10, 0x1007, "get palette register")
def get_palette_register(bios, call):
    if call.bl <= LAST_REGISTER:
        call.bh = read_attribute_register(bios, call.bl)


@service(0x10, 0x1008, "get border colour")
def get_overscan(bios, call):
    call.bh = read_attribute_register(bios, BORDER)


@service(0x10, 0x1009, "get all palette registers")
def get_palette(bios, call):
    values = bytes(read_attribute_register(bios, index) for index in (*range(16), BORDER))
    call.write("es", call.dx, values)


@service(0x10, 0x1010, "set DAC register")
def set_dac_register(bios, call):
    _write_dac(bios, call.bx & 0xFF, bytes([call.dh, call.ch, call.cl]))


@service(0x10, 0x1012, "set DAC registers")
def set_dac_registers(bios, call):
    _write_dac(bios, call.bx & 0xFF, call.read("es", call.dx, 3 * min(call.cx, 256)))


@service(0x10, 0x1013, "select page of colours")
def select_color_page(bios, call):
    """BL=00h: BH = 0 for four pages of 64 colours, 1 for sixteen of 16. BL=01h: BH = the page."""
    control = read_attribute_register(bios, MODE_CONTROL)
    if not call.bl & 1:
        attribute_register(bios, MODE_CONTROL, control & ~SIXTEEN_PALETTES | (call.bh & 1) << 7)
    else:
        attribute_register(bios, COLOR_SELECT, (call.bh if control & SIXTEEN_PALETTES else call.bh << 2) & 0x0F)


@service(0x10, 0x101A, "get page of colours")
def get_color_page(bios, call):
    sixteen = read_attribute_register(bios, MODE_CONTROL) >> 7
    page = read_attribute_register(bios, COLOR_SELECT) & 0x0F
    call.bl, call.bh = sixteen, page if sixteen else page >> 2


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


@service(0x10, 0x101B, "sum to shades of grey")
def sum_to_grey(bios, call):
    first, count = call.bl, min(call.cx, 256)
    _write_dac(bios, first, _greys(_read_dac(bios, first, count)))


def _greys(colors):
    """Three values a colour -> its brightness three times."""
    return b"".join(bytes([brightness(*colors[at:at + 3])] * 3) for at in range(0, len(colors), 3))


def _write_dac(bios, first, values):
    if bios.byte(layout.VIDEO_MODE_OPTIONS) & GREY:
        values = _greys(values)
    bios.port_out(0x3C8, first)
    for value in values:
        bios.port_out(0x3C9, value)


def _read_dac(bios, first, count):
    bios.port_out(0x3C7, first)
    return bytes(bios.port_in(0x3C9) for _ in range(3 * count))
