"""EFI_GRAPHICS_OUTPUT_PROTOCOL: the adapter's modes, its frame buffer, and rectangles of dots to and from it.

    EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE      00 MaxMode  04 Mode  08 Info  10 SizeOfInfo  18 FrameBufferBase  20 FrameBufferSize
    EFI_GRAPHICS_OUTPUT_MODE_INFORMATION   00 Version  04 HorizontalResolution  08 VerticalResolution  0C PixelFormat
                                           10 PixelInformation (4 masks)  20 PixelsPerScanLine

The adapter's handle has a device path; the console's has the protocol, too, as where EDK2's console splitter is.

Source: UEFI 2.10, section 12.9.
"""
from __future__ import annotations

import struct

from boot.uefi.definitions import PAGE, Guid, Status
from boot.uefi.device_path import BY_NAME, pci, pci_root
from boot.uefi.memory_map import OutOfMemory
from boot.uefi.pixels import DOT, Pixels
from boot.uefi.protocol import Protocol, method
from boot.uefi.tables import at_power_on
from x86.devices.vga_linear import FRAME_BUFFER, PREFERRED

#: (width, height) by number: what OVMF has, but for widths that are no multiple of eight, and 2000 by 2000
MODES = (PREFERRED, (640, 480), (800, 480), (800, 600), (832, 624), (960, 640), (1024, 600), (1024, 768), (1152, 864),
         (1152, 870), (1280, 720), (1280, 760), (1280, 768), (1280, 960), (1280, 1024), (1360, 768), (1400, 1050), (1440, 900),
         (1600, 900), (1600, 1200), (1680, 1050), (1920, 1080), (1920, 1200), (1920, 1440), (2048, 1536), (2048, 2048),
         (2560, 1440), (2560, 1600))
BLUE_GREEN_RED_RESERVED = 1             # PixelBlueGreenRedReserved8BitPerColor
MODE, INFORMATION = struct.Struct("<IIQQQQ"), struct.Struct("<IIII16xI")
VIDEO_FILL, VIDEO_TO_BUFFER, BUFFER_TO_VIDEO, VIDEO_TO_VIDEO = range(4)

DEVICE_PATH = Guid("09576e91-6d3f-11d2-8e39-00a0c969723b")
CONSOLE_OUT_DEVICE = Guid("d3b36f2c-d551-11d4-9a46-0090273fc14d")       # EDK2's mark of a device that is part of the console
#: PciRoot(0x0)/Pci(0x2,0x0)/AcpiAdr(0x80010100): the adapter's first output, a monitor
ADAPTER_PATH = pci_root(pci(2, 0), BY_NAME["AcpiAdr"].build(ADR=0x80010100))


def information(number: int) -> bytes:
    """EFI_GRAPHICS_OUTPUT_MODE_INFORMATION of a mode."""
    width, height = MODES[number]
    return INFORMATION.pack(0, width, height, BLUE_GREEN_RED_RESERVED, width)


