"""PE32+ images: what UEFI starts, applications, boot loaders and drivers; and a Linux kernel that is one as well.

`read` checks the headers, `Image.load` makes of the file what lies in memory:

    file    | headers |pad| .text |pad| .data |pad| .reloc |pad| certificates, symbols: never loaded
                 |             \\           \\           \\
    memory  | headers |.......| .text |....| .data 00000000 |..| .reloc |..
            RVA 0             VirtualAddress      VirtualSize            SizeOfImage

then adds to each address that .reloc names the distance from ImageBase to where the image came to lie.

What is accepted and what is refused follows EDK2's BasePeCoffLib and DXE core, which the world's loaders were tested with: the
sizes in the headers must agree to the byte; FileAlignment, the order of sections, and whether they overlap do not matter.
Refused as well is what makes EDK2 write outside the image's memory. CodeView data that no section has is not appended.

Source: Microsoft, "PE Format"; UEFI 2.10 section 2.1.1, "UEFI Images".
"""
from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct, unpack_from
from typing import NamedTuple

from boot.loaders import pe_directories, pe_layout
from boot.loaders.pe_directories import printable
from boot.loaders.pe_layout import MACHINES, SUBSYSTEMS
from x86.faults import ImageError

PAGE = 0x1000
LARGEST_IMAGE = 1 << 30                 # bytes in memory; EDK2 has no limit but the machine's memory
LARGEST_RELOCATIONS = 8 << 20           # bytes of relocations: four million of them; GRUB has two thousand

_block, _u16, _u32, _u64 = Struct("<II"), Struct("<H"), Struct("<I"), Struct("<Q")


class NotLoadable(ImageError):
    """The headers are in order, but not what they say of the image in memory. EDK2 finds that while it loads (LOAD_ERROR)."""


class NoAddress(ImageError):
    """By what the headers say it would have to lie at address 0 (for EDK2 an INVALID_PARAMETER)."""


class Section(NamedTuple):
    """A section: `size` bytes at `rva` in memory, of which the file has the first `raw_size` (or fewer: padding is left out)
    at offset `raw`; the rest are zeros."""
    name: str
    rva: int
    size: int
    raw: int
    raw_size: int
    readable: bool
    writable: bool
    executable: bool
    discardable: bool

    @property
    def end(self) -> int:
        return self.rva + self.size

    @property
    def loaded(self) -> int:
        """Bytes that come from the file."""
        return min(self.size, self.raw_size)


