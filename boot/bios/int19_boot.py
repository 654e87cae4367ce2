"""INT 19h and INT 18h: finding something to boot. The loop is guest code (`boot` in entries.py); these are its questions.

For each drive of the boot order the ROM resets it, reads its first sector to 0000:7C00 by INT 13h, compares the last two
bytes with 55 AA, and jumps there with

    DL = drive   CS:IP = 0000:7C00   SS:SP = 0000:7C00   DS = 0   AX = AA55h   ES:DI -> "$PnP"   IF = 1

INT 18h, which a boot sector calls when it cannot go on, tries the next drive. When there is no other the machine has
nothing to do: a PC says so and waits for Ctrl-Alt-Del, and machine.run() returns with the message.

Source: BIOS Boot Specification 1.01; for CDs see eltorito.py.
"""
from __future__ import annotations

from boot import layout
from boot.bios import eltorito
from boot.bios.int10_video import MODES, enter_mode, mode_of, print_text
from boot.bios.service import trap

NOTHING = "No bootable device."


def _say(bios, text):
    if mode_of(bios).graphics:                      # a loader left graphics behind
        enter_mode(bios, MODES[3])
    print_text(bios, text + "\r\n")
    _tell(bios, text)


def _tell(bios, text):
    bios.boot_log.append(text)
    bios.tell(f"INT 19h: {text}")


@trap("boot_first")
def first(bios, call):
    bios.boot_position = 0
    bios.boot_log = []
    bios.ejected = []
    bios.locks = {}


@trap("boot_drive")
def next_drive(bios, call):
    """DL = the next drive; JC is taken where there is none. What the last one emulated is over."""
    eltorito.end_emulation(bios)
    bios.cd_boot = None
    if bios.boot_position >= len(bios.boot_order):
        call.branch = True
        return
    call.dl = bios.boot_order[bios.boot_position]
    bios.boot_position += 1


def _current(bios):
    from boot.bios.firmware import drive_name
    number = bios.boot_order[bios.boot_position - 1]
    return drive_name(number), bios.drives[number]


@trap("boot_kind")
def kind(bios, call):
    """JC is taken for a CD."""
    call.branch = bios.drives[call.dl].is_cd


@trap("boot_image")
def image(bios, call):
    """Load the CD's boot image: CX:BX is where it is entered, DL the drive that it stands for; JC is taken without one."""
    name, _ = _current(bios)
    try:
        boot = eltorito.load(bios, call.dl)
    except eltorito.BootError as error:
        _say(bios, f"{name}: not bootable: {error}.")
        call.branch = True
        return
    call.cx, call.bx = eltorito.entry_point(boot)
    call.dl = boot["drive"]


@trap("boot_found")
def found(bios, call):
    name, disk = _current(bios)
    _tell(bios, f"Booting from {name}.")


@trap("boot_unreadable")
def unreadable(bios, call):
    name, _ = _current(bios)
    status = bios.byte(layout.HARD_DISK_STATUS if name.startswith("hard") else layout.FLOPPY_STATUS)
    _say(bios, f"{name[0].upper()}{name[1:]}: the boot sector cannot be read (INT 13h status {status:02X}h).")


@trap("boot_unsigned")
def unsigned(bios, call):
    name, _ = _current(bios)
    last = bios.machine.memory.read(layout.BOOT_SIGNATURE, 2)
    _say(bios, f"{name[0].upper()}{name[1:]}: not bootable: its first sector ends in {last[0]:02X} {last[1]:02X}, "
               f"not in 55 AA.")


@trap("boot_none")
def none(bios, call):
    tried = list(bios.boot_log)
    _say(bios, NOTHING)
    reasons = [line for line in tried if not line.startswith("Booting")]
    booted = [line for line in tried if line.startswith("Booting")]
    if booted:
        reasons += [f"{booted[-1][:-1]} ended in INT 18h: what was there gave up."]
    if not bios.boot_order:
        reasons.append("There is no drive in the boot order.")
    bios.machine.stop("no-boot", message=" ".join([NOTHING, *reasons]))
