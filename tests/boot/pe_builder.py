"""Small PE32+ files, field by field: `pe(SizeOfImage=0)` is the good file with that one field changed.

It knows nothing of the layouts that are tested; it writes the headers with struct.
"""
from __future__ import annotations

import struct
from typing import NamedTuple

CODE, DATA, BSS, RELOC = 0x60000020, 0xC0000040, 0xC0000080, 0x42000040
ABSOLUTE, HIGH, LOW, HIGHLOW, HIGHADJ, DIR64 = 0, 1, 2, 3, 4, 10
RESOURCE, SECURITY, BASE_RELOCATION, DEBUG, CLR_HEADER = 2, 4, 5, 6, 14
HEADERS = 0x400                         # SizeOfHeaders, and where the first section is in the file
LFANEW = 0x80
FILE_ALIGNMENT = 0x200


class Part(NamedTuple):
    """A section. None: VirtualSize is the data's size; raw data is padded to 512 bytes and put behind what is there."""
    name: str
    rva: int
    data: bytes = b""
    flags: int = DATA
    size: int | None = None             # VirtualSize
    raw: int | None = None              # PointerToRawData
    raw_size: int | None = None         # SizeOfRawData


COFF_FIELDS = {                         # name: (format, value in the good file)
    "Machine": ("H", 0x8664), "NumberOfSections": ("H", None), "TimeDateStamp": ("I", 0), "PointerToSymbolTable": ("I", 0),
    "NumberOfSymbols": ("I", 0), "SizeOfOptionalHeader": ("H", None), "Characteristics": ("H", 0x0206),
}
OPTIONAL_FIELDS = {                     # "A": as wide as an address
    "Magic": ("H", 0x20B), "LinkerVersion": ("H", 14), "SizeOfCode": ("I", 0x200), "SizeOfInitializedData": ("I", 0x400),
    "SizeOfUninitializedData": ("I", 0), "AddressOfEntryPoint": ("I", 0x1010), "BaseOfCode": ("I", 0x1000),
    "BaseOfData": ("D", 0x2000), "ImageBase": ("A", 0x140000000), "SectionAlignment": ("I", 0x1000),
    "FileAlignment": ("I", FILE_ALIGNMENT), "OperatingSystemVersion": ("I", 0), "ImageVersion": ("I", 0),
    "SubsystemVersion": ("I", 0), "Win32VersionValue": ("I", 0), "SizeOfImage": ("I", 0x5000), "SizeOfHeaders": ("I", HEADERS),
    "CheckSum": ("I", 0), "Subsystem": ("H", 10), "DllCharacteristics": ("H", 0x0160), "SizeOfStackReserve": ("A", 0x100000),
    "SizeOfStackCommit": ("A", 0x1000), "SizeOfHeapReserve": ("A", 0x100000), "SizeOfHeapCommit": ("A", 0x1000),
    "LoaderFlags": ("I", 0), "NumberOfRvaAndSizes": ("I", None),
}
FIELDS = {**COFF_FIELDS, **OPTIONAL_FIELDS}

TEXT = Part(".text", 0x1000, bytes(range(0x100)), CODE)
POINTERS = Part(".data", 0x2000, struct.pack("<4Q", 0x140001000, 0x140002008, 0x140000000, 7) + b"data", DATA, size=0x1800)


def block(page, *entries, size=None):
    """A block of relocations: (type, offset) each."""
    words = [kind << 12 | offset for kind, offset in entries]
    words += [0] * (len(words) % 2)
    return struct.pack(f"<II{len(words)}H", page, 8 + 2 * len(words) if size is None else size, *words)


POINTERS_FIXED = block(0x2000, (DIR64, 0), (DIR64, 8), (DIR64, 16))


def reloc(data, rva=0x4000):
    return Part(".reloc", rva, data, RELOC)


def pe(sections=None, directories=None, count=16, relocations=POINTERS_FIXED, lfanew=LFANEW, stub=b"", signature=b"PE\0\0",
       tail=b"", **fields):
    """The bytes of a file. `directories`: {index: (RVA, size)}, `count` of them; the one for relocations is made for
    `relocations`, which are put at 4000h unless `sections` are given. `tail` follows the last section's data."""
    unknown = set(fields) - set(FIELDS)
    assert not unknown, unknown
    if sections is None:
        sections = [TEXT, POINTERS, reloc(relocations)]
        directories = {BASE_RELOCATION: (0x4000, len(relocations)), **(directories or {})}
    magic = fields.get("Magic", 0x20B)
    directory = b"".join(struct.pack("<II", *(directories or {}).get(index, (0, 0))) for index in range(count))
    table, body = b"", b""
    for part in sections:
        raw = HEADERS + len(body) if part.raw is None else part.raw
        padded = part.data + bytes(-len(part.data) % FILE_ALIGNMENT)
        body += padded
        table += struct.pack("<8s6I2HI", part.name.encode(), len(part.data) if part.size is None else part.size, part.rva,
                             len(padded) if part.raw_size is None else part.raw_size, raw if padded or part.raw else 0,
                             0, 0, 0, 0, part.flags)
    defaults = {"NumberOfSections": len(sections), "NumberOfRvaAndSizes": count,
                "SizeOfOptionalHeader": (96 if magic == 0x10B else 112) + len(directory)}

    def packed(layout):
        formats = {"A": "I", "D": "I"} if magic == 0x10B else {"A": "Q"}
        return b"".join(struct.pack("<" + formats.get(kind, kind), fields.get(name, defaults.get(name, value)))
                        for name, (kind, value) in layout.items() if kind != "D" or "D" in formats)

    file = b"MZ" + bytes(0x3A) + struct.pack("<I", lfanew)
    file = (file + stub).ljust(LFANEW, b"\0") + signature + packed(COFF_FIELDS) + packed(OPTIONAL_FIELDS) + directory + table
    assert len(file) <= HEADERS
    return file.ljust(HEADERS, b"\0") + body + tail


# ---- what directories point to --------------------------------------------------------------------------------------

def debug_entry(kind=2, size=0, rva=0, offset=0):
    return struct.pack("<7I", 0, 0, 0, kind, size, rva, offset)


def codeview(path, signature=b"RSDS", header=24):
    return signature.ljust(header, b"\1") + path + b"\0"


def resource_directory(named, numbered, *entries):
    """entries: (name, offset) each."""
    return struct.pack("<IIIHH", 0, 0, 0, named, numbered) + b"".join(struct.pack("<II", *entry) for entry in entries)


IS = 0x80000000                         # a string; a directory


def resources(rva, data, kind="HII", name_at=None):
    """A resource section at `rva` with one type of one name in one language.

        0   type     +18h name     +30h language     +48h (RVA, size)     +58h the type's name     +70h data
    """
    tree = resource_directory(1, 0, (IS | (0x58 if name_at is None else name_at), IS | 0x18)) + \
        resource_directory(0, 1, (1, IS | 0x30)) + resource_directory(0, 1, (0x409, 0x48)) + \
        struct.pack("<IIII", rva + 0x70, len(data), 0, 0) + struct.pack("<H", len(kind)) + kind.encode("utf-16-le")
    return tree.ljust(0x70, b"\0") + data


def poke(file, offset, format, value):
    """The file with a number written over it."""
    patched = bytearray(file)
    struct.pack_into("<" + format, patched, offset, value)
    return bytes(patched)
