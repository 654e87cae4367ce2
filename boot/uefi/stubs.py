"""The firmware's code as bytes: the ROM at the reset vector, the routines of stubs.asm, and a stub for each service.

    B8 number       mov  eax, number
    E6 B6           out  0B6h, al
    0F 82 rel32     jc   call_out       runtime services have a copy of their own, which stays where they do
    C3              ret
"""
from __future__ import annotations

import struct
from importlib import resources

from boot.uefi.service import RUNTIME, SERVICES, find

SERVICE_PORT = 0xB6                     # SERVICE, NEXT and EXCEPTION of stubs.asm are the three ports from here
NAMES = ("call_out", "next", "idle", "nothing", "timer", "spurious", "exceptions", "start", "tick", "manage")
EXCEPTION_SIZE, STUB_SIZE = 16, 16


def reset_rom() -> bytes:
    """The 4 KB below 4 GB."""
    return resources.files(__package__).joinpath("reset.bin").read_bytes()


def routines() -> tuple[bytearray, dict[str, int]]:
    """stubs.asm with the numbers of its services filled in, and where its labels are."""
    code = bytearray(resources.files(__package__).joinpath("stubs.bin").read_bytes())
    labels = dict(zip(NAMES, struct.unpack_from(f"<{len(NAMES)}I", code)))
    for label, name in (("tick", "TimerTick"), ("manage", "BootManager")):
        struct.pack_into("<I", code, labels[label] + 1, find("internal", name).number)
    return code, labels


def boot_code(address: int) -> tuple[bytes, dict[str, int], dict[int, int]]:
    """The code for `address`: its bytes, label -> address, service number -> address of its stub."""
    code, labels = routines()
    labels = {name: address + offset for name, offset in labels.items()}
    stubs = {find("internal", "TimerTick").number: labels["tick"], find("internal", "BootManager").number: labels["manage"]}
    for service in SERVICES:
        if service.kind != RUNTIME and service.number not in stubs:
            stubs[service.number] = address + _append_stub(code, service, labels["call_out"] - address)
    return bytes(code), labels, stubs


def _append_stub(code: bytearray, service, call_out: int) -> int:
    """Append the stub of a service; its offset. call_out: the offset of that routine."""
    code += bytes(-len(code) % STUB_SIZE)
    at = len(code)
    code += b"\xB8" + struct.pack("<I", service.number) + bytes((0xE6, SERVICE_PORT)) + b"\x0F\x82"
    code += struct.pack("<i", call_out - (at + 13)) + b"\xC3"
    return at


def runtime_code(address: int) -> tuple[bytes, dict[str, int], dict[int, int]]:
    """The same of the runtime services; the one label is runtime_next."""
    routine, labels = routines()
    code, stubs = routine[labels["call_out"]:labels["idle"]], {}
    for service in SERVICES:
        if service.kind == RUNTIME:
            stubs[service.number] = address + _append_stub(code, service, 0)
    return bytes(code), {"runtime_next": address + labels["next"] - labels["call_out"]}, stubs
