"""Files that are compressed as a whole by gzip, which boot loaders read as if they were not.

    member: 1F 8B, header, deflated bytes, CRC-32, length      one or more of them, and perhaps zeros or other bytes behind

Source: RFC 1952, "GZIP file format specification".
"""
from __future__ import annotations

import re
import zlib

from x86.faults import ImageError

MAGIC = b"\x1f\x8b\x08"                     # the third byte is the only method there is
LARGEST = 256 << 20                         # bytes that a compressed file may become: a thousand are packed into one
FIRST_PIECE = 512                           # bytes
ZEROS = re.compile(rb"\0*")
GZIP_WRAPPER = 16 + zlib.MAX_WBITS          # zlib's way to say that header and checksum are gzip's


def unpack(data: bytes, name: str) -> bytes:
    """The bytes of a file, unpacked if it is compressed by gzip. Bytes behind the last member are ignored, as gzip does.

    Errors: ImageError for a file that is cut off or damaged, or that would become larger than LARGEST."""
    if not data.startswith(MAGIC):
        return data
    unpacked, at = bytearray(), 0
    while data.startswith(MAGIC, at):
        at = _member(data, at, name, unpacked)
        at = ZEROS.match(data, at).end()
    return bytes(unpacked)


def _member(data, at, name, unpacked):
    """Unpack the member at `at`, by pieces that double, so that many small ones cost no more than a large one; its end."""
    member, size = zlib.decompressobj(GZIP_WRAPPER), FIRST_PIECE
    while not member.eof:
        piece = data[at:at + size]
        if not piece:
            raise ImageError(f"{name}: a gzip file that is cut off: {len(unpacked)} bytes can be unpacked")
        try:
            unpacked += member.decompress(piece, LARGEST + 1 - len(unpacked))
        except zlib.error as error:
            raise ImageError(f"{name}: damaged gzip file: {error}") from None
        if len(unpacked) > LARGEST:
            raise ImageError(f"{name}: a gzip file that becomes larger than {LARGEST >> 20} MB")
        at += len(piece) - len(member.unused_data)
        size *= 2
    return at
