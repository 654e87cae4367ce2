"""The video modes that INT 10h AH=00h can set, and the VGA registers that make each of them.

Source: IBM VGA Technical Reference, "Mode Initialization": register values by mode. Modes 0 and 2 (and 1 and 3) differ
only in the colour burst that a VGA does not have.
"""
from __future__ import annotations

from typing import NamedTuple

from boot.layout import COLOR_TEXT, GRAPHICS_MEMORY, MONO_TEXT

CGA_16 = "00 01 02 03 04 05 14 07 38 39 3A 3B 3C 3D 3E 3F"      # attribute controller: colour -> DAC index
LINEAR_16 = "00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F"
MONO_16 = "00 08 08 08 08 08 08 08 10 18 18 18 18 18 18 18"


class Mode(NamedTuple):
    """One video mode. Register values are hexadecimal text in index order."""
    number: int
    columns: int                # characters a row
    rows: int
    font_height: int            # scan lines a character
    memory: int                 # physical address
    page_size: int              # bytes a page
    pages: int
    graphics: str               # "" for text, "planar" for 12h, "linear" for 13h
    width: int                  # dots
    height: int
    crtc_port: int
    cga_mode: int               # BDA 465h
    miscellaneous: int          # port 3C2h
    sequencer: str              # 3C4h, 1 to 4
    crtc: str                   # 3D4h, 0 to 18h
    graphics_controller: str    # 3CEh, 0 to 8
    attributes: str             # 3C0h, 10h to 14h, behind the palette
    palette: str = CGA_16       # 3C0h, 0 to 0Fh


_TEXT_GRAPHICS = "00 00 00 00 00 10 0E 00 FF"
_TEXT_40 = "2D 27 28 90 2B A0 BF 1F 00 4F 0D 0E 00 00 00 00 9C 8E 8F 14 1F 96 B9 A3 FF"
_TEXT_80 = "5F 4F 50 82 55 81 BF 1F 00 4F 0D 0E 00 00 00 00 9C 8E 8F 28 1F 96 B9 A3 FF"
_MONO_80 = "5F 4F 50 82 55 81 BF 1F 00 4F 0D 0E 00 00 00 00 9C 8E 8F 28 0F 96 B9 A3 FF"

MODES: dict[int, Mode] = {mode.number: mode for mode in (
    Mode(0x00, 40, 25, 16, COLOR_TEXT, 0x0800, 8, "", 360, 400, 0x3D4, 0x2C, 0x67, "08 03 00 02", _TEXT_40,
         _TEXT_GRAPHICS, "0C 00 0F 08 00"),
    Mode(0x01, 40, 25, 16, COLOR_TEXT, 0x0800, 8, "", 360, 400, 0x3D4, 0x28, 0x67, "08 03 00 02", _TEXT_40,
         _TEXT_GRAPHICS, "0C 00 0F 08 00"),
    Mode(0x02, 80, 25, 16, COLOR_TEXT, 0x1000, 8, "", 720, 400, 0x3D4, 0x2D, 0x67, "00 03 00 02", _TEXT_80,
         _TEXT_GRAPHICS, "0C 00 0F 08 00"),
    Mode(0x03, 80, 25, 16, COLOR_TEXT, 0x1000, 8, "", 720, 400, 0x3D4, 0x29, 0x67, "00 03 00 02", _TEXT_80,
         _TEXT_GRAPHICS, "0C 00 0F 08 00"),
    Mode(0x07, 80, 25, 16, MONO_TEXT, 0x1000, 8, "", 720, 400, 0x3B4, 0x29, 0x66, "00 03 00 02", _MONO_80,
         "00 00 00 00 00 10 0A 00 FF", "0E 00 0F 08 00", MONO_16),
    Mode(0x12, 80, 30, 16, GRAPHICS_MEMORY, 0xA000, 1, "planar", 640, 480, 0x3D4, 0x29, 0xE3, "01 0F 00 06",
         "5F 4F 50 82 54 80 0B 3E 00 40 00 00 00 00 00 00 EA 8C DF 28 00 E7 04 E3 FF",
         "00 00 00 00 00 00 05 0F FF", "01 00 0F 00 00"),
    Mode(0x13, 40, 25, 8, GRAPHICS_MEMORY, 0x10000, 1, "linear", 320, 200, 0x3D4, 0x29, 0x63, "01 0F 00 0E",
         "5F 4F 50 82 54 80 BF 1F 00 41 00 00 00 00 00 00 9C 8E 8F 28 40 96 B9 A3 FF",
         "00 00 00 00 00 40 05 0F FF", "41 00 0F 00 00", LINEAR_16),
)}


