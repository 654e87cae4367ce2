"""EFI system partitions made of other people's programs, as directories: each is booted with `x86 run --uefi --esp`.

The programs come from Debian's packages, unpacked and not installed (see payloads.py), but for GRUB, whose standalone image
is composed by its own tool. The UEFI Shell is taken out of OVMF's firmware volume.
"""
from __future__ import annotations

import shutil
from pathlib import Path

from payloads import HOME, Missing, from_package, installed, tool

EFITOOLS = "usr/lib/efitools/x86_64-linux-gnu"
SYSTEMD_BOOT = "usr/lib/systemd/boot/efi/systemd-bootx64.efi"
REFIND = "usr/share/refind/refind/refind_x64.efi"
FWUPD = "usr/libexec/fwupd/efi/fwupdx64.efi"
SYSLINUX_EFI = "usr/lib/SYSLINUX.EFI/efi64/syslinux.efi"
LDLINUX = "usr/lib/syslinux/modules/efi64/ldlinux.e64"
BUSYBOX = "bin/busybox"
OVMF = "/usr/share/OVMF/OVMF_CODE_4M.fd"
SHELL_GUID = "7c04a583-9e3e-4f1c-ad65-e05268d0b4d1"

#: package -> a file of it, which shows that it is there
PACKAGES = {"systemd-boot-efi": SYSTEMD_BOOT, "refind": REFIND, "efitools": EFITOOLS, "fwupd-unsigned": FWUPD,
            "syslinux-efi": SYSLINUX_EFI, "syslinux-common": LDLINUX, "busybox-static": BUSYBOX,
            "linux-image-cloud-amd64": "boot"}
KERNEL_PACKAGE = "linux-image-cloud-amd64"          # an empty package that depends on the newest kernel

COMMAND_LINE = "console=ttyS0 nokaslr mitigations=off cryptomgr.notests quiet lpj=100000"
GRUB_CONFIG = """\
set timeout=1
set default=0
set pager=0
echo GRUB-CFG-READ-OK
menuentry "hello" { echo HELLO-FROM-GRUB; date; lsmmap; lsefi; halt }
"""
SYSLINUX_CONFIG = """\
SERIAL 0 115200
PROMPT 1
TIMEOUT 0
SAY SYSLINUX-CFG-READ-OK
DEFAULT none
LABEL none
 KERNEL none
"""
REFIND_CONFIG = "timeout 20\ntextonly\nscanfor manual,internal,external\n"
INIT = """\
#!/bin/sh
busybox=/bin/busybox
$busybox mount -t proc proc /proc
$busybox mount -t sysfs sys /sys
echo "BUSYBOX-SHELL-OK $(( 6 * 7 ))"
export PATH=/bin PS1='emu# '
exec $busybox sh -i </dev/ttyS0 >/dev/ttyS0 2>&1
"""


def tree(path, application, files=()):
    """An EFI system partition at `path`: the application as BOOTX64.EFI, and {name: Path or text}."""
    home = path / "EFI" / "BOOT"
    home.mkdir(parents=True)
    shutil.copyfile(application, home / "BOOTX64.EFI")
    for name, source in dict(files).items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(source, Path):
            shutil.copyfile(source, target)
        else:
            target.write_text(source)


# ---- Linux ------------------------------------------------------------------------------------------------------

def kernel():
    """Debian's cloud kernel. The package that make payloads unpacked, whatever its version is."""
    found = sorted((HOME / "packages").glob("linux-image-*-cloud-amd64/boot/vmlinuz-*"))
    if not found:
        raise Missing(f"package {KERNEL_PACKAGE} (make payloads)")
    return found[-1]


def cpio(entries):
    """An initramfs in the "newc" format: [(name, mode, data, device numbers)]. Each field is eight hexadecimal digits."""
    archive = bytearray()
    for number, (name, mode, data, (major, minor)) in enumerate([*entries, ("TRAILER!!!", 0, b"", (0, 0))], 1):
        encoded = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(encoded), 0)
        archive += b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
        archive += bytes(-len(archive) % 4) + data
        archive += bytes(-len(archive) % 4)
    return bytes(archive)


def initramfs(path):
    """Busybox, and an init that says BUSYBOX-SHELL-OK 42 and becomes a shell on the serial port."""
    directory, program, link, character = 0o040755, 0o100755, 0o120777, 0o020600
    busybox = from_package("busybox-static", BUSYBOX).read_bytes()
    path.write_bytes(cpio([
        *((name, directory, b"", (0, 0)) for name in ("bin", "dev", "proc", "sys")),
        ("bin/busybox", program, busybox, (0, 0)), ("bin/sh", link, b"busybox", (0, 0)), ("init", program, INIT.encode(), (0, 0)),
        ("dev/console", character, b"", (5, 1)), ("dev/null", character, b"", (1, 3)), ("dev/ttyS0", character, b"", (4, 64))]))
    return path


