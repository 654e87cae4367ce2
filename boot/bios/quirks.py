"""What real BIOSes did otherwise, and loaders have work-arounds for: each a behaviour that can be switched on.

    boot.bios(machine, disk="disk.img", quirks=("e820-unsorted", "clobber-esdi-08"))

The services know nothing of it. A Quirk hooks into five places, and whatever a place gets is the guest's to see:

    before      a service is about to run: change its registers, or answer in its place and say True
    after       a service has answered: change what it says
    entries     the memory map, before INT 15h AX=E820h tells it
    posted      POST has written down what there is
    entry       the boot sector is about to be entered; CS:IP lies on the stack

`random-registers:7` takes its numbers from the seed 7, so that runs can be repeated.

Source: the comments at such work-arounds in GRUB, syslinux, Limine and Linux; Ralf Brown's Interrupt List.
"""
from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from boot import layout
from boot.bios.int13_disk import BAD_COMMAND, DMA_CROSSES_64K, NOT_READY, finish
from boot.bios.int15_memory import RESERVED, SMAP, USABLE
from boot.bios.service import INTERRUPT, trap
from boot.disk import SECTOR

JUNK = 0xBADC0DE5                       # what a register holds that was trashed
READ, WRITE, VERIFY, EXTENDED_READ, EXTENDED_WRITE, EXTENDED_VERIFY = 0x02, 0x03, 0x04, 0x42, 0x43, 0x44
HOOKS = (0x4F, 0x85, 0x90, 0x91)        # of INT 15h, called from interrupts
FLOPPY_LINE, HARD_DISK_LINE, CASCADE = 6, 14, 2
PAGES_64K = 0x10000
BPB, BPB_END = 0x0B, 0x3E               # of a boot sector, where a diskette has its BIOS parameter block


@dataclass(frozen=True)
class Quirk:
    """A name, a sentence for those who choose, and what it hooks.

    before(bios, interrupt, call) -> True where that was the answer    after(bios, interrupt, ax, call)
    entries(memory map) -> memory map    posted(bios)    entry(bios, call)"""

    name: str
    sentence: str
    before: Callable | None = None
    after: Callable | None = None
    entries: Callable | None = None
    posted: Callable | None = None
    entry: Callable | None = None


QUIRKS: dict[str, Quirk] = {}
SEEDED = "random-registers"

#: sets that leave no way to boot anything
NEVER = (frozenset(("a20-no-int15", "a20-no-8042", "a20-no-port-92")),)


def quirk(name: str, sentence: str, place: str):
    """Register the decorated function as the quirk `name`, which hooks `place`."""
    def register(function):
        QUIRKS[name] = Quirk(name, sentence, **{place: function})
        return function
    return register


def chosen(names: Iterable[str]) -> tuple[tuple[Quirk, ...], int]:
    """The quirks of these names, in the order of QUIRKS, and the seed. ValueError, in words, for what cannot be."""
    wanted, seed = set(), 0
    for name in names:
        start, colon, digits = name.partition(":")
        if colon and (start != SEEDED or not digits.isascii() or not digits.isdecimal() or len(digits) > 18):
            raise ValueError(f"{name!r}: only {SEEDED} has a number behind it, of up to 18 digits")
        wanted.add(start)
        seed = int(digits) if colon else seed
    for name in sorted(wanted - set(QUIRKS)):
        raise ValueError(f"there is no quirk {name!r}: choose from {', '.join(QUIRKS)}")
    for impossible in NEVER:
        if impossible <= wanted:
            raise ValueError(f"{', '.join(sorted(impossible))} together leave no way to open A20")
    return tuple(one for name, one in QUIRKS.items() if name in wanted), seed


class Active:
    """The quirks of one BIOS, asked at the five places."""

    def __init__(self, names: Iterable[str] = ()):
        self.quirks, self.seed = chosen(names)
        self.before = [one.before for one in self.quirks if one.before]
        self.after = [one.after for one in self.quirks if one.after]

    def __bool__(self) -> bool:
        return bool(self.quirks)

    def memory_map(self, entries: list) -> list:
        for one in self.quirks:
            if one.entries:
                entries = one.entries(list(entries))
        return entries

    def posted(self, bios) -> None:
        for one in self.quirks:
            if one.posted:
                one.posted(bios)

    def entry(self, bios, call) -> None:
        for one in self.quirks:
            if one.entry:
                one.entry(bios, call)


@trap("boot_entry")
def boot_entry(bios, call):
    """The last thing before the boot sector, to which the RETF behind the trap goes."""
    bios.quirks.entry(bios, call)


# ---- INT 13h ---------------------------------------------------------------------------------------------------------

