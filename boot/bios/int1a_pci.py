"""INT 1Ah AH=B1h: the PCI BIOS, over configuration mechanism 1.

    port CF8h:  31 enable   23..16 bus   15..11 device   10..8 function   7..2 register       port CFCh: the register
    BX:         15..8 bus   7..3 device  2..0 function

The same functions are entered from protected mode by BIOS32 (protected.py). Where no host bridge answers at CF8h there is
no PCI, and all of it is answered as not supported.

Source: PCI BIOS Specification 2.1.
"""
from __future__ import annotations

import struct

from boot import layout
from boot.bios import routing
from boot.bios.service import NearCall, service

ADDRESS, DATA = 0xCF8, 0xCFC
ENABLE = 0x80000000
OK, BAD_VENDOR, NOT_FOUND, BAD_REGISTER, SET_FAILED, TOO_SMALL = 0x00, 0x83, 0x86, 0x87, 0x88, 0x89
NOTHING_THERE = 0xFFFF


def present(bios) -> bool:
    """Whether a host bridge keeps what is written to CF8h, and has a vendor."""
    bios.port_out(ADDRESS, ENABLE, 4)
    return bios.port_in(ADDRESS, 4) == ENABLE and bios.port_in(DATA, 2) != NOTHING_THERE


def _select(bios, where, register):
    bios.port_out(ADDRESS, ENABLE | where << 8 | register & 0xFC, 4)
    return DATA + (register & 3)


def read(bios, where: int, register: int, size: int) -> int:
    """`size` bytes of the configuration space of the function that BX names as `where`."""
    return bios.port_in(_select(bios, where, register), size)


def write(bios, where: int, register: int, value: int, size: int) -> None:
    bios.port_out(_select(bios, where, register), value, size)


def functions(bios):
    """Every function of bus 0 and of the buses behind its bridges, as BX names them, in ascending order."""
    last = 0
    bus = 0
    while bus <= last:
        for device in range(32):
            for function in range(8):
                where = bus << 8 | device << 3 | function
                if read(bios, where, 0x00, 2) == NOTHING_THERE:
                    if function == 0:
                        break
                    continue
                yield where
                header = read(bios, where, 0x0E, 1)
                if header & 0x7F == 1:              # a bridge: its subordinate bus number
                    last = max(last, read(bios, where, 0x1A, 1))
                if function == 0 and not header & 0x80:
                    break
        bus += 1


def _answer(call, status):
    call.ah = status
    call.carry = status != OK


def _pci(function, title):
    """A service of the PCI BIOS: not supported where there is no PCI."""
    def register(implementation):
        @service(0x1A, function, title)
        def checked(bios, call):
            if present(bios):
                implementation(bios, call)
            else:
                call.unimplemented()
        return checked
    return register


@_pci(0xB101, "PCI BIOS present?")
def installation(bios, call):
    call.al = 0x01                                  # configuration mechanism 1
    call.bx = 0x0210                                # version 2.1
    call.cl = max(where >> 8 for where in functions(bios))
    call.edx = 0x20494350                           # "PCI "
    call.edi = layout.ROM + bios.symbols["pci_entry"]           # for protected mode
    _answer(call, OK)


@_pci(0xB102, "find PCI device")
def find_device(bios, call):
    """CX device, DX vendor, SI which of several."""
    if call.dx == NOTHING_THERE:
        _answer(call, BAD_VENDOR)
        return
    wanted = call.cx << 16 | call.dx
    _nth(call, (where for where in functions(bios) if read(bios, where, 0x00, 4) == wanted))


@_pci(0xB103, "find PCI class")
def find_class(bios, call):
    """ECX class code, subclass, interface; SI which of several."""
    wanted = call.ecx & 0xFFFFFF
    _nth(call, (where for where in functions(bios) if read(bios, where, 0x08, 4) >> 8 == wanted))


def _nth(call, found):
    for index, where in enumerate(found):
        if index == call.si:
            call.bx = where
            _answer(call, OK)
            return
    _answer(call, NOT_FOUND)


def _configuration(size, writing):
    names = {1: ("byte", "cl"), 2: ("word", "cx"), 4: ("double word", "ecx")}
    title, register = names[size]

    @_pci((0xB10B if writing else 0xB108) + (1, 2, 4).index(size), f"{'write' if writing else 'read'} PCI {title}")
    def access(bios, call):
        if call.di > 0xFF or call.di % size:
            _answer(call, BAD_REGISTER)
            return
        if writing:
            write(bios, call.bx, call.di, getattr(call, register), size)
        else:
            setattr(call, register, read(bios, call.bx, call.di, size))
        _answer(call, OK)
    return access


for _size in (1, 2, 4):
    _configuration(_size, writing=False)
    _configuration(_size, writing=True)


# ---- interrupts and special cycles -----------------------------------------------------------------------------------

@_pci(0xB106, "PCI special cycle")
def special_cycle(bios, call):
    """BH bus, EDX the message: a write to register 0 of device 31, function 7, which nobody is."""
    write(bios, call.bh << 8 | 0xFF, 0, call.edx, 4)
    _answer(call, OK)


@_pci(0xB10E, "PCI interrupt routing options")
def routing_options(bios, call):
    """ES:DI -> size of a buffer, word, and far pointer to it, which gets the slots of $PIR. BX: PCI's own interrupts."""
    near = isinstance(call, NearCall)
    place = bios.linear("es", call.edi if near else call.di)
    size, offset, segment = struct.unpack("<HIH" if near else "<HHH", bios.read(place, 8 if near else 6))
    slots = routing.entries()
    bios.write(place, struct.pack("<H", len(slots)))
    if size < len(slots):
        _answer(call, TOO_SMALL)
        return
    base = bios.segment_base(segment) if near else segment << 4
    bios.write(base + offset, slots)
    call.bx = routing.ALLOWED
    _answer(call, OK)


@_pci(0xB10F, "lead PCI interrupt")
def lead(bios, call):
    """BX the function, CL its pin (0Ah to 0Dh), CH the interrupt, which all pins on that line then have."""
    bus, slot, pin = call.bh, call.bl >> 3, call.cl - 0x0A
    led = bus == 0 and 0 <= pin < 4 and routing.lead(bios, slot, pin, call.ch)
    _answer(call, OK if led else SET_FAILED)


@service(0x1A, 0xB1, "PCI BIOS, not supported")
def unknown(bios, call):
    bios.count_unimplemented(call)
    call.ah = 0x81
    call.carry = True
