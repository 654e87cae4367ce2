"""One directory as it is on disk: its slots, the entries in them, where there is room for more."""
from __future__ import annotations

from collections.abc import Iterator

from boot.fat import entries
from boot.fat.chain import Chain, FixedRoot
from boot.fat.entries import DELETED, END, LONG, SIZE, Entry, decode
from boot.fat.errors import Corrupt, Full
from boot.fat.medium import Medium
from boot.fat.names import fold, normal

MOST_SLOTS = 65536                      # what 16-bit positions can name; the manual's limit
PIECE = 65536                           # bytes read at once


class Directory:
    """The slots before the end mark, decoded. `area` says where its bytes lie; `cluster` is its first one, 0 for the root."""

    def __init__(self, medium: Medium, area: Chain | FixedRoot, cluster: int):
        self.medium = medium
        self.area = area
        self.cluster = cluster
        self.layout = area.layout if isinstance(area, FixedRoot) else area.table.layout
        self.wide = self.layout.kind == 32
        self.data = self._read()
        self.entries = {entry.slot: entry for entry in decode(bytes(self.data), self.wide)}     # in the disk's order
        self._by_name: dict[str, int] | None = None

    def __iter__(self) -> Iterator[Entry]:
        """All entries but labels, in the disk's order."""
        return (entry for _, entry in sorted(self.entries.items()) if not entry.is_label)

    @property
    def slots(self) -> int:
        """How many there are before the end mark."""
        return len(self.data) // SIZE

    @property
    def label(self) -> Entry | None:
        """The volume's label, if this is a root directory with one."""
        return next((entry for _, entry in sorted(self.entries.items())
                     if entry.is_label and not entry.is_directory), None)

    def find(self, name: str) -> Entry | None:
        """The entry that has this name; a long name goes before somebody else's short one."""
        if self._by_name is None:
            found: dict[str, int] = {}
            for entry in self:
                found.setdefault(fold(entry.name), entry.slot)
            for entry in self:
                found.setdefault(fold(entries.short_text(entry.short)), entry.slot)
            self._by_name = found
        slot = self._by_name.get(fold(normal(name)))
        return None if slot is None else self.entries[slot]

    def short_names(self, but: int = -1) -> set[bytes]:
        """Those that are taken, except by the entry in slot `but`."""
        return {entry.short for slot, entry in self.entries.items() if slot != but}

    # ---- room --------------------------------------------------------------------------------------------------------

    def room(self, count: int, leaving: Entry | None = None) -> tuple[int, int]:
        """(first of `count` slots in a row that are free, clusters that must be appended for that).

        leaving: an entry whose slots will be free by then. Full if a directory cannot grow so far."""
        free = bytearray(b"\1") * self.slots              # what belongs to no entry, orphaned pieces of names as well
        for entry in self.entries.values():
            if entry != leaving:
                free[entry.first_slot:entry.slot + 1] = bytes(entry.slot + 1 - entry.first_slot)
        run = 0
        for slot, is_free in enumerate(free):
            run = run + 1 if is_free else 0
            if run == count:
                return slot - count + 1, 0
        first = self.slots - run
        if first + count > self._most():
            raise Full(f"{self.medium.name}: the {'root ' if not self.cluster else ''}directory is full: it has "
                       f"{self._most()} entries and cannot have {count} more")
        missing = (first + count) * SIZE - self._allocated()
        return first, max(0, -(-missing // self.layout.cluster_size))

    def _most(self):
        return self.layout.root_size // SIZE if isinstance(self.area, FixedRoot) else MOST_SLOTS

    def _allocated(self):
        """Bytes there is a place for."""
        return self.layout.root_size if isinstance(self.area, FixedRoot) else self.area.follow() * self.area.unit

    # ---- changes -----------------------------------------------------------------------------------------------------

    def store(self, slot: int, data: bytes) -> None:
        """Put bytes into the slots from number `slot` on, on disk and here: a whole entry, or a short one that changed."""
        end = slot * SIZE + len(data)
        written = data
        if end > len(self.data) and end < self._allocated():
            written = data + bytes(SIZE)                        # nobody knows what lies behind an end mark
        self._write(slot * SIZE, written)
        self.data[slot * SIZE:end] = data
        start = slot
        while start and self.data[(start - 1) * SIZE + 11] & 0x3F == LONG:      # pieces that may belong to what is new
            start -= 1
        stop = end // SIZE
        for number in [number for number in self.entries if start <= number < stop]:
            del self.entries[number]
        for entry in decode(bytes(self.data[start * SIZE:end]), self.wide):
            moved = entry._replace(slot=entry.slot + start, first_slot=entry.first_slot + start)
            self.entries[moved.slot] = moved
        self._by_name = None

    def remove(self, entry: Entry) -> None:
        """Mark an entry and its long name as deleted."""
        raw = self.data[entry.first_slot * SIZE:(entry.slot + 1) * SIZE]
        raw[::SIZE] = bytes([DELETED]) * (len(raw) // SIZE)
        self.store(entry.first_slot, bytes(raw))

    def raw(self, entry: Entry) -> bytes:
        """The 32 bytes of an entry."""
        return bytes(self.data[entry.slot * SIZE:(entry.slot + 1) * SIZE])

    # ---- the medium --------------------------------------------------------------------------------------------------

    def _read(self):
        data = bytearray()
        size = self.layout.root_size if isinstance(self.area, FixedRoot) else MOST_SLOTS * SIZE
        while len(data) < size:
            count = min(PIECE, size - len(data))
            if not isinstance(self.area, FixedRoot):
                clusters = self.area.follow(-(-(len(data) + count) // self.area.unit))
                count = min(count, clusters * self.area.unit - len(data))
                if count <= 0:
                    return data
            for position, length in self.area.extents(len(data), count):
                piece = self.medium.read(position, length)
                end = piece[::SIZE].find(END)
                if end >= 0:
                    return data + piece[:end * SIZE]
                data += piece
        if not isinstance(self.area, FixedRoot) and self.area.follow(size // self.area.unit + 1) * self.area.unit > size:
            raise Corrupt(f"{self.medium.name}: the directory at cluster {self.cluster:X}h has more than "
                          f"{MOST_SLOTS} entries")
        return data

    def _write(self, offset, data):
        for position, length in self.area.extents(offset, len(data)):
            self.medium.write(position, data[:length])
            data = data[length:]
