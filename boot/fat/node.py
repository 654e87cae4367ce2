"""Files and directories of a volume.

A node knows where its entry is: the first cluster of the directory that holds it, and its slot there. That stays true
when others are created, renamed or deleted beside it, or when a directory above it moves. A node whose own entry is gone,
because it was deleted or because another node renamed it, says NotFound.
"""
from __future__ import annotations

from boot.fat import entries
from boot.fat.entries import ARCHIVE, DIRECTORY, EPOCH, LABEL, SIZE, Entry, Moment
from boot.fat.errors import Corrupt, Exists, Full, NameInvalid, NotEmpty, NotFound, WrongKind
from boot.fat.names import CASE, check, choose_short

LARGEST = 0xFFFFFFFF                            # bytes of a file
PIECE = 1 << 20                                 # bytes of zeros written at once
ROOT = Entry("", b" " * 11, attributes=DIRECTORY)
SETTABLE = 0xFF & ~(DIRECTORY | LABEL)          # attributes


class Node:
    """A file or directory: `Volume.root`, and what lookup(), entries() and create() give.

    Plain data but for `volume`: `handle` is a tuple of numbers and bytes, of which Volume.node() makes a node again.
    The attribute READ_ONLY is for the caller to respect, and times change when he says so."""

    __slots__ = ("volume", "_parent", "_slot", "_short", "_first")

    def __init__(self, volume, parent: int = 0, slot: int = -1, short: bytes = b"", first: int = 0):
        self.volume = volume
        self._parent = parent           # first cluster of the directory that holds the entry, 0 for the root
        self._slot = slot               # number of the entry in it; -1: this is the root, which has none
        self._short = short             # its short name and first cluster: if both are others now, it is another file
        self._first = first

    @property
    def handle(self) -> tuple[int, int, bytes, int]:
        """What this node is, as plain data."""
        return self._parent, self._slot, self._short, self._first

    def __repr__(self):
        return f"<Node {self._short!r} in slot {self._slot} of directory {self._parent:X}h of {self.volume.name!r}>"

    def __eq__(self, other):
        return isinstance(other, Node) and self.volume is other.volume and self._parent == other._parent \
            and self._slot == other._slot

    __hash__ = None                     # rename() changes what a node is

    # ---- what its entry says -----------------------------------------------------------------------------------------

    @property
    def entry(self) -> Entry:
        """The entry as it is on disk now; that of the root is made up. NotFound if it is gone."""
        self.volume._begin()
        return self._entry()

    @property
    def is_root(self) -> bool:
        return self._slot < 0

    @property
    def name(self) -> str:
        """The long name, if it has one; "" for the root."""
        return self.entry.name

    @property
    def short_name(self) -> str:
        """The name as DOS sees it: `INITRA~1.IMG`."""
        return "" if self.is_root else entries.short_text(self.entry.short)

    @property
    def attributes(self) -> int:
        """READ_ONLY, HIDDEN, SYSTEM, DIRECTORY, ARCHIVE of boot.fat.entries."""
        return self.entry.attributes & 0x3F

    @property
    def is_directory(self) -> bool:
        return self.entry.is_directory

    @property
    def size(self) -> int:
        """Bytes of a file; 0 for a directory."""
        entry = self.entry
        return 0 if entry.is_directory else entry.size

    @property
    def allocated(self) -> int:
        """Bytes of the clusters it has; 0 for a root directory that has a place of its own."""
        entry = self.entry
        volume = self.volume
        first = entry.first_cluster or (volume._layout.root_cluster if self.is_root else 0)
        return volume._chain(first).follow() * volume.cluster_size

    @property
    def created(self) -> Moment | None:
        """To 10 ms; None if the disk has no such time."""
        return self.entry.created

    @property
    def accessed(self) -> Moment | None:
        """A date."""
        return self.entry.accessed

    @property
    def modified(self) -> Moment | None:
        """To two seconds."""
        return self.entry.modified

    # ---- directories -------------------------------------------------------------------------------------------------

    def entries(self) -> list[Node]:
        """What is in this directory, in the disk's order, "." and ".." as well; the volume's label is none of it."""
        self.volume._begin()
        directory = self._directory()
        return [self._child(directory, entry) for entry in directory]

    def lookup(self, name: str) -> Node:
        """The file or directory of that name, long or short, in any case, in this one. NotFound if there is none."""
        self.volume._begin()
        directory = self._directory()
        entry = directory.find(name)
        if entry is None:
            raise NotFound(f"{self.volume.name}: no {name!r} in {self._path_word()}")
        return self._child(directory, entry)

    def create(self, name: str, directory: bool = False, attributes: int = 0, moment: Moment = EPOCH) -> Node:
        """A new file, empty, or a new directory; `moment` is when.

        Errors: NameInvalid, Exists, Full, ReadOnly."""
        volume = self.volume
        volume._begin_change()
        home = self._directory()
        name = check(name)
        if home.find(name):
            raise Exists(f"{volume.name}: there is a {name!r} in {self._path_word()} already")
        kind = DIRECTORY if directory else ARCHIVE
        entry = entries.new_entry(name, home.short_names(), attributes=attributes & SETTABLE | kind, created=moment,
                                  accessed=moment, modified=moment)
        slot, clusters = volume._insert(home, entries.encode(entry), also=int(directory))
        if directory:
            [first] = clusters
            volume._zero(clusters)
            dots = entries.dot_entries(first, home.cluster, moment)
            volume._medium.write(volume._layout.cluster_position(first), dots)
            volume._chain(0).append(clusters)
            home.store(slot, entries.patch(home.raw(home.entries[slot]), first_cluster=first))
        volume._end_change(home)
        return self._child(home, home.entries[slot])

    # ---- bytes -------------------------------------------------------------------------------------------------------

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes of a file from `offset` on; fewer, or none, at its end.

        Errors: WrongKind for a directory, Corrupt; ValueError for an offset below 0."""
        _check_offset(offset)
        volume = self.volume
        volume._begin()
        entry = self._file_entry()
        size = min(size, entry.size - offset)
        if size <= 0:
            return b""
        pieces = [volume._medium.read(position, length)
                  for position, length in volume._chain(entry.first_cluster).extents(offset, size)]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def write(self, offset: int, data: bytes) -> None:
        """Put bytes into a file from `offset` on. It grows as needed; what lies between its end and `offset` is zeros.

        Errors: WrongKind for a directory, Full with the file as it was, ReadOnly, Corrupt; ValueError as read()."""
        _check_offset(offset)
        volume = self.volume
        volume._begin_change()
        entry = self._file_entry()
        if not data:
            return
        home, chain = self._home(), self._reserve(entry, max(entry.size, offset + len(data)))
        self._fill(chain, entry.size, offset)
        self._put(chain, offset, data)
        self._update(entry, size=max(entry.size, offset + len(data)), first_cluster=chain.first,
                     attributes=entry.attributes | ARCHIVE)
        volume._end_change(home, chain)

    def truncate(self, size: int) -> None:
        """Make a file that long: cut it, or fill it up with zeros. Errors as those of write()."""
        _check_offset(size)
        volume = self.volume
        volume._begin_change()
        entry = self._file_entry()
        home, chain = self._home(), self._reserve(entry, max(size, entry.size))
        first, keep = chain.first, -(-size // volume.cluster_size)
        if size > entry.size:
            self._fill(chain, entry.size, size)
        elif chain.follow() > keep:
            volume._release(chain, keep)
            first, chain = first if keep else 0, None
        self._update(entry, size=size, first_cluster=first, attributes=entry.attributes | ARCHIVE)
        volume._end_change(home, chain)

    # ---- its place and its entry -------------------------------------------------------------------------------------

    def delete(self) -> None:
        """Remove a file, or a directory that holds nothing but "." and "..". NotEmpty, NameInvalid, ReadOnly, Corrupt."""
        volume = self.volume
        volume._begin_change()
        entry = self._own_entry()
        if entry.is_directory and any(not inside.is_dot for inside in self._directory()):
            raise NotEmpty(f"{volume.name}: the directory {entry.name!r} is not empty")
        home, chain = self._home(), volume._chain(entry.first_cluster)
        chain.follow()
        volume._apart(home, chain)
        volume._release(chain)
        home.remove(entry)
        volume._end_change(home)

    def rename(self, new_name: str, new_parent: Node | None = None) -> None:
        """Give it another name, another directory, or both. Errors: NameInvalid, Exists, Full, ReadOnly, WrongKind."""
        volume = self.volume
        volume._begin_change()
        entry = self._own_entry()
        old_home = self._home()
        home = new_parent._directory() if new_parent else old_home
        new_name = check(new_name)
        same = home is old_home
        found = home.find(new_name)
        if found and not (same and found.slot == entry.slot):
            raise Exists(f"{volume.name}: there is a {new_name!r} there already")
        if entry.is_directory and not same:
            self._refuse_own_descendant(self._directory(), home)
        if same and new_name == entry.name:
            return
        short, case = choose_short(new_name, home.short_names(but=entry.slot if same else -1))
        raw = bytearray(old_home.raw(entry))
        raw[:11], raw[12] = short, raw[12] & ~CASE | case
        long_name = entries.encode(Entry(new_name, short, case))[:-SIZE]
        slot, _ = volume._insert(home, long_name + bytes(raw), leaving=entry if same else None)
        if not same:
            old_home.remove(entry)
            if entry.is_directory:
                inside = self.volume._directory(entry.first_cluster)
                if above := inside.find(".."):
                    inside.store(above.slot, entries.patch(inside.raw(above), first_cluster=home.cluster))
        self._parent, self._slot, self._short, self._first = home.cluster, slot, short, entry.first_cluster
        volume._end_change()

    def set_attributes(self, attributes: int) -> None:
        """Set READ_ONLY, HIDDEN, SYSTEM and ARCHIVE as given; whether it is a directory stays. NameInvalid for the root."""
        self.volume._begin_change()
        entry = self._own_entry()
        self._update(entry, attributes=attributes & SETTABLE | entry.attributes & ~SETTABLE)
        self.volume._end_change(self._home())

    def set_times(self, created: Moment | None = None, accessed: Moment | None = None,
                  modified: Moment | None = None) -> None:
        """Set the times that are given. ValueError for one that FAT cannot keep. Nothing else ever changes them."""
        self.volume._begin_change()
        entry = self._own_entry()
        self._update(entry, created=created, accessed=accessed, modified=modified)
        self.volume._end_change(self._home())

    # ---- parts -------------------------------------------------------------------------------------------------------

    def _entry(self):
        if self._slot < 0:
            return ROOT
        entry = self._home().entries.get(self._slot)
        if entry is None or entry.is_label or not (entry.short == self._short or
                                                   entry.first_cluster == self._first != 0):
            raise NotFound(f"{self.volume.name}: {entries.short_text(self._short)!r} is no longer where it was")
        return entry

    def _home(self):
        """The directory that it is in."""
        return self.volume._directory(self._parent)

    def _child(self, directory, entry):
        return Node(self.volume, directory.cluster, entry.slot, entry.short, entry.first_cluster)

    def _file_entry(self):
        entry = self._entry()
        if entry.is_directory:
            raise WrongKind(f"{self.volume.name}: {entry.name or 'the root'!r} is a directory")
        return entry

    def _own_entry(self):
        """The entry, if it may be removed or renamed."""
        entry = self._entry()
        if self.is_root or entry.is_dot:
            raise NameInvalid(f"{self.volume.name}: {entry.name or 'the root directory'!r} cannot be changed")
        return entry

    def _directory(self):
        entry = self._entry()
        if not entry.is_directory:
            raise WrongKind(f"{self.volume.name}: {entry.name!r} is no directory")
        if not entry.first_cluster and not self.is_root and not entry.is_dot:
            raise Corrupt(f"{self.volume.name}: the directory {entry.name!r} has no cluster")
        return self.volume._directory(entry.first_cluster)

    def _path_word(self):
        return "the root directory" if self.is_root else f"directory {self._entry().name!r}"

    def _update(self, entry, **fields):
        """Change fields of the entry on disk."""
        home = self._home()
        if fields.get("first_cluster") == entry.first_cluster:
            del fields["first_cluster"]                         # the high half may hold something else on FAT16
        else:
            self._first = fields.get("first_cluster", self._first)
        home.store(entry.slot, entries.patch(home.raw(entry), **fields))

    def _reserve(self, entry, size):
        """The file's chain, long enough for `size` bytes; the FAT is not flushed yet."""
        if size > LARGEST:
            raise Full(f"{self.volume.name}: a file cannot have {size} bytes: {LARGEST} are the most")
        volume = self.volume
        chain = volume._chain(entry.first_cluster)
        have = chain.follow()
        if have * volume.cluster_size < entry.size:
            raise Corrupt(f"{volume.name}: {entry.name!r} has {entry.size} bytes, but only {have} clusters")
        volume._apart(self._home(), chain)
        chain.append(volume._find_free(max(0, -(-size // volume.cluster_size) - have), chain))
        return chain

    def _fill(self, chain, start, stop):
        """Zeros from byte `start` to `stop`."""
        for offset in range(start, stop, PIECE):
            self._put(chain, offset, bytes(min(PIECE, stop - offset)))

    def _put(self, chain, offset, data):
        view = memoryview(data)
        for position, length in chain.extents(offset, len(data)):
            self.volume._medium.write(position, bytes(view[:length]))
            view = view[length:]

    def _refuse_own_descendant(self, own, home):
        """NameInvalid if the directory `home` is this one, `own`, or below it."""
        volume = self.volume
        seen = set()
        while home.cluster and home.cluster not in seen:
            if home.cluster == own.cluster:
                raise NameInvalid(f"{volume.name}: {self._entry().name!r} cannot be moved into itself")
            seen.add(home.cluster)
            above = home.find("..")
            if above is None:
                raise Corrupt(f"{volume.name}: the directory at cluster {home.cluster:X}h has no '..'")
            home = volume._directory(above.first_cluster)


def _check_offset(number):
    if number < 0:
        raise ValueError(f"{number} is no place in a file")
