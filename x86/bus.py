"""I/O ports: who answers at which, and what happens where nobody does.

A device gets offsets from its first port, not ports, so it does not care where it lives. Two devices at one port are
refused, with both names.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable

PORTS = 0x10000                         # IN and OUT have 16 bits of address

Reader = Callable[[int, int], int]              # (offset, size in bytes) -> value
Writer = Callable[[int, int, int], None]        # (offset, value, size in bytes)


def _open_bus(offset: int, size: int) -> int:
    """A port that can only be written reads as nobody's: all ones."""
    return (1 << 8 * size) - 1


def _ignore(offset: int, value: int, size: int) -> None:
    """A port that can only be read."""


class Bus:
    """The port space of a machine.

    unclaimed   (port, "in" or "out") -> how often an access there found nobody
    """

    def __init__(self):
        self.unclaimed: dict[tuple[int, str], int] = {}
        self._owners: dict[int, str] = {}
        # For each access size: port -> (method, offset). Only ports where a device takes the whole access have an entry.
        self._readers: dict[int, dict[int, tuple[Reader, int]]] = {1: {}, 2: {}, 4: {}}
        self._writers: dict[int, dict[int, tuple[Writer, int]]] = {1: {}, 2: {}, 4: {}}

    # ---- the map ---------------------------------------------------------------------------------------------------

    def add(self, name: str, first: int, count: int, read: Reader | None = None, write: Writer | None = None,
            widths: Iterable[int] = (1,)) -> None:
        """Let a device answer at the ports first .. first + count - 1.

        read(offset, size) -> int, write(offset, value, size); None for ports that know only the other direction.
        widths: the access sizes in bytes (1, 2, 4) that the device takes whole; a wider access, and one that reaches
        beyond its ports, comes to it in bytes, the low one first. ValueError where a device is already.
        """
        if count < 1 or not 0 <= first <= first + count <= PORTS:
            raise ValueError(f"{name}: ports {first:#x}-{first + count - 1:#x} are not all within 0-0xffff")
        for port in range(first, first + count):
            if port in self._owners:
                raise ValueError(f"port {port:#x}: {name} and {self._owners[port]} both want it")
        sizes = {1, *widths}
        if not sizes <= {1, 2, 4}:
            raise ValueError(f"{name}: a port access has 1, 2 or 4 bytes, not {sorted(sizes)}")
        for offset in range(count):
            self._owners[first + offset] = name
            for size in sizes:
                if offset + size <= count:
                    self._readers[size][first + offset] = (read or _open_bus, offset)
                    self._writers[size][first + offset] = (write or _ignore, offset)

    def remove(self, first: int, count: int) -> None:
        """Take the device away from these ports, as when its base address register is written."""
        for port in range(first, first + count):
            self._owners.pop(port, None)
            for size in (1, 2, 4):
                self._readers[size].pop(port, None)
                self._writers[size].pop(port, None)

    def watch(self, port: int, listener: Callable[[int], object]) -> None:
        """From now on listener(value) hears what each read of one byte at `port` gave. For those who watch from outside:
        no snapshot knows of it. KeyError where there is no device."""
        read, offset = self._readers[1][port]

        def watched(offset, size):
            value = read(offset, size)
            listener(value)
            return value
        self._readers[1][port] = watched, offset

    def owner(self, port: int) -> str | None:
        """The name of the device at a port, or None."""
        return self._owners.get(port)

    @property
    def ranges(self) -> list[tuple[int, int, str]]:
        """[(first port, last port, name)] in order."""
        found: list[tuple[int, int, str]] = []
        for port in sorted(self._owners):
            name = self._owners[port]
            if found and found[-1][1] == port - 1 and found[-1][2] == name:
                found[-1] = (found[-1][0], port, name)
            else:
                found.append((port, port, name))
        return found

    # ---- accesses --------------------------------------------------------------------------------------------------

    def read(self, port: int, size: int) -> int:
        """IN: `size` bytes (1, 2, 4) from `port`. Nobody there: all ones."""
        reader = self._readers[size].get(port)
        if reader is None:
            return self._read_bytes(port, size)
        return reader[0](reader[1], size)

    def write(self, port: int, value: int, size: int) -> None:
        """OUT: the low `size` bytes of `value` to `port`."""
        writer = self._writers[size].get(port)
        if writer is None:
            self._write_bytes(port, value, size)
        else:
            writer[0](writer[1], value & ((1 << 8 * size) - 1), size)

    def _read_bytes(self, port, size):
        ports = [(port + part) % PORTS for part in range(size)]
        if not any(each in self._owners for each in ports):
            self._nobody(port, "in")
            return (1 << 8 * size) - 1
        return sum(self.read(each, 1) << 8 * part for part, each in enumerate(ports))

    def _write_bytes(self, port, value, size):
        ports = [(port + part) % PORTS for part in range(size)]
        if not any(each in self._owners for each in ports):
            self._nobody(port, "out")
            return
        for part, each in enumerate(ports):
            self.write(each, value >> 8 * part & 0xFF, 1)

    def _nobody(self, port, direction):
        key = (port, direction)
        self.unclaimed[key] = self.unclaimed.get(key, 0) + 1

    # ---- snapshots -------------------------------------------------------------------------------------------------

    def snapshot(self) -> dict:
        """What was counted. Who answers where belongs to the devices."""
        return {"unclaimed": dict(self.unclaimed)}

    def restore(self, state: dict) -> None:
        """Bring back the counts of a snapshot."""
        self.unclaimed = dict(state["unclaimed"])