def _trash(call, names):
    for name in names:
        setattr(call, name, JUNK & 0xFFFF)


@quirk("clobber-esdi-08", "INT 13h AH=08h destroys ES and DI, also for hard disks", "after")
def clobber_08(bios, interrupt, ax, call):
    if interrupt == 0x13 and ax >> 8 == 0x08:
        _trash(call, ("es", "di"))


@quirk("clobber-bp-08", "INT 13h AH=08h destroys BP", "after")
def clobber_bp(bios, interrupt, ax, call):
    if interrupt == 0x13 and ax >> 8 == 0x08:
        _trash(call, ("bp",))


@quirk("clobber-41", "INT 13h AH=41h destroys DX", "after")
def clobber_41(bios, interrupt, ax, call):
    if interrupt == 0x13 and ax >> 8 == 0x41:
        _trash(call, ("dx",))


@quirk("clobber-42", "INT 13h AH=42h destroys BX, CX and BP", "after")
def clobber_42(bios, interrupt, ax, call):
    if interrupt == 0x13 and ax >> 8 == EXTENDED_READ:
        _trash(call, ("bx", "cx", "bp"))


def _packet(call):
    """(count, linear address of the buffer) in the disk address packet at DS:SI."""
    count, offset, segment = struct.unpack("<2xHHH", call.read("ds", call.si, 8))
    return count, (segment << 4) + offset


@quirk("max-127", "INT 13h AH=42h and 43h refuse more than 127 sectors, with AH=01h", "before")
def at_most_127(bios, interrupt, call):
    if interrupt == 0x13 and call.ah in (EXTENDED_READ, EXTENDED_WRITE) and _packet(call)[0] > 127:
        finish(bios, call, BAD_COMMAND)
        return True
    return False


@quirk("dma-64k", "INT 13h refuses a buffer that crosses a 64 KB boundary, with AH=09h", "before")
def dma_boundary(bios, interrupt, call):
    if interrupt != 0x13 or call.ah not in (READ, WRITE, EXTENDED_READ, EXTENDED_WRITE):
        return False
    count, start = _packet(call) if call.ah >= EXTENDED_READ else (call.al, bios.linear("es", call.bx))
    if start % PAGES_64K + count * SECTOR <= PAGES_64K:
        return False
    finish(bios, call, DMA_CROSSES_64K)
    return True


@quirk("int13-needs-irq", "INT 13h times out, with AH=80h, while the drive's interrupt is masked", "before")
def needs_interrupt(bios, interrupt, call):
    if interrupt != 0x13 or call.ah not in (READ, WRITE, VERIFY, EXTENDED_READ, EXTENDED_WRITE, EXTENDED_VERIFY):
        return False
    masked = bios.port_in(0x21) | bios.port_in(0xA1) << 8
    needed = 1 << HARD_DISK_LINE | 1 << CASCADE if call.dl >= 0x80 else 1 << FLOPPY_LINE
    if not masked & needed:
        return False
    finish(bios, call, NOT_READY)
    return True


# ---- INT 15h: the memory map -----------------------------------------------------------------------------------------

@quirk("e820-unsorted", "E820h tells the memory map from the top down", "entries")
def unsorted(entries):
    return entries[::-1]


@quirk("e820-overlapping", "E820h tells ranges that overlap: usable memory with what is reserved in it", "entries")
def overlapping(entries):
    """ACPI's tables are part of the usable memory then. Linux cuts them out. GRUB 2.06 takes usable ranges as they come, loads
    its modules over the tables, and its `halt` reads machine code as AML: it fails, or never ends."""
    top = max((start + length for start, length, _ in entries if start < layout.PCI_MEMORY), default=0)
    found = [(start, max(length, top - start) if start == layout.EXTENDED_MEMORY else length, kind)
             for start, length, kind in entries]
    return [*found, (layout.EBDA - 0x1000, layout.CONVENTIONAL_END - layout.EBDA + 0x1000, RESERVED)]


@quirk("e820-empty-entries", "E820h tells ranges of length 0 between the others", "entries")
def empty_entries(entries):
    return [each for entry in entries for each in ((entry[0], 0, USABLE), entry)]


@quirk("e820-20-bytes", "E820h ignores that there is room for 24 bytes", "before")
def old_size(bios, interrupt, call):
    if interrupt == 0x15 and call.ax == 0xE820 and call.ecx > 20:
        call.ecx = 20
    return False


@quirk("e820-ends-with-carry", "E820h gives EBX=0 at no time: behind the last entry it fails", "after")
def ends_with_carry(bios, interrupt, ax, call):
    if interrupt == 0x15 and ax == 0xE820 and not call.carry and call.ebx == 0:
        call.ebx = 0xFFFF


