"""POST: what the ROM does from the reset vector to INT 19h, and the services that it calls on the way.

Each step puts its number on port 80h first, so a machine that stops in the middle says where:

    01 processor   02 vectors   03 data areas   04 interrupt controllers   05 timer   06 keyboard controller
    07 ports       08 memory and drives         09 time of day             0A video   0B banner         0C boot
"""
from __future__ import annotations

from boot import layout
from boot.bios.descriptions import write_acpi_tables
from boot.bios.int15_pointing import prepare as prepare_mouse
from boot.bios.int41_disks import cmos_fields, write_tables
from boot.bios.service import trap

WARM_START = 0x1234                     # in the reset flag: memory need not be counted

SOURCE = """
; ---- power-on self test ----------------------------------------------------------------------------------------------
        at      0E05Bh
post:
        cli                             ; no interrupts: there are no vectors yet
        cld
        mov     al, 01h                 ; POST 01: the processor fetches and runs
        out     80h, al

        ; A program of the 80286's days left protected mode by resetting the processor. It said so in byte 0Fh of
        ; the CMOS memory, and where to go on in the double word at 0040:0067.
        mov     al, 8Fh                 ; index 0Fh; bit 7 keeps NMI off
        out     70h, al
        in      al, 71h
        mov     ah, al
        mov     al, 8Fh
        out     70h, al
        mov     al, 0                   ; the next reset is an ordinary one
        out     71h, al
        xor     bx, bx
        mov     ds, bx
        cmp     ah, 05h                 ; 05h: end the interrupt, then go on there
        je      resume_after_interrupt
        cmp     ah, 0Ah                 ; 0Ah: go on there
        je      resume

        db      0Fh, 20h, 0C0h                  ; mov eax, cr0
        db      66h, 25h, 0FFh, 0FFh, 0FFh, 9Fh ; and eax, 9FFFFFFFh: the caches on (CD, NW)
        db      0Fh, 22h, 0C0h                  ; mov cr0, eax

        mov     ss, bx                  ; a stack: 0000:7000
        mov     sp, 7000h
        mov     es, bx

        mov     al, 02h                 ; POST 02: the interrupt vectors
        out     80h, al
        xor     di, di
        mov     cx, 256
        mov     bx, 0F000h
.fill:  mov     ax, dummy_iret          ; every vector leads to an IRET ...
        stosw
        mov     ax, bx
        stosw
        loop    .fill
        mov     si, vectors             ; ... but those that have more to do
        mov     di, 20h                 ; INT 08h to 1Fh
        mov     cx, 24
        call    set_vectors
        mov     si, slave_vectors
        mov     di, 1C0h                ; INT 70h to 77h
        mov     cx, 8
        call    set_vectors
        mov     word [00h], fault_00
        mov     word [08h], nmi
        mov     word [14h], print_screen
        mov     word [18h], fault_06
        mov     word [1Ch], fault_07
        mov     word [100h], floppy     ; INT 40h: diskettes, since INT 13h is the hard disks'
        xor     ax, ax
        mov     di, 180h                ; INT 60h to 67h are the user's: null
        mov     cx, 16
        rep     stosw

        mov     al, 03h                 ; POST 03: the BIOS data areas
        out     80h, al
        push    word [472h]             ; 1234h: a warm start
        xor     ax, ax
        mov     di, 400h
        mov     cx, 80h
        rep     stosw
        pop     word [472h]
        mov     ax, 9FC0h               ; the extended one is the last KB below 640 KB
        mov     es, ax
        mov     [40Eh], ax
        xor     ax, ax
        xor     di, di
        mov     cx, 200h
        rep     stosw
        mov     es, ax
        mov     word [413h], 639        ; which leaves so many
        mov     ax, 1Eh                 ; the keyboard ring is empty: head = tail
        mov     [41Ah], ax
        mov     [41Ch], ax
        mov     [480h], ax
        mov     word [482h], 3Eh
        mov     ax, 1414h               ; time-outs: printers 20, serial ports 1
        mov     [478h], ax
        mov     [47Ah], ax
        mov     ax, 0101h
        mov     [47Ch], ax
        mov     [47Eh], ax
        mov     byte [496h], 10h        ; a keyboard with 101 keys
        jmp     post_chips
resume_after_interrupt:
        mov     al, 20h
        out     20h, al
resume:
        jmp     far [467h]

; Vectors from DI on: CX offsets that stand in the ROM at SI; the segments are there already.
set_vectors:
        mov     ax, [cs:si]
        add     si, 2
        stosw
        add     di, 2
        loop    set_vectors
        ret
"""

