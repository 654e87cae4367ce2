"""What INT 10h is asked, here and on QEMU: lists of calls (int10_script.py), and where the answers may differ, and why.

    PYTHONPATH=. python tests/bios/int10_cases.py [NAME...]     asks QEMU, and keeps its answers in int10_<name>.expected
"""
from __future__ import annotations

import random
import re
import sys
import zlib
from pathlib import Path

from int10_script import Script

HERE = Path(__file__).parent
BUFFER = 0x90000                                    # ES of the calls, where it does not matter: 9000h
GRAPHICS = {0x04: 8, 0x06: 8, 0x0D: 8, 0x0E: 8, 0x0F: 14, 0x10: 14, 0x11: 16, 0x12: 16, 0x13: 8}


def bios_data(script):
    """What of the BIOS data area a VGA has; 465h and 466h are the CGA's."""
    script.dump(0x449, 0x1C)
    script.dump(0x484, 7)


def registers(script, crtc=0x3D4, which=range(25)):
    """The VGA's registers, but for the graphics controller's 7, which text does not use."""
    script.port_in(0x3CC)
    for port, indices in ((0x3C4, range(5)), (crtc, which), (0x3CE, (*range(7), 8))):
        for index in indices:
            script.indexed(port, index)
    for index in range(21):
        script.attribute(index)


def characters(height, seed):
    """A font in which no two characters are alike, and none is empty."""
    source = random.Random(seed)
    return bytes(source.randrange(1, 256) for _ in range(256 * height))


def modes():
    """Every mode by number: BIOS data, registers, colours, kept memory."""
    script = Script()
    for mode in (0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0D, 0x0E, 0x10, 0x11, 0x12, 0x13):
        script.call(mode)
        script.call(mode)                           # QEMU's writes the CRTC before it moves the CRTC's port
        bios_data(script)
        registers(script, 0x3B4 if mode == 7 else 0x3D4)
        script.call(0x1017, cx=256, dx=0)
        script.dump(BUFFER, 768)
        script.call(0x0F00)
    script.call(0x0003)
    script.poke(0xB8000, b"kept")
    script.call(0x0083)
    script.dump(0xB8000, 6)
    script.call(0x0F00)
    script.call(0x1201, bx=0x0031)                  # no default colours
    script.poke(BUFFER, bytes(range(12)))
    script.call(0x1012, bx=0, cx=4)
    script.call(0x0003)
    script.call(0x1017, cx=4, dx=0x100)
    script.dump(BUFFER + 0x100, 12)
    script.call(0x1200, bx=0x0031)
    for unknown in (0x08, 0x0B, 0x14, 0x55, 0x7F):
        script.call(unknown)
        script.call(0x0F00)
    return script


