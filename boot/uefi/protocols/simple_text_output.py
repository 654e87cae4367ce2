"""EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL: the console's output, and the standard error, which is the same.

    SIMPLE_TEXT_OUTPUT_MODE   00 MaxMode  04 Mode  08 Attribute  0C CursorColumn  10 CursorRow  14 CursorVisible

Like EDK2's console splitter it has several devices, so a character that only one of them can show is no unknown one.

Source: UEFI 2.10, section 12.4.
"""
from __future__ import annotations

import struct

from boot.uefi import tables
from boot.uefi.console import Console, printable
from boot.uefi.definitions import Guid, Status
from boot.uefi.protocol import Protocol, method
from boot.uefi.protocols.graphics_output import GraphicsOutput
from boot.uefi.tables import at_power_on

MODE = struct.Struct("<iiiiiB3x")
ATTRIBUTES = range(0x80)                # 6 5 4 background, 3 2 1 0 foreground


class SimpleTextOutput(Protocol):
    """uefi.console for programs. mode_address is that of its SIMPLE_TEXT_OUTPUT_MODE, which follows every call."""

    guid = Guid("387477c2-69c7-11d2-8e39-00a0c969723b")
    members = "Reset OutputString TestString QueryMode SetMode SetAttribute ClearScreen SetCursorPosition EnableCursor Mode:VOID*"

    def __init__(self, uefi, mode_address):
        super().__init__(uefi)
        self.mode_address = mode_address

    def initial(self):
        return {"Mode": self.mode_address}

    @method("Reset(IN BOOLEAN ExtendedVerification)")
    def reset(self, call, extended_verification):
        console = self.uefi.console
        if console.size_of(0) is None:          # somebody has set another kind of mode by the adapter's registers
            return Status.DEVICE_ERROR
        console.set_attribute(console.screen.attribute & 0x0F)          # EDK2 keeps the foreground
        console.set_mode(0)
        return self.done()

    @method("OutputString(IN CHAR16 *String)")
    def output_string(self, call, string):
        if not string:
            return Status.INVALID_PARAMETER
        whole = self.uefi.console.write(self.uefi.read_string(string))
        return self.done(Status.SUCCESS if whole else Status.WARN_UNKNOWN_GLYPH)

    @method("TestString(IN CHAR16 *String)")
    def test_string(self, call, string):
        if not string:
            return Status.INVALID_PARAMETER
        return Status.SUCCESS if printable(self.uefi.read_string(string)) else Status.UNSUPPORTED

    @method("QueryMode(IN UINTN ModeNumber, OUT UINTN *Columns, OUT UINTN *Rows)")
    def query_mode(self, call, number, columns, rows):
        size = self.uefi.console.size_of(number)
        if size is None:
            return Status.UNSUPPORTED
        if not columns or not rows:
            return Status.INVALID_PARAMETER
        self.uefi.write_u64(columns, size[0])
        self.uefi.write_u64(rows, size[1])
        return Status.SUCCESS

    @method("SetMode(IN UINTN ModeNumber)")
    def set_mode(self, call, number):
        if self.uefi.console.size_of(number) is None:
            return Status.UNSUPPORTED
        self.uefi.console.set_mode(number)
        return self.done()

    @method("SetAttribute(IN UINTN Attribute)")
    def set_attribute(self, call, attribute):
        if attribute not in ATTRIBUTES:
            return Status.UNSUPPORTED
        self.uefi.console.set_attribute(attribute)
        return self.done()

    @method("ClearScreen()")
    def clear_screen(self, call):
        self.uefi.console.clear()
        return self.done()

    @method("SetCursorPosition(IN UINTN Column, IN UINTN Row)")
    def set_cursor_position(self, call, column, row):
        screen = self.uefi.console.screen
        if column >= screen.columns or row >= screen.rows:
            return Status.UNSUPPORTED
        self.uefi.console.move(row, column)
        return self.done()

    @method("EnableCursor(IN BOOLEAN Visible)")
    def enable_cursor(self, call, visible):
        self.uefi.console.show_cursor(visible != 0)
        return self.done()

    def done(self, status: Status = Status.SUCCESS) -> Status:
        """Bring the Mode structure up to date; the status."""
        self.write_mode()
        return status

    def write_mode(self) -> None:
        """SIMPLE_TEXT_OUTPUT_MODE as it is now."""
        console = self.uefi.console
        screen = console.screen
        mode = MODE.pack(len(console.modes), console.mode, screen.attribute, screen.column, screen.row, screen.cursor_visible)
        self.uefi.write(self.mode_address, mode)


@at_power_on
def power_on(uefi):
    """Both handles: two interfaces with one structure of modes. The console's has the adapter's graphics output, too."""
    uefi.console = Console(uefi.machine)
    mode_address = uefi.allocate_pool(MODE.size)
    for handle_field, field in ((tables.CONSOLE_OUT_HANDLE, tables.CON_OUT), (tables.STANDARD_ERROR_HANDLE, tables.STD_ERR)):
        output = SimpleTextOutput(uefi, mode_address)
        tables.set_system_field(uefi, handle_field, uefi.install(0, output))
        tables.set_system_field(uefi, field, output.address)
    output.write_mode()
    graphics = uefi.database.with_protocol(GraphicsOutput.guid)[0].interfaces[GraphicsOutput.guid]
    uefi.install(uefi.read_u64(uefi.table.address + tables.CONSOLE_OUT_HANDLE), GraphicsOutput.guid, graphics.address)