CHIPS = """
; ---- POST, continued: the chips --------------------------------------------------------------------------------------
        at      0D800h
post_chips:
        mov     al, 04h                 ; POST 04: the two interrupt controllers
        out     80h, al
        mov     al, 11h                 ; ICW1: edge triggered, cascaded, ICW4 follows
        out     20h, al
        out     0A0h, al
        mov     al, 08h                 ; ICW2: IRQ 0 to 7 are INT 08h to 0Fh
        out     21h, al
        mov     al, 70h                 ;       IRQ 8 to 15 are INT 70h to 77h
        out     0A1h, al
        mov     al, 04h                 ; ICW3: the second one sits on IRQ 2
        out     21h, al
        mov     al, 02h
        out     0A1h, al
        mov     al, 01h                 ; ICW4: 8086 mode, end of interrupt by command
        out     21h, al
        out     0A1h, al
        mov     al, 0B8h                ; OCW1: listen to timer, keyboard, cascade, diskette
        out     21h, al
        mov     al, 8Fh                 ;       and to mouse, coprocessor, hard disk
        out     0A1h, al

        out     0Dh, al                 ; DMA: both controllers forget; all channels are masked
        out     0DAh, al
        mov     al, 0C0h                ; channel 4 passes on the requests of the first one
        out     0D6h, al
        mov     al, 00h
        out     0D4h, al

        mov     al, 05h                 ; POST 05: the timer
        out     80h, al
        mov     al, 36h                 ; counter 0, low byte then high byte, mode 3, binary
        out     43h, al
        xor     al, al                  ; 0 stands for 65536: 1193182 / 65536 = 18.2 a second
        out     40h, al
        out     40h, al
        in      al, 61h                 ; the speaker is silent
        and     al, 0FCh
        out     61h, al

        mov     al, 06h                 ; POST 06: the keyboard controller
        out     80h, al
        mov     cx, 16
.flush: in      al, 64h                 ; drop what waits in it
        test    al, 01h
        jz      .empty
        in      al, 60h
        loop    .flush
.empty: mov     al, 0AAh                ; self-test
        call    keyboard_command
        call    keyboard_answer         ; 55h
        mov     al, 60h                 ; command byte: translate to set 1, mouse off, system flag, IRQ 1 on
        call    keyboard_command
        mov     al, 65h
        call    keyboard_data
        mov     al, 0AEh                ; keyboard on
        call    keyboard_command
        mov     al, 0F4h                ; and let it scan
        call    keyboard_data
        call    keyboard_answer         ; FAh: acknowledged

        mov     al, 07h                 ; POST 07: which serial and parallel ports are there?
        out     80h, al
        mov     si, com_ports
        mov     di, 400h
        mov     cx, 4
.com:   mov     dx, [cs:si]
        add     si, 2
        add     dx, 2                   ; interrupt identification: bits 7-3 are 0 once the FIFO is off,
        mov     al, 0                   ; and FFh where nobody answers
        out     dx, al
        in      al, dx
        test    al, 0F8h
        jnz     .no_com
        sub     dx, 2
        mov     ax, dx
        stosw
.no_com:
        loop    .com
        mov     di, 408h
        mov     cx, 3
.lpt:   mov     dx, [cs:si]
        add     si, 2
        mov     al, 0AAh                ; a data latch gives back what was put into it
        out     dx, al
        in      al, dx
        cmp     al, 0AAh
        jne     .no_lpt
        mov     ax, dx
        stosw
.no_lpt:
        loop    .lpt

        mov     al, 08h                 ; POST 08: memory size and drives
        out     80h, al
        trap    post_configuration
        mov     al, 09h                 ; POST 09: the tick count is the time of day
        out     80h, al
        trap    post_clock
        mov     al, 0Ah                 ; POST 0A: the video BIOS, which sets 80 by 25 characters
        out     80h, al
        call    0C000h:0003h
        mov     al, 0Bh                 ; POST 0B: who is here
        out     80h, al
        mov     si, banner
        call    print
        trap    post_report
        sti
        mov     al, 0Ch                 ; POST 0C: done
        out     80h, al
        int     19h

; Send AL to the keyboard controller as a command, or as data.
keyboard_command:
        call    keyboard_ready
        out     64h, al
        ret
keyboard_data:
        call    keyboard_ready
        out     60h, al
        ret

; Wait, but not for ever, until the controller takes a byte. Keeps AL.
keyboard_ready:
        mov     ah, al
        mov     cx, 1000h
.again: in      al, 64h
        test    al, 02h                 ; bit 1: its input buffer is full
        jz      .done
        loop    .again
.done:  mov     al, ah
        ret

; Wait, but not for ever, for an answer; AL = the answer.
keyboard_answer:
        mov     cx, 1000h
.again: in      al, 64h
        test    al, 01h                 ; bit 0: its output buffer is full
        jnz     .take
        loop    .again
.take:  in      al, 60h
        ret

; Print the text at CS:SI, which ends in a zero byte.
print:
        mov     al, [cs:si]
        inc     si
        test    al, al
        jz      .done
        mov     ah, 0Eh
        mov     bx, 0007h
        int     10h
        jmp     print
.done:  ret

com_ports:      dw 3F8h, 2F8h, 3E8h, 2E8h
lpt_ports:      dw 3BCh, 378h, 278h     ; behind com_ports, where SI stands then
banner:         db "x86 BIOS", 13, 10, 0
"""


