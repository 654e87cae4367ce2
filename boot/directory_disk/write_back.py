"""The way back: the directory of the host is changed as the guest has changed the volume.

First everything that is to be written is written, into a directory of its own beside it; then what is gone is deleted, and
what was written is renamed to its place. So a host without room, or a process that is killed, costs no file.

What the guest has not changed is not touched. What somebody else has changed since it was shown to the guest is neither
overwritten nor deleted, and what was never shown is out of reach. Owners, permissions and links are the host's: a file that
is replaced keeps its permissions, and a link that is written to becomes a file. The attributes of FAT are not brought back.
"""
from __future__ import annotations

import os
import shutil
import stat
from bisect import bisect_left
from calendar import timegm
from dataclasses import dataclass
from typing import TYPE_CHECKING

from boot.directory_disk.guest import GuestFile, GuestTree, Inconsistent, content, read_guest, sector_of
from boot.directory_disk.tree import STAGING, HostFile, Path, Stamp, Warnings
from boot.disk import SECTOR
from boot.fat.entries import Moment

if TYPE_CHECKING:
    from boot.directory_disk.disk import DirectoryDisk


@dataclass
class Known:
    """A file of the host as the guest knows it."""
    stamp: Stamp
    origin: HostFile | None             # the file of the layout whose content it has; None: the guest's
    target: str | None = None           # it is a link to this file of the host


class WriteBack:
    """What of the host the guest knows, and the operation that brings one in line with the other."""

    def __init__(self, disk: DirectoryDisk):
        self.disk = disk
        self.layout = disk.layout
        self.root = os.path.realpath(disk.root)
        self.files = {file.path: Known(file.stamp, file, os.path.realpath(self.place(file.path)) if file.link else None)
                      for file in self.layout.files}
        self.directories = {directory.path for directory in self.layout.directories}
        self.origins = {self.layout.first_cluster[file.path]: file for file in self.layout.files if file.size}

    def run(self, warnings: Warnings) -> bool:
        """Bring back what there is. False if the volume is in no state for that, or the host has no room."""
        try:
            guest = read_guest(self.disk, self.layout)
        except Inconsistent as error:
            warnings.add((), f"stays as it is: {error}")
            return False
        for doubt in guest.doubts:
            warnings.add((), f"keeps what is no longer on the volume, for that may be half-written: {doubt}")
        return _Change(self, guest, warnings).run()

    def place(self, path: Path) -> str:
        """Where that is on the host."""
        return os.path.join(self.root, *path)


