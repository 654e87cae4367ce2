"""INT 13h asked here and in SeaBIOS, on the same images: the cases, the program that asks them, and who runs it.

    python -m tests.bios.disk_probe        keeps in disk_probe.expected what QEMU's SeaBIOS answers

The program lies from 7C00h on, as a disk's first 36 sectors or as a CD's boot image. For each case it puts a packet to 0600h and
fills a buffer at 2000:0000, calls INT 13h, and sends on COM1 what came back (Answer).
"""
from __future__ import annotations

import functools
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

EXPECTED = Path(__file__).resolve().parent / "disk_probe.expected"
SECTOR, BLOCK = 512, 2048
PACKET, PACKET_SIZE, BUFFER = 0x600, 80, 0x2000
CATALOG, IMAGE, CD_BLOCKS = 20, 30, 800
SECTORS = 36                            # of the program: two tracks of a diskette

SOURCE = """
        at      7C00h
        jmp     0:start
start:  xor     ax, ax
        mov     ds, ax
        mov     es, ax
        cmp     dl, 0E0h                ; a CD's boot image is here as a whole
        je      ask
        mov     ax, 0223h               ; of a disk, the 35 sectors that follow
        mov     bx, 7E00h
        mov     cx, 2
        mov     dh, 0
        int     13h
ask:    mov     si, cases
again:  mov     [place], si
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        cld
        mov     si, [place]
        add     si, 14                  ; the packet, and behind it EEh
        mov     di, 600h
        mov     cx, 24
        rep     movsb
        mov     al, 0EEh
        mov     cx, 104
        rep     stosb
        mov     ax, 2000h
        mov     es, ax
        xor     di, di
        mov     ax, 0A5A5h
        mov     cx, 1400h
        rep     stosw
        mov     si, [place]
        cmp     word [si], 0FFFFh
        je      done
        mov     bx, [si+2]
        mov     cx, [si+4]
        mov     dx, [si+6]
        mov     di, [si+8]
        mov     ax, [si+10]
        mov     es, ax
        mov     ax, [si]
        mov     si, [si+12]
        int     13h
        push    es
        pushf
        push    di
        push    dx
        push    cx
        push    bx
        push    ax
        xor     ax, ax
        mov     ds, ax
        mov     cx, 14
        mov     si, sp
        call    send
        add     sp, 14
        mov     cx, 80
        mov     si, 600h
        call    send
        mov     al, [441h]
        call    send_byte
        mov     al, [474h]
        call    send_byte
        mov     ax, 2000h               ; the sum of the buffer's words
        mov     ds, ax
        xor     si, si
        xor     bx, bx
        mov     cx, 1400h
sum:    lodsw
        rol     bx, 1
        add     bx, ax
        loop    sum
        mov     al, bl
        call    send_byte
        mov     al, bh
        call    send_byte
        xor     ax, ax
        mov     ds, ax
        mov     si, [place]
        add     si, 38
        jmp     again
done:   mov     al, 1
        out     0F4h, al
        cli
        hlt
send:   lodsb
        call    send_byte
        loop    send
        ret
send_byte:
        mov     ah, al
        mov     dx, 3FDh
wait:   in      al, dx
        test    al, 20h
        jz      wait
        mov     al, ah
        mov     dx, 3F8h
        out     dx, al
        ret
place:  dw      0
        times   7DFEh-$ db 0
        dw      0AA55h
cases:
"""


class Case(NamedTuple):
    """Registers before INT 13h, and the 24 bytes at 0000:0600, where SI points."""
    name: str
    ax: int
    dl: int
    bx: int = 0
    cx: int = 1
    dh: int = 0
    es: int = BUFFER
    packet: bytes = b""

    def row(self) -> bytes:
        return struct.pack("<7H", self.ax, self.bx, self.cx, self.dh << 8 | self.dl, 0x3333, self.es, PACKET) \
            + self.packet.ljust(24, b"\xEE")


