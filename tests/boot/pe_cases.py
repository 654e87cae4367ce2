"""PE files, and what is said of each: accepted though they look odd, broken, with broken relocations, with broken resources.

EDK2 was asked about all of them (edk2.py).
"""
from __future__ import annotations

import pytest
from pe_builder import (
    ABSOLUTE,
    BASE_RELOCATION,
    BSS,
    CLR_HEADER,
    DEBUG,
    DIR64,
    HEADERS,
    HIGHADJ,
    IS,
    LFANEW,
    LOW,
    POINTERS,
    RESOURCE,
    SECURITY,
    TEXT,
    Part,
    block,
    codeview,
    debug_entry,
    pe,
    poke,
    reloc,
    resources,
)

from boot.loaders import pe as loader
from x86.faults import ImageError


def refusal(data, base=None):
    """What `read`, or with a base `load`, says about a file, without the name before it."""
    with pytest.raises(ImageError) as caught:
        image = loader.read(data, "x.efi")
        assert base is not None, "read accepted it"
        image.load(base)
    message = str(caught.value)
    assert message.startswith("x.efi: ") and message.isprintable() and len(message) < 240
    return message.removeprefix("x.efi: ")


M32 = 0xFFFFFFFF
GOOD = pe()
SIZE = len(GOOD)                        # A00h
TABLE = LFANEW + 24 + 240               # 188h: the section headers

# ---- odd, and accepted -----------------------------------------------------------------------------------------------

ACCEPTED = {
    "no sections": pe([], AddressOfEntryPoint=0),
    "no directories": pe([TEXT], count=0),
    "five directories, without relocations": pe([TEXT], count=5),
    "six directories, as Linux": pe(count=6),
    "relocations stripped": pe(Characteristics=0x0003, ImageBase=0x2000000),
    "entry point 0": pe(AddressOfEntryPoint=0),
    "entry point at the last byte": pe(AddressOfEntryPoint=0x4FFF),
    "no MZ header": pe()[LFANEW:HEADERS].ljust(HEADERS, b"\0") + pe()[HEADERS:],
    "a stub for DOS": pe(stub=b"\x0E\x1F\xBA\x0E\0\xB4\x09\xCD\x21"),
    "a boot sector below the header": poke(pe(), 2, "B", 0xEA)[:0x1FE] + b"\x55\xAA" + pe()[0x200:],
    "SizeOfImage no multiple of anything": pe(SizeOfImage=0x4301, directories={BASE_RELOCATION: (0x4000, 16)}),
    "SizeOfImage with much behind the last section": pe(SizeOfImage=0x123456),
    "FileAlignment 0": pe(FileAlignment=0),
    "symbols": pe(PointerToSymbolTable=0xFFFFFFFF, NumberOfSymbols=0xFFFFFFFF),
    "sizes that nobody reads": pe(SizeOfCode=0xFFFFFFFF, SizeOfInitializedData=0xFFFFFFFF, CheckSum=1, SizeOfStackReserve=0),
    "a certificate up to the end": pe(directories={SECURITY: (0xA00, 0x100)}, tail=bytes(0x100)),
    "a certificate of nothing": pe(directories={SECURITY: (0xFFFFFFFF, 0)}),
    "resources outside the image": pe(directories={RESOURCE: (0x5000, 0x100)}),
    "a debug directory in no section": pe(directories={DEBUG: (0x7000, 0xFFFFFFFF)}),
    "other directories anywhere": pe(directories={0: (0xFFFFFFFF, 0xFFFFFFFF), 1: (1, 2), 3: (0xFFFFFFFF, 1), 15: (9, 9)}),
    "a boot service driver": pe(Subsystem=11),
    "a runtime driver": pe(Subsystem=12),
    "PE32 for x86-64": pe(Magic=0x10B, ImageBase=0xF0000000),
}