class _Change:
    """One run: a plan, then what it says."""

    def __init__(self, owner, guest: GuestTree, warnings: Warnings):
        self.owner, self.guest, self.warnings = owner, guest, warnings
        self.disk, self.layout, self.files = owner.disk, owner.layout, owner.files
        self.written = sorted(self.disk.overlay)                    # numbers of sectors
        self.there = set(guest.directories)
        self.certain = not guest.doubts                             # what is missing was deleted
        self.writes: dict[Path, GuestFile] = {}
        self.moves: dict[Path, HostFile] = {}                       # where to
        self.deletes: list[Path] = []
        self.links: list[Path] = []                                 # to files that will be others, or none
        self.staging = ""
        self.staged: dict[Path, str] = {}                           # where to -> where it waits

    def run(self):
        self._plan()
        if self.writes or self.moves:
            try:
                self._make_staging()
                for path, file in self.writes.items():
                    self._stage(path, file)
            except OSError as error:
                self.warnings.add((), f"stays as it is: what the guest has written cannot be kept: {error.strerror}")
                shutil.rmtree(self.staging, ignore_errors=True)
                return False
        for path in self.links:
            self._try(path, self._hold, path)
        for path, origin in self.moves.items():
            self._try(self._now(origin), self._take, path, origin)
        for path in self.deletes:
            self._try(path, self._delete, path)
        if self.certain:
            for path in sorted(self.owner.directories - self.there, key=lambda path: (-len(path), path)):
                self._try(path, self._remove_directory, path)
        for path in self.guest.directories:
            if path not in self.owner.directories:
                self._try(path, self._make_directory, path)
        for path in list(self.staged):
            self._try(path, self._put, path)
        for path in [path for path in self.staged if path not in self.moves]:       # the guest still has that
            os.unlink(self.staged.pop(path))
        if self.staged:
            self.warnings.add((os.path.basename(self.staging),), "has what could not be put into its place")
        elif self.staging:
            os.rmdir(self.staging)
        return True

    # ---- the plan ----------------------------------------------------------------------------------------------------

    def _plan(self):
        for path, file in sorted(self.guest.files.items()):
            origin = self._unchanged(file)
            if self._is_to_be_written(path, file, origin):
                if self._can_be_moved(path, origin):
                    self.moves[path] = origin
                else:
                    self.writes[path] = file
        moved = {self._now(origin) for origin in self.moves.values()}
        for path, known in sorted(self.files.items()):
            if path in self.guest.files or path in moved or not self.certain:
                continue
            status = self._stamp(path, known)
            if status is None:
                del self.files[path]
            elif status != known.stamp:
                self.warnings.add(path, "is not deleted: it has changed on the host since the guest saw it")
            else:
                self.deletes.append(path)
        gone = {self.owner.place(path) for path in (*self.writes, *moved, *self.deletes)}
        self.links = [path for path, known in sorted(self.files.items(), key=lambda item: item[0]) if known.target in gone]
        for path in self.links:                                     # they shall not show what their targets have become
            if path in self.guest.files:
                self.writes[path] = self.guest.files[path]

    def _unchanged(self, file):
        """The file of the layout whose clusters this one has, with nothing written to them; None if it is none."""
        origin = self.owner.origins.get(file.entry.first_cluster)
        if origin is None or origin.size != file.size:
            return None
        needed = -(-file.size // self.layout.cluster_size)
        if file.runs[0][1] < needed:
            return None
        first = sector_of(self.layout, file.runs[0][0])
        index = bisect_left(self.written, first)
        return None if index < len(self.written) and self.written[index] < first - (-file.size // SECTOR) else origin

    def _is_to_be_written(self, path, file, origin):
        known = self.files.get(path)
        now = self._stamp(path, known)
        if known is None:
            if now is None or path in self.owner.directories and path not in self.there and self.certain:
                return True
            self.warnings.add(path, "is not written: the host has something of this name that the guest was not shown")
            return False
        if origin is not None and known.origin is origin:
            return False
        if now is None:
            return True
        if now != known.stamp:
            if not self._equal(path, file):
                self.warnings.add(path, "is not written: it has changed on the host since the guest saw it")
            return False
        return not file.unfinished and not self._equal(path, file)

    def _can_be_moved(self, path, origin):
        """Whether the host still has the file under a name that the guest has given up."""
        if origin is None or not self.certain or path in self.files:
            return False
        before = self._now(origin)
        known = self.files.get(before)
        return (known is not None and known.origin is origin and known.target is None and before not in self.guest.files
                and self._stamp(before, known) == known.stamp)

    def _now(self, origin):
        return self.disk.base.moved.get(origin.path, origin.path)

    def _stamp(self, path, known):
        """How the host's file is now; None if there is nothing."""
        try:
            link = known is not None and known.target is not None
            return Stamp.of(os.stat(self.owner.place(path), follow_symlinks=link))
        except OSError:
            return None

    def _equal(self, path, file):
        """Whether the host's file has the content of the guest's."""
        try:
            place = self.owner.place(path)
            if not stat.S_ISREG(os.stat(place).st_mode) or os.stat(place).st_size != file.size:
                return False
            with open(place, "rb") as host:
                return all(host.read(len(piece)) == piece for piece in content(self.disk, self.layout, file))
        except OSError:
            return False

    # ---- what it says ------------------------------------------------------------------------------------------------

    def _try(self, path, step, *arguments):
        """One step; what the host refuses is told, and the others are taken all the same."""
        try:
            parent = self.owner.place(path[:-1])
            if os.path.realpath(parent) != parent:
                raise OSError(0, "a link on the way leads elsewhere")
            step(*arguments)
        except OSError as error:
            self.warnings.add(path, f"cannot be brought back: {error.strerror}")

    def _make_staging(self):
        number = 0
        while True:
            self.staging = self.owner.place((f"{STAGING}-{number}",))
            try:
                os.mkdir(self.staging, 0o700)
                return
            except FileExistsError:
                number += 1

    def _waiting_place(self, path):
        """A name in the staging directory that tells people what it is."""
        return os.path.join(self.staging, f"{len(self.staged)}-{path[-1]}"[:60])

    def _stage(self, path, file):
        waiting = self._waiting_place(path)
        lost = self.disk.base.lost
        descriptor = os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with open(descriptor, "wb") as copy:
            for piece in content(self.disk, self.layout, file):
                copy.write(piece)
        if self.disk.base.lost != lost:
            self.warnings.add(path, "is not written: a part of it that the guest left alone is gone on the host")
            os.unlink(waiting)
            return
        if path in self.files and (status := self._status(path)):
            os.chmod(waiting, stat.S_IMODE(status.st_mode))
        if file.entry.modified is not None:
            time = seconds(file.entry.modified) * 10**9
            os.utime(waiting, ns=(time, time))
        self.staged[path] = waiting

    def _status(self, path):
        try:
            return os.stat(self.owner.place(path))
        except OSError:
            return None

    def _take(self, path, origin):
        """Out of its old place, for a move."""
        before = self._now(origin)
        waiting = self._waiting_place(path)
        os.rename(self.owner.place(before), waiting)
        self.staged[path] = waiting
        self.disk.base.moved[origin.path] = tuple(os.path.relpath(waiting, self.owner.root).split(os.sep))
        del self.files[before]

    def _delete(self, path):
        self._hold(path)
        os.unlink(self.owner.place(path))
        del self.files[path]

    def _hold(self, path):
        known = self.files.get(path)
        if known is not None and known.origin is not None:
            self.disk.base.hold(known.origin)

    def _remove_directory(self, path):
        os.rmdir(self.owner.place(path))
        self.owner.directories.remove(path)

    def _make_directory(self, path):
        place = self.owner.place(path)
        if not os.path.isdir(place) or os.path.islink(place):
            os.mkdir(place)
        self.owner.directories.add(path)

    def _put(self, path):
        """From where it waits to its place."""
        place = self.owner.place(path)
        self._hold(path)
        os.replace(self.staged[path], place)
        del self.staged[path]
        origin = self.moves.get(path)
        if origin is not None:
            self.disk.base.moved[origin.path] = path
        self.files[path] = Known(Stamp.of(os.stat(place)), origin)


def seconds(moment: Moment) -> int:
    """Since 1970, of a time in UTC."""
    return timegm((moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second))
