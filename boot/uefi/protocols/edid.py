"""EFI_EDID_DISCOVERED_PROTOCOL and EFI_EDID_ACTIVE_PROTOCOL: what the monitor says of itself (x86/devices/vga_edid.py).

Both are on the adapter's handle and say the same, for nobody overrides it. Source: UEFI 2.10, section 12.9.
"""
from __future__ import annotations

from boot.uefi.definitions import Guid
from boot.uefi.protocol import Protocol
from boot.uefi.protocols.graphics_output import GraphicsOutput
from boot.uefi.tables import at_power_on


class EdidDiscovered(Protocol):
    """What was read from the monitor; `edid` is its address in guest memory, `length` its bytes."""

    guid = Guid("1c0c34f6-d380-41fa-a049-8ad06c1a66aa")
    members = "SizeOfEdid:UINT32 Edid:UINT8*"

    def __init__(self, uefi, edid, length):
        super().__init__(uefi)
        self.edid, self.length = edid, length

    def initial(self):
        return {"SizeOfEdid": self.length, "Edid": self.edid}


class EdidActive(EdidDiscovered):
    """What counts."""

    guid = Guid("bd8c1056-9f36-44ec-92a8-a6337f817986")
    members = EdidDiscovered.members


@at_power_on
def power_on(uefi):
    edid = uefi.machine.screen.linear.edid
    handle = uefi.database.with_protocol(GraphicsOutput.guid)[0].address
    for kind in (EdidDiscovered, EdidActive):
        address = uefi.allocate_pool(len(edid))
        uefi.write(address, edid)
        uefi.install(handle, kind(uefi, address, len(edid)))
