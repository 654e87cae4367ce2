"""Where a directly started kernel finds what the start needs: preferred places in low memory, one sentence each.

The kernel's own segments come first: what is in the way of one of them goes to the next free place.
"""
from __future__ import annotations

STACK_TOP = 0x07000         # ESP or RSP at entry where a protocol says nothing: the stack that POST used.
GDT = 0x07000               # The descriptor table that the start uses, so that reloading its selectors works.
PAGE_TABLES = 0x10000       # PML4, PDPT and four page directories, for a kernel that starts in long mode.
INFORMATION = 0x09000       # What the protocol tells the kernel: the multiboot information and all it points to.
SETUP = 0x10000             # The 16-bit code of a Linux kernel, where its protocol lets it lie anywhere,
OLD_SETUP = 0x90000         # and where that of old ones, and of a zImage, has to lie.
ZERO_PAGE = 0x08000         # What a Linux kernel is told where its 16-bit code does not run: struct boot_params.
MODULES = 0x100000          # Modules go above the kernel if there is room, and never below this address.