@quirk("e820-loses-smap", "E820h leaves out the signature in EAX from the third entry on", "after")
def loses_signature(bios, interrupt, ax, call):
    if interrupt == 0x15 and ax == 0xE820 and call.eax == SMAP and (call.ebx > 2 or call.ebx == 0):
        call.eax = 0xE820


@quirk("e820-clobbers", "E820h destroys EDX and ESI", "after")
def clobber_e820(bios, interrupt, ax, call):
    if interrupt == 0x15 and ax == 0xE820:
        call.edx = call.esi = JUNK


# ---- INT 15h and 16h: flags and registers ----------------------------------------------------------------------------

@quirk("int15-enables-if", "INT 15h comes back with interrupts on", "after")
def enables_interrupts(bios, interrupt, ax, call):
    if interrupt == 0x15 and ax >> 8 not in HOOKS:
        call.flags |= INTERRUPT


@quirk("int15-disables-if", "INT 15h comes back with interrupts off", "after")
def disables_interrupts(bios, interrupt, ax, call):
    if interrupt == 0x15 and ax >> 8 not in HOOKS:
        call.flags &= ~INTERRUPT


@quirk("clobber-int16", "INT 16h AH=01h and 11h destroy BX, CX and DX where there is a key", "after")
def clobber_keyboard(bios, interrupt, ax, call):
    if interrupt == 0x16 and ax >> 8 in (0x01, 0x11) and not call.zero:
        _trash(call, ("bx", "cx", "dx"))


# ---- A20 -------------------------------------------------------------------------------------------------------------

@quirk("a20-no-int15", "INT 15h AH=24h is not there", "before")
def no_a20_service(bios, interrupt, call):
    if interrupt == 0x15 and call.ah == 0x24:
        call.unimplemented()
        return True
    return False


@quirk("a20-no-8042", "the keyboard controller does not drive A20", "posted")
def no_a20_by_controller(bios):
    bios.machine.devices["ps2"].drives_a20 = False


@quirk("a20-no-port-92", "port 92h does not drive A20", "posted")
def no_a20_by_port(bios):
    bios.machine.devices["sysports"].drives_a20 = False


# ---- memory ----------------------------------------------------------------------------------------------------------

@quirk("no-ebda", "there is no extended BIOS data area: 640 KB are free, and 40:0E is 0", "posted")
def no_extended_area(bios):
    bios.set_word(layout.EBDA_SEGMENT_WORD, 0)
    bios.set_word(layout.BASE_MEMORY_KB, layout.CONVENTIONAL_END >> 10)
    for vector in (0x41, 0x46):
        bios.set_word(layout.IVT + 4 * vector, layout.DUMMY_IRET)
        bios.set_word(layout.IVT + 4 * vector + 2, layout.ROM_SEGMENT)
    bios.machine.memory.write(layout.EBDA, bytes(layout.EBDA_SIZE))


# ---- the boot sector's entry -----------------------------------------------------------------------------------------

@quirk("wrong-dl", "the boot sector of a hard disk is entered with DL=00h", "entry")
def wrong_drive(bios, call):
    if call.dl >= 0x80:
        call.dl = 0


@quirk("cs-07c0", "the boot sector is entered at 07C0:0000", "entry")
def other_segment(bios, call):
    offset, segment = struct.unpack("<HH", call.read("ss", call.sp, 4))
    call.write("ss", call.sp, struct.pack("<HH", offset & 0xF, segment + (offset >> 4) & 0xFFFF))


@quirk(SEEDED, "the boot sector is entered with anything in DS, ES, SS:SP and all registers but DL; :SEED", "entry")
def random_registers(bios, call):
    drawn = random.Random(bios.quirks.seed)
    for name in ("eax", "ebx", "ecx", "esi", "edi", "ebp"):
        setattr(call, name, drawn.getrandbits(32))
    call.edx = drawn.getrandbits(24) << 8 | call.dl
    call.ds, call.es = drawn.getrandbits(16), drawn.getrandbits(16)
    target = call.read("ss", call.sp, 4)
    call.ss, call.sp = drawn.randrange(0x1000, 0x6000), drawn.randrange(0x400, 0x8000) & ~1
    call.write("ss", call.sp, target)


@quirk("bpb-write", "the boot sector of a hard disk is entered with a BIOS parameter block written into it", "entry")
def writes_parameters(bios, call):
    if call.dl >= 0x80:
        bios.machine.memory.write(layout.BOOT_SECTOR + BPB, bytes((JUNK >> 8 * (at & 3)) & 0xFF for at in range(BPB_END - BPB)))
