"""The 8042 as the BIOS talks through it to keyboard and mouse, while the guest's code stands still.

What already waits in the output buffer is a key or a movement that nobody has fetched. It is taken out for the time and put
back by the commands D2h (as if from the keyboard) and D3h (from the mouse), so its interrupt comes as if nothing had been.
A service does not run while an interrupt is delivered, and a line that falls again leaves nothing in the 8259s: the
exchange needs no masks.

Source: IBM PS/2 Hardware Interface Technical Reference, "Keyboard and Auxiliary Device Controller".
"""
from __future__ import annotations

DATA, COMMAND = 0x60, 0x64
FULL, FROM_MOUSE = 0x01, 0x20                       # of the status
READ_COMMAND_BYTE, WRITE_COMMAND_BYTE, TO_MOUSE = 0x20, 0x60, 0xD4
AS_KEYBOARD, AS_MOUSE = 0xD2, 0xD3
ACK = 0xFA
MOST = 16                                           # bytes that are read on end: nobody answers with more


def _drain(bios):
    """[(byte, whether it is the mouse's)] of what waits in the output buffer."""
    found = []
    while len(found) < MOST and (status := bios.port_in(COMMAND)) & FULL:
        found.append((bios.port_in(DATA), bool(status & FROM_MOUSE)))
    return found


def _put_back(bios, waiting):
    for value, from_mouse in waiting:
        bios.port_out(COMMAND, AS_MOUSE if from_mouse else AS_KEYBOARD)
        bios.port_out(DATA, value)


def exchange(bios, *values: int, mouse: bool = False) -> bytes | None:
    """Send bytes to the keyboard, or the mouse, each when the one before was acknowledged. What came behind the last FAh;
    None if one of them was not acknowledged."""
    waiting = _drain(bios)
    answer = None
    for value in values:
        if mouse:
            bios.port_out(COMMAND, TO_MOUSE)
        bios.port_out(DATA, value)
        found = bytes(byte for byte, _ in _drain(bios))
        if found[:1] != bytes((ACK,)):
            answer = None
            break
        answer = found[1:]
    _put_back(bios, waiting)
    return answer


def change_command_byte(bios, on: int, off: int = 0) -> None:
    """Set the bits `on` of the command byte, clear the bits `off`."""
    waiting = _drain(bios)
    bios.port_out(COMMAND, READ_COMMAND_BYTE)
    value = bios.port_in(DATA)
    bios.port_out(COMMAND, WRITE_COMMAND_BYTE)
    bios.port_out(DATA, value & ~off & 0xFF | on)
    _put_back(bios, waiting)
