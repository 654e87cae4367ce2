"""Files that are compressed as a whole by gzip, which boot loaders read as if they were not.

    member: 1F 8B, header, deflated bytes, CRC-32, length      one or more of them, and perhaps zeros or other bytes behind

Source: RFC 1952, "GZIP file format specification".
"""
from __future__ import annotations

import zlib

from x86.faults import ImageError

MAGIC = b"\x1f\x8b\x08"                     # the third byte is the only method there is
LARGEST = 256 << 20                         # bytes that a compressed file may become: a thousand are packed into one
GZIP_WRAPPER = 16 + zlib.MAX_WBITS          # zlib's way to say that header and checksum are gzip's


def unpack(data: bytes, name: str) -> bytes:
    """The bytes of a file, unpacked if it is compressed by gzip. Bytes behind the last member are ignored, as gzip does.

    Errors: ImageError for a file that is cut off or damaged, or that would become larger than LARGEST."""
    if not data.startswith(MAGIC):
        return data
    parts, room, rest = [], LARGEST, data
    while rest.startswith(MAGIC):
        member = zlib.decompressobj(GZIP_WRAPPER)
        try:
            part = member.decompress(rest, room + 1)
        except zlib.error as error:
            raise ImageError(f"{name}: damaged gzip file: {error}") from None
        if len(part) > room:
            raise ImageError(f"{name}: a gzip file that becomes larger than {LARGEST >> 20} MB")
        if not member.eof:
            raise ImageError(f"{name}: a gzip file that is cut off: {len(part)} bytes can be unpacked")
        parts.append(part)
        room -= len(part)
        rest = member.unused_data.lstrip(b"\0")
    return b"".join(parts)
