"""`x86 run` with an ISO image: whether it is a CD or a disk, and what is said of one that is neither."""
import pytest
from bios_guest import boot_sector
from test_int13_cdrom import EFI, HALT, cd, entry, validation

from boot.disk import Disk
from x86.cli.options import check_disk, open_cd
from x86.faults import ImageError

NOT_BOOTABLE = cd(validation(EFI), entry())


def written(tmp_path, content):
    path = tmp_path / "it.iso"
    path.write_bytes(content)
    return path


def test_a_cd_is_a_cd_and_not_for_a_pc_a_disk(tmp_path):
    assert open_cd(written(tmp_path, HALT + cd(validation(), entry())[512:]), "overlay").is_cd
    disk = open_cd(written(tmp_path, HALT + NOT_BOOTABLE[512:]), "overlay")
    assert not disk.is_cd and disk.sectors == 256


@pytest.mark.parametrize("content, words", [
    (NOT_BOOTABLE, "its boot images are not for a PC's BIOS but for a UEFI"),
    (cd(validation(), entry(), at=1 << 31), "the boot catalog would be at block 2147483648 of 64"),
    (cd(validation(), entry())[:25 * 2048], "boot image 0 would be at block 30 of 25")])
def test_neither(tmp_path, content, words):
    path = written(tmp_path, content)
    with pytest.raises(ImageError) as error:
        open_cd(path, "overlay")
    assert str(error.value) == f"{path}: no PC boots this CD: {words}"


def test_the_command_boots_it(x86, tmp_path):
    image = written(tmp_path, cd(validation(), entry(), image=boot_sector("        mov al, 3\n        out 0F4h, al\n")))
    disk = tmp_path / "disk.img"
    disk.write_bytes(boot_sector("        mov al, 5\n        out 0F4h, al\n"))
    assert x86("run", "--drive", disk, image).status == 16 + 3                 # an IMAGE comes first
    assert x86("run", "--drive", disk, "--cdrom", image).status == 16 + 5
    done = x86("run", "--cdrom", disk)
    assert done.status == 2 and "CD-ROM E0h: not bootable: no CD in ISO 9660 format." in done.err


def test_a_disk_partitioned_for_4096_bytes_a_sector():
    with pytest.raises(ImageError, match="it: partitioned for sectors of 4096 bytes"):
        check_disk(Disk(bytes(4096) + b"EFI PART" + bytes(8184), name="it"))
