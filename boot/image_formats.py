"""What a disk image's file is: sectors and nothing else, or a container that has to be unpacked or converted first.

Only two kinds of file are read as they are: raw images, and the fixed kind of VHD, which is a raw image with 512 bytes
behind it (big-endian):

    00  "conectix"      30  size of the disk, 64 bits      3C  type: 2 fixed, 3 dynamic, 4 differencing

All others are refused by name, because their bytes read as sectors would make a guest fail in ways that nobody understands.

Source: Microsoft, "Virtual Hard Disk Image Format Specification" 1.0; the others' signatures as their tools write them.
"""
from __future__ import annotations

import struct
from typing import NamedTuple

from x86.faults import ImageError

FOOTER = 512
VHD, FIXED = b"conectix", 2

CONVERT = "convert it: qemu-img convert -O raw"


class Signature(NamedTuple):
    """A kind of file: where which bytes stand (from the end, if below 0), what it is, what to do with it."""
    at: int
    bytes: bytes
    kind: str
    remedy: str


SIGNATURES = [Signature(at, pattern, f"a {kind} image", CONVERT) for at, pattern, kind in (
    (0, b"QFI\xFB", "qcow2"), (0, b"KDMV", "VMDK"), (0, b"COWD", "VMDK"), (0, b"# Disk DescriptorFile", "VMDK"),
    (0x40, b"\x7F\x10\xDA\xBE", "VDI"), (0, b"vhdxfile", "VHDX"), (0, VHD, "dynamic VHD"), (0, b"QED\0", "QED"),
    (0, b"WithoutFreeSpace", "Parallels"), (0, b"WithouFreSpacExt", "Parallels"), (0, b"Bochs Virtual HD Image", "Bochs"),
    (-512, b"koly", "DMG"))]
SIGNATURES += [Signature(0, pattern, f"{kind} data", f"unpack it: {tool}") for pattern, kind, tool in (
    (b"\x1F\x8B\x08", "gzip", "gunzip"), (b"BZh", "bzip2", "bunzip2"), (b"\xFD7zXZ\0", "xz", "unxz"),
    (b"\x28\xB5\x2F\xFD", "zstd", "unzstd"), (b"\x04\x22\x4D\x18", "lz4", "unlz4"), (b"PK\x03\x04", "zip", "unzip"),
    (b"7z\xBC\xAF\x27\x1C", "7-Zip", "7z x"))]
SIGNATURES += [
    Signature(0, b"\0" + b"\xFF" * 10 + b"\0", "a raw dump of a CD, with 2352 bytes a sector", "convert it: bchunk"),
    Signature(0, b"TD\0", "a Teledisk image", "convert it to a raw image"),
    Signature(0, b"td\0", "a Teledisk image", "convert it to a raw image"),
    Signature(0, b"IMD ", "an ImageDisk image", "convert it to a raw image")]


def sectors_end(data, name: str) -> int:
    """How many of the bytes of `data` are the disk's; all of them but for the footer of a VHD.

    Errors: ImageError for a file of another kind, with what to do about it."""
    size = len(data)
    for at, pattern, kind, remedy in SIGNATURES:
        place = at if at >= 0 else size + at
        if place >= 0 and data[place:place + len(pattern)] == pattern:
            raise ImageError(f"{name}: {kind}, not a raw one; {remedy}")
    footer = data[size - FOOTER:] if size > FOOTER else b""
    if footer[:len(VHD)] != VHD:
        return size
    length, kind = struct.unpack_from(">Q4xI", footer, 0x30)
    if kind != FIXED:
        raise ImageError(f"{name}: a VHD image that is not of the fixed kind; {CONVERT}")
    if length > size - FOOTER:
        raise ImageError(f"{name}: cut short: a VHD image of a disk with {length} bytes, and {size - FOOTER} are there")
    return length or size - FOOTER