def text():
    """Characters, scrolling and the cursor in text modes."""
    script = Script()
    for mode in (0x03, 0x01, 0x07):
        base, crtc = (0xB0000, 0x3B4) if mode == 7 else (0xB8000, 0x3D4)
        script.call(mode)
        script.call(mode)
        for character in b"Hello\r\nA\x07B\x08C\tD\x00\xFF":
            script.call(0x0E00 | character, bx=0x0300)
        script.call(0x0300)
        script.call(0x0200, dx=0x0A0A)
        script.call(0x0941, bx=0x001E, cx=5)
        script.call(0x0A42, bx=0x0077, cx=3)
        script.call(0x0A43, bx=0x0077, cx=0)
        script.call(0x0944, bx=0x012E, cx=200)      # on page 1
        script.call(0x0800)
        script.call(0x0800, bx=0x0100)
        script.dump(base, 0x2000)
        for ax, bx, cx, dx in ((0x0601, 0x1700, 0x0000, 0x184F), (0x0603, 0x2700, 0x0205, 0x0C14),
                               (0x0702, 0x3700, 0x0105, 0x0914), (0x0700, 0x4700, 0x0A00, 0x0A05),
                               (0x06FF, 0x5700, 0x0C00, 0x0E05), (0x0601, 0x6700, 0x0500, 0x0400),
                               (0x0601, 0x6700, 0x1400, 0xFFFF), (0x0701, 0x0100, 0x1740, 0x1890)):
            script.call(ax, bx=bx, cx=cx, dx=dx)
            script.dump(base, 0x1000)
        script.call(0x0502)
        script.call(0x0F00)
        script.call(0x0200, bx=0x0200, dx=0x0407)
        script.call(0x0E58)
        bios_data(script)
        for index in (0x0C, 0x0D, 0x0E, 0x0F):
            script.indexed(crtc, index)
        script.call(0x0500)
        script.poke(BUFFER, b"hi\r\nt\x07h\x08e")
        script.call(0x1301, bx=0x0004, cx=9, dx=0x0503)
        script.call(0x0300)
        script.poke(BUFFER, b"a\x01b\x82c\x03")
        for function in (0x1303, 0x1302):
            script.call(function, bx=0x0004, cx=3, dx=0x0603)
            script.call(0x0300)
        script.call(0x1300, bx=0x0035, cx=2, dx=0x0703)
        script.dump(base, 0x1000)
        for shape in (0x0607, 0x0D0E, 0x2000, 0x0407, 0x0507, 0x0707, 0x0102, 0x1F00, 0x0309, 0x0F0F):
            script.call(0x0100, cx=shape)
            script.call(0x0300)
            script.indexed(crtc, 0x0A)
            script.indexed(crtc, 0x0B)
        script.call(0x1201, bx=0x0034)
        script.call(0x0100, cx=0x0607)
        script.indexed(crtc, 0x0A)
        script.call(0x1200, bx=0x0034)
    return script


def graphics(mode):
    """Characters, scrolling and dots in a graphics mode, with a font that both have."""
    script, height = Script(), GRAPHICS[mode]

    def picture():
        if mode in (0x04, 0x06):
            for line in (0xB8000, 0xBA000):
                script.dump(line, 0x800)
        elif mode == 0x13:
            script.dump(0xA0000, 0x4000)
        else:
            for plane in range(4):
                script.port_out(0x3CE, 4)
                script.port_out(0x3CF, plane)
                script.dump(0xA0000, 0x0800)
    script.call(mode)
    script.call(mode)
    script.poke(0x80000, characters(height, 5))
    script.poke(0x88000, characters(8, 9))
    script.call(0x1121, cx=height, dx=25, es=0x8000)
    script.call(0x1120, es=0x8800)
    bios_data(script)
    script.dump(0x10C, 4)
    script.dump(0x07C, 4)
    for character in b"AB\x90\r\nX":
        script.call(0x0E00 | character, bx=0x0003)
    script.call(0x0300)
    script.call(0x0200, dx=0x0105)
    script.call(0x0941, bx=0x0006, cx=5)
    script.call(0x0943, bx=0x0085, cx=2)
    script.call(0x0A44, bx=0x0002, cx=3)
    picture()
    script.call(0x0A45, bx=0x0002, cx=90)
    script.call(0x0800)
    for x, y, color in ((0, 0, 1), (7, 3, 2), (8, 3, 0x83), (9, 9, 0x0F), (319, 19, 5), (319, 19, 0x81)):
        script.call(0x0C00 | color, cx=x, dx=y)
        script.call(0x0D00, cx=x, dx=y)
    picture()
    for ax, bx, cx, dx in ((0x0601, 0x0100, 0x0002, 0x0410), (0x0701, 0x0200, 0x0000, 0x184F), (0x0600, 0x0500, 0x0103, 0x0106),
                           (0x0601, 0x0300, 0x0000, 0x184F)):
        script.call(ax, bx=bx, cx=cx, dx=dx)
        picture()
    script.call(0x0200, dx=0x1800)
    for character in b"xyz\n\n":
        script.call(0x0E00 | character, bx=0x0002)
    script.poke(BUFFER, b"a\x01b\x82c\x03")
    script.call(0x1303, bx=0x0004, cx=3, dx=0x0003)
    script.call(0x0300)
    script.call(0x1300, bx=0x0004, cx=3, dx=0x0103)
    picture()
    return script


