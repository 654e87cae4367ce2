"""Video memory as the processor sees it: 256 KB of four planes, behind windows between A0000h and BFFFFh.

Planes lie side by side at the start of the frame buffer, so that an offset is four bytes there, one of each plane:

    frame buffer   4 * offset + plane          0  1  2  3 | 0  1  2  3 | ...

Which byte an address means is up to the sequencer's memory mode and the graphics controller's mode:

    chain-4      plane = address & 3,  offset = address >> 2     mode 13h, and what the display interface shows by banks
    odd/even     plane = address & 1,  offset = address >> 1     text (0 characters, 1 attributes), CGA graphics
    planar       all planes,           offset = address          modes 0Dh to 12h, mode X, and plane 2 with the fonts

(On the chip the first two leave gaps between the offsets, which the CRT controller's doubleword and word modes skip in turn;
here, as in QEMU, there are no gaps, and the CRT controller's counter always is an offset.)

While nothing stands between the processor and a chained or odd/even byte, the window is plain RAM at full speed: chain-4 is an
alias of the frame buffer; odd/even is memory of its own (PAIRS), from which planes 0 and 1 are put back into their places
when the mode changes. All else asks here, byte by byte. The frame buffer's own address shows no text while text is in PAIRS,
and reading plain memory fills no latches.

Source: IBM VGA Technical Reference, "Video Memory Organization", "Sequencer Registers", "Graphics Controller Registers".
"""
from __future__ import annotations

from x86.devices import font
from x86.devices.vga_linear import FRAME_BUFFER, FRAME_BUFFER_SIZE

MEMORY, MEMORY_SIZE = 0xA0000, 0x20000
#: Where the processor sees the memory, by bits 3 and 2 of graphics controller register 6: (start, size)
WINDOWS = ((0xA0000, 0x20000), (0xA0000, 0x10000), (0xB0000, 0x8000), (0xB8000, 0x8000))
WINDOW = "VGA window"
PAIRS, PAIRS_SIZE = (1 << 52) - 0x20000, 0x20000    # beyond the addresses that any processor has: only windows show it
PLANE_SIZE = 0x10000
FONT_SIZE, GLYPH_SIZE = 0x2000, 32              # bytes in plane 2

ALL = 0xFFFF_FFFF                               # every bit of every plane; plane 0 is the lowest byte
EACH = 0x0101_0101
#: Four bits, one a plane -> FFh in each plane whose bit is set
SPREAD = tuple(sum(0xFF << 8 * plane for plane in range(4) if bits >> plane & 1) for bits in range(16))


