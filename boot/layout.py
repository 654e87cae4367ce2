"""Every physical address the firmware uses, one sentence each.

    00000000  +------------------------------+
              | interrupt vectors            |  IVT
    00000400  +------------------------------+
              | BIOS data area               |  BDA
    00000500  +------------------------------+
              | free, the POST stack in it   |  POST_STACK grows down from 7000h
    00007C00  +------------------------------+
              | boot sector, 512 bytes       |  BOOT_SECTOR
    00007E00  +------------------------------+
              | free                         |
    0009FC00  +------------------------------+
              | extended BIOS data area      |  EBDA
    000A0000  +------------------------------+
              | video memory                 |  GRAPHICS_MEMORY, MONO_TEXT, COLOR_TEXT
    000C0000  +------------------------------+
              | video BIOS                   |  VIDEO_ROM
    000C8000  +------------------------------+
              | nothing (option ROMs)        |
    000F0000  +------------------------------+
              | BIOS ROM                     |  ROM, seen again at ROM_ALIAS
    00100000  +------------------------------+
              | extended memory              |  EXTENDED_MEMORY
              | ACPI tables at its end       |  acpi_tables()
              +------------------------------+
              | devices on the PCI bus       |  PCI_MEMORY
    FEC00000  +------------------------------+
              | interrupt controllers' place |
    FFFF0000  +------------------------------+
              | BIOS ROM                     |  ROM_ALIAS
              +------------------------------+

Source: IBM PC/AT Technical Reference (BIOS data areas), Ralf Brown's Interrupt List (MEMORY.LST), BIOS Boot
Specification 1.01.
"""
from __future__ import annotations

# ---- low memory ------------------------------------------------------------------------------------------------------

IVT = 0x00000               # 256 far pointers, offset then segment: where INT n goes in real mode.
BDA = 0x00400               # What the BIOS and its callers share; programs know the fields by address.
BDA_SEGMENT = 0x0040        # The segment by which the ROM's code reaches the BDA.
BDA_SIZE = 0x100            # One page of 256 bytes: 400h to 4FFh.
POST_STACK = 0x07000        # SS:SP is 0000:7000 while POST runs, and below the boot sector when that starts.
BOOT_SECTOR = 0x07C00       # INT 19h loads the first sector of the boot drive here and jumps to 0000:7C00.
BOOT_SIGNATURE = 0x07DFE    # The last two bytes of that sector must read 55 AA.

# ---- BIOS data area --------------------------------------------------------------------------------------------------