def colors():
    """AH=0Bh and 10h."""
    script = Script()
    script.call(0x0003)
    for bl, bh in ((0x00, 0x3F), (0x05, 0x11), (0x10, 0x08), (0x14, 0x01), (0x15, 0x07)):
        script.call(0x1000, bx=bh << 8 | bl)
        script.call(0x1007, bx=bl)
    script.call(0x1001, bx=0x0900)
    script.call(0x1008)
    script.poke(BUFFER, bytes(range(0x3F, 0x2E, -1)))
    script.call(0x1002)
    script.call(0x1009, dx=0x100)
    script.dump(BUFFER + 0x100, 17)
    for bl in (0, 1):
        script.call(0x1003, bx=bl)
        script.attribute(0x10)
    script.call(0x1010, bx=0x00F5, cx=0x0203, dx=0x0100)
    script.call(0x1015, bx=0x00F5)
    script.poke(BUFFER, bytes(range(1, 61)))
    script.call(0x1012, bx=3, cx=20)
    script.call(0x1017, bx=1, cx=25, dx=0x100)
    script.dump(BUFFER + 0x100, 75)
    script.call(0x101B, bx=4, cx=6)
    script.call(0x1017, bx=1, cx=25, dx=0x100)
    script.dump(BUFFER + 0x100, 75)
    for bx in (0x0100, 0x0301, 0x0000, 0x0201):
        script.call(0x1013, bx=bx)
        script.call(0x101A)
        script.attribute(0x14)
    script.call(0x1018, bx=0x0055)
    script.call(0x1019)
    for unknown in (0x1004, 0x1011, 0x101C, 0x10FF):
        script.call(unknown)
    script.call(0x0004)
    for bx in (0x0001, 0x0012, 0x0100, 0x0101, 0x0200):
        script.call(0x0B00, bx=bx)
        for index in range(4):
            script.attribute(index)
    return script


def fonts():
    """AH=11h: what is loaded where, and what becomes of the rows."""
    script = Script()
    script.call(0x0003)
    script.poke(0x80000, characters(20, 3))

    def loaded(block):
        """Plane 2, as programs read it."""
        for port, value in ((0x3C4, (2, 4, 4, 7)), (0x3CE, (4, 2, 5, 0, 6, 4))):
            for place, byte in enumerate(value):
                script.port_out(port + place % 2, byte)
        script.dump(0xA0000 + (block << 14), 0x400)
        for port, value in ((0x3C4, (2, 3, 4, 3)), (0x3CE, (4, 0, 5, 0x10, 6, 0x0E))):
            for place, byte in enumerate(value):
                script.port_out(port + place % 2, byte)
    script.call(0x1100, bx=0x1002, cx=8, dx=4, es=0x8000)
    loaded(2)
    script.call(0x1100, bx=0x1401, cx=16, dx=0, es=0x8000)
    loaded(1)
    script.call(0x1103, bx=0x0005)
    script.indexed(0x3C4, 3)
    for function, height in ((0x1112, 8), (0x1111, 14), (0x1114, 16), (0x1110, 20), (0x1110, 10), (0x1102, 8), (0x1114, 16)):
        script.call(function, bx=height << 8 if function == 0x1110 else 0, cx=256, es=0x8000)
        bios_data(script)
        for index in (0x07, 0x09, 0x0A, 0x0B, 0x12):
            script.indexed(0x3D4, index)
    for which in range(9):
        script.call(0x1130, bx=which << 8)
    script.call(0x0012)
    for function, bx, dx in ((0x1122, 1, 0), (0x1123, 2, 0), (0x1123, 3, 0), (0x1124, 0, 30)):
        script.call(function, bx=bx, dx=dx)
        script.dump(0x484, 3)
    return script


