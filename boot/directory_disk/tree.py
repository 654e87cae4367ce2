"""What a directory of the host holds, as far as a FAT volume can show it.

What cannot be shown is left out and told, a line each. Everything is sorted by name, so that the same tree gives the same
disk on every host. Links to files inside the directory are followed; what a link could lead to elsewhere is not the
guest's.
"""
from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import NamedTuple

from boot.fat.errors import NameInvalid
from boot.fat.names import check, fold
from x86.faults import ImageError

LARGEST = 0xFFFFFFFF                    # bytes of a file: FAT has 32 bits for it
MOST_NODES = 100_000                    # files and directories; whoever names "/" as a disk did not mean it
MOST_WARNINGS = 20
STAGING = ".x86-write-back"             # directories that begin like this are write_back.py's

Path = tuple[str, ...]                  # names from the root on, which is ()


class Stamp(NamedTuple):
    """By which a file of the host is known to be as it was."""
    device: int
    inode: int
    size: int
    modified: int                       # ns since 1970

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


@dataclass
class HostFile:
    """A file: where it is, and how it was when it was looked at."""
    path: Path
    stamp: Stamp
    link: bool = False                  # the path is that of a link to it

    @property
    def size(self) -> int:
        """Bytes."""
        return self.stamp.size


@dataclass
class HostDirectory:
    """A directory, and what is in it, by name."""
    path: Path
    modified: int                       # ns since 1970
    children: list[HostDirectory | HostFile] = field(default_factory=list)


class Warnings:
    """Lines for `lines`, at most MOST_WARNINGS of them and one that counts the rest."""

    def __init__(self, lines: list[str], name: str):
        self.lines, self.name, self.count = lines, name, 0

    def add(self, path: Path, words: str) -> None:
        """`words` about what is at `path`."""
        self.count += 1
        if self.count <= MOST_WARNINGS:
            self.lines.append(f"{self.name}: {printable(path)} {words}")

    def close(self) -> None:
        if self.count > MOST_WARNINGS:
            self.lines.append(f"{self.name}: {self.count - MOST_WARNINGS} more lines of this kind")


def printable(path: Path) -> str:
    """The path for a message, in one line whatever is in it."""
    text = "/".join(path) or "the directory"
    return text if text.isprintable() else ascii(text)


def scan(root: str, warnings: Warnings) -> HostDirectory:
    """The tree below `root`. ImageError if that is no directory that can be read, or holds too much."""
    try:
        status = os.stat(root)
        if not stat.S_ISDIR(status.st_mode):
            raise ImageError(f"{root}: is no directory")
        os.scandir(root).close()
    except FileNotFoundError:
        raise ImageError(f"{root}: no such directory") from None
    except OSError as error:
        raise ImageError(f"{root}: cannot be read: {error.strerror}") from None
    tree = HostDirectory((), status.st_mtime_ns)
    real = os.path.realpath(root)
    waiting = [tree]
    nodes = 0
    while waiting:
        directory = waiting.pop()
        seen: dict[str, str] = {}
        for name in _names(root, directory.path, warnings):
            path = (*directory.path, name)
            if not _can_be_shown(path, seen, warnings):
                continue
            node = _look(root, real, path, warnings)
            if node is None:
                continue
            seen[fold(name)] = name
            directory.children.append(node)
            nodes += 1
            if nodes > MOST_NODES:
                raise ImageError(f"{root}: more than {MOST_NODES} files and directories are too many for a disk")
            if isinstance(node, HostDirectory):
                waiting.append(node)
    return tree


def _names(root, path, warnings):
    """Names in a directory, sorted; none if it cannot be read any more."""
    try:
        return sorted(os.listdir(os.path.join(root, *path)))
    except OSError as error:
        warnings.add(path, f"is shown as empty: it cannot be read: {error.strerror}")
        return []


def _can_be_shown(path, seen, warnings):
    """Whether a FAT directory that has the names `seen` can have this one, too."""
    name = path[-1]
    try:
        name.encode()
        kept = check(name)
    except UnicodeEncodeError:
        warnings.add(path, "is left out: its name is no UTF-8")
        return False
    except NameInvalid as error:
        warnings.add(path, f"is left out: {error}")
        return False
    if kept != name:
        warnings.add(path, "is left out: FAT has no names with blanks around them or a dot at the end")
        return False
    if name.startswith(STAGING):
        warnings.add(path, "is left out: a write-back that was interrupted has left it; what it could not put into "
                           "place is in there")
        return False
    if fold(name) in seen:
        warnings.add(path, f"is left out: to FAT it has the same name as {seen[fold(name)]!r}")
        return False
    return True


def _look(root, real, path, warnings):
    """The file or directory at `path`, None if it is nothing that can be shown."""
    place = os.path.join(root, *path)
    try:
        status = os.lstat(place)
        link = stat.S_ISLNK(status.st_mode)
        if link:
            if not os.path.realpath(place).startswith(os.path.join(real, "")):
                warnings.add(path, "is left out: it is a link that leads out of the directory")
                return None
            status = os.stat(place)
    except OSError as error:
        warnings.add(path, f"is left out: {error.strerror}")
        return None
    if stat.S_ISDIR(status.st_mode):
        if link:
            warnings.add(path, "is left out: it is a link to a directory")
            return None
        if os.access(place, os.R_OK | os.X_OK):
            return HostDirectory(path, status.st_mtime_ns)
    elif not stat.S_ISREG(status.st_mode):
        warnings.add(path, "is left out: it is neither a file nor a directory")
        return None
    elif status.st_size > LARGEST:
        warnings.add(path, f"is left out: its {status.st_size} bytes are more than a file can have on FAT")
        return None
    elif os.access(place, os.R_OK):
        return HostFile(path, Stamp.of(status), link)
    warnings.add(path, "is left out: it cannot be read")
    return None
