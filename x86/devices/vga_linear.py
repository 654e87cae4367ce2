"""The adapter's other face: the Bochs display interface, a frame buffer that is plain memory, dot by dot.

    1CE  index    1CF, 1D0  data, both 16 bits wide:

    0 identity B0C0..B0C5    4 enable: 0 on  1 tell maxima  5 DAC of 8 bits  7 keep memory
    1 width in dots          5 bank                 8 first dot shown, x
    2 height                 6 virtual width        9 first dot shown, y
    3 bits a dot             7 virtual height       A memory in units of 64 KB (read only)

Memory is PCI region 0, and what is in it is what is seen: bytes blue, green, red, unused with 32 bits a dot. Region 2 has the
registers as memory:  000 EDID   400 ports 3C0-3DF   500 these registers   600 size of what follows, 604 byte order.
Both lie where firmware puts them and answer there always: the base address registers tell their size, but move nothing.
The bank is what the VGA's window of 64 KB at A0000h shows of the memory, and while the interface is on, the VGA's own registers
are bent to its mode; when it is switched off they stay so, until somebody sets another mode.

Source: Bochs' VBE display interface; QEMU, docs/specs/standard-vga and what its `-vga std` answers.
"""
from __future__ import annotations

from x86.devices.device import Device
from x86.devices.vga_edid import edid

FRAME_BUFFER, FRAME_BUFFER_SIZE = 0xFD00_0000, 16 << 20
REGISTERS, REGISTERS_SIZE = 0xFEBF_0000, 0x1000
IDENTITY, WIDTH, HEIGHT, DEPTH, ENABLE, BANK, VIRTUAL_WIDTH, VIRTUAL_HEIGHT, X, Y, MEMORY_64K = range(11)
ON, TELL_MAXIMA, DAC_8_BIT, KEEP_MEMORY = 0x01, 0x02, 0x20, 0x80
IDENTITIES = range(0xB0C0, 0xB0C6)
MAXIMA = {WIDTH: 16000, HEIGHT: 12000, DEPTH: 32}
#: Bits in memory by bits a dot; any other depth becomes 8
BITS = {4: 4, 8: 8, 15: 16, 16: 16, 24: 24, 32: 32}
LITTLE_ENDIAN = 0x1E1E_1E1E
PREFERRED = (1280, 800)                 # what the EDID asks for, and firmware sets