def rich():
    """A file in which everything that is looked at is there."""
    debug = debug_entry(kind=13) + debug_entry(size=34, rva=0x3000 + 56)
    parts = [TEXT, POINTERS._replace(size=0x1000), Part(".rdata", 0x3000, debug + codeview(b"image.dll")),
             reloc(block(0x2000, (DIR64, 0), (DIR64, 8), (3, 16), (1, 20))),
             Part(".rsrc", 0x5000, resources(0x5000, b"package list"))]
    return pe(parts, {BASE_RELOCATION: (0x4000, 16), DEBUG: (0x3000, 56), RESOURCE: (0x5000, 0x7C), SECURITY: (0xE00, 0x20)},
              tail=bytes(0x20), SizeOfImage=0x6000)


RICH = rich()

# ---- broken ----------------------------------------------------------------------------------------------------------


def with_text(**changes):
    """The good file with a changed .text."""
    return pe([TEXT._replace(**changes), POINTERS])


def with_data(**changes):
    return pe([TEXT, POINTERS._replace(**changes)])


def relocations(rva, size, **fields):
    return pe(directories={BASE_RELOCATION: (rva, size)}, **fields)


def no_pe(offset, found):
    return f": at e_lfanew {offset:X}h is {found}, not 50 45 00 00 (PE)"


def lfanew(offset, size=SIZE):
    return (f"e_lfanew (3Ch) says that the PE header is at {offset:X}h, and the file has {size:X}h bytes: a program for DOS, or "
            "cut off")


def machine(number, words):
    return pe(Machine=number), f"for {words} ({number:X}h), this machine is x86-64 (8664h)"


def subsystem(number, words):
    return pe(Subsystem=number), (f"Subsystem is {number} ({words}): UEFI starts 10 (application), 11 (boot service driver) and "
                                  f"12 (runtime driver)")


def cut_off(number, name, size, offset, file=0x800):
    return f"section {number} ({name}) has {size:X}h bytes at {offset:X}h, and the file has {file:X}h: it is cut off"


def too_long(number, name, end):
    return f"section {number} ({name}) ends at {end:X}h in memory, and SizeOfImage is 5000h"


def one(index, contents, size):
    """.text, and a section at 2000h to which a directory points."""
    return pe([TEXT, Part(".x", 0x2000, contents)], {index: (0x2000, size)})


def optional_header(size, count, right):
    return (pe(SizeOfOptionalHeader=size, NumberOfRvaAndSizes=count),
            f"SizeOfOptionalHeader is {size}, with NumberOfRvaAndSizes {count} it should be {right}")


