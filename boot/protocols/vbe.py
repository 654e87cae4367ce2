"""The VESA BIOS's part in a kernel's graphics mode: it finds the mode, sets it, and describes it in its own blocks.

Source: VESA BIOS Extension Core Functions Standard 3.0, functions 00h to 03h, 09h and 0Ah.
"""
from __future__ import annotations

import struct
from typing import NamedTuple

from boot.protocols import bios_call

CONTROLLER, MODE, SET, GET, PROTECTED = 0x4F00, 0x4F01, 0x4F02, 0x4F03, 0x4F0A
DONE = 0x004F
LINEAR_BIT = 0x4000
SUPPORTED_AND_LINEAR = 0x0091               # mode attributes: 0 supported, 4 graphics, 7 linear frame buffer
PACKED, DIRECT = 4, 6                       # memory models
MOST_MODES = 1024                           # the list has an end; so many are not asked for without one
CONTROLLER_SIZE, MODE_SIZE = 512, 256


class Mode(NamedTuple):
    """A graphics mode with a linear frame buffer, and its number and block as the BIOS has them."""
    number: int
    block: bytes
    width: int
    height: int
    depth: int


class Information(NamedTuple):
    """What both versions of multiboot tell of VBE: the mode's number, the entry for protected mode, both blocks."""
    number: int
    segment: int
    offset: int
    length: int
    controller: bytes
    mode: bytes


def modes(machine) -> list[Mode]:
    """The modes with a linear frame buffer of 8 to 32 bits a dot, in the BIOS's order; none without a VESA BIOS."""
    if not bios_call.possible(machine):
        return []
    found, numbers = [], _numbers(machine)
    for number in numbers:
        answer = bios_call.call(machine, 0x10, eax=MODE, ecx=number)
        block = answer.buffer[:MODE_SIZE]
        attributes, = struct.unpack_from("<H", block)
        width, height = struct.unpack_from("<HH", block, 0x12)
        depth, model = block[0x19], block[0x1B]
        if (answer.eax & 0xFFFF == DONE and attributes & SUPPORTED_AND_LINEAR == SUPPORTED_AND_LINEAR
                and model in (PACKED, DIRECT) and struct.unpack_from("<I", block, 0x28)[0]):
            found.append(Mode(number, block, width, height, depth))
    return found


def _controller(machine):
    """The controller's block, or None."""
    answer = bios_call.call(machine, 0x10, b"VBE2", eax=CONTROLLER)
    return answer.buffer[:CONTROLLER_SIZE] if answer.eax & 0xFFFF == DONE else None


def _numbers(machine):
    """The numbers in the controller's list, which may lie in its block."""
    block = _controller(machine)
    if block is None:
        return []
    offset, segment = struct.unpack_from("<HH", block, 0x0E)
    words = struct.unpack(f"<{MOST_MODES}H", machine.memory.read(segment * 16 + offset, 2 * MOST_MODES))
    return words[:words.index(0xFFFF)] if 0xFFFF in words else []


def set_mode(machine, mode: Mode) -> Information | None:
    """Set a mode with its frame buffer; what a kernel is told, or None where the BIOS cannot."""
    if bios_call.call(machine, 0x10, eax=SET, ebx=mode.number | LINEAR_BIT).eax & 0xFFFF != DONE:
        return None
    number = bios_call.call(machine, 0x10, eax=GET).ebx & 0xFFFF
    entry = bios_call.call(machine, 0x10, eax=PROTECTED)
    there = (entry.es, entry.edi & 0xFFFF, entry.ecx & 0xFFFF) if entry.eax & 0xFFFF == DONE else (0, 0, 0)
    return Information(number, *there, _controller(machine), mode.block)
