"""The lines in which the machine answers a guest otherwise than OVMF does, and why that is right."""
from __future__ import annotations

# (guest, line): what is answered here, and where the specification says so
DIFFERENT: dict[tuple[str, str], tuple[str, str]] = {
    ("memory", "GetMemoryMap, the buffer behind the map is as it was"):
        ("yes", "UEFI 2.10, 7.2.3: MemoryMapSize is the size that was returned; behind it nothing is promised"),
    ("memory", "EfiPalCode, AllocatePages"):
        ("SUCCESS, has its type in the map yes, RUNTIME no, WB yes",
         "UEFI 2.10, 7.2.1: EfiPalCode is memory like another where there is no Itanium"),
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
    ("images", "LoadImage, machine is i386"):
        ("UNSUPPORTED, NULL", "UEFI 2.10, 2.1.1: machine types; OVMF loads it and refuses to start it"),
    ("images", "LoadImage, entry point beyond the image"):
        ("UNSUPPORTED, NULL", "UEFI 2.10, 7.4.1: an image that cannot be started; OVMF would jump there"),
    ("images", "LoadImage, subsystem 13, SAL runtime driver"):
        ("UNSUPPORTED, NULL", "UEFI 2.10, 2.1.1: the subsystems are 10, 11 and 12; SAL is Itanium's"),
    ("calling", "while timers fire, IF behind a service that was called with CLI"):
        ("0", "UEFI 2.10, 2.3.4: what a service does to IF is nowhere promised; OVMF sets it with the TPL"),
    ("variables", "the specification's variables, BootCurrent"):
        ("NOT_FOUND", "UEFI 2.10, 3.5.1.1: no boot option was started, but the default of a medium"),
    ("variables", "the specification's variables, BootOrder"):
        ("NOT_FOUND", "UEFI 2.10, 3.1.1: nobody has made boot options; OVMF makes one of each medium"),
    ("media", "the partition's BlockIo, ReadBlocks, block 2^63"):
        ("INVALID_PARAMETER", "UEFI 2.10, 13.9.3: the LBA is not valid; OVMF's sum with the partition's start wraps"),
    ("media", "the partition's BlockIo, ReadBlocks, block 2^64-1"): ("INVALID_PARAMETER", "UEFI 2.10, 13.9.3: as above"),
    ("handover", "ExitBootServices, BEFORE_EXIT_BOOT_SERVICES is told, with another key"):
        ("1 times", "UEFI 2.10, 7.4.6: the group is signaled before the key is looked at; this OVMF does not know it"),
    ("collation", "StriColl, 13"):
        ("<ff> is the same <178>", "UEFI 2.10, EFI_UNICODE_COLLATION_PROTOCOL: without regard to case; OVMF knows Latin-1 only"),
    ("collation", "StriColl, 14"): ("<105> is the same <104>", "UEFI 2.10, EFI_UNICODE_COLLATION_PROTOCOL: as above"),
    ("collation", "StriColl, 15"): ("<3b1> is the same <391>", "UEFI 2.10, EFI_UNICODE_COLLATION_PROTOCOL: as above"),
    ("collation", "MetaiMatch, 29"):
        ("\"a-b\" and \"a[-]b\" yes", "UEFI 2.10, EFI_UNICODE_COLLATION_PROTOCOL.MetaiMatch(): any character of the set"),
    ("collation", "StrLwr"):
        ("hello, 123 <e4><df><ff><105><3b1> [z]{z}",
         "UEFI 2.10, EFI_UNICODE_COLLATION_PROTOCOL.StrLwr(): OVMF extends the sign of Latin-1's upper half"),
    ("collation", "StrUpr"):
        ("HELLO, 123 <c4><df><178><104><391> [Z]{Z}", "UEFI 2.10, EFI_UNICODE_COLLATION_PROTOCOL.StrUpr(): as above"),
    ("graphics", "handles, of discovered EDID"):
        ("SUCCESS", "UEFI 2.10, 12.9: the monitor has one; OVMF keeps what it read for itself"),
    ("graphics", "handles, of active EDID"): ("SUCCESS", "UEFI 2.10, 12.9: as above"),
    ("graphics", "fill, no buffer"):
        ("INVALID_PARAMETER", "UEFI 2.10, 12.9: there is no colour; OVMF takes what lies at address 0"),
    ("graphics", "buffer to video, far outside"):
        ("INVALID_PARAMETER", "UEFI 2.10, 12.9: that is not on the screen; OVMF's sum of place and width wraps at 64 bits"),
    ("graphics", "video to video, dots to the right"):
        ("2 0 3b 27b", "UEFI 2.10, 12.9: the lines from SourceY on; OVMF begins a line later where it goes backwards"),
    ("graphics", "video to video, dots down"): ("107 7 4d3", "UEFI 2.10, 12.9: as above"),
    ("text_output", "string, with half a surrogate pair"):
        ("WARN_UNKNOWN_GLYPH, column 2, row 5", "UEFI 2.10, 12.4: no device can show it; OVMF's splitter forgets warnings"),
    ("text_output", "test, a tab"): ("UNSUPPORTED", "UEFI 2.10, 12.4: there is no glyph for it, a box is drawn"),
    ("text_output", "cursor, off"):
        ("SUCCESS", "UEFI 2.10, 12.4: it can be switched off; OVMF answers for its serial terminal, which cannot"),
    ("text_output", "cursor, off again"): ("SUCCESS", "UEFI 2.10, 12.4: as above"),
    ("miscellaneous", "configuration tables, SMBIOS 3"):
        ("1", "UEFI 2.10, 4.6.1: both entry points are there; QEMU gives OVMF that of version 2 only"),
    ("files", "SetInfo, VOLUME_LABEL then"):
        ('SUCCESS, "NEW LABEL"', "UEFI 2.10, 13.5.17: the label is what was set; OVMF drops its blanks"),
    ("pci", "the display adapter, ROM of size 0"):
        ("yes", "UEFI 2.10, 14.4.1: RomSize is 0 where there is no ROM; QEMU's has one"),
}