@dataclass(frozen=True)
class Image:
    """A PE file, read. Addresses are RVAs, sizes bytes, where nothing else is said."""
    name: str                           # what messages call it
    subsystem: int                      # in SUBSYSTEMS: 10 application, 11 boot service driver, 12 runtime driver
    entry: int                          # the RVA of its first instruction
    base: int                           # the address that it was linked for
    size: int
    section_alignment: int              # address & (section_alignment - 1) must be 0 where it is loaded
    headers_size: int
    nx_compat: bool                     # it says that it does not run what it may write
    relocatable: bool                   # else it can be loaded at `base` only
    sections: list[Section]
    debug_path: str                     # where its symbols were on its maker's machine, or ""
    relocations: tuple[int, int]        # RVA and size of .reloc's contents; (0, 0) without
    resources: tuple[int, int]          # RVA and size of the resource directory; (0, 0) without
    base_field: tuple[int, int]         # where the header has ImageBase, and its size
    data: bytes = field(repr=False)     # the file

    def load(self, base: int) -> bytearray:
        """The image as it lies in memory at address `base`: `size` bytes. As EDK2 does, the header's ImageBase becomes `base`.

        Errors: ImageError where it cannot be loaded there, or its relocations make no sense."""
        if base == 0:
            raise NoAddress(f"{self.name}: no image can be loaded at address 0")
        if base & (self.section_alignment - 1):
            raise NotLoadable(f"{self.name}: {base:X}h is no address for SectionAlignment {self.section_alignment:X}h")
        if not self.relocatable and base != self.base:
            raise NotLoadable(f"{self.name}: linked for {self.base:X}h, its relocations are stripped: it cannot be loaded "
                             f"at {base:X}h")
        memory, file = bytearray(self.size), memoryview(self.data)
        memory[:self.headers_size] = file[:self.headers_size]
        for section in self.sections:
            zeros = section.rva + section.loaded
            memory[section.rva:zeros] = file[section.raw:section.raw + section.loaded]
            memory[zeros:section.end] = bytes(section.end - zeros)
        if self.relocatable and base != self.base:
            at, size = self.base_field
            memory[at:at + size] = (base % (1 << 8 * size)).to_bytes(size, "little")
            self._relocate(memory, base - self.base)
        return memory

    def _relocate(self, memory, distance):
        """Add `distance` to what the relocations name."""
        # type: (how the number is stored, what is added to it, its bits)
        fixups = {pe_layout.HIGH: (_u16, distance >> 16, 0xFFFF), pe_layout.LOW: (_u16, distance, 0xFFFF),
                  pe_layout.HIGHLOW: (_u32, distance, 0xFFFFFFFF), pe_layout.DIR64: (_u64, distance, (1 << 64) - 1)}
        for page, entries in self._blocks(memory):
            for entry in entries:
                kind, at = entry >> 12, page + (entry & 0xFFF)
                if kind == pe_layout.ABSOLUTE:
                    continue
                if kind not in fixups:
                    words = pe_layout.OTHER_RELOCATIONS.get(kind, "reserved")
                    raise NotLoadable(f"{self.name}: a relocation of type {kind} ({words}) at {self.place(at)}: "
                                     f"x86-64 has types 0 to 3 and 10")
                layout, addend, mask = fixups[kind]
                if at + layout.size > self.size:
                    raise NotLoadable(f"{self.name}: a relocation changes {at:X}h to {at + layout.size - 1:X}h, and "
                                     f"SizeOfImage is {self.size:X}h")
                value, = layout.unpack_from(memory, at)
                layout.pack_into(memory, at, value + addend & mask)

    def pointers(self, memory) -> list[int]:
        """RVAs of the 64-bit addresses that the relocations name. memory: the image as `load` made it."""
        return [page + (entry & 0xFFF) for page, entries in self._blocks(memory) for entry in entries
                if entry >> 12 == pe_layout.DIR64]

    def _blocks(self, memory):
        """(RVA of the page, its entries) of each block of relocations, checked against the table and the image."""
        at, size = self.relocations
        end = at + size
        while at < end - 1:                     # as EDK2: a last byte alone is no block
            if at + _block.size > self.size:
                raise NotLoadable(f"{self.name}: the block of relocations at {at:X}h is cut off by SizeOfImage "
                                 f"{self.size:X}h")
            page, length = _block.unpack_from(memory, at)
            if length == 0:
                raise NotLoadable(f"{self.name}: the block of relocations at {self.place(at)} has SizeOfBlock 0")
            if at + length > end:
                raise NotLoadable(f"{self.name}: the block of relocations at {self.place(at)} has SizeOfBlock {length}, "
                                 f"and the table has {end - at} bytes left")
            if page >= self.size:
                raise NotLoadable(f"{self.name}: the block of relocations at {self.place(at)} is for page {page:X}h, and "
                                 f"SizeOfImage is {self.size:X}h")
            count = (length - 7) // 2 if length > 8 else 0          # half an entry counts
            if at + 8 + 2 * count > self.size:
                raise NotLoadable(f"{self.name}: the block of relocations at {self.place(at)} ends with half an entry, "
                                 f"cut off by SizeOfImage {self.size:X}h")
            yield page, unpack_from(f"<{count}H", memory, at + 8)
            at += length

    def protections(self) -> list[tuple[int, int, bool, bool]] | None:
        """(rva, size, writable, executable) of page ranges that cover the image in order of RVA: the headers, which are
        read-only, each section, and what lies between them, which is data that nobody described.

        None where a page would belong to two of them: such an image needs all its memory writable and executable."""
        found, at = [(0, _pages(self.headers_size), False, False)], _pages(self.headers_size)
        for section in sorted((section for section in self.sections if section.size), key=lambda section: section.rva):
            if section.rva % PAGE or section.rva < at:
                return None
            if section.rva > at:
                found.append((at, section.rva - at, True, False))
            at = _pages(section.end)
            found.append((section.rva, at - section.rva, section.writable, section.executable))
        if at < _pages(self.size):
            found.append((at, _pages(self.size) - at, True, False))
        return found

    def place(self, rva: int) -> str:
        """An RVA in words: ".text+1234h"."""
        section = self._section(rva)
        if section:
            return f"{section.name or 'section'}+{rva - section.rva:X}h"
        return f"headers+{rva:X}h" if 0 <= rva < self.headers_size else f"image+{rva:X}h"

    def resource(self, kind: str) -> bytes | None:
        """The first resource of the type with that name, or None. UEFI knows one type: "HII", a package list that LoadImage
        puts on the image's handle (UEFI 2.10 section 7.4.1).

        Errors: ImageError where the resource directory makes no sense."""
        return pe_directories.resource(self, kind)

    def at(self, rva: int, count: int) -> bytes:
        """What the file has for `count` bytes at `rva`; fewer where zeros or the end of the section follow."""
        section = self._section(rva)
        if section:
            skip = rva - section.rva
            return self.data[section.raw + skip:section.raw + min(skip + count, section.loaded)]
        return self.data[rva:min(rva + count, self.headers_size)]

    def _section(self, rva):
        """The section whose byte is at `rva`, or None: where several lie over one another, the last."""
        return next((section for section in reversed(self.sections) if section.rva <= rva < section.end), None)


