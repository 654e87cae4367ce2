"""Other people's UEFI images: all load, and pefile makes of them what the loader makes."""
from __future__ import annotations

import lzma
import re
import struct
from functools import lru_cache
from pathlib import Path

import efi_payloads
import payloads
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pe_builder import BASE_RELOCATION, DIR64, HIGHLOW, LOW, TEXT, Part, block, pe, reloc

from boot.loaders import pe as loader
from x86.faults import ImageError

GRUB = Path("/usr/lib/grub/x86_64-efi/monolithic")
LZMA_SECTION = bytes.fromhex("98584eee143959429d6edc7bd79403cf")        # EE4E5898-3914-4259-9D6E-DC7BD79403CF
PE32_SECTION = 0x10
BASES = [0x7DE3A000, 0x1000000, 0x1_4000_0000]


@lru_cache
def firmware():
    """{offset: image} of every PE file in OVMF's compressed volume: EDK2's own drivers, linked in all of its ways.

    A section of a firmware file is  u24 size, u8 type, contents;  LZMA:  GUID, u16 offset of the data, u16, data
    """
    rom = payloads.installed(efi_payloads.OVMF, "ovmf").read_bytes()
    at = rom.index(LZMA_SECTION)
    start, = struct.unpack_from("<H", rom, at + 16)
    volume = lzma.LZMADecompressor(lzma.FORMAT_ALONE).decompress(rom[at - 4 + start:])
    found = {}
    for match in re.finditer(rb"(...)\x10MZ", volume, re.DOTALL):
        size = int.from_bytes(match[1], "little")
        if loader.is_pe(volume[match.start() + 4:match.start() + size]):
            found[match.start()] = volume[match.start() + 4:match.start() + size]
    return found


def images_of(path):
    """The images in a directory, or the file itself, by name."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return {file.name: file.read_bytes() for file in files
            if file.is_file() and (file.suffix.lower() == ".efi" or file.name.startswith("vmlinuz"))}


def installed_images():
    """{name: bytes} of what Debian's packages bring for this machine, as far as they are here."""
    found = {}
    for package in (GRUB, *sorted(payloads.HOME.glob("packages/*"))):
        # Xen's sections do not keep to its alignment, iPXE's are read by pefile from where their files' offsets are rounded to
        if package.is_dir() and not package.name.startswith(("xen", "ipxe")):
            found.update({f"{package.name}/{name}": data for name, data in images_of(package).items() if "ia32" not in name})
    return found


def check(data, base):
    """Load an image; its memory is headers, what the file has of its sections, and zeros, where no relocation points."""
    image = loader.read(data)
    memory = image.load(base if image.relocatable else image.base)
    assert len(memory) == image.size and image.entry < image.size and image.place(image.entry) != "image"
    entered = next(section for section in image.sections if section.rva <= image.entry < section.end)
    assert entered.executable and image.entry - entered.rva < entered.loaded
    assert memory[:2] == b"MZ"
    return image, memory


@pytest.mark.parametrize("name", efi_payloads.PAYLOADS)
def test_a_payload_loads(name, payload):
    files = images_of(payload(name))
    assert files
    for data in files.values():
        check(data, BASES[0])


def test_images_of_packages_load():
    files = installed_images()
    if not files:
        pytest.skip("no package with .efi files (make payloads)")
    for data in files.values():
        check(data, BASES[0])


def test_firmware_images_load():
    """About 110, with alignments of 64 and 4096, resources, hundreds of relocations."""
    try:
        files = firmware()
    except payloads.Missing as missing:
        pytest.skip(f"needs {missing}")
    loaded, others, packages = 0, 0, 0
    for data in files.values():
        try:
            image, _ = check(data, BASES[0])
        except ImageError as error:     # the early phase is 32-bit code
            assert str(error) == "image: for i386 (14Ch), this machine is x86-64 (8664h)"
            others += 1
            continue
        loaded += 1
        package_list = image.resource("HII")
        if package_list is not None:    # EFI_HII_PACKAGE_LIST_HEADER: GUID, PackageLength
            assert struct.unpack_from("<I", package_list, 16) == (len(package_list),)
            packages += 1
    assert loaded > 50 and others > 5 and packages > 1


# ---- pefile ---------------------------------------------------------------------------------------------------------

def agree(data, base):
    """The memory that pefile makes of the image, section by section; outside there are zeros. As EDK2, and not as pefile,
    ImageBase in the header is the address.

    pefile, like Windows, rounds a VirtualAddress down to SectionAlignment; EDK2 does not. Such a section, and one whose
    end it would take, have to be what the file has."""
    pefile = pytest.importorskip("pefile")
    theirs = pefile.PE(data=data, fast_load=True)
    theirs.parse_data_directories([pefile.DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_BASERELOC"]])
    theirs.relocate_image(base)
    mapped = theirs.get_memory_mapped_image()
    image = loader.read(data)
    ours = image.load(base)
    assert (image.entry, image.size, image.subsystem) == (
        theirs.OPTIONAL_HEADER.AddressOfEntryPoint, theirs.OPTIONAL_HEADER.SizeOfImage, theirs.OPTIONAL_HEADER.Subsystem)
    at, size = image.base_field
    assert int.from_bytes(ours[at:at + size], "little") == base
    assert ours[:at] == data[:at] and ours[at + size:image.headers_size] == data[at + size:image.headers_size]
    covered, mask = image.headers_size, image.section_alignment - 1
    moved = [section.rva & ~mask for section in image.sections if section.rva & mask]
    for section in image.sections:
        assert not any(ours[covered:section.rva])
        end = section.rva + section.loaded
        if section.rva & mask or any(section.rva <= start < end for start in moved):
            assert ours[section.rva:end] == data[section.raw:section.raw + section.loaded], section
        else:
            assert ours[section.rva:end] == mapped[section.rva:end], section
        assert not any(ours[section.rva + section.loaded:section.end])
        covered = section.end
    assert not any(ours[covered:])


@pytest.mark.parametrize("base", BASES, ids=hex)
def test_pefile_makes_the_same_of_firmware(base):
    try:
        files = firmware()
    except payloads.Missing as missing:
        pytest.skip(f"needs {missing}")
    for data in list(files.values())[::6]:
        if struct.unpack_from("<H", data, struct.unpack_from("<I", data, 0x3C)[0] + 4) == (0x8664,):
            agree(data, base)


def test_pefile_makes_the_same_of_packages():
    files = {name: data for name, data in installed_images().items() if len(data) < 200_000}
    if not files:
        pytest.skip("no package with .efi files (make payloads)")
    for data in files.values():
        agree(data, BASES[0])


@given(st.lists(st.integers(0, (1 << 63) - 1), min_size=8, max_size=8), st.integers(0x10, 0xFFFFFFFF).map(lambda n: n << 12),
       st.dictionaries(st.integers(0, 7), st.sampled_from((LOW, HIGHLOW, DIR64))))
def test_pefile_relocates_the_same(words, base, entries):
    """Sums that do not carry out of 64 bits, which pefile does not wrap; without HIGH, where it shifts the sum and not the
    distance ("adds the high 16 bits of the difference to the 16-bit field", PE Format, "Base Relocation Types")."""
    table = block(0x2000, *((kind, 8 * slot) for slot, kind in entries.items()))
    parts = [TEXT, Part(".data", 0x2000, struct.pack("<8Q", *words)), reloc(table)]
    agree(pe(parts, {BASE_RELOCATION: (0x4000, len(table))}, ImageBase=0x10000), base)