BROKEN = {
    # ---- other files
    "nothing": (b"", "empty: there is nothing to load"),
    "one byte": (b"M", "not a PE image: it begins with 4d, not 4d 5a (MZ)"),
    "text": (b"#!/bin/sh\n", "not a PE image: it begins with 23 21 2f 62, not 4d 5a (MZ)"),
    "zeros": (bytes(0x1000), "not a PE image: it begins with 00 00 00 00, not 4d 5a (MZ)"),
    "PE without its zeros": (b"PE\1\0" + bytes(0x1000), "not a PE image: it begins with 50 45 01 00, not 4d 5a (MZ)"),
    "ELF": (b"\x7fELF\x02\x01" + bytes(100), "an ELF file, not a UEFI image; --kernel starts those"),
    "TE": (b"VZ" + bytes(100), "a TE image (VZ), which only a firmware volume may hold: UEFI applications are PE32+"),
    "object file": (b"\x64\x86" + bytes(100), "a COFF object file for x86-64, not an image: link it first"),
    "kernel without a stub": (bytes(0x202) + b"HdrS" + bytes(0x1000),
                              "a Linux kernel without an EFI stub (CONFIG_EFI_STUB), not a UEFI image"),
    # ---- MZ
    "MZ alone": (b"MZ", "the MZ header is cut off: 2 bytes of 64"),
    "MZ header one byte short": (GOOD[:63], "the MZ header is cut off: 63 bytes of 64"),
    "MZ header alone": (GOOD[:64], lfanew(0x80, 0x40)),
    "e_lfanew at the end": (pe(lfanew=SIZE), lfanew(SIZE)),
    "e_lfanew three before the end": (pe(lfanew=SIZE - 3), lfanew(SIZE - 3)),
    "e_lfanew FFFFFFFFh": (pe(lfanew=M32), lfanew(M32)),
    "e_lfanew 0": (pe(lfanew=0), "a program for DOS: MZ without a PE header" + no_pe(0, "4d 5a 00 00")),
    "e_lfanew into the stub": (pe(lfanew=0x44), "a program for DOS: MZ without a PE header" + no_pe(0x44, "00 00 00 00")),
    "Windows 3": (pe(signature=b"NE\5\x0A"), "a program for Windows 3 (NE)" + no_pe(0x80, "4e 45 05 0a")),
    "Windows 9x": (pe(signature=b"LE\0\0"), "a driver for Windows 9x (LE)" + no_pe(0x80, "4c 45 00 00")),
    "OS/2": (pe(signature=b"LX\0\0"), "a program for OS/2 (LX)" + no_pe(0x80, "4c 58 00 00")),
    "TE behind MZ": (pe(signature=b"VZ\x64\x86"), "a TE image (VZ) behind an MZ header" + no_pe(0x80, "56 5a 64 86")),
    "PE header cut off": (GOOD[:0x100], "the PE header at 80h is cut off: 128 bytes of 264"),
    "PE header one byte short": (GOOD[:LFANEW + 263], "the PE header at 80h is cut off: 263 bytes of 264"),
    # ---- machines
    "i386": machine(0x14C, "i386"),
    "i386, as it really is": (pe(Machine=0x14C, Magic=0x10B, ImageBase=0x400000),
                              "for i386 (14Ch), this machine is x86-64 (8664h)"),
    "AArch64": machine(0xAA64, "AArch64"),
    "ARM": machine(0x1C2, "ARM (Thumb)"),
    "EBC": machine(0xEBC, "EFI byte code"),
    "Itanium": machine(0x200, "Itanium"),
    "RISC-V": machine(0x5064, "RISC-V 64"),
    "LoongArch": machine(0x6264, "LoongArch 64"),
    "machine 0": machine(0, "an unknown machine"),
    "machine FFFFh": machine(0xFFFF, "an unknown machine"),
    # ---- optional header
    "Magic 0": (pe(Magic=0), "Magic of the optional header is 0h, not 20Bh (PE32+)"),
    "Magic of a ROM": (pe(Magic=0x107), "Magic of the optional header is 107h, not 20Bh (PE32+)"),
    "17 directories": (pe(NumberOfRvaAndSizes=17), "NumberOfRvaAndSizes is 17, it should be 16 at most"),
    "4 G directories": (pe(NumberOfRvaAndSizes=M32), "NumberOfRvaAndSizes is 4294967295, it should be 16 at most"),
    "no optional header": optional_header(0, 16, 240),
    "optional header too small": optional_header(232, 16, 240),
    "optional header too large": optional_header(248, 16, 240),
    "optional header not even the fixed part": optional_header(111, 0, 112),
    "optional header with more directories than it says": optional_header(240, 6, 160),
    "optional header FFFFh": optional_header(0xFFFF, 16, 240),
    "PE32 with the size of PE32+": (pe(Magic=0x10B, ImageBase=0, SizeOfOptionalHeader=240),
                                    "SizeOfOptionalHeader is 240, with NumberOfRvaAndSizes 16 it should be 224"),
    # ---- sizes
    "SizeOfImage 0": (pe(SizeOfImage=0), "SizeOfImage is 0h, too small for 3 section headers at 188h"),
    "SizeOfImage at the section headers": (pe(SizeOfImage=TABLE), "SizeOfImage is 188h, too small for 3 section headers at 188h"),
    "SizeOfImage with just the section headers": (pe(SizeOfImage=TABLE + 159),
                                                  "SizeOfImage is 227h, too small for 3 section headers at 188h"),
    "SizeOfImage 4 GB": (pe(SizeOfImage=M32),
                         "SizeOfImage is FFFFFFFFh, 4095 MiB: more than 1024 MiB is no image for this loader"),
    "SizeOfImage a byte over the limit": (pe(SizeOfImage=0x40000001),
                                          "SizeOfImage is 40000001h, 1024 MiB: more than 1024 MiB is no image for this loader"),
    "65535 sections": (pe(NumberOfSections=0xFFFF), "SizeOfImage is 5000h, too small for 65535 section headers at 188h"),
    "sections beyond the headers": (pe(NumberOfSections=16), "SizeOfHeaders is 400h, too small for 16 section headers at 188h"),
    "65535 sections that would fit": (pe(NumberOfSections=0xFFFF, SizeOfImage=0x40000000),
                                      "SizeOfHeaders is 400h, too small for 65535 section headers at 188h"),
    "SizeOfHeaders 0": (pe(SizeOfHeaders=0), "SizeOfHeaders is 0h, too small for 3 section headers at 188h"),
    "SizeOfHeaders at the section headers": (pe([], SizeOfHeaders=TABLE),
                                             "SizeOfHeaders is 188h, too small for 0 section headers at 188h"),
    "SizeOfHeaders within the section headers": (pe(SizeOfHeaders=TABLE + 119),
                                                 "SizeOfHeaders is 1FFh, too small for 3 section headers at 188h"),
    "SizeOfHeaders as SizeOfImage": (pe([], SizeOfHeaders=0x400, SizeOfImage=0x400),
                                     "SizeOfHeaders is 400h, not less than SizeOfImage 400h"),
    "SizeOfHeaders beyond the image": (pe(SizeOfHeaders=M32), "SizeOfHeaders is FFFFFFFFh, not less than SizeOfImage 5000h"),
    "SizeOfHeaders beyond the file": (pe(SizeOfHeaders=0xA01),
                                      "SizeOfHeaders is A01h, and the file has A00h bytes: it is cut off"),
    "file cut off in the headers": (GOOD[:0x3FF], "SizeOfHeaders is 400h, and the file has 3FFh bytes: it is cut off"),
    # ---- certificates
    "certificate beyond the file": (pe(directories={SECURITY: (SIZE, 8)}),
                                    "the certificate table at A00h has 8h bytes, and the file A00h: it is cut off"),
    "certificate cut off by a byte": (pe(directories={SECURITY: (SIZE - 7, 8)}),
                                      "the certificate table at 9F9h has 8h bytes, and the file A00h: it is cut off"),
    "certificate that wraps": (pe(directories={SECURITY: (M32, M32)}),
                               "the certificate table at FFFFFFFFh has FFFFFFFFh bytes, and the file A00h: it is cut off"),
    # ---- kinds
    "Windows program": subsystem(2, "Windows"),
    "Windows console": subsystem(3, "Windows console"),
    "Windows driver": subsystem(1, "Windows driver"),
    "Windows boot application": subsystem(16, "Windows boot application"),
    "UEFI ROM": subsystem(13, "UEFI ROM image"),
    "subsystem 0": subsystem(0, "unknown"),
    "subsystem FFFFh": subsystem(0xFFFF, "unknown"),
    ".NET": (pe(Subsystem=3, directories={CLR_HEADER: (0x2000, 72)}), subsystem(3, ".NET program")[1]),
    "runtime driver without relocations": (pe(Subsystem=12, Characteristics=0x0207, ImageBase=0x2000000),
                                           "a UEFI runtime driver whose relocations are stripped (Characteristics bit 0): it "
                                           "could not follow SetVirtualAddressMap"),
    "SectionAlignment 0": (pe(SectionAlignment=0), "SectionAlignment is 0, it should be a power of two"),
    # ---- sections
    "raw data in the headers": (with_text(raw=0x3FF), "section 1 (.text): PointerToRawData is 3FFh, within SizeOfHeaders 400h"),
    "raw data at 0": (with_data(raw=0), "section 2 (.data): PointerToRawData is 0h, within SizeOfHeaders 400h"),
    "raw data beyond the file": (with_data(raw=0x800), cut_off(2, ".data", 0x200, 0x800)),
    "raw data cut off": (GOOD[:-1], cut_off(3, ".reloc", 0x200, 0x800, 0x9FF)),
    "raw data far away": (with_text(raw=M32), cut_off(1, ".text", 0x200, M32)),
    "4 GB of raw data": (with_text(raw_size=M32), cut_off(1, ".text", M32, 0x400)),
    "raw data that wraps": (with_text(raw=0x80000000, raw_size=0x80000400), cut_off(1, ".text", 0x80000400, 0x80000000)),
    "raw data of a section of no size, cut off": (with_text(size=0, raw_size=0x401), cut_off(1, ".text", 0x401, 0x400)),
    "section over the headers": (with_text(rva=0x3FF), "section 1 (.text): VirtualAddress is 3FFh, within SizeOfHeaders 400h"),
    "section at 0": (with_text(rva=0), "section 1 (.text): VirtualAddress is 0h, within SizeOfHeaders 400h"),
    "zeros over the headers": (pe([TEXT, Part(".bss", 0x100, flags=BSS, size=8)]),
                               "section 2 (.bss): VirtualAddress is 100h, within SizeOfHeaders 400h"),
    "section that begins at the end": (with_text(rva=0x5000), too_long(1, ".text", 0x5100)),
    "section one byte too long": (with_data(rva=0x4000, size=0x1001), too_long(2, ".data", 0x5001)),
    "section of 4 GB": (with_data(size=M32), too_long(2, ".data", 0x100001FFF)),
    "section that wraps": (with_data(rva=0xFFFFF000, size=0x2000), too_long(2, ".data", 0x100001000)),
    "raw data beyond the image": (with_text(rva=0x4F00, size=0), too_long(1, ".text", 0x5100)),
    "zeros beyond the image": (pe([TEXT, Part(".bss", 0x5000, flags=BSS, size=1)]), too_long(2, ".bss", 0x5001)),
    "nameless section": (with_text(name="", rva=0x5000), "section 1 ends at 5100h in memory, and SizeOfImage is 5000h"),
    "section with a name for a terminal": (with_text(name="\x1b[2J\n\u202e", rva=0x5000),
                                           "section 1 (?[2J??) ends at 5100h in memory, and SizeOfImage is 5000h"),
    "sections over one another, 2 GiB": (pe([TEXT] + 2 * [Part(".bss", 0x1000, flags=BSS, size=0x3FFFF000)], SizeOfImage=1 << 30),
                                         "its 3 sections have 2047 MiB in memory, and SizeOfImage is 40000000h: they lie over "
                                         "one another"),
    # ---- entry point
    "entry point at the end": (pe(AddressOfEntryPoint=0x5000),
                               "AddressOfEntryPoint is 5000h, outside the image: SizeOfImage is 5000h"),
    "entry point far away": (pe(AddressOfEntryPoint=M32),
                             "AddressOfEntryPoint is FFFFFFFFh, outside the image: SizeOfImage is 5000h"),
    # ---- relocations
    "relocations at the end": (relocations(0x5000, 8), "the relocations at 5000h have 8h bytes, and SizeOfImage is 5000h"),
    "relocations one byte too long": (relocations(0x4000, 0x1001),
                                      "the relocations at 4000h have 1001h bytes, and SizeOfImage is 5000h"),
    "4 GB of relocations": (relocations(0x4000, M32), "the relocations at 4000h have FFFFFFFFh bytes, and SizeOfImage is 5000h"),
    "relocations that wrap": (relocations(M32, 2), "the relocations at FFFFFFFFh have 2h bytes, and SizeOfImage is 5000h"),
    "relocations over the limit": (relocations(0x4000, 0x900000, SizeOfImage=0x1000000),
                                   "9 MiB of relocations: more than 8 MiB is no image for this loader"),
    # ---- debug, and resources: more below
    "debug directory cut off": (pe([TEXT, POINTERS], {DEBUG: (0x2010, 0x1000)}),
                                "the debug directory at 2010h has 1000h bytes, and the file ends at 2200h"),
    "CodeView outside the image": (one(DEBUG, debug_entry(size=40, rva=0x8000), 28),
                                   "the CodeView data is at 8000h, and SizeOfImage is 5000h"),
    "CodeView too short": (one(DEBUG, debug_entry(size=23, rva=0x201C) + codeview(b""), 28),
                           "the CodeView data (RSDS) has 23 bytes, it should be 24 and a path"),
    "resource directory too small": (one(RESOURCE, resources(0x2000, b"x"), 23),
                                     "the resource directory at +0h has 1 entries, and all resources have 17h bytes"),
    "resources outside their directory": (one(RESOURCE, resources(0x2000, b"x"), 0x48),
                                          "the resource directory has a name at +58h, and is 48h bytes long"),
}