def program_registers(bios, mode: Mode) -> None:
    """Write the whole register set, in the order that the VGA's own BIOS does it: the CRTC is unlocked first."""
    out, status = bios.port_out, mode.crtc_port + 6
    out(0x1CE, 0x0004, 2)
    out(0x1CF, 0x0000, 2)                               # the frame buffer gives the picture back to the VGA
    bios.port_out(0x3C2, mode.miscellaneous)
    out(0x3C4, 0x00)
    out(0x3C5, 0x01)                                    # hold the sequencer while its registers change
    for index, value in enumerate(bytes.fromhex(mode.sequencer), 1):
        out(0x3C4, index)
        out(0x3C5, value)
    out(0x3C4, 0x00)
    out(0x3C5, 0x03)
    out(mode.crtc_port, 0x11)
    out(mode.crtc_port + 1, 0x00)                       # bit 7 would protect registers 0 to 7
    for index, value in enumerate(bytes.fromhex(mode.crtc)):
        out(mode.crtc_port, index)
        out(mode.crtc_port + 1, value)
    for index, value in enumerate(bytes.fromhex(mode.graphics_controller)):
        out(0x3CE, index)
        out(0x3CF, value)
    bios.port_in(status)                                # the next write to 3C0h is an index
    for index, value in enumerate(bytes.fromhex(mode.palette + mode.attributes)):
        out(0x3C0, index)
        out(0x3C0, value)
    out(0x3C0, 0x20)                                    # bit 5: show the picture


def load_palette(bios, mode: Mode) -> None:
    """Put the mode's default colours into the DAC: 256 entries of three 6-bit values."""
    colors = vga_256() if mode.graphics == "linear" else ega_64()
    bios.port_out(0x3C6, 0xFF)
    bios.port_out(0x3C8, 0)
    for value in colors:
        bios.port_out(0x3C9, value)


def ega_64() -> bytes:
    """The 64 colours of an EGA, entry by its bits rgbRGB: capital letters weigh two thirds, small ones one third."""
    colors = bytearray()
    for index in range(64):
        for bit in (2, 1, 0):
            colors.append((0x2A if index >> bit & 1 else 0) + (0x15 if index >> (bit + 3) & 1 else 0))
    return bytes(colors)


def vga_256() -> bytes:
    """Mode 13h's colours: 16 as in text, 16 greys, then three brightnesses of three saturations of 24 hues."""
    colors = bytearray()
    sixteen = ega_64()
    for index in bytes.fromhex(CGA_16):
        colors += sixteen[3 * index:3 * index + 3]
    for grey in (0, 5, 8, 11, 14, 17, 20, 24, 28, 32, 36, 40, 45, 50, 56, 63):
        colors += bytes([grey] * 3)
    for top, floors in ((63, (0, 31, 45)), (28, (0, 14, 20)), (16, (0, 8, 11))):
        for floor in floors:
            steps = [floor + (top - floor) * step // 4 for step in range(5)]
            up, down = steps[:4], steps[:0:-1]
            red = up + [top] * 8 + down + [floor] * 8
            for hue in range(24):                       # blue, magenta, red, yellow, green, cyan
                colors += bytes([red[hue], red[(hue - 8) % 24], red[(hue + 8) % 24]])
    return bytes(colors) + bytes(768 - len(colors))
