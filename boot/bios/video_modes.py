"""The video modes that INT 10h can set, and the VGA registers that make each of them.

A mode is a row: what it shows, where its memory is, and the register sets that IBM's BIOS writes for it. Modes above
13h belong to the VESA BIOS extension (vbe_modes.py): their registers are the Bochs display interface's.

Source: IBM VGA Technical Reference, "Mode Initialization": register values by mode. Modes 0 and 2 (and 1 and 3, 4 and 5)
differ only in the colour burst that a VGA does not have.
"""
from __future__ import annotations

import struct
from typing import NamedTuple

from boot.layout import COLOR_TEXT, GRAPHICS_MEMORY, MONO_TEXT

# Attribute controller: colour -> DAC index
CGA_16 = "00 01 02 03 04 05 14 07 38 39 3A 3B 3C 3D 3E 3F"
CGA_4 = "00 13 15 17 02 04 06 07 10 11 12 13 14 15 16 17"
CGA_2 = "00 17 17 17 17 17 17 17 17 17 17 17 17 17 17 17"
EGA_16 = "00 01 02 03 04 05 06 07 10 11 12 13 14 15 16 17"
EGA_MONO = "00 08 00 00 18 18 00 00 00 08 00 00 00 18 00 00"
VGA_2 = "00 3F 00 3F 00 3F 00 3F 00 3F 00 3F 00 3F 00 3F"
LINEAR_16 = "00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F"
MONO_16 = "00 08 08 08 08 08 08 08 10 18 18 18 18 18 18 18"

TEXT, CGA, PLANAR, LINEAR, DIRECT = "text", "cga", "planar", "linear", "direct"


class Registers(NamedTuple):
    """What the VGA is told, as hexadecimal text in index order."""
    miscellaneous: int          # port 3C2h
    sequencer: str              # 3C4h, 1 to 4
    crtc: str                   # 3D4h or 3B4h, 0 to 18h
    graphics: str               # 3CEh, 0 to 8
    attributes: str             # 3C0h, 10h to 14h, behind the palette
    palette: str                # 3C0h, 0 to 0Fh

    @property
    def crtc_port(self) -> int:
        return 0x3D4 if self.miscellaneous & 1 else 0x3B4