FIELDS = ("ah", "al", "bx", "cx", "dx", "di", "es", "cf", "status", "sum", "packet")


class Answer(NamedTuple):
    """What a case left behind. status: byte 441h for a diskette, 474h for all else. sum: of the first 10 KB of the buffer."""
    ax: int
    bx: int
    cx: int
    dx: int
    di: int
    cf: int
    es: int
    packet: bytes
    status: int
    sum: int

    def fields(self) -> dict[str, str]:
        """AH and AL each for itself, and the packet without the bytes that nobody wrote."""
        words = [f"{value:04X}" for value in (self.bx, self.cx, self.dx, self.di, self.es)]
        return dict(zip(FIELDS, (f"{self.ax >> 8:02X}", f"{self.ax & 0xFF:02X}", *words, str(self.cf), f"{self.status:02X}",
                                 f"{self.sum:04X}", self.packet.hex().rstrip("e") or "-")))


SIZE = 14 + PACKET_SIZE + 4


def answers(raw: bytes) -> list[Answer]:
    found = []
    for case, start in zip(cases(), range(0, len(raw) - SIZE + 1, SIZE)):
        ax, bx, cx, dx, di, flags, es = struct.unpack_from("<7H", raw, start)
        packet = raw[start + 14:start + 14 + PACKET_SIZE]
        floppy, disk, sum_ = struct.unpack_from("<BBH", raw, start + 14 + PACKET_SIZE)
        found.append(Answer(ax, bx, cx, dx, di, flags & 1, es, packet, disk if case.dl & 0x80 else floppy, sum_))
    return found


# ---- the cases -------------------------------------------------------------------------------------------------------

def dap(count, lba, segment=BUFFER, offset=0, size=16, flat=0):
    return struct.pack("<BBHHHQQ", size, 0, count, offset, segment, lba, flat)[:24]


FLOPPY_SECTORS, DISK = 2880, (8, 16, 63)
DISK_SECTORS = DISK[0] * DISK[1] * DISK[2]
THERE = (0x00, 0x80, 0xE0)
ODD_FUNCTIONS = (0x06, 0x07, 0x0A, 0x0B, 0x0E, 0x0F, 0x12, 0x13, 0x19, 0x1A, 0x40, 0x4F, 0x50, 0xFF)


