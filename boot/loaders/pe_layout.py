"""The headers of PE32+ files: their layouts, their numbers, and the words for the numbers.

    0            MZ header         "MZ", e_lfanew at 3Ch. A program for DOS, or a boot sector, or nothing, may follow
    e_lfanew     "PE\\0\\0"
      + 4        COFF header       Machine NumberOfSections SizeOfOptionalHeader Characteristics              20 bytes
      + 24       optional header   Magic AddressOfEntryPoint ImageBase SizeOfImage SizeOfHeaders Subsystem   112 bytes
      + 136      data directories  NumberOfRvaAndSizes times (RVA, size)                                      8 each
      + 24 + SizeOfOptionalHeader
                 section headers   NumberOfSections times: where in the file, where in memory                40 each
    SizeOfHeaders                  all up to here is copied to the image's first bytes, then the sections' raw data

An RVA is an address relative to the image's first byte in memory.

Source: Microsoft, "PE Format"; UEFI 2.10 section 2.1.1, "UEFI Images".
"""
from __future__ import annotations

import struct
from typing import NamedTuple

from construct import Bytes, If, IfThenElse, Int16ul, Int32ul, Int64ul, Padding, Struct, this

# ---- the MZ and PE headers ------------------------------------------------------------------------------------------

DOS_MAGIC, PE_SIGNATURE = b"MZ", b"PE\0\0"
PE32, PE32_PLUS = 0x10B, 0x20B                          # Magic of the optional header
X86_64 = 0x8664                                         # Machine
LARGEST_HEADERS = 4 + 20 + 112 + 16 * 8                 # from the signature on, without section headers

DosHeader = Struct(
    "e_magic" / Bytes(2),
    Padding(0x3A),                                      # for DOS alone
    "e_lfanew" / Int32ul,                               # where the PE header is in the file
)

CoffHeader = Struct(
    "Signature" / Bytes(4),
    "Machine" / Int16ul,
    "NumberOfSections" / Int16ul,
    "TimeDateStamp" / Int32ul,
    "PointerToSymbolTable" / Int32ul,                   # COFF symbols: no part of the image in memory
    "NumberOfSymbols" / Int32ul,
    "SizeOfOptionalHeader" / Int16ul,
    "Characteristics" / Int16ul,
)

RELOCS_STRIPPED = 0x0001                                # Characteristics: only at ImageBase can it be loaded

_address = IfThenElse(this.Magic == PE32_PLUS, Int64ul, Int32ul)

OptionalHeader = Struct(
    "Magic" / Int16ul,
    "LinkerVersion" / Int16ul,
    "SizeOfCode" / Int32ul,
    "SizeOfInitializedData" / Int32ul,
    "SizeOfUninitializedData" / Int32ul,
    "AddressOfEntryPoint" / Int32ul,                    # RVA
    "BaseOfCode" / Int32ul,
    "BaseOfData" / If(this.Magic == PE32, Int32ul),
    "ImageBase" / _address,                             # for which address it was linked
    "SectionAlignment" / Int32ul,                       # of RVAs, and so of the address that it is loaded to
    "FileAlignment" / Int32ul,                          # of PointerToRawData; firmware does not look at it
    "OperatingSystemVersion" / Int32ul,
    "ImageVersion" / Int32ul,
    "SubsystemVersion" / Int32ul,
    "Win32VersionValue" / Int32ul,
    "SizeOfImage" / Int32ul,                            # in memory
    "SizeOfHeaders" / Int32ul,
    "CheckSum" / Int32ul,
    "Subsystem" / Int16ul,
    "DllCharacteristics" / Int16ul,
    "SizeOfStackReserve" / _address,
    "SizeOfStackCommit" / _address,
    "SizeOfHeapReserve" / _address,
    "SizeOfHeapCommit" / _address,
    "LoaderFlags" / Int32ul,
    "NumberOfRvaAndSizes" / Int32ul,
)
OPTIONAL_HEADER_SIZES = {PE32: 96, PE32_PLUS: 112}      # without directories
IMAGE_BASE = {PE32: (28, 4), PE32_PLUS: (24, 8)}        # where ImageBase is in the optional header, and its size

NX_COMPAT = 0x0100                                      # DllCharacteristics: it does not run what it may write

DataDirectory = Struct("VirtualAddress" / Int32ul, "Size" / Int32ul)
DIRECTORIES = 16
RESOURCE, SECURITY, BASE_RELOCATION, DEBUG, CLR_HEADER = 2, 4, 5, 6, 14

