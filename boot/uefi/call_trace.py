"""A call of the firmware as a line of text: `AllocatePages(Address, LoaderData, 4, 100000h) = NOT_FOUND`."""
from __future__ import annotations

from boot.uefi.definitions import status_name


def line(uefi, call, result) -> str:
    """The call, and what it returned; without a result it is still going on."""
    arguments = ", ".join(f"{number:X}h" for number in call.arguments)
    words = f"  ({call.note})" if call.note else ""
    return f"{call.service.name}({arguments})" + (" ..." if result is None else f" = {status_name(int(result))}") + words