class Dispi(Device):
    """The Bochs display interface of the adapter. Off at power-on: then the VGA's registers say what is seen."""

    name = "dispi"
    STATE = ("index", "registers", "bank_offset")

    def __init__(self, machine):
        super().__init__(machine)
        self.edid = edid(*PREFERRED)
        machine.memory.map_ram(FRAME_BUFFER, FRAME_BUFFER_SIZE, "frame buffer")
        machine.memory.map_mmio(REGISTERS, REGISTERS_SIZE, "display registers", self._read_memory, self._write_memory)
        machine.bus.add(self.name, 0x1CE, 4, read=self._read, write=self._write, widths=(1, 2))
        self.reset()

    def reset(self) -> None:
        """Off. What is in the frame buffer stays."""
        self.index = 0
        self.registers = [0xB0C5] + [0] * (MEMORY_64K - 1)
        self.bank_offset = 0                    # what the bank adds to addresses in the VGA's window

    # ---- what is on the screen ----------------------------------------------------------------------------------------

    @property
    def enabled(self) -> bool:
        """Whether the screen shows the frame buffer, and not what the VGA's registers say."""
        return bool(self.registers[ENABLE] & ON)

    @property
    def dac_8_bit(self) -> bool:
        """Whether the DAC's values have eight bits, not six."""
        return bool(self.registers[ENABLE] & DAC_8_BIT)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in dots."""
        return self.registers[WIDTH], self.registers[HEIGHT]

    @property
    def depth(self) -> int:
        """Bits a dot: 4 (planes), 8, 15, 16, 24 or 32."""
        return self.registers[DEPTH]

    @property
    def pitch(self) -> int:
        """Bytes from a dot to the one below."""
        return self.registers[VIRTUAL_WIDTH] * BITS[self.depth] // 8

    @property
    def start(self) -> int:
        """Address of the dot in the upper left corner."""
        return FRAME_BUFFER + self.registers[X] * BITS[self.depth] // 8 + self.registers[Y] * self.pitch

    def set_mode(self, width: int, height: int, depth: int = 32) -> None:
        """Show the frame buffer, all of it black, as firmware does it by the ports."""
        for index, value in ((ENABLE, 0), (WIDTH, width), (HEIGHT, height), (DEPTH, depth), (ENABLE, ON)):
            self.write_register(index, value)

    # ---- registers ----------------------------------------------------------------------------------------------------

    def read_register(self, index: int) -> int:
        if index == MEMORY_64K:
            return FRAME_BUFFER_SIZE >> 16
        if index in MAXIMA and self.registers[ENABLE] & TELL_MAXIMA:
            return MAXIMA[index]
        return self.registers[index] if index < MEMORY_64K else 0

    def write_register(self, index: int, value: int) -> None:
        registers = self.registers
        if index == ENABLE:
            self._enable(value)
        elif index == BANK:
            registers[BANK] = value & (FRAME_BUFFER_SIZE >> 16) - 1
            self.bank_offset = registers[BANK] << 16
            self.machine.devices["vga"].follow_linear()
        elif index == IDENTITY:
            if value in IDENTITIES:
                registers[IDENTITY] = value
        elif index in (WIDTH, HEIGHT, DEPTH, VIRTUAL_WIDTH, X, Y):
            registers[index] = value
            if self.enabled:
                self._make_possible()
                self.machine.devices["vga"].follow_linear()

    def _enable(self, value):
        registers = self.registers
        if value & ON and not self.enabled:
            registers[VIRTUAL_WIDTH] = registers[X] = registers[Y] = 0
            self._make_possible()
            if not value & KEEP_MEMORY:
                self.machine.devices["vga"].video.clear(self.pitch * registers[HEIGHT])
        else:
            self.bank_offset = 0
        registers[ENABLE] = value
        self.machine.devices["vga"].follow_linear()

    def impose(self, graphics: bytearray, crtc: bytearray) -> None:
        """Make the VGA's registers say what can be said there of the mode that is on."""
        last = self.registers[HEIGHT] - 1
        graphics[5] = graphics[5] & ~0x60 | (0 if self.depth == 4 else 0x40)
        graphics[6] = graphics[6] & ~0x0C | 0x05        # graphics, 64 KB at A0000h
        crtc[0x01] = (self.registers[WIDTH] >> 3) - 1 & 0xFF
        crtc[0x07] = crtc[7] & ~0x42 | 0x10 | last >> 7 & 0x02 | last >> 3 & 0x40
        crtc[0x09] = crtc[9] & 0x60 | 0x40              # no line twice
        crtc[0x12] = last & 0xFF
        crtc[0x13] = self.pitch >> 3 & 0xFF
        crtc[0x17] |= 0x03                              # no CGA
        crtc[0x18] = 0xFF                               # no split screen

    def _make_possible(self):
        """Change what cannot be to what can: widths by eight dots, and the whole picture inside the memory."""
        registers = self.registers
        if registers[DEPTH] not in BITS:
            registers[DEPTH] = 8
        registers[WIDTH] = min(registers[WIDTH] & ~7, MAXIMA[WIDTH]) or 8
        registers[VIRTUAL_WIDTH] = max(min(registers[VIRTUAL_WIDTH] & ~7, MAXIMA[WIDTH]), registers[WIDTH])
        lines = FRAME_BUFFER_SIZE // self.pitch
        registers[HEIGHT] = min(registers[HEIGHT] or 1, MAXIMA[HEIGHT], lines)
        registers[X] = min(registers[X], MAXIMA[WIDTH])
        registers[Y] = min(registers[Y], MAXIMA[HEIGHT])
        shown = self.pitch * registers[HEIGHT]
        for coordinate in (Y, X):
            if self.start + shown > FRAME_BUFFER + FRAME_BUFFER_SIZE:
                registers[coordinate] = 0
        registers[VIRTUAL_HEIGHT] = lines & 0xFFFF

    # ---- 1CEh to 1D1h: only whole words count -------------------------------------------------------------------------

    def _read(self, offset, size):
        if size == 1:
            return 0xFF
        return self.index if offset == 0 else self.read_register(self.index)

    def _write(self, offset, value, size):
        if size == 1:
            return
        if offset == 0:
            self.index = value
        else:
            self.write_register(self.index, value)

    # ---- PCI region 2 -------------------------------------------------------------------------------------------------

    def _read_memory(self, offset, size):
        if offset < 0x400:
            return int.from_bytes(self.edid[offset:offset + size], "little")
        if offset < 0x420:
            return self.machine.bus.read(0x3C0 + offset - 0x400, min(size, 4))
        if 0x500 <= offset < 0x500 + 2 * (MEMORY_64K + 1):
            return self.read_register(offset - 0x500 >> 1)
        return {0x600: 8, 0x604: LITTLE_ENDIAN}.get(offset, 0)

    def _write_memory(self, offset, value, size):
        if 0x400 <= offset < 0x420:
            self.machine.bus.write(0x3C0 + offset - 0x400, value, min(size, 4))
        elif 0x500 <= offset < 0x500 + 2 * (MEMORY_64K + 1):
            self.write_register(offset - 0x500 >> 1, value & 0xFFFF)
