"""Which services are called here and in SeaBIOS (seabios.py). Where the two may differ stands in DIFFERENT."""
from __future__ import annotations

import struct

from tests.bios.seabios import BUFFER, Case

SMAP = 0x534D4150


def descriptors(source, destination, limit=0xFFFF, access=0x93):
    """The table of INT 15h AH=87h."""
    def one(base):
        return struct.pack("<HHBBBB", limit, base & 0xFFFF, base >> 16 & 0xFF, access, 0, base >> 24)
    return bytes(16) + one(source) + one(destination) + bytes(16)


def case(interrupt, ax=None, name="", buffer=b"", **registers):
    """INT with AX (or registers alone)."""
    if ax is not None:
        registers["ax"] = ax
    words = [f"{interrupt:02X}", *(f"{register}={value:X}" for register, value in registers.items() if register != "ax")]
    if ax is not None:
        words.insert(1, f"{ax:04X}")
    return Case(" ".join(words + [name] * bool(name)), interrupt, registers, buffer)


CASES = [
    # ---- what there is
    case(0x11), case(0x12), case(0x11, 0xFFFF), case(0x12, 0xFFFF, flags=0x203),
    case(0x05), case(0x1B), case(0x1C), case(0x4A), case(0x02), case(0x70), case(0x71), case(0x75), case(0x08), case(0x0B),
    # ---- serial and parallel ports
    *(case(0x14, ax, dx=1) for ax in (0x00E3, 0x0141, 0x0200, 0x0300, 0x0400, 0x0500, 0x0600, 0xFF00)),
    case(0x14, 0x0300, dx=4), case(0x14, 0x0300, dx=0xFFFF), case(0x14, 0x0300, dx=0), case(0x14, 0x0600, dx=0),
    *(case(0x17, ax, dx=0) for ax in (0x0041, 0x0100, 0x0200, 0x0300)), case(0x17, 0x0200, dx=3),
    # ---- A20
    case(0x15, 0x2403), case(0x15, 0x2402), case(0x15, 0x2400), case(0x15, 0x2402, name="shut"), case(0x15, 0x2401),
    case(0x15, 0x2402, name="open"), case(0x15, 0x2404), case(0x15, 0x24FF),
    # ---- hooks
    case(0x15, 0x4F1E), case(0x15, 0x4F1E, flags=0x203), case(0x15, 0x5200),
    *(case(0x15, ah << 8) for ah in (0x80, 0x81, 0x82, 0x85, 0x90, 0x91)), case(0x15, 0x8501), case(0x15, 0x9080),
    case(0x15, 0x8400, dx=0), case(0x15, 0x8400, dx=1), case(0x15, 0x8400, dx=2),
    case(0x15, 0x0000), case(0x15, 0x2000), case(0x15, 0x4100), case(0x15, 0xBF00), case(0x15, 0xBFDE), case(0x15, 0xC300),
    case(0x15, 0xC400), case(0x15, 0xC500), case(0x15, 0xC900), case(0x15, 0xD000), case(0x15, 0xFFFF),
    # ---- APM
    case(0x15, 0x5300, bx=0), case(0x15, 0x5300, bx=1), case(0x15, 0x5301, bx=0), case(0x15, 0x5301, bx=0, name="again"),
    case(0x15, 0x530E, bx=0, cx=0x0102), case(0x15, 0x530E, bx=0, cx=0x0100), case(0x15, 0x530E, bx=0, cx=0x0101),
    case(0x15, 0x530F, bx=1, cx=1), case(0x15, 0x5308, bx=1, cx=1), case(0x15, 0x5305), case(0x15, 0x5306),
    case(0x15, 0x530A, bx=1), case(0x15, 0x530A, bx=0x8001), case(0x15, 0x530B), case(0x15, 0x530C, bx=1),
    case(0x15, 0x530D, bx=1, cx=1), case(0x15, 0x5310, bx=0), case(0x15, 0x5311), case(0x15, 0x5380),
    case(0x15, 0x5309, bx=1), case(0x15, 0x5307, bx=1, cx=0x77), case(0x15, 0x5304, bx=0),
    case(0x15, 0x5304, bx=0, name="again"), case(0x15, 0x5302, bx=0), case(0x15, 0x5304, bx=0, name="16"),
    case(0x15, 0x5303, bx=0), case(0x15, 0x5304, bx=0, name="32"), case(0x15, 0x5303, bx=1), case(0x15, 0x5301, bx=1),
    # ---- waiting
    case(0x15, 0x8600, cx=0, dx=2000), case(0x15, 0x8600, cx=0, dx=0),
    case(0x15, 0x8300, cx=0, dx=2000, bx=BUFFER), case(0x15, 0x8300, cx=0, dx=2000, bx=BUFFER, name="again"),
    case(0x15, 0x8600, cx=0, dx=2000, name="while an event is waited for"), case(0x15, 0x8301), case(0x15, 0x8302),
    # ---- memory
    case(0x15, 0x8700, cx=4, si=BUFFER, buffer=descriptors(BUFFER, BUFFER + 8)),
    case(0x15, 0x8700, cx=0, si=BUFFER, buffer=descriptors(BUFFER, BUFFER + 8)),
    case(0x15, 0x8800), case(0x15, 0x8A00), case(0x15, 0xE801), case(0x15, 0xE801, cx=0, dx=0), case(0x15, 0xE881),
    case(0x15, 0xE802), case(0x15, 0xDA88), case(0x15, 0xE980, edx=0x47534943), case(0x15, 0xE8FF),
    *(case(0x15, eax=0xE820, ebx=index, ecx=20, edx=SMAP) for index in range(2)),
    case(0x15, eax=0xE820, ebx=0, ecx=24, edx=SMAP), case(0x15, eax=0xE820, ebx=0, ecx=100, edx=SMAP),
    case(0x15, eax=0xE820, ebx=0, ecx=19, edx=SMAP), case(0x15, eax=0xE820, ebx=0, ecx=0, edx=SMAP),
    case(0x15, eax=0xE820, ebx=0, ecx=20, edx=0x50414D53), case(0x15, eax=0xE820, ebx=0x1000, ecx=20, edx=SMAP),
    case(0x15, eax=0xE820, ebx=0x10000, ecx=20, edx=SMAP), case(0x15, eax=0x1234E820, ebx=0, ecx=20, edx=SMAP),
    # ---- what this machine is
    case(0x15, 0xC000), case(0x15, 0xC100), case(0x15, 0xEC00, bx=2),
    case(0x15, 0xEC00, bx=9), case(0x15, 0xEC01),
    # ---- the mouse
    case(0x15, 0xC205, bx=0x0300), case(0x15, 0xC200, bx=0x0100, name="no handler"), case(0x15, 0xC207, bx=0x8000),
    case(0x15, 0xC205, bx=0x0300, name="3"), case(0x15, 0xC200, bx=0x0100, name="on"), case(0x15, 0xC200, bx=0, name="off"),
    case(0x15, 0xC200, bx=0x0200), case(0x15, 0xC202, bx=0x0500), case(0x15, 0xC202, bx=0x0700), case(0x15, 0xC203, bx=0x0300),
    case(0x15, 0xC203, bx=0x0400), case(0x15, 0xC204), case(0x15, 0xC206, bx=0x0000), case(0x15, 0xC206, bx=0x0100),
    case(0x15, 0xC206, bx=0x0200), case(0x15, 0xC206, bx=0x0300), case(0x15, 0xC201), case(0x15, 0xC208), case(0x15, 0xC209),
    case(0x15, 0xC20A), case(0x15, 0xC205, bx=0), case(0x15, 0xC205, bx=0x0900), case(0x15, 0xC2FF),
    case(0x15, 0xC207, bx=0, es=0, name="none"),
    # ---- the keyboard
    case(0x16, 0x0100), case(0x16, 0x1100), case(0x16, 0x0200), case(0x16, 0x1200), case(0x16, 0x0500, cx=0x1E61),
    case(0x16, 0x0100, name="a"), case(0x16, 0x1100, name="a"), case(0x16, 0x0000, name="a"),
    case(0x16, 0x0500, cx=0x48E0), case(0x16, 0x1100, name="grey up"), case(0x16, 0x1000, name="grey up"),
    case(0x16, 0x0500, cx=0x48E0, name="2"), case(0x16, 0x0100, name="grey up"), case(0x16, 0x0000, name="grey up"),
    case(0x16, 0x0500, cx=0xE00D), case(0x16, 0x0000, name="keypad enter"),
    case(0x16, 0x0500, cx=0xE00D, name="2"), case(0x16, 0x1000, name="keypad enter"),
    case(0x16, 0x0500, cx=0xE02F), case(0x16, 0x0000, name="keypad /"),
    case(0x16, 0x0500, cx=0x8500), case(0x16, 0x1000, name="F11"), case(0x16, 0x0500, cx=0x4CF0), case(0x16, 0x1000, name="5"),
    case(0x16, 0x0500, cx=0x00E1), case(0x16, 0x0000, name="Alt 225"), case(0x16, 0x0500, cx=0x00E0),
    case(0x16, 0x0000, name="Alt 224"),
    case(0x16, 0x0900), case(0x16, 0x0A00), case(0x16, 0x6F00), case(0x16, 0x6F08), case(0x16, 0x9200), case(0x16, 0xA200),
    case(0x16, 0x0300), case(0x16, 0x0305, bx=0x0005), case(0x16, 0x0306), case(0x16, 0x03FF), case(0x16, 0x0400),
    case(0x16, 0x2000), case(0x16, 0x5500), case(0x16, 0xFF00),
    # ---- the time
    case(0x1A, 0x0300, cx=0x2030, dx=0x0000), case(0x1A, 0x0200), case(0x1A, 0x0100, cx=1, dx=2),
    case(0x1A, 0x0500, cx=0x2026, dx=0x0203), case(0x1A, 0x0400), case(0x1A, 0x0600, cx=0x2359, dx=0x5900),
    case(0x1A, 0x0600, cx=0x2359, dx=0x5900, name="again"), case(0x1A, 0x0700), case(0x1A, 0x0700, name="again"),
    case(0x1A, 0x0800), case(0x1A, 0x0900), case(0x1A, 0x0A00), case(0x1A, 0x0B00), case(0x1A, 0x3500), case(0x1A, 0x8000),
    case(0x1A, 0xBB00), case(0x1A, 0xBB00, ebx=0x41504354, ecx=0, edx=0), case(0x1A, 0x5650, dx=0),
    # ---- PCI
    case(0x1A, 0xB100), case(0x1A, 0xB101), case(0x1A, 0xB102, cx=0x1237, dx=0x8086, si=0),
    case(0x1A, 0xB102, cx=0x1237, dx=0x8086, si=1), case(0x1A, 0xB102, cx=0x1237, dx=0xFFFF, si=0),
    case(0x1A, 0xB102, cx=0xFFFF, dx=0x8086, si=0), case(0x1A, 0xB103, ecx=0x060000, si=0),
    case(0x1A, 0xB103, ecx=0x060100, si=0), case(0x1A, 0xB103, ecx=0xFF060000, si=0), case(0x1A, 0xB103, ecx=0x0C0330, si=0),
    case(0x1A, 0xB106, bx=0, edx=0), case(0x1A, 0xB107),
    *(case(0x1A, ax, bx=0, di=register) for register in (0, 1, 0x100) for ax in (0xB108, 0xB109, 0xB10A)),
    case(0x1A, 0xB10A, bx=0, di=2),
    case(0x1A, 0xB10A, bx=0x00F8, di=0), case(0x1A, 0xB108, bx=0x0500, di=0), case(0x1A, 0xB10A, bx=8, di=0x60),
    case(0x1A, 0xB10B, bx=8, di=0x3C, cx=0x55), case(0x1A, 0xB108, bx=8, di=0x3C), case(0x1A, 0xB10C, bx=8, di=0x3D, cx=0),
    case(0x1A, 0xB10D, bx=8, di=0x3D, ecx=0), case(0x1A, 0xB10D, bx=8, di=0x104, ecx=0),
    case(0x1A, 0xB10E, bx=0, di=BUFFER, ds=0xF000, buffer=struct.pack("<HHH", 0, 0xA000, 0)),
    case(0x1A, 0xB10F, bx=8, cx=0x0A0B, ds=0xF000), case(0x1A, 0xB110), case(0x1A, 0xB181), case(0x1A, 0xB1FF),
]


