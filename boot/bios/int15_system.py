"""INT 15h: what no other interrupt is for. A20, waiting, moving memory, the machine's configuration.

The memory map is in int15_memory.py, power management in int15_apm.py.
Source: Ralf Brown's Interrupt List, INT 15; IBM PS/2 and PC BIOS Interface Technical Reference.
"""
from __future__ import annotations

from boot import layout
from boot.bios.service import service, trap

IN_USE = 0x83
MOVE_FAULT = 0x02                                   # AH of AH=87h: an exception happened
PRESENT, CODE, WRITABLE, SEGMENT, GRANULAR = 0x80, 0x08, 0x02, 0x10, 0x80       # of a descriptor's bytes 5 and 6
MICROSECONDS_A_TICK = 976                           # of the real-time clock at 1024 Hz


def succeed(call) -> None:
    """CF=0, AH=0."""
    call.ah = 0
    call.carry = False


def fail(call, status: int) -> None:
    call.ah = status
    call.carry = True


# ---- A20 -------------------------------------------------------------------------------------------------------------

@service(0x15, 0x2400, "disable A20")
def disable_a20(bios, call):
    bios.machine.set_a20(False)
    succeed(call)


@service(0x15, 0x2401, "enable A20")
def enable_a20(bios, call):
    bios.machine.set_a20(True)
    succeed(call)


@service(0x15, 0x2402, "A20 status")
def a20_status(bios, call):
    call.al = int(bios.machine.cpu.a20)
    call.cx = 0
    succeed(call)


@service(0x15, 0x2403, "A20 support")
def a20_support(bios, call):
    call.bx = 0x0003                                # by the keyboard controller, and by bit 1 of port 92h
    succeed(call)


# ---- hooks that programs put something into --------------------------------------------------------------------------

@service(0x15, 0x4F, "keyboard intercept")
def keyboard_intercept(bios, call):
    """CF=1: the scan code in AL is to be used."""
    call.note(None)
    call.carry = True


@service(0x15, 0x52, "eject media?")
@service(0x15, 0x80, "device open")
@service(0x15, 0x81, "device close")
@service(0x15, 0x82, "program ends")
@service(0x15, 0x85, "SysReq")
@service(0x15, 0x90, "device busy")
@service(0x15, 0x91, "device ready")
def operating_system_hook(bios, call):
    """Who multitasks takes these; nobody does, so all is well. (After AH=90h the caller waits for its interrupt itself.)"""
    succeed(call)


@service(0x15, 0x84, "joystick")
def joystick(bios, call):
    """DX: 0 its buttons in AL, 1 its positions in AX, BX, CX, DX. There is no game port: all open, all 0."""
    if call.dx > 1:
        call.unimplemented()
        return
    if call.dx == 0:
        call.al = 0
    else:
        call.ax = call.bx = call.cx = call.dx = 0
    call.carry = False


# ---- waiting, by the real-time clock's periodic interrupt ------------------------------------------------------------

def start_wait(bios, microseconds: int, segment: int, offset: int) -> bool:
    """Have bit 7 of a byte set after so many microseconds. False if somebody waits already."""
    if bios.byte(layout.WAIT_ACTIVE) & 1:
        return False
    bios.set_word(layout.WAIT_FLAG_POINTER, offset)
    bios.set_word(layout.WAIT_FLAG_POINTER + 2, segment)
    bios.machine.memory.write_u32(layout.WAIT_COUNT, microseconds)
    bios.set_byte(layout.WAIT_ACTIVE, 1)
    bios.port_out(0xA1, bios.port_in(0xA1) & ~0x01 & 0xFF)          # IRQ 8
    bios.port_out(0x21, bios.port_in(0x21) & ~0x04 & 0xFF)          # and the cascade it comes by
    bios.set_cmos(0x0A, 0x26)                                       # 1024 a second
    bios.set_cmos(0x0B, bios.cmos(0x0B) | 0x40)
    bios.cmos(0x0C)                                                 # drop what is pending
    return True


def stop_wait(bios) -> None:
    bios.set_cmos(0x0B, bios.cmos(0x0B) & ~0x40)
    bios.set_byte(layout.WAIT_ACTIVE, 0)


