"""An exception that reached the firmware's own handlers: nobody handles it, and the machine stops with the reason.

What the post-mortem (x86/debug/explain.py) asks of a firmware is here, too: whose memory an address is, and what to look at.
"""
from __future__ import annotations

from boot.uefi.definitions import PAGE, MemoryType
from boot.uefi.guest_memory import BadPointer
from x86 import faults

PRESENT, WRITE, FETCH = 1, 2, 16        # bits of a page fault's error code


def report(uefi, vector: int) -> None:
    """Stop with kind "exception": the exception and its place in words."""
    event = next((event for event in reversed(uefi.machine.cpu.events)
                  if event.vector == vector and event.kind != "interrupt"), None)
    where = f" in {uefi.place(event.rip)}" if event else ""
    uefi.machine.stop("exception", vector, f"{faults.name_of(vector)}{where}, and the program has no handler of its own")


def owner(uefi, address: int) -> str:
    """Whose memory an address is: `BOOTX64.EFI .text+12Ah`, `pages of type LoaderData`, `free memory (Conventional)`."""
    if uefi.images is not None and uefi.images.at(address):
        return uefi.place(address)
    found = uefi.map.find(address) if uefi.map is not None else None
    if found is None:
        return "no memory of the memory map"
    try:
        name = MemoryType(found.type).name
    except ValueError:
        name = f"{found.type:X}h"
    if found.type == MemoryType.Conventional:
        return f"free memory ({name}), which nobody has allocated"
    return f"pages of type {name}"


def advice(uefi, event) -> str:
    """What to look at after a fault of a program under UEFI; "" where there is nothing special to say."""
    if event.vector == faults.PF:
        return _page_fault(uefi, event.address, event.error or 0)
    if event.vector == faults.GP and event.cause == faults.CAUSE_MISALIGNED_OPERAND:
        return ("An instruction that wants 16-byte alignment met another address. If it is on the stack, the stack was "
                "misaligned before: RSP is a multiple of 16 where CALL stands, and entry points start 8 below.")
    if event.vector == faults.UD and _is_zeros(uefi, event.rip):
        return f"The code there is zeros: {owner(uefi, event.rip)}."
    return ""


def _page_fault(uefi, address, error):
    whose = owner(uefi, address)
    if address < PAGE and error & FETCH:
        return ("A null pointer was called. Look at the last call of the firmware that failed: an interface that "
                "LocateProtocol or HandleProtocol did not find stays NULL, and so are ConIn and ConOut after "
                "ExitBootServices.")
    if not error & PRESENT:
        return (f"Nothing is mapped at {address:X}h: it is {whose}. The firmware maps all memory to itself, so the pointer "
                f"is no address of anything: never set, cut off, or overwritten.")
    image = uefi.images.at(address) if uefi.images is not None else None
    named = f"The address is {whose}."
    if image and error & FETCH:
        return named + " Its header says that this section is not executable, and the image says NX_COMPAT, so it is not."
    if image and error & WRITE:
        return (named + " Its header says that this section is not writable, and the image says NX_COMPAT, so it is not: "
                "what changes belongs into .data. --protect-images never shows whether that is all.")
    return named


def _is_zeros(uefi, address):
    try:
        return not any(uefi.read(address, 8))
    except BadPointer:
        return False