#: why the answer is another one here -> names of the cases
REASONS: dict[str, tuple[str, ...]] = {
    "Ralf Brown, INT 14: AH bit 7 is how a port that is not there answers": (
        "14 00E3 dx=1", "14 0141 dx=1", "14 0200 dx=1", "14 0300 dx=1", "14 0400 dx=1", "14 0500 dx=1", "14 0300 dx=4",
        "14 0300 dx=FFFF"),
    "Ralf Brown, INT 17: AH bit 0 is how a printer that is not there answers": ("17 0041 dx=0", "17 0200 dx=0", "17 0200 dx=3"),
    "Ralf Brown, INT 15/2402: CX says whether the controller was ready": ("15 2402", "15 2402 shut", "15 2402 open"),
    "PC/AT Technical Reference, INT 15: these hooks end with AH=0": (
        "15 8000", "15 8100", "15 8200", "15 8500", "15 8501", "15 9000", "15 9080", "15 9100"),
    "Ralf Brown, INT 15/84: no game port, all open and 0": ("15 8400 dx=0", "15 8400 dx=1"),
    "SeaBIOS does not have it": (
        "15 C900", "15 530C bx=1", "15 530D bx=1 cx=1", "15 5309 bx=1", "15 8A00", "15 E881", "15 DA88", "15 EC00 bx=2",
        "16 0900", "16 0306", "1A B106 bx=0 edx=0", "1A B10F bx=8 cx=A0B ds=F000"),
    "APM 1.2: to connect is for BX=0000h": ("15 5300 bx=1", "15 5301 bx=1", "15 5303 bx=1"),
    "APM 1.2: one connection at a time": ("15 5301 bx=0 again", "15 5304 bx=0 again"),
    "APM 1.2: the older of both versions": ("15 530E bx=0 cx=100", "15 530E bx=0 cx=101"),
    "APM 1.2: there are no batteries to ask for": ("15 530A bx=1", "15 530A bx=8001"),
    "APM 1.2: AH of an error": ("15 5311", "15 5380"),
    "APM 1.2: 0Ah, parameter out of range": ("15 5307 bx=1 cx=77",),
    "where the code lies": ("15 5302 bx=0", "15 5303 bx=0", "1A B101"),
    "Ralf Brown, INT 15/83 and 15/86: AH=0, and 83h while somebody waits": (
        "15 8600 cx=0 dx=7D0", "15 8600 cx=0 dx=0", "15 8300 cx=0 dx=7D0 bx=5000", "15 8300 cx=0 dx=7D0 bx=5000 again",
        "15 8301"),
    "AL is the function": ("15 8302",),
    "PC/AT Technical Reference, INT 15/87: ZF=1, and the table stays": ("15 8700 cx=4 si=5000", "15 8700 cx=0 si=5000"),
    "the ACPI tables have another size": ("15 8800", "15 E801", "15 E801 cx=0 dx=0"),
    "ACPI 6.5, 15.1: 24 bytes where there is room for the attributes": (
        "15 eax=E820 ebx=0 ecx=18 edx=534D4150", "15 eax=E820 ebx=0 ecx=64 edx=534D4150"),
    "EBX is no value that the BIOS gave": ("15 eax=E820 ebx=10000 ecx=14 edx=534D4150",),
    "the handler stays installed when the mouse is initialized": ("15 C200 bx=100 on",),
    "Ralf Brown, INT 15/C205: 02h, bad input": ("15 C205 bx=0", "15 C205 bx=900"),
    "Ralf Brown, INT 1A: only AH=0 is told": ("1A 0300 cx=2030 dx=0", "1A 0500 cx=2026 dx=203", "1A 0700", "1A 0700 again"),
    "AH stays where CF says all": ("1A 0600 cx=2359 dx=5900 again",),
    "AH=86h: no such function": ("1A 0800", "1A 0900", "1A 0A00", "1A 0B00", "1A 3500", "1A 8000", "1A 5650 dx=0"),
    "PCI BIOS 2.1: 83h, bad vendor": ("1A B102 cx=1237 dx=FFFF si=0",),
    "PCI BIOS 2.1: the class is in the lower three bytes": ("1A B103 ecx=FF060000 si=0",),
    "PCI BIOS 2.1: 87h, bad register": (
        "1A B109 bx=0 di=1", "1A B10A bx=0 di=1", "1A B108 bx=0 di=100", "1A B109 bx=0 di=100", "1A B10A bx=0 di=100",
        "1A B10A bx=0 di=2", "1A B10C bx=8 di=3D cx=0", "1A B10D bx=8 di=3D ecx=0", "1A B10D bx=8 di=104 ecx=0"),
    "31 slots, and SeaBIOS tells of six": ("1A B10E bx=0 di=5000 ds=F000",),
}
DIFFERENT: dict[str, str] = {name: reason for reason, names in REASONS.items() for name in names}
