"""EFI_LOAD_OPTION: what a variable Boot0000 to BootFFFF says, and where its device path leads.

    0 Attributes (4)   4 FilePathListLength (2)   6 Description, CHAR16 to its NUL   FilePathList   OptionalData

The path may be whole, or begin in the middle:

    PciRoot(0x0)/.../HD(1,GPT,...)/\\EFI\\x.efi     whole
    HD(1,GPT,...)/\\EFI\\x.efi                      from the partition on, wherever its disk is now
    \\EFI\\x.efi                                   on any volume
    PciRoot(0x0)/.../HD(1,GPT,...)                 the volume's \\EFI\\BOOT\\BOOTX64.EFI

Source: UEFI 2.10, sections 3.1.3 "Load Options", 3.1.2 "Load Option Processing" (short forms), 3.5.1 "Boot via the Simple
File Protocol".
"""
from __future__ import annotations

import struct
from dataclasses import dataclass

from boot.uefi import device_path
from boot.uefi.device_path import BY_NAME, BadPath, append, file_path, parse, starts_with
from boot.uefi.device_path_text import path_text
from boot.uefi.file_info import text
from boot.uefi.guest_memory import utf16

ACTIVE, CATEGORY, CATEGORY_BOOT = 0x1, 0x1F00, 0
FALLBACK = r"\EFI\BOOT\BOOTX64.EFI"
HEADER = struct.Struct("<IH")
SAME_PARTITION = ("Partition", "Signature", "Format", "SignatureType")      # fields of HD() that tell which it is


class BadOption(ValueError):
    """Bytes that are no EFI_LOAD_OPTION."""


@dataclass
class LoadOption:
    """path: the first of its device paths; data: what the image gets as LoadOptions."""
    attributes: int
    description: str
    path: bytes
    data: bytes = b""

    @property
    def is_active(self) -> bool:
        return bool(self.attributes & ACTIVE)

    @property
    def is_boot(self) -> bool:
        """Whether it belongs to the boot order, and not to what a user chooses."""
        return self.attributes & CATEGORY == CATEGORY_BOOT

    def pack(self) -> bytes:
        return HEADER.pack(self.attributes, len(self.path)) + utf16(self.description) + self.path + self.data


def unpack(data: bytes) -> LoadOption:
    """BadOption."""
    if len(data) < HEADER.size + 2:
        raise BadOption(f"{len(data)} bytes are too few")
    attributes, length = HEADER.unpack_from(data)
    description = text(data[HEADER.size:])
    start = HEADER.size + len(utf16(description))
    paths = data[start:start + length]
    if len(paths) < length:
        raise BadOption("its description or its device path does not end")
    try:
        path = paths[:device_path.size(paths)]
    except BadPath as error:
        raise BadOption(f"its device path: {error}") from None
    return LoadOption(attributes, description, path, data[start + length:])


def expand(path: bytes, media) -> list[bytes]:
    """The whole paths that a path of a load option may mean, in the order in which they are tried.

    media: what uefi.disks has. A path that leads to none of them is taken as it is: a driver may know it."""
    nodes = parse(path)
    rest = [each.bytes for each in nodes]
    if nodes and nodes[0].kind is BY_NAME["HD"]:
        found = [append(medium.path, *rest[1:]) for medium in media if is_partition(medium, nodes[0])]
    elif nodes and nodes[0].kind is BY_NAME["FilePath"]:
        found = [append(medium.path, *rest) for medium in media if medium.volume is not None]
    else:
        found = [path]
    return [each for whole in found for each in with_file(whole, media)]


def is_partition(medium, node) -> bool:
    """Whether a medium is the partition that a HD() node means."""
    last = parse(medium.path)[-1]
    return last.kind is node.kind and all(last.fields[name] == node.fields[name] for name in SAME_PARTITION)


def with_file(path: bytes, media) -> list[bytes]:
    """The path itself, or where it ends at a disk or partition, the fallback application on its volumes."""
    if not any(medium.path == path for medium in media):
        return [path]
    return [append(medium.path, file_path(FALLBACK)) for medium in media if medium.volume is not None
            and starts_with(medium.path, path)]


def words(path: bytes) -> str:
    """A device path for a message."""
    return path_text(path, display_only=True, shortcuts=True) or "an empty path"
