"""The handle database: which handle has which protocols, where their interfaces are, and who opened them. Plain data.

Source: UEFI 2.10, section 7.3 "Protocol Handler Services".
"""
from __future__ import annotations

from dataclasses import dataclass, field

from boot.uefi.definitions import Guid


@dataclass
class Open:
    """One entry of OpenProtocolInformation."""
    agent: int
    controller: int
    attributes: int
    count: int = 1


@dataclass
class Interface:
    """A protocol on a handle: where its structure lies, and who has it open."""
    guid: Guid
    address: int
    opens: list[Open] = field(default_factory=list)


@dataclass
class Handle:
    """An EFI_HANDLE; `address` is its value, as the guest sees it."""
    address: int
    interfaces: dict[Guid, Interface] = field(default_factory=dict)


@dataclass
class Database:
    """All handles, in the order in which they came to be."""
    handles: dict[int, Handle] = field(default_factory=dict)

    def interface(self, handle: int, guid: Guid) -> Interface | None:
        """The interface of that protocol on that handle."""
        found = self.handles.get(handle)
        return found.interfaces.get(guid) if found else None

    def with_protocol(self, guid: Guid) -> list[Handle]:
        """The handles that have it, in order."""
        return [handle for handle in self.handles.values() if guid in handle.interfaces]