class Mode(NamedTuple):
    """One video mode."""
    number: int
    kind: str                   # TEXT; CGA (two or one bits a dot), PLANAR, LINEAR (a byte a dot), DIRECT (its colours)
    width: int                  # dots, in text modes too
    height: int
    depth: int                  # bits a dot; 4 in text modes
    columns: int                # characters a row
    rows: int
    font_height: int            # scan lines a character
    memory: int                 # physical address
    pages: int
    colors: str                 # which default colours the DAC gets: "ega", "cga", "mono", "vga"
    registers: Registers
    cga_mode: int = 0x29        # BDA 465h
    vesa: bool = False          # made by the Bochs display interface

    @property
    def graphics(self) -> bool:
        return self.kind != TEXT

    @property
    def planes(self) -> int:
        """Which of the four planes hold dots; 0 where dots lie side by side."""
        return 0x0F if self.kind == PLANAR else 0x01 if self.kind == CGA and self.depth == 1 else 0

    @property
    def page_size(self) -> int:
        """Bytes from one page to the next: whole 2 KB of text, 16 KB as on a CGA, whole 8 KB of one plane."""
        if not self.graphics:
            return -(-self.columns * self.rows * 2 // 0x800) * 0x800
        return 0x4000 if self.kind == CGA else -(-self.width * self.height // 8 // 0x2000) * 0x2000


_GC_TEXT, _GC_MONO, _GC_PLANAR = "00 00 00 00 00 10 0E 00 FF", "00 00 00 00 00 10 0A 00 FF", "00 00 00 00 00 00 05 0F FF"
_AC_9, _AC_8, _AC_MONO = "0C 00 0F 08 00", "0C 00 0F 00 00", "0E 00 0F 08 00"

#: Scan lines -> registers of the text modes with 40 and with 80 columns
TEXT_40 = {
    200: Registers(0x63, "09 03 00 02", "2D 27 28 90 2B A0 BF 1F 00 C7 06 07 00 00 00 00 9C 8E 8F 14 1F 96 B9 A3 FF",
                   _GC_TEXT, _AC_8, EGA_16),
    350: Registers(0xA3, "09 03 00 02", "2D 27 28 90 2B A0 BF 1F 00 4D 0B 0C 00 00 00 00 83 85 5D 14 1F 63 BA A3 FF",
                   _GC_TEXT, _AC_8, CGA_16),
    400: Registers(0x67, "08 03 00 02", "2D 27 28 90 2B A0 BF 1F 00 4F 0D 0E 00 00 00 00 9C 8E 8F 14 1F 96 B9 A3 FF",
                   _GC_TEXT, _AC_9, CGA_16)}
TEXT_80 = {
    200: Registers(0x63, "01 03 00 02", "5F 4F 50 82 55 81 BF 1F 00 C7 06 07 00 00 00 00 9C 8E 8F 28 1F 96 B9 A3 FF",
                   _GC_TEXT, _AC_8, EGA_16),
    350: Registers(0xA3, "01 03 00 02", "5F 4F 50 82 55 81 BF 1F 00 4D 0B 0C 00 00 00 00 83 85 5D 28 1F 63 BA A3 FF",
                   _GC_TEXT, _AC_8, CGA_16),
    400: Registers(0x67, "00 03 00 02", "5F 4F 50 82 55 81 BF 1F 00 4F 0D 0E 00 00 00 00 9C 8E 8F 28 1F 96 B9 A3 FF",
                   _GC_TEXT, _AC_9, CGA_16)}
TEXT_MONO = {
    350: Registers(0xA6, "00 03 00 02", "5F 4F 50 82 55 81 BF 1F 00 4D 0B 0C 00 00 00 00 83 85 5D 28 0D 63 BA A3 FF",
                   _GC_MONO, _AC_MONO, MONO_16),
    400: Registers(0x66, "00 03 00 02", "5F 4F 50 82 55 81 BF 1F 00 4F 0D 0E 00 00 00 00 9C 8E 8F 28 0F 96 B9 A3 FF",
                   _GC_MONO, _AC_MONO, MONO_16)}
FONT_OF_LINES = {200: 8, 350: 14, 400: 16}

_DOTS_320x200x4 = Registers(
    0x63, "09 03 00 02", "2D 27 28 90 2B 80 BF 1F 00 C1 00 00 00 00 00 00 9C 8E 8F 14 00 96 B9 A2 FF",
    "00 00 00 00 00 30 0F 0F FF", "01 00 03 00 00", CGA_4)
_DOTS_640x200x2 = Registers(
    0x63, "01 01 00 06", "5F 4F 50 82 54 80 BF 1F 00 C1 00 00 00 00 00 00 9C 8E 8F 28 00 96 B9 C2 FF",
    "00 00 00 00 00 00 0D 0F FF", "01 00 01 00 00", CGA_2)
_DOTS_320x200 = Registers(
    0x63, "09 0F 00 06", "2D 27 28 90 2B 80 BF 1F 00 C0 00 00 00 00 00 00 9C 8E 8F 14 00 96 B9 E3 FF",
    _GC_PLANAR, "01 00 0F 00 00", EGA_16)
_DOTS_640x200 = Registers(
    0x63, "01 0F 00 06", "5F 4F 50 82 54 80 BF 1F 00 C0 00 00 00 00 00 00 9C 8E 8F 28 00 96 B9 E3 FF",
    _GC_PLANAR, "01 00 0F 00 00", EGA_16)
_DOTS_640x350 = Registers(
    0xA3, "01 0F 00 06", "5F 4F 50 82 54 80 BF 1F 00 40 00 00 00 00 00 00 83 85 5D 28 0F 63 BA E3 FF",
    _GC_PLANAR, "01 00 0F 00 00", CGA_16)
_DOTS_640x350_MONO = _DOTS_640x350._replace(            # planes 0 and 2: dots, and whether they are bright
    miscellaneous=0xA2, graphics="00 00 00 00 00 00 05 05 FF", attributes="0B 00 05 00 00", palette=EGA_MONO)
DOTS_640x480 = Registers(
    0xE3, "01 0F 00 06", "5F 4F 50 82 54 80 0B 3E 00 40 00 00 00 00 00 00 EA 8C DF 28 00 E7 04 E3 FF",
    _GC_PLANAR, "01 00 0F 00 00", CGA_16)
DOTS_320x200x256 = Registers(
    0x63, "01 0F 00 0E", "5F 4F 50 82 54 80 BF 1F 00 41 00 00 00 00 00 00 9C 8E 8F 28 40 96 B9 A3 FF",
    "00 00 00 00 00 40 05 0F FF", "41 00 0F 00 00", LINEAR_16)

MODES: dict[int, Mode] = {mode.number: mode for mode in (
    Mode(0x00, TEXT, 360, 400, 4, 40, 25, 16, COLOR_TEXT, 8, "ega", TEXT_40[400], 0x2C),
    Mode(0x01, TEXT, 360, 400, 4, 40, 25, 16, COLOR_TEXT, 8, "ega", TEXT_40[400], 0x28),
    Mode(0x02, TEXT, 720, 400, 4, 80, 25, 16, COLOR_TEXT, 8, "ega", TEXT_80[400], 0x2D),
    Mode(0x03, TEXT, 720, 400, 4, 80, 25, 16, COLOR_TEXT, 8, "ega", TEXT_80[400], 0x29),
    Mode(0x04, CGA, 320, 200, 2, 40, 25, 8, COLOR_TEXT, 1, "cga", _DOTS_320x200x4, 0x2A),
    Mode(0x05, CGA, 320, 200, 2, 40, 25, 8, COLOR_TEXT, 1, "cga", _DOTS_320x200x4, 0x2E),
    Mode(0x06, CGA, 640, 200, 1, 80, 25, 8, COLOR_TEXT, 1, "cga", _DOTS_640x200x2, 0x1E),
    Mode(0x07, TEXT, 720, 400, 4, 80, 25, 16, MONO_TEXT, 8, "mono", TEXT_MONO[400], 0x29),
    Mode(0x0D, PLANAR, 320, 200, 4, 40, 25, 8, GRAPHICS_MEMORY, 8, "cga", _DOTS_320x200),
    Mode(0x0E, PLANAR, 640, 200, 4, 80, 25, 8, GRAPHICS_MEMORY, 4, "cga", _DOTS_640x200),
    Mode(0x0F, PLANAR, 640, 350, 1, 80, 25, 14, GRAPHICS_MEMORY, 2, "mono", _DOTS_640x350_MONO),
    Mode(0x10, PLANAR, 640, 350, 4, 80, 25, 14, GRAPHICS_MEMORY, 2, "ega", _DOTS_640x350),
    Mode(0x11, PLANAR, 640, 480, 1, 80, 30, 16, GRAPHICS_MEMORY, 1, "ega", DOTS_640x480._replace(palette=VGA_2)),
    Mode(0x12, PLANAR, 640, 480, 4, 80, 30, 16, GRAPHICS_MEMORY, 1, "ega", DOTS_640x480),
    Mode(0x13, LINEAR, 320, 200, 8, 40, 25, 8, GRAPHICS_MEMORY, 1, "vga", DOTS_320x200x256),
)}


def with_scan_lines(mode: Mode, lines: int) -> Mode:
    """A text mode as it is set when 200, 350 or 400 scan lines were asked for (INT 10h AH=12h BL=30h)."""
    sets = TEXT_MONO if mode.registers.crtc_port == 0x3B4 else TEXT_40 if mode.columns == 40 else TEXT_80
    if mode.graphics or lines not in sets:
        return mode
    dots = 9 if lines == 400 or sets is TEXT_MONO else 8
    return mode._replace(height=lines, width=mode.columns * dots, font_height=FONT_OF_LINES[lines], registers=sets[lines],
                         colors="cga" if lines == 200 else mode.colors)


def parameter_table() -> bytes:
    """The 29 sets of 64 bytes that IBM's BIOS has, and to which the pointer at 0040:00A8 leads.

        00 columns, rows - 1, scan lines a character    03 bytes a page    05 sequencer    09 miscellaneous output
        0A CRT controller    23 attribute controller    37 graphics controller
    """
    monochrome = with_scan_lines(MODES[7], 350)
    rows = [with_scan_lines(MODES[number], 200) for number in range(4)] + [MODES[4], MODES[5], MODES[6], monochrome]
    rows += [None] * 5 + [MODES[0x0D], MODES[0x0E], None, None, MODES[0x0F], MODES[0x10]]
    rows += [with_scan_lines(MODES[number], 350) for number in range(4)]
    rows += [MODES[1], MODES[3], MODES[7], MODES[0x11], MODES[0x12], MODES[0x13]]
    return b"".join(bytes(64) if mode is None else _parameters(mode) for mode in rows)


def _parameters(mode):
    registers = mode.registers
    head = struct.pack("<BBBH", mode.columns, mode.rows - 1, mode.font_height, mode.page_size & 0xFFFF)
    return head + bytes.fromhex(registers.sequencer) + bytes([registers.miscellaneous]) + bytes.fromhex(
        registers.crtc + registers.palette + registers.attributes[:-2] + registers.graphics)


# ---- the registers ---------------------------------------------------------------------------------------------------

def program_registers(bios, registers: Registers) -> None:
    """Write the whole register set. The miscellaneous output comes first: it says at which port the CRTC is."""
    out, crtc = bios.port_out, registers.crtc_port
    out(0x1CE, 0x0004, 2)
    out(0x1CF, 0x0000, 2)                               # the frame buffer gives the picture back to the VGA
    out(0x3C2, registers.miscellaneous)
    out(0x3C4, 0x00)
    out(0x3C5, 0x01)                                    # hold the sequencer while its registers change
    for index, value in enumerate(bytes.fromhex(registers.sequencer), 1):
        out(0x3C4, index)
        out(0x3C5, value)
    out(0x3C4, 0x00)
    out(0x3C5, 0x03)
    out(crtc, 0x11)
    out(crtc + 1, 0x00)                                 # bit 7 would protect registers 0 to 7
    for index, value in enumerate(bytes.fromhex(registers.crtc)):
        out(crtc, index)
        out(crtc + 1, value)
    for index, value in enumerate(bytes.fromhex(registers.graphics)):
        out(0x3CE, index)
        out(0x3CF, value)
    bios.port_in(crtc + 6)                              # the next write to 3C0h is an index
    for index, value in enumerate(bytes.fromhex(registers.palette + registers.attributes)):
        out(0x3C0, index)
        out(0x3C0, value)
    out(0x3C0, 0x20)                                    # bit 5: show the picture


# ---- the DAC's colours -----------------------------------------------------------------------------------------------

def load_palette(bios, colors: str, grey: bool = False) -> None:
    """Put default colours into the DAC: 256 entries of three 6-bit values. grey: only their brightness."""
    entries = DEFAULT_COLORS[colors]()
    if grey:
        entries = b"".join(bytes([brightness(*entries[at:at + 3])] * 3) for at in range(0, len(entries), 3))
    bios.port_out(0x3C6, 0xFF)
    bios.port_out(0x3C8, 0)
    for value in entries.ljust(768, b"\0"):
        bios.port_out(0x3C9, value)


def brightness(red: int, green: int, blue: int) -> int:
    """The grey of a colour: 30 % of red, 59 % of green, 11 % of blue."""
    return min(77 * red + 151 * green + 28 * blue + 0x80 >> 8, 0x3F)


def ega_64() -> bytes:
    """The 64 colours of an EGA, entry by its bits rgbRGB: capital letters weigh two thirds, small ones one third."""
    return bytes((0x2A if index >> bit & 1 else 0) + (0x15 if index >> bit + 3 & 1 else 0)
                 for index in range(64) for bit in (2, 1, 0))


def cga_16() -> bytes:
    """The sixteen colours of a CGA, brown among them."""
    return b"".join(ega_64()[3 * index:3 * index + 3] for index in bytes.fromhex(CGA_16))


def cga_64() -> bytes:
    """The same in the places where an EGA's 200-line modes look for them: bits .b.. IRGB, I twice."""
    sixteen = cga_16()
    return b"".join(sixteen[3 * color:3 * color + 3] for color in ((index >> 4 & 1) << 3 | index & 7 for index in range(64)))


def mono_64() -> bytes:
    """Black, normal twice, and bright, eight entries each, for the attribute controller's 00h, 08h, 10h and 18h."""
    return bytes((0x00, 0x2A, 0x2A, 0x3F)[index >> 3 & 3] for index in range(64) for _ in range(3))


def vga_256() -> bytes:
    """Mode 13h's colours: 16 as in text, 16 greys, then three brightnesses of three saturations of 24 hues."""
    colors = bytearray(cga_16())
    for grey in (0, 5, 8, 11, 14, 17, 20, 24, 28, 32, 36, 40, 45, 50, 56, 63):
        colors += bytes([grey] * 3)
    for top, floors in ((63, (0, 31, 45)), (28, (0, 14, 20)), (16, (0, 8, 11))):
        for floor in floors:
            steps = [floor + ((top - floor) * step + 1) // 4 for step in range(5)]
            up, down = steps[:4], steps[:0:-1]
            red = up + [top] * 8 + down + [floor] * 8
            for hue in range(24):                       # blue, magenta, red, yellow, green, cyan
                colors += bytes([red[hue], red[(hue - 8) % 24], red[(hue + 8) % 24]])
    return bytes(colors)


DEFAULT_COLORS = {"ega": ega_64, "cga": cga_64, "mono": mono_64, "vga": vga_256}
