"""Boot images made of other people's programs, which the tests boot unmodified. None of it is in the repository.

The programs come from Debian's packages: some installed (syslinux, grub-pc-bin), some only downloaded and unpacked, for
they would not live beside each other on one system (grub-legacy, grub-invaders, memtest86+). Images are kept in
build/payloads. Tests compose what they miss from what is there and skip by the name of what is not;

    python tests/payloads.py        (make payloads)

downloads the packages as well, and composes everything; with the argument `deep` also what only deep tests need.
"""
from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent / "build" / "payloads"
SYSLINUX = Path("/usr/lib/syslinux")
GRUB = Path("/usr/lib/grub/i386-pc")
SECTOR = 512
FLOPPY_BYTES = 2880 * SECTOR            # 3.5 inch, 1.44 MB
FIRST_PARTITION = 2048                  # LBA: 1 MiB, as partitioning tools align


class Missing(Exception):
    """The package or tool that an image needs and that is not here."""


# ---- where things come from -------------------------------------------------------------------------------------

PACKAGES = {"grub-legacy": "usr/lib/grub/x86_64-pc", "grub-invaders": "boot/invaders.exec",
            "memtest86+": "boot/memtest86+x64.bin", "multiboot": "usr/lib/multiboot/examples/kernel",
            "xen-hypervisor-4.17-amd64": "boot/xen-4.17-amd64.gz", "gnumach-image-1.8-486": "boot/gnumach-1.8-486.gz"}


def from_package(name, path):
    """Path of a file that the Debian package `name` brings: installed, or unpacked below build/payloads/packages."""
    for root in (HOME / "packages" / name, Path("/")):
        if (root / path).exists():
            return root / path
    raise Missing(f"package {name} (make payloads)")


def installed(path, package):
    if not Path(path).exists():
        raise Missing(f"package {package}")
    return Path(path)


def download(name):
    """Fetch a package with apt-get and unpack it; nothing is installed."""
    target = HOME / "packages" / name
    if target.exists():
        return
    with tempfile.TemporaryDirectory(dir=HOME) as work:
        tool("apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", name, cwd=work, package="apt")
        package, = Path(work).glob("*.deb")
        tool("dpkg-deb", "-x", package.name, "tree", cwd=work, package="dpkg")
        target.parent.mkdir(exist_ok=True)
        os.replace(Path(work) / "tree", target)


