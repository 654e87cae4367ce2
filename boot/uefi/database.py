"""The handle database: which handle has which protocols, where their interfaces are, and who opened them. Plain data.

Two orders are seen by guests, and are those of EDK2: a handle's protocols come newest first (ProtocolsPerHandle), the handles
of a protocol in the order in which it was installed on them, last (re)installed last (LocateHandle).

Source: UEFI 2.10, section 7.3 "Protocol Handler Services".
"""
from __future__ import annotations

from dataclasses import dataclass, field

from boot.uefi.definitions import Guid

DEVICE_PATH = Guid("09576e91-6d3f-11d2-8e39-00a0c969723b")      # EFI_DEVICE_PATH_PROTOCOL
BY_HANDLE_PROTOCOL, GET_PROTOCOL, TEST_PROTOCOL, BY_CHILD_CONTROLLER, BY_DRIVER, EXCLUSIVE = (1 << bit for bit in range(6))


@dataclass
class Open:
    """One entry of OpenProtocolInformation."""
    agent: int
    controller: int
    attributes: int
    count: int = 1


@dataclass
class Interface:
    """A protocol on a handle: where its structure lies, and who has it open. order: grows with each that is installed."""
    guid: Guid
    address: int
    order: int = 0
    opens: list[Open] = field(default_factory=list)


@dataclass
class Handle:
    """An EFI_HANDLE; `address` is its value, as the guest sees it. key: of the database when it last changed."""
    address: int
    interfaces: dict[Guid, Interface] = field(default_factory=dict)
    key: int = 0


@dataclass
class Registration:
    """What RegisterProtocolNotify remembers. position: the order of the interface that LocateHandle returned last."""
    guid: Guid
    event: int
    position: int = 0


@dataclass
class Database:
    """All handles, in the order in which they came to be.

    protocols       GUID -> handle -> its interface, in the order of installation
    registrations   by the value that the caller got
    guids           GUID -> where it lies in memory, for those that ProtocolsPerHandle has returned
    key             grows with every change of a handle
    """
    handles: dict[int, Handle] = field(default_factory=dict)
    protocols: dict[Guid, dict[int, Interface]] = field(default_factory=dict)
    registrations: dict[int, Registration] = field(default_factory=dict)
    guids: dict[Guid, int] = field(default_factory=dict)
    key: int = 0

    def interface(self, handle: int, guid: Guid) -> Interface | None:
        """The interface of that protocol on that handle."""
        found = self.handles.get(handle)
        return found.interfaces.get(guid) if found else None

    def with_protocol(self, guid: Guid) -> list[Handle]:
        """The handles that have it, in order."""
        return [self.handles[handle] for handle in self.protocols.get(guid, ())]

    def next_of(self, registration: Registration) -> tuple[int, Interface] | None:
        """(handle, interface) of the first installation that LocateHandle did not return for it yet."""
        return next((item for item in self.protocols.get(registration.guid, {}).items()
                     if item[1].order > registration.position), None)

    def add(self, handle: int, guid: Guid, address: int) -> Interface:
        """Put a protocol on a handle that exists, or another structure (and nobody who has it open) in its place."""
        self.remove(handle, guid)
        self.key += 1
        interface = Interface(guid, address, self.key)
        self.handles[handle].interfaces[guid] = interface
        self.handles[handle].key = self.key
        self.protocols.setdefault(guid, {})[handle] = interface
        return interface

    def replace(self, handle: int, guid: Guid, address: int) -> None:
        """Another structure for a protocol, which is the last of its kind from now on, but keeps its place on the handle."""
        self.key += 1
        interface = self.protocols[guid].pop(handle)
        interface.address, interface.order = address, self.key
        self.handles[handle].key = self.key
        self.protocols[guid][handle] = interface

    def remove(self, handle: int, guid: Guid) -> None:
        """Take a protocol from a handle, if it is there. The handle stays."""
        if self.handles[handle].interfaces.pop(guid, None) is not None:
            self.key += 1
            self.handles[handle].key = self.key
            del self.protocols[guid][handle]

    def opens(self, handle: int) -> list[Open]:
        """All entries of all protocols of a handle, the newest protocol first."""
        interfaces = reversed(self.handles[handle].interfaces.values())
        return [each for interface in interfaces for each in interface.opens]

    def close_all(self, agent: int) -> None:
        """An agent is gone: what it opened is closed."""
        for handle in self.handles.values():
            for interface in handle.interfaces.values():
                interface.opens = [each for each in interface.opens if each.agent != agent]
