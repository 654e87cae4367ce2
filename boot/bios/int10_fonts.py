"""INT 10h AH=11h: characters. Loaded into the adapter for text, pointed to for graphics.

    00h 01h 02h 04h   load: of the caller's, 8 by 14, 8 by 8, 8 by 16        10h 11h 12h 14h   and adapt the rows
    03h               which two of the eight blocks are shown                20h to 24h        for graphics
    30h               where a font is

Source: Ralf Brown's Interrupt List, INT 10/AX=1100h to 1130h; IBM VGA Technical Reference, "RAM Loadable Character Generator".
"""
from __future__ import annotations

from boot import layout
from boot.bios.int10_video import load_characters, load_font, mode_of, read_crtc, set_crtc
from boot.bios.service import service

ROM_FONTS = {0x1: 14, 0x2: 8, 0x4: 16}                  # lower digit of the function: scan lines
GRAPHICS_FONTS = {0x22: 14, 0x23: 8, 0x24: 16}
GRAPHICS_ROWS = {1: 14, 2: 25, 3: 43}                   # by BL; 0 means DL
FONT_8X8_GRAPHICS, FONT_GRAPHICS = 0x1F, 0x43           # the vectors that are pointers to fonts


@service(0x10, 0x11, "fonts")
def fonts(bios, call):
    function = call.al
    if function == 0x30:
        _font_information(bios, call)
    elif function in (0x00, 0x10):
        height = call.bh
        glyphs = call.read("es", call.bp, call.cx * height) if height and call.cx <= 256 else b""
        if glyphs and height <= 32:
            load_characters(bios, glyphs, height, call.dx & 0xFF, call.bl)
            if function == 0x10:
                use_font_height(bios, height)
    elif function == 0x03:
        bios.port_out(0x3C4, 0x03)
        bios.port_out(0x3C5, call.bl)
    elif function & 0x0F in ROM_FONTS and function < 0x20:
        load_font(bios, ROM_FONTS[function & 0x0F], call.bl)
        if function & 0x10:
            use_font_height(bios, ROM_FONTS[function & 0x0F])
    elif function == 0x20:                              # 8 by 8 characters 80h to FFh for the CGA's modes
        _point(bios, FONT_8X8_GRAPHICS, call.es, call.bp)
    elif function == 0x21:
        _for_graphics(bios, call, call.es, call.bp, call.cx)
    elif function in GRAPHICS_FONTS:
        height = GRAPHICS_FONTS[function]
        _for_graphics(bios, call, layout.VIDEO_SEGMENT, bios.video_rom.labels[f"font_8x{height}"], height)
    else:
        bios.count_unimplemented(call)


def _point(bios, vector, segment, offset):
    bios.set_word(layout.IVT + 4 * vector, offset)
    bios.set_word(layout.IVT + 4 * vector + 2, segment)


def _for_graphics(bios, call, segment, offset, height):
    _point(bios, FONT_GRAPHICS, segment, offset)
    bios.set_word(layout.VIDEO_FONT_HEIGHT, height)
    bios.set_byte(layout.VIDEO_LAST_ROW, (GRAPHICS_ROWS.get(call.bl, 25) if call.bl else call.dl) - 1)


def use_font_height(bios, height: int) -> None:
    """As many rows of characters of that height as the picture's scan lines give: 400 lines are 25, 28 or 50 rows."""
    lines = read_crtc(bios, 0x12) + 1                   # vertical display end; bits 8 and 9 are in register 7
    overflow, scan = read_crtc(bios, 0x07), read_crtc(bios, 0x09)
    lines += (overflow & 0x02) << 7 | (overflow & 0x40) << 3
    rows = max(1, (lines // 2 if scan & 0x80 else lines) // height)
    columns = bios.word(layout.VIDEO_COLUMNS)
    first, last = (height - 3, height - 2) if height > 8 else (6, 7)
    for register, value in ((0x09, scan & 0xE0 | height - 1), (0x0A, first), (0x0B, last)):
        set_crtc(bios, register, value)
    bios.set_word(layout.CURSOR_SHAPE, first << 8 | last)
    bios.set_word(layout.VIDEO_FONT_HEIGHT, height)
    bios.set_byte(layout.VIDEO_LAST_ROW, rows - 1)
    bios.set_word(layout.VIDEO_PAGE_SIZE, mode_of(bios)._replace(columns=columns, rows=rows).page_size)


def _font_information(bios, call):
    """ES:BP -> a font, CX = scan lines of the characters in use, DL = rows - 1."""
    labels, which = bios.video_rom.labels, call.bh
    offsets = {0x02: labels["font_8x14"], 0x03: labels["font_8x8"], 0x04: labels["font_8x8"] + 128 * 8,
               0x05: labels["alternates"], 0x06: labels["font_8x16"], 0x07: labels["alternates"]}
    if which <= 0x01:
        vector = layout.IVT + 4 * (FONT_8X8_GRAPHICS if which == 0 else FONT_GRAPHICS)
        call.es, call.bp = bios.word(vector + 2), bios.word(vector)
    elif which in offsets:
        call.es, call.bp = layout.VIDEO_SEGMENT, offsets[which]
    else:
        bios.count_unimplemented(call)
        return
    call.cx = bios.word(layout.VIDEO_FONT_HEIGHT) & 0xFF
    call.dl = bios.byte(layout.VIDEO_LAST_ROW)