def adapter():
    """AH=12h, 1Ah, 1Bh, 1Ch and what does not exist."""
    script = Script()
    script.call(0x0003)
    script.call(0x1200, bx=0x0010)
    for ax, bx in ((0x1200, 0x30), (0x1201, 0x30), (0x1203, 0x30), (0x1202, 0x30), (0x1201, 0x31), (0x1200, 0x31), (0x1201, 0x33),
                   (0x1201, 0x34), (0x1200, 0x34), (0x1200, 0x99), (0x1200, 0x21)):
        script.call(ax, bx=bx)
        script.dump(0x487, 3)
    for ax in (0x1201, 0x1200):
        script.call(ax, bx=0x0032)
        script.port_in(0x3CC)
        script.call(ax, bx=0x0036)
        script.indexed(0x3C4, 1)
    script.call(0x1A00)
    script.call(0x1A01, bx=0x0007)
    script.call(0x1A00)
    script.call(0x1A01, bx=0x0008)
    script.call(0x1A02)
    script.call(0x1B00)
    script.dump(BUFFER + 4, 34)
    script.call(0x1B00, bx=0x0001)
    for ax in (0x0400, 0x1500, 0x1D00, 0x3000, 0x4E00, 0x7000, 0xFF00):
        script.call(ax)
    script.poke(BUFFER, bytes(0x800))
    script.call(0x1C01, bx=0, cx=7)
    script.call(0x0013)
    script.call(0x1C02, bx=0, cx=7)
    script.call(0x0F00)
    registers(script)
    for parts in (0x08, 0x10):
        script.call(0x1C00, cx=parts)
    script.call(0x1C03, cx=7)
    return script


def vesa():
    """AH=4Fh."""
    script = Script()
    script.poke(BUFFER, b"VBE2")
    script.call(0x4F00)
    script.dump(BUFFER, 6)
    script.dump(BUFFER + 0x0A, 10)
    script.dump(BUFFER + 0x22, 0xDE)
    for mode in (*range(0x100, 0x108), *range(0x10D, 0x120), *range(0x140, 0x14D), *range(0x175, 0x19A),
                 0x199, 0x1FF, 0x0FF, 0x8101):
        script.fill(BUFFER, 256, 0xEE)
        script.call(0x4F01, cx=mode)
        script.dump(BUFFER, 12)
        script.dump(BUFFER + 0x10, 0xF0)
    for mode in (0x100, 0x102, 0x115, 0x4118, 0x8101, 0xC101, 0x4102, 0x1FF, 0x0003, 0x8003, 0x4012, 0x0013, 0x81FF, 0x410D,
                 0x4199):
        script.call(0x4F02, bx=mode)
        script.call(0x4F03)
        script.call(0x0F00)
        bios_data(script)
        for index in range(11):
            script.dispi(index)
    script.call(0x4F02, bx=0x115)
    for bx, dx in ((0x000, 0), (0x001, 0), (0x000, 5), (0x100, 0), (0x000, 0xFF), (0x200, 0), (0x101, 0), (0x001, 3)):
        script.call(0x4F05, bx=bx, dx=dx)
    for bx, cx in ((1, 0), (0, 1000), (1, 0), (0, 801), (2, 3333), (4, 5), (0, 0), (2, 0), (0, 1), (1, 0)):
        script.call(0x4F06, bx=bx, cx=cx)
        script.dispi(6)
    for bx, cx, dx in ((0, 8, 100), (1, 0, 0), (0x80, 3, 50), (1, 0, 0), (3, 3, 3), (0, 0, 0)):
        script.call(0x4F07, bx=bx, cx=cx, dx=dx)
        script.dispi(8)
        script.dispi(9)
    script.call(0x4F02, bx=0x101)
    for bx in (0x0001, 0x0800, 0x0001, 0x0600, 0x0801, 0x0002, 0x0802):
        script.call(0x4F08, bx=bx)
        script.dispi(4)
    for bx in (0x0001, 0x0101, 0x0002, 0x0201, 0x0401, 0x0801, 0x0003, 0x0001):
        script.call(0x4F10, bx=bx)
    for ax in (0x4F0B, 0x4F0C, 0x4F11, 0x4F12, 0x4F14, 0x4FFF):
        script.call(ax)
    script.call(0x4F15)
    script.call(0x4F15, bx=0x0002)
    for dx in (1, 2):                               # saved and restored, with another mode in between
        script.call(0x4F04, cx=0x0F, dx=dx)
        script.call(0x4F03)
        script.dispi(1)
        script.dispi(4)
        script.call(0x0003)
    script.call(0x4F04, cx=0x0F, dx=3)
    script.call(0x4F04, cx=0x10, dx=0)
    for ax, bx in ((0x4F05, 0), (0x4F05, 0x100), (0x4F08, 1)):
        script.call(ax, bx=bx)
    return script


