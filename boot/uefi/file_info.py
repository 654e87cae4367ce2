"""What EFI_FILE_PROTOCOL tells of files and volumes, and how it reads their names.

    EFI_FILE_INFO          0 Size   8 FileSize   16 PhysicalSize   24 CreateTime   40 LastAccessTime   56 ModificationTime
                           72 Attribute   80 FileName
    EFI_FILE_SYSTEM_INFO   0 Size   8 ReadOnly   16 VolumeSize   24 FreeSpace   32 BlockSize (4)   36 VolumeLabel

Source: UEFI 2.10, sections 13.5.1 and 13.5.15 to 13.5.17; where they leave a choice, EDK2's driver for FAT.
"""
from __future__ import annotations

import struct
from typing import NamedTuple

from boot import fat
from boot.fat import Moment
from boot.fat.names import check
from boot.uefi.definitions import Guid
from boot.uefi.guest_memory import utf16
from boot.uefi.times import EMPTY, pack_moment, unpack_moment

FILE_INFO = Guid("09576e92-6d3f-11d2-8e39-00a0c969723b")
FILE_SYSTEM_INFO = Guid("09576e93-6d3f-11d2-8e39-00a0c969723b")
VOLUME_LABEL = Guid("db47d7d3-fe81-11d3-9a35-0090273fc14d")

INFO = struct.Struct("<QQQ16s16s16sQ")
SYSTEM_INFO = struct.Struct("<QB7xQQI")
ATTRIBUTES = 0x37                       # EFI_FILE_VALID_ATTR
LONGEST_PATH = 260                      # characters
SEPARATOR = "\\"


class BadTime(ValueError):
    """An EFI_TIME that is no time, or none that FAT can keep."""


class FileInfo(NamedTuple):
    """What SetInfo is given. A time is None where it is to stay as it is."""
    size: int
    created: Moment | None
    accessed: Moment | None
    modified: Moment | None
    attributes: int
    name: str


def pack(node: fat.Node) -> bytes:
    """EFI_FILE_INFO. The size of a directory is that of its clusters. FatError."""
    entry = node.entry
    cluster = node.volume.cluster_size
    physical = node.allocated if entry.is_directory else -(-entry.size // cluster) * cluster
    name = utf16(entry.name)
    created, accessed, modified = (pack_moment(time) for time in (entry.created, entry.accessed, entry.modified))
    return INFO.pack(INFO.size + len(name), physical if entry.is_directory else entry.size, physical, created, accessed, modified,
                     entry.attributes & ATTRIBUTES) + name


def unpack(data: bytes) -> FileInfo:
    """An EFI_FILE_INFO of at least INFO.size + 2 bytes. BadTime."""
    _, size, _, *times, attributes = INFO.unpack_from(data)
    moments = [None if time == EMPTY else unpack_moment(time) for time in times]
    if any(moment is None and time != EMPTY for moment, time in zip(moments, times)):
        raise BadTime("a time of EFI_FILE_INFO")
    return FileInfo(size, *moments, attributes, text(data[INFO.size:]))


def pack_system(volume: fat.Volume) -> bytes:
    """EFI_FILE_SYSTEM_INFO: VolumeSize and FreeSpace are clusters, in bytes. FatError."""
    label = utf16(volume.label)
    size = volume.clusters * volume.cluster_size
    return SYSTEM_INFO.pack(SYSTEM_INFO.size + len(label), volume.read_only, size, volume.free, volume.cluster_size) + label


def text(data: bytes) -> str:
    """A CHAR16 string up to its NUL, or to the end of the bytes."""
    return data[:len(data) // 2 * 2].decode("utf-16-le", "surrogatepass").split("\0")[0]


def locate(trail: list[fat.Node], path: str, directory: bool = False) -> tuple[list[fat.Node], str]:
    r"""(nodes from the root to what a path leads to, "") for a\b\..\c from trail[-1], or \a from trail[0], the root.

    Where only the last name is missing: (nodes to the directory it would be in, that name). A path of two separators ends
    there: \\a is the root. directory: what is missing may be given as a\. FatError."""
    if not path:
        raise fat.NameInvalid("an empty name")
    for_directory = path.endswith(SEPARATOR)
    trail = list(trail)
    if path.startswith(SEPARATOR):
        trail, path = trail[:1], path[1:]
    if len(path) > LONGEST_PATH:
        raise fat.NameInvalid(f"a name of {len(path)} characters: {LONGEST_PATH} are the most")
    while path and not path.startswith(SEPARATOR):
        name, _, path = path.partition(SEPARATOR)
        path = path.lstrip(SEPARATOR)
        if name == "..":
            if len(trail) == 1:
                raise fat.NameInvalid("the root directory has no parent")
            trail.pop()
        elif name != ".":
            name = check(name)
            if not trail[-1].is_directory:
                raise fat.NotFound(f"{trail[-1].name} is a file, which has nothing in it")
            try:
                trail.append(trail[-1].lookup(name))
            except fat.NotFound:
                if path:
                    raise
                if for_directory and not directory:
                    raise fat.NameInvalid(f"{name} is to be a file, and ends as a directory") from None
                return trail, name
    if for_directory and not trail[-1].is_directory:
        raise fat.NotFound(f"{trail[-1].name} is a file, no directory")
    return trail, ""


def is_below(trail: list[fat.Node], node: fat.Node) -> bool:
    """Whether a trail leads to something inside of `node`."""
    return any(each == node for each in trail[:-1])
