"""Kernels for `x86 run --kernel`: Debian's, and what else is made to be loaded as one. See payloads.py.

What stands in DEEP needs packages of some size; only

    python tests/payloads.py deep

downloads them.
"""
from __future__ import annotations

import shutil
import struct

from efi_payloads import initramfs, kernel
from payloads import HOME, SYSLINUX, Missing, from_package, installed, tool

#: package -> a file of it, which shows that it is there
DEEP = {"linux-image-amd64": "boot", "ipxe": "boot/ipxe.lkrn"}
DISTRIBUTION = "linux-image-amd64"                  # an empty package that depends on the newest kernel
LEGACY_LZ4 = bytes.fromhex("02214c18")


def vmlinuz(path, work):
    """Debian's cloud kernel, a bzImage with a kernel that LZ4 packed."""
    shutil.copyfile(kernel(), path)


def initrd(path, work):
    """Busybox, and an init that says BUSYBOX-SHELL-OK 42."""
    initramfs(path)


def vmlinux(path, work):
    """The ELF file that is packed in Debian's cloud kernel. Its place is in payload_offset and payload_length; the last
    four bytes there are its unpacked size."""
    image = kernel().read_bytes()
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (image[0x1F1] + 1) * 512 + offset
    packed = image[start:start + length - 4]
    if packed[:4] != LEGACY_LZ4:
        raise Missing("a kernel that LZ4 packed")
    (work / "vmlinux.lz4").write_bytes(packed)
    tool("lz4", "-q", "-d", "-f", work / "vmlinux.lz4", path, package="lz4")


def distribution_kernel():
    """Debian's kernel for everything. The package that was unpacked, whatever its version is."""
    found = sorted(path for path in (HOME / "packages").glob("linux-image-*-amd64/boot/vmlinuz-*") if "cloud" not in path.name)
    if not found:
        raise Missing(f"package {DISTRIBUTION} (python tests/payloads.py deep)")
    return found[-1]


def vmlinuz_distribution(path, work):
    """Debian's kernel for everything, which XZ packed."""
    shutil.copyfile(distribution_kernel(), path)


def memdisk(path, work):
    """syslinux's memdisk: looks like a kernel, and makes a drive of its initrd."""
    shutil.copyfile(installed(SYSLINUX / "memdisk", "syslinux-common"), path)


def memtest(path, work):
    """Memtest86+ with entries for 16, 32 and 64 bits."""
    shutil.copyfile(from_package("memtest86+", "boot/memtest86+x64.bin"), path)


def ipxe(path, work):
    """iPXE as a kernel of boot protocol 2.07, with 16-bit code only."""
    shutil.copyfile(from_package("ipxe", "boot/ipxe.lkrn"), path)


PAYLOADS = {"vmlinuz": vmlinuz, "initrd.cpio": initrd, "vmlinux": vmlinux, "memdisk": memdisk, "memtest.bin": memtest}
DEEP_PAYLOADS = {"vmlinuz-amd64": vmlinuz_distribution, "ipxe.lkrn": ipxe}
