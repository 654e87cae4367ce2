"""The VGA: its registers, its text screen, and its time. Its memory is in vga_memory.py.

    3C0 attribute controller (index, data)   3C2 miscellaneous output, input status 0   3C3 enable   3C4 sequencer
    3C6-3C9 DAC   3CA feature control   3CC miscellaneous output   3CE graphics controller   3D4 CRT controller
    3DA input status 1   46E8 enable, where the adapter is a card

The CRT controller and input status 1 are at 3Bx instead where bit 0 of the miscellaneous output register is 0.
Nothing is drawn: who wants to see the screen reads `text`, `cells()`, or asks for a `screenshot`. Retrace follows from
the clock. Where vga_linear.py is on, its frame buffer is what is seen, and text is what firmware says it drew there
(`terminal`).

Source: IBM VGA Technical Reference (PS/2 Hardware Interface Technical Reference, "Video Subsystem"); port 46E8h: FreeVGA,
"Video Subsystem Enable".
"""
from __future__ import annotations

from x86.devices import font, vga_picture
from x86.devices.device import Device
from x86.devices.vga_memory import VideoMemory

DOT_CLOCK = 25_175_000                  # Hz, and with it 800 dots a line: 31.5 kHz, as in all of the VGA's own modes
LINE, VISIBLE = 800, 640
BLANK = str.maketrans("\0\xa0", "  ")   # what looks like a space
CP437 = dict(enumerate(font.CP437.translate(BLANK)))

#: What input status 0 tells of the switches, one for each clock that miscellaneous output selects: 1001, a colour display
SWITCHES = 0b1001

# Bits that exist
SEQUENCER = bytes.fromhex("03 3D 0F 3F 0E")
GRAPHICS = bytes.fromhex("0F 0F 0F 1F 03 7B 0F 0F FF")
ATTRIBUTES = bytes.fromhex("3F 3F 3F 3F 3F 3F 3F 3F 3F 3F 3F 3F 3F 3F 3F 3F EF FF 3F 0F 0F")

# Mode 3: 80 by 25 characters of 9 by 16 dots
TEXT_MISCELLANEOUS = 0x67
TEXT_SEQUENCER = bytes.fromhex("03 00 03 00 02")
TEXT_CRTC = bytes.fromhex("5F 4F 50 82 55 81 BF 1F 00 4F 0D 0E 00 00 00 00 9C 8E 8F 28 1F 96 B9 A3 FF")
TEXT_GRAPHICS = bytes.fromhex("00 00 00 00 00 10 0E 00 FF")
TEXT_ATTRIBUTES = bytes.fromhex("00 01 02 03 04 05 14 07 38 39 3A 3B 3C 3D 3E 3F 0C 00 0F 08 00")
#: The DAC's first 64 entries in text modes, 6 bits a colour: bits 2 1 0 are R G B, bits 5 4 3 the same at half weight
TEXT_DAC = bytes((42 if index & 4 >> color else 0) + (21 if index & 0x20 >> color else 0)
                 for index in range(64) for color in range(3))


