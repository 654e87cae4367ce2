"""The Linux/x86 boot protocol, and what there was before 2.00: loads a zImage or bzImage, and enters it by one of its doors.

    16-bit   (what is done where nobody asks for another)  the kernel's own setup code runs first and asks the BIOS for
             memory, screen and drives; then it switches to protected mode itself.

                 10000h or     boot sector, setup        CS = segment + 20h, IP = 0
                 90000h        heap and stack            DS ES FS GS SS = segment, SP = the end of the stack
                               command line

    32-bit   at the kernel's first byte: flat, paging off, CS = 10h, DS ES SS = 18h, ESI -> the zero page, EBP EDI EBX = 0
    64-bit   200h bytes behind that: CS = 10h, DS ES SS = 18h, 4 GB mapped to themselves, RSI -> the zero page

At the last two nobody but the loader can set the video mode that `vga=` asks for: a VESA mode, 200h and its number, is set
by INT 10h, with a linear frame buffer; without such a mode it stays text.

Old kernels, before 2.02, find their command line by a magic number at 20h of the segment, which must be 9000h.

Source: Linux, Documentation/arch/x86/boot.rst.
"""
from __future__ import annotations

import struct

from boot.loaders import bzimage
from boot.loaders.bzimage import BOOT_FLAG, CAN_USE_HEAP, KERNEL_64, OLD, Image, write_field
from boot.loaders.ram import Ram
from boot.protocols import bios_call, layout
from boot.protocols.entry import CODE_32, CODE_64, DATA, Gdt, enter_long, enter_protected, enter_real
from boot.protocols.kernel import Kernel, Protocol, c_string
from boot.protocols.linux_memory import place_initrd, place_kernel
from boot.protocols.linux_zero_page import UNKNOWN_LOADER, zero_page
from x86.faults import ImageError

ENTRIES = "16", "32", "64"
HEAP_END, OLD_HEAP_END = 0xE000, 0x9800     # offsets in the setup's segment: the stack's top, the command line's beginning
STACK_ROOM = 0x200                          # between the end of the heap and the stack's top
LEAST_HEAP = 0x1000                         # what setup code must find behind itself
CODE_ENTRY = 0x20                           # paragraphs: the setup's first instruction is behind the boot sector
COMMAND_MAGIC = 0xA33F                      # the old way to the command line: this word at 20h, its offset at 22h
ENTRY_64 = 0x200                            # bytes behind the 32-bit entry
VIDEO_MODES = {"normal": 0xFFFF, "ext": 0xFFFE, "ask": 0xFFFD}
VESA_MODES, VESA_END = 0x200, 0x900         # of vid_mode
SET_VESA_MODE, LINEAR_FRAME_BUFFER = 0x4F02, 0x4000         # AX of INT 10h, and a bit of its BX
GDT_32, GDT_64 = Gdt((0, CODE_32, DATA)), Gdt((0, CODE_64, DATA))


def check(kernel: Kernel, image: Image) -> None:
    """What can be seen before there is a machine. Errors: ImageError."""
    entry = kernel.entry or "16"
    if entry not in ENTRIES:
        raise ImageError(f"{image.name}: entry {entry!r} is none of {', '.join(ENTRIES)}")
    if image.version == OLD and kernel.initrd is not None:
        raise ImageError(f"{image.name}: a kernel from before boot protocol 2.00 knows no initrd")
    if kernel.modules:
        raise ImageError(f"{image.name}: a Linux kernel takes no modules, only an initrd")
    if entry != "16" and not image.loaded_high:
        raise ImageError(f"{image.name}: a zImage has a 16-bit entry only")
    if entry != "16" and image.version < 0x203:
        raise ImageError(f"{image.name}: boot protocol {image.version_text} has a 16-bit entry only; others came with 2.03")
    if entry == "64" and not image.field("xloadflags") & KERNEL_64:
        raise ImageError(f"{image.name}: has no 64-bit entry (bit 0 of xloadflags at 236h, protocol 2.12)")
    if entry == "16" and len(image.setup) + LEAST_HEAP > heap_end(image):
        raise ImageError(f"{image.name}: {len(image.setup)} bytes of setup leave no room for its heap and stack, which end "
                         f"at {heap_end(image):X}h")
    text = c_string(kernel.append)
    limit = min(image.field("cmdline_size"), 255) if image.version < 0x202 else image.field("cmdline_size")
    if len(text) - 1 > (limit or 255):
        raise ImageError(f"{image.name}: the command line has {len(text) - 1} characters, and this kernel reads "
                         f"at most {limit or 255}")
    video_mode(kernel.append)


