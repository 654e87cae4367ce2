"""An exception that reached the firmware's own handlers: nobody handles it, and the machine stops with the reason."""
from __future__ import annotations

from x86 import faults


def report(uefi, vector: int) -> None:
    """Stop with kind "exception": the place in words, and what is special about it under UEFI."""
    machine = uefi.machine
    event = next((event for event in reversed(machine.cpu.events) if event.vector == vector and event.kind != "interrupt"),
                 None)
    where = uefi.place(event.rip) if event else "an unknown place"
    words = f"{faults.name_of(vector)} in {where}, and no handler of the program's own"
    machine.stop("exception", vector, words)