def tool(command, *arguments, package, cwd=None):
    path = shutil.which(command) or shutil.which(command, path="/usr/sbin:/sbin")
    if path is None:
        raise Missing(f"{command} (package {package})")
    done = subprocess.run([path, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=120,
                          env={**os.environ, "MTOOLS_SKIP_CHECK": "1", "LC_ALL": "C"})
    if done.returncode:
        raise RuntimeError(f"{command} {' '.join(map(str, arguments))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


# ---- media ------------------------------------------------------------------------------------------------------

def signed(sector):
    """A boot sector with its last two bytes set to 55 AA."""
    return bytes(sector[:510]).ljust(510, b"\0") + b"\x55\xaa"


def partition_entry(first, sectors, kind, heads=16, per_track=63):
    """An active MBR partition entry: status, CHS of the first sector, type, CHS of the last, LBA, sectors."""
    def chs(lba):
        track, sector = divmod(lba, per_track)
        cylinder, head = divmod(track, heads)
        if cylinder > 1023:
            return bytes((254, 255, 255))
        return bytes((head, cylinder >> 2 & 0xC0 | sector + 1, cylinder & 0xFF))
    return b"\x80" + chs(first) + bytes((kind,)) + chs(first + sectors - 1) + struct.pack("<II", first, sectors)


class HardDisk:
    """A raw disk image with one active FAT16 partition behind a gap of 1 MiB."""

    def __init__(self, path, mebibytes, label):
        self.path = path
        sectors = mebibytes * 2048 - FIRST_PARTITION
        with open(path, "wb") as disk:
            disk.truncate(mebibytes << 20)
            disk.seek(446)
            disk.write(partition_entry(FIRST_PARTITION, sectors, 0x0E).ljust(64, b"\0") + b"\x55\xaa")
        self.drive = f"{path}@@{FIRST_PARTITION * SECTOR}"
        tool("mformat", "-i", self.drive, "-T", sectors, "-h", 16, "-s", 63, "-H", FIRST_PARTITION, "-N", "58385836",
             "-v", label, "::", package="mtools")

    def add(self, source, name):
        tool("mcopy", "-o", "-i", self.drive, source, f"::/{name}", package="mtools")

    def write(self, lba, data):
        with open(self.path, "r+b") as disk:
            disk.seek(lba * SECTOR)
            disk.write(data)

    def write_boot_code(self, code):
        """Put the program of an MBR before the partition table (at most 440 bytes: the disk's signature follows)."""
        self.write(0, code[:440])


# ---- boot sectors -----------------------------------------------------------------------------------------------

def handoff(path, work):
    """syslinux's diagnostic sector: prints the registers it was entered with, then waits for a key."""
    code = installed(SYSLINUX / "mbr/diag/handoff/handoff.bin", "syslinux-common").read_bytes()
    path.write_bytes(signed(code).ljust(FLOPPY_BYTES, b"\0"))


def mbr_without_partition(path, work):
    """syslinux's MBR on a disk with an empty partition table: it has to say so, and give back to the BIOS."""
    code = installed(SYSLINUX / "mbr/mbr.bin", "syslinux-common").read_bytes()
    path.write_bytes(signed(code[:440]).ljust(8 << 20, b"\0"))


def grub_legacy(path, work):
    """GRUB 0.97 on a floppy, stage 1 and stage 2 one after the other, without a file system: its command line."""
    stages = from_package("grub-legacy", "usr/lib/grub/x86_64-pc")
    path.write_bytes(((stages / "stage1").read_bytes() + (stages / "stage2").read_bytes()).ljust(FLOPPY_BYTES, b"\0"))


# ---- syslinux ---------------------------------------------------------------------------------------------------

FLOPPY_CONFIG = """\
SERIAL 0 115200
PROMPT 1
TIMEOUT 0
SAY SYSLINUX-CFG-READ-OK
DISPLAY hello.txt
DEFAULT none
LABEL mt
 KERNEL mt86p.bin
"""
MENU_CONFIG = """\
SERIAL 0 115200
UI menu.c32
TIMEOUT 30
MENU TITLE SYSLINUX-MENU
LABEL mt
 MENU LABEL memtest
 KERNEL mt86p.bin
"""


def syslinux_floppy(path, work):
    """syslinux on a FAT12 floppy, up to its prompt on the serial port and the screen."""
    memtest = from_package("memtest86+", "boot/memtest86+x64.bin")
    tool("mformat", "-C", "-f", 1440, "-N", "58385836", "-i", path, "::", package="mtools")
    (work / "syslinux.cfg").write_text(FLOPPY_CONFIG)
    (work / "hello.txt").write_text("hello from hello.txt on FAT\n")
    (work / "mt86p.bin").write_bytes(memtest.read_bytes())
    for name in ("syslinux.cfg", "hello.txt", "mt86p.bin"):
        tool("mcopy", "-i", path, work / name, "::/", package="mtools")
    tool("syslinux", "--install", path, package="syslinux")


def syslinux_disk(path, work):
    """syslinux in an active FAT16 partition behind its own MBR, with the menu that takes over INT 1Ch."""
    memtest = from_package("memtest86+", "boot/memtest86+x64.bin")
    mbr = installed(SYSLINUX / "mbr/mbr.bin", "syslinux-common").read_bytes()
    modules = sorted(installed(SYSLINUX / "modules/bios", "syslinux-common").glob("*.c32"))
    disk = HardDisk(path, 34, "SYSLINUX")
    disk.write_boot_code(mbr)
    (work / "syslinux.cfg").write_text(MENU_CONFIG)
    disk.add(work / "syslinux.cfg", "syslinux.cfg")
    disk.add(memtest, "mt86p.bin")
    tool("mcopy", "-i", disk.drive, *modules, "::/", package="mtools")
    tool("syslinux", "--install", "-t", FIRST_PARTITION * SECTOR, path, package="syslinux")


# ---- GRUB 2 -----------------------------------------------------------------------------------------------------

GRUB_CONFIG = """\
serial --unit=0 --speed=115200
terminal_input serial console
terminal_output serial console
set timeout=3
set default=0
echo GRUB-CFG-READ-OK
menuentry 'hello' { echo HELLO-FROM-GRUB; cat /hello.txt; date; lspci; lsmmap; halt }
menuentry 'invaders' { multiboot /invaders.exec ; boot }
menuentry 'memtest' { linux16 /mt86p.bin console=ttyS0,115200 ; boot }
"""
GRUB_EARLY = "set root=(hd0,msdos1)\nset prefix=(hd0,msdos1)/grub\nconfigfile /grub.cfg\n"
GRUB_MODULES = ("biosdisk part_msdos fat normal configfile serial terminal echo cat date datetime lspci lsmmap halt "
                "multiboot multiboot2 linux linux16 boot minicmd sleep").split()


def install_grub(disk, core):
    """What grub-bios-setup does: boot.img into the MBR, core.img into the gap, each told where the next sector is.

    boot.img    5Ch  u64  LBA of core.img's first sector
                64h  u8   drive it is on; FFh: the one the BIOS names in DL
                66h  u16  a jump over the check of DL, which two NOPs put out of action
    core.img, at the end of its first sector (diskboot.img), the list of blocks with the rest:
                1F4h u64 LBA   1FCh u16 sectors   1FEh u16 segment to load them to
    """
    core = bytearray(core)
    core += bytes(-len(core) % SECTOR)
    sectors = len(core) // SECTOR
    if sectors >= FIRST_PARTITION:
        raise RuntimeError(f"core.img has {sectors} sectors and does not fit before the partition")
    struct.pack_into("<QHH", core, 0x1F4, 2, sectors - 1, 0x0820)
    boot = bytearray(installed(GRUB / "boot.img", "grub-pc-bin").read_bytes())
    struct.pack_into("<Q", boot, 0x5C, 1)
    boot[0x64] = 0xFF
    boot[0x66:0x68] = b"\x90\x90"
    disk.write_boot_code(boot)
    disk.write(1, core)


def grub_core(work):
    """GRUB's core.img with all modules that the images here need, and early.cfg."""
    tool("grub-mkimage", "-O", "i386-pc", "-o", work / "core.img", "-p", "(hd0,msdos1)/grub", "-c", work / "early.cfg",
         *GRUB_MODULES, package="grub-common")
    return (work / "core.img").read_bytes()


def grub_disk(path, work):
    """GRUB 2.06 on a hard disk: LZMA in 32-bit code, its own FAT driver over INT 13h, serial port, PCI, memory map."""
    installed(GRUB / "boot.img", "grub-pc-bin")
    invaders = from_package("grub-invaders", "boot/invaders.exec")
    memtest = from_package("memtest86+", "boot/memtest86+x64.bin")
    disk = HardDisk(path, 64, "GRUB")
    files = {"grub.cfg": GRUB_CONFIG, "hello.txt": "hello from hello.txt on FAT\n", "early.cfg": GRUB_EARLY}
    for name, text in files.items():
        (work / name).write_text(text)
    disk.add(work / "grub.cfg", "grub.cfg")
    disk.add(work / "hello.txt", "hello.txt")
    disk.add(invaders, "invaders.exec")
    disk.add(memtest, "mt86p.bin")
    install_grub(disk, grub_core(work))


LINUX_CONFIG = """\
serial --unit=0 --speed=115200
terminal_output serial
set timeout=0
menuentry 'linux' { linux /vmlinuz %s ; initrd /initrd }
"""


def linux_disk(path, work):
    """Debian's kernel and a busybox, started by GRUB 2; the kernel's own messages on the serial port."""
    from efi_payloads import COMMAND_LINE, initramfs, kernel
    installed(GRUB / "boot.img", "grub-pc-bin")
    disk = HardDisk(path, 48, "LINUX")
    (work / "grub.cfg").write_text(LINUX_CONFIG % COMMAND_LINE.replace(" quiet", ""))
    (work / "early.cfg").write_text(GRUB_EARLY)
    for source, name in ((work / "grub.cfg", "grub.cfg"), (kernel(), "vmlinuz"), (initramfs(work / "initrd"), "initrd")):
        disk.add(source, name)
    install_grub(disk, grub_core(work))


# ---- CDs --------------------------------------------------------------------------------------------------------

ISOLINUX_CONFIG = """\
SERIAL 0 115200
PROMPT 1
TIMEOUT 0
SAY ISOLINUX-CFG-READ-OK
DEFAULT none
LABEL diskette
 KERNEL memdisk
 INITRD /floppy.img
LABEL disk
 COM32 chain.c32
 APPEND hd0
"""


def make_iso(path, tree, *options):
    tool("xorriso", "-as", "mkisofs", "-quiet", *options, "-c", "boot.cat", "-o", path, tree, package="xorriso")


def isolinux_cd(path, work):
    """isolinux, on a CD that is a disk as well: an MBR in its first sector boots it. memdisk starts a diskette from it."""
    (work / "tree").mkdir()
    modules = [SYSLINUX / "modules/bios" / name for name in ("ldlinux.c32", "chain.c32", "libcom32.c32", "libutil.c32")]
    for part in (installed("/usr/lib/ISOLINUX/isolinux.bin", "isolinux"), installed(SYSLINUX / "memdisk", "syslinux-common"),
                 *(installed(module, "syslinux-common") for module in modules), payload("syslinux-floppy.img")):
        shutil.copy(part, work / "tree" / ("floppy.img" if part.name == "syslinux-floppy.img" else part.name))
    (work / "tree/isolinux.cfg").write_text(ISOLINUX_CONFIG)
    make_iso(path, work / "tree", "-isohybrid-mbr", installed("/usr/lib/ISOLINUX/isohdpfx.bin", "isolinux"), "-b",
             "isolinux.bin", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table")


def emulated_diskette_cd(path, work):
    """The syslinux diskette as the boot image of a CD."""
    (work / "tree").mkdir()
    shutil.copy(payload("syslinux-floppy.img"), work / "tree/floppy.img")
    make_iso(path, work / "tree", "-b", "floppy.img")


def emulated_disk_cd(path, work):
    """The syslinux hard disk as the boot image of a CD."""
    (work / "tree").mkdir()
    shutil.copy(payload("syslinux-disk.img"), work / "tree/disk.img")
    make_iso(path, work / "tree", "-b", "disk.img", "-hard-disk-boot")


GRUB_CD_CONFIG = """\
set timeout=-1
menuentry 'disk' { chainloader (hd0)+1 ; boot }
menuentry 'second disk' { drivemap -s hd0 hd1 ; chainloader (hd1)+1 ; boot }
"""


def grub_cd(path, work):
    """What grub-mkrescue makes: GRUB 2 on a CD that is a disk as well."""
    installed(GRUB / "cdboot.img", "grub-pc-bin")
    (work / "tree/boot/grub").mkdir(parents=True)
    (work / "tree/boot/grub/grub.cfg").write_text(GRUB_CD_CONFIG)
    tool("grub-mkrescue", "-d", GRUB, "--locales=", "--fonts=", "--themes=", "-o", path, work / "tree", package="grub-common")


def invaders(path, work):
    """A game as a multiboot kernel; it programs the timer and the keyboard controller itself."""
    path.write_bytes(from_package("grub-invaders", "boot/invaders.exec").read_bytes())


PAYLOADS = {"handoff.img": handoff, "mbr-nopart.img": mbr_without_partition, "grub-legacy.img": grub_legacy,
            "syslinux-floppy.img": syslinux_floppy, "syslinux-disk.img": syslinux_disk, "grub-disk.img": grub_disk,
            "linux-disk.img": linux_disk, "invaders.exec": invaders, "isolinux.iso": isolinux_cd,
            "diskette-on-cd.iso": emulated_diskette_cd, "disk-on-cd.iso": emulated_disk_cd, "grub.iso": grub_cd}


def all_payloads():
    """Every image's name -> the function that composes it."""
    import efi_payloads
    import kernel_payloads
    return PAYLOADS | efi_payloads.PAYLOADS | kernel_payloads.PAYLOADS | kernel_payloads.DEEP_PAYLOADS


def payload(name):
    """Path of the image, or directory, `name`, composed now if it was not there. Raises Missing."""
    path = HOME / name
    if not path.exists():
        HOME.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=HOME) as work:
            made = Path(work) / name
            all_payloads()[name](made, Path(work))
            os.replace(made, path)
    return path


def newest(name):
    """The package that `name`, which is empty, depends on: linux-image-cloud-amd64 -> linux-image-6.1.0-..."""
    words = tool("apt-cache", "depends", name, package="apt").split()
    return next(word for word in words if word.startswith("linux-image-") and word != name)


def main(deep):
    import efi_payloads
    import kernel_payloads
    HOME.mkdir(parents=True, exist_ok=True)
    complete = True
    kernels = {efi_payloads.KERNEL_PACKAGE: efi_payloads.kernel,
               kernel_payloads.DISTRIBUTION: kernel_payloads.distribution_kernel}
    for name, path in (PACKAGES | efi_payloads.PACKAGES | (kernel_payloads.DEEP if deep else {})).items():
        try:
            if name in kernels:
                kernels[name]()
            else:
                from_package(name, path)
        except Missing:
            try:
                download(newest(name) if name in kernels else name)
            except (Missing, RuntimeError) as error:
                print(f"{name}: {error}")
    for name in all_payloads():
        if name in kernel_payloads.DEEP_PAYLOADS and not deep:
            continue
        try:
            path = payload(name)
            size = sum(each.stat().st_size for each in (path, *path.rglob("*")) if each.is_file())
            print(f"{name:24} {size:>9} bytes")
        except Missing as missing:
            complete = False
            print(f"{name:24} needs {missing}")
    return 0 if complete else 1


if __name__ == "__main__":
    sys.modules["payloads"] = sys.modules["__main__"]       # efi_payloads.py imports this file by its name
    sys.exit(main(deep=sys.argv[1:] == ["deep"]))