def is_pe(data: bytes) -> bool:
    """Whether the file claims to be PE."""
    at = unpack_from("<I", data, 0x3C)[0] if data[:2] == pe_layout.DOS_MAGIC and len(data) >= 0x40 else 0
    return data[at:at + 4] == pe_layout.PE_SIGNATURE


def read(data: bytes, name: str = "image") -> Image:
    """Read an image from the bytes of its file; `name` stands before every complaint.

    Errors: ImageError for what is no PE image, not for this machine or not for UEFI, or contradicts itself."""
    offset = _signature(data, name)
    coff = pe_layout.CoffHeader.parse(data[offset:offset + 24])
    _machine(coff, name)
    header = _optional_header(data, name, offset, coff)
    directories = _directories(data, name, offset, coff, header)
    table = offset + 24 + coff.SizeOfOptionalHeader
    _sizes(data, name, table, coff, header)
    _certificates(data, name, directories[pe_layout.SECURITY])
    relocatable = not coff.Characteristics & pe_layout.RELOCS_STRIPPED
    _kind(name, header, directories, relocatable)
    end = table + coff.NumberOfSections * pe_layout.SECTION_HEADER.size
    headers = list(map(pe_layout.SectionHeader._make, pe_layout.SECTION_HEADER.iter_unpack(data[table:end])))
    sections = _sections(data, name, header, headers)
    if header.AddressOfEntryPoint >= header.SizeOfImage:
        raise ImageError(f"{name}: AddressOfEntryPoint is {header.AddressOfEntryPoint:X}h, outside the image: SizeOfImage "
                         f"is {header.SizeOfImage:X}h")
    base_at, base_size = pe_layout.IMAGE_BASE[header.Magic]
    image = Image(name, header.Subsystem, header.AddressOfEntryPoint, header.ImageBase, header.SizeOfImage,
                  header.SectionAlignment, header.SizeOfHeaders, bool(header.DllCharacteristics & pe_layout.NX_COMPAT),
                  relocatable, sections, pe_directories.debug_path(data, name, header, headers, directories[pe_layout.DEBUG]),
                  _relocations(name, header, directories[pe_layout.BASE_RELOCATION]) if relocatable else (0, 0),
                  directories[pe_layout.RESOURCE], (offset + 24 + base_at, base_size), bytes(data))
    image.resource("HII")               # EDK2 looks for it whenever it loads an image, and refuses one with a broken directory
    return image


# ---- what `read` checks, in order -----------------------------------------------------------------------------------

