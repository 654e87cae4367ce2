"""What can go wrong on a FAT volume. Each is one line: what, and where. What cannot be a volume at all is an ImageError."""
from __future__ import annotations


class FatError(Exception):
    """Any of those below."""


class NotFound(FatError):
    """No such file or directory; or it was there, and somebody has deleted it."""


class Exists(FatError):
    """There is a file or directory of this name already."""


class Full(FatError):
    """No free cluster, no free entry in a directory that cannot grow, or a file beyond 4 GB."""


class ReadOnly(FatError):
    """The medium cannot be written."""


class NotEmpty(FatError):
    """A directory that still holds something cannot be deleted."""


class NameInvalid(FatError):
    """No file can have this name, or no name can be changed here."""


class WrongKind(FatError):
    """A file where a directory is needed, or the other way round."""


class Corrupt(FatError):
    """The volume contradicts itself: a chain that loops, a cluster that does not exist."""
