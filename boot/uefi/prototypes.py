"""The specification's own prototypes, read: what a service takes, of which type, and how to show it.

    AllocatePages(IN EFI_ALLOCATE_TYPE Type, IN EFI_MEMORY_TYPE MemoryType, IN UINTN Pages,
                  IN OUT EFI_PHYSICAL_ADDRESS *Memory)

is the row from which the arguments are fetched (masked to the width of their type) and a line of the firmware's trace is
made. The first argument of a protocol's function, This, is not written.

Source: UEFI 2.10, table 2.3 "Common UEFI Data Types", and section 2.3.4 (calling convention: RCX, RDX, R8, R9, then the
stack behind 32 bytes that belong to the called).
"""
from __future__ import annotations

import re
from dataclasses import dataclass

#: Bytes of what is passed by value; every other type is 8 wide: UINTN, UINT64, handles, pointers.
SIZES = {"BOOLEAN": 1, "UINT8": 1, "INT8": 1, "UINT16": 2, "INT16": 2, "CHAR16": 2, "UINT32": 4, "INT32": 4,
         "EFI_ALLOCATE_TYPE": 4, "EFI_MEMORY_TYPE": 4, "EFI_TIMER_DELAY": 4, "EFI_INTERFACE_TYPE": 4,
         "EFI_LOCATE_SEARCH_TYPE": 4, "EFI_RESET_TYPE": 4, "EFI_GRAPHICS_OUTPUT_BLT_OPERATION": 4,
         "EFI_PARITY_TYPE": 4, "EFI_STOP_BITS_TYPE": 4, "EFI_PCI_IO_PROTOCOL_WIDTH": 4,
         "EFI_PCI_IO_PROTOCOL_ATTRIBUTE_OPERATION": 4, "EFI_PCI_IO_PROTOCOL_OPERATION": 4,
         "EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_WIDTH": 4, "EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_OPERATION": 4}

PARAMETER = re.compile(r"(?:(IN OUT|IN|OUT)\s+)?(?:CONST\s+)?(?:VOLATILE\s+)?(\w+)\s*(\**)\s*(\w+)(?:\s+OPTIONAL)?$")


@dataclass(frozen=True)
class Parameter:
    """One argument. direction: IN, OUT or IN OUT; stars: how many * its type has."""
    direction: str
    type: str
    stars: int
    name: str
    optional: bool

    @property
    def mask(self) -> int:
        """What of the 64 bits belongs to it: the caller need not have cleared the rest."""
        return (1 << 8 * (8 if self.stars else SIZES.get(self.type, 8))) - 1


@dataclass(frozen=True)
class Prototype:
    """A service's name and parameters. variadic: more follow, `...`, which the service fetches itself."""
    name: str
    parameters: tuple[Parameter, ...]
    variadic: bool = False


def parse(text: str) -> Prototype:
    """A Prototype from the specification's spelling. ValueError for what is none."""
    match = re.fullmatch(r"(\w+)\((.*)\)", " ".join(text.split()))
    if not match:
        raise ValueError(f"{text!r} is no prototype")
    parameters, variadic = [], False
    for part in filter(None, (part.strip() for part in match[2].split(","))):
        if part in ("...", "VOID"):
            variadic = part == "..."
            continue
        found = PARAMETER.fullmatch(part)
        if not found:
            raise ValueError(f"{part!r} in {text!r} is no parameter")
        parameters.append(Parameter(found[1] or "IN", found[2], len(found[3]), found[4], part.endswith("OPTIONAL")))
    return Prototype(match[1], tuple(parameters), variadic)
