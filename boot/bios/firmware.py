"""The BIOS as a device: the trap port, the drives it serves, and what it remembers between calls.

The ROM (rom.py) is real code; where it needs more than a few instructions it does `out 0B5h, al`, and the port's
callback here finds the service by the address of that instruction. Everything a BIOS keeps in the BIOS data area is kept
there; the fields named in Bios.STATE are the little that a real one keeps in its chips.
"""
from __future__ import annotations

from boot import layout
from boot.bios import descriptions, rom, video_rom
from boot.bios.eltorito import FIRST_CD, MOST_CDS
from boot.bios.quirks import Active
from boot.bios.service import CARRY, PROTECTED, TRAPS, Call, NearCall, find
from boot.disk import Disk
from boot.iso import PER_BLOCK
from x86.devices.device import Device
from x86.faults import ImageError, MachineError

FLOPPY_A, HARD_DISK_C = 0x00, 0x80
PAGE = 4096
UNMAPPED = 1 << 52                                  # a physical address at which nothing can be: they have 52 bits

#: (first byte, first byte behind) of what nobody can write
ROMS = ((layout.VIDEO_ROM, layout.VIDEO_ROM + layout.VIDEO_ROM_SIZE), (layout.ROM, layout.ROM + layout.ROM_SIZE))

#: So many different calls of what does not exist are counted one by one, and under OTHERS what comes later
MOST_NAMES, OTHERS = 1000, "others"

#: A fault that nobody handles returns to the instruction that caused it; after so many rounds the machine is stopped.
FAULT_ROUNDS = 16

FAULT_NAMES = {0x00: "divide error", 0x06: "invalid opcode", 0x07: "no coprocessor", 0x0C: "stack fault",
               0x0D: "general protection, such as a word access at offset FFFFh"}


