"""CDs that boot: what xorriso and grub-mkrescue make, catalogs of all kinds, and broken ones."""
from __future__ import annotations

import shutil
import struct
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boot.disk import SECTOR, Disk
from boot.iso import BLOCK, EFI, read_iso


def tool(name, *arguments, **options):
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    done = subprocess.run([name, *map(str, arguments)], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def entry(block, count, media=0, indicator=0x88):
    return struct.pack("<BBHBBHI20x", indicator, media, 0, 0, 0, count, block)


def header(platform, count, last=True):
    return struct.pack("<BBH28x", 0x91 if last else 0x90, platform, count)


def validation(platform=0):
    raw = struct.pack("<BBH24xH2s", 1, platform, 0, 0, b"\x55\xAA")
    return raw[:28] + struct.pack("<H", -sum(struct.unpack("<16H", raw)) & 0xFFFF) + raw[30:]


def cd(*catalog, blocks=64, size=64, at=20):
    """An image of `blocks` blocks, whose volume says it has `size`."""
    image = bytearray(blocks * BLOCK)
    descriptors = [b"\1CD001\1".ljust(40, b"\0") + b"A NAME".ljust(40, b" ") + struct.pack("<I", size),
                   b"\0CD001\1" + b"EL TORITO SPECIFICATION".ljust(64, b"\0") + struct.pack("<I", at), b"\xFFCD001\1"]
    for number, descriptor in enumerate(descriptors, 16):
        image[number * BLOCK:number * BLOCK + len(descriptor)] = descriptor
    raw = b"".join(catalog)
    image[20 * BLOCK:20 * BLOCK + len(raw)] = raw
    return image


def read(image):
    return read_iso(Disk(bytes(image), name="it"))


# ---- catalogs --------------------------------------------------------------------------------------------------------

def test_default_entry_for_a_bios_and_a_section_for_uefi():
    iso = read(cd(validation(), entry(30, 4), header(EFI, 1), entry(40, 20)))
    assert (iso.volume, iso.blocks, iso.warnings) == ("A NAME", 64, ())
    bios, efi = iso.images
    assert (bios.entry, bios.platform, bios.first, bios.load_count, bios.load_segment) == (0, 0, 120, 4, 0x7C0)
    assert (efi.entry, efi.block, efi.first, efi.sectors, efi.blocks) == (1, 40, 160, 20, 5)
    assert iso.efi is efi and efi.cdrom == (1, 40, 5)


def test_a_cd_for_uefi_alone():
    iso = read(cd(validation(EFI), entry(30, 9)))
    assert iso.efi.cdrom == (0, 30, 3)


def test_sections_extensions_and_entries_that_do_not_boot():
    iso = read(cd(validation(), entry(30, 4, indicator=0), header(0, 2, last=False), entry(31, 4, media=0x20),
                  b"\x44\x20".ljust(32, b"\0"), b"\x44\x00".ljust(32, b"\0"), entry(32, 4, indicator=0),
                  header(EFI, 1), entry(33, 8), header(EFI, 1), entry(34, 8)))
    assert [(image.entry, image.platform, image.block) for image in iso.images] == [(0, 0, 31), (1, EFI, 33)]
    assert iso.warnings == ()


def fat(size=0):
    sector = bytearray(SECTOR)
    sector[11:22] = struct.pack("<HBHBHHB", 512, 1, 1, 2, 16, size if size < 65536 else 0, 0xF8)
    sector[32:36] = struct.pack("<I", size if size >= 65536 else 0)
    return bytes(sector)


@pytest.mark.parametrize("count, blocks, size, inside, sectors", [
    (0, 64, 50, b"", 40), (1, 64, 50, b"", 40), (2, 64, 50, b"", 2),     # 0 and 1: to the end of the volume
    (0, 64, 40, b"", 96), (0, 60, 64, b"", 80),                         # or of the disk
    (1, 64, 50, fat(7), 40), (4, 64, 64, fat(33), 33), (40, 64, 64, fat(33), 40),
    (4, 64, 64, fat(90000), 96), (500, 64, 64, b"", 96),
])
def test_size(count, blocks, size, inside, sectors):
    image = cd(validation(EFI), entry(40, count), blocks=blocks, size=size)
    image[40 * BLOCK:40 * BLOCK + len(inside)] = inside
    assert read(image).efi.sectors == sectors


@pytest.mark.parametrize("media, sectors", [(1, 2400), (2, 2880), (3, 5760)])
def test_diskettes(media, sectors):
    assert read(cd(validation(), entry(30, 1, media), blocks=2000, size=2000)).images[0].sectors == sectors


# ---- broken ones -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("image, words", [
    (cd(entry(30, 4)), "does not begin with a validation entry"),
    (cd(validation()[:4] + b"X" + validation()[5:], entry(30, 4)), "checksum"),
    (cd(validation(), entry(30, 4), at=64), "would be at block 64 of 64"),
    (cd(validation(), entry(64, 4)), "boot image 0 would be at block 64 of 64"),
    (cd(validation(), entry(30, 4), header(EFI, 3), entry(31, 4), b"\x91"), "ends within a section"),
    (cd(validation(), entry(30, 4), header(EFI, 1), entry(31, 4, media=0x20)), "lacks the extension"),
])
def test_broken(image, words):
    iso = read(image)
    assert len(iso.warnings) == 1 and words in iso.warnings[0] and iso.warnings[0].startswith("it: ")


