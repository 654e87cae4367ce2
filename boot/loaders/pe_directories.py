"""Two of a PE image's directories that firmware looks into: where its symbols are, and resources.

Both are read from the file: what their RVAs name is found by the sections.

    directory 6 --> debug entries --- Type CODEVIEW ---> "RSDS" + 20 bytes + path of the .pdb (EDK2: of the .dll with symbols)
    directory 2 --> named and numbered types --> names --> languages --> RVA and size of the bytes

Source: Microsoft, "PE Format", ".debug Section", ".rsrc Section"; UEFI 2.10 section 7.4.1, "LoadImage", for type "HII".
"""
from __future__ import annotations

from struct import iter_unpack

from boot.loaders import pe_layout
from x86.faults import ImageError

LONGEST_PATH = 512


def printable(name: bytes) -> str:
    """The name in one line, whatever its bytes are."""
    return "".join(letter if letter.isprintable() else "?" for letter in name.decode("utf-8", "replace"))


# ---- debug directory ------------------------------------------------------------------------------------------------

def debug_path(data: bytes, name: str, header, headers: list, directory: tuple[int, int]) -> str:
    """The path in the first CodeView entry, or "". A directory that lies in no section counts as none, as in EDK2.

    Errors: ImageError where the entries, or the first that is CodeView, are cut off."""
    rva, size = directory
    entry = _codeview(data, name, rva, size, header, headers)
    if entry is None:
        return ""
    at = entry.FileOffset
    if entry.RVA:
        if entry.RVA >= header.SizeOfImage:
            raise ImageError(f"{name}: the CodeView data is at {entry.RVA:X}h, and SizeOfImage is {header.SizeOfImage:X}h")
        at = _in_file(entry.RVA, headers)
    if at is None:
        return ""
    signature = data[at:at + 4]
    length = pe_layout.CODEVIEW_HEADERS.get(signature)
    if length is None:
        return ""
    if entry.SizeOfData < length:
        raise ImageError(f"{name}: the CodeView data ({signature.decode()}) has {entry.SizeOfData} bytes, it should be "
                         f"{length} and a path")
    return printable(data[at + length:at + min(entry.SizeOfData, length + LONGEST_PATH)].split(b"\0")[0])


def _codeview(data, name, rva, size, header, headers):
    """The first debug entry of type CodeView, or None."""
    start = _in_file(rva, headers)
    if not size or not start:               # offset 0 counts as none: the MZ header is there
        return None
    for at in range(start, start + size, pe_layout.DEBUG_ENTRY_SIZE):
        if at + pe_layout.DEBUG_ENTRY_SIZE > len(data):
            raise ImageError(f"{name}: the debug directory at {rva:X}h has {size:X}h bytes, and the file ends at "
                             f"{rva + len(data) - start:X}h")
        if data[at + 12:at + 16] == _codeview_type:     # a glance at Type: there may be a million
            if rva + at - start >= header.SizeOfImage:
                raise ImageError(f"{name}: the debug entry at {rva + at - start:X}h lies outside SizeOfImage "
                                 f"{header.SizeOfImage:X}h")
            return pe_layout.DebugEntry.parse(data[at:at + pe_layout.DEBUG_ENTRY_SIZE])
    return None


_codeview_type = pe_layout.CODEVIEW.to_bytes(4, "little")


def _in_file(rva, headers):
    """The offset in the file of what lies at `rva`, or None where no section has it."""
    for section in headers:
        if section.VirtualAddress <= rva < section.VirtualAddress + section.VirtualSize:
            return section.PointerToRawData + rva - section.VirtualAddress
    return None


# ---- resource directory ---------------------------------------------------------------------------------------------

def resource(image, kind: str) -> bytes | None:
    """The bytes of the first resource of the named type `kind` of a `pe.Image`, or None.

    Errors: ImageError where the directory on the way there makes no sense."""
    base, size = image.resources
    if not size or base >= image.size:
        return None
    first, count = pe_layout.ResourceDirectory.sizeof(), _entries(image, 0)
    wanted = len(kind).to_bytes(2, "little") + kind.encode("utf-16-le")
    for named, offset in iter_unpack("<II", _contents(image, first, 8 * count)):
        if named & pe_layout.IS_STRING:
            at = _within(image, "a name", named & ~pe_layout.IS_STRING)
            if _contents(image, at, len(wanted)) == wanted:
                return _leaf(image, offset)
    return None


def _leaf(image, offset):
    """The bytes of the first name in its first language, from the offset that the type's entry has; None without any."""
    for _level in ("names", "languages"):
        if offset & pe_layout.IS_DIRECTORY:
            at = _within(image, "a directory", offset & ~pe_layout.IS_DIRECTORY)
            _entries(image, at)
            offset = _parse(image, pe_layout.ResourceEntry, at + pe_layout.ResourceDirectory.sizeof()).Offset
    if offset & pe_layout.IS_DIRECTORY:
        return None
    data = _parse(image, pe_layout.ResourceData, _within(image, "data", offset))
    return image.at(data.RVA, data.Size) if data.RVA < image.size else None


def _entries(image, offset):
    """How many named entries the directory at `offset` has; all its entries checked against the size of the whole."""
    directory = _parse(image, pe_layout.ResourceDirectory, offset)
    count = directory.NumberOfNamedEntries + directory.NumberOfIdEntries
    end = offset + pe_layout.ResourceDirectory.sizeof() + count * pe_layout.ResourceEntry.sizeof()
    if end > image.resources[1]:
        raise ImageError(f"{image.name}: the resource directory at +{offset:X}h has {count} entries, and all resources have "
                         f"{image.resources[1]:X}h bytes")
    return directory.NumberOfNamedEntries


def _within(image, what, offset):
    if offset >= image.resources[1]:
        raise ImageError(f"{image.name}: the resource directory has {what} at +{offset:X}h, and is {image.resources[1]:X}h "
                         f"bytes long")
    return offset


def _parse(image, layout, offset):
    return layout.parse(_contents(image, offset, layout.sizeof()))


def _contents(image, offset, size):
    """`size` bytes at an offset in the resource directory, with the zeros behind what the file has."""
    return image.at(image.resources[0] + offset, size).ljust(size, b"\0")