class VideoMemory:
    """The memory of a `vga`, and the windows through which the processor sees it. Its latches are in `vga.latches`."""

    def __init__(self, vga, memory):
        self.vga, self.memory = vga, memory
        self.alias = (0, 0, 0)                  # start, size and target of the plain window; size 0: there is none
        self.packed = 0                         # so many bytes of PAIRS hold what planes 0 and 1 would
        self.start = self.size = self.bank = 0  # the window; offset in bytes that the bank adds to an address in it
        self.limit = 0                          # mask of offsets
        self.chained = self.halved = self.by_parity = False
        memory.map_ram(PAIRS, PAIRS_SIZE, "VGA text")
        memory.map_alias(0, 0, WINDOW, 0)
        memory.map_mmio(MEMORY, MEMORY_SIZE, "VGA", self.read, self.write)

    def reset(self) -> None:
        """As firmware leaves it in text mode: an empty screen, and the character set in the first font of plane 2."""
        self.follow(move=False)
        self.memory.write(PAIRS, bytes(WINDOWS[3][1]))
        self.load_font(font.table(16), 16)

    def clear(self, size: int) -> None:
        """Zero the first `size` bytes of the frame buffer, and so of the planes."""
        self.memory.write(FRAME_BUFFER, bytes(size))
        if self.packed:
            self.memory.write(PAIRS, bytes(min(self.packed, size // 2)))

    def load_font(self, glyphs: bytes, height: int, number: int = 0) -> None:
        """Put 256 characters of `height` bytes into one of the eight fonts."""
        at, size = FRAME_BUFFER + 4 * font_offset(number), 4 * FONT_SIZE
        planes = bytearray(self.memory.read(at, size))
        for line in range(height):
            planes[4 * line + 2::4 * GLYPH_SIZE] = glyphs[line::height]
        self.memory.write(at, planes)

    # ---- the mode ----------------------------------------------------------------------------------------------------

    def follow(self, move: bool = True) -> None:
        """The registers may have changed: find the window, and what of it is plain. `move`: contents follow the mode."""
        vga = self.vga
        graphics, linear = vga.graphics, vga.linear
        dots = linear.enabled and linear.depth != 4                     # bytes are dots, whatever the VGA's mode
        mode, maps = (0x0E, 0x0F) if dots else (vga.sequencer[4], vga.sequencer[2])
        self.start, self.size = start, size = WINDOWS[graphics[6] >> 2 & 3] if vga.answers else (MEMORY, 0)
        self.bank = linear.bank_offset if graphics[6] & 0x0C == 4 else 0
        # Planes have 64 KB; all of the frame buffer, for the display interface's banks; 16 KB without extended memory
        self.limit = (FRAME_BUFFER_SIZE // 4 if linear.enabled else PLANE_SIZE) - 1 if mode & 2 else 0x3FFF
        self.chained = bool(mode & 8)
        self.halved = bool(graphics[5] & 0x10)
        self.by_parity = not mode & 4
        straight = not (graphics[1] or graphics[3] or graphics[5] & 0x0B) and graphics[8] == 0xFF   # stored as written
        alias, packed = (0, 0, 0), 0
        if self.chained:
            if size and (dots or straight and maps == 0x0F and size >> 2 <= self.limit + 1):
                alias = start, size, FRAME_BUFFER + self.bank
        elif size and self.halved and self.by_parity and straight and maps == 0x03 and not graphics[4] & 2 \
                and not self.bank and size >> 1 <= self.limit + 1:
            alias, packed = (start, size, PAIRS), size
        if packed != self.packed:
            if move:
                self._unpack()
            self.packed = packed
            if move:
                self._pack()
        if alias != self.alias:
            self.alias = alias
            self.memory.map_alias(alias[0], alias[1], WINDOW, alias[2])

    def _unpack(self):
        """What is in PAIRS goes to planes 0 and 1."""
        if self.packed:
            self.memory.write(FRAME_BUFFER, self.planes(2 * self.packed))

    def _pack(self):
        """What is in planes 0 and 1 goes to PAIRS."""
        if self.packed:
            planes, pairs = self.memory.read(FRAME_BUFFER, 2 * self.packed), bytearray(self.packed)
            pairs[0::2], pairs[1::2] = planes[0::4], planes[1::4]
            self.memory.write(PAIRS, pairs)

    # ---- what is in it, for pictures ---------------------------------------------------------------------------------

    def planes(self, size: int = 4 * PLANE_SIZE) -> bytearray:
        """The first `size` bytes of the planes, side by side, wherever they are kept."""
        planes, count = bytearray(self.memory.read(FRAME_BUFFER, size)), min(self.packed, size // 2)
        pairs = self.memory.read(PAIRS, count)
        planes[0:2 * count:4], planes[1:2 * count:4] = pairs[0::2], pairs[1::2]
        return planes

    def pairs(self, offset: int, count: int) -> bytes:
        """`count` bytes of plane 0 and of plane 1 in turns, from an offset on, which wraps."""
        found = b""
        while count:
            offset &= PLANE_SIZE - 1
            inside = offset < self.packed // 2
            some = min(count, (self.packed // 2 if inside else PLANE_SIZE) - offset)
            if inside:
                found += self.memory.read(PAIRS + 2 * offset, 2 * some)
            else:
                planes, pairs = self.memory.read(FRAME_BUFFER + 4 * offset, 4 * some), bytearray(2 * some)
                pairs[0::2], pairs[1::2] = planes[0::4], planes[1::4]
                found += pairs
            offset, count = offset + some, count - some
        return found

    def font(self, number: int) -> bytes:
        """One of the eight fonts of plane 2: 256 characters of 32 lines."""
        at = FRAME_BUFFER + 4 * font_offset(number)
        return self.memory.read(at, 4 * FONT_SIZE)[2::4]

    # ---- accesses that are not plain ---------------------------------------------------------------------------------

    def read(self, address: int, size: int) -> int:
        """`size` bytes from A0000h + `address` on, each of which fills the latches."""
        return sum(self._read(address + place) << 8 * place for place in range(size))

    def _read(self, address):
        at = MEMORY + address - self.start
        if not 0 <= at < self.size:
            return 0xFF
        vga = self.vga
        graphics = vga.graphics
        plane, at = graphics[4], at + self.bank
        if self.chained:
            plane, at = at & 3, at >> 2
        elif self.halved:
            plane, at = plane & 2 | at & 1, at >> 1
        vga.latches = latches = self.memory.read_number(FRAME_BUFFER + 4 * (at & self.limit), 4)
        if graphics[5] & 8:                     # read mode 1: which dots have the colour?
            differs = (latches ^ SPREAD[graphics[2]]) & SPREAD[graphics[7]]
            return ~(differs | differs >> 8 | differs >> 16 | differs >> 24) & 0xFF
        return latches >> 8 * plane & 0xFF

    def write(self, address: int, value: int, size: int) -> None:
        """`size` bytes to A0000h + `address` and on, through the graphics controller's data path."""
        for _ in range(size):
            self._write(address, value & 0xFF)
            address, value = address + 1, value >> 8

    def _write(self, address, value):
        at = MEMORY + address - self.start
        if not 0 <= at < self.size:
            return
        vga = self.vga
        graphics, latches = vga.graphics, vga.latches
        at += self.bank
        planes = SPREAD[vga.sequencer[2]]
        if self.chained:
            planes &= 0xFF << 8 * (at & 3)
        elif self.by_parity:
            planes &= 0x00FF_00FF << 8 * (at & 1)
        place = FRAME_BUFFER + 4 * ((at >> 2 if self.chained else at >> 1 if self.halved else at) & self.limit)
        mode, rotate, mask = graphics[5] & 3, graphics[3] & 7, graphics[8]
        if mode == 1:                           # the latches as they are
            data = latches
        else:
            if mode == 2:                       # a colour
                data = SPREAD[value & 0x0F]
            else:
                value = (value >> rotate | value << 8 - rotate) & 0xFF
                if mode == 0:                   # the byte in every plane, but for those that set/reset fills
                    fill = SPREAD[graphics[1]]
                    data = value * EACH & ~fill | SPREAD[graphics[0]] & fill
                else:                           # set/reset's colour where the byte has ones
                    data, mask = SPREAD[graphics[0]], mask & value
            function = graphics[3] >> 3
            if function == 1:
                data &= latches
            elif function == 2:
                data |= latches
            elif function == 3:
                data ^= latches
            if mask != 0xFF:
                data = data & mask * EACH | latches & ~(mask * EACH)
        if planes != ALL:
            data = data & planes | self.memory.read_number(place, 4) & ~planes
        self.memory.write_number(place, data, 4)


def font_offset(number: int) -> int:
    """Where one of the eight fonts starts in plane 2: 0, 4000h, 8000h, C000h, and then 2000h behind each."""
    return (number & 3) << 14 | (number & 4) << 11