def _signature(data, name):
    """Where the PE signature is in the file. An MZ header need not be there: then it is at 0."""
    if not data:
        raise ImageError(f"{name}: empty: there is nothing to load")
    if data[:4] == b"\x7fELF":
        raise ImageError(f"{name}: an ELF file, not a UEFI image; --kernel starts those")
    if data[:2] == b"VZ":
        raise ImageError(f"{name}: a TE image (VZ), which only a firmware volume may hold: UEFI applications are PE32+")
    if data[:2] == _u16.pack(pe_layout.X86_64):
        raise ImageError(f"{name}: a COFF object file for x86-64, not an image: link it first")
    if data[:2] != pe_layout.DOS_MAGIC and data[:4] != pe_layout.PE_SIGNATURE:
        if data[0x202:0x206] == b"HdrS":
            raise ImageError(f"{name}: a Linux kernel without an EFI stub (CONFIG_EFI_STUB), not a UEFI image")
        raise ImageError(f"{name}: not a PE image: it begins with {data[:4].hex(' ')}, not 4d 5a (MZ)")
    if len(data) < pe_layout.DosHeader.sizeof():
        raise ImageError(f"{name}: the MZ header is cut off: {len(data)} bytes of {pe_layout.DosHeader.sizeof()}")
    offset = pe_layout.DosHeader.parse(data[:0x40]).e_lfanew if data[:2] == pe_layout.DOS_MAGIC else 0
    signature = data[offset:offset + 4]
    if len(signature) < 4:
        raise ImageError(f"{name}: e_lfanew (3Ch) says that the PE header is at {offset:X}h, and the file has "
                         f"{len(data):X}h bytes: a program for DOS, or cut off")
    if signature != pe_layout.PE_SIGNATURE:
        words = {b"NE": "a program for Windows 3 (NE)", b"LE": "a driver for Windows 9x (LE)",
                 b"LX": "a program for OS/2 (LX)", b"VZ": "a TE image (VZ) behind an MZ header"}
        raise ImageError(f"{name}: {words.get(signature[:2], 'a program for DOS: MZ without a PE header')}: at e_lfanew "
                         f"{offset:X}h is {signature.hex(' ')}, not 50 45 00 00 (PE)")
    if offset + pe_layout.LARGEST_HEADERS > len(data):
        raise ImageError(f"{name}: the PE header at {offset:X}h is cut off: {len(data) - offset} bytes of "
                         f"{pe_layout.LARGEST_HEADERS}")
    return offset


def _machine(coff, name):
    if coff.Machine != pe_layout.X86_64:
        raise ImageError(f"{name}: for {MACHINES.get(coff.Machine, 'an unknown machine')} ({coff.Machine:X}h), this machine "
                         f"is x86-64 ({pe_layout.X86_64:X}h)")


def _optional_header(data, name, offset, coff):
    magic, = _u16.unpack_from(data, offset + 24)
    if magic not in pe_layout.OPTIONAL_HEADER_SIZES:
        raise ImageError(f"{name}: Magic of the optional header is {magic:X}h, not 20Bh (PE32+)")
    return pe_layout.OptionalHeader.parse(data[offset + 24:offset + pe_layout.LARGEST_HEADERS])


def _directories(data, name, offset, coff, header):
    """(RVA, size) of each of the 16 data directories; (0, 0) where the file has fewer."""
    count, bare = header.NumberOfRvaAndSizes, pe_layout.OPTIONAL_HEADER_SIZES[header.Magic]
    if count > pe_layout.DIRECTORIES:
        raise ImageError(f"{name}: NumberOfRvaAndSizes is {count}, it should be {pe_layout.DIRECTORIES} at most")
    if coff.SizeOfOptionalHeader != bare + 8 * count:
        raise ImageError(f"{name}: SizeOfOptionalHeader is {coff.SizeOfOptionalHeader}, with NumberOfRvaAndSizes {count} it "
                         f"should be {bare + 8 * count}")
    found = pe_layout.DataDirectory[count].parse(data[offset + 24 + bare:offset + pe_layout.LARGEST_HEADERS])
    return [(entry.VirtualAddress, entry.Size) for entry in found] + [(0, 0)] * (pe_layout.DIRECTORIES - count)


def _sizes(data, name, table, coff, header):
    """SizeOfImage and SizeOfHeaders against the file, the section table and each other."""
    image, headers, count = header.SizeOfImage, header.SizeOfHeaders, coff.NumberOfSections
    if image > LARGEST_IMAGE:
        raise ImageError(f"{name}: SizeOfImage is {image:X}h, {image >> 20} MiB: more than {LARGEST_IMAGE >> 20} MiB is no "
                         f"image for this loader")
    if image <= table or (image - table) // pe_layout.SECTION_HEADER.size <= count:
        raise ImageError(f"{name}: SizeOfImage is {image:X}h, too small for {count} section headers at {table:X}h")
    if headers <= table or (headers - table) // pe_layout.SECTION_HEADER.size < count:
        raise ImageError(f"{name}: SizeOfHeaders is {headers:X}h, too small for {count} section headers at {table:X}h")
    if headers >= image:
        raise ImageError(f"{name}: SizeOfHeaders is {headers:X}h, not less than SizeOfImage {image:X}h")
    if headers > len(data):
        raise ImageError(f"{name}: SizeOfHeaders is {headers:X}h, and the file has {len(data):X}h bytes: it is cut off")