@functools.cache
def cases() -> list[Case]:
    """All of them, with names that are unique."""
    found = []
    for drive, title in ((0x00, "A"), (0x80, "C"), (0x01, "no B"), (0x81, "no D"), (0xE0, "CD"), (0xE1, "no CD"), (0x7F, "7F")):
        def add(name, ax, cx=1, dl=drive, title=title, **more):
            found.append(Case(f"{title}: {name}", ax, dl, cx=cx, **more))
        add("reset", 0x0000)
        add("read", 0x0203, cx=3)
        add("status", 0x0155)
        if drive not in THERE:
            for function in (0x02, 0x03, 0x04, 0x05, 0x08, 0x15, 0x16, 0x41, 0x42, 0x43, 0x45, 0x46, 0x48, 0x49, 0x4E, 0xFF):
                add(f"function {function:02X}", function << 8 | 1, bx=0x55AA)
            continue
        add("read none", 0x0200)
        add("read 129", 0x0281)
        add("read sector 0", 0x0201, cx=0)
        add("read sector 64", 0x0201, cx=0x3F)
        add("status of an error", 0x0155)
        add("read head 15", 0x0201, dh=15)
        add("read head 16", 0x0201, dh=16)
        add("read cylinder 7", 0x0201, cx=0x0701)
        add("read cylinder 8", 0x0201, cx=0x0801)
        add("read cylinder 300", 0x0201, cx=0x2C41)
        add("read across 64 KB", 0x0202, es=0x2FFF, bx=0xFE10)
        add("write", 0x0302, cx=0x0205, dh=1)
        add("read what was written", 0x0204, cx=0x0204, dh=1)
        add("verify", 0x0403)
        add("verify sector 0", 0x0403, cx=0)
        add("parameters", 0x0800)
        add("type", 0x15FF)
        add("change line", 0x1600)
        for function in ODD_FUNCTIONS:
            add(f"function {function:02X}", function << 8)
        add("extensions", 0x4100, bx=0x55AA)
        add("extended read", 0x4200, packet=dap(3, 17))
        add("extended read of none", 0x4200, packet=dap(0, 17))
        add("extended read beyond", 0x4200, packet=dap(1, 1 << 40))
        add("extended write", 0x4300, packet=dap(2, 200))
        add("extended verify", 0x4400, packet=dap(2, 200))
        add("extended seek", 0x4700, packet=dap(1, 200))
        for size in (25, 26, 30, 66, 74):
            add(f"extended parameters {size}", 0x4800, packet=struct.pack("<H", size))
        add("locked?", 0x4502)
        add("unlock too often", 0x4501)
        add("lock", 0x4500)
        add("eject what is locked", 0x4600)
        add("unlock", 0x4501)
        add("lock 7", 0x4507)
        add("media change", 0x4900)
        add("hardware 1", 0x4E01)
        add("hardware 9", 0x4E09)
        if drive == 0x80:
            for function in (0x09, 0x0C, 0x0D, 0x10, 0x11, 0x14):
                add(f"function {function:02X}", function << 8)
    found.append(Case("C: read over the end", 0x0204, 0x80, cx=0x073E, dh=15))
    found.append(Case("C: extended read over the end", 0x4200, 0x80, packet=dap(4, DISK_SECTORS - 2)))
    found.append(Case("CD: extended read over the end", 0x4200, 0xE0, packet=dap(4, CD_BLOCKS - 2)))
    found.append(Case("A: read over a head", 0x0204, 0x00, cx=0x0510))
    found.append(Case("C: extended read, flat", 0x4200, 0x80, packet=dap(2, 5, 0xFFFF, 0xFFFF, 24, BUFFER << 4)))
    found.append(Case("C: extended read, short packet", 0x4200, 0x80, packet=dap(2, 5, size=8)))
    found.append(Case("C: extended read of 128", 0x4200, 0x80, packet=dap(128, 5)))
    found.append(Case("C: extended read of 129", 0x4200, 0x80, packet=dap(129, 5)))
    for drive in (0x00, 0x80, 0xE0, 0x7F):
        found.append(Case(f"CD emulation? {drive:02X}", 0x4B01, drive))
    found.append(Case("the end of CD emulation", 0x4B00, 0x00))
    found.append(Case("A: read when that has ended", 0x0202, 0x00, cx=3))
    found.append(Case("A: parameters when that has ended", 0x0800, 0x00))
    return found


def program() -> bytes:
    """36 sectors from 7C00h on."""
    from boot.bios.assembler import assemble
    code = assemble(SOURCE, 0x10000).data[0x7C00:0x7E00]
    data = code + b"".join(case.row() for case in cases()) + b"\xFF\xFF"
    assert len(data) <= SECTORS * SECTOR, len(data)
    return data.ljust(SECTORS * SECTOR, b"\0")


# ---- the media -------------------------------------------------------------------------------------------------------

def numbered(first: bytes, sectors: int, tag: int) -> bytes:
    start = len(first) // SECTOR
    return first + b"".join(struct.pack("<I", tag << 24 | number) * 128 for number in range(start, sectors))