class Vga(Device):
    """The adapter; machine.screen. It starts in mode 3, as firmware leaves it, for kernels that get no firmware.

    terminal   who knows what characters are in the frame buffer: an object with size, text, cells() and cursor; or None.
               No part of the state: it belongs to the firmware that sets it
    """

    name = "vga"
    STATE = ("miscellaneous", "feature", "sequencer_index", "sequencer", "graphics_index", "graphics", "crtc_index", "crtc",
             "attribute_index", "attribute_data_next", "attributes", "dac", "dac_mask", "dac_state", "dac_read", "dac_write",
             "latches", "enabled")

    def __init__(self, machine):
        super().__init__(machine)
        self.clock = machine.clock
        self.linear = machine.devices["dispi"]
        self.terminal = None
        self.video = VideoMemory(self, machine.memory)
        self.reset()
        self._readers = (
            lambda: self.attribute_index, self._read_attribute, self._read_switches, lambda: int(self.enabled),     # 3C0
            lambda: self.sequencer_index, self._read_sequencer, lambda: self.dac_mask, lambda: self.dac_state,
            lambda: self.dac_write // 3, self._read_dac, lambda: self.feature, lambda: 0,               # 3C8
            lambda: self.miscellaneous, lambda: 0, lambda: self.graphics_index, self._read_graphics)
        self._writers = (
            self._write_attribute, self._nothing, self._write_miscellaneous, lambda value: self._enable(value & 1),
            self._write_sequencer_index, self._write_sequencer, self._write_dac_mask, self._write_dac_read_index,
            self._write_dac_write_index, self._write_dac, self._nothing, self._nothing,
            self._nothing, self._nothing, self._write_graphics_index, self._write_graphics)
        bus = machine.bus
        bus.add(self.name, 0x3C0, 16, read=self._read, write=self._write)
        for color, base in ((False, 0x3B0), (True, 0x3D0)):
            bus.add(self.name, base + 4, 2, read=self._crtc_reader(color), write=self._crtc_writer(color))
            bus.add(self.name, base + 10, 1, read=self._status_reader(color), write=self._write_feature)
        bus.add(self.name, 0x46E8, 1, write=lambda offset, value, size: self._enable(value & 8))

    def reset(self) -> None:
        """Text mode 3, an empty screen, and the character set in plane 2."""
        self.enabled = True                     # answers at ports and in memory
        self.latches = 0                        # four bytes; plane 0 is the lowest
        self.miscellaneous = TEXT_MISCELLANEOUS
        self.feature = 0
        self.sequencer_index = self.graphics_index = self.crtc_index = 0
        self.sequencer = bytearray(TEXT_SEQUENCER)
        self.graphics = bytearray(TEXT_GRAPHICS)
        self.crtc = bytearray(TEXT_CRTC)
        self.attributes = bytearray(TEXT_ATTRIBUTES)
        self.attribute_index = 0x20             # bit 5: the palette belongs to the picture, not to the processor
        self.attribute_data_next = False        # what the next write to 3C0h is
        self.dac = bytearray(TEXT_DAC + bytes(768 - len(TEXT_DAC)))
        self.dac_mask = 0xFF
        self.dac_state = 0                      # 3 when the index was written for reading
        self.dac_read = self.dac_write = 0      # place in dac, 0..767
        self._measure()
        self.video.reset()

    def restore(self, state: dict) -> None:
        super().restore(state)
        self._measure()
        self.video.follow(move=False)           # what is in memory was restored with memory

    @property
    def answers(self) -> bool:
        """Whether the processor reaches video memory."""
        return self.enabled and bool(self.miscellaneous & 2)

    def follow_linear(self) -> None:
        """The display interface (vga_linear.py) was switched on or off, or changed: while it is on it has its way."""
        if self.linear.enabled:
            self.linear.impose(self.graphics, self.crtc)
            self._measure()
        self.video.follow()

    # ---- what is on the screen -------------------------------------------------------------------------------------

    @property
    def graphics_mode(self) -> bool:
        """Whether the screen shows dots and not characters."""
        return self.linear.enabled or bool(self.graphics[6] & 1)

    @property
    def blanked(self) -> bool:
        """Whether the screen is dark: the palette is with the processor (3C0h, bit 5), or the sequencer has it off."""
        return not self.attribute_index & 0x20 or bool(self.sequencer[1] & 0x20)

    @property
    def character_height(self) -> int:
        """Scan lines a character."""
        return (self.crtc[9] & 0x1F) + 1

    @property
    def size(self) -> tuple[int, int]:
        """(columns, rows) of the text screen; (0, 0) in graphics modes without a terminal."""
        if self.graphics_mode:
            return self.terminal.size if self._drawn else (0, 0)
        lines = self.visible_lines >> (self.crtc[9] >> 7)
        return self.crtc[1] + 1, lines // self.character_height

    @property
    def _drawn(self):
        """Whether there are characters in the frame buffer that somebody knows."""
        return self.linear.enabled and self.terminal is not None

    @property
    def start(self) -> int:
        """What the CRT controller's counter begins the picture with: an offset in the planes."""
        return self.crtc[0x0C] << 8 | self.crtc[0x0D]

    @property
    def line_compare(self) -> int:
        """The scan line behind which the counter begins again at 0. 1023 and more: none."""
        return self.crtc[0x18] | (self.crtc[7] & 0x10) << 4 | (self.crtc[9] & 0x40) << 3

    def row_offsets(self) -> list[int]:
        """Where in the planes each row of characters starts."""
        columns, rows = (0, 0) if self.graphics_mode else self.size
        offset, offsets, height = self.start, [], self.character_height
        for row in range(rows):
            offsets.append(offset)
            offset += 2 * self.crtc[0x13] or columns
            if row * height < self.line_compare <= (row + 1) * height:
                offset = 0
        return offsets

    def _rows(self):
        """The bytes of each row, character and attribute in turns."""
        columns = self.size[0]
        return [self.video.pairs(offset, columns) for offset in self.row_offsets()]

    @property
    def text(self) -> str:
        """The screen as lines of text without the spaces at their ends; "" in graphics modes without a terminal."""
        if self._drawn:
            return self.terminal.text
        return "\n".join(row[0::2].decode("latin-1").translate(CP437).rstrip() for row in self._rows())

    def cells(self) -> list[list[tuple[str, int]]]:
        """Rows of (character, attribute byte). The attribute:  7 blink  6 5 4 background  3 2 1 0 foreground"""
        if self._drawn:
            return self.terminal.cells()
        return [[(CP437[row[place]], row[place + 1]) for place in range(0, len(row), 2)] for row in self._rows()]

    @property
    def cursor(self) -> tuple[int, int] | None:
        """(row, column), or None where it is off or outside the screen."""
        if self._drawn:
            return self.terminal.cursor
        columns, rows = self.size
        first, last = self.crtc[0x0A], self.crtc[0x0B] & 0x1F
        if not rows or first & 0x20 or first & 0x1F > last:
            return None
        where = self.crtc[0x0E] << 8 | self.crtc[0x0F]
        row, column = divmod((where - self.start) % 0x10000, 2 * self.crtc[0x13] or columns)
        return (row, column) if row < rows and column < columns else None

    def screenshot(self, path) -> None:
        """Write the screen to `path` as a PNG. The cursor and characters that blink are shown in their bright phase."""
        vga_picture.write_png(path, *vga_picture.picture(self))

    # ---- time ------------------------------------------------------------------------------------------------------

    def _measure(self):
        """Work out the lines of a frame from the CRT controller. Bits 8 and 9 of the numbers lie in register 7:

            7 retrace 9   6 display end 9   5 total 9   4 line compare 8   3 blank 8   2 retrace 8   1 end 8   0 total 8
        """
        crtc = self.crtc
        overflow = crtc[7]
        self._lines = (crtc[6] | (overflow & 0x01) << 8 | (overflow & 0x20) << 4) + 2
        self.visible_lines = (crtc[0x12] | (overflow & 0x02) << 7 | (overflow & 0x40) << 3) + 1
        self._retrace = crtc[0x10] | (overflow & 0x04) << 6 | (overflow & 0x80) << 2
        self._retrace_lines = (crtc[0x11] - self._retrace) & 0x0F or 16

    def _status(self):
        """Input status 1:  3 vertical retrace   0 no display: horizontal or vertical blanking."""
        line, dot = divmod(self.clock.cycles(DOT_CLOCK), LINE)
        line %= self._lines
        blank = dot >= VISIBLE or line >= self.visible_lines
        return blank | (0 <= line - self._retrace < self._retrace_lines) << 3

    # ---- 3C0h to 3CFh ----------------------------------------------------------------------------------------------

    def _read(self, offset, size):
        return self._readers[offset]() if self.enabled or offset == 3 else 0xFF

    def _write(self, offset, value, size):
        if self.enabled or offset == 3:
            self._writers[offset](value)

    def _nothing(self, value):
        """A register that is read only, or does not matter."""

    def _enable(self, on):
        self.enabled = bool(on)
        self.video.follow()

    def _write_miscellaneous(self, value):
        self.miscellaneous = value & 0xEF
        self.video.follow()

    def _read_switches(self):
        """Input status 0:  4 the switch that bits 3 and 2 of miscellaneous output select."""
        return (SWITCHES >> (self.miscellaneous >> 2 & 3) & 1) << 4

    def _write_feature(self, offset, value, size):
        if self.enabled:
            self.feature = value

    def _write_attribute(self, value):
        """Index and data in turns; reading input status 1 makes the next one an index."""
        if self.attribute_data_next:
            index = self.attribute_index & 0x1F
            if index < len(ATTRIBUTES):
                self.attributes[index] = value & ATTRIBUTES[index]
        else:
            self.attribute_index = value & 0x3F
        self.attribute_data_next = not self.attribute_data_next

    def _read_attribute(self):
        index = self.attribute_index & 0x1F
        return self.attributes[index] if index < len(ATTRIBUTES) else 0

    def _write_sequencer_index(self, value):
        self.sequencer_index = value & 7

    def _write_sequencer(self, value):
        if self.sequencer_index < len(SEQUENCER):
            self.sequencer[self.sequencer_index] = value & SEQUENCER[self.sequencer_index]
            if self.sequencer_index in (2, 4):
                self.video.follow()

    def _read_sequencer(self):
        return self.sequencer[self.sequencer_index] if self.sequencer_index < len(SEQUENCER) else 0

    def _write_graphics_index(self, value):
        self.graphics_index = value & 0x0F

    def _write_graphics(self, value):
        if self.graphics_index < len(GRAPHICS):
            self.graphics[self.graphics_index] = value & GRAPHICS[self.graphics_index]
            if self.linear.enabled:
                self.follow_linear()
            elif self.graphics_index not in (0, 2, 7):
                self.video.follow()

    def _read_graphics(self):
        return self.graphics[self.graphics_index] if self.graphics_index < len(GRAPHICS) else 0

    # The DAC: an index to 3C7h (to read) or 3C8h (to write), then red, green, blue, and on to the next entry.

    def _write_dac_mask(self, value):
        self.dac_mask = value

    def _write_dac_read_index(self, value):
        self.dac_read = 3 * value
        self.dac_state = 3

    def _write_dac_write_index(self, value):
        self.dac_write = 3 * value
        self.dac_state = 0

    def _read_dac(self):
        value = self.dac[self.dac_read]
        self.dac_read = (self.dac_read + 1) % 768
        return value

    def _write_dac(self, value):
        self.dac[self.dac_write] = value & (0xFF if self.linear.dac_8_bit else 0x3F)
        self.dac_write = (self.dac_write + 1) % 768

    # ---- 3B4h, 3BAh and 3D4h, 3DAh ---------------------------------------------------------------------------------

    def _status_reader(self, color):
        def read(offset, size):
            if self.miscellaneous & 1 != color or not self.enabled:
                return 0xFF
            self.attribute_data_next = False
            return self._status()
        return read

    def _crtc_reader(self, color):
        def read(offset, size):
            if self.miscellaneous & 1 != color or not self.enabled:
                return 0xFF
            if offset == 0:
                return self.crtc_index
            return self.crtc[self.crtc_index] if self.crtc_index < len(self.crtc) else 0
        return read

    def _crtc_writer(self, color):
        def write(offset, value, size):
            if self.miscellaneous & 1 != color or not self.enabled:
                return
            index = self.crtc_index
            if offset == 0:
                self.crtc_index = value
            elif index < len(self.crtc):
                if index <= 7 and self.crtc[0x11] & 0x80:       # protected, but for bit 8 of line compare
                    value = self.crtc[7] & ~0x10 | value & 0x10 if index == 7 else self.crtc[index]
                self.crtc[index] = value
                if self.linear.enabled:
                    self.follow_linear()
                elif index in (6, 7, 0x10, 0x11, 0x12):
                    self._measure()
        return write