COM_BASES = 0x400           # Four words: the I/O ports of COM1 to COM4, 0 where there is none.
LPT_BASES = 0x408           # Three words: the I/O ports of LPT1 to LPT3.
EBDA_SEGMENT_WORD = 0x40E   # Word: the segment of the extended BIOS data area (ACPI's RSDP is looked for there).
EQUIPMENT = 0x410           # Word: what INT 11h answers.
BASE_MEMORY_KB = 0x413      # Word: what INT 12h answers; who takes memory from the top lowers it.
KEYBOARD_FLAGS = 0x417      # Two bytes: shift keys and locks, then which of them are held down.
KEYBOARD_ALT_NUMBER = 0x419 # Byte: the number being typed with Alt and the keypad.
KEYBOARD_HEAD = 0x41A       # Word: offset in segment 40h of the next key to read.
KEYBOARD_TAIL = 0x41C       # Word: offset in segment 40h of the next free place; head = tail means empty.
KEYBOARD_RING = 0x41E       # Sixteen words of (scan code << 8 | character).
KEYBOARD_RING_END = 0x43E   # The first byte after them.
FLOPPY_RECALIBRATE = 0x43E  # Byte: bit 7 is set by the diskette interrupt, IRQ 6.
FLOPPY_MOTOR_COUNT = 0x440  # Byte: ticks until the diskette motors stop; INT 08h counts it down.
FLOPPY_STATUS = 0x441       # Byte: how the last diskette operation ended (INT 13h AH=01h).
VIDEO_MODE = 0x449          # Byte: the current video mode.
VIDEO_COLUMNS = 0x44A       # Word: characters a row.
VIDEO_PAGE_SIZE = 0x44C     # Word: bytes a display page takes in video memory.
VIDEO_PAGE_START = 0x44E    # Word: offset of the displayed page in video memory.
CURSOR_POSITIONS = 0x450    # Eight words, one a page: row << 8 | column.
CURSOR_SHAPE = 0x460        # Word: first scan line of the cursor << 8 | last, as INT 10h AH=01h was told.
VIDEO_PAGE = 0x462          # Byte: the displayed page.
CRTC_PORT = 0x463           # Word: I/O port of the CRT controller, 3D4h in colour, 3B4h in mono.
VIDEO_MODE_REGISTER = 0x465 # Byte: the CGA mode register's value for this mode.
VIDEO_PALETTE = 0x466       # Byte: the CGA palette register's value, border colour in its low bits.
RESUME_POINTER = 0x467      # Far pointer: where POST goes when CMOS byte 0Fh says 05h or 0Ah.
TICKS = 0x46C               # Dword: timer ticks (18.2 a second) since midnight.
MIDNIGHT = 0x470            # Byte: not 0 once midnight was passed since INT 1Ah AH=00h was asked.
BREAK_FLAG = 0x471          # Byte: bit 7 is set by Ctrl-Break.
RESET_FLAG = 0x472          # Word: 1234h asks POST for a warm start, which Ctrl-Alt-Del leaves here.
HARD_DISK_STATUS = 0x474    # Byte: how the last hard disk operation ended (INT 13h AH=01h).
HARD_DISK_COUNT = 0x475     # Byte: number of hard disks; drives 80h, 81h ... exist.
LPT_TIMEOUTS = 0x478        # Four bytes: time-outs of LPT1 to LPT3, and one spare.
COM_TIMEOUTS = 0x47C        # Four bytes: time-outs of COM1 to COM4 in seconds, about.
KEYBOARD_RING_START_WORD = 0x480    # Word: offset in segment 40h of the keyboard ring.
KEYBOARD_RING_END_WORD = 0x482      # Word: offset in segment 40h of its end.
VIDEO_LAST_ROW = 0x484      # Byte: rows on the screen, minus one.
VIDEO_FONT_HEIGHT = 0x485   # Word: scan lines a character.
VIDEO_CONTROL = 0x487       # Byte: bit 7 mode was set without clearing, 6-5 video memory (11b: 256 KB), 0 no emulation.
VIDEO_SWITCHES = 0x488      # Byte: the EGA's feature and configuration switches.
VIDEO_MODE_OPTIONS = 0x489  # Byte: bit 4 400 lines, 3 no default palette, 1 grey shades, 0 VGA active.
VIDEO_COMBINATION = 0x48A   # Byte: index of the display combination code.
HARD_DISK_INTERRUPT = 0x48E # Byte: FFh is left here by the hard disk interrupt, IRQ 14.
FLOPPY_ABILITIES = 0x48F    # Byte: a nibble a diskette drive: bit 2 it was looked at, 1 several data rates, 0 a change line.
FLOPPY_MEDIA = 0x490        # Two bytes: media state of drives 0 and 1.
KEYBOARD_STATE = 0x496      # Byte: bit 4 is a 101-key keyboard, 3 right Alt, 2 right Ctrl, 1 last was E0, 0 last was E1.
KEYBOARD_LEDS = 0x497       # Byte: what the keyboard's lights show.
WAIT_FLAG_POINTER = 0x498   # Far pointer: the byte whose bit 7 INT 15h AH=83h sets when its time is over.
WAIT_COUNT = 0x49C          # Dword: microseconds that are left of it.
WAIT_ACTIVE = 0x4A0         # Byte: bit 0 a wait is under way, bit 7 it is over.
VIDEO_SAVE_POINTER = 0x4A8  # Far pointer: the video parameter control block.
KEYS_MISSED = 0x4AC         # Word: how often INT 16h AH=01h or 11h found no key; no other BIOS has it.
VBE_MODE = 0x4BA            # Word: the mode that was set, as INT 10h AX=4F02h was told, bits 14 and 15 included.
VBE_POWER = 0x4BC           # Byte: the screen's power state, as INT 10h AX=4F10h was told.

# ---- top of conventional memory --------------------------------------------------------------------------------------

EBDA = 0x9FC00              # The extended BIOS data area: its first byte is its size in KB.
EBDA_SIZE = 0x400           # One KB, which leaves 639 KB of conventional memory.
MOUSE_HANDLER = 0x22        # Its fields, as offsets. Far pointer: what INT 15h AX=C207h was given.
MOUSE_FLAGS = 0x26          # Two bytes: how many bytes of a packet are here; 7 there is a handler, 2-0 bytes a packet - 1.
MOUSE_PACKET = 0x28         # Eight bytes: the packet.
TYPEMATIC = 0x30            # Byte: 6-5 delay and 4-0 rate of the keyboard, with bit 7 set once INT 16h AH=03h was asked.
DISK_TABLES = EBDA + 0x40   # Two tables of 16 bytes in it, to which INT 41h and 46h point.
CONVENTIONAL_END = 0xA0000  # Memory ends here, and video memory begins.

# ---- video memory ----------------------------------------------------------------------------------------------------

GRAPHICS_MEMORY = 0xA0000   # 64 KB: the frame buffer of the VGA's graphics modes.
MONO_TEXT = 0xB0000         # 32 KB: characters and attributes of mode 7.
COLOR_TEXT = 0xB8000        # 32 KB: characters and attributes of modes 0 to 3.
FRAME_BUFFER = 0xFD000000   # 16 MB: dots of the VESA modes, where the adapter's first PCI region is.

# ---- video BIOS ------------------------------------------------------------------------------------------------------

VIDEO_ROM = 0xC0000         # The ROM of the video adapter: INT 10h, the characters, the mode tables.
VIDEO_SEGMENT = 0xC000      # Its segment.
VIDEO_ROM_SIZE = 0x8000     # 32 KB.