class Bios(Device):
    """The firmware of one machine; machine.devices["bios"].

    drives          drive number (00h.. diskettes, 80h.. hard disks, E0h.. CDs) -> Disk
    boot_order      drive numbers that INT 19h tries, in that order
    trace           callables that get a line for every service call: `INT 13h/42 drive 80h: ...`; or an empty list
    quirks          what it does otherwise (quirks.py)
    unimplemented   what was called and does not exist, as text -> how often
    symbols         label -> offset in the ROM
    """

    name = "bios"
    STATE = ("boot_position", "serial_deadline", "printer_deadline", "faults", "unimplemented", "strays", "disk_changed",
             "apm_interface", "apm_events", "nowhere", "boot_log", "cd_boot", "locks", "ejected")

    def __init__(self, machine, drives: dict[int, Disk], boot_order: tuple[int, ...], quirks=()):
        super().__init__(machine)
        self.drives = drives
        self.boot_order = boot_order
        self.quirks = Active(quirks)
        self.trace: list = []
        self.rom = rom.build()
        self.symbols = self.rom.labels
        self.video_rom = video_rom.build()
        self._traps = {layout.ROM_SEGMENT: self.rom.traps, layout.VIDEO_SEGMENT: self.video_rom.traps}
        self.unimplemented: dict[str, int] = {}
        self.strays: dict[str, int] = {}            # writes to the trap port that no stub made: "CS:IP" -> count
        self.emulated = None                        # the drive that cd_boot describes, once it was asked for
        self._power_on()
        memory, data = machine.memory, descriptions.into_rom(self.rom.data, machine)
        memory.map_rom(layout.VIDEO_ROM, self.video_rom.data, "video BIOS")
        memory.map_rom(layout.ROM, data, "BIOS")
        memory.map_rom(layout.ROM_ALIAS, data, "BIOS at 4 GB")
        memory.map_rom(layout.ROM_ALIAS_A20, data, "BIOS at 4 GB, A20 gate shut")
        machine.bus.add(self.name, layout.TRAP_PORT, 1, write=self._trap)
        machine.serial.on_arrival = self._serial_arrived

    def _power_on(self):
        self.boot_position = 0                      # the next entry of boot_order that INT 19h tries
        self.serial_deadline = None                 # clock time at which INT 14h AH=02h stops waiting
        self.printer_deadline = None                # and AH=00h of INT 17h
        self.faults: dict[str, int] = {}            # "vector CS:IP" -> times in a row
        self.disk_changed = sorted(number for number in self.drives if number < HARD_DISK_C or number >= FIRST_CD)
        self.cd_boot: dict | None = None            # the boot image that was started from a CD: eltorito.py
        self.locks: dict[int, int] = {}             # CD -> how often INT 13h AH=45h has locked it in
        self.ejected: list[int] = []                # CDs that were taken out
        self.apm_interface = 0                      # which one is connected (int15_apm.py), 0 for none
        self.apm_events: list[int] = []             # that nobody has asked for yet
        self.boot_log: list[str] = []               # what INT 19h had to say about the drives it tried
        self.nowhere = 0                            # bytes that a service was told to put where nothing is

    # ---- a device ----------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Power-on state; the drives keep what is on them."""
        self._power_on()

    def snapshot(self) -> dict:
        """STATE, and what was written to each drive."""
        return {"firmware": super().snapshot(),
                "drives": {number: disk.snapshot() for number, disk in self.drives.items()}}

    def restore(self, state: dict) -> None:
        super().restore(state["firmware"])
        for number, overlay in state["drives"].items():
            self.drives[number].restore(overlay)

    @property
    def warnings(self) -> list[str]:
        """One line for each oddity of a drive's image."""
        return [line for number in sorted(self.drives) for line in self.drives[number].warnings]

    # ---- traps -------------------------------------------------------------------------------------------------------

    def _trap(self, offset, value, size):
        cpu = self.machine.cpu
        real = cpu.mode in ("real", "v86")
        if real:
            name = self._traps.get(cpu.cs, {}).get((cpu.rip - 2) & 0xFFFF)
        else:
            name = self.rom.traps.get(self._offset())
        if name is None or real is (name in PROTECTED):
            _count(self.strays, f"{cpu.cs:04X}:{cpu.rip:X}")
            return
        call = Call(self) if real else NearCall(self)
        if name.startswith("int_"):
            self.interrupt(int(name[4:], 16), call)
        else:
            TRAPS[name](self, call)
        cpu.rflags = (cpu.rflags & ~CARRY) | (CARRY if call.branch else 0)

    def _offset(self):
        """Where in the ROM the OUT is that has just run in protected mode, which may have mapped the ROM anywhere; else None."""
        offset = self.physical("cs", (self.machine.cpu.rip - 2) & 0xFFFFFFFFFFFFFFFF) - layout.ROM
        return offset if 0 <= offset < layout.ROM_SIZE else None

    def interrupt(self, number: int, call: Call) -> None:
        """Do what INT `number` asks for in the call's registers."""
        before = self._registers(call) if self.trace else ""
        ax, quirks = call.ax, self.quirks
        found = find(number, ax)
        if quirks.before and any(hook(self, number, call) for hook in quirks.before):
            title = "answered by a quirk"
        elif found is None:
            call.unimplemented()
            title = "not implemented"
        else:
            implementation, title = found
            implementation(self, call)
        if not call.branch:
            for hook in quirks.after:
                hook(self, number, ax, call)
        if self.trace and not call.branch and call.text is not None:
            text = call.text or f"{title} ({before})"
            if call.carry and number != 0x10:       # a video BIOS leaves CF as its caller had it
                text += f": failed, AH={call.ah:02X}"
            self.tell(f"INT {number:02X}h/{ax >> 8:02X} {text}")

    def tell(self, line: str) -> None:
        """A line for those who listen."""
        for listener in self.trace:
            listener(line)

    def _registers(self, call):
        return f"AX={call.ax:04X} BX={call.bx:04X} CX={call.cx:04X} DX={call.dx:04X}"

    def count_unimplemented(self, call: Call) -> None:
        """Remember that this call found nobody; its line in the trace says so."""
        cs, ip = call.caller
        code = self.read((cs << 4) + ip - 2, 2)
        name = f"INT {code[1]:02X}h" if code[0] == 0xCD else "a call"
        text = f"{name} AX={call.ax:04X}"
        _count(self.unimplemented, text)
        call.note(f"{text} from {cs:04X}:{ip:04X}: no such service")

    def fault(self, vector: int, call: Call) -> None:
        """An exception reached the ROM's own handler, which as on a PC returns to the instruction that caused it.

        Where that goes on for ever the machine is stopped, with the reason in words."""
        cs, ip = call.caller
        if self.read((cs << 4) + ip - 2, 2) == bytes([0xCD, vector]):
            return                                  # INT by software: nothing repeats
        if vector >= 8 and self._in_service() >> (vector - 8) & 1:
            return                                  # the hardware interrupt that shares the vector
        key = f"{vector:02X} {cs:04X}:{ip:04X}"
        rounds = self.faults.get(key, 0) + 1
        self.faults = {key: rounds}
        self.tell(f"INT {vector:02X}h: {FAULT_NAMES[vector]} at {cs:04X}:{ip:04X}, handled by nobody")
        if rounds == FAULT_ROUNDS:
            code = self.read((cs << 4) + ip, 8).hex(" ")
            self.machine.stop("hang", message=f"{FAULT_NAMES[vector]} (INT {vector:02X}h) at {cs:04X}:{ip:04X}, "
                                              f"bytes {code}: nobody hooked the vector, and the BIOS's handler "
                                              f"returns to the same instruction for ever")

    def _in_service(self):
        """The in-service register of the first interrupt controller."""
        self.port_out(0x20, 0x0B)
        return self.port_in(0x20)

    def _serial_arrived(self):
        """A PC's BIOS would look at the port all the time; the stub of INT 14h sleeps, and is woken when there is something."""
        cpu = self.machine.cpu
        if cpu.halted and (cpu.mode, cpu.cs, cpu.rip) == ("real", layout.ROM_SEGMENT, self.symbols["serial.woken"]):
            cpu.halted = False

    # ---- memory, as the processor sees it ----------------------------------------------------------------------------

    def linear(self, segment: str, offset: int) -> int:
        """Linear address of segment register:offset."""
        return self.machine.cpu.linear(segment, offset)

    def _pieces(self, linear, length):
        """(physical address, start, end) of every stretch that is contiguous in physical memory."""
        machine = self.machine
        paging = machine.cpu.cr0 >> 31 & 1
        gate = not machine.cpu.a20
        start = 0
        while start < length:
            address = linear + start
            end = length
            if paging:                              # a virtual-8086 task: page by page
                end = min(end, start + 0x1000 - (address & 0xFFF))
                address = machine.walk(address).physical
                if address is None:
                    address = UNMAPPED
            if gate:
                end = min(end, start + 0x100000 - (address & 0xFFFFF))
                address &= ~0x100000
            yield address, start, end
            start = end

    def segment_base(self, selector: int) -> int:
        """The base in the descriptor that a protected-mode selector names; 0 where there is none."""
        start, limit = self.machine.cpu.gdtr
        if selector & 0x04 or (selector & 0xFFF8) + 7 > limit:
            return 0
        descriptor = self.read(start + (selector & 0xFFF8), 8)
        return int.from_bytes(descriptor[2:5] + descriptor[7:], "little")

    def physical(self, segment: str, offset: int) -> int:
        """Physical address of the byte at segment register:offset."""
        linear = self.machine.cpu.linear(segment, offset)
        return linear if self._flat() else next(self._pieces(linear, 1))[0]

    def _flat(self):
        """Whether linear addresses are physical ones: no paging, and the A20 gate open."""
        cpu = self.machine.cpu
        return cpu.a20 and not cpu.cr0 >> 31

    def read(self, linear: int, length: int) -> bytes:
        """`length` bytes from a linear address on, through paging and the A20 gate."""
        if self._flat():
            return self._load(linear, length)
        return b"".join(self._load(address, end - start) for address, start, end in self._pieces(linear, length))

    def _load(self, address, length):
        memory = self.machine.memory
        try:
            return memory.read(address, length)
        except IndexError:                          # nothing answers: FFh
            found = bytearray()
            for start, end in _pages(address, length):
                try:
                    found += memory.read(start, end - start)
                except IndexError:
                    found += b"\xFF" * (end - start)
            return bytes(found)

    def write(self, linear: int, data: bytes) -> None:
        """Store `data` from a linear address on, through paging and the A20 gate. The ROM and empty places ignore it."""
        if self._flat():
            self._store(linear, data)
            return
        for address, start, end in self._pieces(linear, len(data)):
            self._store(address, data[start:end])

    def _store(self, address, data):
        memory, end = self.machine.memory, address + len(data)
        for first, behind in ROMS:                  # memory.write() would change the ROM
            if address < behind and end > first:
                if address < first:
                    memory.write(address, data[:first - address])
                if end > behind:
                    self._store(behind, data[behind - address:])
                return
        try:
            memory.write(address, data)
        except IndexError:                          # partly or wholly nothing there
            for start, end in _pages(address, len(data)):
                try:
                    memory.write(start, data[start - address:end - address])
                except IndexError:
                    self.nowhere += end - start

    def word(self, address: int) -> int:
        """A word of the BIOS data area, or at any physical address, to which guests can move the stack and the EBDA."""
        return self.machine.memory.read_u16(address) if address < layout.VIDEO_ROM else _number(self._load(address, 2))

    def byte(self, address: int) -> int:
        return self.machine.memory.read_u8(address) if address < layout.VIDEO_ROM else _number(self._load(address, 1))

    def set_word(self, address: int, value: int) -> None:
        if address < layout.VIDEO_ROM - 1:
            self.machine.memory.write_u16(address, value & 0xFFFF)
        else:
            self._store(address, (value & 0xFFFF).to_bytes(2, "little"))

    def set_byte(self, address: int, value: int) -> None:
        if address < layout.VIDEO_ROM:
            self.machine.memory.write_u8(address, value & 0xFF)
        else:
            self._store(address, bytes((value & 0xFF,)))

    # ---- ports -------------------------------------------------------------------------------------------------------

    def port_in(self, port: int, size: int = 1) -> int:
        return self.machine.bus.read(port, size)

    def port_out(self, port: int, value: int, size: int = 1) -> None:
        self.machine.bus.write(port, value, size)

    def cmos(self, register: int) -> int:
        """One byte of the real-time clock's chip; 80h in the index keeps NMI off, as POST set it."""
        self.port_out(0x70, 0x80 | register)
        return self.port_in(0x71)

    def set_cmos(self, register: int, value: int) -> None:
        self.port_out(0x70, 0x80 | register)
        self.port_out(0x71, value)

    # ---- drives ------------------------------------------------------------------------------------------------------

    @property
    def hard_disks(self) -> int:
        return sum(HARD_DISK_C <= number < FIRST_CD for number in self.drives)

    @property
    def floppies(self) -> int:
        return sum(number < HARD_DISK_C for number in self.drives)


