"""The lines in which the machine answers a guest otherwise than OVMF does, and why that is right."""
from __future__ import annotations

# (guest, line): what is answered here, and where the specification says so
DIFFERENT: dict[tuple[str, str], tuple[str, str]] = {
    ("memory", "GetMemoryMap, the buffer behind the map is as it was"):
        ("yes", "UEFI 2.10, 7.2.3: MemoryMapSize is the size that was returned; behind it nothing is promised"),
    ("memory", "EfiPalCode, AllocatePages"):
        ("SUCCESS, has its type in the map yes, RUNTIME no, WB yes", "UEFI 2.10, table 7-5: there is no PAL on x86"),
    ("memory", "EfiUnacceptedMemoryType, AllocatePool"):
        ("INVALID_PARAMETER", "UEFI 2.10, 7.2.1: as AllocatePages says of EfiUnacceptedMemoryType"),
    ("memory", "AllocatePages, 2^52 pages"):
        ("OUT_OF_RESOURCES", "UEFI 2.10, 7.2.1: the pages could not be allocated; INVALID_PARAMETER is not for their number"),
    ("memory", "FreePages, across the hole, the type of the first page is then"):
        ("2", "UEFI 2.10, 7.2.2: the pages of a call that fails are not freed"),
    ("memory", "FreePages, where no memory is, and not at a page"):
        ("INVALID_PARAMETER", "UEFI 2.10, 7.2.2: Memory is not a page-aligned address"),
    ("memory", "AllocatePool, 2^40 bytes, the buffer is then"):
        ("as it was", "UEFI 2.10, 7.2.4: Buffer is written when the call succeeds"),
    ("text_input", "keyboard, the 102nd key"):
        ("scan 0, character 5c, shift 80000000, toggle 80", "UEFI 2.10, 12.2.3: OVMF's table of scan codes ends before 56h"),
    ("text_input", "locks, Shift goes down"):
        ("scan 0, character 0, shift 80000002, toggle c0", "UEFI 2.10, 12.2.3: a partial keystroke, which SetState asked for"),
}
