"""Linux kernels as the kernel's own build makes them, zImage and bzImage: the setup header, and the two parts of the file.

    0       512           (setup_sects + 1) * 512                         end of the file
    | boot sector | setup, 16-bit | the protected-mode kernel             |
          1F1h --- setup header --- 202h + the byte at 201h, at the latest

What is in the header depends on the protocol's version, at 206h; a field that the version has not got is the kernel's
code, or anything else, and is neither read nor written. Kernels from before 2.00 have no HdrS at 202h: nothing but
setup_sects tells them from any other boot sector.

Source: Linux, Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header".
"""
from __future__ import annotations

import struct
from typing import NamedTuple

from x86.faults import ImageError

MAGIC, MAGIC_AT, VERSION_AT = b"HdrS", 0x202, 0x206
SECTOR = 512
USUAL_SETUP_SECTORS = 4                     # what setup_sects = 0 stands for
BOOT_FLAG = 0xAA55
OLD = 0                                     # the version that stands for none
SMALLEST = 0x268                            # bytes of a boot sector and the longest header that is read here
HEADER_START, JUMP_LENGTH_AT = 0x1F1, 0x201

# loadflags
LOADED_HIGH, CAN_USE_HEAP = 0x01, 0x80
# xloadflags
KERNEL_64 = 0x01                            # there is a 64-bit entry 200h behind the 32-bit one


class Field(NamedTuple):
    """A field of the setup header: offset in the file, format for struct, the first version that has it, and what an
    older kernel stands for."""
    offset: int
    format: str
    since: int = 0x200
    default: int = 0


FIELDS = {
    "setup_sects": Field(0x1F1, "B", 0),
    "syssize": Field(0x1F4, "I", 0x204),            # 16 bits before 2.04, and not to be trusted
    "vid_mode": Field(0x1FA, "H", 0),
    "boot_flag": Field(0x1FE, "H", 0),
    "version": Field(0x206, "H"),
    "type_of_loader": Field(0x210, "B"),
    "loadflags": Field(0x211, "B"),
    "setup_move_size": Field(0x212, "H"),
    "code32_start": Field(0x214, "I"),
    "ramdisk_image": Field(0x218, "I"),
    "ramdisk_size": Field(0x21C, "I"),
    "heap_end_ptr": Field(0x224, "H", 0x201),
    "cmd_line_ptr": Field(0x228, "I", 0x202),
    "initrd_addr_max": Field(0x22C, "I", 0x203, 0x37FFFFFF),
    "kernel_alignment": Field(0x230, "I", 0x205, 1),
    "relocatable_kernel": Field(0x234, "B", 0x205),
    "xloadflags": Field(0x236, "H", 0x20C),
    "cmdline_size": Field(0x238, "I", 0x206, 255),  # without the 0 byte behind it
    "pref_address": Field(0x258, "Q", 0x20A),
    "init_size": Field(0x260, "I", 0x20A),
}


class Image(NamedTuple):
    """A kernel's file, read. `setup` is the boot sector and the 16-bit code, `kernel` the rest; `version` as in 020Fh,
    0 for one from before 2.00."""
    name: str
    version: int
    setup: bytes
    kernel: bytes

    def field(self, name: str) -> int:
        """A field of the setup header, or what stands for it in this version of the protocol."""
        field = FIELDS[name]
        return struct.unpack_from("<" + field.format, self.setup, field.offset)[0] if self.version >= field.since \
            else field.default

    @property
    def loaded_high(self) -> bool:
        """Whether this is a bzImage: its kernel goes to 1 MB, and not to 10000h."""
        return bool(self.field("loadflags") & LOADED_HIGH)

    @property
    def version_text(self) -> str:
        return f"{self.version >> 8}.{self.version & 0xFF:02}"

    @property
    def header(self) -> bytes:
        """The setup header, from 1F1h as far as this kernel has it."""
        return self.setup[HEADER_START:MAGIC_AT + self.setup[JUMP_LENGTH_AT]]


def is_linux(data: bytes) -> bool:
    """Whether the file has a setup header."""
    return data[MAGIC_AT:MAGIC_AT + len(MAGIC)] == MAGIC


def read(data: bytes, name: str = "kernel") -> Image:
    """Take a kernel's file apart; without HdrS it is taken for one from before 2.00.

    Errors: ImageError for a file that is no kernel, was cut short or contradicts itself."""
    if len(data) < SMALLEST:
        raise ImageError(f"{name}: cut short: the file ends within the setup header, at byte {len(data)}")
    version = struct.unpack_from("<H", data, VERSION_AT)[0] if is_linux(data) else OLD
    if version < 0x200 and version != OLD:
        raise ImageError(f"{name}: boot protocol {version >> 8}.{version & 0xFF:02} at 206h: there is none before 2.00")
    setup_size = (1 + (data[HEADER_START] or USUAL_SETUP_SECTORS)) * SECTOR
    if len(data) <= setup_size:
        raise ImageError(f"{name}: cut short: setup_sects at 1F1h asks for {setup_size} bytes of setup, and a kernel behind "
                         f"them, of a file of {len(data)}")
    image = Image(name, version, data[:setup_size], data[setup_size:])
    if image.field("boot_flag") != BOOT_FLAG:
        raise ImageError(f"{name}: boot_flag at 1FEh is {image.field('boot_flag'):04X}h, not AA55h")
    promised = image.field("syssize") * 16
    if promised - len(image.kernel) > 32:           # rounded up to 16, with a checksum behind it that may be left out
        raise ImageError(f"{name}: cut short: syssize at 1F4h promises {promised} bytes behind the setup, and the file has "
                         f"{len(image.kernel)}")
    return image


def write_field(setup: bytearray, image: Image, name: str, value: int) -> None:
    """Put `value` into a field of a copy of the setup, if this version of the protocol has it."""
    field = FIELDS[name]
    if image.version >= field.since:
        struct.pack_into("<" + field.format, setup, field.offset, value)