@trap("post_configuration")
def configure(bios, call):
    """Write down what the machine has: equipment word, memory in CMOS, number of hard disks, their parameter tables."""
    memory = bios.machine.memory
    serial = sum(bios.word(layout.COM_BASES + 2 * port) != 0 for port in range(4))
    parallel = sum(bios.word(layout.LPT_BASES + 2 * port) != 0 for port in range(3))
    #  15..14 printers   11..9 serial ports   7..6 diskette drives - 1   5..4 10b: 80 x 25 colour   2 mouse   1 FPU   0 diskettes
    equipment = parallel << 14 | serial << 9 | 0x20 | 0x04 | 0x02
    if bios.floppies:
        equipment |= (bios.floppies - 1) << 6 | 0x01
    bios.set_word(layout.EQUIPMENT, equipment)
    bios.set_byte(layout.HARD_DISK_COUNT, bios.hard_disks)
    for number in (0, 1):
        disk = bios.drives.get(number)
        bios.set_byte(layout.FLOPPY_MEDIA + number, disk.floppy.media if disk else 0)
    bios.set_byte(layout.FLOPPY_ABILITIES, (0x00, 0x07, 0x77)[bios.floppies])
    write_tables(bios)
    memory.write_u8(layout.EBDA, layout.EBDA_SIZE // 1024)
    prepare_mouse(bios)
    write_acpi_tables(bios.machine)
    _fill_cmos(bios, equipment)
    bios.quirks.posted(bios)


def _fill_cmos(bios, equipment):
    """The bytes of the AT's CMOS map that say which drives there are; the checksum is over 10h to 2Dh.

    The amount of memory stands in it from the board."""
    types = [bios.drives[number].floppy.drive_type if number in bios.drives else 0 for number in (0, 1)]
    bios.set_cmos(0x10, types[0] << 4 | types[1])
    bios.set_cmos(0x12, (0xF0 if 0x80 in bios.drives else 0) | (0x0F if 0x81 in bios.drives else 0))
    bios.set_cmos(0x14, equipment & 0xFF)
    bios.set_cmos(0x19, 47 if 0x80 in bios.drives else 0)          # type 47: parameters of its own
    bios.set_cmos(0x1A, 47 if 0x81 in bios.drives else 0)
    for number, first in ((0x80, 0x1B), (0x81, 0x24)):
        for register, value in enumerate(cmos_fields(bios.drives[number]) if number in bios.drives else b"", first):
            bios.set_cmos(register, value)
    checksum = sum(bios.cmos(register) for register in range(0x10, 0x2E))
    bios.set_cmos(0x2E, checksum >> 8)
    bios.set_cmos(0x2F, checksum & 0xFF)


@trap("post_clock")
def set_tick_count(bios, call):
    """Ticks since midnight, from the real-time clock."""
    from boot.bios.int1a_time import TICKS_PER_DAY, clock_fields
    hours, minutes, seconds = clock_fields(bios, 0x04, 0x02, 0x00)
    seconds += (hours * 60 + minutes) * 60
    ticks = min(seconds * TICKS_PER_DAY // 86400, TICKS_PER_DAY - 1)
    bios.machine.memory.write_u32(layout.TICKS, ticks)


@trap("post_report")
def report(bios, call):
    """Print what was found, a line for the memory, unless this is a warm start, and one for each drive."""
    from boot.bios.firmware import describe
    from boot.bios.int10_video import print_text
    warm = bios.word(layout.RESET_FLAG) == WARM_START
    bios.set_word(layout.RESET_FLAG, 0)
    lines = [] if warm else [f"{bios.machine.memory.size >> 20} MB"]
    lines += [describe(number, disk) for number, disk in sorted(bios.drives.items())]
    print_text(bios, "\r\n".join(lines) + "\r\n\n")
