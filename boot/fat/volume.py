"""A FAT volume: what it is, how full it is, its label, and the root of its tree.

    volume = Volume(disk, partition.start, partition.count)
    kernel = volume.root.lookup("EFI").lookup("BOOT").lookup("BOOTX64.EFI")
    image = kernel.read(0, kernel.size)

Others may write to the same sectors: a loader brings its own FAT code. So nothing that was read is believed in the next
call, unless the device counts its changes (`generation`) and has counted none. All that is kept from call to call
is such a cache: what a call does depends on the disk's bytes alone. Pickled, a volume is its device and its place on it.
"""
from __future__ import annotations

from boot.fat import bpb, entries, names
from boot.fat.chain import Chain, FixedRoot
from boot.fat.directory import Directory
from boot.fat.entries import SIZE, Entry
from boot.fat.errors import Corrupt, NameInvalid, ReadOnly
from boot.fat.medium import Medium
from boot.fat.node import Node
from boot.fat.table import FREE, Table
from x86.faults import ImageError

MOST_CACHED = 512                       # chains and directories kept in memory from call to call
MOUNTED = {"_layout", "_boot_sector", "_table", "_chains", "_directories", "_seen"}
LABEL_CHARACTERS = names.SHORT_CHARACTERS | {" "}


def check_label(text: str) -> str:
    """The label as it is kept, in upper case; NameInvalid if no volume can have it."""
    kept = text.upper().rstrip(" ")
    if len(kept) > 11 or not LABEL_CHARACTERS.issuperset(kept) or kept.startswith(" "):
        raise NameInvalid(f"{text!r} cannot be a label: up to 11 letters, digits and blanks")
    return kept


