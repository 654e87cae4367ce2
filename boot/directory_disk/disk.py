"""The disk that a directory of the host is: a Layout below, what the guest writes above it, and the way back."""
from __future__ import annotations

import os

from boot.directory_disk.layout import DEFAULT_FREE, FIRST, Layout
from boot.directory_disk.tree import HostFile, Stamp, Warnings, printable, scan
from boot.directory_disk.write_back import WriteBack
from boot.disk import MODES, SECTOR, Disk
from boot.geometry import hard_disk_geometry
from x86.faults import MachineError


class DirectoryDisk(Disk):
    """A directory as a hard disk with one EFI system partition.

    path: of the directory. mode: "overlay" keeps what is written apart, "readonly" refuses it, "write" brings it
    into the directory with flush() and close(). free: bytes that are free on it, at least.

    Errors: ImageError for what is no readable directory, or holds too much. What cannot be shown or brought back is
    a line in `warnings`, which may grow while the disk is used."""

    def __init__(self, path, mode: str = "overlay", free: int = DEFAULT_FREE, name: str | None = None):
        if mode not in MODES:
            raise ValueError(f"mode is {mode!r}, not one of {', '.join(MODES)}")
        self.mode = mode
        self.floppy = None
        self.root = os.fspath(path)
        self.name = name or self.root
        self.warnings: list[str] = []
        self.overlay: dict[int, bytes] = {}
        self.generation = 0
        told = Warnings(self.warnings, self.name)
        self.layout = Layout(scan(self.root, told), self.name, free)
        told.close()
        self.sectors = self.layout.disk_sectors
        self.size = self.sectors * SECTOR
        self.geometry = hard_disk_geometry(self.sectors)
        self.base = BaseFiles(self)
        self.write_back = WriteBack(self)
        self._flushed = self.generation

    @property
    def partition(self) -> tuple[int, int]:
        """(first sector, number of sectors) of the volume."""
        return FIRST, self.layout.sectors

    # ---- sectors -----------------------------------------------------------------------------------------------------

    def _read_image(self, lba, count):
        return self.layout.read(lba, count, self.base.read)

    def _write_image(self, lba, data, count):
        return 0                                    # in every mode it lies in the overlay until flush()

    def snapshot(self) -> dict:
        """What was written so far, and by which the directory is known. What a flush() did to the host is not part of it."""
        return {"directory": self.layout.fingerprint, "overlay": dict(self.overlay)}

    def restore(self, state: dict) -> None:
        """Back to what snapshot() saw. MachineError if that was another directory, or other files in it."""
        if state["directory"] != self.layout.fingerprint:
            raise MachineError(f"{self.name}: the snapshot is of a directory with other files, sizes or times in it")
        super().restore(state["overlay"])

    def close(self) -> None:
        """Bring back what is to be brought back, and let go of the host's files."""
        self.flush()
        self.base.close()

    def flush(self) -> None:
        """Mode "write": change the directory as the guest has changed the volume.

        What stays undone, because the volume contradicts itself or the host refuses it, is told in `warnings`; a later
        flush() tries again."""
        if self.mode != "write" or self._flushed == self.generation:
            return
        lines: list[str] = []
        told = Warnings(lines, self.name)
        if self.write_back.run(told):
            self._flushed = self.generation
        told.close()
        self.warnings += [line for line in lines if line not in self.warnings]


class BaseFiles:
    """The files of the Layout, as they were when the disk was made, wherever they are now.

    Before the host's file is replaced or deleted, hold() takes it out of the directory's reach: a small one into memory, a
    large one by an open file, whose content lives until it is closed. So sectors never change under the guest, and a
    snapshot from before a flush() still reads what it did."""

    SMALL = 1 << 16

    def __init__(self, disk: DirectoryDisk):
        self.disk = disk
        self.moved: dict[tuple, tuple] = {}         # path in the layout -> where the file is now
        self._held: dict[tuple, bytes | int] = {}   # path in the layout -> content, or descriptor
        self.lost = 0                               # reads that the host could not answer
        self._told: set[str] = set()
        self._open: tuple[tuple, int] | None = None     # the last one read: path in the layout, descriptor

    def read(self, file: HostFile, offset: int, size: int) -> bytes:
        """So many bytes of a file; zeros for what the host does not have any more, with a warning."""
        held = self._held.get(file.path)
        if isinstance(held, bytes):
            return held[offset:offset + size]
        try:
            descriptor = self._descriptor(file) if held is None else held
            data = b""
            while len(data) < size and (more := os.pread(descriptor, size - len(data), offset + len(data))):
                data += more
        except OSError as error:
            self.lost += 1
            self._tell(file, f"cannot be read any more: {error.strerror}; the guest reads zeros")
            return bytes(size)
        if len(data) < size:
            self.lost += 1
            self._tell(file, "has become shorter on the host; the guest reads zeros")
        return data.ljust(size, b"\0")

    def place(self, file: HostFile) -> str:
        """Where the file is now."""
        return os.path.join(self.disk.root, *self.moved.get(file.path, file.path))

    def _descriptor(self, file):
        if self._open is None or self._open[0] != file.path:
            self._let_go()
            self._open = file.path, os.open(self.place(file), os.O_RDONLY)
            if Stamp.of(os.fstat(self._open[1])) != file.stamp:
                self._tell(file, "has changed on the host since the disk was made")
        return self._open[1]

    def _tell(self, file, words):
        line = f"{self.disk.name}: {printable(file.path)} {words}"
        if line not in self._told:
            self._told.add(line)
            self.disk.warnings.append(line)

    def hold(self, file: HostFile) -> None:
        """The host's file is about to go. OSError if it cannot be held."""
        if file.path in self._held:
            return
        if file.size <= self.SMALL:
            self._held[file.path] = self.read(file, 0, file.size)
        else:
            self._held[file.path] = os.open(self.place(file), os.O_RDONLY)
        self._let_go()

    def _let_go(self):
        if self._open is not None:
            os.close(self._open[1])
            self._open = None

    def close(self) -> None:
        self._let_go()
        for path in [path for path, held in self._held.items() if isinstance(held, int)]:
            os.close(self._held.pop(path))