def _number(data):
    return int.from_bytes(data, "little")


def _count(counts, name):
    """One more of `name` in a dictionary that no guest can make grow without an end."""
    if name not in counts and len(counts) >= MOST_NAMES:
        name = OTHERS
    counts[name] = counts.get(name, 0) + 1


def _pages(address, length):
    """(start, end) of the parts of a range that lie in one page each."""
    end = address + length
    while address < end:
        following = min(end, (address | (PAGE - 1)) + 1)
        yield address, following
        address = following


def drive_name(number: int) -> str:
    """80h -> "hard disk 80h", 0 -> "diskette A", E0h -> "CD-ROM E0h"."""
    if number < HARD_DISK_C:
        return f"diskette {chr(ord('A') + number)}"
    return f"{'CD-ROM' if number >= FIRST_CD else 'hard disk'} {number:02X}h"


def describe(number: int, disk: Disk) -> str:
    """A drive in a line: its name, size and shape."""
    shape = f"{disk.sectors // PER_BLOCK} blocks" if disk.is_cd else "/".join(map(str, disk.geometry))
    return f"{drive_name(number)}: {disk.sectors * 512 >> 10} KB, {shape}"


def boot(machine, disk=None, floppy=None, drives=(), mode: str = "overlay", boot_order=None, cdrom=None,
         quirks=()) -> Bios:
    """Put the BIOS into `machine`, with its drives; machine.run() then starts at the reset vector.

    disk: image (path, bytes or Disk) of the first hard disk, 80h. floppy: image of diskette A, or a list of two.
    drives: images of further hard disks. cdrom: image of the CD E0h, or a list of several. mode: "overlay", "readonly" or
    "write", for those that are not Disks already. boot_order: what INT 19h tries, each a drive number or "floppy", "disk" or
    "cdrom"; without it diskette A, then 80h, then E0h.
    quirks: names from boot.bios.quirks.QUIRKS, what it does as bad BIOSes did.

    Errors: ImageError for an image that cannot be one; ValueError for a boot order that names no drive, and for quirks that
    cannot be; MachineError for a machine with less than 1 MB of memory."""
    if machine.memory.size < layout.EXTENDED_MEMORY:
        raise MachineError(f"the BIOS needs 1 MB of memory, and the machine has {machine.memory.size >> 10} KB")
    diskettes, hard_disks, cds = several(floppy), several(disk) + list(drives), several(cdrom)
    if len(diskettes) > 2 or len(hard_disks) > 16 or len(cds) > MOST_CDS:
        raise ImageError(f"a PC has at most two diskette drives, and this BIOS sixteen hard disks and {MOST_CDS} CDs")
    numbered: dict[int, Disk] = {}
    for number, image in enumerate(diskettes, FLOPPY_A):
        numbered[number] = Disk.open(image, mode, floppy=True)
    for number, image in enumerate(hard_disks, HARD_DISK_C):
        numbered[number] = Disk.open(image, mode)
    for number, image in enumerate(cds, FIRST_CD):
        numbered[number] = Disk.open(image, mode, cd=True)
    names = {"floppy": FLOPPY_A, "disk": HARD_DISK_C, "cdrom": FIRST_CD}
    order = []
    for entry in boot_order if boot_order is not None else names:
        number = names.get(entry, entry)
        if number in numbered:
            order.append(number)
        elif boot_order is not None:
            raise ValueError(f"boot order names {entry!r}, but there is no such drive")
    firmware = Bios(machine, numbered, tuple(order), quirks)
    machine.devices[Bios.name] = firmware
    return firmware


def several(images) -> list:
    """None, one image or a list of them as a list."""
    return [] if images is None else list(images) if isinstance(images, (list, tuple)) else [images]