# ---- ROM -------------------------------------------------------------------------------------------------------------

ROM = 0xF0000               # The 64 KB in which all of the BIOS's code lies: segment F000h.
ROM_SEGMENT = 0xF000        # That segment.
ROM_SIZE = 0x10000          # 64 KB.
ROM_ALIAS = 0xFFFF0000      # The same ROM below 4 GB, where the processor fetches its first instruction: FFFFFFF0h.
ROM_ALIAS_A20 = 0xFFEF0000  # The same again, where that fetch ends up while the A20 gate holds bit 20 at 0.
EXTENDED_MEMORY = 0x100000  # The first byte above 1 MB; with the A20 gate shut it is byte 0.
PCI_MEMORY = 0xC0000000     # Memory below 4 GB ends here at the latest; from here on PCI devices may have their addresses.
PCI_MEMORY_END = 0xFEC00000     # The first address behind those.
FOUR_GB = 1 << 32           # Memory that the hole for devices displaces goes on here.

# ---- tables for the operating system ---------------------------------------------------------------------------------
# In the ROM, for a scan from F0000h on: "RSD PTR ", "_SM_", "_SM3_", "$PnP", "_32_", "$PIR".

DESCRIPTIONS = 0xA000       # Offset in the ROM of ACPI's root pointer and SMBIOS, which are looked for from F0000h on.
MP_TABLES = 0xAE00          # Offset in the ROM of the tables of the MultiProcessor Specification.
ACPI_TABLES_SIZE = 0x2000   # The last memory below 4 GB but a page: ACPI's tables, which an operating system may reclaim.
ACPI_NVS_SIZE = 0x1000      # That page: the FACS, which the firmware and the operating system share.


def acpi_tables(ram_low: int) -> int | None:
    """Where the ACPI tables begin, with so much memory below 4 GB; None with too little to put any there."""
    start = ram_low - ACPI_TABLES_SIZE - ACPI_NVS_SIZE
    return start if start >= EXTENDED_MEMORY else None


def usable_end(ram_low: int) -> int:
    """The first address, with so much memory below 4 GB, that programs cannot have."""
    return acpi_tables(ram_low) or ram_low


# ---- entry points in the ROM, offsets in segment F000h ---------------------------------------------------------------
# The original BIOS had them there; programs that jump into the ROM without asking the vectors still expect them.

ENTRY_POST = 0xE05B         # Power-on self test: where the reset vector jumps.
ENTRY_NMI = 0xE2C3          # INT 02h.
ENTRY_HARD_DISK = 0xE3FE    # INT 13h.
ENTRY_BOOT = 0xE6F2         # INT 19h.
CONFIGURATION_TABLE = 0xE6F5    # What INT 15h AH=C0h answers.
BAUD_RATE_TABLE = 0xE729    # Divisors of the eight rates of INT 14h AH=00h.
ENTRY_SERIAL = 0xE739       # INT 14h.
ENTRY_KEYBOARD = 0xE82E     # INT 16h.
ENTRY_KEYBOARD_IRQ = 0xE987     # INT 09h, IRQ 1.
ENTRY_FLOPPY = 0xEC59       # INT 40h, which was INT 13h before there were hard disks.
ENTRY_FLOPPY_IRQ = 0xEF57   # INT 0Eh, IRQ 6.
DISKETTE_TABLE = 0xEFC7     # The eleven bytes that INT 1Eh points to.
ENTRY_PRINTER = 0xEFD2      # INT 17h.
ENTRY_VIDEO = 0xF065        # INT 10h before the video BIOS took it; INT 42h since.
VIDEO_TABLE = 0xF0A4        # The video parameter table that INT 1Dh points to.
ENTRY_MEMORY = 0xF841       # INT 12h.
ENTRY_EQUIPMENT = 0xF84D    # INT 11h.
ENTRY_SYSTEM = 0xF859       # INT 15h.
FONT_8X8 = 0xFA6E           # The first 128 characters, 8 by 8 dots, as on a PC without a VGA.
ENTRY_TIME = 0xFE6E         # INT 1Ah.
ENTRY_TIMER_IRQ = 0xFEA5    # INT 08h, IRQ 0.
VECTOR_TABLE = 0xFEF3       # Offsets of the handlers of INT 08h to 1Fh, from which POST fills the IVT.
DUMMY_IRET = 0xFF53         # One IRET: the handler of everything that nobody handles.
ENTRY_PRINT_SCREEN = 0xFF54 # INT 05h.
RESET_VECTOR = 0xFFF0       # The far jump that is the first instruction after reset.
DATE = 0xFFF5               # The ROM's date, eight characters.
MODEL = 0xFFFE              # The model byte: FCh is an AT.

# ---- ports that are the firmware's own -------------------------------------------------------------------------------

TRAP_PORT = 0xB5            # OUT to it from the ROM calls a service in Python; from anywhere else it does nothing.
POST_PORT = 0x80            # Progress codes go there, for the card with two hexadecimal digits that shows them.