class GraphicsOutput(Protocol):
    """The adapter. mode is the number of the present mode; both addresses are those of the structures above."""

    guid = Guid("9042a9de-23dc-4a38-96fb-7aded080516a")
    members = "QueryMode SetMode Blt Mode:VOID*"

    def __init__(self, uefi):
        super().__init__(uefi)
        self.mode = 0
        self.mode_address = uefi.allocate_pool(MODE.size)
        self.information_address = uefi.allocate_pool(INFORMATION.size)
        self.pixels = Pixels(uefi.machine)
        self.change_mode(0)

    def initial(self):
        return {"Mode": self.mode_address}

    def change_mode(self, number: int) -> None:
        """Set a mode, all black, and write what programs read of it."""
        self.mode = number
        width, height = MODES[number]
        self.uefi.machine.screen.linear.set_mode(width, height)
        size = -(-width * height * DOT // PAGE) * PAGE
        self.uefi.write(self.mode_address, MODE.pack(len(MODES), number, self.information_address, INFORMATION.size, FRAME_BUFFER,
                                                     size))
        self.uefi.write(self.information_address, information(number))

    @method("QueryMode(IN UINT32 ModeNumber, OUT UINTN *SizeOfInfo, OUT EFI_GRAPHICS_OUTPUT_MODE_INFORMATION **Info)")
    def query_mode(self, call, number, size, pointer):
        if number >= len(MODES) or not size or not pointer:
            return Status.INVALID_PARAMETER
        try:
            address = self.uefi.allocate_pool(INFORMATION.size)
        except OutOfMemory:
            return Status.OUT_OF_RESOURCES
        self.uefi.write(address, information(number))
        self.uefi.write_u64(size, INFORMATION.size)
        self.uefi.write_u64(pointer, address)
        return Status.SUCCESS

    @method("SetMode(IN UINT32 ModeNumber)")
    def set_mode(self, call, number):
        if number >= len(MODES):
            return Status.UNSUPPORTED
        self.change_mode(number)
        self.uefi.console.picture_changed()
        return Status.SUCCESS

    @method("Blt(IN OUT EFI_GRAPHICS_OUTPUT_BLT_PIXEL *BltBuffer OPTIONAL, IN EFI_GRAPHICS_OUTPUT_BLT_OPERATION BltOperation, "
            "IN UINTN SourceX, IN UINTN SourceY, IN UINTN DestinationX, IN UINTN DestinationY, IN UINTN Width, IN UINTN Height, "
            "IN UINTN Delta OPTIONAL)")
    def blt(self, call, buffer, operation, x, y, to_x, to_y, width, height, delta):
        shown = self.pixels.size
        if operation > VIDEO_TO_VIDEO or not width or not height or not buffer and operation != VIDEO_TO_VIDEO:
            return Status.INVALID_PARAMETER
        if operation in (VIDEO_TO_BUFFER, VIDEO_TO_VIDEO) and (x + width > shown[0] or y + height > shown[1]):
            return Status.INVALID_PARAMETER
        if operation != VIDEO_TO_BUFFER and (to_x + width > shown[0] or to_y + height > shown[1]):
            return Status.INVALID_PARAMETER
        delta = delta or width * DOT
        if operation == VIDEO_FILL:
            self.pixels.fill(to_x, to_y, width, height, self.uefi.read(buffer, DOT))
        elif operation == VIDEO_TO_VIDEO:
            self.pixels.copy(x, y, to_x, to_y, width, height)
        elif operation == BUFFER_TO_VIDEO:
            rows = self._rows(buffer + y * delta + x * DOT, width, height, delta)
            self.pixels.write(to_x, to_y, width, height, b"".join(self.uefi.read(*row) for row in rows))
        else:
            dots, start = self.pixels.read(x, y, width, height), 0
            for address, length in self._rows(buffer + to_y * delta + to_x * DOT, width, height, delta):
                self.uefi.write(address, dots[start:start + length])
                start += length
        return Status.SUCCESS

    @staticmethod
    def _rows(start, width, height, delta):
        """(address, bytes) of each row of a rectangle in a buffer; rows that touch are one. Addresses have 64 bits."""
        if delta == width * DOT:
            return [(start & 0xFFFFFFFFFFFFFFFF, delta * height)]
        return [(start + row * delta & 0xFFFFFFFFFFFFFFFF, width * DOT) for row in range(height)]


@at_power_on
def power_on(uefi):
    """The adapter's handle. The console gets the same interface once it exists (simple_text_output.py)."""
    path = uefi.allocate_pool(len(ADAPTER_PATH))
    uefi.write(path, ADAPTER_PATH)
    handle = uefi.install(0, DEVICE_PATH, path)
    uefi.install(handle, CONSOLE_OUT_DEVICE, 0)
    uefi.install(handle, GraphicsOutput(uefi))