# ---- broken relocations, found when they are used: at an address that is not ImageBase -------------------------------

def with_table(table, size=None, **fields):
    """The good file with other relocations, and the directory saying `size`."""
    return pe(relocations=table, directories={BASE_RELOCATION: (0x4000, len(table) if size is None else size)}, **fields)


BROKEN_TABLES = {
    "HIGHADJ": (block(0x2000, (HIGHADJ, 0), (ABSOLUTE, 0)),
                "a relocation of type 4 (HIGHADJ) at .data+0h: x86-64 has types 0 to 3 and 10"),
    "ARM": (block(0x2000, (5, 8)),
            "a relocation of type 5 (MIPS_JMPADDR, ARM_MOV32) at .data+8h: x86-64 has types 0 to 3 and 10"),
    "reserved type": (block(0x1000, (DIR64, 0), (15, 4)),
                      "a relocation of type 15 (reserved) at .text+4h: x86-64 has types 0 to 3 and 10"),
    "block of no size": (block(0x2000, size=0), "the block of relocations at .reloc+0h has SizeOfBlock 0"),
    "second block of no size": (block(0x2000, (DIR64, 0)) + bytes(8),
                                "the block of relocations at .reloc+Ch has SizeOfBlock 0"),
    "block longer than the table": (block(0x2000, (DIR64, 0), size=0x100),
                                    "the block of relocations at .reloc+0h has SizeOfBlock 256, and the table has 12 bytes left"),
    "block of 4 GB": (block(0x2000, size=0xFFFFFFFF),
                      "the block of relocations at .reloc+0h has SizeOfBlock 4294967295, and the table has 8 bytes left"),
    "block outside the image": (block(0x5000, (ABSOLUTE, 0)),
                                "the block of relocations at .reloc+0h is for page 5000h, and SizeOfImage is 5000h"),
    "fixup outside the image": (block(0x4FFF, (DIR64, 0xFFF)),
                                "a relocation changes 5FFEh to 6005h, and SizeOfImage is 5000h"),
    "fixup half outside the image": (block(0x4000, (DIR64, 0xFF9)),
                                     "a relocation changes 4FF9h to 5000h, and SizeOfImage is 5000h"),
    "word half outside the image": (block(0x4000, (LOW, 0xFFF)),
                                    "a relocation changes 4FFFh to 5000h, and SizeOfImage is 5000h"),
}