def media(boot: str) -> dict[str, bytes]:
    """Images of "floppy", "disk" and "cdrom". The one that is named `boot` has the program; "emulated": a diskette on the
    CD has it."""
    code, nothing = program(), bytes(SECTORS * SECTOR)
    floppy = numbered(code if boot == "floppy" else nothing, FLOPPY_SECTORS, 0xF0)
    disk = numbered(code if boot == "disk" else nothing, DISK_SECTORS, 0xD0)
    cd = bytearray(numbered(bytes(BLOCK), CD_BLOCKS * BLOCK // SECTOR, 0xC0))
    validation = struct.pack("<BB26xH2s", 1, 0, 0, b"\x55\xAA")
    checksum = -sum(struct.unpack("<16H", validation)) & 0xFFFF
    validation = validation[:28] + struct.pack("<H", checksum) + validation[30:]
    kind, count = (2, 1) if boot == "emulated" else (0, SECTORS)
    for number, content in (
            (16, b"\1CD001\1\0".ljust(40, b"\0") + b"PROBE".ljust(40) + struct.pack("<I", CD_BLOCKS)),
            (17, b"\0CD001\1" + b"EL TORITO SPECIFICATION".ljust(64, b"\0") + struct.pack("<I", CATALOG)),
            (18, b"\xFFCD001\1"),
            (CATALOG, validation + struct.pack("<BBHBBHI20x", 0x88, kind, 0, 0, 0, count, IMAGE))):
        cd[number * BLOCK:(number + 1) * BLOCK] = content.ljust(BLOCK, b"\0")
    if boot in ("cdrom", "emulated"):
        cd[IMAGE * BLOCK:IMAGE * BLOCK + len(code)] = code
    return {"floppy": floppy, "disk": disk, "cdrom": bytes(cd)}


WAYS = {"floppy": "a", "disk": "c", "cdrom": "d", "emulated": "d"}      # what is booted -> QEMU's name for the drive


def ask_here(boot: str) -> list[Answer]:
    from boot import bios
    from boot.disk import Disk
    from x86 import Machine
    machine = Machine(memory="16M")
    images = media(boot)
    bios(machine, disk=images["disk"], floppy=images["floppy"], cdrom=Disk(images["cdrom"], cd=True),
         boot_order=["cdrom" if boot == "emulated" else boot])
    stop = machine.run(200_000_000)
    assert stop.kind == "debug-exit", stop
    return answers(bytes(machine.serial.output))


def ask_qemu(boot: str) -> list[Answer]:
    with tempfile.TemporaryDirectory() as work:
        for name, content in media(boot).items():
            (Path(work) / name).write_bytes(content)
        drives = ("file=floppy,format=raw,if=floppy", "file=disk,format=raw,if=ide,index=0",
                  "file=cdrom,format=raw,if=ide,index=2,media=cdrom")
        subprocess.run(["qemu-system-x86_64", "-display", "none", "-accel", "tcg", "-m", "16", "-net", "none", "-monitor", "none",
                        "-boot", WAYS[boot], *(word for drive in drives for word in ("-drive", drive)), "-serial", "file:serial",
                        "-device", "isa-debug-exit,iobase=0xf4,iosize=1"], cwd=work, timeout=60, check=False)
        return answers((Path(work) / "serial").read_bytes())


def expected() -> dict[tuple[str, str], dict[str, str]]:
    """(way, name of the case) -> field -> value."""
    found = {}
    for line in EXPECTED.read_text().splitlines():
        ways, name, *fields = line.split("\t")
        for way in ways.split(","):
            found[way, name] = dict(zip(FIELDS, fields))
    return found


def main():
    """A line for each answer: the ways to boot under which it is that, the case, the fields."""
    if shutil.which("qemu-system-x86_64") is None:
        sys.exit("qemu-system-x86_64 is not installed")
    same: dict[tuple[str, ...], list[str]] = {}
    for way in WAYS:
        found = ask_qemu(way)
        assert len(found) == len(cases()), (way, len(found), len(cases()))
        for case, answer in zip(cases(), found):
            same.setdefault((case.name, *answer.fields().values()), []).append(way)
    EXPECTED.write_text("".join("\t".join((",".join(ways), *answer)) + "\n" for answer, ways in same.items()))
    print(f"{len(same)} answers to {len(cases())} cases")


if __name__ == "__main__":
    main()