def video_mode(command_line: str) -> int | None:
    """The value that the last `vga=` of a command line has in vid_mode; None without one."""
    found = None
    for word in command_line.split():
        if word.startswith("vga="):
            text = word[4:]
            try:
                octal = text[:1] == "0" and text[1:].isdecimal()
                found = VIDEO_MODES[text] if text in VIDEO_MODES else int(text, 8 if octal else 0)
            except ValueError:
                raise ImageError(f"{word}: the video mode is neither normal, ext, ask nor a number") from None
            if not 0 <= found <= 0xFFFF:
                raise ImageError(f"{word}: a video mode has 16 bits")
    return found


def heap_end(image: Image) -> int:
    """The offset in the setup's segment at which its stack begins."""
    return HEAP_END if image.version >= 0x202 and image.loaded_high else OLD_HEAP_END


def boot(machine, kernel: Kernel, image: Image) -> None:
    """Load the kernel and its initrd into `machine`, which has done its POST, and enter it. Errors: ImageError."""
    ram = Ram(machine.memory)
    fields = {"type_of_loader": UNKNOWN_LOADER}
    mode = video_mode(kernel.append)
    if mode is not None:
        fields["vid_mode"] = mode
    if kernel.entry in (None, "16"):
        _enter_16(machine, ram, kernel, image, fields)
    else:
        _enter_flat(machine, ram, kernel, image, fields)


def _load(ram, kernel, image, fields):
    """Kernel and initrd into memory, and where they are into the header's `fields`; the kernel's address."""
    initrd = kernel.initrd.data if kernel.initrd is not None else b""
    address = place_kernel(ram, image)
    ram.memory.write(address, image.kernel)
    if image.loaded_high and image.field("relocatable_kernel"):
        fields["code32_start"] = address
    if initrd:
        fields["ramdisk_image"] = place_initrd(ram, image.name, initrd, kernel.append, image.field("initrd_addr_max") + 1)
        fields["ramdisk_size"] = len(initrd)
    return address


def _enter_16(machine, ram, kernel, image, fields):
    old = image.version < 0x202 or not image.loaded_high
    base, end = layout.OLD_SETUP if old else layout.SETUP, heap_end(image)
    text = c_string(kernel.append)
    ram.claim(base, end + len(text), f"{image.name}: its setup, stack and command line")
    _load(ram, kernel, image, fields)
    fields["heap_end_ptr"] = end - STACK_ROOM
    fields["loadflags"] = image.field("loadflags") | (CAN_USE_HEAP if image.version >= 0x201 else 0)
    fields["cmd_line_ptr"] = base + end
    setup = bytearray(image.setup)
    if image.version < 0x202:
        fields["setup_move_size"] = end + len(text)
        struct.pack_into("<HH", setup, 0x20, COMMAND_MAGIC, end)
    for name, value in fields.items():
        write_field(setup, image, name, value)
    ram.memory.write(base, bytes(setup))
    ram.memory.write(base + end, text)
    enter_real(machine, (base >> 4) + CODE_ENTRY, 0, base >> 4, {"rsp": end})


def _enter_flat(machine, ram, kernel, image, fields):
    if VESA_MODES <= fields.get("vid_mode", 0) < VESA_END:
        bios_call.call(machine, 0x10, eax=SET_VESA_MODE, ebx=LINEAR_FRAME_BUFFER | fields["vid_mode"] - VESA_MODES)
    page = ram.place(0x1000, "the zero page", 0x1000, low=layout.ZERO_PAGE)
    address = _load(ram, kernel, image, fields)
    fields["cmd_line_ptr"] = ram.store(c_string(kernel.append), "the command line", 1, low=layout.INFORMATION)
    ram.memory.write(page, zero_page(machine, image.header, fields))
    if kernel.entry == "64":
        enter_long(machine, ram, address + ENTRY_64, {"rsi": page, "rsp": layout.STACK_TOP}, GDT_64)
    else:
        enter_protected(machine, ram, address, {"rsi": page, "rsp": layout.STACK_TOP}, GDT_32)


def find(kernel: Kernel) -> Image | None:
    """The kernel's file, read; None for one that has no setup header, unless the user says that it is a Linux kernel."""
    data = kernel.data
    old = kernel.protocol == "linux" and int.from_bytes(data[0x1FE:0x200], "little") == BOOT_FLAG
    return bzimage.read(data, kernel.name) if bzimage.is_linux(data) or old else None


PROTOCOL = Protocol("linux", "setup header (HdrS at 202h), and no boot sector (55 AA at 1FEh) as older kernels have it",
                    find, check, boot)