@trap("clock_irq")
def clock_interrupt(bios, call):
    """INT 70h. AL: status register C: bit 6 periodic, bit 5 alarm. The stub calls INT 4Ah if JC is taken."""
    status = call.al
    if status & 0x40 and bios.byte(layout.WAIT_ACTIVE) & 1:
        left = bios.machine.memory.read_u32(layout.WAIT_COUNT)
        if left > MICROSECONDS_A_TICK:
            bios.machine.memory.write_u32(layout.WAIT_COUNT, left - MICROSECONDS_A_TICK)
        else:
            bios.machine.memory.write_u32(layout.WAIT_COUNT, 0)
            stop_wait(bios)
            address = (bios.word(layout.WAIT_FLAG_POINTER + 2) << 4) + bios.word(layout.WAIT_FLAG_POINTER)
            flag = bios.read(address, 1)[0]
            bios.write(address, bytes([flag | 0x80]))
    call.branch = bool(status & 0x20)


@service(0x15, 0x83, "event wait")
def event_wait(bios, call):
    """AL=0: set bit 7 of ES:BX after CX:DX microseconds, meanwhile go on. AL=1: cancel that."""
    if call.al == 1:
        stop_wait(bios)
        succeed(call)
    elif call.al == 0:
        started = start_wait(bios, call.cx << 16 | call.dx, call.es, call.bx)
        call.carry = not started
        call.ah = 0 if started else IN_USE
    else:
        call.unimplemented()


@service(0x15, 0x86, "wait")
def wait(bios, call):
    """CX:DX microseconds, in steps of the clock's 976; interrupts run meanwhile."""
    call.note(f"wait {call.cx << 16 | call.dx} microseconds")
    if not start_wait(bios, call.cx << 16 | call.dx, 0, layout.WAIT_ACTIVE):
        fail(call, IN_USE)
        return
    call.branch = True


@trap("wait")
def still_waiting(bios, call):
    """INT 15h AH=86h was woken by some interrupt. The JC behind it goes on waiting."""
    if bios.byte(layout.WAIT_ACTIVE) & 1:
        call.branch = True
        return
    bios.set_byte(layout.WAIT_ACTIVE, 0)
    succeed(call)


# ---- moving memory ---------------------------------------------------------------------------------------------------

@service(0x15, 0x87, "move memory")
def move_memory(bios, call):
    """CX words between anywhere below 16 MB (or 4 GB), by descriptors in the table at ES:SI.

        00  null   08  of the table itself   10  source   18  destination   20  code   28  stack

    Both must be data segments that are long enough, else the processor in protected mode would fault. The A20 gate is open
    for the move."""
    if call.cx > 0x8000:
        fail(call, MOVE_FAULT)
        return
    length = 2 * call.cx
    (source, readable, _), (destination, _, writable) = (_data_segment(call.read("es", call.si + at, 8), length)
                                                         for at in (0x10, 0x18))
    call.note(f"move {length} bytes from {source:08X}h to {destination:08X}h")
    if length and not (readable and writable):
        fail(call, MOVE_FAULT)
        return
    gate = bios.machine.cpu.a20
    bios.machine.set_a20(True)
    bios.write(destination, bios.read(source, length))
    bios.machine.set_a20(gate)
    succeed(call)
    call.zero = True


def _data_segment(descriptor, length):
    """(base, whether `length` bytes can be read through this descriptor, and written).

        0  limit   2  base, 3 bytes   5  access   6  G . . .  limit 19..16   7  base 31..24
    """
    base = int.from_bytes(descriptor[2:5] + descriptor[7:8], "little")
    limit = int.from_bytes(descriptor[0:2], "little") | (descriptor[6] & 0x0F) << 16
    if descriptor[6] & GRANULAR:
        limit = limit << 12 | 0xFFF
    access = descriptor[5]
    there = access & PRESENT and access & SEGMENT and not access & CODE and length - 1 <= limit
    return base, bool(there), bool(there and access & WRITABLE)


# ---- what this machine is --------------------------------------------------------------------------------------------

@service(0x15, 0xC0, "system configuration")
def system_configuration(bios, call):
    call.es, call.bx = layout.ROM_SEGMENT, layout.CONFIGURATION_TABLE
    succeed(call)


@service(0x15, 0xC1, "extended BIOS data area")
def extended_data_area(bios, call):
    segment = bios.word(layout.EBDA_SEGMENT_WORD)
    if not segment:
        call.unimplemented()
        return
    call.es = segment
    call.carry = False


@service(0x15, 0xC9, "processor")
def processor(bios, call):
    """CH the family, CL model and stepping: what DX holds after a reset."""
    signature = bios.machine.cpu.model.signature
    call.ch, call.cl = signature >> 8 & 0x0F, signature & 0xFF
    succeed(call)


@service(0x15, 0xEC00, "target processor mode")
def target_mode(bios, call):
    """BL: 1 legacy, 2 long, 3 both. The BIOS is told which; there is nothing that it would do differently."""
    if 1 <= call.bl <= 3:
        succeed(call)
    else:
        call.unimplemented()
