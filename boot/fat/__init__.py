"""FAT12, FAT16 and FAT32 with long names, read and write, over anything that has sectors.

    names.py      what a name may be, its short form, when two are the same
    entries.py    directory entries, times of day
    errors.py     what can go wrong
    medium.py     a part of a device, as bytes
    bpb.py        the boot sector: where the parts are
    table.py      the file allocation table
    chain.py      the clusters of one file
    directory.py  the entries of one directory
    volume.py     the volume
    node.py       its files and directories
    format.py     an empty volume
"""
from boot.fat.entries import Moment
from boot.fat.errors import (Corrupt, Exists, FatError, Full, NameInvalid, NotEmpty, NotFound, ReadOnly,
                             WrongKind)
from boot.fat.format import format_volume
from boot.fat.node import Node
from boot.fat.volume import Volume

__all__ = ["Corrupt", "Exists", "FatError", "Full", "Moment", "NameInvalid", "Node", "NotEmpty", "NotFound", "ReadOnly",
           "Volume", "WrongKind", "format_volume"]