# ---- broken resources ------------------------------------------------------------------------------------------------

RSRC = 0x3000


def with_resources(data, size=None):
    return pe([TEXT, Part(".rsrc", RSRC, data)], {RESOURCE: (RSRC, len(data) if size is None else size)})


BROKEN_RESOURCES = {
    "too many types": (poke(resources(RSRC, b"x"), 12, "H", 0xFFFF),
                       "the resource directory at +0h has 65535 entries, and all resources have 71h bytes"),
    "too many names": (poke(resources(RSRC, b"x"), 0x26, "H", 0x1000),
                       "the resource directory at +18h has 4096 entries, and all resources have 71h bytes"),
    "too many languages": (poke(resources(RSRC, b"x"), 0x3C, "H", 0x1000),
                           "the resource directory at +30h has 4097 entries, and all resources have 71h bytes"),
    "name": (resources(RSRC, b"x", name_at=0x71), "the resource directory has a name at +71h, and is 71h bytes long"),
    "directory of names": (poke(resources(RSRC, b"x"), 20, "I", IS | 0x71),
                           "the resource directory has a directory at +71h, and is 71h bytes long"),
    "directory of languages": (poke(resources(RSRC, b"x"), 0x2C, "I", 0xFFFFFFFF),
                               "the resource directory has a directory at +7FFFFFFFh, and is 71h bytes long"),
    "data": (poke(resources(RSRC, b"x"), 0x44, "I", 0x71),
             "the resource directory has data at +71h, and is 71h bytes long"),
}