class Volume:
    """The volume on `sectors` blocks of `device` from `first_sector` on; on all that follow if `sectors` is None.

    The device is as boot.fat.medium says, a boot.disk.Disk for one. `name` stands before every complaint.
    Errors: ImageError if there is no FAT volume; it says which field of the boot sector tells so. The methods of
    Volume and Node raise the family of boot.fat.errors. Oddities that do not prevent its use are lines in `warnings`."""

    def __init__(self, device, first_sector: int = 0, sectors: int | None = None, name: str | None = None):
        self._medium = Medium(device, first_sector, sectors, name)
        self._mount(self._medium.read(0, min(512, self._medium.size)))
        self._seen = self._medium.generation

    def _mount(self, boot_sector):
        self._layout = bpb.parse(self._medium)
        self._boot_sector = boot_sector
        self._table = Table(self._medium, self._layout)
        self._forget()

    @property
    def warnings(self) -> list[str]:
        layout, medium = self._layout, self._medium
        if layout.size <= medium.size:
            return []
        return [f"{medium.name}: the volume has {layout.size // layout.sector_size} sectors, but only "
                f"{medium.size // layout.sector_size} of them are there"]

    def __getstate__(self):
        return self._medium

    def __setstate__(self, medium):
        self._medium = medium                   # which gets its own state back later: nothing is read yet

    def __getattr__(self, name):
        """The first use of a volume that was pickled: what mounting sets is not there."""
        if name not in MOUNTED:
            raise AttributeError(f"a Volume has no {name}")
        try:
            self._mount(self._medium.read(0, min(512, self._medium.size)))
        except ImageError as error:
            raise Corrupt(str(error)) from None
        self._seen = self._medium.generation
        return vars(self)[name]

    def __repr__(self):
        return f"<Volume {self.name!r}, FAT{self.type}, {self._layout.clusters} clusters of {self.cluster_size} bytes>"

    # ---- what it is --------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self._medium.name

    @property
    def type(self) -> int:
        """12, 16 or 32."""
        return self._layout.kind

    @property
    def cluster_size(self) -> int:
        """Bytes."""
        return self._layout.cluster_size

    @property
    def clusters(self) -> int:
        """How many there are, used and free."""
        return self._layout.clusters

    @property
    def total(self) -> int:
        """Bytes of the whole volume, its tables included, as its boot sector says."""
        return self._layout.size

    @property
    def free_clusters(self) -> int:
        """How many are free, counted in the FAT. What FSInfo says may be wrong, and is not asked."""
        self._begin()
        return self._table.count_free()

    @property
    def free(self) -> int:
        """Free bytes."""
        return self.free_clusters * self.cluster_size

    @property
    def serial(self) -> int:
        """The 32-bit volume number."""
        self._begin()
        return self._layout.serial

    @property
    def read_only(self) -> bool:
        return self._medium.read_only

    @property
    def generation(self) -> int | None:
        """The same number twice: nothing was written in between. None if the device does not count."""
        return self._medium.generation

    @property
    def root(self) -> Node:
        """The root directory."""
        return Node(self)

    def node(self, handle: tuple) -> Node:
        """The file or directory of which Node.handle gave this."""
        return Node(self, *handle)

    # ---- label -------------------------------------------------------------------------------------------------------

    @property
    def label(self) -> str:
        """The root directory's label; where that has none, the boot sector's; "" if there is neither."""
        self._begin()
        if entry := self._directory(0).label:
            return entry.name
        if self._layout.label == bpb.NO_LABEL:
            return ""
        return self._layout.label.decode("cp437").rstrip(" \0")

    def set_label(self, text: str) -> None:
        """Change the label, in the root directory and the boot sector; "" removes it. NameInvalid if it cannot be one."""
        self._begin_change()
        text = check_label(text)
        raw = text.encode("ascii").ljust(11)
        root = self._directory(0)
        entry = root.label
        if text and entry:
            root.store(entry.slot, raw + root.raw(entry)[11:])
        elif text:
            self._insert(root, entries.encode(Entry(text, raw, attributes=entries.LABEL, modified=entries.EPOCH)))
        elif entry:
            root.remove(entry)
        if self._layout.label_field is not None:
            for start in (0, self._layout.backup) if self._layout.backup else (0,):
                self._medium.write(start + self._layout.label_field, raw if text else bpb.NO_LABEL)
        self._end_change(root)

    # ---- for nodes: what is cached, and for how long ------------------------------------------------------------------

    def _forget(self):
        self._table.forget()
        self._forget_files()

    def _forget_files(self):
        self._chains: dict[int, Chain] = {}             # first cluster -> chain
        self._directories: dict[int, Directory] = {}    # first cluster, 0 for the root -> directory

    def _begin(self):
        """First thing of every call: forget what may have changed since the last one."""
        generation = self._medium.generation
        if generation is not None and generation == self._seen:
            if len(self._chains) + len(self._directories) > MOST_CACHED:
                self._forget()
            return
        self._seen = None
        boot_sector = self._medium.read(0, 512)
        if boot_sector == self._boot_sector:
            self._forget()
        else:
            try:
                self._mount(boot_sector)
            except ImageError as error:
                raise Corrupt(str(error)) from None
        self._seen = generation

    def _begin_change(self):
        """First thing of every call that writes. If it ends by an exception, the next call believes nothing."""
        self._begin()
        if self._medium.read_only:
            raise ReadOnly(f"{self.name} is write-protected")
        self._seen = None

    def _end_change(self, home=None, chain=None):
        """Last thing of every call that writes: the FAT goes to disk, and what is cached is what is there.

        That is sure of the directory `home` and the `chain` that were worked on, which share nothing (_apart). On a volume
        with cross-links others may have changed with them, and are read again."""
        self._table.flush()
        self._forget_files()
        if home:
            self._directories[home.cluster] = home
            self._keep(home.area)
        if chain:
            self._keep(chain)
        self._seen = self._medium.generation

    def _keep(self, area):
        if isinstance(area, Chain) and area.first:
            self._chains[area.first] = area

    def _apart(self, home, chain):
        """Corrupt if a file has clusters of the directory that it is in."""
        if isinstance(home.area, Chain):
            home.area.follow()
            if home.area.shares_with(chain):
                raise Corrupt(f"{self.name}: the chain from cluster {chain.first:X}h has clusters of its own directory")

    def _chain(self, first):
        """The chain that begins at cluster `first`; 0 is a new and empty one."""
        if not first:
            return Chain(self._table, 0)
        if first not in self._chains:
            self._chains[first] = Chain(self._table, first)
        return self._chains[first]

    def _directory(self, cluster):
        """The directory that begins at `cluster`; 0 is the root."""
        cluster = 0 if cluster == self._layout.root_cluster else cluster
        if cluster not in self._directories:
            if cluster or self.type == 32:
                area = self._chain(cluster or self._layout.root_cluster)
            else:
                area = FixedRoot(self._table)
            self._directories[cluster] = Directory(self._medium, area, cluster)
        return self._directories[cluster]

    # ---- for nodes: clusters -----------------------------------------------------------------------------------------

    def _find_free(self, count, chain=None):
        """`count` free clusters, behind those of `chain` if there is room. Nothing is changed yet. Full."""
        if not count:
            return []
        length = chain.follow() if chain else 0
        return self._table.find_free(count, chain.cluster(length - 1) + 1 if length else None)

    def _release(self, chain, start=0):
        """Make the clusters of a chain free, from index `start` on; the one before them becomes its last."""
        for cluster in list(chain.clusters(start)):
            self._table.set(cluster, FREE)
        if start:
            self._table.set(chain.cluster(start - 1), self._table.end)

    def _zero(self, clusters):
        for cluster in clusters:
            self._medium.write(self._layout.cluster_position(cluster), bytes(self.cluster_size))

    def _insert(self, directory, data, leaving=None, also=0):
        """Put an entry where there is room in a directory: (its slot, `also` more free clusters).

        leaving: an entry of that directory that is removed first. Full, and nothing has changed."""
        slot, missing = directory.room(len(data) // SIZE, leaving)
        found = self._find_free(missing + also, directory.area if missing else None)
        clusters, others = found[:missing], found[missing:]
        self._zero(clusters)
        if clusters:
            directory.area.append(clusters)
        if leaving:
            directory.remove(leaving)
        directory.store(slot, data)
        return slot + len(data) // SIZE - 1, others