# A file may have 65535 sections: their headers are read with struct.
SECTION_HEADER = struct.Struct("<8s6I2HI")


class SectionHeader(NamedTuple):
    """IMAGE_SECTION_HEADER."""
    Name: bytes                                         # 8 bytes, zeros behind
    VirtualSize: int                                    # in memory; 0: as many bytes as in the file
    VirtualAddress: int                                 # RVA
    SizeOfRawData: int                                  # in the file; VirtualSize may be less (padding) or more (zeros)
    PointerToRawData: int
    PointerToRelocations: int
    PointerToLinenumbers: int
    NumberOfRelocations: int
    NumberOfLinenumbers: int
    Characteristics: int


MEM_DISCARDABLE, MEM_EXECUTE, MEM_READ, MEM_WRITE = 0x02000000, 0x20000000, 0x40000000, 0x80000000

# ---- what directories point to --------------------------------------------------------------------------------------

# Base relocations: blocks of a page each,
#
#     0   u32 RVA of the page        15     12 11             0
#     4   u32 size of the block     +---------+----------------+
#     8   u16 entries ...           |  type   | offset in page |
#                                   +---------+----------------+
#
# read with struct, for there may be a million of them. The types are those that x86-64 has:
ABSOLUTE, HIGH, LOW, HIGHLOW, DIR64 = 0, 1, 2, 3, 10     # ABSOLUTE does nothing: it fills up the block
OTHER_RELOCATIONS = {4: "HIGHADJ", 5: "MIPS_JMPADDR, ARM_MOV32", 7: "THUMB_MOV32", 8: "RISCV_LOW12S, LOONGARCH64_MARK_LA",
                     9: "IA64_IMM64, MIPS_JMPADDR16"}

DebugEntry = Struct(
    "Characteristics" / Int32ul,
    "TimeDateStamp" / Int32ul,
    "Version" / Int32ul,
    "Type" / Int32ul,
    "SizeOfData" / Int32ul,
    "RVA" / Int32ul,                                    # 0: it is in the file only, at FileOffset
    "FileOffset" / Int32ul,
)
DEBUG_ENTRY_SIZE = DebugEntry.sizeof()
CODEVIEW = 2                                            # Type
CODEVIEW_HEADERS = {b"NB10": 16, b"RSDS": 24, b"MTOC": 20}      # signature: bytes before the path

# Resources are a tree of three levels, type, name and language; offsets are relative to the directory's first byte,
# their highest bit says that a string is meant, or a directory. Only where the bytes are is an RVA.
ResourceDirectory = Struct(
    "Characteristics" / Int32ul,
    "TimeDateStamp" / Int32ul,
    "Version" / Int32ul,
    "NumberOfNamedEntries" / Int16ul,                   # these come first
    "NumberOfIdEntries" / Int16ul,
)
ResourceEntry = Struct("Name" / Int32ul, "Offset" / Int32ul)
ResourceData = Struct("RVA" / Int32ul, "Size" / Int32ul, "CodePage" / Int32ul, "Reserved" / Int32ul)
IS_STRING = IS_DIRECTORY = 0x80000000

# ---- numbers in words -----------------------------------------------------------------------------------------------

APPLICATION, BOOT_SERVICE_DRIVER, RUNTIME_DRIVER = 10, 11, 12
SUBSYSTEMS = {
    0: "unknown", 1: "Windows driver", 2: "Windows", 3: "Windows console", 5: "OS/2 console", 7: "POSIX console",
    8: "Windows 9x driver", 9: "Windows CE", APPLICATION: "UEFI application", BOOT_SERVICE_DRIVER: "UEFI boot service driver",
    RUNTIME_DRIVER: "UEFI runtime driver", 13: "UEFI ROM image", 14: "Xbox", 16: "Windows boot application",
}
MACHINES = {
    0x014C: "i386", 0x0166: "MIPS", 0x01C0: "ARM", 0x01C2: "ARM (Thumb)", 0x01C4: "ARM (Thumb-2)", 0x01F0: "PowerPC",
    0x0200: "Itanium", 0x0EBC: "EFI byte code", 0x5032: "RISC-V 32", 0x5064: "RISC-V 64", 0x5128: "RISC-V 128",
    0x6232: "LoongArch 32", 0x6264: "LoongArch 64", X86_64: "x86-64", 0xA641: "ARM64EC", 0xA64E: "ARM64X",
    0xAA64: "AArch64",
}