def vesa_text():
    """Characters in VESA modes, seen through the window of 64 KB. With planes, QEMU's draws nothing that can be read."""
    script = Script()
    for mode in (0x101, 0x105):
        script.call(0x4F02, bx=mode)
        script.poke(0x80000, characters(16, 5))
        script.call(0x1121, cx=16, dx=30, es=0x8000)
        for character in b"AB\x90\r\nX":
            script.call(0x0E00 | character, bx=0x0003)
        script.call(0x0200, dx=0x0105)
        script.call(0x0941, bx=0x0006, cx=5)
        script.call(0x0C05, cx=300, dx=17)
        script.call(0x0D00, cx=300, dx=17)
        script.call(0x0800)
        script.call(0x0601, bx=0x0100, cx=0x0002, dx=0x0310)
        script.dump(0xA0000, 0x4000)
    return script


CASES = {"modes": modes, "text": text, "colors": colors, "fonts": fonts, "adapter": adapter, "vesa": vesa, "vesa_text": vesa_text,
         **{f"graphics_{mode:02X}": lambda mode=mode: graphics(mode) for mode in GRAPHICS}}

#: (case, pattern of the line) -> why this BIOS answers otherwise
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("modes", r"AX=0007 .*3C0.0[08]:"): "QEMU's resets the flip-flop of 3C0h at 3DAh, but a monochrome VGA is at 3BAh",
    ("modes", r"AX=1017 .*90100"): "QEMU's keeps \"no default palette\" in 487h; a VGA's BIOS in bit 3 of 489h",
    ("adapter", r"AX=120[01] BX=0031 .*487"): "the same",
    ("colors", r"AX=1019"): "QEMU's adapter has no pixel mask",
    ("adapter", r"AX=1201 BX=0036 .*3C4.01"): "QEMU's does not switch the picture off",
    ("adapter", r"AX=1B00 .*90004"): "22h is the number of rows, not of the last; and the CGA's two registers have values",
    ("adapter", r"AX=0F00 .*in 3CC"): "QEMU's does not restore the miscellaneous output",
    ("graphics_0F", r"AX=1120 .*449"): "QEMU's has mode 0Fh, for monochrome screens, at the ports of colour",
    ("vesa", r"AX=4F01 .*CX=0(189|18B|18C|197|198|199) .*90010"): "QEMU's counts one picture more than there is memory for",
}


def lines(answers) -> list[str]:
    """One line an answer: the call before it, what it is, and its bytes, or of many their checksum."""
    found, call = [], ""
    for name, data in answers:
        if re.match(r"AX=", name):
            call = label = name
            if "1130" in name:
                data = data[:12] + data[16:]            # a font is where each of them has it
        else:
            label = f"{call} | {name}"
        found.append(f"{len(found):4} {label}: {data.hex(' ') if len(data) <= 40 else f'{zlib.crc32(data):08X}'}")
    return found


def expected(name: str) -> Path:
    return HERE / f"int10_{name}.expected"


if __name__ == "__main__":
    for case in sys.argv[1:] or CASES:
        told = lines(CASES[case]().qemu())
        expected(case).write_text("\n".join(told) + "\n")
        print(f"{case}: {len(told)} answers")