def test_no_cd():
    assert read(bytes(100 * SECTOR)) is None and read(bytes(SECTOR)) is None
    assert read(cd(validation(), entry(30, 4))[:16 * BLOCK]) is None


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(16, 21), st.integers(0, 250), st.integers(0, 255)), max_size=20),
       st.integers(1, 64))
def test_no_image_does_harm(changes, blocks):
    image = cd(validation(), entry(30, 4), header(EFI, 2), entry(40, 20), entry(41, 3))
    for block, position, value in changes:
        image[block * BLOCK + position] = value
    del image[blocks * BLOCK:]
    iso = read(image)
    for boot_image in iso.images if iso else ():
        assert 0 < boot_image.sectors <= blocks * 4 - boot_image.first


# ---- the tools -------------------------------------------------------------------------------------------------------

def test_as_xorriso_made_it(tmp_path):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "bios.img").write_bytes(b"\xEB\xFE".ljust(4096, b"\x90"))
    tool("mkfs.fat", "-C", tmp_path / "tree" / "efi.img", 3000)
    disk = tmp_path / "cd.iso"
    tool("xorriso", "-as", "mkisofs", "-V", "SOMETHING", "-b", "bios.img", "-c", "boot.cat", "-no-emul-boot",
         "-boot-load-size", "4", "-eltorito-alt-boot", "-e", "efi.img", "-no-emul-boot", "-o", disk, tmp_path / "tree")
    iso = read_iso(Disk(disk))
    assert iso.volume == "SOMETHING" and iso.warnings == ()
    assert [image.platform for image in iso.images] == [0, EFI] and iso.efi.sectors == 6000
    content = (tmp_path / "tree" / "efi.img").read_bytes()
    assert Disk(disk).read(iso.efi.first, iso.efi.sectors) == content
    told = tool("xorriso", "-indev", disk, "-report_el_torito", "plain")
    line, = [line.split() for line in told.splitlines() if "UEFI" in line and "boot img" in line]
    assert [int(line[-2]), int(line[-1])] == [iso.efi.load_count, iso.efi.block]


def test_as_grub_mkrescue_made_it(tmp_path):
    disk = tmp_path / "rescue.iso"
    tool("grub-mkrescue", "--version")
    (tmp_path / "tree").mkdir()
    tool("grub-mkrescue", "--locales=", "--fonts=", "--themes=", "--install-modules=normal", "-o", disk, tmp_path / "tree")
    iso = read_iso(Disk(disk))
    assert iso.warnings == ()
    if iso.efi is None:
        pytest.skip("grub-efi-amd64-bin is not installed")
    assert "BOOTX64" in tool("mdir", "-i", f"{disk}@@{iso.efi.first * SECTOR}", "-b", "::/efi/boot").upper()