# ---- one function a payload: (path of the directory to make, a directory for what is in between) ----------------------

def esp_hello(path, work):
    """A message in a box, with a button."""
    tree(path, from_package("efitools", EFITOOLS) / "HelloWorld.efi")


def esp_hashtool(path, work):
    """A menu, and a list of files."""
    tree(path, from_package("efitools", EFITOOLS) / "HashTool.efi")


def esp_fwupd(path, work):
    """Looks for firmware updates among the variables."""
    tree(path, from_package("fwupd-unsigned", FWUPD))


def esp_systemd_boot(path, work):
    """A menu of one entry, which is another application."""
    tree(path, from_package("systemd-boot-efi", SYSTEMD_BOOT), {
        "hello.efi": from_package("efitools", EFITOOLS) / "HelloWorld.efi",
        "loader/loader.conf": "timeout 5\ndefault a.conf\n", "loader/entries/a.conf": "title ENTRY-ONE\nefi /hello.efi\n"})


def esp_systemd_boot_linux(path, work):
    """Linux as systemd-boot's entry: the initrd by LoadFile2."""
    tree(path, from_package("systemd-boot-efi", SYSTEMD_BOOT), {
        "vmlinuz": kernel(), "initrd": initramfs(work / "initrd"), "loader/loader.conf": "timeout 0\ndefault l.conf\n",
        "loader/entries/l.conf": f"title L\nlinux /vmlinuz\ninitrd /initrd\noptions {COMMAND_LINE}\n"})


def esp_linux_stub(path, work):
    """Linux as an EFI application; it reads \\initrd itself."""
    tree(path, kernel(), {"initrd": initramfs(work / "initrd")})


def esp_grub(path, work):
    """GRUB with its own FAT driver, its modules and configuration in one image."""
    installed("/usr/lib/grub/x86_64-efi/moddep.lst", "grub-efi-amd64-bin")
    (work / "grub.cfg").write_text(GRUB_CONFIG)
    tool("grub-mkstandalone", "-O", "x86_64-efi", "-o", work / "grub.efi", "--modules=part_msdos part_gpt fat serial",
         f"boot/grub/grub.cfg={work / 'grub.cfg'}", package="grub-common")
    tree(path, work / "grub.efi", {"hello.txt": "hello from hello.txt on FAT\n"})


def esp_refind(path, work):
    """rEFInd in text mode."""
    tree(path, from_package("refind", REFIND), {"EFI/BOOT/refind.conf": REFIND_CONFIG})


def esp_syslinux(path, work):
    """syslinux as an EFI application, up to its prompt."""
    tree(path, from_package("syslinux-efi", SYSLINUX_EFI), {
        "EFI/BOOT/ldlinux.e64": from_package("syslinux-common", LDLINUX), "EFI/BOOT/syslinux.cfg": SYSLINUX_CONFIG})


def esp_shell(path, work):
    """The UEFI Shell, as Debian's OVMF carries it."""
    volume = installed(OVMF, "ovmf").read_bytes()
    try:
        import uefi_firmware
    except ImportError:
        raise Missing("uefi-firmware (PyPI)") from None
    (work / "shell.efi").write_bytes(find_file(uefi_firmware.AutoParser(volume).parse(), SHELL_GUID))
    tree(path, work / "shell.efi")


def find_file(item, guid):
    """The PE image of the file `guid` in a parsed firmware volume, through compressed sections. Missing."""
    import uuid
    waiting, wanted = [(item, None)], uuid.UUID(guid).bytes_le
    while waiting:
        item, file = waiting.pop()
        if type(item).__name__ == "FirmwareFile":
            file = item.guid
        if getattr(item, "type", None) == 0x10 and file == wanted:      # EFI_SECTION_PE32
            return bytes(item.data)
        inside = [*(getattr(item, "objects", None) or []), getattr(item, "parsed_object", None)]
        waiting += [(each, file) for each in inside if each is not None]
    raise Missing(f"the file {guid} in {OVMF}")


PAYLOADS = {"esp-hello": esp_hello, "esp-hashtool": esp_hashtool, "esp-fwupd": esp_fwupd,
            "esp-systemd-boot": esp_systemd_boot, "esp-systemd-boot-linux": esp_systemd_boot_linux,
            "esp-linux-stub": esp_linux_stub, "esp-grub": esp_grub, "esp-refind": esp_refind,
            "esp-syslinux": esp_syslinux, "esp-shell": esp_shell}
