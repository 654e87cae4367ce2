"""What all devices have in common: a name, a state that is plain data, and a way back to it."""
from __future__ import annotations

from typing import Any

_COPIED = {list: lambda value: [copy_of(each) for each in value],
           tuple: lambda value: tuple(copy_of(each) for each in value),
           dict: lambda value: {key: copy_of(each) for key, each in value.items()},
           set: set,
           bytearray: bytearray}


def copy_of(value: Any) -> Any:
    """A deep copy of plain data: numbers, strings, bytes, and lists, tuples, dicts, sets, bytearrays of such."""
    copy = _COPIED.get(type(value))
    return value if copy is None else copy(value)


class Device:
    """One chip.

    name    its key in machine.devices, by which clock events find it
    STATE   the fields that make up its state, each plain data; all else is wiring and does not change

    The constructor registers the ports (machine.bus.add) and memory (machine.memory.map_ram, map_mmio), and leaves the
    device as reset() does. Methods that clock events call are named without a leading underscore.
    """

    name = ""
    STATE: tuple[str, ...] = ()

    def __init__(self, machine):
        self.machine = machine

    def reset(self) -> None:
        """Power-on state. A device that remembers nothing has nothing to do."""

    def snapshot(self) -> dict:
        """A deep copy of the fields in STATE; picklable."""
        return {field: copy_of(getattr(self, field)) for field in self.STATE}

    def restore(self, state: dict) -> None:
        """Bring back a snapshot. The clock's events are restored with the clock."""
        for field in self.STATE:
            setattr(self, field, copy_of(state[field]))