def _certificates(data, name, directory):
    """The certificate table is no part of the image; its directory has an offset in the file, not an RVA."""
    offset, size = directory
    if size and offset + size > len(data):
        raise ImageError(f"{name}: the certificate table at {offset:X}h has {size:X}h bytes, and the file {len(data):X}h: "
                         f"it is cut off")


def _kind(name, header, directories, relocatable):
    """What it is for, and whether that can be."""
    subsystem = header.Subsystem
    if subsystem not in (pe_layout.APPLICATION, pe_layout.BOOT_SERVICE_DRIVER, pe_layout.RUNTIME_DRIVER):
        words = ".NET program" if directories[pe_layout.CLR_HEADER][1] else SUBSYSTEMS.get(subsystem, "unknown")
        raise ImageError(f"{name}: Subsystem is {subsystem} ({words}): UEFI starts 10 (application), 11 (boot service driver) "
                         f"and 12 (runtime driver)")
    if subsystem == pe_layout.RUNTIME_DRIVER and not relocatable:
        raise ImageError(f"{name}: a UEFI runtime driver whose relocations are stripped (Characteristics bit 0): it could "
                         f"not follow SetVirtualAddressMap")
    if header.SectionAlignment == 0:
        raise NoAddress(f"{name}: SectionAlignment is 0, it should be a power of two")


def _sections(data, name, header, headers):
    """The sections, each checked against file and image. One of no size may say what it likes."""
    found, total, headers_size, image_size = [], 0, header.SizeOfHeaders, header.SizeOfImage
    for number, entry in enumerate(headers, 1):
        flags = entry.Characteristics
        section = Section(printable(entry.Name.rstrip(b"\0")), entry.VirtualAddress, entry.VirtualSize or entry.SizeOfRawData,
                          entry.PointerToRawData, entry.SizeOfRawData, bool(flags & pe_layout.MEM_READ),
                          bool(flags & pe_layout.MEM_WRITE), bool(flags & pe_layout.MEM_EXECUTE),
                          bool(flags & pe_layout.MEM_DISCARDABLE))
        wrong, kind = None, ImageError
        if section.raw_size and section.raw < headers_size:
            wrong = f": PointerToRawData is {section.raw:X}h, within SizeOfHeaders {headers_size:X}h"
        elif section.raw_size and section.raw + section.raw_size > len(data):
            wrong = f" has {section.raw_size:X}h bytes at {section.raw:X}h, and the file has {len(data):X}h: it is cut off"
        elif section.size and section.rva < headers_size:
            wrong, kind = f": VirtualAddress is {section.rva:X}h, within SizeOfHeaders {headers_size:X}h", NotLoadable
        elif section.size and section.end > image_size:
            wrong, kind = f" ends at {section.end:X}h in memory, and SizeOfImage is {image_size:X}h", NotLoadable
        if wrong:
            raise kind(f"{name}: section {number}{section.name and f' ({section.name})'}{wrong}")
        total += section.size
        found.append(section)
    if total > LARGEST_IMAGE:               # they lie over one another, or SizeOfImage would have been refused
        raise ImageError(f"{name}: its {len(found)} sections have {total >> 20} MiB in memory, and SizeOfImage is "
                         f"{image_size:X}h: they lie over one another")
    return found


def _relocations(name, header, directory):
    """The directory of relocations, checked against the image; its blocks are checked when they are used."""
    rva, size = directory
    if not size:
        return 0, 0
    if rva + size > header.SizeOfImage:
        raise NotLoadable(f"{name}: the relocations at {rva:X}h have {size:X}h bytes, and SizeOfImage is "
                         f"{header.SizeOfImage:X}h")
    if size > LARGEST_RELOCATIONS:
        raise ImageError(f"{name}: {size >> 20} MiB of relocations: more than {LARGEST_RELOCATIONS >> 20} MiB is no image for "
                         f"this loader")
    return rva, size


def _pages(size):
    """`size` rounded up to whole pages."""
    return -(-size // PAGE) * PAGE
