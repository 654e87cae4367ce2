"""EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL. Source: UEFI 2.10, section 12.4."""
from __future__ import annotations

from boot.uefi import tables
from boot.uefi.protocol import Protocol, method
from boot.uefi.tables import at_power_on
from boot.uefi.definitions import Guid, Status

COM1 = 0x3F8


class SimpleTextOutput(Protocol):
    """The console's output."""

    guid = Guid("387477c2-69c7-11d2-8e39-00a0c969723b")
    members = "Reset OutputString TestString QueryMode SetMode SetAttribute ClearScreen SetCursorPosition EnableCursor Mode:VOID*"

    @method("OutputString(IN CHAR16 *String)")
    def output_string(self, call, string):
        for byte in self.uefi.read_string(string).encode("utf-8", "replace"):
            self.uefi.machine.bus.write(COM1, byte, 1)
        return Status.SUCCESS


@at_power_on
def power_on(uefi):
    output = SimpleTextOutput(uefi)
    handle = uefi.install(0, output)
    tables.set_system_field(uefi, tables.CONSOLE_OUT_HANDLE, handle)
    tables.set_system_field(uefi, tables.CON_OUT, output.address)
    tables.set_system_field(uefi, tables.STANDARD_ERROR_HANDLE, handle)
    tables.set_system_field(uefi, tables.STD_ERR, output.address)
